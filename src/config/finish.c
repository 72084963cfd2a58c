/* SPDX-License-Identifier: Apache-2.0 */
/* From a reviewed draft to settings: fill the fields, then apply the rules that need more than one key. */
#include <string.h>
#include <unistd.h>

#include "kr_json.h"
#include "kr_text.h"
#include "draft.h"

#define BCRYPT_COST_MIN 12 /* without dev */
#define LANES_MAX 16       /* what password hashes are verified with at most */

static json_t *at(const kr_review_t *review, const char *path)
{
    json_t *value = kr_json_at(review->draft->tree, path);

    return json_is_null(value) ? NULL : value;
}

/* -- rules: URLs -------------------------------------------------------------------- */

/** Every page becomes an absolute URL. */
static void resolve_pages(kr_review_t *review, kr_settings_t *settings)
{
    if (!settings->base_url) return;
    KR_EACH_KEY(key, kr_all_keys) {
        const char **page;

        if (key->type != KR_PAGE || !key->size) continue;
        page = (const char **)((char *)settings + key->at);
        if (*page) *page = kr_page_resolve(review->pool, settings->base_url, *page);
    }
}

/** Check the list, and leave out wildcards that cover more than one owner's hosts. */
static void check_allowed(kr_review_t *review, kr_settings_t *settings)
{
    const apr_array_header_t *asked = settings->allowed_return_urls;
    apr_array_header_t *kept = apr_array_make(review->pool, asked->nelts + 1, sizeof(const char *));

    for (int i = 0; i < asked->nelts; i++) {
        const char *url = APR_ARRAY_IDX(asked, i, const char *), *why;
        const char *path = kr_path_element(review->pool, "selfservice.allowed_return_urls", (apr_size_t)i);
        int unsafe;

        why = kr_allowed_wrong(review->pool, url, &unsafe);
        if (why) {
            kr_review_error(review, path, "\"%s\" %s", url, why);
        }
        else if (unsafe) {
            kr_review_warn(review, path, "\"%s\" is ignored: a wildcard must be the whole first label of a name with "
                                         "two more, as in https://*.example.org", url);
        }
        else {
            APR_ARRAY_PUSH(kept, const char *) = url;
        }
    }
    settings->allowed_return_urls = kept;
}

static void check_default_url(kr_review_t *review, const kr_settings_t *settings)
{
    static const char KEY[] = "selfservice.default_browser_return_url";
    const apr_array_header_t *allowed = settings->allowed_return_urls;
    const char *url = settings->default_return_url;
    kr_url_t parts;

    if (!at(review, KEY)) {
        kr_review_error(review, KEY, "is missing; say where people go after they signed in");
        return;
    }
    if (!url || !settings->base_url || !json_is_string(at(review, KEY))) return;
    if (kr_url_parse(&parts, review->pool, json_string_value(at(review, KEY))) && parts.scheme) return;
    for (int i = 0; i < allowed->nelts; i++) {
        if (kr_allowed_covers(review->pool, APR_ARRAY_IDX(allowed, i, const char *), url)) return;
    }
    kr_review_error(review, KEY, "comes to %s, which selfservice.allowed_return_urls does not allow", url);
}

static void check_urls(kr_review_t *review, kr_settings_t *settings)
{
    if (!at(review, "serve.public.base_url")) {
        kr_review_error(review, "serve.public.base_url", "is missing; it is the URL that browsers reach this API at");
    }
    resolve_pages(review, settings);
    check_allowed(review, settings);
    check_default_url(review, settings);
}

/* -- rules: cookies -------------------------------------------------------------------- */

static void put_cookies_together(kr_review_t *review, kr_settings_t *settings)
{
    kr_cookie_conf_t *csrf = &settings->csrf_cookie, *session = &settings->session_cookie;

    if (!at(review, "cookies.secure")) csrf->secure = !settings->dev;
    if (!at(review, "session.cookie.secure")) session->secure = csrf->secure;
    if (!session->domain) session->domain = csrf->domain;
    if (!session->path) session->path = csrf->path;
    if (!session->same_site) session->same_site = csrf->same_site;
    if (!csrf->secure) csrf->same_site = "Lax";
}

/** Browsers drop SameSite=None without Secure: nobody could sign in. */
static void check_same_site(kr_review_t *review, kr_settings_t *settings)
{
    static const char KEY[] = "session.cookie.same_site";
    const char *path = at(review, KEY) ? KEY : "cookies.same_site";

    if (!settings->session_cookie.same_site || settings->session_cookie.secure) return;
    if (strcmp(settings->session_cookie.same_site, "None")) return;
    if (settings->dev) {
        kr_review_warn(review, path, "\"None\" needs Secure cookies; \"Lax\" is used in development");
        settings->session_cookie.same_site = "Lax";
    }
    else {
        kr_review_error(review, path, "\"None\" needs Secure cookies, as browsers drop them otherwise");
    }
}

/* -- rules: secrets, hashes, flows ----------------------------------------------- */

static void choose_secrets(kr_review_t *review, kr_settings_t *settings)
{
    const kr_key_t *key = kr_key_find(kr_all_keys, "secrets.default");
    json_t *fallback = at(review, "secrets.default");

    if (settings->secrets->nelts) return;
    if (fallback) kr_value_read(&settings->secrets, review->pool, key, fallback);
    /* unlike Kratos: a secret of chance would end all sessions at each restart, and differ on each node */
    if (!json_array_size(fallback) && !json_array_size(at(review, "secrets.cookie"))) {
        kr_review_error(review, "secrets.cookie",
                        "is missing; give a list of secrets, each of 16 bytes or more (try `openssl rand -hex 16`)");
    }
}

static void bound_hasher(kr_review_t *review, kr_settings_t *settings)
{
    kr_hasher_t *hasher = &settings->hasher;

    if (hasher->bcrypt_cost < BCRYPT_COST_MIN && !settings->dev) {
        kr_review_warn(review, "hashers.bcrypt.cost", "%d is raised to %d, as `dev` is off", hasher->bcrypt_cost,
                       BCRYPT_COST_MIN);
        hasher->bcrypt_cost = BCRYPT_COST_MIN;
    }
    if (!hasher->parallelism) {
        long lanes = 2 * sysconf(_SC_NPROCESSORS_ONLN);

        hasher->parallelism = (apr_uint32_t)(lanes < 1 ? 1 : lanes > LANES_MAX ? LANES_MAX : lanes);
        if (hasher->parallelism > hasher->memory / 8) hasher->parallelism = hasher->memory / 8;
    }
    if (!hasher->bcrypt && hasher->memory < 8 * hasher->parallelism) {
        kr_review_error(review, "hashers.argon2.memory", "is less than the 8KB that each of %u lanes needs",
                        hasher->parallelism);
    }
}

static void finish_flows(kr_review_t *review, kr_settings_t *settings)
{
    settings->flow[KR_FLOW_LOGIN].enabled = 1;
    settings->flow[KR_FLOW_SETTINGS].enabled = 1;
    if (json_is_true(at(review, "selfservice.flows.registration.enable_legacy_one_step"))) {
        settings->registration_one_step = 1;
    }
    /* traits that serve another method's form as well stand in no method's group */
    if (!settings->registration_one_step || (settings->method_enabled[KR_METHOD_CODE] && settings->code_passwordless))
        settings->registration_password_group = 0;
    if (settings->settings_privileged_age <= 0) {
        kr_review_error(review, "selfservice.flows.settings.privileged_session_max_age",
                        "is 0: no sign-in would ever be fresh enough to change a password");
    }
}

/** A code or link that no method takes back would be mailed in vain. */
static void check_use(kr_review_t *review, const kr_settings_t *settings, kr_flow_kind_e kind, const char *path, const char *use)
{
    const kr_method_e method = use && strcmp(use, "link") == 0 ? KR_METHOD_LINK : KR_METHOD_CODE;

    if (!settings->flow[kind].enabled || settings->method_enabled[method]) return;
    kr_review_error(review, path, "is \"%s\", but selfservice.methods.%s.enabled is off", use, use);
}

static void check_uses(kr_review_t *review, const kr_settings_t *settings)
{
    check_use(review, settings, KR_FLOW_RECOVERY, "selfservice.flows.recovery.use", settings->recovery_use);
    check_use(review, settings, KR_FLOW_VERIFICATION, "selfservice.flows.verification.use", settings->verification_use);
}

/* Who reads the mail would have both factors. */
static void check_factors(kr_review_t *review, const kr_settings_t *settings)
{
    if (!settings->code_mfa || !settings->code_passwordless) return;
    kr_review_error(review, "selfservice.methods.code.mfa_enabled", "and selfservice.methods.code.passwordless_enabled exclude each "
                                                                    "other: one mailbox would be both factors");
}

/* -- the whole ----------------------------------------------------------------------------- */

/** One warning for all keys that detail what is not built. */
static void warn_of_idle(kr_review_t *review)
{
    const apr_array_header_t *idle = review->idle;
    apr_array_header_t *words = apr_array_make(review->pool, 2 * idle->nelts + 1, sizeof(const char *));

    if (!idle->nelts) return;
    for (int i = 0; i < idle->nelts; i++) {
        if (i) APR_ARRAY_PUSH(words, const char *) = ", ";
        APR_ARRAY_PUSH(words, const char *) = APR_ARRAY_IDX(idle, i, const char *);
    }
    kr_review_warn(review, "", "no effect yet: %s", apr_array_pstrcat(review->pool, words, 0));
}

static const kr_element_t SETTINGS = { .size = sizeof(kr_settings_t), .rows = kr_all_keys };

kr_settings_t *kr_draft_finish(kr_draft_t *draft, int allow_unbuilt, apr_array_header_t **findings)
{
    apr_pool_t *pool = draft->pool;
    kr_settings_t *settings = apr_pcalloc(pool, sizeof(*settings));
    kr_review_t review = {
        .draft = draft,
        .pool = pool,
        .allow_unbuilt = allow_unbuilt,
        .errors = apr_array_make(pool, 4, sizeof(kr_finding_t)),
        .warnings = apr_array_make(pool, 4, sizeof(kr_finding_t)),
        .idle = apr_array_make(pool, 8, sizeof(const char *)),
    };

    kr_review_secret_files(&review);
    kr_review_object(&review, draft->keys, 0, "", draft->tree);
    kr_fill(&review, settings, &SETTINGS, "", draft->tree);
    check_urls(&review, settings);
    kr_review_cors(&review, settings);
    put_cookies_together(&review, settings);
    check_same_site(&review, settings);
    choose_secrets(&review, settings);
    bound_hasher(&review, settings);
    kr_review_schemas(&review, settings);
    finish_flows(&review, settings);
    check_uses(&review, settings);
    check_factors(&review, settings);
    kr_review_keys(&review, settings);
    kr_review_fedcm(&review, settings);
    kr_review_courier(&review, &settings->mail);
    kr_review_oauth2(&review, settings);
    kr_review_providers(&review, settings);
    kr_review_sessions(&review, settings);
    kr_review_throttle(&review, settings);
    kr_review_advise(&review, settings);
    kr_review_web_hooks(&review, settings);
    kr_review_people(&review, settings);
    warn_of_idle(&review);

    *findings = apr_array_append(pool, review.errors, review.warnings);
    return review.errors->nelts ? NULL : settings;
}
