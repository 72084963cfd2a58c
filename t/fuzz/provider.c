/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets of what sites that people sign in with send (src/provider): tokens, keys, documents, people. The network is a function: what is
 * not the input is good and always the same, and so is the time, so that the signatures of seeds hold.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "kr_document.h"
#include "kr_json.h"
#include "kr_net.h"
#include "kr_provider.h"
#include "kr_realm.h"
#include "kr_share.h"
#include "kr_text.h"

#define NOW apr_time_from_sec(1700000000)
#define ISSUER "https://op.example"
#define INPUT_MAX 65536
#define DOCUMENT                                                                                                       \
    "{\"issuer\":\"" ISSUER "\",\"authorization_endpoint\":\"" ISSUER "/a\",\"token_endpoint\":\"" ISSUER "/t\",\"jwks_uri\":\"" ISSUER "/j\"}"
/* Nobody has their private halves any more. */
#define KEYS                                                                                                           \
    "{\"keys\":[{\"kty\":\"RSA\",\"use\":\"sig\",\"alg\":\"RS256\",\"kid\":\"k1\",\"n\":\"1BH1Fiz18zyP_h94OdbZc9Lc-i_8t5YnVK5eP8wtcyJhRaTZWjUGfLZyhoPNqq0b9doY0YZdaIRX5oub80AVFr-VNrM9Cde8ZIaLBvSVlDTGzauBwSzy_8i1pPXiVNX3oyfylrWLWyQ9zFHVc2eHC2rFPbP7vFtNoAVmEVPd4tM-r-UNHv7A5KzA1Lo5ibu-JcF8poqvGqrTmU1iYLHoUsB0eB0JdU09NJyXDY82oLu2Gcx_6yVNWh62gqB2gGpptZPS7oPcWu6Pm4S0zuJhBOmdFX9qZNtsodzygJyNQUbqsH8enYAN39b47GCXUlqJGJ5l0q1Xo77fvz_vautgyQ\",\"e\":\"AQAB\"}," \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"use\":\"sig\",\"kid\":\"e1\",\"x\":\"8y3t4g5HfEkXvYPl1VIJzjLL61oB9xthsuleJZLbCLw\",\"y\":\"dH6S892unEng9SGVeNZ1DQnpfpC7QeT-oxrQz8F02Ss\"}]}"
#define TOKEN                                                                                                          \
    "eyJhbGciOiJFUzI1NiIsImtpZCI6ImUxIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL29wLmV4YW1wbGUiLCJhdWQiOiJjIiwic3ViIjoiYWRhIiwiZXhwIjoxNzAwMDAwMzAwLCJpYXQiOjE3MDAwMDAwMDAsIm5vbmNlIjoibiJ9.ebOcA-ryVHCVLEqy75ecYjqLlOxmWncxfgaD3csLh5suBDFVdyqQkVPNt1_1na4Gn4PzA9aE1N1tk93cDaudug"

/* What the network answers. */
typedef struct {
    const char *document, *keys, *tokens, *person;
    size_t document_len, keys_len, person_len;
} net_t;

static net_t net;

static void answer(kr_net_reply_t *out, const char *body, size_t len)
{
    out->status = 200;
    out->body = body;
    out->body_len = len;
}

/* In place of src/net/http_client.c. */
kr_err_t *kr_net_call(kr_net_reply_t *out, kr_ctx_t *k, const kr_net_request_t *req)
{
    (void)k;
    memset(out, 0, sizeof(*out));
    if (strstr(req->url, "/.well-known/")) answer(out, net.document, net.document_len);
    else if (!strcmp(req->url, ISSUER "/j")) answer(out, net.keys, net.keys_len);
    else if (req->method && !strcmp(req->method, "POST")) answer(out, net.tokens, strlen(net.tokens));
    else answer(out, net.person, net.person_len);
    return NULL;
}

/* -- what all have ------------------------------------------------------------------------ */

typedef struct {
    apr_pool_t *pool;
    kr_settings_t settings;
    kr_realm_t realm;
    kr_ctx_t k;
    kr_oidc_provider_conf_t conf;
    char *text; /* the input, with a NUL behind it that is not its own */
} stage_t;

static void set_up(stage_t *stage, const uint8_t *data, size_t size, const char *kind)
{
    const apr_array_header_t *none;

    memset(stage, 0, sizeof(*stage));
    apr_initialize();
    MUST(apr_pool_create(&stage->pool, NULL) == APR_SUCCESS);
    none = apr_array_make(stage->pool, 1, sizeof(const char *));
    stage->settings.oidc.timeout = apr_time_from_sec(10);
    stage->realm.settings = &stage->settings;
    stage->k = (kr_ctx_t){ .pool = stage->pool, .realm = &stage->realm, .now = NOW };
    stage->conf = (kr_oidc_provider_conf_t){
        .id = "a", .provider = kind, .client_id = "c", .client_secret = "s", .issuer_url = ISSUER, .claims_source = "id_token", .pkce = "auto",
        .subject_source = "userinfo", .scope = none, .additional_id_token_audiences = none, .discovery = kr_document_make(stage->pool),
        .share = kr_share_make(stage->pool),
    };
    net = (net_t){ DOCUMENT, KEYS, "{\"access_token\":\"at\"}", "{}", strlen(DOCUMENT), strlen(KEYS), 2 };
    stage->text = malloc(size + 1);
    MUST(stage->text);
    if (size) memcpy(stage->text, data, size);
    stage->text[size] = '\0';
}

static void clear(stage_t *stage)
{
    apr_pool_destroy(stage->pool);
    free(stage->text);
}

/* Whoever is known has a subject and an issuer, and what they are known by is in the claims. */
static void check_person(const kr_provider_person_t *person)
{
    MUST(person->subject && *person->subject && !strcmp(person->subject, kr_json_str(person->claims, "sub")));
    MUST(json_is_object(person->claims) && kr_json_str(person->claims, "iss") && json_object_get(person->claims, "raw_claims"));
}

/* -- targets --------------------------------------------------------------------------------- */

int fuzz_idtoken(const uint8_t *data, size_t size)
{
    kr_provider_person_t person;
    apr_array_header_t *among;
    stage_t stage;

    if (size > INPUT_MAX) return 0;
    set_up(&stage, data, size, "generic");
    among = apr_array_make(stage.pool, 1, sizeof(kr_oidc_provider_conf_t));
    APR_ARRAY_PUSH(among, kr_oidc_provider_conf_t) = stage.conf;
    if (!kr_provider_id_token(&person, &stage.k, &stage.conf, stage.text, "n")) {
        check_person(&person);
        MUST(!strcmp(person.subject, "ada")); /* whatever is done to a token, it never becomes another's */
        MUST(kr_provider_of_token(&stage.k, among, stage.text));
        MUST(!strcmp(kr_provider_nonce_of(&stage.k, stage.text), "n"));
    }
    kr_provider_of_token(&stage.k, among, stage.text);
    kr_provider_nonce_of(&stage.k, stage.text);
    clear(&stage);
    return 0;
}

int fuzz_keyset(const uint8_t *data, size_t size)
{
    kr_provider_person_t person;
    stage_t stage;

    if (size > INPUT_MAX) return 0;
    set_up(&stage, data, size, "generic");
    net.keys = stage.text;
    net.keys_len = size;
    if (!kr_provider_id_token(&person, &stage.k, &stage.conf, TOKEN, "n")) check_person(&person);
    clear(&stage);
    return 0;
}

int fuzz_discovery(const uint8_t *data, size_t size)
{
    const kr_provider_start_t start = { .state = "s", .redirect_uri = "https://id.example.org/", .verifier = "v" };
    const kr_provider_back_t back = { .code = "c", .redirect_uri = "https://id.example.org/" };
    kr_provider_person_t person;
    const char *url;
    stage_t stage;
    int pkce;

    if (size > INPUT_MAX) return 0;
    set_up(&stage, data, size, "generic");
    net.document = stage.text;
    net.document_len = size;
    net.tokens = "{\"access_token\":\"at\",\"id_token\":\"" TOKEN "\"}";
    if (!kr_provider_auth_url(&url, &pkce, &stage.k, &stage.conf, &start)) {
        MUST(!strncasecmp(url, "http", 4) && strstr(url, "client_id=c"));
        if (!kr_provider_check_iss(&stage.k, &stage.conf, ISSUER)) MUST(kr_provider_check_iss(&stage.k, &stage.conf, "https://evil.example"));
        if (!kr_provider_redeem(&person, &stage.k, &stage.conf, &back)) check_person(&person);
    }
    clear(&stage);
    return 0;
}

int fuzz_person(const uint8_t *data, size_t size)
{
    static const char *const KINDS[] = { "github", "github-app", "gitlab", "auth0", "salesforce", "uaepass", "discord", "slack", "facebook", "vk", "yandex", "spotify",
                                         "patreon", "linkedin", "lark", "amazon", "dingtalk" };
    const kr_provider_back_t back = { .code = "c", .redirect_uri = "https://id.example.org/" };
    kr_provider_person_t person;
    stage_t stage;
    char *end;

    if (size > INPUT_MAX) return 0;
    set_up(&stage, data, size, "generic");
    end = memchr(stage.text, '\n', size);
    for (int i = 0; end && i < KR_DIM(KINDS); i++) {
        if (strlen(KINDS[i]) != (size_t)(end - stage.text) || memcmp(KINDS[i], stage.text, strlen(KINDS[i])) != 0) continue;
        stage.conf.provider = KINDS[i];
        net.tokens = !strcmp(KINDS[i], "dingtalk") ? "{\"accessToken\":\"at\"}" : "{\"access_token\":\"at\"}";
        net.person = end + 1;
        net.person_len = size - (size_t)(end + 1 - stage.text);
        if (!kr_provider_redeem(&person, &stage.k, &stage.conf, &back)) check_person(&person);
    }
    clear(&stage);
    return 0;
}
