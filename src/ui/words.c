/* SPDX-License-Identifier: Apache-2.0 */
/* What pages say: words by key, messages by id, and times and devices as people call them. */
#include <ctype.h>
#include <stdlib.h>

#include "kr_json.h"
#include "kr_text.h"
#include "ui.h"

#define LABEL_GENERATED 1070002 /* the title that the identity schema gives a trait */
#define REASON_OF_FLOW 4000001
#define REASON_OF_PASSWORD 4000005 /* why it may not be one */
#define REASON_OF_SYSTEM 5000001

/** So much of a User-Agent that says nothing we know is shown. */
#define AGENT_MAX 100

/* -- by key --------------------------------------------------------------- */

const char *ui_word_or_null(const kr_words_t *words, const char *key)
{
    return json_string_value(json_object_get(words->texts, key));
}

const char *ui_word(const kr_words_t *words, const char *key)
{
    const char *text = ui_word_or_null(words, key);

    return text ? text : key;
}

const char *ui_word_of(apr_pool_t *pool, const kr_words_t *words, const char *prefix, const char *rest)
{
    return rest ? ui_word_or_null(words, apr_pstrcat(pool, prefix, rest, NULL)) : NULL;
}

const char *ui_say(apr_pool_t *pool, const kr_words_t *words, const char *key, const json_t *context)
{
    return kr_json_fill(pool, ui_word(words, key), context);
}

/* -- of the API ----------------------------------------------------------- */

/* What others say ends some reasons, after a colon: it goes along, unless what is known of the beginning is a whole sentence. */
static const char *known_reason(apr_pool_t *pool, const kr_words_t *words, const char *reason)
{
    const char *known = ui_word_of(pool, words, "reason:", reason);

    for (apr_size_t len = reason ? strlen(reason) : 0; !known && len > 0; len--) {
        if (strncmp(reason + len, ": ", 2) != 0) continue;
        known = ui_word_of(pool, words, "reason:", apr_pstrmemdup(pool, reason, len));
        if (known && !strchr(".!?", known[strlen(known) - 1])) known = apr_pstrcat(pool, known, reason + len, NULL);
    }
    return known;
}

const char *ui_reason(apr_pool_t *pool, const kr_words_t *words, const char *reason)
{
    const char *known = known_reason(pool, words, reason);
    apr_size_t len = reason ? strlen(reason) : 0;
    char *out;

    if (known || len == 0) return known ? known : reason;
    out = apr_pstrcat(pool, reason, strchr(".!?", reason[len - 1]) ? "" : ".", NULL);
    out[0] = out[0] >= 'a' && out[0] <= 'z' ? (char)(out[0] - 'a' + 'A') : out[0];
    return out;
}

static const char *lower(apr_pool_t *pool, const char *text)
{
    char *out = apr_pstrdup(pool, text);

    for (char *c = out; *c; c++)
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
    return out;
}

/* What the schema says, in the words of the language; never the expression. */
static const char *misfit(apr_pool_t *pool, const kr_words_t *words, const json_t *context)
{
    if (kr_json_str(context, "description")) return ui_say(pool, words, "misfit.described", context);
    return kr_json_str(context, "title") ? ui_say(pool, words, "misfit.titled", context) : NULL;
}

/* The API names a provider that has no label by its id or kind. */
static const json_t *with_name(apr_pool_t *pool, const json_t *context)
{
    const char *name = kr_json_str(context, "provider"), *called = name ? ui_provider_called(name) : NULL;
    json_t *out;

    if (called == name) return context;
    out = kr_json_own(pool, json_copy((json_t *)context));
    json_object_set_new(out, "provider", json_string(called));
    return out;
}

const char *ui_message(apr_pool_t *pool, const kr_words_t *words, const json_t *message)
{
    const json_t *context = with_name(pool, json_object_get(message, "context"));
    const char *text = kr_json_str(message, "text"), *own, *reason = kr_json_str(context, "reason");
    int id = (int)json_integer_value(json_object_get(message, "id"));

    if ((id == REASON_OF_FLOW || id == REASON_OF_SYSTEM || id == REASON_OF_PASSWORD) && reason) return ui_reason(pool, words, reason);
    if (id == UI_MISFIT && misfit(pool, words, context)) return misfit(pool, words, context);
    own = id == LABEL_GENERATED ? text ? ui_word_of(pool, words, "label:", lower(pool, text)) : NULL
                                : ui_word_or_null(words, apr_itoa(pool, id));
    if (own) return kr_json_fill(pool, own, context);
    return text ? text : "";
}

/* -- times ---------------------------------------------------------------- */

const char *ui_time(apr_pool_t *pool, const kr_words_t *words, const char *rfc3339)
{
    static const char shape[] = "0000-00-00T00:00";
    const json_t *parts;
    int month;

    for (int i = 0; shape[i]; i++) {
        int fits = shape[i] == '0' ? isdigit((unsigned char)rfc3339[i]) : rfc3339[i] == shape[i];
        if (!fits) return rfc3339;
    }
    month = atoi(rfc3339 + 5);
    if (month < 1 || month > 12 || rfc3339[strlen(rfc3339) - 1] != 'Z') return rfc3339;
    parts = kr_json_pack(pool, "{s:i, s:s, s:s#, s:s#}", "day", atoi(rfc3339 + 8), "month",
                         ui_word(words, apr_psprintf(pool, "month.%d", month)), "year", rfc3339, 4, "time", rfc3339 + 11, 5);
    return ui_say(pool, words, "date", parts);
}

/* -- devices -------------------------------------------------------------- */

typedef struct {
    const char *mark, *name;
} mark_t;

/* What browsers say of themselves names others too: the first that is found counts. */
static const mark_t BROWSERS[] = {
    { "Edg", "Edge" },        { "OPR/", "Opera" },      { "SamsungBrowser/", "Samsung Internet" },
    { "Firefox/", "Firefox" }, { "FxiOS/", "Firefox" }, { "Chrome/", "Chrome" },
    { "CriOS/", "Chrome" },   { "Safari/", "Safari" },
};
static const mark_t SYSTEMS[] = {
    { "Android", "Android" },  { "iPhone", "iPhone" }, { "iPad", "iPad" },   { "Windows", "Windows" },
    { "Mac OS X", "macOS" },   { "CrOS", "ChromeOS" }, { "Linux", "Linux" },
};

static const char *name_in(const mark_t *table, int count, const char *text)
{
    for (int i = 0; i < count; i++)
        if (strstr(text, table[i].mark)) return table[i].name;
    return NULL;
}

const char *ui_device(apr_pool_t *pool, const kr_words_t *words, const char *agent)
{
    const char *browser, *system;
    apr_size_t most = AGENT_MAX;

    if (!agent || !*agent) return ui_word(words, "device.unknown");
    browser = name_in(BROWSERS, KR_DIM(BROWSERS), agent);
    system = name_in(SYSTEMS, KR_DIM(SYSTEMS), agent);
    if (browser && system)
        return ui_say(pool, words, "device", kr_json_pack(pool, "{s:s, s:s}", "browser", browser, "system", system));
    if (browser) return browser;
    if (strlen(agent) <= most) return agent;
    while (most > 0 && ((unsigned char)agent[most] & 0xc0) == 0x80) most--; /* not in the middle of a character */
    return apr_pstrcat(pool, apr_pstrmemdup(pool, agent, most), "\xe2\x80\xa6", NULL);
}

const char *ui_address(apr_pool_t *pool, const char *ip)
{
    const char *colon = strchr(ip, ':'), *bracket = strchr(ip, ']');

    if (ip[0] == '[' && bracket) return apr_pstrmemdup(pool, ip + 1, (apr_size_t)(bracket - ip - 1));
    return colon && !strchr(colon + 1, ':') ? apr_pstrmemdup(pool, ip, (apr_size_t)(colon - ip)) : ip;
}
