/* SPDX-License-Identifier: Apache-2.0 */
#include "ring.h"

#include <errno.h>
#include <gyr/util.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAIRS_MAX = 16 };

uint32_t rings_pairs(uint32_t n_cpus, uint32_t *per)
{
    if (*per == 0)
        *per = (n_cpus + PAIRS_MAX - 1) / PAIRS_MAX;
    return (n_cpus + *per - 1) / *per;
}

void rings_assign(uint32_t pairs, uint32_t per, uint16_t *ret)
{
    for (uint32_t cpu = 0; cpu < PROBE_CPUS; cpu++)
        ret[cpu] = (uint16_t)(cpu / per % pairs);
}

size_t rings_bytes(uint64_t wanted)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);

    while (size < wanted)
        size *= 2;
    return size;
}

static int ring_map(struct ring *g, const struct ring_place *place, struct gyr_error *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = place->size;
    void *p;

    *g = (struct ring){.size = size};
    p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, place->fd, (off_t)place->at);
    if (p == MAP_FAILED)
        return gyr_fail(err, -errno, "cannot map a ring: %s", strerror(errno));
    g->taken = p;
    p = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, place->fd, (off_t)(place->at + page));
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

int rings_init(struct rings *r, const struct ring_place *places, uint32_t n, struct gyr_error *err)
{
    *r = (struct rings){.all = calloc(n, sizeof(*r->all)), .heap = calloc(n, sizeof(*r->heap))};
    if (!r->all || !r->heap) {
        rings_free(r);
        return gyr_fail(err, -ENOMEM, "no memory");
    }
    for (uint32_t i = 0; i < n; i++) {
        int e = ring_map(&r->all[i], &places[i], err);

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
    while (g->pos != g->end) {
        const uint8_t *at = g->data + (g->pos & (g->size - 1));
        uint64_t left = g->end - g->pos; /* of a position behind us: much */
        uint32_t head =
            atomic_load_explicit((const _Atomic uint32_t *)(const void *)at, memory_order_acquire);
        uint32_t len = head & ~(uint32_t)(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
        const struct gyr_event *ev;

        g->damaged = left > g->size || slot_size(len) > left;
        if (g->damaged || head & BPF_RINGBUF_BUSY_BIT)
            return;
        g->next = g->pos + slot_size(len);
        if (!(head & BPF_RINGBUF_DISCARD_BIT)) {
            ev = (const struct gyr_event *)(const void *)(at + BPF_RINGBUF_HDR_SZ);
            g->damaged = len < sizeof(*ev) || ev->len != len;
            g->head = g->damaged ? NULL : ev;
            return;
        }
        g->pos = g->next;
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
 * the horizon. @return whether all is well. */
static bool gather(struct rings *r)
{
    bool damaged = false;

    r->n_heap = 0;
    for (uint32_t i = 0; i < r->n; i++) {
        ring_refresh(&r->all[i]);
        damaged |= r->all[i].damaged;
        if (r->all[i].head)
            r->heap[r->n_heap++] = i;
    }
    for (uint32_t i = r->n_heap / 2; i-- > 0;)
        sift_down(r, i);
    return !damaged;
}

int rings_take(struct rings *r, uint64_t horizon_ns, const struct gyr_event **ev, uint32_t cap)
{
    uint32_t n = 0;

    if (!gather(r))
        return -EBADMSG;
    while (n < cap && r->n_heap) {
        struct ring *g = &r->all[r->heap[0]];

        if (g->head->ts_ns > horizon_ns)
            break;
        ev[n++] = g->head;
        g->pos = g->next;
        ring_look(g);
        if (!g->head)
            r->heap[0] = r->heap[--r->n_heap];
        sift_down(r, 0);
    }
    return (int)n;
}

void rings_release(struct rings *r)
{
    for (uint32_t i = 0; i < r->n; i++) {
        struct ring *g = &r->all[i];

        if (atomic_load_explicit(g->taken, memory_order_relaxed) != g->pos)
            atomic_store_explicit(g->taken, g->pos, memory_order_release);
    }
}

void rings_skip(struct rings *r)
{
    for (uint32_t i = 0; i < r->n; i++) {
        struct ring *g = &r->all[i];

        g->pos = g->end = atomic_load_explicit(g->made, memory_order_acquire);
        g->head = NULL;
    }
    rings_release(r);
}

bool rings_any(struct rings *r)
{
    return !gather(r) || r->n_heap > 0;
}
