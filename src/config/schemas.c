/* SPDX-License-Identifier: Apache-2.0 */
/* Identity schemas: from where their settings say, compiled once. */
#include <string.h>

#include "kr_schema.h"
#include "kr_text.h"
#include "draft.h"

static kr_schema_t *compile(kr_review_t *review, const char *at, const kr_schema_conf_t *conf)
{
    const char *text = NULL, *why;
    apr_size_t len = 0;
    kr_schema_t *schema;

    why = kr_source_read(&text, &len, review, at, conf->url);
    if (why) {
        kr_review_error(review, at, "%s", why);
        return NULL;
    }
    schema = kr_schema_compile(review->pool, conf->id, text, len, &why);
    if (!schema) {
        kr_review_error(review, at, "the schema \"%s\" is not usable: %s", conf->id, why);
        return NULL;
    }
    schema->selectable = conf->selectable;
    return schema;
}

void kr_schema_finish(kr_review_t *review, const char *path, void *element)
{
    kr_schema_conf_t *conf = element;

    if (conf->id && conf->url) conf->schema = compile(review, kr_path_member(review->pool, path, "url"), conf);
}

/** Those that are usable, in the order of the file; and one of them is the default. */
void kr_review_schemas(kr_review_t *review, kr_settings_t *settings)
{
    apr_array_header_t *out = apr_array_make(review->pool, 4, sizeof(const kr_schema_t *));
    int found = 0;

    for (int i = 0; i < settings->schema_confs->nelts; i++) {
        const kr_schema_conf_t *conf = &APR_ARRAY_IDX(settings->schema_confs, i, kr_schema_conf_t);

        if (conf->schema) APR_ARRAY_PUSH(out, const kr_schema_t *) = conf->schema;
        if (conf->id && settings->default_schema_id) found |= strcmp(conf->id, settings->default_schema_id) == 0;
    }
    settings->schemas = out;
    if (kr_is_missing(json_object_get(review->draft->tree, "identity"), "schemas"))
        kr_review_error(review, "identity.schemas", "is missing; at least one identity schema is needed");
    else if (!found)
        kr_review_error(review, "identity.default_schema_id", "\"%s\" is the id of none of identity.schemas",
                        settings->default_schema_id ? settings->default_schema_id : "");
}
