/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of htpasswd files, as mod_authn_file reads them. */
#include <string.h>

#include "ctl.h"
#include "kr_json.h"
#include "kr_password.h"

#define DES_LEN 13 /* crypt(3)'s oldest hash has no prefix: its length and letters tell it */

static int is_des(const char *hash)
{
    return strlen(hash) == DES_LEN &&
           strspn(hash, "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == DES_LEN;
}

const char *ctl_htpasswd_read(const char **user, const char **hash, apr_pool_t *pool, const char *line, apr_size_t len)
{
    const char *colon = memchr(line, ':', len), *end;

    *user = *hash = NULL;
    if (!len || *line == '#') return NULL;
    if (!kr_utf8_valid(line, len)) return "not UTF-8";
    if (!colon || colon == line) return "not user:hash";
    end = memchr(colon + 1, ':', len - (apr_size_t)(colon + 1 - line)); /* what follows the hash is a comment */
    *hash = apr_pstrmemdup(pool, colon + 1, end ? (apr_size_t)(end - colon - 1) : len - (apr_size_t)(colon + 1 - line));
    if (is_des(*hash)) *hash = apr_pstrcat(pool, "{CRYPT}", *hash, NULL);
    if (!kr_password_importable(*hash)) return "no hash that can be verified here";
    *user = apr_pstrmemdup(pool, line, (apr_size_t)(colon - line));
    return NULL;
}
