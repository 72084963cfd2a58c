/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session with its identity as one piece of memory: the rows of the store, with places in that piece where they have pointers. It is
 * copied as it is, and opened where it lies; no JSON of it is read until somebody asks for what that says.
 */
#include <stddef.h>
#include <string.h>

#include <apr_strings.h>

#include "kr_text.h"
#include "session.h"

/** Behind it come the addresses, then all text. */
typedef struct {
    apr_uint32_t naddresses, unused;
    const char *shown;   /* what whoami says of it; NULL: nobody has asked */
    kr_session_row_t session;
    kr_identity_row_t identity;
} flat_t;

#define TEXT(type, member) offsetof(type, member)
_Static_assert(sizeof(apr_size_t) == sizeof(const char *), "a place takes the room of a pointer");

static const apr_size_t OF_SESSION[] = {
    TEXT(kr_session_row_t, id),         TEXT(kr_session_row_t, identity_id), TEXT(kr_session_row_t, token_hash),
    TEXT(kr_session_row_t, aal),        TEXT(kr_session_row_t, methods),     TEXT(kr_session_row_t, device_id),
    TEXT(kr_session_row_t, ip_address), TEXT(kr_session_row_t, user_agent),  TEXT(kr_session_row_t, location),
    TEXT(kr_session_row_t, old_token_hash), TEXT(kr_session_row_t, old_aal), TEXT(kr_session_row_t, old_methods),
};
static const apr_size_t OF_IDENTITY[] = {
    TEXT(kr_identity_row_t, id),     TEXT(kr_identity_row_t, schema_id),       TEXT(kr_identity_row_t, state),
    TEXT(kr_identity_row_t, traits), TEXT(kr_identity_row_t, metadata_public), TEXT(kr_identity_row_t, metadata_admin),
    TEXT(kr_identity_row_t, external_id), TEXT(kr_identity_row_t, available_aal),
};
static const apr_size_t OF_ADDRESS[] = {
    TEXT(kr_address_row_t, id), TEXT(kr_address_row_t, via), TEXT(kr_address_row_t, value), TEXT(kr_address_row_t, status),
};
static const apr_size_t OF_FLAT[] = { TEXT(flat_t, shown) };

/** Something that is done with each text of a struct. */
typedef struct piece_t {
    void (*each)(struct piece_t *piece, const char **text);
    char *base;
    apr_size_t at;    /* where the next text goes; while measuring: how long it all is */
    apr_size_t len;
    int broken;
} piece_t;

static void each_of(piece_t *piece, void *row, const apr_size_t *texts, int n)
{
    for (int i = 0; i < n; i++) piece->each(piece, (const char **)(void *)((char *)row + texts[i]));
}

static kr_address_row_t *addresses_in(flat_t *flat)
{
    return (kr_address_row_t *)(flat + 1);
}

static void each_text(piece_t *piece, flat_t *flat, kr_address_row_t *addresses)
{
    each_of(piece, flat, OF_FLAT, KR_DIM(OF_FLAT));
    each_of(piece, &flat->session, OF_SESSION, KR_DIM(OF_SESSION));
    each_of(piece, &flat->identity, OF_IDENTITY, KR_DIM(OF_IDENTITY));
    for (apr_uint32_t i = 0; i < flat->naddresses; i++) each_of(piece, &addresses[i], OF_ADDRESS, KR_DIM(OF_ADDRESS));
}

static void measure(piece_t *piece, const char **text)
{
    if (*text) piece->at += strlen(*text) + 1;
}

static void lay_down(piece_t *piece, const char **text)
{
    const apr_size_t at = piece->at, len = *text ? strlen(*text) + 1 : 0;

    if (!len) return;
    memcpy(piece->base + at, *text, len);
    memcpy(text, &at, sizeof(at)); /* a place instead of a pointer: of the same size, and none of it is read before point_to */
    piece->at += len;
}

static void point_to(piece_t *piece, const char **text)
{
    apr_size_t at;

    memcpy(&at, text, sizeof(at));
    if (!at) return;
    if (at >= piece->len) piece->broken = 1;
    else *text = piece->base + at;
}

void *kr_record_make(apr_size_t *len, apr_pool_t *pool, const kr_session_rows_t *rows, const char *shown)
{
    const apr_array_header_t *addresses = rows->identity->addresses;
    flat_t head = { .naddresses = (apr_uint32_t)addresses->nelts, .shown = shown, .session = rows->session,
                    .identity = rows->identity->identity }, *flat;
    piece_t piece = { .each = measure, .at = sizeof(head) + (apr_size_t)addresses->nelts * sizeof(kr_address_row_t) };
    const apr_size_t fixed = piece.at;

    each_text(&piece, &head, (kr_address_row_t *)addresses->elts);
    *len = piece.at;
    flat = apr_palloc(pool, *len);
    *flat = head;
    memcpy(addresses_in(flat), addresses->elts, fixed - sizeof(head));
    piece = (piece_t){ .each = lay_down, .base = (char *)flat, .at = fixed };
    each_text(&piece, flat, addresses_in(flat));
    return flat;
}

kr_session_rows_t *kr_record_open(const char **shown, apr_pool_t *pool, void *data, apr_size_t len)
{
    flat_t *flat = data;
    piece_t piece = { .each = point_to, .base = data, .len = len };
    kr_session_rows_t *rows;

    if (len <= sizeof(*flat) || ((char *)data)[len - 1] || flat->naddresses > (len - sizeof(*flat)) / sizeof(kr_address_row_t)) return NULL;
    each_text(&piece, flat, addresses_in(flat));
    if (piece.broken) return NULL;
    rows = apr_pcalloc(pool, sizeof(*rows));
    rows->session = flat->session;
    rows->identity = apr_pcalloc(pool, sizeof(*rows->identity));
    rows->identity->identity = flat->identity;
    rows->identity->addresses = apr_palloc(pool, sizeof(apr_array_header_t));
    *rows->identity->addresses = (apr_array_header_t){ .pool = pool, .elt_size = sizeof(kr_address_row_t), .nelts = (int)flat->naddresses,
                                                       .nalloc = (int)flat->naddresses, .elts = (char *)addresses_in(flat) };
    rows->identity->credentials = apr_array_make(pool, 0, sizeof(kr_credential_row_t));
    rows->identity->identifiers = apr_array_make(pool, 0, sizeof(kr_identifier_row_t));
    *shown = flat->shown;
    return rows;
}
