/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of sign-in and sign-up by one-time code: settings, a schema with addresses for codes, and the
 * codes that were mailed. */
#ifndef CODE_ENV_H
#define CODE_ENV_H

#include "api_env.h"
#include "kr_crypto.h"
#include "kr_store_message.h"

/* For `with`: how codes sign in and up. */
extern const char WITH_CODE[];
extern const char WITH_FALLBACK[];
extern const char SECOND_FACTOR[];
extern const char IDENTIFIER_FIRST[];
extern const char TWO_SCREENS[];
extern const char MITIGATED[];

/* For change_rows: no address is verified any more; ana2@example.org is no identifier any more. */
extern const kr_query_t UNVERIFY;
extern const kr_query_t GIVE_UP;

/** The realm of the test with these settings and a schema that has addresses for codes. */
env_t *with(void **state, const char *more);
/** The last code of that kind that was mailed to an address; NULL when there is none. A second passes: order counts. */
const char *mailed_as(env_t *env, const char *type, const char *field, const char *to);
/** The last code to sign in that was mailed there; the test fails when there is none. */
const char *login_code(env_t *env, const char *to);
/** The same of a sign-up. */
const char *registration_code(env_t *env, const char *to);
/** A sign-in by code; without one it asks for one. */
json_t *login_body(const char *identifier, const char *code);
/** Asks for another code. */
json_t *again(const char *identifier);
/** A sign-up by code; name and code may be NULL. */
json_t *sign_up_body(const char *email, const char *name, const char *code);
/** Somebody who has an account and is not signed in here. */
void account(env_t *env, const char *email);
/** An app's login flow that has sent its code. */
const char *sent(client_t *app, const char *identifier);

#endif
