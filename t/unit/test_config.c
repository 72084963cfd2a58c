/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: what a kratos.yml becomes, and what its owner is told about mistakes. */
#include "config_env.h"

#define MINUTE (60 * APR_USEC_PER_SEC)

/* -- what settings become --------------------------------------------------------- */

static void test_a_minimal_file_gets_kratos_defaults(void **state)
{
    kr_settings_t *s = good(*state, "");

    assert_string_equal(s->base_url, "https://id.example.org/auth/");
    assert_string_equal(s->default_return_url, "https://example.org/");
    assert_int_equal(s->session_lifespan, 24 * 60 * MINUTE);
    assert_int_equal(s->flow[KR_FLOW_LOGIN].lifespan, 60 * MINUTE);
    assert_int_equal(s->flow[KR_FLOW_LOGIN].enabled, 1);
    assert_int_equal(s->flow[KR_FLOW_REGISTRATION].enabled, 1);
    assert_int_equal(s->flow[KR_FLOW_RECOVERY].enabled, 0);
    assert_int_equal(s->flow[KR_FLOW_VERIFICATION].enabled, 0);
    assert_int_equal(s->method_enabled[KR_METHOD_PASSWORD], 1);
    assert_int_equal(s->method_enabled[KR_METHOD_TOTP], 0);
    assert_int_equal(s->password.min_length, 8);
    assert_int_equal(s->password.hibp_enabled, 1);
    assert_string_equal(s->password.hibp_host, "api.pwnedpasswords.com");
    assert_string_equal(s->session_cookie.name, "ory_kratos_session");
    assert_string_equal(s->session_cookie.path, "/");
    assert_string_equal(s->session_cookie.same_site, "Lax");
    assert_int_equal(s->session_cookie.secure, 1);
    assert_int_equal(s->session_cookie.persistent, 1);
    assert_null(s->session_cookie.domain);
    assert_int_equal(s->hasher.bcrypt, 1);
    assert_int_equal(s->hasher.bcrypt_cost, 12);
    assert_int_equal(s->hasher.memory, 131072);
    assert_in_range(s->hasher.parallelism, 1, 16);
    assert_int_equal(s->whoami_highest_aal, 1);
    assert_int_equal(s->registration_one_step, 0);
    assert_int_equal(s->cors.enabled, 0);
    assert_int_equal(s->cors.methods->nelts, 5);
    assert_int_equal(s->allowed_return_urls->nelts, 0);
    assert_null(s->flow[KR_FLOW_LOGIN].after.hooks);
    assert_int_equal(s->schemas->nelts, 1);
}

static void test_values_of_the_file_reach_their_fields(void **state)
{
    kr_settings_t *s = good(*state, "session: {lifespan: 1h30m, cookie: {name: sid, persistent: false}}\n"
                                    "hashers: {algorithm: argon2, argon2: {memory: 64MB, parallelism: 3}}\n"
                                    "selfservice:\n"
                                    "  methods: {password: {config: {min_password_length: 12}}}\n"
                                    "  flows:\n"
                                    "    login: {style: identifier_first}\n"
                                    "    registration:\n"
                                    "      style: unified\n"
                                    "      after: {default_browser_return_url: /hi,\n"
                                    "              password: {hooks: [{hook: session}]}}\n"
                                    "log: {leak_sensitive_values: true}\n");
    const kr_after_t *after = &s->flow[KR_FLOW_REGISTRATION].after_method[KR_METHOD_PASSWORD];

    assert_int_equal(s->session_lifespan, 90 * MINUTE);
    assert_string_equal(s->session_cookie.name, "sid");
    assert_int_equal(s->session_cookie.persistent, 0);
    assert_int_equal(s->hasher.bcrypt, 0);
    assert_int_equal(s->hasher.memory, 65536);
    assert_int_equal(s->hasher.parallelism, 3);
    assert_int_equal(s->password.min_length, 12);
    assert_int_equal(s->login_identifier_first, 1);
    assert_int_equal(s->registration_one_step, 1);
    assert_int_equal(s->leak_sensitive, 1);
    assert_int_equal(after->hooks->nelts, 1);
    assert_string_equal(APR_ARRAY_IDX(after->hooks, 0, kr_hook_conf_t).name, "session");
    assert_string_equal(s->flow[KR_FLOW_REGISTRATION].after.url, "https://id.example.org/hi");
}

static void test_pages_are_relative_to_the_base_url(void **state)
{
    kr_settings_t *s = good(*state, "selfservice: {flows: {login: {ui_url: sign-in}, error: {ui_url: '/oops?a=b'},\n"
                                    "  registration: {ui_url: 'https://app.example.org/join'}}}\n");

    assert_string_equal(s->flow[KR_FLOW_LOGIN].ui_url, "https://id.example.org/auth/sign-in");
    assert_string_equal(s->error_ui_url, "https://id.example.org/oops?a=b");
    assert_string_equal(s->flow[KR_FLOW_REGISTRATION].ui_url, "https://app.example.org/join");
    assert_string_equal(s->flow[KR_FLOW_SETTINGS].ui_url, "https://id.example.org/settings");
}

static void test_a_number_is_taken_as_text_where_text_is_wanted(void **state)
{
    kr_settings_t *s = good(*state, "secrets: {cookie: [00012345678901234567]}\nsession: {cookie: {name: 0x10}}\n");

    assert_string_equal(APR_ARRAY_IDX(s->secrets, 0, const char *), "00012345678901234567");
    assert_string_equal(s->session_cookie.name, "0x10");
}

static void test_later_files_and_keys_win_and_objects_merge(void **state)
{
    world_t *w = *state;
    kr_settings_t *s;

    settings_of(w, "session: {lifespan: 1h, cookie: {name: a}}\n", 0);
    assert_null(kr_draft_load(w->draft, put_file(w, "kratos.yml", "{\"session\": {\"lifespan\": \"2h\"}}")));
    assert_null(kr_draft_set(w->draft, "session.cookie.persistent", "false", "httpd.conf:7"));
    assert_null(kr_draft_set(w->draft, "selfservice.allowed_return_urls", "[https://a.example/, 'https://b.example']",
                             "httpd.conf:8"));
    assert_null(kr_draft_set(w->draft, "serve.public.cors", "{enabled: true, allowed_origins: [https://a.example]}",
                             "httpd.conf:9"));
    s = kr_draft_finish(w->draft, 0, &w->findings);
    if (!s) fail_msg("%s", all_findings(w));
    assert_int_equal(s->session_lifespan, 120 * MINUTE);
    assert_string_equal(s->session_cookie.name, "a");
    assert_int_equal(s->session_cookie.persistent, 0);
    assert_int_equal(s->allowed_return_urls->nelts, 2);
    assert_int_equal(s->cors.enabled, 1);
}

static void test_an_alias_repeats_a_list_but_not_without_end(void **state)
{
    world_t *w = *state;
    const char *file = "x: &x [1, 2, 3]\ny: [";
    kr_settings_t *s = good(w, "secrets:\n  default: &s [00012345678901234567]\n  cookie: *s\n");

    assert_string_equal(APR_ARRAY_IDX(s->secrets, 0, const char *), "00012345678901234567");
    for (int i = 0; i < 300; i++) file = apr_pstrcat(w->pool, file, "*x , ", NULL);
    file = put_file(w, "kratos.yml", apr_pstrcat(w->pool, file, "]\n", NULL));
    assert_non_null(strstr(kr_draft_load(kr_draft_make(w->pool), file), "repeat too much"));
}

static void test_null_means_not_set(void **state)
{
    kr_settings_t *s = good(*state, "session:\n  lifespan:\nselfservice: {flows: {login: {after: }}}\n");

    assert_int_equal(s->session_lifespan, 24 * 60 * MINUTE);
}

static void test_default_secrets_stand_in_for_cookie_secrets(void **state)
{
    kr_settings_t *s = good(*state, "secrets: {cookie: null, default: [0123456789abcdef-default]}\n");

    assert_int_equal(s->secrets->nelts, 1);
    assert_string_equal(APR_ARRAY_IDX(s->secrets, 0, const char *), "0123456789abcdef-default");
}

static void test_session_cookie_settings_override_those_of_all_cookies(void **state)
{
    kr_settings_t *s = good(*state, "cookies: {domain: example.org, path: /a, same_site: None, secure: 'true'}\n"
                                    "session: {cookie: {path: /b, same_site: Strict}}\n");

    assert_string_equal(s->csrf_cookie.path, "/a");
    assert_string_equal(s->csrf_cookie.same_site, "None");
    assert_string_equal(s->session_cookie.path, "/b");
    assert_string_equal(s->session_cookie.domain, "example.org");
    assert_string_equal(s->session_cookie.same_site, "Strict");
}

static void test_development_relaxes_cookies_and_hashes(void **state)
{
    world_t *w = *state;
    kr_settings_t *s = good(w, "dev: true\nhashers: {bcrypt: {cost: 4}}\ncookies: {same_site: Strict}\n");

    assert_int_equal(s->session_cookie.secure, 0);
    assert_string_equal(s->csrf_cookie.same_site, "Lax");
    assert_string_equal(s->session_cookie.same_site, "Strict");
    assert_int_equal(s->hasher.bcrypt_cost, 4);

    s = good(w, "hashers: {bcrypt: {cost: 4}}\n");
    assert_int_equal(s->hasher.bcrypt_cost, 12);
    assert_true(says(w, 0, "hashers.bcrypt.cost: 4 is raised to 12"));
}

static void test_unsafe_wildcards_warn_and_are_left_out(void **state)
{
    world_t *w = *state;
    kr_settings_t *s = good(w, "selfservice: {allowed_return_urls: ['https://*.example.org/', 'https://*.com',\n"
                               "  'https://*', 'https://a.*.example.org', 'https://*x.example.org',\n"
                               "  'app://callback']}\n");

    assert_int_equal(s->allowed_return_urls->nelts, 2);
    assert_string_equal(APR_ARRAY_IDX(s->allowed_return_urls, 1, const char *), "app://callback");
    assert_true(says(w, 0, "allowed_return_urls[1]: \"https://*.com\" is ignored"));
}

/* -- mistakes ------------------------------------------------------------------------ */

#define SERVICE(more) "courier: {delivery_strategy: http, http: {request_config: {url: 'http://x.example/', " more "}}}"
#define TEMPLATE(url) "courier: {templates: {recovery_code: {valid: {email: {subject: " url "}}}}}"

static const struct {
    const char *yaml, *told;
} MISTAKES[] = {
    { "session: {lifspan: 1h}", "kratos.yml:1: session.lifspan: unknown key; did you mean session.lifespan?" },
    { "\n\nselfservice: {flow: {}}", "kratos.yml:3: selfservice.flow: unknown key; did you mean selfservice.flows?" },
    { "identity: {schemas: [{id: a, urll: x}]}", "did you mean identity.schemas[].url?" },
    { "'session.lifespan': 1h", "write each name on a level of its own" },
    { "xyzzy: 1", "xyzzy: unknown key" },
    { "session: 1h", "session: must be an object" },
    { "session: {lifespan: 5}", "\"5\" is no duration" },
    { "session: {lifespan: -1h}", "is no duration" },
    { "session: {lifespan: [1h]}", "session.lifespan: must be a duration" },
    { "session: {cookie: {persistent: 'yes'}}", "must be true or false" },
    { "session: {cookie: {name: 'a b'}}", "\"a b\" holds a character that no cookie name may have" },
    { "session: {cookie: {path: 'x'}}", "does not begin with a slash" },
    { "cookies: {domain: 'a;b'}", "\"a;b\" is no domain" },
    { "cookies: {same_site: lax}", "\"lax\" is not one of: Strict, Lax or None" },
    { "cookies: {same_site: None, secure: false}", "cookies.same_site: \"None\" needs Secure cookies" },
    { "hashers: {argon2: {memory: 12}}", "\"12\" is no size" },
    { "hashers: {argon2: {memory: 2GB}}", "is not between 8KB and 1GB" },
    { "hashers: {argon2: {parallelism: 256}}", "256 is not between 1 and 16" },
    { "hashers: {algorithm: argon2, argon2: {memory: 16KB, parallelism: 4}}", "each of 4 lanes" },
    { "hashers: {bcrypt: {cost: 12.5}}", "must be a whole number" },
    { "selfservice: {methods: {password: {config: {min_password_length: 5}}}}", "5 is not between 6" },
    { "serve: {public: {base_url: /auth}}", "is no absolute http(s) URL" },
    { "serve: {public: {base_url: 'https://u:p@a.example/'}}", "names a user" },
    { "serve: {public: {base_url: 'https://a.example/?x'}}", "has a query or fragment" },
    { "serve: {public: {base_url: null}}", "serve.public.base_url: is missing" },
    { "serve: {public: {cors: {allowed_methods: [BREW]}}}", "\"BREW\" is not one of" },
    { "serve: {public: {cors: {allowed_origins: ['https://a.example/']}}}", "more than scheme and host" },
    { "selfservice: {default_browser_return_url: null}", "default_browser_return_url: is missing" },
    { "selfservice: {default_browser_return_url: /home}", "which selfservice.allowed_return_urls does not allow" },
    { "selfservice: {default_browser_return_url: '//evil.example/'}", "begins with two slashes" },
    { "selfservice: {allowed_return_urls: [/home]}", "needs scheme and host" },
    { "selfservice: {flows: {login: {ui_url: 'javascript:x'}}}", "has a scheme but no host" },
    { "secrets: {cookie: null}", "secrets.cookie: is missing" },
    { "secrets: {cookie: []}", "secrets.cookie: is missing" },
    { "secrets: {cookie: [short]}", "element 1 is shorter than 16 bytes" },
    { "secrets: {cookie: [0123456789abcdef, 0123456789abcdef]}", "has the same element twice" },
    { "identity: {schemas: null}", "identity.schemas: is missing" },
    { "identity: {schemas: []}", "identity.schemas: is empty" },
    { "identity: {default_schema_id: other}", "\"other\" is the id of none of identity.schemas" },
    { "courier: {smtp: {connection_uri: 'smtp://'}}", "the value " },
    { "courier: {smtp: {connection_uri: 'smtp://h/?starttls=no'}}", "has a parameter \"starttls\"" },
    { "courier: {smtp: {connection_uri: 'file://mail'}}", "its path must be absolute" },
    { "courier: {smtp: {local_name: 'a b'}}", "courier.smtp.local_name: \"a b\" is no name of a host" },
    { "courier: {smtp: {from_address: 'a b'}}", "is no mail address" },
    { "courier: {smtp: {from_address: 'ana@b\xC3\xBC" "cher.example'}}", "write the ASCII form" },
    { "courier: {smtp: {from_name: \"a\\nBcc: b\"}}", "holds a line break" },
    { "courier: {smtp: {headers: {'X A': b}}}", "courier.smtp.headers: \"X A\" is no name of a header" },
    { "courier: {smtp: {headers: {X-A: \"b\\nBcc: c\"}}}", "\"X-A\" holds a line break" },
    { "courier: {smtp: {headers: {content-type: b}}}", "belongs to the message itself" },
    { "courier: {delivery_strategy: http}", "courier.http.request_config.url: is missing" },
    { "courier: {channels: [{id: sms, request_config: {}}]}", "courier.channels[0].request_config.url: is missing" },
    { "courier: {channels: [{id: post}]}", "is not one of: sms" },
    { "courier: {channels: [{type: http}]}", "needs a member \"id\"" },
    { "courier: {channels: [{id: sms, request_config: {url: 'ftp://x/'}}]}", "is no absolute http(s) URL" },
    { "courier: {channels: [{id: sms, type: http, request_config: {url: 'http://x/'}}, "
      "{id: sms, type: http, request_config: {url: 'http://y/'}}]}", "a second channel \"sms\"" },
    { SERVICE("method: 'A B'"), "\"A B\" is no method" },
    { SERVICE("headers: {'X A': b}"), "\"X A\" is no name of a header" },
    { SERVICE("headers: {X-A: \"b\\nc\"}"), "\"X-A\" holds a line break" },
    { SERVICE("auth: {type: basic_auth, config: {user: 'a:b', password: c}}"), "holds a colon" },
    { SERVICE("auth: {type: basic_auth, config: {user: a}}"), "auth.config.password: is missing" },
    { SERVICE("auth: {type: api_key, config: {name: a, value: \"b\\nc\"}}"), "\"a\" holds a line break" },
    { SERVICE("auth: {type: api_key, config: {name: 'a=b', value: c, in: cookie}}"), "no cookie name may have" },
    { SERVICE("auth: {type: bearer}"), "is not one of: api_key or basic_auth" },
    { SERVICE("body: 'https://x.example/b.jsonnet'"), "is not fetched by HTTP" },
    { SERVICE("body: 'base64://ZnVuY3Rpb24oY3R4KSB7'"), "the Jsonnet is not usable: base64:" }, /* function(ctx) { */
    { SERVICE("body: 'base64://e30='"), "is no function of one parameter" },                    /* {} */
    { SERVICE("body: 'file://./missing.jsonnet'"), "missing.jsonnet cannot be read" },
    { TEMPLATE("'https://x.example/t'"), "is not fetched by HTTP" },
    { TEMPLATE("'base64://!'"), "is not base64" },
    { TEMPLATE("'base64://e3sgLlRv'"), "base64:1: an action is not closed" },            /* {{ .To */
    { TEMPLATE("'base64://e3sgbm93IH19'"), "base64:1: there is no function \"now\"" }, /* {{ now }} */
    { "courier: {template_override_path: ./nowhere}", "nowhere is no folder" },
    { "oauth2_provider: {url: hydra:4445}", "is no absolute http(s) URL" },
    { "oauth2_provider: {url: 'http://a:b@hydra:4445'}", "names a user" },
    { "oauth2_provider: {url: 'http://hydra/', headers: {'X A': b}}", "oauth2_provider.headers: \"X A\" is no name of a header" },
    { "oauth2_provider: {url: 'http://hydra/', headers: {X-A: \"b\\nc\"}}", "\"X-A\" holds a line break" },
    { "identity: {schemas: [{id: person}]}", "identity.schemas[0]: needs a member \"url\"" },
    { "identity: {schemas: [{id: person, url: 'file://./gone.json'}]}", "gone.json cannot be read" },
    { "identity: {schemas: [{id: person, url: 'file:///dev/zero'}]}", "/dev/zero is no file" },
    { "identity: {schemas: [{id: person, url: 'base64://!'}]}", "is not base64" },
    { "identity: {schemas: [{id: person, url: 'base64://e30='}]}", "the schema \"person\" is not usable: " },
    { "identity: {schemas: [{id: person, url: 'https://a.example/s'}]}", "is not fetched by HTTP; use file:// or base64://" },
    { "identity: {schemas: [{id: person, url: 'file://./person.json'}, {id: person, url: 'file://./person.json'}]}",
      "there are two schemas \"person\"" },
    { "selfservice: {flows: {login: {after: {hooks: [{hook: session}]}}}}", "\"session\" may not stand here" },
    { "selfservice: {flows: {registration: {after: {hooks: [{hook: session}]}}}}", "\"session\" may not stand here" },
    { "selfservice: {flows: {registration: {after: {password: {hooks: [{hook: sesion}]}}}}}", "\"sesion\" is no hook" },
    { "selfservice: {flows: {registration: {after: {password: {hooks: [session]}}}}}", "hooks[0]: must be an object" },
    { "selfservice: {flows: {registration: {after: {password: {hooks: [{hook: session, cfg: 1}]}}}}}", "unknown key" },
    { "selfservice: {flows: {login: {after: {password: {hooks: [{hook: web_hook, config: {url: 'http://a/',\n"
      " method: GET, respnse: {}}}]}}}}}", "hooks[0].config.respnse: unknown key; did you mean" },
};

static void test_mistakes_are_told_with_file_key_and_reason(void **state)
{
    world_t *w = *state;

    for (int i = 0; i < KR_DIM(MISTAKES); i++) refused(w, MISTAKES[i].yaml, MISTAKES[i].told);
}

static void test_an_oauth2_server_is_called_as_the_owner_says(void **state)
{
    world_t *w = *state;
    kr_settings_t *s = good(w, "oauth2_provider: {url: 'http://127.0.0.1:4445/', headers: {X-Key: s3cret}, override_return_to: true}\n"
                               "mod_kratos: {oauth2: {acr: true}}");

    assert_string_equal(s->oauth2.url, "http://127.0.0.1:4445/");
    assert_string_equal(apr_table_get(s->oauth2.headers, "X-Key"), "s3cret");
    assert_true(s->oauth2.override_return_to && s->oauth2.acr);
    s = good(w, "");
    assert_null(s->oauth2.url);
    assert_int_equal(apr_table_elts(s->oauth2.headers)->nelts, 0);
    assert_non_null(settings_of(w, "oauth2_provider: {url: 'http://127.0.0.1:4445/admin/'}", 0));
    assert_true(says(w, 0, "leave the /admin at its end out"));
    assert_non_null(settings_of(w, "oauth2_provider: {headers: {X-Key: s3cret}}", 0));
    assert_true(says(w, 0, "oauth2_provider.url is not set"));
    assert_false(says(w, 0, "s3cret"));
}

static void test_a_code_is_one_factor_only(void **state)
{
    world_t *w = *state;

    assert_null(settings_of(w, "selfservice: {methods: {code: {mfa_enabled: true, passwordless_enabled: true}}}", 1));
    assert_true(says(w, 1, "one mailbox would be both factors"));
}

static void test_a_secret_is_never_repeated(void **state)
{
    world_t *w = *state;

    assert_null(settings_of(w, "secrets: {cookie: [hunter2], cipher: [hunter3]}\n"
                               "courier: {smtp: {connection_uri: 'imap://u:hunter4@h'}}\n", 0));
    assert_null(strstr(all_findings(w), "hunter"));
}

static const struct {
    const char *yaml, *told;
} BROKEN[] = {
    { "a: 1\na: 2\n", "kratos.yml:2: the key \"a\" stands here twice" },
    { "a: &x 1\nb: &x 2\n", ":2: the same anchor" },
    { "a: 1\nb: *x\n", ":2: an alias" },
    { "a: &x [*x]\n", ":1: an alias" },
    { "a: !!str 1\n", ":1: tags" },
    { "a: 1\n---\nb: 2\n", "a second document" },
    { "a: [1\n", "not YAML" },
    { "a: \"x\\0y\"\n", "NUL" },
    { "[1]\n", "must hold keys with values" },
    { "", "nothing is in it" },
};

static void test_broken_files_are_told_with_their_line(void **state)
{
    world_t *w = *state;

    for (int i = 0; i < KR_DIM(BROKEN); i++) {
        const char *why = kr_draft_load(kr_draft_make(w->pool), put_file(w, "kratos.yml", BROKEN[i].yaml));

        if (!why || !strstr(why, BROKEN[i].told)) fail_msg("%s: %s", BROKEN[i].yaml, why ? why : "(taken)");
    }
    assert_non_null(strstr(kr_draft_load(kr_draft_make(w->pool), "/nowhere/kratos.yml"), "cannot be read"));
}

static void test_files_too_large_or_too_deep_are_refused(void **state)
{
    world_t *w = *state;
    char *text = apr_pcalloc(w->pool, 1024 * 1024 + 2);
    const char *why;

    memset(text, '#', 1024 * 1024 + 1);
    why = kr_draft_load(kr_draft_make(w->pool), put_file(w, "kratos.yml", text));
    assert_non_null(strstr(why, "larger than 1 MiB"));
    memset(text, '[', 100000);
    text[100000] = '\0';
    why = kr_draft_load(kr_draft_make(w->pool), put_file(w, "kratos.yml", text));
    assert_non_null(strstr(why, "64 levels"));
}

static void test_a_wrong_directive_is_told_where_it_stands(void **state)
{
    world_t *w = *state;

    settings_of(w, "", 0);
    assert_string_equal(kr_draft_set(w->draft, "sesion.lifespan", "1h", "httpd.conf:3"),
                        "httpd.conf:3: sesion.lifespan: unknown key; did you mean session.lifespan?");
    assert_string_equal(kr_draft_set(w->draft, "session.lifespan", "soon", "httpd.conf:4"),
                        "httpd.conf:4: session.lifespan: \"soon\" is no duration such as 30s, 15m or 24h");
    assert_non_null(strstr(kr_draft_set(w->draft, "dev", "maybe", "c:5"), "must be true or false"));
    assert_non_null(strstr(kr_draft_set(w->draft, "identity.schemas[0].id", "x", "c:6"), "set the whole list"));
    assert_non_null(strstr(kr_draft_set(w->draft, "secrets.cookie", "0123456789abcdef", "c:7"), "must be a list"));
}

/* -- what is not built yet --------------------------------------------------------------- */

static const struct {
    const char *yaml, *told;
} UNBUILT[] = {
    { "selfservice: {methods: {password: {config: {migrate_hook: {enabled: true}}}}}",
      "methods.password.config.migrate_hook.enabled: \"true\" asks for" },
    { "serve: {public: {tls: {key: {path: /k}}}}", "serve.public.tls.key.path: asks for" },
};

static void test_what_is_not_built_is_refused_in_words(void **state)
{
    world_t *w = *state;

    for (int i = 0; i < KR_DIM(UNBUILT); i++) {
        if (settings_of(w, UNBUILT[i].yaml, 0) || !says(w, 1, UNBUILT[i].told)) {
            fail_msg("%s\nwanted: %s\ntold: %s", UNBUILT[i].yaml, UNBUILT[i].told, all_findings(w));
        }
        if (!settings_of(w, UNBUILT[i].yaml, 1) || !says(w, 0, UNBUILT[i].told)) {
            fail_msg("%s\nnot as warning: %s\ntold: %s", UNBUILT[i].yaml, UNBUILT[i].told, all_findings(w));
        }
    }
}

static void test_mail_goes_to_a_server_or_into_a_folder(void **state)
{
    kr_settings_t *s = good(*state, "courier: {message_retries: 3, smtp: {connection_uri: 'smtp://u:p%20w@h:25/', "
                                    "local_name: me.example, from_name: Us, headers: {X-A: b}}}\n");

    assert_string_equal(s->mail.smtp->url, "smtp://h:25/me.example");
    assert_string_equal(s->mail.smtp->password, "p w");
    assert_null(s->mail.folder);
    assert_string_equal(apr_table_get(s->mail.headers, "X-A"), "b");
    assert_int_equal(s->mail.retries, 3);
    assert_int_equal(s->mail.batch, 10);
    s = good(*state, "courier: {smtp: {connection_uri: 'file:///var/tmp/a%20b'}}\n");
    assert_string_equal(s->mail.folder, "/var/tmp/a b");
    assert_null(s->mail.smtp);
    s = good(*state, "");
    assert_true(!s->mail.smtp && !s->mail.folder && !s->mail.uri);
}

static void test_what_is_off_or_default_is_accepted(void **state)
{
    good(*state, "selfservice: {flows: {recovery: {enabled: false}}, methods: {totp: {enabled: false}}}\n"
                 "courier: {delivery_strategy: smtp}\nserve: {public: {socket: {owner: '', mode: 493}}}\n");
}

static void test_details_of_what_is_not_built_get_one_warning(void **state)
{
    world_t *w = *state;

    good(w, "ciphers: {algorithm: aes}\ntracing: {provider: x}\n");
    assert_int_equal(w->findings->nelts, 1);
    assert_true(says(w, 0, "no effect yet: ciphers.algorithm, tracing"));
}

static void test_a_realm_is_named_after_its_base_url(void **state)
{
    world_t *w = *state;
    kr_realm_t *realm = kr_realm_make(w->pool, "main", good(w, ""));

    /* printf %s https://id.example.org/auth/ | sha256sum */
    assert_string_equal(realm->csrf_cookie_name,
                        "csrf_token_5b177a21e17dc1332c5119e16917cb3b6238ac0867c8b2901a4186c92c21d01d");
    assert_string_equal(realm->base_path, "/auth");
    assert_int_equal(realm->keys->count, 2);
    assert_string_equal(kr_realm_schema(realm, NULL)->id, "person");
    assert_ptr_equal(kr_realm_schema(realm, "cGVyc29u"), kr_realm_schema(realm, "person"));
    assert_null(kr_realm_schema(realm, "nobody"));
}

static void test_personal_data_gets_into_the_log_where_that_is_wanted(void **state)
{
    world_t *w = *state;
    kr_ctx_t k = { .pool = w->pool };

    assert_string_equal(kr_log_personal(&k, "ana@x.example"), ""); /* nobody's yet: while starting up */
    k.realm = kr_realm_make(w->pool, "main", good(w, ""));
    assert_string_equal(kr_log_personal(&k, "ana@x.example"), "");
    k.realm = kr_realm_make(w->pool, "main", good(w, "log: {leak_sensitive_values: true}"));
    assert_string_equal(kr_log_personal(&k, "ana@x.example"), " (\"ana@x.example\")");
    assert_string_equal(kr_log_personal(&k, NULL), "");
}

/* -- files of the project ---------------------------------------------------------------- */

/** The root of the sources: tests run there or somewhere below. */
static const char *root_of(apr_pool_t *pool)
{
    const char *root = ".";

    for (int up = 0; up < 6; up++) {
        if (access(apr_pstrcat(pool, root, "/include/kr_settings.h", NULL), R_OK) == 0) return root;
        root = apr_pstrcat(pool, root, "/..", NULL);
    }
    return NULL;
}

static const char *read_whole(apr_pool_t *pool, const char *path)
{
    apr_file_t *file;
    apr_finfo_t info;
    char *text;

    if (apr_file_open(&file, path, APR_FOPEN_READ, 0, pool) != APR_SUCCESS) return "";
    apr_file_info_get(&info, APR_FINFO_SIZE, file);
    text = apr_pcalloc(pool, (apr_size_t)info.size + 1);
    apr_file_read_full(file, text, (apr_size_t)info.size, NULL);
    apr_file_close(file);
    return text;
}

/** A file of the project's, with one key set as its first lines ask for, if there is one. */
static kr_settings_t *load_alone(world_t *w, const char *path, const char *key, const char *value, int allow_unbuilt)
{
    kr_draft_t *draft = kr_draft_make(w->pool);
    const char *why = kr_draft_load(draft, path);

    if (!why && key) why = kr_draft_set(draft, key, value, "README.md:1");
    if (why) fail_msg("%s", why);
    return kr_draft_finish(draft, allow_unbuilt, &w->findings);
}

static void test_the_example_wants_a_secret_and_is_good_then_and_so_are_the_preset_schemas(void **state)
{
    static const char *const PRESETS[] = { "email-password", "username-password", "email-name" };
    world_t *w = *state;
    const char *root = root_of(w->pool), *example;

    if (!root) skip();
    example = apr_pstrcat(w->pool, root, "/conf/kratos.yml", NULL);
    assert_null(load_alone(w, example, NULL, NULL, 0));
    assert_int_equal(w->findings->nelts, 1);
    assert_true(says(w, 1, "secrets.cookie: element 1 is a sample"));
    if (!load_alone(w, example, "secrets.cookie", "[OmZ7p0Vq2hPpxzAe/0yX9m+S4vb1pLtQ]", 0)) fail_msg("%s", all_findings(w));
    assert_int_equal(w->findings->nelts, 0);
    for (int i = 0; i < KR_DIM(PRESETS); i++) {
        const char *path = apr_pstrcat(w->pool, root, "/conf/schemas/", PRESETS[i], ".schema.json", NULL);
        const char *text = read_whole(w->pool, path), *why = NULL;
        kr_schema_t *schema = kr_schema_compile(w->pool, "preset", text, strlen(text), &why);

        if (!schema) fail_msg("%s: %s", path, why);
        assert_non_null(schema->identifier_title);
    }
}

static void test_the_conformance_profiles_load(void **state)
{
    world_t *w = *state;
    const char *root = root_of(w->pool), *folder;
    apr_dir_t *dir;
    apr_finfo_t info;
    int seen = 0;

    if (!root) skip();
    folder = apr_pstrcat(w->pool, root, "/t/conformance/profiles", NULL);
    if (apr_dir_open(&dir, folder, w->pool) != APR_SUCCESS) skip();
    while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        apr_size_t len = strlen(info.name);

        if (len < 4 || strcmp(info.name + len - 4, ".yml")) continue;
        if (!load_alone(w, apr_pstrcat(w->pool, folder, "/", info.name, NULL), NULL, NULL, 1))
            fail_msg("%s: %s", info.name, all_findings(w));
        seen++;
    }
    apr_dir_close(dir);
    assert_true(seen > 0);
}

static void test_the_page_of_settings_is_up_to_date(void **state)
{
    world_t *w = *state;
    const char *root = root_of(w->pool), *page;

    if (!root) skip();
    page = read_whole(w->pool, apr_pstrcat(w->pool, root, "/docs/settings.md", NULL));
    if (strcmp(page, kr_settings_reference(w->pool))) {
        fail_msg("docs/settings.md is stale: run build/docs");
    }
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        TEST(test_a_minimal_file_gets_kratos_defaults),
        TEST(test_values_of_the_file_reach_their_fields),
        TEST(test_pages_are_relative_to_the_base_url),
        TEST(test_a_number_is_taken_as_text_where_text_is_wanted),
        TEST(test_later_files_and_keys_win_and_objects_merge),
        TEST(test_an_alias_repeats_a_list_but_not_without_end),
        TEST(test_null_means_not_set),
        TEST(test_default_secrets_stand_in_for_cookie_secrets),
        TEST(test_session_cookie_settings_override_those_of_all_cookies),
        TEST(test_development_relaxes_cookies_and_hashes),
        TEST(test_unsafe_wildcards_warn_and_are_left_out),
        TEST(test_mistakes_are_told_with_file_key_and_reason),
        TEST(test_an_oauth2_server_is_called_as_the_owner_says),
        TEST(test_a_code_is_one_factor_only),
        TEST(test_a_secret_is_never_repeated),
        TEST(test_broken_files_are_told_with_their_line),
        TEST(test_files_too_large_or_too_deep_are_refused),
        TEST(test_a_wrong_directive_is_told_where_it_stands),
        TEST(test_what_is_not_built_is_refused_in_words),
        TEST(test_mail_goes_to_a_server_or_into_a_folder),
        TEST(test_what_is_off_or_default_is_accepted),
        TEST(test_details_of_what_is_not_built_get_one_warning),
        TEST(test_a_realm_is_named_after_its_base_url),
        TEST(test_personal_data_gets_into_the_log_where_that_is_wanted),
        TEST(test_the_example_wants_a_secret_and_is_good_then_and_so_are_the_preset_schemas),
        TEST(test_the_conformance_profiles_load),
        TEST(test_the_page_of_settings_is_up_to_date),
    };

    apr_initialize();
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
