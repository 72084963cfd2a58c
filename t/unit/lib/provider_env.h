/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An internet of the test's own in place of src/net/http_client.c, an OpenID provider in it, and the keys to sign with: for the tests of
 * src/provider. Nothing leaves the process.
 */
#ifndef PROVIDER_ENV_H
#define PROVIDER_ENV_H

#include <apr_general.h>
#include <apr_strings.h>
#include <string.h>

#include <cjose/cjose.h>

#include "kr_crypto.h"
#include "kr_document.h"
#include "kr_json.h"
#include "kr_net.h"
#include "kr_provider.h"
#include "kr_realm.h"
#include "kr_share.h"
#include "kr_text.h"
#include "test.h"

#define ISSUER "https://op.example"
#define CLIENT "client-1"
#define SECRET "secret of the client"
#define BACK "https://id.example.org/self-service/methods/oidc/callback/acme"

/* What a place of the internet answers. */
typedef struct {
    const char *url;    /* what it begins with: the longest one counts */
    int status;         /* 0: nobody is there */
    const char *body;
    int hits;
} place_t;

/* A call that was made. */
typedef struct {
    const char *method, *url, *body;
    const apr_table_t *headers;
    apr_time_t timeout;
    apr_size_t max_bytes;
} call_t;

typedef struct {
    apr_pool_t *pool;
    kr_ctx_t *k;
    kr_realm_t realm;
    kr_settings_t settings;
    kr_oidc_provider_conf_t *conf; /* "acme", generic, of ISSUER */
    apr_array_header_t *places;    /* of place_t */
    apr_array_header_t *calls;     /* of call_t */
    void (*during)(void);          /* asked while a call is under way; or NULL */
} net_env_t;

/* The keys of the provider, and some that are not its own; made once. */
typedef enum { RSA_OURS, RSA_OTHER, EC_256, EC_384, EC_521, RSA_SMALL, KEYS } key_e;

/** Set-up of a test: *state is a net_env_t; the provider answers at ISSUER. */
int open_net(void **state);
/** And its end. */
int close_net(void **state);
/** The same for a group: the keys. */
int make_keys(void **state);

/** A place answers so from now on. */
void place(net_env_t *env, const char *url, int status, const char *body);
/** The same with JSON, made as by json_pack. */
void place_json(net_env_t *env, const char *url, const char *fmt, ...);
/** How often something was asked that begins so. */
int hits(const net_env_t *env, const char *url);
/** The last call to something that begins so; the test fails when there is none. */
const call_t *call_to(const net_env_t *env, const char *url);
/** A field of the form that such a call carried, or NULL. */
const char *field(const net_env_t *env, const call_t *call, const char *name);

/** A provider of that kind, with the least that it needs. */
kr_oidc_provider_conf_t *provider(net_env_t *env, const char *kind);
/** Its scopes are these. */
void scopes(net_env_t *env, kr_oidc_provider_conf_t *conf, const char *words);

/** The public half of a key as its JWK, with that key id. New reference. */
json_t *jwk(key_e key, const char *kid);
/** The provider publishes these keys: pairs of key id and key, until a NULL. */
void publish(net_env_t *env, ...);
/** Claims that are good now for `conf`, with `more` over them (a null takes one away); `more` is stolen, and may be NULL. Pool-owned. */
json_t *claims_for(net_env_t *env, const kr_oidc_provider_conf_t *conf, json_t *more);
/** Signed with that key. */
const char *signed_by(net_env_t *env, key_e key, const char *alg, const char *kid, const json_t *claims);
/** Signed as RS256 with RSA_OURS, whatever the header says; it is stolen. */
const char *with_header(net_env_t *env, json_t *header, const json_t *claims);
/** The usual: RS256, key k1. */
const char *token(net_env_t *env, const kr_oidc_provider_conf_t *conf, json_t *more);
/** What comes for the next code: an access token, and that ID token (or NULL). */
void next_tokens(net_env_t *env, const char *url, const char *id_token);

/** An error of that status whose reason holds the words. */
void not_taken(const kr_err_t *err, int status, const char *words);
/** The URL's query parameter, decoded, or NULL. */
const char *query(net_env_t *env, const char *url, const char *name);

#define NET_TEST(name) cmocka_unit_test_setup_teardown(name, open_net, close_net)

#endif
