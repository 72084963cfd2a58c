/* SPDX-License-Identifier: Apache-2.0 */
/* The report as a page in the dress of the other pages, and as JSON. Words say what a colour would. */
#include "diagnose.h"

#include <apr_strings.h>

#include "kr_json.h"
#include "kr_text.h"
#include "kr_ui.h"

static const struct {
    const char *json, *words, *open; /* of <strong> */
} STATES[] = {
    [KR_FINE] = { "ok", "OK", "<strong>" },
    [KR_LOOK] = { "look", "Look at this", "<strong>" },
    [KR_BROKEN] = { "broken", "Broken", "<strong class=\"bad\">" },
};

static const char *summary(kr_state_e state)
{
    switch (state) {
    case KR_BROKEN: return "Something is broken. What to do stands below.";
    case KR_LOOK: return "It works, but something deserves a look.";
    default: return "Everything that can be seen from here is well.";
    }
}

static const char *line_html(apr_pool_t *pool, const kr_line_t *line)
{
    const char *fix = line->fix ? apr_pstrcat(pool, "<p class=\"hint\">", kr_html_escape(pool, line->fix), "</p>", NULL) : "";

    return apr_pstrcat(pool, "<div><dt>", kr_html_escape(pool, line->name), "</dt><dd>", STATES[line->state].open,
                       STATES[line->state].words, ":</strong> ", kr_html_escape(pool, line->value), fix, "</dd></div>\n", NULL);
}

const char *kr_report_html(const kr_report_t *report, const char *home)
{
    apr_pool_t *pool = report->r->pool;
    apr_array_header_t *html = apr_array_make(pool, 64, sizeof(const char *));
    kr_state_e state = kr_report_state(report);
    const char *group = NULL;

    APR_ARRAY_PUSH(html, const char *) = apr_pstrcat(
        pool, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"robots\" content=\"noindex\">\n<title>",
        STATES[state].words, ": diagnosis</title>\n<link rel=\"icon\" href=\"data:,\">\n<link rel=\"stylesheet\" href=\"",
        kr_html_escape(pool, home), "/style.css?v=", kr_ui_css_version(pool), "\">\n</head>\n<body>\n<main>\n"
        "<h1>Diagnosis</h1>\n<p class=\"lead\">", summary(state), "</p>\n", NULL);
    for (int i = 0; i < report->lines->nelts; i++) {
        const kr_line_t *line = &APR_ARRAY_IDX(report->lines, i, kr_line_t);

        if (!group || strcmp(group, line->group)) {
            APR_ARRAY_PUSH(html, const char *) = apr_pstrcat(pool, group ? "</dl>\n</section>\n" : "", "<section>\n<h2>",
                                                             line->group, "</h2>\n<dl>\n", NULL);
            group = line->group;
        }
        APR_ARRAY_PUSH(html, const char *) = line_html(pool, line);
    }
    APR_ARRAY_PUSH(html, const char *) = group ? "</dl>\n</section>\n" : "";
    APR_ARRAY_PUSH(html, const char *) = "<p class=\"quiet small\">Others get 404 here: this page is for this machine, or "
                                         "for those whom KratosDiagnose and your Require lines let in.</p>\n</main>\n</body>\n</html>\n";
    return apr_array_pstrcat(pool, html, 0);
}

const char *kr_report_json(const kr_report_t *report)
{
    apr_pool_t *pool = report->r->pool;
    json_t *checks = json_array();

    for (int i = 0; i < report->lines->nelts; i++) {
        const kr_line_t *line = &APR_ARRAY_IDX(report->lines, i, kr_line_t);

        json_array_append_new(checks, json_pack("{s:s, s:s, s:s, s:o, s:o}", "group", line->group, "name", line->name,
                                                "status", STATES[line->state].json, "value", kr_json_string(line->value),
                                                "fix", kr_json_string(line->fix)));
    }
    return apr_pstrcat(pool, kr_json_dump(pool, kr_json_pack(pool, "{s:s, s:o}", "status",
                                                             STATES[kr_report_state(report)].json, "checks", checks),
                                          NULL), "\n", NULL);
}
