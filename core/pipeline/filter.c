/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/filter.h"

#include "base/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CONDITION_MAX = 64 << 10 };

/* ---- one filter ---- */

static void add_quoted(struct buf *b, const char *s)
{
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            buf_addc(b, '\\');
        if ((unsigned char)*s < ' ')
            buf_addf(b, "\\x%02x", (unsigned)*s);
        else
            buf_addc(b, *s);
    }
}

static int load(const struct filter_conf *conf, const struct plugin_conf *entry, struct diags *d,
                struct generation **ret)
{
    const struct schema *schema = conf->schemas->list[conf->eval.program];
    struct ruleset_conf rc = {.schemas = conf->schemas, .max_priority = GYR_PRIO_DEBUG};
    struct buf path, text;
    int r;

    buf_init(&path, 1024);
    buf_init(&text, 2 * CONDITION_MAX);
    buf_addf(&path, "filter of enricher '%.200s'", entry->name);
    buf_addf(&text, "- rule: filter\n  desc: filter\n  source: %s\n  priority: debug\n",
             schema->name);
    buf_adds(&text, "  output: filter\n  condition: \"");
    add_quoted(&text, entry->filter);
    buf_adds(&text, "\"\n");
    if (strlen(entry->filter) > CONDITION_MAX || path.failed || text.failed) {
        diag_error(d, entry->filter_loc, "a filter of more than %d bytes", CONDITION_MAX);
        r = -EINVAL;
    } else {
        r = generation_new_text(&rc, path.p, text.p, text.len, d, ret);
    }
    buf_free(&path);
    buf_free(&text);
    return r;
}

int filter_new(const struct filter_conf *conf, const struct plugin_conf *entry, struct diags *d,
               struct filter *ret)
{
    struct evaluator_conf ec = conf->eval;
    struct gyr_error err = {0};
    struct filter f = {0};
    int r = load(conf, entry, d, &f.gen);

    if (r == 0) {
        ec.generation = f.gen;
        ec.diags = d;
        r = evaluator_new(&ec, &f.eval, &err);
        if (r < 0 && err.msg[0])
            diag_error(d, entry->filter_loc, "%s", err.msg);
    }
    diags_keep_files(d); /* the text of the filter goes before its messages */
    if (r < 0) {
        filter_free(&f);
        return r;
    }
    *ret = f;
    return 0;
}

void filter_free(struct filter *f)
{
    evaluator_unref(f->eval);
    generation_unref(f->gen);
    *f = (struct filter){0};
}

/* ---- those of a source ---- */

int filters_new(const struct filter_conf *conf, const struct plugin_conf *const *entries,
                uint32_t n, uint64_t filtered, struct diags *d, struct filters **ret,
                struct gyr_error *err)
{
    struct filters *f = calloc(1, sizeof(*f));
    int r = 0;

    if (!f)
        return -ENOMEM;
    f->n = n;
    f->program = conf->eval.program;
    f->list = calloc(n + 1, sizeof(*f->list));
    if (!f->list)
        r = -ENOMEM;
    for (uint32_t i = 0; i < n && r == 0; i++)
        if (filtered >> i & 1)
            r = filter_new(conf, entries[i], d, &f->list[i]);
    if (r == 0)
        r = dispatch_init(&f->dispatch, conf->schemas->list[f->program], conf->eval.providers, n,
                          filtered, err);
    if (r < 0) {
        filters_free(f);
        return r;
    }
    *ret = f;
    return 0;
}

void filters_free(struct filters *f)
{
    if (!f)
        return;
    for (uint32_t i = 0; f->list && i < f->n; i++)
        filter_free(&f->list[i]);
    dispatch_free(&f->dispatch);
    free(f->list);
    free(f->copy);
    free(f);
}

/* It did not pass, but what is told later stands on it. */
static const struct gyr_event *for_state(struct filters *f, const struct gyr_event *ev)
{
    if (ev->len > f->copy_cap) {
        struct gyr_event *p = realloc(f->copy, ev->len);

        if (!p)
            return NULL;
        f->copy = p;
        f->copy_cap = ev->len;
    }
    memcpy(f->copy, ev, ev->len);
    f->copy->flags |= GYR_EVF_SNAPSHOT;
    return f->copy;
}

static uint64_t tell(struct filters *f, const struct dispatch_entry *e, const struct gyr_event *ev)
{
    const struct schema *s = f->dispatch.schema;

    if (!evaluator_may_hold(f->list[e->provider].eval, ev)) {
        if (!(schema_type(s, ev->type)->flags & GYR_ETF_STATE))
            return 0;
        ev = for_state(f, ev);
        if (!ev) {
            f->dispatch.errors[e->provider]++;
            return 0;
        }
    }
    return dispatch_tell(&f->dispatch, e, ev);
}

uint64_t filters_event(struct filters *f, const struct gyr_event *ev, bool told_all)
{
    struct dispatch *d = &f->dispatch;
    uint32_t t = d->schema->dense[ev->type] - 1u;
    uint64_t after = 0;

    if (told_all)
        return dispatch_event(d, ev);
    for (uint32_t i = d->first[t]; i < d->first[t + 1]; i++)
        after |= tell(f, &d->entries[i], ev);
    return after;
}

void filters_want(const struct filters *f, uint64_t *types, uint64_t *subtypes)
{
    for (uint32_t i = 0; i < f->n; i++)
        if (f->list[i].gen)
            program_want(f->list[i].gen->programs[f->program], types, subtypes);
}
