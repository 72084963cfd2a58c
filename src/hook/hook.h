/* SPDX-License-Identifier: Apache-2.0 */
/* What a hook is, how a list of them runs, and the hooks of this room, one file each. */
#ifndef KR_HOOK_HOOK_H
#define KR_HOOK_HOOK_H

#include "kr_hook.h"
#include "kr_realm.h"

/** When a hook runs; kr_hook.h says what each phase may do. */
typedef enum { KR_HOOK_BEFORE, KR_HOOK_BEGIN, KR_HOOK_ADMIT, KR_HOOK_WRITE, KR_HOOK_AGAIN, KR_HOOK_ANSWER, KR_HOOK_PHASES } kr_phase_e;

/**
 * What a hook does in a phase.
 * @param conf  its entry in the list, with the `config` of that entry; NULL when no list asked for it
 */
typedef kr_err_t *kr_hook_fn(kr_ctx_t *k, kr_after_flow_t *after, const kr_hook_conf_t *conf);

/** A row of the table of hooks. */
typedef struct {
    const char *name;                /* as in settings; a row without one ends the table */
    kr_hook_fn *run[KR_HOOK_PHASES]; /* NULL: nothing */
    unsigned each : 1;               /* every entry of a list counts, by its settings; else those after the first say nothing new */
    int (*acts)(const kr_after_flow_t *after, kr_phase_e phase, const kr_hook_conf_t *conf); /* does this entry, there? NULL: it does */
    unsigned last : 1;               /* after all others of its phase, whatever its place in the list: what comes before may still say no */
    int (*unasked)(kr_ctx_t *k, const kr_after_flow_t *after); /* runs without an entry, before all lists, when this says so; or NULL */
} kr_hook_t;

/** Run what a table has for that phase: the rows that no list asks for, then a list (or NULL) of kr_hook_conf_t, then its last ones. */
kr_err_t *kr_hooks_run(kr_ctx_t *k, kr_after_flow_t *after, kr_phase_e phase, const kr_hook_t *table,
                       const apr_array_header_t *list) KR_MUST_CHECK;
/** Would something of that run? */
int kr_hooks_would(kr_ctx_t *k, const kr_after_flow_t *after, kr_phase_e phase, const kr_hook_t *table, const apr_array_header_t *list);

/** Start the session of somebody who just registered. */
kr_hook_fn kr_hook_session;
/** The same for a form that has come a second time. */
kr_hook_fn kr_hook_session_again;
/** May this flow have brought addresses that are to be verified? */
int kr_hook_has_new_addresses(kr_ctx_t *k, const kr_after_flow_t *after);
/** Make a verification flow for each address that is new, and queue its mail. Once that is committed the addresses are shown as sent to. */
kr_hook_fn kr_hook_new_addresses;
/** Find what that made for a registration of a browser; it belongs to this answer's cookie now. */
kr_hook_fn kr_hook_new_addresses_again;
/** One such flow for one address, inside the caller's transaction. */
kr_err_t *kr_hook_verification_begin(kr_ctx_t *k, kr_after_flow_t *after, const kr_address_t *address) KR_MUST_CHECK;
/** Find what kr_hook_new_addresses made. @param take  1: it belongs to this answer's cookie now */
kr_err_t *kr_hook_verification_find(kr_ctx_t *k, kr_after_flow_t *after, int take) KR_MUST_CHECK;
/** After a sign-in: the same for the first address that is not verified yet. */
kr_hook_fn kr_hook_verification_login;
/** Refuse a sign-in without a verified address. */
kr_hook_fn kr_hook_require_verified;
/** End all other sessions of the identity. */
kr_hook_fn kr_hook_revoke_sessions;
/** Does this entry have a part in that phase? */
int kr_hook_web_acts(const kr_after_flow_t *after, kr_phase_e phase, const kr_hook_conf_t *conf);
/** Call somebody else's server, and heed what it answers. */
kr_hook_fn kr_hook_web_before, kr_hook_web_admit, kr_hook_web_answer;
/** Put that call into the outbox: nobody waits for its answer. */
kr_hook_fn kr_hook_web_begin, kr_hook_web_write;
/** Tell programs of the verification flow and send people to its page. */
kr_hook_fn kr_hook_show_verification_ui;
/** Tell the addresses that the account had of a change of its addresses, as `config` says which. */
kr_hook_fn kr_hook_notify_previous;
/** May this flow have changed what somebody has to sign in with? */
int kr_hook_has_factors(kr_ctx_t *k, const kr_after_flow_t *after);
/** Tell the person what was added or removed. */
kr_hook_fn kr_hook_tell_factors;
/** Was it a recovery code that signed them in? */
int kr_hook_has_recovery_code(kr_ctx_t *k, const kr_after_flow_t *after);
/** Tell the person that one was used, and how many are left. */
kr_hook_fn kr_hook_tell_recovery_code;

#endif
