/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, reading and writing files. */
#include "live.h"

#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/uio.h>

enum { MISSING = -2, BAD_FD = -9, BAD_ADDRESS = -14, CWD = -100, GONE_FD = 999 };

static const char alphabet[] =
    "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-the-rest-is-not-recorded";

/* One open by each of the calls that have a path, with flags and mode. */
static void open_once(const char *path, int flags, uint32_t mode, uint32_t made)
{
    bool has_mode = flags & (O_CREAT | O_TMPFILE);
    uint32_t bits = open_flags(flags), layer = layer_bits();
    long fd = CALL(__NR_open, path, flags, mode);

    if (fd < 0) {
        EXPECT(EV_SYSCALL_OPEN_X, N(fd), S(path), N(bits), N(has_mode ? mode : 0), N(0), N(0));
        fd = CALL(__NR_openat, CWD, path, flags, mode);
        EXPECT(EV_SYSCALL_OPENAT_2_X, N(fd), N(CWD), S(path), N(bits), N(has_mode ? mode : 0), N(0),
               N(0));
        return;
    }
    EXPECT(EV_SYSCALL_OPEN_X, N(fd), S(path), N(bits | made | layer), N(has_mode ? mode : 0),
           N(dev_of((int)fd)), N(ino_of((int)fd)));
    SETUP(__NR_close, fd);
    if (made)
        SETUP(__NR_unlink, path);
    fd = CALL(__NR_openat, CWD, path, flags, mode);
    EXPECT(EV_SYSCALL_OPENAT_2_X, N(fd), N(CWD), S(path), N(bits | made | layer),
           N(has_mode ? mode : 0), N(dev_of((int)fd)), N(ino_of((int)fd)));
    SETUP(__NR_close, fd);
}

static void opens(void)
{
    char longest[4096 + 64];
    long fd;

    open_once("new", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640, O_MADE);
    open_once("new", O_RDONLY, 0777, 0);
    open_once("new", O_WRONLY | O_APPEND | O_NONBLOCK, 0, 0);
    open_once("new", O_WRONLY | O_TRUNC | O_SYNC, 0, 0);
    open_once("new", O_RDWR | O_CREAT | O_DSYNC, 04711, 0);
    open_once(".", O_RDONLY | O_DIRECTORY, 0, 0);
    open_once("missing", O_RDONLY, 0, 0);
    open_once("", O_RDWR, 0, 0);
    open_once("new/not-a-folder", O_WRONLY | O_CREAT, 0600, 0);
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = 0;
    fd = CALL(__NR_open, longest, O_RDONLY);
    longest[4095] = 0; /* cut to what a path may have */
    EXPECT(EV_SYSCALL_OPEN_X, N(fd), CUT(PRE("xxxxxxxxxxxxxxxx")), N(1), N(0), N(0), N(0));
    (void)CALL(__NR_open, NULL, O_RDONLY);
    EXPECT(EV_SYSCALL_OPEN_X, N(BAD_ADDRESS), NONE, N(1), N(0), N(0), N(0));
    fd = CALL(__NR_openat, GONE_FD, "new", O_RDONLY);
    EXPECT(EV_SYSCALL_OPENAT_2_X, N(fd), N(GONE_FD), S("new"), N(1), N(0), N(0), N(0));
}

static void openat2s(void)
{
    struct open_how how = {.flags = O_RDWR | O_CREAT | O_CLOEXEC,
                           .mode = 0600,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
                                      RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV};
    long at = SETUP(__NR_open, ".", O_PATH | O_DIRECTORY);
    long fd = CALL(__NR_openat2, at, "new2", &how, sizeof(how));

    EXPECT(EV_SYSCALL_OPENAT2_X, N(fd), N(at), S("new2"),
           N(open_flags((int)how.flags) | O_MADE | layer_bits()), N(0600), N(0x1d),
           N(dev_of((int)fd)), N(ino_of((int)fd)));
    SETUP(__NR_close, fd);
    how.flags = O_RDONLY;
    how.mode = 0;
    how.resolve = RESOLVE_IN_ROOT;
    (void)CALL(__NR_openat2, at, "missing", &how, sizeof(how));
    EXPECT(EV_SYSCALL_OPENAT2_X, N(MISSING), N(at), S("missing"), N(1), N(0), N(2), N(0), N(0));
    fd = CALL(__NR_openat2, CWD, "new2", NULL, sizeof(how));
    EXPECT(EV_SYSCALL_OPENAT2_X, N(fd), N(CWD), S("new2"), ANY, N(0), N(0), N(0), N(0));
    SETUP(__NR_unlink, "new2");
    SETUP(__NR_close, at);
}

static void creat_and_handles(void)
{
    struct {
        struct file_handle h;
        unsigned char room[128];
    } h = {.h.handle_bytes = 128};
    char path[128], *p = path;
    int mount_id;
    long fd = CALL(__NR_creat, "created", 0604);

    EXPECT(EV_SYSCALL_CREAT_X, N(fd), S("created"), N(0604), N(dev_of((int)fd)), N(ino_of((int)fd)),
           N(layer_bits() ? 1 : 0));
    SETUP(__NR_close, fd);
    (void)CALL(__NR_creat, "missing/created", 0600);
    EXPECT(EV_SYSCALL_CREAT_X, N(MISSING), S("missing/created"), N(0600), N(0), N(0), N(0));

    if (TRY(__NR_name_to_handle_at, CWD, "created", &h, &mount_id, 0) < 0) {
        left_out("open_by_handle_at", "the file system of /tmp has no handles");
        return;
    }
    fd = CALL(__NR_open_by_handle_at, CWD, &h, O_RDWR);
    for (const char *s = dir; *s; s++)
        *p++ = *s;
    memcpy(p, "/created", 9);
    EXPECT(EV_SYSCALL_OPEN_BY_HANDLE_AT_X, N(fd), N(CWD), N(fd < 0 ? 3 : 3 | layer_bits()),
           fd < 0 ? NONE : S(path), fd < 0 ? N(0) : N(dev_of((int)fd)),
           fd < 0 ? N(0) : N(ino_of((int)fd)));
    if (fd >= 0)
        SETUP(__NR_close, fd);
    h.h.handle_bytes = 0;
    fd = CALL(__NR_open_by_handle_at, CWD, &h, O_RDONLY);
    EXPECT(EV_SYSCALL_OPEN_BY_HANDLE_AT_X, N(fd), N(CWD), N(1), NONE, N(0), N(0));
    SETUP(__NR_unlink, "created");
}

static void plain_io(long fd)
{
    char in[128];
    long n = CALL(__NR_write, fd, alphabet, sizeof(alphabet));

    EXPECT(EV_SYSCALL_WRITE_X, N(n), data_(alphabet, sizeof(alphabet)), N(fd), N(sizeof(alphabet)));
    (void)CALL(__NR_write, fd, "x", 0);
    EXPECT(EV_SYSCALL_WRITE_X, N(0), NONE, N(fd), N(0));
    (void)CALL(__NR_write, GONE_FD, "tried", 5); /* what was tried is shown */
    EXPECT(EV_SYSCALL_WRITE_X, N(BAD_FD), B("tried", 5), N(GONE_FD), N(5));
    (void)CALL(__NR_write, -1, NULL, 5);
    EXPECT(EV_SYSCALL_WRITE_X, N(BAD_FD), NONE, N(-1), N(5));
    (void)CALL(__NR_lseek, fd, 1, SEEK_SET);
    EXPECT(EV_SYSCALL_LSEEK_X, N(1), N(fd), N(1), N(0));
    (void)CALL(__NR_read, fd, in, 5);
    EXPECT(EV_SYSCALL_READ_X, N(5), B(alphabet + 1, 5), N(fd), N(5));
    n = CALL(__NR_read, fd, in, sizeof(in));
    EXPECT(EV_SYSCALL_READ_X, N(n), data_(alphabet + 6, (size_t)n), N(fd), N(sizeof(in)));
    (void)CALL(__NR_read, fd, in, sizeof(in)); /* the end */
    EXPECT(EV_SYSCALL_READ_X, N(0), NONE, N(fd), N(sizeof(in)));
    n = CALL(__NR_read, fd, NULL, 5);
    EXPECT(EV_SYSCALL_READ_X, N(n), NONE, N(fd), N(5));
    (void)CALL(__NR_read, GONE_FD, in, 7);
    EXPECT(EV_SYSCALL_READ_X, N(BAD_FD), NONE, N(GONE_FD), N(7));
    n = CALL(__NR_lseek, fd, -3, SEEK_END);
    EXPECT(EV_SYSCALL_LSEEK_X, N(n), N(fd), N(-3), N(2));
    (void)CALL(__NR_lseek, GONE_FD, 0, SEEK_CUR);
    EXPECT(EV_SYSCALL_LSEEK_X, N(BAD_FD), N(GONE_FD), N(0), N(1));
    (void)CALL(__NR_pread64, fd, in, 4, 10);
    EXPECT(EV_SYSCALL_PREAD_X, N(4), B(alphabet + 10, 4), N(fd), N(4), N(10));
    n = CALL(__NR_pread64, fd, in, 4, -1);
    EXPECT(EV_SYSCALL_PREAD_X, N(n), NONE, N(fd), N(4), N(-1));
    (void)CALL(__NR_pwrite64, fd, alphabet, 3, 1000);
    EXPECT(EV_SYSCALL_PWRITE_X, N(3), B("abc", 3), N(fd), N(3), N(1000));
    (void)CALL(__NR_pwrite64, GONE_FD, "tried", 5, 1ul << 33);
    EXPECT(EV_SYSCALL_PWRITE_X, N(BAD_FD), B("tried", 5), N(GONE_FD), N(5), N(1ul << 33));
}

static void vector_io(long fd)
{
    char a[4] = "one,", b[100], c[8] = "three";
    struct iovec out[3] = {{a, 4}, {b, sizeof(b)}, {c, 5}}, in[2] = {{a, 4}, {b, 10}};
    char all[109];
    long n;

    memset(b, 'b', sizeof(b));
    memcpy(all, a, 4);
    memcpy(all + 4, b, 100);
    memcpy(all + 104, c, 5);
    (void)CALL(__NR_writev, fd, out, 3);
    EXPECT(EV_SYSCALL_WRITEV_X, N(109), data_(all, 109), N(fd), N(109));
    (void)CALL(__NR_writev, GONE_FD, in, 2);
    EXPECT(EV_SYSCALL_WRITEV_X, N(BAD_FD), B(all, 14), N(GONE_FD), N(14));
    (void)CALL(__NR_pwritev, fd, in, 2, 7, 0);
    EXPECT(EV_SYSCALL_PWRITEV_X, N(14), B(all, 14), N(fd), N(14), N(7));
    (void)CALL(__NR_preadv, fd, in, 2, 7, 0);
    EXPECT(EV_SYSCALL_PREADV_X, N(14), N(14), B(all, 14), N(fd), N(7));
    (void)CALL(__NR_preadv, GONE_FD, in, 2, 7, 0);
    EXPECT(EV_SYSCALL_PREADV_X, N(BAD_FD), N(0), NONE, N(GONE_FD), N(7));
    (void)CALL(__NR_pwritev, GONE_FD, in, 2, 8, 0);
    EXPECT(EV_SYSCALL_PWRITEV_X, N(BAD_FD), B(all, 14), N(GONE_FD), N(14), N(8));
    SETUP(__NR_lseek, fd, 7, SEEK_SET);
    (void)CALL(__NR_readv, fd, in, 2);
    EXPECT(EV_SYSCALL_READV_X, N(14), N(14), B(all, 14), N(fd));
    n = CALL(__NR_readv, fd, NULL, 2);
    EXPECT(EV_SYSCALL_READV_X, N(n), N(0), NONE, N(fd));
}

static void copies(long fd)
{
    long to = SETUP(__NR_open, "copy", O_RDWR | O_CREAT, 0600);
    long offset = 2, in_at = 3, out_at = 4;
    int ends[2];
    long n = CALL(__NR_sendfile, to, fd, &offset, 10);

    EXPECT(EV_SYSCALL_SENDFILE_X, N(10), N(12), N(to), N(fd), N(10));
    n = CALL(__NR_sendfile, to, fd, NULL, 3);
    EXPECT(EV_SYSCALL_SENDFILE_X, N(n), N(0), N(to), N(fd), N(3));
    (void)CALL(__NR_sendfile, GONE_FD, fd, &offset, 1);
    EXPECT(EV_SYSCALL_SENDFILE_X, N(BAD_FD), N(12), N(GONE_FD), N(fd), N(1));
    n = CALL(__NR_copy_file_range, fd, &in_at, to, &out_at, 6, 0);
    EXPECT(EV_SYSCALL_COPY_FILE_RANGE_X, N(n), N(to), N((uintptr_t)&out_at), N(fd),
           N((uintptr_t)&in_at), N(6));
    (void)CALL(__NR_copy_file_range, fd, NULL, GONE_FD, NULL, 6, 0);
    EXPECT(EV_SYSCALL_COPY_FILE_RANGE_X, N(BAD_FD), N(GONE_FD), N(0), N(fd), N(0), N(6));
    SETUP(__NR_pipe, ends);
    offset = 0;
    (void)CALL(__NR_splice, fd, &offset, ends[1], NULL, 8, 5);
    EXPECT(EV_SYSCALL_SPLICE_X, N(8), N(fd), N(ends[1]), N(8), N(5));
    (void)CALL(__NR_splice, GONE_FD, NULL, ends[1], NULL, 8, 0);
    EXPECT(EV_SYSCALL_SPLICE_X, N(BAD_FD), N(GONE_FD), N(ends[1]), N(8), N(0));
    SETUP(__NR_close, ends[0]);
    SETUP(__NR_close, ends[1]);
    (void)CALL(__NR_close, to);
    EXPECT(EV_SYSCALL_CLOSE_X, N(0), N(to));
    (void)CALL(__NR_close, to);
    EXPECT(EV_SYSCALL_CLOSE_X, N(BAD_FD), N(to));
    SETUP(__NR_unlink, "copy");
}

static void stats(long fd)
{
    struct stat st;
    char entries[1024];
    long ret = CALL(__NR_stat, "new", &st), at;

    EXPECT(EV_SYSCALL_STAT_X, N(0), S("new"));
    (void)CALL(__NR_stat, "missing", &st);
    EXPECT(EV_SYSCALL_STAT_X, N(MISSING), S("missing"));
    (void)CALL(__NR_lstat, "new", &st);
    EXPECT(EV_SYSCALL_LSTAT_X, N(0), S("new"));
    (void)CALL(__NR_lstat, "missing", &st);
    EXPECT(EV_SYSCALL_LSTAT_X, N(MISSING), S("missing"));
    (void)CALL(__NR_fstat, fd, &st);
    EXPECT(EV_SYSCALL_FSTAT_X, N(0), N(fd));
    (void)CALL(__NR_fstat, GONE_FD, &st);
    EXPECT(EV_SYSCALL_FSTAT_X, N(BAD_FD), N(GONE_FD));
    (void)CALL(__NR_newfstatat, CWD, "new", &st, AT_SYMLINK_NOFOLLOW);
    EXPECT(EV_SYSCALL_NEWFSTATAT_X, N(0), N(CWD), S("new"), N(0x100));
    (void)CALL(__NR_newfstatat, fd, "", &st, AT_EMPTY_PATH | AT_NO_AUTOMOUNT);
    EXPECT(EV_SYSCALL_NEWFSTATAT_X, N(0), N(fd), S(""), N(0x1800));
    (void)CALL(__NR_newfstatat, GONE_FD, "x", &st, 0);
    EXPECT(EV_SYSCALL_NEWFSTATAT_X, N(BAD_FD), N(GONE_FD), S("x"), N(0));
    (void)CALL(__NR_statx, CWD, "new", 0, 0x7ff, entries);
    EXPECT_GENERIC(__NR_statx);
    at = SETUP(__NR_open, ".", O_RDONLY | O_DIRECTORY);
    ret = CALL(__NR_getdents, at, entries, sizeof(entries));
    EXPECT(EV_SYSCALL_GETDENTS_X, N(ret), N(at));
    (void)CALL(__NR_getdents64, at, entries, sizeof(entries));
    EXPECT(EV_SYSCALL_GETDENTS64_X, N(0), N(at));
    (void)CALL(__NR_getdents64, GONE_FD, entries, sizeof(entries));
    EXPECT(EV_SYSCALL_GETDENTS64_X, N(BAD_FD), N(GONE_FD));
    (void)CALL(__NR_getdents, GONE_FD, entries, sizeof(entries));
    EXPECT(EV_SYSCALL_GETDENTS_X, N(BAD_FD), N(GONE_FD));
    SETUP(__NR_close, at);
}

void drive_files(void)
{
    long fd;

    opens();
    openat2s();
    creat_and_handles();
    fd = SETUP(__NR_open, "new", O_RDWR | O_TRUNC);
    plain_io(fd);
    vector_io(fd);
    copies(fd);
    stats(fd);
    SETUP(__NR_close, fd);
    SETUP(__NR_unlink, "new");
}
