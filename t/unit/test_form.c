/* SPDX-License-Identifier: Apache-2.0 */
/* Forms from strangers: what is read, what is refused, and with which words. */
#include "pool_env.h"

#include <string.h>

#include "kr_text.h"

#define TYPE "multipart/form-data; boundary=XX"

static apr_array_header_t *parse(void **state, const char *text, const char **why)
{
    return kr_form_parse(*state, text, strlen(text), why);
}

static void fields_come_in_order_and_the_first_of_a_name_counts(void **state)
{
    const char *why;
    apr_array_header_t *form = parse(state, "b=2&a=1+1&a=3&&empty&traits.email=a%40b.example&c==&%66=g", &why);

    assert_int_equal(form->nelts, 7);
    assert_string_equal(APR_ARRAY_IDX(form, 0, kr_pair_t).name, "b");
    assert_string_equal(kr_form_get(form, "a"), "1 1");
    assert_string_equal(kr_form_get(form, "empty"), "");
    assert_string_equal(kr_form_get(form, "traits.email"), "a@b.example");
    assert_string_equal(kr_form_get(form, "c"), "=");
    assert_string_equal(kr_form_get(form, "f"), "g");
    assert_null(kr_form_get(form, "A"));
    assert_null(kr_form_get(NULL, "a"));
    assert_int_equal(parse(state, "", &why)->nelts, 0);
    assert_int_equal(kr_form_parse(*state, NULL, 0, NULL)->nelts, 0);
}

static const struct {
    const char *text, *why;
} bad_forms[] = {
    { "a=%", "escape" },   { "a=%4", "escape" },       { "%zz=1", "escape" },     { "a=%00", "escape" },
    { "a=\xff", "UTF-8" }, { "a=%c0%af", "UTF-8" },    { "%ed%a0%80=1", "UTF-8" },
};

static void broken_forms_are_refused_with_a_reason(void **state)
{
    for (int i = 0; i < KR_DIM(bad_forms); i++) {
        const char *why = "";

        assert_null(parse(state, bad_forms[i].text, &why));
        if (!strstr(why, bad_forms[i].why)) fail_msg("%s: %s", bad_forms[i].text, why);
    }
    assert_null(kr_form_parse(*state, "a=b\0c", 5, NULL));
}

static void a_form_of_ten_thousand_fields_is_refused(void **state)
{
    char text[2 * 10000 + 1];
    const char *why = "";
    char *large = apr_palloc(*state, KR_FORM_MAX_BYTES + 1);

    for (int i = 0; i < 10000; i++) memcpy(text + 2 * i, "a&", 2);
    assert_null(kr_form_parse(*state, text, 20000, &why));
    assert_non_null(strstr(why, "too many"));
    assert_int_equal(kr_form_parse(*state, text, 2 * KR_FORM_MAX_FIELDS, &why)->nelts, KR_FORM_MAX_FIELDS);
    memset(large, 'a', KR_FORM_MAX_BYTES + 1);
    assert_null(kr_form_parse(*state, large, KR_FORM_MAX_BYTES + 1, &why));
    assert_non_null(strstr(why, "too large"));
    assert_non_null(kr_form_parse(*state, large, KR_FORM_MAX_BYTES, &why));
}

static apr_array_header_t *multipart(void **state, const char *type, const char *body, const char **why)
{
    return kr_form_parse_multipart(*state, type, body, strlen(body), why);
}

static void multipart_fields_are_read(void **state)
{
    const char *why = "";
    apr_array_header_t *form;

    form = multipart(state, "Multipart/Form-Data; charset=utf-8; Boundary=\"XX\"",
                     "preamble\r\n--XX \t\r\n"
                     "Content-Disposition: form-data; name=\"a\"\r\n\r\none\r\ntwo\r\n--XX\r\n"
                     "content-type: text/plain\r\ncontent-disposition: form-data; filename=\"x\\y\"; name=b\r\n\r\n"
                     "--X\r\n-XX\r\n--XX\r\n"
                     "Content-Disposition: form-data; name=\"q\\\"\"\r\n\r\n\r\n--XX--\r\nepilogue",
                     &why);
    if (!form) fail_msg("%s", why);
    assert_int_equal(form->nelts, 3);
    assert_string_equal(kr_form_get(form, "a"), "one\r\ntwo");
    assert_string_equal(kr_form_get(form, "b"), "--X\r\n-XX");
    assert_string_equal(kr_form_get(form, "q\""), "");
    assert_int_equal(multipart(state, TYPE, "--XX--", &why)->nelts, 0);
}

static const struct {
    const char *type, *body;
} bad_multiparts[] = {
    { NULL, "--XX--" },
    { "multipart/form-data", "--XX--" },
    { "multipart/form-data; boundary=", "--XX--" },
    { "multipart/form-data; boundary=\"XX", "--XX--" },
    { "multipart/form-data; boundary=\"\"", "----" },
    { "multipart/form-data; boundary=\"X\nX\"", "--X\nX--" },
    { "multipart/form-data; boundary=1234567890123456789012345678901234567890123456789012345678901234567890X", "" },
    { "multipart/form-databoundary=XX", "--XX--" },
    { "multipart/mixed; boundary=XX", "--XX--" },
    { "text/plain; boundary=XX", "--XX--" },
    { TYPE, "" },
    { TYPE, "--" },
    { TYPE, "--X" },
    { TYPE, "--XX" },
    { TYPE, "--XX-" },
    { TYPE, "--XX\r" },
    { TYPE, "--XX\r\n" },
    { TYPE, "--XXY\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--XX--" },
    { TYPE, "--XX\r\nContent-Disposition: form-data; name=a" },
    { TYPE, "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n" },
    { TYPE, "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nvalue" },
    { TYPE, "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nvalue\r\n--XX" },
    { TYPE, "--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\nvalue\r\n--XX--" },
    { TYPE, "--XX\r\nContent-Disposition: form-data\r\n\r\nvalue\r\n--XX--" },
    { TYPE, "--XX\r\nContent-Disposition: attachment; name=a\r\n\r\nvalue\r\n--XX--" },
    { TYPE, "--XX\r\n\r\nvalue\r\n--XX--" },
    { TYPE, "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n\xff\r\n--XX--" },
};

static void broken_multiparts_are_refused_with_a_reason(void **state)
{
    for (int i = 0; i < KR_DIM(bad_multiparts); i++) {
        const char *why = NULL;

        if (multipart(state, bad_multiparts[i].type, bad_multiparts[i].body, &why)) {
            fail_msg("taken: %s | %s", bad_multiparts[i].type, bad_multiparts[i].body);
        }
        assert_non_null(why);
    }
}

static void every_cut_of_a_multipart_is_refused(void **state)
{
    static const char whole[] = "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XX\r\n"
                                "Content-Disposition: form-data; name=\"b\"; filename=\"f\"\r\n\r\n2\r\n--XX--";
    apr_size_t len = sizeof(whole) - 1;

    assert_non_null(kr_form_parse_multipart(*state, TYPE, whole, len, NULL));
    while (len-- > 0) {
        /* An exact copy, so that the sanitizer sees a read behind the end. */
        char *cut = apr_pmemdup(*state, whole, len + 1);
        if (kr_form_parse_multipart(*state, TYPE, cut, len, NULL)) fail_msg("taken when cut at %d", (int)len);
    }
}

static void a_multipart_of_too_many_parts_is_refused(void **state)
{
    static const char part[] = "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n";
    char *text = apr_palloc(*state, sizeof(part) * 1000), *to = text;
    const char *why;

    for (int i = 0; i < 1000; i++) to = (char *)memcpy(to, part, sizeof(part) - 1) + sizeof(part) - 1;
    memcpy(to, "--XX--", 6);
    assert_null(kr_form_parse_multipart(*state, TYPE, text, (apr_size_t)(to + 6 - text), &why));
    assert_non_null(strstr(why, "too many"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_come_in_order_and_the_first_of_a_name_counts),
        cmocka_unit_test(broken_forms_are_refused_with_a_reason),
        cmocka_unit_test(a_form_of_ten_thousand_fields_is_refused),
        cmocka_unit_test(multipart_fields_are_read),
        cmocka_unit_test(broken_multiparts_are_refused_with_a_reason),
        cmocka_unit_test(every_cut_of_a_multipart_is_refused),
        cmocka_unit_test(a_multipart_of_too_many_parts_is_refused),
    };

    return cmocka_run_group_tests_name("form", tests, open_pool, close_pool);
}
