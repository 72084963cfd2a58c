/* SPDX-License-Identifier: Apache-2.0 */
/* A look at a provider for those who run the site: does it answer, with what it should, and by which clock? */
#include "provider.h"

#include "kr_clock.h"
#include "kr_json.h"
#include "kr_realm.h"
#include "kr_text.h"

/* @return what came is no JSON, or wrong: why; NULL: nothing is wrong */
static const char *wrong_with(const kr_talk_t *talk, const kr_net_reply_t *reply)
{
    apr_pool_t *pool = talk->k->pool;
    json_t *document;

    if (reply->status != 200) return apr_psprintf(pool, "it answers with status %d", reply->status);
    document = kr_json_parse(pool, reply->body, reply->body_len, NULL);
    if (!json_is_object(document)) return "its answer is no JSON object";
    if (talk->kind->discovers) return kr_places_wrong(talk, document);
    return json_array_size(json_object_get(document, "keys")) ? NULL : "it holds no keys";
}

static const char *silence(const kr_net_reply_t *reply)
{
    if (reply->final) return "its answer is longer than a document may be";
    if (reply->timed_out) return "it does not answer in time";
    return reply->reached ? "the connection broke" : "it cannot be reached: no such host, nothing listens there, or its certificate is not believed";
}

void kr_provider_look(kr_provider_looked_t *out, kr_ctx_t *k, const kr_oidc_provider_conf_t *conf, apr_time_t until)
{
    kr_net_request_t req = { .guard = &k->realm->settings->guard };
    kr_net_reply_t reply;
    kr_talk_t talk;

    *out = (kr_provider_looked_t){ .here = kr_clock_now() };
    kr_talk_begin(&talk, k, conf);
    out->asked = req.url = talk.kind->discovers ? kr_places_document(&talk) : talk.at.keys;
    if (!req.url) return;
    req.timeout = until - kr_clock_ticks();
    if (req.timeout <= 0) out->wrong = "it was not asked: those before it took too long";
    else if (kr_net_call(&reply, k, &req)) out->wrong = silence(&reply);
    else {
        out->wrong = wrong_with(&talk, &reply);
        out->clock = reply.date;
        out->here = kr_clock_now();
    }
}
