/* SPDX-License-Identifier: Apache-2.0 */
/* What a $ref means: URIs resolved against $id, JSON pointers, and the documents we know. Nothing is ever fetched. */
#include <string.h>

#include <apr_strings.h>

#include "kr_json.h"

#include "schema.h"

/** A URI reference in its five parts (RFC 3986 appendix B); NULL where a part is missing, the path never is. */
typedef struct {
    const char *scheme, *authority, *path, *query, *fragment;
} parts_t;

/** Cut *p at the first byte of `stops`, and move it there. */
static const char *take(apr_pool_t *pool, const char **p, const char *stops)
{
    apr_size_t n = strcspn(*p, stops);
    const char *part = apr_pstrmemdup(pool, *p, n);

    *p += n;
    return part;
}

static void split(parts_t *out, apr_pool_t *pool, const char *uri)
{
    apr_size_t n = strcspn(uri, ":/?#");

    memset(out, 0, sizeof(*out));
    if (n > 0 && uri[n] == ':') {
        out->scheme = apr_pstrmemdup(pool, uri, n);
        uri += n + 1;
    }
    if (uri[0] == '/' && uri[1] == '/') {
        uri += 2;
        out->authority = take(pool, &uri, "/?#");
    }
    out->path = take(pool, &uri, "?#");
    if (*uri == '?') {
        uri++;
        out->query = take(pool, &uri, "#");
    }
    if (*uri == '#') out->fragment = apr_pstrdup(pool, uri + 1);
}

static const char *join(apr_pool_t *pool, const parts_t *parts)
{
    const char *empty = "";

    return apr_pstrcat(pool, parts->scheme ? parts->scheme : empty, parts->scheme ? ":" : empty,
                       parts->authority ? "//" : empty, parts->authority ? parts->authority : empty, parts->path,
                       parts->query ? "?" : empty, parts->query ? parts->query : empty,
                       parts->fragment && *parts->fragment ? "#" : empty,
                       parts->fragment ? parts->fragment : empty, NULL);
}

/** Drop "." and ".." segments (RFC 3986 section 5.2.4). */
static const char *remove_dots(apr_pool_t *pool, const char *path)
{
    char *out = apr_palloc(pool, strlen(path) + 1), *end = out;

    while (*path) {
        apr_size_t n = strcspn(path + (*path == '/'), "/") + (*path == '/');
        const char *segment = path + (*path == '/');
        apr_size_t len = n - (*path == '/');
        int last = path[n] == '\0';

        if (len == 1 && segment[0] == '.') {
            if (last && *path == '/') *end++ = '/';
        }
        else if (len == 2 && segment[0] == '.' && segment[1] == '.') {
            while (end > out && *--end != '/') continue;
            if (last && *path == '/') *end++ = '/';
        }
        else {
            memcpy(end, path, n);
            end += n;
        }
        path += n;
    }
    *end = '\0';
    return out;
}

/** The path of `ref` seen from the path of `base` (RFC 3986 section 5.2.3). */
static const char *merge(apr_pool_t *pool, const parts_t *base, const char *path)
{
    const char *slash = strrchr(base->path, '/');

    if (base->authority && !*base->path) return apr_pstrcat(pool, "/", path, NULL);
    if (!slash) return path;
    return apr_pstrcat(pool, apr_pstrmemdup(pool, base->path, (apr_size_t)(slash + 1 - base->path)), path, NULL);
}

const char *kr_ref_resolve(apr_pool_t *pool, const char *base, const char *ref)
{
    parts_t from, to;

    split(&from, pool, base);
    split(&to, pool, ref);
    if (!to.scheme) {
        to.scheme = from.scheme;
        if (!to.authority) {
            to.authority = from.authority;
            if (!*to.path) {
                to.path = from.path;
                if (!to.query) to.query = from.query;
            }
            else if (*to.path != '/') to.path = merge(pool, &from, to.path);
        }
    }
    if (strchr(to.path, '.')) to.path = remove_dots(pool, to.path);
    return join(pool, &to);
}

const char *kr_ref_pointer(apr_pool_t *pool, const char *pointer, const char *token)
{
    char *out = apr_palloc(pool, strlen(pointer) + 2 * strlen(token) + 2), *to;

    to = apr_cpystrn(out, pointer, strlen(pointer) + 1);
    *to++ = '/';
    for (; *token; token++) {
        if (*token == '~' || *token == '/') {
            *to++ = '~';
            *to++ = *token == '~' ? '0' : '1';
        }
        else *to++ = *token;
    }
    *to = '\0';
    return out;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/** Undo %XX in a fragment. @return NULL when malformed */
static char *unescape(apr_pool_t *pool, const char *s)
{
    char *out = apr_palloc(pool, strlen(s) + 1), *to = out;

    for (; *s; s++) {
        if (*s != '%') {
            *to++ = *s;
            continue;
        }
        if (hex(s[1]) < 0 || hex(s[2]) < 0 || (s[1] == '0' && s[2] == '0')) return NULL;
        *to++ = (char)(hex(s[1]) * 16 + hex(s[2]));
        s += 2;
    }
    *to = '\0';
    return out;
}

/** Undo ~0 and ~1 in place. */
static void untilde(char *token)
{
    char *to = token;

    for (; *token; token++) {
        if (token[0] == '~' && (token[1] == '0' || token[1] == '1')) *to++ = *++token == '0' ? '~' : '/';
        else *to++ = *token;
    }
    *to = '\0';
}

static const json_t *step(const json_t *json, const char *token)
{
    if (json_is_array(json)) {
        apr_size_t n = strlen(token);

        if (n == 0 || n > 9 || strspn(token, "0123456789") != n) return NULL;
        return json_array_get(json, (apr_size_t)apr_atoi64(token));
    }
    return json_object_get(json, token);
}

/** Walk a pointer from `place`, which becomes what it points to; a $id on the way changes the base. */
static int walk(apr_pool_t *pool, kr_place_t *place, char *pointer)
{
    while (pointer) {
        char *token = pointer + 1;
        const char *id;

        pointer = strchr(token, '/');
        if (pointer) *pointer = '\0';
        untilde(token);
        place->json = step(place->json, token);
        if (!place->json) return 0;
        place->where = kr_ref_pointer(pool, place->where, token);
        id = json_string_value(json_object_get(place->json, "$id"));
        /* the last one's own $id is kr_build_node's to read */
        if (id && pointer) place->base = kr_ref_resolve(pool, place->base, id);
        if (pointer) *pointer = '/';
    }
    return 1;
}

/** The document of that URI: one with that $id, or the metaschema, which is built in. */
static const kr_place_t *find_document(kr_build_t *b, const char *uri)
{
    const kr_place_t *known = apr_hash_get(b->places, uri, APR_HASH_KEY_STRING);
    kr_place_t *place;

    if (known || strcmp(uri, kr_metaschema_uri) != 0) return known;
    place = apr_pcalloc(b->pool, sizeof(*place));
    place->json = kr_json_parse(b->pool, kr_metaschema_text, strlen(kr_metaschema_text), NULL);
    place->base = kr_metaschema_uri;
    place->where = kr_metaschema_uri;
    apr_hash_set(b->places, kr_metaschema_uri, APR_HASH_KEY_STRING, place);
    return place;
}

int kr_ref_find(kr_build_t *b, kr_place_t *out, const kr_node_t *node, const char *ref)
{
    const char *uri = kr_ref_resolve(b->pool, node->base, ref);
    const char *hash = strchr(uri, '#');
    const char *where = apr_pstrcat(b->pool, node->where, "/$ref", NULL);
    const kr_place_t *place = apr_hash_get(b->places, uri, APR_HASH_KEY_STRING);
    char *fragment;

    if (place) {
        *out = *place;
        return 1;
    }
    place = find_document(b, hash ? apr_pstrmemdup(b->pool, uri, (apr_size_t)(hash - uri)) : uri);
    if (!place) {
        kr_build_fail(b, where, "\"%s\" is not in this document, and others are never fetched", ref);
        return 0;
    }
    *out = *place;
    if (!hash) return 1;
    fragment = unescape(b->pool, hash + 1);
    if (!fragment || *fragment != '/' || !walk(b->pool, out, fragment)) {
        kr_build_fail(b, where, "\"%s\" points to nothing", ref);
        return 0;
    }
    return 1;
}
