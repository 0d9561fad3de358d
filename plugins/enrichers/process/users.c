/* SPDX-License-Identifier: Apache-2.0 */
#include "users.h"

#include <string.h>

void pr_accounts_init(struct pr_accounts *a, struct pr_store *store)
{
    memset(a, 0, sizeof(*a));
    a->store = store;
}

static void account_free(struct pr_accounts *a, struct pr_account *u)
{
    if (!u)
        return;
    pr_str_free(a->store, u->container);
    pr_str_free(a->store, u->name);
    pr_str_free(a->store, u->home);
    pr_str_free(a->store, u->shell);
    pr_store_free(a->store, u, sizeof(*u));
}

static void index_free(struct pr_accounts *a, struct pr_index *m)
{
    for (uint32_t i = 0; i < m->cap; i++)
        account_free(a, m->slots[i].value);
    pr_index_free(m);
}

void pr_accounts_free(struct pr_accounts *a)
{
    index_free(a, &a->users);
    index_free(a, &a->groups);
}

/* The host's are kept by number, a container's by a hash: what is found must be compared. */
static int64_t key_of(struct pr_text container, uint32_t id)
{
    uint64_t h = 0xcbf29ce484222325u;

    if (!container.len)
        return id;
    for (uint32_t i = 0; i < container.len; i++)
        h = (h ^ (uint8_t)container.p[i]) * 0x100000001b3u;
    return (int64_t)((h << 32) ^ h ^ ((uint64_t)id << 32) ^ id);
}

static struct pr_account *find(const struct pr_index *m, struct pr_text container, uint32_t id)
{
    struct pr_account *u = pr_index_get(m, key_of(container, id));
    struct pr_text theirs = u ? pr_text_of(u->container) : container;

    if (!u || u->id != id || theirs.len != container.len ||
        memcmp(theirs.p, container.p, theirs.len) != 0)
        return NULL;
    return u;
}

const struct pr_account *pr_account_find(const struct pr_accounts *a, bool users,
                                         struct pr_text container, uint32_t id)
{
    return find(users ? &a->users : &a->groups, container, id);
}

void pr_account_del(struct pr_accounts *a, bool users, struct pr_text container, uint32_t id)
{
    struct pr_index *m = users ? &a->users : &a->groups;
    struct pr_account *u = find(m, container, id);

    if (!u)
        return;
    pr_index_del(m, key_of(container, id));
    account_free(a, u);
}

void pr_account_put(struct pr_accounts *a, bool users, struct pr_text container, uint32_t id,
                    const struct pr_text info[3])
{
    struct pr_index *m = users ? &a->users : &a->groups;
    int64_t key = key_of(container, id);
    struct pr_account *u = pr_index_get(m, key);

    if (!u) {
        u = m->n < PR_ACCOUNTS_MAX ? pr_store_alloc(a->store, sizeof(*u)) : NULL;
        if (!u) {
            a->refused++;
            return;
        }
        memset(u, 0, sizeof(*u));
        if (pr_index_put(m, key, u) < 0) {
            pr_store_free(a->store, u, sizeof(*u));
            return;
        }
    }
    u->id = id;
    pr_str_set(a->store, &u->container, container.p, container.len);
    pr_str_set(a->store, &u->name, info[0].p, info[0].len);
    pr_str_set(a->store, &u->home, info[1].p, info[1].len);
    pr_str_set(a->store, &u->shell, info[2].p, info[2].len);
}

/* ---- addresses ---- */

void pr_addrs_add(struct pr_addrs *a, const uint8_t *ip, const uint8_t *mask, bool is6)
{
    size_t len = is6 ? 16 : 4;
    struct pr_addr *e;

    for (uint32_t i = 0; i < a->n; i++)
        if (a->list[i].is6 == is6 && memcmp(a->list[i].ip, ip, len) == 0)
            return;
    if (a->n == PR_ADDRS_MAX)
        return;
    e = &a->list[a->n++];
    memset(e, 0, sizeof(*e));
    memcpy(e->ip, ip, len);
    if (mask)
        memcpy(e->mask, mask, len);
    e->is6 = is6;
}

static bool same_net(const struct pr_addr *e, const uint8_t *ip)
{
    if (e->is6) /* recorders give no mask: the first half is the network */
        return memcmp(e->ip, ip, 8) == 0;
    for (int i = 0; i < 4; i++)
        if ((e->ip[i] & e->mask[i]) != (ip[i] & e->mask[i]))
            return false;
    return true;
}

bool pr_addrs_is_local(const struct pr_addrs *a, const uint8_t *ip, bool is6)
{
    for (uint32_t i = 0; i < a->n; i++) {
        const struct pr_addr *e = &a->list[i];

        if (e->is6 == is6 && (is6 ? same_net(e, ip) : memcmp(e->ip, ip, 4) == 0))
            return true;
    }
    return false;
}

static bool is_loopback(const struct pr_addr *e)
{
    static const uint8_t one[16] = {[15] = 1}, v4[4] = {127, 0, 0, 1};

    return e->is6 ? memcmp(e->ip, one, 16) == 0 : memcmp(e->ip, v4, 4) == 0;
}

/* Our address towards @p peer: itself if it is ours, else one in its network, else the first. */
static const uint8_t *ours_for(const struct pr_addrs *a, const uint8_t *peer, bool is6)
{
    const struct pr_addr *e;

    for (uint32_t i = 0; i < a->n; i++)
        if (a->list[i].is6 == is6 && memcmp(a->list[i].ip, peer, is6 ? 16 : 4) == 0)
            return a->list[i].ip;
    for (uint32_t i = 0; i < a->n; i++) {
        e = &a->list[i];
        if (e->is6 == is6 && same_net(e, peer))
            return e->ip;
    }
    for (uint32_t i = 0; i < a->n; i++) {
        e = &a->list[i];
        if (e->is6 == is6 && !is_loopback(e))
            return e->ip;
    }
    return NULL;
}

void pr_addrs_complete(const struct pr_addrs *a, struct pr_fd *fd)
{
    static const uint8_t zero[16];
    bool is6 = fd->type == FD_IPV6, no_s, no_d;
    size_t len = is6 ? 16 : 4;
    const uint8_t *ours, *peer;

    if (!pr_fd_is_inet(fd))
        return;
    no_s = memcmp(fd->sip, zero, len) == 0;
    no_d = memcmp(fd->dip, zero, len) == 0;
    if (!no_s && !no_d)
        return;
    peer = no_s ? fd->dip : fd->sip;
    ours = ours_for(a, peer, is6);
    if (ours && memcmp(ours, peer, len) == 0 && fd->sport == fd->dport)
        return;
    if (ours)
        memcpy(no_s ? fd->sip : fd->dip, ours, len);
    else
        memset(no_s ? fd->sip : fd->dip, 0, len);
}
