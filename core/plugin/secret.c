/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/secret.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/map.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static int take(const char *s, size_t n, struct arena *arena, struct ynode *ret,
                struct gyr_error *err)
{
    ret->kind = Y_SCALAR;
    ret->str = arena_strndup(arena, s, n);
    ret->len = n;
    return ret->str ? 0 : gyr_fail(err, -ENOMEM, "out of memory");
}

static int from_env(const char *name, struct arena *arena, struct ynode *ret, struct gyr_error *err)
{
    const char *s = getenv(name);

    if (!s || !*s)
        return gyr_fail(err, -EINVAL, "the environment has no variable '%.200s'", name);
    return take(s, strlen(s), arena, ret, err);
}

/* The path of the node, seen from here. */
static int path_of(const struct ynode *file, const struct loc *loc, char *ret, size_t size)
{
    const char *conf = loc->file ? loc->file->path : "", *slash = strrchr(conf, '/');
    int n = file->str[0] != '/' && slash
                ? snprintf(ret, size, "%.*s/%s", (int)(slash - conf), conf, file->str)
                : snprintf(ret, size, "%s", file->str);

    return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static int from_file(const struct ynode *file, const struct loc *loc, struct arena *arena,
                     struct ynode *ret, struct gyr_error *err)
{
    _cleanup_free_ char *text = NULL;
    char path[PATH_MAX];
    size_t n;

    if (path_of(file, loc, path, sizeof(path)) < 0)
        return gyr_fail(err, -ENAMETOOLONG, "the path is too long");
    if (read_file(path, SECRET_MAX, &text, &n, err) < 0)
        return -EINVAL;
    if (n && text[n - 1] == '\n')
        n--;
    if (n && text[n - 1] == '\r')
        n--;
    if (!n)
        return gyr_fail(err, -EINVAL, "the file '%.300s' is empty", path);
    return take(text, n, arena, ret, err);
}

int secret_fetch(const struct ynode *v, struct arena *arena, struct ynode *ret,
                 struct gyr_error *err)
{
    const struct ynode *file = ymap_get(v, "file"), *env = ymap_get(v, "env"),
                       *which = file ? file : env;

    *ret = (struct ynode){.loc = v->loc};
    if (v->n != 1 || !which || which->kind != Y_SCALAR || !which->len)
        return gyr_fail(err, -EINVAL, "must be a text, {file: PATH} or {env: NAME}");
    return file ? from_file(file, &v->loc, arena, ret, err) : from_env(env->str, arena, ret, err);
}

uint64_t secrets_stamp(const struct ynode *options)
{
    const struct ynode *file = ymap_get(options, "file");
    uint64_t words[5] = {0};
    uint32_t n = !options || options->kind == Y_SCALAR ? 0
                 : options->kind == Y_MAP              ? 2 * options->n
                                                       : options->n;
    char path[PATH_MAX];
    struct stat st;

    for (uint32_t i = 0; i < n; i++)
        words[0] = words[0] * 31 + secrets_stamp(options->items[i]);
    if (file && options->n == 1 && file->kind == Y_SCALAR &&
        path_of(file, &options->loc, path, sizeof(path)) == 0 && stat(path, &st) == 0) {
        words[1] = (uint64_t)st.st_ino;
        words[2] = (uint64_t)st.st_size;
        words[3] = (uint64_t)st.st_mtim.tv_sec;
        words[4] = (uint64_t)st.st_mtim.tv_nsec;
    }
    return n ? hash_bytes(words, sizeof(words)) : 0;
}
