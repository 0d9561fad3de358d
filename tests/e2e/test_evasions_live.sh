#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What programs do to be seen by no rule, on this host and in a container, live: names that lead to the
# same file, calls that are younger or of 32 bits, shells and programs under other names. tests/e2e/evade.c
# does it and says which rule must tell.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
umask 022
# shellcheck source=tests/lib/live.sh
. tests/lib/live.sh

if [ "$(id -u)" -ne 0 ]; then
    skip "evasions: needs root"
    finish
fi
evade=$build/e2e/evade
if docker_start; then
    docker_files "$evade" /bin/sh /bin/true /lib64/ld-linux-x86-64.so.2
    mkdir -p "$tmp/image/lib64" "$tmp/image/var/tmp" "$tmp/image/dev/shm"
    cp "$evade" "$tmp/image/opt/evade"
    docker_import evasions 2>"$tmp/log"
    ok "an image of this host's programs"
fi

gyr_start 180 "$PWD/rules"
case $? in
0) ;;
77)
    skip "evasions: the source $source does not start here: $(cat "$tmp/why")"
    finish
    ;;
*)
    false
    ok "the source $source starts"
    exit 1
    ;;
esac
"$evade" host >"$tmp/host" 2>"$tmp/host.not"
container=host
if [ -n "$docker_pid" ]; then
    container=$(docker run -d --network none --tmpfs /dev/shm:exec --cap-add SYS_ADMIN evasions /opt/evade container \
        2>"$tmp/log" | cut -c 1-12)
    [ "$(docker wait "$container" 2>&1)" = 0 ] && docker logs "$container" >"$tmp/container" 2>"$tmp/container.not"
    ok "they are done in a container"
fi
gyr_stop
r=$?
cp "$tmp/gyr.log" "$tmp/log"
[ $r -eq 0 ] && ! grep -q 'events lost' "$tmp/alerts.json"
ok "the daemon ends cleanly, and lost nothing"

# were_told PLACE CONTAINER: each that was done there was told
were_told() {
    # shellcheck disable=SC2034 # read takes them
    while IFS=$(printf '\t') read -r name rule word; do
        grep -F "\"rule\":\"$rule\"" "$tmp/alerts.json" | grep -F "\"$word\"" |
            grep -qF "\"container.id\":\"$2\""
        r=$?
        grep -F "\"$word\"" "$tmp/alerts.json" | cut -c 1-400 >"$tmp/log"
        [ $r -eq 0 ]
        ok "$1: $name: $rule"
    done <"$tmp/$1"
    [ "$(wc -l <"$tmp/$1")" -ge 20 ] && cp "$tmp/$1.not" "$tmp/log"
    ok "$1: most could be done"
    sed "s/^/# $1: not done: /" "$tmp/$1.not"
}
were_told host host
[ -z "$docker_pid" ] || were_told container "$container"
finish
