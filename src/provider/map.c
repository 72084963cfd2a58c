/* SPDX-License-Identifier: Apache-2.0 */
/* The owner's program that makes an identity of what a provider says of a person. */
#include "provider.h"

#include <string.h>

#include "kr_json.h"
#include "kr_jsonnet.h"
#include "kr_text.h"

static kr_err_t *bad(kr_ctx_t *k, const kr_oidc_provider_conf_t *conf, const char *why)
{
    kr_log(k, KR_LOG_WARNING, KRLOGNO(0905) "provider %s: its mapper is of no use: %s", conf->id, why);
    return kr_err(k, 400, NULL, "what the provider says of this person makes no account here");
}

/* An object, or nothing (null counts as such). */
static int take(json_t **out, const json_t *identity, const char *member)
{
    json_t *value = json_object_get(identity, member);

    *out = json_is_object(value) ? value : NULL;
    return !value || json_is_null(value) || json_is_object(value);
}

static const char *plain_mail(apr_pool_t *pool, const char *address)
{
    static const char BLANKS[] = " \t\r\n\v\f";
    apr_size_t len;
    char *out;

    address += strspn(address, BLANKS);
    for (len = strlen(address); len && strchr(BLANKS, address[len - 1]); len--) continue;
    out = apr_pstrmemdup(pool, address, len);
    for (char *p = out; *p; p++) {
        if (*p >= 'A' && *p <= 'Z') *p = (char)(*p + 'a' - 'A');
    }
    return out;
}

static int is_odd(const json_t *address)
{
    const json_t *value = json_object_get(address, "value"), *via = json_object_get(address, "via");

    return !json_is_object(address) || (value && !json_is_string(value)) || (via && !json_is_string(via));
}

static const char *take_addresses(json_t **out, apr_pool_t *pool, const json_t *identity)
{
    const json_t *said = json_object_get(identity, "verified_addresses"), *each;
    size_t i;

    *out = NULL;
    if (!said || json_is_null(said)) return NULL;
    if (!json_is_array(said)) return "identity.verified_addresses is no list";
    *out = kr_json_own(pool, json_array());
    json_array_foreach(said, i, each) {
        const char *value = kr_json_str(each, "value"), *via = kr_json_str(each, "via");

        if (is_odd(each)) return "identity.verified_addresses has an element that is no object of texts";
        if (!value || !via) continue; /* it vouches for nothing */
        if (!strcmp(via, "email")) value = plain_mail(pool, value);
        json_array_append_new(*out, json_pack("{s:s,s:s}", "value", value, "via", via));
    }
    return NULL;
}

static const char *read_identity(kr_mapped_t *out, apr_pool_t *pool, const json_t *made)
{
    const json_t *identity = json_object_get(made, "identity");

    if (!json_is_object(identity)) return "it makes no object with a member \"identity\"";
    if (!take(&out->traits, identity, "traits") || !out->traits) return "identity.traits is no object";
    if (!take(&out->metadata_public, identity, "metadata_public")) return "identity.metadata_public is no object";
    if (!take(&out->metadata_admin, identity, "metadata_admin")) return "identity.metadata_admin is no object";
    return take_addresses(&out->verified_addresses, pool, identity);
}

kr_err_t *kr_provider_map(kr_mapped_t *out, kr_ctx_t *k, const kr_oidc_provider_conf_t *conf, const json_t *claims, const json_t *identity)
{
    json_t *vars = kr_json_pack(k->pool, "{s:O}", "claims", claims), *made;
    const char *why;

    json_object_set_new(vars, "identity", identity ? json_incref((json_t *)identity)
                                                   : json_pack("{s:{},s:{},s:{}}", "traits", "metadata_public", "metadata_admin"));
    memset(out, 0, sizeof(*out));
    made = kr_jsonnet_run_ext(k->pool, conf->mapper, vars, &why);
    if (made) why = read_identity(out, k->pool, made);
    return made && !why ? NULL : bad(k, conf, why);
}
