#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench.sh [CAPTURE [RULES…]]: what the replay of a capture costs, alerts and all: with no rules,
# ours, those in the wild (or the RULES named), and made-up sets of growing size that match nothing
# (bench-rules.sh). The capture is unpacked first, so that gzip is not what is measured; without
# one: the busy machine of the shared collection, else a demo capture many times over. Figures are
# medians of RUNS (9) rounds; in a round each set has its turn. CPU time is user and system
# together, loading of the rules included.
set -eu
gyr=${GYR:?the program}
runs=${RUNS:-9}
shared=${GYR_SHARED:-../shared}
here=$(dirname "$0")
wild=$shared/rules-in-the-wild
capture=${1-}
[ $# -gt 0 ] && shift
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

if [ -z "$capture" ] && [ -e "$shared/captures/busy.scap.gz" ]; then
    capture=$shared/captures/busy.scap.gz
fi
if [ -z "$capture" ]; then
    capture="tests/captures/attacks.scap.gz 200 times (no $shared/captures/busy.scap.gz here)"
    gzip -dc tests/captures/attacks.scap.gz >"$tmp/once"
    for _ in $(seq 200); do cat "$tmp/once"; done >"$tmp/capture.scap"
elif gzip -t "$capture" 2>/dev/null; then
    gzip -dc "$capture" >"$tmp/capture.scap"
else
    cp "$capture" "$tmp/capture.scap"
fi

# a set: its name and the options that load it, one a line
printf '[]\n' >"$tmp/none.yaml"
{
    printf 'no rules|-r %s\n' "$tmp/none.yaml"
    if [ $# -gt 0 ]; then
        printf 'the rules named|'
        printf -- '-r %s ' "$@"
        printf '\n'
    else
        printf 'rules of gyr|-r rules\n'
        if [ -e "$wild/falco_rules.yaml" ]; then
            printf 'falco_rules|-r %s\n' "$wild/falco_rules.yaml"
            printf 'falco_rules, incubating|-r %s -r %s\n' "$wild/falco_rules.yaml" \
                "$wild/falco-incubating_rules.yaml"
        fi
        for kind in type equal in startswith pmatch contains endswith or deep every mixed; do
            for n in 100 1000 5000; do
                sh "$here/bench-rules.sh" $kind $n >"$tmp/$kind.$n.yaml"
                printf '%s %s|-r %s\n' $kind $n "$tmp/$kind.$n.yaml"
            done
        done
    fi
} >"$tmp/sets"

for _ in $(seq "$runs"); do
    while IFS='|' read -r name options; do
        # shellcheck disable=SC2086 # words are meant to split
        "$gyr" replay $options --json "$tmp/capture.scap" >"$tmp/alerts" 2>"$tmp/log" ||
            { cat "$tmp/log" >&2; exit 1; }
        # 599,924 events in 0.08 s (7,181,764 events/s), 0.09 s of CPU time, 5 MB of memory
        figures=$(tr -d , <"$tmp/log" |
            sed -n 's/^\([0-9]*\) events in .*) \([0-9.]*\) s of CPU time \([0-9]*\) MB.*/\1|\2|\3/p')
        printf '%s|%s|%s\n' "$name" "$figures" "$(wc -l <"$tmp/alerts")"
    done <"$tmp/sets"
done >"$tmp/runs"

printf '%s\nmedians of %s runs\n\n' "$capture" "$runs"
awk -F'|' -v runs="$runs" '
function median(name, i, j, k, t, a) {
    for (i = 1; i <= runs; i++) a[i] = cpu[name, i]
    for (i = 2; i <= runs; i++)
        for (j = i; j > 1 && a[j] < a[j - 1]; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
    return a[int((runs + 1) / 2)]
}
{
    if (!(($1) in seen)) { order[++n] = $1; seen[$1] = 0 }
    events[$1] = $2
    cpu[$1, ++seen[$1]] = $3
    if ($4 > mb[$1]) mb[$1] = $4
    alerts[$1] = $5
}
END {
    printf "%-26s %8s %14s %8s %7s %7s\n", "rules", "CPU s", "events/CPU s", "MB", "alerts", "to 100"
    for (i = 1; i <= n; i++) {
        m = median(order[i])
        split(order[i], w, " ")
        if (w[2] == "100") base = m
        ratio = w[2] ~ /^[0-9]+$/ && base > 0 ? sprintf("%.2f", m / base) : ""
        printf "%-26s %8.2f %14.0f %8d %7d %7s\n", order[i], m, (m > 0 ? events[order[i]] / m : 0),
               mb[order[i]], alerts[order[i]], ratio
    }
}' "$tmp/runs"
