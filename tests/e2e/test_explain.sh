#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# gyr explain: a rule as a tree, and on a capture which part of it decided.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

plugins=$(cd "$build/plugins" && pwd)
cat >"$tmp/gyr.yaml" <<EOF
plugin_dirs: [$plugins]
enrichers: [process]
outputs: []
rules: {files: [rules.yaml]}
EOF
cat >"$tmp/rules.yaml" <<'EOF'
- list: shells
  items: [bash, sh, dash]
- macro: spawned
  condition: evt.type in (execve, execveat)
- rule: A shell
  desc: A shell starts.
  condition: spawned and (proc.name in (shells) or proc.name startswith zz) and container.image.tag != x
  output: "%proc.name"
  priority: NOTICE
  exceptions:
    - {name: admin, fields: [proc.pname], values: [[sshd]]}
- rule: Read
  desc: Something is opened.
  condition: evt.type in (open, openat) and fd.name exists
  output: "%fd.name"
  priority: INFO
- rule: Off
  desc: d
  condition: evt.type = open
  output: x
  priority: INFO
  enabled: false
EOF
seed=tests/captures/seed.scap.gz
explain() { "$gyr" explain -c "$tmp/gyr.yaml" "$@" >"$tmp/out" 2>"$tmp/err"; }

explain "A shell" && [ ! -s "$tmp/err" ] &&
    grep -q '^A shell (Notice, source syscall)$' "$tmp/out" &&
    grep -q "^ *evt.type in (execve,execveat) *# macro 'spawned', .*rules.yaml:4$" "$tmp/out" &&
    grep -q '^ *any of$' "$tmp/out" && grep -q '^ *proc.name in (bash,sh,dash)$' "$tmp/out" &&
    grep -q "proc.pname = sshd$" "$tmp/out" && grep -q "# rule 'A shell': exception 'admin', " "$tmp/out" &&
    grep -q '^  execve, execveat$' "$tmp/out" && grep -q '^  proc.name  *process$' "$tmp/out" &&
    grep -q '^  container.image.tag  *nobody: absent, but for plugin ' "$tmp/out"
ok "a rule by itself: condition, event types, fields and who computes them"

explain "A shel"
[ $? -eq 1 ] && grep -q "there is no rule 'A shel'; did you mean 'A shell'?" "$tmp/err"
ok "a rule that is not there"

explain Read $seed && grep -q '^of the capture.s events .* matched$' "$tmp/out" &&
    grep -q '^a match: event [0-9]*, open\(at\)* of thread ' "$tmp/out" &&
    grep -q "^  true *fd.name exists: it is '/" "$tmp/out"
ok "on a capture: a match"
num=$(sed -n 's/^a match: event \([0-9]*\),.*/\1/p' "$tmp/out")
matches=$("$gyr" replay -q -j -c "$tmp/gyr.yaml" -o stdout $seed | grep -c '"rule":"Read"')
[ "$matches" -gt 0 ] && grep -q " and $matches matched$" "$tmp/out"
ok "as many match as give alerts: $matches"

explain "A shell" $seed -m 0 -n 2 && [ "$(grep -c '^near: event' "$tmp/out")" -eq 2 ] &&
    grep -q '^  absent *container.image.tag != x$' "$tmp/out" &&
    grep -q "^  true *evt.type in (execve,execveat)" "$tmp/out" && grep -q '^  false *all of$' "$tmp/out"
ok "the nearest misses, and what was absent"

explain Read -e "$num" $seed && grep -q "^event $num, open" "$tmp/out" &&
    ! grep -q '^near' "$tmp/out" && explain "A shell" --event "$num" $seed &&
    grep -q "^event $num, .*: the rule is not looked at for events of this type" "$tmp/out"
ok "a chosen event"
explain Read -e 999999999 $seed
[ $? -eq 1 ] && grep -q "the capture has no event 999999999" "$tmp/err"
ok "an event that is not there"

explain Off $seed
[ $? -eq 1 ] && grep -q "is disabled" "$tmp/err" && grep -q "disabled)" "$tmp/out"
ok "a disabled rule"
explain Read "$tmp/none.scap"
[ $? -eq 1 ] && grep -q "none.scap" "$tmp/err" && ! grep -q "looked at, and" "$tmp/out"
ok "a capture that is not there"
explain
[ $? -eq 2 ] && explain -m many Read
[ $? -eq 2 ]
ok "wrong usage"
finish
