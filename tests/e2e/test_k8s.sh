#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# gyr run with the enricher k8s: alerts that name pods, from a made-up API that breaks off, forgets,
# is not there; and the recording, replayed where there is no API.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
told="$tmp/err $tmp/out"
pid='' api=''
# shellcheck disable=SC2317 # the trap calls it
at_exit() {
    for p in $pid $api; do kill -9 "$p" 2>/dev/null; done
}

shows() { grep -qF -- "$1" "$tmp/out"; }
# shellcheck disable=SC2317 # until_true calls it
says() { grep -qF -- "$1" "$tmp/err"; }

"${MAKE:-make}" -s -f tests/plugins/Makefile CC="${CC:-cc}" SDK="$PWD/sdk" OUT="$tmp/p" \
    "$tmp/p/fake_syscall.so" >"$tmp/out" 2>"$tmp/err"
ok "the source builds"

uid=11111111-2222-4333-8444-555555555555
uid2=99999999-2222-4333-8444-555555555555
id=$(printf '%064d' 42)
pod() { # UID LABEL
    printf 'put pods {"metadata": {"name": "web-5d-1", "namespace": "shop", "uid": "%s", "labels": {"app": "%s"}, "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5d", "uid": "rs1", "controller": true}]}, "spec": {"nodeName": "node-1"}, "status": {"podIP": "10.0.0.7"}}\n' "$1" "$2"
}
mkfifo "$tmp/commands"
mkdir "$tmp/sa"
"$build/e2e/k8s_api" "$tmp/sa" first <"$tmp/commands" >"$tmp/port" 2>"$tmp/api.err" &
api=$!
exec 3>"$tmp/commands"
{
    echo 'put namespaces {"metadata": {"name": "shop", "uid": "ns1", "labels": {"team": "red"}}}'
    echo 'put deployments {"metadata": {"name": "web", "namespace": "shop", "uid": "dep1"}}'
    echo 'put replicasets {"metadata": {"name": "web-5d", "namespace": "shop", "uid": "rs1", "ownerReferences": [{"kind": "Deployment", "name": "web", "uid": "dep1", "controller": true}]}}'
    pod $uid web
} >&3
until_true 10 test -s "$tmp/port"
ok "the made-up API listens"
port=$(cat "$tmp/port")

cat >"$tmp/rules.yaml" <<'EOR'
- rule: A file was opened
  desc: d
  condition: evt.type = openat and k8s.ns.name != none
  output: "%fd.name in %k8s.ns.name/%k8s.pod.name uid %k8s.pod.uid labels %k8s.pod.labels deployment %k8s.deployment.name team %k8smeta.ns.label[team]"
  priority: warning
- rule: A file of the host was opened
  desc: d
  condition: evt.type = openat and not k8s.pod.name exists
  output: "%fd.name of no pod"
  priority: warning
EOR
config() { # UID-IN-CGROUP MORE
    cat >"$tmp/gyr.yaml" <<EOC
plugin_dirs: [$tmp/p, $build/plugins]
sources: [{plugin: fake_syscall, options: {rate: 50, cgroup: "memory=/kubepods/burstable/pod$1/$id"}}]
enrichers:
  - plugin: process
  - {plugin: k8s, options: {node: node-1, service_account: $tmp/sa}}
$2
outputs: [{plugin: stdout, options: {format: json}}]
rules: {files: [rules.yaml]}
EOC
}
start() {
    : >"$tmp/out"
    KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT=$port \
        timeout 60 "$gyr" run -c "$tmp/gyr.yaml" >"$tmp/out" 2>"$tmp/err" &
    pid=$!
}
stop() {
    kill -INT "$pid" && wait "$pid"
    rc=$?
    pid=
    return $rc
}

echo first >"$tmp/sa/token"
config $uid "  - {plugin: record, options: {path: $tmp/pods.scap}}"
start
until_true 10 shows "in shop/web-5d-1 uid $uid labels app:web deployment web team red"
ok "a pod's alert carries namespace, pod, labels and deployment, as a service account sees them"
test "$(head -n 1 "$tmp/out" | grep -c '/file/0 in shop/web-5d-1 ')" = 1 && ! shows missing
ok "the first event's alert too, although the API was asked for it first"

# refused, while another pod comes under the name; by another token
echo second >"$tmp/sa/token"
echo token second >&3
echo drop refuse >&3
sleep 2
before=$(wc -l <"$tmp/out")
sleep 1
test "$(wc -l <"$tmp/out")" -gt "$before"
ok "alerts go on while the API is not there"
test "$(grep -c 'does not give' "$tmp/err")" = 1
ok "which is said once"
{
    echo delete pods shop web-5d-1
    pod $uid2 second
    echo compact
    echo drop
} >&3
until_true 10 says 'answers again'
ok "it is asked again, by the token that is in the file now, and from a list when it forgot"
sleep 0.5
tail -n 1 "$tmp/out" | grep -q "uid $uid labels app:web"
ok "the pod that was evicted keeps its name and labels"
stop
ok "gyr ends well"
cp "$tmp/out" "$tmp/live"

config $uid2 ""
start
until_true 10 shows "in shop/web-5d-1 uid $uid2 labels app:second"
ok "the pod of the same name is another"
stop

exec 3>&-
wait "$api"
api=
"$gyr" plugin describe "$build/plugins/k8s.so" >/dev/null &&
    cat >"$tmp/gyr.yaml" <<EOC
plugin_dirs: [$build/plugins]
enrichers: [process, k8s]
outputs: [{plugin: stdout, options: {format: json}}]
rules: {files: [rules.yaml]}
EOC
"$gyr" replay -q -c "$tmp/gyr.yaml" "$tmp/pods.scap" >"$tmp/out" 2>"$tmp/err"
texts() { sed 's/.*"output":"\([^"]*\)".*/\1/' "$1" | grep ' in shop/' | sed 's/^.*Warning //' | sort; }
texts "$tmp/live" >"$tmp/live.texts"
texts "$tmp/out" >"$tmp/replayed.texts"
test -s "$tmp/live.texts" && cmp -s "$tmp/live.texts" "$tmp/replayed.texts"
ok "the recording replays with the names, where there is no API"

config $uid ""
start # the server is no more
until_true 10 shows '"metadata":"missing"'
ok "with no API, alerts come at the deadline, marked"
until_true 10 says 'does not give' && sleep 1 && test "$(grep -c 'does not give' "$tmp/err")" = 1
ok "which is said once"
stop

finish
