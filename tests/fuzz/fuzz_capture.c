/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes read as a capture: they end, in an end or in an error, and every record is sound. What
 * was read, written as a capture, reads as the same events. */
#include "scap/scap_encode.h"
#include "scap/scap_reader.h"
#include "scap/scap_writer.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

/* What the core would refuse must not come out of here. */
static void check_record(const struct gyr_event *ev)
{
    const uint8_t *rec = (const uint8_t *)ev;
    uint32_t off, last = ev->hdr_len + (ev->nparams + 1u) * (uint32_t)sizeof(off);
    const struct gyr_event_type *t = syscall_event_type(ev->type);

    check(((uintptr_t)ev & 7) == 0 && (ev->len & 7) == 0 && ev->len <= GYR_EVENT_MAX);
    check(ev->hdr_len == sizeof(*ev) && last <= ev->len);
    check(t ? ev->nparams <= t->n_params
            : ev->type == GYR_EV_SNAPSHOT_BEGIN || ev->type == GYR_EV_SNAPSHOT_END ||
                  (ev->type == GYR_EV_LOSS && ev->nparams <= 3));
    for (uint32_t i = 0; i <= ev->nparams; i++) {
        memcpy(&off, rec + ev->hdr_len + i * sizeof(off), sizeof(off));
        check(off >= last && off <= ev->len);
        last = off;
    }
}

/* What the events say, in their order. Snapshots are left out: tables hold less. */
static void add_to_sum(uint64_t *sum, const struct gyr_event *ev)
{
    const uint64_t head[] = {ev->type, ev->ts_ns,   (uint64_t)ev->tid,
                             ev->cpu,  ev->nparams, ev->subtype};
    uint32_t len;

    if (ev->type >= SCAP_OWN_MIN)
        return;
    for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
        *sum = (*sum ^ head[i]) * 0x100000001b3u;
    for (uint32_t i = 0; i < ev->nparams; i++) {
        const uint8_t *p = gyr_param(ev, i, &len);

        *sum = (*sum ^ len) * 0x100000001b3u;
        for (uint32_t k = 0; k < len; k++)
            *sum = (*sum ^ p[k]) * 0x100000001b3u;
    }
}

/* @param w where to write what is read; NULL: nowhere. @return a sum over the events. */
static uint64_t read_all(struct scap_reader *r, const uint8_t *data, size_t size, bool filter,
                         bool whole, struct scap_writer *w)
{
    uint64_t sum = 0;
    struct scap_batch batch = {0};
    struct gyr_error err = {0, ""};
    struct gyr_want want = {.size = sizeof(want)};
    struct scap_input in;
    const struct gyr_event *ev;
    int n;

    check(scap_input_open_mem(&in, data, size, &err) == 0);
    scap_reader_init(r);
    scap_reader_want(r, filter ? &want : NULL);
    scap_reader_input(r, &in);
    for (;;) {
        n = scap_reader_next(r, &batch, 0, &ev, &err);
        if (n == -ENOBUFS) {
            check(batch.used > 0);
            batch.used = 0;
            continue;
        }
        if (n < 0)
            break;
        check(n == 1); /* memory never makes us wait */
        check_record(ev);
        add_to_sum(&sum, ev);
        if (w)
            check(scap_writer_event(w, ev) == 0);
    }
    check(n == GYR_E_EOF || (err.msg[0] && !whole));
    scap_reader_free(r);
    scap_batch_free(&batch);
    scap_input_close(&in);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scap_reader *r = calloc(1, sizeof(*r));
    struct scap_writer w = {0};
    uint64_t sum;

    if (!r)
        return 0;
    (void)read_all(r, data, size, true, false, NULL);
    sum = read_all(r, data, size, false, false, &w);
    scap_writer_end(&w);
    if (w.lost == 0)
        check(read_all(r, w.out.p, w.out.len, false, true, NULL) == sum);
    scap_writer_free(&w);
    free(r);
    return 0;
}
