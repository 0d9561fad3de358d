/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file log.h
 * @brief The program's own messages: one line each, to standard error.
 *
 * Any thread. Library code does not log above debug: it returns an error, and who called decides.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

enum log_level {
    LOG_L_ERROR = 3,
    LOG_L_WARNING = 4,
    LOG_L_NOTICE = 5,
    LOG_L_INFO = 6,
    LOG_L_DEBUG = 7
};
enum { LOG_LEVELS = 5 };
/** "error", …, "debug": LOG_L_ERROR is the first. */
extern const char *const log_level_names[LOG_LEVELS];

/** Most verbose level that is written; LOG_L_NOTICE at first. */
void log_set_level(int level);
int log_level(void);
/** See whether standard error is the journal, which reads levels from the beginning of lines. At
 * the start, before threads. */
void log_begin(void);
/** What a line of this level begins with: "<3>" for the journal, else "". */
const char *log_prefix(int level);
/** @param area what speaks: "config", "plugin webhook"; NULL: the program itself. */
__attribute__((format(printf, 3, 4))) void log_msg(int level, const char *area, const char *fmt,
                                                   ...);

#define log_error(area, ...)   log_msg(LOG_L_ERROR, area, __VA_ARGS__)
#define log_warning(area, ...) log_msg(LOG_L_WARNING, area, __VA_ARGS__)
#define log_notice(area, ...)  log_msg(LOG_L_NOTICE, area, __VA_ARGS__)
#define log_info(area, ...)    log_msg(LOG_L_INFO, area, __VA_ARGS__)
#define log_debug(area, ...)   log_msg(LOG_L_DEBUG, area, __VA_ARGS__)

#endif /* BASE_LOG_H */
