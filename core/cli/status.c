/* SPDX-License-Identifier: Apache-2.0 */
/* gyr status: what the running detector says of itself. */
#include "cli/cli.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/progress.h"
#include "config/config.h"
#include "service/figures.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

enum { OPT_JSON, OPT_SOCKET, OPT_CONFIG };
enum { PATIENCE_S = 10, TOP_RULES = 10 };

static const struct cli_opt opts[] = {
    {"json", 'j', NULL, "as one JSON object"},
    {"socket", 0, "PATH", "ask there (default: the configuration's status_socket)"},
    {"config", 'c', "FILE", "configuration that names the socket (default: as of 'gyr run')"},
};

const struct cli_command status_command = {
    .name = "status",
    .usage = "[OPTION…]",
    .summary = "ask the running detector how it is",
    .about = "Generation, plugins, counters, losses, the busiest rules and the outputs of the\n"
             "detector that 'gyr run' is, asked over its status socket. Only root and the\n"
             "detector's own user get an answer.\n"
             "\n"
             "Exit code: 0 it runs and is well; 1 it does not run, hangs, or does not answer;\n"
             "2 wrong usage.",
    .opts = opts,
    .n_opts = ARRAY_LEN(opts),
    .run = cmd_status,
};

/* ---- asking ---- */

static int fail_connect(const char *path, int error)
{
    if (error == ENOENT || error == ECONNREFUSED)
        return cli_fail(&status_command, "no detector runs: nobody answers at %s", path);
    if (error == EACCES || error == EPERM)
        return cli_fail(&status_command, "%s: only root and the detector's own user may ask", path);
    return cli_fail(&status_command, "%s: %s", path, strerror(error));
}

static int receive(int fd, const char *path, struct buf *b)
{
    char part[65536];
    ssize_t n;

    while ((n = recv(fd, part, sizeof(part), 0)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return cli_fail(&status_command,
                            "the detector at %s does not answer within %d s: it is starting, or "
                            "hangs",
                            path, PATIENCE_S);
        if (n < 0 && errno != ECONNRESET)
            return cli_fail(&status_command, "%s: %s", path, strerror(errno));
        if (n < 0)
            break;
        buf_add(b, part, (size_t)n);
    }
    if (b->failed)
        return cli_fail(&status_command, "the answer from %s is too long", path);
    if (!b->len)
        return cli_fail(&status_command,
                        "the detector at %s gives no answer: only root and its own user may ask",
                        path);
    return CLI_FINE;
}

static int ask(const char *path, struct buf *b)
{
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(addr.sun_path))
        return cli_fail(&status_command, "%s is too long for a socket's path", path);
    memcpy(addr.sun_path, path, strlen(path) + 1);
    if (fd < 0)
        return cli_fail(&status_command, "no socket: %s", strerror(errno));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
        return fail_connect(path, errno);
    return receive(fd, path, b);
}

/* ---- telling ---- */

static uint64_t num(const json_t *o, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(o, name));
}

static double real(const json_t *o, const char *name)
{
    return json_number_value(json_object_get(o, name));
}

static void add_text(struct buf *b, const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));

    if (s)
        text_add_safe(b, s, strlen(s));
}

static void add_num(struct buf *b, const json_t *o, const char *name, const char *what)
{
    buf_add_grouped(b, num(o, name));
    buf_addf(b, " %s", what);
}

/* Only when there is something to tell. */
static void add_if_any(struct buf *b, const json_t *o, const char *name, const char *what)
{
    if (!num(o, name))
        return;
    buf_adds(b, ", ");
    add_num(b, o, name, what);
}

static void add_time(struct buf *b, double s, double unit)
{
    buf_add_duration(b, (uint64_t)(s / unit) * (uint64_t)(unit * 1e9));
}

static void begin_instance(struct buf *b, const char *kind, const json_t *o)
{
    const char *name = json_string_value(json_object_get(o, "name"));
    const char *plugin = json_string_value(json_object_get(o, "plugin"));

    buf_addf(b, "  %-11s ", kind);
    add_text(b, o, "name");
    if (name && plugin && strcmp(name, plugin) != 0) {
        buf_adds(b, " (");
        add_text(b, o, "plugin");
        buf_addc(b, ')');
    }
    buf_adds(b, ": ");
}

static void add_counters(struct buf *b, const json_t *o)
{
    const char *name, *before = "";
    json_t *v;

    json_object_foreach(json_object_get(o, "counters"), name, v)
    {
        buf_adds(b, before);
        buf_adds(b, name);
        buf_addc(b, ' ');
        buf_add_grouped(b, (uint64_t)json_integer_value(v));
        before = ", ";
    }
    if (!before[0])
        buf_adds(b, "fine");
    buf_addc(b, '\n');
}

static void add_source(struct buf *b, const json_t *o)
{
    size_t i;
    json_t *e;

    begin_instance(b, "source", o);
    add_text(b, o, "state");
    buf_adds(b, ", ");
    add_num(b, o, "events", "events");
    add_if_any(b, o, "lost_state", "lost that build state");
    add_if_any(b, o, "lost_other", "others lost");
    add_if_any(b, o, "malformed", "malformed");
    add_if_any(b, o, "enricher_errors", "not understood");
    add_if_any(b, o, "parked_now", "parked now");
    add_if_any(b, o, "park_expired", "decided by the deadline");
    add_if_any(b, o, "park_full", "not parked");
    add_if_any(b, o, "alerts_lost", "alerts lost");
    add_if_any(b, o, "restarts", "restarts");
    buf_addc(b, '\n');
    json_array_foreach(json_object_get(o, "enrichers"), i, e)
    {
        begin_instance(b, "enricher", e);
        add_counters(b, e);
    }
}

static void add_output(struct buf *b, const json_t *o)
{
    const json_t *took = json_object_get(o, "delivery");

    begin_instance(b, "output", o);
    add_num(b, o, "delivered", "delivered");
    add_if_any(b, o, "queued", "waiting");
    if (num(o, "queued")) {
        buf_adds(b, " (the oldest for ");
        add_time(b, real(o, "oldest"), 0.001);
        buf_addc(b, ')');
    }
    add_if_any(b, o, "retried", "offers repeated");
    add_if_any(b, o, "failed", "dead");
    add_if_any(b, o, "dropped", "dropped");
    add_if_any(b, o, "suppressed", "suppressed");
    if (num(o, "delivered")) {
        buf_adds(b, ", 99% within ");
        add_time(b, real(took, "p99"), 0.000001);
    }
    buf_addc(b, '\n');
}

static void add_head(struct buf *b, const json_t *o)
{
    const json_t *reloads = json_object_get(o, "reloads"), *use = json_object_get(o, "process");
    const char *why = json_string_value(json_object_get(o, "reason"));

    buf_adds(b, "gyr ");
    add_text(b, o, "version");
    buf_addf(b, ", process %llu: ", (unsigned long long)num(o, "pid"));
    add_text(b, o, "state");
    if (why && why[0]) {
        buf_adds(b, ": ");
        add_text(b, o, "reason");
    }
    buf_adds(b, "\n  up          ");
    add_time(b, real(o, "uptime"), 1);
    buf_addf(b, ", %.2f s of CPU time, %llu MB of memory\n", real(use, "cpu_seconds"),
             (unsigned long long)num(use, "resident_bytes") >> 20);
    buf_adds(b, "  config      ");
    if (json_is_string(json_object_get(o, "config")))
        add_text(b, o, "config");
    else
        buf_adds(b, "built-in defaults");
    buf_addf(b, "\n  generation  %llu: %llu of %llu rules enabled; ",
             (unsigned long long)num(o, "generation"), (unsigned long long)num(o, "rules_enabled"),
             (unsigned long long)num(o, "rules"));
    add_num(b, reloads, "succeeded", "reloads");
    add_if_any(b, reloads, "failed", "failed");
    if (json_is_true(json_object_get(reloads, "last_failed"))) {
        buf_adds(b, "\n              the last failed: ");
        add_text(b, reloads, "error");
    }
    buf_adds(b, "\n  seen        ");
    add_num(b, o, "events", "events, ");
    add_num(b, o, "lost", "lost; ");
    add_num(b, o, "alerts", "alerts\n");
}

static void print(const json_t *o)
{
    struct buf b;
    json_t *e;
    size_t i;

    buf_init(&b, FIGURES_MAX);
    add_head(&b, o);
    json_array_foreach(json_object_get(o, "sources"), i, e) add_source(&b, e);
    json_array_foreach(json_object_get(o, "outputs"), i, e) add_output(&b, e);
    if (json_array_size(json_object_get(o, "top_rules")))
        buf_adds(&b, "  rules that alerted most\n");
    json_array_foreach(json_object_get(o, "top_rules"), i, e)
    {
        if (i >= TOP_RULES)
            break;
        buf_addf(&b, "  %10llu  ", (unsigned long long)num(e, "alerts"));
        add_text(&b, e, "priority");
        buf_adds(&b, ": ");
        add_text(&b, e, "rule");
        buf_addc(&b, '\n');
    }
    (void)fwrite(b.p, 1, b.len, stdout);
    buf_free(&b);
}

/* ---- the command ---- */

/* A configuration that is being edited must not be in the way. */
static void find_socket(const char *config, struct arena *arena, const char **socket_path)
{
    struct config *c = NULL;
    struct diags d;

    *socket_path = STATUS_SOCKET_DEFAULT;
    diags_init(&d, arena);
    if (config_load(config, arena, &d, &c) < 0)
        return;
    if (c->status_socket)
        *socket_path = c->status_socket;
    config_release(c);
}

static int tell(const char *path, bool json)
{
    struct buf b;
    json_t *o = NULL;
    int r;

    buf_init(&b, FIGURES_MAX);
    r = ask(path, &b);
    if (r == CLI_FINE) {
        o = json_loadb(b.p, b.len, 0, NULL);
        if (!json_is_object(o))
            r = cli_fail(&status_command, "what answers at %s is no detector", path);
        else if (json)
            (void)fwrite(b.p, 1, b.len, stdout);
        else
            print(o);
    }
    if (r == CLI_FINE && !json_is_true(json_object_get(o, "healthy")))
        r = CLI_FAILED;
    json_decref(o);
    buf_free(&b);
    return r;
}

int cmd_status(int argc, char **argv)
{
    const char *path = NULL, *config = NULL;
    struct arena *arena = NULL;
    struct cli_parser p;
    bool json = false;
    int o;

    cli_begin(&p, &status_command, argc, argv);
    while ((o = cli_next(&p)) >= 0) {
        if (o == OPT_JSON)
            json = true;
        else
            *(o == OPT_SOCKET ? &path : &config) = p.value;
    }
    if (o == CLI_STOP)
        return p.exit_code;
    if (p.n_args)
        return cli_usage(&status_command, "'%s' is one word too many", p.args[0]);
    if (!path) {
        arena = arena_new(16 << 20);
        if (!arena)
            return cli_fail(&status_command, "no memory");
        find_socket(config, arena, &path);
    }
    o = tell(path, json);
    arena_free(arena);
    return o;
}
