/* SPDX-License-Identifier: Apache-2.0 */
/* The envelope of a key's answer: JSON with base64url in it. */
#include "response.h"

#include <string.h>

#include "kr_json.h"

int kr_response_bytes(kr_bytes_t *out, apr_pool_t *pool, const json_t *members, const char *name)
{
    const json_t *value = json_object_get(members, name);

    *out = (kr_bytes_t){ NULL, 0 };
    return !value || json_is_null(value) || kr_webauthn_unb64(out, pool, json_string_value(value), 1);
}

const char *kr_response_read(kr_response_t *out, apr_pool_t *pool, const char *json, apr_size_t len)
{
    const char *why, *type;
    const json_t *whole;

    memset(out, 0, sizeof(*out));
    if (len > KR_WEBAUTHN_RESPONSE_MAX) return "the response is too long";
    whole = kr_json_parse(pool, json, len, &why);
    if (!whole) return why;
    type = json_string_value(json_object_get(whole, "type"));
    if (!type || strcmp(type, "public-key") != 0) return "the response's type is not public-key";
    if (!kr_webauthn_unb64(&out->id, pool, json_string_value(json_object_get(whole, "id")), 0) || !out->id.len)
        return "the response has no id in base64url without padding";
    if (!kr_response_bytes(&out->raw_id, pool, whole, "rawId")) return "the response's rawId is no base64url";
    out->members = json_object_get(whole, "response");
    return json_is_object(out->members) ? NULL : "the response has no member response";
}
