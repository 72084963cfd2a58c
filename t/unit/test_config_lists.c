/* SPDX-License-Identifier: Apache-2.0 */
/* Lists and objects in the settings become arrays of structs, by the tables that say what they consist of. */
#include "config_env.h"

#define NTH(array, i, type) (&APR_ARRAY_IDX((array), (i), type))

static kr_settings_t *unbuilt(void **state, const char *more)
{
    kr_settings_t *settings = settings_of(*state, more, 1);

    if (!settings) fail_msg("%s: %s", more, all_findings(*state));
    return settings;
}

#define PROVIDERS                                                                                                      \
    "selfservice: {methods: {oidc: {config: {base_redirect_uri: 'https://id.example.org/', providers: [\n"             \
    "  {id: google, provider: google, label: Google, client_id: c1, client_secret: s1, mapper_url: 'base64://e30=',\n"     \
    "   scope: [email, profile], requested_claims: {id_token: {email: null}}, aal2_amr_values: [mfa], pkce: force},\n" \
    "  {id: 007, provider: generic, client_id: c2, client_secret: s2, mapper_url: 'base64://e30=', issuer_url: 'https://a.example/',\n" \
    "   aal2_acr_values: [a, b]}]}}}}\n"

static void test_providers_are_filled_with_their_defaults(void **state)
{
    kr_settings_t *s = unbuilt(state, PROVIDERS);
    const kr_oidc_provider_conf_t *google = NTH(s->oidc.providers, 0, kr_oidc_provider_conf_t);
    const kr_oidc_provider_conf_t *other = NTH(s->oidc.providers, 1, kr_oidc_provider_conf_t);

    assert_string_equal(s->oidc.base_redirect_uri, "https://id.example.org/");
    assert_int_equal(s->oidc.providers->nelts, 2);
    assert_string_equal(google->id, "google");
    assert_string_equal(google->client_secret, "s1");
    assert_string_equal(google->mapper_url, "base64://e30=");
    assert_int_equal(google->scope->nelts, 2);
    assert_string_equal(APR_ARRAY_IDX(google->scope, 1, const char *), "profile");
    assert_non_null(json_object_get(google->requested_claims, "id_token"));
    assert_string_equal(google->pkce, "force");
    assert_string_equal(google->account_linking_mode, "confirm_with_existing_credential");
    assert_string_equal(other->id, "007"); /* as it was written */
    assert_string_equal(other->issuer_url, "https://a.example/");
    assert_string_equal(other->pkce, "auto");
    assert_string_equal(other->subject_source, "userinfo");
    assert_null(other->label);
    assert_null(other->requested_claims);
}

/* "aal2_<acr|amr>_values" is one row and two fields. */
static void test_a_row_of_two_names_fills_two_fields(void **state)
{
    kr_settings_t *s = unbuilt(state, PROVIDERS);

    for (int i = 0; i < 2; i++) {
        const kr_oidc_provider_conf_t *provider = NTH(s->oidc.providers, i, kr_oidc_provider_conf_t);

        assert_int_equal(provider->aal2_acr_values->nelts, i ? 2 : 0);
        assert_int_equal(provider->aal2_amr_values->nelts, i ? 0 : 1);
    }
}

static void test_a_list_that_nobody_wrote_is_empty(void **state)
{
    kr_settings_t *s = good(*state, "");

    assert_int_equal(s->oidc.providers->nelts, 0);
    assert_int_equal(s->tokenizers->nelts, 0);
    assert_int_equal(s->mail.channels->nelts, 0);
    assert_int_equal(s->mail.letters->nelts, 0);
    assert_null(s->flow[KR_FLOW_LOGIN].before);
    assert_null(s->oidc.base_redirect_uri);
}

static void test_a_map_knows_the_names_of_its_members(void **state)
{
    kr_settings_t *s = good(*state, "session: {whoami: {tokenizer: {templates: {\n"
                                    " shop: {jwks_url: 'base64://eyJrZXlzIjpbXX0=', ttl: 5m, subject_source: external_id},\n"
                                    " till: {jwks_url: 'base64://eyJrZXlzIjpbXX0='}}}}}\n");
    const kr_tokenizer_conf_t *shop = NTH(s->tokenizers, 0, kr_tokenizer_conf_t);
    const kr_tokenizer_conf_t *till = NTH(s->tokenizers, 1, kr_tokenizer_conf_t);

    assert_int_equal(s->tokenizers->nelts, 2);
    assert_string_equal(shop->name, "shop");
    assert_string_equal(shop->subject_source, "external_id");
    assert_int_equal(shop->ttl, apr_time_from_sec(300));
    assert_string_equal(till->name, "till");
    assert_string_equal(till->jwks_url, "base64://eyJrZXlzIjpbXX0=");
    assert_string_equal(till->subject_source, "id");
    assert_int_equal(till->ttl, 0);
}

static void test_each_hook_has_the_settings_of_its_kind(void **state)
{
    kr_settings_t *s = unbuilt(state, "selfservice: {flows: {settings: {after: {profile: {hooks: [\n"
                                      " {hook: notify_previous_addresses},\n"
                                      " {hook: b2b_sso, config: {anything: 1}},\n"
                                      " {hook: notify_previous_addresses, config: {recipients: all}},\n"
                                      " {hook: web_hook, config: {url: 'http://a/', method: PUT, body: 'base64://ZnVuY3Rpb24oY3R4KSB7fQ==', headers: {X-A: b},\n"
                                      "  response: {parse: true}, auth: {type: basic_auth, config: {user: u, password: p}}}}]}}}}}\n");
    const apr_array_header_t *hooks = s->flow[KR_FLOW_SETTINGS].after_method[KR_METHOD_PROFILE].hooks;
    const kr_web_hook_conf_t *web = NTH(hooks, 2, kr_hook_conf_t)->own;

    assert_int_equal(hooks->nelts, 3); /* enterprise hooks never do anything */
    assert_string_equal(((const kr_notify_conf_t *)NTH(hooks, 0, kr_hook_conf_t)->own)->recipients, "removed");
    assert_string_equal(((const kr_notify_conf_t *)NTH(hooks, 1, kr_hook_conf_t)->own)->recipients, "all");
    assert_string_equal(NTH(hooks, 2, kr_hook_conf_t)->name, "web_hook");
    assert_string_equal(web->request.url, "http://a/");
    assert_string_equal(web->request.method, "PUT");
    assert_string_equal(apr_table_get(web->request.headers, "x-a"), "b");
    assert_string_equal(web->request.auth.user, "u");
    assert_string_equal(web->request.auth.password, "p");
    assert_null(web->request.auth.name);
    assert_true(web->parse && !web->ignore && web->analytics);
}

static void test_a_channel_has_its_request_and_the_service_made_of_it(void **state)
{
    kr_settings_t *s = good(*state, "courier: {channels: [{id: sms, request_config: {url: 'http://x/', headers: {A: b},\n"
                                    " auth: {type: api_key, config: {name: K, value: v, in: cookie}}}}]}\n");
    const kr_channel_conf_t *channel = NTH(s->mail.channels, 0, kr_channel_conf_t);

    assert_string_equal(channel->request.method, "POST");
    assert_ptr_equal(channel->service, s->mail.sms);
    assert_string_equal(apr_table_get(s->mail.sms->headers, "Cookie"), "K=v");
    assert_string_equal(apr_table_get(s->mail.sms->headers, "A"), "b");
}

/* One row names several kinds, and two rows may say parts of one. */
static void test_templates_know_what_they_are_for(void **state)
{
    kr_settings_t *s = good(*state, "courier: {templates: {recovery_code: {valid: {email: {subject: 'base64://QQ=='},\n"
                                    " sms: {body: {plaintext: 'base64://Qg=='}}}},\n"
                                    " verifiable_address_changed: {email: {body: {html: 'base64://Qw=='}}}}}\n");
    const struct { const char *name, *subject, *html, *sms; } wanted[] = {
        { "recovery_code.valid", "base64://QQ==", NULL, NULL },
        { "recovery_code.valid", NULL, NULL, "base64://Qg==" },
        { "verifiable_address_changed", NULL, "base64://Qw==", NULL },
    };

    assert_int_equal(s->mail.letters->nelts, KR_DIM(wanted));
    for (int i = 0; i < KR_DIM(wanted); i++) {
        const kr_letter_conf_t *letter = NTH(s->mail.letters, i, kr_letter_conf_t);

        assert_string_equal(letter->name, wanted[i].name);
        assert_int_equal(!letter->subject, !wanted[i].subject);
        assert_int_equal(!letter->html, !wanted[i].html);
        assert_int_equal(!letter->sms, !wanted[i].sms);
    }
    assert_int_equal(s->mail.overrides->nelts, 3);
    assert_string_equal(NTH(s->mail.overrides, 0, kr_override_t)->type, "recovery_code_valid");
}

static const struct {
    const char *yaml, *told;
} MISTAKES[] = {
    { "selfservice: {methods: {oidc: {config: {providers: [{provider: google}]}}}}", "providers[0]: needs a member \"id\"" },
    { "selfservice:\n  methods: {oidc: {config: {providers: [\n{id: a, provider: google, scop: [x]}]}}}",
      "kratos.yml:3: selfservice.methods.oidc.config.providers[0].scop: unknown key; did you mean selfservice.methods.oidc.config.providers[].scope?" },
    { "selfservice: {methods: {oidc: {config: {providers: [1]}}}}", "providers[0]: must be an object" },
    { "session: {whoami: {tokenizer: {templates: {a: {ttl: x}}}}}", "templates.a.ttl: \"x\" is no duration" },
    { "session: {whoami: {tokenizer: {templates: {a: 1}}}}", "templates.a: must be an object" },
    { "selfservice: {flows: {settings: {after: {profile: {hooks: [{hook: notify_previous_addresses, config: {recipients: some}}]}}}}}",
      "config.recipients: \"some\" is not one of: removed, all_verified or all" },
    { "selfservice: {flows: {settings: {after: {profile: {hooks: [{hook: notify_previous_addresses, config: {recipient: all}}]}}}}}",
      "config.recipient: unknown key; did you mean" },
    { "selfservice: {flows: {settings: {after: {profile: {hooks: [{hook: notify_previous_addresses, config: 1}]}}}}}",
      "hooks[0].config: must be an object" },
    { "selfservice: {flows: {login: {after: {hooks: [{hook: web_hook}]}}}}", "hooks[0]: web_hook needs a member \"config\"" },
    { "selfservice: {flows: {login: {after: {hooks: [{hook: web_hook, config: {url: 'http://a/'}}]}}}}",
      "config: needs a member \"method\"" },
    { "courier: {channels: [{id: sms, request_config: {url: 'http://x/', auth: {config: {name: a}}}}]}",
      "courier.channels[0].request_config.auth.type: is missing" },
    { "courier: {channels: [{id: sms, request_config: {url: 'http://x/', auth: {}}}]}",
      "courier.channels[0].request_config.auth.type: is missing" },
    { "courier: {delivery_strategy: http, http: {request_config: {url: 'http://x/', auth: {config: {}}}}}",
      "courier.http.request_config.auth.type: is missing" },
    { "courier: {delivery_strategy: http, http: {request_config: {url: 'http://x/', auth: }}}",
      "courier.http.request_config.auth.type: is missing" },
    { "courier: {channels: [{id: sms, request_config: {url: 'http://x/', auth: {type: api_key, config: {value: b}}}}]}",
      "request_config.auth.config.name: is missing" },
};

static void test_mistakes_in_elements_are_told_where_they_stand(void **state)
{
    for (int i = 0; i < KR_DIM(MISTAKES); i++) refused(*state, MISTAKES[i].yaml, MISTAKES[i].told);
}

/* Its row says what is wrong; nothing says that it is missing as well. */
static void test_what_is_wrong_in_an_element_is_told_once(void **state)
{
    world_t *w = *state;

    refused(w, "courier: {channels: [{id: sms, request_config: {url: 'ftp://x/'}}]}", "is no absolute http(s) URL");
    assert_int_equal(w->findings->nelts, 1);
}

/* One word for a map or a list is none, and nothing may be looked up in it. */
static void test_text_where_a_map_or_a_list_belongs_is_refused(void **state)
{
    refused(*state, "courier: {channels: [{id: sms, request_config: {url: 'http://x/', headers: 'text that is longer than a table'}}]}",
            "courier.channels[0].request_config.headers: must be an object of text");
    refused(*state, "courier: {delivery_strategy: http, http: {request_config: {url: 'http://x/', headers: 'text that is longer than a table'}}}",
            "courier.http.request_config.headers: must be an object of text");
    refused(*state, "selfservice: {methods: {oidc: {config: {providers: [{id: a, provider: google, scope: email}]}}}}",
            "providers[0].scope: must be a list of text");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_providers_are_filled_with_their_defaults),
        TEST(test_a_row_of_two_names_fills_two_fields),
        TEST(test_a_list_that_nobody_wrote_is_empty),
        TEST(test_a_map_knows_the_names_of_its_members),
        TEST(test_each_hook_has_the_settings_of_its_kind),
        TEST(test_a_channel_has_its_request_and_the_service_made_of_it),
        TEST(test_templates_know_what_they_are_for),
        TEST(test_mistakes_in_elements_are_told_where_they_stand),
        TEST(test_what_is_wrong_in_an_element_is_told_once),
        TEST(test_text_where_a_map_or_a_list_belongs_is_refused),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests_name("config lists", tests, NULL, NULL);
    apr_terminate();
    return failed;
}
