#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a guest does: tell facts about its kernel, then try every source that was built, and say for
# each, in a line "result: DRIVER ok|failed|skipped WHAT", how it went. With gyr.test=count on the
# kernel's command line it counts instructions instead. Exit status 1 when one failed.
set -u
export GYR=/gyr/bin/gyr
bad=0
result() { # DRIVER STATUS WHAT
    case $2 in 0) s=ok ;; 77) s=skipped ;; *) s=failed bad=1 ;; esac
    echo "result: $1 $s $3"
}

attempt() { # DRIVER SCRIPT ARGUMENT…: the script's last line is what is to be said
    driver=$1 script=$2
    shift 2
    sh /test/"$script" "$@" >/tmp/attempt 2>&1
    status=$?
    # What is shown of a failure must not look like a result.
    [ $status -eq 0 ] || sed 's/^/| /' /tmp/attempt
    result "$driver" $status "$(tail -n 1 /tmp/attempt)"
}

/test/facts
if grep -q 'gyr\.test=count' /proc/cmdline; then
    sh /test/count.sh
    exit
fi
attempt replay replay.sh
if [ -e /gyr/plugins/ebpf.so ]; then
    attempt ebpf/auto live.sh ebpf auto
    for attach in fexit sys_exit; do
        attempt "ebpf/$attach" live.sh ebpf $attach
        [ ! -e /gyr/live/drive ] || attempt "drive/$attach" drive.sh ebpf $attach
    done
else
    result ebpf 77 'the plugin was not built'
fi
exit $bad
