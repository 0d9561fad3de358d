/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of audit events: each is a parameter, read where it stands. No state, no allocation but
 * from the host's memory for one event. */
#include "k8s_audit.h"

#define FIELD(name, help)                                                                          \
    {                                                                                              \
        name, help, GYR_T_STR, 0, GYR_F_DEC, 0, "k8s_audit"                                        \
    }
#define FIELDS(name, help)                                                                         \
    {                                                                                              \
        name, help, GYR_T_STR, GYR_FF_LIST, GYR_F_DEC, 0, "k8s_audit"                              \
    }

enum { LIST_MAX = 256 };

static const struct gyr_field fields[] = {
    FIELD("ka.auditid", "The audit ID of the request."),
    FIELD("ka.stage", "The stage of the request: RequestReceived, ResponseComplete, …"),
    FIELD("ka.verb", "What was asked for: get, list, create, delete, …"),
    FIELD("ka.uri", "The URI as the client sent it."),
    FIELD("ka.user.name", "Who asked."),
    FIELDS("ka.user.groups", "The groups that the user is in."),
    FIELD("ka.impuser.name", "As whom the user asked."),
    FIELDS("ka.sourceips", "Whence it was asked, proxies included."),
    FIELD("ka.useragent", "The client's user agent."),
    FIELD("ka.target.resource", "The kind of object: pods, secrets, …"),
    FIELD("ka.target.subresource", "The part of the object: exec, log, …"),
    FIELD("ka.target.namespace", "The namespace of the object."),
    FIELD("ka.target.name", "The name of the object."),
    FIELD("ka.target.apigroup", "The API group of the object; absent: the core group."),
    {"ka.response.code", "The HTTP status of the answer.", GYR_T_U64, 0, GYR_F_DEC, 0, "k8s_audit"},
    FIELD("ka.response.reason", "Why it was refused."),
    FIELD("ka.auth.decision", "The decision: allow or forbid."),
    FIELD("ka.auth.reason", "Why it was allowed."),
    FIELDS("ka.req.pod.containers.image", "Images of the containers of a pod that is made."),
    FIELDS("ka.req.pod.containers.privileged", "For each of them: is it privileged (true, false)?"),
    {"ka.req.pod.host_network", "Does the pod use the network of its node?", GYR_T_BOOL, 0,
     GYR_F_DEC, 0, "k8s_audit"},
    FIELDS("ka.req.pod.volumes.hostpath", "Folders of the node that the pod mounts."),
    FIELD("ka.req.binding.role", "The role that a binding gives."),
    FIELDS("ka.req.binding.subjects", "Names of those who get it."),
};

/* Which parameter: in the order of fields[]. */
static const uint8_t param_of[] = {
    P_AUDITID,      P_STAGE,      P_VERB,        P_URI,       P_USER,        P_GROUPS,
    P_IMPERSONATED, P_SOURCEIPS,  P_USERAGENT,   P_RESOURCE,  P_SUBRESOURCE, P_NAMESPACE,
    P_NAME,         P_APIGROUP,   P_CODE,        P_REASON,    P_DECISION,    P_DECISION_REASON,
    P_IMAGES,       P_PRIVILEGED, P_HOSTNETWORK, P_HOSTPATHS, P_ROLE,        P_SUBJECTS,
};

static int bind_field(void *self, uint32_t field, const char *arg, uint32_t *ret_handle,
                      uint32_t *ret_type, struct gyr_error *err)
{
    (void)self;
    (void)arg;
    (void)ret_type;
    (void)err;
    *ret_handle = field;
    return 0;
}

/* Texts one after the other, each with its NUL. */
static int get_list(const struct gyr_host *host, const char *p, uint32_t len, struct gyr_value *ret)
{
    struct gyr_value *items;
    uint32_t n = 0, k = 0;

    for (uint32_t i = 0; i < len; i++)
        n += p[i] == 0;
    if (n == 0)
        return GYR_ABSENT;
    if (n > LIST_MAX)
        n = LIST_MAX;
    items = host->event_alloc(host->ctx, n * sizeof(*items));
    if (!items)
        return GYR_ABSENT;
    for (const char *end = p + len; k < n; k++) {
        size_t one = strnlen(p, (size_t)(end - p));

        items[k] = gyr_str(p, one);
        p += one + 1;
    }
    ret->type = GYR_T_LIST;
    ret->len = n;
    ret->u.ptr = items;
    return GYR_PRESENT;
}

static int get(void *self, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret)
{
    const struct audit_instance *s = self;
    uint32_t param = param_of[handle], len;
    const char *text;
    uint64_t n;

    if (fields[handle].flags & GYR_FF_LIST) {
        if (param >= ev->nparams)
            return GYR_ABSENT;
        text = (const char *)gyr_param(ev, param, &len);
        return get_list(s->host, text, len, ret);
    }
    if (fields[handle].type != GYR_T_STR) {
        if (!gyr_param_u64(ev, param, &n))
            return GYR_ABSENT;
        *ret = gyr_num(fields[handle].type, fields[handle].type == GYR_T_BOOL ? n != 0 : n);
        return GYR_PRESENT;
    }
    if (!gyr_param_str(ev, param, &text, &len))
        return GYR_ABSENT;
    *ret = gyr_str(text, len);
    return GYR_PRESENT;
}

const struct gyr_enricher_ops audit_enricher = {
    .size = sizeof(audit_enricher),
    .schema = "k8s_audit",
    .fields = fields,
    .n_fields = sizeof(fields) / sizeof(fields[0]),
    .field_stride = sizeof(fields[0]),
    .bind = bind_field,
    .get = get,
};
