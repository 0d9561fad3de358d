#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a guest does: tell facts about its kernel, then what gyr.test on the kernel's command line says,
# and for each thing tried, in a line "result: DRIVER ok|failed|skipped WHAT", how it went:
#   drivers   (when nothing is said) every source that was built, in every way that it attaches
#   count     instructions that calls take
# Exit status 1 when one failed.
set -u
export GYR=/gyr/bin/gyr
bad=0
asked() { # NAME: what gyr.NAME is on the command line
    sed -n "s/^.*gyr\.$1=\([^ ]*\).*/\1/p" /proc/cmdline
}
result() { # DRIVER STATUS WHAT
    case $2 in 0) s=ok ;; 77) s=skipped ;; *) s=failed bad=1 ;; esac
    echo "result: $1 $s $3"
}

attempt() { # DRIVER SCRIPT ARGUMENT…: the script's last line is what is to be said
    driver=$1 script=$2
    shift 2
    begin=$(cut -d. -f1 /proc/uptime)
    sh /test/"$script" "$@" >/tmp/attempt 2>&1
    status=$?
    # What is shown of a failure must not look like a result.
    [ $status -eq 0 ] || sed 's/^/| /' /tmp/attempt
    result "$driver" $status "$(tail -n 1 /tmp/attempt)"
    echo "took: $driver $(($(cut -d. -f1 /proc/uptime) - begin)) s"
    return $status
}


# With the module: its live tests, the same events as eBPF's, a hostile reader, and again and again.
try_module() {
    module=/test/modules/gyr.ko
    if ! [ -e $module ]; then
        result kmod 77 "$(cat /test/modules/why)"
        return
    fi
    attempt kmod/load module.sh load $module || return
    attempt kmod live.sh kmod ''
    [ ! -e /gyr/live/drive ] || {
        attempt drive/kmod suite.sh live/test_live.sh kmod ''
        export GYR_LIVE_SAME='ebpf: attach: sys_exit|kmod:'
        attempt same/kmod suite.sh live/test_same.sh kmod ''
    }
    attempt hostile/kmod module.sh hostile $module "$(asked hostile)"
    attempt again/kmod live.sh kmod ''
    attempt unload/kmod module.sh unload $module
    [ ! -e /gyr/plugins/ebpf.so ] || attempt choose choose.sh $module
    attempt cycles/kmod module.sh cycles $module "$(asked cycles)"
}

/test/facts
case $(asked test) in
count)
    sh /test/count.sh
    exit
    ;;
esac
attempt replay replay.sh
if [ -e /gyr/plugins/ebpf.so ]; then
    attempt ebpf/auto live.sh ebpf 'attach: auto'
    for attach in $(asked attach | tr , ' '); do
        attempt "ebpf/$attach" live.sh ebpf "attach: $attach"
        [ ! -e /gyr/live/drive ] ||
            attempt "drive/$attach" suite.sh live/test_live.sh ebpf "attach: $attach"
    done
else
    result ebpf 77 'the plugin was not built'
fi
if [ -e /gyr/plugins/kmod.so ]; then try_module; else result kmod 77 'the plugin was not built'; fi
exit $bad
