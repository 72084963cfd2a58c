/* SPDX-License-Identifier: Apache-2.0 */
/* Reading identity schemas: from where their settings say, compiled once. */
#include <string.h>

#include "kr_json.h"
#include "kr_schema.h"
#include "kr_text.h"
#include "draft.h"

#define SCHEMAS_MAX 1000

static const kr_schema_t *compile(kr_review_t *review, const char *path, const json_t *conf)
{
    const char *id = kr_json_str(conf, "id"), *url = kr_json_str(conf, "url");
    const char *at = kr_path_member(review->pool, path, "url");
    const char *text = NULL, *why;
    apr_size_t len = 0;
    kr_schema_t *schema;

    if (!id || !url) return NULL; /* reported already */
    why = kr_source_read(&text, &len, review, at, url);
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
