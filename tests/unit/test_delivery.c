/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery to an output that does whatever a test wants: queue, retries, acks, the end. */
#include "base/fs.h"
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../lib/delivery_rig.h"

/* ---- tests ---- */

static void test_order(void **state)
{
    struct delivery_stats s;
    struct delivery *d;
    struct fake f;

    (void)state;
    fake_init(&f);
    d = start(&f, 16, true);
    offer_all(d, 1000);
    s = end(d, 1000);
    assert_int_equal(s.accepted, 1000);
    assert_int_equal(s.delivered, 1000);
    assert_int_equal(s.dropped, 0);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(f.got[i], i + 1);
    assert_int_equal(f.flushed, 1);
    delivery_free(d);
}

static void test_drop(void **state)
{
    struct delivery_stats s;
    struct delivery *d;
    struct fake f;
    int dropped = 0;

    (void)state;
    fake_init(&f);
    f.closed = true;
    d = start(&f, 4, false);
    for (uint64_t i = 1; i <= 10; i++)
        dropped += offer(d, i) == -ENOSPC;
    assert_int_equal(dropped, 6); /* those in write() still take their place */
    fake_open(&f);
    s = end(d, 1000);
    assert_int_equal(s.accepted, 4);
    assert_int_equal(s.delivered, 4);
    assert_int_equal(s.dropped, 6);
    assert_int_equal(f.got[3], 4);
    delivery_free(d);
}

static void *open_soon(void *f)
{
    (void)usleep(50000);
    fake_open(f);
    return NULL;
}

static void test_wait(void **state)
{
    uint64_t began = clock_ns();
    struct delivery_stats s;
    struct delivery *d;
    struct fake f;
    pthread_t t;

    (void)state;
    fake_init(&f);
    f.closed = true;
    d = start(&f, 4, true);
    assert_int_equal(pthread_create(&t, NULL, open_soon, &f), 0);
    offer_all(d, 10);
    assert_true(clock_ns() - began > 40 * MS);
    (void)pthread_join(t, NULL);
    s = end(d, 1000);
    assert_int_equal(s.delivered, 10);
    assert_int_equal(s.dropped, 0);
    delivery_free(d);
}

/* Whoever waits for room is let go when the time is up. */
static void test_wait_ends(void **state)
{
    struct delivery *d;
    struct fake f;

    (void)state;
    fake_init(&f);
    f.fail = true;
    d = start(&f, 1, true);
    assert_int_equal(offer(d, 1), 0);
    delivery_end_by(d, clock_ns() + 30 * MS);
    assert_int_equal(offer(d, 2), -ENOSPC);
    assert_int_equal(end(d, 1000).dropped, 2);
    delivery_free(d);
}

static void test_retry(void **state)
{
    struct delivery_stats s;
    struct delivery *d;
    struct fake f;

    (void)state;
    fake_init(&f);
    f.retry_first = 5;
    d = start(&f, 16, true);
    offer_all(d, 3);
    s = end(d, 2000);
    assert_int_equal(s.delivered, 3);
    assert_in_range(s.retried, 5, 15);
    assert_in_range(f.offers, 6, 8);
    assert_int_equal(f.attempt_max, 6);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(f.got[i], i + 1); /* the order stays */
    delivery_free(d);
}

/* Waits double: 5 retries from 2 ms up with at least half of each is at least 1+2+4+8+8. */
static void test_backoff(void **state)
{
    struct delivery *d;
    struct fake f;
    uint64_t began;

    (void)state;
    fake_init(&f);
    f.retry_first = 5;
    d = start(&f, 16, true);
    began = clock_ns();
    assert_int_equal(offer(d, 1), 0);
    (void)end(d, 2000);
    assert_true(f.times[0] - began >= 23 * MS);
    delivery_free(d);
}

static void test_retry_after(void **state)
{
    struct delivery *d;
    struct fake f;
    uint64_t began;

    (void)state;
    fake_init(&f);
    f.retry_first = 1;
    f.retry_after = 80 * MS;
    d = start(&f, 16, true);
    began = clock_ns();
    assert_int_equal(offer(d, 1), 0);
    wait_until(&f.n, &f, 1);
    assert_true(f.times[0] - began >= 80 * MS);
    assert_int_equal(f.offers, 2);
    (void)end(d, 1000);
    delivery_free(d);
}

/* A far side that stops in the middle of an offer gets the rest first, in order. */
static void test_cut(void **state)
{
    struct delivery_stats s;
    struct delivery *d;
    struct fake f;

    (void)state;
    fake_init(&f);
    f.at_most = 3;
    d = start(&f, 64, true);
    offer_all(d, 60);
    s = end(d, 2000);
    assert_int_equal(s.delivered, 60);
    assert_true(s.retried > 0);
    for (uint64_t i = 0; i < 60; i++)
        assert_int_equal(f.got[i], i + 1);
    delivery_free(d);
}

/* What is refused, put off for too long or left at the end is kept in a file. */
static void test_dead_letters(void **state)
{
    char dir[] = "/tmp/gyr-dead-XXXXXX", path[64], *text;
    struct delivery_conf conf = {.name = "fa\"ke",
                                 .ops = &ops,
                                 .capacity = 16,
                                 .notify_fd = -1,
                                 .backoff_min_ns = 2 * MS,
                                 .backoff_max_ns = 4 * MS,
                                 .dead_letters = path};
    struct gyr_error err;
    struct delivery_stats s;
    size_t len;
    int lines = 0;
    struct delivery *d;
    struct fake f;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/dead", dir);
    for (int round = 0; round < 3; round++) {
        fake_init(&f);
        f.verdict = round == 0 ? GYR_V_FAILED : GYR_V_ACCEPTED;
        f.fail = round > 0;
        conf.give_up_ns = round == 1 ? 20 * MS : 0;
        assert_int_equal(delivery_new(&conf, &d), 0);
        assert_int_equal(delivery_start(d, &f), 0);
        assert_int_equal(offer(d, 1), 0);
        assert_int_equal(offer(d, 2), 0);
        s = end(d, round == 2 ? 20 : 5000);
        assert_int_equal(s.failed, round < 2 ? 2 : 0);
        assert_int_equal(s.dropped, round < 2 ? 0 : 2);
        assert_int_equal(s.kept, 2);
        delivery_free(d);
    }
    assert_int_equal(read_file(path, 4096, &text, &len, &err), 0);
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, 6);
    assert_non_null(strstr(text, "\"reason\":\"refused for good\",\"attempts\":1,"));
    assert_non_null(strstr(text, "put off for too long: nobody there"));
    assert_non_null(strstr(text, "not delivered before the end: nobody there"));
    free(text);
    (void)unlink(path);
    /* a place that cannot be written to costs no alert its count */
    (void)rmdir(dir);
    fake_init(&f);
    f.verdict = GYR_V_FAILED;
    assert_int_equal(delivery_new(&conf, &d), 0);
    assert_int_equal(delivery_start(d, &f), 0);
    assert_int_equal(offer(d, 1), 0);
    s = end(d, 1000);
    assert_int_equal(s.failed, 1);
    assert_int_equal(s.kept, 0);
    delivery_free(d);
}

/* One alert that is never taken does not hold up the others. */
static void test_poison(void **state)
{
    struct delivery_stats s;
    struct delivery *d;
    struct fake f;

    (void)state;
    fake_init(&f);
    f.poison = 3;
    d = start(&f, 64, true);
    offer_all(d, 50);
    wait_until(&f.n, &f, 49);
    s = end(d, 50);
    assert_int_equal(s.delivered, 49);
    assert_int_equal(s.dropped, 1);
    assert_true(s.retried > 1);
    delivery_free(d);
}

static void test_failed(void **state)
{
    struct delivery_stats s;
    struct delivery *d;
    struct fake f;

    (void)state;
    fake_init(&f);
    f.verdict = GYR_V_FAILED;
    d = start(&f, 16, true);
    offer_all(d, 3);
    s = end(d, 1000);
    assert_int_equal(s.failed, 3);
    assert_int_equal(s.delivered, 0);
    assert_int_equal(s.retried, 0);
    assert_int_equal(s.dropped, 0);
    delivery_free(d);
}

static void test_later(void **state)
{
    struct delivery_stats s;
    struct delivery *d;
    struct fake f;

    (void)state;
    fake_init(&f);
    f.verdict = GYR_V_LATER;
    d = start(&f, 16, true);
    offer_all(d, 3);
    wait_until(&f.n_tokens, &f, 3);
    (void)usleep(5000);
    assert_int_equal(stats(d).queued, 3);
    delivery_ack(d, 0x123456789, GYR_V_ACCEPTED, 0); /* nobody's */
    delivery_ack(d, f.tokens[0], GYR_V_LATER, 0);    /* no verdict */
    delivery_ack(d, f.tokens[0], GYR_V_ACCEPTED, 0);
    delivery_ack(d, f.tokens[0], GYR_V_FAILED, 0); /* too late */
    delivery_ack(d, f.tokens[1], GYR_V_FAILED, 0);
    delivery_ack(d, f.tokens[2], GYR_V_RETRY, 0);
    wait_until(&f.n_tokens, &f, 4); /* offered again, with the same token */
    assert_int_equal(f.tokens[3], f.tokens[2]);
    (void)usleep(5000);
    delivery_ack(d, f.tokens[3], GYR_V_ACCEPTED, 0);
    s = end(d, 1000);
    assert_int_equal(s.delivered, 2);
    assert_int_equal(s.failed, 1);
    assert_int_equal(s.retried, 1);
    assert_int_equal(s.dropped, 0);
    delivery_free(d);
}

/* Put off by acks, one by one: they go again in their order, and nothing passes them. */
static void test_later_in_order(void **state)
{
    enum { N = 40, BEHIND = 10 };
    struct delivery *d;
    struct fake f;

    (void)state;
    fake_init(&f);
    f.verdict = GYR_V_LATER;
    d = start(&f, 64, true);
    for (int round = 0; round < 3;
         round++) { /* waits grow, and with them how far they are spread */
        uint32_t from = f.n_tokens;

        if (round == 0)
            offer_all(d, N);
        wait_until(&f.n_tokens, &f, from + N);
        (void)usleep(5000);
        if (round == 2) {
            (void)pthread_mutex_lock(&f.lock);
            f.verdict = GYR_V_ACCEPTED;
            (void)pthread_mutex_unlock(&f.lock);
        }
        for (uint32_t i = 0; i < N; i++)
            delivery_ack(d, f.tokens[from + i], GYR_V_RETRY, 0);
        for (uint64_t i = 1; round == 2 && i <= BEHIND; i++)
            assert_int_equal(offer(d, N + i), 0);
    }
    assert_int_equal(end(d, 2000).delivered, N + BEHIND);
    for (uint64_t i = 0; i < N + BEHIND; i++)
        assert_int_equal(f.got[i], i + 1);
    delivery_free(d);
}

/* The far side answers before write() has returned. */
static struct delivery *eager_delivery;

static int eager_write(void *self, const struct gyr_alert *const *alerts, uint32_t n,
                       struct gyr_verdict *v, struct gyr_error *err)
{
    (void)self;
    (void)err;
    for (uint32_t i = 0; i < n; i++) {
        delivery_ack(eager_delivery, alerts[i]->token, GYR_V_ACCEPTED, 0);
        v[i].verdict = GYR_V_LATER;
    }
    return 0;
}

static void test_eager_ack(void **state)
{
    static const struct gyr_output_ops eager = {.size = sizeof(eager), .write = eager_write};
    struct delivery_conf conf = {
        .name = "eager", .ops = &eager, .capacity = 8, .wait = true, .notify_fd = -1};

    (void)state;
    assert_int_equal(delivery_new(&conf, &eager_delivery), 0);
    assert_int_equal(delivery_start(eager_delivery, NULL), 0);
    offer_all(eager_delivery, 100);
    assert_int_equal(end(eager_delivery, 1000).delivered, 100);
    delivery_free(eager_delivery);
}

/* An ack that never comes: given up, and nothing leaks. */
static void test_never_acked(void **state)
{
    struct delivery_stats s;
    struct delivery *d;
    struct fake f;

    (void)state;
    fake_init(&f);
    f.verdict = GYR_V_LATER;
    d = start(&f, 16, true);
    assert_int_equal(offer(d, 1), 0);
    wait_until(&f.n_tokens, &f, 1);
    s = end(d, 20);
    assert_int_equal(s.dropped, 1);
    delivery_ack(d, f.tokens[0], GYR_V_ACCEPTED, 0);
    assert_int_equal(stats(d).delivered, 0);
    delivery_free(d);
}

static void test_isolation(void **state)
{
    struct delivery *slow, *quick;
    struct fake f, g;

    (void)state;
    fake_init(&f);
    fake_init(&g);
    f.closed = true;
    slow = start(&f, 64, false);
    quick = start(&g, 64, false);
    for (uint64_t i = 1; i <= 20; i++) {
        struct alert *a = an_alert(i); /* one block, both queues */

        assert_int_equal(delivery_offer(slow, a), 0);
        assert_int_equal(delivery_offer(quick, a), 0);
        alert_unref(a);
    }
    delivery_wake(slow);
    delivery_wake(quick);
    wait_until(&g.n, &g, 20);
    assert_int_equal(f.n, 0);
    fake_open(&f);
    assert_int_equal(end(slow, 1000).delivered, 20);
    assert_int_equal(end(quick, 1000).delivered, 20);
    delivery_free(slow);
    delivery_free(quick);
}

/* A dead output is given up after its patience, and no alert is unaccounted for. */
static void test_give_up(void **state)
{
    struct delivery_stats s;
    struct delivery *d;
    uint64_t began;
    struct fake f;

    (void)state;
    fake_init(&f);
    f.fail = true;
    d = start(&f, 64, true);
    offer_all(d, 20);
    began = clock_ns();
    s = end(d, 60);
    assert_in_range((clock_ns() - began) / MS, 50, 2000);
    assert_int_equal(s.dropped, 20);
    assert_int_equal(s.accepted, 20);
    assert_int_equal(offer(d, 21), -ENOSPC);
    delivery_free(d);
}

/* Slow, but moving: it may take longer than the patience. */
struct raiser {
    struct delivery *d;
    atomic_bool stop;
    uint64_t taken, refused;
};

static void *raise_on(void *arg)
{
    struct raiser *r = arg;

    for (uint64_t i = 1; !atomic_load(&r->stop); i++)
        *(offer(r->d, i) == 0 ? &r->taken : &r->refused) += 1;
    return NULL;
}

static void give_up_under_fire(const char *dead_letters)
{
    struct delivery_conf conf = {.name = "fake",
                                 .ops = &ops,
                                 .capacity = 256,
                                 .wait = true,
                                 .notify_fd = -1,
                                 .dead_letters = dead_letters};
    struct raiser r = {0};
    struct delivery_stats s;
    struct fake f;
    pthread_t t;

    fake_init(&f);
    f.fail = true;
    assert_int_equal(delivery_new(&conf, &r.d), 0);
    assert_int_equal(delivery_start(r.d, &f), 0);
    assert_int_equal(pthread_create(&t, NULL, raise_on, &r), 0);
    wait_until(&f.offers, &f, 1);
    delivery_end_by(r.d, clock_ns() + 20 * MS);
    assert_int_equal(delivery_join(r.d), 0);
    atomic_store(&r.stop, true);
    (void)pthread_join(t, NULL);
    s = stats(r.d);
    assert_int_equal(s.queued, 0);
    assert_int_equal(s.accepted, r.taken);
    assert_int_equal(s.dropped, r.taken + r.refused);
    assert_int_equal(s.kept, r.taken);
    delivery_free(r.d);
}

/* Alerts that come while what is left is being given up are not lost sight of. */
static void test_give_up_under_fire(void **state)
{
    char dir[] = "/tmp/gyr-fire-XXXXXX", path[64];

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/dead", dir);
    for (int round = 0; round < 10; round++)
        give_up_under_fire(path);
    (void)unlink(path);
    (void)rmdir(dir);
}

static void test_slow_flush(void **state)
{
    struct delivery *d;
    struct fake f;

    (void)state;
    fake_init(&f);
    f.verdict = GYR_V_LATER;
    d = start(&f, 64, true);
    offer_all(d, 8);
    wait_until(&f.n_tokens, &f, 8);
    delivery_finish(d, 150ull * MS);
    for (int i = 0; i < 8; i++) {
        (void)usleep(40000);
        delivery_ack(d, f.tokens[i], GYR_V_ACCEPTED, 0);
    }
    assert_int_equal(delivery_join(d), 0);
    assert_int_equal(stats(d).delivered, 8);
    assert_int_equal(stats(d).dropped, 0);
    delivery_free(d);
}

/* One that sits in write() is woken; one that does not hear it is left behind. */
static void test_hanging(void **state)
{
    struct delivery *d;
    static struct fake f, g; /* outlive the test: a thread is left with them */

    (void)state;
    fake_init(&f);
    f.closed = true;
    d = start(&f, 4, true);
    assert_int_equal(offer(d, 1), 0);
    wait_until(&f.offers, &f, 1);
    assert_int_equal(end(d, 20).delivered, 1);
    delivery_free(d);

    fake_init(&g);
    g.closed = g.deaf = true;
    d = start(&g, 4, true);
    assert_int_equal(offer(d, 1), 0);
    wait_until(&g.offers, &g, 1);
    delivery_finish(d, 20ull * MS);
    assert_int_equal(delivery_join(d), -ETIMEDOUT);
    fake_open(&g);
    wait_until(&g.n, &g, 1);
    for (int i = 0; i < 1000 && stats(d).queued; i++)
        (void)usleep(1000);
    (void)usleep(20000); /* the thread that was left behind has ended: what is its may go */
    delivery_free(d);
}

static void test_reopen(void **state)
{
    struct delivery *d;
    struct fake f;

    (void)state;
    fake_init(&f);
    d = start(&f, 4, true);
    delivery_reopen(d);
    wait_until(&f.reopened, &f, 1);
    (void)end(d, 100);
    delivery_free(d);
}

static void test_acked_in_flush(void **state)
{
    struct delivery_stats s;
    struct delivery *d;
    struct fake f;

    (void)state;
    fake_init(&f);
    f.verdict = GYR_V_LATER;
    d = start(&f, 16, true);
    f.ack_in_flush = d;
    offer_all(d, 5);
    wait_until(&f.n_tokens, &f, 5);
    s = end(d, 20);
    assert_int_equal(s.delivered, 5);
    assert_int_equal(s.dropped, 0);
    delivery_free(d);
}

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_L_ERROR - 1);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_wait),
        cmocka_unit_test(test_wait_ends),
        cmocka_unit_test(test_retry),
        cmocka_unit_test(test_backoff),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_dead_letters),
        cmocka_unit_test(test_poison),
        cmocka_unit_test(test_failed),
        cmocka_unit_test(test_later),
        cmocka_unit_test(test_eager_ack),
        cmocka_unit_test(test_never_acked),
        cmocka_unit_test(test_later_in_order),
        cmocka_unit_test(test_isolation),
        cmocka_unit_test(test_give_up),
        cmocka_unit_test(test_slow_flush),
        cmocka_unit_test(test_give_up_under_fire),
        cmocka_unit_test(test_hanging),
        cmocka_unit_test(test_reopen),
        cmocka_unit_test(test_acked_in_flush),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
