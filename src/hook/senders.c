/* SPDX-License-Identifier: Apache-2.0 */
/* The table of senders: what leaves by the outbox, and what does not wait for what. A new kind is one row. */
#include "kr_courier.h"
#include "web_hook.h"

static const kr_sender_t *const MESSAGES[] = { &kr_sender_mail, &kr_sender_sms, NULL };
static const kr_sender_t *const WEB_HOOKS[] = { &kr_sender_web_hook, NULL };

const kr_lane_t kr_lanes[KR_LANES] = {
    [KR_LANE_MESSAGES] = { MESSAGES, KR_LANE_MESSAGES },
    [KR_LANE_WEB_HOOKS] = { WEB_HOOKS, KR_LANE_WEB_HOOKS },
};
