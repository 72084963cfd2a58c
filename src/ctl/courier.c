/* SPDX-License-Identifier: Apache-2.0 */
/* `kratosctl courier`: list, retry, watch. What stands in a message is sealed, and stays so. */
#include <signal.h>
#include <string.h>

#include "ctl.h"
#include "kr_clock.h"
#include "kr_hook.h"
#include "kr_json.h"

/* -- list ---------------------------------------------------------------------- */

static const ctl_column_t COLUMNS[] = {
    { "ID", 36 },   { "STATUS", 9 },    { "VIA", 8 },        { "CREATED", 20 },
    { "TRIES", 5 }, { "TEMPLATE", 26 }, { "RECIPIENT", 30 }, { "LAST ERROR", 0 },
};

static void print_message(ctl_t *ctl, kr_ctx_t *k, const kr_message_t *m)
{
    const char *cells[] = { m->id,
                            m->status,
                            m->via,
                            ctl_time(k->pool, m->created_at),
                            apr_itoa(k->pool, m->attempts),
                            m->template_type,
                            m->recipient,
                            m->last_error };

    if (!ctl_json(ctl)) {
        ctl_print_row(ctl, k->pool, COLUMNS, cells, KR_DIM(cells));
        return;
    }
    ctl_print_json(k->pool,
                   kr_json_pack(k->pool, "{s:s, s:s, s:s, s:o, s:s, s:i, s:o, s:o, s:o, s:o}", "id", m->id, "status",
                                m->status, "type", m->via, "recipient", kr_json_string(m->recipient), "template_type",
                                m->template_type, "send_count", m->attempts, "last_error",
                                kr_json_string(m->last_error), "send_after", kr_json_time(m->send_after), "created_at",
                                kr_json_time(m->created_at), "updated_at", kr_json_time(m->updated_at)));
}

static kr_err_t *list_page(char last[KR_UUID_LEN + 1], ctl_t *ctl, kr_ctx_t *k, void *baton, int count)
{
    apr_array_header_t *messages;
    const char *id = NULL;

    (void)baton;
    KR_TRY(kr_outbox_page(&messages, k, ctl_option(ctl, "--status"), ctl_option(ctl, "--recipient"),
                                 *last ? last : NULL, count));
    for (int i = 0; i < messages->nelts; i++) {
        print_message(ctl, k, &APR_ARRAY_IDX(messages, i, kr_message_t));
        id = APR_ARRAY_IDX(messages, i, kr_message_t).id;
    }
    ctl_went_to(last, messages->nelts < count ? NULL : id);
    return NULL;
}

int ctl_courier_list(ctl_t *ctl)
{
    const int status = ctl_connect(ctl);

    return status ? status : ctl_list_pages(ctl, list_page, NULL);
}

/* -- retry --------------------------------------------------------------------- */

static int retry_named(apr_int64_t *queued, ctl_t *ctl, kr_ctx_t *k)
{
    int status = CTL_FINE;

    for (int i = 0; ctl_arg(ctl, i); i++) {
        apr_int64_t done = 0;
        kr_err_t *err = kr_outbox_retry(&done, k, ctl_arg(ctl, i));

        if (!err && !done) err = kr_err(k, 404, NULL, "there is no message of that id that was given up");
        if (err) status = ctl_error(ctl, err, ctl_arg(ctl, i));
        *queued += done;
    }
    return status;
}

int ctl_courier_retry(ctl_t *ctl)
{
    apr_int64_t queued = 0;
    int status;
    kr_err_t *err;
    kr_ctx_t *k;

    if ((ctl->args->nelts > 0) == ctl_flag(ctl, "--abandoned")) return ctl_wrong(ctl, "say which: ids, or --abandoned");
    if ((status = ctl_connect(ctl))) return status;
    k = ctl_work(ctl);
    if (ctl->args->nelts)
        status = retry_named(&queued, ctl, k);
    else if ((err = kr_outbox_retry(&queued, k, NULL)))
        return ctl_error(ctl, err, NULL);
    printf("%" APR_INT64_T_FMT " queued anew\n", queued);
    return status;
}

/* -- watch --------------------------------------------------------------------- */

/* A signal handler can reach nothing else. */
static volatile sig_atomic_t told_to_stop;

static void stop(int signal_number)
{
    (void)signal_number;
    told_to_stop = 1;
}

static int is_stopping(void *baton)
{
    (void)baton;
    return told_to_stop;
}

/* In short naps, as a signal may come just before one. */
static void wait_until(apr_time_t due)
{
    while (!told_to_stop && kr_clock_ticks() < due) apr_sleep(apr_time_from_msec(100));
}

static apr_time_t pause_of(const ctl_t *ctl, kr_queue_e queue)
{
    const apr_time_t wait = ctl->realm->settings->mail.wait;

    if (queue == KR_QUEUE_MORE) return 0;
    if (queue == KR_QUEUE_TROUBLE) return KR_OUTBOX_TROUBLE;
    return wait > apr_time_from_sec(1) ? wait : apr_time_from_sec(1);
}

/* One look into each lane. @return what to expect of the next: there is more, or else that something cannot be reached */
static kr_queue_e look(int *all, ctl_t *ctl, const kr_outbox_worker_t *worker)
{
    kr_queue_e out = KR_QUEUE_DONE;

    for (int lane = 0; lane < KR_LANES && !told_to_stop; lane++) {
        kr_ctx_t *k = ctl_work(ctl);
        kr_queue_e queue = KR_QUEUE_DONE;
        int sent;

        if (kr_outbox_work(&sent, &queue, k, &kr_lanes[lane], worker)) queue = KR_QUEUE_TROUBLE;
        apr_pool_destroy(k->pool);
        *all += sent;
        if (sent) ctl_note(ctl, "%d sent", sent);
        if (queue == KR_QUEUE_MORE || out == KR_QUEUE_DONE) out = queue;
    }
    return out;
}

static int is_anything_carried(const ctl_t *ctl)
{
    const kr_ctx_t k = { .realm = ctl->realm };

    for (int lane = 0; lane < KR_LANES; lane++)
        if (kr_outbox_carried(&k, &kr_lanes[lane])) return 1;
    return 0;
}

int ctl_courier_watch(ctl_t *ctl)
{
    const struct sigaction on_stop = { .sa_handler = stop };
    const int once = ctl_flag(ctl, "--once");
    kr_outbox_worker_t worker = { .stopping = is_stopping };
    kr_queue_e queue;
    int status = ctl_connect(ctl), all = 0;

    if (status) return status;
    if (!is_anything_carried(ctl)) return ctl_fail(ctl, "there is nothing to send with: see courier.smtp, courier.http and courier.channels");
    worker.name = kr_outbox_worker_name(ctl->pool);
    sigaction(SIGTERM, &on_stop, NULL);
    sigaction(SIGINT, &on_stop, NULL);
    do {
        queue = look(&all, ctl, &worker);
        if (once && queue != KR_QUEUE_MORE) break;
        wait_until(kr_clock_ticks() + pause_of(ctl, queue));
    } while (!told_to_stop);
    printf("%d sent\n", all);
    return once && queue == KR_QUEUE_TROUBLE ? CTL_FAILED : CTL_FINE;
}
