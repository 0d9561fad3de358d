#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every header of the SDK compiles alone, without a warning, as C99 to C++17 and later.
set -u
cd "$(dirname "$0")/../.." || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0 bad=0

mode() { # COMPILER LANGUAGE STANDARD
    n=$((n + 1))
    if ! command -v "$1" >/dev/null 2>&1; then
        printf 'ok %d # SKIP headers as %s: %s is not installed\n' "$n" "$3" "$1"
        return
    fi
    : >"$tmp/log"
    for h in sdk/gyr/*.h; do
        # Twice: the guard works. C++ has no unused static functions to warn of in C's way.
        printf '#include <gyr/%s>\n#include <gyr/%s>\nint gyr_unused;\n' \
            "$(basename "$h")" "$(basename "$h")" >"$tmp/t"
        "$1" -x "$2" -std="$3" -Wall -Wextra -pedantic -Werror -Isdk -fsyntax-only "$tmp/t" \
            >>"$tmp/log" 2>&1 || printf '%s failed\n' "$h" >>"$tmp/log"
    done
    if [ -s "$tmp/log" ]; then
        printf 'not ok %d - headers with %s as %s\n' "$n" "$1" "$3"
        sed 's/^/# /' "$tmp/log"
        bad=1
    else
        printf 'ok %d - headers with %s as %s\n' "$n" "$1" "$3"
    fi
}

mode gcc c c99
mode gcc c c11
mode gcc c gnu17
mode g++ c++ c++11
mode g++ c++ c++17
mode clang c c99
mode clang++ c++ c++17
printf '1..%d\n' "$n"
exit $bad
