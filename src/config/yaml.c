/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML to json_t, by libyaml's events. Little more than the part of YAML that JSON has too: no tags, merge keys or
 * second documents, so that a value is what it looks like. An alias may repeat a scalar or a list of scalars, and only
 * so often, so that a file cannot grow far beyond its text. Scalars follow the core schema of YAML 1.2.
 */
#include <errno.h>
#include <math.h>
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
    int copied;       /* scalars that aliases made */
} reader_t;

/** A value that aliases may repeat. */
typedef struct {
    const char *path;
    json_t *value;    /* owned by the pool */
} anchor_t;

#define COPIES_MAX 1000 /* scalars that all aliases of a file make */

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

/* -- plain scalars ------------------------------------------------------------ */

static int one_of(const char *s, const char *const *words)
{
    for (; *words; words++) {
        if (strcmp(s, *words) == 0) return 1;
    }
    return 0;
}

/** [-+]?[0-9]+, 0o7, 0xF. @return 1 and the number; 0: no integer, or one that 64 bits do not hold */
static int plain_integer(const char *s, json_int_t *out)
{
    const char *digits = s + (*s == '-' || *s == '+');
    const char *allowed = "0123456789";
    int base = 10;
    char *end;

    if (s[0] == '0' && (s[1] == 'o' || s[1] == 'x')) {
        base = s[1] == 'o' ? 8 : 16;
        allowed = base == 8 ? "01234567" : "0123456789abcdefABCDEF";
        digits = s = s + 2;
    }
    if (!*digits || strspn(digits, allowed) != strlen(digits)) return 0;
    errno = 0;
    *out = strtoll(s, &end, base);
    return errno == 0 && !*end;
}

/** [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static int plain_real(const char *s, double *out)
{
    const char *p = s + (*s == '-' || *s == '+');
    apr_size_t before = strspn(p, "0123456789"), after = 0;

    p += before;
    if (*p == '.') {
        after = strspn(++p, "0123456789");
        p += after;
    }
    if (!before && !after) return 0;
    if (*p == 'e' || *p == 'E') {
        apr_size_t digits;

        p++;
        if (*p == '-' || *p == '+') p++;
        digits = strspn(p, "0123456789");
        if (!digits) return 0;
        p += digits;
    }
    if (*p) return 0;
    *out = strtod(s, NULL);
    return isfinite(*out);
}

static json_t *plain_scalar(const char *s)
{
    static const char *const NULLS[] = { "", "~", "null", "Null", "NULL", NULL };
    static const char *const TRUES[] = { "true", "True", "TRUE", NULL };
    static const char *const FALSES[] = { "false", "False", "FALSE", NULL };
    json_int_t whole;
    double real;

    if (one_of(s, NULLS)) return json_null();
    if (one_of(s, TRUES)) return json_true();
    if (one_of(s, FALSES)) return json_false();
    if (plain_integer(s, &whole)) return json_integer(whole);
    if (plain_real(s, &real)) return json_real(real);
    return json_string(s);
}

static json_t *read_scalar(reader_t *r, const yaml_event_t *event, const char *path)
{
    const char *s = (const char *)event->data.scalar.value;
    int plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    json_t *out;

    if (strlen(s) != event->data.scalar.length) return refuse(r, &event->start_mark, "a NUL character in a value");
    out = plain ? plain_scalar(s) : json_string(s);
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

static json_t *read_object(reader_t *r, const char *path, int depth)
{
    json_t *object = json_object();
    yaml_event_t event;

    while (next(r, &event)) {
        int ended = event.type == YAML_MAPPING_END_EVENT;
        const char *name = ended ? NULL : read_name(r, &event, object);
        json_t *member;

        yaml_event_delete(&event);
        if (ended) return object;
        if (!name || !next(r, &event)) break;
        member = read_node(r, &event, kr_path_member(r->draft->pool, path, name), depth + 1);
        yaml_event_delete(&event);
        if (!member) break;
        json_object_set_new(object, name, member);
    }
    json_decref(object);
    return NULL;
}

/* -- anchors and aliases ------------------------------------------------------------ */

static int is_flat(const json_t *value)
{
    size_t i;
    json_t *element;

    json_array_foreach(value, i, element) {
        if (json_is_array(element) || json_is_object(element)) return 0;
    }
    return !json_is_object(value);
}

/** Remember an anchored value. @return the value, or NULL with the reference released */
static json_t *keep(reader_t *r, const yaml_event_t *event, const char *name, const char *path, json_t *value)
{
    apr_pool_t *pool = r->draft->pool;
    anchor_t *anchor;

    if (!is_flat(value) || apr_hash_get(r->anchors, name, APR_HASH_KEY_STRING)) {
        refuse(r, &event->start_mark, is_flat(value) ? "the same anchor (&) stands there twice"
                                                     : "anchors (&) are only supported on text and lists of text");
        json_decref(value);
        return NULL;
    }
    anchor = apr_pcalloc(pool, sizeof(*anchor));
    anchor->path = apr_pstrdup(pool, path);
    anchor->value = kr_json_own(pool, json_deep_copy(value));
    apr_hash_set(r->anchors, apr_pstrdup(pool, name), APR_HASH_KEY_STRING, anchor);
    return value;
}

/** The text that a scalar was written as follows it to where the alias stands. */
static void note_copy(reader_t *r, const yaml_event_t *event, const char *path, const char *from)
{
    const kr_origin_t *origin = apr_hash_get(r->draft->origins, from, APR_HASH_KEY_STRING);

    note(r, path, event, origin ? origin->text : NULL);
}

static json_t *read_alias(reader_t *r, const yaml_event_t *event, const char *path)
{
    apr_pool_t *pool = r->draft->pool;
    const anchor_t *anchor = apr_hash_get(r->anchors, event->data.alias.anchor, APR_HASH_KEY_STRING);

    if (!anchor) return refuse(r, &event->start_mark, "an alias (*) without an anchor (&) before it");
    r->copied += 1 + (int)json_array_size(anchor->value);
    if (r->copied > COPIES_MAX) return refuse(r, &event->start_mark, "aliases (*) repeat too much");
    note_copy(r, event, path, anchor->path);
    for (size_t i = 0; i < json_array_size(anchor->value); i++) {
        note_copy(r, event, kr_path_element(pool, path, i), kr_path_element(pool, anchor->path, i));
    }
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
    case YAML_ALIAS_EVENT: out = read_alias(r, event, path); break;
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

json_t *kr_yaml_read(kr_draft_t *draft, const char *path, const char *file, int line, const char *text, apr_size_t len,
                     const char **why)
{
    reader_t r = { .draft = draft, .file = file, .line = line, .anchors = apr_hash_make(draft->pool) };
    json_t *out;

    if (!yaml_parser_initialize(&r.parser)) abort(); /* out of memory, as in APR */
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    out = read_document(&r, path);
    yaml_parser_delete(&r.parser);
    *why = r.why;
    return out;
}
