/* SPDX-License-Identifier: Apache-2.0 */
/* Templates of the owner's: what they make, what is refused at start, and that no data leads out of its place. */
#include "pool_env.h"

#include <string.h>

#include "kr_json.h"
#include "kr_template.h"
#include "kr_text.h"

#define DATA                                                                                                           \
    "{\"to\": \"ana@x.example\", \"recovery_url\": \"https://id.example/r?a=1&b=2\", \"recovery_code\": \"123456\","   \
    " \"expires_in_minutes\": 15, \"half\": 1.5, \"yes\": true, \"no\": false, \"empty\": \"\", \"list\": [\"a\", "    \
    "\"b\"],"                                                                                                          \
    " \"none\": [], \"identity\": {\"traits\": {\"email\": \"ana@x.example\", \"name\": {\"first\": \"Ana\"}}},"       \
    " \"request_url_domain\": \"id.example\", \"hostile\": \"\\\"><script>x</script>'&\","                             \
    " \"script\": \"javascript:alert(1)\", \"oauth2_login_request\": {\"challenge\": \"c\"}}"

static kr_template_t *compile(apr_pool_t *pool, kr_template_kind_e kind, const char *text, const char **why)
{
    const kr_template_source_t source = { "dir/letter.gotmpl", text, strlen(text) };

    return kr_template_make(pool, kind, &source, 1, why);
}

static const char *render(apr_pool_t *pool, kr_template_kind_e kind, const char *text, const char **why)
{
    const kr_template_t *tmpl = compile(pool, kind, text, why);

    return tmpl ? kr_template_render(pool, tmpl, kr_json_parse(pool, DATA, strlen(DATA), NULL), why) : NULL;
}

/* -- what they make -------------------------------------------------------------------- */

static const struct {
    const char *text, *made;
} TEXTS[] = {
    { "", "" },
    { "no action { or } at all", "no action { or } at all" },
    { "Code {{ .RecoveryCode }}!", "Code 123456!" },
    { "{{.RecoveryURL}}", "https://id.example/r?a=1&b=2" },
    { "{{ .recovery_url }}", "https://id.example/r?a=1&b=2" },
    { "{{ .RequestURLDomain }} {{ .OAuth2LoginRequest.challenge }}", "id.example c" },
    { "{{ .Identity.traits.name.first }}", "Ana" },
    { "[{{ .Missing }}{{ .Identity.none.of.this }}{{ .To.is.text }}]", "[]" },
    { "{{ .ExpiresInMinutes }} {{ .Half }} {{ .Yes }}", "15 1.5 true" },
    { "{{ .List }}", "[\"a\",\"b\"]" },
    { "a {{- .No -}} b", "afalseb" },
    { "a \n {{- \"x\" -}} \n b", "axb" },
    { "a {{/* a comment }} */}} b", "a  b" },
    { "a {{- /* with\nlines */ -}} b", "ab" },
    { "{{ \"a\\n\\t\\\"\\\\\" }}{{ `raw \\n` }}", "a\n\t\"\\raw \\n" },
    { "{{ 7 }} {{ -3 }} {{ 1.25 }} {{ true }} {{ nil }}", "7 -3 1.25 true " },
    { "{{ if .Yes }}y{{ else }}n{{ end }}{{ if .No }}y{{ else }}n{{ end }}", "yn" },
    { "{{ if .No }}1{{ else if .Empty }}2{{ else if .To }}3{{ else }}4{{ end }}", "3" },
    { "{{ if .None }}y{{ end }}{{ if not .None }}n{{ end }}{{ if 0 }}z{{ end }}", "n" },
    { "{{ with .Identity.traits }}{{ .email }}{{ $.To }}{{ end }}{{ with .Empty }}x{{ else }}-{{ .To }}{{ end }}",
      "ana@x.exampleana@x.example-ana@x.example" },
    { "{{ range .List }}<{{ . }}>{{ end }}{{ range .None }}x{{ else }}none{{ end }}", "<a><b>none" },
    { "{{ range $i, $x := .List }}{{ $i }}={{ $x }} {{ end }}", "0=a 1=b " },
    { "{{ range $k, $v := .Identity.traits.name }}{{ $k }}:{{ $v }}{{ end }}", "first:Ana" },
    { "{{ range $x := .List }}{{ $x }}{{ $.To }}{{ end }}", "aana@x.examplebana@x.example" },
    { "{{ $x := .To }}{{ $y := 1 }}{{ if .Yes }}{{ $y = 2 }}{{ $x := 3 }}{{ $x }}{{ end }}{{ $x }}{{ $y }}",
      "3ana@x.example2" },
    { "{{ $t := .Identity.traits }}{{ $t.name.first }}", "Ana" },
    { "{{ define \"greet\" }}Hi {{ . }}!{{ end }}{{ template \"greet\" .Identity.traits.name.first }}", "Hi Ana!" },
    { "{{ template \"later\" . }}{{ define \"later\" }}{{ .To }}{{ $ := .To }}{{ end }}", "ana@x.example" },
    { "{{ define \"bare\" }}[{{ . }}]{{ end }}{{ template \"bare\" }}", "[]" },
    { "{{ eq .RecoveryCode \"123456\" }} {{ ne 1 2 }} {{ eq 1 2 3 1 }} {{ eq .Yes true }}", "true true true true" },
    { "{{ lt 1 2 }} {{ le 2 2 }} {{ gt \"b\" \"a\" }} {{ ge 1.5 2 }}", "true true true false" },
    { "{{ and .Yes .To }} {{ or .Empty .RecoveryCode }} {{ and .No .To }}", "ana@x.example 123456 false" },
    { "{{ len .List }}{{ len .To }} {{ index .List 1 }} {{ index .Identity \"traits\" \"email\" }}{{ index .List 9 }}",
      "213 b ana@x.example" },
    { "{{ printf \"%s is %d of %v, %q, 100%%\" .To 3 .Yes \"x\" }}", "ana@x.example is 3 of true, \"x\", 100%" },
    { "{{ html .Hostile }}", "&#34;&gt;&lt;script&gt;x&lt;/script&gt;&#39;&amp;" },
    { "{{ urlquery .RecoveryURL }}", "https%3A%2F%2Fid.example%2Fr%3Fa%3D1%26b%3D2" },
    { "{{ .To | upper | printf \"<%s>\" }} {{ \"\xc3\x84\" | lower }} {{ title \"ana b\" }}",
      "<ANA@X.EXAMPLE> \xc3\xa4 Ana B" },
    { "{{ trim \"  a b \\n\" }}|{{ trim \"  \" }}|{{ .Empty | default \"you\" }} {{ default \"x\" .To }}",
      "a b||you ana@x.example" },
    { "{{ quote .To }} {{ join \", \" .List }} {{ replace \"@\" \" at \" .To }}",
      "\"ana@x.example\" a, b ana at x.example" },
    { "{{ contains \"x.\" .To }}{{ hasPrefix \"ana\" .To }}{{ hasSuffix \"z\" .To }}", "truetruefalse" },
    { "{{ ternary \"a\" \"b\" .No }}{{ coalesce .Empty .To }}{{ empty .None }}{{ print 1 \"a\" }}",
      "bana@x.exampletrue1a" },
    { "{{ (index .List 0) }}{{ (.Identity).traits.email }}{{ len (list 1 2 3) }}", "aana@x.example3" },
    { "{{ if and (eq 1 1) (not .No) }}both{{ end }}", "both" },
};

static void templates_make_what_go_would(void **state)
{
    for (int i = 0; i < KR_DIM(TEXTS); i++) {
        const char *why = NULL, *made = render(*state, KR_TEMPLATE_TEXT, TEXTS[i].text, &why);

        if (!made || strcmp(made, TEXTS[i].made) != 0) fail_msg("%s\nmade %s (%s)", TEXTS[i].text, made, why);
    }
}

/* -- where a value stands in a page ------------------------------------------------------ */

static const struct {
    const char *text, *made;
} PAGES[] = {
    { "<p>{{ .Hostile }}</p>", "<p>&#34;&gt;&lt;script&gt;x&lt;/script&gt;&#39;&amp;</p>" },
    { "<title>{{ .Hostile }}</title>", "<title>&#34;&gt;&lt;script&gt;x&lt;/script&gt;&#39;&amp;</title>" },
    { "<p title=\"{{ .Hostile }}\" lang='{{ .To }}'>",
      "<p title=\"&#34;&gt;&lt;script&gt;x&lt;/script&gt;&#39;&amp;\" lang='ana@x.example'>" },
    { "<a href=\"{{ .RecoveryURL }}\">", "<a href=\"https://id.example/r?a=1&amp;b=2\">" },
    { "<A HREF='{{ .Script }}'>", "<A HREF='#'>" },
    { "<img src=\"{{ .Script }}\"/>", "<img src=\"#\"/>" },
    { "<a href=\"mailto:{{ .To }}?x={{ .Hostile }}\">",
      "<a href=\"mailto:ana%40x.example?x=%22%3E%3Cscript%3Ex%3C%2Fscript%3E%27%26\">" },
    { "<a href=\"{{ .Empty }}{{ .Script }}\">", "<a href=\"javascript%3Aalert%281%29\">" },
    { "<a href=\"{{ if .No }}x{{ end }}{{ .Script }}\">", "<a href=\"#\">" },
    { "<a href=\"{{ .Missing }}\">", "<a href=\"\">" },
    { "<a title=\"x\" href=\"{{ .Script }}\">", "<a title=\"x\" href=\"#\">" },
    { "<a data-with-a-name-that-is-rather-long=\"{{ .To }}\" href = '{{ .Script }}'>",
      "<a data-with-a-name-that-is-rather-long=\"ana@x.example\" href = '#'>" },
    { "<blockquote><b>{{ .To }}</b><a hidden href=\"{{ .Script }}\">",
      "<blockquote><b>ana@x.example</b><a hidden href=\"#\">" },
    { "<p {{ if .Yes }}class=\"a\"{{ end }}>{{ .To }}", "<p class=\"a\">ana@x.example" },
    { "1 < 2 {{ .Hostile }}", "1 < 2 &#34;&gt;&lt;script&gt;x&lt;/script&gt;&#39;&amp;" },
    { "<style>p { color: red }</style><!-- > --><!DOCTYPE html>{{ .To }}",
      "<style>p { color: red }</style><!-- > --><!DOCTYPE html>ana@x.example" },
    { "<script>if (a < b) { '</p>' }</script>{{ .Hostile }}",
      "<script>if (a < b) { '</p>' }</script>&#34;&gt;&lt;script&gt;x&lt;/script&gt;&#39;&amp;" },
    { "{{ define \"b\" }}<b>{{ .Hostile }}</b>{{ end }}<i>{{ template \"b\" . }}</i>",
      "<i><b>&#34;&gt;&lt;script&gt;x&lt;/script&gt;&#39;&amp;</b></i>" },
    { "{{ range .List }}<li class=\"{{ . }}\">{{ . }}{{ end }}", "<li class=\"a\">a<li class=\"b\">b" },
    { "{{ .To | printf \"<b>%s</b>\" }}", "&lt;b&gt;ana@x.example&lt;/b&gt;" },
};

static void values_are_escaped_by_where_they_stand(void **state)
{
    for (int i = 0; i < KR_DIM(PAGES); i++) {
        const char *why = NULL, *made = render(*state, KR_TEMPLATE_HTML, PAGES[i].text, &why);

        if (!made || strcmp(made, PAGES[i].made) != 0) fail_msg("%s\nmade %s (%s)", PAGES[i].text, made, why);
    }
}

static const struct {
    const char *text, *why;
} UNSAFE[] = {
    { "<a href=\"{{ if .Yes }}x{{ else }}javascript:{{ end }}{{ .To }}\">", "a URL that holds code or data" },
    { "<a href=\"java\nscript:{{ .To }}\">", "a URL that holds code or data" },
    { "<a href=\"                                javascript:{{ .To }}\">", "a URL that holds code or data" },
    { "<meta http-equiv=\"refresh\" content=\"0;url={{ .To }}\">", "an attribute that holds code or styles" },
    { "<script>{{ .To }}</script>", "inside a script or style" },
    { "<STYLE>{{ .To }}</STYLE>", "inside a script or style" },
    { "<p\nonclick=\"{{ .To }}\">", "letter.gotmpl:2: a value cannot stand in an attribute that holds code" },
    { "<p class=\"something\" onload=\"{{ .To }}\">", "an attribute that holds code" },
    { "<article><p>x</p></article><script>{{ .To }}</script>", "inside a script or style" },
    { "<a href=\" JavaScript:go('{{ .To }}')\">", "a URL that holds code" },
    { "<p style=\"color:{{ .To }}\">", "an attribute that holds code or styles" },
    { "<img srcset=\"{{ .To }}\">", "an attribute that holds code or styles" },
    { "<p>{{ .To | html | upper }}</p>", "letter.gotmpl:1: \"html\" can only be the last command" },
    { "<p>{{ urlquery .To | html }}</p>", "\"urlquery\" can only be the last command" },
    { "<p class={{ .To }}>", "needs quotes around it" },
    { "<p class=a{{ .To }}>", "needs quotes around it" },
    { "<p {{ .To }}>", "inside a tag" },
    { "<p {{ .To }}=\"x\">", "inside a tag" },
    { "<{{ .To }}>", "inside a tag" },
    { "</{{ .To }}>", "inside a tag" },
    { "<!-- {{ .To }} -->", "inside an HTML comment" },
    { "<!doctype {{ .To }}>", "inside a tag" },
    { "{{ if .To }}<p title=\"{{ end }}x\">", "different places of the page" },
    { "{{ range .List }}<p title=\"{{ end }}", "different places of the page" },
    { "<p title=\"x", "is not closed at the end" },
    { "<script>x", "is not closed at the end" },
    { "<p title=\"{{ template \"b\" }}\">{{ define \"b\" }}{{ end }}", "only be called between tags" },
};

static void where_no_value_is_safe_the_template_is_refused(void **state)
{
    for (int i = 0; i < KR_DIM(UNSAFE); i++) {
        const char *why = "";

        assert_null(compile(*state, KR_TEMPLATE_HTML, UNSAFE[i].text, &why));
        if (!strstr(why, UNSAFE[i].why)) fail_msg("%s\ntold %s", UNSAFE[i].text, why);
    }
}

/* -- what is refused ----------------------------------------------------------------------- */

static const struct {
    const char *text, *why;
} BROKEN[] = {
    { "{{ .To", "letter.gotmpl:1: an action is not closed" },
    { "\n\n{{ if .To }}\n", "letter.gotmpl:3: a block is not closed" },
    { "{{ range .To }}{{ else }}", "a block is not closed" },
    { "{{ if .To }}{{ else }}{{ else }}{{ end }}", "a second else" },
    { "{{ end }}", "{{ end }} without a block" },
    { "{{ else }}", "{{ else }} without a block" },
    { "{{ define \"a\" }}", "a definition is not closed" },
    { "{{ define a }}{{ end }}", "name in quotes is missing" },
    { "{{ if .To }}{{ define \"a\" }}{{ end }}{{ end }}", "a definition inside a block" },
    { "{{ template \"nowhere\" }}", "no template \"nowhere\" is defined" },
    { "{{ }}", "a value is missing" },
    { "{{ if }}{{ end }}", "a value is missing" },
    { "{{ \"a }}", "a string is not closed" },
    { "{{ `a }}", "a string is not closed" },
    { "{{ \"\\x\" }}", "an escape that is not known" },
    { "{{ /* }}", "a comment is not closed" },
    { "{{ /* a */ .To }}", "a comment must be all of its action" },
    { "{{ 12ab }}", "is no number" },
    { "{{ 99999999999999999999999999999999999999 }}", "is no number" },
    { "{{ $x }}", "the variable $x is not declared" },
    { "{{ $x = 1 }}", "the variable $x is not declared" },
    { "{{ if .To }}{{ $x := 1 }}{{ end }}{{ $x }}", "the variable $x is not declared" },
    { "{{ $x := 1 }}{{ define \"a\" }}{{ $x }}{{ end }}", "the variable $x is not declared" },
    { "{{ if $a, $b := .To }}{{ end }}", "only a range has two variables" },
    { "{{ env \"HOME\" }}", "there is no function \"env\"" },
    { "{{ call .To }}", "there is no function \"call\"" },
    { "{{ break }}", "there is no function \"break\"" },
    { "{{ len }}", "\"len\" is given 0 argument(s)" },
    { "{{ .To | ne }}", "\"ne\" is given 1 argument(s)" },
    { "{{ not 1 2 }}", "\"not\" is given 2 argument(s)" },
    { "{{ eq len .To }}", "needs parentheses" },
    { "{{ .To | .To }}", "only a function can stand behind |" },
    { "{{ .To .To }}", "a value takes no arguments" },
    { "{{ (.To }}", "a parenthesis is not closed" },
    { "{{ .To) }}", "something stands where the action should end" },
    { "{{ .To ; }}", "';' has no place in an action" },
    { "{{ \x01 }}", "a byte that has no place" },
    { "{{ printf \"%x\" 1 }}", "only %s %v %d %q %% are known" },
    { "{{ printf \"%s\" }}", "do not fit" },
    { "{{ printf \"%\" }}", "are known" },
    { "\xff", "is not valid UTF-8" },
};

static void mistakes_are_told_with_file_and_line(void **state)
{
    for (int i = 0; i < KR_DIM(BROKEN); i++) {
        const char *why = "";

        assert_null(compile(*state, KR_TEMPLATE_TEXT, BROKEN[i].text, &why));
        if (!strstr(why, BROKEN[i].why) || !strstr(why, "letter.gotmpl")) fail_msg("%s\ntold %s", BROKEN[i].text, why);
    }
}

static const char *repeated(apr_pool_t *pool, const char *text, int times)
{
    const apr_size_t len = strlen(text);
    char *out = apr_palloc(pool, len * (apr_size_t)times + 1);

    for (int i = 0; i < times; i++) memcpy(out + (apr_size_t)i * len, text, len);
    out[len * (apr_size_t)times] = '\0';
    return out;
}

static void what_nests_too_deeply_or_is_too_large_is_refused(void **state)
{
    static const char *const OPENERS[] = { "{{ if 1 }}", "{{ range .List }}", "{{ with 1 }}",
                                           "{{ if 0 }}{{ else if 1 }}" };
    const char *why;

    for (int i = 0; i < KR_DIM(OPENERS); i++) {
        assert_null(compile(*state, KR_TEMPLATE_TEXT, repeated(*state, OPENERS[i], 5000), &why));
        assert_non_null(strstr(why, "nests deeper"));
    }
    assert_null(compile(*state, KR_TEMPLATE_TEXT, apr_pstrcat(*state, "{{", repeated(*state, "(", 5000), NULL), &why));
    assert_non_null(strstr(why, "nests deeper"));
    assert_null(compile(*state, KR_TEMPLATE_TEXT,
                        apr_pstrcat(*state, "{{ list", repeated(*state, " 1", 100), " }}", NULL), &why));
    assert_non_null(strstr(why, "more than 32 arguments"));
    assert_null(compile(*state, KR_TEMPLATE_TEXT, repeated(*state, "0123456789abcdef", 16385), &why));
    assert_non_null(strstr(why, "larger than 256 KiB"));
}

/* Whatever is cut off anywhere: an answer, and no byte read beyond the end (ASan tells). */
static void every_cut_of_a_template_is_an_answer(void **state)
{
    for (int i = 0; i < KR_DIM(TEXTS); i++) {
        for (apr_size_t len = strlen(TEXTS[i].text); len--;) {
            kr_template_source_t source = { "cut", apr_pstrmemdup(*state, TEXTS[i].text, len), len };
            const char *why = NULL;
            const kr_template_t *tmpl = kr_template_make(*state, KR_TEMPLATE_HTML, &source, 1, &why);

            assert_true((tmpl == NULL) == (why != NULL));
            if (tmpl) kr_template_render(*state, tmpl, NULL, &why);
        }
    }
}

/* Each byte once turned into each of those that mean something. */
static void every_changed_byte_is_an_answer(void **state)
{
    static const char BYTES[] = "{}()|.$\"`-=:,/* \n<>'a0";
    apr_pool_t *pool;

    apr_pool_create(&pool, *state);
    for (int i = 0; i < KR_DIM(TEXTS); i++) {
        for (apr_size_t at = 0; TEXTS[i].text[at]; at++) {
            for (const char *b = BYTES; *b; b++) {
                char *text = apr_pstrdup(pool, TEXTS[i].text);
                const char *why = NULL;

                text[at] = *b;
                assert_true((render(pool, KR_TEMPLATE_HTML, text, &why) == NULL) == (why != NULL));
            }
            apr_pool_clear(pool);
        }
    }
}

/* -- with what it costs ----------------------------------------------------------------------- */

static const struct {
    const char *text, *why;
} ENDLESS[] = {
    { "{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}", "call each other too deeply" },
    { "{{ define \"a\" }}{{ template \"b\" . }}{{ template \"b\" . }}{{ end }}"
      "{{ define \"b\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}",
      "call each other too deeply" },
    { "{{ $x := \"0123456789abcdef\" }}{{ range .Many }}{{ $x = print $x $x }}{{ end }}", "make too much text" },
    { "{{ range .Many }}{{ range $.Many }}{{ range $.Many }}{{ end }}{{ end }}{{ end }}", "takes too many steps" },
    { "{{ range .Many }}{{ range $.Many }}{{ $.Long }}{{ end }}{{ end }}", "makes more than 256 KiB" },
    { "{{ replace \"a\" \"aaaaaaaaaaaaaaaaaaaa\" .Long }}{{ replace \"a\" .Long .Long }}", "too much text" },
    { "{{ range .Many }}{{ range $.Many }}{{ if contains \"x\" $.Blank }}{{ end }}{{ end }}{{ end }}", "too much text" },
    { "{{ range .Many }}{{ range $.Many }}{{ if join \"\" $.Blank }}{{ end }}{{ end }}{{ end }}", "too much text" },
    { "{{ range .Many }}{{ range $.Many }}{{ if replace \"a\" \"\" $.Long }}{{ end }}{{ end }}{{ end }}", "too much text" },
    { "{{ $x := list 1 }}{{ $x = list $x $x }}", "list: a list cannot hold lists" },
    { "{{ range .To }}{{ end }}", "the value is no list" },
    { "{{ len 1 }}", "letter.gotmpl:1: len: the value has no length" },
    { "{{ index .To 1 }}", "has no members of that kind" },
    { "{{ lt 1 \"a\" }}", "have no order" },
    { "{{ printf \"%d\" .To }}", "wants a whole number" },
    { "{{ printf .To 1 }}", "do not fit" },
    { "{{ join \",\" .To }}", "is no list" },
};

static void what_would_not_end_is_ended_with_a_reason(void **state)
{
    json_t *data = kr_json_parse(*state, DATA, strlen(DATA), NULL), *many = json_array();

    for (int i = 0; i < 100; i++) json_array_append_new(many, json_integer(i));
    json_object_set_new(data, "many", many);
    json_object_set_new(data, "blank", json_array());
    for (int i = 0; i < 5000; i++) json_array_append_new(json_object_get(data, "blank"), json_string(""));
    json_object_set_new(data, "long", json_string(repeated(*state, "a", 5000)));
    for (int i = 0; i < KR_DIM(ENDLESS); i++) {
        const char *why = "";
        const kr_template_t *tmpl = compile(*state, KR_TEMPLATE_TEXT, ENDLESS[i].text, &why);

        if (!tmpl) fail_msg("%s: %s", ENDLESS[i].text, why);
        if (kr_template_render(*state, tmpl, data, &why)) fail_msg("%s went through", ENDLESS[i].text);
        if (!strstr(why, ENDLESS[i].why)) fail_msg("%s\ntold %s", ENDLESS[i].text, why);
    }
}

/* -- several files --------------------------------------------------------------------------------- */

static void files_beside_a_template_lend_it_their_definitions(void **state)
{
    static const char MAIN[] = "{{ if eq .Identity.traits.email \"x\" }}-{{ else }}{{ template \"de\" . }}{{ end }}";
    static const char GERMAN[] = "text of its own{{ define \"de\" }}Code: {{ .RecoveryCode }}{{ end }}";
    const kr_template_source_t sources[] = { { "/t/email.subject.gotmpl", MAIN, sizeof(MAIN) - 1 },
                                             { "/t/email.subject.de.gotmpl", GERMAN, sizeof(GERMAN) - 1 } };
    json_t *data = kr_json_parse(*state, DATA, strlen(DATA), NULL);
    const char *why = NULL;
    const kr_template_t *tmpl = kr_template_make(*state, KR_TEMPLATE_TEXT, sources, 2, &why);

    assert_non_null(tmpl);
    assert_string_equal(kr_template_render(*state, tmpl, data, &why), "Code: 123456");
    assert_null(kr_template_make(*state, KR_TEMPLATE_TEXT, sources, 1, &why));
    assert_string_equal(why, "/t/email.subject.gotmpl:1: no template \"de\" is defined");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_make_what_go_would),
        cmocka_unit_test(values_are_escaped_by_where_they_stand),
        cmocka_unit_test(where_no_value_is_safe_the_template_is_refused),
        cmocka_unit_test(mistakes_are_told_with_file_and_line),
        cmocka_unit_test(what_nests_too_deeply_or_is_too_large_is_refused),
        cmocka_unit_test(every_cut_of_a_template_is_an_answer),
        cmocka_unit_test(every_changed_byte_is_an_answer),
        cmocka_unit_test(what_would_not_end_is_ended_with_a_reason),
        cmocka_unit_test(files_beside_a_template_lend_it_their_definitions),
    };

    return cmocka_run_group_tests_name("template", tests, open_pool, close_pool);
}
