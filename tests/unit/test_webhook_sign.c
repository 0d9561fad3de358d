/* SPDX-License-Identifier: Apache-2.0 */
/* The output webhook's signature, checked with an HMAC-SHA256 (RFC 2104, FIPS 180-4) that is
 * nobody else's. */
#include "../lib/web_rig.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static uint32_t ror(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

/* The first 32 bits of the fractional part of the square or cube root of @p prime. */
static uint32_t root_bits(unsigned prime, unsigned degree)
{
    /* the largest x with (x / 2^36)^degree <= prime, by bisection */
    unsigned __int128 lo = 0, hi = (unsigned __int128)32 << 36;

    while (hi - lo > 1) {
        unsigned __int128 mid = (lo + hi) / 2, y = mid;
        bool above;

        for (unsigned i = 1; i < degree; i++)
            y = (y * mid) >> 36;
        above = y >= (unsigned __int128)prime << 36;
        if (above)
            hi = mid;
        else
            lo = mid;
    }
    return (uint32_t)(lo >> 4);
}

static void constants(uint32_t *h, uint32_t *k)
{
    unsigned n = 0;

    for (unsigned p = 2; n < 64; p++) {
        unsigned d = 2;

        while (d * d <= p && p % d)
            d++;
        if (d * d <= p)
            continue;
        if (n < 8)
            h[n] = root_bits(p, 2);
        k[n++] = root_bits(p, 3);
    }
}

static void block(uint32_t *h, const uint32_t *k, const uint8_t *p)
{
    uint32_t w[64], s[8];

    for (unsigned i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
               (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
    for (unsigned i = 16; i < 64; i++)
        w[i] = w[i - 16] + (ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] +
               (ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(s, h, sizeof(s));
    for (unsigned i = 0; i < 64; i++) {
        uint32_t t1 = s[7] + (ror(s[4], 6) ^ ror(s[4], 11) ^ ror(s[4], 25)) +
                      ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
        uint32_t t2 = (ror(s[0], 2) ^ ror(s[0], 13) ^ ror(s[0], 22)) +
                      ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));

        memmove(s + 1, s, 7 * sizeof(*s));
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (unsigned i = 0; i < 8; i++)
        h[i] += s[i];
}

static void sha256(const void *data, size_t n, uint8_t *ret)
{
    size_t room = (n + 9 + 63) / 64 * 64;
    uint8_t *p = calloc(1, room);
    uint32_t h[8], k[64];

    assert_non_null(p);
    constants(h, k);
    memcpy(p, data, n);
    p[n] = 0x80;
    for (unsigned i = 0; i < 8; i++)
        p[room - 1 - i] = (uint8_t)((uint64_t)n * 8 >> (8 * i));
    for (size_t at = 0; at < room; at += 64)
        block(h, k, p + at);
    for (unsigned i = 0; i < 32; i++)
        ret[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
    free(p);
}

/* As hexadecimal. @pre the key has at most 64 bytes. */
static void hmac(const char *key, const void *data, size_t n, char *ret)
{
    uint8_t *inner = calloc(1, 64 + n), outer[96] = {0};

    assert_non_null(inner);
    memcpy(inner, key, strlen(key));
    memcpy(outer, key, strlen(key));
    for (unsigned i = 0; i < 64; i++) {
        inner[i] ^= 0x36;
        outer[i] ^= 0x5c;
    }
    memcpy(inner + 64, data, n);
    sha256(inner, 64 + n, outer + 64);
    sha256(outer, 96, outer);
    for (unsigned i = 0; i < 32; i++)
        (void)snprintf(ret + 2 * (size_t)i, 3, "%02x", outer[i]);
    free(inner);
}

static void test_reference(void **state)
{
    char mac[65];

    (void)state;
    hmac("Jefe", "what do ya want for nothing?", 28, mac); /* RFC 4231, test case 2 */
    assert_string_equal(mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void check_signature(uint8_t gzip, const char *name)
{
    static struct web_rig r;
    const struct web_request *q;
    char want[7 + 65] = "sha256=";

    web_rig_init(&r, NULL);
    r.cfg.sign_key = "it's a secret";
    r.cfg.gzip = gzip;
    if (name)
        r.cfg.sign_header = name;
    assert_int_equal(web_rig_open(&r), 0);
    assert_int_equal(web_rig_write(&r, 1), 0);
    q = web_server_request(r.server, 0);
    hmac(r.cfg.sign_key, q->body, q->body_len, want + 7);
    assert_string_equal(web_header(q, name ? name : "X-Gyr-Signature-256"), want);
    web_rig_free(&r);
}

static void test_signature(void **state)
{
    (void)state;
    check_signature(0, NULL);
    check_signature(1, "X-Hub-Signature-256"); /* of the bytes as they were sent */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_signature),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
