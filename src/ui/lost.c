/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A form that cannot be shown: it is over, was never there, or belongs to another browser, as does that of a bookmark or of the time
 * before somebody signed in. People get a new one, which leads where the old one would have, or are led on where there is nothing left
 * to do. A browser that keeps no cookies would get new ones for ever: the second in a row is refused in words.
 */
#include <stdlib.h>

#include "kr_flow.h"
#include "kr_json.h"
#include "kr_text.h"
#include "ui.h"

#define AGAIN "again" /* the API takes it along to the page of the new form: when it was begun, in seconds */
#define IN_A_ROW 60   /* s */

/* What a form was asked for with, and is asked for with again. */
static const char *const ASKED[] = { "refresh", "aal", "via", "identity_schema", "organization", "after_verification_return_to" };

static int is_second_in_a_row(kr_ctx_t *k)
{
    const char *text = kr_query(k->req, AGAIN);
    const apr_int64_t then = text ? apr_atoi64(text) : 0, now = apr_time_sec(k->now);

    return then > now - IN_A_ROW && then < now + IN_A_ROW;
}

static const char *with_asked(kr_ctx_t *k, const char *url, const kr_flow_t *old)
{
    if (old->oauth2.challenge && old->kind != KR_FLOW_VERIFICATION) url = kr_url_with(k->pool, url, "login_challenge", old->oauth2.challenge);
    for (int i = 0; i < KR_DIM(ASKED); i++) {
        const char *value = kr_flow_url_param(k, old->request_url, ASKED[i]);

        if (value) url = kr_url_with(k->pool, url, ASKED[i], value);
    }
    return url;
}

/** Where the form began, and is begun anew. @param old  NULL: nobody knows it */
static const char *begin_url(kr_ctx_t *k, kr_flow_kind_e kind, const kr_flow_t *old)
{
    const char *to = old ? old->return_to : kr_query(k->req, "return_to");
    const char *url = ui_begin_url(k, kr_flow_kind_name(kind), to && kr_return_to_allowed(k, to) ? to : NULL);

    return old ? with_asked(k, url, old) : url;
}

/** Where a form that has done its work leads on to; NULL when it is not done. */
static const char *leads_to(const kr_flow_t *old)
{
    return old && old->kind == KR_FLOW_VERIFICATION && old->state == KR_STATE_PASSED_CHALLENGE
               ? kr_json_str(old->internal, "continue_url") : NULL;
}

void ui_flow_lost(kr_ctx_t *k, const kr_page_t *page, kr_flow_kind_e kind, int status)
{
    const int foreign = status == 403;
    kr_flow_t *old = NULL;
    const char *url, *now = apr_psprintf(k->pool, "%" APR_INT64_T_FMT, (apr_int64_t)apr_time_sec(k->now));

    if (status != 404 && kr_flow_load(&old, k, kind, kr_query(k->req, "flow"))) old = NULL; /* gone since: as if never there */
    url = begin_url(k, kind, old);
    if (leads_to(old)) kr_reply_redirect(k, 303, leads_to(old));
    else if (!is_second_in_a_row(k)) kr_reply_redirect(k, 303, kr_url_with(k->pool, url, AGAIN, now));
    else ui_note(k, page, foreign ? 400 : status, foreign ? "flow.other" : "flow.old", url, "flow.begin");
}
