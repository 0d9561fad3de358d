/* SPDX-License-Identifier: Apache-2.0 */
#include "language.h"

#include "base/buf.h"
#include "engine/evaluator.h"
#include "engine/value.h"
#include "syscall/syscall.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { VALUES_MAX = 32, BINDINGS_MAX = 256, ITEMS_MAX = 16 };

/* What a row says an event has. */
struct values {
    struct arena *arena;
    struct {
        char name[128]; /* with its argument in brackets */
        struct gyr_value v;
    } all[VALUES_MAX];
    uint32_t n;
    char bound[BINDINGS_MAX][128];
    uint32_t n_bound;
};

struct bench {
    struct schemas schemas;
    struct arena *arena;
    struct diags d;
    struct scratch scratch;
    struct park *park;
    struct stream_pos pos;
    struct values values;
    struct provider providers[2];
    struct buf got;
    struct {
        struct gyr_event ev;
        uint32_t off[2];
    } record;
};

static size_t checked;

size_t lang_count(void)
{
    return checked;
}

/* ---- the provider of what the row says ---- */

static int bind(void *self, uint32_t field, const char *arg, uint32_t *ret_handle,
                uint32_t *ret_type, struct gyr_error *err)
{
    struct values *v = self;

    (void)ret_type;
    (void)err;
    assert_true(v->n_bound < BINDINGS_MAX);
    (void)snprintf(v->bound[v->n_bound], sizeof(v->bound[0]), "%s%s%s%s",
                   syscall_schema.fields[field].name, arg ? "[" : "", arg ? arg : "",
                   arg ? "]" : "");
    *ret_handle = v->n_bound++;
    return 0;
}

static void unbind(void *self, uint32_t handle)
{
    (void)self;
    (void)handle;
}

static int get(void *self, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret)
{
    const struct values *v = self;

    (void)ev;
    for (uint32_t i = 0; i < v->n; i++)
        if (strcmp(v->all[i].name, v->bound[handle]) == 0) {
            *ret = v->all[i].v;
            return GYR_PRESENT;
        }
    return GYR_ABSENT;
}

static struct gyr_value scalar(struct arena *a, uint32_t type, const char *s, size_t n)
{
    struct gyr_error err;
    struct gyr_value v;

    if (type == GYR_T_BYTES) {
        unsigned char *p = arena_alloc(a, n / 2 + 1);

        assert_int_equal(n % 2, 0);
        assert_non_null(p);
        for (size_t i = 0; i < n / 2; i++) {
            char two[3] = {s[2 * i], s[2 * i + 1], 0};

            p[i] = (unsigned char)strtoul(two, NULL, 16);
        }
        return (struct gyr_value){.type = type, .len = (uint32_t)(n / 2), .u.ptr = p};
    }
    if (type == GYR_T_NET && !memchr(s, '/', n))
        type = GYR_T_IP;
    if (value_parse(s, n, type, a, &v, &err) < 0)
        fail_msg("the value '%.*s': %s", (int)n, s, err.msg);
    return v;
}

/* "(a|b)" is a list, else it is one value. */
static struct gyr_value value(struct arena *a, uint32_t type, const char *s, size_t n)
{
    struct gyr_value list = {.type = GYR_T_LIST}, *items;
    const char *end = s + n - 1;

    if (n < 2 || *s != '(' || *end != ')')
        return scalar(a, type, s, n);
    items = arena_array(a, ITEMS_MAX, sizeof(*items));
    assert_non_null(items);
    for (s++; s < end;) {
        const char *bar = memchr(s, '|', (size_t)(end - s)), *stop = bar ? bar : end;

        assert_true(list.len < ITEMS_MAX);
        items[list.len++] = scalar(a, type, s, (size_t)(stop - s));
        s = stop + (bar != NULL);
    }
    list.u.ptr = items;
    return list;
}

static void read_values(struct bench *b, const char *s)
{
    struct values *v = &b->values;

    for (v->n = 0; *s;) {
        const char *stop = strstr(s, "; "), *end = stop ? stop : s + strlen(s);
        const char *eq = memchr(s, '=', (size_t)(end - s)), *arg;
        const struct field_def *f;
        struct gyr_error err;
        size_t arg_len;

        if (eq) {
            size_t n = (size_t)(eq - s);

            assert_true(v->n < VALUES_MAX && n < sizeof(v->all[0].name));
            memcpy(v->all[v->n].name, s, n);
            v->all[v->n].name[n] = '\0';
            if (schema_resolve_field(b->schemas.list[0], s, n, &f, &arg, &arg_len, &err) < 0)
                fail_msg("the row's value: %s", err.msg);
            v->all[v->n++].v = value(b->arena, f->f.type, eq + 1, (size_t)(end - eq - 1));
        }
        s = stop ? stop + 2 : end;
    }
}

/* ---- one row ---- */

static void woken(void *ctx)
{
    (void)ctx;
}

static uint64_t now(void)
{
    return 0;
}

static void on_match(void *ctx, const struct match *m)
{
    struct bench *b = ctx;

    buf_addf(&b->got, "%s%s", b->got.len ? " " : "", m->rule->name);
}

static void setup(struct bench *b, struct gyr_enricher_ops *ops)
{
    static const struct park_conf lot = {1000000000, 16, 1 << 20};
    struct corefields_conf core = {.pos = &b->pos, .scratch = &b->scratch};
    struct gyr_error err;

    memset(b, 0, sizeof(*b));
    b->arena = arena_new(64 << 20);
    assert_non_null(b->arena);
    diags_init(&b->d, b->arena);
    buf_init(&b->got, 1 << 16);
    buf_adds(&b->got, "");
    assert_int_equal(scratch_init(&b->scratch), 0);
    assert_int_equal(schemas_add(&b->schemas, &syscall_schema, "test", &err), 0);
    *ops = (struct gyr_enricher_ops){.size = sizeof(*ops),
                                     .fields = syscall_schema.fields,
                                     .n_fields = syscall_schema.n_fields,
                                     .field_stride = syscall_schema.field_stride,
                                     .bind = bind,
                                     .unbind = unbind,
                                     .get = get};
    b->providers[0] = (struct provider){"row", ops, &b->values};
    core.schema = b->schemas.list[0];
    core.others = b->providers;
    core.n_others = 1;
    b->providers[1] = (struct provider){.name = "core", .ops = &corefields_ops};
    assert_int_equal(corefields_new(&core, &b->providers[1].self), 0);
    assert_int_equal(park_new(&lot, woken, b, &b->park), 0);
}

static void teardown(struct bench *b)
{
    park_free(b->park);
    corefields_free(b->providers[1].self);
    scratch_free(&b->scratch);
    schemas_free(&b->schemas);
    buf_free(&b->got);
    arena_free(b->arena);
}

/* An openat() that went well. */
static void evaluate(struct bench *b, struct generation *g)
{
    struct evaluator_conf conf = {.generation = g,
                                  .providers = b->providers,
                                  .n_providers = 2,
                                  .pos = &b->pos,
                                  .scratch = &b->scratch,
                                  .park = b->park,
                                  .sink = {b, on_match},
                                  .now_ns = now};
    struct evaluator *e = NULL;
    struct gyr_error err;

    if (evaluator_new(&conf, &e, &err) < 0)
        fail_msg("%s", err.msg);
    b->pos = (struct stream_pos){.num = 1, .ts_ns = 1000, .first_ns = 1000, .prev_ns = 1000};
    b->record.ev = (struct gyr_event){.len = sizeof(b->record),
                                      .hdr_len = sizeof(b->record.ev),
                                      .type = EV_SYSCALL_OPENAT_2_X,
                                      .ts_ns = 1000,
                                      .tid = 7,
                                      .num = 1};
    b->record.off[0] = offsetof(struct bench, record.off[1]) - offsetof(struct bench, record);
    evaluator_event(e, &b->record.ev);
    scratch_reset(&b->scratch);
    evaluator_unref(e);
}

static void told(struct bench *b)
{
    buf_addc(&b->got, '!');
    for (const struct diag *g = b->d.first; g; g = g->next)
        if (g->severity == SEV_ERROR)
            buf_addf(&b->got, "%s%u:%u: %s", b->got.len > 1 ? "\n" : "", g->loc.line, g->loc.col,
                     g->text);
}

static void run(struct bench *b, const struct lang_row *row)
{
    struct ruleset_conf conf = {.schemas = &b->schemas, .max_priority = 7};
    struct generation *g = calloc(1, sizeof(*g));
    struct buf text;

    assert_non_null(g);
    atomic_init(&g->refs, 1);
    g->programs = calloc(1, sizeof(struct program *));
    g->n_programs = 1;
    assert_non_null(g->programs);
    buf_init(&text, 1 << 20);
    if (strncmp(row->text, "- ", 2) == 0)
        buf_adds(&text, row->text);
    else
        buf_addf(&text,
                 "- rule: T\n  desc: d\n  condition: >\n    %s\n  output: o\n  priority: info\n",
                 row->text);
    read_values(b, row->values);
    if (ruleset_load_text(&conf, "t.yaml", text.p, text.len, &b->d, &g->rules) < 0 ||
        program_new(g->rules, b->schemas.list[0], &b->d, &g->programs[0]) < 0)
        told(b);
    else
        evaluate(b, g);
    buf_free(&text);
    generation_unref(g);
}

void lang_check(const struct lang_row *rows, size_t n)
{
    size_t bad = 0;

    for (size_t i = 0; i < n; i++) {
        struct gyr_enricher_ops ops;
        struct bench b;

        setup(&b, &ops);
        run(&b, &rows[i]);
        if (strcmp(b.got.p, rows[i].want) != 0) {
            print_error("row %zu: %s\n  with %s\n  want %s\n  got  %s\n", i, rows[i].text,
                        rows[i].values, rows[i].want, b.got.p);
            bad++;
        }
        teardown(&b);
    }
    checked += n;
    if (bad)
        fail_msg("%zu of %zu rows do not hold", bad, n);
}
