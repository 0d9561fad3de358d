/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline's start, in an order that matters: everything is opened with the privileges that we
 * came with, then those are dropped, then come the threads. */
#include "pipeline/pipeline_priv.h"

#include "base/log.h"
#include "base/privilege.h"
#include "base/sentence.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

/* ---- privileges ---- */

/* "the source 'ebpf' needs CAP_BPF, which …" */
static int fail_missing(const char *what, const char *name, uint64_t missing, struct gyr_error *err)
{
    struct buf b;
    int r;

    buf_init(&b, sizeof(err->msg));
    privilege_add_names(&b, missing);
    r = gyr_fail(err, -EPERM,
                 "the %s '%s' needs %s, which this process does not have; run it as root, or give "
                 "it these capabilities",
                 what, name, b.p ? b.p : "capabilities");
    buf_free(&b);
    return r;
}

uint64_t privileges_missing(const struct plugin *pl, uint64_t *keep)
{
    struct privileges w = {0};

    (void)privilege_parse(pl->desc.capabilities, &w, NULL); /* it was read when it was loaded */
    if (keep)
        *keep |= w.needed | w.useful;
    return w.needed & ~privilege_effective();
}

/* What one plugin in use wants is added to @p keep. */
static int want_privileges(const struct plugin *pl, const char *what, const char *name,
                           uint64_t *keep, struct gyr_error *err)
{
    uint64_t missing = privileges_missing(pl, keep);

    return missing ? fail_missing(what, name, missing, err) : 0;
}

/* Enrichers of a recording ask nobody, and need nothing for it. */
static int collect_privileges(struct pipeline *p, uint64_t *ret_keep, struct gyr_error *err)
{
    const struct config *c = p->config;
    uint64_t keep = 0;
    int r = 0;

    for (uint32_t i = 0; i < c->n_outputs && r == 0; i++)
        r = want_privileges(p->sinks[i].plugin, "output", c->outputs[i].name, &keep, err);
    for (uint32_t i = 0; p->any_live && i < c->n_enrichers && r == 0; i++)
        r = want_privileges(p->enricher_plugins[i], "enricher", c->enrichers[i].name, &keep, err);
    for (uint32_t i = 0; i < c->n_sources && r == 0; i++) {
        r = want_privileges(p->source_plugins[i], "source", c->sources[i].name, &keep, err);
        p->source_refused = r < 0;
    }
    *ret_keep = keep;
    return r;
}

/* A rotation of logs must not be the first to find out that a file needs what we do not have any
 * more. */
static int try_reopen(struct pipeline *p, struct gyr_error *err)
{
    for (uint32_t i = 0; i < p->n_sinks; i++) {
        const struct sink *k = &p->sinks[i];
        struct gyr_error why = {0};
        int r = 0;

        if (k->plugin->output.reopen)
            r = k->plugin->output.reopen(k->inst->self, &why);
        if (r < 0)
            return gyr_fail(err, r,
                            "output '%s' could be opened, but not again without the privileges "
                            "that are dropped after the start: %.300s",
                            k->conf->name, sentence_of(&why, "reopen()"));
    }
    return 0;
}

static int drop_privileges(struct pipeline *p, uint64_t keep, struct gyr_error *err)
{
    int r = privilege_drop(keep, err), stray;
    struct buf b;

    if (r < 0)
        return r;
    stray = privilege_find_stray(keep);
    if (stray)
        log_warning(NULL,
                    "thread %d keeps capabilities that were to be dropped: a plugin has started it "
                    "by other means than its host",
                    stray);
    buf_init(&b, 4096);
    privilege_add_names(&b, keep & privilege_effective());
    log_info(NULL, "capabilities kept: %s", b.len ? b.p : "none");
    buf_free(&b);
    return try_reopen(p, err);
}

/* ---- parts ---- */

static int start_sinks(struct pipeline *p, struct gyr_error *err)
{
    for (uint32_t i = 0; i < p->n_sinks; i++) {
        struct gyr_error why = {0};
        int r = instance_start(p->sinks[i].inst, &why);

        if (r < 0)
            return gyr_fail(err, r, "output '%s': %.440s", p->sinks[i].conf->name, why.msg);
    }
    return 0;
}

static int start_source(struct source *s, bool *ret_refused, struct gyr_error *err)
{
    struct gyr_error why = {0};
    int r;

    for (uint32_t i = 0; i < s->n_enrichers; i++) {
        r = instance_start(s->enrichers[i].inst, &why);
        if (r < 0)
            return gyr_fail(err, r, "enricher '%s': %.440s", s->providers[i].name, why.msg);
    }
    r = source_open(s, &why);
    *ret_refused = r < 0;
    return r < 0 ? gyr_fail(err, r, "source '%s': %.440s", s->name, why.msg) : 0;
}

static int start_threads(struct pipeline *p, struct gyr_error *err)
{
    struct gyr_error why = {0};

    for (uint32_t i = 0; i < p->n_sinks; i++) {
        int r = delivery_start(p->sinks[i].delivery, p->sinks[i].inst->self);

        if (r < 0)
            return gyr_fail(err, r, "output '%s': cannot start a thread: %s",
                            p->sinks[i].conf->name, strerror(-r));
    }
    for (uint32_t i = 0; i < p->n_sources; i++) {
        int r = source_run(&p->sources[i], &why);

        if (r < 0)
            return gyr_fail(err, r, "source '%s': %.440s", p->sources[i].name, why.msg);
    }
    return 0;
}

static void undo(struct pipeline *p)
{
    struct pollfd fd = {.fd = p->notify_fd, .events = POLLIN};

    pipeline_stop(p);
    (void)pipeline_tick(p);
    while (!pipeline_is_done(p)) {
        (void)poll(&fd, 1, -1);
        (void)pipeline_tick(p);
    }
    (void)pipeline_finish(p);
}

int pipeline_start(struct pipeline *p, struct gyr_error *err)
{
    uint64_t keep = 0;
    int r = collect_privileges(p, &keep, err);

    if (p->drop_privileges)
        privilege_plan(keep);
    if (r == 0)
        r = start_sinks(p, err);
    for (uint32_t i = 0; i < p->n_sources && r == 0; i++)
        r = start_source(&p->sources[i], &p->source_refused, err);
    if (r == 0 && p->drop_privileges)
        r = drop_privileges(p, keep, err);
    if (r == 0)
        r = start_threads(p, err);
    if (r < 0)
        undo(p);
    return r;
}

bool pipeline_source_refused(const struct pipeline *p)
{
    return p->source_refused;
}
