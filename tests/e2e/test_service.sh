#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A detector as a service: what it tells over HTTP, at its status socket and to a service manager, while it
# starts, works, reloads, hangs and ends.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
pid='' listener='' idle=''
told="$tmp/err $tmp/log"
python=/usr/bin/python3

# shellcheck disable=SC2317 # the trap calls it
at_exit() {
    for p in $pid $listener $idle; do kill -9 "$p" 2>/dev/null; done
}

[ -x $python ] || skip_all "there is no $python"
command -v curl >/dev/null || skip_all "there is no curl"
${MAKE:-make} -s -f tests/plugins/Makefile CC="${CC:-cc}" SDK="$PWD/sdk" OUT="$tmp/p" >"$tmp/log" 2>&1 ||
    skip_all "the plugins of the tests do not build here"
port=$($python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port

config() { # OPTIONS [MORE]
    cat >"$tmp/gyr.yaml" <<END
plugin_dirs: [$tmp/p, $build/plugins]
sources: [{plugin: fake_live, options: {count: 1000000000, rate: 2000, lose: 0${1:+, $1}}}]
enrichers: [fake_enricher]
outputs: [{plugin: file, name: "out \"1\"", options: {path: $tmp/alerts, format: json}}]
rules: {files: [rules.yaml]}
http: {listen: "127.0.0.1:$port"}
status_socket: $tmp/run/gyr.sock
stuck_after: 2s
watch_config_files: false
${2:-}
END
}
rule() { # PRIORITY
    cat >"$tmp/rules.yaml" <<END
- rule: "opened \"x\" \\\\ \u00e9"
  desc: A file is opened.
  source: fake
  condition: evt.type = open
  output: "%evt.arg.path"
  priority: $1
END
}
start() { # ENVIRONMENT…
    env "$@" "$gyr" run -c "$tmp/gyr.yaml" >"$tmp/out" 2>"$tmp/err" &
    pid=$!
}
stop() {
    kill "$pid"
    wait "$pid"
    rc=$?
    pid=
    return $rc
}
code() { curl -s -m 20 -o "$tmp/body" -w '%{http_code}' "$@"; }
answers() { [ "$(code "$url$1")" = "$2" ]; }
says() { grep -qF -- "$1" "$tmp/body"; }
heard() { grep -qE -- "$1" "$tmp/told"; }
status() { timeout 30 "$gyr" status --socket "$tmp/run/gyr.sock" "$@" >"$tmp/status" 2>"$tmp/log"; }
scrape() {
    [ "$(code "$url/metrics")" = 200 ] && cp "$tmp/body" "$tmp/exposition" &&
        $python tests/e2e/service.py metrics "$tmp/exposition" >"$tmp/metrics" 2>"$tmp/log"
}
value() { # SAMPLE
    awk -v s="$1 " 'index($0, s) == 1 { print $NF }' "$tmp/metrics"
}
listen() {
    $python tests/e2e/service.py listen "$1" "$tmp/told" 2>"$tmp/log" &
    listener=$!
    until_true 10 test -e "$tmp/told"
}
quiet() {
    kill "$listener"
    wait "$listener" 2>/dev/null
    listener=
    rm -f "$tmp/told"
}

# ---- a source that hangs for 8 s in the middle of its first snapshot ----
rule WARNING
config 'hang: 8, hang_at: -2'
listen "$tmp/notify"
start NOTIFY_SOCKET="$tmp/notify" WATCHDOG_USEC=2000000
until_true 20 answers /healthz 200
ok "well as long as no source hangs"
answers /readyz 503 && says "still tells its first snapshot"
ok "not ready in the middle of a snapshot"
until_true 20 answers /healthz 503 && says "has been in one batch for"
ok "a source that hangs is told"
status
[ $? -eq 1 ] && grep -q 'stuck: source .fake_live. has been in one batch' "$tmp/status"
ok "by 'gyr status', too"
pets=$(grep -c WATCHDOG=1 "$tmp/told")
sleep 1.5
[ "$(grep -c WATCHDOG=1 "$tmp/told")" -eq "$pets" ] && ! heard READY=1
ok "the watchdog hears nothing then, and READY is not told"
until_true 20 answers /readyz 200
ok "ready when the snapshot is over"
until_true 10 heard '^READY=1\|STATUS=.*generation 1' && until_true 10 heard '^WATCHDOG=1$' && answers /healthz 200
ok "the service manager hears READY and the watchdog again"
grep -q "the plugin 'fake_live' hangs in next_batch(): it has not come back for 2 s" "$tmp/err" &&
    grep -q "source 'fake_live' gets on again" "$tmp/err"
ok "the log has both"

# ---- what it counts ----
until_true 20 test -s "$tmp/alerts" && scrape
ok "metrics are well-formed"
rule_labels="gyr_alerts_total priority='Warning' rule='opened \"x\" \\\\ é'"
[ "$(value "gyr_events_total source='fake_live'")" -gt 0 ] && grep -qF "$rule_labels" "$tmp/metrics" &&
    [ "$(value "gyr_output_delivered_total output='out \"1\"'")" -gt 0 ] &&
    [ "$(value gyr_generation)" = 1 ] && [ "$(value gyr_ready)" = 1 ] &&
    [ "$(value process_resident_memory_bytes | cut -d. -f1 | wc -c)" -gt 5 ]
ok "and hold what was done"
grep -E '_total |_bucket|_count' "$tmp/metrics" | awk '{ v = $NF; $NF = ""; print $0 "\t" v }' >"$tmp/first"
sleep 0.5
scrape && awk '{ v = $NF; $NF = ""; print $0 "\t" v }' "$tmp/metrics" |
    awk -F '\t' 'NR == FNR { was[$1] = $2; n++; next }
        $1 in was { seen++; if ($2 + 0 < was[$1] + 0) { print "fell: " $0; bad = 1 } else if ($2 != was[$1]) grew++ }
        END { exit bad || seen != n || !grew }' "$tmp/first" - >"$tmp/log"
ok "counters grow and never fall"
for c in accepted delivered retried dead dropped suppressed; do
    grep -q "^gyr_output_${c}_total " "$tmp/metrics" || echo "$c is missing"
done >"$tmp/log"
! grep . "$tmp/log"
ok "each counter of an output is there"

# ---- the rest of HTTP ----
answers /version 200 && $python -c 'import json, sys; json.load(sys.stdin)["version"]' <"$tmp/body" 2>"$tmp/log"
ok "/version"
answers /nothing 404 && says /metrics && [ "$(code -X POST -d x "$url/metrics")" = 405 ] &&
    [ "$(curl -s -m 20 -I "$url/healthz" | head -c 15)" = "HTTP/1.1 200 OK" ]
ok "other paths and methods are refused, HEAD is not"
$python tests/e2e/service.py idle "$port" 60 20 2>"$tmp/log" &
idle=$!
sleep 1
until_true 30 answers /healthz 200
ok "connections that say nothing keep nobody out for long"
kill "$idle"
wait "$idle" 2>/dev/null
idle=

# ---- reloads ----
rule NOTICE
kill -HUP "$pid"
until_true 20 heard '^RELOADING=1\|MONOTONIC_USEC=[0-9]+\|' && until_true 20 heard '^READY=1\|STATUS=.*generation 2'
ok "a reload is told: RELOADING, then READY"
echo '- rule: [' >"$tmp/rules.yaml"
kill -HUP "$pid"
# shellcheck disable=SC2317 # until_true calls it
failed_reload() { scrape && [ "$(value "gyr_reloads_total result='failed'")" = 1 ]; }
until_true 20 failed_reload && [ "$(value "gyr_reloads_total result='succeeded'")" = 1 ] &&
    [ "$(value gyr_generation)" = 2 ] && [ "$(value gyr_last_reload_failed)" = 1 ]
ok "and counted, failed or not"

# ---- the status socket ----
[ "$(stat -c %a "$tmp/run/gyr.sock")" = 600 ]
ok "the status socket is for its user only"
status && grep -q '^  generation  2: 1 of 1 rules enabled; 1 reloads, 1 failed' "$tmp/status" &&
    grep -q 'the last failed: .*rules.yaml:' "$tmp/status" && grep -q 'source  *fake_live: running, ' "$tmp/status" &&
    grep -q 'enricher  *fake_enricher: ' "$tmp/status" && grep -q 'output  *out "1" (file): ' "$tmp/status" &&
    grep -q 'Notice: opened "x"' "$tmp/status"
ok "gyr status"
status --json && $python - "$tmp/status" >"$tmp/log" 2>&1 <<'END'
import json, sys
d = json.load(open(sys.argv[1], encoding="utf-8"))
assert d["state"] == "ready" and d["healthy"] and d["generation"] == 2 and d["reloads"]["last_failed"]
assert d["sources"][0]["events"] > 0 and d["sources"][0]["enrichers"][0]["plugin"] == "fake_enricher"
assert d["outputs"][0]["delivered"] > 0 and d["top_rules"][0]["alerts"] > 0 and d["uptime"] > 0
END
ok "gyr status --json"
if [ "$(id -u)" -eq 0 ] && id nobody >/dev/null 2>&1; then
    chmod 666 "$tmp/run/gyr.sock"
    $python - "$tmp/run/gyr.sock" >"$tmp/log" 2>&1 <<'END'
import os, pwd, socket, sys
os.setgid(65534)
os.setuid(pwd.getpwnam("nobody").pw_uid)
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
try:
    assert s.recv(1) == b""
except ConnectionResetError:
    pass
END
    ok "another user gets nothing, though the file would let him"
    grep -q 'was refused at the status socket' "$tmp/err"
    ok "and that is told"
else
    skip "another user: needs root and the user nobody"
fi

# ---- what is taken ----
rule WARNING
"$gyr" run -c "$tmp/gyr.yaml" >/dev/null 2>"$tmp/log"
[ $? -eq 1 ] && grep -q "http: cannot listen at 127.0.0.1:$port: Address already in use" "$tmp/log"
ok "an address that is taken is an error"
sed '/^http/d' "$tmp/gyr.yaml" >"$tmp/second.yaml"
"$gyr" run -c "$tmp/second.yaml" >/dev/null 2>"$tmp/log"
[ $? -eq 1 ] && grep -q "another detector answers at $tmp/run/gyr.sock" "$tmp/log" && status
ok "so is a socket where another detector answers"
sed 's/127.0.0.1:[0-9]*/localhost/' "$tmp/gyr.yaml" >"$tmp/third.yaml"
"$gyr" run -c "$tmp/third.yaml" >/dev/null 2>"$tmp/log"
[ $? -eq 1 ] && grep -q "third.yaml:6:16: error: 'localhost' is no address to listen at" "$tmp/log"
ok "one that is none is told with its place"

# ---- the end ----
stop && heard '^STOPPING=1' && ! [ -e "$tmp/run/gyr.sock" ]
ok "the end is told, and the socket is gone"
status
[ $? -eq 1 ] && grep -qx "gyr: status: no detector runs: nobody answers at $tmp/run/gyr.sock" "$tmp/log"
ok "gyr status says that no detector runs"
quiet

# ---- a socket left behind by kill -9, an abstract name, a prefix for the journal ----
config ''
listen "@gyr-test-$$"
start NOTIFY_SOCKET="@gyr-test-$$"
until_true 20 answers /readyz 200
ok "started once more"
kill -9 "$pid"
wait "$pid" 2>/dev/null
start NOTIFY_SOCKET="@gyr-test-$$"
until_true 20 answers /readyz 200 && status && until_true 10 heard '^READY=1' && ! heard '^WATCHDOG'
ok "a socket that was left behind is replaced; an abstract socket is told"
stop
ok "and it ends"
quiet
if [ "${GYR_VARIANT:-release}" = release ]; then
    start
    until_true 20 answers /readyz 200
    kill -ABRT "$pid"
    wait "$pid" 2>/dev/null
    grep -q "^gyr: error: another process sent a signal, and ended it: Aborted" "$tmp/err" && ! grep -q crashed "$tmp/err"
    ok "what a watchdog does is not called a crash of a plugin"
else
    skip "sanitizers have handlers of their own"
fi

# ---- who waits for an output, as he was told to, does not hang ----
config ''
sed -i "s|^outputs: .*|outputs: [{plugin: fake_output, queue: 1, on_full: wait, options: {path: $tmp/slow, delay: 1h}}]|" "$tmp/gyr.yaml"
listen "$tmp/notify2"
start NOTIFY_SOCKET="$tmp/notify2" WATCHDOG_USEC=2000000
# shellcheck disable=SC2317 # until_true calls it
waits() { answers /healthz 200 && says 'has been waiting for an output for'; }
until_true 20 waits
ok "a source that waits for an output is well"
pets=$(grep -c WATCHDOG=1 "$tmp/told")
# shellcheck disable=SC2317 # until_true calls it
more_pets() { [ "$(grep -c WATCHDOG=1 "$tmp/told")" -gt "$pets" ]; }
until_true 10 more_pets && ! grep -q hangs "$tmp/err"
ok "and so the watchdog hears"

# ---- asked for twice by a wrapper, the end comes as if asked for once; later, at once ----
kill -INT "$pid"
kill -INT "$pid"
sleep 1.2
kill -0 "$pid" && ! grep -q 'ended at once' "$tmp/err"
ok "two signals in a row are one request: what is queued is tried"
kill -TERM "$pid"
wait "$pid"
[ $? -eq 1 ] && grep -qx '.*error: ended at once; alerts may be lost' "$tmp/err"
ok "one that comes later ends at once"
pid=
quiet

# ---- losses, by class and CPU ----
config 'hang: 20, hang_at: 200, now: true'
sed -i 's/count: 1000000000, rate: 2000, lose: 0/count: 200, lose: 7/' "$tmp/gyr.yaml"
start
# shellcheck disable=SC2317 # until_true calls it
lost() { scrape && [ "$(value "gyr_lost_events_total class='state' cpu='0' source='fake_live'")" = 7 ]; }
until_true 15 lost && status && grep -q ', 7 lost that build state' "$tmp/status"
ok "losses are told by class and CPU"
kill -9 "$pid"
wait "$pid" 2>/dev/null
pid=

# ---- levels ----
echo 'rules: {filez: []}' >"$tmp/wrong.yaml"
$python tests/e2e/service.py journal "$gyr" run -c "$tmp/wrong.yaml" >"$tmp/log" 2>&1
[ "$(grep -c '^<3>' "$tmp/log")" -ge 3 ] && ! grep -v '^<3>' "$tmp/log"
ok "lines for the journal have a level, also of what is wrong in a file"
config '' 'mute: []'
journal() { timeout -s INT 3 $python tests/e2e/service.py journal timeout -s INT 1 "$gyr" run -c "$tmp/gyr.yaml" "$@" >"$tmp/log" 2>&1; }
journal --log-level debug
grep -q '^<7>gyr: .*all of it' "$tmp/log" && grep -q '^<6>gyr: .*root is' "$tmp/log"
ok "--log-level debug"
journal -vv --log-level warning
! grep -q '^<[567]>' "$tmp/log"
ok "--log-level is stronger than -vv"
"$gyr" run --log-level warnin 2>"$tmp/log"
[ $? -eq 2 ] && grep -q "there is no level 'warnin'; did you mean 'warning'?" "$tmp/log"
ok "a level that there is not"
finish
