/* SPDX-License-Identifier: Apache-2.0 */
#include "test/coverage.h"

#include "base/map.h"
#include "rules/print.h"
#include "test/override.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MEM_MAX = 256 << 20, TEXT_MAX = 1 << 16 };

/* Kept as texts: sets of rules come and go with the tests that need them. */
struct covered_clause {
    const char *place, *text;
    bool is_true;
};

struct covered_rule {
    const char *name;
    struct map by_place;
};

struct coverage {
    struct arena *arena;
    struct map rules;
    bool no_memory;
    /* while a condition is gone through */
    struct covered_rule *rule;
    struct trace *trace;
};

struct coverage *coverage_new(void)
{
    struct coverage *c = calloc(1, sizeof(*c));

    if (c)
        c->arena = arena_new(MEM_MAX);
    if (c && !c->arena) {
        free(c);
        return NULL;
    }
    return c;
}

void coverage_free(struct coverage *c)
{
    if (!c)
        return;
    for (uint32_t i = 0; i < c->rules.n; i++)
        map_free(&((struct covered_rule *)c->rules.slots[i].value)->by_place);
    map_free(&c->rules);
    arena_free(c->arena);
    free(c);
}

/* Where it stands in the files. @return 0: in a test's own words, which are not to be tested. */
static size_t place_of(const struct node *n, char *out, size_t cap)
{
    struct loc l = text_loc(n->text, n->off);
    int k;

    if (l.file && strcmp(l.file->path, override_name) == 0)
        return 0;
    k = snprintf(out, cap, "%s:%u:%u", l.file ? l.file->path : "?", l.line, l.col);

    return k < 0 ? 0 : (size_t)k < cap ? (size_t)k : cap - 1;
}

static char *text_of(struct coverage *c, const struct node *n)
{
    struct buf b;
    char *s;

    buf_init(&b, TEXT_MAX);
    node_print(&b, n);
    s = arena_strndup(c->arena, b.p, b.len);
    buf_free(&b);
    return s;
}

static void add_clause(void *ctx, const struct node *n)
{
    struct coverage *c = ctx;
    struct covered_clause *k;
    char place[4096];
    size_t len = place_of(n, place, sizeof(place));

    if (len == 0 || map_get(&c->rule->by_place, place, len))
        return;
    k = arena_alloc(c->arena, sizeof(*k));
    if (k) {
        k->place = arena_strndup(c->arena, place, len);
        k->text = text_of(c, n);
    }
    if (!k || !k->place || !k->text || map_put(&c->rule->by_place, k->place, len, k) < 0)
        c->no_memory = true;
}

int coverage_add(struct coverage *c, const struct ruleset *rs)
{
    for (uint32_t i = 0; i < rs->n_rules && !c->no_memory; i++) {
        const struct rule *r = rs->rules[i];

        if (!r->enabled)
            continue;
        c->rule = map_gets(&c->rules, r->name);
        if (!c->rule) {
            c->rule = arena_alloc(c->arena, sizeof(*c->rule));
            if (c->rule)
                c->rule->name = arena_strdup(c->arena, r->name);
            if (!c->rule || !c->rule->name ||
                map_put(&c->rules, c->rule->name, strlen(c->rule->name), c->rule) < 0)
                return -ENOMEM;
        }
        node_each_clause(r->condition, add_clause, c);
    }
    return c->no_memory ? -ENOMEM : 0;
}

static void note_clause(void *ctx, const struct node *n)
{
    struct coverage *c = ctx;
    struct covered_clause *k;
    char place[4096];

    if (trace_node(c->trace, n) != TRACE_TRUE)
        return;
    k = map_get(&c->rule->by_place, place, place_of(n, place, sizeof(place)));
    if (k)
        k->is_true = true;
}

void coverage_event(struct coverage *c, struct trace *t, const struct ruleset *rs)
{
    c->trace = t;
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        const struct rule *r = rs->rules[i];

        if (!r->enabled || !trace_concerns(t, r))
            continue;
        c->rule = map_gets(&c->rules, r->name);
        if (c->rule)
            node_each_clause(r->condition, note_clause, c);
    }
}

double coverage_percent(struct coverage_count n)
{
    return n.clauses ? 100.0 * n.covered / n.clauses : 100.0;
}

static struct coverage_count count_rule(const struct covered_rule *r)
{
    struct coverage_count n = {.clauses = r->by_place.n};

    for (uint32_t i = 0; i < r->by_place.n; i++)
        n.covered += ((const struct covered_clause *)r->by_place.slots[i].value)->is_true;
    return n;
}

static void report_rule(const struct covered_rule *r, struct coverage_count n, struct buf *out)
{
    buf_addf(out, "%5.1f %%  %s (%u of %u)\n", coverage_percent(n), r->name, n.covered, n.clauses);
    for (uint32_t i = 0; i < r->by_place.n; i++) {
        const struct covered_clause *k = r->by_place.slots[i].value;

        if (!k->is_true)
            buf_addf(out, "         never true: %s\n                     %s\n", k->text, k->place);
    }
}

struct coverage_count coverage_report(const struct coverage *c, struct buf *out)
{
    struct coverage_count all = {0};

    for (uint32_t i = 0; i < c->rules.n; i++) {
        const struct covered_rule *r = c->rules.slots[i].value;
        struct coverage_count n = count_rule(r);

        report_rule(r, n, out);
        all.clauses += n.clauses;
        all.covered += n.covered;
    }
    buf_addf(out, "%5.1f %%  of all clauses (%u of %u), %u rules\n", coverage_percent(all),
             all.covered, all.clauses, c->rules.n);
    return all;
}
