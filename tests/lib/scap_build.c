/* SPDX-License-Identifier: Apache-2.0 */
#include "scap_build.h"

#include "scap/scap_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

void sb_free(struct scap_build *b)
{
    free(b->p);
    memset(b, 0, sizeof(*b));
}

void sb_bytes(struct scap_build *b, const void *p, size_t n)
{
    if (b->cap - b->len < n) {
        b->cap = (b->cap + n) * 2;
        b->p = must(realloc(b->p, b->cap));
    }
    if (n)
        memcpy(b->p + b->len, p, n);
    b->len += n;
}

void sb_num(struct scap_build *b, uint64_t v, size_t width)
{
    sb_bytes(b, &v, width);
}

void sb_text(struct scap_build *b, const char *s)
{
    sb_num(b, strlen(s), 2);
    sb_bytes(b, s, strlen(s));
}

static void put32(struct scap_build *b, size_t at, size_t v)
{
    uint32_t u = (uint32_t)v;

    memcpy(b->p + at, &u, sizeof(u));
}

void sb_block(struct scap_build *b, uint32_t type)
{
    b->block = b->len;
    sb_num(b, type, 4);
    sb_num(b, 0, 4);
}

void sb_block_end(struct scap_build *b)
{
    while ((b->len - b->block) % 4)
        sb_num(b, 0, 1);
    put32(b, b->block + 4, b->len - b->block + 4);
    sb_num(b, b->len - b->block + 4, 4);
}

void sb_entry(struct scap_build *b)
{
    b->entry = b->len;
    sb_num(b, 0, 4);
}

void sb_entry_end(struct scap_build *b, int inclusive)
{
    put32(b, b->entry, b->len - b->entry - (inclusive ? 0 : 4));
}

void sb_section(struct scap_build *b)
{
    sb_block(b, 0x0A0D0D0A);
    sb_num(b, 0x1A2B3C4D, 4);
    sb_num(b, 1, 2);
    sb_num(b, 2, 2);
    sb_num(b, UINT64_MAX, 8);
    sb_block_end(b);
}

void sb_event_as(struct scap_build *b, uint32_t block, uint32_t flags, uint64_t ts, int64_t tid,
                 uint16_t type, const struct sb_param *params, uint32_t n)
{
    int has_flags = block == 0x208 || block == 0x217 || block == 0x222;
    int large = block == 0x221 || block == 0x222;
    int v2 = large || block == 0x216 || block == 0x217;
    size_t len = 22 + (v2 ? 4 : 0) + (size_t)n * (large ? 4 : 2);

    for (uint32_t i = 0; i < n; i++)
        len += params[i].len;
    sb_block(b, block);
    sb_num(b, 1, 2);
    if (has_flags)
        sb_num(b, flags, 4);
    sb_num(b, ts, 8);
    sb_num(b, (uint64_t)tid, 8);
    sb_num(b, len, 4);
    sb_num(b, type, 2);
    if (v2)
        sb_num(b, n, 4);
    for (uint32_t i = 0; i < n; i++)
        sb_num(b, params[i].len, large ? 4 : 2);
    for (uint32_t i = 0; i < n; i++)
        sb_bytes(b, params[i].p, params[i].len);
    sb_block_end(b);
}

void sb_event(struct scap_build *b, uint64_t ts, int64_t tid, uint16_t type,
              const struct sb_param *params, uint32_t n)
{
    sb_event_as(b, 0x216, 0, ts, tid, type, params, n);
}

void scap_events_add(struct scap_events *e, const struct gyr_event *ev)
{
    if (e->n == e->cap) {
        e->cap = e->cap ? e->cap * 2 : 64;
        e->ev = must(realloc(e->ev, e->cap * sizeof(*e->ev)));
    }
    e->ev[e->n] = must(malloc(ev->len));
    memcpy(e->ev[e->n++], ev, ev->len);
}

void scap_events_read(struct scap_events *e, const void *p, size_t n)
{
    struct scap_reader *r = must(calloc(1, sizeof(*r)));
    struct scap_batch batch = {0};
    struct scap_input in;
    struct scap_stats stats;

    memset(e, 0, sizeof(*e));
    if (scap_input_open_mem(&in, p, n, &e->err) < 0)
        abort();
    scap_reader_init(r);
    scap_reader_input(r, &in);
    for (;;) {
        const struct gyr_event *ev;
        int ret = scap_reader_next(r, &batch, 0, &ev, &e->err);

        if (ret == -ENOBUFS) {
            batch.used = 0;
            continue;
        }
        if (ret < 0) {
            e->end = ret;
            break;
        }
        if (ret)
            scap_events_add(e, ev);
    }
    scap_reader_stats(r, &stats);
    e->unknown_events = stats.unknown_events;
    e->unknown_blocks = stats.unknown_blocks;
    scap_reader_free(r);
    scap_batch_free(&batch);
    scap_input_close(&in);
    free(r);
}

void scap_events_free(struct scap_events *e)
{
    for (size_t i = 0; i < e->n; i++)
        free(e->ev[i]);
    free(e->ev);
    memset(e, 0, sizeof(*e));
}

const struct gyr_event *scap_events_at(const struct scap_events *e, size_t k)
{
    for (size_t i = 0; i < e->n; i++)
        if (e->ev[i]->type < GYR_EV_CORE_MIN && k-- == 0)
            return e->ev[i];
    return NULL;
}

const char *shared_path(const char *name)
{
    static char path[512];
    const char *dir = getenv("GYR_SHARED");

    (void)snprintf(path, sizeof(path), "%s/%s", dir ? dir : "../shared", name);
    return access(path, R_OK) == 0 ? path : NULL;
}

uint8_t *slurp(const char *path, size_t *ret_len)
{
    gzFile f = must(gzopen(path, "rb"));
    size_t cap = 1 << 20, len = 0;
    uint8_t *p = must(malloc(cap));
    int n;

    while ((n = gzread(f, p + len, (unsigned)(cap - len))) > 0) {
        len += (size_t)n;
        if (len == cap)
            p = must(realloc(p, cap *= 2));
    }
    if (n < 0)
        abort();
    (void)gzclose(f);
    *ret_len = len;
    return p;
}
