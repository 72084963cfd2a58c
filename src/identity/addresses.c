/* SPDX-License-Identifier: Apache-2.0 */
/* What the schema's annotations make of traits: identifiers to log in with, addresses to verify and to recover by. */
#include <stdlib.h>
#include <string.h>

#include "kr_credential.h"
#include "kr_json.h"
#include "kr_text.h"

/** How many values one annotated list may hold; each becomes a row under a unique index. */
#define VALUES_MAX 64

/** The value of a leaf in the traits, or NULL. */
static json_t *value_of(const json_t *traits, const kr_leaf_t *leaf)
{
    static const char PREFIX[] = "traits.";

    if (strncmp(leaf->path, PREFIX, sizeof(PREFIX) - 1) != 0) return NULL;
    return kr_json_at(traits, leaf->path + sizeof(PREFIX) - 1);
}

/** A scalar as text; NULL for null, lists and objects. */
static const char *printed(apr_pool_t *pool, const json_t *value)
{
    const char *copy;
    char *text;

    if (json_is_string(value)) return json_string_value(value);
    if (!json_is_number(value) && !json_is_boolean(value)) return NULL;
    text = json_dumps(value, JSON_ENCODE_ANY);
    copy = apr_pstrdup(pool, text);
    free(text);
    return copy;
}

/** The texts of a leaf: one, or one for each element of a list (VALUES_MAX at most). Array of const char*. */
static apr_array_header_t *texts_of(apr_pool_t *pool, const json_t *traits, const kr_leaf_t *leaf)
{
    apr_array_header_t *texts = apr_array_make(pool, 1, sizeof(const char *));
    const json_t *value = value_of(traits, leaf);
    const char *text = printed(pool, value);

    if (text) APR_ARRAY_PUSH(texts, const char *) = text;
    for (size_t i = 0; i < json_array_size(value) && i < VALUES_MAX; i++) {
        text = printed(pool, json_array_get(value, i));
        if (text) APR_ARRAY_PUSH(texts, const char *) = text;
    }
    return texts;
}

/* -- identifiers ---------------------------------------------------------- */

static int has_text(const apr_array_header_t *texts, const char *text)
{
    for (int i = 0; i < texts->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(texts, i, const char *), text) == 0) return 1;
    }
    return 0;
}

apr_array_header_t *kr_traits_identifiers(apr_pool_t *pool, const kr_schema_t *schema, const json_t *traits,
                                          const char *type)
{
    const kr_credential_kind_t *kind = kr_credential_kind(type);
    apr_array_header_t *found = apr_array_make(pool, 2, sizeof(const char *));

    for (int i = 0; kind && kind->identifies && i < schema->leaves->nelts; i++) {
        const kr_leaf_t *leaf = &APR_ARRAY_IDX(schema->leaves, i, const kr_leaf_t);
        apr_array_header_t *texts;

        if (!kind->identifies(leaf)) continue;
        texts = texts_of(pool, traits, leaf);
        for (int j = 0; j < texts->nelts; j++) {
            const char *text = kr_identifier_normalise(pool, APR_ARRAY_IDX(texts, j, const char *));

            if (text && !has_text(found, text)) APR_ARRAY_PUSH(found, const char *) = text;
        }
    }
    return found;
}

/* -- addresses ------------------------------------------------------------ */

/** Are all values of the leaf addresses for each `via` that it is annotated with, and not too many? */
static int check_leaf(apr_pool_t *pool, const json_t *traits, const kr_leaf_t *leaf)
{
    const char *const vias[] = { leaf->verify_via, leaf->recover_via, leaf->code_identifier ? leaf->code_via : NULL };
    int annotated = kr_leaf_identifies(leaf) || leaf->verify_via || leaf->recover_via;
    apr_array_header_t *texts;

    if (!annotated) return 1;
    if (json_array_size(value_of(traits, leaf)) > VALUES_MAX) return 0;
    texts = texts_of(pool, traits, leaf);
    for (int i = 0; i < KR_DIM(vias); i++) {
        for (int j = 0; vias[i] && j < texts->nelts; j++) {
            if (!kr_address_normalise(pool, vias[i], APR_ARRAY_IDX(texts, j, const char *))) return 0;
        }
    }
    return 1;
}

static int is_sms(const char *via)
{
    return via && strcmp(via, "sms") == 0;
}

static void rewrite_phone(apr_pool_t *pool, json_t *value)
{
    const char *text = json_string_value(value);
    const char *phone = text ? kr_address_normalise(pool, "sms", text) : NULL;

    if (phone) json_string_set(value, phone);
}

/** Phone traits are stored in E.164, unlike e-mail traits, which keep the spelling of their owner. */
static void rewrite_phones(apr_pool_t *pool, const json_t *traits, const kr_leaf_t *leaf)
{
    json_t *value = value_of(traits, leaf), *item;
    int tel = leaf->format && strcmp(leaf->format, "tel") == 0;
    size_t i;

    if (!tel && !is_sms(leaf->verify_via) && !is_sms(leaf->recover_via) && !is_sms(leaf->code_via)) return;
    rewrite_phone(pool, value);
    json_array_foreach(value, i, item) rewrite_phone(pool, item);
}

static const kr_address_t *find_address(const apr_array_header_t *addresses, const kr_address_t *like)
{
    for (int i = 0; addresses && i < addresses->nelts; i++) {
        const kr_address_t *address = &APR_ARRAY_IDX(addresses, i, const kr_address_t);

        if (address->recovery == like->recovery && strcmp(address->via, like->via) == 0
            && strcmp(address->value, like->value) == 0) {
            return address;
        }
    }
    return NULL;
}

/** Add the leaf's addresses of one sort to `wanted`; those that `identity` has already keep what is known of them. */
static void add_addresses(kr_ctx_t *k, apr_array_header_t *wanted, const kr_identity_t *identity, const kr_leaf_t *leaf,
                          int recovery)
{
    const char *via = recovery ? leaf->recover_via : leaf->verify_via;
    apr_array_header_t *texts;

    if (!via) return;
    texts = texts_of(k->pool, identity->traits, leaf);
    for (int i = 0; i < texts->nelts; i++) {
        kr_address_t address = { .via = via, .recovery = recovery, .status = "pending",
                                 .created_at = k->now, .updated_at = k->now };
        const kr_address_t *kept;

        address.value = kr_address_normalise(k->pool, via, APR_ARRAY_IDX(texts, i, const char *));
        if (find_address(wanted, &address)) continue;
        kept = find_address(identity->addresses, &address);
        if (kept) {
            address = *kept;
        } else {
            address.id = kr_uuid(k);
        }
        APR_ARRAY_PUSH(wanted, kr_address_t) = address;
    }
}

int kr_traits_addresses(kr_ctx_t *k, kr_identity_t *identity, const kr_schema_t *schema, const char **bad_path)
{
    apr_array_header_t *wanted = apr_array_make(k->pool, 4, sizeof(kr_address_t));

    for (int i = 0; i < schema->leaves->nelts; i++) {
        const kr_leaf_t *leaf = &APR_ARRAY_IDX(schema->leaves, i, const kr_leaf_t);

        if (!check_leaf(k->pool, identity->traits, leaf)) {
            *bad_path = leaf->path;
            return 0;
        }
    }
    for (int i = 0; i < schema->leaves->nelts; i++) {
        rewrite_phones(k->pool, identity->traits, &APR_ARRAY_IDX(schema->leaves, i, const kr_leaf_t));
    }
    for (int recovery = 0; recovery <= 1; recovery++) {
        for (int i = 0; i < schema->leaves->nelts; i++) {
            add_addresses(k, wanted, identity, &APR_ARRAY_IDX(schema->leaves, i, const kr_leaf_t), recovery);
        }
    }
    identity->addresses = wanted;
    return 1;
}
