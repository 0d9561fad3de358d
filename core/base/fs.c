/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"

#include "base/buf.h"
#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_NAMES = 4096 };

int read_fd(int fd, const char *name, size_t max, char **ret, size_t *ret_len,
            struct gyr_error *err)
{
    char chunk[16384];
    struct buf b;
    ssize_t n;

    buf_init(&b, max);
    while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            buf_free(&b);
            return gyr_fail(err, -errno, "%s: %s", name, strerror(errno));
        }
        if (b.len + (size_t)n > max) {
            buf_free(&b);
            return gyr_fail(err, -EFBIG, "%s: larger than %zu bytes", name, max);
        }
        buf_add(&b, chunk, (size_t)n);
    }
    *ret_len = b.len;
    *ret = buf_take(&b);
    return *ret ? 0 : gyr_fail(err, -ENOMEM, "%s: out of memory", name);
}

int read_file(const char *path, size_t max, char **ret, size_t *ret_len, struct gyr_error *err)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return gyr_fail(err, -errno, "%s: %s", path, strerror(errno));
    return read_fd(fd, path, max, ret, ret_len, err);
}

bool is_privileged(void)
{
    return geteuid() == 0 || getauxval(AT_SECURE);
}

/* Root's, or ours; and nobody else may write. A sticky folder (/tmp) lets others only add. */
static int check_owner(const struct stat *st, const char *path, struct gyr_error *err)
{
    bool sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX);

    if (st->st_uid != 0 && st->st_uid != geteuid())
        return gyr_fail(err, -EPERM, "%s: owned by user %u, who could change it", path,
                        (unsigned)st->st_uid);
    if ((st->st_mode & S_IWOTH) && !sticky)
        return gyr_fail(err, -EPERM, "%s: writable by everybody", path);
    if ((st->st_mode & S_IWGRP) && st->st_gid != 0 && !sticky)
        return gyr_fail(err, -EPERM, "%s: writable by group %u", path, (unsigned)st->st_gid);
    return 0;
}

static int check_parents(const char *path, struct gyr_error *err)
{
    char dir[PATH_MAX];
    struct stat st;
    size_t n = strlen(path);
    int r;

    memcpy(dir, path, n + 1);
    while (n > 1) {
        while (n > 1 && dir[n - 1] != '/')
            n--;
        dir[n > 1 ? n - 1 : 1] = '\0';
        n = strlen(dir);
        if (lstat(dir, &st) < 0)
            return gyr_fail(err, -errno, "%s: %s", dir, strerror(errno));
        r = check_owner(&st, dir, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* @return -EAGAIN: another file has come to stand at @p path meanwhile. */
static int try_open_trusted(const char *path, struct gyr_error *err)
{
    char real[PATH_MAX];
    struct stat st, named;
    int fd, r;

    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return gyr_fail(err, -errno, "%s: %s", path, strerror(errno));
    if (!is_privileged())
        return fd;
    if (!realpath(path, real) || stat(real, &named) < 0 || fstat(fd, &st) < 0)
        r = gyr_fail(err, -errno, "%s: %s", path, strerror(errno));
    else if (st.st_dev != named.st_dev || st.st_ino != named.st_ino)
        r = gyr_fail(err, -EAGAIN, "%s: changed while it was opened", path);
    else if ((r = check_owner(&st, real, err)) == 0)
        r = check_parents(real, err);
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    return fd;
}

int open_trusted(const char *path, struct gyr_error *err)
{
    int fd, tries = 8; /* who exchanges files by rename(), as one should, is not refused for it */

    do {
        fd = try_open_trusted(path, err);
    } while (fd == -EAGAIN && --tries > 0);
    return fd;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void free_names(char **names, int n)
{
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

int list_dir(const char *path, const char *suffix, char ***ret, struct gyr_error *err)
{
    size_t k = strlen(suffix);
    const struct dirent *e;
    char **names;
    DIR *d;
    int n = 0;

    d = opendir(path);
    if (!d)
        return gyr_fail(err, -errno, "%s: %s", path, strerror(errno));
    names = calloc(MAX_NAMES, sizeof(*names));
    while (names && (e = readdir(d)) && n < MAX_NAMES) {
        size_t len = strlen(e->d_name);

        if (e->d_name[0] == '.' || len < k || strcmp(e->d_name + len - k, suffix) != 0)
            continue;
        names[n] = strdup(e->d_name);
        if (!names[n])
            break;
        n++;
    }
    (void)closedir(d);
    if (!names)
        return gyr_fail(err, -ENOMEM, "%s: out of memory", path);
    qsort(names, (size_t)n, sizeof(*names), by_bytes);
    *ret = names;
    return n;
}

int make_folders(const char *path, unsigned mode, struct gyr_error *err)
{
    char dir[PATH_MAX];
    size_t len = strlen(path);

    if (len >= sizeof(dir))
        return gyr_fail(err, -ENAMETOOLONG, "'%.300s...': the path is too long", path);
    memcpy(dir, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i])
            continue;
        dir[i] = '\0';
        if (mkdir(dir, mode) < 0 && errno != EEXIST)
            return gyr_fail(err, -errno, "'%.300s': %s", dir, strerror(errno));
        dir[i] = path[i];
    }
    return 0;
}
