/* SPDX-License-Identifier: Apache-2.0 */
/* What Require lines compare. */
#include "kr_require.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kr_db.h"
#include "kr_realm.h"
#include "kr_json.h"
#include "kr_pattern.h"
#include "kr_text.h"

const char *const kr_require_names[KR_REQUIRE_KINDS] = {
    [KR_REQUIRE_SESSION] = "kratos-session",   [KR_REQUIRE_AAL] = "kratos-aal",         [KR_REQUIRE_VERIFIED] = "kratos-verified",
    [KR_REQUIRE_IDENTITY] = "kratos-identity", [KR_REQUIRE_TRAIT] = "kratos-trait",     [KR_REQUIRE_METADATA] = "kratos-metadata",
    [KR_REQUIRE_SCHEMA] = "kratos-schema",
};

/** A value to compare with: text, or an expression. */
typedef struct {
    const char *text;
    const kr_pattern_t *pattern; /* NULL: the text counts */
} wanted_t;

struct kr_require_t {
    kr_require_kind_e kind;
    const char *path;                 /* of a trait or of metadata; email or phone; or NULL */
    const apr_array_header_t *wanted; /* of wanted_t */
    kr_aal_e aal;                     /* the least that will do */
};

/* -- reading -------------------------------------------------------------- */

#define WORD_MAX 1024

static const char *check_none(apr_pool_t *pool, const apr_array_header_t *words)
{
    (void)pool;
    return words->nelts ? "takes no arguments" : NULL;
}

static const char *word(const apr_array_header_t *words, int i)
{
    return APR_ARRAY_IDX(words, i, const char *);
}

static const char *check_aal(apr_pool_t *pool, const apr_array_header_t *words)
{
    kr_aal_e level;

    (void)pool;
    if (words->nelts == 1 && kr_aal_parse(&level, word(words, 0)) && level != KR_AAL0) return NULL;
    return "takes one assurance level: aal1 or aal2";
}

static int is_via(const char *text)
{
    return !strcmp(text, "email") || !strcmp(text, "phone");
}

static const char *check_via(apr_pool_t *pool, const apr_array_header_t *words)
{
    (void)pool;
    if (words->nelts == 0) return NULL;
    if (is_via(word(words, 0)) && (words->nelts == 1 || !is_via(word(words, 1)))) return NULL;
    return "takes nothing, or one of email and phone, and then values that the address may have";
}

static const char *check_uuids(apr_pool_t *pool, const apr_array_header_t *words)
{
    if (!words->nelts) return "takes one or more ids of identities";
    for (int i = 0; i < words->nelts; i++)
        if (!kr_uuid_valid(word(words, i)))
            return apr_psprintf(pool, "\"%s\" is no id of an identity", word(words, i));
    return NULL;
}

static const char *check_ids(apr_pool_t *pool, const apr_array_header_t *words)
{
    (void)pool;
    return words->nelts ? NULL : "takes one or more ids of identity schemas";
}

static const char *check_path(apr_pool_t *pool, const apr_array_header_t *words)
{
    const char *path;

    if (words->nelts < 2) return "takes a path and one or more values";
    path = word(words, 0);
    if (!*path || *path == '.' || strstr(path, "..") || path[strlen(path) - 1] == '.')
        return apr_psprintf(pool, "\"%s\" is no path: members are parted by single dots", path);
    return NULL;
}

/** How many words stand before the values, and what may stand there at all. */
static const struct {
    int path;
    const char *(*check)(apr_pool_t *pool, const apr_array_header_t *words);
} READING[KR_REQUIRE_KINDS] = {
    [KR_REQUIRE_SESSION] = { 0, check_none },   [KR_REQUIRE_AAL] = { 0, check_aal },    [KR_REQUIRE_VERIFIED] = { 1, check_via },
    [KR_REQUIRE_IDENTITY] = { 0, check_uuids }, [KR_REQUIRE_TRAIT] = { 1, check_path }, [KR_REQUIRE_METADATA] = { 1, check_path },
    [KR_REQUIRE_SCHEMA] = { 0, check_ids },
};

/* "/x/" and "/x/i" are expressions; a text that only begins with a slash is a text. */
static int take_value(wanted_t *out, apr_pool_t *pool, const char *text, const char **why)
{
    apr_size_t len = strlen(text);
    const char *bare;
    int caseless;

    *out = (wanted_t){ .text = text };
    caseless = len > 3 && !strcmp(text + len - 2, "/i");
    if (caseless) len--;
    if (len < 3 || text[0] != '/' || text[len - 1] != '/') return 1;
    bare = apr_pstrmemdup(pool, text + 1, len - 2);
    out->pattern = kr_pattern_make(pool, caseless ? apr_pstrcat(pool, "(?i)", bare, NULL) : bare, why);
    if (!out->pattern) *why = apr_psprintf(pool, "\"%s\" is no regular expression: %s", bare, *why);
    return out->pattern != NULL;
}

kr_require_t *kr_require_parse(apr_pool_t *pool, kr_require_kind_e kind, const apr_array_header_t *words, const char **why)
{
    kr_require_t *rule = apr_pcalloc(pool, sizeof(*rule));
    apr_array_header_t *wanted = apr_array_make(pool, words->nelts + 1, sizeof(wanted_t));
    const int values = kind == KR_REQUIRE_TRAIT || kind == KR_REQUIRE_METADATA || kind == KR_REQUIRE_VERIFIED;

    for (int i = 0; i < words->nelts; i++)
        if (strlen(word(words, i)) > WORD_MAX) {
            *why = "has an argument of more than 1024 bytes";
            return NULL;
        }
    *why = READING[kind].check(pool, words);
    if (*why) return NULL;
    rule->kind = kind;
    if (kind == KR_REQUIRE_AAL) (void)kr_aal_parse(&rule->aal, word(words, 0));
    if (READING[kind].path && words->nelts) rule->path = apr_pstrdup(pool, word(words, 0));
    for (int i = READING[kind].path; i < words->nelts; i++) {
        wanted_t *w = apr_array_push(wanted);

        *w = (wanted_t){ .text = word(words, i) };
        if (values && !take_value(w, pool, word(words, i), why)) return NULL;
    }
    rule->wanted = wanted;
    return rule;
}

/* -- judging -------------------------------------------------------------- */

static kr_verdict_e verdict_of(int met)
{
    return met ? KR_REQUIRE_MET : KR_REQUIRE_UNMET;
}

static int among(const kr_require_t *rule, const char *text)
{
    for (int i = 0; text && i < rule->wanted->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(rule->wanted, i, wanted_t).text, text)) return 1;
    return 0;
}

/* "30" and "30.0" are the same number, and "0x1e" is none: JSON knows no such thing. */
static int same_number(const char *text, const json_t *value)
{
    char *end;
    double number;

    if (!*text || strspn(text, "+-.0123456789eE") != strlen(text)) return 0;
    if (json_is_integer(value)) {
        long long whole = strtoll(text, &end, 10);

        if (!*end) return whole == json_integer_value(value);
    }
    number = strtod(text, &end);
    return !*end && !(number < json_number_value(value)) && !(number > json_number_value(value));
}

/** One look at one session. */
typedef struct {
    kr_ctx_t *k;
    const kr_require_t *rule;
    apr_int64_t begun;        /* of this thread's own time, so that a busy machine refuses nobody */
    int unsure;               /* an expression hit its limits, which was logged */
} judging_t;

/** µs: an array may have thousands of members, each made to cost an expression as much as its limits allow. */
#define EXPRESSIONS_MAX 100000

static apr_int64_t time_spent(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (apr_int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static kr_verdict_e fits(judging_t *j, const wanted_t *wanted, const json_t *value)
{
    const char *text;
    int found = -1;

    if (!wanted->pattern) {
        if (json_is_string(value)) return verdict_of(!strcmp(json_string_value(value), wanted->text));
        if (json_is_boolean(value)) return verdict_of(!strcmp(json_is_true(value) ? "true" : "false", wanted->text));
        return verdict_of(json_is_number(value) && same_number(wanted->text, value));
    }
    if (json_is_object(value) || json_is_null(value)) return KR_REQUIRE_UNMET;
    text = json_is_string(value) ? json_string_value(value) : kr_json_dump(j->k->pool, value, NULL);
    if (!j->begun) j->begun = time_spent();
    if (time_spent() - j->begun <= EXPRESSIONS_MAX) found = kr_pattern_find(wanted->pattern, text, strlen(text));
    if (found >= 0) return verdict_of(found);
    if (j->unsure++ == 0)
        kr_log(j->k, KR_LOG_WARNING, KRLOGNO(0701) "a Require line's expression %s reached its limits", wanted->text);
    return KR_REQUIRE_UNSURE;
}

static kr_verdict_e better(kr_verdict_e a, kr_verdict_e b)
{
    if (a == KR_REQUIRE_MET || b == KR_REQUIRE_MET) return KR_REQUIRE_MET;
    return a == KR_REQUIRE_UNSURE ? a : b;
}

static kr_verdict_e judge_value(judging_t *j, const json_t *value)
{
    kr_verdict_e verdict = KR_REQUIRE_UNMET;

    for (int i = 0; i < j->rule->wanted->nelts && verdict != KR_REQUIRE_MET; i++)
        verdict = better(verdict, fits(j, &APR_ARRAY_IDX(j->rule->wanted, i, wanted_t), value));
    return verdict;
}

/* `path` below `value`; arrays on the way stand for each of their members. */
static kr_verdict_e judge_path(judging_t *j, const json_t *value, const char *path)
{
    kr_verdict_e verdict = KR_REQUIRE_UNMET;
    apr_size_t len;

    if (!value) return KR_REQUIRE_UNMET;
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value) && verdict != KR_REQUIRE_MET; i++)
            verdict = better(verdict, judge_path(j, json_array_get(value, i), path));
        return verdict;
    }
    if (!*path) return judge_value(j, value);
    len = strcspn(path, ".");
    return judge_path(j, json_object_getn(value, path, len), path + len + (path[len] == '.'));
}

/* Addresses that are verified, or that are not, of the kind and with the value that the rule asks for. */
static kr_verdict_e judge_addresses(judging_t *j, const kr_identity_t *identity, int verified)
{
    const char *via = j->rule->path && !strcmp(j->rule->path, "phone") ? "sms" : j->rule->path;
    kr_verdict_e verdict = KR_REQUIRE_UNMET;

    for (int i = 0; i < identity->addresses->nelts && verdict != KR_REQUIRE_MET; i++) {
        const kr_address_t *address = &APR_ARRAY_IDX(identity->addresses, i, kr_address_t);

        if (address->recovery || (address->verified != 0) != verified || (via && strcmp(address->via, via))) continue;
        if (!j->rule->wanted->nelts) return KR_REQUIRE_MET;
        verdict = better(verdict, judge_value(j, kr_json_own(j->k->pool, kr_json_string(address->value))));
    }
    return verdict;
}

kr_verdict_e kr_require_judge(kr_ctx_t *k, const kr_require_t *rule, const kr_session_t *session)
{
    const kr_identity_t *identity = session->identity;
    judging_t j = { .k = k, .rule = rule };

    switch (rule->kind) {
    case KR_REQUIRE_SESSION: return KR_REQUIRE_MET;
    case KR_REQUIRE_AAL: return verdict_of(session->aal >= rule->aal);
    case KR_REQUIRE_VERIFIED: return judge_addresses(&j, identity, 1);
    case KR_REQUIRE_IDENTITY: return verdict_of(among(rule, identity->id));
    case KR_REQUIRE_TRAIT: return judge_path(&j, identity->traits, rule->path);
    case KR_REQUIRE_METADATA: return judge_path(&j, identity->metadata_public, rule->path);
    case KR_REQUIRE_SCHEMA: return verdict_of(among(rule, identity->schema_id));
    case KR_REQUIRE_KINDS: break;
    }
    return KR_REQUIRE_UNMET;
}

/* -- refusing ------------------------------------------------------------- */

static kr_err_t *mendable(kr_ctx_t *k, kr_err_t *err, const char *path, const char *return_to)
{
    const char *url = kr_url_join(k->pool, k->realm->settings->base_url, path);

    if (return_to) url = kr_url_with(k->pool, url, "return_to", return_to);
    return kr_err_extra(k, kr_err_detail(k, err, "redirect_browser_to", json_string(url)), "redirect_browser_to",
                        json_string(url));
}

/* The gate gave its connection back: what comes behind it may take long, and may want one itself. */
static kr_err_t *refuse_aal(kr_ctx_t *k, const kr_session_t *session, const char *return_to)
{
    kr_err_t *err = kr_session_check_aal(k, session, KR_DEMAND_SECOND, return_to);

    kr_db_release(k);
    return err;
}

/* Who has no address that would do is not sent to verify another: they would come back to the same answer. */
static kr_err_t *refuse_unverified(kr_ctx_t *k, const kr_require_t *rule, const kr_session_t *session, const char *return_to)
{
    judging_t j = { .k = k, .rule = rule };
    kr_err_t *err = kr_err(k, 403, "session_verified_address_required", "this place asks for a verified address");

    if (rule->wanted->nelts && judge_addresses(&j, session->identity, 0) != KR_REQUIRE_MET)
        return kr_err(k, 403, NULL, "this place asks for a verified address that the account does not have");
    if (!k->realm->settings->flow[KR_FLOW_VERIFICATION].enabled) return err;
    return mendable(k, err, "/self-service/verification/browser", return_to);
}

kr_err_t *kr_require_refusal(kr_ctx_t *k, const kr_require_t *rule, const kr_session_t *session, const char *return_to)
{
    if (rule && rule->kind == KR_REQUIRE_AAL) return refuse_aal(k, session, return_to);
    if (rule && rule->kind == KR_REQUIRE_VERIFIED) return refuse_unverified(k, rule, session, return_to);
    return kr_err(k, 403, NULL, "the account has no right to see this");
}
