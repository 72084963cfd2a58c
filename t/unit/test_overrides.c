/* SPDX-License-Identifier: Apache-2.0 */
/* Letters by templates of the owner's: each part by itself, ours where theirs fails, and no data beyond its place. */
#include "courier_env.h"

static char last_line[1024];

static void remember(void *baton, kr_level_e level, const char *line)
{
    (void)baton;
    if (level <= KR_LOG_ERR) apr_cpystrn(last_line, line, sizeof(last_line));
}

static void override(env_t *env, const char *type, const char *part, const char *text)
{
    const int html = strcmp(part, "email.body.html") == 0;
    const kr_template_source_t source = { "own.gotmpl", text, strlen(text) };
    apr_array_header_t *list = (apr_array_header_t *)settings.mail.overrides;
    const char *why = NULL;
    kr_override_t *o;

    if (!list) list = apr_array_make(env->pool, 4, sizeof(kr_override_t));
    settings.mail.overrides = list;
    o = apr_array_push(list);
    o->type = type;
    o->part = part;
    o->template = kr_template_make(env->pool, html ? KR_TEMPLATE_HTML : KR_TEMPLATE_TEXT, &source, 1, &why);
    if (!o->template) fail_msg("%s", why);
    env->k->log = remember;
    last_line[0] = '\0';
}

static void each_part_is_replaced_by_itself(void **state)
{
    env_t *env = *state;
    kr_letter_t letter;

    override(env, "login_code_valid", "email.subject", "\n  Code for {{ .To }}\n");
    override(env, "login_code_valid", "email.body.html", "<b>{{ .LoginCode }}</b>{{ .Identity.traits.locale }}");
    letter = render(env->k, "login_code_valid", "email", data_with(env->k, "en"));
    assert_string_equal(letter.subject, "Code for ana@x.example");
    assert_string_equal(letter.html, "<b>123456</b>en");
    assert_non_null(strstr(letter.text, "sign in")); /* ours */
    letter = render(env->k, "login_code_valid", "sms", data_with(env->k, "en"));
    assert_non_null(strstr(letter.text, "@id.site.example #123456"));
    letter = render(env->k, "recovery_code_valid", "email", data_with(env->k, "en"));
    assert_non_null(strstr(letter.html, "<!DOCTYPE"));
}

static void text_and_sms_are_taken_as_they_are_made(void **state)
{
    env_t *env = *state;

    override(env, "login_code_valid", "email.body.plaintext", "{{ .To }}:\r\n{{ .LoginCode }}\r\n");
    override(env, "login_code_valid", "sms.body.plaintext",
             "{{ .LoginCode }}\n\n@{{ .RequestURLDomain }} #{{ .LoginCode }}");
    assert_string_equal(render(env->k, "login_code_valid", "email", data_with(env->k, "en")).text,
                        "ana@x.example:\n123456\n");
    assert_string_equal(render(env->k, "login_code_valid", "sms", data_with(env->k, "en")).text, "123456\n\n@ #123456");
}

static void where_a_template_fails_ours_goes_out_and_the_log_says_so(void **state)
{
    env_t *env = *state;
    kr_letter_t letter;

    override(env, "login_code_valid", "email.subject", "fine");
    override(env, "login_code_valid", "email.body.plaintext", "\n{{ index .To 1 }}");
    letter = render(env->k, "login_code_valid", "email", data_with(env->k, "en"));
    assert_string_equal(letter.subject, "fine");
    assert_non_null(strstr(letter.text, "123456"));
    assert_non_null(strstr(last_line, "KR0506: the template email.body.plaintext of login_code_valid failed"));
    assert_non_null(strstr(last_line, "own.gotmpl:2: index"));
    assert_null(strstr(last_line, "ana@"));
}

static void hostile_traits_stay_inside_their_place(void **state)
{
    env_t *env = *state;
    json_t *data = data_with(env->k, "en");
    const char *evil = "x\r\nBcc: evil@x.example\r\n\r\n<script>alert(1)</script>\" onload=\"x {{ .LoginCode }}";
    kr_parcel_t parcel = { &settings.mail, "01234567-89ab-4def-8123-456789abcdef", "ana@x.example", NULL, 0 };
    kr_letter_t letter;
    apr_size_t len;
    char *mail;

    kr_json_set_at(data, "identity.traits.name", json_string(evil));
    override(env, "login_code_valid", "email.subject", "Hi {{ .Identity.traits.name }}");
    override(env, "login_code_valid", "email.body.html",
             "<a href=\"{{ .Identity.traits.name }}\" title=\"{{ .Identity.traits.name }}\">{{ .Identity.traits.name "
             "}}</a>");
    letter = render(env->k, "login_code_valid", "email", data);
    assert_null(strpbrk(letter.subject, "\r\n"));
    assert_null(strstr(letter.html, "<script"));
    assert_null(strstr(letter.html, "\" onload"));
    assert_null(strstr(letter.html, "123456")); /* data is no template */
    assert_non_null(strstr(letter.html, "<a href=\"#\""));
    parcel.letter = &letter;
    mail = apr_pstrdup(env->k->pool, kr_mime_make(&len, env->k->pool, &parcel));
    *strstr(mail, "\r\n\r\n") = '\0'; /* the head */
    assert_null(strstr(mail, "\r\nBcc:"));
}

int main(void)
{
    env_t sqlite = { .driver = "sqlite3" };
    const struct CMUnitTest tests[] = {
        Q(&sqlite, each_part_is_replaced_by_itself),
        Q(&sqlite, text_and_sms_are_taken_as_they_are_made),
        Q(&sqlite, where_a_template_fails_ours_goes_out_and_the_log_says_so),
        Q(&sqlite, hostile_traits_stay_inside_their_place),
    };

    apr_initialize();
    return cmocka_run_group_tests_name("overrides", tests, NULL, NULL);
}
