/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static atomic_int max_level = LOG_L_NOTICE;

void log_set_level(int level)
{
    atomic_store(&max_level, level);
}

int log_level(void)
{
    return atomic_load(&max_level);
}

void log_msg(int level, const char *area, const char *fmt, ...)
{
    static const char *const names[] = {[LOG_L_ERROR] = "error: ", [LOG_L_WARNING] = "warning: "};
    char line[1536];
    va_list ap;
    int n, k;

    if (level > log_level())
        return;
    n = snprintf(line, sizeof(line) - 1, "gyr: %s%s%s",
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
