/* SPDX-License-Identifier: Apache-2.0 */
/* gyr explain on any rule file: its trees, and how the parts came out on some events. What it says
 * of an event must be what the engine says: a rule matches exactly when its tree is true. */
#include "../lib/fake_host.h"
#include "../lib/scenario_rig.h"

#include "cli/tree.h"
#include "engine/trace.h"
#include "test/why.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
const struct gyr_plugin *gyr_plugin_query_process(uint32_t host_abi);

enum { TEXT_MAX = 4 << 20, TREES_MAX = 64, CORE = 1, PROVIDERS = 2 };

static const char happens[] =
    "- test: events\n"
    "  expect_none: true\n"
    "  given:\n"
    "    containers: {web: {image: 'x/y:1', privileged: true}}\n"
    "    processes:\n"
    "    - {name: bash, exe: /usr/bin/bash, user: user, tty: pts/0, cwd: /home/user}\n"
    "    - {name: nginx, parent: bash, exe: /usr/sbin/nginx, in: web, user: www-data}\n"
    "  when:\n"
    "  - run: {path: /bin/sh, args: [-c, 'id; a=b'], env: {LD_PRELOAD: /tmp/x.so}}\n"
    "  - open: {path: ../../etc/shadow, write: true}\n"
    "  - openat: {path: /etc/passwd, fails: EACCES}\n"
    "  - read: {data: \"root:x\\n\"}\n"
    "  - connect: 1.2.3.4:443\n"
    "  - sendto: {data: abc, to: '[2001:db8::1]:53', proto: udp}\n"
    "  - unlinkat: {path: /var/log/wtmp}\n"
    "  - rename: {old: /a, new: /etc/cron.d/a}\n"
    "  - chmod: {path: /tmp/x, mode: S_ISUID}\n"
    "  - dup2: {old: 3, new: 0}\n"
    "  - ptrace: {request: PTRACE_ATTACH, pid: bash}\n"
    "  - setuid: {uid: root}\n"
    "  - {kill: {pid: bash, sig: SIGKILL}, by: bash}\n"
    "  - {reboot: , by: bash}\n"
    "  - {bind: '0.0.0.0:80', by: nginx}\n"
    "  - {accept: {from: '10.0.0.9:4000', to: '10.0.0.1:80'}, by: nginx}\n"
    "  - exit: {code: 1}\n";

/* Everything that an event is looked at with. */
struct bench {
    struct scenario_rig events;
    struct fake_host host;
    const struct gyr_plugin *process;
    struct provider providers[PROVIDERS];
    struct stream_pos pos;
    struct scratch scratch;
    struct park *park;
    struct generation *g;
    struct clauses *clauses;
    struct trace *trace;
    struct evaluator *eval;
    uint8_t *matched; /* by rule */
    struct buf text;
};

static void must(bool ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "%s\n", what);
        abort();
    }
}

static void on_match(void *ctx, const struct match *m)
{
    struct bench *b = ctx;

    for (uint32_t i = 0; i < b->g->rules->n_rules; i++)
        if (b->g->rules->rules[i] == m->rule)
            b->matched[i] = 1;
}

static uint64_t no_time(void)
{
    return 0;
}

/* Read once: what is given and happens is the same for every input. */
static void read_events(struct scenario_rig *r)
{
    must(scenario_read(r, happens, sizeof(happens) - 1), "the scenario cannot be read");
}

static void open_providers(struct bench *b)
{
    static const struct {
        int64_t max_threads;
        uint64_t max_memory;
    } options = {1024, 16 << 20};       /* as the plugin's own */
    static struct corefields_conf core; /* read as long as the core lives */
    static const struct park_conf park = {1, 16, 1 << 16};
    struct provider *p = b->providers;
    struct gyr_error err;

    fake_host_init(&b->host);
    b->process = gyr_plugin_query_process(0);
    p[0] = (struct provider){.name = "process", .ops = b->process->enricher};
    core = (struct corefields_conf){.schema = b->events.schemas.list[0],
                                    .pos = &b->pos,
                                    .scratch = &b->scratch,
                                    .others = p,
                                    .n_others = CORE,
                                    .source_plugin = "scenario",
                                    .hostname = "host"};
    p[CORE] = (struct provider){.name = "core", .ops = &corefields_ops};
    must(b->process->create(&b->host.host, &options, &p[0].self, &err) == 0 &&
             b->process->start(p[0].self, &err) == 0 && scratch_init(&b->scratch) == 0 &&
             corefields_new(&core, &p[CORE].self) == 0 &&
             park_new(&park, NULL, NULL, &b->park) == 0,
         "no memory");
}

static void close_providers(struct bench *b)
{
    park_flush(b->park);
    evaluator_unref(b->eval);
    trace_free(b->trace);
    clauses_free(b->clauses);
    park_free(b->park);
    corefields_free(b->providers[CORE].self);
    b->process->stop(b->providers[0].self);
    b->process->destroy(b->providers[0].self);
    scratch_free(&b->scratch);
    must(!fake_host_free(&b->host), "something of the host's was not given back");
}

/* @return whether the providers take all arguments of fields. */
static bool compile(struct bench *b, struct diags *d)
{
    const struct evaluator_conf conf = {.generation = b->g,
                                        .providers = b->providers,
                                        .n_providers = PROVIDERS,
                                        .pos = &b->pos,
                                        .scratch = &b->scratch,
                                        .park = b->park,
                                        .sink = {b, on_match},
                                        .now_ns = no_time,
                                        .diags = d};
    struct gyr_error err = {0};

    return evaluator_new(&conf, &b->eval, &err) == 0 &&
           clauses_new(b->g, 0, &b->clauses, &err) == 0 &&
           trace_new(b->clauses, &conf, &b->trace, &err) == 0;
}

static void look_at(struct bench *b, const struct gyr_event *ev)
{
    const struct ruleset *rs = b->g->rules;
    uint32_t trees = 0;

    memset(b->matched, 0, rs->n_rules);
    evaluator_event(b->eval, ev);
    trace_begin(b->trace, ev);
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        const struct rule *r = rs->rules[i];
        bool concerns = r->enabled && trace_concerns(b->trace, r);
        bool is_true = concerns && trace_node(b->trace, r->condition) == TRACE_TRUE;

        if (is_true != b->matched[i] ||
            (concerns && is_true != (why_blockers(b->trace, r->condition) == 0))) {
            buf_reset(&b->text);
            tree_print(&b->text, r->condition, concerns ? b->trace : NULL);
            (void)fprintf(stderr, "rule '%s', event %u: it %s, and the tree says\n%s", r->name,
                          ev->type, b->matched[i] ? "matched" : "did not match", b->text.p);
            abort();
        }
        if (!concerns || trees++ >= TREES_MAX)
            continue;
        buf_reset(&b->text);
        tree_print(&b->text, r->condition, b->trace);
    }
    trace_end(b->trace);
}

static void run(struct bench *b)
{
    const struct gyr_enricher_ops *ops = b->providers[0].ops;
    const struct gyr_event *ev;

    must(scenario_make(&b->events, 0) == 0, b->events.err.msg);
    while ((ev = scenario_next(&b->events)) != NULL) {
        bool snapshot = ev->flags & GYR_EVF_SNAPSHOT || ev->type >= 0x8000;
        int after;

        b->pos.prev_ns = b->pos.ts_ns ? b->pos.ts_ns : ev->ts_ns;
        b->pos.ts_ns = ev->ts_ns;
        b->pos.num += !snapshot;
        after = ops->on_event(b->providers[0].self, 0, ev);
        if (!snapshot)
            look_at(b, ev);
        if (after == GYR_AFTER)
            ops->after_event(b->providers[0].self, ev);
        fake_host_event_done(&b->host);
        scratch_reset(&b->scratch);
    }
}

static void explain(struct bench *b, struct diags *d)
{
    const struct ruleset *rs = b->g->rules;

    for (uint32_t i = 0; i < rs->n_rules; i++) {
        buf_reset(&b->text);
        tree_print(&b->text, rs->rules[i]->condition, NULL);
    }
    b->matched = calloc(rs->n_rules + 1u, 1);
    must(b->matched, "no memory");
    open_providers(b);
    if (compile(b, d))
        run(b);
    close_providers(b);
    free(b->matched);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct bench b;
    struct arena *arena = arena_new(64 << 20);
    struct ruleset_conf conf = {.max_priority = 7};
    struct diags d;

    if (!arena)
        return 0;
    if (!b.events.arena)
        read_events(&b.events);
    b = (struct bench){.events = b.events};
    diags_init(&d, arena);
    conf.schemas = &b.events.schemas;
    buf_init(&b.text, TEXT_MAX);
    if (generation_new_text(&conf, "fuzz.yaml", (const char *)data, len, &d, &b.g) == 0)
        explain(&b, &d);
    generation_unref(b.g);
    buf_free(&b.text);
    arena_free(arena);
    return 0;
}
