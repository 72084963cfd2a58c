/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share. */
#ifndef KR_FLOW_FLOW_H
#define KR_FLOW_FLOW_H

#include "kr_flow.h"

/** What a node is found by: the name of an input, the id of any other. "" when it has none. */
const char *kr_node_id(const json_t *node);

/** The flow's nodes as they are stored: those that hold a secret are sealed texts. Pool-owned, or the flow's own when none does. */
json_t *kr_nodes_seal(kr_ctx_t *k, const kr_flow_t *flow);
/** Make nodes of them again, after loading. What cannot be opened any more is left out. */
void kr_nodes_unseal(kr_ctx_t *k, kr_flow_t *flow);

/* -- waiting.c ------------------------------------------------------------ */

/** A request URL without the value of its login_challenge, as it is stored; the same URL when it has none. */
const char *kr_flow_url_cut(apr_pool_t *pool, const char *url);
/** And with it again. @param challenge  or NULL */
const char *kr_flow_url_whole(apr_pool_t *pool, const char *url, const char *challenge);
/** The flow's internals as they are stored: with what an OAuth2 server waits for. Pool-owned, or the flow's own when none does. */
const json_t *kr_flow_internal_with(kr_ctx_t *k, const kr_flow_t *flow);
/** Read it out of them, after loading. */
void kr_flow_take_waiting(kr_flow_t *flow);

#endif
