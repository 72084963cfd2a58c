/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Five tries for each flow are no limit while flows cost nothing. So codes and tries are also counted over all flows and kinds, in the
 * database: for an account, or for an address that nobody has, so that neither answer nor number of statements tells which it is.
 * Anybody can use up what an account has; a browser that was let into it before keeps an allowance of its own.
 */
#include <string.h>

#include "kr_realm.h"
#include "kr_json.h"
#include "kr_store_budget.h"
#include "kr_store_code.h"
#include "kr_text.h"
#include "method.h"

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

const char *kr_sign_of(kr_ctx_t *k, const char *identity_id)
{
    const char *device = kr_csrf_device(k, identity_id);

    if (device) return apr_pstrcat(k->pool, "device ", device, NULL);
    if (!identity_id || !k->session || strcmp(k->session->identity->id, identity_id) != 0) return NULL;
    return apr_pstrcat(k->pool, "session ", k->session->id, NULL);
}

static kr_err_t *spend_with_allowance(int *over, kr_ctx_t *k, const char *what, const char *whose, const char *identity_id,
                                      apr_int64_t limit, apr_time_t window)
{
    const char *sign;

    KR_TRY(spend(over, k, what, whose, limit, window));
    sign = *over ? kr_sign_of(k, identity_id) : NULL;
    if (!sign) return NULL;
    KR_TRY(spend(over, k, what, sign, limit, window));
    if (*over) return NULL;
    return spend(over, k, what, apr_pstrcat(k->pool, "devices of ", identity_id, NULL), KR_DEVICES * limit, window);
}

/* Who signs up has no account, whoever has the address: counted with an account's, it would tell that there is one. */
static const char *whose(kr_ctx_t *k, const kr_flow_t *flow, const char *identity_id, const char *address)
{
    const char *kind = flow && flow->kind == KR_FLOW_REGISTRATION ? "new address " : "address ";

    return apr_pstrcat(k->pool, identity_id ? "identity " : kind, identity_id ? identity_id : address, NULL);
}

/* What tries are counted on must not be read from the address that is shown. */
void kr_budget_note(kr_ctx_t *k, kr_flow_t *flow, const char *address)
{
    json_object_set_new(flow->internal, NOBODY, json_string(whose(k, flow, NULL, address)));
}

kr_err_t *kr_budget_send(int *over, kr_ctx_t *k, const kr_flow_t *flow, const char *identity_id, const char *address)
{
    int full;

    KR_TRY(spend_with_allowance(over, k, "message", whose(k, NULL, NULL, address), identity_id,
                                k->realm->settings->code_budget.messages, QUARTER));
    KR_TRY(spend_with_allowance(&full, k, "sent", whose(k, flow, identity_id, address), identity_id,
                                k->realm->settings->code_budget.sent, HOUR));
    *over |= full;
    return NULL;
}

/* No allowance: who proves again and again that a stranger's address is on their account must not write to it as often. */
kr_err_t *kr_budget_letter(int *over, kr_ctx_t *k, const char *address)
{
    return spend(over, k, "letter", address, k->realm->settings->code_budget.messages, QUARTER);
}

kr_err_t *kr_budget_try(int *over, kr_ctx_t *k, const kr_flow_t *flow, const apr_array_header_t *codes)
{
    const char *before = "", *who;
    int full;

    *over = 0; /* where nothing was sent, nothing can be guessed */
    for (int i = 0; i < codes->nelts; i++) { /* of several people only where one signs up with several addresses */
        const kr_code_row_t *row = &APR_ARRAY_IDX(codes, i, const kr_code_row_t);

        if (row->identity_id || row->address) who = whose(k, flow, row->identity_id, row->address);
        else who = kr_json_str(flow->internal, NOBODY);
        if (!who || strcmp(who, before) == 0) continue;
        before = who;
        KR_TRY(spend_with_allowance(&full, k, "try", who, row->identity_id, k->realm->settings->code_budget.tries, HOUR));
        *over |= full;
    }
    return NULL;
}

/* Who comes this far knows the password: no sign of theirs tells that it is the person. */
const kr_tries_t *kr_budget_second(kr_ctx_t *k, const char *method, const char *identity_id)
{
    const char *text = apr_pstrcat(k->pool, "budget second ", method, " ", identity_id, NULL);
    kr_tries_t *tries = apr_palloc(k->pool, sizeof(*tries));

    *tries = (kr_tries_t){ .id = kr_hmac(k->pool, k->realm->keys, KR_KEY_CODE, 0, text),
                           .limit = k->realm->settings->code_budget.tries, .window = HOUR };
    return tries->limit ? tries : NULL;
}
