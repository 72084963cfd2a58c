/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML to json_t, by libyaml's events: what JSON has too, aliases and merges (<<). No tags or second documents, so that a
 * value is what it looks like. Aliases may repeat anything, but only so much of it, so that a file cannot grow far beyond its
 * text.
 */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "kr_json.h"
#include "kr_text.h"
#include "draft.h"

typedef struct {
    yaml_parser_t parser;
    kr_draft_t *draft;
    const char *file;
    int line;         /* of all values, or 0 */
    const char *why;
    apr_hash_t *anchors; /* name -> anchor_t */
    int copied;       /* values that aliases made */
} reader_t;

/** A value that aliases may repeat. */
typedef struct {
    const char *path;
    json_t *value;    /* owned by the pool */
    int size, depth;  /* values in it, and levels */
} anchor_t;

#define COPIES_MAX 1000  /* values that all aliases of a file make */
#define REPAIRS_MAX 256  /* strings whose escapes libyaml does not know */

static json_t *read_node(reader_t *r, yaml_event_t *event, const char *path, int depth);

static int line_of(const reader_t *r, const yaml_mark_t *mark)
{
    return r->line ? r->line : (int)mark->line + 1;
}

/** Note what is wrong, the first time. @return NULL for the caller to return */
static json_t *refuse(reader_t *r, const yaml_mark_t *mark, const char *what)
{
    if (!r->why && r->line) r->why = what;
    if (!r->why) r->why = apr_psprintf(r->draft->pool, "%s:%d: %s", r->file, line_of(r, mark), what);
    return NULL;
}

static int next(reader_t *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event)) return 1;
    memset(event, 0, sizeof(*event));
    refuse(r, &r->parser.problem_mark,
           apr_psprintf(r->draft->pool, "not YAML: %s", r->parser.problem ? r->parser.problem : "unreadable"));
    return 0;
}

static void note(reader_t *r, const char *path, const yaml_event_t *event, const char *text)
{
    kr_origin_t *origin = apr_pcalloc(r->draft->pool, sizeof(*origin));

    origin->file = r->file;
    origin->line = line_of(r, &event->start_mark);
    origin->text = text;
    apr_hash_set(r->draft->origins, apr_pstrdup(r->draft->pool, path), APR_HASH_KEY_STRING, origin);
}

/* -- scalars --------------------------------------------------------------- */

static json_t *read_scalar(reader_t *r, const yaml_event_t *event, const char *path)
{
    const char *s = (const char *)event->data.scalar.value;
    int plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    json_t *out;

    if (strlen(s) != event->data.scalar.length) return refuse(r, &event->start_mark, "a NUL character in a value");
    out = plain ? kr_yaml_plain(s) : json_string(s);
    if (!out) return refuse(r, &event->start_mark, "a value that is not valid UTF-8");
    note(r, path, event, plain ? apr_pstrdup(r->draft->pool, s) : NULL);
    return out;
}

/* -- lists and objects ---------------------------------------------------------- */

static json_t *read_list(reader_t *r, const char *path, int depth)
{
    json_t *list = json_array();
    yaml_event_t event;

    while (next(r, &event)) {
        json_t *element;

        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return list;
        }
        element = read_node(r, &event, kr_path_element(r->draft->pool, path, json_array_size(list)), depth + 1);
        yaml_event_delete(&event);
        if (!element) break;
        json_array_append_new(list, element);
    }
    json_decref(list);
    return NULL;
}

/** The name of a member out of its event. NULL: refused. */
static const char *read_name(reader_t *r, const yaml_event_t *event, const json_t *object)
{
    const char *name = (const char *)event->data.scalar.value;

    if (event->type != YAML_SCALAR_EVENT || event->data.scalar.anchor || event->data.scalar.tag) {
        refuse(r, &event->start_mark, "a key must be plain text");
        return NULL;
    }
    if (!*name || strlen(name) != event->data.scalar.length || !kr_utf8_valid(name, strlen(name))) {
        refuse(r, &event->start_mark, "a key that is empty or holds a NUL character");
        return NULL;
    }
    if (json_object_get(object, name)) {
        refuse(r, &event->start_mark, apr_psprintf(r->draft->pool, "the key \"%s\" stands here twice", name));
        return NULL;
    }
    return apr_pstrdup(r->draft->pool, name);
}

static int is_merge(const yaml_event_t *event)
{
    return event->type == YAML_SCALAR_EVENT && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE
           && strcmp((const char *)event->data.scalar.value, "<<") == 0;
}

/** Members that the object has not got itself. */
static void add_missing(reader_t *r, json_t *object, const char *path, const char *from, json_t *source)
{
    const char *name;
    json_t *member;

    json_object_foreach(source, name, member) {
        if (json_object_get(object, name)) continue;
        json_object_set(object, name, member);
        kr_origins_copy(r->draft, kr_path_member(r->draft->pool, path, name), kr_path_member(r->draft->pool, from, name), member,
                        NULL);
    }
}

/** What stands at "<<", once the object's own members are known: an object, or several, of which the earlier ones win. */
static void merge_into(reader_t *r, json_t *object, const char *path, json_t *merged)
{
    const char *from = kr_path_member(r->draft->pool, path, "<<");
    json_t *source;
    size_t i;

    if (json_is_object(merged)) add_missing(r, object, path, from, merged);
    json_array_foreach(merged, i, source) add_missing(r, object, path, kr_path_element(r->draft->pool, from, i), source);
}

static int may_merge(const json_t *value)
{
    json_t *element;
    size_t i;

    json_array_foreach(value, i, element) if (!json_is_object(element)) return 0;
    return json_is_array(value) || json_is_object(value);
}

/** The value behind the name whose event was read last, into the object or, behind "<<", into `*merged`. 0: refused */
static int read_member(reader_t *r, json_t *object, json_t **merged, const char *path, const char *name, int merge, int depth)
{
    yaml_event_t event;
    json_t *member;
    int ok;

    if (!next(r, &event)) return 0;
    member = read_node(r, &event, kr_path_member(r->draft->pool, path, name), depth + 1);
    ok = member && (!merge || may_merge(member));
    if (member && !ok) refuse(r, &event.start_mark, "\"<<\" takes an object, or a list of objects, as in `<<: *anchor`");
    yaml_event_delete(&event);
    if (ok && merge) *merged = member;
    else if (ok) json_object_set_new(object, name, member);
    else json_decref(member);
    return ok;
}

static json_t *read_object(reader_t *r, const char *path, int depth)
{
    json_t *object = json_object(), *merged = NULL;
    yaml_event_t event;

    while (next(r, &event)) {
        int ended = event.type == YAML_MAPPING_END_EVENT, merge = is_merge(&event);
        const char *name = NULL;

        if (merge && merged) refuse(r, &event.start_mark, "the key \"<<\" stands here twice");
        else if (!ended) name = read_name(r, &event, object);
        yaml_event_delete(&event);
        if (ended) {
            merge_into(r, object, path, merged);
            json_decref(merged);
            return object;
        }
        if (!name || !read_member(r, object, &merged, path, name, merge, depth)) break;
    }
    json_decref(merged);
    json_decref(object);
    return NULL;
}

/* -- anchors and aliases ------------------------------------------------------------ */

/** Remember an anchored value. @return the value, or NULL with the reference released */
static json_t *keep(reader_t *r, const yaml_event_t *event, const char *name, const char *path, json_t *value)
{
    apr_pool_t *pool = r->draft->pool;
    anchor_t *anchor;

    if (apr_hash_get(r->anchors, name, APR_HASH_KEY_STRING)) {
        refuse(r, &event->start_mark, "the same anchor (&) stands there twice");
        json_decref(value);
        return NULL;
    }
    anchor = apr_pcalloc(pool, sizeof(*anchor));
    anchor->path = apr_pstrdup(pool, path);
    anchor->value = kr_json_own(pool, json_incref(value)); /* what was read is not changed any more */
    anchor->size = kr_yaml_size(value, &anchor->depth);
    apr_hash_set(r->anchors, apr_pstrdup(pool, name), APR_HASH_KEY_STRING, anchor);
    return value;
}

static json_t *read_alias(reader_t *r, const yaml_event_t *event, const char *path, int depth)
{
    const anchor_t *anchor = apr_hash_get(r->anchors, event->data.alias.anchor, APR_HASH_KEY_STRING);
    const kr_origin_t here = { r->file, line_of(r, &event->start_mark), NULL };

    if (!anchor) return refuse(r, &event->start_mark, "an alias (*) without an anchor (&) before it");
    if (anchor->size > COPIES_MAX - r->copied) return refuse(r, &event->start_mark, "aliases (*) repeat too much");
    if (depth + anchor->depth - 1 > KR_CONFIG_MAX_DEPTH) return refuse(r, &event->start_mark, "nested more than 64 levels deep");
    r->copied += anchor->size;
    kr_origins_copy(r->draft, path, anchor->path, anchor->value, &here);
    return json_deep_copy(anchor->value);
}

/** The anchor and tag of any node. */
static const char *anchor_of(const yaml_event_t *event, int *tagged)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;

    switch (event->type) {
    case YAML_SCALAR_EVENT: anchor = event->data.scalar.anchor; tag = event->data.scalar.tag; break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    default: break;
    }
    *tagged = tag != NULL;
    return (const char *)anchor;
}

static json_t *read_node(reader_t *r, yaml_event_t *event, const char *path, int depth)
{
    int tagged;
    const char *name = anchor_of(event, &tagged);
    json_t *out;

    if (depth > KR_CONFIG_MAX_DEPTH) return refuse(r, &event->start_mark, "nested more than 64 levels deep");
    if (tagged) return refuse(r, &event->start_mark, "tags (!) are not supported");
    if (event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT) note(r, path, event, NULL);
    switch (event->type) {
    case YAML_SCALAR_EVENT: out = read_scalar(r, event, path); break;
    case YAML_SEQUENCE_START_EVENT: out = read_list(r, path, depth); break;
    case YAML_MAPPING_START_EVENT: out = read_object(r, path, depth); break;
    case YAML_ALIAS_EVENT: out = read_alias(r, event, path, depth); break;
    default: out = refuse(r, &event->start_mark, "a value is missing");
    }
    return out && name ? keep(r, event, name, path, out) : out;
}

/** Take the next event, which must be of that type. */
static int expect(reader_t *r, yaml_event_type_t type, const char *otherwise)
{
    yaml_event_t event;
    int ok;

    if (!next(r, &event)) return 0;
    ok = event.type == type;
    if (!ok) refuse(r, &event.start_mark, otherwise);
    yaml_event_delete(&event);
    return ok;
}

static json_t *read_document(reader_t *r, const char *path)
{
    json_t *out = NULL;
    yaml_event_t event;

    if (!expect(r, YAML_STREAM_START_EVENT, "not YAML")) return NULL;
    if (!expect(r, YAML_DOCUMENT_START_EVENT, "nothing is in it")) return NULL;
    if (!next(r, &event)) return NULL;
    out = read_node(r, &event, path, 1);
    yaml_event_delete(&event);
    if (out && expect(r, YAML_DOCUMENT_END_EVENT, "not YAML")
        && expect(r, YAML_STREAM_END_EVENT, "a second document begins here; only one is read")) {
        return out;
    }
    json_decref(out);
    return NULL;
}

/** @param repaired  out: the text with escapes that libyaml takes, from malloc, when it failed at such; else NULL */
static json_t *read_once(char **repaired, kr_draft_t *draft, const char *path, const char *file, int line, const char *text,
                         apr_size_t len, const char **why)
{
    reader_t r = { .draft = draft, .file = file, .line = line, .anchors = apr_hash_make(draft->pool) };
    json_t *out;

    *repaired = NULL;
    if (!yaml_parser_initialize(&r.parser)) abort(); /* out of memory, as in APR */
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    out = read_document(&r, path);
    if (!out && r.parser.error == YAML_SCANNER_ERROR) *repaired = kr_yaml_join_pairs(text, len, r.parser.context_mark.index);
    yaml_parser_delete(&r.parser);
    *why = r.why;
    return out;
}

json_t *kr_yaml_read(kr_draft_t *draft, const char *path, const char *file, int line, const char *text, apr_size_t len,
                     const char **why)
{
    char *repaired, *before = NULL;
    json_t *out = NULL;

    for (int i = 0; i <= REPAIRS_MAX; i++) {
        out = read_once(&repaired, draft, path, file, line, before ? before : text, before ? strlen(before) : len, why);
        if (before) kr_wipe(before, strlen(before)); /* there are secrets in it */
        free(before);
        before = repaired;
        if (out || !repaired) break;
    }
    if (before) kr_wipe(before, strlen(before));
    free(before);
    return out;
}
