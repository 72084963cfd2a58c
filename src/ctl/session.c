/* SPDX-License-Identifier: Apache-2.0 */
/* `kratosctl session`: list, revoke. */
#include <string.h>

#include "ctl.h"
#include "kr_db.h"
#include "kr_json.h"

/* -- list ---------------------------------------------------------------------- */

static const ctl_column_t COLUMNS[] = {
    { "ID", 36 },      { "IDENTITY", 36 }, { "ACTIVE", 6 },     { "AAL", 4 }, { "AUTHENTICATED", 20 },
    { "EXPIRES", 20 }, { "ADDRESS", 15 },  { "USER AGENT", 0 },
};

/* The members that the API's session has; nothing that would let anybody in. */
static json_t *session_json(kr_ctx_t *k, const kr_session_t *s, int active)
{
    json_t *device = json_pack("{s:o, s:o, s:o, s:o}", "id", kr_json_string(s->device_id), "ip_address",
                               kr_json_string(s->ip_address), "user_agent", kr_json_string(s->user_agent), "location",
                               kr_json_string(s->location));

    return kr_json_pack(k->pool, "{s:s, s:s, s:b, s:o, s:o, s:o, s:s, s:o, s:[o]}", "id", s->id, "identity_id",
                        s->identity_id, "active", active, "issued_at", kr_json_time(s->issued_at), "authenticated_at",
                        kr_json_time(s->authenticated_at), "expires_at", kr_json_time(s->expires_at),
                        "authenticator_assurance_level", kr_aal_name(s->aal), "authentication_methods",
                        json_incref(s->methods), "devices", device);
}

static void print_session(ctl_t *ctl, kr_ctx_t *k, const kr_session_t *s)
{
    const int active = s->active && s->expires_at > k->now;
    const char *cells[] = { s->id,
                            s->identity_id,
                            active ? "yes" : "no",
                            kr_aal_name(s->aal),
                            ctl_time(k->pool, s->authenticated_at),
                            ctl_time(k->pool, s->expires_at),
                            s->ip_address,
                            s->user_agent };

    if (ctl_json(ctl))
        ctl_print_json(k->pool, session_json(k, s, active));
    else
        ctl_print_row(ctl, k->pool, COLUMNS, cells, KR_DIM(cells));
}

static kr_err_t *list_page(char last[KR_UUID_LEN + 1], ctl_t *ctl, kr_ctx_t *k, void *baton, int count)
{
    const char *const *identity_id = baton, *id = NULL;
    apr_array_header_t *sessions;

    KR_TRY(kr_session_page(&sessions, k, *identity_id, ctl_flag(ctl, "--active"), last, count));
    for (int i = 0; i < sessions->nelts; i++) {
        print_session(ctl, k, &APR_ARRAY_IDX(sessions, i, kr_session_t));
        id = APR_ARRAY_IDX(sessions, i, kr_session_t).id;
    }
    ctl_went_to(last, sessions->nelts < count ? NULL : id);
    return NULL;
}

/* The identity of --identity. @param id NULL without that option */
static int option_identity(const char **id, ctl_t *ctl)
{
    const char *name = ctl_option(ctl, "--identity");
    kr_ctx_t *k = ctl_work(ctl);
    kr_err_t *err;

    *id = NULL;
    if (!name) return CTL_FINE;
    err = ctl_identity_id(id, k, name);
    kr_db_release(k);
    if (!err && !*id) err = kr_err(k, 404, NULL, "there is no such identity");
    return err ? ctl_error(ctl, err, name) : CTL_FINE;
}

int ctl_session_list(ctl_t *ctl)
{
    const char *identity_id;
    int status;

    if ((status = ctl_connect(ctl)) || (status = option_identity(&identity_id, ctl))) return status;
    return ctl_list_pages(ctl, list_page, &identity_id);
}

/* -- revoke -------------------------------------------------------------------- */

/** What --all has ended so far. */
typedef struct {
    apr_int64_t done;
} many_t;

static kr_err_t *revoke_page(char last[KR_UUID_LEN + 1], ctl_t *ctl, kr_ctx_t *k, void *baton, int count)
{
    many_t *many = baton;
    apr_array_header_t *ids;
    const char *to = NULL;
    apr_int64_t done = 0;

    (void)ctl;
    KR_TRY(kr_identity_page(&ids, k, NULL, last, count));
    if (ids->nelts) to = APR_ARRAY_IDX(ids, ids->nelts - 1, const char *);
    if (to) KR_TRY(kr_sessions_end_range(&done, k, last, to));
    many->done += done;
    ctl_went_to(last, ids->nelts < count ? NULL : to);
    return NULL;
}

static int revoke_all(apr_int64_t *revoked, ctl_t *ctl)
{
    char last[KR_UUID_LEN + 1] = "";
    many_t many = { 0 };
    const int status = ctl_all_pages(last, ctl, 0, revoke_page, &many);

    *revoked = many.done;
    return status;
}

static int revoke_of(apr_int64_t *revoked, ctl_t *ctl, const char *identity_id)
{
    kr_err_t *err = kr_sessions_end(revoked, ctl_work(ctl), identity_id);

    return err ? ctl_error(ctl, err, identity_id) : CTL_FINE;
}

static int revoke_named(apr_int64_t *revoked, ctl_t *ctl)
{
    kr_ctx_t *k = ctl_work(ctl);
    int status = CTL_FINE;

    for (int i = 0; ctl_arg(ctl, i); i++) {
        int done;
        kr_err_t *err = kr_session_revoke(&done, k, ctl_arg(ctl, i));

        if (err)
            status = ctl_error(ctl, err, ctl_arg(ctl, i));
        else
            *revoked += done;
    }
    return status;
}

int ctl_session_revoke(ctl_t *ctl)
{
    const int ways = (ctl->args->nelts > 0) + ctl_flag(ctl, "--identity") + ctl_flag(ctl, "--all");
    const char *identity_id;
    apr_int64_t revoked = 0;
    int status;

    if (ways != 1) return ctl_wrong(ctl, "say which: ids, or --identity ID, or --all");
    if ((status = ctl_connect(ctl)) || (status = option_identity(&identity_id, ctl))) return status;
    if (ctl->args->nelts) status = revoke_named(&revoked, ctl);
    else status = identity_id ? revoke_of(&revoked, ctl, identity_id) : revoke_all(&revoked, ctl);
    printf("%" APR_INT64_T_FMT " revoked\n", revoked);
    return status;
}
