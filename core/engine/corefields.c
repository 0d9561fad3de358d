/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "base/num.h"
#include "engine/paramtext.h"
#include "engine/value.h"
#include "event/event.h"

#include <errno.h>
#include <stdlib.h>

enum { NS_PER_S = 1000000000, NS_PER_MS = 1000000, BINDINGS_MAX = 8192, NOT_FOUND = 0xff };

enum core_field {
    F_NUM,
    F_TIME,
    F_TIME_S,
    F_TIME_ISO,
    F_DATETIME,
    F_DATETIME_S,
    F_RAWTIME,
    F_RAWTIME_S,
    F_RAWTIME_NS,
    F_RELTIME,
    F_RELTIME_S,
    F_RELTIME_NS,
    F_DELTATIME,
    F_DELTATIME_S,
    F_DELTATIME_NS,
    F_AROUND,
    F_TYPE,
    F_CATEGORY,
    F_CPU,
    F_SOURCE,
    F_HOSTNAME,
    F_PLUGINNAME,
    F_PLUGININFO,
    F_IS_ASYNC,
    F_ASYNCTYPE,
    F_ARG,
    F_RAWARG,
    F_ARGS,
    F_INFO
};

#define FIELD(id, n, t, fl, fm, h)                                                                 \
    [id] = {.name = (n), .help = (h), .type = (t), .flags = (fl), .fmt = (fm), .provider = "core"}

static const struct gyr_field fields[] = {
    FIELD(F_NUM, "evt.num", GYR_T_U64, 0, GYR_F_DEC,
          "Ordinal of the event in its source's stream, from 1."),
    FIELD(F_TIME, "evt.time", GYR_T_TIME, 0, GYR_F_HMS,
          "Time of day of the event, with nanoseconds."),
    FIELD(F_TIME_S, "evt.time.s", GYR_T_TIME, 0, GYR_F_HMS_S,
          "Time of day of the event, in whole seconds."),
    FIELD(F_TIME_ISO, "evt.time.iso8601", GYR_T_TIME, 0, GYR_F_ISO8601,
          "Date and time of the event in ISO 8601, UTC, with nanoseconds."),
    FIELD(F_DATETIME, "evt.datetime", GYR_T_TIME, 0, GYR_F_DATETIME,
          "Date and time of the event, with nanoseconds."),
    FIELD(F_DATETIME_S, "evt.datetime.s", GYR_T_TIME, 0, GYR_F_DATETIME_S,
          "Date and time of the event, in whole seconds."),
    FIELD(F_RAWTIME, "evt.rawtime", GYR_T_TIME, 0, GYR_F_RAW, "Nanoseconds since the epoch."),
    FIELD(F_RAWTIME_S, "evt.rawtime.s", GYR_T_TIME, 0, GYR_F_RAW, "Whole seconds since the epoch."),
    FIELD(F_RAWTIME_NS, "evt.rawtime.ns", GYR_T_TIME, 0, GYR_F_RAW9,
          "Nanoseconds within the second."),
    FIELD(F_RELTIME, "evt.reltime", GYR_T_DURATION, 0, GYR_F_RAW9,
          "Nanoseconds since the first event of the stream."),
    FIELD(F_RELTIME_S, "evt.reltime.s", GYR_T_DURATION, 0, GYR_F_RAW,
          "Whole seconds since the first event of the stream."),
    FIELD(F_RELTIME_NS, "evt.reltime.ns", GYR_T_DURATION, 0, GYR_F_RAW9,
          "Nanoseconds within the second, since the first event."),
    FIELD(F_DELTATIME, "evt.deltatime", GYR_T_DURATION, 0, GYR_F_RAW9,
          "Nanoseconds since the event before."),
    FIELD(F_DELTATIME_S, "evt.deltatime.s", GYR_T_DURATION, 0, GYR_F_RAW,
          "Whole seconds since the event before."),
    FIELD(F_DELTATIME_NS, "evt.deltatime.ns", GYR_T_DURATION, 0, GYR_F_RAW9,
          "Nanoseconds within the second, since the event before."),
    FIELD(F_AROUND, "evt.around", GYR_T_U64, GYR_FF_INDEX | GYR_FF_ARG_REQ, GYR_F_DEC,
          "Milliseconds between the event and a time: evt.around[T] = D is true within D of T."),
    FIELD(F_TYPE, "evt.type", GYR_T_STR, 0, GYR_F_DEC,
          "Name of the event: \"openat\", \"execve\"."),
    FIELD(F_CATEGORY, "evt.category", GYR_T_STR, 0, GYR_F_DEC,
          "What the event is about: file, net, process, memory, user, signal, …"),
    FIELD(F_CPU, "evt.cpu", GYR_T_I64, 0, GYR_F_DEC, "CPU the event happened on."),
    FIELD(F_SOURCE, "evt.source", GYR_T_STR, 0, GYR_F_DEC,
          "Name of the event's schema: \"syscall\"."),
    FIELD(F_HOSTNAME, "evt.hostname", GYR_T_STR, 0, GYR_F_DEC, "Name of the watched host."),
    FIELD(F_PLUGINNAME, "evt.pluginname", GYR_T_STR, 0, GYR_F_DEC,
          "Name of the plugin that gave the event, for sources that are not the kernel."),
    FIELD(F_PLUGININFO, "evt.plugininfo", GYR_T_STR, 0, GYR_F_DEC,
          "What the source plugin says of the event in one line."),
    FIELD(F_IS_ASYNC, "evt.is_async", GYR_T_BOOL, 0, GYR_F_DEC,
          "True for events that a plugin put into the stream on its own account."),
    FIELD(F_ASYNCTYPE, "evt.asynctype", GYR_T_STR, 0, GYR_F_DEC, "Name of such an event."),
    FIELD(F_ARG, "evt.arg", GYR_T_STR, GYR_FF_INDEX | GYR_FF_KEY | GYR_FF_ARG_REQ, GYR_F_DEC,
          "One argument as text, by name or by position: evt.arg.flags, evt.arg[0]."),
    FIELD(F_RAWARG, "evt.rawarg", GYR_T_NONE, GYR_FF_INDEX | GYR_FF_KEY | GYR_FF_ARG_REQ, GYR_F_DEC,
          "One argument as the number or text it was recorded as."),
    FIELD(F_ARGS, "evt.args", GYR_T_STR, 0, GYR_F_DEC,
          "All arguments as name=value, separated by blanks."),
    FIELD(F_INFO, "evt.info", GYR_T_STR, 0, GYR_F_DEC, "The arguments in one line; like evt.args."),
};

/* A field with its argument. */
struct binding {
    uint32_t field;
    uint32_t index; /* of the argument, when it was given by position */
    uint64_t time;  /* evt.around's */
    bool shown;     /* a raw argument of an output */
    uint8_t *place; /* by name: for each event type of the schema where it is, or NOT_FOUND */
};

struct corefields {
    struct corefields_conf conf;
    struct binding *bound[BINDINGS_MAX];
    uint32_t n_bound;
};

int corefields_new(const struct corefields_conf *conf, void **ret_self)
{
    struct corefields *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    c->conf = *conf;
    *ret_self = c;
    return 0;
}

static void binding_free(struct binding *b)
{
    if (!b)
        return;
    free(b->place);
    free(b);
}

void corefields_free(void *self)
{
    struct corefields *c = self;

    for (uint32_t i = 0; c && i < c->n_bound; i++)
        binding_free(c->bound[i]);
    free(c);
}

/* ---- binding ---- */

static uint32_t value_type(uint32_t param_type)
{
    switch (param_type) {
    case GYR_P_I8:
    case GYR_P_I16:
    case GYR_P_I32:
    case GYR_P_I64:
        return GYR_T_I64;
    case GYR_P_BOOL:
        return GYR_T_BOOL;
    case GYR_P_DOUBLE:
        return GYR_T_DOUBLE;
    case GYR_P_STR:
        return GYR_T_STR;
    case GYR_P_TIME:
        return GYR_T_TIME;
    case GYR_P_DURATION:
        return GYR_T_DURATION;
    case GYR_P_IP:
        return GYR_T_IP;
    case GYR_P_BYTES:
    case GYR_P_STRS:
    case GYR_P_OPAQUE:
        return GYR_T_BYTES;
    default:
        return GYR_T_U64;
    }
}

static int no_argument(const struct schema *s, const char *arg, struct gyr_error *err)
{
    struct suggest near;
    const char *best;

    suggest_init(&near, arg, strlen(arg));
    for (uint32_t i = 0; i < s->n_types; i++)
        for (uint32_t k = s->types[i].n_params; k-- > 0;)
            suggest_offer(&near, s->types[i].params[k].name);
    best = suggest_best(&near);
    return gyr_fail(err, -EINVAL, "no event of schema '%s' has an argument '%s'%s%s%s", s->name,
                    arg, best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
}

/* Where in each event type the argument of that name stands. */
static int find_places(const struct schema *s, const char *arg, struct binding *b,
                       uint32_t *ret_type, struct gyr_error *err)
{
    uint32_t type = GYR_T_NONE;

    for (uint32_t i = 0; i < s->n_types; i++) {
        b->place[i] = NOT_FOUND;
        for (uint32_t k = s->types[i].n_params; k-- > 0;) {
            if (strcmp(s->types[i].params[k].name, arg) == 0)
                b->place[i] = (uint8_t)k;
        }
        if (type == GYR_T_NONE && b->place[i] != NOT_FOUND)
            type = value_type(s->types[i].params[b->place[i]].type);
    }
    if (type == GYR_T_NONE)
        return no_argument(s, arg, err);
    if (b->field == F_RAWARG) {
        b->shown = *ret_type == GYR_T_STR;
        *ret_type = type;
    }
    return 0;
}

static int bind_arg(struct corefields *c, struct binding *b, const char *arg, uint32_t *ret_type,
                    struct gyr_error *err)
{
    uint64_t index;

    if (!arg || !*arg)
        return gyr_fail(err, -EINVAL, "%s needs an argument, as in %s.fd", fields[b->field].name,
                        fields[b->field].name);
    if (*arg >= '0' && *arg <= '9') {
        if (b->field == F_RAWARG)
            return gyr_fail(err, -EINVAL, "evt.rawarg takes the name of an argument, not '%s'",
                            arg);
        if (parse_u64(arg, strlen(arg), &index) < 0 || index >= GYR_PARAMS_MAX)
            return gyr_fail(err, -EINVAL, "evt.arg takes a position of 0 to %u, not '%s'",
                            GYR_PARAMS_MAX - 1, arg);
        b->index = (uint32_t)index;
        return 0;
    }
    b->place = malloc(c->conf.schema->n_types ? c->conf.schema->n_types : 1);
    if (!b->place)
        return gyr_fail(err, -ENOMEM, "out of memory");
    return find_places(c->conf.schema, arg, b, ret_type, err);
}

static int bind_around(struct binding *b, const char *arg, struct gyr_error *err)
{
    if (arg && parse_u64(arg, strlen(arg), &b->time) == 0)
        return 0;
    return gyr_fail(err, -EINVAL,
                    "evt.around needs a time in nanoseconds since the epoch, as in "
                    "evt.around[1404996934793590564]");
}

static int core_bind(void *self, uint32_t field, const char *arg, uint32_t *ret_handle,
                     uint32_t *ret_type, struct gyr_error *err)
{
    struct corefields *c = self;
    struct binding *b;
    uint32_t h = 0;
    int r = 0;

    if (field >= ARRAY_LEN(fields))
        return gyr_fail(err, -EINVAL, "the core has no field %u", field);
    while (h < c->n_bound && c->bound[h])
        h++;
    if (h == BINDINGS_MAX)
        return gyr_fail(err, -ENOSPC, "more than %d fields of the core are in use", BINDINGS_MAX);
    b = calloc(1, sizeof(*b));
    if (!b)
        return gyr_fail(err, -ENOMEM, "out of memory");
    b->field = field;
    if (field == F_ARG || field == F_RAWARG)
        r = bind_arg(c, b, arg, ret_type, err);
    else if (field == F_AROUND)
        r = bind_around(b, arg, err);
    else if (arg)
        r = gyr_fail(err, -EINVAL, "%s takes no argument", fields[field].name);
    if (r < 0) {
        binding_free(b);
        return r;
    }
    c->bound[h] = b;
    if (h == c->n_bound)
        c->n_bound++;
    *ret_handle = h;
    return 0;
}

static void core_unbind(void *self, uint32_t handle)
{
    struct corefields *c = self;

    if (handle >= c->n_bound)
        return;
    binding_free(c->bound[handle]);
    c->bound[handle] = NULL;
}

/* ---- values ---- */

static int text(const char *s, struct gyr_value *ret)
{
    if (!s)
        return GYR_ABSENT;
    *ret = gyr_str(s, strlen(s));
    return GYR_PRESENT;
}

static int number(uint32_t type, uint64_t v, struct gyr_value *ret)
{
    *ret = gyr_num(type, v);
    return GYR_PRESENT;
}

static int time_field(const struct corefields *c, uint32_t field, struct gyr_value *ret)
{
    const struct stream_pos *pos = c->conf.pos;
    uint64_t t = pos->ts_ns;
    uint64_t rel = t > pos->first_ns ? t - pos->first_ns : 0;
    uint64_t delta = t > pos->prev_ns ? t - pos->prev_ns : 0;

    switch (field) {
    case F_RAWTIME_S:
        return number(GYR_T_TIME, t / NS_PER_S, ret);
    case F_RAWTIME_NS:
        return number(GYR_T_TIME, t % NS_PER_S, ret);
    case F_RELTIME:
        return number(GYR_T_DURATION, rel, ret);
    case F_RELTIME_S:
        return number(GYR_T_DURATION, rel / NS_PER_S, ret);
    case F_RELTIME_NS:
        return number(GYR_T_DURATION, rel % NS_PER_S, ret);
    case F_DELTATIME:
        return number(GYR_T_DURATION, delta, ret);
    case F_DELTATIME_S:
        return number(GYR_T_DURATION, delta / NS_PER_S, ret);
    case F_DELTATIME_NS:
        return number(GYR_T_DURATION, delta % NS_PER_S, ret);
    default:
        return number(GYR_T_TIME, t, ret);
    }
}

/* Rounded up, so that whole milliseconds compare as the nanoseconds would. */
static int around(uint64_t ts, uint64_t of, struct gyr_value *ret)
{
    uint64_t gap = ts > of ? ts - of : of - ts;

    return number(GYR_T_U64, gap / NS_PER_MS + (gap % NS_PER_MS != 0), ret);
}

/* As Falco prints it: each event's own parameter tells how. */
static int shown(const struct corefields *c, uint32_t fmt, struct gyr_value *ret)
{
    char text[VALUE_TEXT_MAX], *to;
    size_t n;

    if (ret->type != GYR_T_I64 && ret->type != GYR_T_U64)
        return GYR_PRESENT;
    if (fmt != GYR_F_HEX && fmt != GYR_F_OCT && fmt != GYR_F_TEXT)
        return GYR_PRESENT;
    n = value_scalar_text(text, ret, fmt == GYR_F_OCT ? (uint32_t)VALUE_F_OCT_BARE : fmt);
    to = scratch_alloc(c->conf.scratch, n);
    if (!to)
        return GYR_ABSENT;
    memcpy(to, text, n);
    *ret = gyr_str(to, n);
    return GYR_PRESENT;
}

static int arg_field(const struct corefields *c, const struct binding *b,
                     const struct gyr_event *ev, const struct gyr_event_type *t,
                     struct gyr_value *ret)
{
    uint32_t i = b->place ? b->place[t - c->conf.schema->types] : b->index;

    if (i >= ev->nparams)
        return GYR_ABSENT;
    if (b->field == F_RAWARG) {
        int is = event_param(ev, t, i, ret);

        return is == GYR_PRESENT && b->shown ? shown(c, t->params[i].fmt, ret) : is;
    }
    return param_text(&c->conf, ev, t, i, ret);
}

/* Events about the stream itself, and those that plugins add to it on their own account. */
static bool is_async(const struct gyr_event *ev)
{
    return ev->flags & GYR_EVF_INTERNAL || ev->type >= GYR_EV_CORE_MIN;
}

static int core_get(void *self, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret)
{
    const struct corefields *c = self;
    const struct schema *s = c->conf.schema;
    const struct gyr_event_type *t = schema_type(s, ev->type);
    const struct binding *b = handle < c->n_bound ? c->bound[handle] : NULL;

    if (!b || !t)
        return GYR_ABSENT;
    switch (b->field) {
    case F_NUM:
        return number(GYR_T_U64, c->conf.pos->num, ret);
    case F_AROUND:
        return around(ev->ts_ns, b->time, ret);
    case F_TYPE:
        return text(schema_event_name(s, ev->type, ev->subtype), ret);
    case F_CATEGORY:
        return text(t->category, ret);
    case F_CPU:
        if (ev->cpu == GYR_CPU_NONE)
            return GYR_ABSENT;
        return number(GYR_T_I64, ev->cpu, ret);
    case F_SOURCE:
        return text(s->name, ret);
    case F_HOSTNAME:
        return text(c->conf.hostname, ret);
    case F_PLUGINNAME:
        return text(c->conf.source_plugin, ret);
    case F_IS_ASYNC:
        return is_async(ev) ? number(GYR_T_BOOL, 1, ret) : GYR_ABSENT; /* as Falco has it */
    case F_ASYNCTYPE:
        return is_async(ev) ? text(schema_event_name(s, ev->type, ev->subtype), ret) : GYR_ABSENT;
    case F_ARG:
    case F_RAWARG:
        return arg_field(c, b, ev, t, ret);
    case F_ARGS:
    case F_INFO:
        return params_text(&c->conf, ev, t, ret);
    case F_PLUGININFO:
        return c->conf.source_plugin ? params_text(&c->conf, ev, t, ret) : GYR_ABSENT;
    default:
        return time_field(c, b->field, ret);
    }
}

const struct gyr_enricher_ops corefields_ops = {
    .size = sizeof(struct gyr_enricher_ops),
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .field_stride = sizeof(fields[0]),
    .bind = core_bind,
    .unbind = core_unbind,
    .get = core_get,
};
