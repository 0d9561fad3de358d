/* SPDX-License-Identifier: Apache-2.0 */
#include "facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct facts facts;

/* The namespaces that a machine starts with have fixed inodes. */
static bool is_first_ns(const char *path, ino_t ino)
{
    struct stat st;

    return stat(path, &st) == 0 && st.st_ino == ino;
}

static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (const char *p = list; (p = strstr(p, word)); p += n)
        if ((p == list || p[-1] == ',' || p[-1] == ' ') &&
            !strchr("_abcdefghijklmnopqrstuvwxyz", p[n]))
            return true;
        else if ((p == list || p[-1] == ',' || p[-1] == ' ') && p[n] == 0)
            return true;
    return false;
}

/* In the unified hierarchy a process is accounted at the nearest folder that has the controller. */
static void unified(char *path, const char *controller)
{
    char file[FACT_MAX + 64], list[512];

    while (path[0] && path[1]) {
        FILE *f;

        (void)snprintf(file, sizeof(file), "/sys/fs/cgroup%s/cgroup.controllers", path);
        f = fopen(file, "re");
        if (f && fgets(list, sizeof(list), f) && has_word(list, controller)) {
            (void)fclose(f);
            return;
        }
        if (f)
            (void)fclose(f);
        *strrchr(path, '/') = 0;
        if (!path[0])
            memcpy(path, "/", 2);
    }
}

/* The folder of a controller: of its own hierarchy, else of the unified one. */
static int cgroup_of(const char *v1, const char *v2, char *ret)
{
    char line[FACT_MAX];
    FILE *f = fopen("/proc/self/cgroup", "re");
    bool found = false, is_unified = false;

    while (f && !found && fgets(line, sizeof(line), f)) {
        char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;

        line[strcspn(line, "\n")] = 0;
        if (!path)
            continue;
        *path++ = 0;
        found = has_word(names + 1, v1);
        if (found || !names[1]) {
            (void)snprintf(ret, FACT_MAX, "%s", path);
            is_unified = !found;
        }
    }
    if (f)
        (void)fclose(f);
    if (is_unified && !found)
        unified(ret, v2);
    return found || is_unified ? 0 : -1;
}

static void cgroups(void)
{
    static const char *const names[][3] = {{"cpuset", "cpuset", "cpuset"},
                                           {"cpu", "cpu", "cpu"},
                                           {"cpuacct", "cpuacct", "cpuacct"},
                                           {"io", "blkio", "io"},
                                           {"memory", "memory", "memory"}};
    enum { FIRST_CGROUP_NS = 0xeffffffb };
    char path[FACT_MAX];

    if (!is_first_ns("/proc/self/ns/cgroup", FIRST_CGROUP_NS))
        return;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (cgroup_of(names[i][1], names[i][2], path) == 0)
            facts.cgroups_len += (size_t)snprintf(facts.cgroups + facts.cgroups_len,
                                                  sizeof(facts.cgroups) - facts.cgroups_len,
                                                  "%s=%s", names[i][0], path) +
                                 1;
}

static void capability(const char *line, const char *name, uint64_t *ret)
{
    if (strncmp(line, name, strlen(name)) == 0)
        *ret = strtoull(line + strlen(name), NULL, 16);
}

static void status(void)
{
    char line[512];
    FILE *f = fopen("/proc/self/status", "re");

    while (f && fgets(line, sizeof(line), f)) {
        capability(line, "CapInh:", &facts.cap_inheritable);
        capability(line, "CapPrm:", &facts.cap_permitted);
        capability(line, "CapEff:", &facts.cap_effective);
    }
    if (f)
        (void)fclose(f);
    f = fopen("/proc/self/stat", "re");
    if (f && fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %u", &facts.tty) != 1)
        facts.tty = 0;
    if (f)
        (void)fclose(f);
    facts.loginuid = UINT32_MAX;
    f = fopen("/proc/self/loginuid", "re");
    if (f && fscanf(f, "%u", &facts.loginuid) != 1)
        facts.loginuid = UINT32_MAX;
    if (f)
        (void)fclose(f);
}

int facts_learn(int argc, char **argv)
{
    enum { FIRST_PID_NS = 0xeffffffc, X32 = 0x40000000 };
    struct rlimit limit;
    ssize_t n = readlink("/proc/self/exe", facts.exepath, sizeof(facts.exepath) - 1);

    if (n < 0 || !is_first_ns("/proc/self/ns/pid", FIRST_PID_NS)) {
        fprintf(stderr, "drive: not in the machine's first PID namespace\n");
        return -1;
    }
    memcpy(facts.folder, facts.exepath, (size_t)n);
    *strrchr(facts.folder, '/') = 0;
    (void)snprintf(facts.argv0, sizeof(facts.argv0), "%s", argv[0]);
    for (int i = 1; i < argc; i++)
        facts.args_len += (size_t)snprintf(facts.args + facts.args_len,
                                           sizeof(facts.args) - facts.args_len, "%s", argv[i]) +
                          1;
    facts.pid = getpid();
    facts.ppid = getppid();
    facts.pgid = getpgrp();
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        facts.fdlimit = limit.rlim_cur;
    facts.has_x32 = CALL(X32 | __NR_getpid) == facts.pid;
    cgroups();
    status();
    return 0;
}
