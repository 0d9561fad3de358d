/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile MODULE SECONDS [SEED]: what a reader of the module may do wrong, as root. First what it
 * must be refused, one by one; then several readers at once that do all of it and more at random,
 * while processes make calls, threads close what others read, and the module is loaded and
 * unloaded; then a reader that does everything right. The kernel's own messages tell the rest:
 * boot.sh looks for them.
 */
#include "module.h"

#include <grp.h>
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
static int bad;

static void check(const char *what, long got, long want)
{
    if (got == want)
        return;
    printf("%s: %ld, not %ld\n", what, got, want);
    bad = 1;
}

static long result(long r)
{
    return r < 0 ? -errno : r;
}

/* ---- what must be refused ---- */

static long map(int fd, size_t len, int prot, int flags, off_t at)
{
    void *p = mmap(NULL, len, prot, flags, fd, at);

    if (p == MAP_FAILED)
        return -errno;
    (void)munmap(p, len);
    return 0;
}

static void refuse_maps(int fd)
{
    off_t far = (off_t)2 * 8 << GYR_RING_SHIFT;
    char *p;

    check("all of a ring, to read", map(fd, RING_MAPPED, PROT_READ, MAP_SHARED, 0), 0);
    check("to write", map(fd, RING_MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED, 0), -EPERM);
    check("data to write", map(fd, PAGE, PROT_WRITE, MAP_SHARED, 2 * PAGE), -EPERM);
    check("the writers' page to write", map(fd, PAGE, PROT_WRITE, MAP_SHARED, PAGE), -EPERM);
    check("two pages to write", map(fd, 2 * PAGE, PROT_WRITE, MAP_SHARED, 0), -EPERM);
    check("to execute", map(fd, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, 0), -EPERM);
    check("a page too much", map(fd, RING_MAPPED + PAGE, PROT_READ, MAP_SHARED, 0), -EINVAL);
    check("behind it", map(fd, PAGE, PROT_READ, MAP_SHARED, RING_MAPPED), -EINVAL);
    check("no such ring", map(fd, PAGE, PROT_READ, MAP_SHARED, far), -EINVAL);
    check("the last offset", map(fd, PAGE, PROT_READ, MAP_SHARED, INT64_MAX & ~(PAGE - 1)) < 0, 1);
    check("privately", map(fd, PAGE, PROT_READ, MAP_PRIVATE, 0), -EINVAL);
    check("privately, to write", map(fd, PAGE, PROT_WRITE, MAP_PRIVATE, 0), -EINVAL);
    p = mmap(NULL, RING_MAPPED, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        check("mapped again", -errno, 0);
        return;
    }
    check("made writable", result(mprotect(p, RING_MAPPED, PROT_READ | PROT_WRITE)), -EACCES);
    check("a page of it", result(mprotect(p + 3 * PAGE, PAGE, PROT_WRITE)), -EACCES);
    check("made executable", result(mprotect(p, PAGE, PROT_READ | PROT_EXEC)), -EACCES);
    check("grown", mremap(p, RING_MAPPED, 2 * RING_MAPPED, MREMAP_MAYMOVE) == MAP_FAILED, 1);
    (void)munmap(p, RING_MAPPED);
}

static void refuse_requests(int fd)
{
    struct gyr_rings rings = {.pairs = 1, .bytes = {RING_BYTES, RING_BYTES}};
    struct gyr_counts counts = {.first = UINT32_MAX, .n = 2};
    struct probe_conf *c = malloc(sizeof(*c));

    if (!c)
        abort();
    check("rings twice", result(ioctl(fd, GYR_IOC_RINGS, &rings)), -EBUSY);
    check("counts beyond the CPUs", result(ioctl(fd, GYR_IOC_COUNTS, &counts)), -EINVAL);
    counts = (struct gyr_counts){.n = 1, .to = 0xffffffff81000000};
    check("counts into the kernel", result(ioctl(fd, GYR_IOC_COUNTS, &counts)), -EFAULT);
    check("hello into the kernel", result(ioctl(fd, GYR_IOC_HELLO, 0xffff888000000000)), -EFAULT);
    check("no such request", result(ioctl(fd, _IO(0xc9, 77), 0)), -ENOTTY);
    check("one of another size", result(ioctl(fd, _IOW(0xc9, 2, char), c)), -ENOTTY);
    want_all(c, 1);
    c->snaplen = PROBE_DATA_MAX + 1;
    check("longer data than there may be", result(ioctl(fd, GYR_IOC_WANT, c)), -EINVAL);
    want_all(c, 1);
    c->ring[PROBE_CPUS - 1] = UINT16_MAX;
    check("a ring that is none", result(ioctl(fd, GYR_IOC_WANT, c)), -EINVAL);
    want_all(c, 1);
    c->hooks = UINT32_MAX;
    check("hooks that are none", result(ioctl(fd, GYR_IOC_WANT, c)), -EINVAL);
    free(c);
}

static void refuse_rings(void)
{
    static const struct gyr_rings wrong[] = {
        {0},
        {.pairs = UINT32_MAX, .bytes = {RING_BYTES, RING_BYTES}},
        {.pairs = 1, .bytes = {RING_BYTES, 0}},
        {.pairs = 1, .bytes = {RING_BYTES, PAGE / 2}},
        {.pairs = 1, .bytes = {RING_BYTES, 3 * PAGE}},
        {.pairs = 1, .bytes = {UINT64_MAX, RING_BYTES}},
        {.pairs = 1, .bytes = {1ull << 63, 1ull << 63}},
        {.pairs = 1, .bytes = {1ull << 30, 1ull << 30}}, /* more than a quarter of the memory */
        {.pairs = 1, .reserved = 1, .bytes = {RING_BYTES, RING_BYTES}},
    };
    int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

    check("no rings to map yet", map(fd, PAGE, PROT_READ, MAP_SHARED, 0), -EINVAL);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        check("rings of a wrong size", result(ioctl(fd, GYR_IOC_RINGS, &wrong[i])), -EINVAL);
    (void)close(fd);
}

static void refuse_users(void)
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        if (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
            _exit(1);
        _exit(open(DEVICE, O_RDONLY) < 0 && errno == EACCES ? 0 : 2);
    }
    (void)waitpid(pid, &status, 0);
    check("another user opens it", status, 0);
    pid = fork();
    if (pid == 0) { /* root without the capability */
        struct {
            uint32_t version;
            int pid;
        } head = {0x20080522, 0};
        uint32_t none[6] = {0};

        if (syscall(SYS_capset, &head, none) < 0)
            _exit(1);
        _exit(open(DEVICE, O_RDONLY) < 0 && errno == EPERM ? 0 : 2);
    }
    (void)waitpid(pid, &status, 0);
    check("root without capabilities opens it", status, 0);
}

/* A child has no mapping of its parent's, and its descriptor alone keeps the module. */
static void fork_while_mapped(struct reader *r)
{
    pid_t pid = fork();
    int status = -1, go[2];
    char c;

    if (pid == 0)
        _exit(*(volatile uint8_t *)r->ring[0]);
    (void)waitpid(pid, &status, 0);
    check("a child reads what its parent mapped", WIFSIGNALED(status) ? WTERMSIG(status) : 0,
          SIGSEGV);
    if (pipe(go) < 0)
        abort();
    pid = fork();
    if (pid == 0) {
        (void)close(go[1]);
        _exit(read(go[0], &c, 1) != 0);
    }
    (void)close(go[0]);
    reader_close(r);
    check("a second reader, while a child has the device", result(open(DEVICE, O_RDWR)), -EBUSY);
    check("unloaded while a child has the device", module_unload(), -EWOULDBLOCK);
    (void)close(go[1]);
    (void)waitpid(pid, &status, 0);
}

static void refuse(void)
{
    struct reader r;
    const char *what;

    refuse_users();
    refuse_rings();
    check("a reader", reader_open(&r, &what), 0);
    if (r.fd < 0)
        return;
    check("a second reader", result(open(DEVICE, O_RDWR)), -EBUSY);
    check("unloaded while it is open", module_unload(), -EWOULDBLOCK);
    refuse_requests(r.fd);
    refuse_maps(r.fd);
    fork_while_mapped(&r);
    check("a reader after all that", reader_open(&r, &what), 0);
    if (r.fd >= 0)
        reader_close(&r);
}

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
    if (access(DEVICE, F_OK) < 0)
        check("it loads", module_load(module), 0);
    refuse();
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
