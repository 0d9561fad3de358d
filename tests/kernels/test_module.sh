#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The kernel module, built against every set of kernel headers that is installed (linux-headers-amd64), from
# the tree that `make install` puts down: without a warning, every symbol exported; and by DKMS. Nothing is loaded.
#   GYR_HEADERS='DIR…': those headers instead, each with a Module.symvers.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
build=${GYR_BUILD:?the build folder}
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

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
"${MAKE:-make}" -s --no-print-directory -o deps O="$build" VARIANT="${GYR_VARIANT:-release}" CC="${CC:-gcc}" \
    CXX="${CXX:-g++}" DESTDIR="$tmp/root" install >"$tmp/log" 2>&1
version=$("$tmp/root/usr/local/bin/gyr" --version | sed 's/[^0-9]*\([0-9.]*\).*/\1/;q')
tree=$tmp/root/usr/src/gyr-$version
[ -e "$tree/Kbuild" ] && grep -qxF "PACKAGE_VERSION=\"$version\"" "$tree/dkms.conf" &&
    grep -q "GYR_VERSION.*\"$version\"" "$tree/gyr.h"
ok $? "make install puts the module's sources down, of the version that gyr has" "$tmp/log"
grep -L 'SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)' "$tree"/*.[ch] "$tree"/*/* >"$tmp/log"
[ ! -s "$tmp/log" ]
ok $? "all of it may be taken under the kernel's licence" "$tmp/log"

one() { # HEADERS
    release=${1##*/linux-headers-}
    work=$build/kmod-test/$release
    rm -rf "$work"
    mkdir -p "${work%/*}" && cp -R "$tree" "$work" || exit 1
    # Our make's variables are not for the kernel's.
    env -u MAKEFLAGS -u MFLAGS -u MAKEOVERRIDES -u MAKELEVEL \
        make -C "$1" M="$work" KCFLAGS=-Werror modules >"$work/log" 2>&1 &&
        ! grep -qE 'objtool:|WARNING: modpost' "$work/log"
    ok $? "$release: it builds, and the kernel exports what it wants" "$work/log"

    # The check sees a symbol that is not exported, and a probe of the wrong type.
    sed -i 's/clear_bit_unlock(0/set_fs_pwd(NULL, NULL); &/' "$work/device.c"
    sed -i '1i #include <linux/fs_struct.h>' "$work/device.c"
    ! env -u MAKEFLAGS -u MFLAGS -u MAKEOVERRIDES -u MAKELEVEL \
        make -C "$1" M="$work" modules >"$work/log2" 2>&1 && grep -q 'set_fs_pwd.*undefined' "$work/log2"
    ok $? "$release: a symbol that is not exported is found" "$work/log2"
    sed -i 's/struct task_struct \*parent, struct task_struct \*child/int parent, struct task_struct *child/' \
        "$work/probes.c"
    ! env -u MAKEFLAGS -u MFLAGS -u MAKEOVERRIDES -u MAKELEVEL \
        make -C "$1" M="$work" probes.o >"$work/log2" 2>&1 && grep -q 'check_trace_callback_type' "$work/log2"
    ok $? "$release: a probe that does not fit its tracepoint is found" "$work/log2"
}

by_dkms() { # HEADERS: built and installed, into folders of the test's own
    release=${1##*/linux-headers-}
    mkdir -p "$tmp/dkms" "$tmp/modules/$release"
    for step in add build install; do
        set -- --dkmstree "$tmp/dkms" --sourcetree "$tmp/root/usr/src" --installtree "$tmp/modules"
        [ "$step" = add ] || set -- "$@" -k "$release" --kernelsourcedir "/usr/src/linux-headers-$release"
        [ "$step" != install ] || set -- "$@" --no-depmod
        dkms "$step" "gyr/$version" "$@" >"$tmp/log" 2>&1 || break
    done
    [ -n "$(find "$tmp/modules" -name 'gyr.ko*')" ]
    ok $? "$release: DKMS builds and installs it" "$tmp/log"
}

tried=''
# shellcheck disable=SC2086 # words are meant to split
for headers in ${GYR_HEADERS:-/usr/src/linux-headers-*}; do
    [ -s "$headers/Module.symvers" ] || continue
    if grep -qx 'CONFIG_PREEMPT_RT=y' "$headers/.config"; then
        skip "${headers##*/} is for PREEMPT_RT, where the module does not go"
        continue
    fi
    cc=$(sed -n 's/^CC = .*)\(gcc-[0-9]*\)$/\1/p' "$headers/.kernelvariables" 2>/dev/null)
    if [ -n "$cc" ] && ! command -v "$cc" >/dev/null 2>&1; then
        skip "${headers##*/} wants $cc, which is not installed"
        continue
    fi
    tried=$headers
    one "$headers"
done
if [ -z "$tried" ]; then
    skip "no kernel headers (linux-headers-$(dpkg --print-architecture 2>/dev/null))"
elif ! command -v dkms >/dev/null 2>&1; then
    skip "there is no dkms"
elif [ "$(id -u)" -ne 0 ]; then
    skip "dkms needs root"
else
    by_dkms "$tried"
fi
printf '1..%d\n' "$n"
exit $bad
