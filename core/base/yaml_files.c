/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/yaml.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static bool is_yaml(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

int yaml_files(const char *path, struct arena *arena, const char ***ret, struct gyr_error *err)
{
    char *one[] = {(char *)path}, **names = one;
    const char *slash = "", **all;
    struct stat st;
    bool is_folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    int n = is_folder ? list_dir(path, "", &names, err) : 1, k = 0;

    if (n < 0)
        return n;
    if (is_folder && path[strlen(path) - 1] != '/')
        slash = "/";
    all = arena_array(arena, (size_t)n + 1, sizeof(*all));
    for (int i = 0; all && i < n; i++) {
        if (is_folder && !is_yaml(names[i]))
            continue;
        all[k] = is_folder ? arena_printf(arena, "%s%s%s", path, slash, names[i]) : path;
        if (!all[k++])
            all = NULL;
    }
    if (is_folder)
        free_names(names, n);
    *ret = all;
    return all ? k : gyr_fail(err, -ENOMEM, "out of memory");
}
