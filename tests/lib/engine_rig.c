/* SPDX-License-Identifier: Apache-2.0 */
#include "engine_rig.h"

#include "base/buf.h"
#include "engine/value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t rig_now_ns;

#define TYPE(num, text, fl)                                                                        \
    {                                                                                              \
        .id = (num), .name = (text), .category = "test", .flags = (fl)                             \
    }

static const struct gyr_event_type types[] = {
    TYPE(T_OPEN, "open", 0),
    TYPE(T_EXEC, "exec", 0),
    TYPE(T_CLOSE, "close", 0),
    TYPE(T_EXEC2, "exec", 0),
    TYPE(T_SNAP, "snap", GYR_ETF_SNAPSHOT),
    TYPE(T_CALL, "call", GYR_ETF_GENERIC),
};

static const struct gyr_subtype subtypes[] = {
    {SUB_MKDIR, "mkdir"}, {SUB_RMDIR, "rmdir"}, {5, "openat"}, {0, NULL}};

#define FIELD(nm, ty, fl)                                                                          \
    {                                                                                              \
        .name = (nm), .help = "A field.", .type = (ty), .flags = (fl)                              \
    }

static const struct gyr_field fields[F_MAX_] = {
    [F_SA] = FIELD("s.a", GYR_T_STR, 0),
    [F_SB] = FIELD("s.b", GYR_T_STR, 0),
    [F_SC] = FIELD("s.c", GYR_T_STR, 0),
    [F_SD] = FIELD("s.d", GYR_T_STR, 0),
    [F_SE] = FIELD("s.e", GYR_T_STR, 0),
    [F_SF] = FIELD("s.f", GYR_T_STR, 0),
    [F_SG] = FIELD("s.g", GYR_T_STR, 0),
    [F_SH] = FIELD("s.h", GYR_T_STR, 0),
    [F_NA] = FIELD("n.a", GYR_T_U64, 0),
    [F_NB] = FIELD("n.b", GYR_T_U64, 0),
    [F_BA] = FIELD("b.a", GYR_T_BOOL, 0),
    [F_LA] = FIELD("l.a", GYR_T_STR, GYR_FF_LIST),
    [F_KV] = FIELD("k.v", GYR_T_STR, GYR_FF_KEY | GYR_FF_ARG_REQ),
};

static const struct gyr_schema schema = {
    .size = sizeof(schema),
    .version = 1,
    .name = "syscall",
    .types = types,
    .n_types = sizeof(types) / sizeof(types[0]),
    .type_stride = sizeof(types[0]),
    .subtypes = subtypes,
    .fields = fields,
    .n_fields = F_MAX_,
    .field_stride = sizeof(fields[0]),
};

static _Noreturn void die(const char *what)
{
    (void)fprintf(stderr, "engine_rig: %s\n", what);
    abort();
}

/* ---- the fake provider ---- */

static int fake_bind(void *self, uint32_t field, const char *arg, uint32_t *ret_handle,
                     uint32_t *ret_type, struct gyr_error *err)
{
    struct fake *f = self;

    (void)ret_type;
    if (arg && strncmp(arg, "refused", 7) == 0)
        return gyr_fail(err, -EINVAL, "there is no such key");
    f->bound++;
    *ret_handle = field;
    return 0;
}

static void fake_unbind(void *self, uint32_t handle)
{
    (void)handle;
    ((struct fake *)self)->unbound++;
}

static int fake_get(void *self, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret)
{
    struct fake *f = self;
    struct fake_field *ff = &f->f[handle];
    uint64_t t = 0;
    int r;

    (void)ev;
    (void)pthread_mutex_lock(&f->lock);
    ff->gets++;
    r = f->by_ticket ? GYR_PENDING : ff->answer;
    if (r == GYR_PRESENT)
        *ret = ff->v;
    if (r == GYR_PENDING) {
        t = ff->ticket ? ff->ticket : ++f->next_ticket;
        ret->u.u64 = t;
        f->ready[t % RIG_TICKETS] = 0;
        f->open[t % RIG_TICKETS]++;
        f->pendings++;
    }
    (void)pthread_mutex_unlock(&f->lock);
    if (r == GYR_PENDING && f->on_pending)
        f->on_pending(f, t);
    return r;
}

static int fake_redeem(void *self, uint32_t handle, uint64_t ticket, struct gyr_value *ret)
{
    struct fake *f = self;
    struct fake_field *ff = &f->f[handle];
    int r;

    (void)pthread_mutex_lock(&f->lock);
    ff->redeems++;
    f->bad_releases += f->open[ticket % RIG_TICKETS] == 0;
    r = f->by_ticket && !f->ready[ticket % RIG_TICKETS] ? GYR_PENDING : ff->answer;
    if (r == GYR_PRESENT)
        *ret = ff->v;
    if (r == GYR_PRESENT && ff->v.type == GYR_T_STR) {
        free(f->lent);
        f->lent = strndup(ff->v.u.ptr, ff->v.len);
        ret->u.ptr = f->lent;
    }
    (void)pthread_mutex_unlock(&f->lock);
    return r;
}

static void fake_release(void *self, uint32_t handle, uint64_t ticket)
{
    struct fake *f = self;

    (void)handle;
    (void)pthread_mutex_lock(&f->lock);
    f->releases++;
    if (f->open[ticket % RIG_TICKETS])
        f->open[ticket % RIG_TICKETS]--;
    else
        f->bad_releases++;
    free(f->lent);
    f->lent = NULL;
    (void)pthread_mutex_unlock(&f->lock);
}

static const struct gyr_enricher_ops fake_ops = {
    .size = sizeof(fake_ops),
    .fields = fields,
    .n_fields = F_MAX_,
    .field_stride = sizeof(fields[0]),
    .bind = fake_bind,
    .unbind = fake_unbind,
    .get = fake_get,
    .redeem = fake_redeem,
    .release = fake_release,
};

void fake_str(struct fake *f, uint32_t field, const char *s)
{
    (void)pthread_mutex_lock(&f->lock);
    f->f[field].answer = GYR_PRESENT;
    f->f[field].v = gyr_str(s, strlen(s));
    (void)pthread_mutex_unlock(&f->lock);
}

void fake_num(struct fake *f, uint32_t field, uint64_t n)
{
    (void)pthread_mutex_lock(&f->lock);
    f->f[field].answer = GYR_PRESENT;
    f->f[field].v = gyr_num(fields[field].type, n);
    (void)pthread_mutex_unlock(&f->lock);
}

void fake_answer(struct fake *f, uint32_t field, int answer)
{
    (void)pthread_mutex_lock(&f->lock);
    f->f[field].answer = answer;
    (void)pthread_mutex_unlock(&f->lock);
}

uint32_t fake_out(struct fake *f)
{
    uint32_t n = 0;

    (void)pthread_mutex_lock(&f->lock);
    for (uint32_t i = 0; i < RIG_TICKETS; i++)
        n += f->open[i];
    (void)pthread_mutex_unlock(&f->lock);
    return n;
}

/* ---- the rig ---- */

static uint64_t now(void)
{
    return rig_now_ns;
}

static void woken(void *ctx)
{
    __atomic_fetch_add(&((struct rig *)ctx)->wakes, 1, __ATOMIC_RELAXED);
}

void rig_park(struct rig *r, const struct park_conf *conf)
{
    park_free(r->park);
    if (park_new(conf, woken, r, &r->park) < 0)
        die("no memory");
}

void rig_init(struct rig *r, uint32_t n_fakes)
{
    static const struct park_conf usual = {1000000000, 4096, 16 << 20};
    struct corefields_conf core = {.pos = &r->pos, .scratch = &r->scratch, .hostname = "host"};
    struct gyr_error err;

    memset(r, 0, sizeof(*r));
    r->arena = arena_new(64 << 20);
    if (!r->arena || scratch_init(&r->scratch) < 0)
        die("no memory");
    diags_init(&r->d, r->arena);
    if (schemas_add(&r->schemas, &schema, "rig", &err) < 0)
        die(err.msg);
    for (uint32_t i = 0; i < n_fakes; i++) {
        (void)pthread_mutex_init(&r->fakes[i].lock, NULL);
        r->fakes[i].index = i;
        r->providers[i] = (struct provider){"fake", &fake_ops, &r->fakes[i]};
    }
    r->n_providers = n_fakes + 1;
    core.schema = r->schemas.list[0];
    core.others = r->providers;
    core.n_others = n_fakes;
    core.source_plugin = "rig";
    if (corefields_new(&core, &r->core) < 0)
        die("no memory");
    r->providers[n_fakes] = (struct provider){"core", &corefields_ops, r->core};
    rig_park(r, &usual);
}

static void on_match(void *ctx, const struct match *m)
{
    struct rig *r = ctx;
    struct seen *s = &r->seen[r->n_seen];
    struct buf b;

    if (r->n_seen == RIG_SEEN)
        return;
    r->n_seen++;
    buf_init(&b, sizeof(s->values) - 1);
    for (uint32_t i = 0; i < m->rule->n_outputs; i++) {
        if (i)
            buf_addc(&b, '|');
        value_add_text(&b, &m->values[i], m->rule->outputs[i].fmt);
    }
    *s = (struct seen){.ts_ns = m->ts_ns,
                       .num = m->num,
                       .tid = m->tid,
                       .metadata = m->metadata,
                       .generation = m->generation->number,
                       .was_parked = m->was_parked};
    (void)snprintf(s->rule, sizeof(s->rule), "%s", m->rule->name);
    (void)snprintf(s->values, sizeof(s->values), "%s", b.p);
    buf_free(&b);
}

static struct generation *make_generation(struct rig *r, const char *text, uint32_t number)
{
    struct ruleset_conf conf = {.schemas = &r->schemas, .max_priority = 7};
    struct generation *g = calloc(1, sizeof(*g));

    if (!g)
        die("no memory");
    atomic_init(&g->refs, 1);
    g->number = number;
    g->programs = calloc(1, sizeof(struct program *));
    g->n_programs = 1;
    if (!g->programs ||
        ruleset_load_text(&conf, "rig.yaml", text, strlen(text), &r->d, &g->rules) < 0 ||
        program_new(g->rules, r->schemas.list[0], &r->d, &g->programs[0]) < 0) {
        diags_print(&r->d, stderr, false);
        die("the rules do not load");
    }
    return g;
}

void rig_rules(struct rig *r, const char *text)
{
    struct generation *g = make_generation(r, text, r->gen ? r->gen->number + 1 : 1);
    struct evaluator_conf conf = {.generation = g,
                                  .providers = r->providers,
                                  .n_providers = r->n_providers,
                                  .pos = &r->pos,
                                  .scratch = &r->scratch,
                                  .park = r->park,
                                  .sink = {r, on_match},
                                  .first_match_only = r->first_match_only,
                                  .now_ns = now};
    struct gyr_error err;

    generation_unref(r->gen);
    r->gen = g;
    evaluator_unref(r->e);
    if (evaluator_new(&conf, &r->e, &err) < 0)
        die(err.msg);
}

void rig_free(struct rig *r)
{
    park_flush(r->park);
    evaluator_unref(r->e);
    generation_unref(r->gen);
    park_free(r->park);
    for (uint32_t i = 0; i + 1 < r->n_providers; i++) {
        struct fake *f = &r->fakes[i];

        if (f->bad_releases || fake_out(f) || f->releases != f->pendings || f->bound != f->unbound)
            die("tickets or bindings were not given back exactly once");
        (void)pthread_mutex_destroy(&f->lock);
    }
    corefields_free(r->core);
    scratch_free(&r->scratch);
    schemas_free(&r->schemas);
    arena_free(r->arena);
}

void rig_event(struct rig *r, uint16_t type, uint32_t subtype)
{
    r->pos.prev_ns = r->pos.ts_ns;
    r->pos.num++;
    r->pos.ts_ns = 1000 * r->pos.num;
    r->record.ev = (struct gyr_event){.len = sizeof(r->record),
                                      .hdr_len = sizeof(r->record.ev),
                                      .type = type,
                                      .subtype = subtype,
                                      .ts_ns = r->pos.ts_ns,
                                      .tid = (int64_t)(100 + r->pos.num),
                                      .num = r->pos.num};
    r->record.off[0] = offsetof(struct rig, record.off[1]) - offsetof(struct rig, record);
    evaluator_event(r->e, &r->record.ev);
    scratch_reset(&r->scratch);
}

const char *rig_matched(struct rig *r)
{
    static char text[RIG_SEEN * 8];
    size_t n = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < r->n_seen && n < sizeof(text); i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? " " : "", r->seen[i].rule);
    r->n_seen = 0;
    return text;
}
