/* SPDX-License-Identifier: Apache-2.0 */
/* What a source tells upstream (which events are of use) and downstream (alerts). */
#include "pipeline/source.h"

#include "base/log.h"
#include "base/sentence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    TYPE_WORDS = 65536 / 64,
    RULES_COUNTED_MAX = 65536 /* of all generations */
};

/* The rules' wishes, the enrichers', and what builds state whoever asks. */
static void collect_want(const struct source *s, const struct generation *also, uint64_t *types,
                         uint64_t *subtypes, uint32_t n_subtype_words)
{
    const struct schema *schema = s->schema;

    program_want(s->gen->programs[s->program], types, subtypes);
    if (also)
        program_want(also->programs[s->program], types, subtypes);
    if (dispatch_want(&s->dispatch, types))
        memset(subtypes, 0xff, n_subtype_words * sizeof(*subtypes));
    if (s->filters)
        filters_want(s->filters, types, subtypes);
    for (uint32_t t = 0; t < schema->n_types; t++) {
        const struct gyr_event_type *type = &schema->types[t];

        if (type->flags & GYR_ETF_STATE || type->id >= GYR_EV_CORE_MIN)
            types[type->id / 64] |= 1ull << type->id % 64;
    }
}

int source_want(struct source *s, const struct generation *also, struct gyr_error *err)
{
    uint32_t n_sub = (s->schema->n_subtype_ids + 63) / 64;
    uint64_t *types, *subtypes;
    struct gyr_want w;
    int r;

    if (!s->ops->want)
        return 0;
    types = calloc(TYPE_WORDS, sizeof(*types));
    subtypes = calloc(n_sub + 1, sizeof(*subtypes));
    if (!types || !subtypes) {
        r = gyr_fail(err, -ENOMEM, "no memory");
    } else {
        collect_want(s, also, types, subtypes, n_sub);
        w = (struct gyr_want){.size = sizeof(w),
                              .n_type_words = TYPE_WORDS,
                              .n_subtype_words = n_sub,
                              .types = types,
                              .subtypes = subtypes};
        r = s->ops->want(s->inst->self, &w, err);
        if (r < 0)
            (void)sentence_of(err, "want()");
    }
    free(types);
    free(subtypes);
    return r < 0 ? r : 0;
}

static void count_rule(struct source *s, const struct rule *rule)
{
    size_t n = strlen(rule->name);
    struct rule_tally *t = map_get(&s->rules, rule->name, n);
    int r;

    if (!t && s->rules.n >= RULES_COUNTED_MAX)
        return;
    if (!t) {
        t = calloc(1, sizeof(*t) + n + 1);
        if (!t)
            return;
        memcpy(t->name, rule->name, n);
        (void)pthread_mutex_lock(&s->lock);
        r = map_put(&s->rules, t->name, n, t);
        (void)pthread_mutex_unlock(&s->lock);
        if (r < 0) {
            free(t);
            return;
        }
    }
    atomic_store_explicit(&t->priority, rule->priority, memory_order_relaxed);
    count_up(&t->n, 1);
}

void source_match(void *ctx, const struct match *m)
{
    struct source *s = ctx;
    struct alert *a = NULL;
    int r = 0;

    s->now.alerts++;
    count_rule(s, m->rule);
    if (s->watch && s->watch->alert && (r = alert_make(&s->maker, m, &a)) == 0)
        s->watch->alert(s->watch->ctx, &a->a);
    for (uint32_t i = 0; i < s->routes->n; i++) {
        const struct route *to = &s->routes->list[i];

        if (!alert_filter_takes(&to->filter, m->rule))
            continue;
        if (!a)
            r = alert_make(&s->maker, m, &a);
        if (r < 0) {
            if (s->now.alerts_lost++ == 0)
                log_error(NULL, "source '%s': an alert of rule '%s' is lost: %s", s->name,
                          m->rule->name, strerror(-r));
            break;
        }
        atomic_store_explicit(&s->offers, true, memory_order_relaxed);
        (void)delivery_offer(to->delivery, a); /* what it drops, it counts */
        atomic_store_explicit(&s->offers, false, memory_order_relaxed);
        s->alerted = true;
    }
    alert_unref(a);
}

void source_wake_sinks(struct source *s)
{
    for (uint32_t i = 0; s->alerted && i < s->routes->n; i++)
        delivery_wake(s->routes->list[i].delivery);
    s->alerted = false;
}
