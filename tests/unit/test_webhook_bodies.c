/* SPDX-License-Identifier: Apache-2.0 */
/* The output webhook: templates, presets, and options that do not fit. What each service requires
 * is from its public documentation. */
#include "../lib/web_rig.h"

#include "template/template.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- templates ---- */

static void check(const char *text, bool is_json, const char *want)
{
    struct gyr_lines out = {0};
    struct template *t = NULL;
    struct gyr_error err = {0};

    assert_int_equal(template_compile(text, is_json, "k", &t, &err), 0);
    assert_int_equal(template_expand(t, web_rig_alert(3), &out), 0);
    assert_int_equal(gyr_lines_add(&out, "", 1), 0);
    assert_string_equal(out.p, want);
    free(out.p);
    template_free(t);
}

static void test_places(void **state)
{
    (void)state;
    check("{\"t\": {text}}", true, "{\"t\": \"a \\\"shell\\\" \\\\ {text} <!channel> é\"}");
    check("{\"t\": \"<{text}>\"}", true, "{\"t\": \"<a \\\"shell\\\" \\\\ {text} <!channel> é>\"}");
    check("{text}", false, "a \"shell\" \\ {text} <!channel> é");
    check("{json}", true, web_rig_alert(3)->json);
    check("\"\\\"{rule}\"", true, "\"\\\"Shell \\\"in\\\" a container\"");
    check("{rule:3}|{rule:100}", false, "Sh…|Shell \"in\" a container");
    check("{text:33}|{text:32}", false,
          "a \"shell\" \\ {text} <!channel> é|a \"shell\" \\ {text} <!channel> é");
    check("{priority} {source} {hostname} {uuid} {key}", false,
          "Error syscall node-1 0b5a1c9e-0000-4000-8000-000000000003 k");
    check("{time} {time_s} {time_ms} {time_ns}", false,
          "2023-11-14T22:13:20.123456789Z 1700000000 1700000000123 1700000000123456789");
    check("[{time}, {time_s}, {time_f}, {key}]", true,
          "[\"2023-11-14T22:13:20.123456789Z\", 1700000000, 1700000000.123456789, \"k\"]");
    check("{priority|error=high|*=low} {priority|warning=x|*=low}", false, "high low");
    check("[{priority|ERROR=1|*=2}, \"{priority|error=a\"b}\"]", true, "[1, \"a\\\"b\"]");
    check("{priority|warning=x}", true, "\"Error\"");
    check("{tags} \"{tags}\"", true, "[\"shell\",\"mitre \\\"x\\\"\"] \"shell, mitre \\\"x\\\"\"");
    check("{fields}", true,
          "{\"proc.name\":\"ba\\\"sh\",\"proc.pid\":-42,\"evt.dir\":null,"
          "\"proc.is_exe_upper_layer\":true}");
    check("{fields}", false,
          "proc.name=ba\"sh proc.pid=-42 evt.dir=<NA> proc.is_exe_upper_layer=true");
    check("{field:proc.name} {field:proc.pid} {field:no.such} \"{field:no.such}\"", true,
          "\"ba\\\"sh\" -42 null \"<NA>\"");
}

static void test_braces(void **state)
{
    (void)state;
    check("{} { a {1} {\"text\": {}} {Text} {a b} {{text} {", true,
          "{} { a {1} {\"text\": {}} {Text} {a b} {text} {");
}

static void test_bad_templates(void **state)
{
    static const char *const bad[] = {"{nothing}", "{text:}",          "{text:abc}", "{text:0}",
                                      "{field}",   "{field:}",         "{rule|x}",   "{key}",
                                      "{tag|a=b}", "{text:9999999999}"};

    (void)state;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct template *t = NULL;
        struct gyr_error err = {0};

        assert_int_equal(template_compile(bad[i], true, NULL, &t, &err), GYR_E_CONF);
        assert_int_equal(strncmp(err.msg, "the place", 9), 0);
    }
}

/* ---- presets ---- */

/* What a service wants: paths of names and places, "a.0.b", and what stands there, NULL: a text
 * that is not empty. */
struct want {
    const char *preset, *uri, *header, *value;
    uint32_t doc; /* which of the lines of the body */
    const char *path, *is;
};

static const struct want wants[] = {
    {"slack", "/hook", NULL, NULL, 0, "text", NULL},
    {"slack", "/hook", NULL, NULL, 0, "attachments.0.blocks.0.type", "section"},
    {"slack", "/hook", NULL, NULL, 0, "attachments.0.blocks.0.text.type", "plain_text"},
    {"slack", "/hook", NULL, NULL, 0, "attachments.0.blocks.0.text.text",
     "a \"shell\" \\ {text} <!channel> é"},
    {"teams", "/hook", NULL, NULL, 0, "type", "message"},
    {"teams", "/hook", NULL, NULL, 0, "attachments.0.contentType",
     "application/vnd.microsoft.card.adaptive"},
    {"teams", "/hook", NULL, NULL, 0, "attachments.0.content.type", "AdaptiveCard"},
    {"teams", "/hook", NULL, NULL, 0, "attachments.0.content.version", NULL},
    {"teams", "/hook", NULL, NULL, 0, "attachments.0.content.body.0.type", "TextBlock"},
    {"discord", "/hook", NULL, NULL, 0, "embeds.0.title", NULL},
    {"discord", "/hook", NULL, NULL, 0, "embeds.0.description", NULL},
    {"pagerduty", "/hook", NULL, NULL, 0, "routing_key", "KEY\"1"},
    {"pagerduty", "/hook", NULL, NULL, 0, "event_action", "trigger"},
    {"pagerduty", "/hook", NULL, NULL, 0, "dedup_key", "0b5a1c9e-0000-4000-8000-000000000000"},
    {"pagerduty", "/hook", NULL, NULL, 0, "payload.summary", NULL},
    {"pagerduty", "/hook", NULL, NULL, 0, "payload.source", "node-1"},
    {"pagerduty", "/hook", NULL, NULL, 0, "payload.severity", "critical"},
    {"pagerduty", "/hook", NULL, NULL, 0, "payload.custom_details.uuid", NULL},
    {"opsgenie", "/hook", "Authorization", "GenieKey KEY\"1", 0, "message", NULL},
    {"opsgenie", "/hook", NULL, NULL, 0, "alias", "0b5a1c9e-0000-4000-8000-000000000000"},
    {"opsgenie", "/hook", NULL, NULL, 0, "priority", "P1"},
    {"opsgenie", "/hook", NULL, NULL, 0, "tags.0", "shell"},
    {"alertmanager", "/api/v2/alerts", NULL, NULL, 0, "1.labels.alertname", NULL},
    {"alertmanager", "/api/v2/alerts", NULL, NULL, 0, "1.startsAt",
     "2023-11-14T22:13:20.123456789Z"},
    {"alertmanager", "/api/v2/alerts", NULL, NULL, 0, "0.labels.severity", "critical"},
    {"elasticsearch", "/gyr-alerts/_bulk", "Content-Type", "application/x-ndjson", 0, "create._id",
     "0b5a1c9e-0000-4000-8000-000000000000"},
    {"elasticsearch", "/gyr-alerts/_bulk", NULL, NULL, 1, "@timestamp", NULL},
    {"elasticsearch", "/gyr-alerts/_bulk", NULL, NULL, 2, "create._id",
     "0b5a1c9e-0000-4000-8000-000000000001"},
    {"opensearch", "/gyr-alerts/_bulk", NULL, NULL, 3, "rule.name", NULL},
    {"loki", "/loki/api/v1/push", NULL, NULL, 0, "streams.1.stream.job", "gyr"},
    {"loki", "/loki/api/v1/push", NULL, NULL, 0, "streams.1.values.0.0", "1700000000123456789"},
    {"loki", "/loki/api/v1/push", NULL, NULL, 0, "streams.1.values.0.1", NULL},
    {"splunk", "/services/collector/event", "Authorization", "Splunk KEY\"1", 0, "event.uuid",
     NULL},
    {"splunk", "/services/collector/event", NULL, NULL, 1, "sourcetype", "gyr:alert"},
    {"otlp", "/v1/logs", "Content-Type", "application/json", 0,
     "resourceLogs.0.scopeLogs.0.logRecords.1.timeUnixNano", "1700000000123456789"},
    {"otlp", "/v1/logs", NULL, NULL, 0, "resourceLogs.0.scopeLogs.0.logRecords.0.body.stringValue",
     NULL},
    {"otlp", "/v1/logs", NULL, NULL, 0, "resourceLogs.0.resource.attributes.0.key", "service.name"},
};

static const json_t *at_path(const json_t *at, const char *path)
{
    char name[64];

    while (at && *path) {
        size_t n = strcspn(path, ".");

        (void)snprintf(name, sizeof(name), "%.*s", (int)n, path);
        at = json_is_array(at) ? json_array_get(at, strtoul(name, NULL, 10))
                               : json_object_get(at, name);
        path += n + (path[n] == '.');
    }
    return at;
}

/* The whole body, or one of its lines, as JSON. */
static json_t *document(const struct web_request *q, bool lines, uint32_t i)
{
    json_error_t error;
    const char *at = q->body;
    json_t *doc;

    for (; lines && i > 0; i--) {
        at = strchr(at, '\n');
        assert_non_null(at);
        at++;
    }
    doc = json_loadb(at, lines ? strcspn(at, "\n") : strlen(at), 0, &error);
    if (!doc)
        print_error("%s: %s\n", error.text, at);
    assert_non_null(doc);
    return doc;
}

static void check_want(const struct want *w, const struct web_request *q, bool lines)
{
    json_t *doc = document(q, lines, w->doc);
    const json_t *v = at_path(doc, w->path);
    char uri[64];

    if (!json_is_string(v))
        print_error("%s: no text at %s\n", w->preset, w->path);
    assert_true(json_is_string(v) && json_string_length(v) > 0);
    if (w->is)
        assert_string_equal(json_string_value(v), w->is);
    (void)snprintf(uri, sizeof(uri), "POST %s HTTP/1.1\r\n", w->uri);
    assert_int_equal(strncmp(q->head, uri, strlen(uri)), 0);
    if (w->header)
        assert_string_equal(web_header(q, w->header), w->value);
    json_decref(doc);
}

static void check_preset(const char *name)
{
    static struct web_rig r;
    unsigned checked = 0;
    bool lines;

    web_rig_init(&r, NULL);
    for (unsigned i = 0; i < sizeof(wants) / sizeof(wants[0]); i++)
        if (strcmp(wants[i].preset, name) == 0 && strcmp(wants[i].uri, "/hook") != 0) {
            *strrchr(r.url, '/') = '\0'; /* the preset knows the path */
            break;
        }
    r.cfg.preset = name;
    r.cfg.key = "KEY\"1";
    assert_int_equal(web_rig_open(&r), 0);
    web_server_tell(r.server,
                    (struct web_reply){.body = "{\"items\":[{\"create\":{\"status\":201}},"
                                               "{\"create\":{\"status\":201}}]}"});
    assert_int_equal(web_rig_write(&r, 2), 0);
    lines = strstr(web_header(web_server_request(r.server, 0), "Content-Type"), "ndjson") != NULL;
    for (unsigned i = 0; i < sizeof(wants) / sizeof(wants[0]); i++)
        if (strcmp(wants[i].preset, name) == 0) {
            check_want(&wants[i], web_server_request(r.server, 0), lines);
            checked++;
        }
    if (!lines) /* all of it is one document, of each request */
        for (uint32_t i = 0; i < web_server_count(r.server); i++)
            json_decref(document(web_server_request(r.server, i), false, 0));
    if (!checked)
        print_error("nothing is known of what '%s' wants\n", name);
    assert_true(checked > 0);
    web_rig_free(&r);
}

static void test_presets(void **state)
{
    unsigned n = 0;

    (void)state;
    for (; hook_preset_name(n); n++)
        check_preset(hook_preset_name(n));
    assert_int_equal(n, 11);
}

/* Every priority is something that the service knows. */
static void test_priorities(void **state)
{
    static struct web_rig r;
    static const char *const known[] = {"critical", "critical", "critical", "error",
                                        "warning",  "info",     "info",     "info"};

    (void)state;
    web_rig_init(&r, NULL);
    r.cfg.preset = "pagerduty";
    r.cfg.key = "k";
    assert_int_equal(web_rig_open(&r), 0);
    assert_int_equal(web_rig_write(&r, 8), 0);
    for (uint32_t i = 0; i < 8; i++) {
        json_t *doc = document(web_server_request(r.server, i), false, 0);

        assert_string_equal(json_string_value(at_path(doc, "payload.severity")), known[i]);
        json_decref(doc);
    }
    web_rig_free(&r);
}

static void test_options_win(void **state)
{
    static const char *const headers[] = {"Authorization", "mine", NULL};
    static struct web_rig r;

    (void)state;
    web_rig_init(&r, NULL);
    r.cfg.preset = "splunk";
    r.cfg.key = "k";
    r.cfg.headers = headers;
    r.cfg.body = "{uuid}";
    r.cfg.batch = HOOK_BATCH_ARRAY;
    r.cfg.content_type = "application/json; charset=utf-8";
    assert_int_equal(web_rig_open(&r), 0);
    assert_int_equal(web_rig_write(&r, 1), 0);
    assert_string_equal(web_server_request(r.server, 0)->body,
                        "[\"0b5a1c9e-0000-4000-8000-000000000000\"]");
    assert_string_equal(web_header(web_server_request(r.server, 0), "Authorization"), "mine");
    /* a path that is given stays */
    assert_int_equal(strncmp(web_server_request(r.server, 0)->head, "POST /hook ", 11), 0);
    web_rig_free(&r);
}

/* ---- options that do not fit ---- */

static void refuse(const struct hook_config *c, const char *want)
{
    struct hook_setup s;
    struct gyr_error err = {0};

    assert_int_equal(hook_setup_init(c, &s, &err), GYR_E_CONF);
    assert_string_equal(err.msg, want);
}

static void test_refusals(void **state)
{
    static const char *const name[] = {"a b", "c", NULL}, *const value[] = {"A", "b\r\nC: d", NULL};

    (void)state;
    refuse(&(struct hook_config){0}, "url is not given");
    refuse(&(struct hook_config){.url = "ftp://x/"}, "url is not http://HOST… or https://HOST…");
    refuse(&(struct hook_config){.url = "soc.example"}, "url is not http://HOST… or https://HOST…");
    refuse(&(struct hook_config){.preset = "slak"},
           "there is no preset 'slak'; there are: alertmanager discord elasticsearch loki "
           "opensearch opsgenie otlp pagerduty slack splunk teams");
    refuse(&(struct hook_config){.preset = "pagerduty"},
           "body: the place {key} needs the option 'key'");
    refuse(&(struct hook_config){.url = "http://x", .headers = name},
           "'a b' is not the name of a header");
    refuse(&(struct hook_config){.url = "http://x", .headers = value},
           "the header A has a control character");
    refuse(&(struct hook_config){.url = "http://x", .method = "G T"}, "method 'G T' is none");
    refuse(&(struct hook_config){.url = "http://x", .bearer = "a", .user = "b"},
           "give either bearer or user and password");
    refuse(&(struct hook_config){.url = "http://x", .tls_cert = "a"},
           "tls_cert and tls_key go together");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),        cmocka_unit_test(test_braces),
        cmocka_unit_test(test_bad_templates), cmocka_unit_test(test_presets),
        cmocka_unit_test(test_priorities),    cmocka_unit_test(test_options_win),
        cmocka_unit_test(test_refusals),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
