/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/peers.h"

#include "base/log.h"
#include "engine/value.h"

#include <errno.h>
#include <stdlib.h>

void peers_init(struct peers *p, const struct provider *providers, uint32_t n)
{
    *p = (struct peers){.providers = providers, .n_providers = n};
}

static void unbind(const struct peers *p, struct peer_field *f)
{
    for (uint32_t i = 0; i < f->n; i++) {
        const struct provider *pr = &p->providers[f->list[i].provider];

        if (pr->ops->unbind)
            pr->ops->unbind(pr->self, f->list[i].handle);
    }
    free(f->list);
}

void peers_free(struct peers *p)
{
    for (uint32_t i = 0; i < p->n_fields; i++)
        unbind(p, &p->fields[i]);
    *p = (struct peers){0};
}

static const struct gyr_field *row_of(const struct gyr_enricher_ops *ops, uint32_t field)
{
    const char *row = (const char *)ops->fields + (size_t)field * ops->field_stride;

    return (const struct gyr_field *)(const void *)row;
}

/* Of many values all are wanted, as by a comparison. */
static uint32_t type_of(const struct gyr_field *f)
{
    return f->flags & GYR_FF_MANY ? (uint32_t)GYR_T_LIST : f->type;
}

int peers_bind(struct peers *p, uint32_t asker, const char *name, uint32_t *ret_handle)
{
    struct peer_field f = {0};
    int why = -ENOENT;

    if (p->n_fields == PEERS_FIELDS_MAX)
        return -ENOSPC;
    f.list = calloc(p->n_providers + 1, sizeof(*f.list));
    if (!f.list)
        return -ENOMEM;
    for (uint32_t i = 0; i < p->n_providers; i++) {
        const struct provider *pr = &p->providers[i];
        int at = i == asker ? -1 : provider_field(pr, name);
        struct gyr_error err;
        uint32_t type;

        if (at < 0 || !pr->ops->bind || !pr->ops->get)
            continue;
        f.list[f.n].field = row_of(pr->ops, (uint32_t)at);
        type = type_of(f.list[f.n].field);
        if (pr->ops->bind(pr->self, (uint32_t)at, NULL, &f.list[f.n].handle, &type, &err) < 0) {
            why = -EINVAL;
            continue;
        }
        f.list[f.n++].provider = i;
    }
    if (f.n == 0) {
        free(f.list);
        return why;
    }
    *ret_handle = p->n_fields;
    p->fields[p->n_fields++] = f;
    return 0;
}

/* Who asks another's provider cannot wait for it: it has no ticket that the core knows of. */
static void give_back(const struct provider *pr, uint32_t handle, uint64_t ticket)
{
    if (pr->ops->release)
        pr->ops->release(pr->self, handle, ticket);
}

/* Who asked would read it as what was declared. */
static bool fits(const struct provider *pr, struct peer_binding *b, const struct gyr_value *v)
{
    const struct gyr_field *f = b->field;
    bool list = f->flags & (GYR_FF_MANY | GYR_FF_LIST);

    if (value_fits(v, f->type, list))
        return true;
    if (!b->told && v->type != GYR_T_NONE)
        value_tell_unfit(v, f, list, pr->name);
    b->told = true;
    return false;
}

int peers_get(struct peers *p, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret)
{
    int answer = GYR_ABSENT;

    if (handle >= p->n_fields || p->depth == PEERS_DEPTH_MAX)
        return GYR_ABSENT;
    p->depth++;
    for (uint32_t i = 0; i < p->fields[handle].n && answer != GYR_PRESENT; i++) {
        struct peer_binding *b = &p->fields[handle].list[i];
        const struct provider *pr = &p->providers[b->provider];
        struct gyr_value v = {0};
        int r = pr->ops->get(pr->self, ev, b->handle, &v);

        if (r == GYR_PENDING) {
            give_back(pr, b->handle, v.u.u64);
            answer = r;
        } else if (r == GYR_PRESENT && fits(pr, b, &v)) {
            *ret = v;
            answer = r;
        }
    }
    p->depth--;
    return answer;
}
