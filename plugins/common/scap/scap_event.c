/* SPDX-License-Identifier: Apache-2.0 */
#include "scap_event.h"

#include "scap_bits.h"
#include "scap_encode.h"

#include <errno.h>

enum {
    HEADER_LEN = 22, /* ts, tid, len, type; v2: nparams follows */
    LOSS_PARAMS = 3, /* of GYR_EV_LOSS */
    NATIVE_MAX = 512,
    CALLS_MAX = 1024,
};

/* Portable code of x86_64's native numbers: recorders older than a call wrote "unknown" and the
 * native number. */
static const uint16_t native_calls[NATIVE_MAX] = {
#define NATIVE(nr, code, exit_type) [nr] = (code),
#include "syscall/calls_x86_64.def"
#undef NATIVE
};

void scap_decoder_init(struct scap_decoder *d)
{
    memset(d, 0, sizeof(*d));
    scap_upgrader_init(&d->up);
}

void scap_decoder_free(struct scap_decoder *d)
{
    scap_upgrader_free(&d->up);
}

static int wrong(const char **ret, const char *what)
{
    *ret = what;
    return -EBADMSG;
}

/* Read the lengths of @p n parameters. @return their sum. */
static size_t read_lens(const uint8_t *lens, uint32_t n, unsigned width, struct scap_view *v)
{
    size_t sum = 0;

    if (width == 4) {
        for (uint32_t i = 0; i < n; i++)
            sum += v->par[i].len = scap_ld32(lens + (size_t)i * 4);
    } else {
        for (uint32_t i = 0; i < n; i++)
            sum += v->par[i].len = scap_ld16(lens + (size_t)i * 2);
    }
    return sum;
}

/* Old headers do not tell how many parameters there are: as many as make the event end where it
 * says it ends. */
static int count_params(const uint8_t *lens, size_t room, const struct gyr_event_type *t)
{
    for (int n = t->n_params; n >= 0; n--) {
        size_t need = (size_t)n * 2;

        if (need > room)
            continue;
        for (int i = 0; i < n; i++)
            need += scap_ld16(lens + (size_t)i * 2);
        if (need == room)
            return n;
        if (need < room)
            break;
    }
    return -1;
}

static void set_subtype(struct scap_view *v)
{
    const uint8_t *p = v->bulk ? v->bulk : v->par[0].p;
    uint32_t code;

    if (v->n < 1 || v->par[0].len != 2)
        return;
    code = scap_ld16(p);
    if (code == 0 && v->n > 1 && v->par[1].len == 2) {
        uint16_t native = scap_ld16(v->bulk ? p + 2 : v->par[1].p);

        code = native < NATIVE_MAX ? native_calls[native] : 0;
    }
    v->subtype = code;
}

static bool is_wanted(const struct scap_decoder *d, const struct scap_view *v)
{
    if (!d->filter)
        return true;
    if (!d->wanted[v->type])
        return false;
    return v->type != EV_GENERIC_X || v->subtype >= CALLS_MAX ||
           d->calls[v->subtype / 64] >> (v->subtype % 64) & 1;
}

static int finish(struct scap_decoder *d, struct scap_view *v)
{
    const struct gyr_event_type *t;
    int r;

    if (!scap_is_current(&d->up, v->type, v->n)) {
        r = scap_upgrade(&d->up, v);
        if (r <= 0)
            return r;
    }
    t = syscall_event_type(v->type);
    /* What an enter event says is in the exit event, too: it would be told twice. */
    if (!t || (t->traits & (T_ENTER | T_CALL)) == (T_ENTER | T_CALL))
        return 0;
    if (v->type == EV_GENERIC_X)
        set_subtype(v);
    if (!is_wanted(d, v))
        return 0;
    return 1;
}

/* An event's header and where its parameters lie. */
struct head {
    const struct gyr_event_type *t; /* NULL: a type we do not know */
    const uint8_t *lens;            /* lengths, then parameters */
    size_t room;                    /* bytes of both */
    uint32_t n;                     /* v2: number of parameters */
};

static int read_head(struct scap_event_layout layout, const uint8_t *body, size_t len,
                     struct scap_view *v, struct head *h, const char **ret_wrong)
{
    size_t front = layout.flags ? 6 : 2, size = HEADER_LEN + (layout.nparams ? 4 : 0);
    const uint8_t *ev = body + front;
    uint32_t ev_len, flags;

    if (len < front + size)
        return wrong(ret_wrong, "an event is too short for its header");
    v->cpu = scap_ld16(body);
    flags = layout.flags ? scap_ld32(body + 2) : 0;
    v->flags =
        (flags & SCAP_STATE_ONLY ? GYR_EVF_SNAPSHOT : 0) | (flags & SCAP_CUT ? GYR_EVF_CUT : 0);
    v->ts_ns = scap_ld64(ev);
    v->tid = (int64_t)scap_ld64(ev + 8);
    ev_len = scap_ld32(ev + 16);
    v->type = scap_ld16(ev + 20);
    v->subtype = 0;
    if (!layout.nparams && (v->type == EV_NOTIFICATION_E || v->type == EV_INFRASTRUCTURE_EVENT_E) &&
        ev_len >= 3)
        ev_len -= 3; /* their old recorder counted three bytes too many */
    if (ev_len < size || ev_len > len - front)
        return wrong(ret_wrong, "the length of an event does not fit its block");
    h->t = v->type < SCAP_TYPES ? syscall_event_type(v->type) : NULL;
    h->lens = ev + size;
    h->room = ev_len - size;
    h->n = layout.nparams ? scap_ld32(ev + HEADER_LEN) : 0;
    return 0;
}

/* Events of our own recorder, about the stream: as they were told to it. */
static int decode_own(struct scap_decoder *d, const struct head *h, unsigned width,
                      struct scap_view *v, const char **ret_wrong)
{
    const struct gyr_event_type *t = syscall_event_type(v->type);
    bool loss = v->type == GYR_EV_LOSS;
    uint32_t known = t ? t->n_params : loss ? LOSS_PARAMS : 0;

    if (!t && !loss && v->type != GYR_EV_SNAPSHOT_BEGIN && v->type != GYR_EV_SNAPSHOT_END) {
        d->unknown++;
        return 0;
    }
    if ((size_t)h->n * width > h->room)
        return wrong(ret_wrong, "an event has more parameters than bytes");
    v->flags = loss ? GYR_EVF_INTERNAL : GYR_EVF_SNAPSHOT;
    v->bulk = h->lens + (size_t)h->n * width;
    v->n = h->n < known ? h->n : known;
    if (read_lens(h->lens, v->n, width, v) > h->room - (size_t)h->n * width)
        return wrong(ret_wrong, "a parameter is longer than its event");
    return 1;
}

int scap_event_decode(struct scap_decoder *d, struct scap_event_layout layout, const uint8_t *body,
                      size_t len, struct scap_view *v, const char **ret_wrong)
{
    struct head h;
    unsigned width;
    int n = read_head(layout, body, len, v, &h, ret_wrong);

    if (n < 0)
        return n;
    if (layout.nparams && v->type >= SCAP_OWN_MIN)
        return decode_own(d, &h, layout.large ? 4 : 2, v, ret_wrong);
    if (!h.t || (h.t->traits & T_UNUSED)) {
        d->unknown++;
        return 0;
    }
    width = layout.nparams && (layout.large || (h.t->traits & T_LARGE)) ? 4 : 2;
    if (layout.nparams) {
        if ((size_t)h.n * width > h.room)
            return wrong(ret_wrong, "an event has more parameters than bytes");
        if (d->filter && !d->wanted[v->type] && scap_is_current(&d->up, v->type, h.n))
            return 0;
    } else {
        n = count_params(h.lens, h.room, h.t);
        if (n < 0)
            return wrong(ret_wrong, "the parameters of an event do not add up to its length");
        h.n = (uint32_t)n;
    }
    v->bulk = h.lens + (size_t)h.n * width;
    /* A newer recorder appended parameters that we do not know. */
    v->n = h.n < h.t->n_params ? h.n : h.t->n_params;
    if (read_lens(h.lens, v->n, width, v) > h.room - (size_t)h.n * width)
        return wrong(ret_wrong, "a parameter is longer than its event");
    return finish(d, v);
}
