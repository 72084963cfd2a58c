/* SPDX-License-Identifier: Apache-2.0 */
/* Mail and SMS to HTTP services: what they are sent, and that none of their ways to fail loses a message. */
#include "courier_env.h"
#include "http_sink.h"

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

#define PROGRAM                                                                                                        \
    "function(ctx) { to: ctx.recipient, kind: ctx.message_type, type: ctx.template_type, subject: ctx.subject, "       \
    "text: ctx.body, html: if 'html_body' in ctx then ctx.html_body else null, data: ctx.template_data, "              \
    "headers: ctx.request_headers }"

static service_t service;
static kr_http_service_t target;

/* -- set-up ------------------------------------------------------------------------- */

static kr_http_service_t *use(env_t *env, const char *type, const char *program)
{
    apr_table_t *headers = apr_table_make(env->pool, 4);
    const char *why = NULL;

    apr_table_set(headers, "Content-Type", type);
    apr_table_set(headers, "Authorization", "Basic YTpi");
    target = (kr_http_service_t){ .method = "PUT", .headers = headers, .timeout = apr_time_from_msec(400) };
    target.url = apr_psprintf(env->pool, "http://127.0.0.1:%d/in?key=1", service.port);
    target.body = kr_jsonnet_make(env->pool, "test.jsonnet", program, strlen(program), &why);
    if (!target.body) fail_msg("%s", why);
    return &target;
}

static void mail_by_http(env_t *env, const char *type, const char *program)
{
    settings.mail.folder = NULL;
    settings.mail.by_http = 1;
    settings.mail.http = use(env, type, program);
}

static void queue_sms(kr_ctx_t *k, const char *type)
{
    json_t *data = data_with(k, "en");

    json_object_set_new(data, "request_url_domain", json_string("evil.example")); /* as whoever asked might have it */
    OK(kr_courier_queue(k, &(kr_mail_t){ "sms", "+4915112345678", type, data }));
}

/* What the nth call brought as JSON. */
static json_t *call_json(kr_ctx_t *k, int n)
{
    const char *body = strstr(service.call[n], "\r\n\r\n");
    json_t *out = body ? kr_json_parse(k->pool, body + 4, strlen(body + 4), NULL) : NULL;

    if (!out) fail_msg("call %d is no JSON: %s", n, service.call[n]);
    return out;
}

static int queued_files(const env_t *env)
{
    DIR *dir = opendir(env->folder);
    int n = 0;

    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) n += strstr(e->d_name, ".eml") != NULL;
    closedir(dir);
    return n;
}

/* -- what they are sent ------------------------------------------------------------------ */

static void a_service_gets_what_the_owners_jsonnet_makes(void **state)
{
    env_t *env = *state;
    json_t *got;

    service_start(&service, SERVICE_ANSWERS, OK_ANSWER);
    mail_by_http(env, "application/json", PROGRAM);
    queue(env->k, "ana@x.example");
    assert_int_equal(work(env->k, "me"), 1);
    service_stop(&service);
    assert_int_equal(service.calls, 1);
    assert_int_equal(strncmp(service.call[0], "PUT /in?key=1 HTTP/1.1\r\n", 24), 0);
    assert_non_null(strstr(service.call[0], "\r\nAuthorization: Basic YTpi\r\n"));
    assert_non_null(strstr(service.call[0], "\r\nContent-Type: application/json\r\n"));
    got = call_json(env->k, 0);
    assert_string_equal(kr_json_str(got, "to"), "ana@x.example");
    assert_string_equal(kr_json_str(got, "kind"), "email");
    assert_string_equal(kr_json_str(got, "type"), "login_code_valid");
    assert_string_equal(kr_json_str(got, "data.login_code"), "123456");
    assert_string_equal(kr_json_str(got, "data.identity.traits.locale"), "en");
    assert_non_null(strstr(kr_json_str(got, "text"), "123456"));
    assert_non_null(strstr(kr_json_str(got, "html"), "<html"));
    assert_null(kr_json_at(got, "data.language"));
    assert_null(kr_json_at(got, "data.request_headers"));
    only(env->k, "sent");
}

static void a_service_knows_the_harmless_headers_of_the_request_and_no_others(void **state)
{
    env_t *env = *state;
    apr_table_t *headers = apr_table_make(env->pool, 4);
    apr_array_header_t *names = apr_array_make(env->pool, 2, sizeof(const char *));
    const kr_request_t req = { .headers = headers };
    json_t *got;

    apr_table_set(headers, "user-agent", "Browser \xff \"1\"");
    apr_table_set(headers, "Cookie", "secret");
    APR_ARRAY_PUSH(names, const char *) = "User-Agent";
    APR_ARRAY_PUSH(names, const char *) = "Origin";
    settings.told_headers = names;
    env->k->req = &req;
    service_start(&service, SERVICE_ANSWERS, OK_ANSWER);
    mail_by_http(env, "application/json", PROGRAM);
    queue(env->k, "ana@x.example");
    env->k->req = NULL;
    assert_int_equal(work(env->k, "me"), 1);
    service_stop(&service);
    got = kr_json_at(call_json(env->k, 0), "headers");
    assert_int_equal(json_object_size(got), 1);
    assert_string_equal(json_string_value(json_array_get(json_object_get(got, "User-Agent"), 0)),
                        "Browser \xef\xbf\xbd \"1\"");
}

static void a_text_message_ends_with_the_line_that_phones_read(void **state)
{
    env_t *env = *state;
    json_t *got;

    service_start(&service, SERVICE_ANSWERS, OK_ANSWER);
    settings.mail.sms = use(env, "application/json", PROGRAM);
    queue_sms(env->k, "recovery_code_valid");
    assert_int_equal(work(env->k, "me"), 1);
    service_stop(&service);
    got = call_json(env->k, 0);
    assert_string_equal(kr_json_str(got, "kind"), "sms");
    assert_string_equal(kr_json_str(got, "subject"), "");
    assert_true(json_is_null(json_object_get(got, "html")));
    assert_non_null(strstr(kr_json_str(got, "text"), "\n\n@id.site.example #123456"));
    assert_string_equal(kr_json_str(got, "data.verification_code"), "123456"); /* as services for Kratos know it */
    assert_null(kr_json_at(got, "data.recovery_code"));
}

static void a_form_is_sent_where_the_type_says_so(void **state)
{
    env_t *env = *state;

    service_start(&service, SERVICE_ANSWERS, OK_ANSWER);
    settings.mail.sms = use(env, "application/x-www-form-urlencoded",
                            "function(ctx) { To: ctx.recipient, n: 1, 'a b': '&=\\n', no: null }");
    queue_sms(env->k, "login_code_valid");
    assert_int_equal(work(env->k, "me"), 1);
    service_stop(&service);
    assert_non_null(strstr(service.call[0], "\r\n\r\nTo=%2B4915112345678&a%20b=%26%3D%0A&n=1"));
}

/* -- when they fail ------------------------------------------------------------------------- */

static void a_service_that_refuses_is_asked_again_and_then_no_more(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = env->k;

    service_start(&service, SERVICE_ANSWERS, "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n");
    mail_by_http(env, "application/json", PROGRAM);
    queue(k, "ana@x.example");
    assert_int_equal(work(k, "me"), 0);
    assert_int_equal(only(k, "queued").attempts, 1);
    assert_string_equal(only(k, "queued").last_error, "the service answered 400");
    assert_int_equal(work(k, "me"), 0); /* it is not due yet */
    assert_int_equal(service.calls, 1);
    for (int i = 0; i < 2; i++) { /* settings.mail.retries */
        k->now += apr_time_from_sec(3600);
        work(k, "me");
    }
    service_stop(&service);
    assert_int_equal(only(k, "abandoned").attempts, 3);
    assert_int_equal(service.calls, 3);
}

static const struct {
    service_mood_e mood;
    const char *answer;
} FAILURES[] = {
    { SERVICE_SILENT, NULL },
    { SERVICE_ENDLESS_HEAD, NULL },
    { SERVICE_HANGS_UP, NULL },
    { SERVICE_ANSWERS, "\x01\x02\xff garbage\r\n\r\n" },
    { SERVICE_ANSWERS, "HTTP/1.1 200" },
    { SERVICE_ANSWERS, "HTTP/9.9 abc\r\n\r\n" },
    { SERVICE_ANSWERS, "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n" },
    { SERVICE_ANSWERS, "HTTP/1.1 503 Busy\r\n\r\n" },
    { SERVICE_ANSWERS, "HTTP/1.1 100 Continue\r\n\r\n" },
};

static const kr_query_t EMPTY = { .name = "empty", .sql = "DELETE FROM courier_messages WHERE id <> %s" };

static void no_way_to_fail_loses_a_message(void **state)
{
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(FAILURES); i++) {
        service_start(&service, FAILURES[i].mood, FAILURES[i].answer);
        mail_by_http(env, "application/json", PROGRAM);
        OK(kr_db_exec(NULL, env->k, &EMPTY, KR_S("")));
        queue(env->k, "ana@x.example");
        kr_db_release(env->k);
        if (work(env->k, "me") || how_many(env->k, "queued") != 1) fail_msg("failure %d counts as sent", i);
        if (only(env->k, "queued").attempts != 1) fail_msg("failure %d: %s", i, only(env->k, "queued").last_error);
        kr_db_release(env->k);
        service_stop(&service);
    }
}

static void after_a_yes_the_rest_of_the_answer_does_not_matter(void **state)
{
    env_t *env = *state;

    service_start(&service, SERVICE_ENDLESS_BODY, NULL);
    mail_by_http(env, "application/json", PROGRAM);
    queue(env->k, "ana@x.example");
    assert_int_equal(work(env->k, "me"), 1);
    assert_int_equal(work(env->k, "me"), 0);
    service_stop(&service);
    assert_int_equal(service.calls, 1);
}

static void a_service_that_is_down_holds_up_nobody_elses_messages(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = env->k;
    kr_outbox_worker_t worker = { .name = "me" };
    kr_queue_e queue_state;
    int sent;

    service_start(&service, SERVICE_ANSWERS, OK_ANSWER);
    service_stop(&service); /* its port refuses connections now */
    settings.mail.sms = use(env, "application/json", PROGRAM);
    for (int i = 0; i < 3; i++) {
        queue_sms(k, "login_code_valid");
        queue(k, apr_psprintf(k->pool, "a%d@x.example", i));
        k->now += 2;
    }
    OK(kr_outbox_work(&sent, &queue_state, k, &kr_lanes[KR_LANE_MESSAGES], &worker));
    assert_int_equal(sent, 3);
    assert_int_equal(queued_files(env), 3);
    assert_int_equal(queue_state, KR_QUEUE_DONE); /* mail goes on at once */
    assert_int_equal(how_many(k, "queued"), 3);
    OK(kr_outbox_work(&sent, &queue_state, k, &kr_lanes[KR_LANE_MESSAGES], &worker));
    assert_int_equal(sent, 0); /* not tried again at once */
    service_start(&service, SERVICE_ANSWERS, OK_ANSWER);
    target.url = apr_psprintf(env->pool, "http://127.0.0.1:%d/", service.port);
    for (int i = 0; i < 4; i++) {
        k->now += KR_OUTBOX_TROUBLE + apr_time_from_sec(1);
        work(k, "me");
    }
    service_stop(&service);
    assert_int_equal(how_many(k, "sent"), 6);
    assert_int_equal(service.calls, 3);
}

static void without_a_channel_text_messages_are_tried_and_then_given_up(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = env->k;

    settings.mail.folder = NULL;
    settings.mail.by_http = 1;
    service_start(&service, SERVICE_ANSWERS, OK_ANSWER);
    settings.mail.http = use(env, "application/json", PROGRAM);
    queue_sms(k, "login_code_valid");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(work(k, "me"), 0);
        assert_non_null(strstr(only(k, "queued").last_error, "nothing carries"));
        k->now += apr_time_from_sec(3600);
    }
    work(k, "me");
    service_stop(&service);
    assert_int_equal(how_many(k, "abandoned"), 1);
    assert_int_equal(service.calls, 0);
}

static void a_program_that_fails_is_no_reason_to_send_something_else(void **state)
{
    env_t *env = *state;

    service_start(&service, SERVICE_ANSWERS, OK_ANSWER);
    mail_by_http(env, "application/json", "function(ctx) error 'not ' + ctx.template_type");
    queue(env->k, "ana@x.example");
    assert_int_equal(work(env->k, "me"), 0);
    assert_string_equal(only(env->k, "queued").last_error, "test.jsonnet: not login_code_valid");
    target.headers = apr_table_make(env->pool, 1);
    apr_table_set((apr_table_t *)target.headers, "Content-Type", "application/x-www-form-urlencoded");
    use(env, "application/x-www-form-urlencoded", "function(ctx) { a: [1] }");
    env->k->now += apr_time_from_sec(3600);
    assert_int_equal(work(env->k, "me"), 0);
    assert_non_null(strstr(only(env->k, "queued").last_error, "no flat object"));
    service_stop(&service);
    assert_int_equal(service.calls, 0);
}

int main(void)
{
    env_t sqlite = { .driver = "sqlite3" };
    const struct CMUnitTest tests[] = {
        Q(&sqlite, a_service_gets_what_the_owners_jsonnet_makes),
        Q(&sqlite, a_service_knows_the_harmless_headers_of_the_request_and_no_others),
        Q(&sqlite, a_text_message_ends_with_the_line_that_phones_read),
        Q(&sqlite, a_form_is_sent_where_the_type_says_so),
        Q(&sqlite, a_service_that_refuses_is_asked_again_and_then_no_more),
        Q(&sqlite, no_way_to_fail_loses_a_message),
        Q(&sqlite, after_a_yes_the_rest_of_the_answer_does_not_matter),
        Q(&sqlite, a_service_that_is_down_holds_up_nobody_elses_messages),
        Q(&sqlite, without_a_channel_text_messages_are_tried_and_then_given_up),
        Q(&sqlite, a_program_that_fails_is_no_reason_to_send_something_else),
    };

    apr_initialize();
    kr_net_init();
    return cmocka_run_group_tests_name("courier by http", tests, NULL, NULL);
}
