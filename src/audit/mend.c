/* SPDX-License-Identifier: Apache-2.0 */
/* A file that is not as the chain knows it: a writer was killed, the disk was full, or it is another file, as after its rotation. */
#include <string.h>
#include <unistd.h>

#include "audit.h"

#define WINDOW (64 * 1024) /* bytes at the end of a file that are looked at */

/** The end of a file, in memory. */
typedef struct {
    char *text;
    apr_uint64_t from, len; /* where it stands in the file */
} tail_t;

static tail_t read_tail(apr_pool_t *pool, int fd, apr_uint64_t from, apr_uint64_t size)
{
    tail_t tail = { .from = size - from > WINDOW ? size - WINDOW : from };
    ssize_t got;

    tail.text = apr_palloc(pool, (apr_size_t)(size - tail.from) + 1);
    got = pread(fd, tail.text, (size_t)(size - tail.from), (off_t)tail.from);
    tail.len = got > 0 ? (apr_uint64_t)got : 0;
    tail.text[tail.len] = '\0';
    return tail;
}

static void adopt(kr_audit_chain_t *chain, const kr_audit_line_t *line)
{
    if (line->seq <= chain->head.seq) return;
    chain->head.seq = line->seq;
    memcpy(chain->head.hash, line->hash, sizeof(line->hash));
}

/* It is the last one, or comes after that. */
static int follows(const kr_audit_chain_t *chain, const kr_audit_line_t *line)
{
    return line->seq == chain->head.seq + 1 || (line->seq == chain->head.seq && strcmp(line->hash, chain->head.hash) == 0);
}

void kr_audit_mend(kr_audit_chain_t *chain, apr_uint64_t *cut, int *open_end, apr_pool_t *pool, int fd, apr_uint64_t size, int known)
{
    const apr_uint64_t from = known && chain->end <= size ? chain->end : 0;
    const tail_t tail = read_tail(pool, fd, from, size);
    const char *at = tail.text, *end = tail.text + tail.len, *whole = tail.text;
    kr_audit_line_t line;

    /* what the window begins in the middle of is not looked at */
    if (tail.from > from) whole = at = memchr(at, '\n', (size_t)(end - at)) ? (char *)memchr(at, '\n', (size_t)(end - at)) + 1 : end;
    for (const char *nl; (nl = memchr(at, '\n', (size_t)(end - at))); at = nl + 1) {
        if (!kr_audit_line_read(&line, pool, at, (apr_size_t)(nl - at))) continue;
        adopt(chain, &line);
        whole = nl + 1;
    }
    *open_end = at < end && whole == at && kr_audit_line_read(&line, pool, at, (apr_size_t)(end - at)) && follows(chain, &line);
    if (*open_end) {
        adopt(chain, &line);
        whole = end;
    }
    *cut = (apr_uint64_t)(end - whole);
    chain->end = tail.from + (apr_uint64_t)(whole - tail.text);
}
