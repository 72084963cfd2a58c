/* SPDX-License-Identifier: Apache-2.0 */
/* A message goes to an HTTP service: what its owner's Jsonnet makes of it, as JSON or as a form. */
#include <string.h>
#include <strings.h>

#include "kr_json.h"
#include "kr_text.h"
#include "courier.h"

#define FORM "application/x-www-form-urlencoded"

static kr_net_mailed_t mailed(kr_mail_fate_e fate, const char *why)
{
    return (kr_net_mailed_t){ fate, why, NULL };
}

/* A quirk of Kratos that programs lean on: to services for SMS, the code of a recovery is a "verification_code". */
static void rename_code(json_t *data, const kr_mail_t *mail)
{
    if (strcmp(mail->via, "sms") != 0 || strcmp(mail->template_type, "recovery_code_valid") != 0) return;
    json_object_set(data, "verification_code", json_object_get(data, "recovery_code"));
    json_object_del(data, "recovery_code");
}

/* What the program is told (Kratos' names). */
static const json_t *context_of(apr_pool_t *pool, const kr_parcel_t *parcel, const kr_mail_t *mail)
{
    const kr_letter_t *letter = parcel->letter;
    const int sms = strcmp(mail->via, "sms") == 0;
    const json_t *headers = json_object_get(mail->data, KR_DATA_HEADERS);
    json_t *data = kr_json_own(pool, json_copy(mail->data)), *ctx;

    json_object_del(data, KR_DATA_HEADERS); /* ours, not the template's */
    json_object_del(data, KR_DATA_LANGUAGE);
    rename_code(data, mail);
    ctx = kr_json_pack(pool, "{s:s, s:s, s:s, s:s, s:s, s:O}", "recipient", mail->to, "template_type",
                       mail->template_type, "message_type", mail->via, "subject", sms ? "" : letter->subject, "body",
                       letter->text, "template_data", data);
    if (letter->html) json_object_set_new(ctx, "html_body", json_string(letter->html));
    json_object_set_new(ctx, "request_headers", headers ? json_deep_copy(headers) : json_object());
    return ctx;
}

/* What Kratos sends without a program. */
static const json_t *default_body(apr_pool_t *pool, const json_t *ctx)
{
    static const char *const OF_DATA[] = { "to", "recovery_code", "recovery_url", "verification_url",
                                           "verification_code" };
    static const char *const OF_CTX[] = { "recipient", "template_type", "subject", "body" };
    json_t *out = kr_json_own(pool, json_object());
    const json_t *data = json_object_get(ctx, "template_data");

    for (int i = 0; i < KR_DIM(OF_CTX); i++) json_object_set(out, OF_CTX[i], json_object_get(ctx, OF_CTX[i]));
    for (int i = 0; i < KR_DIM(OF_DATA); i++) {
        json_object_set_new(out, OF_DATA[i], kr_json_string(kr_json_str(data, OF_DATA[i])));
    }
    return out;
}

static const json_t *body_of(apr_pool_t *pool, const kr_http_service_t *service, const json_t *ctx, const char **why)
{
    return service->body ? kr_jsonnet_run(pool, service->body, ctx, why) : default_body(pool, ctx);
}

static int is_form(const kr_http_service_t *service)
{
    return strncasecmp(apr_table_get(service->headers, "Content-Type"), FORM, strlen(FORM)) == 0;
}

/* No answer at all says nothing about the message, unless the service had it already. */
static kr_net_mailed_t judge(apr_pool_t *pool, const kr_net_reply_t *reply, const kr_err_t *err)
{
    if (!err && reply->status >= 200 && reply->status < 300) return mailed(KR_MAIL_SENT, NULL);
    if (!err) return mailed(KR_MAIL_LATER, apr_psprintf(pool, "the service answered %d", reply->status));
    if (reply->reached) return mailed(KR_MAIL_LATER, "the service gave no usable answer");
    return mailed(KR_MAIL_UNREACHABLE, "the service cannot be reached");
}

kr_net_mailed_t kr_http_send(kr_ctx_t *k, const kr_http_service_t *service, const kr_parcel_t *parcel,
                             const kr_mail_t *mail, const kr_outbox_worker_t *worker)
{
    kr_net_request_t req = { .method = service->method,
                             .url = service->url,
                             .guard = &k->realm->settings->guard,
                             .headers = service->headers,
                             .timeout = service->timeout,
                             .status_only = 1,
                             .stopping = worker->stopping,
                             .baton = worker->baton };
    const json_t *body;
    kr_net_reply_t reply;
    const char *why;
    kr_err_t *err;

    body = body_of(k->pool, service, context_of(k->pool, parcel, mail), &why);
    if (!body) return mailed(KR_MAIL_LATER, apr_psprintf(k->pool, "%s: %s", service->body->name, why));
    if (is_form(service)) {
        req.body = kr_json_form(k->pool, body);
        if (!req.body) return mailed(KR_MAIL_LATER, "its Jsonnet makes no flat object, as a form needs");
        req.body_len = strlen(req.body);
    } else {
        req.body = kr_json_dump(k->pool, body, &req.body_len);
    }
    err = kr_net_call(&reply, k, &req);
    return judge(k->pool, &reply, err);
}
