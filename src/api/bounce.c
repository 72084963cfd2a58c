/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is signed in here goes straight back to the gate that sent them. When that gate does not see the session, they come
 * straight back here: a cookie counts, and the third time they are told why instead.
 */
#include <stdlib.h>
#include <string.h>

#include "api_private.h"

#define COUNTER "kratos_bounce"
#define COUNTED_SECONDS 30
#define MOST 2 /* another tab may have signed in while this one was on its way: once is no mistake yet */
#define MARK_LEN 16

/** What the counter says. */
typedef struct {
    const char *mark;     /* which place it is about */
    apr_int64_t since;    /* s */
    int times;
} count_t;

static const char *mark_of(kr_ctx_t *k, const char *url)
{
    return apr_pstrmemdup(k->pool, kr_sha256_hex(k->pool, url, strlen(url)), MARK_LEN);
}

/* How often this browser was sent to `mark` lately. Whatever else the cookie holds counts for nothing. */
static count_t count_so_far(kr_ctx_t *k, const char *mark)
{
    const char *value = kr_cookie(k->pool, k->req, COUNTER, NULL);
    count_t count = { mark, apr_time_sec(k->now), 0 };
    apr_int64_t since;

    if (!value || strlen(value) > 64 || strncmp(value, mark, MARK_LEN) || value[MARK_LEN] != '.') return count;
    value += MARK_LEN + 1;
    since = apr_atoi64(value);
    value = strchr(value, '.');
    if (!value || since > count.since || count.since - since > COUNTED_SECONDS) return count;
    count.since = since;
    count.times = atoi(value + 1);
    return count;
}

/* @param seconds  0 forgets it */
static void keep_count(kr_ctx_t *k, const count_t *count, int seconds)
{
    const kr_cookie_t cookie = {
        .name = COUNTER,
        .value = apr_psprintf(k->pool, "%s.%" APR_INT64_T_FMT ".%d", count->mark, count->since, count->times),
        .path = *k->realm->base_path ? k->realm->base_path : "/",
        .same_site = "Lax",
        .secure = k->realm->settings->session_cookie.secure,
        .http_only = 1,
        .max_age = seconds,
        .expires = 1,
    };

    kr_reply_cookie(k, &cookie);
}

/** What the gate found (kr_session_absence), and what that means to people who are signed in all the same. */
static const struct {
    const char *found, *means;
} REASONS[] = {
    { "none", "the browser did not show it the cookie of the sign-in: the cookie is for another domain or another path, or the "
              "browser does not accept it there (session.cookie.domain and session.cookie.same_site say whom it is for)" },
    { "foreign", "it takes the cookie for one of somebody else: its realm has other secrets, or a cookie of the same name is in "
                 "the way" },
    { "expired", "by its clock the sign-in is over: the clocks of the servers differ" },
    { "ended", "it does not know the sign-in: it asks another database" },
};

static const char *meaning_of(const char *found)
{
    for (int i = 0; i < KR_DIM(REASONS); i++)
        if (strcmp(REASONS[i].found, found) == 0) return REASONS[i].means;
    return NULL;
}

static const char *host_of(kr_ctx_t *k, const char *url)
{
    kr_url_t parts;

    return kr_url_parse(&parts, k->pool, url) && parts.host ? parts.host : k->req->host;
}

static kr_err_t *explain(kr_ctx_t *k, const char *to, const char *found, const char *means)
{
    const char *host = host_of(k, to);
    kr_err_t *err = kr_err(k, 403, NULL, "you are signed in, but %s sends you back here again and again: %s", host, means);

    kr_log(k, KR_LOG_WARNING, KRLOGNO(0810) "the gate of %s does not see sessions that are good here: %s", host, found);
    err->message = "this site cannot see that you are signed in";
    err = kr_err_detail(k, err, "gate", json_string(found)); /* the pages have words of their own for it */
    return kr_err_detail(k, err, "return_to", json_string(to));
}

kr_err_t *kr_send_back(kr_ctx_t *k, const char *to)
{
    const char *found = kr_query(k->req, "gate");
    const char *means = found ? meaning_of(found) : NULL;
    count_t count;

    if (means) {
        count = count_so_far(k, mark_of(k, to));
        if (count.times >= MOST) {
            keep_count(k, &count, 0); /* "try again" begins anew */
            return explain(k, to, found, means);
        }
        count.times++;
        keep_count(k, &count, COUNTED_SECONDS);
    }
    kr_reply_redirect(k, 303, to);
    return NULL;
}
