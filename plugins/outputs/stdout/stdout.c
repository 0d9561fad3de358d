/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts on standard output, one line each. */
#include "encode/encode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct config {
    int64_t format, color;
};

struct stdout_output {
    struct gyr_writer writer;
};

enum { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
static const char *const colors[] = {"auto", "always", "never", NULL};

static const struct gyr_option options[] = {
    {GYR_OPT(struct config, format, GYR_O_ENUM, "format", "text",
             "How an alert is written: a line of text, or of JSON."),
     .choices = gyr_encode_formats},
    {GYR_OPT(struct config, color, GYR_O_ENUM, "color", "auto",
             "Colour text lines by priority; auto: on a terminal."),
     .choices = colors},
};

static int wants_color(int64_t option)
{
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

    if (option != COLOR_AUTO)
        return option == COLOR_ALWAYS;
    return isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

static void stdout_destroy(void *self)
{
    struct stdout_output *o = self;

    if (!o)
        return;
    gyr_writer_free(&o->writer);
    free(o);
}

static int stdout_create(const struct gyr_host *host, const void *cfg, void **ret_self,
                         struct gyr_error *err)
{
    const struct config *c = cfg;
    struct stdout_output *o = calloc(1, sizeof(*o));
    int r;

    (void)host;
    if (!o)
        return gyr_fail(err, -ENOMEM, "no memory");
    r = gyr_writer_init(&o->writer, err);
    if (r < 0) {
        free(o);
        return r;
    }
    o->writer.format = (int)c->format;
    o->writer.color = wants_color(c->color);
    *ret_self = o;
    return 0;
}

static int stdout_start(void *self, struct gyr_error *err)
{
    struct stdout_output *o = self;

    if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
        return gyr_fail(err, -errno, "standard output is closed");
    gyr_writer_attach(&o->writer, STDOUT_FILENO);
    return 0;
}

static int stdout_write(void *self, const struct gyr_alert *const *alerts, uint32_t n,
                        struct gyr_verdict *v, struct gyr_error *err)
{
    struct stdout_output *o = self;

    return gyr_writer_write(&o->writer, "standard output", alerts, n, v, err);
}

static void stdout_wake(void *self)
{
    struct stdout_output *o = self;

    gyr_writer_wake(&o->writer);
}

static const struct gyr_output_ops output = {
    .size = sizeof(output),
    .write = stdout_write,
    .wake = stdout_wake,
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "stdout",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "writes alerts to standard output, as text or JSON lines",
    .output = &output,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct config),
    .create = stdout_create,
    .start = stdout_start,
    .destroy = stdout_destroy,
};

GYR_EXPORT_PLUGIN(plugin)
