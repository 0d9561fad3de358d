/* SPDX-License-Identifier: Apache-2.0 */
/* gyr migrate: a falco.yaml as a gyr.yaml, and what cannot be one. */
#include "cli/migrate.h"

#include "alert/json.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/cli.h"
#include "rules/ruleset.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { SECTION_MAX = 4 << 20, MEM_MAX = 64 << 20 };

const struct cli_command migrate_command = {
    .name = "migrate",
    .usage = "FALCO.YAML",
    .summary = "print a configuration that does what a falco.yaml does",
    .about =
        "Read a configuration of Falco and print one of Gyr: what stays, what changes (as "
        "comments\n"
        "at the head), and on standard error what has no equivalent, and why. Rule files stay as\n"
        "they are. The result is complete: try it with 'gyr check -c'.\n"
        "\n"
        "Exit code: 0 it was printed (there may be warnings); 1 the file cannot be read; 2 wrong\n"
        "usage.",
    .run = cmd_migrate,
};

/* ---- helpers ---- */

static void add_comment(struct migration *m, const char *mark, const char *text)
{
    /* What comes from the file must not end the comment. */
    buf_addf(&m->notes, "# %s", mark);
    text_add_safe(&m->notes, text, strlen(text));
    buf_addc(&m->notes, '\n');
}

void migrate_note(struct migration *m, const char *fmt, ...)
{
    struct buf b;
    va_list ap;

    buf_init(&b, 4096);
    va_start(ap, fmt);
    buf_vaddf(&b, fmt, ap);
    va_end(ap);
    add_comment(m, "changes: ", b.p);
    buf_free(&b);
}

void migrate_lost(struct migration *m, const struct ynode *n, const char *fmt, ...)
{
    struct buf b;
    va_list ap;

    buf_init(&b, 4096);
    va_start(ap, fmt);
    buf_vaddf(&b, fmt, ap);
    va_end(ap);
    diag_warning(m->d, DIAG_NO_EQUIVALENT, n->loc, "%s", b.p);
    add_comment(m, "missing: ", b.p);
    buf_free(&b);
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

void migrate_quoted(struct buf *b, const char *s)
{
    json_add_str(b, s, strlen(s));
}

void migrate_value(struct buf *b, const struct ynode *n)
{
    bool map = n->kind == Y_MAP;

    if (n->kind == Y_SCALAR) {
        json_add_str(b, n->str, n->len);
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
            migrate_lost(m, v, "static_fields: '%.60s' is left out: a '%%' names a field here",
                         n->items[2 * i]->str);
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
    {"priority", read_nothing},
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

static void read_keys(struct migration *m)
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

/* ---- the result ---- */

static void print_rules(const struct migration *m)
{
    const struct ynode *select = ymap_get(m->root, "rules");
    const char *priority = migrate_text(m->root, "priority"),
               *matching = migrate_text(m->root, "rule_matching");
    struct buf b;

    printf("\nrules:\n");
    if (m->rules.len)
        printf("  files: [%s]\n", m->rules.p);
    printf("  min_priority: %s\n", priority && priority_parse(priority) >= 0 ? priority : "debug");
    buf_init(&b, SECTION_MAX);
    if (select && select->kind == Y_SEQ && select->n) {
        migrate_value(&b, select);
        printf("  select: %s\n", b.p);
    }
    buf_free(&b);
    /* Falco's default; ours is all. */
    printf("rule_matching: %s\n", matching && strcmp(matching, "all") == 0 ? "all" : "first");
}

static void print_all(const struct migration *m, const char *path)
{
    struct buf name;

    buf_init(&name, SECTION_MAX);
    text_add_safe(&name, path, strlen(path));
    printf("# Made by 'gyr migrate %s'.\n%s", name.p, m->notes.p);
    buf_free(&name);
    if (m->sources.len)
        printf("\nsources:\n%s", m->sources.p);
    printf("\nenrichers:\n%s", m->enrichers.p);
    printf("\noutputs:%s\n%s", m->outputs.len ? "" : " []", m->outputs.p);
    print_rules(m);
    if (m->extras.len)
        printf("append_output:\n%s", m->extras.p);
    printf("%s", m->top.p);
}

static int migrate(struct migration *m, struct arena *arena, const char *path)
{
    struct buf *const all[] = {&m->notes,   &m->top,   &m->sources, &m->enrichers,
                               &m->outputs, &m->rules, &m->extras};
    struct ynode *root = NULL;
    bool failed = false;
    int r;

    m->d->veils = true;
    r = yaml_load(path, arena, m->d, &root);

    if (r == 0 && (!root || root->kind != Y_MAP))
        return cli_fail(&migrate_command, "%s is no configuration: not a mapping", path);
    if (r < 0)
        return CLI_FAILED;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_init(all[i], SECTION_MAX);
    m->root = root;
    read_keys(m);
    buf_adds(&m->enrichers, "  - process\n  - docker\n  - containerd\n  - k8s\n");
    migrate_outputs(m);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        failed = failed || all[i]->failed;
    if (!failed)
        print_all(m, path);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_free(all[i]);
    return failed ? cli_fail(&migrate_command, "out of memory") : CLI_FINE;
}

int cmd_migrate(int argc, char **argv)
{
    struct migration m = {0};
    struct cli_parser p;
    struct diags d;
    struct arena *arena;
    int o, r;

    cli_begin(&p, &migrate_command, argc, argv);
    o = cli_next(&p);
    if (o == CLI_STOP)
        return p.exit_code;
    if (p.n_args != 1)
        return cli_usage(&migrate_command, "one falco.yaml is needed");
    arena = arena_new(MEM_MAX);
    if (!arena)
        return cli_fail(&migrate_command, "out of memory");
    diags_init(&d, arena);
    m.d = &d;
    r = migrate(&m, arena, p.args[0]);
    cli_print_diags(&d);
    arena_free(arena);
    return r;
}
