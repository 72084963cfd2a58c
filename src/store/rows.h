/* SPDX-License-Identifier: Apache-2.0 */
/* Columns that several joins of the store read, and how they become rows: list and reader have the same order. */
#ifndef KR_STORE_ROWS_H
#define KR_STORE_ROWS_H

#include "kr_store_identity.h"
#include "kr_store_session.h"

/** What whoami shows of an identity: no metadata_admin, which stays out of the frequent statements. */
#define KR_IDENTITY_COLUMNS                                                                                            \
    "i.id, i.schema_id, i.state, i.traits, i.metadata_public, i.external_id, i.available_aal, i.state_changed_at, "    \
    "i.created_at, i.updated_at, i.version, i.session_epoch"
#define KR_IDENTITY_NCOLUMNS 12

#define KR_ADDRESS_COLUMNS                                                                                             \
    "a.id, a.via, a.value, a.status, a.recovery, a.verified, a.position, a.verified_at, a.created_at, a.updated_at"
#define KR_ADDRESS_NCOLUMNS 10

#define KR_CREDENTIAL_COLUMNS "c.id, c.type, c.config, c.created_at, c.updated_at, c.version, c.spent"
#define KR_CREDENTIAL_NCOLUMNS 7

/* One that was ended by itself, or with all others of its identity: then its epoch is an older one. */
#define KR_SESSION_ACTIVE "(s.active = 1 AND s.epoch = i.session_epoch)"

#define KR_SESSION_COLUMNS                                                                                             \
    "s.id, s.identity_id, s.token_hash, s.old_token_hash, s.old_token_until, s.aal, s.methods, " KR_SESSION_ACTIVE ", " \
    "s.device_id, "                                                                                                    \
    "s.ip_address, s.user_agent, s.location, s.issued_at, s.authenticated_at, s.expires_at, s.created_at, "            \
    "s.updated_at, s.epoch, s.old_aal, s.old_methods, s.old_authenticated_at, s.seen_at"
#define KR_SESSION_NCOLUMNS 22

#define KR_SESSION_FROM " FROM sessions s JOIN identities i ON i.id = s.identity_id "

/** An identity without addresses, credentials and identifiers from the columns from `at` on. */
kr_identity_rows_t *kr_rows_identity(apr_pool_t *pool, const kr_row_t *row, int at);
/** Add the address that stands in the columns from `at` on, by its position; none when a LEFT JOIN found none. */
void kr_rows_address(kr_identity_rows_t *out, const kr_row_t *row, int at);
/** Add the credential that stands in the columns from `at` on. */
void kr_rows_credential(kr_identity_rows_t *out, const kr_row_t *row, int at);
/** Add an identifier. */
void kr_rows_identifier(kr_identity_rows_t *out, const char *credential_id, const char *type, const char *identifier);
/** A session from the columns KR_SESSION_COLUMNS, which come first. */
void kr_rows_session(kr_session_row_t *s, const kr_row_t *row);

#endif
