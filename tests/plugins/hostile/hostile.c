/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins that are wrong in one way each: built once per CASE_…, named CASE_NAME. */
#include <gyr/plugin.h>
#include <gyr/util.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef CASE_NAME /* as it stands it is right */
#define CASE_NAME "hostile"
#endif

struct config {
    uint8_t flag;
    int64_t count;
};

static int create(const struct gyr_host *host, const void *cfg, void **ret_self,
                  struct gyr_error *err)
{
    (void)host;
    (void)cfg;
    (void)err;
    *ret_self = NULL;
    return 0;
}

static void nothing(void *self)
{
    (void)self;
}

static int next_batch(void *self, struct gyr_batch *b, struct gyr_error *err)
{
    (void)self;
    (void)b;
    (void)err;
    return GYR_E_EOF;
}

static int bind(void *self, uint32_t field, const char *arg, uint32_t *ret_handle,
                uint32_t *ret_type, struct gyr_error *err)
{
    (void)self;
    (void)field;
    (void)arg;
    (void)ret_handle;
    (void)ret_type;
    (void)err;
    return 0;
}

static int get(void *self, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret)
{
    (void)self;
    (void)ev;
    (void)handle;
    (void)ret;
    return GYR_ABSENT;
}

static int redeem(void *self, uint32_t handle, uint64_t ticket, struct gyr_value *ret)
{
    (void)self;
    (void)handle;
    (void)ticket;
    (void)ret;
    return GYR_ABSENT;
}

static void release(void *self, uint32_t handle, uint64_t ticket)
{
    (void)self;
    (void)handle;
    (void)ticket;
}

static int write_alerts(void *self, const struct gyr_alert *const *alerts, uint32_t n,
                        struct gyr_verdict *v, struct gyr_error *err)
{
    (void)self;
    (void)alerts;
    (void)n;
    (void)v;
    (void)err;
    return 0;
}

static const struct gyr_event_type types[] = {{1, 0, 0, "tick", "other", NULL, 0}};
static const struct gyr_schema schema = {
    .size = sizeof(schema),
    .version = 1,
    .name = "hostile",
    .types = types,
    .n_types = 1,
    .type_stride = sizeof(types[0]),
};

static const struct gyr_source_ops source = {
    .size = sizeof(source),
#ifndef CASE_nosource
    .schema = &schema,
#endif
    .next_batch = next_batch,
#ifndef CASE_nowake
    .wake = nothing,
#endif
};

static const struct gyr_field fields[] = {
    {.name = "hostile.name", .help = "Name.", .type = GYR_T_STR},
};
static const struct gyr_enricher_ops enricher = {
#ifdef CASE_oldtable
    .size = 16,
#else
    .size = sizeof(enricher),
#endif
    .schema = "hostile",
#ifndef CASE_nofields
    .fields = fields,
#endif
    .n_fields = 1,
    .field_stride = sizeof(fields[0]),
    .bind = bind,
#ifndef CASE_noget
    .get = get,
#endif
#ifndef CASE_noredeem
    .redeem = redeem,
#endif
    .release = release,
};

static const struct gyr_output_ops output = {
    .size = sizeof(output),
#ifndef CASE_nowrite
    .write = write_alerts,
#endif
};

static const struct gyr_option options[] = {
    {GYR_OPT(struct config, flag, GYR_O_BOOL, "flag", "no", "Flag.")},
#if defined(CASE_width)
    {GYR_OPT(struct config, flag, GYR_O_INT, "count", "1", "Count.")},
#elif defined(CASE_outside)
    {.name = "count", .help = "Count.", .type = GYR_O_INT, .offset = 4096, .width = 8},
#elif defined(CASE_twice)
    {GYR_OPT(struct config, count, GYR_O_INT, "flag", "1", "Count.")},
#elif defined(CASE_baddefault)
    {GYR_OPT(struct config, count, GYR_O_INT, "count", "lots", "Count.")},
#else
    {GYR_OPT(struct config, count, GYR_O_INT, "count", "1", "Count.")},
#endif
};

static const struct gyr_plugin plugin = {
#ifdef CASE_magic
    .magic = 0xdeadbeef,
#else
    .magic = GYR_MAGIC,
#endif
#ifdef CASE_short
    .size = 48,
#else
    .size = sizeof(plugin),
#endif
#ifdef CASE_major
    .abi_major = GYR_ABI_MAJOR + 1,
#else
    .abi_major = GYR_ABI_MAJOR,
#endif
#ifdef CASE_minor
    .abi_minor = GYR_ABI_MINOR + 1,
#else
    .abi_minor = GYR_ABI_MINOR,
#endif
#ifdef CASE_minor
    .abi_min_minor = GYR_ABI_MINOR + 1,
#else
    .abi_min_minor = GYR_ABI_MINOR,
#endif
#ifdef CASE_layout
    .event_size = sizeof(struct gyr_event) - 8,
#else
    .event_size = sizeof(struct gyr_event),
#endif
#if defined(CASE_alias)
    .name = "innocent",
#elif !defined(CASE_nameless)
    .name = CASE_NAME,
#endif
    .version = "1",
    .source = &source,
    .enricher = &enricher,
    .output = &output,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .option_stride = sizeof(options[0]),
    .config_size = sizeof(struct config),
#ifndef CASE_nocreate
    .create = create,
#endif
    .destroy = nothing,
#ifdef CASE_nocapability
    .capabilities = "CAP_BPF CAP_PERFMAN",
#endif
};

#ifdef CASE_constructor
/* Runs inside of dlopen(), before any check of a table. */
__attribute__((constructor)) static void mark(void)
{
    const char *path = getenv("GYR_TEST_MARK");
    int fd = path ? open(path, O_CREAT | O_WRONLY, 0600) : -1;

    if (fd >= 0)
        (void)close(fd);
}
#endif

#if defined(CASE_refuses)
__attribute__((visibility("default"))) const struct gyr_plugin *gyr_plugin_query(uint32_t host_abi);
const struct gyr_plugin *gyr_plugin_query(uint32_t host_abi)
{
    return host_abi == 0 ? &plugin : NULL;
}
#elif defined(CASE_nosymbol)
__attribute__((visibility("default"))) const struct gyr_plugin *innocent = &plugin;
#else
GYR_EXPORT_PLUGIN(plugin)
#endif
