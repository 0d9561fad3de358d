/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file migrate.h
 * @brief A falco.yaml read key by key, and what of it goes where in a gyr.yaml. Main thread.
 */
#ifndef CLI_MIGRATE_H
#define CLI_MIGRATE_H

#include "base/buf.h"
#include "base/yaml.h"

enum { SECTION_MAX = 4 << 20 };

struct migration {
    const struct ynode *root; /**< falco.yaml */
    struct diags *d;          /**< gets what has no equivalent */
    struct buf notes;         /**< comments: what changes */
    struct buf top;           /**< keys of their own */
    struct buf sources, enrichers, outputs, rules;
    struct buf extras; /**< entries of append_output */
};

/** The gyr.yaml that does what a falco.yaml does.
 *  @param path of the falco.yaml, for its head. @param root a mapping.
 *  @param ret the text is added to it. @return 0, and what has no equivalent in @p d; -ENOMEM. */
int migrate_config(const char *path, const struct ynode *root, struct diags *d, struct buf *ret);

/* ---- what its parts share ---- */

/** What changes, as a comment at the head of the result. */
__attribute__((format(printf, 2, 3))) void migrate_note(struct migration *m, const char *fmt, ...);
/** What has no equivalent: told with its place, and a comment. */
__attribute__((format(printf, 3, 4))) void migrate_lost(struct migration *m, const struct ynode *n,
                                                        const char *fmt, ...);
/** Truth of a key; @p dflt when it is not there, or neither. */
bool migrate_bool(const struct ynode *map, const char *key, bool dflt);
/** Text of a key; NULL: none, or empty. */
const char *migrate_text(const struct ynode *map, const char *key);
/** A value in one line: text in quotes, lists and mappings in brackets. */
void migrate_value(struct buf *b, const struct ynode *n);
void migrate_quoted(struct buf *b, const char *s);
/** Every key of falco.yaml, but for its outputs. */
void migrate_keys(struct migration *m);
/** The outputs, with what Falco says once for all of them. */
void migrate_outputs(struct migration *m);

#endif /* CLI_MIGRATE_H */
