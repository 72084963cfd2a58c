/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings say of a site that people sign in with: selfservice.methods.oidc.config.providers[]. */
#ifndef KR_OIDC_CONF_H
#define KR_OIDC_CONF_H

#include <apr_tables.h>
#include <jansson.h>

#include "kr_jsonnet.h"

typedef struct kr_document_t kr_document_t;
typedef struct kr_share_t kr_share_t;
typedef struct kr_pem_key_t kr_pem_key_t;

/** One provider. Strings are NULL where nobody said them and there is no default; lists are never NULL. */
typedef struct {
    const char *id;                  /* in URLs and credentials */
    const char *provider;            /* its kind: "google", "generic", ... */
    const char *label;
    const char *client_id, *client_secret;
    const char *issuer_url, *auth_url, *token_url;
    const char *mapper_url;          /* file:// or base64:// URL of a Jsonnet program */
    const apr_array_header_t *scope; /* of const char* */
    const json_t *requested_claims;  /* as written, or NULL */
    const char *microsoft_tenant;
    const char *subject_source;      /* "userinfo", "me", "oid" */
    const char *apple_team_id, *apple_private_key_id, *apple_private_key;
    const char *organization_id;
    const apr_array_header_t *additional_id_token_audiences;          /* of const char* */
    const apr_array_header_t *aal2_acr_values, *aal2_amr_values;      /* of const char* */
    const char *claims_source;       /* "id_token", "userinfo" */
    const char *pkce;                /* "auto", "never", "force" */
    const char *fedcm_config_url;
    const char *net_id_token_origin_header;
    const char *account_linking_mode;     /* "confirm_with_existing_credential", "automatic" */
    const char *update_identity_on_login; /* "never", "automatic" */

    /* made of these */
    const kr_jsonnet_t *mapper;      /* NULL: there is none */
    const kr_pem_key_t *apple_key;   /* NULL for all but Apple */
    int fedcm_alone;                 /* browsers ask there by themselves, and nobody is sent there: it has no secret of ours */
    kr_document_t *discovery;        /* what each process keeps of its document */
    kr_share_t *share;               /* of the workers, that may wait for it at once */
} kr_oidc_provider_conf_t;

#endif
