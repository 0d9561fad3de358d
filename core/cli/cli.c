/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/suggest.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGE_MAX = 4096 };

static void complain(const struct cli_command *cmd, const char *fmt, va_list ap)
{
    struct buf raw, safe;

    buf_init(&raw, MESSAGE_MAX);
    buf_init(&safe, 8 * MESSAGE_MAX);
    buf_vaddf(&raw, fmt, ap);
    text_add_safe(&safe, raw.p, raw.len);
    (void)fprintf(stderr, "%sgyr: %s%s%s\n", log_prefix(LOG_L_ERROR), cmd ? cmd->name : "",
                  cmd ? ": " : "", safe.p);
    buf_free(&raw);
    buf_free(&safe);
}

int cli_usage(const struct cli_command *cmd, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    complain(cmd, fmt, ap);
    va_end(ap);
    (void)fprintf(stderr, "Try 'gyr %s%s--help'.\n", cmd ? cmd->name : "", cmd ? " " : "");
    return CLI_USAGE;
}

int cli_fail(const struct cli_command *cmd, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    complain(cmd, fmt, ap);
    va_end(ap);
    return CLI_FAILED;
}

bool cli_color(FILE *f)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(fileno(f)) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

void cli_print_diags(const struct diags *d)
{
    (void)fflush(stdout);
    diags_print(d, stderr, cli_color(stderr));
}

static void print_usage(const struct cli_command *cmd)
{
    const char *p = cmd->usage;

    for (bool first = true; p; first = false) {
        const char *eol = strchr(p, '\n');

        printf("%s gyr %s %.*s\n", first ? "Usage:" : "   or:", cmd->name,
               (int)(eol ? (size_t)(eol - p) : strlen(p)), p);
        p = eol ? eol + 1 : NULL;
    }
}

static void print_help(const struct cli_command *cmd)
{
    print_usage(cmd);
    printf("\n%s\n\nOptions:\n", cmd->about);
    for (uint32_t i = 0; i < cmd->n_opts; i++) {
        const struct cli_opt *o = &cmd->opts[i];
        char left[64];

        (void)snprintf(left, sizeof(left), "%c%c%s --%s%s%s", o->letter ? '-' : ' ',
                       o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name,
                       o->arg ? " " : "", o->arg ? o->arg : "");
        printf("  %-28s %s\n", left, o->help);
    }
    printf("  %-28s %s\n", "-h, --help", "show this text");
}

void cli_begin(struct cli_parser *p, const struct cli_command *cmd, int argc, char **argv)
{
    *p = (struct cli_parser){
        .cmd = cmd, .argv = argv, .argc = argc, .at = 1, .args = argv + (argc > 0)};
}

static int stop(struct cli_parser *p, int exit_code)
{
    p->exit_code = exit_code;
    return CLI_STOP;
}

static int help(struct cli_parser *p)
{
    print_help(p->cmd);
    return stop(p, CLI_FINE);
}

/* The value stands behind the option, or is the next word. */
static int take_value(struct cli_parser *p, int i, const char *attached)
{
    const struct cli_opt *o = &p->cmd->opts[i];

    p->value = NULL;
    if (!o->arg && attached)
        return stop(p, cli_usage(p->cmd, "--%s takes no value", o->name));
    if (!o->arg)
        return i;
    if (!attached && p->at >= p->argc)
        return stop(p, cli_usage(p->cmd, "--%s needs a value: %s", o->name, o->arg));
    p->value = attached ? attached : p->argv[p->at++];
    return i;
}

static int next_long(struct cli_parser *p, const char *word)
{
    const char *eq = strchr(word, '='), *best;
    size_t n = eq ? (size_t)(eq - word) : strlen(word);
    struct suggest s;

    if (n == 4 && memcmp(word, "help", 4) == 0)
        return help(p);
    suggest_init(&s, word, n);
    suggest_offer(&s, "help");
    for (uint32_t i = 0; i < p->cmd->n_opts; i++) {
        const char *name = p->cmd->opts[i].name;

        if (strlen(name) == n && memcmp(name, word, n) == 0)
            return take_value(p, (int)i, eq ? eq + 1 : NULL);
        suggest_offer(&s, name);
    }
    best = suggest_best(&s);
    return stop(p, cli_usage(p->cmd, "unknown option --%.*s%s%s%s", (int)n, word,
                             best ? "; did you mean --" : "", best ? best : "", best ? "?" : ""));
}

static int next_short(struct cli_parser *p)
{
    char c = *p->cluster++;
    const char *rest = *p->cluster ? p->cluster : NULL;

    if (c == 'h')
        return help(p);
    for (uint32_t i = 0; i < p->cmd->n_opts; i++) {
        const struct cli_opt *o = &p->cmd->opts[i];

        if (o->letter != c)
            continue;
        if (!o->arg) {
            p->cluster = rest;
            p->value = NULL;
            return (int)i;
        }
        p->cluster = NULL;
        return take_value(p, (int)i, rest);
    }
    return stop(p, cli_usage(p->cmd, "unknown option -%c", c));
}

int cli_next(struct cli_parser *p)
{
    if (p->cluster)
        return next_short(p);
    while (p->at < p->argc) {
        char *word = p->argv[p->at++];

        if (!p->only_args && strcmp(word, "--") == 0) {
            p->only_args = true;
        } else if (p->only_args || word[0] != '-' || !word[1]) {
            p->args[p->n_args++] = word;
        } else if (word[1] == '-') {
            return next_long(p, word + 2);
        } else {
            p->cluster = word + 1;
            return next_short(p);
        }
    }
    return CLI_END;
}
