/* SPDX-License-Identifier: Apache-2.0 */
/* gyr migrate: a falco.yaml as a gyr.yaml, and what cannot be one. */
#include "cli/migrate.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/cli.h"
#include "rules/ruleset.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum { MEM_MAX = 64 << 20, RESULT_MAX = 32 << 20 };

const struct cli_command migrate_command = {
    .name = "migrate",
    .usage = "FALCO.YAML",
    .summary = "print a configuration that does what a falco.yaml does",
    .about =
        "Read a configuration of Falco and print one of Gyr: what stays, what changes (as "
        "comments\n"
        "at the head), and on standard error what has no equivalent, and why. Rule files stay as\n"
        "they are. The result is complete: try it with 'gyr check -c'.\n"
        "\n"
        "Exit code: 0 it was printed (there may be warnings); 1 the file cannot be read; 2 wrong\n"
        "usage.",
    .run = cmd_migrate,
};

/* ---- the result ---- */

static void add_rules(const struct migration *m, struct buf *b)
{
    const struct ynode *select = ymap_get(m->root, "rules");
    const char *priority = migrate_text(m->root, "priority"),
               *matching = migrate_text(m->root, "rule_matching");

    buf_adds(b, "\nrules:\n");
    if (m->rules.len)
        buf_addf(b, "  files: [%s]\n", m->rules.p);
    buf_addf(b, "  min_priority: %s\n",
             priority && priority_parse(priority) >= 0 ? priority : "debug");
    if (select && select->kind == Y_SEQ && select->n) {
        buf_adds(b, "  select: ");
        migrate_value(b, select);
        buf_addc(b, '\n');
    }
    /* Falco's default; ours is all. */
    buf_addf(b, "rule_matching: %s\n",
             matching && strcasecmp(matching, "all") == 0 ? "all" : "first");
}

static void add_all(const struct migration *m, const char *path, struct buf *b)
{
    buf_adds(b, "# Made by 'gyr migrate ");
    text_add_safe(b, path, strlen(path));
    buf_addf(b, "'.\n%s", m->notes.p);
    if (m->sources.len)
        buf_addf(b, "\nsources:\n%s", m->sources.p);
    buf_addf(b, "\nenrichers:\n%s", m->enrichers.p);
    buf_addf(b, "\noutputs:%s\n%s", m->outputs.len ? "" : " []", m->outputs.p);
    add_rules(m, b);
    if (m->extras.len)
        buf_addf(b, "append_output:\n%s", m->extras.p);
    buf_adds(b, m->top.p);
}

int migrate_config(const char *path, const struct ynode *root, struct diags *d, struct buf *ret)
{
    struct migration m = {.root = root, .d = d};
    struct buf *const all[] = {&m.notes,   &m.top,   &m.sources, &m.enrichers,
                               &m.outputs, &m.rules, &m.extras};
    bool failed = false;

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_init(all[i], SECTION_MAX);
    migrate_keys(&m);
    buf_adds(&m.enrichers, "  - process\n  - docker\n  - containerd\n  - k8s\n");
    migrate_outputs(&m);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        failed = failed || all[i]->failed;
    if (!failed)
        add_all(&m, path, ret);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_free(all[i]);
    return failed || ret->failed ? -ENOMEM : 0;
}

/* ---- the command ---- */

static int migrate(struct arena *arena, struct diags *d, const char *path)
{
    struct ynode *root = NULL;
    struct buf b;
    int r;

    d->veils = true;
    r = yaml_load(path, arena, d, &root);
    if (r < 0)
        return CLI_FAILED;
    if (!root || root->kind != Y_MAP)
        return cli_fail(&migrate_command, "%s is no configuration: not a mapping", path);
    buf_init(&b, RESULT_MAX);
    r = migrate_config(path, root, d, &b);
    if (r == 0)
        (void)fputs(b.p, stdout);
    buf_free(&b);
    return r < 0 ? cli_fail(&migrate_command, "out of memory") : CLI_FINE;
}

int cmd_migrate(int argc, char **argv)
{
    struct cli_parser p;
    struct arena *arena;
    struct diags d;
    int o, r;

    cli_begin(&p, &migrate_command, argc, argv);
    o = cli_next(&p);
    if (o == CLI_STOP)
        return p.exit_code;
    if (p.n_args != 1)
        return cli_usage(&migrate_command, "one falco.yaml is needed");
    arena = arena_new(MEM_MAX);
    if (!arena)
        return cli_fail(&migrate_command, "out of memory");
    diags_init(&d, arena);
    r = migrate(arena, &d, p.args[0]);
    cli_print_diags(&d);
    arena_free(arena);
    return r;
}
