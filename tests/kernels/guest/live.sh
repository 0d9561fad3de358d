# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# live.sh SOURCE OPTIONS: things that our rules tell of are done under gyr's eyes.
# shellcheck source=/dev/null
. /test/lib.sh
: >/etc/gyr-ready
echo old >/var/log/gyr-test.log
echo x >/tmp/to-wipe
watch "$1" "$2" || exit

cat /etc/shadow >/dev/null
: >/bin/gyr-test
: >/etc/gyr-test
ln -s /etc/shadow /tmp/gyr-link
: >/var/log/gyr-test.log
: >/tmp/.gyr-hidden
/usr/bin/shred -u /tmp/to-wipe
/usr/bin/find /etc -name id_rsa
cp /bin/busybox /dev/shm/true && /dev/shm/true
bash -c 'exit 7'
[ $? -eq 7 ] || fail "bash did not run"
rm -f /bin/gyr-test /etc/gyr-test /tmp/gyr-link /tmp/.gyr-hidden /dev/shm/true

wants='Sensitive file read
Program folder written
File below etc written
Link made to a sensitive file
Log cleared
Hidden file in an open folder
Data wiped
Search for private keys or passwords
Program run from shared memory
Guest ran a shell'
missing() {
    printf '%s\n' "$wants" | while IFS= read -r rule; do
        grep -qF "\"rule\":\"$rule\"" "$alerts" || printf ' "%s"' "$rule"
    done
}
begin=$(now)
for _ in $(seq 100); do
    [ -n "$(missing)" ] || break
    sleep 0.1
done
[ -z "$(missing)" ] || cut -c1-300 "$alerts"
[ -z "$(missing)" ] || fail "no alert of$(missing)"
text='user=root command=bash -c exit 7 exit=0 parent=sh'
grep -qF "$text" "$alerts" || {
    grep -F '"Guest ran a shell"' "$alerts"
    fail "the alert of bash has not: $text"
}
waited=$(($(now) - begin))
stop
how=
if [ "$2" = "attach: auto" ]; then # how it decided, and why
    how=$(sed -n 's/^.*plugin ebpf: attached/attached/p' "$messages" | tail -n 1)
    how="${how%%:*}; "
fi
echo "${how}10 acts told, the last within $waited ms; up in $started ms, ended in $stopped ms; $(grep -m 1 -o '[0-9,]* events in .*' "$messages")"
