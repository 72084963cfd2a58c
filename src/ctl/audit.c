/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `kratosctl audit verify`: is a stream as it was written? After a graceful restart a server that drains writes the former file while its
 * successor writes the new one, so the files are read side by side, in the order of their lines' numbers. Within one file those only grow.
 */
#include <string.h>

#include "ctl.h"
#include "kr_audit.h"

/** A file, and the line of it that is next. */
typedef struct {
    const char *name;
    ctl_lines_t lines;
    apr_pool_t *pool;        /* of that line */
    kr_audit_line_t line;
    int open;                /* there is a line */
    apr_uint64_t junk;       /* bytes before it that are no line */
    apr_int64_t junk_from;   /* where they begin */
    apr_uint64_t last;       /* number of the line before it */
    kr_audit_head_t kept;    /* as FILE.chain has it, read before the file */
    kr_audit_kept_e kept_is;
} file_t;

/** All of it. */
typedef struct {
    ctl_t *ctl;
    file_t *file;
    int files;
    kr_audit_head_t head;    /* after the line that was looked at last */
    apr_uint64_t first, count, foreign, cut, lost;
} looking_t;

/* -- lines ---------------------------------------------------------------------- */

/* The next line that is one; what is none is counted. */
static void next_line(file_t *file)
{
    const ctl_lines_t *at = &file->lines;

    file->junk = 0;
    file->last = file->open ? file->line.seq : file->last;
    for (file->open = 0; !file->open && ctl_lines_next(&file->lines);) {
        apr_pool_clear(file->pool);
        file->open = !at->too_long && kr_audit_line_read(&file->line, file->pool, at->text, at->len);
        if (file->open) return;
        if (!file->junk) file->junk_from = at->number;
        file->junk += at->len + 1;
    }
}

static int open_files(looking_t *l)
{
    l->files = l->ctl->args->nelts;
    l->file = apr_pcalloc(l->ctl->pool, (apr_size_t)l->files * sizeof(*l->file));
    for (int i = 0; i < l->files; i++) {
        file_t *file = &l->file[i];
        const char *why;

        file->name = ctl_arg(l->ctl, i);
        file->kept_is = kr_audit_kept(&file->kept, l->ctl->pool, l->ctl->realm, file->name);
        if ((why = ctl_lines_open(&file->lines, l->ctl->pool, file->name))) {
            ctl_fail(l->ctl, "%s", why);
            return CTL_NOT_FOUND;
        }
        apr_pool_create(&file->pool, l->ctl->pool);
        next_line(file);
    }
    return CTL_FINE;
}

/* The one whose line comes next; NULL: there are no more. */
static file_t *next_file(const looking_t *l)
{
    file_t *next = NULL;

    for (int i = 0; i < l->files; i++)
        if (l->file[i].open && (!next || l->file[i].line.seq < next->line.seq)) next = &l->file[i];
    return next;
}

/* -- what is wrong ----------------------------------------------------------------- */

static int wrong(looking_t *l, const file_t *file, apr_int64_t number, const char *what)
{
    printf("%s:%" APR_INT64_T_FMT ": %s\n", ctl_clean(l->ctl->pool, file->name), number, what);
    return CTL_FAILED;
}

/* Bytes that are no line were written by somebody who was killed, or onto a full disk, if the next line says just that. */
static int check_junk(looking_t *l, const file_t *file)
{
    const apr_uint64_t said = file->open && file->line.event == KR_AUDIT_INTERRUPTED ? file->line.cut : 0;

    if (!file->junk) return CTL_FINE;
    if (said && (said == file->junk || said + 1 == file->junk)) {
        l->cut++;
        return CTL_FINE;
    }
    return wrong(l, file, file->junk_from, file->open ? "added or changed: it is no line of an audit stream, and the next one does not know of it"
                                                      : "cut: the file ends in what is no whole line");
}

/* Where it stands among the others. */
static int check_place(looking_t *l, const file_t *file)
{
    const kr_audit_line_t *line = &file->line;
    const apr_uint64_t expected = l->head.seq + 1;

    if (line->seq <= file->last)
        return wrong(l, file, file->lines.number,
                     apr_psprintf(l->ctl->pool, "out of order: number %" APR_UINT64_T_FMT " after %" APR_UINT64_T_FMT, line->seq, file->last));
    if (!l->head.seq || line->seq == expected) return CTL_FINE;
    if (line->seq < expected)
        return wrong(l, file, file->lines.number, apr_psprintf(l->ctl->pool, "added: there are two of number %" APR_UINT64_T_FMT, line->seq));
    return wrong(l, file, file->lines.number,
                 apr_psprintf(l->ctl->pool, "missing before it: number %" APR_UINT64_T_FMT " to %" APR_UINT64_T_FMT, expected, line->seq - 1));
}

static int check_line(looking_t *l, file_t *file)
{
    const int ours = strcmp(file->line.realm, l->ctl->realm->name) == 0;
    int status;

    if ((status = check_junk(l, file))) return status;
    if (ours && !kr_audit_line_holds(file->pool, l->ctl->realm, file->lines.text, file->lines.len))
        return wrong(l, file, file->lines.number, "changed: none of the realm's secrets made it as it is");
    if ((status = check_place(l, file))) return status;
    if (l->head.seq && strcmp(file->line.prev, l->head.hash) != 0)
        return wrong(l, file, file->lines.number, "changed, or the line before it: it does not follow on that one");
    if (!l->head.seq) l->first = file->line.seq;
    l->head.seq = file->line.seq;
    memcpy(l->head.hash, file->line.hash, sizeof(l->head.hash));
    l->count++;
    l->foreign += !ours;
    l->lost += file->line.event == KR_AUDIT_INTERRUPTED ? file->line.lost : 0;
    return CTL_FINE;
}

/* Lines may be missing where none follows that would tell. */
static int check_end(looking_t *l)
{
    for (int i = 0; i < l->files; i++) {
        const file_t *file = &l->file[i];
        int status = check_junk(l, file);

        if (status) return status;
        if (file->kept_is == KR_AUDIT_KEPT_CHANGED) return ctl_fail(l->ctl, "%s.chain was changed", file->name);
        if (file->kept_is == KR_AUDIT_KEPT_GOOD && file->kept.seq == l->head.seq && strcmp(file->kept.hash, l->head.hash) != 0)
            return wrong(l, file, file->lines.number, "changed: it is another last line than FILE.chain knows");
        if (file->kept.seq > l->head.seq)
            return wrong(l, file, file->lines.number,
                         apr_psprintf(l->ctl->pool, "cut: number %" APR_UINT64_T_FMT " to %" APR_UINT64_T_FMT " are missing at the end",
                                      l->head.seq + 1, file->kept.seq));
    }
    return CTL_FINE;
}

/* -- the command --------------------------------------------------------------------- */

static int knows_its_end(const looking_t *l)
{
    for (int i = 0; i < l->files; i++)
        if (l->file[i].kept_is != KR_AUDIT_KEPT_NONE) return 1;
    return 0;
}

static void say(const looking_t *l)
{
    printf("%" APR_UINT64_T_FMT " line(s) as they were written", l->count);
    if (l->count) printf(", number %" APR_UINT64_T_FMT " to %" APR_UINT64_T_FMT, l->first, l->head.seq);
    puts("");
    if (l->first > 1) ctl_note(l->ctl, "what came before number %" APR_UINT64_T_FMT " is not in these files", l->first);
    if (l->foreign)
        ctl_note(l->ctl, "%" APR_UINT64_T_FMT " line(s) are other realms': their order was checked, and that the lines after them know them", l->foreign);
    if (l->lost || l->cut)
        ctl_note(l->ctl, "the stream itself says that %" APR_UINT64_T_FMT " line(s) were lost, and that it was cut off %" APR_UINT64_T_FMT " time(s)",
                 l->lost, l->cut);
    if (!knows_its_end(l)) ctl_note(l->ctl, "no FILE.chain is beside these files: whether lines miss at their end cannot be told");
}

int ctl_audit_verify(ctl_t *ctl)
{
    looking_t l = { .ctl = ctl };
    int status = ctl_settings(ctl);

    if (!status) status = open_files(&l);
    for (file_t *file; !status && (file = next_file(&l));) {
        status = check_line(&l, file);
        next_line(file);
    }
    if (!status) status = check_end(&l);
    if (!status) say(&l);
    return status;
}
