/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Five tries for each flow are no limit while flows cost nothing. So codes and tries are also counted over all flows and kinds, in the
 * database: for an account, or for an address that nobody has, so that neither answer nor number of statements tells which it is.
 * Anybody can use up what an account has; a browser that was let into it before keeps an allowance of its own.
 */
#include "kr_config.h"
#include "kr_json.h"
#include "kr_store.h"
#include "kr_text.h"
#include "method_private.h"

#define HOUR apr_time_from_sec(3600)
#define QUARTER apr_time_from_sec(900)

/** In a flow: whose budget the tries are on when nobody has the address. */
#define NOBODY "nobody"

static kr_err_t *spend(int *over, kr_ctx_t *k, const char *what, const char *whose, apr_int64_t limit, apr_time_t window)
{
    const char *text = apr_pstrcat(k->pool, "budget ", what, " ", whose, NULL);
    apr_int64_t used;

    *over = 0;
    if (!limit) return NULL;
    KR_TRY(kr_store_budget_spend(&used, k, kr_hmac(k->pool, k->realm->keys, KR_KEY_CODE, 0, text), window));
    *over = used > limit;
    return NULL;
}

/* Of what is left to the person where strangers have used up all. */
static kr_err_t *spend_with_allowance(int *over, kr_ctx_t *k, const char *what, const char *whose, const char *identity_id,
                                      apr_int64_t limit, apr_time_t window)
{
    const char *device;

    KR_TRY(spend(over, k, what, whose, limit, window));
    device = *over ? kr_csrf_device(k, identity_id) : NULL;
    return device ? spend(over, k, what, apr_pstrcat(k->pool, "device ", device, NULL), limit, window) : NULL;
}

static const char *whose(kr_ctx_t *k, const char *identity_id, const char *address)
{
    return apr_pstrcat(k->pool, identity_id ? "identity " : "address ", identity_id ? identity_id : address, NULL);
}

kr_err_t *kr_budget_send(int *over, kr_ctx_t *k, kr_flow_t *flow, const char *identity_id, const char *address)
{
    int full;

    /* before the flow is stored; what tries are counted on must not be read from the address that is shown */
    if (!identity_id) json_object_set_new(flow->internal, NOBODY, json_string(whose(k, NULL, address)));
    KR_TRY(spend_with_allowance(over, k, "message", whose(k, NULL, address), identity_id,
                                k->realm->settings->code_budget.messages, QUARTER));
    KR_TRY(spend_with_allowance(&full, k, "sent", whose(k, identity_id, address), identity_id,
                                k->realm->settings->code_budget.sent, HOUR));
    *over |= full;
    return NULL;
}

kr_err_t *kr_budget_try(int *over, kr_ctx_t *k, const kr_flow_t *flow, const apr_array_header_t *codes)
{
    const kr_code_row_t *first = codes->nelts ? &APR_ARRAY_IDX(codes, 0, const kr_code_row_t) : NULL;
    const char *nobody = kr_json_str(flow->internal, NOBODY), *identity_id = first ? first->identity_id : NULL;

    *over = 0;
    if (!first) return NULL; /* nothing was sent, and nothing can be guessed */
    if (!identity_id && !first->address && !nobody) return NULL;
    return spend_with_allowance(over, k, "try", identity_id || first->address ? whose(k, identity_id, first->address) : nobody,
                                identity_id, k->realm->settings->code_budget.tries, HOUR);
}
