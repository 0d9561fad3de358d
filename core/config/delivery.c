/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of an output that say how alerts are delivered to it. */
#include "base/cleanup.h"
#include "config/read.h"

enum { DIGEST_DEFAULT = 100 };
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

/* ---- digest ---- */

static void digest_time(struct reader *r, const struct ynode *v, void *target)
{
    struct plugin_conf *p = target;

    (void)conf_read_number(r, v, UNIT_DURATION, MS, 24 * HOUR, &p->digest.wait_ns);
}

static void digest_alerts(struct reader *r, const struct ynode *v, void *target)
{
    struct plugin_conf *p = target;
    uint64_t u;

    if (conf_read_number(r, v, UNIT_COUNT, 1, DIGEST_MAX, &u))
        p->digest.alerts = (uint32_t)u;
}

void conf_read_digest(struct reader *r, const struct ynode *v, void *target)
{
    static const struct key keys[] = {{"time", digest_time}, {"alerts", digest_alerts}};
    struct plugin_conf *p = target;
    uint32_t errors = r->d->n_errors;

    conf_read_map(r, v, keys, ARRAY_LEN(keys), "digest", target);
    if (r->d->n_errors == errors && !p->digest.wait_ns)
        diag_error(r->d, v->loc, "digest needs the key 'time'");
}

void conf_check_digest(struct reader *r, struct plugin_conf *p)
{
    struct digest_conf *g = &p->digest;

    if (!g->alerts)
        g->alerts = p->queue < DIGEST_DEFAULT ? p->queue : DIGEST_DEFAULT;
    if (g->alerts > p->queue)
        diag_error(r->d, p->loc, "a digest of %u alerts does not fit into a queue of %u", g->alerts,
                   p->queue);
    if (g->wait_ns && p->retry.give_up_ns && g->wait_ns >= p->retry.give_up_ns)
        diag_error(r->d, p->loc, "'time' of digest must be shorter than 'give_up' of retry");
}

void conf_read_dead_letters(struct reader *r, const struct ynode *v, void *target)
{
    struct plugin_conf *p = target;
    const char *s = conf_read_text(r, v);

    p->dead_letters = s ? conf_from_dir(r, s) : NULL;
}

/* ---- spool ---- */

static void spool_dir(struct reader *r, const struct ynode *v, void *target)
{
    struct spool_conf *s = target;
    const char *text = conf_read_text(r, v);

    s->dir = text ? conf_from_dir(r, text) : NULL;
}

static void spool_max_bytes(struct reader *r, const struct ynode *v, void *target)
{
    struct spool_conf *s = target;

    (void)conf_read_number(r, v, UNIT_SIZE, 2 * SPOOL_SEGMENT_MIN, UINT64_C(1) << 40,
                           &s->max_bytes);
}

static void spool_segment_bytes(struct reader *r, const struct ynode *v, void *target)
{
    struct spool_conf *s = target;
    uint64_t u;

    if (conf_read_number(r, v, UNIT_SIZE, SPOOL_SEGMENT_MIN, SEGMENT_RECORD_MAX, &u))
        s->segment_bytes = (uint32_t)u;
}

static void spool_fsync(struct reader *r, const struct ynode *v, void *target)
{
    static const char *const words[] = {[SPOOL_FSYNC_INTERVAL] = "interval",
                                        [SPOOL_FSYNC_ALWAYS] = "always",
                                        [SPOOL_FSYNC_NEVER] = "never"};
    struct spool_conf *s = target;
    int i = conf_read_choice(r, v, words, ARRAY_LEN(words));

    if (i >= 0)
        s->fsync = (enum spool_fsync)i;
}

static void spool_on_full(struct reader *r, const struct ynode *v, void *target)
{
    static const char *const words[] = {"wait", "drop_new", "drop_old"};
    struct spool_conf *s = target;
    int i = conf_read_choice(r, v, words, ARRAY_LEN(words));

    if (i >= 0)
        s->on_full = (enum spool_full)(SPOOL_FULL_WAIT + i);
}

void conf_read_spool(struct reader *r, const struct ynode *v, void *target)
{
    static const struct key keys[] = {{"dir", spool_dir},
                                      {"max_bytes", spool_max_bytes},
                                      {"segment_bytes", spool_segment_bytes},
                                      {"fsync", spool_fsync},
                                      {"on_full", spool_on_full}};
    struct plugin_conf *p = target;
    uint32_t errors = r->d->n_errors;

    p->spool = (struct spool_conf){.max_bytes = 256 << 20, .segment_bytes = 8 << 20};
    conf_read_map(r, v, keys, ARRAY_LEN(keys), "spool", &p->spool);
    if (r->d->n_errors > errors)
        return;
    if (!p->spool.dir)
        diag_error(r->d, v->loc, "spool needs the key 'dir'");
    else if (p->spool.max_bytes < 2ull * p->spool.segment_bytes)
        diag_error(r->d, v->loc, "'max_bytes' must be two segments ('segment_bytes') at least");
}
