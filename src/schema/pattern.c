/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions of schemas. Authors write what ECMA 262 and RE2 share; PCRE2 runs it with limits, so that a
 * pattern that explodes on some value refuses the value instead of holding the worker.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "schema.h"

#define MAX_PATTERN 16384
#define MATCH_LIMIT 200000  /* about ten milliseconds */
#define DEPTH_LIMIT 100000
#define HEAP_LIMIT_KIB 8192

/*
 * \d, \w and \b stay ASCII as in both dialects, hence no UCP; $ is the very end in both. \C would cut characters.
 */
#define OPTIONS (PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C)

struct kr_pattern_t {
    pcre2_code *code;
    pcre2_match_context *limits; /* only read while matching, so threads may share it */
};

/** Up to `max` hex digits at `s`. @return how many */
static int read_hex(unsigned *value, const char *s, int max)
{
    int n;

    *value = 0;
    for (n = 0; n < max; n++) {
        char c = s[n];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
                    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;

        if (digit < 0) break;
        *value = *value * 16 + (unsigned)digit;
    }
    return n;
}

/** ECMA's \u, `s` behind it: XXXX, a surrogate pair, or {X...}. @return bytes read, 0 when it is none */
static int read_unicode(unsigned *value, const char *s)
{
    unsigned low;

    if (*s == '{') {
        int n = read_hex(value, s + 1, 6);

        return n > 0 && s[n + 1] == '}' ? n + 2 : 0;
    }
    if (read_hex(value, s, 4) != 4) return 0;
    if (*value < 0xd800 || *value > 0xdbff) return 4;
    if (s[4] != '\\' || s[5] != 'u' || read_hex(&low, s + 6, 4) != 4 || low < 0xdc00 || low > 0xdfff) return 4;
    *value = 0x10000 + ((*value - 0xd800) << 10) + (low - 0xdc00);
    return 10;
}

/** Rewrite what PCRE2 spells differently. @return malloc'd, or NULL with *why */
static char *translate(const char *text, const char **why)
{
    char *out, *to;
    const char *p;

    if (strlen(text) > MAX_PATTERN) {
        *why = "the regular expression is too long";
        return NULL;
    }
    out = to = malloc(strlen(text) * 2 + 1); /* \uXXXX becomes \x{XXXX} */
    if (!out) abort();
    for (p = text; *p; p++) {
        unsigned value;
        int n;

        *to++ = *p;
        if (*p != '\\' || !p[1]) continue;
        p++;
        if (*p == 'Z') { /* Perl's end-or-newline: neither ECMA 262 nor RE2 has it */
            *why = "\\Z is not supported; write $ or \\z";
            free(out);
            return NULL;
        }
        if (*p == 'u' && (n = read_unicode(&value, p + 1)) > 0) {
            to += snprintf(to, 12, "x{%x}", value);
            p += n;
        }
        else *to++ = *p;
    }
    *to = '\0';
    return out;
}

/** @param message  room for PCRE2's words */
static pcre2_code *compile(const char *text, char message[200], const char **why)
{
    pcre2_code *code;
    int error;
    PCRE2_SIZE offset;
    char *translated = translate(text, why);

    if (!translated) return NULL;
    code = pcre2_compile((PCRE2_SPTR)translated, PCRE2_ZERO_TERMINATED, OPTIONS, &error, &offset, NULL);
    free(translated);
    if (code) return code;
    pcre2_get_error_message(error, (PCRE2_UCHAR *)message, 200);
    *why = message;
    return NULL;
}

static apr_status_t free_pattern(void *data)
{
    kr_pattern_t *pattern = data;

    pcre2_match_context_free(pattern->limits);
    pcre2_code_free(pattern->code);
    return APR_SUCCESS;
}

kr_pattern_t *kr_pattern_make(apr_pool_t *pool, const char *text, const char **why)
{
    char message[200] = "";
    const char *reason = "";
    pcre2_code *code = compile(text, message, &reason);
    kr_pattern_t *pattern;

    if (!code) {
        *why = apr_pstrdup(pool, reason);
        return NULL;
    }
    pattern = apr_pcalloc(pool, sizeof(*pattern));
    pattern->code = code;
    pattern->limits = pcre2_match_context_create(NULL);
    if (!pattern->limits) abort();
    pcre2_set_match_limit(pattern->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(pattern->limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(pattern->limits, HEAP_LIMIT_KIB);
    apr_pool_cleanup_register(pool, pattern, free_pattern, apr_pool_cleanup_null);
    return pattern;
}

int kr_pattern_find(const kr_pattern_t *pattern, const char *subject, apr_size_t len)
{
    pcre2_match_data *found = pcre2_match_data_create(1, NULL);
    int rc;

    if (!found) abort();
    rc = pcre2_match(pattern->code, (PCRE2_SPTR)subject, len, 0, 0, found, pattern->limits);
    pcre2_match_data_free(found);
    if (rc == PCRE2_ERROR_NOMATCH) return 0;
    return rc >= 0 ? 1 : -1;
}

int kr_pattern_valid(const char *text)
{
    char message[200];
    const char *why;
    pcre2_code *code = compile(text, message, &why);

    pcre2_code_free(code); /* NULL is fine */
    return code != NULL;
}
