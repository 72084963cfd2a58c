/* SPDX-License-Identifier: Apache-2.0 */
/* The door of the gate: what mod_kratos.c hooks in. Nobody else calls it. */
#ifndef KR_GATE_GATE_H
#define KR_GATE_GATE_H

#include <ap_expr.h>

#include "../site/site.h"

/* -- gate.c --------------------------------------------------------------- */

/** pre_config: register the providers of `Require kratos-...`. */
void kr_gate_register(apr_pool_t *pool);
/** check_authn: AuthType Kratos, and the answer to those who have no session. */
int kr_gate_authn(request_rec *r);
/** check_authz, before everybody else: asks them, and answers those who have a session but no right. */
int kr_gate_authz(request_rec *r);

/* -- strip.c -------------------------------------------------------------- */

/** post_read_request: take away what a client must not say about itself. */
int kr_gate_strip(request_rec *r);

/* -- resume.c ------------------------------------------------------------- */

/** fixups, before everybody else: somebody comes back to a form that was kept (KratosKeepPost). */
int kr_gate_resume(request_rec *r);
/** Register the filter that gives it to whoever reads the body of the request. */
void kr_replay_register(void);

/* -- export.c ------------------------------------------------------------- */

/** fixups: tell the app who is here. */
int kr_gate_export(request_rec *r);
/** fixups, after everybody else: keep the session's cookie and token from the app. */
int kr_gate_hide(request_rec *r);

/* -- private.c ------------------------------------------------------------ */

/** Register the filter of kr_gate_filter. */
void kr_gate_register_filter(void);
/** insert_filter, insert_error_filter: shared caches do not keep what only some may see. */
void kr_gate_filter(request_rec *r);

/* -- expr.c --------------------------------------------------------------- */

/** expr_lookup: the function kratos() of httpd's expressions. */
int kr_expr_lookup(ap_expr_lookup_parms *parms);

/* -- upgrade.c ------------------------------------------------------------ */

/** child_init: an empty list of upgraded connections. */
void kr_tunnels_start(apr_pool_t *pchild, server_rec *s);
/** A job: close the connections whose session has ended, as far as it is time to look. Statements: one per 16 of them. */
apr_interval_time_t kr_tunnels_check(kr_database_t *database, kr_ctx_t *k, server_rec *s);

#endif
