/* SPDX-License-Identifier: Apache-2.0 */
/* What an application that trusts signatures rather than headers gets. */
#include "kr_assertion.h"

#include "kr_realm.h"
#include "kr_jwt.h"
#include "kr_json.h"
#include "kr_text.h"

/* Clocks differ: a token must not be from the future for the one who checks it. */
#define CLOCK_SKEW 10

const char *kr_assertion_make(kr_ctx_t *k, const kr_session_t *session, const char *audience)
{
    const json_int_t now = apr_time_sec(k->now);
    json_t *claims = kr_json_pack(
        k->pool, "{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "iss", k->realm->settings->base_url, "sub",
        session->identity->id, "sid", session->id, "aal", kr_aal_name(session->aal), "schema", session->identity->schema_id, "jti", kr_uuid(k),
        "iat", now, "nbf", now - CLOCK_SKEW, "exp", now + KR_ASSERTION_SECONDS, "auth_time",
        (json_int_t)apr_time_sec(session->authenticated_at));
    const char *token;

    if (audience) json_object_set_new(claims, "aud", json_string(audience));
    token = kr_jwt_sign(k->pool, k->realm->signer, claims);
    if (!token) kr_log(k, KR_LOG_ERR, KRLOGNO(0702) "session %s: no assertion could be signed", session->id);
    return token;
}
