/* SPDX-License-Identifier: Apache-2.0 */
#include "detach.h"

#include <errno.h>
#include <gyr/util.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

struct detacher {
    pthread_mutex_t lock;
    pthread_cond_t more;
    pthread_t thread;
    bool runs, ends;
    uint32_t n;
    int links[DETACH_MAX];
    const void *keys[DETACH_MAX];
};

static int take(struct detacher *d, uint32_t i)
{
    int link = d->links[i];

    d->n--;
    d->links[i] = d->links[d->n];
    d->keys[i] = d->keys[d->n];
    return link;
}

static void *close_all(void *arg)
{
    struct detacher *d = arg;

    (void)pthread_mutex_lock(&d->lock);
    while (!d->ends) {
        int link;

        if (d->n == 0) {
            (void)pthread_cond_wait(&d->more, &d->lock);
            continue;
        }
        link = take(d, d->n - 1);
        (void)pthread_mutex_unlock(&d->lock);
        (void)close(link);
        (void)pthread_mutex_lock(&d->lock);
    }
    (void)pthread_mutex_unlock(&d->lock);
    return NULL;
}

int detacher_new(struct detacher **ret, struct gyr_error *err)
{
    struct detacher *d = calloc(1, sizeof(*d));

    if (!d)
        return gyr_fail(err, -ENOMEM, "no memory");
    (void)pthread_mutex_init(&d->lock, NULL);
    (void)pthread_cond_init(&d->more, NULL);
    *ret = d;
    return 0;
}

/* A ring that nothing is ever asked of: it takes the links over, and when it is closed the kernel
 * takes it apart in a thread of its own, the links with it. Where there is none, closing waits. */
static void leave_to_kernel(const int *links, uint32_t n)
{
    struct io_uring_params params = {0};
    long ring = n ? syscall(SYS_io_uring_setup, 1, &params) : -1;

    if (ring >= 0)
        (void)syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, links, n);
    for (uint32_t i = 0; i < n; i++)
        (void)close(links[i]);
    if (ring >= 0)
        (void)close((int)ring);
}

void detacher_free(struct detacher *d)
{
    if (!d)
        return;
    (void)pthread_mutex_lock(&d->lock);
    d->ends = true;
    (void)pthread_cond_signal(&d->more);
    (void)pthread_mutex_unlock(&d->lock);
    if (d->runs)
        (void)pthread_join(d->thread, NULL);
    leave_to_kernel(d->links, d->n);
    (void)pthread_cond_destroy(&d->more);
    (void)pthread_mutex_destroy(&d->lock);
    free(d);
}

void detacher_add(struct detacher *d, const void *key, int link)
{
    bool room;

    (void)pthread_mutex_lock(&d->lock);
    room = d->n < DETACH_MAX;
    if (room) {
        d->links[d->n] = link;
        d->keys[d->n++] = key;
    }
    (void)pthread_cond_signal(&d->more);
    (void)pthread_mutex_unlock(&d->lock);
    if (!room)
        (void)close(link);
}

void detacher_start(struct detacher *d)
{
    if (!d->runs)
        d->runs = pthread_create(&d->thread, NULL, close_all, d) == 0;
}

int detacher_take_back(struct detacher *d, const void *key)
{
    int link = -1;

    (void)pthread_mutex_lock(&d->lock);
    for (uint32_t i = 0; link < 0 && i < d->n; i++)
        if (d->keys[i] == key)
            link = take(d, i);
    (void)pthread_mutex_unlock(&d->lock);
    return link;
}
