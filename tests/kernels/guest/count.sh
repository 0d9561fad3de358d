# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Instructions that calls take, without gyr and with it.
# shellcheck source=/dev/null
. /test/lib.sh
: >/etc/gyr-ready
# What is taken off in the background would be counted as the next one's.
settle() {
    for _ in $(seq 120); do
        [ -n "$(cat /sys/kernel/tracing/enabled_functions 2>/dev/null)" ] || return 0
        sleep 1
    done
    echo "programs stay attached"
    exit 1
}
/test/count_calls plain || exit
/test/count_calls empty empty || exit
[ -e /gyr/plugins/ebpf.so ] || { echo "result: count skipped the plugin was not built"; exit 0; }
for attach in fexit sys_exit; do
    watch ebpf "attach: $attach" || continue
    sleep 1
    /test/count_calls $attach || exit
    stop
    settle
done
if [ -e /test/modules/gyr.ko ]; then
    insmod /test/modules/gyr.ko || exit
    /test/count_calls loaded || exit
    watch kmod '' || exit
    sleep 1
    /test/count_calls kmod || exit
    stop
fi
/test/count_calls after || exit
echo "result: count ok"
