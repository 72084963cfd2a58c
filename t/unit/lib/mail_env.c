/* SPDX-License-Identifier: Apache-2.0 */
/* Codes and links that recover and verify. */
#include "mail_env.h"

static const kr_query_t LAST = { .name = "last",
                                 .sql = "SELECT sealed FROM courier_messages ORDER BY rowid DESC LIMIT 1" };

const char MEMBER[] =
    "{\"type\":\"object\",\"properties\":{\"traits\":{\"type\":\"object\",\"properties\":{"
    "\"email\":{\"type\":\"string\",\"format\":\"email\",\"ory.sh/kratos\":"
    "{\"credentials\":{\"password\":{\"identifier\":true}},\"verification\":{\"via\":\"email\"},"
    "\"recovery\":{\"via\":\"email\"}}},"
    "\"phone\":{\"type\":\"string\",\"format\":\"tel\",\"ory.sh/kratos\":{\"recovery\":{\"via\":\"sms\"}}}},"
    "\"required\":[\"email\"]}}}";

void use(env_t *env, const char *more)
{
    write_file(env, "person.json", MEMBER);
    change(env, more);
}

client_t *use_with_ana(env_t *env, const char *more)
{
    use(env, more);
    return signed_in_app(env, ANA);
}

const char *mailed(env_t *env, const char *member)
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

const char *path_of(const char *url)
{
    const char *path = strstr(url, "/self-service/");

    assert_non_null(path);
    return path;
}

json_t *with_email(const char *method, const char *email)
{
    return json_pack("{s:s, s:s}", "method", method, "email", email);
}

json_t *with_code(const char *code)
{
    return json_pack("{s:s, s:s}", "method", "code", "code", code);
}

const char *begin_mailed(client_t *c, const char *kind, const char *method, const char *email, json_t **flow)
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

asked_t ask_for_code(client_t *c, const char *kind)
{
    asked_t asked = { .client = c };

    asked.to = begin_mailed(c, kind, "code", ANA, &asked.flow);
    asked.code = mailed(c->env, apr_pstrcat(c->env->pool, kind, "_code", NULL));
    return asked;
}

kr_ctx_t *give(const asked_t *asked, const char *code)
{
    return submit(asked->client, asked->to, asked->flow, with_code(code));
}

const char *ask_for_link(client_t *c, const char *kind)
{
    json_t *flow;

    begin_mailed(c, kind, "link", ANA, &flow);
    return path_of(mailed(c->env, apr_pstrcat(c->env->pool, kind, "_url", NULL)));
}
