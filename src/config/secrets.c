/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets that stand in files of their own, so that whoever may read or show the configuration sees where, and not what. */
#include <apr_strings.h>
#include <string.h>

#include "draft.h"
#include "kr_json.h"

int kr_is_secret_file(const kr_key_t *key, const char *value)
{
    return key->secret && strncmp(value, "file://", 7) == 0;
}

/* Editors and `openssl rand` end a file with a line end, which is no part of the secret. */
static const char *without_line_end(apr_pool_t *pool, const char *text, apr_size_t len)
{
    while (len && (text[len - 1] == '\n' || text[len - 1] == '\r')) len--;
    return apr_pstrmemdup(pool, text, len);
}

static const char *read_one(const char **secret, kr_review_t *review, const char *path, const char *url)
{
    const char *text, *why;
    apr_size_t len;

    why = kr_source_read(&text, &len, review, path, url);
    if (why) return why;
    if (memchr(text, '\0', len)) return "holds a NUL byte: write the secret as text";
    *secret = without_line_end(review->pool, text, len);
    if (strpbrk(*secret, "\r\n")) return "holds several lines: one file is one secret";
    if (!kr_utf8_valid(*secret, strlen(*secret))) return "is not UTF-8 text";
    return strncmp(*secret, "file://", 7) ? NULL : "names another file";
}

void kr_review_secret_files(kr_review_t *review)
{
    json_t *all = json_object_get(review->draft->tree, "secrets"), *list;
    const char *name;

    json_object_foreach(all, name, list) {
        const char *path = kr_path_member(review->pool, "secrets", name), *secret, *why;

        for (apr_size_t i = 0; i < json_array_size(list); i++) {
            const char *url = json_string_value(json_array_get(list, i));
            const kr_key_t *key = kr_key_find(kr_all_keys, path);

            if (!url || !key || !kr_is_secret_file(key, url)) continue;
            why = read_one(&secret, review, path, url);
            if (why) kr_review_error(review, path, "%s %s", url, why);
            else json_array_set_new(list, i, json_string(secret));
        }
    }
}
