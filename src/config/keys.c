/* SPDX-License-Identifier: Apache-2.0 */
/* Looking up keys: which row a path belongs to, and which known key somebody may have meant. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "kr_text.h"
#include "keys.h"

const kr_keytable_t *const kr_all_keys[] = {
    &kr_keys_realm, &kr_keys_flows, &kr_keys_after, &kr_keys_methods, &kr_keys_webauthn, &kr_keys_fedcm, &kr_keys_courier, &kr_keys_other, NULL
};

static void flatten(apr_array_header_t *out, const char *above, kr_keytables_t tables)
{
    KR_EACH_KEY(key, tables) {
        const char *path = apr_pstrcat(out->pool, above, key->path, NULL);

        if (key->type != KR_OBJECT && key->type != KR_MEMBERS) {
            kr_key_t *row = apr_array_push(out);

            *row = *key;
            row->path = path;
        }
        if (key->of) flatten(out, apr_pstrcat(out->pool, path, key->type == KR_OBJECTS ? "[]." : ".", NULL), key->of->rows);
    }
}

kr_keytables_t kr_keys_flat(apr_pool_t *pool)
{
    apr_array_header_t *rows = apr_array_make(pool, 512, sizeof(kr_key_t));
    const kr_keytable_t **tables = apr_pcalloc(pool, 2 * sizeof(*tables));
    kr_keytable_t *table = apr_palloc(pool, sizeof(*table));

    flatten(rows, "", kr_all_keys);
    table->keys = (const kr_key_t *)rows->elts;
    table->count = rows->nelts;
    tables[0] = table;
    return tables;
}

/** What a pattern says of a path. */
typedef enum { APART, ABOVE, SAME } relation_e;

static apr_size_t segment_len(const char *s)
{
    return strcspn(s, ".[");
}

/** "[12]" matches "[]". Both move on. */
static int match_index(const char **pattern, const char **path)
{
    const char *p = *path;

    if (*p++ != '[') return 0;
    while (isdigit((unsigned char)*p)) p++;
    if (*p++ != ']') return 0;
    *pattern += 2;
    *path = p;
    return 1;
}

static relation_e relate(const char *pattern, const char *path);

/** "<a|b>rest": the first name that the path goes on with, and then the rest. */
static relation_e relate_either(const char *pattern, const char *path)
{
    const char *rest = strchr(pattern, '>') + 1;

    for (const char *word = pattern + 1; word < rest;) {
        apr_size_t len = strcspn(word, "|>");

        if (strncmp(word, path, len) == 0) {
            relation_e found = relate(rest, path + len);

            if (found != APART) return found;
        }
        word += len + 1;
    }
    return APART;
}

static relation_e relate(const char *pattern, const char *path)
{
    while (*path) {
        if (*pattern == '<') return relate_either(pattern, path);
        if (*pattern == '[') {
            if (!match_index(&pattern, &path)) return APART;
        }
        else if (*pattern == '*') {
            if (!segment_len(path)) return APART;
            pattern++;
            path += segment_len(path);
        }
        else if (*pattern++ != *path++) {
            return APART;
        }
    }
    if (!*pattern) return SAME;
    return *pattern == '.' || *pattern == '[' ? ABOVE : APART;
}

const kr_key_t *kr_key_find(kr_keytables_t tables, const char *path)
{
    KR_EACH_KEY(key, tables) {
        if (relate(key->path, path) == SAME) return key;
    }
    return NULL;
}

int kr_key_above(kr_keytables_t tables, const char *path)
{
    KR_EACH_KEY(key, tables) {
        if (relate(key->path, path) == ABOVE) return 1;
    }
    return 0;
}

/* -- the nearest key ------------------------------------------------------- */

#define NEAR_MAX 128 /* longer paths get no suggestion */

/** Levenshtein's distance of two strings of at most NEAR_MAX bytes; `far` when it is not less than that. */
static int distance(const char *a, apr_size_t a_len, const char *b, apr_size_t b_len, int far)
{
    int row[NEAR_MAX + 1] = { 0 }, least = abs((int)a_len - (int)b_len);

    for (int j = 0; j <= (int)b_len; j++) row[j] = j;
    for (int i = 1; i <= (int)a_len && least < far; i++) {
        int diagonal = row[0];

        least = row[0] = i;
        for (int j = 1; j <= (int)b_len; j++) {
            int best = diagonal + (a[i - 1] != b[j - 1]);

            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
            if (best < least) least = best;
        }
    }
    return least < far ? row[b_len] : far;
}

const char *kr_path_plain(apr_pool_t *pool, const char *path)
{
    char *out = apr_pstrdup(pool, path);
    char *to = out;

    for (const char *from = path; *from;) {
        *to++ = *from;
        if (*from++ == '[') from += strspn(from, "0123456789");
    }
    *to = '\0';
    return out;
}

const char *kr_key_nearest(apr_pool_t *pool, kr_keytables_t tables, const char *path)
{
    const char *asked = kr_path_plain(pool, path);
    const char *found = NULL;
    apr_size_t asked_len = strlen(asked), found_len = 0;
    int best;

    if (asked_len > NEAR_MAX) return NULL;
    best = 2 + (int)asked_len / 5;
    KR_EACH_KEY(key, tables) {
        apr_size_t whole = strcspn(key->path, "<*");

        /* every beginning of a known path is a candidate: the mistake may be in the middle */
        for (apr_size_t len = 1; len <= whole && len <= NEAR_MAX; len++) {
            int off;

            if (key->path[len] != '\0' && key->path[len] != '.') continue;
            off = distance(asked, asked_len, key->path, len, best);
            if (off < best) {
                best = off;
                found = key->path;
                found_len = len;
            }
        }
    }
    return found ? apr_pstrmemdup(pool, found, found_len) : NULL;
}

#define SCHEMAS "identity.schemas: [{id: default, url: file://...}], and its id as identity.default_schema_id"

/* Keys that stand in older guides, and where what they said is said now. What is below them is meant, too. */
const char *kr_key_renamed(const char *path)
{
    static const struct {
        const char *old, *now;
    } RENAMED[] = {
        { "identity.default_schema_url", SCHEMAS },
        { "identity.traits", SCHEMAS },
        { "secrets.session", "secrets.cookie" },
        { "security.session.cookie", "session.cookie" },
        { "selfservice.default_redirect_url", "selfservice.default_browser_return_url" },
        { "selfservice.default_return_to", "selfservice.default_browser_return_url" },
        { "selfservice.login", "selfservice.flows.login" },
        { "selfservice.logout", "selfservice.flows.logout" },
        { "selfservice.registration", "selfservice.flows.registration" },
        { "selfservice.settings", "selfservice.flows.settings" },
        { "selfservice.strategies", "selfservice.methods" },
        { "selfservice.verify", "selfservice.flows.verification" },
        { "selfservice.whitelisted_return_to_urls", "selfservice.allowed_return_urls" },
        { "selfservice.whitelisted_return_urls", "selfservice.allowed_return_urls" },
        { "ttl.session", "session.lifespan" },
        { "urls", "serve.public.base_url, selfservice.default_browser_return_url and the ui_url of each of selfservice.flows" },
    };

    for (int i = 0; i < KR_DIM(RENAMED); i++) {
        apr_size_t len = strlen(RENAMED[i].old);

        if (strncmp(path, RENAMED[i].old, len) == 0 && (!path[len] || path[len] == '.')) return RENAMED[i].now;
    }
    return NULL;
}

/* -- words ------------------------------------------------------------------ */

int kr_word_index(const char *words, const char *word)
{
    apr_size_t len = strlen(word);
    int i = 0;

    for (const char *p = words; p; i++) {
        apr_size_t n = strcspn(p, "|");

        if (n == len && memcmp(p, word, n) == 0) return i;
        p = p[n] ? p + n + 1 : NULL;
    }
    return -1;
}

const char *kr_words_listed(apr_pool_t *pool, const char *words)
{
    const char *out = "";

    for (const char *p = words; p;) {
        apr_size_t n = strcspn(p, "|");
        const char *next = p[n] ? p + n + 1 : NULL;
        const char *glue = !*out ? "" : next ? ", " : " or ";

        out = apr_pstrcat(pool, out, glue, apr_pstrmemdup(pool, p, n), NULL);
        p = next;
    }
    return out;
}
