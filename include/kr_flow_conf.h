/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings say of one kind of flow: its page, its time, and the hooks around it. */
#ifndef KR_FLOW_CONF_H
#define KR_FLOW_CONF_H

#include <apr_tables.h>
#include <apr_time.h>
#include <jansson.h>

#include "kr_flow_kinds.h"

/** One entry of a hooks list. */
typedef struct {
    const char *name;     /* "session", "show_verification_ui", ... checked against the flow it stands in */
    const json_t *config; /* web_hook's, or NULL */
} kr_hook_conf_t;

/** What happens after a flow: globally, or for one method. */
typedef struct {
    const char *url;                 /* default_browser_return_url, or NULL */
    const apr_array_header_t *hooks; /* of kr_hook_conf_t; NULL when the key is absent */
} kr_after_t;

/** selfservice.flows.<kind> */
typedef struct {
    int enabled;                     /* login, settings: always 1 */
    const char *ui_url;
    apr_time_t lifespan;             /* µs */
    const apr_array_header_t *before; /* hooks, or NULL */
    kr_after_t after;                /* the flow-wide ones */
    kr_after_t after_method[KR_METHOD_IDS];
} kr_flow_conf_t;

#endif
