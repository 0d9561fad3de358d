/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file call.h
 * @brief One word of a scenario on its way to a record: its arguments, the parameters made of
 * them, what it changes. One thread.
 */
#ifndef SCENARIO_CALL_H
#define SCENARIO_CALL_H

#include "addr.h"
#include "given.h"

struct sc_call {
    struct sc_world *w;
    const struct gyr_event_type *type;
    uint32_t subtype;
    struct sc_proc *actor;
    const json_t *word; /**< as the user wrote it */
    const json_t *args; /**< a mapping; NULL: none */
    const json_t *main; /**< the one argument of the short form, where it is a text or list */
    uint64_t used;      /**< which keys of args have been read */
    bool main_used;
    bool all_asked; /**< whoever reads the arguments has asked for all that it knows */
    struct {
        struct sc_bytes b;
        bool set;
    } par[GYR_PARAMS_MAX];
    int64_t res; /**< the first parameter of a call's exit */
    bool is_res_given;
};

/** A word with a meaning of its own. Calls return 0, or negative after filling w->err. */
struct sc_word {
    const char *name;
    uint16_t type;           /**< event type; 0: the schema's current one of that name */
    const char *main;        /**< the key that the short form stands for; NULL: a path, or the first
                                  parameter */
    const char *const *keys; /**< besides the schema's parameters; NULL: none */
    /** Make parameters of arguments, and records that come before. */
    int (*prepare)(struct sc_call *c);
    /** It has happened and not failed. */
    int (*after)(struct sc_call *c);
    /** Instead of all of that. */
    int (*whole)(struct sc_call *c);
};

extern const struct sc_word sc_words_process[], sc_words_files[], sc_words_net[];

/** Put all that happens. @param list of words. */
int sc_when(struct sc_world *w, const json_t *list);

/* ---- for words ---- */

/** The value of an argument, which counts as read; NULL: not given. The short form's word is the
 *  value of the word's main key. */
const json_t *sc_arg(struct sc_call *c, const char *key);
/** Begin one that no user wrote: all parameters are to be set. */
void sc_call_begin(struct sc_call *c, struct sc_world *w, uint16_t type, struct sc_proc *actor);
void sc_set_num(struct sc_call *c, uint32_t i, uint64_t v);
void sc_set_text(struct sc_call *c, uint32_t i, const char *s);
void sc_set_bytes(struct sc_call *c, uint32_t i, struct sc_bytes b);
/** The number in a parameter that has been made; 0: it has not. */
int64_t sc_num(const struct sc_call *c, uint32_t i);
/** Put the record of all parameters as they are. */
int sc_call_put(struct sc_call *c);
/** The place of a parameter; -1: there is none. */
int sc_param(const struct gyr_event_type *t, const char *name);
/** The current event type of that name; NULL: there is none. */
const struct gyr_event_type *sc_type_of(const char *name);

/* ---- value.c ---- */

/** The bytes of parameter @p i as the user's words say. */
int sc_value(struct sc_call *c, uint32_t i, const json_t *n, struct sc_bytes *ret);
/** "EPERM" or a number below 0. */
int sc_errno(struct sc_world *w, const json_t *n, int64_t *ret);
/** Bytes of a parameter as wide as its type. */
struct sc_bytes sc_number(struct sc_world *w, const struct gyr_param_def *p, uint64_t v);

#endif /* SCENARIO_CALL_H */
