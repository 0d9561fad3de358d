#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check.sh [-b BUILD] [-d CACHE] [-t SECONDS] [-c|-e|-s] [-r RESULTS] KERNEL…: try what BUILD holds on
# Debian's packaged kernels in qemu, and print a table. -c counts instructions instead of testing; -e
# acts out what needs containers instead; -s tests in short: eBPF attached in one way, fewer repetitions. RESULTS gets a line for each result: kernel, driver,
# ok|failed|skipped, and words about it. What cannot be had is skipped, loudly, and counted. Consoles and
# facts are kept in CACHE/logs, the modules in CACHE/KERNEL/kmod.
#   GYR_CYCLES=1000: load and unload the module so often (50; with -s 20)
#   GYR_HOSTILE_SECONDS=600: so long do readers what they should not (30; with -s 10)
#   GYR_ONLY='drive/*,same/kmod': only these of the results' drivers
# Exit status: 0 all that ran passed; 1 something failed; 77 nothing could run.
set -u
umask 022
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$top/build/release cache=$top/build/kernels limit=1800 results='' count='' short='' scene='' memory=1G
while getopts b:d:t:cesr: o; do
    case $o in
    b) build=$OPTARG ;;
    d) cache=$OPTARG ;;
    t) limit=$OPTARG ;;
    c) count=1 ;;
    e) scene=1 memory=4G ;;
    s) short=1 ;;
    r) results=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
logs=$cache/logs
mkdir -p "$logs"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
results=${results:-$tmp/results}
: >"$results"

missing=
for tool in qemu-system-x86_64 busybox cpio; do
    command -v $tool >/dev/null 2>&1 || missing="$missing $tool"
done
if [ -n "$missing" ]; then
    printf 'SKIPPED: no kernel can be tried: not installed:%s\n' "$missing"
    exit 77
fi

set -- "$@" -- # the kernels, then what goes into the guest
while [ "$1" != -- ]; do
    printf '%s\n' "$1" >>"$tmp/kernels"
    shift
done
shift
for f in "$here"/guest/*.sh "$here/guest/rules.yaml" "$build"/guest/* "$top/tests/captures/seed.scap.gz"; do
    set -- "$@" -a "$f:/test/"
done
for f in "$build/bin/gyr:/gyr/bin/" "$build/plugins:/gyr/plugins" "$top/rules:/gyr/rules" \
    "$top/tests/live:/gyr/tests/live" "$top/tests/lib:/gyr/tests/lib"; do
    set -- "$@" -a "$f"
done
# dash, as busybox's own shell runs its applets instead of programs, whatever PATH says
programs='bash cat dash prlimit setpriv timeout'
if [ -n "$scene" ]; then
    programs="$programs containerd containerd-shim-runc-v2 cp date diff docker dockerd find grep gzip ldd
        mount runc script setsid shred sleep tar true umount"
    # what there is of it that such acts may import, and may not
    mkdir "$tmp/python"
    if [ -x /usr/bin/python3 ]; then
        lib=$(/usr/bin/python3 -c 'import os; print(os.path.dirname(os.__file__))')
        cp -R "$lib/." "$tmp/python"
        rm -rf "$tmp"/python/config-* "$tmp/python/test" "$tmp/python/idlelib" "$tmp/python/lib2to3"
        set -- "$@" -a "$tmp/python:$lib" -a /usr/bin/python3:/usr/bin/python3
    fi
    for f in tools/attacks.py rules-in-the-wild expected/attacks.alerts.jsonl; do
        [ ! -e "$top/../shared/$f" ] || set -- "$@" -a "$top/../shared/$f:/shared/$f"
    done
    for f in "$top/tests/e2e:/gyr/tests/e2e" "$build/e2e/alert_rows:/gyr/e2e/" /etc/passwd:/etc/passwd \
        /etc/group:/etc/group "$top/tests/captures/attacks.scap.gz:/gyr/tests/captures/"; do
        set -- "$@" -a "$f"
    done
fi
for program in $programs; do
    at=$(command -v "$program") || { printf 'not installed: %s\n' "$program"; continue; }
    case $at in /*) ;; *) at=/usr/bin/$at ;; esac # a builtin, too
    set -- "$@" -a "$at:/usr/bin/$program"
done
for f in drive leaf tap.so; do
    [ ! -e "$build/live/$f" ] || set -- "$@" -a "$build/live/$f:/gyr/live/"
done
sh "$here/initrd.sh" -o "$tmp/initrd" "$@" "$here/guest/run.sh" || exit 1

tell() { # KERNEL DRIVER VERDICT WORDS
    printf '%s %s %s %s\n' "$1" "$2" "$3" "$4" >>"$results"
}
# What differs from kernel to kernel, behind what all have: its modules, and ours or why it is not there.
add_modules() { # KERNEL: to $tmp/guest.initrd
    rm -rf "$tmp/more"
    mkdir -p "$tmp/more/test"
    cp -R "$cache/$1/modules" "$tmp/more/test/modules"
    if [ -e "$build/plugins/kmod.so" ]; then
        sh "$here/module.sh" "$cache" "$1" "$cache/$1/kmod" >"$tmp/log" 2>"$tmp/why"
        case $? in
        0) cp "$cache/$1/kmod/gyr.ko" "$tmp/more/test/modules/" ;;
        77) tail -n 1 "$tmp/why" >"$tmp/more/test/modules/why" ;;
        *)
            cat "$tmp/log" "$tmp/why"
            echo 'it was not built' >"$tmp/more/test/modules/why"
            tell "$(cut -d' ' -f1 "$cache/$1/release")" build/kmod failed "$(tail -n 1 "$tmp/log")"
            ;;
        esac
    fi
    (cd "$tmp/more" && find . | sort | cpio --quiet -o -H newc -R 0:0) |
        cat "$tmp/initrd" - >"$tmp/guest.initrd"
}
ways=fexit,sys_exit cycles=50 hostile=30
[ -z "$short" ] || ways=sys_exit cycles=20 hostile=10
asks="gyr.attach=$ways gyr.cycles=${GYR_CYCLES:-$cycles} gyr.hostile=${GYR_HOSTILE_SECONDS:-$hostile}${GYR_ONLY:+ gyr.only=$GYR_ONLY}"
[ -z "$count" ] || asks=gyr.test=count
[ -z "$scene" ] || asks="gyr.test=scene gyr.root=tmpfs apparmor=0${GYR_ONLY:+ gyr.only=$GYR_ONLY}"
# The time stamp counter is the host's. A guest that measures it on a busy host gets it wrong.
[ -n "$count" ] || asks="$asks tsc_early_khz=$("$build/guest/tsc_khz")"
while IFS= read -r kernel <&3; do
    printf -- '-- %s\n' "$kernel"
    if ! sh "$here/fetch.sh" "$cache" "$kernel" 2>"$tmp/why"; then
        cat "$tmp/why"
        tell "$kernel" - skipped "SKIP: $(tail -n 1 "$tmp/why")"
        continue
    fi
    add_modules "$kernel"
    log=$logs/$kernel${count:+-count}${scene:+-scene}.log
    sh "$here/boot.sh" -t "$limit" ${count:+-c} -m "$memory" -p "$asks" -l "$log" \
        "$cache/$kernel/vmlinuz" "$tmp/guest.initrd" >"$tmp/guest"
    rc=$?
    release=$(cut -d' ' -f1 "$cache/$kernel/release")
    grep -E '^(facts|count|\|)' "$log"
    cat "$tmp/guest"
    sed -n "s|^result: |$release |p" "$log" >>"$results"
    case $rc in
    0) ;;
    1) grep -q "^$release .* failed" "$results" || tell "$release" tests failed 'see above' ;;
    77) tell "$release" tests skipped "$(grep '^count: the' "$log")" ;;
    *) tell "$release" boot failed "$(cat "$tmp/guest")"; tail -n 40 "$log" ;;
    esac
done 3<"$tmp/kernels"

printf '\n%-32s %-16s %-8s %s\n' kernel driver result ''
while read -r kernel driver verdict words; do
    printf '%-32s %-16s %-8s %s\n' "$kernel" "$driver" "$verdict" "$words"
done <"$results"
for verdict in ok failed skipped; do
    printf '%s %s; ' "$(cut -d' ' -f3 "$results" | grep -cx $verdict)" $verdict
done
printf '\n'
cut -d' ' -f3 "$results" | grep -qx failed && exit 1
cut -d' ' -f3 "$results" | grep -qx ok || exit 77
