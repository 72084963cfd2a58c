/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing out where an OAuth2 server asks for it: its `urls.logout` leads here. Nobody is signed out by a link: they are asked, and the
 * answer is a form with the anti-CSRF token of this browser. The session here ends first; then the server is told, and the browser goes
 * on where it says. When it does not answer the page is shown again, and asks once more.
 */
#include "kr_json.h"
#include "kr_oauth2.h"
#include "kr_realm.h"
#include "kr_text.h"
#include "ui.h"

#define CHALLENGE "logout_challenge"

/* -- asking ---------------------------------------------------------------- */

static kr_err_t *check_challenge(kr_ctx_t *k, const char *challenge)
{
    if (!k->realm->settings->oauth2.url)
        return kr_err(k, 500, "invalid_configuration", CHALLENGE " was sent, but no OAuth2 server is configured");
    if (strlen(challenge) > KR_CHALLENGE_MAX) return kr_err(k, 400, NULL, CHALLENGE " is longer than %d bytes", KR_CHALLENGE_MAX);
    return kr_utf8_valid(challenge, strlen(challenge)) ? NULL : kr_err(k, 400, NULL, CHALLENGE " is not valid UTF-8");
}

static const char *this_page(kr_ctx_t *k, const kr_page_t *page, const char *challenge)
{
    return kr_url_with(k->pool, apr_pstrcat(k->pool, page->home, "/logout", NULL), CHALLENGE, challenge);
}

/* What can be tried again leads back to the question. */
static void refuse(kr_ctx_t *k, const kr_page_t *page, const char *challenge, kr_err_t *err)
{
    const kr_api_answer_t got = ui_answer_of(k, err);

    if (err->status == 503) {
        json_object_set_new(json_object_get(got.json, "error"), "details",
                            json_pack("{s:s}", "retry_url", this_page(k, page, challenge)));
        kr_reply_header(k, "Retry-After", apr_itoa(k->pool, err->retry_after));
    }
    ui_refused(k, page, &got, NULL);
}

static void put_who(ui_html_t *h, kr_ctx_t *k, kr_page_t *page)
{
    kr_api_answer_t session;
    const char *who;

    kr_api_call(&session, k, KR_GET, "/sessions/whoami", NULL);
    page->schema = kr_realm_schema(k->realm, kr_json_str(session.json, "identity.schema_id"));
    who = session.status == 200 ? ui_who(k->pool, page, session.json) : NULL;
    if (who) ui_add(h, "<p>%s <strong>%s</strong></p>\n", ui_word(h->words, "session.who"), who);
}

static void show(kr_ctx_t *k, kr_page_t *page, const char *challenge, const char *app)
{
    ui_html_t *h;

    page->title = ui_word(page->words, "title.logout");
    h = ui_page_begin(k->pool, page, page->title, 0);
    kr_csrf_ensure(k);
    ui_add(h, "<p class=\"lead\">%s</p>\n", app && *app ? ui_say(k->pool, h->words, "logout.app", kr_json_pack(k->pool, "{s:s}", "app", app))
                                                         : ui_word(h->words, "logout"));
    put_who(h, k, page);
    ui_add(h, "<form method=\"post\" action=\"%s/logout\">\n<input type=\"hidden\" name=\"csrf_token\" value=\"%s\">\n", page->home,
           kr_csrf_token(k));
    ui_add(h, "<input type=\"hidden\" name=\"" CHALLENGE "\" value=\"%s\">\n", challenge);
    ui_add(h, "<p class=\"go\"><button class=\"button primary\" type=\"submit\">%s</button></p>\n</form>\n", ui_word(h->words, "signout"));
    ui_link_put(h, apr_pstrcat(k->pool, page->home, "/welcome", NULL), ui_word(h->words, "logout.stay"), "button");
    ui_reply(k, page, 200, ui_page_end(h, page));
}

void ui_logout_show(kr_ctx_t *k, kr_page_t *page)
{
    const char *challenge = kr_query(k->req, CHALLENGE), *over = NULL;
    kr_oauth2_logout_t asked;
    kr_err_t *err;

    if (!challenge || !*challenge) { /* nobody asks: who wants to go finds the button there */
        kr_reply_redirect(k, 303, apr_pstrcat(k->pool, page->home, "/welcome", NULL));
        return;
    }
    err = check_challenge(k, challenge);
    if (!err) err = kr_oauth2_logout(&asked, &over, k, challenge);
    if (err) refuse(k, page, challenge, err);
    else if (over) kr_reply_redirect(k, 303, over);
    else show(k, page, challenge, asked.client_name);
}

/* -- doing it ---------------------------------------------------------------- */

/* Who has no session any more is signed out already. */
static int end_session(kr_ctx_t *k, const kr_page_t *page)
{
    kr_api_answer_t got;
    const char *clear;

    kr_api_call(&got, k, KR_GET, "/self-service/logout/browser", NULL);
    if (got.status == 401) return 1;
    if (got.status == 200)
        kr_api_call(&got, k, KR_GET, kr_url_with(k->pool, "/self-service/logout", "token", kr_json_str(got.json, "logout_token")), NULL);
    if (got.status == 204 && (clear = apr_table_get(got.headers, "Clear-Site-Data")) != NULL) kr_reply_header(k, "Clear-Site-Data", clear);
    if (got.status != 204) ui_refused(k, page, &got, NULL);
    return got.status == 204;
}

static kr_err_t *read_form(const char **challenge, kr_ctx_t *k)
{
    const char *token;
    kr_body_t form;

    *challenge = "";
    KR_TRY(ui_form_read(&form, k));
    *challenge = ui_or_else(kr_body_str(&form, CHALLENGE), "");
    token = kr_body_str(&form, "csrf_token");
    if (!kr_csrf_token_ok(k, token)) return kr_csrf_violation(k, token);
    return **challenge ? check_challenge(k, *challenge) : kr_err(k, 400, NULL, "the form does not say which sign-out it is about");
}

void ui_logout_do(kr_ctx_t *k, const kr_page_t *page)
{
    const char *challenge, *to;
    kr_err_t *err = read_form(&challenge, k);

    if (!err && !end_session(k, page)) return;
    if (!err) err = kr_oauth2_accept_logout(&to, k, challenge);
    if (err) refuse(k, page, challenge, err);
    else kr_reply_redirect(k, 303, to);
}
