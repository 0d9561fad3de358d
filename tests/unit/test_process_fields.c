/* SPDX-License-Identifier: Apache-2.0 */
/* The process enricher over real captures, field by field against what Falco made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../lib/fake_host.h"

#include "engine/provider.h"
#include "syscall/syscall.h"

#include <arpa/inet.h>
#include <gyr/plugin.h>
#include <gyr/util.h>
#include <jansson.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

const struct gyr_plugin *gyr_plugin_query_replay(uint32_t host_abi);
const struct gyr_plugin *gyr_plugin_query_process(uint32_t host_abi);

#define LEAST 0.9999 /* of all values of a capture */

enum { FIELDS_MAX = 400, LINE_MAX_LEN = 1 << 20, WORST = 12 };

struct replay_config { /* as the plugin's own */
    const char *const *path;
    int64_t speed;
};

struct process_config {
    int64_t max_threads;
    uint64_t max_memory;
};

/* One field of the expected output and how it went. */
struct tally {
    char name[64];
    const char *want, *got; /* of the first difference; owned */
    const struct provider *by;
    uint32_t handle, n, bad;
};

struct run {
    struct fake_host source_host, host;
    const struct gyr_plugin *replay, *process;
    void *source, *self;
    /* the enricher, and the core, which asks it for texts of parameters */
    struct provider ours, core;
    struct schemas schemas;
    struct scratch scratch;
    struct stream_pos pos;
    struct tally fields[FIELDS_MAX];
    uint32_t n_fields;
    const struct gyr_event *evs[256];
    struct gyr_batch batch;
    uint32_t at;
    const struct gyr_event *ev;
};

static const char *shared(void)
{
    const char *dir = getenv("GYR_SHARED");

    return dir ? dir : "../shared";
}

/* Fields whose value here is a list where Falco prints something else, by intent (see each), or
 * that Falco gets wrong. */
static const char *const not_compared[] = {
    "proc.apid",          /* ours: the ancestors, as conditions mean it; printed: its own number */
    "proc.ppid.duration", /* without a start time of the parent Falco prints the count of fds */
    "proc.pidns_init_start_ts", /* Falco counts from the boot in recordings, we from the epoch; */
    "proc.exe_ino.ctime_duration_pidns_start", /* e2e/compare_fields.c compares these two */
    "fd.ip",                                   /* Falco has them in conditions only */
    "fd.port",
};

static bool is_compared(const char *name)
{
    static const char *const others[] = {"evt.rawarg", "thread.exectime", "thread.totexectime",
                                         "thread.cpu"};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (strncmp(name, others[i], strlen(others[i])) == 0)
            return false;
    for (size_t i = 0; i < sizeof(not_compared) / sizeof(not_compared[0]); i++)
        if (strcmp(name, not_compared[i]) == 0)
            return false;
    return true;
}

/* Every field of the rule that made the expected output, if it is ours or a parameter. */
static void bind_fields(struct run *r)
{
    char path[512], *text = calloc(1, 65536), *save = NULL;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/expected/all-fields.rule.yaml", shared());
    f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(text);
    assert_true(fread(text, 1, 65535, f) > 0);
    (void)fclose(f);
    for (char *w = strtok_r(text, " \n\"", &save); w; w = strtok_r(NULL, " \n\"", &save)) {
        struct tally *t = &r->fields[r->n_fields];
        char *arg = strchr(w, '[');
        struct gyr_error err;
        uint32_t type = 0;
        int i;

        if (*w++ != '%' || !is_compared(w))
            continue;
        assert_true(r->n_fields < FIELDS_MAX);
        (void)snprintf(t->name, sizeof(t->name), "%s", w);
        if (arg) {
            *arg++ = 0;
            arg[strlen(arg) - 1] = 0;
        } else if (strncmp(w, "evt.arg.", 8) == 0) {
            arg = w + 8;
            w[7] = 0;
        }
        t->by = &r->ours;
        i = provider_field(t->by, w);
        if (i < 0 && strncmp(w, "evt.arg", 7) == 0) {
            t->by = &r->core;
            i = provider_field(t->by, w);
        }
        if (i < 0)
            continue;
        assert_int_equal(t->by->ops->bind(t->by->self, (uint32_t)i, arg, &t->handle, &type, &err),
                         0);
        r->n_fields++;
    }
    free(text);
}

static void run_begin(struct run *r, const char *capture)
{
    static struct replay_config rc;
    static const struct process_config pc = {262144, 512 << 20};
    static const char *paths[2];
    struct gyr_error err = {0};

    memset(r, 0, sizeof(*r));
    (void)setenv("TZ", "UTC", 1);
    tzset();
    fake_host_init(&r->source_host);
    fake_host_init(&r->host);
    r->replay = gyr_plugin_query_replay(0);
    r->process = gyr_plugin_query_process(0);
    paths[0] = capture;
    rc = (struct replay_config){paths, 1};
    assert_int_equal(r->replay->create(&r->source_host.host, &rc, &r->source, &err), 0);
    assert_int_equal(r->process->create(&r->host.host, &pc, &r->self, &err), 0);
    assert_int_equal(r->process->start(r->self, &err), 0);
    if (r->replay->start(r->source, &err) < 0)
        fail_msg("%s", err.msg);
    r->ours = (struct provider){"process", r->process->enricher, r->self};
    r->core = (struct provider){"core", &corefields_ops, NULL};
    assert_int_equal(schemas_add(&r->schemas, &syscall_schema, "test", &err), 0);
    assert_int_equal(scratch_init(&r->scratch), 0);
    assert_int_equal(
        corefields_new(&(struct corefields_conf){.schema = schemas_find(&r->schemas, "syscall"),
                                                 .pos = &r->pos,
                                                 .scratch = &r->scratch,
                                                 .others = &r->ours,
                                                 .n_others = 1},
                       &r->core.self),
        0);
    r->batch = (struct gyr_batch){.size = sizeof(r->batch), .cap = 256, .ev = r->evs};
}

static void run_end(struct run *r)
{
    for (uint32_t i = 0; i < r->n_fields; i++) {
        r->fields[i].by->ops->unbind(r->fields[i].by->self, r->fields[i].handle);
        free((void *)r->fields[i].want);
        free((void *)r->fields[i].got);
    }
    corefields_free(r->core.self);
    scratch_free(&r->scratch);
    schemas_free(&r->schemas);
    r->replay->stop(r->source);
    r->replay->destroy(r->source);
    r->process->stop(r->self);
    r->process->destroy(r->self);
    assert_int_equal(fake_host_free(&r->source_host), 0);
    assert_int_equal(fake_host_free(&r->host), 0);
}

/* To the next event that is none of a snapshot. @return false at the end. */
static bool run_next(struct run *r)
{
    const struct gyr_enricher_ops *ops = r->process->enricher;
    static bool after;
    struct gyr_error err;

    for (;;) {
        if (r->ev && after)
            ops->after_event(r->self, r->ev);
        after = false;
        fake_host_event_done(&r->host);
        scratch_reset(&r->scratch);
        if (r->at == r->batch.n) {
            r->at = 0;
            r->ev = NULL;
            if (r->replay->source->next_batch(r->source, &r->batch, &err) < 0)
                return false;
            continue;
        }
        r->ev = r->evs[r->at++];
        after = ops->on_event(r->self, 0, r->ev) == GYR_AFTER;
        if (!(r->ev->flags & GYR_EVF_SNAPSHOT))
            return true;
    }
}

/* ---- values ---- */

static void text_of(const struct gyr_value *v, char *out, size_t cap)
{
    const struct gyr_value *e = v->u.ptr;
    size_t n = 0;

    switch (v->type) {
    case GYR_T_BOOL:
        (void)snprintf(out, cap, "%s", v->u.u64 ? "true" : "false");
        break;
    case GYR_T_I64:
        (void)snprintf(out, cap, "%lld", (long long)v->u.i64);
        break;
    case GYR_T_DOUBLE:
        (void)snprintf(out, cap, "%.6g", v->u.f64);
        break;
    case GYR_T_STR:
        (void)snprintf(out, cap, "%.*s", (int)v->len, (const char *)v->u.ptr);
        break;
    case GYR_T_IP:
        (void)inet_ntop(v->len == 4 ? AF_INET : AF_INET6, v->u.ptr, out, (socklen_t)cap);
        break;
    case GYR_T_LIST: /* as Falco joins them */
        for (uint32_t i = 0; i < v->len && n < cap; i++) {
            n += (size_t)snprintf(out + n, cap - n, "%s", i ? " " : "");
            text_of(&e[i], out + n, cap - n);
            n += strlen(out + n);
        }
        break;
    default:
        (void)snprintf(out, cap, "%llu", (unsigned long long)v->u.u64);
    }
}

static bool in_array(const char *s, size_t len, const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *e = json_array_get(array, i);

        if (json_string_length(e) == len && memcmp(json_string_value(e), s, len) == 0)
            return true;
    }
    return false;
}

static bool same_set(const struct gyr_value *v, const json_t *array)
{
    const struct gyr_value *e = v->u.ptr;

    if (v->type != GYR_T_LIST || v->len != json_array_size(array))
        return false;
    for (uint32_t i = 0; i < v->len; i++)
        if (!in_array(e[i].u.ptr, e[i].len, array))
            return false;
    return true;
}

static void json_text(const json_t *want, char *out, size_t cap)
{
    switch (json_typeof(want)) {
    case JSON_TRUE:
    case JSON_FALSE:
        (void)snprintf(out, cap, "%s", json_is_true(want) ? "true" : "false");
        break;
    case JSON_INTEGER:
        (void)snprintf(out, cap, "%llu", (unsigned long long)json_integer_value(want));
        break;
    case JSON_REAL:
        (void)snprintf(out, cap, "%.6g", json_real_value(want));
        break;
    case JSON_STRING:
        (void)snprintf(out, cap, "%s", json_string_value(want));
        break;
    default:
        (void)snprintf(out, cap, "(list)");
    }
}

/* Asking Falco for evt.abspath changes what it then thinks the event's descriptor is, when the
 * path is relative to one; and the rule that made the expected output asks for it first. */
static bool is_spoilt(const struct run *r, const char *field)
{
    const struct gyr_event_type *t = syscall_event_type(r->ev->type);
    int64_t dirfd;
    const char *path;
    uint32_t len;

    if (strncmp(field, "fd.", 3) != 0 && strncmp(field, "fs.", 3) != 0)
        return false;
    for (uint32_t i = 0; i + 1u < t->n_params; i++)
        if (t->params[i].kind == K_FD && t->params[i + 1].kind == K_RELPATH &&
            gyr_param_i64(r->ev, i, &dirfd) && dirfd != -100 &&
            gyr_param_str(r->ev, i + 1, &path, &len) && len && *path != '/')
            return true;
    return false;
}

/* Falco prints uninitialised memory for processes that it took from the tables. */
static bool is_garbage(const struct tally *t, int is)
{
    return is != GYR_PRESENT && strncmp(t->name, "proc.exe_ino.ctime_duration", 27) == 0;
}

static void compare(struct run *r, struct tally *t, const json_t *want)
{
    static char got_text[LINE_MAX_LEN], want_text[LINE_MAX_LEN];
    struct gyr_value v = {0};
    int is = t->by->ops->get(t->by->self, r->ev, t->handle, &v);
    bool same;

    if (is != GYR_PRESENT && strcmp(t->name, "evt.category") == 0) { /* then the core says it */
        v = gyr_str(syscall_event_type(r->ev->type)->category,
                    strlen(syscall_event_type(r->ev->type)->category));
        is = GYR_PRESENT;
    }
    if ((is != GYR_PRESENT && !want) || is_garbage(t, is) || is_spoilt(r, t->name))
        return;
    t->n++;
    (void)snprintf(got_text, sizeof(got_text), "(absent)");
    (void)snprintf(want_text, sizeof(want_text), "(absent)");
    if (is == GYR_PRESENT)
        text_of(&v, got_text, sizeof(got_text));
    if (is == GYR_PRESENT && strcmp(t->name, "fd.dev") == 0) /* printed in hexadecimal */
        (void)snprintf(got_text, sizeof(got_text), "%llX", (unsigned long long)v.u.u64);
    if (want)
        json_text(want, want_text, sizeof(want_text));
    if (is == GYR_PRESENT && want && v.type == GYR_T_I64 && json_is_integer(want))
        same = v.u.i64 == (int64_t)json_integer_value(want);
    else if (is == GYR_PRESENT && json_is_array(want))
        same = same_set(&v, want);
    else
        same = is == GYR_PRESENT && want && strcmp(got_text, want_text) == 0;
    if (same)
        return;
    if (getenv("GYR_DIFF") && strcmp(getenv("GYR_DIFF"), t->name) == 0) /* every difference */
        print_message("%llu %s\n  want %s\n  got  %s\n", (unsigned long long)r->ev->ts_ns,
                      syscall_event_type(r->ev->type)->name, want_text, got_text);
    if (t->bad++ == 0) {
        char where[96];
        size_t size;
        char *got;

        (void)snprintf(where, sizeof(where), "  [%s %llu %lld]",
                       syscall_event_type(r->ev->type)->name, (unsigned long long)r->ev->ts_ns,
                       (long long)r->ev->tid);
        size = strlen(got_text) + sizeof(where);
        got = malloc(size);
        assert_non_null(got);
        (void)snprintf(got, size, "%.200s%s", got_text, where);
        t->got = got;
        t->want = strdup(want_text);
    }
}

/* ---- one capture ---- */

/* Numbers past 2^63 are none to the JSON library: make them strings. */
static json_t *parse_line(const char *line)
{
    static char out[LINE_MAX_LEN + LINE_MAX_LEN / 8];
    bool in_string = false;
    size_t n = 0;

    for (const char *p = line; *p && n < sizeof(out) - 32; p++) {
        size_t digits = in_string ? 0 : strspn(p, "0123456789");

        if (*p == '"' && (p == line || p[-1] != '\\' || (p > line + 1 && p[-2] == '\\')))
            in_string = !in_string;
        if (digits >= 19 && (digits > 19 || memcmp(p, "9223372036854775807", 19) > 0)) {
            out[n++] = '"';
            memcpy(out + n, p, digits);
            n += digits;
            out[n++] = '"';
            p += digits - 1;
        } else {
            out[n++] = *p;
        }
    }
    return json_loadb(out, n, JSON_ALLOW_NUL, NULL);
}

static const char *event_name(const struct gyr_event *ev)
{
    const struct gyr_event_type *t = syscall_event_type(ev->type);

    if (!(t->flags & GYR_ETF_GENERIC))
        return t->name;
    for (const struct gyr_subtype *s = syscall_schema.subtypes; s->name; s++)
        if (s->id == ev->subtype)
            return s->name;
    return "";
}

static bool is_event(const struct gyr_event *ev, const json_t *line)
{
    return ev->ts_ns == (uint64_t)json_integer_value(json_array_get(line, 0)) &&
           ev->tid == json_integer_value(json_array_get(line, 1)) &&
           strcmp(event_name(ev), json_string_value(json_array_get(line, 2))) == 0;
}

static int by_bad(const void *a, const void *b)
{
    const struct tally *x = a, *y = b;

    return x->bad < y->bad ? 1 : x->bad > y->bad ? -1 : 0;
}

static double report(struct run *r, const char *name, uint32_t events)
{
    uint64_t n = 0, bad = 0;

    qsort(r->fields, r->n_fields, sizeof(r->fields[0]), by_bad);
    for (uint32_t i = 0; i < r->n_fields; i++) {
        n += r->fields[i].n;
        bad += r->fields[i].bad;
    }
    print_message("%s: %u events, %u fields, %llu values, %.4f %% equal\n", name, events,
                  r->n_fields, (unsigned long long)n, 100.0 - 100.0 * (double)bad / (double)n);
    for (uint32_t i = 0; i < r->n_fields && i < WORST && r->fields[i].bad; i++)
        print_message("    %-40s %u of %u differ: want '%.160s' got '%.260s'\n", r->fields[i].name,
                      r->fields[i].bad, r->fields[i].n, r->fields[i].want, r->fields[i].got);
    return n ? 1.0 - (double)bad / (double)n : 0;
}

static void against_falco(const char *name, const char *suffix, double least)
{
    static struct run r;
    char capture[512], expected[512], *line = malloc(LINE_MAX_LEN);
    uint32_t events = 0;
    gzFile f;

    (void)snprintf(capture, sizeof(capture), "%s/captures/%s%s", shared(), name, suffix);
    (void)snprintf(expected, sizeof(expected), "%s/expected/%s.fields.jsonl.gz", shared(), name);
    if (access(capture, R_OK) != 0 || access(expected, R_OK) != 0) {
        free(line);
        print_message("SKIPPED: there is no %s (set GYR_SHARED)\n", capture);
        skip();
    }
    run_begin(&r, capture);
    bind_fields(&r);
    f = gzopen(expected, "rb");
    assert_non_null(f);
    assert_non_null(line);
    while (gzgets(f, line, LINE_MAX_LEN)) {
        json_t *want = parse_line(line);
        const json_t *values = json_array_get(want, 3);

        assert_non_null(values);
        do {
            if (!run_next(&r))
                fail_msg("%s: the capture ends before line %u", name, events + 1);
        } while (!is_event(r.ev, want));
        for (uint32_t i = 0; i < r.n_fields; i++)
            compare(&r, &r.fields[i], json_object_get(values, r.fields[i].name));
        events++;
        json_decref(want);
    }
    (void)gzclose(f);
    free(line);
    assert_true(events > 0);
    assert_true(report(&r, name, events) >= least);
    run_end(&r);
}

static void seed(void **state)
{
    (void)state;
    against_falco("seed", ".scap.gz", LEAST);
}

static void attacks(void **state)
{
    (void)state;
    against_falco("attacks", ".scap.gz", LEAST);
}

static void old_container(void **state)
{
    (void)state;
    against_falco("psp_run_as_user_0_container", ".scap", LEAST);
}

static void old_curl(void **state)
{
    (void)state;
    against_falco("curl_google", ".scap", LEAST);
}

static void old_files(void **state)
{
    (void)state;
    against_falco("cat_write", ".scap", LEAST);
    against_falco("open-multiple-files", ".scap", LEAST);
}

static void old_ipv6(void **state)
{
    (void)state;
    against_falco("single_ipv6_conn", ".scap", LEAST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seed),     cmocka_unit_test(attacks),   cmocka_unit_test(old_container),
        cmocka_unit_test(old_curl), cmocka_unit_test(old_files), cmocka_unit_test(old_ipv6),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
