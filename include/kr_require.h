/* SPDX-License-Identifier: Apache-2.0 */
/* What a Require line asks of a session. Compiled once, when the line is read; judged for each request. */
#ifndef KR_REQUIRE_H
#define KR_REQUIRE_H

#include <apr_tables.h>

#include "kr_session.h"
#include "kr_settings.h"

typedef enum {
    KR_REQUIRE_SESSION,  /* [max-age=DURATION]: any session; with max-age, whose owner proved who they are no longer ago */
    KR_REQUIRE_AAL,      /* aal1 | aal2 [max-age=DURATION]: that level, or a higher one; max-age as above */
    KR_REQUIRE_VERIFIED, /* [email|phone [VALUE...]]: an address of that kind, and with one of the values, is verified; none: any */
    KR_REQUIRE_IDENTITY, /* ID...: one of these identities */
    KR_REQUIRE_TRAIT,    /* PATH VALUE...: a trait has one of the values */
    KR_REQUIRE_METADATA, /* PATH VALUE...: the same for public metadata */
    KR_REQUIRE_SCHEMA,   /* ID...: the identity is of one of these schemas */
    KR_REQUIRE_KINDS
} kr_require_kind_e;

/** Their names in a Require line: "kratos-session", "kratos-aal", ... */
extern const char *const kr_require_names[KR_REQUIRE_KINDS];

typedef enum {
    KR_REQUIRE_MET,
    KR_REQUIRE_UNMET,
    KR_REQUIRE_UNSURE /* an expression hit its limits: it must neither let in nor, under "not", let in by failing */
} kr_verdict_e;

typedef struct kr_require_t kr_require_t;

/** The id of the error that tells somebody to set up a second factor first. */
#define KR_NO_SECOND "session_aal2_unavailable"

/**
 * Compile a rule. PATH names nested members by dots ("address.country"); where an array stands on the way or at the end, one
 * member that fits is enough. VALUE is text, a number or true/false as JSON shows them, or an expression between slashes
 * (/^x/, or /^x/i without regard to case; PCRE2 with limits).
 * @param words  of const char*, unquoted
 * @param why    on failure, for the person who wrote the line; does not repeat the rule's name
 * @return immutable, in the pool; NULL on failure
 */
kr_require_t *kr_require_parse(apr_pool_t *pool, kr_require_kind_e kind, const apr_array_header_t *words, const char **why);

/** How long ago a session may have been proved, in µs, by the clock of k->now; 0: however long. */
apr_time_t kr_require_max_age(const kr_require_t *rule);

/** Does it ask for a second factor? */
int kr_require_asks_second(const kr_require_t *rule);

/** Is there any second factor that people of a realm with these settings can set up? */
int kr_offers_second(const kr_settings_t *settings);

/** Does the session meet it? No statement is sent. */
kr_verdict_e kr_require_judge(kr_ctx_t *k, const kr_require_t *rule, const kr_session_t *session);

/**
 * What to tell a client whose session does not meet the rule: 403 with a reason. Where the person can mend it, the error
 * names the place as redirect_browser_to, beside the error object and in its details: the login for a second factor
 * that the account has (session_aal2_required) or for a fresh proof (session_refresh_required), the verification for an address
 * that it has, if the rule names any. An account without a second factor is KR_NO_SECOND, with the place where one is set up as
 * settings_url in the details, unless the realm has none to set up. `return_to` may be NULL. For a level the account's credentials
 * may be read.
 */
kr_err_t *kr_require_refusal(kr_ctx_t *k, const kr_require_t *rule, const kr_session_t *session, const char *return_to);

#endif
