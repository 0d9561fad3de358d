#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test_layout.sh [--update]: sizes, offsets and numbers of the ABI. Against tests/sdk/abi-1.0/abi.layout,
# which is for ever: structs that grow may have more at their end, and nothing else may have changed.
# Against tests/sdk/abi.layout, so that what is added does not go unseen: raise GYR_ABI_MINOR, say so
# in docs/abi.md, run this with --update and commit the file.
set -u
cd "$(dirname "$0")/../.." || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cc=${CC:-gcc}
frozen=tests/sdk/abi-1.0/abi.layout
n=0 bad=0

if [ "$(getconf LONG_BIT)" != 64 ]; then
    printf '1..1\nok 1 # SKIP abi.layout is that of 64-bit machines\n'
    exit 0
fi
result() { # STATUS NAME
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then
        printf 'ok %d - %s\n' "$n" "$2"
    else
        printf 'not ok %d - %s\n' "$n" "$2"
        sed 's/^/# /' "$tmp/log"
        bad=1
    fi
}

# not part of the binary contract
headers=$(ls sdk/gyr/*.h | grep -v '/util\.h$\|/build\.h$\|/testing\.h$\|/capability\.h$')
{
    cat <<'C'
#include <gyr/plugin.h>
#include <stdalign.h>
#include <stdio.h>
#define STRUCT(s) \
    printf("struct %s: %zu bytes, aligned to %zu\n", #s, sizeof(struct s), alignof(struct s))
#define MEMBER(s, m) \
    printf("  %4zu %3zu %s\n", offsetof(struct s, m), sizeof(((struct s *)0)->m), #m)
#define NUMBER(e) printf("%s = %lld\n", #e, (long long)(e))
int main(void)
{
    printf("ABI %u.%u\n", GYR_ABI_MAJOR, GYR_ABI_MINOR);
C
    for h in $headers; do
        awk -f tests/sdk/layout.awk "$h" 2>"$tmp/err" ||
            grep -q 'no struct found' "$tmp/err" || cat "$tmp/err" >>"$tmp/problems"
    done
    printf '    return 0;\n}\n'
} >"$tmp/layout.c"
if [ -s "$tmp/problems" ] ||
    ! "$cc" -std=gnu17 -Isdk "$tmp/layout.c" -o "$tmp/layout" 2>>"$tmp/problems"; then
    printf '1..1\nnot ok 1 - the layout of the ABI could not be read\n'
    sed 's/^/# /' "$tmp/problems"
    exit 1
fi
"$tmp/layout" >"$tmp/now"
[ "${1-}" != --update ] || cp "$tmp/now" tests/sdk/abi.layout

diff -u tests/sdk/abi.layout "$tmp/now" >"$tmp/log"
result $? "the ABI is as tests/sdk/abi.layout has it; if a difference is meant, see $0"

# Structs marked [grows], and the header of events, of which hdr_len tells the size.
# shellcheck disable=SC2086 # words are meant to split
grows=$(awk '/\[grows\]/ { mark = NR } /^struct gyr_[a-z_]+ \{/ && (/\[grows\]/ || NR - mark <= 1) { print $2 }
    ' $headers | tr '\n' ' ')"gyr_event"
awk -v grows="$grows" -f tests/sdk/grown.awk $frozen "$tmp/now" >"$tmp/log"
result $? "what 1.0 had is where it was"
[ "$(echo "$grows" | wc -w)" -eq 14 ]
result $? "all structs that grow are known as such: $grows"

# The comparison finds what it is there for.
finds() { # TEXT SED-SCRIPT
    sed "$2" "$tmp/now" >"$tmp/changed"
    ! cmp -s "$tmp/now" "$tmp/changed" &&
        ! awk -v grows="$grows" -f tests/sdk/grown.awk $frozen "$tmp/changed" >"$tmp/log" && grep -q "$1" "$tmp/log"
    result $? "it would be told: $1"
}
finds 'member 3 was "8 8 schema"' 's/^     8   8 schema$/    16   8 schema/'
finds 'GYR_T_IP was 9 and is 12' 's/^GYR_T_IP = 9/GYR_T_IP = 12/'
finds 'GYR_V_LATER is gone' '/^GYR_V_LATER/d'
finds 'struct gyr_value is frozen' 's/^struct gyr_value: 16/struct gyr_value: 24/'
finds 'struct gyr_verdict is gone' '/^struct gyr_verdict/,/retry_after_ns/d'
# …and lets growth pass.
sed '/^struct gyr_output_ops/s/: [0-9]* /: 56 /; /^ .* wake$/a\    48   8 later' "$tmp/now" |
    awk '/^struct/ { out = /gyr_output_ops/ } !/ later$/ || out' >"$tmp/changed"
grep -q ' later$' "$tmp/changed" && awk -v grows="$grows" -f tests/sdk/grown.awk $frozen "$tmp/changed" >"$tmp/log"
result $? "a member more at the end of a struct that grows is fine"
printf '1..%d\n' "$n"
exit $bad
