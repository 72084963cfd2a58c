/* SPDX-License-Identifier: Apache-2.0 */
/* Documents that are kept: when they are fetched, who waits, and what is used when their server is of no use. */
#include "provider_env.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "kr_clock.h"

#define URL "https://op.example/document"
#define HOUR apr_time_from_sec(3600)
#define DAY (24 * HOUR)

static kr_document_t *fresh_document(net_env_t *env)
{
    env->calls->nelts = 0;
    return env->conf->discovery = kr_document_make(env->pool);
}

static kr_err_t *get_within(net_env_t *env, json_t **out, apr_time_t patience)
{
    const kr_document_wanted_t wanted = { .url = URL, .guard = &env->settings.guard, .until = patience ? kr_clock_ticks() + patience : 0 };

    return kr_document_get(out, env->k, env->conf->discovery, &wanted);
}

/* What it says; -1: it cannot be had. */
static int version(net_env_t *env)
{
    json_t *document;
    kr_err_t *err = get_within(env, &document, apr_time_from_sec(10));

    assert_true(!err == !!document);
    return err ? -1 : (int)json_integer_value(json_object_get(document, "v"));
}

static void published(net_env_t *env, int v)
{
    place_json(env, URL, "{s:i}", "v", v);
}

/* -- time ------------------------------------------------------------------------- */

static void it_is_fetched_once_an_hour(void **state)
{
    net_env_t *env = *state;
    kr_document_t *document = fresh_document(env);

    published(env, 1);
    assert_int_equal(kr_document_at_hand(document, URL), 0);
    assert_int_equal(version(env), 1);
    assert_int_equal(kr_document_at_hand(document, URL), 1);
    assert_int_equal(kr_document_at_hand(document, URL "2"), 0);
    published(env, 2);
    kr_document_age(document, HOUR - apr_time_from_sec(1));
    assert_int_equal(version(env), 1);
    kr_document_age(document, apr_time_from_sec(1));
    assert_int_equal(version(env), 2);
    assert_int_equal(env->calls->nelts, 2);
    assert_int_equal(call_to(env, URL)->max_bytes, 1024 * 1024);
}

static void it_is_used_for_a_day_while_its_server_is_down_which_is_asked_less_and_less(void **state)
{
    static const int PAUSES[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
    net_env_t *env = *state;
    kr_document_t *document = fresh_document(env);

    published(env, 1);
    assert_int_equal(version(env), 1);
    place(env, URL, 500, "");
    kr_document_age(document, HOUR);
    assert_int_equal(version(env), 1);
    assert_true(call_to(env, URL)->timeout <= apr_time_from_sec(3)); /* nobody waits long for what they could do without */
    for (int i = 0; i < KR_DIM(PAUSES); i++) {
        assert_int_equal(env->calls->nelts, 2 + i);
        kr_document_age(document, apr_time_from_sec(PAUSES[i]) - apr_time_from_msec(500));
        assert_int_equal(version(env), 1);
        assert_int_equal(env->calls->nelts, 2 + i);
        kr_document_age(document, apr_time_from_msec(500));
        assert_int_equal(version(env), 1);
    }
    kr_document_age(document, DAY);
    assert_int_equal(version(env), -1);
    published(env, 2);
    kr_document_age(document, apr_time_from_sec(1));
    assert_int_equal(version(env), 2);
}

/* Who presses the button again gets another try, and those behind them do not all ask at once. */
static void where_nothing_is_kept_it_is_asked_for_once_a_second(void **state)
{
    net_env_t *env = *state;
    kr_document_t *document = fresh_document(env);

    place(env, URL, 0, "");
    for (int i = 1; i < 5; i++) {
        assert_int_equal(version(env), -1);
        assert_int_equal(version(env), -1);
        assert_int_equal(env->calls->nelts, i);
        kr_document_age(document, apr_time_from_sec(1));
    }
    published(env, 1);
    assert_int_equal(version(env), 1);
}

static void another_address_has_another_document(void **state)
{
    net_env_t *env = *state;
    json_t *out;

    fresh_document(env);
    published(env, 1);
    assert_int_equal(version(env), 1);
    place_json(env, URL "/moved", "{s:i}", "v", 7);
    OK(kr_document_get(&out, env->k, env->conf->discovery, &(kr_document_wanted_t){ .url = URL "/moved", .guard = &env->settings.guard, .until = kr_clock_ticks() + HOUR }));
    assert_int_equal(json_integer_value(json_object_get(out, "v")), 7);
}

static void who_may_not_wait_gets_what_is_kept_or_nothing(void **state)
{
    net_env_t *env = *state;
    kr_document_t *document = fresh_document(env);
    json_t *out;

    published(env, 1);
    not_taken(get_within(env, &out, 0), 502, "");
    assert_int_equal(env->calls->nelts, 0);
    assert_int_equal(version(env), 1);
    kr_document_age(document, 2 * HOUR);
    OK(get_within(env, &out, 0));
    assert_int_equal(env->calls->nelts, 1);
}

/* -- what comes ---------------------------------------------------------------------- */

static const char *wants_seven(apr_pool_t *pool, const json_t *document, const void *baton)
{
    (void)pool;
    assert_ptr_equal(baton, wants_seven);
    return json_integer_value(json_object_get(document, "v")) == 7 ? NULL : "it is not seven";
}

static void what_is_wrong_is_neither_used_nor_kept(void **state)
{
    static const struct { int status; const char *body; } ALL[] = {
        { 200, "" }, { 200, "<html>" }, { 200, "[7]" }, { 200, "7" }, { 200, "{\"v\":6}" }, { 200, "{\"v\":7" }, { 200, "{\"v\":7,\"v\":7}" },
        { 200, "{\"v\":7}}" }, { 204, "" }, { 301, "{\"v\":7}" }, { 307, "{\"v\":7}" }, { 404, "{\"v\":7}" }, { 500, "{\"v\":7}" },
    };
    net_env_t *env = *state;
    kr_document_wanted_t wanted = { .url = URL, .guard = &env->settings.guard, .wrong = wants_seven, .baton = wants_seven };
    json_t *out;

    for (int i = 0; i < KR_DIM(ALL); i++) {
        fresh_document(env);
        wanted.until = kr_clock_ticks() + HOUR;
        place(env, URL, ALL[i].status, ALL[i].body);
        not_taken(kr_document_get(&out, env->k, env->conf->discovery, &wanted), 502, "");
        assert_null(out);
    }
    published(env, 7);
    kr_document_age(env->conf->discovery, apr_time_from_sec(1));
    OK(kr_document_get(&out, env->k, env->conf->discovery, &wanted));
    published(env, 6);
    kr_document_age(env->conf->discovery, HOUR);
    OK(kr_document_get(&out, env->k, env->conf->discovery, &wanted));
    assert_int_equal(json_integer_value(json_object_get(out, "v")), 7);
}

/* The counts of a json_t are not atomic: whoever asks gets one of their own. */
static void everybody_gets_a_copy(void **state)
{
    net_env_t *env = *state;
    json_t *one, *two;

    fresh_document(env);
    published(env, 1);
    OK(get_within(env, &one, HOUR));
    json_object_clear(one);
    OK(get_within(env, &two, HOUR));
    assert_int_equal(json_integer_value(json_object_get(two, "v")), 1);
}

/* -- at once ---------------------------------------------------------------------------- */

#define CROWD 8

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static net_env_t *shared;

static atomic_int at_the_gate;

/* The server answers when the gate is open. */
static void wait_at_the_gate(void)
{
    at_the_gate++;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
}

typedef struct {
    pthread_t thread;
    apr_time_t patience;
    int got;
} asker_t;

static void *ask(void *baton)
{
    asker_t *asker = baton;
    apr_pool_t *pool;
    kr_ctx_t *k;
    json_t *out;
    kr_err_t *err;

    apr_pool_create(&pool, NULL);
    k = kr_ctx_make(pool, &shared->realm, KR_LOG_ERR);
    err = kr_document_get(&out, k, shared->conf->discovery,
                          &(kr_document_wanted_t){ .url = URL, .guard = &shared->settings.guard, .until = kr_clock_ticks() + asker->patience });
    asker->got = err ? -1 : (int)json_integer_value(json_object_get(out, "v"));
    apr_pool_destroy(pool);
    return NULL;
}

static void begin(asker_t *asker, apr_time_t patience)
{
    asker->patience = patience;
    assert_int_equal(pthread_create(&asker->thread, NULL, ask, asker), 0);
}

static void a_crowd_waits_for_one_fetch(void **state)
{
    net_env_t *env = *state;
    asker_t crowd[CROWD], hasty;

    shared = env;
    fresh_document(env);
    published(env, 1);
    env->during = wait_at_the_gate;
    pthread_mutex_lock(&gate);
    at_the_gate = 0;
    for (int i = 0; i < CROWD; i++) begin(&crowd[i], apr_time_from_sec(10));
    while (!at_the_gate) usleep(1000);
    begin(&hasty, apr_time_from_msec(50));
    pthread_join(hasty.thread, NULL);
    assert_int_equal(hasty.got, -1);
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < CROWD; i++) pthread_join(crowd[i].thread, NULL);
    for (int i = 0; i < CROWD; i++) assert_int_equal(crowd[i].got, 1);
    assert_int_equal(env->calls->nelts, 1);
}

static void a_crowd_fails_with_the_one_fetch_that_it_waited_for(void **state)
{
    net_env_t *env = *state;
    asker_t crowd[CROWD];

    shared = env;
    fresh_document(env);
    place(env, URL, 500, "");
    env->during = wait_at_the_gate;
    pthread_mutex_lock(&gate);
    for (int i = 0; i < CROWD; i++) begin(&crowd[i], apr_time_from_sec(10));
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < CROWD; i++) pthread_join(crowd[i].thread, NULL);
    for (int i = 0; i < CROWD; i++) assert_int_equal(crowd[i].got, -1);
    assert_int_equal(env->calls->nelts, 1);
}

/* One renews it; the others do not even wait. */
static void nobody_waits_for_a_renewal_but_the_one_who_asks(void **state)
{
    net_env_t *env = *state;
    asker_t first, other;

    shared = env;
    fresh_document(env);
    published(env, 1);
    assert_int_equal(version(env), 1);
    kr_document_age(env->conf->discovery, HOUR);
    at_the_gate = 0;
    env->during = wait_at_the_gate;
    pthread_mutex_lock(&gate);
    begin(&first, apr_time_from_sec(10));
    while (!at_the_gate) usleep(1000);
    begin(&other, apr_time_from_sec(10));
    pthread_join(other.thread, NULL); /* though the gate is closed */
    assert_int_equal(other.got, 1);
    pthread_mutex_unlock(&gate);
    pthread_join(first.thread, NULL);
    assert_int_equal(first.got, 1);
    assert_int_equal(env->calls->nelts, 2);
}

/* -- shares --------------------------------------------------------------------------------- */

static void a_share_has_so_many_places_and_no_more(void **state)
{
    net_env_t *env = *state;
    kr_share_t *share = kr_share_make(env->pool);
    int taken[3];

    for (int i = 0; i < 3; i++) assert_int_not_equal(taken[i] = kr_share_take(share, 3, HOUR), -1);
    assert_int_equal(kr_share_take(share, 3, HOUR), -1);
    kr_share_give(share, taken[1]);
    assert_int_equal(kr_share_take(share, 3, HOUR), taken[1]);
    kr_share_give(share, -1);
    assert_int_equal(kr_share_take(share, 3, HOUR), -1);
}

static void a_share_is_an_eighth_of_the_workers_and_two_at_least(void **state)
{
    static const struct { int workers, places; } ALL[] = { { 1, 2 }, { 16, 2 }, { 50, 6 }, { 400, 50 }, { 100000, KR_SHARE_MAX } };
    net_env_t *env = *state;

    for (int i = 0; i < KR_DIM(ALL); i++) {
        kr_share_t *share = kr_share_make(env->pool);
        int places = 0;

        kr_share_workers(ALL[i].workers);
        while (kr_share_take(share, 0, HOUR) >= 0) places++;
        assert_int_equal(places, ALL[i].places);
    }
    kr_share_workers(16);
}

/* A process that was killed gives nothing back. */
static void a_place_that_nobody_gives_back_is_free_again_in_time(void **state)
{
    net_env_t *env = *state;
    kr_share_t *share = kr_share_make(env->pool);

    assert_int_equal(kr_share_take(share, 1, apr_time_from_msec(20)), 0);
    assert_int_equal(kr_share_take(share, 1, HOUR), -1);
    usleep(25000);
    assert_int_equal(kr_share_take(share, 1, HOUR), 0);
}

static void a_provider_that_hangs_turns_others_away(void **state)
{
    net_env_t *env = *state;
    const kr_provider_start_t start = { .state = "s", .redirect_uri = BACK };
    int places[2], pkce;
    const char *url;
    kr_err_t *err;

    for (int i = 0; i < 2; i++) places[i] = kr_share_take(env->conf->share, 0, HOUR);
    err = kr_provider_auth_url(&url, &pkce, env->k, env->conf, &start);
    not_taken(err, 503, "too many");
    assert_true(err->retry_after > 0);
    assert_int_equal(env->calls->nelts, 0);
    kr_share_give(env->conf->share, places[0]);
    OK(kr_provider_auth_url(&url, &pkce, env->k, env->conf, &start));
    assert_int_equal(kr_share_take(env->conf->share, 0, HOUR), places[0]); /* it was given back */
    OK(kr_provider_auth_url(&url, &pkce, env->k, env->conf, &start));      /* who has its document needs no place */
    kr_document_age(env->conf->discovery, HOUR);
    OK(kr_provider_auth_url(&url, &pkce, env->k, env->conf, &start));      /* nor does it for an old one */
    assert_int_equal(env->calls->nelts, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(it_is_fetched_once_an_hour),
        NET_TEST(it_is_used_for_a_day_while_its_server_is_down_which_is_asked_less_and_less),
        NET_TEST(where_nothing_is_kept_it_is_asked_for_once_a_second),
        NET_TEST(another_address_has_another_document),
        NET_TEST(who_may_not_wait_gets_what_is_kept_or_nothing),
        NET_TEST(what_is_wrong_is_neither_used_nor_kept),
        NET_TEST(everybody_gets_a_copy),
        NET_TEST(a_crowd_waits_for_one_fetch),
        NET_TEST(a_crowd_fails_with_the_one_fetch_that_it_waited_for),
        NET_TEST(nobody_waits_for_a_renewal_but_the_one_who_asks),
        NET_TEST(a_share_has_so_many_places_and_no_more),
        NET_TEST(a_share_is_an_eighth_of_the_workers_and_two_at_least),
        NET_TEST(a_place_that_nobody_gives_back_is_free_again_in_time),
        NET_TEST(a_provider_that_hangs_turns_others_away),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests_name("documents that are kept", tests, make_keys, NULL);
    apr_terminate();
    return failed;
}
