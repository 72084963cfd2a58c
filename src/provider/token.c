/* SPDX-License-Identifier: Apache-2.0 */
/* Is an ID token to be believed (OpenID Connect Core 3.1.3.7)? Its signature is looked at in signature.c. */
#include "provider.h"

#include <string.h>

#include "kr_json.h"
#include "kr_text.h"

/* What is signed ahead of our clock by more than this is of a clock that is wrong, or of no use yet. */
#define AHEAD_AT_MOST 60
#define TOKEN_MAX ((apr_size_t)256 * 1024)

/* -- its form ------------------------------------------------------------------------------ */

/* Three parts of base64url without padding (RFC 7515 7.1), so that no two readers see different ones. The last may be empty: who signs with
 * nothing has that, and is refused for it. */
static int is_compact(const char *token)
{
    static const char PART[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    for (int part = 0; part < 3; part++) {
        apr_size_t len = strspn(token, PART);

        if ((!len && part < 2) || token[len] != (part < 2 ? '.' : '\0')) return 0;
        token += len + (part < 2);
    }
    return 1;
}

json_t *kr_token_part(apr_pool_t *pool, const char *token, int part)
{
    const char *begin = token, *text;
    apr_size_t len;
    json_t *json;

    if (strlen(token) > TOKEN_MAX || !is_compact(token)) return NULL;
    for (; part; part--) begin = strchr(begin, '.') + 1;
    text = (const char *)kr_base64_decode(pool, apr_pstrmemdup(pool, begin, strcspn(begin, ".")), &len);
    json = text ? kr_json_parse(pool, text, len, NULL) : NULL;
    return json_is_object(json) ? json : NULL;
}

/* -- what it says --------------------------------------------------------------------------------- */

static int is_ours(const kr_oidc_provider_conf_t *conf, const char *audience, int additional)
{
    if (!audience) return 0;
    return !strcmp(audience, conf->client_id) || (additional && kr_texts_have(conf->additional_id_token_audiences, audience));
}

int kr_token_is_for(const json_t *claims, const kr_oidc_provider_conf_t *conf, int additional)
{
    const json_t *aud = json_object_get(claims, "aud"), *each;
    int ours = is_ours(conf, json_string_value(aud), additional);
    size_t i;

    json_array_foreach(aud, i, each) ours |= is_ours(conf, json_string_value(each), additional);
    return ours;
}

/* It was made for whoever `azp` names, if it does; others are told of it only. */
static const char *wrong_audience(const json_t *claims, const kr_oidc_provider_conf_t *conf, int additional)
{
    const json_t *azp = json_object_get(claims, "azp");

    if (!kr_token_is_for(claims, conf, additional)) return "it is for another audience";
    return azp && !is_ours(conf, json_string_value(azp), additional) ? "it was made for another party" : NULL;
}

/* Seconds since 1970 as JSON has them; a time that is no number is none. */
static int time_of(double *out, const json_t *claims, const char *member)
{
    const json_t *value = json_object_get(claims, member);

    *out = json_number_value(value);
    return json_is_number(value);
}

static const char *wrong_times(const json_t *claims, apr_time_t now)
{
    static const char *const AHEAD[] = { "nbf", "iat" };
    const double seconds = (double)now / 1e6;
    double at;

    if (!time_of(&at, claims, "exp")) return "it does not say when it ends";
    if (at <= seconds) return "it has ended";
    for (int i = 0; i < KR_DIM(AHEAD); i++) {
        if (!json_object_get(claims, AHEAD[i])) continue;
        if (!time_of(&at, claims, AHEAD[i]) || at > seconds + AHEAD_AT_MOST) return "it is from the future";
    }
    return NULL;
}

static const char *wrong_nonce(const json_t *claims, const char *wanted)
{
    const json_t *nonce = json_object_get(claims, "nonce");

    if (!wanted) return NULL;
    return json_is_string(nonce) && kr_equal(json_string_value(nonce), wanted) ? NULL : "its nonce is another";
}

static const char *wrong_claims(kr_talk_t *talk, const json_t *claims, const kr_token_wanted_t *wanted)
{
    const char *sub = kr_json_str(claims, "sub"), *why;

    if (!kr_places_is_issuer(talk, kr_json_str(claims, "iss"))) return "it is of another issuer";
    if (!wanted->by_code && (!sub || !*sub)) return "it names no subject";
    why = wrong_audience(claims, talk->conf, wanted->additional);
    if (!why) why = wrong_times(claims, talk->k->now);
    return why ? why : wrong_nonce(claims, wanted->nonce);
}

kr_err_t *kr_token_verify(json_t **claims, kr_talk_t *talk, const char *token, const kr_token_wanted_t *wanted)
{
    kr_ctx_t *k = talk->k;
    const json_t *header = kr_token_part(k->pool, token, 0);
    const char *why;

    *claims = kr_token_part(k->pool, token, 1);
    if (!*claims || !header) return kr_err(k, 400, NULL, "the ID token cannot be read");
    KR_TRY(kr_signature_check(&why, talk, token, header, *claims));
    if (!why) why = wrong_claims(talk, *claims, wanted);
    if (!why) return NULL;
    *claims = NULL;
    kr_log(k, KR_LOG_INFO, KRLOGNO(0904) "provider %s: an ID token is not believed: %s", talk->conf->id, why);
    return kr_err(k, 403, NULL, "the ID token is not to be believed: %s", why);
}
