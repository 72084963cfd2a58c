/* SPDX-License-Identifier: Apache-2.0 */
/* The formats of statements that are taken. Others are refused: what nobody verified must not be stored as if somebody had. */
#include "attestation.h"

#include "kr_text.h"

static const char *format_none(apr_pool_t *pool, const kr_attestation_t *in)
{
    (void)pool;
    return in->statement->number ? "a statement of format none says something" : NULL;
}

static const struct {
    const char *name;
    kr_format_fn *verify;
} FORMATS[] = {
    { "none", format_none },
    { "packed", kr_format_packed },
    { "fido-u2f", kr_format_u2f },
    { "tpm", kr_format_tpm },
    { "android-key", kr_format_android },
    { "apple", kr_format_apple },
};

const char *kr_attestation_verify(const char **name, apr_pool_t *pool, const kr_cbor_t *format, const kr_attestation_t *in)
{
    *name = NULL;
    for (int i = 0; i < KR_DIM(FORMATS); i++) {
        if (!kr_cbor_is_text(format, FORMATS[i].name)) continue;
        *name = FORMATS[i].name;
        return FORMATS[i].verify(pool, in);
    }
    return "the attestation's format is none that is verified";
}

int kr_attestation_signature(int *alg, kr_bytes_t *signature, const kr_cbor_t *statement)
{
    return kr_cbor_int(alg, kr_cbor_named(statement, "alg")) && kr_cbor_bytes(signature, kr_cbor_named(statement, "sig"));
}
