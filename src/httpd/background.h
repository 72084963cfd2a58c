/* SPDX-License-Identifier: Apache-2.0 */
/* The door of this room for what no request waits for: each child's own threads, and their work. */
#ifndef KR_HTTPD_BACKGROUND_H
#define KR_HTTPD_BACKGROUND_H

#include "../site/site.h"
#include "kr_hook.h"

/* -- background.c --------------------------------------------------------- */

/**
 * child_init: start the child's own threads: one that does these jobs and sends mail, one for the jobs that must not wait for that, and where
 * web hooks are to be called, one for them.
 */
void kr_background_start(apr_pool_t *pchild, server_rec *s, const kr_job_t *jobs, int njobs);
/**
 * child_stopping: tell it to end; it is waited for when the child's pool goes. After a graceful restart it looks after upgraded
 * connections until then, which may be hours.
 */
void kr_background_stop(apr_pool_t *pchild, int graceful);
/** A request queued messages: they are sent at once, and not at the next look into the queue. */
void kr_background_wake(server_rec *s);

/* -- mail.c --------------------------------------------------------------- */

/** What all realms have to send by one lane. */
typedef struct kr_postbags_t kr_postbags_t;

/** @param leaving, baton  is the process to end? No further message is begun then */
kr_postbags_t *kr_postbags_make(apr_pool_t *pool, server_rec *s, const kr_lane_t *lane, int (*leaving)(void *baton), void *baton);
/** Is there a realm that may have any? */
int kr_postbags_any(server_rec *s, const kr_lane_t *lane);
/** Send what is due. @param woken  messages were queued: look at once, and not only when the next look is due */
void kr_postbags_send(kr_postbags_t *bags, int woken);

/* -- sweep.c -------------------------------------------------------------- */

/** post_config: make what the children share to take turns; before the fork. */
int kr_sweep_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
/**
 * A job: delete one batch of expired rows, if it is this child's turn to.
 * @return after how many µs to call it again; 0: nothing is left to do, or somebody else does it
 */
apr_interval_time_t kr_sweep(kr_database_t *database, kr_ctx_t *k, server_rec *s);

/* -- feed.c --------------------------------------------------------------- */

/** post_config: make what the children share to take turns; before the fork. */
int kr_feed_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
/** A job: read whose sessions other nodes have changed, if it is this child's turn to. One statement. */
apr_interval_time_t kr_feed(kr_database_t *database, kr_ctx_t *k, server_rec *s);

/** How old, in µs, what is known of other nodes' changes is where it is oldest; 0: nothing was read yet. */
apr_time_t kr_feed_lag(const kr_site_t *site);

/* -- tell.c --------------------------------------------------------------- */

/** post_config: make what the children share to take turns; before the fork. */
int kr_tell_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
/** A job: tell the other nodes how often somebody failed here, and learn it of them, if it is this child's turn to. Two statements for each. */
apr_interval_time_t kr_tell(kr_database_t *database, kr_ctx_t *k, server_rec *s);

#endif
