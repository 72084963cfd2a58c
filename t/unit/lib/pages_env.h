/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of requests for the built-in pages: visits by a browser, and where the API sends it. */
#ifndef PAGES_ENV_H
#define PAGES_ENV_H

#include "api_env.h"
#include "kr_ui.h"

/** As httpd does it at start. */
void pages_of(client_t *c);
/** Send a request to the pages. */
kr_ctx_t *visit(client_t *c, const char *method, const char *url);
/** Is that text on the page? */
int shows(const kr_ctx_t *k, const char *text);
/** Where an answer leads, as a path of the pages. */
const char *led_to(const kr_ctx_t *k);
/** The flow's page after the API sent the browser there. */
const char *page_of(client_t *c, const char *kind, const char *query);

#endif
