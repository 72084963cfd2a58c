/* SPDX-License-Identifier: Apache-2.0 */
/* What the site stands on: database and its clock, schema, mail, and the versions of everything. */
#include "report.h"

#include <ap_mpm.h>
#include <ap_release.h>
#include <apr_strings.h>
#include <apr_version.h>
#include <apu_version.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#include "kr_audit.h"
#include "kr_clock.h"
#include "kr_store_look.h"
#include "kr_text.h"

#define CLOCKS_APART apr_time_from_sec(5)
#define SLOW_ANSWER apr_time_from_msec(50)
#define SLOW_MAIL apr_time_from_sec(300)

/* -- database ------------------------------------------------------------- */

static void look_at_pool(kr_report_t *report, int allowed)
{
    const kr_dbconf_t *conf = kr_dbpool_conf(report->tenant->database->pool);
    int threads = 1, children = 1, each;

    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &children);
    if (threads < 1) threads = 1;
    if (children < 1) children = 1;
    each = conf->max < threads ? conf->max : threads;
    if (allowed && each * children > allowed)
        kr_report(report, KR_LOOK, "Connections", "Raise max_connections of the database, or lower KratosDatabasePool.",
                  "up to %d (%d processes with %d each), and the database allows %d", each * children, children, each,
                  allowed);
    else
        kr_report(report, KR_FINE, "Connections", NULL, "%d to %d for each process (%d kept, idle ones closed after %d s)",
                  conf->min, conf->max, conf->keep, (int)apr_time_sec(conf->expire));
    kr_report(report, KR_FINE, "Hosts", NULL, "%d named in KratosDatabase", conf->params->nelts);
}

static void look_at_clock(kr_report_t *report, apr_time_t theirs, apr_time_t ours)
{
    const char *now = kr_time_rfc3339(report->r->pool, apr_time_from_sec(apr_time_sec(ours)));
    apr_time_t apart = llabs(theirs - ours);

    if (!theirs || kr_dbpool_is_sqlite(report->tenant->database->pool))
        kr_report(report, KR_FINE, "Clock", NULL, "%s", now);
    else if (apart > CLOCKS_APART)
        kr_report(report, KR_LOOK, "Clock", "Set both clocks by NTP (timedatectl set-ntp true).",
                  "%s here; that of the database is %d s %s", now, (int)apr_time_sec(apart),
                  theirs > ours ? "ahead" : "behind");
    else
        kr_report(report, KR_FINE, "Clock", NULL, "%s, and the database agrees", now);
}

/* Asked twice: the first time may have to connect. */
static int look_at_database(kr_report_t *report)
{
    const kr_database_t *database = report->tenant->database;
    kr_look_server_t server;
    apr_time_t began, took;

    report->group = "Database";
    if (kr_store_look_server(&server, report->k)) {
        kr_report(report, KR_BROKEN, "Database",
                  "See why in the error log (KR0400 and next to it). Is it running, and are KratosDatabase's host, user and "
                  "password right?", "%s: cannot be used; requests are answered 503", database->driver);
        return 0;
    }
    look_at_clock(report, server.clock, kr_clock_now());
    began = kr_clock_ticks();
    if (kr_db_ping(report->k)) return 0;
    took = kr_clock_ticks() - began;
    kr_report(report, took > SLOW_ANSWER ? KR_LOOK : KR_FINE, "Database",
              took > SLOW_ANSWER ? "Each request asks it at least once: bring it nearer, or look what keeps it busy." : NULL,
              "%s %s, answers in %d.%d ms", database->driver, server.version, (int)(took / 1000), (int)(took / 100 % 10));
    look_at_pool(report, server.connections);
    return 1;
}

static int look_at_schema(kr_report_t *report)
{
    int pending = 0, applied = 0, newest = 0;

    if (kr_db_migrate(&pending, report->k, report->k->realm->sql_dir, 0)) {
        kr_report(report, KR_BROKEN, "Schema", "See the error log.", "cannot be read");
        return 0;
    }
    if (pending) {
        kr_report(report, KR_BROKEN, "Schema", "Run kratosctl migrate, or say KratosAutoMigrate On.",
                  "%d migration(s) are pending; requests are answered 503", pending);
        return 0;
    }
    if (kr_store_look_migrations(&applied, &newest, report->k)) return 0;
    kr_report(report, KR_FINE, "Schema", NULL, "version %d, all %d migration(s) applied", newest, applied);
    return 1;
}

/* -- mail ----------------------------------------------------------------- */

static int needs_mail(const kr_settings_t *settings)
{
    return settings->flow[KR_FLOW_RECOVERY].enabled || settings->flow[KR_FLOW_VERIFICATION].enabled ||
           (settings->method_enabled[KR_METHOD_CODE] && (settings->code_passwordless || settings->code_mfa));
}

static void look_at_mail(kr_report_t *report)
{
    const kr_mail_conf_t *mail = &report->k->realm->settings->mail;
    kr_look_queue_t queue;
    apr_time_t age;

    report->group = "Mail";
    if (!kr_mail_carried(mail, "email") && !needs_mail(report->k->realm->settings))
        kr_report(report, KR_FINE, "Mail server", NULL, "none, and no flow that is enabled needs one");
    else if (!kr_mail_carried(mail, "email"))
        kr_report(report, KR_LOOK, "Mail server", "Set courier.smtp.connection_uri, or courier.delivery_strategy http.",
                  "none: codes and links wait in the queue and never arrive");
    else if (mail->by_http)
        kr_report(report, KR_FINE, "Mail server", NULL, "an HTTP service takes all mail");
    else if (mail->folder)
        kr_report(report, KR_LOOK, "Mail server", "Set courier.smtp.connection_uri to your mail server before going live.",
                  "a folder: mail becomes files and never leaves this machine");
    else
        kr_report(report, KR_FINE, "Mail server", NULL, "set; sender %s", mail->from_address ? mail->from_address : "default");
    if (mail->sms) kr_report(report, KR_FINE, "Text messages", NULL, "an HTTP service takes them");
    if (kr_store_look_queue(&queue, report->k)) return;
    age = queue.oldest ? report->k->now - queue.oldest : 0;
    if (age > SLOW_MAIL)
        kr_report(report, KR_LOOK, "Queue", "Is the mail server up? The error log says what it answered (KR0504, KR0505).",
                  "%" APR_INT64_T_FMT " waiting, the oldest for %d min", queue.queued, (int)(apr_time_sec(age) / 60));
    else
        kr_report(report, KR_FINE, "Queue", NULL, "%" APR_INT64_T_FMT " waiting", queue.queued);
    kr_report(report, queue.abandoned ? KR_LOOK : KR_FINE, "Given up",
              queue.abandoned ? "The error log (KR0503) says why." : NULL, "%" APR_INT64_T_FMT, queue.abandoned);
}

/* -- software ------------------------------------------------------------- */

static void look_at_memory(kr_report_t *report)
{
    const kr_realm_t *realm = report->tenant->realm;

    if (!realm->cache)
        kr_report(report, KR_FINE, "Sessions", NULL, "none remembered: each request asks the database (KratosSessionCache off)");
    else if (kr_trust_holds(realm->trust))
        kr_report(report, KR_FINE, "Sessions", NULL, "remembered: what was read of them counts for two seconds at the most after a change elsewhere");
    else
        kr_report(report, KR_LOOK, "Sessions", "Some seconds after a start this is as it should be. Else: the error log says why the database does not answer.",
                  "not remembered now, as it is not known what other servers do; each request asks the database");
}

static void look_at_software(kr_report_t *report)
{
    const kr_hashing_t hashing = kr_host_of(report->r->server)->site->hashing;
    int threads = 0, children = 0;

    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &children);
    report->group = "Software";
    kr_report(report, KR_FINE, "httpd", NULL, "%s, MPM %s: up to %d processes with %d thread(s)",
              ap_get_server_description(), ap_show_mpm(), children, threads > 1 ? threads : 1);
    kr_report(report, KR_FINE, "Passwords", NULL, "%d hashed at once, %d more may wait; %d workers in all", hashing.slots, hashing.queue,
              hashing.workers);
    look_at_memory(report);
    kr_report(report, KR_FINE, "mod_kratos", NULL, "built for %s", AP_SERVER_BASEVERSION);
    kr_report(report, KR_FINE, "APR", NULL, "%s, APR-util %s", apr_version_string(), apu_version_string());
    kr_report(report, KR_FINE, "OpenSSL", NULL, "%s", OpenSSL_version(OPENSSL_VERSION));
    kr_report(report, KR_FINE, "jansson", NULL, "%s", jansson_version_str());
    kr_report(report, KR_FINE, "Realm", NULL, "%s, settings at %s", report->tenant->realm->name, report->tenant->where);
}

/* -- what is written down --------------------------------------------------- */

static void look_at_audit(kr_report_t *report)
{
    kr_audit_figures_t figures;

    report->group = "Audit";
    if (!report->k->realm->audit) {
        kr_report(report, KR_FINE, "Audit stream", "KratosAudit FILE writes down who signed in, failed to, and changed what (docs/audit.md).", "off");
        return;
    }
    figures = kr_audit_figures(report->k->realm->audit);
    kr_report(report, figures.lost ? KR_LOOK : KR_FINE, "Audit stream", figures.lost ? "Is its disk full? See KR1101 in the error log." : NULL,
              "%s: %" APR_UINT64_T_FMT " line(s) since the start, %" APR_UINT64_T_FMT " lost", figures.path, figures.written, figures.lost);
}

void kr_report_parts(kr_report_t *report)
{
    if (look_at_database(report) && look_at_schema(report)) look_at_mail(report);
    look_at_audit(report);
    look_at_software(report);
}
