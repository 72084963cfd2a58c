/* SPDX-License-Identifier: Apache-2.0 */
/* Whose keys they are: the domain that keys are bound to, and the origins of the pages that ask for them (W3C WebAuthn, section 5.1.2). */
#include <string.h>

#include <apr_lib.h>

#include "draft.h"
#include "kr_text.h"

/* -- single values --------------------------------------------------------- */

/* Browsers write a domain in lower case and ASCII, and an address is none. */
const char *kr_check_rp_id(apr_pool_t *pool, const char *value)
{
    const char *why = kr_unfilled(pool, value);
    int letters = 0;

    if (why) return why;
    if (strstr(value, "://") || strchr(value, '/')) return "is a URL: write the domain alone, such as example.org";
    if (strchr(value, ':')) return "has a port: keys are bound to a domain, whatever the port";
    for (const char *p = value; *p; p++) {
        if (apr_isupper(*p)) return "has capitals, which a browser's domain never has: write it in lower case";
        if (!apr_isalnum(*p) && *p != '-' && *p != '.') return "is no domain: names beyond ASCII are written with xn--";
        letters |= apr_isalpha(*p);
    }
    if (!letters) return "is an address, and browsers bind keys to domains only";
    if (*value == '.' || strstr(value, "..") || value[strlen(value) - 1] == '.') return "is no domain";
    return NULL;
}

const char *kr_check_page_origin(apr_pool_t *pool, const char *value)
{
    const char *why = strchr(value, '*') ? "is no origin: name each, such as https://www.example.org" : kr_check_origin(pool, value);

    if (why) return why;
    if (strncmp(value, "https://", 8) && strncmp(value, "http://", 7)) return "begins neither with https:// nor with http://";
    for (const char *p = value; *p; p++)
        if (apr_isupper(*p)) return "has capitals, which a browser's origin never has: write it in lower case";
    return NULL;
}

/* -- together --------------------------------------------------------------- */

static int is_local(const char *host)
{
    apr_size_t len = strlen(host);

    return !strcmp(host, "localhost") || (len > 10 && !strcmp(host + len - 10, ".localhost"));
}

/* Without its port, and as browsers write it. */
static const char *bare_host(apr_pool_t *pool, const char *host)
{
    char *out = apr_pstrmemdup(pool, host, strcspn(host, ":"));

    for (char *p = out; *p; p++) *p = (char)apr_tolower(*p);
    return out;
}

/* Is it that domain, or a name below it? */
static int is_below(const char *host, const char *domain)
{
    apr_size_t len = strlen(host), tail = strlen(domain);

    if (len < tail || strcmp(host + len - tail, domain)) return 0;
    return len == tail || host[len - tail - 1] == '.';
}

static void check_one(kr_review_t *review, const char *path, const char *origin, const char *rp_id)
{
    kr_url_t url;
    const char *host;

    if (!kr_url_parse(&url, review->pool, origin) || !url.host) return; /* wrong, and said already */
    host = bare_host(review->pool, url.host);
    if (!is_below(host, rp_id))
        kr_review_error(review, path, "\"%s\" is not below the domain %s that keys are bound to: no browser would use one there",
                        origin, rp_id);
    else if (!strcmp(url.scheme, "http") && !is_local(host))
        kr_review_error(review, path, "\"%s\" is not https, and browsers use keys nowhere else but on localhost", origin);
}

/* Where a page is, as browsers write it: without the port that its scheme has anyway. NULL when that is not below the domain. */
static const char *origin_of(apr_pool_t *pool, const char *page, const char *rp_id)
{
    const char *port, *usual;
    kr_url_t url;

    if (!page || !kr_url_parse(&url, pool, page) || !url.host || !is_below(bare_host(pool, url.host), rp_id)) return NULL;
    port = strchr(url.host, ':');
    usual = strcmp(url.scheme, "https") ? ":80" : ":443";
    return apr_pstrcat(pool, url.scheme, "://", bare_host(pool, url.host), port && strcmp(port, usual) ? port : "", NULL);
}

static int is_among(const apr_array_header_t *list, const char *origin)
{
    for (int i = 0; i < list->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(list, i, const char *), origin)) return 1;
    return 0;
}

static void add_origin(apr_array_header_t *list, const char *origin)
{
    if (origin && !is_among(list, origin)) APR_ARRAY_PUSH(list, const char *) = origin;
}

/* Those that ask for keys. */
static const kr_flow_kind_e PAGES[] = { KR_FLOW_LOGIN, KR_FLOW_REGISTRATION, KR_FLOW_SETTINGS };

/* The domain itself, as Kratos has it, and what is known of where the pages are. */
static const apr_array_header_t *usual_origins(apr_pool_t *pool, const kr_settings_t *settings, const kr_url_t *base, const char *rp_id)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(const char *));

    if (!strcmp(base->scheme, "https") || is_local(rp_id)) add_origin(list, apr_pstrcat(pool, base->scheme, "://", rp_id, NULL));
    add_origin(list, origin_of(pool, settings->base_url, rp_id));
    for (int i = 0; i < KR_DIM(PAGES); i++) add_origin(list, origin_of(pool, settings->flow[PAGES[i]].ui_url, rp_id));
    return list;
}

/** One of the two methods. */
typedef struct {
    const char *key; /* what the paths of its settings begin with */
    kr_webauthn_conf_t *conf;
    int on;
    int signs_up;    /* accounts are made by it */
} party_t;

static const char *path_of(apr_pool_t *pool, const party_t *party, const char *rest)
{
    return apr_pstrcat(pool, party->key, rest, NULL);
}

/* The pages that ask for keys, as far as the settings say where they are. */
static void check_page(kr_review_t *review, const party_t *party, kr_flow_kind_e kind, const char *page, apr_array_header_t *told)
{
    const char *name = kr_flow_kind_name(kind), *rp_id = party->conf->rp_id, *origin;
    kr_url_t url;

    if (!page || !kr_url_parse(&url, review->pool, page) || !url.host) return;
    origin = origin_of(review->pool, page, rp_id);
    if (!origin)
        kr_review_warn(review, apr_pstrcat(review->pool, "selfservice.flows.", name, ".ui_url", NULL),
                       "%s is not below the domain %s that keys are bound to (%s.config.rp.id): nobody can use one on that page", page,
                       rp_id, party->key);
    else if (!is_among(party->conf->origins, origin) && !is_among(told, origin))
        kr_review_warn(review, path_of(review->pool, party, ".config.rp.origins"),
                       "lacks \"%s\", where the %s page is: what a key says there is refused", origin, name);
    add_origin(told, origin);
}

static void check_pages(kr_review_t *review, const kr_settings_t *settings, const party_t *party)
{
    apr_array_header_t *told = apr_array_make(review->pool, 2, sizeof(const char *));

    for (int i = 0; i < KR_DIM(PAGES); i++)
        if (settings->flow[PAGES[i]].enabled && (PAGES[i] != KR_FLOW_REGISTRATION || party->signs_up))
            check_page(review, party, PAGES[i], settings->flow[PAGES[i]].ui_url, told);
}

static void complete(kr_review_t *review, const kr_settings_t *settings, const party_t *party)
{
    kr_webauthn_conf_t *conf = party->conf;
    apr_pool_t *pool = review->pool;
    kr_url_t base;

    if (!party->on || !settings->base_url || !kr_url_parse(&base, pool, settings->base_url) || !base.host) return;
    if (!conf->rp_id) {
        conf->rp_id = bare_host(pool, base.host);
        if (kr_check_rp_id(pool, conf->rp_id)) {
            kr_review_error(review, path_of(pool, party, ".config.rp.id"), "is needed, as the host of serve.public.base_url (%s) is no "
                                                                           "domain: write the domain that the pages are on",
                            conf->rp_id);
            return;
        }
    }
    if (!is_local(conf->rp_id) && kr_domain_is_public(conf->rp_id))
        kr_review_warn(review, path_of(pool, party, ".config.rp.id"),
                       "is %s, below which names of many owners stand: browsers bind no keys to it", conf->rp_id);
    if (!conf->rp_name) conf->rp_name = conf->rp_id;
    if (!conf->origins->nelts) conf->origins = usual_origins(pool, settings, &base, conf->rp_id);
    for (int i = 0; i < conf->origins->nelts; i++)
        check_one(review, path_of(pool, party, ".config.rp.origins"), APR_ARRAY_IDX(conf->origins, i, const char *), conf->rp_id);
    check_pages(review, settings, party);
}

/* Whoever signs in by a passkey is found by it alone. */
static void check_found(kr_review_t *review, const kr_settings_t *settings)
{
    if (settings->method_enabled[KR_METHOD_PASSKEY] && settings->passkey.resident_key &&
        strcmp(settings->passkey.resident_key, "required"))
        kr_review_warn(review, "selfservice.methods.passkey.config.authenticator_selection.resident_key",
                       "is %s: a passkey that the authenticator does not keep finds nobody at sign-in", settings->passkey.resident_key);
}

void kr_review_keys(kr_review_t *review, kr_settings_t *settings)
{
    const party_t parties[] = {
        { "selfservice.methods.webauthn", &settings->webauthn, settings->method_enabled[KR_METHOD_WEBAUTHN],
          settings->webauthn_passwordless },
        { "selfservice.methods.passkey", &settings->passkey, settings->method_enabled[KR_METHOD_PASSKEY], 1 },
    };

    if (settings->webauthn_origin && settings->webauthn.origins->nelts)
        kr_review_error(review, "selfservice.methods.webauthn.config.rp.origin", "stands beside rp.origins: write all of them there");
    else if (settings->webauthn_origin) {
        apr_array_header_t *one = apr_array_make(review->pool, 1, sizeof(const char *));

        add_origin(one, settings->webauthn_origin);
        settings->webauthn.origins = one;
    }
    settings->webauthn.user_verification = "discouraged"; /* it comes after a password, or is asked by name */
    settings->webauthn.attestation = "none";
    settings->webauthn.registration_timeout = settings->webauthn.login_timeout = apr_time_from_sec(120);
    for (int i = 0; i < KR_DIM(parties); i++) complete(review, settings, &parties[i]);
    check_found(review, settings);
}
