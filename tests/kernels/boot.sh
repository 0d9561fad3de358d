#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# boot.sh [-t SECONDS] [-c] [-m MEMORY] [-p PARAMETERS] [-l LOG] KERNEL INITRD: boot a guest without network and
# disk, wait until it has ended, and judge it by what it printed. -c counts: every instruction takes
# one nanosecond of the guest's time, on one CPU. -p adds kernel parameters. LOG gets the console.
# Exit status: 0 its tests passed; 1 they failed; 77 they were skipped; 3 it never came up;
# 4 it took too long; 5 the kernel complained (an oops, a warning, a panic); 2 wrong usage.
set -u
# One host thread for both CPUs: with one each, qemu 7.2 now and then runs code that the other has
# just patched, and the kernel dies of an int3. Without cx16: that qemu leaves rubbish in the flags
# behind cmpxchg16b, of which 6.12's slab allocator dies in every third boot.
limit=120 log=guest.log more='' memory=1G machine='-smp 2 -accel tcg,thread=single'
while getopts t:cm:p:l: o; do
    case $o in
    t) limit=$OPTARG ;;
    c) machine='-smp 1 -accel tcg -icount shift=0,sleep=off' ;;
    m) memory=$OPTARG ;;
    p) more=$OPTARG ;;
    l) log=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -eq 2 ] || { sed -n '3,8s/^# //p' "$0" >&2; exit 2; }
say() { printf 'guest: %s\n' "$1"; }
if ! [ -r "$1" ] || ! [ -r "$2" ]; then
    say "$1 or $2 cannot be read"
    exit 2
fi

begin=$(date +%s)
# shellcheck disable=SC2086 # words are meant to split
timeout --foreground -k 5 "$limit" qemu-system-x86_64 -nodefaults -no-user-config -display none -serial stdio \
    -monitor none -nic none -m "$memory" -cpu max,-cx16 $machine -no-reboot -kernel "$1" -initrd "$2" \
    -append "console=ttyS0 loglevel=5 panic=-1 tsc=reliable random.trust_cpu=on $more" \
    </dev/null 2>&1 | sed -u 's/\r//g' >"$log"
took=$(($(date +%s) - begin))

end=$(sed -n 's/^.*GYR-GUEST-END status=\([0-9]*\) tainted=\([0-9]*\)$/\1 \2/p' "$log" | tail -n 1)
up=$(sed -n 's/^.*GYR-GUEST-UP \([0-9.]*\) \(.*\)$/\2 was up after \1 s/p' "$log" | tail -n 1)
# Taints 7 and 9: it died, it warned. The words are for a kernel that told no taint any more.
tainted=${end#* }
if [ $((${tainted:-0} & (1 << 7 | 1 << 9))) -ne 0 ] ||
    grep -qE '(^|\] )(BUG: |WARNING: |Oops: |Kernel panic|.*general protection fault)' "$log"; then
    say "the kernel complained ($took s): $(grep -m 1 -E 'BUG: |WARNING: |Oops: |[Pp]anic|PANIC' "$log")"
    exit 5
fi
[ -n "$up" ] || { say "it never came up ($took s)"; exit 3; }
[ -n "$end" ] || { say "$up, and did not end in $took s"; exit 4; }
case ${end% *} in
0) verdict=passed rc=0 ;;
77) verdict=skipped rc=77 ;;
*) verdict="failed (${end% *})" rc=1 ;;
esac
say "$up; tests $verdict; $took s in all"
exit $rc
