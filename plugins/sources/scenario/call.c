/* SPDX-License-Identifier: Apache-2.0 */
/* Any event type of the schema by its name, with its parameters by theirs. */
#include "call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const modifiers[] = {"by", "at", NULL};
static const struct sc_word *const word_tables[] = {sc_words_process, sc_words_files, sc_words_net};
enum { N_TABLES = sizeof(word_tables) / sizeof(word_tables[0]), ARGS_MAX = 64 };

/* ---- finding ---- */

int sc_param(const struct gyr_event_type *t, const char *name)
{
    for (uint32_t i = 0; i < t->n_params; i++)
        if (strcmp(t->params[i].name, name) == 0)
            return (int)i;
    return -1;
}

static const struct gyr_event_type *type_at(uint32_t i)
{
    return &syscall_schema.types[i];
}

static bool can_happen(const struct gyr_event_type *t)
{
    return !(t->flags & (GYR_ETF_OLD | GYR_ETF_SNAPSHOT | GYR_ETF_GENERIC)) &&
           !(t->traits & (T_UNUSED | T_ITER));
}

/* Where enter and exit are both told, the exit: it has all. */
const struct gyr_event_type *sc_type_of(const char *name)
{
    const struct gyr_event_type *found = NULL;

    for (uint32_t i = 0; i < syscall_schema.n_types; i++) {
        const struct gyr_event_type *t = type_at(i);

        if (can_happen(t) && strcmp(t->name, name) == 0 &&
            (!found || t->traits & T_EXIT || !(found->traits & T_EXIT)))
            found = t;
    }
    return found;
}

static const struct sc_word *word_of(const char *name)
{
    for (size_t i = 0; i < N_TABLES; i++)
        for (const struct sc_word *k = word_tables[i]; k->name; k++)
            if (strcmp(k->name, name) == 0)
                return k;
    return NULL;
}

/* A call without an event type of its own. @return its code; UINT32_MAX. */
static uint32_t call_of(const char *name)
{
    for (const struct gyr_subtype *s = syscall_schema.subtypes; s->name; s++)
        if (strcmp(s->name, name) == 0)
            return s->id;
    return UINT32_MAX;
}

static int unknown_word(struct sc_world *w, const json_t *word)
{
    struct sc_near near = {.word = sc_text(word)};
    char hint[160];

    for (size_t i = 0; i < N_TABLES; i++)
        for (const struct sc_word *k = word_tables[i]; k->name; k++)
            sc_near_offer(&near, k->name);
    for (uint32_t i = 0; i < syscall_schema.n_types; i++)
        if (can_happen(type_at(i)))
            sc_near_offer(&near, type_at(i)->name);
    for (const struct gyr_subtype *s = syscall_schema.subtypes; s->name; s++)
        sc_near_offer(&near, s->name);
    return sc_wrong(w->err, word, "there is no event '%.60s'%s", near.word,
                    sc_near_hint(&near, hint));
}

/* ---- arguments ---- */

const json_t *sc_arg(struct sc_call *c, const char *key)
{
    if (c->main) {
        const struct sc_word *k = word_of(sc_text(c->word));

        if (!k || !k->main || strcmp(k->main, key) != 0)
            return NULL;
        c->main_used = true;
        return c->main;
    }
    for (size_t i = 0; i < sc_len(c->args); i++)
        if (strcmp(sc_text(sc_key(c->args, i)), key) == 0) {
            const json_t *v = sc_value_at(c->args, i);

            c->used |= UINT64_C(1) << i;
            return sc_kind(v) == SC_NULL ? NULL : v;
        }
    return NULL;
}

static int unknown_arg(struct sc_call *c, const struct sc_word *k, const json_t *key)
{
    struct sc_near near = {.word = sc_text(key)};
    char hint[160];

    for (uint32_t i = 0; i < c->type->n_params; i++)
        sc_near_offer(&near, c->type->params[i].name);
    for (const char *const *e = k ? k->keys : NULL; e && *e; e++)
        sc_near_offer(&near, *e);
    sc_near_offer(&near, "fails");
    sc_near_offer(&near, "path");
    return sc_wrong(c->w->err, key, "%s has no '%.60s'%s", sc_text(c->word), near.word,
                    sc_near_hint(&near, hint));
}

static int check_args(struct sc_call *c, const struct sc_word *k)
{
    for (size_t i = 0; i < sc_len(c->args); i++)
        if (!(c->used >> i & 1))
            return unknown_arg(c, k, sc_key(c->args, i));
    if (c->main && !c->main_used)
        return sc_wrong(c->w->err, c->main, "%s is told by a mapping of its parameters",
                        sc_text(c->word));
    return 0;
}

/* ---- parameters ---- */

void sc_set_bytes(struct sc_call *c, uint32_t i, struct sc_bytes b)
{
    c->par[i].b = b;
    c->par[i].set = true;
}

void sc_set_num(struct sc_call *c, uint32_t i, uint64_t v)
{
    sc_set_bytes(c, i, sc_number(c->w, &c->type->params[i], v));
}

void sc_set_text(struct sc_call *c, uint32_t i, const char *s)
{
    sc_set_bytes(c, i, (struct sc_bytes){(const uint8_t *)s, (uint32_t)strlen(s) + 1});
}

int64_t sc_num(const struct sc_call *c, uint32_t i)
{
    int64_t v = 0;

    if (c->par[i].b.len && c->par[i].b.len <= 8)
        memcpy(&v, c->par[i].b.p, c->par[i].b.len);
    return v;
}

static bool is_path(const struct gyr_param_def *p)
{
    return p->type == GYR_P_STR &&
           (p->kind == K_PATH || p->kind == K_RELPATH || strcmp(p->name, "path") == 0);
}

/* "path" is the first path, "old" and "new" what the schema calls oldpath or oldfd. */
static int place_of(const struct gyr_event_type *t, const char *key)
{
    int i = sc_param(t, key);

    if (i >= 0)
        return i;
    for (uint32_t k = 0; k < t->n_params && strcmp(key, "path") == 0; k++)
        if (is_path(&t->params[k]))
            return (int)k;
    for (uint32_t k = 0; k < t->n_params && (strcmp(key, "old") == 0 || strcmp(key, "new") == 0);
         k++) {
        const char *name = t->params[k].name;

        if (strncmp(name, key, 3) == 0 &&
            (strcmp(name + 3, "path") == 0 || strcmp(name + 3, "fd") == 0))
            return (int)k;
    }
    return -1;
}

static bool has_result(const struct gyr_event_type *t)
{
    const uint64_t exit = T_CALL | T_EXIT;

    return (t->traits & exit) == exit && t->n_params > 0 &&
           (t->params[0].type == GYR_P_I64 || t->params[0].type == GYR_P_U64);
}

static int read_args(struct sc_call *c)
{
    int r = 0;

    for (size_t i = 0; i < sc_len(c->args) && r == 0; i++) {
        const json_t *v = sc_value_at(c->args, i);
        int at = place_of(c->type, sc_text(sc_key(c->args, i)));

        if (at < 0 || c->used >> i & 1)
            continue;
        c->used |= UINT64_C(1) << i;
        if (sc_kind(v) == SC_NULL)
            continue;
        r = sc_value(c, (uint32_t)at, v, &c->par[at].b);
        c->par[at].set = true;
    }
    return r;
}

/* The short form: a path, or the first parameter that is no result. */
static int read_main(struct sc_call *c)
{
    int at = place_of(c->type, "path");

    if (!c->main || c->main_used)
        return 0;
    if (at < 0)
        at = has_result(c->type) ? 1 : 0;
    if ((uint32_t)at >= c->type->n_params)
        return 0;
    c->main_used = true;
    c->par[at].set = true;
    return sc_value(c, (uint32_t)at, c->main, &c->par[at].b);
}

static int read_result(struct sc_call *c)
{
    const json_t *fails = sc_arg(c, "fails"), *v = NULL;
    int r = 0;

    if (!has_result(c->type))
        return fails ? sc_wrong(c->w->err, fails, "%s cannot fail", sc_text(c->word)) : 0;
    if (fails)
        r = sc_errno(c->w, fails, &c->res);
    else if (!c->main && (v = sc_arg(c, c->type->params[0].name)))
        r = sc_value(c, 0, v, &c->par[0].b);
    if (r == 0 && v)
        c->res = sc_num(c, 0);
    c->is_res_given = fails || v;
    return r;
}

static bool is_folder(const char *name)
{
    size_t n = strlen(name);

    return strcmp(name, "olddir") == 0 || strcmp(name, "newdir") == 0 ||
           (n >= 5 && strcmp(name + n - 5, "dirfd") == 0);
}

static int default_fd(struct sc_call *c, uint32_t i)
{
    const char *name = c->type->params[i].name;

    if (is_folder(name))
        sc_set_num(c, i, (uint64_t)SC_AT_FDCWD);
    else if (c->actor->last_fd >= 0)
        sc_set_num(c, i, (uint64_t)c->actor->last_fd);
    else if (c->type->traits & T_USES_FD)
        return sc_wrong(c->w->err, c->word, "%s of which descriptor? '%s' tells", sc_text(c->word),
                        name);
    else
        sc_set_num(c, i, UINT64_MAX);
    return 0;
}

/* What the user did not say: nothing for texts, 0 for numbers, the thread itself for processes. */
static int set_default(struct sc_call *c, uint32_t i)
{
    const struct gyr_param_def *p = &c->type->params[i];
    uint64_t v = 0;

    if (p->type == GYR_P_STR || p->type == GYR_P_STRS || p->type == GYR_P_BYTES ||
        p->type == GYR_P_OPAQUE || p->type == GYR_P_IP)
        return 0;
    if (p->kind == K_FD && c->type->id != EV_SYSCALL_MMAP_X && c->type->id != EV_SYSCALL_MMAP2_X)
        return default_fd(c, i);
    if (p->kind == K_FD)
        v = UINT64_MAX;
    if (p->kind == K_PID)
        v = (uint64_t)c->actor->pid;
    if (p->names && p->flags & GYR_PF_FLAGS && strcmp(p->name, "flags") == 0 &&
        strcmp(p->names[0].name, "O_LARGEFILE") == 0 && is_path(&c->type->params[i - 1]))
        v = 1; /* O_RDONLY */
    sc_set_num(c, i, v);
    return 0;
}

int sc_call_put(struct sc_call *c)
{
    struct scap_view *v = &c->w->view;
    uint32_t n = c->type->n_params;
    int r = 0;

    for (uint32_t i = 0; i < n && r == 0; i++)
        if (!c->par[i].set)
            r = set_default(c, i);
    if (r < 0)
        return r;
    scap_view_start(v, c->type->id, n, 0);
    v->tid = c->actor->tid;
    v->subtype = c->subtype;
    for (uint32_t i = 0; i < n; i++)
        if (c->par[i].b.len)
            scap_view_bytes(v, i, c->par[i].b.p, c->par[i].b.len);
    return sc_put(c->w);
}

/* ---- one word ---- */

void sc_call_begin(struct sc_call *c, struct sc_world *w, uint16_t type, struct sc_proc *actor)
{
    memset(c, 0, sizeof(*c));
    c->w = w;
    c->type = syscall_event_type(type);
    c->actor = actor;
}

/* A result that is a new descriptor is the lowest free one. */
static int set_result(struct sc_call *c)
{
    if (!has_result(c->type))
        return 0;
    if (!c->is_res_given && c->type->traits & T_CREATES_FD && sc_param(c->type, "fd1") < 0 &&
        c->type->id != EV_SYSCALL_FCNTL_X) {
        while (sc_fd_find(c->actor, c->res))
            c->res++;
    }
    sc_set_num(c, 0, (uint64_t)c->res);
    return c->par[0].b.p ? 0 : -ENOMEM;
}

/* Words without a meaning of their own still leave descriptors behind. */
static int keep_fd(struct sc_call *c)
{
    if (c->res < 0 || !(c->type->traits & T_CREATES_FD) || sc_param(c->type, "fd1") >= 0)
        return 0;
    return sc_fd_add(c->w, c->actor, c->res) ? 0 : -ENOMEM;
}

static int plain(struct sc_call *c, const struct sc_word *k)
{
    int r = read_result(c);

    if (r == 0)
        r = set_result(c);
    if (r == 0 && k && k->prepare)
        r = k->prepare(c);
    if (r == 0)
        r = read_args(c);
    if (r == 0)
        r = read_main(c);
    if (r == 0)
        r = check_args(c, k);
    if (r == 0)
        r = sc_call_put(c);
    if (r == 0 && c->res >= 0)
        r = k && k->after ? k->after(c) : keep_fd(c);
    return r;
}

static int generic(struct sc_call *c, uint32_t code)
{
    c->type = syscall_event_type(EV_GENERIC_X);
    c->subtype = code;
    sc_set_num(c, P_GENERIC_X__ID, code);
    if (sc_len(c->args) || c->main)
        return sc_wrong(c->w->err, c->word,
                        "of the call '%s' nothing but its name is in an event: it has no arguments",
                        sc_text(c->word));
    return sc_call_put(c);
}

static int run_word(struct sc_call *c)
{
    const char *name = sc_text(c->word);
    const struct sc_word *k = word_of(name);
    uint32_t code;
    int r;

    if (sc_len(c->args) > ARGS_MAX)
        return sc_wrong(c->w->err, c->args, "more than %d arguments", ARGS_MAX);
    c->type = k && k->type ? syscall_event_type(k->type) : sc_type_of(name);
    if (k && k->whole) {
        int unknown = 0;

        r = k->whole(c);
        /* A misspelt argument is why another is missing. */
        if (r == 0 || (r == -EINVAL && c->all_asked))
            unknown = check_args(c, k);
        return unknown < 0 ? unknown : r;
    }
    if (c->type)
        return plain(c, k);
    code = call_of(name);
    return code == UINT32_MAX ? unknown_word(c->w, c->word) : generic(c, code);
}

/* ---- the list ---- */

static bool is_modifier(const char *key)
{
    return strcmp(key, modifiers[0]) == 0 || strcmp(key, modifiers[1]) == 0;
}

static int read_modifiers(struct sc_world *w, const json_t *n)
{
    const json_t *by = sc_get(n, "by", NULL), *at = sc_get(n, "at", NULL);
    uint64_t ns;
    int r = 0;

    if (by) {
        struct sc_proc *p = sc_proc_of(w, by);

        if (!p)
            return -EINVAL;
        w->actor = p;
    }
    if (at) {
        r = sc_duration(w, at, &ns);
        if (r == 0)
            w->now_ns += ns;
    }
    return r;
}

static int one(struct sc_world *w, const json_t *n)
{
    const json_t *word = sc_text(n) ? n : NULL, *value = NULL;
    struct sc_call c;
    int r;

    if (!word && sc_kind(n) != SC_MAP)
        return sc_wrong(w->err, n, "an event is a word, or a mapping of a word to its arguments");
    for (size_t i = 0; i < sc_len(n); i++) {
        if (is_modifier(sc_text(sc_key(n, i))))
            continue;
        if (word)
            return sc_wrong(w->err, sc_key(n, i), "one event too many: '%.60s' stands here already",
                            sc_text(word));
        word = sc_key(n, i);
        value = sc_value_at(n, i);
    }
    if (!word)
        return sc_wrong(w->err, n, "which event? There is no word for it");
    r = read_modifiers(w, n);
    if (r < 0)
        return r;
    if (!w->actor)
        return sc_wrong(w->err, word,
                        "nobody is there who could do this: give a process, or name "
                        "one by 'by'");
    if (w->actor->ended)
        return sc_wrong(w->err, word, "'%s' has ended: name who does this by 'by'", w->actor->name);
    sc_call_begin(&c, w, 0, w->actor);
    c.word = word;
    if (sc_kind(value) == SC_MAP)
        c.args = value;
    else if (sc_kind(value) != SC_NULL)
        c.main = value;
    return run_word(&c);
}

int sc_when(struct sc_world *w, const json_t *list)
{
    int r = 0;

    if (list && sc_kind(list) != SC_LIST)
        return sc_wrong(w->err, list, "'when' is a list of events");
    for (size_t i = 0; i < sc_len(list) && r == 0; i++)
        r = one(w, sc_item(list, i));
    return r;
}
