/* SPDX-License-Identifier: Apache-2.0 */
/* Where a provider is spoken to: its document (OpenID Connect Discovery 1.0), which is kept in the process, and its keys, which are not. */
#include "provider.h"

#include <string.h>
#include <strings.h>

#include "kr_document.h"
#include "kr_json.h"
#include "kr_realm.h"
#include "kr_text.h"

/* -- its document ---------------------------------------------------------------- */

static int is_url(const char *text)
{
    return text && (!strncasecmp(text, "https://", 8) || !strncasecmp(text, "http://", 7));
}

/* Discovery 4.3: the issuer must be exactly the one it was asked for. Where nobody is sent to, its keys are all that it must have. */
static const char *wrong_document(apr_pool_t *pool, const json_t *document, const void *baton)
{
    enum { KEYS_PLACE = 2 };
    static const char *const PLACES[] = { "authorization_endpoint", "token_endpoint", [KEYS_PLACE] = "jwks_uri" };
    const kr_talk_t *talk = baton;
    const char *issuer = kr_json_str(document, "issuer");

    if (!issuer || strcmp(issuer, talk->at.issuer)) return "it names another issuer";
    for (int i = talk->conf->fedcm_alone ? KEYS_PLACE : 0; i < KR_DIM(PLACES); i++) {
        if (!is_url(kr_json_str(document, PLACES[i]))) return apr_psprintf(pool, "its %s is no http(s) URL", PLACES[i]);
    }
    if (json_object_get(document, "userinfo_endpoint") && !is_url(kr_json_str(document, "userinfo_endpoint")))
        return "its userinfo_endpoint is no http(s) URL";
    return NULL;
}

static int lists(const json_t *document, const char *member, const char *word)
{
    const json_t *each;
    size_t i;

    json_array_foreach(json_object_get(document, member), i, each) {
        if (json_is_string(each) && !strcmp(json_string_value(each), word)) return 1;
    }
    return 0;
}

/* Absent means in a header (Discovery 3); `none` alone is what test servers say, which take anything. */
static int wants_form(const json_t *document)
{
    static const char MEMBER[] = "token_endpoint_auth_methods_supported";

    return lists(document, MEMBER, "client_secret_post") && !lists(document, MEMBER, "client_secret_basic");
}

static void take(const char **place, const json_t *document, const char *member)
{
    if (!*place) *place = kr_json_str(document, member);
}

static void take_places(kr_talk_t *talk, const json_t *document)
{
    kr_places_t *at = &talk->at;

    take(&at->authorization, document, "authorization_endpoint");
    take(&at->token, document, "token_endpoint");
    take(&at->person, document, "userinfo_endpoint");
    take(&at->keys, document, "jwks_uri");
    at->s256 |= lists(document, "code_challenge_methods_supported", "S256");
    at->says_iss |= json_is_true(json_object_get(document, "authorization_response_iss_parameter_supported"));
    at->secret_in_form |= wants_form(document);
}

/* Who finds no place to wait in may still go on with what is kept, old as it is. */
static kr_err_t *get(json_t **out, kr_talk_t *talk, kr_document_t *document, kr_document_wanted_t *wanted)
{
    kr_err_t *full = kr_document_at_hand(document, wanted->url) ? NULL : kr_talk_enter(talk);
    kr_err_t *err;

    wanted->until = full ? 0 : talk->until;
    err = kr_document_get(out, talk->k, document, wanted);
    return err && full ? full : err;
}

const char *kr_places_document(const kr_talk_t *talk)
{
    return apr_pstrcat(talk->k->pool, talk->base, "/.well-known/openid-configuration", NULL);
}

const char *kr_places_wrong(const kr_talk_t *talk, const json_t *document)
{
    return wrong_document(talk->k->pool, document, talk);
}

kr_err_t *kr_places_find(kr_talk_t *talk)
{
    kr_document_wanted_t wanted = { .guard = &talk->k->realm->settings->guard, .wrong = wrong_document, .baton = talk };
    kr_err_t *err;
    json_t *document;

    if (!talk->kind->discovers) return NULL;
    wanted.url = kr_places_document(talk);
    err = get(&document, talk, talk->conf->discovery, &wanted);
    if (err && err->status == 503) return err;
    if (err) {
        return kr_err(talk->k, 500, "invalid_configuration", "the provider \"%s\" cannot be used now: its settings could not be read",
                      talk->conf->id);
    }
    take_places(talk, document);
    return NULL;
}

/* -- its keys --------------------------------------------------------------------------------- */

/* Asked for each time: a key that the provider has withdrawn is not good for another sign-in, and a new one needs no second look. */
kr_err_t *kr_places_keys(json_t **set, kr_talk_t *talk)
{
    apr_table_t *headers = apr_table_make(talk->k->pool, 1);
    kr_net_request_t req = { .headers = headers };
    kr_net_reply_t reply;

    if (!talk->at.keys) KR_TRY(kr_places_find(talk));
    KR_TRY(kr_talk_enter(talk));
    req.url = talk->at.keys;
    apr_table_set(headers, "Accept", "application/json");
    KR_TRY(kr_talk_call(&reply, talk, &req));
    if (reply.status != 200) return kr_talk_failed(talk, apr_psprintf(talk->k->pool, "its keys answer %d", reply.status));
    *set = kr_json_parse(talk->k->pool, reply.body, reply.body_len, NULL);
    return json_array_size(json_object_get(*set, "keys")) ? NULL : kr_talk_failed(talk, "it publishes no keys");
}

/* -- its name ------------------------------------------------------------------------------ */

/* Google says it in two ways, and both are its own. */
static int is_google(const char *issuer, const char *iss)
{
    return !strcmp(issuer, "https://accounts.google.com") && !strcmp(iss, "accounts.google.com");
}

int kr_places_is_issuer(const kr_talk_t *talk, const char *iss)
{
    const char *issuer = talk->at.issuer, *tenant = issuer ? strstr(issuer, KR_ANY_TENANT) : NULL;
    apr_size_t head = tenant ? (apr_size_t)(tenant - issuer) : 0;

    if (!issuer || !iss) return 0;
    if (!tenant) return !strcmp(iss, issuer) || is_google(issuer, iss);
    return strlen(iss) == strlen(issuer) - strlen(KR_ANY_TENANT) + KR_UUID_LEN && !strncmp(iss, issuer, head) &&
           kr_uuid_valid(apr_pstrmemdup(talk->k->pool, iss + head, KR_UUID_LEN)) &&
           !strcmp(iss + head + KR_UUID_LEN, tenant + strlen(KR_ANY_TENANT));
}
