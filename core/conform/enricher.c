/* SPDX-License-Identifier: Apache-2.0 */
/* An enricher fed with made-up events of its schema, well-formed and strange ones. */
#include "conform/conform_priv.h"

#include "base/fs.h"
#include "engine/provider.h"
#include "engine/scratch.h"
#include "event/event.h"

#include <errno.h>
#include <gyr/build.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

enum { BOUND_MAX = 8192, ROOM = 16384, ROUNDS = 3, TICKETS_MAX = 65536 };

/* How the parameters of an event are made up. */
enum shape { SHAPE_FULL, SHAPE_EMPTY, SHAPE_SHORT, SHAPE_ODD, SHAPE_BIG, N_SHAPES };

struct bound {
    uint32_t field, handle, type;
    bool list;
};

struct feed {
    struct trial *t;
    const struct gyr_enricher_ops *ops;
    struct instance *inst;
    const struct schema *schema;
    struct scratch scratch;
    struct bound bound[BOUND_MAX];
    uint32_t n_bound;
    uint64_t events, answers, present, pending, num;
    char flaw[CONFORM_TEXT_MAX];
};

/* ---- host ---- */

static void *hook_alloc(void *ctx, size_t size)
{
    return scratch_alloc(&((struct feed *)ctx)->scratch, size);
}

static int hook_emit(void *ctx, const struct gyr_event *ev)
{
    struct feed *f = ctx;
    struct gyr_error err;

    return event_check(ev, UINT32_MAX, f->schema, &err);
}

/* Others' fields: those of the schema can be had, and nobody has a value for them. */
static int hook_field_bind(void *ctx, const char *name, uint32_t *ret_handle)
{
    if (!schema_field(((struct feed *)ctx)->schema, name, strlen(name)))
        return -ENOENT;
    *ret_handle = 0;
    return 0;
}

static int hook_field(void *ctx, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret)
{
    (void)ctx;
    (void)ev;
    (void)handle;
    (void)ret;
    return GYR_ABSENT;
}

static void hook_resolved(void *ctx, uint64_t ticket)
{
    (void)ctx;
    (void)ticket;
}

/* ---- schema ---- */

/* One for enrichers of everybody's events. */
static const struct gyr_param_def any_params[] = {{"text", GYR_P_STR, GYR_F_DEC, 0, 0, NULL},
                                                  {"number", GYR_P_I64, GYR_F_DEC, 0, 0, NULL}};
static const struct gyr_event_type any_types[] = {{1, 2, 0, "something", "other", any_params, 0}};
static const struct gyr_schema any_schema = {.size = sizeof(any_schema),
                                             .version = 1,
                                             .name = "conform",
                                             .types = any_types,
                                             .n_types = 1,
                                             .type_stride = sizeof(any_types[0])};

/* A source in the plugin folders that has it. */
static const struct gyr_schema *find_schema(struct trial *t, const char *name)
{
    for (uint32_t i = 0; i < t->conf->n_plugin_dirs; i++) {
        char **names, path[PATH_MAX];
        int n = list_dir(t->conf->plugin_dirs[i], ".so", &names, NULL);
        const struct gyr_schema *found = NULL;

        for (int k = 0; k < n && !found; k++) {
            struct plugin *p = NULL;
            struct gyr_error err;

            (void)snprintf(path, sizeof(path), "%s/%s", t->conf->plugin_dirs[i], names[k]);
            if (plugins_load(&t->plugins, path, &p, &err) == 0 && p->desc.source &&
                strcmp(p->source.schema->name, name) == 0)
                found = p->source.schema;
        }
        if (n >= 0)
            free_names(names, n);
        if (found)
            return found;
    }
    return NULL;
}

static int choose_schema(struct trial *t, struct gyr_error *err)
{
    const struct plugin *p = t->plugin;
    const char *name = p->enricher.schema;
    const struct gyr_schema *s = &any_schema;

    if (name && p->desc.source && strcmp(p->source.schema->name, name) == 0)
        s = p->source.schema;
    else if (name)
        s = find_schema(t, name);
    else if (p->desc.source)
        s = p->source.schema;
    if (!s)
        return gyr_fail(err, -ENOENT,
                        "no source of '%s' events is in the plugin folders, so none can be made up",
                        name);
    if (schemas_add(&t->schemas, s, p->desc.name, err) < 0)
        return -EINVAL;
    return schema_add_fields(t->schemas.list[0], &p->enricher, p->desc.name, err);
}

/* ---- events ---- */

static void add_param(struct gyr_builder *b, const struct gyr_param_def *d, enum shape shape,
                      uint64_t seed)
{
    static const uint8_t addr[16] = {192, 0, 2, 1, [15] = 1};
    static const char odd[] = "\xff\xfe odd";
    static char big[2048];

    if (shape == SHAPE_ODD) {
        gyr_build_raw(b, odd, 1 + seed % (sizeof(odd) - 1));
        return;
    }
    switch (d->type) {
    case GYR_P_U8:
    case GYR_P_I8:
    case GYR_P_BOOL:
        gyr_build_u8(b, (uint8_t)(shape == SHAPE_BIG ? 0xff : seed & 1));
        break;
    case GYR_P_U16:
    case GYR_P_I16:
        gyr_build_u16(b, (uint16_t)(shape == SHAPE_BIG ? 0xffff : seed));
        break;
    case GYR_P_U32:
    case GYR_P_I32:
        gyr_build_u32(b, shape == SHAPE_BIG ? UINT32_MAX : (uint32_t)seed);
        break;
    case GYR_P_IP:
        gyr_build_raw(b, addr, shape == SHAPE_BIG ? 16 : 4);
        break;
    case GYR_P_STR:
    case GYR_P_STRS:
        memset(big, 'x', sizeof(big));
        gyr_build_strn(b, shape == SHAPE_BIG ? big : "conform",
                       shape == SHAPE_BIG ? sizeof(big) / GYR_PARAMS_MAX * 8 : 7);
        break;
    case GYR_P_BYTES:
    case GYR_P_OPAQUE:
        gyr_build_bytes(b, addr, shape == SHAPE_BIG ? sizeof(addr) : 3);
        break;
    default:
        gyr_build_u64(b, shape == SHAPE_BIG ? UINT64_MAX : seed);
        break;
    }
}

static const struct gyr_event *make_event(struct feed *f, uint64_t *room,
                                          const struct gyr_event_type *t, enum shape shape)
{
    struct gyr_builder b;
    struct gyr_event *ev = gyr_build_begin(&b, room, ROOM, t->id, t->n_params);
    uint32_t n = shape == SHAPE_EMPTY ? 0 : shape == SHAPE_SHORT ? t->n_params / 2u : t->n_params;

    ev->ts_ns = UINT64_C(1700000000000000000) + ++f->num;
    ev->tid = shape == SHAPE_EMPTY ? -1 : (int64_t)(f->num % 7 + 1);
    ev->num = f->num;
    ev->subtype = t->flags & GYR_ETF_GENERIC ? 1 : 0;
    ev->flags = t->flags & GYR_ETF_SNAPSHOT ? GYR_EVF_SNAPSHOT : 0;
    for (uint32_t i = 0; i < n; i++)
        add_param(&b, &t->params[i], shape, f->num + i);
    return gyr_build_end(&b);
}

/* ---- fields ---- */

static bool bind_one(struct feed *f, uint32_t field, const char *arg, bool many)
{
    const struct gyr_field *d = &f->ops->fields[field];
    struct bound *b = &f->bound[f->n_bound];
    struct gyr_error err = {0};
    const char *flaw;
    int r;

    if (f->n_bound == BOUND_MAX)
        return true;
    *b = (struct bound){.field = field, .type = many ? (uint32_t)GYR_T_LIST : d->type};
    b->list = many || d->flags & GYR_FF_LIST;
    if (d->flags & GYR_FF_LIST)
        b->type = GYR_T_LIST;
    (void)trial_calls("bind()");
    r = f->ops->bind(f->inst->self, field, arg, &b->handle, &b->type, &err);
    flaw = r < 0 ? trial_error_flaw(r, &err) : NULL;
    if (flaw)
        (void)snprintf(f->flaw, sizeof(f->flaw), "bind() refuses field %s%s%s%s, and %s", d->name,
                       arg ? "[" : "", arg ? arg : "", arg ? "]" : "", flaw);
    if (r >= 0)
        f->n_bound++;
    return !flaw;
}

static bool bind_all(struct feed *f)
{
    for (uint32_t i = 0; i < f->ops->n_fields; i++) {
        const struct gyr_field *d = &f->ops->fields[i];
        bool ok = true;

        if (!(d->flags & GYR_FF_ARG_REQ))
            ok = bind_one(f, i, NULL, false);
        if (ok && d->flags & GYR_FF_MANY && !(d->flags & GYR_FF_ARG_REQ))
            ok = bind_one(f, i, NULL, true);
        if (ok && d->flags & GYR_FF_INDEX)
            ok = bind_one(f, i, "0", false) && bind_one(f, i, "1", false) &&
                 bind_one(f, i, "4294967295", false);
        if (ok && d->flags & GYR_FF_KEY)
            ok = bind_one(f, i, "conform", false) && bind_one(f, i, "", false);
        if (!ok)
            return false;
    }
    return true;
}

static void unbind_all(struct feed *f)
{
    (void)trial_calls("unbind()");
    for (uint32_t i = 0; i < f->n_bound && f->ops->unbind; i++)
        f->ops->unbind(f->inst->self, f->bound[i].handle);
    f->n_bound = 0;
}

/* An answer that is not known yet: asked for once by its ticket, then given back. */
static bool take_ticket(struct feed *f, const struct bound *b, uint64_t ticket)
{
    struct gyr_value v = {0};
    int r;

    f->pending++;
    if (!f->ops->redeem) {
        (void)snprintf(f->flaw, sizeof(f->flaw),
                       "get() answers GYR_PENDING for %s, and there is no redeem()",
                       f->ops->fields[b->field].name);
        return false;
    }
    (void)trial_calls("redeem()");
    r = f->ops->redeem(f->inst->self, b->handle, ticket, &v);
    if (r > GYR_PENDING) {
        (void)snprintf(f->flaw, sizeof(f->flaw), "redeem() answers %d for %s", r,
                       f->ops->fields[b->field].name);
        return false;
    }
    (void)trial_calls("release()");
    f->ops->release(f->inst->self, b->handle, ticket);
    return true;
}

static bool ask(struct feed *f, const struct gyr_event *ev, const struct bound *b)
{
    const struct gyr_field *d = &f->ops->fields[b->field];
    struct gyr_value v = {0};
    char text[200];
    const char *flaw = NULL;
    uint32_t type = b->type == GYR_T_LIST ? d->type : b->type;
    int r;

    (void)trial_calls("get()");
    r = f->ops->get(f->inst->self, ev, b->handle, &v);
    f->answers++;
    if (r == GYR_PENDING)
        return take_ticket(f, b, v.u.u64);
    if (r > GYR_PENDING) {
        (void)snprintf(text, sizeof(text), "get() answers %d", r);
        flaw = text;
    } else if (r == GYR_PRESENT) {
        f->present++;
        (void)trial_calls("reading the value of get()");
        flaw = value_flaw(&v, type, b->type == GYR_T_LIST, text, sizeof(text));
    }
    if (flaw)
        (void)snprintf(f->flaw, sizeof(f->flaw), "field %s of event '%s': the value %.300s",
                       d->name, schema_event_name(f->schema, ev->type, ev->subtype), flaw);
    return !flaw;
}

static int which_of(const struct feed *f, const char *name)
{
    for (int i = 0; f->ops->events && f->ops->events[i]; i++)
        if (strcmp(f->ops->events[i], "*") == 0 || strcmp(f->ops->events[i], name) == 0)
            return i;
    return -1;
}

static bool feed_one(struct feed *f, const struct gyr_event *ev, const char *name)
{
    int which = which_of(f, name), r = 0;
    bool ok = true;

    f->events++;
    if (which >= 0) {
        (void)trial_calls("on_event()");
        r = f->ops->on_event(f->inst->self, (uint32_t)which, ev);
    }
    if (r > GYR_AFTER) {
        (void)snprintf(f->flaw, sizeof(f->flaw), "on_event() answers %d for '%s'", r, name);
        return false;
    }
    for (uint32_t i = 0; i < f->n_bound && ok; i++)
        ok = ask(f, ev, &f->bound[i]);
    for (uint32_t i = 0; i < ev->nparams && ok && f->ops->param_text; i++) {
        struct gyr_value v = {0};

        (void)trial_calls("param_text()");
        if (schema_type(f->schema, ev->type)->params[i].kind &&
            f->ops->param_text(f->inst->self, ev, i, &v) == GYR_PRESENT)
            ok = !value_flaw(&v, GYR_T_STR, false, f->flaw, sizeof(f->flaw));
    }
    if (r == GYR_AFTER && f->ops->after_event) {
        (void)trial_calls("after_event()");
        f->ops->after_event(f->inst->self, ev);
    }
    scratch_reset(&f->scratch);
    return ok;
}

static bool feed_all(struct feed *f)
{
    static uint64_t room[ROOM / 8];

    for (uint32_t round = 0; round < ROUNDS * N_SHAPES; round++)
        for (uint32_t i = 0; i < f->schema->n_types; i++) {
            const struct gyr_event_type *t = &f->schema->types[i];
            const struct gyr_event *ev = make_event(f, room, t, (enum shape)(round % N_SHAPES));

            if (ev && !feed_one(f, ev, t->name))
                return false;
        }
    return true;
}

static void run_feed(struct feed *f)
{
    trial_begin("bind");
    if (!bind_all(f)) {
        trial_tell(CONFORM_FAIL, "%s", f->flaw);
        return;
    }
    if (f->n_bound)
        trial_tell(CONFORM_OK, "%u ways to name its %u fields", f->n_bound, f->ops->n_fields);
    else
        trial_tell(CONFORM_SKIP, "it has no fields");
    trial_begin("fields");
    if (feed_all(f))
        trial_tell(CONFORM_OK,
                   "%" PRIu64 " made-up events: %" PRIu64 " answers, %" PRIu64 " of them values of "
                   "the declared types%s",
                   f->events, f->answers, f->present, f->pending ? "; some came later" : "");
    else
        trial_tell(CONFORM_FAIL, "%s", f->flaw);
    unbind_all(f);
    trial_begin("stop enricher");
    (void)trial_calls("stop() or destroy()");
    instance_free(f->inst);
    trial_tell(CONFORM_OK, "came back");
}

void group_enricher(struct trial *t)
{
    static struct feed f;
    struct host_hooks hooks = {.ctx = &f,
                               .event_alloc = hook_alloc,
                               .emit = hook_emit,
                               .resolved = hook_resolved,
                               .field_bind = hook_field_bind,
                               .field = hook_field};
    struct gyr_error err = {0};
    int r;

    if (!trial_has(t, GYR_CAP_ENRICHER))
        return;
    f.t = t;
    f.ops = &t->plugin->enricher;
    trial_begin("schema");
    r = choose_schema(t, &err);
    if (r < 0) {
        trial_tell(r == -ENOENT ? CONFORM_SKIP : CONFORM_FAIL, "%s", err.msg);
        return;
    }
    f.schema = t->schemas.list[0];
    trial_tell(CONFORM_OK, "fields and names of events fit '%s'", f.schema->name);
    trial_begin("fields");
    if (scratch_init(&f.scratch) < 0) {
        trial_tell(CONFORM_SKIP, "out of memory");
        return;
    }
    r = trial_start(t, GYR_CAP_ENRICHER, &hooks, &f.inst, &err);
    if (r < 0)
        trial_tell_refused(r, &err);
    else
        run_feed(&f);
    scratch_free(&f.scratch);
}
