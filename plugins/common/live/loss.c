/* SPDX-License-Identifier: Apache-2.0 */
#include "loss.h"

#include <errno.h>
#include <gyr/util.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

int losses_init(struct losses *l, const struct probe_count *counts, uint32_t n_cpus,
                struct gyr_error *err)
{
    *l = (struct losses){.counts = counts, .n_cpus = n_cpus};
    l->told = calloc(n_cpus, sizeof(*l->told));
    if (!l->told)
        return gyr_fail(err, -ENOMEM, "no memory");
    for (uint32_t cpu = 0; cpu < n_cpus; cpu++)
        memcpy(l->told[cpu], counts[cpu].lost, sizeof(l->told[cpu]));
    return 0;
}

void losses_free(struct losses *l)
{
    free(l->told);
    *l = (struct losses){0};
}

static const struct gyr_event *fill(struct loss *l, uint32_t class, uint16_t cpu, uint64_t count,
                                    uint64_t ts_ns)
{
    enum { AT = offsetof(struct loss, par), CPU = sizeof(class), COUNT = CPU + sizeof(cpu) };

    *l = (struct loss){.ev = {.len = sizeof(*l),
                              .hdr_len = sizeof(l->ev),
                              .type = GYR_EV_LOSS,
                              .ts_ns = ts_ns,
                              .tid = -1,
                              .flags = GYR_EVF_INTERNAL,
                              .cpu = cpu,
                              .nparams = 3},
                       .off = {AT, AT + CPU, AT + COUNT, AT + COUNT + sizeof(count)}};
    memcpy(l->par, &class, sizeof(class));
    memcpy(l->par + CPU, &cpu, sizeof(cpu));
    memcpy(l->par + COUNT, &count, sizeof(count));
    return &l->ev;
}

uint32_t losses_take(struct losses *l, struct gyr_batch *b, uint64_t ts_ns)
{
    uint32_t n = 0, classes = 0;

    for (uint32_t cpu = 0; cpu < l->n_cpus; cpu++) {
        for (uint32_t class = 0; class < PROBE_CLASSES; class ++) {
            uint64_t lost = __atomic_load_n(&l->counts[cpu].lost[class], __ATOMIC_RELAXED);
            uint64_t more = lost - l->told[cpu][class];

            if (!more || n == LOSS_SLOTS || b->n == b->cap)
                continue;
            b->ev[b->n++] = fill(&l->records[n++], class, (uint16_t)cpu, more, ts_ns);
            l->told[cpu][class] = lost;
            classes |= 1u << class;
        }
    }
    return classes;
}
