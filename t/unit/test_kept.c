/* SPDX-License-Identifier: Apache-2.0 */
/* Forms that wait for a sign-in: sealed, for one browser and one account, a few at a time, and not for ever. */
#include "store_env.h"

#include "kr_crypto.h"
#include "kr_kept.h"
#include "kr_store_sweep.h"

#define PLACE "https://app.example.org/write?x=%2F"
#define ANA "01890a5d-ac96-474b-bcce-b302099a8057"
#define BOB "01890a5d-ac96-474b-bcce-b302099a8058"

static const kr_query_t COUNT = { .name = "count_kept", .sql = "SELECT COUNT(*) FROM kept_posts" };

static int rows(kr_ctx_t *k)
{
    kr_row_t *row;

    OK(kr_db_one_(&row, k, &COUNT, NULL, 0));
    return (int)kr_row_int(row, 0);
}

static kr_keys_t *keys_of(apr_pool_t *pool, const char *newest, const char *older)
{
    apr_array_header_t *secrets = apr_array_make(pool, 2, sizeof(const char *));

    APR_ARRAY_PUSH(secrets, const char *) = newest;
    if (older) APR_ARRAY_PUSH(secrets, const char *) = older;
    return kr_keys_make(pool, secrets, "main");
}

/* A request of a browser with that cookie (NULL: none yet), from that address. */
static kr_ctx_t *request(env_t *env, const char *cookie, const char *peer)
{
    kr_ctx_t *k = kr_ctx_make(env->pool, &env->realm, KR_LOG_ERR);
    kr_request_t *req = apr_pcalloc(env->pool, sizeof(*req));

    if (!env->realm.keys) env->realm.keys = keys_of(env->pool, "a secret that is long enough", NULL);
    req->scheme = "https";
    req->host = "app.example.org";
    req->peer = peer;
    req->headers = apr_table_make(env->pool, 1);
    req->cookies = cookie;
    k->req = req;
    k->reply = kr_reply_make(env->pool);
    k->now = env->k->now;
    return k;
}

static kr_session_t session_of(const char *identity_id)
{
    static kr_identity_t identity;

    identity.id = identity_id;
    return (kr_session_t){ .id = "01890a5d-ac96-474b-bcce-b302099a8059", .identity = &identity };
}

static kr_kept_t a_form(apr_pool_t *pool, apr_size_t len)
{
    char *body = apr_palloc(pool, len + 1);

    memset(body, 'x', len);
    body[len] = '\0';
    return (kr_kept_t){ .url = PLACE, .type = "application/x-www-form-urlencoded", .referer = "", .body = body, .len = len };
}

/* Keeps one. @return the cookie that the browser shows from then on; *id NULL when there are too many */
static const char *keep(const char **id, env_t *env, const char *cookie, const char *peer, const char *identity_id, apr_size_t len)
{
    kr_ctx_t *k = request(env, cookie, peer);
    const kr_kept_t form = a_form(env->pool, len);
    const kr_cookie_t *set;

    OK(kr_kept_put(id, k, &form, identity_id));
    kr_db_release(k);
    if (!*id) return NULL;
    set = &APR_ARRAY_IDX(k->reply->cookies, 0, kr_cookie_t);
    assert_string_equal(set->name, "__Host-kratos_kept"); /* which no other host of the domain can set */
    assert_true(set->secure && set->http_only && !set->domain && !strcmp(set->path, "/"));
    return apr_pstrcat(env->pool, set->name, "=", set->value, NULL);
}

static kr_kept_t *look(env_t *env, const char *cookie, const char *identity_id, const char *id)
{
    kr_ctx_t *k = request(env, cookie, "192.0.2.1:1");
    const kr_session_t session = session_of(identity_id);
    kr_kept_t *post;

    OK(kr_kept_look(&post, k, &session, id, PLACE));
    kr_db_release(k);
    return post;
}

static void a_form_of_any_length_comes_back_as_it_was(void **state)
{
    static const apr_size_t LENGTHS[] = { 0, 1, 35900, 36000, 36100, 72000, KR_KEPT_MAX };
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(LENGTHS); i++) {
        const char *id, *cookie = keep(&id, env, NULL, "192.0.2.1:1", ANA, LENGTHS[i]);
        const kr_kept_t *post = look(env, cookie, ANA, id), form = a_form(env->pool, LENGTHS[i]);

        assert_non_null(post);
        assert_int_equal(post->len, form.len);
        assert_memory_equal(post->body, form.body, form.len);
        assert_string_equal(post->type, form.type);
        assert_null(look(env, cookie, BOB, id));
        assert_null(look(env, NULL, ANA, id));
    }
}

static void what_is_too_long_is_refused(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = request(env, NULL, "192.0.2.1:1");
    const kr_kept_t form = a_form(env->pool, KR_KEPT_MAX + 1);
    const char *id;
    kr_err_t *err = kr_kept_put(&id, k, &form, NULL);

    assert_true(err && err->status == 413 && !id);
}

static void a_browser_has_one_secret_and_no_other_is_taken_for_one(void **state)
{
    env_t *env = *state;
    const char *id, *first = keep(&id, env, NULL, "192.0.2.1:1", ANA, 10);

    assert_string_equal(keep(&id, env, first, "192.0.2.1:1", ANA, 10), first);
    assert_string_not_equal(keep(&id, env, "__Host-kratos_kept=short", "192.0.2.1:1", ANA, 10), first);
    assert_string_not_equal(keep(&id, env, apr_pstrcat(env->pool, first, "x", NULL), "192.0.2.1:1", ANA, 10), first);
    /* without its prefix it may come from anywhere */
    assert_null(look(env, first + strlen("__Host-"), ANA, id));
}

static void it_is_taken_once_and_by_its_realm(void **state)
{
    env_t *env = *state;
    const char *id, *cookie = keep(&id, env, NULL, "192.0.2.1:1", ANA, 50000);
    const kr_session_t session = session_of(ANA);
    kr_ctx_t *k = request(env, cookie, "192.0.2.1:1");
    kr_realm_t other = env->realm;
    kr_kept_t *post;

    other.name = "other";
    k->realm = &other;
    OK(kr_kept_take(&post, k, &session, id, PLACE));
    assert_null(post);
    k->realm = &env->realm;
    OK(kr_kept_take(&post, k, &session, id, "https://app.example.org/write"));
    assert_null(post);
    assert_int_equal(rows(k), 2);
    OK(kr_kept_take(&post, k, &session, id, PLACE));
    assert_non_null(post);
    OK(kr_kept_take(&post, k, &session, id, PLACE));
    assert_null(post);
    assert_int_equal(rows(k), 0);
}

/** A form that several take at once. */
typedef struct {
    env_t *env;
    const char *id, *cookie;
    apr_thread_t *thread;
    int got;
} taker_t;

static void *APR_THREAD_FUNC take_it(apr_thread_t *thread, void *taker_)
{
    taker_t *t = taker_;
    kr_ctx_t *k = another(&t->env->realm);
    kr_request_t req = *t->env->k->req;
    static kr_identity_t ana = { .id = ANA };
    const kr_session_t session = { .id = BOB, .identity = &ana };
    kr_kept_t *post = NULL;

    (void)thread;
    req.cookies = t->cookie;
    k->req = &req;
    k->now = t->env->k->now;
    OK(kr_kept_take(&post, k, &session, t->id, PLACE));
    kr_db_release(k);
    t->got = post != NULL;
    return NULL;
}

#define TAKERS 8
#define FORMS 10

static void of_several_who_take_it_at_once_one_gets_it(void **state)
{
    env_t *env = *state;

    env->k->req = request(env, NULL, "192.0.2.1:1")->req;
    for (int i = 0; i < FORMS; i++) {
        taker_t takers[TAKERS];
        const char *id, *cookie = keep(&id, env, NULL, "192.0.2.1:1", ANA, 200000);
        apr_status_t rv;
        int got = 0;

        for (int j = 0; j < TAKERS; j++) {
            takers[j] = (taker_t){ .env = env, .id = id, .cookie = cookie };
            assert_int_equal(apr_thread_create(&takers[j].thread, NULL, take_it, &takers[j], env->pool), APR_SUCCESS);
        }
        for (int j = 0; j < TAKERS; j++) {
            apr_thread_join(&rv, takers[j].thread);
            got += takers[j].got;
        }
        assert_int_equal(got, 1);
    }
}

static void secrets_may_be_changed_meanwhile(void **state)
{
    env_t *env = *state;
    const char *id, *cookie = keep(&id, env, NULL, "192.0.2.1:1", NULL, 10);

    env->realm.keys = keys_of(env->pool, "another secret, long enough", "a secret that is long enough");
    assert_non_null(look(env, cookie, ANA, id));
    env->realm.keys = keys_of(env->pool, "another secret, long enough", NULL);
    assert_null(look(env, cookie, ANA, id));
}

static void it_expires_and_is_swept(void **state)
{
    env_t *env = *state;
    const char *id, *cookie = keep(&id, env, NULL, "192.0.2.1:1", ANA, 100000);
    kr_sweep_t sweep = { 0 };

    env->k->now += KR_KEPT_FOR - 1;
    assert_non_null(look(env, cookie, ANA, id));
    env->k->now += 1;
    assert_null(look(env, cookie, ANA, id));
    env->k->now += 1;
    do OK(kr_store_sweep(&sweep, env->k, 100));
    while (!sweep.done);
    assert_int_equal(rows(env->k), 0);
}

/* How many somebody may send who is not known, from addresses that `peer` has one of each. */
static int may_send(env_t *env, const char *const *peers, int n, const char *identity_id)
{
    const char *id = "";
    int count = 0;

    while (count < 100 && id) {
        (void)keep(&id, env, NULL, peers[count % n], identity_id, 1);
        if (id) count++;
    }
    return count;
}

static void a_few_may_wait_at_a_time(void **state)
{
    static const char *const ONE[] = { "192.0.2.1:1", "192.0.2.1:2" }, *const OTHER[] = { "192.0.2.2:1" };
    static const char *const NETWORK[] = { "[2001:db8:0:1::1]:1", "[2001:db8:0:1:ffff::2]:2" }, *const NEXT[] = { "[2001:db8:0:2::1]:1" };
    env_t *env = *state;
    const char *id;

    assert_int_equal(may_send(env, ONE, 2, NULL), 20);
    assert_int_equal(may_send(env, ONE, 2, ANA), 20); /* who is known is counted as such, wherever they are */
    assert_int_equal(may_send(env, OTHER, 1, ANA), 0);
    assert_int_equal(may_send(env, NETWORK, 2, NULL), 20);
    assert_int_equal(may_send(env, NEXT, 1, NULL), 20);
    env->k->now += KR_KEPT_FOR;
    assert_non_null(keep(&id, env, NULL, ONE[0], NULL, 1));
}

static void a_token_is_of_a_browser_a_session_and_a_form(void **state)
{
    env_t *env = *state;
    const char *id, *cookie = keep(&id, env, NULL, "192.0.2.1:1", ANA, 10), *token;
    kr_ctx_t *k = request(env, cookie, "192.0.2.1:1");
    kr_session_t session = session_of(ANA);

    token = kr_kept_token(k, &session, id);
    assert_true(kr_kept_token_ok(k, &session, id, token));
    assert_false(kr_kept_token_ok(k, &session, ANA, token));
    assert_false(kr_kept_token_ok(k, &session, id, NULL));
    assert_false(kr_kept_token_ok(k, &session, id, ""));
    assert_false(kr_kept_token_ok(request(env, NULL, "192.0.2.1:1"), &session, id, token));
    session.id = BOB;
    assert_false(kr_kept_token_ok(k, &session, id, token));
    assert_null(kr_kept_token(request(env, NULL, "192.0.2.1:1"), &session, id));
}

static void a_mark_leaves_the_rest_of_a_query_as_it_was(void **state)
{
    static const struct { const char *query, *rest; int marked; } CASES[] = {
        { NULL, NULL, 0 }, { "", "", 0 }, { "a=b", "a=b", 0 },
        { "kratos-kept=" ANA, NULL, 1 }, { "&kratos-kept=" ANA, "", 1 }, { "a=b&&c&kratos-kept=" ANA, "a=b&&c", 1 },
        { "kratos-kept=" ANA "&a=b", "kratos-kept=" ANA "&a=b", 0 }, { "xkratos-kept=" ANA, "xkratos-kept=" ANA, 0 },
        { "kratos-kept=x", "kratos-kept=x", 0 }, { "a=" ANA, "a=" ANA, 0 },
    };
    apr_pool_t *pool = ((env_t *)*state)->pool;

    for (int i = 0; i < KR_DIM(CASES); i++) {
        const char *id, *rest = kr_kept_unmark(pool, CASES[i].query, &id);

        assert_int_equal(id != NULL, CASES[i].marked);
        assert_true(CASES[i].rest ? rest && !strcmp(rest, CASES[i].rest) : !rest);
    }
    assert_string_equal(kr_kept_mark(pool, "https://x/", ANA), "https://x/?kratos-kept=" ANA);
    assert_string_equal(kr_kept_mark(pool, "https://x/?", ANA), "https://x/?&kratos-kept=" ANA);
}

#define BOTH(s)                                                   \
    ON(s, a_form_of_any_length_comes_back_as_it_was),             \
    ON(s, what_is_too_long_is_refused),                           \
    ON(s, a_browser_has_one_secret_and_no_other_is_taken_for_one), \
    ON(s, it_is_taken_once_and_by_its_realm),                     \
    ON(s, of_several_who_take_it_at_once_one_gets_it),            \
    ON(s, secrets_may_be_changed_meanwhile),                      \
    ON(s, it_expires_and_is_swept),                               \
    ON(s, a_few_may_wait_at_a_time),                              \
    ON(s, a_token_is_of_a_browser_a_session_and_a_form),          \
    ON(s, a_mark_leaves_the_rest_of_a_query_as_it_was)

int main(void)
{
    env_t sqlite = { .driver = "sqlite3" }, mysql = { .driver = "mysql", .params = mysql_params() };
    const struct CMUnitTest on_sqlite[] = { BOTH(&sqlite) };
    const struct CMUnitTest on_mysql[] = { BOTH(&mysql) };

    return run_on_both(on_sqlite, KR_DIM(on_sqlite), mysql.params, on_mysql, KR_DIM(on_mysql));
}
