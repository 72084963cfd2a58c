/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of flows: one table for all five kinds. Every statement is bound to k->realm. */
#ifndef KR_STORE_FLOW_H
#define KR_STORE_FLOW_H

#include "kr_db.h"

typedef struct {
    const char *id;
    const char *kind;          /* "login", "registration", "settings", "recovery", "verification" */
    const char *type;          /* "browser" or "api" */
    const char *state;
    const char *active;        /* method, or NULL */
    const char *ui;            /* JSON {"messages":[...],"nodes":[...]} */
    const char *internal;      /* JSON object, or NULL */
    const char *request_url;
    const char *csrf_hash;     /* keyed hash of the anti-CSRF cookie's value; NULL in api flows */
    const char *identity_id;   /* settings, recovery; or NULL */
    const char *schema_id;     /* identity_schema that was asked for, or NULL */
    const char *organization_id; /* or NULL */
    int refresh;
    const char *requested_aal; /* "aal1", "aal2"; NULL outside login */
    int submit_count;
    apr_int64_t spent;         /* challenges that are used up; inserted as 0, written by kr_store_flow_spend alone */
    apr_time_t issued_at, expires_at, created_at, updated_at;
} kr_flow_row_t;

/** Insert a flow: one statement. */
kr_err_t *kr_store_flow_insert(kr_ctx_t *k, const kr_flow_row_t *flow) KR_MUST_CHECK;
/** Load a flow of that kind: one statement. @param out NULL when there is none */
kr_err_t *kr_store_flow_load(kr_flow_row_t **out, kr_ctx_t *k, const char *kind, const char *id) KR_MUST_CHECK;
/**
 * Write what may change: state, active, ui, internal, identity_id, csrf_hash, updated_at. The count of tries has a way of its own.
 * @param flow  its `ui` is NULL where that stays as it is
 */
kr_err_t *kr_store_flow_update(kr_ctx_t *k, const kr_flow_row_t *flow) KR_MUST_CHECK;

/** A credential that is used up together with a challenge: see kr_store_flow_spend. */
typedef struct {
    const char *id;            /* of its row; NULL: no credential is touched */
    apr_int64_t version, was;  /* it must be of this version, and used up this far */
    const char *config;        /* what it becomes */
    apr_int64_t spent;         /* and how far it is used up then; another number than `was` */
    const kr_tries_t *tries;   /* there must not be too many wrong ones; NULL: nobody counts */
} kr_store_spend_t;

/**
 * As kr_store_flow_update, if as many challenges are used up as `flow` says; and use up a credential. One statement, on SQLite a
 * transaction of two: never within another one.
 * @param once  1: one more challenge is used up by it
 * @param done  0: another request was faster, and nothing was written
 */
kr_err_t *kr_store_flow_spend(int *done, kr_ctx_t *k, const kr_flow_row_t *flow, int once, const kr_store_spend_t *spend) KR_MUST_CHECK;

/** Write `internal` alone, if updated_at is still what it is in `flow`; it moves. @param done 0: it is not, and nothing was written */
kr_err_t *kr_store_flow_claim(int *done, kr_ctx_t *k, const kr_flow_row_t *flow) KR_MUST_CHECK;
/** Count one more try of a flow, in the caller's transaction. @param tries  the number it is now */
kr_err_t *kr_store_flow_count(int *tries, kr_ctx_t *k, const char *flow_id) KR_MUST_CHECK;

#endif
