/* SPDX-License-Identifier: Apache-2.0 */
/* gyr check: are these rules, and this configuration, right? */
#include "base/cleanup.h"
#include "base/suggest.h"
#include "cli/catalogue.h"
#include "cli/cli.h"
#include "cli/findings.h"
#include "cli/usage.h"
#include "engine/evaluator.h"
#include "pipeline/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_CONFIG, OPT_DIR, OPT_NO_WARN, OPT_VERBOSE, OPT_JSON, OPT_QUIET };
enum { DIRS_MAX = 64, NAMES_SHOWN = 12 };

static const struct cli_opt opts[] = {
    [OPT_CONFIG] = {"config", 'c', "FILE",
                    "configuration (default: /etc/gyr/gyr.yaml, else "
                    "built in)"},
    [OPT_DIR] = {"plugin-dir", 0, "DIR", "look for plugins here first"},
    [OPT_NO_WARN] = {"no-warn", 'W', "CODE",
                     "say nothing of findings with this code (in [brackets]; 'all': of none)"},
    [OPT_VERBOSE] = {"verbose", 'v', NULL, "tell what replaces or changes what, too"},
    [OPT_JSON] = {"json", 'j', NULL, "print each finding as a line of JSON"},
    [OPT_QUIET] = {"quiet", 'q', NULL, "print nothing but what is wrong"},
};

const struct cli_command check_command = {
    .name = "check",
    .usage = "[OPTION…] [RULES…]",
    .summary = "check rules and configuration, and say what is wrong and where",
    .about =
        "Check the configuration with all its plugins and their options, then the rules: files,\n"
        "and folders whose *.yaml and *.yml are read in order; without RULES, those of the\n"
        "configuration. Nothing is started and no event is read. Fields that a rule names but\n"
        "no enabled plugin computes are told with the plugin that would.\n"
        "\n"
        "Besides errors, what is right but hardly meant is told: rules and exceptions that can\n"
        "never match, no event type, lists nobody uses. docs/rules.md explains each code.\n"
        "\n"
        "Exit code: 0 all is right (there may be warnings); 1 an error was found; 2 wrong usage.",
    .opts = opts,
    .n_opts = ARRAY_LEN(opts),
    .run = cmd_check,
};

struct options {
    uint64_t silenced;
    bool quiet, json, verbose;
};

/* ---- instances ---- */

/* Made to have their options and arguments of fields checked; never started. */
struct instances {
    struct instance **list;
    uint32_t n, cap;
};

static struct instance *make(struct catalogue *c, struct instances *all,
                             const struct plugin_conf *conf, struct plugin *plugin,
                             uint32_t capability)
{
    struct instance_conf ic = {
        .plugin = plugin,
        .capability = capability,
        .name = conf->name,
        .options = conf->options,
        .loc = conf->loc,
        .schemas = &c->schemas,
        .host_root = c->config->host_root,
    };
    struct instance *i = NULL;

    if (!plugin || all->n == all->cap || instance_new(&ic, &c->diags, &i) < 0)
        return NULL;
    all->list[all->n++] = i;
    return i;
}

static void check_options(struct catalogue *c, struct instances *all)
{
    const struct config *cfg = c->config;

    for (uint32_t i = 0; i < cfg->n_sources; i++)
        (void)make(c, all, &cfg->sources[i], c->sources[i], GYR_CAP_SOURCE);
    for (uint32_t i = 0; i < cfg->n_outputs; i++)
        (void)make(c, all, &cfg->outputs[i], c->outputs[i], GYR_CAP_OUTPUT);
}

static void free_instances(struct instances *all)
{
    while (all->n)
        instance_free(all->list[--all->n]);
    free(all->list);
}

/* ---- arguments of fields ---- */

static void ignore_match(void *ctx, const struct match *m)
{
    (void)ctx;
    (void)m;
}

static uint64_t no_time(void)
{
    return 0;
}

static void check_filters(const struct schemas *schemas, const struct evaluator_conf *eval,
                          const struct plugin_conf *const *entries, uint32_t n, struct diags *d)
{
    struct filter_conf conf = {.schemas = schemas, .eval = *eval};
    struct filter f;

    conf.eval.park = NULL;
    for (uint32_t i = 0; i < n; i++)
        if (entries[i]->filter && filter_new(&conf, entries[i], d, &f) == 0)
            filter_free(&f);
}

static int bind_with(const struct schemas *schemas, struct generation *g, uint32_t program,
                     struct provider *providers, const struct plugin_conf *const *entries,
                     uint32_t n, struct diags *d, struct gyr_error *err)
{
    const struct schema *s = schemas->list[program];
    const struct park_conf park = {.deadline_ns = 1, .max_events = 1, .max_bytes = 4096};
    struct scratch scratch = {0};
    const struct stream_pos pos = {0};
    struct corefields_conf core = {.schema = s,
                                   .pos = &pos,
                                   .scratch = &scratch,
                                   .others = providers,
                                   .n_others = n,
                                   .source_plugin = s->owner,
                                   .hostname = ""};
    struct evaluator_conf conf = {.generation = g,
                                  .program = program,
                                  .providers = providers,
                                  .n_providers = n + 1,
                                  .pos = &pos,
                                  .scratch = &scratch,
                                  .sink = {.match = ignore_match},
                                  .now_ns = no_time,
                                  .diags = d};
    struct evaluator *e = NULL;
    void *self = NULL;
    int r = -ENOMEM;

    if (scratch_init(&scratch) == 0 && park_new(&park, NULL, NULL, &conf.park) == 0 &&
        corefields_new(&core, &self) == 0) {
        providers[n] = (struct provider){.name = "core", .ops = &corefields_ops, .self = self};
        r = evaluator_new(&conf, &e, err);
        check_filters(schemas, &conf, entries, n, d);
    } else {
        (void)gyr_fail(err, r, "out of memory");
    }
    evaluator_unref(e);
    corefields_free(self);
    park_free(conf.park);
    scratch_free(&scratch);
    return r;
}

/* Let the providers have their say on every argument. */
static void check_arguments(struct catalogue *c, struct instances *all, struct generation *g)
{
    const struct config *cfg = c->config;
    struct provider *providers = calloc(cfg->n_enrichers + 1, sizeof(*providers));
    const struct plugin_conf **entries = calloc(cfg->n_enrichers + 1, sizeof(*entries));

    for (uint32_t k = 0; providers && entries && k < c->schemas.n && k < g->n_programs; k++) {
        const struct schema *s = c->schemas.list[k];
        struct gyr_error err = {0};
        uint32_t n = 0;

        for (uint32_t i = 0; i < cfg->n_enrichers; i++) {
            struct plugin *p = c->enrichers[i];
            const struct instance *inst;

            if (!p || !p->desc.enricher || !catalogue_serves(p, s))
                continue;
            inst = make(c, all, &cfg->enrichers[i], p, GYR_CAP_ENRICHER);
            if (!inst)
                continue;
            entries[n] = &cfg->enrichers[i];
            providers[n++] = (struct provider){
                .name = cfg->enrichers[i].name, .ops = &p->enricher, .self = inst->self};
        }
        if (bind_with(&c->schemas, g, k, providers, entries, n, &c->diags, &err) < 0 && err.msg[0])
            diag_error(&c->diags, (struct loc){0}, "%s", err.msg);
    }
    free(entries);
    free(providers);
}

/* ---- what nobody computes ---- */

static void print_missing(const struct catalogue *c, const struct schema *s, const uint32_t *counts,
                          const char *plugin)
{
    const struct plugin *p = plugin ? catalogue_plugin(c, plugin) : NULL;
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->n_fields; i++) {
        const struct field_def *f = s->fields[i];
        const char *by = f->f.provider;

        if (!counts[i] || (by != plugin && !(by && plugin && strcmp(by, plugin) == 0)) ||
            catalogue_provider(c, s, f))
            continue;
        if (n++ == 0 && plugin)
            printf("absent without plugin '%s' (%s):", plugin,
                   p ? "there, but not enabled" : "not installed");
        else if (n == 1)
            printf("absent, no plugin is known to compute:");
        if (n <= NAMES_SHOWN)
            printf("%s %s", n > 1 ? "," : "", f->f.name);
    }
    if (n > NAMES_SHOWN)
        printf(" and %u more", n - NAMES_SHOWN);
    if (n)
        printf("\n");
}

/* Fields that rules read and no enabled plugin computes, by the plugin that would. */
static void tell_missing(const struct catalogue *c, const struct schema *s,
                         const struct ruleset *rs)
{
    uint32_t *counts = calloc(s->n_fields + 1, sizeof(*counts));

    if (!counts)
        return;
    usage_count(rs, s, counts);
    for (uint32_t i = 0; i < s->n_fields; i++) {
        const char *plugin = s->fields[i]->f.provider;
        bool first = counts[i] > 0;

        for (uint32_t k = 0; k < i && first; k++) {
            const char *before = s->fields[k]->f.provider;

            first = !(counts[k] &&
                      (before == plugin || (before && plugin && strcmp(before, plugin) == 0)));
        }
        if (first)
            print_missing(c, s, counts, plugin);
    }
    free(counts);
}

/* ---- the whole ---- */

static void print_summary(const struct catalogue *c, const struct ruleset *rs)
{
    uint32_t off = 0;

    for (uint32_t i = 0; i < rs->n_rules; i++)
        off += !rs->rules[i]->enabled;
    printf("checked %u rules (%u disabled), %u macros and %u lists in %u files: no errors, %u "
           "warnings\n",
           rs->n_rules, off, rs->n_macros, rs->n_lists, rs->n_files, c->diags.n_warnings);
}

static void print_findings(const struct diags *d, const struct options *o)
{
    if (o->json)
        findings_print_json(d, stdout);
    else
        cli_print_diags(d);
}

static int check(struct catalogue *c, const char *const *paths, uint32_t n_paths,
                 const struct options *o)
{
    const struct config *cfg = c->config;
    const struct ruleset_conf conf = {.paths =
                                          n_paths ? paths : (const char *const *)cfg->rule_files,
                                      .n_paths = n_paths ? n_paths : cfg->n_rule_files,
                                      .schemas = &c->schemas,
                                      .max_priority = cfg->min_priority,
                                      .adjust = &cfg->adjust};
    struct instances all = {.cap = cfg->n_sources + cfg->n_outputs +
                                   cfg->n_enrichers * (c->schemas.n + 1)};
    struct generation *g = NULL;

    all.list = calloc(all.cap + 1, sizeof(struct instance *));
    if (!all.list)
        return cli_fail(&check_command, "out of memory");
    check_options(c, &all);
    if (c->schemas.n == 0)
        diag_error(&c->diags, (struct loc){0},
                   "there is no source plugin in any plugin folder, so nothing is known of events");
    else if (generation_new(&conf, 1, &c->diags, &g) == 0)
        check_arguments(c, &all, g);
    print_findings(&c->diags, o);
    if (g && !c->diags.n_errors && !o->quiet && !o->json) {
        for (uint32_t k = 0; k < c->schemas.n; k++)
            tell_missing(c, c->schemas.list[k], g->rules);
        print_summary(c, g->rules);
    }
    if (c->diags.n_errors && !o->json)
        (void)fprintf(stderr, "gyr: %u error%s, %u warning%s\n", c->diags.n_errors,
                      c->diags.n_errors == 1 ? "" : "s", c->diags.n_warnings,
                      c->diags.n_warnings == 1 ? "" : "s");
    generation_unref(g);
    free_instances(&all);
    return c->diags.n_errors ? CLI_FAILED : CLI_FINE;
}

/* @return 0, or CLI_USAGE after telling. */
static int silence(struct options *o, const char *name)
{
    int code = diag_code_find(name);
    struct suggest s;
    const char *best;

    if (code >= 0) {
        o->silenced |= (uint64_t)1 << code;
        return 0;
    }
    if (strcmp(name, "all") == 0) {
        o->silenced |= ~((uint64_t)1 << DIAG_NONE);
        return 0;
    }
    suggest_init(&s, name, strlen(name));
    for (int i = DIAG_NONE + 1; i < DIAG_CODE_MAX; i++)
        suggest_offer(&s, diag_code_name((enum diag_code)i));
    best = suggest_best(&s);
    return cli_usage(&check_command, "no warning has the code '%s'%s%s%s", name,
                     best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
}

int cmd_check(int argc, char **argv)
{
    const char *dirs[DIRS_MAX];
    struct catalogue_conf conf = {.dirs = dirs};
    struct catalogue c;
    struct cli_parser p;
    struct options options = {0};
    int o, r;

    cli_begin(&p, &check_command, argc, argv);
    while ((o = cli_next(&p)) >= 0)
        switch (o) {
        case OPT_CONFIG:
            conf.config = p.value;
            break;
        case OPT_DIR:
            if (conf.n_dirs == DIRS_MAX)
                return cli_usage(&check_command, "more than %d plugin folders", DIRS_MAX);
            dirs[conf.n_dirs++] = p.value;
            break;
        case OPT_NO_WARN:
            r = silence(&options, p.value);
            if (r)
                return r;
            break;
        case OPT_VERBOSE:
            options.verbose = true;
            break;
        case OPT_JSON:
            options.json = true;
            break;
        default:
            options.quiet = true;
        }
    if (o == CLI_STOP)
        return p.exit_code;
    if (options.quiet || !(options.verbose || options.json))
        options.silenced |= (uint64_t)1 << DIAG_OVERRIDES | (uint64_t)1 << DIAG_EMPTY_LIST;
    conf.lint = true;
    conf.silenced = options.silenced;
    r = catalogue_load(&conf, &c);
    if (r == -ENOMEM) {
        r = cli_fail(&check_command, "out of memory");
    } else if (!c.config) {
        print_findings(&c.diags, &options);
        r = CLI_FAILED;
    } else {
        r = check(&c, (const char *const *)p.args, (uint32_t)p.n_args, &options);
    }
    catalogue_free(&c);
    return r;
}
