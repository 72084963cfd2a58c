/* SPDX-License-Identifier: Apache-2.0 */
/* Which passwords may be set: length, likeness to the identifiers, and the list of breached ones, asked of a server in
 * a thread. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "api_env.h"
#include "kr_crypto.h"
#include "kr_net.h"
#include "../../src/method/method.h"

static const char *repeated(env_t *env, const char *part, int times)
{
    const char *out = "";

    while (times-- > 0) out = apr_pstrcat(env->pool, out, part, NULL);
    return out;
}

/** The message that the policy puts on the password, 0 for none. With a status in *status when it is another error. */
static int verdict(int *status, env_t *env, const char *password, const char *identifier)
{
    kr_ctx_t *k = context(env, env->realm);
    kr_flow_t *flow = kr_flow_make(k, KR_FLOW_REGISTRATION, 1, BASE);
    apr_array_header_t *identifiers = apr_array_make(k->pool, 2, sizeof(const char *));
    kr_err_t *err;

    if (identifier) {
        APR_ARRAY_PUSH(identifiers, const char *) = "somebody-else-entirely";
        APR_ARRAY_PUSH(identifiers, const char *) = identifier;
    }
    err = kr_password_policy(k, flow, password, identifiers);
    *status = err ? err->status : 200;
    if (!err || err->kind != KR_ERR_SHOW_FLOW) return 0;
    return (int)json_integer_value(
        json_object_get(json_array_get(json_object_get(kr_node_find(flow, "password"), "messages"), 0), "id"));
}

static int says(env_t *env, const char *password, const char *identifier)
{
    int status;

    return verdict(&status, env, password, identifier);
}

/* -- length --------------------------------------------------------------- */

static void test_length_is_counted_in_bytes(void **state)
{
    env_t *env = *state;

    assert_int_equal(says(env, "1234567", NULL), 4000032);
    assert_int_equal(says(env, "12345678", NULL), 0);
    assert_int_equal(says(env, "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", NULL), 0); /* four letters, eight bytes */
    assert_int_equal(says(env, "\xc3\xa4\xc3\xb6\xc3\xbc", NULL), 4000032);
    assert_int_equal(says(env, "a\xcc\x88o\xcc\x88u\xcc\x88", NULL), 4000032); /* nine as typed, six as hashed */
    assert_int_equal(says(env, repeated(env, "0123456789", 10), NULL), 0);
    assert_int_equal(says(env, repeated(env, "01234567", 512), NULL), 0);
    assert_int_equal(says(env, apr_pstrcat(env->pool, repeated(env, "01234567", 512), "x", NULL), NULL), 4000033);
    change(env, "selfservice: {methods: {password: {config: {min_password_length: 12}}}}");
    assert_int_equal(says(env, "12345678901", NULL), 4000032);
    assert_int_equal(says(env, "123456789012", NULL), 0);
}

static void test_an_owner_may_count_characters_as_well(void **state)
{
    env_t *env = *state;

    change(env, "mod_kratos: {passwords: {min_characters: 8}}");
    assert_int_equal(says(env, "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", NULL), 4000032);
    assert_int_equal(says(env, "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f" "123", NULL), 4000032);
    assert_int_equal(says(env, "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f" "1234", NULL), 0);
    assert_int_equal(says(env, "a\xcc\x88" "bcdefg", NULL), 4000032); /* seven as hashed */
    assert_int_equal(says(env, "12345678", NULL), 0);
    change(env, "mod_kratos: {passwords: {min_characters: 6}}");
    assert_int_equal(says(env, "1234567", NULL), 4000032); /* the other limit stays */
}

static void test_bcrypt_would_cut_long_passwords_so_they_are_refused(void **state)
{
    env_t *env = *state;

    change(env, "{dev: true, hashers: {algorithm: bcrypt, bcrypt: {cost: 4}}}");
    assert_int_equal(says(env, repeated(env, "12345678", 9), NULL), 0);
    assert_int_equal(says(env, apr_pstrcat(env->pool, repeated(env, "12345678", 9), "9", NULL), NULL), 4000033);
    assert_int_equal(says(env, repeated(env, "\xc3\xa4", 37), NULL), 4000033);
}

/* -- likeness ------------------------------------------------------------- */

static const struct { const char *password, *identifier; int alike; } LIKENESS[] = {
    { "ana@example.org",           "ana@example.org", 1 },
    { "ANA@EXAMPLE.ORG",           "ana@example.org", 1 },
    { "ana@example.com",           "ana@example.org", 1 }, /* distance 3 */
    { "xxxx@example.org",          "ana@example.org", 1 },
    { "ana@example.org-and-a-lot-of-other-words", "ana@example.org", 0 }, /* 15 of 40 in common */
    { "ana@example.org1234567890123", "ana@example.org", 1 },  /* 15 of 28 */
    { "ana@example.org123456789012345", "ana@example.org", 0 }, /* 15 of 30: half is not more than half */
    { "correct horse",             "ana@example.org", 0 },
    { "abcdefgh",                  "abcd1234",        1 }, /* distance 4 */
    { "abcdefghi",                 "12345",           0 },
    { "abcdefgh",                  "a",               0 },
    { "abcdefgh",                  "",                0 },
};

static void test_a_password_like_the_identifier_is_refused(void **state)
{
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(LIKENESS); i++)
        if (says(env, LIKENESS[i].password, LIKENESS[i].identifier) != (LIKENESS[i].alike ? 4000031 : 0))
            fail_msg("%s and %s", LIKENESS[i].password, LIKENESS[i].identifier);
    change(env, "selfservice: {methods: {password: {config: {identifier_similarity_check_enabled: false}}}}");
    assert_int_equal(says(env, "ana@example.org", "ana@example.org"), 0);
}

static void test_a_password_like_a_word_of_the_house_is_refused(void **state)
{
    static const struct { const char *password; int says; } PASSWORDS[] = {
        { "acme-tools", 4000005 }, { "ACME-Tools1", 4000005 }, { "acme2026", 0 }, { "Acme-Tools-2026!", 4000005 }, { "bluebird", 4000005 },
        { "Bluebird-77", 4000005 }, { "a bluebird sat on my window", 0 }, { "correct horse", 0 }, { "the-end-of-it", 0 },
    };
    env_t *env = *state;

    change(env, "mod_kratos: {passwords: {words: [Acme-Tools, bluebird, end]}}");
    for (int i = 0; i < KR_DIM(PASSWORDS); i++)
        if (says(env, PASSWORDS[i].password, NULL) != PASSWORDS[i].says) fail_msg("%s", PASSWORDS[i].password);
    change(env, "mod_kratos: {passwords: {words: []}}");
    assert_int_equal(says(env, "bluebird", NULL), 0);
}

static void test_very_long_texts_are_not_compared(void **state)
{
    env_t *env = *state;
    const char *at = repeated(env, "abcdefgh", 32), *above = apr_pstrcat(env->pool, at, "x", NULL);

    assert_int_equal(says(env, at, at), 4000031);
    assert_int_equal(says(env, above, above), 0);
    assert_int_equal(says(env, at, above), 0);
    assert_int_equal(says(env, above, at), 0);
}

/* -- breaches ------------------------------------------------------------- */

/** Answers every connection with one text, and counts. */
typedef struct {
    int listener, port;
    const char *answer;
    char got[1024];
    atomic_int count;
    pthread_t thread;
} list_t;

static void *serve(void *baton)
{
    list_t *list = baton;
    int fd;

    while ((fd = accept(list->listener, NULL, NULL)) >= 0) {
        size_t len = 0;
        ssize_t n;

        while (len < sizeof(list->got) - 1 && (n = read(fd, list->got + len, sizeof(list->got) - 1 - len)) > 0) {
            len += (size_t)n;
            list->got[len] = '\0';
            if (strstr(list->got, "\r\n\r\n")) break;
        }
        atomic_fetch_add(&list->count, 1);
        send(fd, list->answer, strlen(list->answer), MSG_NOSIGNAL);
        close(fd);
    }
    return NULL;
}

static void start(list_t *list, const char *answer)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);

    memset(list, 0, sizeof(*list));
    list->answer = answer;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    list->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(list->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(list->listener, 4), 0);
    assert_int_equal(getsockname(list->listener, (struct sockaddr *)&address, &len), 0);
    list->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&list->thread, NULL, serve, list), 0);
}

static void stop(list_t *list)
{
    shutdown(list->listener, SHUT_RDWR);
    pthread_join(list->thread, NULL);
    close(list->listener);
}

static const char *answer_with(env_t *env, const char *status, const char *body)
{
    return apr_psprintf(env->pool, "HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status,
                        (int)strlen(body), body);
}

/** A list that knows this password. */
static const char *answer_of(env_t *env, const char *password, int count)
{
    const char *hash = kr_sha1_hex_upper(env->pool, password, strlen(password));

    return answer_with(env, "200 OK", apr_psprintf(env->pool, "0000000000000000000000000000000000A:9\r\n%s:%d\r\n"
                                                   "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF:0", hash + 5, count));
}

static void ask_list(env_t *env, int port, const char *more)
{
    change(env, apr_psprintf(env->pool, "selfservice: {methods: {password: {config: {haveibeenpwned_enabled: true, "
                             "haveibeenpwned_host: 'http://127.0.0.1:%d'%s}}}}", port, more));
}

static void test_a_breached_password_is_refused_and_the_list_learns_five_digits(void **state)
{
    env_t *env = *state;
    const char *hash = kr_sha1_hex_upper(env->pool, GOOD, strlen(GOOD));
    list_t list;

    start(&list, answer_of(env, GOOD, 3));
    ask_list(env, list.port, "");
    assert_int_equal(says(env, GOOD, NULL), 4000034);
    assert_non_null(
        strstr(list.got, apr_pstrcat(env->pool, "GET /range/", apr_pstrmemdup(env->pool, hash, 5), " HTTP", NULL)));
    assert_null(strstr(list.got, hash + 5));
    assert_non_null(strstr(list.got, "Add-Padding: true"));
    ask_list(env, list.port, ", max_breaches: 2");
    assert_int_equal(says(env, GOOD, NULL), 4000034);
    ask_list(env, list.port, ", max_breaches: 3");
    assert_int_equal(says(env, GOOD, NULL), 0);
    assert_int_equal(atomic_load(&list.count), 1); /* asked once */
    env->now += 3600 * SECOND - 1;
    assert_int_equal(says(env, GOOD, NULL), 0);
    assert_int_equal(atomic_load(&list.count), 1);
    env->now += 1;
    assert_int_equal(says(env, GOOD, NULL), 0);
    assert_int_equal(atomic_load(&list.count), 2);
    stop(&list);
}

static void test_a_password_that_the_list_does_not_know_or_only_pads_with_is_taken(void **state)
{
    env_t *env = *state;
    list_t list;

    start(&list, answer_of(env, "another password", 0));
    ask_list(env, list.port, "");
    assert_int_equal(says(env, "another password", NULL), 0);
    assert_int_equal(says(env, "yet another password", NULL), 0);
    assert_int_equal(atomic_load(&list.count), 2);
    stop(&list);
}

static void test_one_realms_mirror_does_not_answer_for_another(void **state)
{
    env_t *env = *state;
    list_t lax, strict;

    start(&lax, answer_with(env, "200 OK", ""));
    start(&strict, answer_of(env, GOOD, 1));
    ask_list(env, lax.port, "");
    assert_int_equal(says(env, GOOD, NULL), 0);
    ask_list(env, strict.port, "");
    assert_int_equal(says(env, GOOD, NULL), 4000034);
    stop(&lax);
    stop(&strict);
}

static void test_a_list_that_fails_is_ignored_or_obeyed_as_the_settings_say(void **state)
{
    static const char *const failures[] = { "500 Internal Server Error", "429 Too Many Requests", "302 Found" };
    env_t *env = *state;
    list_t list;
    int status;

    for (int i = 0; i < KR_DIM(failures); i++) {
        const char *password = apr_psprintf(env->pool, "password number %d", i);

        start(&list, answer_with(env, failures[i], "x"));
        ask_list(env, list.port, ", ignore_network_errors: true");
        assert_int_equal(verdict(&status, env, password, NULL), 0);
        assert_int_equal(status, 200);
        ask_list(env, list.port, ", ignore_network_errors: false");
        assert_int_equal(verdict(&status, env, password, NULL), 0);
        assert_int_equal(status, 502);
        assert_int_equal(atomic_load(&list.count), 2); /* a failure is not remembered */
        stop(&list);
    }
    assert_int_equal(verdict(&status, env, "nobody listens", NULL), 0); /* the port is closed now */
    assert_int_equal(status, 502);
    ask_list(env, list.port, "");
    verdict(&status, env, "nobody listens", NULL);
    assert_int_equal(status, 200);
}

static void test_nonsense_from_the_list_is_survived(void **state)
{
    static const char *const bodies[] = {
        "\n\n\n", ":", ":::\r\n", "\r", "<html>", "0:0\n0:0", "no newline at the end:1"
    };
    env_t *env = *state;
    list_t list;
    int status;

    for (int i = 0; i < KR_DIM(bodies); i++) {
        start(&list, answer_with(env, "200 OK", bodies[i]));
        ask_list(env, list.port, ", ignore_network_errors: false");
        assert_int_equal(verdict(&status, env, GOOD, NULL), 0);
        assert_int_equal(status, 200);
        stop(&list);
    }
}

/* -- where it counts ------------------------------------------------------ */

static void test_a_registration_is_refused_and_a_login_is_never_asked(void **state)
{
    env_t *env = *state;
    client_t *app = native(env);
    kr_ctx_t *k = register_as(app, "ana@example.org", "short");

    assert_status(k, 400);
    assert_int_equal(message_at(said(k), "password"), 4000032);
    assert_string_equal(value_of(said(k), "password"), ""); /* no password comes back, however bad */
    assert_string_equal(value_of(said(k), "traits.email"), "ana@example.org");
    k = register_as(app, "ana@example.org", "ana@example.org");
    assert_int_equal(message_at(said(k), "password"), 4000031);
    assert_status(register_as(app, "ana@example.org", "12345678"), 200);
    change(env, "selfservice: {methods: {password: {config: {min_password_length: 20}}}}");
    app->realm = env->realm;
    assert_status(login_as(app, "ana@example.org", "12345678", ""), 200);
}

static void test_a_short_password_is_not_told_while_traits_are_wrong(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = register_as(native(env), "no address", "short");

    assert_status(k, 400);
    assert_int_equal(message_at(said(k), "traits.email"), 4000040);
    assert_int_equal(message_at(said(k), "password"), 0);
}

static void test_a_required_list_that_is_down_ends_a_registration_with_502(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k;

    ask_list(env, 1, ", ignore_network_errors: false");
    k = register_as(native(env), "ana@example.org", "never seen before");
    assert_status(k, 502);
    assert_string_equal(word(k, "error.id"), "upstream_error");
}

static int init_net(void **state)
{
    (void)state;
    kr_net_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_length_is_counted_in_bytes),
        TEST(test_an_owner_may_count_characters_as_well),
        TEST(test_bcrypt_would_cut_long_passwords_so_they_are_refused),
        TEST(test_a_password_like_the_identifier_is_refused),
        TEST(test_a_password_like_a_word_of_the_house_is_refused),
        TEST(test_very_long_texts_are_not_compared),
        TEST(test_a_breached_password_is_refused_and_the_list_learns_five_digits),
        TEST(test_a_password_that_the_list_does_not_know_or_only_pads_with_is_taken),
        TEST(test_one_realms_mirror_does_not_answer_for_another),
        TEST(test_a_list_that_fails_is_ignored_or_obeyed_as_the_settings_say),
        TEST(test_nonsense_from_the_list_is_survived),
        TEST(test_a_registration_is_refused_and_a_login_is_never_asked),
        TEST(test_a_short_password_is_not_told_while_traits_are_wrong),
        TEST(test_a_required_list_that_is_down_ends_a_registration_with_502),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, init_net, NULL);
}
