#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# load-cost.sh [SECONDS [RULES…]]: what watching a busy machine costs. Runs ../shared/tools/load.sh that long
# (30 s) and tells the daemon's processor time per event, its memory beside the rings, every ten seconds, and
# what was lost. Needs root, and a build.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${GYR_BUILD:-$PWD/build/release}
load=$PWD/../shared/tools/load.sh
seconds=${1:-30}
[ $# -eq 0 ] || shift
[ -r "$load" ] || { echo "load-cost: no $load" >&2 && exit 1; }
tmp=$(mktemp -d) || exit 1
pid=
trap 'test -z "$pid" || kill "$pid" 2>/dev/null; rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
umask 022
list=$(printf '%s, ' "${@:-$PWD/rules}")
cat >"$tmp/gyr.yaml" <<END
plugin_dirs: [$build/plugins]
sources: [{plugin: ${GYR_LIVE_SOURCE:-ebpf}, options: {${GYR_LIVE_OPTIONS:-}}}]
outputs: [{plugin: file, options: {format: json, path: $tmp/alerts}}]
rules: {files: [${list%, }]}
END

# KiB resident: all, and in the kernel's rings
memory() {
    awk '/^[0-9a-f]+-/ { ring = /bpf-map|bpf_map/ } /^Rss:/ { all += $2; if (ring) rings += $2 }
         END { print all + 0, rings + 0 }' "/proc/$pid/smaps"
}
ticks() { sed 's/.*) //' "/proc/$pid/stat" | cut -d ' ' -f 12,13; } # user's and the kernel's

"$build/bin/gyr" run --stats -c "$tmp/gyr.yaml" >"$tmp/log" 2>&1 &
pid=$!
sleep 2
kill -0 "$pid" || { cat "$tmp/log" && exit 1; }
before=$(ticks)
bash "$load" "$seconds" >/dev/null 2>&1 &
work=$!
now=0
while kill -0 "$work" 2>/dev/null; do
    now=$((now + 1))
    [ $((now % 10)) -ne 1 ] || memory | awk -v t="$now" '{
        printf "%4d s: %.1f MB resident, %.1f MB of it rings, %.1f MB beside them\n",
            t, $1 / 1024, $2 / 1024, ($1 - $2) / 1024 }'
    sleep 1
done
sleep 1
after=$(ticks)
kill "$pid"
wait "$pid"
pid=
events=$(sed -n 's/,//g; s/^\([0-9]*\) events in .*/\1/p' "$tmp/log")
echo "$before $after ${events:-0} $(getconf CLK_TCK)" | awk '{
    printf "%d events; daemon %.2f s of its own, %.2f s in the kernel: %.2f us an event\n", $5,
        ($3 - $1) / $6, ($4 - $2) / $6, $5 ? ($3 - $1 + $4 - $2) / $6 / $5 * 1e6 : 0 }'
grep -E 'events lost|of class|snapshots_after_loss' "$tmp/log"
exit 0
