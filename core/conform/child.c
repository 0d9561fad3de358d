/* SPDX-License-Identifier: Apache-2.0 */
/* The child that a group of checks runs in, and what its parent hears of it. */
#include "conform/conform_priv.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

enum { CALL_MAX = 64, MEM_MAX = 64 << 20 };

/* In a page that both have. */
struct shared {
    char plugin[40], version[40], abi[16];
    char begun[24]; /* the check that is under way; "": none */
    char call[CALL_MAX];
};

static struct shared *shared;
static int tell_fd = -1;

static void put(char *to, size_t size, const char *text)
{
    (void)snprintf(to, size, "%s", text ? text : "");
}

void trial_begin(const char *name)
{
    put(shared->call, sizeof(shared->call), "");
    put(shared->begun, sizeof(shared->begun), name);
}

const char *trial_calls(const char *call)
{
    put(shared->call, sizeof(shared->call), call);
    return call;
}

void trial_tell(enum conform_result result, const char *fmt, ...)
{
    struct conform_row row = {.result = result};
    va_list ap;

    put(row.name, sizeof(row.name), shared->begun);
    va_start(ap, fmt);
    (void)vsnprintf(row.text, sizeof(row.text), fmt, ap);
    va_end(ap);
    put(shared->begun, sizeof(shared->begun), "");
    put(shared->call, sizeof(shared->call), "");
    /* a pipe: rows are shorter than PIPE_BUF and come whole */
    if (write(tell_fd, &row, sizeof(row)) != (ssize_t)sizeof(row))
        _exit(127);
}

void trial_introduce(const struct plugin *p)
{
    put(shared->plugin, sizeof(shared->plugin), p->desc.name);
    put(shared->version, sizeof(shared->version), p->desc.version);
    (void)snprintf(shared->abi, sizeof(shared->abi), "%u.%u", p->desc.abi_major, p->desc.abi_minor);
}

void report_add(struct conform_report *r, const struct conform_row *row)
{
    struct conform_row *to = &r->rows[r->n];
    struct buf b;

    if (r->n == CONFORM_ROWS_MAX)
        return;
    *to = *row;
    buf_init(&b, 8 * sizeof(to->text)); /* of a plugin's making, for a terminal and JSON */
    text_add_safe(&b, row->text, strnlen(row->text, sizeof(row->text)));
    put(to->text, sizeof(to->text), b.p);
    buf_free(&b);
    r->n++;
    r->n_failed += row->result == CONFORM_FAIL;
    r->n_skipped += row->result == CONFORM_SKIP;
}

/* ---- the child ---- */

/* What the plugin prints is not part of the report. */
static void silence(bool verbose)
{
    _cleanup_close_ int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return;
    (void)dup2(fd, STDIN_FILENO);
    (void)dup2(fd, STDOUT_FILENO);
    if (!verbose)
        (void)dup2(fd, STDERR_FILENO);
}

static _Noreturn void child(const struct conform_conf *conf, void (*fn)(struct trial *t), bool load)
{
    struct trial t = {.conf = conf, .arena = arena_new(MEM_MAX)};
    struct gyr_error err = {0};

    t.plugins.dirs = conf->plugin_dirs;
    t.plugins.n_dirs = conf->n_plugin_dirs;
    silence(conf->verbose);
    if (!t.arena)
        _exit(126);
    if (load && plugins_load(&t.plugins, conf->path, &t.plugin, &err) < 0)
        _exit(126); /* it was loaded before */
    fn(&t);
    _exit(0); /* what it left behind has been told */
}

/* ---- the parent ---- */

static uint64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* @return whether the child came to its end in time. */
static bool listen_to(int fd, uint32_t limit_ms, struct conform_report *report)
{
    uint64_t end = now_ms() + limit_ms, now;
    struct conform_row row;

    while ((now = now_ms()) < end) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t n;

        if (poll(&p, 1, (int)(end - now)) <= 0)
            continue;
        n = read(fd, &row, sizeof(row));
        if (n != (ssize_t)sizeof(row))
            return true;
        report_add(report, &row);
    }
    return false;
}

/* A child that did not come to its end by itself: what it was at is what is wrong. */
static void tell_end(struct conform_report *report, int status, bool in_time, uint32_t limit_ms)
{
    struct conform_row row = {.result = CONFORM_FAIL};
    char where[CALL_MAX + 4] = "";

    if (*shared->call)
        (void)snprintf(where, sizeof(where), " in %s", shared->call);
    put(row.name, sizeof(row.name), *shared->begun ? shared->begun : "process");
    if (!in_time)
        (void)snprintf(row.text, sizeof(row.text), "hangs%s: it was ended after %u s", where,
                       limit_ms / 1000);
    else if (WIFSIGNALED(status))
        (void)snprintf(row.text, sizeof(row.text), "crashes%s: %s", where,
                       strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) == 126)
        (void)snprintf(row.text, sizeof(row.text), "could not be loaded another time");
    else if (WEXITSTATUS(status) || *shared->begun)
        (void)snprintf(row.text, sizeof(row.text), "ends the process%s: exit status %d", where,
                       WEXITSTATUS(status));
    else
        return;
    report_add(report, &row);
}

static int make_shared(void)
{
    if (!shared)
        shared =
            mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        shared = NULL;
        return -ENOMEM;
    }
    memset(shared->begun, 0, sizeof(shared->begun));
    memset(shared->call, 0, sizeof(shared->call));
    return 0;
}

static int start_child(const struct conform_conf *conf, void (*fn)(struct trial *t), bool load,
                       pid_t *ret_pid)
{
    int fds[2];

    *ret_pid = -1;
    if (make_shared() < 0 || pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    (void)fflush(NULL);
    *ret_pid = fork();
    if (*ret_pid == 0) {
        tell_fd = fds[1];
        (void)close(fds[0]);
        (void)setpgid(0, 0);
        child(conf, fn, load);
    }
    (void)close(fds[1]);
    if (*ret_pid < 0) {
        (void)close(fds[0]);
        return -EAGAIN;
    }
    return fds[0];
}

void trial_run(const struct conform_conf *conf, struct conform_report *report,
               void (*fn)(struct trial *t), bool load, uint32_t limit_ms)
{
    pid_t pid = -1;
    _cleanup_close_ int fd = start_child(conf, fn, load, &pid);
    int status = 0;
    bool in_time;

    if (fd < 0 || pid <= 0) {
        report_add(report, &(struct conform_row){.name = "process",
                                                 .result = CONFORM_FAIL,
                                                 .text = "no child could be made to try it in"});
        return;
    }
    in_time = listen_to(fd, limit_ms, report);
    if (!in_time)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    (void)kill(-pid, SIGKILL); /* programs that it started and left behind */
    tell_end(report, status, in_time, limit_ms);
    put(report->plugin, sizeof(report->plugin), shared->plugin);
    put(report->version, sizeof(report->version), shared->version);
    put(report->abi, sizeof(report->abi), shared->abi);
}
