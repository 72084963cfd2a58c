/* SPDX-License-Identifier: Apache-2.0 */
/* Each answer to each kind of client, and how it is found out which kind asks. */
#include "../../src/api/api.h"
#include "api_env.h"

#define TO "https://app.example.org/on"
#define PAGE "https://id.example.org/login?flow="
#define SIGN_UP "https://id.example.org/registration?flow="
#define CLIENTS 3
#define ANY NULL /* Location and member are not looked at */

/* -- each answer ---------------------------------------------------------- */

static json_t *some_json(kr_ctx_t *k)
{
    return kr_json_pack(k->pool, "{s:s}", "some", "thing");
}

static kr_err_t *refusal(kr_ctx_t *k)
{
    return kr_err(k, 403, "some_id", "not you");
}

static kr_err_t *begun(kr_ctx_t *k, kr_flow_t *flow) { return kr_answer_begun(k, flow); }
static kr_err_t *as_it_stands(kr_ctx_t *k, kr_flow_t *flow) { return kr_answer_flow(k, flow); }
static kr_err_t *step(kr_ctx_t *k, kr_flow_t *flow) { return kr_answer_step(k, flow); }

static kr_err_t *done(kr_ctx_t *k, kr_flow_t *flow)
{
    (void)flow;
    return kr_answer_done(k, some_json(k), TO);
}

static kr_err_t *done_with_nothing(kr_ctx_t *k, kr_flow_t *flow)
{
    (void)flow;
    return kr_answer_done(k, NULL, TO);
}

static kr_err_t *go(kr_ctx_t *k, kr_flow_t *flow)
{
    (void)flow;
    return kr_answer_go(k, TO);
}

static kr_err_t *see(kr_ctx_t *k, kr_flow_t *flow)
{
    (void)flow;
    return kr_answer_see(k, TO);
}

static kr_err_t *data(kr_ctx_t *k, kr_flow_t *flow)
{
    (void)flow;
    return kr_answer_data(k, 503, some_json(k));
}

static kr_err_t *nothing(kr_ctx_t *k, kr_flow_t *flow)
{
    (void)flow;
    return kr_answer_nothing(k);
}

static kr_err_t *error(kr_ctx_t *k, kr_flow_t *flow)
{
    (void)flow;
    return kr_answer_error(k, refusal(k));
}

static kr_err_t *error_sent_as(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_err_t *err = refusal(k);

    (void)flow;
    err->sent_as = 400;
    return kr_answer_error(k, err);
}

static kr_err_t *error_that_leads(kr_ctx_t *k, kr_flow_t *flow)
{
    (void)flow;
    return kr_answer_error(k, kr_err_lead(refusal(k), 302, TO));
}

static kr_err_t *error_that_names_a_place(kr_ctx_t *k, kr_flow_t *flow)
{
    (void)flow;
    return kr_answer_error(k, kr_err_extra(k, refusal(k), "redirect_browser_to", json_string(TO)));
}

static kr_err_t *error_of_store(kr_ctx_t *k, kr_flow_t *flow)
{
    (void)flow;
    return kr_answer_error(k, kr_err_unavailable(k, 7, "later"));
}

static kr_err_t *messages(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_flow_message(k, flow, 4000006, NULL);
    return kr_answer_flow_error(k, flow, kr_err_show_flow(k));
}

static kr_err_t *plain_400(kr_ctx_t *k, kr_flow_t *flow)
{
    return kr_answer_flow_error(k, flow, kr_err(k, 400, NULL, "odd"));
}

static kr_err_t *plain_400_that_leads(kr_ctx_t *k, kr_flow_t *flow)
{
    return kr_answer_flow_error(k, flow, kr_err_lead(kr_err(k, 400, NULL, "odd"), 303, TO));
}

static kr_err_t *refused(kr_ctx_t *k, kr_flow_t *flow)
{
    return kr_answer_flow_error(k, flow, refusal(k));
}

static kr_err_t *replaced(kr_ctx_t *k, kr_flow_t *flow)
{
    return kr_answer_flow_error(k, flow, kr_flow_replace_expired(k, flow, 4010001));
}

static kr_err_t *overtaken(kr_ctx_t *k, kr_flow_t *flow)
{
    return kr_answer_flow_error(k, flow, kr_overtaken(k, flow));
}

static const struct {
    const char *name;
    kr_err_t *(*answer)(kr_ctx_t *k, kr_flow_t *flow);
    kr_flow_kind_e kind;
    int status[CLIENTS];  /* of a person, a script, an app */
    const char *location; /* what that of people begins with */
    const char *member;   /* that programs get */
} ANSWERS[] = {
    { "begun", begun, KR_FLOW_LOGIN, { 303, 200, 200 }, PAGE, "ui" },
    { "as it stands", as_it_stands, KR_FLOW_LOGIN, { 303, 200, 200 }, PAGE, "ui" },
    { "another step", step, KR_FLOW_LOGIN, { 303, 400, 400 }, PAGE, "ui" },
    { "another step of a sign-up", step, KR_FLOW_REGISTRATION, { 303, 400, 400 }, SIGN_UP, "ui" },
    { "done", done, KR_FLOW_LOGIN, { 303, 200, 200 }, TO, "some" },
    { "done with nothing to say", done_with_nothing, KR_FLOW_LOGIN, { 303, 204, 204 }, TO, ANY },
    { "go", go, KR_FLOW_LOGIN, { 303, 422, 422 }, TO, "redirect_browser_to" },
    { "see", see, KR_FLOW_LOGIN, { 303, 303, 303 }, TO, ANY },
    { "data", data, KR_FLOW_LOGIN, { 503, 503, 503 }, ANY, "some" },
    { "nothing", nothing, KR_FLOW_LOGIN, { 204, 204, 204 }, ANY, ANY },
    { "an error", error, KR_FLOW_LOGIN, { 303, 403, 403 }, "https://id.example.org/error?id=", "error" },
    { "an error sent with another status", error_sent_as, KR_FLOW_LOGIN, { 303, 400, 400 }, "https://id.example.org/error?id=", "error" },
    { "an error that leads people on", error_that_leads, KR_FLOW_LOGIN, { 302, 403, 403 }, TO, "error" },
    { "an error that names a place", error_that_names_a_place, KR_FLOW_LOGIN, { 303, 403, 403 }, TO, "redirect_browser_to" },
    { "no store", error_of_store, KR_FLOW_LOGIN, { 503, 503, 503 }, ANY, "error" },
    { "messages", messages, KR_FLOW_LOGIN, { 303, 400, 400 }, PAGE, "ui" },
    { "messages of a sign-up", messages, KR_FLOW_REGISTRATION, { 302, 400, 400 }, SIGN_UP, "ui" },
    { "a reason", plain_400, KR_FLOW_LOGIN, { 303, 400, 400 }, PAGE, "ui" },
    { "a reason that leads people on", plain_400_that_leads, KR_FLOW_LOGIN, { 303, 400, 400 }, TO, "ui" },
    { "a refusal", refused, KR_FLOW_LOGIN, { 303, 403, 403 }, "https://id.example.org/error?id=", "error" },
    { "another flow instead", replaced, KR_FLOW_LOGIN, { 303, 410, 410 }, PAGE, "use_flow_id" },
    { "overtaken", overtaken, KR_FLOW_LOGIN, { 303, 409, 409 }, PAGE, "error" },
};

static void must_be(const kr_ctx_t *k, const char *name, int status, const char *location, const char *member)
{
    const char *to = header(k, "Location");

    if (k->reply->status != status) fail_msg("%s, client %d: %d", name, k->client, k->reply->status);
    if (location && strncmp(to, location, strlen(location)) != 0) fail_msg("%s, client %d: led to %s", name, k->client, to);
    if (!location && *to) fail_msg("%s, client %d: led to %s", name, k->client, to);
    if (member && !kr_json_at(said(k), member)) fail_msg("%s, client %d: no %s", name, k->client, member);
}

static void test_each_answer_to_each_kind_of_client(void **state)
{
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(ANSWERS); i++)
        for (int client = 0; client < CLIENTS; client++) {
            const int redirect = ANSWERS[i].status[client] / 100 == 3;
            kr_ctx_t *k = carrying(person(env), "POST", "/self-service/login?flow=" NIL, FORM, "");
            kr_flow_t *flow = kr_flow_make(k, ANSWERS[i].kind, 0, BASE "/self-service/login/browser");

            k->client = (kr_client_e)client;
            OK(kr_flow_insert(k, flow));
            OK(ANSWERS[i].answer(k, flow));
            kr_reply_render(k);
            must_be(k, ANSWERS[i].name, ANSWERS[i].status[client], redirect ? ANSWERS[i].location : NULL,
                    redirect ? NULL : ANSWERS[i].member);
            kr_db_release(k);
        }
}

static void test_where_people_are_led_stands_in_what_programs_are_told(void **state)
{
    kr_ctx_t *k = carrying(spa(*state), "POST", "/self-service/login", FORM, "");

    k->client = KR_CLIENT_SCRIPT;
    kr_answer_go(k, TO);
    kr_reply_render(k);
    assert_string_equal(word(k, "error.id"), "browser_location_change_required");
    assert_string_equal(word(k, "redirect_browser_to"), TO);
    assert_string_equal(header(k, "Ory-Error-Id"), "browser_location_change_required");
}

static void test_the_status_of_an_answer_may_differ_from_that_in_its_body(void **state)
{
    kr_ctx_t *k = carrying(native(*state), "POST", "/self-service/login", FORM, "");

    k->client = KR_CLIENT_NATIVE;
    error_sent_as(k, NULL);
    kr_reply_render(k);
    assert_status(k, 400);
    assert_int_equal(json_integer_value(kr_json_at(said(k), "error.code")), 403);
}

static void test_people_who_are_led_on_leave_the_flow_as_it_was(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = carrying(person(env), "POST", "/self-service/login", FORM, "");
    kr_flow_t *flow = kr_flow_make(k, KR_FLOW_LOGIN, 0, BASE "/self-service/login/browser"), *after;

    k->client = KR_CLIENT_PERSON;
    OK(kr_flow_insert(k, flow));
    OK(plain_400_that_leads(k, flow));
    OK(kr_flow_load(&after, k, KR_FLOW_LOGIN, flow->id));
    assert_int_equal(json_array_size(after->messages), 0);
    kr_db_release(k);
}

/* -- for whom ------------------------------------------------------------- */

static kr_client_e seen;

static kr_err_t *look(kr_ctx_t *k)
{
    seen = k->client;
    return NULL;
}

static kr_err_t *look_and_fail(kr_ctx_t *k)
{
    seen = k->client;
    return refusal(k);
}

static const kr_route_t ROUTES[] = {
    { .methods = KR_POST, .path = "/scripts", .run = look, .answers = KR_FOR_SCRIPTS },
    { .methods = KR_POST, .path = "/accept", .run = look, .answers = KR_FOR_ACCEPT },
    { .methods = KR_POST, .path = "/request", .run = look, .answers = KR_FOR_REQUEST },
    { .methods = KR_POST, .path = "/apps", .run = look, .answers = KR_FOR_APPS },
    { .methods = KR_POST, .path = "/errors", .run = look_and_fail, .answers = KR_FOR_ACCEPT, .errors = KR_FOR_REQUEST },
    { .path = NULL },
};

static const kr_route_set_t SET = { ROUTES, NULL };

static kr_ctx_t *post(env_t *env, const char *path, const char *accept, const char *type)
{
    client_t *c = person(env);
    kr_ctx_t *k;

    if (accept) apr_table_set(c->headers, "Accept", accept);
    k = carrying(c, "POST", path, type, "");
    kr_api_serve(k, &SET);
    kr_db_release(k);
    return k;
}

static const struct { const char *path, *accept, *type; kr_client_e client; } ASKED[] = {
    { "/scripts", NULL, FORM, KR_CLIENT_SCRIPT },
    { "/scripts", "text/html", FORM, KR_CLIENT_SCRIPT },
    { "/accept", NULL, FORM, KR_CLIENT_PERSON },
    { "/accept", JSON, FORM, KR_CLIENT_SCRIPT },
    { "/accept", "text/html", JSON, KR_CLIENT_PERSON },
    { "/request", "text/html", FORM, KR_CLIENT_PERSON },
    { "/request", "text/html", JSON, KR_CLIENT_SCRIPT },
    { "/request", JSON, FORM, KR_CLIENT_SCRIPT },
    { "/apps", "text/html", FORM, KR_CLIENT_NATIVE },
    { "/apps", JSON, JSON, KR_CLIENT_NATIVE },
};

static void test_the_row_of_a_route_says_for_whom_it_answers(void **state)
{
    for (int i = 0; i < KR_DIM(ASKED); i++) {
        post(*state, ASKED[i].path, ASKED[i].accept, ASKED[i].type);
        if (seen != ASKED[i].client) fail_msg("%s, %s: client %d", ASKED[i].path, ASKED[i].accept ? ASKED[i].accept : "-", seen);
    }
}

static void test_errors_may_be_for_others_than_answers(void **state)
{
    kr_ctx_t *k = post(*state, "/errors", "text/html", JSON);

    assert_int_equal(seen, KR_CLIENT_PERSON);
    assert_status(k, 403);
    k = post(*state, "/errors", "text/html", FORM);
    assert_status(k, 303);
}

static const struct {
    kr_flow_kind_e kind;
    int api;
    const char *method;
    kr_client_e submits, ends; /* one that says Accept: text/html */
} FLOWS[] = {
    { KR_FLOW_LOGIN, 0, "POST", KR_CLIENT_PERSON, KR_CLIENT_PERSON },
    { KR_FLOW_LOGIN, 1, "POST", KR_CLIENT_NATIVE, KR_CLIENT_PERSON },
    { KR_FLOW_RECOVERY, 1, "POST", KR_CLIENT_NATIVE, KR_CLIENT_PERSON },
    { KR_FLOW_RECOVERY, 1, "GET", KR_CLIENT_NATIVE, KR_CLIENT_PERSON },
};

static void test_a_submit_to_the_flow_of_an_app_is_an_apps_until_it_ends_in_a_browser(void **state)
{
    for (int i = 0; i < KR_DIM(FLOWS); i++) {
        client_t *c = person(*state);
        kr_ctx_t *k = carrying(c, "POST", "/", FORM, "");
        kr_flow_t *flow = kr_flow_make(k, FLOWS[i].kind, FLOWS[i].api, BASE "/self-service/login/api");

        OK(kr_flow_insert(k, flow));
        kr_db_release(k);
        k = carrying(c, FLOWS[i].method, apr_pstrcat(k->pool, "/?flow=", flow->id, NULL), FORM, "");
        OK(kr_flow_of_submit(&flow, k, FLOWS[i].kind));
        if (k->client != FLOWS[i].submits) fail_msg("row %d: client %d submits", i, k->client);
        kr_flow_for_asker(k, flow);
        if (k->client != FLOWS[i].ends) fail_msg("row %d: client %d at the end", i, k->client);
        kr_db_release(k);
    }
}

/* A link of a mail leads people on; of a verification a program may follow it, too, as clients know it. */
static void test_who_follows_a_link_of_recovery_is_a_person_whatever_accept_says(void **state)
{
    kr_ctx_t *k = carrying(spa(*state), "GET", "/", NULL, NULL);
    const kr_flow_t recovery = { .kind = KR_FLOW_RECOVERY, .api = 1 }, verification = { .kind = KR_FLOW_VERIFICATION, .api = 1 };

    kr_flow_for_asker(k, &recovery);
    assert_int_equal(k->client, KR_CLIENT_PERSON);
    kr_flow_for_asker(k, &verification);
    assert_int_equal(k->client, KR_CLIENT_SCRIPT);
}

static void test_a_page_stays_for_people_while_it_asks_the_api(void **state)
{
    kr_ctx_t *k = carrying(person(*state), "GET", "/", NULL, NULL);
    kr_api_answer_t got;

    kr_api_call(&got, k, KR_GET, "/self-service/login/browser", NULL);
    assert_int_equal(got.status, 200);
    assert_int_equal(k->client, KR_CLIENT_PERSON);
}

/* -- where a Content-Type counts ------------------------------------------ */

/** A GET that carries the Content-Type of JSON, as some programs send it, but likes HTML. */
static kr_ctx_t *get_as_json(client_t *c, const char *url)
{
    apr_table_set(c->headers, "Accept", "text/html");
    return ask(c, "GET", url, JSON, NULL);
}

static void test_a_content_type_counts_where_settings_cannot_begin_and_not_where_they_do(void **state)
{
    env_t *env = *state;
    client_t *c = person(env);
    kr_ctx_t *k = get_as_json(c, "/self-service/settings/browser");

    assert_status(k, 401);
    assert_true(json_is_false(kr_json_at(said(k), "CredentialsMissing")));
    c = spa(env);
    assert_status(register_as(c, "ana@example.org", GOOD), 200);
    assert_status(get_as_json(c, "/self-service/settings/browser"), 303);
}

static void test_a_content_type_counts_in_that_somebody_is_signed_in_already(void **state)
{
    env_t *env = *state;
    client_t *c = spa(env);
    kr_ctx_t *k;

    assert_status(register_as(c, "ana@example.org", GOOD), 200);
    k = get_as_json(c, "/self-service/registration/browser");
    assert_status(k, 303);
    assert_ptr_equal(strstr(header(k, "Location"), "https://id.example.org/error?id="), header(k, "Location"));
    k = get_as_json(c, "/self-service/login/browser");
    assert_string_equal(header(k, "Location"), APP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_answer_to_each_kind_of_client),
        TEST(test_where_people_are_led_stands_in_what_programs_are_told),
        TEST(test_the_status_of_an_answer_may_differ_from_that_in_its_body),
        TEST(test_people_who_are_led_on_leave_the_flow_as_it_was),
        TEST(test_the_row_of_a_route_says_for_whom_it_answers),
        TEST(test_errors_may_be_for_others_than_answers),
        TEST(test_a_submit_to_the_flow_of_an_app_is_an_apps_until_it_ends_in_a_browser),
        TEST(test_who_follows_a_link_of_recovery_is_a_person_whatever_accept_says),
        TEST(test_a_page_stays_for_people_while_it_asks_the_api),
        TEST(test_a_content_type_counts_where_settings_cannot_begin_and_not_where_they_do),
        TEST(test_a_content_type_counts_in_that_somebody_is_signed_in_already),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
