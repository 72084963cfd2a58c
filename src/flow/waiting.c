/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flow that an OAuth2 server waits for. Its challenge stands in the flow's internals, as it may be longer than a column, and the
 * request URL is stored without it: once is enough.
 */
#include <string.h>

#include "flow.h"
#include "kr_json.h"
#include "kr_realm.h"
#include "kr_text.h"

#define MEMBER "oauth2"
#define PARAMETER "login_challenge="

void kr_flow_hand_on(kr_flow_t *to, const kr_flow_t *from)
{
    to->oauth2 = from->oauth2;
}

const char *kr_flow_waiting_url(kr_ctx_t *k, const kr_flow_t *flow)
{
    const char *url = kr_url_join(k->pool, k->realm->settings->base_url, "/self-service/login/browser");

    if (!flow->oauth2.challenge) return NULL;
    url = kr_url_with(k->pool, url, "login_challenge", flow->oauth2.challenge);
    if (!flow->return_to || !kr_return_to_allowed(k, flow->return_to)) return url;
    return kr_url_with(k->pool, url, "return_to", flow->return_to);
}

/* -- the request URL without it -------------------------------------------- */

/* Behind the "=" of the first such parameter; NULL where there is none. */
static const char *value_in(const char *url)
{
    const char *at = strchr(url, '?');

    while (at && strncmp(at + 1, PARAMETER, strlen(PARAMETER)) != 0) at = strchr(at + 1, '&');
    return at ? at + 1 + strlen(PARAMETER) : NULL;
}

const char *kr_flow_url_cut(apr_pool_t *pool, const char *url)
{
    const char *value = value_in(url);

    if (!value) return url;
    return apr_pstrcat(pool, apr_pstrmemdup(pool, url, (apr_size_t)(value - url)), value + strcspn(value, "&#"), NULL);
}

/* Who asked with another spelling of the same bytes reads the usual one from then on. */
const char *kr_flow_url_whole(apr_pool_t *pool, const char *url, const char *challenge)
{
    const char *value = challenge ? value_in(url) : NULL;

    if (!value || (*value && *value != '&' && *value != '#')) return url;
    return apr_pstrcat(pool, apr_pstrmemdup(pool, url, (apr_size_t)(value - url)), kr_url_escape(pool, challenge), value, NULL);
}

/* -- stored, and loaded ----------------------------------------------------- */

const json_t *kr_flow_internal_with(kr_ctx_t *k, const kr_flow_t *flow)
{
    const kr_waiting_t *w = &flow->oauth2;
    json_t *out, *waiting;

    if (!w->challenge) return flow->internal;
    waiting = kr_json_pack(k->pool, "{s:s, s:O*, s:s*, s:s*}", "challenge", w->challenge, "request", w->request, "identity", w->identity_id,
                           "form", w->form);
    if (w->identity_id) json_object_set_new(waiting, "since", json_integer((json_int_t)w->since));
    out = kr_json_own(k->pool, json_copy(flow->internal));
    json_object_set(out, MEMBER, waiting);
    return out;
}

void kr_flow_take_waiting(kr_flow_t *flow)
{
    json_t *waiting = json_object_get(flow->internal, MEMBER);

    if (!waiting) return;
    flow->oauth2 = (kr_waiting_t){
        .challenge = kr_json_str(waiting, "challenge"), .request = json_object_get(waiting, "request"),
        .identity_id = kr_json_str(waiting, "identity"), .form = kr_json_str(waiting, "form"),
        .since = (apr_time_t)json_integer_value(json_object_get(waiting, "since")),
    };
}
