/* SPDX-License-Identifier: Apache-2.0 */
/* The formats of draft-07 (section 7.3) and Kratos' own: tel, email_loose, no-validate. URIs are in formats_uri.c. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <idn2.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

#include "kr_text.h"

#include "schema.h"

#define MAX_EMAIL 254
#define MAX_LOCAL 64
#define MAX_HOST 253
#define MAX_LABEL 63

static int is_alnum(char c)
{
    return kr_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* -- hosts ---------------------------------------------------------------- */

/** RFC 1123 section 2.1: letters, digits and inner hyphens. */
static int hostname(const char *s)
{
    apr_size_t len = strlen(s), label = 0, i;

    if (len == 0 || len > MAX_HOST) return 0;
    for (i = 0; i <= len; i++) {
        if (i == len || s[i] == '.') {
            if (label == 0 || label > MAX_LABEL || s[i - 1] == '-') return 0;
            label = 0;
        }
        else if (is_alnum(s[i]) || (s[i] == '-' && label > 0)) label++;
        else return 0;
    }
    return 1;
}

/** RFC 5890: a name that IDNA 2008 can turn into a host name. */
static int idn_hostname(const char *s)
{
    uint8_t *ascii = NULL;
    int ok;

    if (strlen(s) > 4 * MAX_HOST) return 0;
    ok = idn2_lookup_u8((const uint8_t *)s, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK &&
         hostname((const char *)ascii);
    idn2_free(ascii);
    return ok;
}

static int ipv4(const char *s)
{
    struct in_addr address;

    return inet_pton(AF_INET, s, &address) == 1;
}

static int ipv6(const char *s)
{
    struct in6_addr address;

    return inet_pton(AF_INET6, s, &address) == 1;
}

/* -- mail ----------------------------------------------------------------- */

/** Dot-atom of RFC 5322 section 3.2.3; with `utf8`, RFC 6532's letters too. Quoted forms are refused. */
static int local_part(const char *s, apr_size_t len, int utf8)
{
    apr_size_t i;

    if (len == 0 || len > MAX_LOCAL || s[0] == '.' || s[len - 1] == '.') return 0;
    for (i = 0; i < len; i++) {
        if (s[i] == '.' && s[i + 1] == '.') return 0;
        if (is_alnum(s[i]) || s[i] == '.' || strchr("!#$%&'*+-/=?^_`{|}~", s[i])) continue;
        if (!utf8 || !((unsigned char)s[i] & 0x80)) return 0;
    }
    return 1;
}

/** Does it hold another sign for an ASCII letter, as Kelvin's is for K? Normalising would turn it into that. */
static int imitates_ascii(const char *s)
{
    ucs4_t parts[UC_DECOMPOSITION_MAX_LENGTH], c;
    const uint8_t *at = (const uint8_t *)s;

    while ((at = u8_next(&c, at)))
        if (c >= 0x80 && uc_canonical_decomposition(c, parts) == 1 && parts[0] < 0x80) return 1;
    return 0;
}

/**
 * The domain of an address: a host name, or one in letters (RFC 5890), of which capitals alone may be spelled otherwise.
 * Soft hyphens, full-width letters and the like are refused: such an address would look like another and compare as another.
 */
static int mail_domain(const char *s)
{
    uint8_t *lower = NULL, *ascii = NULL;
    size_t len = 0;
    int ok = hostname(s);

    if (ok || strlen(s) > MAX_EMAIL || imitates_ascii(s)) return ok;
    lower = u8_tolower((const uint8_t *)s, strlen(s) + 1, NULL, UNINORM_NFC, NULL, &len);
    ok = lower && idn2_lookup_u8(lower, &ascii, IDN2_NFC_INPUT | IDN2_NO_TR46) == IDN2_OK && hostname((const char *)ascii);
    idn2_free(ascii);
    free(lower);
    return ok;
}

static int email(const char *s)
{
    const char *at = strrchr(s, '@');

    return at && strlen(s) <= MAX_EMAIL && local_part(s, (apr_size_t)(at - s), 0) && mail_domain(at + 1);
}

static int idn_email(const char *s)
{
    const char *at = strrchr(s, '@');

    return at && strlen(s) <= MAX_EMAIL && local_part(s, (apr_size_t)(at - s), 1) && idn_hostname(at + 1);
}

static int email_loose(const char *s)
{
    return strchr(s, '@') != NULL;
}

/** E.164, international: + and 7 to 15 digits, with the separators people write between them. */
static int tel(const char *s)
{
    int digits = 0;
    const char *p;

    if (s[0] != '+' || s[1] == '0' || strlen(s) > 40) return 0;
    for (p = s + 1; *p; p++) {
        if (kr_is_digit(*p)) digits++;
        else if (!strchr(" -.()", *p)) return 0;
    }
    return digits >= 7 && digits <= 15 && kr_is_digit(p[-1]);
}

/* -- times (RFC 3339) ----------------------------------------------------- */

/** Exactly `n` digits. @return their value and *p moved on, or -1 */
static int number(const char **p, int n)
{
    int value = 0;

    for (; n > 0; n--, (*p)++) {
        if (!kr_is_digit(**p)) return -1;
        value = value * 10 + (**p - '0');
    }
    return value;
}

/** A number between two bounds, after the byte `before` unless that is 0. @return -1 when it is not there */
static int field(const char **p, char before, int digits, int low, int high)
{
    int value;

    if (before && *(*p)++ != before) return -1;
    value = number(p, digits);
    return value >= low && value <= high ? value : -1;
}

static int read_date(const char **p)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year, month, leap;

    if ((year = field(p, 0, 4, 0, 9999)) < 0 || (month = field(p, '-', 2, 1, 12)) < 0) return 0;
    leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return field(p, '-', 2, 1, days[month - 1] + leap) > 0;
}

/** The zone at *p: Z or +hh:mm. @return 0 when it is none; *minutes is its offset */
static int read_zone(const char **p, int *minutes)
{
    int sign = **p == '-' ? -1 : 1, hours, rest;

    *minutes = 0;
    if (**p == 'Z' || **p == 'z') {
        (*p)++;
        return 1;
    }
    if (**p != '+' && **p != '-') return 0;
    (*p)++;
    if ((hours = field(p, 0, 2, 0, 23)) < 0 || (rest = field(p, ':', 2, 0, 59)) < 0) return 0;
    *minutes = sign * (hours * 60 + rest);
    return 1;
}

static int read_time(const char **p)
{
    int hour, minute, second, offset;

    if ((hour = field(p, 0, 2, 0, 23)) < 0 || (minute = field(p, ':', 2, 0, 59)) < 0) return 0;
    if ((second = field(p, ':', 2, 0, 60)) < 0) return 0;
    if (**p == '.') {
        if (!kr_is_digit(*++*p)) return 0;
        while (kr_is_digit(**p)) (*p)++;
    }
    if (!read_zone(p, &offset)) return 0;
    /* leap seconds come at the end of a UTC day */
    return second < 60 || (hour * 60 + minute - offset + 2 * 1440) % 1440 == 1439;
}

static int date(const char *s)
{
    return read_date(&s) && *s == '\0';
}

static int time_of_day(const char *s)
{
    return read_time(&s) && *s == '\0';
}

static int date_time(const char *s)
{
    if (!read_date(&s) || (*s != 'T' && *s != 't')) return 0;
    s++;
    return read_time(&s) && *s == '\0';
}

/* -- pointers ------------------------------------------------------------- */

/** RFC 6901. */
static int json_pointer(const char *s)
{
    if (*s && *s != '/') return 0;
    for (; *s; s++) {
        if (s[0] == '~' && s[1] != '0' && s[1] != '1') return 0;
    }
    return 1;
}

static int relative_json_pointer(const char *s)
{
    if (!kr_is_digit(*s) || (s[0] == '0' && kr_is_digit(s[1]))) return 0;
    while (kr_is_digit(*s)) s++;
    return strcmp(s, "#") == 0 || json_pointer(s);
}

static int anything(const char *s)
{
    (void)s;
    return 1;
}

static const struct {
    const char *name;
    int (*valid)(const char *value);
} FORMATS[] = {
    { "email", email },
    { "email_loose", email_loose },
    { "idn-email", idn_email },
    { "tel", tel },
    { "date", date },
    { "time", time_of_day },
    { "date-time", date_time },
    { "uri", kr_format_uri },
    { "uri-reference", kr_format_uri_reference },
    { "iri", kr_format_iri },
    { "iri-reference", kr_format_iri_reference },
    { "uri-template", kr_format_uri_template },
    { "hostname", hostname },
    { "idn-hostname", idn_hostname },
    { "ipv4", ipv4 },
    { "ipv6", ipv6 },
    { "uuid", kr_uuid_valid },
    { "regex", kr_pattern_valid },
    { "json-pointer", json_pointer },
    { "relative-json-pointer", relative_json_pointer },
    { "no-validate", anything },
};

int kr_format_valid(const char *format, const char *value)
{
    int i;

    for (i = 0; i < KR_DIM(FORMATS); i++) {
        if (strcmp(FORMATS[i].name, format) == 0) return FORMATS[i].valid(value);
    }
    return 1;
}
