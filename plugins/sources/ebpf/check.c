/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine may lack for eBPF programs to be loaded, each told in a sentence. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <gyr/util.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { OLDEST_MAJOR = 5, OLDEST_MINOR = 8 };

static uint32_t number_at(const char **p)
{
    uint32_t n = 0;

    for (; **p >= '0' && **p <= '9' && n < 100000; (*p)++)
        n = n * 10 + (uint32_t)(**p - '0');
    return n;
}

static int check_version(struct gyr_error *err)
{
    struct utsname u;
    const char *p = u.release;
    uint32_t major, minor = 0;

    if (uname(&u) < 0)
        return 0;
    major = number_at(&p);
    if (*p++ == '.')
        minor = number_at(&p);
    if (major > OLDEST_MAJOR || (major == OLDEST_MAJOR && minor >= OLDEST_MINOR))
        return 0;
    return gyr_fail(err, -ENOSYS, "this kernel is %.60s; eBPF as it is needed came with %d.%d",
                    u.release, OLDEST_MAJOR, OLDEST_MINOR);
}

static int check_capabilities(struct gyr_error *err)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0}};
    static const struct {
        int cap;
        const char *name, *what;
    } needed[] = {
        {CAP_BPF, "CAP_BPF", "to load programs"},
        {CAP_PERFMON, "CAP_PERFMON", "to attach them and to read the kernel's memory"},
    };

    if (syscall(SYS_capget, &head, data) < 0)
        return 0;
#define HAS(cap) (data[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap))
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if (!HAS(needed[i].cap) && !HAS(CAP_SYS_ADMIN))
            return gyr_fail(err, -EPERM, "%s is missing, %s; run as root, or grant it",
                            needed[i].name, needed[i].what);
#undef HAS
    return 0;
}

static int check_lockdown(struct gyr_error *err)
{
    char text[128];
    int fd = open("/sys/kernel/security/lockdown", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

    if (fd >= 0)
        (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    if (!strstr(text, "[confidentiality]"))
        return 0;
    return gyr_fail(
        err, -EPERM,
        "the kernel is locked down for confidentiality, so that no program may read its "
        "memory");
}

int probe_check(struct gyr_error *err)
{
    int r = check_version(err);

    if (r == 0 && access("/sys/kernel/btf/vmlinux", R_OK) < 0)
        r = gyr_fail(err, -errno,
                     "the kernel does not tell its types: /sys/kernel/btf/vmlinux cannot be read "
                     "(%s); it wants CONFIG_DEBUG_INFO_BTF",
                     strerror(errno));
    if (r == 0)
        r = check_capabilities(err);
    if (r == 0)
        r = check_lockdown(err);
    return r;
}

/* ---- preemption ---- */

static const char *const models[] = {"none", "voluntary", "full", "lazy"};
enum { MODEL_FULL = 2, N_MODELS = 4 };

/* Which model the text names with @p before and @p after it; N_MODELS: none. */
static size_t model_in(const char *path, const char *before, const char *after)
{
    char text[4096], name[32];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    size_t i = 0;

    if (fd >= 0)
        (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    for (; i < N_MODELS; i++) {
        (void)snprintf(name, sizeof(name), "%s%s%s", before, models[i], after);
        if (strstr(text, name))
            break;
    }
    return i;
}

int probe_check_preemption(struct gyr_error *err)
{
    struct utsname u;
    size_t model;

    if (uname(&u) < 0 || !strstr(u.version, "PREEMPT"))
        return 0;
    model = MODEL_FULL;
    if (strstr(u.version, "PREEMPT_DYNAMIC")) {
        model = model_in("/sys/kernel/debug/sched/preempt", "(", ")");
        if (model == N_MODELS)
            model = model_in("/proc/cmdline", "preempt=", "");
    }
    if (model < MODEL_FULL)
        return 0;
    if (model == N_MODELS)
        return gyr_fail(err, -ENODATA,
                        "/sys/kernel/debug/sched/preempt does not tell whether this kernel may "
                        "interrupt a program of a function by another thread's");
    return gyr_fail(err, -EBUSY,
                    "this kernel may interrupt a program of a function by another thread's, and "
                    "does not run the second then");
}
