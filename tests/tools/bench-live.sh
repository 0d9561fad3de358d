#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench-live.sh: what watching costs the watched. Seven kinds of work (tests/live/cost.c), pinned to a
# CPU, by turns with nothing attached, with a program that does nothing at the exit of every call, and
# with gyr and its rules. ROUNDS (20) of SECONDS_EACH (0.3) for each kind. Medians, and their 95 %
# interval by rank. RULES and ATTACH (sys_exit, fexit) choose what is watched and how. Needs root.
set -eu
gyr=${GYR:?the program}
build=${GYR_BUILD:?its build folder}
top=$(cd "$(dirname "$0")/../.." && pwd)
rounds=${ROUNDS:-20}
each=${SECONDS_EACH:-0.3}
rules=${RULES:-$top/rules}
tmp=$(mktemp -d)
hook='' daemon='' tab=$(printf '\t')
trap 'kill $hook $daemon 2>/dev/null || :; rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

cat >"$tmp/gyr.yaml" <<YAML
plugin_dirs: [$build/plugins]
sources: [{plugin: ebpf, options: {attach: ${ATTACH:-auto}}}]
enrichers: [{plugin: process}]
outputs: [{plugin: file, options: {path: $tmp/alerts}}]
rules: {files: [$rules]}
YAML
chmod 700 "$tmp"

work() { # NAME: one round
    taskset -c 1 "$build/live/cost" "$each" | sed "s/^/$1$tab/" >>"$tmp/figures"
}
with_hook() {
    mkfifo "$tmp/in" "$tmp/out"
    "$build/live/cost" --hook <"$tmp/in" >"$tmp/out" &
    hook=$!
    exec 9>"$tmp/in"
    read -r _ <"$tmp/out"
    work empty
    exec 9>&-
    wait "$hook"
    hook=''
    rm -f "$tmp/in" "$tmp/out"
}
with_gyr() {
    rm -f "$tmp/alerts"
    taskset -c 0 "$gyr" run -c "$tmp/gyr.yaml" 2>"$tmp/log" &
    daemon=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do # it watches when it tells of a read of ours
        sleep 0.5
        head -c 1 /etc/shadow >/dev/null
        test -s "$tmp/alerts" && break
    done
    test -s "$tmp/alerts" || { cat "$tmp/log" >&2; exit 1; }
    work gyr
    kill "$daemon"
    wait "$daemon" || :
    daemon=''
}

i=0
while [ "$i" -lt "$rounds" ]; do
    i=$((i + 1))
    work none
    with_hook
    with_gyr
    printf '\rround %d of %d ' "$i" "$rounds" >&2
done
printf '\r' >&2
sort -t "$tab" -k2,2 -k1,1 -k3,3n "$tmp/figures" | awk -F '\t' '
    function flush(   lo, hi) { # ranks of the interval: n/2 -+ 0.98 * sqrt(n)
        if (!n) return
        lo = int(n / 2 - 0.98 * sqrt(n)); hi = int(n / 2 + 1 + 0.98 * sqrt(n) + 0.999)
        if (lo < 1) lo = 1
        if (hi > n) hi = n
        median[kind, who] = n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
        low[kind, who] = v[lo]; high[kind, who] = v[hi]; kinds[kind]; n = 0
    }
    $2 != kind || $1 != who { flush(); kind = $2; who = $1 }
    { v[++n] = $3 }
    END {
        flush()
        printf "%-18s %10s %20s %22s\n", "ns per operation", "nothing", "+ an empty program", "+ gyr (95 % interval)"
        for (k in kinds) {
            b = median[k, "none"]
            printf "%-18s %10.0f %+20.0f %+8.0f (%+.0f to %+.0f)\n", k, b, median[k, "empty"] - b,
                median[k, "gyr"] - b, low[k, "gyr"] - b, high[k, "gyr"] - b | "sort"
        }
    }'
grep -h 'attached' "$tmp/log" || :
