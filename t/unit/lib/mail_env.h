/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of codes and links: accounts whose addresses are verified and recover, and what the newest mail brings. */
#ifndef KR_TEST_MAIL_ENV_H
#define KR_TEST_MAIL_ENV_H

#include "api_env.h"

#include "kr_crypto.h"

#define SETTINGS_PAGE APP "settings"

extern const char MEMBER[];

#define FLOWS(use, more)                                                                                               \
    "{selfservice: {methods: {link: {enabled: true}, code: {enabled: true}}, flows: {recovery: {enabled: true, "       \
    "use: " use "}, verification: {enabled: true, use: " use "}, settings: {ui_url: '" SETTINGS_PAGE "'}" more "}}, "  \
    "feature_flags: {use_continue_with_transitions: true}}"

#define CODES FLOWS("code", "")
#define LINKS FLOWS("link", "")

/** The realm of the test with these settings and accounts whose addresses lead back in. */
void use(env_t *env, const char *more);
/** With these settings Ana has an account, and an app in which she is signed in. */
client_t *use_with_ana(env_t *env, const char *more);
/** What the newest mail brings: a member of its data. */
const char *mailed(env_t *env, const char *member);
/** The part of a mailed URL that requests name here. */
const char *path_of(const char *url);
/** Asks for a mail. */
json_t *with_email(const char *method, const char *email);
/** Gives a code. */
json_t *with_code(const char *code);
/** A flow of that kind that has sent its mail, in *flow. @return where its submits go */
const char *begin_mailed(client_t *c, const char *kind, const char *method, const char *email, json_t **flow);
/* Somebody who asked for a code to Ana's address, and that code. */
typedef struct {
    client_t *client;
    const char *to;
    json_t *flow;
    const char *code;
} asked_t;

/** Asks for a code to Ana's address. */
asked_t ask_for_code(client_t *c, const char *kind);
/** Submits a code to that flow. */
kr_ctx_t *give(const asked_t *asked, const char *code);
/** Asks for a link to Ana's address; the path of that link. */
const char *ask_for_link(client_t *c, const char *kind);

#endif
