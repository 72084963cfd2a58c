/* SPDX-License-Identifier: Apache-2.0 */
/* Templates of tokens: their keys and mappers. What cannot be read stops the server; keys that can be, but sign nothing, only
 * their own template, as with Kratos. */
#include "draft.h"
#include "kr_json.h"

static const kr_signer_t *read_keys(kr_review_t *review, const char *path, const kr_tokenizer_conf_t *conf)
{
    const char *text = NULL, *why, *weak;
    apr_size_t len = 0;
    const kr_signer_t *signer = NULL;
    const json_t *jwks;

    why = kr_source_read(&text, &len, review, path, conf->jwks_url);
    jwks = why ? NULL : kr_json_parse(review->pool, text, len, &why);
    if (jwks) signer = kr_signer_read(review->pool, jwks, &why);
    if (!signer) {
        kr_review_error(review, path, "the JWK set is not usable: it %s", why);
        return NULL;
    }
    weak = kr_signer_weak(review->pool, signer);
    if (kr_signer_unfit(signer))
        kr_review_warn(review, path, "the first key %s: it signs nothing, and tokenize_as=%s is answered 400", kr_signer_unfit(signer),
                       conf->name);
    else if (weak) kr_review_warn(review, path, "%s", weak);
    return signer;
}

void kr_tokenizer_finish(kr_review_t *review, const char *path, void *element)
{
    kr_tokenizer_conf_t *conf = element;

    if (conf->jwks_url)
        conf->signer = read_keys(review, kr_path_member(review->pool, path, "jwks_url"), conf);
    else
        kr_review_error(review, path, "needs a member \"jwks_url\"");
    conf->mapper = kr_source_program(review, kr_path_member(review->pool, path, "claims_mapper_url"), conf->claims_mapper_url,
                                     kr_jsonnet_make_ext);
    if (conf->ttl <= 0)
        kr_review_warn(review, kr_path_member(review->pool, path, "ttl"), "is missing or 0, so that each token is over when it is made: "
                       "write how long it shall be good, such as 1m");
}
