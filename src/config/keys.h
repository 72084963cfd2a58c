/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/config: what a row of the table of keys is, and how to look rows up. */
#ifndef KR_KEYS_H
#define KR_KEYS_H

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
    KR_OBJECTS,  /* list of objects: their members are rows "path[].member" */
    KR_MAP,      /* object of strings under names of the owner's choice */
    KR_ANY       /* not looked into */
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

/** One setting: everything about it stands in its row. */
typedef struct {
    const char *path;      /* "[]": any element of a list; "<a|b>": either name; "*": any name */
    kr_type_e type;
    const char *fallback;  /* the default, written as for KratosSet; NULL for none */
    apr_size_t at, size;   /* where in kr_settings_t; size 0: in no field of its own */
    kr_built_e built;
    const char *help;      /* a line for docs/settings.md */
    const char *words;     /* "a|b|c" */
    const char *asks;      /* REFUSED: what the owner asks for, in words */
    apr_int64_t min, max;  /* KR_INT: range; KR_TEXT, KR_TEXTS: bytes of a string; max 0: no bound */
    kr_check_fn *check;    /* strings: what else must hold */
    unsigned secret : 1;   /* never shown in messages */
    unsigned needed : 1;   /* member of a list's object that may not be missing */
    unsigned unique : 1;   /* lists: no element twice */
} kr_key_t;

/* Where a row's value goes, or that it has no field. `.help` is always written by name: it ends the usual row. */
#define AT(field) offsetof(kr_settings_t, field), sizeof(((kr_settings_t *)0)->field)
#define NOWHERE 0, 0

/** A part of the table. */
typedef struct {
    const kr_key_t *keys;
    int count;
} kr_keytable_t;

extern const kr_keytable_t kr_keys_realm, kr_keys_flows, kr_keys_after, kr_keys_methods, kr_keys_courier, kr_keys_other;

/** A list of parts, NULL at its end. */
typedef const kr_keytable_t *const *kr_keytables_t;

/** All settings. */
extern const kr_keytable_t *const kr_all_keys[];
/** Members of a web hook's `config`. */
extern const kr_keytable_t *const kr_webhook_keys[];

/** Walk over all rows of a list of parts. */
#define KR_EACH_KEY(key, tables)                                                                                       \
    for (kr_keytables_t part_ = (tables); *part_; part_++)                                                             \
        for (const kr_key_t *key = (*part_)->keys; key < (*part_)->keys + (*part_)->count; key++)

/** The row for a path such as "identity.schemas[0].id", or NULL. */
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
} kr_hook_kind_t;

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
kr_check_fn kr_check_header;       /* name of an HTTP header */
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
