/* SPDX-License-Identifier: Apache-2.0 */
/* gyr test: do rules fire when they should, and only then? */
#include "base/cleanup.h"
#include "base/log.h"
#include "base/num.h"
#include "cli/cli.h"
#include "engine/glob.h"
#include "test/compare.h"
#include "test/fields.h"
#include "test/report.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum {
    OPT_CONFIG,
    OPT_RULES,
    OPT_DIR,
    OPT_ONLY,
    OPT_COVERAGE,
    OPT_MIN,
    OPT_JUNIT,
    OPT_TAP,
    OPT_QUIET
};
enum { LIST_MAX = 256, WHY_TEXT_MAX = 4 << 20, COVERAGE_MAX = 64 << 20, MEM_MAX = 1 << 30 };

static const struct cli_opt opts[] = {
    [OPT_CONFIG] = {"config", 'c', "FILE",
                    "configuration (default: /etc/gyr/gyr.yaml, else built in)"},
    [OPT_RULES] =
        {"rules", 'r', "PATH",
         "rules of tests that name none: a file or folder, instead of the configuration's"},
    [OPT_DIR] = {"plugin-dir", 0, "DIR", "look for plugins here first"},
    [OPT_ONLY] = {"only", 'k', "PATTERN",
                  "only tests whose name holds this, or fits it with * and ?"},
    [OPT_COVERAGE] = {"coverage", 0, NULL, "tell which clauses of which rules no test made true"},
    [OPT_MIN] = {"coverage-min", 0, "PERCENT", "fail below so much of it"},
    [OPT_JUNIT] = {"junit", 0, "FILE", "write the results as JUnit's XML, too"},
    [OPT_TAP] = {"tap", 0, NULL, "print the results as TAP"},
    [OPT_QUIET] = {"quiet", 'q', NULL, "print failed tests only"},
};

const struct cli_command test_command = {
    .name = "test",
    .usage = "[OPTION…] FILE|FOLDER…",
    .summary = "run unit tests of rules, without privileges and kernel",
    .about =
        "Run the tests in FILEs, and in the *.yaml and *.yml of FOLDERs: each gives a few "
        "processes,\n"
        "says in words what they do (exec, open, connect, …; or names a capture), and which "
        "alerts\n"
        "that must raise, or must not. Each test begins from nothing. docs/testing-rules.md has "
        "the\n"
        "words.\n"
        "\n"
        "Of a rule that did not fire, the event that came nearest is told, and the parts of the\n"
        "condition that stood in its way.\n"
        "\n"
        "Exit code: 0 all tests passed; 1 one failed, a file is wrong, or --coverage-min is not\n"
        "reached; 2 wrong usage.",
    .opts = opts,
    .n_opts = ARRAY_LEN(opts),
    .run = cmd_test,
};

struct options {
    const char *config, *only, *junit;
    const char *rules[LIST_MAX], *dirs[LIST_MAX];
    uint32_t n_rules, n_dirs;
    double min; /* < 0: not asked */
    bool coverage, tap, quiet;
};

struct testing {
    const struct options *o;
    struct arena *arena;
    struct diags diags;
    struct config *config;
    struct plugins plugins;
    struct coverage *coverage;
    struct runner *runner;
    struct report report;
    struct testfile *files;
    uint32_t n_files;
    bool wrong; /* a file could not be read, or rules could not be loaded */
};

/* ---- the command line ---- */

static int add(const char **list, uint32_t *n, const char *s)
{
    if (*n == LIST_MAX)
        return cli_usage(&test_command, "more than %d of one option", LIST_MAX);
    list[(*n)++] = s;
    return 0;
}

static int read_option(struct options *o, const struct cli_parser *p, int opt)
{
    switch (opt) {
    case OPT_CONFIG:
        o->config = p->value;
        break;
    case OPT_RULES:
        return add(o->rules, &o->n_rules, p->value);
    case OPT_DIR:
        return add(o->dirs, &o->n_dirs, p->value);
    case OPT_ONLY:
        o->only = p->value;
        break;
    case OPT_COVERAGE:
        o->coverage = true;
        break;
    case OPT_MIN:
        if (parse_double(p->value, strlen(p->value), &o->min) < 0 || o->min < 0 || o->min > 100)
            return cli_usage(&test_command, "--coverage-min is a number from 0 to 100, not '%s'",
                             p->value);
        o->coverage = true;
        break;
    case OPT_JUNIT:
        o->junit = p->value;
        break;
    case OPT_TAP:
        o->tap = true;
        break;
    default:
        o->quiet = true;
    }
    return 0;
}

/* ---- one test ---- */

static uint64_t now_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static bool is_wanted(const struct options *o, const struct test *t)
{
    const char *k = o->only;

    if (!k)
        return true;
    if (strpbrk(k, "*?["))
        return glob_match(k, strlen(k), t->name, strlen(t->name), true);
    return strcasestr(t->name, k) != NULL;
}

/* What is wrong with the test itself, as text among the results. */
static void add_diags(struct buf *b, const struct diags *d)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    if (!f)
        return;
    diags_print(d, f, false);
    (void)fclose(f);
    buf_add(b, text, len);
    free(text);
}

/* Once more with its eyes open, to say why. */
static void explain(struct testing *s, const struct test *t, struct buf *why)
{
    struct test_result r;
    struct diags d;

    diags_init(&d, s->arena);
    if (runner_run(s->runner, t, true, &d, &r) == 0)
        (void)compare_test(t, &r, why);
    test_result_release(&r);
}

static void tell(struct testing *s, const struct test *t, const char *path, const char *why,
                 uint64_t began)
{
    report_test(&s->report, path, t->loc.line, t->name, why, now_ns() - began);
}

/* @return negative: there is no use in going on. */
static int run_one(struct testing *s, const struct test *t, const char *path)
{
    uint64_t began = now_ns();
    struct arena *mem = arena_new(MEM_MAX);
    struct test_result r = {0};
    struct diags d;
    struct buf why, again;
    int k;

    if (!mem)
        return cli_fail(&test_command, "out of memory"), -ENOMEM;
    diags_init(&d, mem);
    d.silenced =
        (uint64_t)1 << DIAG_SELECTS_NOTHING; /* fields that other tests' rules shall show */
    buf_init(&why, WHY_TEXT_MAX);
    buf_init(&again, WHY_TEXT_MAX);
    k = runner_run(s->runner, t, false, &d, &r);
    if (k == -ENOEXEC || k == -ENOMEM) {
        cli_print_diags(&d);
        if (k == -ENOMEM)
            (void)cli_fail(&test_command, "out of memory");
        else
            (void)cli_fail(&test_command, "the rules of test '%s' (%s:%u) cannot be loaded",
                           t->name, path, t->loc.line);
    } else if (k < 0) {
        add_diags(&why, &d);
        tell(s, t, path, why.len ? why.p : "it could not be run", began);
        k = 0;
    } else if (compare_test(t, &r, &why)) {
        explain(s, t, &again);
        tell(s, t, path, again.len ? again.p : why.p, began);
    } else {
        tell(s, t, path, NULL, began);
    }
    test_result_release(&r);
    buf_free(&again);
    buf_free(&why);
    arena_free(mem);
    return k;
}

/* @param n as many as there are paths; folders make more of them. */
static int load_files(struct testing *s, char **paths, uint32_t n)
{
    struct gyr_error err;
    const char **names;

    for (uint32_t i = 0; i < n; i++) {
        int k = yaml_files(paths[i], s->arena, &names, &err);
        struct testfile *all =
            k < 0 ? NULL : arena_array(s->arena, s->n_files + (uint32_t)k + 1, sizeof(*all));

        if (k < 0 && k != -ENOMEM) {
            diag_error(&s->diags, ((struct loc){NULL, 0, 0}), "%s", err.msg);
            s->wrong = true;
            continue;
        }
        if (!all)
            return -ENOMEM;
        if (s->n_files)
            memcpy(all, s->files, s->n_files * sizeof(*all));
        s->files = all;
        for (int f = 0; f < k; f++) {
            int r = testfile_load(names[f], s->arena, &s->diags, &s->files[s->n_files++]);

            if (r == -ENOMEM)
                return r;
            s->wrong |= r < 0;
        }
    }
    return 0;
}

static int run_file(struct testing *s, const struct testfile *f)
{
    int r = 0;

    for (uint32_t i = 0; i < f->n && r == 0; i++)
        if (is_wanted(s->o, &f->tests[i]))
            r = run_one(s, &f->tests[i], f->path);
    return r;
}

/* ---- the whole ---- */

/* A recorder that the configuration runs has nothing to record here. */
static void leave_out_recorders(struct config *c)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < c->n_enrichers; i++)
        if (strcmp(c->enrichers[i].plugin, "record") != 0)
            c->enrichers[n++] = c->enrichers[i];
    c->n_enrichers = n;
}

static int prepare(struct testing *s, const struct testfile *files, uint32_t n_files)
{
    struct config *c;
    const char **dirs;
    uint32_t n = 0;

    if (config_load(s->o->config, s->arena, &s->diags, &s->config) < 0)
        return -EINVAL;
    c = s->config;
    log_set_level(LOG_L_ERROR);
    leave_out_recorders(c);
    dirs = arena_array(s->arena, s->o->n_dirs + c->n_plugin_dirs + 1u, sizeof(*dirs));
    if (!dirs)
        return -ENOMEM;
    for (uint32_t i = 0; i < s->o->n_dirs; i++)
        dirs[n++] = s->o->dirs[i];
    for (uint32_t i = 0; i < c->n_plugin_dirs; i++)
        dirs[n++] = c->plugin_dirs[i];
    s->plugins.dirs = dirs;
    s->plugins.n_dirs = n;
    if (s->o->n_rules) {
        c->rule_files = (const char **)s->o->rules;
        c->n_rule_files = s->o->n_rules;
    }
    if (fields_collect(files, n_files, &c->adjust, s->arena, &c->adjust) < 0)
        return -ENOMEM;
    if (s->o->coverage && !(s->coverage = coverage_new()))
        return -ENOMEM;
    return runner_new(&(struct runner_conf){c, &s->plugins, s->coverage}, &s->runner);
}

/* @return whether it is enough. */
static bool tell_coverage(struct testing *s)
{
    struct coverage_count n;
    struct buf b;
    double percent;

    if (!s->coverage)
        return true;
    buf_init(&b, COVERAGE_MAX);
    n = coverage_report(s->coverage, &b);
    percent = coverage_percent(n);
    if (s->o->tap) { /* which knows comments */
        for (const char *p = b.p; *p; p += strcspn(p, "\n") + 1)
            printf("# %.*s\n", (int)strcspn(p, "\n"), p);
    } else {
        printf("\n%s", b.p);
    }
    buf_free(&b);
    if (s->o->min < 0 || percent >= s->o->min)
        return true;
    (void)cli_fail(&test_command, "coverage is %.1f %%, and has to be %g %%", percent, s->o->min);
    return false;
}

static int run(struct testing *s, char **paths, uint32_t n)
{
    int r = load_files(s, paths, n);
    bool enough;

    if (r == 0 && !s->wrong)
        r = prepare(s, s->files, s->n_files);
    report_begin(&s->report, stdout, s->o->tap ? REPORT_TAP : REPORT_LINES, s->o->junit,
                 !s->o->tap && cli_color(stdout), s->o->quiet);
    for (uint32_t i = 0; i < s->n_files && r == 0 && !s->wrong; i++)
        r = run_file(s, &s->files[i]);
    cli_print_diags(&s->diags);
    if (r == 0 && s->report.passed + s->report.failed == 0 && !s->wrong)
        r = (cli_fail(&test_command, "there is no test%s%s%s", s->o->only ? " like '" : "",
                      s->o->only ? s->o->only : "", s->o->only ? "'" : ""),
             -ENOENT);
    if (r == 0 && !s->wrong)
        report_end(&s->report);
    if (r == -ENOMEM)
        (void)cli_fail(&test_command, "out of memory");
    enough = r < 0 || s->wrong || tell_coverage(s);
    if (s->o->junit && (r = r < 0 ? r : report_write_junit(&s->report, s->o->junit)) < 0)
        (void)cli_fail(&test_command, "cannot write '%s': %s", s->o->junit, strerror(-r));
    for (uint32_t i = 0; i < s->n_files; i++)
        testfile_release(&s->files[i]);
    return r < 0 || s->wrong || s->report.failed || !enough ? CLI_FAILED : CLI_FINE;
}

int cmd_test(int argc, char **argv)
{
    static struct options o;
    struct testing s = {.o = &o};
    struct cli_parser p;
    int opt, r;

    o = (struct options){.min = -1};
    cli_begin(&p, &test_command, argc, argv);
    while ((opt = cli_next(&p)) >= 0) {
        r = read_option(&o, &p, opt);
        if (r)
            return r;
    }
    if (opt == CLI_STOP)
        return p.exit_code;
    if (p.n_args == 0)
        return cli_usage(&test_command, "no file of tests was named");
    s.arena = arena_new(MEM_MAX);
    if (!s.arena)
        return cli_fail(&test_command, "out of memory");
    diags_init(&s.diags, s.arena);
    r = run(&s, p.args, (uint32_t)p.n_args);
    runner_free(s.runner);
    plugins_free(&s.plugins);
    coverage_free(s.coverage);
    report_free(&s.report);
    config_release(s.config);
    arena_free(s.arena);
    return r;
}
