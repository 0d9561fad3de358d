/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/secret.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <errno.h>
#include <string.h>

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

static int from_file(const char *path, const struct loc *loc, struct arena *arena,
                     struct ynode *ret, struct gyr_error *err)
{
    const char *conf = loc->file ? loc->file->path : "", *slash = strrchr(conf, '/');
    _cleanup_free_ char *text = NULL;
    size_t n;

    if (path[0] != '/' && slash)
        path = arena_printf(arena, "%.*s/%s", (int)(slash - conf), conf, path);
    if (!path)
        return gyr_fail(err, -ENOMEM, "out of memory");
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
    return file ? from_file(file->str, &v->loc, arena, ret, err)
                : from_env(env->str, arena, ret, err);
}
