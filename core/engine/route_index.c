/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/program_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Most rules ask for some value to be one of a few constants ("proc.name in (…)", "fd.name
 * startswith /etc"), and most events have none of them. An index looks the value up once and
 * names the rules that are left, however many there are. A rule is indexed by one such test only:
 * that it fails suffices to know that the rule does not match. */

/** A constant some rule asks for. */
struct pair {
    const void *key;
    uint64_t num;
    uint32_t len, pos; /* pos: of the rule in its list */
    bool is_prefix;
};

struct pairs {
    struct pair *p;
    uint32_t n, cap;
};

struct builder {
    struct program *p;
    struct prog_list *l;
    uint64_t *open; /* rules no index decides about yet */
    struct pairs pairs;
    uint32_t *count, *last; /* by value: rules that look at it; the last of them, + 1 */
};

uint64_t index_hash(const void *key, uint32_t len, bool is_prefix)
{
    return hash_bytes(key, len) ^ (is_prefix ? 0x5bd1e9955bd1e995u : 0);
}

static uint32_t slot_of(uint64_t num, uint32_t mask)
{
    num *= 0x9e3779b97f4a7c15u;
    return (uint32_t)(num >> 32) & mask;
}

const struct index_slot *index_find(const struct prog_index *x, uint64_t num, const void *key,
                                    uint32_t len, bool is_prefix)
{
    for (uint32_t i = slot_of(num, x->mask); x->slots[i].n; i = (i + 1) & x->mask) {
        const struct index_slot *s = &x->slots[i];

        if (s->num == num && s->len == len && s->is_prefix == is_prefix &&
            (len == 0 || memcmp(s->key, key, len) == 0))
            return s;
    }
    return NULL;
}

/* ---- tests that an index can stand for ---- */

static bool is_number(uint32_t type)
{
    return type == GYR_T_I64 || type == GYR_T_U64;
}

/* @return the value it looks at, or ID_NONE. */
static uint32_t pred_value(const struct program *p, uint32_t pred)
{
    const struct node *c = p->pred_src[pred];
    const struct expr *lhs = c->cmp.lhs, *rhs = c->cmp.rhs;
    bool many = rhs && rhs->kind == X_LIST;

    if (!rhs || (!many && rhs->kind != X_CONST) || (many && rhs->list.n == 0) || lhs->is_list)
        return ID_NONE;
    if (c->cmp.mod != MOD_NONE && c->cmp.mod != MOD_ANYOF)
        return ID_NONE;
    if ((many ? rhs->list.items[0] : rhs)->value.type != lhs->type)
        return ID_NONE;
    switch (c->cmp.op) {
    case OP_EQ:
    case OP_IN:
        return lhs->type == GYR_T_STR || is_number(lhs->type) ? p->preds[pred].lhs : ID_NONE;
    case OP_STARTSWITH:
        return lhs->type == GYR_T_STR ? p->preds[pred].lhs : ID_NONE;
    default:
        return ID_NONE;
    }
}

/* Of a comparison, or of several about one value joined by "or". */
static uint32_t test_value(const struct program *p, uint32_t ref)
{
    const struct prog_node *n = &p->nodes[ref_id(ref)];
    uint32_t id = ref_id(ref), value = ID_NONE;

    if (id == 0)
        return ID_NONE;
    if (id <= p->n_preds)
        return ref & 1u ? ID_NONE : pred_value(p, id - 1);
    if (!(ref & 1u))
        return ID_NONE;
    for (uint32_t i = 0; i < n->n; i++) {
        uint32_t kid = p->kids[n->first + i], v;

        if (!(kid & 1u) || ref_id(kid) > p->n_preds)
            return ID_NONE;
        v = pred_value(p, ref_id(kid) - 1);
        if (v == ID_NONE || (i && v != value))
            return ID_NONE;
        value = v;
    }
    return value;
}

/* The tests all of which must hold: the root's kids, or the root itself. */
static uint32_t n_tests(const struct program *p, uint32_t root)
{
    return root & 1u || ref_id(root) <= p->n_preds ? 1 : p->nodes[ref_id(root)].n;
}

static uint32_t test_at(const struct program *p, uint32_t root, uint32_t i)
{
    return root & 1u || ref_id(root) <= p->n_preds ? root
                                                   : p->kids[p->nodes[ref_id(root)].first + i];
}

/* ---- pairs ---- */

static int add_pred(struct builder *b, uint32_t pred, uint32_t pos)
{
    const struct node *c = b->p->pred_src[pred];
    const struct expr *rhs = c->cmp.rhs;
    uint32_t n = rhs->kind == X_LIST ? rhs->list.n : 1;

    for (uint32_t i = 0; i < n; i++) {
        const struct gyr_value *v = rhs->kind == X_LIST ? &rhs->list.items[i]->value : &rhs->value;
        struct pair pair = {.pos = pos, .is_prefix = c->cmp.op == OP_STARTSWITH};

        if (graph_grow(&b->pairs.p, b->pairs.n, &b->pairs.cap, sizeof(pair)) < 0)
            return -ENOMEM;
        if (is_number(c->cmp.lhs->type)) {
            pair.num = v->u.u64;
        } else {
            pair.key = v->len ? v->u.ptr : "";
            pair.len = v->len;
            pair.num = index_hash(pair.key, pair.len, pair.is_prefix);
        }
        b->pairs.p[b->pairs.n++] = pair;
    }
    return 0;
}

static int add_test(struct builder *b, uint32_t ref, uint32_t pos)
{
    const struct prog_node *n = &b->p->nodes[ref_id(ref)];
    int r = 0;

    if (ref_id(ref) <= b->p->n_preds)
        return add_pred(b, ref_id(ref) - 1, pos);
    for (uint32_t i = 0; i < n->n && r == 0; i++)
        r = add_pred(b, ref_id(b->p->kids[n->first + i]) - 1, pos);
    return r;
}

static int same_key(const struct pair *x, const struct pair *y)
{
    if (x->is_prefix != y->is_prefix)
        return x->is_prefix ? 1 : -1;
    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    if (x->num != y->num)
        return x->num < y->num ? -1 : 1;
    return x->len ? memcmp(x->key, y->key, x->len) : 0;
}

static int by_key(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int r = same_key(x, y);

    return r ? r : x->pos < y->pos ? -1 : x->pos > y->pos;
}

/* What the open rules ask of a value, sorted, nothing twice. */
static int collect(struct builder *b, uint32_t value)
{
    const struct program *p = b->p;
    struct pairs *s = &b->pairs;
    uint32_t n = 0;
    int r = 0;

    s->n = 0;
    for (uint32_t pos = 0; pos < b->l->n && r == 0; pos++) {
        uint32_t root = p->entries[b->l->entries[pos]].root;

        if (!(b->open[pos / 64] >> pos % 64 & 1))
            continue;
        for (uint32_t i = 0; i < n_tests(p, root); i++) {
            if (test_value(p, test_at(p, root, i)) == value) {
                r = add_test(b, test_at(p, root, i), pos);
                break;
            }
        }
    }
    if (s->n)
        qsort(s->p, s->n, sizeof(*s->p), by_key);
    for (uint32_t i = 0; i < s->n; i++)
        if (i == 0 || by_key(&s->p[i - 1], &s->p[i]) != 0)
            s->p[n++] = s->p[i];
    s->n = n;
    return r;
}

static uint32_t distinct(const struct pairs *s)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->n; i++)
        n += i == 0 || same_key(&s->p[i - 1], &s->p[i]) != 0;
    return n;
}

/* Prefixes are looked up once for each of their lengths: those past the limit are left to the
 * rules themselves. */
static void limit_lengths(struct builder *b, struct prog_index *x)
{
    struct pairs *s = &b->pairs;
    uint64_t *out = calloc(b->l->words, sizeof(*out));
    uint32_t n = 0;

    x->n_lengths = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        const struct pair *q = &s->p[i];

        if (!q->is_prefix || (x->n_lengths && x->lengths[x->n_lengths - 1] == q->len))
            continue;
        if (x->n_lengths < INDEX_LENGTHS_MAX)
            x->lengths[x->n_lengths++] = q->len;
        else if (out)
            out[q->pos / 64] |= (uint64_t)1 << q->pos % 64;
    }
    for (uint32_t i = 0; i < s->n; i++) { /* all of a rule's keys, or none */
        const struct pair *q = &s->p[i];

        if (x->n_lengths == INDEX_LENGTHS_MAX && q->is_prefix &&
            q->len > x->lengths[x->n_lengths - 1] && out)
            out[q->pos / 64] |= (uint64_t)1 << q->pos % 64;
    }
    for (uint32_t i = 0; i < s->n; i++)
        if (out && !(out[s->p[i].pos / 64] >> s->p[i].pos % 64 & 1))
            s->p[n++] = s->p[i];
    s->n = n;
    free(out);
}

static int fill(struct builder *b, uint32_t value, struct prog_index *x)
{
    struct arena *a = b->p->arena;
    const struct pairs *s = &b->pairs;
    uint32_t size = 8, used = 0;

    limit_lengths(b, x);
    while (size < 2 * distinct(s))
        size *= 2;
    x->value = value;
    x->type = s->n && s->p[0].key ? GYR_T_STR : GYR_T_U64;
    x->mask = size - 1;
    x->slots = arena_array(a, size, sizeof(*x->slots));
    x->hits = arena_array(a, s->n + 1, sizeof(*x->hits));
    x->all = arena_array(a, b->l->words, sizeof(*x->all));
    if (!x->slots || !x->hits || !x->all)
        return -ENOMEM;
    for (uint32_t i = 0, n; i < s->n; i += n) {
        const struct pair *q = &s->p[i];
        uint32_t at = slot_of(q->num, x->mask);

        for (n = 0; i + n < s->n && same_key(q, &q[n]) == 0; n++) {
            x->hits[used + n] = q[n].pos;
            x->all[q[n].pos / 64] |= (uint64_t)1 << q[n].pos % 64;
        }
        while (x->slots[at].n)
            at = (at + 1) & x->mask;
        x->slots[at] = (struct index_slot){q->key, q->num, q->len, used, n, q->is_prefix};
        used += n;
    }
    for (uint32_t w = 0; w < b->l->words; w++)
        b->open[w] &= ~x->all[w];
    return 0;
}

/* ---- choice ---- */

static void count_tests(struct builder *b)
{
    const struct program *p = b->p;

    memset(b->count, 0, p->n_values * sizeof(*b->count));
    memset(b->last, 0, p->n_values * sizeof(*b->last));
    for (uint32_t pos = 0; pos < b->l->n; pos++) {
        uint32_t root = p->entries[b->l->entries[pos]].root;

        if (!(b->open[pos / 64] >> pos % 64 & 1))
            continue;
        for (uint32_t i = 0; i < n_tests(p, root); i++) {
            uint32_t v = test_value(p, test_at(p, root, i));

            if (v == ID_NONE || b->last[v] == pos + 1)
                continue;
            b->last[v] = pos + 1;
            b->count[v]++;
        }
    }
}

/* The value that rules out most: asked by many rules, for many different constants. */
static int choose(struct builder *b, uint32_t *ret_value)
{
    uint32_t best = ID_NONE;
    uint64_t score = 0;

    count_tests(b);
    for (uint32_t v = 0; v < b->p->n_values; v++) {
        uint64_t s;

        if (b->count[v] < INDEX_RULES_MIN || b->count[v] <= score)
            continue;
        if (collect(b, v) < 0)
            return -ENOMEM;
        s = 4 * (uint64_t)distinct(&b->pairs);
        s = s < b->count[v] ? s : b->count[v];
        if (s > score) {
            score = s;
            best = v;
        }
    }
    *ret_value = best;
    return best == ID_NONE ? 0 : collect(b, best);
}

static int index_list(struct builder *b)
{
    struct prog_list *l = b->l;
    uint32_t value;
    int r = 0;

    l->indexes = arena_array(b->p->arena, INDEX_PER_LIST, sizeof(*l->indexes));
    l->always = arena_array(b->p->arena, l->words, sizeof(*l->always));
    if (!l->indexes || !l->always)
        return -ENOMEM;
    for (uint32_t i = 0; i < l->n; i++)
        b->open[i / 64] |= (uint64_t)1 << i % 64;
    while (l->n_indexes < INDEX_PER_LIST) {
        r = choose(b, &value);
        if (r < 0 || value == ID_NONE)
            break;
        r = fill(b, value, &l->indexes[l->n_indexes]);
        if (r < 0)
            break;
        l->n_indexes++;
    }
    memcpy(l->always, b->open, l->words * sizeof(*l->always));
    memset(b->open, 0, l->words * sizeof(*b->open));
    return r;
}

int route_index(struct program *p)
{
    struct builder b = {.p = p};
    int r = 0;

    b.open = calloc(p->max_words ? p->max_words : 1, sizeof(*b.open));
    b.count = calloc(p->n_values + 1, sizeof(*b.count));
    b.last = calloc(p->n_values + 1, sizeof(*b.last));
    if (!b.open || !b.count || !b.last)
        r = -ENOMEM;
    for (uint32_t i = 0; i < p->n_lists && r == 0; i++) {
        b.l = &p->lists[i];
        if (b.l->n >= INDEX_RULES_MIN)
            r = index_list(&b);
    }
    free(b.open);
    free(b.count);
    free(b.last);
    free(b.pairs.p);
    return r;
}
