/* SPDX-License-Identifier: Apache-2.0 */
/* Several sessions at once: of a person, of a realm, of those who are connected. */
#include "session.h"

/* All of them with one identity, or with none. */
static apr_array_header_t *from_rows(kr_ctx_t *k, const apr_array_header_t *rows, kr_identity_t *identity)
{
    apr_array_header_t *list = apr_array_make(k->pool, rows->nelts, sizeof(kr_session_t));

    for (int i = 0; i < rows->nelts; i++) {
        kr_session_t *s = apr_array_push(list);

        kr_session_from_row(s, k, &APR_ARRAY_IDX(rows, i, kr_session_row_t));
        s->identity = identity;
    }
    return list;
}

kr_err_t *kr_session_others(apr_array_header_t **out, apr_int64_t *total, kr_ctx_t *k, const kr_session_t *session, int limit,
                            int offset)
{
    apr_array_header_t *rows;

    KR_TRY(kr_store_session_list(&rows, total, k, session->identity_id, session->id, limit, offset));
    *out = from_rows(k, rows, session->identity);
    return NULL;
}

kr_err_t *kr_session_page(apr_array_header_t **out, kr_ctx_t *k, const char *identity_id, int active, const char *after, int limit)
{
    apr_array_header_t *rows;

    KR_TRY(kr_store_session_page(&rows, k, identity_id, active, after, limit));
    *out = from_rows(k, rows, NULL);
    return NULL;
}

_Static_assert(KR_SESSIONS_ALIVE_MAX == KR_STORE_ALIVE_MAX, "one statement asks for all of them");

kr_err_t *kr_sessions_alive(apr_array_header_t **out, kr_ctx_t *k, const char *const *ids, int n)
{
    return kr_store_sessions_alive(out, k, ids, n);
}
