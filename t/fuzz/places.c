/* SPDX-License-Identifier: Apache-2.0 */
/* Targets of the places that strangers name: URLs, where a browser is to be sent, paths of the API, forms that wait. And of times. */
#include "input.h"

#include <string.h>

#include <apr_strings.h>

#include "../../src/api/api.h"
#include "kr_flow.h"
#include "kr_json.h"
#include "kr_kept.h"

/* -- URLs ------------------------------------------------------------------ */

static int same(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

/* Put together again it is the same URL, and nothing in it is left to anybody's reading. */
static void look_at_url(fuzz_input_t *in, const kr_url_t *url)
{
    const char *again = kr_url_build(in->pool, url);
    kr_url_t parts;

    MUST(kr_url_parse(&parts, in->pool, again));
    MUST(same(parts.scheme, url->scheme) && same(parts.host, url->host) && same(parts.userinfo, url->userinfo));
    MUST(same(parts.query, url->query) && same(parts.fragment, url->fragment));
    MUST(!strcmp(again, kr_url_build(in->pool, &parts)));
    for (const char *c = again; *c; c++) MUST((unsigned char)*c > 0x20 && *c != 0x7f && *c != '\\');
}

static void look_at_host(fuzz_input_t *in, const char *host)
{
    const char *name = kr_host_name(in->pool, host);
    const int port = kr_host_port(host, "https");

    MUST(port >= 0 && port <= 65535);
    (void)kr_host_is_ip(name);
    (void)kr_host_is_loopback(name);
    (void)kr_domain_is_public(name);
    MUST(!*name || *name == '.' || kr_domain_covers(name, name));
    MUST(!kr_domain_covers("example.org", name) || !strcasecmp(name, "example.org") ||
         (strlen(name) > 12 && !strcasecmp(name + strlen(name) - 12, ".example.org")));
    (void)kr_domain_shared(in->pool, name, "id.example.org");
}

/* The value that is put into a query is the one that is found there, and nothing else of it changes for who reads it. */
static void put_value(fuzz_input_t *in, const char *url, const char *value)
{
    const char *with = kr_url_with(in->pool, url, "key", value), *why;
    const apr_array_header_t *query;
    kr_url_t parts;

    if (!kr_url_parse(&parts, in->pool, with)) return;
    MUST(parts.query);
    query = kr_form_parse(in->pool, parts.query, strlen(parts.query), &why);
    if (query) MUST(!strcmp(kr_form_get(query, "key"), value));
    MUST(!strcmp(with, kr_url_with(in->pool, with, "key", value)));
}

int fuzz_url(const uint8_t *data, size_t size)
{
    const char *escaped;
    fuzz_input_t in;
    kr_url_t url;

    fuzz_begin(&in, data, size);
    escaped = kr_url_escape(in.pool, in.text);
    MUST(!strcmp(kr_url_unescape(in.pool, escaped, 0), in.text) && !strcmp(kr_url_unescape(in.pool, escaped, 1), in.text));
    (void)kr_url_unescape(in.pool, in.text, 1);
    (void)kr_url_host_name(in.pool, in.text);
    if (kr_url_parse(&url, in.pool, in.text)) {
        look_at_url(&in, &url);
        if (url.host) look_at_host(&in, url.host);
        if (kr_utf8_valid(in.text, strlen(in.text))) put_value(&in, in.text, in.text);
    }
    (void)kr_format_valid("uri", in.text);
    (void)kr_format_valid("iri-reference", in.text);
    (void)kr_format_valid("uri-template", in.text);
    return fuzz_end(&in);
}

/* -- return_to ------------------------------------------------------------- */

static const char *behind(const char *url, const char *begin)
{
    return strncmp(url, begin, strlen(begin)) ? NULL : url + strlen(begin);
}

/* Does its path go up anywhere? */
static int goes_up(fuzz_input_t *in, const char *url)
{
    const char *path = apr_pstrmemdup(in->pool, url, strcspn(url, "?#"));

    for (const char *p = strstr(path, "/.."); p; p = strstr(p + 1, "/.."))
        if (!p[3] || p[3] == '/') return 1;
    return 0;
}

/* Is it a place of the realm's list (input.c), read as simply as can be? */
static int is_ours(fuzz_input_t *in, const char *url)
{
    const char *rest, *end;

    if ((rest = behind(url, "https://app.example")) && (!*rest || strchr("/?#", *rest))) return 1;
    if (behind(url, "https://in.example/in/")) return !goes_up(in, url);
    if (behind(url, "https://id.example/auth/self-service")) return !goes_up(in, url);
    rest = behind(url, "https://");
    end = rest ? rest + strcspn(rest, "/?#@\\") : NULL;
    return end && end - rest > 18 && !strncmp(end - 18, ".wild.example:8443", 18) && *end != '@' && *end != '\\';
}

int fuzz_return_to(const uint8_t *data, size_t size)
{
    const char *to, *again;
    fuzz_input_t in;
    kr_err_t *err;

    fuzz_begin(&in, data, size);
    to = kr_return_to_absolute(&in.k, in.text);
    err = kr_return_to_check(&in.k, in.text);
    MUST(!*in.text || !to == !!err);
    if (to) {
        MUST(is_ours(&in, to));
        again = kr_return_to_absolute(&in.k, to); /* as it is checked once more when somebody is sent there */
        MUST(again && !strcmp(again, to));
    }
    return fuzz_end(&in);
}

/* -- paths of the API ------------------------------------------------------ */

static void find_route(fuzz_input_t *in, kr_http_method_e method)
{
    const kr_found_t *found;

    in->req.method = method;
    found = kr_route_find(&in->k, kr_public.routes);
    MUST(found && (!found->route || (found->known && found->route->methods & found->methods)));
    for (int i = 0; i < KR_ROUTE_PARAMS; i++) MUST(!found->params[i] || (found->route && *found->params[i]));
    in->k.found = found;
    if (kr_route_param(&in->k, "id")) MUST(strstr(found->route->path, "{id}"));
}

/*
 * Before any route: a path with too many slashes is led to itself, never elsewhere; and without its token nothing is changed. Probes, of
 * which nothing is anybody's, are let through.
 */
static void guard(fuzz_input_t *in, kr_http_method_e method)
{
    const char *to;
    int stopped;

    in->req.method = method;
    in->k.reply = kr_reply_make(in->pool);
    stopped = kr_public.guard(&in->k, 0);
    to = apr_table_get(in->k.reply->headers, "Location");
    MUST(!to || (stopped && !strncmp(to, "/auth", 5) && !strstr(to, "//")));
    if (method == KR_DELETE) MUST(stopped || !strncmp(in->text, "/health", 7) || !strncmp(in->text, "/version", 8) || !strncmp(in->text, "/metrics", 8));
}

int fuzz_path(const uint8_t *data, size_t size)
{
    fuzz_input_t in;

    fuzz_begin(&in, data, size);
    in.req.raw_path = in.text;
    find_route(&in, KR_GET);
    find_route(&in, KR_DELETE);
    find_route(&in, KR_HEAD);
    guard(&in, KR_GET);
    guard(&in, KR_DELETE);
    return fuzz_end(&in);
}

/* -- forms that wait ------------------------------------------------------- */

/* A mark comes off as it was put on, and what was there before it comes back byte by byte. */
int fuzz_kept(const uint8_t *data, size_t size)
{
    static const char ID[] = "0190b3a0-0000-4000-8000-000000000001";
    const char *marked, *query, *id;
    fuzz_input_t in;

    fuzz_begin(&in, data, size);
    query = kr_kept_unmark(in.pool, in.text, &id);
    MUST(id ? kr_uuid_valid(id) && (!query || strlen(query) < strlen(in.text)) : query == in.text);
    marked = kr_kept_mark(in.pool, apr_pstrcat(in.pool, "https://app.example/a?", in.text, NULL), ID);
    query = kr_kept_unmark(in.pool, strchr(marked, '?') + 1, &id);
    MUST(id && !strcmp(id, ID) && query && !strcmp(query, in.text));
    return fuzz_end(&in);
}

/* -- times ----------------------------------------------------------------- */

int fuzz_times(const uint8_t *data, size_t size)
{
    apr_time_t time, again, duration;
    fuzz_input_t in;

    fuzz_begin(&in, data, size);
    if (kr_time_parse(&time, in.text)) {
        const char *text = kr_time_rfc3339(in.pool, time);

        MUST(strlen(text) <= KR_TIME_LEN);
        if (kr_time_parse(&again, text)) MUST(again == time); /* zones lead beyond the years that have four digits */
        else MUST(strlen(text) < 20 || text[4] != '-' || !strncmp(text, "0000", 4));
    }
    duration = kr_duration_parse(in.text);
    MUST(duration >= -1);
    (void)kr_format_valid("date-time", in.text);
    (void)kr_format_valid("date", in.text);
    (void)kr_format_valid("time", in.text);
    return fuzz_end(&in);
}
