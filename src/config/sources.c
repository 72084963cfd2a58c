/* SPDX-License-Identifier: Apache-2.0 */
/* Documents that settings point to: in files and in the settings themselves. Nothing is fetched at start. */
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <string.h>

#include "draft.h"
#include "kr_text.h"

const char *kr_source_folder(const kr_review_t *review, const char *path)
{
    const kr_origin_t *origin = kr_origin(review->draft, path);
    const char *slash = origin ? strrchr(origin->file, '/') : NULL;

    return slash ? apr_pstrmemdup(review->pool, origin->file, (apr_size_t)(slash - origin->file)) : ".";
}

/* Never a pipe or device, which could keep the server from starting. */
const char *kr_source_file(const char **text, apr_size_t *len, apr_pool_t *pool, const char *name)
{
    apr_finfo_t info;
    apr_file_t *file;
    apr_status_t rv = apr_stat(&info, name, APR_FINFO_TYPE | APR_FINFO_SIZE, pool);
    char words[120], *out;

    if (rv == APR_SUCCESS && info.filetype != APR_REG) return apr_psprintf(pool, "%s is no file", name);
    if (rv == APR_SUCCESS && info.size > KR_CONFIG_MAX_BYTES)
        return apr_psprintf(pool, "%s is larger than 1 MiB", name);
    if (rv == APR_SUCCESS) rv = apr_file_open(&file, name, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);
    if (rv == APR_SUCCESS) {
        out = apr_pcalloc(pool, (apr_size_t)info.size + 1);
        rv = apr_file_read_full(file, out, (apr_size_t)info.size, len);
        apr_file_close(file);
        if (rv == APR_EOF) rv = APR_SUCCESS;
        *text = out;
    }
    if (rv == APR_SUCCESS) return NULL;
    return apr_psprintf(pool, "%s cannot be read: %s", name, apr_strerror(rv, words, sizeof(words)));
}

const char *kr_source_read(const char **text, apr_size_t *len, kr_review_t *review, const char *path, const char *url)
{
    apr_pool_t *pool = review->pool;

    if (strncmp(url, "base64://", 9) == 0) {
        *text = (const char *)kr_base64_decode(pool, url + 9, len);
        if (!*text) return "is not base64";
        return *len > KR_CONFIG_MAX_BYTES ? "is larger than 1 MiB" : NULL;
    }
    if (strncmp(url, "file://", 7) == 0) {
        const char *name = kr_url_unescape(pool, url + 7, 0);

        if (!name) return "has a broken %-escape";
        if (*name != '/') name = apr_pstrcat(pool, kr_source_folder(review, path), "/", name, NULL);
        return kr_source_file(text, len, pool, name);
    }
    return "is not fetched by HTTP; use file:// or base64://";
}

const kr_jsonnet_t *kr_source_program(kr_review_t *review, const char *path, const char *url, kr_jsonnet_make_fn *make)
{
    const char *text = NULL, *name = url, *why;
    const kr_jsonnet_t *program = NULL;
    apr_size_t len = 0;

    if (!url) return NULL;
    if (strncmp(url, "base64://", 9) == 0) name = "base64";
    why = kr_source_read(&text, &len, review, path, url);
    if (!why) program = make(review->pool, name, text, len, &why);
    if (!program) kr_review_error(review, path, "the Jsonnet is not usable: %s", why);
    return program;
}
