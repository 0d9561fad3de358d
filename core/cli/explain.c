/* SPDX-License-Identifier: Apache-2.0 */
/* gyr explain: what a rule looks at, and why it fired or did not. */
#include "base/cleanup.h"
#include "base/num.h"
#include "base/suggest.h"
#include "cli/catalogue.h"
#include "cli/cli.h"
#include "cli/explain_run.h"
#include "cli/tree.h"
#include "cli/usage.h"
#include "engine/generation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_CONFIG, OPT_RULES, OPT_DIR, OPT_EVENT, OPT_MATCHES, OPT_MISSES };
enum { LIST_MAX = 256, TEXT_MAX = 4 << 20, NAMES_SHOWN = 40 };

static const struct cli_opt opts[] = {
    [OPT_CONFIG] = {"config", 'c', "FILE",
                    "configuration (default: /etc/gyr/gyr.yaml, else built in)"},
    [OPT_RULES] = {"rules", 'r', "PATH", "rules: a file or folder, instead of the configuration's"},
    [OPT_DIR] = {"plugin-dir", 0, "DIR", "look for plugins here first"},
    [OPT_EVENT] = {"event", 'e', "NUM", "explain the event of this number (evt.num); repeat"},
    [OPT_MATCHES] = {"matches", 'm', "N", "explain the first N matches (default 1)"},
    [OPT_MISSES] = {"misses", 'n', "N", "explain the N nearest misses (default 1)"},
};

const struct cli_command explain_command = {
    .name = "explain",
    .usage = "[OPTION…] RULE [CAPTURE]",
    .summary = "show what a rule looks at, and why it fired or did not",
    .about =
        "Show the condition of RULE as a tree, with macros opened and exceptions in it, the event\n"
        "types it is looked at for, and the fields it reads with who computes them.\n"
        "\n"
        "With CAPTURE (- is standard input), show how each part came out on the first events that\n"
        "match, on those that came nearest to it, or on events chosen by --event:\n"
        "\n"
        "  true, false\n"
        "  absent    a field has no value: counts as false\n"
        "  pending   a value was still waited for when the event was looked at\n"
        "\n"
        "Exit code: 0 it was shown; 1 there is no such rule, or loading or reading failed; 2 "
        "wrong\n"
        "usage.",
    .opts = opts,
    .n_opts = ARRAY_LEN(opts),
    .run = cmd_explain,
};

/* ---- the rule by itself ---- */

static const struct rule *find_rule(const struct ruleset *rs, const char *name)
{
    struct suggest s;
    const char *best;

    for (uint32_t i = 0; i < rs->n_rules; i++)
        if (strcmp(rs->rules[i]->name, name) == 0)
            return rs->rules[i];
    suggest_init(&s, name, strlen(name));
    for (uint32_t i = 0; i < rs->n_rules; i++)
        suggest_offer(&s, rs->rules[i]->name);
    best = suggest_best(&s);
    (void)cli_fail(&explain_command, "there is no rule '%s'%s%s%s", name,
                   best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
    return NULL;
}

static void print_head(const struct rule *r)
{
    printf("%s (%s, source %s%s)\n", r->name, priority_name(r->priority), r->source,
           r->enabled ? "" : ", disabled");
    printf("  %s:%u\n", r->loc.file ? r->loc.file->path : "", r->loc.line);
    for (const char *p = r->desc; p && *p;) {
        size_t n = strcspn(p, "\n");

        printf("  %.*s\n", (int)n, p);
        p += n + (p[n] == '\n');
    }
    printf("%s", r->n_tags ? "  tags:" : "");
    for (uint32_t i = 0; i < r->n_tags; i++)
        printf(" %s", r->tags[i]);
    printf("%s\ncondition\n", r->n_tags ? "\n" : "");
}

static void show_event(const char *name, struct map *seen, uint32_t *n)
{
    if (!name || map_gets(seen, name) || map_put(seen, name, strlen(name), (void *)name) < 0)
        return;
    if ((*n)++ < NAMES_SHOWN)
        printf("%s%s", *n > 1 ? ", " : "  ", name);
}

static void print_events(const struct program *p, const struct rule *r)
{
    const struct schema *s = r->schema;
    struct map seen = {0};
    uint32_t n = 0;

    printf("\nevent types\n");
    for (uint32_t i = 0; i < s->n_types; i++) {
        const struct gyr_event_type *t = &s->types[i];

        if (t->flags & GYR_ETF_GENERIC)
            for (uint32_t k = 0; k < s->n_subtype_ids; k++)
                if (program_concerns(p, r, t->id, k))
                    show_event(s->subtype_names[k], &seen, &n);
        if (!(t->flags & GYR_ETF_GENERIC) && program_concerns(p, r, t->id, 0))
            show_event(t->name, &seen, &n);
    }
    if (n > NAMES_SHOWN)
        printf(" and %u more", n - NAMES_SHOWN);
    printf("%s\n", n ? "" : "  none: no event is looked at");
    map_free(&seen);
}

static void print_fields(const struct catalogue *c, const struct rule *r)
{
    struct rule *one = (struct rule *)r;
    const struct ruleset rs = {.rules = &one, .n_rules = 1};
    uint32_t *counts = calloc(r->schema->n_fields + 1u, sizeof(*counts));

    if (!counts)
        return;
    usage_count(&rs, r->schema, counts);
    printf("\nfields, and who computes them\n");
    for (uint32_t i = 0; i < r->schema->n_fields; i++) {
        const struct field_def *f = r->schema->fields[i];
        const char *by = catalogue_provider(c, r->schema, f);

        if (!counts[i])
            continue;
        printf("  %-28s %s%s\n", f->f.name, by ? by : "nobody: absent, but for plugin ",
               by              ? ""
               : f->f.provider ? f->f.provider
                               : "none that is known");
    }
    free(counts);
}

static int explain_rule(const struct catalogue *c, const struct generation *g, const struct rule *r)
{
    struct buf b;

    print_head(r);
    buf_init(&b, TEXT_MAX);
    tree_print(&b, r->condition, NULL);
    (void)fputs(b.p, stdout);
    buf_free(&b);
    print_events(g->programs[schemas_index(&c->schemas, r->source)], r);
    print_fields(c, r);
    return CLI_FINE;
}

/* ---- the command ---- */

struct options {
    const char *rules[LIST_MAX], *dirs[LIST_MAX];
    struct catalogue_conf catalogue;
    struct explain_conf run;
    uint32_t n_rules;
};

static int number(const char *s, uint64_t max, uint64_t *ret)
{
    if (parse_u64(s, strlen(s), ret) < 0 || *ret > max)
        return cli_usage(&explain_command, "'%s' is not a number up to %llu", s,
                         (unsigned long long)max);
    return 0;
}

static int read_option(struct options *o, const char *value, int opt)
{
    uint64_t n = 0;
    int r = 0;

    switch (opt) {
    case OPT_CONFIG:
        o->catalogue.config = value;
        break;
    case OPT_RULES:
    case OPT_DIR:
        if ((opt == OPT_RULES ? o->n_rules : o->catalogue.n_dirs) == LIST_MAX)
            return cli_usage(&explain_command, "more than %d of one option", LIST_MAX);
        if (opt == OPT_RULES)
            o->rules[o->n_rules++] = value;
        else
            o->dirs[o->catalogue.n_dirs++] = value;
        break;
    case OPT_EVENT:
        if (o->run.n_events == EXPLAIN_EVENTS_MAX)
            return cli_usage(&explain_command, "more than %d events", EXPLAIN_EVENTS_MAX);
        r = number(value, UINT64_MAX, &o->run.events[o->run.n_events]);
        o->run.n_events++;
        break;
    default:
        r = number(value, EXPLAIN_EVENTS_MAX, &n);
        *(opt == OPT_MATCHES ? &o->run.matches : &o->run.misses) = (uint32_t)n;
    }
    return r;
}

static int explain(struct catalogue *c, struct options *o, const char *name, const char *capture)
{
    struct config *cfg = c->config;
    struct ruleset_conf conf = {
        .schemas = &c->schemas, .max_priority = cfg->min_priority, .adjust = &cfg->adjust};
    struct generation *g = NULL;
    const struct rule *r;
    int k;

    if (o->n_rules) {
        cfg->rule_files = o->rules;
        cfg->n_rule_files = o->n_rules;
    }
    conf.paths = (const char *const *)cfg->rule_files;
    conf.n_paths = cfg->n_rule_files;
    if (generation_new(&conf, 1, &c->diags, &g) < 0) {
        cli_print_diags(&c->diags);
        return CLI_FAILED;
    }
    r = find_rule(g->rules, name);
    k = r ? explain_rule(c, g, r) : CLI_FAILED;
    if (r && capture && !r->enabled)
        k = cli_fail(&explain_command, "the rule '%s' is disabled: no event is looked at", name);
    else if (r && capture)
        k = explain_run(c, &o->run, name, capture);
    generation_unref(g);
    return k;
}

int cmd_explain(int argc, char **argv)
{
    static struct options o;
    struct catalogue c;
    struct cli_parser p;
    int opt, r;

    o = (struct options){.run = {.matches = 1, .misses = 1}};
    o.catalogue.dirs = o.dirs;
    cli_begin(&p, &explain_command, argc, argv);
    while ((opt = cli_next(&p)) >= 0) {
        r = read_option(&o, p.value, opt);
        if (r)
            return r;
    }
    if (opt == CLI_STOP)
        return p.exit_code;
    if (p.n_args < 1 || p.n_args > 2)
        return cli_usage(&explain_command,
                         p.n_args ? "more than a rule and a capture" : "no rule was named");
    r = catalogue_load(&o.catalogue, &c);
    if (r < 0 || !c.config) {
        cli_print_diags(&c.diags);
        r = CLI_FAILED;
    } else {
        r = explain(&c, &o, p.args[0], p.n_args > 1 ? p.args[1] : NULL);
    }
    catalogue_free(&c);
    return r;
}
