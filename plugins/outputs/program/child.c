/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"
#include "command.h"
#include "said.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SENT_MAX = 4096, LOOK_MIN_MS = 5, LOOK_MAX_MS = 200 };
static const uint64_t MS = 1000000, S = 1000000000;
static const uint64_t BACKOFF_MIN = 250000000, BACKOFF_MAX = 30000000000, LIVED_WELL = 10000000000;

struct child {
    struct child_conf conf;
    const struct gyr_host *host;
    int kick_fd, ready_fd;
    uint64_t thread;
    bool has_thread;

    /* the thread's alone */
    pid_t pid;
    int pid_fd;
    uint64_t started_ns, look_ns, progress_ns;
    uint32_t ended_early; /* in a row */
    struct said said;

    pthread_mutex_t lock; /* all below */
    bool quit, alive;
    int stdin_fd;   /* our end of its input */
    uint64_t round; /* of the command that runs, or ran last */
    uint64_t next_ns;
    char why[128]; /* none is running */
    uint64_t written, consumed;
    struct sent {
        uint64_t token, end;
    } sent[SENT_MAX]; /* written and not known to be read: a ring */
    uint32_t first, n_sent;
};

static uint64_t now_ns(const struct child *c)
{
    return c->host->now_ns(c->host->ctx);
}

int child_new(const struct child_conf *conf, const struct gyr_host *host, struct child **ret,
              struct gyr_error *err)
{
    struct child *c = calloc(1, sizeof(*c));

    if (!c)
        return gyr_fail(err, -ENOMEM, "no memory");
    c->conf = *conf;
    c->host = host;
    c->pid_fd = c->stdin_fd = -1;
    said_init(&c->said, host);
    (void)pthread_mutex_init(&c->lock, NULL);
    c->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    c->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (c->kick_fd < 0 || c->ready_fd < 0) {
        int r = gyr_fail(err, -errno, "cannot make an eventfd: %s", strerror(errno));

        child_free(c);
        return r;
    }
    *ret = c;
    return 0;
}

void child_free(struct child *c)
{
    if (!c)
        return;
    if (c->kick_fd >= 0)
        (void)close(c->kick_fd);
    if (c->ready_fd >= 0)
        (void)close(c->ready_fd);
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
}

static void tell(int fd)
{
    uint64_t one = 1;

    (void)!write(fd, &one, sizeof(one));
}

static void clear(int fd)
{
    uint64_t n;

    (void)!read(fd, &n, sizeof(n));
}

/* ---- what was read ---- */

/* @pre locked. Acknowledge what was read; what is in the pipe was not. @return whether all was. */
static bool settle_read(struct child *c)
{
    int unread = 0;
    uint64_t consumed;

    if (c->stdin_fd < 0 || ioctl(c->stdin_fd, FIONREAD, &unread) < 0 || unread < 0)
        return c->n_sent == 0;
    consumed = c->written > (uint64_t)unread ? c->written - (uint64_t)unread : 0;
    if (consumed > c->consumed || c->n_sent == 0) {
        c->progress_ns = now_ns(c);
        c->look_ns = LOOK_MIN_MS * MS;
    } else if (c->look_ns < LOOK_MAX_MS * MS) {
        c->look_ns *= 2;
    }
    if (consumed > c->consumed)
        c->consumed = consumed;
    while (c->n_sent && c->sent[c->first].end <= c->consumed) {
        c->host->ack(c->host->ctx, c->sent[c->first].token, GYR_V_ACCEPTED, 0);
        c->first = (c->first + 1) % SENT_MAX;
        c->n_sent--;
    }
    return c->n_sent == 0;
}

/* @pre locked. The command has ended: what it did not read comes again. */
static void settle_rest(struct child *c)
{
    (void)settle_read(c);
    for (; c->n_sent; c->n_sent--) {
        c->host->ack(c->host->ctx, c->sent[c->first].token, GYR_V_RETRY, 0);
        c->first = (c->first + 1) % SENT_MAX;
    }
}

bool child_sent(struct child *c, uint64_t round, uint64_t token, uint64_t end)
{
    bool taken;

    (void)pthread_mutex_lock(&c->lock);
    taken = c->alive && round == c->round && c->n_sent < SENT_MAX;
    if (taken) {
        c->written = end;
        c->sent[(c->first + c->n_sent++) % SENT_MAX] = (struct sent){token, end};
    }
    (void)pthread_mutex_unlock(&c->lock);
    return taken;
}

void child_flow(struct child *c)
{
    tell(c->kick_fd);
}

int child_ready_fd(const struct child *c)
{
    return c->ready_fd;
}

int child_input(struct child *c, uint64_t *round, int *ret_fd, uint64_t *ret_after_ns,
                struct gyr_error *err)
{
    uint64_t now = now_ns(c);
    int r = 0;

    (void)pthread_mutex_lock(&c->lock);
    clear(c->ready_fd);
    if (!c->alive) {
        *ret_after_ns = c->next_ns > now ? c->next_ns - now : 0;
        r = gyr_fail(err, -ECHILD, "the command %s", c->why);
    } else if (c->round != *round) {
        int fd = fcntl(c->stdin_fd, F_DUPFD_CLOEXEC, 3);

        if (fd < 0) {
            r = gyr_fail(err, -errno, "no descriptor for the command: %s", strerror(errno));
        } else {
            *ret_fd = fd;
            *round = c->round;
        }
    }
    (void)pthread_mutex_unlock(&c->lock);
    return r;
}

/* ---- its life ---- */

/* @pre locked. Doubling, from a quarter of a second to half a minute. */
static void plan_next(struct child *c)
{
    uint64_t now = now_ns(c), wait = BACKOFF_MIN;

    if (c->started_ns && now - c->started_ns >= LIVED_WELL)
        c->ended_early = 0;
    for (uint32_t i = 0; i < c->ended_early && wait < BACKOFF_MAX; i++)
        wait *= 2;
    c->ended_early++;
    c->next_ns = now + (wait < BACKOFF_MAX ? wait : BACKOFF_MAX);
    gyr_logf(c->host, GYR_LOG_WARNING, "the command %s; it is started again in %.2f s", c->why,
             (double)(c->next_ns - now) / 1e9);
}

static void start_one(struct child *c)
{
    struct gyr_error err = {0};
    struct command_ends ends;
    int r = command_spawn(c->conf.argv, &ends, &err);

    (void)pthread_mutex_lock(&c->lock);
    if (r < 0) {
        (void)snprintf(c->why, sizeof(c->why), "cannot be started: %.100s", err.msg);
        c->started_ns = 0;
        plan_next(c);
    } else {
        c->pid = ends.pid;
        c->pid_fd = ends.pid_fd;
        c->stdin_fd = ends.in_fd;
        said_attach(&c->said, ends.out_fd);
        c->alive = true;
        c->round++;
        c->written = c->consumed = 0;
        c->started_ns = c->progress_ns = now_ns(c);
        c->look_ns = LOOK_MIN_MS * MS;
        tell(c->ready_fd);
    }
    (void)pthread_mutex_unlock(&c->lock);
}

static void ended(struct child *c)
{
    siginfo_t info = {0};
    bool quit;

    (void)waitid(P_PIDFD, (id_t)c->pid_fd, &info, WEXITED);
    (void)close(c->pid_fd);
    c->pid_fd = -1;
    said_end(&c->said);
    (void)pthread_mutex_lock(&c->lock);
    settle_rest(c);
    if (c->stdin_fd >= 0)
        (void)close(c->stdin_fd);
    c->stdin_fd = -1;
    c->alive = false;
    if (info.si_code == CLD_EXITED)
        (void)snprintf(c->why, sizeof(c->why), "ended with exit status %d", info.si_status);
    else
        (void)snprintf(c->why, sizeof(c->why), "was ended by signal %d", info.si_status);
    quit = c->quit;
    if (!quit)
        plan_next(c);
    (void)pthread_mutex_unlock(&c->lock);
    (void)c->host->metric_add(c->host->ctx, "command_ends", quit ? 0 : 1);
}

/* To it and what it started, which are a process group. */
static void signal_all(const struct child *c, int sig)
{
    (void)kill(-c->pid, sig);
}

/* Until something happens or @p until_ns. */
static void wait_events(struct child *c, uint64_t until_ns)
{
    struct pollfd fds[3] = {{.fd = c->kick_fd, .events = POLLIN},
                            {.fd = c->pid_fd, .events = POLLIN},
                            {.fd = said_fd(&c->said), .events = POLLIN}};
    uint64_t now = now_ns(c), ms = until_ns > now ? (until_ns - now + MS - 1) / MS : 0;

    if (poll(fds, 3, until_ns == UINT64_MAX ? -1 : (int)(ms < 60000 ? ms : 60000)) <= 0)
        return;
    if (fds[0].revents)
        clear(c->kick_fd);
    if (fds[2].revents)
        said_read(&c->said);
    if (fds[1].revents)
        ended(c);
}

/* @return when to look again. */
static uint64_t look(struct child *c)
{
    uint64_t until = UINT64_MAX, now = now_ns(c);
    bool hangs = false;

    (void)pthread_mutex_lock(&c->lock);
    if (!c->alive) {
        until = c->next_ns;
    } else if (!settle_read(c)) {
        until = now + c->look_ns;
        hangs = c->conf.hang_timeout_ns && now > c->progress_ns &&
                now - c->progress_ns >= c->conf.hang_timeout_ns;
    }
    (void)pthread_mutex_unlock(&c->lock);
    if (hangs) {
        gyr_logf(c->host, GYR_LOG_WARNING, "the command has read nothing for %.0f s and is killed",
                 (double)c->conf.hang_timeout_ns / 1e9);
        signal_all(c, SIGKILL);
        until = now + S;
    }
    return until;
}

static void wait_end(struct child *c, uint64_t for_ns)
{
    uint64_t until = now_ns(c) + for_ns;

    while (c->pid_fd >= 0 && now_ns(c) < until)
        wait_events(c, until);
}

static void put_down(struct child *c)
{
    (void)pthread_mutex_lock(&c->lock);
    (void)settle_read(c);
    if (c->stdin_fd >= 0)
        (void)close(c->stdin_fd);
    c->stdin_fd = -1;
    (void)pthread_mutex_unlock(&c->lock);
    wait_end(c, c->conf.stop_wait_ns);
    if (c->pid_fd < 0)
        return;
    gyr_logf(c->host, GYR_LOG_NOTICE, "the command does not end with its input; it gets SIGTERM");
    signal_all(c, SIGTERM);
    wait_end(c, c->conf.stop_wait_ns);
    if (c->pid_fd < 0)
        return;
    gyr_logf(c->host, GYR_LOG_WARNING, "the command does not end after SIGTERM; it is killed");
    signal_all(c, SIGKILL);
    wait_end(c, S);
}

static void child_main(void *arg)
{
    struct child *c = arg;
    struct gyr_error err = {0};
    bool quit = false;

    if (command_disown_privileges(&err) < 0) {
        (void)pthread_mutex_lock(&c->lock);
        (void)snprintf(c->why, sizeof(c->why), "is not started: %.100s", err.msg);
        (void)pthread_mutex_unlock(&c->lock);
        gyr_logf(c->host, GYR_LOG_ERROR, "the command is not started: %s", err.msg);
        return;
    }
    while (!quit) {
        if (c->pid_fd < 0 && now_ns(c) >= c->next_ns)
            start_one(c);
        wait_events(c, look(c));
        (void)pthread_mutex_lock(&c->lock);
        quit = c->quit;
        (void)pthread_mutex_unlock(&c->lock);
    }
    put_down(c);
    said_end(&c->said);
    if (c->pid_fd >= 0)
        (void)close(c->pid_fd);
    c->pid_fd = -1;
}

int child_start(struct child *c, struct gyr_error *err)
{
    int r = command_check(c->conf.argv[0], err);

    if (r < 0)
        return r;
    c->quit = c->alive = false;
    c->next_ns = c->ended_early = 0;
    (void)snprintf(c->why, sizeof(c->why), "is being started");
    r = c->host->thread_start(c->host->ctx, "gyr-command", child_main, c, &c->thread);
    if (r < 0)
        return gyr_fail(err, r, "no thread to watch the command: %s", strerror(-r));
    c->has_thread = true;
    return 0;
}

void child_stop(struct child *c)
{
    if (!c->has_thread)
        return;
    (void)pthread_mutex_lock(&c->lock);
    c->quit = true;
    (void)pthread_mutex_unlock(&c->lock);
    tell(c->kick_fd);
    (void)c->host->thread_join(c->host->ctx, c->thread);
    c->has_thread = false;
}
