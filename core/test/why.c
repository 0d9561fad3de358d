/* SPDX-License-Identifier: Apache-2.0 */
#include "test/why.h"

#include "base/text.h"
#include "engine/value.h"
#include "rules/print.h"

#include <inttypes.h>
#include <string.h>

enum { TEXT_MAX = 1 << 16, SHOWN_MAX = 12, VALUE_SHOWN = 120, CLAUSE_SHOWN = 200 };

void why_init(struct why *w, const struct rule *rule)
{
    *w = (struct why){.rule = rule};
    buf_init(&w->text, TEXT_MAX);
}

void why_free(struct why *w)
{
    buf_free(&w->text);
}

/* ---- what stands in the way ---- */

static bool holds(struct trace *t, const struct node *n)
{
    return trace_node(t, n) == TRACE_TRUE;
}

/* Is the part as it would have to be? What is pending is not true, and not false either. */
static bool is_as(struct trace *t, const struct node *n, bool want)
{
    return want ? holds(t, n) : trace_node(t, n) < TRACE_PENDING;
}

/* Must all of its kids be as wanted, or is one enough? */
static bool needs_all(const struct node *n, bool want)
{
    return n->kind == (want ? N_AND : N_OR);
}

static uint32_t count(struct trace *t, const struct node *n, bool want);

/* The kid that is nearest to what is wanted. */
static const struct node *nearest(struct trace *t, const struct node *n, bool want)
{
    const struct node *best = n->logic.kids[0];
    uint32_t least = UINT32_MAX;

    for (uint32_t i = 0; i < n->logic.n; i++) {
        uint32_t k = count(t, n->logic.kids[i], want);

        if (k < least) {
            least = k;
            best = n->logic.kids[i];
        }
    }
    return best;
}

static uint32_t count(struct trace *t, const struct node *n, bool want)
{
    uint32_t sum = 0;

    if (is_as(t, n, want))
        return 0;
    switch (n->kind) {
    case N_NOT:
        return count(t, n->logic.kids[0], !want);
    case N_AND:
    case N_OR:
        if (!needs_all(n, want))
            return count(t, nearest(t, n, want), want);
        for (uint32_t i = 0; i < n->logic.n; i++)
            sum += count(t, n->logic.kids[i], want);
        return sum;
    default:
        return 1;
    }
}

uint32_t why_blockers(struct trace *t, const struct node *condition)
{
    return count(t, condition, true);
}

/* ---- telling ---- */

void why_add_value(struct buf *b, struct trace *t, const struct node *n)
{
    struct gyr_value v;
    struct buf plain;

    if (!trace_value(t, n, &v))
        return;
    buf_init(&plain, TEXT_MAX);
    value_add_text(&plain, &v, GYR_F_DEC);
    buf_adds(b, ": it is '");
    text_add_safe(b, plain.p, plain.len < VALUE_SHOWN ? plain.len : VALUE_SHOWN);
    buf_adds(b, plain.len > VALUE_SHOWN ? "…'" : "'");
    buf_free(&plain);
}

static void add_clause(struct buf *b, struct trace *t, const struct node *n, bool want)
{
    struct loc l = n->text ? text_loc(n->text, n->off) : (struct loc){0};
    struct buf text;

    buf_init(&text, TEXT_MAX);
    node_print(&text, n);
    buf_addf(b, "    %s%s: ", trace_state_name(trace_node(t, n)), want ? "" : ", and must not be");
    text_add_safe(b, text.p, text.len < CLAUSE_SHOWN ? text.len : CLAUSE_SHOWN);
    if (text.len > CLAUSE_SHOWN)
        buf_adds(b, "…");
    buf_free(&text);
    if (n->kind == N_CMP)
        why_add_value(b, t, n);
    if (l.file)
        buf_addf(b, "\n      %s:%u:%u, %s", l.file->path, l.line, l.col, n->text->what);
    buf_addc(b, '\n');
}

static void tell(struct buf *b, struct trace *t, const struct node *n, bool want, uint32_t *shown)
{
    if (is_as(t, n, want) || *shown == SHOWN_MAX)
        return;
    switch (n->kind) {
    case N_NOT:
        tell(b, t, n->logic.kids[0], !want, shown);
        break;
    case N_AND:
    case N_OR:
        if (!needs_all(n, want)) {
            tell(b, t, nearest(t, n, want), want, shown);
            break;
        }
        for (uint32_t i = 0; i < n->logic.n; i++)
            tell(b, t, n->logic.kids[i], want, shown);
        break;
    default:
        (*shown)++;
        add_clause(b, t, n, want);
    }
}

void why_event(struct why *w, struct trace *t, const struct gyr_event *ev)
{
    uint32_t n, shown = 0;

    if (!trace_concerns(t, w->rule))
        return;
    n = why_blockers(t, w->rule->condition);
    if (w->concerned++ && n >= w->blockers)
        return;
    w->blockers = n;
    buf_reset(&w->text);
    buf_addf(&w->text, "nearest was event %" PRIu64 ", %s of thread %" PRId64 ":\n", ev->num,
             schema_event_name(w->rule->schema, ev->type, ev->subtype), ev->tid);
    tell(&w->text, t, w->rule->condition, true, &shown);
    if (n > shown)
        buf_addf(&w->text, "    and %u more\n", n - shown);
}

void why_tell(const struct why *w, struct buf *out)
{
    if (w->concerned)
        buf_add(out, w->text.p, w->text.len);
    else
        buf_adds(out, "no event was of a type that the rule is looked at for\n");
}
