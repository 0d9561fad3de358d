/* SPDX-License-Identifier: Apache-2.0 */
/* What an event costs in the rule engine, by number of rules. The rules are of the usual shapes
 * (a type, a name among constants, a path or its beginning); hardly any event has their constants.
 * The provider is scripted, so that the figures are the engine's own.
 *
 *     bench_engine [EVENTS]
 */
#include "../lib/engine_rig.h"
#include "base/buf.h"
#include "base/num.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const names[] = {"bash", "nginx", "sshd", "cron", "python3", "node", "java"};
static const char *const paths[] = {"/usr/lib/libc.so.6", "/var/log/syslog", "/proc/self/stat",
                                    "/home/user/notes",   "/dev/null",       "/srv/www/index.html"};

enum { N_NAMES = sizeof(names) / sizeof(names[0]), N_PATHS = sizeof(paths) / sizeof(paths[0]) };

static uint64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void make_rules(struct rig *r, uint32_t n)
{
    struct buf b;

    buf_init(&b, 64 << 20);
    for (uint32_t i = 0; i < n; i++) {
        buf_addf(&b, "- rule: r%u\n  desc: d\n  priority: info\n  output: '%%s.a %%s.b'\n", i);
        switch (i % 4) {
        case 0:
            buf_addf(&b, "  condition: evt.type = open and s.a in (tool%u, kit%u) and n.a > 2\n", i,
                     i);
            break;
        case 1:
            buf_addf(
                &b, "  condition: evt.type = open and s.b startswith /etc/app%u/ and n.b = 1\n", i);
            break;
        case 2:
            buf_addf(&b, "  condition: evt.type in (open, exec) and s.b = /opt/bin%u\n", i);
            break;
        default:
            buf_addf(&b, "  condition: evt.type = exec and (s.a = x%u or s.c contains arg%u)\n", i,
                     i);
            break;
        }
    }
    rig_rules(r, b.p);
    buf_free(&b);
}

static void measure(struct rig *r, uint32_t n_rules, uint64_t n_events)
{
    static const uint16_t types[] = {T_OPEN, T_CLOSE, T_OPEN, T_CLOSE, T_OPEN, T_EXEC};
    static const char *const type_names[] = {"open", "close", "exec"};
    static const uint16_t single[] = {T_OPEN, T_CLOSE, T_EXEC};
    struct fake *f = &r->fakes[0];
    uint64_t begin = now_ns();

    make_rules(r, n_rules);
    (void)printf("%6u rules: compiled in %6.1f ms;", n_rules, (double)(now_ns() - begin) / 1e6);
    fake_num(f, F_NA, 3);
    fake_num(f, F_NB, 1);
    fake_str(f, F_SC, "--flag --other=value");
    for (uint32_t k = 0; k < 4; k++) {
        begin = now_ns();
        for (uint64_t i = 0; i < n_events; i++) {
            f->f[F_SA].answer = f->f[F_SB].answer = GYR_PRESENT;
            f->f[F_SA].v = gyr_str(names[i % N_NAMES], strlen(names[i % N_NAMES]));
            f->f[F_SB].v = gyr_str(paths[i % N_PATHS], strlen(paths[i % N_PATHS]));
            rig_event(r, k < 3 ? single[k] : types[i % 6], 0);
        }
        (void)printf(" %s %.0f", k < 3 ? type_names[k] : "mixed",
                     (double)(now_ns() - begin) / (double)n_events);
    }
    (void)printf(" ns/event; %u matches\n", r->n_seen);
}

int main(int argc, char **argv)
{
    static const uint32_t counts[] = {1, 10, 100, 1000, 5000};
    uint64_t n_events = 1000000;

    if (argc > 1 && parse_u64(argv[1], strlen(argv[1]), &n_events) < 0) {
        (void)fprintf(stderr, "usage: bench_engine [EVENTS]\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct rig *r = malloc(sizeof(*r));

        if (!r)
            return 1;
        rig_init(r, 1);
        measure(r, counts[i], n_events);
        rig_free(r);
        free(r);
    }
    return 0;
}
