/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys: mail and text messages; and what a web hook's `config` may hold, which looks much the same. */
#include "kr_text.h"
#include "keys.h"

/* -- what lists and objects consist of ---------------------------------------------------- */

static const kr_key_t AUTH[] = {
    { "type", KR_WORD, NULL, IN(kr_request_auth_t, type), BUILT,
      .help = "how it proves who calls", .words = "api_key|basic_auth" },
    { "config.<name|user>", KR_TEXT, NULL, IN(kr_request_auth_t, name), BUILT, .help = "name of key or user" },
    { "config.<value|password>", KR_TEXT, NULL, IN(kr_request_auth_t, value), BUILT,
      .help = "the key or password", .secret = 1, .check = kr_check_filled },
    { "config.in", KR_WORD, NULL, IN(kr_request_auth_t, in), BUILT,
      .help = "where the key stands", .words = "header|cookie" },
};

static const kr_element_t AUTH_ELEMENT = { ELEMENT(kr_request_auth_t, AUTH), .finish = kr_auth_finish };

static const kr_key_t REQUEST[] = {
    { "url", KR_URL, NULL, IN(kr_request_conf_t, url), BUILT, .help = "who takes the messages" },
    { "method", KR_TEXT, "POST", IN(kr_request_conf_t, method), BUILT, .help = "HTTP method of that call",
      .check = kr_check_method },
    { "body", KR_SOURCE, NULL, IN(kr_request_conf_t, body), BUILT,
      .help = "Jsonnet that makes its body, by `file://` or `base64://`: see mail.md" },
    { "headers", KR_MAP, NULL, IN(kr_request_conf_t, headers), BUILT, .help = "its headers", .secret = 1 },
    { "auth", KR_OBJECT, NULL, IN(kr_request_conf_t, auth), BUILT, .of = &AUTH_ELEMENT },
};

const kr_element_t kr_request_element = { ELEMENT(kr_request_conf_t, REQUEST) };

static const kr_key_t CHANNEL[] = {
    { "id", KR_WORD, NULL, IN(kr_channel_conf_t, id), BUILT, .help = "what the channel carries", .words = "sms", .needed = 1 },
    { "type", KR_WORD, NULL, IN(kr_channel_conf_t, type), BUILT, .help = "how", .words = "http" },
    { "request_config", KR_OBJECT, NULL, IN(kr_channel_conf_t, request), BUILT, .of = &kr_request_element },
};

static const kr_element_t CHANNEL_ELEMENT = { ELEMENT(kr_channel_conf_t, CHANNEL), .name = offsetof(kr_channel_conf_t, id),
                                              .twice = "a second channel", .finish = kr_channel_finish };

static const kr_key_t LETTER[] = {
    { "email.subject", KR_SOURCE, NULL, IN(kr_letter_conf_t, subject), BUILT, .help = "template of the subject" },
    { "email.body.<plaintext|html>", KR_SOURCE, NULL, IN(kr_letter_conf_t, plaintext), BUILT,
      .help = "template of the mail, as text and as HTML" },
};

static const kr_key_t TEXT_MESSAGE[] = {
    { "sms.body.plaintext", KR_SOURCE, NULL, IN(kr_letter_conf_t, sms), BUILT, .help = "template of the text message" },
};

static const kr_key_t NOTICE[] = {
    { "email.subject", KR_SOURCE, NULL, IN(kr_letter_conf_t, subject), BUILT,
      .help = "template of the subject of the notice to an address that was replaced" },
    { "email.body.<plaintext|html>", KR_SOURCE, NULL, IN(kr_letter_conf_t, plaintext), BUILT,
      .help = "template of that notice, as text and as HTML" },
    { "sms.body.plaintext", KR_SOURCE, NULL, IN(kr_letter_conf_t, sms), BUILT,
      .help = "template of that notice as text message" },
};

static const kr_key_t NEWS[] = {
    { "email.subject", KR_SOURCE, NULL, IN(kr_letter_conf_t, subject), BUILT,
      .help = "template of the subject of a letter about how somebody signs in: `mod_kratos.letters`" },
    { "email.body.<plaintext|html>", KR_SOURCE, NULL, IN(kr_letter_conf_t, plaintext), BUILT,
      .help = "template of that letter, as text and as HTML" },
    { "sms.body.plaintext", KR_SOURCE, NULL, IN(kr_letter_conf_t, sms), BUILT,
      .help = "template of that letter as text message" },
};

static const kr_element_t LETTER_ELEMENT = { ELEMENT(kr_letter_conf_t, LETTER), .name = offsetof(kr_letter_conf_t, name) };
static const kr_element_t TEXT_MESSAGE_ELEMENT = { ELEMENT(kr_letter_conf_t, TEXT_MESSAGE),
                                                   .name = offsetof(kr_letter_conf_t, name) };
static const kr_element_t NOTICE_ELEMENT = { ELEMENT(kr_letter_conf_t, NOTICE), .name = offsetof(kr_letter_conf_t, name) };
static const kr_element_t NEWS_ELEMENT = { ELEMENT(kr_letter_conf_t, NEWS), .name = offsetof(kr_letter_conf_t, name) };

/* -- the table ------------------------------------------------------------------------------ */

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
    { "courier.smtp.headers", KR_MAP, NULL, AT(mail.headers), BUILT, .help = "headers added to each mail" },
    { "courier.smtp.client_<cert|key>_path", KR_TEXT, "", NOWHERE, REFUSED,
      .help = "certificate and key shown to the mail server", .asks = "a client certificate for mail" },

    { "courier.http.request_config", KR_OBJECT, NULL, AT(mail.request), BUILT, .of = &kr_request_element },

    { "courier.channels", KR_OBJECTS, NULL, AT(mail.channels), BUILT, .help = "other ways for messages to leave",
      .of = &CHANNEL_ELEMENT },

    { "courier.template_override_path", KR_TEXT, NULL, AT(mail.override_path), BUILT,
      .help = "folder with templates of your own: see mail.md" },
    { "courier.templates.<recovery|recovery_code|verification|verification_code>.<valid|invalid>", KR_MEMBERS, NULL,
      AT(mail.letters), BUILT, .of = &LETTER_ELEMENT },
    { "courier.templates.<registration_code|login_code>.valid", KR_MEMBERS, NULL, AT(mail.letters), BUILT,
      .of = &LETTER_ELEMENT },
    { "courier.templates.<recovery_code|verification_code|registration_code|login_code>.valid", KR_MEMBERS, NULL,
      AT(mail.letters), BUILT, .of = &TEXT_MESSAGE_ELEMENT },
    { "courier.templates.verifiable_address_changed", KR_MEMBERS, NULL, AT(mail.letters), BUILT, .of = &NOTICE_ELEMENT },
    { "courier.templates.<factor_changed|recovery_code_used>", KR_MEMBERS, NULL, AT(mail.letters), BUILT, .of = &NEWS_ELEMENT },
};

const kr_keytable_t kr_keys_courier = { KEYS, KR_DIM(KEYS) };

/* Paths below the `config` of a hook named web_hook. */
static const kr_key_t WEBHOOK[] = {
    { "id", KR_TEXT, NULL, IN(kr_web_hook_conf_t, id), BUILT, .help = "a name for the log" },
    { "url", KR_URL, NULL, IN(kr_web_hook_conf_t, request.url), BUILT, .help = "who is called", .needed = 1 },
    { "method", KR_TEXT, NULL, IN(kr_web_hook_conf_t, request.method), BUILT, .help = "HTTP method of the call",
      .check = kr_check_method, .needed = 1 },
    { "body", KR_SOURCE, NULL, IN(kr_web_hook_conf_t, request.body), BUILT, .help = "Jsonnet that makes the body, by `file://` or `base64://`: see howto/web-hooks.md" },
    { "headers", KR_MAP, NULL, IN(kr_web_hook_conf_t, request.headers), BUILT, .help = "headers of the call", .secret = 1 },
    { "response.ignore", KR_BOOL, "false", IN(kr_web_hook_conf_t, ignore), BUILT, 
      .help = "nobody waits for the answer: the call is queued as mail is, with the change that it tells of" },
    { "response.parse", KR_BOOL, "false", IN(kr_web_hook_conf_t, parse), BUILT,
      .help = "the answer may change the identity or stop the flow" },
    { "can_interrupt", KR_BOOL, "false", IN(kr_web_hook_conf_t, can_interrupt), BUILT, .help = "older name of `response.parse`" },
    { "auth.type", KR_WORD, NULL, IN(kr_web_hook_conf_t, request.auth.type), BUILT,
      .help = "how the call proves who calls", .words = "basic_auth|api_key" },
    { "auth.config.<name|user>", KR_TEXT, NULL, IN(kr_web_hook_conf_t, request.auth.name), BUILT, .help = "name of key or user" },
    { "auth.config.<value|password>", KR_TEXT, NULL, IN(kr_web_hook_conf_t, request.auth.value), BUILT,
      .help = "the key or password", .secret = 1, .check = kr_check_filled },
    { "auth.config.in", KR_WORD, NULL, IN(kr_web_hook_conf_t, request.auth.in), BUILT, .help = "where the key stands", .words = "header|cookie" },
    { "emit_analytics_event", KR_BOOL, "true", IN(kr_web_hook_conf_t, analytics), BUILT, .help = "send request ids along" },
};

const kr_element_t kr_web_hook_element = { ELEMENT(kr_web_hook_conf_t, WEBHOOK), .finish = kr_web_hook_finish };
