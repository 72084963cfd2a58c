/* SPDX-License-Identifier: Apache-2.0 */
/* The owner's tool beside httpd: apply migrations, check a configuration. Links the same library as the module. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_dbd.h>
#include <apr_general.h>

#include "kr_config.h"
#include "kr_db.h"
#include "kr_text.h"

#ifndef KR_SQL_DIR
#define KR_SQL_DIR "/usr/share/kratos/sql"
#endif

enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static int usage(FILE *to)
{
    fputs("kratosctl: the owner's tool of mod_kratos\n"
          "\n"
          "  kratosctl migrate [--dry-run] [--sql DIR] DRIVER PARAMS [PARAMS...]\n"
          "      Apply pending migrations; DRIVER and PARAMS as in KratosDatabase. Safe while others do the same.\n"
          "      --dry-run only tells how many are pending (exit status 1 when there are any).\n"
          "  kratosctl check [--allow-unbuilt] FILE\n"
          "      Check a kratos.yml as httpd does at its start.\n"
          "  kratosctl help\n"
          "\n"
          "Exit status: 0 fine, 1 failed, 2 wrong use.\n", to);
    return to == stdout ? EXIT_FINE : EXIT_USAGE;
}

/* -- migrate -------------------------------------------------------------- */

static int migrate(apr_pool_t *pool, int argc, const char *const *argv)
{
    const char *sql_dir = KR_SQL_DIR, *why = NULL;
    kr_dbconf_t conf = { .min = 0, .keep = 1, .max = 1, .wait = apr_time_from_sec(5) };
    kr_realm_t realm = { .name = "kratosctl" };
    apr_array_header_t *params = apr_array_make(pool, 1, sizeof(const char *));
    int apply = 1, pending = 0, i = 0;
    apr_pool_t *work;
    kr_ctx_t *k;
    kr_err_t *err;

    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--dry-run") == 0) apply = 0;
        else if (strcmp(argv[i], "--sql") == 0 && i + 1 < argc) sql_dir = argv[++i];
        else return usage(stderr);
    }
    if (argc - i < 2) return usage(stderr);
    conf.driver = argv[i++];
    for (; i < argc; i++) APR_ARRAY_PUSH(params, const char *) = argv[i];
    conf.params = params;
    realm.dbpool = kr_dbpool_make(pool, &conf, NULL, &why);
    if (!realm.dbpool || kr_dbpool_open(realm.dbpool, pool)) {
        fprintf(stderr, "kratosctl: %s\n", why ? why : "the database pool could not be made");
        return EXIT_FAILED;
    }
    apr_pool_create(&work, pool); /* ends before the pool that holds the connections */
    k = kr_ctx_make(work, &realm, KR_LOG_NOTICE);
    err = kr_db_migrate(&pending, k, sql_dir, apply);
    if (err) {
        fprintf(stderr, "kratosctl: migrate: %s\n", err->reason ? err->reason : "failed");
        return EXIT_FAILED;
    }
    printf(apply ? "%d migration(s) applied\n" : "%d migration(s) pending\n", pending);
    return !apply && pending ? EXIT_FAILED : EXIT_FINE;
}

/* -- check ---------------------------------------------------------------- */

static int check(apr_pool_t *pool, int argc, const char *const *argv)
{
    const int allow_unbuilt = argc == 2 && strcmp(argv[0], "--allow-unbuilt") == 0;
    kr_draft_t *draft = kr_draft_make(pool);
    apr_array_header_t *findings = NULL;
    const kr_settings_t *settings;
    const char *why;

    if (argc != 1 + allow_unbuilt) return usage(stderr);
    if ((why = kr_draft_load(draft, argv[allow_unbuilt]))) {
        fprintf(stderr, "%s\n", why);
        return EXIT_FAILED;
    }
    settings = kr_draft_finish(draft, allow_unbuilt, &findings);
    for (int i = 0; findings && i < findings->nelts; i++) {
        const kr_finding_t *f = &APR_ARRAY_IDX(findings, i, kr_finding_t);

        fprintf(stderr, "%s: %s\n", f->fatal ? "error" : "warning", f->text);
    }
    if (settings) puts("the configuration is fine");
    return settings ? EXIT_FINE : EXIT_FAILED;
}

int main(int argc, const char *const *argv)
{
    static const struct { const char *name; int (*run)(apr_pool_t *pool, int argc, const char *const *argv); } commands[] = {
        { "migrate", migrate },
        { "check", check },
    };
    apr_pool_t *pool;
    int status;

    if (apr_app_initialize(&argc, &argv, NULL) != APR_SUCCESS) return EXIT_FAILED;
    atexit(apr_terminate);
    if (argc < 2) return usage(stderr);
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0) return usage(stdout);
    for (int i = 0; i < KR_DIM(commands); i++)
        if (strcmp(commands[i].name, argv[1]) == 0) {
            apr_pool_create(&pool, NULL);
            apr_dbd_init(pool);
            status = commands[i].run(pool, argc - 2, argv + 2);
            apr_pool_destroy(pool); /* before apr_terminate, which would take the connections away first */
            return status;
        }
    return usage(stderr);
}
