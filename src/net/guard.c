/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that leave must not reach what only we can reach: the machine itself, its network, the cloud's word on it (169.254.169.254). */
#include "guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "kr_text.h"

typedef struct {
    unsigned char at[16];
    int bits;
} block_t;

/* IANA's registry of special-purpose addresses (RFC 6890 and its successors), and multicast. */
static const block_t IPV4[] = {
    { { 0 }, 8 },             /* this network; Linux takes it for the machine itself */
    { { 10 }, 8 },            { { 100, 64 }, 10 },     /* behind a carrier's NAT */
    { { 127 }, 8 },           { { 169, 254 }, 16 },    /* link-local: the cloud's metadata */
    { { 172, 16 }, 12 },      { { 192, 0, 0 }, 24 },   { { 192, 0, 2 }, 24 },     { { 192, 88, 99 }, 24 }, { { 192, 168 }, 16 },
    { { 198, 18 }, 15 },      { { 198, 51, 100 }, 24 }, { { 203, 0, 113 }, 24 },  { { 224 }, 4 },          { { 240 }, 4 },
};

static const block_t IPV6[] = {
    { { 0 }, 96 },            /* unspecified, loopback, and IPv4 in the old way */
    { { 0, 0x64, 0xff, 0x9b, 0, 1 }, 48 }, { { 0x01 }, 64 },  { { 0x20, 0x01, 0 }, 23 }, /* Teredo among it */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 },    { { 0x3f, 0xff }, 20 }, { { 0x5f }, 16 }, { { 0xfc }, 7 }, { { 0xfe, 0x80 }, 10 },
    { { 0xfe, 0xc0 }, 10 },   { { 0xff }, 8 },
};

/** Ways in which an IPv6 address holds an IPv4 address, which is the one that is reached. */
static const struct {
    block_t block;
    int at; /* where its four bytes begin */
} INSIDE[] = {
    { { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 96 }, 12 }, /* mapped */
    { { { 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0 }, 96 }, 12 }, /* translated (SIIT) */
    { { { 0, 0x64, 0xff, 0x9b }, 96 }, 12 },                      /* NAT64 */
    { { { 0x20, 0x02 }, 16 }, 2 },                                /* 6to4 */
};

static int covers(const block_t *block, const unsigned char *address)
{
    const int bytes = block->bits / 8, rest = block->bits % 8;

    if (memcmp(block->at, address, (size_t)bytes) != 0) return 0;
    return !rest || ((block->at[bytes] ^ address[bytes]) & (0xff << (8 - rest)) & 0xff) == 0;
}

static int is_private_4(const unsigned char *address)
{
    for (int i = 0; i < KR_DIM(IPV4); i++)
        if (covers(&IPV4[i], address)) return 1;
    return 0;
}

static int is_private_6(const unsigned char *address)
{
    for (int i = 0; i < KR_DIM(INSIDE); i++)
        if (covers(&INSIDE[i].block, address)) return is_private_4(address + INSIDE[i].at);
    for (int i = 0; i < KR_DIM(IPV6); i++)
        if (covers(&IPV6[i], address)) return 1;
    return 0;
}

int kr_net_is_private(const struct sockaddr *address)
{
    const struct sockaddr_in *four = (const void *)address;
    const struct sockaddr_in6 *six = (const void *)address;

    if (address->sa_family == AF_INET) return is_private_4((const unsigned char *)&four->sin_addr);
    return address->sa_family != AF_INET6 || is_private_6(six->sin6_addr.s6_addr);
}

/* libcurl asks for each address that it is about to connect to. */
static curl_socket_t open_socket(void *refused, curlsocktype purpose, struct curl_sockaddr *to)
{
    (void)purpose;
    if (!kr_net_is_private(&to->addr)) return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    *(int *)refused = 1;
    return CURL_SOCKET_BAD;
}

void kr_net_guard_set(CURL *curl, int *refused)
{
    *refused = 0;
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, refused);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
}

/* -- exceptions ------------------------------------------------------------- */

/* A query says what is asked for, not who is asked. "https://a/b/" and two stars is all that is below it. */
static int is_exception(const char *exception, const char *url)
{
    const apr_size_t len = strlen(exception), asked = strcspn(url, "?#");

    if (len >= 3 && strcmp(exception + len - 3, "/**") == 0) return asked >= len - 2 && strncmp(url, exception, len - 2) == 0;
    return asked == len && strncmp(url, exception, len) == 0;
}

int kr_net_is_guarded(const kr_net_guard_t *guard, const char *url)
{
    if (!guard || !guard->on) return 0;
    for (int i = 0; guard->exceptions && i < guard->exceptions->nelts; i++)
        if (is_exception(APR_ARRAY_IDX(guard->exceptions, i, const char *), url)) return 0;
    return 1;
}
