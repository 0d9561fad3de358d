/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/index.h"

#include "base/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { GRAM_BITS_MIN = 12, GRAM_BITS_MAX = 20 };

static uint64_t hash_of(uint32_t form, const void *p, uint32_t n)
{
    return hash_bytes(p, n) ^ form * 0x5bd1e9955bd1e995u;
}

static uint32_t slot_of(uint64_t num, uint32_t mask)
{
    num *= 0x9e3779b97f4a7c15u;
    return (uint32_t)(num >> 32) & mask;
}

static void add_hits(const struct prog_index *x, const struct index_slot *s, uint64_t *bits)
{
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t g = x->hits[s->first + i];

        for (uint32_t k = x->groups.first[g]; k < x->groups.first[g + 1]; k++)
            bits[x->groups.pos[k] / 64] |= (uint64_t)1 << x->groups.pos[k] % 64;
    }
}

void index_all(const struct prog_index *x, uint64_t *bits)
{
    for (uint32_t w = 0; w < x->words; w++)
        bits[w] |= x->all[w];
}

/* ---- parts: a few bytes of each, the gram, are looked for in a text ---- */

static uint32_t gram_at(const char *p, uint32_t n)
{
    uint32_t g = 0;

    if (n == INDEX_GRAM_MAX) /* of a fixed size, for the compiler */
        memcpy(&g, p, INDEX_GRAM_MAX);
    else
        memcpy(&g, p, n);
    return g;
}

static uint32_t gram_len(uint32_t len)
{
    return len < INDEX_GRAM_MAX ? len : INDEX_GRAM_MAX;
}

static uint64_t gram_num(uint32_t gram, uint32_t n)
{
    return gram | (uint64_t)n << 32;
}

static uint32_t gram_hash(const struct prog_index *x, uint32_t gram)
{
    return gram * 0x9e3779b1u >> x->gram_shift;
}

static void find_parts(const struct prog_index *x, const char *p, uint32_t len, uint32_t at,
                       uint64_t num, uint64_t *bits)
{
    for (uint32_t i = slot_of(num, x->mask); x->slots[i].n; i = (i + 1) & x->mask) {
        const struct index_slot *s = &x->slots[i];

        if (s->num == num && s->form == FORM_PART && at >= s->gram && at - s->gram <= len &&
            s->len <= len - (at - s->gram) && memcmp(p + at - s->gram, s->key, s->len) == 0)
            add_hits(x, s, bits);
    }
}

static inline void scan(const struct prog_index *x, const char *p, uint32_t len, uint32_t n,
                        uint64_t *bits)
{
    for (uint32_t i = 0; i + n <= len; i++) {
        uint32_t g = gram_at(p + i, n), h = gram_hash(x, g);

        if (x->gram_bits[h / 64] >> h % 64 & 1)
            find_parts(x, p, len, i, gram_num(g, n), bits);
    }
}

static void look_for_parts(const struct prog_index *x, const char *p, uint32_t len, uint64_t *bits)
{
    if (x->grams >> INDEX_GRAM_MAX & 1)
        scan(x, p, len, INDEX_GRAM_MAX, bits);
    for (uint32_t n = 1; n < INDEX_GRAM_MAX; n++)
        if (x->grams >> n & 1)
            scan(x, p, len, n, bits);
}

/* ---- the other forms ---- */

/* Keys that are as their form says, among those that share a hash. */
static void find(const struct prog_index *x, uint32_t form, uint64_t num, const char *p,
                 uint32_t len, uint64_t *bits)
{
    for (uint32_t i = slot_of(num, x->mask); x->slots[i].n; i = (i + 1) & x->mask) {
        const struct index_slot *s = &x->slots[i];
        const char *at = form == FORM_SUFFIX ? p + len - s->len : p;

        if (s->num != num || s->form != form || s->len > len)
            continue;
        if ((form == FORM_EQUAL || form == FORM_PATH) && s->len != len)
            continue;
        if (s->len == 0 || memcmp(at, s->key, s->len) == 0)
            add_hits(x, s, bits);
    }
}

static void find_number(const struct prog_index *x, uint64_t num, uint64_t *bits)
{
    for (uint32_t i = slot_of(num, x->mask); x->slots[i].n; i = (i + 1) & x->mask)
        if (x->slots[i].num == num)
            add_hits(x, &x->slots[i], bits);
}

/* The folders above the path, from the root. @return false: too odd a path to tell. */
static bool find_path(const struct prog_index *x, const char *p, uint32_t len, uint64_t *bits)
{
    uint32_t end = 0;

    while (len && *p == '/') {
        p++;
        len--;
    }
    while (end < len && end <= x->path_max) {
        const char *slash = memchr(p + end, '/', len - end);

        end = slash ? (uint32_t)(slash - p) : len;
        if (x->path_lens >> end % 64 & 1)
            find(x, FORM_PATH, hash_of(FORM_PATH, p, end), p, end, bits);
        if (end + 1 < len && p[end + 1] == '/')
            return false;
        end++;
    }
    return true;
}

void index_lookup(const struct prog_index *x, const struct gyr_value *v, uint64_t *bits)
{
    bool is_text = v->type == GYR_T_STR || v->type == GYR_T_BYTES;
    bool is_number = v->type == GYR_T_U64 || v->type == GYR_T_I64;
    const char *p = v->u.ptr;

    if (x->numbers ? !is_number : !is_text) {
        index_all(x, bits);
        return;
    }
    if (x->numbers) {
        find_number(x, v->u.u64, bits);
        return;
    }
    if (!v->len)
        p = "";
    if (x->equal)
        find(x, FORM_EQUAL, hash_of(FORM_EQUAL, p, v->len), p, v->len, bits);
    for (uint32_t i = 0; i < x->prefixes.n && x->prefixes.of[i] <= v->len; i++)
        find(x, FORM_PREFIX, hash_of(FORM_PREFIX, p, x->prefixes.of[i]), p, v->len, bits);
    for (uint32_t i = 0; i < x->suffixes.n && x->suffixes.of[i] <= v->len; i++)
        find(x, FORM_SUFFIX,
             hash_of(FORM_SUFFIX, p + v->len - x->suffixes.of[i], x->suffixes.of[i]), p, v->len,
             bits);
    if (x->path_max && !find_path(x, p, v->len, bits))
        index_all(x, bits);
    if (x->grams)
        look_for_parts(x, p, v->len, bits);
}

/* ---- building ---- */

/* The order of keys without their groups. */
static int key_order(const struct index_key *x, const struct index_key *y)
{
    if (x->form != y->form)
        return x->form < y->form ? -1 : 1;
    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    if (!x->key)
        return (x->num > y->num) - (x->num < y->num);
    return x->len ? memcmp(x->key, y->key, x->len) : 0;
}

int index_key_order(const void *a, const void *b)
{
    const struct index_key *x = a, *y = b;
    int r = key_order(x, y);

    return r ? r : (x->group > y->group) - (x->group < y->group);
}

/* Some of the lengths there are, the smallest in any case: keys of the others are found by as many
 * bytes as the next shorter one has. */
static void choose_lengths(const struct index_key *k, uint32_t n, uint32_t form,
                           struct index_lengths *ret)
{
    uint32_t distinct = 0, seen = 0, last = UINT32_MAX;

    for (uint32_t i = 0; i < n; i++) {
        distinct += k[i].form == form && k[i].len != last;
        last = k[i].form == form ? k[i].len : last;
    }
    last = UINT32_MAX;
    for (uint32_t i = 0; i < n; i++) {
        if (k[i].form != form || k[i].len == last)
            continue;
        last = k[i].len;
        if (distinct <= INDEX_LENGTHS_MAX ||
            (uint64_t)ret->n * distinct <= (uint64_t)seen * INDEX_LENGTHS_MAX)
            ret->of[ret->n++] = last;
        seen++;
    }
}

static uint32_t length_for(const struct index_lengths *l, uint32_t len)
{
    uint32_t i = l->n;

    while (l->of[i - 1] > len)
        i--;
    return l->of[i - 1];
}

static int number_order(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static uint32_t how_often(const uint64_t *v, uint32_t n, uint64_t what)
{
    uint32_t lo = 0, hi = n, count = 0;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (v[mid] < what)
            lo = mid + 1;
        else
            hi = mid;
    }
    while (lo < n && v[lo] == what && count < 64) { /* beyond that, often is often */
        lo++;
        count++;
    }
    return count;
}

/* Of each part the gram that fewest parts have: what tells "token17" from "token18". */
static int choose_grams(struct index_key *k, uint32_t n)
{
    uint64_t *all, total = 0;
    uint32_t at = 0;

    for (uint32_t i = 0; i < n; i++)
        total += k[i].form == FORM_PART ? k[i].len : 0;
    if (!total)
        return 0;
    if (total > UINT32_MAX || !(all = malloc(total * sizeof(*all))))
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t g = 0, q = gram_len(k[i].len); k[i].form == FORM_PART && g + q <= k[i].len;
             g++)
            all[at++] = gram_num(gram_at(k[i].key + g, q), q);
    qsort(all, at, sizeof(*all), number_order);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t best = UINT32_MAX, q = gram_len(k[i].len);

        for (uint32_t g = 0; k[i].form == FORM_PART && g + q <= k[i].len; g++) {
            uint64_t num = gram_num(gram_at(k[i].key + g, q), q);
            uint32_t count = how_often(all, at, num);

            if (count > best)
                continue;
            best = count;
            k[i].gram = g;
            k[i].num = num;
        }
    }
    free(all);
    return 0;
}

static int make_gram_bits(struct arena *a, const struct index_key *k, uint32_t n,
                          struct prog_index *x)
{
    uint32_t bits = GRAM_BITS_MIN;

    while (bits < GRAM_BITS_MAX && (1u << bits) / 32 < n)
        bits++;
    x->gram_shift = 32 - bits;
    x->gram_bits = arena_array(a, ((size_t)1 << bits) / 64, sizeof(*x->gram_bits));
    if (!x->gram_bits)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t h = gram_hash(x, (uint32_t)k[i].num);

        if (k[i].form != FORM_PART)
            continue;
        x->gram_bits[h / 64] |= (uint64_t)1 << h % 64;
        x->grams |= 1u << gram_len(k[i].len);
    }
    return 0;
}

static void set_num(struct prog_index *x, struct index_key *k)
{
    uint32_t n = k->len;

    if (k->form == FORM_PART || !k->key)
        return;
    if (k->form == FORM_PREFIX)
        n = length_for(&x->prefixes, n);
    if (k->form == FORM_SUFFIX)
        n = length_for(&x->suffixes, n);
    k->num = hash_of(k->form, k->key + (k->form == FORM_SUFFIX ? k->len - n : 0), n);
    x->equal |= k->form == FORM_EQUAL;
    if (k->form == FORM_PATH) {
        x->path_max = k->len > x->path_max ? k->len : x->path_max;
        x->path_lens |= (uint64_t)1 << k->len % 64;
    }
}

static void fill(struct prog_index *x, const struct index_key *k, uint32_t n)
{
    for (uint32_t i = 0, same; i < n; i += same) {
        uint32_t at = slot_of(k[i].num, x->mask);

        for (same = 0; i + same < n && key_order(&k[i], &k[i + same]) == 0; same++)
            x->hits[i + same] = k[i + same].group;
        while (x->slots[at].n)
            at = (at + 1) & x->mask;
        x->slots[at] =
            (struct index_slot){k[i].key, k[i].num, k[i].len, k[i].form, k[i].gram, i, same};
    }
}

int index_make(struct arena *a, struct index_key *k, uint32_t n, const struct index_groups *g,
               uint32_t words, struct prog_index *ret)
{
    struct prog_index x = {.numbers = n && !k->key, .words = words, .groups = *g};
    uint32_t size = 8, distinct = 0;

    for (uint32_t i = 0; i < n; i++)
        distinct += i == 0 || key_order(&k[i - 1], &k[i]) != 0;
    while (size < 2 * (uint64_t)distinct)
        size *= 2;
    x.mask = size - 1;
    x.slots = arena_array(a, size, sizeof(*x.slots));
    x.hits = arena_array(a, n + 1u, sizeof(*x.hits));
    x.all = arena_array(a, words, sizeof(*x.all));
    if (!x.slots || !x.hits || !x.all || choose_grams(k, n) < 0)
        return -ENOMEM;
    choose_lengths(k, n, FORM_PREFIX, &x.prefixes);
    choose_lengths(k, n, FORM_SUFFIX, &x.suffixes);
    for (uint32_t i = 0; i < n; i++)
        set_num(&x, &k[i]);
    if (n && k[n - 1].form == FORM_PART && make_gram_bits(a, k, n, &x) < 0)
        return -ENOMEM;
    fill(&x, k, n);
    for (uint32_t i = 0; i < g->first[g->n]; i++)
        x.all[g->pos[i] / 64] |= (uint64_t)1 << g->pos[i] % 64;
    *ret = x;
    return 0;
}
