/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the kernel module share: loading it, its device, and processes that keep it
 * busy. */
#ifndef GUEST_MODULE_H
#define GUEST_MODULE_H

#include "../../../plugins/sources/kmod/module/device_abi.h"

#include <linux/bpf.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEVICE "/dev/gyr"

enum { PAGE = 4096, RING_BYTES = 64 << 10, RING_MAPPED = 2 * PAGE + 2 * RING_BYTES };

/* How many there are; probe_conf.calls has them from 1. */
enum {
    N_ENCODERS = 0
#define ENCODER(name, type, class) +1
#include "probe/encoders.def"
#undef ENCODER
};

static uint64_t random_state = 1;
static inline uint32_t random32(void) /* xorshift*: a run is told by its seed */
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 0x2545f4914f6cdd1dull) >> 32);
}

static inline int module_load(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), r;

    if (fd < 0)
        return -errno;
    r = syscall(SYS_finit_module, fd, "", 0) < 0 ? -errno : 0;
    (void)close(fd);
    return r;
}

static inline int module_unload(void)
{
    return syscall(SYS_delete_module, "gyr", O_NONBLOCK) < 0 ? -errno : 0;
}

/* Every call, each by the encoder of some other: what is a pointer to one is a number to the next.
 */
static inline void want_all(struct probe_conf *c, uint32_t pairs)
{
    memset(c, 0, sizeof(*c));
    c->snaplen = random32() % (PROBE_DATA_MAX + 1);
    c->hooks = PROBE_HOOK_EXEC | PROBE_HOOK_FORK | PROBE_HOOK_EXIT | PROBE_HOOK_SIGNAL;
    for (uint32_t i = 0; i < PROBE_CPUS; i++)
        c->ring[i] = (uint16_t)(i % pairs);
    for (uint32_t i = 0; i < PROBE_NRS; i++)
        c->calls[i] = (uint8_t)(1 + random32() % N_ENCODERS);
    for (uint32_t i = 0; i < PROBE_NRS32; i++)
        c->calls32[i] = (uint8_t)(1 + random32() % N_ENCODERS);
}

/* What was looked at, and whether something was not as it should be, which is told. */
static unsigned checks;
static int bad;

static inline void check(const char *what, long got, long want)
{
    checks++;
    if (got == want)
        return;
    printf("%s: %ld, not %ld\n", what, got, want);
    bad = 1;
}

struct reader {
    int fd;
    uint32_t pairs;
    uint8_t *ring[2 * 8]; /* mapped read-only, all of it */
    uint64_t *taken[2 * 8];
};

static inline void reader_close(struct reader *r)
{
    for (uint32_t i = 0; i < 2 * r->pairs; i++) {
        if (r->ring[i])
            (void)munmap(r->ring[i], RING_MAPPED);
        if (r->taken[i])
            (void)munmap(r->taken[i], PAGE);
    }
    if (r->fd >= 0)
        (void)close(r->fd);
    *r = (struct reader){.fd = -1};
}

/* @return 0, or what failed as -errno, told in @what */
static inline int reader_open(struct reader *r, const char **what)
{
    struct gyr_rings rings = {.bytes = {RING_BYTES, RING_BYTES}};
    struct gyr_hello hello;
    struct probe_conf *conf;
    int e;

    *r = (struct reader){.fd = open(DEVICE, O_RDWR | O_CLOEXEC)};
    *what = "open";
    if (r->fd < 0)
        return -errno;
    *what = "hello";
    if (ioctl(r->fd, GYR_IOC_HELLO, &hello) < 0)
        goto fail;
    rings.pairs = hello.n_cpus < 8 ? hello.n_cpus : 8;
    *what = "rings";
    if (ioctl(r->fd, GYR_IOC_RINGS, &rings) < 0)
        goto fail;
    r->pairs = rings.pairs;
    *what = "mmap";
    for (uint32_t i = 0; i < 2 * r->pairs; i++) {
        off_t at = (off_t)i << GYR_RING_SHIFT;
        void *p = mmap(NULL, RING_MAPPED, PROT_READ, MAP_SHARED, r->fd, at);

        if (p == MAP_FAILED)
            goto fail;
        r->ring[i] = p;
        p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, at);
        if (p == MAP_FAILED)
            goto fail;
        r->taken[i] = p;
    }
    *what = "want";
    conf = malloc(sizeof(*conf));
    if (!conf)
        abort();
    want_all(conf, r->pairs);
    e = ioctl(r->fd, GYR_IOC_WANT, conf) < 0;
    free(conf);
    if (!e)
        return 0;
fail:
    e = -errno;
    reader_close(r);
    return e;
}

/* Take what is there. @return how many records; -EPROTO when one is none */
static inline int reader_take(struct reader *r)
{
    int n = 0;

    for (uint32_t i = 0; i < 2 * r->pairs; i++) {
        const uint64_t *made = (const uint64_t *)(const void *)(r->ring[i] + PAGE);
        uint64_t at = *r->taken[i], end = __atomic_load_n(made, __ATOMIC_ACQUIRE);

        while (at < end) {
            const uint8_t *p = r->ring[i] + 2 * PAGE + (at & (RING_BYTES - 1));
            uint32_t len = __atomic_load_n((const uint32_t *)(const void *)p, __ATOMIC_ACQUIRE);
            const struct probe_event *ev = (const void *)(p + BPF_RINGBUF_HDR_SZ);

            if (len & BPF_RINGBUF_BUSY_BIT)
                break;
            if (len != ev->len || len % 8 || len < ev->hdr_len || len > RING_BYTES)
                return -EPROTO;
            at += len + BPF_RINGBUF_HDR_SZ;
            n++;
        }
        __atomic_store_n(r->taken[i], at, __ATOMIC_RELEASE);
    }
    return n;
}

/* ---- load ---- */

static void on_usr1(int sig)
{
    (void)sig;
}

static inline void churn_once(void)
{
    static int pair[2] = {-1, -1};
    char buf[256];
    int fd = open("/proc/self/stat", O_RDONLY);
    pid_t pid;

    if (pair[0] < 0 && pipe(pair) < 0)
        _exit(1);
    if (fd >= 0) {
        (void)!read(fd, buf, sizeof(buf));
        (void)close(fd);
    }
    (void)!write(pair[1], buf, 100);
    (void)!read(pair[0], buf, 100);
    (void)raise(SIGUSR1);
    (void)open((const char *)1, O_RDONLY); /* no such address */
    pid = fork();
    if (pid == 0) {
        if (random32() % 4 == 0)
            (void)execl("/bin/true", "true", (char *)NULL);
        _exit(0);
    }
    if (pid > 0)
        (void)waitpid(pid, NULL, 0);
    usleep(random32() % 500);
}

/* @n processes that make calls without a pause, @n that are in one call for long and then in the
 * next; all of the group of the first, whose number is returned. */
static inline pid_t load_begin(uint32_t n)
{
    pid_t group = 0;

    for (uint32_t i = 0; i < 2 * n; i++) {
        pid_t pid = fork();

        if (pid < 0)
            abort();
        if (pid > 0) {
            group = group ? group : pid;
            (void)setpgid(pid, group);
            continue;
        }
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)signal(SIGUSR1, on_usr1);
        random_state += i;
        for (;;)
            if (i < n)
                churn_once();
            else
                usleep(20000 + random32() % 200000);
    }
    return group;
}

static inline void load_end(pid_t group)
{
    (void)kill(-group, SIGKILL);
    while (waitpid(-group, NULL, 0) > 0)
        ;
}

#endif /* GUEST_MODULE_H */
