/* SPDX-License-Identifier: Apache-2.0 */
/* The owner's tool beside httpd: reads its command line and runs one command. Links the same library as the module. */
#include <stdlib.h>

#include <apr_dbd.h>
#include <apr_general.h>

#include "ctl.h"
#include "kr_net.h"

static int run(ctl_t *ctl, int argc, const char *const *argv)
{
    int status;

    if (argc < 2) {
        ctl_help(ctl->pool, stderr, NULL);
        return CTL_USAGE;
    }
    if ((status = ctl_parse(ctl, argc, argv))) return status;
    if (ctl->wants_help) {
        ctl_help(ctl->pool, stdout, ctl->command ? ctl->command->name : ctl_arg(ctl, 0));
        return CTL_FINE;
    }
    return ctl->command->run(ctl);
}

int main(int argc, const char *const *argv)
{
    ctl_t ctl = { 0 };
    int status;

    if (apr_app_initialize(&argc, &argv, NULL) != APR_SUCCESS) return CTL_FAILED;
    atexit(apr_terminate);
    apr_pool_create(&ctl.pool, NULL);
    apr_dbd_init(ctl.pool);
    kr_net_init();
    ctl.given = apr_array_make(ctl.pool, 8, sizeof(ctl_given_t));
    ctl.args = apr_array_make(ctl.pool, 8, sizeof(const char *));
    status = run(&ctl, argc, argv);
    /* a full disk or a closed pipe: what was asked for was not delivered */
    if (status == CTL_FINE && (fflush(stdout) || ferror(stdout)))
        status = ctl_fail(&ctl, "the output could not be written");
    apr_pool_destroy(ctl.pool); /* before apr_terminate, which would take the connections away first */
    return status;
}
