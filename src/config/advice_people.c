/* SPDX-License-Identifier: Apache-2.0 */
/* What is switched on and nobody could use: mail that nothing carries, ways to sign in that no schema has an identifier for. */
#include <string.h>

#include "draft.h"
#include "kr_json.h"
#include "kr_schema.h"
#include "kr_text.h"

/* -- what the schemas have -------------------------------------------------------------- */

static int is_password_identifier(const kr_leaf_t *leaf)
{
    return leaf->password_identifier;
}

static int is_code_identifier(const kr_leaf_t *leaf)
{
    return leaf->code_identifier;
}

static int is_webauthn_identifier(const kr_leaf_t *leaf)
{
    return leaf->webauthn_identifier;
}

static int recovers(const kr_leaf_t *leaf)
{
    return leaf->recover_via != NULL;
}

static int verifies(const kr_leaf_t *leaf)
{
    return leaf->verify_via != NULL;
}

/* With selfservice.methods.code.config.missing_credential_fallback_enabled a code finds them by whatever they have. */
static int identifies(const kr_leaf_t *leaf)
{
    return leaf->password_identifier || leaf->code_identifier || leaf->recover_via || leaf->verify_via;
}

/* The n-th leaf of all schemas together, or NULL: there are few, and this is asked at start. */
static const kr_leaf_t *leaf_at(const kr_settings_t *settings, int n)
{
    for (int i = 0; i < settings->schemas->nelts; i++) {
        const apr_array_header_t *leaves = APR_ARRAY_IDX(settings->schemas, i, const kr_schema_t *)->leaves;

        if (n < leaves->nelts) return &APR_ARRAY_IDX(leaves, n, const kr_leaf_t);
        n -= leaves->nelts;
    }
    return NULL;
}

static int any(const kr_settings_t *settings, int (*has)(const kr_leaf_t *))
{
    const kr_leaf_t *leaf;

    for (int n = 0; (leaf = leaf_at(settings, n)); n++)
        if (has(leaf)) return 1;
    return 0;
}

/* -- signing in ------------------------------------------------------------------------- */

static int names_passkey(const kr_leaf_t *leaf)
{
    return leaf->passkey_display_name || leaf->webauthn_identifier;
}

/* Clients know it so: whose passkey it is, is shown by the authenticator, and without that none is made. */
static void check_passkeys(kr_review_t *review, const kr_settings_t *settings)
{
    if (settings->method_enabled[KR_METHOD_PASSKEY] && !any(settings, names_passkey))
        kr_review_warn(review, "selfservice.methods.passkey.enabled",
                       "no identity schema says what a passkey is called after: none can be made; put \"ory.sh/kratos\": "
                       "{\"credentials\": {\"passkey\": {\"display_name\": true}}} into a trait that its owner knows, such as email, or set "
                       "this to false");
}

static void check_identifiers(kr_review_t *review, const kr_settings_t *settings)
{
    static const char PASSWORD[] = "selfservice.methods.password.enabled";
    static const char KEY[] = "selfservice.methods.webauthn.config.passwordless";
    static const char CODE[] = "selfservice.methods.code.passwordless_enabled";
    int by_password = any(settings, is_password_identifier);
    int by_code = any(settings, settings->code_fallback ? identifies : is_code_identifier);

    if (settings->method_enabled[KR_METHOD_PASSWORD] && !by_password)
        kr_review_warn(review, PASSWORD, "no identity schema says what people sign in with: nobody can by password; put "
                                         "\"ory.sh/kratos\": {\"credentials\": {\"password\": {\"identifier\": true}}} into the "
                                         "trait that they know, such as email, or set this to false");
    if (settings->method_enabled[KR_METHOD_WEBAUTHN] && settings->webauthn_passwordless && !any(settings, is_webauthn_identifier))
        kr_review_warn(review, KEY, "no identity schema says by which name security keys are asked for: nobody can sign in with one; put "
                                    "\"ory.sh/kratos\": {\"credentials\": {\"webauthn\": {\"identifier\": true}}} into the trait that "
                                    "people know, such as email, or set this to false");
    if (settings->code_passwordless && !by_code)
        kr_review_warn(review, CODE, "no identity schema says where codes go: nobody can sign in by one; put \"ory.sh/kratos\": "
                                     "{\"credentials\": {\"code\": {\"identifier\": true, \"via\": \"email\"}}} into the trait "
                                     "with the address, or set this to false");
}

/* -- what is sent ------------------------------------------------------------------------- */

/** A flow that goes by messages, and what of a trait says where they go. */
typedef struct {
    const char *key, *name, *annotation;
    int on;
    int (*has)(const kr_leaf_t *);
    const char *(*via)(const kr_leaf_t *);
} mailing_t;

static const char *recover_via(const kr_leaf_t *leaf)
{
    return leaf->recover_via;
}

static const char *verify_via(const kr_leaf_t *leaf)
{
    return leaf->verify_via;
}

static const char *code_via(const kr_leaf_t *leaf)
{
    return leaf->code_identifier ? leaf->code_via : NULL;
}

static int goes_by(const kr_settings_t *settings, const mailing_t *mailing, const char *via)
{
    const kr_leaf_t *leaf;

    for (int n = 0; (leaf = leaf_at(settings, n)); n++) {
        const char *own = mailing->via(leaf);

        if (own && strcmp(own, via) == 0) return 1;
    }
    return 0;
}

static void check_mailing(kr_review_t *review, const kr_settings_t *settings, const mailing_t *mailing)
{
    if (!mailing->on) return;
    if (mailing->annotation && !any(settings, mailing->has)) {
        kr_review_warn(review, mailing->key, "no identity schema has an address for it: put \"ory.sh/kratos\": {\"%s\": {\"via\": "
                                             "\"email\"}} into the trait with the address, or set this to false",
                       mailing->annotation);
        return;
    }
    if (goes_by(settings, mailing, "email") && !kr_mail_carried(&settings->mail, "email"))
        kr_review_warn(review, mailing->key, "%s goes by mail, and nothing carries it: messages would wait for ever; set "
                                             "courier.smtp.connection_uri, such as smtps://user:password@mail.example.org:465/, "
                                             "or courier.delivery_strategy: http", mailing->name);
    if (goes_by(settings, mailing, "sms") && !kr_mail_carried(&settings->mail, "sms"))
        kr_review_warn(review, mailing->key, "%s goes by text message, and nothing carries it: messages would wait for ever; add "
                                             "a channel `sms` to courier.channels", mailing->name);
}

/* -- two factors ------------------------------------------------------------------------ */

static int recovers_by_its_codes(const kr_leaf_t *leaf)
{
    return leaf->code_identifier && leaf->code_via && leaf->recover_via && strcmp(leaf->code_via, leaf->recover_via) == 0;
}

/* As with codes that sign in: but without recovery nobody would get back in, so it is the owner's to weigh. */
static void check_second(kr_review_t *review, const kr_settings_t *settings)
{
    if (!settings->code_mfa || !settings->flow[KR_FLOW_RECOVERY].enabled || !any(settings, recovers_by_its_codes)) return;
    kr_review_warn(review, "selfservice.methods.code.mfa_enabled", "with selfservice.flows.recovery.enabled one mailbox is both factors: a "
                                                                   "recovery and then a code, sent to the same address; send codes "
                                                                   "elsewhere (via: sms), or use totp or webauthn instead");
}

void kr_review_people(kr_review_t *review, const kr_settings_t *settings)
{
    const mailing_t mailings[] = {
        { "selfservice.flows.recovery.enabled", "recovery", "recovery", settings->flow[KR_FLOW_RECOVERY].enabled, recovers,
          recover_via },
        { "selfservice.flows.verification.enabled", "verification", "verification",
          settings->flow[KR_FLOW_VERIFICATION].enabled, verifies, verify_via },
        { "selfservice.methods.code.passwordless_enabled", "the code", NULL, settings->code_passwordless, NULL, code_via },
        { "selfservice.methods.code.mfa_enabled", "the code", NULL, settings->code_mfa, NULL, code_via },
    };

    if (!settings->schemas->nelts) return; /* wrong, and said already */
    check_identifiers(review, settings);
    check_passkeys(review, settings);
    check_second(review, settings);
    for (int i = 0; i < KR_DIM(mailings); i++) check_mailing(review, settings, &mailings[i]);
}
