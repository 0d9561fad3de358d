# SPDX-License-Identifier: Apache-2.0
# What test scripts share: the program, a folder of their own, TAP, waiting. Sourced from the top folder.
# shellcheck shell=sh disable=SC2034,SC2154 # the scripts use and set these
build=$(realpath "${GYR_BUILD:-build/release}")
gyr=$(realpath "${GYR:-$build/bin/gyr}")
tmp=$(mktemp -d ${tmp_in:+-p "$(realpath "$tmp_in")"}) || exit 1 # $tmp_in: where that is to be
chmod 755 "$tmp"
umask 022
n=0 bad=0
told="$tmp/err" # files of which ok() shows the end when a test fails

# at_exit: a script that starts something redefines it, and ends that
# shellcheck disable=SC2317 # the trap calls it
at_exit() { :; }
trap 'at_exit; rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

ok() { # NAME: the last command's status decides
    rc=$?
    n=$((n + 1))
    [ $rc -eq 0 ] || { bad=1 && printf 'not '; }
    printf 'ok %d - %s\n' "$n" "$1"
    # shellcheck disable=SC2086 # words
    [ $rc -eq 0 ] || tail -n 30 $told 2>/dev/null | sed 's/^/# /'
}

skip() { # WHY
    n=$((n + 1))
    printf 'ok %d # SKIP %s\n' "$n" "$1"
}

# too_busy WHAT: is the machine so busy with other things that WHAT would test them? Then it is skipped.
too_busy() {
    load=$(cut -d. -f1 /proc/loadavg)
    [ "$load" -ge $((4 * $(nproc))) ] || return 1
    skip "$1: the load of this machine is $(cut -d' ' -f1 /proc/loadavg)"
}

skip_all() { # WHY
    printf '1..1\nok 1 # SKIP %s\n' "$1"
    exit 0
}

finish() {
    printf '1..%d\n' "$n"
    exit $bad
}

until_true() { # SECONDS COMMAND…: looked at ten times a second
    tries=$(($1 * 10))
    shift
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.1
    done
}

# end_when_told SECONDS WORDS: what runs in the background as $run, with its messages in $tmp/err, is
# ended once it has said them
end_when_told() {
    until_true "$1" grep -q -- "$2" "$tmp/err"
    kill "$run" 2>/dev/null
    wait "$run" 2>/dev/null
}

uuids() { grep -ho '"uuid":"[^"]*"' "$@"; }
