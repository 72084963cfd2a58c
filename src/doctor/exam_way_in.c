/* SPDX-License-Identifier: Apache-2.0 */
/* Does a gate stand before the way in? Whom it sends to sign in would come to it again, and be sent again, for ever. */
#include "exam.h"

#include <apr_strings.h>

#include "kr_text.h"

/* Is the realm whose login the place would ask for the one whose way in stands there? */
static int asks_itself(const kr_exam_t *exam, const kr_scene_t *scene, const kr_ruling_t *ruling, const kr_tenant_t *tenant)
{
    const kr_spot_t place = { .realm = ruling->realm };

    if (ruling->auth_type && ap_cstr_casecmp(ruling->auth_type, "Kratos")) return 0;
    return kr_spot_tenant(exam, scene, &place) == tenant;
}

/* Does a request for that name and port come to this server? One without a name takes what no other is named for. */
static int takes(const kr_scene_t *scene, const char *name, int port, int named)
{
    if (named ? !kr_scene_named(scene, name) : scene->name != NULL) return 0;
    return kr_scene_behind_proxy(scene) || kr_scene_listens(scene, port);
}

/* A place of the API that nothing of ours answers for is no way in. */
static int has_api(const kr_exam_t *exam, const kr_scene_t *scene, const kr_tenant_t *tenant, const char *path)
{
    for (int i = 0; i < scene->spots->nelts; i++) {
        const kr_spot_t *spot = &APR_ARRAY_IDX(scene->spots, i, kr_spot_t);

        if (spot->has == KR_HAS_API && kr_spot_tenant(exam, scene, spot) == tenant && kr_spot_covers(spot, path)) return 1;
    }
    return 0;
}

/** A step of the way in. */
typedef struct {
    const char *what;  /* "the API" */
    const char *url;
    int is_api;
} step_t;

/*
 * Of all servers that may take the request, none lets strangers through. `*where`: the section that keeps them out.
 * @return how many there are, 0 as well when one lets them through
 */
static int closed_at(const char **where, const kr_exam_t *exam, const kr_tenant_t *tenant, const step_t *step, int named)
{
    int closed = 0;
    kr_url_t url;

    if (!kr_url_parse(&url, exam->ptemp, step->url) || !url.host) return 0;
    for (int i = 0; i < exam->scenes->nelts; i++) {
        const kr_scene_t *scene = &APR_ARRAY_IDX(exam->scenes, i, kr_scene_t);
        kr_ruling_t ruling;

        if (!takes(scene, kr_host_name(exam->ptemp, url.host), kr_host_port(url.host, url.scheme), named)) continue;
        if (step->is_api && !has_api(exam, scene, tenant, url.path)) continue;
        kr_rules_for(&ruling, exam, scene, url.path);
        if (ruling.rule != KR_RULE_GATED || !asks_itself(exam, scene, &ruling, tenant)) return 0;
        *where = ruling.where;
        closed++;
    }
    return closed;
}

static int any_named(const kr_exam_t *exam, const step_t *step)
{
    kr_url_t url;

    if (!kr_url_parse(&url, exam->ptemp, step->url) || !url.host) return 0;
    for (int i = 0; i < exam->scenes->nelts; i++)
        if (takes(&APR_ARRAY_IDX(exam->scenes, i, kr_scene_t), kr_host_name(exam->ptemp, url.host),
                  kr_host_port(url.host, url.scheme), 1)) return 1;
    return 0;
}

/* @return 1 when it is closed, and that has been said */
static int check_step(kr_exam_t *exam, const kr_tenant_t *tenant, const step_t *step)
{
    const char *where = NULL;

    if (!closed_at(&where, exam, tenant, step, any_named(exam, step))) return 0;
    kr_forbid(exam, KRLOGNO(1290), where,
              "%s (%s) stands behind its own gate: people without a session would be sent there to get one, for ever, and nobody "
              "could sign in; put `Require all granted` into a <Location> for it that stands after this", step->what, step->url);
    return 1;
}

/* Where the API is closed, its pages usually are as well, and one line mends both. */
void kr_exam_way_in(kr_exam_t *exam, const kr_tenant_t *tenant)
{
    const kr_settings_t *settings = tenant->realm->settings;
    const step_t steps[] = {
        { "the API", kr_url_join(exam->ptemp, settings->base_url, "/self-service/login/browser"), 1 },
        { "the login page", settings->flow[KR_FLOW_LOGIN].ui_url, 0 },
    };

    for (int i = 0; i < KR_DIM(steps); i++)
        if (check_step(exam, tenant, &steps[i])) return;
}
