/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fs.h
 * @brief Files read whole under a ceiling, files that only the right people can change, folders.
 *
 * Any thread.
 */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <gyr/util.h>
#include <stdbool.h>
#include <stddef.h>

/** Read what is left of @p fd. @return 0 and a NUL-terminated text to free(); -EFBIG past
 *  @p max; a negative errno. @p name is for the message. */
int read_fd(int fd, const char *name, size_t max, char **ret, size_t *ret_len,
            struct gyr_error *err);
/** The same by path. */
int read_file(const char *path, size_t max, char **ret, size_t *ret_len, struct gyr_error *err);

/** Are we someone whose files must not be another user's to change? (Effective uid 0, or
 *  capabilities above the user's.) */
bool is_privileged(void);

/** Open for reading. When privileged: refuse (-EPERM, with the reason) what another user could
 *  change, the file or any folder above it, links followed. The check is made on the descriptor
 *  that is returned. @return a descriptor to close(). */
int open_trusted(const char *path, struct gyr_error *err);

/** Names in a folder that end with @p suffix, hidden ones left out, sorted by bytes.
 *  @return how many; each name and the array are to be freed with free_names(). */
int list_dir(const char *path, const char *suffix, char ***ret, struct gyr_error *err);
void free_names(char **names, int n);

/** Make the folder @p path, and those above it that are missing, all with @p mode. @return 0, also
 *  where it was there; a negative errno. */
int make_folders(const char *path, unsigned mode, struct gyr_error *err);

#endif /* BASE_FS_H */
