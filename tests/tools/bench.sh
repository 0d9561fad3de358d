#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench.sh [CAPTURE [RULES…]]: how fast a capture is replayed, alerts and all. Unpacks it first, so
# that gzip is not what is measured; prints each of five runs and the best. Without a capture: the
# busy machine of the shared collection, else the demo captures, fifty times over.
set -eu
gyr=${GYR:?the program}
shared=${GYR_SHARED:-../shared}
capture=${1-}
[ $# -gt 0 ] && shift
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

if [ -z "$capture" ] && [ -e "$shared/captures/busy.scap.gz" ]; then
    capture=$shared/captures/busy.scap.gz
fi
if [ -z "$capture" ]; then
    capture="tests/captures/attacks.scap.gz, 50 times"
    gzip -dc tests/captures/attacks.scap.gz >"$tmp/once"
    for _ in $(seq 50); do cat "$tmp/once"; done >"$tmp/capture.scap"
elif gzip -t "$capture" 2>/dev/null; then
    gzip -dc "$capture" >"$tmp/capture.scap"
else
    cp "$capture" "$tmp/capture.scap"
fi

[ $# -gt 0 ] || set -- rules
options=
for rules in "$@"; do options="$options --rules $rules"; done
printf '%s, rules: %s\n' "$capture" "$*"
for _ in 1 2 3 4 5; do
    # shellcheck disable=SC2086 # words are meant to split
    "$gyr" replay $options "$tmp/capture.scap" 2>"$tmp/log" >"$tmp/alerts" ||
        { cat "$tmp/log" >&2; exit 1; }
    grep 'events in' "$tmp/log"
done | tee "$tmp/runs"
printf 'alerts: %s; least CPU time: %s s\n' "$(wc -l <"$tmp/alerts")" \
    "$(sed 's/.*, \([0-9.]*\) s of CPU.*/\1/' "$tmp/runs" | sort -n | head -n 1)"
