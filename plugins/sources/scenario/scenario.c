/* SPDX-License-Identifier: Apache-2.0 */
/* The source "scenario": events of a little machine that is described in words. */
#include "call.h"

#include <errno.h>
#include <gyr/plugin.h>
#include <stdlib.h>
#include <string.h>

struct config {
    const char *text;
};

static const struct gyr_option options[] = {
    {GYR_OPT(struct config, text, GYR_O_STR, "text", NULL,
             "The description, as 'gyr test' hands it over: JSON with the place of each word."),
     .flags = GYR_OF_REQUIRED},
};

struct scenario {
    struct sc_world world;
    uint32_t at; /* of its records */
};

static const char *const keys[] = {"given", "when", NULL};

static int build(struct sc_world *w, const json_t *root)
{
    int r = sc_check_keys(w->err, root, "key", keys);

    if (r == 0)
        r = sc_given(w, sc_get(root, "given", NULL));
    if (r == 0)
        r = sc_snapshot(w);
    if (r == 0)
        r = sc_when(w, sc_get(root, "when", NULL));
    return r;
}

static void scenario_destroy(void *self)
{
    struct scenario *s = self;

    if (!s)
        return;
    sc_world_free(&s->world);
    free(s);
}

static int scenario_create(const struct gyr_host *host, const void *cfg, void **ret_self,
                           struct gyr_error *err)
{
    const struct config *c = cfg;
    struct scenario *s = calloc(1, sizeof(*s));
    json_t *root = NULL;
    int r = s ? sc_world_init(&s->world, err) : gyr_fail(err, -ENOMEM, "no memory");

    (void)host;
    if (r == 0)
        r = sc_parse(c->text, &root, err);
    if (r == 0)
        r = build(&s->world, root);
    json_decref(root);
    if (r < 0) {
        scenario_destroy(s);
        return r;
    }
    s->world.err = NULL;
    *ret_self = s;
    return 0;
}

static int scenario_start(void *self, struct gyr_error *err)
{
    struct scenario *s = self;

    (void)err;
    s->at = 0;
    return 0;
}

static int scenario_next_batch(void *self, struct gyr_batch *b, struct gyr_error *err)
{
    struct scenario *s = self;

    (void)err;
    for (b->n = 0; b->n < b->cap && s->at < s->world.n_records;)
        b->ev[b->n++] = s->world.records[s->at++];
    return b->n ? 0 : GYR_E_EOF;
}

/* Nothing here waits. */
static void scenario_wake(void *self)
{
    (void)self;
}

static const struct gyr_source_ops source = {
    .size = sizeof(struct gyr_source_ops),
    .schema = &syscall_schema,
    .next_batch = scenario_next_batch,
    .wake = scenario_wake,
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "scenario",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "events of a little machine described in words: what 'gyr test' tests rules with",
    .source = &source,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct config),
    .create = scenario_create,
    .start = scenario_start,
    .destroy = scenario_destroy,
};

GYR_EXPORT_PLUGIN(plugin)
