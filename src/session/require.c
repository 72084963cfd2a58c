/* SPDX-License-Identifier: Apache-2.0 */
/* Whom Require lines let in, and what the others are told. */
#include "require.h"

#include <stdlib.h>
#include <string.h>

#include "kr_clock.h"
#include "kr_db.h"
#include "kr_realm.h"
#include "kr_json.h"
#include "kr_text.h"

/* -- judging -------------------------------------------------------------- */

static kr_verdict_e verdict_of(int met)
{
    return met ? KR_REQUIRE_MET : KR_REQUIRE_UNMET;
}

static int among(const kr_require_t *rule, const char *text)
{
    for (int i = 0; text && i < rule->wanted->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(rule->wanted, i, kr_wanted_t).text, text)) return 1;
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
    apr_time_t begun;         /* by kr_clock_worked */
    int unsure;               /* an expression hit its limits, which was logged */
} judging_t;

/** µs: an array may have thousands of members, each made to cost an expression as much as its limits allow. */
#define EXPRESSIONS_MAX 100000

static kr_verdict_e fits(judging_t *j, const kr_wanted_t *wanted, const json_t *value)
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
    if (!j->begun) j->begun = kr_clock_worked();
    if (kr_clock_worked() - j->begun <= EXPRESSIONS_MAX) found = kr_pattern_find(wanted->pattern, text, strlen(text));
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
        verdict = better(verdict, fits(j, &APR_ARRAY_IDX(j->rule->wanted, i, kr_wanted_t), value));
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

/* Whoever met the level may have to prove it anew. By the clock of this server; what is proved in its future is fresh. */
static int is_fresh(kr_ctx_t *k, const kr_require_t *rule, const kr_session_t *session)
{
    return !rule->max_age || session->authenticated_at + rule->max_age > k->now;
}

/* What a rule of this kind looks at has to be read first; when that cannot be, nobody can say. */
static int must_unfold(kr_require_kind_e kind)
{
    return kind == KR_REQUIRE_VERIFIED || kind == KR_REQUIRE_TRAIT || kind == KR_REQUIRE_METADATA;
}

kr_verdict_e kr_require_judge(kr_ctx_t *k, const kr_require_t *rule, const kr_session_t *session)
{
    const kr_identity_t *identity = session->identity;
    judging_t j = { .k = k, .rule = rule };

    if (must_unfold(rule->kind) && kr_session_unfold(k, session)) return KR_REQUIRE_UNSURE;
    switch (rule->kind) {
    case KR_REQUIRE_SESSION: return verdict_of(is_fresh(k, rule, session));
    case KR_REQUIRE_AAL: return verdict_of(session->aal >= rule->aal && is_fresh(k, rule, session));
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

#define LOGIN "/self-service/login/browser"

static kr_err_t *mendable(kr_ctx_t *k, kr_err_t *err, const char *path, const char *return_to)
{
    const char *url = kr_url_join(k->pool, k->realm->settings->base_url, path);

    if (return_to) url = kr_url_with(k->pool, url, "return_to", return_to);
    return kr_err_extra(k, kr_err_detail(k, err, "redirect_browser_to", json_string(url)), "redirect_browser_to",
                        json_string(url));
}

int kr_offers_second(const kr_settings_t *conf)
{
    const int *on = conf->method_enabled;

    if (on[KR_METHOD_TOTP] || on[KR_METHOD_LOOKUP_SECRET] || (on[KR_METHOD_CODE] && conf->code_mfa)) return 1;
    return on[KR_METHOD_WEBAUTHN] && !conf->webauthn_passwordless; /* such keys are first factors */
}

static kr_err_t *refuse_without_second(kr_ctx_t *k, const char *return_to)
{
    kr_err_t *err = kr_err(k, 403, KR_NO_SECOND, "this place asks for a second factor, and the account has none");
    const char *url = kr_url_join(k->pool, k->realm->settings->base_url, "/self-service/settings/browser");

    if (return_to) url = kr_url_with(k->pool, url, "return_to", return_to);
    return kr_offers_second(k->realm->settings) ? kr_err_detail(k, err, "settings_url", json_string(url)) : err;
}

/* How old a proof may be is told as well: whose is fresher by what the login knows needs no other (api/bounce.c). */
static kr_err_t *refuse_old(kr_ctx_t *k, const kr_require_t *rule, const char *return_to)
{
    /* a level is proved anew by the factor that made it */
    const char *path = rule->aal == KR_AAL2 ? LOGIN "?aal=aal2&refresh=true" : LOGIN "?refresh=true";
    kr_err_t *err = kr_err(k, 403, "session_refresh_required", "the sign-in is too long ago for this place, please confirm it");

    err = kr_err_detail(k, err, "max_age", json_integer((json_int_t)apr_time_sec(rule->max_age)));
    return mendable(k, err, path, return_to);
}

/* A session keeps the level that it reached when its account has the factor no more: there is nothing to prove it by again. */
static kr_err_t *refuse_second(kr_ctx_t *k, const kr_require_t *rule, const kr_session_t *session, const char *return_to)
{
    kr_err_t *err = kr_session_check_aal(k, session, KR_DEMAND_SECOND, return_to);
    int second = 1;

    if (!err) err = kr_session_has_second(&second, k, session);
    if (!second || (err && err->status == 403 && !err->id)) return refuse_without_second(k, return_to);
    return err ? err : refuse_old(k, rule, return_to);
}

/* Stepping up is a fresh proof by itself. The gate gave its connection back: what comes behind it may take long, and may want one. */
static kr_err_t *refuse_sign_in(kr_ctx_t *k, const kr_require_t *rule, const kr_session_t *session, const char *return_to)
{
    kr_err_t *err;

    if (rule->aal != KR_AAL2) return refuse_old(k, rule, return_to);
    err = refuse_second(k, rule, session, return_to);
    kr_db_release(k);
    return err;
}

/* Who has no address that would do is not sent to verify another: they would come back to the same answer. */
static kr_err_t *refuse_unverified(kr_ctx_t *k, const kr_require_t *rule, const kr_session_t *session, const char *return_to)
{
    judging_t j = { .k = k, .rule = rule };
    kr_err_t *err = kr_err(k, 403, "session_verified_address_required", "this place asks for a verified address");

    KR_TRY(kr_session_unfold(k, session));
    if (rule->wanted->nelts && judge_addresses(&j, session->identity, 0) != KR_REQUIRE_MET)
        return kr_err(k, 403, NULL, "this place asks for a verified address that the account does not have");
    if (!k->realm->settings->flow[KR_FLOW_VERIFICATION].enabled) return err;
    return mendable(k, err, "/self-service/verification/browser", return_to);
}

kr_err_t *kr_require_refusal(kr_ctx_t *k, const kr_require_t *rule, const kr_session_t *session, const char *return_to)
{
    if (rule && (rule->kind == KR_REQUIRE_SESSION || rule->kind == KR_REQUIRE_AAL)) return refuse_sign_in(k, rule, session, return_to);
    if (rule && rule->kind == KR_REQUIRE_VERIFIED) return refuse_unverified(k, rule, session, return_to);
    return kr_err(k, 403, NULL, "the account has no right to see this");
}
