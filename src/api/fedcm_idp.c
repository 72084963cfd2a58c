/* SPDX-License-Identifier: Apache-2.0 */
/*
 * We are other sites' identity provider: what anybody may read of that. Where no client is set nothing of it is there.
 * (W3C FedCM, sections 3.1 to 3.3 and 3.5; OpenID Connect Discovery 1.0, section 3.)
 */
#include <string.h>

#include "api.h"
#include "fedcm.h"
#include "kr_jwt.h"

int kr_fedcm_is_on(const kr_ctx_t *k)
{
    return k->realm->settings->fedcm.clients->nelts > 0;
}

/* The owner's URL, as it was written: it is the issuer, too, and compared byte by byte. */
static const char *url_of(kr_ctx_t *k, const char *path)
{
    return kr_url_join(k->pool, k->realm->settings->base_url, path);
}

const char *kr_fedcm_login_url(kr_ctx_t *k)
{
    return url_of(k, KR_FEDCM_LOGIN);
}

static void set_url(json_t *out, kr_ctx_t *k, const char *name, const char *path)
{
    json_object_set_new(out, name, json_string(url_of(k, path)));
}

/* -- where things are ---------------------------------------------------------- */

kr_err_t *kr_fedcm_web_identity(kr_ctx_t *k)
{
    json_t *out;

    if (!kr_fedcm_is_on(k)) return kr_not_here(k);
    out = kr_json_pack(k->pool, "{s:[s]}", "provider_urls", url_of(k, KR_FEDCM_CONFIG));
    set_url(out, k, "accounts_endpoint", KR_FEDCM_ACCOUNTS);
    set_url(out, k, "login_url", KR_FEDCM_LOGIN);
    return kr_answer_data(k, 200, out);
}

static json_t *icons_of(const kr_fedcm_conf_t *conf)
{
    json_t *out = json_array();

    for (int i = 0; i < conf->icons->nelts; i++) {
        const kr_fedcm_icon_t *icon = &APR_ARRAY_IDX(conf->icons, i, const kr_fedcm_icon_t);

        json_array_append_new(out, json_pack("{s:s, s:I}", "url", icon->url, "size", (json_int_t)icon->size));
    }
    return out;
}

/* New reference. What nobody set is left out: browsers know better than we do how they look. */
static json_t *branding_of(const kr_fedcm_conf_t *conf)
{
    json_t *out = json_object();

    if (conf->name) json_object_set_new(out, "name", kr_json_string(conf->name));
    if (conf->color) json_object_set_new(out, "color", json_string(conf->color));
    if (conf->background_color) json_object_set_new(out, "background_color", json_string(conf->background_color));
    if (conf->icons->nelts) json_object_set_new(out, "icons", icons_of(conf));
    return out;
}

kr_err_t *kr_fedcm_config(kr_ctx_t *k)
{
    json_t *out, *branding;

    if (!kr_fedcm_is_on(k)) return kr_not_here(k);
    out = kr_json_own(k->pool, json_object());
    set_url(out, k, "accounts_endpoint", KR_FEDCM_ACCOUNTS);
    set_url(out, k, "client_metadata_endpoint", KR_FEDCM_CLIENT);
    set_url(out, k, "id_assertion_endpoint", KR_FEDCM_ASSERTION);
    set_url(out, k, "disconnect_endpoint", KR_FEDCM_DISCONNECT);
    set_url(out, k, "login_url", KR_FEDCM_LOGIN);
    branding = branding_of(&k->realm->settings->fedcm);
    if (json_object_size(branding)) json_object_set(out, "branding", branding);
    json_decref(branding);
    return kr_answer_data(k, 200, out);
}

/* -- how our word is verified --------------------------------------------------- */

/* There is no way to be sent here and back, and so no authorization_endpoint, and no response type or grant. */
kr_err_t *kr_fedcm_discovery(kr_ctx_t *k)
{
    json_t *out;

    if (!kr_fedcm_is_on(k)) return kr_not_here(k);
    out = kr_json_pack(k->pool, "{s:s, s:[], s:[], s:[s], s:[s], s:[s,s,s,s,s,s,s,s,s,s,s]}", "issuer", k->realm->settings->base_url,
                       "response_types_supported", "grant_types_supported", "subject_types_supported", "public",
                       "id_token_signing_alg_values_supported", "ES256", "claims_supported", "iss", "sub", "aud", "nonce", "iat", "exp",
                       "auth_time", "acr", "name", "email", "email_verified");
    set_url(out, k, "jwks_uri", KR_FEDCM_JWKS);
    return kr_answer_data(k, 200, out);
}

kr_err_t *kr_fedcm_jwks(kr_ctx_t *k)
{
    if (!kr_fedcm_is_on(k)) return kr_not_here(k);
    return kr_answer_data(k, 200, kr_signer_jwks(k->pool, k->realm->id_signer));
}

/* -- which browser asks, for whom ------------------------------------------------ */

/* No page can set this header, and no form is sent with it: only the browser itself asks so. */
int kr_fedcm_by_browser(kr_ctx_t *k)
{
    const char *dest = kr_header(k->req, "Sec-Fetch-Dest");

    return dest && strcmp(dest, "webidentity") == 0;
}

const kr_fedcm_client_t *kr_fedcm_client_asking(kr_ctx_t *k, const char *client_id)
{
    const kr_fedcm_client_t *client = kr_fedcm_client(k, client_id);
    const char *origin = kr_header(k->req, "Origin");

    return client && kr_fedcm_by_browser(k) && kr_fedcm_is_origin_of(client, origin) ? client : NULL;
}

/* -- what browsers say of a site -------------------------------------------------- */

kr_err_t *kr_fedcm_client_metadata(kr_ctx_t *k)
{
    const kr_fedcm_client_t *client;
    json_t *out;

    if (!kr_fedcm_is_on(k)) return kr_not_here(k);
    client = kr_fedcm_client_asking(k, kr_query(k->req, "client_id"));
    if (!client) return kr_err(k, 404, NULL, "no client of that name has pages there");
    out = kr_json_own(k->pool, json_object());
    if (client->privacy_policy_url) json_object_set_new(out, "privacy_policy_url", json_string(client->privacy_policy_url));
    if (client->terms_of_service_url) json_object_set_new(out, "terms_of_service_url", json_string(client->terms_of_service_url));
    kr_reply_header(k, "Access-Control-Allow-Origin", kr_header(k->req, "Origin"));
    return kr_answer_data(k, 200, out);
}
