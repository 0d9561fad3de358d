/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file deadletter.h
 * @brief Where alerts go that an output will never take: a file of JSON lines, bounded.
 *
 * {"output":…,"reason":…,"attempts":…,"alert":{…}}. Past DEAD_FILE_MAX bytes the file becomes
 * PATH.1, in the place of an older one. Several outputs may have the same file. Used by one thread
 * at a time; it writes to disk.
 */
#ifndef ALERT_DEADLETTER_H
#define ALERT_DEADLETTER_H

#include <gyr/output.h>

enum { DEAD_FILE_MAX = 32 << 20 };

struct dead_letters {
    const char *path, *output; /**< borrowed */
    int fd;                    /**< -1: not open */
};

void dead_letters_init(struct dead_letters *l, const char *path, const char *output);
void dead_letters_close(struct dead_letters *l);
/** Keep one. @return 0; a negative errno with its sentence. */
int dead_letters_add(struct dead_letters *l, const struct gyr_alert *a, const char *reason,
                     struct gyr_error *err);

#endif /* ALERT_DEADLETTER_H */
