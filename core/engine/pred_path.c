/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"
#include "engine/glob.h"
#include "engine/pred_impl.h"

#include <errno.h>

enum { DEPTH_MAX = 1024 };

/* A step from one folder to the next. Steps with a literal name live in one hash table for the
 * whole trie, keyed by folder and name; those with a pattern hang on their folder as a list. */
struct step {
    const char *name;
    uint32_t len, hash, from, to;
    uint32_t next; /* of the patterns of `from`: index + 1 */
};

struct folder {
    bool is_end;      /* a prefix ends here: whatever follows matches */
    bool has_literal; /* has steps in the table */
    uint32_t pattern; /* first of its patterns: index + 1 */
};

struct path_trie {
    struct folder *folders;
    struct step *table, *patterns;
    uint32_t mask, n_folders, n_patterns;
};

bool path_next(const char *p, uint32_t len, uint32_t *off, const char **ret, uint32_t *ret_len)
{
    const char *slash;
    uint32_t i = *off;

    while (i < len && p[i] == '/')
        i++;
    if (i >= len)
        return false;
    slash = memchr(p + i, '/', len - i);
    *ret = p + i;
    *ret_len = slash ? (uint32_t)(slash - (p + i)) : len - i;
    *off = i + *ret_len;
    return true;
}

bool path_has_glob(const char *p, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        if (p[i] == '*' || p[i] == '?' || p[i] == '[')
            return true;
    return false;
}

/* The literal step of that name, or the free slot for it. */
static struct step *find(const struct path_trie *t, uint32_t from, const char *name, uint32_t len)
{
    uint32_t hash = (uint32_t)hash_bytes(name, len) ^ from * 0x9e3779b1u, i = hash & t->mask;

    for (; t->table[i].name; i = (i + 1) & t->mask) {
        const struct step *s = &t->table[i];

        if (s->hash == hash && s->from == from && s->len == len && memcmp(s->name, name, len) == 0)
            break;
    }
    return &t->table[i];
}

static uint32_t enter_literal(struct path_trie *t, uint32_t from, const char *name, uint32_t len)
{
    struct step *s = find(t, from, name, len);

    if (!s->name) {
        *s = (struct step){.name = name, .len = len, .from = from, .to = t->n_folders++};
        s->hash = (uint32_t)hash_bytes(name, len) ^ from * 0x9e3779b1u;
        t->folders[from].has_literal = true;
    }
    return s->to;
}

static uint32_t enter_pattern(struct path_trie *t, uint32_t from, const char *name, uint32_t len)
{
    struct step *s;

    for (uint32_t i = t->folders[from].pattern; i; i = t->patterns[i - 1].next) {
        s = &t->patterns[i - 1];
        if (s->len == len && memcmp(s->name, name, len) == 0)
            return s->to;
    }
    s = &t->patterns[t->n_patterns++];
    *s = (struct step){.name = name, .len = len, .from = from, .to = t->n_folders++};
    s->next = t->folders[from].pattern;
    t->folders[from].pattern = t->n_patterns;
    return s->to;
}

static void add(struct path_trie *t, const char *p, uint32_t len)
{
    uint32_t at = 0, off = 0, n;
    const char *name;

    while (!t->folders[at].is_end && path_next(p, len, &off, &name, &n))
        at = path_has_glob(name, n) ? enter_pattern(t, at, name, n) : enter_literal(t, at, name, n);
    t->folders[at].is_end = true;
}

/* How many components, literal and patterns together. */
static uint32_t depth(const struct gyr_value *v)
{
    uint32_t off = 0, n, count = 0;
    const char *name;

    while (path_next(v->u.ptr, v->len, &off, &name, &n))
        count++;
    return count;
}

int path_trie_new(struct arena *a, const struct gyr_value *v, uint32_t n, struct path_trie **ret,
                  struct gyr_error *err)
{
    struct path_trie *t = arena_alloc(a, sizeof(*t));
    uint64_t steps = 0, cap = 4;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t d = depth(&v[i]);

        if (d > DEPTH_MAX)
            return gyr_fail(err, -EINVAL, "a path has %u folders, at most %d are taken", d,
                            DEPTH_MAX);
        steps += d;
    }
    while (cap < steps * 2)
        cap *= 2;
    if (!t || cap > UINT32_MAX / 2)
        return gyr_fail(err, -ENOMEM, "out of memory");
    t->mask = (uint32_t)cap - 1;
    t->n_folders = 1;
    t->folders = arena_array(a, steps + 1, sizeof(*t->folders));
    t->table = arena_array(a, cap, sizeof(*t->table));
    t->patterns = arena_array(a, steps + 1, sizeof(*t->patterns));
    if (!t->folders || !t->table || !t->patterns)
        return gyr_fail(err, -ENOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++)
        add(t, v[i].u.ptr, v[i].len);
    *ret = t;
    return 0;
}

/* A folder of the trie stands at one depth, so each is visited at most once: the time is bounded
 * by the size of the trie, and the recursion by DEPTH_MAX. */
static bool match(const struct path_trie *t, uint32_t at, const char *p, uint32_t len, uint32_t off)
{
    const char *name;
    uint32_t n;

    for (;;) {
        const struct folder *f = &t->folders[at];

        if (f->is_end)
            return true;
        if (!path_next(p, len, &off, &name, &n))
            return false;
        for (uint32_t i = f->pattern; i; i = t->patterns[i - 1].next) {
            const struct step *s = &t->patterns[i - 1];

            if (glob_match(s->name, s->len, name, n, false) && match(t, s->to, p, len, off))
                return true;
        }
        if (!f->has_literal)
            return false;
        at = find(t, at, name, n)->to;
        if (!at) /* nothing leads back to the root: a free slot */
            return false;
    }
}

bool path_trie_match(const struct path_trie *t, const char *p, uint32_t len)
{
    return match(t, 0, p, len, 0);
}
