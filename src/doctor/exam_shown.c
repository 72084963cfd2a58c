/* SPDX-License-Identifier: Apache-2.0 */
/* Do secrets stand where a page of httpd's own shows them? mod_info prints all lines of its configuration. */
#include "exam.h"

#include <apr_strings.h>
#include <util_cfgtree.h>

#include "kr_text.h"

/* What of a KratosSet line is secret: whole families, as a line may set an object that holds the rest. */
static int is_secret(const char *key, const char *value)
{
    static const char *const FAMILIES[] = { "secrets", "dsn", "courier.http", "courier.channels", "courier.smtp.headers",
                                            "selfservice.methods.oidc", "oauth2_provider" };

    for (int i = 0; i < KR_DIM(FAMILIES); i++) {
        apr_size_t len = strlen(FAMILIES[i]);

        if (!strncmp(key, FAMILIES[i], len) && (!key[len] || key[len] == '.')) return !strstr(value, "file://");
    }
    return !strncmp(key, "courier", 7) && strstr(value, "://") && strchr(value, '@');
}

static void look_at(kr_exam_t *exam, const ap_directive_t *line)
{
    const char *args = line->args, *word = ap_getword_conf(exam->ptemp, &args), *what = NULL;

    if (kr_line_is(line, "KratosSet") && is_secret(word, ap_getword_conf(exam->ptemp, &args)))
        what = apr_psprintf(exam->ptemp, "%s: put it into a file of KratosConfig", word);
    if (kr_line_is(line, "KratosDatabase") && strstr(args, "pass="))
        what = "the password of the database: put its parameters into a file and write KratosDatabase mysql file:///PATH";
    if (what)
        kr_advise(exam, KRLOGNO(1298), kr_line_where(exam->ptemp, line),
                  "mod_info is loaded, and its page shows this line with %s; or a2dismod info", what);
}

/* httpd itself has read these containers recursively before. */
static void look_at_all(kr_exam_t *exam, const ap_directive_t *line)
{
    for (; line; line = line->next) {
        if (line->first_child) look_at_all(exam, line->first_child);
        else look_at(exam, line);
    }
}

void kr_exam_shown(kr_exam_t *exam)
{
    if (ap_find_linked_module("mod_info.c")) look_at_all(exam, ap_conftree);
}
