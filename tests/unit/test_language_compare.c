/* SPDX-License-Identifier: Apache-2.0 */
/* The rule language end to end, by table: each comparator on values that are there, absent, empty
 * and of the wrong type. What is expected is what Falco's documentation says of conditions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../lib/language.h"

#define YES "T"
#define NO  ""

static void equal(void **state)
{
    static const struct lang_row rows[] = {
        {"proc.name = cat", "proc.name=cat", YES},
        {"proc.name = cat", "proc.name=Cat", NO},
        {"proc.name = cat", "proc.name=cat2", NO},
        {"proc.name = cat", "proc.name=ca", NO},
        {"proc.name = cat", "proc.name=", NO},
        {"proc.name = cat", "", NO},
        {"proc.name == cat", "proc.name=cat", YES},
        {"proc.name == cat", "proc.name=dog", NO},
        {"proc.name == cat", "", NO},
        {"proc.name=cat", "proc.name=cat", YES},
        {"proc.args = ''", "proc.args=", YES},
        {"proc.args = \"\"", "proc.args=-l", NO},
        {"proc.args = ''", "", NO},
        {"proc.pid = 17", "proc.pid=17", YES},
        {"proc.pid = 17", "proc.pid=-17", NO},
        {"proc.pid = 17", "", NO},
        {"proc.pid == 17", "proc.pid=17", YES},
        {"proc.pid = cat", "proc.pid=17", "!4:16: rule 'T': 'cat' is not a number"},
        {"proc.pid = ''", "proc.pid=17", "!4:16: rule 'T': '' is not a number"},
        {"evt.failed = true", "evt.failed=true", YES},
        {"evt.failed = true", "evt.failed=false", NO},
        {"evt.failed = false", "evt.failed=false", YES},
        {"evt.failed = false", "", NO},
        {"evt.failed = maybe", "evt.failed=true",
         "!4:18: rule 'T': 'maybe' is not 'true' or 'false'"},
        {"evt.failed = 'true'", "evt.failed=true", YES},
        {"fd.sip = 10.0.0.1", "fd.sip=10.0.0.1", YES},
        {"fd.sip = 10.0.0.1", "fd.sip=10.0.0.2", NO},
        {"fd.sip = 10.0.0.1", "", NO},
        {"fd.sip = localhost", "fd.sip=10.0.0.1",
         "!4:14: rule 'T': 'localhost' is not an IP address"},
        {"evt.buffer = abc", "evt.buffer=616263", YES},
        {"evt.buffer = abc", "evt.buffer=61626300", NO},
        {"evt.buffer = ''", "evt.buffer=", YES},
        {"fd.types = file", "fd.types=(file)",
         "!4:14: rule 'T': '=' does not fit 'fd.types', which is a list"},
        {"proc.name =", "", "!4:16: rule 'T': expected a value after '=', but the text ends here"},
        {"proc.name = = cat", "", "!4:17: rule 'T': expected a value after '=', not '='"},
    };

    (void)state;
    LANG_CHECK(rows);
}

static void differs(void **state)
{
    static const struct lang_row rows[] = {
        {"proc.name != cat", "proc.name=dog", YES},
        {"proc.name != cat", "proc.name=cat", NO},
        {"proc.name != cat", "proc.name=", YES},
        {"proc.name != ''", "proc.name=", NO},
        {"proc.name != ''", "proc.name=cat", YES},
        {"proc.name != cat", "", NO},
        {"not proc.name != cat", "", YES},
        {"proc.pid != 17", "proc.pid=18", YES},
        {"proc.pid != 17", "proc.pid=17", NO},
        {"proc.pid != 17", "", NO},
        {"proc.pid != x", "proc.pid=17", "!4:17: rule 'T': 'x' is not a number"},
        {"evt.failed != true", "evt.failed=false", YES},
        {"evt.failed != true", "evt.failed=true", NO},
        {"evt.failed != yes", "evt.failed=true", "!4:19: rule 'T': 'yes' is not 'true' or 'false'"},
        {"fd.sip != 10.0.0.1", "fd.sip=10.0.0.2", YES},
        {"fd.sip != 10.0.0.1", "fd.sip=10.0.0.1", NO},
        {"fd.sip != 10.0.0.1", "", NO},
        {"fd.types != file", "fd.types=(file)",
         "!4:14: rule 'T': '!=' does not fit 'fd.types', which is a list"},
        /* either end of a connection: none may be it */
        {"fd.ip != 10.0.0.1", "fd.ip=(10.0.0.1|10.0.0.2)", NO},
        {"fd.ip != 10.0.0.1", "fd.ip=(10.0.0.3|10.0.0.2)", YES},
        {"fd.port != 80", "fd.port=(80|443)", NO},
        {"fd.port != 80", "fd.port=(81|443)", YES},
        /* any ancestor: one that differs is enough */
        {"proc.aname != sh", "proc.aname=(sh|init)", YES},
        {"proc.aname != sh", "proc.aname=(sh|sh)", NO},
        {"proc.apid != 1", "proc.apid=(5|1)", YES},
        {"proc.name <> cat", "", "!4:16: rule 'T': expected a number after '<', not '>'"},
        {"proc.name ! cat", "", "!4:15: rule 'T': '!' is no comparator"},
    };

    (void)state;
    LANG_CHECK(rows);
}

static void order(void **state)
{
    static const struct lang_row rows[] = {
        {"proc.pid < 10", "proc.pid=9", YES},
        {"proc.pid < 10", "proc.pid=10", NO},
        {"proc.pid < 10", "proc.pid=-1", YES},
        {"proc.pid < 10", "", NO},
        {"proc.pid < ten", "proc.pid=9", "!4:16: rule 'T': expected a number after '<', not 'ten'"},
        {"proc.pid <= 10", "proc.pid=10", YES},
        {"proc.pid <= 10", "proc.pid=11", NO},
        {"proc.pid <= 10", "", NO},
        {"proc.pid <= ''", "proc.pid=9", "!4:17: rule 'T': expected a number after '<=', not '''"},
        {"proc.pid > 10", "proc.pid=11", YES},
        {"proc.pid > 10", "proc.pid=10", NO},
        {"proc.pid > -1", "proc.pid=0", YES},
        {"proc.pid > 10", "", NO},
        {"proc.pid > (10)", "proc.pid=9", "!4:16: rule 'T': expected a number after '>', not '('"},
        {"proc.pid >= 10", "proc.pid=10", YES},
        {"proc.pid >= 10", "proc.pid=9", NO},
        {"proc.pid >= 10", "", NO},
        {"proc.pid >= proc.ppid", "proc.pid=9",
         "!4:17: rule 'T': expected a number after '>=', not 'proc.ppid'"},
        {"fd.num>=0", "fd.num=3", YES},
        {"fd.num>=0", "fd.num=-2", NO},
        {"user.uid < 1000", "user.uid=4294967295", NO},
        {"user.uid > 4294967294", "user.uid=4294967295", YES},
        {"user.uid > -1", "user.uid=5",
         "!4:16: rule 'T': '-1' is negative, but the field never is"},
        {"evt.buflen >= 18446744073709551615", "evt.buflen=18446744073709551615", YES},
        {"proc.duration > 1000000000", "proc.duration=1000000001", YES},
        {"proc.fdusage >= 49.5", "proc.fdusage=49.5", YES},
        {"proc.fdusage < 49.5", "proc.fdusage=49.5", NO},
        {"evt.rawtime > 5", "evt.rawtime=6", YES},
        {"fd.sip < 10.0.0.1", "fd.sip=10.0.0.1",
         "!4:18: rule 'T': expected 'and', 'or' or the end, not '.0.1'"},
        {"evt.failed < 1", "evt.failed=true",
         "!4:16: rule 'T': '<' does not fit 'evt.failed', which is true or false"},
        {"fd.types > 1", "fd.types=(file)",
         "!4:14: rule 'T': '>' does not fit 'fd.types', which is a list"},
        {"evt.buffer < 1", "evt.buffer=30",
         "!4:16: rule 'T': '<' does not fit 'evt.buffer', which is bytes"},
    };

    (void)state;
    LANG_CHECK(rows);
}

static void contains(void **state)
{
    static const struct lang_row rows[] = {
        {"proc.cmdline contains \"-jar\"", "proc.cmdline=java -jar x", YES},
        {"proc.cmdline contains \"-jar\"", "proc.cmdline=java -JAR x", NO},
        {"proc.cmdline contains -jar", "proc.cmdline=-jar", YES},
        {"proc.cmdline contains -jar", "proc.cmdline=-ja", NO},
        {"proc.cmdline contains -jar", "proc.cmdline=", NO},
        {"proc.cmdline contains -jar", "", NO},
        {"not proc.cmdline contains -jar", "", YES},
        {"proc.cmdline contains ''", "proc.cmdline=x", YES},
        {"proc.cmdline contains ''", "proc.cmdline=", YES},
        {"proc.cmdline contains ''", "", NO},
        {"proc.pid contains 1", "proc.pid=1",
         "!4:14: rule 'T': 'contains' does not fit 'proc.pid', which is a number"},
        {"fd.sip contains 1", "fd.sip=1.1.1.1",
         "!4:12: rule 'T': 'contains' does not fit 'fd.sip', which is an address"},
        {"fd.types contains file", "fd.types=(file)",
         "!4:14: rule 'T': 'contains' does not fit 'fd.types', which is a list"},
        {"evt.buffer contains abc", "evt.buffer=006162630a", YES},
        {"evt.buffer contains abd", "evt.buffer=006162630a", NO},
        {"evt.buffer contains \"\\x00\"", "evt.buffer=610062", YES},
        {"fd.name contains \"\\x00\"", "fd.name=x",
         "!4:22: rule 'T': a string holds a zero byte, which no value can have"},
        {"fd.name contains \"\\x2f\\x65\"", "fd.name=/etc", YES},
        {"proc.aname contains ssh", "proc.aname=(bash|sshd)", YES},
        {"proc.aname contains ssh", "proc.aname=(bash|init)", NO},
        {"proc.cmdline icontains JAR", "proc.cmdline=java -jAr", YES},
        {"proc.cmdline icontains jar", "proc.cmdline=JA R", NO},
        {"proc.cmdline icontains jar", "proc.cmdline=", NO},
        {"proc.cmdline icontains jar", "", NO},
        {"proc.cmdline icontains ''", "proc.cmdline=", YES},
        {"proc.pid icontains 1", "proc.pid=1",
         "!4:14: rule 'T': 'icontains' does not fit 'proc.pid', which is a number"},
        {"evt.buffer icontains a", "evt.buffer=61",
         "!4:16: rule 'T': 'icontains' does not fit 'evt.buffer', which is bytes"},
        {"evt.buffer bcontains CAFEBABE", "evt.buffer=00cafebabe00", YES},
        {"evt.buffer bcontains cafebabe", "evt.buffer=cafebab0", NO},
        {"evt.buffer bcontains 00", "evt.buffer=6100", YES},
        {"evt.buffer bcontains 00", "evt.buffer=", NO},
        {"evt.buffer bcontains 00", "", NO},
        {"evt.buffer bcontains xyz", "evt.buffer=00",
         "!4:26: rule 'T': 'xyz' is not bytes in hexadecimal, two digits for each"},
        {"evt.buffer bcontains 0", "evt.buffer=00",
         "!4:26: rule 'T': '0' is not bytes in hexadecimal, two digits for each"},
        {"evt.buffer bcontains ''", "evt.buffer=00",
         "!4:26: rule 'T': '' is not bytes in hexadecimal, two digits for each"},
        {"fd.name bcontains 2f", "fd.name=/",
         "!4:13: rule 'T': 'bcontains' does not fit 'fd.name', which is text"},
        {"proc.pid bcontains 2f", "proc.pid=1",
         "!4:14: rule 'T': 'bcontains' does not fit 'proc.pid', which is a number"},
    };

    (void)state;
    LANG_CHECK(rows);
}

static void begins_and_ends(void **state)
{
    static const struct lang_row rows[] = {
        {"fd.name startswith /etc/", "fd.name=/etc/passwd", YES},
        {"fd.name startswith /etc/", "fd.name=/etc", NO},
        {"fd.name startswith /etc/", "fd.name=x/etc/", NO},
        {"fd.name startswith /etc/", "fd.name=", NO},
        {"fd.name startswith /etc/", "", NO},
        {"fd.name startswith ''", "fd.name=", YES},
        {"fd.num startswith 1", "fd.num=1",
         "!4:12: rule 'T': 'startswith' does not fit 'fd.num', which is a number"},
        {"fd.types startswith f", "fd.types=(file)",
         "!4:14: rule 'T': 'startswith' does not fit 'fd.types', which is a list"},
        {"evt.buffer startswith ab", "evt.buffer=616263", YES},
        {"proc.aname startswith ss", "proc.aname=(init|sshd)", YES},
        {"evt.buffer bstartswith 012AB3CC", "evt.buffer=012ab3cc00", YES},
        {"evt.buffer bstartswith 012AB3CC", "evt.buffer=00012ab3cc", NO},
        {"evt.buffer bstartswith 012AB3CC", "evt.buffer=012a", NO},
        {"evt.buffer bstartswith 01", "evt.buffer=", NO},
        {"evt.buffer bstartswith 01", "", NO},
        {"evt.buffer bstartswith 0g",
         "evt.buffer=", "!4:28: rule 'T': '0g' is not bytes in hexadecimal, two digits for each"},
        {"fd.name bstartswith 2f", "fd.name=/",
         "!4:13: rule 'T': 'bstartswith' does not fit 'fd.name', which is text"},
        {"fd.name endswith .so", "fd.name=/lib/a.so", YES},
        {"fd.name endswith .so", "fd.name=/lib/a.so.1", NO},
        {"fd.name endswith .so", "fd.name=so", NO},
        {"fd.name endswith .so", "fd.name=", NO},
        {"fd.name endswith .so", "", NO},
        {"fd.name endswith ''", "fd.name=", YES},
        {"fd.port endswith 0", "fd.port=80",
         "!4:13: rule 'T': 'endswith' does not fit 'fd.port', which is a number that is never "
         "negative"},
        {"fd.sip endswith 1", "fd.sip=1.1.1.1",
         "!4:12: rule 'T': 'endswith' does not fit 'fd.sip', which is an address"},
        {"evt.failed startswith t", "evt.failed=true",
         "!4:16: rule 'T': 'startswith' does not fit 'evt.failed', which is true or false"},
    };

    (void)state;
    LANG_CHECK(rows);
}

static void patterns(void **state)
{
    static const struct lang_row rows[] = {
        {"fd.name glob \"/home/*/.ssh/*\"", "fd.name=/home/u/.ssh/id", YES},
        {"fd.name glob \"/home/*/.ssh/*\"", "fd.name=/root/.ssh/id", NO},
        {"fd.name glob /proc/*/environ", "fd.name=/proc/1/environ", YES},
        {"fd.name glob '*../*../*'", "fd.name=a/../../b", YES},
        {"fd.name glob /etc", "fd.name=/etc/x", NO},
        {"fd.name glob '*'", "fd.name=", YES},
        {"fd.name glob '*'", "", NO},
        {"fd.name glob '?'", "fd.name=", NO},
        {"fd.name glob ''", "fd.name=", YES},
        {"fd.name glob '/tmp/?.sh'", "fd.name=/tmp/a.sh", YES},
        {"fd.name glob '/tmp/?.sh'", "fd.name=/tmp/ab.sh", NO},
        {"fd.name glob '[a-c]x'", "fd.name=bx", YES},
        {"fd.name glob '[!a-c]x'", "fd.name=bx", NO},
        {"fd.name glob 'A*'", "fd.name=abc", NO},
        {"fd.num glob 1*", "fd.num=1",
         "!4:12: rule 'T': 'glob' does not fit 'fd.num', which is a number"},
        {"fd.types glob f*", "fd.types=(file)",
         "!4:14: rule 'T': 'glob' does not fit 'fd.types', which is a list"},
        {"fd.name iglob 'A*C'", "fd.name=abc", YES},
        {"fd.name iglob 'a?c'", "fd.name=ABC", YES},
        {"fd.name iglob 'a?c'", "fd.name=ABD", NO},
        {"fd.name iglob '*'", "fd.name=", YES},
        {"fd.name iglob '*'", "", NO},
        {"evt.buffer iglob '*'", "evt.buffer=61",
         "!4:16: rule 'T': 'iglob' does not fit 'evt.buffer', which is bytes"},
        {"fd.name regex '[a-z]*/proc/[0-9]+/cmdline'", "fd.name=/proc/12/cmdline", YES},
        {"fd.name regex '/proc/[0-9]+/cmdline'", "fd.name=x/proc/12/cmdline", NO},
        {"fd.name regex '/proc/[0-9]+'", "fd.name=/proc/12/cmdline", NO},
        {"fd.name regex '(a|b)c'", "fd.name=bc", YES},
        {"fd.name regex ''", "fd.name=", YES},
        {"fd.name regex '.*'", "fd.name=", YES},
        {"fd.name regex '.+'", "fd.name=", NO},
        {"fd.name regex '.*'", "", NO},
        {"fd.name regex \"/tmp/bad.\"", "fd.name=/tmp/bad\xff", YES},
        {"fd.name regex \"/tmp/bad\xef\xbf\xbd\"", "fd.name=/tmp/bad\xff", YES},
        {"fd.name regex '('", "fd.name=x",
         "!4:19: rule 'T': '(' is not a regular expression: missing ): ("},
        {"fd.name regex '(a)\\\\1'", "fd.name=aa",
         "!4:19: rule 'T': '(a)\\1' is not a regular expression: invalid escape sequence: \\1"},
        {"fd.name regex '*a'", "fd.name=a",
         "!4:19: rule 'T': '*a' is not a regular expression: no argument for repetition operator: "
         "*"},
        {"fd.num regex '1'", "fd.num=1",
         "!4:12: rule 'T': 'regex' does not fit 'fd.num', which is a number"},
        {"fd.types regex 'f.*'", "fd.types=(file)",
         "!4:14: rule 'T': 'regex' does not fit 'fd.types', which is a list"},
    };

    (void)state;
    LANG_CHECK(rows);
}

static void sets(void **state)
{
    static const struct lang_row rows[] = {
        {"proc.name in (cat, dog)", "proc.name=dog", YES},
        {"proc.name in (cat, dog)", "proc.name=do", NO},
        {"proc.name in (cat,dog)", "proc.name=cat", YES},
        {"proc.name in (cat)", "proc.name=cat", YES},
        {"proc.name in ('a b', \"c,d\")", "proc.name=c,d", YES},
        {"proc.name in (cat, '')", "proc.name=", YES},
        {"proc.name in (cat, dog)", "proc.name=", NO},
        {"proc.name in (cat, dog)", "", NO},
        {"not proc.name in (cat, dog)", "", YES},
        {"proc.name in ()", "proc.name=cat", NO},
        {"not proc.name in ()", "proc.name=cat", YES},
        {"proc.pid in (1, 2, 3)", "proc.pid=2", YES},
        {"proc.pid in (1, 2, 3)", "proc.pid=4", NO},
        {"proc.pid in (1, x)", "proc.pid=1", "!4:21: rule 'T': 'x' is not a number"},
        {"evt.failed in (true)", "evt.failed=true", YES},
        {"fd.sip in (10.0.0.1, 10.0.0.2)", "fd.sip=10.0.0.2", YES},
        {"fd.sip in (10.0.0.1, here)", "fd.sip=10.0.0.2",
         "!4:26: rule 'T': 'here' is not an IP address"},
        {"fd.types in (file, pipe)", "fd.types=(file|pipe)", YES},
        {"fd.types in (file, pipe)", "fd.types=(file|ipv4)", NO},
        {"fd.types in (file, pipe)", "fd.types=(file)", YES},
        {"fd.types in (file, pipe)", "", NO},
        {"proc.aname in (sshd, cron)", "proc.aname=(bash|sshd|init)", YES},
        {"proc.aname in (sshd, cron)", "proc.aname=(bash|init)", NO},
        {"fd.types intersects (pipe, ipv4)", "fd.types=(file|pipe)", YES},
        {"fd.types intersects (pipe, ipv4)", "fd.types=(file|unix)", NO},
        {"fd.types intersects ()", "fd.types=(file|unix)", NO},
        {"fd.types intersects (pipe)", "", NO},
        {"proc.name intersects (cat, dog)", "proc.name=cat", YES},
        {"proc.pid intersects (1, x)", "proc.pid=1", "!4:29: rule 'T': 'x' is not a number"},
        {"proc.name in cat, dog", "proc.name=cat",
         "!4:21: rule 'T': expected 'and', 'or' or the end, not ','"},
        {"proc.name in (cat dog)", "proc.name=cat",
         "!4:23: rule 'T': expected ',' or ')' in the list, not 'dog'"},
        {"proc.name in (cat,)", "proc.name=cat",
         "!4:23: rule 'T': expected a value after ',', not ')'"},
        {"proc.name in (cat", "proc.name=cat",
         "!4:22: rule 'T': expected ',' or ')' in the list, but the text ends here"},
        {"proc.name in", "proc.name=cat",
         "!4:17: rule 'T': expected a list in parentheses after 'in', but the text ends "
         "here"},
    };

    (void)state;
    LANG_CHECK(rows);
}

static void paths_and_existence(void **state)
{
    static const struct lang_row rows[] = {
        {"fd.name pmatch (/tmp/hello)", "fd.name=/tmp/hello", YES},
        {"fd.name pmatch (/tmp/hello)", "fd.name=/tmp/hello/world", YES},
        {"fd.name pmatch (/tmp/hello)", "fd.name=/tmp/hello_world", NO},
        {"fd.name pmatch (/tmp/hello)", "fd.name=/tmp", NO},
        {"fd.name pmatch (/var/run, /var/spool, /etc)", "fd.name=/var/spool/maillog", YES},
        {"fd.name pmatch (/var/run, /var/spool, /etc)", "fd.name=/opt/data/file.txt", NO},
        {"fd.name pmatch (/var/*/*.txt, /etc)", "fd.name=/var/run/a.txt", YES},
        {"fd.name pmatch (/var/*/*.txt, /etc)", "fd.name=/var/run/a.log", NO},
        {"fd.name pmatch (/var/*)", "fd.name=/var/run/file.txt", YES},
        {"fd.name pmatch (/var/*/x)", "fd.name=/var/a/b/x", NO},
        {"fd.name pmatch (/)", "fd.name=/anything", YES},
        {"fd.name pmatch (/etc/)", "fd.name=/etc/passwd", YES},
        {"fd.name pmatch (/etc)", "fd.name=", NO},
        {"fd.name pmatch (/etc)", "", NO},
        {"fd.name pmatch ()", "fd.name=/etc", NO},
        {"fd.num pmatch (/etc)", "fd.num=1",
         "!4:12: rule 'T': 'pmatch' does not fit 'fd.num', which is a number"},
        {"fd.sip pmatch (/etc)", "fd.sip=1.1.1.1",
         "!4:12: rule 'T': 'pmatch' does not fit 'fd.sip', which is an address"},
        {"fd.name pmatch /etc", "fd.name=/etc",
         "!4:20: rule 'T': expected a list in parentheses after 'pmatch', not '/etc'"},
        {"proc.name exists", "proc.name=cat", YES},
        {"proc.name exists", "proc.name=", YES},
        {"proc.name exists", "", NO},
        {"not proc.name exists", "", YES},
        {"proc.pid exists", "proc.pid=0", YES},
        {"evt.failed exists", "evt.failed=false", YES},
        {"fd.types exists", "fd.types=(file)", YES},
        {"fd.types exists", "", NO},
        {"k8s.pod.name exists", "", NO},
        {"proc.env[PATH] exists", "proc.env[PATH]=/bin", YES},
        {"proc.env[PATH] exists", "proc.env[HOME]=/root", NO},
        {"proc.name exists cat", "proc.name=cat",
         "!4:22: rule 'T': expected 'and', 'or' or the end, not 'cat'"},
        {"proc.nam exists", "",
         "!4:5: rule 'T': unknown field 'proc.nam'; did you mean 'proc.name'?"},
        {"proc.name[1] exists", "", "!4:5: rule 'T': field 'proc.name' takes no argument"},
        {"proc.aname[x] exists", "",
         "!4:5: rule 'T': the argument of field 'proc.aname' must be a number, not 'x'"},
        {"thread.cgroup exists", "",
         "!4:5: rule 'T': field 'thread.cgroup' needs an argument, as in 'thread.cgroup[name]'"},
        {"proc.env[] exists", "", "!4:14: rule 'T': expected an argument after '[', not ']'"},
        {"exists", "", "!4:5: rule 'T': unknown macro 'exists'"},
        {"proc.name", "proc.name=cat",
         "!4:5: rule 'T': 'proc.name' needs a comparator after it, such as '=', 'in' or 'exists'"},
        {"proc.name containz x", "",
         "!4:15: rule 'T': 'containz' is no comparator; did you mean 'contains'?"},
        {"name = cat", "",
         "!4:5: rule 'T': 'name' is no field: a field has a dot, as 'proc.name' has"},
    };

    (void)state;
    LANG_CHECK(rows);
}

static void count(void **state)
{
    (void)state;
    print_message("%zu cases of comparators\n", lang_count());
    assert_true(lang_count() >= 260);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal),
        cmocka_unit_test(differs),
        cmocka_unit_test(order),
        cmocka_unit_test(contains),
        cmocka_unit_test(begins_and_ends),
        cmocka_unit_test(patterns),
        cmocka_unit_test(sets),
        cmocka_unit_test(paths_and_existence),
        cmocka_unit_test(count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
