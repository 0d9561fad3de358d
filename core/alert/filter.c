/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/filter.h"

#include <fnmatch.h>
#include <string.h>

static bool name_matches(const char *const *globs, const char *name)
{
    for (; *globs; globs++)
        if (fnmatch(*globs, name, 0) == 0)
            return true;
    return false;
}

static bool tags_meet(const char *const *want, const struct rule *rule)
{
    for (; *want; want++)
        for (uint32_t i = 0; i < rule->n_tags; i++)
            if (strcmp(*want, rule->tags[i]) == 0)
                return true;
    return false;
}

bool alert_filter_takes(const struct alert_filter *f, const struct rule *rule)
{
    return rule->priority <= f->min_priority && (!f->rules || name_matches(f->rules, rule->name)) &&
           (!f->tags || tags_meet(f->tags, rule));
}
