/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include "base/buf.h"
#include "base/cleanup.h"
#include "plugin/plugin.h"
#include "plugin/secret.h"

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct config {
    uint8_t on;
    int64_t count;
    uint64_t room, wait;
    int64_t format;
    const char *path, *token;
    const char *const *files;
    const char *const *headers;
    int64_t old;
};

static const char *const formats[] = {"text", "json", NULL};
static const struct gyr_option options[] = {
    {GYR_OPT(struct config, on, GYR_O_BOOL, "on", "yes", "On.")},
    {GYR_OPT(struct config, count, GYR_O_INT, "count", "-3", "Count."), .min = -10, .max = 10},
    {GYR_OPT(struct config, room, GYR_O_SIZE, "room", "64K", "Room.")},
    {GYR_OPT(struct config, wait, GYR_O_DURATION, "wait", "5s", "Wait."), .min = 1000000,
     .max = 60000000000},
    {GYR_OPT(struct config, format, GYR_O_ENUM, "format", "json", "Format."), .choices = formats},
    {GYR_OPT(struct config, path, GYR_O_STR, "path", NULL, "A path."), .flags = GYR_OF_REQUIRED},
    {GYR_OPT(struct config, token, GYR_O_STR, "token", NULL, "Token."), .flags = GYR_OF_SECRET},
    {GYR_OPT(struct config, files, GYR_O_STRLIST, "files", "[a, 'b c']", "Files.")},
    {GYR_OPT(struct config, headers, GYR_O_STRMAP, "headers", NULL, "Headers.")},
    {GYR_OPT(struct config, old, GYR_O_INT, "old", NULL, "Use 'count'."),
     .flags = GYR_OF_DEPRECATED},
};

/* Values have an arena of their own: a message outlives the plugin that it is about. */
static struct arena *arena, *values;
static struct diags diags;
static struct config cfg;

static int setup(void **state)
{
    (void)state;
    arena = arena_new(64 << 20);
    values = arena_new(64 << 20);
    return arena && values ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    arena_free(values);
    return 0;
}

static int parse_table(const struct gyr_option *table, uint32_t n, const char *yaml)
{
    struct ynode *root = NULL;
    struct loc loc = {0};

    diags_init(&diags, arena);
    assert_int_equal(yaml_parse("g.yaml", yaml, strlen(yaml), arena, &diags, &root), 0);
    if (root)
        loc = root->loc;
    return options_parse(table, n, root, loc, "plugin x", values, &cfg, sizeof(cfg), &diags);
}

static int parse(const char *yaml)
{
    return parse_table(options, ARRAY_LEN(options), yaml);
}

static void defaults_and_values(void **state)
{
    (void)state;
    assert_int_equal(parse("path: /x"), 0);
    assert_int_equal(cfg.on, 1);
    assert_int_equal(cfg.count, -3);
    assert_int_equal(cfg.room, 65536);
    assert_int_equal(cfg.wait, UINT64_C(5000000000));
    assert_int_equal(cfg.format, 1);
    assert_string_equal(cfg.path, "/x");
    assert_null(cfg.token);
    assert_string_equal(cfg.files[0], "a");
    assert_string_equal(cfg.files[1], "b c");
    assert_null(cfg.files[2]);
    assert_null(cfg.headers);

    assert_int_equal(parse("{path: p, on: off, count: 10, room: 1M, wait: 250ms, format: text,"
                           " token: s3, files: one, headers: {A: b, C: ''}}"),
                     0);
    assert_int_equal(cfg.on, 0);
    assert_int_equal(cfg.count, 10);
    assert_int_equal(cfg.room, 1 << 20);
    assert_int_equal(cfg.wait, 250000000);
    assert_int_equal(cfg.format, 0);
    assert_string_equal(cfg.token, "s3");
    assert_string_equal(cfg.files[0], "one");
    assert_null(cfg.files[1]);
    assert_string_equal(cfg.headers[0], "A");
    assert_string_equal(cfg.headers[1], "b");
    assert_string_equal(cfg.headers[3], "");
    assert_null(cfg.headers[4]);
    /* nothing said is the default; text in quotes is text */
    assert_int_equal(parse("{path: 'null', count: ~, room: }"), 0);
    assert_string_equal(cfg.path, "null");
    assert_int_equal(cfg.count, -3);
}

static void wrong_values(void **state)
{
    static const struct {
        const char *yaml, *said;
        uint32_t line, col;
    } rows[] = {
        {"path: x\non: maybe", "option 'on' of plugin x: 'maybe' is neither true nor false", 2, 5},
        {"path: x\ncount: 1.5", "option 'count' of plugin x: '1.5' is not a whole number", 2, 8},
        {"path: x\ncount: 11", "option 'count' of plugin x: must be at most 10", 2, 8},
        {"path: x\ncount: -11", "option 'count' of plugin x: must be at least -10", 2, 8},
        {"path: x\ncount: 99999999999999999999", "'99999999999999999999' is too large", 2, 8},
        {"path: x\nroom: 5Q", "'5Q' is not a size such as 512, 64K or 8M", 2, 7},
        {"path: x\nroom: -1", "'-1' is not a size", 2, 7},
        {"path: x\nwait: 5 parsecs", "is not a duration such as 250ms, 5s or 1h30m", 2, 7},
        {"path: x\nwait: 2m", "must be at most 1m", 2, 7},
        {"path: x\nwait: 1us", "must be at least 1ms", 2, 7},
        {"path: x\nformat: jso", "'jso' is not one of text, json; did you mean 'json'?", 2, 9},
        {"path: x\nformat: [json]", "must be a choice, not a list", 2, 9},
        {"path: [x]", "must be a text, not a list", 1, 7},
        {"path: \"a\\0b\"", "holds a NUL character", 1, 7},
        {"path: x\nfiles: {a: b}", "must be a list of texts, not a mapping", 2, 8},
        {"path: x\nfiles: [a, [b]]", "must hold texts, not a list", 2, 12},
        {"path: x\nheaders: [a]", "must be a mapping, not a list", 2, 10},
        {"path: x\nheaders: {a: [b]}", "must hold texts, not a list", 2, 14},
        {"pth: x\npath: x", "plugin x has no option 'pth'; did you mean 'path'?", 1, 1},
        {"on: yes", "plugin x needs the option 'path' (A path.)", 1, 1},
        {"path: ~", "plugin x needs the option 'path' (A path.)", 1, 1},
        {"- path", "the options of plugin x must be a mapping, not a list", 1, 1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(parse(rows[i].yaml), -EINVAL);
        assert_int_equal(diags.n_errors, 1);
        if (!strstr(diags.first->text, rows[i].said))
            fail_msg("%s: %s", rows[i].yaml, diags.first->text);
        assert_int_equal(diags.first->loc.line, rows[i].line);
        assert_int_equal(diags.first->loc.col, rows[i].col);
    }
}

static void every_problem_is_told(void **state)
{
    (void)state;
    assert_int_equal(parse("{on: 5, count: x, colour: red}"), -EINVAL);
    assert_int_equal(diags.n_errors, 4); /* and path is missing */
}

static void deprecated_is_a_warning(void **state)
{
    (void)state;
    assert_int_equal(parse("{path: x, old: 7}"), 0);
    assert_int_equal(cfg.old, 7);
    assert_int_equal(diags.n_warnings, 1);
    assert_string_equal(diags.first->text, "option 'old' of plugin x is deprecated: Use 'count'.");
}

/* Neither the message nor the line shown with it may give it away. */
static void secrets_are_not_shown(void **state)
{
    static const struct gyr_option secret[] = {
        {GYR_OPT(struct config, count, GYR_O_INT, "pin", NULL, "Pin."), .flags = GYR_OF_SECRET}};
    char *out = NULL;
    size_t len;
    FILE *f;

    (void)state;
    assert_int_equal(parse_table(secret, 1, "pin: hunter2"), -EINVAL);
    arena_reset(values);
    assert_non_null(arena_alloc(values, 4096)); /* what stood there is gone */
    f = open_memstream(&out, &len);
    assert_non_null(f);
    diags_print(&diags, f, false);
    (void)fclose(f);
    assert_non_null(strstr(out, "g.yaml:1:6: error: option 'pin' of plugin x"));
    assert_null(strstr(out, "hunter2"));
    free(out);
}

static const char *told(const struct gyr_option *table, uint32_t n, const char *yaml)
{
    static char text[1024];
    FILE *f = fmemopen(text, sizeof(text), "w");

    assert_non_null(f);
    (void)parse_table(table, n, yaml);
    diags_print(&diags, f, false);
    (void)fclose(f);
    return text;
}

/* Nor where they are a choice, have an old name or a mistyped one, or stand in the same line as
 * what is wrong. */
static void lines_with_secrets_are_not_shown(void **state)
{
    static const struct gyr_option table[] = {
        {GYR_OPT(struct config, format, GYR_O_ENUM, "kind", NULL, "Kind."), .choices = formats,
         .flags = GYR_OF_SECRET},
        {GYR_OPT(struct config, path, GYR_O_STR, "word", NULL, "Use it."),
         .flags = GYR_OF_SECRET | GYR_OF_DEPRECATED},
        {GYR_OPT(struct config, token, GYR_O_STR, "token", NULL, "Token."), .flags = GYR_OF_SECRET},
        {GYR_OPT(struct config, files, GYR_O_STRLIST, "keys", NULL, "Keys."),
         .flags = GYR_OF_SECRET},
        {GYR_OPT(struct config, count, GYR_O_INT, "count", NULL, "Count.")},
        {GYR_OPT(struct config, on, GYR_O_BOOL, "on", NULL, "On."), .flags = GYR_OF_REQUIRED},
    };
    (void)state;
    assert_string_equal(told(table, 6, "on: no\nkind: hunter2"),
                        "g.yaml:2:7: error: option 'kind' of plugin x: is not one of text, json\n");
    assert_string_equal(told(table, 6, "on: no\nword: hunter2"),
                        "g.yaml:2:1: warning: option 'word' of plugin x is deprecated: Use it.\n");
    assert_string_equal(told(table, 6, "on: no\ntokn: hunter2"),
                        "g.yaml:2:1: error: plugin x has no option 'tokn'; did you mean "
                        "'token'?\n");
    assert_string_equal(told(table, 6, "{on: no, count: some, keys: [a, hunter2]}"),
                        "g.yaml:1:17: error: option 'count' of plugin x: 'some' is not a whole "
                        "number\n");
    assert_string_equal(told(table, 6, "{token: hunter2}"),
                        "g.yaml:1:1: error: plugin x needs the option 'on' (On.)\n");
    /* All others are. */
    assert_string_equal(
        told(table, 6, "{on: 7, token: {env: HOME}}"),
        "g.yaml:1:6: error: option 'on' of plugin x: '7' is neither true nor false\n"
        "  {on: 7, token: {env: HOME}}\n"
        "       ^\n");
}

static void write_secret(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    (void)fputs(text, f);
    (void)fclose(f);
}

/* From a file or the environment, and only where the option is a secret. */
static void secrets_stand_elsewhere(void **state)
{
    char path[] = "/tmp/gyr-secret-XXXXXX", yaml[200];
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    (void)close(fd);
    write_secret(path, "hunter2\n");
    (void)snprintf(yaml, sizeof(yaml), "{path: x, token: {file: %s}}", path);
    assert_int_equal(parse(yaml), 0);
    assert_string_equal(cfg.token, "hunter2");
    write_secret(path, "\n");
    assert_int_equal(parse(yaml), -EINVAL);
    (void)unlink(path);
    assert_int_equal(parse(yaml), -EINVAL);
    (void)setenv("GYR_TEST_SECRET", "s3cret", 1);
    assert_int_equal(parse("{path: x, token: {env: GYR_TEST_SECRET}}"), 0);
    assert_string_equal(cfg.token, "s3cret");
    (void)unsetenv("GYR_TEST_SECRET");
    assert_int_equal(parse("{path: x, token: {env: GYR_TEST_SECRET}}"), -EINVAL);
    assert_string_equal(
        diags.first->text,
        "option 'token' of plugin x: the environment has no variable 'GYR_TEST_SECRET'");
    assert_int_equal(parse("{path: x, token: {command: ls}}"), -EINVAL);
    assert_int_equal(parse("{path: {env: HOME}}"), -EINVAL);
    assert_int_equal(parse("{path: x, headers: {a: {env: HOME}}}"), -EINVAL); /* no secrets */
}

/* Values of a mapping, and texts of a list, one by one. */
static void secrets_in_mappings(void **state)
{
    static const struct gyr_option table[] = {
        {GYR_OPT(struct config, headers, GYR_O_STRMAP, "headers", NULL, "Headers."),
         .flags = GYR_OF_SECRET},
        {GYR_OPT(struct config, files, GYR_O_STRLIST, "keys", NULL, "Keys."),
         .flags = GYR_OF_SECRET}};
    char path[] = "/tmp/gyr-secret-XXXXXX", yaml[200];
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    (void)close(fd);
    write_secret(path, "Bearer hunter2\n");
    (void)setenv("GYR_TEST_SECRET", "s3cret", 1);
    (void)snprintf(yaml, sizeof(yaml),
                   "{headers: {A: {file: %s}, B: b, C: {env: GYR_TEST_SECRET}}, "
                   "keys: [a, {env: GYR_TEST_SECRET}]}",
                   path);
    assert_int_equal(parse_table(table, 2, yaml), 0);
    assert_string_equal(cfg.headers[0], "A");
    assert_string_equal(cfg.headers[1], "Bearer hunter2");
    assert_string_equal(cfg.headers[3], "b");
    assert_string_equal(cfg.headers[5], "s3cret");
    assert_null(cfg.headers[6]);
    assert_string_equal(cfg.files[0], "a");
    assert_string_equal(cfg.files[1], "s3cret");
    /* what is wrong is told without the line that it stands in */
    (void)unsetenv("GYR_TEST_SECRET");
    assert_int_equal(parse_table(table, 2, "headers: {A: hunter2, B: {env: GYR_TEST_SECRET}}"),
                     -EINVAL);
    assert_string_equal(
        diags.first->text,
        "option 'headers' of plugin x: the environment has no variable 'GYR_TEST_SECRET'");
    assert_int_equal(parse_table(table, 2, "headers: {A: [hunter2]}"), -EINVAL);
    assert_null(strstr(diags.first->text, "hunter2"));
    assert_null(diags.first->loc.file ? diags.first->loc.file->text : NULL);
    assert_int_equal(parse_table(table, 2, "headers: {A: {command: ls}}"), -EINVAL);
    (void)unlink(path);
}

static uint64_t stamp_of(const char *yaml)
{
    struct ynode *root = NULL;

    assert_int_equal(yaml_parse("g.yaml", yaml, strlen(yaml), arena, &diags, &root), 0);
    return secrets_stamp(root);
}

/* A reload sees that a secret is another, though the configuration is the same. */
static void secrets_that_change_are_seen(void **state)
{
    char path[] = "/tmp/gyr-secret-XXXXXX", yaml[200];
    int fd = mkstemp(path);
    uint64_t was;

    (void)state;
    assert_true(fd >= 0);
    (void)close(fd);
    write_secret(path, "hunter2\n");
    (void)snprintf(yaml, sizeof(yaml), "{path: x, list: [{a: b}], token: {file: %s}}", path);
    was = stamp_of(yaml);
    assert_int_equal(stamp_of(yaml), was);
    write_secret(path, "another\n\n");
    assert_int_not_equal(stamp_of(yaml), was);
    (void)unlink(path);
    assert_int_not_equal(stamp_of(yaml), was);
    assert_int_equal(secrets_stamp(NULL), 0);
}

static void a_plugin_without_options(void **state)
{
    (void)state;
    assert_int_equal(parse_table(NULL, 0, ""), 0);
    assert_int_equal(parse_table(NULL, 0, "a: b"), -EINVAL);
    assert_string_equal(diags.first->text, "plugin x takes no options, and so not 'a'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(defaults_and_values, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_values, setup, teardown),
        cmocka_unit_test_setup_teardown(every_problem_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(deprecated_is_a_warning, setup, teardown),
        cmocka_unit_test_setup_teardown(secrets_are_not_shown, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_with_secrets_are_not_shown, setup, teardown),
        cmocka_unit_test_setup_teardown(secrets_stand_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(secrets_that_change_are_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(secrets_in_mappings, setup, teardown),
        cmocka_unit_test_setup_teardown(a_plugin_without_options, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
