/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is anybody there? The driver knows no connect time-out. So a host must say its greeting first, within GREETING, on a
 * connection that is closed again.
 */
#include <string.h>

#include <apr_network_io.h>
#include <apr_strings.h>

#include "kr_clock.h"
#include "store.h"

#define GREETING apr_time_from_sec(2)
#define GLANCE apr_time_from_msec(5) /* a process that is leaving looks that often whether it still has to wait */

const char *kr_conn_parameter(apr_pool_t *pool, const char *params, const char *key)
{
    char *last, *word = apr_strtok(apr_pstrdup(pool, params), " \t\r\n;|,", &last);
    const char *value = NULL;
    size_t len = strlen(key);

    for (; word; word = apr_strtok(NULL, " \t\r\n;|,", &last)) {
        if (!strncmp(word, key, len) && word[len] == '=') value = word + len + 1;
    }
    return value;
}

/* Where the driver is going to connect to. NULL when only its client library knows, or when there is no such host. */
static apr_sockaddr_t *address_of(apr_pool_t *pool, const char *params)
{
    const char *host = kr_conn_parameter(pool, params, "host"), *port = kr_conn_parameter(pool, params, "port");
    const char *sock = kr_conn_parameter(pool, params, "sock");
    apr_sockaddr_t *addr = NULL;
    apr_int64_t n = port ? apr_atoi64(port) : 3306;

    if (host && strcmp(host, "localhost") != 0) {
        if (n < 1 || n > 65535) return NULL;
        return apr_sockaddr_info_get(&addr, host, APR_UNSPEC, (apr_port_t)n, 0, pool) == APR_SUCCESS ? addr : NULL;
    }
#if APR_HAVE_SOCKADDR_UN
    if (sock && apr_sockaddr_info_get(&addr, sock, APR_UNIX, 0, 0, pool) == APR_SUCCESS) return addr;
#endif
    return NULL;
}

/* The next glance of a wait. @return 0 when it is over */
static int wait_on(kr_ctx_t *k, apr_socket_t *sock, apr_time_t until)
{
    apr_time_t left = until - kr_clock_ticks();

    if (left <= 0 || kr_leaving(k)) return 0;
    apr_socket_timeout_set(sock, k->leaving && left > GLANCE ? GLANCE : left);
    return 1;
}

/* APR_TIMEUP when it says nothing; any other failure the driver will meet as well, and at once. */
static apr_status_t hear_greeting(kr_ctx_t *k, apr_pool_t *pool, apr_sockaddr_t *addr, apr_time_t until)
{
    apr_status_t rv = APR_TIMEUP, heard = APR_TIMEUP;
    apr_socket_t *sock;
    char byte;

    if ((heard = apr_socket_create(&sock, addr->family, SOCK_STREAM, addr->family == APR_UNIX ? 0 : APR_PROTO_TCP, pool)))
        return heard;
    while (APR_STATUS_IS_TIMEUP(rv) && wait_on(k, sock, until)) rv = apr_socket_connect(sock, addr);
    if (APR_STATUS_IS_EAGAIN(rv)) rv = APR_TIMEUP; /* a local socket's queue is full: nobody takes from it */
    for (heard = APR_TIMEUP; rv == APR_SUCCESS && APR_STATUS_IS_TIMEUP(heard) && wait_on(k, sock, until);) {
        apr_size_t len = 1;

        heard = apr_socket_recv(sock, &byte, &len);
    }
    apr_socket_close(sock);
    return rv == APR_SUCCESS ? heard : rv;
}

/* As the driver does: the first address that does not refuse. */
apr_status_t kr_conn_greeting(kr_ctx_t *k, apr_pool_t *parent, const char *params)
{
    apr_time_t until = kr_clock_ticks() + GREETING;
    apr_status_t rv = APR_ENOENT;
    apr_pool_t *pool;

    apr_pool_create(&pool, parent);
    for (apr_sockaddr_t *addr = address_of(pool, params); addr; addr = addr->next) {
        rv = hear_greeting(k, pool, addr, until);
        if (rv == APR_SUCCESS || rv == APR_EOF || APR_STATUS_IS_TIMEUP(rv)) break;
    }
    apr_pool_destroy(pool);
    return rv;
}
