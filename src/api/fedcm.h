/* SPDX-License-Identifier: Apache-2.0 */
/* What the operations of an identity provider for other sites share (fedcm_idp.c, fedcm_accounts.c). */
#ifndef KR_API_FEDCM_H
#define KR_API_FEDCM_H

#include "kr_fedcm.h"

/* Below the base URL. The cookie travels to KR_FEDCM_PATH alone; where people sign in it is not wanted. */
#define KR_FEDCM_CONFIG KR_FEDCM_PATH "/config.json"
#define KR_FEDCM_ACCOUNTS KR_FEDCM_PATH "/accounts"
#define KR_FEDCM_CLIENT KR_FEDCM_PATH "/client"
#define KR_FEDCM_ASSERTION KR_FEDCM_PATH "/assertion"
#define KR_FEDCM_DISCONNECT KR_FEDCM_PATH "/disconnect"
#define KR_FEDCM_JWKS KR_FEDCM_PATH "/jwks.json"
#define KR_FEDCM_LOGIN "/self-service/fed-cm/login"

/** Has the realm clients? */
int kr_fedcm_is_on(const kr_ctx_t *k);
/** Does the browser ask this by itself, rather than a page or a form in it? */
int kr_fedcm_by_browser(kr_ctx_t *k);
/** The client of that name, if the browser asks by itself, for a page of that client's. @param client_id or NULL */
const kr_fedcm_client_t *kr_fedcm_client_asking(kr_ctx_t *k, const char *client_id);
/** Where browsers lead people who are to sign in here. */
const char *kr_fedcm_login_url(kr_ctx_t *k);

#endif
