/* SPDX-License-Identifier: Apache-2.0 */
/* Is the API where the base URL says it is, over TLS if it says so, and are the pages where browsers are sent? */
#include "exam.h"

#include <apr_strings.h>

#include "kr_text.h"

/** The base URL of a realm in its parts, and what was found of it. */
typedef struct {
    kr_exam_t *exam;
    const kr_tenant_t *tenant;
    kr_url_t url;
    const char *name;  /* its host */
    int port;
    int https;
} base_t;

/* A scene that has such a spot of the realm, counted from `*at`; NULL: no more. `*spot` is the one it has. */
static const kr_scene_t *next_scene(const kr_spot_t **spot, int *at, const base_t *base, kr_has_e has)
{
    const apr_array_header_t *scenes = base->exam->scenes;

    while (*at < scenes->nelts) {
        const kr_scene_t *scene = &APR_ARRAY_IDX(scenes, (*at)++, kr_scene_t);

        for (int i = 0; i < scene->spots->nelts; i++) {
            *spot = &APR_ARRAY_IDX(scene->spots, i, kr_spot_t);
            if ((*spot)->has == has && kr_spot_tenant(base->exam, scene, *spot) == base->tenant) return scene;
        }
    }
    return NULL;
}

/* Some spot of the scene answers for that path. */
static int answers(const base_t *base, const kr_scene_t *scene, kr_has_e has, const char *path)
{
    for (int i = 0; i < scene->spots->nelts; i++) {
        const kr_spot_t *spot = &APR_ARRAY_IDX(scene->spots, i, kr_spot_t);

        if (spot->has == has && kr_spot_tenant(base->exam, scene, spot) == base->tenant && kr_spot_covers(spot, path))
            return 1;
    }
    return 0;
}

static void check_transport(const base_t *base, const kr_scene_t *scene)
{
    const char *url = base->tenant->realm->settings->base_url;

    if (base->https && !scene->tls)
        kr_advise(base->exam, KRLOGNO(1268), scene->where,
                  "serve.public.base_url is %s, but this server speaks no TLS: %s; or, if a proxy in front does, say "
                  "KratosTrustForwarded On", url,
                  ap_find_linked_module("mod_ssl.c") ? "SSLEngine on and a certificate are missing"
                                                     : "load mod_ssl, and say SSLEngine on with a certificate");
    if (!base->https && scene->tls)
        kr_advise(base->exam, KRLOGNO(1269), scene->where,
                  "this server speaks TLS, but serve.public.base_url is %s: forms and redirects leave TLS; write https://",
                  url);
}

/* Of all servers that have the API, one must be the base URL's; what is said is said of the first. */
static void check_place(const base_t *base)
{
    const kr_scene_t *scene, *first = NULL, *named = NULL, *listening = NULL;
    const char *path = apr_pstrcat(base->exam->ptemp, base->tenant->realm->base_path, "/self-service/login/browser", NULL);
    const char *url = base->tenant->realm->settings->base_url;
    const kr_spot_t *spot, *first_spot = NULL;
    int at = 0, placed = 0;

    while ((scene = next_scene(&spot, &at, base, KR_HAS_API))) {
        if (!first) {
            first = scene;
            first_spot = spot;
        }
        /* The first server on a port answers for all names that no other has; where it has no name, that is its work. */
        if (kr_scene_behind_proxy(scene) || !scene->name || kr_scene_named(scene, base->name)) {
            named = scene;
            if (kr_scene_behind_proxy(scene) || kr_scene_listens(scene, base->port)) {
                listening = scene;
                if (answers(base, scene, KR_HAS_API, path)) placed = 1;
            }
        }
    }
    if (!first)
        kr_advise(base->exam, KRLOGNO(1264), base->tenant->where,
                  "realm %s: nothing serves its API; put <Location \"%s\"> with SetHandler kratos into the server of %s",
                  base->tenant->realm->name, *base->tenant->realm->base_path ? base->tenant->realm->base_path : "/",
                  base->name);
    else if (!named)
        kr_advise(base->exam, KRLOGNO(1266), first->where,
                  "this server has the API, but none of its names is %s, the host of serve.public.base_url (%s): "
                  "correct ServerName, add a ServerAlias, or correct the URL", base->name, url);
    else if (!listening)
        kr_advise(base->exam, KRLOGNO(1267), named->where,
                  "this server does not listen on port %d of serve.public.base_url (%s): correct one of them; or, if a "
                  "proxy in front does, say KratosTrustForwarded On", base->port, url);
    else if (!placed)
        kr_advise(base->exam, KRLOGNO(1265), first_spot->where,
                  "SetHandler kratos stands elsewhere than serve.public.base_url (%s) says: make it <Location \"%s\">, "
                  "or correct the URL", url, *base->tenant->realm->base_path ? base->tenant->realm->base_path : "/");
    if (listening && !kr_scene_behind_proxy(listening)) check_transport(base, listening);
}

/* Ids of schemas stand in paths; one with a slash never arrives where httpd refuses %2F. */
static void check_slashes(const base_t *base)
{
    const apr_array_header_t *schemas = base->tenant->realm->settings->schemas;
    const kr_scene_t *scene;
    const kr_spot_t *spot;
    int at = 0;

    for (int i = 0; i < schemas->nelts; i++) {
        const kr_schema_t *schema = APR_ARRAY_IDX(schemas, i, const kr_schema_t *);

        if (!strchr(schema->id, '/')) continue;
        while ((scene = next_scene(&spot, &at, base, KR_HAS_API)))
            if (!scene->slashes)
                kr_advise(base->exam, KRLOGNO(1272), scene->where,
                          "the identity schema \"%s\" has a slash in its id, and httpd refuses paths with %%2F: add "
                          "AllowEncodedSlashes NoDecode", schema->id);
        return;
    }
}

/* -- pages ---------------------------------------------------------------- */

/** How a page of the settings stands to the built-in pages. */
typedef enum { ELSEWHERE, ANSWERED, UNANSWERED } page_e;

static page_e look_for(const kr_scene_t **found, const base_t *base, const char *ui_url)
{
    const kr_scene_t *scene;
    const kr_spot_t *spot;
    page_e page = ELSEWHERE;
    kr_url_t url;
    int at = 0;

    if (!kr_url_parse(&url, base->exam->ptemp, ui_url) || !url.host) return ELSEWHERE;
    while ((scene = next_scene(&spot, &at, base, KR_HAS_PAGES))) {
        if (!kr_scene_named(scene, kr_host_name(base->exam->ptemp, url.host))) continue;
        if (!kr_scene_behind_proxy(scene) && !kr_scene_listens(scene, kr_host_port(url.host, url.scheme))) continue;
        if (answers(base, scene, KR_HAS_PAGES, url.path)) return ANSWERED;
        *found = scene;
        page = UNANSWERED;
    }
    return page;
}

/* Is the last segment one of the names that the built-in pages know? Others may be pages of the owner's own. */
static int named_like_ours(const char *ui_url, const char *name)
{
    const char *slash = strrchr(ui_url, '/');

    return slash && !strcmp(slash + 1, name);
}

static void check_pages(const base_t *base)
{
    const kr_settings_t *settings = base->tenant->realm->settings;
    const kr_scene_t *scene = NULL;
    const kr_spot_t *spot;
    int at = 0, answered = 0, lost = 0;

    if (!next_scene(&spot, &at, base, KR_HAS_PAGES)) return;
    for (int kind = 0; kind < KR_FLOW_KINDS; kind++) {
        const kr_flow_conf_t *flow = &settings->flow[kind];
        const char *name = kr_flow_kind_name((kr_flow_kind_e)kind);
        page_e page = flow->enabled ? look_for(&scene, base, flow->ui_url) : ELSEWHERE;

        if (page == ANSWERED) answered++;
        if (page != UNANSWERED || !named_like_ours(flow->ui_url, name)) continue;
        lost++;
        kr_advise(base->exam, KRLOGNO(1270), scene->where,
                  "the %s page is to be %s (selfservice.flows.%s.ui_url), but no SetHandler kratos-ui answers there: "
                  "widen its <Location>, or correct the URL", name, flow->ui_url, name);
    }
    if (!answered && !lost)
        kr_advise(base->exam, KRLOGNO(1271), spot->where,
                  "the built-in pages are here, but no ui_url of realm %s leads to them; point selfservice.flows.login.ui_url "
                  "and the others here, or take the line out", base->tenant->realm->name);
}

void kr_exam_api(kr_exam_t *exam, const kr_tenant_t *tenant)
{
    base_t base = { .exam = exam, .tenant = tenant };

    if (!kr_url_parse(&base.url, exam->ptemp, tenant->realm->settings->base_url) || !base.url.host) return;
    base.name = kr_host_name(exam->ptemp, base.url.host);
    base.port = kr_host_port(base.url.host, base.url.scheme);
    base.https = !strcmp(base.url.scheme, "https");
    check_place(&base);
    check_slashes(&base);
    check_pages(&base);
}
