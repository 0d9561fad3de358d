#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Names of real containers: Docker, started here, and hostile commands that end at once. Of every
# alert the name and image must be right, also while the runtime cannot be reached for ten seconds
# (then they may be missing, and say so). GYR_DOCKER_COUNT=200 for the long run.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${GYR_BUILD:-build/release}")
gyr=$(realpath "${GYR:-$build/bin/gyr}")
count=${GYR_DOCKER_COUNT:-40}
n=0 bad=0

skip_all() {
    printf '1..1\nok 1 # SKIP %s\n' "$1"
    exit 0
}
[ "$(id -u)" -eq 0 ] || skip_all "needs root"
for c in dockerd docker busybox; do
    command -v $c >/dev/null || skip_all "needs $c (dockerd: apt-get install docker.io)"
done
case ${GYR_VARIANT:-release} in asan | tsan) skip_all "measures; not under sanitizers" ;; esac
[ -e "$build/plugins/ebpf.so" ] || skip_all "needs the source ebpf"

tmp=$(mktemp -d) || exit 1
chmod 755 "$tmp"
daemon='' pid='' proxy='' waits='' engine=''
# shellcheck disable=SC2317 # the trap calls it
cleanup() {
    for p in $pid $proxy $waits $engine; do kill "$p" 2>/dev/null; done
    if [ -n "$daemon" ]; then
        docker ps -q | xargs -r docker kill >/dev/null 2>&1
        kill "$daemon" 2>/dev/null
        wait "$daemon" 2>/dev/null
    fi
    rm -rf "$tmp" 2>/dev/null || { sleep 1 && rm -rf "$tmp"; }
}
trap cleanup EXIT
export DOCKER_HOST="unix://$tmp/docker.sock" DOCKER_CONFIG="$tmp"

ok() { # NAME: the last command's status decides
    rc=$?
    n=$((n + 1))
    if [ $rc -eq 0 ]; then
        printf 'ok %d - %s\n' "$n" "$1"
    else
        bad=1
        printf 'not ok %d - %s\n' "$n" "$1"
        tail -n 20 "$tmp/err" | sed 's/^/# /'
    fi
}

until_true() { # COMMAND…: at most 20 s
    i=0
    until "$@" >/dev/null 2>&1; do
        i=$((i + 1))
        [ "$i" -lt 200 ] || return 1
        sleep 0.1
    done
}

dockerd --data-root "$tmp/data" --exec-root "$tmp/exec" -H "unix://$tmp/docker.sock" \
    --pidfile "$tmp/pid" --iptables=false --ip6tables=false --bridge=none --storage-driver vfs \
    >"$tmp/dockerd.log" 2>&1 &
daemon=$!
until_true docker version ||
    skip_all "dockerd does not start here: $(tail -n 1 "$tmp/dockerd.log")"
mkdir -p "$tmp/img/bin" "$tmp/img/etc"
cp "$(command -v busybox)" "$tmp/img/bin/busybox"
for c in sh cat sleep true; do ln -s busybox "$tmp/img/bin/$c"; done
echo 'root:!:1::::::' >"$tmp/img/etc/shadow"
for i in one:1.0 two:2.0; do
    tar -C "$tmp/img" -c . | docker import - "gyr/$i" >/dev/null || skip_all "docker import fails"
done
docker run --rm --network none gyr/one:1.0 /bin/true >"$tmp/err" 2>&1 ||
    skip_all "containers do not run here: $(tail -n 1 "$tmp/err")"

cat >"$tmp/rules.yaml" <<'EOT'
- macro: hostile
  condition: >
    evt.type in (open, openat) and fd.name = /etc/shadow and container.id != host
    and proc.name = cat and proc.args contains "@gyr/"
- rule: plain
  desc: reads nothing of the runtime
  condition: hostile
  output: "num=%evt.num id=%container.id args=%proc.args"
  priority: warning
- rule: named
  desc: reads the runtime's
  condition: hostile
  output: "num=%evt.num name=%container.name image=%container.image args=%proc.args"
  priority: warning
- rule: told
  desc: containers that start
  condition: evt.type = container
  output: "event=%container.event name=%container.name privileged=%container.privileged"
  priority: notice
- rule: privileged
  desc: as Falco's rule asks
  condition: evt.type = container and container.privileged = true
  output: "event=%container.event name=%container.name image=%container.image"
  priority: notice
- rule: gone
  desc: containers that end
  condition: evt.type = asyncevent and container.event = stop
  output: "name=%container.name"
  priority: notice
EOT

# start SOCKETS: gyr run, and the meter behind it
start() {
    sockets=$1
    cat >"$tmp/gyr.yaml" <<EOT
plugin_dirs: [$build/plugins]
log_level: info
sources: [{plugin: ebpf}]
enrichers: [{plugin: process}, {plugin: docker, options: {sockets: [$sockets]}},
  {plugin: record, filter: fd.name = /etc/shadow, options: {path: $tmp/rec.scap.gz}}]
outputs: [{plugin: stdout, options: {format: json}}]
rules: {files: [rules.yaml]}
EOT
    rm -f "$tmp/pipe"
    mkfifo "$tmp/pipe"
    tee "$tmp/alerts" <"$tmp/pipe" | "$build/e2e/names_meter" >"$tmp/result" 2>"$tmp/wrong" &
    meter=$!
    "$gyr" run -c "$tmp/gyr.yaml" >"$tmp/pipe" 2>"$tmp/err" &
    pid=$!
    waits=$meter
    until_true grep -q 'calls are traced\|cannot\|error' "$tmp/err" &&
        until_true grep -q 'answers at' "$tmp/err"
}

stop() {
    sleep 1.5 # longer than anything is parked
    kill -INT "$pid" && wait "$pid"
    wait "$meter"
    pid='' waits=''
    sed 's/^/# /' "$tmp/result" "$tmp/wrong"
}

hostile() { # FIRST LAST: four at a time
    # shellcheck disable=SC2016 # the inner shell expands these
    seq "$1" "$2" | xargs -P 4 -I N sh -c '
        image=gyr/one:1.0
        [ $((N % 2)) -eq 0 ] || image=gyr/two:2.0
        docker run --rm --network none --name gyr-N $image /bin/cat /etc/shadow gyr-N@$image' \
        >/dev/null 2>&1
}

result() { # NAME: a number of the meter's line
    awk -v k="$1" '{ for (i = 1; i < NF; i += 2) if ($i == k) print $(i + 1) }' "$tmp/result"
}

below() { # NUMBER LIMIT
    awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }'
}

docker run -d --network none --name before gyr/one:1.0 /bin/sleep 600 >/dev/null
"$build/e2e/engine" "$tmp/engine.sock" &
engine=$!
until_true test -S "$tmp/engine.sock"
start "$tmp/docker.sock, $tmp/engine.sock" --record "$tmp/rec.scap.gz" ||
    skip_all "gyr run does not watch this machine: $(tail -n 1 "$tmp/err")"
hostile 1 "$count"
kill -USR1 "$engine"
stop
[ "$(result plain)" -eq "$count" ] && [ "$(result named)" -eq "$count" ]
ok "$count containers, four at a time: an alert of each"
[ "$(result right)" -eq "$count" ] && [ "$(result wrong)" -eq 0 ] && [ "$(result twice)" -eq 0 ]
ok "every alert has the right name and image, none comes twice"
below "$(result median_ms)" 50 && below "$(result worst_ms)" 1000
ok "the names cost a median of $(result median_ms) ms, $(result worst_ms) at worst"
[ "$(grep -c '"container.event":"running".*"container.name":"before"' "$tmp/alerts")" -eq 1 ]
ok "one that ran before is told once"
[ "$(grep -c '"container.event":"start".*"container.name":"gyr-' "$tmp/alerts")" -eq "$count" ]
ok "each that starts is told once"
[ "$(grep -c '"container.name":"gyr-.*"rule":"gone"' "$tmp/alerts")" -eq "$count" ]
ok "each that ends is told once"
! grep -q 'decided by the deadline\|the lot being full' "$tmp/err"
ok "nothing is left waiting: what was parked was decided by its answer"

# Docker may not run privileged containers here: those are of an Engine API that is made up.
for event in running:n1 start:n2; do
    [ "$(grep -c "\"container.event\":\"${event%:*}\".*\"container.name\":\"${event#*:}\".*\"rule\":\"privileged\"" \
        "$tmp/alerts")" -eq 1 ]
    ok "a privileged container gives one alert (${event%:*})"
done

# What was recorded has the names where there is no runtime.
sed "s/^sources.*//; s/^enrichers.*/enrichers: [{plugin: process}, {plugin: docker}]/; /plugin: record/d" \
    "$tmp/gyr.yaml" >"$tmp/replay.yaml"
"$gyr" replay --quiet -c "$tmp/replay.yaml" "$tmp/rec.scap.gz" 2>"$tmp/err" |
    "$build/e2e/names_meter" >"$tmp/result" 2>"$tmp/wrong"
sed 's/^/# /' "$tmp/result" "$tmp/wrong"
[ "$(result named)" -eq "$count" ] && [ "$(result right)" -eq "$count" ]
ok "a replay of the recording has the same names"

# The same behind a proxy that is cut for ten seconds in the middle.
"$build/e2e/unix_proxy" "$tmp/proxy.sock" "$tmp/docker.sock" &
proxy=$!
until_true test -S "$tmp/proxy.sock"
start "$tmp/proxy.sock"
(
    sleep 4
    kill -USR1 "$proxy"
    sleep 10
    kill -USR2 "$proxy"
) &
cutter=$!
third=$((count / 3))
hostile 1001 $((1000 + third))
hostile $((1001 + third)) $((1000 + 2 * third))
wait "$cutter"
until_true grep -q 'answers again' "$tmp/err"
hostile $((1001 + 2 * third)) $((1000 + count))
stop
[ "$(result plain)" -eq "$count" ] && [ "$(result named)" -eq "$count" ] &&
    [ "$(result twice)" -eq 0 ]
ok "cut for ten seconds: every alert arrives, none twice"
[ $(($(result right) + $(result missing))) -eq "$count" ] && [ "$(result wrong)" -eq 0 ]
ok "those without a name say that it is missing ($(result missing) of $count), all others are right"
[ "$(result right)" -ge $((third)) ]
ok "names come again when it is healed"
[ "$(grep -c 'cannot be asked' "$tmp/err")" -eq 1 ] &&
    [ "$(grep -c 'answers again' "$tmp/err")" -eq 1 ]
ok "it is told once, and once that it is over"
printf '1..%d\n' "$n"
exit $bad
