/* SPDX-License-Identifier: Apache-2.0 */
/* Container ids from cgroups, through the enricher's fields: what runtimes write, and what hosts
 * write that merely looks like it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../lib/derived.h"

#include "syscall/syscall.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define IN "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define UP "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF"

#define POD    "pod2b6f7c1a-9d5e-4a0b-8f77-0c1d2e3f4a5b"
#define POD_SD "pod2b6f7c1a_9d5e_4a0b_8f77_0c1d2e3f4a5b"

static const struct {
    const char *what, *cgroup; /* of every controller, or of the one of version 2 */
    const char *full;          /* "": the host */
} rows[] = {
    {"Docker, cgroupfs", "/docker/" ID, ID},
    {"Docker, systemd", "/system.slice/docker-" ID ".scope", ID},
    {"Docker, own slice", "/my.slice/docker-" ID ".scope", ID},
    {"Docker, a service below it", "/docker/" ID "/system.slice/sshd.service", ID},
    {"Docker, rootless",
     "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" ID ".scope", ID},
    {"containerd by ctr", "/default/" ID, ID},
    {"containerd, namespace moby", "/moby/" ID, ID},
    {"nerdctl, systemd", "/system.slice/nerdctl-" ID ".scope", ID},
    {"CRI-O, systemd",
     "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-" POD_SD ".slice/crio-" ID
     ".scope",
     ID},
    {"CRI-O, its payload",
     "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-" POD_SD ".slice/crio-" ID
     ".scope/container",
     ID},
    {"CRI-O, cgroupfs", "/kubepods/burstable/" POD "/crio-" ID, ID},
    {"podman, root", "/machine.slice/libpod-" ID ".scope", ID},
    {"podman, version 2", "/machine.slice/libpod-" ID ".scope/container", ID},
    {"podman, rootless",
     "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope/container", ID},
    {"podman, cgroupfs", "/libpod_parent/libpod-" ID, ID},
    {"Kubernetes, containerd, systemd, best effort",
     "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-" POD_SD
     ".slice/cri-containerd-" ID ".scope",
     ID},
    {"Kubernetes, containerd, systemd, guaranteed",
     "/kubepods.slice/kubepods-" POD_SD ".slice/cri-containerd-" ID ".scope", ID},
    {"Kubernetes, containerd, cgroupfs", "/kubepods/besteffort/" POD "/" ID, ID},
    {"Kubernetes, guaranteed, cgroupfs", "/kubepods/" POD "/" ID, ID},
    {"Kubernetes, Docker, systemd",
     "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-" POD_SD ".slice/docker-" ID
     ".scope",
     ID},
    {"Kubernetes, colons",
     "/system.slice/containerd.service/kubepods-besteffort-" POD_SD ".slice:cri-containerd:" ID,
     ID},
    {"kind: a node in Docker", "/docker/" ID "/kubelet/kubepods/besteffort/" POD "/" IN, IN},
    {"kind, systemd",
     "/system.slice/docker-" ID ".scope/kubelet.slice/kubelet-kubepods.slice/"
     "kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-" POD_SD
     ".slice/cri-containerd-" IN ".scope",
     IN},
    {"Docker in Docker, cgroupfs", "/docker/" ID "/docker/" IN, IN},
    {"Docker in Docker, systemd",
     "/system.slice/docker-" ID ".scope/system.slice/docker-" IN ".scope", IN},
    {"Docker in a pod", "/kubepods/burstable/" POD "/" ID "/docker/" IN, IN},

    {"the root", "/", ""},
    {"a session", "/user.slice/user-0.slice/session-c1.scope", ""},
    {"a user's service", "/user.slice/user-1000.slice/user@1000.service/app.slice/dbus.service",
     ""},
    {"an app's scope of hexadecimal digits",
     "/user.slice/user-1000.slice/user@1000.service/app.slice/app-abcdef0123456789.scope", ""},
    {"64 digits below the root", "/" ID, ""},
    {"64 digits below a build tool's", "/build/jobs/" ID, ""},
    {"64 digits as last of many", "/a/b/c/" ID, ""},
    {"64 digits of a slice", "/system.slice/" ID ".slice", ""},
    {"64 digits of a service", "/system.slice/" ID ".service", ""},
    {"64 digits of a scope without a prefix", "/system.slice/" ID ".scope", ""},
    {"another's prefix", "/system.slice/build-" ID ".scope", ""},
    {"a template of 64 digits", "/system.slice/x@" ID ".service", ""},
    {"the Docker daemon", "/system.slice/docker.service", ""},
    {"Docker's folder", "/docker", ""},
    {"Docker's build kit", "/docker/buildkit", ""},
    {"the shim", "/system.slice/containerd.service", ""},
    {"CRI-O's monitor", "/system.slice/crio-conmon-" ID ".scope", ""},
    {"podman's monitor", "/machine.slice/libpod-conmon-" ID ".scope", ""},
    {"a pod without a container", "/kubepods/besteffort/" POD, ""},
    {"a pod's slice", "/kubepods.slice/kubepods-besteffort-" POD_SD ".slice", ""},
    {"a folder named like pods", "/kubepodsx/podx/" ID, ""},
    {"lxc", "/lxc/web", ""},
    {"lxc of version 2", "/lxc.payload.web/init.scope", ""},
    {"lxc with a long name", "/lxc.payload/" ID, ""},
    {"a machine of systemd", "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", ""},
    {"snap",
     "/user.slice/user-1000.slice/user@1000.service/app.slice/"
     "snap.firefox.firefox-0f9b2c47-1c1f-4a52-9d0c-1a2b3c4d5e6f.scope",
     ""},
    {"one digit less", "/docker/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde",
     ""},
    {"one digit more", "/docker/" ID "0", ""},
    {"capital letters", "/docker/" UP, ""},
    {"not a digit", "/docker/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeg", ""},
    {"half an id", "/docker/0123456789ab", ""},
    {"a scope's name cut", "/system.slice/docker-" ID ".scop", ""},
};

/* As captures have them: "controller=path", each with its NUL. */
static size_t groups(char *out, size_t cap, const char *path, bool v2)
{
    static const char *const v1[] = {"cpuset", "cpu", "memory", "pids", "name=systemd"};
    size_t n = 0;

    if (v2)
        return (size_t)snprintf(out, cap, "=%s", path) + 1;
    for (size_t i = 0; i < sizeof(v1) / sizeof(v1[0]); i++)
        n += (size_t)snprintf(out + n, cap - n, "%s=%s", v1[i], path) + 1;
    return n;
}

/* A process that has always been there, then a call of its. */
static void listed(struct derived *d, int64_t tid, const char *text, size_t len)
{
    derived_event(d, GYR_EV_SNAPSHOT_BEGIN, -1, NULL, 0);
    DERIVED(d, EV_SNAP_PROCESS, tid, D_NUM(P_SNAP_PROCESS__tid, tid),
            D_NUM(P_SNAP_PROCESS__pid, tid), D_NUM(P_SNAP_PROCESS__ptid, 1),
            D_NUM(P_SNAP_PROCESS__vtid, tid), D_NUM(P_SNAP_PROCESS__vpid, tid),
            D_STR(P_SNAP_PROCESS__comm, "sh"), D_STR(P_SNAP_PROCESS__exe, "sh"),
            D_BYTES(P_SNAP_PROCESS__cgroups, text, len));
    derived_event(d, GYR_EV_SNAPSHOT_END, -1, NULL, 0);
    DERIVED(d, EV_SYSCALL_CLOSE_X, tid, D_NUM(P_SYSCALL_CLOSE_X__res, 0));
}

static void check(struct derived *d, const char *what, const char *full)
{
    char id[13] = "host";

    if (*full)
        memcpy(id, full, 12);
    if (strcmp(derived_get(d, "container.id", NULL), id) != 0)
        fail_msg("%s: container.id is %s", what, derived_get(d, "container.id", NULL));
    assert_string_equal(derived_get(d, "container.full_id", NULL), *full ? full : "(absent)");
}

static void from_the_list(void **state)
{
    char text[4096];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int v2 = 0; v2 < 2; v2++) {
            struct derived d;

            derived_init(&d);
            listed(&d, 100, text, groups(text, sizeof(text), rows[i].cgroup, v2));
            check(&d, rows[i].what, rows[i].full);
            derived_free(&d);
        }
    print_message("%zu cgroups, in both versions\n", sizeof(rows) / sizeof(rows[0]));
}

/* A controller that was not moved with the others does not hide the container. */
static void in_some_controllers_only(void **state)
{
    static const char mixed[] = "cpuset=/\0cpu=/user.slice\0memory=/docker/" ID "\0pids=/";
    static const char hybrid[] = "name=systemd=/system.slice/docker-" ID ".scope\0=/";
    static const char nobody[] = "cpuset=/\0nonsense\0memory=" ID "\0=";
    struct derived d;

    (void)state;
    derived_init(&d);
    listed(&d, 100, mixed, sizeof(mixed));
    check(&d, "mixed", ID);
    listed(&d, 101, hybrid, sizeof(hybrid));
    check(&d, "hybrid", ID);
    listed(&d, 102, nobody, sizeof(nobody));
    check(&d, "nobody", "");
    listed(&d, 103, "", 0);
    check(&d, "no cgroups at all", "");
    derived_free(&d);
}

/* A process is in what its exec says, and its children start there. */
static void children_and_moves(void **state)
{
    static const char host[] = "cpuset=/user.slice", in[] = "cpuset=/docker/" ID;
    struct derived d;

    (void)state;
    derived_init(&d);
    listed(&d, 100, host, sizeof(host));
    check(&d, "before", "");
    DERIVED(&d, EV_SYSCALL_EXECVE_19_X, 100, D_NUM(P_SYSCALL_EXECVE_19_X__res, 0),
            D_STR(P_SYSCALL_EXECVE_19_X__exe, "runc"), D_NUM(P_SYSCALL_EXECVE_19_X__tid, 100),
            D_NUM(P_SYSCALL_EXECVE_19_X__pid, 100), D_NUM(P_SYSCALL_EXECVE_19_X__ptid, 1),
            D_STR(P_SYSCALL_EXECVE_19_X__comm, "runc"),
            D_BYTES(P_SYSCALL_EXECVE_19_X__cgroups, in, sizeof(in)));
    check(&d, "after exec", ID);
    DERIVED(&d, EV_SYSCALL_CLONE_20_X, 200, D_NUM(P_SYSCALL_CLONE_20_X__res, 0),
            D_STR(P_SYSCALL_CLONE_20_X__exe, "runc"), D_NUM(P_SYSCALL_CLONE_20_X__tid, 200),
            D_NUM(P_SYSCALL_CLONE_20_X__pid, 200), D_NUM(P_SYSCALL_CLONE_20_X__ptid, 100),
            D_STR(P_SYSCALL_CLONE_20_X__comm, "runc"),
            D_BYTES(P_SYSCALL_CLONE_20_X__cgroups, in, sizeof(in)));
    check(&d, "a child", ID);
    derived_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_the_list),
        cmocka_unit_test(in_some_controllers_only),
        cmocka_unit_test(children_and_moves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
