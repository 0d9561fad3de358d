/* SPDX-License-Identifier: Apache-2.0 */
/* refused: what a reader of the loaded module must be refused, as root and as somebody else, one by
 * one. */
#include "module.h"

#include <grp.h>

static long result(long r)
{
    return r < 0 ? -errno : r;
}

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

int main(void)
{
    refuse();
    printf("%s%u things were tried, and refused where they must be\n", bad ? "failed: " : "",
           checks);
    return bad;
}
