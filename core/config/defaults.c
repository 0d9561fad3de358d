/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "base/log.h"
#include "config/config_priv.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_dir(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* The folder above the executable's: a prefix, or a build folder. NULL: /proc does not tell. */
static const char *program_root(struct arena *a)
{
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

    if (n <= 0)
        return NULL;
    exe[n] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(exe, '/');

        if (!slash)
            return NULL;
        *slash = '\0';
    }
    return arena_strdup(a, exe);
}

static const char *find_rules(struct arena *a, const char *root)
{
    const char *at = root;

    for (int up = 0; up < 4 && *at; up++) {
        const char *dir = arena_printf(a, "%s/rules", at);
        const char *slash = strrchr(at, '/');

        if (dir && is_dir(dir))
            return dir;
        at = slash ? arena_strndup(a, at, (size_t)(slash - at)) : "";
        if (!at)
            break;
    }
    return NULL;
}

static const char **list_of(struct arena *a, const char *one, uint32_t *ret_n)
{
    const char **list = arena_array(a, 2, sizeof(*list));

    if (list && one) {
        list[0] = one;
        *ret_n = 1;
    }
    return list;
}

static struct plugin_conf *plugins_of(struct arena *a, const char *const *names, uint32_t n,
                                      uint32_t *ret_n)
{
    struct plugin_conf *p = arena_array(a, n, sizeof(*p));

    for (uint32_t i = 0; p && i < n; i++) {
        p[i] = plugin_conf_default;
        p[i].plugin = p[i].name = names[i];
    }
    *ret_n = p ? n : 0;
    return p;
}

/* Who names containers is in use where it is installed: it looks for its runtime by itself, and in
 * a recording finds what was told. */
static struct plugin_conf *enrichers_of(struct arena *a, const char *dir, uint32_t *ret_n)
{
    static const char *const all[] = {"process", "docker", "containerd", "k8s"};
    const char *names[ARRAY_LEN(all)];
    uint32_t n = 0;

    for (uint32_t i = 0; i < ARRAY_LEN(all); i++) {
        const char *file = arena_printf(a, "%s/%s.so", dir, all[i]);

        if (i == 0 || (file && is_file(file)))
            names[n++] = all[i];
    }
    return plugins_of(a, names, n, ret_n);
}

static void find_program_files(struct arena *a, struct config *c)
{
    const char *root = program_root(a), *plugins = NULL, *rules = NULL;

    if (root) {
        plugins = arena_printf(a, "%s/lib/gyr/plugins", root);
        if (plugins && is_dir(plugins)) {
            rules = arena_printf(a, "%s/share/gyr/rules", root);
        } else {
            plugins = arena_printf(a, "%s/plugins", root);
            rules = find_rules(a, root);
        }
    }
    c->plugin_dirs = list_of(a, plugins, &c->n_plugin_dirs);
    c->rule_files = list_of(a, rules, &c->n_rule_files);
}

int config_defaults(struct arena *arena, struct config **ret)
{
    static const char *const none[] = {NULL};
    static const char *live[] = {"ebpf", "kmod"};
    static const char *const output = "stdout";
    struct config *c = arena_alloc(arena, sizeof(*c));

    if (!c)
        return -ENOMEM;
    *c = (struct config){
        .drop_ins = none,
        .min_priority = GYR_PRIO_DEBUG,
        .live_sources = live,
        .n_live_sources = ARRAY_LEN(live),
        .drop_privileges = true,
        .log_level = LOG_L_NOTICE,
        .park_deadline_ns = UINT64_C(1000000000),
        .park_events = 4096,
        .park_bytes = 16 << 20,
        .watch_files = true,
        .status_socket = STATUS_SOCKET_DEFAULT,
        .stuck_after_ns = UINT64_C(30000000000),
    };
    find_program_files(arena, c);
    if (!c->plugin_dirs || !c->rule_files)
        return -ENOMEM;
    c->enrichers = enrichers_of(arena, c->n_plugin_dirs ? c->plugin_dirs[0] : "", &c->n_enrichers);
    c->outputs = plugins_of(arena, &output, 1, &c->n_outputs);
    if (!c->enrichers || !c->outputs)
        return -ENOMEM;
    *ret = c;
    return 0;
}

const char *config_default_path(struct arena *arena)
{
    const char *root = program_root(arena);
    const char *path = root ? arena_printf(arena, "%s/etc/gyr/gyr.yaml", root) : NULL;

    if (path && is_file(path))
        return path;
    return is_file("/etc/gyr/gyr.yaml") ? "/etc/gyr/gyr.yaml" : NULL;
}
