/* SPDX-License-Identifier: Apache-2.0 */
/* Mail against servers that are good, slow, silent, rude or mad; and the URIs that describe them. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <apr_general.h>

#include "kr_net.h"
#include "kr_text.h"
#include "smtp_sink.h"

static const char LETTER[] = "Subject: hello\r\n\r\nfirst\r\n.hidden dot\r\n..two\r\n";

static sink_t sink;

static kr_net_smtp_t *server(kr_ctx_t *k, const char *scheme, const char *user, const char *query)
{
    const char *why;
    kr_net_smtp_t *out;

    out = kr_net_smtp_parse(k->pool, apr_psprintf(k->pool, "%s://%s127.0.0.1:%d/%s", scheme, user, sink.port, query),
                            "me.example", &why);
    if (!out) fail_msg("%s", why);
    return out;
}

static kr_net_mailed_t post(kr_ctx_t *k, kr_net_mailer_t *mailer, const char *to)
{
    kr_net_mail_t mail = {
        .from = "us@site.example", .to = to, .text = LETTER, .len = strlen(LETTER), .timeout = apr_time_from_msec(1500)
    };

    return kr_net_mail(k, mailer, &mail);
}

/* One message to a server in that mood. */
static kr_net_mailed_t try_one(kr_ctx_t *k, sink_mood_e mood, const char *user, const char *query)
{
    kr_net_mailed_t out;
    apr_pool_t *pool;

    sink_start(&sink, mood);
    apr_pool_create(&pool, k->pool);
    out = post(k, kr_net_mailer_make(pool, server(k, "smtp", user, query)), "ana@x.example");
    apr_pool_destroy(pool);
    sink_stop(&sink);
    return out;
}

#define PLAIN "?disable_starttls=true"

static void a_message_arrives_as_it_was_written(void **state)
{
    kr_ctx_t *k = *state;
    kr_net_mailed_t out = try_one(k, SINK_GOOD, "", PLAIN);

    assert_int_equal(out.fate, KR_MAIL_SENT);
    assert_int_equal(sink.mails, 1);
    assert_string_equal(sink.mail[0].text, LETTER);
    assert_string_equal(sink.mail[0].to, "ana@x.example");
    assert_non_null(strstr(sink.commands, "EHLO me.example\r\n"));
    assert_non_null(strstr(sink.commands, "MAIL FROM:<us@site.example>"));
    assert_non_null(strstr(sink.commands, "QUIT"));
}

static void several_messages_share_a_connection_and_a_lost_one_is_made_anew(void **state)
{
    kr_ctx_t *k = *state;
    kr_net_mailer_t *mailer;
    apr_pool_t *pool;

    for (int hangs_up = 0; hangs_up < 2; hangs_up++) {
        sink_start(&sink, hangs_up ? SINK_HANGS_UP : SINK_GOOD);
        apr_pool_create(&pool, k->pool);
        mailer = kr_net_mailer_make(pool, server(k, "smtp", "", PLAIN));
        for (int i = 0; i < 5; i++) assert_int_equal(post(k, mailer, "ana@x.example").fate, KR_MAIL_SENT);
        apr_pool_destroy(pool);
        sink_stop(&sink);
        assert_int_equal(sink.mails, 5);
        assert_int_equal(sink.connections, hangs_up ? 5 : 1);
    }
}

static void what_the_server_says_decides_what_becomes_of_the_message(void **state)
{
    static const struct {
        const char *to;
        kr_mail_fate_e fate;
        const char *reply;
    } CASES[] = {
        { "refused@x.example", KR_MAIL_REFUSED, "550 5.1.1 no such person" },
        { "busy@x.example", KR_MAIL_LATER, "451 4.7.1 come back later" },
        { "nologin@x.example", KR_MAIL_LATER, "530 5.7.0 authentication required" },
        { "ana@x.example", KR_MAIL_SENT, NULL },
    };
    kr_ctx_t *k = *state;
    kr_net_mailer_t *mailer;
    apr_pool_t *pool;

    sink_start(&sink, SINK_GOOD);
    apr_pool_create(&pool, k->pool);
    mailer = kr_net_mailer_make(pool, server(k, "smtp", "", PLAIN));
    for (int i = 0; i < KR_DIM(CASES); i++) { /* one after the other: a refusal does not spoil the next */
        kr_net_mailed_t out = post(k, mailer, CASES[i].to);

        assert_int_equal(out.fate, CASES[i].fate);
        if (!CASES[i].reply) continue;
        assert_string_equal(out.reply, CASES[i].reply);
        assert_null(strstr(out.why, "x.example"));
    }
    apr_pool_destroy(pool);
    sink_stop(&sink);
    assert_int_equal(sink.mails, 1);
    assert_int_equal(try_one(k, SINK_SPAM, "", PLAIN).fate, KR_MAIL_REFUSED);
}

static void a_server_that_is_no_use_is_unreachable_in_time(void **state)
{
    static const sink_mood_e MOODS[] = { SINK_SILENT, SINK_GARBAGE, SINK_CLOSED };
    kr_ctx_t *k = *state;
    kr_net_smtp_t *nowhere;
    apr_time_t began;

    for (int i = 0; i < KR_DIM(MOODS); i++) {
        began = apr_time_now();
        assert_int_equal(try_one(k, MOODS[i], "", PLAIN).fate, KR_MAIL_UNREACHABLE);
        assert_true(apr_time_now() - began < apr_time_from_sec(3));
    }
    nowhere = server(k, "smtp", "", PLAIN); /* nobody listens there any more */
    assert_int_equal(post(k, kr_net_mailer_make(k->pool, nowhere), "ana@x.example").fate, KR_MAIL_UNREACHABLE);
    assert_int_equal(try_one(k, SINK_SLOW_RECIPIENT, "", PLAIN).fate, KR_MAIL_LATER);
}

static int yes(void *baton)
{
    (void)baton;
    return 1;
}

static void who_must_stop_does_not_wait_for_a_silent_server(void **state)
{
    kr_ctx_t *k = *state;
    kr_net_mail_t mail = {
        .from = "us@site.example", .to = "ana@x.example", .text = LETTER, .len = strlen(LETTER), .stopping = yes
    };
    apr_time_t began = apr_time_now();
    apr_pool_t *pool;

    sink_start(&sink, SINK_SILENT);
    apr_pool_create(&pool, k->pool);
    assert_int_equal(kr_net_mail(k, kr_net_mailer_make(pool, server(k, "smtp", "", PLAIN)), &mail).fate,
                     KR_MAIL_UNREACHABLE);
    apr_pool_destroy(pool);
    sink_stop(&sink);
    assert_true(apr_time_now() - began < apr_time_from_sec(4));
}

static void a_server_in_a_private_network_is_not_spoken_to_where_that_is_forbidden(void **state)
{
    kr_ctx_t *k = *state;
    kr_net_mail_t mail = { .from = "us@site.example", .to = "ana@x.example", .text = LETTER, .len = strlen(LETTER), .guarded = 1 };
    kr_net_mailed_t mailed;
    apr_pool_t *pool;

    sink_start(&sink, SINK_GOOD);
    apr_pool_create(&pool, k->pool);
    mailed = kr_net_mail(k, kr_net_mailer_make(pool, server(k, "smtp", "", PLAIN)), &mail);
    apr_pool_destroy(pool);
    sink_stop(&sink);
    assert_int_equal(mailed.fate, KR_MAIL_UNREACHABLE);
    assert_non_null(strstr(mailed.why, "private network"));
    assert_string_equal(sink.commands, "");
}

static void without_encryption_nothing_is_said(void **state)
{
    kr_ctx_t *k = *state;

    assert_int_equal(try_one(k, SINK_GOOD, "us:secret@", "").fate, KR_MAIL_UNREACHABLE); /* no STARTTLS on offer */
    assert_null(strstr(sink.commands, "MAIL"));
    assert_null(strstr(sink.commands, "AUTH"));
}

static void the_user_is_logged_in_with_the_decoded_password(void **state)
{
    kr_ctx_t *k = *state;
    kr_net_mailed_t out;
    apr_pool_t *pool;

    sink_start(&sink, SINK_GOOD);
    sink.offers = "250-AUTH PLAIN";
    apr_pool_create(&pool, k->pool);
    assert_int_equal(post(k, kr_net_mailer_make(pool, server(k, "smtp", "us%40x:a%3Ab@", PLAIN)), "ana@x.example").fate,
                     KR_MAIL_SENT);
    apr_pool_destroy(pool);
    sink_stop(&sink);
    assert_non_null(strstr(sink.commands, kr_base64(k->pool, "\0us@x\0a:b", 9)));

    sink_start(&sink, SINK_GOOD);
    sink.offers = "250-AUTH PLAIN";
    apr_pool_create(&pool, k->pool);
    out = post(k, kr_net_mailer_make(pool, server(k, "smtp", "bad:secret@", PLAIN)), "ana@x.example");
    apr_pool_destroy(pool);
    sink_stop(&sink);
    assert_int_equal(out.fate, KR_MAIL_UNREACHABLE);
    assert_null(strstr(out.why, "secret"));
    assert_int_equal(sink.mails, 0);
}

static void addresses_cannot_inject(void **state)
{
    static const char *const HOSTILE[] = { "", "a@x\r\nRCPT TO:<b@x>", "a@x> <b@x", "a b@x", "<a@x>", "a@x\n", NULL };
    kr_ctx_t *k = *state;
    kr_net_mailer_t *mailer = kr_net_mailer_make(k->pool, server(k, "smtp", "", PLAIN));

    for (int i = 0; i < KR_DIM(HOSTILE); i++) assert_int_equal(post(k, mailer, HOSTILE[i]).fate, KR_MAIL_REFUSED);
    assert_int_equal(post(k, mailer, apr_psprintf(k->pool, "%0400d@x", 1)).fate, KR_MAIL_REFUSED);
}

/* -- URIs ----------------------------------------------------------------------- */

static void uris_are_read_as_kratos_reads_them(void **state)
{
    apr_pool_t *pool = ((kr_ctx_t *)*state)->pool;
    const char *why;
    kr_net_smtp_t *s = kr_net_smtp_parse(pool, "smtp://a%40b:p%20w@mail.example:2525/", "localhost", &why);

    assert_string_equal(s->url, "smtp://mail.example:2525/localhost");
    assert_string_equal(s->user, "a@b");
    assert_string_equal(s->password, "p w");
    assert_true(s->starttls && s->verify);
    assert_null(s->connect_to);
    s = kr_net_smtp_parse(pool, "smtps://mail.example/?skip_ssl_verify=true&legacy_ssl=true", "localhost", &why);
    assert_true(!s->starttls && !s->verify && !s->user);
    s = kr_net_smtp_parse(pool, "smtp://[::1]:25/?disable_starttls=true&server_name=mx.example", "localhost", &why);
    assert_string_equal(s->url, "smtp://mx.example:25/localhost");
    assert_string_equal(s->connect_to, "::[::1]:25");
    assert_false(s->starttls);
    s = kr_net_smtp_parse(pool, "smtps://10.0.0.1/?server_name=mx.example", "localhost", &why);
    assert_string_equal(s->connect_to, "::10.0.0.1:");
}

static void a_server_may_bear_another_name_than_its_host(void **state)
{
    kr_ctx_t *k = *state;

    assert_int_equal(try_one(k, SINK_GOOD, "", PLAIN "&server_name=mx.nowhere.invalid").fate, KR_MAIL_SENT);
    assert_int_equal(sink.mails, 1);
}

static void broken_uris_are_told_without_their_secrets(void **state)
{
    static const char *const BROKEN[] = {
        "imap://u:hunter2@h/",
        "smtp://",
        "smtp:///",
        "smtp://u:hunter2@/",
        "smtp://u:hun%zzter2@h/",
        "smtp://u:hunter2@h/path",
        "smtp://u:hunter2@h/?disable_tls=true",
        "smtp://u:hunter2@h:99999/",
        "smtp://u:hunter2@h/\r\nx",
        "smtp://u:hunter2@h/#x",
        "smtp://u:hunter2@h/?server_name=a/b",
        "hunter2",
        "smtp://u:hunter2@h h/",
    };
    apr_pool_t *pool = ((kr_ctx_t *)*state)->pool;

    for (int i = 0; i < KR_DIM(BROKEN); i++) {
        const char *why = NULL;

        if (kr_net_smtp_parse(pool, BROKEN[i], "localhost", &why)) fail_msg("%s was taken", BROKEN[i]);
        assert_non_null(why);
        assert_null(strstr(why, "hunter2"));
    }
    assert_null(kr_net_smtp_parse(pool, "smtp://h/", "a b", &(const char *){ NULL }));
}

static int open_ctx(void **state)
{
    apr_pool_t *pool;

    signal(SIGPIPE, SIG_IGN); /* the sink's: whoever hung up meanwhile */
    apr_initialize();
    kr_net_init();
    apr_pool_create(&pool, NULL);
    *state = kr_ctx_make(pool, NULL, KR_LOG_ERR);
    return 0;
}

static int close_ctx(void **state)
{
    apr_pool_destroy(((kr_ctx_t *)*state)->pool);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_arrives_as_it_was_written),
        cmocka_unit_test(several_messages_share_a_connection_and_a_lost_one_is_made_anew),
        cmocka_unit_test(what_the_server_says_decides_what_becomes_of_the_message),
        cmocka_unit_test(a_server_that_is_no_use_is_unreachable_in_time),
        cmocka_unit_test(who_must_stop_does_not_wait_for_a_silent_server),
        cmocka_unit_test(a_server_in_a_private_network_is_not_spoken_to_where_that_is_forbidden),
        cmocka_unit_test(without_encryption_nothing_is_said),
        cmocka_unit_test(the_user_is_logged_in_with_the_decoded_password),
        cmocka_unit_test(addresses_cannot_inject),
        cmocka_unit_test(uris_are_read_as_kratos_reads_them),
        cmocka_unit_test(a_server_may_bear_another_name_than_its_host),
        cmocka_unit_test(broken_uris_are_told_without_their_secrets),
    };

    return cmocka_run_group_tests_name("smtp", tests, open_ctx, close_ctx);
}
