/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file files.h
 * @brief The files of a recording: their names, one after the other, and which are kept.
 *
 * Names hold conversions of strftime(3) (local time) and {n}, the number of the file. Rotated files
 * never take the place of one that is there: a name that is taken gets a number. One thread at a
 * time.
 */
#ifndef RECORD_FILES_H
#define RECORD_FILES_H

#include <gyr/util.h>
#include <limits.h>
#include <stdbool.h>

enum { FILES_KEEP_MAX = 10000 };

struct files {
    const char *pattern; /* borrowed */
    bool rotates;
    uint32_t keep;   /* 0: all */
    uint32_t number; /* of the last file */
    char path[PATH_MAX];
    char **kept; /* [keep + 1], the oldest first; removed when there are more */
    uint32_t n_kept;
};

int files_init(struct files *f, const char *pattern, bool rotates, uint32_t keep);
void files_free(struct files *f);
/** Make the next file, readable by its owner alone; f->path is its name.
 *  @return a descriptor to close; a negative errno with a sentence. */
int files_next(struct files *f, struct gyr_error *err);

/** The name of file @p number at time @p now. @param with_number even if the pattern has no {n}.
 *  @return 0; -ENAMETOOLONG. */
int files_name(const char *pattern, int64_t now, uint32_t number, bool with_number, char *ret,
               size_t size);

#endif /* RECORD_FILES_H */
