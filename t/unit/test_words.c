/* SPDX-License-Identifier: Apache-2.0 */
/* Words, layout and files of the pages: what is built in, what an owner lays over it, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_file_io.h>
#include <apr_general.h>
#include <cmocka.h>

#include "kr_json.h"
#include "kr_text.h"
#include "kr_ui.h"

static const char *const LANGUAGES[] = { "en", "de", "fr", "es" };

static apr_pool_t *pool;
static char folder[64];
static const kr_pages_t *builtin;

/* -- helpers -------------------------------------------------------------- */

static int begin(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/kratos-pages-XXXXXX");
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS || !mkdtemp(folder)) return 1;
    return kr_pages_load(&builtin, pool, NULL) != NULL;
}

static int end(void **state)
{
    const char *remove = apr_pstrcat(pool, "rm -r ", folder, NULL);
    int left = system(remove);

    (void)state;
    apr_pool_destroy(pool);
    return left;
}

static const char *slurp(const char *path)
{
    static char text[256 * 1024];
    FILE *file = fopen(path, "r");
    size_t len;

    if (!file) fail_msg("%s: run this from the root of the repository", path);
    len = fread(text, 1, sizeof(text) - 1, file);
    text[len] = '\0';
    fclose(file);
    return apr_pstrdup(pool, text);
}

static void put_file(const char *name, const char *text, size_t len)
{
    const char *path = apr_pstrcat(pool, folder, "/", name, NULL), *slash = strrchr(name, '/');
    FILE *file;

    if (slash) {
        apr_dir_make_recursive(apr_pstrcat(pool, folder, "/", apr_pstrmemdup(pool, name, (apr_size_t)(slash - name)), NULL),
                               APR_FPROT_OS_DEFAULT, pool);
    }
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    fclose(file);
}

static void owner_has(const char *name, const char *text)
{
    put_file(name, text, strlen(text));
}

static const kr_pages_t *owners(void)
{
    const kr_pages_t *pages;
    const char *why = kr_pages_load(&pages, pool, folder);

    if (why) fail_msg("%s", why);
    return pages;
}

static void refused(const char *name, const char *reason)
{
    const kr_pages_t *pages;
    const char *why = kr_pages_load(&pages, pool, folder);

    assert_null(pages);
    if (!why || !strstr(why, name) || !strstr(why, reason)) fail_msg("%s: wanted %s, got %s", name, reason, why ? why : "nothing");
    unlink(apr_pstrcat(pool, folder, "/", name, NULL));
}

static const char *note(const kr_pages_t *pages, const char *lang)
{
    kr_page_t page = { .words = kr_pages_words(pages, pool, lang, NULL), .title = "T<i>tle", .home = "/a\"b", .site = "x.example" };

    return kr_ui_note_page(pool, &page, "Text", NULL, NULL);
}

/* A page whose one message has that id and text. */
static const char *says(const kr_pages_t *pages, const char *lang, const char *message)
{
    kr_page_t page = { .words = kr_pages_words(pages, pool, lang, NULL), .title = "T", .home = "" };
    const char *flow = apr_psprintf(pool, "{\"ui\":{\"nodes\":[],\"messages\":[%s]}}", message), *why = NULL;
    json_t *json = kr_json_parse(pool, flow, strlen(flow), &why);

    if (!json) fail_msg("%s: %s", why, flow);
    return kr_ui_flow_page(pool, &page, json);
}

static json_t *catalogue(const char *lang)
{
    const char *text = slurp(apr_psprintf(pool, "src/ui/pages/words/%s.json", lang));

    return kr_json_parse(pool, text, strlen(text), NULL);
}

#define assert_shows(html, what)                                                                                       \
    do {                                                                                                               \
        if (!strstr((html), (what))) fail_msg("missing %s in\n%s", (what), (html));                                    \
    } while (0)

/* -- what is built in ----------------------------------------------------- */

static void test_every_language_has_every_word(void **state)
{
    json_t *en = catalogue("en"), *value;
    const char *key;

    (void)state;
    for (int i = 1; i < KR_DIM(LANGUAGES); i++) {
        json_t *other = catalogue(LANGUAGES[i]);

        json_object_foreach(en, key, value)
            if (strcmp(key, "site") != 0 && strncmp(key, "reason:", 7) != 0 && !json_object_get(other, key))
                fail_msg("%s.json lacks \"%s\"", LANGUAGES[i], key);
    }
}

/* Rows of the API's own table: { 1010002, INFO, "Sign in with {provider}" }, */
static void test_every_message_is_said_in_every_language_with_what_it_is_about(void **state)
{
    const char *row = slurp("src/flow/messages.c");
    int rows = 0;

    (void)state;
    while ((row = strstr(row, "\n    { ")) != NULL) {
        const char *id = apr_pstrmemdup(pool, row + 7, 7), *open = strchr(row, '"'), *line;

        row += 7;
        if (strspn(id, "0123456789") != 7 || strncmp(open, "\"{", 2) == 0) continue; /* nothing but a value */
        line = apr_pstrmemdup(pool, open, strcspn(open, "\n"));
        for (int i = 1; i < KR_DIM(LANGUAGES); i++) {
            const char *text = json_string_value(json_object_get(catalogue(LANGUAGES[i]), id));

            if (!text) fail_msg("%s.json does not say %s %s", LANGUAGES[i], id, line);
            for (const char *at = line; strcmp(id, "4000002") != 0 && (at = strchr(at, '{')) != NULL; at++) {
                const char *name = apr_pstrmemdup(pool, at, strcspn(at, "}") + 1);
                if (!strstr(text, name)) fail_msg("%s.json: %s says nothing of %s", LANGUAGES[i], id, name);
            }
        }
        rows++;
    }
    assert_true(rows > 130);
}

/* A key in the code that no catalogue has would be shown as it is. */
static void test_every_key_in_the_code_is_in_the_catalogue(void **state)
{
    static const char *const files[] = { "error_page", "fields", "flow_page", "forms", "logout", "nodes", "page", "pages", "session_page", "sessions", "words" };
    json_t *en = catalogue("en");
    int found = 0;

    (void)state;
    for (int i = 0; i < KR_DIM(files); i++)
        for (const char *at = slurp(apr_psprintf(pool, "src/ui/%s.c", files[i])); (at = strstr(at, "words, \"")) != NULL; at++) {
            const char *key = apr_pstrmemdup(pool, at + 8, strcspn(at + 8, "\""));

            if (strchr(".:", key[strlen(key) - 1])) continue; /* the beginning of several keys */
            if (!json_object_get(en, key)) fail_msg("src/ui/%s.c: \"%s\" is no key", files[i], key);
            found++;
        }
    assert_true(found > 30);
}

static void test_a_message_is_translated_by_its_id_and_filled_from_its_context(void **state)
{
    static const char short_password[] = "{\"id\":4000032,\"type\":\"error\",\"text\":\"E\",\"context\":{\"min_length\":8,\"actual_length\":5}}";

    (void)state;
    assert_shows(says(builtin, "de", short_password), "mindestens 8 Zeichen, dieses hat 5.");
    assert_shows(says(builtin, "en", short_password), "<p>E</p>");
    assert_shows(says(builtin, "de", "{\"id\":4999999,\"type\":\"error\",\"text\":\"Unknown <b>\"}"), "<p>Unknown &lt;b&gt;</p>");
    assert_shows(says(builtin, "fr", "{\"id\":4000040,\"type\":\"error\",\"text\":\"x\",\"context\":{\"value\":\"<b>\"}}"), "« &lt;b&gt; »");
    assert_shows(says(builtin, "es", "{\"id\":4000001,\"type\":\"error\",\"text\":\"x\",\"context\":{\"reason\":\"the code was used already\"}}"),
                 "Ese código ya se ha usado.");
    assert_shows(says(builtin, "es", "{\"id\":4000001,\"type\":\"error\",\"text\":\"x\",\"context\":{\"reason\":\"no one knows\"}}"),
                 "<p>No one knows.</p>");
}

static const struct { const char *locale, *accept, *lang; } WISHES[] = {
    { NULL, NULL, "en" },
    { NULL, "", "en" },
    { NULL, "de", "de" },
    { NULL, "de-AT,de;q=0.9,en;q=0.8", "de" },
    { NULL, "en;q=0.5, fr;q=0.7", "fr" },
    { NULL, "pt-BR, es;q=0.3", "es" },
    { NULL, "de;q=0, es", "es" },
    { NULL, "pt, zh", "en" },
    { NULL, "*", "en" },
    { NULL, "FR-ca", "fr" },
    { NULL, "de;q=nonsense, fr;q=0.1", "fr" },
    { NULL, ";;;,,,q=,de;", "de" },
    { NULL, "es;q=0.800, de;q=0.801", "de" },
    { NULL, "de;freq=0;q=0.9, fr;q=0.5", "de" }, /* a parameter that only ends in q */
    { NULL, "de;Qon;q=0.9, fr;q=0.5", "de" },
    { NULL, "de;q=0x1, fr;q=0.5", "fr" },
    { "fr", "de", "fr" },
    { "de_AT.UTF-8", "fr", "de" },
    { "pt", "es", "es" },
    { "../../etc/passwd", "es", "es" },
    { "", "es", "es" },
};

static void test_the_language_is_the_accounts_else_the_browsers_else_english(void **state)
{
    (void)state;
    for (int i = 0; i < KR_DIM(WISHES); i++) {
        const char *lang = kr_words_lang(kr_pages_words(builtin, pool, WISHES[i].locale, WISHES[i].accept));

        if (strcmp(lang, WISHES[i].lang) != 0) fail_msg("%s, %s: %s", WISHES[i].locale, WISHES[i].accept, lang);
    }
}

static void test_a_header_of_any_length_is_no_trouble(void **state)
{
    char *accept = apr_pcalloc(pool, 65536);

    (void)state;
    memset(accept, ',', 60000);
    strcpy(accept + 60000, "de");
    assert_string_equal(kr_words_lang(kr_pages_words(builtin, pool, NULL, accept)), "de");
    memset(accept, 'x', 60000);
    assert_string_equal(kr_words_lang(kr_pages_words(builtin, pool, accept, accept)), "en");
}

/* -- what an owner changes ------------------------------------------------ */

static void test_an_owner_changes_single_words(void **state)
{
    const kr_pages_t *pages;

    (void)state;
    owner_has("words/de.json", "{\"site\": \"Läden & Co\", \"1010001\": \"Rein\", \"1010002\": \"Rein mit {provider}\"}");
    pages = owners();
    assert_shows(note(pages, "de"), "Läden &amp; Co");
    assert_shows(note(pages, "en"), "x.example");
    assert_shows(says(pages, "de", "{\"id\":1010002,\"type\":\"info\",\"text\":\"x\",\"context\":{\"provider\":\"P\"}}"), "Rein mit P");
    assert_shows(says(pages, "de", "{\"id\":1010003,\"type\":\"info\",\"text\":\"x\"}"), "Bitte bestätigen Sie");
}

static void test_an_owner_adds_a_language_and_what_it_lacks_is_english(void **state)
{
    const kr_pages_t *pages;
    const char *html;

    (void)state;
    owner_has("words/pt-BR.json", "{\"flow.nothing\": \"Nada a preencher aqui.\"}");
    owner_has("words/en.json", "{\"title.sent\": \"Mail!\"}");
    pages = owners();
    html = says(pages, "pt-BR", "");
    assert_shows(html, "<html lang=\"pt-BR\">");
    assert_shows(html, "Nada a preencher aqui.");
    assert_string_equal(kr_words_lang(kr_pages_words(pages, pool, NULL, "pt-BR, en;q=0.5")), "pt-BR");
    assert_string_equal(kr_words_lang(kr_pages_words(pages, pool, NULL, "pt, en;q=0.5")), "en");
}

static void test_an_owners_layout_stands_around_every_page(void **state)
{
    const char *html;

    (void)state;
    owner_has("layout.html", "<!DOCTYPE html><html lang=\"{{lang}}\"><title>{{title}}|{{site}}</title>"
                             "<link href=\"{{style}}\"><main>{{content}}</main>100% {{lang}}{ }");
    owner_has("style.css", "b{color:red}");
    html = note(owners(), "en");
    assert_shows(html, "<title>T&lt;i&gt;tle|x.example</title><link href=\"/a&#34;b/style.css?v=");
    assert_shows(html, "<p>Text</p>\n</div></main>100% en{ }");
}

static void test_a_broken_file_is_refused_with_its_name_and_the_reason(void **state)
{
    static const struct { const char *name, *text, *reason; } cases[] = {
        { "words/de.json", "{\"site\": ", "" },
        { "words/de.json", "[\"site\"]", "no JSON object" },
        { "words/de.json", "{\"site\": 7}", "\"site\": it is no text" },
        { "words/de.json", "{\"sight\": \"x\"}", "\"sight\": there is no such key" },
        { "words/de.json", "{\"device\": \"{browser} {os}\"}", "{os} is no placeholder" },
        { "words/de.json", "{\"1010002\": \"Mit {name}\"}", "{name} is no placeholder" },
        { "words/de.json", "{\"site\": \"\xff\"}", "UTF-8" },
        { "words/deutsch.json", "{}", "called after its language" },
        { "words/de.txt", "{}", "called after its language" },
        { "layout.html", "<main></main>", "{{content}} must stand in it once" },
        { "layout.html", "{{content}}{{content}}", "{{content}} must stand in it once" },
        { "layout.html", "a\nb{{content}}{{titel}}", "line 2: unknown placeholder {{titel" },
        { "layout.html", "{{content}}{{title}", "unknown placeholder {{title" },
        { "layout.html", "{{content}} {{", "unknown placeholder {{" },
        { "static/page.html", "<script>", "not served" },
        { "static/noending", "x", "not served" },
    };

    (void)state;
    for (int i = 0; i < KR_DIM(cases); i++) {
        owner_has(cases[i].name, cases[i].text);
        refused(cases[i].name, cases[i].reason);
    }
    owners();
}

static void test_a_file_that_is_too_large_is_refused(void **state)
{
    static const char *const names[] = { "style.css", "layout.html", "words/fr.json", "static/logo.png" };
    const char *text = memset(apr_palloc(pool, 256 * 1024 + 1), ' ', 256 * 1024 + 1);

    (void)state;
    for (int i = 0; i < KR_DIM(names); i++) {
        put_file(names[i], text, 256 * 1024 + 1);
        refused(names[i], "larger than 262144 bytes");
    }
}

static void test_a_folder_that_is_not_there_is_refused(void **state)
{
    const kr_pages_t *pages;

    (void)state;
    assert_shows(kr_pages_load(&pages, pool, "/nonexistent/pages"), "no such folder");
    assert_null(pages);
    owner_has("style.css", "x");
    assert_shows(kr_pages_load(&pages, pool, apr_pstrcat(pool, folder, "/style.css", NULL)), "no such folder");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_language_has_every_word),
        TEST(test_every_message_is_said_in_every_language_with_what_it_is_about),
        TEST(test_every_key_in_the_code_is_in_the_catalogue),
        TEST(test_a_message_is_translated_by_its_id_and_filled_from_its_context),
        TEST(test_the_language_is_the_accounts_else_the_browsers_else_english),
        TEST(test_a_header_of_any_length_is_no_trouble),
        TEST(test_an_owner_changes_single_words),
        TEST(test_an_owner_adds_a_language_and_what_it_lacks_is_english),
        TEST(test_an_owners_layout_stands_around_every_page),
        TEST(test_a_broken_file_is_refused_with_its_name_and_the_reason),
        TEST(test_a_file_that_is_too_large_is_refused),
        TEST(test_a_folder_that_is_not_there_is_refused),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
