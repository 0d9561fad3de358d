/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include "base/cleanup.h"
#include "plugin/plugin.h"

#include <cmocka.h>
#include <errno.h>
#include <string.h>

/* A plugin that is right in every way; each test breaks one thing. */
struct config {
    uint8_t flag;
    int64_t count;
    const char *path;
};

static int create(const struct gyr_host *host, const void *cfg, void **ret_self,
                  struct gyr_error *err)
{
    (void)host;
    (void)cfg;
    (void)ret_self;
    (void)err;
    return 0;
}

static int start(void *self, struct gyr_error *err)
{
    (void)self;
    (void)err;
    return 0;
}

static void end(void *self)
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

static int on_event(void *self, uint32_t which, const struct gyr_event *ev)
{
    (void)self;
    (void)which;
    (void)ev;
    return 0;
}

static void after_event(void *self, const struct gyr_event *ev)
{
    (void)self;
    (void)ev;
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

static const struct gyr_event_type types[] = {{.id = 1, .name = "tick", .category = "other"}};
static const struct gyr_field good_fields[] = {
    {.name = "good.name", .help = "Name.", .type = GYR_T_STR},
    {.name = "good.age", .help = "Age.", .type = GYR_T_U64},
};
static const char *const events[] = {"tick", NULL};

static struct gyr_schema schema;
static struct gyr_source_ops source;
static struct gyr_enricher_ops enricher;
static struct gyr_output_ops output;
static struct gyr_field fields[2];
static struct gyr_option options[3];
static struct gyr_plugin plug;

static void make_good(void)
{
    static const struct gyr_option good_options[] = {
        {GYR_OPT(struct config, flag, GYR_O_BOOL, "flag", "yes", "Flag.")},
        {GYR_OPT(struct config, count, GYR_O_INT, "count", "5", "Count."), .min = 1, .max = 9},
        {GYR_OPT(struct config, path, GYR_O_STR, "path", NULL, "Path."), .flags = GYR_OF_REQUIRED},
    };

    memcpy(fields, good_fields, sizeof(fields));
    memcpy(options, good_options, sizeof(options));
    schema = (struct gyr_schema){.size = sizeof(schema),
                                 .version = 1,
                                 .name = "good",
                                 .types = types,
                                 .n_types = 1,
                                 .type_stride = sizeof(types[0])};
    source = (struct gyr_source_ops){
        .size = sizeof(source), .schema = &schema, .next_batch = next_batch, .wake = end};
    enricher = (struct gyr_enricher_ops){.size = sizeof(enricher),
                                         .schema = "good",
                                         .events = events,
                                         .fields = fields,
                                         .n_fields = 2,
                                         .field_stride = sizeof(fields[0]),
                                         .on_event = on_event,
                                         .bind = bind,
                                         .get = get};
    output = (struct gyr_output_ops){.size = sizeof(output), .write = write_alerts};
    plug = (struct gyr_plugin){
        GYR_PLUGIN_HEAD,    .name = "good",        .version = "1",
        .source = &source,  .enricher = &enricher, .output = &output,
        .options = options, .n_options = 3,        .config_size = sizeof(struct config),
        .create = create,   .start = start,        .stop = end,
        .destroy = end};
}

static void a_good_plugin_is_adopted(void **state)
{
    struct gyr_error err;
    struct plugin p;

    (void)state;
    make_good();
    assert_int_equal(plugin_adopt(&plug, "good", &p, &err), 0);
    assert_ptr_equal(p.source.schema, &schema);
    assert_string_equal(p.options[2].name, "path");
    assert_string_equal(p.fields[1].name, "good.age");
    assert_ptr_equal(p.enricher.fields, p.fields);
    plugin_release(&p);
    assert_int_equal(plugin_adopt(&plug, NULL, &p, &err), 0);
    plugin_release(&p);
}

static void every_refusal_says_what_is_wrong(void **state)
{
    struct gyr_error err;
    struct plugin p;

#define REFUSED(change, text)                                                                      \
    do {                                                                                           \
        make_good();                                                                               \
        change;                                                                                    \
        memset(&err, 0, sizeof(err));                                                              \
        if (plugin_adopt(&plug, "good", &p, &err) != -ENOEXEC || !strstr(err.msg, text))           \
            fail_msg("%s: %s", #change, err.msg);                                                  \
    } while (0)

    (void)state;
    assert_int_equal(plugin_adopt(NULL, "good", &p, &err), -ENOEXEC);
    REFUSED(plug.magic = 0x464c457f, "its magic number is 0x464c457f, not 0x31525947");
    REFUSED(plug.abi_major = 7, "built for ABI 7.0; this core speaks 1.0");
    REFUSED(plug.abi_min_minor = 9, "needs a core of ABI 1.9; this one has 1.0");
    REFUSED(plug.event_size = 40, "its event header has 40 bytes; 48 are needed");
    REFUSED(plug.size = 40, "its descriptor is cut short: 40 bytes");
    REFUSED(plug.name = NULL, "it has no name");
    REFUSED(plug.name = "Good", "its name is malformed");
    REFUSED(plug.name = "other", "it calls itself 'other', its file is named 'good.so'");
    REFUSED(plug.version = NULL, "has no version");
    REFUSED(plug.version = "", "has no version");
    REFUSED(plug.create = NULL, "has no create()");
    REFUSED(plug.destroy = NULL, "has no destroy()");
    REFUSED(plug.start = NULL, "has stop() but no start()");
    REFUSED(plug.flags = 4, "has unknown flags 0x4");
    REFUSED(plug.source = NULL; plug.enricher = NULL; plug.output = NULL, "neither a source");
    REFUSED(plug.config_size = UINT32_MAX, "bytes for its options");

    REFUSED(source.size = 8, "its source table is cut short: 8 bytes");
    REFUSED(source.flags = 128, "its source table has unknown flags 0x80");
    REFUSED(source.next_batch = NULL, "its source lacks next_batch()");
    REFUSED(source.wake = NULL, "its source lacks wake()");
    REFUSED(source.schema = NULL, "its source lacks a schema");
    REFUSED(schema.size = 4, "its schema is cut short");
    REFUSED(schema.n_types = 0, "no usable table of event types");

    REFUSED(enricher.size = 8, "its enricher table is cut short");
    REFUSED(enricher.flags = 1, "its enricher table has unknown flags 0x1");
    REFUSED(enricher.get = NULL, "its enricher lacks get(), though it has fields");
    REFUSED(enricher.bind = NULL, "its enricher lacks bind(), though it has fields");
    REFUSED(enricher.redeem = redeem, "lacks release(), though it has redeem()");
    REFUSED(enricher.on_event = NULL, "lacks on_event(), though it names events");
    REFUSED(enricher.events = NULL, "lacks names of events");
    REFUSED(enricher.on_event = NULL; enricher.events = NULL;
            enricher.after_event = after_event, "lacks on_event(), though it has after_event()");
    REFUSED(enricher.n_fields = 0; enricher.on_event = NULL;
            enricher.events = NULL, "it does nothing");
    REFUSED(enricher.field_stride = 8, "rows of its fields are 8 bytes apart");
    REFUSED(enricher.fields = NULL, "has no table of them");
    REFUSED(fields[1].name = "good.name", "declares the field 'good.name' twice");
    REFUSED(fields[0].flags = 1u << 31, "unknown flags 0x80000000");

    REFUSED(output.size = 8, "its output table is cut short");
    REFUSED(output.write = NULL, "its output lacks write()");

    REFUSED(plug.options = NULL, "announces 3 options and has no table of them");
    REFUSED(plug.n_options = 100000, "announces 100000 options; too many");
    REFUSED(plug.option_stride = 16, "rows of its options are 16 bytes apart");
    REFUSED(options[0].name = NULL, "has an option without a proper name");
    REFUSED(options[0].name = "Bad Name", "has an option without a proper name");
    REFUSED(options[0].help = NULL, "option 'flag' has no help");
    REFUSED(options[0].type = 99, "option 'flag' has the unknown type 99");
    REFUSED(options[0].flags = 64, "option 'flag' has unknown flags 0x40");
    REFUSED(options[1].width = 4, "option 'count' is a number of 8 bytes, its member has 4");
    REFUSED(options[1].offset = sizeof(struct config), "outside of the");
    REFUSED(options[1].offset = UINT32_MAX - 3, "outside of the");
    REFUSED(options[1].offset = 4, "option 'count' lies misaligned at 4");
    REFUSED(options[1].name = "flag", "has the option 'flag' twice");
    REFUSED(options[2].offset = options[1].offset, "options 'count' and 'path' overlap");
    REFUSED(options[1].type = GYR_O_ENUM, "option 'count' has no choices");
    REFUSED(options[1].min = 10, "a minimum above its maximum");
    REFUSED(options[1].def = "many", "the default of option 'count': 'many' is not a whole number");
    REFUSED(options[1].def = "10", "the default of option 'count': must be at most 9");
    REFUSED(options[0].flags = GYR_OF_REQUIRED, "is required and has a default all the same");
#undef REFUSED
}

/* A plugin of a later core: longer structs, longer rows. */
static void longer_structs_are_taken(void **state)
{
    struct {
        struct gyr_option o;
        uint64_t later;
    } rows[3] = {{.later = UINT64_MAX}, {.later = UINT64_MAX}, {.later = UINT64_MAX}};
    struct {
        struct gyr_plugin p;
        uint64_t later[4];
    } big;
    struct gyr_error err;
    struct plugin p;

    (void)state;
    make_good();
    for (size_t i = 0; i < 3; i++)
        rows[i].o = options[i];
    big.p = plug;
    big.p.size = sizeof(big);
    big.p.options = &rows[0].o;
    big.p.option_stride = sizeof(rows[0]);
    memset(big.later, 0xff, sizeof(big.later));
    assert_int_equal(plugin_adopt(&big.p, "good", &p, &err), 0);
    assert_string_equal(p.options[1].name, "count");
    assert_string_equal(p.options[2].name, "path");
    plugin_release(&p);
}

static void describe_says_everything(void **state)
{
    static const char *const wanted[] = {
        "good 1",        "ABI 1.0",  "Source of 'good' events", "Enricher of 'good' events",
        "Output of",     "flag",     "boolean, default yes",    "number, default 5, 1 to 9",
        "follows: tick", "good.age", "text, required",
    };
    struct gyr_error err;
    struct plugin p;
    struct buf b;

    (void)state;
    make_good();
    assert_int_equal(plugin_adopt(&plug, "good", &p, &err), 0);
    buf_init(&b, 1 << 16);
    plugin_describe(&p, &b);
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        if (!strstr(b.p, wanted[i]))
            fail_msg("'%s' is missing in:\n%s", wanted[i], b.p);
    buf_free(&b);
    plugin_release(&p);
}

static void plugins_that_are_not_there(void **state)
{
    static const char *const dirs[] = {"/nonexistent/one", "/nonexistent/two"};
    struct plugins ps = {.dirs = dirs, .n_dirs = 2};
    struct gyr_error err = {0};
    struct plugin *p;

    (void)state;
    assert_int_equal(plugins_load(&ps, "stdout", &p, &err), -ENOENT);
    assert_string_equal(err.msg,
                        "there is no plugin 'stdout' in /nonexistent/one, /nonexistent/two");
    assert_int_equal(plugins_load(&ps, "/nonexistent/x.so", &p, &err), -ENOENT);
    ps.n_dirs = 0;
    assert_int_equal(plugins_load(&ps, "stdout", &p, &err), -ENOENT);
    assert_non_null(strstr(err.msg, "plugin_dirs is empty"));
    plugins_free(&ps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_plugin_is_adopted),
        cmocka_unit_test(every_refusal_says_what_is_wrong),
        cmocka_unit_test(longer_structs_are_taken),
        cmocka_unit_test(describe_says_everything),
        cmocka_unit_test(plugins_that_are_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
