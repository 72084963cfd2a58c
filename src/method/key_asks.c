/* SPDX-License-Identifier: Apache-2.0 */
/* What a flow asks a key: a challenge that is good once, and the options that carry it to the browser (W3C WebAuthn, sections 5.4, 5.5). */
#include <string.h>

#include "keys.h"
#include "kr_json.h"
#include "kr_text.h"

#define CHALLENGE 32 /* bytes; section 13.4.3 asks for 16 at least */
#define ASKED "asked."

/* -- the challenge ----------------------------------------------------------- */

static const char *place(kr_ctx_t *k, const char *name)
{
    return apr_pstrcat(k->pool, ASKED, name, NULL);
}

void kr_key_ask(kr_asked_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *name, kr_bytes_t user)
{
    unsigned char *challenge = apr_palloc(k->pool, CHALLENGE);

    kr_random(challenge, CHALLENGE);
    *out = (kr_asked_t){ .challenge = { challenge, CHALLENGE }, .user = user };
    kr_json_set_at(flow->internal, place(k, name),
                   json_pack("{s:s, s:s, s:I}", "challenge", kr_webauthn_b64(k->pool, out->challenge), "user",
                             kr_webauthn_b64(k->pool, user), "spent", (json_int_t)flow->spent));
}

/* @param spent  how many challenges of the flow were used up when it was asked */
static int find(kr_asked_t *out, kr_ctx_t *k, const kr_flow_t *flow, const char *name, apr_int64_t spent)
{
    const json_t *kept = kr_json_at(flow->internal, place(k, name));
    const char *challenge = kr_json_str(kept, "challenge"), *user = kr_json_str(kept, "user");

    *out = (kr_asked_t){ .failed = (int)json_integer_value(json_object_get(kept, "failed")) };
    /* the flow's row may have been written by who read it before its challenge was used: how many were used says so */
    if (!challenge || !user || json_integer_value(json_object_get(kept, "spent")) != (json_int_t)spent) return 0;
    return kr_webauthn_unb64(&out->challenge, k->pool, challenge, 0) && kr_webauthn_unb64(&out->user, k->pool, user, 0);
}

int kr_key_asked(kr_asked_t *out, kr_ctx_t *k, const kr_flow_t *flow, const char *name)
{
    return find(out, k, flow, name, flow->spent);
}

int kr_key_answered(kr_asked_t *out, kr_ctx_t *k, const kr_flow_t *flow, const char *name)
{
    return find(out, k, flow, name, flow->spent - 1);
}

void kr_key_forget_asked(kr_flow_t *flow, const char *name)
{
    json_object_del(json_object_get(flow->internal, "asked"), name);
}

int kr_key_failed(kr_flow_t *flow, const char *name)
{
    json_t *kept = json_object_get(json_object_get(flow->internal, "asked"), name);
    const json_int_t failed = json_integer_value(json_object_get(kept, "failed")) + 1;

    json_object_set_new(kept, "failed", json_integer(failed));
    return (int)failed;
}

kr_webauthn_expected_t kr_key_expected(const kr_webauthn_conf_t *conf, const kr_asked_t *asked)
{
    return (kr_webauthn_expected_t){ .rp_id = conf->rp_id, .origins = conf->origins, .challenge = asked->challenge,
                                     .user_verification = strcmp(conf->user_verification, "required") == 0 };
}

/* -- options ----------------------------------------------------------------- */

static json_t *descriptor(kr_ctx_t *k, const kr_held_key_t *held)
{
    json_t *out = json_pack("{s:s, s:s}", "type", "public-key", "id", kr_webauthn_b64(k->pool, held->key.id));
    json_t *ways;

    if (!held->key.transports->nelts) return out;
    ways = json_array();
    for (int i = 0; i < held->key.transports->nelts; i++)
        json_array_append_new(ways, json_string(APR_ARRAY_IDX(held->key.transports, i, const char *)));
    json_object_set_new(out, "transports", ways);
    return out;
}

static json_t *descriptors(kr_ctx_t *k, const kr_keyring_t *ring, int passwordless)
{
    const int room = kr_keyring_room(k->pool, ring);
    json_t *out = json_array();

    for (int i = 0; i < room; i++) {
        const kr_held_key_t *held = &APR_ARRAY_IDX(ring->keys, i, kr_held_key_t);

        if (passwordless < 0 || held->passwordless == passwordless) json_array_append_new(out, descriptor(k, held));
    }
    return out;
}

static json_t *selection(const kr_webauthn_conf_t *conf, int kept)
{
    json_t *out = json_object();

    if (conf->attachment) json_object_set_new(out, "authenticatorAttachment", json_string(conf->attachment));
    if (kept && strcmp(conf->resident_key, "required") == 0) json_object_set_new(out, "requireResidentKey", json_true());
    if (kept) json_object_set_new(out, "residentKey", json_string(conf->resident_key));
    json_object_set_new(out, "userVerification", json_string(conf->user_verification));
    return out;
}

json_t *kr_key_creation(kr_ctx_t *k, const kr_webauthn_conf_t *conf, const kr_asked_t *asked, const char *name,
                        const kr_keyring_t *exclude, int kept)
{
    json_t *algorithms = json_array(), *key;

    for (const int *alg = kr_webauthn_algorithms; *alg; alg++)
        json_array_append_new(algorithms, json_pack("{s:s, s:i}", "type", "public-key", "alg", *alg));
    key = json_pack("{s:{s:s, s:s}, s:{s:s, s:s, s:s}, s:s, s:o, s:I, s:o}", "rp", "name", conf->rp_name, "id", conf->rp_id, "user", "name",
                    name, "displayName", name, "id", kr_webauthn_b64(k->pool, asked->user), "challenge",
                    kr_webauthn_b64(k->pool, asked->challenge), "pubKeyCredParams", algorithms, "timeout",
                    (json_int_t)apr_time_as_msec(conf->registration_timeout), "authenticatorSelection", selection(conf, kept));
    if (exclude && exclude->keys->nelts) json_object_set_new(key, "excludeCredentials", descriptors(k, exclude, -1));
    if (kept) json_object_set_new(key, "attestation", json_string(conf->attestation));
    return json_pack("{s:o}", "publicKey", key);
}

json_t *kr_key_request(kr_ctx_t *k, const kr_webauthn_conf_t *conf, const kr_asked_t *asked, const kr_keyring_t *ring, int passwordless)
{
    json_t *key = json_pack("{s:s, s:I, s:s}", "challenge", kr_webauthn_b64(k->pool, asked->challenge), "timeout",
                            (json_int_t)apr_time_as_msec(conf->login_timeout), "rpId", conf->rp_id);

    if (ring) json_object_set_new(key, "allowCredentials", descriptors(k, ring, passwordless));
    json_object_set_new(key, "userVerification", json_string(conf->user_verification));
    return json_pack("{s:o}", "publicKey", key);
}

/* -- the script ---------------------------------------------------------------- */

void kr_key_script(kr_ctx_t *k, kr_flow_t *flow)
{
    const kr_node_spec_t script = {
        .node = KR_NODE_SCRIPT, .name = "webauthn_script", .async = 1, .referrerpolicy = "no-referrer", .crossorigin = "anonymous",
        .type = "text/javascript", .src = kr_url_join(k->pool, k->realm->settings->base_url, "/.well-known/ory/webauthn.js"),
        .integrity = kr_webauthn_script_integrity(), .nonce = kr_uuid(k),
    };

    if (!flow->api) kr_node_put(k, flow, "webauthn", &script); /* anew with every screen, as its nonce should be */
}
