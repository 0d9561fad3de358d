/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "k8s_rig.h"

#include "../../plugins/enrichers/k8s/api.h"
#include "event_build.h"
#include "syscall/syscall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct gyr_plugin *gyr_plugin_query_k8s(uint32_t host_abi);

static struct k8s_rig *now; /* whose fields are asked for: the host's calls know no other way */

static int field_bind(void *ctx, const char *name, uint32_t *ret_handle)
{
    (void)ctx;
    *ret_handle = strcmp(name, "container.full_id") == 0 ? 1 : 2;
    return 0;
}

static int field(void *ctx, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret)
{
    const char *s = handle == 1 ? now->container : now->cgroups;

    (void)ctx;
    (void)ev;
    if (!s)
        return GYR_ABSENT;
    *ret = gyr_str(s, strlen(s));
    return GYR_PRESENT;
}

void k8s_rig_dir(struct k8s_rig *r)
{
    memset(r, 0, sizeof(*r));
    (void)snprintf(r->dir, sizeof(r->dir), "/tmp/gyr-k8s-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
}

void k8s_rig_file(struct k8s_rig *r, const char *name, const char *text)
{
    char path[256];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", r->dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    (void)fputs(text, f);
    (void)fclose(f);
}

void k8s_rig_kubeconfig(struct k8s_rig *r, unsigned port, const char *cluster, const char *user)
{
    char text[2048];

    (void)snprintf(text, sizeof(text),
                   "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
                   "contexts:\n- name: there\n  context: {cluster: nowhere, user: nobody}\n"
                   "- name: here\n  context:\n    cluster: made-up\n    user: gyr\n"
                   "clusters:\n- name: made-up\n  cluster:\n    server: https://127.0.0.1:%u\n"
                   "%s"
                   "users:\n- name: gyr\n  user:\n%s",
                   port, cluster, user);
    k8s_rig_file(r, "config", text);
    (void)snprintf(r->kubeconfig, sizeof(r->kubeconfig), "%s/config", r->dir);
}

int k8s_rig_start(struct k8s_rig *r, const char *node, bool live, struct gyr_error *err)
{
    struct k8s_config *cfg = calloc(1, sizeof(*cfg));
    int ret;

    assert_non_null(cfg);
    fake_host_init(&r->host);
    r->host.host.is_live = live;
    r->host.host.field_bind = field_bind;
    r->host.host.field = field;
    r->plugin = gyr_plugin_query_k8s(1);
    *cfg = (struct k8s_config){.kubeconfig = live ? r->kubeconfig : NULL,
                               .node = node,
                               .service_account = "/nonexistent",
                               .watch_timeout = UINT64_C(300000000000),
                               .request_timeout = UINT64_C(5000000000),
                               .page = 100,
                               .max_objects = 262144};
    r->cfg = cfg;
    r->ts_ns = UINT64_C(1000000000);
    assert_int_equal(r->plugin->create(&r->host.host, cfg, &r->self, err), 0);
    ret = r->plugin->start(r->self, err);
    if (ret < 0) {
        r->plugin->destroy(r->self);
        r->self = NULL;
    }
    return ret;
}

void k8s_rig_stop(struct k8s_rig *r)
{
    char command[128];

    if (r->self) {
        for (uint32_t i = 0; i < r->n_bound; i++)
            r->plugin->enricher->unbind(r->self, r->bound[i].handle);
        r->plugin->stop(r->self);
        r->plugin->destroy(r->self);
    }
    if (r->plugin)
        assert_int_equal(fake_host_free(&r->host), 0);
    free(r->cfg);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", r->dir);
    assert_int_equal(system(command), 0);
}

static struct gyr_event *some_event(struct k8s_rig *r, struct event_build *b, uint16_t type)
{
    now = r;
    event_build_begin(b, type);
    b->ev.ts_ns = r->ts_ns += 1000;
    return event_build_end(b);
}

void k8s_rig_in(struct k8s_rig *r, const char *container, const char *cgroups)
{
    const char *const *names = r->plugin->enricher->events;
    struct event_build b;
    uint32_t which = 0;

    r->container = container;
    r->cgroups = cgroups;
    while (strcmp(names[which], "execve") != 0)
        which++;
    assert_true(r->plugin->enricher->on_event(r->self, which,
                                              some_event(r, &b, EV_SYSCALL_EXECVE_19_X)) >= 0);
}

static uint32_t handle_of(struct k8s_rig *r, const char *name)
{
    const struct gyr_enricher_ops *ops = r->plugin->enricher;
    char base[128], *arg;
    struct gyr_error err;
    uint32_t type = 0, i;

    for (i = 0; i < r->n_bound; i++)
        if (strcmp(r->bound[i].name, name) == 0)
            return r->bound[i].handle;
    assert_true(r->n_bound < RIG_FIELDS);
    (void)snprintf(base, sizeof(base), "%s", name);
    arg = strchr(base, '[');
    if (arg) {
        *arg++ = '\0';
        arg[strlen(arg) - 1] = '\0';
    }
    for (i = 0; i < ops->n_fields; i++) {
        const struct gyr_field *f =
            (const void *)((const char *)ops->fields + (size_t)i * ops->field_stride);

        if (strcmp(f->name, base) == 0)
            break;
    }
    assert_true(i < ops->n_fields);
    r->bound[r->n_bound].name = name;
    assert_int_equal(ops->bind(r->self, i, arg, &r->bound[r->n_bound].handle, &type, &err), 0);
    return r->bound[r->n_bound++].handle;
}

static const char *text_of(int answer, const struct gyr_value *v)
{
    static char text[4096];
    const struct gyr_value *items = v->u.ptr;
    size_t n = 0;

    if (answer == GYR_PENDING)
        return "<pending>";
    if (answer != GYR_PRESENT)
        return "<NA>";
    if (v->type == GYR_T_STR) {
        (void)snprintf(text, sizeof(text), "%.*s", (int)v->len, (const char *)v->u.ptr);
        return text;
    }
    assert_int_equal(v->type, GYR_T_LIST);
    for (uint32_t i = 0; i < v->len; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", i ? "," : "(",
                              (int)items[i].len, (const char *)items[i].u.ptr);
    (void)snprintf(text + n, sizeof(text) - n, ")");
    return text;
}

/* Ask for it; what is pending is asked again by ticket until @p until_ms. */
static const char *ask(struct k8s_rig *r, const char *name, uint32_t until_ms)
{
    const struct gyr_enricher_ops *ops = r->plugin->enricher;
    uint32_t handle = handle_of(r, name);
    struct event_build b;
    struct gyr_value v = {0};
    uint64_t ticket;
    int a;

    fake_host_event_done(&r->host);
    a = ops->get(r->self, some_event(r, &b, EV_SYSCALL_OPENAT_2_X), handle, &v);
    if (a != GYR_PENDING)
        return text_of(a, &v);
    ticket = v.u.u64;
    for (uint32_t ms = 0; a == GYR_PENDING && ms < until_ms; ms += 5) {
        (void)usleep(5000);
        a = ops->redeem(r->self, handle, ticket, &v);
        if (a == GYR_PENDING)
            assert_int_equal(v.u.u64, ticket);
    }
    ops->release(r->self, handle, ticket);
    return text_of(a, &v);
}

const char *k8s_rig_get(struct k8s_rig *r, const char *name)
{
    return ask(r, name, 0);
}

void k8s_rig_expect(struct k8s_rig *r, const char *name, const char *want)
{
    const char *got = ask(r, name, 5000);

    for (uint32_t ms = 0; strcmp(got, want) != 0 && ms < 5000; ms += 20) {
        (void)usleep(20000);
        got = ask(r, name, 5000);
    }
    if (strcmp(got, want) != 0)
        print_error("%s\n", r->host.log);
    assert_string_equal(got, want);
}

unsigned k8s_rig_said(struct k8s_rig *r, const char *text)
{
    unsigned n = 0;

    (void)pthread_mutex_lock(&r->host.lock);
    for (const char *p = r->host.log; (p = strstr(p, text)); p++)
        n++;
    (void)pthread_mutex_unlock(&r->host.lock);
    return n;
}

void k8s_rig_expect_said(struct k8s_rig *r, const char *text)
{
    for (uint32_t ms = 0; !k8s_rig_said(r, text) && ms < 5000; ms += 20)
        (void)usleep(20000);
    if (!k8s_rig_said(r, text))
        print_error("%s\n", r->host.log);
    assert_true(k8s_rig_said(r, text) > 0);
}

uint32_t k8s_rig_replay(struct k8s_rig *from, struct k8s_rig *to, uint32_t max)
{
    uint32_t n = 0;

    now = to;
    for (size_t at = 0; at < from->host.emitted_len && n < max; n++) {
        struct gyr_event *ev = (void *)(from->host.emitted + at);

        ev->ts_ns = to->ts_ns; /* as the core does */
        assert_true(to->plugin->enricher->on_event(to->self, 0, ev) >= 0);
        at += ev->len;
    }
    return n;
}
