/* SPDX-License-Identifier: Apache-2.0 */
/* What others see of a session: the API's JSON, and single fields for the gate. */
#include <string.h>

#include "kr_json.h"
#include "session_private.h"

static json_t *device(const kr_session_t *s)
{
    return json_pack("{s:s, s:s, s:s?, s:s}", "id", s->device_id, "ip_address", s->ip_address ? s->ip_address : "",
                     "user_agent", s->user_agent, "location", s->location ? s->location : "");
}

json_t *kr_session_json(kr_ctx_t *k, const kr_session_t *s)
{
    return kr_session_json_with(k, s, kr_identity_json(k, s->identity));
}

json_t *kr_session_json_with(kr_ctx_t *k, const kr_session_t *s, json_t *identity)
{
    json_t *out = kr_json_own(k->pool, json_object());
    json_t *devices = json_array();

    json_array_append_new(devices, device(s));
    if (s->former_device) json_array_append(devices, s->former_device);
    json_object_set_new(out, "id", json_string(s->id));
    json_object_set_new(out, "active", json_boolean(kr_session_usable(k, s)));
    json_object_set_new(out, "expires_at", kr_json_time(s->expires_at));
    json_object_set_new(out, "authenticated_at", kr_json_time(s->authenticated_at));
    json_object_set_new(out, "authenticator_assurance_level", json_string(s->aal));
    json_object_set(out, "authentication_methods", s->methods);
    json_object_set_new(out, "issued_at", kr_json_time(s->issued_at));
    json_object_set(out, "identity", identity);
    json_object_set_new(out, "devices", devices);
    return out;
}

/* Only what may stand in a header: valid UTF-8 without control bytes. */
static const char *clean(const char *s)
{
    for (const char *p = s; p && *p; p++)
        if (apr_iscntrl(*p)) return NULL;
    return s;
}

static const char *scalar(kr_ctx_t *k, const json_t *v)
{
    if (json_is_string(v)) return clean(json_string_value(v));
    if (json_is_boolean(v) || json_is_number(v)) return kr_json_dump(k->pool, v, NULL);
    return NULL;
}

const char *kr_session_field(kr_ctx_t *k, const kr_session_t *s, const char *field)
{
    if (strcmp(field, "id") == 0) return s->id;
    if (strcmp(field, "identity") == 0) return s->identity->id;
    if (strcmp(field, "aal") == 0) return s->aal;
    if (strcmp(field, "schema") == 0) return s->identity->schema_id;
    if (strcmp(field, "authenticated_at") == 0) return kr_time_rfc3339(k->pool, s->authenticated_at);
    if (strcmp(field, "expires_at") == 0) return kr_time_rfc3339(k->pool, s->expires_at);
    if (strncmp(field, "traits.", 7) == 0) return scalar(k, kr_json_at(s->identity->traits, field + 7));
    return NULL;
}
