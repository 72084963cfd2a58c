/* SPDX-License-Identifier: Apache-2.0 */
/* Where messages go: the mail server or folder, and the HTTP services with the programs that make their bodies. */
#include <string.h>
#include <strings.h>

#include "draft.h"
#include "kr_json.h"
#include "kr_text.h"

#define SERVICE_TIMEOUT apr_time_from_sec(10)

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
    const char *why;

    if (kr_check_header(review->pool, name))
        kr_review_error(review, PATH, "\"%s\" is no name of a header", name);
    else if ((why = kr_check_line(review->pool, value)))
        kr_review_error(review, PATH, "\"%s\" %s", name, why);
    else if (!strncasecmp(name, "Content-", 8) || !strcasecmp(name, "MIME-Version")) {
        kr_review_error(review, PATH, "\"%s\" belongs to the message itself", name);
    }
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

static const char *member(kr_review_t *review, const char *path, const char *name)
{
    return kr_path_member(review->pool, path, name);
}

/** A value that should be there. */
static const char *needed(kr_review_t *review, const char *path, const char *name, const char *value)
{
    if (!value) kr_review_error(review, member(review, path, name), "is missing");
    return value ? value : "";
}

static void add_header(kr_review_t *review, const char *path, apr_table_t *headers, const char *name, const char *value)
{
    if (kr_check_header(review->pool, name))
        kr_review_error(review, path, "\"%s\" is no name of a header", name);
    else if (kr_check_line(review->pool, value)) {
        kr_review_error(review, path, "\"%s\" holds a line break or another control character", name);
    } else
        apr_table_set(headers, name, value);
}

static void add_basic(kr_review_t *review, const char *path, const kr_request_auth_t *auth, apr_table_t *headers)
{
    const char *user = needed(review, path, "user", auth->user), *password = needed(review, path, "password", auth->password);
    const char *both = apr_pstrcat(review->pool, user, ":", password, NULL);

    if (strchr(user, ':')) kr_review_error(review, member(review, path, "user"), "holds a colon, which ends the name");
    add_header(review, path, headers, "Authorization",
               apr_pstrcat(review->pool, "Basic ", kr_base64(review->pool, both, strlen(both)), NULL));
}

static void add_key(kr_review_t *review, const char *path, const kr_request_auth_t *auth, apr_table_t *headers)
{
    const char *name = needed(review, path, "name", auth->name), *value = needed(review, path, "value", auth->value);

    if (!auth->in || strcmp(auth->in, "header") == 0)
        add_header(review, path, headers, name, value);
    else if (kr_check_cookie_name(review->pool, name)) {
        kr_review_error(review, member(review, path, "name"), "holds a character that no cookie name may have");
    } else
        add_header(review, path, headers, "Cookie", apr_pstrcat(review->pool, name, "=", value, NULL));
}

/* Who begins to say how a call proves itself does not want one that proves nothing. */
void kr_auth_finish(kr_review_t *review, const char *path, void *element)
{
    (void)review;
    (void)path;
    ((kr_request_auth_t *)element)->said = 1;
}

static void add_auth(kr_review_t *review, const char *path, const kr_request_auth_t *auth, apr_table_t *headers)
{
    const char *config = member(review, path, "config");

    if (!auth->type) {
        if (auth->said) kr_review_error(review, member(review, path, "type"), "is missing; it is api_key or basic_auth");
    } else if (strcmp(auth->type, "basic_auth") == 0)
        add_basic(review, config, auth, headers);
    else if (strcmp(auth->type, "api_key") == 0)
        add_key(review, config, auth, headers);
}

static const kr_jsonnet_t *read_program(kr_review_t *review, const char *path, const char *url)
{
    const char *text = NULL, *name = url, *why;
    const kr_jsonnet_t *program = NULL;
    apr_size_t len = 0;

    if (!url) return NULL;
    if (strncmp(url, "base64://", 9) == 0) name = "base64";
    why = kr_source_read(&text, &len, review, path, url);
    if (!why) program = kr_jsonnet_make(review->pool, name, text, len, &why);
    if (!program) kr_review_error(review, path, "the Jsonnet is not usable: %s", why);
    return program;
}

static const kr_http_service_t *make_service(kr_review_t *review, const char *path, const kr_request_conf_t *conf)
{
    kr_http_service_t *service = apr_pcalloc(review->pool, sizeof(*service));
    const apr_array_header_t *said = apr_table_elts(conf->headers);
    apr_table_t *headers = apr_table_make(review->pool, 8);

    service->url = needed(review, path, "url", conf->url);
    service->method = conf->method;
    for (int i = 0; i < said->nelts; i++) {
        const apr_table_entry_t *header = &APR_ARRAY_IDX(said, i, apr_table_entry_t);

        add_header(review, member(review, path, "headers"), headers, header->key, header->val);
    }
    if (!apr_table_get(headers, "Content-Type")) apr_table_setn(headers, "Content-Type", "application/json");
    add_auth(review, member(review, path, "auth"), &conf->auth, headers);
    service->headers = headers;
    service->timeout = SERVICE_TIMEOUT;
    service->body = read_program(review, member(review, path, "body"), conf->body);
    return service;
}

void kr_channel_finish(kr_review_t *review, const char *path, void *element)
{
    kr_channel_conf_t *channel = element;

    channel->service = make_service(review, member(review, path, "request_config"), &channel->request);
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
        mail->http = make_service(review, SERVICE, &mail->request);
    else if (at(review, SERVICE))
        kr_review_warn(review, SERVICE, "is not used: courier.delivery_strategy is not http");
    if (mail->override_path && *mail->override_path != '/') {
        mail->override_path = apr_pstrcat(review->pool, kr_source_folder(review, "courier.template_override_path"), "/",
                                          mail->override_path, NULL);
    }
    mail->overrides = kr_review_templates(review, mail);
}
