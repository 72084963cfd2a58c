/* SPDX-License-Identifier: Apache-2.0 */
/* Claims as mappers know them: one set of names and types, whatever a provider calls them. */
#include "provider.h"

#include <string.h>
#include <strings.h>

#include "kr_json.h"
#include "kr_text.h"

/* -- by name and type --------------------------------------------------------------- */

static const char *const TEXTS[] = {
    "iss",     "sub",        "oid",       "name",   "given_name", "family_name", "last_name", "middle_name", "nickname", "preferred_username",
    "profile", "picture",    "website",   "email",  "gender",     "birthdate",   "zoneinfo",  "phone_number", "hd",      "team",
    "nonce",   "acr",
};
static const char *const FLAGS[] = { "email_verified", "phone_number_verified", "nonce_supported" };

/* Apple says "true" where others say true. */
static int is_yes(const json_t *value)
{
    const char *text = json_string_value(value);

    if (json_is_integer(value)) return json_integer_value(value) == 1;
    return json_is_true(value) || (text && (!strcasecmp(text, "true") || !strcmp(text, "1")));
}

/* Some say {"language":"de","country":"AT"}. */
static json_t *locale_of(apr_pool_t *pool, const json_t *said)
{
    const char *text = json_string_value(said), *language = kr_json_str(said, "language"), *country = kr_json_str(said, "country");

    if (language && *language && country && *country) text = apr_pstrcat(pool, language, "-", country, NULL);
    else if (language && *language) text = language;
    else if (country && *country) text = country;
    return text && *text ? json_string(text) : NULL;
}

static json_t *texts_of(const json_t *said)
{
    json_t *out = json_array();
    const json_t *each;
    size_t i;

    json_array_foreach(said, i, each) {
        if (json_is_string(each)) json_array_append_new(out, json_copy((json_t *)each));
    }
    if (json_array_size(out)) return out;
    json_decref(out);
    return NULL;
}

/* Seconds since 1970, or the text of a time. */
static json_t *seconds_of(const json_t *said)
{
    const double number = json_number_value(said);
    apr_time_t at;

    if (json_is_string(said) && kr_time_parse(&at, json_string_value(said)) && at > 0) return json_integer(apr_time_sec(at));
    return json_is_number(said) && number > 0 && number < 1e15 ? json_integer((json_int_t)number) : NULL;
}

static void put(json_t *claims, const char *key, json_t *value)
{
    if (value) json_object_set_new(claims, key, value);
}

/* What is of another type than it should be is left out: it is in raw_claims still. So is what says nothing: "", false. */
static json_t *known_claims(apr_pool_t *pool, const json_t *said)
{
    json_t *claims = kr_json_pack(pool, "{}");

    for (int i = 0; i < KR_DIM(TEXTS); i++) {
        const char *text = json_string_value(json_object_get(said, TEXTS[i]));

        if (text && *text) json_object_set_new(claims, TEXTS[i], json_string(text));
    }
    for (int i = 0; i < KR_DIM(FLAGS); i++) {
        if (is_yes(json_object_get(said, FLAGS[i]))) json_object_set_new(claims, FLAGS[i], json_true());
    }
    put(claims, "locale", locale_of(pool, json_object_get(said, "locale")));
    put(claims, "amr", texts_of(json_object_get(said, "amr")));
    put(claims, "updated_at", seconds_of(json_object_get(said, "updated_at")));
    return claims;
}

/* -- by a table ----------------------------------------------------------------------- */

/* Numbers are ids. */
static json_t *as_claim(apr_pool_t *pool, json_t *value)
{
    if (!json_is_integer(value)) return json_incref(value);
    return json_string(apr_psprintf(pool, "%" APR_INT64_T_FMT, (apr_int64_t)json_integer_value(value)));
}

/* "sub=id name=user.name" of {"id":1,"user":{"name":"Ada"}} -> {"sub":"1","name":"Ada"} */
static json_t *renamed(apr_pool_t *pool, const char *table, const json_t *said)
{
    json_t *out = kr_json_pack(pool, "{}");
    char *rest = apr_pstrdup(pool, table), *pair, *path;

    while ((pair = apr_strtok(rest, " ", &rest))) {
        json_t *value;

        path = pair + strcspn(pair, "=");
        if (*path) *path++ = '\0';
        value = kr_json_at(said, path);
        if (value) json_object_set_new(out, pair, as_claim(pool, value));
    }
    return out;
}

/* -- the whole --------------------------------------------------------------------------- */

static const char *issuer_of(const kr_talk_t *talk)
{
    if (talk->kind->iss) return talk->kind->iss;
    return talk->kind->hosted && talk->kind->claims == NULL && talk->conf->issuer_url ? talk->conf->issuer_url : talk->base;
}

kr_err_t *kr_claims_make(kr_provider_person_t *out, const kr_learning_t *all)
{
    kr_talk_t *talk = all->talk;
    apr_pool_t *pool = talk->k->pool;
    const json_t *said = talk->kind->claims ? renamed(pool, talk->kind->claims, all->said) : all->said;
    json_t *claims = known_claims(pool, said);

    json_object_set_new(claims, "raw_claims", json_deep_copy(all->said));
    if (talk->kind->complete) KR_TRY(talk->kind->complete(claims, all));
    if (!kr_json_str(claims, "iss") && issuer_of(talk)) json_object_set_new(claims, "iss", json_string(issuer_of(talk)));
    out->claims = claims;
    out->subject = kr_json_str(claims, "sub");
    out->acr = kr_json_str(claims, "acr");
    out->amr = json_object_get(claims, "amr");
    return out->subject ? NULL : kr_talk_failed(talk, "it names no subject");
}
