/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts appended to a file, one line each; rotated by itself, or opened anew when others do. */
#include "encode/encode.h"
#include "rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct config {
    const char *path, *mode;
    int64_t format;
    uint8_t sync, gzip;
    uint64_t rotate_size, rotate_interval;
    int64_t keep, names;
};

static const char *const name_kinds[] = {"number", "date", NULL};

struct file_output {
    struct gyr_writer writer;
    const struct config *cfg;
    mode_t mode;
    int fd;
    const struct gyr_host *host;
    struct rotate rotate;
};

static const struct gyr_option options[] = {
    {GYR_OPT(struct config, path, GYR_O_STR, "path", NULL,
             "File that alerts are appended to; made when it is not there."),
     .flags = GYR_OF_REQUIRED},
    {GYR_OPT(struct config, format, GYR_O_ENUM, "format", "json",
             "How an alert is written: a line of text, or of JSON."),
     .choices = gyr_encode_formats},
    {GYR_OPT(struct config, mode, GYR_O_STR, "mode", "0600",
             "Permissions of a file that is made, in octal.")},
    {GYR_OPT(struct config, sync, GYR_O_BOOL, "sync", "no",
             "Have the disk confirm each alert before it counts as delivered.")},
    {GYR_OPT(struct config, rotate_size, GYR_O_SIZE, "rotate_size", "0",
             "Begin another file before this one grows larger; 0: never."),
     .max = INT64_C(1) << 50},
    {GYR_OPT(struct config, rotate_interval, GYR_O_DURATION, "rotate_interval", "0s",
             "Begin another file with the first alert of each interval, by local time; 0s: never."),
     .max = INT64_C(366) * 86400 * 1000000000},
    {GYR_OPT(struct config, names, GYR_O_ENUM, "rotate_names", "number",
             "Files put aside end in .1 (the newest), .2, …, or in the date: .20261126T042345Z."),
     .choices = name_kinds},
    {GYR_OPT(struct config, keep, GYR_O_INT, "keep", "7",
             "How many files put aside are kept; with dates, 0 keeps all."),
     .max = 1000},
    {GYR_OPT(struct config, gzip, GYR_O_BOOL, "gzip", "no", "Compress files that were put aside.")},
};

/* "0640". @return the mode; -EINVAL. */
static int parse_mode(const char *s)
{
    int mode = 0;

    if (!*s || strlen(s) > 5)
        return -EINVAL;
    for (; *s; s++) {
        if (*s < '0' || *s > '7')
            return -EINVAL;
        mode = mode * 8 + (*s - '0');
    }
    return mode <= 0777 ? mode : -EINVAL;
}

static void file_destroy(void *self)
{
    struct file_output *o = self;

    if (!o)
        return;
    gyr_writer_free(&o->writer);
    free(o);
}

static int file_create(const struct gyr_host *host, const void *cfg, void **ret_self,
                       struct gyr_error *err)
{
    const struct config *c = cfg;
    struct file_output *o;
    const struct rotate_conf rc = {.path = c->path,
                                   .size = c->rotate_size,
                                   .interval_ns = c->rotate_interval,
                                   .keep = c->keep,
                                   .names = c->names,
                                   .gzip = c->gzip};
    int mode = parse_mode(c->mode), r;

    if (mode < 0)
        return gyr_fail(err, GYR_E_CONF, "mode '%s' is not an octal number up to 0777", c->mode);
    o = calloc(1, sizeof(*o));
    if (!o)
        return gyr_fail(err, -ENOMEM, "no memory");
    r = rotate_init(&o->rotate, &rc, host, err);
    if (r == 0)
        r = gyr_writer_init(&o->writer, err);
    if (r < 0) {
        free(o);
        return r;
    }
    o->writer.format = (int)c->format;
    o->writer.sync = c->sync;
    o->cfg = c;
    o->host = host;
    o->mode = (mode_t)mode;
    o->fd = -1;
    *ret_self = o;
    return 0;
}

/* The folder a file stands in. */
static void folder_of(const char *path, char *ret, size_t size)
{
    const char *slash = strrchr(path, '/');

    (void)snprintf(ret, size, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
}

static bool is_ours(uid_t uid)
{
    return uid == 0 || uid == geteuid();
}

/* Root writes into no file that another user could have put there, or could exchange. */
static int check_trust(const char *path, const struct stat *st, struct gyr_error *err)
{
    char folder[PATH_MAX];
    struct stat d, l;

    if (geteuid() != 0 || !S_ISREG(st->st_mode))
        return 0;
    if (!is_ours(st->st_uid))
        return gyr_fail(err, -EPERM, "%s: refused, since it belongs to another user (uid %u)", path,
                        (unsigned)st->st_uid);
    if (lstat(path, &l) == 0 && S_ISLNK(l.st_mode) && !is_ours(l.st_uid))
        return gyr_fail(err, -EPERM, "%s: refused, since it is another user's link (uid %u)", path,
                        (unsigned)l.st_uid);
    folder_of(path, folder, sizeof(folder));
    if (stat(folder, &d) == 0 &&
        (!is_ours(d.st_uid) || ((d.st_mode & S_IWOTH) && !(d.st_mode & S_ISVTX))))
        return gyr_fail(err, -EPERM, "%s: refused, since other users can exchange files in %s",
                        path, folder);
    return 0;
}

/* What rotation will need, known at the start. */
static int check_folder(const struct file_output *o, struct gyr_error *err)
{
    char folder[PATH_MAX];

    if (!rotate_wanted(&o->rotate))
        return 0;
    folder_of(o->cfg->path, folder, sizeof(folder));
    if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) < 0)
        return gyr_fail(err, -errno, "%s: cannot be rotated in %s: %s", o->cfg->path, folder,
                        strerror(errno));
    return 0;
}

/* A process that was killed may have written half a line. The file is read by another descriptor:
 * its own is for writing. */
static bool ends_torn(const char *path, const struct stat *st)
{
    int fd = S_ISREG(st->st_mode) && st->st_size
                 ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
                 : -1;
    struct stat now;
    char last = '\n';

    if (fd < 0)
        return false;
    if (fstat(fd, &now) == 0 && now.st_dev == st->st_dev && now.st_ino == st->st_ino &&
        pread(fd, &last, 1, st->st_size - 1) != 1)
        last = '\n';
    (void)close(fd);
    return last != '\n';
}

/* On success the old descriptor is closed, on failure it stays in use. */
static int open_file(struct file_output *o, struct gyr_error *err)
{
    /* O_NONBLOCK: a FIFO without a reader is an error, not a hang. */
    int fd = open(o->cfg->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                  o->mode);
    struct stat st;
    int r;

    if (fd < 0)
        return gyr_fail(err, -errno, "%s: %s", o->cfg->path, strerror(errno));
    if (fstat(fd, &st) < 0)
        r = gyr_fail(err, -errno, "%s: %s", o->cfg->path, strerror(errno));
    else if ((r = check_trust(o->cfg->path, &st, err)) == 0)
        r = check_folder(o, err);
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    if (o->fd >= 0)
        (void)close(o->fd);
    o->fd = fd;
    rotate_opened(&o->rotate, &st, (int64_t)time(NULL));
    gyr_writer_attach(&o->writer, fd);
    if (ends_torn(o->cfg->path, &st))
        gyr_writer_torn(&o->writer);
    return 0;
}

static int file_start(void *self, struct gyr_error *err)
{
    return open_file(self, err);
}

static int file_reopen(void *self, struct gyr_error *err)
{
    return open_file(self, err);
}

static void file_stop(void *self)
{
    struct file_output *o = self;

    if (o->fd >= 0)
        (void)close(o->fd);
    o->fd = -1;
    rotate_stop(&o->rotate);
}

/* A failure is told and the file goes on as it is: alerts matter more than its size. */
static void rotate_file(struct file_output *o, int64_t now)
{
    struct gyr_error err = {0};
    int r = rotate_now(&o->rotate, now, &err);

    if (r == 0)
        r = open_file(o, &err);
    if (r == 0) {
        rotate_pack(&o->rotate);
        return;
    }
    gyr_logf(o->host, GYR_LOG_WARNING, "%s", err.msg);
    rotate_put_off(&o->rotate, now);
    rotate_stop(&o->rotate); /* what is still written to is not compressed */
}

/* Bytes that the line takes, at most. */
static uint64_t line_bytes(const struct file_output *o, const struct gyr_alert *a)
{
    enum { HEAD_MAX = 96 };

    return o->cfg->format == ENCODE_JSON ? a->json_len + UINT64_C(1)
                                         : a->text_len + UINT64_C(1) + HEAD_MAX;
}

/* How many of the alerts go into the file as it is; those that do not, into the next. */
static uint32_t fit_file(struct file_output *o, const struct gyr_alert *const *alerts, uint32_t n)
{
    int64_t now = (int64_t)time(NULL);
    uint64_t more = line_bytes(o, alerts[0]), size;
    struct stat st;
    uint32_t i = 1;

    if (!rotate_wanted(&o->rotate) || fstat(o->fd, &st) < 0 || !S_ISREG(st.st_mode))
        return n;
    size = (uint64_t)st.st_size;
    /* A line that the disk took in part is ended first. */
    if (!o->writer.torn_done && rotate_due(&o->rotate, size, more, now)) {
        rotate_file(o, now);
        size = fstat(o->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
    }
    for (; i < n; i++) {
        more += line_bytes(o, alerts[i]);
        if (rotate_due(&o->rotate, size + more - line_bytes(o, alerts[i]), line_bytes(o, alerts[i]),
                       now))
            break;
    }
    return i;
}

/* What nobody can read any more counts as delivered to nobody: a file that was removed is made
 * anew. */
static int ensure_there(struct file_output *o, struct gyr_error *err)
{
    struct gyr_error why = {0};
    struct stat st;
    int r;

    if (fstat(o->fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink > 0)
        return 0;
    r = open_file(o, &why);
    if (r < 0)
        return gyr_fail(err, r, "the file was removed and cannot be made anew: %.400s", why.msg);
    gyr_logf(o->host, GYR_LOG_WARNING, "%s: was removed, and is made anew", o->cfg->path);
    return 0;
}

static int file_write(void *self, const struct gyr_alert *const *alerts, uint32_t n,
                      struct gyr_verdict *v, struct gyr_error *err)
{
    struct file_output *o = self;

    uint32_t fit;
    int r = ensure_there(o, err);

    for (uint32_t i = 0; r == 0 && i < n; i += fit) {
        fit = fit_file(o, alerts + i, n - i);
        r = gyr_writer_write(&o->writer, o->cfg->path, alerts + i, fit, v + i, err);
        for (uint32_t k = i; r == -EPIPE && k < i + fit; k++)
            if (v[k].verdict == GYR_V_FAILED) /* a FIFO's reader may come back */
                v[k].verdict = GYR_V_RETRY;
    }
    return r;
}

static int file_flush(void *self, uint32_t timeout_ms, struct gyr_error *err)
{
    struct file_output *o = self;

    (void)timeout_ms;
    /* Pipes and the like cannot be synchronised, and need not be. */
    if (o->writer.sync && fdatasync(o->fd) < 0 && errno != EINVAL && errno != EROFS)
        return gyr_fail(err, -errno, "%s: %s", o->cfg->path, strerror(errno));
    return 0;
}

static void file_wake(void *self)
{
    struct file_output *o = self;

    gyr_writer_wake(&o->writer);
}

static const struct gyr_output_ops output = {
    .size = sizeof(output),
    .write = file_write,
    .flush = file_flush,
    .reopen = file_reopen,
    .wake = file_wake,
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "file",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "appends alerts to a file, as text or JSON lines",
    .output = &output,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct config),
    .create = file_create,
    .start = file_start,
    .stop = file_stop,
    .destroy = file_destroy,
};

GYR_EXPORT_PLUGIN(plugin)
