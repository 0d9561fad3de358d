/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cost SECONDS [KIND]: what system calls cost, in nanoseconds per operation, one line for each kind
 * of work: the quickest of many short stretches, which the machine's other doings disturbed least.
 *
 * cost --hook: attach a program that does nothing to the exit of every system call, print "ready"
 * and stay until standard input ends: what any program attached that way costs.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int pipe_fds[2], listening;
static struct sockaddr_in server;

static void must(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1);
}

static void unwatched(void)
{
    (void)syscall(SYS_getppid);
}

static void open_close(void)
{
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

    must(fd >= 0 && close(fd) == 0, "/etc/passwd");
}

static void open_missing(void)
{
    must(open("/etc/no such file", O_RDONLY | O_CLOEXEC) < 0, "a file that is not there");
}

static void look_at(void)
{
    struct stat st;

    must(stat("/etc/passwd", &st) == 0, "/etc/passwd");
}

static void pipe_io(void)
{
    char c = 'x';

    must(write(pipe_fds[1], &c, 1) == 1 && read(pipe_fds[0], &c, 1) == 1, "a pipe");
}

/* Reset at once, or a bench would leave no port in the end. */
static void connect_close(void)
{
    const struct linger at_once = {1, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;

    must(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0 &&
             connect(fd, (struct sockaddr *)&server, sizeof(server)) == 0,
         "connect");
    peer = accept(listening, NULL, NULL);
    (void)close(fd);
    (void)close(peer);
}

static void spawn_wait(void)
{
    char name[] = "true", *const argv[] = {name, NULL}, *const envp[] = {NULL};
    pid_t pid;
    int status;

    must(posix_spawn(&pid, "/bin/true", NULL, NULL, argv, envp) == 0 &&
             waitpid(pid, &status, 0) == pid,
         "/bin/true");
}

static const struct {
    const char *name;
    void (*work)(void);
    int times; /* in one stretch */
} kinds[] = {
    {"unwatched call", unwatched, 10000},  {"open, close", open_close, 2000},
    {"open, missing", open_missing, 2000}, {"stat", look_at, 2000},
    {"pipe write, read", pipe_io, 2000},   {"connect", connect_close, 100},
    {"fork, exec, wait", spawn_wait, 10},
};

static void prepare(void)
{
    socklen_t len = sizeof(server);

    must(pipe(pipe_fds) == 0, "pipe");
    listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    must(listening >= 0 && bind(listening, (struct sockaddr *)&server, len) == 0 &&
             listen(listening, 128) == 0 &&
             getsockname(listening, (struct sockaddr *)&server, &len) == 0,
         "a server on loopback");
}

static double now_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static double quickest(void (*work)(void), int times, double seconds)
{
    double end = now_ns() + seconds * 1e9, best = 1e18;

    while (now_ns() < end) {
        double began = now_ns(), each;

        for (int i = 0; i < times; i++)
            work();
        each = (now_ns() - began) / times;
        best = each < best ? each : best;
    }
    return best;
}

static int hook(void)
{
    const struct bpf_insn nothing[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
        {.code = BPF_JMP | BPF_EXIT},
    };
    LIBBPF_OPTS(bpf_prog_load_opts, o, .expected_attach_type = BPF_TRACE_RAW_TP);
    struct btf *btf = btf__load_vmlinux_btf();
    int id, fd;
    char c;

    must(btf != NULL, "the kernel's types");
    id = btf__find_by_name_kind(btf, "btf_trace_sys_exit", BTF_KIND_TYPEDEF);
    must(id > 0, "sys_exit");
    o.attach_btf_id = (unsigned int)id;
    fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "nothing", "GPL", nothing, 2, &o);
    must(fd >= 0 && bpf_raw_tracepoint_open(NULL, fd) >= 0, "a program at the exit of calls");
    (void)puts("ready");
    (void)fflush(stdout);
    while (read(STDIN_FILENO, &c, 1) > 0)
        ;
    return 0;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 1;

    if (argc > 1 && strcmp(argv[1], "--hook") == 0)
        return hook();
    prepare();
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (argc < 3 || strcmp(argv[2], kinds[i].name) == 0)
            (void)printf("%s\t%.1f\n", kinds[i].name,
                         quickest(kinds[i].work, kinds[i].times, seconds));
    return 0;
}
