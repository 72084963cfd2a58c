/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing the schema up to date. A file holds statements that end in `;` at the end of a line; lines that begin with
 * `--` are comments. On MySQL each statement commits by itself, so it must be harmless when it runs twice; columns and keys
 * that are there already are. On SQLite a file is one transaction.
 */
#include <stdlib.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "kr_clock.h"
#include "kr_text.h"
#include "store.h"

#define MAX_FILE_BYTES (1024 * 1024)
#define LOCK_WAIT apr_time_from_sec(30)
#define CAUSE_TOO_NEW (APR_OS_START_USERERR + 403) /* of a kr_err_t; others are in errors.c */

typedef struct {
    int version;
    int since; /* programs that know this version or a later one can work with what it makes; 0: all can */
    const char *name; /* NNNN_name.sql: digits, then [a-z0-9_.] */
    const char *path;
} migration_t;

/* 0: there is no such table; 3: one from before compatible_since. */
static const kr_query_t TABLE_COLUMNS = {
    .name = "migrations_table",
    .mysql = "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = "
             "'schema_migrations'",
    .sqlite = "SELECT COUNT(*) FROM pragma_table_info('schema_migrations')",
};

static const kr_query_t APPLIED_OLD = { .name = "migrations_applied", .sql = "SELECT version, 0 FROM schema_migrations" };
static const kr_query_t APPLIED = { .name = "migrations_applied", .sql = "SELECT version, compatible_since FROM schema_migrations" };

/* GET_LOCK is MySQL's only lock that survives DDL. Names have 64 characters at most and are the whole server's. */
static const kr_query_t SERVER_LOCK = {
    .name = "migrations_lock",
    .sql = "SELECT GET_LOCK(LEFT(CONCAT('kratos_migrate_', DATABASE()), 64), %lld)",
};

static const char CREATE_TABLE[] =
    "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER NOT NULL PRIMARY KEY, "
    "name VARCHAR(128) NOT NULL, applied_at BIGINT NOT NULL)";
static const char ADD_COMPATIBLE[] = "ALTER TABLE schema_migrations ADD COLUMN compatible_since INTEGER NOT NULL DEFAULT 0";

/* -- files ---------------------------------------------------------------- */

static int is_migration(const char *name)
{
    apr_size_t len = strlen(name);

    return len > 9 && len < 128 && strspn(name, "0123456789") == 4 && name[4] == '_' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.") == len && !strcmp(name + len - 4, ".sql");
}

static int by_version(const void *a, const void *b)
{
    return ((const migration_t *)a)->version - ((const migration_t *)b)->version;
}

static kr_err_t *list_files(apr_array_header_t **out, kr_ctx_t *k, const char *folder)
{
    apr_finfo_t info;
    apr_dir_t *dir;
    apr_status_t rv = apr_dir_open(&dir, folder, k->pool);

    *out = apr_array_make(k->pool, 8, sizeof(migration_t));
    if (rv != APR_SUCCESS) return kr_err_internal(k, rv, "migrations: folder %s cannot be read", folder);
    while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        if (!is_migration(info.name)) continue;
        migration_t *m = apr_array_push(*out);
        m->version = atoi(info.name);
        m->name = apr_pstrdup(k->pool, info.name);
        m->path = apr_pstrcat(k->pool, folder, "/", info.name, NULL);
    }
    apr_dir_close(dir);
    if (!(*out)->nelts) return kr_err_internal(k, APR_SUCCESS, "migrations: folder %s holds none", folder);
    qsort((*out)->elts, (size_t)(*out)->nelts, sizeof(migration_t), by_version);
    for (int i = 1; i < (*out)->nelts; i++) {
        const migration_t *m = &APR_ARRAY_IDX(*out, i, migration_t);
        if (m[-1].version == m->version) {
            return kr_err_internal(k, APR_SUCCESS, "migrations: %s and %s have the same number", m[-1].name, m->name);
        }
    }
    return NULL;
}

static kr_err_t *read_text(char **out, kr_ctx_t *k, const char *path)
{
    apr_size_t len = 0;
    apr_finfo_t info;
    apr_file_t *file;
    apr_status_t rv = apr_file_open(&file, path, APR_READ, APR_OS_DEFAULT, k->pool);

    *out = apr_pstrdup(k->pool, "");
    if (rv == APR_SUCCESS) {
        rv = apr_file_info_get(&info, APR_FINFO_SIZE, file);
        if (rv == APR_SUCCESS && info.size > MAX_FILE_BYTES) rv = APR_ENOSPC;
        if (rv == APR_SUCCESS) {
            *out = apr_pcalloc(k->pool, (apr_size_t)info.size + 1);
            rv = apr_file_read_full(file, *out, (apr_size_t)info.size, &len);
        }
        apr_file_close(file);
    }
    return rv == APR_SUCCESS ? NULL : kr_err_internal(k, rv, "migrations: %s cannot be read", path);
}

/* "-- compatible since: 0012", at the beginning of a line. */
static int compatible_since(const char *text)
{
    static const char MARK[] = "-- compatible since: ";
    const char *at = strstr(text, MARK);

    while (at && at != text && at[-1] != '\n') at = strstr(at + 1, MARK);
    return at ? atoi(at + strlen(MARK)) : 0;
}

/* The statements of a file, without comments and semicolons (SQLite's driver fails on what follows one). */
static apr_array_header_t *split_statements(apr_pool_t *pool, char *text)
{
    apr_array_header_t *out = apr_array_make(pool, 16, sizeof(const char *));
    const char *sql = NULL;
    char *last;

    for (char *line = apr_strtok(text, "\r\n", &last); line; line = apr_strtok(NULL, "\r\n", &last)) {
        apr_size_t len = strlen(line);
        const char *begin = line + strspn(line, " \t");
        while (len && strchr(" \t", line[len - 1])) line[--len] = '\0';
        if (!*begin || !strncmp(begin, "--", 2)) continue;
        int ends = line[len - 1] == ';';
        if (ends) line[--len] = '\0';
        sql = sql ? apr_pstrcat(pool, sql, "\n", line, NULL) : line;
        if (!ends) continue;
        APR_ARRAY_PUSH(out, const char *) = sql;
        sql = NULL;
    }
    if (sql) APR_ARRAY_PUSH(out, const char *) = sql;
    return out;
}

/* -- what is pending ------------------------------------------------------ */

static int is_applied(const apr_array_header_t *rows, int version)
{
    for (int i = 0; i < rows->nelts; i++) {
        if (kr_row_int(&APR_ARRAY_IDX(rows, i, kr_row_t), 0) == version) return 1;
    }
    return 0;
}

/*
 * Newer nodes of a rolling upgrade were here. What they added does not disturb; what they took away does, once it is something that this
 * version needs.
 */
static kr_err_t *check_newer(kr_ctx_t *k, const apr_array_header_t *rows, int known)
{
    int newest = known, since = 0;
    kr_err_t *err;

    for (int i = 0; i < rows->nelts; i++) {
        const kr_row_t *row = &APR_ARRAY_IDX(rows, i, kr_row_t);

        if (kr_row_int(row, 0) <= known) continue;
        if (kr_row_int(row, 0) > newest) newest = (int)kr_row_int(row, 0);
        if (kr_row_int(row, 1) > since) since = (int)kr_row_int(row, 1);
    }
    if (newest == known) return NULL;
    if (since > known) {
        kr_log(k, KR_LOG_ERR,
               KRLOGNO(0424) "migrations: the database is at %d and wants a version that knows %d at least; this one knows %d: upgrade it",
               newest, since, known);
        err = kr_err_unavailable(k, 60, "the database was changed for newer versions than this one");
        err->cause = CAUSE_TOO_NEW;
        return err;
    }
    kr_log(k, KR_LOG_WARNING,
           KRLOGNO(0410) "migrations: the database is at %d, which this version does not know; it knows %d and can go on",
           newest, known);
    return NULL;
}

/* Keep of `files` those that are not applied yet. */
static kr_err_t *drop_applied(kr_ctx_t *k, apr_array_header_t *files)
{
    apr_array_header_t *rows = apr_array_make(k->pool, 0, sizeof(kr_row_t));
    migration_t *m = (migration_t *)files->elts;
    apr_int64_t columns;
    kr_row_t *table;
    int kept = 0;

    KR_TRY(kr_db_one_(&table, k, &TABLE_COLUMNS, NULL, 0));
    columns = table ? kr_row_int(table, 0) : 0;
    if (columns) KR_TRY(kr_db_rows_(&rows, k, columns > 3 ? &APPLIED : &APPLIED_OLD, NULL, 0));
    KR_TRY(check_newer(k, rows, m[files->nelts - 1].version));
    for (int i = 0; i < files->nelts; i++) {
        if (!is_applied(rows, m[i].version)) m[kept++] = m[i];
    }
    files->nelts = kept;
    return NULL;
}

/* -- applying ------------------------------------------------------------- */

/* Neither has an ADD COLUMN IF NOT EXISTS. SQLite has no number for it either; its words are the same since there are columns. */
static int is_done_already(kr_ctx_t *k, int rc)
{
    const kr_dbpool_t *dbpool = k->db->owner;

    if (!dbpool->sqlite) return rc == 1060 || rc == 1061 || rc == 1062; /* column, key, row: on a cluster, by another node */
    return strncmp(apr_dbd_error(dbpool->driver, k->db->handle, rc), "duplicate column name", 21) == 0;
}

static kr_err_t *say(kr_ctx_t *k, const char *sql, const char *what)
{
    int rc;
    kr_db_class_e class = kr_db_say(&rc, k, sql);

    if (class == KR_DB_OK || is_done_already(k, rc)) return NULL;
    /* our own text and no values: the driver's words may be shown */
    return kr_err_internal(k, APR_SUCCESS, "migrations: %s failed with code %d: %s", what, rc,
                           apr_dbd_error(k->db->owner->driver, k->db->handle, rc));
}

static kr_err_t *apply_statements(kr_ctx_t *k, const migration_t *m, const apr_array_header_t *statements)
{
    const char *done;

    for (int i = 0; i < statements->nelts; i++) {
        KR_TRY(say(k, APR_ARRAY_IDX(statements, i, const char *),
                   apr_psprintf(k->pool, "%s, statement %d", m->name, i + 1)));
    }
    /* not prepared: the DDL before it would have made it useless on SQLite. is_migration has checked the name */
    done = apr_psprintf(k->pool,
                        "INSERT INTO schema_migrations (version, name, applied_at, compatible_since) VALUES (%d, '%s', %" APR_INT64_T_FMT
                        ", %d)", m->version, m->name, kr_clock_now(), m->since);
    return say(k, done, m->name);
}

static kr_err_t *apply_file(kr_ctx_t *k, migration_t *m)
{
    const int sqlite = k->db->owner->sqlite;
    kr_err_t *err;
    char *text = NULL;
    int rc;

    KR_TRY(read_text(&text, k, m->path));
    m->since = compatible_since(text);
    if (sqlite) KR_TRY(say(k, "BEGIN IMMEDIATE", m->name));
    err = apply_statements(k, m, split_statements(k->pool, text));
    if (sqlite && !err) err = say(k, "COMMIT", m->name);
    if (sqlite && err) (void)kr_db_say(&rc, k, "ROLLBACK");
    if (err) return err;
    kr_log(k, KR_LOG_NOTICE, KRLOGNO(0409) "migrations: %s applied", m->name);
    return NULL;
}

static kr_err_t *lock_out_others(kr_ctx_t *k)
{
    kr_row_t *row;

    if (k->db->owner->sqlite) return kr_db_lock(k, LOCK_WAIT);
    KR_TRY(kr_db_one(&row, k, &SERVER_LOCK, KR_I(apr_time_sec(LOCK_WAIT))));
    if (row && kr_row_int(row, 0) == 1) return NULL;
    return kr_err_unavailable(k, 5, "another server has been changing the database's schema for too long");
}

/*
 * Waiting for the lock, for tables that others are using, and rebuilding a big one may take longer than a request's
 * statement: as long as the server's operator says. One of the last two exists.
 */
static void lift_time_limits(kr_ctx_t *k)
{
    int rc;

    k->db->patient = 1;
    (void)kr_db_say(&rc, k, "SET SESSION lock_wait_timeout=DEFAULT, SESSION innodb_lock_wait_timeout=DEFAULT");
    if (kr_db_say(&rc, k, "SET SESSION max_statement_time=0") != KR_DB_OK) {
        (void)kr_db_say(&rc, k, "SET SESSION max_execution_time=0");
    }
}

static kr_err_t *apply_pending(kr_ctx_t *k, const char *folder)
{
    apr_array_header_t *files;

    KR_TRY(list_files(&files, k, folder));
    KR_TRY(kr_db_acquire(k));
    if (!k->db->owner->sqlite) lift_time_limits(k);
    KR_TRY(lock_out_others(k));
    KR_TRY(drop_applied(k, files)); /* again: whoever had the lock before has done it, as a rule */
    if (!files->nelts) return NULL;
    KR_TRY(say(k, CREATE_TABLE, "schema_migrations"));
    KR_TRY(say(k, ADD_COMPATIBLE, "schema_migrations"));
    for (int i = 0; i < files->nelts; i++) KR_TRY(apply_file(k, &APR_ARRAY_IDX(files, i, migration_t)));
    return NULL;
}

int kr_db_is_too_new(const kr_err_t *err)
{
    return err->cause == CAUSE_TOO_NEW;
}

kr_err_t *kr_db_migrate(int *pending, kr_ctx_t *k, const char *dir, int apply)
{
    kr_dbpool_t *dbpool = k->realm->dbpool;
    const char *folder = apr_pstrcat(k->pool, dir, dbpool->sqlite ? "/sqlite" : "/mysql", NULL);
    apr_array_header_t *files;
    kr_err_t *err;

    *pending = 0;
    kr_db_release(k);
    KR_TRY(list_files(&files, k, folder));
    KR_TRY(drop_applied(k, files));
    *pending = files->nelts;
    if (!files->nelts || !apply) return NULL;

    kr_db_discard(k); /* the work gets a connection without statements, and takes its locks along when it ends */
    err = apply_pending(k, folder);
    if (k->db) kr_db_discard(k);
    apr_atomic_inc32(&dbpool->generation);
    return err;
}
