/* SPDX-License-Identifier: Apache-2.0 */
/* Where messages go: the mail server or folder, and the HTTP services. */
#include <string.h>
#include <strings.h>

#include "draft.h"
#include "kr_json.h"
#include "kr_text.h"

static json_t *at(const kr_review_t *review, const char *path)
{
    json_t *value = kr_json_at(review->draft->tree, path);

    return json_is_null(value) ? NULL : value;
}

/* -- by SMTP ----------------------------------------------------------------------------- */

/** What belongs to the form of the message itself cannot be said by its owner. */
static void check_mail_header(kr_review_t *review, const char *name, const char *value)
{
    static const char PATH[] = "courier.smtp.headers";

    if (!kr_review_header(review, PATH, name, value)) return;
    if (!strncasecmp(name, "Content-", 8) || !strcasecmp(name, "MIME-Version"))
        kr_review_error(review, PATH, "\"%s\" belongs to the message itself", name);
}

/* A server that expects the one way to begin gets the other, and both wait until somebody gives up. */
static void check_port(kr_review_t *review, const char *uri)
{
    static const char KEY[] = "courier.smtp.connection_uri";
    kr_url_t url;
    int port;

    if (!kr_url_parse(&url, review->pool, uri) || !url.scheme || !url.host) return;
    port = kr_host_port(url.host, url.scheme);
    if (!strcmp(url.scheme, "smtps") && (port == 587 || port == 25))
        kr_review_warn(review, KEY, "smtps:// begins with TLS, and on port %d servers begin without (STARTTLS): write smtp:// for "
                                    "it, or port 465", port);
    if (!strcmp(url.scheme, "smtp") && port == 465)
        kr_review_warn(review, KEY, "smtp:// begins without TLS, and on port 465 servers expect it: write smtps:// for it, or port "
                                    "587");
}

static void finish_smtp(kr_review_t *review, kr_mail_conf_t *mail)
{
    const apr_array_header_t *headers = apr_table_elts(mail->headers);
    const char *why;

    for (int i = 0; i < headers->nelts; i++) {
        const apr_table_entry_t *header = &APR_ARRAY_IDX(headers, i, apr_table_entry_t);

        check_mail_header(review, header->key, header->val);
    }
    if (!mail->uri) return;
    if (strncmp(mail->uri, "file://", 7) == 0) {
        mail->folder = kr_url_unescape(review->pool, mail->uri + 7, 0);
        if (!mail->folder) kr_review_error(review, "courier.smtp.connection_uri", "has a broken %% in its path");
    } else if (mail->local_name) {
        check_port(review, mail->uri);
        mail->smtp = kr_net_smtp_parse(review->pool, mail->uri, mail->local_name, &why);
        if (mail->smtp && mail->smtp->user && !mail->smtp->starttls && strncmp(mail->uri, "smtp:", 5) == 0) {
            kr_review_warn(review, "courier.smtp.connection_uri", "sends the password unencrypted (disable_starttls)");
        }
    }
}

/* -- by HTTP ----------------------------------------------------------------------------- */

void kr_channel_finish(kr_review_t *review, const char *path, void *element)
{
    kr_channel_conf_t *channel = element;

    channel->service = kr_service_make(review, kr_path_member(review->pool, path, "request_config"), &channel->request);
}

int kr_mail_carried(const kr_mail_conf_t *conf, const char *via)
{
    if (strcmp(via, "sms") == 0) return conf->sms || conf->folder;
    return conf->by_http ? conf->http != NULL : conf->smtp || conf->folder;
}

void kr_review_courier(kr_review_t *review, kr_mail_conf_t *mail)
{
    static const char SERVICE[] = "courier.http.request_config";

    finish_smtp(review, mail);
    if (mail->channels->nelts) mail->sms = APR_ARRAY_IDX(mail->channels, 0, kr_channel_conf_t).service;
    if (mail->by_http)
        mail->http = kr_service_make(review, SERVICE, &mail->request);
    else if (at(review, SERVICE))
        kr_review_warn(review, SERVICE, "is not used: courier.delivery_strategy is not http");
    if (mail->override_path && *mail->override_path != '/') {
        mail->override_path = apr_pstrcat(review->pool, kr_source_folder(review, "courier.template_override_path"), "/",
                                          mail->override_path, NULL);
    }
    mail->overrides = kr_review_templates(review, mail);
}
