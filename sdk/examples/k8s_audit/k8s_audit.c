/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin "k8s_audit": what the Kubernetes API server says was asked of it, one JSON object a
 * line from a local socket; and the fields that rules read of it. One plugin, two capabilities. */
#include "k8s_audit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum { BATCH_EVENTS = 64 };

struct config {
    const char *listen;
    uint64_t max_line;
};

static const struct gyr_option options[] = {
    {GYR_OPT(struct config, listen, GYR_O_STR, "listen", "127.0.0.1:9765",
             "Where clients send lines: 127.0.0.1:port, or unix:/path.")},
    {GYR_OPT(struct config, max_line, GYR_O_SIZE, "max_line", "1M",
             "A longer line is left out, and counted."),
     .min = 4096, .max = 16 << 20},
};

struct instance {
    struct audit_instance base; /* first: fields.c knows no more */
    const struct config *cfg;
    struct lines lines;
    uint64_t *room; /* BATCH_EVENTS records of EVENT_SIZE */
    struct gyr_batch *batch;
    uint32_t n_lent; /* of the room */
    uint64_t malformed, told_malformed, told_long, lost;
};

static int create(const struct gyr_host *host, const void *cfg, void **ret_self,
                  struct gyr_error *err)
{
    struct instance *s = calloc(1, sizeof(*s));

    if (!s)
        return gyr_fail(err, -ENOMEM, "out of memory");
    s->base.host = host;
    s->cfg = cfg;
    *ret_self = s;
    return 0;
}

/* The enricher has nothing to open. */
static int start(void *self, struct gyr_error *err)
{
    struct instance *s = self;
    int r;

    if (s->base.host->capability != GYR_CAP_SOURCE)
        return 0;
    s->room = malloc((size_t)BATCH_EVENTS * EVENT_SIZE);
    if (!s->room)
        return gyr_fail(err, -ENOMEM, "out of memory");
    r = lines_open(&s->lines, s->cfg->listen, (size_t)s->cfg->max_line, err);
    if (r < 0) {
        free(s->room);
        s->room = NULL;
    }
    return r;
}

static void stop(void *self)
{
    struct instance *s = self;

    if (!s->room)
        return;
    lines_close(&s->lines);
    free(s->room);
    s->room = NULL;
}

static void destroy(void *self)
{
    free(self);
}

/* ---- source ---- */

static void *room(void *ctx)
{
    struct instance *s = ctx;

    if (s->n_lent == BATCH_EVENTS || s->batch->n == s->batch->cap) {
        s->lost++;
        return NULL;
    }
    return (char *)s->room + (size_t)s->n_lent * EVENT_SIZE;
}

static void lend(void *ctx, const struct gyr_event *ev)
{
    struct instance *s = ctx;

    s->batch->ev[s->batch->n++] = ev;
    s->n_lent++;
}

/* Counters are for now and then, not for every line. */
static void tell(struct instance *s)
{
    const struct gyr_host *h = s->base.host;

    if (s->malformed != s->told_malformed) {
        if (!s->told_malformed)
            gyr_logf(h, GYR_LOG_WARNING, "a line is no audit event of Kubernetes and is left out");
        (void)h->metric_add(h->ctx, "malformed_lines", s->malformed - s->told_malformed);
        s->told_malformed = s->malformed;
    }
    if (s->lines.too_long != s->told_long) {
        gyr_logf(h, GYR_LOG_WARNING,
                 "lines of more than %" PRIu64 " bytes are left out (%" PRIu64 " so far)",
                 s->cfg->max_line, s->lines.too_long);
        (void)h->metric_add(h->ctx, "long_lines", s->lines.too_long - s->told_long);
        s->told_long = s->lines.too_long;
    }
    if (s->lost) {
        gyr_logf(h, GYR_LOG_WARNING, "%" PRIu64 " events of one line have no room in a batch",
                 s->lost);
        (void)h->metric_add(h->ctx, "lost_events", s->lost);
        s->lost = 0;
    }
}

/* A list of events may be larger than what is left of the batch: it waits for a batch of its own
 * unless this one is empty. */
static int next_batch(void *self, struct gyr_batch *b, struct gyr_error *err)
{
    struct instance *s = self;
    const struct audit_sink sink = {s, room, lend};
    size_t len;
    char *line;

    (void)err;
    b->n = 0;
    s->n_lent = 0;
    s->batch = b;
    for (int waited = 0; b->n < b->cap / 2 && s->n_lent < BATCH_EVENTS / 2;) {
        line = lines_next(&s->lines, &len);
        if (line && len) {
            s->malformed += audit_parse(line, len, &sink) < 0;
        } else if (!line) {
            if (b->n || waited++)
                break;
            lines_wait(&s->lines, b->timeout_ms);
        }
    }
    tell(s);
    return 0;
}

static void wake(void *self)
{
    lines_wake(&((struct instance *)self)->lines);
}

static const struct gyr_source_ops source = {
    .size = sizeof(source),
    .flags = GYR_SRC_LIVE,
    .schema = &audit_schema,
    .next_batch = next_batch,
    .wake = wake,
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "k8s_audit",
    .version = "1.0.0",
    .license = "Apache-2.0",
    .summary = "audit events of Kubernetes, as lines of JSON from a local socket",
    .source = &source,
    .enricher = &audit_enricher,
    GYR_PLUGIN_OPTIONS(options),
    .config_size = sizeof(struct config),
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
};

GYR_EXPORT_PLUGIN(plugin)
