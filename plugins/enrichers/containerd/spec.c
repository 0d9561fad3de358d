/* SPDX-License-Identifier: Apache-2.0 */
#include "spec.h"

#include <errno.h>
#include <string.h>

/* Capabilities that Linux 3.16 had: who was given these all was given what there is. */
enum { CAPS_ALL = 37 };

const char *spec_text(const json_t *at, const char *const *keys)
{
    for (; *keys; keys++)
        at = json_object_get(at, *keys);
    return json_string_value(at);
}

static bool has_text(const json_t *list, const char *text)
{
    size_t i;
    const json_t *v;

    json_array_foreach(list, i, v)
    {
        const char *s = json_string_value(v);

        if (s && strcmp(s, text) == 0)
            return true;
    }
    return false;
}

static void read_mount(struct spec *s, const json_t *m)
{
    static const char *const propagations[] = {"rprivate", "private", "rslave", "slave",
                                               "rshared",  "shared",  NULL};
    const json_t *options = json_object_get(m, "options");
    struct ct_mount *to = &s->mounts[s->n_mounts];

    *to = (struct ct_mount){
        .source = json_string_value(json_object_get(m, "source")),
        .dest = json_string_value(json_object_get(m, "destination")),
        .rdwr = !has_text(options, "ro"),
    };
    for (size_t i = 0; propagations[i] && !to->propagation; i++)
        if (has_text(options, propagations[i]))
            to->propagation = propagations[i];
    if (to->dest)
        s->n_mounts++;
}

/* Only what is bound from the host: proc, sysfs, tmpfs are in every container. */
static bool is_bound(const json_t *m)
{
    const json_t *options = json_object_get(m, "options");
    const char *type = json_string_value(json_object_get(m, "type"));

    return (type && strcmp(type, "bind") == 0) || has_text(options, "bind") ||
           has_text(options, "rbind");
}

static void read_mounts(struct spec *s)
{
    size_t i;
    const json_t *m;

    json_array_foreach(json_object_get(s->doc, "mounts"), i, m)
    {
        if (s->n_mounts < CT_LIST_MAX && is_bound(m))
            read_mount(s, m);
    }
}

static void read_env(struct spec *s, const json_t *process)
{
    size_t i;
    const json_t *v;

    json_array_foreach(json_object_get(process, "env"), i, v)
    {
        if (s->n_env < CT_LIST_MAX && json_is_string(v))
            s->env[s->n_env++] = json_string_value(v);
    }
}

/* No specification says "privileged": its marks are every capability, and nothing of /proc and
 * /sys hidden. */
static bool is_privileged(const json_t *process, const json_t *os)
{
    const json_t *caps = json_object_get(json_object_get(process, "capabilities"), "bounding");

    return json_array_size(caps) >= CAPS_ALL && has_text(caps, "CAP_SYS_ADMIN") &&
           has_text(caps, "CAP_SYS_MODULE") && has_text(caps, "CAP_SYS_RAWIO") &&
           json_array_size(json_object_get(os, "maskedPaths")) == 0;
}

/* A kind of namespace that is not named is shared with the runtime, which is the host's. */
static uint8_t shares(const json_t *os, const char *type)
{
    size_t i;
    const json_t *v;

    json_array_foreach(json_object_get(os, "namespaces"), i, v)
    {
        const char *t = json_string_value(json_object_get(v, "type"));

        if (t && strcmp(t, type) == 0)
            return CT_NO;
    }
    return CT_YES;
}

static const char *sandbox_of(const json_t *doc)
{
    static const char *const names[] = {"io.kubernetes.cri.sandbox-id",
                                        "io.kubernetes.cri-o.SandboxID"};
    const json_t *annotations = json_object_get(doc, "annotations");

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *s = json_string_value(json_object_get(annotations, names[i]));

        if (s)
            return s;
    }
    return NULL;
}

int spec_take(struct spec *s, json_t *doc)
{
    const json_t *process = json_object_get(doc, "process"), *os = json_object_get(doc, "linux");

    memset(s, 0, sizeof(*s));
    if (!json_is_object(doc) || !json_is_object(os))
        return -EINVAL;
    s->doc = json_incref(doc);
    read_mounts(s);
    read_env(s, process);
    s->privileged = ct_tri(is_privileged(process, os));
    s->host_pid = shares(os, "pid");
    s->host_network = shares(os, "network");
    s->host_ipc = shares(os, "ipc");
    s->sandbox_id = sandbox_of(doc);
    return 0;
}

int spec_read(struct spec *s, const char *text, size_t len)
{
    json_t *doc = json_loadb(text, len, 0, NULL);
    int ret;

    ret = spec_take(s, doc);
    json_decref(doc);
    return ret;
}

void spec_free(struct spec *s)
{
    json_decref(s->doc);
    memset(s, 0, sizeof(*s));
}
