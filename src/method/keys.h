/* SPDX-License-Identifier: Apache-2.0 */
/* What security keys and passkeys share: the keys that somebody has, the challenges that a flow asks them, their forms. */
#ifndef KR_METHOD_KEYS_H
#define KR_METHOD_KEYS_H

#include "kr_credential.h"
#include "kr_webauthn.h"
#include "method.h"

/* -- whose keys (keyring.c) ------------------------------------------------ */

/** One of somebody's keys. */
typedef struct {
    kr_webauthn_key_t key;
    const char *name;       /* as its owner calls it; "" for none */
    const char *added_at;   /* RFC 3339 */
    kr_bytes_t user;        /* handle that it was made for; empty in rows of other programs, where the ring's counts */
    int passwordless;       /* it is a first factor */
    int clone_warning;      /* its counter has fallen once */
    int flags_known;        /* 0: a row of other programs, which kept none */
} kr_held_key_t;

/** All keys of one credential, as its config has them. */
typedef struct {
    apr_array_header_t *keys; /* of kr_held_key_t, the oldest first */
    kr_bytes_t user_handle;   /* of the last one that was added */
} kr_keyring_t;

/** Read one. @param credential  NULL: nobody's, and so empty @return 500 for a config that cannot be read */
kr_err_t *kr_keyring_read(kr_keyring_t *out, kr_ctx_t *k, const kr_credential_t *credential) KR_MUST_CHECK;
/** Its config. */
const char *kr_keyring_config(kr_ctx_t *k, const kr_keyring_t *ring);
/**
 * How many of them, the oldest first, one form and one row have room for: at most KR_KEYS_MAX, and fewer where their ids or names are long.
 * No more are added; of those that came by another way, as with an import, the settings list so many.
 */
int kr_keyring_room(apr_pool_t *pool, const kr_keyring_t *ring);
/** The key of that id, or NULL. */
kr_held_key_t *kr_keyring_find(const kr_keyring_t *ring, kr_bytes_t id);
/** The user handle that one of them was made for; empty where its row does not tell. */
kr_bytes_t kr_key_made_for(const kr_keyring_t *ring, const kr_held_key_t *held);
/** The ids of keys as people's forms name them: lower-case hex. */
const char *kr_key_hex(apr_pool_t *pool, kr_bytes_t id);
/** How a key is called in its button: its name, or that it has none. */
const char *kr_key_name(const kr_held_key_t *held);

/* -- what a flow asks (key_asks.c) ------------------------------------------ */

/** A method's challenge in a flow. */
typedef struct {
    kr_bytes_t challenge;
    kr_bytes_t user;    /* handle of whom a new key is for; empty at login */
    int failed;         /* how often it was answered with something that did not hold */
} kr_asked_t;

/** Ask anew. @param name  of the method */
void kr_key_ask(kr_asked_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *name, kr_bytes_t user);
/** What is asked. @return 0: nothing, or it was answered already */
int kr_key_asked(kr_asked_t *out, kr_ctx_t *k, const kr_flow_t *flow, const char *name);
/** Whatever is asked, it is answered or not meant any more. */
void kr_key_forget_asked(kr_flow_t *flow, const char *name);
/** What was asked last, where that was answered since: for a form that is sent twice. @return 0: nothing */
int kr_key_answered(kr_asked_t *out, kr_ctx_t *k, const kr_flow_t *flow, const char *name);
/** One more answer that did not hold. @return how many there were by now */
int kr_key_failed(kr_flow_t *flow, const char *name);

/** What a site expects of the answer. */
kr_webauthn_expected_t kr_key_expected(const kr_webauthn_conf_t *conf, const kr_asked_t *asked);

/**
 * Options for navigator.credentials.create(), {"publicKey":{...}}. New reference.
 * @param name     as the authenticator shows whose key it is
 * @param exclude  keys that are there already; NULL: none can be
 * @param kept     1: the key must be kept on the authenticator, so that it is found without a name
 */
json_t *kr_key_creation(kr_ctx_t *k, const kr_webauthn_conf_t *conf, const kr_asked_t *asked, const char *name,
                        const kr_keyring_t *exclude, int kept);
/**
 * Options for navigator.credentials.get(). New reference.
 * @param ring          whose keys; NULL: any that the authenticator finds
 * @param passwordless  1: those that are first factors, 0: the others, -1: all
 */
json_t *kr_key_request(kr_ctx_t *k, const kr_webauthn_conf_t *conf, const kr_asked_t *asked, const kr_keyring_t *ring, int passwordless);

/** The script that all of them need, once in a form; only browsers get it. */
void kr_key_script(kr_ctx_t *k, kr_flow_t *flow);

/* -- an answer at login (key_login.c) --------------------------------------- */

/** Of which method, and where it stands in the form. */
typedef struct {
    kr_method_e id;              /* proves by this name */
    const char *field;           /* of the answer */
    const kr_webauthn_conf_t *conf;
    int passwordless;            /* as with kr_key_request */
    kr_show_fn *again;           /* puts a new challenge into the form */
} kr_key_form_t;

/** Read the answer out of the form. @return kr_err_show_flow: it cannot be read */
kr_err_t *kr_key_read(kr_webauthn_assertion_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_key_form_t *form, const char *text) KR_MUST_CHECK;
/** The field is emptied. */
void kr_key_forget(kr_flow_t *flow, const kr_key_form_t *form);
/** An answer by a key that nobody here has, or of somebody who has none. @param typed  the identifier, or NULL @return as kr_key_refuse */
kr_err_t *kr_key_unknown(kr_ctx_t *k, kr_flow_t *flow, const kr_key_form_t *form, const char *typed) KR_MUST_CHECK;
/** Message on the flow, and the field is emptied. @return kr_err_show_flow */
kr_err_t *kr_key_refuse(kr_ctx_t *k, kr_flow_t *flow, const kr_key_form_t *form, int message) KR_MUST_CHECK;
/** The same with 4000001 and a reason. */
kr_err_t *kr_key_unfit(kr_ctx_t *k, kr_flow_t *flow, const kr_key_form_t *form, const char *reason) KR_MUST_CHECK;
/** Does it hold, and for whom is it a proof? @param credential  of `identity`: the keys among which it must be */
kr_err_t *kr_key_prove(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_key_form_t *form, kr_identity_t *identity,
                       const kr_credential_t *credential, const kr_webauthn_assertion_t *assertion) KR_MUST_CHECK;

/* -- a new key, and one that goes (key_change.c) ---------------------------- */

/** Fields and words of one of the two methods in the settings. */
typedef struct {
    kr_method_e id;
    const char *add, *remove;   /* fields of the form */
    const char *name;           /* field of the key's name; NULL: it has none */
    int label;                  /* of the button that removes: message with display_name and added_at */
} kr_key_change_t;

/** Buttons that remove each of these keys; those of the last way in are off. */
void kr_key_buttons(kr_ctx_t *k, kr_flow_t *flow, const kr_key_change_t *form, const kr_identity_t *identity, const kr_keyring_t *ring);
/** Is it a submit of one of them? */
int kr_key_changes(const kr_body_t *body, const kr_key_change_t *form);
/** Add or remove, now or after a fresh sign-in. */
kr_err_t *kr_key_change(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body, const kr_key_change_t *form) KR_MUST_CHECK;
/** What waited for that. */
kr_err_t *kr_key_resume(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const json_t *parked, const kr_key_change_t *form) KR_MUST_CHECK;

/**
 * A registration by a new key: its credential is added to the account that is to be made.
 * @param made  the authenticator's answer @param name  how its owner calls the key, or NULL
 */
kr_err_t *kr_key_register(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body, const kr_webauthn_conf_t *conf,
                          const char *made, const char *name, kr_method_e id) KR_MUST_CHECK;

/* -- passkeys (passkey.c, passkey_new.c) ------------------------------------------ */

#define KR_PASSKEY_HANDLE 64 /* bytes of a user handle at most, and of ours (section 5.4.3) */

/** Who is signed in, and their passkeys. */
kr_err_t *kr_passkey_own(kr_keyring_t *ring, kr_identity_t **identity, kr_ctx_t *k) KR_MUST_CHECK;
/** What the account's own traits call its passkeys; NULL when nothing does. */
const char *kr_passkey_name(kr_ctx_t *k, const kr_identity_t *identity);

extern const kr_key_change_t kr_passkey_change;
kr_show_fn kr_passkey_show_sign_up, kr_passkey_show_credential, kr_passkey_show_settings;
kr_submit_fn kr_passkey_sign_up, kr_passkey_take_settings;
/** kr_method_t.resume */
kr_err_t *kr_passkey_resume(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const json_t *parked) KR_MUST_CHECK;

#endif
