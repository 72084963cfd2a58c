/* SPDX-License-Identifier: Apache-2.0 */
/* Can security keys and passkeys be used where the pages are? They are bound to a domain, and what they say to an origin (WebAuthn, 5.1). */
#include "exam.h"

#include <apr_strings.h>

#include "kr_text.h"

/** A method, and a server with the pages of its realm. */
typedef struct {
    kr_exam_t *exam;
    const kr_tenant_t *tenant;
    const char *key;           /* what the paths of the method's settings begin with */
    const kr_webauthn_conf_t *conf;
    const kr_scene_t *scene;
} keys_t;

static void advise_domain(const keys_t *keys, const char *name)
{
    const char *rp_id = keys->conf->rp_id, *shared = kr_domain_shared(keys->exam->ptemp, rp_id, name);

    kr_advise(keys->exam, KRLOGNO(1286), keys->scene->where,
              "%s has the pages of realm %s, but %s.config.rp.id is %s, and browsers use no key of that domain there: %s", name,
              keys->tenant->realm->name, keys->key, rp_id,
              shared ? apr_psprintf(keys->exam->ptemp, "redirect this name to one of that domain, or write rp.id %s, to which keys that "
                                                       "people have already are not bound", shared)
                     : "redirect this name to one of that domain, as none covers both, or correct rp.id");
}

static int is_listed(const apr_array_header_t *origins, const char *origin)
{
    for (int i = 0; i < origins->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(origins, i, const char *), origin)) return 1;
    return 0;
}

/* As browsers write it. */
static const char *origin_of(const keys_t *keys, const char *name, int port)
{
    const char *scheme = keys->scene->tls ? "https" : "http";

    if (!port || port == (keys->scene->tls ? 443 : 80)) return apr_pstrcat(keys->exam->pool, scheme, "://", name, NULL);
    return apr_psprintf(keys->exam->pool, "%s://%s:%d", scheme, name, port);
}

static void check_origin(const keys_t *keys, const char *name, int port)
{
    const char *origin = origin_of(keys, name, port);

    if (is_listed(keys->conf->origins, origin)) return;
    kr_advise(keys->exam, KRLOGNO(1287), keys->scene->where,
              "%s has the pages of realm %s, but is not among %s.config.rp.origins: what a key says there is refused; add \"%s\", or "
              "redirect all of it to one that is", origin, keys->tenant->realm->name, keys->key, origin);
}

static void check_name(const keys_t *keys, const char *given)
{
    char *name = apr_pstrdup(keys->exam->pool, given);

    ap_str_tolower(name);
    if (!kr_domain_covers(keys->conf->rp_id, name)) {
        advise_domain(keys, name);
        return;
    }
    /* without TLS browsers have keys on this very machine only, and the pages are seldom meant to be used so */
    if (!keys->scene->tls && !kr_host_is_loopback(name)) return;
    for (int i = 0; i < keys->scene->ports->nelts; i++) check_origin(keys, name, APR_ARRAY_IDX(keys->scene->ports, i, int));
}

/* -- where the pages are ------------------------------------------------------- */

static const kr_spot_t *pages_of(const kr_exam_t *exam, const kr_scene_t *scene, const kr_tenant_t *tenant)
{
    for (int i = 0; i < scene->spots->nelts; i++) {
        const kr_spot_t *spot = &APR_ARRAY_IDX(scene->spots, i, kr_spot_t);

        if (spot->has == KR_HAS_PAGES && kr_spot_tenant(exam, scene, spot) == tenant) return spot;
    }
    return NULL;
}

/* Do the settings send people to this server? */
static int is_led_to(const kr_exam_t *exam, const kr_scene_t *scene, const kr_settings_t *settings)
{
    kr_url_t url;

    for (int kind = 0; kind < KR_FLOW_KINDS; kind++)
        if (settings->flow[kind].enabled && kr_url_parse(&url, exam->ptemp, settings->flow[kind].ui_url) && url.host &&
            kr_scene_named(scene, kr_host_name(exam->ptemp, url.host)))
            return 1;
    return 0;
}

/* A line that several servers have, as those outside of virtual hosts, puts pages where nobody looks for them. */
static int is_own(const kr_exam_t *exam, const kr_scene_t *scene, const kr_spot_t *pages)
{
    for (int i = 0; i < exam->scenes->nelts; i++) {
        const kr_scene_t *other = &APR_ARRAY_IDX(exam->scenes, i, kr_scene_t);

        for (int j = 0; other != scene && j < other->spots->nelts; j++)
            if (!strcmp(APR_ARRAY_IDX(other->spots, j, kr_spot_t).where, pages->where)) return 0;
    }
    return 1;
}

static void check_scene(const keys_t *keys)
{
    const apr_array_header_t *aliases = keys->scene->steers ? NULL : keys->scene->s->names;
    const kr_spot_t *pages = pages_of(keys->exam, keys->scene, keys->tenant);

    if (!pages || !keys->scene->name || kr_scene_behind_proxy(keys->scene)) return;
    if (!is_own(keys->exam, keys->scene, pages) && !is_led_to(keys->exam, keys->scene, keys->tenant->realm->settings)) return;
    check_name(keys, keys->scene->name);
    for (int i = 0; aliases && i < aliases->nelts; i++) check_name(keys, APR_ARRAY_IDX(aliases, i, const char *));
}

void kr_exam_keys(kr_exam_t *exam, const kr_tenant_t *tenant)
{
    const kr_settings_t *settings = tenant->realm->settings;
    keys_t all[] = {
        { exam, tenant, "selfservice.methods.passkey", settings->method_enabled[KR_METHOD_PASSKEY] ? &settings->passkey : NULL, NULL },
        { exam, tenant, "selfservice.methods.webauthn", settings->method_enabled[KR_METHOD_WEBAUTHN] ? &settings->webauthn : NULL, NULL },
    };

    for (int i = 0; i < exam->scenes->nelts; i++)
        for (int j = 0; j < KR_DIM(all); j++) {
            all[j].scene = &APR_ARRAY_IDX(exam->scenes, i, kr_scene_t);
            if (all[j].conf && all[j].conf->rp_id) check_scene(&all[j]);
        }
}
