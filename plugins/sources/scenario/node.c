/* SPDX-License-Identifier: Apache-2.0 */
#include "node.h"

#include <errno.h>
#include <gyr/words.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

/* ---- form ---- */

static bool is_place(const json_t *line, const json_t *col)
{
    return json_is_integer(line) && json_is_integer(col);
}

static bool is_word(const json_t *n)
{
    const json_t *t = json_array_get(n, 0);

    return json_array_size(n) == 3 && (json_is_string(t) || json_is_null(t)) &&
           is_place(json_array_get(n, 1), json_array_get(n, 2));
}

static bool has_form(const json_t *n, unsigned depth)
{
    const json_t *at = json_object_get(n, "at"), *list = json_object_get(n, "list"),
                 *map = json_object_get(n, "map"), *v;
    size_t i;

    if (json_is_array(n))
        return is_word(n);
    if (depth > DEPTH_MAX || !is_place(json_array_get(at, 0), json_array_get(at, 1)) ||
        json_is_array(list) == json_is_array(map) || json_array_size(map) % 2)
        return false;
    json_array_foreach(list, i, v)
    {
        if (!has_form(v, depth + 1))
            return false;
    }
    json_array_foreach(map, i, v)
    {
        if (i % 2 ? !has_form(v, depth + 1) : !is_word(v) || !sc_text(v))
            return false;
    }
    return true;
}

int sc_parse(const char *text, json_t **ret, struct gyr_error *err)
{
    json_error_t why;
    json_t *root = json_loads(text, 0, &why);

    if (!root)
        return gyr_fail(err, -EINVAL, "the description is no JSON: line %d: %s", why.line,
                        why.text);
    if (!has_form(root, 0)) {
        json_decref(root);
        return gyr_fail(err, -EINVAL, "the description has not the form of a scenario");
    }
    *ret = root;
    return 0;
}

/* ---- reading ---- */

enum sc_kind sc_kind(const json_t *n)
{
    if (json_is_array(n))
        return json_is_string(json_array_get(n, 0)) ? SC_TEXT : SC_NULL;
    if (!n)
        return SC_NULL;
    return json_object_get(n, "list") ? SC_LIST : SC_MAP;
}

const char *sc_text(const json_t *n)
{
    return json_is_array(n) ? json_string_value(json_array_get(n, 0)) : NULL;
}

size_t sc_len(const json_t *n)
{
    if (!json_is_object(n))
        return 0;
    return sc_kind(n) == SC_LIST ? json_array_size(json_object_get(n, "list"))
                                 : json_array_size(json_object_get(n, "map")) / 2;
}

const json_t *sc_item(const json_t *list, size_t i)
{
    return json_array_get(json_object_get(list, "list"), i);
}

const json_t *sc_key(const json_t *map, size_t i)
{
    return json_array_get(json_object_get(map, "map"), 2 * i);
}

const json_t *sc_value_at(const json_t *map, size_t i)
{
    return json_array_get(json_object_get(map, "map"), 2 * i + 1);
}

const json_t *sc_get(const json_t *map, const char *key, const json_t **ret_key)
{
    if (sc_kind(map) != SC_MAP)
        return NULL;
    for (size_t i = 0; i < sc_len(map); i++) {
        const json_t *k = sc_key(map, i), *v = sc_value_at(map, i);

        if (strcmp(sc_text(k), key) != 0)
            continue;
        if (ret_key)
            *ret_key = k;
        return sc_kind(v) == SC_NULL ? NULL : v;
    }
    return NULL;
}

/* ---- what is wrong ---- */

int sc_wrong(struct gyr_error *err, const json_t *at, const char *fmt, ...)
{
    const json_t *place = json_is_array(at) ? at : json_object_get(at, "at");
    size_t base = json_is_array(at) ? 1 : 0;
    char why[420];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    return gyr_fail(err, -EINVAL, "line %lld, column %lld: %s",
                    (long long)json_integer_value(json_array_get(place, base)),
                    (long long)json_integer_value(json_array_get(place, base + 1)), why);
}

void sc_near_offer(struct sc_near *n, const char *name)
{
    unsigned d = gyr_word_distance(n->word, strlen(n->word), name, strlen(name));

    if (n->best && d >= n->distance)
        return;
    n->best = name;
    n->distance = d;
}

const char *sc_near_hint(const struct sc_near *n, char room[160])
{
    room[0] = '\0';
    if (n->best && gyr_word_is_near(strlen(n->word), n->distance))
        (void)snprintf(room, 160, "; did you mean '%s'?", n->best);
    return room;
}

int sc_unknown(struct gyr_error *err, const json_t *at, const char *what, const char *const *words)
{
    struct sc_near near = {.word = sc_text(at)};
    char hint[160];

    for (; *words; words++)
        sc_near_offer(&near, *words);
    return sc_wrong(err, at, "%s '%.60s' is not known%s", what, near.word,
                    sc_near_hint(&near, hint));
}

int sc_check_keys(struct gyr_error *err, const json_t *map, const char *what,
                  const char *const *words)
{
    for (size_t i = 0; i < sc_len(map); i++) {
        const json_t *k = sc_key(map, i);
        const char *const *w = words;

        while (*w && strcmp(*w, sc_text(k)) != 0)
            w++;
        if (!*w)
            return sc_unknown(err, k, what, words);
    }
    return 0;
}
