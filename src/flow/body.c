/* SPDX-License-Identifier: Apache-2.0 */
/* Submitted bodies: JSON or a form, decoded into one JSON object. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_lib.h>

#include "kr_flow.h"
#include "kr_json.h"
#include "kr_text.h"

static int is_type(const char *header, const char *type)
{
    const apr_size_t len = strlen(type);

    return header && strncasecmp(header, type, len) == 0 && (header[len] == '\0' || header[len] == ';' || header[len] == ' ');
}

/* A repeated name becomes an array, in the order of the form. */
static json_t *form_json(kr_ctx_t *k, const apr_array_header_t *fields)
{
    json_t *out = kr_json_own(k->pool, json_object());

    for (int i = 0; i < fields->nelts; i++) {
        const kr_pair_t *field = &APR_ARRAY_IDX(fields, i, kr_pair_t);
        json_t *value = json_string(field->value);
        json_t *there = json_object_get(out, field->name);

        if (!there) json_object_set_new(out, field->name, value);
        else if (json_is_array(there)) json_array_append_new(there, value);
        else json_object_set_new(out, field->name, json_pack("[O, o]", there, value));
    }
    return out;
}

/* -- JSON as a form -------------------------------------------------------- */

/* Apps send what people typed as whatever type it looks like: a password of digits as a number. Members are texts, then, as
 * the fields of a form are; only these keep their types. */
static int is_typed(const char *name, apr_size_t len)
{
    static const char payload[] = "transient_payload";

    if (len >= 6 && strncmp(name, "traits", 6) == 0) return len == 6 || name[6] == '.';
    return len == strlen(payload) && strncmp(name, payload, len) == 0;
}

/* Members that are asked for as texts. Others may be anything, because nobody looks at them. */
static const char *const TEXTS[] = {
    "address", "code", "csrf_token", "email", "id_token", "id_token_nonce", "identifier", "link", "lookup_secret", "lookup_secret_confirm",
    "lookup_secret_disable", "lookup_secret_regenerate", "lookup_secret_reveal", "method", "nonce", "passkey_login", "passkey_register",
    "passkey_remove", "passkey_settings_register", "password", "password_identifier", "provider", "recovery_address",
    "recovery_confirm_address", "recovery_select_address", "resend", "screen", "sms", "token", "totp_code",
    "totp_unlink", "unlink", "webauthn_login", "webauthn_register", "webauthn_register_displayname", "webauthn_remove",
};

static int is_text(const char *name)
{
    for (int i = 0; i < KR_DIM(TEXTS); i++)
        if (strcmp(TEXTS[i], name) == 0) return 1;
    return 0;
}

/* Length of the string at s with both quotes; up to the end of the text when it has no end. */
static apr_size_t string_length(const char *s)
{
    const char *p = s + 1;

    while (*p && *p != '"') p += p[0] == '\\' && p[1] ? 2 : 1;
    return (apr_size_t)(p - s) + (*p == '"');
}

/* Length of the integer at s, when that is the whole value; else 0. Broken ones are for jansson to refuse. */
static apr_size_t integer_length(const char *s)
{
    const char *p = s + (*s == '-');
    const char *digits = p;

    while (apr_isdigit(*p)) p++;
    if (p == digits || (*digits == '0' && p - digits > 1)) return 0;
    return p[strspn(p, " \t\r\n")] == ',' || p[strspn(p, " \t\r\n")] == '}' ? (apr_size_t)(p - s) : 0;
}

/** Where in the text of an object one is. */
typedef struct {
    int depth;
    const char *name;     /* of the member that was read last */
    apr_size_t name_len;
    int is_value;         /* its value is about to begin */
} member_t;

/** @param n  bytes of the string or number at `p`; 1 for all else */
static void follow(member_t *at, const char *p, apr_size_t n)
{
    if (*p == '"' && !at->is_value) {
        at->name = p + 1;
        at->name_len = n > 1 ? n - 2 : 0;
    }
    if (*p == '{' || *p == '[') at->depth++;
    if (*p == '}' || *p == ']') at->depth--;
    if (!strchr(" \t\r\n", *p)) at->is_value = *p == ':' && at->depth == 1 && at->name;
}

/*
 * The text with quotes around the integers among its members. jansson has 64 bits for them and forgets the sign of -0; a password
 * or a telephone number is needed as it was written.
 */
static const char *quote_integers(apr_pool_t *pool, const char *text, apr_size_t *len)
{
    char *out = apr_palloc(pool, 2 * *len + 1), *to = out;
    member_t at = { .name = NULL };
    apr_size_t n;

    if (strlen(text) != *len) return text; /* a NUL: that is no JSON, and jansson says so */
    for (const char *p = text; *p; p += n) {
        const int quote = at.is_value && at.depth == 1 && !is_typed(at.name, at.name_len) && integer_length(p) > 0;

        n = *p == '"' ? string_length(p) : quote ? integer_length(p) : 1;
        follow(&at, p, n);
        if (quote) *to++ = '"';
        memcpy(to, p, n);
        to += n;
        if (quote) *to++ = '"';
    }
    *to = '\0';
    *len = (apr_size_t)(to - out);
    return out;
}

/* The shortest decimal that means this number, without an exponent: 2.5, 0.0000001, 1000. */
static const char *decimal(apr_pool_t *pool, double value)
{
    char text[40], digits[20], *end;
    const char *sign, *zeros;
    int precision = 0, count = 0, point;

    do snprintf(text, sizeof(text), "%.*e", precision, value);
    while (strtod(text, &end) != value && ++precision < 17);
    for (end = text; *end && *end != 'e'; end++)
        if (apr_isdigit(*end)) digits[count++] = *end; /* whatever the locale's decimal sign is */
    digits[count] = '\0';
    point = atoi(end + 1) + 1; /* so many digits stand before the decimal sign */
    sign = *text == '-' ? "-" : "";
    zeros = apr_psprintf(pool, "%0*d", abs(point) + 1, 0) + 1;
    if (value == 0) return apr_pstrcat(pool, sign, "0", NULL);
    if (point <= 0) return apr_pstrcat(pool, sign, "0.", zeros, digits, NULL);
    if (point >= count) return apr_pstrcat(pool, sign, digits, apr_psprintf(pool, "%0*d", point - count + 1, 0) + 1, NULL);
    return apr_pstrcat(pool, sign, apr_pstrmemdup(pool, digits, (apr_size_t)point), ".", digits + point, NULL);
}

/* The body as it was sent, the caller's to change; NULL and *why when it is no JSON. */
static json_t *parsed(kr_ctx_t *k, const char **why)
{
    apr_size_t len = k->req->body_len;
    const char *text;

    if (k->req->json) return kr_json_own(k->pool, json_deep_copy(k->req->json));
    text = quote_integers(k->pool, k->req->body, &len);
    return kr_json_parse(k->pool, text, len, why);
}

/* A number or a truth as text, as forms have them; NULL: it is neither. Integers come by value only: in a text they have got quotes. */
static const char *text_of(apr_pool_t *pool, const json_t *value)
{
    if (json_is_boolean(value)) return json_is_true(value) ? "true" : "false";
    if (json_is_real(value)) return decimal(pool, json_real_value(value));
    return json_is_integer(value) ? apr_psprintf(pool, "%" APR_INT64_T_FMT, (apr_int64_t)json_integer_value(value)) : NULL;
}

static kr_err_t *read_json(kr_body_t *out, kr_ctx_t *k)
{
    const char *why = "", *name, *text;
    json_t *value;
    void *next = NULL;

    out->is_form = 0;
    out->json = parsed(k, &why);
    if (!out->json) return kr_err(k, 400, NULL, "%s", why);
    if (!json_is_object(out->json)) return kr_err(k, 400, NULL, "the body is no JSON object");
    json_object_foreach_safe(out->json, next, name, value) {
        if (is_typed(name, strlen(name))) continue;
        if ((json_is_array(value) || json_is_object(value)) && is_text(name))
            return kr_err(k, 400, NULL, "%s is a list or an object, but must be a text", name);
        text = text_of(k->pool, value);
        if (text) json_object_set_new(out->json, name, json_string(text)); /* which frees the value */
    }
    return NULL;
}

/* -- any body --------------------------------------------------------------- */

kr_err_t *kr_body_read(kr_body_t *out, kr_ctx_t *k)
{
    const kr_request_t *req = k->req;
    const apr_array_header_t *fields = NULL;
    const char *why = "the body has a content type that is not understood";

    if (req->json) return read_json(out, k);
    if (!req->body_len) return kr_err(k, 400, NULL, "the request has no body");
    if (is_type(req->content_type, "application/json")) return read_json(out, k);
    if (is_type(req->content_type, "application/x-www-form-urlencoded"))
        fields = kr_form_parse(k->pool, req->body, req->body_len, &why);
    else if (is_type(req->content_type, "multipart/form-data"))
        fields = kr_form_parse_multipart(k->pool, req->content_type, req->body, req->body_len, &why);
    if (!fields) return kr_err(k, 400, NULL, "%s", why);
    out->is_form = 1;
    out->json = form_json(k, fields);
    return NULL;
}

const char *kr_body_str(const kr_body_t *body, const char *name)
{
    json_t *value = json_object_get(body->json, name);

    if (json_is_array(value) && body->is_form) value = json_array_get(value, 0);
    return json_string_value(value);
}

int kr_word_true(const char *word)
{
    static const char *const words[] = { "1", "t", "T", "true", "True", "TRUE" };

    for (int i = 0; i < KR_DIM(words); i++)
        if (strcmp(words[i], word) == 0) return 1;
    return 0;
}

int kr_body_true(const kr_body_t *body, const char *name)
{
    const char *value = kr_body_str(body, name);

    return value && kr_word_true(value);
}
