/* SPDX-License-Identifier: Apache-2.0 */
/* Names of hosts as browsers compare them for cookies. */
#include "pool_env.h"

#include "kr_text.h"

static const struct {
    const char *domain, *name;
    int covers;
} COVERS[] = {
    { "example.org", "example.org", 1 },       { "example.org", "www.example.org", 1 },
    { ".example.org", "a.b.example.org", 1 },  { "Example.ORG", "www.example.org", 1 },
    { "example.org", "notexample.org", 0 },    /* no dot between */
    { "example.org", "example.org.evil", 0 },  { "www.example.org", "example.org", 0 },
    { "127.0.0.1", "127.0.0.1", 1 },           { "0.0.1", "127.0.0.1", 0 }, /* an address has no domain */
    { "", "example.org", 0 },                  { "example.org", ".example.org", 0 },
};

static void a_domain_covers_what_stands_below_it(void **state)
{
    (void)state;
    for (int i = 0; i < KR_DIM(COVERS); i++)
        if (kr_domain_covers(COVERS[i].domain, COVERS[i].name) != COVERS[i].covers)
            fail_msg("%s and %s", COVERS[i].domain, COVERS[i].name);
}

static void domains_of_everybody_are_known_by_their_shape(void **state)
{
    static const char *const everybody[] = { "org", ".com", "co.uk", "com.au", "ne.jp", "localnet" };
    static const char *const own[] = { "example.org", "bbc.co.uk", "t.co", "example.co", "localhost", "go.example" };

    (void)state;
    for (int i = 0; i < KR_DIM(everybody); i++)
        if (!kr_domain_is_public(everybody[i])) fail_msg("%s", everybody[i]);
    for (int i = 0; i < KR_DIM(own); i++)
        if (kr_domain_is_public(own[i])) fail_msg("%s", own[i]);
}

static void host_and_port_come_apart(void **state)
{
    apr_pool_t *pool = *state;

    assert_string_equal(kr_host_name(pool, "example.org:8443"), "example.org");
    assert_string_equal(kr_host_name(pool, "example.org."), "example.org");
    assert_string_equal(kr_host_name(pool, "[::1]:8080"), "[::1]");
    assert_string_equal(kr_host_name(pool, "[::1"), "[::1");
    assert_int_equal(kr_host_port("example.org:8443", "https"), 8443);
    assert_int_equal(kr_host_port("example.org", "https"), 443);
    assert_int_equal(kr_host_port("[::1]", "http"), 80);
    assert_int_equal(kr_host_port("[::1]:81", "http"), 81);
}

static void this_machine_is_known_by_its_names(void **state)
{
    (void)state;
    assert_true(kr_host_is_loopback("localhost"));
    assert_true(kr_host_is_loopback("a.localhost"));
    assert_true(kr_host_is_loopback("127.8.0.1"));
    assert_true(kr_host_is_loopback("[::1]"));
    assert_false(kr_host_is_loopback("localhost.example.org"));
    assert_false(kr_host_is_loopback("127.example.org"));
    assert_false(kr_host_is_loopback("192.0.2.1"));
}

static void the_domain_that_two_names_share(void **state)
{
    apr_pool_t *pool = *state;

    assert_string_equal(kr_domain_shared(pool, "login.example.org", "www.example.org"), "example.org");
    assert_string_equal(kr_domain_shared(pool, "example.org", "a.b.example.org"), "example.org");
    assert_null(kr_domain_shared(pool, "example.org", "example.net"));
    assert_null(kr_domain_shared(pool, "a.org", "b.org"));
    assert_null(kr_domain_shared(pool, "a.co.uk", "b.co.uk"));
    assert_null(kr_domain_shared(pool, "127.0.0.1", "127.0.0.2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_domain_covers_what_stands_below_it),
        cmocka_unit_test(domains_of_everybody_are_known_by_their_shape),
        cmocka_unit_test(host_and_port_come_apart),
        cmocka_unit_test(this_machine_is_known_by_its_names),
        cmocka_unit_test(the_domain_that_two_names_share),
    };

    return cmocka_run_group_tests_name("domain", tests, open_pool, close_pool);
}
