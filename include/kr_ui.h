/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The built-in pages: one renderer from ui.nodes to HTML, in the reader's language. Nothing inline, nothing from elsewhere, and no
 * JavaScript but the script that security keys and passkeys call, on pages that have a node for it, and the one that asks the browser
 * whose accounts it knows at other sites (FedCM), on pages that sign people in.
 */
#ifndef KR_UI_H
#define KR_UI_H

#include "kr_http.h"

/* -- what pages are made of ----------------------------------------------- */

/** Layout, style sheet, words and files of a realm's pages. Made at start, never changed. */
typedef struct kr_pages_t kr_pages_t;
/** The words of one language of them. */
typedef struct kr_words_t kr_words_t;

/**
 * Read what the pages are made of: the built-in files, and over them those of an owner. All is checked, so that a
 * request can meet no surprise.
 * @param dir  folder in which any of layout.html, style.css, words/<language>.json and static/ may stand; NULL: none
 * @return NULL, or what is wrong, with the file; everything lives in `pool`
 */
const char *kr_pages_load(const kr_pages_t **out, apr_pool_t *pool, const char *dir);
/**
 * The language for somebody: the one of the account, else the best that the browser asks for, else English.
 * @param locale  trait of the account ("de-AT", "pt_BR"), or NULL
 * @param accept  Accept-Language as sent, or NULL
 * @return never NULL
 */
const kr_words_t *kr_pages_words(const kr_pages_t *pages, apr_pool_t *pool, const char *locale, const char *accept);
/** Its BCP 47 tag: "de". */
const char *kr_words_lang(const kr_words_t *words);
/** The style sheet, and its length in bytes; served at <home>/style.css with a long cache and an ETag. */
const char *kr_pages_css(const kr_pages_t *pages, apr_size_t *len);
/** A short hash of the style sheet for its URL. */
const char *kr_pages_css_version(const kr_pages_t *pages);

/* -- answering ------------------------------------------------------------ */

/**
 * Answer a request for a page: the last segment of the path names it (login, registration, settings, verification,
 * recovery, welcome, sessions, logout, error, signed-out, style.css), what stands before is where the pages are mounted. Files
 * of the owner stand below static/. Flows come from the API in-process. All is for GET; only sessions and logout take POST too.
 * Always leaves a complete k->reply. k->realm->pages must be there.
 */
void kr_ui_handle(kr_ctx_t *k);

/** Content-Security-Policy of every page (that of pages whose forms call the script for keys adds to it); of those of a gate. */
extern const char kr_ui_csp[], kr_ui_csp_alone[];

/* -- at a gate ------------------------------------------------------------ */

/*
 * What a gate says to people stands wherever something is guarded, under names where nothing of ours is served: these pages bring their
 * style along. Each leaves a complete k->reply, in the language of k->session, else of the browser.
 */

/** 403: this place asks for a second factor, and the account has none. @param settings_url  where to set one up; NULL: nowhere */
void kr_ui_no_second(kr_ctx_t *k, const char *settings_url);

/** A form that was kept while its person signed in. */
typedef struct {
    const char *place;               /* URL that it was for, as people read it */
    const char *action;              /* where the answer goes, by POST */
    const char *token;               /* goes along as KR_KEPT_TOKEN */
    const apr_array_header_t *names; /* of const char*: of its fields; values are shown to nobody */
    int more;                        /* fields beyond those */
    const char *leave;               /* the place without the form */
} kr_kept_view_t;

/** The field of the answer that proves that this page was seen. */
#define KR_KEPT_TOKEN "kratos_kept_token"

/** 200: a form waits, shall it be sent now? */
void kr_ui_kept(kr_ctx_t *k, const kr_kept_view_t *view);
/** 410: it waits no longer. @param url  the place itself */
void kr_ui_kept_gone(kr_ctx_t *k, const char *url);

/* -- single pages --------------------------------------------------------- */

/** A link under what a page shows: "No account yet? Sign up". */
typedef struct {
    const char *text;           /* what stands before it, or NULL */
    const char *url;            /* NULL: there is no link */
    const char *label;          /* NULL: the URL itself */
} kr_page_link_t;

#define KR_PAGE_LINKS 2

/** What a page tells the script that asks the browser itself whose accounts it knows elsewhere (src/method/fedcm.js). */
typedef struct {
    const char *src, *integrity;
    const char *parameters, *token; /* URLs: what to ask for, and where the answer goes */
    int sign_up;                /* 1: people come to sign up */
    const apr_array_header_t *providers; /* of kr_oidc_provider_conf_t: sites that it asks about */
} kr_page_fedcm_t;

/** What a page needs to know beside what it shows. */
typedef struct {
    const kr_words_t *words;    /* its language */
    const char *title;          /* of the page: "Sign in" */
    const char *done;           /* of the page once its flow has passed: "Address confirmed"; or NULL */
    const char *home;           /* path below which the pages stand: "" or "/auth" */
    const char *site;           /* whose pages these are, where the words have no name for it; may be NULL */
    const char *here;           /* a page of somebody who is signed in: its name, for the way between those; else NULL */
    int alone;                  /* 1: it stands where its style sheet is not served, and brings it along */
    int wide;                   /* 1: as wide as those, for what is no form */
    const char *settings_url;   /* for that way: where settings begin */
    const char *logout_url;     /* for that way: where the session ends; NULL: the page itself says it, or there is none */
    const struct kr_schema_t *schema; /* of the traits on the page: what lists hold, what names the account; NULL: unknown */
    kr_page_link_t links[KR_PAGE_LINKS];
    const char *about;          /* a line about a form that asks for what nobody was asked for yet; or NULL */
    const apr_array_header_t *providers; /* of kr_oidc_provider_conf_t: sites that people sign in with; NULL: none */
    const apr_array_header_t *fixed; /* settings: const kr_oidc_provider_conf_t*, accounts there that are linked and have to stay; or NULL */
    const json_t *script;       /* attributes of the script that its forms call (ui_flow_script); NULL: what needs one is left out */
    const kr_page_fedcm_t *fedcm; /* NULL: the browser is not asked */
} kr_page_t;

/**
 * A page with the form of a flow: messages, then its nodes as a form (hidden ones first, inputs with label, hint and error
 * tied by aria-describedby, submit buttons with the main one first), sent to ui.action. Where several groups ask and
 * submit (settings, second factors) each group is a form of its own. What needs a script is left out, or hidden until it is there.
 * @param flow  the flow as the API shows it
 * @return the HTML document, in the pool
 */
const char *kr_ui_flow_page(apr_pool_t *pool, const kr_page_t *page, const json_t *flow);

/**
 * The page of somebody who is signed in: who, since when, until when, a sign-out button (a link to logout_url).
 * @param session  as whoami shows it
 */
const char *kr_ui_session_page(apr_pool_t *pool, const kr_page_t *page, const json_t *session, const char *logout_url);

/** What the page of sessions shows beside the sessions. */
typedef struct {
    const json_t *current;      /* as whoami shows it */
    const json_t *others;       /* array of the same kind, of this page of the list */
    const char *token;          /* anti-CSRF token of the forms */
    const char *done;           /* a text that tells what was just done, or NULL */
    int page, pages;            /* of the list, from 1 */
    int total;                  /* other sessions in all */
} kr_sessions_view_t;

/** "Where you are signed in": this session, the others each with a button that ends it, and one that ends all others. */
const char *kr_ui_sessions_page(apr_pool_t *pool, const kr_page_t *page, const kr_sessions_view_t *view);

/**
 * The page of an error: `error` is the inner object of the envelope (code, reason, message), or NULL when it is unknown.
 * Where its details have a retry_url or a return_to that may stand in a link, "Try again" leads there.
 */
const char *kr_ui_error_page(apr_pool_t *pool, const kr_page_t *page, const json_t *error);

/** A page with one message and one link: signed out, please sign in. */
const char *kr_ui_note_page(apr_pool_t *pool, const kr_page_t *page, const char *text, const char *url, const char *label);

/**
 * A page around content that somebody else made.
 * @param verdict  stands before the title in the browser's tab; or NULL
 * @param markup   HTML, escaped already where it must be
 */
const char *kr_ui_page_around(apr_pool_t *pool, const kr_page_t *page, const char *verdict, const char *markup);

#endif
