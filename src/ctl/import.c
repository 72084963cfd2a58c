/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `kratosctl import`: line by line. Identities are made of a batch of lines with no connection in hand (a plain
 * password is hashed there), then stored in one transaction. When one of them cannot be stored, what stood before it
 * and what follows it are transactions of their own.
 */
#include <string.h>

#include "ctl.h"
#include "kr_audit.h"
#include "kr_clock.h"
#include "kr_db.h"
#include "kr_json.h"

#define BATCH_LINES 200
#define BATCH_BYTES (1024 * 1024) /* of lines; a batch ends once it has more */

/** One line that became an identity. */
typedef struct {
    apr_int64_t number;
    kr_identity_t *identity;
} entry_t;

/** An import as it goes on. */
typedef struct {
    ctl_t *ctl;
    ctl_lines_t lines;
    int htpasswd, dry_run, skip, keep_going, keep_ids;
    const char *schema_id;     /* or NULL */
    const char *trait;         /* htpasswd: "username" */
    kr_ctx_t *k;               /* of the batch */
    apr_array_header_t *batch; /* of entry_t */
    apr_size_t bytes;          /* of the batch's lines */
    int broken;                /* a line failed and nothing says to go on, or the database did */
    apr_int64_t imported, skipped, failed;
} import_t;

/* -- lines --------------------------------------------------------------------- */

static void fail_line(import_t *in, apr_int64_t number, const char *why)
{
    ctl_fail(in->ctl, "line %" APR_INT64_T_FMT ": %s", number, why);
    in->failed++;
    if (!in->keep_going) in->broken = 1;
}

/* The document of an htpasswd line. @param doc NULL for a comment. @return NULL, or what is wrong */
static const char *htpasswd_document(json_t **doc, import_t *in)
{
    apr_pool_t *pool = in->k->pool;
    const char *user, *hash, *why = ctl_htpasswd_read(&user, &hash, pool, in->lines.text, in->lines.len);

    *doc = NULL;
    if (why || !user) return why;
    *doc = kr_json_pack(pool, "{s:{}, s:{s:{s:{s:s}}}}", "traits", "credentials", "password", "config",
                        "hashed_password", hash);
    kr_json_set_at(*doc, apr_pstrcat(pool, "traits.", in->trait, NULL), json_string(user));
    return NULL;
}

static const char *document_of_line(json_t **doc, import_t *in)
{
    const char *why = NULL;

    *doc = NULL;
    if (in->lines.too_long) return "longer than 1 MiB";
    if (in->htpasswd) return htpasswd_document(doc, in);
    if (strspn(in->lines.text, " \t") == in->lines.len) return NULL;
    *doc = kr_json_parse(in->k->pool, in->lines.text, in->lines.len, &why);
    return *doc ? NULL : why;
}

static void take_line(import_t *in)
{
    const apr_int64_t number = in->lines.number;
    kr_identity_t *identity;
    const char *why;
    kr_err_t *err;
    json_t *doc;

    in->bytes += in->lines.len;
    why = document_of_line(&doc, in);
    if (why) fail_line(in, number, why);
    if (!doc) return;
    err = ctl_identity_read(&identity, in->k, doc, in->schema_id, in->keep_ids);
    if (err)
        fail_line(in, number, err->reason ? err->reason : kr_err_message(err->status));
    else
        APR_ARRAY_PUSH(in->batch, entry_t) = (entry_t){ number, identity };
}

/* -- storing ------------------------------------------------------------------- */

/** Entries `from` to before `to`, in one transaction. */
typedef struct {
    import_t *in;
    int from, to;
    int at;              /* out: the entry that failed */
    kr_err_t *rehearsed; /* out: what rolled a rehearsal back */
} range_t;

static kr_err_t *store_range(kr_ctx_t *k, void *baton)
{
    range_t *range = baton;

    for (range->at = range->from; range->at < range->to; range->at++) {
        kr_identity_t *identity = APR_ARRAY_IDX(range->in->batch, range->at, entry_t).identity;

        KR_TRY(kr_identity_insert(k, identity));
        kr_audit(k, &(kr_audit_t){ .what = KR_AUDIT_CREATED, .identity_id = identity->id, .reason = "import" });
    }
    if (range->in->dry_run) range->rehearsed = kr_err(k, 400, NULL, "only rehearsed");
    return range->rehearsed;
}

static void refuse(import_t *in, int at, const kr_err_t *err)
{
    const apr_int64_t number = APR_ARRAY_IDX(in->batch, at, entry_t).number;

    if (!kr_db_is_duplicate(err))
        fail_line(in, number, err->reason ? err->reason : kr_err_message(err->status));
    else if (in->skip)
        in->skipped++;
    else
        fail_line(in, number, "an account with this identifier, address or id is there already");
}

static void remove_entry(import_t *in, int at)
{
    entry_t *entries = (entry_t *)in->batch->elts;

    memmove(entries + at, entries + at + 1, sizeof(*entries) * (apr_size_t)(--in->batch->nelts - at));
}

/* @return the entry that is to blame, -1 when there is none */
static int try_range(import_t *in, int from, int to, kr_err_t **err)
{
    range_t range = { .in = in, .from = from, .to = to };

    *err = kr_db_tx(in->k, store_range, &range);
    if (*err == range.rehearsed) {
        in->imported += to - from;
        return -1;
    }
    if ((*err)->status < 500) return range.at;
    ctl_error(in->ctl, *err, "the import stopped"); /* the database's own trouble is no line's fault */
    in->broken = 1;
    return -1;
}

/* All but what cannot be stored: what stands before that, then what follows. */
static void store(import_t *in, int from, int to)
{
    kr_err_t *err;
    int at;

    while (!in->broken && from < to && (at = try_range(in, from, to, &err)) >= 0) {
        store(in, from, at);
        if (!in->broken) refuse(in, at, err);
        from = at + 1;
    }
}

/* The same when nothing stays: each try begins with all entries that are good so far. */
static void rehearse(import_t *in)
{
    kr_err_t *err;
    int at;

    while (!in->broken && (at = try_range(in, 0, in->batch->nelts, &err)) >= 0) {
        refuse(in, at, err);
        remove_entry(in, at);
        if (in->broken) in->imported += at;
    }
}

/* -- the whole file ------------------------------------------------------------ */

/* One batch. Lines before one that ends the import are stored. @return 0 at the end of the file */
static int next_batch(import_t *in)
{
    int more = 1, stop;

    in->k = ctl_work(in->ctl);
    in->batch = apr_array_make(in->k->pool, BATCH_LINES, sizeof(entry_t));
    in->bytes = 0;
    while (!in->broken && in->batch->nelts < BATCH_LINES && in->bytes < BATCH_BYTES &&
           (more = ctl_lines_next(&in->lines)))
        take_line(in);
    stop = in->broken;
    in->broken = 0;
    in->k->now = kr_clock_now();
    if (in->dry_run)
        rehearse(in);
    else
        store(in, 0, in->batch->nelts);
    in->broken |= stop;
    apr_pool_destroy(in->k->pool);
    return more && !in->broken;
}

/* Where htpasswd's user names go. @return NULL when the schema has no place for them */
static const char *identifier_trait(const kr_schema_t *schema)
{
    for (int i = 0; schema && i < schema->leaves->nelts; i++) {
        const kr_leaf_t *leaf = &APR_ARRAY_IDX(schema->leaves, i, kr_leaf_t);

        if (leaf->password_identifier && strncmp(leaf->path, "traits.", 7) == 0) return leaf->path + 7;
    }
    return NULL;
}

static int prepare(import_t *in, ctl_t *ctl)
{
    const char *format = ctl_option(ctl, "--format"), *update = ctl_option(ctl, "--update");
    const kr_schema_t *schema;
    int status;

    *in = (import_t){ .ctl = ctl,
                      .htpasswd = format && strcmp(format, "htpasswd") == 0,
                      .dry_run = ctl_flag(ctl, "--dry-run"),
                      .skip = update && strcmp(update, "skip") == 0,
                      .keep_going = ctl_flag(ctl, "--keep-going"),
                      .keep_ids = ctl_flag(ctl, "--keep-ids"),
                      .schema_id = ctl_option(ctl, "--schema"),
                      .trait = ctl_option(ctl, "--trait") };
    if (in->htpasswd && in->keep_ids) return ctl_wrong(ctl, "an htpasswd file has no ids to keep");
    if (!in->htpasswd && in->trait) return ctl_wrong(ctl, "--trait goes with --format htpasswd");
    if ((status = ctl_connect(ctl))) return status;
    schema = kr_realm_schema(ctl->realm, in->schema_id);
    if (!schema) return ctl_fail(ctl, "--schema: there is no identity schema %s", in->schema_id);
    if (!in->htpasswd) return CTL_FINE;
    if (!in->trait) in->trait = identifier_trait(schema);
    if (!in->trait) return ctl_fail(ctl, "no trait of the schema %s is an identifier of passwords", schema->id);
    if (!kr_schema_leaf(schema, apr_pstrcat(ctl->pool, "traits.", in->trait, NULL)))
        return ctl_fail(ctl, "--trait: the schema %s has no trait %s", schema->id, in->trait);
    return CTL_FINE;
}

int ctl_import(ctl_t *ctl)
{
    import_t in;
    int status = prepare(&in, ctl);
    const char *why;

    if (status) return status;
    if ((why = ctl_lines_open(&in.lines, ctl->pool, ctl_arg(ctl, 0)))) return ctl_fail(ctl, "%s", why);
    while (next_batch(&in)) continue;
    if (ferror(in.lines.file)) {
        in.broken = 1;
        ctl_fail(ctl, "%s cannot be read on", ctl_arg(ctl, 0));
    }
    printf("%" APR_INT64_T_FMT " %s, %" APR_INT64_T_FMT " skipped, %" APR_INT64_T_FMT " failed%s\n", in.imported,
           in.dry_run ? "could be imported" : "imported", in.skipped, in.failed,
           in.broken ? "; stopped before the end of the file" : "");
    return in.failed || in.broken ? CTL_FAILED : CTL_FINE;
}
