# SPDX-License-Identifier: Apache-2.0
# What the tests share that watch this machine, besides tap.sh: a gyr in the background, Docker. Sourced
# from the top folder. Whatever was started here ends with the script.
# shellcheck shell=sh disable=SC2034,SC2154 # the scripts set and use these
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
source=${GYR_LIVE_SOURCE:-ebpf}
told="$tmp/log" gyr_pid='' docker_pid='' load_pid=''

# A machine without a processor of its own: what takes milliseconds elsewhere takes long there.
is_emulated() { grep -q '^model name.*QEMU TCG' /proc/cpuinfo; }

# shellcheck disable=SC2317 # the trap calls it
at_exit() {
    [ -z "$load_pid" ] || kill -- "-$load_pid" 2>/dev/null
    [ -z "$gyr_pid" ] || kill "$gyr_pid" 2>/dev/null
    docker_stop
}

# gyr_start SECONDS RULES ARGUMENTS…: gyr run for so long at most, with the rule files and those that
# tell where it is; alerts go to $tmp/alerts.json and to $alerts_to, messages to $tmp/gyr.log.
# Returns 0 when it watches; 77 when the source does not start here, told in $tmp/why; else 1.
alerts_to=/dev/null more_enrichers=''
alert_fields='evt.time, evt.type, user.name, user.uid, proc.name, proc.cmdline, proc.pname,
      proc.exepath, proc.tty, proc.sid, container.id, fd.name'
gyr_start() {
    limit=$1
    cat >"$tmp/sync.yaml" <<END
- rule: Watching
  desc: The test looks whether Gyr sees it yet, or has come as far.
  condition: evt.type in (open, openat) and fd.name = $tmp/sync.yaml
  output: "%evt.time"
  priority: DEBUG
END
    cat >"$tmp/gyr.yaml" <<END
plugin_dirs: [$build/plugins]
sources: [{plugin: $source, options: {${GYR_LIVE_OPTIONS:-}}}]
enrichers: [process$more_enrichers]
outputs:
  - {plugin: stdout, options: {format: json}}
  - {plugin: file, options: {format: json, path: $tmp/alerts.json}}
append_output:
  - extra_fields: [$alert_fields]
rules: {files: [$2, $tmp/sync.yaml]}
END
    shift 2
    : >"$tmp/alerts.json"
    timeout --foreground -k 5 "$limit" "$gyr" run -c "$tmp/gyr.yaml" "$@" >"$alerts_to" 2>"$tmp/gyr.log" &
    gyr_pid=$!
    until_true 120 gyr_sees && return 0
    cp "$tmp/gyr.log" "$tmp/log"
    kill -0 "$gyr_pid" 2>/dev/null && return 1
    wait "$gyr_pid"
    r=$?
    gyr_pid=
    grep -m 1 -E 'error: |gyr: ' "$tmp/gyr.log" >"$tmp/why"
    [ $r -eq 1 ] && return 77
    return 1
}

gyr_sees() {
    kill -0 "$gyr_pid" 2>/dev/null || return 0
    cat "$tmp/sync.yaml" >/dev/null
    grep -q '"Watching"' "$tmp/alerts.json"
}

# gyr_stop: when it has come to this moment. @return its exit status
gyr_stop() {
    seen=$(grep -c '"Watching"' "$tmp/alerts.json")
    cat "$tmp/sync.yaml" >/dev/null
    until_true 60 sh -c "[ \$(grep -c '\"Watching\"' '$tmp/alerts.json') -gt $seen ]"
    kill "$gyr_pid" 2>/dev/null
    wait "$gyr_pid"
    r=$?
    gyr_pid=
    return $r
}

# docker_start: a daemon of our own, that touches neither the host's network nor its Docker.
# Returns 77, with the reason in $tmp/why, where that cannot be.
docker_start() {
    if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null; then
        echo "no docker.io here" >"$tmp/why"
        return 77
    fi
    DOCKER_HOST=unix://$tmp/docker.sock
    export DOCKER_HOST
    dockerd --iptables=false --ip6tables=false --bridge=none --data-root "$tmp/docker" \
        --exec-root "$tmp/docker-run" --pidfile "$tmp/docker.pid" -H "$DOCKER_HOST" \
        >"$tmp/docker.log" 2>&1 &
    docker_pid=$!
    until_true 120 docker_answers && kill -0 "$docker_pid" 2>/dev/null && return 0
    echo "dockerd does not start here: $(tail -n 1 "$tmp/docker.log")" >"$tmp/why"
    return 77
}

docker_answers() {
    kill -0 "$docker_pid" 2>/dev/null || return 0
    docker version >/dev/null 2>&1
}

docker_stop() {
    [ -n "$docker_pid" ] || return 0
    # shellcheck disable=SC2046 # ids are words
    docker rm -f $(docker ps -aq) >/dev/null 2>&1
    kill "$docker_pid" 2>/dev/null
    wait "$docker_pid"
    docker_pid=
    # what it mounted for itself would outlive it
    awk -v top="$tmp/" 'index($5, top) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
        while read -r dir; do umount "$dir"; done
}

# docker_files FILE…: the folder $tmp/image, with files of this host and what they are linked to
docker_files() {
    rm -rf "$tmp/image"
    mkdir "$tmp/image"
    for dir in etc root tmp proc dev sys var/log opt usr/bin usr/sbin usr/lib usr/lib64; do
        mkdir -p "$tmp/image/$dir"
    done
    for dir in bin sbin lib lib64; do
        ln -s "usr/$dir" "$tmp/image/$dir"
    done
    for at; do
        echo "$at"
        ldd "$at" 2>/dev/null | grep -o '/[^ ]*'
    done | sort -u >"$tmp/list"
    while read -r at; do
        mkdir -p "$tmp/image$(dirname "$at")"
        cp -L "$at" "$tmp/image$at"
    done <"$tmp/list"
    cp /etc/passwd /etc/group /etc/shadow "$tmp/image/etc/"
    echo "PS1='# '" >"$tmp/image/root/.bashrc"
    echo host >"$tmp/image/etc/hostname"
}

docker_import() { # NAME: the folder image becomes an image
    tar -C "$tmp/image" -c . | docker import - "$1" >/dev/null
}
