/* SPDX-License-Identifier: Apache-2.0 */
/* Whose account browsers may name to other sites: the second cookie, and what people let those sites know (include/kr_fedcm.h). */
#include "kr_fedcm.h"

#include <string.h>
#include <strings.h>

#include "kr_json.h"
#include "kr_store_grant.h"
#include "session.h"

/* How much of a token's hash the cookie names: enough to tell it from the next, and nothing to guess it by. */
#define MARK_LEN 16
#define COOKIE_MAX 128

static const kr_fedcm_conf_t *conf_of(const kr_ctx_t *k)
{
    return &k->realm->settings->fedcm;
}

/* -- sites ------------------------------------------------------------------ */

const kr_fedcm_client_t *kr_fedcm_client(const kr_ctx_t *k, const char *client_id)
{
    const apr_array_header_t *clients = conf_of(k)->clients;

    for (int i = 0; client_id && i < clients->nelts; i++) {
        const kr_fedcm_client_t *client = &APR_ARRAY_IDX(clients, i, const kr_fedcm_client_t);

        if (strcmp(client->client_id, client_id) == 0) return client;
    }
    return NULL;
}

int kr_fedcm_is_origin_of(const kr_fedcm_client_t *client, const char *origin)
{
    return kr_texts_have(client->origins, origin);
}

/* -- the cookie -------------------------------------------------------------- */

/* Prefixes promise what this cookie does not keep: __Host- that its path is "/". */
static const char *cookie_name(const kr_ctx_t *k)
{
    static const char *const prefixes[] = { "__Host-", "__Secure-" };
    const char *name = k->realm->settings->session_cookie.name;

    for (int i = 0; i < KR_DIM(prefixes); i++)
        if (strncasecmp(name, prefixes[i], strlen(prefixes[i])) == 0) name += strlen(prefixes[i]);
    return apr_pstrcat(k->pool, name, "_fedcm", NULL);
}

/* "<id of the session>.<mark of its token>.<tag>": it ends with either. */
static const char *cookie_seal(kr_ctx_t *k, const kr_session_t *session)
{
    const char *payload = apr_pstrcat(k->pool, session->id, ".", apr_pstrmemdup(k->pool, session->carried_hash, MARK_LEN), NULL);

    return apr_pstrcat(k->pool, payload, ".", kr_hmac(k->pool, k->realm->keys, KR_KEY_FEDCM, 0, payload), NULL);
}

/* @return the id, or NULL when none of our secrets made it. @param mark out: of the token */
static const char *cookie_open(const char **mark, kr_ctx_t *k, const char *value)
{
    const char *tag = strlen(value) <= COOKIE_MAX ? strrchr(value, '.') : NULL, *payload;

    if (!tag || tag - value != KR_UUID_LEN + 1 + MARK_LEN) return NULL;
    payload = apr_pstrmemdup(k->pool, value, (apr_size_t)(tag - value));
    if (kr_hmac_verify(k->pool, k->realm->keys, KR_KEY_FEDCM, payload, tag + 1) < 0) return NULL;
    *mark = payload + KR_UUID_LEN + 1;
    return apr_pstrmemdup(k->pool, payload, KR_UUID_LEN);
}

/* Of the host alone, and always Secure: without that no browser takes SameSite=None. Browsers that trust localhost do so with it, too. */
static void set_cookie(kr_ctx_t *k, const char *value, apr_int64_t max_age, int expires)
{
    const kr_cookie_t cookie = {
        .name = cookie_name(k),
        .value = value,
        .path = apr_pstrcat(k->pool, k->realm->base_path, KR_FEDCM_PATH, NULL),
        .same_site = "None",
        .secure = 1,
        .http_only = 1,
        .max_age = max_age,
        .expires = expires,
    };

    kr_reply_cookie(k, &cookie);
}

void kr_fedcm_sign_in(kr_ctx_t *k, const kr_session_t *session)
{
    const int persistent = k->realm->settings->session_cookie.persistent;

    if (!conf_of(k)->clients->nelts) return;
    set_cookie(k, cookie_seal(k, session), persistent ? apr_time_sec(session->expires_at - k->now) : -1, persistent);
    kr_reply_header(k, "Set-Login", "logged-in");
}

void kr_fedcm_sign_out(kr_ctx_t *k)
{
    if (!conf_of(k)->clients->nelts) return;
    set_cookie(k, "", 0, 1);
    kr_reply_header(k, "Set-Login", "logged-out");
}

/* -- whose it is ------------------------------------------------------------- */

static kr_err_t *session_of(kr_session_t **out, kr_ctx_t *k, const char *value)
{
    const char *mark, *id = cookie_open(&mark, k, value);

    *out = NULL;
    if (!id) return NULL;
    KR_TRY(kr_session_load(out, k, id));
    if (*out && kr_session_usable(k, *out) && strncmp((*out)->token_hash, mark, MARK_LEN) == 0) return NULL;
    *out = NULL;
    return NULL;
}

kr_err_t *kr_fedcm_session(kr_session_t **out, kr_ctx_t *k)
{
    const char *name = cookie_name(k), *value;
    kr_err_t *err;

    *out = NULL;
    for (int n = 0; n < KR_COOKIES_TRIED && !*out && (value = kr_cookie_nth(k->pool, k->req, name, n)); n++)
        KR_TRY(session_of(out, k, value));
    if (!*out) return NULL;
    err = kr_session_check_aal(k, *out, KR_DEMAND_WHOAMI, NULL);
    if (err) *out = NULL;
    return err && err->status != 403 ? err : NULL;
}

/* -- what the browser shows ---------------------------------------------------- */

static int is_email(const kr_address_t *address)
{
    return !address->recovery && strcmp(address->via, "email") == 0;
}

const char *kr_fedcm_email(const kr_identity_t *identity)
{
    for (int i = 0; i < identity->addresses->nelts; i++) {
        const kr_address_t *a = &APR_ARRAY_IDX(identity->addresses, i, const kr_address_t);

        if (is_email(a) && a->verified) return a->value;
    }
    return NULL;
}

static int is_name(const kr_leaf_t *leaf)
{
    const int finds = leaf->password_identifier || leaf->code_identifier || leaf->webauthn_identifier;

    return leaf->passkey_display_name && !finds && !leaf->verify_via && !leaf->recover_via;
}

const char *kr_fedcm_name(kr_ctx_t *k, const kr_identity_t *identity)
{
    return kr_traits_text(k, identity, is_name);
}

/* An identifier by which the person knows the account, whatever kind it is. */
static const char *identifier_of(kr_ctx_t *k, const kr_identity_t *identity)
{
    static const char *const types[] = { "password", "code", "webauthn" };
    const kr_schema_t *schema = kr_realm_schema(k->realm, identity->schema_id);

    for (int i = 0; schema && i < KR_DIM(types); i++) {
        const apr_array_header_t *found = kr_traits_identifiers(k->pool, schema, identity->traits, types[i]);

        if (found->nelts) return APR_ARRAY_IDX(found, 0, const char *);
    }
    return identity->id;
}

/* Browsers refuse an account without a name. */
json_t *kr_fedcm_account(kr_ctx_t *k, const kr_identity_t *identity)
{
    const char *email = kr_fedcm_email(identity), *known = email ? email : identifier_of(k, identity);
    const char *name = kr_fedcm_name(k, identity);
    json_t *out = kr_json_pack(k->pool, "{s:s, s:o, s:[s]}", "id", identity->id, "name", kr_json_string(name ? name : known), "login_hints",
                               identity->id);

    if (strchr(known, '@')) json_object_set_new(out, "email", kr_json_string(known));
    if (strcmp(known, identity->id)) json_array_append_new(json_object_get(out, "login_hints"), kr_json_string(known));
    return out;
}

/* -- what the site may know ---------------------------------------------------- */

kr_err_t *kr_fedcm_approved(json_t **out, kr_ctx_t *k, const kr_session_t *session)
{
    apr_array_header_t *granted;

    *out = kr_json_own(k->pool, json_array());
    KR_TRY(kr_store_grant_list(&granted, k, session->identity->id));
    for (int i = 0; i < granted->nelts; i++)
        if (kr_fedcm_client(k, APR_ARRAY_IDX(granted, i, const char *)))
            json_array_append_new(*out, json_string(APR_ARRAY_IDX(granted, i, const char *)));
    return NULL;
}

kr_err_t *kr_fedcm_grant(int *fields, kr_ctx_t *k, const kr_session_t *session, const kr_fedcm_client_t *client, int shown)
{
    int granted = shown;

    if (shown) KR_TRY(kr_store_grant_add(k, session->identity->id, client->client_id, shown));
    else if (*fields) KR_TRY(kr_store_grant_find(&granted, k, session->identity->id, client->client_id));
    *fields &= granted;
    return NULL;
}

kr_err_t *kr_fedcm_forget(kr_ctx_t *k, const kr_session_t *session, const kr_fedcm_client_t *client)
{
    return kr_store_grant_remove(k, session->identity->id, client->client_id);
}
