#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Names of real containers: containerd, started here, and hostile commands that end at once. Of every
# alert the name and image must be right, also while the runtime cannot be reached for ten seconds
# (then they may be missing, and say so). GYR_CONTAINERD_COUNT=200 for the long run.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${GYR_BUILD:-build/release}")
gyr=$(realpath "${GYR:-$build/bin/gyr}")
count=${GYR_CONTAINERD_COUNT:-60}
n=0 bad=0

skip_all() {
    printf '1..1\nok 1 # SKIP %s\n' "$1"
    exit 0
}
[ "$(id -u)" -eq 0 ] || skip_all "needs root"
for c in containerd ctr runc busybox; do
    command -v $c >/dev/null || skip_all "needs $c"
done
case ${GYR_VARIANT:-release} in asan | tsan) skip_all "measures; not under sanitizers" ;; esac
[ -e "$build/plugins/ebpf.so" ] || skip_all "needs the source ebpf"

tmp=$(mktemp -d) || exit 1
chmod 755 "$tmp"
daemon='' pid='' proxy='' waits=''
# shellcheck disable=SC2317 # the trap calls it
cleanup() {
    for p in $pid $proxy $waits; do kill "$p" 2>/dev/null; done
    if [ -n "$daemon" ]; then
        for ns in default k8s.io; do
            ctr -n "$ns" task ls -q 2>/dev/null | xargs -r -n 1 ctr -n "$ns" task kill -s KILL
            sleep 0.5
            ctr -n "$ns" container ls -q 2>/dev/null | xargs -r -n 1 ctr -n "$ns" container rm
        done >/dev/null 2>&1
        kill "$daemon" 2>/dev/null
        wait "$daemon" 2>/dev/null
    fi
    rm -rf "$tmp" 2>/dev/null || { sleep 1 && rm -rf "$tmp"; }
}
trap cleanup EXIT
export CONTAINERD_ADDRESS="$tmp/c.sock"

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

cat >"$tmp/containerd.toml" <<EOT
version = 2
root = "$tmp/root"
state = "$tmp/state"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "$tmp/c.sock"
[ttrpc]
  address = "$tmp/c.ttrpc"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "gyr.test/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
  [plugins."io.containerd.grpc.v1.cri".cni]
    conf_dir = "$tmp/cni.d"
EOT
containerd -c "$tmp/containerd.toml" >"$tmp/containerd.log" 2>&1 &
daemon=$!
until_true ctr version ||
    skip_all "containerd does not start here: $(tail -n 1 "$tmp/containerd.log")"

# An image as `docker save` writes it, made by hand.
mkdir -p "$tmp/img/root/bin" "$tmp/img/root/etc"
cp "$(command -v busybox)" "$tmp/img/root/bin/busybox"
for c in sh cat sleep true; do ln -s busybox "$tmp/img/root/bin/$c"; done
echo 'root:!:1::::::' >"$tmp/img/root/etc/shadow"
tar -C "$tmp/img/root" -cf "$tmp/img/layer.tar" .
printf '{"architecture":"%s","os":"linux","config":{"Env":["PATH=/bin"],"Cmd":["/bin/sleep","600"]},
"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$(dpkg --print-architecture 2>/dev/null || echo amd64)" \
    "$(sha256sum "$tmp/img/layer.tar" | cut -d' ' -f1)" >"$tmp/img/config.json"
sed 's/"600"/"601"/' "$tmp/img/config.json" >"$tmp/img/pause.json"
printf '[{"Config":"config.json","Layers":["layer.tar"],
"RepoTags":["gyr.test/one:1.0","gyr.test/two:2.0"]},
{"Config":"pause.json","Layers":["layer.tar"],"RepoTags":["gyr.test/pause:1"]}]' \
    >"$tmp/img/manifest.json"
tar -C "$tmp/img" -cf "$tmp/img.tar" manifest.json config.json pause.json layer.tar
for ns in default k8s.io; do
    ctr -n "$ns" image import --snapshotter native "$tmp/img.tar" >"$tmp/err" 2>&1 ||
        skip_all "an image cannot be imported: $(tail -n 1 "$tmp/err")"
done

id_of() { # NUMBER: 64 digits, as every client but ctr makes them
    printf '%s%064d' "$$" "$1" | tail -c 64
}
run() { # NAMESPACE ID IMAGE COMMAND…; options in $options
    ns=$1 id=$2 image=$3
    shift 3
    # shellcheck disable=SC2086 # options are words
    ctr -n "$ns" run --snapshotter native ${options---rm} "$image" "$id" "$@"
}
run default "$(id_of 1)" gyr.test/one:1.0 /bin/true >"$tmp/err" 2>&1 ||
    skip_all "containers do not run here: $(tail -n 1 "$tmp/err")"

cat >"$tmp/rules.yaml" <<'EOT'
- macro: hostile
  condition: >
    evt.type in (open, openat) and fd.name = /etc/shadow and container.id != host
    and proc.name = cat and proc.args contains gyr.test
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
- rule: pod
  desc: what a pod's container tells
  condition: hostile and k8s.pod.name exists
  output: >
    of=%k8s.ns.name/%k8s.pod.name uid=%k8s.pod.uid name=%container.name
    repository=%container.image.repository tag=%container.image.tag
    digest=%container.image.digest type=%container.type ip=%k8s.pod.ip app=%k8s.pod.label[app]
    sandbox=%k8s.pod.sandbox_id id=%container.image.id
  priority: warning
- rule: privileged
  desc: containers that run privileged
  condition: evt.type = container and container.privileged = true
  output: "event=%container.event id=%container.id mounts=%container.mounts"
  priority: warning
- rule: told
  desc: containers that start
  condition: evt.type = container
  output: "event=%container.event id=%container.full_id"
  priority: notice
- rule: gone
  desc: containers that end
  condition: container.event = stop
  output: "name=%container.name"
  priority: notice
EOT

# start SOCKET: gyr run, and the meter behind it
start() {
    cat >"$tmp/gyr.yaml" <<EOT
plugin_dirs: [$build/plugins]
log_level: info
sources: [{plugin: ebpf}]
enrichers: [{plugin: process}, {plugin: containerd, options: {sockets: [$1]}}]
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
        until_true grep -q ': reached' "$tmp/err"
}

alerts() { # TEXT…: how many alerts have all of them
    awk 'BEGIN { n = ARGC - 1; ARGC = 1; for (i = 1; i <= n; i++) want[i] = ARGV[i] }
        { for (i = 1; i <= n; i++) if (!index($0, want[i])) next; k++ } END { print k + 0 }' \
        "$@" <"$tmp/alerts"
}

# shellcheck disable=SC2317 # until_true calls it
has_seen() { # NUMBER: so many hostile commands have given an alert
    [ "$(alerts '"rule":"plain"')" -ge "$1" ]
}

stop() { # NUMBER of hostile commands
    until_true has_seen "$1" # a busy machine is behind
    sleep 1.5                # longer than anything is parked
    kill -INT "$pid" && wait "$pid"
    wait "$meter"
    pid='' waits=''
    sed 's/^/# /' "$tmp/result" "$tmp/wrong"
}

# shellcheck disable=SC2016 # the inner shell expands its text
hostile() { # FIRST LAST: four at a time, by turns in two namespaces and of two images
    seq "$1" "$2" | while read -r k; do
        image=gyr.test/one:1.0 ns=default
        [ $((k % 2)) -eq 0 ] || image=gyr.test/two:2.0
        [ $((k % 3)) -eq 0 ] || ns=k8s.io
        printf '%s %s %s\n' $ns $image "$(id_of "$k")"
    done | xargs -P 4 -n 3 sh -c 'ctr -n $0 run --rm --snapshotter native $1 $2 \
        /bin/cat /etc/shadow $2@$1' >/dev/null 2>&1
}

result() { # NAME: a number of the meter's line
    awk -v k="$1" '{ for (i = 1; i < NF; i += 2) if ($i == k) print $(i + 1) }' "$tmp/result"
}

below() { # NUMBER LIMIT
    awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }'
}

before=$(id_of 2)
options="--privileged --detach --mount type=bind,src=/tmp,dst=/mnt,options=rbind:ro" \
    run default "$before" gyr.test/one:1.0 /bin/sleep 600
start "$tmp/c.sock" || skip_all "gyr run does not watch this machine: $(tail -n 1 "$tmp/err")"
hostile 101 $((100 + count))
pods() { # UID APP: a pod of always the same name
    "$build/e2e/cri_run" "$tmp/c.sock" web-0 "$1" shop "$2" front gyr.test/one:1.0 \
        /bin/cat /etc/shadow front@gyr.test/one:1.0
}
pods uid-1 store >"$tmp/pod1" 2>"$tmp/pod.err" && pods uid-2 stock >"$tmp/pod2" 2>>"$tmp/pod.err"
have_pods=$?
later=$(id_of 3)
options='--rm --privileged' run default "$later" gyr.test/one:1.0 /bin/true
seen=$count
[ $have_pods -ne 0 ] || seen=$((count + 2))
stop "$seen"
if [ $have_pods -eq 0 ]; then
    for k in 1 2; do
        app=store
        [ $k -eq 1 ] || app=stock
        [ "$(alerts '"rule":"pod"' "uid=uid-$k " "of=shop/web-0 " "app=$app " "name=front " \
            'tag=' "sandbox=$(head -n 1 "$tmp/pod$k" | cut -c 1-12) " 'type=containerd ')" -eq 1 ]
        ok "a pod's container tells of its pod; pod $k of the same name"
    done
    starts=$((count + 5))
else
    sed 's/^/# /' "$tmp/pod.err"
    printf 'ok %d # SKIP no pods: the CRI of this containerd does not run them\n' $((n += 1))
    starts=$((count + 1))
fi
[ "$(result plain)" -eq "$seen" ] && [ "$(result named)" -eq "$seen" ]
ok "$count containers, four at a time: an alert of each"
[ "$(result right)" -eq "$seen" ] && [ "$(result wrong)" -eq 0 ] && [ "$(result twice)" -eq 0 ]
ok "every alert has the right name and image, none comes twice"
below "$(result median_ms)" 50 && below "$(result worst_ms)" 1000
ok "the names cost a median of $(result median_ms) ms, $(result worst_ms) at worst"
[ "$(alerts '"rule":"told"' '"container.event":"running"' "$before")" -eq 1 ]
ok "one that ran before is told once"
[ "$(alerts '"rule":"told"' '"container.event":"start"')" -eq "$starts" ]
ok "each that starts is told once"
[ "$(alerts '"rule":"gone"')" -eq "$starts" ]
ok "each that ends is told once"
[ "$(alerts '"rule":"privileged"')" -eq 2 ] &&
    [ "$(alerts '"rule":"privileged"' '"container.event":"running"' '/tmp:/mnt:')" -eq 1 ] &&
    [ "$(alerts '"rule":"privileged"' '"container.event":"start"')" -eq 1 ]
ok "privileged ones, running before and started later, give one alert each"
! grep -q 'still parked' "$tmp/err"
ok "nothing is left waiting"

# The same behind a proxy that is cut for ten seconds in the middle.
"$build/e2e/unix_proxy" "$tmp/proxy.sock" "$tmp/c.sock" &
proxy=$!
until_true test -S "$tmp/proxy.sock"
start "$tmp/proxy.sock"
third=$((count / 3))
hostile 1001 $((1000 + third))
kill -USR1 "$proxy"
sleep 10 &
cut=$!
hostile $((1001 + third)) $((1000 + 2 * third))
wait "$cut"
kill -USR2 "$proxy"
until_true grep -q 'reached again' "$tmp/err"
hostile $((1001 + 2 * third)) $((1000 + count))
stop "$count"
[ "$(result plain)" -eq "$count" ] && [ "$(result named)" -eq "$count" ] &&
    [ "$(result twice)" -eq 0 ]
ok "cut for ten seconds: every alert arrives, none twice"
[ $(($(result right) + $(result missing))) -eq "$count" ] && [ "$(result wrong)" -eq 0 ] &&
    [ "$(result missing)" -gt 0 ]
ok "those without a name say that it is missing ($(result missing) of $count), all others are right"
[ "$(result right)" -ge $((2 * third)) ]
ok "names come again when it is healed"
[ "$(grep -c 'not reached' "$tmp/err")" -eq 1 ] && [ "$(grep -c 'reached again' "$tmp/err")" -eq 1 ]
ok "it is told once, and once that it is over"
printf '1..%d\n' "$n"
exit $bad
