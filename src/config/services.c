/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP services of the owner's: whom the courier, web hooks call, how they prove who calls, and the programs that make bodies. */
#include <string.h>

#include "draft.h"
#include "kr_text.h"

#define SERVICE_TIMEOUT apr_time_from_sec(10)

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

int kr_review_header(kr_review_t *review, const char *path, const char *name, const char *value)
{
    const char *why = kr_check_line(review->pool, value);

    if (kr_check_header(review->pool, name)) kr_review_error(review, path, "\"%s\" is no name of a header", name);
    else if (why) kr_review_error(review, path, "\"%s\" %s", name, why);
    else return 1;
    return 0;
}

static void add_header(kr_review_t *review, const char *path, apr_table_t *headers, const char *name, const char *value)
{
    if (kr_review_header(review, path, name, value)) apr_table_set(headers, name, value);
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

kr_http_service_t *kr_service_make(kr_review_t *review, const char *path, const kr_request_conf_t *conf)
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
    service->body = kr_source_program(review, member(review, path, "body"), conf->body, kr_jsonnet_make);
    return service;
}
