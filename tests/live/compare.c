/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was expected of each thread against what came from it, in order. Both are aligned (a missing
 * event must not make all after it wrong), then compared parameter by parameter.
 */
#include "expect.h"
#include "live.h"

#include <stdio.h>
#include <stdlib.h>

enum { THREADS_MAX = 256, LINES_MAX = 4096, FIELDS_MAX = 80, SHOW = 200 };

/* A line taken apart: tid, place or flags, type, subtype, parameters. */
struct line {
    char *text;
    char *field[FIELDS_MAX];
    uint32_t n;
    uint32_t type, subtype, place;
};

struct thread {
    long tid;
    struct line *want, *got;
    uint32_t n_want, n_got;
};

struct work {
    struct thread threads[THREADS_MAX];
    uint32_t n_threads;
    uint32_t right, wrong, missing, unexpected;
    uint16_t hits[1024]; /* expectations by event type */
    char *left_out[64];
    uint32_t n_left_out;
};

static struct thread *thread_of(struct work *w, long tid, bool add)
{
    struct thread *t;

    for (uint32_t i = 0; i < w->n_threads; i++)
        if (w->threads[i].tid == tid)
            return &w->threads[i];
    if (!add || w->n_threads == THREADS_MAX)
        return NULL;
    t = &w->threads[w->n_threads++];
    t->tid = tid;
    t->want = calloc(LINES_MAX, sizeof(*t->want));
    t->got = calloc(LINES_MAX, sizeof(*t->got));
    if (!t->want || !t->got)
        abort();
    return t;
}

static bool split(struct line *l, const char *text)
{
    char *p, *save = NULL;

    l->text = strdup(text);
    if (!l->text)
        abort();
    for (p = strtok_r(l->text, "\t\n", &save); p && l->n < FIELDS_MAX;
         p = strtok_r(NULL, "\t\n", &save))
        l->field[l->n++] = p;
    if (l->n < 4)
        return false;
    l->type = (uint32_t)strtoul(l->field[2], NULL, 10);
    l->subtype = (uint32_t)strtoul(l->field[3], NULL, 10);
    return true;
}

static void note_left_out(struct work *w, const char *text)
{
    if (w->n_left_out < sizeof(w->left_out) / sizeof(w->left_out[0]))
        w->left_out[w->n_left_out++] = strdup(text);
}

static int load(struct work *w, const char *path, bool wanted)
{
    FILE *f = fopen(path, "re");
    char *text = NULL;
    size_t room = 0;

    if (!f) {
        perror(path);
        return -1;
    }
    while (getline(&text, &room, f) > 0) {
        struct thread *t;
        struct line *l;
        uint32_t *n;

        if (wanted && strncmp(text, "left out\t", 9) == 0) {
            note_left_out(w, text + 9);
            continue;
        }
        t = thread_of(w, strtol(text, NULL, 10), wanted);
        if (!t)
            continue;
        n = wanted ? &t->n_want : &t->n_got;
        if (*n == LINES_MAX) {
            fprintf(stderr, "%s: more than %d events of thread %ld\n", path, LINES_MAX, t->tid);
            break;
        }
        l = wanted ? &t->want[*n] : &t->got[*n];
        l->place = *n;
        if (split(l, text))
            ++*n;
    }
    free(text);
    return fclose(f);
}

static unsigned long order_of(const struct line *l)
{
    const char *at = strchr(l->field[1], '#');

    return at ? strtoul(at + 1, NULL, 10) : 0;
}

static int by_order(const void *x, const void *y)
{
    unsigned long a = order_of(x), b = order_of(y);

    if (a == b) { /* several events of one call: as they were said */
        a = ((const struct line *)x)->place;
        b = ((const struct line *)y)->place;
    }
    return a < b ? -1 : a > b;
}

/* "name=text" against "name=pattern". */
static bool fits(const char *pattern, const char *got)
{
    const char *eq = strchr(pattern, '=');
    size_t name = eq ? (size_t)(eq - pattern) + 1 : 0;

    if (!eq || strncmp(pattern, got, name) != 0)
        return false;
    pattern += name;
    got += name;
    if (strcmp(pattern, "*") == 0)
        return true;
    if (strcmp(pattern, "+") == 0)
        return strcmp(got, "none") != 0;
    if (pattern[0] == '^')
        return strncmp(pattern + 1, got, strlen(pattern + 1)) == 0;
    return strcmp(pattern, got) == 0;
}

/* How well an event is the one expected: 0, it is not; 16 per event and 1 per parameter that fits.
 */
static uint32_t likeness(const struct line *want, const struct line *got)
{
    uint32_t n = 16;

    if (want->type != got->type || (want->subtype && want->subtype != got->subtype))
        return 0;
    for (uint32_t i = 4; i < want->n && i < got->n; i++)
        n += fits(want->field[i], got->field[i]);
    return n;
}

/* The mark of an event that something of it was cut. */
static bool cut_fits(const struct line *want, const struct line *got)
{
    bool cut = strstr(want->field[1], " cut"), any = strstr(want->field[1], " any");

    return any || cut == (strcmp(got->field[1], "cut") == 0);
}

static void show(const char *text)
{
    size_t n = strlen(text);

    printf("%.*s%s", SHOW, text, n > SHOW ? "..." : "");
}

static void judge(struct work *w, const struct line *want, const struct line *got)
{
    const struct gyr_event_type *t = syscall_event_type((uint16_t)want->type);
    bool wrong = !cut_fits(want, got);

    if (wrong)
        printf("# %s (%u) of thread %s, %s:\n#     got      marked as %s\n", t->name, want->type,
               want->field[0], want->field[1], got->field[1]);
    for (uint32_t i = 4; i < want->n || i < got->n; i++) {
        const char *a = i < want->n ? want->field[i] : "(nothing)",
                   *b = i < got->n ? got->field[i] : "(nothing)";

        if (i < want->n && i < got->n && fits(a, b))
            continue;
        if (!wrong)
            printf("# %s (%u) of thread %s, %s:\n", t->name, want->type, want->field[0],
                   want->field[1]);
        wrong = true;
        printf("#     expected ");
        show(a);
        printf("\n#     got      ");
        show(b);
        printf("\n");
    }
    w->right += !wrong;
    w->wrong += wrong;
}

static void tell(const char *what, const struct line *l)
{
    const struct gyr_event_type *t = syscall_event_type((uint16_t)l->type);

    printf("# %s: %s (%s, subtype %s) of thread %s, %s:", what, t ? t->name : "?", l->field[2],
           l->field[3], l->field[0], l->field[1]);
    for (uint32_t i = 4; i < l->n && i < 12; i++) {
        printf(" ");
        show(l->field[i]);
    }
    printf("\n");
}

/* Events that no call of the driver asks for. */
static bool is_free(uint32_t type)
{
    return type == EV_SIGNALDELIVER_E || type == EV_SCHEDSWITCH_6_E || type == EV_PAGE_FAULT_E;
}

static void align(struct work *w, struct thread *t, bool first)
{
    uint32_t a = t->n_want, b = t->n_got, i = 0, j = 0, tail = 0;
    uint32_t *best = calloc((size_t)(a + 1) * (b + 1), sizeof(*best));

    if (!best)
        abort();
#define BEST(x, y) best[(size_t)(x) * (b + 1) + (y)]
    for (i = a; i-- > 0;)
        for (j = b; j-- > 0;) {
            uint32_t like = likeness(&t->want[i], &t->got[j]);
            uint32_t m = BEST(i + 1, j) > BEST(i, j + 1) ? BEST(i + 1, j) : BEST(i, j + 1);

            if (like && like + BEST(i + 1, j + 1) > m)
                m = like + BEST(i + 1, j + 1);
            BEST(i, j) = m;
        }
    for (i = j = 0; i < a || j < b;) {
        uint32_t like = i < a && j < b ? likeness(&t->want[i], &t->got[j]) : 0;

        if (like && BEST(i, j) == like + BEST(i + 1, j + 1)) {
            judge(w, &t->want[i++], &t->got[j++]);
            tail = j;
        } else if (i < a && (j == b || BEST(i, j) == BEST(i + 1, j))) {
            tell("missing", &t->want[i++]);
            w->missing++;
        } else {
            /* Around its work the first thread starts, ends and writes what it said. */
            if (!is_free(t->got[j].type) && !(first && (tail == 0 || i == a))) {
                tell("unexpected", &t->got[j]);
                w->unexpected++;
            }
            j++;
        }
    }
#undef BEST
    free(best);
}

/* Event types that are not driven: why. */
static const struct {
    uint16_t type;
    const char *why;
} excused[] = {
    {EV_SCHEDSWITCH_6_E, "a context switch is not a call; sources of today do not give it"},
    {EV_PAGE_FAULT_E, "a page fault is not a call; sources of today do not give it"},
};

static bool is_native(uint16_t type)
{
    static const uint16_t types[] = {
#define NATIVE(nr, code, type) (type),
#include "syscall/calls_x86_64.def"
#undef NATIVE
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (types[i] == type)
            return true;
    return type == EV_PROCEXIT_1_E;
}

static const char *why_not(uint16_t type)
{
    for (size_t i = 0; i < sizeof(excused) / sizeof(excused[0]); i++)
        if (excused[i].type == type)
            return excused[i].why;
    return is_native(type) ? NULL : "x86_64 has no such call";
}

/* @return how many event types were neither driven nor excused. */
static uint32_t table(const struct work *w)
{
    uint32_t driven = 0, other = 0, forgotten = 0;

    printf("#\n# Event types of the schema that a source of today gives:\n");
    for (uint32_t i = 0; i < syscall_schema.n_types; i++) {
        const struct gyr_event_type *t = &syscall_schema.types[i];
        bool counts = t->traits & (T_EXIT | T_TRACEPOINT) && !(t->traits & (T_META | T_UNUSED));

        if (!counts || t->flags & (GYR_ETF_OLD | GYR_ETF_SNAPSHOT))
            continue;
        if (w->hits[t->id]) {
            driven++;
            continue;
        }
        forgotten += !why_not(t->id);
        other++;
        printf("#   %-18s %5u  not driven: %s\n", t->name, t->id,
               why_not(t->id) ? why_not(t->id) : "FORGOTTEN");
    }
    printf("#   %u driven, %u not\n", driven, other);
    for (uint32_t i = 0; i < w->n_left_out; i++)
        printf("# left out: %s", w->left_out[i]);
    return forgotten;
}

int compare(const char *expectations, const char *came)
{
    struct work *w = calloc(1, sizeof(*w));
    uint32_t forgotten;
    int bad;

    if (!w || load(w, expectations, true) < 0 || load(w, came, false) < 0)
        return 2;
    for (uint32_t i = 0; i < w->n_threads; i++) {
        qsort(w->threads[i].want, w->threads[i].n_want, sizeof(struct line), by_order);
        for (uint32_t k = 0; k < w->threads[i].n_want; k++)
            w->hits[w->threads[i].want[k].type & 1023]++;
        align(w, &w->threads[i], i == 0);
    }
    forgotten = table(w);
    printf("# %u threads: %u events as expected, %u with differences, %u missing, %u unexpected\n",
           w->n_threads, w->right, w->wrong, w->missing, w->unexpected);
    bad = w->right == 0 || w->wrong || w->missing || w->unexpected || forgotten;
    return bad; /* the memory goes with the process */
}
