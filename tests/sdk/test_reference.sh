#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/abi.md has every struct, member, number, macro and call of the SDK's headers, numbers with their
# values; and names none that the headers do not have.
set -u
cd "$(dirname "$0")/../.." || exit 1
page=${PAGE:-docs/abi.md}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0 bad=0

result() { # NAME: the log says what is missing
    n=$((n + 1))
    if [ -s "$tmp/log" ]; then
        printf 'not ok %d - %s\n' "$n" "$1"
        sed 's/^/# /' "$tmp/log"
        bad=1
    else
        printf 'ok %d - %s\n' "$n" "$1"
    fi
}

for h in sdk/gyr/*.h; do
    case $h in */build.h | */testing.h | */util.h | */capability.h) ;; *) awk -f tests/sdk/layout.awk "$h" ;; esac
done >"$tmp/layout" 2>/dev/null

# members, each in the section of its struct
awk '/^### `struct gyr_/ { name = $3; gsub(/`/, "", name); print "S " name; next }
    /^##/ { name = ""; next }
    name && /^\| `/ { cell = $0; sub(/^\| `/, "", cell); sub(/`.*/, "", cell); gsub(/\(\*[^)]*$/, "&", cell)
        head = cell; if (match(head, /\(\*[a-z_0-9]+\)/)) head = substr(head, RSTART + 2, RLENGTH - 3)
        gsub(/[^A-Za-z_0-9]+/, " ", head); k = split(head, w, " "); for (i = 1; i <= k; i++) print "M " name " " w[i] }
    ' "$page" | sort -u >"$tmp/page"
sed -n 's/^ *STRUCT(\(.*\));/S \1/p; s/^ *MEMBER(\(.*\), \(.*\));/M \1 \2/p' "$tmp/layout" |
    sort -u | comm -23 - "$tmp/page" >"$tmp/log"
result "every struct has its section, every member its row"

# numbers, with their values
sed -n 's/^ *NUMBER(\(.*\));/\1/p' "$tmp/layout" | sort -u >"$tmp/numbers"
grep -E '^GYR_[A-Z0-9_]+ = ' tests/sdk/abi.layout | while read -r name _ value; do
    shown=$(sed -n "s/^| \`$name\` | \([0-9a-fx]*\) |.*/\1/p" "$page" | head -n 1)
    [ -n "$shown" ] && [ "$((shown))" -eq "$value" ] || printf '%s = %s, on the page: %s\n' "$name" "$value" "$shown"
done >"$tmp/log"
grep -E '^GYR_[A-Z0-9_]+ = ' tests/sdk/abi.layout | cut -d ' ' -f 1 | sort -u | comm -23 "$tmp/numbers" - >>"$tmp/log"
result "every number is there, with its value"

# macros, and what the headers give to be called
{
    sed -n 's/^#define \(GYR_[A-Z0-9_]*[A-Z0-9]\)[ (].*/\1/p; s/^#define \(GYR_[A-Z0-9_]*[A-Z0-9]\)$/\1/p' sdk/gyr/*.h |
        grep -v '_H$'
    sed -n 's/^static inline .*[ *]\(gyr_[a-z0-9_]*\)(.*/\1/p' sdk/gyr/event.h sdk/gyr/util.h sdk/gyr/build.h
    sed -n 's/^static inline .*[ *]\(gyr_fake_host_[a-z_]*\|gyr_fake_alert\|gyr_test_done\)(.*/\1/p' sdk/gyr/testing.h
    sed -n 's/^struct \(gyr_[a-z_]*\) {.*/\1/p' sdk/gyr/build.h
} | sort -u >"$tmp/names"
tr -c 'A-Za-z0-9_' '\n' <"$page" | sort -u >"$tmp/words"
comm -23 "$tmp/names" "$tmp/words" >"$tmp/log"
result "every macro and call is there"
: >"$tmp/log"
[ "$(wc -l <"$tmp/names")" -gt 30 ] || echo "only $(wc -l <"$tmp/names") names were found in the headers" >"$tmp/log"
result "names were found at all"


# nothing that is not (any more); a name that ends in _ stands for several
cat sdk/gyr/*.h core/plugin/*.c | tr -c 'A-Za-z0-9_' '\n' | sort -u >"$tmp/known"
grep -E '^(gyr|GYR)_[A-Za-z0-9_]*[A-Za-z0-9]$' "$tmp/words" | comm -23 - "$tmp/known" >"$tmp/log"
result "no name that the headers do not have"
: >"$tmp/log"
grep -q "^# The plugin ABI, version $(sed -n '1s/ABI //p' tests/sdk/abi.layout)\$" "$page" || echo "version" >"$tmp/log"
result "the page is of this version"
printf '1..%d\n' "$n"
exit $bad
