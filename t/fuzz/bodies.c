/* SPDX-License-Identifier: Apache-2.0 */
/* Targets of what is sent in a body or a query: forms of both kinds, and JSON. */
#include "input.h"

#include <string.h>

#include <apr_strings.h>

#include "kr_flow.h"
#include "kr_json.h"
#include "kr_text.h"

/* -- forms ----------------------------------------------------------------- */

#define BOUNDARY "no-value-has-this-in-it"

static void look_at_form(const apr_array_header_t *form)
{
    MUST(form->nelts <= KR_FORM_MAX_FIELDS);
    for (int i = 0; i < form->nelts; i++) {
        const kr_pair_t *field = &APR_ARRAY_IDX(form, i, kr_pair_t);

        MUST(kr_utf8_valid(field->name, strlen(field->name)) && kr_utf8_valid(field->value, strlen(field->value)));
        MUST(kr_form_get(form, field->name));
    }
}

static int same_form(const apr_array_header_t *a, const apr_array_header_t *b)
{
    if (a->nelts != b->nelts) return 0;
    for (int i = 0; i < a->nelts; i++) {
        const kr_pair_t *one = &APR_ARRAY_IDX(a, i, kr_pair_t), *other = &APR_ARRAY_IDX(b, i, kr_pair_t);

        if (strcmp(one->name, other->name) || strcmp(one->value, other->value)) return 0;
    }
    return 1;
}

static const char *urlencoded(apr_pool_t *pool, const apr_array_header_t *form)
{
    apr_array_header_t *parts = apr_array_make(pool, form->nelts, sizeof(const char *));

    for (int i = 0; i < form->nelts; i++) {
        const kr_pair_t *field = &APR_ARRAY_IDX(form, i, kr_pair_t);

        APR_ARRAY_PUSH(parts, const char *) =
            apr_pstrcat(pool, kr_url_escape(pool, field->name), "=", kr_url_escape(pool, field->value), NULL);
    }
    return apr_array_pstrcat(pool, parts, '&');
}

/* As browsers write it, but for backslashes, of which we undo what libraries do with them. */
static const char *multipart(apr_pool_t *pool, const apr_array_header_t *form)
{
    apr_array_header_t *parts = apr_array_make(pool, form->nelts + 1, sizeof(const char *));

    for (int i = 0; i < form->nelts; i++) {
        const kr_pair_t *field = &APR_ARRAY_IDX(form, i, kr_pair_t);
        char *quoted = apr_palloc(pool, 2 * strlen(field->name) + 1), *to = quoted;

        for (const char *c = field->name; *c; c++) {
            if (*c == '"' || *c == '\\') *to++ = '\\';
            *to++ = *c;
        }
        *to = '\0';
        APR_ARRAY_PUSH(parts, const char *) =
            apr_pstrcat(pool, "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"", quoted, "\"\r\n\r\n", field->value, "\r\n", NULL);
    }
    APR_ARRAY_PUSH(parts, const char *) = "--" BOUNDARY "--\r\n";
    return apr_array_pstrcat(pool, parts, 0);
}

/* No header holds a line's end, no value its own boundary. */
static int fits_multipart(const apr_array_header_t *form)
{
    for (int i = 0; i < form->nelts; i++) {
        const kr_pair_t *field = &APR_ARRAY_IDX(form, i, kr_pair_t);

        if (strstr(field->name, "\r\n") || strstr(field->value, BOUNDARY)) return 0;
    }
    return 1;
}

/* What was read, written again and read again, is the same. */
static void write_again(fuzz_input_t *in, const apr_array_header_t *form)
{
    const char *again = urlencoded(in->pool, form), *why;
    const apr_array_header_t *read = kr_form_parse(in->pool, again, strlen(again), &why);

    MUST(read && same_form(form, read));
    if (!fits_multipart(form)) return;
    again = multipart(in->pool, form);
    read = kr_form_parse_multipart(in->pool, "multipart/form-data; boundary=" BOUNDARY, again, strlen(again), &why);
    MUST(read && same_form(form, read));
}

int fuzz_form(const uint8_t *data, size_t size)
{
    const apr_array_header_t *form;
    const char *why = NULL;
    fuzz_input_t in;

    fuzz_begin(&in, data, size);
    form = kr_form_parse(in.pool, in.text, in.len, &why);
    MUST(form || why);
    if (form) {
        look_at_form(form);
        write_again(&in, form);
    }
    return fuzz_end(&in);
}

/* A Content-Type, a new line, and the body. */
int fuzz_multipart(const uint8_t *data, size_t size)
{
    const apr_array_header_t *form;
    const char *why = NULL, *type;
    fuzz_input_t in;
    char *body;

    fuzz_begin(&in, data, size);
    body = in.text;
    type = fuzz_line(&body);
    form = kr_form_parse_multipart(in.pool, type, body, in.len - (size_t)(body - in.text), &why);
    MUST(form || why);
    if (form) {
        look_at_form(form);
        write_again(&in, form);
    }
    return fuzz_end(&in);
}

/* -- JSON ------------------------------------------------------------------ */

static int is_typed(const char *name)
{
    return !strcmp(name, "traits") || !strncmp(name, "traits.", 7) || !strcmp(name, "transient_payload");
}

static int depth_of(const json_t *value)
{
    const char *name;
    int deepest = 0;
    json_t *member;
    size_t i;

    json_array_foreach(value, i, member) deepest = depth_of(member) > deepest ? depth_of(member) : deepest;
    json_object_foreach((json_t *)value, name, member) deepest = depth_of(member) > deepest ? depth_of(member) : deepest;
    return deepest + (json_is_array(value) || json_is_object(value));
}

/* What is asked for as text is text: integers as they were written, though jansson has 64 bits for them. */
static void look_at_members(const kr_body_t *body, const json_t *plain)
{
    const char *name;
    json_t *value;

    MUST(json_object_size(body->json) == json_object_size(plain));
    json_object_foreach(body->json, name, value)
    {
        const json_t *was = json_object_get(plain, name);

        if (is_typed(name)) MUST(json_equal(value, (json_t *)was));
        else MUST(!json_is_number(value) && !json_is_boolean(value));
        if (!is_typed(name) && json_is_integer(was)) MUST(strtoll(json_string_value(value), NULL, 10) == json_integer_value(was));
        if (!is_typed(name) && json_is_real(was)) MUST(strtod(json_string_value(value), NULL) == json_real_value(was));
        if (json_is_string(was)) MUST(json_equal(value, (json_t *)was));
    }
}

/* By value, as the pages send it, it is the same. */
static void send_again(fuzz_input_t *in, const kr_body_t *body)
{
    kr_body_t again;

    in->req.json = body->json;
    MUST(!kr_body_read(&again, &in->k));
    MUST(json_equal(again.json, body->json));
    in->req.json = NULL;
}

static void read_json(fuzz_input_t *in)
{
    const char *why = NULL;
    json_t *plain = kr_json_parse(in->pool, in->text, in->len, &why);
    kr_body_t body;
    kr_err_t *err;

    MUST(plain || why);
    if (plain) {
        const char *text = kr_json_dump(in->pool, plain, NULL);

        MUST(depth_of(plain) <= KR_JSON_MAX_DEPTH && json_equal(plain, kr_json_parse(in->pool, text, strlen(text), NULL)));
    }
    in->req.content_type = "application/json";
    err = kr_body_read(&body, &in->k);
    MUST(!err || err->status == 400);
    if (err) return;
    MUST(json_is_object(body.json) && !body.is_form);
    MUST(plain || strstr(why, "a number is too large")); /* which a text may be */
    if (plain) look_at_members(&body, plain);
    send_again(in, &body);
}

/* JSON, and the same as a form, each of whose members is a text or a list of texts. */
int fuzz_body(const uint8_t *data, size_t size)
{
    fuzz_input_t in;
    const char *name;
    kr_body_t body;
    json_t *value;
    kr_err_t *err;

    fuzz_begin(&in, data, size);
    in.req.method = KR_POST;
    in.req.body = in.text;
    in.req.body_len = in.len;
    read_json(&in);
    in.req.content_type = "application/x-www-form-urlencoded";
    err = kr_body_read(&body, &in.k);
    MUST(!err || err->status == 400);
    if (!err) json_object_foreach(body.json, name, value) MUST(json_is_string(value) || json_array_size(value) > 1);
    return fuzz_end(&in);
}

/* -- base64 ---------------------------------------------------------------- */

static const char *unpadded(apr_pool_t *pool, const char *text)
{
    return apr_pstrmemdup(pool, text, strcspn(text, "="));
}

/* One text for the same bytes, in either alphabet; and whatever the bytes are, they come back. */
int fuzz_base64(const uint8_t *data, size_t size)
{
    const unsigned char *bytes;
    fuzz_input_t in;
    apr_size_t len;

    fuzz_begin(&in, data, size);
    bytes = kr_base64_decode(in.pool, in.text, &len);
    if (bytes) {
        const char *bare = unpadded(in.pool, in.text);

        MUST(!strcmp(bare, kr_base64url(in.pool, bytes, len)) || !strcmp(bare, unpadded(in.pool, kr_base64(in.pool, bytes, len))));
    }
    bytes = kr_base64_decode(in.pool, kr_base64(in.pool, in.text, in.len), &len);
    MUST(bytes && len == in.len && !memcmp(bytes, in.text, len));
    bytes = kr_base64_decode(in.pool, kr_base64url(in.pool, in.text, in.len), &len);
    MUST(bytes && len == in.len && !memcmp(bytes, in.text, len));
    MUST(strlen(kr_hex(in.pool, in.text, in.len)) == 2 * in.len);
    MUST(!strpbrk(kr_html_escape(in.pool, in.text), "<>\"'"));
    return fuzz_end(&in);
}
