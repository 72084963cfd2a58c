/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing in with other sites. A press on a provider's button begins a round: the browser leaves with a state, and comes back with it to
 * the callback. What is believed of it is an outcome like any other; where it belongs to a flow of another kind (an unknown person at a
 * login, a known one at a registration) it says so, and api/finish.c goes on there.
 */
#ifndef KR_OIDC_H
#define KR_OIDC_H

#include "kr_method.h"
#include "kr_provider.h"

/** A round to a provider, as the state that came back tells it. */
typedef struct {
    const char *id;              /* names it: it is answered once */
    kr_flow_kind_e kind;
    const char *flow_id;
    const kr_oidc_provider_conf_t *provider;
    const char *verifier, *nonce; /* or NULL */
} kr_round_t;

/** Is signing in with other sites on? @return 404 */
kr_err_t *kr_oidc_check_on(kr_ctx_t *k) KR_MUST_CHECK;
/** Open the state of a callback. @return 400 when it is none of ours, or its provider is not in the settings any more */
kr_err_t *kr_round_open(kr_round_t *out, kr_ctx_t *k, const char *state) KR_MUST_CHECK;
/** Where the provider sends browsers back to. */
const char *kr_oidc_redirect_uri(kr_ctx_t *k, const kr_oidc_provider_conf_t *provider);

/** Is it a cookie that tells whether the browser that comes back is the one that left? Else it is the app's codes. */
int kr_round_by_cookie(const kr_flow_t *flow);

/**
 * The browser has come back with a code: redeem it, and see what the flow comes to. The round is claimed by the caller. No database handle
 * is held while the provider is asked.
 * @param back  with what came in the query
 */
kr_err_t *kr_oidc_come_back(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_round_t *round,
                            const kr_provider_back_t *back) KR_MUST_CHECK;
/** The provider, or the browser on its way, has brought no code: the flow is shown again, and a registration's form begins anew. */
void kr_oidc_no_luck(kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_provider_conf_t *provider);

/**
 * A provider says who it is, by whatever way that came: what does this flow of login, registration or settings come to?
 * @param person  its strings and claims are kept
 * @param traits  what the person typed into the form of a sign-up, which wins over what the provider says; or NULL
 */
kr_err_t *kr_oidc_outcome(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_provider_conf_t *provider,
                          const kr_provider_person_t *person, const json_t *traits) KR_MUST_CHECK;

/**
 * A sign-up by a provider found its identifier or an address taken: a login flow has to prove first whose account that is, and links then.
 * @param identity  that was to be made
 * @param out       an outcome OTHER; untouched where `done` is not of this method
 */
kr_err_t *kr_oidc_collided(kr_outcome_t *out, kr_ctx_t *k, const kr_outcome_t *done, int *collided) KR_MUST_CHECK;

/**
 * Somebody has proved who they are in a login flow in which an account at a provider waits to be linked: have the sign-in link it, where a
 * first factor is enough for that.
 * @param later  out: 1 when the account asks for a second factor first; the link goes on waiting, and kr_oidc_hand_on moves it
 * @return kr_err_show_flow with 4010009 when it is another account's
 */
kr_err_t *kr_oidc_join(int *later, kr_outcome_t *proved, kr_ctx_t *k, kr_flow_t *flow) KR_MUST_CHECK;
/** Nobody can say no to that any more: in the flow, which is about to be stored, nothing waits. */
void kr_oidc_joined(kr_flow_t *flow);
/** What waits in one login flow waits in another from now on; `to` is stored by the caller. */
void kr_oidc_hand_on(kr_ctx_t *k, const kr_flow_t *from, kr_flow_t *to);

/** The ids of those providers that the account of an identifier or address has links to. @param out  array, empty for nobody's; pool-owned */
kr_err_t *kr_oidc_linked_of(json_t **out, kr_ctx_t *k, const char *taken) KR_MUST_CHECK;
/** Of identifier-first login: show the buttons of those providers that the account of that identifier has; of nobody's, all. */
kr_err_t *kr_oidc_show_linked(kr_ctx_t *k, kr_flow_t *flow, const char *identifier) KR_MUST_CHECK;

/* -- by the browser itself (FedCM) ----------------------------------------- */

/** The sites that a browser may be asked about: those of ordinary flows that say where their configuration is. @return of kr_oidc_provider_conf_t */
apr_array_header_t *kr_oidc_fedcm_providers(kr_ctx_t *k);
/** A nonce for that site and this browser, good once within ten minutes. The browser must have an anti-CSRF cookie, or get one now. */
const char *kr_oidc_fedcm_nonce(kr_ctx_t *k, const kr_oidc_provider_conf_t *provider);
/**
 * The browser brought a token: whose is it, was it made for this browser, is it to be believed, and what does the flow come to? Used once. No
 * database handle is held while the provider's keys are asked for.
 * @param flow  of login or registration, stored
 * @param body  its fields token, nonce (or none), transient_payload
 * @return 400 with a reason, for the flow; 410 where the nonce is too old; as kr_provider_id_token
 */
kr_err_t *kr_oidc_fedcm_come_back(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body) KR_MUST_CHECK;

#endif
