/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes read as a capture: they end, in an end or in an error, and every record is sound. */
#include "scap/scap_reader.h"

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
            : ev->type == GYR_EV_SNAPSHOT_BEGIN || ev->type == GYR_EV_SNAPSHOT_END);
    for (uint32_t i = 0; i <= ev->nparams; i++) {
        memcpy(&off, rec + ev->hdr_len + i * sizeof(off), sizeof(off));
        check(off >= last && off <= ev->len);
        last = off;
    }
}

static void read_all(struct scap_reader *r, const uint8_t *data, size_t size, bool filter)
{
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
    }
    check(n == GYR_E_EOF || err.msg[0]);
    scap_reader_free(r);
    scap_batch_free(&batch);
    scap_input_close(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scap_reader *r = calloc(1, sizeof(*r));

    if (!r)
        return 0;
    read_all(r, data, size, false);
    read_all(r, data, size, true);
    free(r);
    return 0;
}
