/* SPDX-License-Identifier: Apache-2.0 */
/* What is good once: a challenge of a flow, a part of a credential, a key that one account has. */
#include "kr_store_budget.h"
#include "store_env.h"

/** A flow and an account in the database, as two requests read them. */
typedef struct {
    kr_flow_row_t *flow;
    kr_identity_rows_t *identity;
    kr_credential_row_t *credential;
} read_t;

static read_t reading(kr_ctx_t *k, const char *flow_id, const char *identity_id)
{
    read_t r;

    OK(kr_store_flow_load(&r.flow, k, "login", flow_id));
    OK(kr_store_identity_load(&r.identity, k, identity_id, 1));
    r.credential = &APR_ARRAY_IDX(r.identity->credentials, 0, kr_credential_row_t);
    return r;
}

static read_t begun(kr_ctx_t *k)
{
    kr_flow_row_t flow = a_flow(k);

    OK(kr_store_flow_insert(k, &flow));
    return reading(k, flow.id, stored_identity(k, "ana@x.example"));
}

static int spends(kr_ctx_t *k, read_t *r, int once, apr_int64_t spent)
{
    const kr_store_spend_t spend = { .id = r->credential->id, .version = r->credential->version, .was = r->credential->spent,
                                     .config = "{\"used\":1}", .spent = spent };
    int done;

    r->flow->updated_at++;
    OK(kr_store_flow_spend(&done, k, r->flow, once, &spend));
    return done;
}

static void of_two_who_read_the_same_one_uses_it(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    read_t first = begun(k), second = reading(k, first.flow->id, first.identity->identity.id), after;

    first.flow->active = "totp";
    assert_true(spends(k, &first, 0, 7));
    second.flow->active = "lost";
    assert_false(spends(k, &second, 0, 7));
    assert_false(spends(k, &second, 0, 8));
    after = reading(k, first.flow->id, first.identity->identity.id);
    assert_int_equal(after.credential->spent, 7);
    assert_string_equal(after.credential->config, "{\"used\":1}");
    assert_string_equal(after.flow->active, "totp");
    assert_int_equal(after.credential->version, first.credential->version); /* it is the same credential */
    assert_true(spends(k, &after, 0, 9));
}

static void a_challenge_that_was_used_leaves_the_credential_alone(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    read_t first = begun(k), second, after;
    int done;

    OK(kr_store_flow_spend(&done, k, first.flow, 1, &(kr_store_spend_t){ .id = NULL }));
    assert_true(done);
    second = first;
    assert_false(spends(k, &second, 1, 5));
    after = reading(k, first.flow->id, first.identity->identity.id);
    assert_int_equal(after.flow->spent, 1);
    assert_int_equal(after.credential->spent, 0);
    OK(kr_store_flow_update(k, first.flow)); /* who stores what was read long ago brings no challenge back */
    after = reading(k, first.flow->id, first.identity->identity.id);
    assert_int_equal(after.flow->spent, 1);
}

static void using_is_one_way_to_a_server(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    read_t r = begun(k);

    k->statements = 0;
    assert_true(spends(k, &r, 1, 5));
    assert_int_equal(k->statements, kr_dbpool_is_sqlite(k->realm->dbpool) ? 4 : 1);
}

static int counts(kr_ctx_t *k, const kr_tries_t *tries)
{
    apr_int64_t used;

    OK(kr_store_budget_spend(&used, k, tries->id, tries->window));
    return (int)used;
}

static void after_too_many_wrong_tries_nothing_is_used_until_their_time_is_over(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    const kr_tries_t tries = { .id = "tries", .limit = 2, .window = apr_time_from_sec(3600) };
    read_t r = begun(k);
    kr_store_spend_t spend = { .id = r.credential->id, .version = r.credential->version, .config = "{}", .spent = 1, .tries = &tries };
    apr_int64_t used;
    int done;

    assert_int_equal(counts(k, &tries), 1);
    OK(kr_store_flow_spend(&done, k, r.flow, 0, &spend));
    assert_true(done);
    assert_int_equal(counts(k, &tries), 2);
    spend.was = 1;
    spend.spent = 2;
    r.flow->updated_at++;
    OK(kr_store_flow_spend(&done, k, r.flow, 0, &spend));
    assert_false(done);
    OK(kr_store_budget_look(&used, k, tries.id, tries.window));
    assert_int_equal(used, 2);
    k->now += tries.window + 1;
    OK(kr_store_budget_look(&used, k, tries.id, tries.window));
    assert_int_equal(used, 0);
    OK(kr_store_flow_spend(&done, k, r.flow, 0, &spend));
    assert_true(done);
}

static void a_change_does_not_bring_back_what_was_used_meanwhile(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    read_t r = begun(k), was = reading(k, r.flow->id, r.identity->identity.id);
    int done;

    assert_true(spends(k, &r, 0, 5));
    OK(kr_store_credential_update(&done, k, was.credential, "{}", was.credential->spent));
    assert_false(done);
}

static void an_account_goes_on_with_another_flow(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    read_t r = begun(k);
    kr_flow_row_t other = a_flow(k);

    OK(kr_store_flow_insert(k, &other));
    assert_true(spends(k, &r, 1, 5));
    r = reading(k, other.id, r.identity->identity.id);
    assert_true(spends(k, &r, 1, 6));
}

static const char *holder(kr_ctx_t *k, const char *email, const char *hash, kr_err_t **err)
{
    kr_identity_rows_t *rows = an_identity(k, email);
    kr_credential_row_t *credential = &APR_ARRAY_IDX(rows->credentials, 0, kr_credential_row_t);

    rows->keys = apr_array_make(k->pool, 1, sizeof(kr_key_row_t));
    APR_ARRAY_PUSH(rows->keys, kr_key_row_t) = (kr_key_row_t){ credential->id, hash };
    *err = kr_store_identity_insert(k, rows);
    return credential->id;
}

static void a_key_belongs_to_one_account(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_err_t *err;
    const char *first = holder(k, "ana@x.example", "hash-1", &err);

    assert_null(err);
    holder(k, "bo@x.example", "hash-1", &err);
    assert_true(kr_db_is_duplicate(err));
    OK(kr_store_keys_delete(k, first));
    holder(k, "cy@x.example", "hash-1", &err);
    assert_null(err);
}

static void a_session_comes_with_its_credentials_in_one_statement(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    const char *who = stored_identity(k, "ana@x.example");
    kr_session_row_t s = a_session(k, who, "token-1");
    kr_session_rows_t *out;
    kr_identity_rows_t *apart;

    stored_session(k, &s);
    OK(kr_store_identity_load(&apart, k, who, 1));
    k->statements = 0;
    OK(kr_store_session_find(&out, k, "token-1", 0, 1));
    assert_int_equal(k->statements, 1);
    assert_int_equal(out->identity->credentials->nelts, apart->credentials->nelts);
    assert_int_equal(out->identity->identifiers->nelts, apart->identifiers->nelts);
    assert_int_equal(out->identity->addresses->nelts, apart->addresses->nelts);
    assert_string_equal(APR_ARRAY_IDX(out->identity->identifiers, 0, kr_identifier_row_t).identifier, "ana@x.example");
}

#define BOTH(s)                                                        \
    ON(s, of_two_who_read_the_same_one_uses_it),                       \
    ON(s, a_challenge_that_was_used_leaves_the_credential_alone),      \
    ON(s, using_is_one_way_to_a_server),                               \
    ON(s, after_too_many_wrong_tries_nothing_is_used_until_their_time_is_over), \
    ON(s, a_change_does_not_bring_back_what_was_used_meanwhile),       \
    ON(s, an_account_goes_on_with_another_flow),                       \
    ON(s, a_key_belongs_to_one_account),                               \
    ON(s, a_session_comes_with_its_credentials_in_one_statement)

int main(void)
{
    env_t sqlite = { .driver = "sqlite3" }, mysql = { .driver = "mysql", .params = mysql_params() };
    const struct CMUnitTest on_sqlite[] = { BOTH(&sqlite) };
    const struct CMUnitTest on_mysql[] = { BOTH(&mysql) };

    return run_on_both(on_sqlite, KR_DIM(on_sqlite), mysql.params, on_mysql, KR_DIM(on_mysql));
}
