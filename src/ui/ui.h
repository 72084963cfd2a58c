/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: words, HTML that escapes by itself, the frame of a page, nodes made easy to ask. */
#ifndef KR_UI_UI_H
#define KR_UI_UI_H

#include <string.h>

#include "kr_api.h"
#include "kr_flow.h"
#include "kr_oidc_conf.h"
#include "kr_schema.h"
#include "kr_ui.h"

/* -- what a realm's pages are made of: builtin.c, catalogue.c, layout.c, load.c ------------------------------------- */

/** The largest file of an owner, and how many a folder may hold. */
#define UI_FILE_MAX (256 * 1024)
#define UI_FILES_MAX 64

/** A file of the source tree's src/ui/pages by its path there, as text. NULL: there is none of that name. */
const char *ui_builtin(const char *name);

/** The words of one language, those of English below it. */
struct kr_words_t {
    const char *lang;         /* BCP 47: "de", "pt-BR" */
    json_t *texts;            /* object: key -> text; read only */
    const kr_pages_t *pages;  /* which these words belong to */
};

/** A piece of the layout: markup as it is, or the place of something. */
typedef enum { UI_MARKUP, UI_LANG, UI_TITLE, UI_STYLE, UI_CONTENT, UI_SITE } ui_piece_e;
typedef struct {
    ui_piece_e kind;
    const char *text;         /* of UI_MARKUP */
    apr_size_t len;
} ui_piece_t;

/** A file of the owner, served as it is. */
typedef struct {
    const char *name, *type, *etag, *body;
    apr_size_t len;
} ui_file_t;

struct kr_pages_t {
    apr_array_header_t *languages; /* of kr_words_t*; English first */
    apr_array_header_t *layout;    /* of ui_piece_t */
    apr_array_header_t *files;     /* of ui_file_t */
    const char *css, *css_version;
    apr_size_t css_len;
};

/** Split a layout. @return NULL, or what is wrong with it */
const char *ui_layout_parse(apr_array_header_t **pieces, apr_pool_t *pool, const char *text);
/**
 * Read a catalogue and lay it over `texts`. `known` has all keys there are, with the placeholders they may use.
 * @return NULL, or what is wrong with it
 */
const char *ui_catalogue_add(json_t *texts, apr_pool_t *pool, const char *text, const json_t *known);
/** Is it a language tag that may name a file? */
int ui_is_language(const char *tag);
/** The file that the owner put into static/, or NULL. */
const ui_file_t *ui_file_named(const kr_pages_t *pages, const char *name);

/* -- words.c -------------------------------------------------------------- */

/** The text of a key; the key itself where there is none. */
const char *ui_word(const kr_words_t *words, const char *key);
/** The same with NULL where there is none. */
const char *ui_word_or_null(const kr_words_t *words, const char *key);
/** The text of "<prefix><rest>", or NULL. */
const char *ui_word_of(apr_pool_t *pool, const kr_words_t *words, const char *prefix, const char *rest);
/** The text of a key with {name} filled in from `context`; what the context lacks stands for nothing. */
const char *ui_say(apr_pool_t *pool, const kr_words_t *words, const char *key, const json_t *context);
/** A message of the API {id,text,context} in the language of the page; its own text where the catalogue has none. */
const char *ui_message(apr_pool_t *pool, const kr_words_t *words, const json_t *message);
/** A reason, written for logs, as a sentence for people; in their language where the catalogue has it. */
const char *ui_reason(apr_pool_t *pool, const kr_words_t *words, const char *reason);
/** "2026-01-05T14:03:09.12Z" as people read it; as it is when it is no UTC time. */
const char *ui_time(apr_pool_t *pool, const kr_words_t *words, const char *rfc3339);
/** "Firefox on Linux" of a User-Agent; what it says itself when it is none we know. NULL and "": unknown device. */
const char *ui_device(apr_pool_t *pool, const kr_words_t *words, const char *agent);
/** "192.0.2.1:4711" without its port; IPv6 as it is. */
const char *ui_address(apr_pool_t *pool, const char *ip);

/* -- html.c --------------------------------------------------------------- */

/** The content of a page while it grows. `text` is NUL-terminated at any moment. */
typedef struct {
    apr_pool_t *pool;
    const kr_words_t *words;
    const char *title;  /* of the document */
    const char *site, *who; /* whose pages these are and whose account, for what people keep of them; or NULL */
    char *text;
    apr_size_t len, size;
} ui_html_t;

ui_html_t *ui_html_make(apr_pool_t *pool, const kr_words_t *words);
/**
 * Append markup. Markup is only ever in `fmt`; every %s is escaped on its way (NULL is empty), so a value cannot become
 * markup. Knows %s, %d and %%; nothing else.
 */
void ui_add(ui_html_t *h, const char *fmt, ...) KR_PRINTF(2, 3);
/** Append what is markup already: the layout's own, and a finished content. */
void ui_add_markup(ui_html_t *h, const char *text, apr_size_t len);
/** The URL if it may stand in href, src or action: http, https or relative. Else NULL: javascript: and friends. */
const char *ui_safe_url(apr_pool_t *pool, const char *url);
/** As ui_safe_url, data:image/ allowed too: for pictures. */
const char *ui_safe_image(apr_pool_t *pool, const char *url);

/* -- page.c --------------------------------------------------------------- */

/** The card, the way between the pages of an account, the heading. @param failed 1: the title says so, because screen readers read it first */
ui_html_t *ui_page_begin(apr_pool_t *pool, const kr_page_t *page, const char *heading, int failed);
/** A link that looks like a button. @param url  checked by ui_safe_url */
void ui_link_put(ui_html_t *h, const char *url, const char *label, const char *css_class);
/** The other links and the layout around it all. @return the document */
const char *ui_page_end(ui_html_t *h, const kr_page_t *page);

/* -- pages.c -------------------------------------------------------------- */

/** Choose page->words: the account's own language comes before the browser's. @param shown  what has an `identity`, or NULL: the session's */
void ui_choose_words(kr_ctx_t *k, kr_page_t *page, const json_t *shown);
/** Whose pages these are, as long as the catalogue has no name: the host that people see in their browser. */
const char *ui_site_of(kr_ctx_t *k);

/* -- session_page.c ------------------------------------------------------- */

/**
 * What somebody would call the account: the first identifier of its schema, else an e-mail address, a user name, the first text among
 * its traits; never an id, which nobody knows themselves by.
 * @param holder  what has an `identity`: a session, a flow of settings
 * @return NULL when there is nothing of the kind
 */
const char *ui_who(apr_pool_t *pool, const kr_page_t *page, const json_t *holder);

/* -- sessions.c ----------------------------------------------------------- */

/** The page "Where you are signed in", and the forms on it that end sessions. */
void ui_sessions_show(kr_ctx_t *k, kr_page_t *page);
void ui_sessions_end(kr_ctx_t *k, const kr_page_t *page);

/* -- logout.c ------------------------------------------------------------- */

/** The page that asks whether to sign out where an OAuth2 server wants it, and the form on it. */
void ui_logout_show(kr_ctx_t *k, kr_page_t *page);
void ui_logout_do(kr_ctx_t *k, const kr_page_t *page);

/* -- taken.c -------------------------------------------------------------- */

/**
 * Read a form that a page takes itself. Its fields go to kr_api_call as they are: that looks at the csrf_token.
 * @return as kr_body_read, or 403 when a browser says that it stood on another site
 */
kr_err_t *ui_form_read(kr_body_t *out, kr_ctx_t *k) KR_MUST_CHECK;
/** An error of a page's own, as the API would have said it. */
kr_api_answer_t ui_answer_of(kr_ctx_t *k, const kr_err_t *err);

/* -- reply.c -------------------------------------------------------------- */

/**
 * Answer for what the API refused: with the login where somebody is to sign in, with the second factor where that misses, else with
 * the page of the error.
 * @param back  where either leads to, or NULL
 */
void ui_refused(kr_ctx_t *k, const kr_page_t *page, const kr_api_answer_t *got, const char *back);
/** A page with its headers as the reply. */
void ui_reply(kr_ctx_t *k, const kr_page_t *page, int status, const char *html);
/** A page with one text and one link, both by their keys, as the reply. */
void ui_note(kr_ctx_t *k, const kr_page_t *page, int status, const char *text, const char *url, const char *label);
/** Where a flow of that kind begins. @param return_to  or NULL */
const char *ui_begin_url(kr_ctx_t *k, const char *kind, const char *return_to);
/** Where the session of who asks ends: a link that is good for it alone. NULL: there is no session. */
const char *ui_logout_url(kr_ctx_t *k);
/** The style sheet as the reply, to be kept for ever: its URL carries its hash. */
void ui_style_show(kr_ctx_t *k);
/** A file of the owner as the reply. */
void ui_file_show(kr_ctx_t *k, const ui_file_t *file);

/* -- lost.c --------------------------------------------------------------- */

/**
 * Answer for the page of a flow that cannot be shown: a new one is begun with what is known of the old one, or people are led on. The
 * second time within a minute a page says why that does not help.
 * @param status  403, 404 or 410: what the API said to it
 */
void ui_flow_lost(kr_ctx_t *k, const kr_page_t *page, kr_flow_kind_e kind, int status);

/* -- script.c ------------------------------------------------------------- */

/**
 * The script that the forms of a flow call, when it is the one that we serve ourselves below `base_url`: attributes of its node. NULL:
 * there is none, or it is somebody else's, which no page of ours runs.
 */
const json_t *ui_flow_script(apr_pool_t *pool, const char *base_url, const json_t *flow);
/**
 * The Content-Security-Policy of a page: kr_ui_csp, and its scripts, by their hashes, and by their addresses for browsers that look at no
 * hashes of files; where the browser is asked whose accounts it knows, what is read for that as well.
 */
const char *ui_policy(apr_pool_t *pool, const kr_page_t *page);
/** Include it. @param script  as ui_flow_script gave it */
void ui_script_put(ui_html_t *h, const json_t *script);

/* -- fedcm.c -------------------------------------------------------------- */

/** Does the page of that flow ask the browser itself? Then page->fedcm says what. */
void ui_fedcm_note(kr_ctx_t *k, kr_page_t *page, kr_flow_kind_e kind, const json_t *flow);
/** Are there sites that are signed in with in no other way? Their buttons are shown by the script. */
int ui_fedcm_has_buttons(const kr_page_t *page);
/** Put those buttons, and the script. */
void ui_fedcm_put(ui_html_t *h, const kr_page_t *page);

/* -- nodes.c -------------------------------------------------------------- */

typedef enum {
    UI_SKIP,    /* has no place on the page */
    UI_HIDDEN,
    UI_FIELD,   /* input or select that people see */
    UI_SUBMIT,
    UI_BUTTON,  /* works by script only */
    UI_TEXT,
    UI_IMAGE,
    UI_LINK
} ui_kind_e;

/** How a submit button looks. */
typedef enum {
    UI_CHOICE,  /* another way to the same end: a provider, a method */
    UI_QUIET,   /* beside the way: send again, go back */
    UI_DANGER   /* takes something away */
} ui_look_e;

/** What stands on the button of a site that people sign in with. */
typedef struct {
    const char *kind, *name; /* of provider; as people call it. NULL in the mark of all others */
    const char *svg;         /* markup, for a square of 24 */
} ui_mark_t;

/** A node with its parts at hand; all borrowed from the flow. */
typedef struct {
    int nr;             /* makes ids: names may hold blanks, which cannot stand in an id */
    ui_kind_e kind;
    ui_look_e look;     /* of UI_SUBMIT */
    const char *group;  /* never NULL */
    const char *name;   /* of inputs; never NULL */
    const char *label;  /* in the language of the page; never NULL */
    int label_id;       /* message id of the label, or 0 */
    const json_t *context; /* of the label, or NULL */
    const json_t *attributes, *messages;
    const kr_leaf_t *list; /* of a list of traits: what its elements are; its value is an array then. Else NULL */
    const json_t *elements; /* of a list: {"2": messages} of its elements; or NULL */
    int failed;         /* an error is among its messages, or those of its elements */
    int bare;           /* 1: its label is for ears alone, because eyes see it next to it */
    int focus;          /* 1: the cursor stands here when the page opens */
    int scripted;       /* 1: a field that only a button of the script sends; hidden until that is there */
    const ui_mark_t *mark; /* of a button that is for an account elsewhere; else NULL */
    const char *picture;   /* URL of the owner's own in place of the mark; or NULL */
    int folded;         /* 1: stands with its group behind a line that opens */
} ui_node_t;

/** Message ids of labels: of the button that sends a code again, of the field for a password. */
#define UI_LABEL_SEND_AGAIN 1070008
#define UI_LABEL_PASSWORD 1070001
/** Message id of an error: a field was left out. */
#define UI_MISSING 4000002
/** Message id of an error: a pattern does not fit. Its context has what the schema says of the value, where it says something. */
#define UI_MISFIT 4000004

#define UI_EACH_NODE(n, nodes)                                                                                         \
    for ((n) = (const ui_node_t *)(nodes)->elts; (n) < (const ui_node_t *)(nodes)->elts + (nodes)->nelts; (n)++)

/** Read nodes of ui_nodes_gather; page->schema may be NULL. @return array of ui_node_t, in order; empty for null */
apr_array_header_t *ui_nodes_read(apr_pool_t *pool, const kr_page_t *page, const json_t *nodes);
/** A hidden field, a visible one, a text, a picture or a link; nothing for other kinds. */
void ui_node_put(ui_html_t *h, const ui_node_t *node, int mark_optional);
/** A submit button. @param check 1: the browser checks required fields first */
void ui_submit_put(ui_html_t *h, const ui_node_t *node, const char *css_class, int check);
/** A button that calls the script; hidden until that is there. */
void ui_button_put(ui_html_t *h, const ui_node_t *node, const char *css_class);
/** Is an attribute of the node true? */
int ui_node_has(const ui_node_t *node, const char *attribute);
/** A scalar as people write it; NULL for absent and null. */
const char *ui_value_text(apr_pool_t *pool, const json_t *value);
/** `s`, or `other` where there is none. */
const char *ui_or_else(const char *s, const char *other);

/** A line about a node, where the catalogue has one: "about.<name>". @param id  of the element, or NULL @return 1: there is one */
int ui_about_put(ui_html_t *h, const char *name, const char *id);

/* -- secrets.c ------------------------------------------------------------ */

/** A text that people take along: the key of an authenticator app, backup codes with what saves them, or any other. */
void ui_text_put(ui_html_t *h, const ui_node_t *node);

/* -- keys.c --------------------------------------------------------------- */

/** Is it a button that takes a security key or a passkey away? Those stand in a list. */
int ui_is_key(const ui_node_t *node);
/** A key on that list: its name, since when it is there, the button. */
void ui_key_put(ui_html_t *h, const ui_node_t *node);
/** What is said where keys cannot be used: without scripts, and in browsers that know none. */
void ui_key_needs_put(ui_html_t *h);

/* -- marks.c -------------------------------------------------------------- */

/** The mark of a kind of provider; one that means anybody for those without their own. Never NULL. */
const ui_mark_t *ui_mark_of(const char *kind);

/* -- providers.c ---------------------------------------------------------- */

/** What the page of a flow needs to know of the sites that people sign in with: page->providers, and for settings page->fixed. */
void ui_providers_note(kr_ctx_t *k, kr_page_t *page, const json_t *flow);
/** Is it a login in which an account elsewhere waits to be linked to the one here whose owner signs in? */
int ui_is_linking(const json_t *flow);
/** Is it a sign-up by such an account that still misses something? */
int ui_is_completing(const json_t *flow);
/** What a provider is called by people where only its kind is known: "google" is Google. Else as it is. */
const char *ui_provider_called(const char *name);
/** Give a node of such a site its mark; others are left alone. */
void ui_provider_mark(apr_pool_t *pool, const kr_page_t *page, ui_node_t *node);
/** Put the mark, for eyes only. */
void ui_mark_put(ui_html_t *h, const ui_node_t *node);
/** The nodes, and one for each account that is linked and has to stay, for which the API has none. */
const json_t *ui_nodes_with_fixed(apr_pool_t *pool, const kr_page_t *page, const json_t *nodes);
/** Is it a button that takes a linked account away? Those stand in a list. */
int ui_is_linked(const ui_node_t *node);
/** An account on that list: where it is, the button. */
void ui_linked_put(ui_html_t *h, const ui_node_t *node);

/* -- gather.c ------------------------------------------------------------- */

/**
 * The nodes of a flow made ready for forms: elements of lists stand in their lists, what no form can send is left out, and values of
 * an account that no field stands for go along in a hidden one.
 * @param schema  of the traits; NULL: as they are
 * @param flow    as the API shows it
 */
const json_t *ui_nodes_gather(apr_pool_t *pool, const kr_schema_t *schema, const json_t *flow);

/* -- lists.c -------------------------------------------------------------- */

/** A list of traits: a field for each element and an empty one, a box for each value that may be chosen, or a field for each position. */
void ui_list_put(ui_html_t *h, const ui_node_t *node, int mark_optional);
/** The same unseen. */
void ui_list_put_hidden(ui_html_t *h, const ui_node_t *node);
/** The nr of the field that the cursor should go to: the first that is wrong, else the first. */
int ui_list_nr(const ui_node_t *node);

/* -- fields.c ------------------------------------------------------------- */

/** A field with its label, hint and error. */
void ui_field_put(ui_html_t *h, const ui_node_t *node, int mark_optional);
/** Messages of a field as its hints. @param id  of the element around them */
void ui_hints_put(ui_html_t *h, const char *id, const json_t *messages);
/** Is it the field for a code that was sent? */
int ui_field_is_code(const ui_node_t *node);

/* -- forms.c -------------------------------------------------------------- */

/** The nodes of one form. */
typedef struct {
    const apr_array_header_t *nodes;
    const char *group;  /* NULL: all of them */
    int first;          /* takes what is visible in group default */
    int get;            /* the form's method */
    int wait;           /* a code was sent just now: another one is not offered at once */
    const char *action;
    const char *who;    /* whose settings these are, "" where the account has no name; or NULL */
    const char *active; /* the way that was taken last; or NULL */
} ui_form_t;

/** Is there anything in it that people see? */
int ui_form_shows(const ui_form_t *form);
/**
 * The form. Where two groups each ask something and have a button of their own (second factors), the way that was taken last or comes
 * first, and each other one behind a line that opens.
 * @param sections  1: one for each group, whatever they ask
 */
void ui_forms_put(ui_html_t *h, ui_form_t *form, int sections);

#endif
