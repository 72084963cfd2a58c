/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the client library of MySQL will find about TLS in its option files. It reads them by itself when it connects,
 * and tells nobody; options that were meant to protect and do not are seen here. As the library does: a value that is
 * not a number is off, a name without a value too, _ is -, and the last one counts.
 */
#include <stdlib.h>
#include <string.h>

#include <apr_env.h>
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "kr_text.h"
#include "store.h"

#define MAX_DEPTH 8

typedef struct {
    apr_pool_t *pool;
    const char *group;
    kr_dbtls_t found;
    int authority, verify, fingerprint;
} reading_t;

static void read_file(reading_t *reading, const char *path, int depth);

static int is_ours(const reading_t *reading, const char *group)
{
    static const char *const ALWAYS[] = { "client", "client-server", "client-mariadb" };

    for (int i = 0; i < KR_DIM(ALWAYS); i++) {
        if (!strcmp(ALWAYS[i], group)) return 1;
    }
    return !strcmp(reading->group, group);
}

static char *trimmed(char *text)
{
    size_t len;

    while (apr_isspace(*text)) text++;
    len = strlen(text);
    while (len && apr_isspace(text[len - 1])) text[--len] = '\0';
    return text;
}

/* `name` without its "ssl-" or "tls-". */
static void take_option(reading_t *reading, const char *name, const char *value)
{
    int given = value && *value;

    if (!strcmp(name, "ca") || !strcmp(name, "capath")) reading->authority = given;
    if (!strcmp(name, "verify-server-cert") || !strcmp(name, "verify-peer")) reading->verify = given && atoi(value);
    if (!strcmp(name, "fp") || !strcmp(name, "fp-list") || !strcmp(name, "fplist")) reading->fingerprint = given;
}

static void read_option(reading_t *reading, const char *path, char *line)
{
    char *value = strchr(line, '=');
    char *name;

    if (value) *value++ = '\0';
    name = trimmed(line);
    for (char *p = name; *p; p++) {
        if (*p == '_') *p = '-';
    }
    if (strncmp(name, "ssl-", 4) != 0 && strncmp(name, "tls-", 4) != 0) return;
    reading->found.file = path;
    take_option(reading, name + 4, value ? trimmed(value) : NULL);
}

/* A folder's files in any order: libraries before Connector/C 3.4 read its my.cnf only, later ones all. */
static void read_folder(reading_t *reading, const char *path, int depth)
{
    apr_finfo_t info;
    apr_dir_t *dir;

    if (apr_dir_open(&dir, path, reading->pool) != APR_SUCCESS) return;
    while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        size_t len = strlen(info.name);
        if (len < 4 || strcmp(info.name + len - 4, ".cnf") != 0) continue;
        read_file(reading, apr_pstrcat(reading->pool, path, "/", info.name, NULL), depth);
    }
    apr_dir_close(dir);
}

static void follow(reading_t *reading, char *line, int depth)
{
    char *path = strchr(line, ' ');

    if (!path) return;
    *path++ = '\0';
    if (!strcmp(line, "!include")) read_file(reading, trimmed(path), depth + 1);
    if (!strcmp(line, "!includedir")) read_folder(reading, trimmed(path), depth + 1);
}

static void read_file(reading_t *reading, const char *path, int depth)
{
    char buffer[4096];
    apr_file_t *file;
    int ours = 0;

    if (depth > MAX_DEPTH) return;
    if (apr_file_open(&file, path, APR_READ | APR_BUFFERED, APR_OS_DEFAULT, reading->pool) != APR_SUCCESS) return;
    path = apr_pstrdup(reading->pool, path); /* one of !include stands in a buffer */
    while (apr_file_gets(buffer, sizeof(buffer), file) == APR_SUCCESS) {
        char *line = trimmed(buffer), *end;

        if (*line == '!') {
            follow(reading, line, depth);
        } else if (*line == '[' && (end = strchr(line, ']')) != NULL) {
            *end = '\0';
            ours = is_ours(reading, trimmed(line + 1));
        } else if (ours && *line && *line != '#' && *line != ';') {
            read_option(reading, path, line);
        }
    }
    apr_file_close(file);
}

static void read_below(reading_t *reading, const char *variable, const char *name)
{
    char *folder;

    if (apr_env_get(&folder, variable, reading->pool) == APR_SUCCESS)
        read_file(reading, apr_pstrcat(reading->pool, folder, name, NULL), 0);
}

/* A socket, and what does not leave the machine, needs no TLS. */
static int is_remote(apr_pool_t *pool, const char *params)
{
    const char *host = kr_conn_parameter(pool, params, "host");

    return host && strcmp(host, "localhost") != 0 && strncmp(host, "127.", 4) != 0 && strcmp(host, "::1") != 0;
}

kr_dbtls_t kr_dbpool_tls(apr_pool_t *pool, const kr_dbpool_t *dbpool, int host)
{
    reading_t reading = { .pool = pool };
    char *unused;

    if (dbpool->sqlite || !is_remote(pool, dbpool->host[host].params)) return reading.found;
    reading.group = kr_conn_parameter(pool, dbpool->host[host].params, "group");
    if (!reading.group) return reading.found; /* then it reads none */
    read_file(&reading, "/etc/my.cnf", 0);
    read_file(&reading, "/etc/mysql/my.cnf", 0);
    if (apr_env_get(&unused, "MARIADB_HOME", pool) == APR_SUCCESS) {
        read_below(&reading, "MARIADB_HOME", "/my.cnf");
    } else {
        read_below(&reading, "MYSQL_HOME", "/my.cnf");
    }
    read_below(&reading, "HOME", "/.my.cnf");
    reading.found.proves = reading.fingerprint || (reading.authority && reading.verify);
    return reading.found;
}
