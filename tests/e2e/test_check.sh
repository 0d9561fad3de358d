#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# gyr check on wrong rule files: each must give the one message a user needs, word for word. A case in
# tests/golden/check/*.cases is a title behind '===', the file, '---' and what is said of it.
# GYR_GOLDEN=write puts what is said now in the place of what was.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
export LC_ALL=C

plugins=$(cd "$build/plugins" && pwd)
{ echo "plugin_dirs: [$plugins]" && cat tests/golden/check/gyr.yaml; } >"$tmp/gyr.yaml"

# split FILE: case 1 becomes $tmp/cases/1.yaml, 1.title and 1.want, and so on
split() {
    rm -rf "$tmp/cases"
    mkdir "$tmp/cases"
    awk -v to="$tmp/cases/" '
        /^=== / { close(out); n++; out = to n ".yaml"; printf "" >out
                  print substr($0, 5) >(to n ".title"); close(to n ".title"); next }
        /^---$/ { close(out); out = to n ".want"; printf "" >out; next }
        { print >out }
        END { print n }' "$1"
}

# said CASE: the findings of its file, one a line; without the file's name, lines and carets
said() {
    cp "$tmp/cases/$1.yaml" "$tmp/rules.yaml"
    (cd "$tmp" && "$gyr" check -q -c gyr.yaml rules.yaml 2>"$tmp/err" >&2)
    sed -n 's/^rules\.yaml:\([0-9]*:[0-9]*: \)/\1/p; s/^\(error\|warning\): /&/p' "$tmp/err"
}

all=0
for file in tests/golden/check/*.cases; do
    count=$(split "$file")
    all=$((all + count))
    wrong=0
    [ "$GYR_GOLDEN" != write ] || : >"$tmp/written"
    for i in $(seq "$count"); do
        said "$i" >"$tmp/said"
        if [ "$GYR_GOLDEN" = write ]; then
            { echo "=== $(cat "$tmp/cases/$i.title")" && cat "$tmp/cases/$i.yaml" && echo --- &&
                cat "$tmp/said"; } >>"$tmp/written"
        elif ! cmp -s "$tmp/said" "$tmp/cases/$i.want" || [ "$(wc -l <"$tmp/said")" -ne 1 ]; then
            wrong=1
            { cat "$tmp/cases/$i.title" && diff "$tmp/cases/$i.want" "$tmp/said"; } | sed 's/^/# /'
        fi
    done
    [ "$GYR_GOLDEN" != write ] || cp "$tmp/written" "$file"
    [ $wrong -eq 0 ]
    ok "$(basename "$file"): $count wrong files, one message each"
done
[ "$all" -ge 100 ]
ok "$all of them"

# ---- findings for programs, and silence ----
cat >"$tmp/a.yaml" <<'YAML'
- list: unused
  items: []
- macro: opened
  condition: evt.type in (open, opnat)
- rule: One
  desc: d
  condition: opened and proc.nmae = "a" and fd.nme = "b"
  output: "%proc.name"
  priority: LOUD
YAML
cat >"$tmp/b.yaml" <<'YAML'
- macro: opened
  condition: evt.type = open
- rule: Two
  desc: d
  condition: proc.name = x
  output: "%evt.num"
  priority: INFO
YAML
check() { (cd "$tmp" && "$gyr" check -c gyr.yaml "$@" >out 2>err); }
check a.yaml b.yaml
[ $? -eq 1 ] && [ "$(grep -c ': error: ' "$tmp/err")" -eq 3 ] &&
    grep -q '^a.yaml:7:25: .*proc.nmae' "$tmp/err" && grep -q '^a.yaml:7:45: .*fd.nme' "$tmp/err" &&
    grep -q '^a.yaml:9:13: .*LOUD' "$tmp/err" && grep -q '^b.yaml:5:14: .*\[no-event-type\]' "$tmp/err"
ok "everything that is wrong is told at once, over files"
cat >"$tmp/d.yaml" <<'YAML'
- list: for_later
  items: [a]
- rule: Three
  desc: d
  condition: >
    evt.type = open && proc.nmae = "a" and
    (fd.nme = b or lower(fd.name) in (for_later)) and fd.num >
  output: "%evt.num"
  priority: INFO
  exceptions:
    - {name: x, fields: [proc.pnme, fd.name], comps: [=, is], values: [[a, b]]}
    - {name: y, fields: [proc.cmdlin], values: [[a], [a, b]]}
YAML
check d.yaml
[ $? -eq 1 ] && sed -n 's/^d.yaml:\([0-9:]*\): error: .*/\1/p' "$tmp/err" | tr '\n' ' ' >"$tmp/out" &&
    [ "$(cat "$tmp/out")" = "6:21 6:24 7:6 7:20 7:63 11:26 11:58 12:26 12:54 " ] && ! grep -q unused "$tmp/err"
ok "and within a rule: what is right of a condition or an exception is looked at, too; in order"
check a.yaml b.yaml
! grep -q overrides "$tmp/err" && check -v b.yaml a.yaml
grep -q "a.yaml:3:10: info: macro 'opened' replaces the one in b.yaml:1 \[overrides\]" "$tmp/err"
ok "-v: what replaces what"
cat >"$tmp/e.yaml" <<'YAML'
- rule: Several values
  desc: d
  condition: >
    evt.type = connect and proc.aname = a and proc.aname = b and fd.port = 1 and fd.port = 2
    and fd.ip = 1.2.3.4 and fd.ip = 1.2.3.5 and tolower(proc.aname) = a and tolower(proc.aname) = b
    and fd.snet = 10.0.0.0/8 and fd.snet = 10.1.0.0/16 and not fd.snet in (10.1.2.0/24, 11.0.0.0/8)
    and fd.sip != 10.1.2.3 and thread.cpu > 1.5 and thread.cpu <= 2.0
  output: "%evt.num"
  priority: INFO
  exceptions:
    - {name: parent, fields: [proc.aname, fd.snet], values: [[c, 10.1.3.0/24]]}
YAML
check e.yaml && [ ! -s "$tmp/err" ]
ok "what has several values may have two; networks may lie in one another"
check --json a.yaml b.yaml
[ $? -eq 1 ] && [ ! -s "$tmp/err" ] &&
    grep -q '^{"severity":"error","code":null,"file":"a.yaml","line":7,"column":25,"end":34,"message":".*","hint":"proc.name"}$' "$tmp/out" &&
    grep -q '"severity":"warning","code":"no-event-type","file":"b.yaml","line":5,' "$tmp/out"
ok "--json: one object a finding"
check b.yaml
grep -q no-event-type "$tmp/err" && check b.yaml --no-warn no-event-type -W unused-macro && [ ! -s "$tmp/err" ]
ok "--no-warn CODE"
check --no-warn no-event-typ b.yaml
[ $? -eq 2 ] && grep -q "did you mean 'no-event-type'?" "$tmp/err"
ok "--no-warn with a code that is none"
printf -- '- rule: "x\n' >"$tmp/c.yaml"
check c.yaml a.yaml
! grep -q 'unknown macro' "$tmp/err" && grep -q '^c.yaml:2:1: error: YAML: a quote is not closed' "$tmp/err"
ok "a file that cannot be read at all"
# what gyr knows and what docs/rules.md explains
grep -o '\] = "[a-z-]*"' core/base/diag.c | grep -o '[a-z-]*-*[a-z]\+' | sort >"$tmp/known"
sed -n '/^## Checking/,/^## Testing/p' docs/rules.md | sed -n 's/^| [^a-z-]\([a-z-]*\)[^a-z-] |.*/\1/p' | sort >"$tmp/told"
diff "$tmp/known" "$tmp/told" >"$tmp/err" 2>&1
ok "every code is explained in docs/rules.md"
"$gyr" check -c "$tmp/gyr.yaml" rules >"$tmp/out" 2>"$tmp/err" && [ ! -s "$tmp/err" ]
ok "the rules we ship have no warnings"
finish
