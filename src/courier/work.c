/* SPDX-License-Identifier: Apache-2.0 */
/* Out of the queue: claim, send, mark. Runs in a thread of its own, or in kratosctl. */
#include <string.h>
#include <unistd.h>

#include "kr_clock.h"
#include "kr_json.h"
#include "kr_net.h"
#include "kr_text.h"
#include "courier.h"

/*
 * Within LEASE nobody else is given a claimed message. We begin no message after WORK, and one takes SEND at most: what
 * is left of the lease is for clocks that differ, and for a database that is slow to take the mark.
 */
#define LEASE apr_time_from_sec(60)
#define WORK apr_time_from_sec(20)
#define SEND apr_time_from_sec(20)

/** What carries messages. */
typedef enum { BY_NOTHING, BY_FOLDER, BY_SMTP, BY_MAIL_SERVICE, BY_SMS_SERVICE, CARRIERS } carrier_e;

/* A code is worth nothing after a day, and a flood of old mail worth less. */
#define TOO_OLD apr_time_from_sec(24 * 3600)

/** The batch of one worker. */
typedef struct {
    kr_ctx_t *k;
    const kr_mail_conf_t *conf;
    const kr_courier_worker_t *worker;
    apr_time_t began;             /* by the clock of the machine: k->now may be a test's */
    apr_array_header_t *messages; /* of kr_message_row_t */
    apr_pool_t *pool;             /* ends with the batch: so does the connection to the server */
    kr_net_mailer_t *mailer;      /* NULL until it is needed */
    int down[CARRIERS];           /* 1: it gives no answer: what else it had to carry waits */
} work_t;

const char *kr_courier_worker_name(apr_pool_t *pool)
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

static const json_t *open_data(apr_pool_t *pool, const kr_keys_t *keys, const char *sealed)
{
    apr_size_t len;
    unsigned char *text = kr_unseal(pool, keys, KR_SEAL_CONTEXT, sealed ? sealed : "", &len);
    const json_t *data = text ? kr_json_parse(pool, (const char *)text, len, NULL) : NULL;

    if (text) kr_wipe(text, len);
    return data;
}

static carrier_e carrier_of(const kr_mail_conf_t *conf, const char *via)
{
    if (!kr_mail_carried(conf, via)) return BY_NOTHING;
    if (strcmp(via, "sms") == 0 && conf->sms) return BY_SMS_SERVICE;
    if (strcmp(via, "email") == 0 && conf->by_http) return BY_MAIL_SERVICE;
    return conf->folder ? BY_FOLDER : BY_SMTP;
}

/* By SMTP or into the folder: a message of RFC 5322. */
static kr_net_mailed_t post(work_t *work, kr_ctx_t *k, const kr_parcel_t *parcel)
{
    const kr_mail_conf_t *conf = work->conf;
    kr_net_mail_t mail = { .from = conf->from_address,
                           .to = parcel->to,
                           .timeout = SEND,
                           .stopping = work->worker->stopping,
                           .baton = work->worker->baton };

    mail.text = kr_mime_make(&mail.len, k->pool, parcel);
    if (conf->folder) return kr_folder_drop(k->pool, conf->folder, parcel->id, mail.text, mail.len);
    if (!work->mailer) work->mailer = kr_net_mailer_make(work->pool, conf->smtp);
    return kr_net_mail(k, work->mailer, &mail);
}

static kr_net_mailed_t hand_over(work_t *work, kr_ctx_t *k, const kr_message_row_t *message, const kr_mail_t *mail,
                                 const kr_letter_t *letter)
{
    const kr_mail_conf_t *conf = work->conf;
    kr_parcel_t parcel = { conf, message->id, message->recipient, letter, k->now };

    switch (carrier_of(conf, mail->via)) {
    case BY_NOTHING: return (kr_net_mailed_t){ KR_MAIL_LATER, "nothing carries messages of its kind", NULL };
    case BY_MAIL_SERVICE: return kr_http_send(k, conf->http, &parcel, mail, work->worker);
    case BY_SMS_SERVICE: return kr_http_send(k, conf->sms, &parcel, mail, work->worker);
    default: return post(work, k, &parcel);
    }
}

static kr_net_mailed_t deliver(work_t *work, kr_ctx_t *k, const kr_message_row_t *message)
{
    kr_mail_t mail = { message->via, message->recipient, message->template_type, NULL };
    kr_letter_t letter;
    kr_err_t *err;

    if (k->now - message->created_at > TOO_OLD) return refused("it is older than a day");
    mail.data = (json_t *)open_data(k->pool, k->realm->keys, message->sealed);
    if (!mail.data) return refused("its data cannot be opened: is the secret that sealed it gone?");
    err = kr_courier_render(&letter, k, &mail);
    if (err) return refused(err->reason ? err->reason : "it cannot be rendered");
    return hand_over(work, k, message, &mail, &letter);
}

/* -- what became of it -------------------------------------------------------- */

#define MARK_TRIES 5

/* It is out: the mark is worth some patience, as without it somebody sends it again. */
static kr_err_t *mark_sent(work_t *work, const kr_message_row_t *message)
{
    kr_err_t *err = NULL;

    for (int tries = 0; tries < MARK_TRIES; tries++) {
        if (tries) apr_sleep(apr_time_from_msec(200) << tries);
        err = kr_store_message_sent(work->k, message->id);
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
    message->send_after = k->now + elapsed(work) + (counts ? pause_after(message->attempts) : KR_COURIER_TROUBLE);
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

static kr_err_t *settle(int *sent, work_t *work, kr_message_row_t *message, const kr_net_mailed_t *mailed)
{
    kr_err_t *err;

    if (mailed->fate == KR_MAIL_UNREACHABLE) {
        work->down[carrier_of(work->conf, message->via)] = 1;
        if (is_stopping(work)) return NULL; /* it was cut short by us: given back with the rest */
        kr_log(work->k, KR_LOG_WARNING, KRLOGNO(0505) "%s cannot be sent: %s%s%s",
               strcmp(message->via, "sms") == 0 ? "SMS" : "mail", mailed->why, mailed->reply ? ": " : "",
               mailed->reply ? mailed->reply : ""); /* no recipient was named yet */
    }
    err = mailed->fate == KR_MAIL_SENT ? mark_sent(work, message) : mark_failed(work, message, mailed);
    kr_db_release(work->k); /* before the next message is sent */
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

    if (kr_courier_is_nothing(message)) return mark_blank(work, message);
    if (work->down[carrier_of(work->conf, message->via)]) return put_off(work, message);
    one.pool = pool;
    mailed = deliver(work, &one, message);
    return settle(sent, work, message, &mailed);
}

/* @param next  how many were dealt with */
static kr_err_t *send_batch(int *sent, int *next, work_t *work)
{
    kr_err_t *err = NULL;
    apr_pool_t *pool;

    apr_pool_create(&work->pool, work->k->pool);
    apr_pool_create(&pool, work->pool);
    for (*next = 0; *next < work->messages->nelts && !err; ++*next) {
        if (elapsed(work) > WORK || is_stopping(work)) break;
        err = send_one(sent, work, &APR_ARRAY_IDX(work->messages, *next, kr_message_row_t), pool);
        apr_pool_clear(pool);
    }
    apr_pool_destroy(work->pool);
    return err;
}

/* Is all that carries messages out of order? While one works, the queue is worth another look. */
static int is_trouble(const work_t *work)
{
    int carriers = 0, down = 0;

    for (int i = 0; i < 2; i++) {
        const char *via = i ? "sms" : "email";

        if (!kr_mail_carried(work->conf, via)) continue;
        carriers++;
        down += work->down[carrier_of(work->conf, via)];
    }
    return down == carriers;
}

kr_err_t *kr_courier_work(int *sent, kr_queue_e *queue, kr_ctx_t *k, const kr_courier_worker_t *worker)
{
    work_t work = { .k = k, .conf = &k->realm->settings->mail, .worker = worker, .began = kr_clock_ticks() };
    kr_err_t *err;
    int done = 0, claimed = 0;

    *sent = 0;
    *queue = KR_QUEUE_DONE;
    if (!kr_mail_carried(work.conf, "email") && !kr_mail_carried(work.conf, "sms")) return NULL;
    err = kr_store_message_claim(&work.messages, k, worker->name, k->now + LEASE, work.conf->batch);
    if (!err) {
        claimed = work.messages->nelts;
        err = kr_store_message_in_turn(work.messages, k, worker->name, k->now + LEASE);
    }
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
