/* SPDX-License-Identifier: Apache-2.0 */
/* Sign-ins that an OAuth2 server asks for. */
#include "kr_json.h"
#include "kr_realm.h"
#include "kr_text.h"
#include "oauth2.h"

#define PATH "/admin/oauth2/auth/requests/login"
#define NAME "login_challenge"
#define SHOWN_MAX 16384 /* bytes: it is stored with the flow */

/* -- asked ------------------------------------------------------------------ */

static void copy(json_t *to, const json_t *from, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        if (json_object_get(from, names[i])) json_object_set(to, names[i], json_object_get(from, names[i]));
}

/* An application is shown as its owner described it. What proves who it is, is not for browsers; where it says too much, its name will do. */
static json_t *shown_client(kr_ctx_t *k, const json_t *client, int brief)
{
    static const char *const FACE[] = { "client_id", "client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri" };
    json_t *out = kr_json_own(k->pool, brief ? json_object() : json_copy((json_t *)client));

    if (brief) copy(out, client, FACE, KR_DIM(FACE));
    json_object_del(out, "client_secret");
    json_object_del(out, "registration_access_token");
    return out;
}

static json_t *shown(kr_ctx_t *k, const json_t *request, int brief)
{
    static const char *const ALWAYS[] = { "challenge", "skip", "subject", "session_id", "request_url" };
    static const char *const MORE[] = { "requested_scope", "requested_access_token_audience", "oidc_context" };
    const json_t *client = json_object_get(request, "client");
    json_t *out = kr_json_own(k->pool, json_object());

    copy(out, request, ALWAYS, KR_DIM(ALWAYS));
    if (!brief) copy(out, request, MORE, KR_DIM(MORE));
    if (json_is_object(client)) json_object_set(out, "client", shown_client(k, client, brief));
    return out;
}

static int fits(kr_ctx_t *k, const json_t *json)
{
    apr_size_t len;

    kr_json_dump(k->pool, json, &len);
    return len <= SHOWN_MAX;
}

static kr_err_t *read_login(kr_oauth2_login_t *out, kr_ctx_t *k, const json_t *request)
{
    const json_t *skip = json_object_get(request, "skip");

    if (!json_is_boolean(skip)) return kr_oauth2_unusable(k, "a login request without skip, which is true or false");
    out->skip = json_is_true(skip);
    out->request_url = kr_json_str(request, "request_url");
    out->shown = shown(k, request, 0);
    if (!fits(k, out->shown)) out->shown = shown(k, request, 1);
    return fits(k, out->shown) ? NULL : kr_oauth2_unusable(k, "a login request of more than 16 KiB");
}

kr_err_t *kr_oauth2_login(kr_oauth2_login_t *out, const char **over, kr_ctx_t *k, const char *challenge)
{
    const kr_oauth2_call_t call = { .method = "GET", .path = PATH, .name = NAME, .challenge = challenge };
    const json_t *request;

    *out = (kr_oauth2_login_t){ .shown = NULL };
    KR_TRY(kr_oauth2_call(&request, over, k, &call));
    return *over ? NULL : read_login(out, k, request);
}

/* -- answered --------------------------------------------------------------- */

static json_t *names_of(const json_t *methods)
{
    json_t *out = json_array(), *method;
    size_t i;

    json_array_foreach((json_t *)methods, i, method) json_array_append(out, json_object_get(method, "method"));
    return out;
}

static const json_t *answer_of(kr_ctx_t *k, const kr_oauth2_signed_in_t *who)
{
    const kr_settings_t *conf = k->realm->settings;
    json_t *out = kr_json_pack(k->pool, "{s:s, s:s, s:b, s:I, s:o}", "subject", who->subject, "identity_provider_session_id", who->session_id,
                               "remember", conf->session_cookie.persistent, "remember_for",
                               (json_int_t)apr_time_sec(conf->session_lifespan), "amr", names_of(who->methods));

    if (who->acr) json_object_set_new(out, "acr", json_string(who->acr));
    return out;
}

/* An older server says that it was answered, and not where it goes on: asked about the request it does. */
static kr_err_t *find_over(const char **to, kr_ctx_t *k, const char *challenge, kr_err_t *err)
{
    kr_oauth2_login_t request;
    const json_t *status = json_object_get(err->details, "status_code");

    if (json_integer_value(status) != 409 && json_integer_value(status) != 410) return err;
    KR_TRY(kr_oauth2_login(&request, to, k, challenge));
    return *to ? NULL : err;
}

kr_err_t *kr_oauth2_accept_login(const char **to, kr_ctx_t *k, const char *challenge, const kr_oauth2_signed_in_t *who)
{
    const kr_oauth2_call_t call = { .method = "PUT", .path = PATH "/accept", .name = NAME, .challenge = challenge, .body = answer_of(k, who) };
    const json_t *answer;
    kr_err_t *err = kr_oauth2_call(&answer, to, k, &call);

    if (err && err->status == 400) return find_over(to, k, challenge, err);
    if (err || *to) return err;
    *to = kr_oauth2_redirect(k, answer);
    return *to ? NULL : kr_oauth2_unusable(k, "a login request was accepted, but the answer has no redirect_to that is a URL");
}
