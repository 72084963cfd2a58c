/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sign-ins that an OAuth2 server waits for. A flow begins by asking that server what its challenge stands for, and ends by telling it who
 * has signed in. It is told of a session that stands in the store, and whoever is led on from there is asked once more whether it still
 * does: what it was told of another one is worth nothing without the URL that it answered with.
 *
 * When it does not answer nothing is lost: the session stands, and the flow remembers who has proved what. The next press of any button
 * of its form goes on from there.
 */
#include <string.h>

#include "api.h"
#include "kr_audit.h"
#include "kr_json.h"
#include "kr_oauth2.h"

/* -- a flow begins --------------------------------------------------------- */

static kr_err_t *read_challenge(const char **out, kr_ctx_t *k)
{
    *out = kr_query(k->req, "login_challenge");
    if (!*out) return NULL;
    if (!k->realm->settings->oauth2.url) /* an empty one too: the client believes in a server that is not there */
        return kr_err(k, 500, "invalid_configuration", "login_challenge was sent, but no OAuth2 server is configured");
    if (!**out) return kr_err(k, 400, NULL, "login_challenge is empty");
    if (strlen(*out) > KR_CHALLENGE_MAX) return kr_err(k, 400, NULL, "login_challenge is longer than %d bytes", KR_CHALLENGE_MAX);
    return kr_utf8_valid(*out, strlen(*out)) ? NULL : kr_err(k, 400, NULL, "login_challenge is not valid UTF-8");
}

/* As clients know it: what was asked for becomes part of the request, whose parameters stand in the order of their names then. */
static void ask_for(kr_ctx_t *k, const char *name, const char *value)
{
    kr_request_t *req = apr_pmemdup(k->pool, k->req, sizeof(*req));
    apr_array_header_t *query = apr_array_make(k->pool, req->query->nelts + 1, sizeof(kr_pair_t));

    for (int i = 0; i < req->query->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(req->query, i, kr_pair_t).name, name) != 0)
            APR_ARRAY_PUSH(query, kr_pair_t) = APR_ARRAY_IDX(req->query, i, kr_pair_t);
    APR_ARRAY_PUSH(query, kr_pair_t) = (kr_pair_t){ .name = name, .value = value };
    req->query = query;
    req->raw_query = strchr(kr_url_sorted(k->pool, "", query), '?') + 1;
    k->req = req;
}

kr_err_t *kr_oauth2_begin(kr_waiting_t *out, int *skip, kr_ctx_t *k, kr_flow_kind_e kind, int api)
{
    kr_oauth2_login_t asked;
    const char *over;

    *out = (kr_waiting_t){ .challenge = NULL };
    *skip = 0;
    KR_TRY(read_challenge(&out->challenge, k));
    if (!out->challenge || api) return NULL; /* an app has no browser that could go on there */
    KR_TRY(kr_oauth2_login(&asked, &over, k, out->challenge));
    if (over) return kr_err_go(k, over);
    if (!asked.skip && kind == KR_FLOW_LOGIN) ask_for(k, "refresh", "true");
    if (asked.request_url && *asked.request_url && k->realm->settings->oauth2.override_return_to) ask_for(k, "return_to", asked.request_url);
    out->request = asked.shown;
    *skip = asked.skip;
    return NULL;
}

/* -- somebody has signed in ------------------------------------------------ */

/* Time has passed: what it was told of must still be there. */
static kr_err_t *check_stands(kr_ctx_t *k, const kr_session_t *session)
{
    kr_session_t *is;

    KR_TRY(kr_session_load(&is, k, session->id));
    if (is && kr_session_usable(k, is)) return NULL;
    kr_log(k, KR_LOG_INFO, KRLOGNO(0841) "session %s ended while the OAuth2 server was told of it", session->id);
    return kr_err(k, 401, "session_inactive", "the session has ended meanwhile");
}

static kr_err_t *tell_server(const char **to, kr_ctx_t *k, const kr_flow_t *flow, const kr_session_t *session)
{
    const kr_oauth2_signed_in_t who = { .subject = session->identity->id, .session_id = session->id, .methods = session->methods,
                                        .acr = k->realm->settings->oauth2.acr ? kr_aal_name(session->aal) : NULL };
    kr_err_t *err;

    KR_TRY(kr_oauth2_accept_login(to, k, flow->oauth2.challenge, &who));
    err = check_stands(k, session);
    if (err) return err->status == 401 ? kr_err_lead(err, 303, kr_flow_waiting_url(k, flow)) : err;
    kr_log(k, KR_LOG_INFO, KRLOGNO(0840) "%s %s: the OAuth2 server was told of session %s", kr_flow_kind_name(flow->kind), flow->id,
           session->id);
    return NULL;
}

static kr_err_t *tell(const char **to, kr_ctx_t *k, const kr_flow_t *flow, const kr_session_t *session)
{
    const json_t *client = json_object_get(flow->oauth2.request, "client");
    kr_audit_t event = { .what = KR_AUDIT_OAUTH2_ACCEPTED, .identity_id = session->identity->id, .session_id = session->id,
                         .flow_id = flow->id, .site = kr_json_str(client, "client_id") };
    kr_err_t *err = tell_server(to, k, flow, session);

    if (err) event.what = KR_AUDIT_OAUTH2_REFUSED;
    if (err) event.reason = err->status == 503 ? "unavailable" : err->status == 401 ? "session_ended" : "refused";
    kr_audit(k, &event);
    return err;
}

kr_err_t *kr_oauth2_half_in(const char **second, kr_ctx_t *k, const kr_flow_t *flow, const kr_session_t *session)
{
    KR_TRY(kr_session_half_in(second, k, session, NULL));
    if (!*second) return NULL;
    if (flow->oauth2.challenge) *second = kr_url_with(k->pool, *second, "login_challenge", flow->oauth2.challenge);
    if (flow->return_to && kr_return_to_allowed(k, flow->return_to)) *second = kr_url_with(k->pool, *second, "return_to", flow->return_to);
    return NULL;
}

kr_err_t *kr_oauth2_skip(const char **to, kr_ctx_t *k, const kr_flow_t *flow, const kr_session_t *session)
{
    KR_TRY(kr_oauth2_half_in(to, k, flow, session));
    return *to ? NULL : tell(to, k, flow, session);
}

/* The form goes on with the cookie that the sign-in gave; the one that is on the screen counts, too. */
static kr_err_t *remember(kr_ctx_t *k, kr_flow_t *flow, const kr_session_t *session)
{
    const char *now = kr_csrf_hash(k);

    flow->oauth2.identity_id = session->identity->id;
    flow->oauth2.since = session->authenticated_at;
    if (now) {
        flow->oauth2.form = flow->csrf_hash;
        flow->csrf_hash = now;
    }
    return kr_flow_update(k, flow);
}

kr_err_t *kr_oauth2_tell(const char **to, kr_ctx_t *k, kr_flow_t *flow, const kr_session_t *session)
{
    kr_err_t *err = tell(to, k, flow, session);

    if (!err || err->status != 503) return err;
    KR_TRY(remember(k, flow, session));
    return err;
}

kr_err_t *kr_oauth2_proved_beside(kr_ctx_t *k, kr_flow_t *flow, const kr_flow_t *other)
{
    if (!other->oauth2.identity_id || flow->oauth2.identity_id) return NULL;
    kr_flow_hand_on(flow, other);
    flow->csrf_hash = other->csrf_hash;
    return kr_flow_update(k, flow);
}

/* -- once more ------------------------------------------------------------- */

int kr_oauth2_proved(const kr_flow_t *flow, const kr_session_t *session)
{
    const kr_waiting_t *w = &flow->oauth2;

    return w->challenge && !flow->api && session && !session->token_is_old && w->identity_id
           && strcmp(w->identity_id, session->identity->id) == 0 && session->authenticated_at >= w->since;
}

static kr_err_t *check_form(kr_ctx_t *k, const kr_flow_t *flow)
{
    kr_body_t body;
    const char *token;

    KR_TRY(kr_flow_body(&body, k, flow));
    token = kr_body_str(&body, "csrf_token");
    return kr_csrf_token_of(k, token, flow->oauth2.form) ? NULL : kr_csrf_check(k, flow, token);
}

kr_err_t *kr_oauth2_go_on(kr_ctx_t *k, kr_flow_t *flow, const kr_session_t *session)
{
    const char *to;
    kr_err_t *err;

    KR_TRY(check_form(k, flow));
    err = kr_oauth2_skip(&to, k, flow, session);
    return err ? kr_answer_error(k, err) : kr_answer_go(k, to); /* with the flow nothing is wrong */
}
