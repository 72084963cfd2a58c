/* SPDX-License-Identifier: Apache-2.0 */
/* Hook `show_verification_ui`: programs are told of the verification flow, people are sent to its page. */
#include "hook.h"
#include "kr_json.h"
#include "kr_text.h"

kr_err_t *kr_hook_show_verification_ui(kr_ctx_t *k, kr_after_flow_t *after, const kr_hook_conf_t *conf)
{
    const char *url;
    json_t *flow;

    (void)conf;
    if (!after->verification_flow) return NULL;
    url = kr_url_with(k->pool, kr_flow_conf(k, KR_FLOW_VERIFICATION)->ui_url, "flow", after->verification_flow);
    flow = json_pack("{s:s, s:s}", "id", after->verification_flow, "verifiable_address", after->verification_address);
    if (!after->flow->api) {
        json_object_set_new(flow, "url", json_string(url));
        after->browser_to = url;
    }
    json_array_append_new(after->continue_with, json_pack("{s:s, s:o}", "action", "show_verification_ui", "flow", flow));
    return NULL;
}
