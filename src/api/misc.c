/* SPDX-License-Identifier: Apache-2.0 */
/* Small operations: stored errors, schemas, health, well-known URLs for managers of passwords and passkeys. */
#include <string.h>

#include "api.h"
#include "kr_db.h"
#include "kr_jwt.h"
#include "kr_method.h"
#include "kr_tokenizer.h"

#define SCHEMAS_DEFAULT 250
#define SCHEMAS_MAX 500

/* -- stored errors -------------------------------------------------------- */

static kr_err_t *answer_stored(kr_ctx_t *k, const char *id, json_t *error, const char *created)
{
    return kr_answer_data(k, 200, kr_json_pack(k->pool, "{s:s, s:O, s:s, s:s}", "id", id, "error", error, "created_at", created,
                                               "updated_at", created));
}

kr_err_t *kr_error_get(kr_ctx_t *k)
{
    const char *id = kr_query(k->req, "error");
    apr_time_t created;
    json_t *error;

    if (!id) id = kr_query(k->req, "id");
    if (id && strcmp(id, "stub:500") == 0) {
        /* a sample for people who build error pages */
        error = kr_json_pack(k->pool, "{s:i, s:s, s:s, s:s}", "code", 500, "status", kr_err_status_text(500), "reason",
                             "this is a sample error for error pages", "message", kr_err_message(500));
        return answer_stored(k, kr_uuid(k), error, "0001-01-01T00:00:00Z");
    }
    KR_TRY(kr_flow_error_load(&error, &created, k, id));
    if (!error) return kr_err(k, 404, NULL, NULL);
    return answer_stored(k, id, error, kr_time_rfc3339(k->pool, created));
}

/* -- keys of signed tokens ------------------------------------------------ */

/* Those of what applications are told (KratosExportToken), or of one template of tokens that clients get. Never in one set: who
 * believes the ones must not believe the others (RFC 8725 section 3.12). */
kr_err_t *kr_jwks(kr_ctx_t *k)
{
    const char *template = kr_query(k->req, "tokenize_as");
    const kr_signer_t *signer = k->realm->signer;

    if (template && *template) {
        const kr_tokenizer_conf_t *conf = kr_tokenizer_find(k->realm->settings, template);

        if (!conf) return kr_err(k, 404, NULL, "tokenize_as names no template of the settings");
        signer = conf->signer;
    }
    kr_reply_header(k, "Cache-Control", "public, max-age=300");
    return kr_answer_data(k, 200, kr_signer_jwks(k->pool, signer));
}

/* -- schemas -------------------------------------------------------------- */

kr_err_t *kr_schemas_list(kr_ctx_t *k)
{
    const apr_array_header_t *schemas = k->realm->settings->schemas;
    const kr_page_query_t page = kr_paging(k, SCHEMAS_DEFAULT, SCHEMAS_MAX, 0);
    /* Kratos counts the length of this list's pages from its begin: clients that page through it rely on nothing else */
    const int from = page.page * page.size;
    const int to = from + (page.page + 1) * page.size;
    json_t *out = kr_json_own(k->pool, json_array());

    for (int i = from; i < to && i < schemas->nelts; i++) {
        const kr_schema_t *schema = APR_ARRAY_IDX(schemas, i, const kr_schema_t *);

        json_array_append_new(out, json_pack("{s:s, s:o}", "id", schema->id, "schema",
                                             json_loadb(schema->raw, schema->raw_len, 0, NULL)));
    }
    kr_paging_headers(k, "/schemas", page, schemas->nelts);
    return kr_answer_data(k, 200, out);
}

kr_err_t *kr_schema_get(kr_ctx_t *k)
{
    const kr_schema_t *schema = kr_realm_schema(k->realm, kr_route_param(k, "id"));

    if (!schema) return kr_err(k, 404, NULL, "no identity schema has this id");
    return kr_answer_file(k, "application/json; charset=utf-8", schema->raw, schema->raw_len);
}

/* -- the script of security keys ------------------------------------------ */

/* Whichever methods are on: pages include it before they know which fields come. */
kr_err_t *kr_webauthn_javascript(kr_ctx_t *k)
{
    apr_size_t len;
    const char *script = kr_webauthn_script(&len);

    return kr_answer_file(k, "text/javascript; charset=UTF-8", script, len);
}

/* -- health, well-known --------------------------------------------------- */

kr_err_t *kr_health_alive(kr_ctx_t *k)
{
    return kr_answer_data(k, 200, kr_json_pack(k->pool, "{s:s}", "status", "ok"));
}

kr_err_t *kr_health_ready(kr_ctx_t *k)
{
    kr_err_t *err = kr_db_ping(k);

    if (!err) return kr_health_alive(k);
    kr_reply_header(k, "Retry-After", "1");
    return kr_answer_data(k, 503, kr_json_pack(k->pool, "{s:{s:s}}", "errors", "database", "the database does not answer"));
}

kr_err_t *kr_change_password(kr_ctx_t *k)
{
    return kr_answer_see(k, kr_flow_conf(k, KR_FLOW_SETTINGS)->ui_url);
}

/* W3C "A Well-Known URL for Relying Party Passkey Endpoints": where managers of passkeys lead people to. */
kr_err_t *kr_passkey_endpoints(kr_ctx_t *k)
{
    const char *settings = kr_url_join(k->pool, k->realm->settings->base_url, "/self-service/settings/browser");

    if (!k->realm->settings->method_enabled[KR_METHOD_PASSKEY]) return kr_err(k, 404, NULL, "there are no passkeys here");
    return kr_answer_data(k, 200, kr_json_pack(k->pool, "{s:s, s:s}", "enroll", settings, "manage", settings));
}
