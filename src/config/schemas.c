/* SPDX-License-Identifier: Apache-2.0 */
/* Reading identity schemas: from where their settings say, compiled once. */
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <string.h>

#include "kr_json.h"
#include "kr_schema.h"
#include "kr_text.h"
#include "draft.h"

#define SCHEMA_MAX_BYTES (1024 * 1024)
#define SCHEMAS_MAX 1000

/** The folder of the file that wrote what stands at `path`. */
static const char *folder_of(const kr_review_t *review, const char *path)
{
    const kr_origin_t *origin = kr_origin(review->draft, path);
    const char *slash = origin ? strrchr(origin->file, '/') : NULL;

    return slash ? apr_pstrmemdup(review->pool, origin->file, (apr_size_t)(slash - origin->file)) : ".";
}

/** A plain file; never a pipe or device, which could keep the server from starting. */
static const char *read_file(const char **text, apr_size_t *len, apr_pool_t *pool, const char *name)
{
    apr_finfo_t info;
    apr_file_t *file;
    apr_status_t rv = apr_stat(&info, name, APR_FINFO_TYPE | APR_FINFO_SIZE, pool);
    char words[120], *out;

    if (rv == APR_SUCCESS && info.filetype != APR_REG) return apr_psprintf(pool, "%s is no file", name);
    if (rv == APR_SUCCESS && info.size > SCHEMA_MAX_BYTES) return apr_psprintf(pool, "%s is larger than 1 MiB", name);
    if (rv == APR_SUCCESS) rv = apr_file_open(&file, name, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);
    if (rv == APR_SUCCESS) {
        out = apr_pcalloc(pool, (apr_size_t)info.size + 1);
        rv = apr_file_read_full(file, out, (apr_size_t)info.size, len);
        apr_file_close(file);
        if (rv == APR_EOF) rv = APR_SUCCESS;
        *text = out;
    }
    if (rv == APR_SUCCESS) return NULL;
    return apr_psprintf(pool, "%s cannot be read: %s", name, apr_strerror(rv, words, sizeof(words)));
}

/** The document behind file:// or base64://. @return what is wrong, or NULL */
static const char *read_source(const char **text, apr_size_t *len, kr_review_t *review, const char *path,
                               const char *url)
{
    apr_pool_t *pool = review->pool;

    if (strncmp(url, "base64://", 9) == 0) {
        *text = (const char *)kr_base64_decode(pool, url + 9, len);
        if (!*text) return "is not base64";
        return *len > SCHEMA_MAX_BYTES ? "is larger than 1 MiB" : NULL;
    }
    if (strncmp(url, "file://", 7) == 0) {
        const char *name = kr_url_unescape(pool, url + 7, 0);

        if (!name) return "has a broken %-escape";
        if (*name != '/') name = apr_pstrcat(pool, folder_of(review, path), "/", name, NULL);
        return read_file(text, len, pool, name);
    }
    return "fetching schemas by HTTP is not supported yet; use file:// or base64://";
}

static const kr_schema_t *compile(kr_review_t *review, const char *path, const json_t *conf)
{
    const char *id = kr_json_str(conf, "id"), *url = kr_json_str(conf, "url");
    const char *at = kr_path_member(review->pool, path, "url");
    const char *text = NULL, *why;
    apr_size_t len = 0;
    kr_schema_t *schema;

    if (!id || !url) return NULL; /* reported already */
    why = read_source(&text, &len, review, at, url);
    if (why) {
        kr_review_error(review, at, "%s", why);
        return NULL;
    }
    schema = kr_schema_compile(review->pool, id, text, len, &why);
    if (!schema) {
        kr_review_error(review, at, "the schema \"%s\" is not usable: %s", id, why);
        return NULL;
    }
    schema->selectable = json_is_true(json_object_get(conf, "selfservice_selectable"));
    return schema;
}

static int id_taken(const apr_array_header_t *schemas, const char *id)
{
    for (int i = 0; i < schemas->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(schemas, i, const kr_schema_t *)->id, id) == 0) return 1;
    }
    return 0;
}

apr_array_header_t *kr_review_schemas(kr_review_t *review)
{
    json_t *list = kr_json_at(review->draft->tree, "identity.schemas"), *conf;
    apr_array_header_t *schemas = apr_array_make(review->pool, 4, sizeof(const kr_schema_t *));
    size_t i;

    if (!list || json_is_null(list)) {
        kr_review_error(review, "identity.schemas", "is missing; at least one identity schema is needed");
        return schemas;
    }
    json_array_foreach(list, i, conf) {
        const char *path = kr_path_element(review->pool, "identity.schemas", i);
        const kr_schema_t *schema = i < SCHEMAS_MAX && json_is_object(conf) ? compile(review, path, conf) : NULL;

        if (!schema) continue;
        if (id_taken(schemas, schema->id)) {
            kr_review_error(review, path, "there are two schemas \"%s\"", schema->id);
        }
        APR_ARRAY_PUSH(schemas, const kr_schema_t *) = schema;
    }
    return schemas;
}
