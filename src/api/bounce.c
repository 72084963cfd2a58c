/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is signed in here goes straight back to the gate that sent them. When that gate does not see the session, or not what the
 * session has become, they come straight back here: a cookie counts, and the third time they are told why instead. It counts each
 * place by itself, as many tabs may be on their way at once.
 */
#include <stdlib.h>
#include <string.h>

#include "api.h"

#define COUNTER "kratos_bounce"
#define COUNTED_SECONDS 30
#define MOST 2       /* another tab may have signed in while this one was on its way: once is no mistake yet */
#define MARK_LEN 6   /* of a place: so many hexadecimal digits of a hash of its URL */
#define ENTRY_LEN (MARK_LEN + 1)
#define AGE_LEN 9    /* digits of seconds: 30 years */
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

#define LAGS                                                                                                            \
    "it reads a copy of the database that lags behind, the clocks of the servers differ, or the browser shows it an older cookie of " \
    "the same name"

/** What the gate found (kr_session_absence, gate/refuse.c), and what that means to people who are signed in all the same. */
static const struct {
    const char *found, *means;
    int step_up;              /* there is a session, and it is not enough there */
} REASONS[] = {
    { "none", "the browser did not show it the cookie of the sign-in: the cookie is for another domain or another path, or the "
              "browser does not accept it there (session.cookie.domain and session.cookie.same_site say whom it is for)", 0 },
    { "foreign", "it takes the cookie for one of somebody else: its realm has other secrets, or a cookie of the same name is in "
                 "the way", 0 },
    { "expired", "by its clock the sign-in is over: the clocks of the servers differ", 0 },
    /* what was confirmed has a new token, which a copy does not know yet */
    { "ended", "it does not know the sign-in: it asks another database, or a copy that lags behind", 0 },
    { "aal1", "it does not see the second factor that was given here: " LAGS, 1 },
    { "old", "it does not see that the sign-in was confirmed here: " LAGS, 1 },
};

#define NOT_KEPT                                                                                                       \
    "the browser did not keep the cookie of the sign-in that it was given here a moment ago: the cookie is for another domain, " \
    "or for https only, or the browser accepts none (session.cookie and serve.public.base_url say whom it is for)"

static int reason_of(const char *found)
{
    for (int i = 0; found && i < KR_DIM(REASONS); i++)
        if (strcmp(REASONS[i].found, found) == 0) return i;
    return -1;
}

static const char *host_of(kr_ctx_t *k, const char *url)
{
    kr_url_t parts;

    return kr_url_parse(&parts, k->pool, url) && parts.host ? parts.host : k->req->host;
}

/* @param why  of REASONS; -1: the cookie is not kept */
static kr_err_t *explain(kr_ctx_t *k, const char *to, int why, const char *reason)
{
    const int step_up = why >= 0 && REASONS[why].step_up;
    const char *found = why < 0 ? "unkept" : REASONS[why].found, *means = why < 0 ? NOT_KEPT : REASONS[why].means;
    kr_err_t *err = kr_err(k, 403, NULL, "%s", reason);

    if (step_up)
        kr_log(k, KR_LOG_WARNING, KRLOGNO(0815) "the gate of %s does not see what sessions have become here (%s): %s", host_of(k, to),
               found, means);
    else
        kr_log(k, KR_LOG_WARNING, KRLOGNO(0810) "the gate of %s does not see sessions that are good here (%s): %s", host_of(k, to),
               found, means);
    err->message = step_up ? "this site cannot see how you are signed in" : "this site cannot see that you are signed in";
    err = kr_err_detail(k, err, "gate", json_string(found)); /* the pages have words of their own for it */
    return kr_err_detail(k, err, "return_to", json_string(to));
}

kr_err_t *kr_send_back(kr_ctx_t *k, const char *to)
{
    const int why = reason_of(kr_query(k->req, "gate"));

    if (why >= 0) {
        const char *mark = mark_of(k, to);
        counts_t counts = counts_so_far(k);
        const int n = times(&counts, mark);

        set_times(k, &counts, mark, n < MOST ? n + 1 : 0); /* "try again" begins anew */
        keep_counts(k, &counts);
        if (n >= MOST)
            return explain(k, to, why, apr_psprintf(k->pool, "you are signed in, but %s sends you back here again and again: %s",
                                                    host_of(k, to), REASONS[why].means));
    }
    return kr_answer_see(k, to);
}

int kr_fresh_for_gate(kr_ctx_t *k, const kr_session_t *session)
{
    const char *found = kr_query(k->req, "gate"), *age = kr_query(k->req, "max_age");
    apr_int64_t seconds;

    if (!found || strcmp(found, "old") || !age || !*age || strlen(age) > AGE_LEN || age[strspn(age, "0123456789")]) return 0;
    seconds = apr_atoi64(age);
    return session->authenticated_at + apr_time_from_sec(seconds) > k->now;
}

void kr_note_sign_in(kr_ctx_t *k, const kr_flow_t *flow)
{
    counts_t counts = counts_so_far(k);

    if (flow->api || !kr_flow_url_param(k, flow->request_url, "gate")) return;
    set_times(k, &counts, SIGNED_IN, 1);
    keep_counts(k, &counts);
}

/* A second factor, or a fresh proof, gives a browser another cookie: with that of before it is as if nothing had been given. */
static int shows_none_of_it(const kr_ctx_t *k, int why)
{
    if (why < 0) return 0;
    return REASONS[why].step_up ? k->session && k->session->token_is_old : strcmp(REASONS[why].found, "none") == 0;
}

kr_err_t *kr_check_sign_in_kept(kr_ctx_t *k, const char *to)
{
    counts_t counts = counts_so_far(k);

    if (!shows_none_of_it(k, reason_of(kr_query(k->req, "gate"))) || !times(&counts, SIGNED_IN)) return NULL;
    set_times(k, &counts, SIGNED_IN, 0);
    keep_counts(k, &counts);
    return explain(k, to, -1, NOT_KEPT);
}

void kr_forget_sign_in(kr_ctx_t *k)
{
    counts_t counts = counts_so_far(k);

    if (!times(&counts, SIGNED_IN)) return;
    set_times(k, &counts, SIGNED_IN, 0);
    keep_counts(k, &counts);
}
