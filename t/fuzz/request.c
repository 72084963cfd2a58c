/* SPDX-License-Identifier: Apache-2.0 */
/* Targets of what a request carries beside its body: cookies, headers, what a client likes, and which page of a list it asks for. */
#include "input.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include <apr_strings.h>

#include "../../src/api/api.h"
#include "../../src/session/session.h"
#include "kr_crypto.h"
#include "kr_fedcm.h"
#include "kr_flow.h"
#include "kr_kept.h"
#include "kr_ui.h"

#define WHO "0190b3a0-0000-4000-8000-000000000001"
#define TOKEN KR_TOKEN_PREFIX "abcdefghijklmnopqrstuvwxyz012345"

/* -- cookies --------------------------------------------------------------- */

static void count_cookies(fuzz_input_t *in, const char *name)
{
    int count;
    const char *first = kr_cookie(in->pool, &in->req, name, &count), *nth = kr_cookie_nth(in->pool, &in->req, name, 0);

    MUST(!first == !count && !first == !nth && (!first || !strcmp(first, nth)));
    for (int n = 0; n < count; n++) {
        nth = kr_cookie_nth(in->pool, &in->req, name, n);
        MUST(nth && !strchr(nth, ';'));
    }
    MUST(!kr_cookie_nth(in->pool, &in->req, name, count));
}

/* Nobody has a cookie of ours whom we did not give one. */
static void forge(fuzz_input_t *in)
{
    kr_ctx_t *k = &in->k;
    kr_identity_t identity = { .id = WHO, .state = "active" };
    kr_session_t session = { .id = WHO, .identity = &identity, .token_hash = "hash" };
    kr_flow_t flow = { .id = WHO, .csrf_hash = "hash" };
    kr_session_t *found;
    const char *value;
    apr_time_t expires;
    int secret;

    for (int n = 0; n < KR_COOKIES_TRIED && (value = kr_cookie_nth(in->pool, &in->req, "session", n)); n++)
        MUST(!kr_cookie_open(k, value, &secret, &expires));
    value = kr_session_absence(k);
    MUST(!strcmp(value, "none") || !strcmp(value, "foreign"));
    MUST(!kr_continuity_left(k, &flow) && !kr_csrf_owns(k, &flow) && !kr_csrf_device(k, WHO));
    MUST(!kr_session_logout_token_ok(k, &session, in->text) && !kr_csrf_is_bound(k, WHO, in->text));
    MUST(!kr_kept_token_ok(k, &session, WHO, in->text));
    MUST(!kr_fedcm_session(&found, k) && !found); /* the store is not even asked: there is none */
    (void)kr_continuity(k);
}

/* The token goes with the cookie that it was made for; without a cookie of its shape there is none. */
static void match_tokens(fuzz_input_t *in)
{
    const char *token = kr_csrf_token(&in->k);

    MUST(!token == !kr_csrf_hash(&in->k));
    if (token) MUST(kr_csrf_token_ok(&in->k, token) && kr_csrf_token_of(&in->k, token, kr_csrf_hash(&in->k)));
    else MUST(!kr_csrf_token_ok(&in->k, in->text));
}

/* One that we have made opens, until a byte of it is another: which one, and what it becomes, the input says. */
static void change_good_one(fuzz_input_t *in)
{
    kr_session_t session = { .token = TOKEN, .expires_at = FUZZ_NOW + apr_time_from_sec(3600) };
    const char *good, *token;
    apr_time_t expires;
    int secret;
    char *bad;

    kr_session_cookie_set(&in->k, &session);
    good = APR_ARRAY_IDX(in->k.reply->cookies, in->k.reply->cookies->nelts - 1, kr_cookie_t).value;
    token = kr_cookie_open(&in->k, good, &secret, &expires);
    MUST(token && !strcmp(token, TOKEN) && expires == session.expires_at && !secret);
    if (in->len < 2) return;
    bad = apr_pstrdup(in->pool, good);
    bad[(unsigned char)in->text[0] % strlen(bad)] = in->text[1];
    MUST(!strcmp(bad, good) || !kr_cookie_open(&in->k, bad, &secret, &expires));
}

int fuzz_cookie(const uint8_t *data, size_t size)
{
    fuzz_input_t in;
    json_t *all;

    fuzz_begin(&in, data, size);
    in.req.cookies = in.text;
    count_cookies(&in, "session");
    count_cookies(&in, "csrf");
    count_cookies(&in, "a");
    all = kr_cookies_json(in.pool, &in.req);
    MUST(json_is_object(all));
    json_decref(all);
    forge(&in);
    match_tokens(&in);
    change_good_one(&in);
    kr_session_cookie_clear(&in.k); /* tells the browser nothing that is not ours */
    kr_reply_finish(&in.k);
    return fuzz_end(&in);
}

/* -- what a client likes --------------------------------------------------- */

static int likes_json(fuzz_input_t *in, const char *accept)
{
    apr_table_setn(in->headers, "Accept", accept);
    return kr_wants_json(&in->req, 0);
}

static const char *language(fuzz_input_t *in, const char *accept)
{
    static const kr_pages_t *pages = NULL;
    const char *lang;

    if (!pages) {
        MUST(!kr_pages_load(&pages, fuzz_kept_begins(), NULL));
        fuzz_kept_ends();
    }
    (void)kr_words_lang(kr_pages_words(pages, in->pool, accept, NULL));
    lang = kr_words_lang(kr_pages_words(pages, in->pool, NULL, accept));
    MUST(lang && *lang);
    return lang;
}

/* Case means nothing, and what is not wanted at all changes nothing. */
int fuzz_accept(const uint8_t *data, size_t size)
{
    fuzz_input_t in;
    char *upper;
    int json;

    fuzz_begin(&in, data, size);
    upper = apr_pstrdup(in.pool, in.text);
    for (char *c = upper; *c; c++) *c = (char)toupper((unsigned char)*c);
    json = likes_json(&in, in.text);
    MUST(json == likes_json(&in, upper));
    MUST(json == likes_json(&in, apr_pstrcat(in.pool, in.text, ",application/json;q=0,text/html;q=0", NULL)));
    MUST(likes_json(&in, apr_pstrcat(in.pool, "application/json;q=2,", in.text, NULL)) == json); /* no weight */
    MUST(!strcmp(language(&in, in.text), language(&in, upper)));
    return fuzz_end(&in);
}

/* -- headers --------------------------------------------------------------- */

static int is_ip(const char *text)
{
    unsigned char ignored[16];

    return inet_pton(AF_INET, text, ignored) == 1 || inet_pton(AF_INET6, text, ignored) == 1;
}

/* What is shown of a device fits its columns, and has nothing in it that a terminal or a page would take for more than text. */
static void look_at_device(fuzz_input_t *in)
{
    kr_session_t session = { .id = WHO };

    kr_session_device(&in->k, &session);
    MUST(is_ip(session.ip_address) || !strcmp(session.ip_address, in->req.peer));
    MUST(strlen(session.location) <= 512 && kr_utf8_valid(session.location, strlen(session.location)));
    if (!session.user_agent) return;
    MUST(strlen(session.user_agent) <= 512 && kr_utf8_valid(session.user_agent, strlen(session.user_agent)));
    for (const char *c = session.user_agent; *c; c++) MUST((unsigned char)*c >= 0x20 && *c != 0x7f);
}

/* What comes back in a header of ours stays in it. */
static void answer_with(fuzz_input_t *in)
{
    const char *said;

    kr_reply_header(&in->k, "X-Said", in->text);
    said = apr_table_get(in->k.reply->headers, "X-Said");
    for (const char *c = said; c && *c; c++) MUST((unsigned char)*c >= 0x20 || *c == '\t');
    kr_reply_redirect(&in->k, 303, in->text);
    for (const char *c = apr_table_get(in->k.reply->headers, "Location"); c && *c; c++) MUST(*c > 0x20 && *c < 0x7f);
}

/* Whose pages may read our answers is listed (input.c), and nobody else is told that they may. */
static void ask_from_elsewhere(fuzz_input_t *in, kr_http_method_e method)
{
    const char *origin = kr_header(&in->req, "Origin"), *allowed;
    size_t len;

    in->req.method = method;
    in->k.reply = kr_reply_make(in->pool);
    (void)kr_public.guard(&in->k, 0);
    allowed = apr_table_get(in->k.reply->headers, "Access-Control-Allow-Origin");
    if (!allowed) return;
    len = strlen(allowed);
    MUST(origin && !strcmp(origin, allowed));
    MUST(!strcasecmp(allowed, "https://spa.example") ||
         (!strncasecmp(allowed, "https://", 8) && len >= 20 && !strcasecmp(allowed + len - 12, ".spa.example")));
}

/* "Name: value" lines. */
int fuzz_headers(const uint8_t *data, size_t size)
{
    static const char *const TOLD[] = { "user-agent", "X-FORWARDED-FOR" };
    apr_array_header_t *told;
    fuzz_input_t in;
    json_t *all;
    char *rest;

    fuzz_begin(&in, data, size);
    answer_with(&in);
    for (rest = in.text; *rest;) {
        char *line = fuzz_line(&rest), *colon = strchr(line, ':');

        if (!colon) continue;
        *colon++ = '\0';
        apr_table_addn(in.headers, line, colon + strspn(colon, " \t"));
    }
    told = apr_array_make(in.pool, 2, sizeof(const char *));
    for (int i = 0; i < KR_DIM(TOLD); i++) APR_ARRAY_PUSH(told, const char *) = TOLD[i];
    all = kr_headers_json(in.pool, &in.req, told);
    MUST(json_object_size(all) <= 2);
    json_decref(all);
    look_at_device(&in);
    (void)kr_session_carrier(&in.k);
    MUST(kr_session_absence(&in.k));
    ask_from_elsewhere(&in, KR_POST);
    ask_from_elsewhere(&in, KR_OPTIONS);
    return fuzz_end(&in);
}

/* -- pages of lists -------------------------------------------------------- */

#define MOST 250
#define TOTAL 1000

/* The page that a link leads to, as it would be asked for. -1: there is no such link */
static int page_behind(fuzz_input_t *in, const char *rel, int first)
{
    const char *links = apr_table_get(in->k.reply->headers, "Link");
    const char *end = strstr(links, apr_pstrcat(in->pool, ">; rel=\"", rel, "\"", NULL)), *begin = end, *why;

    if (!end) return -1;
    while (*begin != '?') begin--;
    in->req.query = kr_form_parse(in->pool, begin + 1, (apr_size_t)(end - begin - 1), &why);
    MUST(in->req.query);
    return kr_paging(&in->k, 20, MOST, first).page;
}

/* Whatever is asked for is a page, and the links of that lead to its neighbours. */
static void try_paging(fuzz_input_t *in, const apr_array_header_t *query, int first)
{
    kr_page_query_t page;
    int next, prev;

    in->req.query = query;
    page = kr_paging(&in->k, 20, MOST, first);
    MUST(page.size >= 1 && page.size <= MOST && page.page >= 0 && page.page <= 1000000 && (page.first == 0 || page.first == first));
    kr_paging_headers(&in->k, "/sessions", page, TOTAL);
    next = page_behind(in, "next", first);
    prev = page_behind(in, "prev", first);
    MUST(next < 0 || next == page.page + 1);
    MUST(prev < 0 || prev == page.page - 1 || (prev < page.page && prev == (TOTAL - 1) / page.size));
    kr_paging_headers(&in->k, "/sessions", page, 0);
}

int fuzz_paging(const uint8_t *data, size_t size)
{
    const apr_array_header_t *query;
    const char *why;
    fuzz_input_t in;

    fuzz_begin(&in, data, size);
    query = kr_form_parse(in.pool, in.text, in.len, &why);
    if (query) try_paging(&in, query, 0);
    if (query) try_paging(&in, query, 1);
    return fuzz_end(&in);
}
