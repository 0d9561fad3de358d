/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file conform_priv.h
 * @brief What the groups of checks share. They run in a child, on its main thread.
 */
#ifndef CONFORM_CONFORM_PRIV_H
#define CONFORM_CONFORM_PRIV_H

#include "conform/conform.h"
#include "plugin/plugin.h"

/** A group of checks at work in its child. */
struct trial {
    const struct conform_conf *conf;
    struct plugins plugins;
    struct plugin *plugin; /**< loaded; NULL in the group that loads it */
    struct schemas schemas;
    struct arena *arena;
};

/* ---- child.c ---- */

/** A check begins: what is not told before the child dies is told of this one. */
void trial_begin(const char *name);
/** A call into the plugin begins, for messages: "create()". @return @p call. */
const char *trial_calls(const char *call);
/** The check that has begun is over. */
__attribute__((format(printf, 2, 3))) void trial_tell(enum conform_result result, const char *fmt,
                                                      ...);
/** The same in one. */
#define trial_row(name, result, ...) (trial_begin(name), trial_tell((result), __VA_ARGS__))
/** Who it is, as soon as that is known. */
void trial_introduce(const struct plugin *p);

/** Run a group in a child and add what it tells to the report.
 *  @param load the plugin, before @p fn. @param limit_ms until it counts as hanging. */
void trial_run(const struct conform_conf *conf, struct conform_report *report,
               void (*fn)(struct trial *t), bool load, uint32_t limit_ms);

/* ---- instances.c ---- */

/** What of the process could grow. */
struct holdings {
    uint64_t heap; /**< bytes in use */
    uint32_t fds, threads;
    bool heap_known; /**< glibc's allocator is at work */
};
void holdings_take(struct holdings *h);
/** Threads that were joined may take a moment to go: waits for them.
 *  @return 0; or negative with what is left in the sentence. @p rounds share the heap's growth. */
int holdings_compare(const struct holdings *before, uint32_t rounds, uint64_t slack,
                     struct gyr_error *err);

/** An instance with the options of the configuration.
 *  @param hooks may be NULL.
 *  @return 0; -ENOKEY with a sentence: options that it needs were not given; else what create()
 *  returned, with its sentence (or what is wrong with it). */
int trial_create(struct trial *t, uint32_t capability, const struct host_hooks *hooks,
                 struct instance **ret, struct gyr_error *err);
/** The same, started. @return -ENOKEY; -EAGAIN: start() refused, with its sentence; else. */
int trial_start(struct trial *t, uint32_t capability, const struct host_hooks *hooks,
                struct instance **ret, struct gyr_error *err);
/** An instance could not be had: skipped for want of options, failed else. */
void trial_tell_refused(int r, const struct gyr_error *err);
/** Is a failure told as it should be: a negative code, a sentence? @return NULL; or what is wrong
 *  with it. */
const char *trial_error_flaw(int r, const struct gyr_error *err);
const char *capability_word(uint32_t capability);
bool trial_has(const struct trial *t, uint32_t capability);

/* ---- values.c ---- */

/** Read every byte of a record that passed event_check(), as whoever reads it would.
 *  @return NULL; or what is wrong with a parameter's length. */
const char *event_flaw(const struct gyr_event *ev, const struct schema *s, char *text, size_t size);
/** The same of a value that is to be of that type. */
const char *value_flaw(const struct gyr_value *v, uint32_t type, bool list, char *text,
                       size_t size);

/* ---- groups ---- */

/** Symbols of the file: looked at without loading it. */
void check_symbols(const char *path, struct conform_report *report);
void group_load(struct trial *t);
void group_options(struct trial *t);
void group_create(struct trial *t);
void group_start(struct trial *t);
/* These do nothing for a plugin that is none. */
void group_source(struct trial *t);
void group_enricher(struct trial *t);
void group_output(struct trial *t);

void report_add(struct conform_report *r, const struct conform_row *row);

#endif /* CONFORM_CONFORM_PRIV_H */
