/* SPDX-License-Identifier: Apache-2.0 */
/* The scripts that pages include: for security keys and passkeys, and for sign-in by the browser itself. */
#include <pthread.h>
#include <string.h>

#include <apr_base64.h>

#include "kr_crypto.h"
#include "kr_embed.h"
#include "kr_method.h"

KR_EMBED(kr_method_file_webauthn, "src/method/webauthn.js");
KR_EMBED(kr_method_file_fedcm, "src/method/fedcm.js");

#define PREFIX "sha512-"

/* 64 bytes are 88 characters. */
typedef struct {
    char text[sizeof(PREFIX) + 88];
} integrity_t;

static integrity_t webauthn = { PREFIX }, fedcm = { PREFIX };

static void hash(integrity_t *out, const char *script)
{
    unsigned char digest[64];

    kr_sha512(digest, script, strlen(script));
    apr_base64_encode_binary(out->text + strlen(PREFIX), digest, sizeof(digest));
}

static void hash_all(void)
{
    hash(&webauthn, kr_method_file_webauthn);
    hash(&fedcm, kr_method_file_fedcm);
}

static const char *integrity_of(const integrity_t *one)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, hash_all);
    return one->text;
}

static const char *script_of(const char *script, apr_size_t *len)
{
    *len = strlen(script);
    return script;
}

const char *kr_webauthn_script(apr_size_t *len)
{
    return script_of(kr_method_file_webauthn, len);
}

const char *kr_webauthn_script_integrity(void)
{
    return integrity_of(&webauthn);
}

const char *kr_fedcm_script(apr_size_t *len)
{
    return script_of(kr_method_file_fedcm, len);
}

const char *kr_fedcm_script_integrity(void)
{
    return integrity_of(&fedcm);
}
