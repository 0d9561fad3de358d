# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Instructions that calls take, without gyr and with it.
# shellcheck source=/dev/null
. /test/lib.sh
: >/etc/gyr-ready
/test/count_calls plain || exit
/test/count_calls empty empty || exit
[ -e /gyr/plugins/ebpf.so ] || { echo "result: count skipped the plugin was not built"; exit 0; }
for attach in fexit sys_exit; do
    watch ebpf "attach: $attach" || continue
    sleep 1
    /test/count_calls $attach || exit
    stop
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
