/* SPDX-License-Identifier: Apache-2.0 */
/* The directives: what they may hold, and what of it goes into which record. What they mean together is realms.c's business. */
#include "site.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "kr_kept.h"

#define UNSET KR_UNSET

/* -- helpers -------------------------------------------------------------- */

static const char *line_of(const cmd_parms *cmd)
{
    return apr_psprintf(cmd->pool, "%s:%d", cmd->directive->filename, cmd->directive->line_num);
}

/* The record of the server that a line stands in; remembers where the first of them was. */
static kr_host_t *host_of_line(cmd_parms *cmd)
{
    kr_host_t *host = kr_host_of(cmd->server);

    if (!host->where) host->where = line_of(cmd);
    return host;
}

/* A whole number from 0 to `most`; UNSET for anything else. */
static int small_number(const char *text, int most)
{
    char *end;
    apr_int64_t n;

    if (!apr_isdigit(text[0])) return UNSET;
    n = apr_strtoi64(text, &end, 10);
    return *end || n > most ? UNSET : (int)n;
}

static int realm_name_ok(const char *name)
{
    size_t len = strlen(name);

    return len >= 1 && len <= 32 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

/* -- one function per directive ------------------------------------------- */

static const char *set_realm(cmd_parms *cmd, void *place_, const char *name)
{
    kr_mention_t *mention;

    if (!realm_name_ok(name)) return "KratosRealm: a name is 1 to 32 of a-z, 0-9, _ and -";
    if (!cmd->path) {
        kr_host_t *host = host_of_line(cmd);

        if (host->realm) return "KratosRealm: this server has a realm already";
        host->realm = name;
        return NULL;
    }
    ((kr_place_t *)place_)->realm = name;
    mention = apr_array_push(kr_host_of(cmd->server)->mentions);
    mention->realm = name;
    mention->where = line_of(cmd);
    return NULL;
}

static const char *set_database(cmd_parms *cmd, void *place, int argc, char *const argv[])
{
    kr_host_t *host = kr_host_of(cmd->server);
    apr_array_header_t *params = apr_array_make(cmd->pool, argc, sizeof(const char *));
    int i;

    (void)place;
    if (argc < 2) return "KratosDatabase: a driver (sqlite3 or mysql) and its parameters are needed";
    if (host->driver) return "KratosDatabase: this server has a database already; more hosts go into the same line";
    host->driver = argv[0];
    for (i = 1; i < argc; i++) {
        const char *param = argv[i];

        /* SQLite's parameter is a file; a relative one would mean whatever folder httpd was started in. */
        if (!strcmp(host->driver, "sqlite3")) param = ap_server_root_relative(cmd->pool, param);
        if (!param) return apr_pstrcat(cmd->pool, "KratosDatabase: not a path: ", argv[i], NULL);
        APR_ARRAY_PUSH(params, const char *) = param;
    }
    host->params = params;
    return NULL;
}

static const char *set_pool(cmd_parms *cmd, void *place, int argc, char *const argv[])
{
    kr_host_t *host = kr_host_of(cmd->server);

    (void)place;
    if (argc != 4) return "KratosDatabasePool: MIN KEEP MAX EXPIRE are needed";
    host->pool_set = 1;
    host->min = small_number(argv[0], 1000);
    host->keep = small_number(argv[1], 1000);
    host->max = small_number(argv[2], 1000);
    host->expire = small_number(argv[3], 24 * 3600);
    if (host->min < 0 || host->keep < host->min || host->max < host->keep || host->max < 1 || host->expire < 0)
        return "KratosDatabasePool: MIN <= KEEP <= MAX, 1 <= MAX <= 1000, EXPIRE 0 to 86400 seconds";
    return NULL;
}

static const char *add_config(cmd_parms *cmd, void *place, const char *file)
{
    kr_host_t *host = host_of_line(cmd);
    const char *path = ap_server_root_relative(cmd->pool, file);

    (void)place;
    if (!path) return apr_pstrcat(cmd->pool, "KratosConfig: not a path: ", file, NULL);
    if (!host->draft) host->draft = kr_draft_make(cmd->pool);
    return kr_draft_load(host->draft, path);
}

static const char *add_setting(cmd_parms *cmd, void *place, const char *key, const char *value)
{
    kr_host_t *host = host_of_line(cmd);

    (void)place;
    if (!host->draft) host->draft = kr_draft_make(cmd->pool);
    return kr_draft_set(host->draft, key, value, line_of(cmd));
}

static const char *set_auto_migrate(cmd_parms *cmd, void *place, int on)
{
    (void)place;
    kr_host_of(cmd->server)->auto_migrate = on;
    return NULL;
}

static const char *set_allow_unbuilt(cmd_parms *cmd, void *place, int on)
{
    (void)place;
    kr_host_of(cmd->server)->allow_unbuilt = on;
    return NULL;
}

static const char *set_trust_forwarded(cmd_parms *cmd, void *place, int on)
{
    (void)place;
    kr_host_of(cmd->server)->trust_forwarded = on;
    return NULL;
}

static const char *set_sql_dir(cmd_parms *cmd, void *place, const char *path)
{
    const char *dir = ap_server_root_relative(cmd->pool, path);

    (void)place;
    if (!dir || !ap_is_directory(cmd->temp_pool, dir))
        return apr_pstrcat(cmd->pool, "KratosSqlDir: no such folder: ", path, NULL);
    kr_host_of(cmd->server)->sql_dir = dir;
    return NULL;
}

/* What stands in it is read with the realm that it belongs to. */
static const char *set_pages(cmd_parms *cmd, void *place, const char *path)
{
    const char *dir = ap_server_root_relative(cmd->pool, path);

    (void)place;
    if (!dir) return apr_pstrcat(cmd->pool, "KratosPages: not a path: ", path, NULL);
    kr_host_of(cmd->server)->pages_dir = dir;
    return NULL;
}

/* It is opened at start, as logs are. */
static const char *set_audit(cmd_parms *cmd, void *place, const char *file)
{
    const char *path;

    (void)place;
    if (!ap_cstr_casecmp(file, "off")) {
        kr_host_of(cmd->server)->audit = "";
        return NULL;
    }
    if (*file == '|') return "KratosAudit: no program, as nobody could say what it lost: name a file, and let the program read that";
    path = ap_server_root_relative(cmd->pool, file);
    if (!path) return apr_pstrcat(cmd->pool, "KratosAudit: not a path: ", file, NULL);
    kr_host_of(cmd->server)->audit = path;
    return NULL;
}

static const char *set_unauthenticated(cmd_parms *cmd, void *place_, const char *word)
{
    kr_place_t *place = place_;

    (void)cmd;
    if (!ap_cstr_casecmp(word, "auto"))
        place->unauthenticated = KR_UNAUTH_AUTO;
    else if (!ap_cstr_casecmp(word, "redirect"))
        place->unauthenticated = KR_UNAUTH_REDIRECT;
    else if (!strcmp(word, "401"))
        place->unauthenticated = KR_UNAUTH_401;
    else
        return "KratosUnauthenticated: auto, redirect or 401";
    return NULL;
}

static const char *add_export(cmd_parms *cmd, void *place, const char *text)
{
    return kr_export_read(place, cmd->pool, text);
}

static const char *set_export_token(cmd_parms *cmd, void *place_, const char *flag, const char *audience)
{
    kr_place_t *place = place_;
    const int on = !ap_cstr_casecmp(flag, "On");

    (void)cmd;
    if (!on && ap_cstr_casecmp(flag, "Off")) return "KratosExportToken: On or Off";
    if (audience && !on) return "KratosExportToken: Off has no audience";
    if (audience && strlen(audience) > 255) return "KratosExportToken: the audience is longer than 255 bytes";
    place->token = on;
    place->audience = audience;
    return NULL;
}

static const char *set_hide_cookie(cmd_parms *cmd, void *place, int on)
{
    (void)cmd;
    ((kr_place_t *)place)->hide_cookie = on;
    return NULL;
}

static const char *set_upgrade_check(cmd_parms *cmd, void *place, const char *seconds)
{
    int n = small_number(seconds, 24 * 3600);

    (void)cmd;
    if (n < 0) return "KratosUpgradeCheck: 0 to 86400 seconds";
    ((kr_place_t *)place)->upgrade_check = n;
    return NULL;
}

/* A number with k or m behind it; -1 when it is none, or not between these. */
static apr_int64_t size_between(const char *text, apr_int64_t least, apr_int64_t most)
{
    char *end;
    apr_int64_t n = apr_isdigit(*text) ? apr_strtoi64(text, &end, 10) : -1;

    if (n < 0 || n > most) return -1;
    if (*end == 'k' || *end == 'K') n *= 1024, end++;
    else if (*end == 'm' || *end == 'M') n *= 1024 * 1024, end++;
    return *end || n < least || n > most ? -1 : n;
}

static const char *set_session_cache(cmd_parms *cmd, void *place, const char *size)
{
    kr_host_t *host = kr_host_of(cmd->server);
    const char *misplaced = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)place;
    if (misplaced) return misplaced;
    host->session_cache = ap_cstr_casecmp(size, "off") ? size_between(size, KR_CACHE_LEAST, KR_CACHE_MOST) : 0;
    return host->session_cache < 0 ? "KratosSessionCache: off, or a size from 1m to 4096m, such as 32m" : NULL;
}

static const char *set_keep_post(cmd_parms *cmd, void *place, const char *size)
{
    apr_int64_t n = ap_cstr_casecmp(size, "Off") ? size_between(size, 1024, KR_KEPT_MAX) : 0;

    if (n < 0) return apr_psprintf(cmd->pool, "KratosKeepPost: Off, or a size from 1k to %dk, such as 64k", KR_KEPT_MAX / 1024);
    ((kr_place_t *)place)->keep_post = (int)n;
    return NULL;
}

static const char *set_diagnose(cmd_parms *cmd, void *place, int on)
{
    (void)cmd;
    ((kr_place_t *)place)->diagnose = on;
    return NULL;
}

static const char *set_hashing(cmd_parms *cmd, void *place, const char *slots, const char *wait, const char *queue)
{
    kr_host_t *host = kr_host_of(cmd->server);
    const char *misplaced = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)place;
    if (misplaced) return misplaced;
    host->slots = small_number(slots, 1024);
    host->slot_wait = wait ? small_number(wait, 300) : KR_SLOT_WAIT;
    host->slot_queue = queue ? small_number(queue, 100000) : KR_UNSET;
    if (host->slots < 0 || host->slot_wait < 0 || (queue && host->slot_queue < 0))
        return "KratosHashing: SLOTS 0 to 1024, WAIT_SECONDS 0 to 300, QUEUE 0 to 100000";
    return NULL;
}

/* -- the table ------------------------------------------------------------ */

#define SERVER RSRC_CONF
#define HOST RSRC_CONF
#define PLACE OR_AUTHCFG
#define CONTAINER ACCESS_CONF
#define HOST_OR_PLACE (RSRC_CONF | ACCESS_CONF)

#define DIRECTIVE(name, args, function, where, syntax, standard, help)                                                 \
    AP_INIT_##args(name, function, NULL, where, syntax ": " help),

const command_rec kr_directives[] = {
#include "directives_table.h"
    { NULL, { NULL }, NULL, 0, 0, NULL },
};
