/* SPDX-License-Identifier: Apache-2.0 */
/* The review of a draft: every member of the tree must be a known key, of the right type, and built. */
#include <string.h>

#include "kr_json.h"
#include "kr_text.h"
#include "draft.h"

/* -- findings ------------------------------------------------------------------- */

/** "file:line: key: what". */
static void add(kr_review_t *review, int fatal, const char *path, const char *what)
{
    const kr_origin_t *origin = *path ? kr_origin(review->draft, path) : NULL;
    int written = origin && apr_hash_get(review->draft->origins, path, APR_HASH_KEY_STRING);
    const char *file = review->draft->file ? review->draft->file : "settings";
    const char *text = *path ? apr_psprintf(review->pool, "%s: %s", path, what) : what;

    if (written && origin->line) text = apr_psprintf(review->pool, "%s:%d: %s", origin->file, origin->line, text);
    else text = apr_psprintf(review->pool, "%s: %s", origin ? origin->file : file, text);
    APR_ARRAY_PUSH(fatal ? review->errors : review->warnings, kr_finding_t) = (kr_finding_t){ fatal, text };
}

void kr_review_error(kr_review_t *review, const char *path, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(review, 1, path, apr_pvsprintf(review->pool, fmt, ap));
    va_end(ap);
}

void kr_review_warn(kr_review_t *review, const char *path, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(review, 0, path, apr_pvsprintf(review->pool, fmt, ap));
    va_end(ap);
}

void kr_review_unbuilt(kr_review_t *review, const char *path, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(review, !review->allow_unbuilt, path, apr_pvsprintf(review->pool, fmt, ap));
    va_end(ap);
}

/* -- what is not built ------------------------------------------------------------ */

static int is_default(kr_review_t *review, const kr_key_t *key, const json_t *value)
{
    const kr_origin_t nowhere = { "default", 1, NULL };
    const char *why;
    json_t *fallback;
    int same;

    if (!key->fallback) return 0;
    fallback = kr_value_parse(review->draft, key, key->path, key->fallback, &nowhere, &why);
    same = fallback && json_equal(fallback, value);
    json_decref(fallback);
    return same;
}

/** Once for all elements of a list. */
static void note_idle(kr_review_t *review, const char *path)
{
    const char *plain = kr_path_plain(review->pool, path);

    for (int i = 0; i < review->idle->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(review->idle, i, const char *), plain) == 0) return;
    }
    APR_ARRAY_PUSH(review->idle, const char *) = plain;
}

static void review_built(kr_review_t *review, const kr_key_t *key, const char *path, const json_t *value)
{
    if (key->built == DETAIL) note_idle(review, path);
    if (key->built != REFUSED || is_default(review, key, value)) return;
    if (key->type == KR_BOOL || key->type == KR_WORD) {
        const char *word = json_is_true(value) ? "true" : json_string_value(value);

        kr_review_unbuilt(review, path, "\"%s\" asks for %s, which this version does not support yet", word, key->asks);
    }
    else {
        kr_review_unbuilt(review, path, "asks for %s, which this version does not support yet", key->asks);
    }
}

/* -- the walk ------------------------------------------------------------------------ */

int kr_is_missing(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);

    return !member || json_is_null(member);
}

/** Members that an object of a list must have. */
static void review_needed(kr_review_t *review, const char *path, const json_t *object)
{
    KR_EACH_KEY(key, review->draft->keys) {
        const char *name = strrchr(key->path, '.');

        if (!key->needed || !name || !kr_is_missing(object, name + 1)) continue;
        if (kr_key_find(review->draft->keys, kr_path_member(review->pool, path, name + 1)) == key) {
            kr_review_error(review, path, "needs a member \"%s\"", name + 1);
        }
    }
}

static void review_objects(kr_review_t *review, const char *path, json_t *list)
{
    size_t i;
    json_t *element;

    json_array_foreach(list, i, element) {
        const char *at = kr_path_element(review->pool, path, i);

        if (!json_is_object(element)) {
            kr_review_error(review, at, "must be an object");
            continue;
        }
        kr_review_object(review, review->draft->keys, 0, at, element);
        review_needed(review, at, element);
    }
}

void kr_review_value(kr_review_t *review, const kr_key_t *key, const char *path, json_t *parent, const char *name)
{
    json_t *value = json_object_get(parent, name);
    json_t *settled = kr_value_settle(review->draft, key, path, value);
    const char *why;

    if (settled) {
        json_object_set_new(parent, name, settled);
        value = settled;
    }
    why = kr_value_read(NULL, review->pool, key, value);
    if (why) {
        kr_review_error(review, path, "%s", why);
        return;
    }
    review_built(review, key, path, value);
    if (key->type == KR_HOOKS) kr_review_hooks(review, key, path, value);
    if (key->type == KR_OBJECTS) review_objects(review, path, value);
}

static void review_unknown(kr_review_t *review, kr_keytables_t tables, apr_size_t prefix, const char *path,
                           const char *name)
{
    const char *near = kr_key_nearest(review->pool, tables, path + prefix), *now = prefix ? NULL : kr_key_renamed(path);

    if (strchr(name, '.')) {
        kr_review_error(review, path, "unknown key; keys are nested here: write each name on a level of its own");
    }
    else if (now) {
        kr_review_error(review, path, "unknown key; write %s", now);
    }
    else if (near) {
        kr_review_error(review, path, "unknown key; did you mean %.*s%s?", (int)prefix, path, near);
    }
    else {
        kr_review_error(review, path, "unknown key");
    }
}

void kr_review_object(kr_review_t *review, kr_keytables_t tables, apr_size_t prefix, const char *path, json_t *object)
{
    const char *name;
    json_t *member;

    json_object_foreach(object, name, member) {
        const char *at = kr_path_member(review->pool, path, name);
        const kr_key_t *key = strpbrk(name, ".[") ? NULL : kr_key_find(tables, at + prefix);

        if (key) {
            if (!json_is_null(member)) kr_review_value(review, key, at, object, name);
        }
        else if (strpbrk(name, ".[") || !kr_key_above(tables, at + prefix)) {
            review_unknown(review, tables, prefix, at, name);
        }
        else if (json_is_object(member)) {
            kr_review_object(review, tables, prefix, at, member);
        }
        else if (!json_is_null(member)) {
            kr_review_error(review, at, "must be an object");
        }
    }
}
