/* SPDX-License-Identifier: Apache-2.0 */
/* The sites that people sign in with: what has to be entered there, whether they answer, and by which clock. */
#include "report.h"

#include <apr_strings.h>
#include <stdlib.h>

#include "kr_clock.h"
#include "kr_provider.h"
#include "kr_text.h"

#define CLOCKS_APART apr_time_from_sec(60) /* tokens are good from their first second on, and not before */
#define WAIT apr_time_from_sec(10)         /* for all of them together */

static void look_at_clock(kr_report_t *report, const kr_oidc_provider_conf_t *conf, const kr_provider_looked_t *looked)
{
    const apr_time_t apart = looked->clock ? llabs(looked->clock - looked->here) : 0;

    if (apart > CLOCKS_APART)
        kr_report(report, KR_LOOK, "Its clock", "ID tokens are refused when clocks differ: set the one here by NTP (timedatectl set-ntp true).",
                  "that of %s is %d s %s", conf->id, (int)apr_time_sec(apart), looked->clock > looked->here ? "ahead" : "behind");
}

static void look_at(kr_report_t *report, const kr_oidc_provider_conf_t *conf, apr_time_t until)
{
    apr_pool_t *pool = report->r->pool;
    kr_provider_looked_t looked;

    kr_report(report, KR_FINE, conf->id, NULL, "%s; redirect URI to enter there: %s", conf->provider,
              kr_provider_redirect_uri(pool, report->k->realm->settings, conf));
    kr_provider_look(&looked, report->k, conf, until);
    if (looked.wrong)
        kr_report(report, KR_BROKEN, "Discovery", apr_psprintf(pool, "Try `curl %s` on this machine, and compare issuer_url.", looked.asked),
                  "%s: %s", looked.asked, looked.wrong);
    else if (looked.asked) kr_report(report, KR_FINE, "Discovery", NULL, "%s answers", looked.asked);
    look_at_clock(report, conf, &looked);
}

void kr_report_sites(kr_report_t *report)
{
    const kr_settings_t *settings = report->k->realm->settings;
    const apr_array_header_t *providers = settings->oidc.providers;
    const apr_time_t until = kr_clock_ticks() + WAIT;

    if (!settings->method_enabled[KR_METHOD_OIDC] || !providers) return;
    report->group = "Sites to sign in with";
    for (int i = 0; i < providers->nelts; i++) look_at(report, &APR_ARRAY_IDX(providers, i, const kr_oidc_provider_conf_t), until);
}
