# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# module.sh load|unload|hostile|cycles MODULE [SECONDS|TIMES]: what is tried with the module itself.
echo 1 >/sys/kernel/rcu_expedited # more tries in the same time
there() { grep -q '^gyr ' /proc/modules; }
case $1 in
load)
    insmod "$2" || { dmesg | tail -n 5; echo "insmod failed"; exit 1; }
    if ! there || ! [ -c /dev/gyr ] || [ "$(stat -c %a:%u:%g /dev/gyr)" != 600:0:0 ]; then
        echo "it has no device that is root's alone"
        exit 1
    fi
    echo "version $(cat /sys/module/gyr/version)"
    ;;
unload)
    rmmod gyr || { echo "rmmod failed"; exit 1; }
    if there || [ -e /dev/gyr ]; then
        echo "it is still there"
        exit 1
    fi
    echo "nothing of it is left"
    ;;
hostile)
    /test/refused || exit
    /test/hostile "$2" "${3:-20}" || exit
    ;;
cycles)
    ! there || { echo "it is loaded already"; exit 1; }
    /test/cycles "$2" "${3:-50}" 2>/dev/console || exit
    ;;
esac
