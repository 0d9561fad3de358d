/* SPDX-License-Identifier: Apache-2.0 */
#include "scap_reader.h"

#include "scap_encode.h"

#include <errno.h>
#include <stdarg.h>

enum {
    HEAD_LEN = 8,
    TRAILER_LEN = 4,
    BLOCK_MIN = HEAD_LEN + TRAILER_LEN,
    SECTION_MIN = BLOCK_MIN + 16, /* magic, major, minor, length of the section */
    SECTION_HEADER = 0x0A0D0D0A,
    MAGIC = 0x1A2B3C4D,
    MAGIC_SWAPPED = 0x4D3C2B1A,
    MAJOR = 1,
    EVENT_BLOCK_MAX = GYR_EVENT_MAX - 4096, /* so that the record, with its offsets, fits, too */
};

void scap_reader_init(struct scap_reader *r)
{
    memset(r, 0, sizeof(*r));
    scap_decoder_init(&r->dec);
}

void scap_reader_free(struct scap_reader *r)
{
    scap_decoder_free(&r->dec);
}

void scap_reader_restart(struct scap_reader *r)
{
    scap_upgrader_free(&r->dec.up);
    scap_upgrader_init(&r->dec.up);
    r->dec.unknown = r->unknown_blocks = 0;
    r->num = r->last_ts = 0;
    r->section = 0;
    r->in_snapshot = r->end_due = r->begin_due = false;
    scap_reader_input(r, NULL);
}

void scap_reader_input(struct scap_reader *r, struct scap_input *in)
{
    r->in = in;
    r->block_len = 0;
    r->table.kind = SCAP_TABLE_NONE;
    r->in_section = r->view_ready = false;
}

void scap_reader_want(struct scap_reader *r, const struct gyr_want *w)
{
    struct scap_decoder *d = &r->dec;
    uint32_t words = sizeof(d->calls) / sizeof(d->calls[0]);

    d->filter = w != NULL;
    if (!w)
        return;
    for (uint32_t i = 0; i < SCAP_TYPES; i++) {
        const struct gyr_event_type *t = syscall_event_type((uint16_t)i);

        d->wanted[i] = (t && (t->flags & GYR_ETF_STATE)) ||
                       (i / 64 < w->n_type_words && (w->types[i / 64] >> (i % 64) & 1));
    }
    for (uint32_t i = 0; i < words; i++)
        d->calls[i] = i < w->n_subtype_words ? w->subtypes[i] : 0;
}

void scap_reader_stats(const struct scap_reader *r, struct scap_stats *ret)
{
    ret->events = r->num;
    ret->unknown_events = r->dec.unknown;
    ret->unknown_blocks = r->unknown_blocks;
    ret->lost_enters = r->dec.up.enters.lost;
}

/* A sentence that says where: "x.scap: at byte 96 of the uncompressed stream: …". */
__attribute__((format(printf, 5, 6))) static int fail_at(const struct scap_reader *r, int code,
                                                         uint64_t offset, struct gyr_error *err,
                                                         const char *fmt, ...)
{
    char what[320];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    return gyr_fail(err, code, "%s: at byte %llu%s: %s", r->in->name, (unsigned long long)offset,
                    r->in->packed ? " of the uncompressed stream" : "", what);
}

#define DAMAGED(r, ...) fail_at((r), -EBADMSG, (r)->in->offset, __VA_ARGS__)

/* Have @p need bytes of the block at the front. @return 1, 0: not yet; negative. */
static int need_block(struct scap_reader *r, size_t need, uint32_t timeout_ms,
                      struct gyr_error *err)
{
    struct scap_input *in = r->in;
    struct gyr_error why;
    int ret = scap_input_need(in, need, timeout_ms, &why);

    if (__builtin_expect(ret == 1, 1))
        return 1;
    if (ret == -EAGAIN)
        return 0;
    if (ret < 0)
        return fail_at(r, ret, in->offset + in->avail, err, "%s", why.msg);
    if (in->avail == 0)
        return GYR_E_EOF;
    if (need <= HEAD_LEN + 4)
        return DAMAGED(r, err,
                       "the capture ends within the header of a block (%zu bytes of it are there)",
                       in->avail);
    return DAMAGED(r, err,
                   "the capture ends within a block of type 0x%x: it is %zu bytes long, "
                   "and %zu are there",
                   scap_ld32(in->p), need, in->avail);
}

static int section_header(struct scap_reader *r, struct gyr_error *err)
{
    const uint8_t *p = r->in->p + HEAD_LEN;
    unsigned major;

    if (r->block_len < SECTION_MIN)
        return DAMAGED(r, err, "the section header is only %u bytes long", r->block_len);
    major = scap_ld16(p + 4);
    if (major != MAJOR)
        return fail_at(
            r, -EPROTONOSUPPORT, r->in->offset, err,
            "this is a capture of format version %u.%u, and only version %u is understood", major,
            scap_ld16(p + 6), MAJOR);
    r->in_section = true;
    r->section++;
    /* A capture appended to another one starts over: its tables are the state, what waited for
     * an exit event waits in vain. */
    r->end_due = r->in_snapshot;
    r->begin_due = r->in_snapshot = true;
    scap_enters_clear(&r->dec.up.enters);
    return 0;
}

/* The first bytes of a block: is this a capture, and one we can read? Told before its length is
 * looked at, which may be of the other byte order. */
static int check_section(struct scap_reader *r, struct gyr_error *err)
{
    uint32_t magic = scap_ld32(r->in->p + HEAD_LEN);

    if (magic == MAGIC_SWAPPED)
        return fail_at(
            r, -EPROTONOSUPPORT, r->in->offset, err,
            "the capture was recorded on a big-endian machine, and those cannot be read");
    if (magic != MAGIC)
        return DAMAGED(r, err, "the section header has the wrong magic number (0x%x)", magic);
    return 0;
}

/* Bring the next block to the front of the input, whole and with right lengths.
 * @return 1, 0: not yet; negative. */
static int next_block(struct scap_reader *r, uint32_t timeout_ms, struct gyr_error *err)
{
    struct scap_input *in = r->in;
    uint32_t type, len, trailer;
    int ret = need_block(r, HEAD_LEN + 4, timeout_ms, err);

    if (ret <= 0)
        return ret == GYR_E_EOF && !r->in_section
                   ? fail_at(r, -EBADMSG, 0, err, "the file is empty, not a capture")
                   : ret;
    type = scap_ld32(in->p);
    len = scap_ld32(in->p + 4);
    if (type == SECTION_HEADER)
        ret = check_section(r, err);
    else if (!r->in_section)
        ret = DAMAGED(r, err, "this is not a capture: it does not begin with a section header");
    if (ret < 0)
        return ret;
    if (len < BLOCK_MIN)
        return DAMAGED(r, err, "a block of type 0x%x has the impossible length %u", type, len);
    if (len > SCAP_BLOCK_MAX)
        return DAMAGED(r, err, "a block of type 0x%x is %u bytes long; at most %u are read", type,
                       len, SCAP_BLOCK_MAX);
    ret = need_block(r, len, timeout_ms, err);
    if (ret <= 0)
        return ret;
    trailer = scap_ld32(in->p + len - TRAILER_LEN);
    if (trailer != len)
        return DAMAGED(r, err,
                       "a block of type 0x%x is %u bytes long by its beginning and %u by its end",
                       type, len, trailer);
    r->block_type = type;
    r->block_len = len;
    return 1;
}

/* What kind of event block is it? */
static bool event_layout(uint32_t type, struct scap_event_layout *ret)
{
    switch (type) {
    case 0x216:
        *ret = (struct scap_event_layout){.nparams = true};
        return true;
    case 0x217:
        *ret = (struct scap_event_layout){.nparams = true, .flags = true};
        return true;
    case 0x221:
        *ret = (struct scap_event_layout){.nparams = true, .large = true};
        return true;
    case 0x222:
        *ret = (struct scap_event_layout){.nparams = true, .large = true, .flags = true};
        return true;
    case 0x204:
    case 0x8010ABCD:
        *ret = (struct scap_event_layout){.nparams = false};
        return true;
    case 0x208:
        *ret = (struct scap_event_layout){.flags = true};
        return true;
    default:
        return false;
    }
}

static void skip_block(struct scap_reader *r)
{
    scap_input_skip(r->in, r->block_len);
    r->block_len = 0;
}

/* The event of the block at the front. The block is left behind, but its bytes stay until more
 * is read, which is not before the view has been put into a batch. */
static int take_event(struct scap_reader *r, struct gyr_error *err)
{
    struct scap_view *v = &r->view;
    const char *wrong = "";
    int ret;

    if (r->block_len > EVENT_BLOCK_MAX)
        return DAMAGED(r, err, "an event is %u bytes long; at most %u are read", r->block_len,
                       (unsigned)EVENT_BLOCK_MAX);
    ret = scap_event_decode(&r->dec, r->layout, r->in->p + HEAD_LEN, r->block_len - BLOCK_MIN, v,
                            &wrong);
    r->num += v->type < SCAP_OWN_MIN && !(v->flags & GYR_EVF_SNAPSHOT);
    if (ret == -EBADMSG)
        return DAMAGED(r, err, "%s", wrong);
    if (ret < 0)
        return gyr_fail(err, ret, "%s: no memory", r->in->name);
    if (ret) {
        r->last_ts = v->ts_ns;
        v->num = v->flags & (GYR_EVF_SNAPSHOT | GYR_EVF_INTERNAL) ? 0 : r->num;
        r->view_ready = true;
    }
    skip_block(r);
    return 0;
}

/* Snapshot events have no time of their own: the last one known, so that time does not jump. */
static uint64_t snapshot_ts(const struct scap_reader *r)
{
    if (r->last_ts)
        return r->last_ts;
    return r->table.boot_ts ? r->table.boot_ts : 1;
}

static void bracket(struct scap_reader *r, uint16_t type)
{
    scap_view_start(&r->view, type, 0, GYR_EVF_SNAPSHOT);
    r->view.ts_ns = snapshot_ts(r);
    r->view_ready = true;
}

static int take_entry(struct scap_reader *r, struct gyr_error *err)
{
    const char *wrong = "";
    uint64_t at = r->in->offset + (uint64_t)(r->table.at.p - r->in->p);
    int ret = scap_table_next(&r->table, &r->view, &wrong);

    if (ret < 0)
        return fail_at(r, ret, at, err, "%s", wrong);
    if (ret) {
        r->view.ts_ns = snapshot_ts(r);
        r->view_ready = true;
        return 0;
    }
    r->table.kind = SCAP_TABLE_NONE;
    skip_block(r);
    return 0;
}

/* Our own recorder tells more of a process than its table can hold in events behind the tables:
 * they are of the snapshot, too. */
static bool is_of_snapshot(const struct scap_reader *r)
{
    size_t at = (r->layout.flags ? 6 : 2) + 20;
    unsigned type;

    if (r->block_len - BLOCK_MIN < at + 2)
        return false;
    type = scap_ld16(r->in->p + HEAD_LEN + at);
    return type >= SCAP_OWN_MIN && type < GYR_EV_CORE_MIN;
}

/* Look at a block that has just come. */
static int begin_block(struct scap_reader *r, struct gyr_error *err)
{
    unsigned version;
    enum scap_table_kind kind;
    int ret;

    if (event_layout(r->block_type, &r->layout)) {
        if (!r->in_snapshot || is_of_snapshot(r))
            return take_event(r, err);
        r->in_snapshot = false;
        r->end_due = true;
        return 0;
    }
    if (r->block_type == SECTION_HEADER) {
        ret = section_header(r, err);
        if (ret < 0)
            return ret;
        skip_block(r);
        return 0;
    }
    kind = scap_table_of(r->block_type, &version);
    if (kind == SCAP_TABLE_NONE) {
        r->unknown_blocks++;
        skip_block(r);
        return 0;
    }
    r->table.kind = kind;
    r->table.version = version;
    r->table.begun = false;
    r->table.at =
        (struct scap_cursor){r->in->p + HEAD_LEN, r->in->p + r->block_len - TRAILER_LEN, false};
    return 0;
}

/* One step towards an event. @return 1: go on; 0: not yet; negative. */
static int step(struct scap_reader *r, uint32_t timeout_ms, struct gyr_error *err)
{
    int ret;

    if (r->end_due) {
        r->end_due = false;
        bracket(r, GYR_EV_SNAPSHOT_END);
        return 1;
    }
    if (r->begin_due) {
        r->begin_due = false;
        bracket(r, GYR_EV_SNAPSHOT_BEGIN);
        return 1;
    }
    if (r->table.kind != SCAP_TABLE_NONE) {
        ret = take_entry(r, err);
        return ret < 0 ? ret : 1;
    }
    if (r->block_len == 0) {
        ret = next_block(r, timeout_ms, err);
        if (ret == GYR_E_EOF && r->in_snapshot) {
            r->in_snapshot = false;
            r->end_due = true;
            return 1;
        }
        if (ret <= 0)
            return ret;
    }
    ret = begin_block(r, err);
    return ret < 0 ? ret : 1;
}

int scap_reader_next(struct scap_reader *r, struct scap_batch *b, uint32_t timeout_ms,
                     const struct gyr_event **ret, struct gyr_error *err)
{
    int n;

    while (!r->view_ready) {
        n = step(r, timeout_ms, err);
        if (n <= 0)
            return n;
    }
    n = scap_batch_put(b, &r->view, ret);
    if (n == -ENOBUFS)
        return n;
    r->view_ready = false;
    if (n < 0)
        return fail_at(r, n, r->in->offset, err, "%s",
                       n == -EMSGSIZE ? "an event is too large" : "no memory for an event");
    return 1;
}
