/* SPDX-License-Identifier: Apache-2.0 */
#include "read.h"

#include <errno.h>
#include <string.h>

const char *json_text(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static struct obj_text text_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    struct obj_text t = {json_string_value(v), json_string_length(v)};

    if (!t.n)
        t.p = NULL;
    return t;
}

/* Pairs with zero bytes behind each half. What does not fit is left out. */
static struct obj_text pairs_of(json_t *o, char *buf, size_t size)
{
    const char *key;
    json_t *v;
    size_t n = 0;

    json_object_foreach(o, key, v)
    {
        size_t k = strlen(key) + 1, m = json_string_length(v) + 1;

        if (!json_is_string(v) || strlen(json_string_value(v)) + 1 != m || k + m > size - n)
            continue;
        memcpy(buf + n, key, k);
        memcpy(buf + n + k, json_string_value(v), m);
        n += k + m;
    }
    return (struct obj_text){n ? buf : NULL, n};
}

static void read_owner(const json_t *meta, struct obj_read *ret)
{
    const json_t *refs = json_object_get(meta, "ownerReferences"), *ref;
    size_t i;

    ret->owner_kind = KIND_NONE;
    json_array_foreach(refs, i, ref)
    {
        const char *kind = json_text(ref, "kind");

        if (!json_is_true(json_object_get(ref, "controller")) || !kind)
            continue;
        ret->owner_kind = kind_of(kind);
        ret->owner_uid = text_of(ref, "uid");
        ret->owner_name = text_of(ref, "name");
        break;
    }
}

static void read_containers(const json_t *list, struct obj_read *ret)
{
    const json_t *c;
    size_t i;

    json_array_foreach(list, i, c)
    {
        const char *id = json_text(c, "containerID"), *at = id ? strstr(id, "://") : NULL;

        if (at && ret->n_containers < POD_CONTAINERS_MAX &&
            container_id_read(at + 3, strlen(at + 3), ret->containers[ret->n_containers]))
            ret->n_containers++;
    }
}

static void read_pod(const json_t *json, const json_t *meta, struct obj_read *ret)
{
    const json_t *status = json_object_get(json, "status");
    const json_t *notes = json_object_get(meta, "annotations");

    ret->ip = text_of(status, "podIP");
    ret->node = text_of(json_object_get(json, "spec"), "nodeName");
    /* of pods that the kubelet has from a file, the API has an image with a uid of its own */
    ret->alias = text_of(notes, "kubernetes.io/config.hash");
    read_containers(json_object_get(status, "initContainerStatuses"), ret);
    read_containers(json_object_get(status, "containerStatuses"), ret);
    read_containers(json_object_get(status, "ephemeralContainerStatuses"), ret);
}

int read_object(struct reader *r, const json_t *json, enum k8s_kind kind, struct obj_read *ret)
{
    const json_t *meta = json_object_get(json, "metadata");

    ret->n_containers = 0;
    ret->ip = ret->node = ret->alias = ret->selector = (struct obj_text){0};
    ret->owner_uid = ret->owner_name = (struct obj_text){0};
    ret->kind = kind;
    ret->uid = text_of(meta, "uid");
    ret->name = text_of(meta, "name");
    ret->ns = text_of(meta, "namespace");
    ret->version = text_of(meta, "resourceVersion");
    ret->labels = pairs_of(json_object_get(meta, "labels"), r->labels, sizeof(r->labels));
    if (!ret->uid.p || !ret->name.p || ret->uid.n > 128 || ret->name.n > 512)
        return -EBADMSG;
    read_owner(meta, ret);
    if (kind == KIND_POD)
        read_pod(json, meta, ret);
    if (kind == KIND_SERVICE)
        ret->selector = pairs_of(json_object_get(json_object_get(json, "spec"), "selector"),
                                 r->selector, sizeof(r->selector));
    return 0;
}
