/* SPDX-License-Identifier: Apache-2.0 */
/* One-time codes and link tokens: made, mailed, checked. What verification, recovery and sign-in by code share. */
#ifndef KR_CODE_H
#define KR_CODE_H

#include "kr_flow.h"
#include "kr_identity.h"

/* a row of the store: whoever has one includes kr_store_code.h */
typedef struct kr_code_row_t kr_code_row_t;

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

/** Codes and links of verification: what registration, settings and the verification flow send. */
extern const kr_code_kind_t kr_code_verification, kr_link_verification;

/** What became of a code that was entered. */
typedef enum {
    KR_CODE_RIGHT,
    KR_CODE_WRONG,
    KR_CODE_EXPIRED,
    KR_CODE_USED,
    KR_CODE_TOO_OFTEN  /* the flow is locked: too many tries */
} kr_code_verdict_e;

/**
 * Check a code, count the try and use the code, in one transaction. Blanks and full-width digits are understood. All codes of
 * the flow are compared, in constant time. A right one of recovery voids all others of its kind that the identity has.
 * @param used  the row it matched, when right
 */
kr_err_t *kr_code_check(kr_code_verdict_e *out, kr_code_row_t *used, kr_ctx_t *k, const kr_flow_t *flow,
                        const char *kind, const char *code) KR_MUST_CHECK;

/** Nodes and message of a verification flow whose code is on its way. @param resend name of the resend button */
void kr_verification_show_sent(kr_ctx_t *k, kr_flow_t *flow, const char *via, const char *value, const char *resend);

/** Message of a flow whose link is on its way; the form stays as it was, with the address in it. */
void kr_link_show_sent(kr_ctx_t *k, kr_flow_t *flow, const char *value);

#endif
