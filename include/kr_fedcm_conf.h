/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings say of other sites that take our word for who somebody is, by FedCM: mod_kratos.fedcm. */
#ifndef KR_FEDCM_CONF_H
#define KR_FEDCM_CONF_H

#include <apr_tables.h>

/** A site that takes our word. */
typedef struct {
    const char *client_id;
    const apr_array_header_t *origins; /* of const char*: of its pages, as browsers write them; at least one */
    const char *privacy_policy_url, *terms_of_service_url; /* browsers lead to them, or NULL */
} kr_fedcm_client_t;

/** A picture of ours that browsers may show. */
typedef struct {
    const char *url;
    apr_int64_t size; /* pixels of each side */
} kr_fedcm_icon_t;

/** Without clients there is nothing of it. Strings are NULL where nobody said them. */
typedef struct {
    const apr_array_header_t *clients; /* of kr_fedcm_client_t */
    const char *name;                  /* of ours, in the browser's dialogue */
    const char *color, *background_color; /* of its buttons */
    const apr_array_header_t *icons;   /* of kr_fedcm_icon_t */
} kr_fedcm_conf_t;

#endif
