#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A configuration changes while it runs: rules, outputs and settings come into force at SIGHUP and when files
# change; each event is decided once; what does not load changes nothing.
#   GYR_RELOADS=n: so many generations in a row, instead of 40.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
pid=''

# shellcheck disable=SC2317 # the trap calls it
at_exit() { [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; }

says() { grep -qF -- "$1" "$tmp/err"; }
# shellcheck disable=SC2317 # until_true calls it
lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }
in_force() { says "generation $1 is in force"; }
more() { # FILE: comes anything more?
    until_true 20 lines "$1" $(($(wc -l <"$1") + 1))
}

# rules WORD NAME: of each event that opens a file
rules() {
    cat >"$tmp/new" <<END
- rule: opened
  desc: A file is opened.
  source: fake
  condition: evt.type = open
  output: "$1 %evt.arg.path"
  priority: WARNING
  tags: [files]
- rule: called $1
  desc: Nothing but another event to want.
  source: fake
  condition: evt.type = call and evt.arg.id = 9
  output: "no"
  priority: DEBUG
END
    mv "$tmp/new" "$tmp/rules.d/${2:-rules.yaml}"
}

# config OUTPUTS [MORE]
config() {
    cat >"$tmp/new" <<END
plugin_dirs: [$tmp/p, $build/plugins]
sources: [{plugin: fake_live, options: {count: 1000000000, rate: 2000}}]
enrichers: []
outputs: [$1]
rules: {files: [rules.d]}
${2:-}
END
    mv "$tmp/new" "$tmp/gyr.yaml"
}
file() { echo "{plugin: file, name: $1, options: {path: $tmp/$1, format: text}${2:-}}"; }

# numbers FILE…: which files were alerted of
numbers() { sed -n 's,.*/file/\([0-9]*\)$,\1,p' "$@" | sort -n; }
# whole FILE…: each third number, from the first on, once
whole() {
    numbers "$@" | awk '$1 != 3 * (NR - 1) { print "at " NR ": " $1; exit 1 }' >>"$tmp/err"
}

start() {
    "$gyr" run -c "$tmp/gyr.yaml" >"$tmp/out" 2>"$tmp/err" &
    pid=$!
    until_true 20 test -s "$tmp/alerts"
}
stop() {
    kill "$pid"
    wait "$pid"
    rc=$?
    pid=
    return $rc
}
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"; }

if ! ${MAKE:-make} -s -f tests/plugins/Makefile CC="${CC:-cc}" SDK="$PWD/sdk" OUT="$tmp/p" \
    >"$tmp/err" 2>&1; then
    skip_all "the plugins of the tests do not build here"
fi
mkdir "$tmp/rules.d"

# ---- one generation after the other ----
rules one
config "$(file alerts)" "watch_config_files: false"
start
ok "it runs"
all=${GYR_RELOADS:-40} k=1
while [ $k -lt "$all" ]; do
    k=$((k + 1))
    if [ $((k % 2)) -eq 0 ]; then rules two; else rules one; fi
    kill -HUP "$pid"
    until_true 30 in_force $k || break
    [ $k -ne $((all / 4)) ] || early=$(rss)
done
late=$(rss)
in_force "$all" && more "$tmp/alerts"
ok "$all generations, each at a SIGHUP"
stop && whole "$tmp/alerts" && grep -q 'one /file' "$tmp/alerts" && grep -q 'two /file' "$tmp/alerts"
ok "each of $(numbers "$tmp/alerts" | wc -l) events is alerted of once, by one of them"
if [ "${GYR_VARIANT:-release}" = release ]; then
    echo "memory: $early KiB, then $late KiB" >>"$tmp/err"
    [ "$late" -le $((early + early / 10 + 512)) ]
    ok "memory stays: $early KiB after $((all / 4)) generations, $late KiB after $all"
fi

# ---- several sources ----
rm "$tmp/alerts"
config "$(file alerts)" "watch_config_files: false"
sed -i 's/^sources: .*/sources:\n  - {plugin: fake_live, options: {count: 1000000000, rate: 1500}}\n  - {plugin: fake_live, name: second, options: {count: 1000000000, rate: 900}}/' \
    "$tmp/gyr.yaml"
start
k=1
while [ $k -lt 20 ]; do
    k=$((k + 1))
    if [ $((k % 2)) -eq 0 ]; then rules two; else rules one; fi
    kill -HUP "$pid"
    until_true 30 in_force $k || break
done
in_force 20 && more "$tmp/alerts" && stop &&
    numbers "$tmp/alerts" | uniq -c | awk '
        $2 != 3 * (NR - 1) || $1 > 2 || (NR > 1 && $1 > last) { print NR ": " $0; exit 1 }
        { last = $1 }' >>"$tmp/err"
ok "of two sources, each event is alerted of once by rules of 20 generations"

# ---- a recording ----
captures=$(i=0; while [ $i -lt 500 ]; do printf '%s, ' "$PWD/tests/captures/seed.scap.gz"; i=$((i + 1)); done)
cat >"$tmp/gyr.yaml" <<END
plugin_dirs: [$build/plugins]
sources: [{plugin: replay, options: {path: [$captures]}}]
enrichers: [process]
outputs: [{plugin: file, options: {path: $tmp/replayed, format: json}}]
rules: {files: [replay.d]}
hostname: here
watch_config_files: false
END
mkdir "$tmp/replay.d"
replay_rules() { # MORE: a condition that some generations have to evaluate besides
    cat >"$tmp/new" <<END
- rule: run
  desc: A program is run.
  condition: evt.type = execve
  output: "%proc.cmdline %proc.pname"
  priority: WARNING
- rule: opened
  desc: A file is opened.
  condition: evt.type = openat and fd.name startswith /etc
  output: "%fd.name %proc.name"
  priority: WARNING
$1
END
    mv "$tmp/new" "$tmp/replay.d/rules.yaml"
}
replay_rules ''
"$gyr" run -q -c "$tmp/gyr.yaml" >"$tmp/out" 2>"$tmp/err" && mv "$tmp/replayed" "$tmp/at-once" &&
    [ "$(wc -l <"$tmp/at-once")" -gt 1000 ]
ok "a recording is replayed"
"$gyr" run -c "$tmp/gyr.yaml" >"$tmp/out" 2>"$tmp/err" &
pid=$!
until_true 20 says "  config "
k=0
while kill -0 "$pid" 2>/dev/null && [ $k -lt 1000 ]; do
    k=$((k + 1))
    if [ $((k % 2)) -eq 0 ]; then
        replay_rules ''
    else
        replay_rules '- {rule: more, desc: d, condition: evt.type = read and fd.num = 9999, output: x, priority: DEBUG}'
    fi
    kill -HUP "$pid" 2>/dev/null
    sleep 0.01
done
wait "$pid" && [ "$(grep -c 'is in force' "$tmp/err")" -ge 3 ] && ! says "not loaded" &&
    uuids "$tmp/at-once" >"$tmp/uuids" && uuids "$tmp/replayed" | cmp - "$tmp/uuids" 2>>"$tmp/err"
ok "and again, with $(grep -c 'is in force' "$tmp/err") generations: the same $(wc -l <"$tmp/uuids") alerts, in order"
pid=''

# ---- what does not load ----
rm "$tmp/alerts"
rules one
config "$(file alerts)" "watch_config_files: false"
start
cat >"$tmp/rules.d/broken.yaml" <<'END'
- rule: broken
  desc: It is.
  source: fake
  condition: evt.type = open and evt.arg.paht = x
  output: "x"
  priority: WARNING
END
kill -HUP "$pid"
until_true 20 says "generation 1 stays in force" && says "broken.yaml:4:34: error:" &&
    says "did you mean" && says "                 ^" && more "$tmp/alerts"
ok "a broken rule: its place, the nearest name, and the old rules go on"
rm "$tmp/rules.d/broken.yaml"
echo 'outptus: []' >>"$tmp/gyr.yaml"
kill -HUP "$pid"
until_true 20 says "gyr.yaml:" && says "did you mean 'outputs'" && more "$tmp/alerts"
ok "a broken configuration likewise"
config "$(file alerts), {plugin: file, name: nowhere, options: {path: $tmp/not/there}}" \
    "watch_config_files: false"
kill -HUP "$pid"
until_true 20 says "output 'nowhere'" && more "$tmp/alerts" && ! in_force 2
ok "an output that cannot be opened likewise"
config "$(file alerts), $(file first), {plugin: file, name: wrong, options: {path: $tmp/x, formta: text}}, $(file last)" \
    "watch_config_files: false"
kill -HUP "$pid"
until_true 20 says "plugin wrong has no option 'formta'; did you mean" && more "$tmp/alerts" && ! in_force 2
ok "an output with a wrong option, between others, likewise"
if [ "$(id -u)" -eq 0 ]; then
    mkdir -m 700 "$tmp/theirs"
    chown 65534 "$tmp/theirs"
    config "$(file alerts), {plugin: file, name: late, options: {path: $tmp/theirs/x}}" \
        "watch_config_files: false"
    kill -HUP "$pid"
    until_true 20 says "given up after the start; a restart may help" && more "$tmp/alerts"
    ok "and one that could have been opened at the start"
fi
config "$(file alerts)" "watch_config_files: false
rule_matching: first
log_level: info"
rules two
kill -HUP "$pid"
until_true 20 in_force 2 && more "$tmp/alerts" && stop && whole "$tmp/alerts"
ok "and when it is mended, it comes into force; no event was missed meanwhile"

# ---- outputs ----
rm "$tmp/alerts"
rules one
config "$(file alerts), $(file going)" "watch_config_files: false"
start
inode=$(stat -c %i "$tmp/alerts")
config "$(file alerts), $(file coming)" "watch_config_files: false"
kill -HUP "$pid"
until_true 20 in_force 2 && until_true 20 test -s "$tmp/coming" && more "$tmp/coming"
ok "an output comes, another goes"
config "$(file alerts ", rules: [other]"), $(file coming), $(file third ", tags: [files]")" \
    "watch_config_files: false"
kill -HUP "$pid"
until_true 20 in_force 3 && until_true 20 test -s "$tmp/third" && more "$tmp/third"
was=$(wc -l <"$tmp/alerts")
more "$tmp/third" && [ "$(wc -l <"$tmp/alerts")" -eq "$was" ] &&
    [ "$(stat -c %i "$tmp/alerts")" = "$inode" ]
ok "a filter changes under an output that goes on"
config "$(file alerts), {plugin: file, name: coming, options: {path: $tmp/other, format: text}}, $(file third \
    ", min_priority: error")" "watch_config_files: false
redact: [{field: evt.arg.path}]"
kill -HUP "$pid"
until_true 20 in_force 4 && until_true 20 test -s "$tmp/other" && more "$tmp/other" &&
    tail -n 1 "$tmp/other" | grep -q 'one \[redacted\]'
ok "an output's options change, and what is redacted"
was=$(wc -l <"$tmp/third")
more "$tmp/other" && [ "$(wc -l <"$tmp/third")" -eq "$was" ] && stop
ok "an urgency that is too small for an output"
# Of two outputs with the same alerts, each had every event, whoever was there at the time.
numbers "$tmp/going" "$tmp/coming" | uniq -d >"$tmp/twice"
[ "$(numbers "$tmp/going" | tail -n 1)" -lt "$(numbers "$tmp/coming" | head -n 1)" ] &&
    whole "$tmp/going" && numbers "$tmp/coming" |
    awk 'NR > 1 && $1 != last + 3 { exit 1 } { last = $1 }' && [ ! -s "$tmp/twice" ] &&
    [ $(($(numbers "$tmp/going" | tail -n 1) + 3)) -eq "$(numbers "$tmp/coming" | head -n 1)" ]
ok "where one output ends the other begins: no alert is lost or doubled"

# ---- an output whose plugin was replaced, by an update say ----
rm "$tmp/alerts"
cp "$build/plugins/file.so" "$tmp/p/file.so"
config "$(file alerts)" "watch_config_files: false"
start
cp "$build/plugins/file.so" "$tmp/p/new" && mv "$tmp/p/new" "$tmp/p/file.so"
config "{plugin: file, name: alerts, options: {path: $tmp/updated, format: text}}" "watch_config_files: false"
kill -HUP "$pid"
until_true 20 in_force 2 && says "file.so has been replaced since it was loaded" &&
    until_true 20 test -s "$tmp/updated" && more "$tmp/updated" && stop && whole "$tmp/alerts" "$tmp/updated"
ok "an output whose plugin was replaced takes other options all the same"
rm "$tmp/p/file.so"

# ---- the spool of an output that is replaced ----
rm "$tmp/alerts"
config "$(file alerts ", spool: {dir: $tmp/spool, segment_bytes: 64K}")" "watch_config_files: false"
start
config "{plugin: file, name: alerts, options: {path: $tmp/new-alerts, format: text},
  spool: {dir: $tmp/spool, segment_bytes: 64K}}" "watch_config_files: false"
kill -HUP "$pid"
until_true 20 in_force 2 && until_true 20 test -s "$tmp/new-alerts" && more "$tmp/new-alerts" &&
    ! says "cannot use its spool" && stop && whole "$tmp/alerts" "$tmp/new-alerts"
ok "another output takes the spool over"

# ---- what only a start can change ----
rm "$tmp/alerts"
config "$(file alerts)" "watch_config_files: false"
start
sed -i 's/rate: 2000/rate: 2001/; s/^enrichers: .*/enrichers: [fake_enricher]/' "$tmp/gyr.yaml"
echo 'hostname: other' >>"$tmp/gyr.yaml"
rules two
kill -HUP "$pid"
until_true 20 in_force 2 && says "gyr.yaml:2:11: warning: source 'fake_live' has changed: it goes on" &&
    says "warning: enricher 'fake_enricher' is new: it comes with the next start" &&
    says "'hostname' has changed" && until_true 20 grep -q 'two /file' "$tmp/alerts" && stop &&
    whole "$tmp/alerts"
ok "sources, enrichers and fixed settings: told, and the rest applies"

# ---- files that change ----
rm "$tmp/alerts"
rules one
config "$(file alerts)"
start
rules two
until_true 20 in_force 2 && until_true 20 grep -q 'two /file' "$tmp/alerts"
ok "a rule file that changes is loaded without a signal"
mkdir "$tmp/gyr.d"
printf 'rules: {select: [{disable: {rule: opened}}]}\n' >"$tmp/gyr.d/10.yaml"
until_true 20 in_force 3 && sleep 0.3 && was=$(wc -l <"$tmp/alerts") && sleep 0.3 &&
    [ "$(wc -l <"$tmp/alerts")" -eq "$was" ]
ok "a drop-in that comes, with its folder"
rm "$tmp/gyr.d/10.yaml"
until_true 20 in_force 4 && more "$tmp/alerts"
ok "and goes"
touch "$tmp/unrelated"
echo x >"$tmp/rules.d/README"
mkdir "$tmp/elsewhere"
ln -s ../elsewhere/x.yaml "$tmp/rules.d/x.yaml"
until_true 20 says "x.yaml: No such file"
ok "what does not load is told"
mv "$tmp/rules.d/rules.yaml" "$tmp/elsewhere/x.yaml"
until_true 20 in_force 5 && sed -i s/two/linked/ "$tmp/elsewhere/x.yaml" &&
    until_true 20 in_force 6 && until_true 20 grep -q 'linked /file' "$tmp/alerts"
ok "a file elsewhere that a link in the folder names"
sleep 1.2
! in_force 7 && [ "$(grep -c 'stays in force' "$tmp/err")" -eq 1 ]
ok "nothing is loaded for nothing"
config "$(file alerts)" "watch_config_files: false"
until_true 20 in_force 7
rules three x.yaml
sleep 1.2
! in_force 8
ok "watch_config_files: false is heeded from then on"
kill -HUP "$pid"
until_true 20 in_force 8 && more "$tmp/alerts" && stop
ok "SIGHUP loads all the same"

# ---- the command line stays ----
rm "$tmp/alerts"
mv "$tmp/rules.d/x.yaml" "$tmp/mine.yaml"
config "$(file alerts)"
"$gyr" run -q -c "$tmp/gyr.yaml" -r "$tmp/mine.yaml" -o stdout >"$tmp/out" 2>"$tmp/err" &
pid=$!
until_true 20 test -s "$tmp/out"
sed -i 's/three/four/' "$tmp/mine.yaml"
until_true 20 grep -q 'four /file' "$tmp/out" && [ ! -e "$tmp/alerts" ] && [ ! -s "$tmp/err" ] && stop
ok "rules and output of the command line, and nothing said when told to be quiet"

finish
