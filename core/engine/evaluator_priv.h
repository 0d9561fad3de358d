/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file evaluator_priv.h
 * @brief What evaluator.c and park.c share: the state of one evaluation.
 *
 * Values and results are valid while their epoch is the current one, so that nothing is cleared
 * between events. The same state serves a live event (values are asked for when first read) and a
 * parked one (values were loaded, and there is no event to ask about).
 */
#ifndef ENGINE_EVALUATOR_PRIV_H
#define ENGINE_EVALUATOR_PRIV_H

#include "engine/evaluator.h"
#include "engine/program_priv.h"

/** Kleene's three values: conjunction is the minimum, negation 2 - x. */
enum { K_FALSE = 0, K_PENDING = 1, K_TRUE = 2 };

enum value_state {
    VS_ABSENT,
    VS_PRESENT,
    VS_PENDING,
    VS_MISSING /* was pending when there was no more time: absent */
};

struct value_slot {
    struct gyr_value v;
    uint32_t epoch;
    uint32_t state;
};

/** A field of one provider. */
struct binding {
    int (*get)(void *self, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret);
    void *self;
    uint32_t handle, provider;
    uint64_t ticket; /* while waiting */
    bool waiting;    /* the ticket is ours, and to be released */
    bool list;       /* a list of values of the field's type */
    bool told;       /* that its value was of another type */
};

/** Whence a match comes. */
struct origin {
    uint64_t ts_ns, num;
    int64_t tid;
    bool was_parked;
};

struct evaluator {
    const struct program *p;
    const struct gyr_event *ev; /* NULL: a parked event is decided */
    uint32_t field_epoch;       /* of slots[] below p->n_fields */
    uint32_t node_epoch;        /* of the other slots and of memo[]; a multiple of 4 */
    struct value_slot *slots;   /* by value */
    uint32_t *memo;             /* by node: epoch | result */
    uint32_t *first_binding;    /* by field, one more than there are */
    struct binding *bindings;
    uint64_t *bits; /* the rules of a list that its indexes leave */
    struct gyr_value *out;
    uint32_t *undecided, n_undecided; /* entries */
    uint32_t *pending, n_pending;     /* fields with a binding that waits */
    uint32_t *frozen, n_frozen;       /* fields, while parking */
    uint32_t *seen;                   /* by field: the epoch it was frozen in */
    bool any_missing;
    struct origin origin;
    struct evaluator_conf conf;
    uint64_t *matches, errors;
    uint32_t refs, n_bound;
    struct arena *arena;
};

/** Begin another evaluation: nothing is known. @param ev NULL: values will be loaded. */
void evaluator_begin(struct evaluator *e, const struct gyr_event *ev, const struct origin *origin);
/** The value, read or computed if it is not there yet. */
const struct value_slot *evaluator_value(struct evaluator *e, uint32_t id);
/** Report the entries that match, keep those that pending values leave open.
 *  @return how many are kept, in order, at the front of @p entries. */
uint32_t evaluator_decide(struct evaluator *e, uint32_t *entries, uint32_t n);
/** End an evaluation that decided nothing: tickets are given back. */
void evaluator_end(struct evaluator *e);
/** What a reference of the program comes to: K_FALSE, K_PENDING, K_TRUE. */
uint32_t evaluator_test(struct evaluator *e, uint32_t ref);
/** A provider's value is believed only when it is of the field's type: how it is read depends on
 *  that. The first that is not is told. @return whether it is. */
bool evaluator_fits(struct evaluator *e, uint32_t field, struct binding *b,
                    const struct gyr_value *v);
/** Give back the tickets of a field. */
void evaluator_release(struct evaluator *e, uint32_t field);

/** Take over the live event's undecided entries, and the tickets of what they read.
 *  @return 0; -ENOSPC: the lot is full (counted); -ENOMEM (likewise). */
int park_event(struct park *p, struct evaluator *e);

#endif /* ENGINE_EVALUATOR_PRIV_H */
