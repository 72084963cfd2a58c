/* SPDX-License-Identifier: Apache-2.0 */
/* `kratosctl export`: all accounts of a realm, as `import` takes them. */
#include <string.h>

#include "ctl.h"
#include "kr_credential.h"

/** An export as it goes on. */
typedef struct {
    int with_credentials;
    apr_int64_t exported;
    apr_int64_t partial; /* with credentials of types that no import takes */
} export_t;

/* What stands in the traits comes back with them. */
static int has_others(kr_ctx_t *k, const kr_identity_t *identity)
{
    for (int i = 0; i < identity->credentials->nelts; i++) {
        const kr_credential_t *c = &APR_ARRAY_IDX(identity->credentials, i, const kr_credential_t);
        const kr_credential_kind_t *kind = kr_credential_kind(c->type);

        if (!kind || (!kind->derive && kr_credential_factors(k, c) && !(kind->exported && kind->exported(k, identity, c)))) return 1;
    }
    return 0;
}

static void export_one(void *baton, kr_ctx_t *k, const kr_identity_t *identity)
{
    export_t *out = baton;

    ctl_print_json(k->pool, ctl_identity_document(k, identity, out->with_credentials));
    out->exported++;
    if (out->with_credentials) out->partial += has_others(k, identity);
}

static kr_err_t *export_page(char last[KR_UUID_LEN + 1], ctl_t *ctl, kr_ctx_t *k, void *baton, int count)
{
    (void)ctl;
    return ctl_identity_page(last, k, NULL, count, export_one, baton);
}

int ctl_export(ctl_t *ctl)
{
    export_t out = { .with_credentials = ctl_flag(ctl, "--with-credentials") };
    char last[KR_UUID_LEN + 1] = "";
    int status = ctl_connect(ctl);

    if (!status) status = ctl_all_pages(last, ctl, 0, export_page, &out);
    if (status) return status;
    ctl_note(ctl, "%" APR_INT64_T_FMT " exported", out.exported);
    if (out.partial)
        ctl_note(ctl, "%" APR_INT64_T_FMT " of them have ways to sign in that are not part of it: what is hashed or sealed for this realm "
                 "stays in it", out.partial);
    return CTL_FINE;
}
