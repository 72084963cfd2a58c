/* SPDX-License-Identifier: Apache-2.0 */
/* One-time codes, as keyed hashes. They go with their flow, their address or their identity. */
#include "kr_store.h"
#include "room.h"

static const kr_query_t CODE_INSERT = {
    .name = "code_insert",
    .sql = "INSERT INTO codes (id, realm_id, flow_id, kind, address, address_id, identity_id, code_hash, attempts, "
           "used_at, "
           "expires_at, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 0, 0, %lld, %lld)",
};

kr_err_t *kr_store_code_insert(kr_ctx_t *k, const char *id, const char *flow_id, const char *kind, const char *address,
                               const char *address_id, const char *identity_id, const char *code_hash,
                               apr_time_t expires_at)
{
    return kr_db_exec(NULL, k, &CODE_INSERT, KR_S(id), KR_S(k->realm->name), KR_S(flow_id), KR_S(kind), KR_S(address),
                      KR_S(address_id), KR_S(identity_id), KR_S(code_hash), KR_I(expires_at), KR_I(k->now));
}
