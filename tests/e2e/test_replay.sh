#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# gyr replay and gyr run, end to end: alerts of a real capture as text and JSON, damage, signals,
# outputs that are full, gone or rotated, a live source that fails.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
seed=$PWD/tests/captures/seed.scap.gz
export TZ=UTC

# exits STATUS COMMAND…: output in out, errors in err
exits() {
    want=$1
    shift
    "$@" >"$tmp/out" 2>"$tmp/err"
    rc=$?
    [ "$rc" -eq "$want" ] && return 0
    printf 'exit status %d, not %d\n' "$rc" "$want" >>"$tmp/err"
    return 1
}

says() { grep -qF -- "$1" "$tmp/err"; }

cat >"$tmp/rules.yaml" <<'EOF'
- rule: Something was run
  desc: A program was executed.
  condition: evt.type = execve
  output: "ran %evt.type res=%evt.arg.res num=%evt.num"
  priority: WARNING
  tags: [exec, T1059]
- rule: Something was opened for writing
  desc: A file was opened.
  condition: evt.type = openat and evt.arg.flags contains O_CREAT
  output: "opened num=%evt.num"
  priority: INFO
EOF
cat >"$tmp/gyr.yaml" <<EOF
plugin_dirs: [$build/plugins]
enrichers: []
outputs: [{plugin: stdout}]
rules: {files: [$tmp/rules.yaml]}
EOF
replay() { # STATUS OPTION…
    status=$1
    shift
    exits "$status" "$gyr" replay -c "$tmp/gyr.yaml" "$seed" "$@"
}

# ---- text ----
replay 0
ok "a capture is replayed"
line='^[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}: Warning ran execve res=0 num=[0-9]+$'
runs=$(grep -cE "$line" "$tmp/out")
[ "$runs" -gt 5 ] && ! grep -qvE '^[0-9:.]{18}: (Warning|Informational) ' "$tmp/out"
ok "alerts are lines of time, priority and text"
! grep -q "$(printf '\033')" "$tmp/out"
ok "no colour in a pipe"
says "config    $tmp/gyr.yaml" && says "$tmp/rules.yaml" && says "2 enabled of 2 rules" &&
    says "replay ($build/plugins/replay.so"
ok "it tells what it loaded"
grep -qE "^ +$runs  Warning +Something was run$" "$tmp/err" &&
    grep -qE 'events in .* events/s\)' "$tmp/err"
ok "the summary counts alerts by rule"
cp "$tmp/out" "$tmp/first"

exits 0 "$gyr" replay -q -c "$tmp/gyr.yaml" "$seed" && [ ! -s "$tmp/err" ] &&
    cmp -s "$tmp/out" "$tmp/first"
ok "--quiet says nothing but the alerts"
exits 0 "$gyr" replay -q -c "$tmp/gyr.yaml" - <"$seed" && cmp -s "$tmp/out" "$tmp/first"
ok "a capture from standard input"
gzip -dc "$seed" >"$tmp/seed.scap"
exits 0 "$gyr" replay -q -c "$tmp/gyr.yaml" "$tmp/seed.scap" "$seed" &&
    [ "$(grep -c 'ran execve' "$tmp/out")" -eq $((2 * runs)) ]
ok "several captures, one after the other"
exits 0 "$gyr" replay --stats -c "$tmp/gyr.yaml" "$seed" && says "snapshot and internal events" &&
    says "alerts delivered"
ok "--stats prints all counters"

# ---- JSON ----
replay 0 --json
ok "--json"
if command -v python3 >/dev/null; then
    python3 - "$tmp/out" >"$tmp/err" 2>&1 <<'EOF'
import json, re, sys
keys = {"hostname", "output", "output_fields", "priority", "rule", "source", "tags", "time", "uuid"}
lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
assert lines, "no alerts"
seen = set()
for line in lines:
    a = json.loads(line)
    assert set(a) == keys, sorted(a)
    f = a["output_fields"]
    assert isinstance(f["evt.time"], int) and isinstance(f["evt.num"], int), f
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", a["time"]), a["time"]
    assert a["time"][-10:-1] == "%09d" % (f["evt.time"] % 10**9)
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
                        a["uuid"]), a["uuid"]
    assert a["output"].startswith(a["time"][11:-1] + ": " + a["priority"] + " "), a["output"]
    assert a["source"] == "syscall" and isinstance(a["tags"], list)
    seen.add(a["uuid"])
assert len(seen) == len(lines), "a uuid stands twice"
EOF
    ok "every line is an object with Falco's keys, each with its own uuid"
else
    skip "no python3 to read JSON with"
fi
cp "$tmp/out" "$tmp/first"
replay 0 --json && cmp -s "$tmp/out" "$tmp/first"
ok "replayed again, it is the same to the byte, uuids included"

# ---- damage, and what is not there ----
size=$(wc -c <"$tmp/seed.scap")
head -c $((size / 2)) "$tmp/seed.scap" >"$tmp/cut.scap"
exits 1 "$gyr" replay -c "$tmp/gyr.yaml" "$tmp/cut.scap" && says "source 'replay'" &&
    [ "$(grep -c 'ran execve' "$tmp/out")" -gt 0 ]
ok "a cut capture gives its alerts, then an error and exit status 1"
exits 1 "$gyr" replay -c "$tmp/gyr.yaml" "$tmp/none.scap" && says "No such file"
ok "a capture that is not there"
exits 1 "$gyr" replay -c "$tmp/gyr.yaml" -r "$tmp/none.yaml" "$seed" && says "none.yaml"
ok "rules that are not there"
exits 2 "$gyr" replay && says "no capture"
ok "no capture named: wrong usage"
exits 2 "$gyr" replay --speed fast "$seed" && says "'real' or 'max'"
ok "an unknown speed: wrong usage"
exits 0 "$gyr" replay --help && grep -q -- '--speed' "$tmp/out" && exits 0 "$gyr" run --help
ok "--help"

# ---- outputs ----
{
    timeout 20 "$gyr" replay -c "$tmp/gyr.yaml" "$tmp/seed.scap" "$seed" "$seed" 2>"$tmp/err"
    echo $? >"$tmp/rc"
} | head -n 1 >"$tmp/out"
[ "$(wc -l <"$tmp/out")" -eq 1 ] && [ "$(cat "$tmp/rc")" -le 1 ]
ok "a reader that goes away hangs nothing"
sed /outputs/d "$tmp/gyr.yaml" >"$tmp/files.yaml"
cat >>"$tmp/files.yaml" <<EOF
outputs:
  - {plugin: file, options: {path: $tmp/alerts, format: text}}
  - {plugin: file, name: info, options: {path: $tmp/info, format: text}, rules: ['*opened*']}
  - {plugin: file, name: warn, options: {path: $tmp/warn}, min_priority: warning, tags: [exec]}
EOF
exits 0 "$gyr" replay -c "$tmp/files.yaml" "$seed" && [ ! -s "$tmp/out" ] &&
    [ "$(grep -c 'ran execve' "$tmp/alerts")" -eq "$runs" ] && grep -q opened "$tmp/alerts"
ok "alerts into a file"
grep -q opened "$tmp/info" && ! grep -q 'ran execve' "$tmp/info" &&
    [ "$(grep -c '"priority":"Warning"' "$tmp/warn")" -eq "$runs" ] && ! grep -q opened "$tmp/warn"
ok "each output has its own filter"
exits 0 "$gyr" replay -q -c "$tmp/files.yaml" -o stdout "$seed" &&
    [ "$(grep -c 'ran execve' "$tmp/out")" -eq "$runs" ]
ok "--output takes a plugin instead"
exits 1 timeout 20 "$gyr" replay -c "$tmp/files.yaml" -o nowhere "$seed" && says "nowhere"
ok "an output that is not there"
if [ -w /dev/full ]; then
    sed "s,{plugin: stdout},{plugin: file\, options: {path: /dev/full}}," "$tmp/gyr.yaml" \
        >"$tmp/full.yaml"
    exits 1 timeout 30 "$gyr" replay -c "$tmp/full.yaml" "$seed" &&
        says "No space left on device" && says "could not be delivered"
    ok "a full disk: told, tried again, given up, exit status 1"
else
    skip "no /dev/full"
fi

# ---- signals ----
"$gyr" replay -c "$tmp/gyr.yaml" --speed real "$seed" >"$tmp/out" 2>"$tmp/err" &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 0.2
    [ -s "$tmp/out" ] && break
done
kill -TERM "$pid"
wait "$pid" && says "interrupted" && [ -s "$tmp/out" ] &&
    [ "$(grep -c 'ran execve' "$tmp/out")" -lt "$runs" ]
ok "SIGTERM ends a slow replay cleanly, with what it had"

cat >"$tmp/real.yaml" <<EOF
plugin_dirs: [$build/plugins]
sources: [{plugin: replay, options: {path: [$seed], speed: real}}]
enrichers: []
outputs: [{plugin: file, options: {path: $tmp/log, format: text}}]
rules: {files: [$tmp/rules.yaml]}
EOF
"$gyr" run -c "$tmp/real.yaml" >"$tmp/out" 2>"$tmp/err" &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 0.2
    [ -s "$tmp/log" ] && break
done
mv "$tmp/log" "$tmp/log.1"
kill -HUP "$pid"
for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 0.2
    [ -s "$tmp/log" ] && break
done
kill -INT "$pid"
wait "$pid" && [ -s "$tmp/log" ] && [ -s "$tmp/log.1" ]
ok "SIGHUP: the file that was rotated away is opened anew"

# ---- a live source ----
if ${MAKE:-make} -s -f tests/plugins/Makefile CC="${CC:-cc}" SDK="$PWD/sdk" OUT="$tmp/p" \
    >"$tmp/err" 2>&1; then
    cat >"$tmp/live.yaml" <<EOF
plugin_dirs: [$tmp/p, $build/plugins]
sources: [{plugin: fake_live, options: {count: 30, fail_after: 20}}]
enrichers: []
outputs: [{plugin: stdout}]
rules: {files: [$tmp/live-rules.yaml]}
EOF
    cat >"$tmp/live-rules.yaml" <<'EOF'
- rule: opened
  desc: A file is opened.
  source: fake
  condition: evt.type = open
  output: "%evt.arg.path"
  priority: WARNING
EOF
    exits 1 timeout 60 "$gyr" run -c "$tmp/live.yaml" && says "is started again in" &&
        says "failed 5 times in a row and is given up" && grep -q '/file/' "$tmp/out"
    ok "a live source is started again, and given up after five failures"
else
    skip "the plugins of the tests do not build here"
fi

finish
