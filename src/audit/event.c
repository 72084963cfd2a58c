/* SPDX-License-Identifier: Apache-2.0 */
/* An event as JSON. What somebody typed is personal and may be a password in the wrong field: unless the owner wants it, a keyed hash stands for it. */
#include <string.h>

#include "audit.h"
#include "kr_db.h"
#include "kr_http.h"
#include "kr_json.h"
#include "kr_text.h"

#define TYPED_MAX 200 /* bytes of what was typed */
#define OTHER_MAX 100 /* of any other text */
#define NAME_LEN 22   /* characters of the hash in place of what was typed: enough to tell them apart */

static const struct {
    kr_audit_e what;
    const char *name;
    int failed;
} EVENTS[] = {
#define SUCCESS 0
#define FAILURE 1
#define AUDIT_EVENT(id, symbol, name, result) { KR_AUDIT_##symbol, name, result },
#include "kr_audit_events.h"
#undef AUDIT_EVENT
#undef SUCCESS
#undef FAILURE
};

static int row_of(kr_audit_e what)
{
    int i = 0;

    while (EVENTS[i].what != what) i++;
    return i;
}

static void put(json_t *out, kr_ctx_t *k, const char *name, const char *value)
{
    if (value) json_object_set_new(out, name, kr_json_string(apr_pstrndup(k->pool, value, OTHER_MAX)));
}

static void put_typed(json_t *out, kr_ctx_t *k, const char *typed)
{
    const char *tag;

    if (!typed || !*typed) return;
    if (k->realm->settings->leak_sensitive) {
        json_object_set_new(out, "identifier", kr_json_string(apr_pstrndup(k->pool, typed, TYPED_MAX)));
        return;
    }
    tag = kr_hmac(k->pool, k->realm->keys, KR_KEY_AUDIT, 0, apr_pstrcat(k->pool, "identifier ", typed, NULL));
    put(out, k, "identifier_hash", apr_pstrndup(k->pool, tag, NAME_LEN));
}

const char *kr_audit_members(kr_ctx_t *k, const kr_audit_t *event)
{
    const int row = row_of(event->what);
    json_t *out = kr_json_pack(k->pool, "{s:i, s:s, s:s}", "id", (int)event->what, "event", EVENTS[row].name, "result",
                               EVENTS[row].failed ? "failure" : "success");
    const char *text;
    apr_size_t len;

    /* first, as nothing before it is anybody's but ours: filters that look for addresses cannot be led astray by what was typed */
    if (k->req) put(out, k, "address", kr_request_address(k->pool, k->req));
    put(out, k, "identity", event->identity_id);
    put(out, k, "session", event->session_id);
    put(out, k, "by_session", event->by_session_id);
    put(out, k, "flow", event->flow_id);
    put(out, k, "method", event->method);
    put(out, k, "aal", event->aal);
    put(out, k, "factor", event->factor);
    put(out, k, "site", event->site);
    put(out, k, "reason", event->reason);
    if (event->count) json_object_set_new(out, "count", json_integer(event->count));
    put_typed(out, k, event->identifier);
    if (k->req) put(out, k, "request", k->req->id);
    text = kr_json_dump(k->pool, out, &len);
    return apr_pstrmemdup(k->pool, text + 1, len - 2);
}

static void write_after(kr_ctx_t *k, void *members)
{
    kr_audit_write(k, members, 1);
}

void kr_audit(kr_ctx_t *k, const kr_audit_t *event)
{
    char *members;

    if (!k->realm || !k->realm->audit) return;
    members = (char *)kr_audit_members(k, event); /* now: what it points to may be changed before it is written */
    if (EVENTS[row_of(event->what)].failed) kr_audit_write(k, members, 0);
    else kr_db_after_commit(k, write_after, members);
}
