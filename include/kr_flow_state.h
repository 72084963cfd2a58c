/* SPDX-License-Identifier: Apache-2.0 */
/* How far a flow is. Which states a kind of flow has, and which may follow which, is one matrix (src/flow/states.c). */
#ifndef KR_FLOW_STATE_H
#define KR_FLOW_STATE_H

#include "kr_flow_kinds.h"

typedef enum {
    KR_STATE_CHOOSE_METHOD,
    KR_STATE_SENT_EMAIL,       /* a code or link is on its way, by text message too */
    KR_STATE_PASSED_CHALLENGE, /* it was the right one */
    KR_STATE_SHOW_FORM,
    KR_STATE_SUCCESS,
    KR_STATE_RECOVERY_ADDRESS, /* recovery with a choice of addresses: one is to be named, */
    KR_STATE_RECOVERY_CHOICE,  /* one of the person's picked, */
    KR_STATE_RECOVERY_CONFIRM, /* that one typed in full, */
    KR_STATE_RECOVERY_CODE,    /* the code entered */
    KR_STATES
} kr_state_e;

/** As on the wire: "choose_method", "recovery_awaiting_code". Static. */
const char *kr_state_name(kr_state_e state);
/** The state of that name, if this kind of flow has it. @return 0: it has not, and *out is unchanged */
int kr_state_parse(kr_state_e *out, kr_flow_kind_e kind, const char *name);
/** The state in which a flow of this kind begins, unless a method begins it further on. */
kr_state_e kr_state_first(kr_flow_kind_e kind);
/** May a flow of this kind that was stored in state `from` be stored in state `to`? */
int kr_state_may_follow(kr_flow_kind_e kind, kr_state_e from, kr_state_e to);

#endif
