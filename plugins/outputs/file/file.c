/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts appended to a file, one line each; opened anew when the log is rotated. */
#include "encode/encode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct config {
    const char *path, *mode;
    int64_t format;
    uint8_t sync;
};

struct file_output {
    struct gyr_writer writer;
    const struct config *cfg;
    mode_t mode;
    int fd;
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
    int mode = parse_mode(c->mode), r;

    (void)host;
    if (mode < 0)
        return gyr_fail(err, GYR_E_CONF, "mode '%s' is not an octal number up to 0777", c->mode);
    o = calloc(1, sizeof(*o));
    if (!o)
        return gyr_fail(err, -ENOMEM, "no memory");
    r = gyr_writer_init(&o->writer, err);
    if (r < 0) {
        free(o);
        return r;
    }
    o->writer.format = (int)c->format;
    o->writer.sync = c->sync;
    o->cfg = c;
    o->mode = (mode_t)mode;
    o->fd = -1;
    *ret_self = o;
    return 0;
}

/* On success the old descriptor is closed, on failure it stays in use. */
static int open_file(struct file_output *o, struct gyr_error *err)
{
    /* O_NONBLOCK: a FIFO without a reader is an error, not a hang. */
    int fd = open(o->cfg->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                  o->mode);

    if (fd < 0)
        return gyr_fail(err, -errno, "%s: %s", o->cfg->path, strerror(errno));
    if (o->fd >= 0)
        (void)close(o->fd);
    o->fd = fd;
    gyr_writer_attach(&o->writer, fd);
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
}

static int file_write(void *self, const struct gyr_alert *const *alerts, uint32_t n,
                      struct gyr_verdict *v, struct gyr_error *err)
{
    struct file_output *o = self;

    return gyr_writer_write(&o->writer, o->cfg->path, alerts, n, v, err);
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
