/* SPDX-License-Identifier: Apache-2.0 */
/* Submitted bodies: JSON or a form, decoded into one JSON object. */
#include <string.h>
#include <strings.h>

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

kr_err_t *kr_body_read(kr_body_t *out, kr_ctx_t *k)
{
    const kr_request_t *req = k->req;
    const apr_array_header_t *fields = NULL;
    const char *why = "the body has a content type that is not understood";

    if (!req->body_len) return kr_err(k, 400, NULL, "the request has no body");
    if (is_type(req->content_type, "application/json")) {
        out->is_form = 0;
        out->json = kr_json_parse(k->pool, req->body, req->body_len, &why);
        if (out->json && json_is_object(out->json)) return NULL;
        if (out->json) why = "the body is no JSON object";
        return kr_err(k, 400, NULL, "%s", why);
    }
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
