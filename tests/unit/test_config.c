/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include "base/cleanup.h"
#include "base/log.h"
#include "config/config.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static struct arena *arena;
static struct diags diags;
static struct config *c;

static int setup(void **state)
{
    (void)state;
    arena = arena_new(64 << 20);
    diags_init(&diags, arena);
    c = NULL;
    return arena ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static int load(const char *yaml)
{
    diags_init(&diags, arena);
    return config_load_text("/etc/gyr/gyr.yaml", yaml, strlen(yaml), arena, &diags, &c);
}

static void an_empty_file_is_the_defaults(void **state)
{
    (void)state;
    assert_int_equal(load("# nothing\n"), 0);
    assert_int_equal(c->n_sources, 0);
    assert_int_equal(c->n_enrichers, 4);
    assert_string_equal(c->enrichers[0].plugin, "process");
    assert_string_equal(c->enrichers[1].plugin, "docker"); /* which is installed: built beside us */
    assert_string_equal(c->enrichers[2].plugin, "containerd");
    assert_string_equal(c->enrichers[3].plugin, "k8s");
    assert_int_equal(c->n_outputs, 1);
    assert_string_equal(c->outputs[0].name, "stdout");
    assert_int_equal(c->outputs[0].min_priority, GYR_PRIO_DEBUG);
    assert_int_equal(c->outputs[0].queue, 4096);
    assert_int_equal(c->min_priority, GYR_PRIO_DEBUG);
    assert_int_equal(c->log_level, LOG_L_NOTICE);
    assert_int_equal(c->park_deadline_ns, 1000000000);
    assert_int_equal(c->park_events, 4096);
    assert_int_equal(c->park_bytes, 16 << 20);
    assert_null(c->host_root); /* found at the start */
    assert_true(c->drop_privileges);
    assert_int_equal(c->n_live_sources, 2);
    assert_string_equal(c->live_sources[0], "ebpf");
    assert_string_equal(c->live_sources[1], "kmod");
    assert_false(c->first_match_only);
    assert_null(c->http_listen);
    assert_string_equal(c->status_socket, STATUS_SOCKET_DEFAULT);
    assert_false(c->status_socket_named);
    assert_true(c->stuck_after_ns == UINT64_C(30000000000));
    assert_null(c->drop_ins[0]);
}

static void everything_said(void **state)
{
    (void)state;
    if (load("plugin_dirs: [/usr/lib/gyr/plugins, /opt/x]\n"
             "sources:\n"
             "  - plugin: replay\n"
             "    options: {path: incident.scap.gz}\n"
             "enrichers: [process, {plugin: /opt/x/docker.so, name: d2, filter: evt.cpu = 1},\n"
             "            /opt/x/k8s.so]\n"
             "outputs:\n"
             "  - stdout\n"
             "  - plugin: webhook\n"
             "    name: soc\n"
             "    min_priority: Warning\n"
             "    rules: ['Terminal*', x]\n"
             "    tags: mitre\n"
             "    on_full: wait\n"
             "    queue: 10\n"
             "    retry: {min: 1s, max: 1m, give_up: 1d}\n"
             "    digest: {time: 10m, alerts: 10}\n"
             "    dead_letters: dead.json\n"
             "    dedup: {fields: [user.name, proc.name], window: 5m}\n"
             "    rate_limit: {burst: 7, per_rule: 10/1m}\n"
             "    spool: {dir: s, segment_bytes: 1M, fsync: never, on_full: drop_old}\n"
             "rules: {files: [/etc/gyr/rules.d, local.yaml], min_priority: info,\n"
             "        select: [{disable: {tag: net}}, {enable: {rule: 'T*', tag: x}}]}\n"
             "append_output:\n"
             "  - match: {rule: R, source: syscall, tags: [a, b]}\n"
             "    extra_output: 'cpu=%evt.cpu'\n"
             "    extra_fields: [evt.num, {who: '%user.name'}]\n"
             "rule_matching: first\n"
             "live_sources: [a, ./b.so, /c.so]\n"
             "drop_privileges: no\n"
             "redact: [{field: proc.env}, {pattern: 'key=(.)[a-z]+', replace: 'key=\\1'}]\n"
             "mute: [{rule: 'T*', until: 1970-01-02, between: '22:00-06:30'}]\n"
             "host_root: /host/\n"
             "hostname: h1\n"
             "log_level: debug\n"
             "http: {listen: '[::1]:9100'}\n"
             "status_socket: /run/x.sock\n"
             "stuck_after: 5s\n"
             "parking: {deadline: 250ms, max_events: 8, max_bytes: 1M}\n") < 0)
        fail_msg("%s", diags.first->text);
    assert_int_equal(c->n_plugin_dirs, 2);
    assert_string_equal(c->plugin_dirs[1], "/opt/x");
    assert_int_equal(c->n_sources, 1);
    assert_int_equal(c->sources[0].loc.line, 3);
    assert_non_null(ymap_get(c->sources[0].options, "path"));
    assert_int_equal(c->n_enrichers, 3);
    assert_string_equal(c->enrichers[1].name, "d2");
    assert_string_equal(c->enrichers[1].filter, "evt.cpu = 1");
    assert_int_equal(c->enrichers[1].filter_loc.line, 5);
    assert_string_equal(c->enrichers[2].name, "k8s");
    assert_null(c->enrichers[2].filter);
    assert_int_equal(c->n_outputs, 2);
    assert_int_equal(c->outputs[1].min_priority, GYR_PRIO_WARNING);
    assert_string_equal(c->outputs[1].rules[1], "x");
    assert_null(c->outputs[1].rules[2]);
    assert_string_equal(c->outputs[1].tags[0], "mitre");
    assert_int_equal(c->outputs[1].on_full, ON_FULL_WAIT);
    assert_int_equal(c->outputs[1].queue, 10);
    assert_int_equal(c->outputs[1].retry.min_ns, 1000000000);
    assert_int_equal(c->outputs[1].retry.max_ns, 60000000000);
    assert_int_equal(c->outputs[1].retry.give_up_ns, 86400000000000);
    assert_int_equal(c->outputs[1].digest.wait_ns, 600000000000);
    assert_int_equal(c->outputs[1].digest.alerts, 10);
    assert_string_equal(c->outputs[1].dead_letters, "/etc/gyr/dead.json");
    assert_string_equal(c->outputs[1].noise.dedup[1], "proc.name");
    assert_int_equal(c->outputs[1].noise.window_ns, 300000000000);
    assert_int_equal(c->outputs[1].noise.per_rule.every_ns, 6000000000);
    assert_int_equal(c->outputs[1].noise.per_rule.burst, 7);
    assert_int_equal(c->outputs[1].noise.total.every_ns, 0);
    assert_int_equal(c->n_redact, 2);
    assert_string_equal(c->redact[0].field, "proc.env");
    assert_non_null(c->redact[1].pattern);
    assert_string_equal(c->redact[1].replace, "key=\\1");
    config_release(c);
    assert_int_equal(c->n_mutes, 1);
    assert_string_equal(c->mutes[0].rule, "T*");
    assert_int_equal(c->mutes[0].until_ns, 86400000000000);
    assert_int_equal(c->mutes[0].from_s, 79200);
    assert_int_equal(c->mutes[0].to_s, 23400);
    assert_string_equal(c->outputs[1].spool.dir, "/etc/gyr/s");
    assert_int_equal(c->outputs[1].spool.segment_bytes, 1 << 20);
    assert_int_equal(c->outputs[1].spool.max_bytes, 256 << 20);
    assert_int_equal(c->outputs[1].spool.fsync, SPOOL_FSYNC_NEVER);
    assert_int_equal(c->outputs[1].spool.on_full, SPOOL_FULL_DROP_OLD);
    assert_null(c->outputs[0].spool.dir);
    assert_int_equal(c->n_rule_files, 2);
    assert_string_equal(c->rule_files[1], "/etc/gyr/local.yaml");
    assert_int_equal(c->min_priority, GYR_PRIO_INFORMATIONAL);
    assert_int_equal(c->adjust.n_steps, 2);
    assert_false(c->adjust.steps[0].enable);
    assert_null(c->adjust.steps[0].rule);
    assert_string_equal(c->adjust.steps[0].tag->str, "net");
    assert_true(c->adjust.steps[1].enable);
    assert_string_equal(c->adjust.steps[1].rule->str, "T*");
    assert_string_equal(c->adjust.steps[1].tag->str, "x");
    assert_int_equal(c->adjust.n_extras, 1);
    assert_string_equal(c->adjust.extras[0].rule->str, "R");
    assert_string_equal(c->adjust.extras[0].source, "syscall");
    assert_string_equal(c->adjust.extras[0].tags[1], "b");
    assert_null(c->adjust.extras[0].tags[2]);
    assert_string_equal(c->adjust.extras[0].output->str, "cpu=%evt.cpu");
    assert_int_equal(c->adjust.extras[0].n_fields, 2);
    assert_null(c->adjust.extras[0].fields[0].name);
    assert_string_equal(c->adjust.extras[0].fields[0].text->str, "evt.num");
    assert_string_equal(c->adjust.extras[0].fields[1].name, "who");
    assert_string_equal(c->adjust.extras[0].fields[1].text->str, "%user.name");
    assert_true(c->first_match_only);
    assert_int_equal(c->n_live_sources, 3);
    assert_string_equal(c->live_sources[0], "a");
    assert_string_equal(c->live_sources[1], "/etc/gyr/./b.so");
    assert_string_equal(c->live_sources[2], "/c.so");
    assert_false(c->drop_privileges);
    assert_string_equal(c->host_root, "/host");
    assert_string_equal(c->hostname, "h1");
    assert_int_equal(c->log_level, LOG_L_DEBUG);
    assert_string_equal(c->http_listen, "[::1]:9100");
    assert_string_equal(c->status_socket, "/run/x.sock");
    assert_true(c->status_socket_named);
    assert_true(c->stuck_after_ns == UINT64_C(5000000000));
    assert_int_equal(c->park_deadline_ns, 250000000);
    assert_int_equal(c->park_events, 8);
    assert_int_equal(c->park_bytes, 1 << 20);
}

static void lists_may_be_empty(void **state)
{
    (void)state;
    assert_int_equal(load("enrichers: []\noutputs: []\nrules: {files: []}\nhost_root: /\n"), 0);
    assert_int_equal(c->n_enrichers, 0);
    assert_int_equal(c->n_outputs, 0);
    assert_int_equal(c->n_rule_files, 0);
    assert_string_equal(c->host_root, "");
}

static void every_mistake_has_its_place(void **state)
{
    static const struct {
        const char *yaml, *said;
        uint32_t line, col;
    } rows[] = {
        {"- a", "the configuration must be a mapping, not a list", 1, 1},
        {"output: []", "the configuration has no key 'output'; did you mean 'outputs'?", 1, 1},
        {"zzz: 1", "the configuration has no key 'zzz'", 1, 1},
        {"engine: 1", "the configuration has no key 'engine'", 1, 1},
        {"zzz: 1\nengine: {kind: kmod}\njson_output: true\nstdout_output: {enabled: true}",
         "this is a configuration of Falco: 'gyr migrate' makes one of ours of it", 2, 1},
        {"outputs: stdout", "must be a list of plugins, not text", 1, 10},
        {"outputs:\n  - name: x", "an output needs the key 'plugin'", 2, 5},
        {"outputs:\n  - plugin: x\n    minpriority: error",
         "an output has no key 'minpriority'; did you mean 'min_priority'?", 3, 5},
        {"enrichers:\n  - plugin: x\n    queue: 5", "an enricher has no key 'queue'", 3, 5},
        {"outputs:\n  - {plugin: x, min_priority: warnin}",
         "'warnin' is not a priority; did you mean 'warning'?", 2, 31},
        {"sources:\n  - {plugin: x, filter: evt.cpu = 1}", "a source has no key 'filter'", 2, 17},
        {"outputs:\n  - {plugin: x, filter: evt.cpu = 1}", "an output has no key 'filter'", 2, 17},
        {"outputs:\n  - {plugin: x, on_full: hang}", "'hang' is not one of drop, wait", 2, 26},
        {"outputs:\n  - {plugin: x, retry: {min: 1m, max: 1s}}",
         "'min' must not be longer than 'max'", 2, 24},
        {"outputs:\n  - {plugin: x, spool: {fsync: never}}", "spool needs the key 'dir'", 2, 24},
        {"outputs:\n  - {plugin: x, spool: {dir: a, max_bytes: 9M}}",
         "'max_bytes' must be two segments ('segment_bytes') at least", 2, 24},
        {"outputs:\n  - {plugin: x, rate_limit: {total: 5}}", "'5' is no rate such as 10/1m", 2,
         37},
        {"redact: [{field: a, pattern: b}]", "an entry needs 'field' or 'pattern', and not both", 1,
         10},
        {"redact: [{pattern: '('}]", "is no regular expression: missing ): (", 1, 20},
        {"redact: [{pattern: 'a*'}]", "matches nothing at all, and so everywhere", 1, 20},
        {"redact: [{pattern: a, replace: '\\1'}]",
         "'replace' does not fit the pattern: Rewrite schema requests 1 matches, but the regexp "
         "only has 0 parenthesized subexpressions.",
         1, 10},
        {"mute: [{until: 1970-01-02}]", "an entry needs the key 'rule'", 1, 8},
        {"mute: [{rule: a, until: soon}]", "'soon' is no time such as 2026-01-31T18:00:00Z", 1, 25},
        {"mute: [{rule: a, between: '9-10'}]", "'9-10' are no hours such as 22:00-06:00", 1, 27},
        {"outputs:\n  - {plugin: x, retry: 5s}", "retry must be a mapping, not text", 2, 24},
        {"outputs:\n  - {plugin: x, digest: {alerts: 5}}", "digest needs the key 'time'", 2, 25},
        {"outputs:\n  - {plugin: x, queue: 9, digest: {time: 1m, alerts: 10}}",
         "a digest of 10 alerts does not fit into a queue of 9", 2, 5},
        {"outputs:\n  - {plugin: x, digest: {time: 1m}, retry: {give_up: 1m}}",
         "'time' of digest must be shorter than 'give_up' of retry", 2, 5},
        {"outputs:\n  - {plugin: x, queue: 0}", "'0' is out of range: 1 to 1048576 is allowed", 2,
         24},
        {"outputs:\n  - {plugin: x, queue: many}", "'many' is not a number", 2, 24},
        {"outputs:\n  - {plugin: x, options: [a]}", "options must be a mapping, not a list", 2, 26},
        {"outputs:\n  - {plugin: x, rules: [[a]]}", "must be text, not a list", 2, 25},
        {"outputs:\n  - {plugin: ''}", "must not be empty", 2, 14},
        {"outputs:\n  - [a]", "an output must be a mapping, not a list", 2, 5},
        {"outputs:\n  - x\n  - x", "an output is named 'x' like one before", 3, 5},
        {"rules: a.yaml", "rules must be a mapping, not text", 1, 8},
        {"rules: {file: a}", "rules has no key 'file'; did you mean 'files'?", 1, 9},
        {"rule_matching: al", "'al' is not one of all, first; did you mean 'all'?", 1, 16},
        {"host_root: x", "host_root must be an absolute path", 1, 12},
        {"live_sources: {a: b}", "must be text, not a mapping", 1, 15},
        {"drop_privileges: maybe", "'maybe' is neither true nor false", 1, 18},
        {"hostname: \"a\\0\"", "holds a NUL character", 1, 11},
        {"log_level: loud", "'loud' is not one of error, warning, notice, info, debug", 1, 12},
        {"http: {listen: nowhere:80}", "'nowhere:80' is no address to listen at", 1, 16},
        {"http: {listen: '1.2.3.4:70000'}", "is no address to listen at", 1, 16},
        {"http: {port: 80}", "http has no key 'port'", 1, 8},
        {"status_socket: gyr.sock", "must be an absolute path of at most", 1, 16},
        {"stuck_after: 1s", "'1s' is out of range: 2s to 1h is allowed", 1, 14},
        {"parking: {deadline: 2h}", "'2h' is out of range: 1ms to 1m is allowed", 1, 21},
        {"parking: {deadline: soon}", "'soon' is not a duration such as 250ms or 5s", 1, 21},
        {"parking: {max_bytes: 1}", "is out of range", 1, 22},
        {"rules: {select: x}", "must be a list, not text", 1, 17},
        {"rules: {select: [disable]}", "a step must be a mapping, not text", 1, 18},
        {"rules: {select: [{disabel: {rule: x}}]}",
         "a step has no key 'disabel'; did you mean 'disable'?", 1, 19},
        {"rules: {select: [{disable: {rul: x}}]}", "disable has no key 'rul'; did you mean 'rule'?",
         1, 29},
        {"rules: {select: [{enable: {}}]}", "enable needs 'rule' or 'tag'", 1, 27},
        {"rules: {select: [{enable: }]}", "a step is one of 'enable' and 'disable'", 1, 18},
        {"rules: {select: [{}]}", "a step is one of 'enable' and 'disable'", 1, 18},
        {"rules: {select: [{enable: {rule: x}, disable: {rule: x}}]}",
         "a step is one of 'enable' and 'disable'", 1, 18},
        {"rules: {select: [{enable: {tag: [x]}}]}", "must be text, not a list", 1, 33},
        {"append_output: {extra_output: x}", "must be a list, not a mapping", 1, 16},
        {"append_output: [x]", "an entry must be a mapping, not text", 1, 17},
        {"append_output: [{match: {rule: x}}]", "an entry needs 'extra_output' or 'extra_fields'",
         1, 17},
        {"append_output: [{extra_outputs: x}]",
         "an entry has no key 'extra_outputs'; did you mean 'extra_output'?", 1, 18},
        {"append_output: [{extra_output: x, match: {tag: x}}]",
         "match has no key 'tag'; did you mean 'tags'?", 1, 43},
        {"append_output: [{extra_fields: x}]", "must be a list, not text", 1, 32},
        {"append_output: [{extra_fields: [[x]]}]", "must be the name of a field", 1, 33},
        {"append_output: [{extra_fields: [{a: b, c: d}]}]", "must be the name of a field", 1, 33},
        {"append_output: [{extra_fields: [{a: [b]}]}]", "must be text, not a list", 1, 37},
        {"append_output: [{extra_fields: [a.b, {a.b: c}]}]", "there is a field 'a.b' before", 1,
         38},
        {"a: b: c", "", 1, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (load(rows[i].yaml) != -EINVAL)
            fail_msg("taken: %s", rows[i].yaml);
        assert_int_equal(diags.n_errors, 1);
        if (!strstr(diags.first->text, rows[i].said))
            fail_msg("%s: %s", rows[i].yaml, diags.first->text);
        if (diags.first->loc.line != rows[i].line ||
            (rows[i].col && diags.first->loc.col != rows[i].col))
            fail_msg("%s: at %u:%u", rows[i].yaml, diags.first->loc.line, diags.first->loc.col);
    }
}

static void all_mistakes_are_told(void **state)
{
    (void)state;
    assert_int_equal(load("log_level: x\nhost_root: y\nrules: z\nwhat: 1\n"), -EINVAL);
    assert_int_equal(diags.n_errors, 4);
}

/* ---- files ---- */

static void write_file(const char *dir, const char *name, const char *text)
{
    _cleanup_free_ char *path = NULL;
    _cleanup_fclose_ FILE *f = NULL;

    assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
    f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
}

static void remove_all(const char *dir, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        _cleanup_free_ char *path = NULL;

        assert_true(asprintf(&path, "%s/%s", dir, names[i]) > 0);
        assert_int_equal(remove(path), 0);
    }
    assert_int_equal(rmdir(dir), 0);
}

static void drop_ins_add_and_replace(void **state)
{
    static const char *const made[] = {"gyr.d/10.yaml", "gyr.d/20.yaml", "gyr.d/x.conf", "gyr.d",
                                       "gyr.yaml"};
    char dir[] = "/tmp/gyr-config-XXXXXX", path[64];

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/gyr.d", dir);
    assert_int_equal(mkdir(path, 0755), 0);
    write_file(dir, "gyr.yaml",
               "outputs: [stdout]\nlog_level: info\nhostname: base\n"
               "rules: {select: [{disable: {tag: a}}]}\nappend_output: [{extra_output: a}]\n");
    write_file(dir, "gyr.d/20.yaml",
               "outputs: [syslog]\nhostname: twenty\n"
               "rules: {select: [{enable: {tag: b}}]}\nappend_output: [{extra_output: b}]\n");
    write_file(dir, "gyr.d/10.yaml",
               "outputs: [{plugin: ./file.so}]\nhostname: ten\nrules: {files: r}\n"
               "enrichers: [docker]\n");
    write_file(dir, "gyr.d/x.conf", "nonsense: [");
    (void)snprintf(path, sizeof(path), "%s/gyr.yaml", dir);
    if (config_load(path, arena, &diags, &c) < 0)
        fail_msg("%s", diags.first->text);
    remove_all(dir, made, ARRAY_LEN(made));
    assert_int_equal(c->n_outputs, 3);
    assert_string_equal(c->outputs[0].name, "stdout");
    assert_string_equal(c->outputs[1].name, "file");
    assert_string_equal(c->outputs[2].name, "syslog");
    assert_int_equal(c->adjust.n_steps, 2);
    assert_string_equal(c->adjust.steps[0].tag->str, "a");
    assert_string_equal(c->adjust.steps[1].tag->str, "b");
    assert_int_equal(c->adjust.n_extras, 2);
    assert_string_equal(c->adjust.extras[1].output->str, "b");
    assert_int_equal(c->n_enrichers, 1); /* named first in a drop-in: the default is gone */
    assert_string_equal(c->enrichers[0].name, "docker");
    assert_string_equal(c->hostname, "twenty");
    assert_int_equal(c->log_level, LOG_L_INFO);
    assert_string_equal(c->path, path);
    assert_non_null(strstr(c->drop_ins[0], "gyr.d/10.yaml"));
    assert_non_null(strstr(c->drop_ins[1], "gyr.d/20.yaml"));
    assert_null(c->drop_ins[2]);
    (void)snprintf(path, sizeof(path), "%s/gyr.d/r", dir);
    assert_string_equal(c->rule_files[0], path);
    (void)snprintf(path, sizeof(path), "%s/gyr.d/./file.so", dir);
    assert_string_equal(c->outputs[1].plugin, path);
}

static void http_has_a_place_by_default(void **state)
{
    (void)state;
    assert_int_equal(load("http: {}"), 0);
    assert_string_equal(c->http_listen, HTTP_LISTEN_DEFAULT);
    assert_int_equal(load("http: {listen: none}\nstatus_socket: none"), 0);
    assert_null(c->http_listen);
    assert_null(c->status_socket);
}

static void a_file_that_is_not_there(void **state)
{
    (void)state;
    assert_int_equal(config_load("/nonexistent/gyr.yaml", arena, &diags, &c), -EINVAL);
    assert_non_null(strstr(diags.first->text, "No such file"));
}

/* Any value of a configuration may be a secret: shown is the one that the message is about. */
static void values_are_not_shown(void **state)
{
    static const struct {
        const char *yaml, *shown;
    } rows[] = {
        {"outputs:\n  - plugin: x\n    options: {a: s3cret}\n    rulez: s3cret",
         "      rulez: …\n      ^\n"},
        {"outputs:\n  - {plugin: x, options: {token: s3cret, b: ['s3 cret, x']}, rulez: 1}",
         "    - {plugin: …, options: {token: …, b: […]}, rulez: …}\n"
         "                                               ^\n"},
        {"outputs:\n  - {options: {token: s3cret, t: \"s3cret\"}, plugin: x, queue: 0x}",
         "    - {options: {token: …, t: …}, plugin: …, queue: 0x}\n"
         "                                                    ^\n"},
        {"outputs:\n  - plugin: x\n    options: {token: s3cret, token: b}",
         "error: key 'token' is there twice, first in line 3\n"},
        {"outputs:\n  - plugin: x\n    options: {token: @s3cret}", "needs quotes\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *out = NULL;
        size_t len;
        FILE *f = open_memstream(&out, &len);

        assert_non_null(f);
        assert_int_equal(load(rows[i].yaml), -EINVAL);
        diags_print(&diags, f, false);
        (void)fclose(f);
        if (!strstr(out, rows[i].shown) || strstr(out, "s3"))
            fail_msg("row %zu: %s", i, out);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_are_not_shown, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_file_is_the_defaults, setup, teardown),
        cmocka_unit_test_setup_teardown(everything_said, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_may_be_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(every_mistake_has_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(all_mistakes_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(drop_ins_add_and_replace, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(http_has_a_place_by_default, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
