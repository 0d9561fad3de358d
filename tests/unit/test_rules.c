/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions and outputs resolved and checked: what a rule file becomes, or what is wrong in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include "../lib/rules_load.h"

#include <cmocka.h>
#include <gyr/output.h>

/* One condition in a rule of its own, "%s", with the macros and lists before it. */
#define PRELUDE                                                                                    \
    "- list: shells\n  items: [bash, zsh]\n"                                                       \
    "- list: more\n  items: [shells, 'a b', '\"q r\"', fish]\n"                                    \
    "- list: none\n  items: []\n"                                                                  \
    "- list: one\n  items: [sh]\n"                                                                 \
    "- list: self\n  items: [self, selfd]\n"                                                       \
    "- macro: opened\n  condition: evt.type in (open, openat)\n"                                   \
    "- macro: shell\n  condition: (proc.name in (shells) or proc.name = sh)\n"                     \
    "- macro: both\n  condition: opened and not shell\n"

enum { PRELUDE_LINES = 16 };

static const struct {
    const char *cond, *want;
} good[] = {
    {"opened", "evt.type in (open,openat)"},
    {"both or fd.num = 3",
     "(evt.type in (open,openat) and not (proc.name in (bash,zsh) or proc.name = sh)) or fd.num = "
     "3"},
    {"proc.name in (more, x)", "proc.name in (bash,zsh,\"a b\",\"q r\",fish,x)"},
    {"proc.name in more", "proc.name in (bash,zsh,\"a b\",\"q r\",fish)"},
    {"proc.name in (none)", "proc.name in ()"},
    {"proc.name in (a, none, b)", "proc.name in (a,b)"},
    {"proc.name in ('shells')", "proc.name in (shells)"},
    {"proc.name in (self)", "proc.name in (self,selfd)"},
    {"proc.name = one", "proc.name = sh"},
    {"proc.name = \"one\"", "proc.name = one"},
    {"proc.name startswith oneof (shells)", "proc.name startswith oneof (bash,zsh)"},
    {"proc.name startswith oneof shells", "proc.name startswith oneof (bash,zsh)"},
    {"fd.num >= 0x10", "fd.num >= 16"},
    {"fd.num = -1", "fd.num = -1"},
    {"evt.is_open_read = true", "evt.is_open_read = true"},
    {"fd.sip = 10.0.0.1", "fd.sip = 10.0.0.1"},
    {"fd.sip in (::1, 10.1.2.3)", "fd.sip in (::1,10.1.2.3)"},
    {"fd.snet = 10.0.0.0/8", "fd.snet = 10.0.0.0/8"},
    {"fd.snet in (\"10.0.0.0/8\", \"192.168.0.0/16\")", "fd.snet in (10.0.0.0/8,192.168.0.0/16)"},
    {"fd.types in (ipv4, file)", "fd.types in (ipv4,file)"},
    {"fd.types intersects (ipv4)", "fd.types intersects (ipv4)"},
    {"len(fd.types) > 2", "len(fd.types) > 2"},
    {"join(',', fd.types) contains ipv4", "join(\",\",fd.types) contains ipv4"},
    {"concat(proc.name, '-', proc.pname) = a-b", "concat(proc.name,-,proc.pname) = a-b"},
    {"proc.name = val(proc.pname)", "proc.name = val(proc.pname)"},
    {"tolower(proc.name) = tolower(proc.pname)", "tolower(proc.name) = tolower(proc.pname)"},
    {"proc.pid = val(proc.ppid)", "proc.pid = val(proc.ppid)"},
    {"proc.aname[2] in (shells)", "proc.aname[2] in (bash,zsh)"},
    {"evt.arg.flags contains O_CREAT", "evt.arg.flags contains O_CREAT"},
    {"evt.arg[flags] contains O_CREAT", "evt.arg[flags] contains O_CREAT"},
    {"proc.env[PATH] exists", "proc.env[PATH] exists"},
    {"proc.name regex '^ba?sh$'", "proc.name regex ^ba?sh$"},
    {"fd.name pmatch (/etc, /usr/bin)", "fd.name pmatch (/etc,/usr/bin)"},
    {"evt.buffer bcontains CAFE", "evt.buffer bcontains CAFE"},
    {"evt.buffer startswith abc", "evt.buffer startswith abc"},
    {"getopt((proc.name, '-a'), 'a')[a] = x", "getopt((proc.name,-a),a)[a] = x"},
    {"not not opened", "evt.type in (open,openat)"},
};

static void conditions(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct loaded l;

        load_rule(&l, PRELUDE, good[i].cond, "x");
        if (l.r != 0 || l.told.len)
            fail_msg("'%s': %s", good[i].cond, l.told.p);
        loaded_condition(&l, 0, &l.told);
        assert_string_equal(l.told.p, good[i].want);
        loaded_free(&l);
    }
}

/* Errors and warnings: column in the condition, then the sentence. */
static const struct {
    const char *cond;
    unsigned col;
    const char *want;
} bad[] = {
    {"openned", 1, "error: unknown macro 'openned'; did you mean 'opened'?"},
    {"opened and nobody", 12, "error: unknown macro 'nobody'"},
    {"shells", 1,
     "error: unknown macro 'shells', but there is a list of that name: 'proc.name in (…)' takes "
     "one"},
    {"proc.nam = x", 1, "error: unknown field 'proc.nam'; did you mean 'proc.name'?"},
    {"opened and proc.nme in (a)", 12,
     "error: unknown field 'proc.nme'; did you mean 'proc.name'?"},
    {"xyzzy.plugh = 1", 1, "error: unknown field 'xyzzy.plugh'"},
    {"proc.name[2] = a", 1, "error: field 'proc.name' takes no argument"},
    {"proc.aname[x] = a", 1, "error: the argument of field 'proc.aname' must be a number, not 'x'"},
    {"evt.arg = a", 1, "error: field 'evt.arg' needs an argument, as in 'evt.arg[name]'"},
    {"proc.pid = abc", 12, "error: 'abc' is not a number"},
    {"proc.pid in (1, two)", 17, "error: 'two' is not a number"},
    {"proc.pid contains 1", 10, "error: 'contains' does not fit 'proc.pid', which is a number"},
    {"proc.name   bcontains 61", 13, "error: 'bcontains' does not fit 'proc.name', which is text"},
    {"evt.is_open_read > 1", 18,
     "error: '>' does not fit 'evt.is_open_read', which is true or false"},
    {"evt.is_open_read = yes", 20, "error: 'yes' is not 'true' or 'false'"},
    {"fd.sip = 10.0.0", 10, "error: '10.0.0' is not an IP address"},
    {"fd.sip startswith 10", 8, "error: 'startswith' does not fit 'fd.sip', which is an address"},
    {"fd.types = file", 10, "error: '=' does not fit 'fd.types', which is a list"},
    {"evt.buffer regex a", 12, "error: 'regex' does not fit 'evt.buffer', which is bytes"},
    {"evt.buffer bcontains xyz", 22,
     "error: 'xyz' is not bytes in hexadecimal, two digits for each"},
    {"proc.name regex '(a'", 17, "error: '(a' is not a regular expression: missing ): (a"},
    {"proc.name = shells", 13,
     "error: list 'shells' has 2 values; '=' takes one: use 'in (shells)'"},
    {"proc.name = none", 13, "error: list 'none' has 0 values; '=' takes one: use 'in (none)'"},
    {"proc.name = val(proc.pid)", 17, "error: 'proc.name' is text, and 'proc.pid' is a number"},
    {"proc.name = val(fd.types)", 17, "error: 'proc.name' is text, and 'fd.types' is a list"},
    {"proc.name regex val(proc.pname)", 21,
     "error: 'regex' on 'proc.name' takes no field on its right"},
    {"fd.snet = val(fd.sip)", 15, "error: '=' on 'fd.snet' takes no field on its right"},
    {"proc.name = val(tolower(proc.name))", 13, "error: val() takes one field"},
    {"tolower(val(proc.name)) = a", 9,
     "error: val() stands on the right of a comparison only, around a field"},
    {"tolower(proc.pid) = a", 9, "error: tolower() takes text, and 'proc.pid' is a number"},
    {"len(proc.pid) = 1", 5,
     "error: len() takes text, bytes or a list, and 'proc.pid' is a number"},
    {"b64(fd.sip) = 1", 5, "error: b64() takes text or bytes, and 'fd.sip' is an address"},
    {"len(proc.name) = x", 18, "error: 'x' is not a number"},
    {"len(proc.name, proc.pname) = 1", 1, "error: len() takes one argument, not 2"},
    {"concat(proc.name) = x", 1, "error: concat() takes two arguments or more"},
    {"concat(proc.name, proc.pid) = x", 19,
     "error: concat() takes texts, and 'proc.pid' is a number"},
    {"join(fd.types, ',') = x", 6,
     "error: join() takes a text as separator, and 'fd.types' is a list"},
    {"join(',', proc.name) = x", 11,
     "error: join() takes a list of texts to join, and 'proc.name' is text"},
    {"join(',', (proc.name, proc.pid)) = x", 23,
     "error: a list of texts is wanted, and 'proc.pid' is a number"},
    {"join(',') = x", 1, "error: join() takes two arguments, a separator and a list, not 1"},
    {"getopt(proc.name, 'a') in (a)", 8,
     "error: getopt() takes a list of texts, and 'proc.name' is text"},
    {"getopt(fd.types) in (a)", 1,
     "error: getopt() takes two arguments, a list and the options' letters"},
    {"getopt(fd.types, 'a')[ab] = x", 1, "error: the brackets of getopt() hold one letter"},
    {"getopt(fd.types, 'a') = x", 23,
     "error: '=' does not fit 'getopt(fd.types, 'a')', which is a list"},
    {"evt.type = opne", 12,
     "warning: no event of source 'syscall' is named 'opne'; did you mean 'open'?"},
    {"evt.type in (open, closse)", 20,
     "warning: no event of source 'syscall' is named 'closse'; did you mean 'close'?"},
    {"evt.type != xyzzyplugh", 13, "warning: no event of source 'syscall' is named 'xyzzyplugh'"},
    {"proc.name = proc.pname", 13,
     "warning: 'proc.pname' is plain text here; val(proc.pname) is the field of that name"},
};

static void problems(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *word = strchr(bad[i].want, ':');
        int word_len = (int)(word - bad[i].want);
        struct loaded l;
        struct buf want;

        load_rule(&l, PRELUDE, bad[i].cond, "x");
        buf_init(&want, 4096);
        buf_addf(&want, "%d:%u: %.*s: rule 'T'%s\n", PRELUDE_LINES + 3, bad[i].col + 13, word_len,
                 bad[i].want, word);
        if (strcmp(l.told.p, want.p) != 0)
            fail_msg("'%s':\n%snot\n%s", bad[i].cond, l.told.p, want.p);
        assert_int_equal(l.r, bad[i].want[0] == 'e' ? -EINVAL : 0);
        buf_free(&want);
        loaded_free(&l);
    }
}

/* A word that nearly is a list's name, without hindering the load. */
static void near_lists(void **state)
{
    struct loaded l;

    (void)state;
    load_rule(&l, "- list: shell_binaries\n  items: [bash]\n", "proc.name in (shell_binarys, x_y)",
              "x");
    assert_int_equal(l.r, 0);
    assert_string_equal(l.told.p, "5:28: warning: rule 'T': 'shell_binarys' is a plain value here; "
                                  "did you mean the list 'shell_binaries'?\n");
    loaded_free(&l);
}

/* What is wrong in a macro is told once, where it stands, however many rules use it. */
static void in_macros(void **state)
{
    static const char text[] = "- macro: m\n"
                               "  condition: >\n"
                               "    evt.type = open and\n"
                               "    proc.nam = x\n" RULE("A", "m") RULE("B", "m or evt.num = 1");
    struct loaded l;

    (void)state;
    load_text(&l, text);
    assert_int_equal(l.r, -EINVAL);
    assert_string_equal(l.told.p, "4:5: error: macro 'm': unknown field 'proc.nam'; did you mean "
                                  "'proc.name'?\n");
    loaded_free(&l);
}

static void cycles(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"- macro: a\n  condition: a\n", "2:14: error: macro 'a' contains itself: a → a\n"},
        {"- macro: a\n  condition: b\n- macro: b\n  condition: x.y = 1 and (not c)\n- macro: c\n  "
         "condition: a\n",
         "6:14: error: macro 'a' contains itself: a → b → c → a\n"},
        {"- macro: top\n  condition: a\n- macro: a\n  condition: b or b\n- macro: b\n  condition: "
         "a\n",
         "6:14: error: macro 'a' contains itself: a → b → a\n"},
        {"- list: a\n  items: [x, b]\n- list: b\n  items: [a]\n",
         "4:11: error: list 'a' contains itself: a → b → a\n"},
        {"- macro: a\n  condition: nope\n", "2:14: error: macro 'a': unknown macro 'nope'\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct loaded l;

        load_text(&l, cases[i].text);
        assert_int_equal(l.r, -EINVAL);
        assert_string_equal(l.told.p, cases[i].want);
        loaded_free(&l);
    }
}

/* n macros (or lists), each twice the one before: 2^n nodes. */
static void bombs(void **state)
{
    struct loaded l;
    struct buf b;

    (void)state;
    buf_init(&b, 1 << 20);
    buf_adds(&b, "- macro: m0\n  condition: evt.num = 1\n");
    for (int i = 1; i < 40; i++)
        buf_addf(&b, "- macro: m%d\n  condition: m%d or m%d\n", i, i - 1, i - 1);
    buf_adds(&b, RULE("R", "m39"));
    load_text(&l, b.p);
    assert_int_equal(l.r, -ENOMEM);
    assert_non_null(strstr(l.told.p,
                           ": error: rule 'R': macros and lists open to more than 1000000 "
                           "conditions and values\n"));
    loaded_free(&l);

    buf_reset(&b);
    buf_adds(&b, "- list: l0\n  items: [a, b]\n");
    for (int i = 1; i < 40; i++)
        buf_addf(&b, "- list: l%d\n  items: [l%d, l%d]\n", i, i - 1, i - 1);
    load_text(&l, b.p);
    assert_int_equal(l.r, -ENOMEM);
    assert_non_null(strstr(l.told.p, "the lists open to more than 1000000 values"));
    loaded_free(&l);

    buf_reset(&b);
    for (int i = 0; i < 100; i++)
        buf_addf(&b, "- macro: m%d\n  condition: not m%d\n", i, i + 1);
    buf_adds(&b, "- macro: m100\n  condition: evt.num = 1\n");
    load_text(&l, b.p);
    assert_int_equal(l.r, -EINVAL);
    assert_non_null(strstr(l.told.p, "macros nested more than 60 deep"));
    loaded_free(&l);
    buf_free(&b);
}

static const struct {
    const char *output, *want; /* parts joined by '|', "{n}" an output; then the outputs' names */
} outputs[] = {
    {"plain", "plain"},
    {"%proc.name", "{0} proc.name"},
    {"a %proc.name.", "a |{0}|. proc.name"},
    {"%proc.name%proc.name", "{0}|{0} proc.name"},
    {"%proc.aname[2] %proc.aname[3]", "{0}| |{1} proc.aname[2] proc.aname[3]"},
    {"%evt.arg.flags %evt.arg[flags]", "{0}| |{1} evt.arg.flags evt.arg[flags]"},
    {"%tolower(proc.name)!", "{1}|! proc.name tolower(proc.name)"},
    {"%toupper( tolower(proc.name) )", "{1} proc.name toupper(tolower(proc.name))"},
    {"%join(\"-\", (proc.name, proc.pname))",
     "{2} proc.name proc.pname join(-,(proc.name,proc.pname))"},
    {"*a=%proc.name b", "a=|{0}| b proc.name"},
    {"%20proc.name|", "{0:20}|| proc.name"},
    {"%container.id[x]", "{0}|[x] container.id"},
    {"%fd.name\\\" x", "{0}|\\\" x fd.name"},
};

static void templates(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(outputs); i++) {
        struct loaded l;

        load_rule(&l, "", "evt.num = 1", outputs[i].output);
        if (l.r != 0 || l.told.len)
            fail_msg("'%s': %s", outputs[i].output, l.told.p);
        loaded_output(&l, 0, &l.told);
        assert_string_equal(l.told.p, outputs[i].want);
        loaded_free(&l);
    }
}

static const struct {
    const char *output;
    unsigned col;
    const char *want;
} bad_outputs[] = {
    {"a %proc.nam", 4, "error: rule 'T': unknown field 'proc.nam'; did you mean 'proc.name'?"},
    {"100%", 5,
     "error: rule 'T': output: expected a field or a transformer, but the text ends here"},
    {"%%", 2, "error: rule 'T': output: expected a field or a transformer, not '%'"},
    {"a % b", 4, "error: rule 'T': output: expected a field or a transformer, not ' '"},
    {"%proc", 2,
     "error: rule 'T': output: 'proc' is no field: a field has a dot, as 'proc.name' "
     "has"},
    {"%tolower(proc.name", 19,
     "error: rule 'T': output: expected ',' or ')' in the transformer, but the text ends here"},
    {"%tolower(proc.pid)", 10, "error: rule 'T': tolower() takes text, and 'proc.pid' is a number"},
    {"%lower(proc.name)", 2,
     "error: rule 'T': output: unknown transformer 'lower'; did you mean 'tolower'?"},
    {"%5000proc.name", 2, "error: rule 'T': output: a width is at most 1024"},
    {"%proc.names", 2,
     "warning: rule 'T': the output shows field 'proc.name' and then 's' as text"},
    {"%container.info", 2,
     "warning: rule 'T': %container.info is deprecated and stands for nothing"},
};

static void bad_templates(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad_outputs); i++) {
        struct loaded l;
        struct buf want;

        load_rule(&l, "", "evt.num = 1", bad_outputs[i].output);
        buf_init(&want, 4096);
        /* output: '…' — the text begins in column 12 of line 4 */
        buf_addf(&want, "4:%u: %s\n", bad_outputs[i].col + 11, bad_outputs[i].want);
        if (!strstr(l.told.p, want.p))
            fail_msg("'%s':\n%snot\n%s", bad_outputs[i].output, l.told.p, want.p);
        buf_free(&want);
        loaded_free(&l);
    }
}

static void priorities(void **state)
{
    static const char *const names[] = {"Emergency", "Alert",  "Critical",      "Error",
                                        "Warning",   "Notice", "Informational", "Debug"};

    (void)state;
    for (int i = 0; i < 8; i++) {
        assert_string_equal(priority_name((uint32_t)i), names[i]);
        assert_int_equal(priority_parse(names[i]), i);
    }
    assert_int_equal(priority_parse("wArNiNg"), GYR_PRIO_WARNING);
    assert_int_equal(priority_parse("INFO"), GYR_PRIO_INFORMATIONAL);
    assert_int_equal(priority_parse("warn"), -EINVAL);
    assert_int_equal(priority_parse(""), -EINVAL);
}

/* Messages outlive the rules they are about, with the line they point at. */
static void messages_outlive(void **state)
{
    struct loaded l;
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    (void)state;
    assert_non_null(f);
    load_rule(&l, "", "proc.nam = x", "x");
    assert_null(l.rs);
    diags_print(&l.d, f, false);
    (void)fclose(f);
    assert_string_equal(text,
                        "t.yaml:3:14: error: rule 'T': unknown field 'proc.nam'; did you mean "
                        "'proc.name'?\n"
                        "    condition: proc.nam = x\n"
                        "               ^\n");
    free(text);
    loaded_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions), cmocka_unit_test(problems),
        cmocka_unit_test(near_lists), cmocka_unit_test(in_macros),
        cmocka_unit_test(cycles),     cmocka_unit_test(bombs),
        cmocka_unit_test(templates),  cmocka_unit_test(bad_templates),
        cmocka_unit_test(priorities), cmocka_unit_test(messages_outlive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
