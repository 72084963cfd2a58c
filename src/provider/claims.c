/* SPDX-License-Identifier: Apache-2.0 */
/* Claims as mappers know them: one set of names and types, whatever a provider calls them. */
#include "provider.h"

#include <string.h>
#include <strings.h>

#include "kr_json.h"
#include "kr_text.h"

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

static void put(json_t *claims, const char *key, json_t *value)
{
    if (value) json_object_set_new(claims, key, value);
}

json_t *kr_claims_of(apr_pool_t *pool, const json_t *said)
{
    json_t *claims = kr_json_pack(pool, "{}");
    const json_t *updated = json_object_get(said, "updated_at");

    for (int i = 0; i < KR_DIM(TEXTS); i++) {
        const char *text = kr_json_str(said, TEXTS[i]);

        if (text && *text) json_object_set_new(claims, TEXTS[i], json_string(text));
    }
    for (int i = 0; i < KR_DIM(FLAGS); i++) {
        if (is_yes(json_object_get(said, FLAGS[i]))) json_object_set_new(claims, FLAGS[i], json_true());
    }
    put(claims, "locale", locale_of(pool, json_object_get(said, "locale")));
    put(claims, "amr", texts_of(json_object_get(said, "amr")));
    if (json_is_number(updated) && json_number_value(updated) > 0 && json_number_value(updated) < 1e15)
        json_object_set_new(claims, "updated_at", json_integer((json_int_t)json_number_value(updated)));
    json_object_set_new(claims, "raw_claims", json_deep_copy(said));
    return claims;
}

void kr_person_put(kr_provider_person_t *out, kr_talk_t *talk, const json_t *said)
{
    out->claims = kr_claims_of(talk->k->pool, said);
    if (!kr_json_str(out->claims, "iss") && talk->at.issuer) json_object_set_new(out->claims, "iss", json_string(talk->at.issuer));
    out->subject = kr_json_str(out->claims, "sub");
    out->acr = kr_json_str(out->claims, "acr");
    out->amr = json_object_get(out->claims, "amr");
}
