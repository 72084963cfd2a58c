/* SPDX-License-Identifier: Apache-2.0 */
/* Sign-outs that an OAuth2 server asks for. */
#include "kr_json.h"
#include "oauth2.h"

#define PATH "/admin/oauth2/auth/requests/logout"
#define NAME "logout_challenge"

kr_err_t *kr_oauth2_logout(kr_oauth2_logout_t *out, const char **over, kr_ctx_t *k, const char *challenge)
{
    const kr_oauth2_call_t call = { .method = "GET", .path = PATH, .name = NAME, .challenge = challenge };
    const json_t *request;

    *out = (kr_oauth2_logout_t){ .client_name = NULL };
    KR_TRY(kr_oauth2_call(&request, over, k, &call));
    if (!*over) out->client_name = kr_json_str(request, "client.client_name");
    return NULL;
}

kr_err_t *kr_oauth2_accept_logout(const char **to, kr_ctx_t *k, const char *challenge)
{
    const kr_oauth2_call_t call = { .method = "PUT", .path = PATH "/accept", .name = NAME, .challenge = challenge };
    const json_t *answer;

    KR_TRY(kr_oauth2_call(&answer, to, k, &call));
    if (!*to) *to = kr_oauth2_redirect(k, answer);
    return *to ? NULL : kr_oauth2_unusable(k, "a logout request was accepted, but the answer has no redirect_to that is a URL");
}
