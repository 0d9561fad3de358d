/* SPDX-License-Identifier: Apache-2.0 */
/* Links, names, permissions, folders, mounts. */
#include "live.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { MISSING = -2, BAD_FD = -9, CWD = -100, GONE_FD = 999 };

static void links(void)
{
    long ret = CALL(__NR_link, "file", "hard");

    EXPECT(EV_SYSCALL_LINK_2_X, N(0), S("file"), S("hard"));
    (void)CALL(__NR_link, "missing", "hard2");
    EXPECT(EV_SYSCALL_LINK_2_X, N(MISSING), S("missing"), S("hard2"));
    (void)CALL(__NR_linkat, CWD, "file", CWD, "hard2", AT_SYMLINK_FOLLOW);
    EXPECT(EV_SYSCALL_LINKAT_2_X, N(0), N(CWD), S("file"), N(CWD), S("hard2"), N(0x400));
    (void)CALL(__NR_linkat, GONE_FD, "file", 998, "hard3", AT_EMPTY_PATH);
    EXPECT(EV_SYSCALL_LINKAT_2_X, N(BAD_FD), N(GONE_FD), S("file"), N(998), S("hard3"), N(0x1000));
    (void)CALL(__NR_symlink, "/etc/no such file", "soft");
    EXPECT(EV_SYSCALL_SYMLINK_X, N(0), S("/etc/no such file"), S("soft"));
    (void)CALL(__NR_symlink, "target", "missing/soft");
    EXPECT(EV_SYSCALL_SYMLINK_X, N(MISSING), S("target"), S("missing/soft"));
    (void)CALL(__NR_symlinkat, "target", CWD, "soft2");
    EXPECT(EV_SYSCALL_SYMLINKAT_X, N(0), S("target"), N(CWD), S("soft2"));
    (void)CALL(__NR_symlinkat, "target", GONE_FD, "soft3");
    EXPECT(EV_SYSCALL_SYMLINKAT_X, N(BAD_FD), S("target"), N(GONE_FD), S("soft3"));
    (void)CALL(__NR_rename, "hard", "renamed");
    EXPECT(EV_SYSCALL_RENAME_X, N(0), S("hard"), S("renamed"));
    (void)CALL(__NR_rename, "missing", "renamed");
    EXPECT(EV_SYSCALL_RENAME_X, N(MISSING), S("missing"), S("renamed"));
    (void)CALL(__NR_renameat, CWD, "renamed", CWD, "hard");
    EXPECT(EV_SYSCALL_RENAMEAT_X, N(0), N(CWD), S("renamed"), N(CWD), S("hard"));
    (void)CALL(__NR_renameat, GONE_FD, "a", CWD, "b");
    EXPECT(EV_SYSCALL_RENAMEAT_X, N(BAD_FD), N(GONE_FD), S("a"), N(CWD), S("b"));
    (void)CALL(__NR_renameat2, CWD, "hard", CWD, "renamed", 1); /* no replacing */
    EXPECT(EV_SYSCALL_RENAMEAT2_X, N(0), N(CWD), S("hard"), N(CWD), S("renamed"), N(1));
    ret = CALL(__NR_renameat2, CWD, "missing", GONE_FD, "x", 2);
    EXPECT(EV_SYSCALL_RENAMEAT2_X, N(ret), N(CWD), S("missing"), N(GONE_FD), S("x"), N(2));
    (void)CALL(__NR_unlink, "renamed");
    EXPECT(EV_SYSCALL_UNLINK_2_X, N(0), S("renamed"));
    (void)CALL(__NR_unlink, "renamed");
    EXPECT(EV_SYSCALL_UNLINK_2_X, N(MISSING), S("renamed"));
    (void)CALL(__NR_unlinkat, CWD, "hard2", 0);
    EXPECT(EV_SYSCALL_UNLINKAT_2_X, N(0), N(CWD), S("hard2"), N(0));
    (void)CALL(__NR_unlinkat, GONE_FD, "hard2", AT_REMOVEDIR);
    EXPECT(EV_SYSCALL_UNLINKAT_2_X, N(BAD_FD), N(GONE_FD), S("hard2"), N(0x200));
    SETUP(__NR_unlink, "soft");
    SETUP(__NR_unlink, "soft2");
}

static void permissions(long fd)
{
    (void)CALL(__NR_chmod, "file", 04755);

    EXPECT(EV_SYSCALL_CHMOD_X, N(0), S("file"), N(04755));
    (void)CALL(__NR_chmod, "missing", 01777);
    EXPECT(EV_SYSCALL_CHMOD_X, N(MISSING), S("missing"), N(01777));
    (void)CALL(__NR_fchmod, fd, 0600);
    EXPECT(EV_SYSCALL_FCHMOD_X, N(0), N(fd), N(0600));
    (void)CALL(__NR_fchmod, GONE_FD, 0666);
    EXPECT(EV_SYSCALL_FCHMOD_X, N(BAD_FD), N(GONE_FD), N(0666));
    (void)CALL(__NR_fchmodat, CWD, "file", 02711);
    EXPECT(EV_SYSCALL_FCHMODAT_X, N(0), N(CWD), S("file"), N(02711));
    (void)CALL(__NR_fchmodat, GONE_FD, "file", 0);
    EXPECT(EV_SYSCALL_FCHMODAT_X, N(BAD_FD), N(GONE_FD), S("file"), N(0));
    (void)CALL(__NR_chown, "file", 1, 2);
    EXPECT(EV_SYSCALL_CHOWN_X, N(0), S("file"), N(1), N(2));
    (void)CALL(__NR_chown, "missing", -1, 0);
    EXPECT(EV_SYSCALL_CHOWN_X, N(MISSING), S("missing"), N(UINT32_MAX), N(0));
    (void)CALL(__NR_lchown, "file", 0, -1);
    EXPECT(EV_SYSCALL_LCHOWN_X, N(0), S("file"), N(0), N(UINT32_MAX));
    (void)CALL(__NR_lchown, "missing", 3, 4);
    EXPECT(EV_SYSCALL_LCHOWN_X, N(MISSING), S("missing"), N(3), N(4));
    (void)CALL(__NR_fchown, fd, 0, 0);
    EXPECT(EV_SYSCALL_FCHOWN_X, N(0), N(fd), N(0), N(0));
    (void)CALL(__NR_fchown, GONE_FD, 5, 6);
    EXPECT(EV_SYSCALL_FCHOWN_X, N(BAD_FD), N(GONE_FD), N(5), N(6));
    (void)CALL(__NR_fchownat, CWD, "file", 0, 0, AT_SYMLINK_NOFOLLOW);
    EXPECT(EV_SYSCALL_FCHOWNAT_X, N(0), N(CWD), S("file"), N(0), N(0), N(0x400));
    (void)CALL(__NR_fchownat, GONE_FD, "", 7, 8, AT_EMPTY_PATH);
    EXPECT(EV_SYSCALL_FCHOWNAT_X, N(BAD_FD), N(GONE_FD), S(""), N(7), N(8), N(0x1000));
    (void)CALL(__NR_access, "file", 4 | 2);
    EXPECT(EV_SYSCALL_ACCESS_X, N(0), S("file"), N(6));
    (void)CALL(__NR_access, "missing", 0);
    EXPECT(EV_SYSCALL_ACCESS_X, N(MISSING), S("missing"), N(0));
    (void)CALL(__NR_faccessat, CWD, "file", 1);
    EXPECT_GENERIC(__NR_faccessat);
}

static void folders(void)
{
    char path[256], expected[128];
    long at, ret = CALL(__NR_mkdir, "sub", 0750);

    EXPECT(EV_SYSCALL_MKDIR_2_X, N(0), S("sub"), N(0750));
    (void)CALL(__NR_mkdir, "sub", 0700);
    EXPECT(EV_SYSCALL_MKDIR_2_X, N(-17), S("sub"), N(0700));
    (void)CALL(__NR_mkdirat, CWD, "sub/below", 01777);
    EXPECT(EV_SYSCALL_MKDIRAT_X, N(0), N(CWD), S("sub/below"), N(01777));
    (void)CALL(__NR_mkdirat, GONE_FD, "x", 0);
    EXPECT(EV_SYSCALL_MKDIRAT_X, N(BAD_FD), N(GONE_FD), S("x"), N(0));
    (void)CALL(__NR_rmdir, "sub");
    EXPECT(EV_SYSCALL_RMDIR_2_X, N(-39), S("sub"));
    (void)CALL(__NR_rmdir, "sub/below");
    EXPECT(EV_SYSCALL_RMDIR_2_X, N(0), S("sub/below"));
    (void)CALL(__NR_chdir, "sub");
    EXPECT(EV_SYSCALL_CHDIR_X, N(0), S("sub"));
    (void)CALL(__NR_getcwd, path, sizeof(path));
    memcpy(expected, dir, strlen(dir));
    memcpy(expected + strlen(dir), "/sub", 5);
    EXPECT(EV_SYSCALL_GETCWD_X, N(strlen(expected) + 1), S(expected));
    (void)CALL(__NR_getcwd, path, 2);
    EXPECT(EV_SYSCALL_GETCWD_X, N(-34), NONE);
    (void)CALL(__NR_chdir, "/missing/folder");
    EXPECT(EV_SYSCALL_CHDIR_X, N(MISSING), S("/missing/folder"));
    at = SETUP(__NR_open, "..", O_RDONLY | O_DIRECTORY);
    (void)CALL(__NR_fchdir, at);
    EXPECT(EV_SYSCALL_FCHDIR_X, N(0), N(at));
    SETUP(__NR_close, at);
    (void)CALL(__NR_fchdir, GONE_FD);
    EXPECT(EV_SYSCALL_FCHDIR_X, N(BAD_FD), N(GONE_FD));
    SETUP(__NR_rmdir, "sub");
    (void)CALL(__NR_chroot, "/missing");
    EXPECT(EV_SYSCALL_CHROOT_X, N(MISSING), S("/missing"));
    ret = CALL(__NR_chroot, "/");
    EXPECT(EV_SYSCALL_CHROOT_X, N(ret), S("/"));
}

static void nodes(void)
{
    (void)CALL(__NR_mknod, "fifo", S_IFIFO | 0622, 0);

    EXPECT(EV_SYSCALL_MKNOD_X, N(0), S("fifo"), N(S_IFIFO | 0622), N(0));
    (void)CALL(__NR_mknod, "missing/null", S_IFCHR | 0666, makedev(1, 3));
    EXPECT(EV_SYSCALL_MKNOD_X, N(MISSING), S("missing/null"), N(S_IFCHR | 0666), N(0x103));
    (void)CALL(__NR_mknodat, CWD, "plain", S_IFREG | 04600, 0);
    EXPECT(EV_SYSCALL_MKNODAT_X, N(0), N(CWD), S("plain"), N(S_IFREG | 04600), N(0));
    (void)CALL(__NR_mknodat, GONE_FD, "disk", S_IFBLK, makedev(8, 1));
    EXPECT(EV_SYSCALL_MKNODAT_X, N(BAD_FD), N(GONE_FD), S("disk"), N(S_IFBLK), N(0x801));
    SETUP(__NR_unlink, "fifo");
    SETUP(__NR_unlink, "plain");
}

static void mounts(void)
{
    long ret = CALL(__NR_mount, "none", "missing", "tmpfs", MS_NOSUID | MS_NODEV, "size=64k");

    EXPECT(EV_SYSCALL_MOUNT_X, N(ret), S("none"), S("missing"), S("tmpfs"), N(6));
    SETUP(__NR_mkdir, "mnt", 0700);
    ret = CALL(__NR_mount, "from here", "mnt", "tmpfs", 0xc0ed0000 | MS_NOEXEC, NULL);
    EXPECT(EV_SYSCALL_MOUNT_X, N(ret), S("from here"), S("mnt"), S("tmpfs"), N(8));
    if (ret == 0) {
        (void)CALL(__NR_umount2, "mnt", MNT_DETACH);
        EXPECT(EV_SYSCALL_UMOUNT2_X, N(0), S("mnt"), N(2));
    }
    ret = CALL(__NR_mount, NULL, "mnt", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
    EXPECT(EV_SYSCALL_MOUNT_X, N(ret), NONE, S("mnt"), NONE, N(0x1021));
    ret = CALL(__NR_umount2, "missing", MNT_FORCE | 8);
    EXPECT(EV_SYSCALL_UMOUNT2_X, N(ret), S("missing"), N(9));
    SETUP(__NR_rmdir, "mnt");
}

void drive_paths(void)
{
    long fd = SETUP(__NR_open, "file", O_RDWR | O_CREAT, 0600);

    links();
    permissions(fd);
    folders();
    nodes();
    mounts();
    SETUP(__NR_close, fd);
    SETUP(__NR_unlink, "file");
}
