/* SPDX-License-Identifier: Apache-2.0 */
/* One call to the OAuth2 server's admin API, and what its answer means. */
#include <string.h>

#include "kr_db.h"
#include "kr_json.h"
#include "kr_net.h"
#include "kr_realm.h"
#include "kr_share.h"
#include "kr_text.h"
#include "oauth2.h"

#define TIMEOUT apr_time_from_sec(5)
#define ANSWER_MAX (128 * 1024)
#define URL_MAX 16384 /* of where a browser goes on: it holds the whole request, sealed */
#define HINT_MAX 1000
#define AGAIN 5       /* s, for Retry-After */

/* -- the request ----------------------------------------------------------- */

static const char *url_of(kr_ctx_t *k, const kr_oauth2_call_t *call)
{
    return kr_url_with(k->pool, kr_url_join(k->pool, k->realm->settings->oauth2.url, call->path), call->name, call->challenge);
}

static const apr_table_t *headers_of(kr_ctx_t *k, const kr_oauth2_call_t *call)
{
    apr_table_t *headers = apr_table_copy(k->pool, k->realm->settings->oauth2.headers);

    apr_table_set(headers, "Accept", "application/json");
    if (call->body) apr_table_set(headers, "Content-Type", "application/json");
    return headers;
}

/* -- the answer ------------------------------------------------------------ */

static kr_err_t *unavailable(kr_ctx_t *k)
{
    return kr_err_unavailable(k, AGAIN, "the server that asked for this sign-in or sign-out does not answer as it should, please try again");
}

kr_err_t *kr_oauth2_unusable(kr_ctx_t *k, const char *what)
{
    kr_log(k, KR_LOG_WARNING, KRLOGNO(0951) "the OAuth2 server (oauth2_provider.url) gave an answer that cannot be used: %s", what);
    return unavailable(k);
}

const char *kr_oauth2_redirect(kr_ctx_t *k, const json_t *answer)
{
    const char *to = kr_json_str(answer, "redirect_to");
    kr_url_t url;

    if (!to || strlen(to) > URL_MAX || !kr_url_parse(&url, k->pool, to) || !url.scheme) return NULL;
    return strcmp(url.scheme, "http") == 0 || strcmp(url.scheme, "https") == 0 ? to : NULL;
}

/* What the server says of us rather than of the challenge: its owner, not the person, can do something about it. */
static int is_about_us(int status)
{
    return status == 401 || status == 403 || status == 407 || status == 408 || status == 429;
}

static kr_err_t *refused(kr_ctx_t *k, int status, const json_t *answer)
{
    const char *hint = kr_json_str(answer, "error_hint");
    kr_err_t *err = kr_err(k, 400, NULL, "the server that asked for this sign-in or sign-out does not know of it any more, "
                                         "please begin again in the application that you came from");

    kr_err_detail(k, err, "oauth2_error_hint", json_string(hint && strlen(hint) <= HINT_MAX ? hint : ""));
    return kr_err_detail(k, err, "status_code", json_integer(status));
}

static kr_err_t *judge(const json_t **out, const char **over, kr_ctx_t *k, const kr_net_reply_t *reply)
{
    const int status = reply->status;
    const char *why = "it is no object";
    const json_t *answer = kr_json_parse(k->pool, reply->body, reply->body_len, &why);

    if (status >= 200 && status < 300) {
        *out = answer;
        return json_is_object(answer) ? NULL : kr_oauth2_unusable(k, why);
    }
    if (over && (status == 410 || status == 409) && (*over = kr_oauth2_redirect(k, answer))) return NULL;
    if (status >= 400 && status < 500 && !is_about_us(status)) return refused(k, status, answer);
    return kr_oauth2_unusable(k, apr_psprintf(k->pool, "status %d", status));
}

/* A server that hangs takes its share of the workers and no more: who comes when that is full is told so at once. */
static kr_err_t *call_in_turn(kr_net_reply_t *reply, kr_ctx_t *k, const kr_net_request_t *req)
{
    const kr_settings_t *conf = k->realm->settings;
    const int place = kr_share_take(conf->oauth2.share, conf->oauth2.max_calls, TIMEOUT + apr_time_from_sec(1));
    kr_err_t *err;

    if (place < 0) {
        kr_log(k, KR_LOG_WARNING, KRLOGNO(0952) "too many requests wait for the OAuth2 server (mod_kratos.oauth2.max_calls)");
        return unavailable(k);
    }
    err = kr_net_call(reply, k, req);
    kr_share_give(conf->oauth2.share, place);
    return err ? unavailable(k) : NULL; /* why is in the log */
}

kr_err_t *kr_oauth2_call(const json_t **out, const char **over, kr_ctx_t *k, const kr_oauth2_call_t *call)
{
    kr_net_request_t req = { .method = call->method, .url = url_of(k, call), .headers = headers_of(k, call), .timeout = TIMEOUT,
                             .guard = &k->realm->settings->guard, .max_bytes = ANSWER_MAX };
    kr_net_reply_t reply = { .status = 0 };

    *out = NULL;
    if (over) *over = NULL;
    if (call->body) req.body = kr_json_dump(k->pool, call->body, &req.body_len);
    kr_db_release(k);
    KR_TRY(call_in_turn(&reply, k, &req));
    return judge(out, over, k, &reply);
}
