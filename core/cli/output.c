/* SPDX-License-Identifier: Apache-2.0 */
/* gyr output test: does an alert get through, and what does the far side say? */
#include "alert/alert.h"
#include "alert/delivery.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/sentence.h"
#include "base/suggest.h"
#include "base/text.h"
#include "cli/catalogue.h"
#include "cli/cli.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

enum { OPT_CONFIG, OPT_DIR };
enum { DIRS_MAX = 64, ACK_MS = 30000, FLUSH_MS = 10000 };

static const struct cli_opt opts[] = {
    [OPT_CONFIG] = {"config", 'c', "FILE",
                    "configuration (default: /etc/gyr/gyr.yaml, else built in)"},
    [OPT_DIR] = {"plugin-dir", 0, "DIR", "look for plugins here first"},
};

const struct cli_command output_command = {
    .name = "output",
    .usage = "test [OPTION…] NAME",
    .summary = "send a test alert through an output",
    .about =
        "Send one alert of the rule 'Gyr: test of an output' through the output NAME of the\n"
        "configuration, past its filters, queue and spool, and tell what the far side answers.\n"
        "'gyr list outputs' tells the names.\n"
        "\n"
        "Exit code: 0 the output has the alert; 1 it does not; 2 wrong usage.",
    .opts = opts,
    .n_opts = ARRAY_LEN(opts),
    .run = cmd_output,
};

/* The answer to GYR_V_LATER, from whatever thread it comes. */
struct answer {
    pthread_mutex_t lock;
    int fd;
    struct gyr_verdict v;
};

static void on_ack(void *ctx, uint64_t token, uint32_t verdict, uint64_t retry_after_ns)
{
    struct answer *a = ctx;
    uint64_t one = 1;

    if (token != 1)
        return;
    (void)pthread_mutex_lock(&a->lock);
    a->v = (struct gyr_verdict){.verdict = verdict, .retry_after_ns = retry_after_ns};
    (void)pthread_mutex_unlock(&a->lock);
    (void)!write(a->fd, &one, sizeof(one));
}

static int make_alert(const char *host, const char *name, struct alert **ret)
{
    static struct rule_output outputs[] = {{.name = "gyr.output"}};
    static struct template_part parts[] = {{.lit = "This is a test of the output ", .len = 29},
                                           {.field = 0}};
    static const char *tags[] = {"gyr", "test"};
    const struct gyr_value value = gyr_str(name, (uint32_t)strlen(name));
    struct rule rule = {.name = "Gyr: test of an output",
                        .priority = GYR_PRIO_NOTICE,
                        .source = "gyr",
                        .tags = tags,
                        .n_tags = ARRAY_LEN(tags),
                        .output = {parts, ARRAY_LEN(parts)},
                        .outputs = outputs,
                        .n_outputs = ARRAY_LEN(outputs)};
    struct match m = {.rule = &rule, .values = &value, .tid = -1};
    struct alert_maker maker;
    struct timespec now;
    int r;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    m.ts_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    alert_maker_init(&maker, host);
    r = alert_make(&maker, &m, ret);
    alert_maker_free(&maker);
    return r;
}

static int tell(const char *name, const struct gyr_verdict *v, const char *why, uint64_t took_ns)
{
    static const char *const words[] = {[GYR_V_ACCEPTED] = "has taken the alert",
                                        [GYR_V_RETRY] = "does not take it now; it would be offered "
                                                        "again",
                                        [GYR_V_FAILED] = "refuses it for good",
                                        [GYR_V_LATER] = "has not answered in time"};
    struct buf b;

    buf_init(&b, 4096);
    buf_addf(&b, "output '%s' %s", name, words[v->verdict]);
    if (v->verdict == GYR_V_RETRY && v->retry_after_ns) {
        buf_adds(&b, ", not before ");
        buf_add_duration(&b, v->retry_after_ns);
    }
    if (*why) {
        buf_adds(&b, ": ");
        text_add_safe(&b, why, strlen(why)); /* the far side may have a word in it */
    }
    buf_adds(&b, " (after ");
    buf_add_duration(&b, took_ns / 1000 * 1000);
    buf_addc(&b, ')');
    printf("%s\n", b.p);
    buf_free(&b);
    return v->verdict == GYR_V_ACCEPTED ? CLI_FINE : CLI_FAILED;
}

static int send_one(const struct instance *inst, const char *name, const struct alert *a,
                    struct answer *answer)
{
    const struct gyr_output_ops *ops = &inst->plugin->output;
    struct gyr_alert view = a->a;
    const struct gyr_alert *alerts[] = {&view};
    struct gyr_verdict v = {.verdict = GYR_V_RETRY};
    struct pollfd fd = {.fd = answer->fd, .events = POLLIN};
    struct gyr_error err = {0}, late = {0};
    uint64_t began = clock_ns();

    view.token = 1;
    view.attempt = 1;
    printf("sending alert %s\n", view.uuid);
    (void)fflush(stdout);
    if (ops->write(inst->self, alerts, 1, &v, &err) < 0 && v.verdict != GYR_V_ACCEPTED &&
        v.verdict != GYR_V_FAILED)
        v.verdict = GYR_V_RETRY;
    if (v.verdict > GYR_V_LATER)
        v.verdict = GYR_V_RETRY;
    if (ops->flush && ops->flush(inst->self, FLUSH_MS, &late) < 0 && !*err.msg)
        err = late;
    if (v.verdict == GYR_V_LATER && poll(&fd, 1, ACK_MS) > 0) {
        (void)pthread_mutex_lock(&answer->lock);
        v = answer->v;
        (void)pthread_mutex_unlock(&answer->lock);
        if (v.verdict > GYR_V_FAILED)
            v.verdict = GYR_V_LATER;
    }
    sentence_end(&err);
    return tell(name, &v, err.msg, clock_ns() - began);
}

static int test_instance(struct catalogue *c, uint32_t i, const char *host)
{
    const struct plugin_conf *o = &c->config->outputs[i];
    struct answer answer = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = eventfd(0, EFD_CLOEXEC)};
    struct instance_conf ic = {.plugin = c->outputs[i],
                               .capability = GYR_CAP_OUTPUT,
                               .name = o->name,
                               .options = o->options,
                               .loc = o->loc,
                               .schemas = &c->schemas,
                               .host_root = "",
                               .hooks = {.ctx = &answer, .ack = on_ack}};
    struct instance *inst = NULL;
    struct alert *a = NULL;
    struct gyr_error err = {0};
    int r = CLI_FAILED;

    if (answer.fd < 0 || make_alert(host, o->name, &a) < 0) {
        (void)cli_fail(&output_command, "no memory");
    } else if (instance_new(&ic, &c->diags, &inst) < 0) {
        cli_print_diags(&c->diags);
    } else if (instance_start(inst, &err) < 0) {
        (void)cli_fail(&output_command, "output '%s': %s", o->name, err.msg);
    } else {
        r = send_one(inst, o->name, a, &answer);
    }
    instance_free(inst);
    alert_unref(a);
    if (answer.fd >= 0)
        (void)close(answer.fd);
    return r;
}

static int test_output(struct catalogue *c, const char *name)
{
    char host[256] = "localhost";
    struct suggest s;
    const char *best;

    (void)gethostname(host, sizeof(host) - 1);
    suggest_init(&s, name, strlen(name));
    for (uint32_t i = 0; i < c->config->n_outputs; i++) {
        suggest_offer(&s, c->config->outputs[i].name);
        if (strcmp(c->config->outputs[i].name, name) != 0)
            continue;
        if (c->outputs[i])
            return test_instance(c, i, c->config->hostname ? c->config->hostname : host);
        cli_print_diags(&c->diags);
        return CLI_FAILED;
    }
    best = suggest_best(&s);
    return cli_fail(&output_command, "the configuration has no output '%s'%s%s%s", name,
                    best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
}

int cmd_output(int argc, char **argv)
{
    const char *dirs[DIRS_MAX];
    struct catalogue_conf conf = {.dirs = dirs};
    struct catalogue c;
    struct cli_parser p;
    int o, r;

    cli_begin(&p, &output_command, argc, argv);
    while ((o = cli_next(&p)) >= 0) {
        if (o == OPT_CONFIG)
            conf.config = p.value;
        else if (conf.n_dirs == DIRS_MAX)
            return cli_usage(&output_command, "more than %d plugin folders", DIRS_MAX);
        else
            dirs[conf.n_dirs++] = p.value;
    }
    if (o == CLI_STOP)
        return p.exit_code;
    if (p.n_args != 2 || strcmp(p.args[0], "test") != 0)
        return cli_usage(&output_command, "say 'test' and the name of one output");
    r = catalogue_load(&conf, &c);
    if (r == -ENOMEM || !c.config) {
        cli_print_diags(&c.diags);
        r = CLI_FAILED;
    } else {
        r = test_output(&c, p.args[1]);
    }
    catalogue_free(&c);
    return r;
}
