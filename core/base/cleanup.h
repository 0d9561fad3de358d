/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cleanup.h
 * @brief Locals that clean up after themselves. A function uses these or `goto`, never both.
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
    free(*(void **)p);
}

static inline void cleanup_close(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static inline void cleanup_fclose(FILE **f)
{
    if (*f)
        (void)fclose(*f);
}

#define _cleanup_free_   __attribute__((cleanup(cleanup_free)))
#define _cleanup_close_  __attribute__((cleanup(cleanup_close)))
#define _cleanup_fclose_ __attribute__((cleanup(cleanup_fclose)))

/** Hand ownership on: the value, and NULL stays behind. */
#define TAKE_PTR(p)                                                                                \
    ({                                                                                             \
        __typeof__(p) take_ = (p);                                                                 \
        (p) = NULL;                                                                                \
        take_;                                                                                     \
    })

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif /* BASE_CLEANUP_H */
