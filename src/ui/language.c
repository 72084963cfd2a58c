/* SPDX-License-Identifier: Apache-2.0 */
/* Which language a page is in. */
#include <strings.h>

#include "kr_http.h"
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
            int w = kr_weight(accept + tag, accept + len);

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
