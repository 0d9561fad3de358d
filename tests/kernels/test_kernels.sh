#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One packaged kernel in qemu, as short as it goes: the harness works, and what is built runs there, both
# drivers of it. `make check-kernels` tries them all.
set -u
build=${GYR_BUILD:?the build folder}
cd "$(dirname "$0")/../.." || exit 1
case ${GYR_VARIANT:-release} in
release | debug) ;;
*)
    printf 'ok 1 # SKIP kernels in qemu are for builds without sanitizers\n1..1\n'
    exit 0
    ;;
esac
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0 bad=0
sh tests/kernels/check.sh -s -b "$build" -t 900 -r "$tmp/results" 6.1 >"$tmp/out" 2>&1
rc=$?
sed 's/^/# /' "$tmp/out"
[ -s "$tmp/results" ] || printf '6.1 harness skipped %s\n' "$(tail -n 1 "$tmp/out")" >"$tmp/results"
while read -r kernel driver verdict words; do
    n=$((n + 1))
    case $verdict in
    ok) printf 'ok %d - %s %s: %s\n' "$n" "$kernel" "$driver" "$words" ;;
    skipped) printf 'ok %d # SKIP %s %s: %s\n' "$n" "$kernel" "$driver" "$words" ;;
    *) bad=1 && printf 'not ok %d - %s %s: %s\n' "$n" "$kernel" "$driver" "$words" ;;
    esac
done <"$tmp/results"
# Failed before there was a result.
case $rc in 0 | 77) ;; *) [ $bad -eq 1 ] || { n=$((n + 1)) bad=1; printf 'not ok %d - harness\n' "$n"; } ;; esac
printf '1..%d\n' "$n"
exit $bad
