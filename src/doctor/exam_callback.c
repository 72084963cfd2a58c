/* SPDX-License-Identifier: Apache-2.0 */
/* Do browsers that come back from a site that people sign in with arrive, with the cookie by which they left? Nobody is asked for it. */
#include "exam.h"

#include <apr_strings.h>

#include "kr_provider.h"
#include "kr_text.h"

/** Where they come back to. */
typedef struct {
    kr_exam_t *exam;
    const kr_tenant_t *tenant;
    const char *uri;   /* of one of the providers */
    const char *base;  /* and what it is made of */
    const char *key;   /* the setting that says that */
    kr_url_t url;
    const char *name;  /* its host */
} callback_t;

static int has_api(const callback_t *c, const kr_scene_t *scene)
{
    for (int i = 0; i < scene->spots->nelts; i++) {
        const kr_spot_t *spot = &APR_ARRAY_IDX(scene->spots, i, kr_spot_t);

        if (spot->has == KR_HAS_API && kr_spot_tenant(c->exam, scene, spot) == c->tenant && kr_spot_covers(spot, c->url.path)) return 1;
    }
    return 0;
}

/* The answer carries a code, and few providers send it where others may read it. */
static void check_scheme(const callback_t *c)
{
    if (strcmp(c->url.scheme, "http") != 0 || kr_host_is_loopback(c->name)) return;
    kr_advise(c->exam, KRLOGNO(1288), c->tenant->where,
              "realm %s: sites that people sign in with are to send browsers back to %s, which is not encrypted: most refuse that, and whoever "
              "listens on the way takes over the sign-in; write https:// in %s", c->tenant->realm->name, c->uri, c->key);
}

/* The cookie of who leaves is of the one host. A server there that has no API may lead on to it. */
static void check_host(const callback_t *c)
{
    const char *home = c->tenant->realm->settings->base_url;
    kr_url_t url;

    if (!kr_url_parse(&url, c->exam->ptemp, home) || !url.host || !strcmp(kr_host_name(c->exam->ptemp, url.host), c->name)) return;
    for (int i = 0; i < c->exam->scenes->nelts; i++) {
        const kr_scene_t *scene = &APR_ARRAY_IDX(c->exam->scenes, i, kr_scene_t);

        if (kr_scene_named(scene, c->name) && !has_api(c, scene)) return;
    }
    kr_advise(c->exam, KRLOGNO(1289), c->tenant->where,
              "realm %s: browsers leave from %s and come back to %s (%s), where they do not show the cookie by which they left: nobody gets in by "
              "another site; take that setting out, or redirect these paths of %s to the first", c->tenant->realm->name, home, c->base, c->key,
              c->name);
}

static const char *refusal(const kr_ruling_t *ruling)
{
    if (ruling->rule == KR_RULE_GATED) return "asks for a session first";
    return ruling->rule == KR_RULE_SHUT ? "lets nobody in" : NULL;
}

/* What keeps strangers from the whole API is the business of exam_way_in.c. */
static void check_door(const callback_t *c, const kr_scene_t *scene)
{
    const char *start = apr_pstrcat(c->exam->ptemp, c->tenant->realm->base_path, "/self-service/login/browser", NULL);
    kr_ruling_t ruling, there;

    kr_rules_for(&ruling, c->exam, scene, c->url.path);
    kr_rules_for(&there, c->exam, scene, start);
    if (!refusal(&ruling) || ruling.rule == there.rule) return;
    kr_advise(c->exam, KRLOGNO(1293), ruling.where,
              "sites that people sign in with send browsers back to %s, and this section %s: put `Require all granted` into a <Location> for that "
              "path that stands after it", c->uri, refusal(&ruling));
}

static void check_path(const callback_t *c, const kr_scene_t *scene)
{
    const char *where = kr_rules_taken(c->exam, scene, c->url.path);

    if (where)
        kr_advise(c->exam, KRLOGNO(1294), where,
                  "sites that people sign in with send browsers back to %s, but this line takes them elsewhere: put `ProxyPass \"%s\" \"!\"` before a "
                  "ProxyPass, or narrow the line", c->uri, c->tenant->realm->base_path && *c->tenant->realm->base_path
                                                              ? c->tenant->realm->base_path : c->url.path);
}

static void check_places(const callback_t *c)
{
    for (int i = 0; i < c->exam->scenes->nelts; i++) {
        const kr_scene_t *scene = &APR_ARRAY_IDX(c->exam->scenes, i, kr_scene_t);

        if (scene->name && !kr_scene_named(scene, c->name)) continue;
        if (!kr_scene_behind_proxy(scene) && !kr_scene_listens(scene, kr_host_port(c->url.host, c->url.scheme))) continue;
        if (!has_api(c, scene)) continue;
        check_door(c, scene);
        check_path(c, scene);
    }
}

void kr_exam_callback(kr_exam_t *exam, const kr_tenant_t *tenant)
{
    const kr_settings_t *settings = tenant->realm->settings;
    const apr_array_header_t *providers = settings->oidc.providers;
    callback_t c = { .exam = exam, .tenant = tenant, .base = settings->base_url, .key = "serve.public.base_url" };

    if (!settings->method_enabled[KR_METHOD_OIDC] || !providers || !providers->nelts) return;
    if (settings->oidc.base_redirect_uri) {
        c.base = settings->oidc.base_redirect_uri;
        c.key = "selfservice.methods.oidc.config.base_redirect_uri";
    }
    c.uri = kr_provider_redirect_uri(exam->pool, settings, &APR_ARRAY_IDX(providers, 0, const kr_oidc_provider_conf_t));
    if (!kr_url_parse(&c.url, exam->ptemp, c.uri) || !c.url.host) return;
    c.name = kr_host_name(exam->ptemp, c.url.host);
    check_scheme(&c);
    check_host(&c);
    check_places(&c);
}
