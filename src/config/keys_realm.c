/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys: what every realm needs. serve, identity, secrets, hashers, cookies, session. */
#include "kr_text.h"
#include "keys.h"

#define METHODS "POST|GET|PUT|PATCH|DELETE|CONNECT|HEAD|OPTIONS|TRACE"
#define SECRET_MIN 16 /* bytes; what kr_keys_make asks for */

static const kr_key_t SCHEMA[] = {
    { "id", KR_TEXT, NULL, IN(kr_schema_conf_t, id), BUILT,
      .help = "name of the schema; never change it once identities use it", .min = 1, .max = 256, .needed = 1 },
    { "url", KR_SOURCE, NULL, IN(kr_schema_conf_t, url), BUILT,
      .help = "the JSON Schema: `file://` (relative to the file that says so), or `base64://`", .needed = 1 },
    { "selfservice_selectable", KR_BOOL, "false", IN(kr_schema_conf_t, selectable), BUILT,
      .help = "may people ask for it with `?identity_schema=`" },
};

static const kr_element_t SCHEMA_ELEMENT = { ELEMENT(kr_schema_conf_t, SCHEMA), .name = offsetof(kr_schema_conf_t, id),
                                             .twice = "there are two schemas", .finish = kr_schema_finish };

static const kr_key_t TOKENIZER[] = {
    { "jwks_url", KR_SOURCE, NULL, IN(kr_tokenizer_conf_t, jwks_url), BUILT,
      .help = "JWK set, by `file://` or `base64://`: its first key signs the tokens of the template (`whoami?tokenize_as=NAME`), the "
              "public halves of all are published; needed" },
    { "ttl", KR_DURATION, NULL, IN(kr_tokenizer_conf_t, ttl), BUILT,
      .help = "how long such a token is good; needed in fact: without, it is over when it is made, as with Kratos" },
    { "claims_mapper_url", KR_SOURCE, NULL, IN(kr_tokenizer_conf_t, claims_mapper_url), BUILT,
      .help = "Jsonnet that makes its claims of `std.extVar('session')` and `std.extVar('claims')`" },
    { "subject_source", KR_WORD, "id", IN(kr_tokenizer_conf_t, subject_source), BUILT,
      .help = "what becomes its subject, whatever the claims say", .words = "id|external_id" },
};

static const kr_element_t TOKENIZER_ELEMENT = { ELEMENT(kr_tokenizer_conf_t, TOKENIZER),
                                                .name = offsetof(kr_tokenizer_conf_t, name), .finish = kr_tokenizer_finish };

static const kr_key_t KEYS[] = {
    { "serve.public.base_url", KR_URL, NULL, AT(base_url), BUILT,
      .help = "public URL of the API, without query; needed", .check = kr_check_base_url },
    { "serve.public.cors.enabled", KR_BOOL, "false", AT(cors.enabled), BUILT,
      .help = "may pages of other origins call the API from a browser" },
    { "serve.public.cors.allowed_origins", KR_TEXTS, "[\"*\"]", AT(cors.origins), BUILT,
      .help = "which origins may; scheme and host where the first label may be `*`, or, without credentials, `*`",
      .min = 1, .unique = 1, .check = kr_check_origin },
    { "serve.public.cors.allowed_methods", KR_TEXTS, "[POST, GET, PUT, PATCH, DELETE]", AT(cors.methods), BUILT,
      .help = "methods that such pages may use", .words = METHODS },
    { "serve.public.cors.allowed_headers", KR_TEXTS,
      "[Authorization, Content-Type, Max-Age, X-Session-Token, X-XSRF-TOKEN, X-CSRF-TOKEN]", AT(cors.headers), BUILT,
      .help = "request headers that such pages may send", .check = kr_check_header },
    { "serve.public.cors.exposed_headers", KR_TEXTS, "[Content-Type]", AT(cors.exposed), BUILT,
      .help = "response headers that such pages may read", .check = kr_check_header },
    { "serve.public.cors.allow_credentials", KR_BOOL, "true", AT(cors.allow_credentials), BUILT,
      .help = "may such pages send the visitor's cookies" },
    { "serve.public.cors.options_passthrough", KR_BOOL, "false", AT(cors.options_passthrough), BUILT,
      .help = "hand preflight requests on instead of answering them" },
    { "serve.public.cors.max_age", KR_INT, "0", AT(cors.max_age), BUILT,
      .help = "seconds that a browser may remember a preflight answer", .max = 86400 * 365 },
    { "serve.public.cors.debug", KR_BOOL, "false", NOWHERE, DETAIL, .help = "log CORS decisions" },
    { "serve.public.host", KR_TEXT, "0.0.0.0", NOWHERE, ELSEWHERE, .help = "address to listen on: httpd's `Listen`" },
    { "serve.public.port", KR_INT, "4433", NOWHERE, ELSEWHERE,
      .help = "port to listen on: httpd's `Listen`", .min = 1, .max = 65535 },
    { "serve.public.request_log.disable_for_health", KR_BOOL, "false", NOWHERE, ELSEWHERE,
      .help = "leave health checks out of the access log: httpd's `CustomLog ... env=`" },
    { "serve.admin.base_url", KR_URL, NULL, AT(admin_base_url), DETAIL,
      .help = "URL of the admin API", .check = kr_check_base_url },
    { "serve.admin.host", KR_TEXT, "0.0.0.0", NOWHERE, ELSEWHERE, .help = "address to listen on: httpd's `Listen`" },
    { "serve.admin.port", KR_INT, "4434", NOWHERE, ELSEWHERE,
      .help = "port to listen on: httpd's `Listen`", .min = 1, .max = 65535 },
    { "serve.admin.request_log.disable_for_health", KR_BOOL, "false", NOWHERE, ELSEWHERE,
      .help = "leave health checks out of the access log: httpd's `CustomLog ... env=`" },
    { "serve.<public|admin>.socket.<owner|group>", KR_TEXT, "", NOWHERE, REFUSED,
      .help = "owner and group of a Unix socket", .asks = "a Unix socket" },
    { "serve.<public|admin>.socket.mode", KR_INT, "493", NOWHERE, REFUSED,
      .help = "mode of a Unix socket", .asks = "a Unix socket", .max = 511 },
    { "serve.<public|admin>.tls.<key|cert>.<path|base64>", KR_TEXT, NULL, NOWHERE, REFUSED,
      .help = "key and certificate: httpd's `SSLCertificateFile`", .asks = "TLS here instead of httpd's mod_ssl",
      .secret = 1 },

    { "identity.default_schema_id", KR_TEXT, "default", AT(default_schema_id), BUILT,
      .help = "id of the schema of new identities; one of `identity.schemas`", .min = 1, .max = 256 },
    { "identity.schemas", KR_OBJECTS, NULL, AT(schema_confs), BUILT,
      .help = "the identity schemas, in order; needed", .min = 1, .of = &SCHEMA_ELEMENT },

    { "secrets.default", KR_TEXTS, NULL, NOWHERE, BUILT,
      .help = "secrets for whatever has none of its own; newest first, each of 16 bytes or more",
      .min = SECRET_MIN, .secret = 1, .unique = 1, .check = kr_check_secret },
    { "secrets.cookie", KR_TEXTS, NULL, AT(secrets), BUILT,
      .help = "secrets of cookies, tokens, codes, seeds: the first makes, all verify; needed unless `secrets.default` is set; one that is "
              "taken away takes recovery codes along, and apps that were not used since another one came before it; "
              "an element may be the `file://` URL of a file that holds one, for all `secrets`",
      .min = SECRET_MIN, .secret = 1, .unique = 1, .check = kr_check_secret },
    { "secrets.pagination", KR_TEXTS, NULL, NOWHERE, DETAIL,
      .help = "secrets of page tokens", .min = SECRET_MIN, .secret = 1, .unique = 1, .check = kr_check_secret },
    { "secrets.cipher", KR_TEXTS, NULL, NOWHERE, DETAIL,
      .help = "secrets that seal stored provider tokens, each of 32 bytes", .min = 32, .max = 32, .secret = 1,
      .unique = 1, .check = kr_check_secret },
    { "ciphers.algorithm", KR_WORD, "noop", NOWHERE, DETAIL,
      .help = "cipher of stored provider tokens", .words = "noop|aes|xchacha20-poly1305" },

    { "hashers.algorithm", KR_CHOICE, "bcrypt", AT(hasher.bcrypt), BUILT,
      .help = "how new passwords are hashed", .words = "argon2|bcrypt" },
    { "hashers.bcrypt.cost", KR_INT, "12", AT(hasher.bcrypt_cost), BUILT,
      .help = "rounds of bcrypt as power of two; below 12 only with `dev`", .min = 4, .max = 15 },
    { "hashers.argon2.memory", KR_SIZE, "128MB", AT(hasher.memory), BUILT,
      .help = "memory of one argon2id hash, up to 1GB" },
    { "hashers.argon2.iterations", KR_INT, "1", AT(hasher.iterations), BUILT,
      .help = "passes over that memory", .min = 1, .max = 10 },
    { "hashers.argon2.parallelism", KR_INT, NULL, AT(hasher.parallelism), BUILT,
      .help = "lanes of argon2id; by default two for each core, up to 16", .min = 1, .max = 16 },
    { "hashers.argon2.salt_length", KR_INT, "16", AT(hasher.salt_length), BUILT,
      .help = "bytes of salt", .min = 16, .max = 64 },
    { "hashers.argon2.key_length", KR_INT, "32", AT(hasher.key_length), BUILT,
      .help = "bytes of hash", .min = 16, .max = 64 },
    { "hashers.argon2.expected_<duration|deviation>", KR_DURATION, "500ms", NOWHERE, ELSEWHERE,
      .help = "not needed: unknown names cost the same work as known ones" },
    { "hashers.argon2.dedicated_memory", KR_SIZE, "1GB", NOWHERE, ELSEWHERE,
      .help = "not needed: how many hashes run at once is bounded" },

    { "cookies.domain", KR_TEXT, NULL, AT(csrf_cookie.domain), BUILT,
      .help = "Domain of all cookies; by default the host alone", .check = kr_check_cookie_domain },
    { "cookies.path", KR_TEXT, "/", AT(csrf_cookie.path), BUILT,
      .help = "Path of all cookies", .check = kr_check_cookie_path },
    { "cookies.secure", KR_BOOL, NULL, AT(csrf_cookie.secure), BUILT,
      .help = "cookies travel over TLS only; by default the opposite of `dev`", .words = "false|true" },
    { "cookies.same_site", KR_WORD, "Lax", AT(csrf_cookie.same_site), BUILT,
      .help = "SameSite of all cookies; the anti-CSRF cookie is Lax where it is not Secure",
      .words = "Strict|Lax|None" },
    { "session.lifespan", KR_DURATION, "24h", AT(session_lifespan), BUILT,
      .help = "how long a session lives after login" },
    { "session.cookie.name", KR_TEXT, "ory_kratos_session", AT(session_cookie.name), BUILT,
      .help = "name of the session cookie", .min = 1, .max = 128, .check = kr_check_cookie_name },
    { "session.cookie.domain", KR_TEXT, NULL, AT(session_cookie.domain), BUILT,
      .help = "its Domain; by default that of `cookies`", .check = kr_check_cookie_domain },
    { "session.cookie.path", KR_TEXT, NULL, AT(session_cookie.path), BUILT,
      .help = "its Path; by default that of `cookies`", .check = kr_check_cookie_path },
    { "session.cookie.secure", KR_BOOL, NULL, AT(session_cookie.secure), BUILT,
      .help = "its Secure; by default that of `cookies`", .words = "false|true" },
    { "session.cookie.same_site", KR_WORD, NULL, AT(session_cookie.same_site), BUILT,
      .help = "its SameSite; by default that of `cookies`", .words = "Strict|Lax|None" },
    { "session.cookie.persistent", KR_BOOL, "true", AT(session_cookie.persistent), BUILT,
      .help = "does it outlive the browser" },
    { "session.whoami.required_aal", KR_CHOICE, "highest_available", AT(whoami_highest_aal), BUILT,
      .help = "assurance level that whoami, lists of sessions and every gate ask for: one factor, or a second one of who has one",
      .words = "aal1|highest_available" },
    { "session.whoami.tokenizer.templates.*", KR_MEMBERS, NULL, AT(tokenizers), BUILT, .of = &TOKENIZER_ELEMENT },
    { "session.earliest_possible_extend", KR_DURATION, NULL, AT(session_extend_window), DETAIL,
      .help = "a session may be extended only this long before it ends; by default always" },
};

const kr_keytable_t kr_keys_realm = { KEYS, KR_DIM(KEYS) };
