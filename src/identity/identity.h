/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share. Not for other rooms. */
#ifndef KR_IDENTITY_IDENTITY_H
#define KR_IDENTITY_IDENTITY_H

#include "kr_credential.h"

/* -- factors.c: rows of the table of kinds name these --------------------------- */

/** A password with its hash; where there is none, the account's names are only kept from others. */
kr_factors_fn kr_factors_of_password;
/** Each key by itself, of those that the config holds. */
kr_factors_fn kr_factors_of_keys;
/** Each account at a provider by itself. */
kr_factors_fn kr_factors_of_providers;
/** An app with its seed. */
kr_factors_fn kr_factors_of_totp;
/** Recovery codes: all of them are one factor. */
kr_factors_fn kr_factors_of_codes;

/* -- portable.c: how credentials come in and go out ------------------------------- */

json_t *kr_export_password(kr_ctx_t *k, const kr_identity_t *identity, const kr_credential_t *credential);
kr_err_t *kr_import_password(kr_imported_t *out, kr_ctx_t *k, const kr_identity_t *identity, const json_t *given) KR_MUST_CHECK;
json_t *kr_export_totp(kr_ctx_t *k, const kr_identity_t *identity, const kr_credential_t *credential);
kr_err_t *kr_import_totp(kr_imported_t *out, kr_ctx_t *k, const kr_identity_t *identity, const json_t *given) KR_MUST_CHECK;
kr_err_t *kr_import_lookup(kr_imported_t *out, kr_ctx_t *k, const kr_identity_t *identity, const json_t *given) KR_MUST_CHECK;

/* -- portable_keys.c --------------------------------------------------------------- */

kr_err_t *kr_import_passkey(kr_imported_t *out, kr_ctx_t *k, const kr_identity_t *identity, const json_t *given) KR_MUST_CHECK;
kr_err_t *kr_import_webauthn(kr_imported_t *out, kr_ctx_t *k, const kr_identity_t *identity, const json_t *given) KR_MUST_CHECK;
json_t *kr_export_keys(kr_ctx_t *k, const kr_identity_t *identity, const kr_credential_t *credential);

/* -- normalise.c ------------------------------------------------------------------ */

/** Text without the characters that nobody sees: controls, marks of direction, joiners, line separators. Valid UTF-8. */
const char *kr_text_visible(apr_pool_t *pool, const char *text);

#endif
