/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/evaluator.h"

#include "../lib/engine_rig.h"
#include "base/buf.h"
#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Random rules over random events: the program must say what a plain walk of the tree says, with
 * pending values and after they came. */

enum { ROUNDS = 120, RULES = 48, EVENTS = 24, DEPTH = 4, FIELDS = 6 };
enum { NO = 0, OPEN = 1, YES = 2 };

static uint64_t random_state;

static uint32_t rnd(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % n;
}

static const char *const words[] = {
    "x",           "y",         "X",       "xy",          "/etc",
    "/etc/passwd", "",          "/etc//x", "etc/",        "//etc/passwd.x",
    "/etcx/y",     "/etc/?x/y", "?y",      "/etc/p?sswd", "xyX/etc/x"};
static const char *const field_names[FIELDS] = {"s.a", "s.b", "s.c", "s.d", "n.a", "n.b"};
static const uint32_t field_ids[FIELDS] = {F_SA, F_SB, F_SC, F_SD, F_NA, F_NB};
static const struct {
    uint16_t type;
    uint32_t subtype;
    const char *name;
} events[] = {{T_OPEN, 0, "open"},   {T_EXEC, 0, "exec"},          {T_EXEC2, 0, "exec"},
              {T_CLOSE, 0, "close"}, {T_CALL, SUB_MKDIR, "mkdir"}, {T_CALL, SUB_UNNAMED, "call"}};

/* ---- random conditions ---- */

static void add_word_list(struct buf *b)
{
    uint32_t n = 1 + rnd(4);

    buf_addc(b, '(');
    for (uint32_t i = 0; i < n; i++)
        buf_addf(b, "%s\"%s\"", i ? ", " : "", words[rnd(ARRAY_LEN(words))]);
    buf_addc(b, ')');
}

/* In some rounds most rules ask the same of the same field: only then does an index pay. */
static uint32_t favourite; /* of list_ops; 0: none */
static const char *const list_ops[] = {
    "in", "pmatch", "contains anyof", "endswith anyof", "startswith anyof", "glob anyof"};

static void add_comparison(struct buf *b)
{
    static const char *const str_ops[] = {"=", "!=", "startswith", "contains", "endswith", "glob"};
    static const char *const num_ops[] = {"=", "!=", "<", "<=", ">", ">="};
    static const char *const type_tests[] = {"evt.type = open", "evt.type in (exec, mkdir)",
                                             "evt.type != close", "evt.type startswith m",
                                             "evt.type exists"};
    uint32_t f = rnd(FIELDS);

    if (favourite && rnd(4)) {
        buf_addf(b, "%s %s ", field_names[rnd(2)], list_ops[favourite]);
        add_word_list(b);
        return;
    }
    switch (rnd(10)) {
    case 0:
    case 1:
        buf_adds(b, type_tests[rnd(ARRAY_LEN(type_tests))]);
        return;
    case 2:
        buf_addf(b, "%s exists", field_names[f]);
        return;
    case 3:
        buf_addf(b, "tolower(%s) = \"%s\"", field_names[rnd(4)], words[rnd(ARRAY_LEN(words))]);
        return;
    case 4:
        buf_addf(b, "%s = val(%s)", field_names[rnd(4)], field_names[rnd(4)]);
        return;
    default:
        break;
    }
    buf_adds(b, field_names[f]);
    if (f >= 4 && rnd(3) == 0) {
        buf_addf(b, " in (%u, %u, %u)", rnd(3), rnd(3), rnd(3));
    } else if (f >= 4) {
        buf_addf(b, " %s %u", num_ops[rnd(ARRAY_LEN(num_ops))], rnd(3));
    } else if (rnd(3) == 0) {
        buf_addf(b, " %s ", list_ops[rnd(ARRAY_LEN(list_ops))]);
        add_word_list(b);
    } else {
        buf_addf(b, " %s \"%s\"", str_ops[rnd(ARRAY_LEN(str_ops))], words[rnd(ARRAY_LEN(words))]);
    }
}

static void add_condition(struct buf *b, int depth)
{
    uint32_t n = 2 + rnd(3), kind = depth ? rnd(8) : 0;

    if (kind == 0) {
        add_comparison(b);
        return;
    }
    if (kind == 1)
        buf_adds(b, "not ");
    buf_addc(b, '(');
    if (kind == 1)
        add_condition(b, depth - 1);
    for (uint32_t i = 0; kind > 1 && i < n; i++) {
        if (i)
            buf_adds(b, kind % 2 ? " and " : " or ");
        add_condition(b, depth - 1);
    }
    buf_addc(b, ')');
}

/* Tests that hardly ever hold, joined by "or": what an index over several values is for. */
static void add_cover(struct buf *b)
{
    uint32_t n = 1 + rnd(4);

    buf_addc(b, '(');
    for (uint32_t i = 0; i < n; i++) {
        buf_adds(b, i ? " or (" : "(");
        add_comparison(b);
        buf_adds(b, rnd(2) ? " and n.a >= 0)" : ")");
    }
    buf_adds(b, ") and ");
}

static void random_rules(struct rig *r)
{
    struct buf b;

    buf_init(&b, 4 << 20);
    for (int i = 0; i < RULES; i++) {
        uint32_t shape = rnd(4);

        buf_addf(&b, "- rule: r%d\n  desc: d\n  output: o\n  priority: info\n  condition: >\n    ",
                 i);
        if (shape == 0)
            add_cover(&b);
        if (shape < 2) { /* the usual shape, which indexes are for */
            add_comparison(&b);
            buf_adds(&b, " and ");
        }
        add_condition(&b, DEPTH);
        buf_addc(&b, '\n');
    }
    rig_rules(r, b.p);
    buf_free(&b);
}

/* ---- the plain walk ---- */

struct world {
    const char *event;
    struct {
        int answer;
        const char *str;
        uint64_t num;
    } f[FIELDS];
};

/* What an operand is. @return YES, OPEN or NO (absent). */
static int operand(const struct world *w, const struct expr *x, char str[32], uint64_t *ret_num)
{
    if (x->kind == X_CALL) { /* tolower */
        int r = operand(w, x->call.args[0], str, ret_num);

        for (char *c = str; r == YES && *c; c++)
            *c = *c == 'X' ? 'x' : *c;
        return r;
    }
    if (strcmp(x->field.def->f.name, "evt.type") == 0) {
        (void)snprintf(str, 32, "%s", w->event);
        return YES;
    }
    for (int i = 0; i < FIELDS; i++) {
        if (strcmp(x->field.def->f.name, field_names[i]) != 0)
            continue;
        if (i < 4 && w->f[i].answer == GYR_PRESENT)
            (void)snprintf(str, 32, "%s", w->f[i].str);
        *ret_num = w->f[i].num;
        return w->f[i].answer == GYR_PRESENT ? YES : w->f[i].answer == GYR_PENDING ? OPEN : NO;
    }
    fail();
    return NO;
}

/* The folders of b are the first of a's. Two slashes are one; ? is any character of a name. */
static bool below(const char *a, const char *b)
{
    for (;;) {
        while (*a == '/')
            a++;
        while (*b == '/')
            b++;
        if (!*b)
            return true;
        while (*b && *b != '/') {
            if (!*a || *a == '/' || (*b != '?' && *a != *b))
                return false;
            a++;
            b++;
        }
        if (*a && *a != '/')
            return false;
    }
}

static bool compare_str(enum cmp_op op, const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);

    switch (op) {
    case OP_EQ:
    case OP_IN:
        return strcmp(a, b) == 0;
    case OP_NE:
        return strcmp(a, b) != 0;
    case OP_STARTSWITH:
        return strncmp(a, b, m) == 0;
    case OP_CONTAINS:
        return strstr(a, b) != NULL;
    case OP_PMATCH:
        return below(a, b);
    case OP_GLOB:
        for (; *a && (*b == '?' || *a == *b); a++)
            b++;
        return !*a && !*b;
    case OP_ENDSWITH:
        return m <= n && strcmp(a + n - m, b) == 0;
    default:
        fail();
        return false;
    }
}

static bool compare_num(enum cmp_op op, uint64_t a, uint64_t b)
{
    switch (op) {
    case OP_EQ:
    case OP_IN:
        return a == b;
    case OP_NE:
        return a != b;
    case OP_LT:
        return a < b;
    case OP_LE:
        return a <= b;
    case OP_GT:
        return a > b;
    case OP_GE:
        return a >= b;
    default:
        fail();
        return false;
    }
}

static bool compare(const struct node *c, const char *str, uint64_t num, const struct expr *x)
{
    char text[40];

    if (c->cmp.lhs->type != GYR_T_STR)
        return compare_num(c->cmp.op, num, x->value.u.u64);
    (void)snprintf(text, sizeof(text), "%.*s", (int)x->value.len, (const char *)x->value.u.ptr);
    return compare_str(c->cmp.op, str, text);
}

static int walk_comparison(const struct world *w, const struct node *c)
{
    const struct expr *rhs = c->cmp.rhs;
    char a[32] = "", b[32] = "";
    uint64_t num = 0, ignored = 0;
    int r = operand(w, c->cmp.lhs, a, &num), s;

    if (c->cmp.op == OP_EXISTS || r == NO)
        return r;
    if (rhs->kind == X_FIELD) {
        s = operand(w, rhs, b, &ignored);
        if (s != YES || r != YES)
            return s == NO ? NO : OPEN;
        return compare_str(c->cmp.op, a, b) ? YES : NO;
    }
    if (r == OPEN)
        return OPEN;
    if (rhs->kind == X_CONST)
        return compare(c, a, num, rhs) ? YES : NO;
    for (uint32_t i = 0; i < rhs->list.n; i++)
        if (compare(c, a, num, rhs->list.items[i]))
            return YES;
    return NO;
}

static int walk(const struct world *w, const struct node *n)
{
    int r = n->kind == N_AND ? YES : NO;

    switch (n->kind) {
    case N_CONST:
        return n->constant ? YES : NO;
    case N_CMP:
        return walk_comparison(w, n);
    case N_NOT:
        return YES - walk(w, n->logic.kids[0]);
    default:
        break;
    }
    for (uint32_t i = 0; i < n->logic.n; i++) {
        int k = walk(w, n->logic.kids[i]);

        if (n->kind == N_AND ? k < r : k > r)
            r = k;
    }
    return r;
}

/* ---- the comparison ---- */

static void set_field(struct rig *r, struct world *w, uint32_t i, bool may_wait)
{
    uint32_t k = rnd(may_wait ? 5 : 4);

    w->f[i].answer = k == 0 ? GYR_ABSENT : k == 4 ? GYR_PENDING : GYR_PRESENT;
    w->f[i].str = words[rnd(ARRAY_LEN(words))];
    w->f[i].num = rnd(3);
    if (w->f[i].answer != GYR_PRESENT)
        fake_answer(&r->fakes[0], field_ids[i], w->f[i].answer);
    else if (i < 4)
        fake_str(&r->fakes[0], field_ids[i], w->f[i].str);
    else
        fake_num(&r->fakes[0], field_ids[i], w->f[i].num);
}

static void expect(struct rig *r, const int *want, const struct world *w)
{
    uint32_t k = 0;

    for (uint32_t i = 0; i < RULES; i++) {
        const struct rule *rule = r->gen->rules->rules[i];

        if (want[i] != YES)
            continue;
        if (k >= r->n_seen || strcmp(r->seen[k].rule, rule->name) != 0)
            fail_msg("%s should match %s: %.*s", rule->name, w->event,
                     (int)rule->condition_text->len, rule->condition_text->p);
        k++;
    }
    if (k != r->n_seen)
        fail_msg("%s should not match %s", r->seen[k].rule, w->event);
    r->n_seen = 0;
}

static void one_event(struct rig *r, uint32_t *undecided)
{
    uint32_t which = rnd(ARRAY_LEN(events));
    struct world w = {.event = events[which].name};
    int now[RULES], later[RULES];

    for (uint32_t i = 0; i < FIELDS; i++)
        set_field(r, &w, i, true);
    rig_event(r, events[which].type, events[which].subtype);
    for (uint32_t i = 0; i < RULES; i++)
        now[i] = walk(&w, r->gen->rules->rules[i]->condition);
    expect(r, now, &w);

    for (uint32_t i = 0; i < FIELDS; i++)
        if (w.f[i].answer == GYR_PENDING)
            set_field(r, &w, i, false);
    for (uint64_t t = 1; t <= r->fakes[0].next_ticket; t++)
        park_resolved(r->park, 0, t);
    (void)park_run(r->park, 0);
    for (uint32_t i = 0; i < RULES; i++) {
        *undecided += now[i] == OPEN;
        later[i] = now[i] == OPEN ? walk(&w, r->gen->rules->rules[i]->condition) : NO;
    }
    expect(r, later, &w);
    assert_int_equal(fake_out(&r->fakes[0]), 0);
    r->fakes[0].next_ticket = 0;
}

static void programs_mean_what_trees_mean(void **state)
{
    struct rig *r = malloc(sizeof(*r));
    uint32_t undecided = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        random_state = seed * 0x9e3779b97f4a7c15u;
        rig_init(r, 1);
        favourite = seed % 2 ? 0 : rnd(ARRAY_LEN(list_ops));
        random_rules(r);
        for (int i = 0; i < EVENTS; i++)
            one_event(r, &undecided);
        rig_free(r);
    }
    assert_true(undecided > ROUNDS * EVENTS); /* the third value was put to the test */
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(programs_mean_what_trees_mean)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
