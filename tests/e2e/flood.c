/* SPDX-License-Identifier: Apache-2.0 */
/* flood SECONDS LOOPS MARK: so many processes open and close a file as fast as they can, while
 * another starts a program every few milliseconds, with MARK and a number as its arguments. Prints
 * how many calls the loops made, and how many programs were started: "CALLS PROGRAMS". */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOOPS_MAX = 64, PAUSE_NS = 5000000, LINE = 64 /* bytes that processors share */ };

struct loop {
    uint64_t calls;
    pid_t pid;
    char pad[LINE - sizeof(uint64_t) - sizeof(pid_t)];
};

static volatile sig_atomic_t *stop;

static void loop(struct loop *l)
{
    while (!*stop) {
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        l->calls++;
        if (fd >= 0 && close(fd) == 0)
            l->calls++;
    }
    _exit(0);
}

static int start(const char *mark, unsigned n)
{
    char number[16];
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        (void)snprintf(number, sizeof(number), "%u", n);
        (void)execl("/bin/true", "true", mark, number, (char *)NULL);
        _exit(1);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
    unsigned seconds = argc == 4 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    unsigned n = argc == 4 ? (unsigned)strtoul(argv[2], NULL, 10) : 0, started = 0;
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    struct loop *loops;
    time_t end;

    if (!seconds || !n || n > LOOPS_MAX) {
        (void)fprintf(stderr, "usage: flood SECONDS LOOPS MARK\n");
        return 2;
    }
    loops = mmap(NULL, (n + 1) * sizeof(*loops), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                 -1, 0);
    if (loops == MAP_FAILED) {
        (void)fprintf(stderr, "flood: %s\n", strerror(errno));
        return 1;
    }
    stop = (volatile sig_atomic_t *)&loops[n];
    for (unsigned i = 0; i < n; i++) {
        pid_t pid = fork();

        if (pid == 0)
            loop(&loops[i]);
        loops[i].pid = pid;
    }
    for (end = time(NULL) + seconds; time(NULL) < end; started++) {
        if (start(argv[3], started) < 0)
            break;
        (void)nanosleep(&pause, NULL);
    }
    *stop = 1;
    while (wait(NULL) > 0)
        ;
    printf("%u\n", started);
    for (unsigned i = 0; i < n; i++)
        printf("%d %" PRIu64 "\n", (int)loops[i].pid, loops[i].calls);
    return 0;
}
