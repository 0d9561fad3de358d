#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command line: help, exit codes, options, and what check and list say. The exact words of
# diagnostics are in the unit tests; here it is who prints them, where, and with which exit status.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
told="$tmp/out $tmp/err"
plugins=$build/plugins

# says STATUS TEXT COMMAND…: it ends so, and what it prints (out) or says (err) has this text
says() {
    status=$1 text=$2
    shift 2
    "$@" >"$tmp/out" 2>"$tmp/err"
    rc=$?
    [ "$rc" -eq "$status" ] || { printf 'exit status %d\n' "$rc" >>"$tmp/err" && return 1; }
    [ -z "$text" ] || cat "$tmp/out" "$tmp/err" | grep -qF -- "$text"
}

silent() { # out|err
    [ ! -s "$tmp/$1" ]
}

# ---- help and usage ----
says 0 "Commands:" "$gyr" --help && silent err
ok "--help"
says 0 "Commands:" "$gyr" help
ok "help"
says 2 "Commands:" "$gyr"
ok "nothing said: help, and exit status 2"
says 0 "gyr 0." "$gyr" --version
ok "--version"
for c in run replay check test list plugin; do
    says 0 "Usage: gyr $c " "$gyr" "$c" --help && silent err && grep -q '^Exit code: ' "$tmp/out" &&
        grep -q -- '-h, --help' "$tmp/out"
    ok "$c --help"
    says 0 "Usage: gyr $c " "$gyr" help "$c"
    ok "help $c"
    says 2 "gyr: $c: unknown option --confgi; did you mean --config?" "$gyr" "$c" --confgi x &&
        silent out
    ok "$c: an unknown option, with the nearest"
    says 2 "--config needs a value: FILE" "$gyr" "$c" --config
    ok "$c: an option without its value"
done
says 2 "there is no command 'relpay'; did you mean 'replay'?" "$gyr" relpay
ok "an unknown command, with the nearest"
says 2 "unknown option -Z" "$gyr" check -Z
ok "an unknown letter"
says 2 "--quiet takes no value" "$gyr" check --quiet=1
ok "a value too many"
says 2 "say what to list" "$gyr" list
ok "list what?"
says 2 "'colours' cannot be listed" "$gyr" list colours
ok "list nothing known"
says 2 "say which plugin" "$gyr" plugin describe
ok "describe which?"

# ---- check ----
cat >"$tmp/gyr.yaml" <<EOF
plugin_dirs: [$PWD/nowhere, $(cd "$plugins" && pwd)]
enrichers: []
outputs: []
rules: {files: [good.yaml]}
EOF
cat >"$tmp/good.yaml" <<'EOF'
- list: shells
  items: [bash, sh]
- macro: opened
  condition: evt.type in (open, openat)
- rule: A shell opens
  desc: Of a shell.
  condition: opened and proc.name in (shells)
  output: "%proc.name %fd.name %container.image.repository"
  priority: NOTICE
  tags: [shell, mitre]
- rule: Off
  desc: Not used.
  condition: evt.type = close
  output: "%evt.type"
  priority: DEBUG
  enabled: false
EOF
sed 's/proc.name in/proc.nmae in/; s/in (open,/in (open/' "$tmp/good.yaml" >"$tmp/bad.yaml"

says 0 "checked 2 rules (1 disabled), 1 macros and 1 lists in 1 files: no errors" \
    "$gyr" check -c "$tmp/gyr.yaml" && silent err
ok "check: the configuration's rules"
grep -q "absent without plugin 'process' (.*): proc.name, fd.name" "$tmp/out"
ok "check: which plugin would compute what is absent"
says 0 "" "$gyr" check -q -c "$tmp/gyr.yaml" "$tmp/good.yaml" && silent out && silent err
ok "check -q: nothing to say"
says 1 "bad.yaml:" "$gyr" check --config="$tmp/gyr.yaml" -- "$tmp/bad.yaml" && silent out &&
    grep -q "^$tmp/bad.yaml:[0-9]*:[0-9]*: error: " "$tmp/err" && grep -q '^ *^$' "$tmp/err"
ok "check: an error with its place and a caret"
says 1 "none.yaml" "$gyr" check -c "$tmp/gyr.yaml" "$tmp/none.yaml"
ok "check: a file that is not there"
says 1 "gyr.yaml:1:1: error: the configuration has no key 'plugin_dris'; did you mean 'plugin_dirs'?" \
    sh -c "sed -i s/plugin_dirs/plugin_dris/ '$tmp/gyr.yaml'; '$gyr' check -c '$tmp/gyr.yaml'"
ok "check: an unknown key of the configuration"
sed -i s/plugin_dris/plugin_dirs/ "$tmp/gyr.yaml"

cat >"$tmp/select.yaml" <<EOF
plugin_dirs: [$(cd "$plugins" && pwd)]
rules:
  files: [good.yaml]
  select: [{disable: {tag: mitre}}, {enable: {rule: "O*"}}, {enable: {rule: On}}]
append_output:
  - match: {rule: Off}
    extra_output: cpu=%evt.cpu
    extra_fields: [evt.num, {what: "%evt.type of %evt.source"}]
EOF
says 0 "checked 2 rules (1 disabled)" "$gyr" check -c "$tmp/select.yaml" &&
    grep -q "select.yaml:4:77: warning: no rule is named 'On'" "$tmp/err"
ok "check: rules selected by the configuration"
says 0 "A shell opens (disabled)" "$gyr" list rules -c "$tmp/select.yaml" && grep -q '^Debug  *Off$' "$tmp/out"
ok "list rules: as selected"
says 0 '"output_fields":{"evt.cpu":' "$gyr" replay -q -c "$tmp/select.yaml" -j tests/captures/seed.scap.gz &&
    grep -q 'Debug close cpu=[0-9]*","output_fields":{"evt.cpu":[0-9]*,"evt.num":[0-9]*,.*"what":"close of syscall"}' "$tmp/out" &&
    ! grep -q 'A shell opens' "$tmp/out"
ok "replay: rules selected, output appended"

# ---- list ----
says 0 "proc.name " "$gyr" list fields -c "$tmp/gyr.yaml" proc.name && grep -q '^proc.name  *string' "$tmp/out"
ok "list fields"
says 0 "evt.num" "$gyr" list fields -c "$tmp/gyr.yaml" 'evt.nu?' && [ "$(wc -l <"$tmp/out")" -eq 1 ]
ok "list fields by pattern"
says 0 "(string name, u32 flags, u32 mode, " "$gyr" list events -c "$tmp/gyr.yaml" 'open'
ok "list events"
says 0 "replay" "$gyr" list plugins -c "$tmp/gyr.yaml"
ok "list plugins"
cat >"$tmp/outputs.yaml" <<EOF
outputs:
  - {plugin: file, name: full, options: {path: /dev/full}, min_priority: error}
  - {plugin: file, name: good, options: {path: $tmp/test.json, format: json}}
EOF
says 0 "Error and more urgent" "$gyr" list outputs -c "$tmp/outputs.yaml" full
ok "list outputs"
says 0 "output 'good' has taken the alert" "$gyr" output test -c "$tmp/outputs.yaml" good &&
    grep -q '"rule":"Gyr: test of an output"' "$tmp/test.json"
ok "output test: an alert gets through"
says 1 "does not take it now" "$gyr" output test -c "$tmp/outputs.yaml" full &&
    grep -q 'No space left on device' "$tmp/out"
ok "output test: it tells what the far side says"
says 1 "did you mean 'good'" "$gyr" output test -c "$tmp/outputs.yaml" god
ok "output test: the nearest name"
says 0 "A shell opens  [mitre, shell]" "$gyr" list rules -c "$tmp/gyr.yaml" &&
    grep -q '^Debug  *Off (disabled)$' "$tmp/out"
ok "list rules"
says 1 "there are no fields like 'nonesuch'" "$gyr" list fields -c "$tmp/gyr.yaml" nonesuch
ok "list: nothing like it"
says 1 "no source plugin gives 'nonesuch' events" "$gyr" list events -c "$tmp/gyr.yaml" -s nonesuch
ok "list: no such kind of event"
if [ -w /dev/full ]; then
    "$gyr" list fields -c "$tmp/gyr.yaml" >/dev/full 2>"$tmp/err"
    [ $? -eq 1 ] && grep -q 'standard output: ' "$tmp/err"
    ok "a full disk is a failure"
fi
finish
