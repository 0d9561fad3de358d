/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/spool.h"

#include "alert/crc32c.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

static const uint64_t ACK_MAGIC = UINT64_C(0x0a6b634179724721);
enum { ACK_BYTES = 4096 };

struct ack_file {
    uint64_t magic, acked, check;
};

/* Handed out and not yet acknowledged, in order. */
struct out {
    struct segment *segment; /* NULL: dropped */
    uint64_t seq;
    bool done;
};

TAILQ_HEAD(segments, segment);

struct spool {
    struct spool_conf conf;
    const char *output;
    struct segments all;
    struct segment *reading, *writing; /* NULL: none */
    uint64_t next_seq, bytes, left;
    uint32_t n_segments;
    int ack_fd;
    struct ack_file *ack;
    struct out *ring;
    uint32_t window, n_out;
    uint64_t first_out;    /* ticket of ring[first_out % window] */
    uint64_t acked_before; /* by earlier runs */
};

static uint64_t realtime_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- acknowledged up to ---- */

static void set_acked(struct spool *s, uint64_t seq)
{
    if (s->ack->magic == ACK_MAGIC && seq <= s->ack->acked)
        return;
    s->ack->magic = ACK_MAGIC;
    s->ack->acked = seq;
    s->ack->check = ~seq;
}

static int open_ack(struct spool *s, struct gyr_error *err)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/ack", s->conf.dir);
    s->ack_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->ack_fd < 0)
        return gyr_fail(err, -errno, "'%.300s': %s", path, strerror(errno));
    if (flock(s->ack_fd, LOCK_EX | LOCK_NB) < 0)
        return gyr_fail(err, -EBUSY, "'%.300s' is in use by another output or process",
                        s->conf.dir);
    if (posix_fallocate(s->ack_fd, 0, ACK_BYTES) != 0)
        return gyr_fail(err, -ENOSPC, "'%.300s': no space left", path);
    s->ack = mmap(NULL, ACK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, s->ack_fd, 0);
    if (s->ack == MAP_FAILED) {
        s->ack = NULL;
        return gyr_fail(err, -ENOMEM, "'%.300s': no memory", path);
    }
    if (s->ack->magic != ACK_MAGIC || s->ack->check != ~s->ack->acked) {
        if (s->ack->magic)
            log_warning(NULL, "output '%s': '%s' is damaged; what the spool holds is sent again",
                        s->output, path);
        memset(s->ack, 0, sizeof(*s->ack));
    }
    return 0;
}

/* ---- segments come and go ---- */

static void add_segment(struct spool *s, struct segment *g)
{
    TAILQ_INSERT_TAIL(&s->all, g, link);
    s->n_segments++;
    s->bytes += g->size;
    s->left += g->left;
}

/* The newest few damaged files are kept for whoever wants to look. */
static void keep_aside(const struct spool *s, const char *path)
{
    char to[PATH_MAX];
    struct gyr_error err;
    char **names = NULL;
    int n;

    (void)snprintf(to, sizeof(to), "%.4000s.bad", path);
    if (rename(path, to) < 0)
        log_warning(NULL, "output '%s': cannot keep '%s' aside: %s", s->output, path,
                    strerror(errno));
    n = list_dir(s->conf.dir, ".bad", &names, &err);
    for (int i = 0; i < n - SPOOL_BAD_MAX; i++) {
        (void)snprintf(to, sizeof(to), "%s/%s", s->conf.dir, names[i]);
        (void)unlink(to);
    }
    if (n >= 0)
        free_names(names, n);
}

static void remove_segment(struct spool *s, struct segment *g)
{
    for (uint32_t i = 0; i < s->n_out; i++) {
        struct out *o = &s->ring[(s->first_out + i) % s->window];

        if (o->segment == g)
            o->segment = NULL;
    }
    if (s->reading == g)
        s->reading = TAILQ_NEXT(g, link);
    if (s->writing == g)
        s->writing = NULL;
    TAILQ_REMOVE(&s->all, g, link);
    s->n_segments--;
    s->bytes -= g->size;
    s->left -= g->left;
    if (g->damaged)
        keep_aside(s, g->name);
    else
        (void)unlink(g->name);
    segment_close(g);
}

static void load(struct spool *s, const char *name)
{
    struct gyr_error err = {0};
    struct segment *g;
    char path[PATH_MAX];
    int r;

    (void)snprintf(path, sizeof(path), "%s/%s", s->conf.dir, name);
    r = segment_open(path, s->ack->acked, &g, &err);
    if (r == -ENODATA) {
        (void)unlink(path);
        return;
    }
    if (r < 0) {
        log_error(NULL, "output '%s': %s; it is left out%s", s->output, err.msg,
                  r == -EBADMSG ? " and kept aside" : "");
        if (r == -EBADMSG)
            keep_aside(s, path);
        return;
    }
    if (g->damaged)
        log_error(NULL,
                  "output '%s': '%s' of the spool is damaged; %u alerts in it are whole and not "
                  "yet delivered, the file is kept aside",
                  s->output, path, g->left);
    add_segment(s, g);
    if (g->next_seq > s->next_seq)
        s->next_seq = g->next_seq;
    if (!g->left)
        remove_segment(s, g);
}

static int load_all(struct spool *s, struct gyr_error *err)
{
    char **names = NULL;
    int n = list_dir(s->conf.dir, ".seg", &names, err);

    if (n < 0)
        return n;
    s->next_seq = s->acked_before = s->ack->acked;
    for (int i = 0; i < n; i++)
        load(s, names[i]);
    free_names(names, n);
    s->reading = TAILQ_FIRST(&s->all);
    if (s->left)
        log_notice(NULL, "output '%s': %" PRIu64 " alerts of earlier runs wait in the spool",
                   s->output, s->left);
    return 0;
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
    s->ring = calloc(window, sizeof(*s->ring));
    if (!s->ring)
        r = gyr_fail(err, -ENOMEM, "no memory");
    else if (strlen(conf->dir) > PATH_MAX - 64)
        r = gyr_fail(err, -ENAMETOOLONG, "the path is too long");
    else if (mkdir(conf->dir, 0700) < 0 && errno != EEXIST)
        r = gyr_fail(err, -errno, "'%.300s': %s", conf->dir, strerror(errno));
    else
        r = open_ack(s, err);
    if (r == 0)
        r = load_all(s, err);
    if (r == 0)
        *ret = s;
    else
        spool_close(s);
    return r;
}

void spool_close(struct spool *s)
{
    struct segment *g;

    if (!s)
        return;
    while ((g = TAILQ_FIRST(&s->all))) {
        if (!g->left) {
            remove_segment(s, g);
            continue;
        }
        TAILQ_REMOVE(&s->all, g, link);
        segment_close(g);
    }
    if (s->ack)
        (void)munmap(s->ack, ACK_BYTES);
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

static int new_writing(struct spool *s, struct gyr_error *err)
{
    struct segment *old = s->writing, *g;
    char path[PATH_MAX];
    int r;

    if (old && !old->left)
        remove_segment(s, old);
    if (s->bytes + s->conf.segment_bytes > s->conf.max_bytes || s->n_segments >= SPOOL_SEGMENTS_MAX)
        return -ENOBUFS;
    (void)snprintf(path, sizeof(path), "%s/%016" PRIx64 ".seg", s->conf.dir, s->next_seq);
    r = segment_create(path, s->conf.segment_bytes, &g, err);
    if (r < 0)
        return r;
    add_segment(s, g);
    s->writing = g;
    if (!s->reading)
        s->reading = g;
    return 0;
}

int spool_append(struct spool *s, const struct alert *a, uint32_t crc, struct gyr_error *err)
{
    int r = 0;

    if (segment_need(a) > s->conf.segment_bytes / 2 || !a->len)
        return gyr_fail(err, -EMSGSIZE, "an alert is larger than half a segment");
    if (!s->writing || !segment_fits(s->writing, a))
        r = new_writing(s, err);
    if (r < 0)
        return r;
    segment_append(s->writing, a, crc, s->next_seq++, realtime_ns());
    s->left++;
    return 0;
}

uint64_t spool_drop_oldest(struct spool *s)
{
    struct segment *g = TAILQ_FIRST(&s->all);
    uint64_t n, out = 0;

    if (!g)
        return 0;
    for (uint32_t i = 0; i < s->n_out; i++) {
        const struct out *o = &s->ring[(s->first_out + i) % s->window];

        out += o->segment == g && !o->done;
    }
    n = g->left > out ? g->left - out : 0; /* those handed out are still tried */
    remove_segment(s, g);
    return n;
}

/* ---- out ---- */

static const struct record *next_record(struct spool *s)
{
    const struct record *r = NULL;

    while (s->reading && !(r = segment_next(s->reading)) && TAILQ_NEXT(s->reading, link))
        s->reading = TAILQ_NEXT(s->reading, link);
    return r;
}

static void pop_done(struct spool *s)
{
    while (s->n_out && s->ring[s->first_out % s->window].done) {
        set_acked(s, s->ring[s->first_out % s->window].seq + 1);
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
        remove_segment(s, g);
}

int spool_read(struct spool *s, struct spooled *ret, uint64_t *unreadable)
{
    const struct record *r;
    uint64_t now;
    struct out *o;
    int e;

    while (s->n_out < s->window && (r = next_record(s))) {
        if (r->seq < s->acked_before)
            continue;
        o = &s->ring[(s->first_out + s->n_out) % s->window];
        *o = (struct out){.segment = s->reading, .seq = r->seq};
        ret->ticket = s->first_out + s->n_out++;
        now = realtime_ns();
        ret->age_ns = now > r->since_ns ? now - r->since_ns : 0;
        e = block_read(r + 1, r->len, r->base, &ret->alert);
        if (e == 0)
            return 1;
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

bool spool_take_unsynced(struct spool *s, struct spool_range *ret)
{
    struct segment *g;

    TAILQ_FOREACH(g, &s->all, link)
    {
        if (g->synced == g->end)
            continue;
        *ret = (struct spool_range){.p = g->p + (g->synced & ~4095u),
                                    .n = g->end - (g->synced & ~4095u)};
        g->synced = g->end;
        return true;
    }
    return false;
}

int spool_sync(const struct spool_range *r)
{
    /* ENOMEM: it was acknowledged meanwhile, and is gone. */
    return msync(r->p, r->n, MS_SYNC) < 0 && errno != ENOMEM ? -errno : 0;
}
