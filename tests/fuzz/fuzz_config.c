/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files: whatever they say is read or refused, and the options under their plugins
 * go through a table with every kind of option. */
#include "base/cleanup.h"
#include "config/config.h"
#include "plugin/plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct options {
    uint8_t on;
    int64_t count, format;
    uint64_t size, wait;
    const char *text, *secret;
    const char *const *list, *const *map;
};

static const char *const formats[] = {"text", "json", NULL};
static const struct gyr_option table[] = {
    {GYR_OPT(struct options, on, GYR_O_BOOL, "on", "yes", "On.")},
    {GYR_OPT(struct options, count, GYR_O_INT, "count", "3", "Count."), .min = -9, .max = 9},
    {GYR_OPT(struct options, format, GYR_O_ENUM, "format", "json", "Format."), .choices = formats},
    {GYR_OPT(struct options, size, GYR_O_SIZE, "size", "64K", "Size."), .min = 1, .max = INT64_MAX},
    {GYR_OPT(struct options, wait, GYR_O_DURATION, "wait", "5s", "Wait.")},
    {GYR_OPT(struct options, text, GYR_O_STR, "path", NULL, "Path."), .flags = GYR_OF_REQUIRED},
    {GYR_OPT(struct options, secret, GYR_O_STR, "token", NULL, "Token."), .flags = GYR_OF_SECRET},
    {GYR_OPT(struct options, list, GYR_O_STRLIST, "list", "[a]", "List.")},
    {GYR_OPT(struct options, map, GYR_O_STRMAP, "map", "{a: b}", "Map.")},
};

/* Read every byte that the configuration points to. */
static size_t touch(const char *const *texts)
{
    size_t n = 0;

    for (; texts && *texts; texts++)
        n += strlen(*texts);
    return n;
}

static void use(const struct plugin_conf *list, uint32_t n, struct arena *arena, struct diags *d)
{
    struct options o;

    for (uint32_t i = 0; i < n; i++) {
        if (touch(list[i].rules) + touch(list[i].tags) + strlen(list[i].name) +
                strlen(list[i].plugin) ==
            0)
            abort(); /* neither name may be empty */
        if (options_parse(table, ARRAY_LEN(table), list[i].options, list[i].loc, "plugin x", arena,
                          &o, sizeof(o), d) < 0)
            continue;
        if (o.count < -9 || o.count > 9 || o.format > 1 || o.size < 1 || !o.text)
            abort();
        (void)touch(o.list);
        (void)touch(o.map);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct arena *arena = arena_new(256u << 20);
    struct config *c = NULL;
    struct diags d;
    FILE *f;
    int r;

    if (!arena)
        return 0;
    diags_init(&d, arena);
    r = config_load_text("gyr.yaml", (const char *)data, len, arena, &d, &c);
    if ((r < 0) != (d.n_errors > 0))
        abort();
    if (r == 0) {
        use(c->sources, c->n_sources, arena, &d);
        use(c->enrichers, c->n_enrichers, arena, &d);
        use(c->outputs, c->n_outputs, arena, &d);
    }
    f = fopen("/dev/null", "we");
    if (f) {
        diags_print(&d, f, false);
        (void)fclose(f);
    }
    config_release(c);
    arena_free(arena);
    return 0;
}
