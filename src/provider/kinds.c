/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of providers: what differs between them, and nothing else. */
#include "provider.h"

#include <string.h>

#include "kr_text.h"

static const kr_provider_kind_t KINDS[] = {
    { .name = "generic", .discovers = 1, .openid = 1 },
};

const kr_provider_kind_t *kr_provider_kind(const kr_oidc_provider_conf_t *conf)
{
    for (int i = 0; i < KR_DIM(KINDS); i++) {
        if (!strcmp(KINDS[i].name, conf->provider)) return &KINDS[i];
    }
    return &KINDS[0];
}
