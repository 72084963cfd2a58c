/* SPDX-License-Identifier: Apache-2.0 */
/* The records that directives fill: one of each server, one of each place, and how an inner one takes after the outer. */
#include "site.h"

#include <apr_strings.h>

void *kr_host_create(apr_pool_t *pool, server_rec *s)
{
    kr_host_t *host = apr_pcalloc(pool, sizeof(*host));

    (void)s;
    host->auto_migrate = host->allow_unbuilt = host->trust_forwarded = KR_UNSET;
    host->slots = host->slot_wait = host->slot_queue = KR_UNSET;
    host->session_cache = KR_UNSET;
    host->mentions = apr_array_make(pool, 2, sizeof(kr_mention_t));
    return host;
}

/* A virtual host takes from the server how data is kept, never whose it is: a realm has one home. */
void *kr_host_merge(apr_pool_t *pool, void *base_, void *add_)
{
    const kr_host_t *base = base_, *add = add_;
    kr_host_t *host = apr_pmemdup(pool, add, sizeof(*add));

    if (!add->driver) {
        host->driver = base->driver;
        host->params = base->params;
    }
    if (!add->pool_set) {
        host->pool_set = base->pool_set;
        host->min = base->min;
        host->keep = base->keep;
        host->max = base->max;
        host->expire = base->expire;
    }
    if (!add->sql_dir) host->sql_dir = base->sql_dir;
    if (!add->pages_dir) host->pages_dir = base->pages_dir;
    if (!add->audit) host->audit = base->audit;
    if (add->auto_migrate == KR_UNSET) host->auto_migrate = base->auto_migrate;
    if (add->allow_unbuilt == KR_UNSET) host->allow_unbuilt = base->allow_unbuilt;
    if (add->trust_forwarded == KR_UNSET) host->trust_forwarded = base->trust_forwarded;
    return host;
}

void *kr_place_create(apr_pool_t *pool, char *dir)
{
    kr_place_t *place = apr_pcalloc(pool, sizeof(*place));

    (void)dir;
    place->token = place->hide_cookie = place->upgrade_check = place->keep_post = place->diagnose = KR_UNSET;
    return place;
}

void *kr_place_merge(apr_pool_t *pool, void *base_, void *add_)
{
    const kr_place_t *base = base_, *add = add_;
    kr_place_t *place = apr_pmemdup(pool, add, sizeof(*add));

    if (!add->realm) place->realm = base->realm;
    if (add->diagnose == KR_UNSET) place->diagnose = base->diagnose;
    if (add->unauthenticated == KR_UNAUTH_UNSET) place->unauthenticated = base->unauthenticated;
    if (!add->exports) place->exports = base->exports;
    if (!add->user_field) place->user_field = base->user_field;
    if (add->token == KR_UNSET) {
        place->token = base->token;
        place->audience = base->audience;
    }
    if (add->hide_cookie == KR_UNSET) place->hide_cookie = base->hide_cookie;
    if (add->upgrade_check == KR_UNSET) place->upgrade_check = base->upgrade_check;
    if (add->keep_post == KR_UNSET) place->keep_post = base->keep_post;
    return place;
}

kr_host_t *kr_host_of(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &kratos_module);
}

const kr_place_t *kr_place_of(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &kratos_module);
}
