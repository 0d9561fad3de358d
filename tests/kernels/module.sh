#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# module.sh CACHE SERIES OUT: build the kernel module for the kernel in CACHE/SERIES, by the compiler and
# with the headers of its suite (headers.sh). OUT gets gyr.ko; OUT/log what make said.
# Exit status: 0 built; 77 what it is built with cannot be had, with the reason on standard error; 1 else.
set -eu
umask 022
[ $# -eq 3 ] || { sed -n '3,5s/^# //p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
sh "$here/headers.sh" "$1" "$2"
root=$(cd "$1/$2/root" && pwd)
read -r release _ <"$1/$2/release"
rm -rf "$3"
mkdir -p "$3"
out=$(cd "$3" && pwd)
sh "$top/packaging/kmod.sh" "$out"

# In a mount namespace of its own, and as root in a user namespace of its own unless it is root already.
map=
[ "$(id -u)" -eq 0 ] || map=-r
# shellcheck disable=SC2016,SC2086 # the inner shell expands these; a word or none
if ! unshare $map -m sh -c 'mount --bind "$2" "$1/work" && mount --rbind /dev "$1/dev" && mount --rbind /proc "$1/proc"' sh \
    "$root" "$out" 2>"$out/log"; then
    printf 'no module can be built: namespaces cannot be made here: %s\n' "$(tail -n 1 "$out/log")" >&2
    exit 77
fi
# shellcheck disable=SC2016,SC2086 # likewise
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C unshare $map -m sh -c '
    mount --bind "$2" "$1/work" && mount --rbind /dev "$1/dev" && mount --rbind /proc "$1/proc" &&
        exec chroot "$1" make -j2 -C "/usr/src/linux-headers-$3" M=/work KCFLAGS=-Werror modules' sh \
    "$root" "$out" "$release" >"$out/log" 2>&1 || {
    tail -n 30 "$out/log"
    exit 1
}
