/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crash.h"
#include "base/log.h"
#include "base/sentence.h"
#include "plugin/instance_priv.h"
#include "plugin/option.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { OPTIONS_MEM_MAX = 16 << 20 };

static void instance_release(struct instance *i)
{
    if (!i)
        return;
    if (i->priv) {
        (void)pthread_mutex_destroy(&i->priv->lock);
        arena_free(i->priv->arena);
        free(i->priv->area);
        free(i->priv);
    }
    free(i->name);
    free(i);
}

static struct instance *instance_alloc(const struct instance_conf *conf)
{
    struct instance *i = calloc(1, sizeof(*i));
    struct instance_private *p = calloc(1, sizeof(*p));
    int n = -1;

    if (!i || !p) {
        free(i);
        free(p);
        return NULL;
    }
    (void)pthread_mutex_init(&p->lock, NULL);
    i->priv = p;
    i->plugin = conf->plugin;
    i->capability = conf->capability;
    i->name = strdup(conf->name);
    p->schemas = conf->schemas;
    p->hooks = conf->hooks;
    p->arena = arena_new(OPTIONS_MEM_MAX);
    if (p->arena)
        p->cfg = arena_alloc(p->arena, conf->plugin->desc.config_size + 1u);
    n = asprintf(&p->area, "plugin %s", conf->name);
    if (n < 0)
        p->area = NULL;
    if (!i->name || !p->cfg || !p->area) {
        instance_release(i);
        return NULL;
    }
    return i;
}

static bool has_capability(const struct plugin *p, uint32_t capability)
{
    switch (capability) {
    case GYR_CAP_SOURCE:
        return p->desc.source;
    case GYR_CAP_ENRICHER:
        return p->desc.enricher;
    default:
        return p->desc.output;
    }
}

static const char *capability_name(uint32_t capability)
{
    switch (capability) {
    case GYR_CAP_SOURCE:
        return "a source";
    case GYR_CAP_ENRICHER:
        return "an enricher";
    default:
        return "an output";
    }
}

/* ---- calls, with an eye on what they leave ---- */

static void took(struct instance *i, const struct leftover_mark *m)
{
    pid_t ours[LEFTOVER_TASKS];
    uint32_t n = host_threads(ours, LEFTOVER_TASKS);

    leftover_took(&i->priv->leftover, m, ours, n);
}

static int call_create(struct instance *i, struct gyr_error *err)
{
    struct leftover_mark m;
    int r;

    leftover_mark(&m);
    crash_calling(i->priv->area, "create()");
    r = i->plugin->desc.create(&i->host, i->priv->cfg, &i->self, err);
    crash_calling(NULL, NULL);
    leftover_heap(&i->priv->leftover, &m);
    took(i, &m);
    return r;
}

static int call_start(struct instance *i, struct gyr_error *err)
{
    struct leftover_mark m;
    int r;

    leftover_mark(&m);
    crash_calling(i->priv->area, "start()");
    r = i->plugin->desc.start(i->self, err);
    crash_calling(NULL, NULL);
    took(i, &m);
    return r;
}

static void call_destroy(struct instance *i)
{
    struct leftover_mark m;

    leftover_mark(&m);
    crash_calling(i->priv->area, "destroy()");
    i->plugin->desc.destroy(i->self);
    crash_calling(NULL, NULL);
    leftover_heap(&i->priv->leftover, &m);
    leftover_tell(&i->priv->leftover, i->priv->area);
}

int instance_new(const struct instance_conf *conf, struct diags *d, struct instance **ret)
{
    const struct gyr_plugin *desc = &conf->plugin->desc;
    struct gyr_error err = {0};
    struct instance *i;
    int r;

    if (!has_capability(conf->plugin, conf->capability)) {
        diag_error(d, conf->loc, "plugin '%s' is not %s", desc->name,
                   capability_name(conf->capability));
        return -EINVAL;
    }
    i = instance_alloc(conf);
    if (!i) {
        diag_error(d, conf->loc, "plugin '%s': out of memory", desc->name);
        return -EINVAL;
    }
    r = options_parse(conf->plugin->options, desc->n_options, conf->options, conf->loc,
                      i->priv->area, i->priv->arena, i->priv->cfg, desc->config_size, d);
    if (r < 0)
        goto fail;
    host_init(i, conf);
    r = call_create(i, &err);
    if (r < 0) {
        diag_error(d, options_loc(i->plugin->options, desc->n_options, conf->options, conf->loc, d),
                   "%s: %s", i->priv->area, sentence_of(&err, "create()"));
        i->self = NULL;
        goto fail_created;
    }
    *ret = i;
    return 0;

fail_created:
    if (!host_threads_gone(i))
        return -EINVAL; /* a thread still uses it: better leaked than freed */
fail:
    instance_release(i);
    return -EINVAL;
}

int instance_start(struct instance *i, struct gyr_error *err)
{
    struct gyr_error why = {0};
    int r = 0;

    if (i->started)
        return 0;
    if (i->plugin->desc.start)
        r = call_start(i, &why);
    if (r < 0)
        return gyr_fail(err, r, "%s: %s", i->priv->area, sentence_of(&why, "start()"));
    i->started = true;
    return 0;
}

void instance_set_hooks(struct instance *i, const struct host_hooks *hooks)
{
    i->priv->hooks = *hooks;
}

void instance_stop(struct instance *i)
{
    if (!i || !i->started)
        return;
    i->started = false;
    if (!i->plugin->desc.stop)
        return;
    crash_calling(i->priv->area, "stop()");
    i->plugin->desc.stop(i->self);
    crash_calling(NULL, NULL);
}

void instance_free(struct instance *i)
{
    if (!i)
        return;
    instance_stop(i);
    call_destroy(i);
    if (host_threads_gone(i))
        instance_release(i);
}
