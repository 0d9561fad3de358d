/* SPDX-License-Identifier: Apache-2.0 */
/* Rule files as such: keys, overrides, exceptions, requirements, sources, several files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include "../lib/rules_load.h"

#include <cmocka.h>
#include <gyr/output.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BASE                                                                                       \
    "- list: l\n  items: [a, b]\n"                                                                 \
    "- macro: m\n  condition: proc.name = m\n"                                                     \
    "- rule: T\n  desc: one\n  condition: evt.num = 1 or m\n  output: out %proc.name\n"            \
    "  priority: warning\n  tags: [z, a]\n"

enum { BASE_LINES = 10 };

/* What is added to BASE, and what becomes of rule T (or of the load). */
static const struct {
    const char *text, *condition, *told;
} changes[] = {
    {"", "evt.num = 1 or proc.name = m", ""},
    {"- macro: m\n  condition: proc.name = n\n", "evt.num = 1 or proc.name = n", ""},
    {"- macro: m\n  condition: or proc.name = n\n  append: true\n",
     "evt.num = 1 or (proc.name = m or proc.name = n)",
     "11:3: warning: macro 'm': 'append' is deprecated: write 'override: {condition: append}' "
     "instead\n"},
    {"- macro: m\n  condition: or proc.name = n\n  override:\n    condition: append\n",
     "evt.num = 1 or (proc.name = m or proc.name = n)", ""},
    {"- macro: m\n  condition: proc.name = n\n  override: {condition: replace}\n",
     "evt.num = 1 or proc.name = n", ""},
    {"- rule: T\n  condition: and fd.num = 2\n  override: {condition: append}\n",
     "evt.num = 1 or (proc.name = m and fd.num = 2)", ""},
    {"- rule: T\n  condition: and fd.num = 2\n  append: true\n",
     "evt.num = 1 or (proc.name = m and fd.num = 2)",
     "11:3: warning: rule 'T': 'append' is deprecated: name what to append under 'override'\n"},
    {"- rule: T\n  condition: fd.num = 2\n  override: {condition: replace}\n", "fd.num = 2", ""},
    {"- rule: T\n  condition: proc.name in (l)\n  override: {condition: replace}\n"
     "- list: l\n  items: [c]\n  override: {items: append}\n",
     "proc.name in (a,b,c)", ""},
    {"- list: l\n  items: [c]\n- rule: T\n  condition: proc.name in (l)\n"
     "  override: {condition: replace}\n",
     "proc.name in (c)", ""},
    {"- list: l\n  items: [c]\n  append: true\n- rule: T\n  condition: proc.name in (l)\n"
     "  override: {condition: replace}\n",
     "proc.name in (a,b,c)",
     "11:3: warning: list 'l': 'append' is deprecated: write 'override: {items: append}' "
     "instead\n"},
    {"---\n- macro: m\n  condition: proc.name = n\n", "evt.num = 1 or proc.name = n", ""},
    {"- rule: T\n  bogus: 1\n  condition: fd.num = 2\n  override: {condition: replace}\n",
     "fd.num = 2", "12:3: warning: rule 'T': unknown key 'bogus' is ignored\n"},
    {"- macro: m\n  condition: x.y = 1\n  desk: 1\n- macro: m\n  condition: fd.num = 3\n",
     "evt.num = 1 or fd.num = 3", "13:3: warning: macro 'm': unknown key 'desk' is ignored\n"},
    {"-\n- {}\n", "evt.num = 1 or proc.name = m", "12:3: warning: an empty item is ignored\n"},
    {"- macros: x\n", "evt.num = 1 or proc.name = m",
     "11:3: warning: an item with 'macros' is no rule, macro or list and is ignored; did you mean "
     "'macro'?\n"},
    {"- rule: T\n  enabled: false\n", "evt.num = 1 or proc.name = m",
     "11:3: warning: rule 'T': 'enabled' alone is deprecated: add 'override: {enabled: "
     "replace}'\n"},

    /* refused */
    {"- macro: x\n  condition: or m\n  append: true\n", NULL,
     "11:3: warning: macro 'x': 'append' is deprecated: write 'override: {condition: append}' "
     "instead\n11:10: error: macro 'x': there is no macro of that name to append to\n"},
    {"- list: x\n  items: [a]\n  override: {items: append}\n", NULL,
     "11:9: error: list 'x': there is no list of that name to append to\n"},
    {"- list: l\n  items: [a]\n  append: true\n  override: {items: append}\n", NULL,
     "14:13: error: list 'l': 'override' and 'append' together: use 'override' alone\n"},
    {"- list: l\n  items: [a]\n  override: {item: append}\n", NULL,
     "13:14: error: list 'l': 'item' cannot be overridden, only 'items'\n"},
    {"- list: l\n  items: [a]\n  override: {items: prepend}\n", NULL,
     "13:21: error: list 'l': an override is 'append' or 'replace'\n"},
    {"- list: l\n  items: a\n", NULL, "12:10: error: list 'l': 'items' must be a list in brackets, not text\n"},
    {"- list: l\n", NULL, "11:3: error: list 'l' has no 'items'\n"},
    {"- list: l\n  items: [[a]]\n", NULL,
     "12:11: error: list 'l': an item must be text, not a list\n"},
    {"- macro: m\n", NULL, "11:3: error: macro 'm' has no 'condition'\n"},
    {"- macro: m\n  condition: [a]\n", NULL,
     "12:14: error: macro 'm': 'condition' must be text, not a list\n"},
    {"- macro: m\n  condition:\n", NULL,
     "12:13: error: macro 'm': 'condition' must be text, not nothing\n"},
    {"- macro: m\n  condition: ''\n", NULL, "12:14: error: macro 'm': 'condition' is empty\n"},
    {"- rule: U\n  condition: or m\n  override: {condition: append}\n", NULL,
     "11:3: error: rule 'U': there is no rule of that name to override\n"},
    {"- rule: U\n  condition: or m\n  append: true\n", NULL,
     "11:3: error: rule 'U': there is no rule of that name to append to\n"},
    {"- rule: U\n  enabled: true\n", NULL,
     "11:3: error: rule 'U': there is no rule of that name to enable or disable\n"},
    {"- rule: T\n  override: {condition: append}\n", NULL,
     "12:14: error: rule 'T': 'override' names 'condition', but there is no 'condition'\n"},
    {"- rule: T\n  priority: error\n  override: {priority: append}\n", NULL,
     "13:14: error: rule 'T': 'priority' cannot be appended to, only replaced\n"},
    {"- rule: T\n  condition: m\n  output: x\n  override: {condition: replace}\n", NULL,
     "13:3: error: rule 'T': 'output' has no entry in 'override'\n"},
    {"- rule: T\n  condition: m\n  override: {conditio: replace}\n", NULL,
     "13:14: error: rule 'T': 'conditio' cannot be overridden; did you mean 'condition'?\n"
     "12:3: error: rule 'T': 'condition' has no entry in 'override'\n"},
    {"- rule: T\n  condition: m\n  append: true\n  override: {condition: append}\n", NULL,
     "14:13: error: rule 'T': 'override' and 'append' together: use 'override' alone\n"},
    {"- rule: T\n  tags: [x]\n  append: true\n", NULL,
     "11:3: warning: rule 'T': 'append' is deprecated: name what to append under 'override'\n"
     "11:3: error: rule 'T': to append, it needs a condition or exceptions\n"},
    {"- rule: T\n  condition: m\n  append: maybe\n", NULL,
     "13:11: error: rule 'T': 'append' must be true or false, not 'maybe'\n"},
    {"- rule: T\n  desc: d\n  condition: cloud.user = x\n  output: x\n  priority: info\n"
     "  source: cloud\n",
     NULL,
     "16:11: error: rule 'T': its source is 'syscall' where it is first defined, and 'cloud' "
     "here\n"},
    {"- rule: U\n  desc: d\n  condition: m\n", NULL,
     "11:3: error: rule 'U' has no 'output'\n11:3: error: rule 'U' has no 'priority'\n"},
    {"- rule: U\n  desc: d\n  condition: m\n  output: x\n  priority: warn\n  tags: x\n"
     "  enabled: 5\n  capture_duration: long\n",
     NULL,
     "15:13: error: rule 'U': 'warn' is no priority\n"
     "16:9: error: rule 'U': 'tags' must be a list, not text\n"
     "17:12: error: rule 'U': 'enabled' must be true or false, not '5'\n"
     "18:21: error: rule 'U': 'capture_duration' must be a number of milliseconds, not 'long'\n"},
    {"- rule:\n  desc: d\n", NULL, "11:8: error: a rule: 'rule' must be text, not nothing\n"},
    {"- text\n", NULL, "11:3: error: expected a rule, a macro or a list, not text\n"},
    {"---\na: b\n", NULL,
     "12:1: error: a rule file must be a list of rules, macros and lists, not a mapping\n"},
    /* everything at once */
    {"- macro: x\n  condition: (m\n- rule: U\n  desc: d\n  condition: nope\n  output: '%a.b'\n"
     "  priority: info\n- rule: V\n  desc: d\n  condition: fd.num = x\n  output: x\n"
     "  priority: info\n",
     NULL,
     "12:16: error: macro 'x': expected ')' for the '(' in line 12, column 14\n"
     "15:14: error: rule 'U': unknown macro 'nope'\n"
     "16:13: error: rule 'U': unknown field 'a.b'\n"
     "20:23: error: rule 'V': 'x' is not a number\n"},
};

static void overrides(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct loaded l;
        struct buf b;

        buf_init(&b, 8192);
        buf_addf(&b, "%s%s", BASE, changes[i].text);
        load_text(&l, b.p);
        if (strcmp(l.told.p, changes[i].told) != 0)
            fail_msg("case %zu:\n%s\n%snot\n%s", i, changes[i].text, l.told.p, changes[i].told);
        assert_int_equal(l.r, changes[i].condition ? 0 : -EINVAL);
        if (changes[i].condition) {
            loaded_condition(&l, 0, &b);
            assert_string_equal(b.p, changes[i].condition);
        }
        buf_free(&b);
        loaded_free(&l);
    }
}

/* Each key that an override can replace or append to. */
static void every_key(void **state)
{
    static const char text[] = BASE "- rule: T\n"
                                    "  desc: two\n"
                                    "  output: and %fd.name\n"
                                    "  tags: [m, a]\n"
                                    "  priority: error\n"
                                    "  enabled: false\n"
                                    "  capture: true\n"
                                    "  capture_duration: 1500\n"
                                    "  warn_evttypes: false\n"
                                    "  skip-if-unknown-filter: true\n"
                                    "  override:\n"
                                    "    desc: append\n"
                                    "    output: append\n"
                                    "    tags: append\n"
                                    "    priority: replace\n"
                                    "    enabled: replace\n"
                                    "    capture: replace\n"
                                    "    capture_duration: replace\n"
                                    "    warn_evttypes: replace\n"
                                    "    skip-if-unknown-filter: replace\n";
    const struct rule *r;
    struct loaded l;

    (void)state;
    load_text(&l, text);
    assert_string_equal(l.told.p, "");
    r = loaded_rule(&l, "T");
    assert_non_null(r);
    assert_string_equal(r->desc, "one two");
    assert_int_equal(r->priority, GYR_PRIO_ERROR);
    assert_false(r->enabled);
    assert_true(r->capture);
    assert_int_equal(r->capture_duration_ns, 1500000000);
    assert_int_equal(r->n_tags, 3);
    assert_string_equal(r->tags[0], "a");
    assert_string_equal(r->tags[1], "m");
    assert_string_equal(r->tags[2], "z");
    loaded_output(&l, 0, &l.told);
    assert_string_equal(l.told.p, "out |{0}| and |{1} proc.name fd.name");
    loaded_free(&l);
}

static void order_and_ids(void **state)
{
    struct loaded l;

    (void)state;
    load_text(&l, RULE("A", "evt.num = 1") RULE("B", "evt.num = 2") RULE("C", "evt.num = 3")
                      RULE("A", "evt.num = 4"));
    assert_int_equal(l.rs->n_rules, 3);
    assert_string_equal(l.rs->rules[0]->name, "A");
    loaded_condition(&l, 0, &l.told);
    assert_string_equal(l.told.p, "evt.num = 4");
    assert_int_equal(l.rs->rules[0]->loc.line, 16);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(l.rs->rules[i]->id, i);
    assert_int_equal(l.rs->n_files, 1);
    assert_string_equal(l.rs->files[0], "t.yaml");
    loaded_free(&l);
}

/* ---- exceptions ---- */

static const struct {
    const char *exceptions, *want; /* the condition; or what is told */
} exceptions[] = {
    {"[]", "evt.num = 1"},
    {"", "evt.num = 1"},
    {"[{name: e, fields: [proc.name]}]", "evt.num = 1"},
    {"[{name: e, fields: proc.name, values: [a, b]}]", "evt.num = 1 and not proc.name in (a,b)"},
    {"[{name: e, fields: proc.name, comps: in, values: [a b, l]}]",
     "evt.num = 1 and not proc.name in (\"a b\",x,y)"},
    {"[{name: e, fields: fd.name, comps: pmatch, values: [/a, /b]}]",
     "evt.num = 1 and not fd.name pmatch (/a,/b)"},
    {"[{name: e, fields: fd.name, comps: startswith oneof, values: [/a, /b]}]",
     "evt.num = 1 and not fd.name startswith oneof (/a,/b)"},
    {"[{name: e, fields: [proc.name], values: [[a], [b]]}]",
     "evt.num = 1 and not (proc.name = a or proc.name = b)"},
    {"[{name: e, fields: [proc.name, fd.num], comps: [=, '>='], values: [[a, 3]]}]",
     "evt.num = 1 and not (proc.name = a and fd.num >= 3)"},
    {"[{name: e, fields: [proc.name, fd.name], comps: [in, startswith], values: [[[a, l], /x], "
     "[b, '\"/y z\"'], ['(c, d)', /w v]]}]",
     "evt.num = 1 and not ((proc.name in (a,x,y) and fd.name startswith /x) or (proc.name in (b) "
     "and fd.name startswith \"/y z\") or (proc.name in (c,d) and fd.name startswith \"/w v\"))"},
    {"[{name: e, fields: [proc.name], comps: [in], values: [[l]]}]",
     "evt.num = 1 and not proc.name in (x,y)"},
    {"[{name: e, fields: [proc.name], comps: [in], values: [['a, l']]}]",
     "evt.num = 1 and not proc.name in (a,x,y)"},
    {"[{name: e, fields: [proc.name], comps: [in], values: [[[]]]}]",
     "evt.num = 1 and not proc.name in ()"},
    {"[{name: e, fields: ['tolower(proc.name)', 'proc.aname[2]'], values: [[a, b]]}]",
     "evt.num = 1 and not (tolower(proc.name) = a and proc.aname[2] = b)"},
    {"[{name: e, fields: [proc.name], values: [['val(proc.pname)']]}]",
     "evt.num = 1 and not proc.name = val(proc.pname)"},
    {"[{name: e, fields: [fd.name], comps: ['contains allof'], values: [[[a, b]]]}]",
     "evt.num = 1 and not fd.name contains allof (a,b)"},
    {"[{name: e, fields: proc.name, values: [a]}, {name: f, fields: [fd.num], values: [[1]]}]",
     "evt.num = 1 and not proc.name in (a) and not fd.num = 1"},

    {"x", "18: error: rule 'T': 'exceptions' must be a list, not text\n"},
    {"[x]", "19: error: rule 'T': an exception must be a mapping, not text\n"},
    {"[{fields: proc.name}]", "19: error: rule 'T': an exception has no 'name'\n"},
    {"[{name: e}]", "19: error: rule 'T': exception 'e' has no 'fields'\n"},
    {"[{name: e, fields: proc.name, value: [a]}]",
     "48: warning: rule 'T': exception 'e': unknown key 'value' is ignored; did you mean "
     "'values'?\n"},
    {"[{name: e, fields: proc.name, values: a}]",
     "56: error: rule 'T': exception 'e': 'values' must be a list, not text\n"},
    {"[{name: e, fields: proc.name, values: [[a]]}]",
     "57: error: rule 'T': exception 'e': a value must be text, not a list\n"},
    {"[{name: e, fields: proc.name, comps: =, values: [a]}]",
     "55: error: rule 'T': exception 'e': a single field takes in, intersects, pmatch or a "
     "comparator with oneof, anyof or allof, not '='\n"},
    {"[{name: e, fields: proc.name, comps: like, values: [a]}]",
     "55: error: rule 'T': exception 'e': 'like' is no comparator with a value\n"},
    {"[{name: e, fields: [proc.name], comps: [=, =], values: [[a]]}]",
     "57: error: rule 'T': exception 'e': 'comps' must be a list as long as 'fields'\n"},
    {"[{name: e, fields: [proc.name, fd.num], values: [[a]]}]",
     "67: error: rule 'T': exception 'e': it has 2 fields, but here 1 value\n"},
    {"[{name: e, fields: [proc.name], values: [a]}]",
     "59: error: rule 'T': exception 'e': 'fields' is a list, so each of 'values' must be a list "
     "of as many, not text\n"},
    {"[{name: e, fields: [proc.name], values: [[[a, b]]]}]",
     "60: error: rule 'T': exception 'e': '=' takes one value, not a list\n"},
    {"[{name: e, fields: [proc.name], values: [['']]}]",
     "60: error: rule 'T': exception 'e': a value is empty\n"},
    {"[{name: e, fields: [fd.num], values: [[a]]}]",
     "57: error: rule 'T': exception 'e': 'a' is not a number\n"},
    {"[{name: e, fields: [proc.nam], values: [[a]]}]",
     "38: error: rule 'T': exception 'e': unknown field 'proc.nam'; did you mean 'proc.name'?\n"},
    {"[{name: e, fields: [fd.num], comps: [startswith], values: [[a]]}]",
     "38: error: rule 'T': exception 'e': 'startswith' does not fit 'fd.num', which is a number\n"},
    {"[{name: e, fields: [proc.name], comps: [in], values: [['(a']]}]",
     "76: error: rule 'T': exception 'e': expected ',' or ')' in the list, but the text ends "
     "here\n"},
};

static void exception_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(exceptions); i++) {
        bool fine = strncmp(exceptions[i].want, "evt.num", 7) == 0;
        struct loaded l;
        struct buf b;

        buf_init(&b, 8192);
        buf_addf(&b,
                 "- list: l\n  items: [x, y]\n- rule: T\n  desc: d\n  condition: evt.num = 1\n"
                 "  output: x\n  priority: info\n  exceptions:    %s\n",
                 exceptions[i].exceptions);
        load_text(&l, b.p);
        buf_reset(&b);
        if (fine && l.r == 0)
            loaded_condition(&l, 0, &b);
        else if (l.told.len > 2)
            buf_adds(&b, l.told.p + 2); /* all in line 8 */
        if (strcmp(b.p, exceptions[i].want) != 0)
            fail_msg("case %zu: %s\n%s (%s) not\n%s", i, exceptions[i].exceptions, b.p, l.told.p,
                     exceptions[i].want);
        buf_free(&b);
        loaded_free(&l);
    }
}

#define WITH_EXCEPTION                                                                             \
    RULE("T", "evt.num = 1 or evt.num = 2")                                                        \
    "  exceptions:\n  - name: e\n    fields: [proc.name]\n    values: [[a]]\n"

static const struct {
    const char *text, *condition, *told;
} exception_changes[] = {
    {"- rule: T\n  exceptions: [{name: e, values: [[b]]}]\n  override: {exceptions: append}\n",
     "(evt.num = 1 or evt.num = 2) and not (proc.name = a or proc.name = b)", ""},
    {"- rule: T\n  exceptions: [{name: e, values: [[b]]}]\n  append: true\n",
     "(evt.num = 1 or evt.num = 2) and not (proc.name = a or proc.name = b)",
     "10:3: warning: rule 'T': 'append' is deprecated: name what to append under 'override'\n"},
    {"- rule: T\n  exceptions: [{name: f, fields: [fd.num], values: [[1]]}]\n"
     "  override: {exceptions: append}\n",
     "(evt.num = 1 or evt.num = 2) and not proc.name = a and not fd.num = 1", ""},
    {"- rule: T\n  exceptions: [{name: f, fields: [fd.num], values: [[1]]}]\n"
     "  override: {exceptions: replace}\n",
     "(evt.num = 1 or evt.num = 2) and not fd.num = 1", ""},
    {"- rule: T\n  exceptions: [{name: e, fields: [fd.num], values: [[1]]}]\n"
     "  override: {exceptions: append}\n",
     NULL,
     "11:34: error: rule 'T': exception 'e': values can be appended, fields and comps cannot\n"},
    {"- rule: T\n  exceptions: [{name: e}]\n  override: {exceptions: append}\n",
     "(evt.num = 1 or evt.num = 2) and not proc.name = a",
     "11:16: warning: rule 'T': exception 'e': there are no values to append\n"},
    {"- rule: T\n  exceptions: [{name: f, values: [[1]]}]\n  override: {exceptions: append}\n",
     NULL, "11:16: error: rule 'T': exception 'f' has no 'fields'\n"},
};

static void exception_overrides(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(exception_changes); i++) {
        struct loaded l;
        struct buf b;

        buf_init(&b, 8192);
        buf_addf(&b, "%s%s", WITH_EXCEPTION, exception_changes[i].text);
        load_text(&l, b.p);
        if (strcmp(l.told.p, exception_changes[i].told) != 0)
            fail_msg("case %zu:\n%snot\n%s", i, l.told.p, exception_changes[i].told);
        if (exception_changes[i].condition) {
            assert_int_equal(l.r, 0);
            loaded_condition(&l, 0, &b);
            assert_string_equal(b.p, exception_changes[i].condition);
        }
        buf_free(&b);
        loaded_free(&l);
    }
}

/* ---- requirements, sources, unknown names ---- */

static void requirements(void **state)
{
    static const struct {
        const char *text, *told;
    } cases[] = {
        {"- required_engine_version: 0.57.0\n", ""},
        {"- required_engine_version: 57\n", ""},
        {"- required_engine_version: 7\n", ""},
        {"- required_engine_version: '0.31.0'\n", ""},
        {"- required_engine_version: 0.57.1\n",
         "1:28: error: these rules need Falco's engine 0.57.1; this one does what 0.57.0 does\n"},
        {"- required_engine_version: 58\n",
         "1:28: error: these rules need Falco's engine 0.58.0; this one does what 0.57.0 does\n"},
        {"- required_engine_version: 1.0.0\n",
         "1:28: error: these rules need Falco's engine 1.0.0; this one does what 0.57.0 does\n"},
        {"- required_engine_version: latest\n",
         "1:28: error: 'latest' is no engine version: neither a number nor of the form 0.57.0\n"},
        {"- required_engine_version: 0.57\n",
         "1:28: error: '0.57' is no engine version: neither a number nor of the form 0.57.0\n"},
        {"- required_engine_version:\n",
         "1:27: error: the file: 'required_engine_version' must be text, not nothing\n"},
        {"- required_plugin_versions: [{name: container, version: 0.4.0}]\n", ""},
        {"- required_plugin_versions:\n  - name: k8smeta\n    version: 0.1.0\n    alternatives:\n"
         "    - {name: container, version: 0.2.0}\n",
         ""},
        {"- required_plugin_versions:\n  - name: json\n    version: 0.7.0\n",
         "2:5: error: these rules need a plugin that is not there: json (>= 0.7.0)\n"},
        {"- required_plugin_versions: [{name: a, version: 1.0.0, alternatives: [{name: b, "
         "version: 2.0.0}]}]\n",
         "1:30: error: these rules need a plugin that is not there: a (>= 1.0.0) or b (>= "
         "2.0.0)\n"},
        {"- required_plugin_versions: [{name: a}]\n",
         "1:30: error: required_plugin_versions has no 'version'\n"},
        {"- required_plugin_versions: [{name: a, version: x}]\n",
         "1:49: error: required_plugin_versions: 'x' is no version of the form 1.2.3\n"},
        {"- required_plugin_versions: container\n",
         "1:29: error: required_plugin_versions must be a list, not text\n"},
        {"- required_plugin_versions: [container]\n",
         "1:30: error: required_plugin_versions: a plugin must be a mapping, not text\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct loaded l;

        load_text(&l, cases[i].text);
        assert_string_equal(l.told.p, cases[i].told);
        assert_int_equal(l.r, cases[i].told[0] ? -EINVAL : 0);
        loaded_free(&l);
    }
}

/* One macro for two schemas, in which a field has two types. */
static void sources(void **state)
{
    static const char text[] = "- macro: m\n  condition: proc.name in (1, 2)\n" RULE("S", "m") RULE(
        "C", "m and cloud.user = x") "  source: cloud\n" RULE("N", "a.b = 1") "  source: nobody\n";
    const struct rule *s, *c;
    struct loaded l;

    (void)state;
    load_text(&l, text);
    assert_int_equal(l.r, 0);
    assert_string_equal(l.told.p,
                        "14:9: warning: rule 'N' is left out: nobody provides source 'nobody'\n");
    s = loaded_rule(&l, "S");
    c = loaded_rule(&l, "C");
    assert_null(loaded_rule(&l, "N"));
    assert_string_equal(s->schema->name, "syscall");
    assert_string_equal(c->schema->name, "cloud");
    assert_int_equal(s->condition->cmp.rhs->list.items[0]->type, GYR_T_STR);
    assert_int_equal(c->condition->logic.kids[0]->cmp.rhs->list.items[1]->type, GYR_T_U64);
    assert_int_equal(c->condition->logic.kids[0]->cmp.rhs->list.items[1]->value.u.u64, 2);
    loaded_free(&l);
}

/* A macro that several rules use is resolved once. */
static void shared_macros(void **state)
{
    struct loaded l;

    (void)state;
    load_text(&l, "- macro: m\n  condition: proc.name = x\n" RULE("A", "m") RULE("B", "not m"));
    assert_ptr_equal(l.rs->rules[0]->condition, l.rs->rules[1]->condition->logic.kids[0]);
    loaded_free(&l);
}

static void skip_unknown(void **state)
{
    struct loaded l;

    (void)state;
    load_text(&l,
              RULE("A", "new.field = 1") "  skip-if-unknown-filter: true\n" RULE("B", "evt.num = 1")
                  RULE("C", "fd.num = x") "  skip-if-unknown-filter: true\n");
    assert_string_equal(l.told.p,
                        "3:14: warning: rule 'A' is left out (skip-if-unknown-filter): rule 'A': "
                        "unknown field 'new.field'\n14:23: error: rule 'C': 'x' is not a number\n");
    assert_int_equal(l.r, -EINVAL);
    loaded_free(&l);
    load_text(&l, "- macro: m\n  condition: new.field = 1\n" RULE(
                      "A", "m") "  skip-if-unknown-filter: true\n" RULE("B", "evt.num = 1"));
    assert_int_equal(l.r, 0);
    assert_int_equal(l.rs->n_rules, 1);
    assert_int_equal(l.d.n_warnings, 1);
    loaded_free(&l);
}

/* ---- files ---- */

static void put_file(const char *dir, const char *name, const char *text)
{
    char path[512];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    (void)fputs(text, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static void remove_files(const char *dir, const char *const *names)
{
    char path[512];

    for (; *names; names++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, *names);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

static void files_in_order(void **state)
{
    static const char *const names[] = {"b.yml", "a.yaml", "z.txt", ".h.yaml", NULL};
    char dir[] = "/tmp/gyr-rules-XXXXXX", broken[64], missing[64];
    const char *paths[] = {dir, missing, broken};
    struct loaded l;
    struct buf want;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(missing, sizeof(missing), "%s/no.yaml", dir);
    (void)snprintf(broken, sizeof(broken), "%s/z.txt", dir);
    put_file(dir, "b.yml", "- macro: m\n  condition: evt.num = 2\n");
    put_file(dir, "a.yaml", "- macro: m\n  condition: evt.num = 1\n" RULE("R", "m"));
    put_file(dir, "z.txt", "- [");
    put_file(dir, ".h.yaml", "- macro: m\n  condition: evt.num = 3\n");

    load_paths(&l, paths, 1, 7);
    assert_string_equal(l.told.p, "");
    assert_int_equal(l.rs->n_files, 2);
    assert_non_null(strstr(l.rs->files[0], "/a.yaml"));
    assert_non_null(strstr(l.rs->files[1], "/b.yml"));
    loaded_condition(&l, 0, &l.told);
    assert_string_equal(l.told.p, "evt.num = 2");
    loaded_free(&l);

    load_paths(&l, paths, 3, 7);
    assert_int_equal(l.r, -EINVAL);
    assert_int_equal(l.d.n_errors, 2);
    buf_init(&want, 1024);
    buf_addf(&want, "error: %s: No such file or directory\n", missing);
    assert_int_equal(strncmp(l.told.p, want.p, want.len), 0);
    buf_free(&want);
    loaded_free(&l);
    remove_files(dir, names);
}

static void less_urgent(void **state)
{
    static const char *const names[] = {"r.yaml", NULL};
    char dir[] = "/tmp/gyr-rules-XXXXXX";
    const char *paths[] = {dir};
    struct loaded l;

    (void)state;
    assert_non_null(mkdtemp(dir));
    put_file(dir, "r.yaml",
             RULE("A", "evt.num = 1") "- rule: B\n  desc: d\n  condition: evt.num = "
                                      "2\n  output: x\n  priority: ERROR\n");
    load_paths(&l, paths, 1, GYR_PRIO_WARNING);
    assert_int_equal(l.r, 0);
    assert_int_equal(l.rs->n_rules, 1);
    assert_string_equal(l.rs->rules[0]->name, "B");
    assert_int_equal(l.rs->rules[0]->id, 0);
    loaded_free(&l);
    remove_files(dir, names);
}

/* The rule files that Falco's users run load unmodified. */
static void in_the_wild(void **state)
{
    static const char *const files[] = {"falco_rules.yaml", "falco-incubating_rules.yaml"};
    const char *shared = getenv("GYR_SHARED");
    char path[2][512];
    const char *paths[] = {path[0], path[1]};
    struct loaded l;

    (void)state;
    for (int i = 0; i < 2; i++)
        (void)snprintf(path[i], sizeof(path[i]), "%s/rules-in-the-wild/%s",
                       shared ? shared : "../shared", files[i]);
    if (access(path[0], R_OK) != 0 || access(path[1], R_OK) != 0) {
        print_message("SKIPPED: no %s\n", path[0]);
        skip();
    }
    load_paths(&l, paths, 2, 7);
    assert_string_equal(l.told.p, "");
    assert_int_equal(l.r, 0);
    assert_int_equal(l.rs->n_rules, 56);
    assert_non_null(loaded_rule(&l, "Terminal shell in container"));
    loaded_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overrides),     cmocka_unit_test(every_key),
        cmocka_unit_test(order_and_ids), cmocka_unit_test(exception_forms),
        cmocka_unit_test(requirements),  cmocka_unit_test(exception_overrides),
        cmocka_unit_test(sources),       cmocka_unit_test(shared_macros),
        cmocka_unit_test(skip_unknown),  cmocka_unit_test(files_in_order),
        cmocka_unit_test(less_urgent),   cmocka_unit_test(in_the_wild),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
