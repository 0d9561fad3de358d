/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a falco.yaml one by one, and the gyr.yaml that comes of them. */
#include "cli/migrate.h"

#include "alert/json.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "rules/ruleset.h"

#include <string.h>
#include <unistd.h>

/* ---- helpers ---- */

/* @param lost what has no equivalent, which is a warning besides; NULL: a note. */
__attribute__((format(printf, 3, 0))) static void
tell(struct migration *m, const struct ynode *lost, const char *fmt, va_list ap)
{
    struct buf b;

    buf_init(&b, 4096);
    buf_vaddf(&b, fmt, ap);
    if (lost)
        diag_warning(m->d, DIAG_NO_EQUIVALENT, lost->loc, "%s", b.p);
    buf_adds(&m->notes, lost ? "# missing: " : "# changes: ");
    text_add_safe(&m->notes, b.p, b.len); /* nothing of the file ends the comment */
    buf_addc(&m->notes, '\n');
    buf_free(&b);
}

void migrate_note(struct migration *m, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    tell(m, NULL, fmt, ap);
    va_end(ap);
}

void migrate_lost(struct migration *m, const struct ynode *n, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    tell(m, n, fmt, ap);
    va_end(ap);
}

const char *migrate_text(const struct ynode *map, const char *key)
{
    const struct ynode *n = ymap_get(map, key);

    return n && n->kind == Y_SCALAR && n->len && !ynode_is_null(n) ? n->str : NULL;
}

bool migrate_bool(const struct ynode *map, const char *key, bool dflt)
{
    const char *s = migrate_text(map, key);
    bool b;

    return s && parse_bool(s, strlen(s), &b) == 0 ? b : dflt;
}

/* As JSON has it, but for what YAML takes for the end of a line and would fold. */
static void add_quoted(struct buf *b, const char *s, size_t len)
{
    static const char *const breaks[][2] = {
        {"\xc2\x85", "\\u0085"}, {"\xe2\x80\xa8", "\\u2028"}, {"\xe2\x80\xa9", "\\u2029"}};
    struct buf json;

    buf_init(&json, SECTION_MAX);
    json_add_str(&json, s, len);
    b->failed |= json.failed;
    for (const char *p = json.p, *end = p + json.len; p < end;) {
        size_t i = 0, n = 1;

        while (i < ARRAY_LEN(breaks) && strncmp(p, breaks[i][0], strlen(breaks[i][0])) != 0)
            i++;
        if (i < ARRAY_LEN(breaks)) {
            n = strlen(breaks[i][0]);
            buf_adds(b, breaks[i][1]);
        } else {
            buf_addc(b, *p);
        }
        p += n;
    }
    buf_free(&json);
}

void migrate_quoted(struct buf *b, const char *s)
{
    add_quoted(b, s, strlen(s));
}

void migrate_value(struct buf *b, const struct ynode *n)
{
    bool map = n->kind == Y_MAP;

    if (n->kind == Y_SCALAR) {
        add_quoted(b, n->str, n->len);
        return;
    }
    buf_addc(b, map ? '{' : '[');
    for (uint32_t i = 0; i < n->n; i++) {
        buf_adds(b, i ? ", " : "");
        if (map) {
            migrate_value(b, n->items[2 * i]);
            buf_adds(b, ": ");
        }
        migrate_value(b, n->items[map ? 2 * i + 1 : i]);
    }
    buf_addc(b, map ? '}' : ']');
}

/* ---- keys ---- */

static void read_engine(struct migration *m, const struct ynode *n)
{
    const char *kind = migrate_text(n, "kind");
    const struct ynode *capture = ymap_get(n, "replay");

    if (!kind || strcmp(kind, "modern_ebpf") == 0 || strcmp(kind, "ebpf") == 0) {
        buf_adds(&m->sources, "  - plugin: ebpf\n");
        migrate_note(m,
                     "engine.kind: 'ebpf' is a source plugin, without a driver to build; sizes of "
                     "buffers are its options ring_size and state_ring_size");
    } else if (strcmp(kind, "kmod") == 0) {
        buf_adds(&m->sources, "  - plugin: kmod\n");
        migrate_note(m, "engine.kind: 'kmod' needs Gyr's own kernel module (docs/live.md)");
    } else if (strcmp(kind, "replay") == 0 && migrate_text(capture, "capture_file")) {
        buf_adds(&m->sources, "  - plugin: replay\n    options: {path: ");
        migrate_quoted(&m->sources, migrate_text(capture, "capture_file"));
        buf_adds(&m->sources, "}\n");
    } else {
        migrate_lost(m, n, "engine.kind '%.60s' has no equivalent: Gyr tries its own sources",
                     kind);
    }
}

static void add_file(struct migration *m, const struct ynode *n)
{
    if (n->kind != Y_SCALAR)
        return;
    if (access(n->str, R_OK) < 0) {
        migrate_lost(m, n, "the rules '%.200s' are left out: they cannot be read here", n->str);
        return;
    }
    buf_adds(&m->rules, m->rules.len ? ", " : "");
    migrate_quoted(&m->rules, n->str);
}

static void read_rules_files(struct migration *m, const struct ynode *n)
{
    if (n->kind == Y_SCALAR)
        add_file(m, n);
    for (uint32_t i = 0; n->kind == Y_SEQ && i < n->n; i++)
        add_file(m, n->items[i]);
}

static bool is_loaded(const struct migration *m, const char *name)
{
    const struct ynode *load = ymap_get(m->root, "load_plugins");

    for (uint32_t i = 0; load && load->kind == Y_SEQ && i < load->n; i++)
        if (load->items[i]->kind == Y_SCALAR && strcmp(load->items[i]->str, name) == 0)
            return true;
    return false;
}

static void read_load_plugins(struct migration *m, const struct ynode *n)
{
    for (uint32_t i = 0; n->kind == Y_SEQ && i < n->n; i++) {
        const char *name = n->items[i]->kind == Y_SCALAR ? n->items[i]->str : "";

        if (strcmp(name, "container") == 0)
            migrate_note(m, "plugin 'container': the enrichers docker and containerd do its work");
        else if (strcmp(name, "k8smeta") == 0)
            migrate_note(m, "plugin 'k8smeta': the enricher k8s asks the API itself, without a "
                            "collector");
        else
            migrate_lost(m, n->items[i],
                         "plugin '%.60s' has no equivalent: plugins of Falco are not loaded", name);
    }
}

/* Of plugins that are described, only those in load_plugins are loaded. */
static void read_plugins(struct migration *m, const struct ynode *n)
{
    for (uint32_t i = 0; n->kind == Y_SEQ && i < n->n; i++) {
        const char *name = migrate_text(n->items[i], "name");

        if (name && is_loaded(m, name) && ymap_get(n->items[i], "init_config"))
            migrate_note(m,
                         "plugin '%.60s': its init_config is not taken over; see "
                         "docs/configuration.md for the options of the enrichers",
                         name);
    }
}

static void read_append_output(struct migration *m, const struct ynode *n)
{
    static const char *const known[] = {"match", "extra_output", "extra_fields"};

    for (uint32_t i = 0; n->kind == Y_SEQ && i < n->n; i++) {
        bool any = false;

        for (size_t k = 0; k < ARRAY_LEN(known); k++) {
            const struct ynode *v = ymap_get(n->items[i], known[k]);

            if (!v)
                continue;
            buf_addf(&m->extras, "%s%s: ", any ? "    " : "  - ", known[k]);
            migrate_value(&m->extras, v);
            buf_addc(&m->extras, '\n');
            any = true;
        }
        if (ymap_get(n->items[i], "suggested_output") &&
            migrate_bool(n->items[i], "suggested_output", false))
            migrate_note(m,
                         "append_output: suggested_output is not needed: no plugin suggests any");
    }
}

static void read_static_fields(struct migration *m, const struct ynode *n)
{
    for (uint32_t i = 0; n->kind == Y_MAP && i < n->n; i++) {
        const struct ynode *v = n->items[2 * i + 1];

        if (v->kind != Y_SCALAR || strchr(v->str, '%')) {
            migrate_lost(m, v, "static_fields: '%.60s' is left out: %s", n->items[2 * i]->str,
                         v->kind == Y_SCALAR ? "a '%' names a field here" : "it is no text");
            continue;
        }
        buf_adds(&m->extras, "  - extra_fields: [{");
        migrate_value(&m->extras, n->items[2 * i]);
        buf_adds(&m->extras, ": ");
        migrate_value(&m->extras, v);
        buf_adds(&m->extras, "}]\n");
    }
}

static void read_log_level(struct migration *m, const struct ynode *n)
{
    static const char *const words[][2] = {
        {"emergency", "error"},    {"alert", "error"},     {"critical", "error"},
        {"error", "error"},        {"warning", "warning"}, {"notice", "notice"},
        {"informational", "info"}, {"info", "info"},       {"debug", "debug"}};

    for (size_t i = 0; n->kind == Y_SCALAR && i < ARRAY_LEN(words); i++)
        if (strcmp(words[i][0], n->str) == 0)
            buf_addf(&m->top, "log_level: %s\n", words[i][1]);
}

static void read_watch(struct migration *m, const struct ynode *n)
{
    if (n->kind == Y_SCALAR && !migrate_bool(m->root, "watch_config_files", true))
        buf_adds(&m->top, "watch_config_files: false\n");
}

static void read_base_syscalls(struct migration *m, const struct ynode *n)
{
    const struct ynode *custom = ymap_get(n, "custom_set");

    if (custom && custom->kind == Y_SEQ && custom->n)
        migrate_lost(m, custom,
                     "base_syscalls.custom_set has no equivalent: which calls are watched follows "
                     "from the rules and from what the state of processes needs");
}

static void read_if_enabled(struct migration *m, const struct ynode *n, const char *why)
{
    if (migrate_bool(n, "enabled", false))
        migrate_lost(m, n, "%s", why);
}

static void read_webserver(struct migration *m, const struct ynode *n)
{
    const char *address = migrate_text(n, "listen_address"), *port = migrate_text(n, "listen_port");
    struct buf b;

    if (!migrate_bool(n, "enabled", false))
        return;
    buf_init(&b, 4096);
    buf_addf(&b, strchr(address ? address : "", ':') ? "[%.200s]:%.20s" : "%.200s:%.20s",
             address ? address : "0.0.0.0", port ? port : "8765");
    buf_adds(&m->top, "http: {listen: ");
    migrate_quoted(&m->top, b.p);
    buf_adds(&m->top, "}\n");
    buf_free(&b);
    migrate_note(m, "webserver: 'http' answers /metrics, /healthz, /readyz and /version");
    if (migrate_bool(n, "ssl_enabled", false))
        migrate_lost(m, n, "webserver.ssl_enabled has no equivalent: put a proxy before it");
}

static void read_metrics(struct migration *m, const struct ynode *n)
{
    if (!migrate_bool(n, "enabled", false))
        return;
    migrate_lost(m, n, "metrics are not written at intervals: /metrics of 'http' has them");
    if (!migrate_bool(ymap_get(m->root, "webserver"), "enabled", false))
        buf_adds(&m->top, "http: {}\n");
}

static void read_drops(struct migration *m, const struct ynode *n)
{
    (void)n;
    migrate_note(m, "syscall_event_drops: lost events always give the alert 'Gyr: events lost'");
}

/* What Falco refuses, too, is not to become the default in silence. */
static void read_priority(struct migration *m, const struct ynode *n)
{
    if (!ynode_is_null(n) && (n->kind != Y_SCALAR || priority_parse(n->str) < 0))
        migrate_lost(m, n, "priority: '%.60s' is no priority: 'debug' is in its place",
                     n->kind == Y_SCALAR ? n->str : ynode_kind_name(n));
}

static void read_engines(struct migration *m, const struct ynode *n)
{
    (void)n;
    migrate_note(m,
                 "container_engines: the enrichers docker and containerd find their sockets; see "
                 "their options for others");
}

static void read_config_files(struct migration *m, const struct ynode *n)
{
    if (n->kind == Y_SEQ && n->n)
        migrate_lost(m, n,
                     "config_files are not read: migrate each; drop-ins of gyr.yaml are the files "
                     "gyr.d/*.yaml beside it");
}

static void read_json_property(struct migration *m, const struct ynode *n)
{
    if (!migrate_bool(m->root, "json_include_output_fields_property", true))
        migrate_lost(m, n, "json_include_output_fields_property: JSON always has the fields");
}

static void read_capture(struct migration *m, const struct ynode *n)
{
    read_if_enabled(m, n,
                    "capture has no equivalent by rule: the enricher 'record' writes captures, "
                    "by a filter");
}

/* Read elsewhere, or of no consequence here: nothing is to be said. */
static void read_nothing(struct migration *m, const struct ynode *n)
{
    (void)m;
    (void)n;
}

static const struct {
    const char *key;
    void (*read)(struct migration *m, const struct ynode *n);
} keys[] = {
    {"append_output", read_append_output},
    {"base_syscalls", read_base_syscalls},
    {"buffered_outputs", read_nothing},
    {"capture", read_capture},
    {"config_files", read_config_files},
    {"container_engines", read_engines},
    {"engine", read_engine},
    {"falco_libs", read_nothing},
    {"file_output", read_nothing},
    {"grpc", read_nothing},
    {"grpc_output", read_nothing},
    {"http_output", read_nothing},
    {"json_include_message_property", read_nothing},
    {"json_include_output_fields_property", read_json_property},
    {"json_include_output_property", read_nothing},
    {"json_include_tags_property", read_nothing},
    {"json_output", read_nothing},
    {"libs_logger", read_nothing},
    {"load_plugins", read_load_plugins},
    {"log_level", read_log_level},
    {"log_stderr", read_nothing},
    {"log_syslog", read_nothing},
    {"metrics", read_metrics},
    {"output_timeout", read_nothing},
    {"outputs_queue", read_nothing},
    {"plugins", read_plugins},
    {"plugins_hostinfo", read_nothing},
    {"priority", read_priority},
    {"program_output", read_nothing},
    {"rule_matching", read_nothing},
    {"rules", read_nothing},
    {"rules_file", read_rules_files},
    {"rules_files", read_rules_files},
    {"static_fields", read_static_fields},
    {"stdout_output", read_nothing},
    {"syscall_event_drops", read_drops},
    {"syscall_event_timeouts", read_nothing},
    {"syslog_output", read_nothing},
    {"time_format_iso_8601", read_nothing},
    {"watch_config_files", read_watch},
    {"webserver", read_webserver},
};

void migrate_keys(struct migration *m)
{
    for (uint32_t i = 0; i < m->root->n; i++) {
        const struct ynode *key = m->root->items[2 * i];
        size_t k = 0;

        while (k < ARRAY_LEN(keys) && strcmp(keys[k].key, key->str) != 0)
            k++;
        if (k < ARRAY_LEN(keys))
            keys[k].read(m, m->root->items[2 * i + 1]);
        else
            migrate_lost(m, key, "'%.100s' is no key of Falco's that is known here", key->str);
    }
}
