/* SPDX-License-Identifier: Apache-2.0 */
/* Catalogues of words: read and checked at start. */
#include <ctype.h>

#include "kr_json.h"
#include "kr_text.h"
#include "ui.h"

/** Keys that need not be known: what messages, errors and the owner's own schema bring. */
static const char *const OPEN_KEYS[] = { "label:", "reason:", "error:" };

static int is_message_id(const char *key)
{
    return strlen(key) == 7 && strspn(key, "0123456789") == 7;
}

static int may_have_key(const char *key, const json_t *known)
{
    if (json_object_get(known, key) || is_message_id(key)) return 1;
    for (int i = 0; i < KR_DIM(OPEN_KEYS); i++)
        if (strncmp(key, OPEN_KEYS[i], strlen(OPEN_KEYS[i])) == 0) return 1;
    return 0;
}

/* The first {name} of `text` that `allowed` does not use as well, or NULL. A message that nobody knows may use any. */
static const char *strange_placeholder(apr_pool_t *pool, const char *text, const char *allowed)
{
    const char *open, *close;

    for (; allowed && (open = strchr(text, '{')) != NULL && (close = strchr(open, '}')) != NULL; text = close + 1) {
        const char *name = apr_pstrmemdup(pool, open, (apr_size_t)(close - open + 1));

        if (!strstr(allowed, name)) return name;
    }
    return NULL;
}

const char *ui_catalogue_add(json_t *texts, apr_pool_t *pool, const char *text, const json_t *known)
{
    const char *why = NULL, *key, *strange;
    const json_t *tree = kr_json_parse(pool, text, strlen(text), &why);
    json_t *value;

    if (!tree) return why;
    if (!json_is_object(tree)) return "it is no JSON object of texts";
    json_object_foreach((json_t *)tree, key, value) {
        if (!json_is_string(value)) return apr_psprintf(pool, "\"%s\": it is no text", key);
        if (!may_have_key(key, known)) return apr_psprintf(pool, "\"%s\": there is no such key", key);
        strange = strange_placeholder(pool, json_string_value(value), json_string_value(json_object_get(known, key)));
        if (strange) return apr_psprintf(pool, "\"%s\": %s is no placeholder of this text", key, strange);
        json_object_set(texts, key, value);
    }
    return NULL;
}

/* Letters and digits, in parts of two to eight, divided by single dashes; the first part is a language. */
int ui_is_language(const char *tag)
{
    size_t part = 0, first = strcspn(tag, "-");

    if (first < 2 || first > 3 || strlen(tag) > 32) return 0;
    for (; *tag; tag++) {
        if (*tag == '-') {
            if (part < 2) return 0;
            part = 0;
        }
        else if (!isalnum((unsigned char)*tag) || ++part > 8) return 0;
    }
    return part >= 2;
}
