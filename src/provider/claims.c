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

/* What says nothing, "" and false, is left out. */
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

/* -- of the wrong type ------------------------------------------------------------------ */

static int is_flag(const json_t *value)
{
    const char *text = json_string_value(value);

    return json_is_boolean(value) || (text && (!strcasecmp(text, "true") || !strcasecmp(text, "false")));
}

static int is_list_of_texts(const json_t *value)
{
    size_t i;
    const json_t *each;

    json_array_foreach(value, i, each) if (!json_is_string(each)) return 0;
    return json_is_array(value);
}

static const char *misfit_among(const json_t *said, const char *const *names, int n, int is_text)
{
    for (int i = 0; i < n; i++) {
        const json_t *value = json_object_get(said, names[i]);

        if (value && !json_is_null(value) && !(is_text ? json_is_string(value) : is_flag(value))) return names[i];
    }
    return NULL;
}

/* Who writes an address where a list of them is expected, or "yes" for true, means something that is not known here (Core, 5.1). */
static const char *misfit(const json_t *said)
{
    const json_t *amr = json_object_get(said, "amr"), *locale = json_object_get(said, "locale"), *at = json_object_get(said, "updated_at");
    const char *name = misfit_among(said, TEXTS, KR_DIM(TEXTS), 1);
    apr_time_t time;

    if (!name) name = misfit_among(said, FLAGS, KR_DIM(FLAGS), 0);
    if (name) return name;
    if (amr && !json_is_null(amr) && !is_list_of_texts(amr)) return "amr";
    if (locale && !json_is_null(locale) && !json_is_string(locale) && !json_is_object(locale)) return "locale";
    if (!at || json_is_null(at) || json_is_number(at)) return NULL;
    return json_is_string(at) && kr_time_parse(&time, json_string_value(at)) ? NULL : "updated_at";
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
    const char *odd = talk->kind->openid ? misfit(said) : NULL;
    json_t *claims = known_claims(pool, said);

    if (odd) return kr_err(talk->k, 400, NULL, "the provider's claim \"%s\" is of a type that is not understood", odd);
    json_object_set(claims, "raw_claims", (json_t *)all->said);
    if (talk->kind->complete) KR_TRY(talk->kind->complete(claims, all));
    if (!kr_json_str(claims, "iss") && issuer_of(talk)) json_object_set_new(claims, "iss", json_string(issuer_of(talk)));
    out->claims = claims;
    out->subject = kr_json_str(claims, "sub");
    out->acr = kr_json_str(claims, "acr");
    out->amr = json_object_get(claims, "amr");
    return out->subject ? NULL : kr_talk_failed(talk, "it names no subject");
}
