/* SPDX-License-Identifier: Apache-2.0 */
#include "test/runner.h"

#include "base/suggest.h"
#include "cli/entry.h"
#include "test/describe.h"
#include "test/override.h"
#include "test/why.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SETS_MAX = 64, RESULT_MEM_MAX = 256 << 20, ALERTS_MAX = 100000, WHY_MAX = 1 << 18 };
static const uint64_t DEADLINE_NS = 20000000; /* nobody answers a test but its own events */

/* Rules that tests have in common, loaded. */
struct rule_set {
    const struct test_rules *of; /* of the first test that had them */
    struct config config;
    struct pipeline *base; /* never started: its schemas and rules serve the others */
    struct clauses *clauses;
    uint64_t used;
};

struct runner {
    struct runner_conf conf;
    struct arena *arena;
    struct rule_set sets[SETS_MAX];
    uint32_t n_sets;
    uint64_t uses;
    struct rule_set *set; /* of the test at hand */
    /* while one runs */
    const struct test *test;
    struct test_result *result;
    struct trace *trace;
    struct why *whys; /* by expectation; NULL: not asked */
    bool failed;      /* something had no room */
};

/* ---- what is heard of a run ---- */

static int watch_begin(void *ctx, const struct evaluator_conf *like, struct gyr_error *err)
{
    struct runner *r = ctx;

    if (!r->conf.coverage && !r->whys)
        return 0;
    if (!r->set->clauses) {
        int k = clauses_new(like->generation, like->program, &r->set->clauses, err);

        if (k < 0)
            return k;
    }
    return trace_new(r->set->clauses, like, &r->trace, err);
}

static void watch_event(void *ctx, const struct gyr_event *ev)
{
    struct runner *r = ctx;

    r->result->events++;
    if (!r->trace)
        return;
    trace_begin(r->trace, ev);
    if (r->conf.coverage)
        coverage_event(r->conf.coverage, r->trace, runner_rules(r));
    for (uint32_t i = 0; r->whys && i < r->test->n_expect; i++)
        if (r->whys[i].rule)
            why_event(&r->whys[i], r->trace, ev);
    trace_end(r->trace);
}

static struct test_alert *room_for_alert(struct runner *r)
{
    struct test_result *res = r->result;
    uint32_t want = res->cap_alerts ? res->cap_alerts * 2 : 8;
    struct test_alert *p;

    if (res->n_alerts < res->cap_alerts)
        return &res->alerts[res->n_alerts];
    p = want <= ALERTS_MAX ? arena_array(res->arena, want, sizeof(*p)) : NULL;
    if (!p)
        return NULL;
    if (res->n_alerts)
        memcpy(p, res->alerts, res->n_alerts * sizeof(*p));
    res->alerts = p;
    res->cap_alerts = want;
    return &p[res->n_alerts];
}

static void watch_alert(void *ctx, const struct gyr_alert *a)
{
    struct runner *r = ctx;
    struct arena *mem = r->result->arena;
    struct test_alert *t = room_for_alert(r);

    if (!t) {
        r->failed = true;
        return;
    }
    *t = (struct test_alert){.rule = arena_strdup(mem, a->rule),
                             .text = arena_strdup(mem, a->text),
                             .priority = a->priority,
                             .num = a->num,
                             .n_fields = a->n_fields};
    t->fields = arena_array(mem, a->n_fields + 1u, sizeof(*t->fields));
    if (!t->rule || !t->text || !t->fields) {
        r->failed = true;
        return;
    }
    for (uint32_t i = 0; i < a->n_fields; i++) {
        const struct gyr_alert_field *f = &a->fields[i];

        t->fields[i].name = arena_strdup(mem, f->name);
        if (f->value.type != GYR_T_NONE)
            t->fields[i].value = arena_strdup(mem, f->text);
        r->failed |= !t->fields[i].name;
    }
    r->result->n_alerts++;
}

/* ---- sources ---- */

static int source_options(struct arena *a, const char *key, const char *value,
                          struct plugin_conf *ret, const char *plugin)
{
    struct ynode *map = yaml_nodes(a, Y_MAP, 2);

    if (!map)
        return -ENOMEM;
    map->n = 1;
    map->items[0] = yaml_str(a, key);
    map->items[1] = yaml_str(a, value);
    if (!yaml_is_whole(map))
        return -ENOMEM;
    *ret = plugin_alone(plugin, map);
    return 0;
}

static struct config config_for(const struct runner *r, const struct test_rules *rules,
                                struct plugin_conf *source)
{
    struct config c = *r->conf.config;

    c.sources = source;
    c.n_sources = 1;
    c.n_outputs = 0;
    c.park_deadline_ns = DEADLINE_NS;
    if (rules->paths) {
        c.rule_files = rules->paths;
        c.n_rule_files = rules->n_paths;
    }
    return c;
}

/* ---- rules ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_rules(const struct test_rules *a, const struct test_rules *b)
{
    if (!same_text(a->more, b->more) || !a->paths != !b->paths || a->n_paths != b->n_paths)
        return false;
    for (uint32_t i = 0; i < a->n_paths; i++)
        if (strcmp(a->paths[i], b->paths[i]) != 0)
            return false;
    return true;
}

static void set_free(struct rule_set *s)
{
    clauses_free(s->clauses);
    pipeline_free(s->base);
    *s = (struct rule_set){0};
}

/* One without memory of its own, or the one that has not been used for longest. */
static struct rule_set *free_set(struct runner *r)
{
    struct rule_set *oldest = &r->sets[0];

    if (r->n_sets < SETS_MAX)
        return &r->sets[r->n_sets++];
    for (uint32_t i = 1; i < SETS_MAX; i++)
        if (r->sets[i].used < oldest->used)
            oldest = &r->sets[i];
    set_free(oldest);
    return oldest;
}

static int load_set(struct runner *r, const struct test *t, struct diags *d, struct rule_set *s)
{
    struct pipeline_conf pc = {.config = &s->config,
                               .plugins = r->conf.plugins,
                               .more_rules = t->rules.more,
                               .more_name = override_name};
    struct plugin_conf *source = arena_alloc(r->arena, sizeof(*source));
    int k =
        source ? source_options(r->arena, "text", describe_nothing, source, "scenario") : -ENOMEM;

    if (k < 0)
        return k;
    s->of = &t->rules;
    s->config = config_for(r, &t->rules, source);
    k = pipeline_new(&pc, d, &s->base);
    if (k == 0 && r->conf.coverage)
        k = coverage_add(r->conf.coverage, pipeline_generation(s->base)->rules);
    return k;
}

static int use_set(struct runner *r, const struct test *t, struct diags *d)
{
    struct rule_set *s = NULL;

    for (uint32_t i = 0; i < r->n_sets && !s; i++)
        if (r->sets[i].base && same_rules(r->sets[i].of, &t->rules))
            s = &r->sets[i];
    if (!s) {
        int k;

        s = free_set(r);
        k = load_set(r, t, d, s);
        if (k < 0) {
            set_free(s);
            return k;
        }
    }
    s->used = ++r->uses;
    r->set = s;
    return 0;
}

const struct ruleset *runner_rules(const struct runner *r)
{
    return pipeline_generation(r->set->base)->rules;
}

static const struct rule *rule_find(const struct ruleset *rs, const char *name)
{
    for (uint32_t i = 0; i < rs->n_rules; i++)
        if (strcmp(rs->rules[i]->name, name) == 0)
            return rs->rules[i];
    return NULL;
}

static void check_rule(const struct ruleset *rs, const char *name, struct loc loc, struct diags *d)
{
    const struct rule *r = rule_find(rs, name);
    struct suggest s;

    if (r && !r->enabled)
        diag_error(d, loc, "the rule '%.100s' is disabled", name);
    if (r)
        return;
    suggest_init(&s, name, strlen(name));
    for (uint32_t i = 0; i < rs->n_rules; i++)
        suggest_offer(&s, rs->rules[i]->name);
    diag_error(d, loc, "there is no rule '%.100s'%s", name, diag_hint(d, suggest_best(&s)));
}

/* A list or macro that a test replaces must be one that the rules have. */
static void check_overrides(const struct ruleset *rs, const struct ynode *map, bool lists,
                            struct diags *d)
{
    for (uint32_t i = 0; map && i < map->n; i++)
        for (uint32_t k = 0; k < rs->n_idle; k++)
            if (rs->idle[k].is_list == lists &&
                strcmp(rs->idle[k].name, map->items[2 * i]->str) == 0)
                diag_error(d, map->items[2 * i]->loc, "no rule uses a %s '%.100s'%s",
                           lists ? "list" : "macro", rs->idle[k].name, rs->idle[k].hint);
}

/* Rules that a test names must be there. */
static int check_names(struct runner *r, const struct test *t, struct diags *d)
{
    const struct ruleset *rs = runner_rules(r);
    uint32_t errors = d->n_errors;

    for (uint32_t i = 0; i < t->n_expect; i++)
        check_rule(rs, t->expect[i].rule, t->expect[i].loc, d);
    for (uint32_t i = 0; i < t->none.n; i++)
        check_rule(rs, t->none.rules[i], t->none.locs[i], d);
    for (uint32_t i = 0; i < 2; i++) {
        check_overrides(rs, t->lists[i], true, d);
        check_overrides(rs, t->macros[i], false, d);
    }
    return d->n_errors > errors ? -EINVAL : 0;
}

/* ---- a run ---- */

static int run_pipeline(struct runner *r, struct config *c, struct diags *d, struct gyr_error *err)
{
    const struct pipeline_watch watch = {r, watch_begin, watch_event, watch_alert};
    struct pipeline_conf pc = {
        .config = c, .plugins = r->conf.plugins, .like = r->set->base, .watch = &watch};
    struct pipeline *p = NULL;
    int k = pipeline_new(&pc, d, &p);

    if (k == 0)
        k = pipeline_run(p, err);
    trace_free(r->trace); /* before what it asks */
    r->trace = NULL;
    pipeline_free(p);
    return k;
}

/* What a plugin says of the description is told where the user wrote it. */
static void tell_own(const struct test *t, const struct diags *told, const struct gyr_error *err,
                     struct diags *d)
{
    for (const struct diag *x = told->first; x; x = x->next)
        if (x->severity == SEV_ERROR)
            describe_error(t, x->text, d);
    if (err->msg[0])
        diag_error(d, t->loc, "%s", err->msg);
}

static int run_test(struct runner *r, const struct test *t, struct diags *d)
{
    struct plugin_conf source;
    struct gyr_error err = {0};
    struct diags told;
    struct config c;
    char *text = t->capture ? NULL : describe_test(t);
    int k = -ENOMEM;

    diags_init(&told, r->result->arena);
    if (t->capture)
        k = source_options(r->result->arena, "path", t->capture, &source, "replay");
    else if (text)
        k = source_options(r->result->arena, "text", text, &source, "scenario");
    c = config_for(r, &t->rules, &source);
    if (k == 0)
        k = run_pipeline(r, &c, &told, &err);
    free(text);
    if (k < 0)
        tell_own(t, &told, &err, d);
    return k;
}

static int begin_whys(struct runner *r, const struct test *t)
{
    const struct ruleset *rs = runner_rules(r);

    r->whys = calloc(t->n_expect + 1u, sizeof(*r->whys));
    if (!r->whys)
        return -ENOMEM;
    for (uint32_t i = 0; i < t->n_expect; i++)
        why_init(&r->whys[i], rule_find(rs, t->expect[i].rule));
    return 0;
}

static void end_whys(struct runner *r, const struct test *t)
{
    struct test_result *res = r->result;
    struct buf b;

    buf_init(&b, WHY_MAX);
    res->why = arena_array(res->arena, t->n_expect + 1u, sizeof(*res->why));
    for (uint32_t i = 0; i < t->n_expect; i++) {
        if (!r->whys[i].rule)
            continue;
        buf_reset(&b);
        why_tell(&r->whys[i], &b);
        if (res->why)
            res->why[i] = arena_strndup(res->arena, b.p, b.len);
        why_free(&r->whys[i]);
    }
    buf_free(&b);
    free(r->whys);
    r->whys = NULL;
}

int runner_run(struct runner *r, const struct test *t, bool explain, struct diags *d,
               struct test_result *ret)
{
    int k;

    *ret = (struct test_result){.arena = arena_new(RESULT_MEM_MAX)};
    if (!ret->arena)
        return -ENOMEM;
    r->test = t;
    r->result = ret;
    r->failed = false;
    k = use_set(r, t, d);
    if (k == -EINVAL)
        return -ENOEXEC;
    if (k == 0)
        k = check_names(r, t, d);
    if (k == 0 && explain)
        k = begin_whys(r, t);
    if (k == 0)
        k = run_test(r, t, d);
    if (r->whys)
        end_whys(r, t);
    if (k == 0 && r->failed) {
        diag_error(d, t->loc, "there were more alerts than could be kept");
        k = -EINVAL;
    }
    return k;
}

void test_result_release(struct test_result *r)
{
    arena_free(r->arena);
    *r = (struct test_result){0};
}

int runner_new(const struct runner_conf *conf, struct runner **ret)
{
    struct runner *r = calloc(1, sizeof(*r));

    if (r)
        r->arena = arena_new(RESULT_MEM_MAX);
    if (!r || !r->arena) {
        free(r);
        return -ENOMEM;
    }
    r->conf = *conf;
    *ret = r;
    return 0;
}

void runner_free(struct runner *r)
{
    if (!r)
        return;
    for (uint32_t i = 0; i < r->n_sets; i++)
        set_free(&r->sets[i]);
    arena_free(r->arena);
    free(r);
}
