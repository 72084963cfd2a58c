/* SPDX-License-Identifier: Apache-2.0 */
/* One-time codes and link tokens: made and mailed. Only their keyed hashes are stored. */
#include <string.h>

#include "kr_audit.h"
#include "kr_courier.h"
#include "kr_json.h"
#include "kr_store_code.h"
#include "kr_text.h"
#include "method.h"

#define DIGITS 6
#define TOKEN 32

/* -- sending -------------------------------------------------------------- */

/** What the transaction needs. */
typedef struct {
    kr_flow_t *flow;
    const kr_code_kind_t *kind;
    const char *via, *value, *identity_id, *address_id;
    const kr_identity_t *identity; /* as the letter may show it; or NULL */
    const json_t *traits;          /* of somebody who has no account yet; or NULL */
    int nobody; /* 1: nobody has the address; all is done as if somebody had, so that time does not tell */
    int beside; /* 1: the flow's earlier codes stay */
} sending_t;

const kr_code_kind_t kr_code_verification = { .kind = "verification",
                                              .template_type = "verification_code_valid",
                                              .unknown_template = "verification_code_invalid",
                                              .field = "verification_code" };
const kr_code_kind_t kr_link_verification = { .kind = "verification_link",
                                              .template_type = "verification_valid",
                                              .unknown_template = "verification_invalid",
                                              .field = "verification_url",
                                              .link = 1 };

/* Where the mail leads: a token is used by the visit itself, a code only fills the form (mail scanners follow links too). */
static const char *mail_url(kr_ctx_t *k, const kr_flow_t *flow, const kr_code_kind_t *kind, const char *code)
{
    const char *url = kr_url_join(k->pool, k->realm->settings->base_url,
                                  apr_pstrcat(k->pool, "/self-service/", kr_flow_kind_name(flow->kind), NULL));

    if (!kind->link) return kr_url_with(k->pool, kr_url_with(k->pool, url, "code", code), "flow", flow->id);
    return kr_url_with(k->pool, kr_url_with(k->pool, url, "flow", flow->id), "token", code);
}

/* Who the letter is for. Of an account yet to be made there are the traits, and the channels call them differently. */
static void add_person(json_t *data, kr_ctx_t *k, const sending_t *s)
{
    if (s->identity) json_object_set(data, "identity", kr_identity_json(k, s->identity));
    else if (s->traits) json_object_set(data, strcmp(s->via, "sms") == 0 ? "identity" : "traits", (json_t *)s->traits);
}

/* For which application, where an OAuth2 server waits for it: what letters to somebody who signs in, or proves an address, are told. */
static void add_asker(json_t *data, kr_ctx_t *k, const sending_t *s)
{
    static const char *const FACE[] = { "client_id", "client_name", "client_uri", "logo_uri", "metadata" };
    const json_t *client = json_object_get(s->flow->oauth2.request, "client");
    json_t *face = kr_json_own(k->pool, json_object());

    if (!s->flow->oauth2.request || s->flow->kind == KR_FLOW_REGISTRATION) return;
    for (int i = 0; i < KR_DIM(FACE); i++)
        if (json_object_get(client, FACE[i])) json_object_set(face, FACE[i], json_object_get(client, FACE[i]));
    json_object_set(data, "oauth2_login_request", kr_json_pack(k->pool, "{s:s, s:O}", "challenge", s->flow->oauth2.challenge, "client", face));
}

static json_t *mail_data(kr_ctx_t *k, const sending_t *s, const char *code, apr_time_t lifespan)
{
    json_t *data = kr_json_pack(k->pool, "{s:s, s:s, s:{}}", "to", s->value, "request_url", kr_flow_told_url(k, s->flow),
                                "transient_payload");
    const int sms = strcmp(s->via, "sms") == 0;

    if (s->flow->transient_payload) json_object_set(data, "transient_payload", s->flow->transient_payload);
    if (!code) return data;
    json_object_set_new(data, "expires_in_minutes", json_integer(lifespan / apr_time_from_sec(60)));
    json_object_set_new(data, s->kind->field, json_string(s->kind->link ? mail_url(k, s->flow, s->kind, code) : code));
    add_person(data, k, s);
    add_asker(data, k, s);
    if (sms) {
        json_object_set_new(data, "request_url_domain",
                            json_string(kr_url_host_name(k->pool, k->realm->settings->base_url)));
    }
    if (s->kind == &kr_code_verification && !sms) {
        json_object_set_new(data, "verification_url", json_string(mail_url(k, s->flow, s->kind, code)));
    }
    return data;
}

const char *kr_code_bound(kr_ctx_t *k, const char *flow_id, const char *kind, const char *address, const char *code)
{
    return apr_pstrcat(k->pool, flow_id, "\n", kind, "\n", address ? address : "", "\n", code, NULL);
}

/* Nobody's code is as long as a token: it is mailed to no one, and no one shall guess it. */
static kr_err_t *store_code(const char **out, kr_ctx_t *k, const sending_t *s, apr_time_t lifespan)
{
    const int token = s->kind->link || s->nobody;
    const char *code = token ? kr_random_alnum(k->pool, TOKEN) : kr_random_digits(k->pool, DIGITS);
    const char *address = s->nobody ? NULL : s->value, *hash;

    /* also for nobody: an earlier code that still worked would tell that nobody has the address asked for after it */
    if (!s->beside) KR_TRY(kr_store_codes_drop(k, s->flow->id));
    *out = code;
    hash = kr_hmac(k->pool, k->realm->keys, KR_KEY_CODE, 0, kr_code_bound(k, s->flow->id, s->kind->kind, address, code));
    return kr_store_code_insert(k, kr_uuid(k), s->flow->id, s->kind->kind, address, s->address_id, s->identity_id, hash,
                                k->now + lifespan);
}

#define TOO_MANY "too many codes were asked for here, please try again in a while"

/* An error of the person's making: the flow is to be shown as it was before. */
static kr_err_t *too_many(kr_ctx_t *k, const kr_flow_t *flow, const char *value)
{
    kr_log(k, KR_LOG_INFO, KRLOGNO(0605) "flow %s: too many codes were asked for one account or address, nothing is sent%s", flow->id,
           kr_log_personal(k, value));
    kr_audit(k, &(kr_audit_t){ .what = KR_AUDIT_CODES_REFUSED, .flow_id = flow->id, .identifier = value, .reason = kr_flow_kind_name(flow->kind) });
    return kr_err(k, 400, NULL, TOO_MANY);
}

/* What was shown already as sent was not. */
static kr_err_t *restore(kr_ctx_t *k, kr_flow_t *flow, kr_err_t *err)
{
    kr_flow_t *stored;

    if (!err || !err->reason || strcmp(err->reason, TOO_MANY) != 0) return err;
    KR_TRY(kr_flow_load(&stored, k, flow->kind, flow->id));
    kr_flow_clear_messages(stored);
    stored->show_transient = flow->show_transient;
    *flow = *stored;
    return err;
}

static kr_err_t *queue(kr_ctx_t *k, const sending_t *s)
{
    const kr_settings_t *conf = k->realm->settings;
    const apr_time_t lifespan = s->kind->link ? conf->link_lifespan : conf->code_lifespan;
    kr_mail_t mail = { .via = s->via, .to = s->value, .template_type = s->kind->template_type };
    const char *code;

    KR_TRY(store_code(&code, k, s, lifespan));
    if (s->nobody && s->kind->unknown_template) {
        mail.template_type = s->kind->unknown_template;
        code = NULL;
    }
    mail.data = mail_data(k, s, code, lifespan);
    return s->nobody && code ? kr_courier_queue_nothing(k, &mail) : kr_courier_queue(k, &mail);
}

kr_err_t *kr_code_queue(kr_ctx_t *k, kr_flow_t *flow, const kr_code_kind_t *kind, const char *via, const char *value,
                        const kr_identity_t *identity, const char *address_id)
{
    const sending_t s = { .flow = flow, .kind = kind, .via = via, .value = value, .identity_id = identity->id,
                          .address_id = address_id, .identity = identity, .beside = 1 };
    int over;

    KR_TRY(kr_budget_send(&over, k, flow, identity->id, value));
    return over ? NULL : queue(k, &s); /* what the flow is part of goes on; another code can be asked for later */
}

/* The id of a row, or one that no row has: what looks for it then costs the same and finds nothing. */
static const char *some_id(kr_ctx_t *k, const char *id)
{
    return id ? id : kr_uuid(k);
}

static kr_err_t *send_in_tx(kr_ctx_t *k, void *baton)
{
    const sending_t *s = baton;
    int over;

    KR_TRY(kr_flow_update(k, s->flow)); /* first: its row is taken, and who sends for it at the same time waits */
    KR_TRY(kr_budget_send(&over, k, s->flow, s->identity_id, s->value));
    if (over) return too_many(k, s->flow, s->value);
    if (s->kind->alone) KR_TRY(kr_store_codes_void(k, some_id(k, s->identity_id), s->kind->kind));
    KR_TRY(queue(k, s));
    if (s->flow->kind == KR_FLOW_RECOVERY)
        kr_audit(k, &(kr_audit_t){ .what = KR_AUDIT_RECOVERY_BEGUN, .identity_id = s->identity_id, .flow_id = s->flow->id,
                                   .method = s->kind->link ? "link" : "code", .identifier = s->value });
    if (s->flow->kind == KR_FLOW_VERIFICATION)
        KR_TRY(kr_address_sent(k, some_id(k, s->identity_id), some_id(k, s->address_id)));
    return NULL;
}

kr_err_t *kr_code_send(kr_ctx_t *k, kr_flow_t *flow, const kr_code_kind_t *kind, const char *via, const char *value,
                       const char *identity_id, const char *address_id)
{
    sending_t s = { .flow = flow, .kind = kind, .via = via, .value = value, .identity_id = identity_id,
                    .address_id = address_id, .nobody = identity_id == NULL };
    kr_identity_t *identity;

    KR_TRY(kr_identity_load(&identity, k, some_id(k, identity_id), 0));
    s.identity = s.nobody ? kr_identity_nobody(k, via, value) : identity;
    if (s.nobody) kr_budget_note(k, flow, value);
    return restore(k, flow, kr_db_tx(k, send_in_tx, &s));
}

/** A code for each of these addresses. */
typedef struct {
    kr_flow_t *flow;
    const kr_code_kind_t *kind;
    const apr_array_header_t *addresses;
    const kr_identity_t *identity;
    const json_t *traits;
} sending_all_t;

static kr_err_t *send_all_in_tx(kr_ctx_t *k, void *baton)
{
    const sending_all_t *all = baton;
    int over;

    KR_TRY(kr_flow_update(k, all->flow)); /* first, as above: the codes and the traits in the flow are of one request */
    for (int i = 0; i < all->addresses->nelts; i++) {
        const char *value = APR_ARRAY_IDX(all->addresses, i, const char *);
        sending_t s = { .flow = all->flow, .kind = all->kind, .via = kr_address_via(value), .value = value,
                        .identity_id = all->identity ? all->identity->id : NULL, .identity = all->identity,
                        .traits = all->traits, .nobody = !all->identity && !all->traits, .beside = i > 0 };

        KR_TRY(kr_budget_send(&over, k, all->flow, s.identity_id, value));
        if (over) return too_many(k, all->flow, value);
        if (s.nobody) s.identity = kr_identity_nobody(k, s.via, value);
        KR_TRY(queue(k, &s));
    }
    return NULL;
}

kr_err_t *kr_code_send_all(kr_ctx_t *k, kr_flow_t *flow, const kr_code_kind_t *kind, const apr_array_header_t *addresses,
                           const kr_identity_t *identity, const json_t *traits)
{
    sending_all_t all = { flow, kind, addresses, identity, traits };

    for (int i = 0; !identity && i < addresses->nelts; i++) kr_budget_note(k, flow, APR_ARRAY_IDX(addresses, i, const char *));
    return restore(k, flow, kr_db_tx(k, send_all_in_tx, &all));
}

/* -- shown by the method and by the hook ---------------------------------- */

void kr_verification_show_sent(kr_ctx_t *k, kr_flow_t *flow, const char *via, const char *value, const char *resend)
{
    static const kr_node_spec_t nodes[] = {
        { .name = "method", .type = "hidden", .value = "code" },
        { .name = "code", .type = "text", .required = 1, .autocomplete = "one-time-code", .label = 1070011 },
        { .name = "method", .type = "submit", .value = "code", .label = 1070009 },
    };
    const kr_node_spec_t again = { .name = resend, .type = "submit", .value = value, .label = 1070008 };

    flow->nodes = kr_json_own(k->pool, json_array());
    kr_flow_clear_messages(flow);
    kr_flow_forget_visit(flow);
    kr_nodes_add(k, flow, "code", nodes, KR_DIM(nodes));
    if (!flow->api) kr_node_csrf(k, flow);
    kr_node_add(k, flow, "code", &again);
    kr_flow_message(k, flow, strcmp(via, "sms") == 0 ? 1080004 : 1080003, NULL);
    flow->state = KR_STATE_SENT_EMAIL;
    flow->active = "code";
}
