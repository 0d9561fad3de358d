/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/crash.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/suggest.h"
#include "plugin/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PLUGINS_MAX = 256 };

/* A shared object in this process, for ever: threads, thread-local destructors and tables of a
 * plugin must never lose their code. `fd` stays open because the dynamic linker knows the object
 * by the name /proc/self/fd/N: the number must not come to mean another file. */
struct object {
    dev_t dev;
    ino_t ino;
    int fd;
    void *handle;
};

static struct object objects[PLUGINS_MAX];
static uint32_t n_objects;

/* "/proc/self/fd/7: invalid ELF header" means nothing to a reader. */
static const char *dl_reason(const char *name)
{
    const char *s = dlerror();
    size_t n = strlen(name);

    if (!s)
        return "it cannot be loaded";
    return strncmp(s, name, n) == 0 && strncmp(s + n, ": ", 2) == 0 ? s + n + 2 : s;
}

/* Load what @p fd is open on: the very file whose owner was checked. */
static int object_load(int *fd, const struct stat *st, const char *path, void **ret_handle,
                       struct gyr_error *err)
{
    char name[32];
    void *handle;

    for (uint32_t i = 0; i < n_objects; i++)
        if (objects[i].dev == st->st_dev && objects[i].ino == st->st_ino) {
            *ret_handle = objects[i].handle;
            return 0;
        }
    if (n_objects == PLUGINS_MAX)
        return gyr_fail(err, -ENOSPC, "%s: more than %d plugins", path, PLUGINS_MAX);
    (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", *fd);
    handle = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle)
        return gyr_fail(err, -ENOEXEC, "%s: %.400s", path, dl_reason(name));
    crash_add_plugin(handle, path);
    objects[n_objects++] = (struct object){st->st_dev, st->st_ino, *fd, handle};
    *fd = -1;
    *ret_handle = handle;
    return 0;
}

/* The file's name without folder and ".so". */
static char *stem(const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t n = strlen(base);

    return strndup(base, n > 3 && strcmp(base + n - 3, ".so") == 0 ? n - 3 : n);
}

static int adopt(void *handle, const char *path, struct plugin *ret, struct gyr_error *err)
{
    gyr_plugin_query_fn query;
    struct gyr_error why = {0};
    char *file_name;
    int r;

    *(void **)&query = dlsym(handle, GYR_QUERY_SYMBOL);
    file_name = stem(path);
    if (!query || !file_name) {
        free(file_name);
        (void)gyr_fail(err, -ENOEXEC, "%s: %s", path,
                       query ? "out of memory"
                             : "not a plugin of Gyr: it has no " GYR_QUERY_SYMBOL "()");
        return -ENOEXEC;
    }
    r = plugin_adopt(query(GYR_ABI_MAJOR << 16 | GYR_ABI_MINOR), file_name, ret, &why);
    free(file_name);
    if (r < 0)
        (void)gyr_fail(err, r, "%s: %s", path, why.msg);
    return r;
}

static int add(struct plugins *ps, const struct plugin *made, struct plugin **ret,
               struct gyr_error *err)
{
    struct plugin **list, *p;

    for (uint32_t i = 0; i < ps->n; i++)
        if (strcmp(ps->list[i]->desc.name, made->desc.name) == 0)
            return gyr_fail(err, -EEXIST, "%s: a plugin '%s' is already loaded from %s", made->path,
                            made->desc.name, ps->list[i]->path);
    list = realloc(ps->list, (ps->n + 1) * sizeof(struct plugin *));
    if (!list)
        return gyr_fail(err, -ENOMEM, "%s: out of memory", made->path);
    ps->list = list;
    p = malloc(sizeof(*p));
    if (!p)
        return gyr_fail(err, -ENOMEM, "%s: out of memory", made->path);
    *p = *made;
    ps->list[ps->n++] = p;
    *ret = p;
    return 0;
}

/* Loaded as this file, or, before that was replaced, from this path: an update of the package comes
 * into force with a restart, and until then a reload makes instances of what is there. */
static struct plugin *find_loaded(const struct plugins *ps, const struct stat *st, const char *path)
{
    for (uint32_t i = 0; i < ps->n; i++)
        if (ps->list[i]->dev == st->st_dev && ps->list[i]->ino == st->st_ino)
            return ps->list[i];
    for (uint32_t i = 0; i < ps->n; i++)
        if (strcmp(ps->list[i]->path, path) == 0) {
            log_notice(NULL,
                       "%s has been replaced since it was loaded: what is new in it comes "
                       "with the next start",
                       path);
            return ps->list[i];
        }
    return NULL;
}

/* @param fd on success and failure closed or kept by an object. */
static int load_fd(struct plugins *ps, int fd, const char *path, struct plugin **ret,
                   struct gyr_error *err)
{
    _cleanup_close_ int own = fd;
    struct plugin made = {0};
    struct stat st;
    void *handle = NULL;
    int r;

    if (fstat(own, &st) < 0)
        return gyr_fail(err, -errno, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return gyr_fail(err, -ENOEXEC, "%s: not a regular file", path);
    *ret = find_loaded(ps, &st, path);
    if (*ret)
        return 0;
    r = object_load(&own, &st, path, &handle, err);
    if (r < 0)
        return r;
    r = adopt(handle, path, &made, err);
    if (r < 0)
        return r;
    made.dev = st.st_dev;
    made.ino = st.st_ino;
    made.path = strdup(path);
    r = made.path ? add(ps, &made, ret, err) : gyr_fail(err, -ENOMEM, "%s: out of memory", path);
    if (r < 0)
        plugin_release(&made);
    return r;
}

/* A name that no folder has: say where we looked and what was perhaps meant. */
static int fail_not_found(const struct plugins *ps, const char *name, struct gyr_error *err)
{
    struct suggest g;
    struct buf where;
    char best[64] = "";
    const char *now;
    char **names;

    suggest_init(&g, name, strlen(name));
    buf_init(&where, 2048);
    for (uint32_t i = 0; i < ps->n_dirs; i++) {
        int n = list_dir(ps->dirs[i], ".so", &names, NULL);

        buf_addf(&where, "%s%s", i ? ", " : "", ps->dirs[i]);
        for (int k = 0; k < n; k++) {
            names[k][strlen(names[k]) - 3] = '\0';
            suggest_offer(&g, names[k]);
        }
        now = suggest_best(&g);
        if (now &&
            now != best) /* the names go away with their folder; a better one may still come */
            (void)snprintf(best, sizeof(best), "%s", now);
        if (n >= 0)
            free_names(names, n);
        if (g.best)
            g.best = best;
    }
    (void)gyr_fail(err, -ENOENT, "there is no plugin '%.64s' in %.300s%s%s%s", name,
                   where.len ? where.p : "any folder (plugin_dirs is empty)",
                   *best ? "; did you mean '" : "", best, *best ? "'?" : "");
    buf_free(&where);
    return -ENOENT;
}

int plugins_load(struct plugins *ps, const char *name_or_path, struct plugin **ret,
                 struct gyr_error *err)
{
    char path[PATH_MAX];
    int fd, n;

    if (strchr(name_or_path, '/')) {
        fd = open_trusted(name_or_path, err);
        return fd < 0 ? fd : load_fd(ps, fd, name_or_path, ret, err);
    }
    for (uint32_t i = 0; i < ps->n_dirs; i++) {
        struct gyr_error why = {0};

        n = snprintf(path, sizeof(path), "%s/%s.so", ps->dirs[i], name_or_path);
        if (n < 0 || (size_t)n >= sizeof(path))
            continue;
        fd = open_trusted(path, &why);
        if (fd >= 0)
            return load_fd(ps, fd, path, ret, err);
        /* What is there but must not be loaded is not passed over for a later folder. */
        if (fd != -ENOENT && fd != -ENOTDIR)
            return gyr_fail(err, fd, "%s", why.msg);
    }
    return fail_not_found(ps, name_or_path, err);
}

void plugins_free(struct plugins *ps)
{
    for (uint32_t i = 0; i < ps->n; i++) {
        plugin_release(ps->list[i]);
        free(ps->list[i]);
    }
    free(ps->list);
    ps->list = NULL;
    ps->n = 0;
}
