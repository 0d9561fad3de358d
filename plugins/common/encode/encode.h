/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file encode.h
 * @brief Alerts as lines (text, JSON), and their way into a descriptor.
 *
 * Built into every output that writes lines. One writer belongs to one output instance and is
 * used on its thread; gyr_writer_wake() may come from any.
 */
#ifndef ENCODE_ENCODE_H
#define ENCODE_ENCODE_H

#include <gyr/plugin.h>
#include <gyr/util.h>

enum { ENCODE_TEXT = 0, ENCODE_JSON = 1 };
/** For the option table, in the order of the numbers above. */
extern const char *const gyr_encode_formats[];

/** Bytes that grow as needed, up to 64 MiB. */
struct gyr_lines {
    char *p;
    size_t len, cap;
};

/** @return 0; -ENOMEM, also at the ceiling. */
int gyr_lines_add(struct gyr_lines *b, const char *s, size_t n);

/** Append an alert and a newline. Text is "HH:MM:SS.nnnnnnnnn: Priority text" in local time, as
 *  Falco's is. @return 0, -ENOMEM. */
int gyr_encode_line(struct gyr_lines *b, const struct gyr_alert *a, int format, int color);
/** "Warning". */
const char *gyr_encode_priority(uint32_t priority);

struct gyr_writer {
    int fd;      /**< the caller's */
    int wake_fd; /**< made by gyr_writer_init() */
    int format, color;
    int sync;       /**< fdatasync() after each offer */
    int steps;      /**< a pipe or terminal: wait for room, write in steps that cannot block */
    int wait_ms;    /**< for room, at most: then -ETIMEDOUT; 0: until woken */
    uint64_t total; /**< bytes written since the descriptor was attached */
    struct gyr_lines lines;
    uint64_t torn_token; /**< the alert whose line was written in part … */
    size_t torn_done;    /**< … and how much of it; 0: none */
};

int gyr_writer_init(struct gyr_writer *w, struct gyr_error *err);
void gyr_writer_free(struct gyr_writer *w);
/** Use another descriptor from now on. */
void gyr_writer_attach(struct gyr_writer *w, int fd);
/** What is there ends in the middle of a line, of whomever: the next is to begin a line. */
void gyr_writer_torn(struct gyr_writer *w);
/** gyr_output_ops.write(): whole lines, one verdict each. What was written in part is continued
 *  when the alert is offered again. A reader that is gone fails the alerts, all else (disk full) is
 *  to be tried again. @param name of the file, for messages. */
int gyr_writer_write(struct gyr_writer *w, const char *name, const struct gyr_alert *const *alerts,
                     uint32_t n, struct gyr_verdict *v, struct gyr_error *err);
void gyr_writer_wake(struct gyr_writer *w);

#endif /* ENCODE_ENCODE_H */
