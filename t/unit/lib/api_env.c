/* SPDX-License-Identifier: Apache-2.0 */
/* A realm with its database, and clients of the API. */
#include "api_env.h"

static const char BASE_YAML[] =
    "serve: {public: {base_url: '" BASE "/'}}\n"
    "selfservice:\n"
    "  default_browser_return_url: '" APP "'\n"
    "  allowed_return_urls: ['" APP "']\n"
    "  methods: {password: {enabled: true, config: {haveibeenpwned_enabled: false}}}\n"
    "  flows:\n"
    "    registration: {style: unified, after: {password: {hooks: [{hook: session}]}}}\n"
    "secrets: {cookie: [newest-secret-of-the-tests]}\n"
    "hashers: {algorithm: argon2, argon2: {memory: 1MB, iterations: 1, parallelism: 1}}\n"
    "identity: {default_schema_id: person, schemas: [{id: person, url: 'file://./person.json'}]}\n";

const char PERSON[] =
    "{\"type\":\"object\",\"properties\":{\"traits\":{\"type\":\"object\",\"properties\":{"
    "\"email\":{\"type\":\"string\",\"format\":\"email\",\"title\":\"E-Mail\",\"maxLength\":320,\"ory.sh/kratos\":"
    "{\"credentials\":{\"password\":{\"identifier\":true}},\"verification\":{\"via\":\"email\"}}},"
    "\"name\":{\"type\":\"object\",\"properties\":{\"first\":{\"type\":\"string\",\"title\":\"First name\"},"
    "\"last\":{\"type\":\"string\",\"title\":\"Last name\"}}},"
    "\"age\":{\"type\":\"integer\",\"minimum\":13},"
    "\"other_email\":{\"type\":\"string\",\"format\":\"email\","
    "\"ory.sh/kratos\":{\"verification\":{\"via\":\"email\"}}}},"
    "\"required\":[\"email\"],\"additionalProperties\":false}}}";

const kr_query_t IDENTITIES = { .name = "identities", .sql = "SELECT COUNT(*) FROM identities" };

const kr_query_t MAILS = { .name = "mails", .sql = "SELECT COUNT(*) FROM courier_messages WHERE recipient <> id" };

const kr_query_t VERIFIED = { .name = "verified",
                                     .sql = "SELECT COUNT(*) FROM identity_addresses WHERE verified = 1" };

const char *write_file(env_t *env, const char *name, const char *text)
{
    const char *path = apr_pstrcat(env->pool, env->folder, "/", name, NULL);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

/** Settings of the base file with `more` merged over it; what is not built yet may be switched on. */
static kr_settings_t *settings_with(env_t *env, const char *more)
{
    kr_draft_t *draft = kr_draft_make(env->pool);
    apr_array_header_t *findings;
    const char *why = kr_draft_load(draft, write_file(env, "kratos.yml", BASE_YAML));
    kr_settings_t *settings;

    if (!why && *more) why = kr_draft_load(draft, write_file(env, "more.yml", more));
    if (why) fail_msg("%s", why);
    settings = kr_draft_finish(draft, 1, &findings);
    if (!settings) fail_msg("%s", APR_ARRAY_IDX(findings, 0, kr_finding_t).text);
    return settings;
}

kr_realm_t *realm_with(env_t *env, const char *name, const char *more)
{
    kr_realm_t *realm = kr_realm_make(env->pool, name, settings_with(env, more));

    realm->dbpool = env->dbpool;
    realm->sql_dir = "sql";
    return realm;
}

kr_ctx_t *context(env_t *env, const kr_realm_t *realm)
{
    kr_ctx_t *k = kr_ctx_make(env->pool, realm, KR_LOG_ERR);

    k->now = env->now;
    return k;
}

void change(env_t *env, const char *more)
{
    env->realm = realm_with(env, "main", more);
}

int open_env(void **state)
{
    env_t *env;
    apr_pool_t *pool;
    apr_array_header_t *params;
    kr_dbconf_t conf = { .driver = "sqlite3", .keep = 2, .max = 4, .expire = 60 * SECOND, .wait = SECOND };
    const char *why = NULL;
    int pending;

    apr_pool_create(&pool, NULL);
    env = apr_pcalloc(pool, sizeof(*env));
    env->pool = pool;
    strcpy(env->folder, "/tmp/kr-test-api-XXXXXX");
    assert_non_null(mkdtemp(env->folder));
    write_file(env, "person.json", PERSON);
    params = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(params, const char *) = apr_pstrcat(pool, env->folder, "/kratos.db", NULL);
    conf.params = params;
    env->dbpool = kr_dbpool_make(pool, &conf, NULL, &why);
    if (!env->dbpool) fail_msg("%s", why);
    assert_int_equal(kr_dbpool_open(env->dbpool, pool), APR_SUCCESS);
    env->now = apr_time_from_sec(apr_time_sec(apr_time_now()));
    change(env, "");
    OK(kr_db_migrate(&pending, context(env, env->realm), "sql", 1));
    *state = env;
    return 0;
}

int close_env(void **state)
{
    env_t *env = *state;
    char folder[sizeof(env->folder)];

    strcpy(folder, env->folder);
    apr_pool_destroy(env->pool);
    return remove_folder(folder);
}

client_t *client(env_t *env, int browser)
{
    client_t *c = apr_pcalloc(env->pool, sizeof(*c));

    c->env = env;
    c->realm = env->realm;
    c->jar = browser ? apr_table_make(env->pool, 4) : NULL;
    c->headers = apr_table_make(env->pool, 4);
    if (browser != 1) apr_table_set(c->headers, "Accept", JSON);
    return c;
}

client_t *person(env_t *env)
{
    return client(env, 1);
}

client_t *spa(env_t *env)
{
    return client(env, 2);
}

client_t *native(env_t *env)
{
    return client(env, 0);
}

static kr_http_method_e method_of(const char *name)
{
    static const struct { const char *name; kr_http_method_e method; } known[] = {
        { "GET", KR_GET }, { "HEAD", KR_HEAD }, { "POST", KR_POST }, { "PUT", KR_PUT }, { "PATCH", KR_PATCH },
        { "DELETE", KR_DELETE }, { "OPTIONS", KR_OPTIONS }, { "TRACE", KR_TRACE },
    };

    for (int i = 0; i < KR_DIM(known); i++)
        if (strcmp(known[i].name, name) == 0) return known[i].method;
    return KR_OTHER;
}

static int add_cookie(void *line, const char *name, const char *value)
{
    const char **cookies = line;

    *cookies = *cookies ? apr_psprintf((apr_pool_t *)cookies[1], "%s; %s=%s", *cookies, name, value)
                        : apr_psprintf((apr_pool_t *)cookies[1], "%s=%s", name, value);
    return 1;
}

kr_request_t *request(client_t *c, const char *method, const char *url, const char *type,
                                    const char *body)
{
    kr_request_t *req = apr_pcalloc(c->env->pool, sizeof(*req));
    const char *query = strchr(url, '?');
    const char *cookies[2] = { NULL, (const char *)c->env->pool };
    const char *why;

    req->method = method_of(method);
    req->method_name = method;
    req->raw_path = req->path = query ? apr_pstrmemdup(c->env->pool, url, (apr_size_t)(query - url)) : url;
    req->raw_query = query ? query + 1 : NULL;
    req->query = query ? kr_form_parse(c->env->pool, query + 1, strlen(query + 1), &why) : NULL;
    req->query_bad = query && !req->query;
    if (!req->query) req->query = apr_array_make(c->env->pool, 1, sizeof(kr_pair_t));
    req->headers = c->headers;
    if (c->jar) apr_table_do(add_cookie, cookies, c->jar, NULL);
    req->cookies = cookies[0];
    req->content_type = type;
    req->body = body ? body : "";
    req->body_len = strlen(req->body);
    req->scheme = "https";
    req->host = "id.example.org";
    req->peer = "192.0.2.7:4711";
    return req;
}

kr_ctx_t *carrying(client_t *c, const char *method, const char *url, const char *type, const char *body)
{
    kr_ctx_t *k = context(c->env, c->realm);

    k->req = request(c, method, url, type, body);
    k->reply = kr_reply_make(k->pool);
    return k;
}

void keep_cookies(client_t *c, const kr_ctx_t *k)
{
    for (int i = 0; i < k->reply->cookies->nelts; i++) {
        const kr_cookie_t *cookie = &APR_ARRAY_IDX(k->reply->cookies, i, kr_cookie_t);

        if (!c->jar && strcmp(cookie->name, SESSION) == 0)
            fail_msg("%s: an app was given a session cookie", k->req->raw_path);
        if (!c->jar) continue;
        if (cookie->max_age) apr_table_set(c->jar, cookie->name, cookie->value);
        else apr_table_unset(c->jar, cookie->name);
    }
}

kr_ctx_t *ask(client_t *c, const char *method, const char *url, const char *type, const char *body)
{
    kr_ctx_t *k = carrying(c, method, url, type, body);

    kr_api_handle(k);
    kr_reply_render(k);
    kr_db_release(k);
    keep_cookies(c, k);
    return k;
}

kr_ctx_t *get(client_t *c, const char *url)
{
    return ask(c, "GET", url, NULL, NULL);
}

json_t *said(const kr_ctx_t *k)
{
    const char *why = "no body";
    json_t *json = k->reply->body ? kr_json_parse(k->pool, k->reply->body, k->reply->body_len, &why) : NULL;

    if (!json) fail_msg("%s: status %d: %s", k->req->raw_path, k->reply->status, why);
    return json;
}

const char *word(const kr_ctx_t *k, const char *path)
{
    const char *value = kr_json_str(said(k), path);

    return value ? value : "";
}

const char *header(const kr_ctx_t *k, const char *name)
{
    const char *value = apr_table_get(k->reply->headers, name);

    return value ? value : "";
}

const kr_cookie_t *cookie_set(const kr_ctx_t *k, const char *name)
{
    for (int i = 0; i < k->reply->cookies->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(k->reply->cookies, i, kr_cookie_t).name, name) == 0)
            return &APR_ARRAY_IDX(k->reply->cookies, i, kr_cookie_t);
    return NULL;
}

void must_status(const kr_ctx_t *k, int status, int line)
{
    if (k->reply->status != status)
        fail_msg("line %d: %s %s: status %d instead of %d: %s", line, k->req->method_name, k->req->raw_path,
                 k->reply->status, status, k->reply->body ? k->reply->body : "");
}

json_t *node_of(const json_t *flow, const char *name)
{
    size_t i;
    json_t *node;

    json_array_foreach(kr_json_at(flow, "ui.nodes"), i, node)
    {
        const char *n = kr_json_str(node, "attributes.name");

        if (n && strcmp(n, name) == 0) return node;
    }
    return NULL;
}

int message_at(const json_t *flow, const char *name)
{
    const json_t *list = name ? json_object_get(node_of(flow, name), "messages") : kr_json_at(flow, "ui.messages");

    return (int)json_integer_value(json_object_get(json_array_get(list, 0), "id"));
}

const char *value_of(const json_t *flow, const char *name)
{
    const char *value = kr_json_str(node_of(flow, name), "attributes.value");

    return value ? value : "";
}
