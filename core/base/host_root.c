/* SPDX-License-Identifier: Apache-2.0 */
#include "base/host_root.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel's first PID namespace has a number of its own (PROC_PID_INIT_INO). */
static const char FIRST[] = "pid:[4026531836]";

struct link {
    char to[64]; /* "" when it cannot be read */
};

static struct link read_link(const char *tree, const char *path)
{
    struct link l = {""};
    char full[512];
    ssize_t n;

    if ((size_t)snprintf(full, sizeof(full), "%s%s", tree, path) >= sizeof(full))
        return l;
    n = readlink(full, l.to, sizeof(l.to) - 1);
    l.to[n > 0 ? n : 0] = '\0';
    return l;
}

static bool exists(const char *tree, const char *path)
{
    char full[512];
    struct stat st;

    return (size_t)snprintf(full, sizeof(full), "%s%s", tree, path) < sizeof(full) &&
           stat(full, &st) == 0;
}

/* Both can be read, and are not the same. */
static bool differ(struct link a, struct link b)
{
    return a.to[0] && b.to[0] && strcmp(a.to, b.to) != 0;
}

/* Is /host/proc that of the first namespace? Its process 1 says so, if we may ask; else the number
 * that we have there, which within a namespace inside of it is another. */
static bool is_first(const char *tree)
{
    struct link ns = read_link(tree, "/host/proc/1/ns/pid");

    if (ns.to[0])
        return strcmp(ns.to, FIRST) == 0;
    return differ(read_link(tree, "/proc/self"), read_link(tree, "/host/proc/self"));
}

bool host_root_has_proc(const char *root)
{
    return exists(root, "/proc/1");
}

void host_root_find(const char *tree, struct host_root *ret)
{
    struct link ns = read_link(tree, "/proc/self/ns/pid");
    bool mounted = exists(tree, "/host/proc/1"), first = strcmp(ns.to, FIRST) == 0;

    *ret = (struct host_root){.path = ""};
    if (first && mounted &&
        differ(read_link(tree, "/proc/self/ns/mnt"), read_link(tree, "/host/proc/1/ns/mnt"))) {
        ret->path = "/host";
        ret->why = "this process sees the host's processes, but files of its own: the host's are "
                   "looked for below /host";
    } else if (first) {
        ret->why = "this process is not in a container: its files are the host's";
    } else if (mounted && is_first(tree)) {
        ret->path = "/host";
        ret->why = "this process is in a container: the host's files and processes are looked for "
                   "below /host";
    } else {
        ret->is_blind = true;
        ret->why =
            mounted ? "this process is in a container, and what is mounted at /host is not the "
                      "host's: what ran before is only known from what the kernel itself tells; "
                      "mount the host's / there, or name its place as 'host_root'"
                    : "this process is in a container, and the host's / is not mounted at /host: "
                      "what ran before is only known from what the kernel itself tells; mount it "
                      "there, or name its place as 'host_root'";
    }
}
