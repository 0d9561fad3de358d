#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Everything compiles for aarch64, the eBPF programs included. Nothing is linked or run: the libraries
# of that architecture are not here. Their headers are ours, which are the same.
set -u
top=${GYR_TOP:?} build=${GYR_BUILD:?}
cross=aarch64-linux-gnu-

if [ "${GYR_VARIANT:-release}" != release ]; then
    echo "ok 1 # SKIP once, by the release build, is enough"
    exit 0
fi
if ! command -v ${cross}gcc >/dev/null 2>&1 || ! command -v ${cross}g++ >/dev/null 2>&1; then
    echo "ok 1 # SKIP there is no ${cross}gcc, or no ${cross}g++"
    exit 0
fi
if make -C "$top" --no-print-directory O="$build/aarch64" VARIANT=release CC=${cross}gcc CXX=${cross}g++ \
    CPPFLAGS="-idirafter /usr/include -idirafter /usr/include/$(gcc -dumpmachine) -Werror" objects >"$build/aarch64.log" 2>&1; then
    echo "ok 1 - everything compiles for aarch64"
else
    echo "not ok 1 - everything compiles for aarch64"
    grep -v '^  ' "$build/aarch64.log" | head -20 | sed 's/^/# /'
    exit 1
fi
