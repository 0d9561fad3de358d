#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fetch.sh [-u] CACHE SERIES: have a packaged Debian kernel in CACHE/SERIES: vmlinuz, config, modules
# (those that the guests load), and release (what `uname -r` says there, the package's version, and its
# suite). SERIES is a version such as 6.1 (the newest of it, in the first suite that has one) or a suite
# such as sid (the newest there). What is in CACHE is taken as it is; -u looks for a newer one.
# Exit status: 0 it is there; 77 it cannot be had, with the reason on standard error.
set -eu
umask 022
suites='bullseye bookworm bookworm-backports trixie trixie-backports sid'
update=
[ "${1-}" != -u ] || { update=1; shift; }
[ $# -eq 2 ] || { sed -n '3,8s/^# //p' "$0" >&2; exit 2; }
series=$2
# shellcheck source=tests/kernels/archive.sh
. "$(dirname "$0")/archive.sh"

case $series in *[!a-z0-9.-]* | .* | -* | '') unavailable 'no such series or suite' ;; esac
mkdir -p "$1"
cache=$(cd "$1" && pwd)
have=$cache/$series
[ -n "$update" ] || [ ! -e "$have/modules" ] || exit 0
log=$cache/fetch-$series.log
archive_tools
# One at a time: parallel runs share the lists.
exec 9>"$cache/lock"
flock 9
[ -n "$update" ] || [ ! -e "$have/modules" ] || exit 0

: >"$log"
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The cloud flavour has what the tests need (BTF, trampolines, serial console) in half the size.
newest() { # SUITE: the newest kernel's package, of the series if that is a version
    pattern=$(printf '%s' "$series" | sed -n 's/\./\\./gp')
    suite_apt "$1" apt-cache pkgnames linux-image- |
        grep -E "^linux-image-${pattern:-[0-9]+\\.[0-9]+}[.+~-].*-cloud-amd64\$" |
        sort -V | tail -n 1
}

case $series in [0-9]*) ;; *) suites=$series ;; esac
package='' read=''
for from in $suites; do
    lists "$from" || { rm -f "$cache/apt/$from/read"; continue; }
    read="$read $from"
    package=$(newest "$from")
    [ -z "$package" ] || break
done
[ -n "$read" ] || unavailable "no package list could be read; see $log"
[ -n "$package" ] || unavailable "not in$read"

get() { # NAME…
    (cd "$work" && suite_apt "$from" apt-get download "$@" >>"$log") ||
        unavailable "$* did not come; see $log"
}
get "$package"
# Newer packages split the kernel from its description and its modules.
# shellcheck disable=SC2046 # words are meant to split
dpkg-deb -c "$work/$package"_*.deb | grep '/boot/vmlinuz-' >/dev/null ||
    get $(dpkg-deb -f "$work/$package"_*.deb Depends | tr ',|' '\n' |
        sed -n 's/^ *\(linux-\(binary\|base\|modules\)-[^ ]*-cloud-amd64\).*/\1/p')
mkdir "$work/root" "$work/have" "$work/have/modules"
for deb in "$work"/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" |
        tar -x -C "$work/root" --wildcards './boot/*' './usr/lib/modules/*/vmlinuz' \
            './usr/lib/modules/*/config' './lib/modules/*/kernel/fs/overlayfs/*' \
            './usr/lib/modules/*/kernel/fs/overlayfs/*' 2>>"$log" || : # what a package lacks is told below
done
take() { # NAME PATH…: the first that is there
    to=$work/have/$1
    shift
    for path; do
        [ ! -f "$path" ] || { cp "$path" "$to"; return 0; }
    done
    unavailable "$package holds no ${to##*/}"
}
take vmlinuz "$work"/root/boot/vmlinuz-* "$work"/root/usr/lib/modules/*/vmlinuz
take config "$work"/root/boot/config-* "$work"/root/usr/lib/modules/*/config
find "$work/root" -name '*.ko.xz' -exec xz -d {} +
find "$work/root" -name '*.ko' -exec cp {} "$work/have/modules/" \;
printf '%s %s %s\n' "${package#linux-image-}" "$(dpkg-deb -f "$work/$package"_*.deb Version)" "$from" \
    >"$work/have/release"
rm -rf "$have"
mv "$work/have" "$have"
