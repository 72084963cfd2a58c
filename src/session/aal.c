/* SPDX-License-Identifier: Apache-2.0 */
/* Assurance levels: what a session's proofs add up to, and whether that is enough. */
#include "kr_json.h"
#include "session.h"

#define PROOFS_MAX 20 /* of about 80 bytes each; the column has 2048 characters */

static kr_aal_e level_of(const json_t *methods)
{
    size_t i;
    json_t *m;
    int first = 0, second = 0;

    json_array_foreach((json_t *)methods, i, m)
    {
        kr_aal_e aal;

        (void)kr_aal_parse(&aal, kr_json_str(m, "aal"));
        if (aal == KR_AAL1) first = 1;
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

void kr_session_add_proof(kr_ctx_t *k, kr_session_t *session, const kr_proof_t *proof)
{
    json_array_append_new(session->methods, json_pack("{s:s, s:s, s:o}", "method", proof->method, "aal", kr_aal_name(proof->aal),
                                                      "completed_at", kr_json_time(k->now)));
    if (json_array_size(session->methods) > PROOFS_MAX) forget_one(session->methods);
    session->aal = level_of(session->methods);
}

/*
 * What the account can reach. Where codes are a second factor, an account that was written before they became one does not say so
 * yet: it is looked at as a whole.
 */
static kr_err_t *read_available(kr_aal_e *out, kr_ctx_t *k, const kr_identity_t *identity)
{
    kr_identity_t *whole;

    *out = identity->available_aal;
    if (*out == KR_AAL2 || !k->realm->settings->code_mfa) return NULL;
    KR_TRY(kr_identity_load(&whole, k, identity->id, 1));
    if (whole) *out = kr_identity_aal(k, whole);
    return NULL;
}

kr_err_t *kr_session_check_aal(kr_ctx_t *k, const kr_session_t *session, int highest_available)
{
    kr_aal_e available;
    kr_err_t *err;
    const char *to;

    if (!highest_available || session->aal == KR_AAL2) return NULL;
    KR_TRY(read_available(&available, k, session->identity));
    if (available != KR_AAL2) return NULL;
    to = kr_url_join(k->pool, k->realm->settings->base_url, "/self-service/login/browser?aal=aal2");
    err = kr_err(k, 403, "session_aal2_required", "the session needs a second factor, and this account has one");
    return kr_err_extra(k, kr_err_detail(k, err, "redirect_browser_to", json_string(to)), "redirect_browser_to",
                        json_string(to));
}

const char *kr_session_login_url(kr_ctx_t *k, const char *return_to)
{
    const char *url = kr_url_join(k->pool, k->realm->settings->base_url, "/self-service/login/browser");

    return return_to ? kr_url_with(k->pool, url, "return_to", return_to) : url;
}
