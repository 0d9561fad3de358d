/* SPDX-License-Identifier: Apache-2.0 */
/* Two configurations compared: outputs that can go on, and what needs a start. */
#include "config/config.h"

#include <gyr/output.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;
static struct diags diags;

static int setup(void **state)
{
    (void)state;
    arena = arena_new(64 << 20);
    return arena ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct config *load(const char *yaml)
{
    struct config *c = NULL;

    diags_init(&diags, arena);
    if (config_load_text("/etc/gyr/gyr.yaml", yaml, strlen(yaml), arena, &diags, &c) < 0) {
        diags_print(&diags, stderr, false);
        abort();
    }
    return c;
}

static const struct plugin_conf *output(const char *keys)
{
    const char *yaml = arena_printf(arena, "outputs: [{plugin: file, %s}]", keys);

    return &load(yaml)->outputs[0];
}

#define FULL                                                                                       \
    "name: x, options: {path: /a, format: json, list: [1, 2], map: {k: v}}, queue: 5, "            \
    "dead_letters: /d, spool: {dir: /s}"

static void test_output_same(void **state)
{
    static const char *const may_change[] = {
        "min_priority: error", "rules: [a]",
        "tags: [a]",           "retry: {min: 1s}",
        "dedup: {fields: []}", "rate_limit: {total: 1/1m}",
        "on_full: wait",       "digest: {time: 1m, alerts: 2}",
    };
    const struct plugin_conf *was = output(FULL);

    (void)state;
    assert_true(config_same_output(was, output(FULL)));
    for (size_t i = 0; i < sizeof(may_change) / sizeof(may_change[0]); i++)
        assert_true(
            config_same_output(was, output(arena_printf(arena, FULL ", %s", may_change[i]))));
}

static void test_output_other(void **state)
{
    static const char *const others[] = {
        "name: y, options: {path: /a}",
        "name: x, options: {path: /b}",
        "name: x, options: {path: /a, more: 1}",
        "name: x, options: {path: [/a]}",
        "name: x",
        "name: x, options: {path: /a}, queue: 6",
        "name: x, options: {path: /a}, dead_letters: /d",
        "name: x, options: {path: /a}, spool: {dir: /s}",
    };
    const struct plugin_conf *was = output("name: x, options: {path: /a}");

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_false(config_same_output(was, output(others[i])));
        assert_false(config_same_output(output(others[i]), was));
    }
    assert_false(config_same_output(output(FULL), output("name: x, options: {path: /a, format: "
                                                         "json, list: [1, 3], map: {k: v}}, "
                                                         "queue: 5, dead_letters: /d, spool: "
                                                         "{dir: /s}")));
    assert_false(
        config_same_output(output("spool: {dir: /s}"), output("spool: {dir: /s, max_bytes: 64M}")));
}

static uint32_t told(const char *was, const char *is, const char *text)
{
    struct config *a = load(was), *b = load(is);
    uint32_t n = 0;

    diags_init(&diags, arena);
    config_tell_fixed(a, b, &diags);
    assert_int_equal(diags.n_errors, 0);
    for (const struct diag *d = diags.first; d; d = d->next)
        n += strstr(d->text, text) != NULL;
    assert_int_equal(diags.n_warnings, n);
    return n;
}

static void test_fixed(void **state)
{
    static const char base[] = "sources: [a, {plugin: b, options: {x: 1}}]\nenrichers: [c, d]\n";

    (void)state;
    assert_int_equal(told(base, base, ""), 0);
    assert_int_equal(told(base, arena_printf(arena, "%slog_level: info\noutputs: []", base), ""),
                     0);
    assert_int_equal(told(base, "sources: [a, b]\nenrichers: [c, d]", "source 'b' has changed"), 1);
    assert_int_equal(diags.first->loc.line, 1);
    assert_int_equal(diags.first->loc.col, 14);
    assert_int_equal(told(base,
                          "sources: [a, {plugin: b, options: {x: 1}}]\n"
                          "enrichers: [c, {plugin: d, filter: evt.cpu = 1}]",
                          "enricher 'd' has changed"),
                     1);
    assert_int_equal(told(base, "sources: [a, {plugin: b, options: {x: 1}}, e]\nenrichers: [c, d]",
                          "source 'e' is new"),
                     1);
    assert_int_equal(told(base, "sources: [a, {plugin: b, options: {x: 1}}]\nenrichers: [d]",
                          "enricher 'c' is gone"),
                     1);
    assert_int_equal(told(base, "sources: [a, {plugin: b, options: {x: 1}}]\nenrichers: [d, c]",
                          "the order of the enrichers"),
                     1);
    assert_int_equal(told(base, arena_printf(arena, "%shost_root: /h", base), "host_root"), 1);
    assert_int_equal(told(base, arena_printf(arena, "%shostname: h", base), "hostname"), 1);
    assert_int_equal(
        told(base, arena_printf(arena, "%sdrop_privileges: no", base), "drop_privileges"), 1);
    assert_int_equal(told(base, arena_printf(arena, "%sparking: {deadline: 2s}", base), "parking"),
                     1);
    assert_int_equal(told(base, arena_printf(arena, "%shttp: {}", base), "http"), 1);
    assert_int_equal(
        told(base, arena_printf(arena, "%sstatus_socket: none", base), "status_socket"), 1);
    assert_int_equal(told(base, arena_printf(arena, "%sstuck_after: 9s", base), "stuck_after"), 1);
}

static void test_references(void **state)
{
    struct arena *a = arena_new(1 << 20);
    struct config *c = NULL, *theirs = load("redact: [{pattern: x}]");
    static const char yaml[] = "redact: [{pattern: secret}]\nwatch_config_files: false";

    (void)state;
    diags_init(&diags, a);
    assert_int_equal(config_load_text("x", yaml, strlen(yaml), a, &diags, &c), 0);
    assert_false(c->watch_files);
    assert_true(theirs->watch_files);
    config_own(c, a);
    assert_ptr_equal(config_ref(c), c);
    config_unref(c);
    assert_int_equal(c->n_redact, 1);
    config_unref(c);
    assert_ptr_equal(config_ref(theirs), theirs); /* somebody else's */
    config_unref(theirs);
    config_unref(theirs);
    assert_non_null(theirs->redact[0].pattern);
    config_release(theirs);
    config_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_output_same, setup, teardown),
        cmocka_unit_test_setup_teardown(test_output_other, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fixed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_references, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
