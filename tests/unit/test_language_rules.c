/* SPDX-License-Identifier: Apache-2.0 */
/* The rule language end to end, by table: logic, macros, lists, exceptions, overrides. See
 * test_language_compare.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../lib/language.h"

#define YES "T"
#define NO  ""

#define RULE_OF(name, cond)                                                                        \
    "- rule: " name "\n  desc: d\n  condition: " cond "\n  output: o\n  priority: info\n"
#define RULE_T(cond)      RULE_OF("T", cond)
#define MACRO(name, cond) "- macro: " name "\n  condition: " cond "\n"
#define LIST(name, items) "- list: " name "\n  items: " items "\n"

static void logic(void **state)
{
    static const struct lang_row rows[] = {
        {"proc.name = a and fd.num = 1", "proc.name=a; fd.num=1", YES},
        {"proc.name = a and fd.num = 1", "proc.name=a; fd.num=2", NO},
        {"proc.name = a and fd.num = 1", "proc.name=a", NO},
        {"proc.name = a or fd.num = 1", "fd.num=1", YES},
        {"proc.name = a or fd.num = 1", "proc.name=a", YES},
        {"proc.name = a or fd.num = 1", "", NO},
        {"not proc.name = a", "proc.name=b", YES},
        {"not proc.name = a", "proc.name=a", NO},
        {"not proc.name = a", "proc.name=", YES},
        {"not proc.name = a", "", YES},
        {"not not proc.name = a", "proc.name=a", YES},
        {"not not proc.name = a", "", NO},
        {"not (not proc.name = a)", "", NO},
        /* and binds closer than or, not closer than both */
        {"proc.name = a or proc.name = b and fd.num = 1", "proc.name=a", YES},
        {"proc.name = a or proc.name = b and fd.num = 1", "proc.name=b", NO},
        {"(proc.name = a or proc.name = b) and fd.num = 1", "proc.name=a", NO},
        {"(proc.name = a or proc.name = b) and fd.num = 1", "proc.name=a; fd.num=1", YES},
        {"fd.num = 1 and proc.name = b or proc.name = a", "proc.name=a", YES},
        {"not proc.name = a and fd.num = 1", "proc.name=b; fd.num=1", YES},
        {"not proc.name = a and fd.num = 1", "proc.name=a; fd.num=2", NO},
        {"not (proc.name = a and fd.num = 1)", "proc.name=a; fd.num=2", YES},
        {"not (proc.name = a and fd.num = 1)", "proc.name=a", YES},
        {"not (proc.name = a or fd.num = 1)", "", YES},
        {"not (proc.name = a or fd.num = 1)", "fd.num=1", NO},
        {"not proc.name = a or fd.num = 1", "proc.name=a; fd.num=1", YES},
        {"proc.name = a and not fd.num = 1", "proc.name=a", YES},
        {"proc.name = a and not fd.num exists", "proc.name=a", YES},
        {"((proc.name = a))", "proc.name=a", YES},
        {"(proc.name = a)and(fd.num = 1)", "proc.name=a; fd.num=1", YES},
        {"proc.name = a and fd.num = 1 and proc.pid = 2", "proc.name=a; fd.num=1; proc.pid=2", YES},
        {"evt.type = openat and proc.name = a", "proc.name=a", YES},
        {"evt.type in (open, openat)", "", YES},
        {"evt.type = execve or proc.name = a", "proc.name=a", YES},
        {"evt.type = execve and proc.name = a", "proc.name=a", NO},
        {"not evt.type = execve", "", YES},
        {"evt.num > 0", "", YES},
        {"never_true or proc.name = a", "", "!4:5: rule 'T': unknown macro 'never_true'"},
        {"proc.name = a and", "",
         "!4:22: rule 'T': expected a field, a macro, 'not' or '(', but the text ends here"},
        {"and proc.name = a", "",
         "!4:5: rule 'T': expected a field, a macro, 'not' or '(', not 'and'"},
        {"proc.name = a or or fd.num = 1", "",
         "!4:22: rule 'T': expected a field, a macro, 'not' or '(', not 'or'"},
        {"proc.name = a not fd.num = 1", "",
         "!4:19: rule 'T': expected 'and', 'or' or the end, not 'not'"},
        {"proc.name = a && fd.num = 1", "",
         "!4:19: rule 'T': expected 'and' or 'or', not '&&'; did you mean 'and'?"},
        {"proc.name = a AND fd.num = 1", "",
         "!4:19: rule 'T': expected 'and' or 'or', not 'AND'; did you mean 'and'?"},
        {"!proc.name = a", "",
         "!4:5: rule 'T': expected a condition, not '!'; did you mean 'not'?"},
        {"(proc.name = a", "", "!4:19: rule 'T': expected ')' for the '(' in line 4, column 5"},
        {"proc.name = a)", "", "!4:18: rule 'T': this ')' closes nothing"},
        {"()", "", "!4:6: rule 'T': expected a field, a macro, 'not' or '(', not ')'"},
        {"not", "",
         "!4:8: rule 'T': expected a field, a macro, 'not' or '(', but the text ends here"},
    };

    (void)state;
    LANG_CHECK(rows);
}

static void macros(void **state)
{
    static const struct lang_row rows[] = {
        {MACRO("m", "proc.name = a") RULE_T("m"), "proc.name=a", YES},
        {MACRO("m", "proc.name = a") RULE_T("m"), "proc.name=b", NO},
        {MACRO("m", "proc.name = a") RULE_T("m"), "", NO},
        {MACRO("m", "proc.name = a") RULE_T("not m"), "", YES},
        {MACRO("m", "proc.name = a or proc.name = b") RULE_T("m and fd.num = 1"), "proc.name=a",
         NO},
        {MACRO("m", "proc.name = a or proc.name = b") RULE_T("not m"), "proc.name=b", NO},
        {MACRO("i", "proc.name = a") MACRO("m", "i and fd.num = 1") RULE_T("m"),
         "proc.name=a; fd.num=1", YES},
        {MACRO("i", "proc.name = a") MACRO("m", "not i") RULE_T("not m"), "proc.name=a", YES},
        {MACRO("i", "proc.name = a") MACRO("m", "(i or i)") MACRO("n", "m and i") RULE_T("n"),
         "proc.name=a", YES},
        {MACRO("m", "proc.name = a") MACRO("m", "proc.name = b") RULE_T("m"), "proc.name=b", YES},
        {MACRO("m", "proc.name = a") MACRO("m", "proc.name = b") RULE_T("m"), "proc.name=a", NO},
        {LIST("l", "[a, b]") MACRO("m", "proc.name in (l)") RULE_T("m"), "proc.name=b", YES},
        {MACRO("m", "m") RULE_T("m"), "", "!2:14: macro 'm' contains itself: m → m"},
        {MACRO("m", "n") MACRO("n", "m") RULE_T("m"), "",
         "!4:14: macro 'm' contains itself: m → n → m"},
        {RULE_T("m"), "", "!3:14: rule 'T': unknown macro 'm'"},
        {MACRO("m", "proc.nam = a") RULE_T("m"), "",
         "!2:14: macro 'm': unknown field 'proc.nam'; did you mean 'proc.name'?"},
        {MACRO("m", "proc.name = ") RULE_T("m"), "",
         "!2:25: macro 'm': expected a value after '=', but the text ends here"},
        {MACRO("shell_procs", "proc.name = a") RULE_T("shell_proc"), "",
         "!5:14: rule 'T': unknown macro 'shell_proc'; did you mean 'shell_procs'?"},
        {"- macro: m\n" RULE_T("proc.name = a"), "", "!1:3: macro 'm' has no 'condition'"},
    };

    (void)state;
    LANG_CHECK(rows);
}

static void lists(void **state)
{
    static const struct lang_row rows[] = {
        {LIST("l", "[a, b]") RULE_T("proc.name in (l)"), "proc.name=b", YES},
        {LIST("l", "[a, b]") RULE_T("proc.name in (l)"), "proc.name=l", NO},
        {LIST("l", "[a, b]") RULE_T("proc.name in (l)"), "", NO},
        {LIST("l", "[a, b]") RULE_T("proc.name in (l, c)"), "proc.name=c", YES},
        {LIST("l", "[a, b]") RULE_T("proc.name in (x, l)"), "proc.name=a", YES},
        {LIST("i", "[a, b]") LIST("l", "[i, c]") RULE_T("proc.name in (l)"), "proc.name=a", YES},
        {LIST("i", "[a]") LIST("j", "[i, b]") LIST("l", "[j]") RULE_T("proc.name in (l)"),
         "proc.name=a", YES},
        {LIST("l", "[]") RULE_T("proc.name in (l)"), "proc.name=a", NO},
        {LIST("l", "[]") RULE_T("not proc.name in (l)"), "proc.name=a", YES},
        {LIST("l", "['a b', \"c,d\"]") RULE_T("proc.name in (l)"), "proc.name=a b", YES},
        {LIST("l", "[1, 0x10]") RULE_T("proc.pid in (l)"), "proc.pid=16", YES},
        {LIST("l", "[1, x]") RULE_T("proc.pid in (l)"), "", "!2:14: list 'l': 'x' is not a number"},
        {LIST("l", "[10.0.0.0/8]") RULE_T("fd.snet in (l)"), "fd.snet=10.1.1.1", YES},
        {LIST("l", "[/etc, /usr]") RULE_T("fd.name pmatch (l)"), "fd.name=/usr/bin", YES},
        {LIST("l", "[file, pipe]") RULE_T("fd.types intersects (l)"), "fd.types=(pipe|unix)", YES},
        {LIST("l", "[-a, -b]") RULE_T("proc.args contains anyof (l)"), "proc.args=x -b", YES},
        {LIST("l", "[a]") RULE_T("proc.name in ('l')"), "proc.name=l", YES},
        {LIST("l", "[a]") LIST("l", "[b]") RULE_T("proc.name in (l)"), "proc.name=b", YES},
        {LIST("l", "[a]") LIST("l", "[b]") RULE_T("proc.name in (l)"), "proc.name=a", NO},
        {RULE_T("proc.name in (unknown_list)"), "proc.name=unknown_list", YES},
        {LIST("l", "[l]") RULE_T("proc.name in (l)"), "proc.name=l", YES},
        {LIST("l", "[m]") LIST("m", "[l]") RULE_T("proc.name in (l)"), "",
         "!4:11: list 'l' contains itself: l → m → l"},
        {"- list: l\n" RULE_T("proc.name = a"), "", "!1:3: list 'l' has no 'items'"},
        {LIST("l", "a") RULE_T("proc.name = a"), "",
         "!2:10: list 'l': 'items' must be a list in brackets, not text"},
    };

    (void)state;
    LANG_CHECK(rows);
}

#define EXC(text) RULE_T("fd.num = 1") "  exceptions:\n" text

static void exceptions(void **state)
{
    static const struct lang_row rows[] = {
        {EXC("  - name: e\n    fields: [proc.name, fd.name]\n    values:\n    - [a, /x]\n"),
         "fd.num=1; proc.name=a; fd.name=/x", NO},
        {EXC("  - name: e\n    fields: [proc.name, fd.name]\n    values:\n    - [a, /x]\n"),
         "fd.num=1; proc.name=a; fd.name=/y", YES},
        {EXC("  - name: e\n    fields: [proc.name, fd.name]\n    values:\n    - [a, /x]\n"),
         "fd.num=1; proc.name=a", YES},
        {EXC("  - name: e\n    fields: [proc.name, fd.name]\n    values:\n    - [a, /x]\n"),
         "proc.name=b; fd.name=/x", NO},
        {EXC("  - name: e\n    fields: [proc.name, fd.name]\n    values:\n    - [a, /x]\n    - [b, "
             "/y]\n"),
         "fd.num=1; proc.name=b; fd.name=/y", NO},
        {EXC("  - name: e\n    fields: [proc.name, fd.name]\n    values:\n    - [a, /x]\n    - [b, "
             "/y]\n"),
         "fd.num=1; proc.name=b; fd.name=/x", YES},
        {EXC("  - name: e\n    fields: [proc.name, fd.name]\n    comps: [=, startswith]\n    "
             "values:\n    - [a, /x]\n"),
         "fd.num=1; proc.name=a; fd.name=/xyz", NO},
        {EXC("  - name: e\n    fields: [proc.name, fd.name]\n    comps: [in, contains]\n    "
             "values:\n    - [[a, b], x]\n"),
         "fd.num=1; proc.name=b; fd.name=/x", NO},
        {EXC("  - name: e\n    fields: [proc.name, fd.name]\n    comps: [in, pmatch]\n    "
             "values:\n    - ['(a, b)', '(/etc, /usr)']\n"),
         "fd.num=1; proc.name=b; fd.name=/usr/x", NO},
        {EXC("  - name: e\n    fields: [proc.name, fd.name]\n    comps: [in, pmatch]\n    "
             "values:\n    - ['(a, b)', '(/etc, /usr)']\n"),
         "fd.num=1; proc.name=c; fd.name=/usr/x", YES},
        /* the comma is YAML's here */
        {EXC("  - name: e\n    fields: [proc.name, fd.name]\n    comps: [in, pmatch]\n    "
             "values:\n    - [(a, b), (/etc, /usr)]\n"),
         "", "!11:7: rule 'T': exception 'e': it has 2 fields, but here 4 values"},
        {EXC("  - name: e\n    fields: proc.name\n    values: [a, b]\n"), "fd.num=1; proc.name=b",
         NO},
        {EXC("  - name: e\n    fields: proc.name\n    values: [a, b]\n"), "fd.num=1; proc.name=c",
         YES},
        {EXC("  - name: e\n    fields: proc.name\n    values: [a, b]\n"), "fd.num=1", YES},
        {EXC("  - name: e\n    fields: proc.name\n    comps: in\n    values: [a, b]\n"),
         "fd.num=1; proc.name=a", NO},
        {EXC("  - name: e\n    fields: fd.name\n    comps: pmatch\n    values: [/etc, /usr]\n"),
         "fd.num=1; fd.name=/usr/x", NO},
        {EXC("  - name: e\n    fields: [proc.name]\n    comps: [in]\n    values:\n    - [[a, "
             "b]]\n"),
         "fd.num=1; proc.name=a", NO},
        {EXC("  - name: e\n    fields: [proc.pid]\n    comps: [<]\n    values:\n    - [10]\n"),
         "fd.num=1; proc.pid=9", NO},
        {LIST("l", "[a, b]") EXC("  - name: e\n    fields: proc.name\n    values: [l, c]\n"),
         "fd.num=1; proc.name=b", NO},
        {LIST("l", "[a, b]") EXC(
             "  - name: e\n    fields: [proc.name]\n    comps: [in]\n    values:\n    - [(l)]\n"),
         "fd.num=1; proc.name=b", NO},
        {EXC("  - name: e\n    fields: [proc.name]\n  - name: f\n    fields: fd.name\n    values: "
             "[/x]\n"),
         "fd.num=1; fd.name=/x", NO},
        {EXC("  - name: e\n    fields: [proc.name]\n  - name: f\n    fields: fd.name\n    values: "
             "[/x]\n"),
         "fd.num=1; proc.name=a", YES},
        {EXC("  - name: e\n    fields: [proc.name, fd.name]\n"), "fd.num=1", YES},
        {EXC("  - name: e\n    fields: [proc.name]\n    values:\n    - ['a b']\n"),
         "fd.num=1; proc.name=a b", NO},
        {RULE_T("fd.num = 1 or fd.num = 2") "  exceptions:\n  - name: e\n    fields: proc.name\n   "
                                            " values: [a]\n",
         "fd.num=1; proc.name=a", NO},
        {EXC("  - name: e\n    fields: [proc.name, fd.name]\n    values:\n    - [a]\n"), "",
         "!10:7: rule 'T': exception 'e': it has 2 fields, but here 1 value"},
        {EXC("  - name: e\n    fields: [proc.name, fd.name]\n    comps: [=]\n    values:\n    - "
             "[a, b]\n"),
         "", "!9:12: rule 'T': exception 'e': 'comps' must be a list as long as 'fields'"},
        {EXC("  - name: e\n    fields: [proc.nam]\n    values:\n    - [a]\n"), "",
         "!8:14: rule 'T': exception 'e': unknown field 'proc.nam'; did you mean 'proc.name'?"},
        {EXC("  - name: e\n    fields: [proc.name]\n    comps: [is]\n    values:\n    - [a]\n"), "",
         "!9:13: rule 'T': exception 'e': 'is' is no comparator with a value; did you mean 'in'?"},
        {EXC("  - name: e\n    values:\n    - [a]\n"), "",
         "!7:5: rule 'T': exception 'e' has no 'fields'"},
        {EXC("  - fields: [proc.name]\n    values:\n    - [a]\n"), "",
         "!7:5: rule 'T': an exception has no 'name'"},
        {EXC("  - name: e\n    fields: [proc.pid]\n    values:\n    - [x]\n"), "",
         "!10:8: rule 'T': exception 'e': 'x' is not a number"},
    };

    (void)state;
    LANG_CHECK(rows);
}

static void overrides(void **state)
{
    static const struct lang_row rows[] = {
        {RULE_T("fd.num = 1") "- rule: T\n  condition: and proc.name = a\n  override: {condition: "
                              "append}\n",
         "fd.num=1", NO},
        {RULE_T("fd.num = 1") "- rule: T\n  condition: and proc.name = a\n  override: {condition: "
                              "append}\n",
         "fd.num=1; proc.name=a", YES},
        {RULE_T("fd.num = 1") "- rule: T\n  condition: or proc.name = a\n  override: {condition: "
                              "append}\n",
         "proc.name=a", YES},
        {RULE_T("fd.num = 1") "- rule: T\n  condition: proc.name = a\n  override: {condition: "
                              "replace}\n",
         "proc.name=a", YES},
        {RULE_T("fd.num = 1") "- rule: T\n  condition: proc.name = a\n  override: {condition: "
                              "replace}\n",
         "fd.num=1", NO},
        {RULE_T("fd.num = 1") "- rule: T\n  append: true\n  condition: and proc.name = a\n",
         "fd.num=1", NO},
        {RULE_T("fd.num = 1") "- rule: T\n  enabled: false\n", "fd.num=1", NO},
        {RULE_T("fd.num = 1") "- rule: T\n  enabled: false\n  override: {enabled: replace}\n",
         "fd.num=1", NO},
        {RULE_T("fd.num = 1") "  enabled: false\n", "fd.num=1", NO},
        {RULE_T("fd.num = 1") "  enabled: false\n- rule: T\n  enabled: true\n  override: {enabled: "
                              "replace}\n",
         "fd.num=1", YES},
        {RULE_T("fd.num = 1") RULE_T("proc.name = a"), "proc.name=a", YES},
        {RULE_T("fd.num = 1") RULE_T("proc.name = a"), "fd.num=1", NO},
        {RULE_T("fd.num = 1") RULE_OF("U", "fd.num = 1"), "fd.num=1", "T U"},
        {MACRO("m", "fd.num = 1") "- macro: m\n  condition: or fd.num = 2\n  override: {condition: "
                                  "append}\n" RULE_T("m"),
         "fd.num=2", YES},
        {MACRO("m", "fd.num = 1") "- macro: m\n  condition: fd.num = 2\n  override: {condition: "
                                  "replace}\n" RULE_T("m"),
         "fd.num=1", NO},
        {MACRO("m",
               "fd.num = 1") "- macro: m\n  append: true\n  condition: or fd.num = 2\n" RULE_T("m"),
         "fd.num=2", YES},
        {LIST("l", "[a]") "- list: l\n  items: [b]\n  override: {items: append}\n" RULE_T(
             "proc.name in (l)"),
         "proc.name=a", YES},
        {LIST("l", "[a]") "- list: l\n  items: [b]\n  override: {items: append}\n" RULE_T(
             "proc.name in (l)"),
         "proc.name=b", YES},
        {LIST("l", "[a]") "- list: l\n  items: [b]\n  override: {items: replace}\n" RULE_T(
             "proc.name in (l)"),
         "proc.name=a", NO},
        {LIST("l", "[a]") "- list: l\n  append: true\n  items: [b]\n" RULE_T("proc.name in (l)"),
         "proc.name=b", YES},
        {EXC("  - name: e\n    fields: proc.name\n    values: [a]\n") "- rule: T\n  exceptions:\n  "
                                                                      "- name: e\n    values: "
                                                                      "[b]\n  override: "
                                                                      "{exceptions: append}\n",
         "fd.num=1; proc.name=b", NO},
        {EXC("  - name: e\n    fields: proc.name\n    values: [a]\n") "- rule: T\n  exceptions:\n  "
                                                                      "- name: e\n    values: "
                                                                      "[b]\n  override: "
                                                                      "{exceptions: append}\n",
         "fd.num=1; proc.name=a", NO},
        {EXC("  - name: e\n    fields: proc.name\n    values: [a]\n") "- rule: T\n  exceptions:\n  "
                                                                      "- name: f\n    fields: "
                                                                      "fd.name\n    values: [/x]\n "
                                                                      " override: {exceptions: "
                                                                      "append}\n",
         "fd.num=1; fd.name=/x", NO},
        {EXC("  - name: e\n    fields: proc.name\n    values: [a]\n") "- rule: T\n  exceptions:\n  "
                                                                      "- name: f\n    fields: "
                                                                      "fd.name\n    values: [/x]\n "
                                                                      " override: {exceptions: "
                                                                      "replace}\n",
         "fd.num=1; proc.name=a", YES},
        {EXC("  - name: e\n    fields: proc.name\n") "- rule: T\n  append: true\n  exceptions:\n  "
                                                     "- name: e\n    values: [b]\n",
         "fd.num=1; proc.name=b", NO},
        {RULE_T("fd.num = 1") "- rule: T\n  condition: and proc.name = a\n  override: {condition: "
                              "add}\n",
         "", "!8:25: rule 'T': an override is 'append' or 'replace'"},
        {RULE_T("fd.num = 1") "- rule: T\n  override: {condition: append}\n", "",
         "!7:14: rule 'T': 'override' names 'condition', but there is no 'condition'"},
        {RULE_T("fd.num = 1") "- rule: T\n  priority: error\n  override: {priority: append}\n", "",
         "!8:14: rule 'T': 'priority' cannot be appended to, only replaced"},
        {RULE_T("fd.num = 1") "- rule: T\n  condition: and and\n  override: {condition: append}\n",
         "", "!7:18: rule 'T': expected a field, a macro, 'not' or '(', not 'and'"},
        {"- rule: U\n  condition: and proc.name = a\n  override: {condition: append}\n", "",
         "!1:3: rule 'U': there is no rule of that name to override"},
        {"- macro: m\n  condition: or fd.num = 2\n  override: {condition: append}\n" RULE_T(
             "fd.num = 1"),
         "", "!1:10: macro 'm': there is no macro of that name to append to"},
        {"- list: l\n  items: [b]\n  override: {items: append}\n" RULE_T("fd.num = 1"), "",
         "!1:9: list 'l': there is no list of that name to append to"},
        {"- rule: T\n  desc: d\n  output: o\n  priority: info\n", "",
         "!1:3: rule 'T' has no 'condition'"},
        {RULE_T("fd.num = 1") "  enabled: perhaps\n", "",
         "!6:12: rule 'T': 'enabled' must be true or false, not 'perhaps'"},
        {"- rule: T\n  desc: d\n  condition: fd.num = 1\n  output: o\n  priority: high\n", "",
         "!5:13: rule 'T': 'high' is no priority; there are emergency, alert, critical, "
         "error, warning, notice, informational and debug"},
        {"- rule: T\n  desc: d\n  condition: fd.num = 1\n  output: '%fd.nun'\n  priority: info\n",
         "", "!4:13: rule 'T': unknown field 'fd.nun'; did you mean 'fd.num'?"},
        {"- rul: T\n" RULE_T("fd.num = 1"), "fd.num=1", YES},
        {RULE_T("foo.bar = 1") "  skip-if-unknown-filter: true\n" RULE_OF("U", "fd.num = 1"),
         "fd.num=1", "U"},
        {RULE_T("fd.num = 1") "  source: nowhere\n" RULE_OF("U", "fd.num = 1"), "fd.num=1", "U"},
    };

    (void)state;
    LANG_CHECK(rows);
}

static void count(void **state)
{
    (void)state;
    print_message("%zu cases of rule files\n", lang_count());
    assert_true(lang_count() >= 160);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logic),      cmocka_unit_test(macros),    cmocka_unit_test(lists),
        cmocka_unit_test(exceptions), cmocka_unit_test(overrides), cmocka_unit_test(count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
