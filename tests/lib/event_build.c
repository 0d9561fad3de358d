/* SPDX-License-Identifier: Apache-2.0 */
#include "event_build.h"

#include <stdlib.h>

void event_build_begin(struct event_build *b, uint16_t type)
{
    memset(b, 0, sizeof(*b));
    b->ev.hdr_len = sizeof(struct gyr_event);
    b->ev.type = type;
    b->ev.tid = 1;
}

void event_build_add(struct event_build *b, const void *p, size_t n)
{
    if (b->ev.nparams == GYR_PARAMS_MAX || n > sizeof(b->params) - b->params_len)
        abort();
    if (n)
        memcpy(b->params + b->params_len, p, n);
    b->params_len += (uint32_t)n;
    b->off[++b->ev.nparams] = b->params_len;
}

void event_build_int(struct event_build *b, uint64_t v, size_t width)
{
    event_build_add(b, &v, width); /* little-endian machines only, as the tests' captures */
}

void event_build_str(struct event_build *b, const char *s)
{
    event_build_add(b, s, strlen(s) + 1);
}

struct gyr_event *event_build_end(struct event_build *b)
{
    uint32_t first = b->ev.hdr_len + (b->ev.nparams + 1u) * (uint32_t)sizeof(uint32_t);
    struct gyr_event *ev = (struct gyr_event *)(void *)b->bytes;

    b->ev.len = (first + b->params_len + 7) & ~7u;
    memcpy(b->bytes, &b->ev, sizeof(b->ev));
    for (uint32_t i = 0; i <= b->ev.nparams; i++) {
        uint32_t off = first + b->off[i];

        memcpy(b->bytes + b->ev.hdr_len + i * sizeof(off), &off, sizeof(off));
    }
    memcpy(b->bytes + first, b->params, b->params_len);
    return ev;
}
