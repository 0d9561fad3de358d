/* SPDX-License-Identifier: Apache-2.0 */
#include "config/read.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/suggest.h"
#include "rules/ruleset.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { LIST_MAX = 4096 };

void conf_read_map(struct reader *r, const struct ynode *v, const struct key *keys, size_t n_keys,
                   const char *what, void *target)
{
    if (v->kind != Y_MAP) {
        diag_error(r->d, v->loc, "%s must be a mapping, not %s", what, ynode_kind_name(v));
        return;
    }
    for (uint32_t i = 0; i < v->n; i++) {
        const struct ynode *k = v->items[2 * i];
        struct suggest g;
        size_t j;

        suggest_init(&g, k->str, k->len);
        for (j = 0; j < n_keys && strcmp(keys[j].name, k->str) != 0; j++)
            suggest_offer(&g, keys[j].name);
        if (j == n_keys)
            diag_error(r->d, k->loc, "%s has no key '%s'%s", what, k->str,
                       diag_hint(r->d, suggest_best(&g)));
        else if (!ynode_is_null(v->items[2 * i + 1]))
            keys[j].read(r, v->items[2 * i + 1], target);
    }
}

/* ---- values ---- */

/* @return the text, or NULL after telling why not. */
const char *conf_read_text(struct reader *r, const struct ynode *v)
{
    if (v->kind != Y_SCALAR)
        diag_error(r->d, v->loc, "must be text, not %s", ynode_kind_name(v));
    else if (v->len == 0)
        diag_error(r->d, v->loc, "must not be empty");
    else if (memchr(v->str, 0, v->len))
        diag_error(r->d, v->loc, "holds a NUL character");
    else
        return v->str;
    return NULL;
}

/* A text, or a list of texts: a NULL-terminated array, or NULL after telling why not. */
const char **conf_read_texts(struct reader *r, const struct ynode *v, uint32_t *ret_n)
{
    uint32_t n = v->kind == Y_SEQ ? v->n : 1;
    const char **list;

    if (n > LIST_MAX) {
        diag_error(r->d, v->loc, "holds %u items; at most %d are allowed", n, LIST_MAX);
        return NULL;
    }
    list = arena_array(r->arena, (size_t)n + 1, sizeof(*list));
    if (!list) {
        diag_error(r->d, v->loc, "out of memory");
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++) {
        list[i] = conf_read_text(r, v->kind == Y_SEQ ? v->items[i] : v);
        if (!list[i])
            return NULL;
    }
    *ret_n = n;
    return list;
}

const char *conf_from_dir(struct reader *r, const char *path)
{
    return path[0] == '/' || !r->dir ? path : arena_printf(r->arena, "%s/%s", r->dir, path);
}

const char **conf_read_paths(struct reader *r, const struct ynode *v, uint32_t *ret_n)
{
    uint32_t n = 0;
    const char **list = conf_read_texts(r, v, &n);

    for (uint32_t i = 0; i < n; i++) {
        list[i] = conf_from_dir(r, list[i]);
        if (!list[i]) {
            diag_error(r->d, v->loc, "out of memory");
            return NULL;
        }
    }
    if (list)
        *ret_n = n;
    return list;
}

void conf_read_priority(struct reader *r, const struct ynode *v, uint32_t *ret)
{
    static const char *const names[] = {"emergency", "alert",  "critical",      "error",
                                        "warning",   "notice", "informational", "debug"};
    const char *s = conf_read_text(r, v);
    struct suggest g;
    int p;

    if (!s)
        return;
    p = priority_parse(s);
    if (p >= 0) {
        *ret = (uint32_t)p;
        return;
    }
    suggest_init(&g, s, v->len);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        suggest_offer(&g, names[i]);
    diag_error(r->d, v->loc, "'%s' is not a priority%s", s, diag_hint(r->d, suggest_best(&g)));
}

/* One of some words. @return its index, or -1 after telling why not. */
int conf_read_choice(struct reader *r, const struct ynode *v, const char *const *words, size_t n)
{
    const char *s = conf_read_text(r, v);
    struct suggest g;
    struct buf b;

    if (!s)
        return -1;
    suggest_init(&g, s, v->len);
    buf_init(&b, 400);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(words[i], s) == 0) {
            buf_free(&b);
            return (int)i;
        }
        suggest_offer(&g, words[i]);
        buf_addf(&b, "%s%s", i ? ", " : "", words[i]);
    }
    diag_error(r->d, v->loc, "'%s' is not one of %s%s", s, b.p, diag_hint(r->d, suggest_best(&g)));
    buf_free(&b);
    return -1;
}

bool conf_read_bool(struct reader *r, const struct ynode *v, bool *ret)
{
    const char *s = conf_read_text(r, v);

    if (s && parse_bool(s, v->len, ret) < 0)
        diag_error(r->d, v->loc, "'%s' is neither true nor false", s);
    else if (s)
        return true;
    return false;
}

bool conf_read_number(struct reader *r, const struct ynode *v, enum conf_unit unit, uint64_t min,
                      uint64_t max, uint64_t *ret)
{
    static const char *const what[] = {"a number", "a size such as 64K or 16M",
                                       "a duration such as 250ms or 5s"};
    const char *s = conf_read_text(r, v);
    uint64_t u;
    int e;

    if (!s)
        return false;
    switch (unit) {
    case UNIT_COUNT:
        e = parse_u64(s, v->len, &u);
        break;
    case UNIT_SIZE:
        e = parse_size(s, v->len, &u);
        break;
    default:
        e = parse_duration(s, v->len, &u);
        break;
    }
    if (e < 0) {
        diag_error(r->d, v->loc, "'%s' is %s%s", s, e == -ERANGE ? "too large for " : "not ",
                   what[unit]);
        return false;
    }
    if (u < min || u > max) {
        struct buf b;

        buf_init(&b, 100);
        if (unit == UNIT_DURATION) {
            buf_add_duration(&b, min);
            buf_adds(&b, " to ");
            buf_add_duration(&b, max);
        } else {
            buf_addf(&b, "%" PRIu64 " to %" PRIu64, min, max);
        }
        diag_error(r->d, v->loc, "'%s' is out of range: %s is allowed", s, b.p);
        buf_free(&b);
        return false;
    }
    *ret = u;
    return true;
}
