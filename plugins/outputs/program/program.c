/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts as lines on the standard input of a command that is kept running. */
#include "child.h"
#include "encode/encode.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { START_WAIT_MS = 1000 };

struct config {
    const char *const *command;
    int64_t format;
    uint64_t timeout, hang_timeout, stop_wait;
};

struct program {
    struct gyr_writer writer;
    const struct config *cfg;
    struct child *child;
    uint64_t round; /* of the command that the writer writes to */
};

static const struct gyr_option options[] = {
    {GYR_OPT(struct config, command, GYR_O_STRLIST, "command", NULL,
             "The command and its arguments, a list; no shell comes between."),
     .flags = GYR_OF_REQUIRED},
    {GYR_OPT(struct config, format, GYR_O_ENUM, "format", "json",
             "How an alert is written: a line of text, or of JSON."),
     .choices = gyr_encode_formats},
    {GYR_OPT(struct config, timeout, GYR_O_DURATION, "timeout", "5s",
             "How long to wait for a command that does not read, before the alert is tried later."),
     .min = 1000000, .max = INT64_C(3600000000000)},
    {GYR_OPT(struct config, hang_timeout, GYR_O_DURATION, "hang_timeout", "0s",
             "Kill and restart a command that reads nothing for so long; 0s: never."),
     .max = INT64_C(86400000000000)},
    {GYR_OPT(struct config, stop_wait, GYR_O_DURATION, "stop_wait", "2s",
             "At the end: how long it may take after its input was closed, and after SIGTERM."),
     .max = INT64_C(60000000000)},
};

static void program_destroy(void *self)
{
    struct program *p = self;

    if (!p)
        return;
    child_free(p->child);
    gyr_writer_free(&p->writer);
    free(p);
}

static int program_create(const struct gyr_host *host, const void *cfg, void **ret_self,
                          struct gyr_error *err)
{
    const struct config *c = cfg;
    const struct child_conf cc = {
        .argv = c->command, .stop_wait_ns = c->stop_wait, .hang_timeout_ns = c->hang_timeout};
    struct program *p;
    int r;

    if (!c->command || !c->command[0] || !*c->command[0])
        return gyr_fail(err, GYR_E_CONF, "command is empty");
    p = calloc(1, sizeof(*p));
    if (!p)
        return gyr_fail(err, -ENOMEM, "no memory");
    r = gyr_writer_init(&p->writer, err);
    if (r == 0)
        r = child_new(&cc, host, &p->child, err);
    if (r < 0) {
        program_destroy(p);
        return r;
    }
    p->writer.format = (int)c->format;
    p->writer.wait_ms = (int)(c->timeout / 1000000);
    p->cfg = c;
    *ret_self = p;
    return 0;
}

static int program_start(void *self, struct gyr_error *err)
{
    struct program *p = self;

    return child_start(p->child, err);
}

static void drop_input(struct program *p)
{
    if (p->writer.fd >= 0)
        (void)close(p->writer.fd);
    p->writer.fd = -1;
    p->round = 0;
}

static void program_stop(void *self)
{
    struct program *p = self;

    drop_input(p);
    child_stop(p->child);
}

/* Write to the command that runs now. One that is just being started is waited for. */
static int attach(struct program *p, uint64_t *ret_after_ns, struct gyr_error *err)
{
    struct pollfd fds[2] = {{.fd = child_ready_fd(p->child), .events = POLLIN},
                            {.fd = p->writer.wake_fd, .events = POLLIN}};
    int fd = -1, r = child_input(p->child, &p->round, &fd, ret_after_ns, err);

    if (r == -ECHILD && *ret_after_ns < START_WAIT_MS * UINT64_C(1000000) &&
        poll(fds, 2, START_WAIT_MS) > 0 && fds[0].revents)
        r = child_input(p->child, &p->round, &fd, ret_after_ns, err);
    if (fd < 0)
        return r;
    if (p->writer.fd >= 0)
        (void)close(p->writer.fd);
    gyr_writer_attach(&p->writer, fd);
    return 0;
}

/* A pipe whose command is gone or does not read says little by its errno. */
static int explain(struct program *p, int r, struct gyr_error *err)
{
    if (r == -EPIPE) {
        drop_input(p);
        return gyr_fail(err, r, "the command has ended");
    }
    if (r == -ETIMEDOUT)
        return gyr_fail(err, r, "the command has read nothing for %.1f s",
                        (double)p->cfg->timeout / 1e9);
    return r;
}

static int program_write(void *self, const struct gyr_alert *const *alerts, uint32_t n,
                         struct gyr_verdict *v, struct gyr_error *err)
{
    struct program *p = self;
    uint64_t after = 0;
    uint32_t i = 0;
    int r = attach(p, &after, err);

    for (uint32_t k = 0; k < n; k++)
        v[k].retry_after_ns = after;
    if (r < 0)
        return r;
    for (; i < n; i++) {
        r = gyr_writer_write(&p->writer, p->cfg->command[0], alerts + i, 1, v + i, err);
        if (r == 0 && v[i].verdict == GYR_V_ACCEPTED &&
            child_sent(p->child, p->round, alerts[i]->token, p->writer.total)) {
            v[i].verdict = GYR_V_LATER;
            continue;
        }
        v[i].verdict = GYR_V_RETRY;
        break;
    }
    if (i > 0)
        child_flow(p->child);
    if (r < 0)
        r = explain(p, r, err);
    /* A failure would count for those too that are on their way. */
    return i > 0 ? 0 : r;
}

static void program_wake(void *self)
{
    struct program *p = self;

    gyr_writer_wake(&p->writer);
}

static const struct gyr_output_ops output = {
    .size = sizeof(output),
    .write = program_write,
    .wake = program_wake,
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "program",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "gives alerts to a command that is kept running, as text or JSON lines",
    .output = &output,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct config),
    .create = program_create,
    .start = program_start,
    .stop = program_stop,
    .destroy = program_destroy,
};

GYR_EXPORT_PLUGIN(plugin)
