/* SPDX-License-Identifier: Apache-2.0 */
/* The script that forms with security keys and passkeys include. */
#include <pthread.h>
#include <string.h>

#include <apr_base64.h>

#include "kr_crypto.h"
#include "kr_embed.h"
#include "kr_method.h"

KR_EMBED(kr_method_file_webauthn, "src/method/webauthn.js");

#define PREFIX "sha512-"

const char *kr_webauthn_script(apr_size_t *len)
{
    *len = strlen(kr_method_file_webauthn);
    return kr_method_file_webauthn;
}

/* 64 bytes are 88 characters. */
static char integrity[sizeof(PREFIX) + 88] = PREFIX;

static void hash_script(void)
{
    unsigned char digest[64];

    kr_sha512(digest, kr_method_file_webauthn, strlen(kr_method_file_webauthn));
    apr_base64_encode_binary(integrity + strlen(PREFIX), digest, sizeof(digest));
}

const char *kr_webauthn_script_integrity(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, hash_script);
    return integrity;
}
