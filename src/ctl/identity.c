/* SPDX-License-Identifier: Apache-2.0 */
/* `kratosctl identity`: get, list, disable, enable, delete. */
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "kr_audit.h"
#include "kr_db.h"
#include "kr_json.h"

static kr_err_t *no_identity(kr_ctx_t *k)
{
    return kr_err(k, 404, NULL, "there is no such identity");
}

/* Whoever signs in by a passkey alone has no identifier that anybody knows, but perhaps an address, which one account has. */
static kr_err_t *by_address(const char **id, kr_ctx_t *k, const char *address)
{
    static const char *const ways[] = { "email", "sms" };
    const char *which;

    for (int recovery = 0; recovery < 2; recovery++)
        for (int i = 0; i < KR_DIM(ways) && !*id; i++) KR_TRY(kr_address_find(id, &which, k, recovery, ways[i], address));
    return NULL;
}

kr_err_t *ctl_identity_id(const char **id, kr_ctx_t *k, const char *name)
{
    const char *identifier = kr_identifier_normalise(k->pool, name);
    int owners;

    *id = NULL;
    if (kr_uuid_valid(name)) KR_TRY(kr_identity_known(id, k, name));
    if (*id || !identifier) return NULL;
    KR_TRY(kr_identity_owner(id, &owners, k, identifier));
    if (owners > 1) return kr_err(k, 409, NULL, "several accounts have this identifier; say which by its id");
    return *id ? NULL : by_address(id, k, identifier);
}

/* -- get ----------------------------------------------------------------------- */

kr_err_t *ctl_identity_named(kr_identity_t **out, kr_ctx_t *k, const char *name)
{
    const char *id;

    *out = NULL;
    KR_TRY(ctl_identity_id(&id, k, name));
    if (id) KR_TRY(kr_identity_load(out, k, id, 1));
    return *out ? NULL : no_identity(k);
}

int ctl_identity_open(kr_identity_t **out, kr_ctx_t **k, ctl_t *ctl)
{
    int status = ctl_connect(ctl);
    kr_err_t *err;

    if (status) return status;
    *k = ctl_work(ctl);
    err = ctl_identity_named(out, *k, ctl_arg(ctl, 0));
    return err ? ctl_error(ctl, err, ctl_arg(ctl, 0)) : CTL_FINE;
}

int ctl_identity_get(ctl_t *ctl)
{
    kr_identity_t *identity;
    kr_ctx_t *k;
    int status = ctl_identity_open(&identity, &k, ctl);

    if (status) return status;
    if (ctl_json(ctl))
        ctl_print_json(k->pool, ctl_identity_json(k, identity));
    else
        ctl_print_object(k->pool, ctl_identity_json(k, identity));
    return CTL_FINE;
}

/* -- list ---------------------------------------------------------------------- */

static const ctl_column_t COLUMNS[] = {
    { "ID", 36 }, { "STATE", 8 }, { "SCHEMA", 12 }, { "CREATED", 20 }, { "IDENTIFIERS", 0 },
};

/* The names somebody signs in with, each once, whatever the ways are. */
static const char *identifiers_of(apr_pool_t *pool, const kr_identity_t *identity)
{
    apr_array_header_t *all = apr_array_make(pool, 2, sizeof(const char *));

    for (int i = 0; i < identity->credentials->nelts; i++) {
        const apr_array_header_t *some = APR_ARRAY_IDX(identity->credentials, i, kr_credential_t).identifiers;

        for (int j = 0; some && j < some->nelts; j++) {
            const char *text = APR_ARRAY_IDX(some, j, const char *);
            int known = 0;

            for (int n = 0; n < all->nelts; n++) known |= strcmp(APR_ARRAY_IDX(all, n, const char *), text) == 0;
            if (!known) APR_ARRAY_PUSH(all, const char *) = text;
        }
    }
    return all->nelts ? apr_array_pstrcat(pool, all, ',') : NULL;
}

static void print_identity(ctl_t *ctl, kr_ctx_t *k, const kr_identity_t *identity)
{
    const char *cells[] = { identity->id, identity->state, identity->schema_id, ctl_time(k->pool, identity->created_at),
                            identifiers_of(k->pool, identity) };

    if (!ctl_json(ctl)) {
        ctl_print_row(ctl, k->pool, COLUMNS, cells, KR_DIM(cells));
        return;
    }
    ctl->rows++;
    ctl_print_json(k->pool, ctl_identity_json(k, identity));
}

kr_err_t *ctl_identity_page(char last[KR_UUID_LEN + 1], kr_ctx_t *k, const char *part, int count, ctl_identity_fn *take, void *baton)
{
    const char *id = NULL;
    apr_array_header_t *ids;

    KR_TRY(kr_identity_page(&ids, k, part, last, count));
    for (int i = 0; i < ids->nelts; i++) {
        kr_identity_t *identity;

        id = APR_ARRAY_IDX(ids, i, const char *);
        KR_TRY(kr_identity_load(&identity, k, id, 1));
        if (identity) take(baton, k, identity); /* else deleted just now */
    }
    ctl_went_to(last, ids->nelts < count ? NULL : id);
    return NULL;
}

static void print_one(void *ctl, kr_ctx_t *k, const kr_identity_t *identity)
{
    print_identity(ctl, k, identity);
}

static kr_err_t *list_page(char last[KR_UUID_LEN + 1], ctl_t *ctl, kr_ctx_t *k, void *baton, int count)
{
    return ctl_identity_page(last, k, baton, count, print_one, ctl);
}

int ctl_identity_list(ctl_t *ctl)
{
    char *part = apr_pstrdup(ctl->pool, ctl_option(ctl, "--identifier"));
    const char *normal = part ? kr_identifier_normalise(ctl->pool, part) : NULL;
    const int status = ctl_connect(ctl);

    if (normal) part = apr_pstrdup(ctl->pool, normal);
    return status ? status : ctl_list_pages(ctl, list_page, part);
}

/* -- disable, enable ----------------------------------------------------------- */

/** A state for one identity. */
typedef struct {
    const char *id, *state;
    int end_sessions;
    int done; /* 0: there is no such identity */
} setting_t;

static kr_err_t *write_state(kr_ctx_t *k, void *baton)
{
    setting_t *setting = baton;

    KR_TRY(kr_identity_set_state(&setting->done, k, setting->id, setting->state));
    if (setting->done)
        kr_audit(k, &(kr_audit_t){ .what = strcmp(setting->state, "active") == 0 ? KR_AUDIT_UNLOCKED : KR_AUDIT_LOCKED,
                                   .identity_id = setting->id });
    return setting->done && setting->end_sessions ? kr_sessions_end_now(&setting->done, k, setting->id) : NULL;
}

static kr_err_t *set_state(kr_ctx_t *k, const char *name, const char *state, int end_sessions)
{
    setting_t setting = { .state = state, .end_sessions = end_sessions };

    KR_TRY(ctl_identity_id(&setting.id, k, name));
    if (setting.id) KR_TRY(kr_db_tx(k, write_state, &setting));
    return setting.done ? NULL : no_identity(k);
}

static int set_states(ctl_t *ctl, const char *state, int end_sessions)
{
    int status = ctl_connect(ctl);

    for (int i = 0; !status && ctl_arg(ctl, i); i++) {
        kr_ctx_t *k = ctl_work(ctl);
        kr_err_t *err = set_state(k, ctl_arg(ctl, i), state, end_sessions);

        if (err) status = ctl_error(ctl, err, ctl_arg(ctl, i));
        apr_pool_destroy(k->pool);
    }
    return status;
}

int ctl_identity_disable(ctl_t *ctl)
{
    return set_states(ctl, "inactive", ctl_flag(ctl, "--end-sessions"));
}

int ctl_identity_enable(ctl_t *ctl)
{
    return set_states(ctl, "active", 0);
}

/* -- delete -------------------------------------------------------------------- */

/* One that is missing leaves all others in place. */
static kr_err_t *delete_all(kr_ctx_t *k, void *baton)
{
    const ctl_t *ctl = baton;

    for (int i = 0; ctl_arg(ctl, i); i++) {
        int done;

        KR_TRY(kr_identity_delete(&done, k, ctl_arg(ctl, i)));
        if (!done) return kr_err(k, 404, NULL, "there is no identity %s; nothing was deleted", ctl_arg(ctl, i));
        kr_audit(k, &(kr_audit_t){ .what = KR_AUDIT_DELETED, .identity_id = ctl_arg(ctl, i) });
    }
    return NULL;
}

/* @return 1 to go on; else it has been said why not */
static int is_sure(ctl_t *ctl)
{
    char answer[8];

    if (ctl_flag(ctl, "--yes")) return 1;
    if (!isatty(STDIN_FILENO)) {
        ctl_fail(ctl, "nobody can be asked here: --yes deletes without asking");
        return 0;
    }
    fprintf(stderr, "Delete %d account(s) with all that belongs to them? [y/N] ", ctl->args->nelts);
    if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y')) return 1;
    ctl_fail(ctl, "nothing was deleted");
    return 0;
}

int ctl_identity_delete(ctl_t *ctl)
{
    int status = ctl_connect(ctl);
    kr_err_t *err;
    kr_ctx_t *k;

    if (status) return status;
    for (int i = 0; ctl_arg(ctl, i); i++)
        if (!kr_uuid_valid(ctl_arg(ctl, i)))
            return ctl_wrong(ctl, "%s is no id; `identity get` tells it", ctl_arg(ctl, i));
    if (!is_sure(ctl)) return CTL_FAILED;
    k = ctl_work(ctl);
    err = kr_db_tx(k, delete_all, ctl);
    if (err) return ctl_error(ctl, err, NULL);
    printf("%d deleted\n", ctl->args->nelts);
    return CTL_FINE;
}
