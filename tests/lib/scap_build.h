/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file scap_build.h
 * @brief Captures built by hand, block by block, and read back as events. For tests.
 *
 * Out of memory aborts.
 */
#ifndef TESTS_SCAP_BUILD_H
#define TESTS_SCAP_BUILD_H

#include <gyr/event.h>
#include <gyr/util.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes of a capture. Zero is empty. */
struct scap_build {
    uint8_t *p;
    size_t len, cap;
    size_t block, entry; /**< where the open block and entry begin */
};

void sb_free(struct scap_build *b);
void sb_bytes(struct scap_build *b, const void *p, size_t n);
/** The @p width low bytes of a number. */
void sb_num(struct scap_build *b, uint64_t v, size_t width);
/** u16 length and the text. */
void sb_text(struct scap_build *b, const char *s);

void sb_block(struct scap_build *b, uint32_t type);
void sb_block_end(struct scap_build *b); /**< pads, and writes both lengths */
/** An entry that opens with its own length. */
void sb_entry(struct scap_build *b);
/** @param inclusive the length counts itself. */
void sb_entry_end(struct scap_build *b, int inclusive);

/** A section header of version 1.2. */
void sb_section(struct scap_build *b);

struct sb_param {
    const void *p;
    uint32_t len;
};
#define SB_STR(s) ((struct sb_param){(s), (uint32_t)sizeof(s)})
#define SB_VAR(v) ((struct sb_param){&(v), (uint32_t)sizeof(v)})
#define SB_PARAMS(...)                                                                             \
    ((struct sb_param[]){__VA_ARGS__}),                                                            \
        (uint32_t)(sizeof((struct sb_param[]){__VA_ARGS__}) / sizeof(struct sb_param))

/** An event block of any type; its layout follows from the type. @param flags if it has any. */
void sb_event_as(struct scap_build *b, uint32_t block, uint32_t flags, uint64_t ts, int64_t tid,
                 uint16_t type, const struct sb_param *params, uint32_t n);
/** In the current kind of block, on CPU 1. */
void sb_event(struct scap_build *b, uint64_t ts, int64_t tid, uint16_t type,
              const struct sb_param *params, uint32_t n);

/** What reading gave. */
struct scap_events {
    struct gyr_event **ev; /**< copies */
    size_t n, cap;
    int end; /**< GYR_E_EOF or what went wrong */
    struct gyr_error err;
    uint64_t unknown_events, unknown_blocks;
};

/** Read a capture from memory to its end. */
void scap_events_read(struct scap_events *e, const void *p, size_t n);
void scap_events_add(struct scap_events *e, const struct gyr_event *ev);
void scap_events_free(struct scap_events *e);
/** The @p k-th event that is no bracket; NULL. */
const struct gyr_event *scap_events_at(const struct scap_events *e, size_t k);

/** A file in the folder of shared test material, or NULL when that is not there. Static buffer. */
const char *shared_path(const char *name);
/** The content of a file, decompressed if it is gzip; aborts. */
uint8_t *slurp(const char *path, size_t *ret_len);

#endif /* TESTS_SCAP_BUILD_H */
