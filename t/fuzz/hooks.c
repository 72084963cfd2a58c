/* SPDX-License-Identifier: Apache-2.0 */
/* Target of what web hooks answer (src/hook/web_hook_answer.c): a status, a new line, and the body. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "../../src/hook/web_hook.h"
#include "kr_json.h"
#include "kr_text.h"

/* What a form shows is a message by Kratos' shape, and there is a bounded number of them. */
static void look_at_messages(const apr_array_header_t *messages)
{
    MUST(messages->nelts > 0 && messages->nelts <= 50);
    for (int i = 0; i < messages->nelts; i++) {
        const kr_web_hook_message_t *one = &APR_ARRAY_IDX(messages, i, const kr_web_hook_message_t);
        const char *type = kr_json_str(one->message, "type");

        MUST(strlen(one->node) <= 256 && kr_json_str(one->message, "text"));
        MUST(json_is_integer(json_object_get(one->message, "id")));
        MUST(type && (!strcmp(type, "error") || !strcmp(type, "info")));
    }
}

/* An account that it changes is an account still. */
static void look_at_identity(apr_pool_t *pool, const json_t *answered)
{
    kr_ctx_t k = { .pool = pool, .now = apr_time_from_sec(1000000000) };
    kr_identity_t self = { .id = "0190b3a0-0000-4000-8000-000000000001", .schema_id = "person", .state = "active",
                           .traits = kr_json_own(pool, json_pack("{s:s}", "email", "ana@example.org")),
                           .addresses = apr_array_make(pool, 1, sizeof(kr_address_t)),
                           .credentials = apr_array_make(pool, 1, sizeof(kr_credential_t)) };
    const kr_identity_t *now = kr_web_hook_pretend(&k, &self, answered);

    MUST(json_is_object(now->traits) && now->schema_id && (!strcmp(now->state, "active") || !strcmp(now->state, "inactive")));
    MUST(!strcmp(self.state, "active") && json_object_size(self.traits) == 1 && !self.addresses->nelts);
    MUST(!now->external_id || strlen(now->external_id) <= 255);
    for (int i = 0; i < now->addresses->nelts; i++) {
        const kr_address_t *address = &APR_ARRAY_IDX(now->addresses, i, const kr_address_t);

        MUST(address->id && address->value && *address->value && address->via && (address->recovery || address->status));
        MUST(!address->verified || address->verified_at);
    }
}

int fuzz_hook(const uint8_t *data, size_t size)
{
    const uint8_t *body = size ? memchr(data, '\n', size) : NULL;
    kr_web_hook_answer_t answer;
    apr_pool_t *pool;
    const char *why;
    int status;

    apr_initialize();
    MUST(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    status = body ? atoi(apr_pstrmemdup(pool, (const char *)data, (apr_size_t)(body - data))) : 200;
    body = body ? body + 1 : data;
    why = kr_web_hook_read(&answer, pool, status, apr_pstrmemdup(pool, (const char *)body, (apr_size_t)(data + size - body)),
                           (apr_size_t)(data + size - body));
    MUST(!why || (!answer.identity && !answer.messages));
    if (answer.messages) look_at_messages(answer.messages);
    if (answer.identity) look_at_identity(pool, answer.identity);
    apr_pool_destroy(pool);
    return 0;
}
