/* SPDX-License-Identifier: Apache-2.0 */
/* Which language a page is in. */
#include <stdlib.h>
#include <strings.h>

#include "kr_text.h"
#include "ui.h"

/* What a header may hold; beyond that nobody's wishes are read. */
#define WISHES_MAX 20

static const kr_words_t *exactly(const kr_pages_t *pages, const char *tag, apr_size_t len)
{
    for (int i = 0; i < pages->languages->nelts; i++) {
        const kr_words_t *words = APR_ARRAY_IDX(pages->languages, i, kr_words_t *);

        if (strlen(words->lang) == len && strncasecmp(words->lang, tag, len) == 0) return words;
    }
    return NULL;
}

/* RFC 4647 section 3.4, lookup: what there is no language for is asked again with less ("de-AT", then "de"). */
static const kr_words_t *lookup(const kr_pages_t *pages, apr_pool_t *pool, const char *range, apr_size_t len)
{
    char *tag = apr_pstrmemdup(pool, range, len);

    for (char *c = tag; *c; c++)
        if (*c == '_' || *c == '.') *c = *c == '_' ? '-' : '\0'; /* de_AT.UTF-8, as systems write it */
    for (len = strlen(tag); len > 0; len = strrchr(tag, '-') ? (apr_size_t)(strrchr(tag, '-') - tag) : 0) {
        const kr_words_t *words = exactly(pages, tag, len);

        if (words) return words;
        tag[len] = '\0';
    }
    return NULL;
}

/* A weight from 0 to 1000: "0.8" is 800; anything odd counts as nothing. RFC 9110 section 12.4.2. */
static int weight(const char *parameters, apr_size_t len)
{
    const char *q = memchr(parameters, 'q', len);
    double value;

    if (!q) q = memchr(parameters, 'Q', len);
    if (!q) return 1000;
    q += 1 + strspn(q + 1, " \t");
    if (*q != '=') return 0;
    value = strtod(q + 1, NULL);
    return value >= 0 && value <= 1 ? (int)(value * 1000) : 0;
}

static const kr_words_t *accepted(const kr_pages_t *pages, apr_pool_t *pool, const char *accept)
{
    const kr_words_t *best = NULL;
    int best_weight = 0;

    for (int i = 0; *accept && i < WISHES_MAX; i++) {
        apr_size_t blank = strspn(accept, " \t,"), len, tag;

        accept += blank;
        len = strcspn(accept, ",");
        tag = strcspn(accept, " \t,;");
        if (tag > 0 && tag <= 64) {
            const kr_words_t *words = lookup(pages, pool, accept, tag);
            int w = weight(accept + tag, len - tag);

            if (words && w > best_weight) {
                best = words;
                best_weight = w;
            }
        }
        accept += len;
    }
    return best;
}

const kr_words_t *kr_pages_words(const kr_pages_t *pages, apr_pool_t *pool, const char *locale, const char *accept)
{
    const kr_words_t *words = locale && strlen(locale) <= 64 ? lookup(pages, pool, locale, strlen(locale)) : NULL;

    if (!words && accept) words = accepted(pages, pool, accept);
    return words ? words : APR_ARRAY_IDX(pages->languages, 0, kr_words_t *);
}

const char *kr_words_lang(const kr_words_t *words)
{
    return words->lang;
}
