/* SPDX-License-Identifier: Apache-2.0 */
/* From a reviewed tree into structs, by the rows of the table: what a list or an object consists of is a table as well. */
#include <apr_strings.h>
#include <string.h>

#include "draft.h"
#include "kr_json.h"

static json_t *member(const json_t *object, const char *path)
{
    json_t *value = kr_json_at(object, path);

    return json_is_null(value) ? NULL : value;
}

/* -- single values -------------------------------------------------------------------- */

static int is_kept_as_text(kr_type_e type)
{
    return type == KR_TEXT || type == KR_WORD || type == KR_URL || type == KR_PAGE || type == KR_SOURCE;
}

/**
 * In elements wrong strings stay: they are found wrong together with what is wrong among them, and nothing comes of them. Where a
 * list or a map belongs a string is no value at all.
 */
static void put(kr_review_t *review, void *field, const kr_key_t *key, json_t *value, int in_element)
{
    if (kr_value_read(field, review->pool, key, value) && in_element && json_is_string(value) && is_kept_as_text(key->type))
        *(const char **)field = json_string_value(value);
}

static void put_default(kr_review_t *review, void *field, const kr_key_t *key)
{
    const kr_origin_t nowhere = { "default", 1, NULL };
    const char *why;
    json_t *value = kr_value_parse(review->draft, key, key->path, key->fallback, &nowhere, &why);

    if (value) kr_value_read(field, review->pool, key, value);
    json_decref(value);
}

static void fill_value(kr_review_t *review, void *field, const kr_key_t *key, json_t *value, int in_element)
{
    if (key->type == KR_TEXTS) *(const apr_array_header_t **)field = apr_array_make(review->pool, 1, sizeof(char *));
    if (key->type == KR_MAP) *(const apr_table_t **)field = apr_table_make(review->pool, 1);
    if (value) put(review, field, key, value, in_element);
    else if (key->fallback) put_default(review, field, key);
}

/* -- lists and objects ------------------------------------------------------------------ */

static const char *name_of(const void *element, const kr_element_t *of)
{
    return *(const char *const *)((const char *)element + of->name);
}

static int is_twin(const apr_array_header_t *list, const kr_element_t *of, const void *element)
{
    const char *name = name_of(element, of);

    for (int i = 0; name && i < list->nelts - 1; i++) {
        const char *other = name_of(list->elts + (apr_size_t)i * of->size, of);

        if (other && strcmp(other, name) == 0) return 1;
    }
    return 0;
}

/** One more element. @param name  that it stands under; NULL: it says so itself */
static void add_element(kr_review_t *review, apr_array_header_t *list, const kr_element_t *of, const char *path, json_t *object,
                        const char *name)
{
    void *element = memset(apr_array_push(list), 0, of->size);

    kr_fill(review, element, of, path, object);
    if (name) memcpy((char *)element + of->name, &name, sizeof(name));
    if (of->twice && is_twin(list, of, element)) kr_review_error(review, path, "%s \"%s\"", of->twice, name_of(element, of));
}

static apr_array_header_t *fill_list(kr_review_t *review, const kr_element_t *of, const char *path, json_t *list)
{
    apr_array_header_t *out = apr_array_make(review->pool, (int)json_array_size(list), (int)of->size);
    json_t *object;
    size_t i;

    json_array_foreach(list, i, object) {
        if (i < KR_LIST_MAX && json_is_object(object))
            add_element(review, out, of, kr_path_element(review->pool, path, i), object, NULL);
    }
    return out;
}

/** What stands for one name of a pattern. */
typedef struct {
    kr_review_t *review;
    const kr_key_t *key;
    apr_array_header_t *out;
    apr_size_t named;      /* where in the path the names begin */
} members_t;

static void find_members(const members_t *found, const char *pattern, const char *path, json_t *value);

/** Go one name down. */
static void go_down(const members_t *found, const char *rest, const char *path, json_t *value, const char *name)
{
    const char *at = kr_path_member(found->review->pool, path, name);
    json_t *below = member(value, name);

    if (json_is_object(below)) find_members(found, *rest ? rest + 1 : rest, at, below);
}

static void find_members(const members_t *found, const char *pattern, const char *path, json_t *value)
{
    apr_pool_t *pool = found->review->pool;
    const char *rest = pattern + strcspn(pattern, "."), *name;
    json_t *below;

    if (!*pattern) {
        add_element(found->review, found->out, found->key->of, path, value, apr_pstrdup(pool, path + found->named));
    }
    else if (*pattern == '*') {
        json_object_foreach(value, name, below) go_down(found, rest, path, value, name);
    }
    else if (*pattern == '<') {
        for (const char *word = pattern + 1; word < rest; word += strcspn(word, "|>") + 1)
            go_down(found, rest, path, value, apr_pstrmemdup(pool, word, strcspn(word, "|>")));
    }
    else {
        go_down(found, rest, path, value, apr_pstrmemdup(pool, pattern, (apr_size_t)(rest - pattern)));
    }
}

/** Where in a path of the table the names begin: with its first pattern, or it ends in the only one. */
static apr_size_t names_begin(const char *pattern)
{
    const char *begin = strpbrk(pattern, "<*");

    if (!begin) begin = strrchr(pattern, '.') + 1;
    return (apr_size_t)(begin - pattern);
}

/** Several rows may fill one list, one after the other. */
static void fill_members(kr_review_t *review, const apr_array_header_t **field, const kr_key_t *key, const char *path, json_t *object)
{
    members_t found = { review, key, (apr_array_header_t *)*field, names_begin(key->path) };

    if (*path) found.named += strlen(path) + 1;
    if (!found.out) found.out = apr_array_make(review->pool, 4, (int)key->of->size);
    *field = found.out;
    find_members(&found, key->path, path, object);
}

/* -- rows ----------------------------------------------------------------------------------- */

/** "a.<b|c>.d" is first a.b.d and then a.c.d. @return NULL: no more */
static const char *alternative(apr_pool_t *pool, const char *pattern, int i)
{
    const char *begin = strchr(pattern, '<'), *end = begin ? strchr(begin, '>') : NULL;
    const char *word = begin ? begin + 1 : NULL;

    if (!end) return i ? NULL : pattern;
    for (; i && word < end; i--) word += strcspn(word, "|>") + 1;
    if (word >= end) return NULL;
    return apr_pstrcat(pool, apr_pstrmemdup(pool, pattern, (apr_size_t)(begin - pattern)),
                       apr_pstrmemdup(pool, word, strcspn(word, "|>")), end + 1, NULL);
}

static void fill_row(kr_review_t *review, char *field, const kr_key_t *key, const char *path, json_t *object)
{
    const char *name;

    for (int i = 0; (name = alternative(review->pool, key->path, i)); i++, field += key->size) {
        const char *at = kr_path_member(review->pool, path, name);
        json_t *value = member(object, name);

        if (key->type == KR_OBJECT) kr_fill(review, field, key->of, at, kr_json_at(object, name)); /* null is there, with nothing in it */
        else if (key->type == KR_OBJECTS) *(const apr_array_header_t **)field = fill_list(review, key->of, at, value);
        else if (key->type == KR_HOOKS) *(const apr_array_header_t **)field = kr_hooks_fill(review, at, value);
        else fill_value(review, field, key, value, *path != '\0');
    }
}

void kr_fill(kr_review_t *review, void *into, const kr_element_t *of, const char *path, json_t *object)
{
    KR_EACH_KEY(key, of->rows) {
        char *field = (char *)into + key->at;

        if (!key->size) continue;
        if (key->type == KR_MEMBERS) fill_members(review, (const apr_array_header_t **)field, key, path, object);
        else fill_row(review, field, key, path, object);
    }
    if (of->finish && object) of->finish(review, path, into);
}
