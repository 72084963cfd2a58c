/* SPDX-License-Identifier: Apache-2.0 */
/* The flow object and its life: one type for all five kinds of self-service flow. */
#ifndef KR_FLOW_H
#define KR_FLOW_H

#include "kr_aal.h"
#include "kr_flow_conf.h"
#include "kr_flow_state.h"
#include "kr_http.h"
#include "kr_schema.h"
#include "kr_session.h"

/** What an OAuth2 server (Ory Hydra) that sent somebody here waits for: to be told who has signed in. */
typedef struct {
    const char *challenge;       /* its name for the sign-in; NULL: no server waits */
    json_t *request;             /* what it asks for, as clients are shown it; NULL: it was not asked, as for flows of apps */
    const char *identity_id;     /* whoever has proved that they are this one, and it could not be told yet; NULL: nobody has */
    apr_time_t since;            /* with identity_id: when they proved it, µs */
    const char *form;            /* with identity_id: hash of the anti-CSRF cookie that the form was made for; or NULL */
} kr_waiting_t;

typedef struct {
    kr_flow_kind_e kind;
    int api;                     /* 1: native client, 0: browser (pages and AJAX) */
    const char *id;
    kr_state_e state;
    kr_state_e stored_state;     /* as the store has it: what is stored next must be allowed to follow */
    const char *active;          /* method, or NULL */
    const char *request_url;     /* as the client asked for the flow */
    const char *return_to;       /* from request_url, or NULL */
    const char *csrf_hash;       /* NULL in native flows */
    const char *identity_id;     /* settings, recovery; or NULL */
    const char *schema_id;       /* asked for by identity_schema, or NULL */
    const char *organization_id; /* or NULL */
    kr_waiting_t oauth2;         /* login, registration, and the verification that follows on one */
    int refresh;
    kr_aal_e requested_aal;      /* login only: KR_AAL1 or KR_AAL2; KR_AAL0 elsewhere */
    int submit_count;
    apr_int64_t spent;           /* challenges of this flow that are used up: one that was made before the last of them is void */
    int lost;                    /* 1: what this submit would use up was used by another one meanwhile; not stored */
    int again;                   /* 1: the submit was looked at before, and could not use up what it is good for; not stored */
    json_t *messages;            /* array: ui.messages */
    json_t *nodes;               /* array: ui.nodes; the value of csrf_token is filled in when shown */
    json_t *identity;            /* settings: the identity as shown; set by who shows the flow, not stored */
    json_t *continue_with;       /* array for this answer, or NULL; not stored */
    json_t *internal;            /* object: what methods keep for themselves; never shown */
    const char *stored_ui;       /* messages and nodes as they were loaded, in the store's own form; NULL: not loaded */
    int ui_known;                /* 1: so the store has them still */
    json_t *transient_payload;   /* of this submit, or NULL; not stored */
    int show_transient;          /* 1: this answer shows transient_payload; -1: not even as a step */
    const char *exchange_code;   /* only in the answer that made it */
    int in_round;                /* 1: this request comes back from a provider; not stored */
    int in_browser;              /* 1: of an app, and this request is its person's browser, which is led back to it; not stored */
    apr_time_t issued_at, expires_at, created_at, updated_at; /* µs */
} kr_flow_t;

/* -- life ----------------------------------------------------------------- */

/**
 * A fresh flow of that kind for k->req: id, times, request_url, return_to (checked), csrf hash. Nothing is stored yet.
 * @return 400 self_service_flow_return_to_forbidden, 400 for a request URL beyond 2048 bytes (a login_challenge in it not counted)
 */
kr_err_t *kr_flow_begin(kr_flow_t **out, kr_ctx_t *k, kr_flow_kind_e kind, int api) KR_MUST_CHECK;
/** A fresh flow out of nothing but a request URL, for hooks and replacements: nothing is checked, csrf hash as kr_flow_begin. */
kr_flow_t *kr_flow_make(kr_ctx_t *k, kr_flow_kind_e kind, int api, const char *request_url);
/** The value of a parameter in a request URL's query, decoded, in k->pool. @return NULL when it is absent, empty or no form can be read */
const char *kr_flow_url_param(kr_ctx_t *k, const char *request_url, const char *name);
/**
 * Where the flow was begun, as messages may tell it: below the base URL and without a query. The host and the query of the
 * request URL are words of whoever asked, and messages go to others.
 */
const char *kr_flow_told_url(kr_ctx_t *k, const kr_flow_t *flow);
/** Store a new flow: one statement. */
kr_err_t *kr_flow_insert(kr_ctx_t *k, kr_flow_t *flow) KR_MUST_CHECK;
/** Store what changed: one statement. */
kr_err_t *kr_flow_update(kr_ctx_t *k, kr_flow_t *flow) KR_MUST_CHECK;
/**
 * As kr_flow_update, and use up what a proof rests on: of several requests that bring the same, one has it. One statement, on SQLite a
 * transaction of its own.
 * @param proof  `once`: the challenge of this flow is used up (flow->spent grows). `spends`: `credential`, as it was read, becomes that,
 *               and its `spent` the proof's, unless there were too many wrong `tries`
 * @param done   0: another request was faster, or there were too many; nothing was written
 */
kr_err_t *kr_flow_spend(int *done, kr_ctx_t *k, kr_flow_t *flow, const kr_proof_t *proof) KR_MUST_CHECK;
/**
 * Store what was taken out of `internal`, in the caller's transaction: of several requests that found it there, one has it. The flow's
 * row is written by whoever submits it, as it was when they read it, so what is taken out may come back with that: it is remembered
 * beside the row as well. Three statements.
 * @param name  of what was taken, at most 128 bytes; the same each time that it comes back
 * @param keep  for how long it is remembered, µs: longer than it waits in the flow
 * @param done  0: another request has it
 */
kr_err_t *kr_flow_claim(int *done, kr_ctx_t *k, kr_flow_t *flow, const char *name, apr_time_t keep) KR_MUST_CHECK;

/* -- a sign-in that an OAuth2 server waits for (waiting.c) ----------------- */

/** Longest challenge, in bytes: Hydra's hold the whole request, sealed. */
#define KR_CHALLENGE_MAX 6000

/**
 * A flow goes on in another one: the OAuth2 server that waits for the first waits for that one from now on. Whoever makes a flow in
 * place of one, or behind it, calls this before it is stored.
 */
void kr_flow_hand_on(kr_flow_t *to, const kr_flow_t *from);
/** Where a sign-in for that server begins anew: login, with the challenge and where it leads. NULL where no server waits. */
const char *kr_flow_waiting_url(kr_ctx_t *k, const kr_flow_t *flow);

/** Count one more try of a code or token, in the caller's transaction. Two statements. @param tries  the number it is now */
kr_err_t *kr_flow_count_try(int *tries, kr_ctx_t *k, const kr_flow_t *flow) KR_MUST_CHECK;

/* -- errors that a page shows: what people are sent to when there is no flow to show them ------------------------- */

/** Keep an error for the error page. @param error  the inner error object @param id  to be asked for by */
kr_err_t *kr_flow_error_keep(const char **id, kr_ctx_t *k, const json_t *error) KR_MUST_CHECK;
/** @param error  pool-owned; NULL when there is none of that id @param created  µs */
kr_err_t *kr_flow_error_load(json_t **error, apr_time_t *created, kr_ctx_t *k, const char *id) KR_MUST_CHECK;
/** Load by id: one statement. @return 404 without id when there is none of that kind */
kr_err_t *kr_flow_load(kr_flow_t **out, kr_ctx_t *k, kr_flow_kind_e kind, const char *id) KR_MUST_CHECK;
/** Is this request the visit of a link from a mail? Such a visit comes by a browser, whoever asked for the mail. */
int kr_flow_by_mail(kr_ctx_t *k, const kr_flow_t *flow);
/** The messages and nodes of a flow that was loaded become those of then, whatever a submit has made of them since: for a copy of it. */
void kr_flow_form_stored(kr_ctx_t *k, kr_flow_t *flow);
/** The URL of this request as the client sees it. It may hold bytes that are no UTF-8. */
const char *kr_flow_this_url(kr_ctx_t *k);
/** Is its time over? */
int kr_flow_expired(kr_ctx_t *k, const kr_flow_t *flow);
/** The flow as the API shows it. Pool-owned. */
json_t *kr_flow_json(kr_ctx_t *k, const kr_flow_t *flow);
/** The flow's UI page with ?flow=<id>. */
const char *kr_flow_ui_url(kr_ctx_t *k, const kr_flow_t *flow);
/**
 * An id that this flow alone makes of a text, the same each time: what is made twice is known as the same. Nobody else can tell it, and
 * it stands where one of the flow's own time would.
 */
const char *kr_flow_own_id(kr_ctx_t *k, const kr_flow_t *flow, const char *text);
/** Settings of this kind of flow. */
const kr_flow_conf_t *kr_flow_conf(kr_ctx_t *k, kr_flow_kind_e kind);
/** The identity schema the flow works with: the one asked for, else the default. */
const kr_schema_t *kr_flow_schema(kr_ctx_t *k, const kr_flow_t *flow);

/* -- messages ------------------------------------------------------------- */

/**
 * A message {id,text,type[,context]} by its id; our words, with {key} filled from the context.
 * @param context  object or NULL; stolen
 */
json_t *kr_message(kr_ctx_t *k, int id, json_t *context);
/** A form is answered with its error messages: count them for metrics, by id. */
void kr_messages_count(const kr_flow_t *flow);
/** At start: name them. @param pool  lives as long as metrics are written */
void kr_messages_name(apr_pool_t *pool);
/** Add a message to the flow itself. */
void kr_flow_message(kr_ctx_t *k, kr_flow_t *flow, int id, json_t *context);
/** Put a message on the node of that name; a name without a node gets a new text input, "" the flow itself. */
void kr_node_message(kr_ctx_t *k, kr_flow_t *flow, const char *name, int id, json_t *context);
/** Put a message of somebody else's on the node of that name, likewise. @param message  borrowed */
void kr_node_say(kr_ctx_t *k, kr_flow_t *flow, const char *name, json_t *message);
/**
 * Message 4000004 on a node: a pattern does not fit. People are told by what the schema says of the value; the expression stays in the
 * context, for programs.
 * @param context  stolen
 * @param title    or NULL; as `description`, which says more
 */
void kr_node_misfit(kr_ctx_t *k, kr_flow_t *flow, const char *name, json_t *context, const char *title, const char *description);
/** Message 4000001 with a reason. */
void kr_flow_reason(kr_ctx_t *k, kr_flow_t *flow, const char *reason);
/** Forget all messages, the flow's and the nodes': at the begin of every submit. */
void kr_flow_clear_messages(kr_flow_t *flow);

/* -- nodes ---------------------------------------------------------------- */

/** What a node is, and so which attributes it has. */
typedef enum { KR_NODE_INPUT, KR_NODE_IMG, KR_NODE_TEXT, KR_NODE_A, KR_NODE_SCRIPT, KR_NODE_TYPES } kr_node_type_e;

/**
 * A node, described. What is not set is left out, but for what clients find in every node of its type (`disabled` of an input, `async`
 * of a script). Attributes of another type are not looked at.
 */
typedef struct {
    kr_node_type_e node;        /* 0: an input */
    const char *name;           /* of an input; of all others the id */
    int label;                  /* message id, 0 for none */
    json_t *label_context;      /* for generated labels; stolen */

    /* input */
    const char *type;           /* of a script too: "text/javascript" */
    const char *value;          /* NULL: no value key; "" is emitted */
    const json_t *held;         /* a value of any type instead, or NULL; copied */
    int required;
    const char *autocomplete;
    const char *pattern;
    int disabled;
    const char *onclick, *onload; /* function of webauthn.js that is called with the value; apps are told its name alone */
    int maxlength;
    const json_t *options;      /* array of {"value"}, or NULL; copied, because schemas are shared by threads */

    /* img, script, a */
    const char *src;
    int width, height;          /* pixels */
    int async;
    const char *referrerpolicy, *crossorigin, *integrity, *nonce;
    const char *href;

    /* text: what it says; a: its title */
    int text;                   /* message id */
    json_t *text_context;       /* stolen */
} kr_node_spec_t;

/** Append a node. @return it, borrowed */
json_t *kr_node_add(kr_ctx_t *k, kr_flow_t *flow, const char *group, const kr_node_spec_t *spec);
/** Put a node in the place of the first of that name, whose messages it keeps; at the end when there is none. */
void kr_node_put(kr_ctx_t *k, kr_flow_t *flow, const char *group, const kr_node_spec_t *spec);
/** Append a table of nodes. */
void kr_nodes_add(kr_ctx_t *k, kr_flow_t *flow, const char *group, const kr_node_spec_t *specs, int count);
/** The first node of that name (id for non-inputs), or NULL. */
json_t *kr_node_find(const kr_flow_t *flow, const char *name);
/** As kr_node_find, with this value too: several `method` nodes share a name. */
json_t *kr_node_find_value(const kr_flow_t *flow, const char *name, const char *value);
/** Remove a node that kr_node_find gave. */
void kr_node_remove(kr_flow_t *flow, const json_t *node);
/** Set or replace an attribute. Steals value. */
void kr_node_set(json_t *node, const char *attribute, json_t *value);
/** The csrf_token node: in the default group, value filled in when shown. */
void kr_node_csrf(kr_ctx_t *k, kr_flow_t *flow);
/** The inputs of an identity schema, in document order, in `group`, with values from traits (or NULL). */
void kr_nodes_schema(kr_ctx_t *k, kr_flow_t *flow, const kr_schema_t *schema, const char *group, const json_t *traits);
/** Keep the values that were sent: each leaf of {"traits":{...}} becomes the value of its node. */
void kr_nodes_fill(kr_flow_t *flow, const kr_schema_t *schema, const json_t *decoded);
/** As kr_nodes_fill; values that no node stands for (extra members, elements of lists) get inputs of their own in `group`, 200 at most. */
void kr_nodes_keep(kr_ctx_t *k, kr_flow_t *flow, const kr_schema_t *schema, const char *group, const json_t *decoded);
/** Show a whole profile: as kr_nodes_keep, and what is not in it loses its value. */
void kr_nodes_show(kr_ctx_t *k, kr_flow_t *flow, const kr_schema_t *schema, const char *group, const json_t *decoded);
/** Sort as Kratos does for this kind of flow: by group, then by key. */
void kr_nodes_sort(kr_ctx_t *k, kr_flow_t *flow);
/** Put the violations of a schema on their nodes. @param violations of kr_violation_t */
void kr_nodes_violations(kr_ctx_t *k, kr_flow_t *flow, const apr_array_header_t *violations);

/* -- anti-CSRF ------------------------------------------------------------ */

/** Make sure the client has an anti-CSRF cookie: keeps a good one, else sets a new one on k->reply. */
void kr_csrf_ensure(kr_ctx_t *k);
/** Give the client a new one whatever it had: at login, logout and where forms that are open must end. */
void kr_csrf_renew(kr_ctx_t *k);
/** The same at a sign-in: the cookie also says, to us alone, that this browser has been let into that account. */
void kr_csrf_renew_for(kr_ctx_t *k, const char *identity_id);
/**
 * Has this browser been let into that account before? Survives kr_csrf_renew and the sign-out.
 * @param identity_id  or NULL
 * @return a name of the device, or NULL
 */
const char *kr_csrf_device(kr_ctx_t *k, const char *identity_id);
/** A token for forms: the cookie's value under a fresh mask. NULL when the request has none and none was set. */
const char *kr_csrf_token(kr_ctx_t *k);
/** Keyed hash of the cookie's value, to keep in a flow. NULL as kr_csrf_token. */
const char *kr_csrf_hash(kr_ctx_t *k);
/** Does a token (masked or plain) belong to the request's cookie? Constant time. */
int kr_csrf_token_ok(kr_ctx_t *k, const char *token);
/** A tag over `text` that is good in this browser alone, as long as it keeps its anti-CSRF cookie. NULL as kr_csrf_token. */
const char *kr_csrf_bind(kr_ctx_t *k, const char *text);
/** Is it that, made with any of the realm's secrets? */
int kr_csrf_is_bound(kr_ctx_t *k, const char *text, const char *tag);
/** Was a token made for the cookie that this is the hash of (kr_csrf_hash), whatever cookie the request has? */
int kr_csrf_token_of(kr_ctx_t *k, const char *token, const char *hash);
/** Does the request's cookie belong to the flow? Any secret may have made the hash. */
int kr_csrf_owns(kr_ctx_t *k, const kr_flow_t *flow);
/**
 * Check a submit: browser flows need the token in the body, native ones neither Cookie (but cf_ ones) nor Origin.
 * @return 403 security_csrf_violation; for native flows a 400 with a reason that answer.c puts on the flow
 */
kr_err_t *kr_csrf_check(kr_ctx_t *k, const kr_flow_t *flow, const char *token) KR_MUST_CHECK;
/** The 403 with the details that tell what missed. @param token the one that was sent, or NULL */
kr_err_t *kr_csrf_violation(kr_ctx_t *k, const char *token);

/* -- browsers that leave and come back (continuity.c) ----------------------- */

/** What the browser was given when it left to sign in once more, or NULL. Of one flow at a time: whoever leaves another one gets another. */
const char *kr_continuity(kr_ctx_t *k);
/** Give it `key` to come back with, beside what it has from leaving for a provider. */
void kr_continuity_set(kr_ctx_t *k, const char *key);
/** It leaves this flow for a provider: give it what this flow alone gives, the same each time, beside what else it has to come back with. */
void kr_continuity_leave(kr_ctx_t *k, const kr_flow_t *flow);
/** Has this browser left this flow like that, and no other since? */
int kr_continuity_left(kr_ctx_t *k, const kr_flow_t *flow);

/* -- visits from a mail (verification) ------------------------------------- */

/** The link of a mail was followed: remember this browser, and the code for it alone, sealed. @return 0: nothing to remember */
int kr_flow_visit(kr_ctx_t *k, kr_flow_t *flow, const char *code);
/** Did this browser begin the flow, or visit it by its mail? */
int kr_flow_visitor(kr_ctx_t *k, const kr_flow_t *flow);
/** Fill the code into the form of the one who visited. In memory only. */
void kr_flow_fill_visit(kr_ctx_t *k, kr_flow_t *flow);
/** A new code is on its way: the one of the visit is over. */
void kr_flow_forget_visit(kr_flow_t *flow);

/* -- what waits in a flow ------------------------------------------------------ */

/**
 * Keep JSON in flow->internal, sealed for this flow and this name alone. Stored with the flow.
 * @param max  bytes of it as text, at most; 0: any
 * @return 0: it is too long, and is not kept
 */
int kr_flow_hide(kr_ctx_t *k, kr_flow_t *flow, const char *name, const json_t *value, apr_size_t max);
/** What was kept so, pool-owned; NULL: nothing, or the secret that sealed it is gone. It stays there. */
json_t *kr_flow_hidden(kr_ctx_t *k, const kr_flow_t *flow, const char *name);

/* -- what was typed too late ----------------------------------------------- */

/** The form of `old`, which has expired, was sent: keep what was typed into it, secrets aside, in the flow that takes its place. */
void kr_flow_keep_typed(kr_ctx_t *k, kr_flow_t *flow, const kr_flow_t *old);
/** Fill it in, in memory only: for the built-in pages. */
void kr_flow_fill_typed(kr_ctx_t *k, kr_flow_t *flow);
/** A form of this flow was sent: from here on the nodes keep what was typed. */
void kr_flow_forget_typed(kr_flow_t *flow);

/* -- return_to ------------------------------------------------------------ */

/** May a browser be sent there? `url` may be relative to the default return URL. */
int kr_return_to_allowed(kr_ctx_t *k, const char *url);
/** Check one that was asked for: NULL and "" are fine. @return 400 self_service_flow_return_to_forbidden, or 400 when it is no URL */
kr_err_t *kr_return_to_check(kr_ctx_t *k, const char *url) KR_MUST_CHECK;
/** The absolute form of an allowed one; NULL when it is not allowed. */
const char *kr_return_to_absolute(kr_ctx_t *k, const char *url);
/** Where a finished flow leads: return_to, else after.<method>, else after, else the default. Absolute. */
const char *kr_return_to_of(kr_ctx_t *k, const kr_flow_t *flow, int method);

/* -- bodies --------------------------------------------------------------- */

/** A submitted body, decoded. */
typedef struct {
    json_t *json;       /* object: as sent, numbers and booleans as texts but for traits and transient_payload; or name -> value |
                         * [values] of a form; never NULL */
    int is_form;
} kr_body_t;

/**
 * Decode k->req's body by its content type (JSON, urlencoded, multipart), or take it as it is where it came by value.
 * @return 400 with a reason when it is empty, unknown or malformed, or a list or object stands where a text is wanted
 */
kr_err_t *kr_body_read(kr_body_t *out, kr_ctx_t *k) KR_MUST_CHECK;
/** A field as text; of a repeated form field the first. NULL when absent, null, or of a type that keeps (traits). */
const char *kr_body_str(const kr_body_t *body, const char *name);
/** Is a word true as Go reads booleans (1, t, T, true, True, TRUE)? */
int kr_word_true(const char *word);
/** Is there such a word in that field, or true itself? */
int kr_body_true(const kr_body_t *body, const char *name);

#endif
