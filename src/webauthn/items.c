/* SPDX-License-Identifier: Apache-2.0 */
/* libcbor's decoder says what the next few bytes are; which of that is taken, and how much of it, is said here. */
#include "items.h"

#include <limits.h>
#include <string.h>

#include <cbor.h>

#include "kr_json.h"

#define DEPTH_MAX 4
/* An RSA key with a chain of certificates has about 20. Keys of one map are compared with each other, so that this bounds that too. */
#define ITEMS_MAX 256

typedef struct {
    apr_pool_t *pool;
    const unsigned char *at;
    apr_size_t left;
    int items;
} reader_t;

/* -- one token -------------------------------------------------------------- */

/* What libcbor's callbacks work on: the item that is being read, or that it is refused. */
typedef struct {
    kr_cbor_t *item;
    int refused;
} token_t;

static void take(void *context, kr_cbor_e type, apr_uint64_t number)
{
    kr_cbor_t *item = ((token_t *)context)->item;

    item->type = type;
    item->number = number;
}

static void take_string(void *context, kr_cbor_e type, const unsigned char *at, apr_size_t len)
{
    take(context, type, 0);
    ((token_t *)context)->item->bytes = (kr_bytes_t){ at, len };
}

static void refuse(void *context)
{
    ((token_t *)context)->refused = 1;
}

static void on_unsigned8(void *context, uint8_t value) { take(context, KR_CBOR_UNSIGNED, value); }
static void on_unsigned16(void *context, uint16_t value) { take(context, KR_CBOR_UNSIGNED, value); }
static void on_unsigned32(void *context, uint32_t value) { take(context, KR_CBOR_UNSIGNED, value); }
static void on_unsigned64(void *context, uint64_t value) { take(context, KR_CBOR_UNSIGNED, value); }
static void on_negative8(void *context, uint8_t value) { take(context, KR_CBOR_NEGATIVE, value); }
static void on_negative16(void *context, uint16_t value) { take(context, KR_CBOR_NEGATIVE, value); }
static void on_negative32(void *context, uint32_t value) { take(context, KR_CBOR_NEGATIVE, value); }
static void on_negative64(void *context, uint64_t value) { take(context, KR_CBOR_NEGATIVE, value); }
static void on_bytes(void *context, cbor_data at, size_t len) { take_string(context, KR_CBOR_BYTES, at, len); }
static void on_text(void *context, cbor_data at, size_t len) { take_string(context, KR_CBOR_TEXT, at, len); }
static void on_array(void *context, size_t count) { take(context, KR_CBOR_ARRAY, count); }
static void on_map(void *context, size_t count) { take(context, KR_CBOR_MAP, count); }
static void on_bool(void *context, bool value) { take(context, KR_CBOR_OTHER, value); }
static void on_simple(void *context) { take(context, KR_CBOR_OTHER, 0); }

static void on_float(void *context, float value)
{
    (void)value;
    take(context, KR_CBOR_OTHER, 0);
}

static void on_double(void *context, double value)
{
    (void)value;
    take(context, KR_CBOR_OTHER, 0);
}

static void on_tag(void *context, uint64_t value)
{
    (void)value;
    refuse(context);
}

/* Every one of them, as libcbor asks none whether it is there. */
static const struct cbor_callbacks CALLBACKS = {
    .uint8 = on_unsigned8,
    .uint16 = on_unsigned16,
    .uint32 = on_unsigned32,
    .uint64 = on_unsigned64,
    .negint8 = on_negative8,
    .negint16 = on_negative16,
    .negint32 = on_negative32,
    .negint64 = on_negative64,
    .byte_string = on_bytes,
    .byte_string_start = refuse,
    .string = on_text,
    .string_start = refuse,
    .array_start = on_array,
    .indef_array_start = refuse,
    .map_start = on_map,
    .indef_map_start = refuse,
    .tag = on_tag,
    .float2 = on_float,
    .float4 = on_float,
    .float8 = on_double,
    .undefined = on_simple,
    .null = on_simple,
    .boolean = on_bool,
    .indef_break = refuse,
};

static kr_cbor_t *read_token(reader_t *in)
{
    token_t token = { .item = NULL };
    struct cbor_decoder_result result;

    if (in->items++ >= ITEMS_MAX) return NULL;
    token.item = apr_pcalloc(in->pool, sizeof(*token.item));
    result = cbor_stream_decode(in->at, in->left, &CALLBACKS, &token);
    if (result.status != CBOR_DECODER_FINISHED || token.refused || result.read > in->left) return NULL;
    if (token.item->type == KR_CBOR_TEXT && !kr_utf8_valid((const char *)token.item->bytes.at, token.item->bytes.len)) return NULL;
    in->at += result.read;
    in->left -= result.read;
    return token.item;
}

/* -- items in items ----------------------------------------------------------- */

static int same_key(const kr_cbor_t *a, const kr_cbor_t *b)
{
    if (a->type != b->type || a->number != b->number || a->bytes.len != b->bytes.len) return 0;
    return !a->bytes.len || !memcmp(a->bytes.at, b->bytes.at, a->bytes.len);
}

static int may_be_key(const kr_cbor_t *map, const kr_cbor_t *key)
{
    if (key->type != KR_CBOR_UNSIGNED && key->type != KR_CBOR_NEGATIVE && key->type != KR_CBOR_TEXT) return 0;
    for (const kr_cbor_t *other = map->first; other && other != key; other = other->next->next)
        if (same_key(key, other)) return 0;
    return 1;
}

static kr_cbor_t *read_item(reader_t *in, int depth)
{
    kr_cbor_t *item = read_token(in), *last = NULL, *inner;
    int is_map = item && item->type == KR_CBOR_MAP;

    if (!item || (!is_map && item->type != KR_CBOR_ARRAY)) return item;
    /* Every one of them has a byte at least, whatever their number claims to be. */
    if (depth >= DEPTH_MAX || item->number > in->left) return NULL;
    for (apr_uint64_t i = 0; i < (is_map ? 2 * item->number : item->number); i++) {
        inner = read_item(in, depth + 1);
        if (!inner) return NULL;
        if (last) {
            last->next = inner;
        } else {
            item->first = inner;
        }
        last = inner;
        if (is_map && i % 2 == 0 && !may_be_key(item, inner)) return NULL;
    }
    return item;
}

const kr_cbor_t *kr_cbor_read(apr_pool_t *pool, kr_bytes_t in, apr_size_t *used)
{
    reader_t reader = { .pool = pool, .at = in.at, .left = in.len };
    const kr_cbor_t *item = in.len ? read_item(&reader, 0) : NULL;

    if (!item || (!used && reader.left)) return NULL;
    if (used) *used = in.len - reader.left;
    return item;
}

/* -- asking --------------------------------------------------------------------- */

static const kr_cbor_t *member(const kr_cbor_t *map, const kr_cbor_t *wanted)
{
    if (!map || map->type != KR_CBOR_MAP) return NULL;
    for (const kr_cbor_t *key = map->first; key; key = key->next->next)
        if (same_key(key, wanted)) return key->next;
    return NULL;
}

const kr_cbor_t *kr_cbor_named(const kr_cbor_t *map, const char *name)
{
    const kr_cbor_t key = { .type = KR_CBOR_TEXT, .bytes = { (const unsigned char *)name, strlen(name) } };

    return member(map, &key);
}

const kr_cbor_t *kr_cbor_labelled(const kr_cbor_t *map, int label)
{
    const kr_cbor_t key = { .type = label < 0 ? KR_CBOR_NEGATIVE : KR_CBOR_UNSIGNED,
                            .number = (apr_uint64_t)(label < 0 ? -1 - label : label) };

    return member(map, &key);
}

int kr_cbor_int(int *out, const kr_cbor_t *item)
{
    *out = 0;
    if (!item || (item->type != KR_CBOR_UNSIGNED && item->type != KR_CBOR_NEGATIVE) || item->number > INT_MAX) return 0;
    *out = item->type == KR_CBOR_UNSIGNED ? (int)item->number : -1 - (int)item->number;
    return 1;
}

int kr_cbor_bytes(kr_bytes_t *out, const kr_cbor_t *item)
{
    *out = (kr_bytes_t){ NULL, 0 };
    if (!item || item->type != KR_CBOR_BYTES) return 0;
    *out = item->bytes;
    return 1;
}

int kr_cbor_is_text(const kr_cbor_t *item, const char *text)
{
    return item && item->type == KR_CBOR_TEXT && item->bytes.len == strlen(text) && !memcmp(item->bytes.at, text, item->bytes.len);
}
