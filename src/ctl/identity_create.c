/* SPDX-License-Identifier: Apache-2.0 */
/* `kratosctl identity create`: a registration without a browser. The flow it fills is never stored. */
#include <string.h>

#include "ctl.h"
#include "kr_audit.h"
#include "kr_db.h"
#include "kr_json.h"
#include "kr_method.h"

#define TRAITS_MAX (60 * 1024)

/* -- what was given ------------------------------------------------------------ */

/* All of standard input, up to `max` bytes. @return NULL when there is more, or a NUL, which would hide what follows it */
static char *read_stdin(apr_pool_t *pool, size_t max)
{
    char *text = apr_palloc(pool, max + 2);
    const size_t len = fread(text, 1, max + 1, stdin);

    text[len] = '\0';
    return len <= max && !memchr(text, '\0', len) ? text : NULL;
}

/* A password is one line; its end does not belong to it. */
static const char *read_password(ctl_t *ctl)
{
    char *text = read_stdin(ctl->pool, KR_PASSWORD_MAX + 2), *end = text ? text + strcspn(text, "\r\n") : NULL;
    const int one = end && (strcmp(end, "\r\n") == 0 || strcmp(end, "\n") == 0 || !*end);

    if (one) *end = '\0';
    if (one && *text && kr_utf8_valid(text, strlen(text))) return text;
    ctl_fail(ctl, "standard input holds no password: one line of UTF-8, at most %d bytes", KR_PASSWORD_MAX);
    return NULL;
}

/* A field that comes again makes a list, as in a form. */
static void add_field(json_t *body, const char *name, const char *value)
{
    json_t *before = json_object_get(body, name);

    if (!before)
        json_object_set_new(body, name, json_string(value));
    else if (json_is_array(before))
        json_array_append_new(before, json_string(value));
    else
        json_object_set_new(body, name, json_pack("[O, s]", before, value));
}

/* --trait PATH=VALUE as fields of a form: the schema says which are numbers. @return 0 when one is malformed */
static int traits_of_options(ctl_t *ctl, json_t *body)
{
    for (int i = 0; i < ctl->given->nelts; i++) {
        const ctl_given_t *given = &APR_ARRAY_IDX(ctl->given, i, ctl_given_t);
        const char *equals = given->value ? strchr(given->value, '=') : NULL;
        const char *name;

        if (strcmp(given->option->name, "--trait") != 0) continue;
        if (!equals || equals == given->value || !kr_utf8_valid(given->value, strlen(given->value))) {
            ctl_wrong(ctl, "--trait wants PATH=VALUE");
            return 0;
        }
        name = apr_psprintf(ctl->pool, "traits.%.*s", (int)(equals - given->value), given->value);
        add_field(body, name, equals + 1);
    }
    return 1;
}

static int traits_of_json(ctl_t *ctl, json_t *body, const char *text)
{
    const char *why = "too long, or a NUL is in it";
    json_t *traits = NULL;

    if (strcmp(text, "-") == 0) text = read_stdin(ctl->pool, TRAITS_MAX);
    if (text) traits = kr_json_parse(ctl->pool, text, strlen(text), &why);
    if (!traits) return ctl_fail(ctl, "--traits: %s", why), 0;
    json_object_set(body, "traits", traits);
    return 1;
}

/** What is to be created, before the schema has had a look. */
typedef struct {
    kr_body_t body;
    const char *password; /* or NULL */
    json_t *metadata;     /* public; or NULL */
} wanted_t;

static int read_wanted(wanted_t *out, ctl_t *ctl)
{
    const char *traits = ctl_option(ctl, "--traits"), *metadata = ctl_option(ctl, "--metadata-public"), *why = NULL;

    *out = (wanted_t){ .body = { kr_json_own(ctl->pool, json_object()), !traits } };
    if (traits && ctl_flag(ctl, "--trait")) return ctl_wrong(ctl, "--traits and --trait exclude each other");
    if (traits && strcmp(traits, "-") == 0 && ctl_flag(ctl, "--password-stdin"))
        return ctl_wrong(ctl, "standard input cannot be both the traits and the password");
    if (traits ? !traits_of_json(ctl, out->body.json, traits) : !traits_of_options(ctl, out->body.json))
        return CTL_USAGE;
    if (metadata && !(out->metadata = kr_json_parse(ctl->pool, metadata, strlen(metadata), &why)))
        return ctl_wrong(ctl, "--metadata-public: %s", why);
    if (ctl_flag(ctl, "--password-stdin")) {
        out->password = read_password(ctl);
        if (!out->password) return CTL_FAILED;
        json_object_set_new(out->body.json, "password", json_string(out->password));
    }
    return CTL_FINE;
}

/* -- what the form says -------------------------------------------------------- */

static void say_messages(ctl_t *ctl, const char *field, const json_t *messages)
{
    json_t *message;
    size_t i;

    json_array_foreach((json_t *)messages, i, message)
        ctl_fail(ctl, "%s%s%s", field ? field : "", field ? ": " : "", kr_json_str(message, "text"));
}

/* In the words that a form shows beside its fields. */
static int say_flow(ctl_t *ctl, const kr_flow_t *flow)
{
    json_t *node;
    size_t i;

    say_messages(ctl, NULL, flow->messages);
    json_array_foreach(flow->nodes, i, node)
        say_messages(ctl, kr_json_str(node, "attributes.name"), json_object_get(node, "messages"));
    return CTL_FAILED;
}

/* -- making it ----------------------------------------------------------------- */

static const kr_method_t *password_method(void)
{
    int i = 0;

    while (kr_methods[i]->id != KR_METHOD_PASSWORD) i++;
    return kr_methods[i];
}

static kr_err_t *make(kr_identity_t **out, kr_ctx_t *k, kr_flow_t *flow, const wanted_t *wanted)
{
    kr_outcome_t outcome = { 0 };

    if (!wanted->password) return kr_registration_traits(out, k, flow, &wanted->body, NULL);
    KR_TRY(password_method()->submit[KR_FLOW_REGISTRATION](&outcome, k, flow, &wanted->body));
    *out = outcome.registers.identity;
    return NULL;
}

static void verify_addresses(kr_ctx_t *k, kr_identity_t *identity)
{
    for (int i = 0; i < identity->addresses->nelts; i++) {
        kr_address_t *address = &APR_ARRAY_IDX(identity->addresses, i, kr_address_t);

        if (address->recovery) continue;
        address->verified = 1;
        address->verified_at = k->now;
        address->status = "completed";
    }
}

static kr_err_t *insert(kr_ctx_t *k, void *baton)
{
    const kr_identity_t *identity = baton;

    KR_TRY(kr_identity_insert(k, baton));
    kr_audit(k, &(kr_audit_t){ .what = KR_AUDIT_CREATED, .identity_id = identity->id, .reason = identity->state });
    return NULL;
}

/* A form would ignore a field that the schema does not know; here it is a typing error. @return the first one, or NULL
 */
static const char *unknown_trait(const kr_schema_t *schema, const wanted_t *wanted)
{
    const char *name;
    json_t *value;

    json_object_foreach(wanted->body.json, name, value) if (wanted->body.is_form && strncmp(name, "traits.", 7) == 0 &&
                                                            !kr_schema_leaf(schema, name)) return name +
        7;
    return NULL;
}

static int create(ctl_t *ctl, kr_ctx_t *k, const wanted_t *wanted)
{
    kr_flow_t *flow = kr_flow_make(k, KR_FLOW_REGISTRATION, 1, "");
    kr_identity_t *identity;
    kr_err_t *err;

    flow->schema_id = ctl_option(ctl, "--schema");
    err = make(&identity, k, flow, wanted);
    if (err && err->kind == KR_ERR_SHOW_FLOW) return say_flow(ctl, flow);
    if (err) return ctl_error(ctl, err, NULL);
    if (ctl_option(ctl, "--state")) identity->state = ctl_option(ctl, "--state");
    if (ctl_flag(ctl, "--verified")) verify_addresses(k, identity);
    identity->metadata_public = wanted->metadata;
    ctl_identity_finish(k, identity);
    err = kr_db_tx(k, insert, identity);
    if (err && kr_db_is_duplicate(err)) {
        kr_flow_message(k, flow, 4000007, NULL);
        return say_flow(ctl, flow);
    }
    if (err) return ctl_error(ctl, err, NULL);
    if (ctl_json(ctl))
        ctl_print_json(k->pool, ctl_identity_json(k, identity));
    else
        puts(identity->id);
    return CTL_FINE;
}

int ctl_identity_create(ctl_t *ctl)
{
    const char *schema_id = ctl_option(ctl, "--schema"), *unknown;
    wanted_t wanted;
    int status = read_wanted(&wanted, ctl);
    const kr_schema_t *schema;

    if (!status) status = ctl_connect(ctl);
    if (status) return status;
    schema = kr_realm_schema(ctl->realm, schema_id);
    if (!schema) return ctl_fail(ctl, "--schema: there is no identity schema %s", schema_id);
    unknown = unknown_trait(schema, &wanted);
    if (unknown) return ctl_fail(ctl, "--trait: the schema %s has no trait %s", schema->id, unknown);
    return create(ctl, ctl_work(ctl), &wanted);
}
