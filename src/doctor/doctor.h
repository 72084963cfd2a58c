/* SPDX-License-Identifier: Apache-2.0 */
/* The door of the doctor: what mod_kratos.c hooks in, and what the doctor keeps. */
#ifndef KR_DOCTOR_DOCTOR_H
#define KR_DOCTOR_DOCTOR_H

#include "../site/site.h"

/** What the doctor knows of a configuration. */
typedef struct kr_doctor_t {
    apr_array_header_t *advice;  /* of const char*, numbered lines */
    int diagnosable;             /* some place has the page for owners */
    const char *key;             /* of that page: of this start, the same in all children; NULL until post_config */
} kr_doctor_t;

/* -- doctor.c ------------------------------------------------------------- */

/** check_config, after all others: advice about what would start and yet not work; configtest shows it. */
int kr_doctor_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
/** post_config: the same into the error log. */
int kr_doctor_tell(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/* -- diagnose.c ----------------------------------------------------------- */

/** post_config: the key of the page for owners for this start, and the line in the error log that tells it. */
int kr_diagnose_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
/**
 * Content handler of that page: `SetHandler kratos-diagnose`, or `diagnose` among the built-in pages.
 * @return DECLINED where the request is for something else, or may not know that there is such a page
 */
int kr_diagnose(request_rec *r);

#endif
