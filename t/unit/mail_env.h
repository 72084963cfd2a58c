/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of codes and links: accounts whose addresses are verified and recover, and what the newest mail brings. */
#ifndef KR_TEST_MAIL_ENV_H
#define KR_TEST_MAIL_ENV_H

#include "api_env.h"

#include "kr_crypto.h"

#define ANA "ana@example.org"
#define SETTINGS_PAGE APP "settings"

static const kr_query_t MESSAGES = { .name = "messages", .sql = "SELECT COUNT(*) FROM courier_messages WHERE recipient <> id" };
static const kr_query_t VERIFIED = { .name = "verified",
                                     .sql = "SELECT COUNT(*) FROM identity_addresses WHERE verified = 1" };
static const kr_query_t LAST = { .name = "last",
                                 .sql = "SELECT sealed FROM courier_messages ORDER BY rowid DESC LIMIT 1" };

static const char MEMBER[] =
    "{\"type\":\"object\",\"properties\":{\"traits\":{\"type\":\"object\",\"properties\":{"
    "\"email\":{\"type\":\"string\",\"format\":\"email\",\"ory.sh/kratos\":"
    "{\"credentials\":{\"password\":{\"identifier\":true}},\"verification\":{\"via\":\"email\"},"
    "\"recovery\":{\"via\":\"email\"}}},"
    "\"phone\":{\"type\":\"string\",\"format\":\"tel\",\"ory.sh/kratos\":{\"recovery\":{\"via\":\"sms\"}}}},"
    "\"required\":[\"email\"]}}}";

#define FLOWS(use, more)                                                                                               \
    "{selfservice: {methods: {link: {enabled: true}, code: {enabled: true}}, flows: {recovery: {enabled: true, "       \
    "use: " use "}, verification: {enabled: true, use: " use "}, settings: {ui_url: '" SETTINGS_PAGE "'}" more "}}, "  \
    "feature_flags: {use_continue_with_transitions: true}}"

#define CODES FLOWS("code", "")
#define LINKS FLOWS("link", "")

static inline void use(env_t *env, const char *more)
{
    write_file(env, "person.json", MEMBER);
    change(env, more);
}

/* With these settings Ana has an account, and an app in which she is signed in. */
static inline client_t *use_with_ana(env_t *env, const char *more)
{
    use(env, more);
    return signed_in_app(env, ANA);
}

/* What the newest mail brings: a member of its data. */
static inline const char *mailed(env_t *env, const char *member)
{
    kr_ctx_t *k = context(env, env->realm);
    unsigned char *text;
    const char *value;
    kr_row_t *row;
    apr_size_t len;

    OK(kr_db_one_(&row, k, &LAST, NULL, 0));
    kr_db_release(k);
    assert_non_null(row);
    text = kr_unseal(env->pool, env->realm->keys, "courier", row->col[0], &len);
    assert_non_null(text);
    value = kr_json_str(kr_json_parse(env->pool, (const char *)text, len, NULL), member);
    assert_non_null(value);
    return value;
}

/* The part of a mailed URL that requests name here. */
static inline const char *path_of(const char *url)
{
    const char *path = strstr(url, "/self-service/");

    assert_non_null(path);
    return path;
}

static inline json_t *with_email(const char *method, const char *email)
{
    return json_pack("{s:s, s:s}", "method", method, "email", email);
}

static inline json_t *with_code(const char *code)
{
    return json_pack("{s:s, s:s}", "method", "code", "code", code);
}

/* A code that is not the right one. */
static inline const char *wrong(env_t *env, const char *code)
{
    char *other = apr_pstrdup(env->pool, code);

    other[0] = other[0] == '9' ? '0' : (char)(other[0] + 1);
    return other;
}

static inline const char *begin_mailed(client_t *c, const char *kind, const char *method, const char *email, json_t **flow)
{
    const char *to;
    kr_ctx_t *k;

    *flow = begin_flow(c, kind, "", &to);
    k = submit(c, to, *flow, with_email(method, email));
    assert_status(k, 200);
    *flow = said(k);
    assert_string_equal(kr_json_str(*flow, "state"), "sent_email");
    return to;
}

/* Somebody who asked for a code to Ana's address, and that code. */
typedef struct {
    client_t *client;
    const char *to;
    json_t *flow;
    const char *code;
} asked_t;

static inline asked_t ask_for_code(client_t *c, const char *kind)
{
    asked_t asked = { .client = c };

    asked.to = begin_mailed(c, kind, "code", ANA, &asked.flow);
    asked.code = mailed(c->env, apr_pstrcat(c->env->pool, kind, "_code", NULL));
    return asked;
}

static inline kr_ctx_t *give(const asked_t *asked, const char *code)
{
    return submit(asked->client, asked->to, asked->flow, with_code(code));
}

/* Asks for a link to Ana's address; the path of that link. */
static inline const char *ask_for_link(client_t *c, const char *kind)
{
    json_t *flow;

    begin_mailed(c, kind, "link", ANA, &flow);
    return path_of(mailed(c->env, apr_pstrcat(c->env->pool, kind, "_url", NULL)));
}

#endif
