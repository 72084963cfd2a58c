/* SPDX-License-Identifier: Apache-2.0 */
/* Codes to sign in and up, and what was mailed. */
#include "code_env.h"

const char WITH_CODE[] =
    "selfservice: {methods: {code: {passwordless_enabled: true}},"
    " flows: {registration: {after: {code: {hooks: [{hook: session}]}}}}}\n";

const char WITH_FALLBACK[] =
    "selfservice: {methods: {code: {passwordless_enabled: true, config: {missing_credential_fallback_enabled: true}}}}\n";

const char SECOND_FACTOR[] = "selfservice: {methods: {code: {mfa_enabled: true}}}\n";

const char IDENTIFIER_FIRST[] =
    "selfservice: {methods: {code: {passwordless_enabled: true}}, flows: {login: {style: identifier_first},"
    " registration: {after: {code: {hooks: [{hook: session}]}}}}}\n";

const char TWO_SCREENS[] =
    "selfservice: {methods: {code: {passwordless_enabled: true}}, flows: {registration: {style: profile_first}}}\n";

const char MITIGATED[] =
    "selfservice: {methods: {code: {passwordless_enabled: true}}}\n"
    "security: {account_enumeration: {mitigate: true}}\n";

static const char SCHEMA[] =
    "{\"type\":\"object\",\"properties\":{\"traits\":{\"type\":\"object\",\"properties\":{"
    "\"email\":{\"type\":\"string\",\"format\":\"email\",\"title\":\"E-Mail\",\"ory.sh/kratos\":"
    "{\"credentials\":{\"password\":{\"identifier\":true},\"code\":{\"identifier\":true,\"via\":\"email\"}},"
    "\"verification\":{\"via\":\"email\"}}},"
    "\"second\":{\"type\":\"string\",\"format\":\"email\",\"ory.sh/kratos\":"
    "{\"credentials\":{\"code\":{\"identifier\":true,\"via\":\"email\"}},\"verification\":{\"via\":\"email\"}}},"
    "\"name\":{\"type\":\"string\"},\"age\":{\"type\":\"integer\"},\"news\":{\"type\":\"boolean\"},"
    "\"job\":{\"type\":\"object\",\"properties\":{\"title\":{\"type\":\"string\"}}}},"
    "\"required\":[\"email\"],\"additionalProperties\":false}}}";

const kr_query_t UNVERIFY = { .name = "unverify",
                                     .sql = "UPDATE identity_addresses SET verified = 0, status = 'sent', verified_at = 0" };

const kr_query_t GIVE_UP = { .name = "give_up",
                                    .sql = "DELETE FROM identity_identifiers WHERE identifier = 'ana2@example.org'" };

env_t *with(void **state, const char *more)
{
    env_t *env = *state;

    write_file(env, "person.json", SCHEMA);
    change(env, more);
    return env;
}

const char *mailed_as(env_t *env, const char *type, const char *field, const char *to)
{
    kr_ctx_t *k = context(env, env->realm);
    apr_array_header_t *list;
    const char *code = NULL, *why;

    k->now += 1000 * SECOND;
    OK(kr_store_message_claim(&list, k, "email", "sms", "test", k->now + SECOND, 100));
    for (int i = 0; i < list->nelts; i++) {
        const kr_message_row_t *m = &APR_ARRAY_IDX(list, i, kr_message_row_t);
        apr_size_t len;
        const char *data = (const char *)kr_unseal(k->pool, k->realm->keys, "courier", m->sealed, &len);

        if (strcmp(m->template_type, type) == 0 && strcmp(m->recipient, to) == 0)
            code = kr_json_str(kr_json_parse(k->pool, data, len, &why), field);
    }
    OK(kr_store_message_release(k, "test"));
    kr_db_release(k);
    env->now += SECOND;
    return code;
}

const char *login_code(env_t *env, const char *to)
{
    const char *code = mailed_as(env, "login_code_valid", "login_code", to);

    if (!code) fail_msg("no code was mailed to %s", to);
    return code;
}

const char *registration_code(env_t *env, const char *to)
{
    const char *code = mailed_as(env, "registration_code_valid", "registration_code", to);

    if (!code) fail_msg("no code was mailed to %s", to);
    return code;
}

json_t *login_body(const char *identifier, const char *code)
{
    return json_pack("{s:s, s:s, s:s*}", "method", "code", "identifier", identifier, "code", code);
}

json_t *again(const char *identifier)
{
    return json_pack("{s:s, s:s, s:s}", "method", "code", "identifier", identifier, "resend", "code");
}

json_t *sign_up_body(const char *email, const char *name, const char *code)
{
    return json_pack("{s:s, s:{s:s, s:s*}, s:s*}", "method", "code", "traits", "email", email, "name", name, "code", code);
}

void account(env_t *env, const char *email)
{
    assert_status(register_as(native(env), email, GOOD), 200);
    env->now += SECOND;
}

const char *sent(client_t *app, const char *identifier)
{
    const char *to;
    json_t *flow = begin_flow(app, "login", "", &to);
    kr_ctx_t *k = submit(app, to, flow, login_body(identifier, NULL));

    assert_status(k, 400);
    assert_string_equal(word(k, "state"), "sent_email");
    assert_int_equal(message_at(said(k), NULL), 1010014);
    return to;
}
