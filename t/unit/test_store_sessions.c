/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of sessions: how few statements they take, and what ends, renews and exchanges them. */
#include "store_env.h"
#include "kr_store_identity.h"
#include "kr_store_session.h"

/* -- sessions ------------------------------------------------------------- */

static void whoami_is_one_statement(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    const char *who = stored_identity(k, "ana@x.example");
    kr_session_row_t s = a_session(k, who, "token-1");
    kr_session_rows_t *out;

    stored_session(k, &s);
    k->statements = 0;
    OK(kr_store_session_find(&out, k, "token-1", 0, 0));
    assert_int_equal(k->statements, 1);
    assert_non_null(out);
    assert_string_equal(out->session.id, s.id);
    assert_null(out->session.user_agent);
    assert_string_equal(out->session.location, "");
    assert_string_equal(out->identity->identity.id, who);
    assert_int_equal(out->identity->addresses->nelts, 2);
    assert_int_equal(APR_ARRAY_IDX(out->identity->addresses, 0, kr_address_row_t).position, 0);
    assert_int_equal(out->identity->credentials->nelts, 0);
    OK(kr_store_session_find(&out, k, "token-2", 0, 0));
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
    OK(kr_store_session_find(&out, k, "token-1", 0, 0));
    assert_null(out);
    OK(kr_store_session_find(&out, k, "token-1", 1, 0));
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

    OK(kr_store_session_extend(&done, k, s[0].id, who, k->now + 9));
    assert_int_equal(done, 1);
    OK(kr_store_session_extend(&done, k, s[0].id, who, k->now + 9)); /* the same value again is still done */
    assert_int_equal(done, 1);
    OK(kr_store_session_revoke(&n, k, s[0].id, someone));
    assert_int_equal(n, 0);
    OK(kr_store_session_revoke(&n, k, s[0].id, who));
    assert_int_equal(n, 1);
    OK(kr_store_session_revoke(&n, k, s[0].id, who));
    assert_int_equal(n, 0);
    OK(kr_store_session_extend(&done, k, s[0].id, who, k->now + 9));
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
    OK(kr_store_session_find(&out, k, "early", 0, 0));
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
    OK(kr_store_session_find(&out, k, "late", 0, 0));
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
    const char *session, *flow;

    (void)thread;
    if (kr_store_exchange_take(&session, &flow, k, "init", "return")) session = NULL;
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
    const char *session, *flow;
    apr_status_t rv;
    int done, waits, got = 0;

    stored_session(k, &s);
    OK(kr_store_flow_insert(k, &f));
    OK(kr_store_exchange_insert(k, kr_uuid(k), f.id, "init", NULL, NULL, k->now + apr_time_from_sec(60)));
    OK(kr_store_exchange_of_flow(&waits, k, f.id));
    assert_true(waits);
    OK(kr_store_exchange_take(&session, &flow, k, "init", "return"));
    assert_null(session); /* not filled yet */
    assert_null(flow);
    OK(kr_store_exchange_fill(&done, k, f.id, "return", NULL));
    OK(kr_store_exchange_take(&session, &flow, k, "init", "return"));
    assert_null(session); /* the flow came back, and has come to no session */
    assert_string_equal(flow, f.id);
    OK(kr_store_exchange_fill(&done, k, f.id, "return", s.id));
    assert_int_equal(done, 1);
    OK(kr_store_exchange_take(&session, &flow, k, "init", "other"));
    assert_null(session);
    assert_null(flow);
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

#define BOTH(s)                                                      \
    ON(s, whoami_is_one_statement),                                  \
    ON(s, after_a_refresh_the_old_token_still_leads_to_the_session), \
    ON(s, revoked_sessions_stay_revoked_and_are_not_listed),         \
    ON(s, an_exchange_is_taken_once_even_by_six_at_once),            \
    ON(s, a_session_begins_only_for_the_account_as_it_was_read)

int main(void)
{
    env_t sqlite = { .driver = "sqlite3" }, mysql = { .driver = "mysql", .params = mysql_params() };
    const struct CMUnitTest on_sqlite[] = { BOTH(&sqlite) };
    const struct CMUnitTest on_mysql[] = { BOTH(&mysql) };

    return run_on_both(on_sqlite, KR_DIM(on_sqlite), mysql.params, on_mysql, KR_DIM(on_mysql));
}
