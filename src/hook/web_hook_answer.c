/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of a web hook that may stop a flow or change an account: another server's bytes, taken for nothing but what they say. */
#include <string.h>

#include "kr_json.h"
#include "kr_text.h"
#include "web_hook.h"

#define MESSAGES_MAX 50           /* over all nodes */
#define SAID_MAX ((apr_size_t)16 * 1024) /* bytes of all of them: a flow has room for that much */
#define NODE_MAX 256              /* bytes of a node's name */
#define STORED_MAX ((apr_size_t)48 * 1024) /* bytes of traits, and of each metadata: their columns hold 64 KiB */
#define ADDRESSES_MAX 50
#define TEXT_MAX 255              /* bytes of ids and addresses */

/** An answer that is read. */
typedef struct {
    apr_pool_t *pool;
    apr_array_header_t *messages;
    apr_size_t said;              /* bytes so far */
    const char *why;              /* what is wrong; NULL: nothing yet */
} reading_t;

static const char *str(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* Is the member there, and of another type than that? Null is as good as absent. */
static int is_odd(const json_t *object, const char *key, int (*is_type)(const json_t *))
{
    const json_t *value = json_object_get(object, key);

    return value && !json_is_null(value) && !is_type(value);
}

static int is_object(const json_t *value) { return json_is_object(value); }
static int is_array(const json_t *value) { return json_is_array(value); }
static int is_string(const json_t *value) { return json_is_string(value); }
static int is_integer(const json_t *value) { return json_is_integer(value); }
static int is_boolean(const json_t *value) { return json_is_boolean(value); }

/* -- messages ------------------------------------------------------------------- */

/* "#/traits/name/first" is the node "traits.name.first" (RFC 6901); "", "#" and "#/" are the flow itself. */
static const char *node_of(apr_pool_t *pool, const char *pointer)
{
    char *out, *to;

    if (*pointer == '#') pointer++;
    if (*pointer == '/') pointer++;
    out = to = apr_pstrdup(pool, pointer);
    for (const char *from = pointer; *from; from++) {
        if (*from == '/') *to++ = '.';
        else if (from[0] == '~' && (from[1] == '0' || from[1] == '1')) *to++ = *++from == '0' ? '~' : '/';
        else *to++ = *from;
    }
    *to = '\0';
    return out;
}

static void take_message(reading_t *reading, const char *node, const json_t *one)
{
    const json_t *context = json_object_get(one, "context");
    const char *text = str(one, "text"), *type = str(one, "type");
    json_t *message;

    if (!json_is_object(one) || is_odd(one, "id", is_integer) || is_odd(one, "text", is_string) || is_odd(one, "type", is_string)) {
        reading->why = "one of its messages is none: {\"id\": 1, \"text\": \"\", \"type\": \"error\", \"context\": {}}";
        return;
    }
    message = kr_json_pack(reading->pool, "{s:I, s:s, s:s}", "id", json_integer_value(json_object_get(one, "id")), "text", text ? text : "",
                           "type", type && strcmp(type, "error") == 0 ? "error" : "info");
    if (json_is_object(context)) json_object_set_new(message, "context", json_deep_copy(context));
    reading->said += strlen(kr_json_dump(reading->pool, message, NULL)) + strlen(node);
    if (reading->messages->nelts >= MESSAGES_MAX || reading->said > SAID_MAX) reading->why = "it has more messages than a form can show";
    else APR_ARRAY_PUSH(reading->messages, kr_web_hook_message_t) = (kr_web_hook_message_t){ node, message };
}

static void take_node(reading_t *reading, const json_t *group)
{
    const char *pointer = str(group, "instance_ptr");
    const json_t *list = json_object_get(group, "messages"), *one;
    size_t i;

    if (!json_is_object(group) || is_odd(group, "instance_ptr", is_string) || is_odd(group, "messages", is_array)) {
        reading->why = "one of its messages is none: {\"instance_ptr\": \"#/traits/email\", \"messages\": []}";
        return;
    }
    if (pointer && strlen(pointer) > NODE_MAX) reading->why = "an instance_ptr is longer than the name of any node";
    json_array_foreach(list, i, one)
    {
        if (!reading->why) take_message(reading, node_of(reading->pool, pointer ? pointer : ""), one);
    }
}

static const char *read_no(kr_web_hook_answer_t *out, apr_pool_t *pool, const json_t *answer)
{
    reading_t reading = { .pool = pool, .messages = apr_array_make(pool, 4, sizeof(kr_web_hook_message_t)) };
    const json_t *list = json_object_get(answer, "messages"), *group;
    size_t i;

    if (!json_is_array(list)) return "it says no without a list of messages";
    json_array_foreach(list, i, group)
    {
        if (!reading.why) take_node(&reading, group);
    }
    if (!reading.why && !reading.messages->nelts) reading.why = "it says no without a message";
    if (!reading.why) out->messages = reading.messages;
    return reading.why;
}

/* -- changes ---------------------------------------------------------------------- */

static int is_one_of(const char *text, const char *a, const char *b, const char *c)
{
    return strcmp(text, a) == 0 || strcmp(text, b) == 0 || (c && strcmp(text, c) == 0);
}

static const char *check_address(const json_t *address, int recovery)
{
    const char *value = str(address, "value"), *via = str(address, "via"), *status = str(address, "status"), *at = str(address, "verified_at");
    apr_time_t when;

    if (!value || !*value || strlen(value) > TEXT_MAX || !via || !is_one_of(via, "email", "sms", NULL))
        return "an address needs a value, and email or sms as its via";
    if (recovery) return NULL;
    if (is_odd(address, "verified", is_boolean) || is_odd(address, "status", is_string) || is_odd(address, "verified_at", is_string))
        return "an address has a member of another type than in Kratos";
    if (status && *status && !is_one_of(status, "pending", "sent", "completed")) return "the status of an address is pending, sent or completed";
    return at && !kr_time_parse(&when, at) ? "the verified_at of an address is no time by RFC 3339" : NULL;
}

static const char *check_addresses(const json_t *identity, const char *key, int recovery)
{
    const json_t *list = json_object_get(identity, key), *address;
    const char *why = NULL;
    size_t i;

    if (is_odd(identity, key, is_array)) return "its addresses are no list";
    if (json_array_size(list) > ADDRESSES_MAX) return "it has more addresses than an account may have";
    json_array_foreach(list, i, address)
    {
        if (!why) why = check_address(address, recovery);
    }
    return why;
}

static int is_long(apr_pool_t *pool, const json_t *identity, const char *key)
{
    const json_t *value = json_object_get(identity, key);
    apr_size_t len = 0;

    if (value) kr_json_dump(pool, value, &len);
    return len > STORED_MAX;
}

static const char *check_identity(apr_pool_t *pool, const json_t *identity)
{
    static const char *const STORED[] = { "traits", "metadata_public", "metadata_admin" };
    const char *state = str(identity, "state"), *external_id = str(identity, "external_id"), *why;

    if (is_odd(identity, "traits", is_object)) return "its traits are no object";
    if (is_odd(identity, "schema_id", is_string)) return "its schema_id is no text";
    if (is_odd(identity, "state", is_string) || (state && *state && !is_one_of(state, "active", "inactive", NULL)))
        return "its state is neither active nor inactive";
    if (is_odd(identity, "external_id", is_string) || (external_id && strlen(external_id) > TEXT_MAX))
        return "its external_id is no text of at most 255 bytes";
    for (int i = 0; i < KR_DIM(STORED); i++)
        if (is_long(pool, identity, STORED[i])) return "its traits or metadata are larger than an account can hold";
    why = check_addresses(identity, "verifiable_addresses", 0);
    return why ? why : check_addresses(identity, "recovery_addresses", 1);
}

static const char *read_yes(kr_web_hook_answer_t *out, apr_pool_t *pool, json_t *answer)
{
    json_t *identity = json_object_get(answer, "identity");
    const char *why;

    if (!identity || json_is_null(identity)) return NULL;
    if (!json_is_object(identity)) return "its identity is no object";
    why = check_identity(pool, identity);
    if (!why) out->identity = identity;
    return why;
}

const char *kr_web_hook_read(kr_web_hook_answer_t *out, apr_pool_t *pool, int status, const char *body, apr_size_t len)
{
    const char *why;
    json_t *answer;

    *out = (kr_web_hook_answer_t){ .identity = NULL };
    if (status != 200 && status < 400) return NULL; /* 204: as it was; what others mean nobody said */
    answer = kr_json_parse(pool, body ? body : "", len, &why);
    if (!answer) return why;
    if (!json_is_object(answer)) return "it is no object";
    return status == 200 ? read_yes(out, pool, answer) : read_no(out, pool, answer);
}
