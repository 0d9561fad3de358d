/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file engine_rig.h
 * @brief A rule engine on the bench: a small schema, scripted providers, rules from a text, and a
 * record of what matched. For tests; out of memory or a rule that does not load aborts.
 *
 * The schema is named "syscall", so that rules need no source. Event types: open, exec, close,
 * exec again under another number, snap (a snapshot), and call, a generic type with the subtypes
 * mkdir and rmdir. Fields of the fake provider: s.a to s.h (strings), n.a and n.b (numbers),
 * b.a, l.a (list of strings), k.v[word].
 */
#ifndef TESTS_ENGINE_RIG_H
#define TESTS_ENGINE_RIG_H

#include "engine/evaluator.h"

#include <pthread.h>

enum { T_OPEN = 1, T_EXEC = 2, T_CLOSE = 3, T_EXEC2 = 4, T_SNAP = 5, T_CALL = 6 };
enum { SUB_MKDIR = 1, SUB_RMDIR = 2, SUB_UNNAMED = 3 };
enum { F_SA, F_SB, F_SC, F_SD, F_SE, F_SF, F_SG, F_SH, F_NA, F_NB, F_BA, F_LA, F_KV, F_MAX_ };
enum { RIG_TICKETS = 65536, RIG_SEEN = 4096, RIG_PROVIDERS = 3 };

/** What a fake provider says of one of its fields, to get() and redeem() alike. */
struct fake_field {
    int answer;         /**< GYR_ABSENT, GYR_PRESENT, GYR_PENDING, or negative */
    struct gyr_value v; /**< strings are handed out in memory that release() frees */
    uint64_t ticket;    /**< of the next pending answer; 0: a new one each time */
    uint32_t gets, redeems;
};

struct fake {
    pthread_mutex_t lock; /* of all below */
    struct fake_field f[F_MAX_];
    uint32_t open[RIG_TICKETS]; /* how often a ticket is out */
    uint64_t next_ticket;
    uint32_t pendings, releases, bad_releases; /* bad: of a ticket that is not out */
    uint32_t bound, unbound;
    char *lent;     /* bytes of the last redeemed value */
    bool by_ticket; /* get() is always pending, redeem() until the ticket is ready */
    uint8_t ready[RIG_TICKETS];
    /** Called on the source's thread when a ticket has been given out, before get() returns. */
    void (*on_pending)(struct fake *f, uint64_t ticket);
    void *ctx;
    uint32_t index; /* in rig.providers */
};

struct seen {
    char rule[64];
    char values[256]; /* joined by '|', as text */
    uint64_t ts_ns, num;
    int64_t tid;
    uint32_t metadata, generation;
    bool was_parked;
};

struct rig {
    struct schemas schemas;
    struct arena *arena;
    struct diags d;
    struct fake fakes[2];
    struct provider providers[RIG_PROVIDERS]; /* the fakes, then the core */
    uint32_t n_providers;
    void *core;
    struct stream_pos pos;
    struct scratch scratch;
    struct park *park;
    struct generation *gen;
    struct evaluator *e;
    bool first_match_only;
    struct seen seen[RIG_SEEN];
    uint32_t n_seen;
    uint32_t wakes;
    struct {
        struct gyr_event ev;
        uint32_t off[2];
    } record;
};

/** The time evaluators see. */
extern uint64_t rig_now_ns;

/** With @p n_fakes providers (1 or 2) and a lot of the default size. */
void rig_init(struct rig *r, uint32_t n_fakes);
void rig_park(struct rig *r,
              const struct park_conf *conf); /**< another lot; the old one is empty */
/** A macro, list or rule in one line each: rig_rules(r, RIG_RULE("name", "s.a = x", "%s.b")). */
void rig_rules(struct rig *r, const char *text);
void rig_free(struct rig *r); /**< flushes the lot; checks that no ticket is out */
#define RIG_RULE(name, cond, out)                                                                  \
    "- rule: " name "\n  desc: d\n  condition: " cond "\n  output: '" out "'\n  priority: info\n"

/** Evaluate an event of that type: num counts up, ts and tid follow it. */
void rig_event(struct rig *r, uint16_t type, uint32_t subtype);
/** Names of the rules that matched since the last call, joined by ' '. */
const char *rig_matched(struct rig *r);

void fake_str(struct fake *f, uint32_t field, const char *s);
void fake_num(struct fake *f, uint32_t field, uint64_t n);
void fake_answer(struct fake *f, uint32_t field, int answer);
uint32_t fake_out(struct fake *f); /**< tickets that are out */

#endif /* TESTS_ENGINE_RIG_H */
