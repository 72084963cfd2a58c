/* SPDX-License-Identifier: Apache-2.0 */
/* The page of somebody who is signed in, from what whoami shows. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "kr_json.h"
#include "kr_text.h"
#include "ui.h"

/** How deep a trait may stand to be taken for a name. */
#define TRAIT_DEPTH 4

static const char *const MONTHS[] = { "January", "February", "March", "April", "May", "June", "July", "August",
                                      "September", "October", "November", "December" };

typedef struct {
    const char *mark, *words;
} words_t;

static const words_t METHODS[] = {
    { "password", "password" },
    { "code", "one-time code" },
    { "link", "link" },
    { "code_recovery", "recovery code" },
    { "link_recovery", "recovery link" },
    { "oidc", "another account" },
    { "totp", "authenticator app" },
    { "lookup_secret", "backup code" },
    { "webauthn", "security key" },
    { "passkey", "passkey" },
};

/* What browsers say of themselves names others too: the first that is found counts. */
static const words_t BROWSERS[] = {
    { "Edg", "Edge" },
    { "OPR/", "Opera" },
    { "SamsungBrowser/", "Samsung Internet" },
    { "Firefox/", "Firefox" },
    { "FxiOS/", "Firefox" },
    { "Chrome/", "Chrome" },
    { "CriOS/", "Chrome" },
    { "Safari/", "Safari" },
};
static const words_t SYSTEMS[] = {
    { "Android", "Android" },
    { "iPhone", "iPhone" },
    { "iPad", "iPad" },
    { "Windows", "Windows" },
    { "Mac OS X", "macOS" },
    { "CrOS", "ChromeOS" },
    { "Linux", "Linux" },
};

/* -- words ---------------------------------------------------------------- */

static const char *words_in(const words_t *table, int count, const char *text)
{
    int i;

    for (i = 0; i < count; i++) {
        if (strstr(text, table[i].mark)) return table[i].words;
    }
    return NULL;
}

/** "2026-01-05T14:03:09.12Z" as "5 January 2026, 14:03 UTC"; as it is when it is no UTC time. */
static const char *time_words(apr_pool_t *pool, const char *rfc3339)
{
    static const char shape[] = "0000-00-00T00:00";
    int i, month;

    for (i = 0; shape[i]; i++) {
        int fits = shape[i] == '0' ? isdigit((unsigned char)rfc3339[i]) : rfc3339[i] == shape[i];
        if (!fits) return rfc3339;
    }
    month = atoi(rfc3339 + 5);
    if (month < 1 || month > 12 || rfc3339[strlen(rfc3339) - 1] != 'Z') return rfc3339;
    return apr_psprintf(pool, "%d %s %.4s, %.5s UTC", atoi(rfc3339 + 8), MONTHS[month - 1], rfc3339, rfc3339 + 11);
}

static const char *method_words(const json_t *method)
{
    const char *name = kr_json_str(method, "method"), *provider = kr_json_str(method, "provider");
    int i;

    if (provider && *provider) return provider;
    for (i = 0; name && i < KR_DIM(METHODS); i++) {
        if (strcmp(name, METHODS[i].mark) == 0) return METHODS[i].words;
    }
    return name;
}

static const char *device_words(apr_pool_t *pool, const char *agent)
{
    const char *browser = words_in(BROWSERS, KR_DIM(BROWSERS), agent);
    const char *system = words_in(SYSTEMS, KR_DIM(SYSTEMS), agent);

    if (browser && system) return apr_pstrcat(pool, browser, " on ", system, NULL);
    return browser ? browser : agent;
}

/** "192.0.2.1:4711" without its port; IPv6 as it is. */
static const char *address_words(apr_pool_t *pool, const char *ip)
{
    const char *colon = strchr(ip, ':');

    return colon && !strchr(colon + 1, ':') ? apr_pstrmemdup(pool, ip, (apr_size_t)(colon - ip)) : ip;
}

/* -- who ------------------------------------------------------------------ */

static const char *first_string(const json_t *traits, int depth)
{
    const char *key, *found;
    json_t *value;

    json_object_foreach((json_t *)traits, key, value) {
        found = depth > 0 ? first_string(value, depth - 1) : NULL;
        if (json_is_string(value)) found = json_string_value(value);
        if (found && *found) return found;
    }
    return NULL;
}

/** What this person would call the account: e-mail address, user name, else the first text trait, else the id. */
static const char *who_is(const json_t *session)
{
    static const char *const names[] = { "email", "username" };
    const json_t *traits = kr_json_at(session, "identity.traits");
    const char *name;
    int i;

    for (i = 0; i < KR_DIM(names); i++) {
        name = traits ? kr_json_str(traits, names[i]) : NULL;
        if (name && *name) return name;
    }
    name = traits ? first_string(traits, TRAIT_DEPTH) : NULL;
    return name ? name : kr_json_str(session, "identity.id");
}

/* -- the page ------------------------------------------------------------- */

static void put_time(ui_html_t *h, const char *label, const char *when)
{
    if (!when || !*when) return;
    ui_add(h, "<div>\n<dt>%s</dt>\n<dd><time datetime=\"%s\">%s</time></dd>\n</div>\n", label, when,
           time_words(h->pool, when));
}

static void put_methods(ui_html_t *h, const json_t *session)
{
    const json_t *methods = json_object_get(session, "authentication_methods");
    size_t i;
    json_t *method;

    if (json_array_size(methods) == 0) return;
    ui_add(h, "<div>\n<dt>Signed in with</dt>\n<dd>");
    json_array_foreach(methods, i, method) ui_add(h, i ? ", %s" : "%s", method_words(method));
    ui_add(h, "</dd>\n</div>\n");
}

/** The device of the sign-in; after a step-up a second one is listed, and the last is the one at hand. */
static void put_device(ui_html_t *h, const json_t *session)
{
    const json_t *devices = json_object_get(session, "devices");
    const json_t *device = json_array_get(devices, json_array_size(devices) - 1);
    const char *agent = kr_json_str(device, "user_agent"), *ip = kr_json_str(device, "ip_address");
    const char *place = kr_json_str(device, "location");

    if (!device) return;
    ui_add(h, "<div>\n<dt>Device</dt>\n<dd>%s", agent && *agent ? device_words(h->pool, agent) : "Unknown");
    if (ip && *ip) ui_add(h, "<br>\n<span class=\"quiet\">%s</span>", address_words(h->pool, ip));
    if (place && *place) ui_add(h, "<br>\n<span class=\"quiet\">%s</span>", place);
    ui_add(h, "</dd>\n</div>\n");
}

const char *kr_ui_session_page(apr_pool_t *pool, const kr_page_t *page, const json_t *session, const char *logout_url)
{
    ui_html_t *h = ui_page_begin(pool, page, page->title, 0);
    const char *since = kr_json_str(session, "authenticated_at");

    ui_add(h, "<p class=\"lead\">You are signed in as <strong>%s</strong>.</p>\n<dl>\n", who_is(session));
    put_time(h, "Signed in since", since ? since : kr_json_str(session, "issued_at"));
    put_time(h, "Signed in until", kr_json_str(session, "expires_at"));
    put_methods(h, session);
    put_device(h, session);
    ui_add(h, "</dl>\n");
    logout_url = ui_safe_url(pool, logout_url);
    if (logout_url) ui_link_put(h, logout_url, "Sign out", "button");
    return ui_page_end(h, page);
}
