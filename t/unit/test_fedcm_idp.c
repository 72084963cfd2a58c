/* SPDX-License-Identifier: Apache-2.0 */
/* A realm as identity provider of other sites: what browsers get by themselves, and what nobody else does. */
#include "api_env.h"
#include "kr_fedcm.h"

#define COOKIE SESSION "_fedcm"
#define SHOP "https://shop.example.com"
#define NEWS "https://news.example.net"

static const char MEMBER[] =
    "{\"type\":\"object\",\"properties\":{\"traits\":{\"type\":\"object\",\"properties\":{"
    "\"email\":{\"type\":\"string\",\"format\":\"email\",\"ory.sh/kratos\":{\"credentials\":{\"password\":{\"identifier\":true}},"
    "\"verification\":{\"via\":\"email\"}}},"
    "\"name\":{\"type\":\"string\",\"ory.sh/kratos\":{\"credentials\":{\"passkey\":{\"display_name\":true}}}}},"
    "\"required\":[\"email\"]}}}";

static const char CLIENTS[] = "mod_kratos: {fedcm: {clients: ["
                              "{client_id: shop, origins: ['" SHOP "', 'https://www.shop.example.com']}, "
                              "{client_id: news, origins: ['" NEWS "'], privacy_policy_url: 'https://news.example.net/privacy'}]}}\n";

static const kr_query_t VERIFY = { .name = "verify", .sql = "UPDATE identity_addresses SET verified = 1" };
static const kr_query_t LOCK = { .name = "lock", .sql = "UPDATE identities SET state = 'inactive'" };
static const kr_query_t DELETE_ALL = { .name = "delete", .sql = "DELETE FROM identities" };
static const kr_query_t END = { .name = "end", .sql = "UPDATE sessions SET active = 0" };
static const kr_query_t END_ALL = { .name = "end_all", .sql = "UPDATE identities SET session_epoch = session_epoch + 1" };
static const kr_query_t GRANTS = { .name = "grants", .sql = "SELECT COUNT(*) FROM fedcm_grants" };
static const kr_query_t CODES = { .name = "codes", .sql = "UPDATE identities SET available_aal = 'aal2'" };
static const kr_query_t CODES_TOO = {
    .name = "codes_too",
    .sql = "INSERT INTO identity_credentials (id, realm_id, identity_id, type, config, created_at, updated_at) "
           "SELECT '" NIL "', realm_id, id, 'lookup_secret', '{\"recovery_codes\":[{\"code\":\"a\"}]}', 0, 0 FROM identities",
};

static int open_idp(void **state)
{
    open_env(state);
    write_file(*state, "person.json", MEMBER);
    change(*state, CLIENTS);
    return 0;
}

#define IDP_TEST(test) { #test, test, open_idp, close_env, NULL }

static client_t *signed_in(env_t *env, const char *email, const char *name)
{
    client_t *c = spa(env);
    const char *to;
    json_t *flow = begin_flow(c, "registration", "", &to), *body = new_account(email, GOOD);

    if (name) json_object_set_new(json_object_get(body, "traits"), "name", json_string(name));
    assert_status(submit(c, to, flow, body), 200);
    return c;
}

/** What the browser asks by itself for a page: the second cookie goes along, and no other. */
static client_t *browser_of(client_t *c, const char *origin)
{
    client_t *out = client(c->env, 1);

    out->realm = c->env->realm;
    if (apr_table_get(c->jar, COOKIE)) apr_table_set(out->jar, COOKIE, apr_table_get(c->jar, COOKIE));
    apr_table_set(out->headers, "Sec-Fetch-Dest", "webidentity");
    if (origin) apr_table_set(out->headers, "Origin", origin);
    return out;
}

static kr_ctx_t *accounts(client_t *c)
{
    return get(browser_of(c, NULL), "/fedcm/accounts");
}

static const char *id_of(client_t *c)
{
    return word(get(c, "/sessions/whoami"), "identity.id");
}

static kr_ctx_t *assertion(client_t *c, const char *origin, const char *client_id, const char *account, const char *more)
{
    return ask(browser_of(c, origin), "POST", "/fedcm/assertion", FORM,
               apr_psprintf(c->env->pool, "client_id=%s&account_id=%s&%s", client_id, account, more));
}

#define ALL_SHOWN "nonce=n1&disclosure_text_shown=true&fields=name,email,picture&disclosure_shown_for=name,email,picture"
#define NONE_SHOWN "nonce=n1&disclosure_text_shown=false&fields=name,email,picture"

/* Its header is part 0, what it claims part 1. */
static json_t *part_of(env_t *env, const kr_ctx_t *k, int part)
{
    const char *from = word(k, "token"), *text;
    apr_size_t len;

    for (; part; part--) from = strchr(from, '.') + 1;
    text = (const char *)kr_base64_decode(env->pool, apr_pstrmemdup(env->pool, from, strcspn(from, ".")), &len);
    return kr_json_parse(env->pool, text, len, NULL);
}

static json_t *claims_of(env_t *env, const kr_ctx_t *k)
{
    return part_of(env, k, 1);
}

/* -- the second cookie ------------------------------------------------------ */

static void test_signing_in_sets_a_second_cookie_for_these_paths_alone(void **state)
{
    env_t *env = *state;
    client_t *c = spa(env);
    kr_ctx_t *k = register_as(c, ANA, GOOD);
    const kr_cookie_t *first = cookie_set(k, SESSION), *second = cookie_set(k, COOKIE);

    assert_status(k, 200);
    assert_string_equal(header(k, "Set-Login"), "logged-in");
    assert_string_equal(first->same_site, "Lax");
    assert_string_equal(second->same_site, "None");
    assert_string_equal(second->path, "/auth/fedcm");
    assert_true(second->secure && second->http_only);
    assert_null(second->domain);
    assert_int_equal(first->max_age, second->max_age);
    assert_null(strstr(first->value, second->value));
    assert_status(get(c, "/sessions/whoami"), 200);
}

static void test_signing_out_clears_it_and_says_so(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in(env, ANA, NULL), *left = browser_of(ana, NULL);
    const char *token = word(get(ana, "/self-service/logout/browser"), "logout_token");
    kr_ctx_t *k = get(ana, apr_pstrcat(env->pool, "/self-service/logout?token=", token, NULL));

    assert_status(k, 204);
    assert_string_equal(header(k, "Set-Login"), "logged-out");
    assert_null(apr_table_get(ana->jar, COOKIE));
    assert_status(get(left, "/fedcm/accounts"), 401); /* who kept it has nothing */
}

static void test_it_opens_nothing_else_and_nothing_else_opens_these(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in(env, ANA, NULL), *thief = spa(env), *first = browser_of(ana, NULL);

    apr_table_set(thief->jar, SESSION, apr_table_get(ana->jar, COOKIE));
    assert_status(get(thief, "/sessions/whoami"), 401);
    apr_table_unset(thief->jar, SESSION);
    apr_table_set(thief->headers, "X-Session-Token", apr_table_get(ana->jar, COOKIE));
    assert_status(get(thief, "/sessions/whoami"), 401);
    apr_table_unset(first->jar, COOKIE);
    apr_table_set(first->jar, SESSION, apr_table_get(ana->jar, SESSION));
    assert_status(get(first, "/fedcm/accounts"), 401);
    apr_table_set(first->jar, COOKIE, apr_table_get(ana->jar, SESSION));
    assert_status(get(first, "/fedcm/accounts"), 401);
}

static void test_a_forged_one_costs_no_statement(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in(env, ANA, NULL), *eve = browser_of(ana, NULL);
    const char *good = apr_table_get(ana->jar, COOKIE);
    char *other = apr_pstrdup(env->pool, good);
    const char *const forged[] = { "x", ".", "..", NIL, apr_pstrmemdup(env->pool, good, strlen(good) - 1), NULL,
                                   apr_pstrcat(env->pool, good, "A", NULL), apr_pstrcat(env->pool, "x", good, NULL) };

    other[0] = other[0] == 'a' ? 'b' : 'a';
    for (int i = 0; i < KR_DIM(forged); i++) {
        kr_ctx_t *k;

        apr_table_set(eve->jar, COOKIE, forged[i] ? forged[i] : other);
        k = get(eve, "/fedcm/accounts");
        assert_status(k, 401);
        assert_int_equal(k->statements, 0);
    }
}

/* However a session ends, the cookie ends with it. */
static void test_it_is_over_when_the_session_is(void **state)
{
    static const kr_query_t *const ends[] = { &END, &END_ALL, &LOCK, &DELETE_ALL };
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(ends); i++) {
        client_t *ana = signed_in(env, apr_psprintf(env->pool, "ana%d@example.org", i), NULL);
        const char *id = id_of(ana);

        assert_status(accounts(ana), 200);
        change_rows(env, ends[i]);
        assert_status(accounts(ana), 401);
        assert_status(assertion(ana, SHOP, "shop", id, ALL_SHOWN), 403);
    }
}

static void test_it_is_over_when_the_session_expires_or_gets_another_token(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in(env, ANA, NULL), *before = browser_of(ana, NULL);

    assert_status(login_as(ana, ANA, GOOD, "?refresh=true"), 200);
    assert_status(get(before, "/fedcm/accounts"), 401);
    assert_status(accounts(ana), 200);
    env->now += env->realm->settings->session_lifespan;
    assert_status(accounts(ana), 401);
}

static void test_after_a_rotation_it_is_good_until_its_secret_is_gone(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in(env, ANA, NULL);

    change(env, apr_pstrcat(env->pool, CLIENTS, "secrets: {cookie: [another-secret-of-tests, newest-secret-of-the-tests]}", NULL));
    assert_status(accounts(ana), 200);
    change(env, apr_pstrcat(env->pool, CLIENTS, "secrets: {cookie: [another-secret-of-tests]}", NULL));
    assert_status(accounts(ana), 401);
}

static void test_apps_get_none_and_who_has_no_clients_sets_none(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = register_as(native(env), ANA, GOOD);

    assert_null(cookie_set(k, COOKIE));
    assert_string_equal(header(k, "Set-Login"), "");
    change(env, "");
    k = register_as(spa(env), "ben@example.org", GOOD);
    assert_status(k, 200);
    assert_null(cookie_set(k, COOKIE));
    assert_string_equal(header(k, "Set-Login"), "");
}

/* Browsers refuse a cookie whose name promises what it does not keep. */
static void test_its_name_has_no_prefix(void **state)
{
    static const char *const names[] = { "__Host-sid", "__Secure-sid", "__host-sid", "sid" };
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(names); i++) {
        change(env, apr_psprintf(env->pool, "%ssession: {cookie: {name: %s, secure: true}}", CLIENTS, names[i]));
        assert_non_null(cookie_set(register_as(spa(env), apr_psprintf(env->pool, "a%d@example.org", i), GOOD), "sid_fedcm"));
    }
}

/* -- accounts ---------------------------------------------------------------- */

static void test_the_browser_is_told_whose_account_it_is(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in(env, ANA, "Ana Li");
    kr_ctx_t *k = accounts(ana);
    const json_t *one = json_array_get(json_object_get(said(k), "accounts"), 0);

    assert_status(k, 200);
    assert_int_equal(k->statements, 2);
    assert_int_equal(json_array_size(json_object_get(said(k), "accounts")), 1);
    assert_string_equal(kr_json_str(one, "id"), id_of(ana));
    assert_string_equal(kr_json_str(one, "name"), "Ana Li");
    assert_string_equal(kr_json_str(one, "email"), ANA);
    assert_int_equal(json_array_size(json_object_get(one, "approved_clients")), 0);
    assert_string_equal(header(k, "Access-Control-Allow-Origin"), "");
}

static void test_who_has_no_name_goes_by_what_they_sign_in_with(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = accounts(signed_in(env, ANA, NULL));

    assert_string_equal(kr_json_str(json_array_get(json_object_get(said(k), "accounts"), 0), "name"), ANA);
}

/* A page, a form, a script: none can send this header. */
static void test_nobody_else_is_told(void **state)
{
    static const char *const dests[] = { NULL, "", "empty", "document", "iframe", "webidentity2", "WebIdentity" };
    env_t *env = *state;
    client_t *ana = signed_in(env, ANA, NULL), *page = browser_of(ana, SHOP);

    for (int i = 0; i < KR_DIM(dests); i++) {
        if (dests[i]) apr_table_set(page->headers, "Sec-Fetch-Dest", dests[i]);
        else apr_table_unset(page->headers, "Sec-Fetch-Dest");
        assert_status(get(page, "/fedcm/accounts"), 403);
        assert_status(get(page, "/fedcm/client?client_id=shop"), 404);
        assert_status(ask(page, "POST", "/fedcm/assertion", FORM, "client_id=shop&" ALL_SHOWN), 403);
        assert_status(ask(page, "POST", "/fedcm/disconnect", FORM, "client_id=shop&account_hint=" ANA), 403);
    }
}

/* Whose second factor is asked for is not in yet. */
static void test_who_is_half_signed_in_has_no_account(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in(env, ANA, NULL);
    const char *id = id_of(ana);

    change(env, apr_pstrcat(env->pool, CLIENTS, "selfservice: {methods: {lookup_secret: {enabled: true}}}", NULL));
    change_rows(env, &CODES);
    change_rows(env, &CODES_TOO);
    assert_status(accounts(ana), 401);
    assert_status(assertion(ana, SHOP, "shop", id, ALL_SHOWN), 403);
    change(env, apr_pstrcat(env->pool, CLIENTS, "selfservice: {methods: {lookup_secret: {enabled: true}}}\n"
                                                "session: {whoami: {required_aal: aal1}}", NULL));
    assert_status(accounts(ana), 200);
    assert_status(assertion(ana, SHOP, "shop", id, ALL_SHOWN), 200);
}

/* -- the token ---------------------------------------------------------------- */

static void test_a_site_gets_a_token_that_says_what_was_shown(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in(env, ANA, "Ana Li");
    kr_ctx_t *k;
    json_t *claims;

    change_rows(env, &VERIFY);
    k = assertion(ana, SHOP, "shop", id_of(ana), ALL_SHOWN);
    assert_status(k, 200);
    assert_int_equal(k->statements, 2);
    assert_string_equal(header(k, "Access-Control-Allow-Origin"), SHOP);
    assert_string_equal(header(k, "Access-Control-Allow-Credentials"), "true");
    claims = claims_of(env, k);
    assert_string_equal(kr_json_str(claims, "iss"), BASE "/");
    assert_string_equal(kr_json_str(claims, "aud"), "shop");
    assert_string_equal(kr_json_str(claims, "sub"), id_of(ana));
    assert_string_equal(kr_json_str(claims, "nonce"), "n1");
    assert_string_equal(kr_json_str(claims, "acr"), "aal1");
    assert_string_equal(kr_json_str(claims, "name"), "Ana Li");
    assert_string_equal(kr_json_str(claims, "email"), ANA);
    assert_true(json_is_true(json_object_get(claims, "email_verified")));
    assert_int_equal(json_integer_value(json_object_get(claims, "iat")), apr_time_sec(env->now));
    assert_int_equal(json_integer_value(json_object_get(claims, "exp")), apr_time_sec(env->now) + KR_FEDCM_TOKEN_SECONDS);
}

static void test_an_address_that_is_not_verified_is_told_to_no_site(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in(env, ANA, NULL);
    json_t *claims = claims_of(env, assertion(ana, SHOP, "shop", id_of(ana), ALL_SHOWN));

    assert_null(json_object_get(claims, "email"));
    assert_null(json_object_get(claims, "email_verified"));
    assert_null(json_object_get(claims, "name"));
}

/* The schemas that come with us mark the address as what a passkey is called. */
static void test_an_address_is_no_name(void **state)
{
    env_t *env = *state;
    client_t *ana;
    json_t *claims;

    write_file(env, "person.json", "{\"type\":\"object\",\"properties\":{\"traits\":{\"type\":\"object\",\"properties\":{\"email\":{"
                                   "\"type\":\"string\",\"ory.sh/kratos\":{\"credentials\":{\"password\":{\"identifier\":true},"
                                   "\"passkey\":{\"display_name\":true}}}}}}}}");
    change(env, CLIENTS);
    ana = signed_in(env, ANA, NULL);
    claims = claims_of(env, assertion(ana, SHOP, "shop", id_of(ana), ALL_SHOWN));
    assert_null(json_object_get(claims, "name"));
    assert_string_equal(kr_json_str(json_array_get(json_object_get(said(accounts(ana)), "accounts"), 0), "name"), ANA);
}

/** What the browser sends of fields, and what the site gets to know: letters of "ne". */
static const struct { const char *first, *then, *known; } granted[] = {
    { "", "nonce=n1", "" },                                                              /* a page that wants nothing */
    { "", "nonce=n1&disclosure_text_shown=true", "ne" },                                 /* older browsers name no fields */
    { "", "nonce=n1&fields=email&disclosure_shown_for=email", "e" },
    { "", "nonce=n1&fields=name&disclosure_shown_for=name,email", "n" },
    { "", "nonce=n1&fields=name,email&disclosure_shown_for=", "" },
    { "", NONE_SHOWN, "" },                                                              /* asked for, and never shown */
    { ALL_SHOWN, NONE_SHOWN, "ne" },                                                     /* shown before */
    { ALL_SHOWN, "nonce=n1", "" },
    { "nonce=n1&fields=email&disclosure_shown_for=email", NONE_SHOWN, "e" },
    { "nonce=n1&fields=picture&disclosure_shown_for=picture", NONE_SHOWN, "" },
};

static void test_no_site_is_told_what_the_person_was_not_shown(void **state)
{
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(granted); i++) {
        client_t *ana = signed_in(env, apr_psprintf(env->pool, "ana%d@example.org", i), "Ana Li");
        const char *id = id_of(ana), *known = granted[i].known;
        kr_ctx_t *k;
        json_t *claims;

        change_rows(env, &VERIFY);
        if (*granted[i].first) assert_status(assertion(ana, SHOP, "shop", id, granted[i].first), 200);
        k = assertion(ana, SHOP, "shop", id, granted[i].then);
        assert_status(k, 200);
        assert_true(k->statements <= 2);
        claims = claims_of(env, k);
        if (!json_object_get(claims, "name") != !strchr(known, 'n') || !json_object_get(claims, "email") != !strchr(known, 'e'))
            fail_msg("%s, then %s: %s", granted[i].first, granted[i].then, kr_json_dump(env->pool, claims, NULL));
        claims = claims_of(env, assertion(ana, NEWS, "news", id, NONE_SHOWN)); /* what one knows is nothing to another */
        assert_null(json_object_get(claims, "name"));
        assert_null(json_object_get(claims, "email"));
    }
}

/** What is no request of a site of ours, or not about this account. */
static const struct { const char *origin, *client_id, *account, *more; int status; const char *error; } refused[] = {
    { NEWS, "shop", NULL, ALL_SHOWN, 403, "unauthorized_client" },
    { NULL, "shop", NULL, ALL_SHOWN, 403, "unauthorized_client" },
    { "null", "shop", NULL, ALL_SHOWN, 403, "unauthorized_client" },
    { "https://shop.example.com:8443", "shop", NULL, ALL_SHOWN, 403, "unauthorized_client" },
    { "http://shop.example.com", "shop", NULL, ALL_SHOWN, 403, "unauthorized_client" },
    { "https://shop.example.com.evil.example", "shop", NULL, ALL_SHOWN, 403, "unauthorized_client" },
    { SHOP, "shop2", NULL, ALL_SHOWN, 403, "unauthorized_client" },
    { SHOP, "", NULL, ALL_SHOWN, 403, "unauthorized_client" },
    { SHOP, "shop", NIL, ALL_SHOWN, 403, "access_denied" },
    { SHOP, "shop", "", ALL_SHOWN, 403, "access_denied" },
    { SHOP, "shop", NULL, "fields=name", 400, "invalid_request" },
    { SHOP, "shop", NULL, "nonce=", 400, "invalid_request" },
    { SHOP, "shop", NULL, "nonce=a%20b", 400, "invalid_request" },
    { SHOP, "shop", NULL, "nonce=n1&params=%7B%22nonce%22%3A%22n2%22%7D", 400, "invalid_request" },
    { SHOP, "shop", NULL, "nonce=n1&params=%5B%5D", 400, "invalid_request" },
    { SHOP, "shop", NULL, "nonce=n1&params=%7B", 400, "invalid_request" },
    { SHOP, "shop", NULL, "params=%7B%22nonce%22%3A1%7D", 400, "invalid_request" },
};

static void test_what_is_no_request_of_a_site_of_ours_is_refused_as_browsers_read_it(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in(env, ANA, NULL);

    for (int i = 0; i < KR_DIM(refused); i++) {
        const char *account = refused[i].account ? refused[i].account : id_of(ana);
        kr_ctx_t *k = assertion(ana, refused[i].origin, refused[i].client_id, account, refused[i].more);

        if (k->reply->status != refused[i].status || strcmp(word(k, "error.error"), refused[i].error) != 0)
            fail_msg("%d: %d %s", i, k->reply->status, k->reply->body);
        assert_string_equal(word(k, "error.code"), refused[i].error);
        if (strcmp(refused[i].error, "unauthorized_client") == 0) assert_string_equal(header(k, "Access-Control-Allow-Origin"), "");
    }
    assert_int_equal(count_of(env, &GRANTS), 0);
    assert_status(ask(browser_of(ana, SHOP), "POST", "/fedcm/assertion", JSON, "{\"client_id\":\"shop\"}"), 400);
    assert_status(ask(browser_of(ana, SHOP), "POST", "/fedcm/assertion", FORM, ""), 400);
}

static void test_the_nonce_may_stand_among_the_parameters(void **state)
{
    static const char *const places[] = { "params=%7B%22nonce%22%3A%22n1%22%2C%22x%22%3A1%7D",
                                          "nonce=n1&params=%7B%22nonce%22%3A%22n1%22%7D", "nonce=n1&params=%7B%7D", "nonce=n1&params=" };
    env_t *env = *state;
    client_t *ana = signed_in(env, ANA, NULL);

    for (int i = 0; i < KR_DIM(places); i++)
        assert_string_equal(kr_json_str(claims_of(env, assertion(ana, SHOP, "shop", id_of(ana), places[i])), "nonce"), "n1");
}

/* -- approval ------------------------------------------------------------------ */

static const char *approved(env_t *env, client_t *c)
{
    return kr_json_dump(env->pool, json_object_get(json_array_get(json_object_get(said(accounts(c)), "accounts"), 0), "approved_clients"),
                        NULL);
}

static kr_ctx_t *disconnect(client_t *c, const char *hint)
{
    return ask(browser_of(c, SHOP), "POST", "/fedcm/disconnect", FORM,
               apr_psprintf(c->env->pool, "client_id=shop&account_hint=%s", kr_url_escape(c->env->pool, hint)));
}

static void test_a_site_that_was_let_in_is_approved_until_it_is_disconnected(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in(env, ANA, NULL), *ben = signed_in(env, "ben@example.org", NULL);
    kr_ctx_t *k;

    assert_status(assertion(ana, SHOP, "shop", id_of(ana), ALL_SHOWN), 200);
    assert_status(assertion(ana, SHOP, "shop", id_of(ana), ALL_SHOWN), 200);
    assert_string_equal(approved(env, ana), "[\"shop\"]");
    assert_string_equal(approved(env, ben), "[]");
    change(env, "mod_kratos: {fedcm: {clients: [{client_id: news, origins: ['" NEWS "']}]}}");
    assert_string_equal(approved(env, ana), "[]"); /* it is no client any more */
    change(env, CLIENTS);

    assert_status(disconnect(ana, "ben@example.org"), 403);
    assert_string_equal(approved(env, ana), "[\"shop\"]");
    k = disconnect(ana, ANA);
    assert_status(k, 200);
    assert_string_equal(word(k, "account_id"), id_of(ana));
    assert_string_equal(header(k, "Access-Control-Allow-Credentials"), "true");
    assert_string_equal(approved(env, ana), "[]");
    assert_status(disconnect(ana, id_of(ana)), 200); /* once more does no harm */
}

static void test_what_was_granted_goes_with_the_account(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in(env, ANA, NULL);

    assert_status(assertion(ana, SHOP, "shop", id_of(ana), ALL_SHOWN), 200);
    assert_int_equal(count_of(env, &GRANTS), 1);
    change_rows(env, &DELETE_ALL);
    assert_int_equal(count_of(env, &GRANTS), 0);
}

/* -- what anybody may read ------------------------------------------------------- */

static void test_what_is_published_names_what_there_is(void **state)
{
    env_t *env = *state;
    client_t *c = spa(env);
    kr_ctx_t *k = get(c, "/.well-known/web-identity");

    assert_status(k, 200);
    assert_string_equal(json_string_value(json_array_get(json_object_get(said(k), "provider_urls"), 0)), BASE "/fedcm/config.json");
    k = get(c, "/fedcm/config.json");
    assert_string_equal(word(k, "accounts_endpoint"), BASE "/fedcm/accounts");
    assert_string_equal(word(k, "id_assertion_endpoint"), BASE "/fedcm/assertion");
    assert_string_equal(word(k, "login_url"), BASE "/self-service/fed-cm/login");
    assert_null(json_object_get(said(k), "branding"));
    k = get(c, "/.well-known/openid-configuration");
    assert_string_equal(word(k, "issuer"), BASE "/");
    assert_string_equal(word(k, "jwks_uri"), BASE "/fedcm/jwks.json");
    assert_null(json_object_get(said(k), "authorization_endpoint"));
    assert_null(json_object_get(said(k), "token_endpoint"));
    assert_int_equal(apr_table_elts(c->jar)->nelts, 0);
}

/* One kind of token is not to be taken for the other. */
static void test_id_tokens_have_keys_of_their_own(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k;
    const json_t *ours = json_array_get(json_object_get(said(get(spa(env), "/fedcm/jwks.json")), "keys"), 0);
    client_t *ana = signed_in(env, ANA, NULL);
    const json_t *others = json_array_get(json_object_get(said(get(spa(env), "/.well-known/jwks.json")), "keys"), 0);

    assert_string_equal(kr_json_str(ours, "alg"), "ES256");
    assert_string_not_equal(kr_json_str(ours, "x"), kr_json_str(others, "x"));
    assert_string_not_equal(kr_json_str(ours, "kid"), kr_json_str(others, "kid"));
    k = assertion(ana, SHOP, "shop", id_of(ana), ALL_SHOWN);
    assert_string_equal(kr_json_str(part_of(env, k, 0), "kid"), kr_json_str(ours, "kid"));
}

static void test_what_the_owner_says_of_looks_and_policies_is_told(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = get(browser_of(spa(env), NEWS), "/fedcm/client?client_id=news");

    assert_status(k, 200);
    assert_string_equal(word(k, "privacy_policy_url"), "https://news.example.net/privacy");
    assert_string_equal(header(k, "Access-Control-Allow-Origin"), NEWS);
    assert_status(get(browser_of(spa(env), SHOP), "/fedcm/client?client_id=news"), 404);
    assert_status(get(browser_of(spa(env), SHOP), "/fedcm/client"), 404);
    change(env, "mod_kratos: {fedcm: {clients: [{client_id: a, origins: ['" SHOP "']}], branding: {name: 'Our Club', color: '#fff', "
                "background_color: 'rgb(1 2 3)', icons: [{url: 'https://id.example.org/i.png', size: 40}]}}}");
    k = get(spa(env), "/fedcm/config.json");
    assert_string_equal(word(k, "branding.name"), "Our Club");
    assert_string_equal(word(k, "branding.background_color"), "rgb(1 2 3)");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(kr_json_at(said(k), "branding.icons"), 0), "size")), 40);
}

static void test_without_clients_nothing_of_it_is_there(void **state)
{
    static const char *const paths[] = { "/.well-known/web-identity", "/.well-known/openid-configuration", "/fedcm/config.json",
                                         "/fedcm/jwks.json", "/fedcm/accounts", "/fedcm/client?client_id=shop",
                                         "/self-service/fed-cm/login" };
    env_t *env = *state;

    change(env, "");
    for (int i = 0; i < KR_DIM(paths); i++) assert_status(get(browser_of(spa(env), SHOP), paths[i]), 404);
    assert_status(ask(browser_of(spa(env), SHOP), "POST", "/fedcm/assertion", FORM, ALL_SHOWN), 404);
    assert_status(ask(browser_of(spa(env), SHOP), "POST", "/fedcm/disconnect", FORM, "client_id=shop"), 404);
}

/* -- signing in here -------------------------------------------------------------- */

static void test_who_is_to_sign_in_is_led_there_and_back(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in(env, ANA, NULL), *visitor = person(env);
    kr_ctx_t *k = get(visitor, "/self-service/fed-cm/login");

    assert_status(k, 303);
    assert_string_equal(header(k, "Location"), BASE "/self-service/login/browser?return_to="
                                               "https%3A%2F%2Fid.example.org%2Fauth%2Fself-service%2Ffed-cm%2Flogin");
    assert_status(get(visitor, strstr(header(k, "Location"), "/self-service")), 303); /* it may lead back */
    assert_string_equal(strstr(header(get(visitor, strstr(header(k, "Location"), "/self-service")), "Location"), "error") ? "error" : "", "");

    apr_table_unset(ana->jar, COOKIE); /* as it is for a session from before there were clients */
    k = get(ana, "/self-service/fed-cm/login");
    assert_status(k, 200);
    assert_string_equal(header(k, "Set-Login"), "logged-in");
    assert_non_null(strstr(k->reply->body, "IdentityProvider.close()"));
    assert_non_null(strstr(header(k, "Content-Security-Policy"), "default-src 'none'"));
    assert_status(accounts(ana), 200);
}

static void test_who_is_half_signed_in_gives_the_other_factor_first(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in(env, ANA, NULL);
    kr_ctx_t *k;

    change(env, apr_pstrcat(env->pool, CLIENTS, "selfservice: {methods: {lookup_secret: {enabled: true}}}", NULL));
    change_rows(env, &CODES);
    change_rows(env, &CODES_TOO);
    ana->realm = env->realm;
    apr_table_unset(ana->headers, "Accept");
    k = get(ana, "/self-service/fed-cm/login");
    assert_status(k, 303);
    assert_non_null(strstr(header(k, "Location"), "aal=aal2"));
    assert_non_null(strstr(header(k, "Location"), "fed-cm%2Flogin"));
    assert_string_equal(header(k, "Set-Login"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IDP_TEST(test_signing_in_sets_a_second_cookie_for_these_paths_alone),
        IDP_TEST(test_signing_out_clears_it_and_says_so),
        IDP_TEST(test_it_opens_nothing_else_and_nothing_else_opens_these),
        IDP_TEST(test_a_forged_one_costs_no_statement),
        IDP_TEST(test_it_is_over_when_the_session_is),
        IDP_TEST(test_it_is_over_when_the_session_expires_or_gets_another_token),
        IDP_TEST(test_after_a_rotation_it_is_good_until_its_secret_is_gone),
        IDP_TEST(test_apps_get_none_and_who_has_no_clients_sets_none),
        IDP_TEST(test_its_name_has_no_prefix),
        IDP_TEST(test_the_browser_is_told_whose_account_it_is),
        IDP_TEST(test_who_has_no_name_goes_by_what_they_sign_in_with),
        IDP_TEST(test_nobody_else_is_told),
        IDP_TEST(test_who_is_half_signed_in_has_no_account),
        IDP_TEST(test_a_site_gets_a_token_that_says_what_was_shown),
        IDP_TEST(test_an_address_that_is_not_verified_is_told_to_no_site),
        IDP_TEST(test_an_address_is_no_name),
        IDP_TEST(test_no_site_is_told_what_the_person_was_not_shown),
        IDP_TEST(test_what_is_no_request_of_a_site_of_ours_is_refused_as_browsers_read_it),
        IDP_TEST(test_the_nonce_may_stand_among_the_parameters),
        IDP_TEST(test_a_site_that_was_let_in_is_approved_until_it_is_disconnected),
        IDP_TEST(test_what_was_granted_goes_with_the_account),
        IDP_TEST(test_what_is_published_names_what_there_is),
        IDP_TEST(test_id_tokens_have_keys_of_their_own),
        IDP_TEST(test_what_the_owner_says_of_looks_and_policies_is_told),
        IDP_TEST(test_without_clients_nothing_of_it_is_there),
        IDP_TEST(test_who_is_to_sign_in_is_led_there_and_back),
        IDP_TEST(test_who_is_half_signed_in_gives_the_other_factor_first),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
