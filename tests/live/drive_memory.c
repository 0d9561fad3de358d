/* SPDX-License-Identifier: Apache-2.0 */
/* Memory, and what processes share: futexes, semaphores, each other's memory. */
#include "live.h"

#include <linux/futex.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/uio.h>

enum { BAD_FD = -9, NO_MEMORY = -12, BAD_ADDRESS = -14, INVALID = -22, GONE_FD = 999, PAGE = 4096 };

static void maps(void)
{
    long brk = CALL(__NR_brk, 0), at, ret;

    EXPECT(EV_SYSCALL_BRK_4_X, N(brk), SOME, SOME, SOME, N(0));
    at = CALL(__NR_mmap, NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    EXPECT(EV_SYSCALL_MMAP_X, N(at), SOME, SOME, SOME, N(0), N(2 * PAGE), N(3), N(0x8a), N(-1),
           N(0));
    (void)CALL(__NR_mmap, at + PAGE, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, GONE_FD,
               3 * PAGE);
    EXPECT(EV_SYSCALL_MMAP_X, N(BAD_FD), SOME, SOME, SOME, N(at + PAGE), N(PAGE), N(5), N(5),
           N(GONE_FD), N(3 * PAGE));
    (void)CALL(__NR_mprotect, at, PAGE, PROT_READ | PROT_EXEC);
    EXPECT(EV_SYSCALL_MPROTECT_X, N(0), N(at), N(PAGE), N(5));
    (void)CALL(__NR_mprotect, at + 1, PAGE, PROT_NONE);
    EXPECT(EV_SYSCALL_MPROTECT_X, N(INVALID), N(at + 1), N(PAGE), N(0));
    ret = CALL(__NR_mlock, at, PAGE);
    EXPECT(EV_SYSCALL_MLOCK_X, N(ret), N(at), N(PAGE));
    ret = CALL(__NR_mlock2, at, PAGE, MLOCK_ONFAULT);
    EXPECT(EV_SYSCALL_MLOCK2_X, N(ret), N(at), N(PAGE), N(1));
    (void)CALL(__NR_munlock, at, PAGE);
    EXPECT(EV_SYSCALL_MUNLOCK_X, N(0), N(at), N(PAGE));
    (void)CALL(__NR_munlock, PAGE, PAGE);
    EXPECT(EV_SYSCALL_MUNLOCK_X, N(NO_MEMORY), N(PAGE), N(PAGE));
    ret = CALL(__NR_mlock, PAGE, 2 * PAGE);
    EXPECT(EV_SYSCALL_MLOCK_X, N(ret), N(PAGE), N(2 * PAGE));
    ret = CALL(__NR_mlock2, PAGE, PAGE, 0);
    EXPECT(EV_SYSCALL_MLOCK2_X, N(ret), N(PAGE), N(PAGE), N(0));
    ret = CALL(__NR_mlockall, MCL_FUTURE);
    EXPECT(EV_SYSCALL_MLOCKALL_X, N(ret), N(2));
    (void)CALL(__NR_munlockall);
    EXPECT(EV_SYSCALL_MUNLOCKALL_X, N(0));
    (void)CALL(__NR_mlockall, 0x40);
    EXPECT(EV_SYSCALL_MLOCKALL_X, N(INVALID), N(0));
    (void)CALL(__NR_madvise, at, PAGE, 4);
    EXPECT_GENERIC(__NR_madvise);
    (void)CALL(__NR_munmap, at, 2 * PAGE);
    EXPECT(EV_SYSCALL_MUNMAP_X, N(0), SOME, SOME, SOME, N(at), N(2 * PAGE));
    (void)CALL(__NR_munmap, 1, 1);
    EXPECT(EV_SYSCALL_MUNMAP_X, N(INVALID), SOME, SOME, SOME, N(1), N(1));
}

static void futexes(void)
{
    uint32_t word = 5;
    long ret = CALL(__NR_futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 6, NULL);

    EXPECT(EV_SYSCALL_FUTEX_X, N(-11), N((uintptr_t)&word), N(0x80), N(6));
    ret = CALL(__NR_futex, &word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1);
    EXPECT(EV_SYSCALL_FUTEX_X, N(ret), N((uintptr_t)&word), N(0x101), N(1));
    (void)CALL(__NR_futex, &word, FUTEX_WAKE, 3);
    EXPECT(EV_SYSCALL_FUTEX_X, N(0), N((uintptr_t)&word), N(1), N(3));
}

static void semaphores(void)
{
    struct sembuf ops[3] = {{1, 2, IPC_NOWAIT}, {0, 3, SEM_UNDO}, {1, 1, 0}};
    long id = CALL(__NR_semget, 0x4f791234, 2, IPC_CREAT | IPC_EXCL | 0600);

    EXPECT(EV_SYSCALL_SEMGET_X, N(id), N(0x4f791234), N(2), N(0x6000));
    if (id < 0) {
        left_out("semop, semctl", "no semaphore could be had");
        return;
    }
    (void)CALL(__NR_semop, id, ops, 1);
    EXPECT(EV_SYSCALL_SEMOP_X, N(0), N(1), N(1), N(2), N(1), N(0), N(0), N(0), N(id));
    (void)CALL(__NR_semop, id, ops, 3);
    EXPECT(EV_SYSCALL_SEMOP_X, N(0), N(3), N(1), N(2), N(1), N(0), N(3), N(2), N(id));
    (void)CALL(__NR_semop, -1, ops, 2);
    EXPECT(EV_SYSCALL_SEMOP_X, N(INVALID), N(2), N(0), N(0), N(0), N(0), N(0), N(0), N(-1));
    (void)CALL(__NR_semctl, id, 1, SETVAL, 9);
    EXPECT(EV_SYSCALL_SEMCTL_X, N(0), N(id), N(1), N(0x1000), N(9));
    (void)CALL(__NR_semctl, id, 1, GETVAL, 0);
    EXPECT(EV_SYSCALL_SEMCTL_X, N(9), N(id), N(1), N(0x200), N(0));
    (void)CALL(__NR_semctl, id, 0, IPC_RMID, 0);
    EXPECT(EV_SYSCALL_SEMCTL_X, N(0), N(id), N(0), N(4), N(0));
    (void)CALL(__NR_semctl, id, 0, IPC_RMID, 0);
    EXPECT(EV_SYSCALL_SEMCTL_X, N(INVALID), N(id), N(0), N(4), N(0));
    (void)CALL(__NR_semget, 0x4f791235, 0, 0);
    EXPECT(EV_SYSCALL_SEMGET_X, N(-2), N(0x4f791235), N(0), N(0));
    (void)TRY(__NR_shmget, 0x4f791236, 1, 0);
}

static void others_memory(void)
{
    char from[] = "read over there", to[32] = "";
    struct iovec theirs = {from, 15}, ours = {to, 15};
    long ret = CALL(__NR_process_vm_readv, self_tid, &ours, 1, &theirs, 1, 0);

    EXPECT(EV_SYSCALL_PROCESS_VM_READV_X, N(15), N(self_tid), B(from, 15));
    (void)CALL(__NR_process_vm_readv, 0x3fffffff, &ours, 1, &theirs, 1, 0);
    EXPECT(EV_SYSCALL_PROCESS_VM_READV_X, N(-3), N(0x3fffffff), NONE);
    (void)CALL(__NR_process_vm_writev, self_tid, &theirs, 1, &ours, 1, 0);
    EXPECT(EV_SYSCALL_PROCESS_VM_WRITEV_X, N(15), N(self_tid), B(from, 15));
    ret = CALL(__NR_process_vm_writev, self_tid, NULL, 1, &ours, 1, 0);
    EXPECT(EV_SYSCALL_PROCESS_VM_WRITEV_X, N(ret), N(self_tid), NONE);
}

void drive_memory(void)
{
    maps();
    futexes();
    semaphores();
    others_memory();
}
