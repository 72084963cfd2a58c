/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is signed in here goes straight back to the gate that sent them. When that gate does not see the session, they come
 * straight back here: a cookie counts, and the third time they are told why instead. It counts each place by itself, as many tabs
 * may be on their way at once.
 */
#include <stdlib.h>
#include <string.h>

#include "api.h"

#define COUNTER "kratos_bounce"
#define COUNTED_SECONDS 30
#define MOST 2       /* another tab may have signed in while this one was on its way: once is no mistake yet */
#define MARK_LEN 6   /* of a place: so many hexadecimal digits of a hash of its URL */
#define ENTRY_LEN (MARK_LEN + 1)
#define ENTRIES 64   /* the places of longest ago are forgotten */
#define SIGNED_IN "signin" /* a mark that no hash gives: somebody a gate sent here has signed in */

/** What the cookie holds: when the first of them was counted; then a mark and a digit for each place, the latest first. */
typedef struct {
    apr_int64_t since;    /* s */
    const char *entries;
} counts_t;

static const char *mark_of(kr_ctx_t *k, const char *url)
{
    return apr_pstrmemdup(k->pool, kr_sha256_hex(k->pool, url, strlen(url)), MARK_LEN);
}

/* What this browser was counted lately. Whatever else the cookie holds counts for nothing. */
static counts_t counts_so_far(kr_ctx_t *k)
{
    const char *value = kr_cookie(k->pool, k->req, COUNTER, NULL), *dot = value ? strchr(value, '.') : NULL;
    const apr_int64_t now = apr_time_sec(k->now);
    counts_t counts = { now, "" };
    apr_int64_t since;

    if (!dot || strlen(dot + 1) > ENTRIES * ENTRY_LEN || strlen(dot + 1) % ENTRY_LEN) return counts;
    if (dot[1 + strspn(dot + 1, "0123456789abcdefgins")]) return counts;
    for (const char *entry = dot + 1; *entry; entry += ENTRY_LEN)
        if (entry[MARK_LEN] < '0' || entry[MARK_LEN] > '9') return counts;
    since = apr_atoi64(value);
    if (since > now || since < now - COUNTED_SECONDS) return counts;
    return (counts_t){ since, dot + 1 };
}

static const char *entry_of(const counts_t *counts, const char *mark)
{
    for (const char *entry = counts->entries; *entry; entry += ENTRY_LEN)
        if (!memcmp(entry, mark, MARK_LEN)) return entry;
    return NULL;
}

static int times(const counts_t *counts, const char *mark)
{
    const char *entry = entry_of(counts, mark);

    return entry ? entry[MARK_LEN] - '0' : 0;
}

/* @param n  0 forgets the place */
static void set_times(kr_ctx_t *k, counts_t *counts, const char *mark, int n)
{
    const char *entry = entry_of(counts, mark), *others = counts->entries;

    if (entry)
        others = apr_pstrcat(k->pool, apr_pstrmemdup(k->pool, others, (apr_size_t)(entry - others)), entry + ENTRY_LEN, NULL);
    if (n) others = apr_psprintf(k->pool, "%s%d%s", mark, n, others);
    counts->entries = apr_pstrndup(k->pool, others, ENTRIES * ENTRY_LEN);
}

static void keep_counts(kr_ctx_t *k, const counts_t *counts)
{
    const kr_cookie_t cookie = {
        .name = COUNTER,
        .value = apr_psprintf(k->pool, "%" APR_INT64_T_FMT ".%s", counts->since, counts->entries),
        .path = *k->realm->base_path ? k->realm->base_path : "/",
        .same_site = "Lax",
        .secure = !strcmp(k->req->scheme, "https"), /* not as the session's, whose own attributes may be what is wrong */
        .http_only = 1,
        .max_age = *counts->entries ? COUNTED_SECONDS : 0,
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

#define NOT_KEPT                                                                                                       \
    "the browser did not keep the cookie of the sign-in that it was given here a moment ago: the cookie is for another domain, " \
    "or for https only, or the browser accepts none (session.cookie and serve.public.base_url say whom it is for)"

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

static kr_err_t *explain(kr_ctx_t *k, const char *to, const char *found, const char *reason)
{
    kr_err_t *err = kr_err(k, 403, NULL, "%s", reason);

    kr_log(k, KR_LOG_WARNING, KRLOGNO(0810) "the gate of %s does not see sessions that are good here: %s", host_of(k, to), found);
    err->message = "this site cannot see that you are signed in";
    err = kr_err_detail(k, err, "gate", json_string(meaning_of(found) ? found : "unkept")); /* the pages have words of their own for it */
    return kr_err_detail(k, err, "return_to", json_string(to));
}

kr_err_t *kr_send_back(kr_ctx_t *k, const char *to)
{
    const char *found = kr_query(k->req, "gate");
    const char *means = found ? meaning_of(found) : NULL;

    if (means) {
        const char *mark = mark_of(k, to);
        counts_t counts = counts_so_far(k);
        const int n = times(&counts, mark);

        set_times(k, &counts, mark, n < MOST ? n + 1 : 0); /* "try again" begins anew */
        keep_counts(k, &counts);
        if (n >= MOST)
            return explain(k, to, found,
                           apr_psprintf(k->pool, "you are signed in, but %s sends you back here again and again: %s",
                                        host_of(k, to), means));
    }
    return kr_answer_see(k, to);
}

void kr_note_sign_in(kr_ctx_t *k, const kr_flow_t *flow)
{
    counts_t counts = counts_so_far(k);

    if (flow->api || !kr_flow_url_param(k, flow->request_url, "gate")) return;
    set_times(k, &counts, SIGNED_IN, 1);
    keep_counts(k, &counts);
}

kr_err_t *kr_check_sign_in_kept(kr_ctx_t *k, const char *to)
{
    const char *found = kr_query(k->req, "gate");
    counts_t counts = counts_so_far(k);

    if (!found || strcmp(found, "none") || !times(&counts, SIGNED_IN)) return NULL;
    set_times(k, &counts, SIGNED_IN, 0);
    keep_counts(k, &counts);
    return explain(k, to, "its cookie is not kept", NOT_KEPT);
}

void kr_forget_sign_in(kr_ctx_t *k)
{
    counts_t counts = counts_so_far(k);

    if (!times(&counts, SIGNED_IN)) return;
    set_times(k, &counts, SIGNED_IN, 0);
    keep_counts(k, &counts);
}
