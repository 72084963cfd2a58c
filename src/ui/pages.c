/* SPDX-License-Identifier: Apache-2.0 */
/* Which page a request is for, and where what it shows comes from: the API, asked in-process as the browser would. */
#include <apr_lib.h>
#include <strings.h>

#include "kr_realm.h"
#include "kr_json.h"
#include "kr_session.h"
#include "kr_text.h"
#include "ui.h"

/** Where a link leads: to a flow that begins, if the site has that kind, or to a page of ours. All texts are keys. */
typedef struct {
    const char *text, *label;
    const char *page;        /* NULL: `kind` counts */
    kr_flow_kind_e kind;
} way_t;

/** A page that shows a flow. */
typedef struct {
    kr_flow_kind_e kind;     /* its name is the last segment of the path */
    const char *title, *done; /* `done`: of the page once the flow has passed, or NULL */
    way_t ways[KR_PAGE_LINKS];
} flow_page_t;

#define NO_ACCOUNT { "link.register.text", "link.register", NULL, KR_FLOW_REGISTRATION }
#define CANNOT_SIGN_IN { "link.recover.text", "link.recover", NULL, KR_FLOW_RECOVERY }
#define TO_SIGN_IN(text) { text, "link.signin", NULL, KR_FLOW_LOGIN }
#define TO_ACCOUNT { NULL, "link.account", "/welcome", KR_FLOW_LOGIN }

static const flow_page_t FLOW_PAGES[] = {
    { KR_FLOW_LOGIN, "title.login", NULL, { NO_ACCOUNT, CANNOT_SIGN_IN } },
    { KR_FLOW_REGISTRATION, "title.registration", NULL, { TO_SIGN_IN("link.signin.account") } },
    { KR_FLOW_SETTINGS, "title.settings", NULL, { { NULL, NULL, NULL, KR_FLOW_LOGIN } } },
    { KR_FLOW_VERIFICATION, "title.verification", "title.verified", { TO_ACCOUNT } },
    { KR_FLOW_RECOVERY, "title.recovery", NULL, { TO_SIGN_IN("link.signin.password") } },
};

/* -- the language of a page ----------------------------------------------- */

static const char *locale_of(const json_t *traits)
{
    static const char *const names[] = { "locale", "language", "lang" };

    for (int i = 0; i < KR_DIM(names); i++) {
        const char *locale = kr_json_str(traits, names[i]);

        if (locale && *locale) return locale;
    }
    return NULL;
}

/* A store that cannot say who this is must not cost the page. */
void ui_choose_words(kr_ctx_t *k, kr_page_t *page, const json_t *flow)
{
    const char *locale = locale_of(kr_json_at(flow, "identity.traits"));
    kr_session_t *session;

    if (!locale && !kr_session_current(&session, k) && session) locale = locale_of(session->identity->traits);
    page->words = kr_pages_words(k->realm->pages, k->pool, locale, kr_header(k->req, "Accept-Language"));
}

/* What a page knows of somebody's traits: by the schema of the account, else the one that a flow names, else the default. */
static void choose_schema(kr_ctx_t *k, kr_page_t *page, const json_t *shown)
{
    const char *id = kr_json_str(shown, "identity.schema_id");

    page->schema = kr_realm_schema(k->realm, id ? id : kr_json_str(shown, "identity_schema"));
    if (!page->schema) page->schema = kr_realm_schema(k->realm, NULL);
}

/* -- pages of flows ------------------------------------------------------- */

static int is_text(const json_t *flow, const char *key, const char *wanted)
{
    const char *value = kr_json_str(flow, key);

    return value && strcmp(value, wanted) == 0;
}

/* A second factor, asked of who is signed in halfway. */
static int is_second(const flow_page_t *p, const json_t *flow)
{
    return p->kind == KR_FLOW_LOGIN && is_text(flow, "requested_aal", "aal2");
}

/* Where a flow beside this one begins, which leads where this one would have: to an OAuth2 server, too, that waits for a sign-in. */
static const char *begin_beside(kr_ctx_t *k, kr_flow_kind_e kind, const json_t *flow)
{
    const char *to = kr_json_str(flow, "return_to"), *challenge = kr_json_str(flow, "oauth2_login_challenge");
    const char *url = ui_begin_url(k, kr_flow_kind_name(kind), to);

    if (!challenge) return url;
    if (kind == KR_FLOW_LOGIN || kind == KR_FLOW_REGISTRATION) return kr_url_with(k->pool, url, "login_challenge", challenge);
    return ui_begin_url(k, kr_flow_kind_name(kind), kr_url_with(k->pool, ui_begin_url(k, "login", to), "login_challenge", challenge));
}

/* Somebody who is signed in and proves it again, or proves more, has an account; who cannot needs another way, and the way out. */
static void put_ways_out(kr_ctx_t *k, kr_page_t *page, const flow_page_t *p, const json_t *flow)
{
    const char *again = kr_url_with(k->pool, begin_beside(k, KR_FLOW_LOGIN, flow), "aal", "aal2");

    if (is_second(p, flow) && is_text(flow, "state", "sent_email"))
        page->links[0] = (kr_page_link_t){ NULL, again, ui_word(page->words, "link.otherway") };
    page->links[1] = (kr_page_link_t){ NULL, ui_logout_url(k), ui_word(page->words, "signout") };
}

static void put_ways(kr_ctx_t *k, kr_page_t *page, const flow_page_t *p, const json_t *flow)
{
    for (int i = 0; i < KR_PAGE_LINKS && p->ways[i].label; i++) {
        const way_t *way = &p->ways[i];
        const char *url = NULL;

        if (way->page) url = apr_pstrcat(k->pool, page->home, way->page, NULL);
        else if (k->realm->settings->flow[way->kind].enabled)
            url = begin_beside(k, way->kind, flow);
        page->links[i] = (kr_page_link_t){ way->text ? ui_word(page->words, way->text) : NULL, url, ui_word(page->words, way->label) };
    }
}

/* Somebody comes by an account elsewhere, and either has one here already or has to say more. */
static void meet_provider(kr_ctx_t *k, kr_page_t *page, const flow_page_t *p, const json_t *flow)
{
    if (p->kind == KR_FLOW_LOGIN && ui_is_linking(flow)) {
        page->title = ui_word(page->words, "title.link");
        page->links[0] = (kr_page_link_t){ ui_word(page->words, "link.notyou.text"), ui_begin_url(k, "login", kr_json_str(flow, "return_to")),
                                           ui_word(page->words, "link.notyou") };
    } else if (p->kind == KR_FLOW_REGISTRATION && ui_is_completing(flow)) {
        page->title = ui_word(page->words, "title.complete");
        page->about = ui_word(page->words, "complete");
    }
}

static void show_no_flow(kr_ctx_t *k, const kr_page_t *page, const flow_page_t *p, const kr_api_answer_t *got)
{
    const int lost = got->status == 404 || got->status == 410 || (got->status == 403 && !kr_json_str(got->json, "redirect_browser_to"));

    if (lost) ui_flow_lost(k, page, p->kind, got->status);
    else ui_refused(k, page, got, NULL);
}

static void show_flow(kr_ctx_t *k, kr_page_t *page, const flow_page_t *p)
{
    const char *name = kr_flow_kind_name(p->kind), *id = kr_query(k->req, "flow");
    kr_api_answer_t got;

    if (!id || !*id) { /* somebody came straight here */
        kr_reply_redirect(k, 303, ui_begin_url(k, name, kr_query(k->req, "return_to")));
        return;
    }
    kr_api_call(&got, k, KR_GET, apr_pstrcat(k->pool, "/self-service/", name, "/flows?id=", kr_url_escape(k->pool, id), NULL), NULL);
    ui_choose_words(k, page, got.status == 200 ? got.json : NULL);
    page->title = ui_word(page->words, p->title);
    page->done = p->done ? ui_word(page->words, p->done) : NULL;
    if (got.status != 200) {
        show_no_flow(k, page, p, &got);
        return;
    }
    if (p->kind == KR_FLOW_SETTINGS) {
        page->here = "settings";
        page->logout_url = ui_logout_url(k);
    }
    choose_schema(k, page, got.json);
    if (is_second(p, got.json)) page->title = ui_word(page->words, "title.second");
    if (is_second(p, got.json) || (p->kind == KR_FLOW_LOGIN && json_is_true(json_object_get(got.json, "refresh"))))
        put_ways_out(k, page, p, got.json);
    else put_ways(k, page, p, got.json);
    ui_providers_note(k, page, got.json);
    meet_provider(k, page, p, got.json);
    ui_fedcm_note(k, page, p->kind, got.json);
    page->script = ui_flow_script(k->pool, k->realm->settings->base_url, got.json);
    ui_reply(k, page, 200, kr_ui_flow_page(k->pool, page, got.json));
}

/* -- other pages ---------------------------------------------------------- */

static void show_welcome(kr_ctx_t *k, kr_page_t *page)
{
    kr_api_answer_t session;

    page->title = ui_word(page->words, "title.welcome");
    kr_api_call(&session, k, KR_GET, "/sessions/whoami", NULL);
    if (session.status != 200) {
        ui_refused(k, page, &session, NULL);
        return;
    }
    page->here = "welcome";
    choose_schema(k, page, session.json);
    ui_reply(k, page, 200, kr_ui_session_page(k->pool, page, session.json, ui_logout_url(k)));
}

static void show_sessions(kr_ctx_t *k, kr_page_t *page)
{
    page->here = "sessions";
    if (k->req->method == KR_POST) ui_sessions_end(k, page);
    else ui_sessions_show(k, page);
}

static void show_logout(kr_ctx_t *k, kr_page_t *page)
{
    if (k->req->method == KR_POST) ui_logout_do(k, page);
    else ui_logout_show(k, page);
}

static void show_error(kr_ctx_t *k, kr_page_t *page)
{
    const char *id = kr_query(k->req, "id");
    kr_api_answer_t got = { .status = 404 };

    if (id && *id)
        kr_api_call(&got, k, KR_GET, apr_pstrcat(k->pool, "/self-service/errors?id=", kr_url_escape(k->pool, id), NULL), NULL);
    ui_reply(k, page, got.status, kr_ui_error_page(k->pool, page, got.status == 200 ? json_object_get(got.json, "error") : NULL));
}

static void show_signed_out(kr_ctx_t *k, kr_page_t *page)
{
    page->title = ui_word(page->words, "title.signedout");
    ui_note(k, page, 200, "signedout", ui_begin_url(k, "login", NULL), "link.signin");
}

/* -- dispatch ------------------------------------------------------------- */

/** A page with a name of its own. */
typedef struct {
    const char *name;
    void (*show)(kr_ctx_t *k, kr_page_t *page);
    int methods;
} named_page_t;

static const named_page_t PAGES[] = {
    { "welcome", show_welcome, KR_GET | KR_HEAD },
    { "sessions", show_sessions, KR_GET | KR_HEAD | KR_POST },
    { "error", show_error, KR_GET | KR_HEAD },
    { "logout", show_logout, KR_GET | KR_HEAD | KR_POST },
    { "signed-out", show_signed_out, KR_GET | KR_HEAD },
};

static const named_page_t *page_named(const char *name)
{
    for (int i = 0; i < KR_DIM(PAGES); i++)
        if (strcmp(name, PAGES[i].name) == 0) return &PAGES[i];
    return NULL;
}

static const flow_page_t *flow_page_named(const char *name)
{
    for (int i = 0; i < KR_DIM(FLOW_PAGES); i++)
        if (strcmp(name, kr_flow_kind_name(FLOW_PAGES[i].kind)) == 0) return &FLOW_PAGES[i];
    return NULL;
}

/* The file that the path means, if it stands right below static/. */
static const ui_file_t *owners_file(kr_ctx_t *k, const char *home, const char *name)
{
    const char *last = strrchr(home, '/');

    return last && strcmp(last, "/static") == 0 ? ui_file_named(k->realm->pages, name) : NULL;
}

const char *ui_site_of(kr_ctx_t *k)
{
    kr_url_t url;
    const char *host = kr_url_parse(&url, k->pool, k->realm->settings->base_url) ? url.host : NULL;

    if (!host || host[0] == '[') return host;
    return apr_pstrmemdup(k->pool, host, strcspn(host, ":"));
}

static void answer(kr_ctx_t *k, const char *home, const char *name)
{
    kr_page_t page = { .home = home, .site = ui_site_of(k), .settings_url = ui_begin_url(k, "settings", NULL) };
    const flow_page_t *of_flow = flow_page_named(name);
    const named_page_t *named = page_named(name);

    if (of_flow) {
        show_flow(k, &page, of_flow);
        return;
    }
    ui_choose_words(k, &page, NULL);
    named->show(k, &page);
}

/* In the frame of the others: somebody may have mistyped. */
static void show_nothing(kr_ctx_t *k, const char *home)
{
    kr_page_t page = { .home = home, .site = ui_site_of(k) };

    ui_choose_words(k, &page, NULL);
    page.title = ui_word(page.words, "title.nothing");
    ui_reply(k, &page, 404, kr_ui_error_page(k->pool, &page, kr_json_pack(k->pool, "{s:i}", "code", 404)));
}

static int takes_method(kr_ctx_t *k, const char *name)
{
    const named_page_t *named = page_named(name);
    int methods = named ? named->methods : KR_GET | KR_HEAD;

    if (k->req->method & methods) return 1;
    kr_reply_text(k, 405, "pages are for GET; forms go to the API");
    kr_reply_header(k, "Allow", methods & KR_POST ? "GET, HEAD, POST" : "GET, HEAD");
    return 0;
}

/* "//x/login" would make x the host of every link on the page; browsers leave tabs and line ends out, and read \ as /. */
static int leads_away(const char *path)
{
    if (strncmp(path, "//", 2) == 0) return 1;
    for (; *path; path++)
        if (*path == '\\' || apr_iscntrl(*path)) return 1;
    return 0;
}

void kr_ui_handle(kr_ctx_t *k)
{
    const char *slash = strrchr(k->req->path, '/');
    const char *name = slash ? slash + 1 : k->req->path;
    const char *home = apr_pstrmemdup(k->pool, k->req->path, slash ? (apr_size_t)(slash - k->req->path) : 0);
    const ui_file_t *file = owners_file(k, home, name);

    if (!takes_method(k, name)) return;
    if (leads_away(k->req->path)) kr_reply_text(k, 404, "there is no such page");
    else if (file) ui_file_show(k, file);
    else if (strcmp(name, "style.css") == 0) ui_style_show(k);
    else if (flow_page_named(name) || page_named(name)) answer(k, home, name);
    else show_nothing(k, home);
}
