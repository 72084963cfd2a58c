/* SPDX-License-Identifier: Apache-2.0 */
/* Authenticator data: 32 bytes of hash, flags, a counter, and what the flags announce. */
#include "authdata.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "items.h"

#define HEAD_LEN 37

static int cut(kr_bytes_t *out, kr_bytes_t *from, apr_size_t len)
{
    if (from->len < len) return 0;
    *out = (kr_bytes_t){ from->at, len };
    from->at += len;
    from->len -= len;
    return 1;
}

/* One map, whose bytes are kept as they came. */
static int cut_map(kr_bytes_t *out, kr_bytes_t *from, apr_pool_t *pool)
{
    apr_size_t len;
    const kr_cbor_t *map = kr_cbor_read(pool, *from, &len);

    return map && map->type == KR_CBOR_MAP && cut(out, from, len);
}

static const char *read_attested(kr_authdata_t *out, apr_pool_t *pool, kr_bytes_t *rest)
{
    kr_bytes_t len;
    apr_size_t id_len;

    if (!cut(&out->aaguid, rest, KR_AAGUID_LEN) || !cut(&len, rest, 2)) return "the attested credential is truncated";
    id_len = (apr_size_t)len.at[0] << 8 | len.at[1];
    if (!id_len || id_len > KR_WEBAUTHN_ID_MAX) return "the credential's id is empty or too long";
    if (!cut(&out->id, rest, id_len)) return "the credential's id is truncated";
    return cut_map(&out->public_key, rest, pool) ? NULL : "the public key is no map of CBOR";
}

const char *kr_authdata_read(kr_authdata_t *out, apr_pool_t *pool, kr_bytes_t raw)
{
    kr_bytes_t rest = raw, head, extensions;
    const char *why = NULL;

    memset(out, 0, sizeof(*out));
    out->raw = raw;
    if (!cut(&head, &rest, HEAD_LEN)) return "the authenticator data is truncated";
    out->rp_id_hash = (kr_bytes_t){ head.at, KR_SHA256_LEN };
    out->flags = head.at[KR_SHA256_LEN];
    for (int i = KR_SHA256_LEN + 1; i < HEAD_LEN; i++) out->sign_count = out->sign_count << 8 | head.at[i];
    if (out->flags & KR_FLAG_ATTESTED) why = read_attested(out, pool, &rest);
    if (why) return why;
    if (out->flags & KR_FLAG_EXTENSIONS && !cut_map(&extensions, &rest, pool)) return "the extensions are no map of CBOR";
    return rest.len ? "bytes follow the authenticator data" : NULL;
}

const char *kr_authdata_check(const kr_authdata_t *auth, const kr_webauthn_expected_t *expected)
{
    unsigned char hash[KR_SHA256_LEN];

    SHA256((const unsigned char *)expected->rp_id, strlen(expected->rp_id), hash);
    if (CRYPTO_memcmp(hash, auth->rp_id_hash.at, sizeof(hash)) != 0) return "the authenticator data is for another RP id";
    if (!(auth->flags & KR_FLAG_PRESENT)) return "nobody was present (UP)";
    if (expected->user_verification && !(auth->flags & KR_FLAG_VERIFIED)) return "the person was not verified (UV)";
    if (auth->flags & KR_FLAG_BACKUP_STATE && !(auth->flags & KR_FLAG_BACKUP_ELIGIBLE))
        return "the key is backed up and not eligible for it (BS without BE)";
    return NULL;
}
