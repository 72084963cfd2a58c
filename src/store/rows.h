/* SPDX-License-Identifier: Apache-2.0 */
/* Columns that several joins of the store read, and how they become rows: list and reader have the same order. */
#ifndef KR_STORE_ROWS_H
#define KR_STORE_ROWS_H

#include "kr_store_identity.h"

/** What whoami shows of an identity: no metadata_admin, which stays out of the frequent statements. */
#define KR_IDENTITY_COLUMNS                                                                                            \
    "i.id, i.schema_id, i.state, i.traits, i.metadata_public, i.external_id, i.available_aal, i.state_changed_at, "    \
    "i.created_at, i.updated_at, i.version, i.session_epoch"
#define KR_IDENTITY_NCOLUMNS 12

#define KR_ADDRESS_COLUMNS                                                                                             \
    "a.id, a.via, a.value, a.status, a.recovery, a.verified, a.position, a.verified_at, a.created_at, a.updated_at"
#define KR_ADDRESS_NCOLUMNS 10

/** An identity without addresses, credentials and identifiers from the columns from `at` on. */
kr_identity_rows_t *kr_rows_identity(apr_pool_t *pool, const kr_row_t *row, int at);
/** Add the address that stands in the columns from `at` on, by its position; none when a LEFT JOIN found none. */
void kr_rows_address(kr_identity_rows_t *out, const kr_row_t *row, int at);

#endif
