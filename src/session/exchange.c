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

/* Any secret of the realm may have hashed them. */
static kr_err_t *take(const char **session_id, kr_ctx_t *k, const char *init, const char *back)
{
    const kr_keys_t *keys = k->realm->keys;

    *session_id = NULL;
    for (int i = 0; i < keys->count && !*session_id; i++)
        KR_TRY(kr_store_exchange_take(session_id, k, kr_hmac(k->pool, keys, KR_KEY_CODE, i, init),
                                      kr_hmac(k->pool, keys, KR_KEY_CODE, i, back)));
    return NULL;
}

kr_err_t *kr_exchange_take(kr_session_t **out, kr_ctx_t *k, const char *init, const char *back)
{
    kr_session_t *session = NULL;
    const char *id;
    int done;

    *out = NULL;
    KR_TRY(take(&id, k, init, back));
    if (id) KR_TRY(kr_session_load(&session, k, id));
    if (!session || !kr_session_usable(k, session)) return NULL;
    KR_TRY(kr_session_retoken(&done, k, session));
    if (done) *out = session;
    return NULL;
}
