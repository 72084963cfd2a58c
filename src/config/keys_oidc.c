/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys: what is set of each site that people sign in with. A field more is a row here and a member of its struct. */
#include "kr_text.h"
#include "keys.h"

#define PROVIDERS                                                                                                      \
    "github|github-app|gitlab|generic|google|microsoft|discord|salesforce|slack|facebook|auth0|vk|yandex|apple|"       \
    "spotify|netid|dingtalk|patreon|line|linkedin|linkedin_v2|lark|x|amazon|uaepass"

static const kr_key_t PROVIDER[] = {
    { "id", KR_TEXT, NULL, IN(kr_oidc_provider_conf_t, id), BUILT,
      .help = "name of the provider in URLs", .min = 1, .max = 64, .check = kr_check_provider_id, .needed = 1 },
    { "provider", KR_WORD, NULL, IN(kr_oidc_provider_conf_t, provider), BUILT,
      .help = "its kind", .words = PROVIDERS, .needed = 1 },
    { "label", KR_TEXT, NULL, IN(kr_oidc_provider_conf_t, label), BUILT,
      .help = "its name for people" },
    { "client_id", KR_TEXT, NULL, IN(kr_oidc_provider_conf_t, client_id), BUILT,
      .help = "our name there", .min = 1, .needed = 1 },
    { "client_secret", KR_TEXT, NULL, IN(kr_oidc_provider_conf_t, client_secret), BUILT,
      .help = "our secret there", .secret = 1 },
    { "issuer_url", KR_URL, NULL, IN(kr_oidc_provider_conf_t, issuer_url), BUILT, .help = "its issuer" },
    { "auth_url", KR_URL, NULL, IN(kr_oidc_provider_conf_t, auth_url), ELSEWHERE,
      .help = "where people sign in; no kind needs it" },
    { "token_url", KR_URL, NULL, IN(kr_oidc_provider_conf_t, token_url), ELSEWHERE,
      .help = "where codes are redeemed; no kind needs it" },
    { "mapper_url", KR_SOURCE, NULL, IN(kr_oidc_provider_conf_t, mapper_url), BUILT,
      .help = "Jsonnet that makes traits of its claims", .needed = 1 },
    { "scope", KR_TEXTS, NULL, IN(kr_oidc_provider_conf_t, scope), BUILT,
      .help = "scopes asked for" },
    { "requested_claims", KR_ANY, NULL, IN(kr_oidc_provider_conf_t, requested_claims), BUILT,
      .help = "claims asked for" },
    { "microsoft_tenant", KR_TEXT, NULL, IN(kr_oidc_provider_conf_t, microsoft_tenant), BUILT,
      .help = "tenant at Microsoft" },
    { "subject_source", KR_WORD, "userinfo", IN(kr_oidc_provider_conf_t, subject_source), BUILT,
      .help = "where Microsoft's subject is read", .words = "userinfo|me|oid" },
    { "apple_team_id", KR_TEXT, NULL, IN(kr_oidc_provider_conf_t, apple_team_id), BUILT,
      .help = "team at Apple" },
    { "apple_private_key_id", KR_TEXT, NULL, IN(kr_oidc_provider_conf_t, apple_private_key_id), BUILT,
      .help = "id of the key at Apple" },
    { "apple_private_key", KR_TEXT, NULL, IN(kr_oidc_provider_conf_t, apple_private_key), BUILT,
      .help = "that key, PEM", .secret = 1 },
    { "organization_id", KR_TEXT, NULL, IN(kr_oidc_provider_conf_t, organization_id), BUILT,
      .help = "of an organisation: such a provider is not offered in ordinary flows, which are all that there are here" },
    { "additional_id_token_audiences", KR_TEXTS, NULL, IN(kr_oidc_provider_conf_t, additional_id_token_audiences), BUILT,
      .help = "other audiences taken in id tokens of native apps" },
    { "aal2_<acr|amr>_values", KR_TEXTS, NULL, IN(kr_oidc_provider_conf_t, aal2_acr_values), BUILT,
      .help = "values that mean a second factor was used there" },
    { "claims_source", KR_WORD, "id_token", IN(kr_oidc_provider_conf_t, claims_source), BUILT,
      .help = "where claims come from", .words = "id_token|userinfo" },
    { "pkce", KR_WORD, "auto", IN(kr_oidc_provider_conf_t, pkce), BUILT,
      .help = "proof key for code exchange (RFC 7636)", .words = "auto|never|force" },
    { "fedcm_config_url", KR_URL, NULL, IN(kr_oidc_provider_conf_t, fedcm_config_url), BUILT,
      .help = "its FedCM configuration: browsers that can offer it by themselves; a `generic` one without `client_secret` is there for that alone" },
    { "net_id_token_origin_header", KR_TEXT, NULL, IN(kr_oidc_provider_conf_t, net_id_token_origin_header), BUILT,
      .help = "Origin sent to netID" },
    { "account_linking_mode", KR_WORD, "confirm_with_existing_credential",
      IN(kr_oidc_provider_conf_t, account_linking_mode), DETAIL, .help = "how it is tied to an account that exists: always after a proof of that, whatever stands here",
      .words = "confirm_with_existing_credential|automatic" },
    { "update_identity_on_login", KR_WORD, "never", IN(kr_oidc_provider_conf_t, update_identity_on_login), BUILT,
      .help = "are traits renewed at each sign-in", .words = "never|automatic" },
};

const kr_element_t kr_oidc_provider_element = { ELEMENT(kr_oidc_provider_conf_t, PROVIDER),
                                                 .name = offsetof(kr_oidc_provider_conf_t, id),
                                                 .twice = "another provider has the id",
                                                 .finish = kr_provider_finish };
