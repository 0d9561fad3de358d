#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Alerts through three outputs at once while the endpoint of one is gone, broken, busy, silent and
# resets connections, by turns: every alert arrives, in order; the other two notice nothing, which is
# measured by the detector's clock and by the receivers'. GYR_UNRULY_S is the length of a phase; 10
# makes 100,000 alerts. Here: 1, and 10,000.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${GYR_BUILD:-build/release}")
gyr=${GYR:-$build/bin/gyr}
phase=${GYR_UNRULY_S:-1}
rate=1000
count=$((phase * 10 * rate))
most_ms=50
n=0 bad=0

tmp=$(mktemp -d) || exit 1
trap 'kill $pids 2>/dev/null; rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
pids=
umask 022

ok() { # NAME: the last command's status decides
    rc=$?
    n=$((n + 1))
    [ $rc -eq 0 ] || { bad=1 && printf 'not '; }
    printf 'ok %d - %s\n' "$n" "$1"
    [ $rc -eq 0 ] || tail -n 60 "$tmp/err" "$tmp/out" 2>/dev/null | sed 's/^/# /'
}

skip() {
    n=$((n + 1))
    printf 'ok %d # SKIP %s\n' "$n" "$1"
}

${MAKE:-make} -s -f tests/plugins/Makefile CC="${CC:-cc}" SDK="$PWD/sdk" OUT="$tmp/p" "$tmp/p/fake_live.so" \
    >"$tmp/err" 2>&1
ok "the source is built"

# serve NAME [MILLISECONDS]: its port is in $port
serve() {
    name=$1
    shift
    "$build/e2e/alert_sink" "$tmp/$name" http "$@" >"$tmp/$name.port" 2>>"$tmp/err" &
    pids="$pids $!"
    i=0
    while [ $i -lt 100 ] && [ ! -s "$tmp/$name.port" ]; do
        sleep 0.1
        i=$((i + 1))
    done
    port=$(cat "$tmp/$name.port")
}

cat >"$tmp/rules.yaml" <<'EOF'
- rule: Everything
  desc: Something happened.
  source: fake
  condition: evt.num >= 0
  output: "%evt.type num=%evt.num args=%evt.args"
  priority: INFO
EOF
serve calm
calm=$port
serve unruly $((phase * 1000))
cat >"$tmp/gyr.yaml" <<EOF
plugin_dirs: [$build/plugins, $tmp/p]
hostname: h
sources: [{plugin: fake_live, options: {count: $count, rate: $rate, now: yes}}]
enrichers: []
rules: {files: [$tmp/rules.yaml]}
outputs:
  - plugin: webhook
    name: unruly
    options: {url: "http://127.0.0.1:$port/", batch: lines, timeout: $((phase * 200))ms}
    retry: {min: 50ms, max: 1s}
    spool: {dir: $tmp/spool}
  - plugin: webhook
    name: calm
    options: {url: "http://127.0.0.1:$calm/", batch: lines}
  - plugin: program
    name: reader
    options: {command: [$build/e2e/alert_sink, $tmp/reader, lines]}
EOF
timeout $((phase * 30 + 60)) "$gyr" run --stats -c "$tmp/gyr.yaml" >"$tmp/out" 2>&1
ok "$count alerts through three outputs, one of them with an endpoint in trouble half of the time"
# shellcheck disable=SC2086 # one for each word
kill $pids
wait

# An alert whose answer was lost comes again; for the first time they come in order.
# shellcheck disable=SC2016 # awk's
complete='
    $1 in uuid { doubles++; if (uuid[$1] != $2) bad = bad " another uuid of " $1; next }
    { if (n && $1 != last + 1) bad = bad " " $1 " behind " last; n++; last = $1; uuid[$1] = $2; print $2 }
    END { if (bad || n != count) { print n + 0 " of " count ":" substr(bad, 1, 500) >"/dev/stderr"; exit 1 }
          print name ": " n " alerts, " doubles + 0 " came more than once" >"/dev/stderr" }'
for name in unruly calm reader; do
    awk -v count=$count -v name=$name "$complete" "$tmp/$name" >"$tmp/$name.uuids" 2>"$tmp/say"
    rc=$?
    cat "$tmp/say" >>"$tmp/err"
    sed 's/^/# /' "$tmp/say"
    [ $rc -eq 0 ]
    ok "$name: every alert, in order, doubles with the same uuid"
done
cmp "$tmp/unruly.uuids" "$tmp/calm.uuids" && cmp "$tmp/calm.uuids" "$tmp/reader.uuids"
ok "all three got the same"

# Every kind of trouble was met, and Retry-After honoured.
grep -Eq 'answered [1-9].* 500 [1-9].* 429 [1-9].* at all [1-9].* reset [1-9].* Retry-After 0$' "$tmp/unruly.told" &&
    grep -Eq '^output unruly: [1-9][0-9,]* offers repeated' "$tmp/out"
ok "$(cat "$tmp/unruly.told")"

acknowledged=$(echo $count | sed 's/\([0-9]*\)\([0-9]\{3\}\)$/\1,\2/')
for name in unruly calm reader; do
    grep -qx "output $name: $acknowledged alerts delivered" "$tmp/out" &&
        grep -qx "output $name: 0 alerts dropped" "$tmp/out" &&
        grep -qx "output $name: 0 alerts dead: .*" "$tmp/out" &&
        grep -qx "output $name: 0 alerts waiting" "$tmp/out"
    ok "$name: the detector counts each as acknowledged"
done

# ---- delays ----
# shellcheck disable=SC2016 # awk's
detector='
    BEGIN { split("ns us ms s m h", u); split("1e-6 1e-3 1 1e3 6e4 3.6e6", v); for (i in u) ms[u[i]] = v[i] }
    $2 == name ":" && /p99\.9/ {
        for (t = $9; match(t, /^[0-9]+[a-z]+/); t = substr(t, RLENGTH + 1)) {
            unit = number = substr(t, 1, RLENGTH)
            sub(/[0-9]+/, "", unit)
            sum += (number + 0) * ms[unit]
        }
        print sum }'
busy=$(awk -v cpus="$(nproc)" '$1 > 2 * cpus { print $1 }' /proc/loadavg)
for name in calm reader; do
    by_detector=$(awk -v name=$name "$detector" "$tmp/out")
    by_receiver=$(sort -n -k 3 "$tmp/$name" | awk -v at=$((count - count / 1000)) 'NR == at { print $3 / 1000 }')
    text="$name: 99.9 % acknowledged within $by_detector ms by the detector's clock, there $by_receiver ms after the event"
    awk -v a="$by_detector" -v b="$by_receiver" -v most=$most_ms 'BEGIN { exit !(a > 0 && b > 0 && a <= most && b <= most) }'
    rc=$?
    if [ $rc -ne 0 ] && [ -n "$busy" ]; then
        skip "$text; that is too long, but the load is $busy"
        continue
    fi
    [ $rc -eq 0 ]
    ok "$text"
done
printf '# %s\n' "$(grep 'output unruly: delivered within' "$tmp/out")"
printf '1..%d\n' "$n"
exit $bad
