/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sentence.h
 * @brief What a plugin wrote into the error of a call. Any thread.
 */
#ifndef BASE_SENTENCE_H
#define BASE_SENTENCE_H

#include <gyr/util.h>

/** A plugin may have filled the whole of it, and left no room for the NUL. */
static inline void sentence_end(struct gyr_error *err)
{
    err->msg[sizeof(err->msg) - 1] = '\0';
}

/** Of a call that failed. @param call "start()". @return err->msg, which says something now. */
static inline const char *sentence_of(struct gyr_error *err, const char *call)
{
    sentence_end(err);
    if (!err->msg[0])
        (void)gyr_fail(err, err->code, "%s failed and does not say why", call);
    return err->msg;
}

#endif /* BASE_SENTENCE_H */
