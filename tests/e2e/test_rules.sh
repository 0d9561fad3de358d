#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# gyr test: the tests of the rules we ship, and what the command itself says: what differs, why a
# rule did not fire, what is wrong in a test and where, TAP, JUnit, coverage, exit statuses.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
told="$tmp/out $tmp/err"
plugins=$build/plugins

# run STATUS [OPTION…] FILE…: gyr test ends so
run() {
    status=$1
    shift
    "$gyr" test --plugin-dir "$plugins" "$@" >"$tmp/out" 2>"$tmp/err"
    rc=$?
    [ "$rc" -eq "$status" ] || { printf 'exit status %d\n' "$rc" >>"$tmp/err" && return 1; }
}

# says TEXT…: each stands in what was printed
says() {
    for text; do
        cat "$tmp/out" "$tmp/err" | grep -qF -- "$text" ||
            { printf 'it does not say: %s\n' "$text" >>"$tmp/err" && return 1; }
    done
}

# ---- the rules we ship ----
for f in rules/tests/*.yaml; do
    run 0 -r rules -r rules/tests/more/all-on.yaml "$f"
    ok "$f"
done

# ---- a rule and its tests ----
cat >"$tmp/rules.yaml" <<'EOF'
- list: secrets
  items: [/etc/shadow]
- macro: opened
  condition: evt.type in (open, openat, openat2) and fd.num >= 0
- rule: Secret read
  desc: d
  condition: opened and fd.name in (secrets) and not proc.name = login
  output: read (file=%fd.name by=%proc.name)
  priority: WARNING
- rule: Program started
  desc: d
  condition: evt.type in (execve, execveat) and evt.res = SUCCESS
  output: started %proc.cmdline
  priority: INFO
EOF
head='
- defaults:
    rules: rules.yaml
    given: {processes: [{name: bash, exe: /usr/bin/bash, user: user}]}
'
file() { # the tests on stdin, behind the defaults
    { printf '%s' "$head" && cat; } >"$tmp/t.yaml"
}

file <<'EOF'
- test: fires
  when:
    - run: cat /etc/shadow
    - openat: ../../etc/shadow
      at: +2s
  expect:
    - rule: Secret read
      priority: warning
      output: read (file=/etc/shadow by=cat)
      fields: {proc.name: cat, proc.pname: bash, fd.directory: /etc, container.name: host}
    - rule: Program started
      output_regex: started cat .*
  expect_none: true
- test: in order
  when: [{run: cat x}, {openat: /etc/shadow}, {run: id}]
  expect: [Program started, Secret read, Program started]
  order: given
- test: any order, and as often as it likes
  when: [{run: cat x}, {openat: /etc/shadow}, {run: id}]
  expect: [Secret read, {rule: Program started, count: 1+}]
- test: a list of its own
  lists: {secrets: [/etc/other]}
  when: [{openat: /etc/shadow}, {openat: /etc/other}]
  expect: {rule: Secret read, fields: {fd.name: /etc/other}}
- test: a macro of its own
  macros: {opened: evt.type = creat}
  when: [{openat: /etc/shadow}, {creat: /etc/shadow}]
  expect: {rule: Secret read, fields: {evt.type: creat}}
- test: a capture
  rules: rules.yaml
  capture: CAPTURE
  expect: [{rule: Program started, count: 1+}]
EOF
cp tests/captures/attacks.scap.gz "$tmp/CAPTURE"
run 0 "$tmp/t.yaml" && says "6 tests: 6 passed, 0 failed"
ok "tests that pass"
run 0 -q "$tmp/t.yaml" && [ "$(wc -l <"$tmp/out")" -eq 1 ]
ok "--quiet: only the sum"
run 0 -k order "$tmp/t.yaml" && says "2 tests: 2 passed"
ok "-k: a part of the name"
run 0 -k 'a *' "$tmp/t.yaml" && says "3 tests: 3 passed"
ok "-k: a pattern"
run 1 -k nothing "$tmp/t.yaml" && says "there is no test like 'nothing'"
ok "-k: no such test"
run 0 --tap "$tmp/t.yaml" && says "TAP version 13" "ok 1 - fires" "1..6"
ok "--tap"
run 0 --coverage "$tmp/t.yaml" &&
    says "never true: proc.name = login" "rules.yaml:7:54" "75.0 %  Secret read (3 of 4)" \
        "100.0 %  Program started (2 of 2)"
ok "--coverage: the clause that no test made true"
run 1 --coverage-min 95 "$tmp/t.yaml" && says "coverage is 8" "and has to be 95 %"
ok "--coverage-min: too little"
run 0 --coverage-min 80 "$tmp/t.yaml"
ok "--coverage-min: enough"

# ---- tests that fail ----
file <<'EOF'
- test: another field <&>
  when: [{run: cat x}, {openat: /etc/shadow}]
  expect: {rule: Secret read, fields: {proc.name: dog, fd.num: ~}}
- test: another file
  when: [{run: cat x}, {openat: /etc/passwd}]
  expect: Secret read
- test: no such event
  when: [{run: cat x}]
  expect: Secret read
- test: too many
  when: [{run: cat x}, {openat: /etc/shadow}, {openat: /etc/shadow}]
  expect: Secret read
- test: forbidden
  when: [{run: cat x}]
  expect_none: [Program started]
- test: the wrong way round
  when: [{run: cat x}, {openat: /etc/shadow}]
  expect: [Secret read, Program started]
  order: given
- test: this one is fine
  when: [{openat: /etc/shadow}]
  expect: Secret read
EOF
run 1 --junit "$tmp/j.xml" "$tmp/t.yaml" && says "7 tests: 1 passed, 6 failed"
ok "tests that fail: exit status 1"
says "field proc.name" "expected  dog" "got       cat" "expected  (absent)" "got       3"
ok "the nearest alert, field by field"
says "which did not fire" "nearest was event 4, openat of thread 1001" \
    "false: fd.name in (/etc/shadow): it is '/etc/passwd'" "rules.yaml:7:25, rule 'Secret read'"
ok "why a rule did not fire"
says "no event was of a type that the rule is looked at for"
ok "a rule that was never looked at"
says "not expected: 'Secret read' at event 5: read (file=/etc/shadow by=cat)"
ok "one alert too many"
says "not expected: 'Program started' at event 3"
ok "an alert that was forbidden"
says "expected an alert of 'Secret read' here, got 'Program started'"
ok "the wrong order"
grep -q '<testsuite name="gyr test" tests="7" failures="6" errors="0"' "$tmp/j.xml" &&
    grep -q 'name="another field &lt;&amp;&gt;"' "$tmp/j.xml" &&
    [ "$(grep -c '<failure ' "$tmp/j.xml")" -eq 6 ]
ok "--junit"
if command -v python3 >/dev/null 2>&1; then
    python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$tmp/j.xml" 2>"$tmp/err"
    ok "--junit: it is XML"
else
    n=$((n + 1))
    printf 'ok %d - # SKIP no python3\n' "$n"
fi

# ---- what is wrong in a test, and where ----
# wrong TEXT…, the test's lines on stdin: told at its place, with the line and a caret
wrong() {
    file
    run 1 "$tmp/t.yaml" && says "$@"
}
wrong "t.yaml:6:11: error: there is no event 'opnat'; did you mean 'openat'?" <<'EOF'
- test: x
  when: [{opnat: /x}]
  expect: Secret read
EOF
ok "an unknown event"
wrong "t.yaml:6:30: error: openat has no 'flag'; did you mean 'flags'?" <<'EOF'
- test: x
  when: [{openat: {path: /x, flag: O_RDONLY}}]
  expect: Secret read
EOF
ok "an unknown parameter"
wrong "'flags' of openat knows no 'O_RDONY'; did you mean 'O_RDONLY'?" <<'EOF'
- test: x
  when: [{openat: {path: /x, flags: O_RDONY}}]
  expect: Secret read
EOF
ok "an unknown flag"
wrong "there is no process 'bsah'; did you mean 'bash'?" <<'EOF'
- test: x
  when: [{openat: /x, by: bsah}]
  expect: Secret read
EOF
ok "an unknown process"
wrong "there is no container 'wbe'; did you mean 'web'?" <<'EOF'
- test: x
  given: {containers: {web: {image: a}}, processes: [{name: sh, in: wbe}]}
  when: [{openat: /x}]
  expect: Secret read
EOF
ok "an unknown container"
wrong "there is no rule 'Secret red'; did you mean 'Secret read'?" <<'EOF'
- test: x
  when: [{openat: /x}]
  expect: Secret red
EOF
ok "an unknown rule"
wrong "unknown field 'proc.nmae'; did you mean 'proc.name'?" <<'EOF'
- test: x
  when: [{openat: /x}]
  expect: {rule: Secret read, fields: {proc.nmae: x}}
EOF
ok "an unknown field"
wrong "a test has no 'expects'; did you mean 'expect'?" "this test expects nothing" <<'EOF'
- test: x
  when: [{openat: /x}]
  expects: Secret read
EOF
ok "an unknown key"
wrong "there is no error 'EPREM'; did you mean 'EPERM'?" <<'EOF'
- test: x
  when: [{openat: {path: /x, fails: EPREM}}]
  expect: Secret read
EOF
ok "an unknown error"
wrong "nothing happens in this test" <<'EOF'
- test: x
  expect: Secret read
EOF
ok "nothing happens"
run 1 "$tmp/none.yaml" && says "none.yaml"
ok "a file that is not there"
wrong "no rule uses a list 'secrts'; did you mean 'secrets'?" "no rule uses a macro 'xyzzy'" <<'EOF'
- test: x
  lists: {secrts: [/x]}
  macros: {xyzzy: evt.num = 1}
  when: [{openat: /x}]
  expect_none: true
EOF
ok "a list and a macro that no rule has"
wrong "run has no 'pth'; did you mean 'path'?" <<'EOF'
- test: x
  when: [run: {pth: /bin/sh}]
  expect_none: true
EOF
ok "a misspelt argument, for which another is missing"
wrong "this text holds a zero byte" <<'EOF'
- test: x
  when: [{openat: "/x\0y"}]
  expect_none: true
EOF
ok "a zero byte"
wrong "nothing happens in this test" <<'EOF'
- test: x
  when: []
  expect_none: true
EOF
ok "an empty list of events"
wrong "'WARNIN' is no priority; did you mean 'Warning'?" <<'EOF'
- test: x
  when: [{openat: /x}]
  expect: {rule: Secret read, priority: WARNIN}
EOF
ok "a misspelt priority"
file <<'EOF'
- test: gone
  rules: gone.yaml
  when: [{openat: /x}]
  expect_none: true
EOF
run 1 "$tmp/t.yaml" && says "gone.yaml: No such file" && says "the rules of test 'gone' ($tmp/t.yaml:"
ok "rules that are not there: which test wants them"
run 1 "$tmp/rules.yaml" && says "rules.yaml:1:3: error: this is a file of rules, not of tests" &&
    [ "$(grep -c error: "$tmp/err")" -eq 1 ]
ok "a file of rules"
file <<'EOF'
- test: fires
  when: [{openat: /etc/shadow}]
  expect: {rule: Secret read, fields: {proc.name: bash}}
EOF
mkdir "$tmp/some" && sed 's|rules: rules|rules: ../rules|' "$tmp/t.yaml" >"$tmp/some/b.yml" &&
    cp "$tmp/some/b.yml" "$tmp/some/a.yaml" && echo '{' >"$tmp/some/notes.txt"
run 0 --tap "$tmp/some" && says "ok 2 - " && says "1..2"
ok "a folder: its *.yaml and *.yml"
run 2 && says "no file of tests was named"
ok "no file: wrong usage"
run 2 --coverage-min 101 x && says "--coverage-min is a number from 0 to 100"
ok "--coverage-min: no percentage"

finish
