/* SPDX-License-Identifier: Apache-2.0 */
/* gyr completion: what a shell needs to know of our command line, written from the same tables as
 * --help. */
#include "cli/cli.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"

#include <string.h>

const struct cli_command completion_command = {
    .name = "completion",
    .usage = "bash|zsh|fish",
    .summary = "print what completes commands and options in a shell",
    .about =
        "Print a script for the shell. 'make install' puts it where shells look; else, for this\n"
        "session: source <(gyr completion bash)\n"
        "\n"
        "Exit code: 0 printed; 2 wrong usage.",
    .run = cmd_completion,
};

/* What may stand for an argument: words, or a file. */
static const char *words_of(const char *arg, struct buf *b)
{
    buf_reset(b);
    if (strcmp(arg, "LEVEL") == 0) {
        for (int i = 0; i < LOG_LEVELS; i++)
            buf_addf(b, "%s%s", i ? " " : "", log_level_names[i]);
    } else if (strchr(arg, '|') && strcspn(arg, "ABCDEFGHIJKLMNOPQRSTUVWXYZ[") == strlen(arg)) {
        for (const char *p = arg; *p; p++)
            buf_addc(b, *p == '|' ? ' ' : *p);
    }
    return b->len ? b->p : NULL;
}

static bool is_file(const char *arg)
{
    return strcmp(arg, "FILE") == 0 || strcmp(arg, "PATH") == 0 || strcmp(arg, "DIR") == 0;
}

/* "describe [OPTION…] NAME\nnew …": "describe new". What a command's first word may be. */
static void add_actions(struct buf *b, const struct cli_command *cmd)
{
    for (const char *p = cmd->usage; p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
        size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz|");

        if (n && b->len)
            buf_addc(b, ' ');
        for (size_t i = 0; i < n; i++)
            buf_addc(b, p[i] == '|' ? ' ' : p[i]);
    }
}

/* ---- bash ---- */

static void bash_option(const struct cli_opt *o, struct buf *words)
{
    const char *list = o->arg ? words_of(o->arg, words) : NULL;

    if (!o->arg)
        return;
    printf("        ");
    if (o->letter)
        printf("-%c | ", o->letter);
    printf("--%s) ", o->name);
    if (list)
        printf("_gyr_words '%s'", list);
    else
        printf(is_file(o->arg) ? "_gyr_files" : ":");
    printf("; return ;;\n");
}

static void bash_command(const struct cli_command *cmd, struct buf *b)
{
    printf("    %s)\n        case $prev in\n", cmd->name);
    for (uint32_t i = 0; i < cmd->n_opts; i++)
        bash_option(&cmd->opts[i], b);
    printf("        esac\n        options='--help");
    for (uint32_t i = 0; i < cmd->n_opts; i++)
        printf(" --%s", cmd->opts[i].name);
    buf_reset(b);
    add_actions(b, cmd);
    printf("'\n        actions='%s'\n        ;;\n", b->p);
}

static void print_bash(struct buf *b)
{
    printf("# bash completion for gyr\n"
           "_gyr_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\"); }\n"
           "_gyr_files() {\n"
           "    compopt -o filenames 2>/dev/null\n"
           "    mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
           "}\n"
           "_gyr() {\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local options='' actions='' commands='help");
    for (size_t i = 0; i < cli_n_commands; i++)
        printf(" %s", cli_commands[i]->name);
    printf("'\n"
           "    COMPREPLY=()\n"
           "    if [ \"$cur\" = = ]; then\n"
           "        cur=''\n"
           "    elif [ \"$prev\" = = ]; then\n"
           "        prev=${COMP_WORDS[COMP_CWORD-2]}\n"
           "    fi\n"
           "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
           "        _gyr_words \"$commands --help --version\"\n"
           "        return\n"
           "    fi\n"
           "    case ${COMP_WORDS[1]} in\n"
           "    help)\n"
           "        _gyr_words \"$commands\"\n"
           "        return\n"
           "        ;;\n");
    for (size_t i = 0; i < cli_n_commands; i++)
        bash_command(cli_commands[i], b);
    printf("    esac\n"
           "    if [ \"${cur:0:1}\" = - ]; then\n"
           "        _gyr_words \"$options\"\n"
           "    elif [ \"$COMP_CWORD\" -eq 2 ] && [ -n \"$actions\" ]; then\n"
           "        _gyr_words \"$actions\"\n"
           "    else\n"
           "        _gyr_files\n"
           "    fi\n"
           "}\n"
           "complete -F _gyr gyr\n");
}

/* ---- zsh and fish ---- */

/* Between single quotes, with a backslash before each of @p special. */
static void quoted(const char *s, const char *special)
{
    for (; *s; s++)
        if (*s == '\'')
            printf("'\\''");
        else
            printf(strchr(special, *s) ? "\\%c" : "%c", *s);
}

static void zsh_option(const struct cli_opt *o, struct buf *words)
{
    const char *list = o->arg ? words_of(o->arg, words) : NULL;

    printf("            ");
    if (o->letter)
        printf("{-%c,--%s}", o->letter, o->name);
    else
        printf("--%s", o->name);
    printf("'%s[", o->arg && !o->letter ? "=" : "");
    quoted(o->help, "[]:\\");
    printf("]");
    if (o->arg) {
        printf(":");
        quoted(o->arg, ":\\");
        printf(":");
    }
    if (list)
        printf("(%s)", list);
    else if (o->arg && is_file(o->arg))
        printf("_files");
    printf("' \\\n");
}

static void print_zsh(struct buf *b)
{
    printf("#compdef gyr\n"
           "_gyr() {\n"
           "    local -a commands\n"
           "    commands=(\n");
    for (size_t i = 0; i < cli_n_commands; i++) {
        printf("        '%s:", cli_commands[i]->name);
        quoted(cli_commands[i]->summary, ":\\");
        printf("'\n");
    }
    printf("    )\n"
           "    if (( CURRENT == 2 )); then\n"
           "        _describe command commands\n"
           "        return\n"
           "    fi\n"
           "    shift words\n"
           "    (( CURRENT-- ))\n"
           "    case $words[1] in\n");
    for (size_t i = 0; i < cli_n_commands; i++) {
        const struct cli_command *cmd = cli_commands[i];

        printf("    %s)\n        _arguments -s \\\n", cmd->name);
        for (uint32_t k = 0; k < cmd->n_opts; k++)
            zsh_option(&cmd->opts[k], b);
        buf_reset(b);
        add_actions(b, cmd);
        printf("            {-h,--help}'[show this text]'");
        if (b->len)
            printf(" \\\n            '1:action:(%s)'", b->p);
        printf(" \\\n            '*:file:_files'\n        ;;\n");
    }
    printf("    esac\n"
           "}\n"
           "_gyr \"$@\"\n");
}

static void fish_option(const struct cli_command *cmd, const struct cli_opt *o, struct buf *words)
{
    const char *list = o->arg ? words_of(o->arg, words) : NULL;

    printf("complete -c gyr -n '__fish_seen_subcommand_from %s' -l %s", cmd->name, o->name);
    if (o->letter)
        printf(" -s %c", o->letter);
    if (list)
        printf(" -x -a '%s'", list);
    else if (o->arg)
        printf(is_file(o->arg) ? " -r -F" : " -x");
    printf(" -d '");
    quoted(o->help, "\\");
    printf("'\n");
}

static void print_fish(struct buf *b)
{
    printf("# fish completion for gyr\n");
    for (size_t i = 0; i < cli_n_commands; i++) {
        const struct cli_command *cmd = cli_commands[i];

        printf("complete -c gyr -f -n __fish_use_subcommand -a %s -d '", cmd->name);
        quoted(cmd->summary, "\\");
        printf("'\n");
        for (uint32_t k = 0; k < cmd->n_opts; k++)
            fish_option(cmd, &cmd->opts[k], b);
        buf_reset(b);
        add_actions(b, cmd);
        if (b->len)
            printf("complete -c gyr -n '__fish_seen_subcommand_from %s; and not "
                   "__fish_seen_subcommand_from %s' -f -a '%s'\n",
                   cmd->name, b->p, b->p);
    }
}

int cmd_completion(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*print)(struct buf *b);
    } shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
    struct cli_parser p;
    struct buf b;
    int o;

    cli_begin(&p, &completion_command, argc, argv);
    while ((o = cli_next(&p)) >= 0)
        ;
    if (o == CLI_STOP)
        return p.exit_code;
    if (p.n_args != 1)
        return cli_usage(&completion_command, "say for which shell: bash, zsh or fish");
    for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
        if (strcmp(p.args[0], shells[i].name) != 0)
            continue;
        buf_init(&b, 65536);
        shells[i].print(&b);
        buf_free(&b);
        return CLI_FINE;
    }
    return cli_usage(&completion_command, "'%s' is none of bash, zsh and fish", p.args[0]);
}
