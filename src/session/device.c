/* SPDX-License-Identifier: Apache-2.0 */
/* Which device a request came from: shown to its owner in the list of sessions, and never used to decide anything. */
#include <arpa/inet.h>
#include <string.h>

#include "kr_json.h"
#include "session.h"

#define USER_AGENT_MAX 512
#define PLACE_MAX 255 /* city and country each: with ", " between them they fit the column */

static int is_ip(const char *s)
{
    unsigned char buf[16];

    return inet_pton(AF_INET, s, buf) == 1 || inet_pton(AF_INET6, s, buf) == 1;
}

static int is_private(const char *s)
{
    unsigned char b[16];

    if (inet_pton(AF_INET, s, b) == 1)
        return b[0] == 10 || b[0] == 127 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168);
    if (inet_pton(AF_INET6, s, b) == 1) return (b[0] & 0xfe) == 0xfc || strcmp(s, "::1") == 0;
    return 1;
}

/* The last public address of X-Forwarded-For: the nearest one that our own proxies did not add. */
static const char *forwarded_for(kr_ctx_t *k)
{
    const char *header = kr_header(k->req, "X-Forwarded-For");
    const char *found = NULL;
    char *state, *copy, *part;

    if (!header) return NULL;
    copy = apr_pstrdup(k->pool, header);
    for (part = apr_strtok(copy, ", \t", &state); part; part = apr_strtok(NULL, ", \t", &state))
        if (is_ip(part) && !is_private(part)) found = part;
    return found;
}

static const char *client_ip(kr_ctx_t *k)
{
    static const char *const headers[] = { "True-Client-IP", "Cf-Connecting-IP", "X-Real-IP" };
    const char *ip;

    for (int i = 0; i < KR_DIM(headers); i++)
        if ((ip = kr_header(k->req, headers[i])) && is_ip(ip)) return ip;
    return (ip = forwarded_for(k)) ? ip : k->req->peer;
}

/* At most `max` bytes of valid UTF-8 without control bytes; NULL when nothing is left. */
static const char *printable(apr_pool_t *pool, const char *s, apr_size_t max)
{
    char *out;
    apr_size_t n = 0;

    if (!s) return NULL;
    if (!kr_utf8_valid(s, strlen(s))) return NULL;
    out = apr_pstrdup(pool, s);
    for (const char *p = s; *p && n < max; p++)
        if ((unsigned char)*p >= 0x20 && *p != 0x7f) out[n++] = *p;
    while (n > 0 && !kr_utf8_valid(out, n)) n--; /* no half a character at the cut */
    out[n] = '\0';
    return n ? out : NULL;
}

static const char *location(kr_ctx_t *k)
{
    const char *city = printable(k->pool, kr_header(k->req, "Cf-Ipcity"), PLACE_MAX);
    const char *country = printable(k->pool, kr_header(k->req, "Cf-Ipcountry"), PLACE_MAX);

    if (city && country) return apr_pstrcat(k->pool, city, ", ", country, NULL);
    return city ? city : country ? country : "";
}

void kr_session_device(kr_ctx_t *k, kr_session_t *session)
{
    session->device_id = kr_uuid(k);
    session->ip_address = k->req ? client_ip(k) : "";
    session->user_agent = k->req ? printable(k->pool, kr_header(k->req, "User-Agent"), USER_AGENT_MAX) : NULL;
    session->location = k->req ? location(k) : "";
}
