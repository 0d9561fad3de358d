/* SPDX-License-Identifier: Apache-2.0 */
/* As it was built against ABI 1.0; see README.md. An output: writes what it gets to a file, and
 * answers as it is told. */
#include <gyr/plugin.h>
#include <gyr/util.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LATER_MAX = 1024 };

struct config {
    const char *path;
    int64_t verdict, first;
    uint64_t delay;
};

struct fake {
    const struct gyr_host *host;
    const struct config *cfg;
    FILE *file;
    int64_t offers; /* alerts ever offered */
    pthread_mutex_t lock;
    pthread_cond_t cond;
    uint64_t later[LATER_MAX]; /* tokens to acknowledge */
    uint32_t n_later;
    int ending;
    uint64_t thread;
};

static int create(const struct gyr_host *host, const void *cfg, void **ret_self,
                  struct gyr_error *err)
{
    struct fake *f = calloc(1, sizeof(*f));

    if (!f)
        return gyr_fail(err, -ENOMEM, "out of memory");
    f->host = host;
    f->cfg = cfg;
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->cond, NULL);
    *ret_self = f;
    return 0;
}

static void pause_ns(uint64_t ns)
{
    struct timespec ts;

    ts.tv_sec = (time_t)(ns / 1000000000);
    ts.tv_nsec = (long)(ns % 1000000000);
    (void)nanosleep(&ts, NULL);
}

/* What was answered with "later" is accepted here, after the delay. */
static void acknowledge(void *arg)
{
    struct fake *f = arg;

    pthread_mutex_lock(&f->lock);
    while (!f->ending || f->n_later) {
        uint64_t token;

        if (f->n_later == 0) {
            pthread_cond_wait(&f->cond, &f->lock);
            continue;
        }
        token = f->later[--f->n_later];
        pthread_mutex_unlock(&f->lock);
        pause_ns(f->cfg->delay);
        f->host->ack(f->host->ctx, token, GYR_V_ACCEPTED, 0);
        pthread_mutex_lock(&f->lock);
    }
    pthread_mutex_unlock(&f->lock);
}

static int start(void *self, struct gyr_error *err)
{
    struct fake *f = self;

    f->file = fopen(f->cfg->path, "w");
    if (!f->file)
        return gyr_fail(err, -errno, "%s: %s", f->cfg->path, strerror(errno));
    f->ending = 0;
    if (f->host->thread_start(f->host->ctx, "fake-acks", acknowledge, f, &f->thread) < 0) {
        fclose(f->file);
        f->file = NULL;
        return gyr_fail(err, -EAGAIN, "cannot start a thread");
    }
    return 0;
}

static void stop(void *self)
{
    struct fake *f = self;

    pthread_mutex_lock(&f->lock);
    f->ending = 1;
    pthread_cond_signal(&f->cond);
    pthread_mutex_unlock(&f->lock);
    (void)f->host->thread_join(f->host->ctx, f->thread);
    fclose(f->file);
    f->file = NULL;
}

static void destroy(void *self)
{
    struct fake *f = self;

    if (!f)
        return;
    pthread_cond_destroy(&f->cond);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static uint32_t answer(struct fake *f, const struct gyr_alert *a)
{
    uint32_t verdict = (uint32_t)f->cfg->verdict;

    if (f->cfg->first && ++f->offers > f->cfg->first)
        verdict = GYR_V_ACCEPTED;
    if (verdict != GYR_V_LATER)
        return verdict;
    pthread_mutex_lock(&f->lock);
    if (f->n_later < LATER_MAX)
        f->later[f->n_later++] = a->token;
    else
        verdict = GYR_V_RETRY;
    pthread_cond_signal(&f->cond);
    pthread_mutex_unlock(&f->lock);
    return verdict;
}

static int write_alerts(void *self, const struct gyr_alert *const *alerts, uint32_t n,
                        struct gyr_verdict *v, struct gyr_error *err)
{
    static const char *const names[] = {"accepted", "retry", "failed", "later"};
    struct fake *f = self;
    uint32_t i;

    for (i = 0; i < n; i++) {
        const struct gyr_alert *a = alerts[i];

        if (f->cfg->delay && f->cfg->verdict != GYR_V_LATER)
            pause_ns(f->cfg->delay);
        v[i].verdict = answer(f, a);
        v[i].retry_after_ns = 1000000;
        if (fprintf(f->file, "%s %u %lu %s %s | %s\n", names[v[i].verdict], a->attempt,
                    (unsigned long)a->num, a->metadata == GYR_MD_FINAL ? "final" : "missing",
                    a->rule, a->text) < 0 ||
            fflush(f->file) != 0)
            return gyr_fail(err, -EIO, "%s: %s", f->cfg->path, strerror(errno));
    }
    return 0;
}

static const char *const verdicts[] = {"accepted", "retry", "failed", "later", NULL};
static const struct gyr_option options[] = {
    {GYR_OPT(struct config, path, GYR_O_STR, "path", NULL, "File that is written."),
     .flags = GYR_OF_REQUIRED},
    {GYR_OPT(struct config, verdict, GYR_O_ENUM, "verdict", "accepted",
             "What alerts are answered."),
     .choices = verdicts},
    {GYR_OPT(struct config, first, GYR_O_INT, "first", "0",
             "Only so many offers are answered so, the rest accepted; 0: all.")},
    {GYR_OPT(struct config, delay, GYR_O_DURATION, "delay", "0", "How long an answer takes.")},
};

static const struct gyr_output_ops output = {.size = sizeof(output), .write = write_alerts};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "abi10_output",
    .version = "1.0",
    .license = "Apache-2.0",
    .summary = "writes alerts to a file",
    .output = &output,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct config),
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
};

GYR_EXPORT_PLUGIN(plugin)
