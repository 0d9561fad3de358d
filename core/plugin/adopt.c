/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "base/privilege.h"
#include "event/abi_1_0.h"
#include "event/schema_check.h"
#include "event/widen.h"
#include "plugin/option.h"
#include "plugin/plugin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_SIZE_MAX = 1 << 20, DEFAULTS_MEM_MAX = 4 << 20, PLUGIN_NAME_MAX = 32 };

static int check_head(const struct gyr_plugin *d, struct gyr_error *err)
{
    if (!d)
        return gyr_fail(err, -ENOEXEC, "the plugin refuses this core (ABI %u.%u)", GYR_ABI_MAJOR,
                        GYR_ABI_MINOR);
    if (d->magic != GYR_MAGIC)
        return gyr_fail(err, -ENOEXEC,
                        "not a plugin of Gyr: its magic number is 0x%08x, not 0x%08x", d->magic,
                        GYR_MAGIC);
    if (d->abi_major != GYR_ABI_MAJOR)
        return gyr_fail(err, -ENOEXEC, "built for ABI %u.%u; this core speaks %u.%u", d->abi_major,
                        d->abi_minor, GYR_ABI_MAJOR, GYR_ABI_MINOR);
    if (d->abi_min_minor > GYR_ABI_MINOR)
        return gyr_fail(err, -ENOEXEC, "needs a core of ABI %u.%u; this one has %u.%u",
                        d->abi_major, d->abi_min_minor, GYR_ABI_MAJOR, GYR_ABI_MINOR);
    if (d->event_size < ABI_1_0_EVENT)
        return gyr_fail(err, -ENOEXEC, "its event header has %u bytes; %d are needed",
                        d->event_size, ABI_1_0_EVENT);
    if (d->size < ABI_1_0_PLUGIN)
        return gyr_fail(err, -ENOEXEC, "its descriptor is cut short: %u bytes of %d", d->size,
                        ABI_1_0_PLUGIN);
    return 0;
}

static bool plugin_name_ok(const char *s)
{
    size_t n = strnlen(s, PLUGIN_NAME_MAX + 1);

    return n <= PLUGIN_NAME_MAX && s[0] >= 'a' && s[0] <= 'z' &&
           strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") == n;
}

static int check_desc(const struct gyr_plugin *d, const char *file_name, struct gyr_error *err)
{
    struct privileges wants;
    struct gyr_error why = {0};

    if (!d->name || !plugin_name_ok(d->name))
        return gyr_fail(err, -ENOEXEC,
                        "%s: lower-case letters, digits, '_' and '-' are wanted, at most %d, "
                        "a letter first",
                        d->name ? "its name is malformed" : "it has no name", PLUGIN_NAME_MAX);
    if (file_name && strcmp(d->name, file_name) != 0)
        return gyr_fail(err, -ENOEXEC, "it calls itself '%s', its file is named '%s.so'", d->name,
                        file_name);
    if (!d->version || !*d->version)
        return gyr_fail(err, -ENOEXEC, "plugin '%s' has no version", d->name);
    if (!d->create || !d->destroy)
        return gyr_fail(err, -ENOEXEC, "plugin '%s' has no %s()", d->name,
                        d->create ? "destroy" : "create");
    if (d->stop && !d->start)
        return gyr_fail(err, -ENOEXEC, "plugin '%s' has stop() but no start()", d->name);
    if (d->flags)
        return gyr_fail(err, -ENOEXEC, "plugin '%s' has unknown flags 0x%x", d->name, d->flags);
    if (!d->source && !d->enricher && !d->output)
        return gyr_fail(err, -ENOEXEC,
                        "plugin '%s' is neither a source nor an enricher nor an "
                        "output",
                        d->name);
    if (privilege_parse(d->capabilities, &wants, &why) < 0)
        return gyr_fail(err, -ENOEXEC, "plugin '%s': %s", d->name, why.msg);
    if (d->config_size > CONFIG_SIZE_MAX)
        return gyr_fail(err, -ENOEXEC,
                        "plugin '%s' wants %u bytes for its options; at most %d are "
                        "given",
                        d->name, d->config_size, CONFIG_SIZE_MAX);
    return 0;
}

static int check_ops(const char *plugin, const char *what, uint32_t size, uint32_t need,
                     uint32_t unknown_flags, struct gyr_error *err)
{
    if (size < need)
        return gyr_fail(err, -ENOEXEC, "plugin '%s': its %s table is cut short: %u bytes of %u",
                        plugin, what, size, need);
    if (unknown_flags)
        return gyr_fail(err, -ENOEXEC, "plugin '%s': its %s table has unknown flags 0x%x", plugin,
                        what, unknown_flags);
    return 0;
}

static int fail_missing(const char *plugin, const char *what, const char *call,
                        struct gyr_error *err)
{
    return gyr_fail(err, -ENOEXEC, "plugin '%s': its %s lacks %s", plugin, what, call);
}

/* Helpers for tables answer -EINVAL; whoever loads a file wants to hear one thing. */
static int refuse(int r)
{
    return r < 0 ? -ENOEXEC : 0;
}

static int adopt_source(struct plugin *p, const struct gyr_source_ops *ops, struct gyr_error *err)
{
    const char *name = p->desc.name;
    struct gyr_schema schema;
    int r;

    r = check_ops(name, "source", ops->size, ABI_1_0_SOURCE, ops->flags & ~(uint32_t)GYR_SRC_LIVE,
                  err);
    if (r < 0)
        return r;
    widen(&p->source, sizeof(p->source), ops, ops->size);
    if (!ops->next_batch)
        return fail_missing(name, "source", "next_batch()", err);
    if (!ops->wake)
        return fail_missing(name, "source", "wake()", err);
    if (!ops->schema)
        return fail_missing(name, "source", "a schema", err);
    if (ops->schema->size < ABI_1_0_SCHEMA)
        return gyr_fail(err, -ENOEXEC, "plugin '%s': its schema is cut short: %u bytes of %d", name,
                        ops->schema->size, ABI_1_0_SCHEMA);
    widen(&schema, sizeof(schema), ops->schema, ops->schema->size);
    return refuse(schema_check(&schema, name, err));
}

static int check_enricher_calls(const struct gyr_enricher_ops *ops, const char *name,
                                struct gyr_error *err)
{
    if (ops->n_fields && !ops->get)
        return fail_missing(name, "enricher", "get(), though it has fields", err);
    if (ops->n_fields && !ops->bind)
        return fail_missing(name, "enricher", "bind(), though it has fields", err);
    if (!ops->redeem != !ops->release)
        return fail_missing(name, "enricher",
                            ops->redeem ? "release(), though it has redeem()"
                                        : "redeem(), though it has release()",
                            err);
    if (ops->events && !ops->on_event)
        return fail_missing(name, "enricher", "on_event(), though it names events", err);
    if (ops->on_event && !ops->events)
        return fail_missing(name, "enricher", "names of events, though it has on_event()", err);
    if (ops->after_event && !ops->on_event)
        return fail_missing(name, "enricher", "on_event(), though it has after_event()", err);
    if (!ops->n_fields && !ops->on_event && !ops->param_text)
        return fail_missing(name, "enricher",
                            "fields, on_event() and param_text(): it does nothing", err);
    return 0;
}

static int adopt_enricher(struct plugin *p, const struct gyr_enricher_ops *ops,
                          struct gyr_error *err)
{
    const char *name = p->desc.name;
    struct gyr_enricher_ops *e = &p->enricher;
    int r;

    r = check_ops(name, "enricher", ops->size, ABI_1_0_ENRICHER, ops->flags, err);
    if (r < 0)
        return r;
    widen(e, sizeof(*e), ops, ops->size);
    r = check_enricher_calls(e, name, err);
    if (r == 0)
        r = refuse(schema_check_fields(e->fields, e->n_fields, e->field_stride, name, err));
    if (r < 0 || e->n_fields == 0)
        return r;
    p->fields = calloc(e->n_fields, sizeof(*p->fields));
    if (!p->fields)
        return gyr_fail(err, -ENOMEM, "plugin '%s': out of memory", name);
    for (uint32_t i = 0; i < e->n_fields; i++)
        widen(&p->fields[i], sizeof(p->fields[i]), widen_row(ops->fields, ops->field_stride, i),
              ops->field_stride);
    e->fields = p->fields;
    e->field_stride = sizeof(*p->fields);
    return 0;
}

static int adopt_output(struct plugin *p, const struct gyr_output_ops *ops, struct gyr_error *err)
{
    int r = check_ops(p->desc.name, "output", ops->size, ABI_1_0_OUTPUT, ops->flags, err);

    if (r < 0)
        return r;
    widen(&p->output, sizeof(p->output), ops, ops->size);
    return ops->write ? 0 : fail_missing(p->desc.name, "output", "write()", err);
}

/* ---- options ---- */

static bool option_name_ok(const char *s)
{
    size_t n = s ? strnlen(s, 65) : 0;

    return n > 0 && n <= 64 && s[0] >= 'a' && s[0] <= 'z' &&
           strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == n;
}

static int check_option(const struct plugin *p, const struct gyr_option *o, struct gyr_error *err)
{
    const uint32_t known = GYR_OF_REQUIRED | GYR_OF_SECRET | GYR_OF_DEPRECATED;
    const char *name = p->desc.name;

    if (!option_name_ok(o->name))
        return gyr_fail(err, -ENOEXEC, "plugin '%s' has an option without a proper name", name);
    if (!o->help || !*o->help)
        return gyr_fail(err, -ENOEXEC, "plugin '%s': option '%s' has no help", name, o->name);
    if (o->type < GYR_O_BOOL || o->type > OPTION_TYPE_MAX)
        return gyr_fail(err, -ENOEXEC, "plugin '%s': option '%s' has the unknown type %u", name,
                        o->name, o->type);
    if (o->flags & ~known)
        return gyr_fail(err, -ENOEXEC, "plugin '%s': option '%s' has unknown flags 0x%x", name,
                        o->name, o->flags & ~known);
    if (o->width != option_type_width(o->type))
        return gyr_fail(err, -ENOEXEC,
                        "plugin '%s': option '%s' is a %s of %u bytes, its member has %u", name,
                        o->name, option_type_name(o->type), option_type_width(o->type), o->width);
    if (o->offset > p->desc.config_size || o->width > p->desc.config_size - o->offset)
        return gyr_fail(err, -ENOEXEC,
                        "plugin '%s': option '%s' lies at %u, outside of the %u bytes of its "
                        "configuration",
                        name, o->name, o->offset, p->desc.config_size);
    if (o->offset % o->width)
        return gyr_fail(err, -ENOEXEC, "plugin '%s': option '%s' lies misaligned at %u", name,
                        o->name, o->offset);
    if (o->type == GYR_O_ENUM && (!o->choices || !o->choices[0]))
        return gyr_fail(err, -ENOEXEC, "plugin '%s': option '%s' has no choices", name, o->name);
    if (o->min > o->max)
        return gyr_fail(err, -ENOEXEC, "plugin '%s': option '%s' has a minimum above its maximum",
                        name, o->name);
    return 0;
}

static int check_pair(const struct plugin *p, const struct gyr_option *a,
                      const struct gyr_option *b, struct gyr_error *err)
{
    if (strcmp(a->name, b->name) == 0)
        return gyr_fail(err, -ENOEXEC, "plugin '%s' has the option '%s' twice", p->desc.name,
                        a->name);
    if (a->offset < b->offset + b->width && b->offset < a->offset + a->width)
        return gyr_fail(err, -ENOEXEC, "plugin '%s': options '%s' and '%s' overlap at %u",
                        p->desc.name, a->name, b->name, b->offset);
    return 0;
}

static int check_defaults(const struct plugin *p, struct gyr_error *err)
{
    struct arena *arena = arena_new(DEFAULTS_MEM_MAX);
    void *cfg = calloc(1, p->desc.config_size + 1u);
    struct gyr_error why = {0};
    int r = 0;

    if (!arena || !cfg)
        r = gyr_fail(err, -ENOMEM, "plugin '%s': out of memory", p->desc.name);
    for (uint32_t i = 0; i < p->desc.n_options && r == 0; i++) {
        const struct gyr_option *o = &p->options[i];

        if (o->def && (o->flags & GYR_OF_REQUIRED))
            r = gyr_fail(err, -ENOEXEC,
                         "plugin '%s': option '%s' is required and has a default all the same",
                         p->desc.name, o->name);
        else if (option_store_default(o, arena, cfg, &why) < 0)
            r = gyr_fail(err, -ENOEXEC, "plugin '%s': the default of option '%s': %.300s",
                         p->desc.name, o->name, why.msg);
    }
    arena_free(arena);
    free(cfg);
    return r;
}

static int adopt_options(struct plugin *p, struct gyr_error *err)
{
    const struct gyr_plugin *d = &p->desc;
    int r;

    if (d->n_options == 0)
        return 0;
    if (!d->options || d->n_options > OPTIONS_MAX)
        return gyr_fail(err, -ENOEXEC, "plugin '%s' announces %u options%s", d->name, d->n_options,
                        d->options ? "; too many" : " and has no table of them");
    if (d->option_stride < ABI_1_0_OPTION)
        return gyr_fail(err, -ENOEXEC,
                        "plugin '%s': rows of its options are %u bytes apart; %d are needed",
                        d->name, d->option_stride, ABI_1_0_OPTION);
    p->options = calloc(d->n_options, sizeof(*p->options));
    if (!p->options)
        return gyr_fail(err, -ENOMEM, "plugin '%s': out of memory", d->name);
    for (uint32_t i = 0; i < d->n_options; i++) {
        widen(&p->options[i], sizeof(p->options[i]), widen_row(d->options, d->option_stride, i),
              d->option_stride);
        r = check_option(p, &p->options[i], err);
        for (uint32_t k = 0; k < i && r == 0; k++)
            r = check_pair(p, &p->options[k], &p->options[i], err);
        if (r < 0)
            return r;
    }
    return check_defaults(p, err);
}

int plugin_adopt(const struct gyr_plugin *desc, const char *file_name, struct plugin *ret,
                 struct gyr_error *err)
{
    struct plugin p = {0};
    int r;

    r = check_head(desc, err);
    if (r < 0)
        return r;
    widen(&p.desc, sizeof(p.desc), desc, desc->size);
    r = check_desc(&p.desc, file_name, err);
    if (r == 0 && p.desc.source)
        r = adopt_source(&p, p.desc.source, err);
    if (r == 0 && p.desc.enricher)
        r = adopt_enricher(&p, p.desc.enricher, err);
    if (r == 0 && p.desc.output)
        r = adopt_output(&p, p.desc.output, err);
    if (r == 0)
        r = adopt_options(&p, err);
    if (r < 0) {
        plugin_release(&p);
        return r;
    }
    p.desc.options = p.options;
    p.desc.option_stride = sizeof(*p.options);
    *ret = p;
    return 0;
}

void plugin_release(struct plugin *p)
{
    free(p->options);
    free(p->fields);
    free((void *)p->path);
    *p = (struct plugin){0};
}
