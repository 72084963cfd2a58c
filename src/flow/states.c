/* SPDX-License-Identifier: Apache-2.0 */
/* States x kinds of flow: one matrix, looked into whenever a flow is loaded or stored (flow.c). docs/design.md draws it. */
#include <string.h>

#include "kr_flow_state.h"

static const char *const NAMES[KR_STATES] = {
    [KR_STATE_CHOOSE_METHOD] = "choose_method",
    [KR_STATE_SENT_EMAIL] = "sent_email",
    [KR_STATE_PASSED_CHALLENGE] = "passed_challenge",
    [KR_STATE_SHOW_FORM] = "show_form",
    [KR_STATE_SUCCESS] = "success",
    [KR_STATE_RECOVERY_ADDRESS] = "recovery_awaiting_address",
    [KR_STATE_RECOVERY_CHOICE] = "recovery_awaiting_address_choice",
    [KR_STATE_RECOVERY_CONFIRM] = "recovery_confirming_address",
    [KR_STATE_RECOVERY_CODE] = "recovery_awaiting_code",
};

static const kr_state_e FIRST[KR_FLOW_KINDS] = { [KR_FLOW_SETTINGS] = KR_STATE_SHOW_FORM };

#define BIT(state) (1u << (state))
#define CHOOSE BIT(KR_STATE_CHOOSE_METHOD)
#define SENT BIT(KR_STATE_SENT_EMAIL)
#define PASSED BIT(KR_STATE_PASSED_CHALLENGE)
#define FORM (BIT(KR_STATE_SHOW_FORM) | BIT(KR_STATE_SUCCESS))
#define ADDRESS BIT(KR_STATE_RECOVERY_ADDRESS)
#define CHOICE BIT(KR_STATE_RECOVERY_CHOICE)
#define CONFIRM BIT(KR_STATE_RECOVERY_CONFIRM)
#define CODE BIT(KR_STATE_RECOVERY_CODE)

/* The settings may change while a flow is on its way: whatever recovery asked for, a link may be sent next, and be the right one. */
#define BY_LINK (SENT | PASSED)

/*
 * What may follow on a state; a state without followers is none of that kind. A form that is shown again, with what was wrong with it,
 * stays in its state, so each follows on itself. A link finds its flow whatever the form shows, so that it passes out of any.
 */
static const unsigned AFTER[KR_FLOW_KINDS][KR_STATES] = {
    [KR_FLOW_LOGIN] = {
        [KR_STATE_CHOOSE_METHOD] = CHOOSE | SENT,
        [KR_STATE_SENT_EMAIL] = CHOOSE | SENT | PASSED,       /* somebody else's name may be typed, another code asked for */
        [KR_STATE_PASSED_CHALLENGE] = CHOOSE | SENT | PASSED, /* and again, where a hook refused the sign-in */
    },
    [KR_FLOW_REGISTRATION] = {
        [KR_STATE_CHOOSE_METHOD] = CHOOSE | SENT,
        [KR_STATE_SENT_EMAIL] = CHOOSE | SENT | PASSED,
        [KR_STATE_PASSED_CHALLENGE] = CHOOSE | SENT | PASSED,
    },
    [KR_FLOW_SETTINGS] = {
        [KR_STATE_SHOW_FORM] = FORM,
        [KR_STATE_SUCCESS] = FORM,
    },
    [KR_FLOW_RECOVERY] = {
        [KR_STATE_CHOOSE_METHOD] = CHOOSE | SENT | PASSED,
        [KR_STATE_SENT_EMAIL] = SENT | PASSED,
        [KR_STATE_PASSED_CHALLENGE] = PASSED,
        [KR_STATE_RECOVERY_ADDRESS] = ADDRESS | CHOICE | CODE | BY_LINK,
        [KR_STATE_RECOVERY_CHOICE] = ADDRESS | CHOICE | CONFIRM | CODE | BY_LINK,
        [KR_STATE_RECOVERY_CONFIRM] = ADDRESS | CHOICE | CONFIRM | CODE | BY_LINK,
        [KR_STATE_RECOVERY_CODE] = ADDRESS | CHOICE | CODE | BY_LINK,
    },
    [KR_FLOW_VERIFICATION] = {
        [KR_STATE_CHOOSE_METHOD] = CHOOSE | SENT | PASSED,
        [KR_STATE_SENT_EMAIL] = SENT | PASSED,
        [KR_STATE_PASSED_CHALLENGE] = PASSED,
    },
};

const char *kr_state_name(kr_state_e state)
{
    return NAMES[state];
}

int kr_state_parse(kr_state_e *out, kr_flow_kind_e kind, const char *name)
{
    for (int s = 0; name && s < KR_STATES; s++) {
        if (!AFTER[kind][s] || strcmp(NAMES[s], name) != 0) continue;
        *out = (kr_state_e)s;
        return 1;
    }
    return 0;
}

kr_state_e kr_state_first(kr_flow_kind_e kind)
{
    return FIRST[kind];
}

int kr_state_may_follow(kr_flow_kind_e kind, kr_state_e from, kr_state_e to)
{
    return (AFTER[kind][from] & BIT(to)) != 0;
}
