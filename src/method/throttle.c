/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guessing is made pointless: what fails is counted in windows of time, for the identifier that it was tried under, for the network that it
 * came from, and for all together, in memory that the processes of a node share, so that it costs no statement. Each try is counted
 * before it is looked at, and taken back when it was good: a hundred at once are no way round.
 *
 * Anybody can use up what an identifier or a network has. So a browser that was signed in to the account before has an allowance of its
 * own, as with codes (budget.c): nobody locks an owner out.
 */
#include <string.h>

#include "kr_audit.h"
#include "kr_crypto.h"
#include "kr_json.h"
#include "kr_metrics.h"
#include "kr_realm.h"
#include "kr_text.h"
#include "method.h"

/* What is counted, as hashes and log lines have it. */
#define IDENTIFIER "identifier"
#define SITE "site"
#define BROWSERS "account's browsers"

static apr_uint64_t hash(kr_ctx_t *k, const char *kind, const char *whose)
{
    const char *tag = kr_hmac(k->pool, k->realm->keys, KR_KEY_CODE, 0, apr_pstrcat(k->pool, "throttle ", kind, " ", whose, NULL));
    unsigned char digest[32];
    apr_uint64_t what;

    kr_sha256(digest, tag, strlen(tag));
    memcpy(&what, digest, sizeof(what));
    return what;
}

/* Said once for each window: whoever floods us must not fill a log. */
static void tell(kr_ctx_t *k, const char *kind, const char *whose)
{
    kr_audit_t event = { .what = strcmp(kind, SITE) == 0 ? KR_AUDIT_THROTTLED_ALL : KR_AUDIT_THROTTLED, .reason = kind };

    kr_log(k, KR_LOG_WARNING, KRLOGNO(0652) "too much of one %s failed: it is refused until the window of mod_kratos.throttle is over", kind);
    if (strcmp(kind, IDENTIFIER) == 0) event.identifier = whose;
    if (strcmp(kind, BROWSERS) == 0) event.identity_id = whose;
    kr_audit(k, &event);
}

/* One more. @return is it one too many? */
static int add(kr_throttle_t *t, kr_ctx_t *k, const char *kind, const char *whose, apr_uint32_t limit)
{
    const kr_settings_t *conf = k->realm->settings;
    apr_uint32_t count;

    if (!limit) return 0;
    t->what[t->n] = hash(k, kind, whose);
    count = kr_counts_add(conf->throttle.counts, t->what[t->n++], k->now, conf->throttle.window);
    if (count == limit + 1) tell(k, kind, whose);
    return count > limit;
}

static void take_back(kr_throttle_t *t, kr_ctx_t *k, int from)
{
    const kr_settings_t *conf = k->realm->settings;

    for (int i = from; i < t->n; i++) kr_counts_take_back(conf->throttle.counts, t->what[i], k->now, conf->throttle.window);
    t->n = from;
}

static kr_err_t *refuse(kr_ctx_t *k, kr_throttled_e kind)
{
    const apr_time_t window = k->realm->settings->throttle.window;
    kr_err_t *err = kr_err(k, 429, NULL, "this was tried too often, please wait a little");

    kr_metric_count(KR_METRIC_THROTTLED, KR_SERIES(kind));
    err->retry_after = (int)apr_time_sec(window - k->now % window) + 1;
    return err;
}

/* Is it somebody who was here before, with something left? What was counted for all is not theirs then. */
static int has_allowance(kr_throttle_t *t, kr_ctx_t *k, const char *identity_id)
{
    const apr_uint32_t limit = k->realm->settings->throttle.identifier;
    const char *sign = kr_sign_of(k, identity_id);

    if (!sign) return 0;
    take_back(t, k, 0);
    return !(add(t, k, "browser", sign, limit) | add(t, k, BROWSERS, identity_id, KR_DEVICES * limit));
}

/* -- a network, and all ----------------------------------------------------- */

/* Whose account the form is about, as far as it says so. */
static kr_err_t *whose(const char **identity_id, kr_ctx_t *k, const kr_flow_t *flow)
{
    static const char *const FIELDS[] = { "email", "recovery_address", "recovery_confirm_address" };
    const char *named = NULL;
    kr_session_t *session;
    kr_body_t body;
    int owners;

    *identity_id = NULL;
    KR_TRY(kr_session_current(&session, k)); /* kr_sign_of asks for it, too */
    if (!kr_body_read(&body, k)) {
        named = kr_identifier_of(&body);
        for (int i = 0; i < KR_DIM(FIELDS) && !named; i++) named = kr_body_str(&body, FIELDS[i]);
    }
    if (!named) named = kr_json_str(json_object_get(kr_node_find(flow, "identifier"), "attributes"), "value");
    named = named ? kr_identifier_normalise(k->pool, named) : NULL;
    if (named) return kr_identity_owner(identity_id, &owners, k, named);
    if (session) *identity_id = session->identity->id;
    return NULL;
}

kr_err_t *kr_throttle_enter(kr_throttle_t *t, kr_ctx_t *k, const kr_flow_t *flow)
{
    const kr_settings_t *conf = k->realm->settings;
    const char *identity_id;
    int network, site;

    t->n = 0;
    if (!conf->throttle.counts || flow->kind == KR_FLOW_SETTINGS) return NULL; /* whose settings it changes is known */
    network = add(t, k, "network", kr_request_network(k->pool, k->req), conf->throttle.network);
    site = add(t, k, SITE, "", conf->throttle.overall);
    if (!network && !site) return NULL;
    KR_TRY(whose(&identity_id, k, flow));
    return has_allowance(t, k, identity_id) ? NULL : refuse(k, network ? KR_THROTTLED_NETWORK : KR_THROTTLED_SITE);
}

void kr_throttle_leave(const kr_throttle_t *t, kr_ctx_t *k)
{
    kr_throttle_t all = *t;

    take_back(&all, k, 0);
}

/* -- an identifier ---------------------------------------------------------- */

kr_err_t *kr_throttle_password(kr_throttle_t *t, kr_ctx_t *k, const char *identifier, const kr_identity_t *identity)
{
    const kr_settings_t *conf = k->realm->settings;

    t->n = 0;
    if (!conf->throttle.counts || !identifier || !add(t, k, IDENTIFIER, identifier, conf->throttle.identifier)) return NULL;
    return has_allowance(t, k, identity ? identity->id : NULL) ? NULL : refuse(k, KR_THROTTLED_IDENTIFIER);
}
