/* SPDX-License-Identifier: Apache-2.0 */
/* Time-based one-time passwords (RFC 6238: SHA-1, six digits, 30 s) and the picture that hands a seed to an app. On liboath. */
#ifndef KR_TOTP_H
#define KR_TOTP_H

#include "kr_crypto.h"

/** How many digits a code has, and for how many seconds an app shows one. */
#define KR_TOTP_DIGITS 6
#define KR_TOTP_PERIOD 30

/** A new seed: 20 random bytes (RFC 4226 section 4, R6) as 32 characters of base32, upper case, without padding. */
const char *kr_totp_seed(apr_pool_t *pool);

/**
 * The URL that an app takes a seed by: otpauth://totp/ISSUER:ACCOUNT?algorithm=SHA1&digits=6&issuer=ISSUER&period=30&secret=SEED,
 * its parameters in the order of the alphabet.
 */
const char *kr_totp_url(apr_pool_t *pool, const char *issuer, const char *account, const char *seed);

/**
 * The seed of such a URL, whoever made it: in upper case, without blanks and padding, 10 to 128 bytes when decoded.
 * @return NULL when it is no such URL, or one of codes of another kind (HOTP, SHA-256, eight digits)
 */
const char *kr_totp_url_seed(apr_pool_t *pool, const char *url);

/** The time step of an instant: what RFC 6238 calls T. */
apr_int64_t kr_totp_step(apr_time_t t);

/**
 * The code of a time step.
 * @param digits  6 to 8
 * @return NULL when `seed` is no base32, or there was no memory
 */
const char *kr_totp_code(apr_pool_t *pool, const char *seed, apr_int64_t step, int digits);

/**
 * Which time step is a code of? The present one and its two neighbours are looked at, as clocks differ, in the same time whichever it is.
 * @param spent  the last step that was used: that one and all before it fit nothing any more (RFC 6238 section 5.2)
 * @return the step, or 0 when the code fits none
 */
apr_int64_t kr_totp_fits(apr_pool_t *pool, const char *seed, const char *code, apr_time_t now, apr_int64_t spent);

/** The width and height of a picture of kr_qr_uri, in pixels. */
#define KR_QR_SIZE 256

/**
 * A QR code of a text as a data URI of a PNG: black on white, whole pixels for each module, in the middle of at least four modules of white
 * (ISO/IEC 18004).
 * @return NULL when the text is longer than 1,000 bytes, or there was no memory: the text itself has to do then
 */
const char *kr_qr_uri(apr_pool_t *pool, const char *text);

#endif
