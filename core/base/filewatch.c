/* SPDX-License-Identifier: Apache-2.0 */
#include "base/filewatch.h"

#include "base/fs.h"
#include "base/map.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t SETTLE_NS = 250000000, SETTLE_MAX_NS = 2000000000;

struct filewatch {
    int fd;
    char **paths;
    uint32_t n;
    uint64_t loaded;           /* what they were when they were read last */
    uint64_t seen;             /* what they were at the last look */
    uint64_t first_ns, due_ns; /* of what goes on; 0: nothing */
};

/* ---- what the files are ---- */

static uint64_t stamp_file(uint64_t h, const char *path)
{
    uint64_t words[8] = {h};
    struct stat st;

    if (stat(path, &st) == 0) {
        words[1] = (uint64_t)st.st_dev;
        words[2] = (uint64_t)st.st_ino;
        words[3] = (uint64_t)st.st_size;
        words[4] = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
        words[5] = (uint64_t)st.st_ctim.tv_sec * 1000000000u + (uint64_t)st.st_ctim.tv_nsec;
        words[6] = 1;
    }
    words[7] = hash_bytes(path, strlen(path));
    return hash_bytes(words, sizeof(words));
}

static bool counts(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

/* The paths of its files that count, in order. */
static int list_files(const char *path, char ***ret)
{
    struct gyr_error err;
    char **names, *file;
    int all = list_dir(path, "", &names, &err), n = 0;

    for (int i = 0; i < all; i++) {
        file = NULL;
        if (counts(names[i]) && asprintf(&file, "%s/%s", path, names[i]) < 0)
            file = NULL;
        free(names[i]);
        if (file)
            names[n++] = file;
    }
    if (all >= 0)
        *ret = names;
    return all < 0 ? all : n;
}

static uint64_t stamp_dir(uint64_t h, const char *path)
{
    char **files;
    int n = list_files(path, &files);

    for (int i = 0; i < n; i++)
        h = stamp_file(h, files[i]);
    if (n >= 0)
        free_names(files, n);
    return h;
}

static bool is_dir(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Of a folder its files count, not what else is done in it. */
static uint64_t stamp(const struct filewatch *w)
{
    uint64_t h = 1;

    for (uint32_t i = 0; i < w->n; i++)
        h = is_dir(w->paths[i]) ? stamp_dir(h, w->paths[i]) : stamp_file(h, w->paths[i]);
    return h;
}

/* ---- where something may go on ---- */

static void watch_dir(const struct filewatch *w, const char *path)
{
    (void)inotify_add_watch(
        w->fd, path, IN_CLOSE_WRITE | IN_MOVE | IN_CREATE | IN_DELETE | IN_ATTRIB | IN_ONLYDIR);
}

static void watch_parent(const struct filewatch *w, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t n = !slash ? 1 : slash == path ? 1 : (size_t)(slash - path);
    char dir[PATH_MAX];

    if (snprintf(dir, sizeof(dir), "%.*s", (int)n, slash ? path : ".") < (int)sizeof(dir))
        watch_dir(w, dir);
}

static void watch_file(const struct filewatch *w, const char *path)
{
    char real[PATH_MAX];

    watch_parent(w, path);
    if (realpath(path, real))
        watch_parent(w, real);
}

/* Also what has come since: to watch a folder again is to watch it once. */
static void watch_all(const struct filewatch *w)
{
    char **files;
    int n;

    for (uint32_t i = 0; i < w->n; i++) {
        watch_file(w, w->paths[i]);
        if (!is_dir(w->paths[i]))
            continue;
        watch_dir(w, w->paths[i]);
        n = list_files(w->paths[i], &files);
        for (int k = 0; k < n; k++)
            watch_file(w, files[k]);
        if (n >= 0)
            free_names(files, n);
    }
}

/* ---- the whole ---- */

static void forget(struct filewatch *w)
{
    for (uint32_t i = 0; i < w->n; i++)
        free(w->paths[i]);
    free(w->paths);
    w->paths = NULL;
    w->n = 0;
    if (w->fd >= 0)
        (void)close(w->fd);
    w->fd = -1;
}

int filewatch_new(struct filewatch **ret, struct gyr_error *err)
{
    struct filewatch *w = calloc(1, sizeof(*w));

    if (!w)
        return gyr_fail(err, -ENOMEM, "no memory");
    w->fd = -1;
    w->loaded = stamp(w);
    *ret = w;
    return 0;
}

void filewatch_free(struct filewatch *w)
{
    if (w)
        forget(w);
    free(w);
}

void filewatch_begin(struct filewatch *w)
{
    if (w)
        w->loaded = stamp(w);
}

static bool same(const struct filewatch *w, const char *const *paths, uint32_t n)
{
    for (uint32_t i = 0; w->n == n && i < n; i++)
        if (strcmp(w->paths[i], paths[i]) != 0)
            return false;
    return w->n == n;
}

static int copy(struct filewatch *w, const char *const *paths, uint32_t n)
{
    w->paths = calloc(n + 1, sizeof(*w->paths));
    for (; w->paths && w->n < n; w->n++) {
        w->paths[w->n] = strdup(paths[w->n]);
        if (!w->paths[w->n])
            break;
    }
    return w->paths && w->n == n ? 0 : -ENOMEM;
}

int filewatch_set(struct filewatch *w, const char *const *paths, uint32_t n, struct gyr_error *err)
{
    bool changed;
    int r;

    if (!w || same(w, paths, n))
        return 0;
    changed = stamp(w) != w->loaded; /* while they were read: they are read once more */
    forget(w);
    w->due_ns = 0;
    w->fd = n ? inotify_init1(IN_NONBLOCK | IN_CLOEXEC) : -1;
    r = n && w->fd < 0 ? -errno : copy(w, paths, n);
    if (r < 0) {
        forget(w);
        return gyr_fail(err, r, "changes of files cannot be noticed: %s", strerror(-r));
    }
    watch_all(w);
    w->loaded = stamp(w);
    if (changed) {
        w->loaded = 0;
        w->due_ns = 1;
    }
    return 0;
}

int filewatch_fd(const struct filewatch *w)
{
    return w && !w->due_ns ? w->fd : -1;
}

static void drain(const struct filewatch *w)
{
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

    while (read(w->fd, events, sizeof(events)) > 0)
        ;
}

static bool is_readable(const struct filewatch *w)
{
    struct pollfd fd = {.fd = w->fd, .events = POLLIN};

    return poll(&fd, 1, 0) > 0;
}

uint64_t filewatch_look(struct filewatch *w, uint64_t now_ns, bool *ret_changed)
{
    uint64_t is;

    *ret_changed = false;
    if (!w || w->fd < 0 || (!w->due_ns && !is_readable(w)))
        return UINT64_MAX;
    if (!w->due_ns) {
        w->first_ns = now_ns;
        w->due_ns = now_ns + SETTLE_NS;
        w->seen = w->loaded;
    }
    if (now_ns < w->due_ns)
        return w->due_ns - now_ns;
    drain(w);
    watch_all(w);
    is = stamp(w);
    if (is != w->loaded && is != w->seen && now_ns - w->first_ns < SETTLE_MAX_NS) {
        w->seen = is;
        w->due_ns = now_ns + SETTLE_NS;
        return SETTLE_NS;
    }
    w->due_ns = 0;
    *ret_changed = is != w->loaded;
    return UINT64_MAX;
}
