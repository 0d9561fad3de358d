# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# drive.sh SOURCE ATTACH: the live tests: every typed event, compared with what the program did.
# shellcheck source=/dev/null
. /test/lib.sh
: >/etc/gyr-ready
watch "$1" "$2" '  - plugin: tap
    options: {path: /tmp/came}' || exit
/gyr/live/drive /tmp/expected || fail "drive ended with status $?"
sleep 1
stop
lacks=$(grep -c "the kernel's types lack" "$messages")
/gyr/live/drive --compare /tmp/expected /tmp/came
status=$?
[ $status -eq 0 ] || [ "$lacks" -eq 0 ] || {
    grep "the kernel's types lack" "$messages"
    echo "the kernel's types lack functions of $lacks calls, which gyr told"
    exit 77
}
exit $status
