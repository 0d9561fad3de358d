/* SPDX-License-Identifier: Apache-2.0 */
/* What services take at most, as their public documentation says, against an alert that an intruder
 * has made as large as can be; and answers that take a part of a request. */
#include "../lib/web_rig.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- limits ---- */

enum { HUGE = 250000, FIELD = 60000, LINE = 700000 };

/* One character counts twice in UTF-16, the other becomes six in JSON. */
static const char *const units_of_text[] = {"\xf0\x9f\x98\x80", "\t"};
static const char *unit;

static void fill(char *s, size_t n)
{
    size_t at = 0, len = strlen(unit);

    for (; at + len < n; at += len)
        memcpy(s + at, unit, len);
    s[at] = '\0';
}

static const struct gyr_alert *huge_alert(void)
{
    static char text[HUGE], value[FIELD], rule[1200], host[256], json[LINE];
    static struct gyr_alert_field fields[8];
    static struct gyr_alert a;

    fill(text, sizeof(text));
    fill(value, sizeof(value));
    fill(rule, sizeof(rule));
    memset(host, 'h', sizeof(host) - 1);
    for (unsigned i = 0; i < 8; i++)
        fields[i] = (struct gyr_alert_field){
            "proc.cmdline", {GYR_T_STR, (uint32_t)strlen(value), {.ptr = value}}, value};
    a = *web_rig_alert(0);
    a.text = text;
    a.text_len = (uint32_t)strlen(text);
    a.rule = rule;
    a.hostname = host;
    a.fields = fields;
    a.n_fields = 8;
    memset(json, 'x', sizeof(json) - 1);
    json[0] = json[LINE - 2] = '"';
    a.json = json;
    a.json_len = LINE - 1;
    return &a;
}

/* Of the text at the path: as UTF-16 counts. */
static size_t units(const json_t *at, const char *path)
{
    size_t n = 0;
    char name[64];
    const char *s;

    while (*path) {
        size_t len = strcspn(path, ".");

        (void)snprintf(name, sizeof(name), "%.*s", (int)len, path);
        at = json_is_array(at) ? json_array_get(at, strtoul(name, NULL, 10))
                               : json_object_get(at, name);
        path += len + (path[len] == '.');
    }
    s = json_string_value(at);
    assert_non_null(s);
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80 ? (unsigned char)*s >= 0xf0 ? 2 : 1 : 0;
    return n;
}

static const struct {
    const char *preset, *path; /* NULL: the body, in bytes */
    size_t most;
} limits[] = {
    {"slack", "attachments.0.blocks.0.text.text", 3000},
    {"slack", "attachments.0.blocks.1.elements.0.text", 3000},
    {"slack", "text", 4000},
    {"slack", NULL, 40000},
    {"teams", NULL, 28 << 10},
    {"discord", "embeds.0.title", 256},
    {"discord", "embeds.0.description", 4096},
    {"discord", "embeds.0.fields.0.value", 1024},
    {"discord", "embeds.0.footer.text", 2048},
    {"pagerduty", "payload.summary", 1024},
    {"pagerduty", "payload.source", 255},
    {"pagerduty", "dedup_key", 255},
    {"pagerduty", NULL, 512000},
    {"opsgenie", "description", 15000},
    {"opsgenie", "alias", 512},
    {"opsgenie", "source", 100},
    {"opsgenie", "entity", 512},
    {"loki", "streams.0.values.0.1", 256000},
    {"loki", "streams.0.stream.rule", 2048},
};

static json_t *sent(const char *preset, size_t *ret_len)
{
    static struct web_rig r;
    const struct gyr_alert *a = huge_alert();
    json_t *doc;

    web_rig_init(&r, NULL);
    r.cfg.preset = preset;
    r.cfg.key = "k";
    assert_int_equal(web_rig_open(&r), 0);
    r.v[0] = (struct gyr_verdict){.verdict = GYR_V_RETRY};
    assert_int_equal(r.plugin->output->write(r.self, &a, 1, r.v, &r.err), 0);
    *ret_len = web_server_request(r.server, 0)->body_len;
    doc = json_loadb(web_server_request(r.server, 0)->body, *ret_len, 0, NULL);
    assert_non_null(doc);
    web_rig_free(&r);
    return doc;
}

static void check_limits(void)
{
    for (unsigned i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        size_t len, n;
        json_t *doc = sent(limits[i].preset, &len);

        n = limits[i].path ? units(doc, limits[i].path) : len;
        if (n > limits[i].most || n == 0)
            print_error("%s: %s is %zu of %zu\n", limits[i].preset,
                        limits[i].path ? limits[i].path : "the body", n, limits[i].most);
        assert_in_range(n, 1, limits[i].most);
        json_decref(doc);
    }
}

static void test_limits(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        unit = units_of_text[i];
        check_limits();
    }
}

/* Discord counts all texts of an embed, Opsgenie all details together. */
static void test_sums(void **state)
{
    static const char *const embed[] = {"title",          "description",   "fields.0.name",
                                        "fields.0.value", "fields.1.name", "fields.1.value",
                                        "footer.text"};
    static const char *const details[] = {"rule", "priority", "source", "time", "fields"};
    size_t len, n = 0;
    char path[64];
    json_t *doc;

    (void)state;
    unit = units_of_text[0];
    doc = sent("discord", &len);
    for (unsigned i = 0; i < sizeof(embed) / sizeof(embed[0]); i++) {
        (void)snprintf(path, sizeof(path), "embeds.0.%s", embed[i]);
        n += units(doc, path);
    }
    assert_in_range(n, 4000, 6000);
    json_decref(doc);
    doc = sent("opsgenie", &len);
    n = 0;
    for (unsigned i = 0; i < sizeof(details) / sizeof(details[0]); i++) {
        (void)snprintf(path, sizeof(path), "details.%s", details[i]);
        n += strlen(details[i]) + units(doc, path);
    }
    assert_int_equal(json_object_size(json_object_get(doc, "details")),
                     sizeof(details) / sizeof(details[0]));
    assert_in_range(n, 3000, 8000);
    json_decref(doc);
}

/* ---- a part is taken ---- */

static void tell(struct web_rig *r, const char *body)
{
    web_server_tell(r->server, (struct web_reply){.body = body});
}

/* Halved until the record is found that is refused; the others arrive. */
static void test_otlp_refused(void **state)
{
    static struct web_rig r;

    (void)state;
    web_rig_init(&r, NULL);
    r.cfg.preset = "otlp";
    assert_int_equal(web_rig_open(&r), 0);
    tell(&r, "{\"partialSuccess\":{\"rejectedLogRecords\":\"1\",\"errorMessage\":\"too old\"}}");
    tell(&r, "{\"partialSuccess\":{\"rejectedLogRecords\":\"1\",\"errorMessage\":\"too old\"}}");
    tell(&r, "{\"partialSuccess\":{}}"); /* the first by itself */
    tell(&r, "{\"partialSuccess\":{\"rejectedLogRecords\":1,\"errorMessage\":\"too old\"}}");
    assert_int_equal(web_rig_write(&r, 4), -EBADMSG);
    assert_int_equal(r.v[0].verdict, GYR_V_ACCEPTED);
    assert_int_equal(r.v[1].verdict, GYR_V_FAILED);
    assert_int_equal(r.v[2].verdict, GYR_V_ACCEPTED);
    assert_int_equal(r.v[3].verdict, GYR_V_ACCEPTED);
    assert_non_null(strstr(r.err.msg, "1 of 1 records were refused: too old"));
    assert_int_equal(web_server_count(r.server), 6);
    web_rig_free(&r);
}

/* What is not told of is not taken for delivered when the halves then fail. */
static void test_otlp_then_down(void **state)
{
    static struct web_rig r;

    (void)state;
    web_rig_init(&r, NULL);
    r.cfg.preset = "otlp";
    assert_int_equal(web_rig_open(&r), 0);
    tell(&r, "{\"partialSuccess\":{\"rejectedLogRecords\":2}}");
    web_server_tell(r.server, (struct web_reply){.status = 503});
    assert_int_equal(web_rig_write(&r, 4), -EAGAIN);
    for (int i = 0; i < 4; i++)
        assert_int_equal(r.v[i].verdict, GYR_V_RETRY);
    /* all of them: for good, at once */
    tell(&r, "{\"partialSuccess\":{\"rejectedLogRecords\":\"4\"}}");
    assert_int_equal(web_rig_write(&r, 4), -EBADMSG);
    for (int i = 0; i < 4; i++)
        assert_int_equal(r.v[i].verdict, GYR_V_FAILED);
    /* a warning is told, and is none of a refusal; nor is an answer of another kind */
    tell(&r, "{\"partialSuccess\":{\"errorMessage\":\"use gRPC\"}}");
    assert_int_equal(web_rig_write(&r, 2), 0);
    assert_int_equal(r.v[1].verdict, GYR_V_ACCEPTED);
    assert_non_null(strstr(r.err.msg, "taken, with a warning: use gRPC"));
    tell(&r, "fine");
    assert_int_equal(web_rig_write(&r, 2), 0);
    assert_int_equal(r.v[1].verdict, GYR_V_ACCEPTED);
    assert_int_equal(r.err.msg[0], '\0');
    web_rig_free(&r);
}

/* Every document of a bulk request has an answer of its own: those that were refused for now go
 * again by themselves. */
static void test_bulk_again(void **state)
{
    static struct web_rig r;

    (void)state;
    web_rig_init(&r, NULL);
    r.cfg.preset = "opensearch";
    assert_int_equal(web_rig_open(&r), 0);
    tell(&r, "{\"took\":1,\"errors\":true,\"items\":[{\"create\":{\"status\":429}},"
             "{\"create\":{\"status\":201}},{\"create\":{\"status\":503}}]}");
    assert_int_equal(web_rig_write(&r, 3), -EAGAIN);
    assert_int_equal(r.v[0].verdict, GYR_V_RETRY);
    assert_int_equal(r.v[1].verdict, GYR_V_ACCEPTED);
    assert_int_equal(r.v[2].verdict, GYR_V_RETRY);
    web_rig_free(&r);
}

/* One line that Loki does not take makes it answer 400 for all: halves find it. 204 is success. */
static void test_loki(void **state)
{
    static struct web_rig r;

    (void)state;
    web_rig_init(&r, NULL);
    r.cfg.preset = "loki";
    assert_int_equal(web_rig_open(&r), 0);
    web_server_tell(r.server, (struct web_reply){.status = 400, .body = "entry too far behind"});
    web_server_tell(r.server, (struct web_reply){.status = 400, .body = "entry too far behind"});
    web_server_tell(r.server, (struct web_reply){.status = 204});
    assert_int_equal(web_rig_write(&r, 2), -EBADMSG);
    assert_int_equal(r.v[0].verdict, GYR_V_FAILED);
    assert_int_equal(r.v[1].verdict, GYR_V_ACCEPTED);
    assert_non_null(strstr(r.err.msg, "it answered 400: entry too far behind"));
    web_rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),       cmocka_unit_test(test_sums),
        cmocka_unit_test(test_otlp_refused), cmocka_unit_test(test_otlp_then_down),
        cmocka_unit_test(test_bulk_again),   cmocka_unit_test(test_loki),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
