/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The servers as their lines describe them, read from httpd's tree of directives: records of other modules are private
 * to them, and places of SetHandler and Require lines stand in no record that could be asked before the first request.
 */
#include "exam.h"

#include <ap_listen.h>
#include <apr_strings.h>
#include <util_cfgtree.h>

#include "kr_text.h"

/** Where the walk is. */
typedef struct {
    kr_exam_t *exam;
    kr_scene_t *scene;
    kr_spot_t around;  /* prefix, regex and realm of the containers around */
    int ssl;           /* SSLEngine: -1 not said */
} walk_t;

int kr_line_is(const ap_directive_t *line, const char *name)
{
    return !ap_cstr_casecmp(line->directive, name);
}

const char *kr_line_where(apr_pool_t *pool, const ap_directive_t *line)
{
    return apr_psprintf(pool, "%s:%d", line->filename, line->line_num);
}

static const char *first_word(apr_pool_t *pool, const char *args)
{
    return ap_getword_conf(pool, &args);
}

static void add_spot(walk_t *walk, kr_has_e has, const ap_directive_t *line)
{
    kr_spot_t *spot = apr_array_push(walk->scene->spots);

    *spot = walk->around;
    spot->has = has;
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
    if (which == KR_HANDLER_PAGES || which == KR_HANDLER_OWNERS) walk->exam->doctor->diagnosable = 1;
}

static void read_line(walk_t *walk, const ap_directive_t *line)
{
    apr_pool_t *pool = walk->exam->ptemp;
    kr_scene_t *scene = walk->scene;
    const char *word = first_word(pool, line->args);

    if (kr_line_is(line, "SetHandler")) {
        read_handler(walk, line, word);
    } else if (kr_line_is(line, "Require") && !ap_cstr_casecmpn(word, "kratos-", 7)) {
        add_spot(walk, KR_HAS_GUARD, line);
    } else if (kr_line_is(line, "AuthType") && !ap_cstr_casecmp(word, "Kratos")) {
        add_spot(walk, KR_HAS_GUARD, line);
    } else if (kr_line_is(line, "ServerName")) {
        scene->name = kr_host_name(pool, strstr(word, "://") ? strstr(word, "://") + 3 : word);
    } else if (kr_line_is(line, "SSLEngine") || kr_line_is(line, "GnuTLSEnable")) {
        walk->ssl = ap_cstr_casecmp(word, "off") != 0;
    } else if (kr_line_is(line, "TLSEngine")) {
        walk->ssl = 1;
    } else if (kr_line_is(line, "RewriteCond")) {
        if (strstr(line->args, "HTTP_HOST") || strstr(line->args, "SERVER_NAME")) scene->steers = 1;
    } else if (kr_line_is(line, "CacheEnable")) {
        scene->cache = kr_line_where(walk->exam->pool, line);
    } else if (kr_line_is(line, "CacheQuickHandler")) {
        scene->cache_late = !ap_cstr_casecmp(word, "off");
    } else if (kr_line_is(line, "RemoteIPHeader") || (kr_line_is(line, "RemoteIPProxyProtocol") && !ap_cstr_casecmp(word, "on"))) {
        walk->exam->remoteip = 1;
    }
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

/* -- servers -------------------------------------------------------------- */

const ap_directive_t *kr_scene_lines(const server_rec *s)
{
    for (const ap_directive_t *line = ap_conftree; line; line = line->next)
        if (kr_line_is(line, "<VirtualHost") && s->defn_name && line->filename && !strcmp(line->filename, s->defn_name) &&
            line->line_num == (int)s->defn_line_number)
            return line->first_child;
    return NULL;
}

static int speaks_https(int port)
{
    for (const ap_listen_rec *l = ap_listeners; l; l = l->next)
        if (l->bind_addr && l->bind_addr->port == port && l->protocol && !strcmp(l->protocol, "https")) return 1;
    return 0;
}

/* Do virtual hosts take all that comes in there? Of one for an address, only what comes to that address. */
static int is_taken(const apr_sockaddr_t *listens, const server_rec *hosts)
{
    for (; hosts; hosts = hosts->next)
        for (const server_addr_rec *a = hosts->addrs; a; a = a->next) {
            if (a->host_port && a->host_port != listens->port) continue;
            if (!strcmp(a->virthost, "*") || !strncmp(a->virthost, "*:", 2) || !strncmp(a->virthost, "_default_", 9)) return 1;
            if (a->host_addr && apr_sockaddr_equal(a->host_addr, listens)) return 1;
        }
    return 0;
}

/* The main server answers where no virtual host does. */
static void read_ports(kr_scene_t *scene, const server_rec *main_server)
{
    if (scene->s == main_server)
        for (const ap_listen_rec *l = ap_listeners; l; l = l->next) {
            if (l->bind_addr && is_taken(l->bind_addr, main_server->next)) continue;
            APR_ARRAY_PUSH(scene->ports, int) = l->bind_addr ? l->bind_addr->port : 0;
        }
    else
        for (const server_addr_rec *a = scene->s->addrs; a; a = a->next)
            APR_ARRAY_PUSH(scene->ports, int) = a->host_port;
}

/* Is there anything left for the main server to answer? */
static int main_answers(const server_rec *main_server)
{
    if (!main_server->next) return 1;
    for (const ap_listen_rec *l = ap_listeners; l; l = l->next)
        if (!l->bind_addr || !is_taken(l->bind_addr, main_server->next)) return 1;
    return 0;
}

static int any_https(const kr_scene_t *scene)
{
    for (int i = 0; i < scene->ports->nelts; i++)
        if (speaks_https(APR_ARRAY_IDX(scene->ports, i, int))) return 1;
    return 0;
}

static void add_scene(kr_exam_t *exam, server_rec *s, const kr_scene_t *outer, int outer_ssl)
{
    kr_scene_t *scene = apr_array_push(exam->scenes);
    const core_dir_config *core = ap_get_core_module_config(s->lookup_defaults);
    walk_t walk = { .exam = exam, .scene = scene, .ssl = outer_ssl };

    *scene = *outer;
    scene->s = s;
    scene->host = kr_host_of(s);
    scene->tenant = scene->host->tenant;
    if (!scene->tenant && exam->site->tenants->nelts == 1)
        scene->tenant = APR_ARRAY_IDX(exam->site->tenants, 0, kr_tenant_t *);
    scene->ports = apr_array_make(exam->ptemp, 2, sizeof(int));
    scene->spots = apr_array_copy(exam->ptemp, outer->spots);
    scene->slashes = core->allow_encoded_slashes;
    read_ports(scene, exam->main_server);
    if (s != exam->main_server) {
        scene->where = apr_psprintf(exam->pool, "%s:%u", s->defn_name ? s->defn_name : "?", s->defn_line_number);
        scene->name = NULL;
        read_lines(&walk, kr_scene_lines(s));
    }
    /* Unless told otherwise mod_ssl speaks TLS where `Listen` says https, or names port 443. */
    scene->tls = walk.ssl == 1 || (walk.ssl < 0 && ap_find_linked_module("mod_ssl.c") && any_https(scene));
}

void kr_exam_scenes(kr_exam_t *exam)
{
    kr_scene_t outer = { .where = "the main server", .spots = apr_array_make(exam->ptemp, 4, sizeof(kr_spot_t)) };
    walk_t walk = { .exam = exam, .scene = &outer, .ssl = -1 };

    exam->scenes = apr_array_make(exam->ptemp, 8, sizeof(kr_scene_t));
    read_lines(&walk, ap_conftree);
    /* What stands outside of virtual hosts is for all of them, and for the main server where it answers itself. */
    if (main_answers(exam->main_server)) add_scene(exam, exam->main_server, &outer, walk.ssl);
    for (server_rec *s = exam->main_server->next; s; s = s->next) add_scene(exam, s, &outer, walk.ssl);
}

/* -- asking --------------------------------------------------------------- */

const kr_tenant_t *kr_spot_tenant(const kr_exam_t *exam, const kr_scene_t *scene, const kr_spot_t *spot)
{
    return spot->realm ? kr_tenant_named(exam->site, spot->realm) : scene->tenant;
}

int kr_spot_covers(const kr_spot_t *spot, const char *path)
{
    apr_size_t len;

    if (spot->regex) return ap_regexec(spot->regex, path, 0, NULL, 0) == 0;
    if (!spot->prefix || strpbrk(spot->prefix, "*?[")) return 1;
    len = strlen(spot->prefix);
    while (len && spot->prefix[len - 1] == '/') len--;
    return !strncmp(path, spot->prefix, len) && (!path[len] || path[len] == '/');
}

static int among(const apr_array_header_t *names, const char *name, int wild)
{
    for (int i = 0; names && i < names->nelts; i++) {
        const char *known = APR_ARRAY_IDX(names, i, const char *);

        if (wild ? !ap_strcasecmp_match(name, known) : !ap_cstr_casecmp(name, known)) return 1;
    }
    return 0;
}

int kr_scene_named(const kr_scene_t *scene, const char *name)
{
    return (scene->name && !ap_cstr_casecmp(scene->name, name)) || among(scene->s->names, name, 0) ||
           among(scene->s->wild_names, name, 1);
}

int kr_scene_listens(const kr_scene_t *scene, int port)
{
    for (int i = 0; i < scene->ports->nelts; i++) {
        int own = APR_ARRAY_IDX(scene->ports, i, int);

        if (own == 0 || own == port) return 1;
    }
    return scene->ports->nelts == 0;
}

int kr_scene_behind_proxy(const kr_scene_t *scene)
{
    return scene->host->trust_forwarded == 1;
}
