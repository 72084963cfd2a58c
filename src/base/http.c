/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to ask and replies to fill, without httpd. */
#include "kr_http.h"

#include <apr_lib.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "kr_json.h"
#include "kr_text.h"

/* -- what came in ----------------------------------------------------------- */

const char *kr_query(const kr_request_t *req, const char *name)
{
    return kr_form_get(req->query, name);
}

const char *kr_header(const kr_request_t *req, const char *name)
{
    return req->headers ? apr_table_get(req->headers, name) : NULL;
}

/* The n-th cookie of that name, from 0, or NULL; *count are all of them. */
static const char *cookie_at(apr_pool_t *pool, const kr_request_t *req, const char *name, int n, int *count)
{
    apr_size_t name_len = strlen(name);
    const char *value = NULL;

    *count = 0;
    for (const char *s = req->cookies; s && *s; s += *s == ';') {
        apr_size_t len;

        s += strspn(s, " \t");
        len = strcspn(s, ";");
        if (len > name_len && s[name_len] == '=' && !memcmp(s, name, name_len)) {
            apr_size_t rest = len - name_len - 1;

            while (rest > 0 && (s[name_len + rest] == ' ' || s[name_len + rest] == '\t')) rest--;
            if ((*count)++ == n) value = apr_pstrmemdup(pool, s + name_len + 1, rest);
        }
        s += len;
    }
    return value;
}

const char *kr_cookie(apr_pool_t *pool, const kr_request_t *req, const char *name, int *count)
{
    int found;
    const char *first = cookie_at(pool, req, name, 0, &found);

    if (count) *count = found;
    return first;
}

const char *kr_cookie_nth(apr_pool_t *pool, const kr_request_t *req, const char *name, int n)
{
    int found;

    return cookie_at(pool, req, name, n, &found);
}

/* -- for other services ------------------------------------------------------ */

static const char *canonical(apr_pool_t *pool, const char *name)
{
    char *out = apr_pstrdup(pool, name);
    int begins = 1;

    for (char *c = out; *c; begins = *c++ == '-') *c = (char)(begins ? apr_toupper(*c) : apr_tolower(*c));
    return out;
}

static int add_value(void *list, const char *name, const char *value)
{
    (void)name;
    json_array_append_new(list, kr_json_string(value));
    return 1;
}

json_t *kr_headers_json(apr_pool_t *pool, const kr_request_t *req, const apr_array_header_t *names)
{
    json_t *out = json_object();

    for (int i = 0; names && req->headers && i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);
        json_t *values;

        if (!apr_table_get(req->headers, name)) continue;
        values = json_array();
        apr_table_do(add_value, values, req->headers, name, NULL);
        json_object_set_new(out, canonical(pool, name), values);
    }
    return out;
}

static void add_cookie(json_t *out, apr_pool_t *pool, const char *text, apr_size_t len)
{
    const char *eq = memchr(text, '=', len);
    const char *name;

    while (len && (text[len - 1] == ' ' || text[len - 1] == '\t')) len--;
    if (!eq || eq == text || eq >= text + len) return;
    name = apr_pstrmemdup(pool, text, (apr_size_t)(eq - text));
    if (!kr_utf8_valid(name, strlen(name))) return;
    json_object_set_new(out, name, kr_json_string(apr_pstrmemdup(pool, eq + 1, (apr_size_t)(text + len - eq - 1))));
}

json_t *kr_cookies_json(apr_pool_t *pool, const kr_request_t *req)
{
    json_t *out = json_object();

    for (const char *s = req->cookies; s && *s; s += *s == ';') {
        apr_size_t len;

        s += strspn(s, " \t");
        len = strcspn(s, ";");
        add_cookie(out, pool, s, len);
        s += len;
    }
    return out;
}

/* -- what the client likes ---------------------------------------------------- */

/* How well Accept likes a type: q in thousandths, and whether that came from the type itself or from a wildcard. */
typedef struct {
    int q;
    int exactness;
} liking_t;

/* q=0.5 as 500; digits beyond the three of RFC 9110 section 12.4.2 count nothing. @return -1 when malformed */
static int quality(const char *s, apr_size_t len)
{
    int q, scale = 100;

    if (len < 1 || (s[0] != '0' && s[0] != '1')) return -1;
    q = (s[0] - '0') * 1000;
    if (len > 1 && s[1] != '.') return -1;
    for (apr_size_t i = 2; i < len; i++, scale /= 10) {
        if (s[i] < '0' || s[i] > '9') return -1;
        q += (s[i] - '0') * scale;
    }
    return q > 1000 ? -1 : q;
}

int kr_weight(const char *s, const char *end)
{
    while ((s = memchr(s, ';', (apr_size_t)(end - s)))) {
        for (s++; s < end && (*s == ' ' || *s == '\t'); s++) continue;
        if (end - s >= 2 && (*s == 'q' || *s == 'Q') && s[1] == '=') {
            apr_size_t len = strcspn(s + 2, "; \t,");

            return quality(s + 2, len);
        }
    }
    return 1000;
}

static int range_is(const char *range, apr_size_t len, const char *type)
{
    return len == strlen(type) && !strncasecmp(range, type, len);
}

static void consider(liking_t *liking, int q, int exactness)
{
    if (q > liking->q || (q == liking->q && exactness > liking->exactness)) {
        liking->q = q;
        liking->exactness = exactness;
    }
}

static int accepts_json(const char *accept)
{
    liking_t html = { 0, 0 }, json = { 0, 0 };

    for (const char *s = accept, *end; s && *s; s = *end ? end + 1 : end) {
        apr_size_t len;
        int q;

        end = s + strcspn(s, ",");
        s += strspn(s, " \t");
        if (s >= end) continue;
        len = strcspn(s, ",; \t");
        q = kr_weight(s, end);
        if (q <= 0) continue;
        if (range_is(s, len, "*/*")) {
            consider(&html, q, 1);
            consider(&json, q, 1);
        } else if (range_is(s, len, "text/html") || range_is(s, len, "text/*")) {
            consider(&html, q, s[5] == '*' ? 2 : 3);
        } else if (range_is(s, len, "application/json") || range_is(s, len, "application/*")) {
            consider(&json, q, s[12] == '*' ? 2 : 3);
        }
    }
    return json.q > html.q || (json.q == html.q && json.exactness > html.exactness);
}

int kr_wants_json(const kr_request_t *req, int submit)
{
    if (submit && req->content_type && !strcmp(req->content_type, "application/json")) return 1;
    return accepts_json(kr_header(req, "Accept"));
}

/* -- what goes out ---------------------------------------------------------- */

kr_reply_t *kr_reply_make(apr_pool_t *pool)
{
    kr_reply_t *reply = apr_pcalloc(pool, sizeof(*reply));

    reply->status = 200;
    reply->headers = apr_table_make(pool, 8);
    reply->cookies = apr_array_make(pool, 2, sizeof(kr_cookie_t));
    return reply;
}

static void set_body(kr_reply_t *reply, int status, const char *type, const char *body, apr_size_t len)
{
    reply->status = status;
    reply->content_type = type;
    reply->json = NULL;
    reply->body = body;
    reply->body_len = len;
}

void kr_reply_json(kr_ctx_t *k, int status, const json_t *json)
{
    set_body(k->reply, status, "application/json; charset=utf-8", NULL, 0);
    k->reply->json = kr_json_own(k->pool, json_incref((json_t *)json));
}

void kr_reply_render(kr_ctx_t *k)
{
    kr_reply_t *reply = k->reply;
    apr_size_t len;
    const char *text;

    if (!reply->json) return;
    text = kr_json_dump(k->pool, reply->json, &len);
    reply->body = apr_pstrcat(k->pool, text, "\n", NULL);
    reply->body_len = len + 1;
    reply->json = NULL;
}

/* People may ask to be sent back to a path in Unicode; a header has bytes that everybody reads alike (RFC 3986, section 2.1). */
static const char *ascii_url(apr_pool_t *pool, const char *url)
{
    char *out = apr_palloc(pool, 3 * strlen(url) + 1), *to = out;

    for (; *url; url++) {
        const unsigned char c = (unsigned char)*url;

        if (c != ' ' && c < 0x80) *to++ = *url; /* a control character stays, to be refused below */
        else to += apr_snprintf(to, 4, "%%%02X", c);
    }
    *to = '\0';
    return out;
}

void kr_reply_redirect(kr_ctx_t *k, int status, const char *url)
{
    set_body(k->reply, status, NULL, NULL, 0);
    kr_reply_header(k, "Location", ascii_url(k->pool, url));
}

void kr_reply_text(kr_ctx_t *k, int status, const char *text)
{
    const char *body = apr_pstrcat(k->pool, text, "\n", NULL);

    set_body(k->reply, status, "text/plain; charset=utf-8", body, strlen(body));
    kr_reply_header(k, "X-Content-Type-Options", "nosniff");
}

/* RFC 9110 section 5.6.2 */
static int is_token(const char *s)
{
    if (!s || !*s) return 0;
    for (; *s; s++) {
        if (*s <= 0x20 || *s >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", *s)) return 0;
    }
    return 1;
}

/* No byte below blank (a line break would begin a header of its own) and none of `forbidden`. */
static int is_clean(const char *s, const char *forbidden)
{
    if (!s) return 0;
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c < 0x20 || c == 0x7f || strchr(forbidden, *s)) return 0;
    }
    return 1;
}

void kr_reply_header(kr_ctx_t *k, const char *name, const char *value)
{
    if (!is_token(name) || !is_clean(value, "")) {
        kr_log(k, KR_LOG_ERR, KRLOGNO(0003) "header %s: not sent, its value holds control characters", name);
        return;
    }
    if (!strcasecmp(name, "Content-Type")) {
        k->reply->content_type = apr_pstrdup(k->pool, value);
        return;
    }
    apr_table_set(k->reply->headers, name, value);
}

/* RFC 6265 section 4.1.1; also no comma, since some clients join Set-Cookie headers with it. */
static int cookie_allowed(const kr_cookie_t *c)
{
    if (!is_token(c->name) || !is_clean(c->value, " \",;\\")) return 0;
    for (const char *s = c->value; *s; s++) {
        if ((unsigned char)*s > 0x7e) return 0;
    }
    if (c->path && !is_clean(c->path, ";")) return 0;
    if (c->domain && !is_clean(c->domain, " ;,")) return 0;
    return !c->same_site || is_token(c->same_site);
}

static void remove_cookie(apr_array_header_t *cookies, const char *name)
{
    kr_cookie_t *all = (kr_cookie_t *)cookies->elts;
    int kept = 0;

    for (int i = 0; i < cookies->nelts; i++) {
        if (strcmp(all[i].name, name)) all[kept++] = all[i];
    }
    cookies->nelts = kept;
}

void kr_reply_cookie(kr_ctx_t *k, const kr_cookie_t *cookie)
{
    kr_cookie_t *copy;

    if (!cookie_allowed(cookie)) {
        kr_log(k, KR_LOG_ERR, KRLOGNO(0004) "cookie not set: its name, value or an attribute holds a character that "
               "cookies cannot hold");
        return;
    }
    remove_cookie(k->reply->cookies, cookie->name);
    copy = apr_array_push(k->reply->cookies);
    *copy = *cookie;
    copy->name = apr_pstrdup(k->pool, cookie->name);
    copy->value = apr_pstrdup(k->pool, cookie->value);
    copy->domain = apr_pstrdup(k->pool, cookie->domain);
    copy->path = apr_pstrdup(k->pool, cookie->path);
    copy->same_site = apr_pstrdup(k->pool, cookie->same_site);
}

void kr_reply_cookie_alone(kr_ctx_t *k, const kr_cookie_t *cookie)
{
    int count = 0;
    kr_cookie_t *last;

    kr_reply_cookie(k, cookie);
    if (cookie->domain && k->req) (void)kr_cookie(k->pool, k->req, cookie->name, &count);
    if (count < 2 || !cookie_allowed(cookie)) return;
    /* To a browser it is another cookie, as its domain is; before the one that counts, as the last of a name wins. */
    last = apr_array_push(k->reply->cookies);
    *last = last[-1];
    last[-1].domain = NULL;
    last[-1].value = "";
    last[-1].max_age = 0;
    last[-1].expires = 1;
}

/* Expires and Max-Age, or "". */
static const char *lifetime(kr_ctx_t *k, const kr_cookie_t *c)
{
    char date[APR_RFC822_DATE_LEN];
    const char *expires = "";

    if (c->max_age < 0) return "";
    if (c->expires) {
        apr_rfc822_date(date, c->max_age == 0 ? 0 : k->now + c->max_age * APR_USEC_PER_SEC);
        expires = apr_pstrcat(k->pool, "; Expires=", date, NULL);
    }
    return apr_psprintf(k->pool, "%s; Max-Age=%" APR_INT64_T_FMT, expires, c->max_age);
}

static const char *render(kr_ctx_t *k, const kr_cookie_t *c)
{
    int has_domain = c->domain && c->domain[0], has_site = c->same_site && c->same_site[0];

    return apr_pstrcat(k->pool, c->name, "=", c->value, "; Path=", c->path && c->path[0] ? c->path : "/",
                       has_domain ? "; Domain=" : "", has_domain ? c->domain : "", lifetime(k, c),
                       c->http_only ? "; HttpOnly" : "", c->secure ? "; Secure" : "",
                       has_site ? "; SameSite=" : "", has_site ? c->same_site : "", NULL);
}

void kr_reply_finish(kr_ctx_t *k)
{
    apr_array_header_t *cookies = k->reply->cookies;

    kr_reply_render(k);
    for (int i = 0; i < cookies->nelts; i++) {
        apr_table_addn(k->reply->headers, "Set-Cookie", render(k, &APR_ARRAY_IDX(cookies, i, kr_cookie_t)));
    }
    apr_array_clear(cookies);
}

/* -- where it comes from ---------------------------------------------------- */

const char *kr_request_address(apr_pool_t *pool, const kr_request_t *req)
{
    const char *peer = req->peer[0] == '[' ? req->peer + 1 : req->peer, *port = strrchr(peer, ':');
    const apr_size_t len = req->peer[0] == '[' ? strcspn(peer, "]") : port ? (apr_size_t)(port - peer) : strlen(peer);

    return apr_pstrmemdup(pool, peer, len);
}

const char *kr_request_network(apr_pool_t *pool, const kr_request_t *req)
{
    const char *address = kr_request_address(pool, req);
    struct in6_addr six;

    if (inet_pton(AF_INET6, address, &six) != 1) return address;
    if (IN6_IS_ADDR_V4MAPPED(&six)) return apr_psprintf(pool, "%d.%d.%d.%d", six.s6_addr[12], six.s6_addr[13], six.s6_addr[14], six.s6_addr[15]);
    return kr_hex(pool, six.s6_addr, 8);
}
