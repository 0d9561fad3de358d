#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Names of real containers: Docker, started here, and hostile commands that end at once. Of every
# alert the name and image must be right, also while the runtime cannot be reached for ten seconds
# (then they may be missing, and say so). GYR_DOCKER_COUNT=200 for the long run.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
# shellcheck source=tests/lib/names.sh
. tests/lib/names.sh
count=${GYR_DOCKER_COUNT:-40}

names_need dockerd docker busybox

daemon='' engine=''
# shellcheck disable=SC2317 # the trap calls it
at_exit() {
    names_end
    [ -z "$engine" ] || kill "$engine"
    if [ -n "$daemon" ]; then
        docker ps -q | xargs -r docker kill >/dev/null 2>&1
        kill "$daemon" 2>/dev/null
        wait "$daemon" 2>/dev/null
    fi
    rm -rf "$tmp" 2>/dev/null || { sleep 1 && rm -rf "$tmp"; }
}
export DOCKER_HOST="unix://$tmp/docker.sock" DOCKER_CONFIG="$tmp"

dockerd --data-root "$tmp/data" --exec-root "$tmp/exec" -H "unix://$tmp/docker.sock" \
    --pidfile "$tmp/pid" --iptables=false --ip6tables=false --bridge=none --storage-driver vfs \
    >"$tmp/dockerd.log" 2>&1 &
daemon=$!
until_true 20 docker version >/dev/null 2>&1 ||
    skip_all "dockerd does not start here: $(tail -n 1 "$tmp/dockerd.log")"
names_files "$tmp/img"
for i in one:1.0 two:2.0; do
    tar -C "$tmp/img" -c . | docker import - "gyr/$i" >/dev/null || skip_all "docker import fails"
done
docker run --rm --network none gyr/one:1.0 /bin/true >"$tmp/err" 2>&1 ||
    skip_all "containers do not run here: $(tail -n 1 "$tmp/err")"

# Others may run this test at the same time: their containers are not ours.
names_rules "gyr-$$-" <<'EOT'
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

# Of the enrichers: SOCKETS
enrichers() {
    printf '{plugin: process}, {plugin: docker, options: {sockets: [%s]}},
  {plugin: record, filter: fd.name = /etc/shadow, options: {path: %s, buffer: 64M}}' "$1" "$tmp/rec.scap.gz"
}

hostile() { # FIRST LAST: four at a time
    # shellcheck disable=SC2016 # the inner shell expands these
    seq "$1" "$2" | xargs -P 4 -I N env tag=$$ sh -c '
        image=gyr/one:1.0
        [ $((N % 2)) -eq 0 ] || image=gyr/two:2.0
        docker run --rm --network none --name gyr-$tag-N $image \
            /bin/cat /etc/shadow gyr-$tag-N@$image' \
        >/dev/null 2>&1
}

docker run -d --network none --name before gyr/one:1.0 /bin/sleep 600 >/dev/null
"$build/e2e/engine" "$tmp/engine.sock" &
engine=$!
until_true 20 test -S "$tmp/engine.sock"
names_start "$(enrichers "$tmp/docker.sock, $tmp/engine.sock")" 'answers at' ||
    skip_all "gyr run does not watch this machine: $(tail -n 1 "$tmp/err")"
hostile 1 "$count"
kill -USR1 "$engine"
names_stop "$count"
names_right "$count"
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
# A name that came after the event, which a busy machine makes happen, stands behind it there too.
if [ "$(result right)" -eq "$count" ] || ! too_busy "a replay of the recording has the same names"; then
    [ "$(result named)" -eq "$count" ] && [ "$(result right)" -eq "$count" ]
    ok "a replay of the recording has the same names"
fi

# The same behind a proxy that is cut for ten seconds in the middle.
names_cut "$count" "$tmp/docker.sock" "$(enrichers "$tmp/proxy.sock")" \
    'answers at' 'cannot be asked' 'answers again'
finish
