#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kmod.sh DEST [HEADERS]: put all that the kernel module is built from into the folder DEST, so that a kernel's
# makefile (or DKMS) needs nothing else; with HEADERS, a kernel's build folder, build it there: DEST/gyr.ko.
set -eu
umask 022
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    sed -n '3,4s/^# //p' "$0" >&2
    exit 2
fi
top=$(cd "$(dirname "$0")/.." && pwd)
common=$top/plugins/common
mkdir -p "$1/probe" "$1/syscall"
# What did not change keeps its time, and is not compiled again.
cp -p "$top"/plugins/sources/kmod/module/*.[ch] "$top/plugins/sources/kmod/module/Kbuild" \
    "$top/plugins/sources/kmod/module/dkms.conf" "$top/LICENSES/GPL-2.0-only.txt" "$1"
cp -p "$common"/probe/*.h "$common"/probe/*.def "$1/probe"
cp -p "$common/syscall/ids.h" "$common/syscall/events.def" "$1/syscall"
chmod -R u=rwX,go=rX "$1"
[ $# -eq 2 ] || exit 0

if ! [ -e "$2/Makefile" ]; then
    printf 'There are no kernel headers in %s: install linux-headers-%s, or name another folder (make kmod KDIR=…)\n' \
        "$2" "$(uname -r)" >&2
    exit 1
fi
# Our make's variables are not for the kernel's.
exec env -u MAKEFLAGS -u MFLAGS -u MAKEOVERRIDES -u MAKELEVEL \
    make -j "$(nproc)" -C "$2" M="$(cd "$1" && pwd)" modules
