/* SPDX-License-Identifier: Apache-2.0 */
#include "threads.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK_THREADS = 256, EVICT_LOOK = 16, GONE = 64 };

#define GONE_MAX_NS UINT64_C(2000000000)

struct pr_thread_chunk {
    struct pr_thread threads[CHUNK_THREADS];
};

#define OF_LINK(l, member)                                                                         \
    ((struct pr_thread *)(void *)((char *)(l)-offsetof(struct pr_thread, member)))

struct pr_thread *pr_thread_in_group(struct pr_link *l)
{
    return OF_LINK(l, in_group);
}

struct pr_thread *pr_thread_with_files(struct pr_link *l)
{
    return OF_LINK(l, same_files);
}

struct pr_thread *pr_thread_with_fs(struct pr_link *l)
{
    return OF_LINK(l, same_fs);
}

static struct pr_thread *of_parent(struct pr_link *l)
{
    return OF_LINK(l, in_parent);
}

/* ---- the table ---- */

void pr_threads_init(struct pr_threads *t, struct pr_store *store, uint32_t max)
{
    memset(t, 0, sizeof(*t));
    t->store = store;
    t->max = max;
}

struct pr_thread *pr_thread_find(const struct pr_threads *t, int64_t tid)
{
    return pr_index_get(&t->by_tid, tid);
}

/* More threads on the free list, which is linked through `group`. */
static bool more_threads(struct pr_threads *t)
{
    struct pr_thread_chunk *c;

    if (t->n_chunks == t->cap_chunks) {
        uint32_t cap = t->cap_chunks ? t->cap_chunks * 2 : 16;
        struct pr_thread_chunk **p = realloc(t->chunks, cap * sizeof(struct pr_thread_chunk *));

        if (!p)
            return false;
        t->chunks = p;
        t->cap_chunks = cap;
    }
    c = calloc(1, sizeof(*c));
    if (!c)
        return false;
    t->chunks[t->n_chunks++] = c;
    for (uint32_t i = CHUNK_THREADS; i-- > 0;) {
        c->threads[i].tid = -1;
        c->threads[i].group = (struct pr_group *)(void *)t->free;
        t->free = &c->threads[i];
    }
    return true;
}

static void leave_group(struct pr_threads *t, struct pr_thread *th)
{
    struct pr_group *g = th->group;

    if (!g)
        return;
    pr_link_remove(&th->in_group);
    th->group = NULL;
    if (--g->refs)
        return;
    if (pr_index_get(&t->groups, g->pid) == g)
        pr_index_del(&t->groups, g->pid);
    pr_store_free(t->store, g, sizeof(*g));
}

/* The memory goes back; nothing else is told. */
static void erase(struct pr_threads *t, struct pr_thread *th)
{
    struct pr_str *strs[] = {th->comm, th->exe, th->exepath, th->cwd,       th->root,
                             th->args, th->env, th->cgroups, th->container, th->exec_at};

    while (th->children.next != &th->children)
        pr_link_remove(th->children.next);
    pr_link_remove(&th->in_parent);
    leave_group(t, th);
    for (size_t i = 0; i < sizeof(strs) / sizeof(strs[0]); i++)
        pr_str_free(t->store, strs[i]);
    pr_files_hand_over(t->store, th);
    pr_link_remove(&th->same_fs);
    pr_fds_free(t->store, &th->fds);
    pr_index_del(&t->by_tid, th->tid);
    t->n--;
    th->tid = -1;
    th->group = (struct pr_group *)(void *)t->free;
    t->free = th;
}

static struct pr_thread *at(const struct pr_threads *t, uint32_t i)
{
    return &t->chunks[i / CHUNK_THREADS]->threads[i % CHUNK_THREADS];
}

/* Of some threads in turn, remove the one not heard of for longest. */
static void evict(struct pr_threads *t, const struct pr_thread *keep)
{
    struct pr_thread *oldest = NULL;
    uint32_t all = t->n_chunks * CHUNK_THREADS;

    for (uint32_t i = 0, looked = 0; i < all && looked < EVICT_LOOK; i++) {
        struct pr_thread *th = at(t, t->hand % all);

        t->hand = (t->hand + 1) % all;
        if (th->tid == -1 || (keep && (th == keep || th->pid == keep->pid)))
            continue;
        looked++;
        if (!oldest || th->heard < oldest->heard)
            oldest = th;
    }
    if (!oldest)
        return;
    t->evicted++;
    if (oldest->group && !(oldest->marks & PR_DEAD) && oldest->group->alive)
        oldest->group->alive--;
    erase(t, oldest);
}

void pr_threads_evict(struct pr_threads *t)
{
    evict(t, NULL);
}

struct pr_thread *pr_thread_add(struct pr_threads *t, int64_t tid, const struct pr_thread *keep)
{
    struct pr_thread *th = pr_thread_find(t, tid);

    if (tid < 0)
        return NULL;
    if (th) {
        pr_thread_die(th);
        erase(t, th);
    } else if (t->n >= t->max) {
        evict(t, keep);
        if (t->n >= t->max)
            return NULL;
    }
    if (!t->free && !more_threads(t))
        return NULL;
    th = t->free;
    if (pr_index_put(&t->by_tid, tid, th) < 0)
        return NULL;
    t->free = (struct pr_thread *)(void *)th->group;
    t->n++;
    *th = (struct pr_thread){.tid = tid,
                             .pid = -1,
                             .ptid = -1,
                             .vtid = -1,
                             .vpid = -1,
                             .sid = -1,
                             .pgid = -1,
                             .vpgid = -1,
                             .reaper_tid = -1,
                             .fdlimit = -1,
                             .seen = t->snapshot,
                             .uid = UINT32_MAX,
                             .gid = UINT32_MAX,
                             .loginuid = UINT32_MAX};
    pr_link_init(&th->in_group);
    pr_link_init(&th->in_parent);
    pr_link_init(&th->children);
    pr_link_init(&th->same_files);
    pr_link_init(&th->same_fs);
    return th;
}

void pr_threads_each(struct pr_threads *t,
                     void (*fn)(struct pr_threads *t, struct pr_thread *th, void *arg), void *arg)
{
    for (uint32_t i = 0; i < t->n_chunks * CHUNK_THREADS; i++)
        if (at(t, i)->tid != -1)
            fn(t, at(t, i), arg);
}

uint32_t pr_threads_places(const struct pr_threads *t)
{
    return t->n_chunks * CHUNK_THREADS;
}

struct pr_thread *pr_threads_at(const struct pr_threads *t, uint32_t place)
{
    struct pr_thread *th = at(t, place);

    return th->tid == -1 ? NULL : th;
}

static void erase_one(struct pr_threads *t, struct pr_thread *th, void *arg)
{
    (void)arg;
    erase(t, th);
}

void pr_threads_free(struct pr_threads *t)
{
    pr_threads_each(t, erase_one, NULL);
    for (uint32_t i = 0; i < t->n_chunks; i++)
        free(t->chunks[i]);
    free(t->chunks);
    pr_index_free(&t->by_tid);
    pr_index_free(&t->groups);
    memset(t, 0, sizeof(*t));
}

/* ---- groups and parents ---- */

static void join_group(struct pr_threads *t, struct pr_thread *th)
{
    struct pr_group *g = pr_index_get(&t->groups, th->pid);

    if (!g) {
        g = pr_store_alloc(t->store, sizeof(*g));
        if (!g)
            return;
        *g = (struct pr_group){.pid = th->pid, .reaper = th->pid == 1 || th->vpid == 1};
        pr_link_init(&g->threads);
        if (pr_index_put(&t->groups, th->pid, g) < 0) {
            pr_store_free(t->store, g, sizeof(*g));
            return;
        }
    }
    pr_link_after(pr_thread_is_main(th) ? &g->threads : g->threads.prev, &th->in_group);
    g->refs++;
    g->alive++;
    th->group = g;
}

static void adopt(struct pr_thread *parent, struct pr_thread *child)
{
    pr_link_remove(&child->in_parent);
    pr_link_after(&parent->children, &child->in_parent);
    child->ptid = parent->tid;
}

void pr_thread_relate(struct pr_threads *t, struct pr_thread *th)
{
    struct pr_thread *parent;

    if (pr_thread_is_invalid(th) || th->group)
        return;
    join_group(t, th);
    if (th->pid == 1)
        return;
    parent = pr_thread_find(t, th->ptid);
    if (!parent || pr_thread_is_invalid(parent) || parent == th)
        th->ptid = 0;
    else
        adopt(parent, th);
}

struct pr_thread *pr_thread_main(struct pr_thread *th)
{
    struct pr_thread *first;

    if (pr_thread_is_main(th))
        return th;
    if (!th->group)
        return NULL;
    first = pr_thread_in_group(th->group->threads.next);
    return pr_thread_is_main(first) ? first : NULL;
}

struct pr_thread *pr_thread_ancestor(const struct pr_threads *t, struct pr_thread *th, uint32_t n)
{
    th = pr_thread_main(th);
    for (uint32_t i = 0; i < n && th; i++) {
        th = pr_thread_find(t, th->ptid);
        if (th)
            th = pr_thread_main(th);
    }
    return th;
}

static struct pr_thread *parent_of(const struct pr_threads *t, const struct pr_thread *th)
{
    return th ? pr_thread_find(t, th->ptid) : NULL;
}

void pr_walk_begin(struct pr_walk *w, const struct pr_threads *t, const struct pr_thread *th)
{
    w->t = t;
    w->slow = parent_of(t, th);
    w->fast = parent_of(t, w->slow);
    w->ended = false;
}

struct pr_thread *pr_walk_next(struct pr_walk *w)
{
    struct pr_thread *now = w->slow;

    if (!now || w->ended)
        return NULL;
    w->slow = parent_of(w->t, now);
    for (int i = 0; i < 2; i++) {
        w->fast = parent_of(w->t, w->fast);
        if (w->slow && (w->slow == w->fast || w->slow->tid == w->slow->ptid))
            w->ended = true;
    }
    return now;
}

/* ---- the end ---- */

void pr_thread_die(struct pr_thread *th)
{
    if (!(th->marks & PR_DEAD) && th->group && th->group->alive)
        th->group->alive--;
    th->marks |= PR_DEAD;
}

void pr_thread_revive(struct pr_thread *th)
{
    if (!(th->marks & PR_DEAD))
        return;
    th->marks &= ~(uint32_t)PR_DEAD;
    if (th->group)
        th->group->alive++;
}

/* A thread of @p g that lives, other than @p not. */
static struct pr_thread *living(struct pr_group *g, const struct pr_thread * not )
{
    if (!g || g->alive == 0)
        return NULL;
    for (struct pr_link *l = g->threads.next; l != &g->threads; l = l->next)
        if (!(pr_thread_in_group(l)->marks & PR_DEAD) && pr_thread_in_group(l) != not )
            return pr_thread_in_group(l);
    return NULL;
}

/* Who gets the children of @p th: its own process, else the nearest reaper above it in the same
 * PID namespace. */
static struct pr_thread *find_reaper(const struct pr_threads *t, struct pr_thread *th)
{
    struct pr_thread *found = living(th->group, th), *up;
    struct pr_walk w;

    if (found)
        return found;
    pr_walk_begin(&w, t, th);
    while ((up = pr_walk_next(&w)) && up != th) {
        if (pr_thread_in_pidns(up) != pr_thread_in_pidns(th))
            break;
        found = up->group && up->group->reaper ? living(up->group, th) : NULL;
        if (found)
            return found;
    }
    return NULL;
}

static void hand_over(struct pr_threads *t, struct pr_thread *th)
{
    struct pr_thread *to = th->reaper_tid > 0 ? pr_thread_find(t, th->reaper_tid) : NULL;

    if (!to || pr_thread_is_invalid(to))
        to = find_reaper(t, th);
    if (to == th)
        to = NULL;
    if (to && to->pid != th->pid && to->group)
        to->group->reaper = true;
    while (th->children.next != &th->children) {
        struct pr_thread *child = of_parent(th->children.next);

        if (to && to != child) {
            adopt(to, child);
        } else {
            pr_link_remove(&child->in_parent);
            child->ptid = 0;
        }
    }
}

void pr_thread_remove(struct pr_threads *t, int64_t tid)
{
    struct pr_thread *th = pr_thread_find(t, tid), *main;

    if (!th)
        return;
    if (pr_thread_is_invalid(th) || !th->group) {
        erase(t, th);
        return;
    }
    pr_thread_die(th);
    if (th->children.next != &th->children)
        hand_over(t, th);
    if (th->group->alive == 0) {
        main = pr_thread_main(th);
        if (main && main != th)
            erase(t, main);
        erase(t, th);
    } else if (!pr_thread_is_main(th)) {
        erase(t, th);
    }
}

void pr_thread_drop_siblings(struct pr_threads *t, struct pr_thread *th)
{
    struct pr_link *l, *next;

    if (!th->group || th->group->alive <= 1)
        return;
    for (l = th->group->threads.next; l != &th->group->threads; l = next) {
        struct pr_thread *other = pr_thread_in_group(l);

        next = l->next;
        if (other != th && !pr_thread_is_main(other))
            pr_thread_remove(t, other->tid);
    }
}

void pr_threads_note_gone(struct pr_threads *t, const struct pr_thread *th, uint64_t ts)
{
    t->gone[t->gone_at] = (struct pr_gone){th->tid, th->ptid, ts};
    t->gone_at = (t->gone_at + 1) % GONE;
}

bool pr_threads_is_gone(const struct pr_threads *t, int64_t tid, int64_t ptid, uint64_t ts)
{
    for (uint32_t i = 0; i < GONE; i++) {
        const struct pr_gone *g = &t->gone[i];

        if (g->ts && g->tid == tid && g->ptid == ptid && ts >= g->ts && ts - g->ts < GONE_MAX_NS)
            return true;
    }
    return false;
}
