/* SPDX-License-Identifier: Apache-2.0 */
/* What the drivers' return codes mean. Branches on numbers only: texts may hold values, and differ between versions. */
#include <stdlib.h>

#include <sqlite3.h>

#include "kr_clock.h"
#include "kr_text.h"
#include "store.h"

/* kr_err_t.cause of errors that callers tell apart. */
#define CAUSE_DUPLICATE (APR_OS_START_USERERR + 401)
#define CAUSE_AGAIN (APR_OS_START_USERERR + 402)

#define LOST 2013     /* the connection broke while the answer was awaited */
#define LOST_TLS 2026 /* the same when it is encrypted */

/*
 * A connection that breaks at once, after as long a silence, was dead before the statement. One that was cut because nobody answered was
 * not: a host that wakes up may yet do what it was told.
 */
#define LONG_UNUSED apr_time_from_sec(1)
#define AT_ONCE apr_time_from_msec(500)

/* What else a number says. */
#define UNDONE 1    /* the server said no before it did anything, or never got the statement */
#define LEAVE 2     /* the host is of no use for now, and not only the connection */
#define READ_ONLY 4 /* it takes no changes */

/* The MySQL driver returns the server's or the client library's error number. */
/* clang-format off */
static const struct code {
    int rc;
    kr_db_class_e class;
    unsigned says;
} MYSQL_CODES[] = {
    { 1062, KR_DB_TAKEN, 0 },
    { 1452, KR_DB_ORPHAN, 0 },
    { 1213, KR_DB_AGAIN, 0 }, /* deadlock; on Galera also a lost certification, at any statement or at COMMIT */
    { 1205, KR_DB_AGAIN, 0 }, /* lock wait time-out */
    { 1020, KR_DB_AGAIN, 0 }, /* row changed since it was read (MariaDB with snapshot isolation) */
    { 1047, KR_DB_GONE, UNDONE | LEAVE }, /* Galera node without quorum */
    { 1053, KR_DB_GONE, LEAVE },          /* server shuts down */
    { 1158, KR_DB_GONE, 0 },              /* the server could not read what we sent */
    { 1159, KR_DB_GONE, 0 },              /* not in time */
    { 1160, KR_DB_GONE, 0 },              /* the server could not send its answer */
    { 1161, KR_DB_GONE, 0 },              /* not in time */
    { 1180, KR_DB_GONE, LEAVE },          /* error during COMMIT: quorum lost. Others may have got it or not */
    { 1243, KR_DB_GONE, UNDONE },         /* the server does not know the prepared statement */
    { 1290, KR_DB_GONE, UNDONE | LEAVE | READ_ONLY }, /* it was the primary before; another host may be now */
    { 1615, KR_DB_GONE, UNDONE },         /* prepared statement needs to be prepared again */
    { 1792, KR_DB_GONE, UNDONE | LEAVE | READ_ONLY }, /* its transactions are read-only unless they say otherwise */
    { 1836, KR_DB_GONE, UNDONE | LEAVE | READ_ONLY }, /* read-only mode */
    { 1874, KR_DB_GONE, UNDONE | LEAVE | READ_ONLY }, /* InnoDB is */
    { 1927, KR_DB_GONE, 0 },              /* connection was killed */
    { 2006, KR_DB_GONE, UNDONE },
    { LOST, KR_DB_GONE, 0 },
    { 2014, KR_DB_GONE, 0 },              /* commands out of sync */
    { LOST_TLS, KR_DB_GONE, 0 },
    { 2030, KR_DB_GONE, UNDONE },         /* statement not prepared */
    { 2055, KR_DB_GONE, 0 },              /* lost connection, with errno */
    { 2057, KR_DB_GONE, 0 },              /* columns changed below a prepared statement */
    { 3032, KR_DB_GONE, LEAVE },          /* MySQL: its operator took the server off the line */
    { 3092, KR_DB_GONE, LEAVE },          /* Group Replication: the server is no member of the group */
    { 3100, KR_DB_GONE, LEAVE },          /* the same, found out at COMMIT */
    { 3101, KR_DB_AGAIN, 0 },             /* Group Replication: another member's transaction was certified first */
    { 3169, KR_DB_GONE, 0 },              /* MySQL: session was killed */
    { 3797, KR_DB_GONE, UNDONE | LEAVE }, /* Group Replication: the group cannot be asked what is not applied here yet */
    { 3798, KR_DB_GONE, UNDONE | LEAVE }, /* likewise, what others still wait for */
    { 4031, KR_DB_GONE, UNDONE },         /* MySQL 8: closed for having been idle */
    { 1021, KR_DB_SLOW, 0 },  /* disk full */
    { 1114, KR_DB_SLOW, 0 },  /* table full */
    { 1317, KR_DB_SLOW, 0 },  /* query interrupted */
    { 1637, KR_DB_SLOW, 0 },  /* too many transactions */
    { 1969, KR_DB_SLOW, 0 },  /* MariaDB: max_statement_time */
    { 3024, KR_DB_SLOW, 0 },  /* MySQL: max_execution_time */
    { 1267, KR_DB_UNFIT, 0 }, /* text outside ASCII compared with an ASCII column */
    { 1366, KR_DB_UNFIT, 0 }, /* no valid UTF-8 */
    { 1406, KR_DB_UNFIT, 0 }, /* too long for the column */
    { 3854, KR_DB_UNFIT, 0 }, /* MySQL: cannot be converted to the column's character set */
    { 3988, KR_DB_UNFIT, 0 }, /* the same, for parameters */
};
/* clang-format on */

static const struct code *mysql_code(int rc)
{
    static const struct code UNKNOWN = { 0, KR_DB_BROKEN, 0 };

    for (int i = 0; i < KR_DIM(MYSQL_CODES); i++) {
        if (MYSQL_CODES[i].rc == rc) return &MYSQL_CODES[i];
    }
    return &UNKNOWN;
}

/* What SQLite's extended codes mean; of others the last byte counts. */
static const struct {
    int code;
    kr_db_class_e class;
} SQLITE_CODES[] = {
    { SQLITE_CONSTRAINT_UNIQUE, KR_DB_TAKEN },
    { SQLITE_CONSTRAINT_PRIMARYKEY, KR_DB_TAKEN },
    { SQLITE_CONSTRAINT_ROWID, KR_DB_TAKEN },
    { SQLITE_CONSTRAINT_FOREIGNKEY, KR_DB_ORPHAN },
    { SQLITE_CONSTRAINT_CHECK, KR_DB_UNFIT }, /* our CHECKs are about lengths */
    { SQLITE_OK, KR_DB_GONE }, /* failed, and the handle knows of no error: a statement from before a schema change */
    { SQLITE_BUSY, KR_DB_AGAIN },
    { SQLITE_LOCKED, KR_DB_AGAIN },
    { SQLITE_PROTOCOL, KR_DB_AGAIN },
    { SQLITE_SCHEMA, KR_DB_GONE },
    { SQLITE_CANTOPEN, KR_DB_GONE },
    { SQLITE_IOERR, KR_DB_GONE },
    { SQLITE_FULL, KR_DB_SLOW },
    { SQLITE_NOMEM, KR_DB_SLOW },
    { SQLITE_TOOBIG, KR_DB_UNFIT },
};

static kr_db_class_e class_of(int code)
{
    for (int i = 0; i < KR_DIM(SQLITE_CODES); i++)
        if (SQLITE_CODES[i].code == code) return SQLITE_CODES[i].class;
    return (code & 0xff) == code ? KR_DB_BROKEN : class_of(code & 0xff);
}

/* SQLite's driver answers a bare 1 to most of what goes wrong; only the handle knows more. */
static kr_db_class_e classify_sqlite(kr_dbconn_t *conn, int rc)
{
    sqlite3 *db = apr_dbd_native_handle(conn->owner->driver, conn->handle);

    return class_of(rc == SQLITE_ERROR ? sqlite3_extended_errcode(db) : rc);
}

int kr_db_was_undone(kr_dbconn_t *conn, int rc, apr_time_t unused, apr_time_t took)
{
    int code;

    if (!conn->owner->sqlite) {
        if (rc == LOST || rc == LOST_TLS) return unused > LONG_UNUSED && took < AT_ONCE;
        return (mysql_code(rc)->says & UNDONE) != 0;
    }
    code = rc == SQLITE_ERROR ? sqlite3_extended_errcode(apr_dbd_native_handle(conn->owner->driver, conn->handle)) : rc;
    return code == SQLITE_OK || (code & 0xff) == SQLITE_SCHEMA; /* a statement from before a schema change */
}

int kr_db_is_read_only(kr_dbconn_t *conn, int rc)
{
    return !conn->owner->sqlite && (mysql_code(rc)->says & READ_ONLY);
}

int kr_db_leaves_host(kr_dbconn_t *conn, int rc)
{
    return !conn->owner->sqlite && (mysql_code(rc)->says & LEAVE);
}

kr_db_class_e kr_db_classify(kr_dbconn_t *conn, int rc)
{
    if (rc == 0) return KR_DB_OK;
    return conn->owner->sqlite ? classify_sqlite(conn, rc) : mysql_code(rc)->class;
}

#define RACED "the account was changed at the same moment, please try again"

/* A server that takes no writes must not look like a broken line: its owner would look in the wrong place. */
static kr_err_t *fail_gone(kr_ctx_t *k, int rc, const char *what)
{
    const char *reason = "the connection to the database was lost";
    kr_err_t *err;

    if (mysql_code(rc)->says & READ_ONLY) {
        reason = "the database takes no changes at the moment";
        kr_log(k, KR_LOG_ERR,
               KRLOGNO(0419) "%s: the database server is read-only (%d): a replica, or set so by somebody", what, rc);
    } else {
        kr_log(k, KR_LOG_WARNING, KRLOGNO(0404) "%s: the connection to the database was lost (%d)", what, rc);
    }
    err = kr_err_unavailable(k, 1, "%s", reason);
    err->cause = CAUSE_AGAIN;
    return err;
}

kr_err_t *kr_db_fail(kr_ctx_t *k, kr_db_class_e class, int rc, const char *what)
{
    kr_err_t *err;

    switch (class) {
    case KR_DB_OK: return NULL;
    case KR_DB_TAKEN:
        err = kr_err(k, 409, NULL, "this exists already");
        err->cause = CAUSE_DUPLICATE;
        return err;
    case KR_DB_ORPHAN: return kr_err(k, 409, NULL, "%s", RACED);
    case KR_DB_AGAIN:
        kr_log(k, KR_LOG_INFO, KRLOGNO(0403) "%s: others were in the way (%d)", what, rc);
        err = kr_err_unavailable(k, 1, "the database has too much to do");
        err->cause = CAUSE_AGAIN;
        return err;
    case KR_DB_GONE: return fail_gone(k, rc, what);
    case KR_DB_SLOW:
        kr_log(k, KR_LOG_ERR, KRLOGNO(0405) "%s: the database gave up (%d)", what, rc);
        return kr_err_unavailable(k, 2, "the database could not do it in time");
    case KR_DB_UNFIT:
        kr_log(k, KR_LOG_INFO, KRLOGNO(0406) "%s: a value does not fit its column (%d)", what, rc);
        return kr_err(k, 400, NULL, "a value is too long or holds characters that cannot be stored");
    case KR_DB_BROKEN:
    default: return kr_err_internal(k, APR_SUCCESS, "database: statement \"%s\" failed with code %d", what, rc);
    }
}

/* No CAUSE_AGAIN: whoever sends it again must look first. */
kr_err_t *kr_db_unknown(kr_ctx_t *k, int rc)
{
    kr_log(k, KR_LOG_WARNING, KRLOGNO(0423) "COMMIT: the connection to the database was lost (%d) before it said whether it was done", rc);
    return kr_err_unavailable(k, 1, "the connection to the database was lost at the very moment of saving: it may be saved, or not");
}

kr_err_t *kr_db_raced(kr_ctx_t *k)
{
    kr_err_t *err = kr_err(k, 409, NULL, "%s", RACED);

    err->cause = CAUSE_AGAIN;
    return err;
}

int kr_db_is_duplicate(const kr_err_t *err)
{
    return err && err->cause == CAUSE_DUPLICATE;
}

int kr_db_is_again(const kr_err_t *err)
{
    return err && err->cause == CAUSE_AGAIN;
}

void kr_db_pause(int attempt)
{
    apr_interval_time_t base = apr_time_from_msec(1) << (attempt > 8 ? 8 : attempt);

    /* the clock's last digits differ enough between those who collided */
    apr_sleep(base / 2 + kr_clock_ticks() % base);
}
