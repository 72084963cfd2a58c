/* SPDX-License-Identifier: Apache-2.0 */
/* The manual page, from the table. */
#include <string.h>

#include "ctl.h"

/* Text of roff: a backslash, a dash that is no hyphen, and what would begin a request. */
static const char *roff(apr_pool_t *pool, const char *text)
{
    char *out = apr_palloc(pool, 3 * strlen(text) + 3), *to = out;

    if (*text == '.' || *text == '\'') to += apr_snprintf(to, 3, "\\&");
    for (; *text; text++) {
        if (*text == '\\')
            to += apr_snprintf(to, 3, "\\e");
        else if (*text == '-')
            to += apr_snprintf(to, 3, "\\-");
        else
            *to++ = *text;
    }
    *to = '\0';
    return out;
}

static void print_options(apr_pool_t *pool, const ctl_option_t *options)
{
    for (const ctl_option_t *o = options; o && o->name; o++)
        printf(".TP\n.B %s%s%s%s\n%s.\n", roff(pool, o->name), o->value ? " \\fI" : "",
               o->value ? roff(pool, o->value) : "", o->value ? "\\fR" : "", roff(pool, o->help));
}

static void print_command(apr_pool_t *pool, const ctl_command_t *c)
{
    printf(".SS kratosctl %s %s\n%c%s.\n", c->name, roff(pool, c->args), c->help[0] - 'a' + 'A',
           roff(pool, c->help + 1));
    if (c->more) printf("%s\n", roff(pool, c->more));
    if (c->options) print_options(pool, c->options);
}

static const char HEAD[] =
    ".\\\" Made by `kratosctl manual` from src/ctl/commands.c; do not edit.\n"
    ".TH KRATOSCTL 8 \"\" \"mod_kratos\" \"System administration\"\n"
    ".SH NAME\n"
    "kratosctl \\- accounts, sessions, mail and databases of mod_kratos\n"
    ".SH SYNOPSIS\n"
    ".B kratosctl\n"
    ".I COMMAND\n"
    "[\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]\n"
    ".SH DESCRIPTION\n"
    "The owner's tool beside httpd. It works on the database of a realm, with the realm's own settings,\n"
    "and may do so while httpd serves. It trusts whoever can read both: keep its rights with you.\n"
    ".PP\n"
    "Options stand before or after the arguments, as \\fB\\-\\-name value\\fR or \\fB\\-\\-name=value\\fR;\n"
    "\\fB\\-\\-\\fR ends them.\n";

static const char TAIL[] =
    ".SH OUTPUT\n"
    "Tables and objects are for people: control characters and the like are shown as \\ex1b.\n"
    "With \\fB\\-\\-json\\fR each row is one JSON object on a line of its own (JSON lines), and a single object\n"
    "is one such line. Members are those of Kratos' admin API.\n"
    "Rows go to standard output, all else to standard error.\n"
    ".SH EXIT STATUS\n"
    ".TP\n.B 0\nfine\n"
    ".TP\n.B 1\nfailed, and standard error says why; or \\fBmigrate \\-\\-dry\\-run\\fR found something to do\n"
    ".TP\n.B 2\nwrong use\n"
    ".TP\n.B 3\nwhat was asked for is not there\n"
    ".SH ENVIRONMENT\n"
    "\\fBKRATOS_CONFIG\\fR, \\fBKRATOS_DATABASE\\fR and \\fBKRATOS_REALM\\fR stand for the options of their names\n"
    "when these are not given.\n"
    ".SH EXAMPLES\n"
    ".nf\n"
    "export KRATOS_CONFIG=/etc/kratos/kratos.yml\n"
    "export KRATOS_DATABASE='sqlite3 /var/lib/kratos/kratos.sqlite'\n"
    "kratosctl identity create \\-\\-trait email=ana@example.org \\-\\-password\\-stdin <secret\n"
    "kratosctl session revoke \\-\\-identity ana@example.org\n"
    "kratosctl import \\-\\-format htpasswd \\-\\-trait username /etc/apache2/htpasswd\n"
    ".fi\n";

int ctl_manual(ctl_t *ctl)
{
    fputs(HEAD, stdout);
    puts(".SH COMMANDS");
    for (const ctl_command_t *c = ctl_commands; c->name; c++) print_command(ctl->pool, c);
    puts(".SH WHICH REALM\nAll commands that work with accounts, sessions or messages take these.");
    print_options(ctl->pool, ctl_connection_options);
    fputs(TAIL, stdout);
    return CTL_FINE;
}
