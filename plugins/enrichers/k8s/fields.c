/* SPDX-License-Identifier: Apache-2.0 */
/* The table of fields. k8s.* are texts, as Falco had them when it asked the API itself; k8smeta.*
 * are those of Falco's plugin of that name, with lists where it has lists. */
#include "fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    FORM_TEXT,       /* a fact as it is */
    FORM_LABEL,      /* one of pairs, by its name */
    FORM_LABELS,     /* pairs as a text: "a:b, c:d" */
    FORM_LABEL_LIST, /* pairs as a list: ("a:b","c:d") */
    FORM_SVC,        /* of all services, as a text: "x, y" */
    FORM_SVC_LABEL,
    FORM_SVC_LABELS,
    FORM_SVC_LIST, /* of all services, as a list */
    FORM_SVC_LABEL_OF_EACH,
    FORM_SVC_LABEL_LIST
};

#define KEYED (GYR_FF_KEY | GYR_FF_ARG_REQ)
#define FIELD(n, fl, fo, fa)                                                                       \
    {                                                                                              \
        .field = {.name = (n), .type = GYR_T_STR, .flags = (fl)}, .form = FORM_##fo, .fact = (fa)  \
    }
#define GROUP(name, first)                                                                         \
    FIELD("k8s." name ".name", 0, TEXT, (first)), FIELD("k8s." name ".id", 0, TEXT, (first) + 1),  \
        FIELD("k8s." name ".label", KEYED, LABEL, (first) + 2),                                    \
        FIELD("k8s." name ".labels", 0, LABELS, (first) + 2),                                      \
        FIELD("k8smeta." name ".name", 0, TEXT, (first)),                                          \
        FIELD("k8smeta." name ".uid", 0, TEXT, (first) + 1),                                       \
        FIELD("k8smeta." name ".label", KEYED, LABEL, (first) + 2),                                \
        FIELD("k8smeta." name ".labels", GYR_FF_LIST, LABEL_LIST, (first) + 2)

const struct k8s_field k8s_fields[K8S_N_FIELDS] = {
    FIELD("k8s.pod.name", 0, TEXT, FACT_POD_NAME),
    FIELD("k8s.pod.id", 0, TEXT, FACT_POD_UID),
    FIELD("k8s.pod.uid", 0, TEXT, FACT_POD_UID),
    FIELD("k8s.pod.ip", 0, TEXT, FACT_POD_IP),
    FIELD("k8s.pod.label", KEYED, LABEL, FACT_POD_LABELS),
    FIELD("k8s.pod.labels", 0, LABELS, FACT_POD_LABELS),
    FIELD("k8smeta.pod.name", 0, TEXT, FACT_POD_NAME),
    FIELD("k8smeta.pod.uid", 0, TEXT, FACT_POD_UID),
    FIELD("k8smeta.pod.ip", 0, TEXT, FACT_POD_IP),
    FIELD("k8smeta.pod.label", KEYED, LABEL, FACT_POD_LABELS),
    FIELD("k8smeta.pod.labels", GYR_FF_LIST, LABEL_LIST, FACT_POD_LABELS),
    GROUP("ns", FACT_NS_NAME),
    GROUP("rs", FACT_RS_NAME),
    GROUP("rc", FACT_RC_NAME),
    GROUP("deployment", FACT_DEPLOYMENT_NAME),
    FIELD("k8s.svc.name", 0, SVC, SVC_NAME),
    FIELD("k8s.svc.id", 0, SVC, SVC_UID),
    FIELD("k8s.svc.label", KEYED, SVC_LABEL, SVC_LABELS),
    FIELD("k8s.svc.labels", 0, SVC_LABELS, SVC_LABELS),
    FIELD("k8smeta.svc.name", GYR_FF_LIST, SVC_LIST, SVC_NAME),
    FIELD("k8smeta.svc.uid", GYR_FF_LIST, SVC_LIST, SVC_UID),
    FIELD("k8smeta.svc.label", GYR_FF_LIST | KEYED, SVC_LABEL_OF_EACH, SVC_LABELS),
    FIELD("k8smeta.svc.labels", GYR_FF_LIST, SVC_LABEL_LIST, SVC_LABELS),
    FIELD("k8s.owner.kind", 0, TEXT, FACT_OWNER_KIND),
    FIELD("k8s.owner.name", 0, TEXT, FACT_OWNER_NAME),
    FIELD("k8s.owner.id", 0, TEXT, FACT_OWNER_UID),
    FIELD("k8s.owner.label", KEYED, LABEL, FACT_OWNER_LABELS),
    FIELD("k8s.owner.labels", 0, LABELS, FACT_OWNER_LABELS),
};

/* ---- bindings ---- */

int bindings_add(struct bindings *b, uint32_t field, const char *arg, uint32_t *ret_handle,
                 struct gyr_error *err)
{
    const struct k8s_field *f = &k8s_fields[field];
    struct binding *list, *at;
    char *key = NULL;
    uint32_t i = 0;

    if (f->field.flags & GYR_FF_ARG_REQ && (!arg || !*arg || strlen(arg) > LABEL_NAME_MAX))
        return gyr_fail(err, -EINVAL, "%s wants the name of a label", f->field.name);
    while (i < b->n && b->list[i].field)
        i++;
    if (i >= BINDINGS_MAX)
        return gyr_fail(err, -ENOSPC, "more than %d fields are in use", BINDINGS_MAX);
    if (i == b->cap) {
        list = realloc(b->list, (b->cap + 64) * sizeof(*list));
        if (!list)
            return gyr_fail(err, -ENOMEM, "no memory");
        b->list = list;
        b->cap += 64;
    }
    if (arg) {
        key = strdup(arg);
        if (!key)
            return gyr_fail(err, -ENOMEM, "no memory");
    }
    at = &b->list[i];
    *at = (struct binding){.field = f, .key = key, .key_len = key ? (uint32_t)strlen(key) : 0};
    if (i == b->n)
        b->n++;
    *ret_handle = i;
    return 0;
}

void bindings_del(struct bindings *b, uint32_t handle)
{
    if (handle >= b->n)
        return;
    free(b->list[handle].key);
    b->list[handle] = (struct binding){0};
}

void bindings_free(struct bindings *b)
{
    for (uint32_t i = 0; i < b->n; i++)
        free(b->list[i].key);
    free(b->list);
    *b = (struct bindings){0};
}

/* ---- pairs ---- */

/* Walk pairs. @return false at the end. */
static bool next_pair(struct fact_text t, uint32_t *at, struct fact_text *name,
                      struct fact_text *value)
{
    if (*at >= t.len)
        return false;
    name->p = t.p + *at;
    name->len = (uint32_t)strlen(name->p);
    value->p = name->p + name->len + 1;
    value->len = (uint32_t)strlen(value->p);
    *at += name->len + value->len + 2;
    return true;
}

static struct fact_text pair_of(struct fact_text t, const struct binding *b)
{
    struct fact_text name, value;

    for (uint32_t at = 0; next_pair(t, &at, &name, &value);)
        if (name.len == b->key_len && memcmp(name.p, b->key, name.len) == 0)
            return value;
    return (struct fact_text){NULL, 0};
}

static uint32_t count_pairs(struct fact_text t)
{
    struct fact_text name, value;
    uint32_t n = 0;

    for (uint32_t at = 0; next_pair(t, &at, &name, &value);)
        n++;
    return n;
}

static void put(char **at, struct fact_text t)
{
    memcpy(*at, t.p, t.len);
    *at += t.len;
}

/* "name:value" of every pair; the bytes of the pairs and one more for each are enough. */
static void put_pairs(char **at, struct fact_text t, const char *begin)
{
    struct fact_text name, value;

    for (uint32_t i = 0; next_pair(t, &i, &name, &value);) {
        if (*at != begin)
            put(at, (struct fact_text){", ", 2});
        put(at, name);
        *(*at)++ = ':';
        put(at, value);
    }
}

/* ---- values ---- */

static int text(struct fact_text t, struct gyr_value *ret)
{
    if (!t.p)
        return GYR_ABSENT;
    *ret = gyr_str(t.p, t.len);
    return GYR_PRESENT;
}

/* What a service gives for a text: a member, one of its labels, or (no) all of them. */
static struct fact_text of_service(const struct binding *b, const struct fact_text *svc)
{
    if (b->field->form == FORM_SVC_LABEL || b->field->form == FORM_SVC_LABEL_OF_EACH)
        return pair_of(svc[SVC_LABELS], b);
    return svc[b->field->fact];
}

static int joined(const struct gyr_host *host, const struct binding *b, const struct facts *f,
                  struct gyr_value *ret)
{
    bool labels = b->field->form == FORM_LABELS;
    bool svc_labels = b->field->form == FORM_SVC_LABELS;
    struct fact_text t = labels ? f->text[b->field->fact] : (struct fact_text){NULL, 0};
    size_t room = 2 * (size_t)t.len + 1;
    char *p, *at;

    for (uint32_t i = 0; !labels && i < f->n_services; i++)
        room += 2 * (size_t)of_service(b, f->services[i]).len + 2;
    p = at = host->event_alloc(host->ctx, room);
    if (!p)
        return -ENOMEM;
    put_pairs(&at, t, p);
    for (uint32_t i = 0; !labels && i < f->n_services; i++) {
        struct fact_text s = of_service(b, f->services[i]);

        if (svc_labels) {
            put_pairs(&at, s, p);
        } else if (s.p) {
            if (at != p)
                put(&at, (struct fact_text){", ", 2});
            put(&at, s);
        }
    }
    *ret = gyr_str(p, (size_t)(at - p));
    return at == p ? GYR_ABSENT : GYR_PRESENT;
}

/* Pairs as elements of a list. @return how many. */
static uint32_t add_pairs(struct gyr_value *list, struct fact_text t, char **at)
{
    struct fact_text name, value;
    uint32_t n = 0;

    for (uint32_t i = 0; next_pair(t, &i, &name, &value);) {
        char *p = *at;

        put(at, name);
        *(*at)++ = ':';
        put(at, value);
        list[n++] = gyr_str(p, (size_t)(*at - p));
    }
    return n;
}

static int list(const struct gyr_host *host, const struct binding *b, const struct facts *f,
                struct gyr_value *ret)
{
    bool pairs = b->field->form == FORM_LABEL_LIST || b->field->form == FORM_SVC_LABEL_LIST;
    bool own = b->field->form == FORM_LABEL_LIST;
    struct fact_text t = own ? f->text[b->field->fact] : (struct fact_text){NULL, 0};
    size_t n = count_pairs(t), room = t.len;
    struct gyr_value *v;
    char *at;

    for (uint32_t i = 0; !own && i < f->n_services; i++) {
        n += pairs ? count_pairs(f->services[i][SVC_LABELS]) : 1;
        room += pairs ? f->services[i][SVC_LABELS].len : 0;
    }
    v = host->event_alloc(host->ctx, n * sizeof(*v) + room + 1);
    if (!v)
        return -ENOMEM;
    at = (char *)(v + n);
    n = add_pairs(v, t, &at);
    for (uint32_t i = 0; !own && i < f->n_services; i++) {
        struct fact_text s = of_service(b, f->services[i]);

        if (pairs)
            n += add_pairs(v + n, s, &at);
        else if (s.p)
            v[n++] = gyr_str(s.p, s.len);
    }
    *ret = (struct gyr_value){.type = GYR_T_LIST, .len = (uint32_t)n, .u.ptr = v};
    return n ? GYR_PRESENT : GYR_ABSENT;
}

int field_value(const struct gyr_host *host, const struct binding *b, const struct facts *f,
                struct gyr_value *ret)
{
    switch (b->field->form) {
    case FORM_TEXT:
        return text(f->text[b->field->fact], ret);
    case FORM_LABEL:
        return text(pair_of(f->text[b->field->fact], b), ret);
    case FORM_LABELS:
    case FORM_SVC:
    case FORM_SVC_LABEL:
    case FORM_SVC_LABELS:
        return joined(host, b, f, ret);
    default:
        return list(host, b, f, ret);
    }
}
