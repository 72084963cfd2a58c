/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/config: the draft, where its parts came from, and what was found while looking at it. */
#ifndef KR_CONFIG_DRAFT_H
#define KR_CONFIG_DRAFT_H

#include <apr_hash.h>

#include "keys.h"
#include "kr_draft.h"

/** Bounds of a settings file. */
#define KR_CONFIG_MAX_BYTES (1024 * 1024)
#define KR_CONFIG_MAX_DEPTH 64

/** Where a value was written. */
typedef struct {
    const char *file;
    int line;
    const char *text;  /* plain scalars: as it was written, for where a string is wanted ("007") */
} kr_origin_t;

struct kr_draft_t {
    apr_pool_t *pool;
    json_t *tree;          /* an object, owned by the pool */
    kr_keytables_t keys;   /* kr_keys_flat */
    apr_hash_t *origins;   /* path -> kr_origin_t */
    const char *file;      /* the last one loaded, or NULL */
};

/** Where the value at a path, or what it stands in, was written. NULL when nobody wrote it. */
const kr_origin_t *kr_origin(const kr_draft_t *draft, const char *path);
/**
 * A value that was written at `from` stands at `path` as well, with all within it.
 * @param where  the line to name for it; NULL: the one it was written in
 */
void kr_origins_copy(kr_draft_t *draft, const char *path, const char *from, const json_t *value, const kr_origin_t *where);
/** path + ".name". */
const char *kr_path_member(apr_pool_t *pool, const char *path, const char *name);
/** path + "[i]". */
const char *kr_path_element(apr_pool_t *pool, const char *path, apr_size_t i);

/**
 * Read one YAML document. Where its values stand is noted in the draft under `path`.
 * @param line  of the directive that holds the text; 0: count the lines of the text
 * @param why   on failure: what is wrong, with "file:line: " before it where lines were counted
 * @return a new reference, NULL on failure
 */
json_t *kr_yaml_read(kr_draft_t *draft, const char *path, const char *file, int line, const char *text, apr_size_t len,
                     const char **why);

/** What a plain scalar means: null, true, a number, text. @return a new reference, NULL: no UTF-8 */
json_t *kr_yaml_plain(const char *s);
/** Values in a value, itself included. `*depth`: how many levels it has. */
int kr_yaml_size(const json_t *value, int *depth);
/**
 * JSON writes characters beyond the first plane as two escapes, "\\ud83d\\ude00", which libyaml refuses.
 * @param quote  the character (not byte) that is the opening quote of the string it stopped at
 * @return the text with such pairs in that string joined (in all strings where the whole is JSON), from malloc; NULL: there are none
 */
char *kr_yaml_join_pairs(const char *text, apr_size_t len, apr_size_t quote);

/* -- values (values.c) ------------------------------------------------------- */

/**
 * Check a value against its row and store it.
 * @param out  the field, of key->size bytes; NULL: check only
 * @return what is wrong, or NULL
 */
const char *kr_value_read(void *out, apr_pool_t *pool, const kr_key_t *key, json_t *value);
/**
 * A value out of text, by the type of its key: KratosSet, and the defaults of the table.
 * @param where  for messages; lists and objects are YAML or JSON
 * @return a new reference, or NULL with *why
 */
json_t *kr_value_parse(kr_draft_t *draft, const kr_key_t *key, const char *path, const char *text,
                       const kr_origin_t *where, const char **why);
/** Give numbers back their text where strings are wanted. @return a new reference, or NULL: fine as it is */
json_t *kr_value_settle(const kr_draft_t *draft, const kr_key_t *key, const char *path, json_t *value);
/** What a value of this row looks like: "a duration such as 1h30m". */
const char *kr_value_shape(apr_pool_t *pool, const kr_key_t *key);

/** Elements of a list at most. */
#define KR_LIST_MAX 1000

/* -- the review (check.c, hooks.c) ----------------------------------------- */

/** One look over a draft. */
struct kr_review_t {
    kr_draft_t *draft;
    apr_pool_t *pool;
    int allow_unbuilt;
    apr_array_header_t *errors, *warnings;  /* of kr_finding_t */
    apr_array_header_t *idle;               /* of const char*: keys without effect yet */
};

/** Note a problem with what stands at `path`. */
void kr_review_error(kr_review_t *review, const char *path, const char *fmt, ...) KR_PRINTF(3, 4);
/** Note something its owner should know. */
void kr_review_warn(kr_review_t *review, const char *path, const char *fmt, ...) KR_PRINTF(3, 4);
/** Note that somebody asks for what is not built yet: an error, or a warning where that is allowed. */
void kr_review_unbuilt(kr_review_t *review, const char *path, const char *fmt, ...) KR_PRINTF(3, 4);

/** Check all members of an object. `prefix`: how many bytes of `path` stand before the paths of the tables. */
void kr_review_object(kr_review_t *review, kr_keytables_t tables, apr_size_t prefix, const char *path, json_t *object);
/** Check one value against its row. `parent` holds it under `name`. */
void kr_review_value(kr_review_t *review, const kr_key_t *key, const char *path, json_t *parent, const char *name);
/**
 * Put the members of an object, or their defaults, into the fields of a struct (fill.c). What is wrong with them was said by the review:
 * here it is left out.
 * @param into    zeroed
 * @param path    of the object, "": the whole tree
 * @param object  or NULL
 */
void kr_fill(kr_review_t *review, void *into, const kr_element_t *of, const char *path, json_t *object);
/** A list of hooks as kr_hook_conf_t, without those that never do anything (hooks.c). */
apr_array_header_t *kr_hooks_fill(kr_review_t *review, const char *path, json_t *list);
/** Is the member absent or null? */
int kr_is_missing(const json_t *object, const char *name);
/** Check a list of hooks: known, in their place, built. */
void kr_review_hooks(kr_review_t *review, const kr_key_t *key, const char *path, json_t *list);
/** Who may call from other origins with cookies (cors.c). */
void kr_review_cors(kr_review_t *review, const kr_settings_t *settings);
/** Look at settings that are complete: what does not work in browsers, or covers too much (advice.c). */
void kr_review_advise(kr_review_t *review, const kr_settings_t *settings);
/** What is on and nobody could use: ways in without an identifier, messages that nothing carries (advice_people.c). */
void kr_review_people(kr_review_t *review, const kr_settings_t *settings);
/** Whose keys security keys and passkeys are: domain and origins, completed (relying_party.c). */
void kr_review_keys(kr_review_t *review, kr_settings_t *settings);
/** Sites that take our word for who somebody is (fedcm.c). */
void kr_review_fedcm(kr_review_t *review, const kr_settings_t *settings);
/** The schemas that are usable, and that one of them is the default (schemas.c). */
void kr_review_schemas(kr_review_t *review, kr_settings_t *settings);
/** The OAuth2 server that has people sign in here: headers, URL, and the share of the workers that may wait for it (oauth2.c). */
void kr_review_oauth2(kr_review_t *review, kr_settings_t *settings);
/** Read what courier.* needs besides its plain fields: services, programs, templates. */
void kr_review_courier(kr_review_t *review, kr_mail_conf_t *mail);
/** How long sessions live (sessions.c). */
void kr_review_sessions(kr_review_t *review, const kr_settings_t *settings);
/** How often somebody may fail: the limits, and the memory to count in (throttle.c). */
void kr_review_throttle(kr_review_t *review, kr_settings_t *settings);
/** Limits of calls to sites that people sign in with (providers.c). */
void kr_review_providers(kr_review_t *review, const kr_settings_t *settings);
/** A header of the owner's: what is wrong with it is told. @return 1: it can be sent */
int kr_review_header(kr_review_t *review, const char *path, const char *name, const char *value);
/** What a request_config describes, ready to be called: headers and proof checked, the program parsed (services.c). */
kr_http_service_t *kr_service_make(kr_review_t *review, const char *path, const kr_request_conf_t *conf);
/** Web hooks that may stop a flow, in lists that do not count for every method; and a list of those that are only told (web_hooks.c). */
void kr_review_web_hooks(kr_review_t *review, kr_settings_t *settings);
/** The owner's templates, of both ways to give them, compiled: array of kr_override_t. */
apr_array_header_t *kr_review_templates(kr_review_t *review, const kr_mail_conf_t *mail);
/** Is that element of a list of secrets the file:// URL of one? */
int kr_is_secret_file(const kr_key_t *key, const char *value);
/** Read the secrets that stand in files into the draft, before anything looks at them (secrets.c). */
void kr_review_secret_files(kr_review_t *review);

/* -- documents (sources.c) ----------------------------------------------------- */

/** The folder of the file that wrote what stands at `path`. */
const char *kr_source_folder(const kr_review_t *review, const char *path);
/** A plain file of at most KR_CONFIG_MAX_BYTES, whole, with a NUL behind it. @return what is wrong, or NULL */
const char *kr_source_file(const char **text, apr_size_t *len, apr_pool_t *pool, const char *name);
/** The document behind file:// or base64:// of the value at `path`. @return what is wrong, or NULL */
const char *kr_source_read(const char **text, apr_size_t *len, kr_review_t *review, const char *path, const char *url);
/**
 * The Jsonnet program behind the value at `path`; what is wrong with it is told the owner.
 * @param make  kr_jsonnet_make or kr_jsonnet_make_ext
 * @return NULL: there is no URL, or it cannot be used
 */
const kr_jsonnet_t *kr_source_program(kr_review_t *review, const char *path, const char *url, kr_jsonnet_make_fn *make);

#endif
