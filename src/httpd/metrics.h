/* SPDX-License-Identifier: Apache-2.0 */
/* The door of this room for those who watch the server: numbers for a monitoring system, and for mod_status. */
#ifndef KR_HTTPD_METRICS_H
#define KR_HTTPD_METRICS_H

#include "../site/site.h"

/** post_config: make what the children share to ask databases in turns; before the fork. */
int kr_metrics_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
/**
 * Content handler of `SetHandler kratos-metrics`: OpenMetrics 1.0 for those who ask for it, else Prometheus' text format 0.0.4. Who may see
 * it is for httpd's Require lines to say.
 */
int kr_metrics_handler(request_rec *r);
/** Hook of mod_status: a section of server-status, for people and for `?auto`. @param flags  AP_STATUS_* */
int kr_metrics_status(request_rec *r, int flags);

/** Ask those who know for what nobody counts: password hashes, messages that wait. Of databases once in some seconds, whoever asks (metrics.c). */
void kr_metrics_look(request_rec *r);

#endif
