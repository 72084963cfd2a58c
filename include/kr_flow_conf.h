/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings say of one kind of flow: its page, its time, and the hooks around it. */
#ifndef KR_FLOW_CONF_H
#define KR_FLOW_CONF_H

#include <apr_tables.h>
#include <apr_time.h>
#include <jansson.h>

#include "kr_flow_kinds.h"
#include "kr_request_conf.h"

/** One entry of a hooks list. */
typedef struct {
    const char *name;     /* "session", "show_verification_ui", ... checked against the flow it stands in */
    const json_t *config; /* as written, or NULL */
    const void *own;      /* the same as the struct of its kind, with defaults; NULL for hooks that have no settings */
} kr_hook_conf_t;

/** `own` of notify_previous_addresses. */
typedef struct {
    const char *recipients; /* "removed", "all_verified", "all" */
} kr_notify_conf_t;

/** `own` of a web_hook. */
typedef struct {
    const char *id;       /* in the log; or NULL */
    kr_request_conf_t request;
    int ignore, parse;    /* its answer: not waited for; may change the identity or stop the flow */
    int can_interrupt;    /* older name of `parse` */
    int analytics;        /* emit_analytics_event: ids are sent along */
    int form;             /* its body is a form, and no JSON */
    const kr_http_service_t *service; /* `request`, ready to be called */
    const char *where;    /* path in the settings */
} kr_web_hook_conf_t;

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
