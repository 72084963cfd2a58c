/* SPDX-License-Identifier: Apache-2.0 */
/* The object "ory.sh/kratos" of a property: what its value is good for besides being a trait. */
#include <stddef.h>
#include <string.h>

#include <apr_strings.h>

#include "kr_json.h"
#include "kr_text.h"

#include "schema.h"

typedef enum { FLAG, CHANNEL, MATCHER } setting_e;

#define NOWHERE ((size_t)-1)

/** Every setting there is; any other key is a mistake. */
static const struct {
    const char *path;
    setting_e type;
    size_t offset; /* in kr_leaf_t */
} SETTINGS[] = {
    { "credentials.password.identifier", FLAG, offsetof(kr_leaf_t, password_identifier) },
    { "credentials.webauthn.identifier", FLAG, offsetof(kr_leaf_t, webauthn_identifier) },
    { "credentials.code.identifier", FLAG, offsetof(kr_leaf_t, code_identifier) },
    { "credentials.code.via", CHANNEL, offsetof(kr_leaf_t, code_via) },
    { "credentials.passkey.display_name", FLAG, offsetof(kr_leaf_t, passkey_display_name) },
    { "credentials.totp.account_name", FLAG, offsetof(kr_leaf_t, totp_account_name) },
    { "verification.via", CHANNEL, offsetof(kr_leaf_t, verify_via) },
    { "recovery.via", CHANNEL, offsetof(kr_leaf_t, recover_via) },
    { "organizations.matcher", MATCHER, NOWHERE }, /* known, and without effect here */
};

static int fail(apr_pool_t *pool, const char **why, const char *where, const char *path, const char *what)
{
    for (; *path; path += strcspn(path, ".") + (path[strcspn(path, ".")] == '.')) {
        where = kr_ref_pointer(pool, where, apr_pstrmemdup(pool, path, strcspn(path, ".")));
    }
    *why = apr_psprintf(pool, "%s: %s", where, what);
    return 0;
}

static const char *one_of(const json_t *value, const char *const *words)
{
    const char *s = json_string_value(value);

    for (; s && *words; words++) {
        if (strcmp(*words, s) == 0) return *words;
    }
    return NULL;
}

/** @return NULL, or what the value must be */
static const char *store(kr_leaf_t *leaf, int row, const json_t *value)
{
    static const char *const channels[] = { "email", "sms", NULL };
    static const char *const matchers[] = { "email_domain", NULL };
    void *to = (char *)leaf + (SETTINGS[row].offset == NOWHERE ? 0 : SETTINGS[row].offset);
    const char *word;

    switch (SETTINGS[row].type) {
    case FLAG:
        if (!json_is_boolean(value)) return "must be true or false";
        if (json_is_true(value)) *(int *)to = 1;
        return NULL;
    case CHANNEL:
        word = one_of(value, channels);
        if (!word) return "must be \"email\" or \"sms\"";
        *(const char **)to = word;
        return NULL;
    default:
        return one_of(value, matchers) ? NULL : "must be \"email_domain\"";
    }
}

/** Is `path` above a setting in the tree? */
static int is_group(const char *path)
{
    size_t len = strlen(path);
    int i;

    for (i = 0; i < KR_DIM(SETTINGS); i++) {
        if (strncmp(SETTINGS[i].path, path, len) == 0 && SETTINGS[i].path[len] == '.') return 1;
    }
    return 0;
}

static int find_setting(const char *path)
{
    int i = 0;

    while (i < KR_DIM(SETTINGS) && strcmp(SETTINGS[i].path, path) != 0) i++;
    return i < KR_DIM(SETTINGS) ? i : -1;
}

static int read_group(apr_pool_t *pool, kr_leaf_t *leaf, const json_t *group, const char *prefix, const char *where,
                      const char **why)
{
    const char *key;
    json_t *value;

    if (!json_is_object(group)) return fail(pool, why, where, prefix, "must be an object");
    json_object_foreach((json_t *)group, key, value) {
        const char *path = *prefix ? apr_pstrcat(pool, prefix, ".", key, NULL) : key;
        const char *wrong;
        int row = strchr(key, '.') ? -1 : find_setting(path);

        if (row >= 0) {
            wrong = store(leaf, row, value);
            if (wrong) return fail(pool, why, where, path, wrong);
        }
        else if (strchr(key, '.') || !is_group(path)) return fail(pool, why, where, prefix,
                                                                  apr_psprintf(pool, "\"%s\" is not known here", key));
        else if (!read_group(pool, leaf, value, path, where, why)) return 0;
    }
    return 1;
}

int kr_extension_read(apr_pool_t *pool, kr_leaf_t *leaf, const json_t *schema, const char *where, const char **why)
{
    const json_t *extension = json_object_get(schema, "ory.sh/kratos");

    if (!extension) return 1;
    where = kr_ref_pointer(pool, where, "ory.sh/kratos");
    if (!read_group(pool, leaf, extension, "", where, why)) return 0;
    if (leaf->code_identifier && !leaf->code_via) {
        return fail(pool, why, where, "credentials.code", "\"via\" is missing: say \"email\" or \"sms\"");
    }
    return 1;
}
