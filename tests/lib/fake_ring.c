/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include <cmocka.h>
#include <gyr/event.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fake_ring_make(struct fake_ring *f)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = 2 * page + 2 * (size_t)FAKE_SIZE;

    *f = (struct fake_ring){.fd = memfd_create("ring", MFD_CLOEXEC), .page = page};
    assert_true(f->fd >= 0);
    assert_int_equal(ftruncate(f->fd, (off_t)bytes), 0);
    f->map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
    assert_ptr_not_equal(f->map, MAP_FAILED);
    memset(f->map + 2 * page, 0xee, 2 * (size_t)FAKE_SIZE);
}

void fake_ring_free(struct fake_ring *f)
{
    (void)munmap(f->map, 2 * f->page + 2 * (size_t)FAKE_SIZE);
    (void)close(f->fd);
}

struct ring_place fake_ring_place(const struct fake_ring *f)
{
    return (struct ring_place){.fd = f->fd, .size = FAKE_SIZE};
}

uint64_t fake_ring_taken(const struct fake_ring *f)
{
    uint64_t v;

    memcpy(&v, f->map, sizeof(v));
    return v;
}

void fake_ring_write(const struct fake_ring *f, uint64_t pos, const void *p, size_t n)
{
    uint8_t *data = f->map + 2 * f->page;

    for (size_t i = 0; i < n; i++) {
        size_t at = (pos + i) % FAKE_SIZE;

        data[at] = data[at + FAKE_SIZE] = ((const uint8_t *)p)[i];
    }
}

void fake_ring_head(const struct fake_ring *f, uint64_t pos, uint32_t len, int how)
{
    const uint32_t head[2] = {len | (how & FAKE_BUSY ? BPF_RINGBUF_BUSY_BIT : 0) |
                                  (how & FAKE_DISCARDED ? BPF_RINGBUF_DISCARD_BIT : 0),
                              0};

    fake_ring_write(f, pos, head, sizeof(head));
}

void fake_ring_set_made(struct fake_ring *f, uint64_t made)
{
    f->made = made;
    memcpy(f->map + f->page, &made, sizeof(made));
}

uint64_t fake_ring_put(struct fake_ring *f, uint64_t ts, uint32_t len, int how)
{
    struct gyr_event ev = {.len = len, .hdr_len = sizeof(ev), .ts_ns = ts, .num = f->made};
    uint64_t at = f->made;

    assert_true(len % 8 == 0 && len >= sizeof(ev));
    assert_true(at + len + 8 - fake_ring_taken(f) <= FAKE_SIZE); /* it would have been lost */
    fake_ring_head(f, at, len, how);
    fake_ring_write(f, at + 8, &ev, sizeof(ev));
    for (uint32_t i = sizeof(ev); i < len; i++) {
        uint8_t b = (uint8_t)(ts + i);

        fake_ring_write(f, at + 8 + i, &b, 1);
    }
    fake_ring_set_made(f, at + 8 + len);
    return at;
}

void fake_ring_is_whole(const struct gyr_event *ev)
{
    for (uint32_t i = sizeof(*ev); i < ev->len; i++)
        assert_int_equal(((const uint8_t *)ev)[i], (uint8_t)(ev->ts_ns + i));
}
