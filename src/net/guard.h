/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/net: which addresses are nobody's business outside, and how libcurl is kept from them. */
#ifndef KR_NET_GUARD_H
#define KR_NET_GUARD_H

#include <curl/curl.h>
#include <sys/socket.h>

#include "kr_net.h"

/** What a log says of it. */
#define KR_NET_REFUSED "its address is in a private network, and calls are kept from those"

/** Is it an address that means something in some network only, or nothing at all? What is no IP address is one, too. */
int kr_net_is_private(const struct sockaddr *address);

/**
 * Keep a transfer from connecting to such addresses, whatever its host is called and however often that name is looked up: the address
 * is judged that a socket is opened for. A proxy that the environment names is not asked: it would be judged in place of the host.
 * @param refused  set to 1 where it was kept from one; lives as long as the transfer
 */
void kr_net_guard_set(CURL *curl, int *refused);

#endif
