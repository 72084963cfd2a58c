/* SPDX-License-Identifier: Apache-2.0 */
/* The queue: each message leaves it once, and none is lost. */
#include "courier_env.h"
#include "smtp_sink.h"
#include "kr_store_message.h"

static sink_t sink;

static void use_sink(env_t *env, sink_mood_e mood)
{
    const char *why;

    sink_start(&sink, mood);
    settings.mail.folder = NULL;
    settings.mail.smtp = kr_net_smtp_parse(
        env->pool, apr_psprintf(env->pool, "smtp://127.0.0.1:%d/?disable_starttls=true", sink.port), "me", &why);
}

/* -- into the queue --------------------------------------------------------------------- */

static void addresses_that_cannot_be_written_to_are_refused(void **state)
{
    static const struct {
        const char *via, *to;
    } HOSTILE[] = {
        { "email", "a@x.example\r\nBcc: b@x.example" },
        { "email", "a@x.example, b@x.example" },
        { "email", "\"a\" <a@x.example>" },
        { "email", "\"a b\"@x.example" },
        { "email", "a" },
        { "email", "" },
        { "email", NULL },
        { "email", "@x.example" },
        { "email", "a@b\xc3\xbc"
                   "cher.example" },
        { "email", "a@x.example\n" },
        { "sms", "12345" },
        { "sms", "+49 89\r\n1234567" },
    };
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_err_t *err;

    for (int i = 0; i < KR_DIM(HOSTILE); i++) {
        err =
            kr_courier_queue(k, &(kr_mail_t){ HOSTILE[i].via, HOSTILE[i].to, "login_code_valid", data_with(k, "en") });
        if (!err) fail_msg("%s was taken", HOSTILE[i].to);
        assert_int_equal(err->status, 400);
    }
    err = kr_courier_queue(
        k, &(kr_mail_t){ "email", apr_psprintf(k->pool, "%0330d@x.example", 1), "login_code_valid", NULL });
    assert_int_equal(err->status, 400);
    assert_int_equal(how_many(k, NULL), 0);
    assert_int_equal(k->queued, 0);
}

static void a_queued_message_keeps_its_code_sealed_and_speaks_the_browsers_language(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = env->k;
    apr_table_t *headers = apr_table_make(k->pool, 1);
    kr_request_t req = { .headers = headers };
    json_t *data = kr_json_pack(k->pool, "{s:s}", "login_code", "123456");
    apr_array_header_t *claimed;

    apr_table_set(headers, "Accept-Language", "fr;q=0.9, de-CH, en");
    k->req = &req;
    OK(kr_courier_queue(k, &(kr_mail_t){ "email", "ana@x.example", "login_code_valid", data }));
    assert_int_equal(k->queued, 1);
    assert_null(json_object_get(data, "language")); /* borrowed, and left alone */
    OK(kr_store_message_claim(&claimed, k, "email", "sms", "me", k->now + 1, 10));
    assert_null(strstr(APR_ARRAY_IDX(claimed, 0, kr_message_row_t).sealed, "123456"));
    k->now += 2;
    assert_int_equal(work(k, "me"), 1);
    assert_int_equal(system(apr_psprintf(k->pool, "grep -q 'lang=3D\"de\"\\|lang=\"de\"' %s/*.eml", env->folder)), 0);
}

static kr_err_t *queue_and_fail(kr_ctx_t *k, void *baton)
{
    KR_TRY(kr_courier_queue(k, baton));
    return kr_err(k, 418, NULL, "no");
}

static void a_message_that_was_rolled_back_wakes_nobody(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_mail_t mail = { "email", "ana@x.example", "login_code_valid", data_with(k, "en") };

    assert_int_equal(kr_db_tx(k, queue_and_fail, &mail)->status, 418);
    assert_int_equal(how_many(k, NULL), 0);
    assert_int_equal(k->queued, 0);
}

static void large_traits_do_not_cost_the_message(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    json_t *data = data_with(k, "de");

    kr_json_set_at(data, "identity.traits.story", json_string(apr_psprintf(k->pool, "%050000d", 1)));
    OK(kr_courier_queue(k, &(kr_mail_t){ "email", "ana@x.example", "login_code_valid", data }));
    assert_int_equal(work(k, "me"), 1);
}

/* -- out of the queue --------------------------------------------------------------------- */

static void what_was_sent_is_marked_emptied_and_not_sent_again(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = env->k;
    kr_message_row_t sent;
    kr_row_t *row;
    static const kr_query_t SEALED = { .name = "sealed", .sql = "SELECT sealed FROM courier_messages" };

    queue(k, "ana@x.example");
    k->now += apr_time_from_sec(1);
    assert_int_equal(work(k, "me"), 1);
    sent = only(k, "sent");
    assert_int_equal(sent.attempts, 1);
    OK(kr_db_one_(&row, k, &SEALED, NULL, 0));
    assert_string_equal(row->col[0], "");
    assert_int_equal(access(apr_pstrcat(k->pool, env->folder, "/", sent.id, ".eml", NULL), R_OK), 0);
    kr_db_release(k);
    k->now += apr_time_from_sec(3600);
    assert_int_equal(work(k, "me"), 0);
}

static void an_idle_look_is_one_statement(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    unsigned before = k->statements;

    assert_int_equal(work(k, "me"), 0);
    assert_int_equal(k->statements - before, 1);
}

static void two_workers_never_claim_the_same_message(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = env->k, *k2 = another(&env->realm);
    apr_array_header_t *a, *b, *c;
    apr_time_t until;

    for (int i = 0; i < 5; i++) queue(k, "ana@x.example");
    k2->now = k->now;
    until = k->now + apr_time_from_sec(90);
    OK(kr_store_message_claim(&a, k, "email", "sms", "one", until, 3));
    OK(kr_store_message_claim(&b, k2, "email", "sms", "two", until, 3));
    OK(kr_store_message_claim(&c, k2, "email", "sms", "three", until, 3));
    assert_int_equal(a->nelts, 3);
    assert_int_equal(b->nelts, 2);
    assert_int_equal(c->nelts, 0);
    for (int i = 0; i < a->nelts; i++) {
        for (int j = 0; j < b->nelts; j++) {
            assert_string_not_equal(APR_ARRAY_IDX(a, i, kr_message_row_t).id, APR_ARRAY_IDX(b, j, kr_message_row_t).id);
        }
    }
    kr_db_release(k);
    k2->now = until; /* one and two died: whoever looks now has all of them */
    OK(kr_store_message_claim(&c, k2, "email", "sms", "three", until + apr_time_from_sec(90), 10));
    assert_int_equal(c->nelts, 5);
    /* one was not dead but slow: it cannot put off what is three's by now */
    APR_ARRAY_IDX(a, 0, kr_message_row_t).status = "abandoned";
    OK(kr_store_message_failed(k, "one", &APR_ARRAY_IDX(a, 0, kr_message_row_t)));
    assert_int_equal(how_many(k, "abandoned"), 0);
    apr_pool_destroy(k2->pool);
}

static void messages_to_one_recipient_keep_their_order(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = env->k, *k2 = another(&env->realm);
    apr_array_header_t *first, *rest, *later;
    const kr_message_row_t *message;
    const apr_time_t until = k->now + apr_time_from_sec(90), began = k->now;

    for (int i = 0; i < 3; i++, k->now++) queue(k, "ana@x.example");
    queue(k, "ben@x.example");
    k2->now = k->now;
    OK(kr_store_message_claim(&first, k, "email", "sms", "one", until, 1));
    OK(kr_store_message_in_turn(first, k, "one", until));
    assert_int_equal(first->nelts, 1);
    message = &APR_ARRAY_IDX(first, 0, kr_message_row_t);
    assert_int_equal(message->created_at, began);
    /* while that is on its way, ana's others wait, and nobody else's */
    OK(kr_store_message_claim(&rest, k2, "email", "sms", "two", until, 10));
    assert_int_equal(rest->nelts, 3);
    OK(kr_store_message_in_turn(rest, k2, "two", until));
    assert_int_equal(rest->nelts, 1);
    assert_string_equal(APR_ARRAY_IDX(rest, 0, kr_message_row_t).recipient, "ben@x.example");
    OK(kr_store_message_sent(k, message));
    /* a moment later both are due, and go out in one batch, in order */
    k2->now += apr_time_from_msec(100);
    OK(kr_store_message_claim(&later, k2, "email", "sms", "two", until + 1, 10));
    OK(kr_store_message_in_turn(later, k2, "two", until + 1));
    assert_int_equal(later->nelts, 2);
    assert_int_equal(APR_ARRAY_IDX(later, 0, kr_message_row_t).created_at, began + 1);
    apr_pool_destroy(k2->pool);
}

static void a_message_that_was_put_off_holds_up_no_newer_one(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = env->k;
    apr_array_header_t *claimed;
    kr_message_row_t *message;
    const apr_time_t until = k->now + apr_time_from_sec(90);

    queue(k, "ana@x.example");
    OK(kr_store_message_claim(&claimed, k, "email", "sms", "one", until, 1));
    message = &APR_ARRAY_IDX(claimed, 0, kr_message_row_t);
    message->attempts = 1;
    message->send_after = k->now + apr_time_from_sec(600);
    message->last_error = "not now";
    OK(kr_store_message_failed(k, "one", message));
    k->now++;
    queue(k, "ana@x.example");
    OK(kr_store_message_claim(&claimed, k, "email", "sms", "one", until, 10));
    OK(kr_store_message_in_turn(claimed, k, "one", until));
    assert_int_equal(claimed->nelts, 1);
}

#define CROWD 4

typedef struct {
    const kr_realm_t *realm;
    int number, sent;
} hand_t;

static void *APR_THREAD_FUNC drain(apr_thread_t *thread, void *baton)
{
    hand_t *hand = baton;
    char name[16];

    (void)thread;
    snprintf(name, sizeof(name), "hand %d", hand->number);
    for (int idle = 0; idle < 2;) {
        kr_ctx_t *k = another(hand->realm);
        kr_outbox_worker_t worker = { .name = name };
        kr_queue_e queue_state;
        int sent = 0;

        if (kr_outbox_work(&sent, &queue_state, k, &kr_lanes[KR_LANE_MESSAGES], &worker)) idle = 9;
        hand->sent += sent;
        idle += sent == 0;
        kr_db_release(k);
        apr_pool_destroy(k->pool);
    }
    return NULL;
}

static void many_workers_send_each_message_once(void **state)
{
    env_t *env = *state;
    apr_thread_t *threads[CROWD];
    hand_t hands[CROWD];
    int sent = 0;

    use_sink(env, SINK_GOOD);
    settings.mail.batch = 7;
    for (int i = 0; i < 200; i++) queue(env->k, apr_psprintf(env->pool, "ana%d@x.example", i));
    kr_db_release(env->k);
    for (int i = 0; i < CROWD; i++) {
        hands[i] = (hand_t){ &env->realm, i, 0 };
        assert_int_equal(apr_thread_create(&threads[i], NULL, drain, &hands[i], env->pool), APR_SUCCESS);
    }
    for (int i = 0; i < CROWD; i++) {
        apr_status_t rv;

        apr_thread_join(&rv, threads[i]);
        sent += hands[i].sent;
    }
    sink_stop(&sink);
    assert_int_equal(sent, 200);
    assert_int_equal(sink.mails, 200);
    assert_int_equal(how_many(env->k, "sent"), 200);
    for (int i = 0; i < 200; i++) {
        for (int j = 0; j < i; j++) assert_string_not_equal(sink.mail[i].to, sink.mail[j].to);
    }
}

static void a_message_that_fails_is_put_off_longer_each_time_and_then_given_up(void **state)
{
    static const int PAUSES[] = { 1, 5 };
    env_t *env = *state;
    kr_ctx_t *k = env->k;
    kr_message_row_t message;

    use_sink(env, SINK_GOOD);
    k->log_level = KR_LOG_ERR;
    queue(k, "busy@x.example");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(work(k, "me"), 0);
        message = only(k, "queued");
        assert_int_equal(message.attempts, i + 1);
        assert_in_range(message.send_after - k->now, apr_time_from_sec(PAUSES[i]), apr_time_from_sec(PAUSES[i] + 1));
        assert_non_null(strstr(message.last_error, "451 4.7.1"));
        k->now += apr_time_from_sec(PAUSES[i]) - 1000; /* not yet */
        work(k, "me");
        assert_int_equal(only(k, "queued").attempts, i + 1);
        k->now += apr_time_from_sec(1);
    }
    work(k, "me"); /* the first try and two more: message_retries is 2 */
    assert_int_equal(only(k, "abandoned").attempts, 3);
    k->now += apr_time_from_sec(3600);
    assert_int_equal(work(k, "me"), 0);
    kr_db_release(k);
    sink_stop(&sink);
    assert_int_equal(sink.mails, 0);
}

static void a_refused_message_is_given_up_at_once_and_holds_up_no_other(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = env->k;
    apr_int64_t done;

    use_sink(env, SINK_GOOD);
    queue(k, "refused@x.example");
    queue(k, "busy@x.example");
    for (int i = 0; i < 5; i++) queue(k, "ana@x.example");
    assert_int_equal(work(k, "me"), 5);
    assert_string_equal(only(k, "abandoned").last_error, "answered 550 at the recipient: 550 5.1.1 no such person");
    assert_int_equal(only(k, "queued").attempts, 1);
    OK(kr_store_message_retry(&done, k, only(k, "abandoned").id));
    assert_int_equal(done, 1);
    assert_int_equal(how_many(k, "abandoned"), 0);
    kr_db_release(k);
    work(k, "me");
    assert_int_equal(how_many(k, "abandoned"), 1);
    OK(kr_store_message_retry(&done, k, NULL));
    assert_int_equal(done, 1);
    kr_db_release(k);
    sink_stop(&sink);
}

/* The same rows are written and marked, and nobody hears of it. */
static void a_message_to_nobody_is_sent_to_nobody_and_names_nobody(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = env->k;
    const kr_mail_t mail = { "email", "stranger@x.example", "login_code_valid", data_with(k, "en") };
    kr_message_row_t message;

    use_sink(env, SINK_GOOD);
    OK(kr_courier_queue_nothing(k, &mail));
    queue(k, "ana@x.example");
    assert_int_equal(k->queued, 2);
    kr_db_release(k);
    assert_int_equal(work(k, "me"), 1);
    sink_stop(&sink);
    assert_int_equal(sink.mails, 1);
    message = only(k, "blank");
    assert_string_equal(message.recipient, message.id);
    assert_int_equal(how_many(k, "queued"), 0);
}

static void while_the_server_is_down_nothing_is_lost_and_nothing_counts(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = env->k;
    kr_outbox_worker_t worker = { .name = "me" };
    kr_queue_e queue_state;
    int sent;

    use_sink(env, SINK_GOOD);
    sink_stop(&sink); /* its port answers nobody now */
    for (int i = 0; i < 3; i++) queue(k, "ana@x.example");
    for (int i = 0; i < 20; i++) {
        OK(kr_outbox_work(&sent, &queue_state, k, &kr_lanes[KR_LANE_MESSAGES], &worker));
        assert_int_equal(queue_state, KR_QUEUE_TROUBLE);
        k->now += KR_OUTBOX_TROUBLE + apr_time_from_sec(1);
    }
    assert_int_equal(how_many(k, "queued"), 3);
    kr_db_release(k);
    use_sink(env, SINK_GOOD);
    k->now += apr_time_from_sec(60);
    assert_int_equal(work(k, "me"), 3);
    sink_stop(&sink);
    assert_int_equal(sink.mails, 3);
}

static int yes(void *baton)
{
    return ++*(int *)baton > 2;
}

static void who_must_stop_gives_back_what_is_left(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = env->k;
    int asked = 0, sent;
    kr_outbox_worker_t worker = { "me", yes, &asked };
    kr_queue_e queue_state;

    for (int i = 0; i < 6; i++) queue(k, "ana@x.example");
    OK(kr_outbox_work(&sent, &queue_state, k, &kr_lanes[KR_LANE_MESSAGES], &worker));
    assert_int_equal(sent, 2);
    assert_int_equal(how_many(k, "sent"), 2);
    kr_db_release(k);
    assert_int_equal(work(k, "other"), 4); /* at once, and not when the lease ends */
}

static void a_message_that_nobody_can_open_or_that_came_too_late_is_given_up(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;

    OK(kr_store_message_insert(k, kr_uuid(k), "email", "ana@x.example", "login_code_valid", "sealed by somebody else"));
    queue(k, "ana@x.example");
    k->now += apr_time_from_sec(25 * 3600);
    assert_int_equal(work(k, "me"), 0);
    assert_int_equal(how_many(k, "abandoned"), 2);
}

static void without_a_server_messages_wait(void **state)
{
    env_t *env = *state;

    settings.mail.folder = NULL;
    settings.mail.uri = NULL;
    queue(env->k, "ana@x.example");
    kr_db_release(env->k);
    assert_int_equal(work(env->k, "me"), 0);
    assert_int_equal(only(env->k, "queued").attempts, 0);
}

static void a_folder_that_is_missing_is_trouble_and_no_loss(void **state)
{
    env_t *env = *state;

    settings.mail.folder = "/nowhere/at/all";
    queue(env->k, "ana@x.example");
    assert_int_equal(work(env->k, "me"), 0);
    assert_non_null(strstr(only(env->k, "queued").last_error, "No such file"));
}

/* -- for metrics --------------------------------------------------------------------------- */

static apr_int64_t waiting(kr_ctx_t *k, const char *realm, int realms)
{
    apr_array_header_t *names = apr_array_make(k->pool, realms, sizeof(const char *));
    apr_int64_t out[KR_LANES] = { 0 };

    for (int i = 0; i < realms; i++) APR_ARRAY_PUSH(names, const char *) = i ? "another" : realm;
    OK(kr_outbox_waiting(out, k, kr_lanes, KR_LANES, names));
    assert_int_equal(out[KR_LANE_WEB_HOOKS], 0);
    return out[KR_LANE_MESSAGES];
}

static void what_waits_is_counted_by_lane_and_realm(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;

    queue(k, "ana@x.example");
    assert_int_equal(work(k, "me"), 1); /* it waits no more */
    queue(k, "ana@x.example");
    queue(k, "bob@x.example");
    OK(kr_courier_queue_nothing(k, &(kr_mail_t){ "email", "eve@x.example", "login_code_valid", data_with(k, "en") }));
    assert_int_equal(waiting(k, k->realm->name, 1), 2);
    assert_int_equal(waiting(k, "another", 1), 0);
    assert_int_equal(waiting(k, k->realm->name, 8), 2);
    assert_int_equal(waiting(k, k->realm->name, 9), 2); /* all of the database */
}

#define QUEUE(s)                                                                                                       \
    Q(s, addresses_that_cannot_be_written_to_are_refused),                                                             \
        Q(s, a_queued_message_keeps_its_code_sealed_and_speaks_the_browsers_language),                                 \
        Q(s, a_message_that_was_rolled_back_wakes_nobody),                                                             \
        Q(s, large_traits_do_not_cost_the_message), Q(s, what_was_sent_is_marked_emptied_and_not_sent_again),          \
        Q(s, an_idle_look_is_one_statement), Q(s, two_workers_never_claim_the_same_message),           \
        Q(s, messages_to_one_recipient_keep_their_order), Q(s, a_message_that_was_put_off_holds_up_no_newer_one),      \
        Q(s, many_workers_send_each_message_once),                                                                     \
        Q(s, a_message_that_fails_is_put_off_longer_each_time_and_then_given_up),                                      \
        Q(s, a_refused_message_is_given_up_at_once_and_holds_up_no_other),                                             \
        Q(s, a_message_to_nobody_is_sent_to_nobody_and_names_nobody),                                                  \
        Q(s, while_the_server_is_down_nothing_is_lost_and_nothing_counts),                                             \
        Q(s, who_must_stop_gives_back_what_is_left),                                                                   \
        Q(s, a_message_that_nobody_can_open_or_that_came_too_late_is_given_up), Q(s, without_a_server_messages_wait),  \
        Q(s, a_folder_that_is_missing_is_trouble_and_no_loss), Q(s, what_waits_is_counted_by_lane_and_realm)

int main(void)
{
    env_t sqlite = { .driver = "sqlite3" }, mysql = { .driver = "mysql", .params = mysql_params() };
    const struct CMUnitTest on_sqlite[] = {
        QUEUE(&sqlite),
    };
    const struct CMUnitTest on_mysql[] = { QUEUE(&mysql) };
    int failed;

    apr_initialize();
    kr_net_init();
    failed = cmocka_run_group_tests_name("courier on sqlite", on_sqlite, NULL, NULL);
    if (mysql.params) failed += cmocka_run_group_tests_name("courier on mysql", on_mysql, NULL, NULL);
    return failed;
}
