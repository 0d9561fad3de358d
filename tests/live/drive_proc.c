/* SPDX-License-Identifier: Apache-2.0 */
/* Processes and threads: how they begin, what they do to each other, how they end. */
#include "facts.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { PERMIT = -1, NO_PROCESS = -3, INVALID = -22, GONE = 0x3fffffff, STACK = 65536, PAGE = 4096 };

/* A call that makes a child with a stack of its own, where fn runs. */
static long spawn(long nr, long a, long b, long c, long d, void (*fn)(void))
{
    long ret = nr;

    call_counted(0);
    __asm__ volatile("mov %[d], %%r10\n\t"
                     "xor %%r8d, %%r8d\n\t"
                     "mov %[fn], %%r12\n\t"
                     "syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "call *%%r12\n\t"
                     "hlt\n"
                     "1:"
                     : "+a"(ret)
                     : "D"(a), "S"(b), "d"(c), [d] "r"(d), [fn] "r"(fn)
                     : "rcx", "r8", "r10", "r11", "r12", "memory");
    last_result = ret;
    return ret;
}

long thread_begin(long flags, long stack_end, void (*fn)(void))
{
    return spawn(__NR_clone, flags, stack_end, 0, 0, fn);
}

static struct val cgroups(void)
{
    return facts.cgroups_len ? B(facts.cgroups, facts.cgroups_len) : SOME;
}

/* The one layout that clone, clone3, fork and vfork share. */
struct born {
    uint16_t type;
    long res;
    pid_t tid, pid, ptid;
    uint32_t flags;
    bool in_child;
};

static void expect_born(const struct place *at, const struct born *b)
{
    bool failed = b->res < 0;

    EXPECT_AT(*at, b->tid, b->type, N(b->res), failed ? NONE : S(facts.argv0),
              failed ? NONE : B(facts.args, facts.args_len), N(b->tid), N(b->pid), N(b->ptid), NONE,
              N(facts.fdlimit), SOME, SOME, SOME, SOME, SOME, S("drive"), cgroups(), N(b->flags),
              N(0), N(0), N(b->tid), N(b->pid), b->in_child ? SOME : N(0));
}

void expect_end(pid_t tid, int status, pid_t reaper)
{
    EXPECT_OF(tid, EV_PROCEXIT_1_E, N(status), N(WIFEXITED(status) ? WEXITSTATUS(status) : 0),
              N(WTERMSIG(status)), N(WCOREDUMP(status) ? 1 : 0), N(reaper));
}

void child_wait(long pid, int expected)
{
    int status = -1;

    SETUP(__NR_wait4, pid, &status, 0, NULL);
    if (status != expected)
        die(__FILE__, __LINE__, "a child ended otherwise than the driver thinks", status);
}

void child_end(long pid, int status)
{
    child_wait(pid, status);
    expect_end((pid_t)pid, status, 0);
}

/* Whose child the thread that runs is; 0: the driver's first, as facts has it. */
static pid_t self_parent;

static pid_t parent_of_self(void)
{
    return self_parent ? self_parent : (pid_t)facts.ppid;
}

/* In a new process: learn who it is, and say how it began. */
static void begin(uint16_t type, uint32_t flags)
{
    MARK(born);

    self_parent = self_tid;
    self_learn();
    expect_born(&born, &(struct born){type, 0, self_tid, self_tid, self_parent, flags, true});
}

/* What the call that made a child, or failed to, is for who called. */
static void expect_made(const struct place *at, uint16_t type, long res, uint32_t flags)
{
    expect_born(at, &(struct born){type, res, self_tid, self_tid, parent_of_self(), flags, false});
}

long child_begin(void)
{
    long pid = CALL(__NR_fork);
    MARK(forked);

    if (pid == 0)
        begin(EV_SYSCALL_FORK_20_X, 0);
    else
        expect_made(&forked, EV_SYSCALL_FORK_20_X, pid, 0);
    return pid;
}

static void forks(void)
{
    long pid = child_begin();

    if (pid == 0)
        (void)CALL(__NR_exit_group, 7);
    child_end(pid, 7 << 8);

    pid = CALL(__NR_clone, SIGCHLD | CLONE_FS, 0, 0, 0, 0);
    MARK(cloned);
    if (pid == 0) {
        begin(EV_SYSCALL_CLONE_20_X, 2);
        (void)CALL(__NR_exit, 0x1ff);
    }
    expect_made(&cloned, EV_SYSCALL_CLONE_20_X, pid, 2);
    child_end(pid, 0xff << 8);
    pid = CALL(__NR_clone, CLONE_SIGHAND, 0, 0, 0, 0); /* not without CLONE_VM */
    MARK(failed);
    expect_made(&failed, EV_SYSCALL_CLONE_20_X, INVALID, 0x800);
}

static void clone3s(void)
{
    struct clone_args args = {.exit_signal = SIGCHLD, .flags = CLONE_FILES};
    long pid = CALL(__NR_clone3, &args, sizeof(args));
    MARK(cloned);

    if (pid == 0) {
        begin(EV_SYSCALL_CLONE3_X, 1);
        (void)CALL(__NR_exit_group, 0);
    }
    expect_made(&cloned, EV_SYSCALL_CLONE3_X, pid, 1);
    child_end(pid, 0);
    args.flags = CLONE_SIGHAND;
    pid = CALL(__NR_clone3, &args, sizeof(args));
    MARK(failed);
    expect_made(&failed, EV_SYSCALL_CLONE3_X, INVALID, 0x800);
}

/* vfork: the child has its parent's memory and stack, and must not return. */
static void vforks(void)
{
    pid_t me = self_tid, parent = self_parent;
    long pid;

    call_counted(0);
    __asm__ volatile("syscall" : "=a"(pid) : "0"((long)__NR_vfork) : "rcx", "r11", "memory");
    if (pid == 0) {
        begin(EV_SYSCALL_VFORK_20_X, 0);
        (void)CALL(__NR_exit, 3);
    }
    self_tid = me;
    self_parent = parent;
    last_result = pid;
    MARK(forked);
    expect_made(&forked, EV_SYSCALL_VFORK_20_X, pid, 0);
    child_end(pid, 3 << 8);
}

static volatile int thread_alive;
enum { THREAD_FLAGS = 0x80ba03 };

static void in_thread(void)
{
    MARK(born);
    pid_t leader = self_tid;

    self_learn();
    expect_born(&born, &(struct born){EV_SYSCALL_CLONE_20_X, 0, self_tid, leader, parent_of_self(),
                                      THREAD_FLAGS, true});
    (void)CALL(__NR_exit, 5);
}

static void threads(void)
{
    long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                 CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    long stack = SETUP(__NR_mmap, NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0),
         tid;

    pid_t leader = self_tid;

    thread_alive = 1;
    tid = spawn(__NR_clone, flags, stack + STACK - 64, (long)&thread_alive, (long)&thread_alive,
                in_thread);
    while (thread_alive) /* no call: one thread speaks at a time */
        __asm__ volatile("pause" : : : "memory");
    self_tid = leader;
    last_result = tid;
    MARK(cloned);
    expect_made(&cloned, EV_SYSCALL_CLONE_20_X, tid, THREAD_FLAGS);
    expect_end((pid_t)tid, 5 << 8, 0);
    SETUP(__NR_munmap, stack, STACK);
}

static void killed(int sig)
{
    long pid = child_begin();

    if (pid == 0) {
        (void)CALL(__NR_kill, self_tid, sig);
        die(__FILE__, __LINE__, "still alive", 0);
    }
    child_wait(pid, sig);
    EXPECT_OF((pid_t)pid, EV_SYSCALL_KILL_X, N(0), N(pid), N(sig));
    expect_end((pid_t)pid, sig, 0);
}

/* Delivered as it was sent is what does not kill at once: a signal that stops, of the child's own
 * or, after it has spoken, of its parent's. */
static void stopped(bool own)
{
    volatile int *spoken = (volatile int *)SETUP(__NR_mmap, NULL, PAGE, PROT_READ | PROT_WRITE,
                                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    long pid = child_begin();

    if (pid == 0) {
        *spoken = 1;
        if (own)
            (void)CALL(__NR_kill, self_tid, SIGSTOP);
        for (;;)
            __asm__ volatile("pause" : : : "memory");
    }
    while (!*spoken)
        __asm__ volatile("pause" : : : "memory");
    if (!own) {
        (void)CALL(__NR_kill, pid, SIGSTOP);
        EXPECT(EV_SYSCALL_KILL_X, N(0), N(pid), N(SIGSTOP));
    }
    SETUP(__NR_wait4, pid, NULL, WUNTRACED, NULL);
    SETUP(__NR_kill, pid, SIGKILL);
    child_wait(pid, SIGKILL);
    if (own)
        EXPECT_OF((pid_t)pid, EV_SYSCALL_KILL_X, N(0), N(pid), N(SIGSTOP));
    EXPECT_OF((pid_t)pid, EV_SIGNALDELIVER_E, N(own ? pid : self_tid), N(pid), N(SIGSTOP));
    expect_end((pid_t)pid, SIGKILL, 0);
    SETUP(__NR_munmap, spoken, PAGE);
}

static void signals(void)
{
    (void)CALL(__NR_kill, self_tid, 0);

    EXPECT(EV_SYSCALL_KILL_X, N(0), N(self_tid), N(0));
    (void)CALL(__NR_kill, GONE, SIGUSR1);
    EXPECT(EV_SYSCALL_KILL_X, N(NO_PROCESS), N(GONE), N(SIGUSR1));
    (void)CALL(__NR_kill, -GONE, 0);
    EXPECT(EV_SYSCALL_KILL_X, N(NO_PROCESS), N(-GONE), N(0));
    (void)CALL(__NR_tkill, self_tid, 0);
    EXPECT(EV_SYSCALL_TKILL_X, N(0), N(self_tid), N(0));
    (void)CALL(__NR_tkill, GONE, SIGUSR2);
    EXPECT(EV_SYSCALL_TKILL_X, N(NO_PROCESS), N(GONE), N(SIGUSR2));
    (void)CALL(__NR_tgkill, self_tid, self_tid, 0);
    EXPECT(EV_SYSCALL_TGKILL_X, N(0), N(self_tid), N(self_tid), N(0));
    (void)CALL(__NR_tgkill, self_tid, GONE, SIGTERM);
    EXPECT(EV_SYSCALL_TGKILL_X, N(NO_PROCESS), N(self_tid), N(GONE), N(SIGTERM));
}

/* The orphan of a child goes to the driver, which takes orphans in. */
static void orphans(void)
{
    long child, grandchild;
    int ends[2], status;
    pid_t me = self_tid;
    char byte;

    SETUP(__NR_prctl, PR_SET_CHILD_SUBREAPER, 1);
    SETUP(__NR_pipe, ends);
    child = child_begin();
    if (child == 0) {
        SETUP(__NR_close, ends[1]);
        grandchild = child_begin();
        if (grandchild == 0) {
            SETUP(__NR_read, ends[0], &byte, 1);
            (void)CALL(__NR_exit_group, 1);
        }
        (void)CALL(__NR_exit_group, 0);
    }
    child_wait(child, 0);
    expect_end((pid_t)child, 0, me);
    SETUP(__NR_close, ends[0]);
    SETUP(__NR_close, ends[1]); /* the grandchild's read ends */
    grandchild = SETUP(__NR_wait4, -1, &status, 0, NULL);
    expect_end((pid_t)grandchild, 1 << 8, 0);
    SETUP(__NR_prctl, PR_SET_CHILD_SUBREAPER, 0);
}

static void groups(void)
{
    long pid = child_begin(), ret;

    if (pid == 0) {
        (void)CALL(__NR_setpgid, 0, 0);
        EXPECT(EV_SYSCALL_SETPGID_X, N(0), N(0), N(0));
        (void)CALL(__NR_setpgid, GONE, 1);
        EXPECT(EV_SYSCALL_SETPGID_X, N(NO_PROCESS), N(GONE), N(1));
        (void)CALL(__NR_setsid);
        EXPECT(EV_SYSCALL_SETSID_X, N(PERMIT)); /* leads a group */
        pid = child_begin();
        if (pid == 0) {
            (void)CALL(__NR_setsid);
            EXPECT(EV_SYSCALL_SETSID_X, N(self_tid));
            (void)CALL(__NR_exit_group, 0);
        }
        child_end(pid, 0);
        (void)ret;
        (void)CALL(__NR_exit_group, 0);
    }
    child_end(pid, 0);
}

void drive_proc(void)
{
    forks();
    clone3s();
    vforks();
    threads();
    killed(SIGKILL);
    killed(SIGTERM);
    stopped(true);
    stopped(false);
    signals();
    orphans();
    groups();
}
