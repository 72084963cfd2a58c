/* SPDX-License-Identifier: Apache-2.0 */
/* One conversation with a provider: its document first, then calls within one limit of time. */
#include "provider.h"

#include <string.h>

#include "kr_clock.h"
#include "kr_document.h"
#include "kr_json.h"
#include "kr_text.h"

#define TIMEOUT apr_time_from_sec(10)

static int is_url(const char *text)
{
    return text && (!strncmp(text, "https://", 8) || !strncmp(text, "http://", 7));
}

/* OpenID Connect Discovery 4.3: the issuer must be exactly the one it was asked for. */
static const char *wrong_document(apr_pool_t *pool, const json_t *document, const void *baton)
{
    static const char *const PLACES[] = { "authorization_endpoint", "token_endpoint", "jwks_uri" };
    const kr_talk_t *talk = baton;
    const char *issuer = kr_json_str(document, "issuer");

    if (!issuer || strcmp(issuer, talk->at.issuer)) return "it names another issuer";
    for (int i = 0; i < KR_DIM(PLACES); i++) {
        if (!is_url(kr_json_str(document, PLACES[i]))) return apr_psprintf(pool, "its %s is no http(s) URL", PLACES[i]);
    }
    return NULL;
}

static int lists(const json_t *document, const char *member, const char *word)
{
    const json_t *each;
    size_t i;

    json_array_foreach(json_object_get(document, member), i, each) {
        if (json_is_string(each) && !strcmp(json_string_value(each), word)) return 1;
    }
    return 0;
}

/* Absent means in a header (Discovery 3); `none` is said by test servers, which take anything. */
static int wants_form(const json_t *document)
{
    static const char MEMBER[] = "token_endpoint_auth_methods_supported";

    return lists(document, MEMBER, "client_secret_post") && !lists(document, MEMBER, "client_secret_basic");
}

static void take_places(kr_talk_t *talk, const json_t *document)
{
    kr_places_t *at = &talk->at;

    if (!at->authorization) at->authorization = kr_json_str(document, "authorization_endpoint");
    if (!at->token) at->token = kr_json_str(document, "token_endpoint");
    if (!at->userinfo) at->userinfo = kr_json_str(document, "userinfo_endpoint");
    if (!at->keys) at->keys = kr_json_str(document, "jwks_uri");
    at->s256 = lists(document, "code_challenge_methods_supported", "S256");
    at->says_iss = json_is_true(json_object_get(document, "authorization_response_iss_parameter_supported"));
    at->secret_in_form = wants_form(document);
}

/* "https://a/" and "https://a" have one document. */
static const char *document_of(apr_pool_t *pool, const char *issuer)
{
    apr_size_t len = strlen(issuer);

    while (len && issuer[len - 1] == '/') len--;
    return apr_pstrcat(pool, apr_pstrmemdup(pool, issuer, len), "/.well-known/openid-configuration", NULL);
}

static kr_err_t *discover(kr_talk_t *talk)
{
    kr_document_wanted_t wanted = { .until = talk->until, .wrong = wrong_document, .baton = talk };
    json_t *document;

    wanted.url = document_of(talk->k->pool, talk->at.issuer);
    if (kr_document_get(&document, talk->k, talk->conf->discovery, &wanted)) {
        return kr_err(talk->k, 500, "invalid_configuration", "the provider \"%s\" cannot be used now: its settings could not be read",
                      talk->conf->id);
    }
    take_places(talk, document);
    return NULL;
}

kr_err_t *kr_talk_begin(kr_talk_t *talk, kr_ctx_t *k, const kr_oidc_provider_conf_t *conf)
{
    *talk = (kr_talk_t){ .k = k, .conf = conf, .kind = kr_provider_kind(conf), .until = kr_clock_ticks() + TIMEOUT };
    talk->at = talk->kind->at;
    if (!talk->at.issuer) talk->at.issuer = conf->issuer_url;
    return talk->kind->discovers ? discover(talk) : NULL;
}

kr_err_t *kr_talk_failed(kr_talk_t *talk, const char *why)
{
    kr_log(talk->k, KR_LOG_WARNING, KRLOGNO(0901) "provider %s: %s", talk->conf->id, why);
    return kr_err(talk->k, 502, "upstream_error", "the provider \"%s\" gave no usable answer", talk->conf->id);
}

kr_err_t *kr_talk_call(kr_net_reply_t *reply, kr_talk_t *talk, kr_net_request_t *req)
{
    req->timeout = talk->until - kr_clock_ticks();
    if (req->timeout <= 0) return kr_talk_failed(talk, "it took too long");
    return kr_net_call(reply, talk->k, req);
}

kr_err_t *kr_talk_ask(json_t **out, kr_talk_t *talk, const char *url, const char *access_token)
{
    apr_table_t *headers = apr_table_make(talk->k->pool, 2);
    kr_net_request_t req = { .url = url, .headers = headers };
    kr_net_reply_t reply;

    *out = NULL;
    if (!access_token) return kr_talk_failed(talk, "it sent no access token");
    apr_table_set(headers, "Accept", "application/json");
    apr_table_set(headers, "Authorization", apr_pstrcat(talk->k->pool, "Bearer ", access_token, NULL));
    KR_TRY(kr_talk_call(&reply, talk, &req));
    if (reply.status != 200) return kr_talk_failed(talk, apr_psprintf(talk->k->pool, "what it knows of a person answers %d", reply.status));
    *out = kr_json_parse(talk->k->pool, reply.body, reply.body_len, NULL);
    return json_is_object(*out) ? NULL : kr_talk_failed(talk, "what it knows of a person is no object");
}
