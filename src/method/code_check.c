/* SPDX-License-Identifier: Apache-2.0 */
/* A code or link token that was entered: cleaned of what people type around it, counted as a try, compared, used once. */
#include <string.h>

#include "kr_audit.h"
#include "kr_store_code.h"
#include "kr_text.h"
#include "method.h"

/** A check and its verdict. */
typedef struct {
    const kr_flow_t *flow;
    const char *kind, *code;
    kr_code_verdict_e verdict;
    kr_code_row_t row;
} checking_t;

/** What people put between digits, or a clipboard around them: nothing of it is part of a code or token. */
static const char *const FILLERS[] = {
    " ", "\t", "\r", "\n", "-", ".",
    "\xc2\xa0", "\xe3\x80\x80", "\xe2\x80\xaf", "\xe2\x80\x89", /* no-break, ideographic and narrow spaces */
    "\xe2\x80\x8b", "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x81\xa0", "\xef\xbb\xbf", /* not to be seen at all */
    "\xe2\x80\x90", "\xe2\x80\x91", "\xe2\x80\x93", "\xef\xbc\x8d", /* hyphens, dash, full-width hyphen */
};

static apr_size_t filler(const char *p)
{
    for (int i = 0; i < KR_DIM(FILLERS); i++)
        if (strncmp(p, FILLERS[i], strlen(FILLERS[i])) == 0) return strlen(FILLERS[i]);
    return 0;
}

/* Some keyboards type full-width digits and letters (U+FF10 to U+FF5A), three bytes each. @return its ASCII; 0: it is none */
static char narrow(const unsigned char *p)
{
    const int wide = p[0] == 0xef && (p[1] == 0xbc || p[1] == 0xbd) && p[2] >= 0x80;
    const unsigned at = wide ? (p[1] - 0xbcu) * 64 + (p[2] - 0x80u) : 0;
    const char c = at >= 0x10 && at <= 0x5a ? (char)(at + 0x20) : '\0';

    return kr_is_digit(c) || kr_is_alpha(c) ? c : '\0';
}

const char *kr_code_clean(apr_pool_t *pool, const char *code)
{
    char *out = apr_palloc(pool, strlen(code) + 1), *to = out;

    while (*code) {
        const apr_size_t skip = filler(code);
        const char c = skip ? '\0' : narrow((const unsigned char *)code);

        if (skip) code += skip;
        else if (c) {
            *to++ = c;
            code += 3;
        } else *to++ = *code++;
    }
    *to = '\0';
    return out;
}

static kr_err_t *mark_verified(kr_ctx_t *k, const kr_code_row_t *row)
{
    const char *identity_id, *address_id;

    if (!row->address || !row->identity_id) return NULL;
    KR_TRY(kr_address_find(&identity_id, &address_id, k, 0, kr_address_via(row->address), row->address));
    if (!identity_id || strcmp(identity_id, row->identity_id) != 0) return NULL;
    KR_TRY(kr_address_verified(k, identity_id, address_id));
    kr_audit(k, &(kr_audit_t){ .what = KR_AUDIT_VERIFIED, .identity_id = identity_id, .identifier = row->address });
    return NULL;
}

/* Nobody guesses a token: who tried would only keep others from using theirs. */
static int is_link(const char *kind)
{
    return strcmp(kind, kr_link_verification.kind) == 0 || strcmp(kind, "recovery_link") == 0;
}

static kr_err_t *check_in_tx(kr_ctx_t *k, void *baton)
{
    checking_t *c = baton;
    apr_array_header_t *rows;
    int tries, done, over = 0;

    c->verdict = KR_CODE_WRONG;
    KR_TRY(kr_flow_count_try(&tries, k, c->flow));
    if (tries > k->realm->settings->code_max_submissions) {
        c->verdict = KR_CODE_TOO_OFTEN;
        return NULL;
    }
    KR_TRY(kr_store_codes_of_flow(&rows, k, c->flow->id));
    if (!is_link(c->kind)) KR_TRY(kr_budget_try(&over, k, c->flow, rows));
    if (over) {
        c->verdict = KR_CODE_TOO_OFTEN;
        return NULL;
    }
    for (int i = 0; i < rows->nelts; i++) {
        const kr_code_row_t *row = &APR_ARRAY_IDX(rows, i, kr_code_row_t);

        if (strcmp(row->kind, c->kind) != 0) continue;
        if (kr_hmac_verify(k->pool, k->realm->keys, KR_KEY_CODE, kr_code_bound(k, c->flow->id, row->kind, row->address, c->code),
                           row->code_hash) < 0)
            continue;
        c->row = *row;
        c->verdict = row->used_at ? KR_CODE_USED : row->expires_at <= k->now ? KR_CODE_EXPIRED : KR_CODE_RIGHT;
    }
    if (c->verdict != KR_CODE_RIGHT) return NULL;
    KR_TRY(kr_store_code_use(&done, k, c->row.id));
    if (!done) {
        c->verdict = KR_CODE_USED;
        return NULL;
    }
    /* who is back in needs none of the other ways back that were asked for meanwhile, and nobody else shall use one */
    if (c->flow->kind == KR_FLOW_RECOVERY && c->row.identity_id) KR_TRY(kr_store_codes_void(k, c->row.identity_id, c->kind));
    return mark_verified(k, &c->row);
}

kr_err_t *kr_code_check(kr_code_verdict_e *out, kr_code_row_t *used, kr_ctx_t *k, const kr_flow_t *flow, const char *kind,
                        const char *code)
{
    checking_t c = { .flow = flow, .kind = kind, .code = kr_code_clean(k->pool, code) };

    KR_TRY(kr_db_tx(k, check_in_tx, &c));
    *out = c.verdict;
    *used = c.row;
    return NULL;
}

void kr_code_verified(kr_ctx_t *k, kr_identity_t *identity, const char *address)
{
    for (int i = 0; address && i < identity->addresses->nelts; i++) {
        kr_address_t *a = &APR_ARRAY_IDX(identity->addresses, i, kr_address_t);

        if (a->recovery || a->verified || strcmp(a->value, address) != 0) continue;
        a->verified = 1;
        a->status = "completed";
        a->verified_at = a->updated_at = k->now;
    }
}
