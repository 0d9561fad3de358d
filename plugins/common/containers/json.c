/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of a `container` event: keys as Falco's recorders write them. */
#include "containers/facts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const types[] = {"docker", "lxc",    "libvirt-lxc", "mesos",
                                    "rkt",    "custom", "cri",         "containerd",
                                    "cri-o",  "bpm",    "static",      "podman"};
enum { N_TYPES = sizeof(types) / sizeof(types[0]) };

const char *ct_type_name(uint32_t number)
{
    return number < N_TYPES ? types[number] : NULL;
}

/* ---- writing ---- */

static json_t *type_number(const char *type)
{
    for (uint32_t i = 0; i < N_TYPES; i++)
        if (strcmp(types[i], type) == 0)
            return json_integer(i);
    return json_string(type);
}

/* Bytes that are no UTF-8 are no JSON. */
static json_t *text(const char *s)
{
    json_t *j = json_string(s);
    char *copy;

    if (j)
        return j;
    copy = strdup(s);
    for (char *p = copy; p && *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    j = copy ? json_string(copy) : NULL;
    free(copy);
    return j;
}

static void put(json_t *o, const char *key, const char *s)
{
    if (s)
        (void)json_object_set_new(o, key, text(s));
}

static void put_tri(json_t *o, const char *key, uint8_t v)
{
    if (v != CT_UNKNOWN)
        (void)json_object_set_new(o, key, json_boolean(v == CT_YES));
}

static json_t *pairs(const struct ct_pair *list, uint32_t n)
{
    json_t *o = json_object();

    for (uint32_t i = 0; i < n; i++)
        put(o, list[i].key, list[i].value);
    return o;
}

static json_t *mounts(const struct ct_facts *f)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < f->n_mounts; i++) {
        const struct ct_mount *m = &f->mounts[i];
        json_t *o = json_object();

        put(o, "Source", m->source);
        put(o, "Destination", m->dest);
        put(o, "Mode", m->mode);
        put(o, "Propagation", m->propagation);
        (void)json_object_set_new(o, "RW", json_boolean(m->rdwr));
        (void)json_array_append_new(list, o);
    }
    return list;
}

static json_t *ports(const struct ct_facts *f)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < f->n_ports; i++) {
        json_t *o = json_object();

        put(o, "HostIp", f->ports[i].host_ip);
        (void)json_object_set_new(o, "HostPort", json_integer(f->ports[i].host_port));
        (void)json_object_set_new(o, "ContainerPort", json_integer(f->ports[i].container_port));
        (void)json_array_append_new(list, o);
    }
    return list;
}

static json_t *env(const struct ct_facts *f)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < f->n_env; i++)
        (void)json_array_append_new(list, text(f->env[i]));
    return list;
}

/* Falco's form of a command: its program, and the rest. */
static void put_probe(json_t *o, const char *key, const char *line)
{
    const char *blank = line ? strchr(line, ' ') : NULL;
    json_t *probe, *args;

    if (!line)
        return;
    probe = json_object();
    args = json_array();
    (void)json_object_set_new(probe, "exe",
                              blank ? json_stringn(line, (size_t)(blank - line)) : text(line));
    if (blank)
        (void)json_array_append_new(args, text(blank + 1));
    (void)json_object_set_new(probe, "args", args);
    (void)json_object_set_new(o, key, probe);
}

static json_t *container(const struct ct_facts *f, const char *event)
{
    json_t *o = json_object();
    char short_id[CT_ID_SHORT + 1] = "";

    strncat(short_id, f->id, CT_ID_SHORT);
    put(o, "id", short_id);
    put(o, "full_id", f->id);
    (void)json_object_set_new(o, "type", type_number(f->type));
    put(o, "name", f->name);
    put(o, "image", f->image);
    put(o, "imageid", f->image_id);
    put(o, "imagerepo", f->image_repo);
    put(o, "imagetag", f->image_tag);
    put(o, "imagedigest", f->image_digest);
    put_tri(o, "privileged", f->privileged);
    put_tri(o, "is_pod_sandbox", f->is_sandbox);
    put_tri(o, "host_pid", f->host_pid);
    put_tri(o, "host_network", f->host_network);
    put_tri(o, "host_ipc", f->host_ipc);
    put(o, "ip", f->ip);
    put(o, "cni_json", f->cni_json);
    put_probe(o, "Healthcheck", f->healthcheck);
    put_probe(o, "LivenessProbe", f->liveness_probe);
    put_probe(o, "ReadinessProbe", f->readiness_probe);
    put(o, "pod_name", f->pod_name);
    put(o, "pod_namespace", f->pod_ns);
    put(o, "pod_uid", f->pod_uid);
    put(o, "pod_sandbox_id", f->sandbox_id);
    put(o, "pod_ip", f->pod_ip);
    put(o, "pod_sandbox_cni_result", f->pod_cni_json);
    (void)json_object_set_new(o, "created_time",
                              json_integer((json_int_t)(f->created_ns / 1000000000)));
    (void)json_object_set_new(o, "started_ns", json_integer((json_int_t)f->started_ns));
    (void)json_object_set_new(o, "pid", json_integer(f->pid));
    (void)json_object_set_new(o, "Mounts", mounts(f));
    (void)json_object_set_new(o, "labels", pairs(f->labels, f->n_labels));
    (void)json_object_set_new(o, "pod_sandbox_labels", pairs(f->pod_labels, f->n_pod_labels));
    (void)json_object_set_new(o, "env", env(f));
    (void)json_object_set_new(o, "port_mappings", ports(f));
    put(o, "event", event);
    return o;
}

char *ct_json_write(const struct ct_facts *f, const char *event)
{
    json_t *root = json_object();
    char *s;

    (void)json_object_set_new(root, "container", container(f, event));
    s = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return s;
}

/* ---- reading ---- */

static const char *get(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s && *s ? s : NULL;
}

static uint8_t get_tri(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    return json_is_boolean(v) ? ct_tri(json_is_true(v)) : CT_UNKNOWN;
}

static uint64_t get_u64(const json_t *o, const char *key)
{
    json_int_t v = json_integer_value(json_object_get(o, key));

    return v > 0 ? (uint64_t)v : 0;
}

/* An address may be a number in host order, of old recorders. */
static const char *get_ip(const json_t *o, char room[16])
{
    const json_t *v = json_object_get(o, "ip");
    uint64_t n = get_u64(o, "ip");
    const char *s = json_string_value(v);

    if (s)
        return *s && strcmp(s, "0.0.0.0") != 0 ? s : NULL;
    if (!n || n > UINT32_MAX)
        return NULL;
    (void)snprintf(room, 16, "%u.%u.%u.%u", (unsigned)(n >> 24), (unsigned)(n >> 16 & 255),
                   (unsigned)(n >> 8 & 255), (unsigned)(n & 255));
    return room;
}

struct lists {
    struct ct_mount mounts[CT_LIST_MAX];
    struct ct_pair labels[CT_LIST_MAX], pod_labels[CT_LIST_MAX];
    const char *env[CT_LIST_MAX];
    struct ct_port ports[CT_LIST_MAX];
    char probes[3][CT_STRING_MAX + 1];
    char ip[16];
};

static uint32_t read_pairs(const json_t *o, struct ct_pair *to)
{
    uint32_t n = 0;
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)o, key, v)
    {
        if (n == CT_LIST_MAX)
            break;
        if (json_is_string(v))
            to[n++] = (struct ct_pair){key, json_string_value(v)};
    }
    return n;
}

static void read_lists(const json_t *o, struct lists *l, struct ct_facts *f)
{
    const json_t *all = json_object_get(o, "Mounts"), *v;
    size_t i;

    json_array_foreach(all, i, v)
    {
        const json_t *rw = json_object_get(v, "RW");
        struct ct_mount m = {get(v, "Source"), get(v, "Destination"), get(v, "Mode"),
                             get(v, "Propagation"), json_is_true(rw)};

        if (f->n_mounts < CT_LIST_MAX && json_is_object(v))
            l->mounts[f->n_mounts++] = m;
    }
    all = json_object_get(o, "env");
    json_array_foreach(all, i, v)
    {
        if (f->n_env < CT_LIST_MAX && json_is_string(v))
            l->env[f->n_env++] = json_string_value(v);
    }
    all = json_object_get(o, "port_mappings");
    json_array_foreach(all, i, v)
    {
        struct ct_port p = {get(v, "HostIp"), (uint16_t)get_u64(v, "HostPort"),
                            (uint16_t)get_u64(v, "ContainerPort")};

        if (f->n_ports < CT_LIST_MAX && json_is_object(v))
            l->ports[f->n_ports++] = p;
    }
    f->n_labels = read_pairs(json_object_get(o, "labels"), l->labels);
    f->n_pod_labels = read_pairs(json_object_get(o, "pod_sandbox_labels"), l->pod_labels);
    f->mounts = l->mounts;
    f->env = l->env;
    f->ports = l->ports;
    f->labels = l->labels;
    f->pod_labels = l->pod_labels;
}

static const char *read_probe(const json_t *o, const char *key, char room[CT_STRING_MAX + 1])
{
    const json_t *probe = json_object_get(o, key), *arg, *args = json_object_get(probe, "args");
    const char *exe = get(probe, "exe");
    size_t i, n, used;

    if (!exe)
        return NULL;
    used = strnlen(exe, CT_STRING_MAX);
    memcpy(room, exe, used);
    json_array_foreach(args, i, arg)
    {
        const char *s = json_string_value(arg);

        n = s ? strlen(s) : 0;
        if (!s || n + 1 > CT_STRING_MAX - used)
            break;
        room[used++] = ' ';
        memcpy(room + used, s, n);
        used += n;
    }
    room[used] = '\0';
    return room;
}

/* @return NULL for a type that says nothing. */
static const char *read_type(const json_t *o)
{
    const json_t *v = json_object_get(o, "type");

    if (json_is_string(v))
        return json_string_value(v);
    return json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) < N_TYPES
               ? types[json_integer_value(v)]
               : NULL;
}

static void read_container(const json_t *o, struct lists *l, struct ct_facts *f)
{
    *f = (struct ct_facts){
        .id = get(o, "full_id") ? get(o, "full_id") : get(o, "id"),
        .type = read_type(o),
        .name = get(o, "name"),
        .image = get(o, "image"),
        .image_id = get(o, "imageid"),
        .image_repo = get(o, "imagerepo"),
        .image_tag = get(o, "imagetag"),
        .image_digest = get(o, "imagedigest"),
        .ip = get_ip(o, l->ip),
        .cni_json = get(o, "cni_json"),
        .healthcheck = read_probe(o, "Healthcheck", l->probes[0]),
        .liveness_probe = read_probe(o, "LivenessProbe", l->probes[1]),
        .readiness_probe = read_probe(o, "ReadinessProbe", l->probes[2]),
        .pod_name = get(o, "pod_name"),
        .pod_ns = get(o, "pod_namespace"),
        .pod_uid = get(o, "pod_uid"),
        .sandbox_id = get(o, "pod_sandbox_id"),
        .pod_ip = get(o, "pod_ip"),
        .pod_cni_json = get(o, "pod_sandbox_cni_result"),
        .created_ns = get_u64(o, "created_time") * 1000000000u,
        .started_ns = get_u64(o, "started_ns"),
        .pid = (int64_t)get_u64(o, "pid"),
        .privileged = get_tri(o, "privileged"),
        .is_sandbox = get_tri(o, "is_pod_sandbox"),
        .host_pid = get_tri(o, "host_pid"),
        .host_network = get_tri(o, "host_network"),
        .host_ipc = get_tri(o, "host_ipc"),
    };
    f->incomplete = f->image && strcmp(f->image, "incomplete") == 0;
    read_lists(o, l, f);
}

const struct ct_facts *ct_json_read(const char *text, size_t len, char *ret_event)
{
    struct lists *l = calloc(1, sizeof(*l));
    json_t *root = json_loadb(text, len, JSON_DISABLE_EOF_CHECK, NULL);
    const json_t *o = json_object_get(root, "container");
    const struct ct_facts *made = NULL;
    struct ct_facts f;

    ret_event[0] = '\0';
    if (l && json_is_object(o)) {
        read_container(o, l, &f);
        if (get(o, "event"))
            strncat(ret_event, get(o, "event"), 15);
        if (!f.type)
            f.type = "custom";
        made = ct_facts_new(&f);
    }
    json_decref(root);
    free(l);
    return made;
}
