/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file split.h
 * @brief Objects out of a stream of JSON, one at a time, so that a list of any length needs the
 * memory of its longest element.
 *
 * Only brackets and strings are told apart; whoever gets an object parses it.
 */
#ifndef K8S_SPLIT_H
#define K8S_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SPLIT_ITEM_MAX = 4 << 20, /* longer elements are left out; Kubernetes' own limit is 1.5 MiB */
    SPLIT_HEAD_MAX = 64 << 10,
    SPLIT_DEPTH_MAX = 128
};

struct split_buf {
    char *p;
    size_t len, cap;
};

struct split {
    bool is_list; /**< elements of the top object's "items"; else objects one after the other */
    /** @return 0; else split_feed() returns it. */
    int (*on_item)(void *arg, const char *p, size_t n);
    void *arg;
    uint64_t too_long; /**< elements left out */

    struct split_buf item, head;
    uint32_t depth, item_depth; /* item_depth: where the element being kept opened; 0: none */
    bool in_string, escaped, in_items, skipping;
    char key[8]; /* the last string of the top object */
    uint32_t key_len;
};

/** @return 0; -EBADMSG: it is not JSON; -EMSGSIZE; -ENOMEM; what on_item() returned. */
int split_feed(struct split *s, const char *p, size_t n);
/** Whether the stream stands between two objects. */
bool split_is_whole(const struct split *s);
/** Of a list: what stands around its items, as JSON with none; NUL-terminated. "" when empty. */
const char *split_head(const struct split *s);
/** Begin anew, keeping memory. */
void split_reset(struct split *s);
void split_free(struct split *s);

#endif /* K8S_SPLIT_H */
