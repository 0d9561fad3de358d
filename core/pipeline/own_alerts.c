/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts about Gyr itself: what a source's failure or losses keep the rules from seeing. They go
 * the way of every other alert. docs/configuration.md lists them. */
#include "pipeline/source.h"

#include "base/cleanup.h"

#include <string.h>

/* Losses are told in sums: a moment after the first, so that those of all CPUs are in it, and not
 * too often. In the time of the events, so that a replay tells the same. */
static const uint64_t LOSS_GATHER_NS = 1000000000, LOSS_EVERY_NS = 10000000000;

#define LIT(s)                                                                                     \
    {                                                                                              \
        .lit = (s), .len = sizeof(s) - 1                                                           \
    }
#define FIELD(i)                                                                                   \
    {                                                                                              \
        .field = (i)                                                                               \
    }

static void tell(struct source *s, struct rule *rule, const struct gyr_value *values,
                 uint64_t ts_ns)
{
    static const char *tags[] = {"gyr"};
    const struct match m = {
        .rule = rule, .values = values, .ts_ns = ts_ns, .num = s->pos.num, .tid = -1};

    rule->source = s->schema->name;
    rule->tags = tags;
    rule->n_tags = ARRAY_LEN(tags);
    rule->enabled = true;
    source_match(s, &m);
}

void source_tell_failure(struct source *s, const char *why)
{
    static struct rule_output outputs[] = {
        {.name = "gyr.source"}, {.name = "gyr.failures"}, {.name = "gyr.reason"}};
    static struct template_part again[] = {
        LIT("A source failed and is started again; what happens until then is not seen | source="),
        FIELD(0),
        LIT(" failures="),
        FIELD(1),
        LIT(" reason="),
        FIELD(2)};
    static struct template_part over[] = {
        LIT("A source failed and is given up; nothing is seen any more | source="),
        FIELD(0),
        LIT(" failures="),
        FIELD(1),
        LIT(" reason="),
        FIELD(2)};
    const struct gyr_value values[] = {gyr_str(s->name, strlen(s->name)),
                                       gyr_num(GYR_T_U64, s->failures), gyr_str(why, strlen(why))};
    struct rule rule = {.name = "Gyr: source failed",
                        .priority = s->failed ? GYR_PRIO_CRITICAL : GYR_PRIO_ERROR,
                        .output = {s->failed ? over : again, ARRAY_LEN(over)},
                        .outputs = outputs,
                        .n_outputs = ARRAY_LEN(outputs)};

    tell(s, &rule, values, source_now(s));
}

void source_tell_reload(struct source *s, const char *why)
{
    static struct rule_output outputs[] = {{.name = "gyr.reason"}};
    static struct template_part parts[] = {
        LIT("The configuration could not be loaded anew; what was in force stays so | reason="),
        FIELD(0)};
    const struct gyr_value values[] = {gyr_str(why, strlen(why))};
    struct rule rule = {.name = "Gyr: reload failed",
                        .priority = GYR_PRIO_WARNING,
                        .output = {parts, ARRAY_LEN(parts)},
                        .outputs = outputs,
                        .n_outputs = ARRAY_LEN(outputs)};

    tell(s, &rule, values, source_now(s));
}

static void tell_losses(struct source *s)
{
    static struct rule_output outputs[] = {
        {.name = "gyr.source"}, {.name = "gyr.lost_state"}, {.name = "gyr.lost_other"}};
    static struct template_part parts[] = {LIT("Events were lost before rules saw them | source="),
                                           FIELD(0),
                                           LIT(" state="),
                                           FIELD(1),
                                           LIT(" other="),
                                           FIELD(2)};
    struct losses *l = &s->losses;
    const struct gyr_value values[] = {gyr_str(s->name, strlen(s->name)),
                                       gyr_num(GYR_T_U64, l->state), gyr_num(GYR_T_U64, l->other)};
    struct rule rule = {.name = "Gyr: events lost",
                        .priority = l->state ? GYR_PRIO_ERROR : GYR_PRIO_WARNING,
                        .output = {parts, ARRAY_LEN(parts)},
                        .outputs = outputs,
                        .n_outputs = ARRAY_LEN(outputs)};

    tell(s, &rule, values, l->last_ns);
    *l = (struct losses){.not_before_ns = l->last_ns + LOSS_EVERY_NS};
}

void source_count_loss(struct source *s, const struct gyr_event *ev)
{
    uint64_t cls = 0, cpu = GYR_CPU_NONE, n = 0, due = ev->ts_ns + LOSS_GATHER_NS;
    struct losses *l = &s->losses;

    (void)gyr_param_u64(ev, 0, &cls);
    (void)gyr_param_u64(ev, 1, &cpu);
    (void)gyr_param_u64(ev, 2, &n);
    if (n == 0)
        return;
    cls = cls < LOSS_CLASSES ? cls : LOSS_CLASSES - 1;
    cpu = cpu < LOSS_CPUS ? cpu : LOSS_CPUS - 1;
    count_up(&s->lost[cls][cpu], n);
    s->now.lost += n;
    if (!l->due_ns)
        l->due_ns = due > l->not_before_ns ? due : l->not_before_ns;
    l->last_ns = ev->ts_ns;
    *(cls == GYR_LOSS_STATE ? &l->state : &l->other) += n;
}

void source_tell_losses(struct source *s, uint64_t now_ns)
{
    if (s->losses.due_ns && now_ns >= s->losses.due_ns)
        tell_losses(s);
}
