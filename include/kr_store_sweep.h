/* SPDX-License-Identifier: Apache-2.0 */
/* Expired rows go: the one statement family that is bound to no realm. */
#ifndef KR_STORE_SWEEP_H
#define KR_STORE_SWEEP_H

#include "kr_db.h"

/** Table families that expire. */
#define KR_SWEEP_FAMILIES 10

/** How far the cleaning of one database has come: of one process, all zero at first. */
typedef struct {
    int family;
    apr_time_t at[KR_SWEEP_FAMILIES];
    apr_int64_t deleted;       /* in all; the caller sets it back */
    int done;                  /* nothing is left that may go now; the next call begins anew */
} kr_sweep_t;

/**
 * Delete about `batch` expired rows of one table family, all realms of this database; flows and sessions by expires_at,
 * revoked sessions, messages and errors by age. Flows that nobody submitted go minutes after they expire, all others a day
 * after. Two small statements, no transaction: call it until sweep->done.
 */
kr_err_t *kr_store_sweep(kr_sweep_t *sweep, kr_ctx_t *k, int batch) KR_MUST_CHECK;

#endif
