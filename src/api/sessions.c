/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of the one who asks: whoami, list, revoke, and the exchange of codes for a token. */
#include <string.h>

#include "api.h"
#include "kr_audit.h"
#include "kr_tokenizer.h"

#define LIST_DEFAULT 250
#define LIST_MAX 1000

/* -- whoami --------------------------------------------------------------- */

static void say_cacheable(kr_ctx_t *k, const kr_session_t *session)
{
    const kr_settings_t *conf = k->realm->settings;
    apr_time_t left;

    if (!conf->cacheable_sessions) return;
    left = session->expires_at - k->now;
    if (conf->cacheable_sessions_max_age && left > conf->cacheable_sessions_max_age) left = conf->cacheable_sessions_max_age;
    kr_reply_header(k, "Ory-Session-Cache-For", apr_psprintf(k->pool, "%" APR_TIME_T_FMT, apr_time_sec(left)));
}

/* After an extension the cookie would end before the session does. A request that was on its way during a refresh carries the
 * token that ends soon: a cookie made of that would take the place of the new one. */
static void renew_cookie(kr_ctx_t *k, const kr_session_t *session)
{
    if (session->token_is_old) return;
    if (session->carrier == KR_CARRIED_COOKIE && apr_time_sec(session->cookie_expires) < apr_time_sec(session->expires_at))
        kr_session_cookie_set(k, session);
}

/* What was only recalled refuses nobody: they may have shown a second factor elsewhere a moment ago. */
static kr_err_t *find_out(kr_session_t **session, kr_ctx_t *k)
{
    kr_err_t *err;

    KR_TRY(kr_session_glance(session, k));
    err = *session ? kr_session_check_aal(k, *session, KR_DEMAND_WHOAMI, NULL) : kr_session_need(session, k, NULL);
    if (!err || !*session || !(*session)->recalled) return err;
    KR_TRY(kr_session_need(session, k, NULL));
    return kr_session_check_aal(k, *session, KR_DEMAND_WHOAMI, NULL);
}

static kr_err_t *answer_session(kr_ctx_t *k, const kr_session_t *session, const char *template)
{
    const char *token = NULL;
    json_t *shown;

    KR_TRY(kr_session_unfold(k, session));
    shown = kr_session_json(k, session);
    if (template) KR_TRY(kr_session_tokenize(&token, k, session, shown, template));
    if (token) json_object_set_new(shown, "tokenized", json_string(token));
    else say_cacheable(k, session); /* each token is another one, and ends by itself */
    (void)kr_answer_data(k, 200, shown);
    if (token || k->inside) return KR_DONE;
    kr_reply_render(k);
    kr_session_shown(k, session, k->reply->body);
    return KR_DONE;
}

kr_err_t *kr_whoami(kr_ctx_t *k)
{
    const char *template = kr_query(k->req, "tokenize_as");
    kr_session_t *session;
    kr_err_t *err = find_out(&session, k);

    if (template && !*template) template = NULL;
    if (err && err->status == 401 && k->realm->settings->cacheable_sessions && kr_session_carrier(k) == KR_CARRIED_NONE)
        kr_reply_header(k, "Ory-Session-Cache-For", "60");
    if (err) return err;
    kr_session_seen(k, session);
    if (!session->shown || template || k->inside) {
        err = answer_session(k, session, template);
    } else {
        say_cacheable(k, session);
        err = kr_answer_file(k, "application/json; charset=utf-8", session->shown, strlen(session->shown));
    }
    if (err != KR_DONE) return err;
    kr_reply_header(k, "X-Kratos-Authenticated-Identity-Id", session->identity->id);
    renew_cookie(k, session);
    return KR_DONE;
}

/* -- the others ----------------------------------------------------------- */

kr_err_t *kr_sessions_list(kr_ctx_t *k)
{
    const kr_page_query_t page = kr_paging(k, LIST_DEFAULT, LIST_MAX, 1);
    json_t *out = kr_json_own(k->pool, json_array());
    apr_array_header_t *others;
    apr_int64_t total;
    kr_session_t *session;
    json_t *identity;

    KR_TRY(kr_session_need(&session, k, NULL));
    KR_TRY(kr_session_check_aal(k, session, KR_DEMAND_WHOAMI, NULL));
    KR_TRY(kr_session_others(&others, &total, k, session, page.size, page.page * page.size));
    /* in lists the identity comes without its addresses and schema URL, as clients know it */
    identity = kr_identity_json(k, session->identity);
    json_object_del(identity, "verifiable_addresses");
    json_object_del(identity, "recovery_addresses");
    json_object_set_new(identity, "schema_url", json_string(""));
    for (int i = 0; i < others->nelts; i++)
        json_array_append(out, kr_session_json_with(k, &APR_ARRAY_IDX(others, i, kr_session_t), identity));
    kr_paging_headers(k, "/sessions", page, total);
    return kr_answer_data(k, 200, out);
}

kr_err_t *kr_sessions_revoke_others(kr_ctx_t *k)
{
    kr_session_t *session;
    apr_int64_t count;

    KR_TRY(kr_session_need(&session, k, NULL));
    KR_TRY(kr_session_end_others(&count, k, session));
    return kr_answer_data(k, 200, kr_json_pack(k->pool, "{s:I}", "count", (json_int_t)count));
}

kr_err_t *kr_sessions_revoke_one(kr_ctx_t *k)
{
    const char *id = kr_route_param(k, "id");
    kr_session_t *session;

    KR_TRY(kr_session_need(&session, k, NULL));
    if (!kr_uuid_valid(id)) return kr_err(k, 400, NULL, NULL);
    if (strcasecmp(id, session->id) == 0)
        return kr_err(k, 400, NULL, "this is the session that asks; sign out to end it");
    /* somebody else's, or none at all, is answered like one's own: nothing to learn here */
    KR_TRY(kr_session_end_other(k, session, id));
    kr_reply_header(k, "Content-Type", "application/json; charset=utf-8"); /* of nothing, as clients know it */
    return kr_answer_nothing(k);
}

/* -- token exchange ------------------------------------------------------- */

/* The flow has come to no session yet: the app shows what it asks for. */
static kr_err_t *answer_pending(kr_ctx_t *k, const char *flow_id)
{
    kr_flow_t *flow;

    if (kr_flow_load(&flow, k, KR_FLOW_LOGIN, flow_id)) KR_TRY(kr_flow_load(&flow, k, KR_FLOW_REGISTRATION, flow_id));
    return kr_answer_data(k, 422, kr_flow_json(k, flow));
}

kr_err_t *kr_sessions_exchange(kr_ctx_t *k)
{
    const char *init = kr_query(k->req, "init_code");
    const char *back = kr_query(k->req, "return_to_code");
    const char *second;
    const char *flow_id;
    kr_session_t *session;
    json_t *identity, *shown;

    if (!init || !*init || !back || !*back)
        return kr_err(k, 400, NULL, "init_code and return_to_code are needed, both");
    KR_TRY(kr_exchange_take(&session, &flow_id, k, init, back));
    if (flow_id) return answer_pending(k, flow_id);
    if (!session) kr_audit(k, &(kr_audit_t){ .what = KR_AUDIT_EXCHANGE_FAILED, .reason = "unknown" });
    if (!session) return kr_err(k, 404, NULL, "no session waits for these codes");
    kr_audit(k, &(kr_audit_t){ .what = KR_AUDIT_EXCHANGED, .identity_id = session->identity_id, .session_id = session->id });
    KR_TRY(kr_session_half_in(&second, k, session, NULL));
    identity = second ? NULL : kr_identity_json(k, session->identity); /* as in the answer of a sign-in */
    shown = kr_session_json_with(k, session, identity);
    json_object_set_new(shown, "devices", json_array()); /* that of the browser is told by whoami, as clients know it */
    return kr_answer_data(k, 200, kr_json_pack(k->pool, "{s:s, s:O}", "session_token", session->token, "session", shown));
}
