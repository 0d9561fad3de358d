/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file yaml.h
 * @brief A YAML file as a tree that remembers where everything stood.
 *
 * libyaml does the parsing. Bounded: file 16 MiB, depth 64, 1,000,000 nodes. An alias stands for a
 * whole node that holds no alias itself, and that node's size counts again (no "billion laughs").
 * Keys are text; duplicate keys in one mapping are errors. Everything lives in the arena given.
 * Not shared between threads.
 */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/diag.h"

#include <gyr/types.h>

enum ynode_kind { Y_SCALAR, Y_SEQ, Y_MAP };

struct ynode {
    enum ynode_kind kind;
    struct loc loc;  /**< first character */
    const char *str; /**< Y_SCALAR: the value, NUL-terminated (may hold NULs inside: see len) */
    size_t len;
    bool plain;           /**< Y_SCALAR: unquoted, so "true", "~" or "12" may be meant as such */
    size_t begin, end;    /**< bytes in the file's text that the scalar stood in */
    struct ynode **items; /**< Y_SEQ: n items. Y_MAP: 2n, key then value */
    uint32_t n;
};

/** Parse a text. @param path for messages, copied. @param text copied.
 *  @return the first document's root (NULL node pointer for an empty file), 0; or -EINVAL after
 *  telling @p d why; -ENOMEM. A second document in the file is an error unless it is empty. */
int yaml_parse(const char *path, const char *text, size_t len, struct arena *arena, struct diags *d,
               struct ynode **ret_root);
/** The same from a file, opened by open_trusted(). */
int yaml_load(const char *path, struct arena *arena, struct diags *d, struct ynode **ret_root);

/** What a user names as files: a folder stands for its *.yaml and *.yml, in order.
 *  @return how many, in the arena; a negative errno with a sentence. */
int yaml_files(const char *path, struct arena *arena, const char ***ret, struct gyr_error *err);

enum { YAML_DOCS_MAX = 1000 };

/** The documents of a file that are not empty. */
struct ydocs {
    const struct source_file *file;
    struct ynode **roots;
    uint32_t n;
};

/** The same two for files that may hold several documents (rule files). */
int yaml_parse_docs(const char *path, const char *text, size_t len, struct arena *arena,
                    struct diags *d, struct ydocs *ret);
int yaml_load_docs(const char *path, struct arena *arena, struct diags *d, struct ydocs *ret);

/** The value of a key of a mapping, or NULL (also when @p n is NULL or no mapping). */
struct ynode *ymap_get(const struct ynode *n, const char *key);
/** The place in the file of byte @p off of a scalar's value: folded and literal blocks, plain
 *  and quoted scalars. Exact for block and plain scalars; for escapes in quotes, near. */
struct loc yaml_loc_at(const struct ynode *scalar, size_t off);
/** `key:`, `key: ~` and `key: null`: nothing is said. */
bool ynode_is_null(const struct ynode *n);
/** "a mapping", "a list", "text": for messages. */
const char *ynode_kind_name(const struct ynode *n);

#endif /* BASE_YAML_H */
