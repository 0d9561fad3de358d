/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file read.h
 * @brief Reading a configuration file: mappings by tables of keys, values of every kind.
 *
 * Whatever is wrong is told to the diags with its place; the target keeps its default then.
 * Main thread.
 */
#ifndef CONFIG_READ_H
#define CONFIG_READ_H

#include "config/config.h"

/** A file while it is read into a configuration. */
struct reader {
    struct config *c;
    struct arena *arena;
    struct diags *d;
    const char *dir; /**< of the file: where relative paths count from */
    bool has_sources, has_enrichers, has_outputs; /**< some file has named them */
};

/** A key of a mapping and what reads its value. */
struct key {
    const char *name;
    void (*read)(struct reader *r, const struct ynode *v, void *target);
};

/** Read a mapping by its keys; others are told with the nearest. @param what "an output". */
void conf_read_map(struct reader *r, const struct ynode *v, const struct key *keys, size_t n_keys,
                   const char *what, void *target);
/** @return the text, or NULL after telling why not. */
const char *conf_read_text(struct reader *r, const struct ynode *v);
/** A text, or a list of texts: NULL-terminated, or NULL after telling why not. */
const char **conf_read_texts(struct reader *r, const struct ynode *v, uint32_t *ret_n);
/** The same, relative paths counted from the file's folder. */
const char **conf_read_paths(struct reader *r, const struct ynode *v, uint32_t *ret_n);
/** @return the path as seen from here; NULL without memory. */
const char *conf_from_dir(struct reader *r, const char *path);
void conf_read_priority(struct reader *r, const struct ynode *v, uint32_t *ret);
/** One of some words. @return its index, or -1 after telling why not. */
int conf_read_choice(struct reader *r, const struct ynode *v, const char *const *words, size_t n);

/** @return false after telling why not. */
bool conf_read_bool(struct reader *r, const struct ynode *v, bool *ret);

enum conf_unit { UNIT_COUNT, UNIT_SIZE, UNIT_DURATION };

/** A number within bounds. @return false after telling why not. */
bool conf_read_number(struct reader *r, const struct ynode *v, enum conf_unit unit, uint64_t min,
                      uint64_t max, uint64_t *ret);

/* Values of the keys "select" of "rules" and "append_output" of the whole (adjust.c). */
void conf_read_select(struct reader *r, const struct ynode *v, void *target);
void conf_read_append_output(struct reader *r, const struct ynode *v, void *target);

/* Values of the keys "sources", "enrichers" and "outputs" of the whole (entry.c). */
void conf_read_sources(struct reader *r, const struct ynode *v, void *target);
void conf_read_enrichers(struct reader *r, const struct ynode *v, void *target);
void conf_read_outputs(struct reader *r, const struct ynode *v, void *target);

/* Values of keys of an output (delivery.c); the target is its struct plugin_conf. */
void conf_read_retry(struct reader *r, const struct ynode *v, void *target);
void conf_read_digest(struct reader *r, const struct ynode *v, void *target);
/** What its keys must be to others of the entry, once all are read. */
void conf_check_digest(struct reader *r, struct plugin_conf *p);
void conf_read_spool(struct reader *r, const struct ynode *v, void *target);
void conf_read_dedup(struct reader *r, const struct ynode *v, void *target);
void conf_read_rate_limit(struct reader *r, const struct ynode *v, void *target);
/* Values of the keys "http", "status_socket" and "stuck_after" of the whole (service.c). */
void conf_read_http(struct reader *r, const struct ynode *v, void *target);
void conf_read_status_socket(struct reader *r, const struct ynode *v, void *target);
void conf_read_stuck_after(struct reader *r, const struct ynode *v, void *target);
/* Values of the keys "redact" (redact.c) and "mute" (noise.c) of the whole. */
void conf_read_redact(struct reader *r, const struct ynode *v, void *target);
void conf_read_mute(struct reader *r, const struct ynode *v, void *target);
void conf_read_dead_letters(struct reader *r, const struct ynode *v, void *target);

#endif /* CONFIG_READ_H */
