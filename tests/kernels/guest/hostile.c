/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile MODULE SECONDS [SEED]: what a reader of the module may do wrong, as root: several at once
 * do all of it at random, while processes make calls, threads close what others read, and the
 * module is loaded and unloaded; then one does everything right. The kernel's own messages tell the
 * rest: boot.sh looks for them.
 */
#include "module.h"

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

enum { READERS = 3 };

static const char *module;

/* ---- at random ---- */

static volatile int shared_fd = -1;

/* What went well of it, by all of them: a reader that is refused everything tries nothing. */
static struct done {
    unsigned long opened, asked, mapped, written, unloaded;
} * done;

static void count(unsigned long *n, bool well)
{
    if (well)
        (void)__atomic_fetch_add(n, 1, __ATOMIC_RELAXED);
}

static void *some_address(void)
{
    static uint8_t mem[1 << 17];
    static const uintptr_t odd[] = {0,
                                    1,
                                    PAGE,
                                    0x7ffffffff000,
                                    0x7ffffffffffe,
                                    0x800000000000,
                                    0xffff888000000000,
                                    0xffffffff81000000,
                                    UINTPTR_MAX - 7};

    if (random32() % 3 == 0)
        return (void *)odd[random32() % (sizeof(odd) / sizeof(odd[0]))];
    for (int i = 0; i < 64; i++)
        mem[random32() % sizeof(mem)] = (uint8_t)random32();
    return mem + random32() % (random32() % 2 ? 8 : sizeof(mem));
}

static void any_ioctl(int fd)
{
    static const unsigned long requests[] = {GYR_IOC_HELLO, GYR_IOC_RINGS, GYR_IOC_WANT,
                                             GYR_IOC_FLAGS, GYR_IOC_COUNTS};
    unsigned long request = requests[random32() % 5];
    struct gyr_rings rings = {.pairs = random32() % 4};
    struct gyr_counts counts = {random32() % 4, random32() % 4, (uintptr_t)some_address()};
    struct probe_conf *c;

    switch (random32() % 6) {
    case 0:
        count(&done->asked, ioctl(fd, request, some_address()) == 0);
        return;
    case 1:
        (void)ioctl(fd, request ^ (1ul << random32() % 32), some_address());
        return;
    case 2:
        for (int i = 0; i < PROBE_CLASSES; i++)
            rings.bytes[i] = 1ull << (random32() % 8 ? 12 + random32() % 8 : random32() % 64);
        count(&done->asked, ioctl(fd, GYR_IOC_RINGS, &rings) == 0);
        return;
    case 3:
        count(&done->asked, ioctl(fd, GYR_IOC_COUNTS, &counts) == 0);
        return;
    default:
        c = malloc(sizeof(*c));
        if (!c)
            return;
        want_all(c, 1 + random32() % 2);
        if (random32() % 2)
            for (int i = 0; i < 100; i++)
                ((uint8_t *)c)[random32() % sizeof(*c)] = (uint8_t)random32();
        count(&done->asked, ioctl(fd, GYR_IOC_WANT, c) == 0);
        free(c);
    }
}

/* Map something, then use and abuse it. A fault ends this process; another takes its place. */
static void any_map(int fd)
{
    size_t len = (size_t)PAGE << (random32() % 4 ? random32() % 6 : random32() % 36);
    off_t at = (off_t)(random32() % 6) << (random32() % 4 ? GYR_RING_SHIFT : random32() % 52);
    int prot = random32() % 3 ? PROT_READ : (int)(random32() % 8);
    uint8_t *p;

    if (random32() % 3 == 0) { /* what may be written */
        at = (off_t)(random32() % 4) << GYR_RING_SHIFT;
        prot = PROT_READ | PROT_WRITE;
        len = PAGE;
    } else if (random32() % 2)
        at += (off_t)PAGE * (random32() % 40);
    p = mmap(NULL, len, prot, random32() % 8 ? MAP_SHARED : MAP_PRIVATE, fd,
             at & ~(off_t)(PAGE - 1));
    if (p == MAP_FAILED)
        return;
    count(&done->mapped, true);
    for (int i = 0; i < 30; i++) {
        size_t off = random32() % len;
        struct iovec local = {some_address(), 64}, remote = {p + off, 64};

        switch (random32() % 12) {
        case 0:
            (void)mprotect(p + (off & ~(size_t)(PAGE - 1)), PAGE, (int)(random32() % 8));
            break;
        case 1:
            (void)madvise(p, len, (int)(random32() % 26));
            break;
        case 2:
            (void)process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
            break;
        case 3:
            (void)process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
            break;
        case 4:
            (void)munmap(p + (off & ~(size_t)(PAGE - 1)), PAGE);
            break;
        case 5:
            (void)mlock(p, len);
            break;
        case 6: /* a call whose argument is in the ring that tells of it */
            (void)open((const char *)p + off, O_RDONLY);
            break;
        case 7:
            (void)mremap(p, len, len << random32() % 3, (int)(random32() % 2));
            break;
        default: /* where the reader is, says the reader */
            if (prot & PROT_WRITE) {
                *(uint64_t *)(void *)p =
                    random32() % 2 ? random32() : ((uint64_t)random32() << 32) + random32();
                count(&done->written, true);
            } else
                (void)*(volatile uint8_t *)(p + off);
        }
    }
    if (random32() % 2)
        (void)munmap(p, len);
}

static void any_other_call(int fd)
{
    struct pollfd pfd = {fd, (short)random32(), 0};
    struct epoll_event ee = {EPOLLIN, {0}};
    char buf[64] = {0};
    int ep;

    switch (random32() % 11) {
    case 0:
        (void)!read(fd, buf, sizeof(buf));
        break;
    case 1:
        (void)!write(fd, buf, random32());
        break;
    case 2:
        (void)lseek(fd, random32(), (int)(random32() % 5));
        break;
    case 3:
        (void)!ftruncate(fd, random32());
        break;
    case 4:
        (void)sendfile(fd, fd, NULL, random32());
        break;
    case 5:
        (void)fcntl(fd, F_SETFL, random32());
        break;
    case 6:
        (void)close(dup(fd));
        break;
    case 7:
        ep = epoll_create1(EPOLL_CLOEXEC);
        (void)epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ee);
        (void)epoll_wait(ep, &ee, 1, (int)(random32() % 5));
        (void)close(ep);
        break;
    case 8: /* to a socket, on the way in which it is the only one */
    {
        int pair[2];
        char control[CMSG_SPACE(sizeof(int))] = {0};
        struct iovec iov = {buf, 1};
        struct msghdr m = {.msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof(control)};
        struct cmsghdr *h = CMSG_FIRSTHDR(&m);

        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
            break;
        *h = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(h), &fd, sizeof(fd));
        (void)sendmsg(pair[0], &m, 0);
        (void)close(pair[0]);
        (void)close(pair[1]);
        break;
    }
    default:
        (void)poll(&pfd, 1, (int)(random32() % 10));
    }
}

/* Another thread of a reader: asks, waits and maps while the first closes. */
static void *meddle(void *arg)
{
    (void)arg;
    for (;;) {
        int fd = shared_fd;

        usleep(random32() % 1000);
        if (fd < 0)
            continue;
        if (random32() % 2)
            any_other_call(fd);
        else
            any_ioctl(fd);
    }
    return NULL;
}

static void attack(uint64_t seed)
{
    pthread_t t;

    random_state = seed | 1;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)alarm(10); /* mapped to death, it begins anew */
    (void)signal(SIGPIPE, SIG_IGN);
    if (pthread_create(&t, NULL, meddle, NULL))
        _exit(1);
    for (;;) {
        struct reader r = {.fd = -1};
        const char *what;
        int fd;

        if (random32() % 4 == 0) /* may go, and comes again */
            count(&done->unloaded, module_unload() == 0);
        if (access(DEVICE, F_OK) < 0)
            (void)module_load(module);
        if (random32() % 3 == 0 && reader_open(&r, &what) == 0)
            fd = r.fd;
        else
            fd = open(DEVICE, (int)(random32() % 4) | (random32() % 2 ? O_NONBLOCK : 0));
        if (fd < 0) {
            usleep(random32() % 1000);
            continue;
        }
        count(&done->opened, true);
        shared_fd = fd;
        for (uint32_t i = random32() % 40; i > 0; i--)
            switch (random32() % 8) {
            case 0:
                any_other_call(fd);
                break;
            case 1:
                if (fork() == 0) {
                    if (r.pairs)
                        r.taken[0][0] = random32(); /* not mapped here: this ends it */
                    any_ioctl(fd);
                    _exit(0);
                }
                break;
            case 2:
            case 3:
                any_map(fd);
                break;
            default:
                any_ioctl(fd);
            }
        shared_fd = -1;
        if (random32() % 2)
            (void)close(fd), r.fd = -1;
        reader_close(&r);
        if (r.fd < 0)
            (void)close(fd);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
}

static unsigned attack_for(unsigned seconds, uint64_t seed)
{
    pid_t pids[READERS] = {0}, load = load_begin(1);
    time_t end = time(NULL) + seconds;
    unsigned n = 0;

    while (time(NULL) < end) {
        for (int i = 0; i < READERS; i++) {
            if (pids[i] > 0 && waitpid(pids[i], NULL, WNOHANG) == 0)
                continue;
            pids[i] = fork();
            if (pids[i] == 0) {
                (void)setpgid(0, load);
                attack(seed + n);
            }
            n++;
        }
        usleep(20000);
    }
    load_end(load);
    return n;
}

/* ---- all is well afterwards ---- */

static int read_well(void)
{
    struct reader r;
    const char *what;
    int n = 0, e = -EBUSY;
    pid_t load = load_begin(1); /* before: it must not have what is open */

    for (int i = 0; i < 100 && e == -EBUSY; i++) { /* the last of them is being killed */
        usleep(100000);
        if (access(DEVICE, F_OK) < 0)
            (void)module_load(module);
        e = reader_open(&r, &what);
    }
    check("a reader in the end", e, 0);
    for (int i = 0; e == 0 && i < 50; i++) {
        int got = reader_take(&r);

        check("records are whole", got < 0, 0);
        n += got > 0 ? got : 0;
        usleep(20000);
    }
    load_end(load);
    if (e == 0)
        reader_close(&r);
    check("no records", n == 0, 0);
    check("it goes", module_unload(), 0);
    check("and comes", module_load(module), 0);
    return n;
}

int main(int argc, char **argv)
{
    unsigned seconds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0, n;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : (uint64_t)time(NULL);
    int records;

    if (!seconds) {
        fprintf(stderr, "usage: hostile MODULE SECONDS [SEED]\n");
        return 2;
    }
    module = argv[1];
    done = mmap(NULL, sizeof(*done), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (done == MAP_FAILED)
        abort();
    n = attack_for(seconds, seed);
    records = read_well();
    printf("%s%u readers in %u s, seed %llu: opened %lu times, %lu requests and %lu mappings made, "
           "positions written %lu times, unloaded %lu times; then one got %d records\n",
           bad ? "failed: " : "", n, seconds, (unsigned long long)seed, done->opened, done->asked,
           done->mapped, done->written, done->unloaded, records);
    if (!done->opened || !done->asked || !done->mapped || !done->written || !done->unloaded) {
        printf("they were refused everything of a kind\n");
        bad = 1;
    }
    return bad;
}
