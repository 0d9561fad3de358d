/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/segment.h"

#include "alert/crc32c.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct header {
    char magic[8];
    uint32_t layout, size;
};

enum { RECORD_MAGIC = 0x52795947 };
static const char MAGIC[8] = "GyrSpl1\n";

static int fail_errno(const char *path, int e, struct gyr_error *err)
{
    return gyr_fail(err, -e, "'%.300s': %s", path, strerror(e));
}

static struct segment *new_segment(const char *path, int fd, uint32_t size)
{
    struct segment *s = calloc(1, sizeof(*s));
    void *p;

    if (!s)
        return NULL;
    s->name = strdup(path);
    s->fd = -1;
    p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    s->p = p == MAP_FAILED ? NULL : p;
    s->size = size;
    s->end = s->at = sizeof(struct header);
    if (s->name && s->p)
        return s;
    segment_close(s);
    return NULL;
}

int segment_create(const char *path, uint32_t size, struct segment **ret, struct gyr_error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), e;
    struct header h = {.layout = BLOCK_LAYOUT, .size = size};
    struct segment *s = NULL;
    ssize_t n;

    if (fd < 0)
        return fail_errno(path, errno, err);
    memcpy(h.magic, MAGIC, sizeof(MAGIC));
    /* Room is taken now: an alert must not find that there is none. */
    e = posix_fallocate(fd, 0, size);
    if (e == 0) {
        n = pwrite(fd, &h, sizeof(h), 0);
        e = n < 0 ? errno : n < (ssize_t)sizeof(h) ? EIO : 0;
    }
    if (e == 0) {
        s = new_segment(path, fd, size);
        e = s ? 0 : ENOMEM;
    }
    if (e) {
        (void)unlink(path);
        (void)close(fd);
        return fail_errno(path, e, err);
    }
    s->fd = fd;
    *ret = s;
    return 0;
}

void segment_close(struct segment *s)
{
    if (!s)
        return;
    if (s->p)
        (void)munmap((void *)(uintptr_t)s->p, s->size);
    if (s->fd >= 0)
        (void)close(s->fd);
    free(s->name);
    free(s);
}

bool segment_fits(const struct segment *s, const struct alert *a)
{
    return a->len <= SEGMENT_RECORD_MAX && segment_need(a) <= s->size - s->end;
}

static uint32_t record_crc(const struct record *r, uint32_t payload_crc)
{
    const uint64_t words[] = {r->len, r->seq, r->base, r->since_ns};

    return crc32c(payload_crc, words, sizeof(words));
}

int segment_append(struct segment *s, const struct alert *a, uint32_t payload_crc, uint64_t seq,
                   uint64_t since_ns)
{
    struct record r = {.magic = RECORD_MAGIC,
                       .len = a->len,
                       .seq = seq,
                       .base = block_base(a),
                       .since_ns = since_ns};
    const struct iovec parts[] = {
        {.iov_base = &r, .iov_len = sizeof(r)},
        {.iov_base = (void *)(uintptr_t)block_bytes(a), .iov_len = a->len}};
    ssize_t n;

    r.crc = record_crc(&r, payload_crc);
    n = pwritev(s->fd, parts, 2, s->end);
    if (n != (ssize_t)(sizeof(r) + a->len))
        return n < 0 ? -errno : -ENOSPC;
    s->end += segment_need(a);
    s->left++;
    s->next_seq = seq + 1;
    return 0;
}

/* The record at @p at, whole and unharmed; NULL: there is none. */
static const struct record *record_at(const struct segment *s, uint32_t at)
{
    const struct record *r = (const struct record *)(const void *)(s->p + at);

    if (s->size - at < sizeof(*r) || r->magic != RECORD_MAGIC || r->len > s->size - at - sizeof(*r))
        return NULL;
    return record_crc(r, crc32c(0, r + 1, r->len)) == r->crc ? r : NULL;
}

static uint32_t past(uint32_t at, const struct record *r)
{
    return at + (uint32_t)((sizeof(*r) + r->len + 7) & ~7ull);
}

const struct record *segment_next(struct segment *s)
{
    const struct record *r = NULL;

    /* Behind damage the next record is found by its magic; records stand at multiples of eight. */
    while (s->at < s->end && !(r = record_at(s, s->at))) {
        s->damaged = true;
        s->at += 8;
    }
    if (r)
        s->at = past(s->at, r);
    return r;
}

/* Find the end, what is left, and damage: bytes that are no record and not the zeros of the end. */
static void scan(struct segment *s, uint64_t acked)
{
    uint32_t at = s->at, limit = s->size & ~7u;
    bool gap = false;

    while (limit - at >= 8) {
        const struct record *r = record_at(s, at);
        uint64_t word;

        if (!r) {
            memcpy(&word, s->p + at, sizeof(word));
            s->torn = s->torn || word;
            gap = true;
            at += 8;
            continue;
        }
        s->damaged = s->damaged || gap;
        s->torn = gap = false;
        at = past(at, r);
        at = at > limit ? limit : at;
        s->end = at;
        s->left += r->seq >= acked;
        s->next_seq = r->seq + 1;
    }
}

static bool is_blank(const struct segment *s)
{
    for (uint32_t i = 0; i < s->size; i++)
        if (s->p[i])
            return false;
    return true;
}

int segment_open(const char *path, uint64_t acked, struct segment **ret, struct gyr_error *err)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    const struct header *h;
    struct segment *s;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return fail_errno(path, errno, err);
    if (S_ISREG(st.st_mode) && st.st_size == 0)
        return -ENODATA;
    if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(*h) || st.st_size > SEGMENT_RECORD_MAX)
        return gyr_fail(err, -EBADMSG, "'%.300s' is no segment of a spool", path);
    s = new_segment(path, fd, (uint32_t)st.st_size);
    if (!s)
        return fail_errno(path, ENOMEM, err);
    h = (const struct header *)(const void *)s->p;
    if (is_blank(s)) {
        segment_close(s);
        return -ENODATA;
    }
    if (memcmp(h->magic, MAGIC, sizeof(MAGIC)) != 0 || h->layout != BLOCK_LAYOUT) {
        segment_close(s);
        return gyr_fail(err, -EBADMSG, "'%.300s' is no segment that this version can read", path);
    }
    s->damaged = h->size != s->size;
    scan(s, acked);
    s->synced = s->end;
    *ret = s;
    return 0;
}
