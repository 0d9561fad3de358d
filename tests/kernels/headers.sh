#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# headers.sh CACHE SERIES: have what a module for the kernel in CACHE/SERIES is built with, in the folder
# root beside it: its headers' package, the compiler that the kernel was made with, make, binutils, and all that
# these need, as their suite has them; busybox for the rest. To build in there: chroot.
# Exit status: 0 it is there; 77 it cannot be had, with the reason on standard error.
set -eu
umask 022
[ $# -eq 2 ] || { sed -n '3,6s/^# //p' "$0" >&2; exit 2; }
series=$2
# shellcheck source=tests/kernels/archive.sh
. "$(dirname "$0")/archive.sh"

cache=$(cd "$1" && pwd)
root=$cache/$series/root
[ ! -e "$root" ] || exit 0
read -r release _ from <"$cache/$series/release"
log=$cache/headers-$series.log
archive_tools
exec 9>"$cache/lock"
flock 9
[ ! -e "$root" ] || exit 0

: >"$log"
work=$(mktemp -d "$cache/headers.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/debs/partial" "$work/root"
lists "$from" || unavailable "no package list of $from could be read; see $log"
suite_apt "$from" apt-get -y -o Dir::Cache::archives="$work/debs" --download-only \
    install "linux-headers-$release" make binutils >>"$log" ||
    unavailable "its headers did not come from $from (a newer one: fetch.sh -u $1 $series); see $log"
for d in bin sbin lib lib64; do
    mkdir -p "$work/root/usr/$d"
    ln -s "usr/$d" "$work/root/$d"
done
for deb in "$work"/debs/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" |
        tar -x -C "$work/root" --keep-directory-symlink --no-same-owner --exclude='./usr/share/*' \
            --exclude='*/lib*san.*' 2>>"$log" || unavailable "${deb##*/} cannot be unpacked; see $log"
done
mkdir -p "$work/root/dev" "$work/root/proc" "$work/root/tmp" "$work/root/work"
busybox=$(command -v busybox) || unavailable 'there is no busybox'
cp -L "$busybox" "$work/root/usr/bin/busybox"
for applet in $(busybox --list); do
    [ -e "$work/root/usr/bin/$applet" ] || ln -s busybox "$work/root/usr/bin/$applet"
done
mv "$work/root" "$root"
