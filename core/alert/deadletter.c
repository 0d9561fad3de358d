/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/deadletter.h"

#include "alert/alert.h"
#include "alert/json.h"

#include <errno.h>
#include <fcntl.h>
#include <gyr/util.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 5 };

void dead_letters_init(struct dead_letters *l, const char *path, const char *output)
{
    *l = (struct dead_letters){.path = path, .output = output, .fd = -1};
}

void dead_letters_close(struct dead_letters *l)
{
    if (l->fd >= 0)
        (void)close(l->fd);
    l->fd = -1;
}

static int fail_errno(const struct dead_letters *l, struct gyr_error *err)
{
    int e = errno;

    return gyr_fail(err, -e, "'%.300s': %s", l->path, strerror(e));
}

/* What is open may have been put aside meanwhile: by another output with the same file, or by
 * somebody who rotates it. Locked until the letter is written. @return 0; 1: it has its size. */
static int open_file(struct dead_letters *l, struct gyr_error *err)
{
    struct stat st, now;

    for (int i = 0; i < TRIES; i++) {
        if (l->fd < 0)
            l->fd = open(l->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (l->fd < 0 || fstat(l->fd, &st) < 0)
            return fail_errno(l, err);
        if (!S_ISREG(st.st_mode)) {
            dead_letters_close(l);
            return gyr_fail(err, -EINVAL, "'%.300s' is not a file", l->path);
        }
        (void)flock(l->fd, LOCK_EX);
        if (lstat(l->path, &now) == 0 && now.st_ino == st.st_ino && now.st_dev == st.st_dev)
            return now.st_size < DEAD_FILE_MAX ? 0 : 1;
        dead_letters_close(l);
    }
    return gyr_fail(err, -EAGAIN, "'%.300s': others keep exchanging it", l->path);
}

static int put_aside(struct dead_letters *l, struct gyr_error *err)
{
    char old[PATH_MAX];
    int n = snprintf(old, sizeof(old), "%s.1", l->path);

    if (n < 0 || (size_t)n >= sizeof(old))
        return gyr_fail(err, -ENAMETOOLONG, "'%.300s': the name is too long", l->path);
    if (rename(l->path, old) < 0)
        return fail_errno(l, err);
    dead_letters_close(l);
    return open_file(l, err) < 0 ? -EIO : 0;
}

int dead_letters_add(struct dead_letters *l, const struct gyr_alert *a, const char *reason,
                     struct gyr_error *err)
{
    struct buf b;
    ssize_t n;
    int r = open_file(l, err);

    if (r > 0)
        r = put_aside(l, err);
    if (r < 0) {
        dead_letters_close(l);
        return r;
    }
    buf_init(&b, ALERT_JSON_MAX + 65536);
    buf_adds(&b, "{\"output\":");
    json_add_str(&b, l->output, strlen(l->output));
    buf_adds(&b, ",\"reason\":");
    json_add_str(&b, reason, strlen(reason));
    buf_addf(&b, ",\"attempts\":%u,\"alert\":", a->attempt);
    if (a->json_len)
        buf_add(&b, a->json, a->json_len);
    else
        buf_adds(&b, "null");
    buf_adds(&b, "}\n");
    n = b.failed ? -1 : write(l->fd, b.p, b.len);
    if (n != (ssize_t)b.len) {
        if (n > 0) /* no half of a line, which would spoil the next */
            (void)!ftruncate(l->fd, lseek(l->fd, 0, SEEK_END) - n);
        if (n >= 0)
            errno = ENOSPC; /* a regular file takes less only when the disk is full */
        r = fail_errno(l, err);
        dead_letters_close(l);
    } else {
        (void)flock(l->fd, LOCK_UN);
    }
    buf_free(&b);
    return r;
}
