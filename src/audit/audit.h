/* SPDX-License-Identifier: Apache-2.0 */
/* Inside src/audit: a line between its making and its file. */
#ifndef KR_AUDIT_AUDIT_H
#define KR_AUDIT_AUDIT_H

#include "kr_audit.h"
#include "kr_realm.h"

/** What stands before the first line of a chain. */
#define KR_AUDIT_NOTHING "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/** FILE.chain: where the chain stands, and what the file was when it was written to. */
typedef struct {
    kr_audit_head_t head;
    apr_uint64_t dev, ino, end; /* which file, and where its last whole line ended */
    apr_uint64_t lost;          /* lines that could not be written since then */
} kr_audit_chain_t;

/** Bytes of FILE.chain: blanks fill it up, so that it is written in place and a full disk is no matter. */
#define KR_AUDIT_CHAIN_SIZE 256

/** The members of an event, as JSON without braces. */
const char *kr_audit_members(kr_ctx_t *k, const kr_audit_t *event);
/** Write a line of such members. @param may_release  no transaction is open: who waits gives the connection back */
void kr_audit_write(kr_ctx_t *k, const char *members, int may_release);

/**
 * The whole line, without its end.
 * @param head   out: where the chain stands with it
 * @param begins what stands before its number: time, node and realm, as JSON without a closing brace
 */
const char *kr_audit_line(kr_audit_head_t *head, apr_pool_t *pool, const kr_realm_t *realm, const char *begins, const char *members);

/** FILE.chain as text of KR_AUDIT_CHAIN_SIZE bytes. */
const char *kr_audit_chain_text(apr_pool_t *pool, const kr_audit_chain_t *chain, const kr_realm_t *realm);
/** Read it. @param realm out: who wrote it @param tag out: the keyed hash @param signed_len out: bytes it is over @return 0: it is none */
int kr_audit_chain_read(kr_audit_chain_t *out, const char **realm, const char **tag, apr_size_t *signed_len, apr_pool_t *pool, const char *text);

/**
 * What was written after the place that the chain knows, or into a file that it does not know: whole lines count, the rest was cut off.
 * @param chain  out: stands after the last whole line
 * @param cut    out: bytes behind that; a line that misses nothing but its end is whole, and *open_end is 1
 * @param size   of the file
 */
void kr_audit_mend(kr_audit_chain_t *chain, apr_uint64_t *cut, int *open_end, apr_pool_t *pool, int fd, apr_uint64_t size, int known);

#endif
