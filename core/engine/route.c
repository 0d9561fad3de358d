/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/program_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* For each name an event may have, every test of evt.type is known. Names with the same answers
 * to all of them get the same list of rules; most get the empty one. */

struct routing {
    struct graph *g;
    const struct route_rule *rules;
    uint32_t n_rules;
    struct route *r;
    uint32_t *tests; /* the predicates on evt.type */
    uint32_t n_tests;
    uint8_t *answers;    /* by predicate */
    uint32_t *memo, *at; /* by node: its reference in the round of that number */
    uint32_t n_nodes, round;
    uint32_t *class_list; /* by class: the list */
    uint32_t n_classes, cap_classes;
};

/* A condition with evt.type known. */
static int settle(struct routing *ro, uint32_t ref, uint32_t *ret)
{
    struct graph *g = ro->g;
    uint32_t id = ref_id(ref), flip = ref & 1u, n, *kids, *refs;
    const struct graph_node *node = &g->nodes[id];
    int r = 0;

    if (!node->on_type) {
        *ret = ref;
        return 0;
    }
    if (node->pred != ID_NONE) {
        *ret = (ro->answers[node->pred] ? REF_TRUE : REF_FALSE) ^ flip;
        return 0;
    }
    if (ro->at[id] == ro->round) {
        *ret = ro->memo[id] ^ flip;
        return 0;
    }
    n = node->n;
    kids = node->kids;
    refs = arena_array(g->temp, n, sizeof(*refs));
    if (!refs)
        return gyr_fail(&g->err, -ENOMEM, "out of memory while compiling rules");
    for (uint32_t i = 0; i < n && r == 0; i++)
        r = settle(ro, kids[i], &refs[i]);
    if (r == 0)
        r = graph_and(g, refs, n, &ro->memo[id]);
    if (r < 0)
        return r;
    ro->at[id] = ro->round;
    *ret = ro->memo[id] ^ flip;
    return 0;
}

static int add_entry(struct routing *ro, uint32_t rule, uint32_t root, uint32_t *ret)
{
    struct graph *g = ro->g;
    struct route *r = ro->r;
    int e;

    buf_reset(&g->key);
    buf_addc(&g->key, 'E');
    buf_add(&g->key, &rule, sizeof(rule));
    buf_add(&g->key, &root, sizeof(root));
    e = graph_intern(g, r->n_entries, ret);
    if (e < 0 || *ret < r->n_entries)
        return e;
    if (graph_grow(&r->entries, r->n_entries, &r->cap_entries, sizeof(*r->entries)) < 0)
        return -ENOMEM;
    r->entries[r->n_entries++] = (struct route_entry){rule, root};
    return 0;
}

static int add_list(struct routing *ro, uint32_t *entries, uint32_t n, uint32_t *ret)
{
    struct graph *g = ro->g;
    struct route *r = ro->r;
    struct route_list list = {.n = n};
    int e;

    buf_reset(&g->key);
    buf_addc(&g->key, 'R');
    buf_add(&g->key, entries, n * sizeof(*entries));
    e = graph_intern(g, r->n_lists, ret);
    if (e < 0 || *ret < r->n_lists)
        return e;
    if (r->n_lists >= SUBTYPE_UNNAMED)
        return gyr_fail(&g->err, -EINVAL, "more than %u different lists of rules", SUBTYPE_UNNAMED);
    list.entries = arena_array(g->temp, n ? n : 1, sizeof(*entries));
    if (!list.entries || graph_grow(&r->lists, r->n_lists, &r->cap_lists, sizeof(*r->lists)) < 0)
        return -ENOMEM;
    if (n)
        memcpy(list.entries, entries, n * sizeof(*entries));
    r->lists[r->n_lists++] = list;
    return 0;
}

/* The list of rules under the answers at hand. */
static int make_list(struct routing *ro, uint32_t *ret)
{
    uint32_t *entries = calloc(ro->n_rules ? ro->n_rules : 1, sizeof(*entries)), n = 0;
    int r = entries ? 0 : -ENOMEM;

    ro->round++;
    for (uint32_t i = 0; i < ro->n_rules && r == 0; i++) {
        uint32_t root;

        r = settle(ro, ro->rules[i].root, &root);
        if (r == 0 && root != REF_FALSE)
            r = add_entry(ro, i, root, &entries[n++]);
    }
    if (r == 0)
        r = add_list(ro, entries, n, ret);
    free(entries);
    return r;
}

static int list_add_name(struct route_list *l, const char *name)
{
    for (uint32_t i = 0; i < l->n_names; i++)
        if (strcmp(l->names[i], name) == 0)
            return 0;
    if (graph_grow(&l->names, l->n_names, &l->cap_names, sizeof(*l->names)) < 0)
        return -ENOMEM;
    l->names[l->n_names++] = name;
    return 0;
}

static int route_name(struct routing *ro, const char *name, uint16_t *ret_list)
{
    struct gyr_value v = gyr_str(name, strlen(name));
    struct graph *g = ro->g;
    uint32_t class;
    int r;

    buf_reset(&g->key);
    buf_addc(&g->key, 'K');
    for (uint32_t i = 0; i < ro->n_tests; i++) {
        bool yes = pred_test(g->preds[ro->tests[i]].pred, &v, NULL);

        ro->answers[ro->tests[i]] = yes;
        buf_addc(&g->key, yes ? '1' : '0');
    }
    r = graph_intern(g, ro->n_classes, &class);
    if (r == 0 && class == ro->n_classes) {
        r = graph_grow(&ro->class_list, class, &ro->cap_classes, sizeof(*ro->class_list));
        if (r == 0)
            r = make_list(ro, &ro->class_list[class]);
        ro->n_classes++;
    }
    if (r < 0)
        return r;
    *ret_list = (uint16_t)ro->class_list[class];
    return *ret_list ? list_add_name(&ro->r->lists[*ret_list], name) : 0;
}

static int route_all(struct routing *ro, struct program *p)
{
    const struct schema *s = ro->g->schema;
    int r = 0;

    p->type_list = arena_array(p->arena, s->n_types ? s->n_types : 1, sizeof(*p->type_list));
    p->subtype_list =
        arena_array(p->arena, s->n_subtype_ids ? s->n_subtype_ids : 1, sizeof(*p->subtype_list));
    if (!p->type_list || !p->subtype_list)
        return -ENOMEM;
    for (uint32_t i = 0; i < s->n_types && r == 0; i++)
        if (!(s->types[i].flags & GYR_ETF_SNAPSHOT))
            r = route_name(ro, s->types[i].name, &p->type_list[i]);
    for (uint32_t i = 0; i < s->n_subtype_ids && r == 0; i++) {
        p->subtype_list[i] = SUBTYPE_UNNAMED;
        if (s->subtype_names[i])
            r = route_name(ro, s->subtype_names[i], &p->subtype_list[i]);
    }
    return r;
}

static int prepare(struct routing *ro)
{
    struct graph *g = ro->g;
    uint32_t empty;

    ro->n_nodes = g->n_nodes;
    ro->tests = arena_array(g->temp, g->n_preds + 1, sizeof(*ro->tests));
    ro->answers = arena_array(g->temp, g->n_preds + 1, sizeof(*ro->answers));
    ro->memo = arena_array(g->temp, ro->n_nodes, sizeof(*ro->memo));
    ro->at = arena_array(g->temp, ro->n_nodes, sizeof(*ro->at));
    if (!ro->tests || !ro->answers || !ro->memo || !ro->at)
        return -ENOMEM;
    for (uint32_t i = 0; i < g->n_preds; i++)
        if (g->preds[i].on_type)
            ro->tests[ro->n_tests++] = i;
    return add_list(ro, NULL, 0, &empty); /* list 0 */
}

int route_build(struct graph *g, const struct route_rule *rules, uint32_t n_rules,
                struct program *p, struct route *r)
{
    struct routing ro = {.g = g, .rules = rules, .n_rules = n_rules, .r = r};
    int e = prepare(&ro);

    if (e == 0)
        e = route_all(&ro, p);
    free(ro.class_list);
    return e;
}

void route_free(struct route *r)
{
    for (uint32_t i = 0; i < r->n_lists; i++)
        free(r->lists[i].names);
    free(r->lists);
    free(r->entries);
}
