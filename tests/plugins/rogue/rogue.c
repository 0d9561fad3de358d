/* SPDX-License-Identifier: Apache-2.0 */
/* A source, an enricher and an output that load, and then misbehave in one way each: built once per
 * CASE_…, named CASE_NAME. As it stands (CASE_tame) it keeps to the ABI. */
#include <gyr/build.h>
#include <gyr/plugin.h>
#include <gyr/util.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct config {
    int64_t count;
    const char *text;
};

struct rogue {
    const struct gyr_host *host;
    const struct config *cfg;
    int pipe[2];
    int64_t made;
    uint64_t room[64];
};

/* The compiler must not see what becomes of it. */
static void *volatile lost;
static volatile int never;

#ifdef CASE_leak_thread
static void *sleep_on(void *arg)
{
    (void)poll(NULL, 0, -1);
    return arg;
}
#endif

#ifdef CASE_exports
__attribute__((visibility("default"))) int helper_of_mine(void);
int helper_of_mine(void)
{
    return 1;
}
#endif

static int create(const struct gyr_host *host, const void *cfg, void **ret_self,
                  struct gyr_error *err)
{
    struct rogue *s = (struct rogue *)calloc(1, sizeof(*s));

    if (!s)
        return gyr_fail(err, -ENOMEM, "out of memory");
#ifdef CASE_crash_create
    *(volatile int *)(uintptr_t)never = 1;
#endif
#ifdef CASE_exit_create
    exit(0);
#endif
#ifdef CASE_silent_create
    free(s);
    return -EIO;
#endif
#ifdef CASE_leak_memory
    lost = malloc(2 << 20);
#endif
#ifdef CASE_leak_fd
    lost = open("/dev/null", O_RDONLY) ? s : NULL;
#endif
    s->host = host;
    s->cfg = (const struct config *)cfg;
    *ret_self = s;
    return 0;
}

static int start(void *self, struct gyr_error *err)
{
    struct rogue *s = (struct rogue *)self;

    if (pipe(s->pipe) < 0)
        return gyr_fail(err, -errno, "no pipe");
    (void)fcntl(s->pipe[0], F_SETFL, O_NONBLOCK);
    (void)fcntl(s->pipe[1], F_SETFL, O_NONBLOCK);
#ifdef CASE_leak_thread
    {
        pthread_t t;

        if (pthread_create(&t, NULL, sleep_on, NULL) == 0)
            pthread_detach(t);
    }
#endif
    s->made = 0;
    return 0;
}

static void stop(void *self)
{
    struct rogue *s = (struct rogue *)self;

    close(s->pipe[0]);
    close(s->pipe[1]);
}

static void destroy(void *self)
{
    free(self);
}

/* ---- source ---- */

static const struct gyr_param_def params[] = {{"n", GYR_P_U64, GYR_F_DEC, 0, 0, NULL},
                                              {"text", GYR_P_STR, GYR_F_DEC, 0, 0, NULL}};
static const struct gyr_event_type types[] = {{1, 2, 0, "tick", "other", params, 0}};
static const struct gyr_schema schema = {.size = sizeof(schema),
                                         .version = 1,
                                         .name = "rogue",
                                         .types = types,
                                         .n_types = 1,
                                         .type_stride = sizeof(types[0])};

static void wake(void *self)
{
#ifdef CASE_deaf
    (void)self;
#else
    (void)!write(((struct rogue *)self)->pipe[1], "", 1);
#endif
}

static const struct gyr_event *make(struct rogue *s)
{
    struct gyr_builder b;
    struct gyr_event *ev = gyr_build_begin(&b, s->room, sizeof(s->room), 1, 2);

    gyr_build_u64(&b, (uint64_t)s->made);
    gyr_build_str(&b, "tick");
    ev = gyr_build_end(&b);
#ifdef CASE_long_event
    ev->len = 1 << 20; /* there are 512 bytes */
#endif
#ifdef CASE_bad_offset
    {
        uint32_t far = 4000;

        memcpy((uint8_t *)ev + ev->hdr_len + 4, &far, sizeof(far));
    }
#endif
#ifdef CASE_unknown_type
    ev->type = 77;
#endif
    return ev;
}

static int next_batch(void *self, struct gyr_batch *b, struct gyr_error *err)
{
    struct rogue *s = (struct rogue *)self;
    struct pollfd p = {s->pipe[0], POLLIN, 0};
    char c[16];

    (void)err;
    b->n = 0;
    if (s->made < s->cfg->count) {
        s->made++;
#ifdef CASE_silent_error
        return -EIO;
#endif
#ifdef CASE_crash_next
        (void)strlen((const char *)(uintptr_t)never); /* somebody else's code, called by us */
        *(volatile int *)(uintptr_t)never = 1;
#endif
        b->ev[0] = make(s);
        b->n = 1;
#ifdef CASE_big_batch
        b->n = b->cap + 1;
#endif
        return 0;
    }
#ifdef CASE_hang_next
    for (;;)
        (void)poll(NULL, 0, 1000);
#endif
    if (poll(&p, 1, (int)b->timeout_ms) > 0)
        (void)!read(s->pipe[0], c, sizeof(c));
    return 0;
}

static const struct gyr_source_ops source = {
    .size = sizeof(source),
    .flags = GYR_SRC_LIVE,
    .schema = &schema,
    .next_batch = next_batch,
    .wake = wake,
};

/* ---- enricher ---- */

static const char *const events[] = {"tick", NULL};
static const struct gyr_field fields[] = {
    {"rogue.name", "A text.", GYR_T_STR, 0, 0, 0, NULL},
    {"rogue.list", "Texts.", GYR_T_STR, GYR_FF_LIST, 0, 0, NULL},
};

static int on_event(void *self, uint32_t which, const struct gyr_event *ev)
{
    (void)self;
    (void)which;
    (void)ev;
    return 0;
}

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

static int get(void *self, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret)
{
    static struct gyr_value items[2];

    (void)self;
    (void)ev;
    items[0] = items[1] = gyr_str("item", 4);
#ifdef CASE_wrong_element
    items[1] = gyr_num(GYR_T_U64, 1);
#endif
    if (handle == 1) {
        ret->type = GYR_T_LIST;
        ret->len = 2;
        ret->u.ptr = items;
        return GYR_PRESENT;
    }
    *ret = gyr_str("name", 4);
#ifdef CASE_wrong_type
    *ret = gyr_num(GYR_T_U64, 4711);
#endif
#ifdef CASE_long_value
    ret->len = 1u << 30;
#endif
#ifdef CASE_crash_get
    *(volatile int *)(uintptr_t)never = 1;
#endif
#ifdef CASE_no_redeem
    return GYR_PENDING;
#endif
    return GYR_PRESENT;
}

static const struct gyr_enricher_ops enricher = {
    .size = sizeof(enricher),
    .schema = "rogue",
    .events = events,
    .fields = fields,
    .n_fields = 2,
    .field_stride = sizeof(fields[0]),
    .on_event = on_event,
    .bind = bind_field,
    .get = get,
};

/* ---- output ---- */

static int write_alerts(void *self, const struct gyr_alert *const *alerts, uint32_t n,
                        struct gyr_verdict *v, struct gyr_error *err)
{
    uint32_t i;

    (void)self;
    (void)alerts;
    (void)err;
#ifdef CASE_silent_write
    return -EIO;
#endif
    for (i = 0; i < n; i++)
        v[i].verdict = GYR_V_ACCEPTED;
#ifdef CASE_bad_verdict
    v[0].verdict = 9;
#endif
#ifdef CASE_never_acks
    v[0].verdict = GYR_V_LATER;
#endif
    return 0;
}

static const struct gyr_output_ops output = {.size = sizeof(output), .write = write_alerts};

static const struct gyr_option options[] = {
    {GYR_OPT(struct config, count, GYR_O_INT, "count", "3", "Events to make.")},
    {GYR_OPT(struct config, text, GYR_O_STR, "text", "x", "A text.")},
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = CASE_NAME,
    .version = "1.0",
    .license = "Apache-2.0",
    .summary = "misbehaves",
    .source = &source,
    .enricher = &enricher,
    .output = &output,
    GYR_PLUGIN_OPTIONS(options),
    .config_size = sizeof(struct config),
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
};

GYR_EXPORT_PLUGIN(plugin)
