/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Schema draft-07 on jansson, and what Kratos reads from an identity schema: extension and form. */
#ifndef KR_SCHEMA_H
#define KR_SCHEMA_H

#include <apr_tables.h>

#include "kr_ctx.h"

typedef struct kr_validator_t kr_validator_t;

/**
 * Compile a schema document (draft-07; "$schema" of draft 4 or 6 is read as 7). $ref to the document itself and to its
 * $ids are resolved; a remote $ref, a bad regex (PCRE2, UTF mode, match limits set), or a document over 1 MiB is refused.
 * Immutable afterwards and safe to share between threads.
 * @param why  on failure: where and what, for the person who wrote the schema
 * @return NULL on failure
 */
kr_validator_t *kr_validator_compile(apr_pool_t *pool, const json_t *doc, const char **why);

/** Which keyword refused, with what its message needs. */
typedef struct {
    const char *path;    /* dotted path of the instance ("traits.name.first"), "" for the whole; a missing
                            required member is named itself */
    const char *keyword; /* "required", "type", "minLength", ...; formats with messages of their own are
                            "format:email" and "format:tel", the others "format"; "limit": too large to be checked */
    const char *reason;  /* words for message 4000001 */
    const char *title, *description; /* of the schema that the keyword stands in; or NULL */
    json_t *context;     /* what the message of that keyword names, pool-owned object */
} kr_violation_t;

/**
 * Validate. All violations of one pass are collected (at most 64).
 * @param out  array of kr_violation_t, empty when the instance is valid
 */
void kr_validate(apr_array_header_t **out, apr_pool_t *pool, const kr_validator_t *validator, const json_t *instance);

/** Draft-07 formats as Kratos checks them: email, tel, uri, date... @return 1 valid or unknown format, 0 invalid */
int kr_format_valid(const char *format, const char *value);

/** What kind of value a leaf of the identity schema takes. */
typedef enum { KR_LEAF_STRING, KR_LEAF_NUMBER, KR_LEAF_INTEGER, KR_LEAF_BOOLEAN, KR_LEAF_ARRAY, KR_LEAF_OTHER } kr_leaf_e;

/** One leaf property of an identity schema, in document order. */
typedef struct {
    const char *path;         /* "traits.name.first" */
    kr_leaf_e type;
    const apr_array_header_t *items; /* of arrays: kr_leaf_t, what an element is; empty when the schema does not say */
    int tuple;                /* 1: `items` has one for each position; 0: one that counts for all */
    apr_int64_t max_items;    /* of arrays; 0: any number */
    int array_of_objects;     /* 1: no node, and the path counts as object when decoding */
    int required;             /* by its direct parent */
    int node;                 /* 1: gets a form node */
    const char *input_type;   /* "text", "email", "number", "checkbox", ... */
    const char *autocomplete; /* or NULL */
    const char *title;        /* or NULL */
    const char *description;  /* or NULL */
    const char *pattern;      /* or NULL */
    const char *format;       /* or NULL */
    const json_t *options;    /* enum as [{"value":v},...], or NULL */
    /* ory.sh/kratos */
    int password_identifier, webauthn_identifier, code_identifier, passkey_display_name, totp_account_name;
    const char *code_via;     /* "email", "sms" or NULL */
    const char *verify_via;   /* "email", "sms" or NULL */
    const char *recover_via;  /* "email", "sms" or NULL */
} kr_leaf_t;

/** A compiled identity schema. Made at start, shared read-only by all threads. */
typedef struct kr_schema_t {
    const char *id;
    const char *url_id;              /* base64url of the id, for schema_url */
    int selectable;                  /* identity.schemas[].selfservice_selectable */
    const char *raw;                 /* the document as it was read, served at /schemas/{id} */
    apr_size_t raw_len;
    const kr_validator_t *validator; /* validates {"traits": ...} */
    const apr_array_header_t *leaves;  /* of kr_leaf_t, document order, every branch included */
    const apr_array_header_t *objects; /* of const char*: paths of type "object", outer first; "traits" among them */
    const char *identifier_title;    /* title of the one annotated identifier, or NULL */
    const char *identifier_name;     /* its path */
} kr_schema_t;

/**
 * Compile an identity schema: the document must describe an object `traits`, and the extension be well formed.
 * @param raw  the text of the document, at most 1 MiB
 */
kr_schema_t *kr_schema_compile(apr_pool_t *pool, const char *id, const char *raw, apr_size_t len, const char **why);

/** The leaf with that path, or NULL. */
const kr_leaf_t *kr_schema_leaf(const kr_schema_t *schema, const char *path);
/** What the element of a list at that position is; NULL where the schema does not say. */
const kr_leaf_t *kr_leaf_item(const kr_leaf_t *list, apr_size_t position);

#endif
