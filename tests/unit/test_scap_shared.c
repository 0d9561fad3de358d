/* SPDX-License-Identifier: Apache-2.0 */
/* Real captures, old and new, against what Falco made of them. Skipped without ../shared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "../lib/scap_build.h"
#include "syscall/syscall.h"

static const char *event_name(const struct gyr_event *ev)
{
    const struct gyr_event_type *t = syscall_event_type(ev->type);

    if (!t)
        return "(none)";
    if (!(t->flags & GYR_ETF_GENERIC))
        return t->name;
    for (const struct gyr_subtype *s = syscall_schema.subtypes; s->name; s++)
        if (s->id == ev->subtype)
            return s->name;
    return "(no such call)";
}

/* Events that say something of the recorder, not of the machine, are in no rule's sight. */
static int is_shown(const struct gyr_event *ev)
{
    const struct gyr_event_type *t = syscall_event_type(ev->type);

    return t && !(ev->flags & GYR_EVF_SNAPSHOT) && !(t->traits & T_META);
}

static int mismatch(const json_t *want, const struct gyr_event *ev)
{
    return (uint64_t)json_integer_value(json_array_get(want, 0)) != ev->ts_ns ||
           json_integer_value(json_array_get(want, 1)) != ev->tid ||
           strcmp(json_string_value(json_array_get(want, 2)), event_name(ev)) != 0;
}

static void compare(const char *name, const char *suffix)
{
    struct scap_events e;
    char file[128];
    const char *path;
    uint8_t *bytes, *lines;
    size_t n, line_bytes, wanted = 0, wrong = 0;
    char *line, *save = NULL;
    size_t at = 0;

    (void)snprintf(file, sizeof(file), "captures/%s%s", name, suffix);
    path = shared_path(file);
    if (!path) {
        print_message("[ SKIPPED ] ../shared/%s is not here\n", file);
        skip();
    }
    bytes = slurp(path, &n);
    scap_events_read(&e, bytes, n);
    free(bytes);
    if (e.end != GYR_E_EOF)
        fail_msg("%s: %s", name, e.err.msg);

    (void)snprintf(file, sizeof(file), "expected/%s.fields.jsonl.gz", name);
    path = shared_path(file);
    assert_non_null(path);
    lines = slurp(path, &line_bytes);
    lines = realloc(lines, line_bytes + 1);
    lines[line_bytes] = 0;
    for (line = strtok_r((char *)lines, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *fields = strstr(line, ",{");
        json_t *want;

        /* The fields have numbers beyond what jansson reads, and are not looked at. */
        assert_non_null(fields);
        memcpy(fields, "]", 2);
        want = json_loads(line, 0, NULL);
        assert_non_null(want);
        while (at < e.n && !is_shown(e.ev[at]))
            at++;
        if (at == e.n || mismatch(want, e.ev[at])) {
            if (wrong++ < 5)
                print_message("%s: event %zu: wanted %.60s, got %s\n", name, wanted, line,
                              at < e.n ? event_name(e.ev[at]) : "nothing");
        }
        at += at < e.n;
        wanted++;
        json_decref(want);
    }
    while (at < e.n)
        wrong += is_shown(e.ev[at++]) ? 1 : 0;
    print_message("%s: %zu events, %zu mismatches\n", name, wanted, wrong);
    assert_true(wanted > 0);
    assert_int_equal(wrong, 0);
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
CAPTURE(cat_write, "cat_write", ".scap")
CAPTURE(curl, "curl_google", ".scap")
CAPTURE(open_files, "open-multiple-files", ".scap")
CAPTURE(container, "psp_run_as_user_0_container", ".scap")
CAPTURE(ipv6, "single_ipv6_conn", ".scap")

static void busy(void **state)
{
    const char *path = shared_path("captures/busy.scap.gz");
    struct scap_events e;
    uint8_t *bytes;
    size_t n;

    (void)state;
    if (!path) {
        print_message("[ SKIPPED ] ../shared/captures is not here\n");
        skip();
    }
    bytes = slurp(path, &n);
    scap_events_read(&e, bytes, n);
    assert_int_equal(e.end, GYR_E_EOF);
    assert_int_equal(e.ev[e.n - 1]->num, 600000);
    assert_int_equal(e.unknown_events, 0);
    scap_events_free(&e);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attacks), cmocka_unit_test(seed),       cmocka_unit_test(cat_write),
        cmocka_unit_test(curl),    cmocka_unit_test(open_files), cmocka_unit_test(container),
        cmocka_unit_test(ipv6),    cmocka_unit_test(busy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
