/* SPDX-License-Identifier: Apache-2.0 */
/* Targets of what owners write, or take over from elsewhere: settings, templates, Require lines, hashes of passwords. */
#include "input.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <apr_strings.h>

#include "../../src/config/draft.h"
#include "kr_json.h"
#include "kr_password.h"
#include "kr_require.h"
#include "kr_template.h"
#include "kr_text.h"

/* -- YAML ------------------------------------------------------------------ */

#define SURE_LEN 1000 /* libyaml wants names in quotes to be short: below that all are */

/* As JSON, which YAML is, it means the same. Of characters that YAML refuses JSON has one. */
static void read_again(fuzz_input_t *in, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    const char *why = NULL;
    json_t *again;

    MUST(text);
    again = kr_yaml_read(kr_draft_make(in->pool), "", "again.yml", 0, text, strlen(text), &why);
    MUST(again ? json_equal(again, (json_t *)value) : strlen(text) > SURE_LEN || strchr(text, 0x7f));
    json_decref(again);
    free(text);
}

int fuzz_yaml(const uint8_t *data, size_t size)
{
    const char *why = NULL;
    fuzz_input_t in;
    json_t *value;
    int depth;

    fuzz_begin(&in, data, size);
    value = kr_yaml_read(kr_draft_make(in.pool), "", "a.yml", 0, in.text, in.len, &why);
    MUST(value || !strncmp(why, "a.yml:", 6));
    if (value) {
        MUST(kr_yaml_size(value, &depth) <= 2000 + (int)in.len && depth <= KR_CONFIG_MAX_DEPTH);
        read_again(&in, value);
    }
    json_decref(value);
    return fuzz_end(&in);
}

/* -- settings -------------------------------------------------------------- */

#define LINES_MAX 16 /* more take long, and tell no more */

/* The least that a realm needs, without any file. */
static const struct { const char *key, *value; } LEAST[] = {
    { "serve.public.base_url", "https://id.example.org/auth/" },
    { "selfservice.default_browser_return_url", "https://example.org/" },
    { "secrets.cookie", "[0123456789abcdef-newest]" },
    { "identity.default_schema_id", "person" },
    { "identity.schemas", "[{id: person, url: 'base64://eyJwcm9wZXJ0aWVzIjp7InRyYWl0cyI6eyJ0eXBlIjoib2JqZWN0IiwicHJvcGVydGllcyI6eyJlbWFpbCI6ey"
                          "J0eXBlIjoic3RyaW5nIiwib3J5LnNoL2tyYXRvcyI6eyJjcmVkZW50aWFscyI6eyJwYXNzd29yZCI6eyJpZGVudGlmaWVyIjp0cnVlfX19fX19fX0='}]" },
};

static kr_draft_t *least(apr_pool_t *pool)
{
    kr_draft_t *draft = kr_draft_make(pool);

    for (int i = 0; i < KR_DIM(LEAST); i++) MUST(!kr_draft_set(draft, LEAST[i].key, LEAST[i].value, "a.conf:1"));
    return draft;
}

/* As a file over these. */
static const char *load(kr_draft_t *draft, const fuzz_input_t *in)
{
    const int file = memfd_create("settings", MFD_CLOEXEC);
    const char *why;

    MUST(file >= 0 && write(file, in->text, in->len) == (ssize_t)in->len);
    why = kr_draft_load(draft, apr_psprintf(in->pool, "/proc/self/fd/%d", file));
    close(file);
    return why;
}

/* Settings come out of it, or an error that says where it stands; never both. */
static void finish(kr_draft_t *draft)
{
    apr_array_header_t *findings = NULL;
    const kr_settings_t *settings = kr_draft_finish(draft, 1, &findings);
    int fatal = 0;

    MUST(findings);
    for (int i = 0; i < findings->nelts; i++) {
        const kr_finding_t *f = &APR_ARRAY_IDX(findings, i, kr_finding_t);

        MUST(f->text && *f->text && fatal >= (f->fatal && i ? 1 : 0)); /* errors first */
        fatal |= f->fatal;
    }
    MUST((settings == NULL) == fatal);
    if (settings) MUST(settings->base_url && settings->secrets->nelts && settings->schemas->nelts && settings->session_cookie.name);
}

/* A file; or, of "key=value" lines, one line after the other as KratosSet. */
int fuzz_settings(const uint8_t *data, size_t size)
{
    kr_draft_t *draft;
    fuzz_input_t in;
    char *rest;

    fuzz_begin(&in, data, size);
    draft = least(in.pool);
    if (!load(draft, &in)) finish(draft);
    draft = least(in.pool);
    rest = in.text;
    for (int i = 0; *rest && i < LINES_MAX; i++) {
        char *line = fuzz_line(&rest), *equals = strchr(line, '=');

        if (equals) *equals++ = '\0';
        if (equals) (void)kr_draft_set(draft, line, equals, "a.conf:2");
    }
    finish(draft);
    return fuzz_end(&in);
}

/* -- templates ------------------------------------------------------------- */

/* "zq" begins what no value may lead to: a tag, an end of quotes. */
#define HOSTILE "x\\\"zq'zq<zq>zq&javascript:zqx"
#define DATA                                                                                                           \
    "{\"to\":\"ana@x.example\",\"recovery_url\":\"" HOSTILE "\",\"recovery_code\":\"" HOSTILE "\",\"n\":15,\"half\":1.5,\"yes\":true,"     \
    "\"no\":false,\"list\":[\"a\",\"" HOSTILE "\"],\"none\":null,\"identity\":{\"traits\":{\"email\":\"" HOSTILE "\",\"name\":{\"first\":\"Ana\"}}}}"

static const char *render(fuzz_input_t *in, kr_template_kind_e kind)
{
    const kr_template_source_t source = { "a.gotmpl", in->text, in->len };
    const char *why = NULL, *made;
    kr_template_t *compiled = kr_template_make(in->pool, kind, &source, 1, &why);

    MUST(compiled || !strncmp(why, "a.gotmpl:", 9));
    if (!compiled) return NULL;
    made = kr_template_render(in->pool, compiled, kr_json_parse(in->pool, DATA, strlen(DATA), NULL), &why);
    MUST(made ? strlen(made) <= KR_TEMPLATE_MAX_BYTES : !strncmp(why, "a.gotmpl:", 9));
    return made;
}

/* Words of the owner's that could make up a hostile value by themselves: then it is no value. */
static int may_be_its_own(const char *text)
{
    return strpbrk(text, "zZ") != NULL;
}

int fuzz_template(const uint8_t *data, size_t size)
{
    const char *page;
    fuzz_input_t in;

    fuzz_begin(&in, data, size);
    (void)render(&in, KR_TEMPLATE_TEXT);
    page = render(&in, KR_TEMPLATE_HTML);
    if (page && !may_be_its_own(in.text))
        MUST(!strcasestr(page, "<zq") && !strcasestr(page, "zq>") && !strcasestr(page, "\"zq") && !strcasestr(page, "zq\"zq") &&
             !strcasestr(page, "zq'zq"));
    return fuzz_end(&in);
}

/* -- Require lines --------------------------------------------------------- */

#define ANA "01890a5d-ac96-474b-bcce-b302099a8057"
#define TRAITS                                                                                                         \
    "{\"email\":\"ana@example.org\",\"age\":30,\"height\":1.7,\"staff\":true,\"none\":null,\"groups\":[\"editors\",\"readers\"],"          \
    "\"address\":{\"country\":\"DE\"},\"phones\":[{\"kind\":\"home\"},{\"kind\":\"work\"}]}"

static kr_session_t ana(fuzz_input_t *in, kr_identity_t *identity)
{
    *identity = (kr_identity_t){
        .id = ANA, .schema_id = "person", .state = "active", .available_aal = KR_AAL1,
        .traits = kr_json_parse(in->pool, TRAITS, strlen(TRAITS), NULL),
        .addresses = apr_array_make(in->pool, 1, sizeof(kr_address_t)),
        .credentials = apr_array_make(in->pool, 1, sizeof(kr_credential_t)),
    };
    identity->metadata_public = identity->traits;
    APR_ARRAY_PUSH(identity->addresses, kr_address_t) = (kr_address_t){ .value = "ana@example.org", .via = "email", .verified = 1 };
    return (kr_session_t){ .id = ANA, .identity = identity, .active = 1, .aal = KR_AAL1, .authenticated_at = FUZZ_NOW };
}

/* Whom a line lets in by an id, it names; a second factor is not met by a first. */
static void judge(fuzz_input_t *in, const kr_require_t *rule, kr_require_kind_e kind, const apr_array_header_t *words)
{
    kr_identity_t identity;
    const kr_session_t session = ana(in, &identity);
    const kr_verdict_e verdict = kr_require_judge(&in->k, rule, &session);

    MUST(kr_require_max_age(rule) >= 0);
    if (kind == KR_REQUIRE_IDENTITY) MUST((verdict == KR_REQUIRE_MET) == kr_texts_have(words, ANA));
    if (kind == KR_REQUIRE_SCHEMA) MUST((verdict == KR_REQUIRE_MET) == kr_texts_have(words, "person"));
    if (kr_require_asks_second(rule)) MUST(kind == KR_REQUIRE_AAL && verdict == KR_REQUIRE_UNMET);
    if (kind == KR_REQUIRE_SESSION) MUST(verdict == KR_REQUIRE_MET); /* it was proved just now */
}

/* A digit for the kind, and its words. */
int fuzz_require(const uint8_t *data, size_t size)
{
    kr_require_kind_e kind;
    apr_array_header_t *words;
    const char *why = NULL;
    kr_require_t *rule;
    fuzz_input_t in;
    char *last;

    fuzz_begin(&in, data, size);
    kind = (kr_require_kind_e)((unsigned char)in.text[0] % KR_REQUIRE_KINDS);
    words = apr_array_make(in.pool, 4, sizeof(const char *));
    for (char *w = *in.text ? apr_strtok(in.text + 1, " \n", &last) : NULL; w; w = apr_strtok(NULL, " \n", &last))
        if (kr_utf8_valid(w, strlen(w))) APR_ARRAY_PUSH(words, const char *) = w;
    rule = kr_require_parse(in.pool, kind, words, &why);
    MUST(!rule == !!why);
    if (rule) judge(&in, rule, kind, words);
    return fuzz_end(&in);
}

/* -- hashes of passwords --------------------------------------------------- */

/* Some formats say themselves how long they take. Each is tried as long as its numbers have two digits, and bcrypt's is small. */
static int is_cheap(const char *hash)
{
    static const char *const BCRYPT[] = { "$2$", "$2a$", "$2b$", "$2y$", "$2z$" };
    int digits = 0;

    for (const char *c = hash; *c; c++) {
        digits = isdigit((unsigned char)*c) ? digits + 1 : 0;
        if (digits > 2) return 0;
    }
    for (int i = 0; i < KR_DIM(BCRYPT); i++)
        if (!strncmp(hash, BCRYPT[i], strlen(BCRYPT[i])) && strtol(hash + strlen(BCRYPT[i]), NULL, 10) > 5) return 0;
    return 1;
}

static int matches(fuzz_input_t *in, const char *password, const char *hash)
{
    int ok = 0;

    (void)!kr_password_verify(&ok, &in->k, password, hash);
    return ok;
}

/* A hash that is none matches nothing, and none matches two passwords. */
static void try_hash(fuzz_input_t *in, const char *hash)
{
    const int good = matches(in, "correct horse", hash), other = matches(in, "another one", hash);

    MUST(!(good && other));
    if (good || other) MUST(kr_password_importable(hash));
}

int fuzz_hash(const uint8_t *data, size_t size)
{
    static const kr_hasher_t BCRYPT = { .bcrypt = 1, .bcrypt_cost = 4 };
    static const kr_hasher_t ARGON2 = { .memory = 8192, .iterations = 1, .parallelism = 2, .salt_length = 16, .key_length = 32 };
    fuzz_input_t in;

    fuzz_begin(&in, data, size);
    (void)kr_password_importable(in.text);
    MUST(kr_password_outdated(&BCRYPT, in.text) || kr_password_outdated(&ARGON2, in.text));
    if (is_cheap(in.text)) try_hash(&in, in.text);
    return fuzz_end(&in);
}
