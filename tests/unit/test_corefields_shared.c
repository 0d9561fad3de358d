/* SPDX-License-Identifier: Apache-2.0 */
/* Fields the core computes alone, for the events of real captures, against what Falco printed.
 * Skipped without ../shared. */
#include "../lib/scap_build.h"
#include "base/cleanup.h"
#include "engine/provider.h"
#include "engine/value.h"
#include "syscall/syscall.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

/* Fields looked at: those of arguments only where no enricher knows more (kind 0). */
static const struct {
    const char *json, *name, *arg;
} looked_at[] = {
    {"evt.type", "evt.type", NULL},
    {"evt.category", "evt.category", NULL},
    {"evt.cpu", "evt.cpu", NULL},
    {"evt.rawtime", "evt.rawtime", NULL},
    {"evt.rawtime.s", "evt.rawtime.s", NULL},
    {"evt.source", "evt.source", NULL},
    {"evt.args", "evt.args", NULL},
    {"evt.info", "evt.info", NULL},
    {"evt.arg[0]", "evt.arg", "0"},
    {"evt.arg[1]", "evt.arg", "1"},
    {"evt.arg[2]", "evt.arg", "2"},
    {"evt.arg[3]", "evt.arg", "3"},
    {"evt.arg.flags", "evt.arg", "flags"},
    {"evt.arg.mode", "evt.arg", "mode"},
    {"evt.arg.exe", "evt.arg", "exe"},
    {"evt.arg.args", "evt.arg", "args"},
    {"evt.arg.cmd", "evt.arg", "cmd"},
    {"evt.arg.domain", "evt.arg", "domain"},
    {"evt.arg.target", "evt.arg", "target"},
    {"evt.arg.request", "evt.arg", "request"},
};
enum { N_LOOKED_AT = sizeof(looked_at) / sizeof(looked_at[0]) };

static struct schemas schemas;
static struct scratch scratch;
static struct stream_pos pos;
static struct provider core;
static uint32_t handles[N_LOOKED_AT];
static const struct gyr_field *defs[N_LOOKED_AT];

static int setup(void **state)
{
    struct corefields_conf conf = {.pos = &pos, .scratch = &scratch};
    struct gyr_error err;
    uint32_t type;

    (void)state;
    (void)setenv("TZ", "UTC", 1);
    tzset();
    if (schemas_add(&schemas, &syscall_schema, "test", &err) < 0 || scratch_init(&scratch) < 0)
        return -1;
    conf.schema = schemas_find(&schemas, "syscall");
    core = (struct provider){"core", &corefields_ops, NULL};
    if (corefields_new(&conf, &core.self) < 0)
        return -1;
    for (size_t i = 0; i < N_LOOKED_AT; i++) {
        int f = provider_field(&core, looked_at[i].name);

        if (f < 0 ||
            core.ops->bind(core.self, (uint32_t)f, looked_at[i].arg, &handles[i], &type, &err) < 0)
            return -1;
        defs[i] = &corefields_ops.fields[f];
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    corefields_free(core.self);
    schemas_free(&schemas);
    scratch_free(&scratch);
    return 0;
}

static bool is_ours(const struct gyr_event *ev, size_t field)
{
    const struct gyr_event_type *t = syscall_event_type(ev->type);
    const char *arg = looked_at[field].arg;

    if (strcmp(looked_at[field].name, "evt.category") == 0)
        return strncmp(t->category, "io_", 3) != 0; /* the descriptor decides */
    for (uint32_t i = 0; i < t->n_params; i++) {
        bool is_it = !arg ? strcmp(looked_at[field].name, "evt.args") == 0 ||
                                strcmp(looked_at[field].name, "evt.info") == 0
                          : strcmp(t->params[i].name, arg) == 0 || (uint32_t)(*arg - '0') == i;

        if (is_it && t->params[i].kind)
            return false;
    }
    return true;
}

static const char *value_of(const struct gyr_event *ev, size_t field, struct buf *b)
{
    struct gyr_value v;

    buf_reset(b);
    if (core.ops->get(core.self, ev, handles[field], &v) == GYR_PRESENT)
        value_add_text(b, &v, defs[field]->type == GYR_T_TIME ? GYR_F_RAW : defs[field]->fmt);
    else
        buf_adds(b, "(absent)");
    return b->p;
}

static const char *expected(const json_t *fields, size_t field, char *room, size_t cap)
{
    const json_t *v = json_object_get(fields, looked_at[field].json);

    if (json_is_string(v))
        return json_string_value(v);
    if (json_is_real(v))
        return NULL;
    if (!json_is_integer(v))
        return "(absent)";
    (void)snprintf(room, cap, "%lld", (long long)json_integer_value(v));
    return room;
}

static bool is_shown(const struct gyr_event *ev)
{
    const struct gyr_event_type *t = syscall_event_type(ev->type);

    return t && !(ev->flags & GYR_EVF_SNAPSHOT) && !(t->traits & T_META);
}

struct tally {
    size_t compared, wrong;
};

static void compare_event(const struct gyr_event *ev, const json_t *fields, struct tally *tally)
{
    char room[32];
    struct buf b;

    pos.ts_ns = ev->ts_ns;
    scratch_reset(&scratch);
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < N_LOOKED_AT; i++) {
        const char *want, *got;

        if (!is_ours(ev, i))
            continue;
        want = expected(fields, i, room, sizeof(room));
        if (!want)
            continue;
        got = value_of(ev, i, &b);
        tally->compared++;
        if (strcmp(want, got) != 0 && tally->wrong++ < 10)
            print_message("%s of type %u: wanted '%.300s', got '%.300s'\n", looked_at[i].json,
                          ev->type, want, got);
    }
    buf_free(&b);
}

static void compare(const char *name, const char *suffix)
{
    struct scap_events e;
    struct tally tally = {0};
    char file[128], *line, *next;
    uint8_t *bytes, *lines;
    const char *path;
    size_t n, at = 0;

    (void)snprintf(file, sizeof(file), "captures/%s%s", name, suffix);
    path = shared_path(file);
    if (!path) {
        print_message("[ SKIPPED ] ../shared/%s is not here\n", file);
        skip();
    }
    bytes = slurp(path, &n);
    scap_events_read(&e, bytes, n);
    free(bytes);
    (void)snprintf(file, sizeof(file), "expected/%s.fields.jsonl.gz", name);
    path = shared_path(file);
    assert_non_null(path);
    lines = slurp(path, &n);
    lines = realloc(lines, n + 1);
    assert_non_null(lines);
    lines[n] = 0;
    for (line = (char *)lines; *line; line = next) {
        json_t *want;

        next = strchrnul(line, '\n');
        want = json_loadb(line, (size_t)(next - line), 0, NULL);
        if (!want) /* a number beyond 63 bits: then numbers are not looked at */
            want = json_loadb(line, (size_t)(next - line), JSON_DECODE_INT_AS_REAL, NULL);
        assert_non_null(want);
        next += *next == '\n';
        while (at < e.n && !is_shown(e.ev[at]))
            at++;
        assert_true(at < e.n);
        compare_event(e.ev[at++], json_array_get(want, 3), &tally);
        json_decref(want);
    }
    print_message("%s: %zu values, %zu differ\n", name, tally.compared, tally.wrong);
    assert_true(tally.compared > 100);
    assert_int_equal(tally.wrong, 0);
    free(lines);
    scap_events_free(&e);
}

#define CAPTURE(test, name, suffix)                                                                \
    static void test(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        compare(name, suffix);                                                                     \
    }

CAPTURE(attacks, "attacks", ".scap.gz")
CAPTURE(seed, "seed", ".scap.gz")
CAPTURE(curl, "curl_google", ".scap")
CAPTURE(container, "psp_run_as_user_0_container", ".scap")
CAPTURE(ipv6, "single_ipv6_conn", ".scap")

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attacks),   cmocka_unit_test(seed), cmocka_unit_test(curl),
        cmocka_unit_test(container), cmocka_unit_test(ipv6),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
