/* SPDX-License-Identifier: Apache-2.0 */
/* An app that sends its person through a browser waits for the session with a code; the browser comes back with another. */
#include "kr_crypto.h"
#include "session.h"

#define CODE_LENGTH 64

kr_err_t *kr_exchange_begin(const char **code, kr_ctx_t *k, const char *flow_id, apr_time_t expires_at)
{
    *code = kr_random_alnum(k->pool, CODE_LENGTH);
    return kr_store_exchange_insert(k, kr_uuid(k), flow_id, kr_hmac(k->pool, k->realm->keys, KR_KEY_CODE, 0, *code), NULL, NULL,
                                    expires_at);
}

kr_err_t *kr_exchange_waits(int *waits, kr_ctx_t *k, const char *flow_id)
{
    return kr_store_exchange_of_flow(waits, k, flow_id);
}

kr_err_t *kr_exchange_move(kr_ctx_t *k, const char *from, const char *to)
{
    return kr_store_exchange_move(k, from, to);
}

/* The same each time that this flow comes back, so that an app which has it already goes on with it. Nobody else can tell it. */
static const char *back_code(kr_ctx_t *k, const char *flow_id)
{
    const char *tag = kr_hmac(k->pool, k->realm->keys, KR_KEY_CODE, 0, apr_pstrcat(k->pool, "back to the app of ", flow_id, NULL));

    return kr_sha256_hex(k->pool, tag, strlen(tag));
}

kr_err_t *kr_exchange_fill(const char **code, kr_ctx_t *k, const char *flow_id, const char *session_id)
{
    const char *back = back_code(k, flow_id);
    int done;

    KR_TRY(kr_store_exchange_fill(&done, k, flow_id, kr_hmac(k->pool, k->realm->keys, KR_KEY_CODE, 0, back), session_id));
    *code = done ? back : NULL;
    return NULL;
}

/* Any secret of the realm may have hashed them. */
static kr_err_t *take(const char **session_id, const char **flow_id, kr_ctx_t *k, const char *init, const char *back)
{
    const kr_keys_t *keys = k->realm->keys;

    *session_id = *flow_id = NULL;
    for (int i = 0; i < keys->count && !*session_id && !*flow_id; i++)
        KR_TRY(kr_store_exchange_take(session_id, flow_id, k, kr_hmac(k->pool, keys, KR_KEY_CODE, i, init),
                                      kr_hmac(k->pool, keys, KR_KEY_CODE, i, back)));
    return NULL;
}

kr_err_t *kr_exchange_take(kr_session_t **out, const char **flow_id, kr_ctx_t *k, const char *init, const char *back)
{
    kr_session_t *session = NULL;
    const char *id;
    int done;

    *out = NULL;
    KR_TRY(take(&id, flow_id, k, init, back));
    if (id) KR_TRY(kr_session_load(&session, k, id));
    if (!session || !kr_session_usable(k, session)) return NULL;
    KR_TRY(kr_session_retoken(&done, k, session));
    if (done) *out = session;
    return NULL;
}
