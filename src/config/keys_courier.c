/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys: mail and text messages; and what a web hook's `config` may hold, which looks much the same. */
#include "kr_text.h"
#include "keys.h"

static const kr_key_t KEYS[] = {
    { "courier.delivery_strategy", KR_CHOICE, "smtp", AT(mail.by_http), BUILT,
      .help = "how mail leaves: to the mail server or folder below, or to `courier.http`", .words = "smtp|http" },
    { "courier.message_retries", KR_INT, "5", AT(mail.retries), BUILT,
      .help = "how often a message that failed is tried again, with growing pauses", .max = 1000 },
    { "courier.worker.pull_count", KR_INT, "10", AT(mail.batch), BUILT,
      .help = "messages claimed in one go", .min = 1, .max = 1000 },
    { "courier.worker.pull_wait", KR_DURATION, "1s", AT(mail.wait), BUILT,
      .help = "pause between two looks at the queue, 1s at least; who queues a message looks at once" },
    { "courier.smtp.connection_uri", KR_TEXT, NULL, AT(mail.uri), BUILT,
      .help = "the mail server: `smtp://user:password@host:port/` (STARTTLS is a must), `smtps://` for TLS from the "
              "start; `?disable_starttls=true`, `?skip_ssl_verify=true`, `?server_name=x` as in Kratos; or "
              "`file:///folder`, and messages become `.eml` files there. Without it mail waits",
      .check = kr_check_mail_server, .secret = 1 },
    { "courier.smtp.from_address", KR_TEXT, "no-reply@ory.kratos.sh", AT(mail.from_address), BUILT,
      .help = "address that mail comes from", .check = kr_check_address },
    { "courier.smtp.from_name", KR_TEXT, NULL, AT(mail.from_name), BUILT,
      .help = "name beside that address", .max = 200, .check = kr_check_line },
    { "courier.smtp.local_name", KR_TEXT, "localhost", AT(mail.local_name), BUILT,
      .help = "name in EHLO", .check = kr_check_local_name },
    { "courier.smtp.headers", KR_MAP, NULL, NOWHERE, BUILT, .help = "headers added to each mail" },
    { "courier.smtp.client_<cert|key>_path", KR_TEXT, "", NOWHERE, REFUSED,
      .help = "certificate and key shown to the mail server", .asks = "a client certificate for mail" },

    { "courier.http.request_config.url", KR_URL, NULL, NOWHERE, BUILT, .help = "who takes mail by HTTP" },
    { "courier.http.request_config.method", KR_TEXT, "POST", NOWHERE, BUILT, .help = "HTTP method of that call",
      .check = kr_check_method },
    { "courier.http.request_config.body", KR_SOURCE, NULL, NOWHERE, BUILT, .help = "Jsonnet that makes its body, by `file://` or `base64://`: see mail.md" },
    { "courier.http.request_config.headers", KR_MAP, NULL, NOWHERE, BUILT, .help = "its headers", .secret = 1 },
    { "courier.http.request_config.auth.type", KR_WORD, NULL, NOWHERE, BUILT,
      .help = "how it proves who calls", .words = "api_key|basic_auth" },
    { "courier.http.request_config.auth.config.<name|user>", KR_TEXT, NULL, NOWHERE, BUILT,
      .help = "name of key or user" },
    { "courier.http.request_config.auth.config.<value|password>", KR_TEXT, NULL, NOWHERE, BUILT,
      .help = "the key or password", .secret = 1, .check = kr_check_filled },
    { "courier.http.request_config.auth.config.in", KR_WORD, NULL, NOWHERE, BUILT,
      .help = "where the key stands", .words = "header|cookie" },

    { "courier.channels", KR_OBJECTS, NULL, NOWHERE, BUILT, .help = "other ways for messages to leave" },
    { "courier.channels[].id", KR_WORD, NULL, NOWHERE, BUILT,
      .help = "what the channel carries", .words = "sms", .needed = 1 },
    { "courier.channels[].type", KR_WORD, NULL, NOWHERE, BUILT, .help = "how", .words = "http" },
    { "courier.channels[].request_config.url", KR_URL, NULL, NOWHERE, BUILT, .help = "who takes the message" },
    { "courier.channels[].request_config.method", KR_TEXT, "POST", NOWHERE, BUILT,
      .help = "HTTP method of that call", .check = kr_check_method },
    { "courier.channels[].request_config.body", KR_SOURCE, NULL, NOWHERE, BUILT,
      .help = "Jsonnet that makes its body, by `file://` or `base64://`: see mail.md" },
    { "courier.channels[].request_config.headers", KR_MAP, NULL, NOWHERE, BUILT, .help = "its headers", .secret = 1 },
    { "courier.channels[].request_config.auth.type", KR_WORD, NULL, NOWHERE, BUILT,
      .help = "how it proves who calls", .words = "api_key|basic_auth" },
    { "courier.channels[].request_config.auth.config.<name|user>", KR_TEXT, NULL, NOWHERE, BUILT,
      .help = "name of key or user" },
    { "courier.channels[].request_config.auth.config.<value|password>", KR_TEXT, NULL, NOWHERE, BUILT,
      .help = "the key or password", .secret = 1, .check = kr_check_filled },
    { "courier.channels[].request_config.auth.config.in", KR_WORD, NULL, NOWHERE, BUILT,
      .help = "where the key stands", .words = "header|cookie" },

    { "courier.template_override_path", KR_TEXT, NULL, AT(mail.override_path), BUILT,
      .help = "folder with templates of your own: see mail.md" },
    { "courier.templates.<recovery|recovery_code|verification|verification_code>.<valid|invalid>.email.subject",
      KR_SOURCE, NULL, NOWHERE, BUILT, .help = "template of the subject" },
    { "courier.templates.<recovery|recovery_code|verification|verification_code>.<valid|invalid>.email.body"
      ".<plaintext|html>",
      KR_SOURCE, NULL, NOWHERE, BUILT, .help = "template of the mail, as text and as HTML" },
    { "courier.templates.<registration_code|login_code>.valid.email.subject", KR_SOURCE, NULL, NOWHERE, BUILT,
      .help = "template of the subject" },
    { "courier.templates.<registration_code|login_code>.valid.email.body.<plaintext|html>", KR_SOURCE, NULL, NOWHERE,
      BUILT, .help = "template of the mail, as text and as HTML" },
    { "courier.templates.<recovery_code|verification_code|registration_code|login_code>.valid.sms.body.plaintext",
      KR_SOURCE, NULL, NOWHERE, BUILT, .help = "template of the text message" },
    { "courier.templates.verifiable_address_changed.email.subject", KR_SOURCE, NULL, NOWHERE, BUILT,
      .help = "template of the subject of the notice to an address that was replaced" },
    { "courier.templates.verifiable_address_changed.email.body.<plaintext|html>", KR_SOURCE, NULL, NOWHERE, BUILT,
      .help = "template of that notice, as text and as HTML" },
    { "courier.templates.verifiable_address_changed.sms.body.plaintext", KR_SOURCE, NULL, NOWHERE, BUILT,
      .help = "template of that notice as text message" },
};

const kr_keytable_t kr_keys_courier = { KEYS, KR_DIM(KEYS) };

/* Paths below the `config` of a hook named web_hook. */
static const kr_key_t WEBHOOK[] = {
    { "id", KR_TEXT, NULL, NOWHERE, DETAIL, .help = "a name for the log" },
    { "url", KR_URL, NULL, NOWHERE, DETAIL, .help = "who is called", .needed = 1 },
    { "method", KR_TEXT, NULL, NOWHERE, DETAIL, .help = "HTTP method of the call", .min = 1, .max = 16, .needed = 1 },
    { "body", KR_SOURCE, NULL, NOWHERE, DETAIL, .help = "Jsonnet that makes the body" },
    { "headers", KR_MAP, NULL, NOWHERE, DETAIL, .help = "headers of the call", .secret = 1 },
    { "response.ignore", KR_BOOL, "false", NOWHERE, DETAIL, .help = "do not wait for the answer" },
    { "response.parse", KR_BOOL, "false", NOWHERE, DETAIL,
      .help = "the answer may change the identity or stop the flow" },
    { "can_interrupt", KR_BOOL, "false", NOWHERE, DETAIL, .help = "older name of `response.parse`" },
    { "auth.type", KR_WORD, NULL, NOWHERE, DETAIL,
      .help = "how the call proves who calls", .words = "basic_auth|api_key" },
    { "auth.config.<name|user>", KR_TEXT, NULL, NOWHERE, DETAIL, .help = "name of key or user" },
    { "auth.config.<value|password>", KR_TEXT, NULL, NOWHERE, DETAIL,
      .help = "the key or password", .secret = 1, .check = kr_check_filled },
    { "auth.config.in", KR_WORD, NULL, NOWHERE, DETAIL, .help = "where the key stands", .words = "header|cookie" },
    { "emit_analytics_event", KR_BOOL, "true", NOWHERE, DETAIL, .help = "send request ids along" },
};

static const kr_keytable_t WEBHOOK_TABLE = { WEBHOOK, KR_DIM(WEBHOOK) };
const kr_keytable_t *const kr_webhook_keys[] = { &WEBHOOK_TABLE, NULL };
