/* SPDX-License-Identifier: Apache-2.0 */
/* The records of this room: one method, one file. */
#ifndef KR_METHOD_METHOD_H
#define KR_METHOD_METHOD_H

#include "kr_method.h"
#include "kr_realm.h"

extern const kr_method_t kr_method_profile;
extern const kr_method_t kr_method_password;
extern const kr_method_t kr_method_oidc;
extern const kr_method_t kr_method_code;
extern const kr_method_t kr_method_link;
extern const kr_method_t kr_method_totp;
extern const kr_method_t kr_method_lookup;
extern const kr_method_t kr_method_passkey;
extern const kr_method_t kr_method_webauthn;
extern const kr_method_t kr_method_identifier_first;

/* a row of the store: whoever has one includes kr_store_code.h */
typedef struct kr_code_row_t kr_code_row_t;

/* -- one-time codes and link tokens: made, mailed, checked (codes.c, code_check.c) ---------- */

/** What a code is for. */
typedef struct {
    const char *kind;        /* "verification", "recovery", "verification_link", "recovery_link": of the stored hash */
    const char *template_type; /* of the mail when somebody has the address: "recovery_code_valid" */
    const char *unknown_template; /* when nobody has it and the settings want it to be told, or NULL */
    const char *field;       /* of the template's data that holds the code or URL: "recovery_code", "verification_url" */
    int link;                /* 1: a token of 32 characters inside a URL; 0: six digits */
    int alone;               /* 1: a new one voids those of the same person before it, in whichever flow they were asked for */
} kr_code_kind_t;

/**
 * Forget earlier codes of the flow, store a new one, queue its mail, store the flow: one transaction.
 * @param identity_id  NULL: nobody has the address. A mail goes out only if kind->unknown_template is set; otherwise the
 *                     same statements write a code that nobody gets and a message that nobody sends, so that neither
 *                     answer nor time tells (docs/timing.md)
 * @param address_id  row of the address, or NULL
 */
kr_err_t *kr_code_send(kr_ctx_t *k, kr_flow_t *flow, const kr_code_kind_t *kind, const char *via, const char *value,
                       const char *identity_id, const char *address_id) KR_MUST_CHECK;

/** The part of kr_code_send that stores the code and queues the mail: inside the caller's transaction, the flow is stored already. */
kr_err_t *kr_code_queue(kr_ctx_t *k, kr_flow_t *flow, const kr_code_kind_t *kind, const char *via, const char *value,
                        const kr_identity_t *identity, const char *address_id) KR_MUST_CHECK;

/**
 * Sign-in and sign-up: forget earlier codes of the flow, mail each address a code of its own, store the flow: one transaction.
 * @param addresses    of const char*, normalised: e-mail addresses and phone numbers
 * @param identity     whose they are; NULL: who signs up has no account yet
 * @param traits       of who signs up, for the letter; else NULL. Both NULL: nobody has the address, and nothing tells, as
 *                     with kr_code_send
 */
kr_err_t *kr_code_send_all(kr_ctx_t *k, kr_flow_t *flow, const kr_code_kind_t *kind, const apr_array_header_t *addresses,
                           const kr_identity_t *identity, const json_t *traits) KR_MUST_CHECK;

/** An identity in memory whose address a code has just proved: as the store has it, or shall have it. */
void kr_code_verified(kr_ctx_t *k, kr_identity_t *identity, const char *address);

/** What is hashed of a code: it fits the flow, the purpose and the address that it was made for, and no others. */
const char *kr_code_bound(kr_ctx_t *k, const char *flow_id, const char *kind, const char *address, const char *code);

/** What became of a code that was entered. */
typedef enum {
    KR_CODE_RIGHT,
    KR_CODE_WRONG,
    KR_CODE_EXPIRED,
    KR_CODE_USED,
    KR_CODE_TOO_OFTEN  /* the flow is locked: too many tries */
} kr_code_verdict_e;

/** Tell the audit stream of a code that opened nothing (failed.c). @param identity  or NULL @param verdict  KR_CODE_RIGHT: but not any more */
void kr_audit_wrong_code(kr_ctx_t *k, const kr_flow_t *flow, const kr_identity_t *identity, const char *method, kr_code_verdict_e verdict);

/**
 * Check a code, count the try and use the code, in one transaction. Blanks and full-width digits are understood. All codes of
 * the flow are compared, in constant time. A right one of recovery voids all others of its kind that the identity has.
 * @param used  the row it matched, when right
 */
kr_err_t *kr_code_check(kr_code_verdict_e *out, kr_code_row_t *used, kr_ctx_t *k, const kr_flow_t *flow,
                        const char *kind, const char *code) KR_MUST_CHECK;

/** A code as somebody typed or pasted it, without blanks, dashes and the like; full-width digits and letters become narrow ones. */
const char *kr_code_clean(apr_pool_t *pool, const char *typed);

/** Codes and links of verification. */
extern const kr_code_kind_t kr_code_verification, kr_link_verification;

/** Nodes and message of a verification flow whose code is on its way. @param resend name of the resend button */
void kr_verification_show_sent(kr_ctx_t *k, kr_flow_t *flow, const char *via, const char *value, const char *resend);

/** Message of a flow whose link is on its way; the form stays as it was, with the address in it. */
void kr_link_show_sent(kr_ctx_t *k, kr_flow_t *flow, const char *value);

/* -- how much is sent and tried for one person (budget.c) ------------------- */

/** Nobody has the address that a code goes to: remember in the flow, before it is stored, whose tries are counted. */
void kr_budget_note(kr_ctx_t *k, kr_flow_t *flow, const char *address);
/**
 * Count one more code or link that is to be sent, in the caller's transaction, which has written the flow's row already.
 * @param identity_id  or NULL: nobody has the address
 * @param over         1: it is one too many, and is not to be sent
 */
kr_err_t *kr_budget_send(int *over, kr_ctx_t *k, const kr_flow_t *flow, const char *identity_id, const char *address) KR_MUST_CHECK;
/**
 * Count one more try, in the caller's transaction. @param codes of the flow, of kr_code_row_t @param over 1: it is one too many, and
 * is not to be looked at
 */
kr_err_t *kr_budget_try(int *over, kr_ctx_t *k, const kr_flow_t *flow, const apr_array_header_t *codes) KR_MUST_CHECK;

/** Wrong tries of that second factor of that account, within an hour; NULL: the settings set no limit. */
const kr_tries_t *kr_budget_second(kr_ctx_t *k, const char *method, const char *identity_id);

/**
 * What shows that it is the person, although strangers have used up all that there is: a browser that was let in before, or a session,
 * as apps have. @return NULL: nothing does
 */
const char *kr_sign_of(kr_ctx_t *k, const char *identity_id);
/** Devices are made by signing in, as often as somebody likes who knows the password: together they have this many allowances. */
#define KR_DEVICES 3

/** The identifier that a sign-in by password names, as it was typed; NULL or "" when it names none. */
const char *kr_identifier_of(const kr_body_t *body);

/**
 * Somebody is about to try a password under that identifier, normalised: count it as a wrong one (throttle.c). No statement.
 * @param identity  whose it is; NULL: nobody's
 * @return 429 when it is one too many; else kr_throttle_leave follows when it was the right one
 */
kr_err_t *kr_throttle_password(kr_throttle_t *t, kr_ctx_t *k, const char *identifier, const kr_identity_t *identity) KR_MUST_CHECK;

/* -- outcomes (outcome.c): each fills `out`, whose method is set, and returns NULL ------------- */

/** Another screen, which is in the flow by now. */
kr_err_t *kr_outcome_step(kr_outcome_t *out);
/** The same; the flow is stored already. */
kr_err_t *kr_outcome_sent(kr_outcome_t *out);
/** Whose proof is of the level that the flow asked for, whatever it says. */
kr_err_t *kr_outcome_proved(kr_outcome_t *out, const kr_flow_t *flow, kr_identity_t *identity, kr_proof_t proof);
/** Whose proof is a first factor. */
kr_err_t *kr_outcome_register(kr_outcome_t *out, kr_identity_t *identity, kr_proof_t proof);
kr_err_t *kr_outcome_change(kr_outcome_t *out, kr_change_fn *change, const void *wanted);
/** A change that has to wait, when `refresh` asks for a fresh proof. @return refresh */
kr_err_t *kr_outcome_park(kr_outcome_t *out, json_t *park, kr_err_t *refresh);
/** The code or link of that row was right, and a recovery by it has that proof. */
kr_err_t *kr_outcome_passed(kr_outcome_t *out, const kr_code_row_t *row, const char *proves);
/** The browser goes elsewhere, or to the page of this flow as it stands by now. */
kr_err_t *kr_outcome_go(kr_outcome_t *out, const char *url);
/** It goes on in a new flow of that kind. @param baton  for `go_on`; kept */
kr_err_t *kr_outcome_other(kr_outcome_t *out, kr_flow_kind_e kind, kr_go_on_fn *go_on, const void *baton);
/** A new flow with that message; its `reason` belongs to 4000001. */
kr_err_t *kr_outcome_replace(kr_outcome_t *out, int message, const char *reason);

/** What a fresh form of this flow asks. */
kr_ask_e kr_ask_of(kr_ctx_t *k, const kr_flow_t *flow);

/** Is there a method that answers to that? */
int kr_methods_answer(kr_ctx_t *k, const kr_flow_t *flow, kr_ask_e ask);
/**
 * Add every method's nodes for what is asked, unsorted: the second screens of identifier-first login and two-step registration.
 * @param types  only methods of these names: those whose credentials the account has; NULL: all that are switched on
 */
kr_err_t *kr_methods_offer(kr_ctx_t *k, kr_flow_t *flow, kr_ask_e ask, const apr_array_header_t *types) KR_MUST_CHECK;
/** Of kr_method_t.aal: a first factor, and nothing else. */
unsigned kr_reaches_first(const kr_settings_t *settings);
/** The same of a second one. */
unsigned kr_reaches_second(const kr_settings_t *settings);

/** What every submit may bring along: `transient_payload`, kept in flow->transient_payload. @return 400 when it is no JSON object */
kr_err_t *kr_methods_transient(kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body) KR_MUST_CHECK;
/** No method takes the submit: the flow says so. @return kr_err_show_flow */
kr_err_t *kr_methods_none(kr_ctx_t *k, kr_flow_t *flow) KR_MUST_CHECK;

/**
 * Is the proof of the session fresh enough for a change of credentials? Sets nothing.
 * @return 403 session_refresh_required with redirect_browser_to, else NULL
 */
kr_err_t *kr_need_fresh_proof(kr_ctx_t *k, const kr_flow_t *flow) KR_MUST_CHECK;

/**
 * Names that people sign in by with a password are theirs, whether they have one or not: nobody else gets them, and by them they are known.
 * Of an account that is being made.
 */
void kr_identity_reserve_names(kr_ctx_t *k, kr_identity_t *identity, const kr_schema_t *schema);

/** Message 4000002 on the node of a field that was not sent. */
void kr_field_missing(kr_ctx_t *k, kr_flow_t *flow, const char *field);

/** The identifier input of login: its label names the one annotated trait of the schema, if there is just one. */
json_t *kr_node_identifier(kr_ctx_t *k, kr_flow_t *flow, const char *group, const char *autocomplete);

/* -- what somebody has written down or has on a phone (second.c) ------------- */

/** The form of a second factor: shown to who is signed in, if they have it. @param method  its name, its group and its credential's type */
kr_err_t *kr_second_show(kr_ctx_t *k, kr_flow_t *flow, const char *method, const kr_node_spec_t *nodes, int count) KR_MUST_CHECK;
/** The field of a form that is shown again is empty: no value at all, as clients know it. */
void kr_second_forget(kr_flow_t *flow, const char *field);
/** The account has no such second factor: message `none`. @return kr_err_show_flow */
kr_err_t *kr_second_missing(kr_ctx_t *k, kr_flow_t *flow, int none) KR_MUST_CHECK;
/** A code that somebody typed for the second factor of an account. */
typedef struct {
    const char *method;      /* its name, and the type of its credential */
    const char *typed;
    kr_identity_t *identity; /* of the session, with credentials */
} kr_second_t;

/** It was right: kept in the flow, which is stored with what follows from it, for who sends the form once more. */
kr_err_t *kr_second_remember(kr_ctx_t *k, kr_flow_t *flow, const kr_second_t *second) KR_MUST_CHECK;
/** Was it right a moment ago, in this form, and in this session? Of somebody who looks at pages. */
kr_err_t *kr_second_twice(int *yes, kr_ctx_t *k, const kr_flow_t *flow, const kr_second_t *second) KR_MUST_CHECK;
/**
 * The code is not right: message `wrong`, or that it was tried too often, and a line in the log. It is counted for the account, over all
 * flows. If it is but the form that was right a moment ago, clicked twice, it ends as the first did.
 * @return kr_err_show_flow
 */
kr_err_t *kr_second_wrong(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_second_t *second, int wrong) KR_MUST_CHECK;
/**
 * The code is right, and is used up, unless too many wrong ones were tried: that is asked by the statement that uses it up, and here only
 * when that one was refused, so that who is right the first time costs no statement more.
 * @param spends  config of the credential then
 * @param spent   and how much of it is used up
 * @return kr_err_show_flow
 */
kr_err_t *kr_second_right(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_second_t *second, const char *spends,
                          apr_int64_t spent) KR_MUST_CHECK;

/* -- authenticator apps (totp.c, totp_settings.c) --------------------------- */

/**
 * The seed in the credential of an authenticator app.
 * @return NULL when it cannot be read: it was sealed with a secret that is gone
 */
const char *kr_totp_seed_of(kr_ctx_t *k, const kr_identity_t *identity, const kr_credential_t *credential);

kr_show_fn kr_totp_show_settings;
kr_submit_fn kr_totp_change;
kr_err_t *kr_totp_resume(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const json_t *parked);

/* -- recovery codes (lookup.c, lookup_codes.c, lookup_settings.c) ------------ */

/** Twelve new codes, as they are shown: an array of texts. Pool-owned. */
json_t *kr_lookup_make(kr_ctx_t *k);
/**
 * The config of their credential: keyed hashes, bound to that identity.
 * @param made_in  id of the settings flow that still has the codes themselves, for a while
 */
const char *kr_lookup_config(kr_ctx_t *k, const char *identity_id, const json_t *codes, const char *made_in);
/** What such a config holds: an array of {"code", "used_at"}; empty when it cannot be read. */
json_t *kr_lookup_stored(kr_ctx_t *k, const kr_credential_t *credential);
/**
 * Which of the stored codes is it, used or not? Understood in capitals, with blanks and dashes, and full-width; all are compared, by
 * every secret of the realm.
 * @param stored  kr_lookup_stored
 * @return its index, or -1
 */
int kr_lookup_find(kr_ctx_t *k, const char *identity_id, const json_t *stored, const char *typed);
/** The config once the code of that index is used. */
const char *kr_lookup_used(kr_ctx_t *k, const kr_credential_t *credential, int index);

kr_show_fn kr_lookup_show_settings;
kr_submit_fn kr_lookup_change;
kr_err_t *kr_lookup_resume(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const json_t *parked);

/* -- passwords (password_policy.c) ----------------------------------------- */

/**
 * The password policy: length, similarity to the identifiers, breached list. Messages go onto node `password`.
 * @param identifiers  array of const char*
 * @return kr_err_show_flow when it does not hold, 502 when the list is needed and cannot be asked
 */
kr_err_t *kr_password_policy(kr_ctx_t *k, kr_flow_t *flow, const char *password, const apr_array_header_t *identifiers) KR_MUST_CHECK;

/** The count of breaches a password is in, from the range API (cached per process). @return 502 upstream_error */
kr_err_t *kr_breach_count(apr_int64_t *count, kr_ctx_t *k, const char *password) KR_MUST_CHECK;

/* -- the code method in recovery (code.c, recovery_choice.c) ---------------- */

/** What recovery sends. */
extern const kr_code_kind_t kr_code_recovery;
/** Check a code of recovery, and show what is wrong with it. */
kr_err_t *kr_recovery_check_code(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *code) KR_MUST_CHECK;

/** Did this flow begin with a choice among addresses? It goes on so, whatever the settings say by now. */
int kr_recovery_is_choice(const kr_flow_t *flow);
kr_show_fn kr_recovery_show_choice;
kr_submit_fn kr_recovery_take_choice;

/* -- the code method as first factor (code_login.c, code_registration.c) -- */

kr_show_fn kr_code_show_first, kr_code_show_refresh, kr_code_offer_login, kr_code_show_sign_up, kr_code_offer_sign_up;
kr_submit_fn kr_code_take_login, kr_code_take_registration;

/** In a login flow: whose codes were sent. Nobody's, where it is not told that an account is unknown. */
#define KR_CODE_WHOSE "code_of"

/** Nodes and message of a login whose code is on its way. The field of the identifier, or of that address, stays; all others go. */
void kr_code_show_login_sent(kr_ctx_t *k, kr_flow_t *flow, const char *identifier, int message);
/** What was sent as `identifier`, or as the `address` that the form offers, as it is shown again; "" when there is none. */
const char *kr_code_identifier(kr_ctx_t *k, const kr_flow_t *flow, const kr_body_t *body);
/** Is the value of that field missing? Then it is said there. */
int kr_code_misses(kr_ctx_t *k, kr_flow_t *flow, const char *field, const char *value);
/** Does a login by code begin with a choice among the addresses on record? Its buttons name no method. */
int kr_code_by_address(kr_ctx_t *k, const kr_flow_t *flow);

/** The same as second factor (code_second.c): a button for each address, then the code. kr_code_show_own: the buttons alone. */
kr_show_fn kr_code_show_second, kr_code_show_own;
kr_submit_fn kr_code_take_second; /* with the form as it is shown again */
kr_submit_fn kr_code_prove_second; /* the step alone */

/** Identifier-first login, when a code is the only way in: send it at once. */
kr_err_t *kr_code_begin_login(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *identifier) KR_MUST_CHECK;

/** What a code that was not taken means to the person: message `wrong`, or that it was tried too often. */
kr_err_t *kr_code_refuse(kr_ctx_t *k, kr_flow_t *flow, kr_code_verdict_e verdict, int wrong) KR_MUST_CHECK;

/** Does the submit ask for another code? */
int kr_code_again(const kr_body_t *body);

/** The e-mail addresses and phone numbers among the identifiers of a code credential. Array of const char*. */
apr_array_header_t *kr_code_addresses(apr_pool_t *pool, const apr_array_header_t *identifiers);

/** Of a registration form keep the anti-CSRF token and the traits, and hide the latter. */
void kr_registration_hide_traits(kr_flow_t *flow);

#endif
