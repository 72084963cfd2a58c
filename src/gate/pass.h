/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the gate share: what is known about a request, and how it is answered. */
#ifndef KR_GATE_PASS_H
#define KR_GATE_PASS_H

#include "../site/site.h"
#include "kr_kept.h"
#include "kr_metrics.h"
#include "kr_require.h"

/* -- pass.c --------------------------------------------------------------- */

/** What was found out for a realm: once per request, however many sub-requests and redirects it has. */
typedef struct kr_pass_t {
    const kr_tenant_t *tenant;
    kr_ctx_t *k;
    kr_session_t *session;   /* good for this realm's places when there is no refusal */
    const kr_err_t *refusal; /* NULL: there is a session, and it is good */
    int granted;             /* a place of the realm was opened with it */
    struct kr_pass_t *next;
} kr_pass_t;

/** A Require line, read. */
typedef struct {
    const kr_require_t *require;
    int negated;             /* its "no" lets in, so that "cannot say" must be an error */
    int alias;               /* whether it is negated is not known: taken for it where it says no, and for none where it says yes */
} kr_line_t;

/** The module's record of a request. */
typedef struct {
    kr_pass_t *passes;       /* of the topmost request only */
    const char *cookies;     /* likewise: the Cookie header as it came, once some were taken out of it */
    kr_pass_t *refused;      /* whose line of this very request said no */
    int counted;             /* of the topmost request only: its verdict is among the metrics */
    int settled;             /* the checks of this very request are over: what it asks from now on makes up its content */
    struct kr_replay_t *replay; /* of the topmost request only: a form that takes the place of the request's body (replay.c) */
    const kr_line_t *unmet;  /* a line that the session does not meet; one that its owner can mend comes first */
} kr_visit_t;

/** The record of a request; made when it has none. Never NULL. */
kr_visit_t *kr_visit_of(request_rec *r);
/** What the client asked for, before sub-requests and internal redirects. */
request_rec *kr_topmost(request_rec *r);
/** The pass of this request for the realm of its place: looked up once. NULL when there is no realm, and then it is logged. */
kr_pass_t *kr_pass_of(request_rec *r);
/** Who is about to be refused by what was only recalled of their session is looked at again. @return 0: it was not, there is nothing new */
int kr_pass_look_again(kr_pass_t *pass);
/** What was found out for this request; NULL when nobody asked. */
const kr_pass_t *kr_passes_of(request_rec *r);
/** AuthType names another module: it asks for a user of its own, and must not find ours in that one's place. */
int kr_is_for_others(request_rec *r);
/**
 * The place is opened with this pass: user, authentication type, notes for the access log.
 * @return 0 when the account lacks what KratosExport takes the user's name from: nobody is let in without a name
 */
int kr_let_through(request_rec *r, kr_pass_t *pass);
/** Say in the notes of the request what became of it: kratos-verdict. The first word for what the client asked for is counted. */
void kr_note_verdict(request_rec *r, kr_gate_verdict_e verdict);

/* -- refuse.c ------------------------------------------------------------- */

/** Answer a request without a session (or one that is not enough for any place). @return a status, or DONE */
int kr_refuse(request_rec *r, const kr_pass_t *pass);
/** Answer a request whose session lacks a right. @param unmet  the line that said no, or NULL when that was none of ours */
int kr_deny(request_rec *r, const kr_pass_t *pass, const kr_line_t *unmet);

/** Answer a request with that error of its realm. @return a status, or DONE */
int kr_refuse_for(request_rec *r, const kr_pass_t *pass, const kr_err_t *err);
/** The cookies of k->reply go out with whatever this request is answered. */
void kr_send_cookies(request_rec *r, kr_ctx_t *k);
/** Write k->reply, a page, as the answer: nobody else has anything to say to this request. @return DONE */
int kr_answer_page(request_rec *r, kr_ctx_t *k);

/* -- keep.c --------------------------------------------------------------- */

/**
 * Keep the form that the request sends, where the place wants that (KratosKeepPost) and nothing speaks against it. The cookie of its
 * browser is in pass->k->reply then.
 * @param why  out: what speaks against it, for its sender; NULL: it is kept, or nobody asked for that
 * @return where its sender comes back to; NULL: it is not kept
 */
const char *kr_keep(const char **why, request_rec *r, const kr_pass_t *pass);
/** Does the browser say that the request comes from a page of this very origin? One that says nothing of it does not. */
int kr_from_here(request_rec *r, const kr_pass_t *pass);
/** The fields of a form, of kr_pair_t; NULL when it is none, or has files. */
const apr_array_header_t *kr_kept_fields(apr_pool_t *pool, const kr_kept_t *post);

/* -- replay.c ------------------------------------------------------------- */

/** From now on the request has that form for its body. It must live as long as the request; the request's own body is read. */
void kr_replay(request_rec *r, const kr_kept_t *post);
/** After an internal redirect, which leaves filters behind: the same again. */
void kr_replay_again(request_rec *r);

/* -- upgrade.c ------------------------------------------------------------ */

/** Is the client going to be connected to something that is not HTTP? Then its session is looked after from now on. */
void kr_tunnel_watch(request_rec *r, const kr_pass_t *pass);

/* -- export.c ------------------------------------------------------------- */

/** The name of the user as the place's KratosExport has it; NULL when the account has none. */
const char *kr_export_user(request_rec *r, const kr_pass_t *pass);

#endif
