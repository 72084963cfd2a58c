/* SPDX-License-Identifier: Apache-2.0 */
/* Assurance levels: what a session's proofs add up to, and whether that is enough. */
#include "kr_json.h"
#include "session.h"

/* -- what the proofs add up to ---------------------------------------------- */

#define PROOFS_MAX 20 /* of about 80 bytes each; the column has 2048 characters */

/* A provider that vouches for a second factor has seen the first. */
static int by_provider(const json_t *proof)
{
    return kr_equal(kr_json_str(proof, "method"), "oidc");
}

static kr_aal_e level_of(const json_t *methods)
{
    size_t i;
    json_t *m;
    int first = 0, second = 0;

    json_array_foreach((json_t *)methods, i, m)
    {
        kr_aal_e aal;

        (void)kr_aal_parse(&aal, kr_json_str(m, "aal"));
        if (aal == KR_AAL1 || by_provider(m)) first = 1;
        if (aal == KR_AAL2) second = 1;
    }
    return first && second ? KR_AAL2 : first || second ? KR_AAL1 : KR_AAL0;
}

static int same_proof(const json_t *a, const json_t *b)
{
    return kr_equal(kr_json_str(a, "method"), kr_json_str(b, "method")) && kr_equal(kr_json_str(a, "aal"), kr_json_str(b, "aal"));
}

/* Who confirms the password every hour for a month must not outgrow the column: the oldest proof that was given again goes. */
static void forget_one(json_t *methods)
{
    for (size_t i = 0; i < json_array_size(methods); i++)
        for (size_t j = i + 1; j < json_array_size(methods); j++)
            if (same_proof(json_array_get(methods, i), json_array_get(methods, j))) {
                json_array_remove(methods, i);
                return;
            }
}

static void forget_first(json_t *methods)
{
    for (size_t i = json_array_size(methods); i-- > 0;)
        if (kr_equal(kr_json_str(json_array_get(methods, i), "aal"), "aal1")) json_array_remove(methods, i);
}

/* @param entry  stolen */
static void append(kr_ctx_t *k, json_t *methods, json_t *entry, const json_t *details)
{
    if (details) json_object_update(entry, (json_t *)details);
    json_object_set_new(entry, "completed_at", kr_json_time(k->now));
    json_array_append_new(methods, entry);
    if (json_array_size(methods) > PROOFS_MAX) forget_one(methods);
}

void kr_session_add_proof(kr_ctx_t *k, kr_session_t *session, const kr_proof_t *proof)
{
    const json_t *also;
    size_t i;

    if (proof->afresh) forget_first(session->methods);
    append(k, session->methods, json_pack("{s:s, s:s}", "method", proof->method, "aal", kr_aal_name(proof->aal)), proof->details);
    json_array_foreach(proof->also, i, also) append(k, session->methods, json_object(), also);
    session->aal = level_of(session->methods);
}

/* -- whether that is enough ------------------------------------------------- */

/* Where codes are a second factor (code_mfa), an account that was written before they became one does not say so yet. Its traits do. */
static int may_get_codes(kr_ctx_t *k, const kr_identity_t *identity)
{
    const kr_schema_t *schema = kr_realm_schema(k->realm, identity->schema_id);

    return schema && kr_traits_identifiers(k->pool, schema, identity->traits, "code")->nelts > 0;
}

/* What was read is kept with the account, if that is still what it was: one request may ask several times. */
static kr_err_t *read_whole(const kr_identity_t **whole, kr_ctx_t *k, kr_identity_t *identity)
{
    kr_identity_t *read;

    *whole = identity;
    if (identity->whole) return NULL;
    KR_TRY(kr_identity_load(&read, k, identity->id, 1));
    *whole = read; /* NULL: the account is gone, and the session with it */
    if (!read || read->version != identity->version) return NULL;
    identity->credentials = read->credentials;
    identity->whole = 1;
    return NULL;
}

/* What the row keeps was reckoned when the account was written: that it has no second factor holds, that it has one is counted anew. */
static kr_err_t *has_second(int *out, kr_ctx_t *k, const kr_session_t *session)
{
    kr_identity_t *identity = session->identity;
    const kr_identity_t *whole;

    *out = 0;
    if (identity->available_aal != KR_AAL2 && !k->realm->settings->code_mfa) return NULL;
    KR_TRY(kr_session_unfold(k, session));
    if (identity->available_aal != KR_AAL2 && !may_get_codes(k, identity)) return NULL;
    KR_TRY(read_whole(&whole, k, identity));
    *out = whole && kr_identity_aal(k, whole) == KR_AAL2;
    return NULL;
}

/*
 * Where the settings want it, codes go to accounts without a credential for them, too. As in Kratos that is no factor that they are asked for
 * as a rule; a place that lets nobody in without one may ask.
 */
static int codes_reach(const kr_settings_t *settings, const kr_identity_t *identity)
{
    if (!settings->method_enabled[KR_METHOD_CODE] || !settings->code_mfa || !settings->code_fallback) return 0;
    for (int i = 0; i < identity->addresses->nelts; i++)
        if (!APR_ARRAY_IDX(identity->addresses, i, const kr_address_t).recovery) return 1;
    return 0;
}

static int is_asked(const kr_settings_t *settings, kr_demand_e demand)
{
    switch (demand) {
    case KR_DEMAND_WHOAMI: return settings->whoami_highest_aal;
    case KR_DEMAND_SETTINGS: return settings->settings_highest_aal;
    case KR_DEMAND_SECOND: break;
    }
    return 1;
}

static kr_err_t *need_second(kr_ctx_t *k, const char *return_to)
{
    const char *to = kr_url_join(k->pool, k->realm->settings->base_url, "/self-service/login/browser?aal=aal2");
    kr_err_t *err = kr_err(k, 403, "session_aal2_required", "the session needs a second factor, and this account has one");

    if (return_to) to = kr_url_with(k->pool, to, "return_to", return_to);
    return kr_err_extra(k, kr_err_detail(k, err, "redirect_browser_to", json_string(to)), "redirect_browser_to", json_string(to));
}

kr_err_t *kr_session_has_second(int *out, kr_ctx_t *k, const kr_session_t *session)
{
    KR_TRY(has_second(out, k, session));
    if (*out) return NULL;
    KR_TRY(kr_session_unfold(k, session));
    *out = codes_reach(k->realm->settings, session->identity);
    return NULL;
}

kr_err_t *kr_session_check_aal(kr_ctx_t *k, const kr_session_t *session, kr_demand_e demand, const char *return_to)
{
    int second;

    if (session->aal == KR_AAL2 || !is_asked(k->realm->settings, demand)) return NULL;
    if (demand == KR_DEMAND_SECOND) KR_TRY(kr_session_has_second(&second, k, session));
    else KR_TRY(has_second(&second, k, session));
    if (second) return need_second(k, return_to);
    if (demand != KR_DEMAND_SECOND) return NULL;
    return kr_err(k, 403, NULL, "a second factor is asked for, and the account has none");
}

kr_err_t *kr_session_half_in(const char **to, kr_ctx_t *k, const kr_session_t *session, const char *return_to)
{
    kr_err_t *err = kr_session_check_aal(k, session, KR_DEMAND_WHOAMI, return_to);

    *to = err ? kr_json_str(err->extra, "redirect_browser_to") : NULL;
    return *to ? NULL : err;
}

const char *kr_session_login_url(kr_ctx_t *k, const char *return_to)
{
    const char *url = kr_url_join(k->pool, k->realm->settings->base_url, "/self-service/login/browser");

    return return_to ? kr_url_with(k->pool, url, "return_to", return_to) : url;
}
