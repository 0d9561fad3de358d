/* SPDX-License-Identifier: Apache-2.0 */
/* Sources and outputs: how often an output is woken, and an output that holds up the source. */
#include "../lib/pipe_rig.h"

#include "base/log.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

/* ---- wake-ups are counted: those by the source's thread ---- */

static atomic_uint wakeups;

int pthread_cond_signal(pthread_cond_t *c)
{
    static _Atomic(void *) real;
    void *f = atomic_load(&real);
    int (*call)(pthread_cond_t *);
    char name[16] = "";

    if (!f) {
        f = dlsym(RTLD_NEXT, "pthread_cond_signal");
        atomic_store(&real, f);
    }
    (void)pthread_getname_np(pthread_self(), name, sizeof(name));
    atomic_fetch_add(&wakeups, strcmp(name, "s/src") == 0);
    memcpy(&call, &f, sizeof(call));
    return call(c);
}

static struct pipe_rig r; /* too large for a stack */

static int setup(void **state)
{
    (void)state;
    pipe_init(&r);
    atomic_store(&wakeups, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pipe_free(&r);
    return 0;
}

static void two_outputs(void)
{
    r.outputs[1] = r.outputs[0];
    r.outputs[1].name = "two";
    r.config.n_outputs = 2;
}

static uint32_t seen_by(const char *output)
{
    uint32_t n = 0;

    (void)pthread_mutex_lock(&r.lock);
    for (uint32_t i = 0; i < r.n_seen; i++)
        n += strcmp(r.seen[i].output, output) == 0;
    (void)pthread_mutex_unlock(&r.lock);
    return n;
}

/* Every event raises an alert, slowly enough for an output to fall asleep in between. */
static void test_wakeups(void **state)
{
    enum { BATCHES = 10, OF_BATCH = 20 };

    (void)state;
    two_outputs();
    r.per_batch = OF_BATCH;
    r.nap_us = 1000;
    for (uint64_t i = 1; i <= BATCHES * OF_BATCH; i++)
        (void)pipe_event(&r, PT_TICK, i);
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(seen_by("one"), BATCHES * OF_BATCH);
    assert_int_equal(seen_by("two"), BATCHES * OF_BATCH);
    /* one for each batch and output; two more tell others that the source has ended */
    assert_in_range(atomic_load(&wakeups), 2, 2 * BATCHES + 2);
}

/* What the second output has of this batch it is told of, though the source waits for the first. */
static void test_waiting(void **state)
{
    uint32_t n;

    (void)state;
    two_outputs();
    r.outputs[0].queue = 1;
    r.down = "one";
    for (uint64_t i = 1; i <= 3; i++)
        (void)pipe_event(&r, PT_TICK, i);
    pipe_start(&r);
    (void)pipe_wait_seen(&r, 1);
    n = seen_by("two");
    (void)pthread_mutex_lock(&r.lock);
    r.down = NULL;
    (void)pthread_mutex_unlock(&r.lock);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(n, 1);
    assert_int_equal(seen_by("one"), 3);
    assert_int_equal(seen_by("two"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wakeups, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waiting, setup, teardown),
    };

    log_set_level(LOG_L_ERROR - 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
