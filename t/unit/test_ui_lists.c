/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in pages: lists of traits as fields, and an account that goes back as it came. */
#include "kr_identity.h"
#include "ui_env.h"

#define DOCUMENT(properties) "{\"type\":\"object\",\"properties\":{\"traits\":{\"type\":\"object\",\"properties\":{" properties "}}}}"

static kr_page_t page_with(const char *document)
{
    const char *why = "";
    kr_page_t page = PAGE;

    page.schema = kr_schema_compile(pool, "person", document, strlen(document), &why);
    if (!page.schema) fail_msg("%s: %s", document, why);
    return page;
}

static const char MEMBER[] = DOCUMENT(
    "\"emails\":{\"type\":\"array\",\"title\":\"Addresses\",\"maxItems\":3,\"items\":{\"type\":\"string\",\"format\":\"email\","
    "\"ory.sh/kratos\":{\"credentials\":{\"password\":{\"identifier\":true}}}}},"
    "\"roles\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"title\":\"Roles\",\"enum\":[\"cook\",\"guest\",\"host\"]}},"
    "\"place\":{\"type\":\"array\",\"title\":\"Place\",\"items\":[{\"type\":\"string\",\"title\":\"Town\"},{\"type\":\"integer\"}]},"
    "\"flags\":{\"type\":\"array\",\"title\":\"Flags\",\"items\":{\"type\":\"boolean\"}},"
    "\"grid\":{\"type\":\"array\",\"items\":{\"type\":\"array\"}},\"pets\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},"
    "\"any\":{},\"name\":{\"type\":\"object\",\"properties\":{\"first\":{\"type\":\"string\"}}}");

/** A node of a trait; `value` is JSON, or NULL; `rest` comes after its attributes. */
static const char *trait(const char *name, const char *type, const char *value, const char *rest)
{
    return apr_psprintf(pool, "{\"type\":\"input\",\"group\":\"profile\",\"attributes\":{\"name\":\"%s\",\"type\":\"%s\"%s%s}%s}", name, type,
                        value ? ",\"value\":" : "", value ? value : "", rest);
}

static const char *shown(const char *nodes, const char *traits)
{
    const kr_page_t page = page_with(MEMBER);

    return kr_ui_flow_page(pool, &page, json(apr_psprintf(pool, "{\"identity\":{\"traits\":%s},\"ui\":{\"action\":\"/a\",\"nodes\":[%s,%s]}}",
                                                          traits, nodes, button("profile", "method", "profile", "Save"))));
}

#define TITLED(title) ",\"meta\":{\"label\":{\"id\":1070002,\"text\":\"" title "\"}}"
#define WRONG ",\"messages\":[{\"id\":4000040,\"text\":\"no address\",\"type\":\"error\"}]"

static void each_element_has_a_field_and_one_more_is_empty(void **state)
{
    const char *html = shown(trait("traits.emails", "text", "[\"a@x.org\"]", TITLED("Addresses")), "{}");

    (void)state;
    assert_shows(html, "<fieldset class=\"field\">\n<legend>Addresses</legend>");
    assert_shows(html, "<label class=\"aside\" for=\"n1\">Addresses 1</label>\n"
                       "<input type=\"email\" id=\"n1\" name=\"traits.emails\" value=\"a@x.org\" autocomplete=\"email\">");
    assert_shows(html, "<label class=\"aside\" for=\"n1001\">Addresses 2</label>\n"
                       "<input type=\"email\" id=\"n1001\" name=\"traits.emails\" autocomplete=\"off\">");
    assert_int_equal(times_in(html, "name=\"traits.emails\""), 2);
    assert_hides(html, "[&#34;");
    html = shown(trait("traits.emails", "text", NULL, TITLED("Addresses")), "{}");
    assert_int_equal(times_in(html, "name=\"traits.emails\""), 1);
    html = shown(trait("traits.emails", "text", "[\"1\",\"2\",\"3\"]", ""), "{}");
    assert_int_equal(times_in(html, "name=\"traits.emails\""), 3); /* no more are allowed */
}

static void elements_that_have_nodes_of_their_own_come_back_in_the_order_of_their_numbers(void **state)
{
    const char *nodes = trait("traits.emails", "text", NULL, ""), *html, *at;
    char value[] = "value=\"e00\"";

    (void)state;
    for (int i = 11; i >= 0; i--)
        nodes = list(nodes, trait(apr_psprintf(pool, "traits.emails.%d", i), "text", apr_psprintf(pool, "\"e%02d\"", i), ""), NULL, NULL);
    html = at = shown(nodes, "{}");
    for (int i = 0; i < 12; i++) {
        apr_snprintf(value, sizeof(value), "value=\"e%02d\"", i);
        at = strstr(at, value);
        if (!at) fail_msg("%s is missing or too early in\n%s", value, html);
    }
    assert_hides(html, "traits.emails.");
}

static void what_is_wrong_with_an_element_stands_at_its_field(void **state)
{
    const char *nodes = list(trait("traits.emails", "text", "[\"a@x.org\",\"b\"]", TITLED("Addresses")),
                             trait("traits.emails.1", "text", NULL, WRONG), NULL, NULL);
    const char *html = shown(nodes, "{}");

    (void)state;
    assert_shows(html, "Please check: <a href=\"#n1001\">Addresses</a>");
    assert_shows(html, "name=\"traits.emails\" value=\"b\" autocomplete=\"off\" aria-describedby=\"n1001-m\" aria-invalid=\"true\"");
    assert_shows(html, "<div id=\"n1001-m\">\n<p class=\"hint bad\">no address</p>");
    assert_hides(html, "traits.emails.1");
    html = shown(trait("traits.emails", "text", "[\"a@x.org\"]", WRONG), "{}");
    assert_shows(html, "<fieldset class=\"field\" aria-describedby=\"n1-all\">");
    assert_shows(html, "<div id=\"n1-all\">\n<p class=\"hint bad\">no address</p>");
    assert_shows(html, "<a href=\"#n1\">");
}

static void values_to_choose_from_are_boxes(void **state)
{
    const char *html = shown(trait("traits.roles", "text", "[\"cook\",\"host\"]", ""), "{}");

    (void)state;
    assert_shows(html, "<legend>Roles</legend>\n<div class=\"check\">\n"
                       "<input type=\"checkbox\" id=\"n1\" name=\"traits.roles\" value=\"cook\" checked>\n<label for=\"n1\">cook</label>");
    assert_shows(html, "id=\"n1001\" name=\"traits.roles\" value=\"guest\">");
    assert_shows(html, "id=\"n1002\" name=\"traits.roles\" value=\"host\" checked>");
    /* elsewise ordered, twice, or not offered any more: as the list has it */
    html = shown(trait("traits.roles", "text", "[\"host\",\"cook\",\"bard\"]", ""), "{}");
    assert_order(html, "value=\"host\" checked", "value=\"cook\" checked");
    assert_order(html, "value=\"cook\" checked", "value=\"bard\" checked");
    assert_order(html, "value=\"bard\" checked", "value=\"guest\">");
    assert_int_equal(times_in(html, "type=\"checkbox\""), 4);
}

static void each_position_of_a_tuple_has_its_field(void **state)
{
    const char *html = shown(trait("traits.place", "text", "[\"Ulm\"]", TITLED("Place")), "{}");

    (void)state;
    assert_shows(html, "<label for=\"n1\">Town</label>\n<input type=\"text\" id=\"n1\" name=\"traits.place\" value=\"Ulm\"");
    assert_shows(html, "<label for=\"n1001\">Place 2</label>\n<input type=\"number\" id=\"n1001\" name=\"traits.place\" autocomplete=\"off\" step=");
    assert_int_equal(times_in(html, "name=\"traits.place\""), 2);
}

static void yes_and_no_are_chosen(void **state)
{
    const char *html = shown(trait("traits.flags", "text", "[false]", TITLED("Flags")), "{}");

    (void)state;
    assert_shows(html, "<option value=\"false\" selected>");
    assert_int_equal(times_in(html, "<select id="), 2);
    assert_hides(html, "checkbox");
}

static void a_required_list_asks_for_one_element_and_lets_one_of_two_go(void **state)
{
    const char *must = "\"x\",\"required\":true";

    (void)state;
    assert_shows(shown(trait("traits.emails", "text", "[\"a\"],\"required\":true", ""), "{}"), "autocomplete=\"email\" required");
    assert_hides(shown(trait("traits.emails", "text", "[\"a\",\"b\"],\"required\":true", ""), "{}"), " required");
    assert_hides(shown(trait("traits.emails", "text", "[\"a\"],\"required\":true", ""), "{}"), "(optional)");
    assert_shows(shown(list(trait("traits.emails", "text", "[\"a\"]", TITLED("Addresses")), trait("traits.name.first", "text", must, ""),
                            NULL, NULL), "{}"), "<legend>Addresses <span class=\"quiet\">(optional)</span></legend>");
}

static void a_hidden_list_goes_along_element_by_element(void **state)
{
    const char *html = shown(trait("traits.emails", "hidden", "[\"a\",\"<b>\"]", ""), "{}");

    (void)state;
    assert_shows(html, "<input type=\"hidden\" name=\"traits.emails\" value=\"a\">\n<input type=\"hidden\" name=\"traits.emails\" value=\"&lt;b&gt;\">");
    assert_hides(shown(trait("traits.emails", "hidden", NULL, ""), "{}"), "traits.emails");
}

static void nothing_in_a_list_becomes_markup(void **state)
{
    static const char *const lists[] = { "emails", "roles", "place" };

    (void)state;
    for (int i = 0; i < KR_DIM(lists); i++) {
        const char *html = shown(trait(apr_pstrcat(pool, "traits.", lists[i], NULL), "text", "[\"" HOSTILE "\"]", TITLED(HOSTILE)), "{}");

        assert_hides(html, "<script");
        assert_hides(html, "'>");
    }
}

static void what_no_field_can_hold_is_not_asked_for_and_goes_along(void **state)
{
    const char *nodes = list(trait("traits.grid.0.0", "text", "1", ""), trait("traits.name.first", "text", "\"Ana\"", ""),
                             trait("traits.emails", "text", "[[\"odd\"]]", WRONG), trait("traits.any", "text", NULL, WRONG));
    const char *html = shown(nodes, "{\"grid\":[[1]],\"pets\":[{\"n\":1}],\"any\":null,\"name\":{\"first\":\"Ana\"},\"emails\":[],"
                                    "\"older\":{\"x\":[true]},\"roles\":[\"cook\"]}");

    (void)state;
    assert_shows(html, "<input type=\"hidden\" name=\"traits\" value=\"{&#34;grid&#34;:[[1]],&#34;pets&#34;:[{&#34;n&#34;:1}],"
                       "&#34;any&#34;:null,&#34;emails&#34;:[],&#34;older&#34;:{&#34;x&#34;:[true]}}\">");
    assert_hides(html, "traits.grid");
    assert_hides(html, "name=\"traits.emails\"");
    assert_shows(html, "role=\"alert\""); /* what was wrong there is said all the same */
    assert_int_equal(times_in(html, "no address"), 2);
    assert_hides(shown(trait("traits.name.first", "text", "\"Ana\"", ""), "{\"name\":{\"first\":\"Ana\"}}"), "name=\"traits\"");
}

/* -- patterns ------------------------------------------------------------- */

static const char *misfit(const char *language, const char *words)
{
    const char *node = "{\"type\":\"input\",\"group\":\"default\",\"attributes\":{\"name\":\"traits.nick\",\"type\":\"text\",\"pattern\":\"^[a-z]{3,9}$\"},"
                       "\"messages\":[{\"id\":4000004,\"type\":\"error\",\"text\":\"in English\",\"context\":{\"pattern\":\"^[a-z]{3,9}$\"}}]}";
    kr_page_t page = page_with(apr_psprintf(pool, DOCUMENT("\"nick\":{\"type\":\"string\",\"pattern\":\"^[a-z]{3,9}$\"%s}"), words));

    page.words = kr_pages_words(builtin, pool, language, NULL);
    return kr_ui_flow_page(pool, &page, json(apr_psprintf(pool, "{\"ui\":{\"action\":\"/a\",\"nodes\":[%s,%s]}}", node, button("a", "b", "c", "d"))));
}

static void a_pattern_is_explained_by_the_schema_in_the_language_of_the_page(void **state)
{
    const char *described = ",\"title\":\"Spitzname\",\"description\":\"drei bis neun kleine Buchstaben\"";
    const char *html = misfit("de", described);

    (void)state;
    assert_shows(html, "<p class=\"hint bad\">Das hat nicht die verlangte Form: drei bis neun kleine Buchstaben</p>");
    assert_shows(html, " title=\"drei bis neun kleine Buchstaben\"");
    assert_shows(misfit("de", ",\"title\":\"Spitzname\""), "<p class=\"hint bad\">Spitzname: Das hat nicht die verlangte Form.</p>");
    assert_shows(misfit("de", ",\"title\":\"Spitzname\""), " title=\"Spitzname\"");
    assert_shows(misfit("de", ""), "<p class=\"hint bad\">Das hat nicht die verlangte Form.</p>");
    assert_hides(misfit("de", ""), " title=");
    assert_int_equal(times_in(html, "[a-z]"), 1); /* for the browser */
}

/* -- there and back ------------------------------------------------------- */

/** The value of an attribute at `at`, unescaped. */
static const char *attribute(const char *at, const char *end, const char *name)
{
    const char *from = strstr(at, apr_pstrcat(pool, " ", name, "=\"", NULL)), *to;
    static const char *const ESCAPES[][2] = { { "&#34;", "\"" }, { "&lt;", "<" }, { "&gt;", ">" }, { "&#39;", "'" }, { "&amp;", "&" } };
    const char *out = "";

    if (!from || from > end) return NULL;
    from = strchr(from, '"') + 1;
    to = strchr(from, '"');
    while (from < to) {
        apr_size_t len = 1;
        const char *text = apr_pstrmemdup(pool, from, 1);

        for (int i = 0; i < KR_DIM(ESCAPES); i++) {
            if (strncmp(from, ESCAPES[i][0], strlen(ESCAPES[i][0])) != 0) continue;
            len = strlen(ESCAPES[i][0]);
            text = ESCAPES[i][1];
        }
        out = apr_pstrcat(pool, out, text, NULL);
        from += len;
    }
    return out;
}

/** What a browser sends of the inputs of a page when nothing is changed, as the API reads it. */
static json_t *body_of(const char *html)
{
    json_t *body = kr_json_own(pool, json_object());

    for (const char *at = html; (at = strstr(at, "<input ")) != NULL; at++) {
        const char *end = strchr(at, '>'), *name = attribute(at, end, "name"), *value = attribute(at, end, "value");
        json_t *values;

        if (!name || (strcmp(attribute(at, end, "type"), "checkbox") == 0 && !strstr(apr_pstrmemdup(pool, at, (apr_size_t)(end - at)), " checked")))
            continue;
        values = json_object_get(body, name);
        if (!values) json_object_set_new(body, name, values = json_array());
        json_array_append_new(values, json_string(value ? value : ""));
    }
    return body;
}

static void an_account_that_nobody_changed_goes_back_as_it_came(void **state)
{
    static const char *const accounts[] = {
        "{\"emails\":[\"a@x.org\",\"b@x.org\"],\"name\":{\"first\":\"Ana\"}}",
        "{\"emails\":[],\"roles\":[\"guest\"],\"name\":{}}",
        "{\"emails\":[\"\\\"quoted\\\"@x.org\"],\"roles\":[\"host\",\"cook\",\"cook\"],\"place\":[\"Ulm\",89],\"name\":{}}",
        "{\"place\":[\"\",7],\"grid\":[[1,[2]],[]],\"any\":{\"x\":null},\"name\":{}}",
        "{\"roles\":[\"bard\"],\"name\":{\"first\":\"<&>\"},\"pets\":[]}",
        "{\"pets\":[{\"n\":\"Rex\"}],\"older\":[1],\"emails\":[\"a@x.org\",\"b@x.org\",\"c@x.org\"],\"name\":{}}",
    };
    static const char *const fields[] = { "emails", "roles", "place", "name.first" };
    const kr_page_t page = page_with(MEMBER);

    (void)state;
    for (int i = 0; i < KR_DIM(accounts); i++) {
        json_t *traits = json(accounts[i]), *decoded, *sent = kr_json_own(pool, json_deep_copy(traits));
        const char *nodes = csrf(), *html;

        for (int j = 0; j < KR_DIM(fields); j++) {
            const json_t *value = kr_json_at(traits, fields[j]);

            nodes = list(nodes, trait(apr_pstrcat(pool, "traits.", fields[j], NULL), "text", value ? kr_json_dump(pool, value, NULL) : NULL, ""),
                         NULL, NULL);
        }
        html = shown(nodes, accounts[i]);
        kr_traits_decode(&decoded, pool, page.schema, body_of(html), 1);
        /* the API adds what a schema with a list of objects always has */
        if (!json_object_get(sent, "pets")) json_object_set_new(sent, "pets", json_object());
        if (!json_equal(json_object_get(decoded, "traits"), sent))
            fail_msg("%s\n came back as %s\n from %s", accounts[i], kr_json_dump(pool, json_object_get(decoded, "traits"), NULL), html);
    }
}

static void an_account_is_called_by_the_first_thing_one_signs_in_with(void **state)
{
    kr_page_t page = page_with(MEMBER);
    const char *session = "{\"identity\":{\"id\":\"u-1\",\"traits\":%s}}";

    (void)state;
    assert_shows(kr_ui_session_page(pool, &page, json(apr_psprintf(pool, session, "{\"any\":\"no\",\"emails\":[\"a@x.org\",\"b\"]}")), NULL),
                 "<strong>a@x.org</strong>");
    page = page_with(DOCUMENT("\"email\":{\"type\":\"string\"},\"no\":{\"type\":\"integer\",\"ory.sh/kratos\":"
                              "{\"credentials\":{\"password\":{\"identifier\":true}}}}"));
    assert_shows(kr_ui_session_page(pool, &page, json(apr_psprintf(pool, session, "{\"email\":\"e@x.org\",\"no\":77}")), NULL),
                 "<strong>77</strong>");
    assert_shows(kr_ui_session_page(pool, &page, json(apr_psprintf(pool, session, "{\"email\":\"e@x.org\"}")), NULL),
                 "<strong>e@x.org</strong>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_element_has_a_field_and_one_more_is_empty),
        TEST(elements_that_have_nodes_of_their_own_come_back_in_the_order_of_their_numbers),
        TEST(what_is_wrong_with_an_element_stands_at_its_field),
        TEST(values_to_choose_from_are_boxes),
        TEST(each_position_of_a_tuple_has_its_field),
        TEST(yes_and_no_are_chosen),
        TEST(a_required_list_asks_for_one_element_and_lets_one_of_two_go),
        TEST(a_hidden_list_goes_along_element_by_element),
        TEST(nothing_in_a_list_becomes_markup),
        TEST(what_no_field_can_hold_is_not_asked_for_and_goes_along),
        TEST(a_pattern_is_explained_by_the_schema_in_the_language_of_the_page),
        TEST(an_account_that_nobody_changed_goes_back_as_it_came),
        TEST(an_account_is_called_by_the_first_thing_one_signs_in_with),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
