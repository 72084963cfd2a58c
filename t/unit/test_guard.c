/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses calls are kept from, in whatever way they are written. */
#include "test.h"
#include <arpa/inet.h>
#include <netinet/in.h>

#include "../../src/net/guard.h"
#include "kr_text.h"
#include "pool_env.h"

static const char *const PRIVATE[] = {
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.9.9.9", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.7",
    "203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.1.2.3", "::ffff:0:192.168.0.1", "64:ff9b::a00:1", "64:ff9b::7f00:1",
    "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::1", "2002:a00:1::", "3fff::1", "5f00::1", "fc00::1", "fdff::1", "fe80::1",
    "febf::1", "fec0::1", "ff02::1",
};

static const char *const PUBLIC[] = {
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.255.255.255", "128.0.0.1", "169.253.1.1",
    "169.255.1.1", "172.15.255.255", "172.32.0.1", "192.0.1.1", "192.167.1.1", "192.169.1.1", "198.17.255.255", "198.20.0.1", "203.0.114.1",
    "223.255.255.255", "2600::1", "2001:4860:4860::8888", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "2001:200::1",
};

static int is_private(const char *text)
{
    struct sockaddr_in four = { .sin_family = AF_INET };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6 };

    if (inet_pton(AF_INET, text, &four.sin_addr) == 1) return kr_net_is_private((const void *)&four);
    assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
    return kr_net_is_private((const void *)&six);
}

static void test_what_only_some_network_knows_is_private(void **state)
{
    const struct sockaddr local = { .sa_family = AF_UNIX };

    (void)state;
    for (int i = 0; i < KR_DIM(PRIVATE); i++)
        if (!is_private(PRIVATE[i])) fail_msg("%s counts as public", PRIVATE[i]);
    for (int i = 0; i < KR_DIM(PUBLIC); i++)
        if (is_private(PUBLIC[i])) fail_msg("%s counts as private", PUBLIC[i]);
    assert_true(kr_net_is_private(&local));
}

static const struct { const char *exception, *url; int guarded; } EXCEPTIONS[] = {
    { "http://a.example/x", "http://a.example/x", 0 },
    { "http://a.example/x", "http://a.example/x?b=c", 0 },
    { "http://a.example/x", "http://a.example/x#b", 0 },
    { "http://a.example/x", "http://a.example/xy", 1 },
    { "http://a.example/x", "http://a.example/", 1 },
    { "http://a.example/x", "https://a.example/x", 1 },
    { "http://a.example/**", "http://a.example/x/y?z", 0 },
    { "http://a.example/**", "http://a.example/", 0 },
    { "http://a.example/**", "http://a.example.evil/", 1 },
    { "http://a.example/**", "http://a.example", 1 },
    { "http://a.example/x/**", "http://a.example/xy/z", 1 },
    { "http://a.example/x/**", "http://a.example?/x/y", 1 },
};

static void test_an_exception_is_the_url_that_it_names(void **state)
{
    apr_pool_t *pool = *state;

    for (int i = 0; i < KR_DIM(EXCEPTIONS); i++) {
        apr_array_header_t *list = apr_array_make(pool, 1, sizeof(const char *));
        kr_net_guard_t guard = { .on = 1, .exceptions = list };

        APR_ARRAY_PUSH(list, const char *) = EXCEPTIONS[i].exception;
        if (kr_net_is_guarded(&guard, EXCEPTIONS[i].url) != EXCEPTIONS[i].guarded) fail_msg("%s by %s", EXCEPTIONS[i].url, EXCEPTIONS[i].exception);
        guard.on = 0;
        assert_false(kr_net_is_guarded(&guard, EXCEPTIONS[i].url));
    }
    assert_false(kr_net_is_guarded(NULL, "http://a.example/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_only_some_network_knows_is_private),
        cmocka_unit_test(test_an_exception_is_the_url_that_it_names),
    };

    return cmocka_run_group_tests_name("guard", tests, open_pool, close_pool);
}
