/* SPDX-License-Identifier: Apache-2.0 */
/* An input, and a realm for it (input.h). */
#include "input.h"

#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

/* There in sanitized builds alone. */
extern void __lsan_disable(void) __attribute__((weak));
extern void __lsan_enable(void) __attribute__((weak));

apr_pool_t *fuzz_kept_begins(void)
{
    apr_pool_t *pool;

    apr_initialize();
    MUST(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    if (__lsan_disable) __lsan_disable();
    return pool;
}

void fuzz_kept_ends(void)
{
    if (__lsan_enable) __lsan_enable();
}

static apr_array_header_t *list_of(apr_pool_t *pool, const char *const *texts, int count)
{
    apr_array_header_t *list = apr_array_make(pool, count, sizeof(const char *));

    for (int i = 0; i < count; i++) APR_ARRAY_PUSH(list, const char *) = texts[i];
    return list;
}

const kr_realm_t *fuzz_realm(void)
{
    static const char *const SECRETS[] = { "the new secret, 16 bytes or more", "the old secret, 16 bytes or more" };
    static const char *const ALLOWED[] = { "https://app.example", "https://in.example/in/", "https://*.wild.example:8443/" };
    static const char *const ORIGINS[] = { "https://spa.example", "https://*.spa.example" };
    static const char *const NAMES[] = { "GET", "POST", "DELETE", "Content-Type" };
    static kr_settings_t settings = {
        .base_url = "https://id.example/auth/",
        .default_return_url = "https://app.example/home",
        .session_cookie = { .name = "session", .path = "/", .same_site = "Lax", .secure = 1 },
        .cors = { .enabled = 1, .allow_credentials = 1 },
        .csrf_cookie = { .path = "/", .same_site = "Lax", .secure = 1 },
    };
    static kr_realm_t realm;
    static apr_pool_t *pool = NULL;

    if (pool) return &realm;
    pool = fuzz_kept_begins();
    settings.allowed_return_urls = list_of(pool, ALLOWED, 3);
    settings.cors.origins = list_of(pool, ORIGINS, 2);
    settings.cors.methods = settings.cors.headers = settings.cors.exposed = list_of(pool, NAMES, 4);
    settings.fedcm.clients = apr_array_make(pool, 0, sizeof(kr_fedcm_client_t));
    realm.name = "main";
    realm.settings = &settings;
    realm.csrf_cookie_name = "csrf";
    realm.base_path = "/auth";
    realm.keys = kr_keys_make(pool, list_of(pool, SECRETS, 2), "main");
    fuzz_kept_ends();
    return &realm;
}

void fuzz_begin(fuzz_input_t *in, const uint8_t *data, size_t size)
{
    const kr_realm_t *realm = fuzz_realm();

    memset(in, 0, sizeof(*in));
    MUST(apr_pool_create(&in->pool, NULL) == APR_SUCCESS);
    in->text = malloc(size + 1);
    MUST(in->text);
    if (size) memcpy(in->text, data, size);
    in->text[size] = '\0';
    in->len = size;
    in->req = (kr_request_t){ .method = KR_GET, .method_name = "GET", .path = "/", .raw_path = "/", .body = "", .scheme = "https",
                              .host = "id.example", .peer = "192.0.2.1:1234" };
    in->req.headers = in->headers = apr_table_make(in->pool, 4);
    in->req.query = apr_array_make(in->pool, 0, 1);
    in->k = (kr_ctx_t){ .pool = in->pool, .realm = realm, .now = FUZZ_NOW, .req = &in->req, .reply = kr_reply_make(in->pool) };
}

int fuzz_end(fuzz_input_t *in)
{
    apr_pool_destroy(in->pool);
    free(in->text);
    return 0;
}

char *fuzz_line(char **rest)
{
    char *line = *rest, *end = strchr(line, '\n');

    *rest = end ? end + 1 : line + strlen(line);
    if (end) *end = '\0';
    return line;
}
