/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/index.h"

#include "base/cleanup.h"

#include <gyr/util.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Random constants against random texts: an index must name the groups that a plain comparison
 * names, and no others. */

enum { ROUNDS = 400, KEYS = 90, TEXTS = 60, KEY_MAX = 40, TEXT_MAX = 64 };

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint32_t rnd(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % n;
}

/* Few letters, so that much is alike. Paths have no slash at either end and none doubled. */
static uint32_t random_text(char *p, uint32_t max, bool path)
{
    uint32_t n = rnd(max + 1);

    for (uint32_t i = 0; i < n; i++) {
        bool may_end = !path || (i && i + 1 < n && p[i - 1] != '/');

        p[i] = may_end && rnd(4) == 0 ? '/' : "ab"[rnd(2)];
    }
    return n;
}

static bool holds(const struct index_key *k, const char *s, uint32_t n)
{
    if (k->len > n)
        return false;
    switch (k->form) {
    case FORM_EQUAL:
        return k->len == n && memcmp(s, k->key, n) == 0;
    case FORM_PREFIX:
        return memcmp(s, k->key, k->len) == 0;
    case FORM_SUFFIX:
        return memcmp(s + n - k->len, k->key, k->len) == 0;
    case FORM_PATH:
        return memcmp(s, k->key, k->len) == 0 && (n == k->len || s[k->len] == '/');
    default:
        return memmem(s, n, k->key, k->len) != NULL;
    }
}

struct world {
    char text[KEYS][KEY_MAX];
    struct index_key made[KEYS], keys[KEYS]; /* as they were, and in the index's order */
    uint32_t first[KEYS + 1], pos[KEYS];
    struct prog_index index;
    struct arena *arena;
};

/* Each key is a group of its own, and that of one rule. */
static void make(struct world *w, uint32_t form)
{
    struct index_groups g = {.n = KEYS, .first = w->first, .pos = w->pos};
    uint32_t longest = 2 + rnd(KEY_MAX - 2);

    for (uint32_t i = 0; i < KEYS; i++) {
        uint32_t f = form == FORM_MAX_ ? rnd(FORM_MAX_) : form;
        uint32_t n = random_text(w->text[i], longest, f == FORM_PATH);

        if (!n && (f == FORM_PATH || f == FORM_PART))
            w->text[i][n++] = 'a';
        w->made[i] = (struct index_key){.key = w->text[i], .len = n, .form = f, .group = i};
        w->first[i] = w->pos[i] = i;
    }
    w->first[KEYS] = KEYS;
    memcpy(w->keys, w->made, sizeof(w->keys));
    qsort(w->keys, KEYS, sizeof(w->keys[0]), index_key_order);
    assert_int_equal(index_make(w->arena, w->keys, KEYS, &g, (KEYS + 63) / 64, &w->index), 0);
}

/* A text that is likely to hold some key. */
static uint32_t likely_text(const struct world *w, char *p)
{
    const struct index_key *k = &w->made[rnd(KEYS)];
    uint32_t n = rnd(2) ? random_text(p, 12, true) : 0;

    if (n && rnd(2))
        p[n++] = '/';
    memcpy(p + n, k->key, k->len);
    n += k->len;
    if (rnd(3) == 0)
        p[n++] = '/';
    return n + (rnd(2) ? random_text(p + n, TEXT_MAX - 12 - KEY_MAX - 2, true) : 0);
}

static bool is_plain(const char *s, uint32_t n)
{
    return !memmem(s, n, "//", 2) && (!n || *s != '/');
}

static void check(struct world *w, const char *s, uint32_t n, uint32_t *hits)
{
    struct gyr_value v = {.type = GYR_T_STR, .len = n, .u.ptr = s};
    uint64_t bits[(KEYS + 63) / 64] = {0};

    index_lookup(&w->index, &v, bits);
    for (uint32_t i = 0; i < KEYS; i++) {
        bool want = holds(&w->made[i], s, n), got = bits[i / 64] >> i % 64 & 1;

        *hits += want;
        if (want != got && (want || is_plain(s, n) || w->made[i].form != FORM_PATH))
            fail_msg("form %u, key '%.*s', text '%.*s': %d", w->made[i].form, (int)w->made[i].len,
                     w->made[i].key, (int)n, s, got);
    }
}

/* Of one form at a time (they then have more lengths than are looked up), and of all together. */
static void finds_what_a_comparison_finds(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    uint32_t hits[FORM_MAX_ + 1] = {0};

    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t form = round % (FORM_MAX_ + 1);

        w->arena = arena_new(1 << 24);
        make(w, form);
        for (uint32_t i = 0; i < TEXTS; i++) {
            char s[TEXT_MAX];
            uint32_t n = rnd(3) ? likely_text(w, s) : random_text(s, TEXT_MAX, true);

            /* with several forms, a path too odd to tell brings in all the rules */
            if (form != FORM_MAX_ || is_plain(s, n))
                check(w, s, n, &hits[form]);
        }
        arena_free(w->arena);
    }
    for (uint32_t f = 0; f <= FORM_MAX_; f++)
        assert_true(hits[f] > ROUNDS);
    free(w);
}

/* Two slashes are one: such a path cannot be told from its bytes, and no rule is ruled out. */
static void odd_paths_rule_nothing_out(void **state)
{
    static const char *const odd[] = {"a//b", "/a//b/c", "//x//a", "x/y//"};
    struct world *w = calloc(1, sizeof(*w));

    (void)state;
    w->arena = arena_new(1 << 24);
    make(w, FORM_PATH);
    w->index.path_max = UINT32_MAX; /* however long its keys happen to be */
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        struct gyr_value v = gyr_str(odd[i], strlen(odd[i]));
        uint64_t bits[(KEYS + 63) / 64] = {0};

        index_lookup(&w->index, &v, bits);
        assert_memory_equal(bits, w->index.all, sizeof(bits));
    }
    arena_free(w->arena);
    free(w);
}

static void numbers_and_strange_values(void **state)
{
    struct index_key keys[] = {{.num = 0, .group = 0}, {.num = 7, .group = 1}};
    uint32_t first[] = {0, 1, 3}, pos[] = {0, 1, 2};
    struct index_groups g = {.n = 2, .first = first, .pos = pos};
    struct gyr_value seven = gyr_num(GYR_T_U64, 7), eight = gyr_num(GYR_T_U64, 8);
    struct gyr_value list = {.type = GYR_T_LIST, .len = 1, .u.ptr = &eight};
    struct arena *a = arena_new(1 << 20);
    struct prog_index x;
    uint64_t bits = 0;

    (void)state;
    assert_int_equal(index_make(a, keys, 2, &g, 1, &x), 0);
    index_lookup(&x, &eight, &bits);
    assert_int_equal(bits, 0);
    index_lookup(&x, &seven, &bits);
    assert_int_equal(bits, 6);
    index_lookup(&x, &list, &bits); /* of another kind than was promised */
    assert_int_equal(bits, 7);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_a_comparison_finds),
        cmocka_unit_test(odd_paths_rule_nothing_out),
        cmocka_unit_test(numbers_and_strange_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
