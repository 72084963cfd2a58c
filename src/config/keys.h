/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/config: what a row of the table of keys is, and how to look rows up. */
#ifndef KR_CONFIG_KEYS_H
#define KR_CONFIG_KEYS_H

#include <stddef.h>

#include "kr_settings.h"

/** What a value must look like, and what it becomes in kr_settings_t. */
typedef enum {
    KR_BOOL,     /* true, false -> int; with `words` "false|true" as text too */
    KR_INT,      /* whole number in min..max -> int, apr_uint32_t or apr_int64_t, by the size of the field */
    KR_TEXT,     /* string of min..max bytes -> const char* */
    KR_WORD,     /* one of `words` -> const char* */
    KR_CHOICE,   /* one of `words` -> int: which one, from 0 */
    KR_DURATION, /* "1h30m" -> apr_time_t */
    KR_SIZE,     /* "128MB" -> apr_uint32_t, KiB */
    KR_URL,      /* absolute http(s) URL -> const char* */
    KR_PAGE,     /* absolute URL, or a path relative to serve.public.base_url -> const char*, absolute */
    KR_SOURCE,   /* file://, base64://, http(s)://: where a document comes from -> const char* */
    KR_TEXTS,    /* list of strings, each as KR_TEXT; of `words`, if there are some -> array of const char* */
    KR_HOOKS,    /* list of hooks out of `words` -> array of kr_hook_conf_t */
    KR_OBJECTS,  /* list of objects as in `of` -> array of its structs */
    KR_MAP,      /* object of strings under names of the owner's choice -> apr_table_t */
    KR_ANY,      /* not looked into -> const json_t* */
    /* no settings themselves, so nobody reads of them: only what `of` says stands below them */
    KR_OBJECT,   /* one object -> its struct, in place */
    KR_MEMBERS   /* objects, under each of the names that the path stands for -> array of structs */
} kr_type_e;

/** How far a setting works. Later work turns DETAIL and REFUSED rows into BUILT ones. */
typedef enum {
    BUILT,     /* works */
    DETAIL,    /* accepted, but only details what is not built yet: named in one warning */
    REFUSED,   /* anything but the default switches on what is not built yet: refused, see `asks` */
    ELSEWHERE  /* accepted in silence: it needs no setting here, or httpd has one of its own */
} kr_built_e;

/** Looks at one string value. @return what is wrong with it ("is no ..."), or NULL */
typedef const char *kr_check_fn(apr_pool_t *pool, const char *value);

typedef struct kr_key_t kr_key_t;

/** A part of the table. */
typedef struct {
    const kr_key_t *keys;
    int count;
} kr_keytable_t;

/** A list of parts, NULL at its end. */
typedef const kr_keytable_t *const *kr_keytables_t;

typedef struct kr_review_t kr_review_t;

/**
 * Complete a struct that has its members: what must hold among them, what is made of them.
 * @param path  of the object, for messages. A string that its row found wrong is there as it was written, other wrong values are missing
 */
typedef void kr_finish_fn(kr_review_t *review, const char *path, void *element);

/** What an element of a list consists of, or an object that has a struct of its own. */
typedef struct {
    apr_size_t size;       /* of the struct; 0: it is only looked into */
    kr_keytables_t rows;   /* paths begin in the object, fields in the struct */
    apr_size_t name;       /* KR_MEMBERS, and with `twice`: where in the struct its name goes, or is */
    const char *twice;     /* lists: said of a second element of the same name; NULL: that may be */
    kr_finish_fn *finish;  /* or NULL; not called for an object that is not there */
} kr_element_t;

/** One setting: everything about it stands in its row. */
struct kr_key_t {
    const char *path;      /* "[]": any element of a list; "<a|b>": either name; "*": any name */
    kr_type_e type;
    const char *fallback;  /* the default, written as for KratosSet; NULL for none */
    apr_size_t at, size;   /* where in the struct (kr_settings_t, or that of an element); size 0: in no field of its own.
                              "a.<b|c>": b goes there, and c into the field right behind */
    kr_built_e built;
    const char *help;      /* a line for docs/settings.md */
    const char *words;     /* "a|b|c" */
    const char *asks;      /* REFUSED: what the owner asks for, in words */
    apr_int64_t min, max;  /* KR_INT: range; KR_TEXT, KR_TEXTS: bytes of a string; max 0: no bound */
    kr_check_fn *check;    /* strings: what else must hold */
    unsigned secret : 1;   /* never shown in messages */
    unsigned needed : 1;   /* member of a list's object that may not be missing; a list, nor be empty */
    unsigned unique : 1;   /* lists: no element twice */
    const kr_element_t *of; /* KR_OBJECTS, KR_OBJECT, KR_MEMBERS */
};

/* Where a row's value goes, or that it has no field. `.help` is always written by name: it ends the usual row. */
#define IN(type, field) offsetof(type, field), sizeof(((type *)0)->field)
#define AT(field) IN(kr_settings_t, field)
#define NOWHERE 0, 0
/* The rows of an element; and its struct with them. */
#define ROWS(keys) .rows = (const kr_keytable_t *const[]) { &(const kr_keytable_t){ (keys), KR_DIM(keys) }, NULL }
#define ELEMENT(type, keys) .size = sizeof(type), ROWS(keys)

extern const kr_keytable_t kr_keys_realm, kr_keys_flows, kr_keys_after, kr_keys_methods, kr_keys_webauthn, kr_keys_fedcm, kr_keys_courier,
    kr_keys_other;

/** All settings: the rows that kr_settings_t is filled from. */
extern const kr_keytable_t *const kr_all_keys[];
/** The same with whole paths: "identity.schemas[].id" beside "identity.schemas". What has no path of its own is left out. */
kr_keytables_t kr_keys_flat(apr_pool_t *pool);

/** Walk over all rows of a list of parts. */
#define KR_EACH_KEY(key, tables)                                                                                       \
    for (kr_keytables_t part_ = (tables); *part_; part_++)                                                             \
        /* NOLINTNEXTLINE(bugprone-macro-parentheses): a name that it declares */                                      \
        for (const kr_key_t *key = (*part_)->keys; key < (*part_)->keys + (*part_)->count; key++)

/** The row for a path such as "identity.schemas[0].id" (where `tables` are flat), or NULL. */
const kr_key_t *kr_key_find(kr_keytables_t tables, const char *path);
/** Do rows begin with that path? */
int kr_key_above(kr_keytables_t tables, const char *path);
/** The known path that looks most like an unknown one, or NULL when none is near. */
const char *kr_key_nearest(apr_pool_t *pool, kr_keytables_t tables, const char *path);
/** What to write instead of a key that older versions of Kratos had, or NULL. */
const char *kr_key_renamed(const char *path);
/** "a[3].b" as the table writes it: "a[].b". */
const char *kr_path_plain(apr_pool_t *pool, const char *path);
/** Which of the words "a|b|c" is it, from 0? @return -1: none */
int kr_word_index(const char *words, const char *word);
/** "a, b or c" out of "a|b|c". */
const char *kr_words_listed(apr_pool_t *pool, const char *words);

/** A hook that may stand in a list of hooks. */
typedef struct {
    const char *name;
    int built;             /* 1: works; later work flips it */
    int idle;              /* 1: belongs to Ory's enterprise edition, accepted without effect */
    const char *help;
    const kr_element_t *config; /* its settings; NULL: it has none */
} kr_hook_kind_t;

/** What an object consists of that several rows have. */
extern const kr_element_t kr_request_element, kr_web_hook_element, kr_notify_element, kr_oidc_provider_element;

kr_finish_fn kr_schema_finish;     /* compiles it (schemas.c) */
kr_finish_fn kr_auth_finish;       /* notes that it is there (services.c) */
kr_finish_fn kr_provider_finish;   /* what its kind needs, and its mapper (providers.c) */
kr_finish_fn kr_tokenizer_finish;  /* reads its keys and its mapper (tokenizers.c) */
kr_finish_fn kr_channel_finish;    /* makes its service (courier.c) */
kr_finish_fn kr_web_hook_finish;   /* the same of a web hook (web_hooks.c) */

extern const kr_hook_kind_t kr_hook_kinds[];
/** The kind of that name, or NULL. */
const kr_hook_kind_t *kr_hook_kind(const char *name);

/* -- checks of strings (checks.c) ------------------------------------------ */

kr_check_fn kr_check_base_url;     /* no query, fragment, user */
kr_check_fn kr_check_cookie_name;  /* a token of RFC 6265 */
kr_check_fn kr_check_cookie_path;
kr_check_fn kr_check_cookie_domain;
kr_check_fn kr_check_breach_host;  /* host[:port], or an http(s) URL */
kr_check_fn kr_check_mail_server;  /* smtp://, smtps://, or file:///folder */
kr_check_fn kr_check_local_name;   /* in EHLO */
kr_check_fn kr_check_line;         /* no line breaks or other controls */
kr_check_fn kr_check_address;      /* of mail */
kr_check_fn kr_check_uuid;
kr_check_fn kr_check_origin;       /* of CORS: "*", or scheme and host */
kr_check_fn kr_check_provider_id;  /* in URLs (providers.c) */
kr_check_fn kr_check_rp_id;        /* a domain (relying_party.c) */
kr_check_fn kr_check_page_origin;  /* scheme and host of pages, as browsers write them */
kr_check_fn kr_check_client_id;    /* of a site that takes our word (fedcm.c) */
kr_check_fn kr_check_client_origin; /* of its pages: https, but on localhost */
kr_check_fn kr_check_color;        /* of CSS */
kr_check_fn kr_check_header;       /* name of an HTTP header */
kr_check_fn kr_check_exception;    /* http(s) URL, or all below one */
kr_check_fn kr_check_method;       /* of HTTP */
kr_check_fn kr_check_version;
kr_check_fn kr_check_filled;       /* no placeholder */
kr_check_fn kr_check_secret;       /* no placeholder, no sample, nothing that is soon guessed (unfilled.c) */

/* -- URLs (urls.c) ----------------------------------------------------------- */

/** Says so when a URL holds a placeholder ("${HOST}", "<your-domain>"), else NULL (unfilled.c). */
const char *kr_unfilled(apr_pool_t *pool, const char *url);
/** What is wrong with an absolute http(s) URL, or NULL. */
const char *kr_url_wrong(apr_pool_t *pool, const char *value);
/** What is wrong with the URL or path of a page, or NULL. */
const char *kr_page_wrong(apr_pool_t *pool, const char *value);
/** A page as absolute URL. "/a" begins at the host of `base_url`, "a" below base_url itself. */
const char *kr_page_resolve(apr_pool_t *pool, const char *base_url, const char *page);
/** What is wrong with an entry of allowed_return_urls, or NULL. `*unsafe` is set when its wildcard covers too much. */
const char *kr_allowed_wrong(apr_pool_t *pool, const char *value, int *unsafe);
/** Does `entry` of allowed_return_urls cover `url`? Both absolute. */
int kr_allowed_covers(apr_pool_t *pool, const char *entry, const char *url);

#endif
