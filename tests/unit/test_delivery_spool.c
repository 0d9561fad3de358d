/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery by way of a spool: who makes its files and synchronises them, a spool that is full, one
 * that cannot be opened at first, what is left for the next run. And what closes windows at the
 * end. */
#include "alert/delivery.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MS = 1000000, SEGMENT = 64 << 10, BODY = 1000, GOT_MAX = 8192 };

/* ---- who makes files: the calls of the spool come here first ---- */

static _Thread_local bool raises;
static atomic_uint made_by_raiser, made_by_others, syncs;

int posix_fallocate(int fd, off_t at, off_t n)
{
    atomic_fetch_add(raises ? &made_by_raiser : &made_by_others, 1);
    return fallocate(fd, 0, at, n) < 0 ? errno : 0;
}

int fdatasync(int fd)
{
    atomic_fetch_add(&syncs, 1);
    return fsync(fd);
}

/* ---- the output ---- */

struct fake {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool closed; /* write() waits until it is opened */
    bool fails;
    uint64_t got[GOT_MAX];
    uint32_t n;
};

static int fake_write(void *self, const struct gyr_alert *const *alerts, uint32_t n,
                      struct gyr_verdict *v, struct gyr_error *err)
{
    struct fake *f = self;
    int r = 0;

    (void)pthread_mutex_lock(&f->lock);
    while (f->closed)
        (void)pthread_cond_wait(&f->cond, &f->lock);
    if (f->fails)
        r = gyr_fail(err, -ECONNREFUSED, "nobody there");
    for (uint32_t i = 0; i < n && !f->fails && f->n < GOT_MAX; i++) {
        f->got[f->n++] = alerts[i]->num;
        v[i].verdict = GYR_V_ACCEPTED;
    }
    (void)pthread_mutex_unlock(&f->lock);
    return r;
}

static void fake_set(struct fake *f, bool closed)
{
    (void)pthread_mutex_lock(&f->lock);
    f->closed = closed;
    (void)pthread_cond_broadcast(&f->cond);
    (void)pthread_mutex_unlock(&f->lock);
}

static void fake_wake(void *self)
{
    fake_set(self, false);
}

static const struct gyr_output_ops ops = {
    .size = sizeof(ops), .write = fake_write, .wake = fake_wake};

/* ---- the rig ---- */

static char dir[64], sub[80];
static struct fake f;
static struct delivery_conf conf;

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/gyr-dspool-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    (void)snprintf(sub, sizeof(sub), "%s/s", dir);
    f = (struct fake){0};
    (void)pthread_mutex_init(&f.lock, NULL);
    (void)pthread_cond_init(&f.cond, NULL);
    atomic_store(&made_by_raiser, 0);
    atomic_store(&made_by_others, 0);
    atomic_store(&syncs, 0);
    raises = true;
    conf = (struct delivery_conf){
        .name = "fake",
        .ops = &ops,
        .capacity = 64,
        .notify_fd = -1,
        .backoff_min_ns = 2 * MS,
        .backoff_max_ns = 8 * MS,
        .spool = {.dir = sub, .max_bytes = 16 * SEGMENT, .segment_bytes = SEGMENT}};
    return 0;
}

static int tear_down(void **state)
{
    char cmd[128];

    (void)state;
    (void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
    return system(cmd); // NOLINT
}

static struct delivery *start(void)
{
    struct delivery *d;

    assert_int_equal(delivery_new(&conf, &d), 0);
    assert_int_equal(delivery_start(d, &f), 0);
    return d;
}

struct block {
    struct alert al;
    char body[BODY];
};

static int offer(struct delivery *d, uint64_t num)
{
    struct block *b = calloc(1, sizeof(*b));
    struct gyr_alert *a = &b->al.a;
    int r;

    assert_non_null(b);
    memset(b->body, 'x', BODY - 1);
    b->al.len = (uint32_t)(sizeof(*b) - offsetof(struct block, al.a));
    *a = (struct gyr_alert){.size = sizeof(*a), .num = num};
    (void)snprintf(b->body, BODY, "%u", (unsigned)num);
    a->uuid = a->rule = a->source = a->hostname = b->body;
    a->text = a->json = b->body + BODY - 1;
    a->tags = (const char *const *)(void *)a;
    a->fields = (const struct gyr_alert_field *)(void *)a;
    atomic_init(&b->al.refs, 1);
    r = delivery_offer(d, &b->al);
    delivery_wake(d);
    alert_unref(&b->al);
    return r;
}

static struct delivery_stats end(struct delivery *d, uint64_t idle_ms)
{
    struct delivery_stats s;

    delivery_finish(d, idle_ms * MS);
    assert_int_equal(delivery_join(d), 0);
    delivery_stats(d, &s);
    delivery_free(d);
    return s;
}

static void got_all(uint64_t n)
{
    assert_int_equal(f.n, n);
    for (uint64_t i = 0; i < n; i++)
        assert_int_equal(f.got[i], i + 1);
}

/* Bounded: a test that waits for what never comes fails. */
static void wait_until(atomic_uint *what, unsigned n)
{
    for (int i = 0; i < 10000 && atomic_load(what) < n; i++)
        (void)usleep(1000);
    assert_true(atomic_load(what) >= n);
}

/* ---- tests ---- */

/* Also while the output hangs in a call, and what is written is synchronised then. */
static void test_ahead(void **state)
{
    const uint32_t need =
        (sizeof(struct record) + sizeof(struct block) - offsetof(struct block, al.a) + 7) & ~7u;
    const uint32_t in_file = (SEGMENT - 16) / need, n = 6 * in_file;
    struct delivery_stats s;
    struct delivery *d;
    unsigned before;

    (void)state;
    f.closed = true;
    d = start();
    wait_until(&made_by_others, 1);
    for (uint32_t i = 1; i <= n; i++) {
        assert_int_equal(offer(d, i), 0);
        if (i % in_file == in_file * 3 / 4) /* the next is being made, and is there in time */
            wait_until(&made_by_others, i / in_file + 2);
    }
    assert_int_equal(atomic_load(&made_by_raiser), 0);
    before = atomic_load(&syncs);
    assert_int_equal(offer(d, n + 1), 0);
    wait_until(&syncs, before + 1);
    fake_set(&f, false);
    s = end(d, 10000);
    assert_int_equal(s.delivered, n + 1);
    got_all(n + 1);
}

/* A burst that no thread can keep up with: all are taken all the same, in order. */
static void test_burst(void **state)
{
    (void)state;
    struct delivery *d = start();

    conf.wait = true;
    for (uint64_t i = 1; i <= GOT_MAX / 2; i++)
        while (offer(d, i) < 0)
            (void)usleep(1000);
    assert_int_equal(end(d, 10000).delivered, GOT_MAX / 2);
    got_all(GOT_MAX / 2);
}

static void *open_soon(void *arg)
{
    (void)usleep(100000);
    fake_set(&f, false);
    return arg;
}

/* Full: who raises alerts waits, or what is new is dropped, or what is old; all counted. */
static void test_full(void **state)
{
    static const enum spool_full policies[] = {SPOOL_FULL_WAIT, SPOOL_FULL_DROP_NEW,
                                               SPOOL_FULL_DROP_OLD};
    enum { N = 300 };

    (void)state;
    conf.spool.max_bytes = 2 * SEGMENT;
    for (unsigned p = 0; p < 3; p++) {
        uint64_t refused = 0, last = 0;
        struct delivery_stats s;
        struct delivery *d;
        pthread_t t;

        f.n = 0;
        f.closed = true;
        conf.spool.on_full = policies[p];
        d = start();
        if (p == 0)
            assert_int_equal(pthread_create(&t, NULL, open_soon, NULL), 0);
        for (uint64_t i = 1; i <= N; i++)
            refused += offer(d, i) < 0;
        fake_set(&f, false);
        s = end(d, 10000);
        if (p == 0)
            (void)pthread_join(t, NULL);
        assert_int_equal(s.delivered, f.n);
        assert_int_equal(s.delivered + s.dropped, N);
        assert_int_equal(s.queued, 0);
        assert_true(p == 0 ? s.dropped == 0 : s.dropped > 0);
        assert_int_equal(p == 1 ? s.dropped : 0, refused);
        for (uint32_t i = 0; i < f.n; i++) {
            assert_true(f.got[i] > last);
            last = f.got[i];
        }
        assert_true(p == 1 ? last < N : last == N);
    }
}

/* What an output did not take stays, and the next run sends it. */
static void test_left(void **state)
{
    struct delivery_stats s;
    struct delivery *d;

    (void)state;
    f.fails = true;
    d = start();
    for (uint64_t i = 1; i <= 200; i++)
        assert_int_equal(offer(d, i), 0);
    s = end(d, 50);
    assert_int_equal(s.queued, 200);
    assert_int_equal(s.dropped, 0);
    f.fails = false;
    d = start();
    assert_int_equal(offer(d, 201), 0);
    s = end(d, 10000);
    assert_int_equal(s.resumed, 200);
    assert_int_equal(s.delivered, 201);
    got_all(201);
}

/* A place that cannot be used, and then can: alerts go by way of the memory, then of the disk. */
static void test_opened_late(void **state)
{
    uint64_t words[3] = {0};
    struct delivery *d;
    char ack[100];
    FILE *file;
    int fd;

    (void)state;
    file = fopen(sub, "w");
    assert_non_null(file);
    (void)fclose(file);
    d = start();
    assert_int_equal(offer(d, 1), 0);
    assert_int_equal(unlink(sub), 0);
    wait_until(&made_by_others, 1);
    (void)snprintf(ack, sizeof(ack), "%s/ack", sub);
    fd = open(ack, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(offer(d, 2), 0);
    assert_int_equal(end(d, 10000).delivered, 2);
    got_all(2);
    assert_int_equal(read(fd, words, sizeof(words)), sizeof(words));
    assert_int_equal(words[1], 1); /* one was acknowledged there: the second */
    (void)close(fd);
}

/* More windows are open at the end than the queue has room for: each is closed all the same. */
static void test_windows(void **state)
{
    static const char *const by_rule[] = {NULL};
    enum { N = 20 };
    struct delivery_stats s;
    struct delivery *d;

    (void)state;
    conf.spool.dir = NULL;
    conf.capacity = 4;
    conf.wait = true;
    conf.noise = (struct noise_conf){.dedup = by_rule, .window_ns = 60000000000};
    d = start();
    for (uint64_t i = 1; i <= N; i++) {
        assert_int_equal(offer(d, i), 0);
        assert_int_equal(offer(d, i), 0);
    }
    s = end(d, 10000);
    assert_int_equal(s.suppressed, N);
    assert_int_equal(s.dropped, 0);
    assert_int_equal(s.delivered, 2 * N);
    /* an output that takes nothing: they are counted as given up */
    f.fails = true;
    d = start();
    for (uint64_t i = 1; i <= 3; i++)
        for (int k = 0; k < 2; k++)
            assert_int_equal(offer(d, i), 0);
    s = end(d, 20);
    assert_int_equal(s.accepted, 6);
    assert_int_equal(s.dropped, 6);
    assert_int_equal(s.queued, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ahead, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_burst, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_windows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_opened_late, set_up, tear_down),
    };

    log_set_level(LOG_L_ERROR - 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
