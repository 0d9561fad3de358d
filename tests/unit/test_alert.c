/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts: names that stay, JSON that holds whatever it is given, filters. */
#include "alert/alert.h"
#include "alert/filter.h"
#include "alert/json.h"
#include "alert/uuid.h"
#include "base/cleanup.h"
#include "engine/re2_shim.h"
#include "engine/value.h"

#include <gyr/util.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- names ---- */

static void test_sha1(void **state)
{
    static const uint8_t abc[20] = {0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e,
                                    0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d};
    static const uint8_t million[20] = {0x34, 0xaa, 0x97, 0x3c, 0xd4, 0xc4, 0xda, 0xa4, 0xf6, 0x1e,
                                        0xeb, 0x2b, 0xdb, 0xad, 0x27, 0x31, 0x65, 0x34, 0x01, 0x6f};
    uint8_t d[20];
    struct sha1 s;

    (void)state;
    sha1_init(&s);
    sha1_add(&s, "abc", 3);
    sha1_final(&s, d);
    assert_memory_equal(d, abc, 20);
    sha1_init(&s);
    for (int i = 0; i < 1000000; i++)
        sha1_add(&s, "a", 1);
    sha1_final(&s, d);
    assert_memory_equal(d, million, 20);
}

static void test_uuid(void **state)
{
    struct uuid_parts p = {"host", "syscall", "rule", 1234567890, 7, 42}, q;
    char a[UUID_TEXT], b[UUID_TEXT];

    (void)state;
    uuid_make(&p, a);
    uuid_make(&p, b);
    assert_string_equal(a, b);
    assert_int_equal(strlen(a), 36);
    assert_int_equal(a[14], '5');
    assert_non_null(strchr("89ab", a[19]));
    for (int i = 0; i < 6; i++) {
        q = p;
        switch (i) {
        case 0:
            q.host = "hosts";
            break;
        case 1:
            q.source = "audit";
            break;
        case 2:
            q.rule = "rule2";
            break;
        case 3:
            q.ts_ns++;
            break;
        case 4:
            q.num++;
            break;
        default:
            q.tid++;
        }
        uuid_make(&q, b);
        assert_string_not_equal(a, b);
    }
    /* parts do not run into each other */
    q = p;
    q.host = "hostsys";
    q.source = "call";
    uuid_make(&q, b);
    p.host = "host";
    p.source = "syscall";
    uuid_make(&p, a);
    assert_string_not_equal(a, b);
}

/* ---- JSON ---- */

static void check_str(const char *in, size_t n, const char *want)
{
    struct buf b;

    buf_init(&b, 4096);
    json_add_str(&b, in, n);
    assert_string_equal(b.p, want);
    buf_free(&b);
}

static void test_json_strings(void **state)
{
    (void)state;
    check_str("", 0, "\"\"");
    check_str("plain", 5, "\"plain\"");
    check_str("a\"b\\c\n\t\r\b\f", 10, "\"a\\\"b\\\\c\\n\\t\\r\\b\\f\"");
    check_str("\x1b[31m", 5, "\"\\u001b[31m\"");
    check_str("a\0b", 3, "\"a\\u0000b\"");
    check_str("\x7f", 1, "\"\\u007f\"");
    check_str("\xc2\x9b", 2, "\"\\u009b\"");
    check_str("gr\xc3\xbc\xc3\x9f", 6, "\"gr\xc3\xbc\xc3\x9f\"");
    check_str("\xff\xc3", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    check_str("\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void check_value(struct gyr_value v, uint32_t fmt, const char *want)
{
    struct buf b;

    buf_init(&b, 4096);
    json_add_value(&b, &v, fmt);
    assert_string_equal(b.p, want);
    buf_free(&b);
}

static void test_json_values(void **state)
{
    static const uint8_t v4[4] = {10, 0, 0, 1};
    struct gyr_value d = {.type = GYR_T_DOUBLE}, i = {.type = GYR_T_I64}, ip = {GYR_T_IP, 4, {0}};
    struct gyr_value items[3], list = {GYR_T_LIST, 3, {0}};

    (void)state;
    check_value((struct gyr_value){.type = GYR_T_NONE}, 0, "null");
    check_value(gyr_num(GYR_T_BOOL, 1), 0, "true");
    check_value(gyr_num(GYR_T_BOOL, 0), 0, "false");
    check_value(gyr_num(GYR_T_U64, UINT64_MAX), 0, "18446744073709551615");
    check_value(gyr_num(GYR_T_TIME, 1795473276381634756u), GYR_F_HMS, "1795473276381634756");
    check_value(gyr_num(GYR_T_DURATION, 5), 0, "5");
    check_value(gyr_num(GYR_T_U64, 255), GYR_F_HEX, "\"FF\"");
    check_value(gyr_num(GYR_T_U64, 0755), GYR_F_OCT, "\"0755\"");
    check_value(gyr_num(GYR_T_U64, 0755), VALUE_F_OCT_BARE, "\"755\"");
    i.u.i64 = INT64_MIN;
    check_value(i, 0, "-9223372036854775808");
    d.u.f64 = 0.1;
    check_value(d, 0, "0.1");
    d.u.f64 = 3;
    check_value(d, 0, "3.0");
    d.u.f64 = 1.0 / 3;
    check_value(d, 0, "0.33333333333333331");
    d.u.f64 = NAN;
    check_value(d, 0, "null");
    ip.u.ptr = v4;
    check_value(ip, 0, "\"10.0.0.1\"");
    items[0] = gyr_str("a", 1);
    items[1] = (struct gyr_value){.type = GYR_T_NONE};
    items[2] = gyr_num(GYR_T_U64, 3);
    list.u.ptr = items;
    check_value(list, 0, "[\"a\",null,3]");
    list.len = 0;
    check_value(list, 0, "[]");
}

/* ---- whole alerts ---- */

static struct rule_output outputs[] = {
    {.name = "proc.name"}, {.name = "proc.aname[2]"}, {.name = "user.uid"}, {.name = "proc.env"}};
static struct template_part parts[] = {
    {.lit = "Shell (", .len = 7}, {.field = 0}, {.lit = " ", .len = 1}, {.field = 1},
    {.lit = ")", .len = 1},
};
static const char *tags[] = {"shell", "T1059"};

static struct rule a_rule(void)
{
    return (struct rule){.name = "Terminal shell",
                         .source = "syscall",
                         .priority = GYR_PRIO_NOTICE,
                         .tags = tags,
                         .n_tags = 2,
                         .enabled = true,
                         .output = {parts, ARRAY_LEN(parts)},
                         .outputs = outputs,
                         .n_outputs = ARRAY_LEN(outputs)};
}

static struct match a_match(const struct rule *r, const struct gyr_value *values)
{
    return (struct match){
        .rule = r, .values = values, .ts_ns = 1795473276381634756u, .num = 12, .tid = 99};
}

static json_t *parse(const struct alert *a)
{
    json_error_t err;
    json_t *j = json_loads(a->a.json, JSON_REJECT_DUPLICATES, &err);

    if (!j)
        fail_msg("%s: %s", err.text, a->a.json);
    assert_int_equal(a->a.json_len, strlen(a->a.json));
    assert_null(strchr(a->a.json, '\n'));
    return j;
}

static const char *str(const json_t *j, const char *key)
{
    return json_string_value(json_object_get(j, key));
}

static void test_alert(void **state)
{
    struct gyr_value env[2] = {gyr_str("A=1", 3), gyr_str("B", 1)};
    struct gyr_value values[4] = {
        gyr_str("ba\x1bsh", 5), {0}, gyr_num(GYR_T_U64, 0), {GYR_T_LIST, 2, {0}}};
    struct rule r = a_rule();
    struct match m = a_match(&r, values);
    struct alert_maker mk;
    struct alert *a, *again;
    json_t *j, *f;

    (void)state;
    values[3].u.ptr = env;
    alert_maker_init(&mk, "box");
    assert_int_equal(alert_make(&mk, &m, &a), 0);
    assert_int_equal(alert_make(&mk, &m, &again), 0);
    assert_string_equal(a->a.uuid, again->a.uuid);
    assert_string_equal(a->a.json, again->a.json);
    alert_unref(again);
    /* the alert owns what it shows */
    memset(env, 0, sizeof(env));
    memset(values, 0, sizeof(values));
    alert_maker_free(&mk);
    assert_string_equal(a->a.text, "Shell (ba\\x1bsh <NA>)");
    assert_int_equal(a->a.text_len, strlen(a->a.text));
    assert_int_equal(a->a.n_fields, 5);
    assert_string_equal(a->a.fields[1].name, "proc.aname[2]");
    assert_string_equal(a->a.fields[1].text, "<NA>");
    assert_int_equal(a->a.fields[1].value.type, GYR_T_NONE);
    assert_string_equal(a->a.fields[3].text, "(A=1,B)");
    assert_int_equal(a->a.fields[3].value.len, 2);
    assert_string_equal(((const struct gyr_value *)a->a.fields[3].value.u.ptr)[0].u.ptr, "A=1");
    assert_string_equal(a->a.tags[1], "T1059");

    j = parse(a);
    assert_string_equal(str(j, "hostname"), "box");
    assert_string_equal(str(j, "priority"), "Notice");
    assert_string_equal(str(j, "rule"), "Terminal shell");
    assert_string_equal(str(j, "source"), "syscall");
    assert_string_equal(str(j, "time"), "2026-11-23T22:34:36.381634756Z");
    assert_string_equal(str(j, "uuid"), a->a.uuid);
    assert_null(json_object_get(j, "metadata"));
    assert_string_equal(str(j, "output") + 8, ".381634756: Notice Shell (ba\\x1bsh <NA>)");
    f = json_object_get(j, "output_fields");
    assert_int_equal(json_object_size(f), 5);
    assert_int_equal(json_integer_value(json_object_get(f, "evt.time")), 1795473276381634756);
    assert_true(json_is_null(json_object_get(f, "proc.aname[2]")));
    assert_string_equal(str(f, "proc.name"), "ba\x1bsh");
    assert_int_equal(json_array_size(json_object_get(f, "proc.env")), 2);
    assert_int_equal(json_array_size(json_object_get(j, "tags")), 2);
    json_decref(j);
    alert_unref(a);
}

/* Chosen fields, and what matches a pattern, are in no part of an alert. */
static void test_redact(void **state)
{
    char why[100];
    struct redact_rule rules[] = {
        {.field = "proc.cmdline"},
        {.pattern = regex_new("token=(.)[a-z0-9]*", 18, why, sizeof(why)), .replace = "token:\\1*"},
        {.pattern = regex_new("se and cret", 11, why, sizeof(why)), .replace = REDACTED}};
    struct rule_output outs[] = {{.name = "proc.args"},
                                 {.name = "toupper(proc.cmdline)"},
                                 {.name = "proc.cmdlinex"},
                                 {.name = "proc.env"},
                                 {.name = "user.name"}};
    struct template_part text[] = {{.field = 0}, {.lit = " ", .len = 1},     {.field = 1},
                                   {.field = 2}, {.lit = " and ", .len = 5}, {.field = 3},
                                   {.field = 4}};
    struct template_part join[] = {{.field = 2}, {.lit = " and cret", .len = 9}};
    struct rule_text texts[] = {{"both", {join, 2}}};
    struct gyr_value env[] = {gyr_str("A=1", 3), gyr_str("token=hunter2", 13)};
    struct gyr_value values[] = {gyr_str("curl token=hunter2 x token=hunter3", 34),
                                 gyr_str("HUNTER4", 7),
                                 gyr_str("se", 2),
                                 {.type = GYR_T_LIST, .len = 2},
                                 gyr_str("root", 4)};
    struct rule r = a_rule();
    struct match m = a_match(&r, values);
    struct alert_maker mk;
    struct alert *a;

    (void)state;
    values[3].u.ptr = env;
    r.output.parts = text;
    r.output.n = 7;
    r.outputs = outs;
    r.n_outputs = 5;
    r.texts = texts;
    r.n_texts = 1;
    alert_maker_init(&mk, "box");
    redactor_init(&mk.redactor, rules, 3);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(alert_make(&mk, &m, &a), 0);
        assert_string_equal(a->a.text, "curl token:h* x token:h* [redacted]se and [redacted]root");
        assert_string_equal(a->a.fields[0].text, "curl token:h* x token:h*");
        assert_null(strstr(a->a.json, "unter"));
        assert_null(strstr(a->a.json, "HUNTER"));
        assert_null(strstr(a->a.json, "se and cret"));
        assert_null(memmem(&a->a, a->len, "unter", 5));
        assert_null(memmem(&a->a, a->len, "HUNTER", 6));
        assert_non_null(strstr(a->a.json, "\"both\":\"[redacted]\""));
        assert_non_null(strstr(a->a.json, "\"proc.cmdlinex\":\"se\""));
        alert_unref(a);
    }
    alert_maker_free(&mk);
    regex_free(rules[1].pattern);
    regex_free(rules[2].pattern);
}

/* A pattern finds what is no text as well, and what is too long for it costs no alert. */
static void test_redact_any(void **state)
{
    enum { LONG = 200 << 10 };
    static const uint8_t ip[4] = {10, 1, 2, 3};
    char why[100], *big = malloc(LONG);
    struct redact_rule rules[] = {
        {.pattern = regex_new("10\\.1\\.[0-9.]+", 14, why, sizeof(why)), .replace = REDACTED},
        {.pattern = regex_new("4711", 4, why, sizeof(why)), .replace = "N"},
        {.pattern = regex_new("y", 1, why, sizeof(why)),
         .replace = "zzzzzzzzzzzzzzzzzzzzzzzzzzzz"}};
    struct rule_output outs[] = {{.name = "fd.sip"},
                                 {.name = "proc.pid"},
                                 {.name = "proc.ppid"},
                                 {.name = "proc.args"},
                                 {.name = "proc.env"}};
    struct template_part text[] = {{.field = 0}, {.field = 3}, {.field = 3}};
    struct gyr_value ips[] = {{.type = GYR_T_IP, .len = 4}};
    struct gyr_value values[] = {{.type = GYR_T_IP, .len = 4},
                                 gyr_num(GYR_T_U64, 4711),
                                 gyr_num(GYR_T_U64, 12),
                                 gyr_str(big, LONG),
                                 {.type = GYR_T_LIST, .len = 1}};
    struct rule r = a_rule();
    struct match m = a_match(&r, values);
    struct alert_maker mk;
    struct alert *a;
    json_t *j, *f;

    (void)state;
    assert_non_null(big);
    memset(big, 'v', LONG);
    values[0].u.ptr = ips[0].u.ptr = ip;
    values[4].u.ptr = ips;
    r.output.parts = text;
    r.output.n = 3;
    r.outputs = outs;
    r.n_outputs = 5;
    alert_maker_init(&mk, "box");
    redactor_init(&mk.redactor, rules, 3);
    assert_int_equal(alert_make(&mk, &m, &a), 0); /* its text is cut at its ceiling */
    assert_int_equal(strncmp(a->a.text, REDACTED "vvv", sizeof(REDACTED) + 2), 0);
    assert_in_range(a->a.text_len, LONG, ALERT_TEXT_MAX);
    assert_null(strstr(a->a.json, "10.1."));
    j = parse(a);
    f = json_object_get(j, "output_fields");
    assert_string_equal(str(f, "fd.sip"), REDACTED);
    assert_string_equal(str(f, "proc.env"), REDACTED);
    assert_string_equal(str(f, "proc.pid"), "N");
    assert_int_equal(json_integer_value(json_object_get(f, "proc.ppid")), 12);
    json_decref(j);
    alert_unref(a);
    memset(big, 'y', LONG); /* replaced, it is longer than anything may be */
    assert_int_equal(alert_make(&mk, &m, &a), 0);
    assert_string_equal(a->a.fields[3].text, REDACTED);
    assert_string_equal(a->a.fields[1].text, "N");
    alert_unref(a);
    alert_maker_free(&mk);
    for (int i = 0; i < 3; i++)
        regex_free(rules[i].pattern);
    free(big);
}

/* Fields that are texts stand beside the others; what only they read does not. */
static void test_texts(void **state)
{
    struct rule_output outs[] = {{.name = "proc.name"}, {.name = "user.name", .hidden = true}};
    struct template_part who[] = {{.lit = "by ", .len = 3}, {.field = 1}, {.field = 0}};
    struct template_part when[] = {{.lit = "now", .len = 3}};
    struct rule_text texts[] = {{"who", {who, 3}}, {"evt.time", {when, 1}}};
    struct gyr_value values[] = {gyr_str("ba\x1bsh", 5), gyr_str("root", 4)};
    struct rule r = a_rule();
    struct match m = a_match(&r, values);
    struct alert_maker mk;
    struct alert *a;
    json_t *j, *f;

    (void)state;
    r.output.n = 2;
    r.outputs = outs;
    r.n_outputs = 2;
    r.texts = texts;
    r.n_texts = 2;
    alert_maker_init(&mk, "box");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(alert_make(&mk, &m, &a), 0);
        assert_int_equal(a->a.n_fields, 3);
        assert_string_equal(a->a.fields[1].name, "who");
        assert_string_equal(a->a.fields[1].text, "by rootba\\x1bsh");
        assert_int_equal(a->a.fields[1].value.type, GYR_T_STR);
        assert_string_equal(a->a.fields[1].value.u.ptr, "by rootba\\x1bsh");
        j = parse(a);
        f = json_object_get(j, "output_fields");
        assert_int_equal(json_object_size(f), 3);
        assert_string_equal(str(f, "who"), "by rootba\\x1bsh");
        assert_string_equal(str(f, "evt.time"), "now");
        assert_string_equal(str(f, "proc.name"), "ba\x1bsh");
        json_decref(j);
        alert_unref(a);
    }
    alert_maker_free(&mk);
}

static void check_metadata(bool parked, uint32_t metadata, const char *want)
{
    struct gyr_value values[4] = {{0}};
    struct rule r = a_rule();
    struct match m = a_match(&r, values);
    struct alert_maker mk;
    struct alert *a;
    json_t *j;

    m.was_parked = parked;
    m.metadata = metadata;
    alert_maker_init(&mk, "box");
    assert_int_equal(alert_make(&mk, &m, &a), 0);
    j = parse(a);
    if (want)
        assert_string_equal(str(j, "metadata"), want);
    else
        assert_null(json_object_get(j, "metadata"));
    json_decref(j);
    alert_unref(a);
    alert_maker_free(&mk);
}

static void test_metadata(void **state)
{
    (void)state;
    check_metadata(false, GYR_MD_FINAL, NULL);
    check_metadata(true, GYR_MD_FINAL, "final");
    check_metadata(true, GYR_MD_MISSING, "missing");
}

/* However large the values are, there is an alert, and it is bounded. */
static void test_huge(void **state)
{
    enum { N = 3000, LEN = 8 << 20 };
    struct gyr_value values[4] = {{0}}, *list = calloc(N, sizeof(*list));
    char *big = malloc(LEN);
    struct rule r = a_rule();
    struct match m = a_match(&r, values);
    struct alert_maker mk;
    struct alert *a;

    (void)state;
    assert_non_null(list);
    assert_non_null(big);
    memset(big, 0x1b, LEN);
    alert_maker_init(&mk, "box");
    values[0] = gyr_str(big, LEN);
    assert_int_equal(alert_make(&mk, &m, &a), 0);
    assert_int_equal(a->a.fields[0].value.len, ALERT_VALUE_MAX);
    json_decref(parse(a));
    alert_unref(a);
    for (int i = 0; i < N; i++)
        list[i] = gyr_str(big, LEN);
    values[3] = (struct gyr_value){GYR_T_LIST, N, {0}};
    values[3].u.ptr = list;
    assert_int_equal(alert_make(&mk, &m, &a), 0);
    assert_true(a->a.json_len <= ALERT_JSON_MAX);
    json_decref(parse(a));
    alert_unref(a);
    alert_maker_free(&mk);
    free(list);
    free(big);
}

static void test_filter(void **state)
{
    static const char *const globs[] = {"Other*", "Terminal s?ell", NULL};
    static const char *const none[] = {"terminal*", NULL};
    static const char *const meets[] = {"x", "T1059", NULL}, *const misses[] = {"T105", NULL};
    struct rule r = a_rule();
    struct alert_filter f = {.min_priority = GYR_PRIO_NOTICE};

    (void)state;
    assert_true(alert_filter_takes(&f, &r));
    f.min_priority = GYR_PRIO_WARNING;
    assert_false(alert_filter_takes(&f, &r));
    f.min_priority = GYR_PRIO_DEBUG;
    f.rules = globs;
    f.tags = meets;
    assert_true(alert_filter_takes(&f, &r));
    f.tags = misses;
    assert_false(alert_filter_takes(&f, &r));
    f.tags = NULL;
    f.rules = none;
    assert_false(alert_filter_takes(&f, &r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha1),         cmocka_unit_test(test_uuid),
        cmocka_unit_test(test_json_strings), cmocka_unit_test(test_json_values),
        cmocka_unit_test(test_alert),        cmocka_unit_test(test_redact),
        cmocka_unit_test(test_redact_any),   cmocka_unit_test(test_texts),
        cmocka_unit_test(test_metadata),     cmocka_unit_test(test_huge),
        cmocka_unit_test(test_filter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
