/* SPDX-License-Identifier: Apache-2.0 */
/* Require lines are read once, when httpd reads its configuration: what may stand in them, and what is wrong where it may not. */
#include "require.h"

#include <string.h>

#include "kr_json.h"
#include "kr_text.h"

const char *const kr_require_names[KR_REQUIRE_KINDS] = {
    [KR_REQUIRE_SESSION] = "kratos-session",   [KR_REQUIRE_AAL] = "kratos-aal",         [KR_REQUIRE_VERIFIED] = "kratos-verified",
    [KR_REQUIRE_IDENTITY] = "kratos-identity", [KR_REQUIRE_TRAIT] = "kratos-trait",     [KR_REQUIRE_METADATA] = "kratos-metadata",
    [KR_REQUIRE_SCHEMA] = "kratos-schema",
};

#define WORD_MAX 1024

static const char *check_none(apr_pool_t *pool, const apr_array_header_t *words)
{
    (void)pool;
    return words->nelts ? "takes no arguments but max-age, such as max-age=15m" : NULL;
}

static const char *word(const apr_array_header_t *words, int i)
{
    return APR_ARRAY_IDX(words, i, const char *);
}

static const char *check_aal(apr_pool_t *pool, const apr_array_header_t *words)
{
    kr_aal_e level;

    (void)pool;
    if (words->nelts == 1 && kr_aal_parse(&level, word(words, 0)) && level != KR_AAL0) return NULL;
    return "takes one assurance level, aal1 or aal2, and no more than max-age beside it, such as max-age=15m";
}

static int is_via(const char *text)
{
    return !strcmp(text, "email") || !strcmp(text, "phone");
}

static const char *check_via(apr_pool_t *pool, const apr_array_header_t *words)
{
    (void)pool;
    if (words->nelts == 0) return NULL;
    if (is_via(word(words, 0)) && (words->nelts == 1 || !is_via(word(words, 1)))) return NULL;
    return "takes nothing, or one of email and phone, and then values that the address may have";
}

static const char *check_uuids(apr_pool_t *pool, const apr_array_header_t *words)
{
    if (!words->nelts) return "takes one or more ids of identities";
    for (int i = 0; i < words->nelts; i++)
        if (!kr_uuid_valid(word(words, i)))
            return apr_psprintf(pool, "\"%s\" is no id of an identity", word(words, i));
    return NULL;
}

static const char *check_ids(apr_pool_t *pool, const apr_array_header_t *words)
{
    (void)pool;
    return words->nelts ? NULL : "takes one or more ids of identity schemas";
}

static const char *check_path(apr_pool_t *pool, const apr_array_header_t *words)
{
    const char *path;

    if (words->nelts < 2) return "takes a path and one or more values";
    path = word(words, 0);
    if (!*path || *path == '.' || strstr(path, "..") || path[strlen(path) - 1] == '.')
        return apr_psprintf(pool, "\"%s\" is no path: members are parted by single dots", path);
    return NULL;
}

/** How many words stand before the values, and what may stand there at all. */
static const struct {
    int path;
    const char *(*check)(apr_pool_t *pool, const apr_array_header_t *words);
} READING[KR_REQUIRE_KINDS] = {
    [KR_REQUIRE_SESSION] = { 0, check_none },   [KR_REQUIRE_AAL] = { 0, check_aal },    [KR_REQUIRE_VERIFIED] = { 1, check_via },
    [KR_REQUIRE_IDENTITY] = { 0, check_uuids }, [KR_REQUIRE_TRAIT] = { 1, check_path }, [KR_REQUIRE_METADATA] = { 1, check_path },
    [KR_REQUIRE_SCHEMA] = { 0, check_ids },
};

/* -- how long ago --------------------------------------------------------- */

#define MAX_AGE "max-age="
#define MAX_AGE_LEAST apr_time_from_sec(1) /* what is shorter is over before anybody is back from the sign-in */

static int is_max_age(const char *text)
{
    return !strncmp(text, MAX_AGE, strlen(MAX_AGE));
}

static const char *read_max_age(apr_time_t *age, apr_pool_t *pool, const char *text)
{
    if (*age) return "has max-age twice";
    *age = kr_duration_parse(text + strlen(MAX_AGE));
    if (*age < 0)
        return apr_psprintf(pool, "\"%s\" is no duration: write a number and its unit, such as max-age=15m, max-age=1h or max-age=90s",
                            text);
    if (*age < MAX_AGE_LEAST)
        return apr_psprintf(pool, "\"%s\" would let nobody in: write how long a sign-in is good for, such as max-age=15m", text);
    return NULL;
}

/* Of lines that are about the sign-in itself, max-age goes into the rule and the other words stay. @return what is wrong, or NULL */
static const char *take_max_age(kr_require_t *rule, const apr_array_header_t **words, apr_pool_t *pool)
{
    apr_array_header_t *rest = apr_array_make(pool, (*words)->nelts + 1, sizeof(const char *));

    if (rule->kind != KR_REQUIRE_SESSION && rule->kind != KR_REQUIRE_AAL) return NULL;
    for (int i = 0; i < (*words)->nelts; i++) {
        const char *why = NULL;

        if (is_max_age(word(*words, i))) why = read_max_age(&rule->max_age, pool, word(*words, i));
        else APR_ARRAY_PUSH(rest, const char *) = word(*words, i);
        if (why) return why;
    }
    *words = rest;
    return NULL;
}

/* -- values, and all of it ------------------------------------------------ */

/* "/x/" and "/x/i" are expressions; a text that only begins with a slash is a text. */
static int take_value(kr_wanted_t *out, apr_pool_t *pool, const char *text, const char **why)
{
    apr_size_t len = strlen(text);
    const char *bare;
    int caseless;

    *out = (kr_wanted_t){ .text = text };
    caseless = len > 3 && !strcmp(text + len - 2, "/i");
    if (caseless) len--;
    if (len < 3 || text[0] != '/' || text[len - 1] != '/') return 1;
    bare = apr_pstrmemdup(pool, text + 1, len - 2);
    out->pattern = kr_pattern_make(pool, caseless ? apr_pstrcat(pool, "(?i)", bare, NULL) : bare, why);
    if (!out->pattern) *why = apr_psprintf(pool, "\"%s\" is no regular expression: %s", bare, *why);
    return out->pattern != NULL;
}

kr_require_t *kr_require_parse(apr_pool_t *pool, kr_require_kind_e kind, const apr_array_header_t *words, const char **why)
{
    kr_require_t *rule = apr_pcalloc(pool, sizeof(*rule));
    apr_array_header_t *wanted = apr_array_make(pool, words->nelts + 1, sizeof(kr_wanted_t));
    const int values = kind == KR_REQUIRE_TRAIT || kind == KR_REQUIRE_METADATA || kind == KR_REQUIRE_VERIFIED;

    for (int i = 0; i < words->nelts; i++)
        if (strlen(word(words, i)) > WORD_MAX) {
            *why = "has an argument of more than 1024 bytes";
            return NULL;
        }
    rule->kind = kind;
    *why = take_max_age(rule, &words, pool);
    if (!*why) *why = READING[kind].check(pool, words);
    if (*why) return NULL;
    if (kind == KR_REQUIRE_AAL) (void)kr_aal_parse(&rule->aal, word(words, 0));
    if (READING[kind].path && words->nelts) rule->path = apr_pstrdup(pool, word(words, 0));
    for (int i = READING[kind].path; i < words->nelts; i++) {
        kr_wanted_t *w = apr_array_push(wanted);

        *w = (kr_wanted_t){ .text = word(words, i) };
        if (values && !take_value(w, pool, word(words, i), why)) return NULL;
    }
    rule->wanted = wanted;
    return rule;
}

apr_time_t kr_require_max_age(const kr_require_t *rule)
{
    return rule->max_age;
}

int kr_require_asks_second(const kr_require_t *rule)
{
    return rule->kind == KR_REQUIRE_AAL && rule->aal == KR_AAL2;
}
