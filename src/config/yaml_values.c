/* SPDX-License-Identifier: Apache-2.0 */
/* Values of YAML: what a plain scalar means, by the core schema of YAML 1.2, and the escapes of JSON that libyaml refuses. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kr_json.h"
#include "kr_text.h"
#include "draft.h"

/* -- plain scalars ------------------------------------------------------------ */

static int one_of(const char *s, const char *const *words)
{
    for (; *words; words++) {
        if (strcmp(s, *words) == 0) return 1;
    }
    return 0;
}

/** [-+]?[0-9]+, 0o7, 0xF. @return 1 and the number; 0: no integer, or one that 64 bits do not hold */
static int plain_integer(const char *s, json_int_t *out)
{
    const char *digits = s + (*s == '-' || *s == '+');
    const char *allowed = "0123456789";
    int base = 10;
    char *end;

    if (s[0] == '0' && (s[1] == 'o' || s[1] == 'x')) {
        base = s[1] == 'o' ? 8 : 16;
        allowed = base == 8 ? "01234567" : "0123456789abcdefABCDEF";
        digits = s = s + 2;
    }
    if (!*digits || strspn(digits, allowed) != strlen(digits)) return 0;
    errno = 0;
    *out = strtoll(s, &end, base);
    return errno == 0 && !*end;
}

/** [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static int plain_real(const char *s, double *out)
{
    const char *p = s + (*s == '-' || *s == '+');
    apr_size_t before = strspn(p, "0123456789"), after = 0;

    p += before;
    if (*p == '.') {
        after = strspn(++p, "0123456789");
        p += after;
    }
    if (!before && !after) return 0;
    if (*p == 'e' || *p == 'E') {
        apr_size_t digits;

        p++;
        if (*p == '-' || *p == '+') p++;
        digits = strspn(p, "0123456789");
        if (!digits) return 0;
        p += digits;
    }
    if (*p) return 0;
    *out = strtod(s, NULL);
    return isfinite(*out);
}

json_t *kr_yaml_plain(const char *s)
{
    static const char *const NULLS[] = { "", "~", "null", "Null", "NULL", NULL };
    static const char *const TRUES[] = { "true", "True", "TRUE", NULL };
    static const char *const FALSES[] = { "false", "False", "FALSE", NULL };
    json_int_t whole;
    double real;

    if (one_of(s, NULLS)) return json_null();
    if (one_of(s, TRUES)) return json_true();
    if (one_of(s, FALSES)) return json_false();
    if (plain_integer(s, &whole)) return json_integer(whole);
    if (plain_real(s, &real)) return json_real(real);
    return json_string(s);
}

/* -- how much there is in a value ------------------------------------------------ */

int kr_yaml_size(const json_t *value, int *depth)
{
    int all = 1, deepest = 0;
    const char *name;
    json_t *member;
    size_t i;

    json_array_foreach(value, i, member) {
        int inner;

        all += kr_yaml_size(member, &inner);
        if (inner > deepest) deepest = inner;
    }
    json_object_foreach((json_t *)value, name, member) {
        int inner;

        all += kr_yaml_size(member, &inner);
        if (inner > deepest) deepest = inner;
    }
    *depth = deepest + 1;
    return all;
}

/* -- surrogate pairs ------------------------------------------------------------ */

/** "\\uXXXX" at s. @return its number, or -1 */
static long escaped_unit(const char *s, const char *end)
{
    char digits[5] = "";

    if (end - s < 6 || s[0] != '\\' || s[1] != 'u') return -1;
    memcpy(digits, s + 2, 4);
    return strspn(digits, "0123456789abcdefABCDEF") == 4 ? strtol(digits, NULL, 16) : -1;
}

static char *put_utf8(char *to, long c)
{
    *to++ = (char)(0xf0 | c >> 18);
    *to++ = (char)(0x80 | (c >> 12 & 0x3f));
    *to++ = (char)(0x80 | (c >> 6 & 0x3f));
    *to++ = (char)(0x80 | (c & 0x3f));
    return to;
}

/** Copy a quoted string whose quote was copied already, pairs joined. @return what follows it */
static const char *join_in_string(char **to, int *joined, const char *s, const char *end)
{
    while (s < end) {
        long high = escaped_unit(s, end), low = high >= 0xd800 && high < 0xdc00 ? escaped_unit(s + 6, end) : -1;

        if (low >= 0xdc00 && low < 0xe000) {
            *to = put_utf8(*to, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
            *joined = 1;
            s += 12;
        }
        else if (*s == '\\' && end - s >= 2) {
            *(*to)++ = *s++;
            *(*to)++ = *s++;
        }
        else if ((*(*to)++ = *s++) == '"') {
            break;
        }
    }
    return s;
}

/** Where the n-th character of UTF-8 begins. */
static apr_size_t offset_of(const char *text, apr_size_t len, apr_size_t n)
{
    apr_size_t at = 0;

    while (at < len && ((text[at] & 0xc0) == 0x80 || n-- > 0)) at++;
    return at;
}

/** In JSON quotes stand around strings only, so all of them can be mended at once. */
static int is_json(const char *text, apr_size_t len)
{
    json_t *value = json_loadb(text, len, JSON_DECODE_ANY, NULL);

    json_decref(value);
    return value != NULL;
}

char *kr_yaml_join_pairs(const char *text, apr_size_t len, apr_size_t quote)
{
    const char *end = text + len, *s = text;
    apr_size_t begin = offset_of(text, len, quote);
    int joined = 0, all;
    char *out, *to;

    if (begin >= len || text[begin] != '"') return NULL;
    all = is_json(text, len);
    out = to = malloc(len + 1);
    if (!out) abort(); /* as APR does */
    while (s < end) {
        *to = *s++;
        if (*to++ == '"' && (all || (apr_size_t)(s - 1 - text) == begin)) s = join_in_string(&to, &joined, s, end);
    }
    *to = '\0';
    if (joined) return out;
    kr_wipe(out, len);
    free(out);
    return NULL;
}
