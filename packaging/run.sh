#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make run` does with what it built: watch this machine, or, where that cannot be, say why and
# replay the captures named as arguments.
#   GYR            the program as built, which replays
#   GYR_STAGE      where `make install DESTDIR=` has put it
#   GYR_RUN_DIR    its prefix there, and where root gets it: with privilege Gyr takes no plugin and no
#                  rule that another user could change, and a user's clone is just that
#   GYR_RULES      rules for the captures
#   GYR_RUN_SECONDS  how long to watch; 0: until Ctrl-C. Default: 0 at a terminal, else 20
set -eu

dir=$GYR_RUN_DIR as_root=

say() {
    printf 'make run: %s\n' "$*" >&2
}

put() { # what was built, to where only root can change it
    # shellcheck disable=SC2016 # expanded by the shell that runs it
    $as_root sh -euc '
        umask 022
        rm -rf "$2/lib/gyr" "$2/share/gyr"
        mkdir -p "$2"
        cp -R --remove-destination "$1/." "$2/"
    ' sh "$GYR_STAGE$dir" "$dir"
}

demo() { # WHY CAPTURE…
    say "$1"
    say "replaying the demo captures instead"
    shift
    # root in another user's clone: that is not trusted either
    if [ "$(id -u)" -eq 0 ] && ! "$GYR" plugin describe replay >/dev/null 2>&1 && put; then
        GYR=$dir/bin/gyr GYR_RULES=$dir/share/gyr/rules
    fi
    exec "$GYR" replay --rules "$GYR_RULES" "$@"
}

terminal=
[ ! -t 0 ] || [ ! -t 1 ] || terminal=yes
seconds=${GYR_RUN_SECONDS-${terminal:+0}}
[ -n "$seconds" ] || seconds=20
case $seconds in
*[!0-9]*)
    say "GYR_RUN_SECONDS must be a whole number, not '$seconds'"
    exit 2
    ;;
esac

plugins=$GYR_STAGE$dir/lib/gyr/plugins
[ -e "$plugins/ebpf.so" ] || [ -e "$plugins/kmod.so" ] ||
    demo "neither the source ebpf nor kmod has been built, which watch a machine" "$@"

if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 ||
        demo "watching this machine takes root, and there is no sudo" "$@"
    as_root=sudo
    if ! sudo -n true 2>/dev/null; then
        [ -n "$terminal" ] || demo "watching this machine takes root, and sudo asks for a password" "$@"
        say "watching this machine takes root: sudo asks for your password"
        sudo true || demo "sudo did not let us" "$@"
    fi
fi

put || demo "what was built could not be put into $dir" "$@"
$as_root "$dir/bin/gyr" run --quiet --dry-run >/dev/null ||
    demo "this machine cannot be watched, for the reasons above" "$@"

if [ "$seconds" -gt 0 ]; then
    say "watching this machine for $seconds s with $dir/bin/gyr (GYR_RUN_SECONDS changes that)"
    say "/etc/shadow will be read once, so that there is something to see"
    (sleep 2 && $as_root cat /etc/shadow >/dev/null) &
        exec $as_root timeout --foreground --preserve-status --signal=INT "$seconds" \
        "$dir/bin/gyr" run
fi
say "watching this machine with $dir/bin/gyr until Ctrl-C"
say "to see something, read /etc/shadow in another terminal: sudo cat /etc/shadow"
exec $as_root "$dir/bin/gyr" run
