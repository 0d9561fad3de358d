/* SPDX-License-Identifier: Apache-2.0 */
/* Containers: their facts in words, and the event that tells of one. */
#include "given.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ID_LEN = 64, CONTAINERS_MAX = 1000, LISTS_MAX = 64 };

static const char *const keys[] = {
    "id",     "name",       "image",    "image_id",     "digest",      "type",
    "ip",     "privileged", "host_pid", "host_network", "host_ipc",    "mounts",
    "labels", "env",        "pod",      "cgroup",       "healthcheck", NULL};
static const char *const pod_keys[] = {"name", "namespace", "uid", "labels", "ip", NULL};
static const char *const mount_keys[] = {"source", "dest", "mode", "propagation", "writable", NULL};

static int text(struct sc_world *w, const json_t *map, const char *key, const char **ret)
{
    const json_t *v = sc_get(map, key, NULL);

    if (!v)
        return 0;
    *ret = sc_text(v);
    return *ret ? 0 : sc_wrong(w->err, v, "'%s' is a text", key);
}

/* "web" gives an id of its own, and the first letters of one give the whole. */
static const char *id_of(struct sc_world *w, const char *name, const char *given)
{
    char id[ID_LEN + 1];
    uint64_t h = sc_hash(given ? given : name);
    size_t n = given ? strlen(given) : 0;

    if (n >= ID_LEN)
        return given;
    for (size_t i = 0; i < ID_LEN; i++) {
        h = (h ^ (h >> 29)) * 0xbf58476d1ce4e5b9u + i;
        id[i] = i < n ? given[i] : "0123456789abcdef"[h >> 40 & 15];
    }
    return sc_copy(w, id, ID_LEN);
}

static int pairs(struct sc_world *w, const json_t *map, const struct ct_pair **ret, uint32_t *ret_n)
{
    struct ct_pair *p;

    if (!map)
        return 0;
    if (sc_kind(map) != SC_MAP || sc_len(map) > LISTS_MAX)
        return sc_wrong(w->err, map, "labels are a mapping of at most %d words to texts",
                        LISTS_MAX);
    p = sc_alloc(w, sc_len(map) * sizeof(*p) + 1);
    if (!p)
        return -ENOMEM;
    for (uint32_t i = 0; i < sc_len(map); i++) {
        const char *v = sc_text(sc_value_at(map, i));

        p[i] = (struct ct_pair){sc_text(sc_key(map, i)), v ? v : ""};
    }
    *ret = p;
    *ret_n = (uint32_t)sc_len(map);
    return 0;
}

/* "/host:/inside:ro" or its parts. */
static int mount_of(struct sc_world *w, const json_t *n, struct ct_mount *m)
{
    const char *s = sc_text(n), *at, *end;
    const json_t *rw = sc_get(n, "writable", NULL);
    int r = 0;

    *m = (struct ct_mount){.mode = "", .propagation = "rprivate", .rdwr = true};
    if (s) {
        at = strchr(s, ':');
        if (!at)
            return sc_wrong(w->err, n, "a mount is written source:dest or source:dest:mode");
        end = strchr(at + 1, ':');
        m->source = sc_copy(w, s, (size_t)(at - s));
        m->dest = sc_copy(w, at + 1, end ? (size_t)(end - at - 1) : strlen(at + 1));
        m->mode = end ? end + 1 : "";
        m->rdwr = strstr(m->mode, "ro") == NULL;
        return m->source && m->dest ? 0 : -ENOMEM;
    }
    r = sc_check_keys(w->err, n, "key of a mount", mount_keys);
    if (r == 0)
        r = text(w, n, "source", &m->source);
    if (r == 0)
        r = text(w, n, "dest", &m->dest);
    if (r == 0)
        r = text(w, n, "mode", &m->mode);
    if (r == 0)
        r = text(w, n, "propagation", &m->propagation);
    return r == 0 && rw ? sc_bool(w, rw, &m->rdwr) : r;
}

static int mounts(struct sc_world *w, const json_t *list, struct ct_facts *f)
{
    struct ct_mount *m;
    int r = 0;

    if (!list)
        return 0;
    if (sc_kind(list) != SC_LIST || sc_len(list) > LISTS_MAX)
        return sc_wrong(w->err, list, "mounts are a list of at most %d", LISTS_MAX);
    m = sc_alloc(w, sc_len(list) * sizeof(*m) + 1);
    if (!m)
        return -ENOMEM;
    for (uint32_t i = 0; i < sc_len(list) && r == 0; i++)
        r = mount_of(w, sc_item(list, i), &m[i]);
    f->mounts = m;
    f->n_mounts = (uint32_t)sc_len(list);
    return r;
}

static int env(struct sc_world *w, const json_t *list, struct ct_facts *f)
{
    struct sc_bytes all;
    const char **p;
    int r = list ? sc_texts(w, list, &all) : 1;

    if (r)
        return r < 0 ? r : 0;
    p = sc_alloc(w, LISTS_MAX * sizeof(*p));
    if (!p)
        return -ENOMEM;
    for (uint32_t i = 0; i < all.len && f->n_env < LISTS_MAX;) {
        p[f->n_env++] = (const char *)all.p + i;
        i += (uint32_t)strlen((const char *)all.p + i) + 1;
    }
    f->env = p;
    return 0;
}

static int tri(struct sc_world *w, const json_t *map, const char *key, uint8_t *ret)
{
    const json_t *v = sc_get(map, key, NULL);
    bool on = false;
    int r = v ? sc_bool(w, v, &on) : 0;

    *ret = ct_tri(on);
    return r;
}

static int pod(struct sc_world *w, const json_t *n, struct ct_facts *f)
{
    int r;

    if (!n)
        return 0;
    f->type = "containerd";
    f->pod_ns = "default";
    f->pod_uid = "6f1f7c4e-2b54-4c39-9c5e-6d3c3b0d2a11";
    if (sc_text(n)) {
        f->pod_name = sc_text(n);
        return 0;
    }
    r = sc_check_keys(w->err, n, "key of a pod", pod_keys);
    if (r == 0)
        r = text(w, n, "name", &f->pod_name);
    if (r == 0)
        r = text(w, n, "namespace", &f->pod_ns);
    if (r == 0)
        r = text(w, n, "uid", &f->pod_uid);
    if (r == 0)
        r = text(w, n, "ip", &f->pod_ip);
    if (r == 0)
        r = pairs(w, sc_get(n, "labels", NULL), &f->pod_labels, &f->n_pod_labels);
    return r;
}

/* As the systemd drivers of the runtimes name them. */
static const char *cgroup_of(struct sc_world *w, const struct ct_facts *f)
{
    char uid[64];
    size_t n = 0;

    if (!f->pod_uid)
        return sc_printf(w, "/system.slice/docker-%s.scope", f->id);
    for (const char *p = f->pod_uid; *p && n < sizeof(uid) - 1; p++)
        uid[n++] = *p == '-' ? '_' : *p;
    uid[n] = '\0';
    return sc_printf(w,
                     "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod%s.slice/"
                     "cri-containerd-%s.scope",
                     uid, f->id);
}

static int read_facts(struct sc_world *w, const char *name, const json_t *n, struct ct_facts *f)
{
    const char *id = NULL;
    struct ct_image image;
    int r = text(w, n, "id", &id);

    f->name = name;
    f->type = "docker";
    if (r == 0)
        r = pod(w, sc_get(n, "pod", NULL), f);
    if (r == 0)
        r = text(w, n, "type", &f->type);
    if (r == 0)
        r = text(w, n, "name", &f->name);
    if (r == 0)
        r = text(w, n, "image", &f->image);
    if (r == 0)
        r = text(w, n, "image_id", &f->image_id);
    if (r == 0)
        r = text(w, n, "ip", &f->ip);
    if (r == 0)
        r = text(w, n, "healthcheck", &f->healthcheck);
    if (r == 0)
        r = tri(w, n, "privileged", &f->privileged);
    if (r == 0)
        r = tri(w, n, "host_pid", &f->host_pid);
    if (r == 0)
        r = tri(w, n, "host_network", &f->host_network);
    if (r == 0)
        r = tri(w, n, "host_ipc", &f->host_ipc);
    if (r == 0)
        r = mounts(w, sc_get(n, "mounts", NULL), f);
    if (r == 0)
        r = pairs(w, sc_get(n, "labels", NULL), &f->labels, &f->n_labels);
    if (r == 0)
        r = env(w, sc_get(n, "env", NULL), f);
    if (r < 0)
        return r;
    if (!f->image)
        f->image = "test:latest";
    image = ct_image_of(f->image);
    f->image_repo = sc_copy(w, image.repo, image.repo_len);
    f->image_tag = image.tag_len ? sc_copy(w, image.tag, image.tag_len) : "latest";
    f->image_digest = image.digest_len ? sc_copy(w, image.digest, image.digest_len) : NULL;
    f->id = id_of(w, name, id);
    f->is_sandbox = CT_NO;
    f->state = CT_STATE_RUNNING;
    f->created_ns = f->started_ns = SC_BOOT_NS;
    return f->id && f->image_repo && f->image_tag ? text(w, n, "digest", &f->image_digest)
                                                  : -ENOMEM;
}

int sc_container_read(struct sc_world *w, const char *name, const json_t *map,
                      struct sc_container **ret)
{
    struct sc_container *c = sc_container_find(w, name);
    int r = sc_check_keys(w->err, map, "key of a container", keys);

    if (r < 0)
        return r;
    if (sc_kind(map) != SC_MAP && sc_kind(map) != SC_NULL)
        return sc_wrong(w->err, map, "a container is a mapping: image, privileged, mounts, …");
    if (!c) {
        r = sc_grow(w, &w->containers, w->n_containers, &w->cap_containers,
                    sizeof(struct sc_container *), CONTAINERS_MAX, "containers");
        c = r == 0 ? sc_alloc(w, sizeof(*c)) : NULL;
        if (!c)
            return -ENOMEM;
        w->containers[w->n_containers++] = c;
    }
    *c = (struct sc_container){.name = name, .start_ns = UINT64_C(60000000000)};
    r = read_facts(w, name, map, &c->facts);
    if (r == 0)
        r = text(w, map, "cgroup", &c->cgroup);
    if (r < 0)
        return r;
    c->host_pid = c->facts.host_pid == CT_YES;
    if (!c->cgroup)
        c->cgroup = cgroup_of(w, &c->facts);
    *ret = c;
    return c->cgroup ? 0 : -ENOMEM;
}

int sc_container_put(struct sc_world *w, const struct sc_container *c, const char *event,
                     uint32_t flags)
{
    char *json = ct_json_write(&c->facts, event);
    struct scap_view *v = &w->view;
    int r;

    if (!json)
        return gyr_fail(w->err, -ENOMEM, "no memory");
    scap_view_start(v, EV_CONTAINER_JSON_2_E, N_CONTAINER_JSON_2_E, flags);
    scap_view_text(v, P_CONTAINER_JSON_2_E__json, (const uint8_t *)json, strlen(json));
    r = sc_put(w);
    free(json);
    return r;
}
