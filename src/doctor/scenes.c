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
    int ssl = outer_ssl;

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
        ssl = kr_lines_read(exam, scene, kr_scene_lines(s), outer_ssl);
    }
    /* Unless told otherwise mod_ssl speaks TLS where `Listen` says https, or names port 443. */
    scene->tls = ssl == 1 || (ssl < 0 && ap_find_linked_module("mod_ssl.c") && any_https(scene));
}

void kr_exam_scenes(kr_exam_t *exam)
{
    kr_scene_t outer = { .where = "the main server", .spots = apr_array_make(exam->ptemp, 4, sizeof(kr_spot_t)) };
    int ssl;

    exam->scenes = apr_array_make(exam->ptemp, 8, sizeof(kr_scene_t));
    ssl = kr_lines_read(exam, &outer, ap_conftree, -1);
    /* What stands outside of virtual hosts is for all of them, and for the main server where it answers itself. */
    if (main_answers(exam->main_server)) add_scene(exam, exam->main_server, &outer, ssl);
    for (server_rec *s = exam->main_server->next; s; s = s->next) add_scene(exam, s, &outer, ssl);
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
