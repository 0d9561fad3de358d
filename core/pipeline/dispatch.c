/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/dispatch.h"

#include "alert/delivery.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool hears(const char *wanted, const struct gyr_event_type *t)
{
    return strcmp(wanted, "*") == 0 || strcmp(wanted, t->name) == 0;
}

/* Index of the first name of @p p that means type @p t, or -1. */
static int which_of(const struct provider *p, const struct gyr_event_type *t)
{
    const char *const *e = p->ops->events;

    if (!e || !p->ops->on_event)
        return -1;
    for (int i = 0; e[i]; i++)
        if (hears(e[i], t))
            return i;
    return -1;
}

static bool is_known(const struct schema *schema, const char *name)
{
    for (uint32_t t = 0; t < schema->n_types; t++)
        if (hears(name, &schema->types[t]))
            return true;
    return false;
}

static int check_names(const struct schema *schema, const struct provider *p, struct gyr_error *err)
{
    const char *const *e = p->ops->events;
    struct suggest s;
    const char *best;

    while (e && *e && is_known(schema, *e))
        e++;
    if (!e || !*e)
        return 0;
    suggest_init(&s, *e, strlen(*e));
    for (uint32_t t = 0; t < schema->n_types; t++)
        suggest_offer(&s, schema->types[t].name);
    best = suggest_best(&s);
    return gyr_fail(err, -EINVAL, "schema '%s' has no event type '%s'%s%s%s", schema->name, *e,
                    best ? "; did it mean '" : "", best ? best : "", best ? "'?" : "");
}

int dispatch_init(struct dispatch *d, const struct schema *schema, const struct provider *providers,
                  uint32_t n, uint64_t only, struct gyr_error *err)
{
    uint32_t k = 0;

    *d = (struct dispatch){.schema = schema, .providers = providers, .n_providers = n};
    if (n > DISPATCH_MAX)
        return gyr_fail(err, -E2BIG, "more than %d enrichers for one source", DISPATCH_MAX);
    d->first = calloc((size_t)schema->n_types + 1, sizeof(*d->first));
    d->entries = calloc((size_t)schema->n_types * n + 1, sizeof(*d->entries));
    d->errors = calloc(n + 1, sizeof(*d->errors));
    if (!d->first || !d->entries || !d->errors) {
        dispatch_free(d);
        return gyr_fail(err, -ENOMEM, "no memory");
    }
    for (uint32_t i = 0; i < n; i++) {
        int r = check_names(schema, &providers[i], err);

        if (r < 0) {
            dispatch_free(d);
            return r;
        }
    }
    for (uint32_t t = 0; t < schema->n_types; t++) {
        d->first[t] = k;
        for (uint32_t i = 0; i < n; i++) {
            int which = which_of(&providers[i], &schema->types[t]);

            if (which >= 0 && only >> i & 1)
                d->entries[k++] = (struct dispatch_entry){i, (uint32_t)which};
        }
    }
    d->first[schema->n_types] = k;
    return 0;
}

void dispatch_free(struct dispatch *d)
{
    free(d->first);
    free(d->entries);
    free(d->errors);
    *d = (struct dispatch){0};
}

static void failed(struct dispatch *d, uint32_t provider, int r)
{
    uint64_t now = clock_ns();

    d->errors[provider]++;
    if (d->told_ns && now - d->told_ns < 10000000000u)
        return;
    d->told_ns = now;
    log_warning(NULL, "enricher '%s': an event was not understood: %s (%llu so far)",
                d->providers[provider].name, strerror(-r), (unsigned long long)d->errors[provider]);
}

uint64_t dispatch_tell(struct dispatch *d, const struct dispatch_entry *e,
                       const struct gyr_event *ev)
{
    const struct provider *p = &d->providers[e->provider];
    int r = p->ops->on_event(p->self, e->which, ev);

    if (r < 0)
        failed(d, e->provider, r);
    return r == GYR_AFTER && p->ops->after_event ? 1ull << e->provider : 0;
}

uint64_t dispatch_event(struct dispatch *d, const struct gyr_event *ev)
{
    uint32_t t = d->schema->dense[ev->type] - 1u;
    uint64_t after = 0;

    for (uint32_t i = d->first[t]; i < d->first[t + 1]; i++)
        after |= dispatch_tell(d, &d->entries[i], ev);
    return after;
}

void dispatch_after(struct dispatch *d, uint64_t who, const struct gyr_event *ev)
{
    for (; who; who &= who - 1) {
        const struct provider *p = &d->providers[__builtin_ctzll(who)];

        p->ops->after_event(p->self, ev);
    }
}

bool dispatch_want(const struct dispatch *d, uint64_t *types)
{
    bool generic = false;

    for (uint32_t t = 0; t < d->schema->n_types; t++) {
        const struct gyr_event_type *type = &d->schema->types[t];

        if (d->first[t] == d->first[t + 1])
            continue;
        types[type->id / 64] |= 1ull << type->id % 64;
        generic = generic || type->flags & GYR_ETF_GENERIC;
    }
    return generic;
}

uint64_t dispatch_errors(const struct dispatch *d)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < d->n_providers; i++)
        n += d->errors[i];
    return n;
}
