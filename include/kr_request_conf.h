/* SPDX-License-Identifier: Apache-2.0 */
/* A `request_config` of the settings, as written: how an HTTP service of the owner's is called. */
#ifndef KR_REQUEST_CONF_H
#define KR_REQUEST_CONF_H

#include <apr_tables.h>
#include <apr_time.h>

#include "kr_jsonnet.h"

/** How a call proves who makes it. Most members belong to one of the two ways, and are NULL where they were not said. */
typedef struct {
    const char *type;                /* "api_key" or "basic_auth"; NULL: not at all */
    const char *name, *user;         /* of the key, of the user */
    const char *value, *password;
    const char *in;                  /* where the key stands: "header" or "cookie" */
    int said;                        /* it is there, whatever is in it */
} kr_request_auth_t;

/** Who is called, and with what. */
typedef struct {
    const char *url, *method;
    const char *body;                /* file:// or base64:// URL of a Jsonnet program, or NULL */
    const apr_table_t *headers;
    kr_request_auth_t auth;
} kr_request_conf_t;

/** The same, ready to be called. */
typedef struct {
    const char *url, *method;
    const apr_table_t *headers;      /* with the one that proves who calls; Content-Type is always there */
    const kr_jsonnet_t *body;        /* or NULL */
    apr_time_t timeout;              /* for all of its answer */
} kr_http_service_t;

#endif
