/* SPDX-License-Identifier: Apache-2.0 */
#include "k8s_audit.h"

#include <gyr/build.h>
#include <jansson.h>
#include <time.h>

/* ---- the schema ---- */

#define TEXT(name)                                                                                 \
    {                                                                                              \
        name, GYR_P_STR, GYR_F_DEC, 0, 0, NULL                                                     \
    }
#define TEXTS(name)                                                                                \
    {                                                                                              \
        name, GYR_P_STRS, GYR_F_DEC, 0, 0, NULL                                                    \
    }

static const struct gyr_param_def params[N_PARAMS] = {
    [P_AUDITID] = TEXT("auditid"),
    [P_STAGE] = TEXT("stage"),
    [P_VERB] = TEXT("verb"),
    [P_URI] = TEXT("uri"),
    [P_USER] = TEXT("user"),
    [P_GROUPS] = TEXTS("groups"),
    [P_IMPERSONATED] = TEXT("impersonated"),
    [P_SOURCEIPS] = TEXTS("sourceips"),
    [P_USERAGENT] = TEXT("useragent"),
    [P_RESOURCE] = TEXT("resource"),
    [P_SUBRESOURCE] = TEXT("subresource"),
    [P_NAMESPACE] = TEXT("namespace"),
    [P_NAME] = TEXT("name"),
    [P_APIGROUP] = TEXT("apigroup"),
    [P_CODE] = {"code", GYR_P_U32, GYR_F_DEC, 0, 0, NULL},
    [P_REASON] = TEXT("reason"),
    [P_DECISION] = TEXT("decision"),
    [P_DECISION_REASON] = TEXT("decision_reason"),
    [P_IMAGES] = TEXTS("images"),
    [P_PRIVILEGED] = TEXTS("privileged"),
    [P_HOSTNETWORK] = {"hostnetwork", GYR_P_BOOL, GYR_F_DEC, 0, 0, NULL},
    [P_HOSTPATHS] = TEXTS("hostpaths"),
    [P_ROLE] = TEXT("role"),
    [P_SUBJECTS] = TEXTS("subjects"),
};

static const struct gyr_event_type types[] = {
    {AUDIT, N_PARAMS, 0, "audit", "audit", params, 0},
};

const struct gyr_schema audit_schema = {
    .size = sizeof(audit_schema),
    .version = 1,
    .name = "k8s_audit",
    .types = types,
    .n_types = sizeof(types) / sizeof(types[0]),
    .type_stride = sizeof(types[0]),
};

/* ---- one event ---- */

/* A member some levels down: at(e, "user", "username", NULL). */
static const json_t *at(const json_t *j, const char *a, const char *b, const char *c)
{
    j = json_object_get(j, a);
    if (b)
        j = json_object_get(j, b);
    return c ? json_object_get(j, c) : j;
}

static void put_text(struct gyr_builder *b, const json_t *j)
{
    size_t len = json_string_length(j);

    if (json_is_string(j))
        gyr_build_strn(b, json_string_value(j), len < EVENT_TEXT_MAX ? len : EVENT_TEXT_MAX);
    else
        gyr_build_none(b);
}

/* Texts one after the other, each with its NUL: what no longer fits is left out. */
struct texts {
    char p[EVENT_LIST_MAX];
    size_t len;
};

static void texts_add(struct texts *t, const char *s)
{
    size_t n = s ? strlen(s) + 1 : 0;

    if (n == 0 || n > sizeof(t->p) - t->len)
        return;
    memcpy(t->p + t->len, s, n);
    t->len += n;
}

static void put_strings(struct gyr_builder *b, const json_t *list)
{
    struct texts t = {.len = 0};
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item) texts_add(&t, json_string_value(item));
    gyr_build_raw(b, t.p, t.len);
}

/* One member of each object of a list. */
static void put_members(struct gyr_builder *b, const json_t *list, const char *name)
{
    struct texts t = {.len = 0};
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item) texts_add(&t, json_string_value(json_object_get(item, name)));
    gyr_build_raw(b, t.p, t.len);
}

static void put_privileged(struct gyr_builder *b, const json_t *containers)
{
    struct texts t = {.len = 0};
    const json_t *item;
    size_t i;

    json_array_foreach(containers, i, item) texts_add(
        &t, json_is_true(at(item, "securityContext", "privileged", NULL)) ? "true" : "false");
    gyr_build_raw(b, t.p, t.len);
}

static void put_hostpaths(struct gyr_builder *b, const json_t *volumes)
{
    struct texts t = {.len = 0};
    const json_t *item;
    size_t i;

    json_array_foreach(volumes, i, item)
        texts_add(&t, json_string_value(at(item, "hostPath", "path", NULL)));
    gyr_build_raw(b, t.p, t.len);
}

/* "2026-11-26T06:12:01.123456Z". @return nanoseconds since the epoch; 0: it is none. */
static uint64_t parse_time(const char *s)
{
    struct tm tm = {0};
    const char *p = s ? strptime(s, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    uint64_t unit = 100000000, ns = 0;
    time_t t;

    if (!p)
        return 0;
    t = timegm(&tm);
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
            ns += (uint64_t)(*p - '0') * unit;
    return t > 0 ? (uint64_t)t * 1000000000u + ns : 0;
}

static void put_request(struct gyr_builder *b, const json_t *request)
{
    const json_t *spec = json_object_get(request, "spec");
    const json_t *containers = json_object_get(spec, "containers");

    put_members(b, containers, "image");
    put_privileged(b, containers);
    if (spec)
        gyr_build_u8(b, (uint8_t)json_is_true(json_object_get(spec, "hostNetwork")));
    else
        gyr_build_none(b);
    put_hostpaths(b, json_object_get(spec, "volumes"));
    put_text(b, at(request, "roleRef", "name", NULL));
    put_members(b, json_object_get(request, "subjects"), "name");
}

static const struct gyr_event *make_event(const json_t *e, void *room)
{
    const json_t *ref = json_object_get(e, "objectRef");
    const json_t *status = json_object_get(e, "responseStatus");
    const json_t *notes = json_object_get(e, "annotations");
    const json_t *code = json_object_get(status, "code");
    struct gyr_builder b;
    struct gyr_event *ev = gyr_build_begin(&b, room, EVENT_SIZE, AUDIT, N_PARAMS);

    ev->ts_ns = parse_time(json_string_value(json_object_get(e, "stageTimestamp")));
    put_text(&b, json_object_get(e, "auditID"));
    put_text(&b, json_object_get(e, "stage"));
    put_text(&b, json_object_get(e, "verb"));
    put_text(&b, json_object_get(e, "requestURI"));
    put_text(&b, at(e, "user", "username", NULL));
    put_strings(&b, at(e, "user", "groups", NULL));
    put_text(&b, at(e, "impersonatedUser", "username", NULL));
    put_strings(&b, json_object_get(e, "sourceIPs"));
    put_text(&b, json_object_get(e, "userAgent"));
    put_text(&b, json_object_get(ref, "resource"));
    put_text(&b, json_object_get(ref, "subresource"));
    put_text(&b, json_object_get(ref, "namespace"));
    put_text(&b, json_object_get(ref, "name"));
    put_text(&b, json_object_get(ref, "apiGroup"));
    if (json_is_integer(code))
        gyr_build_u32(&b, (uint32_t)json_integer_value(code));
    else
        gyr_build_none(&b);
    put_text(&b, json_object_get(status, "reason"));
    put_text(&b, json_object_get(notes, "authorization.k8s.io/decision"));
    put_text(&b, json_object_get(notes, "authorization.k8s.io/reason"));
    put_request(&b, json_object_get(e, "requestObject"));
    return gyr_build_end(&b);
}

static int is_event(const json_t *e)
{
    return json_is_string(json_object_get(e, "auditID"));
}

static void take(const json_t *e, const struct audit_sink *sink)
{
    void *room = sink->room(sink->ctx);
    const struct gyr_event *ev = room ? make_event(e, room) : NULL;

    if (ev)
        sink->event(sink->ctx, ev);
}

int audit_parse(const char *line, size_t len, const struct audit_sink *sink)
{
    json_t *root = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *items = json_object_get(root, "items"), *item;
    int n = 0;
    size_t i;

    if (is_event(root)) {
        take(root, sink);
        n = 1;
    }
    json_array_foreach(items, i, item) if (is_event(item))
    {
        take(item, sink);
        n++;
    }
    json_decref(root);
    return n ? n : -1;
}
