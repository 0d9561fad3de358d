/* SPDX-License-Identifier: Apache-2.0 */
#include "ring.h"

#include <errno.h>
#include <gyr/util.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int ring_map(struct ring *g, int fd, size_t size, struct gyr_error *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *p;

    *g = (struct ring){.fd = fd, .size = size};
    p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return gyr_fail(err, -errno, "cannot map a ring: %s", strerror(errno));
    g->taken = p;
    p = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, fd, (off_t)page);
    if (p == MAP_FAILED)
        return gyr_fail(err, -errno, "cannot map a ring of %zu bytes: %s", size, strerror(errno));
    g->made = p;
    g->data = (const uint8_t *)p + page;
    g->pos = g->end = atomic_load(g->taken);
    return 0;
}

static void ring_unmap(struct ring *g)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    if (g->taken)
        (void)munmap((void *)g->taken, page);
    if (g->made)
        (void)munmap((void *)g->made, page + 2 * g->size);
}

int rings_init(struct rings *r, const int *fds, const size_t *sizes, uint32_t n,
               struct gyr_error *err)
{
    *r = (struct rings){.all = calloc(n, sizeof(*r->all)), .heap = calloc(n, sizeof(*r->heap))};
    if (!r->all || !r->heap) {
        rings_free(r);
        return gyr_fail(err, -ENOMEM, "no memory");
    }
    for (uint32_t i = 0; i < n; i++) {
        int e = ring_map(&r->all[i], fds[i], sizes[i], err);

        r->n = i + 1;
        if (e < 0) {
            rings_free(r);
            return e;
        }
    }
    return 0;
}

void rings_free(struct rings *r)
{
    for (uint32_t i = 0; i < r->n; i++)
        ring_unmap(&r->all[i]);
    free(r->all);
    free(r->heap);
    *r = (struct rings){0};
}

static size_t slot_size(uint32_t len)
{
    return ((size_t)len + BPF_RINGBUF_HDR_SZ + 7) & ~(size_t)7;
}

/* The record at the reader's position, if it is complete. */
static void ring_look(struct ring *g)
{
    g->head = NULL;
    while (g->pos < g->end) {
        const uint8_t *at = g->data + (g->pos & (g->size - 1));
        uint32_t len =
            atomic_load_explicit((const _Atomic uint32_t *)(const void *)at, memory_order_acquire);

        if (len & BPF_RINGBUF_BUSY_BIT)
            return;
        if (!(len & BPF_RINGBUF_DISCARD_BIT)) {
            g->head = (const struct gyr_event *)(const void *)(at + BPF_RINGBUF_HDR_SZ);
            return;
        }
        g->pos += slot_size(len & ~(uint32_t)BPF_RINGBUF_DISCARD_BIT);
    }
}

static void ring_refresh(struct ring *g)
{
    g->end = atomic_load_explicit(g->made, memory_order_acquire);
    if (!g->head)
        ring_look(g);
}

/* ---- a heap of rings, by the time of their heads ---- */

static uint64_t time_at(const struct rings *r, uint32_t i)
{
    return r->all[r->heap[i]].head->ts_ns;
}

static void sift_down(struct rings *r, uint32_t i)
{
    for (;;) {
        uint32_t least = i, child = 2 * i + 1, t;

        for (uint32_t k = child; k < child + 2 && k < r->n_heap; k++)
            if (time_at(r, k) < time_at(r, least))
                least = k;
        if (least == i)
            return;
        t = r->heap[i];
        r->heap[i] = r->heap[least];
        r->heap[least] = t;
        i = least;
    }
}

/* All positions are read before the first record is taken: what is made later is not older than
 * the horizon. */
static void gather(struct rings *r)
{
    r->n_heap = 0;
    for (uint32_t i = 0; i < r->n; i++) {
        ring_refresh(&r->all[i]);
        if (r->all[i].head)
            r->heap[r->n_heap++] = i;
    }
    for (uint32_t i = r->n_heap / 2; i-- > 0;)
        sift_down(r, i);
}

uint32_t rings_take(struct rings *r, uint64_t horizon_ns, const struct gyr_event **ev, uint32_t cap)
{
    uint32_t n = 0;

    gather(r);
    while (n < cap && r->n_heap) {
        struct ring *g = &r->all[r->heap[0]];

        if (g->head->ts_ns > horizon_ns)
            break;
        ev[n++] = g->head;
        g->pos += slot_size(g->head->len);
        ring_look(g);
        if (!g->head)
            r->heap[0] = r->heap[--r->n_heap];
        sift_down(r, 0);
    }
    return n;
}

void rings_release(struct rings *r)
{
    for (uint32_t i = 0; i < r->n; i++) {
        struct ring *g = &r->all[i];

        if (atomic_load_explicit(g->taken, memory_order_relaxed) != g->pos)
            atomic_store_explicit(g->taken, g->pos, memory_order_release);
    }
}

bool rings_any(struct rings *r)
{
    gather(r);
    return r->n_heap > 0;
}
