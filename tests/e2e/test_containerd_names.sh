#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Names of real containers: containerd, started here, and hostile commands that end at once. Of every
# alert the name and image must be right, also while the runtime cannot be reached for ten seconds
# (then they may be missing, and say so). GYR_CONTAINERD_COUNT=200 for the long run.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
# shellcheck source=tests/lib/names.sh
. tests/lib/names.sh
count=${GYR_CONTAINERD_COUNT:-60}

names_need containerd ctr runc busybox

daemon=''
# shellcheck disable=SC2317 # the trap calls it
at_exit() {
    names_end
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
export CONTAINERD_ADDRESS="$tmp/c.sock"

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
until_true 20 ctr version >/dev/null 2>&1 ||
    skip_all "containerd does not start here: $(tail -n 1 "$tmp/containerd.log")"

# An image as `docker save` writes it, made by hand.
names_files "$tmp/img/root"
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

names_rules gyr.test <<'EOT'
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

enrichers() { # SOCKET
    printf '{plugin: process}, {plugin: containerd, options: {sockets: [%s]}}' "$1"
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

before=$(id_of 2)
options="--privileged --detach --mount type=bind,src=/tmp,dst=/mnt,options=rbind:ro" \
    run default "$before" gyr.test/one:1.0 /bin/sleep 600
names_start "$(enrichers "$tmp/c.sock")" ': reached' ||
    skip_all "gyr run does not watch this machine: $(tail -n 1 "$tmp/err")"
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
names_stop "$seen"
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
    skip "no pods: the CRI of this containerd does not run them"
    starts=$((count + 1))
fi
names_right "$seen"
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
names_cut "$count" "$tmp/c.sock" "$(enrichers "$tmp/proxy.sock")" ': reached' 'not reached' 'reached again'
finish
