/* SPDX-License-Identifier: Apache-2.0 */
/* Small conversions: base64, hex, ids, times, URLs, forms. All results live in the pool. */
#ifndef KR_TEXT_H
#define KR_TEXT_H

#include <apr_strings.h>
#include <apr_tables.h>
#include <apr_uri.h>

#include "kr_ctx.h"

#define KR_DIM(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* -- bytes ---------------------------------------------------------------- */

/** Standard base64 with padding (RFC 4648 section 4). */
const char *kr_base64(apr_pool_t *pool, const void *data, apr_size_t len);
/** URL-safe base64 without padding (RFC 4648 section 5). */
const char *kr_base64url(apr_pool_t *pool, const void *data, apr_size_t len);
/**
 * Decode either alphabet, padded or not; anything else (blanks too) is refused.
 * @param len  bytes decoded; never NULL
 * @return NUL-terminated for convenience, or NULL when malformed
 */
unsigned char *kr_base64_decode(apr_pool_t *pool, const char *text, apr_size_t *len);
/** Lower-case hex. */
const char *kr_hex(apr_pool_t *pool, const void *data, apr_size_t len);

/** Is that text, which may be NULL, one of the list of const char *? Case counts. */
int kr_texts_have(const apr_array_header_t *texts, const char *text);
/** Does it hold nothing but ASCII? */
int kr_ascii(const char *text);
/** An ASCII letter, whatever the locale? */
int kr_is_alpha(char c);
/** An ASCII digit, whatever the locale? */
int kr_is_digit(char c);

/* -- ids and times -------------------------------------------------------- */

/** Length of a UUID's text without NUL. */
#define KR_UUID_LEN 36

/**
 * A new UUID: its first 48 bits are the time in ms so that inserts stay local in InnoDB; version nibble 4, variant 10,
 * the other 74 bits random (Ory's UI refuses versions above 5).
 */
const char *kr_uuid(kr_ctx_t *k);
/** Is it 8-4-4-4-12 hex digits, any case? NULL is no. */
int kr_uuid_valid(const char *s);

/** RFC 3339 UTC with Z, up to 6 fraction digits, trailing zeros trimmed ("2026-01-02T03:04:05.12Z"). */
const char *kr_time_rfc3339(apr_pool_t *pool, apr_time_t t);
/** Room for the text of any time, without NUL. */
#define KR_TIME_LEN 63
/**
 * Parse RFC 3339, with "Z" or an offset, and any number of digits of a second.
 * @param out  UTC, in µs
 * @return 1, or 0 when it is no time; NULL is none
 */
int kr_time_parse(apr_time_t *out, const char *s);
/** As kr_time_rfc3339, into a caller's buffer. */
void kr_time_format(char out[KR_TIME_LEN + 1], apr_time_t t);
/**
 * Parse a Go duration: "1h30m", "500ms", "1.5h", units ns us µs ms s m h. No sign.
 * @return µs, or -1 when malformed or beyond 100 years
 */
apr_time_t kr_duration_parse(const char *s);

/* -- URLs ----------------------------------------------------------------- */

/** A URL split by RFC 3986, strict: no control bytes, blanks, backslashes or broken %-escapes anywhere. */
typedef struct {
    const char *scheme; /* lower case; NULL for a relative reference */
    const char *host;   /* lower case host[:port] as written, IPv6 in brackets; NULL when there is no authority */
    const char *userinfo; /* NULL mostly; any return URL that has one is refused */
    const char *path;   /* as written, "" when empty */
    const char *query;  /* without '?', NULL when absent */
    const char *fragment; /* without '#', NULL when absent */
} kr_url_t;

/** Split a URL. @return 1, or 0 when it is none */
int kr_url_parse(kr_url_t *out, apr_pool_t *pool, const char *url);
/** The host of a URL without its port, IPv6 in brackets; "" when there is none. */
const char *kr_url_host_name(apr_pool_t *pool, const char *url);
/** Put a URL together again. */
const char *kr_url_build(apr_pool_t *pool, const kr_url_t *url);
/** base + "/" + path with exactly one slash between; `path` begins with a slash. */
const char *kr_url_join(apr_pool_t *pool, const char *base, const char *path);
/** `url` with key=value added to (or, when the key is there, replaced in) its query; the value is escaped. */
const char *kr_url_with(apr_pool_t *pool, const char *url, const char *key, const char *value);
/** `url` without its query, and with these fields of kr_pair_t as that, in the order of their names. */
const char *kr_url_sorted(apr_pool_t *pool, const char *url, const apr_array_header_t *fields);

/** Escape for a query component: all but ALPHA / DIGIT / - . _ ~ as %XX (RFC 3986 2.3). */
const char *kr_url_escape(apr_pool_t *pool, const char *s);
/** Undo %XX, and + as blank when `plus`. @return NULL on a broken escape or an encoded NUL */
char *kr_url_unescape(apr_pool_t *pool, const char *s, int plus);

/* -- hosts ---------------------------------------------------------------- */

/** "host" of "host[:port]", without a dot at its end; IPv6 keeps its brackets. */
const char *kr_host_name(apr_pool_t *pool, const char *host);
/** The port of "host[:port]", or the scheme's own. */
int kr_host_port(const char *host, const char *scheme);
/** Is a name without port an address, of either kind? */
int kr_host_is_ip(const char *name);
/** localhost, what ends in .localhost, 127.x.x.x, ::1: browsers trust these without TLS. */
int kr_host_is_loopback(const char *name);
/** Do cookies with Domain=domain reach that host (RFC 6265 section 5.1.3)? An address has no domain but itself. */
int kr_domain_covers(const char *domain, const char *name);
/**
 * Do names of many owners stand below it: "com", "co.uk"? Browsers take no cookie for such a domain. Knows the common
 * pattern and not the whole public suffix list: for warnings, not for decisions.
 */
int kr_domain_is_public(const char *domain);
/** The longest domain of which both names are part, or NULL when there is none that a cookie can have. */
const char *kr_domain_shared(apr_pool_t *pool, const char *a, const char *b);

/* -- forms ---------------------------------------------------------------- */

/** Limits for forms and queries from outside. */
#define KR_FORM_MAX_FIELDS 512
#define KR_FORM_MAX_BYTES (1024 * 1024)

/**
 * Parse application/x-www-form-urlencoded text (a query or a body) into an array of kr_pair_t in order of appearance.
 * @return NULL with *why when there are more than KR_FORM_MAX_FIELDS fields, a broken escape, a NUL or invalid UTF-8
 */
apr_array_header_t *kr_form_parse(apr_pool_t *pool, const char *text, apr_size_t len, const char **why);

/**
 * Parse multipart/form-data (RFC 7578), file parts included as plain values; same limits.
 * @param content_type  the whole header, with its boundary
 */
apr_array_header_t *kr_form_parse_multipart(apr_pool_t *pool, const char *content_type, const char *body,
                                            apr_size_t len, const char **why);

/** One field of a form. */
typedef struct {
    const char *name;
    const char *value;
} kr_pair_t;

/** The first value of that name, or NULL. */
const char *kr_form_get(const apr_array_header_t *form, const char *name);

/** Constant-time comparison of two NUL-terminated strings; the length may leak. NULL equals nothing. */
int kr_equal(const char *a, const char *b);
/** Overwrite memory so that the compiler keeps the store. */
void kr_wipe(void *mem, apr_size_t len);

/** HTML text and attribute escaping of & < > " '. */
const char *kr_html_escape(apr_pool_t *pool, const char *s);

#endif
