/* SPDX-License-Identifier: Apache-2.0 */
/* A spool's alerts: in, out, acknowledged. */
#include "alert/spool_priv.h"

#include "alert/crc32c.h"
#include "base/fs.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static uint64_t realtime_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int spool_open(const struct spool_conf *conf, const char *output, uint32_t window,
               struct spool **ret, struct gyr_error *err)
{
    struct spool *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return gyr_fail(err, -ENOMEM, "no memory");
    s->conf = *conf;
    s->output = output;
    s->window = window;
    s->ack_fd = -1;
    TAILQ_INIT(&s->all);
    TAILQ_INIT(&s->gone);
    s->ring = calloc(window, sizeof(*s->ring));
    if (!s->ring)
        r = gyr_fail(err, -ENOMEM, "no memory");
    else if (strlen(conf->dir) > PATH_MAX - 64)
        r = gyr_fail(err, -ENAMETOOLONG, "the path is too long");
    else
        r = make_folders(conf->dir, 0700, err);
    if (r == 0)
        r = spool_open_ack(s, err);
    if (r == 0)
        r = spool_load_all(s, err);
    if (r == 0)
        *ret = s;
    else
        spool_close(s);
    return r;
}

void spool_close(struct spool *s)
{
    struct spool_chore c;
    struct segment *g, *next;

    if (!s)
        return;
    spool_note_acks(s);
    if (s->spare)
        TAILQ_INSERT_TAIL(&s->gone, s->spare, link);
    s->spare = NULL;
    for (g = TAILQ_FIRST(&s->all); g; g = next) {
        next = TAILQ_NEXT(g, link);
        if (!g->left)
            spool_remove(s, g);
    }
    while (!TAILQ_EMPTY(&s->gone) && spool_take_chore(s, 0, &c)) {
        spool_do_chore(&c);
        spool_end_chore(s, &c);
    }
    while ((g = TAILQ_FIRST(&s->all))) {
        TAILQ_REMOVE(&s->all, g, link);
        segment_close(g);
    }
    if (s->ack_fd >= 0)
        (void)close(s->ack_fd);
    free(s->ring);
    free(s);
}

/* ---- in ---- */

uint32_t spool_crc(const struct alert *a)
{
    return crc32c(0, block_bytes(a), a->len);
}

int spool_append(struct spool *s, const struct alert *a, uint32_t crc, struct gyr_error *err)
{
    int r = 0;

    if (segment_need(a) > s->conf.segment_bytes / 2 || !a->len)
        return gyr_fail(err, -EMSGSIZE, "an alert is larger than half a segment");
    if (!s->writing || !segment_fits(s->writing, a))
        r = spool_new_writing(s, err);
    if (r < 0)
        return r;
    r = segment_append(s->writing, a, crc, s->next_seq, realtime_ns());
    if (r < 0)
        return gyr_fail(err, r, "'%.300s': %s", s->writing->name, strerror(-r));
    s->next_seq++;
    s->left++;
    return 0;
}

/* Of a segment's alerts, those that are out. */
static uint64_t count_out(const struct spool *s, const struct segment *g)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < s->n_out; i++) {
        const struct out *o = &s->ring[(s->first_out + i) % s->window];

        n += o->segment == g && !o->done;
    }
    return n;
}

uint64_t spool_drop_oldest(struct spool *s)
{
    struct segment *g = TAILQ_FIRST(&s->all);
    uint64_t n;

    if (!g)
        return 0;
    n = g->left - count_out(s, g); /* those handed out are still tried */
    spool_remove(s, g);
    return n;
}

/* ---- out ---- */

/* The reader is past a segment: what was not found in it is lost. */
static uint64_t give_up_rest(struct spool *s, struct segment *g)
{
    uint64_t lost = g->damaged ? g->left - count_out(s, g) : 0;

    if (!lost)
        return 0;
    log_error(NULL, "output '%s': '%s' of the spool is damaged; %llu alerts in it are lost",
              s->output, g->name, (unsigned long long)lost);
    g->left -= (uint32_t)lost;
    s->left -= lost;
    if (!g->left && g != s->writing)
        spool_remove(s, g);
    return lost;
}

static const struct record *next_record(struct spool *s, uint64_t *lost)
{
    const struct record *r = NULL;
    struct segment *g;

    while ((g = s->reading) && !(r = segment_next(g)) && TAILQ_NEXT(g, link)) {
        s->reading = TAILQ_NEXT(g, link);
        *lost += give_up_rest(s, g);
    }
    return r;
}

static void pop_done(struct spool *s)
{
    while (s->n_out && s->ring[s->first_out % s->window].done) {
        if (s->ring[s->first_out % s->window].seq >= s->done)
            s->done = s->ring[s->first_out % s->window].seq + 1;
        s->first_out++;
        s->n_out--;
    }
}

static void settle(struct spool *s, struct out *o)
{
    struct segment *g = o->segment;

    o->done = true;
    o->segment = NULL;
    if (g) {
        g->left--;
        s->left--;
    }
    pop_done(s);
    if (g && !g->left && g != s->writing)
        spool_remove(s, g);
}

int spool_read(struct spool *s, struct spooled *ret, uint64_t *unreadable)
{
    const struct record *r;
    uint32_t at;
    uint64_t now;
    struct out *o;
    int e;

    while (s->n_out < s->window && (r = next_record(s, unreadable))) {
        if (r->seq < s->acked_before)
            continue;
        o = &s->ring[(s->first_out + s->n_out) % s->window];
        *o = (struct out){.segment = s->reading, .seq = r->seq};
        ret->ticket = s->first_out + s->n_out++;
        now = realtime_ns();
        ret->age_ns = now > r->since_ns ? now - r->since_ns : 0;
        at = (uint32_t)((const char *)r - s->reading->p);
        e = block_read(r + 1, r->len, r->base, &ret->alert);
        if (e == 0)
            return 1;
        if (e == -ENOMEM) { /* another time */
            s->reading->at = at;
            s->n_out--;
            return 0;
        }
        s->reading->damaged = true;
        ++*unreadable;
        settle(s, o);
    }
    return 0;
}

void spool_ack(struct spool *s, uint64_t ticket)
{
    struct out *o = &s->ring[ticket % s->window];

    if (ticket - s->first_out < s->n_out && !o->done)
        settle(s, o);
}

uint64_t spool_left(const struct spool *s)
{
    return s->left;
}

bool spool_is_unread(const struct spool *s)
{
    return s->reading && (s->reading->at < s->reading->end || TAILQ_NEXT(s->reading, link));
}

/* ---- to the disk itself ---- */

bool spool_is_unsynced(const struct spool *s)
{
    return s->writing && s->writing->synced != s->writing->end;
}

bool spool_take_unsynced(struct spool *s, struct spool_sync *ret)
{
    for (struct segment *g = TAILQ_FIRST(&s->all); g; g = TAILQ_NEXT(g, link)) {
        if (g->fd < 0 || (g->synced == g->end && g == s->writing))
            continue;
        /* It may be closed meanwhile. One that is full is written to no more. */
        ret->fd = g == s->writing ? fcntl(g->fd, F_DUPFD_CLOEXEC, 3) : g->fd;
        if (ret->fd < 0)
            return false;
        if (g != s->writing)
            g->fd = -1;
        g->synced = g->end;
        return true;
    }
    return false;
}

int spool_sync(const struct spool_sync *sync)
{
    int r = fdatasync(sync->fd) < 0 ? -errno : 0;

    (void)close(sync->fd);
    return r;
}
