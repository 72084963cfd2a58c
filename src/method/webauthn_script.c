/* SPDX-License-Identifier: Apache-2.0 */
/* The script that forms with security keys and passkeys include. */
#include <string.h>

#include "kr_embed.h"
#include "kr_method.h"

KR_EMBED(kr_method_file_webauthn, "src/method/webauthn.js");

const char *kr_webauthn_script(apr_size_t *len)
{
    *len = strlen(kr_method_file_webauthn);
    return kr_method_file_webauthn;
}
