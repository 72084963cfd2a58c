/* SPDX-License-Identifier: Apache-2.0 */
/* A signed word to the application: who is here. */
#ifndef KR_ASSERTION_H
#define KR_ASSERTION_H

#include "kr_session.h"

/** How long an assertion is good for: a minute, enough for a slow application and for clocks that differ a little. */
#define KR_ASSERTION_SECONDS 60

/**
 * A JWT about the session, signed with the realm's newest key (kr_jwt.h): iss (the base URL), sub (id of the identity), sid (id of the
 * session), aal, schema, iat, nbf, exp, jti, and aud when `audience` is given.
 * @param audience  whom it is for, or NULL
 * @return in the pool; NULL when it cannot be made, which is logged
 * @see RFC 7519; RFC 8725 section 3.9 on the audience
 */
const char *kr_assertion_make(kr_ctx_t *k, const kr_session_t *session, const char *audience);

#endif
