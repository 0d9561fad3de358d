/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file node.h
 * @brief The description as a tree whose every word knows where its user wrote it.
 *
 * It comes as JSON that somebody else made of the user's text: a word is ["text", line, column],
 * a list {"at": [line, column], "list": […]}, a mapping {"at": […], "map": [word, value, word,
 * value, …]}; null instead of a text: nothing is said. Borrowed from the root. One thread.
 */
#ifndef SCENARIO_NODE_H
#define SCENARIO_NODE_H

#include <gyr/util.h>
#include <jansson.h>
#include <stdbool.h>

enum sc_kind { SC_NULL, SC_TEXT, SC_LIST, SC_MAP };

/** @return 0 and a tree for json_decref(); -EINVAL: it has not that form. */
int sc_parse(const char *text, json_t **ret, struct gyr_error *err);

enum sc_kind sc_kind(const json_t *n);
const char *sc_text(const json_t *n); /**< NULL when it is no text */
/** Of a list its items, of a mapping its pairs; else 0. */
size_t sc_len(const json_t *n);
const json_t *sc_item(const json_t *list, size_t i);
const json_t *sc_key(const json_t *map, size_t i);
const json_t *sc_value_at(const json_t *map, size_t i);
/** NULL: not there, or null. @param ret_key the word itself; may be NULL. */
const json_t *sc_get(const json_t *map, const char *key, const json_t **ret_key);

/** "line 3, column 7: …". @return -EINVAL. */
GYR_PRINTF(3, 4) int sc_wrong(struct gyr_error *err, const json_t *at, const char *fmt, ...);

/** The nearest of the words offered. */
struct sc_near {
    const char *word, *best;
    unsigned distance;
};
void sc_near_offer(struct sc_near *n, const char *name);
/** "; did you mean 'x'?" in @p room; "" when nothing is near. */
const char *sc_near_hint(const struct sc_near *n, char room[160]);
/** sc_wrong() for a word that is not among @p words (ended by NULL). */
int sc_unknown(struct gyr_error *err, const json_t *at, const char *what, const char *const *words);
/** Every key of a mapping must be among @p words. @return 0; -EINVAL. */
int sc_check_keys(struct gyr_error *err, const json_t *map, const char *what,
                  const char *const *words);

#endif /* SCENARIO_NODE_H */
