/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the settings say happens when a flow begins and when it is done. hook.c is the table of hooks, one file each does them. They run
 * in phases, each in the order of its list:
 *
 * phase  | when                               | transaction | what a hook may do
 * BEFORE | a flow begins, its form is made    | none        | say no: there is no flow then
 * BEGIN  | that flow is stored                | open        | write
 * ADMIT  | what was sent is right             | none        | say no; change what is to be created; send people elsewhere
 * WRITE  | with the change that it belongs to | open        | write; say no: nothing is written then
 * AGAIN  | a form has come a second time      | open        | find what WRITE made of the first
 * ANSWER | all is written                     | none        | add to the answer, lead people elsewhere; say no: what is written stays
 *
 * Where no transaction is open the connection may be given back (kr_db_release), and others be asked over the net. WRITE and AGAIN may
 * run several times: they begin with what they set in `after`, and change nothing else in memory that would count twice.
 */
#ifndef KR_HOOK_H
#define KR_HOOK_H

#include "kr_method.h"
#include "kr_outbox.h"

/** What hooks see and may add to. What a phase does not have yet is NULL in it. */
typedef struct {
    kr_flow_t *flow;              /* BEFORE has nothing else; messages on it are shown when a hook says kr_err_show_flow */
    kr_method_e method;
    kr_identity_t *identity;      /* whose. Registration, settings: as it shall be; ADMIT may change it */
    const kr_identity_t *shown;   /* login, recovery, verification: as ADMIT or ANSWER would have it shown, but not stored; or NULL */
    apr_array_header_t *changes;  /* settings: what ADMIT made of `identity`, for kr_hooks_settle; array of const json_t* */
    const kr_identity_t *before;  /* settings, from WRITE on: the identity as it was */
    kr_session_t *session;        /* settings: who asks. Login: in ADMIT as it will be, without a token. Recovery: from WRITE on.
                                     Registration: if WRITE or AGAIN made one */
    const kr_proof_t *proof;      /* login, registration, recovery: what a session rests on */
    kr_standing_e standing;       /* WRITE, AGAIN set it: of that proof; when it does not hold there is no session */
    int links_later;              /* login: 1: what it shall link waits for the second factor */
    int repeated;                 /* registration: 1: the form came before, and all but the answer was done then */
    int others_ended;             /* WRITE sets it: all other sessions of theirs have been ended in this transaction */
    const char *verification_flow;    /* WRITE, AGAIN set it: id of the flow that waits for a code, or NULL */
    const char *verification_address; /* and the address it is for */
    json_t *continue_with;        /* ANSWER adds to it: items for programs; array, pool-owned */
    const char *browser_to;       /* ADMIT (when it says no) and ANSWER set it: where people go instead */
} kr_after_flow_t;

/** Does the list that counts for this method (its own if it has one, else the flow-wide one) hold that hook? */
int kr_hooks_have(kr_ctx_t *k, kr_flow_kind_e kind, kr_method_e method, const char *name);

/** Is there one that is asked before that kind of flow begins? */
int kr_hooks_would_before(kr_ctx_t *k, kr_flow_kind_e kind);
/** Is there one that may say no, or change what is written? Until then nothing need be made ready for it. */
int kr_hooks_would_admit(kr_ctx_t *k, const kr_after_flow_t *after);
/** The same of those that follow when all is written. */
int kr_hooks_would_answer(kr_ctx_t *k, const kr_after_flow_t *after);
/** Is there one that writes, asked for by the list that counts for `after`, or not asked for at all? */
int kr_hooks_would_write(kr_ctx_t *k, const kr_after_flow_t *after);

/**
 * BEFORE: the hooks that say whether a flow may begin. It has its form and is not stored yet. Costs nothing without such hooks.
 * @return what to answer instead of the flow
 */
kr_err_t *kr_hooks_before(kr_ctx_t *k, kr_flow_t *flow) KR_MUST_CHECK;

/** BEGIN: the hooks that write what belongs to the beginning of a flow, inside the transaction that stores it. */
kr_err_t *kr_hooks_begin(kr_ctx_t *k, kr_flow_t *flow) KR_MUST_CHECK;
/** Would any? Without them the flow needs no transaction. */
int kr_hooks_would_begin(kr_ctx_t *k, kr_flow_kind_e kind);

/**
 * ADMIT: the hooks that may say no to a sign-in, a sign-up or a change before it is made. They store and commit what they need themselves.
 * @return what to answer; with browser_to set it is an envelope for programs (with status 403), and people go there
 */
kr_err_t *kr_hooks_admit(kr_ctx_t *k, kr_after_flow_t *after) KR_MUST_CHECK;

/**
 * Settings: what ADMIT's hooks made of the account, made of after->identity, in the transaction that writes it.
 * @return kr_err_show_flow, as ADMIT would have
 */
kr_err_t *kr_hooks_settle(kr_ctx_t *k, kr_after_flow_t *after) KR_MUST_CHECK;

/**
 * WRITE: the hooks that write, inside the transaction that makes the change, so that there is never half of it. After registration
 * and settings first the verification of new addresses, then the configured ones in their order, `session` last.
 */
kr_err_t *kr_hooks_write(kr_ctx_t *k, kr_after_flow_t *after) KR_MUST_CHECK;

/**
 * AGAIN: a registration that was sent twice, within a transaction: what the answer to the second needs. The session where registrations
 * give one, and what kr_hooks_find_verification finds, which belongs to this answer's anti-CSRF cookie from here on. after->standing
 * says whether what proved it again holds.
 */
kr_err_t *kr_hooks_repeat(kr_ctx_t *k, kr_after_flow_t *after) KR_MUST_CHECK;
/** Find the verification flow that the hooks of this registration made, for the answer. Without one nothing changes. */
kr_err_t *kr_hooks_find_verification(kr_ctx_t *k, kr_after_flow_t *after) KR_MUST_CHECK;

/** Beside what changed: how it came about. */
typedef struct {
    const json_t *payload; /* the flow's transient_payload; or NULL */
    int by_owner;          /* 1: those who run the site did it, and no flow */
} kr_told_t;

/**
 * Queue a letter to the person about what was added to, removed from and replaced among their factors (kr_factor_changes), if there is
 * such a thing and mod_kratos.letters.factor_changed is on: one for each change that is committed. Inside the transaction that makes
 * the change, whoever makes it; WRITE does it after settings. Told are the verified addresses that the account had before, at most five;
 * without any, those that it claimed before. Where nothing carries mail nothing is queued.
 */
kr_err_t *kr_tell_factors(kr_ctx_t *k, const kr_identity_t *now, const kr_identity_t *before, const kr_told_t *told_of) KR_MUST_CHECK;

/**
 * Tell the audit stream what an account has become: factors, password, traits. Inside the transaction that makes the change, whoever makes
 * it; written once that is committed. Both states with credentials.
 * @param session_id, flow_id  by which; or NULL
 */
void kr_audit_changes(kr_ctx_t *k, const kr_identity_t *now, const kr_identity_t *before, const char *session_id, const char *flow_id);

/** ANSWER: the hooks that shape the answer once the change is made, in their configured order. */
kr_err_t *kr_hooks_answer(kr_ctx_t *k, kr_after_flow_t *after) KR_MUST_CHECK;

/* -- what leaves later ------------------------------------------------------ */

/** Lanes of the outbox. */
typedef enum { KR_LANE_MESSAGES, KR_LANE_WEB_HOOKS, KR_LANES } kr_lane_e;

/** The table of all that the outbox sends: mail and text messages, and apart from them, as nobody shall wait for others' servers, web hooks. */
extern const kr_lane_t kr_lanes[KR_LANES];

#endif
