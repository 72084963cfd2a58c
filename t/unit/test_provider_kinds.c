/* SPDX-License-Identifier: Apache-2.0 */
/* Each kind of provider: where it is, what it is sent, and what its answers make of a person. */
#include "provider_env.h"

#include "kr_pem.h"

#define TID "8eaef023-2b34-4da1-9baa-8bc8c9d6a490"
#define CONSUMERS "9188040d-6c67-4c5b-b112-36a304b66dad"
#define MICROSOFT "https://login.microsoftonline.com/"
#define PEM                                                                                                            \
    "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgmMSpEVaCB31zxk5r\n"                  \
    "279MG5sPh1FOMUWNLvYS7wW9HzyhRANCAAS128fuck33aqTpRJziVK/Kd3uiEyhI\n"                                                \
    "YfCabM8QX1vDsA4KEihsLayobNkRT2VybMqQ24GI66idLd9C3Xy3H4nS\n-----END PRIVATE KEY-----\n"

static kr_provider_person_t person;

static kr_err_t *redeem(net_env_t *env, const kr_oidc_provider_conf_t *conf)
{
    const kr_provider_back_t back = { .code = "c", .redirect_uri = BACK, .user = "{\"name\":{\"firstName\":\"Ada\",\"lastName\":\"King\"},\"email\":\"x@y.example\"}" };

    return kr_provider_redeem(&person, env->k, conf, &back);
}

/* -- OAuth 2.0 with ways of their own ---------------------------------------------------------- */

typedef struct {
    const char *kind, *scope, *issuer;
    const char *token_at, *tokens;       /* where codes go, and what comes */
    const char *person_at, *said;        /* where it tells of people, and what */
    const char *header, *shown;          /* how the access token gets there; NULL: not in a header */
    const char *more_at, *more;          /* a second place, or NULL */
    int in_form;                         /* our secret */
    const char *starts;                  /* what the URL for browsers begins with */
    const char *param, *value;           /* one of its parameters */
    const char *claims;                  /* but for raw_claims */
} story_t;

static const story_t STORIES[] = {
    { "github", "user:email", NULL, "https://github.com/login/oauth/access_token", "{\"access_token\":\"at\",\"scope\":\"user:email\",\"token_type\":\"bearer\"}",
      "https://api.github.com/user", "{\"id\":583231,\"login\":\"ada\",\"name\":\"Ada\",\"email\":\"unverified@x.example\",\"blog\":\"https://ada.example\",\"avatar_url\":\"https://a/p\",\"html_url\":\"https://github.com/ada\",\"updated_at\":\"2024-01-02T03:04:05Z\"}",
      "Authorization", "Bearer at", "https://api.github.com/user/emails", "[{\"email\":\"b@x.example\",\"primary\":false,\"verified\":true},{\"email\":\"ada@x.example\",\"primary\":true,\"verified\":true},{\"email\":\"c@x.example\",\"primary\":false}]",
      1, "https://github.com/login/oauth/authorize?", "code_challenge_method", "S256",
      "{\"sub\":\"583231\",\"name\":\"Ada\",\"nickname\":\"ada\",\"profile\":\"https://github.com/ada\",\"picture\":\"https://a/p\",\"website\":\"https://ada.example\",\"updated_at\":1704164645,\"email\":\"ada@x.example\",\"email_verified\":true,\"iss\":\"https://github.com/login/oauth/access_token\"}" },
    { "github-app", "", NULL, "https://github.com/login/oauth/access_token", "{\"access_token\":\"at\",\"scope\":\"\"}",
      "https://api.github.com/user", "{\"id\":1,\"login\":\"ada\",\"name\":null}", "Authorization", "Bearer at",
      "https://api.github.com/user/emails", "[{\"email\":\"ada@x.example\",\"primary\":true,\"verified\":false}]", 1, "https://github.com/login/oauth/authorize?", "scope", NULL,
      "{\"sub\":\"1\",\"nickname\":\"ada\",\"email\":\"ada@x.example\",\"iss\":\"https://github.com/login/oauth/access_token\"}" },
    { "gitlab", "openid email", NULL, "https://gitlab.com/oauth/token", "{\"access_token\":\"at\"}", "https://gitlab.com/oauth/userinfo", "{\"sub\":\"7\",\"email\":\"ada@x.example\",\"email_verified\":true}",
      "Authorization", "Bearer at", NULL, NULL, 1, "https://gitlab.com/oauth/authorize?", "scope", "openid email",
      "{\"sub\":\"7\",\"email\":\"ada@x.example\",\"email_verified\":true,\"iss\":\"https://gitlab.com\"}" },
    { "gitlab", "", "https://git.site.example/", "https://git.site.example/oauth/token", "{\"access_token\":\"at\"}", "https://git.site.example/oauth/userinfo", "{\"sub\":\"7\"}",
      "Authorization", "Bearer at", NULL, NULL, 1, "https://git.site.example/oauth/authorize?", "scope", NULL, "{\"sub\":\"7\",\"iss\":\"https://git.site.example/\"}" },
    { "auth0", "openid", "https://a.eu.auth0.com", "https://a.eu.auth0.com/oauth/token", "{\"access_token\":\"at\"}", "https://a.eu.auth0.com/userinfo", "{\"sub\":\"auth0|7\",\"updated_at\":\"2024-01-02T03:04:05.678Z\"}",
      "Authorization", "Bearer at", NULL, NULL, 1, "https://a.eu.auth0.com/authorize?", "scope", "openid", "{\"sub\":\"auth0|7\",\"updated_at\":1704164645,\"iss\":\"https://a.eu.auth0.com\"}" },
    { "salesforce", "", "https://a.my.salesforce.com", "https://a.my.salesforce.com/services/oauth2/token", "{\"access_token\":\"at\"}", "https://a.my.salesforce.com/services/oauth2/userinfo", "{\"sub\":\"https://login.salesforce.com/id/1/2\",\"updated_at\":\"2024-01-02T03:04:05Z\"}",
      "Authorization", "Bearer at", NULL, NULL, 1, "https://a.my.salesforce.com/services/oauth2/authorize?", "scope", NULL, "{\"sub\":\"https://login.salesforce.com/id/1/2\",\"updated_at\":1704164645,\"iss\":\"https://a.my.salesforce.com\"}" },
    { "uaepass", "urn:uae:digitalid:profile:general", "https://stg-id.uaepass.ae/", "https://stg-id.uaepass.ae/idshub/token", "{\"access_token\":\"at\"}", "https://stg-id.uaepass.ae/idshub/userinfo",
      "{\"sub\":\"UAEPASS/1\",\"email\":\"ada@x.example\",\"fullnameEN\":\"Ada King\",\"firstnameEN\":\"Ada\",\"lastnameEN\":\"King\"}", "Authorization", "Bearer at", NULL, NULL, 0,
      "https://stg-id.uaepass.ae/idshub/authorize?", "acr_values", "urn:safelayer:tws:policies:authentication:level:low",
      "{\"sub\":\"UAEPASS/1\",\"name\":\"Ada King\",\"given_name\":\"Ada\",\"last_name\":\"King\",\"email\":\"ada@x.example\",\"iss\":\"https://stg-id.uaepass.ae\"}" },
    { "discord", "identify email", NULL, "https://discord.com/api/v9/oauth2/token", "{\"access_token\":\"at\",\"scope\":\"email identify\"}", "https://discord.com/api/v9/users/@me",
      "{\"id\":\"80351110224678912\",\"username\":\"ada\",\"discriminator\":\"1337\",\"avatar\":\"a_8342729096ea3675442027381ff50dfe\",\"verified\":true,\"email\":\"ada@x.example\",\"locale\":\"de\"}",
      "Authorization", "Bearer at", NULL, NULL, 1, "https://discord.com/api/v9/oauth2/authorize?", "prompt", "none",
      "{\"sub\":\"80351110224678912\",\"nickname\":\"ada\",\"preferred_username\":\"ada\",\"email\":\"ada@x.example\",\"email_verified\":true,\"locale\":\"de\",\"name\":\"ada#1337\",\"picture\":\"https://cdn.discordapp.com/avatars/80351110224678912/a_8342729096ea3675442027381ff50dfe.gif\",\"iss\":\"https://discord.com/api/v9/oauth2/\"}" },
    { "discord", "identify", NULL, "https://discord.com/api/v9/oauth2/token", "{\"access_token\":\"at\",\"scope\":\"identify\"}", "https://discord.com/api/v9/users/@me",
      "{\"id\":\"80351110224678912\",\"username\":\"ada\",\"discriminator\":\"0\",\"avatar\":null,\"verified\":false,\"email\":\"ada@x.example\"}", "Authorization", "Bearer at", NULL, NULL, 1,
      "https://discord.com/api/v9/oauth2/authorize?", "scope", "identify",
      "{\"sub\":\"80351110224678912\",\"nickname\":\"ada\",\"preferred_username\":\"ada\",\"email\":\"ada@x.example\",\"name\":\"ada#0\",\"picture\":\"https://cdn.discordapp.com/embed/avatars/5.png\",\"iss\":\"https://discord.com/api/v9/oauth2/\"}" },
    { "slack", "identity.basic identity.email", NULL, "https://slack.com/api/oauth.access", "{\"ok\":true,\"access_token\":\"at\",\"scope\":\"identity.basic,identity.email\"}", "https://slack.com/api/users.identity",
      "{\"ok\":true,\"user\":{\"id\":\"U1\",\"name\":\"Ada\",\"email\":\"ada@x.example\",\"image_512\":\"https://a/p\"},\"team\":{\"id\":\"T1\"}}", "Authorization", "Bearer at", NULL, NULL, 1,
      "https://slack.com/oauth/authorize?", "scope", "identity.basic identity.email",
      "{\"sub\":\"U1\",\"name\":\"Ada\",\"nickname\":\"Ada\",\"preferred_username\":\"Ada\",\"picture\":\"https://a/p\",\"email\":\"ada@x.example\",\"team\":\"T1\",\"email_verified\":true,\"iss\":\"https://slack.com/oauth/\"}" },
    { "facebook", "email", NULL, "https://graph.facebook.com/oauth/access_token", "{\"access_token\":\"at\"}",
      /* the proof: HMAC-SHA256 of "at" under "secret of the client" */
      "https://graph.facebook.com/me?fields=id,name,first_name,last_name,middle_name,email,picture,birthday,gender&appsecret_proof=e14e43de4adcf22e928279bf1007878654137e32463071aa51397e4b56e71a0b", 
      "{\"id\":\"10\",\"name\":\"Ada King\",\"first_name\":\"Ada\",\"last_name\":\"King\",\"email\":\"ada@x.example\",\"picture\":{\"data\":{\"url\":\"https://a/p\"}},\"birthday\":\"12/10/1815\",\"gender\":\"female\"}",
      "Authorization", "Bearer at", NULL, NULL, 1, "https://facebook.com/dialog/oauth?", "scope", "email openid",
      "{\"sub\":\"10\",\"name\":\"Ada King\",\"given_name\":\"Ada\",\"family_name\":\"King\",\"nickname\":\"Ada King\",\"preferred_username\":\"Ada King\",\"picture\":\"https://a/p\",\"email\":\"ada@x.example\",\"gender\":\"female\",\"birthdate\":\"12/10/1815\",\"email_verified\":true,\"iss\":\"https://graph.facebook.com/me\"}" },
    { "vk", "email", NULL, "https://oauth.vk.com/access_token", "{\"access_token\":\"at\",\"email\":\"ada@x.example\"}", "https://api.vk.com/method/users.get?fields=photo_200,nickname,bdate,sex&v=5.103&access_token=at",
      "{\"response\":[{\"id\":210700286,\"first_name\":\"Ada\",\"last_name\":\"King\",\"photo_200\":\"https://a/p\",\"sex\":1,\"bdate\":\"10.12.1815\"}]}", NULL, NULL, NULL, NULL, 1, "https://oauth.vk.com/authorize?", "scope", "email",
      "{\"sub\":\"210700286\",\"given_name\":\"Ada\",\"family_name\":\"King\",\"picture\":\"https://a/p\",\"birthdate\":\"10.12.1815\",\"email\":\"ada@x.example\",\"gender\":\"female\",\"iss\":\"https://api.vk.com/method/users.get\"}" },
    { "yandex", "", NULL, "https://oauth.yandex.com/token", "{\"access_token\":\"at\"}", "https://login.yandex.ru/info?format=json",
      "{\"id\":\"1000034426\",\"first_name\":\"Ada\",\"last_name\":\"King\",\"default_email\":\"ada@x.example\",\"default_avatar_id\":\"131652443\",\"is_avatar_empty\":false,\"sex\":\"female\",\"birthday\":\"1815-12-10\"}",
      "Authorization", "OAuth at", NULL, NULL, 1, "https://oauth.yandex.com/authorize?", "code_challenge_method", "S256",
      "{\"sub\":\"1000034426\",\"given_name\":\"Ada\",\"family_name\":\"King\",\"email\":\"ada@x.example\",\"gender\":\"female\",\"birthdate\":\"1815-12-10\",\"picture\":\"https://avatars.yandex.net/get-yapic/131652443/islands-200\",\"iss\":\"https://login.yandex.ru/info\"}" },
    { "spotify", "user-read-email", NULL, "https://accounts.spotify.com/api/token", "{\"access_token\":\"at\",\"scope\":\"user-read-email\"}", "https://api.spotify.com/v1/me",
      "{\"id\":\"ada\",\"display_name\":\"Ada\",\"email\":\"ada@x.example\",\"images\":[{\"url\":\"https://a/p\"}],\"external_urls\":{\"spotify\":\"https://open.spotify.com/user/ada\"}}", "Authorization", "Bearer at", NULL, NULL, 0,
      "https://accounts.spotify.com/authorize?", "code_challenge", NULL,
      "{\"sub\":\"ada\",\"name\":\"Ada\",\"nickname\":\"Ada\",\"profile\":\"https://open.spotify.com/user/ada\",\"email\":\"ada@x.example\",\"picture\":\"https://a/p\",\"iss\":\"https://accounts.spotify.com/api/token\"}" },
    { "patreon", "identity", NULL, "https://www.patreon.com/api/oauth2/token", "{\"access_token\":\"at\"}", "https://www.patreon.com/api/oauth2/v2/identity?fields%5Buser%5D=first_name,last_name,url,full_name,email,image_url",
      "{\"data\":{\"id\":\"32187\",\"attributes\":{\"full_name\":\"Ada King\",\"first_name\":\"Ada\",\"last_name\":\"King\",\"email\":\"ada@x.example\",\"image_url\":\"https://a/p\"}}}", "Authorization", "Bearer at", NULL, NULL, 1,
      "https://www.patreon.com/oauth2/authorize?", "prompt", "none",
      "{\"sub\":\"32187\",\"name\":\"Ada King\",\"given_name\":\"Ada\",\"family_name\":\"King\",\"last_name\":\"King\",\"picture\":\"https://a/p\",\"email\":\"ada@x.example\",\"iss\":\"https://www.patreon.com/\"}" },
    { "linkedin", "r_liteprofile", NULL, "https://www.linkedin.com/oauth/v2/accessToken", "{\"access_token\":\"at\"}", "https://api.linkedin.com/v2/me?projection=",
      "{\"id\":\"L1\",\"localizedFirstName\":\"Ada\",\"localizedLastName\":\"King\",\"profilePicture\":{\"displayImage~\":{\"elements\":[{\"identifiers\":[{\"identifier\":\"https://a/1\"}]},{\"identifiers\":[{\"identifier\":\"https://a/2\"}]}]}}}",
      "Authorization", "Bearer at", "https://api.linkedin.com/v2/emailAddress", "{\"elements\":[{\"handle~\":{\"emailAddress\":\"ada@x.example\"}}]}", 1, "https://www.linkedin.com/oauth/v2/authorization?", "code_challenge", NULL,
      "{\"sub\":\"L1\",\"given_name\":\"Ada\",\"last_name\":\"King\",\"email\":\"ada@x.example\",\"picture\":\"https://a/2\",\"iss\":\"https://login.linkedin.com/\"}" },
    { "lark", "", NULL, "https://passport.feishu.cn/suite/passport/oauth/token", "{\"access_token\":\"at\"}", "https://passport.feishu.cn/suite/passport/oauth/userinfo",
      "{\"sub\":\"other\",\"open_id\":\"ou_1\",\"name\":\"Ada\",\"avatar_url\":\"https://a/p\",\"email\":\"ada@x.example\",\"mobile\":\"+8610\"}", "Authorization", "Bearer at", NULL, NULL, 1,
      "https://passport.feishu.cn/suite/passport/oauth/authorize?", "scope", NULL,
      "{\"sub\":\"ou_1\",\"name\":\"Ada\",\"nickname\":\"Ada\",\"picture\":\"https://a/p\",\"email\":\"ada@x.example\",\"phone_number\":\"+8610\",\"iss\":\"https://passport.feishu.cn/suite/passport/oauth/userinfo\"}" },
    { "amazon", "profile", NULL, "https://api.amazon.com/auth/o2/token", "{\"access_token\":\"at\"}", "https://api.amazon.com/user/profile", "{\"user_id\":\"amzn1.account.1\",\"name\":\"Ada\",\"email\":\"ada@x.example\",\"postal_code\":\"10115\"}",
      "x-amz-access-token", "at", NULL, NULL, 1, "https://www.amazon.com/ap/oa?", "scope", "profile",
      "{\"sub\":\"amzn1.account.1\",\"name\":\"Ada\",\"email\":\"ada@x.example\",\"zoneinfo\":\"10115\",\"iss\":\"https://api.amazon.com/auth/o2/token\"}" },
    { "dingtalk", "openid", NULL, "https://api.dingtalk.com/v1.0/oauth2/userAccessToken", "{\"accessToken\":\"at\",\"refreshToken\":\"rt\",\"expireIn\":7200}", "https://api.dingtalk.com/v1.0/contact/users/me",
      "{\"nick\":\"Ada\",\"openId\":\"123\",\"avatarUrl\":\"https://a/p\",\"email\":\"ada@x.example\"}", "x-acs-dingtalk-access-token", "at", NULL, NULL, -1, "https://login.dingtalk.com/oauth2/auth?", "prompt", "consent",
      "{\"sub\":\"123\",\"name\":\"Ada\",\"nickname\":\"Ada\",\"picture\":\"https://a/p\",\"email\":\"ada@x.example\",\"iss\":\"https://api.dingtalk.com/v1.0/contact/users/me\"}" },
};

static void check_start(net_env_t *env, const story_t *story, const kr_oidc_provider_conf_t *conf)
{
    const kr_provider_start_t start = { .state = "s", .redirect_uri = BACK, .nonce = "n", .verifier = "v" };
    const char *url, *got;
    int pkce;

    OK(kr_provider_auth_url(&url, &pkce, env->k, conf, &start));
    if (strncmp(url, story->starts, strlen(story->starts)) != 0) fail_msg("%s: %s", story->kind, url);
    got = query(env, url, story->param);
    if (story->value ? !got || strcmp(got, story->value) != 0 : !!got) fail_msg("%s: %s is %s", story->kind, story->param, got);
    assert_null(query(env, url, "nonce")); /* nobody would give it back */
    assert_string_equal(query(env, url, "redirect_uri"), BACK);
}

static void check_secret(net_env_t *env, const story_t *story)
{
    const call_t *call = call_to(env, story->token_at);
    const int in_header = apr_table_get(call->headers, "Authorization") != NULL;

    assert_string_equal(call->method, "POST");
    assert_int_equal(in_header, story->in_form == 0);
    if (story->in_form > 0) assert_string_equal(field(env, call, "client_secret"), SECRET);
    if (story->in_form < 0) assert_string_equal(call->body, "{\"clientId\":\"" CLIENT "\",\"clientSecret\":\"" SECRET "\",\"code\":\"c\",\"grantType\":\"authorization_code\"}");
}

static void check_claims(net_env_t *env, const story_t *story)
{
    json_t *wanted = kr_json_parse(env->pool, story->claims, strlen(story->claims), NULL), *got = json_copy((json_t *)person.claims);
    json_t *raw = kr_json_parse(env->pool, story->said, strlen(story->said), NULL);

    assert_true(json_equal(json_object_get(got, "raw_claims"), raw));
    json_object_del(got, "raw_claims");
    if (!wanted || !json_equal(got, wanted)) fail_msg("%s:\n%s\n%s", story->kind, kr_json_dump(env->pool, got, NULL), story->claims);
    json_decref(got);
    assert_string_equal(person.subject, kr_json_str(wanted, "sub"));
}

static kr_oidc_provider_conf_t *set_up(net_env_t *env, const story_t *story)
{
    kr_oidc_provider_conf_t *conf = provider(env, story->kind);

    scopes(env, conf, story->scope);
    conf->issuer_url = story->issuer;
    place(env, story->token_at, 200, story->tokens);
    place(env, story->person_at, 200, story->said);
    if (story->more_at) place(env, story->more_at, 200, story->more);
    return conf;
}

static void each_kind_tells_of_people_in_its_way(void **state)
{
    net_env_t *env = *state;

    for (int i = 0; i < KR_DIM(STORIES); i++) {
        const story_t *story = &STORIES[i];
        kr_oidc_provider_conf_t *conf = set_up(env, story);
        kr_err_t *err;

        env->calls->nelts = 0;
        check_start(env, story, conf);
        err = redeem(env, conf);
        if (err) fail_msg("%s: %s", story->kind, err->reason);
        check_secret(env, story);
        if (story->header) assert_string_equal(apr_table_get(call_to(env, story->person_at)->headers, story->header), story->shown);
        check_claims(env, story);
        assert_string_equal(person.access_token, "at");
        assert_null(person.id_token);
        assert_int_equal(env->calls->nelts, story->more_at ? 3 : 2); /* no document is asked for */
    }
}

/* None of them makes an account of an answer that it did not understand. */
static void each_kind_refuses_what_is_none_of_its_answers(void **state)
{
    static const struct { int status; const char *body; } WRONG[] = {
        { 200, "{}" }, { 200, "[]" }, { 200, "[{}]" }, { 200, "" }, { 200, "null" }, { 200, "{\"error\":{\"message\":\"no\"}}" }, { 200, "{\"ok\":false,\"error\":\"x\"}" },
        { 200, "{\"id\":\"\",\"sub\":\"\",\"user\":{\"id\":\"\"},\"data\":{\"id\":\"\"},\"response\":[{\"id\":\"\"}],\"open_id\":\"\",\"user_id\":\"\",\"openId\":\"\"}" },
        { 200, "{\"id\":{},\"sub\":[],\"user\":[],\"data\":7,\"response\":{},\"open_id\":true,\"user_id\":null,\"openId\":{}}" },
        { 401, "{\"id\":\"1\",\"sub\":\"1\"}" }, { 302, "" }, { 500, "" }, { 0, "" },
    };
    net_env_t *env = *state;

    for (int i = 0; i < KR_DIM(STORIES); i++) {
        const story_t *story = &STORIES[i];
        kr_oidc_provider_conf_t *conf = set_up(env, story);

        for (int n = 0; n < KR_DIM(WRONG); n++) {
            place(env, story->person_at, WRONG[n].status, WRONG[n].body);
            not_taken(redeem(env, conf), 502, "");
            assert_null(person.subject);
        }
        place(env, story->token_at, 200, "{\"scope\":\"user:email,identity.basic,identity.email identify email user-read-email\",\"access_token\":\"\"}");
        if (!redeem(env, conf)) fail_msg("%s: somebody without an access token", story->kind);
    }
}

static void scopes_that_were_not_granted_are_missed(void **state)
{
    static const char *const KINDS[] = { "github", "discord", "slack", "spotify" };
    net_env_t *env = *state;

    for (int i = 0; i < KR_DIM(STORIES); i++) {
        const story_t *story = &STORIES[i];
        kr_oidc_provider_conf_t *conf = set_up(env, story);
        int checked = 0;

        for (int n = 0; n < KR_DIM(KINDS); n++) checked |= !strcmp(KINDS[n], story->kind);
        scopes(env, conf, apr_pstrcat(env->pool, story->scope, " more", NULL));
        if (checked) not_taken(redeem(env, conf), 400, "granted");
        else OK(redeem(env, conf));
    }
}

/* -- GitHub ------------------------------------------------------------------------------------------- */

/* Anybody may write anybody's address onto their profile. */
static void an_address_on_a_profile_is_not_taken(void **state)
{
    net_env_t *env = *state;
    story_t story = STORIES[0];
    kr_oidc_provider_conf_t *conf;

    story.scope = "read:user";
    story.tokens = "{\"access_token\":\"at\",\"scope\":\"read:user\"}";
    conf = set_up(env, &story);
    OK(redeem(env, conf));
    assert_null(kr_json_str(person.claims, "email"));
    assert_int_equal(hits(env, "https://api.github.com/user/emails"), 0);
}

/* -- Microsoft ---------------------------------------------------------------------------------------- */

static kr_oidc_provider_conf_t *microsoft(net_env_t *env, const char *tenant)
{
    kr_oidc_provider_conf_t *conf = provider(env, "microsoft");
    json_t *any = jwk(RSA_OURS, "k1"), *consumers = jwk(RSA_OTHER, "k2");

    conf->microsoft_tenant = tenant;
    json_object_set_new(any, "issuer", json_string(MICROSOFT "{tenantid}/v2.0"));
    json_object_set_new(consumers, "issuer", json_string(MICROSOFT CONSUMERS "/v2.0"));
    place_json(env, apr_pstrcat(env->pool, MICROSOFT, tenant, "/discovery/v2.0/keys", NULL), "{s:[o,o]}", "keys", any, consumers);
    return conf;
}

static json_t *of_tenant(const char *tid)
{
    char iss[200];

    apr_snprintf(iss, sizeof(iss), MICROSOFT "%s/v2.0", tid);
    return json_pack("{s:s,s:s,s:s}", "iss", iss, "tid", tid, "oid", "object 1");
}

static kr_err_t *comes(net_env_t *env, const kr_oidc_provider_conf_t *conf, key_e key, const char *kid, json_t *more)
{
    next_tokens(env, MICROSOFT, signed_by(env, key, "RS256", kid, claims_for(env, conf, more)));
    return redeem(env, conf);
}

static void a_person_of_microsofts_is_of_the_tenant_that_is_set(void **state)
{
    static const struct { const char *tenant, *tid; int ok; } ALL[] = {
        { "common", TID, 1 }, { "common", CONSUMERS, 1 }, { "organizations", TID, 1 }, { "organizations", CONSUMERS, 0 }, { "consumers", CONSUMERS, 1 },
        { "consumers", TID, 0 }, { TID, TID, 1 }, { TID, CONSUMERS, 0 }, { "contoso.example", TID, 1 },
    };
    net_env_t *env = *state;

    for (int i = 0; i < KR_DIM(ALL); i++) {
        kr_err_t *err = comes(env, microsoft(env, ALL[i].tenant), RSA_OURS, "k1", of_tenant(ALL[i].tid));

        if (ALL[i].ok) OK(err);
        else not_taken(err, 403, "tenant");
    }
    assert_non_null(strstr(call_to(env, MICROSOFT "contoso.example/oauth2/v2.0/token")->body, "client_secret"));
}

static void an_issuer_of_microsofts_is_the_tenants_own(void **state)
{
    static const char *const WRONG[] = { "https://evil.example/" TID "/v2.0", MICROSOFT "common/v2.0", MICROSOFT TID "/v2.0/", MICROSOFT TID, MICROSOFT "{tenantid}/v2.0" };
    net_env_t *env = *state;
    const kr_oidc_provider_conf_t *conf = microsoft(env, "common");

    for (int i = 0; i < KR_DIM(WRONG); i++) {
        json_t *more = of_tenant(TID);

        json_object_set_new(more, "iss", json_string(WRONG[i]));
        not_taken(comes(env, conf, RSA_OURS, "k1", more), 403, "");
    }
    not_taken(comes(env, conf, RSA_OURS, "k1", json_pack("{s:s,s:s}", "iss", MICROSOFT TID "/v2.0", "tid", CONSUMERS)), 403, "tenant");
    not_taken(comes(env, conf, RSA_OURS, "k1", json_pack("{s:s}", "iss", MICROSOFT TID "/v2.0")), 403, "tenant");
    OK(comes(env, conf, RSA_OTHER, "k2", of_tenant(CONSUMERS)));
    not_taken(comes(env, conf, RSA_OTHER, "k2", of_tenant(TID)), 403, "no key"); /* that key is for another issuer */
}

static void a_subject_of_microsofts_is_read_where_it_is_set(void **state)
{
    net_env_t *env = *state;
    kr_oidc_provider_conf_t *conf = microsoft(env, "common");
    json_t *more;

    conf->subject_source = "oid";
    OK(comes(env, conf, RSA_OURS, "k1", of_tenant(TID)));
    assert_string_equal(person.subject, "object 1");
    more = of_tenant(TID);
    json_object_del(more, "oid");
    not_taken(comes(env, conf, RSA_OURS, "k1", more), 502, "");
    conf->subject_source = "me";
    place_json(env, "https://graph.microsoft.com/v1.0/me", "{s:s}", "id", "graph 1");
    OK(comes(env, conf, RSA_OURS, "k1", of_tenant(TID)));
    assert_string_equal(person.subject, "graph 1");
    place(env, "https://graph.microsoft.com/v1.0/me", 200, "{}");
    not_taken(comes(env, conf, RSA_OURS, "k1", of_tenant(TID)), 502, "");
    assert_null(person.subject);
}

/* -- Apple ---------------------------------------------------------------------------------------------- */

static kr_oidc_provider_conf_t *apple(net_env_t *env)
{
    kr_oidc_provider_conf_t *conf = provider(env, "apple");
    const char *why;

    conf->client_secret = NULL;
    conf->apple_team_id = "TEAM123456";
    conf->apple_key = kr_pem_key_make(env->pool, PEM, "KEY1234567", &why);
    assert_non_null(conf->apple_key);
    place_json(env, "https://appleid.apple.com/auth/keys", "{s:[o]}", "keys", jwk(RSA_OURS, "k1"));
    return conf;
}

static const char *of_apple(net_env_t *env, const kr_oidc_provider_conf_t *conf, json_t *more)
{
    json_t *all = json_pack("{s:s}", "iss", "https://appleid.apple.com");

    json_object_update(all, more);
    json_decref(more);
    return token(env, conf, all);
}

static void our_secret_at_apple_is_signed_and_short_lived(void **state)
{
    static const char PUBLIC[] = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"tdvH7nJN92qk6USc4lSvynd7ohMoSGHwmmzPEF9bw7A\",\"y\":\"DgoSKGwtrKhs2RFPZXJsypDbgYjrqJ0t30LdfLcfidI\"}";
    net_env_t *env = *state;
    kr_oidc_provider_conf_t *conf = apple(env);
    cjose_jwk_t *public = cjose_jwk_import(PUBLIC, strlen(PUBLIC), NULL);
    const char *secret;
    cjose_jws_t *jws;
    uint8_t *text;
    size_t len;
    json_t *says;

    next_tokens(env, "https://appleid.apple.com/auth/token", of_apple(env, conf, json_object()));
    OK(redeem(env, conf));
    secret = field(env, call_to(env, "https://appleid.apple.com/auth/token"), "client_secret");
    jws = cjose_jws_import(secret, strlen(secret), NULL);
    assert_non_null(public);
    assert_true(cjose_jws_verify(jws, public, NULL));
    assert_string_equal(cjose_header_get(cjose_jws_get_protected(jws), "kid", NULL), "KEY1234567");
    assert_string_equal(cjose_header_get(cjose_jws_get_protected(jws), "alg", NULL), "ES256");
    assert_true(cjose_jws_get_plaintext(jws, &text, &len, NULL));
    says = kr_json_parse(env->pool, (const char *)text, len, NULL);
    assert_string_equal(kr_json_str(says, "iss"), "TEAM123456");
    assert_string_equal(kr_json_str(says, "sub"), CLIENT);
    assert_string_equal(kr_json_str(says, "aud"), "https://appleid.apple.com");
    assert_int_equal(json_integer_value(json_object_get(says, "exp")), apr_time_sec(env->k->now) + 300);
    cjose_jws_release(jws);
    cjose_jwk_release(public);
}

static void apple_tells_the_name_beside_the_code(void **state)
{
    net_env_t *env = *state;
    kr_oidc_provider_conf_t *conf = apple(env);
    kr_provider_back_t back = { .code = "c", .redirect_uri = BACK };
    static const char *const NONE[] = { NULL, "", "{", "[]", "{\"name\":1}", "{\"name\":{\"firstName\":[]}}" };

    next_tokens(env, "https://appleid.apple.com/auth/token", of_apple(env, conf, json_pack("{s:s,s:s}", "email", "ada@x.example", "email_verified", "true")));
    OK(redeem(env, conf));
    assert_string_equal(kr_json_str(person.claims, "given_name"), "Ada");
    assert_string_equal(kr_json_str(person.claims, "family_name"), "King");
    assert_string_equal(kr_json_str(person.claims, "last_name"), "King");
    assert_string_equal(kr_json_str(person.claims, "email"), "ada@x.example"); /* and never the one beside it */
    assert_true(json_is_true(json_object_get(person.claims, "email_verified")));
    for (int i = 0; i < KR_DIM(NONE); i++) {
        back.user = NONE[i];
        OK(kr_provider_redeem(&person, env->k, conf, &back));
        assert_null(kr_json_str(person.claims, "given_name"));
    }
}

static void apple_answers_by_post_where_it_tells_of_people(void **state)
{
    static const struct { const char *scope, *mode; } ALL[] = { { "email name", "form_post" }, { "name", "form_post" }, { "email", "form_post" }, { "openid", NULL }, { "", NULL } };
    const kr_provider_start_t start = { .state = "s", .redirect_uri = BACK };
    net_env_t *env = *state;
    kr_oidc_provider_conf_t *conf = apple(env);
    const char *url, *mode;
    int pkce;

    for (int i = 0; i < KR_DIM(ALL); i++) {
        scopes(env, conf, ALL[i].scope);
        OK(kr_provider_auth_url(&url, &pkce, env->k, conf, &start));
        mode = query(env, url, "response_mode");
        assert_true(ALL[i].mode ? mode && !strcmp(mode, ALL[i].mode) : !mode);
    }
}

/* -- tokens of apps ----------------------------------------------------------------------------------------- */

static kr_err_t *app(net_env_t *env, const kr_oidc_provider_conf_t *conf, const char *text, const char *nonce)
{
    return kr_provider_id_token(&person, env->k, conf, text, nonce);
}

static void google_takes_tokens_of_apps_by_its_keys_alone(void **state)
{
    net_env_t *env = *state;
    kr_oidc_provider_conf_t *conf = provider(env, "google");

    place_json(env, "https://www.googleapis.com/oauth2/v3/certs", "{s:[o]}", "keys", jwk(RSA_OURS, "k1"));
    assert_true(kr_provider_takes_id_token(conf));
    OK(app(env, conf, token(env, conf, json_pack("{s:s,s:s}", "iss", "https://accounts.google.com", "nonce", "n")), "n"));
    OK(app(env, conf, token(env, conf, json_pack("{s:s}", "iss", "accounts.google.com")), NULL)); /* some SDKs have no nonce */
    not_taken(app(env, conf, token(env, conf, json_pack("{s:s}", "iss", "accounts.google.com")), "n"), 502, "nonce");
    not_taken(app(env, conf, token(env, conf, json_pack("{s:s,s:s}", "iss", "accounts.google.com", "nonce", "n")), NULL), 502, "nonce");
    not_taken(app(env, conf, token(env, conf, json_pack("{s:s}", "iss", "http://accounts.google.com")), NULL), 403, "issuer");
    assert_int_equal(env->calls->nelts, 5); /* its keys, each time, and no discovery */
}

static void apple_wants_a_nonce_where_the_telephone_has_one(void **state)
{
    net_env_t *env = *state;
    kr_oidc_provider_conf_t *conf = apple(env);

    assert_true(kr_provider_takes_id_token(conf));
    OK(app(env, conf, of_apple(env, conf, json_pack("{s:s}", "nonce", "n")), "n"));
    OK(app(env, conf, of_apple(env, conf, json_pack("{s:b}", "nonce_supported", 0)), NULL));
    OK(app(env, conf, of_apple(env, conf, json_object()), ""));
    not_taken(app(env, conf, of_apple(env, conf, json_pack("{s:b}", "nonce_supported", 1)), NULL), 502, "nonce");
    not_taken(app(env, conf, of_apple(env, conf, json_pack("{s:s}", "nonce_supported", "true")), NULL), 502, "nonce");
    not_taken(app(env, conf, of_apple(env, conf, json_pack("{s:b}", "nonce_supported", 0)), "n"), 502, "nonce");
}

static void netid_trades_its_token_first(void **state)
{
    static const char TOKEN[] = "https://broker.netid.de/token";
    net_env_t *env = *state;
    kr_oidc_provider_conf_t *conf = provider(env, "netid");
    const char *good = token(env, conf, json_pack("{s:s,s:s}", "iss", "https://broker.netid.de/", "nonce", "n"));

    conf->net_id_token_origin_header = "https://www.site.example";
    place_json(env, "https://broker.netid.de/.well-known/openid-configuration", "{s:s,s:s,s:s,s:s}", "issuer", "https://broker.netid.de/", "authorization_endpoint",
               "https://broker.netid.de/authorize", "token_endpoint", TOKEN, "jwks_uri", "https://broker.netid.de/jwks");
    place_json(env, "https://broker.netid.de/jwks", "{s:[o]}", "keys", jwk(RSA_OURS, "k1"));
    next_tokens(env, TOKEN, good);
    OK(app(env, conf, "opaque & odd", "n"));
    assert_string_equal(person.id_token, good);
    assert_string_equal(field(env, call_to(env, TOKEN), "fedcm_token"), "opaque & odd");
    assert_string_equal(field(env, call_to(env, TOKEN), "grant_type"), "netid_fedcm");
    assert_string_equal(apr_table_get(call_to(env, TOKEN)->headers, "Origin"), "https://www.site.example");
    not_taken(app(env, conf, "opaque", "m"), 502, "nonce");
    not_taken(app(env, conf, "opaque", NULL), 502, "nonce");
    place(env, TOKEN, 400, "{\"error\":\"invalid_grant\"}");
    not_taken(app(env, conf, "opaque", "n"), 403, "does not know");
    place(env, TOKEN, 0, "");
    not_taken(app(env, conf, "opaque", "n"), 502, "");
}

static void others_take_none(void **state)
{
    net_env_t *env = *state;

    assert_false(kr_provider_takes_id_token(env->conf));
    for (int i = 0; i < KR_DIM(STORIES); i++) {
        kr_oidc_provider_conf_t *conf = set_up(env, &STORIES[i]);

        assert_false(kr_provider_takes_id_token(conf));
        not_taken(app(env, conf, token(env, conf, json_pack("{s:s}", "nonce", "n")), "n"), 502, "");
    }
}

/* -- those with a document ---------------------------------------------------------------------------------- */

static void their_document(net_env_t *env, const char *issuer)
{
    place_json(env, apr_pstrcat(env->pool, issuer, "/.well-known/openid-configuration", NULL), "{s:s,s:s,s:s,s:s,s:s,s:[s]}", "issuer", issuer, "authorization_endpoint",
               ISSUER "/authorize", "token_endpoint", ISSUER "/token", "userinfo_endpoint", ISSUER "/userinfo", "jwks_uri", ISSUER "/jwks",
               "code_challenge_methods_supported", "S256");
}

static void google_has_offline_access_as_a_parameter(void **state)
{
    const kr_provider_start_t start = { .state = "s", .redirect_uri = BACK, .verifier = "v", .nonce = "n" };
    net_env_t *env = *state;
    kr_oidc_provider_conf_t *conf = provider(env, "google");
    const char *url;
    int pkce;

    their_document(env, "https://accounts.google.com");
    scopes(env, conf, "email offline_access profile");
    OK(kr_provider_auth_url(&url, &pkce, env->k, conf, &start));
    assert_string_equal(query(env, url, "scope"), "email profile openid");
    assert_string_equal(query(env, url, "access_type"), "offline");
    assert_true(pkce);
    scopes(env, conf, "email");
    OK(kr_provider_auth_url(&url, &pkce, env->k, conf, &start));
    assert_null(query(env, url, "access_type"));
}

static void line_asks_for_keys_that_everybody_can_check(void **state)
{
    net_env_t *env = *state;
    kr_oidc_provider_conf_t *conf = provider(env, "line");

    their_document(env, "https://access.line.me");
    next_tokens(env, ISSUER "/token", token(env, conf, json_pack("{s:s}", "iss", "https://access.line.me")));
    OK(redeem(env, conf));
    assert_string_equal(field(env, call_to(env, ISSUER "/token"), "id_token_key_type"), "JWK");
    assert_string_equal(field(env, call_to(env, ISSUER "/token"), "client_secret"), SECRET);
}

static void linkedin_is_asked_for_user_info_and_no_nonce(void **state)
{
    const kr_provider_start_t start = { .state = "s", .redirect_uri = BACK, .nonce = "n" };
    const kr_provider_back_t back = { .code = "c", .redirect_uri = BACK, .nonce = "n" };
    net_env_t *env = *state;
    kr_oidc_provider_conf_t *conf = provider(env, "linkedin_v2");
    const char *url;
    int pkce;

    their_document(env, "https://www.linkedin.com/oauth");
    OK(kr_provider_auth_url(&url, &pkce, env->k, conf, &start));
    assert_null(query(env, url, "nonce"));
    next_tokens(env, ISSUER "/token", token(env, conf, json_pack("{s:s}", "iss", "https://www.linkedin.com/oauth")));
    place_json(env, ISSUER "/userinfo", "{s:s,s:s,s:{s:s,s:s}}", "sub", "ada", "email", "ada@x.example", "locale", "country", "US", "language", "en");
    OK(kr_provider_redeem(&person, env->k, conf, &back));
    assert_string_equal(kr_json_str(person.claims, "email"), "ada@x.example");
    assert_string_equal(kr_json_str(person.claims, "locale"), "en-US");
}

static void a_refresh_asks_in_the_words_of_each_kind(void **state)
{
    static const struct { const char *kind, *prompt; } ALL[] = {
        { "discord", "consent" }, { "patreon", "consent" }, { "gitlab", "login" }, { "apple", "login" }, { "facebook", "login" }, { "github", NULL }, { "slack", NULL },
    };
    const kr_provider_start_t start = { .state = "s", .redirect_uri = BACK, .again = 1 };
    net_env_t *env = *state;
    const char *url, *got;
    int pkce;

    for (int i = 0; i < KR_DIM(ALL); i++) {
        OK(kr_provider_auth_url(&url, &pkce, env->k, provider(env, ALL[i].kind), &start));
        got = query(env, url, "prompt");
        assert_true(ALL[i].prompt ? got && !strcmp(got, ALL[i].prompt) : !got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(each_kind_tells_of_people_in_its_way),
        NET_TEST(each_kind_refuses_what_is_none_of_its_answers),
        NET_TEST(scopes_that_were_not_granted_are_missed),
        NET_TEST(an_address_on_a_profile_is_not_taken),
        NET_TEST(a_person_of_microsofts_is_of_the_tenant_that_is_set),
        NET_TEST(an_issuer_of_microsofts_is_the_tenants_own),
        NET_TEST(a_subject_of_microsofts_is_read_where_it_is_set),
        NET_TEST(our_secret_at_apple_is_signed_and_short_lived),
        NET_TEST(apple_tells_the_name_beside_the_code),
        NET_TEST(apple_answers_by_post_where_it_tells_of_people),
        NET_TEST(google_takes_tokens_of_apps_by_its_keys_alone),
        NET_TEST(apple_wants_a_nonce_where_the_telephone_has_one),
        NET_TEST(netid_trades_its_token_first),
        NET_TEST(others_take_none),
        NET_TEST(google_has_offline_access_as_a_parameter),
        NET_TEST(line_asks_for_keys_that_everybody_can_check),
        NET_TEST(linkedin_is_asked_for_user_info_and_no_nonce),
        NET_TEST(a_refresh_asks_in_the_words_of_each_kind),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests_name("kinds of providers", tests, make_keys, NULL);
    apr_terminate();
    return failed;
}
