/* SPDX-License-Identifier: Apache-2.0 */
/* alert_sink FILE lines, alert_sink FILE http [MILLISECONDS]: takes alerts, JSON lines on its input
 * or in requests to a port that it prints, and writes "number uuid microseconds" of each into FILE:
 * of its event, and since the event.
 *
 * With MILLISECONDS the server is unruly: for so long it takes alerts, and for as long it is, by
 * turns, gone, broken (500), busy (429, Retry-After), silent, and one that resets connections;
 * after that it takes all. What it was sent while silent or resetting it has taken, only the answer
 * is lost. Ends on SIGTERM, and with its parent, and then tells what it did in FILE.told. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNS_MAX = 64, REQUEST_MAX = 4 << 20, RETRY_AFTER_S = 1 };
enum state { FINE, GONE, BROKEN, BUSY, SILENT, RESETS, N_STATES };

struct conn {
    int fd;
    char *p;
    size_t n;
    bool silent; /* its request is there, and gets no answer */
};

static struct conn conns[CONNS_MAX];
static unsigned n_conns;
static FILE *taken;
static uint64_t answered[N_STATES], early, busy_until;
static volatile sig_atomic_t stop;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void on_term(int sig)
{
    (void)sig;
    stop = 1;
}

static uint64_t now_ns(clockid_t clock)
{
    struct timespec ts;

    (void)clock_gettime(clock, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- alerts ---- */

static const char *behind(const char *line, const char *key)
{
    const char *at = strstr(line, key);

    return at ? at + strlen(key) : "";
}

static uint64_t time_of(const char *text)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S.", &tm);

    return rest ? (uint64_t)timegm(&tm) * 1000000000u + strtoull(rest, NULL, 10) : 0;
}

static void take(const char *line, uint64_t now)
{
    if (*line)
        (void)fprintf(taken, "%" PRIu64 " %.36s %" PRId64 "\n",
                      (uint64_t)strtoull(behind(line, "\"evt.num\":"), NULL, 10),
                      behind(line, "\"uuid\":\""),
                      (int64_t)(now - time_of(behind(line, "\"time\":\""))) / 1000);
}

static void take_lines(char *body)
{
    uint64_t now = now_ns(CLOCK_REALTIME);
    char *next;

    for (; body; body = next) {
        next = strchr(body, '\n');
        if (next)
            *next++ = '\0';
        take(body, now);
    }
}

static int lines(void)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t n;

    while ((n = getline(&line, &size, stdin)) > 0) {
        line[n - 1] = '\0';
        take(line, now_ns(CLOCK_REALTIME));
    }
    free(line);
    return 0;
}

/* ---- the server ---- */

static int listen_at(struct sockaddr_in *at)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    socklen_t len = sizeof(*at);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
        bind(fd, (struct sockaddr *)at, sizeof(*at)) < 0 || listen(fd, 16) < 0 ||
        getsockname(fd, (struct sockaddr *)at, &len) < 0)
        die("listen");
    return fd;
}

/* Every other phase is fine; behind the last trouble all are. */
static enum state state_at(uint64_t began, uint64_t phase_ns)
{
    uint64_t phase = phase_ns ? (now_ns(CLOCK_MONOTONIC) - began) / phase_ns : 0;

    return phase % 2 && phase / 2 + 1 < N_STATES ? (enum state)(phase / 2 + 1) : FINE;
}

static void drop(struct conn *c, bool reset)
{
    struct linger now = {.l_onoff = 1};

    if (reset)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    (void)close(c->fd);
    free(c->p);
    *c = conns[--n_conns];
}

static void accept_one(int fd)
{
    struct conn *c = &conns[n_conns];

    c->fd = accept(fd, NULL, NULL);
    if (c->fd < 0)
        return;
    c->p = malloc(REQUEST_MAX);
    c->n = 0;
    c->silent = false;
    if (!c->p)
        die("malloc");
    n_conns++;
}

/* @return the body, when all of it is there. */
static char *body_of(const struct conn *c)
{
    char *end = strstr(c->p, "\r\n\r\n");
    const char *length = strcasestr(c->p, "\r\ncontent-length:");

    if (!end || !length)
        return NULL;
    end += 4;
    return c->n >= (size_t)(end - c->p) + strtoul(length + 17, NULL, 10) ? end : NULL;
}

static bool say(const struct conn *c, const char *text)
{
    return send(c->fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* @return whether the connection goes on. */
static bool answer(struct conn *c, char *body, enum state state)
{
    char text[128];

    answered[state]++;
    early += now_ns(CLOCK_MONOTONIC) < busy_until;
    busy_until = 0;
    if (state == FINE || state == SILENT || state == RESETS)
        take_lines(body);
    c->n = 0;
    switch (state) {
    case FINE:
        return say(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    case BROKEN:
        return say(c, "HTTP/1.1 500 Broken\r\nContent-Length: 6\r\n\r\nbroken");
    case BUSY:
        busy_until = now_ns(CLOCK_MONOTONIC) + RETRY_AFTER_S * UINT64_C(1000000000);
        (void)snprintf(text, sizeof(text),
                       "HTTP/1.1 429 Busy\r\nRetry-After: %d\r\nContent-Length: 0\r\n\r\n",
                       RETRY_AFTER_S);
        return say(c, text);
    case SILENT:
        c->silent = true;
        return true;
    default:
        return false;
    }
}

static void serve_one(struct conn *c, enum state state)
{
    ssize_t n = recv(c->fd, c->p + c->n, REQUEST_MAX - 1 - c->n, 0);
    char *body;

    if (n <= 0) {
        drop(c, false);
        return;
    }
    c->n += (size_t)n;
    c->p[c->n] = '\0';
    body = c->silent ? NULL : body_of(c);
    if (body && !answer(c, body, state))
        drop(c, state == RESETS);
}

static void serve(uint64_t phase_ns)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct pollfd fds[CONNS_MAX + 1];
    uint64_t began = now_ns(CLOCK_MONOTONIC);
    enum state before = FINE;
    int fd = listen_at(&at);

    printf("%u\n", ntohs(at.sin_port));
    (void)fflush(stdout);
    while (!stop) {
        enum state state = state_at(began, phase_ns);
        unsigned n = n_conns;

        if (state != before) {
            while (n_conns && (state == GONE || before == SILENT))
                drop(&conns[0], false);
            if (state == GONE)
                (void)close(fd);
            else if (before == GONE)
                fd = listen_at(&at);
            before = state;
            continue;
        }
        fds[0] = (struct pollfd){.fd = state == GONE || n == CONNS_MAX ? -1 : fd, .events = POLLIN};
        for (unsigned i = 0; i < n; i++)
            fds[i + 1] = (struct pollfd){.fd = conns[i].fd, .events = POLLIN};
        if (poll(fds, n + 1, 20) <= 0)
            continue;
        for (unsigned i = n; i-- > 0;) /* the last takes the place of one that goes */
            if (fds[i + 1].revents)
                serve_one(&conns[i], state);
        if (fds[0].revents)
            accept_one(fd);
    }
}

static void tell(const char *path)
{
    char name[4096];
    FILE *f;

    (void)snprintf(name, sizeof(name), "%s.told", path);
    f = fopen(name, "we");
    if (!f)
        die(name);
    (void)fprintf(f,
                  "requests answered %" PRIu64 ", 500 %" PRIu64 ", 429 %" PRIu64
                  ", not at all %" PRIu64 ", reset %" PRIu64 ", before Retry-After %" PRIu64 "\n",
                  answered[FINE], answered[BROKEN], answered[BUSY], answered[SILENT],
                  answered[RESETS], early);
    (void)fclose(f);
}

int main(int argc, char **argv)
{
    taken = argc >= 3 ? fopen(argv[1], "ae") : NULL;
    if (!taken)
        die("alert_sink FILE lines|http [MILLISECONDS]");
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGTERM, on_term);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (strcmp(argv[2], "lines") == 0)
        return lines() + (fclose(taken) != 0);
    serve(argc > 3 ? strtoull(argv[3], NULL, 10) * 1000000 : 0);
    tell(argv[1]);
    return fclose(taken) != 0;
}
