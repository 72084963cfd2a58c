/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts and sessions straight into a database: see the script of the same name. Sixteen of them are five statements. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_dbd.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <openssl/evp.h>

#include "kr_clock.h"
#include "kr_db.h"
#include "kr_draft.h"
#include "kr_password.h"
#include "kr_realm.h"
#include "kr_text.h"

#define AT_ONCE 16     /* rows of one statement, see kr_db_insert_many */
#define PER_TX 2000    /* accounts of one transaction */
#define PASSWORD "fill it up, t-one by t-one"

typedef struct {
    apr_pool_t *pool;
    const char *config, *realm, *sql, *driver;
    apr_array_header_t *hosts;
    long sessions, from;
} wanted_t;

/* One account, and what its rows have in common. */
typedef struct {
    const char *identity, *credential, *email;
} account_t;

typedef struct {
    const char *phc, *schema_id;
    long first, end; /* numbers of this transaction */
} batch_t;

static void fail(const char *what)
{
    fprintf(stderr, "fill: %s\n", what);
    exit(1);
}

static void check(const kr_err_t *err)
{
    if (err) fail(err->reason ? err->reason : "the database refused it");
}

/* -- rows ------------------------------------------------------------------- */

static const kr_query_t IDENTITIES = {
    .name = "fill_identities",
    .sql = "INSERT INTO identities (id, realm_id, schema_id, state, traits, available_aal, state_changed_at, created_at, updated_at) VALUES",
    .row = "(%s, %s, %s, 'active', %s, 'aal1', %lld, %lld, %lld)",
};

static const kr_query_t CREDENTIALS = {
    .name = "fill_credentials",
    .sql = "INSERT INTO identity_credentials (id, realm_id, identity_id, type, config, created_at, updated_at) VALUES",
    .row = "(%s, %s, %s, 'password', %s, %lld, %lld)",
};

static const kr_query_t IDENTIFIERS = {
    .name = "fill_identifiers",
    .sql = "INSERT INTO identity_identifiers (realm_id, type, identifier, credential_id) VALUES",
    .row = "(%s, 'password', %s, %s)",
};

static const kr_query_t ADDRESSES = {
    .name = "fill_addresses",
    .sql = "INSERT INTO identity_addresses (id, realm_id, identity_id, recovery, via, value, status, verified, position, verified_at, "
           "created_at, updated_at) VALUES",
    .row = "(%s, %s, %s, 0, 'email', %s, 'completed', 1, 0, %lld, %lld, %lld)",
};

static const kr_query_t SESSIONS = {
    .name = "fill_sessions",
    .sql = "INSERT INTO sessions (id, realm_id, identity_id, token_hash, old_token_until, aal, methods, active, device_id, ip_address, "
           "location, issued_at, authenticated_at, expires_at, created_at, updated_at, seen_at) VALUES",
    .row = "(%s, %s, %s, %s, 0, 'aal1', %s, 1, %s, '127.0.0.1', '', %lld, %lld, %lld, %lld, %lld, %lld)",
};

/* "ory_st_" and the MD5 of "t<number>". */
static const char *token_of(apr_pool_t *pool, long number)
{
    const char *text = apr_psprintf(pool, "t%ld", number);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    char *token = apr_pstrdup(pool, "ory_st_0123456789abcdef0123456789abcdef");

    if (!EVP_Digest(text, strlen(text), digest, &len, EVP_md5(), NULL)) fail("no MD5 in this OpenSSL");
    for (unsigned i = 0; i < len; i++) snprintf(token + 7 + 2 * i, 3, "%02x", digest[i]);
    return token;
}

static kr_err_t *put_accounts(kr_ctx_t *k, const batch_t *batch, const account_t *account, int n)
{
    const char *realm = k->realm->name, *config = apr_psprintf(k->pool, "{\"hashed_password\":\"%s\"}", batch->phc);
    kr_arg_t identity[AT_ONCE * 7], credential[AT_ONCE * 6], identifier[AT_ONCE * 3], address[AT_ONCE * 7];
    kr_arg_t *i = identity, *c = credential, *d = identifier, *a = address;
    const kr_arg_t now = KR_I(k->now);

    for (const account_t *each = account; each < account + n; each++) {
        const kr_arg_t identities[] = { KR_S(each->identity), KR_S(realm), KR_S(batch->schema_id),
                                        KR_S(apr_psprintf(k->pool, "{\"email\":\"%s\"}", each->email)), now, now, now };
        const kr_arg_t credentials[] = { KR_S(each->credential), KR_S(realm), KR_S(each->identity), KR_S(config), now, now };
        const kr_arg_t identifiers[] = { KR_S(realm), KR_S(each->email), KR_S(each->credential) };
        const kr_arg_t addresses[] = { KR_S(kr_uuid(k)), KR_S(realm), KR_S(each->identity), KR_S(each->email), now, now, now };

        for (int j = 0; j < KR_DIM(identities); j++) *i++ = identities[j];
        for (int j = 0; j < KR_DIM(credentials); j++) *c++ = credentials[j];
        for (int j = 0; j < KR_DIM(identifiers); j++) *d++ = identifiers[j];
        for (int j = 0; j < KR_DIM(addresses); j++) *a++ = addresses[j];
    }
    KR_TRY(kr_db_insert_many(k, &IDENTITIES, identity, 7, n));
    KR_TRY(kr_db_insert_many(k, &CREDENTIALS, credential, 6, n));
    KR_TRY(kr_db_insert_many(k, &IDENTIFIERS, identifier, 3, n));
    return kr_db_insert_many(k, &ADDRESSES, address, 7, n);
}

static kr_err_t *put_sessions(kr_ctx_t *k, const account_t *account, long number, int n)
{
    const char *methods = apr_psprintf(k->pool, "[{\"method\":\"password\",\"aal\":\"aal1\",\"completed_at\":\"%s\"}]",
                                       kr_time_rfc3339(k->pool, k->now));
    const kr_arg_t now = KR_I(k->now), end = KR_I(k->now + k->realm->settings->session_lifespan);
    kr_arg_t rows[AT_ONCE * 12], *row = rows;

    for (int i = 0; i < n; i++) {
        const char *hash = kr_hmac(k->pool, k->realm->keys, KR_KEY_TOKEN, 0, token_of(k->pool, number + i));
        const kr_arg_t session[] = { KR_S(kr_uuid(k)), KR_S(k->realm->name), KR_S(account[i].identity), KR_S(hash), KR_S(methods),
                                     KR_S(kr_uuid(k)), now, now, end, now, now, now };

        for (int j = 0; j < KR_DIM(session); j++) *row++ = session[j];
    }
    return kr_db_insert_many(k, &SESSIONS, rows, 12, n);
}

static kr_err_t *put_batch(kr_ctx_t *k, void *baton)
{
    const batch_t *batch = baton;
    account_t account[AT_ONCE];

    for (long number = batch->first; number < batch->end; number += AT_ONCE) {
        int n = batch->end - number < AT_ONCE ? (int)(batch->end - number) : AT_ONCE;

        for (int i = 0; i < n; i++)
            account[i] = (account_t){ kr_uuid(k), kr_uuid(k), apr_psprintf(k->pool, "t%ld@fill.example", number + i) };
        KR_TRY(put_accounts(k, batch, account, n));
        KR_TRY(put_sessions(k, account, number, n));
    }
    return NULL;
}

/* -- what is wanted ----------------------------------------------------------- */

static void add_host(wanted_t *wanted, const char *text)
{
    const char *blank = strchr(text, ' ');

    if (!blank) fail("--db wants the driver and its parameters in one word: 'sqlite3 /some/file'");
    wanted->driver = apr_pstrmemdup(wanted->pool, text, (apr_size_t)(blank - text));
    APR_ARRAY_PUSH(wanted->hosts, const char *) = blank + 1;
}

static void read_options(wanted_t *wanted, int argc, const char *const *argv)
{
    for (int i = 1; i < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];

        if (i + 1 == argc) fail(apr_psprintf(wanted->pool, "%s needs a value", name));
        if (!strcmp(name, "--config")) wanted->config = value;
        else if (!strcmp(name, "--db")) add_host(wanted, value);
        else if (!strcmp(name, "--realm")) wanted->realm = value;
        else if (!strcmp(name, "--sql")) wanted->sql = value;
        else if (!strcmp(name, "--sessions")) wanted->sessions = atol(value);
        else if (!strcmp(name, "--from")) wanted->from = atol(value);
        else fail(apr_psprintf(wanted->pool, "unknown option %s", name));
    }
    if (!wanted->config || !wanted->hosts->nelts || wanted->sessions < 1 || wanted->from < 1)
        fail("--config FILE, --db 'DRIVER PARAMS' and --sessions N are needed");
}

static kr_realm_t *realm_of(const wanted_t *wanted)
{
    const kr_dbconf_t conf = { .driver = wanted->driver, .params = wanted->hosts, .keep = 1, .max = 1, .wait = apr_time_from_sec(5) };
    kr_draft_t *draft = kr_draft_make(wanted->pool);
    const char *why = kr_draft_load(draft, wanted->config);
    apr_array_header_t *findings = NULL;
    const kr_settings_t *settings;
    kr_realm_t *realm;

    if (why) fail(why);
    settings = kr_draft_finish(draft, 1, &findings);
    if (!settings) fail(findings && findings->nelts ? APR_ARRAY_IDX(findings, 0, kr_finding_t).text : "the configuration cannot be used");
    realm = kr_realm_make(wanted->pool, wanted->realm, settings);
    realm->dbpool = kr_dbpool_make(wanted->pool, &conf, NULL, &why);
    if (!realm->dbpool) fail(why);
    if (kr_dbpool_open(realm->dbpool, wanted->pool) != APR_SUCCESS) fail("the database cannot be opened");
    return realm;
}

/* -- filling ------------------------------------------------------------------ */

static const char *hash_once(const kr_realm_t *realm, apr_pool_t *pool)
{
    const kr_hasher_t *hasher = &realm->settings->hasher;
    const char *phc = NULL;

    if (kr_slots_make(pool, 1, hasher->bcrypt ? 0 : hasher->memory, apr_time_from_sec(10), 1) != APR_SUCCESS) fail("no memory to hash in");
    check(kr_password_hash(&phc, kr_ctx_make(pool, realm, KR_LOG_WARNING), hasher, PASSWORD));
    return phc;
}

static void fill(const wanted_t *wanted, const kr_realm_t *realm)
{
    batch_t batch = { .phc = hash_once(realm, wanted->pool), .schema_id = realm->settings->default_schema_id };
    const long end = wanted->from + wanted->sessions;

    for (long number = wanted->from; number < end; number = batch.end) {
        apr_pool_t *pool;
        kr_ctx_t *k;

        apr_pool_create(&pool, wanted->pool);
        k = kr_ctx_make(pool, realm, KR_LOG_WARNING);
        batch.first = number;
        batch.end = end - number > PER_TX ? number + PER_TX : end;
        check(kr_db_tx(k, put_batch, &batch));
        apr_pool_destroy(pool);
    }
}

int main(int argc, const char *const *argv)
{
    wanted_t wanted = { .realm = "main", .sql = "sql", .from = 1 };
    apr_time_t began = kr_clock_ticks();
    kr_realm_t *realm;
    kr_ctx_t *k;
    int pending;

    apr_app_initialize(&argc, &argv, NULL);
    apr_pool_create(&wanted.pool, NULL);
    apr_dbd_init(wanted.pool);
    wanted.hosts = apr_array_make(wanted.pool, 1, sizeof(const char *));
    read_options(&wanted, argc, argv);
    realm = realm_of(&wanted);
    k = kr_ctx_make(wanted.pool, realm, KR_LOG_WARNING);
    check(kr_db_migrate(&pending, k, wanted.sql, 1));
    kr_db_release(k);
    fill(&wanted, realm);
    printf("%ld accounts with a session each in %.1f s\n", wanted.sessions, (double)(kr_clock_ticks() - began) / APR_USEC_PER_SEC);
    apr_pool_destroy(wanted.pool);
    apr_terminate();
    return 0;
}
