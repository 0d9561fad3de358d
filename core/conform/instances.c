/* SPDX-License-Identifier: Apache-2.0 */
/* Instances of the plugin, as often as they are wanted; and what they leave behind. */
#include "conform/conform_priv.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <string.h>
#include <time.h>

enum { SETTLE_TRIES = 100, CREATE_ROUNDS = 1000, CREATE_S = 20, START_ROUNDS = 20, START_S = 5 };
static const struct timespec SETTLE_NAP = {.tv_nsec = 10000000};

/* ---- what could grow ---- */

static uint32_t count_entries(const char *path)
{
    DIR *d = opendir(path);
    uint32_t n = 0;

    if (!d)
        return 0;
    while (readdir(d))
        n++;
    (void)closedir(d);
    return n;
}

static uint64_t heap_in_use(void)
{
    struct mallinfo2 m = mallinfo2();

    return (uint64_t)m.uordblks + m.hblkhd;
}

void holdings_take(struct holdings *h)
{
    uint64_t before = heap_in_use();
    void *volatile probe = malloc(8 << 20);

    h->heap_known = probe && heap_in_use() >= before + (8u << 20);
    free(probe);
    h->fds = count_entries("/proc/self/fd");
    h->threads = count_entries("/proc/self/task");
    h->heap = heap_in_use();
}

int holdings_compare(const struct holdings *before, uint32_t rounds, uint64_t slack,
                     struct gyr_error *err)
{
    struct holdings now;

    holdings_take(&now);
    for (int i = 0; i < SETTLE_TRIES && now.threads > before->threads; i++) {
        (void)nanosleep(&SETTLE_NAP, NULL);
        holdings_take(&now);
    }
    if (now.threads > before->threads)
        return gyr_fail(err, -EBUSY, "leaves threads: %u more after %u times",
                        now.threads - before->threads, rounds);
    if (now.fds > before->fds)
        return gyr_fail(err, -EBUSY, "leaves descriptors open: %u more after %u times",
                        now.fds - before->fds, rounds);
    if (before->heap_known && now.heap > before->heap && now.heap - before->heap > slack)
        return gyr_fail(err, -EBUSY, "leaks memory: %" PRIu64 " bytes after %u times",
                        now.heap - before->heap, rounds);
    return 0;
}

/* ---- instances ---- */

const char *capability_word(uint32_t capability)
{
    static const char *const words[] = {
        [GYR_CAP_SOURCE] = "source", [GYR_CAP_ENRICHER] = "enricher", [GYR_CAP_OUTPUT] = "output"};

    return words[capability];
}

bool trial_has(const struct trial *t, uint32_t capability)
{
    const struct gyr_plugin *d = &t->plugin->desc;

    return capability == GYR_CAP_SOURCE     ? d->source != NULL
           : capability == GYR_CAP_ENRICHER ? d->enricher != NULL
                                            : d->output != NULL;
}

const char *trial_error_flaw(int r, const struct gyr_error *err)
{
    if (r >= 0)
        return "the code is not negative";
    if (!memchr(err->msg, 0, sizeof(err->msg)))
        return "the sentence has no end";
    if (!err->msg[0])
        return "it does not say why: err is empty";
    if (strchr(err->msg, '\n'))
        return "the sentence has a line break";
    return NULL;
}

/* The names of options that must be given and are not. */
static int check_required(const struct trial *t, struct gyr_error *err)
{
    const struct plugin *p = t->plugin;
    struct buf b;
    int r = 0;

    buf_init(&b, 256);
    for (uint32_t i = 0; i < p->desc.n_options; i++)
        if ((p->options[i].flags & GYR_OF_REQUIRED) &&
            !ymap_get(t->conf->options, p->options[i].name))
            buf_addf(&b, " -o %s=…", p->options[i].name);
    if (b.len)
        r = gyr_fail(err, -ENOKEY, "it needs options:%s", b.p);
    buf_free(&b);
    return r;
}

/* Without options of the user it may not be possible to make one: no fault. */
static int fail_created(const struct trial *t, const struct diags *d, struct gyr_error *err)
{
    const char *text = d->first ? d->first->text : "it does not say why";

    if (strstr(text, "does not say why"))
        return gyr_fail(err, -EINVAL, "%s", text);
    if (t->conf->options)
        return gyr_fail(err, -EINVAL, "with the options given: %s", text);
    return gyr_fail(err, -ENOKEY, "it needs options (-o name=value): %s", text);
}

int trial_create(struct trial *t, uint32_t capability, const struct host_hooks *hooks,
                 struct instance **ret, struct gyr_error *err)
{
    static const struct host_hooks none;
    struct instance_conf conf = {.plugin = t->plugin,
                                 .capability = capability,
                                 .name = t->plugin->desc.name,
                                 .options = t->conf->options,
                                 .schemas = &t->schemas,
                                 .host_root = "",
                                 .is_live = t->plugin->source.flags & GYR_SRC_LIVE,
                                 .hooks = hooks ? *hooks : none};
    struct arena *arena;
    struct diags d;
    int r = check_required(t, err);

    if (r < 0)
        return r;
    arena = arena_new(1 << 20);
    if (!arena)
        return gyr_fail(err, -ENOMEM, "out of memory");
    diags_init(&d, arena);
    (void)trial_calls("create()");
    r = instance_new(&conf, &d, ret);
    (void)trial_calls("");
    if (r < 0)
        r = fail_created(t, &d, err);
    arena_free(arena);
    return r;
}

int trial_start(struct trial *t, uint32_t capability, const struct host_hooks *hooks,
                struct instance **ret, struct gyr_error *err)
{
    struct gyr_error why = {0};
    int r = trial_create(t, capability, hooks, ret, err);

    if (r < 0)
        return r;
    (void)trial_calls("start()");
    r = instance_start(*ret, &why);
    (void)trial_calls("");
    if (r == 0)
        return 0;
    instance_free(*ret);
    *ret = NULL;
    return gyr_fail(err, strstr(why.msg, "does not say why") ? -EINVAL : -EAGAIN,
                    "start() refuses here: %.400s", why.msg);
}

void trial_tell_refused(int r, const struct gyr_error *err)
{
    trial_tell(r == -ENOKEY || r == -EAGAIN ? CONFORM_SKIP : CONFORM_FAIL, "%s", err->msg);
}

static void end_instance(struct instance *i)
{
    (void)trial_calls(i->started ? "stop()" : "destroy()");
    instance_stop(i);
    (void)trial_calls("destroy()");
    instance_free(i);
    (void)trial_calls("");
}

/* ---- create and destroy, very often ---- */

static uint64_t seconds(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec;
}

/* @return how many rounds; negative after telling. */
static int create_often(struct trial *t, uint32_t cap, int rounds, bool *ret_threads)
{
    struct gyr_error err = {0};
    uint64_t end = seconds() + CREATE_S;
    struct holdings before, created;
    int i;

    for (i = 0; i < rounds && seconds() < end; i++) {
        struct instance *inst = NULL;
        int r;

        if (i == 0)
            holdings_take(&before);
        r = trial_create(t, cap, NULL, &inst, &err);
        if (r < 0) {
            trial_tell_refused(r, &err);
            return r;
        }
        if (i == 0) {
            holdings_take(&created);
            *ret_threads = created.threads > before.threads;
        }
        end_instance(inst);
    }
    return i;
}

static void check_create(struct trial *t, uint32_t cap)
{
    struct gyr_error err = {0};
    struct holdings before;
    bool threads = false;
    int n;

    n = create_often(t, cap, 50, &threads);
    if (n < 0)
        return;
    if (threads) {
        trial_tell(CONFORM_FAIL, "create() starts a thread, which is for start() to do");
        return;
    }
    holdings_take(&before);
    n = create_often(t, cap, CREATE_ROUNDS, &threads);
    if (n < 0)
        return;
    if (holdings_compare(&before, (uint32_t)n, 16384, &err) < 0)
        trial_tell(CONFORM_FAIL, "create() and destroy(): %s", err.msg);
    else
        trial_tell(CONFORM_OK, "%d times created and destroyed; nothing is left%s", n,
                   before.heap_known ? ""
                                     : " (memory was not looked at: another allocator is "
                                       "at work)");
}

void group_create(struct trial *t)
{
    for (uint32_t cap = GYR_CAP_SOURCE; cap <= GYR_CAP_OUTPUT; cap++) {
        char name[24];

        if (!trial_has(t, cap))
            continue;
        (void)snprintf(name, sizeof(name), "create %s", capability_word(cap));
        trial_begin(name);
        check_create(t, cap);
    }
}

/* ---- start and stop ---- */

/* @return 0; negative after telling. */
static int start_once(struct trial *t, uint32_t cap, bool again)
{
    struct gyr_error err = {0};
    struct instance *inst = NULL;
    int r = trial_start(t, cap, NULL, &inst, &err);

    if (r < 0) {
        trial_tell_refused(r, &err);
        return r;
    }
    if (again) { /* a source is started anew after a failure */
        (void)trial_calls("stop()");
        instance_stop(inst);
        (void)trial_calls("the second start()");
        r = instance_start(inst, &err);
        if (r < 0)
            trial_tell(CONFORM_FAIL, "works once, but not after stop(): %.400s", err.msg);
    }
    end_instance(inst);
    return r;
}

/* What it keeps for good at its first times (of a library, say), or takes some time to give back,
 * does not count: what leaks is found in every series. */
static void check_start(struct trial *t, uint32_t cap)
{
    enum { FIRST = 3, SERIES = 3 };
    struct gyr_error err = {0};
    struct holdings before;
    uint64_t end = seconds() + START_S;
    int total = 0, leaks = -1, n;

    for (; total < FIRST; total++)
        if (start_once(t, cap, total == 0) < 0)
            return;
    for (int i = 0; i < SERIES && leaks < 0; i++) {
        holdings_take(&before);
        for (n = 0; n < START_ROUNDS && (n < 2 || seconds() < end); n++, total++)
            if (start_once(t, cap, false) < 0)
                return;
        leaks = holdings_compare(&before, (uint32_t)n, (uint64_t)n * 512, &err);
    }
    if (leaks < 0)
        trial_tell(CONFORM_FAIL, "start() and stop(): %s", err.msg);
    else
        trial_tell(CONFORM_OK, "%d times started and stopped; nothing is left", total + 1);
}

void group_start(struct trial *t)
{
    for (uint32_t cap = GYR_CAP_SOURCE; cap <= GYR_CAP_OUTPUT; cap++) {
        char name[24];

        if (!trial_has(t, cap))
            continue;
        (void)snprintf(name, sizeof(name), "start %s", capability_word(cap));
        trial_begin(name);
        check_start(t, cap);
    }
}
