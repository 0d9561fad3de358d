#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A plugin exports its query function and nothing else; gyr exports nothing of its own, so that no
# plugin's symbol can be taken for one of the core's.
set -u
export LC_ALL=C
build=${GYR_BUILD:?the build folder} n=0 bad=0

result() { # NAME UNWANTED
    n=$((n + 1))
    if [ -z "$2" ]; then
        printf 'ok %d - %s\n' "$n" "$1"
    else
        printf 'not ok %d - %s\n# %s\n' "$n" "$1" "$2"
        bad=1
    fi
}

exports() {
    nm -D --defined-only "$1" | awk '{ sub(/@.*/, "", $3); print $3 }' | sort -u
}

found=0
for so in "$build"/plugins/*.so; do
    [ -e "$so" ] || continue
    found=1
    extra=$(exports "$so" | tr '\n' ' ')
    [ "$extra" = "gyr_plugin_query " ] && extra=
    result "$(basename "$so") exports gyr_plugin_query only" "$extra"
done
[ "$found" = 1 ] || result "plugins were built" "there is none in $build/plugins"

# What the C files of the core define must not be in gyr's dynamic table. (Copies of libc's and
# libstdc++'s data may be.)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
exports "$build/bin/gyr" >"$tmp/exported"
nm -g --defined-only "$build/lib/libcore.a" | awk 'NF == 3 && $3 !~ /^_Z/ { print $3 }' |
    sort -u >"$tmp/core"
[ -s "$tmp/core" ] || result "the core's symbols can be read" "nm found none in libcore.a"
result "gyr exports nothing of the core" "$(comm -12 "$tmp/exported" "$tmp/core" | tr '\n' ' ')"
printf '1..%d\n' "$n"
exit $bad
