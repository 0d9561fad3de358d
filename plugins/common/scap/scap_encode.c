/* SPDX-License-Identifier: Apache-2.0 */
#include "scap_encode.h"

#include "syscall/syscall.h"

#include <errno.h>

enum {
    SECTION = 0x0A0D0D0A,
    MAGIC = 0x1A2B3C4D,
    MAJOR = 1,
    MINOR = 2,
    EVENT = 0x216,
    EVENT_FLAGS = 0x217,
    EVENT_LARGE = 0x221,
    EVENT_FLAGS_LARGE = 0x222,
    HEADER_LEN = 26,                 /* ts, tid, len, type, nparams */
    BLOCK_MAX = GYR_EVENT_MAX - 8192 /* what our reader takes, and some */
};

int scap_encode_section(struct scap_bytes *b)
{
    size_t at = scap_block_begin(b, SECTION);

    scap_put_num(b, MAGIC, 4);
    scap_put_num(b, MAJOR, 2);
    scap_put_num(b, MINOR, 2);
    scap_put_num(b, UINT64_MAX, 8); /* length of the section: not known */
    return scap_block_end(b, at);
}

/* Do the lengths of parameters need 32 bits? */
static bool is_large(const struct gyr_event *ev)
{
    const struct gyr_event_type *t = syscall_event_type(ev->type);
    uint32_t len;

    if (t && (t->traits & T_LARGE))
        return true;
    for (uint32_t i = 0; i < ev->nparams; i++) {
        (void)gyr_param(ev, i, &len);
        if (len > UINT16_MAX)
            return true;
    }
    return false;
}

static void put_header(struct scap_bytes *b, const struct gyr_event *ev, uint32_t len)
{
    scap_put_num(b, ev->ts_ns, 8);
    scap_put_num(b, (uint64_t)ev->tid, 8);
    scap_put_num(b, len, 4);
    scap_put_num(b, ev->type, 2);
    scap_put_num(b, ev->nparams, 4);
}

static uint32_t flags_of(const struct gyr_event *ev, bool state_only)
{
    return (state_only || ev->flags & (GYR_EVF_SNAPSHOT | GYR_EVF_INTERNAL) ? SCAP_STATE_ONLY : 0) |
           (ev->flags & GYR_EVF_CUT ? SCAP_CUT : 0);
}

int scap_encode_event(struct scap_bytes *b, const struct gyr_event *ev, bool state_only)
{
    static const uint32_t types[2][2] = {{EVENT, EVENT_LARGE}, {EVENT_FLAGS, EVENT_FLAGS_LARGE}};
    bool large = is_large(ev);
    uint32_t flags = ev->type < SCAP_OWN_MIN ? flags_of(ev, state_only) : 0;
    size_t width = large ? 4 : 2, at;
    uint32_t len, sum = 0;
    const uint8_t *params = ev->nparams ? gyr_param(ev, 0, &len) : NULL;

    for (uint32_t i = 0; i < ev->nparams; i++) {
        (void)gyr_param(ev, i, &len);
        sum += len;
    }
    if (sum > BLOCK_MAX)
        return -EMSGSIZE;
    at = scap_block_begin(b, types[flags != 0][large]);
    scap_put_num(b, ev->cpu, 2);
    if (flags)
        scap_put_num(b, flags, 4);
    put_header(b, ev, (uint32_t)(HEADER_LEN + ev->nparams * width) + sum);
    for (uint32_t i = 0; i < ev->nparams; i++) {
        (void)gyr_param(ev, i, &len);
        scap_put_num(b, len, width);
    }
    scap_put(b, params, sum); /* one behind the other, as in the record */
    return scap_block_end(b, at);
}
