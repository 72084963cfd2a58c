/* SPDX-License-Identifier: Apache-2.0 */
/* Keys for tokens of sessions (session.whoami.tokenizer): made, and joined to those that there are. */
#include <string.h>

#include <apr_file_io.h>

#include "ctl.h"
#include "kr_json.h"
#include "kr_jwt.h"

#define SET_MAX ((apr_size_t)1024 * 1024)

static json_t *read_json(ctl_t *ctl, const char *name, const char **why)
{
    char *text = apr_palloc(ctl->pool, SET_MAX + 1);
    apr_size_t len = 0;
    apr_file_t *file;
    apr_status_t rv = apr_file_open(&file, name, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, ctl->pool);

    if (rv == APR_SUCCESS) rv = apr_file_read_full(file, text, SET_MAX + 1, &len);
    if (rv == APR_EOF) return kr_json_parse(ctl->pool, text, len, why);
    *why = rv == APR_SUCCESS ? "is larger than 1 MiB" : apr_psprintf(ctl->pool, "%pm", &rv);
    return NULL;
}

/* The keys of a set, or of the one key that stands for it, in an array of their own. */
static json_t *keys_of(ctl_t *ctl, const char *name, const char **why)
{
    json_t *set = read_json(ctl, name, why), *keys;

    if (!set || !kr_signer_read(ctl->pool, set, why)) return NULL;
    keys = json_object_get(set, "keys");
    return keys ? keys : kr_json_pack(ctl->pool, "[O]", set);
}

int ctl_token_key(ctl_t *ctl)
{
    const char *alg = ctl_option(ctl, "--alg"), *why = "out of memory", *name = ctl_arg(ctl, 0);
    json_t *keys = name ? keys_of(ctl, name, &why) : kr_json_own(ctl->pool, json_array());
    json_t *made = keys ? kr_jwk_make(ctl->pool, alg ? alg : "ES256") : NULL, *set;

    if (!keys) return ctl_fail(ctl, "%s: %s", name, why);
    if (!made) return ctl_fail(ctl, "no key could be made");
    json_array_append(keys, made);
    set = kr_json_pack(ctl->pool, "{s:O}", "keys", keys);
    if (json_dumpf(set, stdout, JSON_INDENT(1) | JSON_PRESERVE_ORDER) || putchar('\n') == EOF) return ctl_fail(ctl, "standard output is gone");
    return CTL_FINE;
}
