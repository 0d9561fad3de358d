/* SPDX-License-Identifier: Apache-2.0 */
/* An output offered alerts: does each get its verdict? */
#include "conform/conform_priv.h"

#include "base/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

enum { OFFERS = 3, ALERTS = 8, ACK_TRIES = 500, FLUSH_MS = 2000 };

/* What host->ack() told. */
struct answers {
    pthread_mutex_t lock;
    uint32_t verdict[OFFERS * ALERTS + 1]; /* by token; GYR_V_LATER: none yet */
    uint32_t strange;
};

static void hook_ack(void *ctx, uint64_t token, uint32_t verdict, uint64_t retry_after_ns)
{
    struct answers *a = ctx;

    (void)retry_after_ns;
    (void)pthread_mutex_lock(&a->lock);
    if (token == 0 || token >= ARRAY_LEN(a->verdict) || verdict >= GYR_V_LATER ||
        a->verdict[token] != GYR_V_LATER)
        a->strange++;
    else
        a->verdict[token] = verdict;
    (void)pthread_mutex_unlock(&a->lock);
}

static struct gyr_alert make_alert(uint64_t token)
{
    static char uuid[OFFERS * ALERTS + 1][40], json[OFFERS * ALERTS + 1][200];
    static const char *const tags[] = {"gyr", "conform"};
    static const struct gyr_alert_field fields[] = {
        {"proc.name", {GYR_T_STR, 3, {.ptr = "cat"}}, "cat"},
        {"fd.name", {0}, "<NA>"},
        {"proc.pid", {GYR_T_I64, 0, {.i64 = 42}}, "42"}};
    struct gyr_alert a = {.size = sizeof(a),
                          .priority = (uint32_t)(token % 8),
                          .token = token,
                          .ts_ns = UINT64_C(1700000000000000000) + token,
                          .num = token,
                          .tid = token % 2 ? 42 : -1,
                          .uuid = uuid[token],
                          .rule = "Gyr: check of an output",
                          .source = "conform",
                          .hostname = "localhost",
                          .text = "this is a check of an output, \xe2\x82\xac \" \\ 'included'",
                          .json = json[token],
                          .attempt = 1};

    (void)snprintf(uuid[token], sizeof(uuid[token]), "00000000-0000-5000-8000-%012" PRIx64, token);
    (void)snprintf(json[token], sizeof(json[token]),
                   "{\"uuid\":\"%s\",\"priority\":\"Notice\",\"rule\":\"Gyr: check of an output\","
                   "\"output\":\"this is a check of an output\"}",
                   uuid[token]);
    a.text_len = (uint32_t)strlen(a.text);
    a.json_len = (uint32_t)strlen(a.json);
    if (token % 3) {
        a.tags = tags;
        a.n_tags = ARRAY_LEN(tags);
        a.fields = fields;
        a.n_fields = ARRAY_LEN(fields);
    }
    return a;
}

struct count {
    uint32_t of[GYR_V_LATER + 1];
    char why[300];
};

/* @return NULL; or what is wrong with the answers. */
static const char *offer(const struct instance *inst, uint64_t first, uint32_t n,
                         struct answers *answers, struct count *count)
{
    static struct gyr_alert alerts[OFFERS * ALERTS + 1]; /* lent until the verdict is known */
    const struct gyr_alert *list[ALERTS];
    struct gyr_verdict v[ALERTS];
    struct gyr_error err = {0};
    const char *flaw;
    int r;

    for (uint32_t i = 0; i < n; i++) {
        alerts[first + i] = make_alert(first + i);
        list[i] = &alerts[first + i];
        v[i] = (struct gyr_verdict){.verdict = GYR_V_RETRY};
    }
    (void)trial_calls("write()");
    r = inst->plugin->output.write(inst->self, list, n, v, &err);
    (void)trial_calls("");
    flaw = r < 0 ? trial_error_flaw(r, &err) : NULL;
    if (flaw)
        return flaw;
    if (err.msg[0])
        (void)snprintf(count->why, sizeof(count->why), "%.290s", err.msg);
    (void)pthread_mutex_lock(&answers->lock);
    for (uint32_t i = 0; i < n && !flaw; i++) {
        if (v[i].verdict > GYR_V_LATER)
            flaw = "a verdict is none of GYR_V_*";
        else if (v[i].verdict != GYR_V_LATER)
            count->of[v[i].verdict]++;
    }
    (void)pthread_mutex_unlock(&answers->lock);
    return flaw;
}

/* Those that are to be told later, and are. */
static uint32_t collect(struct answers *a, struct count *count, uint32_t n)
{
    const struct timespec nap = {.tv_nsec = 20000000};
    uint32_t open =
        n - count->of[GYR_V_ACCEPTED] - count->of[GYR_V_RETRY] - count->of[GYR_V_FAILED];
    uint32_t told = 0;

    for (int i = 0; i < ACK_TRIES && told < open; i++) {
        told = 0;
        (void)pthread_mutex_lock(&a->lock);
        for (size_t k = 1; k < ARRAY_LEN(a->verdict); k++)
            told += a->verdict[k] != GYR_V_LATER;
        (void)pthread_mutex_unlock(&a->lock);
        if (told < open)
            (void)nanosleep(&nap, NULL);
    }
    (void)pthread_mutex_lock(&a->lock);
    for (size_t k = 1; k < ARRAY_LEN(a->verdict); k++)
        if (a->verdict[k] != GYR_V_LATER)
            count->of[a->verdict[k]]++;
    (void)pthread_mutex_unlock(&a->lock);
    return open - (told < open ? told : open);
}

static void check_write(const struct instance *inst, struct answers *a)
{
    struct count count = {0};
    const char *flaw = NULL;
    uint32_t n = 0, silent;

    for (uint32_t i = 0; i < OFFERS && !flaw; i++) {
        uint32_t many = i == 0 ? 1 : ALERTS;

        flaw = offer(inst, n + 1, many, a, &count);
        n += many;
    }
    if (flaw) {
        trial_tell(CONFORM_FAIL, "write() and its verdicts: %s", flaw);
        return;
    }
    silent = collect(a, &count, n);
    if (silent)
        trial_tell(CONFORM_FAIL, "%u of %u alerts were to be answered later and never were", silent,
                   n);
    else if (a->strange)
        trial_tell(CONFORM_FAIL, "host->ack() was told %u times what makes no sense", a->strange);
    else
        trial_tell(CONFORM_OK, "%u alerts: %u accepted, %u to be offered again, %u refused%s%s", n,
                   count.of[GYR_V_ACCEPTED], count.of[GYR_V_RETRY], count.of[GYR_V_FAILED],
                   *count.why ? "; it says: " : "", count.why);
}

static void check_call(const char *name, int r, const struct gyr_error *err)
{
    const char *flaw = r < 0 ? trial_error_flaw(r, err) : NULL;

    trial_begin(name);
    if (flaw)
        trial_tell(CONFORM_FAIL, "failed with %d, and %s", r, flaw);
    else if (r < 0)
        trial_tell(CONFORM_OK, "failed, and said why: %.300s", err->msg);
    else
        trial_tell(CONFORM_OK, "came back");
}

void group_output(struct trial *t)
{
    static struct answers answers = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct host_hooks hooks = {.ctx = &answers, .ack = hook_ack};
    const struct gyr_output_ops *ops = &t->plugin->output;
    struct gyr_error err = {0};
    struct instance *inst = NULL;
    int r;

    if (!trial_has(t, GYR_CAP_OUTPUT))
        return;
    for (size_t i = 0; i < ARRAY_LEN(answers.verdict); i++)
        answers.verdict[i] = GYR_V_LATER;
    trial_begin("write");
    r = trial_start(t, GYR_CAP_OUTPUT, &hooks, &inst, &err);
    if (r < 0) {
        trial_tell_refused(r, &err);
        return;
    }
    check_write(inst, &answers);
    if (ops->reopen) {
        struct gyr_error why = {0};

        trial_begin("reopen");
        (void)trial_calls("reopen()");
        check_call("reopen", ops->reopen(inst->self, &why), &why);
    }
    if (ops->flush) {
        struct gyr_error why = {0};

        trial_begin("flush");
        (void)trial_calls("flush()");
        check_call("flush", ops->flush(inst->self, FLUSH_MS, &why), &why);
    }
    if (ops->wake) {
        trial_begin("wake output");
        (void)trial_calls("wake()");
        ops->wake(inst->self);
        trial_tell(CONFORM_OK, "came back");
    }
    trial_begin("stop output");
    (void)trial_calls("stop() or destroy()");
    instance_free(inst);
    trial_tell(CONFORM_OK, "came back");
}
