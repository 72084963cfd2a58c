/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints docs/openapi.json: the table of routes, and what src/api/openapi says of each row. Every method of every row is described, and
 * nothing else, or it says what is amiss and prints nothing. build/docs runs it, with those files as its arguments.
 */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/config/draft.h"
#include "kr_api.h"
#include "kr_json.h"

#define REF "#/components/"
#define DIM(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const struct {
    kr_http_method_e bit;
    const char *name, *suffix; /* of the id, where it is not the first method of its row */
} METHODS[] = {
    { KR_GET, "get", "ByGet" },       { KR_POST, "post", "ByPost" },       { KR_PUT, "put", "ByPut" },
    { KR_PATCH, "patch", "ByPatch" }, { KR_DELETE, "delete", "ByDelete" }, { KR_OPTIONS, "options", "ByOptions" },
};

/** What a body may be sent as. */
static const char *const ENCODINGS[] = { "application/json", "application/x-www-form-urlencoded", "multipart/form-data" };

static apr_pool_t *pool;
static json_t *parts; /* what the files say, as one object */

static void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
static void fail(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fputs("print_openapi: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static json_t *part(const char *kind, const char *name)
{
    return json_object_get(json_object_get(parts, kind), name);
}

/* New reference. A name that nothing has is a mistake in the files. */
static json_t *reference(const char *kind, const char *name)
{
    if (!part(kind, name)) fail("there is no %s of %s", name, kind);
    return json_pack("{s:o}", "$ref", json_string(apr_pstrcat(pool, REF, kind, "/", name, NULL)));
}

/* -- what is asked ---------------------------------------------------------- */

static void add_parameters(json_t *out, const json_t *names)
{
    size_t i;
    json_t *name;

    json_array_foreach(names, i, name) json_array_append_new(out, reference("parameters", json_string_value(name)));
}

/* New reference. */
static json_t *parameters_of(const json_t *said)
{
    json_t *out = json_array();

    add_parameters(out, json_object_get(said, "path"));
    add_parameters(out, json_object_get(said, "query"));
    add_parameters(out, json_object_get(said, "headers"));
    return out;
}

/* New reference. */
static json_t *body_of(const char *schema)
{
    json_t *content = json_object();

    for (int i = 0; i < DIM(ENCODINGS); i++)
        json_object_set_new(content, ENCODINGS[i], json_pack("{s:o}", "schema", reference("schemas", schema)));
    return json_pack("{s:b, s:o}", "required", 1, "content", content);
}

/* -- what is answered --------------------------------------------------------- */

/* One of several schemas. New reference. */
static json_t *schema_of(const json_t *names)
{
    json_t *any = json_array(), *name;
    size_t i;

    if (json_is_string(names)) {
        json_decref(any);
        return reference("schemas", json_string_value(names));
    }
    json_array_foreach(names, i, name) json_array_append_new(any, reference("schemas", json_string_value(name)));
    return json_pack("{s:o}", "anyOf", any);
}

/* The name of a response, or schemas of JSON. New reference. */
static json_t *response_of(const json_t *names)
{
    const char *one = json_string_value(json_is_array(names) ? json_array_get(names, 0) : names);
    const char *description = kr_json_str(part("schemas", one), "description");

    if (json_is_string(names) && part("responses", one)) return reference("responses", one);
    if (!description) fail("schema %s is answered, but has no description", one);
    return json_pack("{s:s, s:{s:{s:o}}}", "description", description, "content", "application/json", "schema", schema_of(names));
}

static void add_response(json_t *out, const char *status, const char *name)
{
    if (!json_object_get(out, status)) json_object_set_new(out, status, reference("responses", name));
}

static int may_be_person(kr_for_e whom)
{
    return whom == KR_FOR_ACCEPT || whom == KR_FOR_REQUEST;
}

static int by_status(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* New reference. */
static json_t *sorted(const json_t *responses)
{
    const char *names[32], *name;
    json_t *out = json_object(), *value;
    int n = 0;

    json_object_foreach((json_t *)responses, name, value)
        if (n < DIM(names)) names[n++] = name;
    qsort(names, (size_t)n, sizeof(names[0]), by_status);
    for (int i = 0; i < n; i++) json_object_set(out, names[i], json_object_get(responses, names[i]));
    return out;
}

/* What the operation answers; what the row says, for whom that is; and what any request may meet. New reference. */
static json_t *responses_of(const kr_route_t *route, const json_t *said)
{
    json_t *all = kr_json_own(pool, json_object()), *names;
    const char *status;
    size_t i;

    json_object_foreach(json_object_get(said, "answers"), status, names) json_object_set_new(all, status, response_of(names));
    json_array_foreach(json_object_get(said, "refuses"), i, names)
    {
        status = apr_psprintf(pool, "%d", (int)json_integer_value(names));
        add_response(all, status, status);
    }
    if (may_be_person(route->answers) || may_be_person(route->errors)) add_response(all, "303", "seen");
    add_response(all, "400", "400"); /* a query that cannot be read */
    if (kr_json_str(said, "body")) add_response(all, "413", "413");
    add_response(all, "500", "500");
    add_response(all, "503", "503");
    return sorted(all);
}

/* -- what follows ------------------------------------------------------------------ */

static json_t *link_of(const char *operation, const char *parameter, const char *from)
{
    return json_pack("{s:s, s:{s:s}}", "operationId", operation, "parameters", parameter, from);
}

/* Whoever has a flow may ask for it again, and submit it. New reference. */
static json_t *links_of_flow(const char *kind)
{
    static const char ID[] = "$response.body#/id";
    const char *get = apr_pstrcat(pool, "get", kind, "Flow", NULL), *update = apr_pstrcat(pool, "update", kind, "Flow", NULL);

    return json_pack("{s:o, s:o}", get, link_of(get, "id", ID), update, link_of(update, "flow", ID));
}

static void add_links(json_t *responses, const json_t *said)
{
    const char *kind = kr_json_str(said, "begins"), *operation, *parameter;
    const char *answer = kr_json_str(json_object_get(said, "answers"), "200");
    json_t *done = json_object_get(responses, "200"), *again = json_object_get(responses, "400"), *from, *value;

    if (kind && answer && strstr(answer, "Flow")) json_object_set_new(done, "links", links_of_flow(kind));
    if (kind && !kr_json_str(again, "$ref")) json_object_set_new(again, "links", links_of_flow(kind)); /* shown again */
    json_object_foreach(json_object_get(said, "links"), operation, from)
        json_object_foreach(from, parameter, value)
            json_object_set_new(done, "links", json_pack("{s:o}", operation, link_of(operation, parameter, json_string_value(value))));
}

/* -- the rows ------------------------------------------------------------------------ */

/* New reference. */
static json_t *operation_of(const kr_route_t *route, const char *id, const json_t *said)
{
    json_t *out = json_pack("{s:s, s:O}", "operationId", id, "summary", json_object_get(said, "summary"));
    json_t *parameters = parameters_of(said), *responses = responses_of(route, said);
    const char *body = kr_json_str(said, "body");

    if (json_array_size(parameters)) json_object_set(out, "parameters", parameters);
    json_decref(parameters);
    if (body) json_object_set_new(out, "requestBody", body_of(body));
    add_links(responses, said);
    json_object_set_new(out, "responses", responses);
    return out;
}

static int bit_of(const char *method, const char **suffix)
{
    for (int i = 0; i < DIM(METHODS); i++)
        if (strcmp(METHODS[i].name, method) == 0) {
            *suffix = METHODS[i].suffix;
            return (int)METHODS[i].bit;
        }
    return 0;
}

/* Describes the methods of a row, and strikes out what it has used: rows may share a path. */
static void add_row(json_t *paths, const kr_route_t *route)
{
    const char *name = route->id ? route->id : route->path, *method, *suffix = "";
    json_t *said = part("operations", name), *here = json_object_get(paths, route->path), *entry;
    int missing = route->methods, first = 1;
    void *next;

    if (!said) fail("%s of routes.c is not described", name);
    if (!here) json_object_set_new(paths, route->path, here = json_object());
    json_object_foreach_safe(said, next, method, entry)
    {
        const char *id = route->id ? route->id : kr_json_str(entry, "id");
        const int bit = bit_of(method, &suffix);

        if (!(route->methods & bit)) continue;
        missing &= ~bit;
        json_object_set_new(here, method, operation_of(route, first || !route->id ? id : apr_pstrcat(pool, id, suffix, NULL), entry));
        first = 0;
        json_object_del(said, method);
    }
    if (missing) fail("not all methods of %s are described", name);
}

static void check_all_used(void)
{
    const char *name;
    json_t *said;

    json_object_foreach(json_object_get(parts, "operations"), name, said)
        if (json_object_size(said)) fail("%s %s is described, but not in routes.c", json_object_iter_key(json_object_iter(said)), name);
}

int main(int argc, char **argv)
{
    json_t *out, *paths = json_object();
    kr_draft_t *draft;
    const char *why;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    draft = kr_draft_make(pool);
    for (int i = 1; i < argc; i++)
        if ((why = kr_draft_load(draft, argv[i]))) fail("%s", why);
    parts = draft->tree;
    for (const kr_route_t *route = kr_public.routes; route->path; route++) add_row(paths, route);
    check_all_used();
    out = json_pack("{s:s, s:O, s:[{s:s}], s:o, s:{s:O, s:O, s:O}}", "openapi", "3.1.0", "info", json_object_get(parts, "info"),
                    "servers", "url", "/", "paths", paths, "components", "parameters", json_object_get(parts, "parameters"), "responses",
                    json_object_get(parts, "responses"), "schemas", json_object_get(parts, "schemas"));
    if (!out) fail("a part is missing");
    json_dumpf(out, stdout, JSON_INDENT(1));
    putchar('\n');
    return ferror(stdout) != 0;
}
