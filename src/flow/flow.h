/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share. */
#ifndef KR_FLOW_FLOW_H
#define KR_FLOW_FLOW_H

#include "kr_flow.h"

/** What a node is found by: the name of an input, the id of any other. "" when it has none. */
const char *kr_node_id(const json_t *node);

#endif
