/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/num.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const log_level_names[] = {"error", "warning", "notice", "info", "debug"};

static atomic_int max_level = LOG_L_NOTICE;
static bool to_journal;

void log_set_level(int level)
{
    atomic_store(&max_level, level);
}

int log_level(void)
{
    return atomic_load(&max_level);
}

/* $JOURNAL_STREAM is "device:inode" of the socket that the journal reads; it is inherited by who
 * has its standard error elsewhere, too. */
void log_begin(void)
{
    const char *s = getenv("JOURNAL_STREAM"), *colon = s ? strchr(s, ':') : NULL;
    uint64_t dev, ino;
    struct stat st;

    to_journal = colon && parse_u64(s, (size_t)(colon - s), &dev) == 0 &&
                 parse_u64(colon + 1, strlen(colon + 1), &ino) == 0 &&
                 fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

const char *log_prefix(int level)
{
    static const char *const prefixes[] = {"<3>", "<4>", "<5>", "<6>", "<7>"};

    return to_journal && level >= LOG_L_ERROR && level <= LOG_L_DEBUG
               ? prefixes[level - LOG_L_ERROR]
               : "";
}

void log_msg(int level, const char *area, const char *fmt, ...)
{
    static const char *const names[] = {[LOG_L_ERROR] = "error: ", [LOG_L_WARNING] = "warning: "};
    char line[1536];
    va_list ap;
    int n, k;

    if (level > log_level())
        return;
    n = snprintf(line, sizeof(line) - 1, "%sgyr: %s%s%s", log_prefix(level),
                 level <= LOG_L_WARNING && level >= LOG_L_ERROR ? names[level] : "",
                 area ? area : "", area ? ": " : "");
    if (n < 0 || (size_t)n >= sizeof(line) - 1)
        return;
    va_start(ap, fmt);
    k = vsnprintf(line + n, sizeof(line) - 1 - (size_t)n, fmt, ap);
    va_end(ap);
    if (k < 0)
        return;
    n = (size_t)(n + k) < sizeof(line) - 1 ? n + k : (int)sizeof(line) - 2;
    text_defuse(line, (size_t)n);
    line[n] = '\n';
    /* One write, so that lines of several threads do not mix. */
    (void)!write(STDERR_FILENO, line, (size_t)n + 1);
}
