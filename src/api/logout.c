/* SPDX-License-Identifier: Apache-2.0 */
/* Logout: of browsers by a link that carries a token (so that no other site can end a session), of native clients by their token. */
#include <string.h>

#include "api.h"

kr_err_t *kr_logout_create(kr_ctx_t *k)
{
    const char *return_to = kr_query(k->req, "return_to");
    kr_session_t *session;
    const char *token, *url;

    KR_TRY(kr_session_need(&session, k, "session_inactive"));
    KR_TRY(kr_return_to_check(k, return_to));
    token = kr_session_logout_token(k, session);
    url = kr_url_join(k->pool, k->realm->settings->base_url, "/self-service/logout");
    if (return_to && *return_to) url = kr_url_with(k->pool, url, "return_to", kr_return_to_absolute(k, return_to));
    url = kr_url_with(k->pool, url, "token", token);
    return kr_answer_data(k, 200, kr_json_pack(k->pool, "{s:s, s:s}", "logout_url", url, "logout_token", token));
}

static const char *destination(kr_ctx_t *k, const char *return_to)
{
    const kr_settings_t *conf = k->realm->settings;
    const kr_flow_t nowhere = { .kind = KR_FLOW_LOGIN, .return_to = return_to };

    if (return_to && *return_to) return kr_return_to_of(k, &nowhere, -1);
    return conf->logout_return_url ? conf->logout_return_url : conf->default_return_url;
}

kr_err_t *kr_logout_submit(kr_ctx_t *k)
{
    const char *token = kr_query(k->req, "token");
    const char *return_to = kr_query(k->req, "return_to");
    kr_session_t *session;

    if (!token || !*token) return kr_err(k, 400, NULL, "the query parameter token is missing");
    KR_TRY(kr_session_need(&session, k, "session_inactive"));
    if (!kr_session_logout_token_ok(k, session, token))
        return kr_err(k, 403, NULL, "the logout token does not belong to this session");
    KR_TRY(kr_session_end(k, session));
    kr_log(k, KR_LOG_INFO, KRLOGNO(0805) "session %s: signed out", session->id);
    kr_csrf_renew(k);
    kr_session_cookie_clear(k);
    kr_forget_sign_in(k);
    if (k->realm->settings->logout_clear_data && strcmp(k->req->scheme, "https") == 0)
        kr_reply_header(k, "Clear-Site-Data", "\"cache\", \"cookies\", \"storage\"");
    KR_TRY(kr_return_to_check(k, return_to)); /* whatever it says, the session is over */
    return kr_answer_done(k, NULL, destination(k, return_to));
}

kr_err_t *kr_logout_native(kr_ctx_t *k)
{
    const char *why;
    json_t *sent = k->req->body_len ? kr_json_parse(k->pool, k->req->body, k->req->body_len, &why) : NULL;
    const json_t *body = k->req->json ? k->req->json : sent;
    const char *token = json_is_object(body) ? kr_json_str(body, "session_token") : NULL;
    kr_session_t *session;

    if (!token) return kr_err(k, 400, NULL, "the body is no JSON object with a session_token");
    KR_TRY(kr_session_by_token(&session, k, token));
    if (!session) return kr_err(k, 403, NULL, "no session has that token");
    if (session->active) {
        KR_TRY(kr_session_end(k, session));
        kr_log(k, KR_LOG_INFO, KRLOGNO(0806) "session %s: signed out by its token", session->id);
    }
    return kr_answer_nothing(k);
}
