/* SPDX-License-Identifier: Apache-2.0 */
#include "base/privilege.h"
#include "event/widen.h"
#include "plugin/option.h"
#include "plugin/plugin.h"

static void add_option(struct buf *out, const struct gyr_option *o)
{
    buf_addf(out, "  %-20s %s", o->name, option_type_name(o->type));
    if (o->flags & GYR_OF_REQUIRED)
        buf_adds(out, ", required");
    else if (o->def && !(o->flags & GYR_OF_SECRET))
        buf_addf(out, ", default %s", *o->def ? o->def : "\"\"");
    if (o->min || o->max) {
        buf_adds(out, ", ");
        option_add_number(out, o, o->min);
        buf_adds(out, " to ");
        if (o->max == INT64_MAX)
            buf_adds(out, "any");
        else
            option_add_number(out, o, o->max);
    }
    if (o->flags & GYR_OF_SECRET)
        buf_adds(out, ", secret");
    if (o->flags & GYR_OF_DEPRECATED)
        buf_adds(out, ", deprecated");
    buf_addf(out, "\n  %-20s %s\n", "", o->help);
    for (uint32_t i = 0; o->type == GYR_O_ENUM && o->choices[i]; i++)
        buf_addf(out, "%s%s", i ? ", " : "                       one of ", o->choices[i]);
    if (o->type == GYR_O_ENUM)
        buf_addc(out, '\n');
}

static void add_source(struct buf *out, const struct gyr_source_ops *ops)
{
    struct gyr_schema s;

    widen(&s, sizeof(s), ops->schema, ops->schema->size);
    buf_addf(out, "\nSource of '%s' events (schema version %u, %u event types, %u fields), %s\n",
             s.name, s.version, s.n_types, s.n_fields,
             ops->flags & GYR_SRC_LIVE ? "live" : "recorded");
}

static void add_enricher(struct buf *out, const struct plugin *p)
{
    const struct gyr_enricher_ops *e = &p->enricher;

    buf_addf(out, "\nEnricher of %s%s%s events\n", e->schema ? "'" : "",
             e->schema ? e->schema : "all", e->schema ? "'" : "");
    if (e->events) {
        buf_adds(out, "  follows: ");
        for (uint32_t i = 0; e->events[i]; i++)
            buf_addf(out, "%s%s", i ? ", " : "", e->events[i]);
        buf_addc(out, '\n');
    }
    for (uint32_t i = 0; i < e->n_fields; i++) {
        const struct gyr_field *f = &p->fields[i];

        if (!(f->flags & GYR_FF_HIDDEN))
            buf_addf(out, "  %-28s %s\n", f->name, f->help ? f->help : "");
    }
}

static void add_privileges(struct buf *out, const char *capabilities)
{
    struct privileges p = {0};

    (void)privilege_parse(capabilities, &p, NULL); /* adopted, so it can be read */
    if (p.needed) {
        buf_adds(out, "  needs ");
        privilege_add_names(out, p.needed);
        buf_addc(out, '\n');
    }
    if (p.useful) {
        buf_adds(out, "  makes use of ");
        privilege_add_names(out, p.useful);
        buf_addc(out, '\n');
    }
}

void plugin_describe(const struct plugin *p, struct buf *out)
{
    const struct gyr_plugin *d = &p->desc;

    buf_addf(out, "%s %s", d->name, d->version);
    if (d->summary)
        buf_addf(out, ": %s", d->summary);
    buf_addf(out, "\n  ABI %u.%u", d->abi_major, d->abi_minor);
    if (d->license)
        buf_addf(out, ", licence %s", d->license);
    if (p->path)
        buf_addf(out, ", from %s", p->path);
    buf_addc(out, '\n');
    add_privileges(out, d->capabilities);
    if (d->source)
        add_source(out, &p->source);
    if (d->enricher)
        add_enricher(out, p);
    if (d->output)
        buf_adds(out, "\nOutput of alerts\n");
    buf_adds(out, d->n_options ? "\nOptions\n" : "\nNo options\n");
    for (uint32_t i = 0; i < d->n_options; i++)
        add_option(out, &p->options[i]);
}
