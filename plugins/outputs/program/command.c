/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* @return 0 and the whole path in @p ret. */
static int find(const char *name, char *ret, struct gyr_error *err)
{
    const char *path = getenv("PATH"), *end;
    char tried[PATH_MAX];
    struct stat st;

    if (strchr(name, '/')) {
        if (access(name, X_OK) < 0 || stat(name, &st) < 0)
            return gyr_fail(err, -errno, "command %s: %s", name, strerror(errno));
        if (!S_ISREG(st.st_mode))
            return gyr_fail(err, -EACCES, "command %s: is not a file", name);
        return realpath(name, ret) ? 0 : -errno;
    }
    for (const char *p = path ? path : "/usr/bin:/bin"; *p; p = *end ? end + 1 : end) {
        int n;

        end = strchrnul(p, ':');
        n = snprintf(tried, sizeof(tried), "%.*s/%s", (int)(end - p), p, name);
        if (n > 0 && (size_t)n < sizeof(tried) && stat(tried, &st) == 0 && S_ISREG(st.st_mode) &&
            access(tried, X_OK) == 0 && realpath(tried, ret))
            return 0;
    }
    return gyr_fail(err, -ENOENT, "command %s: not found in PATH", name);
}

/* As the core's rule for plugins: the file and each folder above it are root's or ours. */
static int check_owners(char *path, struct gyr_error *err)
{
    struct stat st;
    bool sticky;
    char *slash;

    do {
        if (stat(*path ? path : "/", &st) < 0)
            return gyr_fail(err, -errno, "command %s: %s", path, strerror(errno));
        sticky = S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX);
        if ((st.st_uid != 0 && st.st_uid != geteuid()) || ((st.st_mode & S_IWOTH) && !sticky) ||
            ((st.st_mode & S_IWGRP) && st.st_gid != 0 && !sticky))
            return gyr_fail(err, -EPERM, "command refused: another user could change %s",
                            *path ? path : "/");
        slash = strrchr(path, '/');
        if (slash)
            *slash = '\0';
    } while (slash);
    return 0;
}

int command_check(const char *name, struct gyr_error *err)
{
    char path[PATH_MAX];
    int r = find(name, path, err);

    if (r < 0 || geteuid() != 0)
        return r;
    return check_owners(path, err);
}

int command_disown_privileges(struct gyr_error *err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return gyr_fail(err, -errno, "cannot set no_new_privs: %s", strerror(errno));
    if (syscall(SYS_capset, &head, none) < 0)
        return gyr_fail(err, -errno, "cannot drop capabilities: %s", strerror(errno));
    return 0;
}

static int spawn(const char *const *argv, int in, int out, pid_t *ret)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t set;
    int r = posix_spawn_file_actions_init(&files);

    if (r)
        return -r;
    r = posix_spawnattr_init(&attr);
    if (r) {
        (void)posix_spawn_file_actions_destroy(&files);
        return -r;
    }
    (void)sigemptyset(&set);
    for (int sig = 1; sig < 32; sig++) /* those above are the C library's, or nobody's */
        (void)sigaddset(&set, sig);
    (void)posix_spawnattr_setsigdefault(&attr, &set);
    (void)sigemptyset(&set);
    (void)posix_spawnattr_setsigmask(&attr, &set);
    (void)posix_spawnattr_setpgroup(&attr, 0);
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETPGROUP);
    r = posix_spawn_file_actions_adddup2(&files, in, 0);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&files, out, 1);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&files, out, 2);
    if (r == 0)
        r = posix_spawn_file_actions_addclosefrom_np(&files, 3);
    if (r == 0)
        r = posix_spawnp(ret, argv[0], &files, &attr, (char *const *)(uintptr_t)argv, environ);
    (void)posix_spawnattr_destroy(&attr);
    (void)posix_spawn_file_actions_destroy(&files);
    return -r;
}

static void close_all(const int *fds)
{
    for (int i = 0; i < 4; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

int command_spawn(const char *const *argv, struct command_ends *ret, struct gyr_error *err)
{
    int fds[4] = {-1, -1, -1, -1}, r = 0; /* its input: read, write; its output: the same */

    if (pipe2(fds, O_CLOEXEC) < 0 || pipe2(fds + 2, O_CLOEXEC) < 0 ||
        fcntl(fds[2], F_SETFL, O_NONBLOCK) < 0)
        r = -errno;
    if (r == 0)
        r = spawn(argv, fds[0], fds[3], &ret->pid);
    if (r < 0) {
        close_all(fds);
        return gyr_fail(err, r, "%s", strerror(-r));
    }
    (void)close(fds[0]);
    (void)close(fds[3]);
    ret->in_fd = fds[1];
    ret->out_fd = fds[2];
    /* It is our child and not waited for yet, so the number is still its. */
    ret->pid_fd = pidfd_open(ret->pid, 0);
    if (ret->pid_fd < 0) {
        r = -errno;
        (void)kill(ret->pid, SIGKILL);
        (void)waitpid(ret->pid, NULL, 0);
        (void)close(ret->in_fd);
        (void)close(ret->out_fd);
        return gyr_fail(err, r, "no descriptor of the process: %s", strerror(-r));
    }
    return 0;
}
