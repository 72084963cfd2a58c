/* SPDX-License-Identifier: Apache-2.0 */
/* What the operations share: answers, and what every flow does the same way. */
#ifndef KR_API_API_H
#define KR_API_API_H

#include "kr_api.h"
#include "kr_hook.h"
#include "kr_json.h"
#include "kr_realm.h"
#include "kr_text.h"

/* -- answer.c: an operation says what it answers, k->client says for whom --- */

/** The reply is complete: the operation leaves with this. All kr_answer_* return it, but for kr_answer_flow_error. */
#define KR_DONE NULL

/** Who sent this request, by Accept and Content-Type alone: a person or a script. For what k->client cannot tell. */
kr_client_e kr_client_asking(kr_ctx_t *k);

/** The flow as it stands now: people are sent to its page, programs get it. */
kr_err_t *kr_answer_flow(kr_ctx_t *k, const kr_flow_t *flow);
/** The same for a fresh flow that was asked for. */
kr_err_t *kr_answer_begun(kr_ctx_t *k, const kr_flow_t *flow);
/** The flow after a step that leads to another screen: people are sent to the page, programs get it with status 400. */
kr_err_t *kr_answer_step(kr_ctx_t *k, kr_flow_t *flow);
/** A flow has come to its end, or what was asked for is done: people are led `to` where they go on, programs get `json`; NULL: 204. */
kr_err_t *kr_answer_done(kr_ctx_t *k, const json_t *json, const char *to);
/** A login flow that shall link begins: people are sent to its page, programs get it with status 400. */
kr_err_t *kr_answer_linking(kr_ctx_t *k, kr_flow_t *flow);
/**
 * The flow of an app whose person's browser this is (flow->in_browser): it is led back to the app, which gets the flow.
 * @param shown_again  1: by the code that the app exchanges, because something is wrong or missing; 0: by the id of a new flow
 */
kr_err_t *kr_answer_app(kr_ctx_t *k, const kr_flow_t *flow, int shown_again) KR_MUST_CHECK;
/** The same with a session, for which the app exchanges the code; NULL: there is none, and nothing to exchange. */
kr_err_t *kr_answer_app_session(kr_ctx_t *k, const kr_flow_t *flow, const kr_session_t *session) KR_MUST_CHECK;
/** It goes on in the browser at `url`: people are led there, programs told so by a 422. */
kr_err_t *kr_answer_go(kr_ctx_t *k, const char *url);
/** The same as an error, for who cannot answer. */
kr_err_t *kr_err_go(kr_ctx_t *k, const char *url);

/** Whoever asks is redirected to `url`, with 303. */
kr_err_t *kr_answer_see(kr_ctx_t *k, const char *url);
/** The same with 302, as clients know it of a form that a provider posts. */
kr_err_t *kr_answer_found(kr_ctx_t *k, const char *url);
/** Whoever asks gets this JSON. */
kr_err_t *kr_answer_data(kr_ctx_t *k, int status, const json_t *json);
/** Whoever asks gets a 204. */
kr_err_t *kr_answer_nothing(kr_ctx_t *k);
/** Whoever asks gets these bytes, which are kept, not copied. @param type  Content-Type */
kr_err_t *kr_answer_file(kr_ctx_t *k, const char *type, const char *body, apr_size_t len);

/** An error: JSON envelope for programs; people are led on where it says so (kr_err_lead), else to the error page. */
kr_err_t *kr_answer_error(kr_ctx_t *k, const kr_err_t *err);
/** The same for another client than k->client. */
kr_err_t *kr_answer_error_to(kr_ctx_t *k, kr_client_e client, const kr_err_t *err);
/**
 * An error of a submit to `flow`: shows the flow again where that is the answer.
 * @return KR_DONE, or the error of storing the flow
 */
kr_err_t *kr_answer_flow_error(kr_ctx_t *k, kr_flow_t *flow, kr_err_t *err) KR_MUST_CHECK;
/** The account was changed while a submit was looked at: people see the form again, told to try again; programs get a 409. */
kr_err_t *kr_overtaken(kr_ctx_t *k, kr_flow_t *flow);
/** {"action":"redirect_browser_to",...}, for continue_with. New reference. */
json_t *kr_continue_redirect(const char *url);
/** {"action":"set_ory_session_token",...}, for continue_with of an app. New reference. */
json_t *kr_continue_token(const char *token);

/* -- flows.c: what every kind of flow does the same way ------------------- */

/** Parameters of init that login and registration share: identity_schema, organization. */
kr_err_t *kr_flow_take_query(kr_ctx_t *k, kr_flow_t *flow) KR_MUST_CHECK;
/**
 * What makes a begun flow one that clients can have: its form, the word of the hooks that may say no, its row.
 * @return what a hook says instead
 */
kr_err_t *kr_flow_open(kr_ctx_t *k, kr_flow_t *flow) KR_MUST_CHECK;
/** GET .../flows?id=: the flow, if it is there, owned, and not expired. Answers. */
kr_err_t *kr_flow_get(kr_ctx_t *k, kr_flow_kind_e kind) KR_MUST_CHECK;
/** The 410 of an expired flow that was asked for: says in its details where to begin anew. */
kr_err_t *kr_flow_gone(kr_ctx_t *k, const kr_flow_t *flow);
/** Is this kind of flow offered at all? @return NULL, or 400 */
kr_err_t *kr_flow_check_enabled(kr_ctx_t *k, kr_flow_kind_e kind) KR_MUST_CHECK;

/** Replace an expired flow by a fresh one that says so. @return the 410 that names it */
kr_err_t *kr_flow_replace_expired(kr_ctx_t *k, const kr_flow_t *flow, int message) KR_MUST_CHECK;
/**
 * A recovery or verification that cannot go on in this flow: make a fresh one that says why, and send the client there.
 * @param why  its replace... members
 */
kr_err_t *kr_flow_retry(kr_ctx_t *k, const kr_flow_t *flow, const kr_outcome_t *why) KR_MUST_CHECK;
/** In the `internal` of a flow that took the place of a finished one: the id of that, until something is sent to the new one. */
#define KR_INSTEAD "instead"
/** The same for one whose time was over. */
kr_err_t *kr_flow_retry_expired(kr_ctx_t *k, const kr_flow_t *flow, int message) KR_MUST_CHECK;
/** Remember a session token exchange code if the client asked for one. */
kr_err_t *kr_flow_exchange_code(kr_ctx_t *k, kr_flow_t *flow) KR_MUST_CHECK;
/** Is a query parameter true (kr_word_true)? */
int kr_query_true(kr_ctx_t *k, const char *name);

/* -- submit.c: what every kind of flow does with a submit ------------------ */

/** The flow that a submit names; if it is an app's, so is k->client from now on. @return 400 for a missing or malformed id, 404 */
kr_err_t *kr_flow_of_submit(kr_flow_t **out, kr_ctx_t *k, kr_flow_kind_e kind) KR_MUST_CHECK;
/** Takes a submit to the flow: completes it, or returns what kr_answer_flow_error answers. */
typedef kr_err_t *kr_flow_submit_fn(kr_ctx_t *k, kr_flow_t *flow);
/**
 * Find the flow that the request names (kr_flow_of_submit), hand it to `submit`, and answer with what is wrong.
 * @return KR_DONE, or what kr_flow_of_submit returns; of recovery and verification a 400, too, when they are switched off
 */
kr_err_t *kr_flow_submit(kr_ctx_t *k, kr_flow_kind_e kind, kr_flow_submit_fn *submit) KR_MUST_CHECK;
/**
 * What `submit` returns; anew, with the flow as it is now, where another request used up what this one brings (kr_flow_lost): what that
 * means is for the method to say. @param most  times
 */
kr_err_t *kr_flow_submit_anew(kr_ctx_t *k, kr_flow_t *flow, kr_flow_submit_fn *submit, int most) KR_MUST_CHECK;
/** Another request was faster: the submit is to be looked at anew. @return 503, for whom that happens too often */
kr_err_t *kr_flow_lost(kr_ctx_t *k, kr_flow_t *flow);
/**
 * From here on k->client is who sent this request, though the flow be an app's: a recovery or verification may end in a browser. Who
 * follows the link of a recovery's mail is a person, whatever Accept says.
 */
void kr_flow_for_asker(kr_ctx_t *k, const kr_flow_t *flow);
/** The flow is an app's, and its person's browser has come: it is led back to the app, whatever there is to say. */
void kr_flow_in_browser(kr_ctx_t *k, kr_flow_t *flow);
/**
 * The body of a submit. Whoever knows the id of a browser flow only must not be shown it for the price of a broken body.
 * @return as kr_body_read, or 403 when the request's anti-CSRF cookie is not the flow's
 */
kr_err_t *kr_flow_body(kr_body_t *out, kr_ctx_t *k, const kr_flow_t *flow) KR_MUST_CHECK;
/** The URL of this submit; of a visit from a mail with all that came along. */
const char *kr_flow_submit_url(kr_ctx_t *k, const kr_flow_t *flow);
/**
 * The fields of a submit of recovery or verification: those of the body, and those of the query that the body does not name. A GET
 * has the query's alone.
 * @return as kr_flow_body
 */
kr_err_t *kr_flow_fields(kr_body_t *out, kr_ctx_t *k, const kr_flow_t *flow) KR_MUST_CHECK;
/** Is it a HEAD request, as mail scanners and previews of links make? Answered then, with nothing used up, changed or said. */
int kr_flow_just_looking(kr_ctx_t *k, const kr_flow_t *flow);

/* -- finish.c: what a submit came to is completed --------------------------- */

/**
 * Complete the outcome of a flow, wherever it came from, and answer.
 * @param body  of the submit; NULL where it was none (a callback, a link, a change that waited)
 * @return KR_DONE, or the error that kr_answer_flow_error answers
 */
kr_err_t *kr_finish(kr_ctx_t *k, kr_flow_t *flow, kr_outcome_t *done, const kr_body_t *body) KR_MUST_CHECK;
/** Somebody with a session wants to sign in. @return 400 session_already_available */
kr_err_t *kr_already_signed_in(kr_ctx_t *k);
/** Does this login take a proof from somebody who has that session, even if only for an OAuth2 server to be told? */
int kr_login_takes(const kr_flow_t *flow, const kr_session_t *session);
/**
 * Who has a second factor gives it before the settings, and comes back: to `return_to`, where a sign-in may lead there.
 * @return NULL, or 403 session_aal2_required with redirect_browser_to
 */
kr_err_t *kr_settings_need_aal(kr_ctx_t *k, const kr_session_t *session, const char *return_to) KR_MUST_CHECK;

/* -- parked.c: a change of settings that waits for a fresh sign-in -------- */

/**
 * What becomes of a change when `err` is what it came to: when that asks for a fresh proof it is kept in its flow, sealed, and the browser
 * gets the cookie that finds it again; for 15 minutes. Carried out or refused it waits no longer; what nobody could look at goes on waiting.
 * @param resumed  the name under which it waited, as kr_settings_take_parked gave it; NULL: it did not wait
 * @return `err`, or what went wrong in keeping it
 */
kr_err_t *kr_settings_wait(kr_ctx_t *k, kr_flow_t *flow, const kr_outcome_t *done, const char *resumed, kr_err_t *err) KR_MUST_CHECK;
/** Did its person ask to be signed out everywhere else? @param parked  as kr_settings_take_parked returns it */
int kr_settings_parked_ends_others(const json_t *parked);
/** What waits in this flow for this browser, or NULL. Taken out: it is carried out once. The flow is not stored. */
json_t *kr_settings_take_parked(const char **id, kr_ctx_t *k, kr_flow_t *flow);
/** In the transaction that carries it out: is this request the one that does? @param id as kr_settings_take_parked named it */
kr_err_t *kr_settings_claim(int *first, kr_ctx_t *k, kr_flow_t *flow, const char *id) KR_MUST_CHECK;
/**
 * Nothing waits any more: a change was carried out or refused, or another flow of settings begins. The cookie, if there is one,
 * gets a value that leads nowhere; a change that somebody gave up must not be carried out by what they confirm next.
 */
void kr_settings_unpark(kr_ctx_t *k);

/* -- twice.c: forms that are sent twice ------------------------------------ */

/**
 * A registration found its account there. Did the same form make it a moment ago, and does this one prove to come from its owner? Then
 * `after` is the account's, with a session where registrations give one: answered as the first was.
 * @param again  out: 1 when that is so
 */
kr_err_t *kr_sent_twice(int *again, kr_ctx_t *k, kr_after_flow_t *after, const kr_body_t *body) KR_MUST_CHECK;
/**
 * A form of sign-up whose first answer renewed the anti-CSRF cookie: its own token counts once more, where the account that it made is
 * a moment old and no session is given.
 */
kr_err_t *kr_follow_first(kr_ctx_t *k, const kr_flow_t *flow, kr_body_t *body) KR_MUST_CHECK;
/** Where a form of sign-up leads somebody who has a session: where its first answer did, when that made this account; else on. */
const char *kr_led_to_first(kr_ctx_t *k, kr_flow_t *flow, kr_session_t *session);
/** `after` has the account that its flow made before, and what proves it again: the session, where registrations give one. */
kr_err_t *kr_repeat_first(kr_ctx_t *k, kr_after_flow_t *after) KR_MUST_CHECK;

/**
 * A change of settings is about to raise its session: the flow remembers which form did, for kr_settings_raised. It is not stored here.
 * @param body  of the submit. NULL, or of a program: nothing is remembered, and 0 returned
 */
int kr_settings_remember(kr_ctx_t *k, const kr_after_flow_t *after, const kr_proof_t *gains, const kr_body_t *body);
/**
 * Did this very form raise the session a moment ago, and comes it with the token of before? Then its person gets a session of the
 * level that it raised to, since the first answer may be lost, and is led where that led.
 * @param again  out: 1 when that is so, and it is answered
 */
kr_err_t *kr_settings_raised(int *again, kr_ctx_t *k, const kr_flow_t *flow, const kr_session_t *session) KR_MUST_CHECK;

/* -- oauth2.c: sign-ins that an OAuth2 server waits for ------------------- */

/**
 * Before a login or registration begins: what does the server want that its challenge came from? It may ask for a refresh, and for
 * another return_to: k->req is as if the client had asked for it.
 * @param out   for the flow's `oauth2`
 * @param skip  out: the server knows who this is, and wants no proof
 * @param api   1: the flow is an app's, which keeps the challenge, and that is all
 * @return also kr_err_go, where that sign-in was answered before
 */
kr_err_t *kr_oauth2_begin(kr_waiting_t *out, int *skip, kr_ctx_t *k, kr_flow_kind_e kind, int api) KR_MUST_CHECK;
/**
 * Tell the server who has signed in, or where the second factor is to be shown first. The session was there before the flow.
 * @param to  out: where the browser goes on
 */
kr_err_t *kr_oauth2_skip(const char **to, kr_ctx_t *k, const kr_flow_t *flow, const kr_session_t *session) KR_MUST_CHECK;
/**
 * The same of a session that this flow has come to, all in. Where the server does not answer (503) the flow, which is stored then,
 * remembers that, and kr_oauth2_proved is true from then on.
 * @return also 401 session_inactive, when the session has ended meanwhile: people are led to begin anew
 */
kr_err_t *kr_oauth2_tell(const char **to, kr_ctx_t *k, kr_flow_t *flow, const kr_session_t *session) KR_MUST_CHECK;
/** What was proved in another flow that this one went on in, and could not be told, counts in this one as well: it may be come back to. */
kr_err_t *kr_oauth2_proved_beside(kr_ctx_t *k, kr_flow_t *flow, const kr_flow_t *other) KR_MUST_CHECK;
/** Has the owner of the session proved in this flow who they are, and nothing is missing but that the server is told? @param session  or NULL */
int kr_oauth2_proved(const kr_flow_t *flow, const kr_session_t *session);
/** Then any submit tells it, and answers. Wants the anti-CSRF token of the form, as it is or as it was when the proof was given. */
kr_err_t *kr_oauth2_go_on(kr_ctx_t *k, kr_flow_t *flow, const kr_session_t *session) KR_MUST_CHECK;
/** Who has just signed in is but half in? @param second  out: where the second factor is shown, and leads back from; NULL: they are in */
kr_err_t *kr_oauth2_half_in(const char **second, kr_ctx_t *k, const kr_flow_t *flow, const kr_session_t *session) KR_MUST_CHECK;

/* -- paging.c ------------------------------------------------------------- */

/** A page of a list. */
typedef struct {
    int size;    /* entries per page */
    int page;    /* from 0 */
    int first;   /* the number that page 0 has in links: 1 when pages were asked for by number and are counted so */
} kr_page_query_t;

/**
 * page_size/page_token or per_page/page; odd values fall back rather than fail.
 * @param first  the number of the first page, 0 or 1; what is less is the first as well
 */
kr_page_query_t kr_paging(kr_ctx_t *k, int otherwise, int most, int first);
/** Link and X-Total-Count headers of a page: whichever of first, prev, next and last there are. */
void kr_paging_headers(kr_ctx_t *k, const char *path, kr_page_query_t page, apr_int64_t total);

/* -- bounce.c ------------------------------------------------------------- */

/**
 * Send somebody who is signed in already to where they want to go. @return NULL; or, when a gate there sent them back here three
 * times within 30 s, a 403 that says why
 */
kr_err_t *kr_send_back(kr_ctx_t *k, const char *to) KR_MUST_CHECK;
/** Somebody has signed in whom a gate sent to this flow: they are going to be back there in a moment. */
void kr_note_sign_in(kr_ctx_t *k, const kr_flow_t *flow);
/**
 * Did a gate ask for a fresh proof (gate=old, max_age in seconds) of somebody whose session is fresher than that, as far as is known
 * here? Another tab may have given it meanwhile; or the gate sees the session as it was.
 */
int kr_fresh_for_gate(kr_ctx_t *k, const kr_session_t *session);
/**
 * Somebody is to sign in, or to confirm it.
 * @return NULL; or, when they did so within 30 s and what the browser shows is still none of it, a 403 that says why
 */
kr_err_t *kr_check_sign_in_kept(kr_ctx_t *k, const char *to) KR_MUST_CHECK;
/** They have signed out: that they have no session is no riddle. */
void kr_forget_sign_in(kr_ctx_t *k);

/* -- match.c -------------------------------------------------------------- */

/** What is known of a path before its operation runs. */
struct kr_found_t {
    const kr_route_t *route;             /* NULL: no route takes this method */
    const char *params[KR_ROUTE_PARAMS]; /* the segments for the names in its path, decoded */
    int known;                           /* some route has this path */
    int methods;                         /* all methods that routes with this path take */
    int flags;                           /* of all of them */
};

/** Look up k->req's path and method. Never NULL. */
const kr_found_t *kr_route_find(kr_ctx_t *k, const kr_route_t *routes);

/* -- guard.c -------------------------------------------------------------- */

kr_guard_fn kr_guard_public;

/* -- cors.c --------------------------------------------------------------- */

/** CORS as the settings say. @return 1 when it was a preflight and is answered */
int kr_cors(kr_ctx_t *k);
/** Do the settings name that origin as one whose pages may call, with the visitor's cookies? That everybody may is no name. */
int kr_cors_names(kr_ctx_t *k, const char *origin);

/* -- counts.c ------------------------------------------------------------- */

/** An operation of that set was answered: k->reply is complete. */
void kr_count_operation(kr_ctx_t *k, const kr_route_set_t *set, apr_time_t took);
/** An error is answered. */
void kr_count_error(const kr_err_t *err);

/* -- operations ----------------------------------------------------------- */

kr_operation_fn kr_login_create_browser, kr_login_create_native, kr_login_get, kr_login_submit;
kr_operation_fn kr_registration_create_browser, kr_registration_create_native, kr_registration_get, kr_registration_submit;
kr_operation_fn kr_settings_create_browser, kr_settings_create_native, kr_settings_get, kr_settings_submit;
kr_operation_fn kr_recovery_create_browser, kr_recovery_create_native, kr_recovery_get, kr_recovery_submit;
kr_operation_fn kr_verification_create_browser, kr_verification_create_native, kr_verification_get,
    kr_verification_submit;
kr_operation_fn kr_oidc_callback, kr_oidc_callback_post;
kr_operation_fn kr_logout_create, kr_logout_submit, kr_logout_native;
kr_operation_fn kr_whoami, kr_sessions_list, kr_sessions_revoke_others, kr_sessions_revoke_one, kr_sessions_exchange;
kr_operation_fn kr_error_get, kr_schemas_list, kr_schema_get, kr_health_alive, kr_health_ready;
kr_operation_fn kr_change_password, kr_passkey_endpoints, kr_jwks, kr_webauthn_javascript, kr_not_here;
kr_operation_fn kr_fedcm_create, kr_fedcm_update, kr_fedcm_javascript;
kr_operation_fn kr_fedcm_web_identity, kr_fedcm_config, kr_fedcm_discovery, kr_fedcm_jwks, kr_fedcm_client_metadata;
kr_operation_fn kr_fedcm_accounts, kr_fedcm_assertion, kr_fedcm_disconnect, kr_fedcm_login;

#endif
