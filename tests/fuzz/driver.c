/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main() of every fuzzer: feeds LLVMFuzzerTestOneInput() with mutated seeds, or with the very
 * files it is given. Deterministic: the same seed and corpus give the same inputs. Built with gcc
 * or clang; a fuzzer also links with libFuzzer in place of this file.
 *
 *   fuzz_x [-n runs] [-t seconds] [-s seed] [-m bytes] [-d dictionary] FILE|FOLDER…
 *
 * With -n 0, or neither -n nor -t, the files are run as they are: that replays a crash.
 */
#include "base/num.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);
__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

enum {
    SEEDS_MAX = 4096,
    TOKENS_MAX = 1024,
    HANG_SECONDS = 20,
    LEAK_EVERY = 2000,
    STACKED_MAX = 6 /* mutations on top of each other */
};

struct blob {
    uint8_t *p;
    size_t len;
    char *name;
};

struct fuzz {
    struct blob seeds[SEEDS_MAX], tokens[TOKENS_MAX];
    size_t n_seeds, n_tokens, max_len;
    uint64_t runs, seconds, seed, rng;
};

/* For the signal handlers: the input at work. */
static struct {
    const char *program, *origin;
    const uint8_t *p;
    size_t len;
    uint64_t run, seed;
} now;

/* Whatever goes wrong ends in abort(), which keeps the input. */
const char *__asan_default_options(void)
{
    return "abort_on_error=1:handle_abort=0:detect_leaks=1:detect_stack_use_after_return=1";
}

const char *__ubsan_default_options(void)
{
    return "abort_on_error=1:print_stacktrace=1";
}

static void put(const char *s)
{
    ssize_t n = write(STDERR_FILENO, s, strlen(s));

    (void)n;
}

static void keep_input(const char *why)
{
    static char path[64], line[512];
    size_t done = 0;
    int fd;

    (void)snprintf(path, sizeof(path), "crash-%.20s-%ld", now.program, (long)getpid());
    (void)snprintf(
        line, sizeof(line),
        "\n%s: %s: run %" PRIu64 ", seed %" PRIu64 ", from %.200s, %zu bytes; kept in %s\n",
        now.program, why, now.run, now.seed, now.origin ? now.origin : "?", now.len, path);
    put(line);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    while (fd >= 0 && done < now.len) {
        ssize_t n = write(fd, now.p + done, now.len - done);

        if (n <= 0)
            break;
        done += (size_t)n;
    }
    if (fd >= 0)
        (void)close(fd);
}

static void on_signal(int sig)
{
    (void)signal(sig, SIG_DFL);
    keep_input(sig == SIGALRM ? "no end in sight" : "crashed");
    if (sig == SIGALRM) /* a core's stack shows where it hangs */
        (void)signal(SIGABRT, SIG_DFL);
    (void)raise(sig == SIGALRM ? SIGABRT : sig);
}

static void catch_signals(void)
{
    static const int signals[] = {SIGABRT, SIGALRM, SIGFPE, SIGILL};

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        (void)signal(signals[i], on_signal);
    if (!__lsan_do_recoverable_leak_check) { /* no sanitizer that would tell more */
        (void)signal(SIGSEGV, on_signal);
        (void)signal(SIGBUS, on_signal);
    }
}

static void *must(void *p)
{
    if (!p) {
        put("out of memory\n");
        exit(1);
    }
    return p;
}

/* xorshift64*: good enough, and the same everywhere. */
static uint64_t rnd(struct fuzz *f)
{
    f->rng ^= f->rng >> 12;
    f->rng ^= f->rng << 25;
    f->rng ^= f->rng >> 27;
    return f->rng * UINT64_C(2685821657736338717);
}

static size_t below(struct fuzz *f, size_t n)
{
    return n ? (size_t)(rnd(f) % n) : 0;
}

/* ---- seeds and tokens ---- */

static void add_seed(struct fuzz *f, const char *name, const uint8_t *p, size_t len)
{
    struct blob *b = &f->seeds[f->n_seeds];

    if (f->n_seeds == SEEDS_MAX)
        return;
    if (len > f->max_len && (f->runs || f->seconds))
        len = f->max_len;
    b->p = must(malloc(len + 1));
    memcpy(b->p, p, len);
    b->len = len;
    b->name = must(strdup(name));
    f->n_seeds++;
}

static uint8_t *slurp(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "rb");
    uint8_t *p = NULL;
    size_t cap = 0, n = 0, got;

    if (!file)
        return NULL;
    do {
        if (n + 65536 > cap)
            p = must(realloc(p, cap = 2 * cap + 65536));
        got = fread(p + n, 1, cap - n, file);
        n += got;
    } while (got);
    (void)fclose(file);
    *ret_len = n;
    return p;
}

/* What is in a gzip file is a seed too: mutations of it get past the checksum. */
static void add_unpacked(struct fuzz *f, const char *path)
{
    size_t cap = 64u << 20;
    uint8_t *p = must(malloc(cap));
    gzFile z = gzopen(path, "rb");
    int n = z ? gzread(z, p, (unsigned)cap) : -1;

    if (n > 0)
        add_seed(f, path, p, (size_t)n);
    if (z)
        (void)gzclose(z);
    free(p);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void add_path(struct fuzz *f, const char *path)
{
    struct dirent **names = NULL;
    int n = scandir(path, &names, NULL, by_name);
    size_t len;
    uint8_t *p;

    if (n < 0) {
        p = slurp(path, &len);
        if (!p) {
            (void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
            exit(1);
        }
        add_seed(f, path, p, len);
        if (len > 2 && p[0] == 0x1f && p[1] == 0x8b && (f->runs || f->seconds))
            add_unpacked(f, path);
        free(p);
        return;
    }
    for (int i = 0; i < n; i++) {
        char below_it[4096];

        (void)snprintf(below_it, sizeof(below_it), "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.')
            add_path(f, below_it);
        free(names[i]);
    }
    free(names);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : ((c | 0x20) - 'a' + 10) & 15;
}

/* A dictionary: one token a line, "in quotes" (with \\, \" and \xHH) as libFuzzer has them. */
static void add_tokens(struct fuzz *f, const char *path)
{
    char line[1024];
    FILE *file = fopen(path, "r");

    while (file && f->n_tokens < TOKENS_MAX && fgets(line, sizeof(line), file)) {
        char *s = strchr(line, '"'), *end = strrchr(line, '"');
        struct blob *t = &f->tokens[f->n_tokens];

        if (line[0] == '#' || !s || s == end)
            continue;
        t->p = must(malloc(sizeof(line)));
        for (s++; s < end; s++) {
            if (s[0] == '\\' && s[1] == 'x' && end - s > 3) {
                t->p[t->len++] = (uint8_t)(hex_digit(s[2]) << 4 | hex_digit(s[3]));
                s += 3;
            } else {
                s += *s == '\\' && s + 1 < end;
                t->p[t->len++] = (uint8_t)*s;
            }
        }
        f->n_tokens++;
    }
    if (file)
        (void)fclose(file);
}

/* ---- mutations of b, whose memory has room for max_len bytes ---- */

static void open_gap(struct blob *b, size_t at, size_t n)
{
    memmove(b->p + at + n, b->p + at, b->len - at);
    b->len += n;
}

static void insert(struct fuzz *f, struct blob *b, const uint8_t *p, size_t n)
{
    size_t at = below(f, b->len + 1);

    if (n > f->max_len - b->len)
        n = f->max_len - b->len;
    open_gap(b, at, n);
    memcpy(b->p + at, p, n);
}

static void overwrite(struct fuzz *f, struct blob *b, const uint8_t *p, size_t n)
{
    if (n <= b->len)
        memcpy(b->p + below(f, b->len - n + 1), p, n);
}

/* Mostly short pieces: a long one destroys whatever the parser would have got to. */
static size_t chunk(struct fuzz *f, size_t most)
{
    size_t n = 1 + below(f, below(f, 8) ? 16 : 4096);

    return n < most ? n : most;
}

static void put_number(struct fuzz *f, struct blob *b)
{
    static const uint64_t values[] = {0,          1,          0x7f,       0x80,       0xff,
                                      0x100,      0x7fff,     0x8000,     0xffff,     0x10000,
                                      0x7fffffff, 0x80000000, 0xffffffff, 1ull << 32, INT64_MAX,
                                      1ull << 63, UINT64_MAX, 4,          8,          3};
    size_t width = (size_t)1 << below(f, 4);
    uint64_t v = values[below(f, sizeof(values) / sizeof(values[0]))];

    if (!below(f, 3))
        v = below(f, 2) ? b->len : b->len - below(f, 64);
    overwrite(f, b, (const uint8_t *)&v, width);
}

static void nudge_number(struct fuzz *f, struct blob *b)
{
    size_t width = (size_t)1 << below(f, 4);
    uint64_t v = 0;
    size_t at;

    if (b->len < width)
        return;
    at = below(f, b->len - width + 1);
    memcpy(&v, b->p + at, width);
    v += below(f, 2) ? 1 + below(f, 32) : -(1 + below(f, 32));
    memcpy(b->p + at, &v, width);
}

static void copy_chunk(struct fuzz *f, struct blob *b, const struct blob *from)
{
    size_t n = chunk(f, from->len), at = below(f, from->len - n + 1);
    uint8_t piece[4096];

    if (n > sizeof(piece))
        n = sizeof(piece);
    memcpy(piece, from->p + at, n);
    if (below(f, 2))
        insert(f, b, piece, n);
    else
        overwrite(f, b, piece, n);
}

static void remove_chunk(struct fuzz *f, struct blob *b)
{
    size_t n = chunk(f, b->len), at = below(f, b->len - n + 1);

    memmove(b->p + at, b->p + at + n, b->len - at - n);
    b->len -= n;
}

static void mutate(struct fuzz *f, struct blob *b)
{
    uint8_t byte = (uint8_t)rnd(f);
    const struct blob *t;

    if (b->len == 0) {
        insert(f, b, &byte, 1);
        return;
    }
    switch (below(f, 12)) {
    case 0:
    case 1:
        b->p[below(f, b->len)] ^= (uint8_t)(1u << below(f, 8));
        break;
    case 2:
        b->p[below(f, b->len)] = byte;
        break;
    case 3:
        insert(f, b, &byte, 1);
        break;
    case 4:
        remove_chunk(f, b);
        break;
    case 5:
        copy_chunk(f, b, b);
        break;
    case 6:
        copy_chunk(f, b, &f->seeds[below(f, f->n_seeds)]);
        break;
    case 7:
        put_number(f, b);
        break;
    case 8:
        nudge_number(f, b);
        break;
    case 9:
        if (!below(f, 4))
            b->len = below(f, b->len);
        break;
    default:
        t = f->n_tokens ? &f->tokens[below(f, f->n_tokens)] : NULL;
        if (t && below(f, 2))
            insert(f, b, t->p, t->len);
        else if (t)
            overwrite(f, b, t->p, t->len);
        else
            put_number(f, b);
    }
}

/* ---- runs ---- */

static void run_one(const struct blob *b, const char *origin)
{
    /* A copy of just that size, so that a read past its end is seen. */
    uint8_t *exact = must(malloc(b->len ? b->len : 1));

    memcpy(exact, b->p, b->len);
    now.p = exact;
    now.len = b->len;
    now.origin = origin;
    (void)alarm(HANG_SECONDS);
    (void)LLVMFuzzerTestOneInput(exact, b->len);
    (void)alarm(0);
    now.len = 0;
    free(exact);
}

static void check_leaks(void)
{
    if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check()) {
        (void)fprintf(stderr,
                      "%s: memory was lost in the last %d runs before %" PRIu64 " (seed %" PRIu64
                      ")\n",
                      now.program, LEAK_EVERY, now.run, now.seed);
        _exit(1);
    }
}

static void fuzz(struct fuzz *f)
{
    struct timespec t;
    struct blob b = {.p = must(malloc(f->max_len + 1))};
    time_t end;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    end = t.tv_sec + (time_t)f->seconds;
    for (now.run = 1; !f->runs || now.run <= f->runs; now.run++) {
        const struct blob *s = &f->seeds[below(f, f->n_seeds)];
        size_t n = 1 + below(f, STACKED_MAX);

        memcpy(b.p, s->p, s->len);
        b.len = s->len;
        while (n--)
            mutate(f, &b);
        run_one(&b, s->name);
        if (now.run % LEAK_EVERY == 0)
            check_leaks();
        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        if (f->seconds && t.tv_sec >= end)
            break;
    }
    free(b.p);
    now.run -= f->runs && now.run > f->runs;
}

static uint64_t number(const char *s)
{
    uint64_t v = 0;

    if (parse_u64(s, strlen(s), &v) < 0) {
        (void)fprintf(stderr, "%s: '%s' is not a number\n", now.program, s);
        exit(2);
    }
    return v;
}

static void free_blobs(struct blob *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(b[i].p);
        free(b[i].name);
    }
}

int main(int argc, char **argv)
{
    static struct fuzz f = {.seed = 1, .max_len = 128 << 10};
    const char *dictionary = NULL, *slash = strrchr(argv[0], '/');
    int o;

    now.program = slash ? slash + 1 : argv[0];
    while ((o = getopt(argc, argv, "n:t:s:m:d:")) != -1) {
        if (o == '?')
            return 2;
        if (o == 'd')
            dictionary = optarg;
        else
            *(o == 'n'   ? &f.runs
              : o == 't' ? &f.seconds
              : o == 's' ? &f.seed
                         : &f.max_len) = number(optarg);
    }
    if (LLVMFuzzerInitialize)
        (void)LLVMFuzzerInitialize(&argc, &argv);
    for (int i = optind; i < argc; i++)
        add_path(&f, argv[i]);
    if (dictionary)
        add_tokens(&f, dictionary);
    if (f.n_seeds == 0) {
        (void)fprintf(stderr, "%s: no seed was given\n", now.program);
        return 2;
    }
    now.seed = f.seed;
    f.rng = f.seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    catch_signals();
    for (size_t i = 0; i < f.n_seeds; i++)
        run_one(&f.seeds[i], f.seeds[i].name);
    if (f.runs || f.seconds)
        fuzz(&f);
    check_leaks();
    printf("%s: %zu seeds, %" PRIu64 " mutated inputs, seed %" PRIu64 ": no crash, hang or leak\n",
           now.program, f.n_seeds, now.run, f.seed);
    free_blobs(f.seeds, f.n_seeds);
    free_blobs(f.tokens, f.n_tokens);
    return 0;
}
