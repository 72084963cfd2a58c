/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of accounts, and of flows, errors, codes and messages: what is kept, found, refused. */
#include "store_env.h"
#include "kr_store_code.h"
#include "kr_store_error.h"
#include "kr_store_identity.h"
#include "kr_store_message.h"
#include "kr_store_session.h"

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
        (kr_credential_row_t){ kr_uuid(k), "code", "{}", k->now, k->now, 0, 0 };
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
    OK(kr_store_credential_update(&done, k, password, "{\"hashed_password\":\"other\"}", 0));
    assert_int_equal(done, 1); /* hashed anew it was the same */
    OK(kr_store_credential_rehash(&done, k, password->id, password->version, "{\"hashed_password\":\"x\"}"));
    assert_int_equal(done, 0);
    OK(kr_store_credential_update(&done, k, password, "{\"hashed_password\":\"x\"}", 0));
    assert_int_equal(done, 0);
    OK(kr_store_identity_find(&out, k, "password", "ana@x.example"));
    assert_string_equal(APR_ARRAY_IDX(out->credentials, 0, kr_credential_row_t).config, "{\"hashed_password\":\"other\"}");
}

static void only_an_address_that_is_not_verified_gets_another_status(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_identity_rows_t *in = an_identity(k, "ana@x.example"), *out;

    OK(kr_store_identity_insert(k, in));
    OK(kr_store_address_status(k, in->identity.id, APR_ARRAY_IDX(in->addresses, 1, kr_address_row_t).id, "sent"));
    OK(kr_store_identity_find(&out, k, "password", "ana@x.example"));
    assert_string_equal(APR_ARRAY_IDX(out->addresses, 0, kr_address_row_t).status, "sent");
    assert_string_equal(APR_ARRAY_IDX(out->addresses, 1, kr_address_row_t).status, "pending");
}

#define BOTH(s)                                                                          \
    ON(s, what_belongs_to_somebody_deleted_is_a_conflict),                               \
    ON(s, a_flow_comes_back_as_it_was_written),                                          \
    ON(s, a_flow_is_not_found_under_another_kind_realm_or_a_strange_id),                 \
    ON(s, what_is_too_long_is_refused_and_not_cut),                                      \
    ON(s, errors_codes_and_messages_are_kept),                                           \
    ON(s, an_identity_takes_four_statements_to_write_and_one_to_find),                   \
    ON(s, identifiers_are_exact_and_belong_to_their_type_and_realm),                     \
    ON(s, a_second_identity_with_the_same_identifier_is_a_duplicate_and_leaves_nothing), \
    ON(s, an_identifier_of_several_accounts_is_told_apart),                              \
    ON(s, what_was_read_before_a_change_is_not_written_after_it),                        \
    ON(s, the_credential_types_of_an_identifier_are_listed),                             \
    ON(s, only_an_address_that_is_not_verified_gets_another_status)

int main(void)
{
    env_t sqlite = { .driver = "sqlite3" }, mysql = { .driver = "mysql", .params = mysql_params() };
    const struct CMUnitTest on_sqlite[] = { BOTH(&sqlite) };
    const struct CMUnitTest on_mysql[] = { BOTH(&mysql) };

    return run_on_both(on_sqlite, KR_DIM(on_sqlite), mysql.params, on_mysql, KR_DIM(on_mysql));
}
