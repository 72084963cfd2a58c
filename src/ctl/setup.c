/* SPDX-License-Identifier: Apache-2.0 */
/* Before a server starts: `check` a configuration, `migrate` a database. */
#include <string.h>

#include "ctl.h"
#include "kr_db.h"

int ctl_check(ctl_t *ctl)
{
    kr_draft_t *draft = kr_draft_make(ctl->pool);
    apr_array_header_t *findings = NULL;
    const kr_settings_t *settings;
    const char *why;

    for (int i = 0; ctl_arg(ctl, i); i++)
        if ((why = kr_draft_load(draft, ctl_arg(ctl, i)))) {
            ctl_note(ctl, "%s", why);
            return CTL_FAILED;
        }
    settings = kr_draft_finish(draft, ctl_flag(ctl, "--allow-unbuilt"), &findings);
    for (int i = 0; findings && i < findings->nelts; i++) {
        const kr_finding_t *f = &APR_ARRAY_IDX(findings, i, kr_finding_t);

        ctl_note(ctl, "%s: %s", f->fatal ? "error" : "warning", f->text);
    }
    if (settings) puts("the configuration is fine");
    return settings ? CTL_FINE : CTL_FAILED;
}

int ctl_migrate(ctl_t *ctl)
{
    const int apply = !ctl_flag(ctl, "--dry-run");
    apr_array_header_t *params = apr_array_make(ctl->pool, 1, sizeof(const char *));
    kr_realm_t realm = { .name = "kratosctl" };
    int pending = 0;
    kr_err_t *err;
    kr_ctx_t *k;

    for (int i = 1; ctl_arg(ctl, i); i++) APR_ARRAY_PUSH(params, const char *) = ctl_arg(ctl, i);
    realm.dbpool = ctl_pool(ctl, ctl_arg(ctl, 0), params);
    if (!realm.dbpool) return CTL_FAILED;
    ctl->realm = &realm;
    k = ctl_work(ctl);
    k->log_level = KR_LOG_NOTICE;
    err = kr_db_migrate(&pending, k, ctl_sql_dir(ctl), apply);
    apr_pool_destroy(k->pool); /* ends before the pool that holds the connections */
    ctl->realm = NULL;
    if (err) return ctl_error(ctl, err, "migrate");
    printf(apply ? "%d migration(s) applied\n" : "%d migration(s) pending\n", pending);
    return !apply && pending ? CTL_FAILED : CTL_FINE;
}
