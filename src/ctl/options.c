/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: one or two words name a command; options stand anywhere, as "--name value" or "--name=value". */
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

/* -- what there is ----------------------------------------------------------- */

void ctl_option_lists(const ctl_option_t *lists[CTL_OPTION_LISTS], const ctl_command_t *command)
{
    int n = 0;

    if (command && command->options) lists[n++] = command->options;
    if (command && command->needs & CTL_PRINTS) lists[n++] = ctl_output_options;
    if (!command || command->needs & CTL_CONNECTS) lists[n++] = ctl_connection_options;
    lists[n++] = ctl_common_options;
    lists[n] = NULL;
}

const ctl_option_t *ctl_option_of(const ctl_command_t *command, const char *name)
{
    const ctl_option_t *lists[CTL_OPTION_LISTS];

    ctl_option_lists(lists, command);
    for (int i = 0; lists[i]; i++)
        for (const ctl_option_t *o = lists[i]; o->name; o++)
            if (strcmp(o->name, name) == 0) return o;
    return NULL;
}

static const ctl_command_t *command_named(const char *name)
{
    for (const ctl_command_t *c = ctl_commands; c->name; c++)
        if (strcmp(c->name, name) == 0) return c;
    return NULL;
}

/* -- reading ------------------------------------------------------------------- */

static int is_choice(const char *choices, const char *value)
{
    const size_t len = strlen(value);

    for (const char *at = choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
        if (strncmp(at, value, len) == 0 && len && (at[len] == '|' || !at[len])) return 1;
    return 0;
}

/* @param i  the option's place in argv; out: its value's, when that is a word of its own */
static int take_option(ctl_t *ctl, int *i, int argc, const char *const *argv)
{
    const char *word = argv[*i], *equals = strchr(word, '='), *value = NULL;
    const char *name = equals ? apr_pstrmemdup(ctl->pool, word, (apr_size_t)(equals - word)) : word;
    const ctl_option_t *option = ctl_option_of(ctl->command, strcmp(name, "-h") == 0 ? "--help" : name);

    if (!option) return ctl_wrong(ctl, "unknown option %s", name);
    if (!option->value && equals) return ctl_wrong(ctl, "%s takes no value", name);
    if (option->value) {
        value = equals ? equals + 1 : *i + 1 < argc ? argv[++*i] : NULL;
        if (!value) return ctl_wrong(ctl, "%s needs a value", name);
        if (option->choices && !is_choice(option->choices, value))
            return ctl_wrong(ctl, "%s is one of %s", name, option->choices);
    }
    if (strcmp(option->name, "--help") == 0) ctl->wants_help = 1;
    APR_ARRAY_PUSH(ctl->given, ctl_given_t) = (ctl_given_t){ option, value };
    return CTL_FINE;
}

/* One word names it, or two. @return how many words, 0 when there is no such command */
static int take_command(ctl_t *ctl, int argc, const char *const *argv)
{
    if (argc > 1) ctl->command = command_named(apr_pstrcat(ctl->pool, argv[0], " ", argv[1], NULL));
    if (ctl->command) return 2;
    ctl->command = command_named(argv[0]);
    return ctl->command ? 1 : 0;
}

static int is_family(const char *word)
{
    const size_t len = strlen(word);

    for (const ctl_command_t *c = ctl_commands; c->name; c++)
        if (strncmp(c->name, word, len) == 0 && c->name[len] == ' ') return 1;
    return 0;
}

static int unknown_command(ctl_t *ctl, int argc, const char *const *argv)
{
    if (!is_family(argv[0])) return ctl_wrong(ctl, "unknown command %s", argv[0]);
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        ctl->wants_help = 1;
        APR_ARRAY_PUSH(ctl->args, const char *) = argv[0];
        return CTL_FINE;
    }
    if (argc > 1) ctl_fail(ctl, "unknown command %s %s", argv[0], argv[1]);
    ctl_help(ctl->pool, stderr, argv[0]);
    return CTL_USAGE;
}

static int check_count(ctl_t *ctl)
{
    const ctl_command_t *c = ctl->command;

    if (ctl->args->nelts < c->min) return ctl_wrong(ctl, "%s is missing", c->args);
    if (c->max >= 0 && ctl->args->nelts > c->max) return ctl_wrong(ctl, "too many arguments");
    return CTL_FINE;
}

int ctl_parse(ctl_t *ctl, int argc, const char *const *argv)
{
    int i = 1, words, status;

    /* options of the connection may stand before the command, too */
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++)
        if ((status = take_option(ctl, &i, argc, argv))) return status;
    if (i >= argc) return ctl->wants_help ? CTL_FINE : ctl_wrong(ctl, "a command is missing");
    words = take_command(ctl, argc - i, argv + i);
    if (!words) return unknown_command(ctl, argc - i, argv + i);
    for (int k = 0; k < ctl->given->nelts; k++) {
        const char *name = APR_ARRAY_IDX(ctl->given, k, ctl_given_t).option->name;

        if (!ctl_option_of(ctl->command, name)) return ctl_wrong(ctl, "%s has no option %s", ctl->command->name, name);
    }
    for (i += words; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            while (++i < argc) APR_ARRAY_PUSH(ctl->args, const char *) = argv[i];
        } else if (argv[i][0] == '-' && argv[i][1]) {
            if ((status = take_option(ctl, &i, argc, argv))) return status;
        } else
            APR_ARRAY_PUSH(ctl->args, const char *) = argv[i];
    }
    return ctl->wants_help ? CTL_FINE : check_count(ctl);
}

/* -- asking -------------------------------------------------------------------- */

const char *ctl_option(const ctl_t *ctl, const char *name)
{
    for (int i = ctl->given->nelts; i-- > 0;) {
        const ctl_given_t *given = &APR_ARRAY_IDX(ctl->given, i, ctl_given_t);

        if (strcmp(given->option->name, name) == 0) return given->value;
    }
    return NULL;
}

int ctl_flag(const ctl_t *ctl, const char *name)
{
    for (int i = 0; i < ctl->given->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(ctl->given, i, ctl_given_t).option->name, name) == 0) return 1;
    return 0;
}

const char *ctl_arg(const ctl_t *ctl, int i)
{
    return i < ctl->args->nelts ? APR_ARRAY_IDX(ctl->args, i, const char *) : NULL;
}

int ctl_number(int *out, ctl_t *ctl, const char *name, int standard, int min, int max)
{
    const char *text = ctl_option(ctl, name);
    char *end;
    long n;

    *out = standard;
    if (!text) return 1;
    n = strtol(text, &end, 10);
    if (!*text || *end || n < min || n > max) {
        ctl_wrong(ctl, "%s is a number from %d to %d", name, min, max);
        return 0;
    }
    *out = (int)n;
    return 1;
}
