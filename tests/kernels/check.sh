#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check.sh [-b BUILD] [-d CACHE] [-t SECONDS] [-c] [-r RESULTS] KERNEL…: try what BUILD holds on
# Debian's packaged kernels in qemu, and print a table. -c counts instructions instead of testing.
# RESULTS gets a line for each result: kernel, driver, ok|failed|skipped, and words about it.
# A kernel that cannot be had is skipped, loudly. Consoles and facts are kept in CACHE/logs.
# Exit status: 0 all that ran passed; 1 something failed; 77 nothing could run.
set -u
umask 022
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$top/build/release cache=$top/build/kernels limit=900 results='' count=''
while getopts b:d:t:cr: o; do
    case $o in
    b) build=$OPTARG ;;
    d) cache=$OPTARG ;;
    t) limit=$OPTARG ;;
    c) count=1 ;;
    r) results=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
logs=$cache/logs
mkdir -p "$logs"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
results=${results:-$tmp/results}
: >"$results"

missing=
for tool in qemu-system-x86_64 busybox cpio; do
    command -v $tool >/dev/null 2>&1 || missing="$missing $tool"
done
if [ -n "$missing" ]; then
    printf 'SKIPPED: no kernel can be tried: not installed:%s\n' "$missing"
    exit 77
fi

set -- "$@" -- # the kernels, then what goes into the guest
while [ "$1" != -- ]; do
    printf '%s\n' "$1" >>"$tmp/kernels"
    shift
done
shift
for f in "$here"/guest/*.sh "$here/guest/rules.yaml" "$build/guest/facts" "$build/guest/count_calls" \
    "$top/tests/captures/seed.scap.gz"; do
    set -- "$@" -a "$f:/test/"
done
for f in "$build/bin/gyr:/gyr/bin/" "$build/plugins:/gyr/plugins" "$top/rules:/gyr/rules" \
    "$(command -v bash):/usr/bin/bash" "$(command -v cat):/usr/bin/cat"; do
    set -- "$@" -a "$f"
done
for f in drive leaf tap.so; do
    [ ! -e "$build/live/$f" ] || set -- "$@" -a "$build/live/$f:/gyr/live/"
done
sh "$here/initrd.sh" -o "$tmp/initrd" "$@" "$here/guest/run.sh" || exit 1

tell() { # KERNEL DRIVER VERDICT WORDS
    printf '%s %s %s %s\n' "$1" "$2" "$3" "$4" >>"$results"
}
while IFS= read -r kernel <&3; do
    printf -- '-- %s\n' "$kernel"
    if ! sh "$here/fetch.sh" "$cache" "$kernel" 2>"$tmp/why"; then
        cat "$tmp/why"
        tell "$kernel" - skipped "$(tail -n 1 "$tmp/why")"
        continue
    fi
    log=$logs/$kernel${count:+-count}.log
    sh "$here/boot.sh" -t "$limit" ${count:+-c -p gyr.test=count} -l "$log" \
        "$cache/$kernel/vmlinuz" "$tmp/initrd" >"$tmp/guest"
    rc=$?
    release=$(cut -d' ' -f1 "$cache/$kernel/release")
    grep -E '^(facts|count|\|)' "$log"
    cat "$tmp/guest"
    sed -n "s|^result: |$release |p" "$log" >>"$results"
    case $rc in
    0) ;;
    1) grep -q "^$release .* failed" "$results" || tell "$release" tests failed 'see above' ;;
    77) tell "$release" tests skipped "$(grep '^count: the' "$log")" ;;
    *) tell "$release" boot failed "$(cat "$tmp/guest")"; tail -n 40 "$log" ;;
    esac
done 3<"$tmp/kernels"

printf '\n%-32s %-16s %-8s %s\n' kernel driver result ''
while read -r kernel driver verdict words; do
    printf '%-32s %-16s %-8s %s\n' "$kernel" "$driver" "$verdict" "$words"
done <"$results"
cut -d' ' -f3 "$results" | grep -qx failed && exit 1
cut -d' ' -f3 "$results" | grep -qx ok || exit 77
