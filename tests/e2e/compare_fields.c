/* SPDX-License-Identifier: Apache-2.0 */
/* compare_fields GYR SHARED NAME…: replay each capture with the rule that prints every field, and
 * compare what comes out with what Falco printed, event by event and field by field. TAP. */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define LEAST       99.9 /* per cent of all values */
#define LEAST_FIELD 99.0 /* and of each field's */

#define NSEC_PER_SEC 1000000000
#define BOOT_MIN     (INT64_C(1500000000) * NSEC_PER_SEC) /* before any machine of a capture */

enum { FIELDS_MAX = 400, FIELDS_MIN = 199, LINE_CAP = 1 << 20, SHOWN = 3 };

struct tally {
    const char *name;
    unsigned n, bad, accepted;
};

static struct tally fields[FIELDS_MAX];
static unsigned n_fields;
static json_t *by_name; /* name to place in fields */

/* What is in no expected file, as it depends on the run or on the machine. */
static bool is_compared(const char *name)
{
    static const char *const starts[] = {"evt.num",    "evt.reltime",     "evt.deltatime",
                                         "thread.cpu", "thread.exectime", "thread.totexectime"};

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        if (strncmp(name, starts[i], strlen(starts[i])) == 0)
            return false;
    return strncmp(name, "container.", 10) != 0 || strcmp(name, "container.id") == 0;
}

/* ---- differences where the capture shows Falco wrong: docs/compatibility.md has each ---- */

struct pair {
    const json_t *want, *got; /* all fields of the event: Falco's, ours */
};

static const char *text_of(const json_t *event, const char *name)
{
    const char *s = json_string_value(json_object_get(event, name));

    return s ? s : "";
}

/* A value we lack is null in our JSON, and left out of Falco's. */
static const json_t *value_of(const json_t *event, const char *name)
{
    const json_t *v = json_object_get(event, name);

    return json_is_null(v) ? NULL : v;
}

static json_int_t number_of(const json_t *event, const char *name)
{
    return json_integer_value(json_object_get(event, name));
}

/* One that may be past 2^63, see parse_line(); 0 when absent. */
static uint64_t large_of(const json_t *event, const char *name)
{
    const char *text = text_of(event, name);

    return *text == '#' ? strtoull(text + 1, NULL, 10) : (uint64_t)number_of(event, name);
}

/* Opened relative to a descriptor, and Falco tells of that descriptor instead. */
static bool is_of_dirfd(const struct pair *p)
{
    const char *dir = strchr(text_of(p->want, "evt.arg[1]"), '>');
    const char *name = text_of(p->want, "evt.rawarg.name");

    return strncmp(text_of(p->want, "evt.type"), "openat", 6) == 0 && *name && *name != '/' &&
           dir && strcmp(dir + 1, text_of(p->want, "fd.name")) == 0;
}

/* The start of the parent's main thread is not in the capture, and the number of descriptors is
 * printed: no time since the start that proc.ppid.ts tells, which may be another thread's. */
static bool is_count_of_fds(const struct pair *p)
{
    json_int_t told = number_of(p->want, "proc.ppid.duration");

    return !value_of(p->got, "proc.ppid.duration") &&
           told == number_of(p->want, "proc.fdopencount") &&
           told != number_of(p->want, "evt.rawtime") - number_of(p->want, "proc.ppid.ts");
}

/* One of the two times is not in the capture; what is printed is uninitialised memory. */
static bool no_start(const struct pair *p)
{
    return !value_of(p->got, "proc.exe_ino.ctime_duration_proc_start") &&
           !(number_of(p->want, "proc.exe_ino.ctime") && number_of(p->want, "proc.pid.ts"));
}

static bool no_pidns_start(const struct pair *p)
{
    return !value_of(p->got, "proc.exe_ino.ctime_duration_pidns_start") &&
           !(number_of(p->want, "proc.exe_ino.ctime") &&
             number_of(p->want, "proc.pidns_init_start_ts"));
}

/* Falco counts from the epoch when live, and in a recording from the boot, whose time the recording
 * has, in whole seconds: the start of the first namespace, 0, is absent then. */
static bool is_since_boot(const struct pair *p)
{
    json_int_t got = number_of(p->got, "proc.pidns_init_start_ts");
    json_int_t more = got - number_of(p->want, "proc.pidns_init_start_ts");

    return got && more > BOOT_MIN && more % NSEC_PER_SEC == 0;
}

static bool is_from_since_boot(const struct pair *p)
{
    uint64_t ctime = large_of(p->got, "proc.exe_ino.ctime");
    uint64_t start = large_of(p->got, "proc.pidns_init_start_ts");

    return is_since_boot(p) && large_of(p->got, "proc.exe_ino.ctime_duration_pidns_start") ==
                                   (ctime > start ? ctime - start : 0);
}

static bool is_pidns_wrong(const struct pair *p)
{
    return no_pidns_start(p) || is_from_since_boot(p);
}

static const struct {
    const char *field;
    bool (*is_wrong)(const struct pair *p);
} accepted[] = {
    {"fd.connected", is_of_dirfd},
    {"fd.containerdirectory", is_of_dirfd},
    {"fd.containername", is_of_dirfd},
    {"fd.dev", is_of_dirfd},
    {"fd.dev.major", is_of_dirfd},
    {"fd.dev.minor", is_of_dirfd},
    {"fd.directory", is_of_dirfd},
    {"fd.filename", is_of_dirfd},
    {"fd.ino", is_of_dirfd},
    {"fd.is_lower_layer", is_of_dirfd},
    {"fd.is_server", is_of_dirfd},
    {"fd.is_upper_layer", is_of_dirfd},
    {"fd.l4proto", is_of_dirfd},
    {"fd.name", is_of_dirfd},
    {"fd.name_changed", is_of_dirfd},
    {"fd.nameraw", is_of_dirfd},
    {"fd.type", is_of_dirfd},
    {"fd.typechar", is_of_dirfd},
    {"fs.path.name", is_of_dirfd},
    {"proc.exe_ino.ctime_duration_pidns_start", is_pidns_wrong},
    {"proc.exe_ino.ctime_duration_proc_start", no_start},
    {"proc.pidns_init_start_ts", is_since_boot},
    {"proc.ppid.duration", is_count_of_fds},
};

static bool is_accepted(const char *field, const struct pair *p)
{
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++)
        if (strcmp(accepted[i].field, field) == 0)
            return accepted[i].is_wrong(p);
    return false;
}

/* ---- one event ---- */

static void die(const char *what)
{
    printf("Bail out! %s\n", what);
    exit(1);
}

static struct tally *tally_of(const char *name)
{
    const json_t *at = json_object_get(by_name, name);

    if (at)
        return &fields[json_integer_value(at)];
    if (n_fields == FIELDS_MAX)
        die("too many fields");
    (void)json_object_set_new(by_name, name, json_integer(n_fields));
    fields[n_fields].name = strdup(name);
    return &fields[n_fields++];
}

static void show(const struct tally *t, const struct pair *p, const json_t *want, const json_t *got)
{
    char *w = want ? json_dumps(want, JSON_ENCODE_ANY) : NULL;
    char *g = got ? json_dumps(got, JSON_ENCODE_ANY) : NULL;

    printf("#   %s of %s: %.160s, not %.160s\n", t->name, text_of(p->want, "evt.type"),
           g ? g : "absent", w ? w : "absent");
    free(w);
    free(g);
}

static void compare_value(const char *name, const struct pair *p)
{
    const json_t *want = value_of(p->want, name), *got = value_of(p->got, name);
    struct tally *t;

    if ((!want && !got) || !is_compared(name))
        return;
    t = tally_of(name);
    if (want && got && json_equal(want, got)) {
        t->n++;
    } else if (is_accepted(name, p)) {
        t->accepted++;
    } else {
        t->n++;
        if (t->bad++ < SHOWN)
            show(t, p, want, got);
    }
}

static void compare_event(const struct pair *p)
{
    const char *name;
    const json_t *value;

    json_object_foreach((json_t *)p->want, name, value) compare_value(name, p);
    json_object_foreach((json_t *)p->got, name, value) if (!json_object_get(p->want, name))
        compare_value(name, p);
}

/* ---- one capture ---- */

/* Numbers past 2^63 are none to the JSON library: they become texts that no field has. */
static json_t *parse_line(const char *line)
{
    static char out[2 * LINE_CAP];
    bool in_string = false;
    size_t n = 0;

    for (const char *p = line; *p; p++) {
        size_t digits = in_string ? 0 : strspn(p, "0123456789");

        if (in_string && *p == '\\') {
            out[n++] = *p++;
        } else if (*p == '"') {
            in_string = !in_string;
        } else if (digits > 19 || (digits == 19 && memcmp(p, "9223372036854775807", 19) > 0)) {
            n += (size_t)snprintf(out + n, sizeof(out) - n, "\"#%.*s\"", (int)digits, p);
            p += digits - 1;
            continue;
        } else if (digits) {
            memcpy(out + n, p, digits);
            n += digits;
            p += digits - 1;
            continue;
        }
        out[n++] = *p;
    }
    return json_loadb(out, n, JSON_ALLOW_NUL, NULL);
}

/* Our next event. Falco does not show what recorders tell of containers. */
static json_t *next_of_ours(FILE *f)
{
    static char line[LINE_CAP];

    while (fgets(line, sizeof(line), f)) {
        json_t *alert = parse_line(line);
        const json_t *event = json_object_get(alert, "output_fields");

        if (!event)
            die("an alert is no JSON, or has no fields");
        if (strcmp(text_of(event, "evt.type"), "container") != 0)
            return alert;
        json_decref(alert);
    }
    return NULL;
}

static bool is_same_event(const json_t *line, const json_t *got)
{
    const json_t *tid = json_object_get(got, "thread.tid");

    return json_equal(json_array_get(line, 0), json_object_get(got, "evt.time")) &&
           (!tid || json_equal(json_array_get(line, 1), tid)) &&
           json_equal(json_array_get(line, 2), json_object_get(got, "evt.type"));
}

static void compare_capture(const char *gyr, const char *shared, const char *name)
{
    static char line[LINE_CAP];
    char expected[512], command[2048];
    const char *suffix = ".scap";
    unsigned events = 0;
    gzFile want;
    FILE *got;

    (void)snprintf(command, sizeof(command), "%s/captures/%s.scap.gz", shared, name);
    if (access(command, R_OK) == 0)
        suffix = ".scap.gz";
    (void)snprintf(expected, sizeof(expected), "%s/expected/%s.fields.jsonl.gz", shared, name);
    (void)snprintf(command, sizeof(command),
                   "'%s' replay -q --json -r '%s/expected/all-fields.rule.yaml' '%s/captures/%s%s'",
                   gyr, shared, shared, name, suffix);
    want = gzopen(expected, "rb");
    got = popen(command, "r");
    if (!want || !got)
        die("a capture cannot be replayed");
    for (; gzgets(want, line, sizeof(line)); events++) {
        json_t *expects = parse_line(line), *alert = next_of_ours(got);
        struct pair p = {json_array_get(expects, 3), json_object_get(alert, "output_fields")};

        if (!p.want || !p.got || !is_same_event(expects, p.got)) {
            printf("# event %u of %s: %.100s\n", events + 1, name, line);
            die("another event than Falco has");
        }
        compare_event(&p);
        json_decref(expects);
        json_decref(alert);
    }
    if (!events || next_of_ours(got) || pclose(got) != 0)
        die("more events than Falco has, or the replay failed");
    (void)gzclose(want);
    printf("# %s: %u events", name, events);
}

/* ---- figures ---- */

static struct tally sum(void)
{
    struct tally all = {0};

    for (unsigned i = 0; i < n_fields; i++) {
        all.n += fields[i].n;
        all.bad += fields[i].bad;
        all.accepted += fields[i].accepted;
    }
    return all;
}

static double equal(const struct tally *t)
{
    return t->n ? 100.0 * (t->n - t->bad) / t->n : 100.0;
}

static void print_figures(const struct tally *now, const struct tally *before)
{
    struct tally d = {
        .n = now->n - before->n,
        .bad = now->bad - before->bad,
        .accepted = now->accepted - before->accepted,
    };

    printf(", %u values, %u differ, %.4f %% equal; %u where Falco is wrong\n", d.n, d.bad,
           equal(&d), d.accepted);
}

int main(int argc, char **argv)
{
    struct tally all = {0}, before;
    unsigned below = 0;

    if (argc < 4)
        return 2;
    by_name = json_object();
    for (int i = 3; i < argc; i++) {
        compare_capture(argv[1], argv[2], argv[i]);
        before = all;
        all = sum();
        print_figures(&all, &before);
    }
    printf("# all: %u fields", n_fields);
    print_figures(&all, &(struct tally){0});
    for (unsigned i = 0; i < n_fields; i++) {
        const struct tally *t = &fields[i];

        if (t->bad || t->accepted)
            printf("# %-40s %u of %u differ, %.3f %% equal; %u accepted\n", t->name, t->bad, t->n,
                   equal(t), t->accepted);
        below += equal(t) < LEAST_FIELD;
    }
    printf("%sok 1 - %.1f %% of all values are Falco's\n", equal(&all) < LEAST ? "not " : "",
           LEAST);
    printf("%sok 2 - %.0f %% of each field's\n", below ? "not " : "", LEAST_FIELD);
    printf("%sok 3 - of %d fields or more\n1..3\n", n_fields < FIELDS_MIN ? "not " : "",
           FIELDS_MIN);
    json_decref(by_name);
    return equal(&all) < LEAST || below || n_fields < FIELDS_MIN;
}
