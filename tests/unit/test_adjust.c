/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration changes in rules: selection, and what is appended to their outputs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include "../lib/rules_load.h"
#include "engine/value.h"

#include <cmocka.h>

#define TAGGED(name, tags) RULE(name, "evt.num = 1") "  tags: [" tags "]\n"

static const char rules[] = TAGGED("Shell one", "shell, net") TAGGED("Shell two", "shell")
    TAGGED("Other [x]", "net") "  enabled: false\n" TAGGED("Other x", "") "  enabled: false\n";

/* ---- selection ---- */

/* Which are enabled, one letter each in order of definition. */
static void on(const struct loaded *l, char out[8])
{
    uint32_t n = 0;

    for (; l->rs && n < l->rs->n_rules; n++)
        out[n] = l->rs->rules[n]->enabled ? '+' : '-';
    out[n] = '\0';
}

static void selection(void **state)
{
    static const struct {
        const char *steps, *on, *told;
    } rows[] = {
        {"", "++--", ""},
        {"{disable: {rule: '*'}}", "----", ""},
        {"{enable: {rule: '*'}}", "++++", ""},
        /* in order: the later step wins */
        {"{disable: {rule: '*'}}, {enable: {rule: Shell two}}", "-+--", ""},
        {"{enable: {rule: Shell two}}, {disable: {rule: '*'}}", "----", ""},
        {"{disable: {tag: net}}", "-+--", ""},
        {"{enable: {tag: net}}, {disable: {tag: shell}}", "--+-", ""},
        /* both: either is enough */
        {"{disable: {rule: '*'}}, {enable: {rule: '*x', tag: shell}}", "++-+", ""},
        {"{disable: {rule: 'Shell*'}}", "----", ""},
        {"{disable: {rule: '*o*e*'}}", "-+--", ""},
        {"{disable: {rule: 'Shell t?o'}}", "+---", ""},
        /* what is the name of a rule is no pattern */
        {"{enable: {rule: 'Other [x]'}}", "+++-", ""},
        {"{enable: {rule: 'Other [xy]'}}", "++-+", ""},
        /* of the name all, case included */
        {"{disable: {rule: 'shell*'}}", "++--", "1:35: warning: no rule is named 'shell*'\n"},
        {"{disable: {rule: Shell}}", "++--", "1:35: warning: no rule is named 'Shell'\n"},
        {"{disable: {rule: Shell tow}}", "++--",
         "1:35: warning: no rule is named 'Shell tow'; did you mean 'Shell two'?\n"},
        {"{disable: {tag: shel}}", "++--",
         "1:34: warning: no rule has the tag 'shel'; did you mean 'shell'?\n"},
        /* tags are words, not patterns */
        {"{disable: {tag: '*'}}", "++--", "1:34: warning: no rule has the tag '*'\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char config[256], got[8];
        struct loaded l;

        (void)snprintf(config, sizeof(config), "rules: {select: [%s]}", rows[i].steps);
        load_under(&l, config, rules);
        on(&l, got);
        assert_int_equal(l.r, 0);
        if (strcmp(got, rows[i].on) != 0 || strcmp(l.told.p, rows[i].told) != 0)
            fail_msg("%s: %s, not %s\n%s", rows[i].steps, got, rows[i].on, l.told.p);
        loaded_free(&l);
    }
}

/* What is left out for another reason has a name all the same. */
static void selection_of_what_is_left_out(void **state)
{
    struct loaded l;

    (void)state;
    load_under(&l, "rules: {select: [{enable: {rule: Far}}, {enable: {rule: New}}]}",
               RULE("Far", "evt.num = 1") "  source: k8s_audit\n" RULE(
                   "New", "new.field = 1") "  skip-if-unknown-filter: true\n");
    assert_int_equal(l.r, 0);
    assert_int_equal(l.rs->n_rules, 0);
    assert_int_equal(l.d.n_warnings, 2);
    assert_non_null(strstr(l.told.p, "nobody provides source 'k8s_audit'"));
    assert_non_null(strstr(l.told.p, "rule 'New' is left out"));
    loaded_free(&l);
}

/* ---- appended outputs ---- */

#define OUTPUT(name, output, more)                                                                 \
    "- rule: " name "\n  desc: d\n  condition: evt.num = 1\n  output: '" output                    \
    "'\n  priority: info\n" more

/* Parts of the output; shown outputs, hidden ones in parentheses; texts as name=parts. */
static void outputs_of(const struct rule *r, struct buf *b)
{
    buf_reset(b);
    for (uint32_t i = 0; i <= r->n_texts; i++) {
        const struct template *t = i ? &r->texts[i - 1].text : &r->output;

        buf_addf(b, "%s%s", i ? "; " : "", i ? r->texts[i - 1].name : "");
        buf_adds(b, i ? "=" : "");
        for (uint32_t k = 0; k < t->n; k++)
            if (t->parts[k].lit)
                buf_add(b, t->parts[k].lit, t->parts[k].len);
            else
                buf_addf(b, "{%u}", t->parts[k].field);
    }
    buf_adds(b, " |");
    for (uint32_t k = 0; k < r->n_outputs; k++)
        buf_addf(b, r->outputs[k].hidden ? " (%s)" : " %s", r->outputs[k].name);
}

static void appended(void **state)
{
    static const struct {
        const char *entries, *want;
    } rows[] = {
        {"{extra_output: 'cpu=%evt.cpu'}", "Is {0} cpu={1} | proc.name evt.cpu"},
        {"{extra_output: \" a\\n\"}, {extra_output: b}", "Is {0} a b | proc.name"},
        {"{extra_output: '*%proc.name.'}", "Is {0} *{0}. | proc.name"},
        {"{extra_output: '%tolower(proc.pname) %10fd.name'}",
         "Is {0} {2} {3} | proc.name proc.pname tolower(proc.pname) fd.name"},
        {"{match: {rule: R}, extra_output: x}", "Is {0} x | proc.name"},
        {"{match: {rule: 'R*'}, extra_output: x}", "Is {0} x | proc.name"},
        {"{match: {rule: r}, extra_output: x}", "Is {0} | proc.name"},
        {"{match: {source: syscall}, extra_output: x}", "Is {0} x | proc.name"},
        {"{match: {source: cloud}, extra_output: x}", "Is {0} | proc.name"},
        {"{match: {tags: [b]}, extra_output: x}", "Is {0} x | proc.name"},
        {"{match: {tags: [b, a]}, extra_output: x}", "Is {0} x | proc.name"},
        {"{match: {tags: [b, c]}, extra_output: x}", "Is {0} | proc.name"},
        {"{match: {rule: R, tags: [c]}, extra_output: x}", "Is {0} | proc.name"},
        {"{match: {}, extra_output: x}", "Is {0} x | proc.name"},
        {"{extra_fields: [evt.num, 'proc.aname[2]', evt.arg.flags]}",
         "Is {0} | proc.name evt.num proc.aname[2] evt.arg.flags"},
        {"{extra_fields: [proc.name]}", "Is {0} | proc.name"},
        /* what only a text reads is no field of the alert */
        {"{extra_fields: [{who: '*by %user.name, %proc.name'}]}",
         "Is {0}; who=by {1}, {0} | proc.name (user.name)"},
        {"{extra_fields: [{who: '%user.name'}, user.name]}",
         "Is {0}; who={1} | proc.name user.name"},
        {"{extra_fields: [{home: /root}]}", "Is {0}; home=/root | proc.name"},
        {"{extra_fields: [{who: '%user.name'}], extra_output: '%user.uid %user.name'}",
         "Is {0} {1} {2}; who={2} | proc.name user.uid user.name"},
        /* of one name the later counts */
        {"{extra_fields: [{a: b}, {c: d}]}, {extra_fields: [{a: e}]}",
         "Is {0}; a=e; c=d | proc.name"},
        {"{extra_fields: [{user.name: x}]}, {extra_fields: [user.name]}",
         "Is {0} | proc.name user.name"},
        {"{extra_fields: [user.name]}, {extra_fields: [{user.name: x}]}",
         "Is {0}; user.name=x | proc.name (user.name)"},
        {"{extra_fields: [{proc.name: '<%proc.name>'}]}", "Is {0}; proc.name=<{0}> | (proc.name)"},
    };
    struct buf b;

    (void)state;
    buf_init(&b, 8192);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char config[256];
        struct loaded l;

        (void)snprintf(config, sizeof(config), "append_output: [%s]", rows[i].entries);
        load_under(&l, config, OUTPUT("R", "*Is %proc.name ", "  tags: [a, b]\n"));
        if (l.r < 0)
            fail_msg("%s: %s", rows[i].entries, l.told.p);
        outputs_of(loaded_rule(&l, "R"), &b);
        if (strcmp(b.p, rows[i].want) != 0)
            fail_msg("%s: %s\nnot %s", rows[i].entries, b.p, rows[i].want);
        loaded_free(&l);
    }
    buf_free(&b);
}

static void bad_appended(void **state)
{
    static const struct {
        const char *config, *told;
        int r;
    } rows[] = {
        {"append_output:\n  - extra_output: 'a %proc.nmae b'\n",
         "2:23: error: append_output (source 'syscall'): unknown field 'proc.nmae'; did you mean "
         "'proc.name'?\n",
         -EINVAL},
        {"append_output:\n  - extra_fields: [{x: \"%fd.nmae\"}]\n",
         "2:26: error: append_output (source 'syscall'): unknown field 'fd.nmae'; did you mean "
         "'fd.name'?\n",
         -EINVAL},
        {"append_output:\n  - extra_fields:\n    - proc.nmae\n",
         "3:7: error: append_output (source 'syscall'): unknown field 'proc.nmae'; did you mean "
         "'proc.name'?\n",
         -EINVAL},
        {"append_output: [{extra_fields: ['proc.name x', 'len(proc.name)']}]\n",
         "1:43: error: append_output (source 'syscall'): a field is wanted here; an output text "
         "needs a name: {name: "
         "'%…'}\n"
         "1:49: error: append_output (source 'syscall'): a field is wanted here; an output text "
         "needs a name: {name: "
         "'%…'}\n",
         -EINVAL},
        {"append_output: [{extra_output: '%'}]\n", NULL, -EINVAL},
        {"append_output: [{extra_fields: [evt.arg]}]\n",
         "1:33: error: append_output (source 'syscall'): field 'evt.arg' needs an argument, as in "
         "'evt.arg[name]'\n",
         -EINVAL},
        /* of the source that has the field */
        {"append_output: [{match: {source: syscall}, extra_output: '%fd.name'}]\n", "", 0},
        {"append_output: [{match: {source: cloud}, extra_output: '%fd.name'}]\n", NULL, -EINVAL},
        {"append_output: [{match: {rule: Z}, extra_output: '%no.field'}]\n",
         "1:17: warning: append_output: this entry fits no rule\n", 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct loaded l;

        /* two rules, one message */
        load_under(&l, rows[i].config,
                   OUTPUT("A", "x", "") OUTPUT("B", "x", "") OUTPUT("C", "x", "  source: cloud\n"));
        /* another source may lack the field as well: the first message counts */
        if (rows[i].told && strncmp(l.told.p, rows[i].told, strlen(rows[i].told)) != 0)
            fail_msg("%s%s\nnot %s", rows[i].config, l.told.p, rows[i].told);
        if (l.d.n_errors > 4 || l.r != rows[i].r)
            fail_msg("%s%s%d", rows[i].config, l.told.p, l.r);
        loaded_free(&l);
    }
}

/* Keys of rules that say something to Falco's own machinery. */
static void other_keys(void **state)
{
    static const struct {
        const char *key, *told;
    } rows[] = {
        {"capture: true", ""},
        {"capture: 'no'", ""},
        {"capture: often", "6:12: error: rule 'R': 'capture' must be true or false, not 'often'\n"},
        {"capture_duration: 250", ""},
        {"capture_duration: 5s",
         "6:21: error: rule 'R': 'capture_duration' must be a number of milliseconds, not '5s'\n"},
        {"capture_duration: -1",
         "6:21: error: rule 'R': 'capture_duration' must be a number of milliseconds, not '-1'\n"},
        {"warn_evttypes: false", ""},
        {"warn_evttypes: [a]", NULL},
        {"skip-if-unknown-filter: true", ""},
        {"skip-if-unknown-filter: 3", NULL},
        {"skip_if_unknown_filter: true", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[512];
        struct loaded l;

        (void)snprintf(text, sizeof(text), RULE("R", "evt.num = 1") "  %s\n", rows[i].key);
        load_text(&l, text);
        if (rows[i].told ? strcmp(l.told.p, rows[i].told) != 0 : l.told.len == 0)
            fail_msg("%s: %s", rows[i].key, l.told.p);
        assert_int_equal(l.r, l.d.n_errors ? -EINVAL : 0);
        if (i == 0)
            assert_true(l.rs->rules[0]->capture);
        if (i == 3)
            assert_int_equal(l.rs->rules[0]->capture_duration_ns, 250000000);
        loaded_free(&l);
    }
}

/* Deprecated in Falco, and still in many rules. */
static void direction(void **state)
{
    static const char *const conds[] = {"evt.type = open and evt.dir = <",
                                        "evt.dir=<",
                                        "evt.type=execve and evt.dir=< and proc.name=x",
                                        "(evt.dir = > or evt.dir != <)",
                                        "evt.dir in (<, >)",
                                        "evt.dir exists"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(conds); i++) {
        struct loaded l;

        load_rule(&l, "", conds[i], "%evt.dir %evt.type");
        if (l.r < 0 || l.told.len)
            fail_msg("%s: %s", conds[i], l.told.p);
        loaded_free(&l);
    }
}

static void services(void **state)
{
    static const struct {
        const char *cond, *want; /* the condition; or what is told */
    } rows[] = {
        {"fd.sport = ssh", "fd.sport = 22"},
        {"fd.rport in (http, 8080, https)", "fd.rport in (80,8080,443)"},
        {"fd.port in (web)", "fd.port in (80,443)"},
        {"fd.cport = sssh", "7:25: error: rule 'T': 'sssh' is neither a port nor a service that is "
                            "known; did you mean 'ssh'?\n"},
        {"fd.cport = 22x", "7:25: error: rule 'T': '22x' is not a number\n"},
        {"fd.num = ssh", "7:23: error: rule 'T': 'ssh' is not a number\n"},
    };
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct loaded l;
        const char *got;

        load_rule(&l, "- list: web\n  items: [http, https]\n- list: x\n  items: []\n", rows[i].cond,
                  "x");
        if (l.r == 0)
            loaded_condition(&l, 0, &b);
        got = l.r == 0 ? b.p : l.told.p;
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s: %s\nnot %s", rows[i].cond, got, rows[i].want);
        loaded_free(&l);
    }
    buf_free(&b);
}

/* The rule's own text and what is appended have one ceiling together. */
static void too_much(void **state)
{
    struct buf config, text;
    struct loaded l;

    (void)state;
    buf_init(&config, 1 << 20);
    buf_init(&text, 1 << 20);
    buf_adds(&config, "append_output: [{extra_output: '");
    buf_adds(&text, "- rule: A\n  desc: d\n  condition: evt.num=1\n  priority: info\n  output: '");
    for (int i = 0; i < 600; i++) {
        buf_adds(&config, "%evt.num ");
        buf_adds(&text, "%evt.num ");
    }
    buf_adds(&config, "'}]\n");
    buf_adds(&text, "'\n");
    load_under(&l, config.p, text.p);
    assert_int_equal(l.r, -EINVAL);
    assert_non_null(strstr(l.told.p, "rule 'A': output: more than 1000 fields with append_output"));
    loaded_free(&l);
    load_text(&l, text.p);
    assert_int_equal(l.r, 0);
    loaded_free(&l);
    buf_free(&config);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selection),    cmocka_unit_test(selection_of_what_is_left_out),
        cmocka_unit_test(services),     cmocka_unit_test(direction),
        cmocka_unit_test(other_keys),   cmocka_unit_test(appended),
        cmocka_unit_test(bad_appended), cmocka_unit_test(too_much),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
