/* SPDX-License-Identifier: Apache-2.0 */
/* The table families of the store: what is written comes back, and nobody else's does. */
#include "store_env.h"
#include "kr_store_code.h"
#include "kr_store_error.h"
#include "kr_store_identity.h"
#include "kr_store_message.h"
#include "kr_store_session.h"
#include "kr_store_sweep.h"

/* -- what the tests store ------------------------------------------------- */

static kr_identity_rows_t *an_identity(kr_ctx_t *k, const char *email)
{
    kr_identity_rows_t *rows = apr_pcalloc(k->pool, sizeof(*rows));
    kr_credential_row_t password = { kr_uuid(k), "password", "{\"hashed_password\":\"x\"}", k->now, k->now, 0 };
    kr_address_row_t address = {
        .via = "email", .value = email, .status = "pending", .created_at = k->now, .updated_at = k->now
    };

    rows->identity = (kr_identity_row_t){ .id = kr_uuid(k),
                                          .schema_id = "default",
                                          .state = "active",
                                          .available_aal = "aal1",
                                          .traits = apr_psprintf(k->pool, "{\"email\":\"%s\"}", email),
                                          .metadata_public = "{\"a\":1}",
                                          .metadata_admin = "{\"b\":2}",
                                          .state_changed_at = k->now,
                                          .created_at = k->now,
                                          .updated_at = k->now };
    rows->credentials = apr_array_make(k->pool, 1, sizeof(password));
    APR_ARRAY_PUSH(rows->credentials, kr_credential_row_t) = password;
    rows->identifiers = apr_array_make(k->pool, 1, sizeof(kr_identifier_row_t));
    APR_ARRAY_PUSH(rows->identifiers, kr_identifier_row_t) = (kr_identifier_row_t){ password.id, "password", email };
    rows->addresses = apr_array_make(k->pool, 2, sizeof(address));
    for (int i = 1; i >= 0; i--) { /* the last one first: the store puts them in order */
        address.id = kr_uuid(k);
        address.recovery = address.position = i;
        APR_ARRAY_PUSH(rows->addresses, kr_address_row_t) = address;
    }
    return rows;
}

static kr_session_row_t a_session(kr_ctx_t *k, const char *identity_id, const char *token_hash)
{
    return (kr_session_row_t){ .id = kr_uuid(k),
                               .identity_id = identity_id,
                               .token_hash = token_hash,
                               .aal = "aal1",
                               .methods = "[]",
                               .active = 1,
                               .device_id = kr_uuid(k),
                               .ip_address = "127.0.0.1:4711",
                               .location = "",
                               .issued_at = k->now,
                               .authenticated_at = k->now,
                               .expires_at = k->now + apr_time_from_sec(3600),
                               .created_at = k->now,
                               .updated_at = k->now };
}

static void stored_session(kr_ctx_t *k, const kr_session_row_t *s)
{
    int done;

    OK(kr_store_session_insert(&done, k, s, 1));
    assert_int_equal(done, 1);
}

static const char *stored_identity(kr_ctx_t *k, const char *email)
{
    kr_identity_rows_t *rows = an_identity(k, email);

    OK(kr_store_identity_insert(k, rows));
    return rows->identity.id;
}

/* -- flows, errors, codes, messages --------------------------------------- */

static void a_flow_comes_back_as_it_was_written(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_flow_row_t f = a_flow(k), *out;

    f.ui = "{\"text\":\"h\xc3\xbc"
           "bsch \xf0\x9f\x98\x80 100% 'quoted'\"}";
    f.submit_count = 3;
    f.refresh = 1;
    OK(kr_store_flow_insert(k, &f));
    OK(kr_store_flow_load(&out, k, "login", f.id));
    assert_non_null(out);
    assert_string_equal(out->ui, f.ui);
    assert_string_equal(out->csrf_hash, "hash");
    assert_null(out->active);
    assert_null(out->internal);
    assert_int_equal(out->submit_count, 3);
    assert_int_equal(out->refresh, 1);
    assert_true(out->expires_at == f.expires_at);
    assert_int_equal(k->statements, 2);

    out->state = "passed_challenge";
    out->active = "password";
    out->internal = "{}";
    OK(kr_store_flow_update(k, out));
    OK(kr_store_flow_load(&out, k, "login", f.id));
    assert_string_equal(out->state, "passed_challenge");
    assert_string_equal(out->active, "password");
    assert_string_equal(out->internal, "{}");
}

static void a_flow_is_not_found_under_another_kind_realm_or_a_strange_id(void **state)
{
    env_t *env = *state;
    kr_flow_row_t f = a_flow(env->k), *out;

    OK(kr_store_flow_insert(env->k, &f));
    OK(kr_store_flow_load(&out, env->k, "settings", f.id));
    assert_null(out);
    OK(kr_store_flow_load(&out, env->k, "login", "\xc3\xa9\xff"));
    assert_null(out);
    OK(kr_store_flow_load(&out, env->k, "login", ""));
    assert_null(out);
    env->k->realm = &env->other;
    OK(kr_store_flow_load(&out, env->k, "login", f.id));
    assert_null(out);
}

static void what_is_too_long_is_refused_and_not_cut(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_flow_row_t f = a_flow(k), *out;
    char *text = apr_pcalloc(k->pool, 70000);
    kr_err_t *err;

    memset(text, 'x', 60 * 1024);
    f.ui = text;
    OK(kr_store_flow_insert(k, &f));
    OK(kr_store_flow_load(&out, k, "login", f.id));
    assert_string_equal(out->ui, text);

    memset(text, 'x', 60 * 1024 + 1);
    f.id = kr_uuid(k);
    err = kr_store_flow_insert(k, &f);
    assert_non_null(err);
    assert_int_equal(err->status, 413);

    f.ui = "{}";
    text[2049] = '\0';
    f.request_url = text;
    err = kr_store_flow_insert(k, &f);
    assert_non_null(err);
    assert_int_equal(err->status, 400);
}

static void what_belongs_to_somebody_deleted_is_a_conflict(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_flow_row_t f = a_flow(k);
    kr_err_t *err;

    OK(kr_store_flow_insert(k, &f));
    err = kr_store_code_insert(k, kr_uuid(k), f.id, "recovery", "ana@example.org", NULL, kr_uuid(k), "hash", k->now + 1);
    assert_non_null(err);
    assert_int_equal(err->status, 409);
    f.id = kr_uuid(k);
    f.identity_id = kr_uuid(k);
    err = kr_store_flow_insert(k, &f);
    assert_non_null(err);
    assert_int_equal(err->status, 409);
}

static void errors_codes_and_messages_are_kept(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_flow_row_t f = a_flow(k);
    kr_identity_rows_t *who = an_identity(k, "ana@x.example");
    const char *id = kr_uuid(k), *error;
    apr_time_t created;

    OK(kr_store_error_insert(k, id, "{\"code\":500}"));
    OK(kr_store_error_load(&error, &created, k, id));
    assert_string_equal(error, "{\"code\":500}");
    assert_true(created == k->now);
    OK(kr_store_error_load(&error, &created, k, kr_uuid(k)));
    assert_null(error);

    OK(kr_store_flow_insert(k, &f));
    OK(kr_store_identity_insert(k, who));
    OK(kr_store_code_insert(k, kr_uuid(k), f.id, "verification", "ana@x.example",
                            APR_ARRAY_IDX(who->addresses, 0, kr_address_row_t).id, who->identity.id, "hash", k->now));
    OK(kr_store_code_insert(k, kr_uuid(k), f.id, "recovery", "nobody@x.example", NULL, NULL, "hash", k->now));
    OK(kr_store_message_insert(k, kr_uuid(k), "email", "ana@x.example", "verification_code_valid", "sealed"));
}

/* -- identities ----------------------------------------------------------- */

static void an_identity_takes_four_statements_to_write_and_one_to_find(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_identity_rows_t *in = an_identity(k, "ana@x.example"), *out;

    OK(kr_store_identity_insert(k, in));
    assert_int_equal(k->statements, 4);
    OK(kr_store_identity_find(&out, k, "password", "ana@x.example"));
    assert_int_equal(k->statements, 5);
    assert_non_null(out);
    assert_string_equal(out->identity.id, in->identity.id);
    assert_string_equal(out->identity.traits, in->identity.traits);
    assert_string_equal(out->identity.metadata_public, "{\"a\":1}");
    assert_null(out->identity.external_id);
    assert_int_equal(out->addresses->nelts, 2);
    assert_int_equal(APR_ARRAY_IDX(out->addresses, 0, kr_address_row_t).recovery, 0);
    assert_int_equal(APR_ARRAY_IDX(out->addresses, 1, kr_address_row_t).recovery, 1);
    assert_int_equal(out->credentials->nelts, 1);
    assert_string_equal(APR_ARRAY_IDX(out->credentials, 0, kr_credential_row_t).config, "{\"hashed_password\":\"x\"}");

    OK(kr_store_identity_load(&out, k, in->identity.id, 1));
    assert_int_equal(k->statements, 7);
    assert_string_equal(out->identity.metadata_admin, "{\"b\":2}");
    assert_int_equal(out->credentials->nelts, 1);
    assert_int_equal(out->identifiers->nelts, 1);
    assert_string_equal(APR_ARRAY_IDX(out->identifiers, 0, kr_identifier_row_t).identifier, "ana@x.example");
    OK(kr_store_identity_load(&out, k, kr_uuid(k), 0));
    assert_null(out);
}

static void identifiers_are_exact_and_belong_to_their_type_and_realm(void **state)
{
    env_t *env = *state;
    kr_identity_rows_t *out;

    stored_identity(env->k, "ana@x.example");
    OK(kr_store_identity_find(&out, env->k, "password", "Ana@x.example"));
    assert_null(out);
    OK(kr_store_identity_find(&out, env->k, "password", "an\xc3\xa1@x.example"));
    assert_null(out);
    OK(kr_store_identity_find(&out, env->k, "code", "ana@x.example"));
    assert_null(out);
    env->k->realm = &env->other;
    OK(kr_store_identity_find(&out, env->k, "password", "ana@x.example"));
    assert_null(out);
    stored_identity(env->k, "ana@x.example"); /* the same person may be a customer of another tenant */
}

static kr_err_t *insert_identity(kr_ctx_t *k, void *baton)
{
    return kr_store_identity_insert(k, baton);
}

static void a_second_identity_with_the_same_identifier_is_a_duplicate_and_leaves_nothing(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_identity_rows_t *second = an_identity(k, "ana@x.example"), *out;
    kr_err_t *err;

    stored_identity(k, "ana@x.example");
    err = kr_db_tx(k, insert_identity, second);
    assert_true(kr_db_is_duplicate(err));
    assert_int_equal(err->status, 409);
    OK(kr_store_identity_load(&out, k, second->identity.id, 0));
    assert_null(out);
}

static void the_credential_types_of_an_identifier_are_listed(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_identity_rows_t *in = an_identity(k, "ana@x.example");
    apr_array_header_t *types;

    APR_ARRAY_PUSH(in->credentials, kr_credential_row_t) =
        (kr_credential_row_t){ kr_uuid(k), "code", "{}", k->now, k->now, 0 };
    OK(kr_store_identity_insert(k, in));
    OK(kr_store_identifier_types(&types, k, "ana@x.example"));
    assert_int_equal(types->nelts, 2);
    assert_string_equal(APR_ARRAY_IDX(types, 0, const char *), "code");
    assert_string_equal(APR_ARRAY_IDX(types, 1, const char *), "password");
    OK(kr_store_identifier_types(&types, k, "nobody@x.example"));
    assert_int_equal(types->nelts, 0);
}

static void an_identifier_of_several_accounts_is_told_apart(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_identity_rows_t *other = an_identity(k, "ana@x.example");
    const char *ana = stored_identity(k, "ana@x.example"), *found;
    int owners;

    OK(kr_store_identifier_owner(&found, &owners, k, "ana@x.example"));
    assert_int_equal(owners, 1);
    assert_string_equal(found, ana);
    APR_ARRAY_IDX(other->credentials, 0, kr_credential_row_t).type = "saml";
    APR_ARRAY_IDX(other->identifiers, 0, kr_identifier_row_t).type = "saml";
    other->addresses->nelts = 0;
    OK(kr_store_identity_insert(k, other));
    OK(kr_store_identifier_owner(&found, &owners, k, "ana@x.example"));
    assert_int_equal(owners, 2);
    assert_string_equal(found, ana); /* "password" comes before "saml" */
    OK(kr_store_identifier_owner(&found, &owners, k, "nobody@x.example"));
    assert_int_equal(owners, 0);
    assert_null(found);
}

static void what_was_read_before_a_change_is_not_written_after_it(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_identity_rows_t *in = an_identity(k, "ana@x.example"), *read, *out;
    kr_credential_row_t *password;
    int done;

    OK(kr_store_identity_insert(k, in));
    OK(kr_store_identity_load(&read, k, in->identity.id, 1));
    password = &APR_ARRAY_IDX(read->credentials, 0, kr_credential_row_t);
    OK(kr_store_identity_state(&done, k, in->identity.id, "inactive"));
    OK(kr_store_identity_update(&done, k, &read->identity));
    assert_int_equal(done, 0);
    OK(kr_store_identity_load(&out, k, in->identity.id, 1));
    assert_string_equal(out->identity.state, "inactive");
    OK(kr_store_identity_lock(&done, k, in->identity.id));
    assert_int_equal(done, 1);
    OK(kr_store_identity_update(&done, k, &out->identity));
    assert_int_equal(done, 0);
    OK(kr_store_identity_load(&out, k, in->identity.id, 1));
    OK(kr_store_identity_update(&done, k, &out->identity));
    assert_int_equal(done, 1);

    OK(kr_store_credential_rehash(&done, k, password->id, password->version, "{\"hashed_password\":\"again\"}"));
    assert_int_equal(done, 1);
    OK(kr_store_credential_update(&done, k, password->id, password->version, "{\"hashed_password\":\"other\"}"));
    assert_int_equal(done, 1); /* hashed anew it was the same */
    OK(kr_store_credential_rehash(&done, k, password->id, password->version, "{\"hashed_password\":\"x\"}"));
    assert_int_equal(done, 0);
    OK(kr_store_credential_update(&done, k, password->id, password->version, "{\"hashed_password\":\"x\"}"));
    assert_int_equal(done, 0);
    OK(kr_store_identity_find(&out, k, "password", "ana@x.example"));
    assert_string_equal(APR_ARRAY_IDX(out->credentials, 0, kr_credential_row_t).config, "{\"hashed_password\":\"other\"}");
}

static void only_an_address_that_is_not_verified_gets_another_status(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_identity_rows_t *in = an_identity(k, "ana@x.example"), *out;

    OK(kr_store_identity_insert(k, in));
    OK(kr_store_address_status(k, APR_ARRAY_IDX(in->addresses, 1, kr_address_row_t).id, "sent"));
    OK(kr_store_identity_find(&out, k, "password", "ana@x.example"));
    assert_string_equal(APR_ARRAY_IDX(out->addresses, 0, kr_address_row_t).status, "sent");
    assert_string_equal(APR_ARRAY_IDX(out->addresses, 1, kr_address_row_t).status, "pending");
}

/* -- sessions ------------------------------------------------------------- */

static void whoami_is_one_statement(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    const char *who = stored_identity(k, "ana@x.example");
    kr_session_row_t s = a_session(k, who, "token-1");
    kr_session_rows_t *out;

    stored_session(k, &s);
    k->statements = 0;
    OK(kr_store_session_find(&out, k, "token-1", 0));
    assert_int_equal(k->statements, 1);
    assert_non_null(out);
    assert_string_equal(out->session.id, s.id);
    assert_null(out->session.user_agent);
    assert_string_equal(out->session.location, "");
    assert_string_equal(out->identity->identity.id, who);
    assert_int_equal(out->identity->addresses->nelts, 2);
    assert_int_equal(APR_ARRAY_IDX(out->identity->addresses, 0, kr_address_row_t).position, 0);
    assert_int_equal(out->identity->credentials->nelts, 0);
    OK(kr_store_session_find(&out, k, "token-2", 0));
    assert_null(out);
}

static void after_a_refresh_the_old_token_still_leads_to_the_session(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_session_row_t s = a_session(k, stored_identity(k, "ana@x.example"), "token-1"), read;
    kr_session_rows_t *out;
    int done;

    stored_session(k, &s);
    read = s;
    s.old_token_hash = "token-1";
    s.token_hash = "token-2";
    s.old_token_until = k->now + 5;
    s.old_aal = s.aal;
    s.old_methods = s.methods;
    s.old_authenticated_at = s.authenticated_at;
    s.aal = "aal2";
    OK(kr_store_session_update(&done, k, &s, &read, 2));
    assert_int_equal(done, 0); /* the identity is not of that version */
    OK(kr_store_session_update(&done, k, &s, &read, 1));
    assert_int_equal(done, 1);
    OK(kr_store_session_update(&done, k, &s, &read, 1));
    assert_int_equal(done, 0); /* somebody was faster */
    OK(kr_store_session_find(&out, k, "token-1", 0));
    assert_null(out);
    OK(kr_store_session_find(&out, k, "token-1", 1));
    assert_non_null(out);
    assert_true(out->session.old_token_until == k->now + 5);
    assert_string_equal(out->session.aal, "aal2");
    assert_string_equal(out->session.old_aal, "aal1");
    OK(kr_store_session_by_id(&out, k, s.id));
    assert_string_equal(out->session.token_hash, "token-2");
}

static void revoked_sessions_stay_revoked_and_are_not_listed(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    const char *who = stored_identity(k, "ana@x.example"), *someone = stored_identity(k, "bob@x.example");
    kr_session_row_t s[4];
    apr_array_header_t *list;
    apr_int64_t n;
    int done;

    for (int i = 0; i < 4; i++) {
        s[i] = a_session(k, i < 3 ? who : someone, apr_psprintf(k->pool, "token-%d", i));
        s[i].created_at += i;
        stored_session(k, &s[i]);
    }
    OK(kr_store_session_list(&list, &n, k, who, s[1].id, 10, 0));
    assert_int_equal(n, 2);
    assert_int_equal(list->nelts, 2);
    assert_string_equal(APR_ARRAY_IDX(list, 0, kr_session_row_t).id, s[2].id);
    OK(kr_store_session_list(&list, &n, k, who, NULL, 1, 1));
    assert_int_equal(n, 3);
    assert_int_equal(list->nelts, 1);
    assert_string_equal(APR_ARRAY_IDX(list, 0, kr_session_row_t).id, s[1].id);

    OK(kr_store_session_extend(&done, k, s[0].id, k->now + 9));
    assert_int_equal(done, 1);
    OK(kr_store_session_extend(&done, k, s[0].id, k->now + 9)); /* the same value again is still done */
    assert_int_equal(done, 1);
    OK(kr_store_session_revoke(&n, k, s[0].id, someone));
    assert_int_equal(n, 0);
    OK(kr_store_session_revoke(&n, k, s[0].id, who));
    assert_int_equal(n, 1);
    OK(kr_store_session_revoke(&n, k, s[0].id, NULL));
    assert_int_equal(n, 0);
    OK(kr_store_session_extend(&done, k, s[0].id, k->now + 9));
    assert_int_equal(done, 0);
    OK(kr_store_session_count(&n, k, who, s[2].id, 0));
    assert_int_equal(n, 2); /* the one that had ended before counts */
    OK(kr_store_sessions_end_others(&done, k, who, s[2].id, 7));
    assert_int_equal(done, 0); /* it is of another epoch */
    OK(kr_store_sessions_end_others(&done, k, who, s[2].id, 0));
    assert_int_equal(done, 1);
    OK(kr_store_session_list(&list, &n, k, who, NULL, 10, 0));
    assert_int_equal(n, 1);
    OK(kr_store_session_list(&list, &n, k, someone, NULL, 10, 0));
    assert_int_equal(n, 1);
}

static void a_session_begins_only_for_the_account_as_it_was_read(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    const char *who = stored_identity(k, "ana@x.example");
    kr_session_row_t early = a_session(k, who, "early"), late = a_session(k, who, "late"), nobodys = a_session(k, kr_uuid(k), "nobody");
    kr_session_rows_t *out;
    int done;

    OK(kr_store_session_insert(&done, k, &nobodys, 1));
    assert_int_equal(done, 0);
    stored_session(k, &early);
    OK(kr_store_identity_lock(&done, k, who));
    OK(kr_store_session_insert(&done, k, &late, 1));
    assert_int_equal(done, 0);
    OK(kr_store_sessions_end(&done, k, who));
    OK(kr_store_session_insert(&done, k, &late, 2));
    assert_int_equal(done, 0);
    OK(kr_store_session_find(&out, k, "early", 0));
    assert_int_equal(out->session.active, 0);
    late.epoch = 1;
    OK(kr_store_identity_state(&done, k, who, "inactive"));
    OK(kr_store_session_insert(&done, k, &late, 3));
    assert_int_equal(done, 0);
    OK(kr_store_identity_state(&done, k, who, "active"));
    OK(kr_store_session_insert(&done, k, &late, 4));
    assert_int_equal(done, 1);
    OK(kr_store_session_lock(&done, k, late.id, 1, "early"));
    assert_int_equal(done, 0);
    OK(kr_store_session_lock(&done, k, late.id, 1, "late"));
    assert_int_equal(done, 1);
    OK(kr_store_sessions_end_range(k, "", who));
    OK(kr_store_session_find(&out, k, "late", 0));
    assert_int_equal(out->session.active, 0);
}

typedef struct {
    const kr_realm_t *realm;
    int got;
} taker_t;

static void *APR_THREAD_FUNC take_exchange(apr_thread_t *thread, void *data)
{
    taker_t *taker = data;
    kr_ctx_t *k = another(taker->realm);
    const char *session;

    (void)thread;
    if (kr_store_exchange_take(&session, k, "init", "return")) session = NULL;
    taker->got = session != NULL;
    apr_pool_destroy(k->pool);
    return NULL;
}

static void an_exchange_is_taken_once_even_by_six_at_once(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = env->k;
    kr_session_row_t s = a_session(k, stored_identity(k, "ana@x.example"), "token");
    kr_flow_row_t f = a_flow(k);
    taker_t takers[6];
    apr_thread_t *threads[6];
    const char *session;
    apr_status_t rv;
    int done, got = 0;

    stored_session(k, &s);
    OK(kr_store_flow_insert(k, &f));
    OK(kr_store_exchange_insert(k, kr_uuid(k), f.id, "init", NULL, NULL, k->now + apr_time_from_sec(60)));
    OK(kr_store_exchange_take(&session, k, "init", "return"));
    assert_null(session); /* not filled yet */
    OK(kr_store_exchange_fill(&done, k, f.id, "return", s.id));
    assert_int_equal(done, 1);
    OK(kr_store_exchange_take(&session, k, "init", "other"));
    assert_null(session);
    for (int i = 0; i < 6; i++) {
        takers[i] = (taker_t){ &env->realm, 0 };
        apr_thread_create(&threads[i], NULL, take_exchange, &takers[i], env->pool);
    }
    for (int i = 0; i < 6; i++) {
        apr_thread_join(&rv, threads[i]);
        got += takers[i].got;
    }
    assert_int_equal(got, 1);
}

static const kr_query_t COUNT_CODES = { .name = "count", .sql = "SELECT COUNT(*) FROM codes" };

/* One whole sweep. @return the number of rows it deleted */
static apr_int64_t swept(kr_ctx_t *k, int batch)
{
    kr_sweep_t sweep = { 0 };

    do {
        OK(kr_store_sweep(&sweep, k, batch));
    } while (!sweep.done);
    return sweep.deleted;
}

static void what_has_expired_is_swept_with_what_hangs_on_it(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    const char *who = stored_identity(k, "ana@x.example");
    kr_flow_row_t old = a_flow(k), fresh = a_flow(k), *flow;
    kr_session_row_t gone = a_session(k, who, "gone"), live = a_session(k, who, "live"),
                     revoked = a_session(k, who, "revoked");
    kr_session_rows_t *session;
    kr_row_t *row;

    old.expires_at = k->now - apr_time_from_sec(48 * 3600);
    gone.expires_at = k->now - 1;
    OK(kr_store_flow_insert(k, &old));
    OK(kr_store_flow_insert(k, &fresh));
    OK(kr_store_code_insert(k, kr_uuid(k), old.id, "recovery", "x", NULL, NULL, "h", k->now));
    stored_session(k, &gone);
    stored_session(k, &live);
    stored_session(k, &revoked);
    k->now -= apr_time_from_sec(48 * 3600);
    OK(kr_store_session_revoke(NULL, k, revoked.id, NULL));
    k->now += apr_time_from_sec(48 * 3600);
    assert_int_equal(swept(k, 100), 3);
    OK(kr_db_one_(&row, k, &COUNT_CODES, NULL, 0));
    assert_int_equal(kr_row_int(row, 0), 0);
    OK(kr_store_flow_load(&flow, k, "login", old.id));
    assert_null(flow);
    OK(kr_store_flow_load(&flow, k, "login", fresh.id));
    assert_non_null(flow);
    OK(kr_store_session_find(&session, k, "live", 0));
    assert_non_null(session);
    assert_int_equal(swept(k, 100), 0);
}

static int is_there(kr_ctx_t *k, const kr_flow_row_t *flow)
{
    kr_flow_row_t *found;

    OK(kr_store_flow_load(&found, k, "login", flow->id));
    return found != NULL;
}

static void flows_that_nobody_submitted_go_soon_and_others_after_a_day(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_flow_row_t idle = a_flow(k), late = a_flow(k), used = a_flow(k), counted = a_flow(k), mailed = a_flow(k);
    int tries;

    idle.expires_at = used.expires_at = counted.expires_at = mailed.expires_at = k->now - apr_time_from_sec(1200);
    idle.created_at = used.created_at = k->now - apr_time_from_sec(4800);
    idle.updated_at = idle.created_at;
    late.expires_at = k->now - apr_time_from_sec(60); /* who comes a little late is still told so */
    mailed.state = "sent_email";
    OK(kr_store_flow_insert(k, &idle));
    OK(kr_store_flow_insert(k, &late));
    OK(kr_store_flow_insert(k, &used));
    OK(kr_store_flow_insert(k, &counted));
    OK(kr_store_flow_insert(k, &mailed));
    OK(kr_store_flow_count(&tries, k, counted.id));
    assert_int_equal(swept(k, 100), 1);
    assert_false(is_there(k, &idle));
    assert_true(is_there(k, &late) && is_there(k, &used) && is_there(k, &counted) && is_there(k, &mailed));

    k->now += apr_time_from_sec(24 * 3600);
    assert_int_equal(swept(k, 100), 4);
}

/* Made by hand: more rows than batches, others among them, and many of one microsecond. */
static void insert_expired(kr_ctx_t *k, int count, int used, apr_time_t expires_at)
{
    for (int i = 0; i < count; i++) {
        kr_flow_row_t flow = a_flow(k);

        flow.expires_at = expires_at ? expires_at : k->now - apr_time_from_sec(3600) - i;
        if (used) flow.created_at--;
        OK(kr_store_flow_insert(k, &flow));
    }
}

static void the_sweep_goes_on_batch_by_batch_until_it_has_caught_up(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_sweep_t sweep = { 0 };

    insert_expired(k, 35, 0, 0);
    insert_expired(k, 35, 1, 0);
    insert_expired(k, 50, 0, k->now - apr_time_from_sec(7200));
    for (int rounds = 0; !sweep.done; rounds++) {
        const apr_int64_t before = sweep.deleted;

        assert_true(rounds < 50);
        OK(kr_store_sweep(&sweep, k, 10));
        assert_true(sweep.deleted - before <= 20);
    }
    assert_int_equal(sweep.deleted, 85);

    sweep.deleted = 0; /* what came meanwhile is found by the next one, which does not walk through the others again */
    k->now += apr_time_from_sec(3600);
    insert_expired(k, 5, 0, 0);
    k->statements = 0;
    do {
        OK(kr_store_sweep(&sweep, k, 10));
    } while (!sweep.done);
    assert_int_equal(sweep.deleted, 5);
    assert_int_equal(k->statements, 2 * KR_SWEEP_FAMILIES);
}

/* The server notes statements that read a table, or an index, from end to end. */
static const kr_query_t WATCH[] = {
    { .name = "watch", .sql = "SET GLOBAL log_output = 'TABLE'" },
    { .name = "watch", .sql = "SET GLOBAL log_queries_not_using_indexes = ON" },
    { .name = "watch", .sql = "SET GLOBAL slow_query_log = ON" },
};
static const kr_query_t UNWATCH[] = {
    { .name = "unwatch", .sql = "SET GLOBAL slow_query_log = OFF" },
    { .name = "unwatch", .sql = "SET GLOBAL log_queries_not_using_indexes = OFF" },
};
static const kr_query_t NOTED = {
    .name = "noted",
    .sql = "SELECT COUNT(*) FROM mysql.slow_log WHERE sql_text LIKE %s",
};
static const kr_query_t SCAN = { .name = "scan", .sql = "SELECT COUNT(*) FROM flows WHERE ui LIKE '%%scanned%%'" };

static int noted(kr_ctx_t *k, const char *like)
{
    kr_row_t *row;

    OK(kr_db_one(&row, k, &NOTED, KR_S(like)));
    return (int)kr_row_int(row, 0);
}

/* Connections take over what is global when they are made, so the sweep has a pool of its own. */
static void the_sweep_walks_indexes_and_scans_nothing(void **state)
{
    env_t *env = *state;
    const char *why = NULL;
    kr_realm_t realm = env->realm;
    kr_row_t *row;
    kr_ctx_t *k;
    int scans = noted(env->k, "%scanned%"), deletes = noted(env->k, "DELETE FROM%"), looks = noted(env->k, "SELECT%OFFSET%");

    insert_expired(env->k, 300, 0, 0);
    insert_expired(env->k, 300, 1, 0);
    for (int i = 0; i < KR_DIM(WATCH); i++) OK(kr_db_exec_(NULL, env->k, &WATCH[i], NULL, 0));
    realm.dbpool = pool_of(env->pool, env->driver, env->params, 2, &why);
    assert_int_equal(kr_dbpool_open(realm.dbpool, env->pool), APR_SUCCESS);
    k = kr_ctx_make(env->pool, &realm, KR_LOG_ERR);
    k->now = env->k->now;
    OK(kr_db_one_(&row, k, &SCAN, NULL, 0)); /* it does note */
    assert_int_equal(swept(k, 100), 300);
    for (int i = 0; i < KR_DIM(UNWATCH); i++) OK(kr_db_exec_(NULL, env->k, &UNWATCH[i], NULL, 0));
    assert_int_equal(noted(env->k, "%scanned%"), scans + 1);
    assert_int_equal(noted(env->k, "DELETE FROM%"), deletes);
    assert_int_equal(noted(env->k, "SELECT%OFFSET%"), looks);
}

#define BOTH(s)                                                                                                        \
    ON(s, what_belongs_to_somebody_deleted_is_a_conflict),                                                                 \
    ON(s, a_flow_comes_back_as_it_was_written), ON(s, a_flow_is_not_found_under_another_kind_realm_or_a_strange_id),   \
        ON(s, what_is_too_long_is_refused_and_not_cut), ON(s, errors_codes_and_messages_are_kept),                     \
        ON(s, an_identity_takes_four_statements_to_write_and_one_to_find),                                             \
        ON(s, identifiers_are_exact_and_belong_to_their_type_and_realm),                                               \
        ON(s, a_second_identity_with_the_same_identifier_is_a_duplicate_and_leaves_nothing),                           \
        ON(s, an_identifier_of_several_accounts_is_told_apart),                                                       \
        ON(s, what_was_read_before_a_change_is_not_written_after_it),                                                   \
        ON(s, the_credential_types_of_an_identifier_are_listed), ON(s, only_an_address_that_is_not_verified_gets_another_status),      \
        ON(s, whoami_is_one_statement), ON(s, after_a_refresh_the_old_token_still_leads_to_the_session),               \
        ON(s, revoked_sessions_stay_revoked_and_are_not_listed), ON(s, an_exchange_is_taken_once_even_by_six_at_once), \
        ON(s, a_session_begins_only_for_the_account_as_it_was_read),                                                   \
        ON(s, what_has_expired_is_swept_with_what_hangs_on_it),                                                        \
        ON(s, flows_that_nobody_submitted_go_soon_and_others_after_a_day),                                             \
        ON(s, the_sweep_goes_on_batch_by_batch_until_it_has_caught_up)

int main(void)
{
    env_t sqlite = { .driver = "sqlite3" }, mysql = { .driver = "mysql", .params = mysql_params() };
    const struct CMUnitTest on_sqlite[] = { BOTH(&sqlite) };
    const struct CMUnitTest on_mysql[] = { BOTH(&mysql), ON(&mysql, the_sweep_walks_indexes_and_scans_nothing) };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests(on_sqlite, NULL, NULL);
    if (mysql.params) failed += cmocka_run_group_tests(on_mysql, NULL, NULL);
    return failed;
}
