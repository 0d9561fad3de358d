/* SPDX-License-Identifier: Apache-2.0 */
/* gyr list: what rules and configurations may name. */
#include "base/cleanup.h"
#include "cli/catalogue.h"
#include "cli/cli.h"
#include "rules/ruleset.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_CONFIG, OPT_DIR, OPT_RULES, OPT_SOURCE };
enum { DIRS_MAX = 64, RULES_MAX = 256 };

static const struct cli_opt opts[] = {
    [OPT_CONFIG] = {"config", 'c', "FILE",
                    "configuration (default: /etc/gyr/gyr.yaml, else built in)"},
    [OPT_DIR] = {"plugin-dir", 0, "DIR", "look for plugins here first"},
    [OPT_RULES] = {"rules", 'r', "PATH", "rules: a file or folder, not the configuration's"},
    [OPT_SOURCE] = {"source", 's', "NAME", "only what is of this kind of event"},
};

const struct cli_command list_command = {
    .name = "list",
    .usage = "fields|events|plugins|outputs|rules [OPTION…] [PATTERN]",
    .summary = "list fields, events, plugins, outputs or rules",
    .about = "List what rules and configurations may name. PATTERN: a part of the name, or, with\n"
             "'*', '?' or '[', a pattern for the whole of it.\n"
             "\n"
             "  fields   name, type, who computes it ('-': no enabled plugin), what it is\n"
             "  events   name, category, parameters\n"
             "  plugins  name, version, what they are, file; and those that cannot be loaded\n"
             "  outputs  name of each that the configuration has, its plugin, what it takes\n"
             "  rules    priority, name, tags\n"
             "\n"
             "Exit code: 0 something was listed; 1 nothing was, or loading failed; 2 wrong usage.",
    .opts = opts,
    .n_opts = ARRAY_LEN(opts),
    .run = cmd_list,
};

struct list {
    struct catalogue c;
    const char *pattern, *source;
    const char *const *rules;
    uint32_t n_rules;
    uint32_t shown;
};

static bool takes(const struct list *l, const char *name)
{
    if (!l->pattern)
        return true;
    return strpbrk(l->pattern, "*?[") ? fnmatch(l->pattern, name, 0) == 0
                                      : strstr(name, l->pattern) != NULL;
}

static bool takes_source(const struct list *l, const char *source)
{
    return !l->source || strcmp(l->source, source) == 0;
}

/* ---- fields ---- */

static const char *field_type(const struct gyr_field *f)
{
    static const char *const names[] = {
        [GYR_T_NONE] = "any",    [GYR_T_BOOL] = "bool",     [GYR_T_I64] = "int",
        [GYR_T_U64] = "uint",    [GYR_T_DOUBLE] = "double", [GYR_T_STR] = "string",
        [GYR_T_BYTES] = "bytes", [GYR_T_TIME] = "time",     [GYR_T_DURATION] = "duration",
        [GYR_T_IP] = "ip",       [GYR_T_NET] = "network",
    };

    return names[f->type];
}

static void print_field(const struct list *l, const struct schema *s, const struct field_def *d)
{
    const char *by = catalogue_provider(&l->c, s, d);
    const char *arg = d->f.flags & GYR_FF_KEY ? "[name]" : d->f.flags & GYR_FF_INDEX ? "[n]" : "";
    char name[96], type[32];

    (void)snprintf(name, sizeof(name), "%s%s", d->f.name, arg);
    (void)snprintf(type, sizeof(type), "%s%s", field_type(&d->f),
                   d->f.flags & GYR_FF_LIST ? " list" : "");
    printf("%-34s %-11s %-10s %s\n", name, type, by ? by : "-", d->f.help ? d->f.help : "");
}

static int list_fields(struct list *l)
{
    for (uint32_t k = 0; k < l->c.schemas.n; k++) {
        const struct schema *s = l->c.schemas.list[k];

        if (!takes_source(l, s->name))
            continue;
        if (l->c.schemas.n > 1)
            printf("# %s\n", s->name);
        for (uint32_t i = 0; i < s->n_fields; i++)
            if (!(s->fields[i]->f.flags & GYR_FF_HIDDEN) && takes(l, s->fields[i]->f.name)) {
                print_field(l, s, s->fields[i]);
                l->shown++;
            }
    }
    return CLI_FINE;
}

/* ---- events ---- */

static const char *param_type(uint16_t type)
{
    static const char *const names[] = {
        [GYR_P_U8] = "u8",         [GYR_P_U16] = "u16",
        [GYR_P_U32] = "u32",       [GYR_P_U64] = "u64",
        [GYR_P_I8] = "i8",         [GYR_P_I16] = "i16",
        [GYR_P_I32] = "i32",       [GYR_P_I64] = "i64",
        [GYR_P_BOOL] = "bool",     [GYR_P_DOUBLE] = "double",
        [GYR_P_STR] = "string",    [GYR_P_BYTES] = "bytes",
        [GYR_P_TIME] = "time",     [GYR_P_DURATION] = "duration",
        [GYR_P_IP] = "ip",         [GYR_P_STRS] = "strings",
        [GYR_P_OPAQUE] = "opaque",
    };

    return names[type];
}

/* no rule can match these, or they go by the name of what they stand for */
static bool is_listed(const struct gyr_event_type *t)
{
    return !(t->flags & (GYR_ETF_OLD | GYR_ETF_SNAPSHOT | GYR_ETF_GENERIC));
}

static bool has_param(const struct gyr_event_type *t, const char *name)
{
    for (uint32_t i = 0; i < t->n_params; i++)
        if (strcmp(t->params[i].name, name) == 0)
            return true;
    return false;
}

/* All types of one name as rules see them: with every parameter that one of them has.
 * @return false: an earlier type has this name, and the line is there. */
static bool print_event(const struct schema *s, uint32_t first)
{
    const struct gyr_event_type *t = &s->types[first];
    uint32_t n = 0;

    for (uint32_t i = 0; i < first; i++)
        if (is_listed(&s->types[i]) && strcmp(s->types[i].name, t->name) == 0)
            return false;
    printf("%-24s %-12s (", t->name, t->category ? t->category : "");
    for (uint32_t i = first; i < s->n_types; i++) {
        const struct gyr_event_type *u = &s->types[i];

        if (!is_listed(u) || strcmp(u->name, t->name) != 0)
            continue;
        for (uint32_t k = 0; k < u->n_params; k++) {
            const struct gyr_param_def *p = &u->params[k];
            bool before = false;

            for (uint32_t j = first; j < i && !before; j++)
                before = is_listed(&s->types[j]) && strcmp(s->types[j].name, t->name) == 0 &&
                         has_param(&s->types[j], p->name);
            if (!before)
                printf("%s%s %s", n++ ? ", " : "", param_type(p->type), p->name);
        }
    }
    printf(")\n");
    return true;
}

static int list_events(struct list *l)
{
    for (uint32_t k = 0; k < l->c.schemas.n; k++) {
        const struct schema *s = l->c.schemas.list[k];

        if (!takes_source(l, s->name))
            continue;
        if (l->c.schemas.n > 1)
            printf("# %s\n", s->name);
        for (uint32_t i = 0; i < s->n_types; i++)
            if (is_listed(&s->types[i]) && takes(l, s->types[i].name))
                l->shown += print_event(s, i);
        for (uint32_t i = 0; i < s->n_subtype_ids; i++)
            if (s->subtype_names[i] && takes(l, s->subtype_names[i])) {
                printf("%-24s %-12s\n", s->subtype_names[i], "generic");
                l->shown++;
            }
    }
    return CLI_FINE;
}

/* ---- plugins ---- */

static int list_plugins(struct list *l)
{
    for (uint32_t i = 0; i < l->c.plugins.n; i++) {
        const struct plugin *p = l->c.plugins.list[i];
        char what[32];

        if (!takes(l, p->desc.name) ||
            (l->source && !(p->desc.source && takes_source(l, p->source.schema->name))))
            continue;
        (void)snprintf(what, sizeof(what), "%s%s%s", p->desc.source ? " source" : "",
                       p->desc.enricher ? " enricher" : "", p->desc.output ? " output" : "");
        printf("%-12s %-8s %-16s %s\n%-38s %s\n", p->desc.name, p->desc.version, what + 1, p->path,
               "", p->desc.summary ? p->desc.summary : "");
        l->shown++;
    }
    for (uint32_t i = 0; i < l->c.n_refused && !l->source; i++)
        if (takes(l, l->c.refused[i].path)) {
            printf("%-12s %s\n", "(refused)", l->c.refused[i].why);
            l->shown++;
        }
    return CLI_FINE;
}

/* ---- outputs ---- */

static int list_outputs(struct list *l)
{
    const struct config *cfg = l->c.config;

    for (uint32_t i = 0; i < cfg->n_outputs; i++) {
        const struct plugin_conf *o = &cfg->outputs[i];
        const struct plugin *p = l->c.outputs[i];

        if (!takes(l, o->name))
            continue;
        printf("%-16s %-12s %s and more urgent%s%s%s%s\n", o->name,
               p ? p->desc.name : "(not loaded)", priority_name(o->min_priority),
               o->rules ? ", by rule" : "", o->tags ? ", by tag" : "",
               o->spool.dir ? "; spool " : "", o->spool.dir ? o->spool.dir : "");
        l->shown++;
    }
    return CLI_FINE;
}

/* ---- rules ---- */

static int list_rules(struct list *l)
{
    const struct config *cfg = l->c.config;
    const struct ruleset_conf conf = {.paths = l->n_rules ? l->rules
                                                          : (const char *const *)cfg->rule_files,
                                      .n_paths = l->n_rules ? l->n_rules : cfg->n_rule_files,
                                      .schemas = &l->c.schemas,
                                      .max_priority = GYR_PRIO_DEBUG,
                                      .adjust = &cfg->adjust};
    struct ruleset *rs = NULL;

    if (ruleset_load(&conf, &l->c.diags, &rs) < 0) {
        cli_print_diags(&l->c.diags);
        return CLI_FAILED;
    }
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        const struct rule *r = rs->rules[i];

        if (!takes(l, r->name) || !takes_source(l, r->source))
            continue;
        printf("%-13s %s%s", priority_name(r->priority), r->name, r->enabled ? "" : " (disabled)");
        for (uint32_t k = 0; k < r->n_tags; k++)
            printf("%s%s", k ? ", " : "  [", r->tags[k]);
        printf("%s\n", r->n_tags ? "]" : "");
        l->shown++;
    }
    ruleset_free(rs);
    return CLI_FINE;
}

static const struct {
    const char *name;
    int (*run)(struct list *l);
} kinds[] = {
    {"fields", list_fields},   {"events", list_events}, {"plugins", list_plugins},
    {"outputs", list_outputs}, {"rules", list_rules},
};

static int list(struct list *l, const struct catalogue_conf *conf, size_t kind)
{
    int r = catalogue_load(conf, &l->c);

    if (r == -ENOMEM)
        return cli_fail(&list_command, "out of memory");
    if (r < 0)
        cli_print_diags(&l->c.diags); /* what could be loaded is listed all the same */
    if (!l->c.config)
        return CLI_FAILED;
    if (l->source && !schemas_find(&l->c.schemas, l->source))
        return cli_fail(&list_command, "no source plugin gives '%s' events", l->source);
    if (kinds[kind].run(l) != CLI_FINE)
        return CLI_FAILED;
    if (l->shown == 0)
        return cli_fail(&list_command, "there are no %s%s%s%s", kinds[kind].name,
                        l->pattern ? " like '" : "", l->pattern ? l->pattern : "",
                        l->pattern ? "'" : "");
    return r < 0 ? CLI_FAILED : CLI_FINE;
}

int cmd_list(int argc, char **argv)
{
    const char *dirs[DIRS_MAX], *rules[RULES_MAX];
    struct catalogue_conf conf = {.dirs = dirs};
    struct list l = {.rules = rules};
    struct cli_parser p;
    size_t kind;
    int o, r;

    cli_begin(&p, &list_command, argc, argv);
    while ((o = cli_next(&p)) >= 0)
        switch (o) {
        case OPT_CONFIG:
            conf.config = p.value;
            break;
        case OPT_DIR:
            if (conf.n_dirs == DIRS_MAX)
                return cli_usage(&list_command, "more than %d plugin folders", DIRS_MAX);
            dirs[conf.n_dirs++] = p.value;
            break;
        case OPT_RULES:
            if (l.n_rules == RULES_MAX)
                return cli_usage(&list_command, "more than %d paths of rules", RULES_MAX);
            rules[l.n_rules++] = p.value;
            break;
        default:
            l.source = p.value;
        }
    if (o == CLI_STOP)
        return p.exit_code;
    if (p.n_args < 1 || p.n_args > 2)
        return cli_usage(&list_command,
                         "say what to list: fields, events, plugins, outputs or rules");
    for (kind = 0; kind < ARRAY_LEN(kinds) && strcmp(kinds[kind].name, p.args[0]) != 0; kind++)
        ;
    if (kind == ARRAY_LEN(kinds))
        return cli_usage(&list_command,
                         "'%s' cannot be listed: fields, events, plugins, outputs or rules "
                         "can",
                         p.args[0]);
    l.pattern = p.n_args == 2 ? p.args[1] : NULL;
    r = list(&l, &conf, kind);
    catalogue_free(&l.c);
    return r;
}
