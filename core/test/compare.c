/* SPDX-License-Identifier: Apache-2.0 */
#include "test/compare.h"

#include "base/text.h"
#include "engine/re2_shim.h"

#include <inttypes.h>
#include <string.h>

enum { SHOWN_MAX = 10 };

/* ---- one alert, one expectation ---- */

static const char *field_of(const struct test_alert *a, const char *name, bool *ret_known)
{
    *ret_known = false;
    for (uint32_t i = 0; i < a->n_fields; i++)
        if (strcmp(a->fields[i].name, name) == 0) {
            *ret_known = true;
            return a->fields[i].value;
        }
    return NULL;
}

static bool field_fits(const struct test_alert *a, const struct test_field *f)
{
    bool known;
    const char *v = field_of(a, f->name, &known);

    return known && (f->value ? v && strcmp(v, f->value) == 0 : !v);
}

static bool output_fits(const struct test_alert *a, const struct test_expect *e)
{
    if (!e->output.text)
        return true;
    if (e->output.regex)
        return regex_match(e->output.regex, a->text, strlen(a->text));
    return strcmp(a->text, e->output.text) == 0;
}

static bool priority_fits(const struct test_alert *a, const struct test_expect *e)
{
    return e->priority == UINT32_MAX || e->priority == a->priority;
}

static bool is_of(const struct test_alert *a, const char *rule)
{
    return strcmp(a->rule, rule) == 0;
}

/* How much of what is expected the alert is not. */
static uint32_t distance(const struct test_alert *a, const struct test_expect *e)
{
    uint32_t n = !output_fits(a, e) + !priority_fits(a, e);

    for (uint32_t i = 0; i < e->n_fields; i++)
        n += !field_fits(a, &e->fields[i]);
    return n;
}

/* ---- telling ---- */

static void add_safe(struct buf *b, const char *s)
{
    text_add_safe(b, s, strlen(s));
}

static void tell_text(struct buf *b, const char *what, const char *name, const char *expected,
                      const char *got)
{
    buf_addf(b, "    %s%s%s\n      expected  ", what, *name ? " " : "", name);
    add_safe(b, expected ? expected : "(absent)");
    buf_adds(b, "\n      got       ");
    add_safe(b, got ? got : "(absent)");
    buf_addc(b, '\n');
}

static void tell_difference(const struct test_alert *a, const struct test_expect *e, struct buf *b)
{
    bool known;

    if (!priority_fits(a, e))
        tell_text(b, "priority", "", priority_name(e->priority), priority_name(a->priority));
    if (!output_fits(a, e))
        tell_text(b, e->output.regex ? "output by regular expression" : "output", "",
                  e->output.text, a->text);
    for (uint32_t i = 0; i < e->n_fields; i++) {
        const struct test_field *f = &e->fields[i];
        const char *got = field_of(a, f->name, &known);

        if (!field_fits(a, f))
            tell_text(b, "field", f->name, f->value,
                      known ? got : "(the rule's output does not name this field)");
    }
}

static void tell_alert(const struct test_alert *a, struct buf *b)
{
    buf_addf(b, "'%s' at event %" PRIu64 ": ", a->rule, a->num);
    add_safe(b, a->text);
    buf_addc(b, '\n');
}

static struct test_alert *nearest(const struct test_expect *e, const struct test_result *r)
{
    struct test_alert *best = NULL;

    for (uint32_t i = 0; i < r->n_alerts; i++) {
        struct test_alert *a = &r->alerts[i];

        if (!a->taken && is_of(a, e->rule) && (!best || distance(a, e) < distance(best, e)))
            best = a;
    }
    return best;
}

static void tell_lines(struct buf *b, const char *lines)
{
    while (*lines) {
        size_t n = strcspn(lines, "\n");

        buf_adds(b, "    ");
        buf_add(b, lines, n);
        buf_addc(b, '\n');
        lines += n + (lines[n] == '\n');
    }
}

/* @param taken how many met it. */
static void tell_missing(const struct test *t, const struct test_result *r, uint32_t i,
                         uint32_t taken, struct buf *b)
{
    const struct test_expect *e = &t->expect[i];
    struct test_alert *a = nearest(e, r);

    if (e->min == 1)
        buf_addf(b, "  expected an alert of '%s'", e->rule);
    else
        buf_addf(b, "  expected %u alerts of '%s', and got %u of them", e->min, e->rule, taken);
    if (a) {
        buf_adds(b, "; nearest is ");
        tell_alert(a, b);
        tell_difference(a, e, b);
        a->taken = true; /* told */
        return;
    }
    buf_adds(b, taken ? "\n" : ", which did not fire\n");
    if (!taken && r->why && r->why[i])
        tell_lines(b, r->why[i]);
}

/* ---- matching ---- */

static uint32_t weight(const struct test_expect *e)
{
    return e->n_fields + (e->output.text != NULL) + (e->priority != UINT32_MAX);
}

/* Those that ask for more choose first. @return the next after @p done of them; UINT32_MAX. */
static uint32_t next_expect(const struct test *t, const uint64_t *seen)
{
    uint32_t best = UINT32_MAX;

    for (uint32_t i = 0; i < t->n_expect; i++)
        if (!(seen[i / 64] >> i % 64 & 1) &&
            (best == UINT32_MAX || weight(&t->expect[i]) > weight(&t->expect[best])))
            best = i;
    return best;
}

static uint32_t take(const struct test_expect *e, struct test_result *r)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < r->n_alerts && n < e->max; i++) {
        struct test_alert *a = &r->alerts[i];

        if (!a->taken && is_of(a, e->rule) && distance(a, e) == 0) {
            a->taken = true;
            n++;
        }
    }
    return n;
}

static uint32_t compare_any_order(const struct test *t, struct test_result *r, struct buf *out)
{
    uint64_t *seen = arena_array(r->arena, t->n_expect / 64 + 1, sizeof(*seen));
    uint32_t *taken = arena_array(r->arena, t->n_expect + 1u, sizeof(*taken));
    uint32_t i, bad = 0;

    if (!seen || !taken) {
        buf_adds(out, "  out of memory\n");
        return 1;
    }
    while ((i = next_expect(t, seen)) != UINT32_MAX) {
        seen[i / 64] |= UINT64_C(1) << i % 64;
        taken[i] = take(&t->expect[i], r);
    }
    for (i = 0; i < t->n_expect; i++)
        if (taken[i] < t->expect[i].min) {
            tell_missing(t, r, i, taken[i], out);
            bad++;
        }
    return bad;
}

static bool is_expected_rule(const struct test *t, const char *rule)
{
    for (uint32_t i = 0; i < t->n_expect; i++)
        if (strcmp(t->expect[i].rule, rule) == 0)
            return true;
    return false;
}

static uint32_t compare_in_order(const struct test *t, struct test_result *r, struct buf *out)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < t->n_expect; i++) {
        const struct test_expect *e = &t->expect[i];
        uint32_t n = 0;

        for (; n < e->max; n++, at++) {
            while (at < r->n_alerts && !is_expected_rule(t, r->alerts[at].rule))
                at++;
            if (at == r->n_alerts || !is_of(&r->alerts[at], e->rule) || distance(&r->alerts[at], e))
                break;
            r->alerts[at].taken = true;
        }
        if (n >= e->min)
            continue;
        if (at < r->n_alerts && !is_of(&r->alerts[at], e->rule)) {
            buf_addf(out, "  expected an alert of '%s' here, got ", e->rule);
            tell_alert(&r->alerts[at], out);
        } else {
            tell_missing(t, r, i, n, out);
        }
        return 1;
    }
    return 0;
}

/* "2+" leaves open what else the rule says. */
static bool is_open(const struct test *t, const char *rule)
{
    for (uint32_t i = 0; i < t->n_expect; i++)
        if (t->expect[i].max == UINT32_MAX && strcmp(t->expect[i].rule, rule) == 0)
            return true;
    return false;
}

static bool is_forbidden(const struct test *t, const char *rule)
{
    if (t->none.all)
        return true;
    for (uint32_t i = 0; i < t->none.n; i++)
        if (strcmp(t->none.rules[i], rule) == 0)
            return true;
    return is_expected_rule(t, rule) && !is_open(t, rule);
}

uint32_t compare_test(const struct test *t, struct test_result *r, struct buf *out)
{
    uint32_t bad, shown = 0;

    for (uint32_t i = 0; i < r->n_alerts; i++)
        r->alerts[i].taken = false;
    bad = t->in_order ? compare_in_order(t, r, out) : compare_any_order(t, r, out);
    if (bad && t->in_order) /* what comes after the first difference says nothing */
        return bad;
    for (uint32_t i = 0; i < r->n_alerts; i++) {
        if (r->alerts[i].taken || !is_forbidden(t, r->alerts[i].rule))
            continue;
        bad++;
        if (++shown > SHOWN_MAX)
            continue;
        buf_adds(out, "  not expected: ");
        tell_alert(&r->alerts[i], out);
    }
    if (shown > SHOWN_MAX)
        buf_addf(out, "  and %u more that are not expected\n", shown - SHOWN_MAX);
    return bad;
}
