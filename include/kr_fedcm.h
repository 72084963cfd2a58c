/* SPDX-License-Identifier: Apache-2.0 */
/*
 * We are the identity provider of other sites, by FedCM (W3C, Federated Credential Management API, sections 3 and 5): the browser asks us
 * whose account is signed in here, and hands our word for it to a site that the settings name (mod_kratos.fedcm.clients).
 *
 * The browser sends these requests in the name of another site, so the session cookie, which is Lax, does not come along. A second
 * cookie does: it is set and cleared with the first, travels to the paths below KR_FEDCM_PATH only, is taken there alone, and is good
 * for as long as the session has the token that it was made for.
 */
#ifndef KR_FEDCM_H
#define KR_FEDCM_H

#include "kr_fedcm_conf.h"
#include "kr_session.h"

/** Below the base URL: where all that browsers ask is. */
#define KR_FEDCM_PATH "/fedcm"

/** How long a token for another site is good, in seconds: its page hands it on at once. */
#define KR_FEDCM_TOKEN_SECONDS 120

/** What another site may be told beside the subject: bits. */
typedef enum { KR_FEDCM_NAME = 1, KR_FEDCM_EMAIL = 2, KR_FEDCM_ALL = 3 } kr_fedcm_fields_e;

/** The site of that name; NULL when there is none. @param client_id or NULL */
const kr_fedcm_client_t *kr_fedcm_client(const kr_ctx_t *k, const char *client_id);
/** Has the site pages of that origin, as browsers send it? */
int kr_fedcm_is_origin_of(const kr_fedcm_client_t *client, const char *origin);

/** The session cookie is set: the second one is, too, and the browser is told that somebody is signed in here. Nothing without clients. */
void kr_fedcm_sign_in(kr_ctx_t *k, const kr_session_t *session);
/** The session cookie is cleared: likewise. */
void kr_fedcm_sign_out(kr_ctx_t *k);

/**
 * Whose account the browser may name: the session of the second cookie, if it may be shown (KR_DEMAND_WHOAMI). One statement, and what
 * kr_session_check_aal needs; none for a cookie that we did not make.
 * @param out  NULL: nobody's
 */
kr_err_t *kr_fedcm_session(kr_session_t **out, kr_ctx_t *k) KR_MUST_CHECK;

/** An e-mail address that is verified, or NULL. */
const char *kr_fedcm_email(const kr_identity_t *identity);
/**
 * What the person is called, where the schema says which trait that is (passkey.display_name); or NULL. What finds or reaches the account is
 * no name, whatever else it is good for: nobody has proved that it is theirs.
 */
const char *kr_fedcm_name(kr_ctx_t *k, const kr_identity_t *identity);
/** The account as the browser shows it to its person: {"id","name","email"?,"login_hints"}; nobody else sees it. Pool-owned. */
json_t *kr_fedcm_account(kr_ctx_t *k, const kr_identity_t *identity);

/**
 * Sites that the person has let know something of them: those that the browser asks no more about.
 * One statement. @param out  array of client ids, pool-owned
 */
kr_err_t *kr_fedcm_approved(json_t **out, kr_ctx_t *k, const kr_session_t *session) KR_MUST_CHECK;
/**
 * What the site is to be told of what it asks for: what the person has just been shown, which is remembered, or was shown before.
 * One statement at most.
 * @param fields  in: asked for; out: granted
 * @param shown   what the browser has shown to them; 0: nothing, as it need not
 */
kr_err_t *kr_fedcm_grant(int *fields, kr_ctx_t *k, const kr_session_t *session, const kr_fedcm_client_t *client, int shown) KR_MUST_CHECK;
/** The site shall know nothing of them any more. One statement. */
kr_err_t *kr_fedcm_forget(kr_ctx_t *k, const kr_session_t *session, const kr_fedcm_client_t *client) KR_MUST_CHECK;

/**
 * An ID token (OpenID Connect Core, section 2), ES256, by the newest of the keys that sign nothing else: iss (the base URL), sub (id of the
 * identity, the same for all sites: they are one owner's), aud, nonce, iat, exp, auth_time, acr (the assurance level), and with KR_FEDCM_NAME
 * `name`, if a trait is one, with KR_FEDCM_EMAIL `email` and `email_verified`, if one is verified.
 * @return NULL when it cannot be made, which is logged
 */
const char *kr_fedcm_token(kr_ctx_t *k, const kr_session_t *session, const kr_fedcm_client_t *client, const char *nonce, int fields);

#endif
