/* SPDX-License-Identifier: Apache-2.0 */
#include "container.h"

#include <string.h>

enum { ID_LEN = 64 };

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_id(struct pr_text t)
{
    if (t.len != ID_LEN)
        return false;
    for (uint32_t i = 0; i < t.len; i++)
        if (!is_hex(t.p[i]))
            return false;
    return true;
}

static bool begins(struct pr_text t, const char *with)
{
    size_t n = strlen(with);

    return t.len >= n && memcmp(t.p, with, n) == 0;
}

static bool ends(struct pr_text t, const char *with)
{
    size_t n = strlen(with);

    return t.len >= n && memcmp(t.p + t.len - n, with, n) == 0;
}

/* The id between a prefix and a suffix of a folder's name. */
static struct pr_text within(struct pr_text name, const char *before, const char *after)
{
    uint32_t b = (uint32_t)strlen(before), a = (uint32_t)strlen(after);

    if (name.len < a + b || !begins(name, before) || !ends(name, after))
        return (struct pr_text){"", 0};
    return (struct pr_text){name.p + b, name.len - a - b};
}

/* Names of the systemd driver: each runtime has its own prefix. */
static const char *const scopes[] = {"docker-", "cri-containerd-", "crio-",
                                     "libpod-", "containerd-",     "nerdctl-"};

static struct pr_text of_scope(struct pr_text name)
{
    struct pr_text none = {"", 0};

    for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
        struct pr_text id = within(name, scopes[i], ".scope");

        if (is_id(id))
            return id;
    }
    return none;
}

/* "kubepods" as such, or as the systemd driver writes it. */
static bool is_kubepods(struct pr_text name)
{
    return begins(name, "kubepods") &&
           (name.len == 8 || begins(name, "kubepods.slice") || begins(name, "kubepods-"));
}

static bool is_pod(struct pr_text name)
{
    return begins(name, "pod") || (begins(name, "kubepods-") && ends(name, ".slice"));
}

/* Names of the cgroupfs driver: the bare id, or with the runtime's prefix, in a folder that is a
 * runtime's. @p above is the folder it is in. */
static struct pr_text of_folder(struct pr_text name, struct pr_text above, bool in_kube)
{
    struct pr_text none = {"", 0}, id = within(name, "crio-", "");

    if (is_id(id))
        return id;
    id = within(name, "libpod-", "");
    if (is_id(id))
        return id;
    if (!is_id(name))
        return none;
    if (pr_text_is(above, "docker") || pr_text_is(above, "libpod_parent") ||
        pr_text_is(above, "default") || pr_text_is(above, "moby") || pr_text_is(above, "k8s.io") ||
        (in_kube && is_pod(above)))
        return name;
    return none;
}

/* cri-containerd with the systemd driver of old: "/…:cri-containerd:ID". */
static struct pr_text of_colons(struct pr_text name)
{
    static const char key[] = ":cri-containerd:";
    struct pr_text none = {"", 0};
    const char *at = memmem(name.p, name.len, key, sizeof(key) - 1);
    struct pr_text id;

    if (!at)
        return none;
    id.p = at + sizeof(key) - 1;
    id.len = (uint32_t)(name.p + name.len - id.p);
    return is_id(id) ? id : none;
}

struct pr_text pr_container_of_path(struct pr_text path)
{
    struct pr_text found = {"", 0}, above = {"", 0};
    bool in_kube = false;

    /* the innermost counts: a container may run others */
    for (uint32_t i = 0; i < path.len;) {
        struct pr_text name = {path.p + i, 0}, id;

        while (i + name.len < path.len && name.p[name.len] != '/')
            name.len++;
        i += name.len + 1;
        if (name.len == 0)
            continue;
        in_kube = in_kube || is_kubepods(name);
        id = of_scope(name);
        if (!id.len)
            id = of_folder(name, above, in_kube);
        if (!id.len)
            id = of_colons(name);
        if (id.len)
            found = id;
        above = name;
    }
    return found;
}

struct pr_text pr_container_of(struct pr_text cgroups)
{
    struct pr_text none = {"", 0};

    for (uint32_t i = 0; i < cgroups.len;) {
        const char *p = cgroups.p + i, *eq;
        uint32_t len = (uint32_t)strnlen(p, cgroups.len - i);
        struct pr_text id;

        i += len + 1;
        eq = memchr(p, '=', len);
        if (!eq)
            continue;
        /* the subsystem's name may hold a '=' itself: "name=systemd=/…" */
        if ((eq + 1 < p + len) && eq[1] != '/' && memchr(eq + 1, '=', len - (size_t)(eq + 1 - p)))
            eq = memchr(eq + 1, '=', len - (size_t)(eq + 1 - p));
        id = pr_container_of_path((struct pr_text){eq + 1, (uint32_t)(len - (size_t)(eq + 1 - p))});
        if (id.len)
            return id;
    }
    return none;
}
