/* SPDX-License-Identifier: Apache-2.0 */
/* What an output need not hear of: repeats, too many, muted rules; by the time of the events. */
#include "alert/noise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint64_t S = 1000000000;

struct block {
    struct alert al;
    struct gyr_alert_field fields[2];
    char rule[40], user[40], command[40], uuid[40], text[80], json[300];
};

static struct alert *an_alert(const char *rule, const char *user, const char *command,
                              uint64_t ts_ns)
{
    struct block *b = calloc(1, sizeof(*b));

    assert_non_null(b);
    (void)snprintf(b->rule, sizeof(b->rule), "%s", rule);
    (void)snprintf(b->user, sizeof(b->user), "%s", user);
    (void)snprintf(b->command, sizeof(b->command), "%s", command);
    (void)snprintf(b->uuid, sizeof(b->uuid), "01234567-89ab-5cde-8f01-23456789abcd");
    (void)snprintf(b->text, sizeof(b->text), "%s by %s", command, user);
    (void)snprintf(b->json, sizeof(b->json),
                   "{\"output_fields\":{\"a\":\",\\\"rule\\\":\"},\"rule\":\"%s\",\"uuid\":\"%s\"}",
                   rule, b->uuid);
    b->fields[0] =
        (struct gyr_alert_field){b->user, gyr_str(b->user, (uint32_t)strlen(user)), b->user};
    b->fields[0].name = b->rule + 20;
    (void)snprintf(b->rule + 20, 20, "user.name");
    b->fields[1] = b->fields[0];
    b->fields[1].name = b->command + 20;
    b->fields[1].text = b->command;
    (void)snprintf(b->command + 20, 20, "proc.cmdline");
    b->al.len = (uint32_t)(sizeof(*b) - offsetof(struct block, al.a));
    b->al.a = (struct gyr_alert){.size = sizeof(b->al.a),
                                 .ts_ns = ts_ns,
                                 .uuid = b->uuid,
                                 .rule = b->rule,
                                 .source = b->rule,
                                 .hostname = b->rule,
                                 .text = b->text,
                                 .json = b->json,
                                 .text_len = (uint32_t)strlen(b->text),
                                 .json_len = (uint32_t)strlen(b->json),
                                 .n_fields = 2,
                                 .tags = (const char *const *)(void *)b->fields,
                                 .fields = b->fields};
    atomic_init(&b->al.refs, 1);
    return &b->al;
}

static bool passes(struct noise *n, const char *rule, const char *user, const char *command,
                   uint64_t ts_ns)
{
    struct alert *a = an_alert(rule, user, command, ts_ns);
    bool r = noise_passes(n, a);

    alert_unref(a);
    return r;
}

static void test_dedup(void **state)
{
    static const char *const fields[] = {"user.name", NULL};
    const struct noise_conf conf = {.dedup = fields, .window_ns = 60 * S};
    struct noise *n = noise_new(&conf);
    struct alert *a;

    (void)state;
    assert_true(noise_is_wanted(&conf));
    assert_true(passes(n, "r", "root", "ls", 100 * S));
    assert_false(passes(n, "r", "root", "id", 101 * S));
    assert_false(passes(n, "r", "root", "ls", 159 * S));
    assert_true(passes(n, "r", "eve", "ls", 110 * S));  /* another user */
    assert_true(passes(n, "q", "root", "ls", 110 * S)); /* another rule */
    assert_null(noise_close(n, 159 * S));
    a = noise_close(n, 160 * S);
    assert_non_null(a);
    assert_string_equal(a->a.text, "ls by root (repeated 2 times within 1m)");
    assert_string_not_equal(a->a.uuid, "01234567-89ab-5cde-8f01-23456789abcd");
    assert_string_equal(a->a.rule, "r");
    assert_string_equal(a->a.fields[1].text, "ls");
    assert_int_equal(a->a.ts_ns, 100 * S);
    assert_int_equal(a->a.json_len, strlen(a->a.json));
    assert_non_null(strstr(a->a.json, "{\"a\":\",\\\"rule\\\":\"},\"repeats\":2,\"rule\":\"r\","));
    assert_non_null(strstr(a->a.json, a->a.uuid));
    alert_unref(a);
    assert_null(noise_close(n, 160 * S));
    assert_true(passes(n, "r", "root", "ls", 160 * S)); /* a new window */
    assert_null(noise_close(n, UINT64_MAX));            /* nothing was repeated in the others */
    assert_false(noise_is_open(n));
    assert_true(passes(n, "r", "root", "ls", 170 * S));
    noise_free(n);
}

static void test_dedup_bounded(void **state)
{
    static const char *const fields[] = {"user.name", NULL};
    const struct noise_conf conf = {.dedup = fields, .window_ns = 60 * S};
    struct noise *n = noise_new(&conf);
    char user[20];

    (void)state;
    for (int i = 0; i < NOISE_ENTRIES_MAX + 10; i++) {
        (void)snprintf(user, sizeof(user), "u%d", i);
        assert_true(passes(n, "r", user, "ls", 100 * S));
    }
    assert_true(passes(n, "r", user, "ls", 100 * S)); /* no room to remember it */
    assert_false(passes(n, "r", "u0", "ls", 100 * S));
    noise_free(n);
}

static void test_rate(void **state)
{
    const struct noise_conf conf = {.per_rule = {.every_ns = 10 * S, .burst = 3},
                                    .total = {.every_ns = S, .burst = 5}};
    struct noise *n = noise_new(&conf);
    int passed = 0;

    (void)state;
    for (int i = 0; i < 10; i++)
        passed += passes(n, "a", "u", "c", 1000 * S);
    assert_int_equal(passed, 3);
    assert_true(passes(n, "b", "u", "c", 1000 * S));
    assert_true(passes(n, "c", "u", "c", 1000 * S));
    assert_false(passes(n, "d", "u", "c", 1000 * S)); /* all together */
    assert_false(passes(n, "a", "u", "c", 1009 * S));
    assert_true(passes(n, "a", "u", "c", 1010 * S));
    assert_false(passes(n, "a", "u", "c", 1010 * S));
    noise_free(n);
}

/* An event of the future, or a clock that is set back: what is suppressed stays bounded. */
static void test_set_back(void **state)
{
    static const char *const fields[] = {"user.name", NULL};
    const struct noise_conf rate = {.per_rule = {.every_ns = 10 * S, .burst = 3}},
                            dedup = {.dedup = fields, .window_ns = 60 * S};
    struct noise *n = noise_new(&rate);
    struct alert *a;
    int passed = 0;

    (void)state;
    for (int i = 0; i < 10; i++)
        (void)passes(n, "a", "u", "c", 9000 * S);
    for (uint64_t t = 1000; t < 1060; t += 5)
        passed += passes(n, "a", "u", "c", t * S);
    assert_in_range(passed, 5, 6); /* one in ten seconds */
    /* a source that is a little behind makes no more of it */
    for (int i = 0; i < 3; i++)
        (void)passes(n, "b", "u", "c", 2000 * S);
    for (int i = 0; i < 10; i++) {
        assert_false(passes(n, "b", "u", "c", 1955 * S));
        assert_false(passes(n, "b", "u", "c", 2000 * S));
    }
    noise_free(n);

    n = noise_new(&dedup);
    assert_true(passes(n, "r", "root", "ls", 9000 * S));
    assert_false(passes(n, "r", "root", "ls", 8990 * S));
    assert_true(passes(n, "r", "root", "ls", 1000 * S));
    assert_false(passes(n, "r", "root", "ls", 1010 * S));
    a = noise_close(n, 1060 * S); /* the window of the future is not in its way */
    assert_non_null(a);
    assert_int_equal(a->a.ts_ns, 1000 * S);
    alert_unref(a);
    noise_free(n);
}

static void test_mute(void **state)
{
    static const struct mute mutes[] = {{.rule = "Noisy *"},
                                        {.rule = "old", .until_ns = 5000 * S},
                                        {.rule = "night", .from_s = 22 * 3600, .to_s = 6 * 3600}};
    const struct noise_conf conf = {.mutes = mutes, .n_mutes = 3};
    struct noise *n = noise_new(&conf);

    (void)state;
    assert_false(passes(n, "Noisy one", "u", "c", S));
    assert_true(passes(n, "Noisy", "u", "c", S));
    assert_false(passes(n, "old", "u", "c", 4999 * S));
    assert_true(passes(n, "old", "u", "c", 5000 * S));
    assert_false(passes(n, "night", "u", "c", (86400 + 23 * 3600) * S));
    assert_false(passes(n, "night", "u", "c", (86400 + 5 * 3600) * S));
    assert_true(passes(n, "night", "u", "c", (86400 + 6 * 3600) * S));
    assert_true(passes(n, "night", "u", "c", (86400 + 21 * 3600) * S));
    noise_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dedup), cmocka_unit_test(test_dedup_bounded),
        cmocka_unit_test(test_rate), cmocka_unit_test(test_mute), cmocka_unit_test(test_set_back)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
