/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the page for owners share: a report of findings, who fills it and who shows it. */
#ifndef KR_DOCTOR_REPORT_H
#define KR_DOCTOR_REPORT_H

#include "doctor.h"

/** How a finding is to be taken. */
typedef enum { KR_FINE, KR_LOOK, KR_BROKEN } kr_health_e;

/** One finding. Never holds a secret: neither tokens nor the parameters of the database. */
typedef struct {
    const char *group;    /* heading it stands under */
    const char *name;     /* what was looked at */
    kr_health_e state;
    const char *value;    /* what was seen, in words */
    const char *fix;      /* what to do; NULL: nothing */
} kr_line_t;

/** The report of one visit. */
typedef struct {
    request_rec *r;
    kr_ctx_t *k;
    const kr_tenant_t *tenant;
    const char *group;         /* for the next lines */
    apr_array_header_t *lines; /* of kr_line_t */
} kr_report_t;

/** Add a line to the current group. @param fix  NULL: nothing to do */
void kr_report(kr_report_t *report, kr_health_e state, const char *name, const char *fix, const char *fmt, ...)
    KR_PRINTF(5, 6);
/** The worst state of all lines. */
kr_health_e kr_report_state(const kr_report_t *report);

/** Address, scheme, proxy and cookies of this visit against the settings (diagnose_visit.c). */
void kr_report_visit(kr_report_t *report);
/** Database, clock, mail and software (diagnose_parts.c). */
void kr_report_parts(kr_report_t *report);

/** The sites that people sign in with (diagnose_sites.c). Waits for them, 10 s at most; no database handle may be held. */
void kr_report_sites(kr_report_t *report);

/** The report as a page (diagnose_page.c). @param home  path below which the style sheet of the pages is */
const char *kr_report_html(const kr_report_t *report, const char *home);
/** The report as JSON, for programs. */
const char *kr_report_json(const kr_report_t *report);

#endif
