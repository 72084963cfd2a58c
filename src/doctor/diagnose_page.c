/* SPDX-License-Identifier: Apache-2.0 */
/* The report as a page in the dress of the other pages, and as JSON. Words say what a colour would. */
#include "report.h"

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

static const char *summary(kr_health_e state)
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

static const char *section_html(apr_pool_t *pool, const char *group)
{
    return apr_pstrcat(pool, "<section>\n<div class=\"about\">\n<h2>", group, "</h2>\n</div>\n<div class=\"card\">\n<dl>\n", NULL);
}

static const char *content_html(const kr_report_t *report)
{
    static const char end[] = "</dl>\n</div>\n</section>\n";
    apr_pool_t *pool = report->r->pool;
    apr_array_header_t *html = apr_array_make(pool, 64, sizeof(const char *));
    const char *group = NULL;

    APR_ARRAY_PUSH(html, const char *) = apr_pstrcat(pool, "<p class=\"lead\">", summary(kr_report_state(report)), "</p>\n", NULL);
    for (int i = 0; i < report->lines->nelts; i++) {
        const kr_line_t *line = &APR_ARRAY_IDX(report->lines, i, kr_line_t);

        if (!group || strcmp(group, line->group)) {
            if (group) APR_ARRAY_PUSH(html, const char *) = end;
            APR_ARRAY_PUSH(html, const char *) = section_html(pool, line->group);
            group = line->group;
        }
        APR_ARRAY_PUSH(html, const char *) = line_html(pool, line);
    }
    APR_ARRAY_PUSH(html, const char *) = group ? end : "";
    APR_ARRAY_PUSH(html, const char *) = "<p class=\"quiet small\">Others get 404 here: this page is for those who have "
                                         "the key from the error log, or whom KratosDiagnose and your Require lines let in.</p>\n";
    return apr_array_pstrcat(pool, html, 0);
}

const char *kr_report_html(const kr_report_t *report, const char *home)
{
    apr_pool_t *pool = report->r->pool;
    kr_page_t page = { .title = "Diagnosis", .home = home, .wide = 1, .site = report->k->req->host };

    page.words = kr_pages_words(report->tenant->realm->pages, pool, "en", NULL);
    return kr_ui_page_around(pool, &page, STATES[kr_report_state(report)].words, content_html(report));
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
