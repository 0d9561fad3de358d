/* SPDX-License-Identifier: Apache-2.0 */
#include "fds.h"
#include "fdorder.h"

#include <string.h>

enum { CAP_MIN = 8 };

static size_t size_of(uint32_t cap)
{
    return sizeof(struct pr_fds) + (size_t)cap * sizeof(struct pr_fd) + pr_order_size(cap);
}

static uint32_t home(const struct pr_fds *t, int64_t num)
{
    return (uint32_t)num & (t->cap - 1); /* descriptors are small and dense */
}

static struct pr_fd *slot_of(struct pr_fds *t, int64_t num)
{
    uint32_t i = home(t, num);

    while (t->slots[i].num != -1 && t->slots[i].num != num)
        i = (i + 1) & (t->cap - 1);
    return &t->slots[i];
}

struct pr_fd *pr_fds_find(struct pr_fds *t, int64_t num)
{
    struct pr_fd *fd;

    if (!t || num < 0)
        return NULL;
    fd = slot_of(t, num);
    return fd->num == num ? fd : NULL;
}

static void fd_clear(struct pr_store *s, struct pr_fd *fd)
{
    pr_str_free(s, fd->name);
    pr_str_free(s, fd->raw);
}

/* A copy with room for @p cap slots, for the table's owner or for a child of it. */
static struct pr_fds *table_copy(struct pr_store *s, struct pr_fds *t, uint32_t cap, bool owner)
{
    struct pr_fds *new = pr_store_alloc(s, size_of(cap));

    if (!new)
        return NULL;
    *new = (struct pr_fds){.refs = 1, .cap = cap};
    pr_order_init(new, t && owner ? t->n_buckets : 0);
    for (uint32_t i = 0; i < cap; i++)
        new->slots[i].num = -1;
    for (uint32_t i = t ? t->first : PR_FDS_END; i != PR_FDS_END; i = pr_order_next(t, i)) {
        struct pr_fd *to = slot_of(new, t->slots[i].num);

        *to = t->slots[i];
        if (to->name)
            to->name->refs++;
        if (to->raw)
            to->raw->refs++;
        if (owner)
            pr_order_append(new, (uint32_t)(to - new->slots));
        else
            pr_order_add(new, (uint32_t)(to - new->slots));
    }
    return new;
}

/* Falco's child has its own table from the start, in the order of a copy: the holder that is not
 * the owner catches up. */
static bool own(struct pr_store *s, struct pr_fds **t, uint32_t cap)
{
    bool owner = !*t || (*t)->owner == t;
    struct pr_fds *new;

    if (*t && (*t)->refs == 1 && (*t)->cap >= cap) {
        if (!owner)
            pr_order_again(*t);
        (*t)->owner = t;
        return true;
    }
    if (*t && cap < (*t)->cap)
        cap = (*t)->cap;
    new = table_copy(s, *t, cap, owner);
    if (!new)
        return false;
    pr_fds_free(s, t);
    *t = new;
    new->owner = t;
    return true;
}

struct pr_fd *pr_fds_edit(struct pr_store *s, struct pr_fds **t, int64_t num)
{
    if (!pr_fds_find(*t, num) || !own(s, t, 0))
        return NULL;
    return pr_fds_find(*t, num);
}

static void del_at(struct pr_store *s, struct pr_fds *t, uint32_t hole)
{
    uint32_t mask = t->cap - 1;

    fd_clear(s, &t->slots[hole]);
    pr_order_del(t, hole);
    for (uint32_t i = (hole + 1) & mask; t->slots[i].num != -1; i = (i + 1) & mask) {
        if (((i - home(t, t->slots[i].num)) & mask) >= ((i - hole) & mask)) {
            t->slots[hole] = t->slots[i];
            pr_order_move(t, i, hole);
            hole = i;
        }
    }
    t->slots[hole].num = -1;
}

struct pr_fd *pr_fds_add(struct pr_store *s, struct pr_fds **t, int64_t num)
{
    uint32_t cap = *t ? (*t)->cap : CAP_MIN, n = *t ? (*t)->n : 0;
    struct pr_fd *fd;
    bool is_new;

    if (num < 0)
        return NULL;
    if (n >= cap / 4 * 3 && n < PR_FDS_MAX)
        cap *= 2;
    if (!own(s, t, cap))
        return NULL;
    /* what is opened now counts more than what somebody opened so many for */
    if (n >= PR_FDS_MAX && !pr_fds_find(*t, num))
        del_at(s, *t, (*t)->last);
    fd = slot_of(*t, num);
    if (fd->num == num)
        fd_clear(s, fd);
    is_new = fd->num != num;
    *fd = (struct pr_fd){.num = num};
    if (is_new)
        pr_order_add(*t, (uint32_t)(fd - (*t)->slots));
    return fd;
}

void pr_fds_del(struct pr_store *s, struct pr_fds **t, int64_t num)
{
    struct pr_fd *fd = pr_fds_edit(s, t, num);

    if (fd)
        del_at(s, *t, (uint32_t)(fd - (*t)->slots));
}

void pr_fds_drop(struct pr_store *s, struct pr_fds **t,
                 bool (*drop)(struct pr_fd *fd, const void *arg), const void *arg)
{
    bool any = false;

    for (uint32_t i = 0; *t && i < (*t)->cap && !any; i++)
        any = (*t)->slots[i].num != -1 && drop(&(*t)->slots[i], arg);
    if (!any || !own(s, t, 0))
        return;
    do { /* a deletion may move an entry to a place already seen: look again */
        any = false;
        for (uint32_t i = 0; i < (*t)->cap; i++)
            while ((*t)->slots[i].num != -1 && drop(&(*t)->slots[i], arg)) {
                del_at(s, *t, i);
                any = true;
            }
    } while (any);
}

struct pr_fds *pr_fds_share(struct pr_store *s, struct pr_fds **t)
{
    if (!*t || ((*t)->owner != t && !own(s, t, 0)))
        return NULL;
    (*t)->refs++;
    return *t;
}

void pr_fds_free(struct pr_store *s, struct pr_fds **at)
{
    struct pr_fds *t = *at;

    *at = NULL;
    if (t && t->owner == at)
        t->owner = NULL;
    if (!t || --t->refs)
        return;
    for (uint32_t i = 0; i < t->cap; i++)
        if (t->slots[i].num != -1)
            fd_clear(s, &t->slots[i]);
    pr_store_free(s, t, size_of(t->cap));
}

void pr_fds_move(struct pr_store *s, struct pr_fds **to, struct pr_fds **from)
{
    pr_fds_free(s, to);
    *to = *from;
    *from = NULL;
    if (*to && (*to)->owner == from)
        (*to)->owner = to;
}

struct pr_fds *pr_fds_in_order(struct pr_store *s, struct pr_fds **t)
{
    if (*t && (*t)->owner != t)
        (void)own(s, t, 0); /* without memory the order is the parent's */
    return *t;
}

void pr_fd_copy(struct pr_store *s, struct pr_fd *to, const struct pr_fd *from)
{
    int64_t num = to->num;
    struct pr_fd old = *to;

    *to = *from;
    to->num = num;
    if (to->name)
        to->name->refs++;
    if (to->raw)
        to->raw->refs++;
    fd_clear(s, &old);
}

static const struct {
    char letter;
    const char *name;
} kinds[] = {
    [FD_UNKNOWN] = {'o', "<NA>"},
    [FD_FILE] = {'f', "file"},
    [FD_DIRECTORY] = {'d', "directory"},
    [FD_IPV4] = {'4', "ipv4"},
    [FD_IPV6] = {'6', "ipv6"},
    [FD_IPV4_SERVER] = {'4', "ipv4"},
    [FD_IPV6_SERVER] = {'6', "ipv6"},
    [FD_PIPE] = {'p', "pipe"},
    [FD_UNIX] = {'u', "unix"},
    [FD_EVENT] = {'e', "event"},
    [FD_UNSUPPORTED] = {'X', "<NA>"},
    [FD_SIGNAL] = {'s', "signalfd"},
    [FD_EVENTPOLL] = {'l', "eventpoll"},
    [FD_INOTIFY] = {'i', "inotify"},
    [FD_TIMER] = {'t', "timerfd"},
    [FD_NETLINK] = {'n', "netlink"},
    [FD_FILE_V2] = {'f', "file"},
    [FD_BPF] = {'b', "bpf"},
    [FD_USERFAULT] = {'u', "userfaultfd"},
    [FD_IO_URING] = {'r', "io_uring"},
    [FD_MEMFD] = {'m', "memfd"},
    [FD_PIDFD] = {'P', "pidfd"},
};

char pr_fd_char(uint8_t type)
{
    return type <= FD_PIDFD ? kinds[type].letter : '?';
}

const char *pr_fd_type_name(uint8_t type)
{
    return type <= FD_PIDFD ? kinds[type].name : "<NA>";
}

uint8_t pr_fd_l4(const struct pr_fd *fd)
{
    if (fd->type == FD_IPV4_SERVER || fd->type == FD_IPV6_SERVER)
        return fd->l4;
    if (fd->type != FD_IPV4 && fd->type != FD_IPV6)
        return PR_L4_NA;
    if (fd->l4 == PR_L4_RAW)
        return PR_L4_RAW;
    return fd->flags & (PR_FD_CLIENT | PR_FD_SERVER) ? fd->l4 : PR_L4_NA;
}
