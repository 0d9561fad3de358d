#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The outputs file and program in a replay: files rotated under way, a command that dies again and
# again, one that hangs beside others that do not.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
seed=$PWD/tests/captures/seed.scap.gz

cat >"$tmp/rules.yaml" <<'EOR'
- rule: Something was opened or run
  desc: A call was made.
  condition: evt.type in (openat, execve, read, close)
  output: "num=%evt.num"
  priority: WARNING
EOR

# replay OUTPUTS…: into these, and as JSON lines into want
replay() {
    {
        printf 'plugin_dirs: [%s/plugins]\nenrichers: []\nrules: {files: [%s/rules.yaml]}\n' \
            "$build" "$tmp"
        printf 'outputs:\n  - {plugin: file, name: want, options: {path: %s/want}}\n' "$tmp"
        printf '  - %s\n' "$@"
    } >"$tmp/gyr.yaml"
    rm -f "$tmp/want"
    timeout 100 "$gyr" replay -q -c "$tmp/gyr.yaml" "$seed" >"$tmp/out" 2>"$tmp/err"
}

# The oldest has the highest number.
in_order() {
    i=1
    while [ -e "$tmp/a.$i" ]; do i=$((i + 1)); done
    [ "$i" -gt 4 ] || return 1
    while [ "$i" -gt 1 ]; do
        i=$((i - 1))
        cat "$tmp/a.$i"
    done
    cat "$tmp/a"
}
replay "{plugin: file, options: {path: $tmp/a, rotate_size: 50K, keep: 1000}}" &&
    in_order >"$tmp/all" && [ "$(wc -l <"$tmp/want")" -gt 900 ] &&
    cmp "$tmp/all" "$tmp/want" >>"$tmp/err" 2>&1
ok "file: rotated by size, every alert is there once and in order"
[ -z "$(find "$tmp" -name 'a.*' -size +51200c)" ]
ok "file: no file is larger than it may be"

replay "{plugin: program, options: {command: [sh, -c, 'cat >$tmp/got; grep ^CapEff /proc/self/status >$tmp/cap']}}" &&
    cmp "$tmp/got" "$tmp/want" >>"$tmp/err" 2>&1
ok "program: every alert came, in order, and its end was waited for"
grep -q '^CapEff:[[:space:]]*0*$' "$tmp/cap"
ok "program: the command has no capabilities"

# Each takes a third of what there is and dies. A read of the shell's takes no more than a line.
third=$(($(wc -l <"$tmp/want") / 3 + 1))
replay "{plugin: program, options: {command: [sh, -c, 'i=0; while [ \$i -lt $third ] && read -r x; do
    echo \"\$x\" >>$tmp/some; i=\$((i+1)); done; exit 9']}}" &&
    sort -u "$tmp/some" >"$tmp/a1" && sort -u "$tmp/want" | cmp - "$tmp/a1" >>"$tmp/err" 2>&1 &&
    grep -q 'the command ended with exit status 9; it is started again' "$tmp/err"
ok "program: of what a command that dies did not read, the next gets all"

replay "{plugin: program, queue: 100, on_full: drop, options: {command: [sleep, '1000'], timeout: 500ms,
    stop_wait: 300ms}}"
rc=$?
[ "$rc" -ne 124 ] && [ "$(wc -l <"$tmp/want")" -gt 900 ] && grep -q "could not be delivered before the end" "$tmp/err"
ok "program: one that hangs keeps neither the others nor the end"

if replay "{plugin: program, options: {command: [no-such-command-at-all]}}"; then false; else
    grep -q "no-such-command-at-all: not found in PATH" "$tmp/err"
fi
ok "program: a command that is not there is told at the start"
finish
