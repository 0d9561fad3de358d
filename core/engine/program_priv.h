/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file program_priv.h
 * @brief What a program is made of. For program*.c, optimise.c, route*.c, evaluator.c, park.c.
 *
 * A condition is a *reference*: a node's number and one bit for "not". There are two kinds of
 * node: a predicate, and the conjunction of two or more references; "a or b" is not (not a and
 * not b). So nothing is stored for a negation, and x, not x, and both forms of De Morgan share
 * their nodes. Kleene's logic allows all of this: negation is exact, and conjunction is the
 * minimum of false < pending < true in any order and grouping.
 */
#ifndef ENGINE_PROGRAM_PRIV_H
#define ENGINE_PROGRAM_PRIV_H

#include "base/buf.h"
#include "engine/index.h"
#include "engine/pred.h"
#include "engine/program.h"

#define REF_TRUE  0u /* node 0 is "true" */
#define REF_FALSE 1u
#define ID_NONE   UINT32_MAX

static inline uint32_t ref_not(uint32_t ref)
{
    return ref ^ 1u;
}

static inline uint32_t ref_id(uint32_t ref)
{
    return ref >> 1;
}

enum {
    PROGRAM_MEM_MAX = 1 << 30,
    PROGRAM_WORK_MAX = 1 << 23, /* tree nodes and their kids visited while compiling */
    PROGRAM_DEPTH_MAX = 1000,   /* of a condition, macros opened: bounds recursion */
    INDEX_RULES_MIN = 4,        /* an index pays from so many rules, */
    INDEX_PARTS_MIN = 8,        /* one that looks through whole texts from so many */
    INDEX_PER_LIST = 8          /* most indexes of one list */
};

/* ---- the finished program ---- */

enum value_kind {
    V_FIELD, /* read from providers */
    V_CONST,
    V_CALL, /* a transformer over args */
    V_LIST  /* args, gathered into a list */
};

/* What is read of a field: its value; by a comparison, all of many; by an output, what it shows. */
enum read_as { READ_ONE, READ_ALL, READ_SHOWN };

/** A value: fields come first, arguments before what uses them. */
struct prog_value {
    uint32_t kind;
    uint32_t fn;          /* V_CALL: enum transform; V_FIELD: enum read_as */
    uint32_t first, n;    /* V_CALL, V_LIST: args in program.args */
    const struct expr *x; /* how a rule wrote it; V_FIELD: field and argument, V_CONST: the value */
};

struct prog_pred {
    const struct pred *pred;
    uint32_t lhs, rhs; /* values; rhs ID_NONE: constants */
};

/** Node 0 is "true", then one for each predicate (node i + 1 is predicate i), then conjunctions. */
struct prog_node {
    uint32_t first, n; /* kids in program.kids, in order of evaluation */
};

/** A rule with its condition as it is for some event types. */
struct prog_entry {
    uint32_t rule; /* index in program.rules */
    uint32_t root;
    uint32_t first_field, n_fields; /* fields that condition and output can read: program.reads */
};

struct prog_rule {
    const struct rule *rule;
    uint32_t first_out; /* rule->n_outputs values in program.outs */
};

/** The rules that some event types can match, in the order of the ruleset. */
struct prog_list {
    uint32_t *entries;
    uint32_t n, n_indexes;
    uint32_t words;   /* 64 rules each */
    uint64_t *always; /* bits of the rules that no index decides about */
    struct prog_index *indexes;
    const char **names; /* of the event types, for the dump */
    uint32_t n_names;
};

struct program {
    struct arena *arena;
    const struct schema *schema;

    struct prog_value *values;
    struct prog_pred *preds;
    struct prog_node *nodes;
    struct prog_entry *entries;
    struct prog_rule *rules;
    struct prog_list *lists; /* [0] is empty: nothing can match */
    uint32_t *args, *kids, *outs, *reads;
    const struct node **pred_src; /* the comparison of each predicate, for indexes and the dump */
    struct pred **owned;          /* every predicate ever compiled, to be freed */

    uint32_t n_values, n_fields, n_preds, n_nodes, n_entries, n_rules, n_lists, n_owned;
    uint32_t max_outs, max_entries, max_words;

    uint16_t *type_list;    /* by dense index of the schema: which list */
    uint16_t *subtype_list; /* by subtype; 0xffff: it has no name of its own */
};

#define SUBTYPE_UNNAMED 0xffffu

/** Which rules can an event match? */
static inline const struct prog_list *program_route(const struct program *p, uint16_t type,
                                                    uint32_t subtype)
{
    uint32_t d = p->schema->dense[type];

    if (!d)
        return &p->lists[0];
    if ((p->schema->types[d - 1].flags & (GYR_ETF_GENERIC | GYR_ETF_SNAPSHOT)) == GYR_ETF_GENERIC &&
        subtype < p->schema->n_subtype_ids && p->subtype_list[subtype] != SUBTYPE_UNNAMED)
        return &p->lists[p->subtype_list[subtype]];
    return &p->lists[p->type_list[d - 1]];
}

/* ---- the graph while it is built (program_graph.c) ---- */

struct graph_value {
    uint32_t kind, fn, n;
    uint32_t *args;
    const struct expr *x;
};

struct graph_pred {
    struct pred *pred;
    const struct node *src;
    uint32_t lhs, rhs;
    bool on_type; /* a test of evt.type against constants: known for each event type */
};

struct graph_node {
    uint32_t pred; /* ID_NONE: a conjunction (or node 0) */
    uint32_t n;
    uint32_t *kids; /* ascending */
    uint32_t depth; /* 0: a predicate */
    bool on_type;   /* depends on evt.type */
};

struct graph {
    struct arena *arena; /* of the program: constants and predicates */
    struct arena *temp;  /* freed when the program is made */
    const struct schema *schema;
    struct map by_key;
    struct buf key;
    struct graph_value *values;
    struct graph_pred *preds;
    struct graph_node *nodes;
    uint32_t n_values, n_preds, n_nodes, cap_values, cap_preds, cap_nodes;
    uint32_t work;
    bool for_output;      /* values are built for an output, not for a comparison */
    bool says_never;      /* the condition at hand says "evt.num = 0" somewhere */
    struct gyr_error err; /* why the last step failed */
};

int graph_init(struct graph *g, struct arena *arena, const struct schema *schema);
void graph_free(struct graph *g); /**< but for the predicates */
/** @return 0 and a reference; -EINVAL, -ENOMEM with g->err. */
int graph_condition(struct graph *g, const struct node *n, uint32_t *ret_ref);
/** The value of a field or transformer as an output shows it. */
int graph_output(struct graph *g, const struct expr *x, uint32_t *ret_value);
/** The conjunction of references; @p refs is sorted in place. */
int graph_and(struct graph *g, uint32_t *refs, uint32_t n, uint32_t *ret_ref);
/** The number under which g->key's text is known, or the one it will have: @p next. */
int graph_intern(struct graph *g, uint32_t next, uint32_t *ret);
/** Make room for one more element. */
int graph_grow(void *array_of, uint32_t n, uint32_t *cap, size_t size);

/* ---- routing (route.c): evt.type known ---- */

struct route_rule {
    const struct rule *rule;
    uint32_t root;   /* as written */
    uint32_t *outs;  /* values */
    bool says_never; /* it holds a "never": that it cannot match is meant */
};

struct route_entry {
    uint32_t rule, root;
};

struct route_list {
    uint32_t *entries;
    uint32_t n, n_names, cap_names;
    const char **names;
};

struct route {
    struct route_entry *entries;
    struct route_list *lists;
    uint32_t n_entries, n_lists, cap_entries, cap_lists;
};

/** Fill @p r (in the graph's temp arena and malloc'd arrays) and p->type_list, p->subtype_list. */
int route_build(struct graph *g, const struct route_rule *rules, uint32_t n_rules,
                struct program *p, struct route *r);
void route_free(struct route *r);

/* ---- the rest of the way ---- */

/** Number what is still reachable, and order conjunctions: cheap and selective first. */
int optimise(const struct graph *g, const struct route_rule *rules, uint32_t n_rules,
             const struct route *r, struct program *p);
/** Indexes over constants for the lists that are long enough. */
int route_index(struct program *p);

#endif /* ENGINE_PROGRAM_PRIV_H */
