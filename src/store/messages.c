/* SPDX-License-Identifier: Apache-2.0 */
/* The mail queue. Written here; claimed with a lease and sent by the courier. */
#include "kr_store.h"
#include "room.h"

static const kr_query_t MESSAGE_INSERT = {
    .name = "message_insert",
    .sql = "INSERT INTO courier_messages (id, realm_id, status, via, recipient, template_type, sealed, attempts, "
           "send_after, "
           "lease_owner, lease_until, created_at, updated_at) "
           "VALUES (%s, %s, 'queued', %s, %s, %s, %s, 0, %lld, NULL, 0, %lld, %lld)",
};

kr_err_t *kr_store_message_insert(kr_ctx_t *k, const char *id, const char *via, const char *recipient,
                                  const char *template_type, const char *sealed)
{
    return kr_db_exec(NULL, k, &MESSAGE_INSERT, KR_S(id), KR_S(k->realm->name), KR_S(via), KR_S(recipient),
                      KR_S(template_type), KR_S(sealed), KR_I(k->now), KR_I(k->now), KR_I(k->now));
}
