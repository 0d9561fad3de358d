/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file trace.h
 * @brief Why a rule does or does not match an event: each part of its condition true, false, absent
 * or pending. Slow, and apart from the evaluation that makes alerts, which pays nothing for it.
 *
 *     clauses_new(generation, program, &c, err);                  // once for a set of rules
 *     trace_new(c, &evaluator_conf, &t, err);                     // once for a source
 *     trace_begin(t, ev);                                         // while ev is the event at hand
 *     if (trace_concerns(t, rule))
 *         state = trace_node(t, rule->condition);                 // and of any node below it
 *     trace_end(t);
 *
 * A clause is a comparison (N_CMP). Those of a macro are the same nodes in every rule that uses it;
 * node->text tells where one was written, and whether in a rule or a macro. Parked events are not
 * traced: what is pending stays so.
 */
#ifndef ENGINE_TRACE_H
#define ENGINE_TRACE_H

#include "engine/evaluator.h"

enum trace_state {
    TRACE_FALSE,
    TRACE_ABSENT,  /**< a field without a value; counts as false */
    TRACE_PENDING, /**< a value is still waited for */
    TRACE_TRUE
};

/** "true", "false", "absent", "pending". */
const char *trace_state_name(enum trace_state s);

/* ---- the comparisons of a generation, each compiled by itself; any thread ---- */

struct clauses;

/** Those of all enabled rules of one schema. Holds a reference to @p g.
 *  @return 0; negative with a sentence. */
int clauses_new(struct generation *g, uint32_t program, struct clauses **ret,
                struct gyr_error *err);
void clauses_free(struct clauses *c); /**< NULL is fine */

/** Is the rule looked at for events of this type? */
bool program_concerns(const struct program *p, const struct rule *rule, uint16_t type,
                      uint32_t subtype);

/* ---- a trace: of one source, on its thread ---- */

struct trace;

/** @param like providers, position and scratch memory are taken from it.
 *  @param c outlives the trace. @return 0; negative with a sentence. */
int trace_new(struct clauses *c, const struct evaluator_conf *like, struct trace **ret,
              struct gyr_error *err);
void trace_free(struct trace *t); /**< NULL is fine */

/** @p ev is the event at hand: enrichers have heard of it, and not of the next. */
void trace_begin(struct trace *t, const struct gyr_event *ev);
/** The event's values are given back. */
void trace_end(struct trace *t);

/** Is the rule looked at for events of this type at all? */
bool trace_concerns(const struct trace *t, const struct rule *rule);
/** Of a rule's condition or any node below it. */
enum trace_state trace_node(struct trace *t, const struct node *n);
/** The left side of a comparison. @return false: it has no value. The value is borrowed until
 *  trace_end(). */
bool trace_value(struct trace *t, const struct node *n, struct gyr_value *ret);

/** Call @p f for each comparison of a condition, in the order they were written. */
void node_each_clause(const struct node *n, void (*f)(void *ctx, const struct node *clause),
                      void *ctx);

#endif /* ENGINE_TRACE_H */
