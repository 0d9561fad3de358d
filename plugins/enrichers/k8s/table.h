/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file table.h
 * @brief A hash table of pointers by 64-bit hashes, and strings kept once. One thread at a time.
 *
 * The table knows hashes, not keys: several things may have the same, and who looks compares.
 */
#ifndef K8S_TABLE_H
#define K8S_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table {
    struct table_slot {
        uint64_t hash;
        void *p; /* NULL: free */
    } * slots;
    uint32_t cap, n; /* cap: 0 or a power of 2 */
};

uint64_t table_hash(const void *p, size_t n);
/** @return 0; -ENOMEM. */
int table_add(struct table *t, uint64_t hash, void *p);
/** Remove @p p; nothing happens if it is not there. */
void table_del(struct table *t, uint64_t hash, const void *p);
/** Walk what has @p hash: *at begins as 0. @return NULL at the end. Nothing may be added or
 *  removed meanwhile. */
void *table_next(const struct table *t, uint64_t hash, uint32_t *at);
void table_free(struct table *t);

/** A string kept once, NUL-terminated; may hold zero bytes. */
struct istr {
    uint64_t hash;
    uint32_t refs, len;
    char s[];
};

struct strings {
    struct table table;
    size_t bytes;
};

/** @return with a reference that istr_put() gives back; NULL: no memory. */
struct istr *istr_get(struct strings *s, const char *p, size_t n);
/** NULL is fine. */
void istr_put(struct strings *s, struct istr *i);
void strings_free(struct strings *s);

#endif /* K8S_TABLE_H */
