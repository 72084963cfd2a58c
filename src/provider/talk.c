/* SPDX-License-Identifier: Apache-2.0 */
/* One conversation with a provider: a place to wait in, then calls within one limit of time. */
#include "provider.h"

#include <string.h>

#include "kr_clock.h"
#include "kr_json.h"
#include "kr_realm.h"
#include "kr_share.h"
#include "kr_text.h"

#define ASK_LATER 5 /* seconds */

/* "https://a/{tenant}" -> "https://a/contoso.example" */
static const char *base_of(apr_pool_t *pool, const kr_provider_kind_t *kind, const kr_oidc_provider_conf_t *conf)
{
    const char *base = kind->hosted && conf->issuer_url ? conf->issuer_url : kind->base;
    const char *tenant = base ? strstr(base, "{tenant}") : NULL;
    apr_size_t len;

    if (!base) return NULL;
    if (tenant) base = apr_pstrcat(pool, apr_pstrmemdup(pool, base, (apr_size_t)(tenant - base)), conf->microsoft_tenant, NULL);
    for (len = strlen(base); len && base[len - 1] == '/'; len--) continue;
    return apr_pstrmemdup(pool, base, len);
}

static const char *below(apr_pool_t *pool, const char *base, const char *place)
{
    return place && *place == '/' ? apr_pstrcat(pool, base, place, NULL) : place;
}

void kr_talk_begin(kr_talk_t *talk, kr_ctx_t *k, const kr_oidc_provider_conf_t *conf)
{
    *talk = (kr_talk_t){ .k = k, .conf = conf, .kind = kr_provider_kind(conf), .place = -1 };
    talk->base = base_of(k->pool, talk->kind, conf);
    talk->at = talk->kind->at;
    talk->at.authorization = below(k->pool, talk->base, talk->at.authorization);
    talk->at.token = below(k->pool, talk->base, talk->at.token);
    talk->at.keys = below(k->pool, talk->base, talk->at.keys);
    talk->at.person = below(k->pool, talk->base, talk->at.person);
    if (talk->kind->hosted && talk->kind->openid) talk->at.issuer = conf->issuer_url; /* to the letter */
}

kr_err_t *kr_talk_enter(kr_talk_t *talk)
{
    const kr_settings_t *settings = talk->k->realm->settings;

    if (talk->until) return NULL;
    talk->place = kr_share_take(talk->conf->share, settings->oidc.max_calls, settings->oidc.timeout + apr_time_from_sec(1));
    if (talk->place < 0) {
        kr_log(talk->k, KR_LOG_WARNING, KRLOGNO(0906) "provider %s: too many requests wait for it (mod_kratos.oidc.max_calls)", talk->conf->id);
        return kr_err_unavailable(talk->k, ASK_LATER, "too many people wait for the provider \"%s\" right now", talk->conf->id);
    }
    talk->until = kr_clock_ticks() + settings->oidc.timeout;
    return NULL;
}

void kr_talk_leave(kr_talk_t *talk)
{
    kr_share_give(talk->conf->share, talk->place);
    talk->place = -1;
    talk->until = 0;
}

int kr_talk_is_asked(const kr_talk_t *talk, const char *scope)
{
    return kr_texts_have(talk->conf->scope, scope);
}

kr_err_t *kr_talk_failed(kr_talk_t *talk, const char *why)
{
    kr_log(talk->k, KR_LOG_WARNING, KRLOGNO(0901) "provider %s: %s", talk->conf->id, why);
    return kr_err(talk->k, 502, "upstream_error", "the provider \"%s\" gave no usable answer", talk->conf->id);
}

kr_err_t *kr_talk_call(kr_net_reply_t *reply, kr_talk_t *talk, kr_net_request_t *req)
{
    req->guard = &talk->k->realm->settings->guard;
    memset(reply, 0, sizeof(*reply));
    req->timeout = talk->until - kr_clock_ticks();
    if (req->timeout <= 0) return kr_talk_failed(talk, "it took too long");
    return kr_net_call(reply, talk->k, req);
}

kr_err_t *kr_talk_post(kr_net_reply_t *reply, kr_talk_t *talk, const char *body, apr_table_t *headers)
{
    kr_net_request_t req = { .method = "POST", .url = talk->at.token, .headers = headers, .body = body, .body_len = strlen(body) };

    apr_table_set(headers, "Accept", "application/json");
    return kr_talk_call(reply, talk, &req);
}

static void show_token(apr_table_t *headers, const kr_talk_t *talk, const char *access_token)
{
    const char *const *header = talk->kind->header;

    if (header[0]) apr_table_set(headers, header[0], apr_pstrcat(talk->k->pool, header[1], access_token, NULL));
    else apr_table_set(headers, "Authorization", apr_pstrcat(talk->k->pool, "Bearer ", access_token, NULL));
}

kr_err_t *kr_talk_ask(json_t **out, kr_talk_t *talk, const char *url, const char *access_token)
{
    apr_table_t *headers = apr_table_make(talk->k->pool, 2);
    kr_net_request_t req = { .url = url, .headers = headers };
    kr_net_reply_t reply;

    *out = NULL;
    if (!access_token) return kr_talk_failed(talk, "it sent no access token");
    apr_table_set(headers, "Accept", "application/json");
    show_token(headers, talk, access_token);
    KR_TRY(kr_talk_call(&reply, talk, &req));
    if (reply.status != 200) return kr_talk_failed(talk, apr_psprintf(talk->k->pool, "what it knows of a person answers %d", reply.status));
    *out = kr_json_parse(talk->k->pool, reply.body, reply.body_len, NULL);
    return json_is_object(*out) || json_is_array(*out) ? NULL : kr_talk_failed(talk, "what it knows of a person is no JSON");
}
