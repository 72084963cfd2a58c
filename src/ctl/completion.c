/* SPDX-License-Identifier: Apache-2.0 */
/* Completion scripts for shells, from the table. */
#include <string.h>

#include "ctl.h"

/* First words, each once; or, given a family, the second words of its commands. */
static const char *words_of(apr_pool_t *pool, const char *family)
{
    const char *out = "", *before = "";

    for (const ctl_command_t *c = ctl_commands; c->name; c++) {
        const char *blank = strchr(c->name, ' '), *word = c->name;

        if (family && (!blank || strncmp(c->name, family, strlen(family)) != 0 || c->name[strlen(family)] != ' '))
            continue;
        if (family)
            word = blank + 1;
        else if (blank)
            word = apr_pstrmemdup(pool, c->name, (apr_size_t)(blank - c->name));
        if (strcmp(word, before) != 0) out = apr_pstrcat(pool, out, *out ? " " : "", word, NULL);
        before = word;
    }
    return out;
}

static const char *options_of(apr_pool_t *pool, const ctl_command_t *command)
{
    const ctl_option_t *lists[CTL_OPTION_LISTS];
    const char *out = "";

    ctl_option_lists(lists, command);
    for (int i = 0; lists[i]; i++)
        for (const ctl_option_t *o = lists[i]; o->name; o++)
            out = apr_pstrcat(pool, out, *out ? " " : "", o->name, NULL);
    return out;
}

/* The first word of a family's first command; NULL for one of one word, and for those after the first. */
static const char *opens_family(apr_pool_t *pool, const ctl_command_t *c)
{
    const char *blank = strchr(c->name, ' ');
    const size_t len = blank ? (size_t)(blank - c->name) + 1 : 0;

    if (!blank || (c != ctl_commands && strncmp(c[-1].name, c->name, len) == 0)) return NULL;
    return apr_pstrmemdup(pool, c->name, len - 1);
}

static const char *spaced(apr_pool_t *pool, const char *choices)
{
    char *out = apr_pstrdup(pool, choices);

    for (char *p = out; *p; p++)
        if (*p == '|') *p = ' ';
    return out;
}

/* What may follow an option, a line for each name: where two commands differ, the first one counts. */
static void print_choices(apr_pool_t *pool, const char *format)
{
    const char *seen = " ";

    for (const ctl_command_t *c = ctl_commands; c->name; c++)
        for (const ctl_option_t *o = c->options; o && o->name; o++) {
            if (!o->choices || strstr(seen, apr_pstrcat(pool, " ", o->name, " ", NULL))) continue;
            seen = apr_pstrcat(pool, seen, o->name, " ", NULL);
            printf(format, o->name, spaced(pool, o->choices));
        }
}

/* A line for each family: its name, and the words that come second. */
static void print_families(apr_pool_t *pool, const char *format)
{
    for (const ctl_command_t *c = ctl_commands; c->name; c++) {
        const char *family = opens_family(pool, c);

        if (family) printf(format, family, words_of(pool, family));
    }
}

/* A line for each command: its name, and its options. */
static void print_options(apr_pool_t *pool, const char *format)
{
    for (const ctl_command_t *c = ctl_commands; c->name; c++) printf(format, c->name, options_of(pool, c));
}

/* -- bash ---------------------------------------------------------------------- */

static void print_bash(apr_pool_t *pool)
{
    printf(
        "# bash completion for kratosctl; made by `kratosctl completion bash`\n"
        "_kratosctl() {\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words=\n"
        "    case $before in\n");
    print_choices(pool, "    %s) mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$word\"); return ;;\n");
    printf("    --config | --sql) return ;;\n"
           "    esac\n"
           "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
           "        mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$word\")\n"
           "        return\n"
           "    fi\n"
           "    case $command in\n",
           words_of(pool, NULL));
    print_families(pool, "    %s)\n"
                         "        if [ \"$COMP_CWORD\" = 2 ]; then\n"
                         "            mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$word\")\n"
                         "            return\n"
                         "        fi\n"
                         "        command=\"$command ${COMP_WORDS[2]}\" ;;\n");
    printf("    esac\n"
           "    case $command in\n");
    print_options(pool, "    '%s') words='%s' ;;\n");
    printf("    esac\n"
           "    [[ $word != -* ]] || mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
           "}\n"
           "complete -o default -F _kratosctl kratosctl\n"); /* nothing of ours: names of files */
}

/* -- zsh ----------------------------------------------------------------------- */

static void print_zsh(apr_pool_t *pool)
{
    printf("#compdef kratosctl\n"
           "# zsh completion for kratosctl; made by `kratosctl completion zsh`\n"
           "_kratosctl() {\n"
           "    local command=$words[2]\n"
           "    case $words[CURRENT-1] in\n");
    print_choices(pool, "    %s) compadd -- %s; return ;;\n");
    printf("    --config|--sql) _files; return ;;\n"
           "    esac\n"
           "    if (( CURRENT == 2 )); then compadd -- %s; return; fi\n"
           "    case $command in\n",
           words_of(pool, NULL));
    print_families(pool, "    %s)\n"
                         "        if (( CURRENT == 3 )); then compadd -- %s; return; fi\n"
                         "        command=\"$command $words[3]\" ;;\n");
    printf("    esac\n"
           "    if [[ $words[CURRENT] != -* ]]; then _files; return; fi\n"
           "    case $command in\n");
    print_options(pool, "    '%s') compadd -- %s ;;\n");
    printf("    esac\n"
           "}\n"
           "_kratosctl \"$@\"\n");
}

/* -- fish ---------------------------------------------------------------------- */

/* Inside single quotes, where fish knows \' and \\. */
static const char *fish_quoted(apr_pool_t *pool, const char *text)
{
    char *out = apr_palloc(pool, 2 * strlen(text) + 3), *to = out;

    *to++ = '\'';
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\') *to++ = '\\';
        *to++ = *text;
    }
    *to++ = '\'';
    *to = '\0';
    return out;
}

static void print_fish_option(apr_pool_t *pool, const char *when, const ctl_option_t *o)
{
    printf("complete -c kratosctl -n %s -l %s%s", when, o->name + 2, o->value ? " -r" : "");
    if (o->choices) printf(" -f -a %s", fish_quoted(pool, spaced(pool, o->choices)));
    printf(" -d %s\n", fish_quoted(pool, o->help));
}

static void print_fish_command(apr_pool_t *pool, const ctl_command_t *c)
{
    const char *blank = strchr(c->name, ' '), *family = opens_family(pool, c), *when;
    const ctl_option_t *lists[CTL_OPTION_LISTS];

    if (family) printf("complete -c kratosctl -f -n __fish_use_subcommand -a %s\n", family);
    if (!blank)
        printf("complete -c kratosctl -f -n __fish_use_subcommand -a %s -d %s\n", c->name, fish_quoted(pool, c->help));
    else
        printf("complete -c kratosctl -f -n '__fish_seen_subcommand_from %.*s; and not __fish_seen_subcommand_from %s' "
               "-a %s -d %s\n",
               (int)(blank - c->name), c->name,
               words_of(pool, apr_pstrmemdup(pool, c->name, (apr_size_t)(blank - c->name))), blank + 1,
               fish_quoted(pool, c->help));
    when = blank ? apr_psprintf(pool, "'__fish_seen_subcommand_from %.*s; and __fish_seen_subcommand_from %s'",
                                (int)(blank - c->name), c->name, blank + 1)
                 : apr_psprintf(pool, "'__fish_seen_subcommand_from %s'", c->name);
    ctl_option_lists(lists, c);
    for (int i = 0; lists[i]; i++)
        for (const ctl_option_t *o = lists[i]; o->name; o++) print_fish_option(pool, when, o);
}

static void print_fish(apr_pool_t *pool)
{
    printf("# fish completion for kratosctl; made by `kratosctl completion fish`\n");
    for (const ctl_command_t *c = ctl_commands; c->name; c++) print_fish_command(pool, c);
}

int ctl_completion(ctl_t *ctl)
{
    static const struct {
        const char *shell;
        void (*print)(apr_pool_t *pool);
    } SHELLS[] = {
        { "bash", print_bash },
        { "zsh", print_zsh },
        { "fish", print_fish },
    };

    for (int i = 0; i < KR_DIM(SHELLS); i++)
        if (strcmp(SHELLS[i].shell, ctl_arg(ctl, 0)) == 0) {
            SHELLS[i].print(ctl->pool);
            return CTL_FINE;
        }
    return ctl_wrong(ctl, "bash, zsh and fish are the shells there are scripts for");
}
