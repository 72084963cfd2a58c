/* SPDX-License-Identifier: Apache-2.0 */
/* A session as one piece of memory: the same after any number of copies, and no place in it leads out of it. */
#include "store_env.h"

#include "../../src/session/session.h"

static kr_session_rows_t *rows_of(kr_ctx_t *k)
{
    kr_session_rows_t *rows = apr_pcalloc(k->pool, sizeof(*rows));

    rows->identity = an_identity(k, "ana@x.example");
    rows->session = a_session(k, rows->identity->identity.id, "token");
    rows->session.methods = "[{\"method\":\"password\"}]";
    rows->session.user_agent = NULL;
    rows->session.location = "";
    return rows;
}

static void a_copy_says_what_was_put_in(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    const kr_session_rows_t *in = rows_of(k);
    const char *shown;
    apr_size_t len;
    void *record = kr_record_make(&len, k->pool, in, "{\"id\":1}\n"), *copy = apr_pmemdup(k->pool, record, len);
    const kr_session_rows_t *out;

    memset(record, 'x', len);
    out = kr_record_open(&shown, k->pool, copy, len);
    assert_non_null(out);
    assert_string_equal(shown, "{\"id\":1}\n");
    assert_string_equal(out->session.id, in->session.id);
    assert_string_equal(out->session.methods, in->session.methods);
    assert_null(out->session.user_agent);
    assert_string_equal(out->session.location, "");
    assert_true(out->session.expires_at == in->session.expires_at);
    assert_string_equal(out->identity->identity.traits, in->identity->identity.traits);
    assert_int_equal(out->identity->addresses->nelts, in->identity->addresses->nelts);
    for (int i = 0; i < in->identity->addresses->nelts; i++)
        assert_string_equal(APR_ARRAY_IDX(out->identity->addresses, i, kr_address_row_t).value,
                            APR_ARRAY_IDX(in->identity->addresses, i, kr_address_row_t).value);
}

static void what_is_cut_or_bent_is_none(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    const kr_session_rows_t *in = rows_of(k);
    const char *shown;
    apr_size_t len;
    void *record = kr_record_make(&len, k->pool, in, NULL);

    for (apr_size_t cut = 0; cut < len; cut += 7) assert_null(kr_record_open(&shown, k->pool, apr_pmemdup(k->pool, record, cut), cut));
    ((apr_uint32_t *)record)[0] = 1000000; /* addresses */
    assert_null(kr_record_open(&shown, k->pool, record, len));
}

int main(void)
{
    env_t sqlite = { .driver = "sqlite3" };
    const struct CMUnitTest tests[] = { ON(&sqlite, a_copy_says_what_was_put_in), ON(&sqlite, what_is_cut_or_bent_is_none) };

    return run_on_both(tests, KR_DIM(tests), NULL, NULL, 0);
}
