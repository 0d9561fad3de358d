#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Plugins built out of tree are loaded by configuration alone; wrong and untrusted ones are refused
# with a sentence.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
told="$tmp/log"
stdout_dir=$build/plugins

# says STATUS TEXT COMMAND…: it ends so, and its output has this text
says() {
    status=$1 text=$2
    shift 2
    "$@" >"$tmp/log" 2>&1
    rc=$?
    [ "$rc" -eq "$status" ] || { printf 'exit status %d\n' "$rc" >>"$tmp/log" && return 1; }
    [ -z "$text" ] || grep -qF -- "$text" "$tmp/log"
}

${MAKE:-make} -s -f tests/plugins/Makefile CC="${CC:-cc}" SDK="$PWD/sdk" OUT="$tmp/p" >"$tmp/log" 2>&1
ok "plugins build with the headers of the SDK alone"

# ---- wrong ones ----
while read -r name text; do
    says 1 "$text" "$gyr" plugin describe "$tmp/p/hostile/$name.so"
    ok "refused: $name"
done <<'EOF'
magic its magic number is 0xdeadbeef, not 0x31525947
major built for ABI 2.0; this core speaks 1.0
minor needs a core of ABI 1.1; this one has 1.0
layout its event header has 40 bytes; 48 are needed
short its descriptor is cut short: 48 bytes of
nameless it has no name
alias it calls itself 'innocent', its file is named 'alias.so'
nocreate plugin 'nocreate' has no create()
nosource its source lacks a schema
nowake its source lacks wake()
nofields announces 1 fields and has no table of them
noget its enricher lacks get(), though it has fields
noredeem its enricher lacks redeem(), though it has release()
nocapability no capability is called 'CAP_PERFMAN'; did you mean 'CAP_PERFMON'?
nowrite its output lacks write()
width option 'count' is a number of 8 bytes, its member has 1
outside option 'count' lies at 4096, outside of the 16 bytes
twice has the option 'flag' twice
baddefault the default of option 'count': 'lots' is not a whole number
oldtable its enricher table is cut short: 16 bytes of
refuses the plugin refuses this core
nosymbol it has no gyr_plugin_query()
EOF
printf 'text\n' >"$tmp/p/text.so"
says 1 "text.so:" "$gyr" plugin describe "$tmp/p/text.so"
ok "refused: not a shared object"
says 1 "not a regular file" "$gyr" plugin describe "$tmp/p/hostile/"
ok "refused: a folder"
says 1 "No such file" "$gyr" plugin describe "$tmp/p/none.so"
ok "refused: not there"
rm "$tmp/p/text.so"

# ---- described ----
says 0 "Source of 'fake' events (schema version 1, 4 event types, 5 fields), recorded" \
    "$gyr" plugin describe "$tmp/p/fake_source.so"
ok "a source is described"
says 0 "live" "$gyr" plugin describe "$tmp/p/fake_live.so"
ok "a live source is described"
says 0 "needs CAP_SYS_PTRACE" "$gyr" plugin describe "$tmp/p/fake_priv.so" &&
    grep -q "makes use of CAP_DAC_READ_SEARCH" "$tmp/log"
ok "the capabilities that a plugin needs are described"
says 0 "one of present, absent, never" "$gyr" plugin describe "$tmp/p/fake_enricher.so"
ok "options are described"

# ---- loaded by configuration alone ----
config() { # SOURCE-OPTIONS ENRICHER-OPTIONS OUTPUT-OPTIONS
    cat >"$tmp/gyr.yaml" <<EOF
plugin_dirs: [$tmp/p, $stdout_dir]
sources: [{plugin: fake_source, options: {$1}}]
enrichers: [{plugin: fake_enricher, options: {$2}}]
outputs: [{plugin: fake_output, options: {path: $tmp/out$3}}]
rules: {files: [rules.yaml]}
EOF
}
cat >"$tmp/rules.yaml" <<'EOF'
- rule: writes
  desc: A file is opened for writing.
  source: fake
  condition: evt.type = open and evt.arg.flags contains WRITE
  output: "%evt.arg.path %evt.arg.flags size=%evt.rawarg.size opens=%fake.opens %fake.echo[x]"
  priority: WARNING
- rule: listed
  desc: Only what is no open has the list.
  source: fake
  condition: evt.type = tick and fake.list intersects (two, three) and evt.rawarg.fine = true
  output: "%evt.arg.addr %fake.list %fake.unseen"
  priority: NOTICE
- rule: late
  desc: The answer comes after the event.
  source: fake
  condition: evt.type = ping and fake.late startswith "late"
  output: "%evt.type %fake.late %evt.arg.id"
  priority: NOTICE
EOF

config "count: 12" "" ""
says 0 "enricher  fake_enricher ($tmp/p/fake_enricher.so 1.0)" "$gyr" run -c "$tmp/gyr.yaml"
ok "source, enricher and output run"
grep -v late "$tmp/out" >"$tmp/alerts"
printf '%s\n' "accepted 1 3 final listed | 10.0.0.7 (one,two) <NA>" \
    "accepted 1 7 final writes | /file/6 WRITE size=-6 opens=3 x" \
    "accepted 1 9 final listed | 10.0.0.7 (one,two) <NA>" \
    "accepted 1 10 final writes | /file/9 READ|WRITE size=-9 opens=4 x" |
    diff - "$tmp/alerts" >"$tmp/log"
ok "its alerts are those of the events"

config "count: 60, rate: 200" "delay: 10ms" ""
says 0 "late" "$gyr" run -c "$tmp/gyr.yaml" && grep late "$tmp/out" >"$tmp/log" &&
    grep -qx "accepted 1 2 final late | ping late 2 1" "$tmp/log" &&
    grep -qx "accepted 1 8 final late | ping late 8 1" "$tmp/log"
ok "a value that comes late decides, with the event as it was"

config "count: 30, fail_after: 20" "" ""
says 1 "failed after 20 events, as it was told to" "$gyr" run -c "$tmp/gyr.yaml"
ok "a source that fails makes exit status 1"

config "count: 12" "" ", verdict: retry, first: 1"
says 0 "" "$gyr" run -c "$tmp/gyr.yaml" && cp "$tmp/out" "$tmp/log" &&
    [ "$(grep -c '^retry' "$tmp/out")" -eq 1 ] && grep -q '^accepted 2 ' "$tmp/out"
ok "an output that says later gets it again"

# ---- told what is wrong ----
config "cuont: 12" "" ""
says 1 "has no option 'cuont'; did you mean 'count'?" "$gyr" run -c "$tmp/gyr.yaml" &&
    grep -q 'gyr.yaml:2:43: error' "$tmp/log" && grep -q '^ *^$' "$tmp/log"
ok "an unknown option, with the nearest name and its place"
says 1 "did you mean 'count'?" "$gyr" check -c "$tmp/gyr.yaml"
ok "check says so too"
config "count: -1" "" ""
says 1 "option 'count' of plugin fake_source: must be at least 0" "$gyr" check -c "$tmp/gyr.yaml"
ok "an option out of bounds"
sed -i 's/plugin: fake_source/plugin: fake_sourse/' "$tmp/gyr.yaml"
says 1 "did you mean 'fake_source'?" "$gyr" check -c "$tmp/gyr.yaml"
ok "an unknown plugin, with the nearest name"
config "" "" ""
sed -i 's/plugin: fake_output/plugin: fake_source/; s/path: [^}]*//' "$tmp/gyr.yaml"
says 1 "is not an output" "$gyr" check -c "$tmp/gyr.yaml"
ok "a plugin in the wrong place"
mkdir "$tmp/copy" && cp "$tmp/p/fake_source.so" "$tmp/copy/"
config "" "" ""
sed -i "s,^outputs: .,&{plugin: $tmp/copy/fake_source.so}\, ," "$tmp/gyr.yaml"
says 1 "a plugin 'fake_source' is already loaded from" "$gyr" check -c "$tmp/gyr.yaml"
ok "two files of one name"

# ---- trust ----
if [ "$(id -u)" -eq 0 ]; then
    GYR_TEST_MARK=$tmp/mark
    export GYR_TEST_MARK
    evil=$tmp/evil/constructor.so
    mkdir "$tmp/evil" && cp "$tmp/p/hostile/constructor.so" "$evil"
    chgrp 1 "$evil" && chmod 664 "$evil"
    says 1 "constructor.so: writable by group 1" "$gyr" plugin describe "$evil"
    ok "refused with privilege: writable by a group"
    chmod 646 "$evil"
    says 1 "constructor.so: writable by everybody" "$gyr" plugin describe "$evil"
    ok "refused with privilege: writable by everybody"
    chmod 644 "$evil" && chown 1 "$evil"
    says 1 "constructor.so: owned by user 1, who could change it" "$gyr" plugin describe "$evil"
    ok "refused with privilege: another user's"
    chown 0:0 "$evil" && chmod 777 "$tmp/evil"
    says 1 "evil: writable by everybody" "$gyr" plugin describe "$evil"
    ok "refused with privilege: its folder is writable by everybody"
    chmod 755 "$tmp/evil" && mkdir "$tmp/link" && chmod 777 "$tmp/link" &&
        ln -s "$evil" "$tmp/link/constructor.so" && chmod 777 "$tmp/evil"
    says 1 "evil: writable by everybody" "$gyr" plugin describe "$tmp/link/constructor.so"
    ok "refused with privilege: where a link leads to"
    [ ! -e "$tmp/mark" ]
    ok "nothing of a refused file has run"
    chmod 755 "$tmp/evil"
    says 0 "constructor 1" "$gyr" plugin describe "$evil" && [ -e "$tmp/mark" ]
    ok "the same file is taken when only root can change it"
    config "count: 1" "" ""
    chgrp 1 "$tmp/gyr.yaml" && chmod 664 "$tmp/gyr.yaml"
    says 1 "gyr.yaml: writable by group 1" "$gyr" run -c "$tmp/gyr.yaml"
    ok "refused with privilege: a configuration that others can change"
else
    skip "refusals with privilege: not root"
fi
finish
