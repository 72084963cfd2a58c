/* SPDX-License-Identifier: Apache-2.0 */
/* Errors that wait for the error page. */
#include "kr_flow.h"
#include "kr_json.h"
#include "kr_store_error.h"
#include "kr_text.h"

kr_err_t *kr_flow_error_keep(const char **id, kr_ctx_t *k, const json_t *error)
{
    *id = kr_uuid(k);
    return kr_store_error_insert(k, *id, kr_json_dump(k->pool, error, NULL));
}

kr_err_t *kr_flow_error_load(json_t **error, apr_time_t *created, kr_ctx_t *k, const char *id)
{
    const char *json = NULL;

    *error = NULL;
    if (kr_uuid_valid(id)) KR_TRY(kr_store_error_load(&json, created, k, id));
    if (json) *error = kr_json_own(k->pool, json_loads(json, 0, NULL));
    return NULL;
}
