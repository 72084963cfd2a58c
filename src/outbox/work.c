/* SPDX-License-Identifier: Apache-2.0 */
/* Out of the outbox: claim, send, mark. Runs in a thread of its own, or in kratosctl. */
#include <string.h>
#include <unistd.h>

#include "kr_clock.h"
#include "kr_crypto.h"
#include "kr_json.h"
#include "kr_metrics.h"
#include "kr_realm.h"
#include "kr_text.h"
#include "outbox.h"

/*
 * Within LEASE nobody else is given a claimed message. We begin no message after WORK, and one takes SEND at most: what
 * is left of the lease is for clocks that differ, and for a database that is slow to take the mark.
 */
#define LEASE apr_time_from_sec(60)
#define WORK apr_time_from_sec(20)
#define SEND apr_time_from_sec(20)

#define SENDERS 2 /* of a lane, at most */

/* A code is worth nothing after a day, and a flood of old mail worth less. */
#define TOO_OLD apr_time_from_sec(24 * 3600)

/** The batch of one worker. */
typedef struct {
    kr_ctx_t *k;
    const kr_mail_conf_t *conf;
    const kr_lane_t *lane;
    const kr_outbox_worker_t *worker;
    apr_time_t began;             /* by the clock of the machine: k->now may be a test's */
    apr_array_header_t *messages; /* of kr_message_row_t */
    apr_pool_t *pool;             /* ends with the batch: so does the connection to the server */
    void *kept[SENDERS];          /* of each sender */
    apr_table_t *down;            /* carriers that give no answer: what else they have to carry waits */
    int out_of_order[SENDERS];    /* 1: what carries all of that sender's messages is among them */
} work_t;

const char *kr_outbox_worker_name(apr_pool_t *pool)
{
    char host[64] = "";

    if (gethostname(host, sizeof(host) - 1)) host[0] = '\0';
    return apr_psprintf(pool, "%.24s:%ld:%s", host, (long)getpid(), kr_random_alnum(pool, 16));
}

static apr_time_t elapsed(const work_t *work)
{
    return kr_clock_ticks() - work->began;
}

static int is_stopping(const work_t *work)
{
    return work->worker->stopping && work->worker->stopping(work->worker->baton);
}

/* -- one message -------------------------------------------------------------- */

static kr_net_mailed_t refused(const char *why)
{
    return (kr_net_mailed_t){ KR_MAIL_REFUSED, why, NULL };
}

static json_t *open_data(apr_pool_t *pool, const kr_keys_t *keys, const char *sealed)
{
    apr_size_t len;
    unsigned char *text = kr_unseal(pool, keys, KR_SEAL_CONTEXT, sealed ? sealed : "", &len);
    json_t *data = text ? kr_json_own(pool, json_loadb((const char *)text, len, 0, NULL)) : NULL; /* our own text */

    if (text) kr_wipe(text, len);
    return data;
}

static int lane_of(const kr_lane_t *lane, const char *via)
{
    int i = 0;

    while (lane->senders[i] && strcmp(lane->senders[i]->via, via) != 0) i++;
    return i;
}

static kr_sending_t sending_of(work_t *work, const kr_message_row_t *message)
{
    return (kr_sending_t){ .id = message->id, .via = message->via, .to = message->recipient, .type = message->template_type,
                           .worker = work->worker, .batch = work->pool, .kept = &work->kept[lane_of(work->lane, message->via)] };
}

/* Only those of the lane were claimed. */
static const kr_sender_t *sender_of(const work_t *work, const kr_message_row_t *message)
{
    return work->lane->senders[lane_of(work->lane, message->via)];
}

static kr_net_mailed_t deliver(int *slow, work_t *work, kr_ctx_t *k, const kr_message_row_t *message)
{
    const kr_sender_t *sender = sender_of(work, message);
    kr_sending_t sending = sending_of(work, message);
    kr_net_mailed_t out;

    *slow = 0;
    if (k->now - message->created_at > TOO_OLD) return refused("it is older than a day");
    sending.data = open_data(k->pool, k->realm->keys, message->sealed);
    if (!sending.data) return refused("its data cannot be opened: is the secret that sealed it gone?");
    if (!sender->carried(k)) return (kr_net_mailed_t){ KR_MAIL_LATER, "nothing carries messages of its kind", NULL };
    out = sender->send(k, &sending);
    *slow = sending.slow;
    return out;
}

static const char *carrier_of(work_t *work, kr_ctx_t *k, const kr_message_row_t *message)
{
    kr_sending_t sending = sending_of(work, message);

    return sender_of(work, message)->carrier(k, &sending);
}

/* -- what became of it -------------------------------------------------------- */

#define MARK_TRIES 5

/* It is out: the mark is worth some patience, as without it somebody sends it again. */
static kr_err_t *mark_sent(work_t *work, const kr_message_row_t *message)
{
    kr_err_t *err = NULL;

    for (int tries = 0; tries < MARK_TRIES; tries++) {
        if (tries) apr_sleep(apr_time_from_msec(200) << tries);
        err = kr_store_message_sent(work->k, message);
        if (!err) return NULL;
        kr_db_release(work->k);
    }
    kr_log(work->k, KR_LOG_ERR, KRLOGNO(0502) "message %s was sent but could not be marked: it may be sent again",
           message->id);
    return err;
}

/* The longer it fails, the less it hurries. */
static apr_time_t pause_after(int attempts)
{
    static const int SECONDS[] = { 1, 5, 30, 120, 600, 1800 };
    const int last = KR_DIM(SECONDS) - 1;

    return apr_time_from_sec(SECONDS[attempts - 1 < last ? attempts - 1 : last]);
}

/* What the server said may hold the address: it goes into the database, which has that anyway, and not into the log. */
static kr_err_t *mark_failed(work_t *work, kr_message_row_t *message, const kr_net_mailed_t *mailed)
{
    kr_ctx_t *k = work->k;
    const int counts = mailed->fate != KR_MAIL_UNREACHABLE;
    int final = mailed->fate == KR_MAIL_REFUSED;

    message->attempts += counts;
    if (counts && message->attempts > work->conf->retries) final = 1;
    message->status = final ? "abandoned" : "queued";
    message->send_after = k->now + elapsed(work) + (counts ? pause_after(message->attempts) : KR_OUTBOX_TROUBLE);
    message->last_error = apr_psprintf(k->pool, "%.100s%s%.150s", mailed->why, mailed->reply ? ": " : "",
                                       mailed->reply ? mailed->reply : "");
    if (final) {
        kr_log(k, KR_LOG_WARNING, KRLOGNO(0503) "message %s is given up after %d attempt(s): %s%s", message->id,
               message->attempts, mailed->why, kr_log_personal(k, mailed->reply));
    } else if (counts) {
        kr_log(k, KR_LOG_INFO, KRLOGNO(0504) "message %s is put off after %d attempt(s): %s%s", message->id,
               message->attempts, mailed->why, kr_log_personal(k, mailed->reply));
    }
    return kr_store_message_failed(k, work->worker->name, message);
}

static kr_err_t *mark_blank(work_t *work, kr_message_row_t *message)
{
    kr_err_t *err;

    message->status = "blank";
    err = kr_store_message_failed(work->k, work->worker->name, message);
    kr_db_release(work->k);
    return err;
}

/* A try, as it is marked. */
static void count_try(const work_t *work, const kr_message_row_t *message, const kr_net_mailed_t *mailed)
{
    kr_outbox_fate_e fate = strcmp(message->status, "abandoned") ? KR_FATE_FAILED : KR_FATE_GIVEN_UP;

    kr_metric_count(KR_METRIC_OUTBOX_TRIES, KR_SERIES(work->lane->metric, mailed->fate == KR_MAIL_SENT ? KR_FATE_SENT : fate));
}

/* What cannot be reached, or keeps us waiting, is left alone for the rest of the batch. */
static void leave_alone(work_t *work, const kr_message_row_t *message, const char *carrier)
{
    apr_table_set(work->down, carrier, "");
    for (int i = 0; work->lane->senders[i]; i++) {
        kr_sending_t sending = sending_of(work, message);

        work->out_of_order[i] |= strcmp(work->lane->senders[i]->carrier(work->k, &sending), carrier) == 0;
    }
}

static kr_err_t *settle(int *sent, work_t *work, kr_message_row_t *message, const char *carrier, const kr_net_mailed_t *mailed)
{
    const kr_sender_t *sender = sender_of(work, message);
    kr_err_t *err;

    if (mailed->fate == KR_MAIL_UNREACHABLE) {
        leave_alone(work, message, carrier);
        if (is_stopping(work)) return NULL; /* it was cut short by us: given back with the rest */
        kr_log(work->k, KR_LOG_WARNING, KRLOGNO(0505) "%s cannot be sent: %s%s%s", sender->name, mailed->why, mailed->reply ? ": " : "",
               mailed->reply ? mailed->reply : ""); /* no recipient was named yet */
    }
    err = mailed->fate == KR_MAIL_SENT ? mark_sent(work, message) : mark_failed(work, message, mailed);
    kr_db_release(work->k); /* before the next message is sent */
    count_try(work, message, mailed);
    if (!err && mailed->fate == KR_MAIL_SENT) ++*sent;
    return err;
}

/* -- the batch ---------------------------------------------------------------- */

/* Its carrier gave no answer a moment ago: it waits as the one did that found out, and the others go on. */
static kr_err_t *put_off(work_t *work, kr_message_row_t *message)
{
    kr_err_t *err =
        mark_failed(work, message, &(kr_net_mailed_t){ KR_MAIL_UNREACHABLE, "what carries it gives no answer", NULL });

    kr_db_release(work->k);
    return err;
}

static kr_err_t *send_one(int *sent, work_t *work, kr_message_row_t *message, apr_pool_t *pool)
{
    kr_ctx_t one = *work->k; /* the same, but for the memory of one message */
    kr_net_mailed_t mailed;
    const char *carrier;
    int slow;

    if (kr_outbox_is_nothing(message)) return mark_blank(work, message);
    one.pool = pool;
    carrier = carrier_of(work, &one, message);
    if (apr_table_get(work->down, carrier)) return put_off(work, message);
    mailed = deliver(&slow, work, &one, message);
    if (slow) leave_alone(work, message, carrier);
    return settle(sent, work, message, carrier, &mailed);
}

/* @param next  how many were dealt with */
static kr_err_t *send_batch(int *sent, int *next, work_t *work)
{
    kr_err_t *err = NULL;
    apr_pool_t *pool;

    apr_pool_create(&work->pool, work->k->pool);
    work->down = apr_table_make(work->pool, 2);
    apr_pool_create(&pool, work->pool);
    for (*next = 0; *next < work->messages->nelts && !err; ++*next) {
        if (elapsed(work) > WORK || is_stopping(work)) break;
        err = send_one(sent, work, &APR_ARRAY_IDX(work->messages, *next, kr_message_row_t), pool);
        apr_pool_clear(pool);
    }
    apr_pool_destroy(work->pool);
    return err;
}

/* Is all that carries messages of the lane out of order? While one works, the outbox is worth another look. */
static int is_trouble(const work_t *work)
{
    int carried = 0, down = 0;

    for (int i = 0; work->lane->senders[i]; i++) {
        if (!work->lane->senders[i]->carried(work->k)) continue;
        carried++;
        down += work->out_of_order[i] && !work->lane->senders[i]->many;
    }
    return down == carried;
}

int kr_outbox_carried(const kr_ctx_t *k, const kr_lane_t *lane)
{
    for (int i = 0; lane->senders[i]; i++)
        if (lane->senders[i]->carried(k)) return 1;
    return 0;
}

static kr_err_t *claim(int *claimed, work_t *work)
{
    const kr_sender_t *const *senders = work->lane->senders;
    const kr_sender_t *other = senders[1] ? senders[1] : senders[0];
    const apr_time_t until = work->k->now + LEASE;

    *claimed = 0;
    KR_TRY(kr_store_message_claim(&work->messages, work->k, senders[0]->via, other->via, work->worker->name, until, work->conf->batch));
    *claimed = work->messages->nelts;
    return kr_store_message_in_turn(work->messages, work->k, work->worker->name, until);
}

kr_err_t *kr_outbox_work(int *sent, kr_queue_e *queue, kr_ctx_t *k, const kr_lane_t *lane, const kr_outbox_worker_t *worker)
{
    work_t work = { .k = k, .conf = &k->realm->settings->mail, .lane = lane, .worker = worker, .began = kr_clock_ticks() };
    kr_err_t *err;
    int done = 0, claimed;

    *sent = 0;
    *queue = KR_QUEUE_DONE;
    if (!kr_outbox_carried(k, lane)) return NULL;
    err = claim(&claimed, &work);
    kr_db_release(k);
    if (err) return err;
    err = send_batch(sent, &done, &work);
    if (err)
        return err; /* what could not be marked stays ours until the lease ends: giving it back would send it again */
    if (claimed == work.conf->batch) *queue = KR_QUEUE_MORE;
    if (is_trouble(&work)) *queue = KR_QUEUE_TROUBLE;
    if (done == work.messages->nelts && !is_stopping(&work)) return NULL; /* the last one may have been cut short */
    err = kr_store_message_release(k, worker->name);
    kr_db_release(k);
    return err;
}
