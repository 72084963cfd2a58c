/* SPDX-License-Identifier: Apache-2.0 */
/* What the lines of a server say to the doctor: what stands where, under which names, and who looks after it. */
#include "exam.h"

#include <apr_strings.h>

#include "kr_text.h"

int kr_line_is(const ap_directive_t *line, const char *name)
{
    return !ap_cstr_casecmp(line->directive, name);
}

const char *kr_line_where(apr_pool_t *pool, const ap_directive_t *line)
{
    return apr_psprintf(pool, "%s:%d", line->filename, line->line_num);
}

/** Where the walk is. */
typedef struct {
    kr_exam_t *exam;
    kr_scene_t *scene;
    kr_spot_t around;  /* prefix, regex and realm of the containers around */
    int ssl;           /* SSLEngine: -1 not said */
} walk_t;

static const char *first_word(apr_pool_t *pool, const char *args)
{
    return ap_getword_conf(pool, &args);
}

static void add_spot(walk_t *walk, kr_has_e has, const ap_directive_t *line)
{
    kr_spot_t *spot = apr_array_push(walk->scene->spots);

    *spot = walk->around;
    spot->has = has;
    spot->line = line;
    spot->where = kr_line_where(walk->exam->pool, line);
}

/* What a container says about paths. Of what we do not know better, a place may be anywhere. */
static void enter(walk_t *walk, const ap_directive_t *line)
{
    apr_pool_t *pool = walk->exam->ptemp;
    const char *args = line->args, *word = ap_getword_conf(pool, &args);
    int match = kr_line_is(line, "<LocationMatch");

    if (kr_line_is(line, "<Location") && !strcmp(word, "~")) {
        match = 1;
        word = ap_getword_conf(pool, &args);
    }
    if (match || kr_line_is(line, "<Location")) {
        apr_size_t len = strlen(word);

        if (len && word[len - 1] == '>') word = apr_pstrmemdup(pool, word, len - 1);
        walk->around.prefix = match ? NULL : word;
        walk->around.regex = match ? ap_pregcomp(pool, word, AP_REG_EXTENDED) : NULL;
    } else if (!strncasecmp(line->directive, "<Directory", 10) || !strncasecmp(line->directive, "<Files", 6) ||
               !strncasecmp(line->directive, "<If", 3) || !strncasecmp(line->directive, "<Else", 5)) {
        walk->around.prefix = NULL;
        walk->around.regex = NULL;
    }
}

static void read_handler(walk_t *walk, const ap_directive_t *line, const char *word)
{
    char *name = apr_pstrdup(walk->exam->ptemp, word);
    kr_handler_e which;

    ap_str_tolower(name); /* as httpd takes it */
    which = kr_handler_named(name);
    if (which == KR_HANDLER_API) add_spot(walk, KR_HAS_API, line);
    if (which == KR_HANDLER_PAGES) add_spot(walk, KR_HAS_PAGES, line);
    if (which == KR_HANDLER_METRICS) add_spot(walk, KR_HAS_METRICS, line);
    if (which == KR_HANDLER_PAGES || which == KR_HANDLER_OWNERS) walk->exam->doctor->diagnosable = 1;
}

/* As the gate will read it. What it would not take stops httpd with its own words. */
static const kr_require_t *rule_of(apr_pool_t *pool, const char *args)
{
    const char *name = ap_getword_conf(pool, &args), *why;
    apr_array_header_t *words = apr_array_make(pool, 4, sizeof(const char *));

    while (*args) APR_ARRAY_PUSH(words, const char *) = ap_getword_conf(pool, &args);
    for (int kind = 0; kind < KR_REQUIRE_KINDS; kind++)
        if (!strcmp(kr_require_names[kind], name)) return kr_require_parse(pool, (kr_require_kind_e)kind, words, &why);
    return NULL;
}

static void read_require(walk_t *walk, const ap_directive_t *line, const char *word)
{
    if (ap_cstr_casecmpn(word, "kratos-", 7)) return;
    add_spot(walk, KR_HAS_GUARD, line);
    APR_ARRAY_IDX(walk->scene->spots, walk->scene->spots->nelts - 1, kr_spot_t).rule = rule_of(walk->exam->ptemp, line->args);
}

static void read_auth_type(walk_t *walk, const ap_directive_t *line, const char *word)
{
    if (!ap_cstr_casecmp(word, "Kratos")) add_spot(walk, KR_HAS_GUARD, line);
}

static void read_keeper(walk_t *walk, const ap_directive_t *line, const char *word)
{
    if (ap_cstr_casecmp(word, "off")) add_spot(walk, KR_HAS_KEEPER, line);
}

static void read_name(walk_t *walk, const ap_directive_t *line, const char *word)
{
    const char *after = strstr(word, "://");

    (void)line;
    walk->scene->name = kr_host_name(walk->exam->ptemp, after ? after + 3 : word);
}

static void read_tls_switch(walk_t *walk, const ap_directive_t *line, const char *word)
{
    (void)line;
    walk->ssl = ap_cstr_casecmp(word, "off") != 0;
}

static void read_tls_ports(walk_t *walk, const ap_directive_t *line, const char *word)
{
    (void)line;
    (void)word;
    walk->ssl = 1;
}

static void read_condition(walk_t *walk, const ap_directive_t *line, const char *word)
{
    (void)word;
    if (strstr(line->args, "HTTP_HOST") || strstr(line->args, "SERVER_NAME")) walk->scene->steers = 1;
}

static void read_cache(walk_t *walk, const ap_directive_t *line, const char *word)
{
    (void)word;
    walk->scene->cache = kr_line_where(walk->exam->pool, line);
}

static void read_cache_order(walk_t *walk, const ap_directive_t *line, const char *word)
{
    (void)line;
    walk->scene->cache_late = !ap_cstr_casecmp(word, "off");
}

static void read_remote_header(walk_t *walk, const ap_directive_t *line, const char *word)
{
    (void)line;
    (void)word;
    walk->exam->remoteip = 1;
}

static void read_remote_protocol(walk_t *walk, const ap_directive_t *line, const char *word)
{
    (void)line;
    if (!ap_cstr_casecmp(word, "on")) walk->exam->remoteip = 1;
}

/** The lines that say something about a server or a place. */
static const struct {
    const char *name;
    void (*read)(walk_t *walk, const ap_directive_t *line, const char *word);
} LINES[] = {
    { "SetHandler", read_handler },
    { "Require", read_require },
    { "AuthType", read_auth_type },
    { "KratosKeepPost", read_keeper },
    { "ServerName", read_name },
    { "SSLEngine", read_tls_switch },
    { "GnuTLSEnable", read_tls_switch },
    { "TLSEngine", read_tls_ports },
    { "RewriteCond", read_condition },
    { "CacheEnable", read_cache },
    { "CacheQuickHandler", read_cache_order },
    { "RemoteIPHeader", read_remote_header },
    { "RemoteIPProxyProtocol", read_remote_protocol },
};

static void read_line(walk_t *walk, const ap_directive_t *line)
{
    for (int i = 0; i < KR_DIM(LINES); i++)
        if (kr_line_is(line, LINES[i].name)) LINES[i].read(walk, line, first_word(walk->exam->ptemp, line->args));
}

/* What holds for a container stands on a line of its own, before or after those that it is for. */
static const char *said_among(apr_pool_t *pool, const ap_directive_t *lines, const char *name)
{
    for (; lines; lines = lines->next)
        if (kr_line_is(lines, name)) return first_word(pool, lines->args);
    return NULL;
}

/* KratosDiagnose On leaves it to the Require lines of its place who sees the page; here they say yes to all, or nothing. */
static void check_open_diagnosis(walk_t *walk, const ap_directive_t *lines)
{
    apr_pool_t *pool = walk->exam->ptemp;
    const ap_directive_t *on = NULL;
    int all = 0, some = 0;

    for (; lines; lines = lines->next) {
        const char *args = lines->args, *word = ap_getword_conf(pool, &args);

        if (kr_line_is(lines, "KratosDiagnose") && !ap_cstr_casecmp(word, "on")) on = lines;
        if (kr_line_is(lines, "Require") || !strncasecmp(lines->directive, "<Require", 8)) some = 1;
        if (kr_line_is(lines, "Require") && !ap_cstr_casecmp(word, "all") && !ap_cstr_casecmp(first_word(pool, args), "granted"))
            all = 1;
    }
    if (on && (all || !some))
        kr_advise(walk->exam, KRLOGNO(1282), kr_line_where(pool, on),
                  "%s: leave KratosDiagnose out (the key in the error log opens the page then), or put Require lines beside it "
                  "that name the owners, such as Require ip",
                  all ? "everybody may see the page for owners, with its versions and sizes"
                      : "nothing in this place says who may see the page for owners");
}

/* No recursion of unknown depth: httpd itself has read these containers recursively before. */
static void read_lines(walk_t *walk, const ap_directive_t *line)
{
    for (; line; line = line->next) {
        kr_spot_t outside = walk->around;
        const char *realm, *who;

        if (kr_line_is(line, "<VirtualHost")) continue;
        if (!line->first_child) {
            if (*line->directive != '<') read_line(walk, line);
            continue;
        }
        check_open_diagnosis(walk, line->first_child);
        enter(walk, line);
        realm = said_among(walk->exam->ptemp, line->first_child, "KratosRealm");
        if (realm) walk->around.realm = realm;
        who = said_among(walk->exam->ptemp, line->first_child, "KratosUnauthenticated");
        if (who) walk->around.programs = !strcmp(who, "401");
        read_lines(walk, line->first_child);
        walk->around = outside;
    }
}

int kr_lines_read(kr_exam_t *exam, kr_scene_t *scene, const ap_directive_t *lines, int tls)
{
    walk_t walk = { .exam = exam, .scene = scene, .ssl = tls };

    read_lines(&walk, lines);
    return walk.ssl;
}
