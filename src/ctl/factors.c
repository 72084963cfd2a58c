/* SPDX-License-Identifier: Apache-2.0 */
/* `kratosctl identity factors` and `remove-factor`: what helps somebody whose phone is lost. */
#include <string.h>

#include <apr_lib.h>

#include "ctl.h"
#include "kr_credential.h"
#include "kr_db.h"
#include "kr_hook.h"
#include "kr_json.h"

#define ALL_SECOND "all-second"

/* -- list ---------------------------------------------------------------------- */

static const ctl_column_t COLUMNS[] = {
    { "COUNTS AS", 13 }, { "ADDED", 20 }, { "LEFT", 4 }, { "NAME", 24 }, { "FACTOR", 0 },
};

/* As `remove-factor` takes it. */
static const char *name_of(apr_pool_t *pool, const kr_factor_t *factor)
{
    return factor->key ? apr_pstrcat(pool, factor->type, ":", factor->key, NULL) : factor->type;
}

static const char *counts_as(const kr_factor_t *factor)
{
    static const char *const WORDS[] = { "nothing", "first", "second", "first, second" };

    return WORDS[factor->factors & (KR_FACTOR_FIRST | KR_FACTOR_SECOND)];
}

static json_t *factor_json(kr_ctx_t *k, const kr_factor_t *factor)
{
    json_t *out = kr_json_pack(k->pool, "{s:s, s:s, s:o, s:o, s:b, s:b, s:o}", "factor", name_of(k->pool, factor), "type", factor->type,
                               "key", kr_json_string(factor->key), "display_name", kr_json_string(factor->name), "first",
                               (factor->factors & KR_FACTOR_FIRST) != 0, "second", (factor->factors & KR_FACTOR_SECOND) != 0,
                               "added_at", kr_json_time(factor->added_at));

    if (factor->left >= 0) json_object_set_new(out, "codes_left", json_integer(factor->left));
    return out;
}

static void print_factor(ctl_t *ctl, kr_ctx_t *k, const kr_factor_t *factor)
{
    const char *cells[] = { counts_as(factor), ctl_time(k->pool, factor->added_at),
                            factor->left >= 0 ? apr_itoa(k->pool, factor->left) : NULL, factor->name, name_of(k->pool, factor) };

    if (ctl_json(ctl)) ctl_print_json(k->pool, factor_json(k, factor));
    else ctl_print_row(ctl, k->pool, COLUMNS, cells, KR_DIM(cells));
}

int ctl_identity_factors(ctl_t *ctl)
{
    const apr_array_header_t *factors;
    kr_identity_t *identity;
    kr_ctx_t *k;
    int status = ctl_identity_open(&identity, &k, ctl);

    if (status) return status;
    factors = kr_identity_factors(k, identity);
    for (int i = 0; i < factors->nelts; i++) print_factor(ctl, k, &APR_ARRAY_IDX(factors, i, const kr_factor_t));
    return CTL_FINE;
}

/* -- remove --------------------------------------------------------------------- */

/** What is to go, and what came of it. */
typedef struct {
    const char *identity_id;
    const char *type, *key; /* type NULL: all second factors */
    int force, keep_sessions;
    int removed;            /* out */
} removal_t;

/* @return 0: it names nothing that could be removed */
static int read_factor(removal_t *out, apr_pool_t *pool, const char *word)
{
    const char *colon = strchr(word, ':');
    char *key = colon ? apr_pstrdup(pool, colon + 1) : NULL;

    if (strcmp(word, ALL_SECOND) == 0) return 1;
    for (char *p = key; p && *p; p++) *p = (char)apr_tolower(*p);
    out->type = colon ? apr_pstrmemdup(pool, word, (apr_size_t)(colon - word)) : word;
    out->key = key;
    return kr_factor_removable(out->type) && (!key || (*key && kr_credential_kind(out->type)->holds_keys));
}

static int remove_second(kr_ctx_t *k, kr_identity_t *identity)
{
    const apr_array_header_t *factors = kr_identity_factors(k, identity);
    int removed = 0;

    for (int i = 0; i < factors->nelts; i++) {
        const kr_factor_t *factor = &APR_ARRAY_IDX(factors, i, const kr_factor_t);

        if (factor->factors & KR_FACTOR_SECOND) removed += kr_identity_remove_factor(k, identity, factor->type, factor->key);
    }
    return removed;
}

/* The account is taken and compared as it is now: its person may be changing it at this moment. */
static kr_err_t *remove_factor(kr_ctx_t *k, void *baton)
{
    static const kr_told_t OF = { .by_owner = 1 };
    removal_t *removal = baton;
    kr_identity_t *before, *now;
    int done;

    KR_TRY(kr_identity_lock(&before, k, removal->identity_id));
    if (!before) return kr_err(k, 404, NULL, "there is no such identity");
    now = kr_identity_copy(k, before);
    removal->removed = removal->type ? kr_identity_remove_factor(k, now, removal->type, removal->key) : remove_second(k, now);
    if (!removal->removed) return kr_err(k, 404, NULL, "the account has no such factor; `identity factors` lists what it has");
    if (!removal->force && kr_identity_first_factors(k, before) && !kr_identity_first_factors(k, now))
        return kr_err(k, 409, NULL, "it is the last way to sign in; --force removes it all the same");
    KR_TRY(kr_identity_update(k, now, before));
    kr_audit_changes(k, now, before, NULL, NULL);
    KR_TRY(kr_tell_factors(k, now, before, &OF));
    return removal->keep_sessions ? NULL : kr_sessions_end_now(&done, k, before->id);
}

int ctl_identity_remove_factor(ctl_t *ctl)
{
    removal_t removal = { .force = ctl_flag(ctl, "--force"), .keep_sessions = ctl_flag(ctl, "--keep-sessions") };
    kr_identity_t *identity;
    kr_err_t *err;
    kr_ctx_t *k;
    int status;

    if (!read_factor(&removal, ctl->pool, ctl_arg(ctl, 1)))
        return ctl_wrong(ctl, "%s is no factor that can be removed: totp, lookup_secret, webauthn[:KEY], passkey[:KEY], " ALL_SECOND,
                         ctl_arg(ctl, 1));
    if ((status = ctl_connect(ctl))) return status;
    k = ctl_work(ctl);
    err = ctl_identity_named(&identity, k, ctl_arg(ctl, 0));
    if (!err) removal.identity_id = identity->id;
    if (!err) err = kr_db_tx(k, remove_factor, &removal);
    if (err) return ctl_error(ctl, err, ctl_arg(ctl, 0));
    printf("%d removed\n", removal.removed);
    if (!removal.keep_sessions) ctl_note(ctl, "all sessions of %s have ended", ctl_arg(ctl, 0));
    return CTL_FINE;
}
