/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain_run.h"

#include "cli/cli.h"
#include "cli/entry.h"
#include "cli/tree.h"
#include "pipeline/pipeline.h"
#include "test/why.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { ONE_MAX = 1 << 20 };

/* An event worth telling of. */
struct shown {
    struct buf text;
    uint64_t num;
    uint32_t blockers; /* 0: it matched */
};

struct list {
    struct shown items[EXPLAIN_EVENTS_MAX];
    uint32_t n;
};

struct explaining {
    const struct explain_conf *conf;
    const char *name;
    const struct rule *rule; /* of the pipeline's rules */
    struct clauses *clauses;
    struct trace *trace;
    struct list matches, misses, chosen;
    uint64_t n_matches, n_concerned;
};

/* ---- on the source's thread ---- */

static int begin(void *ctx, const struct evaluator_conf *like, struct gyr_error *err)
{
    struct explaining *x = ctx;
    const struct ruleset *rs = like->generation->rules;
    int r;

    for (uint32_t i = 0; i < rs->n_rules; i++)
        if (strcmp(rs->rules[i]->name, x->name) == 0)
            x->rule = rs->rules[i];
    r = clauses_new(like->generation, like->program, &x->clauses, err);
    return r < 0 ? r : trace_new(x->clauses, like, &x->trace, err);
}

static void describe(struct shown *s, struct explaining *x, const struct gyr_event *ev,
                     uint32_t blockers)
{
    buf_reset(&s->text);
    s->num = ev->num;
    s->blockers = blockers;
    buf_addf(&s->text, "event %" PRIu64 ", %s of thread %" PRId64, ev->num,
             schema_event_name(x->rule->schema, ev->type, ev->subtype), ev->tid);
    if (!trace_concerns(x->trace, x->rule)) {
        buf_adds(&s->text, ": the rule is not looked at for events of this type\n");
        return;
    }
    buf_adds(&s->text, ":\n");
    tree_print(&s->text, x->rule->condition, x->trace);
}

/* The next free place; when there is none, that of the worst, if it is worse than this. */
static struct shown *place_for(struct list *l, uint32_t max, uint32_t blockers)
{
    struct shown *worst = NULL;

    if (l->n < max) {
        buf_init(&l->items[l->n].text, ONE_MAX);
        return &l->items[l->n++];
    }
    for (uint32_t i = 0; i < l->n; i++)
        if (!worst || l->items[i].blockers >= worst->blockers)
            worst = &l->items[i];
    return worst && worst->blockers > blockers ? worst : NULL;
}

static bool is_chosen(const struct explain_conf *c, uint64_t num)
{
    for (uint32_t i = 0; i < c->n_events; i++)
        if (c->events[i] == num)
            return true;
    return false;
}

static void look_at(struct explaining *x, const struct gyr_event *ev)
{
    const struct explain_conf *c = x->conf;
    bool concerns = trace_concerns(x->trace, x->rule);
    struct shown *s = NULL;
    uint32_t blockers;

    if (is_chosen(c, ev->num)) {
        s = place_for(&x->chosen, EXPLAIN_EVENTS_MAX, 0);
        if (s)
            describe(s, x, ev, 0);
    }
    if (!concerns)
        return;
    blockers = why_blockers(x->trace, x->rule->condition);
    x->n_concerned++;
    x->n_matches += blockers == 0;
    if (c->n_events)
        return;
    s = blockers ? place_for(&x->misses, c->misses, blockers)
                 : place_for(&x->matches, c->matches, 0);
    if (s)
        describe(s, x, ev, blockers);
}

static void event(void *ctx, const struct gyr_event *ev)
{
    struct explaining *x = ctx;

    if (!x->rule || schema_type(x->rule->schema, ev->type) == NULL)
        return;
    trace_begin(x->trace, ev);
    look_at(x, ev);
    trace_end(x->trace);
}

/* ---- main ---- */

static void print_list(const struct list *l, const char *what)
{
    for (uint32_t i = 0; i < l->n; i++)
        printf("\n%s%s", what, l->items[i].text.p);
}

static void print_all(const struct explaining *x)
{
    printf("\nof the capture's events %" PRIu64 " %s looked at, and %" PRIu64 " matched\n",
           x->n_concerned, x->n_concerned == 1 ? "was" : "were", x->n_matches);
    print_list(&x->chosen, "");
    print_list(&x->matches, "a match: ");
    print_list(&x->misses, "near: ");
}

static void free_list(struct list *l)
{
    for (uint32_t i = 0; i < l->n; i++)
        buf_free(&l->items[i].text);
}

static int tell_missing(const struct explaining *x)
{
    int r = CLI_FINE;

    for (uint32_t i = 0; i < x->conf->n_events; i++) {
        bool found = false;

        for (uint32_t k = 0; k < x->chosen.n && !found; k++)
            found = x->chosen.items[k].num == x->conf->events[i];
        if (!found)
            r = cli_fail(&explain_command, "the capture has no event %" PRIu64, x->conf->events[i]);
    }
    return r;
}

static int run(struct catalogue *c, struct explaining *x, struct config *cfg)
{
    const struct pipeline_watch watch = {x, begin, event, NULL};
    const struct pipeline_conf pc = {.config = cfg, .plugins = &c->plugins, .watch = &watch};
    struct gyr_error err = {0};
    struct pipeline *p = NULL;
    int r = pipeline_new(&pc, &c->diags, &p), k;

    if (r < 0) {
        cli_print_diags(&c->diags);
        r = CLI_FAILED;
    } else {
        k = pipeline_run(p, &err);
        if (k == 0 || x->n_concerned)
            print_all(x);
        r = k < 0 ? cli_fail(&explain_command, "%s", err.msg) : tell_missing(x);
    }
    trace_free(x->trace); /* before what it asks */
    clauses_free(x->clauses);
    pipeline_free(p);
    return r;
}

int explain_run(struct catalogue *c, const struct explain_conf *conf, const char *rule,
                const char *capture)
{
    struct explaining x = {.conf = conf, .name = rule};
    struct ynode *options = yaml_nodes(c->arena, Y_MAP, 2);
    struct config cfg = *c->config;
    struct plugin_conf source;
    int r;

    if (!options)
        return cli_fail(&explain_command, "out of memory");
    options->n = 1;
    options->items[0] = yaml_str(c->arena, "path");
    options->items[1] = yaml_str(c->arena, capture);
    if (!yaml_is_whole(options))
        return cli_fail(&explain_command, "out of memory");
    source = plugin_alone("replay", options);
    cfg.sources = &source;
    cfg.n_sources = 1;
    cfg.n_outputs = 0;
    r = run(c, &x, &cfg);
    free_list(&x.chosen);
    free_list(&x.matches);
    free_list(&x.misses);
    return r;
}
