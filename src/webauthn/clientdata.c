/* SPDX-License-Identifier: Apache-2.0 */
/* Client data: JSON that the browser made, and the key signed the hash of. */
#include "clientdata.h"

#include <string.h>

#include "kr_json.h"
#include "kr_text.h"

/* A challenge that can be guessed is none (WebAuthn section 13.4.3). */
#define CHALLENGE_MIN 16

/* A member that is not there, or null, is NULL. @return 0 when it is of another type */
static int text_of(const char **out, const json_t *client, const char *name)
{
    const json_t *value = json_object_get(client, name);

    *out = json_string_value(value);
    return !value || json_is_null(value) || json_is_string(value);
}

const char *kr_clientdata_read(kr_clientdata_t *out, apr_pool_t *pool, kr_bytes_t json)
{
    const json_t *client = kr_json_parse(pool, (const char *)json.at, json.len, NULL), *crossed;
    const char *top_origin;

    memset(out, 0, sizeof(*out));
    if (!json_is_object(client)) return "the client data is no JSON object";
    crossed = json_object_get(client, "crossOrigin");
    if (!text_of(&out->type, client, "type") || !text_of(&out->challenge, client, "challenge") ||
        !text_of(&out->origin, client, "origin") || !text_of(&top_origin, client, "topOrigin") ||
        (crossed && !json_is_boolean(crossed) && !json_is_null(crossed)))
        return "a member of the client data has another type";
    out->framed = json_is_true(crossed) || top_origin;
    return NULL;
}

static int is_listed(const char *origin, const apr_array_header_t *origins)
{
    for (int i = 0; origin && i < origins->nelts; i++)
        if (!strcmp(origin, APR_ARRAY_IDX(origins, i, const char *))) return 1;
    return 0;
}

const char *kr_clientdata_check(const kr_clientdata_t *client, apr_pool_t *pool, const char *type,
                                const kr_webauthn_expected_t *expected)
{
    if (!client->type || strcmp(client->type, type) != 0) return "the client data is of another ceremony";
    if (expected->challenge.len < CHALLENGE_MIN) return "no challenge is waiting for this";
    /* The text stands for the bytes one to one: no padding, no bits left over. */
    if (!kr_equal(kr_webauthn_b64(pool, expected->challenge), client->challenge)) return "the challenge is another one";
    if (!is_listed(client->origin, expected->origins)) return "the origin is not in the list";
    if (client->framed) return "the page was in a frame of another site's";
    return NULL;
}
