/* SPDX-License-Identifier: Apache-2.0 */
/* Values that somebody was to replace and did not: placeholders of templates, and samples that stand in everybody's copy. */
#include <ctype.h>
#include <string.h>

#include "kr_text.h"
#include "keys.h"

/** Is there "<begin>...<end>" with something between? With `named`, that something begins as a name does. */
static int holds(const char *s, const char *begin, const char *end, int named)
{
    apr_size_t len = strlen(begin);

    for (const char *at = strstr(s, begin); at; at = strstr(at + 1, begin)) {
        const char *inside = at + len, *close = strstr(inside, end);

        if (close > inside && (!named || isalpha((unsigned char)*inside) || *inside == '_')) return 1;
    }
    return 0;
}

/** Of shells, make, and the templates that configurations are rolled out with. */
static int holds_variable(const char *s)
{
    return holds(s, "${", "}", 1) || holds(s, "$(", ")", 1) || holds(s, "{{", "}}", 0);
}

/** "$HOST" where a host stands: elsewhere in a URL a dollar is a character like others. */
static int host_is_variable(apr_pool_t *pool, const char *url)
{
    const char *begin = strstr(url, "://"), *host = begin ? begin + 3 : url, *at;

    host = apr_pstrmemdup(pool, host, strcspn(host, "/?#"));
    at = strrchr(host, '@');
    for (host = strchr(at ? at : host, '$'); host; host = strchr(host + 1, '$'))
        if (isalpha((unsigned char)host[1]) || host[1] == '_') return 1;
    return 0;
}

const char *kr_unfilled(apr_pool_t *pool, const char *url)
{
    if (!holds_variable(url) && !holds(url, "<", ">", 0) && !host_is_variable(pool, url)) return NULL;
    return "holds a placeholder that nobody filled in: write the value itself, settings know no variables";
}

static int is_placeholder(const char *value)
{
    apr_size_t len = strlen(value);

    return holds_variable(value) || (len > 2 && value[0] == '<' && value[len - 1] == '>');
}

const char *kr_check_filled(apr_pool_t *pool, const char *value)
{
    (void)pool;
    return is_placeholder(value) ? "is a placeholder that nobody filled in: write the value itself" : NULL;
}

/* -- secrets ------------------------------------------------------------------------------- */

#define DISTINCT_MIN 5 /* of a secret of chance, fewer characters than that are once in ten thousand at the shortest */
#define MAKE_ONE "make one of your own (try `openssl rand -hex 16`)"

/** Letters and digits alone, lower case: samples are copied in any spelling. */
static const char *bare(apr_pool_t *pool, const char *s)
{
    char *out = apr_palloc(pool, strlen(s) + 1), *to = out;

    for (; *s; s++)
        if (isalnum((unsigned char)*s)) *to++ = (char)tolower((unsigned char)*s);
    *to = '\0';
    return out;
}

static int is_sample(apr_pool_t *pool, const char *secret)
{
    static const char *const WORDS[] = { "changeme", "changethis", "pleasechange", "replaceme", "replacethis",
                                         "insecure", "notsecure",  "yoursecret" };
    const char *text = bare(pool, secret);

    for (int i = 0; i < KR_DIM(WORDS); i++)
        if (strstr(text, WORDS[i])) return 1;
    return 0;
}

static int distinct(const char *s)
{
    int found = 0;

    for (const char *p = s; *p; p++)
        if (!memchr(s, *p, (apr_size_t)(p - s))) found++;
    return found;
}

/** "12345678901234..." */
static int counts_up(const char *s)
{
    while (s[0] && s[1] && (s[1] == s[0] + 1 || (s[0] == '9' && s[1] == '0'))) s++;
    return !s[1];
}

const char *kr_check_secret(apr_pool_t *pool, const char *value)
{
    if (is_placeholder(value)) return "is a placeholder that nobody filled in; " MAKE_ONE;
    if (is_sample(pool, value)) return "is a sample that everybody knows: whoever reads it signs in as anybody; " MAKE_ONE;
    if (*value && (distinct(value) < DISTINCT_MIN || counts_up(value)))
        return "follows a pattern and is soon guessed; " MAKE_ONE;
    return NULL;
}
