/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CBOR (RFC 8949) as authenticators write it (CTAP2 canonical form, but for the order of keys and the shortest form of numbers, which
 * nobody insists on). Items point into the bytes that they were read from.
 */
#ifndef KR_WEBAUTHN_ITEMS_H
#define KR_WEBAUTHN_ITEMS_H

#include "kr_webauthn.h"

/** What an item is. */
typedef enum {
    KR_CBOR_UNSIGNED, /* number */
    KR_CBOR_NEGATIVE, /* -1 - number */
    KR_CBOR_BYTES,
    KR_CBOR_TEXT,  /* UTF-8 without NUL */
    KR_CBOR_ARRAY, /* of number items */
    KR_CBOR_MAP,   /* of number pairs; keys are numbers or texts, none twice */
    KR_CBOR_OTHER  /* true, false, null, undefined, a float: nothing that is asked for here */
} kr_cbor_e;

typedef struct kr_cbor_t kr_cbor_t;
/** An item, with those that it holds. */
struct kr_cbor_t {
    kr_cbor_e type;
    apr_uint64_t number;
    kr_bytes_t bytes;       /* of BYTES and TEXT */
    const kr_cbor_t *first; /* of ARRAY and MAP, where keys and values take turns; NULL: empty */
    const kr_cbor_t *next;  /* of the same ARRAY or MAP */
};

/**
 * Read one item: definite lengths, no tags, at most 4 levels of arrays and maps, at most 256 items in all. What a length claims
 * allocates nothing.
 * @param used  how many bytes it took; NULL: nothing may follow
 * @return in the pool, or NULL when the bytes are none, or truncated
 */
const kr_cbor_t *kr_cbor_read(apr_pool_t *pool, kr_bytes_t in, apr_size_t *used);

/** The member of a map by that text; NULL when there is none, or `map` is NULL or no map. */
const kr_cbor_t *kr_cbor_named(const kr_cbor_t *map, const char *name);
/** The same by a number. */
const kr_cbor_t *kr_cbor_labelled(const kr_cbor_t *map, int label);

/** A number that fits. @return 1, or 0 when it is none, or NULL */
int kr_cbor_int(int *out, const kr_cbor_t *item);
/** A byte string. @return 1, or 0 when it is none, or NULL */
int kr_cbor_bytes(kr_bytes_t *out, const kr_cbor_t *item);
/** Is it that text? */
int kr_cbor_is_text(const kr_cbor_t *item, const char *text);

#endif
