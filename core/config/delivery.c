/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of an output that say how alerts are delivered to it. */
#include "base/cleanup.h"
#include "config/read.h"

static const uint64_t MS = 1000000, HOUR = UINT64_C(3600000000000);

static void retry_min(struct reader *r, const struct ynode *v, void *target)
{
    struct plugin_conf *p = target;

    (void)conf_read_number(r, v, UNIT_DURATION, MS, HOUR, &p->retry.min_ns);
}

static void retry_max(struct reader *r, const struct ynode *v, void *target)
{
    struct plugin_conf *p = target;

    (void)conf_read_number(r, v, UNIT_DURATION, MS, 24 * HOUR, &p->retry.max_ns);
}

static void retry_give_up(struct reader *r, const struct ynode *v, void *target)
{
    struct plugin_conf *p = target;

    (void)conf_read_number(r, v, UNIT_DURATION, MS, 24 * 365 * HOUR, &p->retry.give_up_ns);
}

void conf_read_retry(struct reader *r, const struct ynode *v, void *target)
{
    static const struct key keys[] = {
        {"min", retry_min}, {"max", retry_max}, {"give_up", retry_give_up}};
    const struct plugin_conf *p = target;

    conf_read_map(r, v, keys, ARRAY_LEN(keys), "retry", target);
    if (p->retry.min_ns && p->retry.max_ns && p->retry.min_ns > p->retry.max_ns)
        diag_error(r->d, v->loc, "'min' must not be longer than 'max'");
}

void conf_read_dead_letters(struct reader *r, const struct ynode *v, void *target)
{
    struct plugin_conf *p = target;
    const char *s = conf_read_text(r, v);

    p->dead_letters = s ? conf_from_dir(r, s) : NULL;
}
