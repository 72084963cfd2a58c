/* SPDX-License-Identifier: Apache-2.0 */
/*
 * On a cluster a node applies what others wrote a moment later than they said that it is done. Whoever was told by another node (a flow that
 * was made there, a session that was issued there) must find it here: so the first statement of a piece of work waits until this node has
 * all that was written before, and what follows on the same connection needs no more. Others do not wait (kr_lag_e).
 */
#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "kr_clock.h"
#include "store.h"

/* Rows that are only added rest on nothing that may miss here; keys that collide are found out when the cluster certifies them. */
static int only_adds(const char *sql)
{
    return strncasecmp(sql, "INSERT", 6) == 0;
}

int kr_fresh_may_lag(const kr_dbconn_t *conn)
{
    return conn->cluster != KR_ALONE && !conn->abreast && !conn->in_tx;
}

/*
 * What is not waited for may be as old as this: a session that was ended at another node is refused here after two seconds at the latest,
 * however far the host is behind. One statement in that time waits, for all threads of the process.
 */
#define TRUSTED_FOR apr_time_from_msec(1500)

static int is_long_ago(kr_dbconn_t *conn)
{
    apr_time_t known = (apr_time_t)apr_atomic_read64(&conn->host->abreast_at);

    return !known || kr_clock_ticks() - known > TRUSTED_FOR;
}

int kr_fresh_is_due(kr_dbconn_t *conn, const kr_query_t *q, const char *sql, int missed)
{
    if (!kr_fresh_may_lag(conn) || only_adds(sql)) return 0;
    return q->lag == KR_LAG_NONE || (q->lag == KR_LAG_UNLESS_MISSING && (missed || is_long_ago(conn)));
}

void kr_fresh_reached(kr_dbconn_t *conn, apr_time_t began)
{
    conn->abreast = 1;
    apr_atomic_set64(&conn->host->abreast_at, (apr_uint64_t)began);
}

const char *kr_fresh_text(apr_pool_t *pool, const kr_dbconn_t *conn, const char *sql, int due)
{
    /* 7: before reading, changing and adding */
    return due && conn->cluster == KR_GALERA ? apr_pstrcat(pool, "SET STATEMENT wsrep_sync_wait=7 FOR ", sql, NULL) : sql;
}

/* Group Replication has it for a session only, and not inside of transactions. It stays until a statement wants it otherwise. */
int kr_fresh_prepare(kr_dbconn_t *conn, int due)
{
    int rc;

    if (conn->cluster != KR_GROUP || conn->in_tx || conn->waits == due) return 0;
    rc = kr_conn_say(conn, due ? "SET SESSION group_replication_consistency='BEFORE'"
                               : "SET SESSION group_replication_consistency='EVENTUAL'");
    if (rc == 0) conn->waits = due;
    return rc;
}
