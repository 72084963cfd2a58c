/* SPDX-License-Identifier: Apache-2.0 */
/* Tests make things grow old without waiting: KRATOS_TEST_CLOCK in httpd's environment names the file that says how far. */
#include "site.h"

#include <stdlib.h>

#include "kr_clock.h"

int kr_test_clock_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const char *file = getenv("KRATOS_TEST_CLOCK");
    apr_status_t rv;

    (void)plog;
    (void)ptemp;
    if (!file || ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) return OK;
    rv = kr_clock_follow(file, pconf);
    if (rv == APR_SUCCESS)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     KRLOGNO(1213) "KRATOS_TEST_CLOCK is set: the time is what %s makes of it; for tests only", file);
    else
        ap_log_error(APLOG_MARK, APLOG_EMERG, rv, s, KRLOGNO(1214) "KRATOS_TEST_CLOCK: %s cannot be used", file);
    return rv == APR_SUCCESS ? OK : HTTP_INTERNAL_SERVER_ERROR;
}
