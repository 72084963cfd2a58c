/* SPDX-License-Identifier: Apache-2.0 */
/* URLs: what is one, what only looks like one, and how they are put together. */
#include "pool_env.h"

#include <string.h>

#include "kr_text.h"

static const char *const good[] = {
    "https://app.example/",
    "https://app.example",
    "https://app.example:8443/a/b?c=d&e#f",
    "http://127.0.0.1:4455/",
    "http://[::1]:8080/x",
    "https://*.app.example/",
    "https://app.example?x",
    "https://app.example/a%20b?c=%ff",
    "https://app.example/?next=https://other.example/",
    "https://app.example/#/route?x=1",
    "https://app.example/gr\xc3\xbc\xc3\x9f",
    "/relative/path?x=1",
    "relative",
    "?q",
    "#f",
    "",
    "//host.example/path",
    "javascript:alert(1)",
    "myapp:/callback",
    "myapp://callback",
    "mailto:a@b.example",
    "file:///etc/schema.json",
    "https://user:pw@app.example/",
};

static const char *const bad[] = {
    "https://app.example\\@evil.example/",
    "https://app.example/\\evil.example",
    "\\\\evil.example",
    "/\\evil.example",
    "https://app.example/a b",
    " https://app.example/",
    "https://app.example/\n",
    "https://app.exam\tple/",
    "https://app.example/\x7f",
    "https://app.example/%zz",
    "https://app.example/%",
    "https://app.example/%4",
    "https://app.example/\xff",
    "https://app%2eexample/",
    "https://app.example%2f.evil.example/",
    "https://app.example%00.evil.example/",
    "https://a@b@evil.example/",
    "https://app.example:80@evil.example:x/",
    "https://app.example:/",
    "https://app.example:99999/",
    "https://app.example:-1/",
    "https://app.example:80:80/",
    "https://[::1/",
    "https://[::g]/",
    "https://[::1]x/",
    "https://[fe80::1%25eth0]/",
    "https://[]/",
    "https://[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]/",
    "https:",
    "https:evil.example",
    "https:/evil.example",
    "https://",
    "https:///evil.example",
    "https://:80/",
    "https://?x",
    "//",
    "///evil.example",
    "//:80",
    "https://\xe2\x80\xae.example/",
    "https://app\xef\xbc\x8e.example/",
    "https://<app>.example/",
    "https://app.example;evil/",
    "1https://app.example/",
    "ht tps://app.example/",
    "://app.example/",
    ":",
    "127.0.0.1:80",
};

static void urls_are_told_from_what_only_looks_like_one(void **state)
{
    kr_url_t url;

    for (int i = 0; i < KR_DIM(good); i++) {
        if (!kr_url_parse(&url, *state, good[i])) fail_msg("%s was refused", good[i]);
        if (!strstr(good[i], "user")) assert_string_equal(kr_url_build(*state, &url), good[i]);
    }
    for (int i = 0; i < KR_DIM(bad); i++) {
        if (kr_url_parse(&url, *state, bad[i])) fail_msg("%s was taken, host %s", bad[i], url.host ? url.host : "-");
    }
    assert_false(kr_url_parse(&url, *state, NULL));
}

static void parts_are_found(void **state)
{
    kr_url_t url;

    assert_true(kr_url_parse(&url, *state, "HTTPS://User:Pw@App.Example:8443/A?B=c?d#E#f"));
    assert_string_equal(url.scheme, "https");
    assert_string_equal(url.userinfo, "User:Pw");
    assert_string_equal(url.host, "app.example:8443");
    assert_string_equal(url.path, "/A");
    assert_string_equal(url.query, "B=c?d");
    assert_string_equal(url.fragment, "E#f");

    assert_true(kr_url_parse(&url, *state, "//evil.example"));
    assert_null(url.scheme);
    assert_string_equal(url.host, "evil.example");
    assert_string_equal(url.path, "");
    assert_null(url.query);

    assert_true(kr_url_parse(&url, *state, "https://@app.example/?#"));
    assert_string_equal(url.userinfo, "");
    assert_string_equal(url.query, "");
    assert_string_equal(url.fragment, "");
}

static void a_path_does_not_become_a_host(void **state)
{
    kr_url_t url;

    assert_true(kr_url_parse(&url, *state, "https://app.example//evil.example/x"));
    url.scheme = url.host = NULL;
    assert_string_equal(kr_url_build(*state, &url), "/.//evil.example/x");
}

static void joining_leaves_one_slash(void **state)
{
    assert_string_equal(kr_url_join(*state, "https://a.example", "/x"), "https://a.example/x");
    assert_string_equal(kr_url_join(*state, "https://a.example/", "/x"), "https://a.example/x");
    assert_string_equal(kr_url_join(*state, "https://a.example/b//", "//x/"), "https://a.example/b/x/");
}

static void a_parameter_is_added_or_replaced(void **state)
{
    assert_string_equal(kr_url_with(*state, "https://a/", "flow", "1"), "https://a/?flow=1");
    assert_string_equal(kr_url_with(*state, "https://a/?", "flow", "1"), "https://a/?flow=1");
    assert_string_equal(kr_url_with(*state, "https://a/?x=%20y", "flow", "1"), "https://a/?x=%20y&flow=1");
    assert_string_equal(kr_url_with(*state, "https://a/?flow=0&x&flow=2&f%6cow=3&flows=4#f?flow", "flow", "1"),
                        "https://a/?x&flows=4&flow=1#f?flow");
    assert_string_equal(kr_url_with(*state, "https://a/#f", "r", "https://b/?c=d&e"),
                        "https://a/?r=https%3A%2F%2Fb%2F%3Fc%3Dd%26e#f");
    assert_string_equal(kr_url_with(*state, "/p?%zz=1&&", "a b", "\xc3\xa9"), "/p?%zz=1&a%20b=%C3%A9");
}

static void escapes_are_undone(void **state)
{
    assert_string_equal(kr_url_escape(*state, "aZ09-._~ /?&=+%\x01\xff"), "aZ09-._~%20%2F%3F%26%3D%2B%25%01%FF");
    assert_string_equal(kr_url_unescape(*state, "a+b%2Bc", 0), "a+b+c");
    assert_string_equal(kr_url_unescape(*state, "a+b%2bc", 1), "a b+c");
    assert_null(kr_url_unescape(*state, "%", 0));
    assert_null(kr_url_unescape(*state, "%4", 0));
    assert_null(kr_url_unescape(*state, "%4g", 0));
    assert_null(kr_url_unescape(*state, "a%00b", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_told_from_what_only_looks_like_one),
        cmocka_unit_test(parts_are_found),
        cmocka_unit_test(a_path_does_not_become_a_host),
        cmocka_unit_test(joining_leaves_one_slash),
        cmocka_unit_test(a_parameter_is_added_or_replaced),
        cmocka_unit_test(escapes_are_undone),
    };

    return cmocka_run_group_tests_name("url", tests, open_pool, close_pool);
}
