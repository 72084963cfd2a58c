/* SPDX-License-Identifier: Apache-2.0 */
/* The code of an authenticator app as second factor. Setting one up and removing it: totp_settings.c. */
#include <string.h>

#include <unistr.h>

#include "kr_credential.h"
#include "kr_json.h"
#include "kr_text.h"
#include "kr_totp.h"
#include "method.h"

static const kr_node_spec_t LOGIN_NODES[] = {
    { .name = "totp_code", .type = "text", .value = "", .required = 1, .label = 1010006 },
    { .name = "method", .type = "submit", .value = "totp", .label = 1010009 },
};

static int is_on(const kr_settings_t *settings, kr_flow_kind_e kind)
{
    return settings->method_enabled[KR_METHOD_TOTP] && (kind == KR_FLOW_LOGIN || kind == KR_FLOW_SETTINGS);
}

/* Settings need no button's name where an app is to be removed. */
static int takes(const kr_body_t *body, kr_flow_kind_e kind)
{
    const char *name = kr_body_str(body, "method");

    return (name && strcmp(name, "totp") == 0) || (kind == KR_FLOW_SETTINGS && kr_body_true(body, "totp_unlink"));
}

/* -- the credential -------------------------------------------------------- */

const char *kr_totp_seed_of(kr_ctx_t *k, const kr_identity_t *identity, const kr_credential_t *credential)
{
    const char *url = kr_totp_url_of(k, identity->id, credential);

    return url ? kr_totp_url_seed(k->pool, url) : NULL;
}

/* -- sign-in --------------------------------------------------------------- */

static kr_err_t *show_second(kr_ctx_t *k, kr_flow_t *flow)
{
    return kr_second_show(k, flow, "totp", LOGIN_NODES, KR_DIM(LOGIN_NODES));
}

static void keep(kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    (void)k;
    (void)body;
    if (flow->kind == KR_FLOW_LOGIN) kr_second_forget(flow, "totp_code");
}

/* Missing and short ones are told apart from wrong ones, as clients know it: by what was typed, blanks and all. */
static kr_err_t *check_form(kr_ctx_t *k, kr_flow_t *flow, const char *typed)
{
    const apr_size_t len = typed ? u8_mbsnlen((const uint8_t *)typed, strlen(typed)) : 0;

    if (len >= KR_TOTP_DIGITS) return NULL;
    if (!len) kr_field_missing(k, flow, "totp_code");
    else
        kr_node_message(k, flow, "totp_code", 4000003,
                        json_pack("{s:i, s:i}", "min_length", KR_TOTP_DIGITS, "actual_length", (int)len));
    return kr_err_show_flow(k);
}

static kr_err_t *prove(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    kr_second_t second = { .method = "totp", .typed = kr_body_str(body, "totp_code") };
    const kr_credential_t *credential;
    const char *url, *seed;
    kr_session_t *session;
    apr_int64_t step = 0;

    KR_TRY(check_form(k, flow, second.typed));
    KR_TRY(kr_session_whole(&session, &second.identity, k));
    credential = kr_identity_credential(second.identity, "totp");
    url = credential ? kr_totp_url_of(k, second.identity->id, credential) : NULL;
    seed = url ? kr_totp_url_seed(k->pool, url) : NULL;
    if (seed) step = kr_totp_fits(k->pool, seed, kr_code_clean(k->pool, second.typed), k->now, credential->spent);
    if (!credential) return kr_second_missing(k, flow, 4000011);
    if (!step) return kr_second_wrong(out, k, flow, &second, 4000008);
    /* used up together with all steps before it; sealed anew, so that a secret that was replaced is needed less and less */
    return kr_second_right(out, k, flow, &second, kr_totp_config(k, second.identity->id, url), step);
}

const kr_method_t kr_method_totp = {
    .id = KR_METHOD_TOTP,
    .on = is_on,
    .aal = kr_reaches_second,
    .takes = takes,
    .keep = keep,
    .show = { [KR_ASK_SECOND] = show_second, [KR_ASK_CHANGE] = kr_totp_show_settings },
    .submit = { [KR_FLOW_LOGIN] = prove, [KR_FLOW_SETTINGS] = kr_totp_change },
    .second = prove,
    .resume = kr_totp_resume,
};
