/* SPDX-License-Identifier: Apache-2.0 */
/* Outgoing calls against a small server in a thread: limits of time and size, no redirects, no other protocols. */
#include "test.h"
#include <arpa/inet.h>
#include <apr_strings.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kr_net.h"

/* Answers one connection with a fixed text and keeps what it was sent. */
typedef struct {
    int listener;
    int port;
    const char *answer; /* NULL: read and stay silent until the client hangs up */
    char got[4096];
    pthread_t thread;
} server_t;

/* Everything the request has: its head, and as many bytes as Content-Length says. */
static int is_whole(const char *got)
{
    const char *end = strstr(got, "\r\n\r\n"), *length = strstr(got, "Content-Length: ");

    return end && (!length || strlen(end + 4) >= (size_t)atoi(length + 16));
}

static void *serve(void *baton)
{
    server_t *server = baton;
    int fd = accept(server->listener, NULL, NULL);
    size_t len = 0;
    ssize_t n;

    if (fd < 0) return NULL;
    while (len < sizeof(server->got) - 1 && (!server->answer || !is_whole(server->got))) {
        n = read(fd, server->got + len, sizeof(server->got) - 1 - len);
        if (n <= 0) break;
        len += (size_t)n;
        server->got[len] = '\0';
    }
    if (server->answer) send(fd, server->answer, strlen(server->answer), MSG_NOSIGNAL);
    close(fd);
    return NULL;
}

static void start(server_t *server, const char *answer)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);

    memset(server, 0, sizeof(*server));
    server->answer = answer;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(server->listener, 4), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &len), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

/* Call the server, wait for its end. */
static kr_err_t *call(kr_net_reply_t *out, kr_ctx_t *k, server_t *server, kr_net_request_t req)
{
    kr_err_t *err;

    req.url = apr_psprintf(k->pool, "http://127.0.0.1:%d/path?key=secret", server->port);
    err = kr_net_call(out, k, &req);
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    return err;
}

static char last_line[4096];

static void remember(void *baton, kr_level_e level, const char *line)
{
    (void)baton;
    (void)level;
    apr_cpystrn(last_line, line, sizeof(last_line));
}

static kr_ctx_t *fresh(void **state)
{
    kr_ctx_t *k = kr_ctx_make(*state, NULL, KR_LOG_WARNING);

    k->log = remember;
    last_line[0] = '\0';
    return k;
}

static void a_call_sends_what_it_is_told_and_returns_the_answer(void **state)
{
    kr_ctx_t *k = fresh(state);
    apr_table_t *headers = apr_table_make(k->pool, 2);
    kr_net_reply_t reply;
    server_t server;

    apr_table_set(headers, "Content-Type", "application/json");
    apr_table_set(headers, "X-Empty", "");
    start(&server, "HTTP/1.1 418 Teapot\r\nContent-Length: 5\r\n\r\nhello");
    assert_null(call(&reply, k, &server, (kr_net_request_t){ .method = "PUT", .headers = headers, .body = "{\"a\":1}",
                                                             .body_len = 7 }));
    assert_int_equal(reply.status, 418);
    assert_string_equal(reply.body, "hello");
    assert_int_equal(reply.body_len, 5);
    assert_non_null(strstr(server.got, "PUT /path?key=secret HTTP/1.1\r\n"));
    assert_non_null(strstr(server.got, "User-Agent: mod_kratos\r\n"));
    assert_non_null(strstr(server.got, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(server.got, "X-Empty:"));
    assert_non_null(strstr(server.got, "\r\n\r\n{\"a\":1}"));
    assert_null(strstr(server.got, "Expect"));
}

static void an_empty_post_says_that_it_is_empty(void **state)
{
    kr_ctx_t *k = fresh(state);
    kr_net_reply_t reply;
    server_t server;

    start(&server, "HTTP/1.1 204 No Content\r\n\r\n");
    assert_null(call(&reply, k, &server, (kr_net_request_t){ .method = "POST" }));
    assert_int_equal(reply.status, 204);
    assert_string_equal(reply.body, "");
    assert_non_null(strstr(server.got, "POST "));
    assert_non_null(strstr(server.got, "Content-Length: 0\r\n"));
}

static void a_redirect_is_returned_and_not_followed(void **state)
{
    kr_ctx_t *k = fresh(state);
    kr_net_reply_t reply;
    server_t server;

    start(&server, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    assert_null(call(&reply, k, &server, (kr_net_request_t){ 0 }));
    assert_int_equal(reply.status, 302);
}

static void an_answer_beyond_the_limit_is_an_upstream_error(void **state)
{
    kr_ctx_t *k = fresh(state);
    kr_net_reply_t reply;
    kr_err_t *err;
    server_t server;

    start(&server, "HTTP/1.1 200 OK\r\n\r\n0123456789");
    err = call(&reply, k, &server, (kr_net_request_t){ .max_bytes = 9 });
    assert_non_null(err);
    assert_int_equal(err->status, 502);
    assert_string_equal(err->id, "upstream_error");
    assert_non_null(strstr(last_line, "too large"));
    assert_null(reply.body);

    start(&server, "HTTP/1.1 200 OK\r\n\r\n0123456789");
    assert_null(call(&reply, k, &server, (kr_net_request_t){ .max_bytes = 10 }));
    assert_string_equal(reply.body, "0123456789");
}

static void a_silent_server_is_given_up(void **state)
{
    kr_ctx_t *k = fresh(state);
    apr_time_t began = apr_time_now();
    kr_net_reply_t reply;
    kr_err_t *err;
    server_t server;

    start(&server, NULL);
    err = call(&reply, k, &server, (kr_net_request_t){ .timeout = apr_time_from_msec(200) });
    assert_non_null(err);
    assert_int_equal(err->status, 502);
    assert_true(apr_time_now() - began < apr_time_from_sec(3));
}

static void an_answer_cut_short_is_an_upstream_error(void **state)
{
    kr_ctx_t *k = fresh(state);
    kr_net_reply_t reply;
    kr_err_t *err;
    server_t server;

    start(&server, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
    err = call(&reply, k, &server, (kr_net_request_t){ 0 });
    assert_non_null(err);
    assert_int_equal(err->status, 502);
}

static void a_failure_names_the_host_in_the_log_only(void **state)
{
    kr_ctx_t *k = fresh(state);
    kr_net_request_t req = { .url = "http://user:pw@127.0.0.1:1/path?key=secret" };
    kr_net_reply_t reply;
    kr_err_t *err = kr_net_call(&reply, k, &req);

    assert_non_null(err);
    assert_non_null(strstr(last_line, "call to 127.0.0.1:1: "));
    assert_null(strstr(last_line, "secret"));
    assert_null(strstr(last_line, "pw"));
    assert_null(strstr(err->reason, "127.0.0.1"));
}

static void only_http_and_https_are_spoken(void **state)
{
    static const char *const urls[] = { "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "127.0.0.1",
                                        "", "http:", "http://", "http://a b/", NULL };
    kr_ctx_t *k = fresh(state);
    kr_net_reply_t reply;

    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        kr_net_request_t req = { .url = urls[i] };
        kr_err_t *err = kr_net_call(&reply, k, &req);

        assert_non_null(err);
        assert_int_equal(err->status, 502);
    }
}

static void headers_cannot_inject(void **state)
{
    kr_ctx_t *k = fresh(state);
    apr_table_t *headers = apr_table_make(k->pool, 1);
    kr_net_request_t req = { .url = "http://127.0.0.1:1/", .headers = headers };
    kr_net_reply_t reply;

    apr_table_set(headers, "X-A", "1\r\nX-B: 2");
    assert_non_null(kr_net_call(&reply, k, &req));
    assert_non_null(strstr(last_line, "control characters"));
}

static int open_pool(void **state)
{
    /* A proxy of whoever runs the tests must not stand between us and our server. */
    setenv("no_proxy", "*", 1);
    apr_initialize();
    kr_net_init();
    return apr_pool_create((apr_pool_t **)state, NULL);
}

static int close_pool(void **state)
{
    apr_pool_destroy(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_sends_what_it_is_told_and_returns_the_answer),
        cmocka_unit_test(an_empty_post_says_that_it_is_empty),
        cmocka_unit_test(a_redirect_is_returned_and_not_followed),
        cmocka_unit_test(an_answer_beyond_the_limit_is_an_upstream_error),
        cmocka_unit_test(a_silent_server_is_given_up),
        cmocka_unit_test(an_answer_cut_short_is_an_upstream_error),
        cmocka_unit_test(a_failure_names_the_host_in_the_log_only),
        cmocka_unit_test(only_http_and_https_are_spoken),
        cmocka_unit_test(headers_cannot_inject),
    };

    return cmocka_run_group_tests_name("net", tests, open_pool, close_pool);
}
