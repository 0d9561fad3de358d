/* SPDX-License-Identifier: Apache-2.0 */
/* What an alert costs the thread that raises it: delivery_offer() of batches, with and without a
 * spool, to an output that takes all. Microseconds: CPU time, and by the clock mean, p99, p99.9,
 * longest.
 */
#include "alert/delivery.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t cpu_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

enum { BATCHES = 2000, OF_BATCH = 16, BODY = 3000 };

static int take_all(void *self, const struct gyr_alert *const *alerts, uint32_t n,
                    struct gyr_verdict *v, struct gyr_error *err)
{
    (void)self;
    (void)alerts;
    (void)err;
    for (uint32_t i = 0; i < n; i++)
        v[i].verdict = GYR_V_ACCEPTED;
    return 0;
}

struct block {
    struct alert al;
    char body[BODY];
};

static struct alert *an_alert(uint64_t num)
{
    struct block *b = calloc(1, sizeof(*b));
    struct gyr_alert *a = &b->al.a;

    if (!b)
        abort();
    memset(b->body, 'x', BODY - 1);
    b->al.len = (uint32_t)(sizeof(*b) - offsetof(struct block, al.a));
    *a = (struct gyr_alert){.size = sizeof(*a), .num = num, .text_len = BODY - 1};
    a->uuid = a->rule = a->source = a->hostname = a->text = b->body;
    a->json = b->body + BODY - 1;
    a->tags = (const char *const *)(void *)&b->al.a;
    a->fields = (const struct gyr_alert_field *)(void *)&b->al.a;
    atomic_init(&b->al.refs, 1);
    return &b->al;
}

static void measure(const char *what, const struct spool_conf *spool)
{
    static const struct gyr_output_ops ops = {.size = sizeof(ops), .write = take_all};
    struct delivery_conf conf = {.name = "bench",
                                 .ops = &ops,
                                 .capacity = 4096,
                                 .wait = true,
                                 .notify_fd = -1,
                                 .spool = *spool};
    struct latency l = {0};
    struct delivery_stats s;
    struct delivery *d;
    uint64_t cpu = 0;

    if (delivery_new(&conf, &d) < 0 || delivery_start(d, NULL) < 0)
        abort();
    for (uint64_t i = 0; i < BATCHES; i++) {
        struct alert *alerts[OF_BATCH];
        uint64_t cpu0;

        for (uint64_t k = 0; k < OF_BATCH; k++)
            alerts[k] = an_alert(i * OF_BATCH + k);
        cpu0 = cpu_ns();
        for (uint64_t k = 0; k < OF_BATCH; k++) {
            struct alert *a = alerts[k];
            uint64_t began = clock_ns();

            (void)delivery_offer(d, a);
            if (k == OF_BATCH - 1)
                delivery_wake(d);
            latency_add(&l, clock_ns() - began);
        }
        cpu += cpu_ns() - cpu0;
        for (uint64_t k = 0; k < OF_BATCH; k++)
            alert_unref(alerts[k]);
        (void)usleep(100); /* events come and go; a full queue is not what is measured */
    }
    delivery_finish(d, 10000000000);
    (void)delivery_join(d);
    delivery_stats(d, &s);
    printf("%-24s %7.2f %7.2f %7.2f %7.2f %9.2f   %" PRIu64 " of %" PRIu64 " delivered\n", what,
           (double)(cpu / l.n) / 1e3, (double)(l.sum_ns / l.n) / 1e3,
           (double)latency_permille(&l, 990) / 1e3, (double)latency_permille(&l, 999) / 1e3,
           (double)l.max_ns / 1e3, s.delivered, l.n);
    delivery_free(d);
}

int main(void)
{
    char dir[] = "/tmp/gyr-bench-XXXXXX";
    struct spool_conf spool = {.max_bytes = 256 << 20, .segment_bytes = 8 << 20}, none = {0};
    char path[64];

    if (!mkdtemp(dir))
        return 1;
    (void)snprintf(path, sizeof(path), "%s/s", dir);
    spool.dir = path;
    printf("%-24s %7s %7s %7s %7s %9s   (us for each alert of %d bytes)\n", "", "CPU", "mean",
           "p99", "p99.9", "longest", BODY);
    measure("memory", &none);
    spool.fsync = SPOOL_FSYNC_NEVER;
    measure("spool, fsync never", &spool);
    spool.fsync = SPOOL_FSYNC_INTERVAL;
    measure("spool, fsync interval", &spool);
    spool.fsync = SPOOL_FSYNC_ALWAYS;
    measure("spool, fsync always", &spool);
    (void)snprintf(path, sizeof(path), "rm -rf '%s'", dir);
    return system(path);
}
