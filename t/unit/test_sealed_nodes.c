/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes that hold a seed or recovery codes: shown as they are, and in the flow's row sealed, each in its place. */
#include "api_env.h"
#include "kr_crypto.h"
#include "kr_store_flow.h"

#define SEED "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
#define PICTURE_URI "data:image/png;base64,iVBORw0KGgo"

static kr_flow_t *kept(kr_ctx_t *k)
{
    const kr_node_spec_t specs[] = {
        { .name = "password", .type = "password" },
        { .node = KR_NODE_IMG, .name = "totp_qr", .src = PICTURE_URI, .width = 256, .height = 256 },
        { .node = KR_NODE_TEXT, .name = "totp_secret_key", .text = 1050006, .text_context = json_pack("{s:s}", "secret", SEED) },
        { .name = "totp_code", .type = "text" },
        { .node = KR_NODE_TEXT, .name = "lookup_secret_codes", .text = 1050015, .text_context = json_pack("{s:[s]}", "secrets", "abcd1234") },
    };
    kr_flow_t *flow = kr_flow_make(k, KR_FLOW_SETTINGS, 0, BASE "/self-service/settings/browser");

    kr_nodes_add(k, flow, "totp", specs, KR_DIM(specs));
    OK(kr_flow_insert(k, flow));
    return flow;
}

static kr_flow_t *loaded(kr_ctx_t *k, const char *id)
{
    kr_flow_t *flow;

    OK(kr_flow_load(&flow, k, KR_FLOW_SETTINGS, id));
    return flow;
}

static void test_whoever_loads_the_flow_has_them_as_they_were(void **state)
{
    kr_ctx_t *k = context(*state, ((env_t *)*state)->realm);
    kr_flow_t *flow = kept(k), *read = loaded(k, flow->id);

    assert_true(json_equal(flow->nodes, read->nodes));
    OK(kr_flow_update(k, read)); /* and once more, by who read it */
    assert_true(json_equal(flow->nodes, loaded(k, flow->id)->nodes));
}

static void test_the_row_has_nothing_of_them(void **state)
{
    static const char *const secrets[] = { SEED, "iVBORw0KGgo", "abcd1234", "totp_secret_key" };
    kr_ctx_t *k = context(*state, ((env_t *)*state)->realm);
    kr_flow_row_t *row;

    OK(kr_store_flow_load(&row, k, "settings", kept(k)->id));
    for (int i = 0; i < KR_DIM(secrets); i++) assert_null(strstr(row->ui, secrets[i]));
    assert_non_null(strstr(row->ui, "totp_code")); /* all others stand there as ever */
}

/* A secret of the realm was removed; a text was copied from another flow. */
static void test_what_cannot_be_opened_is_left_out_and_all_else_stays(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = context(env, env->realm);
    kr_flow_t *one = kept(k), *two = kept(k);
    kr_flow_row_t *row, *other;

    OK(kr_store_flow_load(&row, k, "settings", one->id));
    OK(kr_store_flow_load(&other, k, "settings", two->id));
    row->ui = other->ui;
    OK(kr_store_flow_update(k, row));
    assert_int_equal(json_array_size(loaded(k, one->id)->nodes), 2);
    assert_non_null(kr_node_find(loaded(k, one->id), "totp_code"));

    change(env, "secrets: {cookie: ['another secret than before, and long']}\n");
    k = context(env, env->realm);
    assert_int_equal(json_array_size(loaded(k, two->id)->nodes), 2);
    assert_null(kr_node_find(loaded(k, two->id), "totp_secret_key"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_whoever_loads_the_flow_has_them_as_they_were),
        TEST(test_the_row_has_nothing_of_them),
        TEST(test_what_cannot_be_opened_is_left_out_and_all_else_stays),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
