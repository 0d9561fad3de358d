/* SPDX-License-Identifier: Apache-2.0 */
/* The frequency of this machine's time stamp counter in kHz, by its clock: the best of a few looks.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

struct look {
    uint64_t tsc, ns;
};

/* Both at once, or as near as it was in a hundred tries. */
static struct look look(void)
{
    struct look best = {0};
    uint64_t shortest = UINT64_MAX;

    for (int i = 0; i < 100; i++) {
        struct timespec t;
        uint64_t before = __rdtsc(), took;

        (void)clock_gettime(CLOCK_MONOTONIC_RAW, &t);
        took = __rdtsc() - before;
        if (took < shortest) {
            shortest = took;
            best.tsc = before + took / 2;
            best.ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
        }
    }
    return best;
}

int main(void)
{
    struct look a = look(), b;
    struct timespec pause = {0, 100000000};

    (void)nanosleep(&pause, NULL);
    b = look();
    printf("%llu\n", (unsigned long long)((b.tsc - a.tsc) * 1000000 / (b.ns - a.ns)));
    return 0;
}
