/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An enricher that writes every event of its source to a file, as it came: a line of
 *     tid TAB flags TAB type TAB subtype TAB name=text ...
 * What a live source recorded is compared from this, before anything interprets it.
 */
#include "shown.h"

#include <gyr/plugin.h>
#include <gyr/util.h>

#include <errno.h>
#include <stdlib.h>

enum { LINE_MAX_LEN = 1 << 20, TYPES = 1024, SNAP_BASE = 0x8000 };

struct config {
    const char *path;
    uint64_t max;
    uint8_t snapshot;
};

struct tap {
    const struct config *cfg;
    FILE *to;
    uint64_t written;
    const struct gyr_event_type *types[2][TYPES]; /* captured ones, those of snapshots */
    char line[LINE_MAX_LEN];
};

static int create(const struct gyr_host *host, const void *cfg, void **ret_self,
                  struct gyr_error *err)
{
    struct tap *t = calloc(1, sizeof(*t));
    const struct gyr_schema *s = host->schema(host->ctx, "syscall");

    if (!t)
        return gyr_fail(err, -ENOMEM, "out of memory");
    t->cfg = cfg;
    for (uint32_t i = 0; s && i < s->n_types; i++) {
        const struct gyr_event_type *type =
            (const struct gyr_event_type *)(const void *)((const char *)s->types +
                                                          (size_t)i * s->type_stride);

        if ((type->id & ~SNAP_BASE) < TYPES)
            t->types[type->id >= SNAP_BASE][type->id & ~SNAP_BASE] = type;
    }
    *ret_self = t;
    return 0;
}

static int start(void *self, struct gyr_error *err)
{
    struct tap *t = self;

    t->to = fopen(t->cfg->path, "we");
    if (!t->to)
        return gyr_fail(err, -errno, "cannot write %s", t->cfg->path);
    return 0;
}

static void stop(void *self)
{
    struct tap *t = self;

    if (t->to)
        (void)fclose(t->to);
    t->to = NULL;
}

static const struct gyr_event_type *type_of(const struct tap *t, uint16_t id)
{
    return (id & ~SNAP_BASE) < TYPES ? t->types[id >= SNAP_BASE][id & ~SNAP_BASE] : NULL;
}

static int on_event(void *self, uint32_t which, const struct gyr_event *ev)
{
    struct tap *t = self;
    const struct gyr_event_type *type = type_of(t, ev->type);
    size_t n, room = sizeof(t->line) - 2;
    uint32_t len;

    (void)which;
    if ((ev->flags & GYR_EVF_SNAPSHOT && !t->cfg->snapshot) || !type || t->written > t->cfg->max)
        return 0;
    n = (size_t)snprintf(t->line, room, "%lld\t%s\t%u\t%u", (long long)ev->tid,
                         ev->flags & GYR_EVF_CUT ? "cut" : "-", ev->type, ev->subtype);
    for (uint32_t i = 0; i < ev->nparams && i < type->n_params && n + SHOWN_MAX < room; i++) {
        const uint8_t *p = gyr_param(ev, i, &len);

        n += (size_t)snprintf(t->line + n, room - n, "\t%s=", type->params[i].name);
        n += shown(t->line + n, SHOWN_MAX, &type->params[i], p, len);
    }
    t->line[n++] = '\n';
    t->written += n;
    if (fwrite(t->line, 1, n, t->to) != n)
        return -EIO;
    /* Only when asked: a line at once for each event would make an event for each event. */
    t->line[n] = 0;
    return strstr(t->line, TAP_SYNC) && fflush(t->to) ? -EIO : 0;
}

static void destroy(void *self)
{
    free(self);
}

static const char *const events[] = {"*", NULL};
static const struct gyr_option options[] = {
    {GYR_OPT(struct config, path, GYR_O_STR, "path", NULL, "The file."), .flags = GYR_OF_REQUIRED},
    {GYR_OPT(struct config, max, GYR_O_SIZE, "max", "512M", "Write no more than this.")},
    {GYR_OPT(struct config, snapshot, GYR_O_BOOL, "snapshot", "no", "Also what a snapshot holds.")},
};

static const struct gyr_enricher_ops enricher = {
    .size = sizeof(enricher),
    .schema = "syscall",
    .events = events,
    .on_event = on_event,
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "tap",
    .version = "1.0",
    .license = "Apache-2.0",
    .summary = "writes events as they came",
    .enricher = &enricher,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct config),
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
};

GYR_EXPORT_PLUGIN(plugin)
