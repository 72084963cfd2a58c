/* SPDX-License-Identifier: Apache-2.0 */
/* `kratosctl help`, from the table. */
#include <string.h>

#include "ctl.h"

static const char ABOUT[] = "kratosctl: the owner's tool of mod_kratos";
static const char STATUS[] = "Exit status: 0 fine, 1 failed, 2 wrong use, 3 not found.";

const char *ctl_synopsis(apr_pool_t *pool, const ctl_command_t *command)
{
    const char *out = apr_pstrcat(pool, "kratosctl ", command->name, NULL);

    if (command->options || command->needs) out = apr_pstrcat(pool, out, " [OPTIONS]", NULL);
    return *command->args ? apr_pstrcat(pool, out, " ", command->args, NULL) : out;
}

static void print_command(apr_pool_t *pool, FILE *to, const ctl_command_t *c)
{
    const char *words = *c->args ? apr_pstrcat(pool, c->name, " ", c->args, NULL) : c->name;

    fprintf(to, "  kratosctl %-36s %s\n", words, c->help);
}

static void print_options(apr_pool_t *pool, FILE *to, const char *title, const ctl_option_t *options)
{
    if (title) fprintf(to, "\n%s:\n", title);
    for (const ctl_option_t *o = options; o->name; o++)
        fprintf(to, "  %-27s %s\n", o->value ? apr_pstrcat(pool, o->name, " ", o->value, NULL) : o->name, o->help);
}

/* @return how many there are */
static int print_commands(apr_pool_t *pool, FILE *to, const char *family)
{
    const size_t len = family ? strlen(family) : 0;
    int n = 0;

    for (const ctl_command_t *c = ctl_commands; c->name; c++) {
        if (family && (strncmp(c->name, family, len) != 0 || c->name[len] != ' ')) continue;
        print_command(pool, to, c);
        n++;
    }
    return n;
}

static void print_whole(apr_pool_t *pool, FILE *to, const ctl_command_t *c)
{
    fprintf(to, "%s\n\n%c%s.%s%s\n", ctl_synopsis(pool, c), c->help[0] - 'a' + 'A', c->help + 1, c->more ? " " : "",
            c->more ? c->more : "");
    if (c->options) print_options(pool, to, "Options", c->options);
    if (c->needs & CTL_PRINTS) print_options(pool, to, "Output", ctl_output_options);
    if (c->needs & CTL_CONNECTS) print_options(pool, to, "Which realm", ctl_connection_options);
    fprintf(to, "\n%s\n", STATUS);
}

int ctl_help(apr_pool_t *pool, FILE *to, const char *topic)
{
    if (!topic) {
        fprintf(to, "%s\n\n", ABOUT);
        print_commands(pool, to, NULL);
        print_options(pool, to, "Which realm, for all that work with accounts", ctl_connection_options);
        fprintf(to, "\n`kratosctl help COMMAND` tells more. %s\n", STATUS);
        return 1;
    }
    for (const ctl_command_t *c = ctl_commands; c->name; c++)
        if (strcmp(c->name, topic) == 0) {
            print_whole(pool, to, c);
            return 1;
        }
    return print_commands(pool, to, topic) > 0;
}

int ctl_help_command(ctl_t *ctl)
{
    const char *first = ctl_arg(ctl, 0), *second = ctl_arg(ctl, 1);
    const char *topic = second ? apr_pstrcat(ctl->pool, first, " ", second, NULL) : first;

    return ctl_help(ctl->pool, stdout, topic) ? CTL_FINE : ctl_wrong(ctl, "there is no command %s", topic);
}
