/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A proof becomes a session, or makes one fresh again. Between the reading of the account and here lie a hash, a mail, a wait: what
 * the proof rests on is compared in the statement that writes.
 */
#include <string.h>

#include "kr_json.h"
#include "session_private.h"

/* Who changes an account this often within one sign-in is at war with somebody. */
#define TRIES 5

/* -- does it still hold? -------------------------------------------------- */

static const kr_credential_t *same_credential(const kr_identity_t *identity, const kr_credential_t *was)
{
    const kr_credential_t *is = kr_identity_credential(identity, was->type);

    return is && strcmp(is->id, was->id) == 0 && is->version == was->version ? is : NULL;
}

static int names(const kr_credential_t *credential, const char *text)
{
    for (int i = 0; credential->identifiers && i < credential->identifiers->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(credential->identifiers, i, const char *), text) == 0) return 1;
    return 0;
}

/* Codes are sent to identifiers, and where the settings want it to any address of the account. */
static int has_address(const kr_identity_t *identity, const char *address, int recovery)
{
    for (int i = 0; i < identity->addresses->nelts; i++) {
        const kr_address_t *a = &APR_ARRAY_IDX(identity->addresses, i, const kr_address_t);

        if (a->recovery == recovery && strcmp(a->value, address) == 0) return 1;
    }
    for (int i = 0; !recovery && i < identity->credentials->nelts; i++)
        if (names(&APR_ARRAY_IDX(identity->credentials, i, const kr_credential_t), address)) return 1;
    return 0;
}

kr_standing_e kr_proof_standing(const kr_proof_t *proof, const kr_identity_t *was, const kr_identity_t *is)
{
    if (!is) return KR_PROOF_VOID;
    if (strcmp(is->state, "active") != 0) return KR_PROOF_LOCKED;
    if (proof->credential && !same_credential(is, proof->credential)) return KR_PROOF_VOID;
    if (proof->address && !has_address(is, proof->address, proof->recovery)) return KR_PROOF_VOID;
    return is->epoch == was->epoch ? KR_PROOF_HOLDS : KR_PROOF_OVERTAKEN;
}

/* -- a new one ------------------------------------------------------------ */

static void new_token(kr_ctx_t *k, kr_session_t *s)
{
    s->token = apr_pstrcat(k->pool, KR_TOKEN_PREFIX, kr_random_alnum(k->pool, KR_TOKEN_RANDOM), NULL);
    s->token_hash = s->carried_hash = kr_hmac(k->pool, k->realm->keys, KR_KEY_TOKEN, 0, s->token);
    s->token_is_old = 0;
}

static kr_session_t *make(kr_ctx_t *k, const kr_identity_t *identity, const kr_proof_t *proof, const kr_session_t *onto)
{
    kr_session_t *s = apr_pcalloc(k->pool, sizeof(*s));

    s->id = kr_uuid(k);
    s->active = 1;
    s->epoch = identity->epoch;
    s->methods = kr_json_own(k->pool, onto ? json_deep_copy(onto->methods) : json_array());
    kr_session_add_proof(k, s, proof);
    kr_session_device(k, s);
    new_token(k, s);
    s->issued_at = s->authenticated_at = s->created_at = s->updated_at = k->now;
    s->expires_at = k->now + k->realm->settings->session_lifespan;
    return s;
}

kr_err_t *kr_session_issue(kr_session_t **out, kr_standing_e *standing, kr_ctx_t *k, kr_identity_t *identity,
                           const kr_proof_t *proof, const kr_session_t *onto)
{
    kr_session_t *s = make(k, identity, proof, onto);
    kr_identity_t *is = identity;
    kr_session_row_t row;
    int done;

    *out = NULL;
    for (int tries = 0; tries < TRIES; tries++) {
        s->identity = is;
        row = kr_session_row(k, s);
        KR_TRY(kr_store_session_insert(&done, k, &row, is->version));
        *standing = KR_PROOF_HOLDS;
        if (done) *out = s;
        if (done) return NULL;
        KR_TRY(kr_identity_load(&is, k, identity->id, 1));
        *standing = kr_proof_standing(proof, identity, is);
        if (*standing != KR_PROOF_HOLDS) return NULL;
    }
    *standing = KR_PROOF_OVERTAKEN;
    return NULL;
}

/* -- the same again ------------------------------------------------------- */

/* Adds the proof to what was read. @param done 0: something has changed since, in the session or in its identity */
static kr_err_t *add_proof(int *done, kr_ctx_t *k, kr_session_t *s, const kr_proof_t *proof, int keep_token)
{
    kr_session_row_t row, before = kr_session_row(k, s);

    s->methods = kr_json_own(k->pool, json_deep_copy(s->methods));
    kr_session_add_proof(k, s, proof);
    s->former_device = kr_json_pack(k->pool, "{s:s, s:s, s:s?, s:s}", "id", "00000000-0000-0000-0000-000000000000",
                                    "ip_address", s->ip_address, "user_agent", s->user_agent, "location", s->location);
    if (!keep_token) new_token(k, s);
    s->authenticated_at = k->now;
    s->updated_at = s->updated_at < k->now ? k->now : s->updated_at + 1;
    s->expires_at = k->now + k->realm->settings->session_lifespan;
    row = kr_session_row(k, s);
    if (keep_token) return kr_store_session_update(done, k, &row, &before, s->identity->version);
    row.old_token_hash = before.token_hash;
    row.old_token_until = k->now + KR_OLD_TOKEN_GRACE;
    if (row.old_token_until > before.expires_at) row.old_token_until = before.expires_at;
    row.old_aal = before.aal;
    row.old_methods = before.methods;
    row.old_authenticated_at = before.authenticated_at;
    return kr_store_session_update(done, k, &row, &before, s->identity->version);
}

kr_err_t *kr_session_prove(kr_standing_e *standing, kr_ctx_t *k, kr_session_t *session, const kr_proof_t *proof, int keep_token)
{
    kr_identity_t *was = session->identity;
    kr_session_t *s = apr_pmemdup(k->pool, session, sizeof(*session));
    int done;

    for (int tries = 0; tries < TRIES; tries++) {
        KR_TRY(add_proof(&done, k, s, proof, keep_token));
        *standing = KR_PROOF_HOLDS;
        if (done) *session = *s;
        if (done) return NULL;
        KR_TRY(kr_session_load(&s, k, session->id));
        *standing = KR_PROOF_OVERTAKEN;
        if (!s || !s->active || s->expires_at <= k->now) return NULL;
        session->token_is_old = strcmp(s->token_hash, session->token_hash) != 0;
        if (session->token_is_old) return NULL; /* what the session has become since is not theirs who came with that token */
        KR_TRY(kr_identity_load(&s->identity, k, was->id, 1));
        *standing = kr_proof_standing(proof, was, s->identity);
        if (*standing != KR_PROOF_HOLDS) return NULL;
        s->carrier = session->carrier;
        s->token = session->token;
        s->carried_hash = session->carried_hash;
    }
    *standing = KR_PROOF_OVERTAKEN;
    return NULL;
}

kr_err_t *kr_session_retoken(int *done, kr_ctx_t *k, kr_session_t *s)
{
    const kr_session_row_t before = kr_session_row(k, s);
    kr_session_row_t row;

    new_token(k, s);
    s->updated_at = s->updated_at < k->now ? k->now : s->updated_at + 1;
    row = kr_session_row(k, s);
    return kr_store_session_update(done, k, &row, &before, s->identity->version);
}
