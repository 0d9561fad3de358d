/* SPDX-License-Identifier: Apache-2.0 */
/* The rule language end to end, by table: modifiers, transformers, fields on the right, and how
 * values are written. See test_language_compare.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../lib/language.h"

#define YES "T"
#define NO  ""

static void modifiers(void **state)
{
    static const struct lang_row rows[] = {
        {"proc.name = anyof (cat, dog)", "proc.name=dog", YES},
        {"proc.name = anyof (cat, dog)", "proc.name=cow", NO},
        {"proc.name = anyof (cat, dog)", "proc.name=", NO},
        {"proc.name = anyof (cat, dog)", "", NO},
        {"not proc.name = anyof (cat, dog)", "", YES},
        {"proc.name = oneof (cat, cat)", "proc.name=cat", NO},
        {"proc.name = oneof (cat, dog)", "proc.name=cat", YES},
        {"proc.name = allof (cat, dog)", "proc.name=cat", NO},
        {"proc.name = allof (cat, cat)", "proc.name=cat", YES},
        {"proc.name != allof (cat, dog)", "proc.name=cow", YES},
        {"proc.name != allof (cat, dog)", "proc.name=dog", NO},
        {"proc.name != anyof (cat, dog)", "proc.name=dog", YES},
        {"proc.name != allof (cat, dog)", "", NO},
        {"proc.cmdline contains anyof (a, b)", "proc.cmdline=xbx", YES},
        {"proc.cmdline contains anyof (a, b)", "proc.cmdline=xcx", NO},
        {"proc.cmdline contains anyof (a, b)", "proc.cmdline=", NO},
        {"proc.cmdline contains anyof (a, b)", "", NO},
        {"proc.cmdline contains allof (a, b)", "proc.cmdline=ba", YES},
        {"proc.cmdline contains allof (a, b)", "proc.cmdline=aa", NO},
        {"proc.cmdline contains oneof (a, b)", "proc.cmdline=aa", YES},
        {"proc.cmdline contains oneof (a, b)", "proc.cmdline=ab", NO},
        {"proc.cmdline contains oneof (a, b)", "proc.cmdline=cc", NO},
        {"proc.cmdline icontains allof (A, b)", "proc.cmdline=aB", YES},
        {"fd.name startswith anyof (/etc, /usr)", "fd.name=/usr/bin", YES},
        {"fd.name startswith allof (/etc, /etc/p)", "fd.name=/etc/passwd", YES},
        {"fd.name startswith oneof (/etc, /etc/p)", "fd.name=/etc/passwd", NO},
        {"fd.name startswith oneof (/etc, /etc/p)", "fd.name=/etc/group", YES},
        {"fd.name endswith anyof (.so, .a)", "fd.name=x.a", YES},
        {"fd.name endswith anyof (.so, .a)", "fd.name=x.c", NO},
        {"fd.name glob anyof ('/a/*', '/b/*')", "fd.name=/b/x", YES},
        {"fd.name glob allof ('/a/*', '*x')", "fd.name=/a/x", YES},
        {"fd.name iglob oneof ('/A/*', '*X')", "fd.name=/a/x", NO},
        {"fd.name regex anyof ('/a.*', '/b.*')", "fd.name=/bc", YES},
        {"fd.name regex allof ('/a.*', '.*c')", "fd.name=/ab", NO},
        {"fd.name regex anyof ('/a', '(')", "fd.name=/a",
         "!4:32: rule 'T': '(' is not a regular expression: missing ): ("},
        {"evt.buffer bcontains anyof (00, ff)", "evt.buffer=61ff", YES},
        {"evt.buffer bcontains anyof (00, fg)", "evt.buffer=61ff",
         "!4:37: rule 'T': 'fg' is not bytes in hexadecimal, two digits for each"},
        {"evt.buffer bstartswith oneof (61, 61ff)", "evt.buffer=61ff", NO},
        {"proc.pid = anyof (1, 2)", "proc.pid=2", YES},
        {"proc.pid = anyof (1, x)", "proc.pid=1", "!4:26: rule 'T': 'x' is not a number"},
        {"proc.name in anyof (cat)", "proc.name=cat",
         "!4:24: rule 'T': expected 'and', 'or' or the end, not '('"},
        {"proc.pid > anyof (1)", "proc.pid=2",
         "!4:16: rule 'T': expected a number after '>', not 'anyof'"},
        {"proc.name contains oneof", "proc.name=oneof", YES},
        {"proc.name contains anyof cat", "proc.name=cat", YES},
        {"proc.name = anyof ()", "proc.name=cat", NO},
        {"proc.name = noneof (cat)", "proc.name=cat",
         "!4:24: rule 'T': expected 'and', 'or' or the end, not '('"},
    };

    (void)state;
    LANG_CHECK(rows);
}

static void transformers(void **state)
{
    static const struct lang_row rows[] = {
        {"tolower(proc.name) = bash", "proc.name=BaSH", YES},
        {"tolower(proc.name) = BASH", "proc.name=BASH", NO},
        {"tolower(proc.name) = ''", "proc.name=", YES},
        {"tolower(proc.name) = bash", "", NO},
        {"not tolower(proc.name) = bash", "", YES},
        {"tolower(proc.name) exists", "proc.name=x", YES},
        {"tolower(proc.name) exists", "", NO},
        {"tolower(proc.pid) = 1", "proc.pid=1",
         "!4:13: rule 'T': tolower() takes text, and 'proc.pid' is a number"},
        {"tolower(fd.types) in (file)", "fd.types=(FILE)", YES},
        {"toupper(proc.name) in (BASH, SH)", "proc.name=bash", YES},
        {"toupper(proc.name) = ''", "proc.name=", YES},
        {"toupper(proc.name) = X", "", NO},
        {"toupper(evt.failed) = X", "evt.failed=true",
         "!4:13: rule 'T': toupper() takes text, and 'evt.failed' is true or false"},
        {"b64(proc.args) = hello", "proc.args=aGVsbG8=", YES},
        {"b64(proc.args) = hello", "proc.args=aGVsbG8", YES},
        {"b64(proc.args) = hello", "proc.args=hello!", NO},
        {"b64(proc.args) exists", "proc.args=hello!", NO},
        {"b64(proc.args) = ''", "proc.args=", YES},
        {"b64(proc.args) = hello", "", NO},
        {"b64(fd.num) = hello", "fd.num=1",
         "!4:9: rule 'T': b64() takes text or bytes, and 'fd.num' is a number"},
        {"basename(proc.exepath) = cat", "proc.exepath=/usr/bin/cat", YES},
        {"basename(proc.exepath) = ''", "proc.exepath=/usr/bin/", YES},
        {"basename(proc.exepath) = cat", "proc.exepath=cat", YES},
        {"basename(proc.exepath) = ''", "proc.exepath=", YES},
        {"basename(proc.exepath) = cat", "", NO},
        {"basename(fd.sip) = cat", "fd.sip=1.1.1.1",
         "!4:14: rule 'T': basename() takes text, and 'fd.sip' is an address"},
        {"len(proc.name) = 3", "proc.name=cat", YES},
        {"len(proc.name) > 3", "proc.name=cat", NO},
        {"len(proc.name) = 0", "proc.name=", YES},
        {"len(proc.name) = 0", "", NO},
        {"len(fd.types) = 2", "fd.types=(file|pipe)", YES},
        {"len(evt.buffer) >= 4", "evt.buffer=00010203", YES},
        {"len(proc.name) = x", "proc.name=cat", "!4:22: rule 'T': 'x' is not a number"},
        {"len(proc.pid) = 1", "proc.pid=1",
         "!4:9: rule 'T': len() takes text, bytes or a list, and 'proc.pid' is a number"},
        {"len(proc.name) contains 1", "proc.name=c",
         "!4:20: rule 'T': 'contains' does not fit 'len(proc.name)', which is a number that is "
         "never negative"},
        {"join('-', (proc.name, proc.pname)) = a-b", "proc.name=a; proc.pname=b", YES},
        {"join('', (proc.name, proc.pname)) = ab", "proc.name=a; proc.pname=b", YES},
        {"join('-', (proc.name, proc.pname)) = a-b", "proc.name=a", NO},
        {"join('-', (proc.name, proc.pname)) = '-'", "proc.name=; proc.pname=", YES},
        {"join(',', fd.types) = 'file,pipe'", "fd.types=(file|pipe)", YES},
        {"join(',', proc.name) = x", "proc.name=x",
         "!4:15: rule 'T': join() takes a list of texts to join, and 'proc.name' is text"},
        {"join(',') = x", "proc.name=x",
         "!4:5: rule 'T': join() takes two arguments, a separator and a list, not 1"},
        {"join(fd.types, ',') = x", "",
         "!4:10: rule 'T': join() takes a text as separator, and 'fd.types' is a list"},
        {"concat(proc.name, '/', proc.pname) = a/b", "proc.name=a; proc.pname=b", YES},
        {"concat(proc.name, proc.pname) = a", "proc.name=a; proc.pname=", YES},
        {"concat(proc.name, proc.pname) = a", "proc.name=a", NO},
        {"concat(proc.name) = a", "proc.name=a",
         "!4:5: rule 'T': concat() takes two arguments or more"},
        {"concat(proc.name, proc.pid) = a", "proc.name=a",
         "!4:23: rule 'T': concat() takes texts, and 'proc.pid' is a number"},
        {"getopt(fd.types, 'ab:') intersects (a)", "fd.types=(-a|x)", YES},
        {"getopt(fd.types, 'ab:') intersects (v)", "fd.types=(-b|v|x)", YES},
        {"getopt(fd.types, 'ab:') intersects (c)", "fd.types=(-a|-c)", NO},
        {"getopt(fd.types, 'ab:') intersects (a)", "", NO},
        {"getopt(proc.name, 'a') intersects (a)", "",
         "!4:12: rule 'T': getopt() takes a list of texts, and 'proc.name' is text"},
        {"getopt(fd.types) intersects (a)", "",
         "!4:5: rule 'T': getopt() takes two arguments, a list and the options' letters"},
        {"tolower(toupper(proc.name)) = cat", "proc.name=CaT", YES},
        {"toupper(b64(proc.args)) = HELLO", "proc.args=aGVsbG8=", YES},
        {"len(basename(fd.name)) = 6", "fd.name=/etc/passwd", YES},
        {"len(b64(proc.args)) = 5", "proc.args=???", NO},
        {"tolower(len(proc.name)) = 3", "proc.name=cat",
         "!4:13: rule 'T': tolower() takes text, and 'len(proc.name)' is a number that is never "
         "negative"},
        {"lower(proc.name) = cat", "",
         "!4:5: rule 'T': unknown transformer 'lower'; did you mean 'tolower'?"},
        {"tolower(proc.nam) = cat", "",
         "!4:13: rule 'T': unknown field 'proc.nam'; did you mean 'proc.name'?"},
        {"tolower() = cat", "",
         "!4:13: rule 'T': expected a field, a transformer, a quoted text or a number, not ')'"},
        {"tolower(proc.name, proc.pname) = cat", "",
         "!4:5: rule 'T': tolower() takes one argument, not 2"},
        {"tolower(proc.name = cat", "",
         "!4:23: rule 'T': expected ',' or ')' in the transformer, not '='"},
        {"tolower (proc.name) = cat", "proc.name=cat",
         "!4:13: rule 'T': expected 'and', 'or' or the end, not '('"},
        {"tolower(proc.name)", "",
         "!4:5: rule 'T': 'tolower(proc.name)' needs a comparator after it, such as '=', 'in' or "
         "'exists'"},
    };

    (void)state;
    LANG_CHECK(rows);
}

static void fields_on_the_right(void **state)
{
    static const struct lang_row rows[] = {
        {"proc.name = val(proc.pname)", "proc.name=sh; proc.pname=sh", YES},
        {"proc.name = val(proc.pname)", "proc.name=sh; proc.pname=bash", NO},
        {"proc.name = val(proc.pname)", "proc.name=; proc.pname=", YES},
        {"proc.name = val(proc.pname)", "proc.name=sh", NO},
        {"proc.name = val(proc.pname)", "proc.pname=sh", NO},
        {"proc.name = val(proc.pname)", "", NO},
        {"not proc.name = val(proc.pname)", "", YES},
        {"proc.name != val(proc.pname)", "proc.name=sh; proc.pname=bash", YES},
        {"proc.name != val(proc.pname)", "proc.name=sh", NO},
        {"proc.name = proc.pname", "proc.name=sh; proc.pname=sh", NO},
        {"proc.name = proc.pname", "proc.name=proc.pname", YES},
        {"tolower(proc.name) = tolower(proc.pname)", "proc.name=A; proc.pname=a", YES},
        {"proc.name = basename(proc.exepath)", "proc.name=cat; proc.exepath=/bin/cat", YES},
        {"proc.name = basename(proc.exepath)", "proc.name=cat; proc.exepath=/bin/", NO},
        {"proc.pid = val(proc.vpid)", "proc.pid=5; proc.vpid=5", YES},
        {"proc.pid > val(proc.vpid)", "proc.pid=5; proc.vpid=4", YES},
        {"proc.pid > val(proc.vpid)", "proc.pid=5; proc.vpid=5", NO},
        {"proc.pid = val(proc.name)", "proc.pid=5",
         "!4:20: rule 'T': 'proc.pid' is a number, and 'proc.name' is text"},
        {"proc.name = val(proc.pid)", "proc.pid=5",
         "!4:21: rule 'T': 'proc.name' is text, and 'proc.pid' is a number"},
        {"proc.cmdline contains val(proc.name)", "proc.cmdline=/bin/cat x; proc.name=cat", YES},
        {"fd.name startswith val(proc.cwd)", "fd.name=/home/u/x; proc.cwd=/home/u/", YES},
        {"fd.name endswith val(proc.name)", "fd.name=/bin/cat; proc.name=cat", YES},
        {"fd.name regex val(proc.name)", "",
         "!4:23: rule 'T': 'regex' on 'fd.name' takes no field on its right"},
        {"fd.name pmatch val(proc.name)", "",
         "!4:24: rule 'T': 'pmatch' on 'fd.name' takes no field on its right"},
        {"fd.sip = val(fd.cip)", "fd.sip=1.1.1.1; fd.cip=1.1.1.1", YES},
        {"fd.sip = val(fd.cip)", "fd.sip=1.1.1.1; fd.cip=::1", NO},
        {"proc.name = val(proc.nam)", "",
         "!4:21: rule 'T': unknown field 'proc.nam'; did you mean 'proc.name'?"},
        {"proc.name = val()", "",
         "!4:21: rule 'T': expected a field, a transformer, a quoted text or a number, not ')'"},
        {"proc.name = val('x')", "", "!4:17: rule 'T': val() takes one field"},
        {"val(proc.name) = x", "",
         "!4:5: rule 'T': val() stands on the right of a comparison only"},
        {"len(proc.name) = len(proc.pname)", "proc.name=ab; proc.pname=cd", YES},
    };

    (void)state;
    LANG_CHECK(rows);
}

static void literals(void **state)
{
    static const struct lang_row rows[] = {
        {"proc.name = 'a b'", "proc.name=a b", YES},
        {"proc.name = \"it's\"", "proc.name=it's", YES},
        {"proc.name = 'say \"x\"'", "proc.name=say \"x\"", YES},
        {"proc.name = \"a\\\"b\"", "proc.name=a\"b", YES},
        {"proc.name = 'a\\'b'", "proc.name=a'b", YES},
        {"proc.name = \"a\\tb\"", "proc.name=a\tb", YES},
        {"proc.name = \"a\\nb\"", "proc.name=a\nb", YES},
        {"proc.name = \"a\\\\b\"", "proc.name=a\\b", YES},
        {"proc.name = \"\\x41\\xff\"", "proc.name=A\xff", YES},
        {"proc.name = a\\tb", "proc.name=a\\tb", YES},
        {"proc.name = \"a\\qb\"", "",
         "!4:19: rule 'T': unknown escape '\\q'; a backslash itself is '\\\\'"},
        {"proc.name = \"\\x4\"", "", "!4:18: rule 'T': \\x needs two hexadecimal digits"},
        {"proc.name = 'open", "", "!4:17: rule 'T': this ' quote is not closed"},
        {"fd.name = /etc/[x]*?.d", "fd.name=/etc/[x]*?.d", YES},
        {"proc.args = -rf", "proc.args=-rf", YES},
        {"proc.name = and", "proc.name=and", YES},
        {"proc.name = 10", "proc.name=10", YES},
        {"proc.name = a,b", "", "!4:18: rule 'T': expected 'and', 'or' or the end, not ','"},
        {"proc.pid = 0x1F", "proc.pid=31", YES},
        {"proc.pid > 0x1f", "proc.pid=32", YES},
        {"proc.pid = -5", "proc.pid=-5", YES},
        {"proc.pid = +5", "proc.pid=5", YES},
        {"proc.pid = '5'", "proc.pid=5", YES},
        {"proc.pid = 5x", "", "!4:16: rule 'T': '5x' is not a number"},
        {"proc.pid = 9223372036854775807", "proc.pid=9223372036854775807", YES},
        {"proc.pid = 9223372036854775808", "",
         "!4:16: rule 'T': '9223372036854775808' is too large a number"},
        {"user.uid = -1", "", "!4:16: rule 'T': '-1' is negative, but the field never is"},
        {"evt.buflen = 18446744073709551616", "",
         "!4:18: rule 'T': '18446744073709551616' is too large a number"},
        {"proc.fdusage = 0.5", "proc.fdusage=0.5", YES},
        {"proc.pid = 1.5", "", "!4:16: rule 'T': '1.5' is not a number"},
        {"fd.sip = ::1", "fd.sip=::1", YES},
        {"fd.sip = 2001:db8::1", "fd.sip=2001:0db8:0::0:1", YES},
        {"fd.sip = ::1", "fd.sip=1.1.1.1", NO},
        {"fd.sip = '10.0.0.1'", "fd.sip=10.0.0.1", YES},
        {"fd.sip = 10.0.0", "", "!4:14: rule 'T': '10.0.0' is not an IP address"},
        {"fd.sip = 10.0.0.256", "", "!4:14: rule 'T': '10.0.0.256' is not an IP address"},
        {"fd.sip = 2001:db8::g", "", "!4:14: rule 'T': '2001:db8::g' is not an IP address"},
        {"fd.snet = 10.0.0.0/8", "fd.snet=10.1.2.3", YES},
        {"fd.snet = 10.0.0.0/8", "fd.snet=11.1.2.3", NO},
        {"fd.snet = 10.0.0.0/8", "fd.snet=::1", NO},
        {"fd.snet = 10.0.0.0/8", "", NO},
        {"fd.snet = 10.1.2.3/32", "fd.snet=10.1.2.3", YES},
        {"fd.snet = 10.1.2.2/31", "fd.snet=10.1.2.3", YES},
        {"fd.snet = 0.0.0.0/0", "fd.snet=9.9.9.9", YES},
        {"fd.snet = 2001:db8::/32", "fd.snet=2001:db8:1::5", YES},
        {"fd.snet = 2001:db8::/32", "fd.snet=2001:db9::5", NO},
        {"fd.snet != 10.0.0.0/8", "fd.snet=11.1.2.3", YES},
        {"fd.snet != 10.0.0.0/8", "", NO},
        {"fd.snet in (\"10.0.0.0/8\", 192.168.0.0/16)", "fd.snet=192.168.3.4", YES},
        {"fd.snet in (\"10.0.0.0/8\", 192.168.0.0/16)", "fd.snet=172.16.0.1", NO},
        {"fd.net = 10.0.0.0/8", "fd.net=(1.1.1.1|10.0.0.5)", YES},
        {"fd.net != 10.0.0.0/8", "fd.net=(1.1.1.1|10.0.0.5)", NO},
        {"fd.sport = https", "fd.sport=443", YES},
        {"fd.sport = https", "fd.sport=80", NO},
        {"fd.sport = https", "", NO},
        {"fd.sport in (ssh, 8022)", "fd.sport=22", YES},
        {"fd.proto = domain", "fd.proto=(40000|53)", YES},
        {"fd.proto != domain", "fd.proto=(40000|53)", NO},
        {"fd.sproto = 443", "fd.sproto=443", YES},
        {"fd.sport = htps", "",
         "!4:16: rule 'T': 'htps' is neither a port nor a service that is known; did you mean "
         "'https'?"},
        {"fd.num = https", "", "!4:14: rule 'T': 'https' is not a number"},
        {"fd.snet = 10.0.0.0/33", "",
         "!4:15: rule 'T': '10.0.0.0/33' has no prefix length of 0 to 32 after the slash"},
        {"fd.snet = 10.0.0.0/x", "",
         "!4:15: rule 'T': '10.0.0.0/x' has no prefix length of 0 to 32 after the slash"},
        {"fd.snet contains 10", "",
         "!4:13: rule 'T': 'contains' does not fit 'fd.snet', which is a network"},
        {"fd.snet = here", "", "!4:15: rule 'T': 'here' is not an IP network such as 10.0.0.0/8"},
        {"evt.around[5000] = 1", "", YES}, /* the event's time is 1000 */
        {"evt.around[2001000] = 2", "", YES},
        {"evt.around[2001001] = 2", "", NO},
        {"not evt.around[2001001] = 1", "", YES},
        {"evt.around[1404996934793590564] = 2", "evt.around[1404996934793590564]=2", YES},
        {"evt.around[1404996934793590564] = 2", "evt.around[1404996934793590564]=3", NO},
        {"evt.around[1404996934793590564] > 2", "", "!4:37: rule 'T': evt.around takes '=' only"},
        {"evt.around = 2", "",
         "!4:5: rule 'T': field 'evt.around' needs an argument, as in 'evt.around[0]'"},
    };

    (void)state;
    LANG_CHECK(rows);
}

static void count(void **state)
{
    (void)state;
    print_message("%zu cases of values\n", lang_count());
    assert_true(lang_count() >= 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modifiers),
        cmocka_unit_test(transformers),
        cmocka_unit_test(fields_on_the_right),
        cmocka_unit_test(literals),
        cmocka_unit_test(count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
