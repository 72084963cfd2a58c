/* SPDX-License-Identifier: Apache-2.0 */
/* The wire names of assurance levels. */
#include "kr_aal.h"

#include <stddef.h>
#include <string.h>

static const char *const NAMES[] = { [KR_AAL0] = "aal0", [KR_AAL1] = "aal1", [KR_AAL2] = "aal2" };

const char *kr_aal_name(kr_aal_e level)
{
    return NAMES[(unsigned)level <= KR_AAL2 ? level : KR_AAL0];
}

int kr_aal_parse(kr_aal_e *out, const char *text)
{
    *out = KR_AAL0;
    for (int level = KR_AAL0; text && level <= KR_AAL2; level++)
        if (strcmp(text, NAMES[level]) == 0) {
            *out = (kr_aal_e)level;
            return 1;
        }
    return 0;
}
