/* SPDX-License-Identifier: Apache-2.0 */
/* Messages: what they say, and how they are written. */
#include "courier_env.h"

static const char *const TYPES[] = {
    "recovery_valid",     "recovery_invalid",        "recovery_code_valid",        "recovery_code_invalid",
    "verification_valid", "verification_invalid",    "verification_code_valid",    "verification_code_invalid",
    "login_code_valid",   "registration_code_valid", "verifiable_address_changed",
};

/* -- what they say ---------------------------------------------------------------- */

static int has_line(const char *text, const char *line)
{
    const char *at = strstr(text, line);

    return at && (at == text || at[-1] == '\n') && at[strlen(line)] == '\n';
}

static void every_kind_is_written_in_both_languages(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;

    for (int i = 0; i < KR_DIM(TYPES); i++) {
        kr_letter_t en = render(k, TYPES[i], "email", data_with(k, "en-GB"));
        kr_letter_t de = render(k, TYPES[i], "email", data_with(k, "de_AT"));
        kr_letter_t sms = render(k, TYPES[i], "sms", data_with(k, "fr"));
        const int code = strstr(TYPES[i], "code_valid") != NULL;
        const int link = !strcmp(TYPES[i], "recovery_valid") || !strcmp(TYPES[i], "verification_valid") ||
                         !strcmp(TYPES[i], "verification_code_valid");

        assert_string_not_equal(en.subject, de.subject);
        assert_string_not_equal(en.text, de.text);
        assert_non_null(strstr(en.html, "<html lang=\"en\">"));
        assert_non_null(strstr(de.html, "<html lang=\"de\">"));
        assert_int_equal(has_line(en.text, "123456") && has_line(de.text, "123456"), code);
        assert_int_equal(has_line(en.text, LINK) && has_line(de.text, LINK), link);
        assert_int_equal(strstr(en.html, ">123456<") != NULL, code);
        assert_int_equal(
            strstr(en.html, "href=\"https://id.site.example/self-service/verification?code=123456&amp;flow=f\"") !=
                NULL,
            link);
        assert_non_null(strstr(en.subject, "id.site.example"));
        assert_null(strchr(en.text, '{'));
        assert_null(strchr(de.html, '{'));
        assert_null(sms.html);
        assert_int_equal(strstr(sms.text, "\n\n@id.site.example #123456") != NULL, code);
        if (!link) assert_null(strstr(en.text, "http"));
    }
}

static void data_makes_neither_markup_nor_lines(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    json_t *data = data_with(k, "en");
    kr_letter_t letter;

    json_object_set_new(data, "verification_code", json_string("<b>\"'&\r\nBcc: x"));
    json_object_set_new(data, "verification_url", json_string("https://x/\"><script>\n.\n"));
    letter = render(k, "verification_code_valid", "email", data);
    assert_null(strstr(letter.html, "<b>"));
    assert_null(strstr(letter.html, "<script>"));
    assert_null(strchr(letter.text, '\r'));
    assert_null(strstr(letter.text, "\nBcc"));
    assert_null(strstr(letter.text, "\n.\n"));
}

static void data_that_lacks_the_code_is_an_error_and_no_empty_mail(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_letter_t letter;
    json_t *none = kr_json_pack(k->pool, "{}");

    assert_non_null(kr_courier_render(&letter, k, &(kr_mail_t){ "email", "a@x.example", "login_code_valid", none }));
    assert_non_null(kr_courier_render(&letter, k, &(kr_mail_t){ "email", "a@x.example", "recovery_valid", none }));
    assert_non_null(kr_courier_render(&letter, k, &(kr_mail_t){ "email", "a@x.example", "no_such_kind", none }));
    assert_null(kr_courier_render(&letter, k, &(kr_mail_t){ "email", "a@x.example", "recovery_invalid", NULL }));
}

static json_t *news(kr_ctx_t *k, const char *language)
{
    json_t *data = data_with(k, language);

    json_object_set_new(data, "settings_url", json_string("https://id.site.example:8443/auth/self-service/settings/browser"));
    json_object_set_new(data, "changes", json_pack("[{s:s, s:s}, {s:s, s:s, s:s}, {s:s, s:s}, {s:s, s:s}, {s:s}]", "change", "removed",
                                                   "factor", "totp", "change", "added", "factor", "webauthn", "name",
                                                   "<b>Blue</b>\r\nBcc: x", "change", "replaced", "factor", "lookup_secret", "change",
                                                   "added", "factor", "of_a_newer_version", "change", "added"));
    json_object_set_new(data, "changed_at", json_string("2026-03-01T09:05:59.5Z"));
    json_object_set_new(data, "used_at", json_string("2026-03-01T09:05:59.5Z"));
    json_object_set_new(data, "codes_left", json_integer(0));
    json_object_set_new(data, "more", json_integer(3));
    json_object_set_new(data, "by_owner", json_true());
    return data;
}

static void letters_about_factors_list_what_changed_and_when(void **state)
{
    static const struct {
        const char *language, *lines[6], *html;
    } LISTS[] = {
        { "en", { "Removed: authenticator app", "Added: security key \xe2\x80\x9c<b>Blue</b>  Bcc: x\xe2\x80\x9d", "Replaced: backup codes",
                  "Added: of_a_newer_version", "And 3 more", "When: 2026-03-01 09:05 UTC" }, "By the people who run the site</li>" },
        { "de", { "Entfernt: Authenticator-App", "Hinzugef\xc3\xbcgt: Sicherheitsschl\xc3\xbcssel \xe2\x80\x9e<b>Blue</b>  Bcc: x\xe2\x80\x9c",
                  "Ersetzt: Ersatzcodes", "Und 3 weitere", "Wann: 2026-03-01 09:05 UTC", "Durch die Betreiber der Website" }, "<li>Entfernt:" },
    };
    kr_ctx_t *k = ((env_t *)*state)->k;

    for (int i = 0; i < KR_DIM(LISTS); i++) {
        kr_letter_t mail = render(k, "factor_changed", "email", news(k, LISTS[i].language));
        kr_letter_t sms = render(k, "factor_changed", "sms", news(k, LISTS[i].language));

        for (int j = 0; j < KR_DIM(LISTS[i].lines); j++) {
            if (!has_line(mail.text, LISTS[i].lines[j])) fail_msg("no line \"%s\" in:\n%s", LISTS[i].lines[j], mail.text);
            assert_non_null(strstr(sms.text, LISTS[i].lines[j]));
        }
        assert_non_null(strstr(mail.html, LISTS[i].html));
        assert_null(strstr(mail.html, "<b>"));
        assert_null(strstr(mail.text, "\nBcc"));
        assert_true(has_line(mail.text, "https://id.site.example:8443/auth/self-service/settings/browser"));
        assert_null(strpbrk(sms.text, "{}\n"));
    }
}

static void a_letter_about_a_recovery_code_tells_how_many_are_left(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_letter_t en = render(k, "recovery_code_used", "email", news(k, "en")), de = render(k, "recovery_code_used", "sms", news(k, "de"));
    json_t *unknown = news(k, "en");

    assert_true(has_line(en.text, "Backup codes left: 0"));
    assert_true(has_line(en.text, "When: 2026-03-01 09:05 UTC"));
    assert_non_null(strstr(de.text, "Verbleibende Ersatzcodes: 0"));
    json_object_del(unknown, "codes_left");
    assert_null(strstr(render(k, "recovery_code_used", "email", unknown).text, "left:"));
}

/* -- how they are written ------------------------------------------------------------ */

static const char *mime(kr_ctx_t *k, const kr_mail_conf_t *conf, const char *to, const kr_letter_t *letter)
{
    kr_parcel_t parcel = { conf, "01234567-89ab-4def-8123-456789abcdef", to, letter, apr_time_from_sec(1700000000) };
    apr_size_t len;
    const char *text = kr_mime_make(&len, k->pool, &parcel);
    apr_size_t column = 0;

    assert_int_equal(len, strlen(text));
    for (const char *p = text; *p; p++) {
        assert_true(isascii((unsigned char)*p));
        assert_true(*p >= 0x20 || *p == '\r' || *p == '\n');
        assert_int_equal(*p == '\n', p > text && p[-1] == '\r');
        assert_false(*p == '.' && column == 0); /* no line that a server could take for the end */
        column = *p == '\n' ? 0 : column + 1;
        assert_true(column <= 202);
    }
    return text;
}

static void a_mail_has_all_that_a_mail_needs(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_letter_t letter = render(k, "verification_code_valid", "email", data_with(k, "en"));
    const char *text = mime(k, &settings.mail, "ana@x.example", &letter);

    assert_non_null(strstr(text, "From: \"Site\"\r\n <no-reply@site.example>\r\n"));
    assert_non_null(strstr(text, "\r\nTo: ana@x.example\r\n"));
    assert_non_null(strstr(text, "\r\nSubject: Confirm your address for id.site.example\r\n"));
    assert_non_null(strstr(text, "\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n"));
    assert_non_null(strstr(text, "\r\nMessage-ID: <01234567-89ab-4def-8123-456789abcdef@site.example>\r\n"));
    assert_non_null(strstr(text, "\r\nAuto-Submitted: auto-generated\r\n"));
    assert_non_null(strstr(text, "\r\nMIME-Version: 1.0\r\n"));
    assert_non_null(strstr(text, "multipart/alternative; boundary=\"=_"));
    assert_true(strstr(text, "text/plain") < strstr(text, "text/html")); /* the richest part comes last */
    assert_non_null(strstr(text, "\r\n123456\r\n"));
    assert_non_null(strstr(text, "\r\n" LINK "\r\n"));
}

static void german_goes_as_quoted_printable(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_letter_t letter = render(k, "verification_code_valid", "email", data_with(k, "de"));
    const char *text = mime(k, &settings.mail, "ana@x.example", &letter);

    assert_non_null(strstr(text, "quoted-printable"));
    assert_non_null(strstr(text, "=C3=B6ffnen"));
    assert_non_null(strstr(text, "Subject: =?UTF-8?B?"));
    assert_non_null(strstr(text, "\r\n123456\r\n"));
}

static void hostile_names_stay_inside_their_header(void **state)
{
    static const char *const HOSTILE[] = {
        "Site\r\nBcc: victim@x.example",
        "\"Site\" <a@b>, \"x",
        "S\xc3\xbc\xc3\x9f\r\nBcc: victim@x.example",
        "=?UTF-8?B?QmNj?=",
        "\\",
        "a very long name that goes on and on and on and on and on and on and on and on and on and on and on and on "
        "and on and on",
    };
    kr_ctx_t *k = ((env_t *)*state)->k;

    for (int i = 0; i < KR_DIM(HOSTILE); i++) {
        kr_letter_t letter = { HOSTILE[i], ".\n..\n.x trailing \n\n", NULL };
        kr_mail_conf_t conf = settings.mail;
        apr_table_t *own = apr_table_make(k->pool, 2);
        const char *text;

        apr_table_setn(own, "X-Site", HOSTILE[i]);
        apr_table_setn(own, "Reply-To", "help@site.example");
        conf.from_name = HOSTILE[i];
        conf.headers = own;
        text = mime(k, &conf, "ana@x.example\r\nBcc: victim@x.example", &letter);
        assert_null(strstr(text, "\nBcc"));
        assert_null(strstr(text, "=?UTF-8?B?QmNj?="));
        assert_non_null(strstr(text, "\r\nReply-To: help@site.example\r\n"));
        assert_non_null(strstr(text, "<no-reply@site.example>\r\n"));
    }
}

static void the_owners_headers_win(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_letter_t letter = { "s", "t\n", NULL };
    kr_mail_conf_t conf = settings.mail;
    apr_table_t *own = apr_table_make(k->pool, 1);
    const char *text;

    apr_table_setn(own, "from", "other@site.example");
    conf.headers = own;
    text = mime(k, &conf, "ana@x.example", &letter);
    assert_non_null(strstr(text, "other@site.example\r\n"));
    assert_null(strstr(text, "From: \"Site\""));
}

int main(void)
{
    env_t sqlite = { .driver = "sqlite3" };
    const struct CMUnitTest tests[] = {
        Q(&sqlite, every_kind_is_written_in_both_languages),
        Q(&sqlite, data_makes_neither_markup_nor_lines),
        Q(&sqlite, data_that_lacks_the_code_is_an_error_and_no_empty_mail),
        Q(&sqlite, letters_about_factors_list_what_changed_and_when),
        Q(&sqlite, a_letter_about_a_recovery_code_tells_how_many_are_left),
        Q(&sqlite, a_mail_has_all_that_a_mail_needs),
        Q(&sqlite, german_goes_as_quoted_printable),
        Q(&sqlite, hostile_names_stay_inside_their_header),
        Q(&sqlite, the_owners_headers_win),
    };

    apr_initialize();
    return cmocka_run_group_tests_name("letters", tests, NULL, NULL);
}
