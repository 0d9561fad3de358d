#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The encoders as an object of the kernel module, against every set of kernel headers that is
# installed (linux-headers-amd64): it compiles without a warning, and what it wants of the kernel
# the kernel exports. Nothing is loaded.
#   GYR_HEADERS='DIR…': those instead, each with a Module.symvers.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
build=${GYR_BUILD:?the build folder}
module=plugins/sources/kmod/module
case ${GYR_VARIANT:-release} in
release | debug) ;;
*)
    printf 'ok 1 # SKIP a kernel module knows no sanitizers of programs\n1..1\n'
    exit 0
    ;;
esac
n=0 bad=0

ok() { # STATUS NAME [LOG]
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then
        printf 'ok %d - %s\n' "$n" "$2"
    else
        bad=1
        printf 'not ok %d - %s\n' "$n" "$2"
        [ $# -lt 3 ] || sed 's/^/# /' "$3"
    fi
}

skip() {
    n=$((n + 1))
    printf 'ok %d # SKIP %s\n' "$n" "$1"
}

# What no symbol list names: OBJECT LIST…
wanting() {
    object=$1
    shift
    nm -u "$object" | awk 'NR == FNR { want[$NF] = 1; next }
        { delete want[$1] }
        END { for (s in want) print s }' - "$@" | sort
}

one() { # HEADERS
    release=${1##*/linux-headers-}
    work=$build/kmod/$release
    rm -rf "$work"
    mkdir -p "$work" || exit 1
    cp -R "$module/." plugins/common/probe plugins/common/syscall "$work" || exit 1

    # Our make's variables are not for the kernel's.
    env -u MAKEFLAGS -u MFLAGS -u MAKEOVERRIDES -u MAKELEVEL \
        make -C "$1" M="$work" KCFLAGS=-Werror encoders.o >"$work/log" 2>&1 &&
        ! grep -q 'objtool:' "$work/log"
    ok $? "$release: it compiles" "$work/log"
    [ -e "$work/encoders.o" ] || return

    # "crc symbol file kind"; the module's own are those that encoders.h asks of its other half.
    awk '$4 ~ /^EXPORT_SYMBOL/ { print $2 }' "$1/Module.symvers" >"$work/exported"
    grep -o 'gyr_[a-z_]*' "$module/encoders.h" | sort -u >"$work/own"
    wanting "$work/encoders.o" "$work/exported" "$work/own" >"$work/wanting"
    [ -s "$work/exported" ] && [ ! -s "$work/wanting" ]
    ok $? "$release: every symbol it wants is exported" "$work/wanting"

    # The check sees one that is not.
    grep -vxF d_path "$work/exported" >"$work/fewer"
    [ "$(wanting "$work/encoders.o" "$work/fewer" "$work/own")" = d_path ]
    ok $? "$release: one that is not exported is found"
}

tried=0
# shellcheck disable=SC2086 # words are meant to split
for headers in ${GYR_HEADERS:-/usr/src/linux-headers-*}; do
    [ -s "$headers/Module.symvers" ] || continue
    tried=1
    if grep -qx 'CONFIG_PREEMPT_RT=y' "$headers/.config"; then
        skip "${headers##*/} is for PREEMPT_RT, where the module does not go"
        continue
    fi
    cc=$(sed -n 's/^CC = .*)\(gcc-[0-9]*\)$/\1/p' "$headers/.kernelvariables" 2>/dev/null)
    if [ -n "$cc" ] && ! command -v "$cc" >/dev/null 2>&1; then
        skip "${headers##*/} wants $cc, which is not installed"
        continue
    fi
    one "$headers"
done
[ $tried -eq 1 ] || skip "no kernel headers (linux-headers-$(dpkg --print-architecture 2>/dev/null))"
printf '1..%d\n' "$n"
exit $bad
