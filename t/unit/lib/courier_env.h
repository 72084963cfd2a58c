/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the courier begin with: a queue, a folder, and letters to put into them. */
#ifndef KR_TEST_COURIER_ENV_H
#define KR_TEST_COURIER_ENV_H

#include "store_env.h"

#include <ctype.h>
#include <dirent.h>
#include <signal.h>

#include "../../../src/courier/courier.h"
#include "kr_hook.h"
#include "kr_http.h"
#include "kr_store_message.h"
#include "kr_json.h"

#define LINK "https://id.site.example/self-service/verification?code=123456&flow=f"

/* -- set-up --------------------------------------------------------------------- */

/** Of the realm of the test. */
extern kr_settings_t settings;
/** Set-up of a test: a migrated database, and mail into its folder. */
int open_queue(void **state);
/** What any template may want, for a reader of that language. */
json_t *data_with(kr_ctx_t *k, const char *locale);
/** The letter of that type to Ana. */
kr_letter_t render(kr_ctx_t *k, const char *type, const char *via, json_t *data);
/** A code to sign in, to that address. */
void queue(kr_ctx_t *k, const char *to);
/** One look into the queue by a worker of that name. @return how many were sent */
int work(kr_ctx_t *k, const char *name);
/** The only one of them. */
kr_message_row_t only(kr_ctx_t *k, const char *status);
/** Messages of that status, those to nobody too. */
int how_many(kr_ctx_t *k, const char *status);

/* One test on the database of `s`. */
#define Q(s, test)                                                                                                     \
    {                                                                                                                  \
#test, test, open_queue, close_all, s                                                                          \
    }

#endif
