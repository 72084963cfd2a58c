/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: accounts at providers that are linked and unlinked by their owner. */
#include <string.h>

#include "kr_credential.h"
#include "kr_json.h"
#include "kr_text.h"
#include "oidc.h"

#define LINKED_ALREADY "this account has a link to that provider already"
#define NOT_LINKED "this account has no link to that provider"
#define NO_SUCH "there is no such provider here"
#define LAST_WAY "this is the only way to sign in that is left, and cannot go"

static void add_button(kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_provider_conf_t *p, const char *name, int label)
{
    const kr_node_spec_t button = { .name = name, .type = "submit", .value = p->id, .label = label,
                                    .label_context = json_pack("{s:s}", "provider", kr_oidc_label(p)) };

    kr_node_add(k, flow, KR_OIDC_GROUP, &button);
}

/* What cannot go has no button. */
kr_err_t *kr_oidc_show_settings(kr_ctx_t *k, kr_flow_t *flow)
{
    const apr_array_header_t *providers = k->realm->settings->oidc.providers;
    kr_session_t *session;
    kr_identity_t *identity;
    int removable;

    KR_TRY(kr_session_whole(&session, &identity, k));
    removable = kr_identity_first_factors(k, identity) > 1;
    for (int i = 0; i < providers->nelts; i++) {
        const kr_oidc_provider_conf_t *p = &APR_ARRAY_IDX(providers, i, const kr_oidc_provider_conf_t);

        if (!kr_identity_is_linked(identity, p->id)) {
            if (kr_oidc_has_button(p)) add_button(k, flow, p, "link", 1050002);
        } else if (removable) add_button(k, flow, p, "unlink", 1050003);
    }
    return NULL;
}

static kr_err_t *refuse(kr_ctx_t *k, kr_flow_t *flow, const char *reason)
{
    kr_flow_reason(k, flow, reason);
    return kr_err_show_flow(k);
}

/* -- unlink --------------------------------------------------------------------- */

/* By the account as it is now: the last way in stays, whoever took another one away meanwhile. */
static kr_err_t *take_away(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, kr_identity_t *identity, const kr_identity_t *before)
{
    const char *provider = out->changed.wanted;

    (void)before;
    if (!kr_identity_unlink(k, identity, provider)) return refuse(k, flow, NOT_LINKED);
    return kr_identity_first_factors(k, identity) ? NULL : refuse(k, flow, LAST_WAY);
}

/* -- link ------------------------------------------------------------------------ */

/** What is to be linked. */
typedef struct {
    kr_linked_t linked;
} wanted_t;

static kr_err_t *put_link(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, kr_identity_t *identity, const kr_identity_t *before)
{
    const wanted_t *wanted = out->changed.wanted;

    if (kr_identity_is_linked(before, wanted->linked.provider)) return refuse(k, flow, LINKED_ALREADY);
    kr_identity_link(k, identity, &wanted->linked);
    return NULL;
}

kr_err_t *kr_oidc_link_own(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_who_t *who, const kr_identity_t *owner)
{
    wanted_t *wanted = apr_palloc(k->pool, sizeof(*wanted));
    kr_session_t *session;

    KR_TRY(kr_session_need(&session, k, NULL));
    if (owner && strcmp(owner->id, session->identity->id) != 0) {
        kr_flow_message(k, flow, 4000007, NULL);
        return kr_err_show_flow(k);
    }
    if (owner) return refuse(k, flow, LINKED_ALREADY);
    KR_TRY(kr_need_fresh_proof(k, flow));
    wanted->linked = (kr_linked_t){ who->provider->id, who->person.subject, who->person.id_token, who->person.access_token,
                                    who->person.refresh_token };
    flow->active = "oidc";
    KR_TRY(kr_outcome_change(out, put_link, wanted));
    out->changed.gains = (kr_proof_t){ .method = "oidc", .aal = kr_oidc_level(who->provider, &who->person),
                                       .details = kr_oidc_details(k, who->provider, &who->person) };
    return NULL;
}

/* -- what is pressed --------------------------------------------------------------- */

static const char *sent(const kr_body_t *body, const char *field)
{
    const char *value = kr_body_str(body, field);

    return value && *value ? value : NULL;
}

static kr_err_t *check_linkable(const kr_oidc_provider_conf_t **out, kr_ctx_t *k, kr_flow_t *flow, const char *id)
{
    kr_session_t *session;
    kr_identity_t *identity;

    *out = kr_oidc_provider(k, id);
    if (!*out) return refuse(k, flow, NO_SUCH);
    KR_TRY(kr_session_whole(&session, &identity, k));
    return kr_identity_is_linked(identity, id) ? refuse(k, flow, LINKED_ALREADY) : NULL;
}

static kr_err_t *check_linked(kr_ctx_t *k, kr_flow_t *flow, const char *id)
{
    kr_session_t *session;
    kr_identity_t *identity;

    KR_TRY(kr_session_whole(&session, &identity, k));
    return kr_identity_is_linked(identity, id) ? NULL : refuse(k, flow, NOT_LINKED);
}

/* For a fresh sign-in, where it is needed, only what was pressed is kept. */
static kr_err_t *need_fresh(kr_outcome_t *out, kr_ctx_t *k, const kr_flow_t *flow, const char *field, const char *id)
{
    kr_err_t *refresh = kr_need_fresh_proof(k, flow);

    return refresh ? kr_outcome_park(out, kr_json_pack(k->pool, "{s:s, s:s}", "method", "oidc", field, id), refresh) : NULL;
}

static kr_err_t *press_link(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *id, const kr_body_t *body)
{
    const kr_oidc_provider_conf_t *provider;

    KR_TRY(check_linkable(&provider, k, flow, id));
    KR_TRY(need_fresh(out, k, flow, "link", id));
    return kr_oidc_leave(out, k, flow, provider, body);
}

static kr_err_t *press_unlink(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *id)
{
    KR_TRY(need_fresh(out, k, flow, "unlink", id));
    KR_TRY(check_linked(k, flow, id));
    return kr_outcome_change(out, take_away, id);
}

kr_err_t *kr_oidc_change(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const char *to_link = sent(body, "link"), *to_unlink = sent(body, "unlink");

    if (to_link && to_unlink) return refuse(k, flow, "a provider can be linked or unlinked, not both at once");
    return to_link ? press_link(out, k, flow, to_link, body) : press_unlink(out, k, flow, to_unlink);
}

kr_err_t *kr_oidc_resume(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const json_t *parked)
{
    const char *to_link = kr_json_str(parked, "link"), *to_unlink = kr_json_str(parked, "unlink");

    if (to_link) return press_link(out, k, flow, to_link, NULL);
    return to_unlink ? press_unlink(out, k, flow, to_unlink) : kr_err(k, 400, NULL, "there is nothing to go on with");
}
