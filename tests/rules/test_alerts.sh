#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test_alerts.sh [--update]: the alerts that rules/ makes of each demo capture, against
# tests/rules/NAME.alerts: how often, how urgent, in which container, which rule.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
gyr=${GYR:?the program} n=0 bad=0
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# The value of a key of the JSON lines on stdin, one a line. None of them holds a quote.
value() {
    sed -n 's/.*"'"$1"'": *"\([^"]*\)".*/\1/p'
}

check() { # NAME RESULT: "ok" when RESULT is 0
    n=$((n + 1))
    if [ "$2" -eq 0 ]; then
        printf 'ok %d - %s\n' "$n" "$1"
        return
    fi
    printf 'not ok %d - %s\n' "$n" "$1"
    sed 's/^/# /' "$tmp/log"
    bad=1
}

for capture in tests/captures/*.scap.gz; do
    name=$(basename "$capture" .scap.gz)
    "$gyr" replay --quiet --json --rules rules "$capture" >"$tmp/alerts" 2>"$tmp/log"
    check "$name: replayed to its end" $?

    value priority <"$tmp/alerts" >"$tmp/priority"
    value container.id <"$tmp/alerts" >"$tmp/container"
    value rule <"$tmp/alerts" >"$tmp/rule"
    paste -d '|' "$tmp/priority" "$tmp/container" "$tmp/rule" | sort | uniq -c |
        awk '{ count = $1; sub(/^ *[0-9]+ /, ""); split($0, f, "|")
               printf "%4d  %-8s  %-12s  %s\n", count, f[1], f[2], f[3] }' |
        sort -k 4 -k 3,3 >"$tmp/now"
    [ "${1-}" = --update ] && cp "$tmp/now" "tests/rules/$name.alerts"
    diff -u "tests/rules/$name.alerts" "$tmp/now" >"$tmp/log"
    check "$name: the alerts are those of tests/rules/$name.alerts" $?

    # Whoever is woken by an alert must not have to look elsewhere first.
    awk '{ for (i = 1; i <= n; i++) if (index($0, "\"" key[i] "\":") == 0) print key[i] ": " $0 }
         BEGIN { n = split("user.name proc.name proc.cmdline proc.pname proc.tty container.id", key, " ") }' \
        "$tmp/alerts" >"$tmp/log"
    [ ! -s "$tmp/log" ]
    check "$name: each alert has user, process, command, parent, terminal and container" $?
done
printf '1..%d\n' "$n"
exit $bad
