/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Schema: formats. */
#include "schema_env.h"

/* -- formats -------------------------------------------------------------- */

static const struct {
    const char *format, *value;
    int valid;
} FORMATS[] = {
    { "email", "ana@example.org", 1 },
    { "email", "ana+tag@localhost", 1 },
    { "email", "Ana <ana@example.org>", 0 },
    { "email", "\"a b\"@example.org", 0 },
    { "email", "ana@example..org", 0 },
    { "email", "ana@-example.org", 0 },
    { "email", "ana@exa_mple.org", 0 },
    { "email", "ana@example.org\n", 0 },
    { "email", "ana@example.org\r\nBcc: x@example.org", 0 },
    { "email", "a na@example.org", 0 },
    { "email", ".ana@example.org", 0 },
    { "email", "an..a@example.org", 0 },
    { "email", "ana@b@example.org", 0 },
    { "email", "@example.org", 0 },
    { "email", "ana@", 0 },
    { "email", "", 0 },
    { "email", "ana@b\u00fccher.example", 1 },
    { "email", "Ana@B\u00dccher.example", 1 },
    { "email", "j\u00f6rg@example.org", 0 },
    { "email", "ana@exam\u00adple.org", 0 },            /* what nobody sees, and other spellings of ASCII */
    { "email", "ana@\uff45xample.org", 0 },
    { "email", "ana@example\u3002org", 0 },
    { "email", "ana@\u2603.example", 0 },
    { "email", "ana@boo\u212a.example", 0 },            /* Kelvin */
    { "email", "ana@b\u00fcoo\u212a.example", 0 },
    { "email", "ana@bu\u0308cher.example", 1 },         /* as a Mac sends it */
    { "email", "ana@\u00fc..example", 0 },
    { "email", "\xef\xbc\xa0@example.org", 0 },
    { "email_loose", "a@", 1 },
    { "email_loose", "a", 0 },
    { "tel", "+491701234567", 1 },
    { "tel", "+49 170 123-45.67", 1 },
    { "tel", "+1 (212) 555-0100", 1 },
    { "tel", "01701234567", 0 },
    { "tel", "+0491701234567", 0 },
    { "tel", "+123456", 0 },
    { "tel", "+1234567890123456", 0 },
    { "tel", "+49170123456x", 0 },
    { "tel", "+491701234567\n", 0 },
    { "uri", "https://example.org/a?b=c#d", 1 },
    { "uri", "https://", 0 },
    { "uri", "https://example.org/a b", 0 },
    { "uri", "https://example.org\\@evil.example", 0 },
    { "uri", "https://example.org/%zz", 0 },
    { "uri", "example.org", 0 },
    { "uri-reference", "1a:b", 0 },
    { "iri", "https://example.org/\u00fc", 1 },
    { "date", "2024-02-29", 1 },
    { "date", "2023-02-29", 0 },
    { "date", "2024-13-01", 0 },
    { "date", "2024-1-1", 0 },
    { "time", "23:59:60Z", 1 },
    { "time", "22:59:60Z", 0 },
    { "time", "18:59:60-05:00", 1 },
    { "time", "24:00:00Z", 0 },
    { "time", "12:00:00", 0 },
    { "time", "12:00:00.Z", 0 },
    { "date-time", "2026-01-02T03:04:05.678+01:00", 1 },
    { "date-time", "2026-01-02 03:04:05Z", 0 },
    { "hostname", "a.b-c.example", 1 },
    { "hostname", "", 0 },
    { "hostname", "a..b", 0 },
    { "hostname", "a-", 0 },
    { "idn-hostname", "b\u00fccher.example", 1 },
    { "idn-hostname", "a b", 0 },
    { "ipv4", "127.0.0.1", 1 },
    { "ipv4", "127.0.0.01", 0 },
    { "ipv6", "::ffff:1.2.3.4", 1 },
    { "ipv6", "fe80::1%eth0", 0 },
    { "uuid", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", 1 },
    { "uuid", "f81d4fae7dec11d0a76500a0c91e6bf6", 0 },
    { "regex", "^(a|b)$", 1 },
    { "regex", "(", 0 },
    { "json-pointer", "/a~0b", 1 },
    { "json-pointer", "a", 0 },
    { "relative-json-pointer", "01/a", 0 },
    { "uri-template", "/users/{id}{?page,size*}", 1 },
    { "uri-template", "/users/{}", 0 },
    { "no-validate", "\x01", 1 },
    { "of-tomorrow", "anything", 1 },
};

static void formats_take_and_refuse(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < KR_DIM(FORMATS); i++) {
        if (kr_format_valid(FORMATS[i].format, FORMATS[i].value) != FORMATS[i].valid) {
            fail_msg("%s: %s", FORMATS[i].format, FORMATS[i].value);
        }
    }
}

static void lengths_of_mail_addresses_are_limited(void **state)
{
    const char *domain = apr_pstrcat(pool, repeat("abcdefghi.", 18), "example", NULL); /* 187 bytes */

    (void)state;
    assert_int_equal(kr_format_valid("email", apr_pstrcat(pool, repeat("a", 64), "@b.org", NULL)), 1);
    assert_int_equal(kr_format_valid("email", apr_pstrcat(pool, repeat("a", 65), "@b.org", NULL)), 0);
    assert_int_equal(kr_format_valid("email", apr_pstrcat(pool, repeat("a", 64), "@ab.", domain, NULL)), 0);
    assert_int_equal(kr_format_valid("email", apr_pstrcat(pool, repeat("a", 60), "@ab.", domain, NULL)), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(formats_take_and_refuse),
        TEST(lengths_of_mail_addresses_are_limited),
    };

    return cmocka_run_group_tests_name("formats", tests, NULL, NULL);
}
