/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of submits, and flows from their beginning to their end. */
#include "api_env.h"

json_t *by_password(const char *email, const char *password)
{
    return json_pack("{s:s, s:s, s:s}", "method", "password", "identifier", email, "password", password);
}

json_t *new_account(const char *email, const char *password)
{
    return json_pack("{s:s, s:s, s:{s:s}}", "method", "password", "password", password, "traits", "email", email);
}

const char *wrong(env_t *env, const char *code)
{
    char *other = apr_pstrdup(env->pool, code);

    other[0] = other[0] == '9' ? '0' : (char)(other[0] + 1);
    return other;
}

json_t *begin_flow(client_t *c, const char *kind, const char *query, const char **to)
{
    kr_ctx_t *k = get(c, apr_pstrcat(c->env->pool, "/self-service/", kind, c->jar ? "/browser" : "/api", query, NULL));

    assert_status(k, 200);
    *to = apr_pstrcat(c->env->pool, "/self-service/", kind, "?flow=", word(k, "id"), NULL);
    return said(k);
}

kr_ctx_t *submit(client_t *c, const char *to, const json_t *flow, json_t *body)
{
    kr_ctx_t *k;
    const char *text;

    kr_json_own(c->env->pool, body);
    if (c->jar) json_object_set_new(body, "csrf_token", json_string(value_of(flow, "csrf_token")));
    text = kr_json_dump(c->env->pool, body, NULL);
    k = ask(c, "POST", to, JSON, text);
    return k;
}

kr_ctx_t *register_as(client_t *c, const char *email, const char *password)
{
    const char *to;
    json_t *flow = begin_flow(c, "registration", "", &to);

    return submit(c, to, flow, new_account(email, password));
}

kr_ctx_t *login_as(client_t *c, const char *email, const char *password, const char *query)
{
    const char *to;
    json_t *flow = begin_flow(c, "login", query, &to);

    return submit(c, to, flow, by_password(email, password));
}

client_t *signed_in_app(env_t *env, const char *email)
{
    client_t *c = native(env);
    kr_ctx_t *k = register_as(c, email, GOOD);

    assert_status(k, 200);
    apr_table_set(c->headers, "X-Session-Token", word(k, "session_token"));
    return c;
}

client_t *signed_in_spa(env_t *env, const char *email)
{
    client_t *c = spa(env);

    assert_status(register_as(c, email, GOOD), 200);
    return c;
}

int count_of(env_t *env, const kr_query_t *q)
{
    kr_ctx_t *k = context(env, env->realm);
    kr_row_t *row;

    OK(kr_db_one_(&row, k, q, NULL, 0));
    kr_db_release(k);
    assert_non_null(row);
    return (int)kr_row_int(row, 0);
}

void change_rows(env_t *env, const kr_query_t *q)
{
    kr_ctx_t *k = context(env, env->realm);

    OK(kr_db_exec_(NULL, k, q, NULL, 0));
    kr_db_release(k);
}
