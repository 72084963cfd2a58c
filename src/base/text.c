/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as text and back: base64, hex, HTML; comparing and wiping secrets. */
#include "kr_text.h"

#include <openssl/crypto.h>
#include <string.h>

static const char STANDARD[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char URL_SAFE[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int kr_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int kr_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int kr_ascii(const char *text)
{
    while (*text && !(*text & 0x80)) text++;
    return !*text;
}

static const char *encode(apr_pool_t *pool, const unsigned char *data, apr_size_t len, const char *alphabet, int pad)
{
    char *out = apr_palloc(pool, (len + 2) / 3 * 4 + 1), *to = out;

    for (; len >= 3; len -= 3, data += 3) {
        *to++ = alphabet[data[0] >> 2];
        *to++ = alphabet[(data[0] & 3) << 4 | data[1] >> 4];
        *to++ = alphabet[(data[1] & 15) << 2 | data[2] >> 6];
        *to++ = alphabet[data[2] & 63];
    }
    if (len) {
        unsigned second = len == 2 ? data[1] : 0;

        *to++ = alphabet[data[0] >> 2];
        *to++ = alphabet[(data[0] & 3) << 4 | second >> 4];
        if (len == 2) {
            *to++ = alphabet[(second & 15) << 2];
        } else if (pad) {
            *to++ = '=';
        }
        if (pad) *to++ = '=';
    }
    *to = '\0';
    return out;
}

const char *kr_base64(apr_pool_t *pool, const void *data, apr_size_t len)
{
    return encode(pool, data, len, STANDARD, 1);
}

const char *kr_base64url(apr_pool_t *pool, const void *data, apr_size_t len)
{
    return encode(pool, data, len, URL_SAFE, 0);
}

/* The six bits a character stands for, or -1. */
static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    if (c == '/' || c == '_') return 63;
    return -1;
}

/* Length without padding, or -1 when the padding or the length is wrong. */
static apr_ssize_t unpadded_length(const char *text)
{
    apr_size_t all = strlen(text), n = all;

    while (n > 0 && all - n < 2 && text[n - 1] == '=') n--;
    if (n != all && all % 4) return -1;
    if (n % 4 == 1) return -1;
    return (apr_ssize_t)n;
}

unsigned char *kr_base64_decode(apr_pool_t *pool, const char *text, apr_size_t *len)
{
    apr_ssize_t n = text ? unpadded_length(text) : -1;
    unsigned char *out, *to;
    unsigned bits = 0;

    *len = 0;
    if (n < 0) return NULL;
    if (strpbrk(text, "+/") && strpbrk(text, "-_")) return NULL; /* one alphabet or the other */
    to = out = apr_palloc(pool, (apr_size_t)n / 4 * 3 + 3);
    for (apr_ssize_t i = 0; i < n; i++) {
        int six = sextet(text[i]);

        if (six < 0) return NULL;
        bits = (bits << 6 | (unsigned)six) & 0xffff;
        if (i % 4) *to++ = (unsigned char)(bits >> (6 - 2 * (i % 4)));
    }
    /* Left-over bits must be 0: otherwise several texts would stand for the same bytes. */
    if ((n % 4 == 2 && bits & 15) || (n % 4 == 3 && bits & 3)) return NULL;
    *to = '\0';
    *len = (apr_size_t)(to - out);
    return out;
}

const char *kr_hex(apr_pool_t *pool, const void *data, apr_size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *from = data;
    char *out = apr_palloc(pool, 2 * len + 1);

    for (apr_size_t i = 0; i < len; i++) {
        out[2 * i] = digits[from[i] >> 4];
        out[2 * i + 1] = digits[from[i] & 15];
    }
    out[2 * len] = '\0';
    return out;
}

int kr_equal(const char *a, const char *b)
{
    apr_size_t len;

    if (!a || !b) return 0;
    len = strlen(a);
    return len == strlen(b) && CRYPTO_memcmp(a, b, len) == 0;
}

void kr_wipe(void *mem, apr_size_t len)
{
    if (mem) OPENSSL_cleanse(mem, len);
}

static const char *entity(char c)
{
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&#34;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

const char *kr_html_escape(apr_pool_t *pool, const char *s)
{
    apr_size_t size = 0;
    char *out, *to;

    for (const char *c = s; *c; c++) size += entity(*c) ? strlen(entity(*c)) : 1;
    to = out = apr_palloc(pool, size + 1);
    for (; *s; s++) {
        const char *e = entity(*s);

        if (e) {
            memcpy(to, e, strlen(e));
            to += strlen(e);
        } else {
            *to++ = *s;
        }
    }
    *to = '\0';
    return out;
}

int kr_texts_have(const apr_array_header_t *texts, const char *text)
{
    for (int i = 0; text && i < texts->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(texts, i, const char *), text) == 0) return 1;
    return 0;
}
