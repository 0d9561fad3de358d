/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NUMBERS_TRIED = 100000 };
static const char NUMBER[] = "{n}";

int files_init(struct files *f, const char *pattern, bool rotates, uint32_t keep)
{
    memset(f, 0, sizeof(*f));
    f->pattern = pattern;
    f->rotates = rotates;
    f->keep = keep;
    f->kept = calloc(keep + 1u, sizeof(*f->kept));
    return f->kept ? 0 : -ENOMEM;
}

void files_free(struct files *f)
{
    for (uint32_t i = 0; f->kept && i < f->n_kept; i++)
        free(f->kept[i]);
    free(f->kept);
    f->kept = NULL;
}

/* Where a number goes that the pattern has no place for: before ".scap" and what follows it. */
static size_t number_place(const char *s)
{
    const char *base = strrchr(s, '/'), *dot;

    base = base ? base + 1 : s;
    dot = strstr(base, ".scap");
    return dot ? (size_t)(dot - s) : strlen(s);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the pattern is the user's */
static size_t fill_in_time(char *ret, size_t size, const char *pattern, int64_t now)
{
    time_t t = (time_t)now;
    struct tm tm;

    return localtime_r(&t, &tm) ? strftime(ret, size, pattern, &tm) : 0;
}
#pragma GCC diagnostic pop

int files_name(const char *pattern, int64_t now, uint32_t number, bool with_number, char *ret,
               size_t size)
{
    char timed[PATH_MAX];
    const char *at;
    size_t head;
    int n;

    if (strlen(pattern) >= sizeof(timed))
        return -ENAMETOOLONG;
    if (!strchr(pattern, '%'))
        memcpy(timed, pattern, strlen(pattern) + 1);
    else if (fill_in_time(timed, sizeof(timed), pattern, now) == 0)
        return -ENAMETOOLONG;
    at = strstr(timed, NUMBER);
    if (!at && !with_number) {
        n = snprintf(ret, size, "%s", timed);
    } else {
        head = at ? (size_t)(at - timed) : number_place(timed);
        n = snprintf(ret, size, "%.*s%s%04u%s", (int)head, timed, at ? "" : ".", number,
                     timed + head + (at ? sizeof(NUMBER) - 1 : 0));
    }
    return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static int open_file(const char *path, bool fresh, struct gyr_error *err)
{
    /* O_NONBLOCK: a FIFO that nobody reads must not hang us. */
    int flags =
        O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK | (fresh ? O_EXCL : 0);
    int fd = open(path, flags, 0600);
    struct stat st;

    if (fd < 0 && errno == ENXIO)
        return gyr_fail(err, -ENXIO, "%s: nobody reads from this FIFO", path);
    if (fd < 0)
        return gyr_fail(err, -errno, "%s: %s", path, strerror(errno));
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return fd;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        (void)close(fd);
        return gyr_fail(err, -EBUSY, "%s: something else is recording into it", path);
    }
    if (ftruncate(fd, 0) < 0) {
        int r = -errno;

        (void)close(fd);
        return gyr_fail(err, r, "%s: %s", path, strerror(-r));
    }
    return fd;
}

/* Keep the name, and remove the oldest when that makes one too many. */
static int remember(struct files *f)
{
    char *name;

    if (!f->keep)
        return 0;
    name = strdup(f->path);
    if (!name)
        return -ENOMEM;
    f->kept[f->n_kept++] = name;
    if (f->n_kept > f->keep) {
        (void)unlink(f->kept[0]);
        free(f->kept[0]);
        memmove(f->kept, f->kept + 1, --f->n_kept * sizeof(*f->kept));
    }
    return 0;
}

int files_next(struct files *f, struct gyr_error *err)
{
    /* Without a pattern, the files of a rotation are numbered from the first on. */
    bool numbered = f->rotates && !strchr(f->pattern, '%');
    int fd = -EEXIST;

    for (int i = 0; fd == -EEXIST && i < NUMBERS_TRIED; i++) {
        if (files_name(f->pattern, (int64_t)time(NULL), f->number + 1, numbered, f->path,
                       sizeof(f->path)) < 0)
            return gyr_fail(err, -ENAMETOOLONG, "%.200s: the name of the file becomes too long",
                            f->pattern);
        fd = open_file(f->path, f->rotates, err);
        if (fd == -EEXIST && (numbered || strstr(f->pattern, NUMBER)))
            f->number++;
        numbered = numbered || f->rotates;
    }
    if (fd < 0)
        return fd;
    f->number++;
    if (remember(f) < 0) {
        (void)close(fd);
        return gyr_fail(err, -ENOMEM, "%s: no memory", f->path);
    }
    return fd;
}
