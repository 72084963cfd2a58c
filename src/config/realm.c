/* SPDX-License-Identifier: Apache-2.0 */
/* A realm out of finished settings: its keys, and the names that follow from its base URL. */
#include <string.h>

#include "kr_realm.h"
#include "kr_text.h"

const kr_schema_t *kr_realm_schema(const kr_realm_t *realm, const char *id)
{
    const apr_array_header_t *schemas = realm->settings->schemas;

    if (!id) id = realm->settings->default_schema_id;
    for (int i = 0; i < schemas->nelts; i++) {
        const kr_schema_t *schema = APR_ARRAY_IDX(schemas, i, const kr_schema_t *);

        if (strcmp(schema->id, id) == 0) return schema;
    }
    /* ids first: one schema's id may be another's in base64 */
    for (int i = 0; i < schemas->nelts; i++) {
        const kr_schema_t *schema = APR_ARRAY_IDX(schemas, i, const kr_schema_t *);

        if (strcmp(schema->url_id, id) == 0) return schema;
    }
    return NULL;
}

const char *kr_log_personal(kr_ctx_t *k, const char *value)
{
    if (!value || !k->realm || !k->realm->settings->leak_sensitive) return "";
    return apr_psprintf(k->pool, " (\"%.200s\")", value);
}

static const char *path_of(apr_pool_t *pool, const char *base_url)
{
    kr_url_t url;
    apr_size_t len;

    if (!kr_url_parse(&url, pool, base_url)) return "";
    len = strlen(url.path);
    if (len && url.path[len - 1] == '/') len--;
    return apr_pstrmemdup(pool, url.path, len);
}

kr_realm_t *kr_realm_make(apr_pool_t *pool, const char *name, const kr_settings_t *settings)
{
    kr_realm_t *realm = apr_pcalloc(pool, sizeof(*realm));
    const char *base_url = settings->base_url;

    realm->name = apr_pstrdup(pool, name);
    realm->settings = settings;
    realm->keys = kr_keys_make(pool, settings->secrets, realm->name);
    realm->signer = kr_signer_make(pool, realm->keys, KR_KEY_ASSERTION);
    if (settings->fedcm.clients->nelts) realm->id_signer = kr_signer_make(pool, realm->keys, KR_KEY_ID_TOKEN);
    realm->base_path = path_of(pool, base_url);
    realm->csrf_cookie_name = apr_pstrcat(pool, "csrf_token_", kr_sha256_hex(pool, base_url, strlen(base_url)), NULL);
    return realm;
}
