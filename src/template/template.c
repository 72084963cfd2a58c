/* SPDX-License-Identifier: Apache-2.0 */
/* Sources become a template: read, put together, and looked through for what could go wrong later. */
#include <ctype.h>
#include <string.h>

#include "kr_text.h"
#include "template.h"

static const char *last_part(const char *name)
{
    const char *slash = strrchr(name, '/');

    return slash ? slash + 1 : name;
}

static const char *wrong_source(apr_pool_t *pool, const kr_template_source_t *source)
{
    if (source->len > KR_TEMPLATE_MAX_BYTES) return apr_psprintf(pool, "%s: larger than 256 KiB", source->name);
    if (!kr_utf8_valid(source->text, source->len)) return apr_psprintf(pool, "%s: is not valid UTF-8", source->name);
    return NULL;
}

/* Every template that is called must be there. @return NULL, or what is wrong */
static const char *check_calls(apr_pool_t *pool, const kr_template_t *tmpl, const node_t *node)
{
    const char *why = NULL;

    for (; node && !why; node = node->next) {
        if (node->kind == NODE_TEMPLATE && !apr_hash_get(tmpl->defined, node->text, APR_HASH_KEY_STRING)) {
            why = apr_psprintf(pool, "%s:%d: no template \"%s\" is defined", node->file, node->line, node->text);
        }
        if (!why) why = check_calls(pool, tmpl, node->body);
        if (!why) why = check_calls(pool, tmpl, node->otherwise);
    }
    return why;
}

static const char *check_all_calls(apr_pool_t *pool, const kr_template_t *tmpl)
{
    const char *why = NULL;

    for (apr_hash_index_t *i = apr_hash_first(pool, tmpl->defined); i && !why; i = apr_hash_next(i)) {
        why = check_calls(pool, tmpl, apr_hash_this_val(i));
    }
    return why;
}

kr_template_t *kr_template_make(apr_pool_t *pool, kr_template_kind_e kind, const kr_template_source_t *sources,
                                int count, const char **why)
{
    kr_template_t *tmpl = apr_pcalloc(pool, sizeof(*tmpl));

    *why = NULL;
    tmpl->kind = kind;
    tmpl->defined = apr_hash_make(pool);
    tmpl->main = apr_pstrdup(pool, last_part(sources[0].name));
    for (int i = 0; i < count && !*why; i++) {
        parser_t p = { .pool = pool, .template = tmpl, .line = 1 };

        *why = wrong_source(pool, &sources[i]);
        p.file = apr_pstrdup(pool, sources[i].name);
        p.variables = apr_array_make(pool, 4, sizeof(const char *));
        p.at = apr_pstrmemdup(pool, sources[i].text, sources[i].len);
        p.end = p.at + sources[i].len;
        if (!*why) {
            kr_tmpl_parse_source(&p, last_part(p.file));
            *why = p.why;
        }
    }
    if (!*why) *why = check_all_calls(pool, tmpl);
    if (!*why && kind == KR_TEMPLATE_HTML) *why = kr_tmpl_html_contexts(pool, tmpl);
    return *why ? NULL : tmpl;
}

/* "recovery_url" -> "RecoveryURL", "oauth2_login_request" -> "OAuth2LoginRequest" */
static const char *go_name(apr_pool_t *pool, const char *name)
{
    static const struct {
        const char *wire, *go;
    } WORDS[] = { { "url", "URL" }, { "oauth2", "OAuth2" }, { "id", "ID" } };
    const char *out = "";

    while (*name) {
        const apr_size_t len = strcspn(name, "_");
        char *word = apr_pstrmemdup(pool, name, len);
        const char *go = word;

        for (int i = 0; i < KR_DIM(WORDS); i++) {
            if (strcmp(word, WORDS[i].wire) == 0) go = WORDS[i].go;
        }
        if (go == word) *word = (char)toupper((unsigned char)*word);
        out = apr_pstrcat(pool, out, go, NULL);
        name += len + (name[len] == '_');
    }
    return out;
}

json_t *kr_tmpl_data(apr_pool_t *pool, const json_t *data)
{
    json_t *out = kr_json_own(pool, json_object()), *value;
    const char *name;

    json_object_foreach((json_t *)data, name, value)
    {
        json_object_set(out, name, value);
        json_object_set(out, go_name(pool, name), value);
    }
    return out;
}
