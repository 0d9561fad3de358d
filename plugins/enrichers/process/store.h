/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file store.h
 * @brief Memory of the process tables: a slab allocator with a ceiling, shared strings, and a map
 * from numbers to pointers.
 *
 * One store per instance, used by its source's thread only. An allocation is a pop from a free
 * list; the system is asked for a chunk now and then, and gets those back that are empty: what one
 * size leaves serves every other. Past the ceiling allocations fail and are counted: names become
 * empty, entries are left out, nothing breaks.
 */
#ifndef PROCESS_STORE_H
#define PROCESS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PR_CLASSES = 18 };

struct pr_link {
    struct pr_link *prev, *next;
};

void pr_link_init(struct pr_link *l);
void pr_link_remove(struct pr_link *l);
void pr_link_after(struct pr_link *at, struct pr_link *l);

struct pr_store {
    struct pr_link room[PR_CLASSES], full; /**< chunks: with a free block, and without */
    size_t used, max;                      /**< bytes asked of the system, and the ceiling */
    uint64_t failures;
};

void pr_store_init(struct pr_store *s, size_t max);
/** Frees all chunks; the store is as new then. Blocks too large for a slab must have been freed
 * before. */
void pr_store_free_all(struct pr_store *s);
/** @return memory for @p size bytes, 8-byte aligned, not cleared; NULL past the ceiling. */
void *pr_store_alloc(struct pr_store *s, size_t size);
/** @param size as asked for. @p p may be NULL. */
void pr_store_free(struct pr_store *s, void *p, size_t size);

/** Text shared by counting: what a child inherits costs it nothing. NULL is the empty text. */
struct pr_str {
    uint32_t refs, len;
    char s[]; /**< NUL-terminated; may hold NULs */
};

/** A view of text. */
struct pr_text {
    const char *p;
    uint32_t len;
};

struct pr_str *pr_str_new(struct pr_store *s, const char *p, size_t len);
void pr_str_free(struct pr_store *s, struct pr_str *str);
/** Put @p p in place of @p at; kept as it is when nothing changes. */
void pr_str_set(struct pr_store *s, struct pr_str **at, const char *p, size_t len);
/** Let @p at share @p str. */
void pr_str_share(struct pr_store *s, struct pr_str **at, struct pr_str *str);

static inline struct pr_text pr_text_of(const struct pr_str *s)
{
    return s ? (struct pr_text){s->s, s->len} : (struct pr_text){"", 0};
}

bool pr_text_is(struct pr_text t, const char *s);

/** Numbers to pointers: open addressing, no tombstones. Not bounded by itself. */
struct pr_index {
    struct pr_index_slot {
        int64_t key;
        void *value; /* NULL: free */
    } * slots;
    uint32_t n, cap;
};

void *pr_index_get(const struct pr_index *m, int64_t key);
/** @return 0; -ENOMEM. @p value is not NULL. */
int pr_index_put(struct pr_index *m, int64_t key, void *value);
void pr_index_del(struct pr_index *m, int64_t key);
void pr_index_free(struct pr_index *m);

#endif /* PROCESS_STORE_H */
