/* SPDX-License-Identifier: Apache-2.0 */
/* web_flaky FILE: an HTTP server that fails every other request. Prints its port, then takes one
 * request after the other: refuses it for now, resets the connection, or hangs up in the middle of
 * the answer, by turns; between, it takes one, and writes its body into FILE. Ends with its input.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MAX = 1 << 20 };

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int listen_here(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof(at);

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 16) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) < 0)
        die("listen");
    printf("%u\n", ntohs(at.sin_port));
    (void)fflush(stdout);
    return fd;
}

/* @return the body; NULL when the client is gone first. */
static const char *request(int fd, char *p, size_t size)
{
    size_t n = 0, length;
    const char *end = NULL, *header;

    for (;;) {
        ssize_t r = recv(fd, p + n, size - 1 - n, 0);

        if (r <= 0)
            return NULL;
        n += (size_t)r;
        p[n] = '\0';
        end = strstr(p, "\r\n\r\n");
        header = strcasestr(p, "\r\ncontent-length:");
        if (!end || !header)
            continue;
        length = strtoul(header + strlen("\r\ncontent-length:"), NULL, 10);
        if (n >= (size_t)(end + 4 - p) + length)
            return end + 4;
    }
}

static void answer(int fd, unsigned turn, const char *body, FILE *taken)
{
    static const char *const answers[] = {
        "HTTP/1.1 500 Broken\r\nContent-Length: 6\r\nConnection: close\r\n\r\nbroken",
        "", /* reset */
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
    };
    static const char fine[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    struct linger now = {.l_onoff = 1};
    const char *a = turn % 2 ? fine : answers[turn / 2 % 3];

    if (turn % 2) {
        (void)fprintf(taken, "%s\n", body);
        (void)fflush(taken);
    }
    if (*a)
        (void)!write(fd, a, strlen(a));
    else
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

int main(int argc, char **argv)
{
    static char text[REQUEST_MAX];
    FILE *taken = argc == 2 ? fopen(argv[1], "we") : NULL;
    struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.events = POLLIN}};
    const char *body;
    unsigned turn = 0;

    if (!taken)
        die("web_flaky FILE");
    (void)signal(SIGPIPE, SIG_IGN);
    fds[1].fd = listen_here();
    while (poll(fds, 2, -1) > 0 && !fds[0].revents) {
        int fd = accept(fds[1].fd, NULL, NULL);

        if (fd < 0)
            continue;
        body = request(fd, text, sizeof(text));
        if (body)
            answer(fd, turn++, body, taken);
        (void)close(fd);
    }
    return 0;
}
