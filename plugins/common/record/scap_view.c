/* SPDX-License-Identifier: Apache-2.0 */
#include "scap_view.h"

#include <errno.h>
#include <stdlib.h>

void scap_view_start(struct scap_view *v, uint16_t type, uint32_t n, uint32_t flags)
{
    v->ts_ns = v->num = 0;
    v->tid = -1;
    v->subtype = 0;
    v->flags = flags;
    v->type = type;
    v->cpu = GYR_CPU_NONE;
    v->n = n;
    v->bulk = NULL;
    memset(v->par, 0, n * sizeof(v->par[0]));
}

void scap_view_uint(struct scap_view *v, uint32_t i, uint64_t value, uint32_t width)
{
    v->store[i] = value;
    v->par[i] = (struct scap_slice){(const uint8_t *)&v->store[i], width, 0};
}

void scap_view_text(struct scap_view *v, uint32_t i, const uint8_t *p, size_t len)
{
    v->par[i] = (struct scap_slice){p, (uint32_t)len, 1};
}

void scap_view_bytes(struct scap_view *v, uint32_t i, const uint8_t *p, size_t len)
{
    v->par[i] = (struct scap_slice){p, (uint32_t)len, 0};
}

void scap_view_split(struct scap_view *v)
{
    const uint8_t *p = v->bulk;

    if (!p)
        return;
    for (uint32_t i = 0; i < v->n; i++) {
        v->par[i].p = p;
        v->par[i].nul = 0;
        p += v->par[i].len;
    }
    v->bulk = NULL;
}

void scap_batch_free(struct scap_batch *b)
{
    free(b->base);
    memset(b, 0, sizeof(*b));
}

static int make_room(struct scap_batch *b, size_t size)
{
    size_t cap = size > SCAP_BATCH_BYTES ? size : SCAP_BATCH_BYTES;
    uint8_t *base;

    if (b->used > 0)
        return -ENOBUFS;
    /* Only an event that is larger than a whole batch gets here twice. */
    base = realloc(b->base, cap);
    if (!base)
        return -ENOMEM;
    b->base = base;
    b->cap = cap;
    return 0;
}

int scap_batch_put(struct scap_batch *b, const struct scap_view *v, const struct gyr_event **ret)
{
    size_t head = sizeof(struct gyr_event) + (v->n + 1) * sizeof(uint32_t);
    size_t size = head;
    struct gyr_event *ev;
    uint8_t *rec, *offs;
    uint32_t off = (uint32_t)head;
    int r;

    for (uint32_t i = 0; i < v->n; i++)
        size += (size_t)v->par[i].len + (v->bulk ? 0 : v->par[i].nul);
    if (size > GYR_EVENT_MAX - 8)
        return -EMSGSIZE;
    if (b->cap - b->used < size + 8 && (r = make_room(b, size + 8)) < 0)
        return r;
    rec = b->base + b->used;
    ev = (struct gyr_event *)(void *)rec;
    *ev = (struct gyr_event){
        .len = (uint32_t)((size + 7) & ~(size_t)7),
        .hdr_len = sizeof(struct gyr_event),
        .type = v->type,
        .ts_ns = v->ts_ns,
        .tid = v->tid,
        .num = v->num,
        .subtype = v->subtype,
        .flags = v->flags,
        .cpu = v->cpu,
        .nparams = (uint16_t)v->n,
    };
    offs = rec + sizeof(struct gyr_event);
    for (uint32_t i = 0; i < v->n; i++) {
        const struct scap_slice *s = &v->par[i];

        memcpy(offs + i * sizeof(off), &off, sizeof(off));
        if (!v->bulk) {
            if (s->len)
                memcpy(rec + off, s->p, s->len);
            if (s->nul)
                rec[off + s->len] = 0;
            off += s->nul;
        }
        off += s->len;
    }
    memcpy(offs + v->n * sizeof(off), &off, sizeof(off));
    if (v->bulk)
        memcpy(rec + head, v->bulk, size - head);
    memset(rec + size, 0, ev->len - size);
    b->used += ev->len;
    *ret = ev;
    return 0;
}
