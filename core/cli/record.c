/* SPDX-License-Identifier: Apache-2.0 */
/* gyr record: the recorder. */
#include "cli/record.h"

#include "base/cleanup.h"
#include "cli/drive.h"
#include "cli/entry.h"
#include "cli/progress.h"

#include <string.h>

static const char PLUGIN[] = "record";

enum {
    OPT_READ,
    OPT_SOURCE,
    OPT_FILTER,
    OPT_SIZE,
    OPT_INTERVAL,
    OPT_KEEP,
    OPT_BUFFER,
    OPT_CONFIG,
    OPT_DIR,
    OPT_QUIET,
    OPT_VERBOSE,
    OPT_STATS
};

static const struct cli_opt opts[] = {
    [OPT_READ] = {"read", 0, "FILE", "record what is in a capture, not what happens now"},
    [OPT_SOURCE] = {"source", 0, "NAME",
                    "record this source of the configuration, or plugin (default: all, else the "
                    "best live one)"},
    [OPT_FILTER] = {"filter", 0, "CONDITION", "of all events, only those for which it holds"},
    [OPT_SIZE] = {"rotate-size", 0, "SIZE", "begin another file when one is as large: 100M"},
    [OPT_INTERVAL] = {"rotate-interval", 0, "TIME", "begin another file when one is as old: 1h"},
    [OPT_KEEP] = {"keep", 0, "N", "keep the last N files"},
    [OPT_BUFFER] = {"buffer", 0, "SIZE", "memory for what waits to be written (default: 8M)"},
    [OPT_CONFIG] = {"config", 'c', "FILE",
                    "configuration (default: /etc/gyr/gyr.yaml, else built in)"},
    [OPT_DIR] = {"plugin-dir", 0, "DIR", "look for plugins here first"},
    [OPT_QUIET] = {"quiet", 'q', NULL, "say nothing but errors"},
    [OPT_VERBOSE] = {"verbose", 'v', NULL, "say more of what happens"},
    [OPT_STATS] = {"stats", 0, NULL, "at the end, print all counters"},
};

const struct cli_command record_command = {
    .name = "record",
    .usage = "[OPTION…] FILE",
    .summary = "write what happens into a capture, to be replayed later",
    .about =
        "Write events into a capture in the .scap format, which sysdig reads, too. A FILE that\n"
        "ends in .gz is packed with gzip, one in .zst with zstd (which sysdig does not read).\n"
        "No rules are loaded. It ends with a signal (SIGINT, SIGTERM), or with what it reads.\n"
        "\n"
        "With --filter, events that do not pass but that later ones stand on (of opening files,\n"
        "of beginning and ending processes) are kept for their state alone: no reader shows\n"
        "them. With rotation, files are numbered: x.scap.gz becomes x.0001.scap.gz; FILE may\n"
        "say where the number goes ({n}), and what of the time is in it (%Y-%m-%d, as date(1)).\n"
        "Each file opens with the state of the machine, so that it can be read by itself.\n"
        "\n"
        "Exit code: 0 all that was to be recorded was, but for losses, which are told; 1\n"
        "something failed (what was written until then is readable); 2 wrong usage.",
    .opts = opts,
    .n_opts = ARRAY_LEN(opts),
    .run = cmd_record,
};

static int take_option(struct startup_conf *c, const struct cli_parser *p, int o, char **captures)
{
    switch (o) {
    case OPT_READ:
        if (c->n_captures == STARTUP_LIST_MAX)
            return cli_usage(c->cmd, "more than %d captures", STARTUP_LIST_MAX);
        c->captures = captures;
        captures[c->n_captures++] = (char *)(uintptr_t)p->value;
        break;
    case OPT_SOURCE:
        if (c->record.n_sources == RECORD_SOURCES_MAX)
            return cli_usage(c->cmd, "more than %d sources", RECORD_SOURCES_MAX);
        c->record.sources[c->record.n_sources++] = p->value;
        break;
    case OPT_FILTER:
        c->record.filter = p->value;
        break;
    case OPT_SIZE:
        c->record.rotate_size = p->value;
        break;
    case OPT_INTERVAL:
        c->record.rotate_interval = p->value;
        break;
    case OPT_KEEP:
        c->record.keep = p->value;
        break;
    case OPT_BUFFER:
        c->record.buffer = p->value;
        break;
    case OPT_CONFIG:
        c->config = p->value;
        break;
    case OPT_DIR:
        if (c->n_dirs == STARTUP_LIST_MAX)
            return cli_usage(c->cmd, "more than %d plugin folders", STARTUP_LIST_MAX);
        c->dirs[c->n_dirs++] = p->value;
        break;
    case OPT_QUIET:
        c->quiet = true;
        break;
    case OPT_VERBOSE:
        c->verbose = true;
        break;
    default:
        c->stats = true;
    }
    return 0;
}

int cmd_record(int argc, char **argv)
{
    static const char *dirs[STARTUP_LIST_MAX];
    static char *captures[STARTUP_LIST_MAX];
    struct startup_conf c = {.cmd = &record_command, .dirs = dirs, .record = {.only = true}};
    struct cli_parser p;
    int o, r;

    cli_begin(&p, &record_command, argc, argv);
    while ((o = cli_next(&p)) >= 0) {
        r = take_option(&c, &p, o, captures);
        if (r)
            return r;
    }
    if (o == CLI_STOP)
        return p.exit_code;
    if (p.n_args == 0)
        return cli_usage(&record_command, "name the file to write");
    if (p.n_args > 1)
        return cli_usage(&record_command, "'%s' is one word too many", p.args[1]);
    if (c.captures && c.record.n_sources)
        return cli_usage(&record_command, "--read and --source exclude each other");
    c.record.path = p.args[0];
    return drive(&c);
}

/* ---- what that is in a configuration ---- */

static struct ynode *options_of(const struct record_conf *c, struct arena *a)
{
    const struct {
        const char *key, *value;
    } all[] = {{"path", c->path},
               {"rotate_size", c->rotate_size},
               {"rotate_interval", c->rotate_interval},
               {"keep", c->keep},
               {"buffer", c->buffer}};
    struct ynode *map = yaml_nodes(a, Y_MAP, 2 * ARRAY_LEN(all));
    uint32_t n = 0;

    if (!map)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (!all[i].value)
            continue;
        map->items[n++] = yaml_str(a, all[i].key);
        map->items[n++] = yaml_str(a, all[i].value);
    }
    map->n = n / 2;
    return yaml_is_whole(map) ? map : NULL;
}

/* Without rules, fields are for the filter alone; who puts events into the stream stays. */
static bool is_needed(const struct record_conf *c, const struct plugin_conf *enricher)
{
    return !c->only || c->filter || strcmp(enricher->plugin, "process") != 0;
}

static int add_recorder(const struct record_conf *c, struct arena *a, struct config *cfg)
{
    struct plugin_conf *list = arena_array(a, cfg->n_enrichers + 1u, sizeof(*list));
    struct ynode *options = options_of(c, a);
    struct plugin_conf self;
    uint32_t n = 0;

    if (!list || !options)
        return -1;
    self = plugin_alone(PLUGIN, options);
    self.filter = c->filter;
    for (uint32_t i = 0; i < cfg->n_enrichers; i++) {
        if (!is_needed(c, &cfg->enrichers[i]))
            continue;
        if (strcmp(cfg->enrichers[i].name, self.name) == 0)
            self.name = "record of the command line";
        list[n++] = cfg->enrichers[i];
    }
    list[n++] = self;
    cfg->enrichers = list;
    cfg->n_enrichers = n;
    return 0;
}

/* Those of the configuration that are named, or plugins as they come. */
static int choose_sources(const struct record_conf *c, struct arena *a, struct config *cfg)
{
    struct plugin_conf *list = arena_array(a, c->n_sources + 1u, sizeof(*list));

    if (!list)
        return -1;
    for (uint32_t i = 0; i < c->n_sources; i++) {
        list[i] = plugin_alone(c->sources[i], NULL);
        for (uint32_t k = cfg->n_sources; k-- > 0;)
            if (strcmp(cfg->sources[k].name, c->sources[i]) == 0)
                list[i] = cfg->sources[k];
    }
    cfg->sources = list;
    cfg->n_sources = c->n_sources;
    return 0;
}

int record_use(const struct record_conf *c, struct arena *a, struct config *cfg)
{
    int r = 0;

    if (c->n_sources)
        r = choose_sources(c, a, cfg);
    if (r == 0)
        r = add_recorder(c, a, cfg);
    if (c->only) {
        cfg->n_outputs = cfg->n_rule_files = 0;
        cfg->adjust = (struct rule_adjust){0};
    }
    return r;
}

/* ---- what became of it ---- */

static uint64_t metric(struct instance *inst, const char *name)
{
    const char *const *names = NULL;
    const uint64_t *values = NULL;
    uint32_t n = instance_metrics(inst, &names, &values);

    for (uint32_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return values[i];
    return 0;
}

/* The next recorder at or behind place @p *at of source @p i; NULL: no more. */
static struct instance *next_recorder(struct pipeline *p, uint32_t i, uint32_t *at)
{
    while (*at < pipeline_n_enrichers(p, i)) {
        struct enricher_info info;

        pipeline_enricher(p, i, (*at)++, &info);
        if (strcmp(info.plugin->desc.name, PLUGIN) == 0)
            return info.instance;
    }
    return NULL;
}

static void add_recorder_line(struct buf *b, struct instance *inst)
{
    uint64_t files = metric(inst, "files"), dropped = metric(inst, "events_dropped"),
             late = metric(inst, "events_after_failure");

    buf_addf(b, "%s: ", inst->name);
    buf_add_grouped(b, metric(inst, "events_recorded"));
    buf_adds(b, " events recorded, ");
    buf_add_grouped(b, metric(inst, "bytes_written"));
    buf_addf(b, " bytes in %llu file%s\n", (unsigned long long)files, files == 1 ? "" : "s");
    if (dropped) {
        buf_addf(b, "%s: ", inst->name);
        buf_add_grouped(b, dropped);
        buf_adds(b, " events are not in it: they came faster than they could be written\n");
    }
    if (late) {
        buf_addf(b, "%s: ", inst->name);
        buf_add_grouped(b, late);
        buf_adds(b, " events came after the recording had failed\n");
    }
}

void record_print(FILE *f, struct pipeline *p)
{
    struct buf b;

    buf_init(&b, 1 << 16);
    for (uint32_t i = 0; i < pipeline_n_sources(p); i++) {
        struct instance *inst;

        for (uint32_t at = 0; (inst = next_recorder(p, i, &at));)
            add_recorder_line(&b, inst);
    }
    (void)fwrite(b.p, 1, b.len, f);
    buf_free(&b);
}

bool record_failed(struct pipeline *p)
{
    for (uint32_t i = 0; i < pipeline_n_sources(p); i++) {
        struct instance *inst;

        for (uint32_t at = 0; (inst = next_recorder(p, i, &at));)
            if (metric(inst, "write_errors"))
                return true;
    }
    return false;
}
