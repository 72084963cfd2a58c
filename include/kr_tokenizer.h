/* SPDX-License-Identifier: Apache-2.0 */
/* A session as a signed token of the owner's making (session.whoami.tokenizer.templates). */
#ifndef KR_TOKENIZER_H
#define KR_TOKENIZER_H

#include "kr_session.h"
#include "kr_settings.h"

/** The template of that name, or NULL. */
const kr_tokenizer_conf_t *kr_tokenizer_find(const kr_settings_t *settings, const char *name);

/**
 * Make the token: jti, iss (the base URL), sub, sid, iat, nbf, exp, and over them what the template's mapper makes, but for
 * sub, which is always the identity's. The database is released before the mapper runs.
 * @param shown  the session as whoami shows it (kr_session_json); borrowed: what the mapper gets
 * @return 400 when there is no such template, or when its keys, its mapper or the account do not do, which is logged;
 *         503 when too many mappers run
 * @see operationId toSession, `tokenize_as`; session/tokenizer.go of Kratos
 */
kr_err_t *kr_session_tokenize(const char **token, kr_ctx_t *k, const kr_session_t *session, const json_t *shown, const char *template) KR_MUST_CHECK;

#endif
