/* SPDX-License-Identifier: Apache-2.0 */
/* Mail as it goes over the wire: RFC 5322 heads, RFC 2047 words, MIME bodies. All that leaves here is ASCII. */
#include <string.h>

#include "kr_crypto.h"
#include "kr_text.h"
#include "courier.h"

#define LINE_MAX_QP 76     /* RFC 2045 section 6.7 */
#define LINE_MAX_PLAIN 200 /* longer lines go as quoted-printable, though 998 would do */
#define WORD_BYTES 39      /* of text in one encoded word: 52 in base64, 64 in all, so that a name fits before it */
#define FOLD_COLUMN 76

/* -- headers ------------------------------------------------------------------ */

/* A control character could end the header, and begin another. */
static char *without_controls(apr_pool_t *pool, const char *text)
{
    char *out = apr_pstrdup(pool, text);

    for (char *p = out; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = ' ';
    }
    return out;
}

/* May it stand as it is? What looks like an encoded word would be read as one. */
static int is_plain(const char *text)
{
    apr_size_t word = 0;

    if (strstr(text, "=?")) return 0;
    for (const char *p = text; *p; p++) {
        if (*p & 0x80) return 0;
        word = *p == ' ' ? 0 : word + 1;
        if (word > 500) return 0; /* it could not be folded */
    }
    return 1;
}

/* Line breaks at blanks, so that lines stay short. */
static const char *fold(apr_pool_t *pool, apr_size_t column, const char *text)
{
    char *out = apr_palloc(pool, 3 * strlen(text) + 1), *to = out;

    for (const char *p = text; *p; column++) {
        apr_size_t word = strcspn(p + 1, " ") + 1;

        if (*p == ' ' && column + word > FOLD_COLUMN && p[1] && p[1] != ' ') {
            *to++ = '\r';
            *to++ = '\n';
            column = 0;
        }
        *to++ = *p++;
    }
    *to = '\0';
    return out;
}

static const char *encoded_words(apr_pool_t *pool, const char *text)
{
    const char *out = "";

    while (*text) {
        apr_size_t n = strnlen(text, WORD_BYTES);

        while (text[n] && n && (text[n] & 0xc0) == 0x80) n--; /* a character stays in one word */
        if (!n) n = strnlen(text, WORD_BYTES);
        out = apr_pstrcat(pool, out, *out ? "\r\n " : "", "=?UTF-8?B?", kr_base64(pool, text, n), "?=", NULL);
        text += n;
    }
    return out;
}

const char *kr_mime_value(apr_pool_t *pool, const char *name, const char *text)
{
    const char *clean = without_controls(pool, text);

    return is_plain(clean) ? fold(pool, strlen(name) + 2, clean) : encoded_words(pool, clean);
}

/* "Name" <address> */
static const char *mailbox(apr_pool_t *pool, const char *name, const char *address)
{
    const char *clean, *quoted = "";

    if (!name || !*name) return without_controls(pool, address);
    clean = without_controls(pool, name);
    if (!is_plain(clean)) {
        quoted = encoded_words(pool, clean);
    } else {
        for (const char *p = clean; *p; p++) {
            quoted = apr_pstrcat(pool, quoted, *p == '"' || *p == '\\' ? "\\" : "", apr_pstrmemdup(pool, p, 1), NULL);
        }
        quoted = apr_pstrcat(pool, "\"", quoted, "\"", NULL);
    }
    return apr_pstrcat(pool, quoted, "\r\n <", without_controls(pool, address), ">", NULL);
}

static const char *date(apr_pool_t *pool, apr_time_t now)
{
    char text[APR_RFC822_DATE_LEN];

    apr_rfc822_date(text, now);
    return apr_pstrcat(pool, apr_pstrmemdup(pool, text, strcspn(text, "G")), "+0000",
                       NULL); /* "GMT" is obsolete in mail */
}

static const char *domain_of(const char *address)
{
    const char *at = strrchr(address, '@');

    return at ? at + 1 : "localhost";
}

/* Ours first, then the owner's, which take the place of ours. */
static apr_table_t *headers_of(apr_pool_t *pool, const kr_parcel_t *parcel)
{
    const kr_mail_conf_t *conf = parcel->conf;
    apr_table_t *headers = apr_table_make(pool, 16);

    apr_table_setn(headers, "From", mailbox(pool, conf->from_name, conf->from_address));
    apr_table_setn(headers, "To", without_controls(pool, parcel->to));
    apr_table_setn(headers, "Subject", kr_mime_value(pool, "Subject", parcel->letter->subject));
    apr_table_setn(headers, "Date", date(pool, parcel->now));
    apr_table_setn(headers, "Message-ID",
                   apr_pstrcat(pool, "<", parcel->id, "@", domain_of(conf->from_address), ">", NULL));
    apr_table_setn(headers, "Auto-Submitted", "auto-generated"); /* RFC 3834: no holiday notes back */
    for (int i = 0; conf->headers && i < apr_table_elts(conf->headers)->nelts; i++) {
        const apr_table_entry_t *own = &APR_ARRAY_IDX(apr_table_elts(conf->headers), i, apr_table_entry_t);

        apr_table_setn(headers, own->key, kr_mime_value(pool, own->key, own->val));
    }
    apr_table_setn(headers, "MIME-Version", "1.0");
    return headers;
}

static int add_line(void *baton, const char *name, const char *value)
{
    apr_array_header_t *parts = baton;

    APR_ARRAY_PUSH(parts, const char *) = name;
    APR_ARRAY_PUSH(parts, const char *) = ": ";
    APR_ARRAY_PUSH(parts, const char *) = value;
    APR_ARRAY_PUSH(parts, const char *) = "\r\n";
    return 1;
}

/* -- bodies ------------------------------------------------------------------- */

/* ASCII in short lines, none of which a mail server could take for its end. */
static int is_simple(const char *text)
{
    apr_size_t column = 0;

    for (const char *p = text; *p; p++) {
        if (*p == '\n') {
            if (column && p[-1] == ' ') return 0;
            column = 0;
            continue;
        }
        if ((unsigned char)*p < 0x20 || *p & 0x80 || *p == 0x7f || (*p == '.' && column == 0)) return 0;
        if (++column > LINE_MAX_PLAIN) return 0;
    }
    return 1;
}

static const char *with_crlf(apr_pool_t *pool, const char *text)
{
    char *out = apr_palloc(pool, 2 * strlen(text) + 1), *to = out;

    for (; *text; text++) {
        if (*text == '\n') *to++ = '\r';
        *to++ = *text;
    }
    *to = '\0';
    return out;
}

/* RFC 2045 section 6.7. A dot at the beginning of a line is written out as well. */
static const char *quoted_printable(apr_pool_t *pool, const char *text)
{
    static const char HEX[] = "0123456789ABCDEF";
    char *out = apr_palloc(pool, 6 * strlen(text) + 1), *to = out;
    apr_size_t column = 0;

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        int literal = c > 0x20 && c < 0x7f && c != '=' && (c != '.' || column);

        if (c == ' ' && text[1] && text[1] != '\n') literal = 1;
        if (c == '\n') {
            *to++ = '\r';
            *to++ = '\n';
            column = 0;
            continue;
        }
        if (column + (literal ? 1 : 3) > LINE_MAX_QP - 1) {
            memcpy(to, "=\r\n", 3);
            to += 3;
            column = 0;
            if (c == '.') literal = 0;
        }
        if (literal) {
            *to++ = (char)c;
        } else {
            *to++ = '=';
            *to++ = HEX[c >> 4];
            *to++ = HEX[c & 15];
        }
        column += literal ? 1 : 3;
    }
    *to = '\0';
    return out;
}

static const char *part(apr_pool_t *pool, const char *type, const char *text)
{
    const int simple = is_simple(text);

    return apr_pstrcat(pool, "Content-Type: ", type,
                       "; charset=utf-8\r\nContent-Transfer-Encoding: ", simple ? "7bit" : "quoted-printable",
                       "\r\n\r\n", simple ? with_crlf(pool, text) : quoted_printable(pool, text), NULL);
}

static const char *body_of(apr_pool_t *pool, const kr_letter_t *letter)
{
    const char *boundary;

    if (!letter->html) return apr_pstrcat(pool, part(pool, "text/plain", letter->text), "\r\n", NULL);
    boundary = apr_pstrcat(pool, "=_", kr_random_alnum(pool, 24), NULL); /* "=_" is in no quoted-printable text */
    return apr_pstrcat(pool, "Content-Type: multipart/alternative; boundary=\"", boundary, "\"\r\n\r\n--", boundary,
                       "\r\n", part(pool, "text/plain", letter->text), "\r\n--", boundary, "\r\n",
                       part(pool, "text/html", letter->html), "\r\n--", boundary, "--\r\n", NULL);
}

const char *kr_mime_make(apr_size_t *len, apr_pool_t *pool, const kr_parcel_t *parcel)
{
    apr_array_header_t *parts = apr_array_make(pool, 48, sizeof(const char *));
    const char *text;

    apr_table_do(add_line, parts, headers_of(pool, parcel), NULL);
    APR_ARRAY_PUSH(parts, const char *) = body_of(pool, parcel->letter);
    text = apr_array_pstrcat(pool, parts, 0);
    *len = strlen(text);
    return text;
}
