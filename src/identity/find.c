/* SPDX-License-Identifier: Apache-2.0 */
/* Who has what: by identifier, by address, one after the other. None of it reads an account. */
#include "kr_identity.h"
#include "kr_store_identity.h"

kr_err_t *kr_identity_known(const char **id, kr_ctx_t *k, const char *asked)
{
    kr_identity_rows_t *rows;

    KR_TRY(kr_store_identity_load(&rows, k, asked, 0));
    *id = rows ? rows->identity.id : NULL;
    return NULL;
}

kr_err_t *kr_identity_owner(const char **id, int *owners, kr_ctx_t *k, const char *identifier)
{
    return kr_store_identifier_owner(id, owners, k, identifier);
}

kr_err_t *kr_identity_types(apr_array_header_t **types, kr_ctx_t *k, const char *identifier)
{
    return kr_store_identifier_types(types, k, identifier);
}

kr_err_t *kr_address_find(const char **identity_id, const char **address_id, kr_ctx_t *k, int recovery, const char *via,
                          const char *value)
{
    return kr_store_address_find(identity_id, address_id, k, recovery, via, value);
}

kr_err_t *kr_identity_page(apr_array_header_t **out, kr_ctx_t *k, const char *part, const char *after, int limit)
{
    return kr_store_identity_page(out, k, part, after, limit);
}
