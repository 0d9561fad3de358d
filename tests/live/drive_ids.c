/* SPDX-License-Identifier: Apache-2.0 */
/* Who a process is: told, changed, refused. In a child, which loses its rights on the way. */
#include "live.h"

#include <linux/capability.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

enum { PERMIT = -1, NO_PROCESS = -3, INVALID = -22, GONE = 0x3fffffff, NOBODY = 65534 };

static void told(void)
{
    uint32_t a = 9, b = 9, c = 9;

    (void)CALL(__NR_getuid);
    EXPECT(EV_SYSCALL_GETUID_X, N(0));
    (void)CALL(__NR_geteuid);
    EXPECT(EV_SYSCALL_GETEUID_X, N(0));
    (void)CALL(__NR_getgid);
    EXPECT(EV_SYSCALL_GETGID_X, N(0));
    (void)CALL(__NR_getegid);
    EXPECT(EV_SYSCALL_GETEGID_X, N(0));
    (void)CALL(__NR_getresuid, &a, &b, &c);
    EXPECT(EV_SYSCALL_GETRESUID_X, N(0), N(a), N(b), N(c));
    (void)CALL(__NR_getresgid, &a, &b, &c);
    EXPECT(EV_SYSCALL_GETRESGID_X, N(0), N(a), N(b), N(c));
    (void)CALL(__NR_getresuid, NULL, &b, &c);
    EXPECT(EV_SYSCALL_GETRESUID_X, N(-14), ANY, ANY, ANY);
}

static void capabilities(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct caps[2];

    SETUP(__NR_capget, &head, caps);
#define MASK(part) (caps[0].part | (uint64_t)caps[1].part << 32)
    (void)CALL(__NR_capset, &head, caps);
    EXPECT(EV_SYSCALL_CAPSET_X, N(0), N(MASK(inheritable)), N(MASK(permitted)), N(MASK(effective)));
    caps[0].effective &= ~(1u << CAP_SYS_ADMIN);
    (void)CALL(__NR_capset, &head, caps);
    EXPECT(EV_SYSCALL_CAPSET_X, N(0), N(MASK(inheritable)), N(MASK(permitted)), N(MASK(effective)));
    head.version = 77;
    (void)CALL(__NR_capset, &head, caps); /* what it has, not what it asked for */
    EXPECT(EV_SYSCALL_CAPSET_X, N(INVALID), N(MASK(inheritable)), N(MASK(permitted)),
           N(MASK(effective)));
#undef MASK
}

static void changed(void)
{
    (void)CALL(__NR_setregid, -1, 3);

    EXPECT(EV_SYSCALL_SETREGID_X, N(0), N(UINT32_MAX), N(3));
    (void)CALL(__NR_setresgid, 4, 5, -1);
    EXPECT(EV_SYSCALL_SETRESGID_X, N(0), N(4), N(5), N(UINT32_MAX));
    (void)CALL(__NR_setgid, 6);
    EXPECT(EV_SYSCALL_SETGID_X, N(0), N(6));
    (void)CALL(__NR_setgid, -1);
    EXPECT(EV_SYSCALL_SETGID_X, N(INVALID), N(UINT32_MAX));
    (void)CALL(__NR_setuid, -1);
    EXPECT(EV_SYSCALL_SETUID_X, N(INVALID), N(UINT32_MAX));
    (void)CALL(__NR_setreuid, -1, 0);
    EXPECT(EV_SYSCALL_SETREUID_X, N(0), N(UINT32_MAX), N(0));
    (void)CALL(__NR_setresuid, -1, -1, 0);
    EXPECT(EV_SYSCALL_SETRESUID_X, N(0), N(UINT32_MAX), N(UINT32_MAX), N(0));
    (void)TRY(__NR_setgroups, 0, NULL);
    (void)CALL(__NR_setuid, NOBODY);
    EXPECT(EV_SYSCALL_SETUID_X, N(0), N(NOBODY));
    (void)CALL(__NR_setuid, 0);
    EXPECT(EV_SYSCALL_SETUID_X, N(PERMIT), N(0));
    (void)CALL(__NR_setresuid, 0, 1, 2);
    EXPECT(EV_SYSCALL_SETRESUID_X, N(PERMIT), N(0), N(1), N(2));
    (void)CALL(__NR_setresgid, 0, 1, 2);
    EXPECT(EV_SYSCALL_SETRESGID_X, N(PERMIT), N(0), N(1), N(2));
    (void)CALL(__NR_setreuid, 0, 0);
    EXPECT(EV_SYSCALL_SETREUID_X, N(PERMIT), N(0), N(0));
    (void)CALL(__NR_setregid, 0, 0);
    EXPECT(EV_SYSCALL_SETREGID_X, N(PERMIT), N(0), N(0));
    (void)CALL(__NR_geteuid);
    EXPECT(EV_SYSCALL_GETEUID_X, N(NOBODY));
    (void)CALL(__NR_chroot, "/");
    EXPECT(EV_SYSCALL_CHROOT_X, N(PERMIT), S("/"));
    (void)CALL(__NR_kill, 1, 0);
    EXPECT(EV_SYSCALL_KILL_X, N(PERMIT), N(1), N(0));
}

/* How an argument of ptrace() is recorded: a byte for the kind, then a number or a signal. */
struct dyn {
    uint8_t p[9];
};

static struct val word(struct dyn *d, uint64_t v)
{
    d->p[0] = 0;
    memcpy(d->p + 1, &v, 8);
    return B(d->p, 9);
}

static struct val sig(struct dyn *d, uint8_t v)
{
    d->p[0] = 1;
    d->p[1] = v;
    return B(d->p, 2);
}

static void traced(void)
{
    static volatile uint64_t there = 0x1122334455667788;
    enum { TRACEME = 1, PEEKDATA = 3, POKEDATA = 6, CONT = 8, ATTACH = 11, DETACH = 12 };
    struct dyn a, d;
    uint64_t seen = 0;
    int status;
    long pid = child_begin(), ret;

    if (pid == 0) {
        (void)CALL(__NR_ptrace, PTRACE_TRACEME, 0, 5, 6);
        EXPECT(EV_SYSCALL_PTRACE_X, N(0), word(&a, 5), word(&d, 6), N(TRACEME), N(0));
        (void)CALL(__NR_kill, self_tid, 19);
        EXPECT(EV_SYSCALL_KILL_X, N(0), N(self_tid), N(19));
        (void)CALL(__NR_exit_group, 4);
    }
    SETUP(__NR_wait4, pid, &status, 0, NULL); /* stopped */
    ret = CALL(__NR_ptrace, PTRACE_PEEKDATA, pid, &there, &seen);
    EXPECT(EV_SYSCALL_PTRACE_X, N(ret), word(&a, (uintptr_t)&there), word(&d, seen), N(PEEKDATA),
           N(pid));
    (void)CALL(__NR_ptrace, PTRACE_POKEDATA, pid, &there, 77);
    EXPECT(EV_SYSCALL_PTRACE_X, N(0), word(&a, (uintptr_t)&there), word(&d, 77), N(POKEDATA),
           N(pid));
    (void)CALL(__NR_ptrace, PTRACE_CONT, pid, 1, 0);
    EXPECT(EV_SYSCALL_PTRACE_X, N(0), word(&a, 1), sig(&d, 0), N(CONT), N(pid));
    child_end(pid, 4 << 8);
    (void)CALL(__NR_ptrace, PTRACE_ATTACH, GONE, 3, 4);
    EXPECT(EV_SYSCALL_PTRACE_X, N(NO_PROCESS), word(&a, 0), word(&d, 0), N(ATTACH), N(GONE));
    (void)CALL(__NR_ptrace, PTRACE_DETACH, GONE, 3, 4);
    EXPECT(EV_SYSCALL_PTRACE_X, N(NO_PROCESS), word(&a, 0), word(&d, 0), N(DETACH), N(GONE));
}

void drive_ids(void)
{
    long pid;

    traced();
    told();
    pid = child_begin();
    if (pid == 0) {
        capabilities();
        changed();
        (void)CALL(__NR_exit_group, 0);
    }
    child_end(pid, 0);
}
