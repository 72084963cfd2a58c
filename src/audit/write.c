/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many processes write one file, those of a server that drains after a graceful restart and kratosctl included. Threads of one server take
 * turns by a lock in shared memory; servers and tools by a lock on FILE.chain, which also keeps where the chain stands: both are given
 * back by the kernel when their holder is killed. A line is one write(2); FILE.chain follows it. Who was killed between the two left a
 * file that is longer than FILE.chain says, which the next writer sees.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit.h"
#include "kr_clock.h"
#include "kr_db.h"
#include "kr_json.h"
#include "kr_metrics.h"
#include "kr_shared.h"
#include "kr_text.h"

#define WAIT apr_time_from_msec(500) /* for all others together; then the line is lost, and whoever signs in goes on */
#define POLL 50                      /* µs; the lock of a file has no time limit of its own */
#define POLL_LAST 1000
#define COMPLAIN apr_time_from_sec(60)

/** In shared memory. */
typedef struct {
    kr_hold_t hold;
    atomic_ullong written, lost;
    atomic_ullong unsaid; /* lost, and FILE.chain does not know it */
    atomic_llong quiet;   /* until when nothing is said of it, by kr_clock_ticks */
} shared_t;

struct kr_audit_stream_t {
    const char *path;
    const char *begins; /* of each line: node, and who */
    int file, chain;
    shared_t *shared;
};

/* -- open -------------------------------------------------------------------- */

static apr_status_t close_both(void *data)
{
    const kr_audit_stream_t *stream = data;

    close(stream->file);
    close(stream->chain);
    return APR_SUCCESS;
}

/* O_NONBLOCK: a FIFO would keep the start waiting for its reader; on files it means nothing. */
static int open_file(const char *path, int flags)
{
    return open(path, flags | O_RDWR | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0640);
}

static const char *begins_of(apr_pool_t *pool, const char *by)
{
    char node[256] = "";
    json_t *said;
    const char *text;
    apr_size_t len;

    if (gethostname(node, sizeof(node) - 1) != 0) node[0] = '\0';
    said = kr_json_pack(pool, "{s:o}", "node", kr_json_string(node));
    if (by) json_object_set_new(said, "by", kr_json_string(by));
    if (by) json_object_set_new(said, "uid", json_integer(getuid()));
    text = kr_json_dump(pool, said, &len);
    return apr_pstrmemdup(pool, text + 1, len - 2);
}

static const char *blank(apr_pool_t *pool, int fd)
{
    struct stat st;
    const char *text = apr_psprintf(pool, "%*s\n", KR_AUDIT_CHAIN_SIZE - 1, "");

    if (fstat(fd, &st) != 0 || (st.st_size < KR_AUDIT_CHAIN_SIZE && pwrite(fd, text, KR_AUDIT_CHAIN_SIZE, 0) != KR_AUDIT_CHAIN_SIZE))
        return apr_psprintf(pool, "its .chain cannot be written: %s", strerror(errno));
    return NULL;
}

kr_audit_stream_t *kr_audit_open(apr_pool_t *pool, const char *path, const char *by, const char **why)
{
    kr_audit_stream_t *stream = apr_pcalloc(pool, sizeof(*stream));
    const char *beside = apr_pstrcat(pool, path, ".chain", NULL);
    struct stat st;

    stream->path = apr_pstrdup(pool, path);
    stream->begins = begins_of(pool, by);
    stream->file = open_file(path, O_APPEND);
    stream->chain = stream->file < 0 ? -1 : open_file(beside, 0);
    *why = stream->file < 0 ? strerror(errno) : stream->chain < 0 ? apr_psprintf(pool, "%s: %s", beside, strerror(errno)) : NULL;
    if (!*why && (fstat(stream->file, &st) != 0 || !S_ISREG(st.st_mode))) *why = "it is no regular file, and nothing else could be chained";
    if (!*why) *why = blank(pool, stream->chain);
    stream->shared = *why ? NULL : kr_shared_memory(pool, sizeof(*stream->shared));
    if (!*why && (!stream->shared || kr_holds_init(&stream->shared->hold, 1))) *why = "no shared memory";
    if (!*why) {
        apr_pool_cleanup_register(pool, stream, close_both, apr_pool_cleanup_null);
        return stream;
    }
    if (stream->file >= 0) close(stream->file);
    if (stream->chain >= 0) close(stream->chain);
    return NULL;
}

kr_audit_figures_t kr_audit_figures(const kr_audit_stream_t *stream)
{
    return (kr_audit_figures_t){ .path = stream->path, .written = atomic_load(&stream->shared->written),
                                 .lost = atomic_load(&stream->shared->lost) };
}

/* -- one at a time ------------------------------------------------------------- */

static int lock_chain(int fd, apr_time_t until)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    apr_interval_time_t pause = POLL;

    while (fcntl(fd, F_SETLK, &whole) != 0) {
        if (errno != EACCES && errno != EAGAIN && errno != EINTR) return 0;
        errno = ETIMEDOUT;
        if (kr_clock_ticks() >= until) return 0;
        apr_sleep(pause);
        if (pause < POLL_LAST) pause *= 2;
    }
    return 1;
}

static void unlock_chain(int fd)
{
    struct flock whole = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

    fcntl(fd, F_SETLK, &whole);
}

static int take(kr_audit_stream_t *stream, kr_ctx_t *k, int may_release)
{
    const apr_time_t until = kr_clock_ticks() + WAIT;

    if (!kr_hold_try(&stream->shared->hold)) {
        if (may_release) kr_db_release(k);
        errno = ETIMEDOUT;
        if (!kr_hold_until(&stream->shared->hold, until)) return 0;
    }
    if (lock_chain(stream->chain, until)) return 1;
    kr_hold_leave(&stream->shared->hold);
    return 0;
}

static void leave(kr_audit_stream_t *stream)
{
    unlock_chain(stream->chain);
    kr_hold_leave(&stream->shared->hold);
}

/* -- a line --------------------------------------------------------------------- */

/** The file while it is this thread's. */
typedef struct {
    kr_audit_stream_t *stream;
    kr_ctx_t *k;
    kr_audit_chain_t chain;
    apr_uint64_t size;
    apr_uint64_t cut; /* bytes at its end that are no whole line */
    int open_end;     /* its last line misses its end */
} writing_t;

/* As FILE.chain says, unless the file says otherwise. */
static int look(writing_t *w)
{
    char text[KR_AUDIT_CHAIN_SIZE + 1] = "";
    const char *realm, *tag;
    apr_size_t len;
    struct stat st;
    int known;

    if (fstat(w->stream->file, &st) != 0) return 0;
    if (pread(w->stream->chain, text, KR_AUDIT_CHAIN_SIZE, 0) < 0) return 0;
    kr_audit_chain_read(&w->chain, &realm, &tag, &len, w->k->pool, text);
    w->size = (apr_uint64_t)st.st_size;
    known = w->chain.dev == (apr_uint64_t)st.st_dev && w->chain.ino == (apr_uint64_t)st.st_ino;
    if (known && w->chain.end == w->size) return 1;
    kr_audit_mend(&w->chain, &w->cut, &w->open_end, w->k->pool, w->stream->file, w->size, known);
    w->chain.dev = (apr_uint64_t)st.st_dev;
    w->chain.ino = (apr_uint64_t)st.st_ino;
    return 1;
}

static int save(const writing_t *w)
{
    const char *text = kr_audit_chain_text(w->k->pool, &w->chain, w->k->realm);

    return pwrite(w->stream->chain, text, KR_AUDIT_CHAIN_SIZE, 0) == KR_AUDIT_CHAIN_SIZE;
}

/* One write; what a full disk, or a limit, has left of it is for the next writer to see. */
static int write_text(int fd, const char *text, size_t len)
{
    ssize_t done;

    do done = write(fd, text, len);
    while (done < 0 && errno == EINTR);
    if (done >= 0 && (size_t)done < len) done = write(fd, text + done, len - (size_t)done) == (ssize_t)(len - (size_t)done) ? (ssize_t)len : -1;
    return done == (ssize_t)len;
}

/* Its time is taken here, so that times are in the order of the lines. */
static const char *line_of(kr_audit_head_t *head, const writing_t *w, const char *members)
{
    const apr_time_t now = kr_clock_now();
    const char *second = kr_time_rfc3339(w->k->pool, now - now % APR_USEC_PER_SEC);
    const char *begins = apr_psprintf(w->k->pool, "{\"time\":\"%.*s.%06dZ\",%s,\"realm\":\"%s\"", (int)strlen(second) - 1, second,
                                      (int)(now % APR_USEC_PER_SEC), w->stream->begins, w->k->realm->name);

    return kr_audit_line(head, w->k->pool, w->k->realm, begins, members);
}

static int put(writing_t *w, const char *members)
{
    kr_audit_head_t head = w->chain.head;
    const char *text = apr_pstrcat(w->k->pool, w->cut || w->open_end ? "\n" : "", line_of(&head, w, members), "\n", NULL);

    if (!write_text(w->stream->file, text, strlen(text))) return 0;
    w->chain.head = head;
    w->size += strlen(text);
    w->chain.end = w->size;
    w->cut = 0;
    w->open_end = 0;
    atomic_fetch_add(&w->stream->shared->written, 1);
    kr_metric_count(KR_METRIC_AUDIT_LINES, KR_SERIES_ONE);
    return 1;
}

/* What is not there is said before anything else is. */
static int put_interruption(writing_t *w)
{
    const apr_uint64_t unsaid = atomic_exchange(&w->stream->shared->unsaid, 0), lost = w->chain.lost + unsaid;
    const char *members = kr_audit_members(w->k, &(kr_audit_t){ .what = KR_AUDIT_INTERRUPTED });

    if (!lost && !w->cut) return 1;
    members = apr_psprintf(w->k->pool, "%s,\"lost\":%" APR_UINT64_T_FMT ",\"cut\":%" APR_UINT64_T_FMT, members, lost, w->cut);
    w->chain.lost = lost; /* that of this process is in FILE.chain from here on */
    if (!put(w, members)) return 0;
    w->chain.lost = 0;
    return 1;
}

static void complain(kr_audit_stream_t *stream, kr_ctx_t *k, int why)
{
    const long long now = kr_clock_ticks();
    long long quiet = atomic_load(&stream->shared->quiet);
    char words[128];

    atomic_fetch_add(&stream->shared->lost, 1);
    kr_metric_count(KR_METRIC_AUDIT_LOST, KR_SERIES_ONE);
    if (quiet > now || !atomic_compare_exchange_strong(&stream->shared->quiet, &quiet, now + COMPLAIN)) return;
    kr_log(k, KR_LOG_ERR, KRLOGNO(1101) "the audit stream %s cannot be written (%s): lines are lost, and counted; what they tell of goes on",
           stream->path, why == ETIMEDOUT ? "others kept it for too long" : apr_strerror(why, words, sizeof(words)));
}

void kr_audit_write(kr_ctx_t *k, const char *members, int may_release)
{
    kr_audit_stream_t *stream = k->realm->audit;
    writing_t w = { .stream = stream, .k = k };
    int done, why;

    if (!take(stream, k, may_release)) {
        why = errno;
        atomic_fetch_add(&stream->shared->unsaid, 1);
        complain(stream, k, why);
        return;
    }
    done = look(&w) && put_interruption(&w) && put(&w, members);
    why = errno;
    if (!done) w.chain.lost++;
    (void)save(&w); /* or the next writer finds out from the file */
    leave(stream);
    if (!done) complain(stream, k, why);
}
