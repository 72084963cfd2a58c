/* SPDX-License-Identifier: Apache-2.0 */
/* What others see of a session: the API's JSON, and single fields for the gate. */
#include <string.h>

#include "kr_json.h"
#include "session.h"

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
    json_object_set_new(out, "authenticator_assurance_level", json_string(kr_aal_name(s->aal)));
    json_object_set(out, "authentication_methods", s->methods);
    json_object_set_new(out, "issued_at", kr_json_time(s->issued_at));
    json_object_set_new(out, "identity", identity ? json_incref(identity) : json_null());
    json_object_set_new(out, "devices", devices);
    if (k->inside && s->seen_at) json_object_set_new(out, "seen_at", kr_json_time(s->seen_at)); /* for our own pages: clients do not know it */
    return out;
}

/* Only what may stand in a header: valid UTF-8 without control bytes. */
static const char *clean(const char *s)
{
    for (const char *p = s; p && *p; p++)
        if (apr_iscntrl(*p)) return NULL;
    return s;
}

/* Text as it is, all else as JSON shows it. */
static const char *value_text(kr_ctx_t *k, const json_t *v)
{
    if (!v || json_is_null(v)) return NULL;
    return clean(json_is_string(v) ? json_string_value(v) : kr_json_dump(k->pool, v, NULL));
}

/** What has a name of its own; beside it there are traits.PATH and metadata.PATH. */
typedef enum { F_ID, F_IDENTITY, F_AAL, F_SCHEMA, F_AUTHENTICATED_AT, F_AGE, F_ISSUED_AT, F_EXPIRES_AT, FIELDS } field_e;

static const char *const FIELD_NAMES[FIELDS] = {
    [F_ID] = "id",
    [F_IDENTITY] = "identity",
    [F_AAL] = "aal",
    [F_SCHEMA] = "schema",
    [F_AUTHENTICATED_AT] = "authenticated_at",
    [F_AGE] = "age",
    [F_ISSUED_AT] = "issued_at",
    [F_EXPIRES_AT] = "expires_at",
};

/* Seconds since the last proof: httpd's expressions compare numbers, and reckon with no times. */
static const char *age_of(kr_ctx_t *k, const kr_session_t *s)
{
    const apr_time_t age = k->now - s->authenticated_at;

    return apr_psprintf(k->pool, "%" APR_INT64_T_FMT, (apr_int64_t)(age > 0 ? apr_time_sec(age) : 0));
}

static field_e field_of(const char *name)
{
    int i = 0;

    while (i < FIELDS && strcmp(FIELD_NAMES[i], name)) i++;
    return (field_e)i;
}

/* What follows "traits." or "metadata."; NULL when it is something else. */
static const char *path_after(const char *prefix, const char *name)
{
    const size_t len = strlen(prefix);

    return strncmp(name, prefix, len) == 0 && name[len] ? name + len : NULL;
}

int kr_session_has_field(const char *field)
{
    return field_of(field) != FIELDS || path_after("traits.", field) || path_after("metadata.", field);
}

const char *kr_session_field(kr_ctx_t *k, const kr_session_t *s, const char *field)
{
    const char *path;

    switch (field_of(field)) {
    case F_ID: return s->id;
    case F_IDENTITY: return s->identity->id;
    case F_AAL: return kr_aal_name(s->aal);
    case F_SCHEMA: return s->identity->schema_id;
    case F_AUTHENTICATED_AT: return kr_time_rfc3339(k->pool, s->authenticated_at);
    case F_AGE: return age_of(k, s);
    case F_ISSUED_AT: return kr_time_rfc3339(k->pool, s->issued_at);
    case F_EXPIRES_AT: return kr_time_rfc3339(k->pool, s->expires_at);
    case FIELDS: break;
    }
    if (kr_session_unfold(k, s)) return NULL;
    if ((path = path_after("traits.", field))) return value_text(k, kr_json_at(s->identity->traits, path));
    if ((path = path_after("metadata.", field))) return value_text(k, kr_json_at(s->identity->metadata_public, path));
    return NULL;
}
