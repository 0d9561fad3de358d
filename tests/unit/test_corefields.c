/* SPDX-License-Identifier: Apache-2.0 */
#include "../lib/event_build.h"
#include "base/cleanup.h"
#include "engine/provider.h"
#include "engine/value.h"
#include "syscall/syscall.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static struct schemas schemas;
static struct scratch scratch;
static struct stream_pos pos;
static struct gyr_value told[GYR_PARAMS_MAX]; /* what the fake enricher says, by parameter */
static struct provider core, enricher;
static struct event_build build;

static int fake_param_text(void *self, const struct gyr_event *ev, uint32_t param,
                           struct gyr_value *ret)
{
    char *copy;

    (void)self;
    (void)ev;
    if (told[param].type == GYR_T_NONE)
        return GYR_ABSENT;
    /* as the host's event_alloc() does: from the block that texts are written to */
    copy = scratch_alloc(&scratch, told[param].len + 1);
    assert_non_null(copy);
    memcpy(copy, told[param].u.ptr, told[param].len);
    *ret = gyr_str(copy, told[param].len);
    return GYR_PRESENT;
}

static const struct gyr_enricher_ops fake_ops = {.size = sizeof(fake_ops),
                                                 .param_text = fake_param_text};

static int setup(void **state)
{
    static struct corefields_conf conf;
    struct gyr_error err;

    (void)state;
    (void)setenv("TZ", "UTC", 1);
    tzset();
    if (schemas_add(&schemas, &syscall_schema, "test", &err) < 0 || scratch_init(&scratch) < 0)
        return -1;
    enricher = (struct provider){"fake", &fake_ops, NULL};
    conf = (struct corefields_conf){.schema = schemas_find(&schemas, "syscall"),
                                    .pos = &pos,
                                    .scratch = &scratch,
                                    .others = &enricher,
                                    .n_others = 1,
                                    .source_plugin = "replay",
                                    .hostname = "host-1"};
    core = (struct provider){"core", &corefields_ops, NULL};
    return corefields_new(&conf, &core.self);
}

static int teardown(void **state)
{
    (void)state;
    corefields_free(core.self);
    schemas_free(&schemas);
    scratch_free(&scratch);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    memset(told, 0, sizeof(told));
    scratch_reset(&scratch);
    pos = (struct stream_pos){.num = 42,
                              .ts_ns = 1700000005000000007,
                              .prev_ns = 1700000004999999000,
                              .first_ns = 1700000000000000000};
    return 0;
}

/* The value of a field for an event, as text; "-" when it is absent. */
static const char *get(const struct gyr_event *ev, const char *field, const char *arg)
{
    static char out[2 * EVENT_BUILD_SIZE];
    int f = provider_field(&core, field);
    uint32_t handle, type;
    struct gyr_error err;
    struct gyr_value v;
    struct buf b;
    int r;

    assert_true(f >= 0);
    type = corefields_ops.fields[f].type;
    if (core.ops->bind(core.self, (uint32_t)f, arg, &handle, &type, &err) < 0)
        fail_msg("%s[%s]: %s", field, arg ? arg : "", err.msg);
    r = core.ops->get(core.self, ev, handle, &v);
    core.ops->unbind(core.self, handle);
    if (r != GYR_PRESENT)
        return "-";
    buf_init(&b, sizeof(out) - 1);
    value_add_text(&b, &v, corefields_ops.fields[f].fmt);
    memcpy(out, b.p, b.len + 1);
    buf_free(&b);
    return out;
}

#define GET(ev, field)          get(ev, field, NULL)
#define CHECK(ev, f, arg, want) assert_string_equal(get(ev, f, arg), want)

/* A raw argument as outputs show it: kind of the value, then its text. */
static const char *show(const struct gyr_event *ev, const char *arg)
{
    static char out[128];
    uint32_t handle, type = GYR_T_STR;
    struct gyr_error err;
    struct gyr_value v;
    struct buf b;

    assert_int_equal(core.ops->bind(core.self, (uint32_t)provider_field(&core, "evt.rawarg"), arg,
                                    &handle, &type, &err),
                     0);
    if (core.ops->get(core.self, ev, handle, &v) != GYR_PRESENT)
        v = (struct gyr_value){0};
    core.ops->unbind(core.self, handle);
    buf_init(&b, sizeof(out) - 1);
    value_add_text(&b, &v, GYR_F_DEC);
    (void)snprintf(out, sizeof(out), "%s %s", v.type == GYR_T_STR ? "text" : "number", b.p);
    buf_free(&b);
    return out;
}

static struct gyr_event *openat(void)
{
    event_build_begin(&build, EV_SYSCALL_OPENAT_2_X);
    event_build_int(&build, 3, 8);
    event_build_int(&build, (uint64_t)-100, 8);
    event_build_str(&build, "/etc/ld.so.cache");
    event_build_int(&build, 4097, 4);
    event_build_int(&build, 0644, 4);
    event_build_int(&build, 0xfe00, 4);
    event_build_int(&build, 794, 8);
    build.ev.cpu = 2;
    return event_build_end(&build);
}

static void times(void **state)
{
    static const struct {
        const char *field, *want;
    } t[] = {
        {"evt.num", "42"},
        {"evt.time", "22:13:25.000000007"},
        {"evt.time.s", "22:13:25"},
        {"evt.time.iso8601", "2023-11-14T22:13:25.000000007+0000"},
        {"evt.datetime", "2023-11-14 22:13:25.000000007"},
        {"evt.datetime.s", "2023-11-14 22:13:25"},
        {"evt.rawtime", "1700000005000000007"},
        {"evt.rawtime.s", "1700000005"},
        {"evt.rawtime.ns", "000000007"},
        {"evt.reltime", "5000000007"},
        {"evt.reltime.s", "5"},
        {"evt.reltime.ns", "000000007"},
        {"evt.deltatime", "000001007"},
        {"evt.deltatime.s", "0"},
        {"evt.deltatime.ns", "000001007"},
    };
    struct gyr_event *ev = openat();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        assert_string_equal(GET(ev, t[i].field), t[i].want);
    /* a clock that went back */
    pos.first_ns = pos.prev_ns = pos.ts_ns + 1;
    assert_string_equal(GET(ev, "evt.reltime"), "000000000");
    assert_string_equal(GET(ev, "evt.deltatime.s"), "0");
}

static void what_it_is(void **state)
{
    struct gyr_event *ev = openat();

    (void)state;
    assert_string_equal(GET(ev, "evt.type"), "openat");
    assert_string_equal(GET(ev, "evt.category"), "file");
    assert_string_equal(GET(ev, "evt.cpu"), "2");
    assert_string_equal(GET(ev, "evt.source"), "syscall");
    assert_string_equal(GET(ev, "evt.hostname"), "host-1");
    assert_string_equal(GET(ev, "evt.pluginname"), "replay");
    assert_string_equal(GET(ev, "evt.is_async"), "-");
    assert_string_equal(GET(ev, "evt.asynctype"), "-");
    ev->cpu = GYR_CPU_NONE;
    assert_string_equal(GET(ev, "evt.cpu"), "-");
    ev->flags = GYR_EVF_INTERNAL;
    assert_string_equal(GET(ev, "evt.is_async"), "true");
    assert_string_equal(GET(ev, "evt.asynctype"), "openat");
}

static void core_events(void **state)
{
    struct gyr_event *ev;

    (void)state;
    event_build_begin(&build, GYR_EV_LOSS);
    event_build_int(&build, 1, 4);
    event_build_int(&build, 0, 2);
    event_build_int(&build, 17, 8);
    ev = event_build_end(&build);
    assert_string_equal(GET(ev, "evt.is_async"), "true");
    CHECK(ev, "evt.arg", "2", "17");
    ev->type = 0xefff; /* nobody's */
    assert_string_equal(GET(ev, "evt.type"), "-");
    CHECK(ev, "evt.arg", "0", "-");
}

static void arguments_by_schema(void **state)
{
    struct gyr_event *ev = openat();

    (void)state;
    CHECK(ev, "evt.arg", "fd", "3");
    CHECK(ev, "evt.arg", "0", "3");
    CHECK(ev, "evt.arg", "dirfd", "-100");
    CHECK(ev, "evt.arg", "name", "/etc/ld.so.cache");
    CHECK(ev, "evt.arg", "flags", "O_RDONLY|O_CLOEXEC");
    CHECK(ev, "evt.arg", "3", "O_RDONLY|O_CLOEXEC");
    CHECK(ev, "evt.arg", "mode", "0644");
    CHECK(ev, "evt.arg", "dev", "FE00");
    CHECK(ev, "evt.arg", "ino", "794");
    CHECK(ev, "evt.arg", "6", "794");
    CHECK(ev, "evt.arg", "7", "-");
    CHECK(ev, "evt.arg", "63", "-");
    CHECK(ev, "evt.arg", "res", "-"); /* another event's */
    CHECK(ev, "evt.rawarg", "fd", "3");
    CHECK(ev, "evt.rawarg", "dirfd", "-100");
    CHECK(ev, "evt.rawarg", "flags", "4097");
    CHECK(ev, "evt.rawarg", "name", "/etc/ld.so.cache");
    CHECK(ev, "evt.rawarg", "res", "-");
    assert_string_equal(GET(ev, "evt.args"), "fd=3 dirfd=-100 name=/etc/ld.so.cache "
                                             "flags=4097(O_RDONLY|O_CLOEXEC) mode=0644 dev=FE00 "
                                             "ino=794");
    assert_string_equal(GET(ev, "evt.info"), GET(ev, "evt.args"));
    assert_string_equal(GET(ev, "evt.plugininfo"), GET(ev, "evt.args"));
}

static void say(uint32_t param, const char *s, size_t n)
{
    told[param] = gyr_str(s, n);
}

static void arguments_by_enricher(void **state)
{
    struct gyr_event *ev = openat();

    (void)state;
    say(0, "<f>/etc/ld.so.cache", 19);
    say(1, "AT_FDCWD", 8);
    say(2, "/etc/ld.so.cache", 16);   /* no news: written once */
    say(3, "not asked: no kind", 18); /* the schema's flags say it all */
    CHECK(ev, "evt.arg", "fd", "<f>/etc/ld.so.cache");
    CHECK(ev, "evt.arg", "flags", "O_RDONLY|O_CLOEXEC");
    assert_string_equal(GET(ev, "evt.args"),
                        "fd=3(<f>/etc/ld.so.cache) dirfd=-100(AT_FDCWD) name=/etc/ld.so.cache "
                        "flags=4097(O_RDONLY|O_CLOEXEC) mode=0644 dev=FE00 ino=794");
    /* another recorded form before a zero byte */
    say(0, "three\0<f>x", 10);
    say(1, "cwd\0", 4);
    CHECK(ev, "evt.arg", "fd", "<f>x");
    CHECK(ev, "evt.arg", "dirfd", "cwd");
    assert_non_null(strstr(GET(ev, "evt.args"), "fd=three(<f>x) dirfd=cwd name="));
    /* an empty answer is none */
    say(0, "", 0);
    CHECK(ev, "evt.arg", "fd", "3");
}

static void opaque_arguments(void **state)
{
    struct gyr_event *ev;

    (void)state;
    event_build_begin(&build, EV_SYSCALL_PPOLL_X);
    event_build_int(&build, 1, 8);
    event_build_add(&build, "\1\0\4\0\0\0\0\0\0\0\x40\0", 12);
    event_build_int(&build, 1500000000, 8);
    event_build_int(&build, 3, 4);
    ev = event_build_end(&build);
    CHECK(ev, "evt.arg", "fds", "..........@.");
    CHECK(ev, "evt.arg", "timeout", "1.5s");
    say(1, "4:p40", 5);
    say(3, "SIGHUP SIGINT\0", 14);
    CHECK(ev, "evt.arg", "fds", "4:p40");
    assert_string_equal(GET(ev, "evt.args"),
                        "res=1 fds=4:p40 timeout=1500000000(1.5s) sigmask=SIGHUP SIGINT");
    event_build_begin(&build, EV_SYSCALL_PPOLL_X);
    event_build_int(&build, 0, 8);
    event_build_add(&build, NULL, 0);
    event_build_int(&build, UINT64_MAX, 8);
    memset(told, 0, sizeof(told));
    ev = event_build_end(&build);
    assert_string_equal(GET(ev, "evt.args"), "res=0 fds=NULL timeout=none");
}

static void absent_and_empty_arguments(void **state)
{
    struct gyr_event *ev;

    (void)state;
    event_build_begin(&build, EV_SYSCALL_OPENAT_2_X);
    event_build_int(&build, (uint64_t)-2, 8);
    event_build_add(&build, NULL, 0);
    event_build_add(&build, NULL, 0);
    event_build_int(&build, 0, 4);
    ev = event_build_end(&build);
    assert_string_equal(GET(ev, "evt.args"), "fd=-2 dirfd=<NA> name=<NA> flags=0(O_NONE)");
    CHECK(ev, "evt.arg", "name", "<NA>");
    CHECK(ev, "evt.rawarg", "name", "-");
    CHECK(ev, "evt.arg", "mode", "-");
    event_build_begin(&build, EV_SYSCALL_OPENAT_2_X);
    ev = event_build_end(&build);
    assert_string_equal(GET(ev, "evt.args"), "");
}

static void numbers_of_every_kind(void **state)
{
    struct gyr_event *ev;

    (void)state;
    event_build_begin(&build, EV_SYSCALL_EXECVE_19_X);
    for (int i = 0; i < 31; i++)
        if (i == P_SYSCALL_EXECVE_19_X__args)
            event_build_add(&build, "0.2\0x\0", 6);
        else if (i == P_SYSCALL_EXECVE_19_X__loginuid)
            event_build_int(&build, 0xffffffff, 4);
        else if (i == P_SYSCALL_EXECVE_19_X__fdlimit)
            event_build_int(&build, UINT64_MAX, 8);
        else if (i == P_SYSCALL_EXECVE_19_X__cap_permitted)
            event_build_int(&build, 0x1fffeffffff, 8);
        else if (i == P_SYSCALL_EXECVE_19_X__exe_ino_ctime)
            event_build_int(&build, 1663687649147483648, 8);
        else
            event_build_add(&build, NULL, 0);
    ev = event_build_end(&build);
    CHECK(ev, "evt.arg", "args", "0.2.x.");
    CHECK(ev, "evt.arg", "loginuid", "-1");
    CHECK(ev, "evt.arg", "fdlimit", "-1");
    CHECK(ev, "evt.arg", "cap_permitted", "1FFFEFFFFFF");
    CHECK(ev, "evt.arg", "exe_ino_ctime", "2022-09-20 15:27:29.147483648");
    CHECK(ev, "evt.rawarg", "fdlimit", "18446744073709551615");
}

static void names_of_flags_and_values(void **state)
{
    static const struct {
        uint32_t mode;
        const char *want;
    } modes[] = {
        {0, "0"},
        {1, "S_IXOTH"},
        {0600, "S_IWUSR|S_IRUSR"},
        {04755, "S_IXOTH|S_IROTH|S_IXGRP|S_IRGRP|S_IXUSR|S_IWUSR|S_IRUSR|S_ISUID"},
    };
    struct gyr_event *ev;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        event_build_begin(&build, EV_SYSCALL_FCHMOD_X);
        event_build_int(&build, 0, 8);
        event_build_int(&build, 3, 8);
        event_build_int(&build, modes[i].mode, 4);
        ev = event_build_end(&build);
        CHECK(ev, "evt.arg", "mode", modes[i].want);
    }
    assert_non_null(strstr(GET(ev, "evt.args"), "mode=04755(S_IXOTH|"));
    event_build_begin(&build, EV_SOCKET_SOCKET_X);
    event_build_int(&build, 3, 8);
    event_build_int(&build, 1, 4);
    event_build_int(&build, 526337, 4);
    event_build_int(&build, 0, 4);
    event_build_int(&build, 4160, 4);
    ev = event_build_end(&build);
    assert_string_equal(GET(ev, "evt.args"), "fd=3 domain=1(AF_LOCAL|AF_UNIX) type=526337 proto=0 "
                                             "flags=4160(O_NONBLOCK|O_CLOEXEC)");
    /* nothing has that name */
    event_build_begin(&build, EV_SOCKET_SOCKET_X);
    event_build_int(&build, 3, 8);
    event_build_int(&build, 9999, 4);
    ev = event_build_end(&build);
    CHECK(ev, "evt.arg", "domain", "9999");
    /* a name with several bits holds only with all of them, and takes them away */
    event_build_begin(&build, EV_SYSCALL_OPENAT_2_X);
    event_build_int(&build, 3, 8);
    event_build_int(&build, 3, 8);
    event_build_str(&build, "x");
    event_build_int(&build, 3 | 4, 4);
    ev = event_build_end(&build);
    CHECK(ev, "evt.arg", "flags", "O_CREAT|O_RDWR");
}

static void generic_events_have_no_args(void **state)
{
    struct gyr_event *ev;

    (void)state;
    event_build_begin(&build, EV_GENERIC_X);
    event_build_int(&build, 5, 2);
    event_build_int(&build, 10, 2);
    build.ev.subtype = 5;
    ev = event_build_end(&build);
    assert_string_equal(GET(ev, "evt.args"), "");
    CHECK(ev, "evt.arg", "1", "10");
    assert_string_equal(GET(ev, "evt.type"), schema_event_name(schemas.list[0], EV_GENERIC_X, 5));
}

/* Each event's own parameter tells how it is shown, whatever others of that name do. */
static void raw_arguments_as_shown(void **state)
{
    struct gyr_event *ev = openat();

    (void)state;
    assert_string_equal(show(ev, "fd"), "number 3");
    assert_string_equal(show(ev, "flags"), "text 1001");
    assert_string_equal(show(ev, "mode"), "text 644");
    assert_string_equal(show(ev, "name"), "text /etc/ld.so.cache");
    event_build_begin(&build, EV_SYSCALL_FCHDIR_X);
    event_build_int(&build, 0, 8);
    event_build_int(&build, 11, 8);
    assert_string_equal(show(event_build_end(&build), "fd"), "text 11");
}

static int bind(const char *field, const char *arg, uint32_t *ret_type, struct gyr_error *err)
{
    uint32_t handle;
    int r = core.ops->bind(core.self, (uint32_t)provider_field(&core, field), arg, &handle,
                           ret_type, err);

    if (r == 0)
        core.ops->unbind(core.self, handle);
    return r;
}

static void binding(void **state)
{
    struct gyr_error err = {0};
    uint32_t type = GYR_T_STR;

    (void)state;
    assert_int_equal(bind("evt.arg", NULL, &type, &err), -EINVAL);
    assert_int_equal(bind("evt.arg", "", &type, &err), -EINVAL);
    assert_int_equal(bind("evt.arg", "64", &type, &err), -EINVAL);
    assert_int_equal(bind("evt.arg", "99999999999999999999", &type, &err), -EINVAL);
    assert_int_equal(bind("evt.arg", "1x", &type, &err), -EINVAL);
    assert_int_equal(bind("evt.num", "1", &type, &err), -EINVAL);
    assert_int_equal(bind("evt.rawarg", "0", &type, &err), -EINVAL);
    assert_int_equal(bind("evt.arg", "flagz", &type, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "did you mean 'flags'"));
    assert_int_equal(bind("evt.arg", "flags", &type, &err), 0);
    assert_int_equal(type, GYR_T_STR);
    assert_int_equal(bind("evt.rawarg", "flags", &type, &err), 0);
    assert_int_equal(type, GYR_T_U64);
    assert_int_equal(bind("evt.rawarg", "fd", &type, &err), 0);
    assert_int_equal(type, GYR_T_I64);
    assert_int_equal(bind("evt.rawarg", "name", &type, &err), 0);
    assert_int_equal(type, GYR_T_STR);
}

/* Reloads bind and unbind for ever; handles are used again, and there is an end to them. */
static void handles(void **state)
{
    static uint32_t h[10000];
    struct gyr_error err;
    uint32_t n = 0, type, again;
    int r = 0;

    (void)state;
    while (n < ARRAY_LEN(h) && (r = core.ops->bind(core.self, 0, NULL, &h[n], &type, &err)) == 0)
        n++;
    assert_int_equal(r, -ENOSPC);
    core.ops->unbind(core.self, h[77]);
    assert_int_equal(core.ops->bind(core.self, 1, NULL, &again, &type, &err), 0);
    assert_int_equal(again, h[77]);
    for (uint32_t i = 0; i < n; i++)
        core.ops->unbind(core.self, h[i]);
    core.ops->unbind(core.self, UINT32_MAX);
    assert_int_equal(core.ops->get(core.self, openat(), h[5], &told[0]), GYR_ABSENT);
}

/* What the schema's catalogue says of our fields must be what we say. */
static void catalogue_agrees(void **state)
{
    uint32_t found = 0;

    (void)state;
    for (uint32_t i = 0; i < syscall_schema.n_fields; i++) {
        const struct gyr_field *f = &syscall_schema.fields[i];
        int k = provider_field(&core, f->name);

        if (k < 0) {
            assert_true(!f->provider || strcmp(f->provider, "core") != 0);
            continue;
        }
        found++;
        assert_int_equal(f->type, corefields_ops.fields[k].type);
        assert_int_equal(f->flags, corefields_ops.fields[k].flags);
        assert_int_equal(f->fmt, corefields_ops.fields[k].fmt);
    }
    assert_int_equal(found, corefields_ops.n_fields);
    assert_int_equal(provider_field(&core, "evt.nosuch"), -1);
}

static void texts_too_long_are_absent(void **state)
{
    struct gyr_event *ev = openat();

    (void)state;
    scratch.used = scratch.cap - 16;
    assert_string_equal(GET(ev, "evt.args"), "-");
    CHECK(ev, "evt.arg", "flags", "-");
    CHECK(ev, "evt.arg", "mode", "0644");
    assert_true(scratch.failed >= 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = {
        TEST(times),
        TEST(what_it_is),
        TEST(core_events),
        TEST(arguments_by_schema),
        TEST(raw_arguments_as_shown),
        TEST(arguments_by_enricher),
        TEST(opaque_arguments),
        TEST(absent_and_empty_arguments),
        TEST(numbers_of_every_kind),
        TEST(names_of_flags_and_values),
        TEST(generic_events_have_no_args),
        TEST(binding),
        TEST(handles),
        TEST(catalogue_agrees),
        TEST(texts_too_long_are_absent),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
