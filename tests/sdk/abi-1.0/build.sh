#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How the binaries of this folder were built: once, on 26 November 2026, with gcc 12.2 on Debian 12, against
# the headers of the commit that cut ABI 1.0. They are never built again; see README.md.
#   build.sh SDK OUT    builds what the sources give, into OUT, for who wants to compare
set -eu
cd "$(dirname "$0")"
for name in abi10_source abi10_enricher abi10_output; do
    gcc -std=c99 -D_POSIX_C_SOURCE=200809L -Os -fPIC -fvisibility=hidden -fno-ident -I"$1" -shared -s \
        -Wl,-z,noseparate-code -Wl,--build-id=none -Wl,--version-script="$1/plugin.map" "$name.c" -o "$2/$name.so" -lpthread
done
