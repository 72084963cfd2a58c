/* SPDX-License-Identifier: Apache-2.0 */
/* A folder with a small kratos.yml and its schema, and what its owner is told: for the tests of settings. */
#ifndef CONFIG_ENV_H
#define CONFIG_ENV_H

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kr_draft.h"
#include "kr_realm.h"
#include "kr_json.h"
#include "kr_text.h"
#include "test.h"

/* The least that a realm needs. */
#define MINIMAL                                                                                                        \
    "serve: {public: {base_url: 'https://id.example.org/auth/'}}\n"                                                    \
    "selfservice: {default_browser_return_url: 'https://example.org/'}\n"                                              \
    "secrets: {cookie: [0123456789abcdef-newest, 0123456789abcdef-older]}\n"                                           \
    "identity: {default_schema_id: person, schemas: [{id: person, url: 'file://./person.json'}]}\n"


typedef struct {
    apr_pool_t *pool;
    const char *dir;
    kr_draft_t *draft;
    apr_array_header_t *findings;
} world_t;

/** A file in the folder of the test, written anew. @return its path */
const char *put_file(world_t *w, const char *name, const char *text);
/** Set-up of a test: *state is a world_t with its folder. */
int open_world(void **state);
/** And its end. */
int close_world(void **state);
/** The minimal file, and `more` merged over it. */
kr_settings_t *settings_of(world_t *w, const char *more, int allow_unbuilt);
/** What the owner is told, a line each. */
const char *all_findings(world_t *w);
/** Is there a finding that says so? */
int says(world_t *w, int fatal, const char *words);
/** `more` over the minimal file; the test fails when that is refused. */
kr_settings_t *good(world_t *w, const char *more);
/** `more` over the minimal file stops the server with these words. */
void refused(world_t *w, const char *more, const char *told);

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

#endif
