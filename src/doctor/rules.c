/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a path lets in, as far as the lines of a server tell: which sections hold for it, in httpd's order (folders, then
 * locations, a later Require in place of an earlier one), and what their Require lines come to for a stranger.
 */
#include "exam.h"

#include <apr_fnmatch.h>
#include <apr_strings.h>

#include "kr_text.h"

/** A section with its place. */
typedef struct {
    const ap_directive_t *line;
    int folder;                /* <Directory>: comes before all locations */
    int sure;                  /* 0: <Files>, <If> and their like: nobody knows for which requests */
    const char *prefix;        /* or a pattern with wildcards; NULL: `regex` */
    const ap_regex_t *regex;
} section_t;

/* -- which sections hold ---------------------------------------------------- */

/* "<Location "/a">", "<LocationMatch ...>", "<Location ~ ...>", and the same of folders. 0: no section */
static int read_section(section_t *out, apr_pool_t *pool, const ap_directive_t *line)
{
    const char *args = line->args ? line->args : "", *word = ap_getword_conf(pool, &args);
    int match = kr_line_is(line, "<LocationMatch") || kr_line_is(line, "<DirectoryMatch");
    apr_size_t len;

    memset(out, 0, sizeof(*out));
    out->line = line;
    out->folder = kr_line_is(line, "<Directory") || kr_line_is(line, "<DirectoryMatch");
    out->sure = match || kr_line_is(line, "<Location") || kr_line_is(line, "<Directory");
    if (!out->sure) return !strncasecmp(line->directive, "<Files", 6) || !strncasecmp(line->directive, "<If", 3);
    if (!strcmp(word, "~")) {
        match = 1;
        word = ap_getword_conf(pool, &args);
    }
    len = strlen(word);
    if (len && word[len - 1] == '>') word = apr_pstrmemdup(pool, word, len - 1);
    if (match) out->regex = ap_pregcomp(pool, word, AP_REG_EXTENDED);
    else out->prefix = word;
    /* httpd compares a folder's pattern with parts of the path; an expression that is none stops httpd by itself */
    if ((match && !out->regex) || (out->folder && (match || strpbrk(word, "*?[")))) out->sure = 0;
    return 1;
}

static int below(const char *prefix, const char *path)
{
    apr_size_t len = strlen(prefix);

    while (len && prefix[len - 1] == '/') len--;
    return !strncmp(path, prefix, len) && (!path[len] || path[len] == '/');
}

static int holds(const section_t *section, const char *path)
{
    if (!section->sure) return 1;
    if (section->regex) return ap_regexec(section->regex, path, 0, NULL, 0) == 0;
    if (strpbrk(section->prefix, "*?[")) return apr_fnmatch(section->prefix, path, APR_FNM_PATHNAME) == APR_SUCCESS;
    return below(section->prefix, path);
}

/* Segments: "/a/b" and "/a/b/" have two. */
static int depth_of(const char *folder)
{
    int depth = 0;

    for (; *folder; folder++)
        if (folder[0] == '/' && folder[1] && folder[1] != '/') depth++;
    return depth;
}

/* Folders from the outermost to the innermost; those without a plain path behind them, as they stand. */
static void add_in_order(apr_array_header_t *folders, const section_t *section)
{
    section_t *all;
    int i;

    *(section_t *)apr_array_push(folders) = *section;
    all = (section_t *)folders->elts;
    for (i = folders->nelts - 1; i > 0; i--) {
        section_t *before = &all[i - 1];

        if (before->prefix && (!section->prefix || depth_of(before->prefix) <= depth_of(section->prefix))) break;
        if (!before->prefix && !section->prefix) break;
        all[i] = *before;
    }
    all[i] = *section;
}

/* Does something else than the DocumentRoot say where that path is? */
static int is_mapped(apr_pool_t *pool, const ap_directive_t *line, const char *path, int inside)
{
    for (; line; line = line->next) {
        const char *args = line->args ? line->args : "", *word;
        section_t section;

        if (!ap_cstr_casecmpn(line->directive, "VirtualDocumentRoot", 19) || kr_line_is(line, "AliasMatch") ||
            kr_line_is(line, "ScriptAliasMatch") || kr_line_is(line, "ProxyPassMatch")) return 1;
        word = ap_getword_conf(pool, &args);
        if ((kr_line_is(line, "Alias") || kr_line_is(line, "ScriptAlias") || kr_line_is(line, "ProxyPass")) &&
            (inside || below(word, path))) return 1;
        if (inside || !line->first_child || kr_line_is(line, "<VirtualHost") || !read_section(&section, pool, line)) continue;
        if (!section.folder && holds(&section, path) && is_mapped(pool, line->first_child, path, 1)) return 1;
    }
    return 0;
}

/* The first ProxyPass that fits counts, and "!" makes it an exception; a Redirect answers before any handler. */
static const ap_directive_t *taker_of(apr_pool_t *pool, const ap_directive_t *line, const char *path, int inside)
{
    for (; line; line = line->next) {
        const char *args = line->args ? line->args : "", *word;
        const int proxy = kr_line_is(line, "ProxyPass");

        if (!proxy && (inside || !kr_line_is(line, "Redirect"))) continue;
        word = ap_getword_conf(pool, &args);
        if (!proxy && *word != '/') word = ap_getword_conf(pool, &args); /* after "permanent", or a number */
        if (inside || (*word == '/' && below(word, path))) return line;
    }
    return NULL;
}

static int is_exception(apr_pool_t *pool, const ap_directive_t *line, int inside)
{
    const char *args = line->args ? line->args : "";

    if (!inside) (void)ap_getword_conf(pool, &args);
    return kr_line_is(line, "ProxyPass") && !strcmp(ap_getword_conf(pool, &args), "!");
}

/* Sections for the path; what stands in them is said last and counts first. */
static const ap_directive_t *taker_in_sections(apr_pool_t *pool, const ap_directive_t *line, const char *path)
{
    const ap_directive_t *found = NULL;
    section_t section;

    for (; line; line = line->next) {
        const ap_directive_t *inner;

        if (!line->first_child || kr_line_is(line, "<VirtualHost") || !read_section(&section, pool, line)) continue;
        if (!section.sure || section.folder || !holds(&section, path)) continue;
        inner = taker_of(pool, line->first_child, path, 1);
        if (inner) found = inner;
    }
    return found;
}

const char *kr_rules_taken(const kr_exam_t *exam, const kr_scene_t *scene, const char *path)
{
    const ap_directive_t *own = scene->s == exam->main_server ? NULL : kr_scene_lines(scene->s);
    const ap_directive_t *found = taker_in_sections(exam->ptemp, own, path);
    const int inside = found != NULL;

    if (!found) found = taker_of(exam->ptemp, ap_conftree, path, 0);
    if (!found) found = taker_of(exam->ptemp, own, path, 0);
    return found && !is_exception(exam->ptemp, found, inside) ? kr_line_where(exam->pool, found) : NULL;
}

static void collect(const kr_exam_t *exam, apr_array_header_t *folders, apr_array_header_t *locations,
                    const ap_directive_t *line, const char *file, const char *path)
{
    section_t section;

    for (; line; line = line->next) {
        if (*line->directive != '<' || kr_line_is(line, "<VirtualHost") || !line->first_child) continue;
        if (!read_section(&section, exam->ptemp, line)) continue;
        if (section.folder && file && holds(&section, file)) add_in_order(folders, &section);
        if (!section.folder && holds(&section, path)) *(section_t *)apr_array_push(locations) = section;
    }
}

/* -- what Require lines come to --------------------------------------------- */

static kr_rule_e either(kr_rule_e a, kr_rule_e b)
{
    if (a == KR_RULE_NONE || (a == KR_RULE_SHUT && b != KR_RULE_NONE)) return b;
    if (b == KR_RULE_NONE || b == KR_RULE_SHUT || a == b) return a;
    return a == KR_RULE_OPEN || b == KR_RULE_OPEN ? KR_RULE_OPEN : KR_RULE_UNSURE;
}

static kr_rule_e both(kr_rule_e a, kr_rule_e b)
{
    if (a == KR_RULE_NONE) return b;
    if (b == KR_RULE_NONE || a == b) return a;
    if (a == KR_RULE_SHUT || b == KR_RULE_SHUT) return KR_RULE_SHUT;
    return a == KR_RULE_GATED || b == KR_RULE_GATED ? KR_RULE_GATED : KR_RULE_UNSURE;
}

static kr_rule_e of_line(apr_pool_t *pool, const ap_directive_t *line, const char *auth_type)
{
    const char *args = line->args, *word = ap_getword_conf(pool, &args);

    if (!ap_cstr_casecmpn(word, "kratos-", 7)) return KR_RULE_GATED;
    if (!ap_cstr_casecmp(word, "all"))
        return ap_cstr_casecmp(ap_getword_conf(pool, &args), "granted") ? KR_RULE_SHUT : KR_RULE_OPEN;
    if (!ap_cstr_casecmp(word, "valid-user") || !ap_cstr_casecmp(word, "user"))
        return auth_type && !ap_cstr_casecmp(auth_type, "Kratos") ? KR_RULE_GATED : KR_RULE_UNSURE;
    return KR_RULE_UNSURE; /* addresses, expressions, "not": somebody may pass */
}

/* httpd has read the same containers recursively before. */
static kr_rule_e of_lines(apr_pool_t *pool, const ap_directive_t *line, const char *auth_type, int all)
{
    kr_rule_e sum = KR_RULE_NONE, inner;

    for (; line; line = line->next) {
        if (kr_line_is(line, "Satisfy")) return KR_RULE_UNSURE;
        if (kr_line_is(line, "Require")) inner = of_line(pool, line, auth_type);
        else if (kr_line_is(line, "<RequireAny")) inner = of_lines(pool, line->first_child, auth_type, 0);
        else if (kr_line_is(line, "<RequireAll")) inner = of_lines(pool, line->first_child, auth_type, 1);
        else if (kr_line_is(line, "<RequireNone")) inner = KR_RULE_UNSURE;
        else if (*line->directive == '<' && line->first_child) {
            /* for some methods, files or requests only: it may open what is shut, and cannot be said to shut all of it */
            inner = of_lines(pool, line->first_child, auth_type, 0);
            if (inner == KR_RULE_OPEN || inner == KR_RULE_UNSURE) return KR_RULE_UNSURE;
            continue;
        } else continue;
        sum = all ? both(sum, inner) : either(sum, inner);
    }
    return sum;
}

kr_rule_e kr_rules_around(apr_pool_t *pool, const ap_directive_t *line)
{
    kr_rule_e rule = KR_RULE_NONE;

    for (; line && line->parent && rule == KR_RULE_NONE; line = line->parent)
        if (!kr_line_is(line->parent, "<VirtualHost")) rule = of_lines(pool, line->parent->first_child, NULL, 0);
    return rule;
}

static const ap_directive_t *said(const section_t *section, const char *name)
{
    const ap_directive_t *found = NULL;

    for (const ap_directive_t *line = section->line->first_child; line; line = line->next)
        if (kr_line_is(line, name)) found = line;
    return found;
}

/* -- the whole ---------------------------------------------------------------- */

static const char *word_of(apr_pool_t *pool, const ap_directive_t *line)
{
    const char *args = line->args;

    return ap_getword_conf(pool, &args);
}

/* What this section says besides whom it lets in. */
static void take_words(kr_ruling_t *ruling, const kr_exam_t *exam, const section_t *section)
{
    const ap_directive_t *type = said(section, "AuthType"), *realm = said(section, "KratosRealm");

    if (realm) ruling->realm = word_of(exam->ptemp, realm);
    if (!type) return;
    ruling->auth_type = word_of(exam->ptemp, type);
    ruling->auth_where = kr_line_where(exam->pool, type);
}

static void take_rules(kr_ruling_t *ruling, const kr_exam_t *exam, const section_t *section)
{
    kr_rule_e rule = of_lines(exam->ptemp, section->line->first_child, ruling->auth_type, 0);
    const ap_directive_t *merging = said(section, "AuthMerging");
    const char *how = merging ? word_of(exam->ptemp, merging) : "Off";

    if (rule == KR_RULE_NONE) return;
    if (!section->sure) {
        if (rule == KR_RULE_OPEN || rule == KR_RULE_UNSURE) ruling->rule = KR_RULE_UNSURE;
        return;
    }
    if (!ap_cstr_casecmp(how, "And")) rule = both(ruling->rule, rule);
    if (!ap_cstr_casecmp(how, "Or")) rule = either(ruling->rule, rule);
    if (rule != ruling->rule || !ruling->where) ruling->where = kr_line_where(exam->pool, section->line);
    ruling->rule = rule;
}

int kr_rules_mapped(const kr_exam_t *exam, const kr_scene_t *scene, const char *path)
{
    const ap_directive_t *own = scene->s == exam->main_server ? NULL : kr_scene_lines(scene->s);

    return is_mapped(exam->ptemp, ap_conftree, path, 0) || is_mapped(exam->ptemp, own, path, 0);
}

void kr_rules_for(kr_ruling_t *ruling, const kr_exam_t *exam, const kr_scene_t *scene, const char *path)
{
    const core_server_config *core = ap_get_core_module_config(scene->s->module_config);
    const ap_directive_t *own = scene->s == exam->main_server ? NULL : kr_scene_lines(scene->s);
    const char *file = core->ap_document_root ? apr_pstrcat(exam->ptemp, core->ap_document_root, path, NULL) : NULL;
    apr_array_header_t *folders = apr_array_make(exam->ptemp, 8, sizeof(section_t));
    apr_array_header_t *locations = apr_array_make(exam->ptemp, 8, sizeof(section_t));

    memset(ruling, 0, sizeof(*ruling));
    if (kr_rules_mapped(exam, scene, path)) file = NULL;
    collect(exam, folders, locations, ap_conftree, file, path);
    collect(exam, folders, locations, own, file, path);
    apr_array_cat(folders, locations);
    /* Which login asks holds for all Require lines of a request, wherever it is said. */
    for (int i = 0; i < folders->nelts; i++) take_words(ruling, exam, &APR_ARRAY_IDX(folders, i, section_t));
    for (int i = 0; i < folders->nelts; i++) take_rules(ruling, exam, &APR_ARRAY_IDX(folders, i, section_t));
}

/* -- what is guarded ----------------------------------------------------------- */

/* The path that a folder is asked for by. A folder around the whole site is "/". NULL: it is no part of the site. */
static const char *path_of_folder(const char *root, const char *folder)
{
    apr_size_t len = strlen(root);

    if (below(folder, root)) return "/";
    if (!below(root, folder)) return NULL;
    return folder[len] ? folder + len : "/";
}

static void add_guarded(const kr_exam_t *exam, const kr_scene_t *scene, const ap_directive_t *line, apr_array_header_t *found)
{
    const core_server_config *core = ap_get_core_module_config(scene->s->module_config);
    const char *root = core->ap_document_root, *path;
    section_t section;
    int mapped;

    for (; line; line = line->next) {
        if (!line->first_child || kr_line_is(line, "<VirtualHost") || !read_section(&section, exam->ptemp, line)) continue;
        if (!section.sure || !section.prefix || strpbrk(section.prefix, "*?[")) continue;
        if (of_lines(exam->ptemp, line->first_child, "Kratos", 0) != KR_RULE_GATED) continue;
        path = !section.folder ? section.prefix : root ? path_of_folder(root, section.prefix) : NULL;
        if (!path || *path != '/') continue;
        mapped = !root || kr_rules_mapped(exam, scene, path);
        APR_ARRAY_PUSH(found, kr_guarded_t) = (kr_guarded_t){
            path, mapped ? NULL : apr_pstrcat(exam->ptemp, root, path, NULL), kr_line_where(exam->pool, line) };
    }
}

const apr_array_header_t *kr_rules_guarded(const kr_exam_t *exam, const kr_scene_t *scene, int all)
{
    apr_array_header_t *found = apr_array_make(exam->ptemp, 4, sizeof(kr_guarded_t));

    if (all || scene->s == exam->main_server) add_guarded(exam, scene, ap_conftree, found);
    if (scene->s != exam->main_server) add_guarded(exam, scene, kr_scene_lines(scene->s), found);
    return found;
}
