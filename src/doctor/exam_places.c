/* SPDX-License-Identifier: Apache-2.0 */
/* What is guarded at one place and open at another, and what is left over of the login that was there before. */
#include "exam.h"

#include <apr_hash.h>
#include <apr_strings.h>

#include "kr_text.h"

/* -- the same folder without a gate ------------------------------------------- */

/* What nobody chose is the folder that httpd was built with; sites that only pass on or redirect leave it so. */
static int has_own_root(const kr_exam_t *exam, const kr_scene_t *scene)
{
    const ap_directive_t *lines[] = { ap_conftree, scene->s == exam->main_server ? NULL : kr_scene_lines(scene->s) };

    for (int i = 0; i < KR_DIM(lines); i++)
        for (const ap_directive_t *line = lines[i]; line; line = line->next)
            if (kr_line_is(line, "DocumentRoot")) return 1;
    return 0;
}

/* A rule that sends all, or may: which requests a pattern is for is not guessed. */
static int sends_away(apr_pool_t *pool, const ap_directive_t *line)
{
    const char *args = line->args ? line->args : "", *first = ap_getword_conf(pool, &args);
    const char *second = ap_getword_conf(pool, &args), *third = ap_getword_conf(pool, &args);

    if (kr_line_is(line, "RedirectMatch")) return 1;
    if (kr_line_is(line, "RedirectPermanent") || kr_line_is(line, "RedirectTemp")) return !strcmp(first, "/");
    if (kr_line_is(line, "Redirect")) return !strcmp(first, "/") || (*third && !strcmp(second, "/"));
    return kr_line_is(line, "RewriteRule") && (strstr(second, "://") || ap_strcasestr(third, "R") || ap_strcasestr(third, "F"));
}

/* In the server itself, or in a section of it. */
static int redirects(apr_pool_t *pool, const ap_directive_t *line, int depth)
{
    for (; line; line = line->next)
        if (sends_away(pool, line) || (depth && line->first_child && redirects(pool, line->first_child, depth - 1))) return 1;
    return 0;
}

/* Nothing of that path is taken from the disk there. */
static int answers_otherwise(const kr_exam_t *exam, const kr_scene_t *scene, const char *path)
{
    for (int i = 0; i < scene->spots->nelts; i++) {
        const kr_spot_t *spot = &APR_ARRAY_IDX(scene->spots, i, kr_spot_t);

        if (spot->has != KR_HAS_GUARD && (spot->prefix || spot->regex) && kr_spot_covers(spot, path)) return 1;
    }
    if (kr_rules_mapped(exam, scene, path)) return 1;
    return scene->s != exam->main_server && redirects(exam->ptemp, kr_scene_lines(scene->s), 1);
}

static apr_size_t length_of_folder(const char *folder)
{
    apr_size_t len = strlen(folder);

    while (len && folder[len - 1] == '/') len--;
    return len;
}

/* The path by which a server would be asked for that file, or for the first of the folder; NULL: not at all. */
static const char *path_of_file(const kr_scene_t *scene, const char *file)
{
    const core_server_config *core = ap_get_core_module_config(scene->s->module_config);
    const char *root = core->ap_document_root;
    apr_size_t len = root ? length_of_folder(root) : 0, whole = length_of_folder(file);

    if (!len) return NULL;
    if (!strncmp(file, root, len) && (!file[len] || file[len] == '/')) return file[len] ? file + len : "/";
    return !strncmp(root, file, whole) && (!root[whole] || root[whole] == '/') ? "/" : NULL;
}

/* @return 1 when the other server was spoken of */
static int check_other(kr_exam_t *exam, const kr_scene_t *guarded, const kr_guarded_t *place, const kr_scene_t *other)
{
    const char *path = path_of_file(other, place->file);
    kr_ruling_t ruling;

    /* the cheap question first: there may be hundreds of servers */
    if (!path || !has_own_root(exam, other) || answers_otherwise(exam, other, path)) return 0;
    kr_rules_for(&ruling, exam, other, path);
    if (ruling.rule != KR_RULE_NONE && ruling.rule != KR_RULE_OPEN) return 0;
    kr_advise(exam, KRLOGNO(1292), other->where,
              "this server gives everybody %s, which %s guards (%s): redirect all of this server there, give it another "
              "DocumentRoot, or put the same Require lines here", place->file, guarded->name ? guarded->name : guarded->where,
              place->where);
    return 1;
}

static void check_sharing(kr_exam_t *exam, const kr_scene_t *guarded, apr_hash_t *told)
{
    const apr_array_header_t *places = kr_rules_guarded(exam, guarded, 0);

    for (int i = 0; i < places->nelts; i++) {
        const kr_guarded_t *place = &APR_ARRAY_IDX(places, i, kr_guarded_t);
        kr_ruling_t ruling;

        if (!place->file) continue;
        kr_rules_for(&ruling, exam, guarded, place->path);
        if (ruling.rule != KR_RULE_GATED) continue;
        for (int j = 0; j < exam->scenes->nelts; j++) {
            const kr_scene_t *other = &APR_ARRAY_IDX(exam->scenes, j, kr_scene_t);

            if (other == guarded || apr_hash_get(told, &other, sizeof(other))) continue;
            if (check_other(exam, guarded, place, other))
                apr_hash_set(told, apr_pmemdup(exam->ptemp, &other, sizeof(other)), sizeof(other), other);
        }
    }
}

/* -- left over ------------------------------------------------------------------- */

/* Who is asked for a password has no way to the login, and no password opens the gate. */
static void check_left_over(kr_exam_t *exam, const kr_scene_t *scene, apr_hash_t *told)
{
    const apr_array_header_t *places = kr_rules_guarded(exam, scene, 1);

    for (int i = 0; i < places->nelts; i++) {
        const kr_guarded_t *place = &APR_ARRAY_IDX(places, i, kr_guarded_t);
        kr_ruling_t ruling;

        kr_rules_for(&ruling, exam, scene, place->path);
        if (ruling.rule != KR_RULE_GATED || !ruling.auth_type || !ap_cstr_casecmp(ruling.auth_type, "Kratos") ||
            !ap_cstr_casecmp(ruling.auth_type, "None") || apr_hash_get(told, place->where, APR_HASH_KEY_STRING)) continue;
        apr_hash_set(told, place->where, APR_HASH_KEY_STRING, place);
        kr_advise(exam, KRLOGNO(1291), ruling.auth_where,
                  "AuthType %s is left over: people without a session are asked for a password that opens nothing at %s (%s), "
                  "instead of being led to sign in; take it away with what belongs to it (AuthName, AuthUserFile ...), or say "
                  "AuthType Kratos", ruling.auth_type, place->path, place->where);
    }
}

void kr_exam_places(kr_exam_t *exam)
{
    apr_hash_t *open = apr_hash_make(exam->ptemp), *left = apr_hash_make(exam->ptemp);

    for (int i = 0; i < exam->scenes->nelts; i++) {
        const kr_scene_t *scene = &APR_ARRAY_IDX(exam->scenes, i, kr_scene_t);

        check_sharing(exam, scene, open);
        check_left_over(exam, scene, left);
    }
}
