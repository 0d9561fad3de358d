/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/template.h"

#include "base/buf.h"
#include "base/num.h"
#include "engine/value.h"
#include "rules/check.h"
#include "rules/parse.h"
#include "rules/print.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum { WIDTH_MAX = 1024, PARTS_MAX = 2000 };

struct builder {
    struct resolver *r;
    struct unit *u;
    const struct text *t;
    bool hidden;               /* what is named now is for a rule_text */
    struct vec parts, outputs; /* struct template_part, struct rule_output */
    struct vec texts;          /* struct rule_text */
    struct map by_name;        /* output name to struct rule_output */
};

static int add_literal(struct builder *b, uint32_t from, uint32_t to)
{
    struct template_part *p;

    if (from == to)
        return 0;
    p = arena_alloc(b->r->defs->arena, sizeof(*p));
    if (!p || !vec_push(b->r->defs->arena, &b->parts, p))
        return defs_no_memory(b->r->defs);
    *p = (struct template_part){.lit = b->t->p + from, .len = to - from};
    return 0;
}

/* The output of that operand, made when it is new. */
static struct rule_output *output_of(struct builder *b, struct expr *e)
{
    struct rule_output *o;
    struct buf name;

    buf_init(&name, 1 << 20);
    expr_print(&name, e);
    o = map_get(&b->by_name, name.p, name.len);
    if (!o) {
        o = arena_alloc(b->r->defs->arena, sizeof(*o));
        if (o) {
            o->name = arena_strndup(b->r->defs->arena, name.p, name.len);
            o->expr = e;
            o->fmt = e->kind == X_FIELD ? e->field.def->f.fmt : GYR_F_DEC;
            o->index = b->outputs.n;
            o->hidden = true;
        }
        if (!o || !o->name || !vec_push(b->r->defs->arena, &b->outputs, o) ||
            map_put(&b->by_name, o->name, name.len, o) < 0) {
            (void)defs_no_memory(b->r->defs);
            o = NULL;
        }
    }
    if (o && !b->hidden)
        o->hidden = false;
    buf_free(&name);
    return o;
}

/* The fields inside a transformer are outputs of their own: Falco's JSON shows them. */
static int add_inner(struct builder *b, const struct expr *e)
{
    struct expr *const *kids = e->kind == X_CALL ? e->call.args : e->list.items;
    uint32_t n = e->kind == X_CALL ? e->call.n : e->kind == X_LIST ? e->list.n : 0;
    int k = 0;

    for (uint32_t i = 0; i < n && k == 0; i++) {
        if (kids[i]->kind == X_FIELD)
            k = output_of(b, kids[i]) ? 0 : -ENOMEM;
        else
            k = add_inner(b, kids[i]);
    }
    return k;
}

static int add_operand(struct builder *b, struct expr *e, uint32_t width)
{
    struct template_part *p = arena_alloc(b->r->defs->arena, sizeof(*p));
    struct rule_output *o;

    if (add_inner(b, e) < 0)
        return -ENOMEM;
    o = output_of(b, e);
    if (!o)
        return -ENOMEM;
    if (!p || !vec_push(b->r->defs->arena, &b->parts, p))
        return defs_no_memory(b->r->defs);
    *p = (struct template_part){.field = o->index, .width = width};
    return 0;
}

/* Falco takes the longest beginning that is a field: "%proc.name." ends a sentence, and
 * "%container.id[x]" is a field without argument and text in brackets. */
static uint32_t shorter_field(struct builder *b, uint32_t at, uint32_t end)
{
    const struct field_def *f;

    for (uint32_t n = end - at < FIELD_LEN_MAX ? end - at : FIELD_LEN_MAX; n > 0; n--) {
        f = schema_field(b->r->schema, b->t->p + at, n);
        if (f && !(f->f.flags & GYR_FF_ARG_REQ))
            return n;
    }
    return 0;
}

static struct expr *field_new(struct builder *b, uint32_t at, uint32_t len)
{
    struct expr *e = arena_alloc(b->r->defs->arena, sizeof(*e));

    if (!e)
        return NULL;
    e->kind = X_FIELD;
    e->text = b->t;
    e->off = at;
    e->len = len;
    e->field.name = arena_strndup(b->r->defs->arena, b->t->p + at, len);
    return e->field.name ? e : NULL;
}

/* What stands after a '%'. @return 0 and where it ends; -EINVAL with problems added; -ENOMEM. */
static int read_operand(struct builder *b, uint32_t at, struct expr **ret, uint32_t *ret_end)
{
    struct unit quiet = {.schema = b->u->schema};
    struct lexer l = {b->t->p, b->t->len, at};
    uint32_t end, n, bad;
    struct gyr_error err;
    struct token name;
    struct expr *e;
    int k;

    k = parse_output_operand(b->t, at, b->r->defs->arena, &e, &end, &err);
    bad = end;
    if (k == 0 && check_operand(b->r, &quiet, e)) {
        *ret = e;
        *ret_end = end;
        return 0;
    }
    if (k == -ENOMEM)
        return defs_no_memory(b->r->defs);
    if (lex_field(&l, &name)) {
        n = shorter_field(b, at, l.at);
        e = n ? field_new(b, at, n) : e;
        if (n && !e)
            return defs_no_memory(b->r->defs);
        if (n && isalnum((unsigned char)b->t->p[at + n]))
            problem_add(b->r, b->u, PROBLEM_WARNING + DIAG_OUTPUT_TEXT, b->t, at,
                        "the output shows field '%.*s' and then '%.*s' as text", (int)n,
                        b->t->p + at, (int)(l.at - at - n), b->t->p + at + n);
        if (n && check_operand(b->r, b->u, e)) {
            *ret = e;
            *ret_end = at + n;
            return 0;
        }
    }
    if (k < 0)
        problem_add(b->r, b->u, PROBLEM_ERROR, b->t, bad, "output: %s", err.msg);
    else
        (void)check_operand(b->r, b->u, e);
    return -EINVAL;
}

/* "%20fd.name": exactly so many characters. */
static int read_width(struct builder *b, uint32_t *at, uint32_t *ret)
{
    uint32_t from = *at;
    uint64_t width = 0;

    while (*at < b->t->len && isdigit((unsigned char)b->t->p[*at]))
        (*at)++;
    if (*at > from && (parse_u64(b->t->p + from, *at - from, &width) < 0 || width > WIDTH_MAX)) {
        problem_add(b->r, b->u, PROBLEM_ERROR, b->t, from, "output: a width is at most %d",
                    WIDTH_MAX);
        return -EINVAL;
    }
    *ret = (uint32_t)width;
    return 0;
}

/* Deprecated, and nothing in Falco too since its container plugin adds what it stood for. */
static bool is_container_info(const struct builder *b, uint32_t at)
{
    static const char name[] = "container.info";

    return b->t->len - at >= sizeof(name) - 1 &&
           memcmp(b->t->p + at, name, sizeof(name) - 1) == 0 &&
           !schema_field(b->r->schema, name, sizeof(name) - 1);
}

static int read_parts(struct builder *b, uint32_t from, uint32_t end)
{
    uint32_t lit = from, at = from, width, next;
    struct expr *e = NULL;
    int k = 0;

    while (at < end) {
        if (b->t->p[at] != '%') {
            at++;
            continue;
        }
        if (b->parts.n > PARTS_MAX) {
            problem_add(b->r, b->u, PROBLEM_ERROR, b->t, at, "output: more than %d fields",
                        PARTS_MAX / 2);
            return 0;
        }
        k = add_literal(b, lit, at);
        next = ++at;
        if (k == 0 && is_container_info(b, at)) {
            problem_add(b->r, b->u, PROBLEM_WARNING + DIAG_DEPRECATED, b->t, at,
                        "%%container.info is deprecated and stands for nothing");
            lit = at = at + (uint32_t)strlen("container.info");
            continue;
        }
        if (k == 0)
            k = read_width(b, &at, &width);
        if (k == 0)
            k = read_operand(b, at, &e, &next);
        if (k == 0)
            k = add_operand(b, e, width);
        if (k == -ENOMEM)
            return k;
        lit = at = k < 0 ? at : next;
    }
    return add_literal(b, lit, end);
}

/* The parts read so far become a template. */
static int take_parts(struct builder *b, struct template *ret)
{
    ret->parts = arena_array(b->r->defs->arena, b->parts.n + 1, sizeof(*ret->parts));
    if (!ret->parts)
        return defs_no_memory(b->r->defs);
    for (uint32_t i = 0; i < b->parts.n; i++)
        ret->parts[i] = *(const struct template_part *)b->parts.p[i];
    ret->n = b->parts.n;
    b->parts.n = 0;
    return 0;
}

static int read_text(struct builder *b, const struct text *t, bool drop_star)
{
    uint32_t from = 0, end = t->len;

    b->t = t;
    while (from < end && isspace((unsigned char)t->p[from]))
        from++;
    while (end > from && isspace((unsigned char)t->p[end - 1]))
        end--;
    if (drop_star && from < end && t->p[from] == '*')
        from++;
    return read_parts(b, from, end);
}

/* ---- what a configuration appends ---- */

static int add_appended(struct builder *b, const struct vec *extras)
{
    static const struct text blank = {.p = " ", .len = 1};
    int k = 0;

    for (uint32_t i = 0; i < extras->n && k == 0; i++) {
        const struct extra *x = extras->p[i];

        if (!x->output)
            continue;
        b->t = &blank;
        k = add_literal(b, 0, 1);
        if (k == 0)
            k = read_text(b, x->output, false);
    }
    return k;
}

static struct rule_text *text_named(const struct builder *b, const char *name)
{
    for (uint32_t i = 0; i < b->texts.n; i++) {
        struct rule_text *t = b->texts.p[i];

        if (t->name && strcmp(t->name, name) == 0)
            return t;
    }
    return NULL;
}

static int add_text(struct builder *b, const char *name, const struct text *t)
{
    struct rule_text *rt = text_named(b, name);
    int k;

    if (!rt) {
        rt = arena_alloc(b->r->defs->arena, sizeof(*rt));
        if (!rt || !vec_push(b->r->defs->arena, &b->texts, rt))
            return defs_no_memory(b->r->defs);
    }
    rt->name = name;
    b->hidden = true;
    k = read_text(b, t, true);
    b->hidden = false;
    return k < 0 ? k : take_parts(b, &rt->text);
}

/* A field as it is. */
static int add_field(struct builder *b, const struct text *t)
{
    struct rule_text *before = text_named(b, t->p);
    struct expr *e;
    uint32_t end;
    int k;

    b->t = t;
    k = read_operand(b, 0, &e, &end);
    if (k < 0)
        return k == -ENOMEM ? k : 0;
    if (e->kind != X_FIELD || end != t->len) {
        problem_add(b->r, b->u, PROBLEM_ERROR, t, e->kind == X_FIELD ? end : 0,
                    "a field is wanted here; an output text needs a name: {name: '%%…'}");
        return 0;
    }
    if (before)
        before->name = NULL; /* later entries win */
    return output_of(b, e) ? 0 : -ENOMEM;
}

static int add_fields(struct builder *b, const struct vec *extras)
{
    int k = 0;

    for (uint32_t i = 0; i < extras->n; i++) {
        const struct extra *x = extras->p[i];

        for (uint32_t f = 0; f < x->conf->n_fields && k == 0; f++)
            k = x->names[f] ? add_text(b, x->names[f], x->fields[f]) : add_field(b, x->fields[f]);
    }
    return k;
}

/* ---- the whole ---- */

static int finish(struct builder *b, struct rule *rule)
{
    struct arena *a = b->r->defs->arena;

    rule->outputs = arena_array(a, b->outputs.n + 1, sizeof(*rule->outputs));
    rule->texts = arena_array(a, b->texts.n + 1, sizeof(*rule->texts));
    if (!rule->outputs || !rule->texts)
        return defs_no_memory(b->r->defs);
    for (uint32_t i = 0; i < b->texts.n; i++) {
        const struct rule_text *t = b->texts.p[i];
        struct rule_output *same = t->name ? map_gets(&b->by_name, t->name) : NULL;

        if (t->name)
            rule->texts[rule->n_texts++] = *t;
        if (same)
            same->hidden = true; /* the text stands for it */
    }
    for (uint32_t i = 0; i < b->outputs.n; i++)
        rule->outputs[i] = *(const struct rule_output *)b->outputs.p[i];
    rule->n_outputs = b->outputs.n;
    return 0;
}

int template_build(struct resolver *r, struct unit *u, const struct text *t,
                   const struct vec *extras, struct rule *rule)
{
    struct unit tried = {.schema = u->schema}; /* what is appended was told of before */
    struct builder b = {.r = r, .u = u};
    int k = read_text(&b, t, true);

    if (t->len)
        b.u = &tried;
    if (k == 0)
        k = add_appended(&b, extras);
    if (k == 0)
        k = take_parts(&b, &rule->output);
    if (k == 0)
        k = add_fields(&b, extras);
    if (tried.has_error)
        problem_add(r, u, PROBLEM_ERROR, t, 0, "output: more than %d fields with append_output",
                    PARTS_MAX / 2);
    if (k == 0)
        k = finish(&b, rule);
    map_free(&b.by_name);
    return k;
}
