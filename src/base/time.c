/* SPDX-License-Identifier: Apache-2.0 */
/* Times and durations as text. */
#include <stdio.h>
#include <string.h>

#include "kr_text.h"

#define NS_PER_US ((apr_int64_t)1000)
#define NS_PER_S ((apr_int64_t)1000000000)
#define MAX_NS (NS_PER_S * 3600 * 24 * 365 * 100) /* 100 years, still well inside 63 bits */

void kr_time_format(char out[KR_TIME_LEN + 1], apr_time_t t)
{
    apr_time_exp_t x;
    int usec = (int)(t % APR_USEC_PER_SEC);
    char fraction[16] = "";

    if (usec < 0) usec += (int)APR_USEC_PER_SEC; /* before 1970: apr would give a negative fraction */
    apr_time_exp_gmt(&x, t - usec);
    if (usec) {
        size_t n = (size_t)snprintf(fraction, sizeof(fraction), ".%06d", usec);
        while (fraction[n - 1] == '0') fraction[--n] = '\0';
    }
    snprintf(out, KR_TIME_LEN + 1, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", x.tm_year + 1900, x.tm_mon + 1, x.tm_mday,
             x.tm_hour, x.tm_min, x.tm_sec, fraction);
}

const char *kr_time_rfc3339(apr_pool_t *pool, apr_time_t t)
{
    char text[KR_TIME_LEN + 1];

    kr_time_format(text, t);
    return apr_pstrdup(pool, text);
}

/* Exactly `digits` of them. @return where they end, NULL when they do not stand there */
static const char *read_digits(int *out, const char *s, int digits)
{
    *out = 0;
    for (; s && digits > 0; digits--, s++) {
        if (*s < '0' || *s > '9') return NULL;
        *out = *out * 10 + (*s - '0');
    }
    return s;
}

static const char *read_char(const char *s, const char *any_of)
{
    return s && *s && strchr(any_of, *s) ? s + 1 : NULL;
}

/* ".123": what is finer than a microsecond is dropped. */
static const char *read_fraction(apr_int32_t *usec, const char *s)
{
    int place = 100000;

    *usec = 0;
    if (!s || *s != '.') return s;
    if (*++s < '0' || *s > '9') return NULL;
    for (; *s >= '0' && *s <= '9'; s++, place /= 10) *usec += (*s - '0') * place;
    return s;
}

/* "Z" or "+02:00", in seconds. */
static const char *read_zone(apr_int32_t *offset, const char *s)
{
    const char *digits = read_char(s, "Zz+-");
    int hours, minutes;

    *offset = 0;
    if (!digits || *s == 'Z' || *s == 'z') return digits;
    s = read_digits(&minutes, read_char(read_digits(&hours, digits, 2), ":"), 2);
    if (!s || hours > 23 || minutes > 59) return NULL;
    *offset = (digits[-1] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return s;
}

int kr_time_parse(apr_time_t *out, const char *s)
{
    apr_time_exp_t x = { 0 };

    s = read_char(read_digits(&x.tm_year, s, 4), "-");
    s = read_char(read_digits(&x.tm_mon, s, 2), "-");
    s = read_char(read_digits(&x.tm_mday, s, 2), "Tt");
    s = read_char(read_digits(&x.tm_hour, s, 2), ":");
    s = read_char(read_digits(&x.tm_min, s, 2), ":");
    s = read_fraction(&x.tm_usec, read_digits(&x.tm_sec, s, 2));
    s = read_zone(&x.tm_gmtoff, s);
    if (!s || *s || x.tm_year < 1 || x.tm_mon < 1 || x.tm_mon > 12 || x.tm_mday < 1 || x.tm_mday > 31 || x.tm_hour > 23 ||
        x.tm_min > 59 || x.tm_sec > 60) {
        return 0;
    }
    x.tm_year -= 1900;
    x.tm_mon -= 1;
    return apr_time_exp_gmt_get(out, &x) == APR_SUCCESS;
}

static const struct {
    const char *name;
    apr_int64_t ns;
} UNITS[] = {
    /* longer names first: "ms" must not be read as "m" */
    { "ns", 1 },
    { "us", NS_PER_US },
    { "\xc2\xb5s", NS_PER_US }, /* U+00B5, the micro sign */
    { "\xce\xbcs", NS_PER_US }, /* U+03BC, the Greek letter */
    { "ms", 1000 * NS_PER_US },
    { "s", NS_PER_S },
    { "m", 60 * NS_PER_S },
    { "h", 3600 * NS_PER_S },
};

/* Read a unit and step over it. @return its length in ns, or 0 */
static apr_int64_t read_unit(const char **s)
{
    for (int i = 0; i < KR_DIM(UNITS); i++) {
        size_t len = strlen(UNITS[i].name);
        if (!strncmp(*s, UNITS[i].name, len)) {
            *s += len;
            return UNITS[i].ns;
        }
    }
    return 0;
}

/* Read one "1.5h" and step over it. @return ns, or -1 */
static apr_int64_t read_part(const char **s)
{
    const char *fraction = "";
    apr_int64_t whole = 0, part, unit;
    int digits = 0;

    for (; kr_is_digit(**s); (*s)++, digits++) {
        if (whole > MAX_NS / 10) return -1;
        whole = whole * 10 + (**s - '0');
    }
    if (**s == '.') {
        fraction = ++*s;
        for (; kr_is_digit(**s); (*s)++) digits++;
    }
    unit = read_unit(s);
    if (!digits || !unit || whole > MAX_NS / unit) return -1;
    part = whole * unit;
    for (; kr_is_digit(*fraction); fraction++) {
        unit /= 10;
        part += unit * (*fraction - '0');
    }
    return part;
}

apr_time_t kr_duration_parse(const char *s)
{
    apr_int64_t total = 0;

    if (!s || !*s) return -1;
    if (!strcmp(s, "0")) return 0; /* Go needs no unit for nothing */
    while (*s) {
        apr_int64_t part = read_part(&s);

        if (part < 0) return -1;
        total += part;
        if (total > MAX_NS) return -1;
    }
    return total / NS_PER_US;
}
