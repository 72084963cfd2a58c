/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of providers: what differs between them, and nothing else. What a single one says in its own way is in peculiar.c. */
#include "provider.h"

#include <string.h>

#include "kr_text.h"

#define LINKEDIN_PROFILE                                                                                               \
    "https://api.linkedin.com/v2/me?projection=(id,localizedFirstName,localizedLastName,"                              \
    "profilePicture(displayImage~digitalmediaAsset:playableStreams))"
#define PATREON_PERSON                                                                                                 \
    "https://www.patreon.com/api/oauth2/v2/identity?fields%5Buser%5D=first_name,last_name,url,full_name,email,image_url"
#define PATREON_CLAIMS                                                                                                 \
    "sub=data.id name=data.attributes.full_name email=data.attributes.email given_name=data.attributes.first_name "    \
    "family_name=data.attributes.last_name last_name=data.attributes.last_name picture=data.attributes.image_url"
#define GITHUB_PLACES                                                                                                  \
    { .authorization = "https://github.com/login/oauth/authorize", .token = "https://github.com/login/oauth/access_token", \
      .person = "https://api.github.com/user", .s256 = 1, .secret_in_form = 1 }
#define GITHUB_CLAIMS                                                                                                  \
    "sub=id name=name nickname=login website=blog picture=avatar_url profile=html_url updated_at=updated_at"

static const kr_provider_kind_t KINDS[] = {
    /* OpenID Connect, found by a document */
    { .name = "generic", .hosted = 1, .discovers = 1, .openid = 1, .asks_claims = 1, .again = "login" },
    { .name = "google", .base = "https://accounts.google.com", .discovers = 1, .openid = 1, .asks_claims = 1, .native = 1, .offline = 1,
      .at = { .issuer = "https://accounts.google.com", .keys = "https://www.googleapis.com/oauth2/v3/certs" },
      .nonce = NONCE_OPTIONAL, .again = "login" },
    { .name = "line", .base = "https://access.line.me", .discovers = 1, .openid = 1, .asks_claims = 1, .again = "login",
      .at = { .issuer = "https://access.line.me", .secret_in_form = 1 }, .token_extra = { "id_token_key_type", "JWK" } },
    { .name = "linkedin_v2", .base = "https://www.linkedin.com/oauth", .discovers = 1, .openid = 1, .by_userinfo = 1, .asks_claims = 1,
      .at = { .issuer = "https://www.linkedin.com/oauth", .secret_in_form = 1 }, .no_nonce = 1, .again = "login" },
    { .name = "netid", .base = "https://broker.netid.de", .discovers = 1, .openid = 1, .by_userinfo = 1, .asks_claims = 1, .native = 1,
      .at = { .issuer = "https://broker.netid.de/", .token = "/token" }, .trades = 1, .again = "login" },

    /* OpenID Connect at fixed places */
    { .name = "apple", .base = "https://appleid.apple.com", .openid = 1, .asks_claims = 1, .native = 1, .form_post = 1, .signs = 1,
      .at = { .issuer = "https://appleid.apple.com", .authorization = "/auth/authorize", .token = "/auth/token", .keys = "/auth/keys",
              .secret_in_form = 1 },
      .nonce = NONCE_AS_SAID, .again = "login", .complete = kr_claims_apple },
    { .name = "microsoft", .base = "https://login.microsoftonline.com/{tenant}", .openid = 1, .asks_claims = 1,
      .at = { .issuer = "https://login.microsoftonline.com/{tenantid}/v2.0", .authorization = "/oauth2/v2.0/authorize",
              .token = "/oauth2/v2.0/token", .keys = "/discovery/v2.0/keys", .s256 = 1, .secret_in_form = 1 },
      .again = "login", .complete = kr_claims_microsoft },

    /* its user info is all that counts */
    { .name = "gitlab", .base = "https://gitlab.com", .hosted = 1, .asks_claims = 1, .again = "login",
      .at = { .authorization = "/oauth/authorize", .token = "/oauth/token", .person = "/oauth/userinfo", .s256 = 1, .secret_in_form = 1 } },
    { .name = "auth0", .hosted = 1, .asks_claims = 1, .again = "login",
      .at = { .authorization = "/authorize", .token = "/oauth/token", .person = "/userinfo", .s256 = 1, .secret_in_form = 1 } },
    { .name = "salesforce", .hosted = 1, .asks_claims = 1, .again = "login",
      .at = { .authorization = "/services/oauth2/authorize", .token = "/services/oauth2/token", .person = "/services/oauth2/userinfo",
              .s256 = 1, .secret_in_form = 1 } },
    { .name = "uaepass", .base = "https://id.uaepass.ae", .hosted = 1, .acr = "urn:safelayer:tws:policies:authentication:level:low",
      .at = { .authorization = "/idshub/authorize", .token = "/idshub/token", .person = "/idshub/userinfo", .s256 = 1 },
      .claims = "sub=sub email=email name=fullnameEN given_name=firstnameEN last_name=lastnameEN" },

    /* OAuth 2.0 with a way of its own to tell of people */
    { .name = "github", .at = GITHUB_PLACES, .granted = ",", .claims = GITHUB_CLAIMS, .iss = "https://github.com/login/oauth/access_token",
      .complete = kr_claims_github },
    { .name = "github-app", .at = GITHUB_PLACES, .claims = GITHUB_CLAIMS, .iss = "https://github.com/login/oauth/access_token",
      .complete = kr_claims_github },
    { .name = "discord",
      .at = { .authorization = "https://discord.com/api/v9/oauth2/authorize", .token = "https://discord.com/api/v9/oauth2/token",
              .person = "https://discord.com/api/v9/users/@me", .secret_in_form = 1 },
      .again = "consent", .prompt = "none", .granted = " ", .iss = "https://discord.com/api/v9/oauth2/",
      .claims = "sub=id nickname=username preferred_username=username email=email email_verified=verified locale=locale",
      .complete = kr_claims_discord },
    { .name = "slack", /* the first version of its OAuth: that of the second has another parameter for the scope */
      .at = { .authorization = "https://slack.com/oauth/authorize", .token = "https://slack.com/api/oauth.access",
              .person = "https://slack.com/api/users.identity", .secret_in_form = 1 },
      .granted = ",", .iss = "https://slack.com/oauth/",
      .claims = "sub=user.id name=user.name preferred_username=user.name nickname=user.name email=user.email picture=user.image_512 "
                "team=team.id",
      .complete = kr_claims_slack },
    { .name = "facebook", .scope_openid = 1, .asks_claims = 1, .again = "login",
      .at = { .authorization = "https://facebook.com/dialog/oauth", .token = "https://graph.facebook.com/oauth/access_token",
              .secret_in_form = 1 },
      .iss = "https://graph.facebook.com/me", .place = kr_place_facebook,
      .claims = "sub=id name=name given_name=first_name family_name=last_name middle_name=middle_name nickname=name "
                "preferred_username=name picture=picture.data.url email=email gender=gender birthdate=birthday",
      .complete = kr_claims_facebook },
    { .name = "vk",
      .at = { .authorization = "https://oauth.vk.com/authorize", .token = "https://oauth.vk.com/access_token", .secret_in_form = 1 },
      .iss = "https://api.vk.com/method/users.get", .place = kr_place_vk, .claims = "", .complete = kr_claims_vk },
    { .name = "yandex",
      .at = { .authorization = "https://oauth.yandex.com/authorize", .token = "https://oauth.yandex.com/token",
              .person = "https://login.yandex.ru/info?format=json", .s256 = 1, .secret_in_form = 1 },
      .header = { "Authorization", "OAuth " }, .iss = "https://login.yandex.ru/info",
      .claims = "sub=id given_name=first_name family_name=last_name email=default_email gender=sex birthdate=birthday",
      .complete = kr_claims_yandex },
    { .name = "spotify",
      .at = { .authorization = "https://accounts.spotify.com/authorize", .token = "https://accounts.spotify.com/api/token",
              .person = "https://api.spotify.com/v1/me" },
      .granted = " ", .iss = "https://accounts.spotify.com/api/token",
      .claims = "sub=id name=display_name nickname=display_name email=email profile=external_urls.spotify birthdate=birthdate",
      .complete = kr_claims_spotify },
    { .name = "patreon",
      .at = { .authorization = "https://www.patreon.com/oauth2/authorize", .token = "https://www.patreon.com/api/oauth2/token",
              .person = PATREON_PERSON, .secret_in_form = 1 },
      .again = "consent", .prompt = "none", .iss = "https://www.patreon.com/", .claims = PATREON_CLAIMS },
    { .name = "linkedin",
      .at = { .authorization = "https://www.linkedin.com/oauth/v2/authorization", .token = "https://www.linkedin.com/oauth/v2/accessToken",
              .person = LINKEDIN_PROFILE, .secret_in_form = 1 },
      .iss = "https://login.linkedin.com/", .claims = "sub=id given_name=localizedFirstName last_name=localizedLastName",
      .complete = kr_claims_linkedin },
    { .name = "lark",
      .at = { .authorization = "https://passport.feishu.cn/suite/passport/oauth/authorize",
              .token = "https://passport.feishu.cn/suite/passport/oauth/token",
              .person = "https://passport.feishu.cn/suite/passport/oauth/userinfo", .secret_in_form = 1 },
      .iss = "https://passport.feishu.cn/suite/passport/oauth/userinfo",
      .claims = "sub=open_id name=name nickname=name picture=avatar_url email=email phone_number=mobile" },
    { .name = "amazon",
      .at = { .authorization = "https://www.amazon.com/ap/oa", .token = "https://api.amazon.com/auth/o2/token",
              .person = "https://api.amazon.com/user/profile", .secret_in_form = 1 },
      .header = { "x-amz-access-token", "" }, .iss = "https://api.amazon.com/auth/o2/token",
      .claims = "sub=user_id name=name email=email zoneinfo=postal_code" },
    { .name = "x", .oauth1 = 1,
      .at = { .authorization = "https://api.twitter.com/oauth/authenticate", .token = "https://api.twitter.com/oauth/access_token",
              .person = "https://api.twitter.com/1.1/account/verify_credentials.json" },
      .claims = "sub=id_str name=name picture=profile_image_url_https email=email preferred_username=screen_name website=url",
      .complete = kr_claims_x },
    { .name = "dingtalk", .json = 1,
      .at = { .authorization = "https://login.dingtalk.com/oauth2/auth", .token = "https://api.dingtalk.com/v1.0/oauth2/userAccessToken",
              .person = "https://api.dingtalk.com/v1.0/contact/users/me" },
      .again = "consent", .prompt = "consent", .header = { "x-acs-dingtalk-access-token", "" },
      .iss = "https://api.dingtalk.com/v1.0/contact/users/me", .claims = "sub=openId nickname=nick name=nick picture=avatarUrl email=email" },
};

const kr_provider_kind_t *kr_provider_kind(const kr_oidc_provider_conf_t *conf)
{
    for (int i = 0; i < KR_DIM(KINDS); i++) {
        if (!strcmp(KINDS[i].name, conf->provider)) return &KINDS[i];
    }
    return &KINDS[0];
}
