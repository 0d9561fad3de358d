# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# Packages of Debian's archive, for scripts that set $cache (a folder), $series (what they want, for
# messages) and $log. The machine's own apt is left alone: lists and packages have folders of their
# own, only the mirror is the one its sources name.

unavailable() {
    printf 'kernel %s cannot be had: %s\n' "$series" "$1" >&2
    exit 77
}

archive_tools() {
    for tool in apt-get apt-cache dpkg-deb flock xz; do
        command -v "$tool" >/dev/null 2>&1 || unavailable "there is no $tool"
    done
    uri=$(mirror)
    [ -n "$uri" ] || unavailable "the machine's apt sources name no Debian archive"
}

mirror() { # the first archive of Debian proper among the machine's sources, new format or old
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources \
        2>/dev/null |
        sed -n -e 's/^URIs:[[:space:]]*//p' -e 's/^deb[[:space:]]\{1,\}\(\[[^]]*\][[:space:]]*\)*//p' |
        tr '[:space:]' '\n' | grep -E '^[a-z+]+:.*/debian/*$' | head -n 1
}

suite_apt() { # SUITE PROGRAM ARGUMENT…: that apt program, for this suite alone, as if nothing was installed
    dir=$cache/apt/$1
    program=$2
    shift 2
    "$program" -q -o Dir::State="$dir/state" -o Dir::State::status=/dev/null \
        -o Dir::Cache="$dir/cache" -o Dir::Etc::sourcelist="$dir/sources.list" \
        -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o APT::Architecture=amd64 -o APT::Architectures=amd64 -o Acquire::Languages=none \
        -o Acquire::Retries=1 -o Acquire::http::Timeout=10 -o APT::Install-Recommends=0 \
        -o APT::Sandbox::User=root -o APT::Get::List-Cleanup=0 "$@" \
        2>>"$log" 9>&-
}

lists() { # SUITE: its package lists, and those of what it builds upon, not older than a day
    dir=$cache/apt/$1
    mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    signed=
    [ ! -e $keys ] || signed="[signed-by=$keys] "
    for suite in "$1" "${1%-backports}"; do
        printf 'deb %s%s %s main\n' "$signed" "$uri" "$suite"
    done | uniq >"$dir/sources.new"
    if cmp -s "$dir/sources.new" "$dir/sources.list" &&
        [ -n "$(find "$dir/read" -mmin -1440 2>/dev/null)" ]; then
        return 0
    fi
    mv "$dir/sources.new" "$dir/sources.list"
    suite_apt "$1" apt-get update -o APT::Update::Error-Mode=any >>"$log" && : >"$dir/read"
}
