/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the store share: connections, error classes, the write lock. Not for other rooms. */
#ifndef KR_STORE_STORE_H
#define KR_STORE_STORE_H

#include <apr_atomic.h>
#include <apr_dbd.h>
#include <apr_hash.h>
#include <apr_reslist.h>
#include <apr_thread_mutex.h>

#include "kr_realm.h"
#include "kr_db.h"

/** How often a statement or transaction is tried when others are in its way, and for how long in all. */
#define KR_DB_TRIES 10
#define KR_DB_PATIENCE apr_time_from_sec(8)

/** Longer texts are refused: a TEXT column holds 64 KiB, and the MySQL driver's buffer as much. */
#define KR_DB_TEXT_MAX (60 * 1024)

/* -- the lock that lets one writer at a time into a SQLite file ------------ */

/** flock() between processes, a mutex between the threads of one. */
typedef struct {
    apr_thread_mutex_t *threads;
    int fd;
    int turn; /* of a second file: only who holds this one may wait for the first, so that processes take turns */
} kr_filelock_t;

/** Open (and make) the lock's files; closed with the pool. What root makes belongs to the owner of its folder. */
apr_status_t kr_filelock_open(kr_filelock_t *lock, apr_pool_t *pool, const char *path);
/** Wait at most `wait` µs. @return APR_TIMEUP when others held it all the time */
apr_status_t kr_filelock_take(kr_filelock_t *lock, apr_time_t wait);
/** Give it back. */
void kr_filelock_give(kr_filelock_t *lock);
/**
 * Make an empty file if there is none: mode 0600, and when root makes it, it belongs to the owner of its folder, so
 * that what a privileged start creates can be opened by unprivileged children.
 * @return a descriptor open for reading and writing, or -1 with errno
 */
int kr_file_make(apr_pool_t *pool, const char *path);
/**
 * The same for a database's file, which must never be opened beside SQLite: its locks are fcntl's, and with the first
 * descriptor of the file that is closed the process loses all of them, and others take the log away from under its
 * connections (sqlite.org/howtocorrupt.html, section 2.2). So it gets its name when it is closed already.
 * @return 0 with errno when there is none and none can be made
 */
int kr_file_prepare(apr_pool_t *pool, const char *path);

/* -- pools and connections ------------------------------------------------ */

/** One place where the database may be. Guarded by the pool's mutex. */
typedef struct {
    const char *params;
    int connecting;         /* threads that are connecting right now */
    apr_time_t since;       /* when the first of them began, or one last succeeded */
    apr_time_t avoid_until; /* it said nothing: nobody asks it until then, even when there is no other */
    apr_time_t trust_until; /* it answered, but would not have us: do not try whether it answers until then */
    int down;               /* it failed, and nobody has reached it since: it is asked after all others until retry_at */
    apr_time_t retry_at;
    apr_time_t failed_at;   /* for the last time */
    int failures;           /* in a row: it is left alone the longer */
    int hung;               /* it is down because it said nothing ... */
    int heard;              /* ... and has said its greeting since */
    int owed;               /* its greeting was heard and not answered: the next one needs a good connection (see hosts.c) */
    unsigned left;          /* grows when all connections to it are to be given up */
    volatile apr_uint64_t abreast_at; /* atomic: it has all that was written before (µs), see fresh.c; 0: never asked */
} kr_dbhost_t;

struct kr_dbpool_t {
    kr_dbconf_t conf;
    const apr_dbd_driver_t *driver;
    int sqlite;
    int nhosts;
    kr_dbhost_t *host;
    const char *lock_path; /* SQLite only */
    /* of this process, from kr_dbpool_open on */
    apr_pool_t *memory; /* of all this; NULL: not open, or abandoned */
    apr_reslist_t *conns;
    apr_thread_mutex_t *mutex;        /* guards what follows, and host[] */
    apr_time_t complained;            /* when an unreachable database was last logged */
    apr_time_t moved;                 /* when a connection last went back to a host before its own */
    int leads_to;                     /* the host of the connection that was made last */
    struct kr_dbconn_t *live;         /* connections to servers, for those who watch */
    int watched;                      /* somebody does */
    volatile apr_uint32_t stuck;      /* atomic: all connections have been hanging for a while, so nobody waits for one */
    apr_uint32_t busy;                /* atomic: connections that somebody has */
    volatile apr_uint32_t generation; /* grows when the schema changes: older connections are closed */
    kr_filelock_t lock;
};

/** See kr_db_after_commit. */
typedef struct {
    kr_after_commit_fn *fn;
    void *baton;
} kr_follow_t;

/** What stands behind a connection. */
typedef enum {
    KR_ALONE,  /* one server, or one that has all that was written */
    KR_GALERA,
    KR_GROUP   /* MySQL's Group Replication, with several members that take changes */
} kr_cluster_e;

/** A connection, or the empty shell of one: the list hands out shells so that connecting blocks nobody else. */
struct kr_dbconn_t {
    kr_dbpool_t *owner;
    apr_pool_t *pool;     /* the shell's; has an allocator of its own, as the connection wanders between threads */
    apr_pool_t *life;     /* of one connection; NULL while there is none */
    apr_pool_t *prepared; /* its statements: goes before the handle does */
    apr_pool_t *scratch;  /* the driver's buffers of one statement */
    apr_dbd_t *handle;    /* NULL: not connected */
    kr_dbhost_t *host;    /* that it leads to */
    unsigned left;        /* host->left when it was made */
    int refused;          /* the try before: the host takes no changes, and was not used for that */
    apr_time_t opened;
    apr_hash_t *statements;
    apr_uint32_t generation;
    apr_time_t last_used; /* when the database last answered on it */
    kr_cluster_e cluster;
    int abreast; /* in this lease: the node has all that was written before it */
    int waits;   /* KR_GROUP: statements of this session wait for that */
    int in_tx;
    int locked; /* holds the write lock */
    int dead;   /* close it instead of putting it back */
    apr_array_header_t *after; /* of kr_follow_t: what follows the commit of this transaction; NULL: nothing */
    int poison; /* kr_db_class_e of a failure inside the transaction: nothing more may be sent but ROLLBACK */
    /* of those who watch */
    kr_dbconn_t *next;             /* under the owner's mutex */
    int fd;                        /* its socket; -1: unknown */
    int patient;                   /* it may take as long as it takes: a migration */
    volatile apr_uint64_t busy;    /* atomic: since when (µs) an answer has been awaited on it; 0: none is */
};

/** Have a connection in k->db. 503 when all are busy for too long or no host answers. */
kr_err_t *kr_db_acquire(kr_ctx_t *k) KR_MUST_CHECK;
/** Throw k->db away. */
void kr_db_discard(kr_ctx_t *k);
/** Take the write lock for k->db; nothing on MySQL. 503 when that takes longer than `wait` µs. */
kr_err_t *kr_db_lock(kr_ctx_t *k, apr_time_t wait) KR_MUST_CHECK;
/** Give the write lock back, if k->db holds it. */
void kr_db_unlock(kr_ctx_t *k);
/** Connect a shell: the first host that is well, session settings made. Logs failures, once a second. */
kr_err_t *kr_conn_open(kr_ctx_t *k, kr_dbconn_t *conn) KR_MUST_CHECK;
/**
 * Does the host that these parameters name say its greeting? Waits two seconds; a process that is leaving does not (kr_leaving).
 * @return APR_TIMEUP when it says nothing; any other failure the driver will meet as well, and at once
 */
apr_status_t kr_conn_greeting(kr_ctx_t *k, apr_pool_t *parent, const char *params);
/** What the MySQL driver will use of `key=value` in its parameters: the last one. NULL when there is none. */
const char *kr_conn_parameter(apr_pool_t *pool, const char *params, const char *key);
/** Send text (SET, PRAGMA) on a connection that may not be ready yet. @return the driver's code */
int kr_conn_say(kr_dbconn_t *conn, const char *sql);
/** Disconnect; the shell stays. */
void kr_conn_close(kr_dbconn_t *conn);

/* -- hosts.c --------------------------------------------------------------- */

/** Begin to connect. @return 0: not now, somebody is finding out already whether it hangs */
int kr_host_may_try(kr_dbpool_t *dbpool, kr_dbhost_t *host);
/** What came of it, whatever it was. @param began  when (kr_clock_ticks) */
void kr_host_was_tried(kr_dbpool_t *dbpool, kr_dbhost_t *host, apr_time_t began, int ok);
/** It said its greeting a while ago, but would not have us: see kr_dbhost_t.trust_until. */
int kr_host_is_trusted(kr_dbpool_t *dbpool, const kr_dbhost_t *host);
/** Remember that. */
void kr_host_trust(kr_dbpool_t *dbpool, kr_dbhost_t *host);
/** Is it one that failed a while ago, so that the others come first? */
int kr_host_is_asked_last(kr_dbpool_t *dbpool, const kr_dbhost_t *host);
/** It is of no use for now (takes no changes, has no quorum, shuts down): its connections are given up. Nothing when it is the only one. */
void kr_host_failed(kr_dbpool_t *dbpool, kr_dbhost_t *host);
/** It says nothing. The caller holds the pool's mutex, and cuts those who wait for it. */
void kr_host_hangs(kr_dbhost_t *host);
/** Should another connection take the place of this one, as its host failed, or as one before it is well again? */
int kr_host_is_left(kr_dbconn_t *conn);
/** "host 2 of 3 (db2.example.org)": of the parameters nothing that may be secret. */
const char *kr_host_label(apr_pool_t *pool, const kr_dbpool_t *dbpool, int i);

/* -- fresh.c --------------------------------------------------------------- */

/** May this node lack what was written at others before this piece of work began? */
int kr_fresh_may_lag(const kr_dbconn_t *conn);
/** Must the statement wait for that? @param missed  it was asked without, and found nothing */
int kr_fresh_is_due(kr_dbconn_t *conn, const kr_query_t *q, const char *sql, int missed);
/** A statement waited, and was done. @param began  when it was sent (kr_clock_ticks): what was written before then is here */
void kr_fresh_reached(kr_dbconn_t *conn, apr_time_t began);
/** Its text, so that it waits. */
const char *kr_fresh_text(apr_pool_t *pool, const kr_dbconn_t *conn, const char *sql, int due);
/** What must be said before it. @return the driver's code */
int kr_fresh_prepare(kr_dbconn_t *conn, int due);

/* -- watch.c --------------------------------------------------------------- */

/** A connection to a server stands: it can be watched. Harmless where nobody watches. */
void kr_watch_add(kr_dbconn_t *conn);
/** It is going to be closed. */
void kr_watch_remove(kr_dbconn_t *conn);
/** An answer is awaited on it from now on ... */
void kr_watch_begin(kr_dbconn_t *conn);
/** ... until now. */
void kr_watch_end(kr_dbconn_t *conn);

/* -- errors --------------------------------------------------------------- */

/** What a driver's return code means for us. */
typedef enum {
    KR_DB_OK,
    KR_DB_TAKEN,  /* a unique key is taken */
    KR_DB_ORPHAN, /* what the row belongs to was deleted meanwhile */
    KR_DB_AGAIN,  /* deadlock, lock time-out, certification failure, busy: try again */
    KR_DB_GONE,   /* the connection (or the statements prepared on it) cannot be used any more */
    KR_DB_SLOW,   /* the server gave up on the statement, or is full: 503 */
    KR_DB_UNFIT,  /* a value is too long for its column or no valid text */
    KR_DB_BROKEN  /* anything else: an operator must look */
} kr_db_class_e;

/** Class of a return code. For SQLite it asks the handle, so call it before anything else touches that. */
kr_db_class_e kr_db_classify(kr_dbconn_t *conn, int rc);
/**
 * Is it sure that a statement which was sent and failed with this code was not done? Ask at once, as kr_db_classify.
 * @param unused  for how long (µs) the connection had not been used before
 * @param took    how long (µs) it took to fail
 */
int kr_db_was_undone(kr_dbconn_t *conn, int rc, apr_time_t unused, apr_time_t took);
/** Does the code mean that the host is of no use for now, and not only this connection? */
int kr_db_leaves_host(kr_dbconn_t *conn, int rc);
/** Is it a server that takes no changes? */
int kr_db_is_read_only(kr_dbconn_t *conn, int rc);
/** A COMMIT whose answer never came: 503 that says so, and nobody sends it again. */
kr_err_t *kr_db_unknown(kr_ctx_t *k, int rc);
/** The error for it; `what` names the statement. Logs what an operator must see, never a value. */
kr_err_t *kr_db_fail(kr_ctx_t *k, kr_db_class_e class, int rc, const char *what);
/** Is it an error that running the transaction again may cure? */
int kr_db_is_again(const kr_err_t *err);
/** Sleep before try number `attempt` (1, 2, ...): 1 ms, doubled each time, with jitter. */
void kr_db_pause(int attempt);

/* -- statements ----------------------------------------------------------- */

/** Send fixed text without arguments or rows (BEGIN, SET, DDL) on k->db. */
kr_db_class_e kr_db_say(int *rc, kr_ctx_t *k, const char *sql);

/** Run a statement that is meant for one row. @param done  0: there is no such row */
#define kr_db_hit(done, k, q, ...) kr_db_hit_((done), (k), (q), KR_ARGS_(__VA_ARGS__))
/** See kr_db_hit. */
kr_err_t *kr_db_hit_(int *done, kr_ctx_t *k, const kr_query_t *q, const kr_arg_t *args, int nargs) KR_MUST_CHECK;

/* -- feed.c: what other processes and nodes remember of sessions ------------ */

/**
 * As kr_db_exec, for a statement that makes somebody's sessions other than they were: tells of it, if it hit, in the same transaction; that is
 * one of its own where none is open.
 * @param affected     may be NULL
 * @param identity_id  whose; "": all of the realm
 */
#define kr_feed_exec(affected, k, identity_id, q, ...) kr_feed_exec_((affected), (k), (identity_id), (q), KR_ARGS_(__VA_ARGS__))
/** The same for one that is meant for one row, as kr_db_hit. @param done  0: there is no such row */
#define kr_feed_hit(done, k, identity_id, q, ...) kr_feed_hit_((done), (k), (identity_id), (q), KR_ARGS_(__VA_ARGS__))
/** See kr_feed_exec. */
kr_err_t *kr_feed_exec_(apr_int64_t *affected, kr_ctx_t *k, const char *identity_id, const kr_query_t *q, const kr_arg_t *args,
                        int nargs) KR_MUST_CHECK;
/** See kr_feed_hit. */
kr_err_t *kr_feed_hit_(int *done, kr_ctx_t *k, const char *identity_id, const kr_query_t *q, const kr_arg_t *args, int nargs) KR_MUST_CHECK;
/** Tell of it, inside a transaction: once in each, however often it is called. */
kr_err_t *kr_feed_tell(kr_ctx_t *k, const char *identity_id) KR_MUST_CHECK;
/** Tell the processes of this node alone. */
void kr_feed_note(kr_ctx_t *k, const char *identity_id);

/* -- values --------------------------------------------------------------- */

/** Can this be an id of ours at all? Others are not looked up: MySQL answers text outside ASCII with an error. */
int kr_store_id_ok(const char *id);

#endif
