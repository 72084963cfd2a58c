/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents that are kept. Their text is, not their json_t, whose counts are not atomic: whoever asks gets a copy and parses it.
 *
 * `lock` is held for moments only, never while a server is asked: whoever asks it says so in `under_way`, and the others go on with what is
 * kept or wait for `ended`.
 */
#include "kr_document.h"

#include <apr_strings.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kr_clock.h"
#include "kr_json.h"
#include "kr_net.h"

#define FRESH apr_time_from_sec(3600)
#define USABLE apr_time_from_sec(86400)
#define RENEWAL apr_time_from_sec(3)
#define PAUSE_LEAST apr_time_from_sec(1)
#define PAUSE_MOST apr_time_from_sec(60)

/* All times by kr_clock_ticks; 0: never. */
struct kr_document_t {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    char *url, *text;   /* NULL: nothing is kept */
    apr_size_t len;
    apr_time_t fetched;
    apr_time_t failed;  /* when the last try ended, that failed; 0: it did not */
    apr_time_t pause;   /* after it */
    int under_way;
    unsigned rounds;    /* fetches that ended */
};

static apr_status_t release(void *data)
{
    kr_document_t *document = data;

    free(document->url);
    free(document->text);
    pthread_cond_destroy(&document->ended);
    pthread_mutex_destroy(&document->lock);
    return APR_SUCCESS;
}

kr_document_t *kr_document_make(apr_pool_t *pool)
{
    kr_document_t *document = apr_pcalloc(pool, sizeof(*document));
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC); /* that of kr_clock_ticks */
    pthread_cond_init(&document->ended, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&document->lock, NULL);
    apr_pool_cleanup_register(pool, document, release, apr_pool_cleanup_null);
    return document;
}

/* -- with the lock held ----------------------------------------------------------- */

static int is_kept(const kr_document_t *document, const char *url, apr_time_t for_how_long)
{
    return document->text && !strcmp(document->url, url) && kr_clock_ticks() - document->fetched < for_how_long;
}

/* Nobody is served worse by asking where nothing is kept: then a person who tries again soon may. */
static int may_ask(const kr_document_t *document, const char *url)
{
    apr_time_t pause = is_kept(document, url, USABLE) ? document->pause : PAUSE_LEAST;

    return !document->failed || kr_clock_ticks() - document->failed >= pause;
}

static void keep(kr_document_t *document, const char *url, const kr_net_reply_t *reply)
{
    char *address = strdup(url), *text = malloc(reply->body_len + 1);

    if (!address || !text) abort(); /* as APR does */
    memcpy(text, reply->body, reply->body_len + 1);
    free(document->url);
    free(document->text);
    document->url = address;
    document->text = text;
    document->len = reply->body_len;
    document->fetched = kr_clock_ticks();
    document->failed = 0;
}

static void note_failure(kr_document_t *document)
{
    document->pause = document->failed ? 2 * document->pause : PAUSE_LEAST;
    if (document->pause > PAUSE_MOST) document->pause = PAUSE_MOST;
    document->failed = kr_clock_ticks();
}

/* @return 0: time is up */
static int wait_for_end(kr_document_t *document, apr_time_t until)
{
    const struct timespec at = { .tv_sec = (time_t)apr_time_sec(until), .tv_nsec = (long)apr_time_usec(until) * 1000 };

    return pthread_cond_timedwait(&document->ended, &document->lock, &at) == 0;
}

/* Whoever has something to go on with does not wait long for its renewal. */
static apr_time_t patience(const kr_document_t *document, const kr_document_wanted_t *wanted)
{
    apr_time_t left = wanted->until - kr_clock_ticks();

    return is_kept(document, wanted->url, USABLE) && left > RENEWAL ? RENEWAL : left;
}

/* -- one fetch ---------------------------------------------------------------------- */

static const char *what_is_wrong(json_t **out, kr_ctx_t *k, const kr_net_reply_t *reply, const kr_document_wanted_t *wanted)
{
    const char *why = NULL;

    if (reply->status != 200) return apr_psprintf(k->pool, "it answers %d", reply->status);
    *out = kr_json_parse(k->pool, reply->body, reply->body_len, &why);
    if (!*out) return why;
    if (!json_is_object(*out)) return "it is no object";
    return wanted->wrong ? wanted->wrong(k->pool, *out, wanted->baton) : NULL;
}

static kr_err_t *fetch(kr_net_reply_t *reply, json_t **out, kr_ctx_t *k, const kr_document_wanted_t *wanted, apr_time_t timeout)
{
    kr_net_request_t req = { .url = wanted->url, .guard = wanted->guard, .timeout = timeout, .max_bytes = KR_DOCUMENT_MAX };
    apr_table_t *headers = apr_table_make(k->pool, 1);
    const char *why;

    apr_table_set(headers, "Accept", "application/json");
    req.headers = headers;
    KR_TRY(kr_net_call(reply, k, &req));
    why = what_is_wrong(out, k, reply, wanted);
    if (!why) return NULL;
    kr_log(k, KR_LOG_WARNING, KRLOGNO(0202) "the document at %s is of no use: %s", wanted->url, why);
    return kr_err(k, 502, "upstream_error", "a service that this server calls gave no usable answer");
}

/* Lock held before and after, not within. */
static kr_err_t *ask(json_t **out, kr_ctx_t *k, kr_document_t *document, const kr_document_wanted_t *wanted)
{
    apr_time_t timeout = patience(document, wanted);
    kr_net_reply_t reply;
    kr_err_t *err;

    document->under_way = 1;
    pthread_mutex_unlock(&document->lock);
    err = fetch(&reply, out, k, wanted, timeout);
    pthread_mutex_lock(&document->lock);
    if (err) {
        *out = NULL;
        note_failure(document);
    } else
        keep(document, wanted->url, &reply);
    document->under_way = 0;
    document->rounds++;
    pthread_cond_broadcast(&document->ended);
    return err;
}

/* -- the door ------------------------------------------------------------------------- */

int kr_document_at_hand(kr_document_t *document, const char *url)
{
    int at_hand;

    pthread_mutex_lock(&document->lock);
    at_hand = is_kept(document, url, FRESH);
    pthread_mutex_unlock(&document->lock);
    return at_hand;
}

void kr_document_age(kr_document_t *document, apr_time_t by)
{
    pthread_mutex_lock(&document->lock);
    document->fetched -= by;
    document->failed -= document->failed ? by : 0;
    pthread_mutex_unlock(&document->lock);
}

/* Is what is kept to be renewed by whoever asks now? */
static int wants_fetch(const kr_document_t *document, const kr_document_wanted_t *wanted)
{
    if (wanted->until <= kr_clock_ticks()) return 0;
    return !is_kept(document, wanted->url, FRESH) && may_ask(document, wanted->url);
}

/**
 * Come to what is kept, if it can be had. Lock held.
 * @param out  set when this thread fetched it
 * @return 0: nothing is kept
 */
static int come_by(json_t **out, kr_ctx_t *k, kr_document_t *document, const kr_document_wanted_t *wanted)
{
    const unsigned begun = document->rounds;

    while (document->under_way && document->rounds == begun) {
        if (is_kept(document, wanted->url, USABLE)) return 1;
        if (!wait_for_end(document, wanted->until)) break;
    }
    if (document->rounds == begun && !document->under_way && wants_fetch(document, wanted) && !ask(out, k, document, wanted)) return 1;
    return is_kept(document, wanted->url, USABLE);
}

kr_err_t *kr_document_get(json_t **out, kr_ctx_t *k, kr_document_t *document, const kr_document_wanted_t *wanted)
{
    const char *text = NULL;
    apr_size_t len = 0;
    json_t *fetched = NULL;
    int kept;

    pthread_mutex_lock(&document->lock);
    kept = come_by(&fetched, k, document, wanted);
    if (kept && !fetched) {
        text = apr_pstrmemdup(k->pool, document->text, document->len);
        len = document->len;
    }
    pthread_mutex_unlock(&document->lock);
    *out = fetched;
    if (text) *out = kr_json_parse(k->pool, text, len, NULL);
    return kept && *out ? NULL : kr_err(k, 502, "upstream_error", "a service that this server calls gave no usable answer");
}
