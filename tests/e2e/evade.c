/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evade PLACE: what programs do to be seen by no rule, harmlessly: each in a process of its
 * own. PLACE is "host" or "container": not all can be done in both. Prints, for each that was done,
 * its name and the rule that must tell of it, and a word that the alert holds, parted by tabs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECRET  "/etc/shadow"
#define READ    "Sensitive file read"
#define PROC    "File reached through the root of a process"
#define ROOT    "Root moved into a folder with secrets"
#define SHM     "Program run from shared memory"
#define WRITTEN "Program folder written"
#define MISLED  "Environment used to gain rights"

enum { HOST = 1, CONTAINER = 2, BOTH = 3, NR_OPEN_I386 = 5, CANNOT = 77 };

struct act {
    const char *name, *rule;
    int (*run)(void);
    int where;
    const char *word; /* NULL: the name */
};

static char dir[64];

static int opened(int fd)
{
    return fd < 0 ? -1 : close(fd);
}

static const char *in_dir(const char *name)
{
    static char path[2][128];
    static int turn;

    turn = !turn;
    (void)snprintf(path[turn], sizeof(path[turn]), "%s/%s", dir, name);
    return path[turn];
}

/* A child of that name does it. A name is seen when its bearer is made. @return as the child says.
 */
static int as(const char *name, int (*act)(void))
{
    int status;
    pid_t pid;

    if (prctl(PR_SET_NAME, name) < 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        int r = act();

        if (r < 0)
            (void)fprintf(stderr, "%s: %s\n", name, strerror(errno));
        _exit(r < 0);
    }
    return waitpid(pid, &status, 0) < 0 || status ? -1 : 0;
}

/* A child that becomes a program. @return whether it could. */
static int run(const char *path, char *const argv[], char *const envp[])
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        (void)execve(path, argv, envp);
        _exit(CANNOT);
    }
    return waitpid(pid, &status, 0) < 0 || status == CANNOT << 8 ? -1 : 0;
}

static int script(const char *path)
{
    FILE *f = fopen(path, "w");

    if (!f)
        return -1;
    (void)fputs("#!/bin/sh\nexit 0\n", f);
    (void)fclose(f);
    return chmod(path, 0755);
}

/* ---- names ---- */

static int relative(void)
{
    return chdir("/etc") < 0 ? -1 : opened(open("shadow", O_RDONLY));
}

static int dots(void)
{
    return opened(open("/usr/../etc/../etc/shadow", O_RDONLY));
}

static int dirfd_open(void)
{
    return opened(openat(open("/etc", O_PATH), "shadow", O_RDONLY));
}

static int proc_root(void)
{
    return opened(open("/proc/self/root" SECRET, O_RDONLY));
}

static int proc_pid(void)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%d/root" SECRET, getpid());
    return opened(open(path, O_RDONLY));
}

static int proc_cwd(void)
{
    return chdir("/etc") < 0 ? -1 : opened(open("/proc/self/cwd/shadow", O_RDONLY));
}

static int proc_fd(void)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d/shadow", open("/etc", O_PATH));
    return opened(open(path, O_RDONLY));
}

static int new_root(void)
{
    return chroot("/etc") < 0 ? -1 : opened(open("/shadow", O_RDONLY));
}

static int link_file(void)
{
    return symlink(SECRET, in_dir("file"));
}

static int link_folder(void)
{
    return symlink("/etc", in_dir("folder"));
}

static int link_hard(void)
{
    int r = link(SECRET, "/etc/gyr-evade-hard");

    (void)unlink("/etc/gyr-evade-hard");
    return r;
}

static int bind_mount(void)
{
    if (mkdir(in_dir("bound"), 0755) < 0 || unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return -1;
    return mount("/etc", in_dir("bound"), NULL, MS_BIND, NULL);
}

/* ---- calls ---- */

static int how(const char *path, int at, uint64_t resolve)
{
    struct open_how h = {.flags = O_RDONLY, .resolve = resolve};

    return opened((int)syscall(SYS_openat2, at, path, &h, sizeof(h)));
}

static int openat2_plain(void)
{
    return how(SECRET, AT_FDCWD, 0);
}

static int openat2_root(void)
{
    return how("/shadow", open("/etc", O_PATH), RESOLVE_IN_ROOT);
}

static int by_handle(void)
{
    struct {
        struct file_handle h;
        char room[MAX_HANDLE_SZ];
    } at = {.h.handle_bytes = MAX_HANDLE_SZ};
    int id, top = open("/etc", O_RDONLY | O_DIRECTORY);

    if (name_to_handle_at(AT_FDCWD, SECRET, &at.h, &id, 0) < 0)
        return -1;
    return opened(open_by_handle_at(top, &at.h, O_RDONLY));
}

#ifdef __x86_64__
/* The gate of 32-bit programs. */
static int gate32(void)
{
    char *low =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    long r;

    if (low == MAP_FAILED)
        return -1;
    memcpy(low, SECRET, sizeof(SECRET));
    __asm__ volatile("int $0x80"
                     : "=a"(r)
                     : "a"(NR_OPEN_I386), "b"(low), "c"(O_RDONLY), "d"(0)
                     : "memory", "r8", "r9", "r10", "r11");
    return r < 0 ? -1 : opened((int)r);
}
#endif

static int with_creat(void)
{
    int r = opened(creat("/usr/bin/gyr-evade", 0644));

    (void)unlink("/usr/bin/gyr-evade");
    return r;
}

static int device(void)
{
    int r = mknod("/usr/bin/gyr-evade-n", S_IFREG | 0644, 0);

    (void)unlink("/usr/bin/gyr-evade-n");
    return r;
}

static int ring(void)
{
    struct io_uring_params p = {0};

    return opened((int)syscall(SYS_io_uring_setup, 4, &p));
}

static int mount_call(void)
{
    (void)syscall(SYS_fsopen, "tmpfs", 0); /* refused is told, too */
    return 0;
}

static int history(void)
{
    if (opened(open(in_dir(".bash_history"), O_CREAT | O_WRONLY, 0600)) < 0)
        return -1;
    return rename(in_dir(".bash_history"), in_dir("other"));
}

/* A listening socket, and one connected to it. */
static int pair(int *ret_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int s = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(s, (struct sockaddr *)&at, len) < 0 || listen(s, 4) < 0 ||
        getsockname(s, (struct sockaddr *)&at, &len) < 0)
        return -1;
    *ret_port = ntohs(at.sin_port);
    return connect(c, (struct sockaddr *)&at, len) < 0 ? -1 : c;
}

static int copied(void)
{
    int port, c = pair(&port);

    return c < 0 || close(0) < 0 ? -1 : fcntl(c, F_DUPFD, 0);
}

/* ---- programs ---- */

static int read_secret(void)
{
    return opened(open(SECRET, O_RDONLY));
}

static int false_name(void)
{
    return as("sshd", read_secret);
}

static int start_worker(void)
{
    char *argv[] = {(char *)"worker", (char *)"-c", (char *)"exit 0", NULL}, *envp[] = {NULL};

    return symlink("/bin/sh", in_dir("worker")) < 0 ? -1 : run(in_dir("worker"), argv, envp);
}

static int renamed_shell(void)
{
    return as("nginx", start_worker);
}

static int memory_exec(void)
{
    int fd = memfd_create("x", 0), from = open("/bin/true", O_RDONLY), status;
    char *argv[] = {(char *)"x", NULL}, *envp[] = {NULL}, buf[65536];
    ssize_t n;
    pid_t pid;

    while ((n = read(from, buf, sizeof(buf))) > 0)
        if (write(fd, buf, (size_t)n) != n)
            return -1;
    pid = fork();
    if (pid == 0) {
        (void)syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
        _exit(CANNOT);
    }
    return waitpid(pid, &status, 0) < 0 || status ? -1 : 0;
}

static int shebang(void)
{
    const char *path = "/dev/shm/gyr-evade.sh";
    char *argv[] = {(char *)path, NULL}, *envp[] = {NULL};
    int r = script(path) < 0 ? -1 : run(path, argv, envp);

    (void)unlink(path);
    return r;
}

static int interpreter(void)
{
    const char *path = "/dev/shm/gyr-evade2.sh";
    char *argv[] = {(char *)"sh", (char *)path, NULL}, *envp[] = {NULL};
    int r = script(path) < 0 ? -1 : run("/bin/sh", argv, envp);

    (void)unlink(path);
    return r;
}

static int loader(void)
{
    char *argv[] = {(char *)"x", (char *)"/bin/true", NULL}, *envp[] = {NULL};

    return run("/lib64/ld-linux-x86-64.so.2", argv, envp);
}

static int preload(void)
{
    char *argv[] = {(char *)"true", NULL}, *envp[] = {(char *)"LD_PRELOAD=/tmp/gyr-none.so", NULL};

    return run("/bin/true", argv, envp);
}

/* ---- what is shared, and what is much ---- */

static int longest(void)
{
    static char path[4096] = "/etc/";
    size_t n = strlen(path);

    for (; n + sizeof("shadow") + 1 < sizeof(path); n += 2)
        memcpy(path + n, "./", 2);
    memcpy(path + n, "shadow", sizeof("shadow"));
    return opened(open(path, O_RDONLY));
}

static char stack[65536] __attribute__((aligned(16)));

static int go_etc(void *arg)
{
    (void)arg;
    return chdir("/etc") < 0;
}

static int open_etc(void *arg)
{
    (void)arg;
    return open("/etc", O_RDONLY | O_DIRECTORY) < 0;
}

/* A child that shares something does it. */
static int shared(int flags, int (*act)(void *arg))
{
    int status;
    pid_t pid = clone(act, stack + sizeof(stack), flags | SIGCHLD, NULL);

    return pid < 0 || waitpid(pid, &status, 0) < 0 || status ? -1 : 0;
}

static int same_folder(void)
{
    return shared(CLONE_FS, go_etc) < 0 ? -1 : opened(open("shadow", O_RDONLY));
}

static int same_files(void)
{
    int next = dup(0);

    if (next < 0 || close(next) < 0 || shared(CLONE_FILES, open_etc) < 0)
        return -1;
    return opened(openat(next, "shadow", O_RDONLY));
}

static pthread_barrier_t meet;

static void *go_alone(void *arg)
{
    int *r = arg;

    *r = unshare(CLONE_FS) < 0 || chdir("/etc") < 0 ? -1 : 0;
    (void)pthread_barrier_wait(&meet);
    (void)pthread_barrier_wait(&meet);
    if (*r == 0)
        *r = opened(open("shadow", O_RDONLY));
    return NULL;
}

static int own_folder(void)
{
    pthread_t thread;
    int r = 0;

    (void)pthread_barrier_init(&meet, NULL, 2);
    if (pthread_create(&thread, NULL, go_alone, &r) != 0)
        return -1;
    (void)pthread_barrier_wait(&meet);
    if (chdir("/tmp") < 0)
        r = -1;
    (void)pthread_barrier_wait(&meet);
    (void)pthread_join(thread, NULL);
    return r;
}

enum { DEPTH = 15, NAME = 250, HIERARCHIES = 5 };

/* Into a control group as deep as they get, or back. @return how many folders deep it is. */
static int dig(const char *base, bool back)
{
    char name[NAME + 1] = "", path[64];
    int at[DEPTH + 1], n = 0, procs;

    memset(name, 'c', NAME);
    (void)snprintf(path, sizeof(path), "%s/gyr-evade", base);
    (void)mkdir(path, 0755);
    at[0] = open(path, O_RDONLY | O_DIRECTORY);
    for (; n < DEPTH && at[n] >= 0; n++) {
        (void)mkdirat(at[n], name, 0755);
        at[n + 1] = openat(at[n], name, O_RDONLY | O_DIRECTORY);
    }
    procs = at[n] < 0                  ? -1
            : back && chdir(base) == 0 ? open("cgroup.procs", O_WRONLY)
                                       : openat(at[n], "cgroup.procs", O_WRONLY);
    if (procs < 0 || write(procs, "0", 1) != 1)
        n = 0;
    (void)close(procs);
    for (int i = DEPTH; back && i > 0; i--)
        (void)unlinkat(at[i - 1], name, AT_REMOVEDIR);
    if (back)
        (void)rmdir(path);
    return n;
}

static int copy_true(const char *path)
{
    int from = open("/bin/true", O_RDONLY), to = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0755);
    char buf[65536];
    ssize_t n;

    while ((n = read(from, buf, sizeof(buf))) > 0 && write(to, buf, (size_t)n) == n)
        ;
    (void)close(from);
    return close(to) < 0 || n != 0 ? -1 : 0;
}

/* A file, and the folders of /dev/shm that it is in. */
static void remove_all(char *path)
{
    (void)unlink(path);
    for (char *end = strrchr(path, '/'); end - path > 8; end = strrchr(path, '/')) {
        *end = '\0';
        (void)rmdir(path);
    }
}

/* A program with as long a path, arguments and environment as there can be, far down in control
 * groups. */
static int far_down(void)
{
    static const char *const bases[HIERARCHIES] = {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpuacct",
                                                   "/sys/fs/cgroup/memory", "/sys/fs/cgroup/blkio",
                                                   "/sys/fs/cgroup"};
    static char path[4096] = "/dev/shm", text[4000], env[4000];
    char *argv[] = {text, text, NULL}, *envp[] = {env, NULL};
    int deep = 0, r = -1;

    for (int i = 0; i < HIERARCHIES; i++)
        deep += dig(bases[i], false) == DEPTH;
    memset(text, 'A', sizeof(text) - 1);
    memset(env, 'E', sizeof(env) - 1);
    for (size_t len = strlen(path); len < 3600; len += 201) {
        path[len] = '/';
        memset(path + len + 1, 'd', 200);
        (void)mkdir(path, 0755);
    }
    (void)strncat(path, "/true", sizeof(path) - strlen(path) - 1);
    if (deep && copy_true(path) == 0)
        r = run(path, argv, envp);
    for (int i = 0; i < HIERARCHIES; i++)
        (void)dig(bases[i], true);
    remove_all(path);
    return r;
}

/* So many folders down that a path told from its end would begin somewhere else. */
static int many_folders(void)
{
    static char path[256] = "/dev/shm/usr";
    char *argv[] = {(char *)"true", NULL}, *envp[] = {NULL};
    int r;

    for (int i = 0; i < 60; i++) {
        (void)mkdir(path, 0755);
        (void)strncat(path, "/d", sizeof(path) - strlen(path) - 1);
    }
    (void)mkdir(path, 0755);
    (void)strncat(path, "/ev-folders", sizeof(path) - strlen(path) - 1);
    r = copy_true(path) < 0 ? -1 : run(path, argv, envp);
    remove_all(path);
    return r;
}

static const struct act acts[] = {
    {"ev-relative", READ, relative, BOTH, NULL},
    {"ev-dots", "Sensitive file opened by a roundabout path", dots, BOTH, NULL},
    {"ev-dirfd", READ, dirfd_open, BOTH, NULL},
    {"ev-proc-root", PROC, proc_root, BOTH, NULL},
    {"ev-proc-pid", PROC, proc_pid, BOTH, NULL},
    {"ev-proc-cwd", PROC, proc_cwd, BOTH, NULL},
    {"ev-proc-fd", PROC, proc_fd, BOTH, NULL},
    {"ev-chroot", ROOT, new_root, BOTH, NULL},
    {"ev-link", "Link made to a sensitive file", link_file, BOTH, NULL},
    {"ev-link-dir", "Link made to a sensitive file", link_folder, BOTH, NULL},
    {"ev-hard", "Link made to a sensitive file", link_hard, BOTH, NULL},
    {"ev-bind", "Sensitive folder mounted elsewhere", bind_mount, HOST, NULL},
    {"ev-openat2", READ, openat2_plain, BOTH, NULL},
    {"ev-in-root", ROOT, openat2_root, BOTH, NULL},
    {"ev-handle", READ, by_handle, HOST, NULL},
#ifdef __x86_64__
    {"ev-32bit", READ, gate32, BOTH, NULL},
#endif
    {"ev-creat", WRITTEN, with_creat, BOTH, NULL},
    {"ev-mknod", "Program folder rearranged", device, BOTH, NULL},
    {"ev-ring", "Ring for input and output set up", ring, HOST, NULL},
    {"ev-fsopen", "Mount tried in a container", mount_call, CONTAINER, NULL},
    {"ev-history", "Shell history tampered with", history, BOTH, NULL},
    {"ev-fcntl", "Standard descriptor connected to the network", copied, BOTH, NULL},
    {"ev-name", READ, false_name, BOTH, "sshd"},
    {"ev-shell", "Shell started by a server", renamed_shell, BOTH, "nginx"},
    {"ev-memfd", "Program run from memory", memory_exec, BOTH, NULL},
    {"ev-shebang", SHM, shebang, BOTH, NULL},
    {"ev-script", SHM, interpreter, BOTH, NULL},
    {"ev-loader", "Program run by the loader", loader, BOTH, NULL},
    {"ev-preload", MISLED, preload, BOTH, NULL},
    {"ev-long", READ, longest, BOTH, NULL},
    {"ev-clone-fs", READ, same_folder, BOTH, NULL},
    {"ev-clone-files", READ, same_files, BOTH, NULL},
    {"ev-own-fs", READ, own_folder, BOTH, NULL},
    {"ev-folders", SHM, many_folders, BOTH, NULL},
    {"ev-far-down", SHM, far_down, HOST, "true"},
};

/* @return whether it was done. */
static bool do_act(const struct act *a)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(as(a->name, a->run) < 0);
    return waitpid(pid, &status, 0) == pid && status == 0;
}

int main(int argc, char **argv)
{
    int where = argc > 1 && strcmp(argv[1], "container") == 0 ? CONTAINER : HOST;

    (void)snprintf(dir, sizeof(dir), "/var/tmp/gyr-evade-%d", (int)getpid());
    if (mkdir(dir, 0700) < 0) {
        perror(dir);
        return 1;
    }
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        const struct act *a = &acts[i];

        if (a->where & where && do_act(a))
            (void)printf("%s\t%s\t%s\n", a->name, a->rule, a->word ? a->word : a->name);
    }
    return 0;
}
