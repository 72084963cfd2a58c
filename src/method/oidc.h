/* SPDX-License-Identifier: Apache-2.0 */
/* What the files about sign-in with other sites share. */
#ifndef KR_METHOD_OIDC_H
#define KR_METHOD_OIDC_H

#include "kr_oidc.h"
#include "method.h"

#define KR_OIDC_GROUP "oidc"
/** What was typed beside the button that began the round, in flow->internal. */
#define KR_OIDC_TRAITS "oidc_traits"
#define KR_OIDC_TRANSIENT "oidc_transient"

/** The provider of that id that ordinary flows offer: none of an organisation's. NULL when there is none. */
const kr_oidc_provider_conf_t *kr_oidc_provider(kr_ctx_t *k, const char *id);
/** Can a browser be sent there by a button? */
int kr_oidc_has_button(const kr_oidc_provider_conf_t *provider);
/** Its name for people. */
const char *kr_oidc_label(const kr_oidc_provider_conf_t *provider);

/**
 * Begin a round: the browser gets what it comes back with, and the outcome is where it goes.
 * @param body  of the press; its upstream_parameters are handed on; or NULL
 * @return as kr_provider_auth_url; 400 for upstream_parameters that are no object
 */
kr_err_t *kr_oidc_leave(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_provider_conf_t *provider,
                        const kr_body_t *body) KR_MUST_CHECK;

/** The entry of authentication_methods, beside method and level. Pool-owned. */
const json_t *kr_oidc_details(kr_ctx_t *k, const kr_oidc_provider_conf_t *provider, const kr_provider_person_t *person);
/** The level that this sign-in at the provider is worth. */
kr_aal_e kr_oidc_level(const kr_oidc_provider_conf_t *provider, const kr_provider_person_t *person);

/** Somebody whom a provider names, on the way from one flow to another. */
typedef struct {
    const kr_oidc_provider_conf_t *provider;
    kr_provider_person_t person;
    const char *identifier;  /* of the credential */
    const json_t *traits;    /* typed into a form, or NULL */
    const json_t *transient; /* sent along, or NULL */
} kr_oidc_who_t;

/** Sign up: the mapper makes an identity of the claims. (oidc_sign_up.c) */
kr_err_t *kr_oidc_sign_up(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_who_t *who);
/** Is something that it would be found by another's? @param taken  the first that is, or NULL @param but  id of who may have it, or NULL */
kr_err_t *kr_oidc_taken(const char **taken, kr_ctx_t *k, const kr_identity_t *identity, const char *but);
/** The identity that a sign-up would make, valid or not, to look whom it would collide with; NULL when the mapper makes none. */
kr_identity_t *kr_oidc_would_be(kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_who_t *who);
/** The form of a registration anew: go on with that provider. @param decoded  {"traits"} to be filled in, or NULL: no fields for traits */
void kr_oidc_form_anew(kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_provider_conf_t *provider, const json_t *decoded);
/** Verify those addresses of an account in memory that the mapper vouches for. @return how many */
int kr_oidc_vouch(kr_ctx_t *k, kr_identity_t *identity, const json_t *verified);

/** What a provider has said waits, sealed, for the form that asks for the rest: of sites that are not asked once more. (oidc_fedcm.c) */
void kr_oidc_keep_told(kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_who_t *who);
/** Take it out, once. @return 400 when nothing of that provider waits in this flow, or another request has it */
kr_err_t *kr_oidc_take_told(kr_provider_person_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_provider_conf_t *provider) KR_MUST_CHECK;

/** Begin to prove in a login flow whose account `who` is to be linked to. (oidc_link.c) @param taken  by which it was found */
kr_err_t *kr_oidc_begin_linking(kr_outcome_t *out, kr_ctx_t *k, const kr_oidc_who_t *who, const char *taken);

/** Settings: the buttons, what is pressed, and what waited. (oidc_settings.c) */
kr_show_fn kr_oidc_show_settings;
kr_submit_fn kr_oidc_change;
kr_err_t *kr_oidc_resume(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const json_t *parked);
/** The provider has said who it is. */
kr_err_t *kr_oidc_link_own(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_who_t *who, const kr_identity_t *owner);

#endif
