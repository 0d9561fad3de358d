#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The unit under a real systemd, hardened as it is: one that is process 1 of a namespace of its own, with
# nothing but our unit. Start, alerts, reload, a crash, a hang, the end.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
init='' cgroups=''
told="$tmp/err $tmp/systemd"

# shellcheck disable=SC2317 # the trap calls it
at_exit() {
    [ -z "$init" ] || kill -9 "$init" 2>/dev/null
    for c in $cgroups; do
        until_true 5 rmdir_all "$c" || echo "# $c stays"
    done
}
# shellcheck disable=SC2317 # until_true calls it
rmdir_all() { find "$1" -depth -type d -exec rmdir {} + 2>/dev/null; }

systemd=/lib/systemd/systemd
[ "$(id -u)" -eq 0 ] || skip_all "needs root"
[ -x $systemd ] || skip_all "there is no systemd"
[ "$(cat /proc/1/comm)" != systemd ] || skip_all "systemd rules this machine: a second one could be in its way"
[ "${GYR_VARIANT:-release}" = release ] || skip_all "sanitizers do what the unit forbids"
timeout 120 "$gyr" run --quiet --dry-run >/dev/null 2>"$tmp/err" || skip_all "this machine cannot be watched"

# ---- a machine for it: $build is /run/build there, $tmp is /run/test ----
# Its groups of processes stand below ours.
for at in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
    [ -w $at/cgroup.procs ] && mkdir "$at/gyr-test-$$" && cgroups="$cgroups $at/gyr-test-$$"
done
[ -n "$cgroups" ] || skip_all "there is no hierarchy of control groups for systemd"
cat >"$tmp/gyr.yaml" <<END
plugin_dirs: [/run/build/plugins]
outputs:
  - {plugin: stdout}
  - {plugin: file, options: {path: /var/log/gyr/alerts, format: json}, spool: {dir: /var/lib/gyr/spool/file}}
rules: {files: [rules.yaml]}
END
rule() { # NAME
    cat >"$tmp/rules.yaml" <<END
- rule: $1
  desc: The test opens a file.
  condition: evt.type in (open, openat) and fd.name = $tmp/act
  output: "%evt.type %fd.name"
  priority: WARNING
END
}
rule First
: >"$tmp/act"
mkdir -p "$tmp/units/gyr.service.d"
sed 's,^ExecStart=/usr/bin/gyr run,ExecStart=/run/build/bin/gyr run -c /run/test/gyr.yaml,' packaging/gyr.service \
    >"$tmp/units/gyr.service"
cat >"$tmp/units/gyr.service.d/test.conf" <<END
[Service]
StandardOutput=append:/run/test/out
StandardError=append:/run/test/err
WatchdogSec=4
RestartSec=100ms
END
for target in sysinit basic shutdown; do
    printf '[Unit]\nDescription=%s\nDefaultDependencies=no\n' $target >"$tmp/units/$target.target"
done
cat >"$tmp/machine.sh" <<END
set -e
mount --make-rprivate /
mkdir -p $tmp/run
mount -t tmpfs tmpfs $tmp/run
mkdir $tmp/run/build $tmp/run/test
mount --bind $build $tmp/run/build
mount --bind $tmp $tmp/run/test
mount --rbind $tmp/run /run
for d in /var/lib /var/log /var/tmp /tmp; do mount -t tmpfs -o mode=1777 tmpfs \$d; done
mount -t proc proc /proc
mount -o remount,bind,ro /sys
mkdir /run/dev
for d in null zero full random urandom tty; do cp -a /dev/\$d /run/dev/; done
mkdir /run/dev/pts /run/dev/shm
mount --bind /run/dev /dev
exec env -i PATH="\$PATH" container=test SYSTEMD_UNIT_PATH=/run/test/units $systemd --unit=gyr.service \
    --log-target=console --log-color=no --show-status=no
END
# A time limit that ends all: the namespace goes with its process 1.
timeout 280 sh -c "for c in $cgroups; do echo \$\$ >\$c/cgroup.procs; done; exec unshare -m -p -f --kill-child sh $tmp/machine.sh" \
    >"$tmp/systemd" 2>&1 </dev/null &
# shellcheck disable=SC2317 # until_true calls it
find_init() { init=$(pgrep -f "^$systemd --unit=gyr.service"); }
until_true 20 find_init
ok "systemd runs in namespaces of its own"
inside() { nsenter -t "$init" -m -p "$@"; }
shown() { inside systemctl show -P "$1" gyr.service 2>/dev/null; }
is() { [ "$(shown "$1")" = "$2" ]; }
until_true 60 is ActiveState active
ok "the unit becomes active when the detector says that it is ready"

# ---- what it may, and whether that suffices ----
pid=$(shown MainPID)
status() { inside sed -n "s/^$1:[[:space:]]*//p" "/proc/$pid/status"; }
[ "$(status Seccomp) $(status NoNewPrivs)" = "2 1" ]
ok "its calls are filtered, and it gains no privileges"
bounding=$(status CapBnd) caps=$(status CapPrm)
[ $((0x$bounding & ~(1 << 39 | 1 << 38 | 1 << 19 | 1 << 2 | 1 << 8))) -eq 0 ] &&
    [ $((0x$caps & ~(1 << 39 | 1 << 38 | 1 << 19 | 1 << 2))) -eq 0 ]
ok "it holds the capabilities that the unit names, without CAP_SETPCAP"
alerts() { inside grep -c "\"rule\":\"$1\"" /var/log/gyr/alerts; }
count() { [ "$(alerts "$1")" = "$2" ]; }
cat "$tmp/act"
until_true 20 count First 1
ok "an act is alerted to a file below /var/log/gyr, through a spool below /var/lib/gyr"
# shellcheck disable=SC2317 # until_true calls it
alerted() { shown StatusText | grep -qx 'generation 1, [0-9]* events, 1 alert, 0 events lost'; }
until_true 20 alerted || ! shown StatusText >>"$tmp/err"
ok "systemctl status tells of it"
inside test -S /run/gyr/gyr.sock
ok "its socket is there"

# ---- reload ----
echo "- rule: x" >"$tmp/rules.yaml"
inside systemctl reload gyr.service && until_true 20 grep -q "generation 1 stays in force" "$tmp/err" &&
    grep -q "rules.yaml:1:3: error" "$tmp/err" && is ActiveState active
ok "systemctl reload with a broken rule file: told, and nothing changes"
rule Second
inside systemctl reload gyr.service && until_true 20 grep -q "generation 2 is in force" "$tmp/err"
ok "systemctl reload with another rule"
cat "$tmp/act"
until_true 20 count Second 1 && count First 1
ok "which is in force"

# ---- a crash, a hang ----
# shellcheck disable=SC2317 # until_true calls it
again() { is ActiveState active && ! is MainPID "$pid" && ! is MainPID 0; }
inside kill -9 "$pid"
until_true 60 again
ok "killed, it is started again"
pid=$(shown MainPID)
cat "$tmp/act"
until_true 20 count Second 2
ok "and alerts"
inside kill -STOP "$pid"
until_true 60 again && grep -q "ended it: Aborted (as the watchdog" "$tmp/err" && ! grep -q "has crashed" "$tmp/err"
ok "hanging, it is ended by the watchdog, which is told, and started again"
sleep 6
is NRestarts 2
ok "working, it tells the watchdog so"

# ---- the end ----
pid=$(shown MainPID)
inside systemctl stop gyr.service
is ActiveState inactive && is Result success && ! inside test -e "/proc/$pid"
ok "systemctl stop ends it well"
inside test ! -e /run/gyr && [ "$(alerts Second)" = 2 ]
ok "its folder in /run is gone, its alerts are not"
finish
