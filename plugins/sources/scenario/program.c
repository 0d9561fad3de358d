/* SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

#include "names/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { COMM_MAX = 15, TEXTS_MAX = 4096, CAP_DAC_OVERRIDE_BIT = 1 << 1 };

const char *const sc_program_keys[] = {
    "path",        "exe",         "filename", "args",     "argv0",   "cmdline",     "comm", "env",
    "upper_layer", "lower_layer", "memfd",    "writable", "exe_age", "interpreter", NULL};

/* ---- values ---- */

int sc_bool(struct sc_world *w, const json_t *n, bool *ret)
{
    static const char *const words[] = {"true", "yes", "on", "false", "no", "off", NULL};
    const char *s = sc_text(n);

    for (uint32_t i = 0; s && words[i]; i++)
        if (strcmp(s, words[i]) == 0) {
            *ret = i < 3;
            return 0;
        }
    return sc_wrong(w->err, n, "this is true or false");
}

int sc_duration(struct sc_world *w, const json_t *n, uint64_t *ret)
{
    static const struct {
        const char *unit;
        double ns;
    } units[] = {{"", 1},    {"ns", 1},   {"us", 1e3},   {"ms", 1e6},
                 {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9}};
    const char *s = sc_text(n);
    char *end = NULL;
    double v;

    if (s && *s == '+')
        s++;
    v = s ? strtod(s, &end) : -1;
    for (size_t i = 0; end && end != s && v >= 0 && i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(end, units[i].unit) == 0 && v * units[i].ns < 1e18) {
            *ret = (uint64_t)(v * units[i].ns);
            return 0;
        }
    return sc_wrong(w->err, n, "a time is written like 250ms, 5s, 2h or 30d");
}

static int cap_of(struct sc_world *w, const json_t *n, uint64_t *ret)
{
    const char *s = sc_text(n), *name;
    struct sc_near near = {.word = s};
    char hint[160];

    if (!s)
        return sc_wrong(w->err, n, "capabilities are names such as CAP_SYS_ADMIN");
    for (uint32_t i = 0; (name = names_cap(i)); i++) {
        if (strcmp(name, s) == 0) {
            *ret |= UINT64_C(1) << i;
            return 0;
        }
        sc_near_offer(&near, name);
    }
    return sc_wrong(w->err, n, "there is no capability '%.60s'%s", s, sc_near_hint(&near, hint));
}

int sc_caps(struct sc_world *w, const json_t *n, uint64_t *ret)
{
    const char *s = sc_text(n);
    int64_t v;
    int r = 0;

    *ret = 0;
    if (s && strcmp(s, "none") == 0)
        return 0;
    if (s && strcmp(s, "all") == 0) {
        *ret = names_caps_all();
        return 0;
    }
    if (s && sc_int(s, 0, &v)) {
        *ret = (uint64_t)v;
        return 0;
    }
    if (s)
        return cap_of(w, n, ret);
    if (sc_kind(n) != SC_LIST)
        return sc_wrong(w->err, n, "capabilities are a list of names, 'all' or 'none'");
    for (size_t i = 0; i < sc_len(n) && r == 0; i++)
        r = cap_of(w, sc_item(n, i), ret);
    return r;
}

/* ---- texts ---- */

struct texts {
    char *p;
    size_t len;
};

/* Words of a command line: blanks part them, quotes keep them together. */
static int split(struct sc_world *w, const json_t *n, struct texts *t)
{
    const char *s = sc_text(n);

    while (*s) {
        char quote = 0;

        while (*s == ' ')
            s++;
        if (!*s)
            break;
        for (; *s && (quote || *s != ' '); s++) {
            if (quote ? *s == quote : *s == '\'' || *s == '"')
                quote = quote ? 0 : *s;
            else
                t->p[t->len++] = *s;
        }
        if (quote)
            return sc_wrong(w->err, n, "a quote is not closed");
        t->p[t->len++] = '\0';
    }
    return 0;
}

int sc_texts(struct sc_world *w, const json_t *n, struct sc_bytes *ret)
{
    struct texts t = {0};
    size_t room = 2;

    *ret = (struct sc_bytes){0};
    if (sc_text(n))
        room += strlen(sc_text(n));
    for (size_t i = 0; i < sc_len(n); i++) {
        const char *s = sc_kind(n) == SC_LIST ? sc_text(sc_item(n, i)) : NULL;

        if (!s)
            return sc_wrong(w->err, n, "this is a text or a list of texts");
        room += strlen(s) + 1;
    }
    t.p = sc_alloc(w, room);
    if (!t.p)
        return -ENOMEM;
    if (sc_text(n)) {
        int r = split(w, n, &t);

        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < sc_len(n); i++) {
        const char *s = sc_text(sc_item(n, i));
        size_t len = strlen(s) + 1;

        memcpy(t.p + t.len, s, len);
        t.len += len;
    }
    if (t.len > TEXTS_MAX) /* as much as a source takes */
        t.len = TEXTS_MAX;
    *ret = (struct sc_bytes){(const uint8_t *)t.p, (uint32_t)t.len};
    return 0;
}

static int read_env(struct sc_world *w, const json_t *n, struct sc_bytes *ret)
{
    char *p;
    size_t room = 1, len = 0;

    if (sc_kind(n) != SC_MAP)
        return sc_texts(w, n, ret);
    for (size_t i = 0; i < sc_len(n); i++) {
        if (!sc_text(sc_value_at(n, i)))
            return sc_wrong(w->err, sc_key(n, i), "the value of a variable is a text");
        room += strlen(sc_text(sc_key(n, i))) + strlen(sc_text(sc_value_at(n, i))) + 2;
    }
    p = sc_alloc(w, room);
    if (!p)
        return -ENOMEM;
    for (size_t i = 0; i < sc_len(n); i++)
        len += (size_t)snprintf(p + len, room - len, "%s=%s", sc_text(sc_key(n, i)),
                                sc_text(sc_value_at(n, i))) +
               1;
    *ret = (struct sc_bytes){(const uint8_t *)p, (uint32_t)len};
    return 0;
}

/* ---- a program ---- */

static const char *comm_of(struct sc_world *w, const char *path)
{
    const char *base = sc_basename(path);

    return sc_copy(w, base, strnlen(base, COMM_MAX));
}

/* A bare name is a program of the system. */
static const char *place_of(struct sc_world *w, const char *name)
{
    return strchr(name, '/') ? name : sc_printf(w, "/usr/bin/%s", name);
}

/* argv[0] and the rest of a whole command line. */
static int read_cmdline(struct sc_world *w, const json_t *n, struct sc_program *g)
{
    struct sc_bytes all;
    uint32_t first;
    int r = sc_texts(w, n, &all);

    if (r < 0)
        return r;
    if (all.len == 0)
        return sc_wrong(w->err, n, "the command line is empty");
    first = (uint32_t)strnlen((const char *)all.p, all.len);
    g->argv0 = (const char *)all.p;
    first += first < all.len;
    g->args = (struct sc_bytes){all.p + first, all.len - first};
    return 0;
}

static int read_text(struct sc_world *w, const json_t *map, const char *key, const char **ret)
{
    const json_t *v = sc_get(map, key, NULL);

    if (!v)
        return 0;
    if (!sc_text(v))
        return sc_wrong(w->err, v, "'%s' is a text", key);
    *ret = sc_text(v);
    return 0;
}

static int read_flag(struct sc_world *w, const json_t *map, const char *key, uint32_t bit,
                     uint32_t *flags)
{
    const json_t *v = sc_get(map, key, NULL);
    bool on;
    int r = v ? sc_bool(w, v, &on) : 1;

    if (r == 0)
        *flags = on ? *flags | bit : *flags & ~bit;
    return r < 0 ? r : 0;
}

static int read_exe_facts(struct sc_world *w, const json_t *n, struct sc_program *g)
{
    const json_t *age = sc_get(n, "exe_age", NULL);
    uint64_t ns;
    int r = read_flag(w, n, "upper_layer", SC_EXE_UPPER, &g->exe_flags);

    if (r == 0 && g->exe_flags & SC_EXE_UPPER)
        g->exe_flags &= ~(uint32_t)SC_EXE_LOWER;
    if (r == 0)
        r = read_flag(w, n, "lower_layer", SC_EXE_LOWER, &g->exe_flags);
    if (r == 0)
        r = read_flag(w, n, "memfd", SC_EXE_MEMFD, &g->exe_flags);
    if (r == 0)
        r = read_flag(w, n, "writable", SC_EXE_WRITABLE, &g->exe_flags);
    if (r == 0 && age) {
        r = sc_duration(w, age, &ns);
        if (r == 0)
            g->ctime_ns = w->now_ns - ns;
    }
    return r;
}

/* A script runs its interpreter, and is called as itself. */
static int use_interpreter(struct sc_world *w, const json_t *n, struct sc_program *g)
{
    const char *interpreter = NULL;
    uint8_t *args;
    size_t len;
    int r = read_text(w, n, "interpreter", &interpreter);

    if (r < 0 || !interpreter)
        return r;
    if (strchr(g->filename, '/') == NULL)
        g->filename = place_of(w, g->filename);
    if (!g->filename)
        return -ENOMEM;
    len = strlen(g->filename) + 1;
    args = sc_alloc(w, len + g->args.len);
    if (!args)
        return -ENOMEM;
    memcpy(args, g->filename, len);
    if (g->args.len)
        memcpy(args + len, g->args.p, g->args.len);
    g->args = (struct sc_bytes){args, (uint32_t)len + g->args.len};
    g->argv0 = interpreter;
    g->path = place_of(w, interpreter);
    g->comm = comm_of(w, g->filename);
    return g->path && g->comm ? 0 : -ENOMEM;
}

static int read_map(struct sc_world *w, const json_t *n, struct sc_program *g)
{
    const json_t *args = sc_get(n, "args", NULL), *line = sc_get(n, "cmdline", NULL),
                 *env = sc_get(n, "env", NULL);
    int r = read_text(w, n, "exe", &g->path);

    if (r == 0)
        r = read_text(w, n, "path", &g->path);
    if (r == 0 && !g->path)
        r = read_text(w, n, "name", &g->path);
    if (r == 0 && line)
        r = read_cmdline(w, line, g);
    if (r == 0 && args)
        r = sc_texts(w, args, &g->args);
    if (r == 0)
        r = read_text(w, n, "argv0", &g->argv0);
    if (r == 0)
        r = read_text(w, n, "filename", &g->filename);
    if (r == 0)
        r = read_text(w, n, "comm", &g->comm);
    if (r == 0 && env) {
        g->has_env = true;
        r = read_env(w, env, &g->env);
    }
    return r;
}

/* As a live source tells of a program that is in no folder. */
static int use_memfd(struct sc_world *w, struct sc_program *g)
{
    const char *name = sc_basename(g->path);

    g->path = sc_printf(w, "memfd:%s", strncmp(name, "memfd:", 6) == 0 ? name + 6 : name);
    return g->path ? 0 : -ENOMEM;
}

int sc_program_read(struct sc_world *w, const json_t *n, const struct sc_proc *p,
                    struct sc_program *ret)
{
    struct sc_program g = {.ctime_ns = SC_BOOT_NS - UINT64_C(30) * 86400 * 1000000000};
    int r = sc_text(n) ? read_cmdline(w, n, &g) : read_map(w, n, &g);

    if (r < 0)
        return r;
    if (!g.path)
        g.path = g.argv0;
    if (!g.path)
        return sc_wrong(w->err, n, "which program? 'path' or a command line tells");
    if (!g.argv0)
        g.argv0 = g.path;
    g.path = place_of(w, g.path);
    if (g.path && !g.filename)
        g.filename = g.path;
    if (g.path && !g.comm)
        g.comm = comm_of(w, g.filename);
    if (!g.path || !g.comm)
        return -ENOMEM;
    if (p->container)
        g.exe_flags |= SC_EXE_LOWER;
    if (p->cap_effective & CAP_DAC_OVERRIDE_BIT)
        g.exe_flags |= SC_EXE_WRITABLE;
    r = read_exe_facts(w, n, &g);
    if (r == 0)
        r = use_interpreter(w, n, &g);
    if (r == 0 && g.exe_flags & SC_EXE_MEMFD)
        r = use_memfd(w, &g);
    *ret = g;
    return r;
}

void sc_program_run(struct sc_proc *p, const struct sc_program *g)
{
    p->exepath = g->path;
    p->exe = g->argv0;
    p->comm = g->comm;
    p->args = g->args;
    p->exe_flags = g->exe_flags;
    p->exe_ctime = g->ctime_ns;
    p->exe_ino = sc_hash(g->path) & 0xffffff;
    if (g->has_env)
        p->env = g->env;
}
