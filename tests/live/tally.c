/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An enricher that counts the events of files opened and closed, by thread: at its stop a file gets
 * a line "tid count" for each. What a flood made is held against it.
 */
#include <gyr/plugin.h>
#include <gyr/util.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIDS = 1 << 22 /* the kernel's own limit */ };

struct config {
    const char *path;
};

struct tally {
    const struct config *cfg;
    FILE *to;
    uint64_t *counts; /* by thread id; only pages that are written take memory */
};

static int create(const struct gyr_host *host, const void *cfg, void **ret_self,
                  struct gyr_error *err)
{
    struct tally *t = calloc(1, sizeof(*t));

    (void)host;
    if (t)
        t->counts = calloc(TIDS, sizeof(*t->counts));
    if (!t || !t->counts) {
        free(t);
        return gyr_fail(err, -ENOMEM, "out of memory");
    }
    t->cfg = cfg;
    *ret_self = t;
    return 0;
}

static int start(void *self, struct gyr_error *err)
{
    struct tally *t = self;

    t->to = fopen(t->cfg->path, "we");
    if (!t->to)
        return gyr_fail(err, -errno, "cannot write %s", t->cfg->path);
    return 0;
}

static void stop(void *self)
{
    struct tally *t = self;

    if (!t->to)
        return;
    for (uint32_t i = 0; i < TIDS; i++)
        if (t->counts[i])
            (void)fprintf(t->to, "%" PRIu32 " %" PRIu64 "\n", i, t->counts[i]);
    (void)fclose(t->to);
    t->to = NULL;
}

static int on_event(void *self, uint32_t which, const struct gyr_event *ev)
{
    struct tally *t = self;

    (void)which;
    if (ev->tid >= 0 && ev->tid < TIDS)
        t->counts[ev->tid]++;
    return 0;
}

static void destroy(void *self)
{
    struct tally *t = self;

    if (t)
        free(t->counts);
    free(t);
}

static const char *const events[] = {"open", "openat", "close", NULL};
static const struct gyr_option options[] = {
    {GYR_OPT(struct config, path, GYR_O_STR, "path", NULL, "The file."), .flags = GYR_OF_REQUIRED},
};

static const struct gyr_enricher_ops enricher = {
    .size = sizeof(enricher),
    .schema = "syscall",
    .events = events,
    .on_event = on_event,
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "tally",
    .version = "1.0",
    .license = "Apache-2.0",
    .summary = "counts files opened and closed, by thread",
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
