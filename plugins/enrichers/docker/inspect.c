/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *get(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s && *s ? s : NULL;
}

/* The number at the front of a text, at most @p max; 0: none. */
static uint32_t number(const char *s, uint32_t digits, uint32_t max)
{
    uint32_t v = 0;

    for (; s && digits && *s >= '0' && *s <= '9'; s++, digits--)
        v = v * 10 + (uint32_t)(*s - '0');
    return v <= max ? v : 0;
}

static uint16_t port(const char *s)
{
    return (uint16_t)number(s, 5, UINT16_MAX);
}

uint64_t dk_time_of(const char *text)
{
    struct tm tm = {0};
    const char *p = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    uint64_t frac = 0, unit = 100000000;
    uint32_t away = 0; /* seconds from UTC */
    time_t t;

    if (!p)
        return 0;
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
            frac += (uint64_t)(*p - '0') * unit;
    if ((*p == '+' || *p == '-') && strlen(p) == 6)
        away = number(p + 1, 2, 23) * 3600 + number(p + 4, 2, 59) * 60;
    t = timegm(&tm) + (*p == '-' ? (time_t)away : -(time_t)away);
    return t > 0 ? (uint64_t)t * 1000000000u + frac : 0;
}

const char *dk_image_of(const json_t *container)
{
    return get(container, "Image");
}

static void copy(char *to, size_t size, const char *from, size_t n)
{
    if (n >= size)
        n = size - 1;
    memcpy(to, from, n);
    to[n] = '\0';
}

/* ---- lists ---- */

static void read_labels(const json_t *all, struct dk_facts *d)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)all, key, v)
    {
        if (d->f.n_labels < CT_LIST_MAX && json_is_string(v))
            d->labels[d->f.n_labels++] = (struct ct_pair){key, json_string_value(v)};
    }
    d->f.labels = d->labels;
}

static void read_mounts(const json_t *all, struct dk_facts *d)
{
    const json_t *m;
    size_t i;

    json_array_foreach(all, i, m)
    {
        struct ct_mount one = {get(m, "Source"), get(m, "Destination"), get(m, "Mode"),
                               get(m, "Propagation"), json_is_true(json_object_get(m, "RW"))};

        if (d->f.n_mounts < CT_LIST_MAX && json_is_object(m))
            d->mounts[d->f.n_mounts++] = one;
    }
    d->f.mounts = d->mounts;
}

static void read_env(const json_t *all, struct dk_facts *d)
{
    const json_t *v;
    size_t i;

    json_array_foreach(all, i, v)
    {
        if (d->f.n_env < CT_LIST_MAX && json_is_string(v))
            d->env[d->f.n_env++] = json_string_value(v);
    }
    d->f.env = d->env;
}

/* {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "443/tcp": null} */
static void read_ports(const json_t *all, struct dk_facts *d)
{
    const char *key;
    json_t *list;

    json_object_foreach((json_t *)(uintptr_t)all, key, list)
    {
        const json_t *p;
        size_t i;

        json_array_foreach(list, i, p)
        {
            struct ct_port one = {get(p, "HostIp"), port(get(p, "HostPort")), port(key)};

            if (d->f.n_ports < CT_LIST_MAX)
                d->ports[d->f.n_ports++] = one;
        }
    }
    d->f.ports = d->ports;
}

/* The words of a command from @p first on, joined. */
static const char *join(const json_t *words, size_t first, const char *before,
                        char room[CT_STRING_MAX + 1])
{
    size_t used = strlen(before);

    memcpy(room, before, used);
    for (size_t i = first; i < json_array_size(words); i++) {
        const char *s = json_string_value(json_array_get(words, i));
        size_t n = s ? strlen(s) : 0;

        if (!s || n + 1 > CT_STRING_MAX - used)
            break;
        if (used)
            room[used++] = ' ';
        memcpy(room + used, s, n);
        used += n;
    }
    room[used] = '\0';
    return used ? room : NULL;
}

static void read_healthcheck(const json_t *test, struct dk_facts *d)
{
    const char *kind = json_string_value(json_array_get(test, 0));

    if (!kind)
        return;
    if (strcmp(kind, "NONE") == 0)
        d->f.healthcheck = "NONE";
    else if (strcmp(kind, "CMD") == 0)
        d->f.healthcheck = join(test, 1, "", d->healthcheck);
    else if (strcmp(kind, "CMD-SHELL") == 0)
        d->f.healthcheck = join(test, 1, "/bin/sh -c", d->healthcheck);
}

/* Probes of the pod's container, where its whole definition is kept as an annotation. */
static void read_probes(struct dk_facts *d)
{
    const char *text = ct_label(d->f.labels, d->f.n_labels,
                                "annotation.kubectl.kubernetes.io/last-applied-configuration");
    const char *name = ct_label(d->f.labels, d->f.n_labels, "io.kubernetes.container.name");
    json_t *root = text ? json_loads(text, 0, NULL) : NULL;
    const json_t *all = json_object_get(json_object_get(root, "spec"), "containers"), *c;
    size_t i;

    json_array_foreach(all, i, c)
    {
        const json_t *live = json_object_get(json_object_get(c, "livenessProbe"), "exec");
        const json_t *ready = json_object_get(json_object_get(c, "readinessProbe"), "exec");

        if (!name || !get(c, "name") || strcmp(name, get(c, "name")) != 0)
            continue;
        d->f.liveness_probe = join(json_object_get(live, "command"), 0, "", d->probes[0]);
        d->f.readiness_probe = join(json_object_get(ready, "command"), 0, "", d->probes[1]);
    }
    json_decref(root);
}

/* ---- image ---- */

static bool is_hex(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(s[i] >= '0' && s[i] <= '9') && !(s[i] >= 'a' && s[i] <= 'f'))
            return false;
    return true;
}

/* A container may be made from an image's id: then the image says how it is called. */
static const char *name_of_image(const char *asked, const json_t *image)
{
    const char *tag = json_string_value(json_array_get(json_object_get(image, "RepoTags"), 0));
    const char *id = get(image, "Id");
    size_t n;

    if (!asked || !id || !tag)
        return asked;
    if (strncmp(asked, "sha256:", 7) == 0)
        asked += 7;
    if (strncmp(id, "sha256:", 7) == 0)
        id += 7;
    n = strlen(asked);
    return n >= 4 && is_hex(asked, n) && strncmp(id, asked, n) == 0 ? tag : asked;
}

/* The digest under the container's repository, else the first there is. */
static const char *digest_of(const json_t *image, const char *repo, size_t repo_len)
{
    const json_t *all = json_object_get(image, "RepoDigests"), *v;
    const char *first = NULL;
    size_t i;

    json_array_foreach(all, i, v)
    {
        const char *s = json_string_value(v), *at = s ? strchr(s, '@') : NULL;

        if (!at)
            continue;
        if ((size_t)(at - s) == repo_len && memcmp(s, repo, repo_len) == 0)
            return at + 1;
        if (!first)
            first = at + 1;
    }
    return first;
}

static void read_image(const json_t *container, const json_t *image, struct dk_facts *d)
{
    const char *id = dk_image_of(container), *digest;
    struct ct_image parts;

    if (id) {
        id = strncmp(id, "sha256:", 7) == 0 ? id + 7 : id;
        copy(d->image_id, sizeof(d->image_id), id, strlen(id));
        d->f.image_id = d->image_id;
    }
    d->f.image = name_of_image(get(json_object_get(container, "Config"), "Image"), image);
    if (!d->f.image)
        return;
    parts = ct_image_of(d->f.image);
    digest = digest_of(image, parts.repo, parts.repo_len);
    copy(d->repo, sizeof(d->repo), parts.repo, parts.repo_len);
    copy(d->tag, sizeof(d->tag), parts.tag ? parts.tag : "", parts.tag_len);
    if (parts.digest_len)
        copy(d->digest, sizeof(d->digest), parts.digest, parts.digest_len);
    else if (digest)
        copy(d->digest, sizeof(d->digest), digest, strlen(digest));
    if (!*d->tag && *d->repo && !parts.digest_len)
        copy(d->tag, sizeof(d->tag), "latest", 6); /* what the engine means by no tag */
    d->f.image_repo = *d->repo ? d->repo : NULL;
    d->f.image_tag = *d->tag ? d->tag : NULL;
    d->f.image_digest = *d->digest ? d->digest : NULL;
}

/* ---- all of it ---- */

static const char *ip_of(const json_t *net)
{
    const char *ip = get(net, "IPAddress"), *key;
    json_t *one;

    if (ip)
        return ip;
    json_object_foreach(json_object_get(net, "Networks"), key, one)
    {
        ip = get(one, "IPAddress");
        if (ip)
            return ip;
    }
    ip = get(net, "GlobalIPv6Address");
    return ip;
}

static uint8_t state_of(const json_t *state)
{
    const char *s = get(state, "Status");

    if (json_is_true(json_object_get(state, "Running")))
        return CT_STATE_RUNNING;
    if (s && (strcmp(s, "created") == 0 || strcmp(s, "initialized") == 0 ||
              strcmp(s, "configured") == 0))
        return CT_STATE_CREATED;
    return CT_STATE_EXITED;
}

static uint8_t is_host(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? ct_tri(strcmp(s, "host") == 0) : CT_UNKNOWN;
}

bool dk_facts_of(const json_t *container, const json_t *image, const char *type,
                 struct dk_facts *ret)
{
    const json_t *config = json_object_get(container, "Config");
    const json_t *host = json_object_get(container, "HostConfig");
    const json_t *state = json_object_get(container, "State");
    const json_t *net = json_object_get(container, "NetworkSettings");
    const json_t *privileged = json_object_get(host, "Privileged");
    const char *name = get(container, "Name");

    if (!get(container, "Id") || !json_is_object(config))
        return false;
    memset(&ret->f, 0, sizeof(ret->f));
    ret->f.id = get(container, "Id");
    ret->f.type = type;
    ret->f.name = name && *name == '/' ? name + 1 : name;
    ret->f.ip = ip_of(net);
    ret->f.created_ns = dk_time_of(get(container, "Created"));
    ret->f.started_ns = dk_time_of(get(state, "StartedAt"));
    ret->f.pid = json_integer_value(json_object_get(state, "Pid"));
    ret->f.state = state_of(state);
    ret->f.privileged = json_is_boolean(privileged) ? ct_tri(json_is_true(privileged)) : CT_UNKNOWN;
    ret->f.host_pid = is_host(host, "PidMode");
    ret->f.host_network = is_host(host, "NetworkMode");
    ret->f.host_ipc = is_host(host, "IpcMode");
    *ret->image_id = *ret->digest = *ret->repo = *ret->tag = '\0';
    read_image(container, image, ret);
    read_labels(json_object_get(config, "Labels"), ret);
    read_env(json_object_get(config, "Env"), ret);
    read_mounts(json_object_get(container, "Mounts"), ret);
    read_ports(json_object_get(net, "Ports"), ret);
    read_healthcheck(json_object_get(json_object_get(config, "Healthcheck"), "Test"), ret);
    read_probes(ret);
    return true;
}

void dk_facts_of_event(const char *id, const json_t *attributes, const char *type,
                       struct dk_facts *ret)
{
    static const char *const no_labels[] = {"image", "name", "exitCode", "signal", "oldName"};
    const char *key;
    json_t *v;

    memset(&ret->f, 0, sizeof(ret->f));
    ret->f.id = id;
    ret->f.type = type;
    ret->f.name = get(attributes, "name");
    ret->f.image = get(attributes, "image");
    ret->f.state = CT_STATE_EXITED;
    json_object_foreach((json_t *)(uintptr_t)attributes, key, v)
    {
        bool is_label = json_is_string(v) && ret->f.n_labels < CT_LIST_MAX;

        for (size_t i = 0; i < sizeof(no_labels) / sizeof(no_labels[0]); i++)
            is_label = is_label && strcmp(key, no_labels[i]) != 0;
        if (is_label)
            ret->labels[ret->f.n_labels++] = (struct ct_pair){key, json_string_value(v)};
    }
    ret->f.labels = ret->labels;
}
