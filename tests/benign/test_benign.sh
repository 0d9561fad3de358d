#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# On what ordinary machines do (tests/benign/*.scap.gz, see record.sh) no rule that we ship tells anything
# of warning or above; each notice is one of notices.tsv, with the reason why it is right to tell it.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
gyr=${GYR:-build/release/bin/gyr}
n=0 bad=0
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

ok() { # NAME FILE: what is wrong, a line each
    n=$((n + 1))
    if [ ! -s "$2" ]; then
        printf 'ok %d - %s\n' "$n" "$1"
        return
    fi
    printf 'not ok %d - %s\n' "$n" "$1"
    cut -c 1-500 "$2" | sed 's/^/# /'
    bad=1
}

for capture in tests/benign/*.scap.gz; do
    name=$(basename "$capture" .scap.gz)
    : >"$tmp/failed"
    "$gyr" replay --json --rules rules "$capture" >"$tmp/alerts" 2>"$tmp/log" || cp "$tmp/log" "$tmp/failed"
    [ "$(sed -n 's/^\([0-9,]*\) events in .*/\1/p' "$tmp/log" | tr -d ,)" -gt 300 ] || cp "$tmp/log" "$tmp/failed"
    ok "$name: replayed, and something happens in it" "$tmp/failed"

    grep -vE '"priority":"(Notice|Informational|Debug)"' "$tmp/alerts" >"$tmp/loud"
    ok "$name: nothing of warning or above" "$tmp/loud"

    sed -n 's/.*"rule":"\([^"]*\)".*/\1/p' "$tmp/alerts" | sort | uniq -c | sed 's/^ *\([0-9]*\) /\1\t/' >"$tmp/now"
    awk -F '\t' -v OFS='\t' -v name="$name" '$1 == name { print $3, $4 }' tests/benign/notices.tsv | sort >"$tmp/why"
    awk -F '\t' 'NR == FNR { why[$1] = $2; next } why[$2] == "" { print $2 ": " $1 " times, and nobody says why" }' \
        "$tmp/why" "$tmp/now" >"$tmp/unknown"
    ok "$name: each notice has its reason" "$tmp/unknown"
    awk -F '\t' -v name="$name" '$1 == name { print $3 "\t" $2 }' tests/benign/notices.tsv | sort >"$tmp/want"
    awk -F '\t' '{ print $2 "\t" $1 }' "$tmp/now" | sort | diff "$tmp/want" - >"$tmp/differ"
    ok "$name: as many of each as noted" "$tmp/differ"
done
printf '1..%d\n' "$n"
exit $bad
