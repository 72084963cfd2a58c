/* SPDX-License-Identifier: Apache-2.0 */
/* What letters about an account tell beside their words: what has changed, when, by whom; one line each. */
#include <string.h>

#include "kr_json.h"
#include "kr_text.h"
#include "courier.h"

/** Words of one language. */
typedef struct {
    const char *change[3];  /* as CHANGES */
    const char *quote;      /* a name in its quotes; %s */
    const char *more;       /* changes that the letter does not list; %d */
    const char *when, *by_owner, *left;
} telling_t;

static const char *const CHANGES[] = { "added", "removed", "replaced" };

static const telling_t TELLING[KR_LANGUAGES] = {
    [KR_ENGLISH] = { { "Added", "Removed", "Replaced" }, "\xe2\x80\x9c%s\xe2\x80\x9d", "And %d more", "When",
                     "By the people who run the site", "Backup codes left" },
    [KR_GERMAN] = { { "Hinzugef\xc3\xbcgt", "Entfernt", "Ersetzt" }, "\xe2\x80\x9e%s\xe2\x80\x9c", "Und %d weitere", "Wann",
                    "Durch die Betreiber der Website", "Verbleibende Ersatzcodes" },
};

/** What people know a factor as, by the type of its credential. */
static const struct {
    const char *type, *words[KR_LANGUAGES];
} FACTORS[] = {
    { "password", { "password", "Passwort" } },
    { "totp", { "authenticator app", "Authenticator-App" } },
    { "lookup_secret", { "backup codes", "Ersatzcodes" } },
    { "webauthn", { "security key", "Sicherheitsschl\xc3\xbcssel" } },
    { "passkey", { "passkey", "Passkey" } },
    { "oidc", { "sign-in by", "Anmeldung \xc3\xbc" "ber" } },
};

static void push(apr_array_header_t *out, const char *label, const char *text)
{
    APR_ARRAY_PUSH(out, const char *) = text ? apr_pstrcat(out->pool, label, ": ", text, NULL) : label;
}

/* To the minute: "2026-03-01 09:05 UTC". */
static void push_time(apr_array_header_t *out, const telling_t *words, const char *when)
{
    apr_time_exp_t t;
    apr_time_t at;

    if (!when || !kr_time_parse(&at, when) || apr_time_exp_gmt(&t, at) != APR_SUCCESS) return;
    push(out, words->when, apr_psprintf(out->pool, "%04d-%02d-%02d %02d:%02d UTC", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
                                        t.tm_hour, t.tm_min));
}

static const char *factor_name(kr_language_e language, const char *type)
{
    for (int i = 0; i < KR_DIM(FACTORS); i++)
        if (strcmp(FACTORS[i].type, type) == 0) return FACTORS[i].words[language];
    return type;
}

static void push_change(apr_array_header_t *out, kr_language_e language, const json_t *change)
{
    const char *what = kr_json_str(change, "change"), *factor = kr_json_str(change, "factor"), *name = kr_json_str(change, "name");
    const telling_t *words = &TELLING[language];

    if (!what || !factor) return;
    factor = factor_name(language, factor);
    if (name) factor = apr_pstrcat(out->pool, factor, " ", apr_psprintf(out->pool, words->quote, name), NULL);
    for (int i = 0; i < KR_DIM(CHANGES); i++)
        if (strcmp(CHANGES[i], what) == 0) push(out, words->change[i], factor);
}

apr_array_header_t *kr_facts_of_factors(apr_pool_t *pool, kr_language_e language, const json_t *data)
{
    apr_array_header_t *out = apr_array_make(pool, 4, sizeof(const char *));
    const json_int_t more = json_integer_value(json_object_get(data, "more"));
    size_t i;
    json_t *change;

    json_array_foreach(json_object_get(data, "changes"), i, change) push_change(out, language, change);
    if (more > 0) push(out, apr_psprintf(pool, TELLING[language].more, (int)more), NULL);
    push_time(out, &TELLING[language], kr_json_str(data, "changed_at"));
    if (json_is_true(json_object_get(data, "by_owner"))) push(out, TELLING[language].by_owner, NULL);
    return out;
}

apr_array_header_t *kr_facts_of_recovery_code(apr_pool_t *pool, kr_language_e language, const json_t *data)
{
    apr_array_header_t *out = apr_array_make(pool, 2, sizeof(const char *));
    const json_t *left = json_object_get(data, "codes_left");

    push_time(out, &TELLING[language], kr_json_str(data, "used_at"));
    if (json_is_integer(left)) push(out, TELLING[language].left, apr_psprintf(pool, "%d", (int)json_integer_value(left)));
    return out;
}
