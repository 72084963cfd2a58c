/* SPDX-License-Identifier: Apache-2.0 */
/* What is made of the settings of a site that people sign in with. */
#include <string.h>

#include "draft.h"
#include "kr_document.h"

static const kr_jsonnet_t *read_mapper(kr_review_t *review, const char *path, const char *url)
{
    kr_jsonnet_t *program = apr_pcalloc(review->pool, sizeof(*program));
    const char *why;
    apr_size_t len = 0;

    if (!url) return NULL;
    program->name = strncmp(url, "base64://", 9) == 0 ? "base64" : url;
    why = kr_source_read(&program->text, &len, review, path, url);
    if (why) kr_review_error(review, path, "the Jsonnet is not usable: %s", why);
    return why ? NULL : program;
}

void kr_provider_finish(kr_review_t *review, const char *path, void *element)
{
    kr_oidc_provider_conf_t *conf = element;

    conf->mapper = read_mapper(review, kr_path_member(review->pool, path, "mapper_url"), conf->mapper_url);
    conf->discovery = kr_document_make(review->pool);
    conf->keys = kr_document_make(review->pool);
}
