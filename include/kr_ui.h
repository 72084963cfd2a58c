/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in pages: one renderer from ui.nodes to HTML. No JavaScript, nothing inline, nothing from elsewhere. */
#ifndef KR_UI_H
#define KR_UI_H

#include "kr_http.h"

/**
 * Answer a request for a page: the last segment of the path names it (login, registration, settings, verification,
 * recovery, welcome, error, signed-out, style.css), what stands before is where the pages are mounted. Flows come from
 * the API in-process. Always leaves a complete k->reply.
 */
void kr_ui_handle(kr_ctx_t *k);

/** Content-Security-Policy of every page. */
extern const char kr_ui_csp[];

/** A link under what a page shows: "No account yet? Sign up". */
typedef struct {
    const char *text;           /* what stands before it, or NULL */
    const char *url;            /* NULL: there is no link */
    const char *label;          /* NULL: the URL itself */
} kr_page_link_t;

#define KR_PAGE_LINKS 2

/** What a page needs to know beside the flow. */
typedef struct {
    const char *title;          /* of the page: "Sign in" */
    const char *home;           /* path below which the pages stand: "" or "/auth" */
    kr_page_link_t links[KR_PAGE_LINKS];
} kr_page_t;

/**
 * A page with the form of a flow: messages, then its nodes as a form (hidden ones first, inputs with label, hint and error
 * tied by aria-describedby, submit buttons with the main one first), sent to ui.action. Where several groups ask and
 * submit (settings, second factors) each group is a form of its own. What needs a script is left out.
 * @param flow  the flow as the API shows it
 * @return the HTML document, in the pool
 */
const char *kr_ui_flow_page(apr_pool_t *pool, const kr_page_t *page, const json_t *flow);

/**
 * The page of somebody who is signed in: who, since when, until when, a sign-out button (a link to logout_url).
 * @param session  as whoami shows it
 */
const char *kr_ui_session_page(apr_pool_t *pool, const kr_page_t *page, const json_t *session, const char *logout_url);

/** The page of an error: `error` is the inner object of the envelope (code, reason, message), or NULL when it is unknown. */
const char *kr_ui_error_page(apr_pool_t *pool, const kr_page_t *page, const json_t *error);

/** A page with one message and one link: signed out, please sign in. */
const char *kr_ui_note_page(apr_pool_t *pool, const kr_page_t *page, const char *text, const char *url, const char *label);

/** The style sheet, and its length in bytes; served at <home>/style.css with a long cache and an ETag. */
const char *kr_ui_css(apr_size_t *len);
/** A short hash of the style sheet for its URL. Static. */
const char *kr_ui_css_version(apr_pool_t *pool);

#endif
