/* SPDX-License-Identifier: Apache-2.0 */
/* What a submit came to, said in one line by the method that took it. */
#include "kr_store_code.h"
#include "method.h"

/* Which other members an outcome had before counts for nothing: it is one thing at a time. */
static void begin(kr_outcome_t *out, kr_outcome_e is)
{
    *out = (kr_outcome_t){ .is = is, .method = out->method };
}

kr_err_t *kr_outcome_step(kr_outcome_t *out)
{
    begin(out, KR_OUTCOME_STEP);
    return NULL;
}

kr_err_t *kr_outcome_sent(kr_outcome_t *out)
{
    begin(out, KR_OUTCOME_STEP);
    out->step.stored = 1;
    return NULL;
}

kr_err_t *kr_outcome_proved(kr_outcome_t *out, const kr_flow_t *flow, kr_identity_t *identity, kr_proof_t proof)
{
    begin(out, KR_OUTCOME_PROVED);
    out->proved.identity = identity;
    out->proved.proof = proof;
    out->proved.proof.aal = flow->requested_aal;
    return NULL;
}

kr_err_t *kr_outcome_register(kr_outcome_t *out, kr_identity_t *identity, kr_proof_t proof)
{
    begin(out, KR_OUTCOME_REGISTER);
    out->registers.identity = identity;
    out->registers.proof = proof;
    out->registers.proof.aal = KR_AAL1; /* nobody begins with a second factor */
    return NULL;
}

kr_err_t *kr_outcome_change(kr_outcome_t *out, kr_change_fn *change, const void *wanted)
{
    begin(out, KR_OUTCOME_CHANGED);
    out->changed.change = change;
    out->changed.wanted = wanted;
    return NULL;
}

kr_err_t *kr_outcome_park(kr_outcome_t *out, json_t *park, kr_err_t *refresh)
{
    begin(out, KR_OUTCOME_CHANGED);
    out->changed.park = park;
    return refresh;
}

kr_err_t *kr_outcome_passed(kr_outcome_t *out, const kr_code_row_t *row, const char *proves)
{
    begin(out, KR_OUTCOME_PASSED);
    out->passed.identity_id = row->identity_id;
    out->passed.epoch = row->epoch;
    out->passed.via = row->address ? kr_address_via(row->address) : "email";
    out->passed.proof = (kr_proof_t){ .method = proves, .aal = KR_AAL1, .address = row->address, .recovery = 1 };
    return NULL;
}

kr_err_t *kr_outcome_go(kr_outcome_t *out, const char *url)
{
    begin(out, KR_OUTCOME_GO);
    out->go.url = url;
    return NULL;
}

kr_err_t *kr_outcome_other(kr_outcome_t *out, kr_flow_kind_e kind, kr_go_on_fn *go_on, const void *baton)
{
    begin(out, KR_OUTCOME_OTHER);
    out->other.kind = kind;
    out->other.go_on = go_on;
    out->other.baton = baton;
    return NULL;
}

kr_err_t *kr_outcome_replace(kr_outcome_t *out, int message, const char *reason)
{
    begin(out, KR_OUTCOME_REPLACE);
    out->replace.message = message;
    out->replace.reason = reason;
    return NULL;
}
