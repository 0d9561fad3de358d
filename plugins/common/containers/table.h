/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file containers/table.h
 * @brief The containers that an instance knows, by id and by ticket. One thread; nothing is shared.
 */
#ifndef CONTAINERS_TABLE_H
#define CONTAINERS_TABLE_H

#include "containers/facts.h"

#include <sys/queue.h>

enum { CT_BUCKETS = 4096 };

enum ct_entry_state {
    CT_E_ASKED,  /* nobody has answered */
    CT_E_KNOWN,  /* facts */
    CT_E_NOBODYS /* no runtime has it */
};

struct ct_entry {
    struct ct_entry *next_id, *next_ticket; /* in their buckets */
    TAILQ_ENTRY(ct_entry) by_time;          /* by state and gone: in one of the table's lists */
    const struct ct_facts *facts;
    uint64_t ticket;
    uint64_t at_ns; /* when it came into its list, in the time of events */
    uint32_t refs;  /* tickets out: it must not go */
    uint8_t state;  /* enum ct_entry_state */
    bool gone;
    char id[];
};
TAILQ_HEAD(ct_entries, ct_entry);

struct ct_table {
    struct ct_entry *by_id[CT_BUCKETS], *by_ticket[CT_BUCKETS];
    struct ct_entries asked, known, gone, nobodys; /* the oldest first */
    uint32_t n, n_gone, max;
    uint64_t last_ticket, evicted;
};

/** Of the digits that every form of an id has. */
static inline uint32_t ct_hash_id(const char *id)
{
    uint32_t h = 2166136261u;

    for (uint32_t i = 0; i < CT_ID_SHORT && id[i]; i++)
        h = (h ^ (uint8_t)id[i]) * 16777619u;
    return h ^ h >> 15;
}

void ct_table_init(struct ct_table *t, uint32_t max);
void ct_table_free(struct ct_table *t);
struct ct_entry *ct_table_find(const struct ct_table *t, const char *id);
struct ct_entry *ct_table_find_ticket(const struct ct_table *t, uint64_t ticket);
/** A new one, CT_E_ASKED, with a ticket. @pre it is not there. @return NULL: no memory, or full of
 *  such that cannot go. */
struct ct_entry *ct_table_add(struct ct_table *t, const char *id, uint64_t now_ns);
/** Change its state. @param facts of CT_E_KNOWN, a reference, the table's from now on; else NULL.
 */
void ct_table_set(struct ct_table *t, struct ct_entry *e, enum ct_entry_state state, bool gone,
                  const struct ct_facts *facts, uint64_t now_ns);

#endif /* CONTAINERS_TABLE_H */
