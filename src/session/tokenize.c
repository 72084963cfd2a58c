/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of the owner's making. */
#include "kr_tokenizer.h"

#include <string.h>

#include "kr_db.h"
#include "kr_json.h"
#include "kr_jwt.h"
#include "kr_realm.h"
#include "kr_text.h"

#define BUSY_AGAIN 2 /* seconds */

const kr_tokenizer_conf_t *kr_tokenizer_find(const kr_settings_t *settings, const char *name)
{
    for (int i = 0; i < settings->tokenizers->nelts; i++) {
        const kr_tokenizer_conf_t *conf = &APR_ARRAY_IDX(settings->tokenizers, i, kr_tokenizer_conf_t);

        if (strcmp(conf->name, name) == 0) return conf;
    }
    return NULL;
}

static kr_err_t *subject_of(const char **out, kr_ctx_t *k, const kr_session_t *session, const kr_tokenizer_conf_t *conf)
{
    const kr_identity_t *identity = session->identity;
    int external = strcmp(conf->subject_source, "external_id") == 0;

    *out = external ? identity->external_id : identity->id;
    if (*out && **out) return NULL;
    return kr_err(k, 400, NULL, "the account has no external id, which this token is about");
}

static json_t *claims_of(kr_ctx_t *k, const kr_session_t *session, const kr_tokenizer_conf_t *conf, const char *subject)
{
    const json_int_t now = apr_time_sec(k->now);

    return kr_json_pack(k->pool, "{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "jti", kr_uuid(k), "iss", k->realm->settings->base_url, "sub",
                        subject, "sid", session->id, "iat", now, "nbf", now, "exp", (json_int_t)apr_time_sec(k->now + conf->ttl));
}

/* The owner's words for it are in the log, and not in the answer. */
static kr_err_t *refuse(kr_ctx_t *k, const kr_session_t *session, const kr_tokenizer_conf_t *conf, const char *what, const char *why)
{
    kr_log(k, KR_LOG_WARNING, KRLOGNO(0703) "session %s: no token \"%s\": %s %s", session->id, conf->name, what, why);
    return kr_err(k, 400, NULL, "no token of this template could be made: %s cannot be used", what);
}

/* What it makes counts more than what was there, member by member. */
static kr_err_t *map_claims(json_t *claims, kr_ctx_t *k, const kr_session_t *session, const json_t *shown, const kr_tokenizer_conf_t *conf)
{
    json_t *vars = kr_json_pack(k->pool, "{s:O, s:O}", "session", shown, "claims", claims), *made;
    const char *why;
    const json_t *out;

    if (!conf->mapper) return NULL;
    kr_db_release(k);
    out = kr_jsonnet_run_ext(k->pool, conf->mapper, vars, &why);
    if (!out && why == kr_jsonnet_busy) return kr_err_unavailable(k, BUSY_AGAIN, "too many tokens are made at once");
    if (!out) return refuse(k, session, conf, "the claims mapper", why);
    made = json_object_get(out, "claims");
    if (!json_is_object(made)) return refuse(k, session, conf, "the claims mapper", "makes no object with an object \"claims\"");
    json_object_update(claims, made);
    return NULL;
}

kr_err_t *kr_session_tokenize(const char **token, kr_ctx_t *k, const kr_session_t *session, const json_t *shown, const char *template)
{
    const kr_tokenizer_conf_t *conf = kr_tokenizer_find(k->realm->settings, template);
    const char *subject;
    json_t *claims;

    *token = NULL;
    if (!conf) return kr_err(k, 400, NULL, "tokenize_as names no template of the settings");
    if (kr_signer_unfit(conf->signer)) return refuse(k, session, conf, "the first key", kr_signer_unfit(conf->signer));
    KR_TRY(subject_of(&subject, k, session, conf));
    claims = claims_of(k, session, conf, subject);
    KR_TRY(map_claims(claims, k, session, shown, conf));
    json_object_set_new(claims, "sub", kr_json_string(subject));
    *token = kr_jwt_sign(k->pool, conf->signer, claims);
    return *token ? NULL : refuse(k, session, conf, "the first key", "did not sign");
}
