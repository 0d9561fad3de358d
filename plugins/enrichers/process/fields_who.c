/* SPDX-License-Identifier: Apache-2.0 */
/* Users, groups and the container. */
#include "fields.h"

static int user(const struct pr_ask *a, uint32_t id, struct gyr_value *ret)
{
    const struct pr_thread *th = a->now->thread;
    uint32_t uid = id == W_USER_LOGINNAME ? th->loginuid : th->uid;
    const struct pr_account *u =
        pr_account_find(&a->s->accounts, true, pr_container_short(th), uid);

    switch (id) {
    case W_USER_HOMEDIR:
        return u ? pr_string(u->home, ret) : pr_literal(uid == 0 ? "/root" : "<NA>", ret);
    case W_USER_SHELL:
        return u ? pr_string(u->shell, ret) : pr_literal("<NA>", ret);
    default:
        return u ? pr_string(u->name, ret) : pr_literal(uid == 0 ? "root" : "<NA>", ret);
    }
}

int pr_get_who(const struct pr_ask *a, struct gyr_value *ret)
{
    const struct pr_thread *th = a->now->thread;
    const struct pr_account *g;

    if (!th)
        return GYR_ABSENT;
    switch (a->b->field->id) {
    case W_USER_UID:
        return pr_num(a, th->uid, ret);
    case W_USER_LOGINUID:
        return pr_num(a, th->loginuid == UINT32_MAX ? UINT64_MAX : th->loginuid, ret);
    case W_GROUP_GID:
        return pr_num(a, th->gid, ret);
    case W_GROUP_NAME:
        g = pr_account_find(&a->s->accounts, false, pr_container_short(th), th->gid);
        return g ? pr_string(g->name, ret) : pr_literal(th->gid == 0 ? "root" : "<NA>", ret);
    case W_CONTAINER_ID:
        return th->container ? pr_text(pr_container_short(th), ret) : pr_literal("host", ret);
    case W_CONTAINER_FULL_ID:
        return th->container ? pr_string(th->container, ret) : GYR_ABSENT;
    case W_CONTAINER_START_TS: /* a container starts with the first process of its PID namespace */
        return th->container && th->pidns_start ? pr_num(a, th->pidns_start, ret) : GYR_ABSENT;
    default:
        return user(a, a->b->field->id, ret);
    }
}
