/* SPDX-License-Identifier: Apache-2.0 */
/* 10,000 pods as large as real ones are, of which 1,000 have a container seen here: what that takes
 * of memory and time. The server is a process of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../lib/k8s_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PODS = 10000, CONTAINERS = 1000, SETS = 500, RSS_MAX_KB = 30 << 10, MS_MAX = 2000 };

static void put(struct k8s_server *s, const char *resource, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void put(struct k8s_server *s, const char *resource, const char *fmt, ...)
{
    static char json[8192];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(json, sizeof(json), fmt, ap);
    va_end(ap);
    k8s_server_put(s, resource, json);
}

static void fill(struct k8s_server *s)
{
    static char fields[2048];

    for (size_t n = 0; n < 1900;)
        n += (size_t)snprintf(fields + n, sizeof(fields) - n, "\"f:k%zu\":{\".\":{}},", n);
    for (int i = 0; i < 50; i++)
        put(s, "namespaces",
            "{\"fresh\":true,\"metadata\":{\"name\":\"ns-%d\",\"uid\":\"ns-uid-%d\",\"labels\":"
            "{\"kubernetes.io/metadata.name\":\"ns-%d\"}}}",
            i, i, i);
    for (int i = 0; i < SETS; i++) {
        put(s, "deployments",
            "{\"fresh\":true,\"metadata\":{\"name\":\"app-%d\",\"namespace\":\"ns-%d\",\"uid\":"
            "\"dep-%d\",\"labels\":{\"app\":\"app-%d\"}}}",
            i, i % 50, i, i);
        put(s, "replicasets",
            "{\"fresh\":true,\"metadata\":{\"name\":\"app-%d-x\",\"namespace\":\"ns-%d\",\"uid\":"
            "\"rs-%d\",\"labels\":{\"app\":\"app-%d\"},\"ownerReferences\":[{\"kind\":"
            "\"Deployment\",\"name\":\"app-%d\",\"uid\":\"dep-%d\",\"controller\":true}]}}",
            i, i % 50, i, i, i, i);
        put(s, "services",
            "{\"fresh\":true,\"metadata\":{\"name\":\"svc-%d\",\"namespace\":\"ns-%d\",\"uid\":"
            "\"svc-%d\"},\"spec\":{\"selector\":{\"app\":\"app-%d\"}}}",
            i, i % 50, i, i);
    }
    for (int i = 0; i < PODS; i++) {
        int k = i % SETS;

        put(s, "pods",
            "{\"fresh\":true,\"kind\":\"Pod\",\"metadata\":{\"name\":\"app-%d-x-%d\",\"namespace\":"
            "\"ns-%d\",\"uid\":\"0000%04x-0000-4000-8000-%012d\",\"labels\":{\"app\":\"app-%d\","
            "\"pod-template-hash\":\"x%d\",\"app.kubernetes.io/managed-by\":\"Helm\"},"
            "\"ownerReferences\":[{\"kind\":\"ReplicaSet\",\"name\":\"app-%d-x\",\"uid\":\"rs-%d\","
            "\"controller\":true}],\"managedFields\":[{\"manager\":\"kubelet\",\"fieldsV1\":{%s"
            "\"f:x\":{}}}]},\"spec\":{\"nodeName\":\"node-%d\",\"containers\":[{\"name\":\"main\","
            "\"image\":\"registry.example/app-%d:1.2.3\",\"env\":[{\"name\":\"A\",\"value\":\"b\"},"
            "{\"name\":\"C\",\"value\":\"d\"}],\"resources\":{\"limits\":{\"cpu\":\"1\"}}}]},"
            "\"status\":{\"phase\":\"Running\",\"podIP\":\"10.%d.%d.%d\",\"containerStatuses\":[{"
            "\"name\":\"main\",\"ready\":true,\"containerID\":\"containerd://%064d\"}]}}",
            k, i, k % 50, i, i, k, k, k, k, fields, i % 100, k, i >> 16, i >> 8 & 255, i & 255, i);
    }
}

/* The server in a process of its own, until its pipe is closed. @return the port. */
static unsigned start_server(const char *dir, int *ret_pipe, pid_t *ret_pid)
{
    unsigned port = 0;
    int to[2], from[2];

    assert_int_equal(pipe(to), 0);
    assert_int_equal(pipe(from), 0);
    *ret_pid = fork();
    if (*ret_pid == 0) {
        struct k8s_server *s = k8s_server_start(&(struct k8s_server_conf){.dir = dir});
        char c;

        (void)close(to[1]);
        fill(s);
        port = k8s_server_port(s);
        if (write(from[1], &port, sizeof(port)) == sizeof(port))
            (void)!read(to[0], &c, 1);
        k8s_server_stop(s);
        _exit(0);
    }
    (void)close(to[0]);
    (void)close(from[1]);
    assert_int_equal(read(from[0], &port, sizeof(port)), sizeof(port));
    (void)close(from[0]);
    *ret_pipe = to[1];
    return port;
}

static long memory_kb(const char *what)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    long kb = 0;

    assert_non_null(f);
    while (fgets(line, sizeof(line), f))
        if (strncmp(line, what, strlen(what)) == 0)
            kb = strtol(line + strlen(what), NULL, 10);
    (void)fclose(f);
    return kb;
}

static long ms_now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Of this process alone: the machine may be busy with other things. */
static long cpu_ms(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

static void test_size(void **state)
{
    struct k8s_rig r;
    struct gyr_error err;
    char id[65], cg[128], name[64];
    long before, began, ms, cpu, kb, peak;
    unsigned port;
    int pipe_end;
    pid_t pid;

    (void)state;
    k8s_rig_dir(&r);
    port = start_server(r.dir, &pipe_end, &pid);
    k8s_rig_kubeconfig(&r, port, "    certificate-authority: ca.crt\n", "    token: x\n");
    before = memory_kb("VmRSS:");
    began = ms_now();
    cpu = cpu_ms();
    assert_int_equal(k8s_rig_start(&r, "all", true, &err), 0);
    for (int i = 0; i < CONTAINERS; i++) {
        int p = i * (PODS / CONTAINERS);

        (void)snprintf(id, sizeof(id), "%064d", p);
        (void)snprintf(cg, sizeof(cg), "a=/kubepods/pod0000%04x-0000-4000-8000-%012d/x", p, p);
        k8s_rig_in(&r, id, cg);
    }
    for (int i = 0; i < CONTAINERS; i++) {
        int p = i * (PODS / CONTAINERS);

        (void)snprintf(id, sizeof(id), "%064d", p);
        (void)snprintf(name, sizeof(name), "app-%d-x-%d", p % SETS, p);
        r.container = id;
        k8s_rig_expect(&r, "k8s.pod.name", name);
        (void)snprintf(name, sizeof(name), "app-%d", p % SETS);
        k8s_rig_expect(&r, "k8s.deployment.name", name);
    }
    k8s_rig_expect_said(&r, "10000 pods listed");
    ms = ms_now() - began;
    cpu = cpu_ms() - cpu;
    kb = memory_kb("VmRSS:") - before;
    peak = memory_kb("VmHWM:") - before;
    (void)printf("# %d pods, %d containers: %ld ms, %ld of them at work, %ld KiB (at most %ld)\n",
                 PODS, CONTAINERS, ms, cpu, kb, peak);
    k8s_rig_stop(&r);
    (void)close(pipe_end);
    (void)waitpid(pid, NULL, 0);
    if (getenv("GYR_VARIANT") && strcmp(getenv("GYR_VARIANT"), "release") != 0)
        return; /* sanitizers take their own */
    assert_in_range(peak, 1, RSS_MAX_KB);
    assert_in_range(cpu, 1, MS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size),
    };

    return cmocka_run_group_tests_name("k8s_size", tests, NULL, NULL);
}
