/* SPDX-License-Identifier: Apache-2.0 */
/* Targets of what makes an account: addresses and identifiers, traits, and the schema that they have to fit. */
#include "input.h"

#include <string.h>

#include <apr_strings.h>

#include "../../src/identity/identity.h"
#include "kr_flow.h"
#include "kr_identity.h"
#include "kr_json.h"
#include "kr_password.h"
#include "kr_text.h"

/* -- addresses and identifiers --------------------------------------------- */

static int is_e164(const char *text)
{
    const size_t digits = strspn(text + 1, "0123456789");

    return text[0] == '+' && text[1] != '0' && !text[1 + digits] && digits >= 7 && digits <= 15;
}

/* Normalised once is normalised for good; or two people would have what is one in the end. */
int fuzz_address(const uint8_t *data, size_t size)
{
    const char *identifier, *email, *phone;
    fuzz_input_t in;

    fuzz_begin(&in, data, size);
    identifier = kr_identifier_normalise(in.pool, in.text);
    if (identifier) MUST(*identifier && !strcmp(kr_identifier_normalise(in.pool, identifier), identifier));
    email = kr_address_normalise(in.pool, "email", in.text);
    if (email) {
        MUST(!strcmp(kr_address_via(in.text), "email") && strchr(email, '@') && kr_ascii(email) && strlen(email) <= 254);
        MUST(!strpbrk(email, " \r\n\t<>,;:\"()[]\\")); /* of all that a head of a mail, or a line of SMTP, would take for more */
        MUST(!strcmp(kr_address_normalise(in.pool, "email", email), email));
        MUST(identifier && !strcmp(identifier, email)); /* who signs in by it is found */
        MUST(!strcmp(kr_address_normalise(in.pool, "email", kr_address_shown(in.pool, email)), email));
    }
    phone = kr_address_normalise(in.pool, "sms", in.text);
    if (phone) MUST(is_e164(phone) && identifier && !strcmp(identifier, phone));
    if (kr_utf8_valid(in.text, strlen(in.text))) {
        const char *visible = kr_text_visible(in.pool, in.text);

        MUST(!strcmp(kr_text_visible(in.pool, visible), visible));
        (void)kr_password_composed(in.pool, in.text);
    }
    (void)kr_format_valid("email", in.text);
    (void)kr_format_valid("idn-email", in.text);
    (void)kr_format_valid("tel", in.text);
    (void)kr_format_valid("hostname", in.text);
    return fuzz_end(&in);
}

/* -- traits ---------------------------------------------------------------- */

/* Of each kind of leaf one, and of each use. */
#define SCHEMA                                                                                                         \
    "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"type\":\"object\",\"properties\":{\"traits\":{\"type\":\"object\","        \
    "\"properties\":{"                                                                                                 \
    "\"email\":{\"type\":\"string\",\"format\":\"email\",\"maxLength\":320,\"ory.sh/kratos\":{\"credentials\":{\"password\":{"             \
    "\"identifier\":true},\"code\":{\"identifier\":true,\"via\":\"email\"}},\"verification\":{\"via\":\"email\"},"     \
    "\"recovery\":{\"via\":\"email\"}}},"                                                                              \
    "\"phones\":{\"type\":\"array\",\"maxItems\":4,\"uniqueItems\":true,\"items\":{\"type\":\"string\",\"format\":\"tel\","               \
    "\"ory.sh/kratos\":{\"verification\":{\"via\":\"sms\"}}}},"                                                        \
    "\"name\":{\"type\":\"object\",\"properties\":{\"first\":{\"type\":\"string\",\"minLength\":1,\"pattern\":\"^[^0-9]*$\"},"            \
    "\"last\":{\"type\":\"string\"}},\"required\":[\"first\"]},"                                                       \
    "\"age\":{\"type\":\"integer\",\"minimum\":0,\"exclusiveMaximum\":200},\"height\":{\"type\":\"number\",\"multipleOf\":0.5},"          \
    "\"news\":{\"type\":\"boolean\",\"const\":true},\"plan\":{\"enum\":[\"free\",\"paid\",3,null]},\"site\":{\"type\":\"string\","        \
    "\"format\":\"uri\"},\"born\":{\"type\":\"string\",\"format\":\"date\"},\"pair\":{\"type\":\"array\",\"items\":[{\"type\":\"number\"},"       \
    "{\"type\":\"boolean\"}],\"additionalItems\":false},\"pets\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"     \
    "\"kind\":{\"type\":\"string\"}}}},\"any\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}},"            \
    "\"required\":[\"email\"],\"additionalProperties\":false}},\"required\":[\"traits\"]}"

static const kr_schema_t *person(void)
{
    static const kr_schema_t *schema = NULL;
    const char *why;

    if (schema) return schema;
    schema = kr_schema_compile(fuzz_kept_begins(), "person", SCHEMA, strlen(SCHEMA), &why);
    fuzz_kept_ends();
    MUST(schema);
    return schema;
}

static void look_at_violations(const apr_array_header_t *found)
{
    MUST(found->nelts <= 64);
    for (int i = 0; i < found->nelts; i++) {
        const kr_violation_t *v = &APR_ARRAY_IDX(found, i, kr_violation_t);

        MUST(v->path && v->keyword && v->reason && json_is_object(v->context));
    }
}

/* Traits that are good: an address that is to be verified is a good one, and the account is found by it. */
static void use_traits(fuzz_input_t *in, json_t *traits)
{
    kr_identity_t self = { .traits = traits };
    const apr_array_header_t *names;
    const char *bad = NULL;

    if (!kr_traits_addresses(&in->k, &self, person(), &bad)) {
        MUST(bad);
        return;
    }
    for (int i = 0; i < self.addresses->nelts; i++) {
        const kr_address_t *a = &APR_ARRAY_IDX(self.addresses, i, kr_address_t);

        MUST(a->id && a->value && !strcmp(kr_address_normalise(in->pool, a->via, a->value), a->value));
    }
    names = kr_traits_identifiers(in->pool, person(), traits, "password");
    MUST(names->nelts <= 1);
    for (int i = 0; i < names->nelts; i++)
        MUST(!strcmp(kr_identifier_normalise(in->pool, APR_ARRAY_IDX(names, i, const char *)), APR_ARRAY_IDX(names, i, const char *)));
}

/* As a body it is read into traits, and those, sent again as JSON, are the same. */
static void read_traits(fuzz_input_t *in, const char *type)
{
    json_t *decoded, *again, *whole;
    apr_array_header_t *found;
    kr_body_t body;

    in->req.content_type = type;
    if (kr_body_read(&body, &in->k)) return;
    kr_traits_decode(&decoded, in->pool, person(), body.json, body.is_form);
    MUST(json_is_object(decoded) && json_object_get(decoded, "traits") && json_object_size(decoded) == 1);
    kr_validate(&found, in->pool, person()->validator, decoded);
    look_at_violations(found);
    whole = kr_json_own(in->pool, json_deep_copy(decoded));
    if (!found->nelts) {
        kr_traits_decode(&again, in->pool, person(), whole, 0);
        MUST(json_equal(again, whole));
        use_traits(in, json_object_get(decoded, "traits"));
    }
    kr_traits_decode(&again, in->pool, person(), whole, 0);
}

int fuzz_traits(const uint8_t *data, size_t size)
{
    fuzz_input_t in;

    fuzz_begin(&in, data, size);
    in.req.method = KR_POST;
    in.req.body = in.text;
    in.req.body_len = in.len;
    read_traits(&in, "application/json");
    read_traits(&in, "application/x-www-form-urlencoded");
    return fuzz_end(&in);
}

/* -- schemas --------------------------------------------------------------- */

static void look_at_schema(fuzz_input_t *in, const kr_schema_t *schema)
{
    MUST(schema->validator && schema->raw_len == in->len && !memcmp(schema->raw, in->text, in->len));
    for (int i = 0; i < schema->leaves->nelts; i++) {
        const kr_leaf_t *leaf = &APR_ARRAY_IDX(schema->leaves, i, const kr_leaf_t);

        MUST(leaf->path && kr_schema_leaf(schema, leaf->path) && (!leaf->node || leaf->input_type));
        MUST(!leaf->code_identifier || leaf->code_via);
        MUST(leaf->type == KR_LEAF_ARRAY ? leaf->items != NULL : !leaf->tuple);
    }
}

static void use_schema(fuzz_input_t *in, const kr_schema_t *schema)
{
    static const char *const SENT[] = {
        "{\"traits\":{\"email\":\"ana@example.org\",\"name\":{\"first\":\"Ana\"},\"a\":[1,\"2\",{\"b\":null}],\"age\":30.0,\"news\":true}}",
        "{\"traits.email\":\"ana@example.org\",\"traits.name.first\":\"\",\"traits.a\":[\"1\",\"2\"],\"traits.age\":\"30\",\"traits\":\"{}\"}",
    };

    for (int i = 0; i < KR_DIM(SENT); i++) {
        json_t *body = kr_json_parse(in->pool, SENT[i], strlen(SENT[i]), NULL), *decoded;
        kr_identity_t self = { .id = "0190b3a0-0000-4000-8000-000000000001" };
        apr_array_header_t *found;
        const char *bad;

        kr_traits_decode(&decoded, in->pool, schema, body, i);
        kr_validate(&found, in->pool, schema->validator, decoded);
        look_at_violations(found);
        self.traits = json_object_get(decoded, "traits");
        (void)kr_traits_addresses(&in->k, &self, schema, &bad);
        (void)kr_traits_identifiers(in->pool, schema, self.traits, "password");
    }
}

int fuzz_schema(const uint8_t *data, size_t size)
{
    kr_schema_t *schema;
    const char *why = NULL;
    fuzz_input_t in;

    fuzz_begin(&in, data, size);
    schema = kr_schema_compile(in.pool, "person", in.text, in.len, &why);
    MUST(schema || why);
    if (schema) {
        look_at_schema(&in, schema);
        use_schema(&in, schema);
    }
    return fuzz_end(&in);
}
