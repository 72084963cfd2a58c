/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module: its record, its hooks, and what its children do in the background. A table of contents; what each does is in
 * src/site, and above that in src/gate, src/doctor and src/httpd, which do not know each other.
 */
#include "src/doctor/doctor.h"
#include "src/gate/gate.h"
#include "src/httpd/background.h"
#include "src/httpd/handler.h"
#include "src/httpd/metrics.h"
#include "src/site/site.h"

#include <http_protocol.h>
#include <http_request.h>
#include <jansson.h>
#include <mod_status.h>
#include <mpm_common.h>

#include "kr_text.h"

static int before_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    json_object_seed(0); /* jansson would do it at its first object, but that may be in two threads at once */
    kr_gate_register(pconf);
    return OK;
}

static const kr_job_t JOBS[] = {
    { .every = 3, .breaks_off = 1, .run = kr_database_retry },
    { .every = 60, .run = kr_sweep },
    { .every = 1, .run = kr_tell },
    { .every = 1, .apart = 1, .run = kr_feed },
    { .every = 1, .apart = 1, .to_the_end = 1, .run = kr_tunnels_check },
};

static void start_child(apr_pool_t *pchild, server_rec *s)
{
    kr_site_child(pchild, s);
    kr_tunnels_start(pchild, s);
    kr_background_start(pchild, s, JOBS, KR_DIM(JOBS));
}

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    /* FIRST: mod_authz_core looks for our Require provider while it reads the configuration. */
    ap_hook_pre_config(before_config, NULL, NULL, APR_HOOK_FIRST);
    /* check_config, not post_config: `apachectl configtest` gets this far and no further. */
    ap_hook_check_config(kr_site_check, NULL, NULL, APR_HOOK_MIDDLE);
    /* LAST: the MPM has settled how many threads there are by then. */
    ap_hook_check_config(kr_doctor_check, NULL, NULL, APR_HOOK_LAST);
    /* FIRST: before anybody at start asks what time it is. */
    ap_hook_post_config(kr_test_clock_start, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_post_config(kr_doctor_tell, NULL, NULL, APR_HOOK_FIRST);
    /* MIDDLE: mod_unixd has read User and Group by then. */
    ap_hook_post_config(kr_site_start, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(kr_sweep_start, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(kr_tell_start, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(kr_metrics_start, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(kr_feed_start, NULL, NULL, APR_HOOK_MIDDLE);
    /* LAST: no key is told of a site that does not start. */
    ap_hook_post_config(kr_diagnose_start, NULL, NULL, APR_HOOK_LAST);
    /* MIDDLE: nothing of another module's is needed in a child. */
    ap_hook_child_init(start_child, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_stopping(kr_site_stop, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_stopping(kr_background_stop, NULL, NULL, APR_HOOK_MIDDLE);

    /* FIRST: the server's own RewriteRules, SetEnvIf and the like must not see what a client says about itself. */
    ap_hook_post_read_request(kr_gate_strip, NULL, NULL, APR_HOOK_FIRST);
    /* FIRST: mod_auth_basic and its kind would answer in our place. It stands aside where AuthType names another. */
    ap_hook_check_authn(kr_gate_authn, NULL, NULL, APR_HOOK_FIRST, AP_AUTH_INTERNAL_PER_CONF);
    /* REALLY_FIRST: it asks the others itself, mod_authz_core above all, to answer in its own words. */
    ap_hook_check_authz(kr_gate_authz, NULL, NULL, APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);
    /* MIDDLE: the name is ours alone. */
    ap_hook_expr_lookup(kr_expr_lookup, NULL, NULL, APR_HOOK_MIDDLE);
    /* Before REALLY_FIRST: what looks into bodies there (mod_security) is to see the form, and not the answer to our question. */
    ap_hook_fixups(kr_gate_resume, NULL, NULL, APR_HOOK_REALLY_FIRST - 10);
    kr_replay_register();
    /* FIRST: mod_headers and per-directory RewriteRules run in fixups too, and want to read our variables. */
    ap_hook_fixups(kr_gate_export, NULL, NULL, APR_HOOK_FIRST);
    /* REALLY_LAST: by then a RewriteRule has said whether the request is going to be proxied. */
    ap_hook_fixups(kr_gate_hide, NULL, NULL, APR_HOOK_REALLY_LAST);
    /* MIDDLE: before mod_headers (LAST), so that our filter comes after its own and sees what those lines set. */
    kr_gate_register_filter();
    ap_hook_insert_filter(kr_gate_filter, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_insert_error_filter(kr_gate_filter, NULL, NULL, APR_HOOK_MIDDLE);
    /* FIRST: the page for owners is one of the built-in pages' paths for those who may see it, and declined for all others. */
    ap_hook_handler(kr_diagnose, NULL, NULL, APR_HOOK_FIRST);
    /* MIDDLE: SetHandler named us; nobody else wants it. */
    ap_hook_handler(kr_handler, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(kr_metrics_handler, NULL, NULL, APR_HOOK_MIDDLE);
    /* MIDDLE: where mod_status is loaded, its page has a section of ours. */
    APR_OPTIONAL_HOOK(ap, status_hook, kr_metrics_status, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA kratos_module = {
    STANDARD20_MODULE_STUFF, kr_place_create, kr_place_merge, kr_host_create,
    kr_host_merge,           kr_directives,   register_hooks, 0, /* flags */
};
