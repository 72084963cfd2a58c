/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs whose order is the order of their making. */
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "kr_text.h"

const char *kr_uuid(kr_ctx_t *k)
{
    apr_uint64_t ms = (apr_uint64_t)(k->now / 1000);
    unsigned char b[16];
    const char *hex;

    if (RAND_bytes(b, sizeof(b)) != 1) abort(); /* an id that can be guessed is worse than none */
    for (int i = 0; i < 6; i++) b[i] = (unsigned char)(ms >> (40 - 8 * i));
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    hex = kr_hex(k->pool, b, sizeof(b));
    return apr_psprintf(k->pool, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

int kr_uuid_valid(const char *s)
{
    if (!s) return 0;
    for (int i = 0; i < KR_UUID_LEN; i++) {
        char c = s[i];

        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (c != '-') return 0;
        } else if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) {
            return 0;
        }
    }
    return s[KR_UUID_LEN] == '\0';
}
