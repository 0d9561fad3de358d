#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test_layout.sh [--update]: sizes, offsets and numbers of the ABI against tests/sdk/abi.layout, so
# that no change of the ABI goes unseen. One that is meant: raise GYR_ABI_MINOR, say so in
# docs/abi.md, run this with --update and commit the file.
set -u
cd "$(dirname "$0")/../.." || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cc=${CC:-gcc}

if [ "$(getconf LONG_BIT)" != 64 ]; then
    printf '1..1\nok 1 # SKIP abi.layout is that of 64-bit machines\n'
    exit 0
fi
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
    for h in sdk/gyr/*.h; do
        awk -f tests/sdk/layout.awk "$h" 2>"$tmp/err" ||
            grep -q 'no struct found' "$tmp/err" || cat "$tmp/err" >>"$tmp/problems"
    done
    printf '    return 0;\n}\n'
} >"$tmp/layout.c"

printf '1..1\n'
if [ -s "$tmp/problems" ] ||
    ! "$cc" -std=gnu17 -Isdk "$tmp/layout.c" -o "$tmp/layout" 2>>"$tmp/problems"; then
    printf 'not ok 1 - the layout of the ABI could not be read\n'
    sed 's/^/# /' "$tmp/problems"
    exit 1
fi
"$tmp/layout" >"$tmp/now"
if [ "${1-}" = --update ]; then
    cp "$tmp/now" tests/sdk/abi.layout
fi
if diff -u tests/sdk/abi.layout "$tmp/now" >"$tmp/diff"; then
    printf 'ok 1 - the ABI is as tests/sdk/abi.layout has it\n'
    exit 0
fi
printf 'not ok 1 - the ABI differs from tests/sdk/abi.layout; if that is meant, see %s\n' "$0"
sed 's/^/# /' "$tmp/diff"
exit 1
