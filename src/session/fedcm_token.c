/* SPDX-License-Identifier: Apache-2.0 */
/* What another site gets of who signs in there (include/kr_fedcm.h). */
#include "kr_fedcm.h"
#include "kr_json.h"
#include "kr_jwt.h"
#include "session.h"

static void say_who(json_t *claims, kr_ctx_t *k, const kr_identity_t *identity, int fields)
{
    const char *name = fields & KR_FEDCM_NAME ? kr_fedcm_name(k, identity) : NULL;
    const char *email = fields & KR_FEDCM_EMAIL ? kr_fedcm_email(identity) : NULL;

    if (name) json_object_set_new(claims, "name", kr_json_string(name));
    if (!email) return;
    json_object_set_new(claims, "email", kr_json_string(email));
    json_object_set_new(claims, "email_verified", json_true());
}

const char *kr_fedcm_token(kr_ctx_t *k, const kr_session_t *session, const kr_fedcm_client_t *client, const char *nonce, int fields)
{
    const json_int_t now = apr_time_sec(k->now);
    json_t *claims = kr_json_pack(k->pool, "{s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:s}", "iss", k->realm->settings->base_url, "sub",
                                  session->identity->id, "aud", client->client_id, "nonce", kr_json_string(nonce), "iat", now, "exp",
                                  now + KR_FEDCM_TOKEN_SECONDS, "auth_time", (json_int_t)apr_time_sec(session->authenticated_at), "acr",
                                  kr_aal_name(session->aal));
    const char *token;

    say_who(claims, k, session->identity, fields);
    token = kr_jwt_sign(k->pool, k->realm->id_signer, claims);
    if (!token) kr_log(k, KR_LOG_ERR, KRLOGNO(0709) "session %s: no ID token could be signed", session->id);
    return token;
}
