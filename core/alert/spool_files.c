/* SPDX-License-Identifier: Apache-2.0 */
/* A spool's folder: what was acknowledged, segments of earlier runs, segments that come and go. */
#include "alert/spool_priv.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/num.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t ACK_MAGIC = UINT64_C(0x0a6b634179724721), MAKE_AGAIN_NS = 5000000000;

struct ack_file {
    uint64_t magic, acked, check;
};

/* ---- acknowledged up to ---- */

/* @return -1 and errno. */
static int write_ack(const struct spool *s)
{
    const struct ack_file f = {.magic = ACK_MAGIC, .acked = s->done, .check = ~s->done};
    ssize_t n = pwrite(s->ack_fd, &f, sizeof(f), 0);

    if (n >= 0 && n < (ssize_t)sizeof(f))
        errno = ENOSPC;
    return n == (ssize_t)sizeof(f) ? 0 : -1;
}

int spool_open_ack(struct spool *s, struct gyr_error *err)
{
    char path[PATH_MAX];
    struct ack_file f = {0};
    ssize_t n;

    (void)snprintf(path, sizeof(path), "%s/ack", s->conf.dir);
    s->ack_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (s->ack_fd < 0)
        return gyr_fail(err, -errno, "'%.300s': %s", path, strerror(errno));
    if (flock(s->ack_fd, LOCK_EX | LOCK_NB) < 0)
        return gyr_fail(err, -EBUSY, "'%.300s' is in use by another output or process",
                        s->conf.dir);
    n = pread(s->ack_fd, &f, sizeof(f), 0);
    if (n == (ssize_t)sizeof(f) && f.magic == ACK_MAGIC && f.check == ~f.acked)
        s->acked = s->acked_before = s->done = f.acked;
    else if (n && f.magic)
        log_warning(NULL, "output '%s': '%s' is damaged; what the spool holds is sent again",
                    s->output, path);
    /* At once, so that it has its place on the disk. */
    return write_ack(s) < 0 ? gyr_fail(err, -errno, "'%.300s': %s", path, strerror(errno)) : 0;
}

void spool_note_acks(struct spool *s)
{
    bool failed;

    if (s->done == s->acked)
        return;
    s->acked = s->done;
    failed = write_ack(s) < 0;
    if (failed && !s->ack_failed)
        log_error(NULL,
                  "output '%s': '%s/ack' cannot be written: %s; what is delivered now may come "
                  "again after a restart",
                  s->output, s->conf.dir, strerror(errno));
    s->ack_failed = failed;
}

/* ---- segments go ---- */

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

void spool_remove(struct spool *s, struct segment *g)
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
    s->left -= g->left;
    TAILQ_INSERT_TAIL(&s->gone, g, link);
}

/* ---- segments come ---- */

static void add_segment(struct spool *s, struct segment *g)
{
    TAILQ_INSERT_TAIL(&s->all, g, link);
    s->n_segments++;
    s->left += g->left;
}

/* @param last no other follows. */
static void load(struct spool *s, const char *name, bool last)
{
    struct gyr_error err = {0};
    struct segment *g;
    char path[PATH_MAX];
    uint64_t number;
    int r, n;

    n = snprintf(path, sizeof(path), "0x%.16s", name);
    if (parse_u64(path, (size_t)n, &number) == 0 && number >= s->next_name && number < UINT64_MAX)
        s->next_name = number + 1;
    (void)snprintf(path, sizeof(path), "%s/%s", s->conf.dir, name);
    r = segment_open(path, s->acked, &g, &err);
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
    if (g->torn && last && !g->damaged)
        log_notice(NULL, "output '%s': the process ended while it wrote an alert into '%s'",
                   s->output, path);
    else if (g->torn)
        g->damaged = true;
    if (g->damaged)
        log_error(NULL,
                  "output '%s': '%s' of the spool is damaged; %u alerts in it are whole and not "
                  "yet delivered, the file is kept aside",
                  s->output, path, g->left);
    s->bytes += g->size;
    add_segment(s, g);
    if (g->next_seq > s->next_seq)
        s->next_seq = g->next_seq;
    if (!g->left)
        spool_remove(s, g);
}

int spool_load_all(struct spool *s, struct gyr_error *err)
{
    char **names = NULL;
    int n = list_dir(s->conf.dir, ".seg", &names, err);

    if (n < 0)
        return n;
    s->next_seq = s->next_name = s->acked;
    for (int i = 0; i < n; i++)
        load(s, names[i], i == n - 1);
    free_names(names, n);
    s->reading = TAILQ_FIRST(&s->all);
    if (s->left)
        log_notice(NULL, "output '%s': %" PRIu64 " alerts of earlier runs wait in the spool",
                   s->output, s->left);
    return 0;
}

static bool has_room(const struct spool *s)
{
    return s->bytes + s->conf.segment_bytes <= s->conf.max_bytes &&
           s->n_segments < SPOOL_SEGMENTS_MAX;
}

static void begin_making(struct spool *s, struct spool_chore *ret)
{
    s->making = true;
    s->bytes += s->conf.segment_bytes;
    *ret = (struct spool_chore){.spool = s};
    (void)snprintf(ret->name, sizeof(ret->name), "%016" PRIx64 ".seg", s->next_name++);
}

static int make(struct spool_chore *c, struct gyr_error *err)
{
    const struct spool_conf *conf = &c->spool->conf;
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", conf->dir, c->name);
    return segment_create(path, conf->segment_bytes, &c->made, err);
}

int spool_new_writing(struct spool *s, struct gyr_error *err)
{
    struct spool_chore c;
    int r;

    if (s->writing && !s->writing->left)
        spool_remove(s, s->writing);
    if (s->making)
        return -EAGAIN;
    if (!s->spare) { /* nobody was fast enough: it costs whoever needs it */
        while (!has_room(s) && !TAILQ_EMPTY(&s->gone) && spool_take_chore(s, 0, &c)) {
            spool_do_chore(&c);
            spool_end_chore(s, &c);
        }
        if (!has_room(s))
            return -ENOBUFS;
        begin_making(s, &c);
        r = make(&c, err);
        spool_end_chore(s, &c);
        if (r < 0)
            return r;
    }
    if (s->writing && s->writing->fd >= 0 && s->conf.fsync == SPOOL_FSYNC_NEVER) {
        (void)close(s->writing->fd);
        s->writing->fd = -1;
    }
    s->writing = s->spare;
    s->spare = NULL;
    add_segment(s, s->writing);
    if (!s->reading)
        s->reading = s->writing;
    return 0;
}

/* ---- chores ---- */

bool spool_has_chore(const struct spool *s, uint64_t now_ns)
{
    return !TAILQ_EMPTY(&s->gone) ||
           (!s->spare && !s->making && has_room(s) && now_ns >= s->make_again_ns &&
            (!s->writing || s->writing->end >= s->writing->size / 2));
}

bool spool_take_chore(struct spool *s, uint64_t now_ns, struct spool_chore *ret)
{
    struct segment *g = TAILQ_FIRST(&s->gone);

    if (!spool_has_chore(s, now_ns))
        return false;
    if (g) {
        TAILQ_REMOVE(&s->gone, g, link);
        *ret = (struct spool_chore){.spool = s, .gone = g, .bytes = g->size};
        return true;
    }
    begin_making(s, ret);
    ret->at_ns = now_ns;
    return true;
}

void spool_do_chore(struct spool_chore *c)
{
    struct gyr_error ignored = {0}; /* whoever needs the file will try, and tell */

    if (!c->gone) {
        (void)make(c, &ignored);
        return;
    }
    if (c->gone->damaged)
        keep_aside(c->spool, c->gone->name);
    else
        (void)unlink(c->gone->name);
    segment_close(c->gone);
}

void spool_end_chore(struct spool *s, const struct spool_chore *c)
{
    if (c->gone) {
        s->bytes -= c->bytes;
        return;
    }
    s->making = false;
    s->spare = c->made;
    if (c->made)
        return;
    s->bytes -= s->conf.segment_bytes;
    s->make_again_ns = c->at_ns + MAKE_AGAIN_NS;
}
