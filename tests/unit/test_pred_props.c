/* SPDX-License-Identifier: Apache-2.0 */
/* The fast ways against the plain ones, on random input. */
#include "base/cleanup.h"
#include "engine/glob.h"
#include "engine/pred_impl.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

static uint64_t seed = 88172645463325252u;

static uint32_t rnd(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 33) % n;
}

static size_t random_text(char *out, size_t max, const char *alphabet)
{
    size_t n = rnd((uint32_t)max + 1), k = strlen(alphabet);

    for (size_t i = 0; i < n; i++)
        out[i] = alphabet[rnd((uint32_t)k)];
    out[n] = '\0';
    return n;
}

/* The C library's fnmatch() is the definition. Where a bracket holds a backslash or a range runs
 * into a class, C libraries differ, and nobody writes such patterns: they are left out. */
static void globs_are_fnmatch(void **state)
{
    static const char *const alphabets[][2] = {
        {"ab*?", "ab"},      {"ab/.*?", "ab/."},   {"ab[]!-*", "ab-]"},
        {"a\\*?b", "a*b\\"}, {"aB*?[]^", "abAB^"}, {"xyz*", "xyz"},
    };
    char pat[16], text[24];
    int hits = 0;

    (void)state;
    for (int i = 0; i < 600000; i++) {
        const char *const *al = alphabets[rnd(ARRAY_LEN(alphabets))];
        size_t pn = random_text(pat, 8, al[0]), n = random_text(text, 10, al[1]);
        bool icase = rnd(2), want = fnmatch(pat, text, icase ? FNM_CASEFOLD : 0) == 0;

        if (glob_match(pat, pn, text, n, icase) != want)
            fail_msg("pattern '%s' text '%s' icase %d: fnmatch says %d", pat, text, icase, want);
        hits += want;
    }
    assert_true(hits > 20000);
}

static void glob_classes_are_fnmatch(void **state)
{
    static const char *const names[] = {"alpha", "digit",  "alnum", "upper", "lower",
                                        "space", "blank",  "punct", "print", "graph",
                                        "cntrl", "xdigit", "nosuch"};
    char pat[32], text[2] = "";

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        for (int c = 1; c < 128; c++)
            for (int negate = 0; negate < 2; negate++) {
                int n = snprintf(pat, sizeof(pat), "[%s[:%s:]]", negate ? "!" : "", names[i]);

                text[0] = (char)c;
                if (glob_match(pat, (size_t)n, text, 1, false) != (fnmatch(pat, text, 0) == 0))
                    fail_msg("%s on %d", pat, c);
            }
}

/* Patterns that make a recursive matcher run for ages. */
static void globs_stay_fast(void **state)
{
    static char text[20001], pat[201];
    clock_t begin = clock();

    (void)state;
    memset(text, 'a', 20000);
    for (int i = 0; i < 200; i += 2)
        memcpy(pat + i, "a*", 2);
    pat[199] = 'b';
    for (int i = 0; i < 10; i++)
        assert_false(glob_match(pat, 200, text, 20000, i & 1));
    assert_true(clock() - begin < 5 * CLOCKS_PER_SEC);
}

static void string_sets_are_loops(void **state)
{
    static char room[500][12];
    struct gyr_value v[500];

    (void)state;
    for (int round = 0; round < 200; round++) {
        struct arena *a = arena_new(1 << 20);
        uint32_t n = 1 + rnd(round % 2 ? 8 : 499);
        struct str_set *s;

        assert_non_null(a);
        for (uint32_t i = 0; i < n; i++)
            v[i] = gyr_str(room[i], random_text(room[i], 10, "abc/"));
        s = str_set_new(a, v, n);
        assert_non_null(s);
        for (uint32_t i = 0; i < n; i++)
            assert_true(str_set_has(s, v[i].u.ptr, v[i].len));
        for (int i = 0; i < 500; i++) {
            char text[12];
            uint32_t len = (uint32_t)random_text(text, 8, "abcd/");
            bool want = false;

            for (uint32_t k = 0; k < n; k++)
                want |= v[k].len == len && memcmp(v[k].u.ptr, text, len) == 0;
            assert_int_equal(str_set_has(s, text, len), want);
        }
        arena_free(a);
    }
}

static void number_sets_are_loops(void **state)
{
    struct gyr_value v[300];

    (void)state;
    for (int round = 0; round < 300; round++) {
        struct arena *a = arena_new(1 << 20);
        uint32_t n = 1 + rnd(round % 3 ? 20 : 299), span = round % 2 ? 400 : 4000000;
        uint64_t base = rnd(3) * (UINT64_MAX / 2);
        struct num_set *s;

        assert_non_null(a);
        for (uint32_t i = 0; i < n; i++)
            v[i] = gyr_num(GYR_T_U64, base + rnd(span));
        s = num_set_new(a, v, n);
        assert_non_null(s);
        for (int i = 0; i < 1000; i++) {
            uint64_t x = i < (int)n ? v[i].u.u64 + (i & 1) : base + rnd(span) - 5;
            bool want = false;

            for (uint32_t k = 0; k < n; k++)
                want |= v[k].u.u64 == x;
            assert_int_equal(num_set_has(s, x), want);
        }
        arena_free(a);
    }
}

/* Components, one by one, against every pattern. */
static bool plain_prefix(const char *pat, const char *path)
{
    for (;;) {
        char p[16], c[16];
        size_t pn, cn;

        pat += strspn(pat, "/");
        path += strspn(path, "/");
        if (!*pat)
            return true;
        if (!*path)
            return false;
        pn = strcspn(pat, "/");
        cn = strcspn(path, "/");
        memcpy(p, pat, pn);
        memcpy(c, path, cn);
        p[pn] = c[cn] = '\0';
        if (fnmatch(p, c, 0) != 0)
            return false;
        pat += pn;
        path += cn;
    }
}

static void path_tries_are_loops(void **state)
{
    static char room[40][16];
    struct gyr_value v[40];
    uint32_t hits = 0;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct arena *a = arena_new(1 << 20);
        uint32_t n = rnd(40);
        struct path_trie *t;
        struct gyr_error err;

        assert_non_null(a);
        for (uint32_t i = 0; i < n; i++)
            v[i] = gyr_str(room[i], random_text(room[i], 9, rnd(3) ? "ab/" : "ab/*?"));
        assert_int_equal(path_trie_new(a, v, n, &t, &err), 0);
        for (int i = 0; i < 50; i++) {
            char path[16];
            size_t len = random_text(path, 12, "abc//");
            struct gyr_value text = gyr_str(path, len);
            bool want = false;

            for (uint32_t k = 0; k < n; k++) {
                bool one = plain_prefix(room[k], path);

                assert_int_equal(cmp_pmatch(&text, &v[k]), one);
                want |= one;
            }
            assert_int_equal(path_trie_match(t, path, (uint32_t)len), want);
            hits += want;
        }
        arena_free(a);
    }
    assert_true(hits > 1000 && hits < 99000);
}

static void deep_paths_are_refused(void **state)
{
    struct arena *a = arena_new(16 << 20);
    static char deep[4000];
    struct gyr_value v;
    struct path_trie *t;
    struct gyr_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(deep); i += 2)
        memcpy(deep + i, "/*", 2);
    v = gyr_str(deep, 2048);
    assert_int_equal(path_trie_new(a, &v, 1, &t, &err), 0);
    assert_true(path_trie_match(t, deep, sizeof(deep)));
    assert_false(path_trie_match(t, deep, 2046));
    v.len = 2050;
    assert_int_equal(path_trie_new(a, &v, 1, &t, &err), -EINVAL);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(globs_are_fnmatch),      cmocka_unit_test(glob_classes_are_fnmatch),
        cmocka_unit_test(globs_stay_fast),        cmocka_unit_test(string_sets_are_loops),
        cmocka_unit_test(number_sets_are_loops),  cmocka_unit_test(path_tries_are_loops),
        cmocka_unit_test(deep_paths_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
