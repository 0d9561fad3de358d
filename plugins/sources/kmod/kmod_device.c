/* SPDX-License-Identifier: Apache-2.0 */
#include "kmod_device.h"

#include "live/calls.h"
#include "module/device_abi.h"

#include <errno.h>
#include <fcntl.h>
#include <gyr/util.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

_Static_assert(sizeof(off_t) == 8, "rings lie gigabytes apart");
_Static_assert(sizeof(((struct device *)0)->version) == sizeof(((struct gyr_hello *)0)->version),
               "one length of versions");

/* Has the module been built for this kernel? */
static bool is_installed(const char *release)
{
    char path[sizeof(((struct utsname *)0)->release) + 32], *line = NULL;
    size_t cap = 0;
    bool found = false;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", release);
    f = fopen(path, "re");
    while (f && !found && getline(&line, &cap, f) > 0) {
        char *end = strchr(line, ':');

        if (end)
            *end = '\0';
        found = strstr(line, "/gyr.ko");
    }
    free(line);
    if (f)
        (void)fclose(f);
    return found;
}

static int fail_absent(const char *path, int code, struct gyr_error *err)
{
    struct utsname u = {.release = "?"};

    (void)uname(&u);
    if (access("/sys/module/gyr", F_OK) == 0)
        return gyr_fail(err, code,
                        "there is no %s, though the kernel module is loaded: a container must be "
                        "given it (--device /dev/gyr)",
                        path);
    if (is_installed(u.release))
        return gyr_fail(err, code,
                        "there is no %s: the kernel module is not loaded ('modprobe gyr')", path);
    return gyr_fail(err, code,
                    "there is no %s: the kernel module is not loaded, nor built for this kernel "
                    "(%.64s); docs/live.md tells how: 'make kmod', or DKMS",
                    path, u.release);
}

static int fail_open(const char *path, int code, struct gyr_error *err)
{
    switch (-code) {
    case ENOENT:
    case ENXIO:
    case ENODEV:
        return fail_absent(path, code, err);
    case EBUSY:
        return gyr_fail(err, code,
                        "%s is open already, and has room for one reader: is another "
                        "Gyr running?",
                        path);
    case EACCES:
    case EPERM:
        return gyr_fail(err, code, "%s may not be opened: that needs root and CAP_SYS_ADMIN", path);
    default:
        return gyr_fail(err, code, "%s cannot be opened: %s", path, strerror(-code));
    }
}

static int say_hello(struct device *d, struct gyr_error *err)
{
    struct gyr_hello h = {0};

    if (ioctl(d->fd, GYR_IOC_HELLO, &h) < 0)
        return gyr_fail(err, -errno, "%s is not of Gyr's kernel module, or of another version: %s",
                        d->path, strerror(errno));
    h.version[sizeof(h.version) - 1] = '\0';
    if (h.abi != GYR_ABI || h.conf_size != sizeof(d->conf) || h.fingerprint != gyr_fingerprint())
        return gyr_fail(err, -EPROTO,
                        "the loaded kernel module (%s) was built from other sources than this "
                        "plugin: build and load the one that came with it",
                        h.version);
    if (h.n_cpus == 0 || h.n_cpus > PROBE_CPUS)
        return gyr_fail(err, -EPROTO, "%s tells of %u CPUs", d->path, h.n_cpus);
    d->n_cpus = h.n_cpus;
    memcpy(d->version, h.version, sizeof(d->version));
    return 0;
}

static int make_rings(struct device *d, const struct device_options *o, struct gyr_error *err)
{
    uint32_t per = o->cpus_per_ring, pairs = rings_pairs(d->n_cpus, &per);
    struct gyr_rings r = {.pairs = pairs};

    r.bytes[PROBE_OTHER] = rings_bytes(o->ring_bytes);
    r.bytes[PROBE_STATE] = rings_bytes(o->state_ring_bytes);
    d->counts = calloc(d->n_cpus, sizeof(*d->counts));
    d->rings = calloc(PROBE_CLASSES * (size_t)pairs, sizeof(*d->rings));
    if (!d->counts || !d->rings)
        return gyr_fail(err, -ENOMEM, "no memory");
    if (ioctl(d->fd, GYR_IOC_RINGS, &r) < 0)
        return gyr_fail(err, -errno,
                        "the kernel module refuses %u rings of %llu bytes and as many of %llu: "
                        "%s; 'ring_size' and 'cpus_per_ring' make them smaller and fewer, all "
                        "together are a quarter of the memory at most",
                        pairs, (unsigned long long)r.bytes[PROBE_OTHER],
                        (unsigned long long)r.bytes[PROBE_STATE], strerror(errno));
    rings_assign(pairs, per, d->conf.ring);
    for (; d->n_rings < PROBE_CLASSES * pairs; d->n_rings++)
        d->rings[d->n_rings] = (struct ring_place){.fd = d->fd,
                                                   .size = r.bytes[d->n_rings % PROBE_CLASSES],
                                                   .at = (uint64_t)d->n_rings << GYR_RING_SHIFT};
    return 0;
}

int device_open(struct device *d, const char *path, const struct device_options *o,
                struct gyr_error *err)
{
    int r = 0;

    if (d->fd < 0) {
        *d = (struct device){.path = path, .fd = open(path, O_RDWR | O_CLOEXEC)};
        r = d->fd < 0 ? fail_open(path, -errno, err) : say_hello(d, err);
        if (r == 0)
            r = make_rings(d, o, err);
    }
    d->conf.snaplen = o->snaplen;
    d->conf.epoch_ns = o->boot_ns;
    if (r < 0)
        device_close(d);
    return r;
}

void device_close(struct device *d)
{
    if (d->fd >= 0)
        (void)close(d->fd);
    free(d->rings);
    free(d->counts);
    *d = (struct device){.fd = -1};
}

int device_want(struct device *d, const struct gyr_want *w, struct gyr_error *err)
{
    uint32_t n = calls_want(&d->conf, w);

    if (ioctl(d->fd, GYR_IOC_WANT, &d->conf) < 0)
        return gyr_fail(err, -errno, "the kernel module cannot trace what is wanted: %s",
                        strerror(errno));
    return (int)n;
}

int device_flags(struct device *d, uint32_t flags, struct gyr_error *err)
{
    if (ioctl(d->fd, GYR_IOC_FLAGS, &flags) < 0)
        return gyr_fail(err, -errno, "the kernel module does not take flags: %s", strerror(errno));
    return 0;
}

void device_count(struct device *d)
{
    struct gyr_counts c = {.n = d->n_cpus, .to = (uintptr_t)d->counts};

    (void)ioctl(d->fd, GYR_IOC_COUNTS, &c); /* what could fail is what we ask, which is constant */
}
