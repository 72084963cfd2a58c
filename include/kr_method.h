/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to prove or change who you are. A method is a constant record: what it shows for what is asked, what it makes of a submit. */
#ifndef KR_METHOD_H
#define KR_METHOD_H

#include "kr_flow.h"
#include "kr_session.h"
#include "kr_settings.h"

typedef struct kr_outcome_t kr_outcome_t;

/** What a form asks of whom. Judged once, from the flow and the settings (method.c); a method fills in what it has an answer to. */
typedef enum {
    KR_ASK_FIRST,        /* login: a first factor, of anybody */
    KR_ASK_IDENTIFIER,   /* login: who it is; what they may prove it with comes next */
    KR_ASK_KNOWN,        /* login: a first factor, of the account that was named */
    KR_ASK_REFRESH,      /* login: a first factor once more, of who is signed in */
    KR_ASK_SECOND,       /* login: a second factor, of who is signed in */
    KR_ASK_SIGN_UP,      /* registration: traits and a credential, on one screen */
    KR_ASK_PROFILE,      /* registration: traits, on the first of two screens */
    KR_ASK_CREDENTIAL,   /* registration: a credential, on the second */
    KR_ASK_CHANGE,       /* settings: what of the account shall be another */
    KR_ASK_RECOVERY,     /* recovery: an address */
    KR_ASK_VERIFICATION, /* verification: an address */
    KR_ASKS
} kr_ask_e;

/** A bit for a level, of kr_method_t.aal. */
#define KR_REACHES(level) (1u << (level))

/**
 * A change of settings: a function of the account as it is now, run inside the transaction that writes it, as often as it takes.
 * It changes nothing but `identity`, and of that only what is its own; what it says on the flow is said once, when it fails.
 * @param identity  a copy of `before`, with credentials, to be changed
 * @param before    the account, locked
 * @param out       the outcome that it belongs to; `park` may be set
 * @return kr_err_show_flow, or 403 session_refresh_required
 */
typedef kr_err_t *kr_change_fn(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, kr_identity_t *identity,
                               const kr_identity_t *before);

/**
 * Goes on with what one flow came to in another one, which is stored by now.
 * @param baton  what the first flow's outcome had for it
 */
typedef kr_err_t *kr_go_on_fn(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const void *baton);

/** The ends that a submit can come to. A provider's callback, a change that waited and a link from a mail come to the same ones. */
typedef enum {
    KR_OUTCOME_NONE,     /* of an outcome that nobody has filled in */
    KR_OUTCOME_STEP,     /* the flow goes on with another screen */
    KR_OUTCOME_PROVED,   /* login: it is proved who it is */
    KR_OUTCOME_REGISTER, /* registration: an account is to be made */
    KR_OUTCOME_CHANGED,  /* settings: the account is to become another */
    KR_OUTCOME_PASSED,   /* recovery, verification: the code or link was the right one */
    KR_OUTCOME_REPLACE,  /* recovery, verification: this flow is over, a new one takes its place */
    KR_OUTCOME_GO,       /* the browser goes elsewhere, and comes back to this flow */
    KR_OUTCOME_OTHER,    /* login, registration: it goes on in a new flow of another kind */
    KR_OUTCOMES
} kr_outcome_e;

/** A sum: `is` says which member of the union counts. Filled by the method (kr_outcome_step and its like), completed by api/finish.c. */
struct kr_outcome_t {
    kr_outcome_e is;
    kr_method_e method;
    union {
        struct {
            int stored;               /* 1: the flow is stored as it stands, together with the codes that were sent */
            const char *fill;         /* verification: the code of a mail's link that was followed; it goes into the form, untried */
            int linking;              /* login: 1: it begins, to prove whose account is to be linked */
        } step;
        struct {
            kr_identity_t *identity;  /* who it is, as read for the proof */
            kr_proof_t proof;
            json_t *said;             /* messages of the form as it was sent: it keeps them; NULL: none */
            kr_change_fn *change;     /* of the account, that comes with the sign-in, while the proof holds; or NULL */
            const void *wanted;       /* of `change` */
        } proved;
        struct {
            kr_identity_t *identity;  /* to be made */
            kr_proof_t proof;
            int repeated;             /* 1: the very form that made it a moment ago, sent once more */
            const void *by;           /* the method's own, for when an identifier is taken; or NULL */
        } registers;
        struct {
            kr_change_fn *change;     /* makes of the identity as it is what it shall be */
            const void *wanted;       /* of `change`: what was sent, read and checked; a hash was made before */
            kr_proof_t gains;         /* what the session has proved by it, and is raised by; .method NULL: nothing */
            json_t *park;             /* what to keep, sealed, when a fresh proof is asked for first; or NULL */
            const char *resumed;      /* not the method's: the name under which it waited for that; NULL: it did not wait */
            int end_others;           /* not the method's: the person asked to be signed out everywhere else */
        } changed;
        struct {
            kr_proof_t proof;         /* recovery */
            const char *identity_id;  /* recovery: whose it was */
            apr_int64_t epoch;        /* recovery: of that identity's sessions when the code or link was right */
            const char *via;          /* verification: "email" or "sms" */
        } passed;
        struct {
            int message;              /* what the new flow begins with */
            const char *reason;       /* with this reason, where the message is 4000001 */
            apr_time_t since;         /* what was sent had expired then; 0: it had not */
            int visit;                /* 1: it was the token of a link, and who follows links is a browser */
            int again;                /* recovery: the code was the right one, and used before */
        } replace;
        struct {
            const char *url;
            int stored;               /* 1: the flow stays as it is stored */
        } go;
        struct {
            kr_flow_kind_e kind;
            kr_go_on_fn *go_on;
            const void *baton;
        } other;
    };
};

/** Add this method's nodes for what is asked. */
typedef kr_err_t *kr_show_fn(kr_ctx_t *k, kr_flow_t *flow);
/** Take a submit. Errors of the person's making are messages on the flow plus kr_err_show_flow. */
typedef kr_err_t *kr_submit_fn(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body);

/** One method. All state lives in the flow. */
typedef struct {
    kr_method_e id;
    int (*on)(const kr_settings_t *settings, kr_flow_kind_e kind); /* switched on for that kind of flow? */
    unsigned (*aal)(const kr_settings_t *settings); /* login: the levels it brings somebody to, KR_REACHES or-ed; NULL: it proves nothing */
    int (*takes)(const kr_body_t *body, kr_flow_kind_e kind);      /* NULL: field `method` equals the name */
    void (*keep)(kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body); /* keeps in the nodes what was typed, before any check; or NULL */
    kr_show_fn *show[KR_ASKS];         /* NULL: no nodes */
    kr_submit_fn *submit[KR_FLOW_KINDS];
    kr_submit_fn *second;              /* login: of a second factor; NULL: it is none */
    kr_err_t *(*resume)(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const json_t *parked); /* settings; or NULL */
} kr_method_t;

/** All methods in the order in which they add nodes and look at submits; ended by NULL. */
extern const kr_method_t *const kr_methods[];

/** The form of a fresh flow: every method's nodes for what it asks, sorted. */
kr_err_t *kr_methods_show(kr_ctx_t *k, kr_flow_t *flow) KR_MUST_CHECK;
/**
 * A second factor was asked for, and the form of the flow (stored by now) offers nothing but a code to one address: send it at once,
 * and store the flow as it stands then. Otherwise nothing.
 */
kr_err_t *kr_code_begin_second(kr_ctx_t *k, kr_flow_t *flow) KR_MUST_CHECK;
/**
 * Hand a submit of login, registration or settings to the method it names. Checks the anti-CSRF token first.
 * @return the "no strategy" message of the kind on the flow when none takes it
 */
kr_err_t *kr_methods_submit(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body) KR_MUST_CHECK;

/**
 * Take a submit of a recovery. By code its state says whether it is a try; by link a token is looked at before anything else.
 * @param body  of a POST; by link of a GET too, out of the query
 * @return kr_err_show_flow with messages; 403 security_csrf_violation; 400 session_already_available; 404 for a method that is off
 */
kr_err_t *kr_recovery_take(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body) KR_MUST_CHECK;
/** Where a recovery keeps the hash of the anti-CSRF cookie whose form has finished it (kr_csrf_hash): in flow->internal. */
#define KR_FINISHED_BY "finished.by"
/** Recovery is for those who are not signed in. @return 400 session_already_available */
kr_err_t *kr_recovery_check_guest(kr_ctx_t *k) KR_MUST_CHECK;
/**
 * Take a submit of a verification. Only what sends a mail needs the anti-CSRF token: a code or link is a secret of its own.
 * @param body  of a POST, or of a GET out of the query
 * @return kr_err_show_flow with messages, and a field for the address; 403 security_csrf_violation
 */
kr_err_t *kr_verification_take(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body) KR_MUST_CHECK;

/**
 * Store a fresh flow of verification as one whose code or link is on its way to that address, as the settings say which, and queue its
 * mail: inside the caller's transaction, which has the address.
 */
kr_err_t *kr_verification_send(kr_ctx_t *k, kr_flow_t *flow, const kr_identity_t *identity, const kr_address_t *address) KR_MUST_CHECK;

/**
 * Read traits out of a registration submit, keep what was sent in the nodes, and validate.
 * @param identity  out: new identity with schema, traits, addresses and what the traits alone make (a code credential)
 * @param needed    a top-level field that must be there too ("password"), or NULL: reported together with the traits
 * @return kr_err_show_flow with messages on the nodes
 */
kr_err_t *kr_registration_traits(kr_identity_t **identity, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body,
                                 const char *needed) KR_MUST_CHECK;

/**
 * A new identity out of traits that its schema found valid: id, addresses, and what the traits alone make (a code
 * credential). Nothing is stored yet.
 * @param traits    borrowed from k->pool
 * @param bad_path  out: the trait that is no address for its `via`; say KR_NO_ADDRESS of it
 * @return NULL when there is such a trait
 */
kr_identity_t *kr_identity_of_traits(kr_ctx_t *k, const kr_schema_t *schema, json_t *traits, const char **bad_path);

/**
 * What follows from the traits of an identity: its addresses, and the identifiers that its credentials are found by.
 * @return 1, or 0 with *bad_path as of kr_traits_addresses
 */
int kr_identity_follow_traits(kr_ctx_t *k, kr_identity_t *identity, const kr_schema_t *schema, const char **bad_path);

/**
 * The id of the account that a registration makes of traits, by their identifiers of that type. In the flow of a browser it is the same
 * each time, so that a form that is sent twice finds what it made; in others each is new.
 */
const char *kr_registration_id(kr_ctx_t *k, const kr_flow_t *flow, const json_t *traits, const char *type);

/** Was it made within the last minute, and may it sign in? A form that is sent twice is answered like the first that long. */
int kr_just_made(kr_ctx_t *k, const kr_identity_t *identity);

/** Is it the account's password? Costs what a sign-in does. @return 503 when no slot is free */
kr_err_t *kr_password_proves(int *ok, kr_ctx_t *k, const kr_identity_t *identity, const char *password) KR_MUST_CHECK;

#define KR_NO_ADDRESS "this is not an address that can be reached"

/** Add a credential to an identity that is being made. `identifiers` and `config` are kept, not copied. */
void kr_identity_add_credential(kr_ctx_t *k, kr_identity_t *identity, const char *type, const char *config,
                                apr_array_header_t *identifiers);

/** Carry out what a method parked before the fresh proof. @param parked what it put into kr_outcome_t.park */
kr_err_t *kr_methods_resume(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const json_t *parked) KR_MUST_CHECK;

/**
 * Count a letter about their account to somebody who never proved that the address is theirs. One statement.
 * @param over  1: it has had as many in this quarter of an hour as mod_kratos.codes.max_messages allows
 */
kr_err_t *kr_budget_letter(int *over, kr_ctx_t *k, const char *address) KR_MUST_CHECK;

/* -- a proof that was none (failed.c) ---------------------------------------- */

/** What was tried. What is NULL is not known, or not said. */
typedef struct {
    const char *method;            /* "password" */
    const kr_identity_t *identity; /* whose it would have been */
    const char *typed;             /* the identifier; never what was to prove it */
    const char *reason;            /* one of our own words */
    const char *site;              /* a provider's id */
} kr_wrong_t;

/** Tell the audit stream, as a failure of what the flow is for. Once it is sure: not of a form that is clicked twice. */
void kr_audit_wrong(kr_ctx_t *k, const kr_flow_t *flow, const kr_wrong_t *wrong);

/* -- who fails too often (throttle.c) --------------------------------------- */

/** What a try is counted as, until it is known whether it failed. */
typedef struct {
    apr_uint64_t what[4];
    int n;
} kr_throttle_t;

/**
 * Somebody is about to submit a flow: count it as failed, for their network and for all. No statement, unless there were too many: then
 * one for whose account it is, and one for the session, as who was signed in before has an allowance of their own.
 * @param t  for kr_throttle_leave
 * @return 429 with Retry-After when it is one too many
 */
kr_err_t *kr_throttle_enter(kr_throttle_t *t, kr_ctx_t *k, const kr_flow_t *flow) KR_MUST_CHECK;
/** It did not fail: it is not counted. */
void kr_throttle_leave(const kr_throttle_t *t, kr_ctx_t *k);

/**
 * Tell the other nodes what was counted on this one, and learn from them, by way of the database: one transaction with two statements for
 * each thing that failed often enough to matter, 64 of them at the most, and others the next time; none while there are none. For one
 * process of a node at a time.
 */
kr_err_t *kr_throttle_tell(kr_ctx_t *k) KR_MUST_CHECK;

/** The script that pages with security keys or passkeys include (src/method/webauthn.js), as it is served. */
const char *kr_webauthn_script(apr_size_t *len);
/** What pages say of it, so that no other script runs in its place (W3C Subresource Integrity): "sha512-...". Static. */
const char *kr_webauthn_script_integrity(void);
/** The same of the script for sign-in by the browser itself (src/method/fedcm.js). */
const char *kr_fedcm_script(apr_size_t *len);
/** What pages say of it. */
const char *kr_fedcm_script_integrity(void);

#endif
