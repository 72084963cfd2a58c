/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A proof becomes a session, or makes one fresh again. Between the reading of the account and here lie a hash, a mail, a wait: what
 * the proof rests on is compared in the statement that writes.
 */
#include <string.h>

#include "kr_json.h"
#include "kr_store_identity.h"
#include "session.h"

/* Who was overtaken this often takes the account for the next try: somebody who keeps it busy must not keep others out. */
#define TRIES 2

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

/* A provider that is linked stays what it was when another one is linked beside it. */
static int still_proves(const kr_identity_t *identity, const kr_proof_t *proof)
{
    const kr_credential_t *is = kr_identity_credential(identity, proof->credential->type);

    return proof->identifier ? is && names(is, proof->identifier) : same_credential(identity, proof->credential) != NULL;
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
    if (proof->credential && !still_proves(is, proof)) return KR_PROOF_VOID;
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

    s->id = proof->planned ? proof->planned->id : kr_uuid(k);
    s->identity_id = identity->id;
    s->active = 1;
    s->epoch = identity->epoch;
    s->methods = kr_json_own(k->pool, onto ? json_deep_copy(onto->methods) : json_array());
    kr_session_add_proof(k, s, proof);
    kr_session_device(k, s);
    if (proof->planned) s->device_id = proof->planned->device_id;
    s->issued_at = s->authenticated_at = s->created_at = s->updated_at = k->now;
    s->expires_at = k->now + k->realm->settings->session_lifespan;
    return s;
}

kr_session_t *kr_session_plan(kr_ctx_t *k, kr_identity_t *identity, const kr_proof_t *proof, const kr_session_t *current,
                              const kr_session_t *onto)
{
    kr_session_t *s;

    if (!current) {
        s = make(k, identity, proof, onto);
    } else {
        s = apr_pmemdup(k->pool, current, sizeof(*current));
        s->methods = kr_json_own(k->pool, json_deep_copy(current->methods));
        kr_session_add_proof(k, s, proof);
        s->authenticated_at = k->now;
        s->expires_at = k->now + k->realm->settings->session_lifespan;
        s->token = NULL;
    }
    s->identity = identity;
    return s;
}

/** A session that is about to be written, and what it rests on. */
typedef struct {
    kr_session_t *session;
    kr_identity_t *was;
    const kr_proof_t *proof;
    kr_standing_e standing;
    int keep_token, done;
    kr_session_t *proved; /* `session` stays as it was read until all is written */
} writing_t;

static kr_err_t *insert(writing_t *w, kr_ctx_t *k, kr_identity_t *is)
{
    kr_session_row_t row;

    w->session->identity = is;
    row = kr_session_row(k, w->session);
    return kr_store_session_insert(&w->done, k, &row, is->version);
}

static kr_err_t *insert_alone(kr_ctx_t *k, void *baton)
{
    writing_t *w = baton;
    kr_identity_t *is;

    w->done = 0;
    KR_TRY(kr_identity_lock(&is, k, w->was->id));
    w->standing = kr_proof_standing(w->proof, w->was, is);
    return w->standing == KR_PROOF_HOLDS ? insert(w, k, is) : NULL;
}

kr_err_t *kr_session_issue(kr_session_t **out, kr_standing_e *standing, kr_ctx_t *k, kr_identity_t *identity,
                           const kr_proof_t *proof, const kr_session_t *onto)
{
    writing_t w = { .session = make(k, identity, proof, onto), .was = identity, .proof = proof };
    kr_identity_t *is = identity;

    new_token(k, w.session);
    *out = NULL;
    *standing = KR_PROOF_HOLDS;
    for (int tries = 0; tries < TRIES && !w.done && *standing == KR_PROOF_HOLDS; tries++) {
        if (tries) KR_TRY(kr_identity_load(&is, k, identity->id, 1));
        if (tries) *standing = kr_proof_standing(proof, identity, is);
        if (*standing == KR_PROOF_HOLDS) KR_TRY(insert(&w, k, is));
    }
    if (!w.done && *standing == KR_PROOF_HOLDS) {
        KR_TRY(kr_db_tx(k, insert_alone, &w)); /* never within another one: who has locked the account is not overtaken */
        *standing = w.done || w.standing != KR_PROOF_HOLDS ? w.standing : KR_PROOF_OVERTAKEN;
    }
    if (w.done) *out = w.session;
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

/* The session and its identity as they are now. @param s NULL when it cannot be proved any more, which w->standing says */
static kr_err_t *read_again(kr_session_t **s, writing_t *w, kr_ctx_t *k)
{
    kr_session_t *session = w->session;

    KR_TRY(kr_session_load(s, k, session->id));
    w->standing = KR_PROOF_OVERTAKEN;
    if (*s && (*s)->active && (*s)->expires_at > k->now) {
        session->token_is_old = strcmp((*s)->token_hash, session->token_hash) != 0;
        /* what the session has become since is not theirs who came with the token of before */
        if (!session->token_is_old) KR_TRY(kr_identity_load(&(*s)->identity, k, w->was->id, 1));
        if (!session->token_is_old) w->standing = kr_proof_standing(w->proof, w->was, (*s)->identity);
    }
    if (w->standing != KR_PROOF_HOLDS) *s = NULL;
    if (!*s) return NULL;
    (*s)->carrier = session->carrier;
    (*s)->token = session->token;
    (*s)->carried_hash = session->carried_hash;
    return NULL;
}

static kr_err_t *prove_again(kr_ctx_t *k, writing_t *w)
{
    kr_session_t *s;

    KR_TRY(read_again(&s, w, k));
    if (!s) return NULL;
    KR_TRY(add_proof(&w->done, k, s, w->proof, w->keep_token));
    w->proved = s;
    return NULL;
}

static kr_err_t *prove_alone(kr_ctx_t *k, void *baton)
{
    writing_t *w = baton;
    int there;

    w->done = 0;
    KR_TRY(kr_store_identity_lock(&there, k, w->was->id));
    return prove_again(k, w);
}

kr_err_t *kr_session_prove(kr_standing_e *standing, kr_ctx_t *k, kr_session_t *session, const kr_proof_t *proof, int keep_token)
{
    writing_t w = { .session = session, .was = session->identity, .proof = proof, .standing = KR_PROOF_HOLDS,
                    .keep_token = keep_token };
    kr_session_t *s = apr_pmemdup(k->pool, session, sizeof(*session));

    KR_TRY(add_proof(&w.done, k, s, proof, keep_token));
    w.proved = s;
    if (!w.done) KR_TRY(prove_again(k, &w));
    if (!w.done && w.standing == KR_PROOF_HOLDS) KR_TRY(kr_db_tx(k, prove_alone, &w));
    if (w.done) *session = *w.proved;
    *standing = w.done || w.standing != KR_PROOF_HOLDS ? w.standing : KR_PROOF_OVERTAKEN;
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
