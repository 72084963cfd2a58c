/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the schema room: the compiled tree, how it is built, how one validation runs. */
#ifndef KR_SCHEMA_SCHEMA_H
#define KR_SCHEMA_SCHEMA_H

#include <apr_hash.h>

#include "kr_pattern.h"
#include "kr_schema.h"

#define KR_SCHEMA_MAX_BYTES (1024 * 1024)
/** Schemas entered inside each other, while compiling and while validating. */
#define KR_SCHEMA_MAX_DEPTH 128
/** What one validation may cost; a step is a schema applied to a value or two values compared. */
#define KR_SCHEMA_MAX_STEPS 2000000L
/** µs that all regular expressions of one validation may work: a list has thousands of values, each of which may cost what one may. */
#define KR_SCHEMA_MAX_MATCHING 500000
#define KR_SCHEMA_MAX_VIOLATIONS 64

/** Bit of a kind of JSON value, for kr_keyword_t.on. */
#define KR_ON(type) (1u << (type))
#define KR_ON_NUMBER (KR_ON(JSON_INTEGER) | KR_ON(JSON_REAL))
#define KR_ON_ANY 0xffu

typedef struct kr_node_t kr_node_t;
typedef struct kr_rule_t kr_rule_t;
typedef struct kr_build_t kr_build_t;
typedef struct kr_run_t kr_run_t;

/** Where in the instance we are: a list on the stack, printed only when something is wrong. */
typedef struct kr_at_t kr_at_t;
struct kr_at_t {
    const kr_at_t *up; /* NULL for the whole instance */
    const char *name;  /* NULL: an array element */
    apr_size_t index;
};

typedef enum { KR_BUILT, KR_BUILT_NOTHING, KR_BUILD_FAILED } kr_built_e;

/** A keyword: how its value is read from the schema, and how an instance is held against it. */
typedef struct {
    const char *name;
    unsigned on; /* kinds of instance it has an opinion on */
    /** Fill rule->count or rule->arg. KR_BUILD_FAILED: kr_build_fail was called. */
    kr_built_e (*compile)(kr_build_t *b, kr_node_t *node, kr_rule_t *rule);
    /** @return 1 valid, 0 not; NULL for keywords that others read, or that say nothing about instances */
    int (*check)(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at);
} kr_keyword_t;

/** Families of keywords, each ended by a row without name. The order is the order of the violations. */
extern const kr_keyword_t kr_keywords_value[];
extern const kr_keyword_t kr_keywords_string[];
extern const kr_keyword_t kr_keywords_object[];
extern const kr_keyword_t kr_keywords_array[];
extern const kr_keyword_t kr_keywords_logic[];

/** One keyword in one schema. */
struct kr_rule_t {
    const kr_keyword_t *keyword;
    const kr_node_t *node; /* the schema it stands in */
    const json_t *value;
    apr_int64_t count;     /* of keywords that take a whole number */
    const void *arg;       /* what the value compiled to; each keyword knows its own */
};

typedef struct {
    const char *name;
    const kr_pattern_t *pattern; /* of patternProperties; else NULL */
    const kr_node_t *node;
    const json_t *names;         /* of dependencies that list names; else NULL */
} kr_member_t;

/** A schema. */
struct kr_node_t {
    const json_t *json;
    const char *where;                     /* JSON pointer into the document, for messages */
    const char *base;                      /* URI that a $ref in here is relative to */
    enum { KR_NODE_RULES, KR_NODE_TRUE, KR_NODE_FALSE } verdict;
    const kr_node_t *ref;                  /* set: this schema is nothing but that one */
    apr_array_header_t *rules;             /* of kr_rule_t */
    const apr_array_header_t *patterns;    /* of kr_member_t: patternProperties, for additionalProperties */
    const apr_array_header_t *tuple;       /* of const kr_node_t *: items as a list, for additionalItems */
    const kr_node_t *on_true, *on_false;   /* then and else */
};

struct kr_validator_t {
    const kr_node_t *root;
    const json_t *doc;              /* our own copy: nobody else can change it */
    const apr_array_header_t *nodes; /* of const kr_node_t *: every schema, document order */
    apr_hash_t *by_json;            /* json_t * -> kr_node_t * */
};

/* -- compile.c ------------------------------------------------------------ */

struct kr_build_t {
    apr_pool_t *pool;
    kr_validator_t *validator;
    apr_array_header_t *nodes;   /* becomes validator->nodes */
    apr_hash_t *places;          /* URI -> kr_place_t *: documents, $ids and #names */
    apr_array_header_t *pending; /* of kr_node_t *: schemas whose $ref is not looked up yet */
    const char *why;
    int depth;
    int draft4;
};

/** Note what is wrong with the schema, for its author. @return KR_BUILD_FAILED always */
kr_built_e kr_build_fail(kr_build_t *b, const char *where, const char *fmt, ...) KR_PRINTF(3, 4);
/** The same for the value of a keyword. */
kr_built_e kr_build_refuse(kr_build_t *b, const kr_rule_t *rule, const char *fmt, ...) KR_PRINTF(3, 4);
/** Compile a schema (once: the same json_t gives the same node). @return NULL after kr_build_fail */
kr_node_t *kr_build_node(kr_build_t *b, const json_t *json, const char *base, const char *where);
/** Compile a schema that is the value of `rule`, or with `name`, a member or element of it. */
kr_node_t *kr_build_part(kr_build_t *b, const kr_rule_t *rule, const json_t *json, const char *name);
/** The compiled schema of a json_t of the validator's document, its $ref followed; NULL when it is none. */
const kr_node_t *kr_validator_node(const kr_validator_t *validator, const json_t *json);
/** Follow $ref to the schema that says something. */
const kr_node_t *kr_node_target(const kr_node_t *node);

/**
 * What many keywords take: a whole number (into rule->count), a string, a boolean, a schema (a kr_node_t * in
 * rule->arg). Rows of the tables name these.
 */
kr_built_e kr_build_count(kr_build_t *b, kr_node_t *node, kr_rule_t *rule);
kr_built_e kr_build_text(kr_build_t *b, kr_node_t *node, kr_rule_t *rule);
kr_built_e kr_build_boolean(kr_build_t *b, kr_node_t *node, kr_rule_t *rule);
kr_built_e kr_build_schema(kr_build_t *b, kr_node_t *node, kr_rule_t *rule);

/* -- refs.c --------------------------------------------------------------- */

/** Something a $ref may point to. */
typedef struct {
    const json_t *json;
    const char *base;
    const char *where;
} kr_place_t;

/** Resolve a URI reference (RFC 3986 section 5.2). An empty fragment is dropped. */
const char *kr_ref_resolve(apr_pool_t *pool, const char *base, const char *ref);
/** A JSON pointer extended by one token, escaped. */
const char *kr_ref_pointer(apr_pool_t *pool, const char *pointer, const char *token);
/** Find what `ref` means at `node`. @return 0 after kr_build_fail */
int kr_ref_find(kr_build_t *b, kr_place_t *out, const kr_node_t *node, const char *ref);

/* -- metaschema.c --------------------------------------------------------- */

extern const char kr_metaschema_uri[];
extern const char kr_metaschema_text[];

/* -- validator.c ---------------------------------------------------------- */

struct kr_run_t {
    apr_pool_t *pool;
    apr_array_header_t *out; /* of kr_violation_t */
    const kr_node_t *node;   /* the schema that is applied */
    int quiet;               /* above 0: inside a branch that may fail; only the verdict counts */
    int depth;
    long steps;              /* left */
    apr_time_t matched;      /* µs that regular expressions have worked */
    int full;                /* enough violations */
    int spent;               /* steps, depth or time ran out: no verdict can be trusted, the instance is refused */
};

/** Apply a schema. @return 1 valid, 0 not */
int kr_run_node(kr_run_t *run, const kr_node_t *node, const json_t *instance, const kr_at_t *at);
/** Apply a schema without reporting: for branches that may fail. */
int kr_run_quietly(kr_run_t *run, const kr_node_t *node, const json_t *instance, const kr_at_t *at);
/**
 * Report a violation, unless quiet.
 * @param context  stolen; NULL for an empty object
 * @return 0 always
 */
int kr_run_fail(kr_run_t *run, const kr_at_t *at, const char *keyword, json_t *context, const char *fmt, ...)
    KR_PRINTF(5, 6);
/** Nothing more needs to be found out. */
int kr_run_over(const kr_run_t *run, int ok);
/** As kr_pattern_find, within the time that is left for all of them. */
int kr_run_match(kr_run_t *run, const kr_pattern_t *pattern, const char *text, apr_size_t len);
/** A stranger's text fit for a sentence: cut at a character after about 60 bytes. */
const char *kr_run_shown(kr_run_t *run, const char *text);

/* -- values.c ------------------------------------------------------------- */

/** Compare two JSON numbers by their mathematical value. @return below, at or above 0 */
int kr_number_compare(const json_t *a, const json_t *b);
/** Is `a` a whole multiple of `b` (above 0)? Both are taken as the decimals they were written as. */
int kr_number_multiple(const json_t *a, const json_t *b);
/** Is it a number without fraction? */
int kr_number_whole(const json_t *a);
/** Equality of JSON values, numbers by value. Takes one from *steps per pair; below 0 the answer means nothing. */
int kr_value_equal(const json_t *a, const json_t *b, long *steps);
/** The value as text: strings bare, numbers as short as they can be, arrays and objects as JSON. */
const char *kr_value_text(apr_pool_t *pool, const json_t *value);
/** "string", "number", "boolean", "object", "array" or "null". */
const char *kr_value_type(const json_t *value);

/* -- formats.c, formats_uri.c --------------------------------------------- */

int kr_format_uri(const char *s);
int kr_format_uri_reference(const char *s);
int kr_format_iri(const char *s);
int kr_format_iri_reference(const char *s);
int kr_format_uri_template(const char *s);

/* -- extension.c ---------------------------------------------------------- */

/** Read "ory.sh/kratos" of a schema into the leaf; absent is fine. @return 0 with *why: `where` and what */
int kr_extension_read(apr_pool_t *pool, kr_leaf_t *leaf, const json_t *schema, const char *where, const char **why);


/* -- leaf.c --------------------------------------------------------------- */

/** The one type of a schema; NULL when it has none or several. */
const char *kr_leaf_type_name(const json_t *json);
/**
 * Read a property that is no object. `json` is its schema with $ref followed.
 * @return 0 with *why when its extension, or that of its elements, is not well formed
 */
int kr_leaf_read(kr_leaf_t *leaf, apr_pool_t *pool, const kr_validator_t *validator, const json_t *json, const char *path,
                 const char **why);
/** Choose input and autocomplete by type and format: again when a branch added to them. */
void kr_leaf_input(kr_leaf_t *leaf);

#endif
