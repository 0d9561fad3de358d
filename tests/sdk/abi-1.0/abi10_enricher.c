/* SPDX-License-Identifier: Apache-2.0 */
/* As it was built against ABI 1.0; see README.md. An enricher: counts, echoes, and lets rules wait
 * for a value. */
#include <gyr/plugin.h>
#include <gyr/util.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TICKETS_MAX = 8192, BOUND_MAX = 64, ARG_MAX_LEN = 64 };
enum { ANSWER_PRESENT, ANSWER_ABSENT, ANSWER_NEVER };
enum { F_LATE, F_NOW, F_OPENS, F_ECHO, F_LIST };
enum { SLOT_FREE, SLOT_WAITING, SLOT_READY };

struct config {
    uint64_t delay;
    int64_t answer;
};

/* A value that somebody waits for. */
struct slot {
    int state;
    uint64_t num, due_ns;
    char text[32];
};

struct bound {
    uint32_t field;
    int used;
    char arg[ARG_MAX_LEN];
};

struct fake {
    const struct gyr_host *host;
    const struct config *cfg;
    uint64_t events, opens; /* source's thread */
    struct bound bound[BOUND_MAX];
    struct gyr_value list[2];
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t cond;
    struct slot slots[TICKETS_MAX];
    uint32_t first, n; /* waiting ones, in a ring: all have the same delay, so they end in order */
    uint32_t queue[TICKETS_MAX];
    int ending, running;
    uint64_t thread;
};

static int create(const struct gyr_host *host, const void *cfg, void **ret_self,
                  struct gyr_error *err)
{
    struct fake *f = calloc(1, sizeof(*f));
    pthread_condattr_t attr;

    if (!f)
        return gyr_fail(err, -ENOMEM, "out of memory");
    f->host = host;
    f->cfg = cfg;
    f->list[0] = gyr_str("one", 3);
    f->list[1] = gyr_str("two", 3);
    pthread_mutex_init(&f->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&f->cond, &attr);
    pthread_condattr_destroy(&attr);
    *ret_self = f;
    return 0;
}

static void wait_until(struct fake *f, uint64_t ns)
{
    struct timespec ts;

    ts.tv_sec = (time_t)(ns / 1000000000);
    ts.tv_nsec = (long)(ns % 1000000000);
    (void)pthread_cond_timedwait(&f->cond, &f->lock, &ts);
}

/* The slow look-up: answers each ticket when its time has come. */
static void answer(void *arg)
{
    struct fake *f = arg;

    pthread_mutex_lock(&f->lock);
    while (!f->ending) {
        uint32_t ticket = f->queue[f->first % TICKETS_MAX];

        if (f->n == 0) {
            pthread_cond_wait(&f->cond, &f->lock);
            continue;
        }
        if (f->slots[ticket].due_ns > f->host->now_ns(f->host->ctx)) {
            wait_until(f, f->slots[ticket].due_ns);
            continue;
        }
        f->first++;
        f->n--;
        if (f->slots[ticket].state != SLOT_WAITING)
            continue; /* released before */
        f->slots[ticket].state = SLOT_READY;
        pthread_mutex_unlock(&f->lock);
        f->host->resolved(f->host->ctx, ticket);
        pthread_mutex_lock(&f->lock);
    }
    pthread_mutex_unlock(&f->lock);
}

static int start(void *self, struct gyr_error *err)
{
    struct fake *f = self;

    f->ending = 0;
    if (f->host->thread_start(f->host->ctx, "fake-answers", answer, f, &f->thread) < 0)
        return gyr_fail(err, -EAGAIN, "cannot start a thread");
    f->running = 1;
    return 0;
}

static void stop(void *self)
{
    struct fake *f = self;

    if (!f->running)
        return;
    pthread_mutex_lock(&f->lock);
    f->ending = 1;
    pthread_cond_signal(&f->cond);
    pthread_mutex_unlock(&f->lock);
    (void)f->host->thread_join(f->host->ctx, f->thread);
    f->running = 0;
}

static void destroy(void *self)
{
    struct fake *f = self;

    if (!f)
        return;
    pthread_cond_destroy(&f->cond);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static const char *const events[] = {"open", "*", NULL};

static int on_event(void *self, uint32_t which, const struct gyr_event *ev)
{
    struct fake *f = self;

    if (ev->flags & GYR_EVF_SNAPSHOT)
        return 0;
    f->events++;
    if (which == 0)
        f->opens++;
    return 0;
}

static int bind(void *self, uint32_t field, const char *arg, uint32_t *ret_handle,
                uint32_t *ret_type, struct gyr_error *err)
{
    struct fake *f = self;
    uint32_t h;

    (void)ret_type;
    if (arg && (strlen(arg) >= ARG_MAX_LEN || strcmp(arg, "bad") == 0))
        return gyr_fail(err, -EINVAL, "fake.echo does not repeat '%s'", arg);
    for (h = 0; h < BOUND_MAX && f->bound[h].used; h++)
        ;
    if (h == BOUND_MAX)
        return gyr_fail(err, -ENOSPC, "more than %d fields", (int)BOUND_MAX);
    f->bound[h].used = 1;
    f->bound[h].field = field;
    memcpy(f->bound[h].arg, arg ? arg : "", arg ? strlen(arg) + 1 : 1);
    *ret_handle = h;
    return 0;
}

static void unbind(void *self, uint32_t handle)
{
    ((struct fake *)self)->bound[handle].used = 0;
}

/* A ticket for the event's value. */
static int promise(struct fake *f, uint64_t num, struct gyr_value *ret)
{
    uint32_t t = 0;

    pthread_mutex_lock(&f->lock);
    while (t < TICKETS_MAX && f->slots[t].state != SLOT_FREE)
        t++;
    if (t == TICKETS_MAX || f->n == TICKETS_MAX) {
        pthread_mutex_unlock(&f->lock);
        return GYR_ABSENT;
    }
    f->slots[t].state = SLOT_WAITING;
    f->slots[t].num = num;
    f->slots[t].due_ns = f->host->now_ns(f->host->ctx) + f->cfg->delay;
    if (f->cfg->answer != ANSWER_NEVER) {
        f->queue[(f->first + f->n++) % TICKETS_MAX] = t;
        pthread_cond_signal(&f->cond);
    }
    pthread_mutex_unlock(&f->lock);
    *ret = gyr_num(GYR_T_U64, t);
    return GYR_PENDING;
}

static int get(void *self, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret)
{
    struct fake *f = self;
    const struct bound *b = &f->bound[handle];
    char *text;

    switch (b->field) {
    case F_LATE:
        return promise(f, f->events, ret);
    case F_NOW:
        *ret = gyr_num(GYR_T_U64, f->events);
        return GYR_PRESENT;
    case F_OPENS:
        *ret = gyr_num(GYR_T_U64, f->opens);
        return GYR_PRESENT;
    case F_ECHO: /* from the host's memory, as a computed text would be */
        text = f->host->event_alloc(f->host->ctx, strlen(b->arg) + 1);
        if (!text)
            return GYR_ABSENT;
        memcpy(text, b->arg, strlen(b->arg) + 1);
        *ret = gyr_str(text, strlen(text));
        return GYR_PRESENT;
    default:
        if (ev->type == 1)
            return GYR_ABSENT;
        ret->type = GYR_T_LIST;
        ret->len = 2;
        ret->u.ptr = f->list;
        return GYR_PRESENT;
    }
}

static int redeem(void *self, uint32_t handle, uint64_t ticket, struct gyr_value *ret)
{
    struct fake *f = self;
    struct slot *s = &f->slots[ticket];
    int ready;

    (void)handle;
    pthread_mutex_lock(&f->lock);
    ready = s->state == SLOT_READY;
    pthread_mutex_unlock(&f->lock);
    if (!ready) {
        *ret = gyr_num(GYR_T_U64, ticket);
        return GYR_PENDING;
    }
    if (f->cfg->answer == ANSWER_ABSENT)
        return GYR_ABSENT;
    (void)snprintf(s->text, sizeof(s->text), "late %lu", (unsigned long)s->num);
    *ret = gyr_str(s->text, strlen(s->text));
    return GYR_PRESENT;
}

static void release(void *self, uint32_t handle, uint64_t ticket)
{
    struct fake *f = self;

    (void)handle;
    pthread_mutex_lock(&f->lock);
    f->slots[ticket].state = SLOT_FREE;
    pthread_mutex_unlock(&f->lock);
    (void)f->host->metric_add(f->host->ctx, "released", 1);
}

static const struct gyr_field fields[] = {
    [F_LATE] = {.name = "fake.late", .help = "A text that takes its time.", .type = GYR_T_STR},
    [F_NOW] = {.name = "fake.now", .help = "How many events were seen.", .type = GYR_T_U64},
    [F_OPENS] = {.name = "fake.opens", .help = "How many of them were opens.", .type = GYR_T_U64},
    [F_ECHO] = {.name = "fake.echo",
                .help = "Its own argument.",
                .type = GYR_T_STR,
                .flags = GYR_FF_KEY | GYR_FF_ARG_REQ},
    /* not in the source's catalogue: added by this plugin */
    [F_LIST] = {.name = "fake.list",
                .help = "Two words; absent for opens.",
                .type = GYR_T_STR,
                .flags = GYR_FF_LIST},
};

static const char *const answers[] = {"present", "absent", "never", NULL};
static const struct gyr_option options[] = {
    {GYR_OPT(struct config, delay, GYR_O_DURATION, "delay", "20ms",
             "How long fake.late takes to be known.")},
    {GYR_OPT(struct config, answer, GYR_O_ENUM, "answer", "present", "What fake.late then is."),
     .choices = answers},
};

static const struct gyr_enricher_ops enricher = {
    .size = sizeof(enricher),
    .schema = "fake",
    .events = events,
    .fields = fields,
    .n_fields = sizeof(fields) / sizeof(fields[0]),
    .field_stride = sizeof(fields[0]),
    .on_event = on_event,
    .bind = bind,
    .unbind = unbind,
    .get = get,
    .redeem = redeem,
    .release = release,
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "abi10_enricher",
    .version = "1.0",
    .license = "Apache-2.0",
    .summary = "fields for made-up events",
    .enricher = &enricher,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct config),
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
};

GYR_EXPORT_PLUGIN(plugin)
