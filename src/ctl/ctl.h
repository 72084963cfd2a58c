/* SPDX-License-Identifier: Apache-2.0 */
/* Inside src/ctl: a run of kratosctl, the table of its commands, and what they share. */
#ifndef KR_CTL_CTL_H
#define KR_CTL_CTL_H

#include <stdio.h>

#include <apr_tables.h>

#include "kr_draft.h"
#include "kr_realm.h"
#include "kr_identity.h"
#include "kr_session.h"
#include "kr_text.h"

/** Exit statuses; the manual lists them. */
enum { CTL_FINE = 0, CTL_FAILED = 1, CTL_USAGE = 2, CTL_NOT_FOUND = 3 };

/* -- the table -------------------------------------------------------------- */

/** One option. Lists of them end with a row without a name. */
typedef struct {
    const char *name;    /* with its dashes: "--realm" */
    const char *value;   /* what the value is called in the help ("NAME"); NULL: a flag */
    const char *choices; /* "active|inactive": the only values there are; or NULL */
    const char *help;    /* half a sentence */
} ctl_option_t;

/** What a command needs besides its own options. */
typedef enum {
    CTL_CONNECTS = 1, /* a realm and its database: --config, --database, --realm, --set ... */
    CTL_PRINTS = 2    /* rows or an object: --json */
} ctl_needs_e;

typedef struct ctl_t ctl_t;

typedef struct {
    const char *name;            /* one word, or two: "identity create" */
    const char *args;            /* of the help: "ID..."; "" for none */
    int min, max;                /* how many arguments; max -1: any number */
    unsigned needs;              /* of ctl_needs_e */
    const ctl_option_t *options; /* NULL: none of its own */
    const char *help;            /* one line */
    const char *more;            /* further sentences for `help COMMAND` and the manual; or NULL */
    int (*run)(ctl_t *ctl);      /* @return exit status */
} ctl_command_t;

/** All commands; ended by a row without a name. */
extern const ctl_command_t ctl_commands[];
extern const ctl_option_t ctl_connection_options[], ctl_output_options[], ctl_common_options[];

/* -- one run ---------------------------------------------------------------- */

/** An option as it was given. */
typedef struct {
    const ctl_option_t *option;
    const char *value;
} ctl_given_t;

struct ctl_t {
    apr_pool_t *pool;             /* of the whole run */
    const ctl_command_t *command; /* NULL until it is known */
    apr_array_header_t *given;    /* of ctl_given_t */
    apr_array_header_t *args;     /* of const char* */
    kr_realm_t *realm;            /* once ctl_connect has made it */
    int rows;                     /* printed so far: the first one brings the heading */
    int wants_help;
};

/** The value given last for that option, or NULL. */
const char *ctl_option(const ctl_t *ctl, const char *name);
/** Was the option given? */
int ctl_flag(const ctl_t *ctl, const char *name);
/** Argument number i; NULL beyond the last. */
const char *ctl_arg(const ctl_t *ctl, int i);
/**
 * A whole number out of an option.
 * @param out  `standard` when the option is not given
 * @return 0 when it is no number within the bounds; that has been said
 */
int ctl_number(int *out, ctl_t *ctl, const char *name, int standard, int min, int max);

/** Read a command line: sets command, given, args. @return CTL_FINE, or CTL_USAGE and it has been said why */
int ctl_parse(ctl_t *ctl, int argc, const char *const *argv);

/** The option of that name among those that a command takes (its own, connection, output, common); NULL when none. */
const ctl_option_t *ctl_option_of(const ctl_command_t *command, const char *name);
/** The lists of options that a command takes, ended by NULL. Room for CTL_OPTION_LISTS. */
#define CTL_OPTION_LISTS 5
void ctl_option_lists(const ctl_option_t *lists[CTL_OPTION_LISTS], const ctl_command_t *command);

/* -- help ------------------------------------------------------------------- */

/** One command in full, or the commands of a family; without `topic` the overview. @return 0: there is no such topic */
int ctl_help(apr_pool_t *pool, FILE *to, const char *topic);
/** "kratosctl identity get [--json] ID": one line. */
const char *ctl_synopsis(apr_pool_t *pool, const ctl_command_t *command);

/* -- saying ----------------------------------------------------------------- */

/** "kratosctl: ..." to stderr, without control characters. @return CTL_FAILED */
int ctl_fail(ctl_t *ctl, const char *fmt, ...) KR_PRINTF(2, 3);
/** As ctl_fail, with the command's synopsis. @return CTL_USAGE */
int ctl_wrong(ctl_t *ctl, const char *fmt, ...) KR_PRINTF(2, 3);
/** Say what an error is, with `what` (or NULL) in front. @return CTL_NOT_FOUND for a 404, else CTL_FAILED */
int ctl_error(ctl_t *ctl, const kr_err_t *err, const char *what);
/** One line of progress or summary to stderr. */
void ctl_note(ctl_t *ctl, const char *fmt, ...) KR_PRINTF(2, 3);

/**
 * Text for a terminal: what may move its cursor or turn the direction of writing (C0, DEL, C1, bidi controls), and
 * bytes that are no UTF-8, become "\xNN" or "\uNNNN". In the pool; NULL becomes "-".
 */
const char *ctl_clean(apr_pool_t *pool, const char *text);
/** The same inside JSON text, where these characters can only stand in strings: they become JSON escapes. */
const char *ctl_clean_json(apr_pool_t *pool, const char *json);

/* -- printing --------------------------------------------------------------- */

/** A column of a table; the last one of a table has no width. */
typedef struct {
    const char *title;
    int width;
} ctl_column_t;

/** Is the output JSON? */
int ctl_json(const ctl_t *ctl);
/** One JSON document on a line of its own. */
void ctl_print_json(apr_pool_t *pool, const json_t *json);
/** A row of a table, with the heading before the first one. */
void ctl_print_row(ctl_t *ctl, apr_pool_t *pool, const ctl_column_t *columns, const char *const *cells, int n);
/** An object for people: a line for each member, nested ones indented. */
void ctl_print_object(apr_pool_t *pool, const json_t *json);

/* -- the realm -------------------------------------------------------------- */

/**
 * Read the settings, and open the database of --database. Says what is wrong.
 * @return CTL_FINE; ctl->realm is set then
 */
int ctl_connect(ctl_t *ctl);
/** Read the settings alone, into ctl->realm. @return as ctl_connect */
int ctl_settings(ctl_t *ctl);
/** Describe and open a pool of one connection. @param params of const char*. @return NULL: it has been said why not */
kr_dbpool_t *ctl_pool(ctl_t *ctl, const char *driver, const apr_array_header_t *params);
/** Where the migrations are: --sql, else where they were installed. */
const char *ctl_sql_dir(const ctl_t *ctl);
/** A context for one piece of work, in a pool of its own: destroy k->pool when it is done. */
kr_ctx_t *ctl_work(ctl_t *ctl);

/** The identity that an id or an identifier names. @param id NULL when there is none */
kr_err_t *ctl_identity_id(const char **id, kr_ctx_t *k, const char *name) KR_MUST_CHECK;

/** The same, read with its credentials. @return 404 when there is none */
kr_err_t *ctl_identity_named(kr_identity_t **out, kr_ctx_t *k, const char *name) KR_MUST_CHECK;

/** Connects, and reads the identity that the first argument names. @return CTL_FINE; else the exit status, and why has been said */
int ctl_identity_open(kr_identity_t **out, kr_ctx_t **k, ctl_t *ctl) KR_MUST_CHECK;

/* -- pages ------------------------------------------------------------------ */

/**
 * One page of a long list.
 * @param last   in: the id after which to go on, "" at the start; out, by ctl_went_to: where the next page goes on
 * @param count  at most so many
 */
typedef kr_err_t *ctl_page_fn(char last[KR_UUID_LEN + 1], ctl_t *ctl, kr_ctx_t *k, void *baton, int count);
/** Say which row was the last one; NULL when there are no more: the page was not full. */
void ctl_went_to(char last[KR_UUID_LEN + 1], const char *id);

typedef void ctl_identity_fn(void *baton, kr_ctx_t *k, const kr_identity_t *identity);
/** A page of identities, with credentials, each handed to `take`. @param part  of an identifier; or NULL, for all */
kr_err_t *ctl_identity_page(char last[KR_UUID_LEN + 1], kr_ctx_t *k, const char *part, int count, ctl_identity_fn *take,
                            void *baton) KR_MUST_CHECK;
/**
 * Page after page, each with a context of its own, until there are no more or `limit` rows (0: no limit) were asked for.
 * @return exit status
 */
int ctl_all_pages(char last[KR_UUID_LEN + 1], ctl_t *ctl, int limit, ctl_page_fn *page, void *baton);
/** The same with --after and --limit of the command line; says where to go on. */
int ctl_list_pages(ctl_t *ctl, ctl_page_fn *page, void *baton);

/** A time in whole seconds, for tables. */
const char *ctl_time(apr_pool_t *pool, apr_time_t t);

/* -- lines ------------------------------------------------------------------ */

/** The longest line of an import, in bytes. */
#define CTL_LINE_MAX (1024 * 1024)

/** A file that is read line by line. */
typedef struct {
    FILE *file;
    char *text;         /* of the line just read: NUL-terminated, without its end */
    apr_size_t len;
    apr_int64_t number; /* of that line, from 1 */
    int too_long;       /* it had more than CTL_LINE_MAX bytes, and was skipped to its end */
} ctl_lines_t;

/** Open a file, or stdin when it is "-". @return NULL, or what is wrong */
const char *ctl_lines_open(ctl_lines_t *lines, apr_pool_t *pool, const char *name);
/** Read the next line, with either line ending. @return 0 at the end of the file, or when it cannot be read (ferror) */
int ctl_lines_next(ctl_lines_t *lines);

/* -- identities out of files ------------------------------------------------- */

/**
 * An identity out of JSON in the shape of Kratos' import (createIdentity): checked by its schema. A plain password is
 * hashed; no connection may be held. Nothing is stored.
 * @param schema_id  for documents without one; NULL: the default schema
 * @param keep_id    1: the id of the document becomes the identity's
 * @return 400 with a reason; several violations are joined by "; "
 */
kr_err_t *ctl_identity_read(kr_identity_t **out, kr_ctx_t *k, const json_t *doc, const char *schema_id,
                            int keep_id) KR_MUST_CHECK;
/**
 * Finish a new identity: one without a password reserves the identifiers that a password would have, as in Kratos, so
 * that nobody else registers under them.
 */
void ctl_identity_finish(kr_ctx_t *k, kr_identity_t *identity);
/** The document that ctl_identity_read reads. @param with_credentials 1: with the password's hash. Pool-owned. */
json_t *ctl_identity_document(kr_ctx_t *k, const kr_identity_t *identity, int with_credentials);
/** An identity as its administrator sees it: metadata_admin, and credentials without what is secret. Pool-owned. */
json_t *ctl_identity_json(kr_ctx_t *k, const kr_identity_t *identity);

/**
 * A line of an htpasswd file.
 * @param user  out: NULL for a comment or an empty line
 * @param hash  out: as kr_password_verify takes it
 * @return NULL, or what is wrong with the line
 */
const char *ctl_htpasswd_read(const char **user, const char **hash, apr_pool_t *pool, const char *line, apr_size_t len);

/* -- the commands ----------------------------------------------------------- */

int ctl_check(ctl_t *ctl);
int ctl_token_key(ctl_t *ctl);
int ctl_migrate(ctl_t *ctl);
int ctl_identity_create(ctl_t *ctl);
int ctl_identity_get(ctl_t *ctl);
int ctl_identity_list(ctl_t *ctl);
int ctl_identity_delete(ctl_t *ctl);
int ctl_identity_enable(ctl_t *ctl);
int ctl_identity_disable(ctl_t *ctl);
int ctl_identity_factors(ctl_t *ctl);
int ctl_identity_remove_factor(ctl_t *ctl);
int ctl_session_list(ctl_t *ctl);
int ctl_session_revoke(ctl_t *ctl);
int ctl_import(ctl_t *ctl);
int ctl_export(ctl_t *ctl);
int ctl_courier_list(ctl_t *ctl);
int ctl_courier_retry(ctl_t *ctl);
int ctl_courier_watch(ctl_t *ctl);
int ctl_audit_verify(ctl_t *ctl);
int ctl_completion(ctl_t *ctl);
int ctl_manual(ctl_t *ctl);
int ctl_help_command(ctl_t *ctl);

#endif
