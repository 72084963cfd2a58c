/* SPDX-License-Identifier: Apache-2.0 */
/* Gates that ask for more than a session: can people give it, and are they back in time? */
#include "exam.h"

#include "kr_text.h"

#define AGE_LEAST apr_time_from_sec(60) /* a code by mail takes as long; who is back later is asked once more */

static void check_second(kr_exam_t *exam, const kr_tenant_t *tenant, const kr_spot_t *spot)
{
    if (!kr_require_asks_second(spot->rule) || kr_offers_second(tenant->realm->settings)) return;
    kr_advise(exam, KRLOGNO(1283), spot->where,
              "a second factor is asked for here, and realm %s has none that people could set up: nobody would get in; enable one of "
              "selfservice.methods.totp, lookup_secret, webauthn, or code with mfa_enabled", tenant->realm->name);
}

static void check_age(kr_exam_t *exam, const kr_spot_t *spot)
{
    const apr_time_t age = kr_require_max_age(spot->rule);

    if (!age || age >= AGE_LEAST) return;
    kr_advise(exam, KRLOGNO(1284), spot->where,
              "max-age gives people %d seconds for the sign-in and all that they want to do here; who needs longer is asked again "
              "and again: write a minute at least, such as max-age=15m", (int)apr_time_sec(age));
}

/* Lines outside of virtual hosts are in every scene; each is looked at once. */
static int is_new(apr_array_header_t *seen, const char *where)
{
    for (int i = 0; i < seen->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(seen, i, const char *), where)) return 0;
    APR_ARRAY_PUSH(seen, const char *) = where;
    return 1;
}

void kr_exam_asked(kr_exam_t *exam, const kr_tenant_t *tenant)
{
    apr_array_header_t *seen = apr_array_make(exam->ptemp, 8, sizeof(const char *));

    for (int i = 0; i < exam->scenes->nelts; i++) {
        const kr_scene_t *scene = &APR_ARRAY_IDX(exam->scenes, i, kr_scene_t);

        for (int j = 0; j < scene->spots->nelts; j++) {
            const kr_spot_t *spot = &APR_ARRAY_IDX(scene->spots, j, kr_spot_t);

            if (!spot->rule || kr_spot_tenant(exam, scene, spot) != tenant || !is_new(seen, spot->where)) continue;
            check_second(exam, tenant, spot);
            check_age(exam, spot);
        }
    }
}

/* -- forms that are to be kept ------------------------------------------------ */

/* May one be of a part of the other? Of folders, expressions and conditions nobody knows. */
static int may_meet(const kr_spot_t *a, const kr_spot_t *b)
{
    return !a->prefix || !b->prefix || kr_spot_covers(a, b->prefix) || kr_spot_covers(b, a->prefix);
}

static int has_guard(const kr_scene_t *scene, const kr_spot_t *keeper)
{
    for (int i = 0; i < scene->spots->nelts; i++) {
        const kr_spot_t *spot = &APR_ARRAY_IDX(scene->spots, i, kr_spot_t);

        if (spot->has == KR_HAS_GUARD && may_meet(spot, keeper)) return 1;
    }
    return 0;
}

/* A line outside of virtual hosts is for all of them: where one of them has a gate for it, it has work to do. */
static int is_guarded(const kr_exam_t *exam, const kr_spot_t *keeper)
{
    for (int i = 0; i < exam->scenes->nelts; i++) {
        const kr_scene_t *scene = &APR_ARRAY_IDX(exam->scenes, i, kr_scene_t);

        for (int j = 0; j < scene->spots->nelts; j++)
            if (!strcmp(APR_ARRAY_IDX(scene->spots, j, kr_spot_t).where, keeper->where) && has_guard(scene, keeper)) return 1;
    }
    return 0;
}

void kr_exam_keepers(kr_exam_t *exam)
{
    apr_array_header_t *seen = apr_array_make(exam->ptemp, 8, sizeof(const char *));

    for (int i = 0; i < exam->scenes->nelts; i++) {
        const kr_scene_t *scene = &APR_ARRAY_IDX(exam->scenes, i, kr_scene_t);

        for (int j = 0; j < scene->spots->nelts; j++) {
            const kr_spot_t *spot = &APR_ARRAY_IDX(scene->spots, j, kr_spot_t);

            if (spot->has != KR_HAS_KEEPER || !is_new(seen, spot->where) || is_guarded(exam, spot)) continue;
            kr_advise(exam, KRLOGNO(1285), spot->where,
                      "KratosKeepPost has nothing to do here: nobody is asked to sign in where it stands; put it where "
                      "Require kratos-... is, or leave it out");
        }
    }
}
