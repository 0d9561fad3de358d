/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that say which alerts need not be heard of. */
#include "base/cleanup.h"
#include "base/num.h"
#include "config/read.h"

#include <string.h>
#include <time.h>

enum { MUTES_MAX = 4096, BURST_MAX = 1 << 20 };
static const uint64_t NS_S = 1000000000;

/* ---- dedup ---- */

static void dedup_fields(struct reader *r, const struct ynode *v, void *target)
{
    struct noise_conf *c = target;
    uint32_t n = 0;

    c->dedup = conf_read_texts(r, v, &n);
    if (n > NOISE_FIELDS_MAX)
        diag_error(r->d, v->loc, "more than %d fields", NOISE_FIELDS_MAX);
}

static void dedup_window(struct reader *r, const struct ynode *v, void *target)
{
    struct noise_conf *c = target;

    (void)conf_read_number(r, v, UNIT_DURATION, NS_S / 1000, 7 * 86400 * NS_S, &c->window_ns);
}

void conf_read_dedup(struct reader *r, const struct ynode *v, void *target)
{
    static const struct key keys[] = {{"fields", dedup_fields}, {"window", dedup_window}};
    static const char *const none[] = {NULL};
    struct plugin_conf *p = target;

    p->noise.dedup = none;
    p->noise.window_ns = 60 * NS_S;
    conf_read_map(r, v, keys, ARRAY_LEN(keys), "dedup", &p->noise);
}

/* ---- rate_limit ---- */

/* "10/1m" */
static void read_rate(struct reader *r, const struct ynode *v, struct rate *ret)
{
    const char *s = conf_read_text(r, v), *slash = s ? strchr(s, '/') : NULL;
    uint64_t n, ns;

    if (!s)
        return;
    if (!slash || parse_u64(s, (size_t)(slash - s), &n) < 0 ||
        parse_duration(slash + 1, strlen(slash + 1), &ns) < 0 || n < 1 || n > BURST_MAX || ns < n ||
        ns > 86400 * NS_S)
        diag_error(r->d, v->loc, "'%.100s' is no rate such as 10/1m", s);
    else
        *ret = (struct rate){.every_ns = ns / n, .burst = (uint32_t)n};
}

static void rate_per_rule(struct reader *r, const struct ynode *v, void *target)
{
    read_rate(r, v, &((struct noise_conf *)target)->per_rule);
}

static void rate_total(struct reader *r, const struct ynode *v, void *target)
{
    read_rate(r, v, &((struct noise_conf *)target)->total);
}

static void rate_burst(struct reader *r, const struct ynode *v, void *target)
{
    struct noise_conf *c = target;
    uint64_t u;

    /* Read last, whatever the order in the file: see conf_read_rate_limit(). */
    if (conf_read_number(r, v, UNIT_COUNT, 1, BURST_MAX, &u))
        c->per_rule.burst = c->total.burst = (uint32_t)u;
}

static void skip(struct reader *r, const struct ynode *v, void *target)
{
    (void)r;
    (void)v;
    (void)target;
}

void conf_read_rate_limit(struct reader *r, const struct ynode *v, void *target)
{
    static const struct key keys[] = {
        {"per_rule", rate_per_rule}, {"total", rate_total}, {"burst", skip}};
    struct plugin_conf *p = target;
    const struct ynode *burst = ymap_get(v, "burst");

    conf_read_map(r, v, keys, ARRAY_LEN(keys), "rate_limit", &p->noise);
    if (burst && !ynode_is_null(burst))
        rate_burst(r, burst, &p->noise);
}

/* ---- mute ---- */

static void mute_rule(struct reader *r, const struct ynode *v, void *target)
{
    ((struct mute *)target)->rule = conf_read_text(r, v);
}

static void mute_until(struct reader *r, const struct ynode *v, void *target)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"};
    struct mute *m = target;
    const char *s = conf_read_text(r, v);

    for (size_t i = 0; s && i < ARRAY_LEN(forms); i++) {
        struct tm tm = {0};
        const char *end = strptime(s, forms[i], &tm);
        time_t t = end && !*end ? timegm(&tm) : 0;

        if (t > 0) {
            m->until_ns = (uint64_t)t * NS_S;
            return;
        }
    }
    if (s)
        diag_error(r->d, v->loc, "'%.100s' is no time such as 2026-01-31T18:00:00Z", s);
}

static const char *read_hour(const char *s, uint32_t *ret)
{
    struct tm tm = {0};

    s = s ? strptime(s, "%H:%M", &tm) : NULL;
    *ret = (uint32_t)(tm.tm_hour * 3600 + tm.tm_min * 60);
    return s;
}

static void mute_between(struct reader *r, const struct ynode *v, void *target)
{
    struct mute *m = target;
    const char *s = conf_read_text(r, v), *at = read_hour(s, &m->from_s);

    at = at && *at == '-' ? read_hour(at + 1, &m->to_s) : NULL;
    if (s && (!at || *at))
        diag_error(r->d, v->loc, "'%.100s' are no hours such as 22:00-06:00", s);
}

void conf_read_mute(struct reader *r, const struct ynode *v, void *target)
{
    static const struct key keys[] = {
        {"rule", mute_rule}, {"until", mute_until}, {"between", mute_between}};
    struct config *c = target;
    struct mute *all;

    if (v->kind != Y_SEQ || v->n > MUTES_MAX) {
        diag_error(r->d, v->loc, "must be a list of %d entries at most", MUTES_MAX);
        return;
    }
    all = arena_array(r->arena, (size_t)v->n + 1, sizeof(*all));
    if (!all) {
        diag_error(r->d, v->loc, "out of memory");
        return;
    }
    c->mutes = all;
    c->n_mutes = 0;
    for (uint32_t i = 0; i < v->n; i++) {
        struct mute *m = &all[c->n_mutes];
        uint32_t errors = r->d->n_errors;

        conf_read_map(r, v->items[i], keys, ARRAY_LEN(keys), "an entry", m);
        if (r->d->n_errors == errors && !m->rule)
            diag_error(r->d, v->items[i]->loc, "an entry needs the key 'rule'");
        c->n_mutes += m->rule != NULL;
    }
}
