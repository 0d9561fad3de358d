/* SPDX-License-Identifier: Apache-2.0 */
/* Facts in captures: {"version":1,"pod":{"name":…,"labels":{…}},"ns":{…},…,"services":[…],
 * "containers":[…]} */
#include "facts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT = 1 };

static const struct {
    const char *group, *key;
    bool pairs;
} members[N_FACTS] = {
    [FACT_POD_NAME] = {"pod", "name", false},
    [FACT_POD_UID] = {"pod", "uid", false},
    [FACT_POD_ALIAS] = {"pod", "cgroup_uid", false},
    [FACT_POD_IP] = {"pod", "ip", false},
    [FACT_POD_NODE] = {"pod", "node", false},
    [FACT_POD_LABELS] = {"pod", "labels", true},
    [FACT_NS_NAME] = {"ns", "name", false},
    [FACT_NS_UID] = {"ns", "uid", false},
    [FACT_NS_LABELS] = {"ns", "labels", true},
    [FACT_RS_NAME] = {"rs", "name", false},
    [FACT_RS_UID] = {"rs", "uid", false},
    [FACT_RS_LABELS] = {"rs", "labels", true},
    [FACT_DEPLOYMENT_NAME] = {"deployment", "name", false},
    [FACT_DEPLOYMENT_UID] = {"deployment", "uid", false},
    [FACT_DEPLOYMENT_LABELS] = {"deployment", "labels", true},
    [FACT_RC_NAME] = {"rc", "name", false},
    [FACT_RC_UID] = {"rc", "uid", false},
    [FACT_RC_LABELS] = {"rc", "labels", true},
    [FACT_OWNER_KIND] = {"owner", "kind", false},
    [FACT_OWNER_NAME] = {"owner", "name", false},
    [FACT_OWNER_UID] = {"owner", "uid", false},
    [FACT_OWNER_LABELS] = {"owner", "labels", true},
};
static const struct {
    const char *key;
    bool pairs;
} svc_members[N_SVC] = {{"name", false}, {"uid", false}, {"labels", true}};

/* ---- out ---- */

static json_t *pairs_json(struct fact_text t)
{
    json_t *o = json_object();

    for (uint32_t i = 0; o && i < t.len;) {
        const char *key = t.p + i, *value = key + strlen(key) + 1;

        (void)json_object_set_new(o, key, json_string(value));
        i = (uint32_t)(value + strlen(value) + 1 - t.p);
    }
    return o;
}

static json_t *value_json(struct fact_text t, bool pairs)
{
    return pairs ? pairs_json(t) : json_stringn(t.p, t.len);
}

static void add_services(const struct facts *f, json_t *root)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < f->n_services; i++) {
        json_t *o = json_object();

        for (uint32_t k = 0; k < N_SVC; k++)
            if (f->services[i][k].p)
                (void)json_object_set_new(o, svc_members[k].key,
                                          value_json(f->services[i][k], svc_members[k].pairs));
        (void)json_array_append_new(list, o);
    }
    (void)json_object_set_new(root, "services", list);
}

char *facts_json(const struct facts *f, size_t *ret_len)
{
    json_t *root = json_pack("{s:i}", "version", FORMAT), *list = json_array();
    char *text;

    for (uint32_t i = 0; i < N_FACTS; i++) {
        json_t *o = json_object_get(root, members[i].group);

        if (!f->text[i].p)
            continue;
        if (!o) {
            (void)json_object_set_new(root, members[i].group, json_object());
            o = json_object_get(root, members[i].group);
        }
        (void)json_object_set_new(o, members[i].key, value_json(f->text[i], members[i].pairs));
    }
    add_services(f, root);
    for (uint32_t i = 0; i < f->n_containers; i++)
        (void)json_array_append_new(list, json_stringn(f->containers[i].p, f->containers[i].len));
    (void)json_object_set_new(root, "containers", list);
    text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    if (!text)
        return NULL;
    *ret_len = strlen(text);
    if (*ret_len <= FACTS_JSON_MAX)
        return text;
    free(text);
    return NULL;
}

/* ---- in ---- */

/* Pairs as bytes, in memory that grows with what was read: at most as long as the JSON. */
static struct fact_text pairs_text(json_t *o, char **at)
{
    struct fact_text t = {NULL, 0};
    const char *key;
    json_t *v;

    if (!json_is_object(o))
        return t;
    t.p = *at;
    json_object_foreach(o, key, v)
    {
        size_t k = strlen(key) + 1, m = json_string_length(v) + 1;

        if (!json_is_string(v) || strlen(json_string_value(v)) + 1 != m)
            continue;
        memcpy(*at, key, k);
        memcpy(*at + k, json_string_value(v), m);
        *at += k + m;
    }
    t.len = (uint32_t)(*at - t.p);
    return t;
}

static struct fact_text value_text(json_t *v, bool pairs, char **at)
{
    if (pairs)
        return pairs_text(v, at);
    return (struct fact_text){json_string_value(v), (uint32_t)json_string_length(v)};
}

static void parse_lists(const json_t *root, struct facts_from *f, char **at)
{
    const json_t *v;
    size_t i;

    json_array_foreach(json_object_get(root, "services"), i, v)
    {
        if (f->n_services == FACTS_SERVICES_MAX)
            break;
        for (uint32_t k = 0; k < N_SVC; k++)
            f->services[f->n_services][k] =
                value_text(json_object_get(v, svc_members[k].key), svc_members[k].pairs, at);
        f->n_services++;
    }
    json_array_foreach(json_object_get(root, "containers"), i,
                       v) if (json_string_length(v) == 64 && f->n_containers < FACTS_CONTAINERS_MAX)
        f->containers[f->n_containers++] = (struct fact_text){json_string_value(v), 64};
}

struct facts *facts_parse(const char *json, size_t len)
{
    struct facts *f = NULL;
    struct facts_from *from = NULL;
    char *bytes = NULL, *at;
    json_t *root = NULL;

    if (len > FACTS_JSON_MAX)
        return NULL;
    root = json_loadb(json, len, 0, NULL);
    from = calloc(1, sizeof(*from));
    bytes = malloc(len + 1);
    if (!root || !from || !bytes || json_integer_value(json_object_get(root, "version")) != FORMAT)
        goto out;
    at = bytes;
    for (uint32_t i = 0; i < N_FACTS; i++)
        from->text[i] =
            value_text(json_object_get(json_object_get(root, members[i].group), members[i].key),
                       members[i].pairs, &at);
    parse_lists(root, from, &at);
    if (from->text[FACT_POD_UID].len && from->text[FACT_POD_UID].len <= 128)
        f = facts_new(from);
out:
    free(bytes);
    free(from);
    json_decref(root);
    return f;
}
