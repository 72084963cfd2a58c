/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys: mod_kratos.fedcm, the sites that take our word for who somebody is. */
#include "kr_text.h"
#include "keys.h"

#define ICON_MIN 25 /* pixels; browsers show no smaller ones (W3C FedCM, IdentityProviderIcon) */
#define ICON_MAX 1024

static const kr_key_t CLIENT[] = {
    { "client_id", KR_TEXT, NULL, IN(kr_fedcm_client_t, client_id), BUILT,
      .help = "what the site calls itself to us, and the audience of its tokens", .min = 1, .max = 128, .needed = 1,
      .check = kr_check_client_id },
    { "origins", KR_TEXTS, NULL, IN(kr_fedcm_client_t, origins), BUILT,
      .help = "origins of the pages of that site, `https` each", .needed = 1, .unique = 1, .check = kr_check_client_origin },
    { "privacy_policy_url", KR_URL, NULL, IN(kr_fedcm_client_t, privacy_policy_url), BUILT,
      .help = "its privacy policy, to which the browser's dialogue leads" },
    { "terms_of_service_url", KR_URL, NULL, IN(kr_fedcm_client_t, terms_of_service_url), BUILT,
      .help = "its terms of service, likewise" },
};

static const kr_element_t CLIENT_ELEMENT = { ELEMENT(kr_fedcm_client_t, CLIENT), .name = offsetof(kr_fedcm_client_t, client_id),
                                             .twice = "there are two clients" };

static const kr_key_t ICON[] = {
    { "url", KR_URL, NULL, IN(kr_fedcm_icon_t, url), BUILT, .help = "a picture of ours, no SVG", .needed = 1 },
    { "size", KR_INT, NULL, IN(kr_fedcm_icon_t, size), BUILT, .help = "pixels of each side", .min = ICON_MIN, .max = ICON_MAX,
      .needed = 1 },
};

static const kr_element_t ICON_ELEMENT = { ELEMENT(kr_fedcm_icon_t, ICON) };

static const kr_key_t KEYS[] = {
    { "mod_kratos.fedcm.clients", KR_OBJECTS, NULL, AT(fedcm.clients), BUILT,
      .help = "other sites that people sign in to with their account here, by FedCM: see howto/fedcm.md", .of = &CLIENT_ELEMENT },
    { "mod_kratos.fedcm.branding.name", KR_TEXT, NULL, AT(fedcm.name), BUILT,
      .help = "our name in the browser's dialogue; our domain, if it is not set", .min = 1, .max = 128, .check = kr_check_line },
    { "mod_kratos.fedcm.branding.color", KR_TEXT, NULL, AT(fedcm.color), BUILT, .help = "colour of the text of its buttons",
      .min = 1, .max = 64, .check = kr_check_color },
    { "mod_kratos.fedcm.branding.background_color", KR_TEXT, NULL, AT(fedcm.background_color), BUILT,
      .help = "colour of its buttons", .min = 1, .max = 64, .check = kr_check_color },
    { "mod_kratos.fedcm.branding.icons", KR_OBJECTS, NULL, AT(fedcm.icons), BUILT, .help = "pictures of ours in several sizes",
      .of = &ICON_ELEMENT },
};

const kr_keytable_t kr_keys_fedcm = { KEYS, KR_DIM(KEYS) };
