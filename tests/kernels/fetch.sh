#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fetch.sh [-u] CACHE SERIES: have a packaged Debian kernel in CACHE/SERIES: vmlinuz, config, and
# release (what `uname -r` says there and the package's version). SERIES is a version such as 6.1
# (the newest of it, in the first suite that has one) or a suite such as sid (the newest there).
# What is in CACHE is taken as it is; -u looks for a newer one. The machine's own apt is left alone:
# lists and packages have folders of their own, only the mirror is the one its sources name.
# Exit status: 0 it is there; 77 it cannot be had, with the reason on standard error.
set -eu
umask 022
suites='bullseye bookworm bookworm-backports trixie trixie-backports sid'
update=
[ "${1-}" != -u ] || { update=1; shift; }
[ $# -eq 2 ] || { sed -n '3,9s/^# //p' "$0" >&2; exit 2; }
series=$2

unavailable() {
    printf 'kernel %s cannot be had: %s\n' "$series" "$1" >&2
    exit 77
}

case $series in *[!a-z0-9.-]* | .* | -* | '') unavailable 'no such series or suite' ;; esac
mkdir -p "$1"
cache=$(cd "$1" && pwd)
have=$cache/$series
[ -n "$update" ] || [ ! -e "$have/release" ] || exit 0
for tool in apt-get apt-cache dpkg-deb flock; do
    command -v "$tool" >/dev/null 2>&1 || unavailable "there is no $tool"
done
# One at a time: parallel runs share the lists.
exec 9>"$cache/lock"
flock 9
[ -n "$update" ] || [ ! -e "$have/release" ] || exit 0

log=$cache/fetch-$series.log
: >"$log"
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT

mirror() { # the first archive of Debian proper among the machine's sources, new format or old
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources \
        2>/dev/null |
        sed -n -e 's/^URIs:[[:space:]]*//p' -e 's/^deb[[:space:]]\{1,\}\(\[[^]]*\][[:space:]]*\)*//p' |
        tr '[:space:]' '\n' | grep -E '^[a-z+]+:.*/debian/*$' | head -n 1
}

suite_apt() { # SUITE PROGRAM ARGUMENT…: that apt program, for this suite alone
    dir=$cache/apt/$1
    program=$2
    shift 2
    "$program" -q -o Dir::State="$dir/state" -o Dir::State::status=/dev/null \
        -o Dir::Cache="$dir/cache" -o Dir::Etc::sourcelist="$dir/sources.list" \
        -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o APT::Architecture=amd64 -o APT::Architectures=amd64 -o Acquire::Languages=none \
        -o Acquire::Retries=1 -o Acquire::http::Timeout=10 \
        -o APT::Sandbox::User=root -o APT::Get::List-Cleanup=0 "$@" \
        2>>"$log" 9>&-
}

lists() { # SUITE: its package lists, not older than a day
    dir=$cache/apt/$1
    [ -z "$(find "$dir/read" -mmin -1440 2>/dev/null)" ] || return 0
    mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    signed=
    [ ! -e $keys ] || signed="[signed-by=$keys] "
    printf 'deb %s%s %s main\n' "$signed" "$uri" "$1" >"$dir/sources.list"
    suite_apt "$1" apt-get update -o APT::Update::Error-Mode=any >>"$log" && : >"$dir/read"
}

# The cloud flavour has what the tests need (BTF, trampolines, serial console) in half the size.
newest() { # SUITE: the newest kernel's package, of the series if that is a version
    pattern=$(printf '%s' "$series" | sed -n 's/\./\\./gp')
    suite_apt "$1" apt-cache pkgnames linux-image- |
        grep -E "^linux-image-${pattern:-[0-9]+\\.[0-9]+}[.+~-].*-cloud-amd64\$" |
        sort -V | tail -n 1
}

uri=$(mirror)
[ -n "$uri" ] || unavailable "the machine's apt sources name no Debian archive"
case $series in [0-9]*) ;; *) suites=$series ;; esac
package='' read=''
for suite in $suites; do
    lists "$suite" || { rm -f "$cache/apt/$suite/read"; continue; }
    read="$read $suite"
    package=$(newest "$suite")
    [ -z "$package" ] || break
done
[ -n "$read" ] || unavailable "no package list could be read; see $log"
[ -n "$package" ] || unavailable "not in$read"

# Newer packages split the kernel from its description.
get() { # NAME…
    (cd "$work" && suite_apt "$suite" apt-get download "$@" >>"$log") ||
        unavailable "$* did not come; see $log"
}
get "$package"
if ! dpkg-deb -c "$work/$package"_*.deb | grep '/boot/vmlinuz-' >/dev/null; then
    # shellcheck disable=SC2046 # words are meant to split
    get $(dpkg-deb -f "$work/$package"_*.deb Depends | tr ',|' '\n' |
        sed -n 's/^ *\(linux-\(binary\|base\)-[^ ]*-cloud-amd64\).*/\1/p')
fi
mkdir "$work/root" "$work/have"
for deb in "$work"/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" |
        tar -x -C "$work/root" --wildcards './boot/*' './usr/lib/modules/*/vmlinuz' \
            './usr/lib/modules/*/config' 2>>"$log" || : # what a package lacks is told below
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
printf '%s %s\n' "${package#linux-image-}" "$(dpkg-deb -f "$work/$package"_*.deb Version)" \
    >"$work/have/release"
rm -rf "$have"
mv "$work/have" "$have"
