#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a guest does: tell facts about its kernel, then what gyr.test on the kernel's command line says,
# and for each thing tried, in a line "result: DRIVER ok|failed|skipped WHAT", how it went:
#   drivers   (when nothing is said) every source that was built, in every way that it attaches
#   scene     shells and hostile acts, on the host and in containers: scripts of tests/e2e
#   count     instructions that calls take
# Exit status 1 when one failed.
set -uf # no pattern of gyr.only is for files
export GYR=/gyr/bin/gyr
bad=0
asked() { # NAME: what gyr.NAME is on the command line
    sed -n "s/^.*gyr\.$1=\([^ ]*\).*/\1/p" /proc/cmdline
}
result() { # DRIVER STATUS WHAT
    case $2 in 0) s=ok ;; 77) s=skipped ;; *) s=failed bad=1 ;; esac
    echo "result: $1 $s $3"
}

wanted() { # DRIVER: by gyr.only, patterns with commas between; loading is needed for the rest
    [ -n "$only" ] || return 0
    for pattern in $(echo "$only,*load/kmod" | tr , ' '); do
        # shellcheck disable=SC2254 # it is a pattern
        case $1 in $pattern) return 0 ;; esac
    done
    return 1
}

attempt() { # DRIVER SCRIPT ARGUMENT…: the script's last line is what is to be said
    driver=$1 script=$2
    shift 2
    wanted "$driver" || return 0
    begin=$(cut -d. -f1 /proc/uptime)
    sh /test/"$script" "$@" >/tmp/attempt 2>&1
    status=$?
    # What is shown of a failure must not look like a result.
    [ $status -eq 0 ] || sed 's/^/| /' /tmp/attempt
    result "$driver" $status "$(tail -n 1 /tmp/attempt)"
    echo "took: $driver $(($(cut -d. -f1 /proc/uptime) - begin)) s"
    return $status
}


# What takes a processor that is not emulated by a busy machine: only when it is asked for.
on_demand() { [ -z "$only" ] || attempt "$@"; }

# With the module: its live tests, the same events as eBPF's, a hostile reader, and again and again.
try_module() {
    module=/test/modules/gyr.ko
    if ! [ -e $module ]; then
        result kmod 77 "$(cat /test/modules/why)"
        return
    fi
    attempt load/kmod module.sh load $module || return
    attempt kmod live.sh kmod ''
    [ ! -e /gyr/live/drive ] || {
        attempt drive/kmod suite.sh live/test_live.sh kmod ''
        export GYR_LIVE_SAME='ebpf: attach: sys_exit|kmod:'
        attempt same/kmod suite.sh live/test_same.sh kmod ''
    }
    on_demand state/kmod suite.sh live/test_state.sh kmod ''
    attempt hostile/kmod module.sh hostile $module "$(asked hostile)"
    attempt again/kmod live.sh kmod ''
    attempt unload/kmod module.sh unload $module
    [ ! -e /gyr/plugins/ebpf.so ] || attempt choose choose.sh $module
    attempt cycles/kmod module.sh cycles $module "$(asked cycles)"
}

try_scene() { # SOURCE OPTIONS
    attempt "docker/$1" suite.sh e2e/test_docker_live.sh "$1" "$2"
    attempt "attacks/$1" suite.sh e2e/test_attacks_live.sh "$1" "$2"
}

only=$(asked only)
/test/facts
case $(asked test) in
count)
    sh /test/count.sh
    exit
    ;;
scene)
    insmod /test/modules/overlay.ko || :
    # Docker's seccomp refuses some of the acts, which fexit does not see.
    [ ! -e /gyr/plugins/ebpf.so ] || try_scene ebpf 'attach: sys_exit'
    [ ! -e /test/modules/gyr.ko ] || {
        attempt load/kmod module.sh load /test/modules/gyr.ko && try_scene kmod ''
        attempt unload/kmod module.sh unload
    }
    exit $bad
    ;;
esac
attempt replay replay.sh
if [ -e /gyr/plugins/ebpf.so ]; then
    attempt ebpf/auto live.sh ebpf 'attach: auto'
    for attach in $(asked attach | tr , ' '); do
        attempt "ebpf/$attach" live.sh ebpf "attach: $attach"
        [ ! -e /gyr/live/drive ] ||
            attempt "drive/$attach" suite.sh live/test_live.sh ebpf "attach: $attach"
        on_demand "state/$attach" suite.sh live/test_state.sh ebpf "attach: $attach"
    done
else
    result ebpf 77 'the plugin was not built'
fi
if [ -e /gyr/plugins/kmod.so ]; then try_module; else result kmod 77 'the plugin was not built'; fi
exit $bad
