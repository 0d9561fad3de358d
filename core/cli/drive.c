/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/drive.h"

#include "base/cleanup.h"
#include "base/crash.h"
#include "base/log.h"
#include "cli/live.h"
#include "cli/progress.h"
#include "cli/reload.h"
#include "cli/summary.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const uint64_t LOOK_NS = 250000000;
/* timeout(1) and others hand a signal on, and send it to the group besides: that is one request. */
static const uint64_t SAME_REQUEST_NS = 500000000;

struct ending {
    bool asked; /* for, or in vain to go on */
    uint64_t at_ns;
};

/* Signals come as bytes of a descriptor; blocked before any thread is made, so that no other
 * thread gets them. */
static int take_signals(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set;

    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void end(struct ending *e, struct pipeline *p)
{
    pipeline_stop(p);
    *e = (struct ending){true, clock_ns()};
}

/* @param ret_hup a SIGHUP came. */
static void see_to_signals(int fd, struct pipeline *p, struct ending *e, bool *ret_hup)
{
    struct signalfd_siginfo si;

    *ret_hup = false;
    while (read(fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
        if (si.ssi_signo == SIGHUP) {
            pipeline_reopen(p);
            *ret_hup = true;
        } else if (!e->asked) {
            log_info(NULL, "%s: ending", strsignal((int)si.ssi_signo));
            end(e, p);
        } else if (clock_ns() - e->at_ns >= SAME_REQUEST_NS) {
            log_error(NULL, "ended at once; alerts may be lost");
            _exit(CLI_FAILED);
        }
    }
}

/* Nothing else is to be done than what cannot be done any more. */
static bool is_in_vain(const struct startup_conf *c, struct pipeline *p)
{
    return c->record.only && record_failed(p);
}

static int poll_ms(uint64_t ns)
{
    return ns >= 3600000000000ull ? 3600000 : (int)(ns / 1000000 + 1);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void run_loop(const struct startup_conf *c, int sigfd, struct session *s,
                     struct progress *progress, struct ending *e)
{
    struct pipeline *p = s->pipeline;
    struct pollfd fds[] = {{.fd = sigfd, .events = POLLIN},
                           {.fd = pipeline_fd(p), .events = POLLIN},
                           {.fd = service_fd(s->service), .events = POLLIN},
                           {.events = POLLIN}};
    bool hup = false, changed = false;

    for (;;) {
        uint64_t next = pipeline_tick(p);

        if (pipeline_is_done(p))
            return;
        next = sooner(next, progress_tick(progress, p));
        next = sooner(next, filewatch_look(s->watch, clock_ns(), &changed));
        if (!e->asked && c->reloads && (hup || changed)) {
            service_reloading(s->service);
            reload(c, s);
            hup = false;
            continue; /* there may be more to wait for now */
        }
        next = sooner(next, service_tick(s->service, p, e->asked));
        if (c->record.only)
            next = sooner(next, LOOK_NS);
        fds[3].fd = filewatch_fd(s->watch);
        if (poll(fds, ARRAY_LEN(fds), poll_ms(next)) < 0 && errno != EINTR)
            return;
        see_to_signals(sigfd, p, e, &hup);
        if (!e->asked && is_in_vain(c, p))
            end(e, p);
    }
}

/* Delivering what is queued may take long, and a signal has to end that too. */
static void flush_loop(int sigfd, struct session *s, struct ending *e)
{
    struct pipeline *p = s->pipeline;
    struct pollfd fds[] = {{.fd = sigfd, .events = POLLIN},
                           {.fd = pipeline_fd(p), .events = POLLIN},
                           {.fd = service_fd(s->service), .events = POLLIN}};
    uint64_t next;
    bool ignored;

    (void)service_tick(s->service, p, true); /* the end is told, however short */
    while ((next = pipeline_flush(p)) > 0) {
        next = sooner(next, service_tick(s->service, p, true));
        if (poll(fds, ARRAY_LEN(fds), poll_ms(next)) < 0 && errno != EINTR)
            break;
        see_to_signals(sigfd, p, e, &ignored);
    }
}

static int start(const struct startup_conf *c, struct session *s)
{
    struct gyr_error err = {0};

    if (c->reloads && !c->dry_run && service_open(s->config, &s->service, &err) < 0)
        return cli_fail(c->cmd, "%s", err.msg);
    if (!s->pipeline)
        return live_start(c, s);
    if (!c->quiet)
        startup_print(s);
    return pipeline_start(s->pipeline, &err) < 0 ? cli_fail(c->cmd, "%s", err.msg) : CLI_FINE;
}

static int run_session(const struct startup_conf *c, struct session *s, int sigfd)
{
    struct summary_conf sum = {.all = c->stats, .no_rules = c->record.only};
    struct ending ending = {0};
    struct progress progress;
    uint64_t began = clock_ns();
    int r = start(c, s);

    if (r != CLI_FINE)
        return r;
    if (c->dry_run) {
        log_notice(NULL, "all has started, and is ended because of --dry-run");
        pipeline_stop(s->pipeline);
    }
    progress_begin(&progress, !c->quiet && c->captures);
    run_loop(c, sigfd, s, &progress, &ending);
    sum.elapsed_ns = clock_ns() - began;
    progress_end(&progress);
    flush_loop(sigfd, s, &ending);
    sum.interrupted = ending.asked;
    r = pipeline_finish(s->pipeline);
    if ((!c->quiet && !c->dry_run) || c->stats)
        summary_print(stderr, s->pipeline, &sum);
    if (r == 0 && record_failed(s->pipeline))
        r = -EIO;
    if (r == 0 && c->captures && summary_undelivered(s->pipeline))
        r = -EIO;
    return r < 0 ? CLI_FAILED : CLI_FINE;
}

int drive(const struct startup_conf *c)
{
    int r, sigfd = take_signals(); /* what comes while it starts is heeded once it runs */
    struct session s;

    if (sigfd < 0)
        return cli_fail(c->cmd, "cannot take signals: %s", strerror(errno));
    crash_watch();
    r = startup(c, &s);
    if (r == CLI_FINE) {
        r = run_session(c, &s, sigfd);
        if (s.pipeline && pipeline_hangs(s.pipeline)) {
            /* its thread may come back at any time: nothing may be taken from under it */
            (void)fflush(NULL);
            _exit(CLI_FAILED);
        }
        session_free(&s);
    }
    cleanup_close(&sigfd);
    return r;
}
