/* SPDX-License-Identifier: Apache-2.0 */
/* unix_proxy LISTEN TARGET: hands bytes on between two unix sockets. SIGUSR1 cuts it: connections
 * are closed, new ones as soon as they come. SIGUSR2 heals it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PAIRS = 64, CHUNK = 65536 };

static volatile sig_atomic_t is_cut;
static int pairs[PAIRS][2];

static void on_signal(int sig)
{
    is_cut = sig == SIGUSR1;
}

static int open_at(const char *path, int server)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || strlen(path) >= sizeof(sa.sun_path))
        return -1;
    memcpy(sa.sun_path, path, strlen(path));
    if (server ? bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 64) < 0
               : connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void drop(int i)
{
    (void)close(pairs[i][0]);
    (void)close(pairs[i][1]);
    pairs[i][0] = pairs[i][1] = -1;
}

static void take(int server, const char *target)
{
    int fd = accept(server, NULL, NULL), to, i = 0;

    if (fd < 0)
        return;
    while (i < PAIRS && pairs[i][0] >= 0)
        i++;
    to = is_cut || i == PAIRS ? -1 : open_at(target, 0);
    if (to < 0) {
        (void)close(fd);
        return;
    }
    pairs[i][0] = fd;
    pairs[i][1] = to;
}

static int hand_on(int from, int to)
{
    char buf[CHUNK];
    ssize_t n = read(from, buf, sizeof(buf)), done = 0;

    while (n > 0 && done < n) {
        ssize_t w = write(to, buf + done, (size_t)(n - done));

        if (w < 0 && errno != EINTR)
            return -1;
        done += w > 0 ? w : 0;
    }
    return n > 0 || (n < 0 && errno == EINTR) ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct sigaction sa = {.sa_handler = on_signal};
    struct pollfd p[1 + 2 * PAIRS];
    int server;

    if (argc != 3 || (server = open_at(argv[1], 1)) < 0) {
        (void)fprintf(stderr, "unix_proxy LISTEN TARGET\n");
        return 2;
    }
    (void)sigaction(SIGUSR1, &sa, NULL);
    (void)sigaction(SIGUSR2, &sa, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    memset(pairs, 0xff, sizeof(pairs));
    for (;;) {
        p[0] = (struct pollfd){.fd = server, .events = POLLIN};
        for (int i = 0; i < PAIRS; i++)
            for (int k = 0; k < 2; k++)
                p[1 + 2 * i + k] = (struct pollfd){.fd = pairs[i][k], .events = POLLIN};
        if (poll(p, 1 + 2 * PAIRS, 1000) < 0 && errno != EINTR)
            return 1;
        for (int i = 0; i < PAIRS; i++) {
            if (pairs[i][0] < 0)
                continue;
            if (is_cut || (p[1 + 2 * i].revents && hand_on(pairs[i][0], pairs[i][1]) < 0) ||
                (p[2 + 2 * i].revents && hand_on(pairs[i][1], pairs[i][0]) < 0))
                drop(i);
        }
        if (p[0].revents)
            take(server, argv[2]);
    }
}
