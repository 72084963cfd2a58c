/* SPDX-License-Identifier: Apache-2.0 */
/* Who may see metrics is said by Require lines alone, as of server-status: where they say nothing, it is everybody. */
#include "exam.h"

static kr_rule_e rule_of(const kr_exam_t *exam, const kr_scene_t *scene, const kr_spot_t *spot)
{
    kr_ruling_t ruling;

    if (!spot->prefix || strpbrk(spot->prefix, "*?[")) return kr_rules_around(exam->ptemp, spot->line);
    kr_rules_for(&ruling, exam, scene, spot->prefix);
    return ruling.rule;
}

/* Lines outside of virtual hosts are read for each of them: said once. */
static void look_at(kr_exam_t *exam, const kr_scene_t *scene, apr_table_t *told)
{
    for (int i = 0; i < scene->spots->nelts; i++) {
        const kr_spot_t *spot = &APR_ARRAY_IDX(scene->spots, i, kr_spot_t);
        kr_rule_e rule;

        if (spot->has != KR_HAS_METRICS || apr_table_get(told, spot->where)) continue;
        rule = rule_of(exam, scene, spot);
        if (rule != KR_RULE_OPEN && rule != KR_RULE_NONE) continue;
        apr_table_set(told, spot->where, "");
        kr_advise(exam, KRLOGNO(1296), spot->where,
                  "%s: put Require lines beside it that name who collects them, such as Require ip",
                  rule == KR_RULE_OPEN ? "everybody may see the metrics, and with them how many sign in, fail and wait"
                                       : "nothing says who may see the metrics");
    }
}

void kr_exam_metrics(kr_exam_t *exam)
{
    apr_table_t *told = apr_table_make(exam->ptemp, 2);

    for (int i = 0; i < exam->scenes->nelts; i++) look_at(exam, &APR_ARRAY_IDX(exam->scenes, i, kr_scene_t), told);
}
