/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file scap_tables.h
 * @brief The tables a capture opens with, entry by entry, as snapshot events.
 *
 * A table block stays where it is while its entries are taken one at a time, so that a large one
 * is spread over as many batches as it needs. One thread.
 */
#ifndef SCAP_TABLES_H
#define SCAP_TABLES_H

#include "scap_bits.h"
#include "record/scap_view.h"

enum scap_table_kind {
    SCAP_TABLE_NONE,
    SCAP_TABLE_MACHINE,
    SCAP_TABLE_PROCESSES,
    SCAP_TABLE_FDS,
    SCAP_TABLE_INTERFACES,
    SCAP_TABLE_USERS
};

struct scap_table {
    enum scap_table_kind kind;
    unsigned version;
    struct scap_cursor at; /**< the rest of the block's body */
    int64_t tid;           /**< FDS: whose */
    bool begun;
    uint64_t boot_ts; /**< MACHINE: when it booted; 0: not told */
};

/** The table that a block of that type holds. */
enum scap_table_kind scap_table_of(uint32_t block_type, unsigned *ret_version);

/** The next entry. @return 1 and a view (slices point into the block and the view); 0: no more;
 *  -EBADMSG and what is wrong. */
int scap_table_next(struct scap_table *t, struct scap_view *v, const char **ret_wrong);

/** An entry of the process list, versions 1 to 9. Same answers. */
int scap_process_next(struct scap_cursor *c, unsigned version, struct scap_view *v,
                      const char **ret_wrong);
/** A descriptor, versions 1 and 2, without its thread. Same answers. */
int scap_fd_next(struct scap_cursor *c, unsigned version, struct scap_view *v,
                 const char **ret_wrong);

/** The entry at the cursor: with @p sized, bounded by the length that stands before it and that
 *  counts itself only if @p inclusive. Moves @p c behind it; else scap_entry_end() does.
 *  @return 0; -EBADMSG. */
int scap_entry_begin(struct scap_cursor *c, bool sized, bool inclusive, struct scap_cursor *ret);
static inline void scap_entry_end(struct scap_cursor *c, bool sized,
                                  const struct scap_cursor *entry)
{
    if (!sized)
        c->p = entry->p;
}

/** u16 length, then as many bytes, as text parameter @p i (unless @p i is negative). */
void scap_take_text(struct scap_cursor *c, struct scap_view *v, int i);

#endif /* SCAP_TABLES_H */
