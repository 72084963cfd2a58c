/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of settings while it is read: files and single keys are merged into it, and it remembers who wrote what. */
#include <apr_file_io.h>
#include <stdlib.h>
#include <string.h>

#include "kr_json.h"
#include "kr_text.h"
#include "draft.h"

kr_draft_t *kr_draft_make(apr_pool_t *pool)
{
    kr_draft_t *draft = apr_pcalloc(pool, sizeof(*draft));

    draft->pool = pool;
    draft->tree = kr_json_own(pool, json_object());
    draft->origins = apr_hash_make(pool);
    draft->keys = kr_keys_flat(pool);
    return draft;
}

const char *kr_path_member(apr_pool_t *pool, const char *path, const char *name)
{
    return *path ? apr_pstrcat(pool, path, ".", name, NULL) : apr_pstrdup(pool, name);
}

const char *kr_path_element(apr_pool_t *pool, const char *path, apr_size_t i)
{
    return apr_psprintf(pool, "%s[%" APR_SIZE_T_FMT "]", path, i);
}

const kr_origin_t *kr_origin(const kr_draft_t *draft, const char *path)
{
    apr_size_t len = strlen(path);

    for (;;) {
        const kr_origin_t *origin = apr_hash_get(draft->origins, path, (apr_ssize_t)len);

        if (origin || !len) return origin;
        do len--;
        while (len && path[len] != '.' && path[len] != '[');
    }
}

void kr_origins_copy(kr_draft_t *draft, const char *path, const char *from, const json_t *value, const kr_origin_t *where)
{
    const kr_origin_t *written = apr_hash_get(draft->origins, from, APR_HASH_KEY_STRING);
    kr_origin_t *origin = apr_pcalloc(draft->pool, sizeof(*origin));
    const char *name;
    json_t *member;
    size_t i;

    if (written) *origin = *written;
    if (where) {
        origin->file = where->file;
        origin->line = where->line;
    }
    if (origin->file) apr_hash_set(draft->origins, apr_pstrdup(draft->pool, path), APR_HASH_KEY_STRING, origin);
    json_array_foreach(value, i, member)
        kr_origins_copy(draft, kr_path_element(draft->pool, path, i), kr_path_element(draft->pool, from, i), member, where);
    json_object_foreach((json_t *)value, name, member)
        kr_origins_copy(draft, kr_path_member(draft->pool, path, name), kr_path_member(draft->pool, from, name), member, where);
}

/* -- files -------------------------------------------------------------------- */

/** All of a file of at most KR_CONFIG_MAX_BYTES. @return what is wrong, or NULL */
static const char *slurp(char **text, apr_size_t *len, apr_pool_t *pool, const char *name)
{
    apr_file_t *file;
    apr_status_t rv = apr_file_open(&file, name, APR_FOPEN_READ | APR_FOPEN_BINARY, APR_FPROT_OS_DEFAULT, pool);
    char words[120];

    if (rv == APR_SUCCESS) {
        *text = apr_palloc(pool, KR_CONFIG_MAX_BYTES + 1);
        rv = apr_file_read_full(file, *text, KR_CONFIG_MAX_BYTES + 1, len);
        apr_file_close(file);
        if (rv == APR_EOF) rv = APR_SUCCESS;
    }
    if (rv != APR_SUCCESS) {
        return apr_psprintf(pool, "%s: cannot be read: %s", name, apr_strerror(rv, words, sizeof(words)));
    }
    if (*len > KR_CONFIG_MAX_BYTES) return apr_psprintf(pool, "%s: larger than 1 MiB", name);
    return NULL;
}

/** Members of objects merge, all else replaces. */
static void merge(json_t *into, json_t *from)
{
    const char *name;
    json_t *member;

    json_object_foreach(from, name, member) {
        json_t *before = json_object_get(into, name);

        if (json_is_object(before) && json_is_object(member)) merge(before, member);
        else json_object_set(into, name, member);
    }
}

const char *kr_draft_load(kr_draft_t *draft, const char *file)
{
    apr_pool_t *scratch;
    apr_size_t len = 0;
    const char *why;
    char *text = NULL;
    json_t *read;

    apr_pool_create(&scratch, draft->pool);
    file = apr_pstrdup(draft->pool, file);
    why = slurp(&text, &len, scratch, file);
    if (why) {
        why = apr_pstrdup(draft->pool, why);
        apr_pool_destroy(scratch);
        return why;
    }
    read = kr_yaml_read(draft, "", file, 0, text, len, &why);
    kr_wipe(text, len);
    apr_pool_destroy(scratch);
    if (!read) return why;

    draft->file = file;
    if (json_is_object(read)) merge(draft->tree, read);
    else why = apr_psprintf(draft->pool, "%s: must hold keys with values, as in `session: { lifespan: 24h }`", file);
    json_decref(read);
    return why;
}

/* -- single keys ---------------------------------------------------------------- */

/** "file:line" of a directive. */
static kr_origin_t split_where(apr_pool_t *pool, const char *where)
{
    kr_origin_t out = { where, 0, NULL };
    const char *colon = strrchr(where, ':');

    if (colon && colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1)) {
        out.file = apr_pstrmemdup(pool, where, (apr_size_t)(colon - where));
        out.line = atoi(colon + 1);
    }
    return out;
}

static const char *unknown_key(kr_draft_t *draft, const char *key, const char *where)
{
    const char *near = kr_key_nearest(draft->pool, draft->keys, key), *now = kr_key_renamed(key);

    if (now) return apr_psprintf(draft->pool, "%s: %s: unknown key; write %s", where, key, now);
    if (near) return apr_psprintf(draft->pool, "%s: %s: unknown key; did you mean %s?", where, key, near);
    return apr_psprintf(draft->pool, "%s: %s: unknown key", where, key);
}

/** A value for one row, settled and checked. */
static json_t *checked_value(kr_draft_t *draft, const kr_key_t *row, const char *key, const char *value,
                             const kr_origin_t *where, const char **why)
{
    json_t *out = kr_value_parse(draft, row, key, value, where, why), *settled;

    if (!out) return NULL;
    settled = kr_value_settle(draft, row, key, out);
    if (settled) {
        json_decref(out);
        out = settled;
    }
    *why = json_is_null(out) ? NULL : kr_value_read(NULL, draft->pool, row, out);
    if (*why) {
        json_decref(out);
        out = NULL;
    }
    return out;
}

const char *kr_draft_set(kr_draft_t *draft, const char *key, const char *value, const char *where)
{
    const kr_key_t *row = kr_key_find(draft->keys, key);
    kr_origin_t origin = split_where(draft->pool, where), *noted;
    const char *why = NULL;
    json_t *read;

    if (strchr(key, '[')) {
        return apr_psprintf(draft->pool, "%s: %s: one element cannot be set; set the whole list", where, key);
    }
    if (!row && !kr_key_above(draft->keys, key)) return unknown_key(draft, key, where);
    if (strlen(value) > KR_CONFIG_MAX_BYTES) return apr_psprintf(draft->pool, "%s: %s: larger than 1 MiB", where, key);

    key = apr_pstrdup(draft->pool, key);
    noted = apr_pmemdup(draft->pool, &origin, sizeof(origin));
    if (row) read = checked_value(draft, row, key, value, noted, &why);
    else read = kr_yaml_read(draft, key, origin.file, origin.line, value, strlen(value), &why);
    if (read && !row && !json_is_object(read)) {
        json_decref(read);
        read = NULL;
        why = "must be an object";
    }
    if (!read) return apr_psprintf(draft->pool, "%s: %s: %s", where, key, why);

    noted->text = row ? apr_pstrdup(draft->pool, value) : NULL;
    apr_hash_set(draft->origins, key, APR_HASH_KEY_STRING, noted);
    if (json_is_object(read) && json_is_object(kr_json_at(draft->tree, key))) {
        merge(kr_json_at(draft->tree, key), read);
        json_decref(read);
    }
    else {
        kr_json_set_at(draft->tree, key, read);
    }
    return NULL;
}
