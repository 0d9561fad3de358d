/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file said.h
 * @brief What the command writes to standard output and error, line by line into the log, no more
 * than ten lines in ten seconds. One thread.
 */
#ifndef PROGRAM_SAID_H
#define PROGRAM_SAID_H

#include <gyr/util.h>

struct said {
    const struct gyr_host *host;
    int fd; /* owned; -1: none */
    char line[512];
    size_t len;
    uint64_t window_ns, left_out;
    uint32_t told;
};

void said_init(struct said *s, const struct gyr_host *host);
/** Read from @p fd from now on, which does not block. */
void said_attach(struct said *s, int fd);
static inline int said_fd(const struct said *s)
{
    return s->fd;
}
/** Log what is there now. At its end the descriptor is closed. */
void said_read(struct said *s);
/** Log what is left, and close. */
void said_end(struct said *s);

#endif /* PROGRAM_SAID_H */
