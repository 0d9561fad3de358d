/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include "../../plugins/sources/kmod/kmod_device.h"
#include "../../plugins/sources/kmod/module/device_abi.h"
#include "../lib/fake_host.h"
#include "syscall/syscall.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <gyr/plugin.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

const struct gyr_plugin *gyr_plugin_query_kmod(uint32_t host_abi);

enum { MB = 1 << 20 };

/* A module that is this test: its device is a file without data, its ioctl() the one below. */
static struct {
    char path[64];
    bool is_there; /* else ioctl() says that there is no such device */
    int refuses;   /* errno of what follows the greeting */
    struct gyr_hello hello;
    struct gyr_rings rings;
    struct probe_conf conf;
    uint32_t flags, n_rings, n_wants;
    uint64_t lost;
} module;

int ioctl(int fd, unsigned long request, ...) /* NOLINT: libc's, for this program */
{
    va_list ap;
    void *p;

    va_start(ap, request);
    p = va_arg(ap, void *);
    va_end(ap);
    assert_true(fd >= 0);
    errno = module.is_there ? module.refuses : ENOTTY;
    if (module.is_there && request == GYR_IOC_HELLO)
        memcpy(p, &module.hello, sizeof(module.hello));
    else if (errno)
        return -1;
    else if (request == GYR_IOC_RINGS && module.n_rings++ == 0)
        memcpy(&module.rings, p, sizeof(module.rings));
    else if (request == GYR_IOC_WANT && ++module.n_wants)
        memcpy(&module.conf, p, sizeof(module.conf));
    else if (request == GYR_IOC_FLAGS)
        memcpy(&module.flags, p, sizeof(module.flags));
    else if (request == GYR_IOC_COUNTS)
        for (uint32_t i = 0; i < ((struct gyr_counts *)p)->n; i++)
            ((struct probe_count *)(uintptr_t)((struct gyr_counts *)p)->to)[i].lost[PROBE_OTHER] =
                module.lost;
    else
        fail_msg("request %lx", request);
    return 0;
}

static struct device device = {.fd = -1};
static struct gyr_error err;
static const struct device_options options = {
    .ring_bytes = 3 * MB, .state_ring_bytes = 64 << 10, .snaplen = 123, .boot_ns = 456};

static int setup(void **state)
{
    int fd;

    (void)state;
    memset(&module, 0, sizeof(module));
    memcpy(module.path, "/tmp/gyr-kmod-XXXXXX", sizeof("/tmp/gyr-kmod-XXXXXX"));
    fd = mkstemp(module.path);
    if (fd < 0 || ftruncate(fd, (off_t)16 << GYR_RING_SHIFT) < 0)
        return -1;
    (void)close(fd);
    module.is_there = true;
    module.hello = (struct gyr_hello){.abi = GYR_ABI,
                                      .conf_size = sizeof(struct probe_conf),
                                      .fingerprint = gyr_fingerprint(),
                                      .n_cpus = 3,
                                      .version = "0.1.0"};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_close(&device);
    (void)unlink(module.path);
    return 0;
}

static void fails(const char *path, int code, const char *text)
{
    assert_int_equal(device_open(&device, path, &options, &err), code);
    if (!strstr(err.msg, text))
        fail_msg("'%s' says nothing of '%s'", err.msg, text);
    assert_int_equal(device.fd, -1);
}

static void absent(void **state)
{
    (void)state;
    fails("/nonexistent/gyr", -ENOENT, "there is no /nonexistent/gyr: the kernel module is not");
}

static void opens(void **state)
{
    (void)state;
    assert_int_equal(device_open(&device, module.path, &options, &err), 0);
    assert_int_equal(device.n_cpus, 3);
    assert_int_equal(module.rings.pairs, 3);
    assert_int_equal(module.rings.bytes[PROBE_OTHER], 4 * MB);
    assert_int_equal(module.rings.bytes[PROBE_STATE], 64 << 10);
    assert_int_equal(device.n_rings, 6);
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(device.rings[i].fd, device.fd);
        assert_int_equal(device.rings[i].at, (uint64_t)i << 32);
        assert_int_equal(device.rings[i].size, i % 2 ? 64 << 10 : 4 * MB);
    }
    assert_int_equal(fcntl(device.fd, F_GETFD), FD_CLOEXEC);
    /* again: what is open stays */
    assert_int_equal(device_open(&device, module.path, &options, &err), 0);
    assert_int_equal(module.n_rings, 1);
}

static void wants(void **state)
{
    const uint64_t types[8] = {[EV_SYSCALL_EXECVE_19_X / 64] = UINT64_C(1)
                                                               << EV_SYSCALL_EXECVE_19_X % 64};
    const struct gyr_want w = {.size = sizeof(w), .n_type_words = 8, .types = types};

    (void)state;
    assert_int_equal(device_open(&device, module.path, &options, &err), 0);
    assert_true(device_want(&device, &w, &err) > 0);
    assert_int_equal(module.conf.hooks, PROBE_HOOK_EXEC);
    assert_int_equal(module.conf.snaplen, 123);
    assert_int_equal(module.conf.epoch_ns, 456);
    for (uint32_t cpu = 0; cpu < 3; cpu++)
        assert_int_equal(module.conf.ring[cpu], cpu);
    assert_int_equal(device_want(&device, NULL, &err), 0);
    assert_int_equal(module.conf.hooks, 0);
    assert_int_equal(device_flags(&device, GYR_EVF_SNAPSHOT, &err), 0);
    assert_int_equal(module.flags, GYR_EVF_SNAPSHOT);
    module.lost = 5;
    device_count(&device);
    assert_int_equal(device.counts[2].lost[PROBE_OTHER], 5);
    module.refuses = ENOMEM;
    assert_int_equal(device_want(&device, &w, &err), -ENOMEM);
    assert_non_null(strstr(err.msg, "cannot trace what is wanted: Cannot allocate"));
    assert_int_equal(device_flags(&device, 0, &err), -ENOMEM);
}

/* What answers is not ours, or not of this version. */
static void others(void **state)
{
    const struct gyr_hello hello = module.hello;

    (void)state;
    module.is_there = false;
    fails(module.path, -ENOTTY, "is not of Gyr's kernel module, or of another version");
    module.is_there = true;
    module.hello.abi++;
    fails(module.path, -EPROTO, "the loaded kernel module (0.1.0) was built from other sources");
    module.hello = hello;
    module.hello.conf_size--;
    fails(module.path, -EPROTO, "was built from other sources");
    module.hello = hello;
    module.hello.fingerprint++;
    fails(module.path, -EPROTO, "was built from other sources");
    module.hello = hello;
    memset(module.hello.version, 'x', sizeof(module.hello.version));
    module.hello.n_cpus = PROBE_CPUS + 1;
    fails(module.path, -EPROTO, "tells of 1025 CPUs");
    module.hello = hello;
    module.hello.n_cpus = 0;
    fails(module.path, -EPROTO, "tells of 0 CPUs");
    module.hello = hello;
    module.refuses = EINVAL;
    fails(module.path, -EINVAL, "refuses 3 rings of 4194304 bytes and as many of 65536");
}

static void no_permission(void **state)
{
    (void)state;
    if (geteuid() == 0 && seteuid(65534) < 0)
        skip();
    fails("/proc/1/mem", -EACCES, "may not be opened: that needs root and CAP_SYS_ADMIN");
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
}

/* The plugin on it, from start to end and once more. */
static void plugin(void **state)
{
    const struct gyr_plugin *p = gyr_plugin_query_kmod(0);
    const struct gyr_event *slots[64];
    struct gyr_batch b = {.size = sizeof(b), .cap = 64, .timeout_ms = 1, .ev = slots};
    const struct gyr_want w = {.size = sizeof(w)};
    struct fake_host host;
    struct {
        const char *device;
        uint64_t ring_size, state_ring_size, snaplen;
        int64_t cpus_per_ring;
    } cfg = {module.path, 64 << 10, 64 << 10, 80, 0};
    uint32_t ends = 0;
    void *self;

    (void)state;
    assert_int_equal(sizeof(cfg), p->config_size);
    fake_host_init(&host);
    assert_int_equal(p->create(&host.host, &cfg, &self, &err), 0);
    for (uint32_t round = 1; round <= 2; round++) {
        assert_int_equal(p->start(self, &err), 0);
        assert_int_equal(p->source->want(self, &w, &err), 0);
        assert_int_equal(module.flags, GYR_EVF_SNAPSHOT);
        for (int i = 0; i < 100000 && ends < round; i++) {
            assert_int_equal(p->source->next_batch(self, &b, &err), 0);
            for (uint32_t k = 0; k < b.n; k++)
                ends += b.ev[k]->type == GYR_EV_SNAPSHOT_END;
        }
        assert_int_equal(ends, round);
        assert_int_equal(module.flags, 0);
        assert_int_equal(p->source->want(self, &w, &err), 0);
        assert_int_equal(module.n_wants, 3 * round - 1);
        p->stop(self);
        assert_int_equal(module.n_wants, 3 * round); /* nothing is traced any more */
    }
    assert_non_null(strstr(host.log, "every system call, by the kernel module 0.1.0"));
    p->destroy(self);
    module.is_there = false;
    assert_int_equal(p->create(&host.host, &cfg, &self, &err), 0);
    assert_int_equal(p->start(self, &err), -ENOTTY);
    p->destroy(self);
    (void)fake_host_free(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(absent, setup, teardown),
        cmocka_unit_test_setup_teardown(opens, setup, teardown),
        cmocka_unit_test_setup_teardown(wants, setup, teardown),
        cmocka_unit_test_setup_teardown(others, setup, teardown),
        cmocka_unit_test_setup_teardown(no_permission, setup, teardown),
        cmocka_unit_test_setup_teardown(plugin, setup, teardown),
    };

    return cmocka_run_group_tests_name("kmod_device", tests, NULL, NULL);
}
