/* SPDX-License-Identifier: Apache-2.0 */
/* Web hooks: the service that each calls, and whether what its settings ask for can be had together, and where they stand. */
#include <string.h>
#include <strings.h>

#include "draft.h"
#include "kr_share.h"
#include "kr_text.h"

#define JSON "application/json"
#define FORM "application/x-www-form-urlencoded"
#define TIMEOUT_MIN apr_time_from_msec(100)

/* -- one of them -------------------------------------------------------------------------------- */

static int parses(const kr_web_hook_conf_t *hook)
{
    return hook->parse || hook->can_interrupt;
}

static int is_type(const char *value, const char *type)
{
    const apr_size_t len = strlen(type);

    return strncasecmp(value, type, len) == 0 && (!value[len] || strchr("; \t", value[len]));
}

static void check_type(kr_review_t *review, const char *path, kr_web_hook_conf_t *hook)
{
    const char *type = apr_table_get(hook->service->headers, "Content-Type");

    hook->form = is_type(type, FORM);
    if (hook->form || is_type(type, JSON)) return;
    kr_review_error(review, kr_path_member(review->pool, path, "headers"),
                    "Content-Type is \"%s\"; a web hook sends %s or %s", type, JSON, FORM);
}

/* As in Kratos a call without a program for its body is none; only TRACE has no body. */
static void check_body(kr_review_t *review, const char *path, const kr_web_hook_conf_t *hook)
{
    if (hook->request.body || !hook->request.method || strcmp(hook->request.method, "TRACE") == 0) return;
    if (hook->ignore)
        kr_review_warn(review, path, "has no `body`: as in Kratos nobody is called. Give it one, base64://ZnVuY3Rpb24oY3R4KSB7fQ== "
                                     "for an empty object");
    else
        kr_review_error(review, path, "needs a member \"body\", the Jsonnet that makes the body; base64://ZnVuY3Rpb24oY3R4KSB7fQ== "
                                      "makes an empty object");
}

void kr_web_hook_finish(kr_review_t *review, const char *path, void *element)
{
    kr_web_hook_conf_t *hook = element;
    kr_request_auth_t *auth = &hook->request.auth;

    auth->said = auth->type || auth->name || auth->user || auth->value || auth->password || auth->in;
    if (!hook->request.url) return; /* said already */
    hook->where = path;
    if (parses(hook) && hook->ignore)
        kr_review_error(review, kr_path_member(review->pool, path, "response.ignore"),
                        "an answer that is ignored cannot be parsed: leave out ignore, or %s", hook->can_interrupt ? "can_interrupt" : "parse");
    hook->service = kr_service_make(review, path, &hook->request);
    check_type(review, path, hook);
    check_body(review, path, hook);
}

/* -- where they stand ------------------------------------------------------------------------------ */

static const kr_web_hook_conf_t *stopping(const apr_array_header_t *list)
{
    for (int i = 0; list && i < list->nelts; i++) {
        const kr_hook_conf_t *hook = &APR_ARRAY_IDX(list, i, const kr_hook_conf_t);

        if (strcmp(hook->name, "web_hook") == 0 && parses(hook->own)) return hook->own;
    }
    return NULL;
}

/* A list of a method takes the place of the general one: what must be able to stop a flow would not be asked, in silence. */
static void check_general(kr_review_t *review, const kr_settings_t *settings, kr_flow_kind_e kind)
{
    const kr_flow_conf_t *flow = &settings->flow[kind];
    const kr_web_hook_conf_t *hook = stopping(flow->after.hooks);

    for (int m = 0; hook && m < KR_METHOD_IDS; m++) {
        const apr_array_header_t *own = flow->after_method[m].hooks;

        if (!own || !own->nelts || !settings->method_enabled[m] || stopping(own)) continue;
        kr_review_error(review, hook->where, "parses its answer, so that it may stop a flow, but with method %s nobody would ask it: the "
                        "list `selfservice.flows.%s.after.%s.hooks` takes the place of this one. Write it into that list, too",
                        kr_method_name((kr_method_e)m), kr_flow_kind_name(kind), kr_method_name((kr_method_e)m));
    }
}

static void add_told(apr_array_header_t *told, const apr_array_header_t *list)
{
    for (int i = 0; list && i < list->nelts; i++) {
        const kr_hook_conf_t *hook = &APR_ARRAY_IDX(list, i, const kr_hook_conf_t);

        if (strcmp(hook->name, "web_hook") == 0 && ((const kr_web_hook_conf_t *)hook->own)->ignore)
            APR_ARRAY_PUSH(told, const kr_web_hook_conf_t *) = hook->own;
    }
}

static void check_times(kr_review_t *review, const kr_settings_t *settings)
{
    static const char TRY[] = "mod_kratos.web_hooks.try_timeout", ALL[] = "mod_kratos.web_hooks.timeout";

    if (settings->web_hooks.try_timeout < TIMEOUT_MIN) kr_review_error(review, TRY, "is shorter than any call takes; it is 100ms at least");
    else if (settings->web_hooks.timeout < settings->web_hooks.try_timeout)
        kr_review_error(review, ALL, "is shorter than %s, so that no try gets its time", TRY);
}

void kr_review_web_hooks(kr_review_t *review, kr_settings_t *settings)
{
    apr_array_header_t *told = apr_array_make(review->pool, 4, sizeof(const kr_web_hook_conf_t *));

    for (int kind = 0; kind < KR_FLOW_KINDS; kind++) {
        const kr_flow_conf_t *flow = &settings->flow[kind];

        check_general(review, settings, (kr_flow_kind_e)kind);
        add_told(told, flow->before);
        add_told(told, flow->after.hooks);
        for (int m = 0; m < KR_METHOD_IDS; m++) add_told(told, flow->after_method[m].hooks);
    }
    settings->told_hooks = told;
    settings->web_hooks.share = kr_share_make(review->pool);
    check_times(review, settings);
}
