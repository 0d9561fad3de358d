/* SPDX-License-Identifier: Apache-2.0 */
/* The outputs of a pipeline: made, changed while they run, retired when a reload has no use for
 * them any more. */
#include "pipeline/pipeline_priv.h"

#include "base/log.h"
#include "plugin/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t CLOSE_PATIENCE_NS = 1000000000;

static void hook_ack(void *ctx, uint64_t token, uint32_t verdict, uint64_t retry_after_ns)
{
    delivery_ack(ctx, token, verdict, retry_after_ns);
}

/* Whoever waits for one output must not keep the others waiting. On a source's thread. */
static void wake_sinks(void *ctx)
{
    struct pipeline *p = ctx;

    (void)pthread_mutex_lock(&p->routes_lock);
    for (uint32_t i = 0; p->routes && i < p->routes->n; i++)
        delivery_wake(p->routes->list[i].delivery);
    (void)pthread_mutex_unlock(&p->routes_lock);
}

static struct delivery_conf delivery_conf_of(struct pipeline *p, const struct config *c,
                                             const struct plugin_conf *o, const struct plugin *pl)
{
    struct delivery_conf dc = {.name = o->name,
                               .ops = &pl->output,
                               .capacity = o->queue,
                               .on_wait = wake_sinks,
                               .wait_ctx = p,
                               .notify_fd = p->notify_fd,
                               .backoff_min_ns = o->retry.min_ns,
                               .backoff_max_ns = o->retry.max_ns,
                               .give_up_ns = o->retry.give_up_ns,
                               .digest = o->digest,
                               .dead_letters = o->dead_letters,
                               .spool = o->spool,
                               .noise = o->noise,
                               .live = p->any_live,
                               .wait = o->on_full == ON_FULL_DEFAULT ? !p->any_live
                                                                     : o->on_full == ON_FULL_WAIT};

    dc.noise.mutes = c->mutes;
    dc.noise.n_mutes = c->n_mutes;
    return dc;
}

int sink_make(struct pipeline *p, struct config *c, struct sink *s, struct diags *d)
{
    struct instance_conf ic = instance_conf_of(p, s->conf, s->plugin, GYR_CAP_OUTPUT, p->any_live);
    struct delivery_conf dc = delivery_conf_of(p, c, s->conf, s->plugin);
    int r;

    s->made_of = config_ref(c);
    s->set_by = config_ref(c);
    s->secrets = secrets_stamp(s->conf->options);
    r = delivery_new(&dc, &s->delivery);
    if (r < 0)
        return r;
    ic.hooks = (struct host_hooks){.ctx = s->delivery, .ack = hook_ack};
    return instance_new(&ic, d, &s->inst);
}

void sink_change(struct pipeline *p, struct config *c, const struct plugin_conf *conf,
                 struct sink *s)
{
    struct delivery_conf dc = delivery_conf_of(p, c, conf, s->plugin);

    if (delivery_change(s->delivery, &dc) < 0)
        log_error(NULL, "output '%s': no memory to suppress alerts in: all pass", conf->name);
    config_ref(c);
    config_unref(s->set_by);
    s->set_by = c;
}

void sink_stop(struct sink *s)
{
    s->hangs = s->hangs || delivery_join(s->delivery) < 0;
    if (!s->hangs)
        instance_stop(s->inst);
}

void sink_free(struct sink *s)
{
    if (s->hangs)
        return;
    instance_free(s->inst);
    delivery_free(s->delivery);
    config_unref(s->made_of);
    config_unref(s->set_by);
}

struct routes *routes_new(const struct sink *sinks, uint32_t n, const struct config *c)
{
    struct routes *to = calloc(1, sizeof(*to) + n * sizeof(to->list[0]));

    for (uint32_t i = 0; to && i < n; i++) {
        const struct plugin_conf *o = &c->outputs[i];

        to->list[i] = (struct route){
            .delivery = sinks[i].delivery,
            .filter = {.min_priority = o->min_priority, .rules = o->rules, .tags = o->tags}};
    }
    if (to)
        to->n = n;
    return to;
}

/* ---- those that are done with ---- */

static void drop_retired(struct pipeline *p, uint32_t i)
{
    sink_stop(&p->retired[i]);
    p->any_hangs = p->any_hangs || p->retired[i].hangs;
    sink_free(&p->retired[i]);
    p->n_retired--;
    memmove(&p->retired[i], &p->retired[i + 1], (p->n_retired - i) * sizeof(p->retired[0]));
}

void sink_retire(struct pipeline *p, const struct sink *s)
{
    if (p->n_retired == RETIRED_MAX) {
        delivery_end_by(p->retired[0].delivery, clock_ns());
        drop_retired(p, 0);
    }
    delivery_finish(s->delivery, OUTPUT_PATIENCE_NS);
    p->retired[p->n_retired++] = *s;
}

void sink_close(struct pipeline *p, struct sink *s)
{
    delivery_finish(s->delivery, CLOSE_PATIENCE_NS);
    delivery_end_by(s->delivery, clock_ns() + CLOSE_PATIENCE_NS);
    sink_stop(s);
    p->any_hangs = p->any_hangs || s->hangs;
    sink_free(s);
}

uint64_t retired_tick(struct pipeline *p)
{
    uint64_t next = UINT64_MAX;

    for (uint32_t i = p->n_retired; i-- > 0;) {
        uint64_t left = delivery_left(p->retired[i].delivery);

        if (left == 0)
            drop_retired(p, i);
        else if (left < next)
            next = left;
    }
    return next;
}

uint64_t retired_left(struct pipeline *p)
{
    uint64_t last = 0;

    for (uint32_t i = 0; i < p->n_retired; i++) {
        uint64_t left = delivery_left(p->retired[i].delivery);

        last = left > last ? left : last;
    }
    return last;
}

void retired_stop(struct pipeline *p)
{
    while (p->n_retired)
        drop_retired(p, p->n_retired - 1);
}
