#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every behaviour of tests/rules/behaviours.tsv is told by rules that exist; every rule has a test that it
# fires and one that it does not, says its false positives and techniques, and stands in
# docs/rules-coverage.md, which is up to date; the tests make nearly all clauses true.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
gyr=${GYR:-build/release/bin/gyr}
plugins=${GYR_BUILD:-build/release}/plugins
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0 bad=0

ok() { # NAME FILE: what is wrong, a line each
    n=$((n + 1))
    if [ ! -s "$2" ]; then
        printf 'ok %d - %s\n' "$n" "$1"
        return
    fi
    printf 'not ok %d - %s\n' "$n" "$1"
    sed 's/^/# /' "$2"
    bad=1
}

sed -n 's/^- rule: //p' rules/*.yaml | sort >"$tmp/rules"

awk -F '\t' '!/^#/ { m = split($2, r, "; "); for (i = 1; i <= m; i++) print r[i] }' tests/rules/behaviours.tsv |
    sort -u | comm -23 - "$tmp/rules" >"$tmp/out"
[ "$(grep -vc '^#' tests/rules/behaviours.tsv)" -ge 56 ] || echo 'fewer than 56 behaviours' >>"$tmp/out"
ok "each behaviour is told by rules that exist" "$tmp/out"

sed -n 's/^  expect: \([^ ].*\)/\1/p; s/^ *-* *rule: //p' rules/tests/*.yaml | sort -u |
    comm -13 - "$tmp/rules" >"$tmp/out"
ok "each rule has a test that it fires" "$tmp/out"
sed -n 's/^  expect_none: \[\(.*\)\]/\1/p' rules/tests/*.yaml | sed 's/, /\n/g' | sort -u |
    comm -13 - "$tmp/rules" >"$tmp/out"
ok "each rule has a test that it does not" "$tmp/out"

awk '/^- rule: / { name = substr($0, 9); getline; if ($0 !~ /^  # False positives: /) print name }' rules/*.yaml >"$tmp/out"
ok "each rule says its false positives" "$tmp/out"
awk '/^- rule: / { name = substr($0, 9) }
     /^  tags: / && ($0 !~ /mitre_/ || $0 !~ /T[0-9][0-9][0-9][0-9]/) { print name }' rules/*.yaml >"$tmp/out"
ok "each rule names a tactic and a technique" "$tmp/out"

sh tests/tools/rules-page.sh | diff -u docs/rules-coverage.md - >"$tmp/out"
ok "docs/rules-coverage.md is up to date (make rules-page)" "$tmp/out"

"$gyr" test --plugin-dir "$plugins" -q -r rules -r rules/tests/more/all-on.yaml --coverage-min 95 \
    rules/tests/*.yaml >"$tmp/log" 2>&1 || grep -v '^100' "$tmp/log" >"$tmp/out"
ok "the tests pass and make 95 % of the clauses true" "$tmp/out"
grep 'of all clauses' "$tmp/log" | sed 's/^/# /'
printf '1..%d\n' "$n"
exit $bad
