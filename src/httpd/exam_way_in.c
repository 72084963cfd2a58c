/* SPDX-License-Identifier: Apache-2.0 */
/* Does a gate stand before the way in? Whom it sends to sign in would come to it again, and be sent again, for ever. */
#include "doctor.h"

#include <apr_strings.h>

#include "kr_text.h"

/* Is the realm whose login the place would ask for the one whose way in stands there? */
static int asks_itself(const kr_exam_t *exam, const kr_scene_t *scene, const kr_ruling_t *ruling, const kr_tenant_t *tenant)
{
    const kr_spot_t place = { .realm = ruling->realm };

    if (ruling->auth_type && ap_cstr_casecmp(ruling->auth_type, "Kratos")) return 0;
    return kr_spot_tenant(exam, scene, &place) == tenant;
}

static int serves(const kr_scene_t *scene, const char *name, int port)
{
    int behind_proxy = scene->host->trust_forwarded == 1;

    if (!behind_proxy && !kr_scene_listens(scene, port)) return 0;
    return behind_proxy || !scene->name || kr_scene_named(scene, name);
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

/* @return 1 when it is closed, and that has been said */
static int check_url(kr_exam_t *exam, const kr_tenant_t *tenant, const char *name, const char *address, int is_api)
{
    kr_url_t url;

    if (!kr_url_parse(&url, exam->ptemp, address) || !url.host) return 0;
    for (int i = 0; i < exam->scenes->nelts; i++) {
        const kr_scene_t *scene = &APR_ARRAY_IDX(exam->scenes, i, kr_scene_t);
        kr_ruling_t ruling;

        if (!serves(scene, kr_host_name(exam->ptemp, url.host), kr_host_port(url.host, url.scheme))) continue;
        if (is_api && !has_api(exam, scene, tenant, url.path)) continue;
        kr_rules_for(&ruling, exam, scene, url.path);
        if (ruling.rule != KR_RULE_GATED || !asks_itself(exam, scene, &ruling, tenant)) continue;
        kr_forbid(exam, KRLOGNO(1290), ruling.where,
                  "%s (%s) stands behind its own gate: people without a session would be sent there to get one, for ever, and "
                  "nobody could sign in; put `Require all granted` into a <Location> for it that stands after this", name, address);
        return 1;
    }
    return 0;
}

/* Where the API is closed, its pages usually are as well, and one line mends both. */
void kr_exam_way_in(kr_exam_t *exam, const kr_tenant_t *tenant)
{
    const kr_settings_t *settings = tenant->realm->settings;
    const char *login = kr_url_join(exam->ptemp, settings->base_url, "/self-service/login/browser");

    if (!check_url(exam, tenant, "the API", login, 1))
        check_url(exam, tenant, "the login page", settings->flow[KR_FLOW_LOGIN].ui_url, 0);
}
