/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be sent once the change that asks for it is committed: mail, text messages, calls of web hooks. Put in within the
 * transaction of the change, sent by the background thread, claimed with a lease per message, marked one by one.
 */
#ifndef KR_OUTBOX_H
#define KR_OUTBOX_H

#include <apr_tables.h>

#include "kr_ctx.h"
#include "kr_net.h"

/** Something to send. */
typedef struct {
    const char *via;           /* whose it is: of a kr_sender_t */
    const char *to;            /* at most 320 bytes; messages to one go out in the order that they came in */
    const char *type;          /* at most 64 bytes, for lists: "verification_code_valid" */
    const json_t *data;        /* what its sender needs, of at most KR_OUTBOX_MAX bytes; sealed at rest; borrowed */
} kr_outbox_item_t;

/** Bytes of its data as text, at most. */
#define KR_OUTBOX_MAX ((apr_size_t)400 * 1024)

/**
 * Put something in: one statement, two for what is long, inside the caller's transaction if there is one. It counts in k->queued once it
 * is committed, so that httpd wakes the sender when the answer is out.
 */
kr_err_t *kr_outbox_put(kr_ctx_t *k, const kr_outbox_item_t *item) KR_MUST_CHECK;

/** As kr_outbox_put, for nobody: the same work now and later, but nothing is sent. What is stored is dashes, and the row says "blank". */
kr_err_t *kr_outbox_put_nothing(kr_ctx_t *k, const kr_outbox_item_t *item) KR_MUST_CHECK;

/* -- for those who run the site ------------------------------------------- */

/** A message as the outbox has it; what stands in it is sealed, and stays so. */
typedef struct {
    const char *id;
    const char *status;        /* "queued", "sent", "abandoned" */
    const char *via, *recipient, *template_type;
    int attempts;
    const char *last_error;    /* or NULL */
    apr_time_t send_after;     /* not before */
    apr_time_t created_at, updated_at;
} kr_message_t;

/**
 * Messages of the realm, the newest first: those before the id `before` (NULL: the newest), of one status and to one recipient
 * unless these are NULL. Those that are to nobody are left out. One statement.
 * @param out  array of kr_message_t, at most `limit`
 */
kr_err_t *kr_outbox_page(apr_array_header_t **out, kr_ctx_t *k, const char *status, const char *recipient, const char *before,
                         int limit) KR_MUST_CHECK;

struct kr_lane_t;
/**
 * How many messages wait in a lane, for metrics: of some realms of the database or, where these are many, of all of it. One statement for
 * all lanes.
 * @param out     what there is already is added to: one for each lane
 * @param realms  of const char*
 */
kr_err_t *kr_outbox_waiting(apr_int64_t *out, kr_ctx_t *k, const struct kr_lane_t *lanes, int count, const apr_array_header_t *realms)
    KR_MUST_CHECK;

/** Queue an abandoned message anew, with all its tries; all of them when `id` is NULL. One statement. @param done  how many */
kr_err_t *kr_outbox_retry(apr_int64_t *done, kr_ctx_t *k, const char *id) KR_MUST_CHECK;

/* -- sending -------------------------------------------------------------- */

/** Who sends. */
typedef struct {
    const char *name;          /* unique to this thread, at most 64 bytes: see kr_outbox_worker_name */
    int (*stopping)(void *baton); /* or NULL; asked between two messages, and while a server keeps us waiting */
    void *baton;
} kr_outbox_worker_t;

/** A message in its sender's hands. */
typedef struct {
    const char *id, *via, *to, *type;
    json_t *data;              /* pool-owned; the sender may change it. NULL for kr_sender_t.carrier */
    const kr_outbox_worker_t *worker;
    apr_pool_t *batch;         /* ends with the batch: for what may serve several messages */
    void **kept;               /* the sender's own, NULL at first, for as long as that */
    int slow;                  /* out: 1: what carries it kept us waiting: what else that has to carry is put off */
} kr_sending_t;

/** How one kind of message leaves. A constant. */
typedef struct {
    const char *via;           /* at most 16 bytes */
    const char *name;          /* in the log: "mail" */
    /** Does anything carry messages of this kind, by the settings? What nothing carries waits. */
    int (*carried)(const kr_ctx_t *k);
    /** What carries that message: where it gives no answer, what else it has to carry waits as well. */
    const char *(*carrier)(kr_ctx_t *k, const kr_sending_t *message);
    unsigned many : 1;         /* it has many carriers: that one gives no answer says nothing of the others */
    /** Send it: no connection is held. k->pool ends with the message. */
    kr_net_mailed_t (*send)(kr_ctx_t *k, kr_sending_t *message);
} kr_sender_t;

/** Kinds that wait for each other: two lanes never do. */
typedef struct kr_lane_t {
    const kr_sender_t *const *senders; /* one or two; ended by NULL */
    unsigned metric;                   /* which of the lanes that metrics name */
} kr_lane_t;

/** What one look into the outbox found. */
typedef enum {
    KR_QUEUE_DONE,   /* nothing is left that is due */
    KR_QUEUE_MORE,   /* a full batch: there may be more */
    KR_QUEUE_TROUBLE /* nothing that carries messages of the lane can be reached: they wait, and none of them is counted as failed */
} kr_queue_e;

/** A name for a worker: host, process, chance. */
const char *kr_outbox_worker_name(apr_pool_t *pool);

/** Does anything carry messages of that lane? */
int kr_outbox_carried(const kr_ctx_t *k, const kr_lane_t *lane);

/**
 * Send what is due in a lane: claim a batch with this worker's name, send each message on its own, mark it sent, put it off
 * (growing pauses) or give it up. A failing message holds up no other. No connection is held while sending.
 *
 * A message goes out twice only when its worker dies (or loses the database for longer than the lease) between the
 * server's yes and the mark: then once per such death, under the same id.
 * @param sent   how many were sent
 * @param queue  what to expect of the next look
 */
kr_err_t *kr_outbox_work(int *sent, kr_queue_e *queue, kr_ctx_t *k, const kr_lane_t *lane, const kr_outbox_worker_t *worker) KR_MUST_CHECK;

/** How long to leave alone what cannot be reached. */
#define KR_OUTBOX_TROUBLE apr_time_from_sec(10)

#endif
