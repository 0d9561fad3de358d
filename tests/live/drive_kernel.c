/* SPDX-License-Identifier: Apache-2.0 */
/* What changes or asks the kernel itself: BPF, io_uring, modules, keys, quotas, limits, mounts. */
#include "live.h"

#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/quota.h>
#include <sys/prctl.h>
#include <sys/quota.h>
#include <sys/resource.h>

enum { PERMIT = -1, MISSING = -2, NO_PROCESS = -3, BAD_FD = -9, BAD_ADDRESS = -14, INVALID = -22 };
enum { CWD = -100, GONE_FD = 999 };

static void bpf(void)
{
    union bpf_attr attr;
    long fd;

    memset(&attr, 0, sizeof(attr));
    attr.map_type = BPF_MAP_TYPE_ARRAY;
    attr.key_size = 4;
    attr.value_size = 8;
    attr.max_entries = 1;
    fd = CALL(__NR_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
    EXPECT(EV_SYSCALL_BPF_2_X, N(fd), N(BPF_MAP_CREATE));
    if (fd >= 0)
        SETUP(__NR_close, fd);
    fd = CALL(__NR_bpf, BPF_PROG_LOAD, NULL, 8);
    EXPECT(EV_SYSCALL_BPF_2_X, N(fd), N(BPF_PROG_LOAD));
}

static void io_uring(void)
{
    struct io_uring_params p = {.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
                                .cq_entries = 16};
    long fd = CALL(__NR_io_uring_setup, 4, &p), ret;
    uint64_t mask = 0x200;

    if (fd < 0) {
        EXPECT(EV_SYSCALL_IO_URING_SETUP_X, N(fd), N(4), N(0), N(16), N(0x30), N(0), N(0), N(0));
    } else {
        EXPECT(EV_SYSCALL_IO_URING_SETUP_X, N(fd), N(4), N(p.sq_entries), N(p.cq_entries), N(0x30),
               N(p.sq_thread_cpu), N(p.sq_thread_idle), N(p.features & 0x7ff));
        ret = CALL(__NR_io_uring_enter, fd, 0, 0, IORING_ENTER_GETEVENTS, &mask, 8);
        EXPECT(EV_SYSCALL_IO_URING_ENTER_X, N(ret), N(fd), N(0), N(0), N(1),
               N((uint32_t)(uintptr_t)&mask));
        ret = CALL(__NR_io_uring_register, fd, IORING_UNREGISTER_BUFFERS, NULL, 0);
        EXPECT(EV_SYSCALL_IO_URING_REGISTER_X, N(ret), N(fd), N(1), N(0), N(0));
        SETUP(__NR_close, fd);
    }
    ret = CALL(__NR_io_uring_enter, GONE_FD, 3, 2, IORING_ENTER_SQ_WAKEUP, NULL, 0);
    EXPECT(EV_SYSCALL_IO_URING_ENTER_X, N(ret), N(GONE_FD), N(3), N(2), N(2), N(0));
    ret = CALL(__NR_io_uring_register, GONE_FD, IORING_REGISTER_FILES, 0x1234567890, 5);
    EXPECT(EV_SYSCALL_IO_URING_REGISTER_X, N(ret), N(GONE_FD), N(2), N(0x1234567890), N(5));
    ret = CALL(__NR_io_uring_setup, 0, &p);
    EXPECT(EV_SYSCALL_IO_URING_SETUP_X, N(ret), N(0), ANY, ANY, N(0x30), ANY, ANY, ANY);
}

/* What the kernel takes away late of a closed ring interrupts calls that wait: it must not be ours.
 */
static void io_uring_apart(void)
{
    long pid = child_begin();

    if (pid == 0) {
        io_uring();
        (void)CALL(__NR_exit_group, 0);
    }
    child_end(pid, 0);
}

static void modules(void)
{
    long fd = SETUP(__NR_open, "module", O_RDWR | O_CREAT, 0600), ret;

    ret = CALL(__NR_init_module, "not a module", 12, "a=1 b=2");
    EXPECT(EV_SYSCALL_INIT_MODULE_X, N(ret), B("not a module", 12), N(12), S("a=1 b=2"));
    ret = CALL(__NR_finit_module, fd, "debug=1", 1);
    EXPECT(EV_SYSCALL_FINIT_MODULE_X, N(ret), N(fd), S("debug=1"), N(1));
    ret = CALL(__NR_finit_module, GONE_FD, NULL, 0);
    EXPECT(EV_SYSCALL_FINIT_MODULE_X, N(ret), N(GONE_FD), NONE, N(0));
    ret = CALL(__NR_delete_module, "gyr_no_such_module", O_NONBLOCK);
    EXPECT(EV_SYSCALL_DELETE_MODULE_X, N(ret), S("gyr_no_such_module"), N(2));
    SETUP(__NR_close, fd);
    SETUP(__NR_unlink, "module");
}

/* How keyctl() arguments are recorded: a byte for the kind, then a number or a text. */
struct key_arg {
    uint8_t p[64];
};

static struct val key_num(struct key_arg *a, int64_t v)
{
    a->p[0] = 0;
    memcpy(a->p + 1, &v, 8);
    return B(a->p, 9);
}

static struct val key_text(struct key_arg *a, const char *s)
{
    a->p[0] = 1;
    memcpy(a->p + 1, s, strlen(s) + 1);
    return B(a->p, strlen(s) + 2);
}

static void keys(void)
{
    struct key_arg a, b, c, d;
    long ret = CALL(__NR_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1);

    EXPECT(EV_SYSCALL_KEYCTL_X, N(ret), N(KEYCTL_GET_KEYRING_ID),
           key_num(&a, KEY_SPEC_PROCESS_KEYRING), key_num(&b, 1), key_num(&c, 0), key_num(&d, 0));
    ret = CALL(__NR_keyctl, KEYCTL_SEARCH, KEY_SPEC_PROCESS_KEYRING, "user", "gyr:none", 0);
    EXPECT(EV_SYSCALL_KEYCTL_X, N(ret), N(KEYCTL_SEARCH), key_num(&a, KEY_SPEC_PROCESS_KEYRING),
           key_text(&b, "user"), key_text(&c, "gyr:none"), key_num(&d, 0));
    ret = CALL(__NR_keyctl, KEYCTL_REVOKE, 0x7ffffff0);
    EXPECT(EV_SYSCALL_KEYCTL_X, N(ret), N(KEYCTL_REVOKE), key_num(&a, 0x7ffffff0), key_num(&b, 0),
           key_num(&c, 0), key_num(&d, 0));
    ret = TRY(__NR_add_key, "user", "gyr:live", "x", 1, KEY_SPEC_PROCESS_KEYRING);
    ret = TRY(__NR_request_key, "user", "gyr:none", NULL, 0);
}

static void quotas(void)
{
    struct dqblk limits = {.dqb_bhardlimit = 100, .dqb_bsoftlimit = 90, .dqb_valid = QIF_BLIMITS};
    long ret = CALL(__NR_quotactl, QCMD(Q_SETQUOTA, USRQUOTA), "/dev/none", 77, &limits);

    EXPECT(EV_SYSCALL_QUOTACTL_X, N(ret), S("/dev/none"), NONE, N(100), N(90), N(0), N(0), N(0),
           N(0), N(0), N(0), N(0), N(0), N(1), N(0x40), N(1), N(77), N(1));
    ret = CALL(__NR_quotactl, QCMD(Q_QUOTAON, GRPQUOTA), "/dev/none", QFMT_VFS_V0, "/aquota.group");
    EXPECT(EV_SYSCALL_QUOTACTL_X, N(ret), S("/dev/none"), S("/aquota.group"), N(0), N(0), N(0),
           N(0), N(0), N(0), N(0), N(0), N(0), N(0), N(1), N(1), N(2), N(0), N(4));
    ret = CALL(__NR_quotactl, QCMD(Q_SYNC, USRQUOTA), NULL, 0, NULL);
    EXPECT(EV_SYSCALL_QUOTACTL_X, N(ret), NONE, NONE, N(0), N(0), N(0), N(0), N(0), N(0), N(0),
           N(0), N(0), N(0), N(1), N(0x80), N(1), N(0), N(1));
}

static void limits(void)
{
    struct rlimit old, now = {0, 0}, asked = {64, 128};
    (void)CALL(__NR_getrlimit, RLIMIT_NOFILE, &old);

    EXPECT(EV_SYSCALL_GETRLIMIT_X, N(0), N(old.rlim_cur), N(old.rlim_max), N(7));
    (void)CALL(__NR_getrlimit, 99, &now);
    EXPECT(EV_SYSCALL_GETRLIMIT_X, N(INVALID), N(-1), N(-1), N(0xff));
    (void)CALL(__NR_setrlimit, RLIMIT_NOFILE, &old);
    EXPECT(EV_SYSCALL_SETRLIMIT_X, N(0), N(old.rlim_cur), N(old.rlim_max), N(7));
    (void)CALL(__NR_setrlimit, 99, &asked);
    EXPECT(EV_SYSCALL_SETRLIMIT_X, N(INVALID), N(64), N(128), N(0xff));
    (void)CALL(__NR_prlimit64, 0, RLIMIT_NOFILE, &old, &now);
    EXPECT(EV_SYSCALL_PRLIMIT_X, N(0), N(old.rlim_cur), N(old.rlim_max), N(old.rlim_cur),
           N(old.rlim_max), N(0), N(7));
    (void)CALL(__NR_prlimit64, self_tid, RLIMIT_CORE, NULL, &now);
    EXPECT(EV_SYSCALL_PRLIMIT_X, N(0), N(0), N(0), N(now.rlim_cur), N(now.rlim_max), N(self_tid),
           N(4));
    (void)CALL(__NR_prlimit64, 0x3fffffff, RLIMIT_CPU, &asked, &now);
    EXPECT(EV_SYSCALL_PRLIMIT_X, N(NO_PROCESS), N(64), N(128), N(-1), N(-1), N(0x3fffffff), N(0));
}

static void prctls(void)
{
    char name[16] = "";
    int reaper = 0;
    (void)CALL(__NR_prctl, PR_SET_NAME, "gyr name");

    EXPECT(EV_SYSCALL_PRCTL_X, N(0), N(15), S("gyr name"), N(0));
    (void)CALL(__NR_prctl, PR_GET_NAME, name);
    EXPECT(EV_SYSCALL_PRCTL_X, N(0), N(16), S("gyr name"), N(0));
    (void)CALL(__NR_prctl, PR_SET_NAME, "drive");
    EXPECT(EV_SYSCALL_PRCTL_X, N(0), N(15), S("drive"), N(0));
    (void)CALL(__NR_prctl, PR_SET_CHILD_SUBREAPER, 1);
    EXPECT(EV_SYSCALL_PRCTL_X, N(0), N(36), NONE, N(1));
    (void)CALL(__NR_prctl, PR_GET_CHILD_SUBREAPER, &reaper);
    EXPECT(EV_SYSCALL_PRCTL_X, N(0), N(37), NONE, N(1));
    (void)CALL(__NR_prctl, PR_SET_CHILD_SUBREAPER, 0);
    EXPECT(EV_SYSCALL_PRCTL_X, N(0), N(36), NONE, N(0));
    (void)CALL(__NR_prctl, PR_CAPBSET_READ, 999);
    EXPECT(EV_SYSCALL_PRCTL_X, N(INVALID), N(23), NONE, N(999));
    (void)CALL(__NR_prctl, PR_SET_PDEATHSIG, 0);
    EXPECT(EV_SYSCALL_PRCTL_X, N(0), N(1), NONE, N(0));
}

static void new_mounts(void)
{
    long fd = TRY(__NR_fsopen, "tmpfs", 1), ret;

    if (fd >= 0) {
        ret = CALL(__NR_fsconfig, fd, 1, "size", "64k", 0);
        EXPECT(EV_SYSCALL_FSCONFIG_X, N(ret), N(fd), N(1), S("size"), NONE,
               ret < 0 ? NONE : S("64k"), N(0));
        ret = CALL(__NR_fsconfig, fd, 6, NULL, NULL, 0);
        EXPECT(EV_SYSCALL_FSCONFIG_X, N(ret), N(fd), N(6), NONE, NONE, NONE, N(0));
        SETUP(__NR_close, fd);
    }
    ret = CALL(__NR_fsconfig, GONE_FD, 0, "ro", NULL, 0);
    EXPECT(EV_SYSCALL_FSCONFIG_X, N(ret), N(GONE_FD), N(0), S("ro"), NONE, NONE, N(0));
    ret = TRY(__NR_open_tree, CWD, "missing", 1);
    ret = TRY(__NR_move_mount, CWD, "missing", CWD, "missing", 0);
}

static void namespaces(void)
{
    long ns = SETUP(__NR_open, "/proc/self/ns/uts", O_RDONLY), ret;

    ret = CALL(__NR_setns, ns, 0x04000000);
    EXPECT(EV_SYSCALL_SETNS_X, N(ret), N(ns), N(0x80));
    SETUP(__NR_close, ns);
    (void)CALL(__NR_setns, GONE_FD, 0x40000000);
    EXPECT(EV_SYSCALL_SETNS_X, N(BAD_FD), N(GONE_FD), N(0x10));
    (void)CALL(__NR_unshare, 0x00000200 | 0x00000400); /* CLONE_FS, CLONE_FILES */
    EXPECT(EV_SYSCALL_UNSHARE_X, N(0), N(3));
    (void)CALL(__NR_unshare, 0x10); /* no such bit */
    EXPECT(EV_SYSCALL_UNSHARE_X, N(INVALID), N(0));
    (void)CALL(__NR_seccomp, 99, 7, NULL);
    EXPECT(EV_SYSCALL_SECCOMP_X, N(INVALID), N(99), N(7));
    (void)CALL(__NR_sethostname, NULL, -1);
    EXPECT_GENERIC(__NR_sethostname);
    (void)CALL(__NR_perf_event_open, NULL, 0, 0, 0, 0);
    EXPECT_GENERIC(__NR_perf_event_open);
}

void drive_kernel(void)
{
    bpf();
    io_uring_apart();
    modules();
    keys();
    quotas();
    limits();
    prctls();
    new_mounts();
    namespaces();
}
