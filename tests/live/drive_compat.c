/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls by the 32-bit gate (int $0x80) and by the x32 one. The 32-bit gate takes the numbers of
 * i386 and pointers of 32 bits; a call must look like the same call by the 64-bit gate, and what
 * only i386 has must get its own event type.
 */
#include "facts.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { MISSING = -2, BAD_FD = -9, CWD = -100, GONE_FD = 999, PAGE = 4096 };

/* Numbers of i386, which <asm/unistd.h> does not give here. */
enum {
    NR_READ = 3,
    NR_WRITE = 4,
    NR_OPEN = 5,
    NR_CLOSE = 6,
    NR_UNLINK = 10,
    NR_CHMOD = 15,
    NR_GETPID = 20,
    NR_UMOUNT = 22,
    NR_KILL = 37,
    NR_RENAME = 38,
    NR_MKDIR = 39,
    NR_RMDIR = 40,
    NR_SOCKETCALL = 102,
    NR_LLSEEK = 140,
    NR_WRITEV = 146,
    NR_MMAP2 = 192,
    NR_STAT64 = 195,
    NR_LSTAT64 = 196,
    NR_FSTAT64 = 197,
    NR_SETUID32 = 213,
    NR_FCNTL64 = 221,
    NR_OPENAT = 295,
    NR_DUP3 = 330,
    NR_SOCKET = 359
};

/* What the calls point to, below 4 GiB. */
struct low {
    char file[16], other[16], data[16], missing[16];
    char buffer[512];
    uint32_t args[8];
    uint32_t iov[4];
    struct sockaddr_in at;
    int fds[2];
};
static struct low *low;

static void paths32(void)
{
    long fd = CALL80(NR_OPEN, low->file, O_RDWR | O_CREAT, 0640), n;

    EXPECT(EV_SYSCALL_OPEN_X, N(fd), S("file"), N(7 | O_MADE | layer_bits()), N(0640),
           N(dev_of((int)fd)), N(ino_of((int)fd)));
    (void)CALL80(NR_WRITE, fd, low->data, 5);
    EXPECT(EV_SYSCALL_WRITE_X, N(5), B("data!", 5), N(fd), N(5));
    low->iov[0] = (uint32_t)(uintptr_t)low->data;
    low->iov[1] = 4;
    low->iov[2] = (uint32_t)(uintptr_t)low->file;
    low->iov[3] = 3;
    (void)CALL80(NR_WRITEV, fd, low->iov, 2);
    EXPECT(EV_SYSCALL_WRITEV_X, N(7), B("datafil", 7), N(fd), N(7));
    (void)CALL80(NR_LLSEEK, fd, 0, 2, low->buffer, SEEK_SET);
    EXPECT(EV_SYSCALL_LLSEEK_X, N(0), N(fd), N(2), N(0));
    (void)CALL80(NR_READ, fd, low->buffer, 3);
    EXPECT(EV_SYSCALL_READ_X, N(3), B("ta!", 3), N(fd), N(3));
    (void)CALL80(NR_FSTAT64, fd, low->buffer);
    EXPECT(EV_SYSCALL_FSTAT64_X, N(0));
    (void)CALL80(NR_FCNTL64, fd, F_SETFD, 1);
    EXPECT(EV_SYSCALL_FCNTL_X, N(0), N(fd), N(3), N(1));
    (void)CALL80(NR_DUP3, fd, 700, O_CLOEXEC);
    EXPECT(EV_SYSCALL_DUP3_X, N(700), N(fd), N(700), N(0x1000));
    (void)CALL80(NR_CLOSE, 700);
    EXPECT(EV_SYSCALL_CLOSE_X, N(0), N(700));
    (void)CALL80(NR_CLOSE, -1); /* 0xffffffff in the register */
    EXPECT(EV_SYSCALL_CLOSE_X, N(BAD_FD), N(-1));
    SETUP(__NR_close, fd);
    (void)CALL80(NR_OPENAT, CWD, low->missing, O_RDONLY);
    EXPECT(EV_SYSCALL_OPENAT_2_X, N(MISSING), N(CWD), S("missing"), N(1), N(0), N(0), N(0));
    (void)CALL80(NR_STAT64, low->file, low->buffer);
    EXPECT(EV_SYSCALL_STAT64_X, N(0), S("file"));
    (void)CALL80(NR_LSTAT64, low->missing, low->buffer);
    EXPECT(EV_SYSCALL_LSTAT64_X, N(MISSING), S("missing"));
    (void)CALL80(NR_CHMOD, low->file, 04711);
    EXPECT(EV_SYSCALL_CHMOD_X, N(0), S("file"), N(04711));
    (void)CALL80(NR_RENAME, low->file, low->other);
    EXPECT(EV_SYSCALL_RENAME_X, N(0), S("file"), S("other"));
    (void)CALL80(NR_UNLINK, low->other);
    EXPECT(EV_SYSCALL_UNLINK_2_X, N(0), S("other"));
    (void)CALL80(NR_MKDIR, low->other, 0700);
    EXPECT(EV_SYSCALL_MKDIR_2_X, N(0), S("other"), N(0700));
    (void)CALL80(NR_RMDIR, low->other);
    EXPECT(EV_SYSCALL_RMDIR_2_X, N(0), S("other"));
    n = CALL80(NR_UMOUNT, low->missing);
    EXPECT(EV_SYSCALL_UMOUNT_1_X, N(n), S("missing"));
}

static void others32(void)
{
    long at;

    (void)CALL80(NR_KILL, self_tid, 0);
    EXPECT(EV_SYSCALL_KILL_X, N(0), N(self_tid), N(0));
    (void)CALL80(NR_SETUID32, 0);
    EXPECT(EV_SYSCALL_SETUID_X, N(0), N(0));
    at = CALL80(NR_MMAP2, 0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(EV_SYSCALL_MMAP2_X, N(at), SOME, SOME, SOME, N(0), N(PAGE), N(1), N(0xa), N(-1), N(0));
    SETUP(__NR_munmap, at, PAGE);
    (void)CALL80(NR_GETPID);
    EXPECT(EV_GENERIC_X, N(16), ANY); /* the portable code of getpid */
}

/* socketcall(): one call for all of sockets, with its arguments in memory. */
static long socketcall(uint32_t sub, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    low->args[0] = a;
    low->args[1] = b;
    low->args[2] = c;
    low->args[3] = d;
    return CALL80(NR_SOCKETCALL, sub, low->args);
}

static void sockets32(void)
{
    enum { SUB_SOCKET = 1, SUB_BIND = 2, SUB_SOCKETPAIR = 8, SUB_SEND = 9, SUB_RECV = 10 };
    uint32_t at = (uint32_t)(uintptr_t)&low->at, data = (uint32_t)(uintptr_t)low->data,
             buffer = (uint32_t)(uintptr_t)low->buffer;
    long fd = CALL80(NR_SOCKET, AF_INET, SOCK_STREAM, 0);

    EXPECT(EV_SOCKET_SOCKET_X, N(fd), N(2), N(1), N(0), N(0));
    SETUP(__NR_close, fd);
    fd = socketcall(SUB_SOCKET, AF_INET, SOCK_DGRAM, 0, 0);
    EXPECT(EV_SOCKET_SOCKET_X, N(fd), N(2), N(2), N(0), N(0));
    low->at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
    (void)socketcall(SUB_BIND, (uint32_t)fd, at, sizeof(low->at), 0);
    EXPECT(EV_SOCKET_BIND_X, N(0), B("\2\x7f\0\0\1\0\0", 7), N(fd));
    SETUP(__NR_close, fd);
    (void)socketcall(SUB_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, (uint32_t)(uintptr_t)low->fds);
    EXPECT(EV_SOCKET_SOCKETPAIR_X, N(0), N(low->fds[0]), N(low->fds[1]), SOME, SOME, N(1), N(1),
           N(0));
    (void)socketcall(SUB_SEND, (uint32_t)low->fds[0], data, 5, 0);
    EXPECT(EV_SOCKET_SEND_X, N(5), B("data!", 5), N(low->fds[0]), N(5), PRE("\1"));
    (void)socketcall(SUB_RECV, (uint32_t)low->fds[1], buffer, 9, 0);
    EXPECT(EV_SOCKET_RECV_X, N(5), B("data!", 5), N(low->fds[1]), N(9), PRE("\1"));
    SETUP(__NR_close, low->fds[0]);
    SETUP(__NR_close, low->fds[1]);
}

/* The x32 gate: 64-bit registers, a bit in the number. Most kernels lack it: such a call does
 * nothing there, and no event is asked for. */
static void x32(void)
{
    enum { X32 = 0x40000000 };

    if (!facts.has_x32) {
        left_out("x32", "the kernel has no x32 calls");
        return;
    }
    (void)CALL(X32 | __NR_open, "missing", O_RDONLY);
    EXPECT(EV_SYSCALL_OPEN_X, N(MISSING), S("missing"), N(1), N(0), N(0), N(0));
    (void)CALL(X32 | __NR_mkdir, "x32", 0700);
    EXPECT(EV_SYSCALL_MKDIR_2_X, N(0), S("x32"), N(0700));
    SETUP(__NR_rmdir, "x32");
}

/* A kernel without 32-bit entry kills who tries: a child tries first. */
static bool has_gate(void)
{
    int status = -1;
    long pid = child_begin();

    if (pid == 0) {
        (void)CALL80(1, 0); /* exit */
        die(__FILE__, __LINE__, "exit by the 32-bit gate", 0);
    }
    SETUP(__NR_wait4, pid, &status, 0, NULL);
    expect_end((pid_t)pid, status, 0);
    return status == 0;
}

void drive_compat(void)
{
    x32();
    low = (struct low *)SETUP(__NR_mmap, NULL, PAGE, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    memcpy(low->file, "file", 5);
    memcpy(low->other, "other", 6);
    memcpy(low->data, "data!", 6);
    memcpy(low->missing, "missing", 8);
    if (has_gate()) {
        paths32();
        others32();
        sockets32();
    } else {
        left_out("32-bit calls", "the kernel has no 32-bit entry");
    }
    SETUP(__NR_munmap, low, PAGE);
}
