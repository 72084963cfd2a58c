/* SPDX-License-Identifier: Apache-2.0 */
/* What single kinds of providers say in their own way. Members that miss, or are no text, say nothing. */
#include "provider.h"

#include <string.h>
#include <strings.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "kr_json.h"
#include "kr_text.h"

static void put(json_t *claims, const char *name, const char *text)
{
    if (text && *text) json_object_set_new(claims, name, json_string(text));
}

static void put_new(json_t *claims, const char *name, const char *text)
{
    if (!json_object_get(claims, name)) put(claims, name, text);
}

/* -- GitHub ------------------------------------------------------------------------------ */

/* The address on a profile is whatever somebody wrote there: the primary one is verified, and needs a call of its own. */
kr_err_t *kr_claims_github(json_t *claims, const kr_learning_t *all)
{
    const int is_app = all->talk->kind->granted == NULL; /* its permissions are set at GitHub, no scope names them */
    json_t *emails, *each;
    size_t i;

    if (!is_app && !kr_talk_is_asked(all->talk, "user:email")) return NULL;
    KR_TRY(kr_talk_ask(&emails, all->talk, "https://api.github.com/user/emails", all->tokens->access));
    json_array_foreach(emails, i, each) {
        if (!json_is_true(json_object_get(each, "primary"))) continue;
        put(claims, "email", kr_json_str(each, "email"));
        if (json_is_true(json_object_get(each, "verified"))) json_object_set_new(claims, "email_verified", json_true());
    }
    return NULL;
}

/* -- Discord ----------------------------------------------------------------------------- */

/* Who has no picture gets one of a few, by the old number behind the name or, without one, by the id. */
static const char *discord_picture(apr_pool_t *pool, const char *id, const char *hash, const char *number)
{
    static const char CDN[] = "https://cdn.discordapp.com";

    if (hash && *hash) return apr_psprintf(pool, "%s/avatars/%s/%s.%s", CDN, id, hash, strncmp(hash, "a_", 2) ? "png" : "gif");
    if (strcmp(number, "0") != 0) return apr_psprintf(pool, "%s/embed/avatars/%" APR_INT64_T_FMT ".png", CDN, apr_atoi64(number) % 5);
    return apr_psprintf(pool, "%s/embed/avatars/%" APR_INT64_T_FMT ".png", CDN, (apr_atoi64(id) >> 22) % 6);
}

kr_err_t *kr_claims_discord(json_t *claims, const kr_learning_t *all)
{
    apr_pool_t *pool = all->talk->k->pool;
    const char *id = kr_json_str(claims, "sub"), *name = kr_json_str(all->said, "username");
    const char *number = kr_json_str(all->said, "discriminator");

    if (!number) number = "0";
    if (name) put(claims, "name", apr_pstrcat(pool, name, "#", number, NULL));
    if (id) put(claims, "picture", discord_picture(pool, id, kr_json_str(all->said, "avatar"), number));
    return NULL;
}

/* -- Slack ------------------------------------------------------------------------------- */

/* It says `ok` for yes, with status 200 for both; and lets nobody in whose address is not confirmed. */
kr_err_t *kr_claims_slack(json_t *claims, const kr_learning_t *all)
{
    if (!json_is_true(json_object_get(all->said, "ok"))) return kr_talk_failed(all->talk, "it does not tell who it is");
    if (kr_json_str(claims, "email")) json_object_set_new(claims, "email_verified", json_true());
    return NULL;
}

/* -- Facebook ---------------------------------------------------------------------------- */

/* The proof shows that it is the owner of the token who asks. */
const char *kr_place_facebook(const kr_talk_t *talk, const kr_tokens_t *tokens)
{
    const char *secret = talk->conf->client_secret;
    unsigned char proof[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)tokens->access, strlen(tokens->access), proof, &len))
        return NULL;
    return apr_pstrcat(talk->k->pool,
                       "https://graph.facebook.com/me?fields=id,name,first_name,last_name,middle_name,email,picture,birthday,gender"
                       "&appsecret_proof=",
                       kr_hex(talk->k->pool, proof, len), NULL);
}

/* An address that was not confirmed is not told. */
kr_err_t *kr_claims_facebook(json_t *claims, const kr_learning_t *all)
{
    (void)all;
    if (kr_json_str(claims, "email")) json_object_set_new(claims, "email_verified", json_true());
    return NULL;
}

/* -- VK ------------------------------------------------------------------------------------ */

const char *kr_place_vk(const kr_talk_t *talk, const kr_tokens_t *tokens)
{
    return apr_pstrcat(talk->k->pool, "https://api.vk.com/method/users.get?fields=photo_200,nickname,bdate,sex&v=5.103&access_token=",
                       kr_url_escape(talk->k->pool, tokens->access), NULL);
}

/* Its address comes with the token. */
kr_err_t *kr_claims_vk(json_t *claims, const kr_learning_t *all)
{
    const json_t *user = json_array_get(json_object_get(all->said, "response"), 0), *id = json_object_get(user, "id");
    const json_int_t sex = json_integer_value(json_object_get(user, "sex"));

    if (json_is_integer(id)) put(claims, "sub", apr_psprintf(all->talk->k->pool, "%" APR_INT64_T_FMT, (apr_int64_t)json_integer_value(id)));
    put(claims, "given_name", kr_json_str(user, "first_name"));
    put(claims, "family_name", kr_json_str(user, "last_name"));
    put(claims, "nickname", kr_json_str(user, "nickname"));
    put(claims, "picture", kr_json_str(user, "photo_200"));
    put(claims, "birthdate", kr_json_str(user, "bdate"));
    put(claims, "email", kr_json_str(all->tokens->answer, "email"));
    put(claims, "gender", sex == 1 ? "female" : sex == 2 ? "male" : NULL);
    return NULL;
}

/* -- Yandex, Spotify, LinkedIn --------------------------------------------------------- */

kr_err_t *kr_claims_yandex(json_t *claims, const kr_learning_t *all)
{
    const char *id = kr_json_str(all->said, "default_avatar_id");

    if (id && *id && !json_is_true(json_object_get(all->said, "is_avatar_empty")))
        put(claims, "picture", apr_pstrcat(all->talk->k->pool, "https://avatars.yandex.net/get-yapic/", id, "/islands-200", NULL));
    return NULL;
}

kr_err_t *kr_claims_spotify(json_t *claims, const kr_learning_t *all)
{
    put(claims, "picture", kr_json_str(json_array_get(json_object_get(all->said, "images"), 0), "url"));
    return NULL;
}

/* The third size of a picture, or the largest below it. */
static const char *linkedin_picture(const json_t *said)
{
    const json_t *sizes = json_object_get(json_object_get(json_object_get(said, "profilePicture"), "displayImage~"), "elements");
    size_t count = json_array_size(sizes);

    if (!count) return NULL;
    return kr_json_str(json_array_get(json_object_get(json_array_get(sizes, (count < 3 ? count : 3) - 1), "identifiers"), 0), "identifier");
}

kr_err_t *kr_claims_linkedin(json_t *claims, const kr_learning_t *all)
{
    static const char EMAIL[] = "https://api.linkedin.com/v2/emailAddress?q=members&projection=(elements*(handle~))";
    json_t *answer;

    KR_TRY(kr_talk_ask(&answer, all->talk, EMAIL, all->tokens->access));
    put(claims, "email", kr_json_str(json_object_get(json_array_get(json_object_get(answer, "elements"), 0), "handle~"), "emailAddress"));
    put(claims, "picture", linkedin_picture(all->said));
    return NULL;
}

/* -- Microsoft ----------------------------------------------------------------------------- */

/* That of people with an account of their own, of no company's. */
#define CONSUMERS "9188040d-6c67-4c5b-b112-36a304b66dad"

/* A tenant that is named by its domain cannot be compared: its tokens name an id. */
static int is_tenant(const char *wanted, const char *tid)
{
    if (!strcmp(wanted, "consumers")) return !strcmp(tid, CONSUMERS);
    if (!strcmp(wanted, "organizations")) return strcmp(tid, CONSUMERS) != 0;
    return !kr_uuid_valid(wanted) || !strcasecmp(wanted, tid);
}

static kr_err_t *wrong_tenant(kr_talk_t *talk)
{
    kr_log(talk->k, KR_LOG_INFO, KRLOGNO(0907) "provider %s: the person is of another tenant than microsoft_tenant", talk->conf->id);
    return kr_err(talk->k, 403, NULL, "the ID token is not to be believed: it is of another tenant");
}

kr_err_t *kr_claims_microsoft(json_t *claims, const kr_learning_t *all)
{
    const char *tid = kr_json_str(all->said, "tid"), *iss = kr_json_str(all->said, "iss"), *source = all->talk->conf->subject_source;
    json_t *me;

    if (!tid || !strstr(iss, tid) || !is_tenant(all->talk->conf->microsoft_tenant, tid)) return wrong_tenant(all->talk);
    if (!strcmp(source, "userinfo")) return NULL;
    json_object_del(claims, "sub");
    if (!strcmp(source, "oid")) {
        put(claims, "sub", kr_json_str(claims, "oid"));
        return NULL;
    }
    KR_TRY(kr_talk_ask(&me, all->talk, "https://graph.microsoft.com/v1.0/me", all->tokens ? all->tokens->access : NULL));
    put(claims, "sub", kr_json_str(me, "id"));
    return NULL;
}

/* -- X ------------------------------------------------------------------------------------------ */

/* Its issuer is the place that it was asked at, to the letter. */
kr_err_t *kr_claims_x(json_t *claims, const kr_learning_t *all)
{
    const char *asked = kr_talk_is_asked(all->talk, "email") ? "?include_email=true" : "";

    put(claims, "iss", apr_pstrcat(all->talk->k->pool, all->talk->at.person, asked, NULL));
    return NULL;
}

/* -- Apple ----------------------------------------------------------------------------------- */

/* The name comes once, at the first time, beside the code; nobody signed it. */
kr_err_t *kr_claims_apple(json_t *claims, const kr_learning_t *all)
{
    const char *user = all->back ? all->back->user : NULL;
    const json_t *said = user ? kr_json_parse(all->talk->k->pool, user, strlen(user), NULL) : NULL;

    put_new(claims, "given_name", kr_json_str(said, "name.firstName"));
    put_new(claims, "last_name", kr_json_str(said, "name.lastName"));
    put_new(claims, "family_name", kr_json_str(said, "name.lastName"));
    return NULL;
}
