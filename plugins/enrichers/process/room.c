/* SPDX-License-Identifier: Apache-2.0 */
/* Memory runs out: who holds most of it gives way. Without that a program that opens files by the
 * thousand, of the longest names there are, would leave no room for what everybody else does. */
#include "state.h"

#include <gyr/util.h>

enum {
    ROOM_SHARE = 8,       /* of all memory so much is kept free for what an event brings */
    GIVES_UP_MIN = 65536, /* tables smaller than that are not worth a look */
    SHARES_LOW = 2        /* so many shares are free afterwards: it is long until the next time */
};

/* What a table holds; of what it shares with others, all. */
static size_t weight_of(const struct pr_fds *t)
{
    size_t sum = (size_t)t->cap * sizeof(t->slots[0]);

    for (uint32_t i = 0; i < t->cap; i++)
        if (t->slots[i].num != -1)
            sum += (size_t)pr_text_of(t->slots[i].name).len + pr_text_of(t->slots[i].raw).len;
    return sum;
}

struct search {
    struct pr_state *s;
    size_t largest, at_least; /* 0: nothing is freed, the largest is looked for */
};

static void visit(struct pr_threads *t, struct pr_thread *th, void *arg)
{
    struct search *of = arg;
    size_t weight = th->fds ? weight_of(th->fds) : 0;

    (void)t;
    if (weight > of->largest)
        of->largest = weight;
    if (!of->at_least || weight < of->at_least)
        return;
    pr_fds_free(&of->s->store, &th->fds);
    of->s->forgotten++;
}

static void drop_env(struct pr_threads *t, struct pr_thread *th, void *arg)
{
    (void)arg;
    pr_str_set(t->store, &th->env, "", 0);
}

static bool is_low(const struct pr_state *s, uint32_t shares)
{
    return s->store.max - s->store.used < s->store.max / ROOM_SHARE * shares;
}

/* The largest tables of descriptors, those half as large, and so on; then environments; then who
 * has not been heard of for long. */
void pr_room_make(struct pr_state *s)
{
    struct search of = {.s = s};
    uint32_t left = s->threads.n / 2;

    if (!is_low(s, 1))
        return;
    pr_threads_each(&s->threads, visit, &of);
    for (of.at_least = of.largest / 2; of.at_least >= GIVES_UP_MIN && is_low(s, SHARES_LOW);
         of.at_least /= 2)
        pr_threads_each(&s->threads, visit, &of);
    if (is_low(s, SHARES_LOW))
        pr_threads_each(&s->threads, drop_env, NULL);
    for (; left && is_low(s, SHARES_LOW); left--)
        pr_threads_evict(&s->threads);
    if (!s->room_told)
        gyr_logf(s->host, GYR_LOG_WARNING,
                 "max_memory (%zu bytes) is nearly full: what the processes with the most "
                 "descriptors have open is forgotten, as often as need be",
                 s->store.max);
    s->room_told = true;
}
