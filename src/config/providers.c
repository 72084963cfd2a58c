/* SPDX-License-Identifier: Apache-2.0 */
/* What a site that people sign in with needs to be told, by its kind, and what is made of it. */
#include <string.h>

#include "draft.h"
#include "kr_document.h"
#include "kr_json.h"
#include "kr_pem.h"
#include "kr_share.h"
#include "kr_text.h"

#define PROVIDERS "selfservice.methods.oidc.config.providers"
#define TIMEOUT_LEAST apr_time_from_sec(1)
#define TIMEOUT_MOST apr_time_from_sec(60)

/* -- what a kind is told ------------------------------------------------------------ */

enum { NOT, MAY, MUST };

/* How they are spoken to stands in src/provider/kinds.c; all others have a secret, and fixed places. */
static const struct kind_t {
    const char *name;
    int issuer; /* of issuer_url: NOT has no effect */
    int tenant, apple;
    int tokens; /* it has ID tokens: what browsers bring of it can be verified */
} KINDS[] = {
    { .name = "generic", .issuer = MUST, .tokens = 1 }, { .name = "auth0", .issuer = MUST },        { .name = "salesforce", .issuer = MUST },
    { .name = "gitlab", .issuer = MAY },                { .name = "uaepass", .issuer = MAY },
    { .name = "microsoft", .tenant = 1, .tokens = 1 },  { .name = "apple", .apple = 1, .tokens = 1 },
    { .name = "google", .tokens = 1 },                  { .name = "netid", .tokens = 1 },
    { .name = "line", .tokens = 1 },                    { .name = "linkedin_v2", .tokens = 1 },
};

static const struct kind_t *kind_of(const char *name)
{
    static const struct kind_t PLAIN = { .name = "" };

    for (int i = 0; name && i < KR_DIM(KINDS); i++) {
        if (!strcmp(KINDS[i].name, name)) return &KINDS[i];
    }
    return &PLAIN;
}

/* One provider that is looked at. */
typedef struct {
    kr_review_t *review;
    const char *path;
    kr_oidc_provider_conf_t *conf;
    const struct kind_t *kind;
} look_t;

static const char *at(const look_t *look, const char *name)
{
    return kr_path_member(look->review->pool, look->path, name);
}

static void needs(const look_t *look, const char *name, const char *value)
{
    if (!value || !*value) kr_review_error(look->review, look->path, "needs a member \"%s\", as its kind is %s", name, look->conf->provider);
}

static void has_no(const look_t *look, const char *name, const char *value)
{
    if (value && *value) kr_review_error(look->review, at(look, name), "has no place where the kind is %s", look->conf->provider);
}

/* Who listens on the way hears all of it. */
static int is_open(const look_t *look, const char *url)
{
    return !strncmp(url, "http:", 5) && !kr_host_is_loopback(kr_url_host_name(look->review->pool, url));
}

static void check_issuer(const look_t *look)
{
    const char *url = look->conf->issuer_url;

    if (look->kind->issuer == MUST) needs(look, "issuer_url", url);
    if (!url) return;
    if (look->kind->issuer == NOT)
        kr_review_warn(look->review, at(look, "issuer_url"), "has no effect: where %s is does not change", look->conf->provider);
    else if (is_open(look, url))
        kr_review_warn(look->review, at(look, "issuer_url"), "is not encrypted: who listens on the way signs in as anybody; use https://");
}

/* RFC 3986 2.3: what needs no escapes. A colon ends the id in the identifier of a credential. */
const char *kr_check_provider_id(apr_pool_t *pool, const char *value)
{
    (void)pool;
    if (!strcmp(value, ".") || !strcmp(value, "..")) return "is no name that can stand in a URL";
    for (const char *p = value; *p; p++) {
        if (!kr_is_alpha(*p) && !kr_is_digit(*p) && !strchr("-._~", *p))
            return "stands in URLs: use letters, digits, and the characters - . _ ~";
    }
    return NULL;
}

/* -- single kinds ----------------------------------------------------------------------- */

static void check_microsoft(const look_t *look)
{
    const char *tenant = look->conf->microsoft_tenant;

    needs(look, "microsoft_tenant", tenant);
    if (tenant && kr_check_provider_id(look->review->pool, tenant))
        kr_review_error(look->review, at(look, "microsoft_tenant"), "is neither common, organizations or consumers nor an id or a domain");
}

static void check_apple(const look_t *look)
{
    kr_oidc_provider_conf_t *conf = look->conf;
    const char *why;

    needs(look, "apple_team_id", conf->apple_team_id);
    needs(look, "apple_private_key_id", conf->apple_private_key_id);
    needs(look, "apple_private_key", conf->apple_private_key);
    has_no(look, "client_secret", conf->client_secret);
    if (!conf->apple_private_key || !conf->apple_private_key_id) return;
    conf->apple_key = kr_pem_key_make(look->review->pool, conf->apple_private_key, conf->apple_private_key_id, &why);
    if (!conf->apple_key)
        kr_review_error(look->review, at(look, "apple_private_key"), "%s; it is the whole file AuthKey_....p8 of Apple's", why);
}

static int is_said(const look_t *look, const char *name)
{
    const json_t *list = kr_json_at(look->review->draft->tree, PROVIDERS), *each;
    size_t i;

    json_array_foreach(list, i, each) {
        if (!strcmp(kr_path_element(look->review->pool, PROVIDERS, i), look->path))
            return !kr_is_missing(each, name);
    }
    return 0;
}

/* It takes proof keys and says so nowhere. */
static void check_amazon(const look_t *look)
{
    static const char *const SCOPES[] = { "profile", "profile:user_id", "postal_code" };
    const apr_array_header_t *scope = look->conf->scope;

    for (int i = 0; i < scope->nelts; i++) {
        const char *word = APR_ARRAY_IDX(scope, i, const char *);
        int known = 0;

        for (int n = 0; n < KR_DIM(SCOPES); n++) known |= !strcmp(SCOPES[n], word);
        if (known) continue;
        kr_review_error(look->review, at(look, "scope"), "\"%s\" is none of Amazon's: profile, profile:user_id, postal_code", word);
    }
    if (strcmp(look->conf->pkce, "auto") != 0) return;
    if (is_said(look, "pkce"))
        kr_review_error(look->review, at(look, "pkce"), "Amazon does not say whether it takes proof keys: write force or never");
    look->conf->pkce = "never";
}

static void check_netid(const look_t *look)
{
    if (look->conf->fedcm_config_url && !look->conf->net_id_token_origin_header)
        kr_review_error(look->review, look->path,
                        "needs a member \"net_id_token_origin_header\" with fedcm_config_url: the origin of your pages");
}

/* One without a secret is for that alone: no code can be redeemed there. */
static void check_fedcm(const look_t *look)
{
    kr_oidc_provider_conf_t *conf = look->conf;
    const char *url = conf->fedcm_config_url;

    if (!url) return;
    if (!look->kind->tokens) has_no(look, "fedcm_config_url", url);
    if (is_open(look, url))
        kr_review_error(look->review, at(look, "fedcm_config_url"), "is not https, and browsers have no FedCM elsewhere but on localhost");
    conf->fedcm_alone = !strcmp(conf->provider, "generic") && (!conf->client_secret || !*conf->client_secret);
}

static void check_kind(const look_t *look)
{
    const char *kind = look->conf->provider;

    if (look->kind->tenant) check_microsoft(look);
    else has_no(look, "microsoft_tenant", look->conf->microsoft_tenant);
    if (look->kind->apple) check_apple(look);
    else {
        if (!look->conf->fedcm_alone) needs(look, "client_secret", look->conf->client_secret);
        has_no(look, "apple_team_id", look->conf->apple_team_id);
        has_no(look, "apple_private_key_id", look->conf->apple_private_key_id);
        has_no(look, "apple_private_key", look->conf->apple_private_key);
    }
    if (!strcmp(kind, "amazon")) check_amazon(look);
    if (!strcmp(kind, "netid")) check_netid(look);
    if (!strcmp(kind, "uaepass") && !strcmp(look->conf->pkce, "auto")) look->conf->pkce = "force";
}

/* -- the whole ------------------------------------------------------------------------------ */

static void check_unused(const look_t *look, const char *name, const char *value)
{
    if (value)
        kr_review_warn(look->review, at(look, name), "has no effect: places are found by the kind, and those of generic ones by issuer_url");
}

void kr_provider_finish(kr_review_t *review, const char *path, void *element)
{
    kr_oidc_provider_conf_t *conf = element;
    const look_t look = { review, path, conf, kind_of(conf->provider) };

    if (conf->provider) {
        check_issuer(&look);
        check_fedcm(&look);
        check_kind(&look);
    }
    check_unused(&look, "auth_url", conf->auth_url);
    check_unused(&look, "token_url", conf->token_url);
    if (conf->requested_claims && !json_is_object(conf->requested_claims))
        kr_review_error(review, at(&look, "requested_claims"), "must be an object");
    conf->mapper = kr_source_program(review, at(&look, "mapper_url"), conf->mapper_url, kr_jsonnet_make_ext);
    conf->discovery = kr_document_make(review->pool);
    conf->share = kr_share_make(review->pool);
}

static int same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

/* Which site a browser's token is of, nobody but the token says. */
static void check_twins(kr_review_t *review, const apr_array_header_t *providers)
{
    for (int i = 0; i < providers->nelts; i++) {
        const kr_oidc_provider_conf_t *p = &APR_ARRAY_IDX(providers, i, kr_oidc_provider_conf_t);

        for (int j = 0; p->fedcm_config_url && j < i; j++) {
            const kr_oidc_provider_conf_t *other = &APR_ARRAY_IDX(providers, j, kr_oidc_provider_conf_t);

            if (!other->fedcm_config_url || !same_text(p->provider, other->provider) || !same_text(p->issuer_url, other->issuer_url)
                || !same_text(p->client_id, other->client_id))
                continue;
            kr_review_error(review, kr_path_element(review->pool, PROVIDERS, (apr_size_t)i),
                            "has issuer and client_id of \"%s\": what a browser brings of one of them could be of either; leave one "
                            "fedcm_config_url out", other->id);
        }
    }
}

void kr_review_providers(kr_review_t *review, const kr_settings_t *settings)
{
    check_twins(review, settings->oidc.providers);
    if (settings->oidc.timeout < TIMEOUT_LEAST || settings->oidc.timeout > TIMEOUT_MOST)
        kr_review_error(review, "mod_kratos.oidc.timeout", "must be between 1s and 1m: a worker waits that long");
}
