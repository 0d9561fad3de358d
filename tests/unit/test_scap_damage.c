/* SPDX-License-Identifier: Apache-2.0 */
/* Captures that are damaged, cut short, of another kind; and packed or appended ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../lib/scap_build.h"
#include "scap/scap_reader.h"
#include <errno.h>
#include <zlib.h>
#include <zstd.h>

static const int64_t zero, three = 3;

/* Tables and events; where each block ends is in ends[]. */
enum { N_BLOCKS = 6 };

static void small(struct scap_build *b, size_t ends[N_BLOCKS])
{
    size_t n = 0;

    sb_section(b);
    ends[n++] = b->len;
    sb_block(b, 0x220);
    sb_entry(b);
    sb_num(b, 1, 1);
    sb_num(b, 1001, 4);
    sb_text(b, "wheel");
    sb_entry_end(b, 1);
    sb_block_end(b);
    ends[n++] = b->len;
    sb_block(b, 0x218);
    sb_num(b, 1, 8);
    sb_block_end(b);
    ends[n++] = b->len;
    for (uint64_t i = 1; i <= 3; i++) {
        sb_event(b, i, 1, EV_SYSCALL_CLOSE_X, SB_PARAMS(SB_VAR(zero), SB_VAR(three)));
        ends[n++] = b->len;
    }
}

static size_t count_events(const struct scap_events *e)
{
    size_t n = 0;

    for (size_t i = 0; i < e->n; i++)
        n += e->ev[i]->flags == 0;
    return n;
}

/* Cut after every byte: all before the cut is there, and a cut between two blocks is an end. */
static void cut_anywhere(void **state)
{
    struct scap_build b = {0};
    size_t ends[N_BLOCKS];

    (void)state;
    small(&b, ends);
    for (size_t cut = 0; cut <= b.len; cut++) {
        struct scap_events e;
        size_t whole = 0;
        char at[32];

        while (whole < N_BLOCKS && ends[whole] <= cut)
            whole++;
        scap_events_read(&e, b.p, cut);
        assert_int_equal(count_events(&e), whole > 3 ? whole - 3 : 0);
        if (cut > 0 && whole > 0 && ends[whole - 1] == cut) {
            assert_int_equal(e.end, GYR_E_EOF);
        } else {
            assert_int_equal(e.end, -EBADMSG);
            (void)snprintf(at, sizeof(at), "at byte %zu:", whole ? ends[whole - 1] : 0);
            if (!strstr(e.err.msg, at))
                fail_msg("cut at %zu: no '%s' in: %s", cut, at, e.err.msg);
        }
        scap_events_free(&e);
    }
    sb_free(&b);
}

/* Patch @p width bytes at @p at of the small capture; it must fail with @p code and say @p what. */
static void patched(size_t at, uint64_t v, size_t width, int code, const char *what)
{
    struct scap_build b = {0};
    struct scap_events e;
    size_t ends[N_BLOCKS];

    small(&b, ends);
    memcpy(b.p + at, &v, width);
    scap_events_read(&e, b.p, b.len);
    assert_int_equal(e.end, code);
    if (!strstr(e.err.msg, what))
        fail_msg("no '%s' in: %s", what, e.err.msg);
    scap_events_free(&e);
    sb_free(&b);
}

static void wrong_values(void **state)
{
    struct scap_build b = {0};
    size_t ends[N_BLOCKS], ev;

    (void)state;
    small(&b, ends);
    sb_free(&b);
    ev = ends[3]; /* the second event */
    patched(0, 0x12345678, 4, -EBADMSG, "not a capture");
    patched(8, 0x12345678, 4, -EBADMSG, "wrong magic number");
    patched(8, 0x4D3C2B1A, 4, -EPROTONOSUPPORT, "big-endian");
    patched(12, 2, 2, -EPROTONOSUPPORT, "version 2.2");
    patched(ev + 4, 4, 4, -EBADMSG, "impossible length 4");
    patched(ev + 4, 0xfffffff0, 4, -EBADMSG, "at most");
    patched(ev + 4, 60 << 20, 4, -EBADMSG, "ends within a block");
    patched(ends[4] - 4, 1, 4, -EBADMSG, "1 by its end");
    patched(ev + 8 + 2 + 16, 5, 4, -EBADMSG, "does not fit its block");
    patched(ev + 8 + 2 + 16, 5000, 4, -EBADMSG, "does not fit its block");
    patched(ev + 8 + 2 + 22, 5000, 4, -EBADMSG, "more parameters than bytes");
    patched(ev + 8 + 2 + 26, 5000, 2, -EBADMSG, "longer than its event");
    patched(ends[0] + 8, 500, 4, -EBADMSG, "longer than the list");
    patched(ends[0] + 8, 2, 4, -EBADMSG, "longer than the list");
    patched(ends[0] + 8 + 4 + 5, 500, 2, -EBADMSG, "cut short");
}

/* The message names the byte, and what was read before is delivered. */
static void where_it_is(void **state)
{
    struct scap_build b = {0};
    struct scap_events e;
    size_t ends[N_BLOCKS];
    char at[32];

    (void)state;
    small(&b, ends);
    b.p[ends[5] - 4] ^= 1;
    scap_events_read(&e, b.p, b.len);
    assert_int_equal(count_events(&e), 2);
    (void)snprintf(at, sizeof(at), "memory: at byte %zu:", ends[4]);
    assert_ptr_equal(strstr(e.err.msg, at), e.err.msg);
    scap_events_free(&e);
    sb_free(&b);
}

static void old_event_that_does_not_add_up(void **state)
{
    struct scap_build b = {0};
    struct scap_events e;

    (void)state;
    sb_section(&b);
    sb_event_as(&b, 0x204, 0, 1, 1, EV_SYSCALL_CLOSE_X,
                SB_PARAMS(SB_VAR(zero), {"abcdefghijkl", 12}));
    b.p[b.len - 4 - 20 - 4] = 1; /* the first length */
    scap_events_read(&e, b.p, b.len);
    assert_int_equal(e.end, -EBADMSG);
    assert_non_null(strstr(e.err.msg, "do not add up"));
    scap_events_free(&e);
    sb_free(&b);
}

static size_t pack_gzip(const struct scap_build *b, uint8_t *out, size_t cap)
{
    z_stream z = {0};

    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = b->p;
    z.avail_in = (unsigned)b->len;
    z.next_out = out;
    z.avail_out = (unsigned)cap;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    (void)deflateEnd(&z);
    return z.total_out;
}

static size_t pack_zstd(const struct scap_build *b, uint8_t *out, size_t cap)
{
    size_t n = ZSTD_compress(out, cap, b->p, b->len, 3);

    assert_false(ZSTD_isError(n));
    return n;
}

static size_t pack_none(const struct scap_build *b, uint8_t *out, size_t cap)
{
    assert_true(b->len <= cap);
    memcpy(out, b->p, b->len);
    return b->len;
}

typedef size_t (*pack_fn)(const struct scap_build *b, uint8_t *out, size_t cap);

/* All the ways to append one capture to another, but for packed after plain: a plain one has no
 * end of its own. */
static void packed_and_appended(void **state)
{
    static const pack_fn ways[][3] = {
        {pack_gzip, NULL, NULL},           {pack_zstd, NULL, NULL},
        {pack_none, pack_none, NULL},      {pack_gzip, pack_gzip, pack_gzip},
        {pack_zstd, pack_zstd, pack_none}, {pack_gzip, pack_zstd, pack_gzip},
    };
    struct scap_build b = {0};
    size_t ends[N_BLOCKS];

    (void)state;
    small(&b, ends);
    for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
        static uint8_t out[8192];
        struct scap_events e;
        size_t n = 0, parts = 0;

        for (; parts < 3 && ways[w][parts]; parts++)
            n += ways[w][parts](&b, out + n, sizeof(out) - n);
        scap_events_read(&e, out, n);
        if (e.end != GYR_E_EOF)
            fail_msg("way %zu: %s", w, e.err.msg);
        assert_int_equal(count_events(&e), 3 * parts);
        assert_int_equal(e.ev[e.n - 1]->num, 3 * parts);
        scap_events_free(&e);
    }
    sb_free(&b);
}

/* A packed capture cut anywhere gives a prefix of the events and an error. */
static void packed_and_cut(void **state)
{
    static const pack_fn packs[] = {pack_gzip, pack_zstd};
    struct scap_build b = {0};
    size_t ends[N_BLOCKS];

    (void)state;
    small(&b, ends);
    for (size_t p = 0; p < 2; p++) {
        static uint8_t out[8192];
        size_t n = packs[p](&b, out, sizeof(out));

        for (size_t cut = 0; cut < n; cut++) {
            struct scap_events e;

            scap_events_read(&e, out, cut);
            assert_int_equal(e.end, -EBADMSG);
            assert_true(count_events(&e) <= 3);
            assert_true(e.err.msg[0] != 0);
            scap_events_free(&e);
        }
    }
    sb_free(&b);
}

static void packed_and_damaged(void **state)
{
    static uint8_t out[8192];
    struct scap_build b = {0};
    struct scap_events e;
    size_t ends[N_BLOCKS], n;

    (void)state;
    small(&b, ends);
    n = pack_gzip(&b, out, sizeof(out));
    out[n - 6] ^= 0x55; /* the checksum: every byte has come by then */
    scap_events_read(&e, out, n);
    assert_int_equal(count_events(&e), 3);
    assert_int_equal(e.end, -EBADMSG);
    assert_non_null(strstr(e.err.msg, "of the uncompressed stream"));
    assert_non_null(strstr(e.err.msg, "gzip"));
    scap_events_free(&e);
    n = pack_gzip(&b, out, sizeof(out));
    memcpy(out + n, "garbage", 7);
    scap_events_read(&e, out, n + 7);
    assert_int_equal(count_events(&e), 3);
    assert_int_equal(e.end, -EBADMSG);
    assert_non_null(strstr(e.err.msg, "neither compressed nor a capture"));
    scap_events_free(&e);
    sb_free(&b);
}

/* A block larger than the first buffer, and records larger than a batch. */
static void large_blocks(void **state)
{
    static char text[3000000];
    struct scap_build b = {0};
    struct scap_events e;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    sb_section(&b);
    for (int i = 0; i < 3; i++)
        sb_event_as(&b, 0x221, 0, 1, 1, EV_CONTAINER_JSON_2_E, SB_PARAMS({text, sizeof(text)}));
    sb_event(&b, 2, 1, EV_SYSCALL_CLOSE_X, SB_PARAMS(SB_VAR(zero), SB_VAR(three)));
    scap_events_read(&e, b.p, b.len);
    assert_int_equal(e.end, GYR_E_EOF);
    assert_int_equal(count_events(&e), 4);
    assert_true(e.ev[4]->len > sizeof(text));
    scap_events_free(&e);
    sb_free(&b);
}

static void too_large_event(void **state)
{
    size_t n = 17 << 20;
    char *text = calloc(1, n);
    struct scap_build b = {0};
    struct scap_events e;

    (void)state;
    assert_non_null(text);
    sb_section(&b);
    sb_event_as(&b, 0x221, 0, 1, 1, EV_CONTAINER_JSON_2_E, SB_PARAMS({text, (uint32_t)n}));
    scap_events_read(&e, b.p, b.len);
    assert_int_equal(e.end, -EBADMSG);
    assert_non_null(strstr(e.err.msg, "at most"));
    scap_events_free(&e);
    sb_free(&b);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_anywhere),        cmocka_unit_test(wrong_values),
        cmocka_unit_test(where_it_is),         cmocka_unit_test(old_event_that_does_not_add_up),
        cmocka_unit_test(packed_and_appended), cmocka_unit_test(packed_and_cut),
        cmocka_unit_test(packed_and_damaged),  cmocka_unit_test(large_blocks),
        cmocka_unit_test(too_large_event),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
