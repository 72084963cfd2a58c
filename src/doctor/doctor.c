/* SPDX-License-Identifier: Apache-2.0 */
/* `apachectl configtest` as a doctor: what httpd and browsers would accept and yet would not work, with the cure. */
#include "exam.h"

#include <apr_strings.h>
#include <stdarg.h>

#include "kr_text.h"

void kr_advise(kr_exam_t *exam, const char *id, const char *where, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    APR_ARRAY_PUSH(exam->doctor->advice, const char *) =
        apr_pstrcat(exam->pool, id, where ? where : "", where ? ": " : "", apr_pvsprintf(exam->pool, fmt, args), NULL);
    va_end(args);
}

/* To stderr, with no server on purpose: see complain() in realms.c. */
void kr_forbid(kr_exam_t *exam, const char *id, const char *where, const char *fmt, ...)
{
    const char *text;
    va_list args;

    va_start(args, fmt);
    text = apr_pvsprintf(exam->pool, fmt, args);
    va_end(args);
    ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_CRIT, 0, NULL, "%s%s%s%s", id, where ? where : "", where ? ": " : "", text);
    exam->wrong++;
}

/* Advice stands in the error log as it stands here. */
static void show(const kr_doctor_t *doctor, int flags, const server_rec *s)
{
    for (int i = 0; i < doctor->advice->nelts; i++)
        ap_log_error(APLOG_MARK, flags | APLOG_WARNING, 0, s, "%s", APR_ARRAY_IDX(doctor->advice, i, const char *));
}

int kr_doctor_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    kr_site_t *site = kr_host_of(s)->site;
    kr_exam_t exam = { .pool = pconf, .ptemp = ptemp, .site = site, .main_server = s };

    (void)plog;
    site->doctor = exam.doctor = apr_pcalloc(pconf, sizeof(*exam.doctor));
    exam.doctor->advice = apr_array_make(pconf, 4, sizeof(const char *));
    if (!exam.site->tenants->nelts) return OK;
    kr_exam_scenes(&exam);
    for (int i = 0; i < exam.site->tenants->nelts; i++) {
        const kr_tenant_t *tenant = APR_ARRAY_IDX(exam.site->tenants, i, kr_tenant_t *);

        kr_exam_api(&exam, tenant);
        kr_exam_guard(&exam, tenant);
        kr_exam_way_in(&exam, tenant);
        kr_exam_asked(&exam, tenant);
        kr_exam_keys(&exam, tenant);
        kr_exam_callback(&exam, tenant);
    }
    kr_exam_keepers(&exam);
    kr_exam_neighbours(&exam);
    kr_exam_places(&exam);
    kr_exam_metrics(&exam);
    kr_exam_shown(&exam);
    kr_exam_machine(&exam);
    /* To stderr, with no server on purpose: see complain() in realms.c. */
    if (ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST) show(exam.doctor, APLOG_STARTUP, NULL);
    return exam.wrong ? !OK : OK;
}

int kr_doctor_tell(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)pconf;
    (void)plog;
    (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG) show(kr_host_of(s)->site->doctor, 0, s);
    return OK;
}
